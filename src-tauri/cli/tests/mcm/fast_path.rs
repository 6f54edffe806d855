//! `mcm` and `mcm-full`: which of them does what, without a visible difference.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::exec_child::ExecChild;
use crate::harness::{Ended, Harness, install, missing, write};

/// `mcm` in a folder without `mcm-full`, with the environment of the harness.
fn alone(harness: &Harness, arguments: &[&str]) -> (PathBuf, Command) {
    let program = harness.folder().join("alone/mcm");
    install(Path::new(env!("CARGO_BIN_EXE_mcm")), &program);
    let as_usual = harness.command(&[]);
    let mut command = Command::new(&program);
    let variables = as_usual
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    command.args(arguments).env_clear().envs(variables);
    (program, command)
}

#[test]
fn a_cached_credential_is_issued_without_mcm_full() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let token = harness.mcm(&["token", &id]).done();
    for arguments in [["token", id.as_str()], ["token", "--active=azure"]] {
        let (_, mut command) = alone(&harness, &arguments);
        assert_eq!(
            Ended::of(command.output().expect("it starts")).done(),
            token
        );
    }
    let output = harness.mcm(&["activity"]).done();
    assert_eq!(output.matches("token issued to").count(), 3, "{output}");
    let of_cluster = harness.mcm(&["kube-token", &id]).json();
    let (_, mut command) = alone(&harness, &["kube-token", &id]);
    let again = Ended::of(command.output().expect("it starts")).json();
    assert_eq!(again["status"]["token"], of_cluster["status"]["token"]);
}

#[test]
fn a_cluster_of_an_environment_gets_its_cached_token_without_mcm_full_as_long_as_it_may() {
    let harness = Harness::start();
    let id = harness.connected(false);
    harness.mcm(&["use", &id, "production"]).done();
    harness
        .mcm(&["environment", "create", "dev", "--azure", &id])
        .done();
    let token = harness.mcm(&["kube-token", &id]).json();
    let small = |arguments: &[&str]| {
        let (_, mut command) = alone(&harness, &[&["kube-token", &id], arguments].concat());
        Ended::of(command.output().expect("it starts"))
    };
    let is_left_to_mcm_full = |ended: Ended| ended.failed(1).contains("mcm-full cannot be started");
    let of_shell = ["--environment", "dev"];
    assert_eq!(
        small(&of_shell).json()["status"]["token"],
        token["status"]["token"]
    );
    assert!(is_left_to_mcm_full(small(&["--environment", "other"])));

    let child = ExecChild::start(&harness, &["-E", "dev"]);
    let run = child.get("MCM_HOLDER").to_owned();
    let of_run = ["--environment", "dev", "--holder", run.as_str()];
    assert_eq!(
        small(&of_run).json()["status"]["token"],
        token["status"]["token"]
    );
    let sessions = harness.mcm(&["sessions", "--json"]).json();
    assert_eq!(sessions["sessions"][0]["held"][0]["account"], id.as_str());
    assert!(is_left_to_mcm_full(small(&[
        "--environment",
        "other",
        "--holder",
        &run
    ])));
    harness.mcm(&["sessions", "--revoke", &run]).done();
    assert!(is_left_to_mcm_full(small(&of_run)));
    child.ended().done();
    assert!(is_left_to_mcm_full(small(&of_run)), "it has ended");
    let issued = harness.mcm(&["activity", "--json"]).json();
    let issued = issued["activity"].as_array().expect("a list").iter();
    let named = issued
        .filter(|row| row["what"]["environment"] == "dev")
        .count();
    assert_eq!(named, 2, "the log names the environment of each");

    harness
        .mcm(&["environment", "edit", "dev", "--protected"])
        .done();
    assert!(is_left_to_mcm_full(small(&of_shell)));
}

#[test]
fn the_keychain_is_reached_through_flatpaks_proxy_which_takes_one_line_at_a_time() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let (_, mut command) = alone(&harness, &["token", &id]);
    let bus = command
        .get_envs()
        .find(|(name, _)| *name == "DBUS_SESSION_BUS_ADDRESS");
    let bus = bus
        .and_then(|(_, address)| address)
        .expect("the harness has a bus")
        .to_owned();
    let socket = harness.folder().join("proxy");
    let mut proxy = Command::new("xdg-dbus-proxy");
    proxy.arg(bus).arg(&socket).stderr(Stdio::null());
    let mut proxy = proxy
        .spawn()
        .unwrap_or_else(|error| missing("xdg-dbus-proxy", "xdg-dbus-proxy", &error));
    harness.until("the proxy listens", || socket.exists());
    let address = format!("unix:path={}", socket.display());
    command
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .env("FLATPAK_ID", "an.editor");
    let ended = Ended::of(command.output().expect("it starts"));
    proxy.kill().expect("it runs");
    proxy.wait().expect("it ends");
    assert_eq!(ended.done(), harness.mcm(&["token", &id]).done());
}

