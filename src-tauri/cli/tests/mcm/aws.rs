//! AWS: issuing the credentials of a role, and what happens when it is gone. Connecting one is in `aws_roles.rs`.

use jiff::{SignedDuration, Timestamp};
use mcm_core::world::{Clock as _, SystemClock};
use sandbox_clouds::{Endpoint, Fault};
use serde_json::Value;

use crate::harness::{Begun, Ended, Harness, write};

pub(crate) const ADA_ARN: &str = "arn:aws:iam::111122223333:user/ada";

/// Documented and stable: fields may be added, none is renamed, removed or given another meaning.
const ACCOUNTS: &str = r#"{
  "accounts": [
    {
      "id": "ID",
      "provider": "aws",
      "displayName": "contoso-production",
      "kind": "role",
      "accountId": "444455556666",
      "roleArn": "arn:aws:iam::444455556666:role/Reader",
      "externalId": "EXTERNAL-ID",
      "externalIdEnforced": true,
      "partition": "aws",
      "region": "eu-central-1",
      "identity": "arn:aws:iam::444455556666:role/Reader",
      "status": "connected",
      "active": true,
      "sessionExpiresAt": "TIME"
    }
  ]
}
"#;

pub(crate) fn role(name: &str) -> String {
    format!("arn:aws:iam::444455556666:role/{name}")
}

/// Prepares a role and gives its External ID.
pub(crate) fn prepare(harness: &Harness) -> String {
    let policy = harness
        .mcm(&["login", "aws", "--print", "trust-policy"])
        .json();
    let id = &policy["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"];
    id.as_str().expect("an External ID").to_owned()
}

/// Connects a role and gives its account's id.
pub(crate) fn connected(harness: &Harness, name: &str) -> String {
    prepare(harness);
    harness
        .mcm(&["login", "aws", "--role-arn", &role(name)])
        .done();
    harness.sandbox.forget_requests();
    row(harness)["id"].as_str().expect("an id").to_owned()
}

/// The only account.
pub(crate) fn row(harness: &Harness) -> Value {
    harness.mcm(&["accounts", "--json"]).json()["accounts"][0].clone()
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().expect("text")
}

#[test]
fn the_accounts_json_of_a_role_is_as_documented() {
    let harness = Harness::start();
    let external_id = prepare(&harness);
    harness
        .mcm(&["login", "aws", "--role-arn", &role("Reader")])
        .done();
    let printed = harness.mcm(&["accounts", "--json"]).done();
    let account = row(&harness);
    let time = text(&account, "sessionExpiresAt");
    time.parse::<Timestamp>().expect("a time in RFC 3339");
    let plain = printed
        .replace(time, "TIME")
        .replace(text(&account, "id"), "ID")
        .replace(&external_id, "EXTERNAL-ID");
    assert_eq!(plain, ACCOUNTS);
}

#[test]
fn a_credential_is_printed_as_aws_reads_it_and_the_second_call_sends_no_request() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let printed = harness.mcm(&["credential-process", &id]).done();
    assert_eq!(
        harness.mcm(&["credential-process", "--active"]).done(),
        printed
    );
    assert_eq!(harness.sandbox.requests(), []);

    let json: Value = serde_json::from_str(&printed).expect("the result is JSON");
    let names: Vec<&String> = json.as_object().expect("an object").keys().collect();
    assert_eq!(names.len(), 6, "{names:?}");
    assert_eq!(
        (&json["Version"], &json["AccountId"]),
        (&1.into(), &"444455556666".into())
    );
    assert!(text(&json, "AccessKeyId").starts_with("ASIA"));
    let secrets = harness.sandbox.secrets();
    for name in ["SecretAccessKey", "SessionToken"] {
        assert!(
            secrets.iter().any(|secret| secret == text(&json, name)),
            "{name} is the cloud's"
        );
    }
    let expires: Timestamp = text(&json, "Expiration")
        .parse()
        .expect("a time in RFC 3339");
    assert!(expires - SystemClock.now() > SignedDuration::from_mins(15));

    let happened = harness
        .mcm(&["activity", &id, "--json", "--limit", "1"])
        .json();
    assert_eq!(happened["activity"][0]["what"]["kind"], "handed-out");
    for secret in secrets {
        assert!(
            !harness.files().contains(&secret),
            "a secret lies in a file"
        );
    }
}

