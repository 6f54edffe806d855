//! Sources of AWS credentials as `mcm` meets them: programs of profiles, regions that no list holds, the console.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use mcm_core::world::{Clock as _, SystemClock};

use crate::aws::{connected, role};
use crate::harness::{Begun, Ended, Harness, namespaces, write};

/// A harness whose only credentials are what this program of profile `tool` gives; the script may use `$MCM`.
fn with_program(script: &str) -> Harness {
    let harness = Harness::start();
    let ada = harness.sandbox.environment();
    let value = |name: &str| {
        let found = ada.iter().find(|(known, _)| *known == name);
        found.expect("it is set").1.clone()
    };
    let answer = format!(
        "{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\"}}",
        value("AWS_ACCESS_KEY_ID"),
        value("AWS_SECRET_ACCESS_KEY")
    );
    let program = harness.folder().join("tool");
    let script = script
        .replace("ANSWER", &format!("echo '{answer}'"))
        .replace("$MCM", env!("CARGO_BIN_EXE_mcm"))
        .replace("$FOLDER", &harness.folder().display().to_string());
    write(&program, 0o700, &format!("#!/bin/sh\n{script}\n"));
    let config = harness.home().with_file_name(".aws").join("config");
    write(
        &config,
        0o600,
        &format!(
            "[profile tool]\ncredential_process = {}\n",
            program.display()
        ),
    );
    harness
}

fn without_keys(harness: &Harness, arguments: &[&str]) -> std::process::Command {
    let mut command = harness.command(arguments);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    command
}

fn run(harness: &Harness, arguments: &[&str]) -> Ended {
    Ended::of(
        without_keys(harness, arguments)
            .output()
            .expect("mcm starts"),
    )
}

/// Connects the reader with profile `tool` and gives the account's id.
fn connect(harness: &Harness) -> String {
    run(
        harness,
        &[
            "login",
            "aws",
            "--print",
            "trust-policy",
            "--source",
            "profile:tool",
        ],
    )
    .done();
    run(harness, &["login", "aws", "--role-arn", &role("Reader")]).done();
    harness.account_of("aws")
}

#[test]
fn a_program_that_runs_mcm_for_the_same_source_is_refused_at_once() {
    let harness = with_program(
        "if [ -e $FOLDER/again ]; then $MCM credential-process \"$(cat $FOLDER/again)\" || exit 9; fi\nANSWER",
    );
    let id = connect(&harness);
    write(&harness.folder().join("again"), 0o600, &id);
    for is_forgotten in [false, true] {
        if is_forgotten {
            harness.forget_sessions();
        }
        let mut command = without_keys(&harness, &["login", "aws", "--role-arn", &role("Reader")]);
        if is_forgotten {
            command = without_keys(&harness, &["credential-process", &id]);
        }
        let started = SystemClock.now();
        let ended = Ended::of(
            command
                .env("AWS_PROFILE", "tool")
                .output()
                .expect("mcm starts"),
        );
        assert_ne!(ended.status, 0, "{}", ended.stderr);
        assert!(ended.stderr.contains("(status 9)"), "{}", ended.stderr);
        assert!(
            SystemClock.now() < started + Duration::from_secs(20),
            "it waited for itself"
        );
    }
}

