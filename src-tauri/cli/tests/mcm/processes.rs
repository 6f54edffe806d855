//! The command of `mcm exec` as a process: its status, its signals, the terminal, and its remains.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Command, Stdio};

use sandbox_clouds::{Endpoint, Fault};

use crate::exec_child::ExecChild;
use crate::harness::{Begun, Ended, Harness, install, install_script, run};

const MCM: &str = env!("CARGO_BIN_EXE_mcm");

fn account(harness: &Harness) -> String {
    harness.connected(false)
}

fn signal(name: &str, id: &str) {
    let status = Command::new("kill")
        .args([name, "--", id])
        .status()
        .expect("kill is there");
    assert!(status.success());
}

#[test]
fn the_commands_status_and_output_are_ours() {
    let harness = Harness::start();
    let id = account(&harness);
    let run = |script: &str| harness.mcm(&["exec", &id, "--", "sh", "-c", script]);
    let ended = run("echo out; echo err >&2; exit 42");
    assert_eq!(
        (ended.status, ended.result.as_str(), ended.stderr.as_str()),
        (42, "out\n", "err\n")
    );
    assert_eq!(run("true").done(), "");
    assert_eq!(run("kill -SEGV $$").status, 139);
    let words = harness
        .mcm(&[
            "exec", &id, "--", "printf", "<%s>", "a b", "--json", "", "*",
        ])
        .done();
    assert_eq!(words, "<a b><--json><><*>");
}

#[test]
fn a_command_that_cannot_be_started_is_status_127_or_126_and_named() {
    let harness = Harness::start();
    let id = account(&harness);
    let output = harness
        .mcm(&["exec", &id, "--", "no-such-command"])
        .failed(127);
    assert!(
        output.contains("\"no-such-command\" was not found"),
        "{output}"
    );
    let file = harness.folder().join("plain");
    for (mode, text, said) in [
        (0o600, "#!/bin/sh\n", "chmod +x"),
        (0o700, "echo\n", "#!/bin/sh"),
    ] {
        install_script(&file, text);
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("it is ours");
        let output = harness
            .mcm(&["exec", &id, "--", file.to_str().expect("text")])
            .failed(126);
        assert!(output.contains(said), "{output}");
    }
}

#[test]
fn a_signal_that_ends_the_command_ends_us() {
    let harness = Harness::start();
    let id = account(&harness);
    let mut command = harness.command(&["exec", &id, "--", "sh", "-c", "kill -TERM $$"]);
    let status = command.status().expect("mcm starts");
    assert_eq!(status.signal(), Some(15));
}

#[test]
fn a_signal_to_us_is_left_to_the_command_and_no_file_stays() {
    let harness = Harness::start();
    let id = account(&harness);
    let script = "import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b'usr\\n'))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
print('ready', flush=True)
while True: signal.pause()";
    let mut command = harness.command(&["exec", &id, "--", "/usr/bin/python3", "-c", script]);
    let mut mcm = command.stdout(Stdio::piped()).spawn().expect("mcm starts");
    let mut lines = BufReader::new(mcm.stdout.take().expect("piped")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    assert_eq!(next(), "ready");
    signal("-USR1", &mcm.id().to_string());
    assert_eq!(next(), "usr");
    signal("-TERM", &mcm.id().to_string());
    assert_eq!(mcm.wait().expect("mcm ends").code(), Some(9));
}

#[test]
fn a_signal_that_the_command_sends_to_its_group_reaches_it_once() {
    let harness = Harness::start();
    let id = account(&harness);
    // It stops us meanwhile, so that a second signal would arrive after the first.
    let script = "import os, signal
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b'usr1\\n'))
signal.signal(signal.SIGUSR2, lambda *_: (os.write(1, b'usr2\\n'), os._exit(0)))
mcm = os.getppid()
os.kill(mcm, signal.SIGSTOP)
while ') T ' not in open(f'/proc/{mcm}/stat').read(): pass
os.kill(0, signal.SIGUSR1)
os.kill(mcm, signal.SIGCONT)
while True: signal.pause()";
    let mut command = harness.command(&["exec", &id, "--", "/usr/bin/python3", "-c", script]);
    // Otherwise the test is in the group as well.
    let mut mcm = command
        .process_group(0)
        .stdout(Stdio::piped())
        .spawn()
        .expect("mcm starts");
    let mut lines = BufReader::new(mcm.stdout.take().expect("piped")).lines();
    let mut next = || lines.next().map(|line| line.expect("text"));
    assert_eq!(next().as_deref(), Some("usr1"));
    // Signals are passed on in order, so a second one would arrive before this one.
    signal("-USR2", &mcm.id().to_string());
    assert_eq!(next().as_deref(), Some("usr2"));
    assert_eq!(next(), None);
    assert!(mcm.wait().expect("mcm ends").success());
}

