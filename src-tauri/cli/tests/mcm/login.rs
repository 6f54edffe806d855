//! Signing in and out.

use jiff::SignedDuration;
use mcm_core::world::{Clock as _, SystemClock};
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Endpoint, Fault, guid};

use crate::harness::{ADA, Harness, LINUS};

#[test]
fn a_sign_in_connects_the_account_and_offers_the_other_tenants() {
    let harness = Harness::start();
    let ended = harness.login(ADA, &["azure"]);
    assert_eq!(
        ended.told,
        "Your browser is open. Finish signing in there. Ctrl-C cancels.\n"
    );
    let id = "azure-1535dce659fc";
    let expected = format!(
        "Connected Contoso
  account        {id}
  identity       {ADA}
  tenant         {}
  subscriptions  4
You may also enter, with the same sign-in:
  Fabrikam   mcm add-tenant {id} {}
  Northwind  mcm add-tenant {id} {}
",
        guid("contoso.example"),
        guid("fabrikam.example"),
        guid("northwind.example")
    );
    assert_eq!(ended.done(), expected);
}

#[test]
fn an_offered_tenant_is_added_without_a_browser() {
    let harness = Harness::start();
    harness.connected(false);
    let added = harness
        .mcm(&["add-tenant", "contoso", "northwind.example"])
        .done();
    assert!(added.starts_with("Connected Northwind\n"), "{added}");
    harness.mcm(&["token", "northwind"]).done();
    assert!(!harness.has_opened_a_page());
    let told = harness
        .mcm(&["add-tenant", "contoso", "elsewhere"])
        .failed(1);
    assert!(told.contains("elsewhere"), "{told}");
}

#[test]
fn every_tenant_is_added_and_one_that_asks_for_more_is_told_and_stops_no_other() {
    let harness = Harness::start();
    let ended = harness.login(ADA, &["azure", "--all-tenants"]);
    let advice = format!("mcm login azure --tenant {}", guid("fabrikam.example"));
    assert!(
        ended.told.contains("Fabrikam") && ended.told.contains(&advice),
        "{}",
        ended.told
    );
    let result = ended.done();
    assert!(
        result.contains("Connected Contoso\n") && result.contains("Connected Northwind\n"),
        "{result}"
    );
    assert!(
        harness
            .mcm(&["token", "fabrikam"])
            .failed(3)
            .contains(&advice)
    );

    // The printed command connects the row that waits.
    harness
        .login(ADA, &["azure", "--tenant", &guid("fabrikam.example")])
        .done();
    harness.mcm(&["token", "fabrikam"]).done();
}