#[test]
fn callers_that_wait_share_what_the_program_came_to() {
    let harness = with_program(
        "if [ -e $FOLDER/fail ]; then echo x >> $FOLDER/runs; until [ -e $FOLDER/go ]; do :; done; \
         echo 'no key was touched' >&2; exit 3; fi\nANSWER",
    );
    let id = connect(&harness);
    harness.forget_sessions();
    write(&harness.folder().join("fail"), 0o600, "");
    let begin = || Begun::start(without_keys(&harness, &["credential-process", &id]));
    let first = begin();
    let runs = harness.folder().join("runs");
    harness.until("the program runs", || runs.exists());
    let others = [begin(), begin()];
    write(&harness.folder().join("go"), 0o600, "");
    for ended in [first.ended()].into_iter().chain(others.map(Begun::ended)) {
        assert_eq!(ended.status, 3, "{}", ended.stderr);
        assert!(
            ended.stderr.contains("It said: \"no key was touched\""),
            "{}",
            ended.stderr
        );
        assert!(
            ended
                .stderr
                .contains("aws sts get-caller-identity --profile tool"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(
        fs::read_to_string(&runs).expect("it ran"),
        "x\n",
        "once for all"
    );
}

#[test]
fn a_region_that_no_list_holds_is_taken_by_its_form_with_a_warning() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let ended = harness.mcm(&["use", &id, "eu-east-9"]);
    assert!(
        ended.stderr.contains("does not know the region eu-east-9"),
        "{}",
        ended.stderr
    );
    assert!(ended.done().contains("eu-east-9"));
    harness.mcm(&["targets", &id, "--refresh"]).done();
    let row = harness.mcm(&["accounts", "--json"]).json()["accounts"][0].clone();
    assert_eq!(
        row["region"], "eu-east-9",
        "it stays when the list is read again"
    );
    for odd in ["cn-south-9", "xx-east-1", "nowhere"] {
        let ended = harness.mcm(&["use", &id, odd]);
        assert_ne!(ended.status, 0, "{odd}: {}", ended.stderr);
    }
}

#[test]
fn the_console_opens_in_the_browser_and_its_address_is_printed_on_request() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let begun = harness.begin(&["console", &id]);
    assert!(harness.next_page().contains("Action=login"));
    begun.ended().done();
    let printed = harness.mcm(&["console", &id, "--print"]).done();
    assert!(
        printed.contains("Action=login") && printed.contains("SigninToken="),
        "{printed}"
    );
    assert!(!harness.has_opened_a_page());
    let activity = harness.mcm(&["activity", "--json"]).json().to_string();
    assert!(activity.contains("handed-out"), "{activity}");
    let ended = harness.mcm(&["console", "contoso"]);
    assert_ne!(
        ended.status, 0,
        "a part of a name is not enough: {}",
        ended.stderr
    );
}

#[test]
fn the_session_name_is_the_callers_or_the_chosen_one() {
    let harness = Harness::start();
    connected(&harness, "Reader");
    let chosen = [
        "login",
        "aws",
        "--role-arn",
        &role("Reader"),
        "--session-name",
        "ada.laptop",
    ];
    let stderr = harness.mcm(&chosen).stderr;
    assert!(
        stderr.contains("assumed-role/Reader/ada.laptop"),
        "{stderr}"
    );
}

#[test]
fn without_a_session_bus_the_variable_is_named() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let mut command = harness.command(&["credential-process", &id]);
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    let ended = Ended::of(command.output().expect("mcm starts"));
    assert_ne!(ended.status, 0);
    assert!(
        ended.stderr.contains("DBUS_SESSION_BUS_ADDRESS"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_pipe_as_config_never_blocks_and_is_read_once() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let pipe = harness.folder().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo starts").success());
    for arguments in [
        &["exec", &id, "--", "true"][..],
        &["env", &id, "--shell", "bash"],
        &["kube-token", &id, "--cluster", "production"],
        &["doctor"],
    ] {
        let mut command = harness.command(arguments);
        command.env("AWS_CONFIG_FILE", &pipe);
        let ended = Begun::start(command).ended();
        assert!(ended.status < 2, "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn the_kubeconfig_gets_a_context_by_id_and_loses_it_to_the_byte() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let path = harness.folder().join(".kube/config");
    const CLUSTER: &str = "arn:aws:eks:eu-central-1:444455556666:cluster/production";
    let theirs = format!(
        "# mine\napiVersion: v1\nkind: Config\nclusters:\n- cluster:\n    server: https://x.example\n  name: {CLUSTER}\n\
         contexts: []\ncurrent-context: \"\"\nusers:\n- name: ada\n  user:\n    token: CANARY"
    );
    write(&path, 0o600, &theirs);
    let kube = |arguments: &[&str]| harness.mcm(&[&["configure", "kube"], arguments].concat());
    let dry = kube(&[&id, "--cluster", "production", "--dry-run"]);
    assert!(!format!("{}{}", dry.stderr.clone(), dry.done()).contains("CANARY"));
    assert_eq!(fs::read_to_string(&path).expect("there"), theirs);
    let ended = kube(&["contoso-production", "--cluster", "production", "--yes"]);
    assert!(
        ended
            .stderr
            .contains("kubectl config use-context production"),
        "{}",
        ended.stderr
    );
    ended.done();
    let mut kubectl = std::process::Command::new("kubectl");
    harness.equip(&mut kubectl);
    let output = kubectl
        .args([
            "config",
            "view",
            "--output",
            "json",
            "--context",
            "production",
            "--minify",
        ])
        .output()
        .expect("kubectl starts; it is in the package kubernetes-client");
    let seen: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(seen["clusters"][0]["name"], CLUSTER);
    let exec = &seen["users"][0]["user"]["exec"];
    assert_eq!(
        exec["args"],
        serde_json::json!([
            "kube-token",
            id,
            "--cluster",
            "production",
            "--region",
            "eu-central-1"
        ])
    );
    assert_eq!(
        fs::metadata(&path).expect("there").permissions().mode() & 0o777,
        0o600
    );
    let again = kube(&[&id, "--cluster", "production", "--yes"]);
    assert!(again.stderr.contains("needs no change"), "{}", again.stderr);
    kube(&["--undo", "--yes"]).done();
    assert_eq!(fs::read_to_string(&path).expect("there"), theirs);

    let missing = kube(&[&id, "--cluster", "other", "--yes"]);
    assert!(
        missing.stderr.contains("aws eks update-kubeconfig"),
        "{}",
        missing.stderr
    );
    fs::remove_file(&path).expect("removed");
    let ended = kube(&[
        &id,
        "--cluster",
        "other",
        "--server",
        "https://y.example",
        "--yes",
    ]);
    ended.done();
    kube(&["--undo", &id, "--yes"]).done();
    assert!(!path.exists(), "the file was ours alone");
}

#[test]
fn configure_takes_ids_and_whole_names_alone_and_undo_refuses_a_lone_carriage_return() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let path = harness.home().with_file_name(".aws").join("config");
    let aws = |arguments: &[&str]| harness.mcm(&[&["configure", "aws"], arguments].concat());
    for part in [&["contoso", "--yes"][..], &["contoso", "--undo", "--yes"]] {
        let ended = aws(part);
        assert_ne!(ended.status, 0, "{part:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("whole name"), "{}", ended.stderr);
    }
    assert!(!path.exists());
    aws(&["contoso-production", "--yes"]).done();
    let written = fs::read_to_string(&path).expect("there");
    assert!(
        written.contains(&format!("credential-process {id}")),
        "{written}"
    );
    let spoiled = format!("{written}output = json\r");
    write(&path, 0o600, &spoiled);
    let ended = aws(&["--undo", "--yes"]);
    assert!(
        ended.stderr.contains("unusual line break"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        fs::read_to_string(&path).expect("there"),
        spoiled,
        "left as it is"
    );
}

#[test]
fn a_program_asks_at_the_terminal_and_gives_it_back() {
    asks_at_the_terminal("");
}

// The group of mcm is one of outside there, and has no number.
#[test]
fn a_program_asks_at_a_terminal_that_is_outside_of_the_container() {
    if let Some(container) = namespaces(&["--pid", "--fork"]) {
        asks_at_the_terminal(&container.join(" "));
    }
}

/// Checks that a profile's program gets the terminal's next line, and another program the one after that.
fn asks_at_the_terminal(before: &str) {
    let harness = with_program("read code < /dev/tty; echo \"the code was $code\" >&2; ANSWER");
    let mcm = without_keys(&harness, &[]);
    let mut command = std::process::Command::new("script");
    harness.equip(&mut command);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    let line = format!(
        "{before} {} login aws --print trust-policy --source profile:tool; read next < /dev/tty; echo \"then $next\"",
        mcm.get_program().display()
    );
    command
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut process = command
        .spawn()
        .expect("script starts; it is in the package bsdutils");
    let mut input = process.stdin.take().expect("piped");
    std::io::Write::write_all(&mut input, b"123456\nagain\n").expect("it listens");
    let output = process.wait_with_output().expect("script ends");
    drop(input);
    let stderr = String::from_utf8_lossy(&output.stdout);
    assert!(stderr.contains("the code was 123456"), "{stderr}");
    assert!(
        stderr.contains("sts:ExternalId") && stderr.contains("then again"),
        "{stderr}"
    );
}