#[test]
fn the_runtime_folder_of_another_user_is_passed_over() {
    if !mcm_core::testing::may_run_as_another_user() {
        return;
    }
    let harness = Harness::start();
    harness.login(crate::harness::ADA, &["gcp"]).done();
    let id = harness.account_of("gcp");
    let (theirs, temporary) = (
        harness.folder().join("theirs"),
        harness.folder().join("temporary"),
    );
    for folder in [&theirs, &temporary] {
        fs::create_dir(folder).expect("ours");
    }
    std::os::unix::fs::chown(&theirs, Some(65534), None).expect("the administrator may");
    let child = ExecChild::start_with(&harness, &[&id], |command| {
        command
            .env("XDG_RUNTIME_DIR", &theirs)
            .env("TMPDIR", &temporary);
    });
    let file = child.get("GOOGLE_APPLICATION_CREDENTIALS");
    assert!(
        file.starts_with(temporary.to_str().expect("text")),
        "{file}"
    );
    assert_eq!(fs::read_dir(&theirs).expect("readable").count(), 0);
}

#[test]
fn a_temporary_folder_that_every_user_can_change_gets_no_files_of_a_command() {
    let harness = Harness::start();
    harness.login(crate::harness::ADA, &["gcp"]).done();
    let id = harness.account_of("gcp");
    let temporary = harness.folder().join("temporary");
    fs::create_dir(&temporary).expect("ours");
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o777)).expect("ours");
    for (variable, other) in [("TMPDIR", "XDG_RUNTIME_DIR"), ("XDG_RUNTIME_DIR", "TMPDIR")] {
        let mut command = harness.command(&["exec", &id, "--", "true"]);
        command.env_remove(other).env(variable, &temporary);
        let refused = Ended::run(command).failed(1);
        assert!(
            refused.contains("can be changed by every user"),
            "{refused}"
        );
        assert_eq!(fs::read_dir(&temporary).expect("readable").count(), 0);
    }
}

#[test]
fn a_signal_removes_the_folder_and_the_next_run_removes_that_of_a_killed_one() {
    let harness = Harness::start();
    harness.login(crate::harness::ADA, &["gcp"]).done();
    let id = harness.account_of("gcp");
    let runtime = harness.folder().join("runtime");
    fs::create_dir(&runtime).expect("ours");
    let left = || fs::read_dir(&runtime).expect("readable").count();
    let start = || {
        ExecChild::start_with(&harness, &[&id], |command| {
            command.env("XDG_RUNTIME_DIR", &runtime);
        })
    };
    let child = start();
    assert!(
        child
            .get("GOOGLE_APPLICATION_CREDENTIALS")
            .starts_with(runtime.to_str().expect("text"))
    );
    assert_eq!(left(), 1);
    signal("-TERM", &child.mcm_id().to_string());
    assert_eq!(
        child.waited().status,
        -1,
        "the command died of the signal, and so did we"
    );
    assert_eq!(left(), 0);

    let child = start();
    signal("-KILL", &child.mcm_id().to_string());
    child.ended();
    assert_eq!(left(), 1, "a killed process cannot remove it");
    let child = start();
    assert_eq!(left(), 1, "its own");
    child.ended().done();
    assert_eq!(left(), 0);
}

