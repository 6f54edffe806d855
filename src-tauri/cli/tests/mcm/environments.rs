//! Environments: created, changed and removed, and used by `mcm exec -E` and `mcm env -E` for all three clouds.

use std::fs;
use std::process::{Command, Stdio};

use mcm_core::confirmations::Confirmations;
use mcm_core::store::Store;
use mcm_core::world::{Clock as _, SystemClock};
use serde_json::{Value, json};

use crate::aws::connected;
use crate::exec_child::ExecChild;
use crate::harness::{ADA, Ended, Harness, LINUS, write};

/// One account of each cloud, in use at a target; their ids.
pub(crate) struct Three {
    pub(crate) azure: String,
    pub(crate) gcp: String,
    pub(crate) aws: String,
}

impl Three {
    pub(crate) fn connect(harness: &Harness) -> Self {
        connected(harness, "Reader");
        harness.login(ADA, &["azure"]).done();
        harness.login(ADA, &["gcp"]).done();
        harness.sandbox.forget_requests();
        let [azure, gcp, aws] =
            ["azure", "gcp", "aws"].map(|provider| harness.account_of(provider));
        harness.mcm(&["use", &azure, "production"]).done();
        harness.mcm(&["use", &gcp, "contoso-production"]).done();
        harness.mcm(&["use", &aws, "eu-north-1"]).done();
        Self { azure, gcp, aws }
    }

    /// Creates an environment of what is in use.
    pub(crate) fn create(&self, harness: &Harness, name: &str, options: &[&str]) {
        let words = ["environment", "create", name, "--active", "aws,azure,gcp"];
        harness.mcm(&[&words, options].concat()).done();
    }
}

pub(crate) fn shown(harness: &Harness, name: &str) -> Value {
    harness.mcm(&["environment", "show", name, "--json"]).json()
}

