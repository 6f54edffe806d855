//! `mcm hook nushell` in the real nushell: its functions, called as its prompt calls them. nushell draws prompts at terminals
//! alone, so that it calls them is its own part.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::clients::here;
use crate::harness::{Ended, Harness, write};
use crate::hook::{allow, environments};

const MCM: &str = env!("CARGO_BIN_EXE_mcm");

/// The program, where it is installed. A tree whose clients were installed before may lack it.
fn nu() -> Option<PathBuf> {
    let modules = here().join("node/node_modules");
    let program = modules.join("@nushell/linux-x64/bin/nu");
    if !program.is_file() {
        mcm_core::testing::not_checked(
            "the hook in nushell: it is not installed. Run make clients",
        );
        return None;
    }
    Some(program)
}

/// Runs a script in nushell with the hook, in the folder `work`. `show` prints the environment and the region.
fn in_nushell(harness: &Harness, nu: &PathBuf, script: &str) -> Ended {
    let mut hook = harness.command(&["hook", "nushell"]);
    let hook = Ended::of(hook.output().expect("mcm starts")).done();
    let file = harness.folder().join("hook.nu");
    write(&file, 0o600, &hook);
    let mut command = Command::new(nu);
    harness.equip(&mut command);
    let show = "def show [] { print $\"($env.MCM_ENVIRONMENT? | default '-') ($env.AWS_REGION? | default '-')\" }";
    command
        .env_remove("AWS_REGION")
        .current_dir(harness.folder().join("work"))
        .args(["-n", "-c"])
        .arg(format!("source '{}'\n{show}\n{script}", file.display()));
    Ended::of(command.output().expect("nushell starts"))
}

// E2, E3, E15, E23
#[test]
fn nushell_follows_folders_and_the_terminals_choice_and_undoes_both() {
    let Some(nu) = nu() else { return };
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    allow(&harness, "test").done();
    let ended = in_nushell(
        &harness,
        &nu,
        "cd dev; show; cd below; show; cd ../../test; show; cd ../none; show\n\
         $env.AWS_REGION = 'us-east-1'; $env.AWS_ACCESS_KEY_ID = 'AKIACANARY'; $env.AWS_DEFAULT_PROFILE = 'mine'\n\
         cd ../dev; show; print ('AWS_ACCESS_KEY_ID' in $env); sh -c 'echo child=$AWS_REGION; command -v az'\n\
         cd ..; show; print ('AWS_ACCESS_KEY_ID' in $env) $env.AWS_DEFAULT_PROFILE\n\
         mcm use test; show; cd dev; show; mcm use --off; show; cd ..; show\n\
         try { mcm use prod } catch { print refused }; show",
    );
    let lines: Vec<&str> = ended.result.lines().collect();
    let shim = lines.get(7).copied().unwrap_or_default().to_owned();
    assert!(
        shim.ends_with("/mcm-shims/az"),
        "{}{}",
        ended.result,
        ended.stderr
    );
    assert_eq!(
        lines,
        [
            "dev eu-west-3",
            "dev eu-west-3",
            "test eu-west-1",
            "- -",
            "dev eu-west-3",
            "false",
            // The child's own two lines.
            "child=eu-west-3",
            &shim,
            "- us-east-1",
            "false",
            "mine",
            "test eu-west-1",
            "test eu-west-1",
            "dev eu-west-3",
            "- us-east-1",
            "refused",
            "- us-east-1",
        ]
        .as_slice(),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("mcm exec -E prod -- COMMAND"),
        "{}",
        ended.stderr
    );
}

// E14, E16
#[test]
fn nushell_reads_the_path_of_mcm_as_it_is_and_starts_no_process_where_nothing_changed() {
    let Some(nu) = nu() else { return };
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    let bin = harness.folder().join("it's \"$(id)\" \\ here");
    let calls = harness.folder().join("calls");
    let script = format!(
        "#!/bin/sh\necho called >>'{}'\nexec '{MCM}' \"$@\"\n",
        calls.display()
    );
    write(&bin.join("mcm"), 0o755, &script);
    let mut hook = harness.command(&["hook", "nushell"]);
    let hook = Ended::of(hook.output().expect("mcm starts")).done();
    let quoted = serde_json::Value::from(bin.join("mcm").to_str().expect("text")).to_string();
    let own = serde_json::Value::from(MCM).to_string();
    assert!(hook.contains(&own), "{hook}");
    let file = harness.folder().join("other.nu");
    write(&file, 0o600, &hook.replace(&own, &quoted));
    let mut command = Command::new(nu);
    harness.equip(&mut command);
    command
        .current_dir(harness.folder().join("work/dev"))
        .args(["-n", "-c"])
        .arg(format!(
            "source '{}'\n__mcm_hook; __mcm_hook; __mcm_hook; print $env.MCM_ENVIRONMENT; print ($env.config.hooks.pre_prompt | length)",
            file.display()
        ));
    let ended = Ended::of(command.output().expect("nushell starts"));
    assert_eq!(ended.result, "dev\n1\n", "{}", ended.stderr);
    assert_eq!(std::fs::read_to_string(calls).expect("called"), "called\n");
}

// E26
#[test]
fn doctor_finds_the_hook_of_nushell() {
    let Some(nu) = nu() else { return };
    let harness = Harness::start();
    environments(&harness);
    for (line, status, words) in [
        ("mcm doctor --json", "ok", "this nushell has the hook"),
        (
            "$env.MCM_HOOK = $\"1:($nu.pid)\"; mcm doctor --json",
            "warn",
            "is of another version of mcm",
        ),
    ] {
        // Other checks may fail here, which is doctor's exit status.
        let ended = in_nushell(&harness, &nu, &format!("try {{ {line} }}"));
        let checks: Value = serde_json::from_str(&ended.result)
            .unwrap_or_else(|_| panic!("{}{}", ended.result, ended.stderr));
        let checks = checks["checks"].as_array().expect("a list");
        let check = checks.iter().find(|check| check["name"] == "shell hook");
        let check = check.expect("the hook is checked");
        let found = check["found"].as_str().unwrap_or_default();
        assert!(
            check["status"] == status && found.contains(words),
            "{check}"
        );
    }
}