#[test]
fn the_command_ignores_a_signal_that_we_were_started_to_ignore() {
    let harness = Harness::start();
    let id = account(&harness);
    let mask = |before: &str| {
        let script = format!("{before} exec \"$@\"");
        let mut command = Command::new("sh");
        let mcm = harness.command(&["exec", &id, "--", "grep", "SigIgn", "/proc/self/status"]);
        command
            .args(["-c", &script, "sh"])
            .arg(mcm.get_program())
            .args(mcm.get_args());
        harness.equip(&mut command);
        let output = command.output().expect("sh starts").stdout;
        let text = String::from_utf8(output).expect("text");
        u64::from_str_radix(text.split_whitespace().last().expect("a mask"), 16)
            .expect("hexadecimal")
    };
    assert_eq!(mask("") & 0b11, 0, "neither SIGHUP nor SIGINT");
    assert_eq!(mask("trap '' HUP;") & 0b11, 0b01);
    assert_eq!(mask("trap '' INT;") & 0b11, 0b10);
}

#[test]
fn ctrl_c_in_a_terminal_reaches_only_the_command_and_only_once() {
    let harness = Harness::start();
    let id = account(&harness);
    let program = harness.folder().join("in-the-terminal");
    let script = "#!/usr/bin/python3
import os, signal, sys
signal.signal(signal.SIGINT, lambda *_: os.write(1, b'caught\\n'))
print('ready', flush=True)
print('got', sys.stdin.readline(), flush=True)
sys.exit(5)
";
    install_script(&program, script);
    let mcm = harness.command(&["exec", &id, "--", program.to_str().expect("text")]);
    let words: Vec<String> = std::iter::once(mcm.get_program())
        .chain(mcm.get_args())
        .map(|word| word.to_str().expect("text").to_owned())
        .collect();
    let mut command = Command::new("script");
    command.args([
        "-qe",
        "-E",
        "never",
        "-c",
        &format!("exec {}", words.join(" ")),
        "/dev/null",
    ]);
    harness.equip(&mut command);
    let mut terminal = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script is there");
    let mut keys = terminal.stdin.take().expect("piped");
    let mut screen = BufReader::new(terminal.stdout.take().expect("piped"));
    let mut line = String::new();
    screen.read_line(&mut line).expect("text");
    assert_eq!(line.trim(), "ready");
    keys.write_all(b"\x03").expect("the terminal is there");
    keys.flush().expect("the terminal is there");
    let mut shown = String::new();
    while !shown.contains("caught") {
        let mut line = String::new();
        assert!(screen.read_line(&mut line).expect("text") > 0, "{shown}");
        shown.push_str(&line);
    }
    keys.write_all(b"on\n").expect("the terminal is there");
    screen.read_to_string(&mut shown).expect("text");
    assert_eq!(shown.matches("caught").count(), 1, "{shown}");
    assert!(shown.contains("got on"), "it went on: {shown}");
    assert_eq!(terminal.wait().expect("it ends").code(), Some(5), "{shown}");
}

#[test]
fn a_stopped_job_stops_and_continues_as_a_whole() {
    let harness = Harness::start();
    let id = account(&harness);
    let mut command =
        harness.command(&["exec", &id, "--", "sh", "-c", "echo $$; read line; exit 7"]);
    // A process group of its own, as a shell gives every job.
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut mcm = command.spawn().expect("mcm starts");
    let mut line = String::new();
    BufReader::new(mcm.stdout.take().expect("piped"))
        .read_line(&mut line)
        .expect("text");
    let (job, child) = (mcm.id().to_string(), line.trim());
    let state = |id: &str| {
        let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        text.rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next())
    };
    for _ in 0..3 {
        signal("-TSTP", &format!("-{job}"));
        harness.until("both stop", || {
            state(&job) == Some('T') && state(child) == Some('T')
        });
        signal("-CONT", &format!("-{job}"));
        harness.until("both go on", || {
            state(&job) == Some('S') && state(child) == Some('S')
        });
    }
    mcm.stdin
        .take()
        .expect("piped")
        .write_all(b"go\n")
        .expect("it reads");
    assert_eq!(mcm.wait().expect("it ends").code(), Some(7));
}

/// A program from a shell that allows core dumps of any size.
fn allowing_dumps(harness: &Harness, program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -c unlimited && exec \"$0\" \"$@\""]);
    command.arg(program).args(arguments);
    harness.equip(&mut command);
    command.stdin(Stdio::null()).current_dir(harness.folder());
    command
}

