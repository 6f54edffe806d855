//! `mcm import`: the files of other tools, hostile ones among them, and what is signed in to by them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use sandbox_clouds::aws::directory::{Condition, Role, Statement, Trusted, Wanted};
use sandbox_clouds::browser::Browser;
use serde_json::{Value, json};

use crate::harness::{ADA, Ended, Harness, LINUS, Terminal, run, write};
use crate::login::page_and_code;

const EXTERNAL_ID: &str = "organisation-wide-0001";

fn file(harness: &Harness, name: &str, text: &str) -> PathBuf {
    let path = harness.folder().join(name);
    write(&path, 0o600, text);
    path
}

fn found(harness: &Harness) -> Value {
    harness.mcm(&["import", "--json"]).json()
}

/// The account that was found with this name.
fn named<'a>(found: &'a Value, name: &str) -> &'a Value {
    let accounts = found["accounts"].as_array().expect("a list");
    let account = accounts.iter().find(|account| account["name"] == name);
    account.unwrap_or_else(|| panic!("{name} is not found: {found:#}"))
}

/// The files of every tool, as the tools write them.
fn every_tool(harness: &Harness, tenant: &str) {
    let start_url = harness.sandbox.start_url();
    file(
        harness,
        ".aws/config",
        &format!(
            "[default]\nregion = eu-west-1\n\
             [sso-session corp]\nsso_start_url = {start_url}\nsso_region = eu-west-1\n\
             [profile corp-reader]\nsso_session = corp\nsso_account_id = 012345678901\nsso_role_name = ReadOnly\n\
             [profile keys]\nregion = eu-west-1\n\
             [profile reader]\nrole_arn = arn:aws:iam::444455556666:role/Reader\nexternal_id = {EXTERNAL_ID}\nsource_profile = keys\n\
             [profile base]\nexternal_id = shared-id-0002\nsource_profile = vault-keys\n\
             [profile vaulted]\ninclude_profile = base\nrole_arn = arn:aws:iam::444455556666:role/Vaulted\n\
             [profile open]\nrole_arn = arn:aws:iam::444455556666:role/Open\nsource_profile = keys\n\
             [profile granted-one]\ngranted_sso_start_url = https://d-9067000000.awsapps.com/start\ngranted_sso_region = us-east-1\n\
             granted_sso_account_id = 111122223333\ngranted_sso_role_name = Admin\n"
        ),
    );
    file(
        harness,
        ".config/aws-sso/config.yaml",
        "SSOConfig:\n  Default:\n    SSORegion: us-east-1\n    StartUrl: https://fabrikam.awsapps.com/start\n  labs:\n    SSORegion: \
         eu-central-1\n    StartUrl: https://labs.awsapps.com/start#/\n    Accounts:\n      012345678901:\n        Name: Lab\n        \
         Roles:\n          Admin:\n            Profile: lab-admin\n",
    );
    file(
        harness,
        ".granted/config",
        "DefaultBrowser = \"FIREFOX\"\n[SSO.tailspin]\nStartURL = \"https://tailspin.awsapps.com/start\"\nSSORegion = \"eu-west-1\"\n",
    );
    let subscription = |id: &str, name: &str, user: Value| {
        json!({ "id": id, "name": name, "state": "Enabled", "user": user, "isDefault": true, "tenantId": tenant,
                "tenantDisplayName": "Contoso", "environmentName": "AzureCloud" })
    };
    let ada = json!({ "name": ADA, "type": "user" });
    let robot =
        json!({ "name": "11111111-2222-3333-4444-555555555555", "type": "servicePrincipal" });
    let profile = json!({ "installationId": "x", "subscriptions": [
        subscription("0a539779-0000-4000-8000-000000000001", "Production", ada.clone()),
        subscription("0a539779-0000-4000-8000-000000000002", "Staging", ada),
        subscription("0a539779-0000-4000-8000-000000000003", "Robots", robot),
    ]});
    // az begins the file with a byte-order mark.
    file(
        harness,
        ".azure/azureProfile.json",
        &format!("\u{feff}{profile}"),
    );
    let configuration = |name: &str, text: &str| {
        file(
            harness,
            &format!(".config/gcloud/configurations/config_{name}"),
            text,
        );
    };
    configuration(
        "default",
        "[core]\naccount = robot@p.iam.gserviceaccount.com\n",
    );
    configuration(
        "work",
        &format!(
            "[core]\naccount = {ADA}\nproject = contoso-web\n\n[compute]\nregion = europe-west1\n"
        ),
    );
    file(harness, ".Leapp/Leapp-lock.json", "U2FsdGVkX1+canary");
}

