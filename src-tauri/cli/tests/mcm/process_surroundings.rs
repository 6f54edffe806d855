//! `mcm` as a process of which the system says something unusual: in a container, without /proc, below limits, and with
//! signals that its parent ignores.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use mcm_core::testing::not_checked;
use rustix::process::{Pid, Signal, kill_process};
use sandbox_clouds::azure::Rotation;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Endpoint, Fault};

use crate::environments::Three;
use crate::harness::{ADA, Begun, Ended, Harness, namespaces, write};

/// `mcm`, started by another program.
fn behind(harness: &Harness, words: &[&str], arguments: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    harness.equip(&mut command);
    command
        .args(&words[1..])
        .arg(env!("CARGO_BIN_EXE_mcm"))
        .args(arguments);
    command
}

#[test]
fn a_command_and_a_browser_are_followed_though_the_parent_ignores_the_ends_of_its_children() {
    let harness = Harness::start();
    let ignoring = ["env", "--ignore-signal=CHLD"];
    let login = behind(&harness, &ignoring, &["login", "azure"]);
    let begun = Begun::start(login);
    let page = harness.next_page();
    let ada = Browser::new().as_user(ADA);
    harness.browse(&ada, &page);
    begun.ended().done();
    let id = harness.account_of("azure");
    let exec = ["exec", &id, "--", "sh", "-c", "echo ran; exit 7"];
    let ended = Ended::run(behind(&harness, &ignoring, &exec));
    assert_eq!((ended.status, ended.result.as_str()), (7, "ran\n"));
    let exec = ["exec", &id, "--", "grep", "SigIgn", "/proc/self/status"];
    let mask = Ended::run(behind(&harness, &ignoring, &exec)).done();
    let mask = mask.split_whitespace().last().expect("a mask");
    let mask = u64::from_str_radix(mask, 16).expect("hexadecimal");
    assert_eq!(
        mask >> 16 & 1,
        0,
        "the command may need the ends of its own"
    );
}

#[test]
fn a_signal_that_ends_the_command_is_its_status_where_mcm_is_the_first_process() {
    let Some(container) = namespaces(&["--pid", "--fork", "--mount-proc"]) else {
        return;
    };
    let harness = Harness::start();
    let id = harness.connected(false);
    for (signal, status) in [("INT", 130), ("TERM", 143), ("HUP", 129), ("SEGV", 139)] {
        let script = format!("echo $PPID; kill -{signal} $$");
        let exec = ["exec", &id, "--", "sh", "-c", &script];
        let ended = Ended::run(behind(&harness, &container, &exec));
        assert_eq!((ended.status, ended.result.as_str()), (status, "1\n"));
    }
}

#[test]
fn without_proc_the_cause_is_named() {
    let Some(container) = namespaces(&["--mount"]) else {
        return;
    };
    let harness = Harness::start();
    let without = ["sh", "-c", "mount -t tmpfs none /proc && exec \"$@\"", "sh"];
    let words = [&container[..], &without].concat();
    let refused = Ended::run(behind(&harness, &words, &["accounts"])).failed(1);
    assert!(refused.contains("mount /proc"), "{refused}");
}

#[test]
fn a_limit_of_file_sizes_ends_no_renewal() {
    let harness = Harness::start();
    let id = harness.connected(true);
    for limit in ["0", "16", "64", "128", "256"] {
        let script = format!("ulimit -f {limit}; exec \"$@\"");
        let limited = ["sh", "-c", script.as_str(), "sh"];
        // It may fail, by itself.
        Ended::run(behind(&harness, &limited, &["token", &id]));
        harness.mcm(&["token", &id]).done();
        harness.forget_sessions();
    }
}

#[test]
fn a_home_that_depends_on_the_current_folder_holds_no_accounts() {
    let harness = Harness::start();
    let folder = harness.folder().join("somewhere");
    fs::create_dir(&folder).expect("ours");
    let mut command = harness.command(&["accounts"]);
    command
        .env_remove("MCM_HOME")
        .env("HOME", "home")
        .current_dir(&folder);
    let refused = Ended::run(command).failed(1);
    assert!(refused.contains("HOME is \"home\""), "{refused}");
    assert_eq!(fs::read_dir(&folder).expect("readable").count(), 0);
}

#[test]
fn a_home_that_is_no_folder_is_named_and_its_permissions_are_not_blamed() {
    let harness = Harness::start();
    let mut command = harness.command(&["accounts"]);
    command.env_remove("MCM_HOME").env("HOME", "/dev/null");
    let refused = Ended::run(command).failed(1);
    assert!(refused.contains("/dev/null is not a folder"), "{refused}");
}

