//! The clouds' own clients in a shell with the hook: they work as the environment's accounts, by names and shims alone.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::clients::{here, program};
use crate::environments::{Three, shown};
use crate::harness::{Ended, Harness, everything_below, install_script, write};
use crate::hook::{environments, in_shell, start_file};

/// A command line that runs one of the clients to its end.
fn ask(words: &[&str]) -> String {
    format!(
        "(cd '{}' && printf '\\n\\n' | '{}' {})",
        here().display(),
        program(words[0]).display(),
        words[1..].join(" ")
    )
}

// E6
#[test]
fn clients_that_read_different_variables_agree_in_a_shell_and_under_exec() {
    let harness = Harness::start();
    environments(&harness);
    write(
        &harness.folder().join(".aws/config"),
        0o600,
        "[profile one]\naws_access_key_id = AKIAOTHEROTHEROTHER1\naws_secret_access_key = x\n\
         [profile two]\naws_access_key_id = AKIAOTHEROTHEROTHER2\naws_secret_access_key = x\n",
    );
    let python = ask(&["python", "ask.py", "boto3"]);
    let node = ask(&["node", "node/ask.js", "aws"]);
    let own = "export AWS_PROFILE=one AWS_DEFAULT_PROFILE=two AWS_VAULT=three";
    let shell = in_shell(
        &harness,
        "bash",
        &format!("{own}; mcm use dev; echo ${{AWS_DEFAULT_PROFILE-gone}}; {python}; {node}"),
    );
    let mut exec = harness.command(&["exec", "-E", "dev", "--", "bash", "-c"]);
    exec.arg(format!(
        "echo ${{AWS_DEFAULT_PROFILE-gone}}; {python}; {node}"
    ))
    .envs([("AWS_PROFILE", "one"), ("AWS_DEFAULT_PROFILE", "two")]);
    let exec = Ended::of(exec.output().expect("mcm starts"));
    for ended in [shell, exec] {
        let lines: Vec<&str> = ended.result.lines().collect();
        assert_eq!(lines.len(), 5, "{}{}", ended.result, ended.stderr);
        assert_eq!(lines[0], "gone");
        assert!(
            lines[2].contains("444455556666:assumed-role/Reader/"),
            "{}",
            lines[2]
        );
        assert_eq!(lines[2], lines[4], "boto3 and the SDK for JavaScript");
    }
}

// E24
#[test]
fn regions_zones_and_projects_that_pay_follow_the_environment_and_come_back() {
    let harness = Harness::start();
    environments(&harness);
    let places = [
        "--google-region",
        "europe-west1",
        "--google-zone",
        "europe-west1-b",
    ];
    harness
        .mcm(&[&["environment", "edit", "dev"], &places[..]].concat())
        .done();
    let names = "GOOGLE_CLOUD_QUOTA_PROJECT CLOUDSDK_BILLING_QUOTA_PROJECT CLOUDSDK_COMPUTE_REGION CLOUDSDK_COMPUTE_ZONE \
                 GOOGLE_ZONE CLOUDSDK_CORE_PROJECT AWS_DEFAULT_REGION";
    for shell in ["bash", "zsh", "fish"] {
        let (set, show) = match shell {
            "fish" => (
                "set -gx GOOGLE_CLOUD_QUOTA_PROJECT mine; set -gx CLOUDSDK_COMPUTE_ZONE us-east1-b",
                format!("for name in {names}; printenv $name; or echo none; end"),
            ),
            _ => (
                "export GOOGLE_CLOUD_QUOTA_PROJECT=mine CLOUDSDK_COMPUTE_ZONE=us-east1-b",
                format!("for name in {names}; do printenv $name || echo none; done"),
            ),
        };
        let script =
            format!("{set}\nmcm use dev\n{show}\nmcm use test\n{show}\nmcm use --off\n{show}\n");
        let ended = in_shell(&harness, shell, &script);
        let lines: Vec<&str> = ended.result.lines().collect();
        let project = "contoso-production";
        let seen: Vec<&[&str]> = lines.chunks(7).collect();
        assert_eq!(
            seen,
            [
                [
                    project,
                    project,
                    "europe-west1",
                    "europe-west1-b",
                    "europe-west1-b",
                    project,
                    "eu-west-3"
                ],
                // An environment without a zone leaves the user's.
                [
                    project,
                    project,
                    "none",
                    "us-east1-b",
                    "none",
                    project,
                    "eu-west-1"
                ],
                ["mine", "none", "none", "us-east1-b", "none", "none", "none"],
            ],
            "{shell}: {}",
            ended.stderr
        );
    }
}

