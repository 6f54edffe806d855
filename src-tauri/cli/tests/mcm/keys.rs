//! AWS access keys: typed at a terminal without echo, or passed on standard input.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use sandbox_clouds::aws::AccessKey;

use crate::harness::{Ended, Harness, Terminal};

const ADA_ARN: &str = "arn:aws:iam::111122223333:user/ada";
const ROLE: &str = "arn:aws:iam::444455556666:role/Reader";
/// Forty characters, as AWS's keys have, and of no user.
const WRONG_SECRET: &str = "canary/of/a/wrong/secret/access/key/0000";

fn key_of(harness: &Harness, user: &str) -> AccessKey {
    harness
        .sandbox
        .aws_access_key(user)
        .expect("there is such a user")
}

/// Runs `mcm` without keys in the environment and with a standard input.
fn mcm(harness: &Harness, arguments: &[&str], input: &str) -> Ended {
    let mut command = harness.command(arguments);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command.spawn().expect("mcm starts");
    // A command that does not read it may have ended before.
    let _ = process
        .stdin
        .take()
        .expect("piped")
        .write_all(input.as_bytes());
    Ended::of(process.wait_with_output().expect("mcm ends"))
}

fn assert_nowhere(harness: &Harness, output: &str, secret: &str) {
    assert!(!output.contains(secret), "the secret was shown: {output}");
    assert!(
        !harness.files().contains(secret),
        "the secret lies in a file"
    );
}

#[test]
fn keys_are_typed_unseen_checked_stored_and_used() {
    let harness = Harness::start();
    let key = key_of(&harness, "ada");
    let mut terminal = Terminal::start(&harness, "login aws --add-keys");
    terminal.enter("Access key id: ", &key.id);
    terminal.enter("Secret access key", &key.secret);
    terminal.enter("Session token", "");
    let shown = terminal.ended();
    assert!(
        shown.contains(&format!(
            "Stored the access key {} of {ADA_ARN} in the keychain.",
            key.id
        )),
        "{shown}"
    );
    assert!(
        shown.contains("status 0") && shown.contains(" echo "),
        "{shown}"
    );
    assert_nowhere(&harness, &shown, &key.secret);

    let listed = mcm(&harness, &["login", "aws", "--keys"], "").done();
    assert!(
        listed.contains(&key.id) && listed.contains(ADA_ARN),
        "{listed}"
    );
    let source = format!("keychain:{}", key.id);
    mcm(
        &harness,
        &["login", "aws", "--print", "cli", "--source", "keychain"],
        "",
    )
    .done();
    let output = mcm(&harness, &["login", "aws", "--remove-keys", &key.id], "").failed(2);
    assert!(output.contains("A connection uses"), "{output}");
    let connected = mcm(&harness, &["login", "aws", "--role-arn", ROLE], "").done();
    assert!(connected.contains(&source), "{connected}");
    harness.forget_sessions();
    mcm(&harness, &["credential-process", "--active"], "").done();
    mcm(&harness, &["logout", "--all"], "").done();
    assert_eq!(harness.keychain_entries(), 0);
}

#[test]
fn ctrl_c_restores_the_terminal() {
    let harness = Harness::start();
    let mut terminal = Terminal::start(&harness, "login aws --add-keys");
    terminal.enter("Access key id: ", "AKIAIOSFODNN7EXAMPLE");
    terminal.until("Secret access key");
    terminal.press("\u{3}");
    let shown = terminal.ended();
    assert!(
        shown.contains("You stopped the command.") && shown.contains("status 1"),
        "{shown}"
    );
    assert!(
        shown.contains(" echo ") && !shown.contains("-echo "),
        "{shown}"
    );
    assert_eq!(harness.keychain_entries(), 0);
}

#[test]
fn keys_from_standard_input_are_stored_only_when_aws_knows_them() {
    let harness = Harness::start();
    let add = ["login", "aws", "--add-keys"];
    let key = key_of(&harness, "ada");
    for (input, status, word) in [
        (
            format!("{}\t{WRONG_SECRET}\n", key.id),
            3,
            "secret access key does not match",
        ),
        (
            format!("AKIAIOSFODNN7EXAMPLE {WRONG_SECRET}"),
            3,
            "does not know the access key",
        ),
        (
            format!("ASIAIOSFODNN7EXAMPLE\n{WRONG_SECRET}\n"),
            2,
            "session token",
        ),
        (format!("ada {WRONG_SECRET}"), 2, "not an AWS access key id"),
        (WRONG_SECRET.to_owned(), 2, "Standard input must contain"),
        (
            format!("a {WRONG_SECRET} b c"),
            2,
            "Standard input must contain",
        ),
        (String::new(), 2, "Standard input must contain"),
    ] {
        let output = mcm(&harness, &add, &input).failed(status);
        assert!(output.contains(word), "{word}: {output}");
        assert_nowhere(&harness, &output, WRONG_SECRET);
    }
    assert_eq!(harness.keychain_entries(), 0);
    assert_eq!(mcm(&harness, &["login", "aws", "--keys"], "").done(), "");

    let ended = mcm(&harness, &add, &format!("{}\n{}\n", key.id, key.secret));
    assert_nowhere(
        &harness,
        &format!("{}{}", ended.stderr, ended.result),
        &key.secret,
    );
    assert!(ended.done().contains(ADA_ARN));
    let session = harness
        .sandbox
        .aws_session("ada", Duration::from_secs(3600))
        .expect("there is an ada");
    let token = session.session_token.expect("a session has a token");
    let ended = mcm(
        &harness,
        &add,
        &format!("{} {} {token}", session.id, session.secret),
    );
    assert_nowhere(
        &harness,
        &format!("{}{}", ended.stderr, ended.result),
        &token,
    );
    ended.done();
    assert_eq!(harness.keychain_entries(), 2);
    for id in [&key.id, &session.id] {
        mcm(&harness, &["login", "aws", "--remove-keys", id], "").done();
        mcm(&harness, &["login", "aws", "--remove-keys", id], "").failed(1);
    }
    assert_eq!(harness.keychain_entries(), 0);
}

#[test]
fn no_argument_takes_a_secret() {
    let harness = Harness::without_keychain();
    let add = ["login", "aws", "--add-keys"];
    for more in [
        &["AKIAIOSFODNN7EXAMPLE"][..],
        &["--source", "default"],
        &["--keys"],
    ] {
        mcm(&harness, &[&add[..], more].concat(), "").failed(2);
    }
}

#[test]
fn keys_that_the_keychain_does_not_take_are_not_called_stored() {
    let harness = Harness::start();
    let key = key_of(&harness, "ada");
    harness.lock_keychain();
    let input = format!("{}\n{}\n", key.id, key.secret);
    let ended = mcm(&harness, &["login", "aws", "--add-keys"], &input);
    assert_nowhere(&harness, &ended.stderr, &key.secret);
    let output = ended.failed(1);
    assert!(output.contains("locked"), "{output}");
    assert_eq!(mcm(&harness, &["login", "aws", "--keys"], "").done(), "");
}
