//! Signing in and out.

use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

#[cfg(target_os = "linux")]
use jiff::SignedDuration;
#[cfg(target_os = "linux")]
use mcm_core::world::{Clock as _, SystemClock};
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Endpoint, Fault, guid};

use crate::harness::{ADA, Ended, Harness, LINUS, write};

#[test]
fn a_sign_in_connects_the_account_and_offers_the_other_tenants() {
    let harness = Harness::start();
    let ended = harness.login(ADA, &["azure"]);
    assert_eq!(
        ended.stderr,
        "Your browser is open. Finish signing in there. Ctrl-C cancels.\n"
    );
    let id = "azure-1535dce659fc";
    let expected = format!(
        "Connected Contoso
  account        {id}
  identity       {ADA}
  tenant         {}
  subscriptions  4
Other tenants you can add with the same sign-in:
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
    let output = harness
        .mcm(&["add-tenant", "contoso", "elsewhere"])
        .failed(1);
    assert!(output.contains("elsewhere"), "{output}");
}

#[test]
fn all_tenants_are_added_and_one_that_needs_more_is_reported_and_stops_no_other() {
    let harness = Harness::start();
    let ended = harness.login(ADA, &["azure", "--all-tenants"]);
    let advice = format!("mcm login azure --tenant {}", guid("fabrikam.example"));
    assert!(
        ended.stderr.contains("Fabrikam") && ended.stderr.contains(&advice),
        "{}",
        ended.stderr
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
fn another_user_of_the_same_tenant_changes_nothing_without_a_choice() {
    let harness = Harness::start();
    let ada = harness.connected(false);
    let output = harness.login(LINUS, &["azure"]).failed(1);
    assert!(
        output.contains("--replace") && output.contains("--keep-both"),
        "{output}"
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
fn signing_out_lists_what_it_removed_and_leaves_nothing() {
    let harness = Harness::start();
    let id = harness.connected(false);
    assert!(harness.keychain_entries() > 0);
    let output = harness.mcm(&["logout", "contoso"]).done();
    let expected = format!(
        "Disconnected Contoso ({ADA}). Removed: the account ({id}), its session and the saved sign-in.\n"
    );
    assert_eq!(output, expected);
    assert_eq!(harness.keychain_entries(), 0);
    assert!(
        !harness.files().contains(ADA),
        "nothing of the account stays in a file"
    );
    harness.mcm(&["token", &id]).failed(1);
}

#[test]
fn a_sign_in_that_other_accounts_use_stays_until_the_last_is_removed() {
    let harness = Harness::start();
    harness.connected(false);
    harness.mcm(&["add-tenant", "contoso", "northwind"]).done();
    let output = harness.mcm(&["logout", "contoso"]).done();
    assert!(output.contains("stays for 1 other account"), "{output}");
    harness.mcm(&["token", "northwind"]).done();
    harness.mcm(&["logout", "--all"]).done();
    assert_eq!(harness.keychain_entries(), 0);
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_cancels_a_sign_in_and_leaves_nothing() {
    let harness = Harness::start();
    let begun = harness.begin(&["login", "azure"]);
    harness.next_page();
    begun.interrupt();
    let output = begun.ended().failed(1);
    assert!(output.contains("You cancelled the sign-in."), "{output}");
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
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("AZURE_CLIENT_ID") && stderr.contains("settings.toml"),
        "{stderr}"
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(!harness.has_opened_a_page());
}

// It is about `BROWSER`, which only Linux has.
#[cfg(target_os = "linux")]
#[test]
fn a_browser_that_does_not_start_ends_the_sign_in_and_no_address_is_shown() {
    let harness = Harness::start();
    let ssh = "ssh -L 8400:127.0.0.1:8400 -p 2222 ada@203.0.113.7";
    let start_url = harness.sandbox.start_url().to_string();
    for (arguments, ways) in [
        (
            &["login", "azure"][..],
            &["\"mcm login azure --device-code\""][..],
        ),
        (
            &["login", "azure", "--tenant", "contoso.example"],
            &["\"mcm login azure --tenant contoso.example --device-code\""],
        ),
        (
            &["login", "gcp"],
            &["\"mcm login gcp --redirect-port 8400\"", ssh],
        ),
        (
            &["login", "aws", "--sso-start-url", &start_url],
            &["--redirect-port 8400\"", ssh],
        ),
    ] {
        let mut command = harness.command(arguments);
        command
            .env("BROWSER", "/nonexistent")
            .env("USER", "ada")
            .env("SSH_CONNECTION", "198.51.100.7 50000 203.0.113.7 2222");
        let output = command.output().expect("mcm starts");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            stderr.contains("BROWSER=") && !stderr.contains("state="),
            "{stderr}"
        );
        for way in ways {
            assert!(stderr.contains(way), "{stderr}");
        }
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn the_settings_choose_the_browser_before_browser_does() {
    let harness = Harness::start();
    let settings = harness.home().join("config/settings.toml");
    write(
        &settings,
        0o600,
        "[app]\nbrowser = \"/nonexistent/browser --new\"\n",
    );
    let mut login = harness.command(&["login", "azure"]);
    // The tests' own browser on Windows, which wins over both.
    login.env_remove("MCM_BROWSER");
    let output = Ended::of(login.output().expect("mcm starts")).failed(1);
    assert!(
        output.contains("app.browser in ") && output.contains("\"/nonexistent/browser --new\""),
        "{output}"
    );
    assert!(!harness.has_opened_a_page());
}

#[test]
fn a_browser_on_another_computer_signs_in_through_a_port_that_ssh_forwards() {
    let harness = Harness::start();
    let start_url = harness.sandbox.start_url().to_string();
    for (arguments, who) in [
        (&["login", "azure"][..], ADA),
        (&["login", "gcp"], ADA),
        (&["login", "aws", "--sso-start-url", &start_url], "ada"),
    ] {
        let port = free_port();
        let mut begun = harness.begin(&[arguments, &["--redirect-port", &port]].concat());
        let output = begun.stderr_until("Ctrl-C cancels").to_owned();
        assert!(
            output.contains(&format!("ssh -L {port}:127.0.0.1:{port} "))
                && !output.contains("state="),
            "{output}"
        );
        let link = output
            .lines()
            .find_map(|line| line.trim().strip_prefix("http://"))
            .expect("a link");
        assert!(link.contains(&format!(":{port}/open/")), "{link}");
        harness.browse(&Browser::new().as_user(who), &format!("http://{link}"));
        let result = begun.ended().done();
        assert!(
            result.starts_with("Connected ") && result.contains(who),
            "{result}"
        );
        assert!(!harness.has_opened_a_page());
        assert!(!harness.files().contains(link), "the link is in no file");
    }
}

#[test]
fn a_port_that_another_program_has_is_named() {
    let harness = Harness::start();
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = taken.local_addr().expect("bound").port().to_string();
    let output = harness
        .mcm(&["login", "gcp", "--redirect-port", &port])
        .failed(2);
    assert!(output.contains(&format!("Port {port} ")), "{output}");
    let start_url = harness.sandbox.start_url().to_string();
    let center = [
        "login",
        "aws",
        "--sso-start-url",
        &start_url,
        "--redirect-port",
        &port,
    ];
    let output = harness.mcm(&center).failed(2);
    assert!(output.contains(&format!("Port {port} ")), "{output}");
}

#[test]
fn a_browser_that_insists_on_https_is_reported_and_the_sign_in_still_waits() {
    let harness = Harness::start();
    let mut begun = harness.begin(&["login", "azure"]);
    let page = harness.next_page();
    let (_, port) = page
        .split_once("redirect_uri=http%3A%2F%2Flocalhost%3A")
        .expect("a redirect URI");
    let port: String = port.chars().take_while(char::is_ascii_digit).collect();
    let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("it listens");
    stream
        .write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])
        .expect("sent");
    let output = begun.stderr_until("This command waits");
    assert!(
        output.contains("used https") && output.contains("Allow http for localhost"),
        "{output}"
    );
    harness.browse(&Browser::new().as_user(ADA), &page);
    let result = begun.ended().done();
    assert!(result.starts_with("Connected Contoso\n"), "{result}");
}

/// A port that no program has.
fn free_port() -> String {
    let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    free.local_addr().expect("bound").port().to_string()
}

// Windows always has one.
#[test]
#[cfg(target_os = "linux")]
fn without_a_keychain_no_sign_in_starts_because_it_could_not_be_stored() {
    let harness = Harness::without_keychain();
    let output = harness.mcm(&["login", "azure"]).failed(1);
    assert!(output.contains("keychain"), "{output}");
    assert!(!harness.has_opened_a_page());
}

#[test]
#[cfg(target_os = "linux")]
fn a_keychain_that_stays_locked_ends_a_sign_in_before_it_begins() {
    let harness = Harness::start();
    harness.connected(false);
    harness.lock_keychain();
    // No program shows the keychain's prompt here, so it counts as dismissed.
    let output = harness.mcm(&["login", "azure"]).failed(1);
    assert!(output.contains("locked"), "{output}");
    assert!(!harness.has_opened_a_page());
}

#[test]
fn google_signs_in_and_issues_a_token() {
    let harness = Harness::start();
    let ended = harness.login(ADA, &["gcp"]).done();
    assert!(ended.contains("projects"), "{ended}");
    let token = harness.mcm(&["token", "--active", "gcp"]).done();
    assert!(harness.sandbox.secrets().contains(&token.trim().to_owned()));
}

/// The page and the code that `mcm` prints.
pub(crate) fn page_and_code(output: &str) -> (String, String) {
    let mut lines = output.lines().filter_map(|line| line.strip_prefix("  "));
    let mut next = || lines.next().expect("a page and a code").to_owned();
    (next(), next())
}

#[test]
fn a_code_that_is_typed_elsewhere_connects_the_account_without_a_browser_here() {
    let harness = Harness::start();
    let mut begun = harness.begin(&["login", "azure", "--device-code"]);
    let output = begun.stderr_until("Ctrl-C cancels").to_owned();
    assert!(
        output.contains("only if you ran this command yourself"),
        "{output}"
    );
    let (page, code) = page_and_code(&output);
    harness.browse(&Browser::new().as_user(ADA).with_user_code(&code), &page);
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
#[cfg(target_os = "linux")]
fn a_refused_or_cancelled_code_connects_no_account() {
    let harness = Harness::start();
    let mut begun = harness.begin(&["login", "azure", "--device-code"]);
    let (page, code) = page_and_code(begun.stderr_until("Ctrl-C cancels"));
    harness.browse(
        &Browser::new().as_user(ADA).with_user_code(&code).cancel(),
        &page,
    );
    assert!(begun.ended().failed(1).contains("refused"));

    let mut begun = harness.begin(&["login", "azure", "--device-code"]);
    begun.stderr_until("Ctrl-C cancels");
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
fn google_refuses_codes_and_mcm_shows_the_remedy() {
    let harness = Harness::start();
    let output = harness.mcm(&["login", "gcp", "--device-code"]).failed(1);
    assert!(
        output.contains("TVs and Limited Input") && output.contains("browser"),
        "{output}"
    );
}

#[test]
fn logout_reports_a_cloud_that_revoked_nothing() {
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
        let output = ended.stderr;
        assert_eq!(ended.status, 1, "{output}");
        assert!(
            output.contains("Google Cloud could not revoke access"),
            "{output}"
        );
        assert!(
            output.contains("still granted") && output.contains("reference: "),
            "{output}"
        );
        let listed = harness.mcm(&["accounts", "--json"]).json();
        assert_eq!(listed["accounts"], serde_json::json!([]));
    }
}
