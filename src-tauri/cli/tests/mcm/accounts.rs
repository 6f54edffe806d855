//! Listing accounts and targets, choosing them, and what the JSON looks like. The activity log is in `activity.rs`.

use std::fs;
#[cfg(target_os = "linux")]
use std::io::Write as _;
#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};

use jiff::Timestamp;

#[cfg(target_os = "linux")]
use crate::harness::Ended;
use crate::harness::{ADA, Harness, LINUS, write};

/// Documented and stable: fields may be added, none is renamed, removed or given another meaning.
const ACCOUNTS: &str = r#"{
  "accounts": [
    {
      "id": "azure-1535dce659fc",
      "provider": "azure",
      "displayName": "Contoso",
      "tenantId": "58646273-e96c-4587-8e87-c6975d236d3c",
      "subscriptions": [
        "97fa3f96-b2f9-429c-bc9b-8bf6a75f2331",
        "0a539779-a28c-45e2-807f-4dd6af13912b",
        "c992af6d-73f6-49bc-ab66-51d2c25cb356",
        "1bdda595-a965-4794-afab-89c28cc6c355"
      ],
      "identity": "ada@contoso.example",
      "status": "connected",
      "active": true,
      "sessionExpiresAt": "TIME"
    }
  ]
}
"#;

#[test]
fn the_accounts_json_is_as_documented() {
    let harness = Harness::start();
    harness.connected(false);
    let printed = harness.mcm(&["accounts", "--json"]).done();
    let json: serde_json::Value = serde_json::from_str(&printed).expect("the result is JSON");
    let time = json["accounts"][0]["sessionExpiresAt"]
        .as_str()
        .expect("a session");
    assert!(time.ends_with('Z') && !time.contains('.'), "{time}");
    time.parse::<Timestamp>().expect("a time in RFC 3339");
    assert_eq!(printed.replace(time, "TIME"), ACCOUNTS);
}

#[test]
fn a_google_account_has_its_address_and_projects_in_the_json() {
    let harness = Harness::start();
    harness.login(ADA, &["gcp"]).done();
    let row = &harness.mcm(&["accounts", "--json"]).json()["accounts"][0];
    assert_eq!(
        (&row["provider"], &row["email"]),
        (&"gcp".into(), &ADA.into())
    );
    assert_eq!(row["projects"].as_array().expect("a list").len(), 4);
    assert!(row.get("tenantId").is_none() && row.get("subscriptions").is_none());
}

#[test]
fn an_expired_session_is_null_in_the_json_and_no_failure() {
    let harness = Harness::start();
    harness.connected(true);
    let json = harness.mcm(&["accounts", "--json"]).json();
    assert!(json["accounts"][0]["sessionExpiresAt"].is_null());
    assert_eq!(json["accounts"][0]["status"], "connected");
}

#[test]
fn without_accounts_the_list_is_empty_and_says_how_to_connect_one() {
    let harness = Harness::start();
    assert_eq!(
        harness.mcm(&["accounts", "--json"]).done(),
        "{\n  \"accounts\": []\n}\n"
    );
    let listed = harness.mcm(&["accounts"]);
    assert!(
        listed.stderr.contains("mcm login azure"),
        "{}",
        listed.stderr
    );
    assert_eq!(listed.done(), "");
}

#[test]
fn the_table_marks_the_account_in_use_and_shows_its_target() {
    let harness = Harness::start();
    harness.connected(false);
    harness.mcm(&["use", "contoso", "production"]).done();
    let table = harness.mcm(&["accounts"]).done();
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(lines[0], ["ID", "NAME", "TARGET", "TIME", "LEFT", "STATUS"]);
    let id = "azure-1535dce659fc";
    assert_eq!(
        lines[1],
        ["*", id, "Contoso", "Production", "59", "min", "connected"]
    );
    let wide = harness.mcm(&["accounts", "--wide"]).done();
    let line: Vec<&str> = wide
        .lines()
        .last()
        .expect("a row")
        .split_whitespace()
        .collect();
    assert_eq!(
        line,
        [
            "*",
            id,
            "Contoso",
            ADA,
            "Production",
            "59",
            "min",
            "connected"
        ]
    );
    assert_eq!(harness.mcm(&["list"]).done(), table, "by its other name");
}

