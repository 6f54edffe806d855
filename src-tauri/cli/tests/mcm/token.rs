//! Issuing tokens: cached, expired, refused, and to many callers at once.

use jiff::Timestamp;
use sandbox_clouds::azure::Rotation;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Endpoint, Fault, guid};

use crate::harness::{ADA, Begun, Harness};

#[test]
fn a_cached_token_is_printed_alone_and_without_any_request() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let first = harness.mcm(&["token", &id]).done();
    let active = harness.mcm(&["token", "--active", "azure"]).done();
    assert_eq!(first, active);
    assert!(first.ends_with('\n') && first.split_whitespace().count() == 1);
    assert!(harness.sandbox.secrets().contains(&first.trim().to_owned()));
    assert_eq!(harness.sandbox.requests(), []);
}

#[test]
fn an_expired_session_is_renewed_once_and_then_issued_again() {
    let harness = Harness::start();
    let id = harness.connected(true);
    let renewed = harness.mcm(&["token", &id]).done();
    assert_eq!(harness.renewals(), 1);
    assert_eq!(harness.mcm(&["token", &id]).done(), renewed);
    assert_eq!(
        harness.sandbox.requests().len(),
        1,
        "the second call sent no request"
    );
}

#[test]
fn fifty_at_once_renew_once_get_the_same_token_and_keep_the_sign_in() {
    let harness = Harness::start();
    harness.sandbox.set_azure_rotation(Rotation::Strict);
    let id = harness.connected(true);
    let begun: Vec<Begun> = (0..50).map(|_| harness.begin(&["token", &id])).collect();
    let mut tokens: Vec<String> = begun
        .into_iter()
        .map(|begun| begun.ended().done())
        .collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    assert_eq!(harness.renewals(), 1);
    harness.sandbox.reject_access_tokens(ADA);
    harness.mcm(&["targets", &id, "--refresh"]).done();
    assert_eq!(
        harness.renewals(),
        2,
        "the rotated grant was kept, and reuse was never detected"
    );
}

#[test]
fn the_token_json_is_what_az_prints() {
    let harness = Harness::start();
    harness.connected(false);
    harness.mcm(&["use", "contoso", "production"]).done();
    let token = harness.mcm(&["token", "contoso"]).done();
    let expires =
        harness.mcm(&["accounts", "--json"]).json()["accounts"][0]["sessionExpiresAt"].clone();
    let expires: Timestamp = expires
        .as_str()
        .expect("a session")
        .parse()
        .expect("a time");

    let printed = harness.mcm(&["token", "contoso", "--json"]).done();
    let expected = format!(
        r#"{{
  "accessToken": "{}",
  "expiresOn": "{}",
  "expires_on": {},
  "subscription": "0a539779-a28c-45e2-807f-4dd6af13912b",
  "tenant": "58646273-e96c-4587-8e87-c6975d236d3c",
  "tokenType": "Bearer"
}}
"#,
        token.trim(),
        expires.strftime("%Y-%m-%d %H:%M:%S.000000"),
        expires.as_second()
    );
    assert_eq!(printed, expected);
}

#[test]
fn a_final_refusal_is_status_3_with_the_command_to_run_and_never_a_browser() {
    let harness = Harness::start();
    let id = harness.connected(true);
    harness.sandbox.revoke_all(ADA);
    let advice = format!("mcm login azure --tenant {}", guid("contoso.example"));
    for asked in [1, 1] {
        let output = harness.mcm(&["token", &id]).failed(3);
        assert!(
            output.contains(&advice) && output.contains("\n  reference: "),
            "{output}"
        );
        assert_eq!(
            harness.renewals(),
            asked,
            "the second attempt sends no request"
        );
    }
    assert_eq!(
        harness.mcm(&["accounts", "--json"]).json()["accounts"][0]["status"],
        "sign-in-again"
    );
    assert!(!harness.has_opened_a_page());
}

#[test]
fn a_passing_failure_is_status_1_and_the_account_stays() {
    let harness = Harness::start();
    let id = harness.connected(true);
    harness
        .sandbox
        .faults()
        .next(Endpoint::AzureToken, Fault::status(503));
    harness.mcm(&["token", &id]).failed(1);
    let json = harness.mcm(&["accounts", "--json"]).json();
    assert_eq!(json["accounts"][0]["status"], "expired");
}

#[test]
fn without_an_account_in_use_the_command_to_choose_one_is_shown() {
    let harness = Harness::start();
    let output = harness.mcm(&["token", "--active", "azure"]).failed(1);
    assert!(output.contains("mcm use ACCOUNT"), "{output}");
}

#[test]
#[cfg(target_os = "linux")]
fn an_interrupted_renewal_stores_its_result() {
    let harness = Harness::start();
    let id = harness.connected(true);
    // The renewal spends the refresh token, and its answer is slow.
    harness
        .sandbox
        .set_azure_rotation(sandbox_clouds::azure::Rotation::Strict);
    harness
        .sandbox
        .faults()
        .next(Endpoint::AzureToken, Fault::Latency(2000));
    let begun = harness.begin(&["token", &id]);
    harness.until_renewing();
    begun.interrupt();
    assert!(begun.ended().failed(1).contains("You stopped the command."));
    harness.mcm(&["token", &id]).done();
    assert_eq!(harness.renewals(), 1, "the new session was stored");
}