/// Runs a command line on a terminal, with these lines typed; what it shows, and its status.
pub(crate) fn on_a_terminal(harness: &Harness, line: &str, typed: &str) -> (i32, String) {
    let mut command = Command::new("script");
    harness.equip(&mut command);
    command
        .env("TERM", "dumb")
        .env("SHELL", "/bin/bash")
        .args(["-qec", line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut script = command.spawn().expect("script starts");
    let mut keyboard = script.stdin.take().expect("piped");
    std::io::Write::write_all(&mut keyboard, typed.as_bytes()).expect("typed");
    let output = script.wait_with_output().expect("it ends");
    drop(keyboard);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code().expect("a status"), shown)
}

#[test]
fn an_environment_is_created_shown_changed_renamed_and_deleted() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    let created = harness.mcm(&[
        "environment",
        "create",
        "Prod-EU",
        "--aws",
        &format!("{}/eu-central-1", three.aws),
        "--azure",
        &three.azure,
        "--region",
        "eu-west-1",
        "--colour",
        "red",
        "--icon",
        "rocket",
        "--exclusive",
    ]);
    assert!(created.done().contains("Prod-EU"));
    let row = shown(&harness, "prod-eu");
    assert_eq!(row["members"]["aws"]["target"], "eu-central-1");
    assert_eq!(row["members"]["azure"]["targetName"], "Production");
    assert_eq!(row["members"]["azure"]["state"], "connected");
    assert_eq!(row["members"]["gcp"], Value::Null);
    for (field, value) in [
        ("name", json!("Prod-EU")),
        ("colour", json!("red")),
        ("icon", json!("rocket")),
        ("region", json!("eu-west-1")),
        ("exclusive", json!(true)),
        ("protected", json!(false)),
        ("minutes", json!(15)),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    let again = harness.mcm(&["environment", "create", "PROD-eu", "--azure", &three.azure]);
    assert!(
        again
            .failed(2)
            .contains("There is an environment PROD-eu already")
    );

    harness
        .mcm(&[
            "environment",
            "edit",
            "prod-eu",
            "--name",
            "dev",
            "--gcp",
            &three.gcp,
            "--without",
            "aws",
            "--region",
            "",
            "--exclusive=false",
        ])
        .done();
    let row = shown(&harness, "dev");
    assert_eq!(row["members"]["gcp"]["target"], "contoso-production");
    assert_eq!(
        (&row["members"]["aws"], &row["region"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(row["colour"], "red", "what is not named stays");
    let gone = harness.mcm(&["environment", "show", "prod-eu"]).failed(1);
    assert!(gone.contains("There are: dev."), "{gone}");
    let exported = harness.mcm(&["export", "--json"]).json();
    assert_eq!(exported["environments"][0]["name"], "dev");
    harness.mcm(&["environment", "delete", "dev"]).done();
    let listed = harness.mcm(&["environment", "list", "--json"]).json();
    assert_eq!(listed, json!({ "environments": [] }));
    assert_eq!(
        harness.mcm(&["accounts", "--json"]).json()["accounts"]
            .as_array()
            .map(Vec::len),
        Some(3)
    );
}

// E14
#[test]
fn a_name_that_a_shell_or_a_prompt_could_misread_is_refused() {
    let harness = Harness::start();
    let id = harness.connected(false);
    for name in [
        "",
        "a b",
        "a'b",
        "$(id)",
        "a\nb",
        "a%n",
        "\u{202e}dorp",
        "-x",
        "a/b",
        "a\"b",
    ] {
        let refused = harness.mcm(&[
            "environment",
            "create",
            &format!("--azure={id}"),
            "--",
            name,
        ]);
        assert!(
            refused.failed(2).contains("cannot name an environment"),
            "{name:?}"
        );
    }
}

#[test]
fn a_wrong_cloud_a_wrong_colour_and_an_empty_environment_are_refused() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    let create = |options: &[&str]| {
        harness
            .mcm(&[&["environment", "create", "x"], options].concat())
            .failed(2)
    };
    assert!(create(&["--aws", &three.azure]).contains("Name it with --azure"));
    assert!(create(&["--aws", &three.aws, "--colour", "pink"]).contains("possible values: blue"));
    assert!(create(&[]).contains("has no account"));
    assert!(create(&["--aws", &three.aws, "--region", "eu;id"]).contains("not a region"));
    assert!(create(&["--aws", &three.aws, "--minutes", "20"]).contains("15 or 60 minutes"));
}

#[test]
fn one_environment_changes_all_clouds_and_unsets_what_would_win() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(
        &harness,
        "dev",
        &[
            "--region",
            "eu-west-3",
            "--google-region",
            "europe-west1",
            "--google-zone",
            "europe-west1-b",
            "--colour",
            "green",
        ],
    );
    // The accounts in use change; the environment stays.
    let targets = harness.mcm(&["targets", &three.azure, "--json"]).json();
    let other = targets["targets"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|target| target["active"] == false);
    let other = other.expect("another one")["id"].as_str().expect("an id");
    harness.mcm(&["use", &three.azure, other]).done();
    harness.mcm(&["use", &three.aws, "us-east-1"]).done();
    let stale = [
        ("AWS_REGION", "us-west-2"),
        ("AWS_ACCESS_KEY_ID", "AKIASTALE"),
        ("AWS_SECRET_ACCESS_KEY", "stale"),
        ("AWS_DEFAULT_PROFILE", "other"),
        ("AWS_VAULT", "other"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/tmp/stale.json"),
        ("ARM_CLIENT_SECRET", "stale"),
        ("CLOUDSDK_COMPUTE_REGION", "us-central1"),
        ("GOOGLE_CLOUD_QUOTA_PROJECT", "other-project"),
    ];
    let child = ExecChild::start_with(&harness, &["-E", "DEV"], |command| {
        command.envs(stale);
    });
    for (name, value) in [
        ("MCM_ENVIRONMENT", "dev"),
        ("MCM_ENVIRONMENT_COLOUR", "green"),
        ("AWS_REGION", "eu-west-3"),
        ("AWS_DEFAULT_REGION", "eu-west-3"),
        ("CLOUDSDK_CORE_PROJECT", "contoso-production"),
        ("CLOUDSDK_COMPUTE_REGION", "europe-west1"),
        ("CLOUDSDK_COMPUTE_ZONE", "europe-west1-b"),
        ("GOOGLE_ZONE", "europe-west1-b"),
        ("GOOGLE_CLOUD_QUOTA_PROJECT", "contoso-production"),
        ("CLOUDSDK_BILLING_QUOTA_PROJECT", "contoso-production"),
    ] {
        assert_eq!(child.get(name), value, "{name}");
    }
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_PROFILE",
        "AWS_VAULT",
        "ARM_CLIENT_SECRET",
        "MCM_ENVIRONMENT_PROTECTED",
    ] {
        assert!(!child.variables.contains_key(name), "{name}");
    }
    let subscription = shown(&harness, "dev")["members"]["azure"]["target"].clone();
    assert_eq!(
        child.get("ARM_SUBSCRIPTION_ID"),
        subscription.as_str().expect("an id")
    );
    assert_eq!(child.aws().status, 200);
    assert_eq!(child.azure("https://management.azure.com").status, 200);
    let file = child.google_file();
    assert_eq!(file["quota_project_id"], "contoso-production");
    child.ended().done();

    // The hand-outs name the environment.
    let activity = harness.mcm(&["activity", "--json"]).json();
    let handed: Vec<&Value> = activity["activity"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|event| event["what"]["kind"] == "handed-out")
        .collect();
    assert!(handed.len() >= 2);
    assert!(
        handed
            .iter()
            .all(|event| event["what"]["environment"] == "dev"),
        "{handed:?}"
    );
    assert!(
        harness
            .mcm(&["activity"])
            .done()
            .contains("issued to sh in dev")
    );
}

// E7
#[test]
fn what_an_environment_names_is_used_or_refused_and_never_replaced() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "dev", &[]);
    let refused = harness.mcm(&["exec", "-E", "dve", "--", "true"]).failed(1);
    assert!(
        refused.contains("There is no environment \"dve\". There are: dev."),
        "{refused}"
    );
    let both = harness
        .mcm(&["exec", "-E", "dev", &three.aws, "--", "true"])
        .failed(2);
    assert!(both.contains("cannot be used with"), "{both}");

    // Renamed, the account is still the one that was named.
    harness.mcm(&["rename", &three.azure, "elsewhere"]).done();
    harness.mcm(&["exec", "-E", "dev", "--", "true"]).done();

    // A target that is gone.
    let chosen = shown(&harness, "dev")["members"]["azure"]["target"].clone();
    harness.edit(&three.azure, |account| {
        let gone = account
            .targets
            .iter_mut()
            .find(|target| chosen == target.id.as_str())
            .expect("it is listed");
        gone.id = "00000000-0000-0000-0000-00000000dead".into();
    });
    let refused = harness.mcm(&["exec", "-E", "dev", "--", "true"]).failed(1);
    assert!(refused.contains("no longer lists"), "{refused}");
    assert_eq!(
        shown(&harness, "dev")["members"]["azure"]["state"],
        "target-gone"
    );
    harness.mcm(&["targets", &three.azure, "--refresh"]).done();
    harness.mcm(&["exec", "-E", "dev", "--", "true"]).done();

    // An account that is gone, while another of its cloud is connected and in use.
    harness.mcm(&["logout", &three.azure]).done();
    harness.login(LINUS, &["azure"]).done();
    let other = harness.account_of("azure");
    harness.mcm(&["use", &other]).done();
    for words in [
        &["exec", "-E", "dev", "--", "true"][..],
        &["env", "-E", "dev", "--shell", "bash"],
    ] {
        let ended = harness.mcm(words);
        assert_eq!(ended.status, 1);
        assert!(
            ended.stderr.contains(&three.azure) && ended.stderr.contains("is not connected"),
            "{}",
            ended.stderr
        );
    }
    assert_eq!(
        shown(&harness, "dev")["members"]["azure"]["state"],
        "account-gone"
    );
    assert!(
        harness
            .mcm(&["environment", "list"])
            .done()
            .contains("(gone)")
    );
    // The same user's sign-in makes it whole again.
    harness.login(ADA, &["azure", "--keep-both"]).done();
    harness.mcm(&["exec", "-E", "dev", "--", "true"]).done();
}