#[test]
fn somebody_else_in_the_same_tenant_changes_nothing_without_a_choice() {
    let harness = Harness::start();
    let ada = harness.connected(false);
    let told = harness.login(LINUS, &["azure"]).failed(1);
    assert!(
        told.contains("--replace") && told.contains("--keep-both"),
        "{told}"
    );
    let identities = || {
        let json = harness.mcm(&["accounts", "--json"]).json();
        let rows = json["accounts"].as_array().expect("a list").clone();
        let mut names: Vec<String> = rows
            .iter()
            .map(|row| row["identity"].as_str().expect("a name").to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(identities(), [ADA]);
    harness.login(LINUS, &["azure", "--keep-both"]).done();
    assert_eq!(identities(), [ADA, LINUS]);
    harness.mcm(&["logout", &ada]).done();
    harness.login(ADA, &["azure", "--replace"]).done();
    assert_eq!(identities(), [ADA]);
}

#[test]
fn signing_out_says_what_went_and_leaves_nothing() {
    let harness = Harness::start();
    let id = harness.connected(false);
    assert!(harness.keychain_entries() > 0);
    let told = harness.mcm(&["logout", "contoso"]).done();
    let expected = format!(
        "Disconnected Contoso ({ADA}). Removed: the account ({id}), its session and the kept sign-in.\n"
    );
    assert_eq!(told, expected);
    assert_eq!(harness.keychain_entries(), 0);
    assert!(
        !harness.files().contains(ADA),
        "nothing of the account stays in a file"
    );
    harness.mcm(&["token", &id]).failed(1);
}

#[test]
fn a_sign_in_that_other_accounts_use_stays_until_the_last_of_them_goes() {
    let harness = Harness::start();
    harness.connected(false);
    harness.mcm(&["add-tenant", "contoso", "northwind"]).done();
    let told = harness.mcm(&["logout", "contoso"]).done();
    assert!(told.contains("stays for 1 other account"), "{told}");
    harness.mcm(&["token", "northwind"]).done();
    harness.mcm(&["logout", "--all"]).done();
    assert_eq!(harness.keychain_entries(), 0);
}

#[test]
fn ctrl_c_gives_a_sign_in_up_and_leaves_nothing() {
    let harness = Harness::start();
    let begun = harness.begin(&["login", "azure"]);
    harness.next_page();
    begun.interrupt();
    let told = begun.ended().failed(1);
    assert!(told.contains("You cancelled the sign-in."), "{told}");
    assert!(!harness.home().join("data/accounts.db").exists());
    assert_eq!(harness.keychain_entries(), 0);
}

#[test]
fn a_missing_client_id_is_named_before_a_browser_opens() {
    let harness = Harness::start();
    let output = harness
        .command(&["login", "azure"])
        .env_remove("AZURE_CLIENT_ID")
        .output();
    let output = output.expect("mcm starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("AZURE_CLIENT_ID") && told.contains("settings.toml"),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!harness.has_opened_a_page());
}

#[test]
fn a_browser_that_does_not_start_ends_the_sign_in_and_no_address_is_shown() {
    let harness = Harness::start();
    let mut command = harness.command(&["login", "azure"]);
    let output = command
        .env("BROWSER", "/nonexistent")
        .env("PATH", "/nonexistent")
        .output();
    let output = output.expect("mcm starts");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("BROWSER=") && !told.contains("state="),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn without_a_keychain_nobody_is_sent_through_a_sign_in_that_cannot_be_kept() {
    let harness = Harness::without_keychain();
    let told = harness.mcm(&["login", "azure"]).failed(1);
    assert!(told.contains("keychain"), "{told}");
    assert!(!harness.has_opened_a_page());
}

#[test]
fn a_keychain_that_stays_locked_ends_a_sign_in_before_it_begins() {
    let harness = Harness::start();
    harness.connected(false);
    harness.lock_keychain();
    // No program shows the keychain's question here, so it counts as dismissed.
    let told = harness.mcm(&["login", "azure"]).failed(1);
    assert!(told.contains("locked"), "{told}");
    assert!(!harness.has_opened_a_page());
}

#[test]
fn google_signs_in_and_hands_out_a_token() {
    let harness = Harness::start();
    let ended = harness.login(ADA, &["gcp"]).done();
    assert!(ended.contains("projects"), "{ended}");
    let token = harness.mcm(&["token", "--active", "gcp"]).done();
    assert!(harness.sandbox.secrets().contains(&token.trim().to_owned()));
}

/// The page and the code that `mcm` tells.
fn page_and_code(told: &str) -> (String, String) {
    let mut lines = told.lines().filter_map(|line| line.strip_prefix("  "));
    let mut next = || lines.next().expect("a page and a code").to_owned();
    (next(), next())
}

#[test]
fn a_code_that_is_typed_elsewhere_connects_the_account_without_a_browser_here() {
    let harness = Harness::start();
    let mut begun = harness.begin(&["login", "azure", "--device-code"]);
    let told = begun.told_until("Ctrl-C cancels").to_owned();
    assert!(
        told.contains("only if you ran this command yourself"),
        "{told}"
    );
    let (page, code) = page_and_code(&told);
    harness.browse(&Browser::new().as_person(ADA).with_user_code(&code), &page);
    let result = begun.ended().done();
    assert!(
        result.starts_with("Connected Contoso\n") && result.contains(ADA),
        "{result}"
    );
    harness.mcm(&["token", "contoso"]).done();
    assert!(!harness.has_opened_a_page());
    let files = harness.files();
    assert!(!files.contains(&code), "the code is in no file");
    assert!(
        harness
            .sandbox
            .secrets()
            .iter()
            .filter(|secret| secret.len() > 16)
            .all(|secret| !files.contains(secret))
    );
}

#[test]
fn a_code_that_is_refused_or_given_up_connects_nobody() {
    let harness = Harness::start();
    let mut begun = harness.begin(&["login", "azure", "--device-code"]);
    let (page, code) = page_and_code(begun.told_until("Ctrl-C cancels"));
    harness.browse(
        &Browser::new().as_person(ADA).with_user_code(&code).cancel(),
        &page,
    );
    assert!(begun.ended().failed(1).contains("refused"));

    let mut begun = harness.begin(&["login", "azure", "--device-code"]);
    begun.told_until("Ctrl-C cancels");
    let pressed = SystemClock.now();
    begun.interrupt();
    assert!(
        begun
            .ended()
            .failed(1)
            .contains("You cancelled the sign-in.")
    );
    let took = SystemClock.now().duration_since(pressed);
    assert!(took < SignedDuration::from_secs(1), "{took}");
    assert_eq!(
        harness.mcm(&["accounts", "--json"]).json()["accounts"]
            .as_array()
            .map(Vec::len),
        Some(0)
    );
    assert_eq!(harness.keychain_entries(), 0);
}

#[test]
fn google_refuses_codes_and_that_is_told_with_what_to_do() {
    let harness = Harness::start();
    let told = harness.mcm(&["login", "gcp", "--device-code"]).failed(1);
    assert!(
        told.contains("TVs and Limited Input") && told.contains("browser"),
        "{told}"
    );
}

#[test]
fn logout_tells_when_the_cloud_could_not_be_told() {
    for arguments in [&["logout", ADA][..], &["logout", "--all"]] {
        let harness = Harness::start();
        harness.login(ADA, &["gcp"]).done();
        let faults = harness.sandbox.faults();
        faults.always(Endpoint::GoogleRevoke, Fault::status(503));
        let ended = harness.mcm(arguments);
        assert!(
            ended.result.contains("Disconnected") || ended.result.contains("Removed 1 account"),
            "{}",
            ended.result
        );
        let told = ended.told;
        assert_eq!(ended.status, 1, "{told}");
        assert!(told.contains("Google Cloud could not be told"), "{told}");
        assert!(
            told.contains("still stands") && told.contains("reference: "),
            "{told}"
        );
        let listed = harness.mcm(&["accounts", "--json"]).json();
        assert_eq!(listed["accounts"], serde_json::json!([]));
    }
}