#[test]
fn the_table_fits_eighty_columns_and_keeps_the_ids() {
    let harness = Harness::start();
    let id = harness.connected(false);
    harness.mcm(&["use", "contoso", "production"]).done();
    let name = "The production subscription of the whole company in every region";
    harness.mcm(&["rename", &id, name]).done();
    let table = harness.mcm(&["accounts"]).done();
    assert!(
        table.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    assert!(
        table.contains(&id) && table.contains("The production"),
        "{table}"
    );
    assert!(harness.mcm(&["accounts", "--wide"]).done().contains(name));
}

#[test]
#[cfg(target_os = "linux")]
fn a_locked_keychain_is_seen_in_every_account() {
    let harness = Harness::start();
    let id = harness.connected(false);
    harness.lock_keychain();
    let json = harness.mcm(&["accounts", "--json"]).json();
    assert_eq!(json["accounts"][0]["status"], "locked");
    let output = harness.mcm(&["token", &id]).failed(1);
    assert!(output.contains("locked"), "{output}");
}

// Windows always has Credential Manager.
#[cfg(target_os = "linux")]
#[test]
fn without_a_keychain_no_account_is_called_connected() {
    let harness = Harness::start();
    harness.connected(false);
    let nowhere = format!("unix:path={}", harness.folder().join("no-bus").display());
    let run = |arguments: &[&str]| {
        let mut command = harness.command(arguments);
        command.env("DBUS_SESSION_BUS_ADDRESS", &nowhere);
        Ended::of(command.output().expect("mcm starts"))
    };
    let json = run(&["accounts", "--json"]).json();
    assert_eq!(json["accounts"][0]["status"], "unknown");
    let listed = run(&["accounts"]);
    assert!(
        listed.stderr.contains("No keychain answers"),
        "{}",
        listed.stderr
    );
    let listed = listed.done();
    assert!(
        listed.contains(" unknown\n") && !listed.contains("connected"),
        "{listed}"
    );
}

#[test]
fn targets_are_listed_without_asking_the_cloud_and_reloaded_on_request() {
    let harness = Harness::start();
    harness.connected(false);
    let json = harness.mcm(&["targets", "contoso", "--json"]).json();
    let names: Vec<_> = json["targets"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| &row["name"])
        .collect();
    assert_eq!(
        names,
        ["Legacy billing", "Production", "Sandbox", "Staging"]
    );
    assert_eq!(json["targets"][0]["state"], "Disabled");
    assert_eq!(harness.sandbox.requests(), []);

    harness.mcm(&["targets", "contoso", "--refresh"]).done();
    assert_eq!(harness.sandbox.requests().len(), 1);
}

/// Documented and stable, as `ACCOUNTS`.
const TARGETS: &str = r#"{
  "account": "azure-1535dce659fc",
  "readAt": "TIME",
  "targets": [
    {
      "id": "97fa3f96-b2f9-429c-bc9b-8bf6a75f2331",
      "name": "Legacy billing",
      "state": "Disabled",
      "active": false
    },
    {
      "id": "0a539779-a28c-45e2-807f-4dd6af13912b",
      "name": "Production",
      "state": "Enabled",
      "active": true
    },
    {
      "id": "c992af6d-73f6-49bc-ab66-51d2c25cb356",
      "name": "Sandbox",
      "state": "Enabled",
      "active": false
    },
    {
      "id": "1bdda595-a965-4794-afab-89c28cc6c355",
      "name": "Staging",
      "state": "Enabled",
      "active": false
    }
  ]
}
"#;

#[test]
fn the_targets_json_is_as_documented() {
    let harness = Harness::start();
    harness.connected(false);
    harness.mcm(&["use", "contoso", "production"]).done();
    let printed = harness.mcm(&["targets", "contoso", "--json"]).done();
    let json: serde_json::Value = serde_json::from_str(&printed).expect("the result is JSON");
    let time = json["readAt"].as_str().expect("it was read");
    time.parse::<Timestamp>().expect("a time in RFC 3339");
    assert_eq!(printed.replace(time, "TIME"), TARGETS);
}

