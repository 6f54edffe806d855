//! Wrong usage, unknown names, and what must never be told.

use crate::stage::{ADA, Stage};

#[test]
fn wrong_usage_is_status_2_and_says_what_is_right() {
    let stage = Stage::without_keychain();
    for arguments in [
        &[][..],
        &["nonsense"],
        &["token"],
        &["token", "a", "--active", "azure"],
        &["token", "--active", "ibm"],
        &["login", "azure", "--replace", "--keep-both"],
        &["logout"],
        &["logout", "a", "--all"],
    ] {
        let told = stage.mcm(arguments).failed(2);
        assert!(told.contains("Usage: mcm") || told.contains("--help"), "{told}");
    }
    stage.mcm(&["token", " "]).failed(2);
}

#[test]
fn an_unknown_account_is_named_with_the_command_that_lists_them() {
    let stage = Stage::without_keychain();
    for arguments in
        [&["token", "nobody"][..], &["targets", "nobody"], &["use", "nobody"], &["logout", "nobody"]]
    {
        let told = stage.mcm(arguments).failed(1);
        assert!(told.starts_with("mcm: No account fits \"nobody\"."), "{told}");
        assert!(told.contains("mcm accounts") && told.contains("\n  reference: "), "{told}");
    }
}

#[test]
fn help_and_version_are_results() {
    let stage = Stage::without_keychain();
    assert!(stage.mcm(&["--help"]).done().contains("Exit status:"));
    assert_eq!(stage.mcm(&["--version"]).done(), format!("mcm {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn no_secret_is_told_logged_or_written() {
    let stage = Stage::start();
    let mut told = String::new();
    let login = stage.login(ADA, &["azure", "--all-tenants"]);
    told.push_str(&login.told);
    told.push_str(&login.result);
    for arguments in [
        &["accounts", "--json"][..],
        &["targets", "contoso", "--refresh"],
        &["use", "contoso", "staging"],
        &["doctor"],
        &["logout", "northwind"],
    ] {
        let ended = stage.mcm(arguments);
        told.push_str(&ended.told);
        told.push_str(&ended.result);
    }
    told.push_str(&stage.mcm(&["token", "contoso"]).told);
    stage.sandbox.revoke_all(ADA);
    told.push_str(&stage.mcm(&["token", "fabrikam"]).told);
    told.push_str(&stage.files());

    assert!(told.contains("the command failed"), "the log is among what was looked at");
    let secrets = stage.sandbox.secrets();
    assert!(secrets.len() > 5);
    for secret in secrets {
        assert!(!told.contains(&secret), "a secret was told");
    }
    assert!(!told.contains("state=") && !told.contains("code_challenge"), "the sign-in page was told");
}