/// The limit for core dumps of a process, as `/proc` shows it.
fn dump_limit(process: &str) -> Option<String> {
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).ok()?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))?;
    line.split_whitespace().nth(4).map(str::to_owned)
}

#[test]
#[cfg(target_os = "linux")]
fn mcm_leaves_no_core_dump_even_when_the_limit_is_raised() {
    let harness = Harness::start();
    let id = harness.connected(true);
    for raised in [false, true] {
        let faults = harness.sandbox.faults();
        faults.next(Endpoint::AzureToken, Fault::Hang);
        harness.sandbox.forget_requests();
        let mut child = allowing_dumps(&harness, Path::new(MCM), &["token", &id])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        harness.until_renewing();
        let process = child.id().to_string();
        assert_eq!(dump_limit(&process).as_deref(), Some("0"));
        if raised {
            let arguments = ["--pid", &process, "--core=unlimited"];
            run(
                Command::new("prlimit").args(arguments),
                "prlimit",
                "util-linux",
            );
            assert_eq!(dump_limit(&process).as_deref(), Some("unlimited"));
        }
        signal("-ABRT", &process);
        let status = child.wait().expect("it ends");
        assert_eq!(status.signal(), Some(6));
        assert!(!status.core_dumped(), "raised: {raised}");
    }
    // The same signal dumps another program's core; otherwise this would prove nothing.
    let other = Command::new("sh")
        .args(["-c", "ulimit -c unlimited && kill -ABRT $$"])
        .current_dir(harness.folder())
        .status()
        .expect("sh starts");
    assert!(other.core_dumped(), "this system writes no core dumps");
}

#[test]
#[cfg(target_os = "linux")]
fn the_fast_path_limits_its_dumps_before_it_asks_the_keychain() {
    let harness = Harness::start();
    let id = account(&harness);
    // Without the file of mcm-full, mcm does not become another program.
    let alone = harness.folder().join("alone");
    install(Path::new(MCM), &alone);
    let lock = harness.home().join("data/keychain.lock");
    let lock = fs::File::open(lock).expect("the keychain was asked before");
    lock.lock().expect("no process holds it");
    let begun = Begun::start(allowing_dumps(&harness, &alone, &["token", &id]));
    // It waits for the keychain's lock.
    harness.until("the limit is 0", || {
        let name = fs::read_to_string(format!("/proc/{}/comm", begun.id()));
        let is_mcm = name.is_ok_and(|name| name == "alone\n");
        is_mcm && dump_limit(&begun.id().to_string()).as_deref() == Some("0")
    });
    drop(lock);
    begun.ended();
}

#[test]
#[cfg(target_os = "linux")]
fn the_command_keeps_the_dump_limit_that_mcm_was_started_with() {
    let harness = Harness::start();
    let id = account(&harness);
    let arguments = ["exec", &id, "--", "sh", "-c", "ulimit -c"];
    let ended = Begun::start(allowing_dumps(&harness, Path::new(MCM), &arguments)).ended();
    assert_eq!(ended.done(), "unlimited\n");
}

#[test]
fn a_home_without_locks_is_named_by_every_command_that_needs_one() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let python = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/mcm/clients/without_locks.py"
    );
    // ENOLCK, ENOSYS and EOPNOTSUPP are what network folders answer.
    for number in ["37", "38", "95"] {
        for arguments in [
            &["token", &id][..],
            &["login", "azure"],
            &["use", &id],
            &["rename", &id, "Other"],
            &["logout", &id, "--yes"],
            &["accounts"],
        ] {
            let mcm = harness.command(arguments);
            let mut command = Command::new("python3");
            harness.equip(&mut command);
            command
                .args([python, number])
                .arg(mcm.get_program())
                .args(arguments);
            let output = command.output().expect("python3 is installed");
            let message = String::from_utf8_lossy(&output.stderr);
            assert!(
                message
                    .contains("This folder does not allow locks. Set MCM_HOME to a local folder."),
                "{number} {arguments:?}: {message}"
            );
            assert_eq!(output.status.code(), Some(1), "{arguments:?}: {message}");
        }
    }
}