// E8
#[test]
fn a_cloud_that_is_not_part_of_an_exclusive_environment_has_no_identity() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    let adc = harness
        .folder()
        .join(".config/gcloud/application_default_credentials.json");
    write(
        &adc,
        0o600,
        r#"{"type":"authorized_user","client_id":"x","client_secret":"x","refresh_token":"x"}"#,
    );
    write(
        &harness.folder().join(".azure/azureProfile.json"),
        0o600,
        r#"{"subscriptions":[{"id":"s","tenantId":"t","isDefault":true,"user":{"name":"eve@contoso.example","type":"user"}}]}"#,
    );
    for (name, options) in [("open", &[][..]), ("closed", &["--exclusive"])] {
        harness
            .mcm(
                &[
                    &["environment", "create", name, "--aws", &three.aws],
                    options,
                ]
                .concat(),
            )
            .done();
    }
    let tools = |environment: &str| {
        let mcm = env!("CARGO_BIN_EXE_mcm");
        let ended = harness.mcm(&["exec", "-E", environment, "--", mcm, "whoami", "--json"]);
        (ended.stderr.clone(), ended.json())
    };
    let source = |json: &Value, tool: &str| {
        let found = json["tools"]
            .as_array()
            .expect("a list")
            .iter()
            .find(|row| row["tool"] == tool);
        found.expect("it is listed")["source"].clone()
    };
    let (stderr, open) = tools("open");
    assert!(
        stderr.contains("Not part of open, and left as it is here: Azure, Google Cloud."),
        "{stderr}"
    );
    assert_eq!(source(&open, "az"), "command-line");
    let child = ExecChild::start(&harness, &["-E", "open"]);
    assert!(!child.variables.contains_key("AZURE_CONFIG_DIR"));
    child.ended().done();

    let child = ExecChild::start_with(&harness, &["-E", "closed"], |command| {
        command
            .env("GOOGLE_CLOUD_PROJECT", "elsewhere")
            .env("AZURE_CLIENT_SECRET", "stale");
    });
    for (name, value) in [
        ("CLOUDSDK_ACTIVE_CONFIG_NAME", "NONE"),
        ("ARM_USE_CLI", "false"),
        ("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential"),
        ("BOTO_CONFIG", "/dev/null"),
    ] {
        assert_eq!(child.get(name), value, "{name}");
    }
    for name in [
        "GOOGLE_APPLICATION_CREDENTIALS",
        "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
    ] {
        assert!(!fs::exists(child.get(name)).expect("looked for"), "{name}");
    }
    for name in ["GOOGLE_CLOUD_PROJECT", "AZURE_CLIENT_SECRET", "ARM_USE_MSI"] {
        assert!(!child.variables.contains_key(name), "{name}");
    }
    let az = child.get("AZURE_CONFIG_DIR");
    assert_eq!(fs::read_dir(az).expect("a folder").count(), 0);
    assert!(!child.get("KUBECONFIG").contains(':'), "no other clusters");
    child.ended().done();

    let mcm = env!("CARGO_BIN_EXE_mcm");
    let mut bash = Command::new("bash");
    harness.equip(&mut bash).args(["--norc", "-c"]).arg(format!(
        "eval \"$({mcm} hook bash)\"; mcm use open; mcm use closed"
    ));
    let ended = Ended::of(bash.output().expect("bash starts"));
    let said = "mcm: Not part of open, and left as it is here: Azure, Google Cloud.";
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.contains("Not part"))
            .count(),
        1
    );
    assert!(lines.contains(&said), "{}", ended.stderr);

    // gcloud itself finds no account.
    let ended = harness.mcm(&[
        "exec",
        "-E",
        "closed",
        "--",
        "gcloud",
        "auth",
        "print-access-token",
    ]);
    assert_ne!(ended.status, 0);
    assert_eq!(ended.result, "");
}