/// A control group that allows so many processes and threads. It is removed when this is dropped.
struct Limited(PathBuf);

impl Limited {
    fn to(limit: usize) -> Option<Self> {
        let name = format!("mcm-test-{}-{limit}", std::process::id());
        let bases = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"].map(Path::new);
        bases.into_iter().find_map(|base| {
            let group = Self(base.join(&name));
            fs::create_dir(&group.0).ok()?;
            let most = group.0.join("pids.max");
            most.exists()
                .then(|| write(&most, 0o600, &limit.to_string()))?;
            Some(group)
        })
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn a_command_that_cannot_be_followed_is_not_started() {
    let harness = Harness::start();
    let id = harness.connected(false);
    for limit in 1..12 {
        let Some(group) = Limited::to(limit) else {
            return not_checked(
                "only the administrator of a system with control groups can limit processes.",
            );
        };
        let enter = format!("echo $$ > {}/cgroup.procs; exec \"$@\"", group.0.display());
        let limited = ["sh", "-c", enter.as_str(), "sh"];
        let exec = ["exec", &id, "--", "/bin/echo", "ran"];
        let ended = Ended::run(behind(&harness, &limited, &exec));
        match ended.status {
            0 => assert_eq!(ended.result, "ran\n"),
            _ => assert_eq!(ended.result, "", "limit {limit}"),
        }
        let is_explained = ended.stderr.contains("has no free");
        assert_eq!(
            is_explained,
            ended.status != 0,
            "limit {limit}: {}",
            ended.stderr
        );
    }
}

#[test]
fn a_renewal_that_a_signal_interrupts_stores_its_result() {
    let harness = Harness::start();
    let id = harness.connected(true);
    harness.sandbox.set_azure_rotation(Rotation::Strict);
    for signal in [Signal::TERM, Signal::HUP] {
        harness.forget_sessions();
        harness.sandbox.forget_requests();
        // The renewal spends the refresh token, and its answer is slow.
        let slow = Fault::Latency(2000);
        harness.sandbox.faults().next(Endpoint::AzureToken, slow);
        let mut mcm = harness
            .command(&["token", &id])
            .spawn()
            .expect("mcm starts");
        harness.until_renewing();
        kill_process(Pid::from_child(&mcm), signal).expect("it runs");
        let status = mcm.wait().expect("it ends");
        assert_eq!(status.signal(), Some(signal.as_raw()));
        harness.mcm(&["token", &id]).done();
        assert_eq!(harness.renewals(), 1, "the new session was stored");
    }
}

/// Runs a script of bash in a container with a `/proc` of its own. `$INNER` starts a program in a further one, in which
/// `/proc` still shows the processes of the first.
fn with_proc_of_outside(harness: &Harness, script: &str) -> Option<Ended> {
    let container = namespaces(&["--pid", "--fork", "--mount-proc"])?;
    let mut command = Command::new(container[0]);
    harness.equip(&mut command);
    let script = format!("INNER='unshare --pid --fork'\n{script}\nexit $?");
    command
        .args(&container[1..])
        .args(["bash", "-c", &script, env!("CARGO_BIN_EXE_mcm")]);
    Some(Ended::run(command))
}

#[test]
fn a_process_of_outside_is_not_taken_for_the_shell() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let python = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))";
    let script = format!("$INNER /usr/bin/python3 -c '{python}' $0 env {id}");
    if let Some(ended) = with_proc_of_outside(&harness, &script) {
        assert_eq!((ended.status, ended.result.as_str()), (2, "false\n"));
        assert!(ended.stderr.contains("No known shell"), "{}", ended.stderr);
    }
}

#[test]
fn fish_gets_back_its_own_variables_and_not_those_of_a_process_of_outside() {
    let harness = Harness::start();
    Three::connect(&harness).create(&harness, "dev", &["--region", "eu-west-3"]);
    let script = "for i in {1..60}; do MCM_ENVIRONMENT=theirs AWS_REGION=us-east-1 sleep 60 & done
        echo 'echo is=$MCM_ENVIRONMENT,$AWS_REGION.' | $INNER $0 shell dev --shell fish";
    if let Some(ended) = with_proc_of_outside(&harness, script) {
        let shown = ended.result + &ended.stderr;
        assert!(shown.contains("is=dev,eu-west-3."), "{shown}");
    }
}