#[test]
fn a_bus_that_hangs_up_or_refuses_is_no_keychain_and_holds_nothing_up() {
    let harness = Harness::start();
    let id = harness.connected(false);
    for (name, answer) in [
        ("silent", ""),
        ("half", "OK 0123456789"),
        ("refusing", "REJECTED EXTERNAL\r\n"),
    ] {
        let socket = harness.folder().join(name);
        let bus = UnixListener::bind(&socket).expect("a socket");
        // It ends with the test process.
        std::thread::spawn(move || {
            for stream in bus.incoming() {
                let mut stream = stream.expect("a client");
                let _ = stream.read(&mut [0; 64]);
                let _ = stream.write_all(answer.as_bytes());
            }
        });
        let mut command = harness.command(&["token", &id]);
        command.env(
            "DBUS_SESSION_BUS_ADDRESS",
            format!("unix:path={}", socket.display()),
        );
        let started_at = now();
        let output = Ended::run(command).failed(1);
        let took = started_at.elapsed();
        assert!(
            took < Duration::from_secs(6),
            "{name}: no limit is waited for: {took:?}"
        );
        assert!(output.contains("keychain"), "{name}: {output}");
    }
}

#[test]
fn a_missing_mcm_full_is_named_with_its_remedy() {
    let harness = Harness::start();
    let id = harness.connected(false);
    harness.lock_keychain();
    for arguments in [
        vec!["accounts"],
        vec!["token", &id],
        vec!["token", "nobody"],
        vec!["--help"],
    ] {
        let (program, mut command) = alone(&harness, &arguments);
        let output = Ended::of(command.output().expect("it starts")).failed(1);
        let full = program.with_file_name("mcm-full").display().to_string();
        assert!(
            output.contains(&full) && output.contains("Install Multi-Cloud Manager again"),
            "{output}"
        );
    }
    let (_, mut command) = alone(&harness, &["env", &id]);
    let ended = Ended::of(command.output().expect("it starts"));
    assert_eq!((ended.status, ended.result.as_str()), (1, "false\n"));
}

#[test]
fn a_program_of_that_name_on_path_is_never_run() {
    let harness = Harness::start();
    let (program, _) = alone(&harness, &[]);
    let mark = harness.folder().join("ran");
    let stranger = harness.folder().join("bin/mcm-full");
    let script = format!("#!/bin/sh\n/usr/bin/touch {}\n", mark.display());
    std::fs::create_dir(harness.folder().join("bin")).expect("a folder");
    write(&stranger, 0o700, &script);
    // The file is replaced while it runs: only the handle of this test still refers to it.
    let file = std::fs::File::open(&program).expect("it is there");
    std::fs::remove_file(&program).expect("it is ours");
    let open = format!(
        "/proc/{}/fd/{}",
        std::process::id(),
        std::os::fd::AsRawFd::as_raw_fd(&file)
    );
    let mut command = Command::new(open);
    harness.equip(&mut command).arg("accounts");
    command.env("PATH", stranger.parent().expect("a folder"));
    let output = Ended::of(command.output().expect("it starts")).failed(1);
    assert!(output.contains("Run the command again"), "{output}");
    assert!(!mark.exists());
}

#[test]
fn mcm_full_is_shown_as_mcm() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let link = harness.folder().join("cloud");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_mcm"), &link).expect("linked");
    let command = "cat /proc/$PPID/comm; exec \"$0\" --version";
    let run = [
        "exec",
        &id,
        "--",
        "sh",
        "-c",
        command,
        link.to_str().expect("text"),
    ];
    let said = harness.mcm(&run).done();
    assert_eq!(said, format!("mcm\nmcm {}\n", env!("CARGO_PKG_VERSION")));
    let usage = harness.mcm(&["token", "--nonsense"]).failed(2);
    assert!(
        usage.contains("mcm token") && !usage.contains("mcm-full"),
        "{usage}"
    );
}

#[expect(clippy::disallowed_methods, reason = "a caller's time is real time")]
fn now() -> Instant {
    Instant::now()
}