// E9
#[test]
fn az_of_two_environments_at_once_touches_neither_the_users_folder_nor_the_other() {
    let harness = Harness::start();
    environments(&harness);
    let own = harness.folder().join(".azure");
    write(
        &own.join("azureProfile.json"),
        0o600,
        "{\"subscriptions\":[]}",
    );
    write(&own.join("config"), 0o600, "[core]\noutput = table\n");
    write(&own.join("cliextensions/x/metadata.json"), 0o600, "{}");
    let before = everything_below(own.clone());
    // A script with az's rule for its folder, and what az account set does there.
    let az = harness.folder().join("bin/az");
    install_script(
        &az,
        "#!/bin/sh\ndir=${AZURE_CONFIG_DIR:-$HOME/.azure}\nprintf '%s\\n' \"$dir\" \"${AZURE_EXTENSION_DIR:-$dir/cliextensions}\"\n\
         grep -h output \"$dir/config\"\n[ \"$1\" = account ] && sed -i 's/\"isDefault\":true/\"isDefault\":false/' \"$dir/azureProfile.json\"\nexit 0\n",
    );
    let run = |name: &str| {
        let mut bash = Command::new("bash");
        harness.equip(&mut bash);
        let script = format!(
            "{}PATH={}:$PATH\nmcm use {name}; echo \"$AZURE_CONFIG_DIR\"; az account set -s x; az version; ls -A $AZURE_CONFIG_DIR | wc -l",
            start_file("bash"),
            az.parent().expect("a folder").display()
        );
        bash.args(["--norc", "-c", &script])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        bash.spawn().expect("bash starts")
    };
    let both = [run("dev"), run("test")]
        .map(|child| Ended::of(child.wait_with_output().expect("it ends")));
    let mut folders = Vec::new();
    for ended in both {
        let lines: Vec<&str> = ended.result.lines().collect();
        assert_eq!(lines.len(), 8, "{}{}", ended.result, ended.stderr);
        folders.extend([lines[0], lines[1], lines[4]].map(str::to_owned));
        for extensions in [lines[2], lines[5]] {
            assert_eq!(
                extensions,
                own.join("cliextensions").to_str().expect("text")
            );
        }
        assert_eq!(lines[3], "output = table", "the user's settings");
        assert_eq!(lines[7], "0", "the environment's folder stays empty");
    }
    folders.sort();
    folders.dedup();
    assert_eq!(
        folders.len(),
        6,
        "each run has a folder of its own: {folders:?}"
    );
    assert!(
        folders
            .iter()
            .all(|folder| !folder.starts_with(own.to_str().expect("text")))
    );
    assert_eq!(everything_below(own), before);
}

// E9
#[test]
fn az_itself_works_in_the_environments_subscription_and_leaves_the_users_sign_in() {
    let harness = Harness::start();
    if Command::new("az").arg("--help").output().is_err() {
        mcm_core::testing::not_checked("az in an environment: it is not installed");
        return;
    }
    environments(&harness);
    let subscription = shown(&harness, "dev")["members"]["azure"]["target"].clone();
    let own = harness.folder().join(".azure");
    let profile = r#"{"subscriptions":[{"id":"s","name":"s","state":"Enabled","tenantId":"t","isDefault":true,"environmentName":"AzureCloud","user":{"name":"eve@contoso.example","type":"user"}}]}"#;
    write(&own.join("azureProfile.json"), 0o600, profile);
    let before = everything_below(own.clone());
    let show = "az account show --query id -o tsv";
    let other = "az account list --all --query '[?!isDefault].id | [0]' -o tsv";
    for way in [
        format!("mcm use dev; {show}; az account set -s \"$({other})\"; {show}"),
        format!(
            "mcm exec -E dev -- sh -c '{show}; az account set -s \"$(az account list --all --query \"[?!isDefault].id | [0]\" -o tsv)\"; {show}'; mcm exec -E dev -- {show}"
        ),
    ] {
        let ended = in_shell(&harness, "bash", &way);
        let lines: Vec<&str> = ended.result.lines().collect();
        let last = lines.last().copied().unwrap_or_default();
        assert_eq!(
            [lines[0], last],
            [subscription.as_str().expect("an id"); 2],
            "{}{}",
            ended.result,
            ended.stderr
        );
        if lines.len() == 3 {
            assert_ne!(lines[1], last, "az account set works, inside");
        }
    }
    assert_eq!(everything_below(own), before);
}