#[test]
fn a_missing_session_is_created_once_for_many_callers() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    harness.forget_sessions();
    let begun: Vec<Begun> = (0..5)
        .map(|_| harness.begin(&["credential-process", &id]))
        .collect();
    let mut printed: Vec<String> = begun
        .into_iter()
        .map(|begun| begun.ended().done())
        .collect();
    printed.dedup();
    assert_eq!(printed.len(), 1);
    let assumed =
        |request: &&sandbox_clouds::Request| request.endpoint == Some(Endpoint::AwsAssumeRole);
    assert_eq!(harness.sandbox.requests().iter().filter(assumed).count(), 1);
}

#[test]
fn a_deleted_role_ends_a_credential_with_status_3_and_the_command_to_run() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    harness.forget_sessions();
    harness.sandbox.remove_aws_role(&role("Reader"));
    for _ in 0..2 {
        let output = harness.mcm(&["credential-process", &id]).failed(3);
        assert!(
            output.contains("aws iam get-role --role-name Reader"),
            "{output}"
        );
        assert!(
            output.contains(&format!("mcm login aws --role-arn {}", role("Reader"))),
            "{output}"
        );
    }
    assert_eq!(row(&harness)["status"], "sign-in-again");
}

#[test]
fn a_passing_failure_of_aws_is_status_1_and_the_account_stays() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    harness.forget_sessions();
    harness
        .sandbox
        .faults()
        .always(Endpoint::AwsCallerIdentity, Fault::throttled());
    harness.mcm(&["credential-process", &id]).failed(1);
    assert_ne!(row(&harness)["status"], "sign-in-again");
}

#[test]
fn tokens_and_credentials_name_each_other_for_the_wrong_cloud() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let azure = harness.login(crate::harness::ADA, &["azure"]);
    azure.done();
    let output = harness.mcm(&["token", &aws]).failed(1);
    assert!(
        output.contains(&format!("mcm credential-process {aws}")),
        "{output}"
    );
    let output = harness.mcm(&["token", "--active", "aws"]).failed(2);
    assert!(
        output.contains("mcm credential-process --active"),
        "{output}"
    );
    let output = harness
        .mcm(&["credential-process", "ada@contoso.example"])
        .failed(1);
    assert!(output.contains("mcm token azure-"), "{output}");
}

#[test]
fn signing_out_of_a_role_leaves_nothing() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    assert!(harness.keychain_entries() > 0);
    let output = harness.mcm(&["logout", "contoso-production"]).done();
    assert!(
        output.contains(&id) && output.contains("The role itself stays in AWS."),
        "{output}"
    );
    assert_eq!(harness.keychain_entries(), 0);
    assert!(
        !harness.files().contains(&role("Reader")),
        "nothing of the account stays in a file"
    );
    harness.mcm(&["credential-process", &id]).failed(1);
    harness.mcm(&["credential-process", "--active"]).failed(1);
}

#[test]
fn the_organisation_is_listed_beside_the_regions() {
    let harness = Harness::start();
    prepare(&harness);
    let auditor = "arn:aws:iam::111122223333:role/Auditor";
    harness.mcm(&["login", "aws", "--role-arn", auditor]).done();
    let listed = harness.mcm(&["targets", auditor, "--json"]).json();
    let organization = listed["organization"].as_array().expect("a list");
    assert_eq!(organization.len(), 3);
    let production = serde_json::json!({
        "accountId": "444455556666", "name": "Contoso production", "state": "ACTIVE",
    });
    assert!(organization.contains(&production), "{organization:?}");
    let ended = harness.mcm(&["targets", auditor]);
    assert!(
        ended.stderr.contains("3 accounts of its organisation"),
        "{}",
        ended.stderr
    );
    assert!(
        !ended.done().contains("444455556666"),
        "they are no targets"
    );

    connected(&harness, "Reader");
    let listed = harness.mcm(&["targets", &role("Reader"), "--json"]).json();
    assert_eq!(listed.get("organization"), None);
}

