//! `mcm` in the shell of a coding agent: the receipt, and credentials that read and change nothing.

use serde_json::Value;

use crate::aws::connected;
use crate::environments::Three;
use crate::exec_child::ExecChild;
use crate::harness::{ADA, Ended, Harness, write};

const READ_ONLY: &str = "arn:aws:iam::aws:policy/ReadOnlyAccess";

/// The session policies of the role's last session.
fn last_policies(harness: &Harness) -> Vec<String> {
    let assumptions = harness.sandbox.aws_assumptions();
    let last = assumptions
        .into_iter()
        .rev()
        .find(|assumed| assumed.was_allowed);
    last.expect("the role was assumed").session_policies
}

#[test]
fn an_agent_is_shown_as_whom_it_works_where_until_when_and_whether_it_can_change_anything() {
    let harness = Harness::start();
    Three::connect(&harness).create(&harness, "dev", &["--region", "eu-west-3"]);
    let run = |words: &[&str], variable: &str| {
        let mut command = harness.command(words);
        Ended::of(command.env(variable, "1").output().expect("mcm starts"))
    };
    let exec = ["exec", "-E", "dev", "--", "true"];
    let stderr = run(&exec, "CLAUDECODE").stderr;
    for words in [
        "mcm: CLAUDECODE is set, so this is what the command gets in dev:",
        "  AWS: contoso-production (arn:aws:iam::444455556666:role/Reader), eu-west-3; until ",
        "(ada@contoso.example), Production; until ",
        "then renewed; everything that the account may",
    ] {
        assert!(stderr.contains(words), "{words}: {stderr}");
    }
    let aws = harness.account_of("aws");
    let env = ["env", aws.as_str(), "--shell", "bash"];
    let stderr = run(&env, "CURSOR_AGENT").stderr;
    assert!(
        stderr.contains("CURSOR_AGENT is set") && stderr.contains(", not renewed; everything"),
        "{stderr}"
    );
    // A build service is no agent, and neither is a shell of the user's.
    for variable in ["CI", "ELSEWHERE"] {
        let stderr = run(&exec, variable).stderr;
        assert!(!stderr.contains("is what the command gets"), "{stderr}");
    }
    harness.assert_no_secret_in(&format!("{stderr}the command failed"));
}

#[test]
fn a_role_is_narrowed_by_a_session_policy_for_this_command_and_what_it_starts() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let whole = ExecChild::start(&harness, &[&id]);
    let key = |child: &ExecChild| {
        let answer = child.aws();
        assert_eq!(answer.status, 200, "{}", answer.body);
        let json: Value = serde_json::from_str(&answer.body).expect("JSON");
        json["AccessKeyId"].as_str().expect("an id").to_owned()
    };
    assert_eq!(last_policies(&harness), [""; 0]);
    let narrowed = ExecChild::start(&harness, &["--read-only", &id]);
    assert_eq!(last_policies(&harness), [READ_ONLY]);
    assert_eq!(narrowed.get("MCM_READ_ONLY"), "1");
    assert!(!whole.variables.contains_key("MCM_READ_ONLY"));
    // Each has a session of its own, and neither takes the other's place.
    let (whole_key, narrowed_key) = (key(&whole), key(&narrowed));
    assert_ne!(whole_key, narrowed_key);
    let again = ExecChild::start(&harness, &["--read-only", &id]);
    assert_eq!(key(&again), narrowed_key, "from the keychain");
    assert_eq!(key(&ExecChild::start(&harness, &[&id])), whole_key);
    let listed = harness.mcm(&["sessions", "--json"]).json();
    let read_only: Vec<&Value> = listed["sessions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| &row["readOnly"])
        .collect();
    assert!(read_only.contains(&&Value::from(true)) && read_only.contains(&&Value::from(false)));
    assert!(harness.mcm(&["sessions"]).done().contains("read-only"));
    for child in [whole, narrowed, again] {
        child.ended().done();
    }
    // What it starts is narrowed too, and the receipt says so.
    let mcm = env!("CARGO_BIN_EXE_mcm");
    let mut command = harness.command(&[
        "exec",
        "--read-only",
        &id,
        "--",
        mcm,
        "exec",
        &id,
        "--",
        "sh",
        "-c",
    ]);
    command
        .arg(format!("{mcm} prompt; echo only=$MCM_READ_ONLY"))
        .env("CLAUDECODE", "1");
    let ended = Ended::of(command.output().expect("mcm starts"));
    assert_eq!(ended.result, "only=1\n", "{}", ended.stderr);
    assert_eq!(
        ended.stderr.matches("; read-only").count(),
        2,
        "{}",
        ended.stderr
    );
    let activity = harness.mcm(&["activity"]).done();
    assert!(
        activity.contains("read-only credential issued to sh"),
        "{activity}"
    );
    // A sign-out leaves neither session.
    harness.mcm(&["logout", &id]).done();
    assert_eq!(harness.keychain_entries(), 0);
}

#[test]
fn google_is_narrowed_only_where_the_user_granted_reading_alone() {
    let harness = Harness::start();
    harness.login(ADA, &["gcp"]).done();
    let id = harness.account_of("gcp");
    let refused = harness
        .mcm(&["exec", "--read-only", &id, "--", "true"])
        .failed(1);
    assert!(
        refused.contains("may change things, and Google does not narrow it")
            && refused.contains("gcp.access"),
        "{refused}"
    );
    harness.mcm(&["exec", &id, "--", "true"]).done();
    harness.mcm(&["logout", &id]).done();
    write(
        &harness.home().join("config/settings.toml"),
        0o600,
        "[gcp]\naccess = \"read-only\"\n",
    );
    harness.login(ADA, &["gcp"]).done();
    let child = ExecChild::start(&harness, &["--read-only", &harness.account_of("gcp")]);
    let answer = child.google("token_url", "grant_type=refresh_token&refresh_token=HANDLE");
    assert_eq!(answer.status, 200, "{}", answer.body);
    child.ended().done();
}

#[test]
fn what_cannot_be_narrowed_is_refused_with_the_reason() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "dev", &[]);
    for whose in [&[three.azure.as_str()][..], &["-E", "dev"]] {
        let words = [&["exec", "--read-only"], whose, &["--", "true"]].concat();
        let refused = harness.mcm(&words).failed(1);
        assert!(
            refused.contains("Azure cannot issue a read-only token"),
            "{refused}"
        );
    }
    let other = Harness::start();
    let start_url = other.sandbox.start_url().to_string();
    let begun = other.begin(&["login", "aws", "--sso-start-url", &start_url]);
    let page = other.next_page();
    other.browse(&sandbox_clouds::browser::Browser::new(), &page);
    begun.ended().done();
    let id = other.account_of("aws");
    let row = other.mcm(&["accounts", "--json"]).json()["accounts"][0].clone();
    let roles = row["roles"].as_array().expect("a list");
    let reader = roles
        .iter()
        .filter_map(Value::as_str)
        .find(|role| role.ends_with("/ReadOnly"))
        .expect("there is one");
    let (account, _) = reader.split_once('/').expect("a pair");
    let pair = roles
        .iter()
        .filter_map(Value::as_str)
        .find(|role| role.starts_with(account) && *role != reader);
    let pair = pair.unwrap_or(reader);
    let refused = other
        .mcm(&["exec", "--read-only", &format!("{id}/{pair}"), "--", "true"])
        .failed(1);
    assert!(
        refused.contains("takes no session policy") && refused.contains(reader),
        "{refused}"
    );
}
