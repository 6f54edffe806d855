//! `mcm hook nushell` in the real nushell: its functions, called as its prompt calls them. nushell draws prompts at terminals
//! alone, so that it calls them is its own part.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::clients::here;
use crate::harness::{Ended, Harness, install_script, write};
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
fn doctor_names_a_nushell_whose_hook_is_missing_old_or_overwritten() {
    let Some(nu) = nu() else { return };
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    let check = |ended: &Ended| {
        let checks: Value = serde_json::from_str(&ended.result)
            .unwrap_or_else(|_| panic!("{}{}", ended.result, ended.stderr));
        let checks = checks["checks"].as_array().expect("a list").clone();
        let found = checks
            .into_iter()
            .find(|check| check["name"] == "shell hook");
        found.unwrap_or_else(|| panic!("{}", ended.result))
    };
    let ended = in_nushell(&harness, &nu, "mcm doctor --json");
    let found = check(&ended);
    assert_eq!(found["status"], "ok", "{found}");
    let other = "def --env cd [folder?: directory] { if $folder != null { __mcm_cd $folder } }\n";
    write(&harness.folder().join("work/other.nu"), 0o600, other);
    for overwrite in [
        "$env.config.hooks.pre_prompt = [{ || print other }]",
        "source other.nu",
    ] {
        let ended = in_nushell(&harness, &nu, &format!("{overwrite}\nmcm doctor --json"));
        let found = check(&ended);
        let text = found["found"].as_str().expect("text");
        assert!(
            found["status"] == "warn" && text.contains("no longer in place"),
            "{overwrite}: {found}"
        );
    }
    let ended = in_nushell(
        &harness,
        &nu,
        "$env.MCM_HOOK = $'1:($nu.pid)'\nmcm doctor --json",
    );
    let found = check(&ended);
    let remedy = found["remedy"].as_str().expect("text");
    assert!(
        remedy.contains("Make its file anew") && remedy.contains("mcm hook nushell"),
        "{found}"
    );
    // Without the hook, in a shell of the user's.
    let mut command = Command::new(&nu);
    harness.equip(&mut command);
    command.args([
        "-n",
        "-c",
        &format!("try {{ ^'{MCM}' doctor --json }}; null"),
    ]);
    let ended = Ended::of(command.output().expect("nushell starts"));
    let found = check(&ended);
    let text = found["found"].as_str().expect("text");
    assert!(
        found["status"] == "warn" && text.contains("this nushell has no hook"),
        "{found}"
    );
}

// E19, E20
#[test]
fn a_tool_that_nushell_starts_runs_through_its_shim() {
    let Some(nu) = nu() else { return };
    let harness = Harness::start();
    environments(&harness);
    let tool = harness.folder().join("bin/terraform");
    install_script(
        &tool,
        "#!/bin/sh\necho \"ran=$MCM_ENVIRONMENT,$AWS_REGION,${MCM_HOLDER:+held} $1|$2\"\nexit 7\n",
    );
    let script = format!(
        "$env.PATH = ($env.PATH | prepend '{}')\nmcm use dev\ntry {{ terraform 'a b' '$(id)' }} catch {{|why| print $why.exit_code }}\n\
         az account get-access-token --output json | from json | get tokenType | print",
        harness.folder().join("bin").display()
    );
    let ended = in_nushell(&harness, &nu, &script);
    assert_eq!(
        ended.result, "ran=dev,eu-west-3,held a b|$(id)\n7\nBearer\n",
        "{}",
        ended.stderr
    );
}