// E10
#[test]
fn choosing_a_context_inside_leaves_the_users_kubeconfig_as_it_is() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "dev", &[]);
    let own = harness.folder().join(".kube/config");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts:\n- name: a\n  context: {cluster: a, user: a}\n\
                - name: b\n  context: {cluster: a, user: a}\nclusters:\n- name: a\n  cluster: {server: https://a.example}\n\
                users:\n- name: a\n  user: {}\n";
    write(&own, 0o600, text);
    let chosen = harness.mcm(&[
        "exec", "-E", "dev", "--", "sh", "-c",
        "kubectl config current-context && kubectl config use-context b >/dev/null && kubectl config current-context",
    ]);
    assert_eq!(chosen.done(), "dev-names-no-cluster\nb\n");
    assert_eq!(fs::read_to_string(&own).expect("readable"), text);
}

#[test]
fn mcm_env_sets_an_environment_in_a_shell_and_takes_it_back() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "dev", &["--region", "eu-west-3"]);
    harness
        .mcm(&[
            "environment",
            "create",
            "closed",
            "--aws",
            &three.aws,
            "--exclusive",
        ])
        .done();
    let mcm = env!("CARGO_BIN_EXE_mcm");
    let script = format!(
        "export AWS_DEFAULT_PROFILE=x; eval \"$({mcm} env -E dev)\"; \
         echo \"$MCM_ENVIRONMENT $AWS_REGION $CLOUDSDK_CORE_PROJECT ${{AWS_DEFAULT_PROFILE-gone}}\"; \
         eval \"$({mcm} env -E closed)\"; echo \"$MCM_ENVIRONMENT $CLOUDSDK_ACTIVE_CONFIG_NAME\"; \
         eval \"$({mcm} env --unset)\"; echo \"${{MCM_ENVIRONMENT-none}} ${{AWS_ACCESS_KEY_ID-none}}\""
    );
    let mut bash = Command::new("bash");
    harness.equip(&mut bash).env_remove("AWS_REGION");
    let ended = Ended::of(bash.args(["-c", &script]).output().expect("bash starts"));
    assert_eq!(
        ended.done(),
        "dev eu-west-3 contoso-production gone\nclosed NONE\nnone none\n"
    );
}

