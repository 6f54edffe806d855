//! `mcm doctor`, with and without problems.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::Value;

use crate::aws::connected;
use crate::harness::{Ended, Harness, write};

fn check<'a>(findings: &'a Value, name: &str) -> &'a Value {
    let checks = findings["checks"].as_array().expect("a list");
    checks
        .iter()
        .find(|check| check["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {findings}"))
}

#[test]
fn nothing_fails_on_a_machine_that_is_set_up() {
    let harness = Harness::start();
    harness.connected(false);
    let findings = harness.mcm(&["doctor", "--json"]).json();
    for name in [
        "keychain",
        "accounts",
        "database",
        "azure settings",
        "clock",
        "azure sign-in",
        "azure resource manager",
    ] {
        assert_eq!(check(&findings, name)["status"], "ok", "{findings}");
    }
    let settings = check(&findings, "azure settings")["found"]
        .as_str()
        .expect("text");
    assert!(settings.contains("from AZURE_CLIENT_ID"), "{settings}");
}

/// Documented and stable: checks and fields may be added, none changes its name or its meaning.
#[test]
fn the_json_is_as_documented() {
    let harness = Harness::start();
    connected(&harness, "Reader");
    let findings = harness.mcm(&["doctor", "--json"]).json();
    let checks = findings["checks"].as_array().expect("a list");
    let names: Vec<&str> = checks
        .iter()
        .map(|check| check["name"].as_str().expect("a name"))
        .collect();
    let expected = [
        "keychain",
        "accounts",
        "database",
        "settings file",
        "azure settings",
        "gcp settings",
        "aws settings",
        "scheme handler",
        "environment",
        "plain-text credentials",
        "proxy",
        "clock",
        "azure sign-in",
        "azure resource manager",
        "gcp sign-in",
        "gcp resource manager",
        "aws sts",
    ];
    assert_eq!(names, expected);
    for check in checks {
        let fields: Vec<&String> = check.as_object().expect("an object").keys().collect();
        assert_eq!(fields.len(), 4, "{check}");
        let (status, remedy) = (check["status"].as_str().expect("text"), &check["remedy"]);
        assert!(
            ["ok", "warn", "fail"].contains(&status) && check["found"].is_string(),
            "{check}"
        );
        assert_eq!(remedy.is_null(), status == "ok", "{check}");
    }
    let keychain = &checks[0];
    let found = keychain["found"].as_str().expect("text");
    assert!(found.contains(" ms)"), "how fast it is: {found}");
    let printed = harness.mcm(&["doctor", "--json"]).done();
    assert!(printed.starts_with(
        "{\n  \"checks\": [\n    {\n      \"name\": \"keychain\",\n      \"status\": \"ok\",\n"
    ));
}

#[test]
fn a_locked_keychain_is_distinguished_from_a_missing_one() {
    let harness = Harness::start();
    harness.lock_keychain();
    let ended = harness.mcm(&["doctor"]);
    assert_eq!(ended.status, 1);
    assert!(
        ended
            .result
            .lines()
            .next()
            .is_some_and(|line| line.starts_with("FAIL  keychain: ") && line.ends_with("is locked")),
        "{}",
        ended.result
    );
}

