//! `mcm env`, evaluated by the shells that it prints for.

use std::process::Command;

use crate::aws::connected;
use crate::harness::{ADA, Ended, Harness, write};

/// Runs a script in a shell, with what `mcm` needs and some variables that would win.
fn run(harness: &Harness, shell: &[&str], script: &str) -> Ended {
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .arg(script.replace("mcm ", &format!("{} ", env!("CARGO_BIN_EXE_mcm"))));
    harness.equip(&mut command);
    command
        .env("AWS_PROFILE", "stale")
        .env("AWS_SESSION_TOKEN", "stale")
        .env("ARM_CLIENT_SECRET", "stale");
    Ended::of(
        command
            .output()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", shell[0])),
    )
}

#[test]
fn shells_set_the_credential_and_unset_it() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let printed = harness.mcm(&["credential-process", &aws]).json();
    let show = "echo \"[$AWS_SESSION_TOKEN] [$AWS_PROFILE] [$AWS_REGION] [$ARM_CLIENT_SECRET]\"";
    let expected = format!(
        "[{}] [] [eu-central-1] [stale]\n",
        printed["SessionToken"].as_str().expect("text")
    );
    for (shell, evaluate, take_back) in [
        (
            &["bash", "-c"][..],
            format!("eval \"$(mcm env {aws})\""),
            "eval \"$(mcm env --unset)\"",
        ),
        (
            &["zsh", "-f", "-c"],
            format!("eval \"$(mcm env {aws})\""),
            "eval \"$(mcm env --unset)\"",
        ),
        (
            &["fish", "--no-config", "-c"],
            format!("mcm env {aws} | source"),
            "mcm env --unset | source",
        ),
        // The shell joins the lines to one here.
        (
            &["bash", "-c"],
            format!("eval $(mcm env {aws})"),
            "eval `mcm env --unset`",
        ),
        (
            &["zsh", "-f", "-c"],
            format!("eval $(mcm env {aws})"),
            "eval $(mcm env --unset)",
        ),
        (
            &["fish", "--no-config", "-c"],
            format!("eval (mcm env {aws})"),
            "eval (mcm env --unset)",
        ),
    ] {
        let ended = run(
            &harness,
            shell,
            &format!("{evaluate}; {show}; {take_back}; {show}"),
        );
        assert!(
            ended.stderr.contains("expires at") && ended.stderr.contains("mcm env --unset"),
            "{}",
            ended.stderr
        );
        assert_eq!(
            ended.result,
            format!("{expected}[] [] [] []\n"),
            "{shell:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn a_profile_that_runs_mcm_keeps_the_secret_out_of_the_shell() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let text = format!(
        "[profile contoso-production]\ncredential_process = {} credential-process {aws}\n",
        env!("CARGO_BIN_EXE_mcm")
    );
    write(&harness.folder().join(".aws/config"), 0o600, &text);
    let ended = harness.mcm(&["env", &aws, "--shell", "bash"]);
    assert!(
        ended
            .stderr
            .contains("AWS_PROFILE is \"contoso-production\""),
        "{}",
        ended.stderr
    );
    let lines = ended.done();
    assert!(
        lines.contains("export AWS_PROFILE='contoso-production';\n"),
        "{lines}"
    );
    assert!(
        lines.contains("unset AWS_SESSION_TOKEN;\n") && !lines.contains("export AWS_ACCESS_KEY_ID"),
        "{lines}"
    );
    assert!(
        !harness
            .sandbox
            .secrets()
            .iter()
            .any(|secret| lines.contains(secret.as_str()))
    );
}