// E15
#[test]
fn a_protected_environment_needs_its_name_typed_at_a_terminal() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "prod", &["--protected"]);
    let refused = harness.mcm(&["exec", "-E", "prod", "--", "true"]).failed(1);
    assert!(refused.contains("Run this at a terminal"), "{refused}");
    let refused = harness
        .mcm(&["environment", "edit", "prod", "--protected=false"])
        .failed(1);
    assert!(refused.contains("Run this at a terminal"), "{refused}");
    let shell = harness.mcm(&["env", "-E", "prod", "--shell", "bash"]);
    assert!(
        shell.status == 1 && shell.stderr.contains("mcm exec -E prod"),
        "{}",
        shell.stderr
    );

    let mcm = env!("CARGO_BIN_EXE_mcm");
    let line =
        format!("{mcm} exec -E prod -- sh -c 'echo in=$MCM_ENVIRONMENT$MCM_ENVIRONMENT_PROTECTED'");
    let (status, shown) = on_a_terminal(&harness, &line, "prod\n");
    assert!(status == 0 && shown.contains("in=prod1"), "{shown}");
    let (status, shown) = on_a_terminal(&harness, &line, "yes\n");
    assert!(
        status == 1 && shown.contains("That is not the name of prod"),
        "{shown}"
    );
    let agent = format!("CLAUDECODE=1 {line}");
    let (status, shown) = on_a_terminal(&harness, &agent, "prod\n");
    assert!(
        status == 1 && shown.contains("CLAUDECODE shows that an agent"),
        "{shown}"
    );
    let (status, _) = on_a_terminal(
        &harness,
        &format!("{mcm} environment delete prod"),
        "prod\n",
    );
    assert_eq!(status, 0);
    assert_eq!(
        harness.mcm(&["environment", "list", "--json"]).json(),
        json!({ "environments": [] })
    );
}