#[test]
fn a_target_is_chosen_by_its_id_or_its_whole_name() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let chosen = format!("Now in use for Azure: Contoso ({ADA}), Production\n");
    for wanted in ["PRODUCTION", "0a539779-a28c-45e2-807f-4dd6af13912b"] {
        assert_eq!(harness.mcm(&["use", ADA, wanted]).done(), chosen);
        harness.mcm(&["use", ADA, "staging"]).done();
        let both = format!("{id}/{wanted}");
        assert_eq!(harness.mcm(&["use", &both]).done(), chosen);
    }
    for (part, similar) in [("prod", "Production"), ("ing", "Legacy billing")] {
        let output = harness.mcm(&["use", ADA, part]).failed(1);
        assert!(
            output.contains("Enter a whole name or an id") && output.contains(similar),
            "{output}"
        );
    }
    let output = harness.mcm(&["use", ADA, "nothing"]).failed(1);
    assert!(output.contains("--refresh"), "{output}");
    let twice = format!("{id}/staging");
    harness.mcm(&["use", &twice, "staging"]).failed(2);
    let json = harness.mcm(&["targets", ADA, "--json"]).json();
    assert_eq!(
        json["targets"][1]["active"], true,
        "a choice that failed changes nothing"
    );
}

#[test]
fn an_account_has_its_own_name_until_that_is_reset() {
    let harness = Harness::start();
    harness.connected(false);
    harness.mcm(&["rename", "contoso", "Work"]).done();
    assert_eq!(
        harness.mcm(&["accounts", "--json"]).json()["accounts"][0]["displayName"],
        "Work"
    );
    harness.mcm(&["token", "work"]).done();
    harness.mcm(&["rename", "work"]).failed(2);
    assert_eq!(
        harness.mcm(&["rename", "work", "--reset"]).done(),
        "azure-1535dce659fc is now called Contoso.\n"
    );
}

#[test]
fn a_name_that_matches_two_accounts_is_refused_with_the_ids_to_choose_from() {
    let harness = Harness::start();
    let ada = harness.connected(false);
    harness.login(LINUS, &["azure", "--keep-both"]).done();
    let output = harness.mcm(&["token", "contoso"]).failed(1);
    assert!(
        output.contains("matches 2 accounts") && output.contains(&ada),
        "{output}"
    );
    harness.mcm(&["token", "linus@contoso.example"]).done();
}

#[test]
fn a_part_of_a_name_is_no_name_without_a_terminal() {
    let harness = Harness::start();
    let id = harness.connected(false);
    harness.mcm(&["rename", &id, "nonprod"]).done();
    for arguments in [
        &["token", "prod"][..],
        &["credential-process", "prod"],
        &["kube-token", "prod"],
        &["exec", "prod", "--", "true"],
        &["logout", "prod"],
        &["use", "prod"],
        &["use", "prod", "Production"],
        &["use", "prod/Production"],
        &["targets", "prod"],
        &["rename", "prod", "other"],
        &["rename", "prod", "--reset"],
        &["pin", "prod/Production"],
        &["pin", "--remove", "prod/Production"],
        &["activity", "prod"],
        &["add-tenant", "prod", "northwind.example"],
        &["console", "prod"],
        &["configure", "kube", "prod", "--cluster", "x"],
        &["environment", "create", "dev", "--azure", "prod"],
    ] {
        let output = harness.mcm(arguments).failed(1);
        let is_refused = output.contains("prod") && !output.contains("nonprod)");
        let is_listed = output.contains(&format!("{id} (nonprod)"));
        assert!(is_listed || is_refused, "{arguments:?}: {output}");
    }
    let output = harness.mcm(&["env", "prod", "--shell", "bash"]).stderr;
    assert!(output.contains(&format!("{id} (nonprod)")), "{output}");
    for whole in [id.as_str(), "NonProd", ADA] {
        harness.mcm(&["token", whole]).done();
    }
    assert!(harness.mcm(&["accounts"]).done().contains("nonprod"));
}

// There is no `script` on Windows, which gives a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_command_for_a_whole_account_refuses_one_target_of_it() {
    let harness = Harness::start();
    let id = harness.connected(false);
    for arguments in [
        &["logout", "TARGET"][..],
        &["rename", "TARGET", "other"],
        &["targets", "TARGET"],
        &["activity", "TARGET"],
        &["add-tenant", "TARGET", "northwind.example"],
    ] {
        let target = format!("{id}/Production");
        let arguments = arguments
            .iter()
            .map(|word| if *word == "TARGET" { &target } else { *word });
        let arguments: Vec<&str> = arguments.collect();
        let output = harness.mcm(&arguments).failed(2);
        assert!(output.contains("Name only the account"), "{output}");
    }
    assert!(harness.mcm(&["accounts"]).done().contains("Contoso"));
}