#[test]
fn credentials_of_other_tools_are_named_without_their_content_and_with_a_remedy() {
    let harness = Harness::without_keychain();
    let home = harness.home().with_file_name("");
    let named = harness.home().join("named");
    let files = [
        (
            home.join(".aws/config"),
            "[profile a]\nAWS_SECRET_ACCESS_KEY = CANARY\n",
        ),
        (
            home.join(".aws/sso/cache/1.json"),
            r#"{"accessToken":"CANARY"}"#,
        ),
        (
            home.join(".aws/cli/cache/1.json"),
            r#"{"Credentials":{"SecretAccessKey":"CANARY"}}"#,
        ),
        (
            home.join(".aws/login/cache/1.json"),
            r#"{"refreshToken":"CANARY"}"#,
        ),
        (named.join("aws"), "[a]\naws_secret_access_key=CANARY\n"),
        (
            named.join("azure/msal_token_cache.json"),
            r#"{"RefreshToken":{"x":{"secret":"CANARY"}}}"#,
        ),
        (
            named.join("azure/service_principal_entries.json"),
            r#"[{"client_secret":"CANARY"}]"#,
        ),
        (
            named.join("gcloud/credentials.db"),
            "SQLite format 3\0{\"refresh_token\": \"CANARY\"}",
        ),
        (
            named.join("gcloud/access_tokens.db"),
            "SQLite format 3\0ya29.CANARY",
        ),
        (
            named.join("gcloud/application_default_credentials.json"),
            r#"{"refresh_token":"CANARY"}"#,
        ),
        (
            named.join("gcloud/legacy_credentials/a@b/adc.json"),
            r#"{"refresh_token":"CANARY"}"#,
        ),
        (named.join("key.json"), r#"{"private_key":"CANARY"}"#),
    ];
    for (path, text) in &files {
        write(path, 0o600, text);
    }
    let variables = [
        ("AWS_SHARED_CREDENTIALS_FILE", named.join("aws")),
        ("AZURE_CONFIG_DIR", named.join("azure")),
        ("CLOUDSDK_CONFIG", named.join("gcloud")),
        ("GOOGLE_APPLICATION_CREDENTIALS", named.join("key.json")),
    ];
    let doctor = |arguments: &[&str]| {
        let mut command = harness.command(arguments);
        Ended::of(
            command
                .envs(variables.iter().cloned())
                .output()
                .expect("mcm starts"),
        )
        .result
    };
    fs::set_permissions(&files[4].0, fs::Permissions::from_mode(0o644)).expect("ours");
    // A path that only looks like such a file does not block the command.
    symlink("/dev/zero", home.join(".aws/sso/cache/2.json")).expect("linked");

    let printed = doctor(&["doctor", "--json"]);
    let findings: Value = serde_json::from_str(&printed).expect("JSON");
    assert!(!printed.contains("CANARY"), "{printed}");
    for (name, path) in [
        ("aws credentials file", &files[4].0),
        ("aws config file", &files[0].0),
        ("aws sso cache", &files[1].0),
        ("aws cli cache", &files[2].0),
        ("aws login cache", &files[3].0),
        ("azure token cache", &files[5].0),
        ("azure service principals", &files[6].0),
        ("gcloud credentials", &files[7].0),
        ("gcloud access tokens", &files[8].0),
        ("application default credentials", &files[9].0),
        ("gcloud legacy credentials", &files[10].0),
        ("google key file", &files[11].0),
    ] {
        let check = check(&findings, name);
        let found = check["found"].as_str().expect("text");
        assert!(
            found.starts_with(&path.display().to_string()) && check["remedy"].is_string(),
            "{check}"
        );
        assert_eq!(check["status"], "warn");
        assert_eq!(
            found.contains("Other users of this machine can read it (mode 644)"),
            name == "aws credentials file",
            "{found}"
        );
    }
    for (path, _) in &files {
        write(path, 0o600, "{}");
    }
    assert!(doctor(&["doctor"]).contains("ok    plain-text credentials: none"));
}

#[test]
fn a_missing_part_fails_with_its_remedy() {
    let harness = Harness::without_keychain();
    let mut command = harness.command(&["doctor"]);
    command
        .env_remove("AZURE_CLIENT_ID")
        .env_remove("GOOGLE_CLIENT_ID")
        .env("AZURE_CLIENT_SECRET", "CANARY");
    let output = command.output().expect("mcm starts");
    let found = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(1), "{found}");
    assert!(found.contains("FAIL  keychain"), "{found}");
    assert!(
        found.contains("FAIL  azure settings") && found.contains("AZURE_CLIENT_ID"),
        "{found}"
    );
    assert!(
        found.contains(
            "warn  environment: AZURE_CLIENT_SECRET, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY set"
        ),
        "{found}"
    );
    assert!(!found.contains("CANARY"));
}

#[test]
fn servers_that_do_not_answer_fail() {
    let harness = Harness::start();
    let output = harness
        .command(&["doctor"])
        .env("AZURE_AUTHORITY_HOST", "http://127.0.0.1:9")
        .output();
    let found = String::from_utf8(output.expect("mcm starts").stdout).expect("text");
    assert!(
        found.contains("FAIL  azure sign-in: 127.0.0.1:9 does not answer"),
        "{found}"
    );
}