// E20
#[test]
fn azures_libraries_get_the_environments_token_from_the_shims() {
    let harness = Harness::start();
    environments(&harness);
    let row = shown(&harness, "dev");
    let subscription = row["members"]["azure"]["target"].as_str().expect("an id");
    let tenant = sandbox_clouds::guid("contoso.example");
    // No az and no azd is installed: the shims answer.
    let script = format!(
        "mcm use dev 2>/dev/null; az account get-access-token --output json; azd auth token --output json --no-prompt --scope https://management.azure.com/.default; \
         unset AZURE_AUTHORITY_HOST; {}; {}",
        ask(&["python", "ask.py", "azure"]),
        ask(&["node", "node/ask.js", "azure"])
    );
    let ended = in_shell(&harness, "bash", &script);
    let mut documents = serde_json::Deserializer::from_str(&ended.result).into_iter::<Value>();
    let mut next = || {
        let next = documents.next().map(|document| document.expect("JSON"));
        next.unwrap_or_else(|| panic!("{}{}", ended.result, ended.stderr))
    };
    let az = next();
    assert_eq!(
        (az["subscription"].as_str(), az["tenant"].as_str()),
        (Some(subscription), Some(tenant.as_str()))
    );
    let azd = next();
    assert_eq!(azd["token"], az["accessToken"]);
    assert!(
        azd["expiresOn"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z'))
    );
    assert_eq!(
        [next(), next()],
        [Value::from("ready"), Value::from(4)],
        "azure-identity for Python"
    );
    assert_eq!(
        [next(), next()],
        [Value::from("ready"), Value::from(4)],
        "@azure/identity"
    );
    for (words, refused) in [
        (
            "--tenant 00000000-0000-0000-0000-000000000002",
            "was asked for, and dev works in",
        ),
        ("--subscription nowhere", "has no subscription \"nowhere\""),
    ] {
        let ended = in_shell(
            &harness,
            "bash",
            &format!("mcm use dev 2>/dev/null; az account get-access-token --output json {words}"),
        );
        assert!(
            ended.status == 2 && ended.result.is_empty() && ended.stderr.contains(refused),
            "{}",
            ended.stderr
        );
    }
    // The tool's own commands are the tool's.
    let ended = in_shell(
        &harness,
        "bash",
        "mcm use dev 2>/dev/null; PATH=${PATH%%:*} az account show",
    );
    assert_eq!(ended.status, 127, "{}", ended.stderr);
    let activity = harness.mcm(&["activity"]).done();
    assert!(activity.contains("in dev"), "{activity}");
    // Nothing of Azure's in an environment that does not name it.
    let aws = harness.account_of("aws");
    harness
        .mcm(&[
            "environment",
            "create",
            "closed",
            "--aws",
            &aws,
            "--exclusive",
        ])
        .done();
    let ended = in_shell(
        &harness,
        "bash",
        "mcm use closed 2>/dev/null; az account get-access-token --output json",
    );
    assert!(
        ended.stderr.contains("Azure is not part of closed"),
        "{}",
        ended.stderr
    );
    let files = fs::read_dir(harness.home().join("data/environments/dev/az"));
    assert_eq!(files.expect("a folder").count(), 0, "no token was stored");
}

// E22
#[test]
fn exec_in_an_environment_works_from_make_npm_an_editor_and_cron_or_says_why() {
    let harness = Harness::start();
    Three::connect(&harness).create(&harness, "dev", &["--region", "eu-west-3"]);
    let mcm = env!("CARGO_BIN_EXE_mcm");
    let line = format!("{mcm} exec -E dev -- sh -c 'echo in=$$MCM_ENVIRONMENT,$$AWS_REGION'");
    let folder = harness.folder().join("project");
    write(
        &folder.join("Makefile"),
        0o600,
        &format!("plan:\n\t@{line}\n"),
    );
    let plain = line.replace("$$", "$");
    let package =
        serde_json::json!({ "name": "x", "version": "1.0.0", "scripts": { "plan": plain } });
    write(&folder.join("package.json"), 0o600, &package.to_string());
    let caller = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        harness
            .equip(&mut command)
            .args(&words[1..])
            .current_dir(&folder);
        command
    };
    for words in [
        &["make", "-s", "plan"][..],
        &["npm", "run", "-s", "plan"],
        // An editor's task and a job of cron have no terminal and no input.
        &["setsid", "-w", "sh", "-c", &plain],
    ] {
        let ended = Ended::of(
            caller(words)
                .stdin(Stdio::null())
                .output()
                .expect("it starts"),
        );
        assert_eq!(
            ended.result, "in=dev,eu-west-3\n",
            "{words:?}: {}",
            ended.stderr
        );
    }
    // Without HOME, where cron knows neither our folder nor the session bus.
    let mut cron = caller(&["sh", "-c", &plain]);
    let ended = Ended::of(cron.env_remove("HOME").output().expect("it starts"));
    assert_eq!(ended.result, "in=dev,eu-west-3\n", "{}", ended.stderr);
    let mut cron = caller(&["sh", "-c", &plain]);
    cron.env_remove("HOME").env_remove("MCM_HOME");
    let ended = Ended::of(cron.output().expect("it starts"));
    assert!(
        ended.status != 0 && !ended.result.contains("in="),
        "{}",
        ended.result
    );
    assert!(
        ended.stderr.contains("no environment \"dev\"") || ended.stderr.contains("HOME"),
        "{}",
        ended.stderr
    );
    let mut cron = caller(&["sh", "-c", &plain]);
    harness.forget_sessions();
    cron.env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env("XDG_RUNTIME_DIR", "/nonexistent");
    let ended = Ended::of(cron.output().expect("it starts"));
    assert!(
        ended.status != 0 && ended.stderr.contains("keychain"),
        "{}",
        ended.stderr
    );
}