/// What `mcm` shows on a terminal where the user types this.
#[cfg(target_os = "linux")]
fn at_a_terminal(harness: &Harness, arguments: &str, typed: &str) -> String {
    let mcm = env!("CARGO_BIN_EXE_mcm");
    let mut command = Command::new("script");
    command.args([
        "--quiet",
        "--command",
        &format!("{mcm} {arguments}"),
        "/dev/null",
    ]);
    let command = harness.equip(&mut command).stdin(Stdio::piped());
    let mut script = command
        .stdout(Stdio::piped())
        .spawn()
        .expect("it is in bsdutils");
    let mut input = script.stdin.take().expect("piped");
    input.write_all(typed.as_bytes()).expect("it reads");
    let output = script.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("text")
}

// There is no `script` on Windows, which gives a terminal.
#[cfg(target_os = "linux")]
#[test]
fn at_a_terminal_an_account_and_a_cloud_are_chosen_from_a_list() {
    let harness = Harness::start();
    harness.connected(false);
    let table = || harness.mcm(&["accounts"]).done();
    assert!(!table().contains("Production"));
    let shown = at_a_terminal(&harness, "use", "prod\r");
    assert!(
        shown.contains("Now in use for Azure: Contoso") && table().contains("Production"),
        "its target matched: {shown}"
    );
    let shown = at_a_terminal(&harness, "use", "\u{1b}");
    assert!(shown.contains("Nothing was changed"), "{shown}");
    let shown = at_a_terminal(&harness, "login", "\u{1b}");
    assert!(
        shown.contains("Google Cloud") && shown.contains("Nothing was changed"),
        "{shown}"
    );
    for (arguments, hint) in [(["use"], "mcm use contoso"), (["login"], "mcm login azure")] {
        let refused = harness.mcm(&arguments).failed(2);
        assert!(
            refused.contains(hint) && !refused.contains("reference:"),
            "{refused}"
        );
    }
}

// There is no `script` on Windows, which gives a terminal.
#[cfg(target_os = "linux")]
#[test]
fn at_a_terminal_a_part_of_a_name_is_enough_and_the_account_is_named() {
    let harness = Harness::start();
    let id = harness.connected(false);
    harness.mcm(&["rename", &id, "nonprod"]).done();
    let at_a_terminal = |arguments: &str, answer: &str| at_a_terminal(&harness, arguments, answer);
    let shown = at_a_terminal("exec prod -- echo done", "");
    assert!(
        shown.contains(&format!("mcm: nonprod ({id})")) && shown.contains("done\r\n"),
        "{shown}"
    );
    let said = format!("mcm: nonprod ({id}), {ADA}.");
    let used = at_a_terminal("use prod stag", "");
    assert!(
        used.contains(&said) && used.contains("mcm: Staging (") && used.contains("Now in use"),
        "{used}"
    );
    for arguments in ["targets prod", "activity prod", "rename prod nonprod"] {
        let shown = at_a_terminal(arguments, "");
        assert!(shown.contains(&said), "{arguments}: {shown}");
    }
    let shown = at_a_terminal("logout prod", "n\n");
    assert!(shown.contains("Nothing was disconnected"), "{shown}");
    assert_eq!(harness.account_of("azure"), id);
    let shown = at_a_terminal("logout prod", "y\n");
    assert!(shown.contains("Disconnected nonprod"), "{shown}");
}

#[test]
fn a_damaged_list_of_accounts_is_named_and_not_changed() {
    let harness = Harness::start();
    let file = harness.accounts_file();
    write(&file, 0o600, "{\"version\":1,\"acc");
    for arguments in [
        &["accounts"][..],
        &["accounts", "--json"],
        &["token", "x"],
        &["targets", "x"],
    ] {
        let output = harness.mcm(arguments).failed(1);
        assert!(output.contains("accounts.json"), "{output}");
    }
    assert_eq!(
        fs::read_to_string(file).expect("still there"),
        "{\"version\":1,\"acc"
    );
}

#[test]
fn export_prints_everything_stored_except_secrets() {
    let harness = Harness::start();
    let id = harness.connected(false);
    harness.mcm(&["token", &id]).done();
    let printed = harness.mcm(&["export", "--json"]).done();
    let json: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(json["version"], 1);
    assert_eq!(json["accounts"][0]["id"], id.as_str());
    assert_eq!(
        json["accounts"][0]["targets"].as_array().map(Vec::len),
        Some(4)
    );
    assert_eq!(json["active"]["azure"], id.as_str());
    assert_eq!(json["activity"][0]["what"]["kind"], "handed-out");
    for secret in harness.secrets_of_the_clouds() {
        assert!(!printed.contains(&secret));
    }
}
