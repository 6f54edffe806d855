//! Wrong usage, unknown names, and what must never be told.

use std::process::{Command, Stdio};

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
        assert!(
            told.contains("Usage: mcm") || told.contains("--help"),
            "{told}"
        );
    }
    stage.mcm(&["token", " "]).failed(2);
}

#[test]
fn an_unknown_account_is_named_with_the_command_that_lists_them() {
    let stage = Stage::without_keychain();
    for arguments in [
        &["token", "nobody"][..],
        &["targets", "nobody"],
        &["use", "nobody"],
        &["logout", "nobody"],
    ] {
        let told = stage.mcm(arguments).failed(1);
        assert!(
            told.starts_with("mcm: No account fits \"nobody\"."),
            "{told}"
        );
        assert!(
            told.contains("mcm accounts") && told.contains("\n  reference: "),
            "{told}"
        );
    }
}

#[test]
fn help_and_version_are_results() {
    let stage = Stage::without_keychain();
    assert!(stage.mcm(&["--help"]).done().contains("Exit status:"));
    assert_eq!(
        stage.mcm(&["--version"]).done(),
        format!("mcm {}\n", env!("CARGO_PKG_VERSION"))
    );
}

/// Runs `mcm` on a terminal, where both outputs are one, and gives what it shows.
fn on_a_terminal(stage: &Stage, arguments: &str, variables: &[(&str, &str)]) -> String {
    let mcm = stage.command(&[]);
    let mut command = Command::new("script");
    command.args([
        "--quiet",
        "--command",
        &format!("{} {arguments}", mcm.get_program().display()),
        "/dev/null",
    ]);
    stage.equip(&mut command);
    command
        .env("TERM", "xterm-256color")
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    let output = command
        .output()
        .expect("script starts; it is in the package bsdutils");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let stage = Stage::without_keychain();
    let failing = "targets nobody";
    assert!(
        on_a_terminal(&stage, failing, &[])
            .starts_with("\u{1b}[1;31mmcm:\u{1b}[0m No account fits")
    );
    for variables in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let shown = on_a_terminal(&stage, failing, &[variables]);
        assert!(
            shown.starts_with("mcm: No account fits") && !shown.contains('\u{1b}'),
            "{shown:?}"
        );
    }
    assert!(
        stage
            .mcm(&["targets", "nobody"])
            .failed(1)
            .starts_with("mcm: ")
    );
    // Help and wrong usage have none anywhere.
    for arguments in ["--help", "login aws --help", "token", "nonsense"] {
        let shown = on_a_terminal(&stage, arguments, &[("CLICOLOR_FORCE", "1")]);
        assert!(
            shown.contains("mcm") && !shown.contains('\u{1b}'),
            "{shown:?}"
        );
    }
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
    stage.assert_no_secret_in(&told);
}
