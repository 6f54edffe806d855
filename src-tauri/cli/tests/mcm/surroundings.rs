//! The surroundings of one process are not the account's state: the next shell works, at once and without a sign-in.

use std::process::Command;

use crate::aws::connected;
use crate::harness::{ADA, Ended, Harness, namespaces, write};

/// `mcm credential-process` in a shell where ada's keys are in the default profile and not in variables.
fn in_files(harness: &Harness, account: &str) -> Command {
    let mut command = harness.command(&["credential-process", account]);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    command
}

fn ada_in_files(harness: &Harness) -> String {
    let ada = harness.sandbox.aws_access_key("ada").expect("a user");
    format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        ada.id, ada.secret
    )
}

fn ended(mut command: Command) -> Ended {
    Ended::of(command.output().expect("mcm starts"))
}

#[test]
fn a_fault_of_one_shell_for_aws_is_no_fault_of_the_next() {
    let harness = Harness::start();
    let account = connected(&harness, "Reader");
    let credentials = harness.folder().join(".aws/credentials");
    let ours = ada_in_files(&harness);
    write(&credentials, 0o600, &ours);
    let broken = harness.folder().join("broken");
    write(&broken, 0o600, "[default\nregion = x\n");
    let half = harness.folder().join("half");
    write(
        &half,
        0o600,
        "[default]\naws_access_key_id = AKIAHALFHALFHALFHALF\n",
    );
    let grace = harness.sandbox.aws_access_key("grace").expect("a user");
    let (broken, half) = (broken.display().to_string(), half.display().to_string());
    for faults in [
        &[
            ("AWS_ACCESS_KEY_ID", grace.id.as_str()),
            ("AWS_SECRET_ACCESS_KEY", grace.secret.as_str()),
        ][..],
        &[("AWS_CONFIG_FILE", broken.as_str())],
        &[("AWS_SHARED_CREDENTIALS_FILE", half.as_str())],
        &[("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")],
        &[("AWS_ENDPOINT_URL_STS", "http://localhost:1")],
        &[("AWS_ENDPOINT_URL_STS", "http://sts.example.com")],
        &[("AWS_ENDPOINT_URL_STS", "nonsense")],
        &[
            ("AWS_REGION", "nowhere-1"),
            ("AWS_ENDPOINT_URL_STS", "http://localhost:1"),
        ],
    ] {
        harness.forget_sessions();
        let mut command = in_files(&harness, &account);
        command.envs(faults.iter().copied());
        let output = ended(command);
        assert_ne!(output.status, 0, "{faults:?}");
        let next = ended(in_files(&harness, &account));
        assert_eq!(next.status, 0, "after {faults:?}: {}", next.stderr);
        let row = harness.mcm(&["accounts", "--json"]).json()["accounts"][0].clone();
        assert_eq!(row["status"], "connected", "after {faults:?}");
    }
}

#[test]
fn a_repaired_file_is_tried_at_once() {
    let harness = Harness::start();
    let account = connected(&harness, "Reader");
    let credentials = harness.folder().join(".aws/credentials");
    let ours = ada_in_files(&harness);
    harness.forget_sessions();
    write(&credentials, 0o600, &ours[..ours.len() - 30]);
    assert_ne!(ended(in_files(&harness, &account)).status, 0);
    write(&credentials, 0o600, &ours);
    ended(in_files(&harness, &account)).done();
}

#[test]
fn a_shell_with_the_same_fault_is_refused_without_asking_again() {
    let harness = Harness::start();
    let account = connected(&harness, "Reader");
    harness.forget_sessions();
    let grace = harness.sandbox.aws_access_key("grace").expect("a user");
    let as_grace = || {
        let mut command = in_files(&harness, &account);
        command
            .env("AWS_ACCESS_KEY_ID", &grace.id)
            .env("AWS_SECRET_ACCESS_KEY", &grace.secret);
        ended(command).stderr
    };
    let first = as_grace();
    harness.sandbox.forget_requests();
    let second = as_grace();
    assert!(
        second.contains("user/grace") && first.contains("user/grace"),
        "{second}"
    );
    assert!(
        harness.sandbox.requests().is_empty(),
        "within half a minute"
    );
}

#[test]
fn a_client_secret_of_one_shell_is_no_fault_of_the_account() {
    let harness = Harness::start();
    harness.login(ADA, &["gcp"]).done();
    let account = harness.account_of("gcp");
    harness.forget_sessions();
    let mut command = harness.command(&["token", &account]);
    command.env("GOOGLE_CLIENT_SECRET", "of-another-program");
    assert_ne!(ended(command).status, 0);
    harness.mcm(&["token", &account]).done();
}

#[test]
fn a_container_without_a_network_is_no_fault_of_the_account() {
    let Some(container) = namespaces(&["--net"]) else {
        return;
    };
    let harness = Harness::start();
    let account = harness.connected(true);
    let mut command = Command::new(container[0]);
    harness.equip(&mut command);
    command
        .args(&container[1..])
        .args([env!("CARGO_BIN_EXE_mcm"), "token", &account]);
    let refused = Ended::run(command).failed(1);
    assert!(refused.contains("cannot be reached"), "{refused}");
    harness.mcm(&["token", &account]).done();
}
