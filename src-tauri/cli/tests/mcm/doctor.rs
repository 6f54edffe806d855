//! `mcm doctor`, in health and in trouble.

use serde_json::Value;

use crate::stage::Stage;

fn check<'a>(findings: &'a Value, name: &str) -> &'a Value {
    let checks = findings["checks"].as_array().expect("a list");
    checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name} in {findings}"))
}

#[test]
fn nothing_fails_on_a_machine_that_is_set_up() {
    let stage = Stage::start();
    stage.connected(false);
    let findings = stage.mcm(&["doctor", "--json"]).json();
    for name in ["keychain", "accounts", "azure settings", "clock", "azure sign-in", "azure resource manager"]
    {
        assert_eq!(check(&findings, name)["status"], "ok", "{findings}");
    }
    let settings = check(&findings, "azure settings")["found"].as_str().expect("text");
    assert!(settings.contains("from AZURE_CLIENT_ID"), "{settings}");
}

#[test]
fn what_is_missing_fails_with_its_remedy() {
    let stage = Stage::without_keychain();
    let mut command = stage.command(&["doctor"]);
    command.env_remove("AZURE_CLIENT_ID").env_remove("GOOGLE_CLIENT_ID").env("AZURE_CLIENT_SECRET", "CANARY");
    let output = command.output().expect("mcm starts");
    let found = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(1), "{found}");
    assert!(found.contains("FAIL  keychain"), "{found}");
    assert!(found.contains("FAIL  azure settings") && found.contains("AZURE_CLIENT_ID"), "{found}");
    assert!(found.contains("warn  environment: AZURE_CLIENT_SECRET set"), "{found}");
    assert!(!found.contains("CANARY"));
}

#[test]
fn servers_that_do_not_answer_fail() {
    let stage = Stage::start();
    let output = stage.command(&["doctor"]).env("AZURE_AUTHORITY_HOST", "http://127.0.0.1:9").output();
    let found = String::from_utf8(output.expect("mcm starts").stdout).expect("text");
    assert!(found.contains("FAIL  azure sign-in: 127.0.0.1:9 does not answer"), "{found}");
}