/// The id of the tenant that Ada signs in to.
fn tenant() -> String {
    let harness = Harness::start();
    harness.connected(false);
    let rows = harness.mcm(&["accounts", "--json"]).json();
    rows["accounts"][0]["tenantId"]
        .as_str()
        .expect("an id")
        .to_owned()
}

#[test]
fn what_every_tool_names_is_found_with_its_names_and_nothing_is_stored() {
    let harness = Harness::start();
    let tenant = tenant();
    every_tool(&harness, &tenant);
    let found = found(&harness);
    let corp = named(&found, "corp");
    assert_eq!(corp["signIn"]["kind"], "portal");
    assert_eq!(corp["signIn"]["region"], "eu-west-1");
    assert_eq!(corp["names"], json!(["corp", "corp-reader"]));
    assert_eq!(
        corp["tools"][0],
        json!({ "tool": "AWS CLI", "file": "~/.aws/config" })
    );
    let reader = named(&found, "reader");
    assert_eq!(
        reader["signIn"],
        json!({ "kind": "role", "roleArn": "arn:aws:iam::444455556666:role/Reader", "externalId": EXTERNAL_ID, "profile": "keys" })
    );
    assert!(reader["obstacle"].is_null() && reader["connected"].is_null());
    let vaulted = named(&found, "vaulted");
    assert_eq!(vaulted["signIn"]["externalId"], "shared-id-0002");
    assert!(
        vaulted["obstacle"]
            .as_str()
            .is_some_and(|why| why.contains("--add-keys"))
    );
    let open = named(&found, "open");
    assert!(
        open["obstacle"]
            .as_str()
            .is_some_and(|why| why.contains("External ID"))
    );
    assert_eq!(
        named(&found, "d-9067000000")["signIn"]["region"],
        "us-east-1"
    );
    assert_eq!(named(&found, "fabrikam")["tools"][0]["tool"], "aws-sso-cli");
    assert_eq!(named(&found, "labs")["names"], json!(["Lab"]));
    assert_eq!(named(&found, "tailspin")["tools"][0]["tool"], "Granted");
    let contoso = named(&found, "Contoso");
    assert_eq!(
        contoso["signIn"],
        json!({ "kind": "tenant", "tenantId": tenant, "username": ADA })
    );
    assert_eq!(contoso["names"], json!(["Production", "Staging"]));
    let work = named(&found, "work");
    assert_eq!(work["signIn"], json!({ "kind": "google", "email": ADA }));
    assert_eq!(work["names"], json!(["contoso-web"]));
    assert_eq!(
        found["accounts"].as_array().map(Vec::len),
        Some(10),
        "{found:#}"
    );
    assert_eq!(found["unread"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["unread"][0]["tool"], "Leapp");
    assert!(!found.to_string().contains("canary"));

    let listed = harness.mcm(&["import", "--list"]);
    assert!(
        listed.stderr.contains("Leapp encrypts"),
        "{}",
        listed.stderr
    );
    let listed = listed.done();
    assert!(
        listed.contains("reader") && listed.contains("sign in"),
        "{listed}"
    );
    assert!(
        listed.lines().all(|line| line.chars().count() <= 80),
        "{listed}"
    );
    let stored = harness.mcm(&["export", "--json"]).json();
    assert_eq!(stored["accounts"], json!([]));
    assert!(harness.sandbox.requests().is_empty(), "no server is asked");
    let refused = harness.mcm(&["import"]).failed(2);
    assert!(refused.contains("mcm import --list"), "{refused}");
}

#[test]
fn what_is_chosen_is_signed_in_to_and_keeps_its_name_and_then_counts_as_connected() {
    let harness = Harness::start();
    every_tool(&harness, &tenant());
    let begun = harness.begin(&["import", "work", "contoso", "CORP"]);
    // A page for each, by name as the file has it: the user is suggested, not chosen from a list.
    let page = harness.next_page();
    assert!(page.contains("login_hint=ada%40contoso.example"), "{page}");
    harness.browse(&Browser::new().as_user(ADA), &page);
    let page = harness.next_page();
    assert!(page.contains("login_hint=ada%40contoso.example"), "{page}");
    harness.browse(&Browser::new().as_user(ADA), &page);
    let page = harness.next_page();
    harness.browse(&Browser::new(), &page);
    begun.ended().done();
    let rows = harness.mcm(&["accounts", "--json"]).json();
    let names = |provider: &str| {
        let rows = rows["accounts"].as_array().expect("a list").iter();
        let row = rows
            .clone()
            .find(|row| row["provider"] == provider)
            .expect("connected");
        row["displayName"].clone()
    };
    assert_eq!(
        (names("azure"), names("gcp"), names("aws")),
        (json!("Contoso"), json!("work"), json!("corp"))
    );
    let found = found(&harness);
    for name in ["Contoso", "work", "corp"] {
        assert!(named(&found, name)["connected"].is_string(), "{name}");
    }
    let id = named(&found, "work")["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let refused = harness.mcm(&["import", &id]).failed(1);
    assert!(refused.contains("connected already"), "{refused}");
}

#[test]
fn a_machine_without_a_browser_signs_in_by_a_code_or_through_a_forwarded_port() {
    let harness = Harness::start();
    every_tool(&harness, &tenant());
    for (name, option) in [
        ("contoso", "--device-code"),
        ("work", "--redirect-port"),
        ("corp", "--redirect-port"),
    ] {
        let mut command = harness.command(&["import", name]);
        command.env("BROWSER", "/nonexistent");
        let refused = Ended::of(command.output().expect("mcm starts")).failed(1);
        let advice = refused
            .split('"')
            .find(|part| part.starts_with("mcm import"))
            .unwrap_or_else(|| panic!("{refused}"));
        // The advice works as it stands.
        let words: Vec<&str> = advice.split(' ').skip(1).collect();
        assert!(words.contains(&option), "{advice}");
        let mut begun = harness.begin(&words);
        let output = begun.stderr_until("Ctrl-C cancels").to_owned();
        if option == "--device-code" {
            let (page, code) = page_and_code(&output);
            harness.browse(&Browser::new().as_user(ADA).with_user_code(&code), &page);
        } else {
            let link = output.lines().map(str::trim);
            let link = link.clone().find(|line| line.starts_with("http://"));
            let who = if name == "corp" { "ada" } else { ADA };
            harness.browse(&Browser::new().as_user(who), link.expect("a link"));
        }
        begun.ended().done();
        assert!(!harness.has_opened_a_page(), "{name}");
        assert!(
            named(
                &found(&harness),
                if name == "contoso" { "Contoso" } else { name }
            )["connected"]
                .is_string()
        );
    }
}

#[test]
fn at_a_terminal_several_accounts_are_chosen_from_what_can_be_signed_in_to() {
    let harness = Harness::start();
    every_tool(&harness, &tenant());
    let mut terminal = Terminal::start(&harness, "import");
    terminal.until("Accounts to sign in to");
    // Each is found by its name and marked; what was typed is deleted for the next.
    terminal.press("corp \u{7f}\u{7f}\u{7f}\u{7f}work \r");
    let page = harness.next_page();
    harness.browse(&Browser::new().as_user(ADA), &page);
    let page = harness.next_page();
    harness.browse(&Browser::new(), &page);
    let shown = terminal.ended();
    assert!(
        shown.contains("Connected work") && shown.contains("Connected corp"),
        "{shown}"
    );
    assert!(shown.contains("status 0"), "{shown}");

    let mut terminal = Terminal::start(&harness, "import");
    terminal.until("Accounts to sign in to");
    terminal.press("\r");
    let shown = terminal.ended();
    assert!(
        shown.contains("Nothing was chosen") && shown.contains("status 0"),
        "{shown}"
    );
    assert!(
        shown.contains("reader (") && !shown.contains("work (") && !shown.contains("vaulted ("),
        "neither what is connected nor what has an obstacle is offered: {shown}"
    );
    let mut terminal = Terminal::start(&harness, "import");
    terminal.until("Accounts to sign in to");
    terminal.press("\u{1b}");
    let shown = terminal.ended();
    assert!(
        shown.contains("Nothing was changed") && shown.contains("status 1"),
        "{shown}"
    );
}

#[test]
fn another_user_than_the_file_names_is_refused_and_nothing_is_stored() {
    let harness = Harness::start();
    every_tool(&harness, &tenant());
    for (name, other) in [("work", "tim@contoso.example"), ("contoso", LINUS)] {
        let begun = harness.begin(&["import", name]);
        let page = harness.next_page();
        harness.browse(&Browser::new().as_user(other), &page);
        let refused = begun.ended();
        assert_eq!(refused.status, 1, "{}", refused.stderr);
        assert!(
            refused.stderr.contains(ADA) && refused.stderr.contains(other),
            "{}",
            refused.stderr
        );
    }
    let stored = harness.mcm(&["export", "--json"]).json();
    assert_eq!(stored["accounts"], json!([]));
    assert_eq!(harness.keychain_entries(), 0);
}

#[test]
fn a_role_with_its_external_id_and_source_is_verified_and_connected_by_its_profiles_name() {
    let harness = Harness::start();
    every_tool(&harness, &tenant());
    let ada = harness
        .sandbox
        .aws_access_key("ada")
        .expect("there is such a user");
    file(
        &harness,
        ".aws/credentials",
        &format!(
            "[keys]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            ada.id, ada.secret
        ),
    );
    let principal = Trusted::Arn("arn:aws:iam::111122223333:user/ada".into());
    let condition = Condition::ExternalId(Wanted::Exactly(EXTERNAL_ID.to_owned()));
    harness
        .sandbox
        .put_aws_role(Role::new("444455556666", "Reader").trust(Statement {
            principal,
            condition,
        }));
    let mut command = harness.command(&["import", "reader"]);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    let ended = Ended::of(command.output().expect("mcm starts"));
    assert!(
        ended.stderr.contains("with a wrong External ID: refused"),
        "{}",
        ended.stderr
    );
    ended.done();
    let rows = harness.mcm(&["accounts", "--json"]).json();
    assert_eq!(rows["accounts"][0]["displayName"], "reader");
    assert_eq!(rows["accounts"][0]["externalIdEnforced"], true);
    let refused = harness.mcm(&["import", "open"]).failed(1);
    assert!(
        refused.contains("requires") || refused.contains("require"),
        "{refused}"
    );
}

/// Every place of a token, a key or a sign-in of these tools.
const SECRETS: [&str; 14] = [
    ".aws/credentials",
    ".aws/sso/cache/0123456789abcdef.json",
    ".aws/cli/cache/0123456789abcdef.json",
    ".aws/login/cache/0123456789abcdef.json",
    ".azure/msal_token_cache.json",
    ".azure/accessTokens.json",
    ".azure/service_principal_entries.json",
    ".config/gcloud/credentials.db",
    ".config/gcloud/access_tokens.db",
    ".config/gcloud/application_default_credentials.json",
    ".config/gcloud/legacy_credentials/ada@contoso.example/adc.json",
    ".config/aws-sso/secure/store.json",
    ".granted/sso-cache.json",
    ".awsvault/keys/keys",
];

#[test]
fn no_file_that_holds_a_token_is_opened() {
    let harness = Harness::start();
    every_tool(&harness, "0a539779-0000-4000-8000-0000000000aa");
    // A pipe without a writer would keep who opens it waiting; strace names who does.
    for name in SECRETS {
        let path = harness.folder().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("ours");
        run(Command::new("mkfifo").arg(&path), "mkfifo", "coreutils");
    }
    let log = harness.folder().join("strace");
    let mut strace = Command::new("strace");
    harness
        .equip(&mut strace)
        .args(["-f", "-qq", "-e", "trace=open,openat,openat2", "-o"])
        .arg(&log)
        .args([env!("CARGO_BIN_EXE_mcm"), "import", "--json"]);
    let ended = Ended::of(strace.output().expect("strace starts"));
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let log = fs::read_to_string(&log).expect("written");
    assert!(
        log.contains("azureProfile.json") && log.contains("config_work"),
        "{log}"
    );
    assert_eq!(log.matches("/.aws/config\"").count(), 1, "{log}");
    for name in SECRETS.iter().chain(&[".Leapp/Leapp-lock.json"]) {
        assert!(!log.contains(name), "{name} was opened");
    }
}

#[test]
fn hostile_files_are_named_or_passed_over_and_never_waited_for() {
    let harness = Harness::start();
    let at = |name: &str| harness.folder().join(name);
    for name in [
        ".azure",
        ".config/gcloud/configurations",
        ".config/aws-sso",
        ".granted",
        ".aws",
    ] {
        fs::create_dir_all(at(name)).expect("ours");
    }
    run(
        Command::new("mkfifo").arg(at(".azure/azureProfile.json")),
        "mkfifo",
        "coreutils",
    );
    let pipe = at(".config/gcloud/configurations/config_pipe");
    run(Command::new("mkfifo").arg(pipe), "mkfifo", "coreutils");
    symlink(
        "/dev/zero",
        at(".config/gcloud/configurations/config_endless"),
    )
    .expect("ours");
    symlink("nowhere", at(".config/gcloud/configurations/config_gone")).expect("ours");
    let text = "[core]\naccount = a\u{202e}b@\u{1b}[31mexample.com\n";
    file(
        &harness,
        ".config/gcloud/configurations/config_forged",
        text,
    );
    file(
        &harness,
        ".config/gcloud/configurations/config_torn",
        "account\u{0} = x\n[core",
    );
    file(
        &harness,
        ".config/aws-sso/config.yaml",
        "a: &a [x,x]\nb: &b [*a,*a]\nSSOConfig: *b\n",
    );
    fs::File::create(at(".granted/config"))
        .and_then(|file| file.set_len(5_000_000))
        .expect("ours");
    let forged = "[profile a\u{1b}[31m\u{202e}b]\nrole_arn = arn:aws:iam::444455556666:role/Reader\nexternal_id = abc-0001\n";
    file(&harness, ".aws/config", forged);
    let found = found(&harness);
    let unread: Vec<&str> = found["unread"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|file| file["file"].as_str().expect("a path"))
        .collect();
    assert_eq!(
        unread,
        [
            "~/.config/aws-sso/config.yaml",
            "~/.granted/config",
            "~/.azure/azureProfile.json",
            "~/.config/gcloud/configurations/config_endless",
            "~/.config/gcloud/configurations/config_pipe",
            "~/.config/gcloud/configurations/config_torn",
        ]
    );
    let accounts = found["accounts"].as_array().expect("a list");
    assert_eq!(accounts.len(), 1, "{found:#}");
    assert_eq!(accounts[0]["name"], "a[31mb");
    assert!(Path::new(&at(".azure/azureProfile.json")).exists());
}
