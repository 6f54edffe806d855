//! Wrong usage, unknown names, and secrets that must never be shown.

#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};

use crate::harness::{ADA, Harness};
#[cfg(target_os = "linux")]
use crate::harness::{Ended, write};

#[test]
fn wrong_usage_is_status_2_and_shows_the_right_usage() {
    let harness = Harness::without_keychain();
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
        let output = harness.mcm(arguments).failed(2);
        assert!(
            output.contains("Usage: mcm") || output.contains("--help"),
            "{output}"
        );
    }
    harness.mcm(&["token", " "]).failed(2);
}

#[test]
fn an_unknown_account_is_named_with_the_command_that_lists_them() {
    let harness = Harness::without_keychain();
    for arguments in [
        &["token", "nobody"][..],
        &["targets", "nobody"],
        &["use", "nobody"],
        &["logout", "nobody"],
    ] {
        let output = harness.mcm(arguments).failed(1);
        assert!(
            output.starts_with("mcm: No account matches \"nobody\"."),
            "{output}"
        );
        assert!(
            output.contains("mcm accounts") && output.contains("\n  reference: "),
            "{output}"
        );
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_message_quotes_moves_no_cursor_and_hides_nothing() {
    const HOSTILE: &str = "a\u{1b}]0;t\u{7}\u{9b}31m\u{202e}\u{200b}b";
    let harness = Harness::without_keychain();
    let home = format!("{HOSTILE}/x");
    let profile = format!("[profile {HOSTILE}]\nrole_arn = {HOSTILE}\n");
    write(&harness.folder().join(".aws/config"), 0o600, &profile);
    let folder = harness.folder().join(HOSTILE);
    write(&folder.join(".mcm.toml"), 0o600, "environment = \"dev\"");
    for (arguments, variable) in [
        (&["restore", HOSTILE][..], None),
        (&["login", "azure", "--tenant", HOSTILE], None),
        (&["token", HOSTILE], None),
        (&["token", "a", HOSTILE], None),
        (&["environment", "create", "a", "--colour", HOSTILE], None),
        (&["shim", HOSTILE], None),
        (&["hook-lines", "--shell", "bash"], None),
        (&["accounts"], Some(("MCM_HOME", home.as_str()))),
        (&["doctor"], Some(("SSL_CERT_FILE", HOSTILE))),
        (&["doctor"], Some(("AZURE_AUTHORITY_HOST", HOSTILE))),
    ] {
        let mut command = harness.command(arguments);
        command.envs(variable).current_dir(&folder);
        let ended = Ended::run(command);
        let shown = format!("{}{}", ended.result, ended.stderr);
        assert!(shown.contains('b'), "{arguments:?} {variable:?}: {shown}");
        let is_hostile = |c: &char| HOSTILE.contains(*c) && !c.is_ascii_graphic();
        let found: String = shown.chars().filter(is_hostile).collect();
        assert_eq!(found, "", "{arguments:?} {variable:?}: {shown:?}");
    }
}

#[test]
fn help_and_version_are_results() {
    let harness = Harness::without_keychain();
    assert!(harness.mcm(&["--help"]).done().contains("Exit status:"));
    assert_eq!(
        harness.mcm(&["--version"]).done(),
        format!("mcm {}\n", env!("CARGO_PKG_VERSION"))
    );
}

/// Runs `mcm` on a terminal, where both outputs are one, and gives what it shows.
#[cfg(target_os = "linux")]
fn on_a_terminal(harness: &Harness, arguments: &str, variables: &[(&str, &str)]) -> String {
    let mcm = harness.command(&[]);
    let mut command = Command::new("script");
    command.args([
        "--quiet",
        "--command",
        &format!("{} {arguments}", mcm.get_program().display()),
        "/dev/null",
    ]);
    harness.equip(&mut command);
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
#[cfg(target_os = "linux")]
fn colour_is_only_for_terminals_that_allow_it() {
    let harness = Harness::without_keychain();
    let failing = "targets nobody";
    assert!(
        on_a_terminal(&harness, failing, &[])
            .starts_with("\u{1b}[1;31mmcm:\u{1b}[0m No account matches")
    );
    for variables in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let shown = on_a_terminal(&harness, failing, &[variables]);
        assert!(
            shown.starts_with("mcm: No account matches") && !shown.contains('\u{1b}'),
            "{shown:?}"
        );
    }
    assert!(
        harness
            .mcm(&["targets", "nobody"])
            .failed(1)
            .starts_with("mcm: ")
    );
    // Help and wrong usage have none anywhere.
    for arguments in ["--help", "login aws --help", "token", "nonsense"] {
        let shown = on_a_terminal(&harness, arguments, &[("CLICOLOR_FORCE", "1")]);
        assert!(
            shown.contains("mcm") && !shown.contains('\u{1b}'),
            "{shown:?}"
        );
    }
}

#[test]
fn no_secret_is_printed_logged_or_written() {
    let harness = Harness::start();
    let mut output = String::new();
    let login = harness.login(ADA, &["azure", "--all-tenants"]);
    output.push_str(&login.stderr);
    output.push_str(&login.result);
    for arguments in [
        &["accounts", "--json"][..],
        &["targets", "contoso", "--refresh"],
        &["use", "contoso", "staging"],
        &["doctor"],
        &["logout", "northwind"],
    ] {
        let ended = harness.mcm(arguments);
        output.push_str(&ended.stderr);
        output.push_str(&ended.result);
    }
    output.push_str(&harness.mcm(&["token", "contoso"]).stderr);
    harness.sandbox.revoke_all(ADA);
    output.push_str(&harness.mcm(&["token", "fabrikam"]).stderr);
    harness.assert_no_secret_in(&output);
}
