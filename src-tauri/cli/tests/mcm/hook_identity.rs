//! `mcm whoami` and `mcm doctor` in an environment and in a shell with the hook.

use serde_json::{Value, json};

use crate::harness::{Ended, Harness, write};
use crate::hook::{allow, environments, in_shell};

const MCM: &str = env!("CARGO_BIN_EXE_mcm");

fn parsed(ended: &Ended) -> Value {
    serde_json::from_str(&ended.result)
        .unwrap_or_else(|_| panic!("{}{}", ended.result, ended.stderr))
}

// E26
#[test]
fn whoami_names_the_environment_and_its_source_for_all_tools() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    let whoami = "mcm whoami --json";
    for (line, source) in [
        (format!("mcm use dev 2>/dev/null; {whoami}"), "mcm-use"),
        (format!("cd dev 2>/dev/null; {whoami}"), "folder"),
        (
            format!("{MCM} exec -E dev -- {MCM} whoami --json"),
            "mcm-exec",
        ),
        (
            format!("eval \"$({MCM} env -E dev 2>/dev/null)\"; {whoami}"),
            "mcm-env",
        ),
    ] {
        let ended = in_shell(&harness, "bash", &line);
        let seen = parsed(&ended);
        assert_eq!(seen["environment"]["name"], "dev", "{line}");
        assert_eq!(seen["environment"]["source"], source, "{line}");
        let tools = seen["tools"].as_array().expect("a list");
        assert_eq!(tools.len(), 6);
        for row in tools {
            // Whose a token in a variable is, only its cloud knows.
            if source == "mcm-env" && row["provider"] != "aws" {
                assert_eq!(row["environment"], Value::Null, "{row}");
                continue;
            }
            assert_eq!(row["environment"], "dev", "{line}: {row}");
            assert!(row["account"].is_string(), "{line}: {row}");
        }
    }
    let text = in_shell(&harness, "bash", "mcm use dev 2>/dev/null; mcm whoami").result;
    assert!(
        text.starts_with("environment        dev, which mcm use chose for this terminal\n")
            && text.matches("As the environment dev has it.").count() == 6
            && text.contains("The shim of terraform starts it in dev"),
        "{text}"
    );
    // A profile that was chosen by hand inside is no longer the environment's.
    write(
        &harness.folder().join("mine"),
        0o600,
        "[profile mine]\naws_access_key_id = AKIAOTHEROTHEROTHER1\naws_secret_access_key = x\n",
    );
    let line = format!(
        "mcm use dev 2>/dev/null; export AWS_PROFILE=mine AWS_CONFIG_FILE={}; mcm whoami --json",
        harness.folder().join("mine").display()
    );
    let seen = parsed(&in_shell(&harness, "bash", &line));
    let aws = &seen["tools"][0];
    assert_eq!(
        (&aws["tool"], &aws["environment"]),
        (&json!("aws"), &Value::Null),
        "{aws}"
    );
    // Outside of every environment.
    let seen = harness.mcm(&["whoami", "--json"]).json();
    assert_eq!(seen["environment"], Value::Null);
}

/// The check of the hook that doctor shows in a shell.
fn hook_check(harness: &Harness, shell: &str, line: &str) -> Option<(String, String)> {
    let ended = in_shell(harness, shell, line);
    let checks = parsed(&ended);
    let found = checks["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|check| check["name"] == "shell hook")?;
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    Some((text("status"), text("found")))
}

// E26
#[test]
fn doctor_names_a_shell_whose_hook_is_missing_old_or_overwritten() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    for (shell, overwrite) in [
        ("bash", "PROMPT_COMMAND=other"),
        ("zsh", "precmd_functions=()"),
        ("fish", "functions -e __mcm_hook"),
    ] {
        let (status, found) = hook_check(&harness, shell, "mcm doctor --json\n").expect("checked");
        assert_eq!(
            (status.as_str(), found),
            ("ok", format!("this {shell} has the hook"))
        );
        let (status, found) = hook_check(
            &harness,
            shell,
            &format!("{overwrite}; mcm doctor --json\n"),
        )
        .expect("checked");
        assert!(
            status == "warn" && found.contains("no longer in place"),
            "{shell}: {found}"
        );
        let old = match shell {
            "fish" => "set -gx MCM_HOOK 1:$fish_pid",
            _ => "export MCM_HOOK=1:$$",
        };
        let (status, found) =
            hook_check(&harness, shell, &format!("{old}; mcm doctor --json\n")).expect("checked");
        assert!(
            status == "warn" && found.contains("another version"),
            "{shell}: {found}"
        );
        // A shell within inherits the mark, and has no hook.
        let flags = match shell {
            "bash" => "--norc",
            "zsh" => "-f",
            _ => "--no-config",
        };
        let inner = format!("{shell} {flags} -c '{MCM} doctor --json; true'; true\n");
        let (status, found) = hook_check(&harness, shell, &inner).expect("checked");
        assert!(
            status == "warn" && found.contains("has no hook"),
            "{shell}: {found}"
        );
    }
}