#[test]
fn several_clouds_share_one_shell_and_azure_names_what_its_tools_do_not_read() {
    let harness = Harness::start();
    harness.login(ADA, &["azure"]).done();
    harness.login(ADA, &["gcp"]).done();
    let (azure, gcp) = (harness.account_of("azure"), harness.account_of("gcp"));
    let ended = harness.mcm(&["env", &azure, &gcp, "--shell", "powershell"]);
    assert!(ended.stderr.contains("mcm exec"), "{}", ended.stderr);
    let lines = ended.done();
    for (name, id) in [
        ("AZURE_ACCESS_TOKEN", &azure),
        ("CLOUDSDK_AUTH_ACCESS_TOKEN", &gcp),
    ] {
        let token = harness.mcm(&["token", id]).done();
        assert!(
            lines.contains(&format!("$env:{name} = '{}'\n", token.trim())),
            "{name}"
        );
    }
    assert!(
        lines.contains("$env:GOOGLE_BACKEND_CREDENTIALS = $null\n")
            && lines.contains("$env:GOOGLE_APPLICATION_CREDENTIALS = '/nonexistent/"),
        "{lines}"
    );
}

#[test]
fn a_failure_fails_in_the_shell_and_leaves_no_credential_there() {
    let harness = Harness::start();
    let azure = harness.connected(true);
    harness.sandbox.revoke_all(ADA);
    let show = "echo \"[$AWS_PROFILE] [$AWS_SESSION_TOKEN]\"";
    for (shell, goes_on) in [
        (
            &["bash", "-c"][..],
            "eval \"$(ASKED)\" && echo goes on; SHOW",
        ),
        (
            &["zsh", "-f", "-c"],
            "eval \"$(ASKED)\" && echo goes on; SHOW",
        ),
        (
            &["fish", "--no-config", "-c"],
            "ASKED | source; and echo goes on; SHOW",
        ),
        (&["bash", "-c"], "eval $(ASKED) && echo goes on; SHOW"),
        (&["zsh", "-f", "-c"], "eval $(ASKED) && echo goes on; SHOW"),
        (&["bash", "-c"], ". <(ASKED) && echo goes on; SHOW"),
        (
            &["fish", "--no-config", "-c"],
            "eval (ASKED); and echo goes on; SHOW",
        ),
    ] {
        for (asked, advice) in [
            (format!("mcm env {azure}"), "mcm login azure"),
            ("mcm env nope".to_owned(), "No account matches"),
            ("mcm env --nonsense".to_owned(), "Usage: mcm env"),
        ] {
            let script = goes_on.replace("ASKED", &asked).replace("SHOW", show);
            let ended = run(&harness, shell, &script);
            assert_eq!(ended.result, "[] []\n", "{shell:?} {asked}");
            assert!(ended.stderr.contains(advice), "{}", ended.stderr);
        }
    }
    let strict = "set -euo pipefail; eval \"$(mcm env nope)\"; echo goes on";
    for shell in [&["bash", "-c"][..], &["zsh", "-f", "-c"]] {
        let ended = run(&harness, shell, strict);
        assert_eq!((ended.status, ended.result.as_str()), (1, ""), "{shell:?}");
    }
    let powershell = harness.mcm(&["env", "nope", "--shell", "powershell"]);
    assert!(powershell.result.ends_with("\nthrow 'mcm env failed.'\n"));
}

#[test]
fn the_shell_is_the_program_that_runs_mcm_whatever_its_name() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    for (interpreter, login_shell, line) in [
        ("/bin/bash", "/usr/bin/fish", "export AWS_REGION="),
        ("/usr/bin/fish", "/bin/bash", "set -gx AWS_REGION "),
    ] {
        let script = harness.folder().join("fish");
        let mcm = env!("CARGO_BIN_EXE_mcm");
        write(
            &script,
            0o700,
            &format!("#!{interpreter}\n{mcm} env {aws}\ntrue\n"),
        );
        let mut command = Command::new(&script);
        harness.equip(&mut command).env("SHELL", login_shell);
        let lines = Ended::of(command.output().expect("it starts")).done();
        assert!(lines.contains(line), "{interpreter}: {lines}");
    }
    // A test is not a shell.
    let ended = harness.mcm(&["env", &aws]);
    assert_eq!((ended.status, ended.result.as_str()), (2, "false\n"));
    assert!(ended.stderr.contains("--shell"), "{}", ended.stderr);
}