// E15
#[test]
fn a_command_that_cannot_be_listed_runs_but_in_no_protected_environment() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "dev", &[]);
    three.create(&harness, "prod", &["--protected"]);
    // A file in the place of the folder, which the administrator cannot fill either.
    let holders = harness.home().join("data/holders");
    let _ = std::fs::remove_dir_all(&holders);
    write(&holders, 0o600, "");
    let run = |name: &str| {
        let mcm = env!("CARGO_BIN_EXE_mcm");
        let line = format!("{mcm} exec -E {name} -- sh -c 'echo in=$MCM_ENVIRONMENT'");
        on_a_terminal(&harness, &line, "prod\n")
    };
    let (status, shown) = run("dev");
    assert!(status == 0 && shown.contains("in=dev"), "{shown}");
    let (status, shown) = run("prod");
    assert!(
        status == 1 && shown.contains("holders") && !shown.contains("in=prod"),
        "{shown}"
    );
}

// E15
#[test]
fn what_the_user_confirmed_in_the_app_counts_at_every_terminal_until_its_time_is_over() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "prod", &["--protected"]);
    let data = harness.home().join("data");
    let confirmations = Confirmations::in_folder(&data);
    let named = Store::in_folder(&data)
        .environment("prod")
        .expect("readable")
        .expect("there");
    let now = SystemClock.now();
    let run = |variable: &str| {
        let script = "echo $MCM_ENVIRONMENT_UNTIL";
        let mut command = harness.command(&["exec", "-E", "prod", "--", "sh", "-c", script]);
        Ended::of(command.env(variable, "1").output().expect("mcm starts"))
    };
    let until = confirmations.confirm(&named, now).expect("written");
    assert_eq!(run("NOTHING").done(), format!("{}\n", until.as_second()));
    assert!(
        run("CLAUDECODE")
            .failed(1)
            .contains("CLAUDECODE shows that an agent")
    );
    // Neither one whose time is over, nor one that lasts longer than any.
    for minutes in [-16, 2] {
        let at = now + jiff::SignedDuration::from_mins(minutes);
        confirmations.confirm(&named, at).expect("written");
        assert!(
            run("NOTHING").failed(1).contains("Run this at a terminal"),
            "{minutes}"
        );
    }
}

// E28
#[test]
fn environments_survive_what_a_later_version_or_another_program_wrote() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "dev", &["--colour", "green"]);
    let path = harness.home().join("data/accounts.db");
    let written = |statement: &str| {
        let script = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute(sys.argv[2])\nc.commit()";
        let mut python = Command::new("python3");
        let python = python.args(["-c", script]).arg(&path).arg(statement);
        python
            .stderr(Stdio::null())
            .status()
            .expect("it starts")
            .success()
    };
    assert!(written(
        "UPDATE environment SET colour = 'mauve', icon = 'later'"
    ));
    assert_eq!(shown(&harness, "dev")["colour"], Value::Null);
    assert!(written(
        "UPDATE environment_member SET target_name = 'a' || char(27) || '[31m'"
    ));
    let listed = harness.mcm(&["environment", "list"]).done();
    assert!(!listed.contains('\u{1b}'), "{listed:?}");
    assert!(
        !written("UPDATE environment SET name = '$(id)'"),
        "the table refuses it"
    );
    harness.mcm(&["exec", "-E", "dev", "--", "true"]).done();
}

#[test]
fn two_processes_create_environments_at_once_and_none_is_lost() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let begun: Vec<_> = (0..12)
        .map(|number| {
            harness.begin(&[
                "environment",
                "create",
                &format!("e{number}"),
                "--azure",
                &id,
            ])
        })
        .collect();
    for begun in begun {
        begun.ended().done();
    }
    let listed = harness.mcm(&["environment", "list", "--json"]).json();
    assert_eq!(listed["environments"].as_array().map(Vec::len), Some(12));
}

#[test]
fn the_name_of_an_environment_in_the_place_of_an_account_says_how_it_is_used() {
    let harness = Harness::start();
    harness.login(ADA, &["azure"]).done();
    harness
        .mcm(&["environment", "create", "conto", "--active", "azure"])
        .done();
    // "conto" is also a part of the account's name.
    for words in [
        &["use", "conto"] as &[&str],
        &["token", "Conto"],
        &["exec", "conto", "--", "true"],
        &["rename", "conto", "x"],
    ] {
        let refused = harness.mcm(words).failed(1);
        assert!(
            refused.contains("conto is an environment, and no account.")
                && refused.contains("mcm exec -E conto -- COMMAND"),
            "{words:?}: {refused}"
        );
    }
}