#[test]
fn a_region_of_a_role_is_chosen_like_any_target() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let table = harness.mcm(&["targets", &id]).done();
    assert!(
        table
            .lines()
            .any(|line| line.starts_with("*  ") && line.contains("eu-central-1")),
        "{table}"
    );
    harness
        .mcm(&["use", "contoso-production", "eu-north-1"])
        .done();
    assert_eq!(row(&harness)["region"], "eu-north-1");
    assert_eq!(harness.sandbox.requests(), []);
}

#[test]
fn wrong_usage_of_aws_is_status_2() {
    let harness = Harness::without_keychain();
    for arguments in [
        &["login", "aws"][..],
        &["login", "aws", "--role-arn", "a", "--print", "cli"],
        &["login", "aws", "--pending", "--source", "default"],
        &["login", "aws", "--print", "cli", "--accept-not-enforced"],
        &["login", "aws", "--role-arn", "a", "--permissions", "none"],
        &[
            "login",
            "aws",
            "--role-arn",
            "a",
            "--session-duration",
            "60",
        ],
        &["login", "aws", "--role-arn", "a", "--role-name", "b"],
        &["credential-process"],
        &["credential-process", "a", "--active"],
    ] {
        let output = harness.mcm(arguments).failed(2);
        assert!(
            output.contains("Usage: mcm") || output.contains("--help"),
            "{output}"
        );
    }
}

#[test]
fn the_profile_that_runs_mcm_is_not_its_own_source() {
    let harness = Harness::start();
    let key = harness
        .sandbox
        .aws_access_key("ada")
        .expect("there is an ada");
    let keys = format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    let file = harness.home().join("aws/config");
    let program = env!("CARGO_BIN_EXE_mcm");
    let us = format!(
        "[profile production]\ncredential_process = {program} credential-process --active\n"
    );
    write(
        &file,
        0o600,
        &format!("[default]\n{keys}[profile work]\n{keys}{us}"),
    );
    let mcm = |profile: Option<&str>, arguments: &[&str]| {
        let mut command = harness.command(arguments);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
        command
            .env("AWS_CONFIG_FILE", &file)
            .envs(profile.map(|name| ("AWS_PROFILE", name)));
        Ended::of(command.output().expect("mcm starts"))
    };
    for (profile, name, source) in [
        (None, "Reader", "default"),
        (Some("work"), "LongReader", "profile:work"),
    ] {
        mcm(profile, &["login", "aws", "--print", "cli"]).done();
        let connected = mcm(None, &["login", "aws", "--role-arn", &role(name)]).done();
        assert!(connected.contains(source), "{connected}");
        let accounts = harness.mcm(&["accounts", "--json"]).json();
        let mut rows = accounts["accounts"].as_array().expect("a list").iter();
        let row = rows.find(|row| row["roleArn"] == role(name));
        let id = row.expect("it is connected")["id"].as_str().expect("an id");
        harness.forget_sessions();
        harness.sandbox.forget_requests();
        mcm(Some("production"), &["credential-process", id]).done();
        let asked: Vec<_> = harness
            .sandbox
            .requests()
            .iter()
            .map(|request| request.endpoint)
            .collect();
        assert_eq!(
            asked,
            [
                Some(Endpoint::AwsCallerIdentity),
                Some(Endpoint::AwsAssumeRole)
            ]
        );
    }
}

#[test]
fn no_secret_of_aws_is_printed_logged_or_written() {
    let harness = Harness::start();
    let mut output = String::new();
    let mut run = |arguments: &[&str]| {
        let ended = harness.mcm(arguments);
        output.push_str(&ended.stderr);
        if arguments[0] != "credential-process" {
            output.push_str(&ended.result);
        }
    };
    for arguments in [
        &["login", "aws", "--print", "cloudformation"][..],
        &["login", "aws", "--role-arn", &role("IgnoringReader")],
        &["login", "aws", "--role-arn", &role("Reader")],
        &["accounts", "--json"],
        &["credential-process", "--active"],
        &["token", "contoso-production"],
        &["doctor"],
    ] {
        run(arguments);
    }
    harness.forget_sessions();
    harness.sandbox.remove_aws_role(&role("Reader"));
    run(&["credential-process", "--active"]);
    harness.assert_no_secret_in(&output);
}