#[test]
fn a_resource_is_requested_by_name_or_identifier_and_then_cached() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let graph = harness.mcm(&["token", &id, "--resource", "graph"]).done();
    assert_eq!(
        harness.sandbox.azure_audience(graph.trim()).as_deref(),
        Some("https://graph.microsoft.com")
    );
    let active = [
        "token",
        "--active",
        "azure",
        "--resource",
        "https://graph.microsoft.com",
        "--json",
    ];
    let json = harness.mcm(&active).json();
    assert_eq!(json["accessToken"], graph.trim());
    assert_eq!(harness.renewals(), 1, "the second call sent no request");
    let arm = harness.mcm(&["token", &id]).done();
    assert_eq!(
        harness.mcm(&["token", &id, "--resource", "arm"]).done(),
        arm
    );
    assert_eq!(harness.renewals(), 1);
    assert!(
        harness
            .mcm(&["activity"])
            .done()
            .contains("token for https://graph.microsoft.com issued to")
    );

    let secrets = harness.sandbox.secrets();
    let files = harness.files();
    assert!(
        secrets
            .iter()
            .filter(|secret| secret.len() > 16)
            .all(|secret| !files.contains(secret))
    );
    harness.mcm(&["logout", &id]).done();
    assert_eq!(harness.keychain_entries(), 0);
}

#[test]
fn a_refused_resource_is_named_and_leaves_the_account_as_it_is() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let output = harness.mcm(&["token", &id, "--resource", "graf"]).failed(2);
    assert!(
        output.contains("\"graf\"") && output.contains("key-vault"),
        "{output}"
    );
    let output = harness
        .mcm(&["token", &id, "--resource", "https://nobody.example"])
        .failed(1);
    assert!(output.contains("https://nobody.example"), "{output}");
    harness
        .sandbox
        .ask_azure_consent_for("https://graph.microsoft.com");
    let output = harness
        .mcm(&["token", &id, "--resource", "graph"])
        .failed(3);
    let advice = format!("mcm token {id} --resource https://graph.microsoft.com --interactive");
    assert!(
        output.contains(&advice) && !output.contains("mcm login"),
        "{output}"
    );
    assert_eq!(
        harness.mcm(&["accounts", "--json"]).json()["accounts"][0]["status"],
        "connected"
    );
    assert!(!harness.has_opened_a_page());
}

/// As a resource asks for a token that was issued later than a moment, and as a policy asks for a second factor.
const LATER: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
const SECOND_FACTOR: &str = r#"{"access_token":{"capolids":{"essential":true,"values":["x"]}}}"#;

#[test]
fn a_claims_challenge_is_met_by_a_new_token_which_takes_the_place_of_the_old_one() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let warm = harness.mcm(&["token", &id]).done();
    let base64 =
        "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTYwNDEwNjY1MSJ9fX0=";
    let mut printed = vec![warm];
    for claims in [LATER, base64] {
        printed.push(harness.mcm(&["token", &id, "--claims", claims]).done());
        assert_ne!(printed[printed.len() - 1], printed[printed.len() - 2]);
        assert_eq!(
            harness.mcm(&["token", &id]).done(),
            printed[printed.len() - 1]
        );
    }
    let sent: Vec<String> = harness
        .sandbox
        .requests()
        .into_iter()
        .filter_map(|request| request.claims)
        .collect();
    let wanted = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"},"xms_cc":{"values":["cp1"]}}}"#;
    assert_eq!(sent, [wanted, wanted]);
}

#[test]
fn a_claims_challenge_that_needs_the_user_says_so_and_leaves_the_account_as_it_is() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let warm = harness.mcm(&["token", &id]).done();
    let asked = ["token", &id, "--claims", SECOND_FACTOR];
    let output = harness.mcm(&asked).failed(3);
    assert!(output.contains("--interactive"), "{output}");
    assert!(!harness.has_opened_a_page());
    assert_eq!(harness.mcm(&["token", &id]).done(), warm, "it still serves");
    let listed = harness.mcm(&["accounts", "--json"]).json();
    assert_eq!(listed["accounts"][0]["status"], "connected");

    let begun = harness.begin(&[&asked[..], &["--interactive"]].concat());
    let page = harness.next_page();
    assert!(page.contains("capolids"), "{page}");
    harness.browse(&Browser::new().as_user(ADA), &page);
    let proven = begun.ended().done();
    assert_ne!(proven, warm);
    assert!(harness.sandbox.azure_audience(proven.trim()).is_some());
    harness.mcm(&asked).done();
}

#[test]
fn a_claims_challenge_that_meets_a_busy_server_waits_as_long_as_any_renewal() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let busy = Fault::retry_after(503, "120");
    harness.sandbox.faults().next(Endpoint::AzureToken, busy);
    for _ in 0..2 {
        harness.mcm(&["token", &id, "--claims", LATER]).failed(1);
    }
    assert_eq!(harness.renewals(), 1);
}

#[test]
fn a_claims_challenge_for_another_cloud_is_refused_before_anything_is_asked() {
    let harness = Harness::start();
    harness.login(ADA, &["gcp"]).done();
    let id = harness.account_of("gcp");
    harness.sandbox.forget_requests();
    harness.mcm(&["token", &id, "--claims", LATER]).failed(1);
    assert_eq!(harness.sandbox.requests(), []);
}

#[test]
fn what_is_no_claims_challenge_is_refused_before_anything_is_asked() {
    let harness = Harness::start();
    let id = harness.connected(false);
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(8 * 1024));
    for claims in ["", "{}", "nonsense", &long] {
        let output = harness.mcm(&["token", &id, "--claims", claims]).failed(2);
        assert!(output.contains("claims challenge"), "{output}");
    }
    assert_eq!(harness.sandbox.requests(), []);
}
