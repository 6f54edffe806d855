//! Scopes, console addresses and the end of a sign-in of Google Cloud.

use super::*;

const READ_ONLY: &str = "https://www.googleapis.com/auth/cloud-platform.read-only";
const FULL: &str = "https://www.googleapis.com/auth/cloud-platform";

fn missing_of(access: GcpAccess, granted: &str) -> Vec<String> {
    let granted: Vec<String> = granted
        .split_ascii_whitespace()
        .map(str::to_owned)
        .collect();
    missing_scopes(access, Some(&granted))
}

#[test]
fn granted_scopes_are_compared_as_sets_in_either_spelling() {
    let long = "https://www.googleapis.com/auth/userinfo.profile https://www.googleapis.com/auth/userinfo.email openid";
    assert!(missing_of(GcpAccess::Full, &format!("{FULL} {long}")).is_empty());
    assert!(missing_of(GcpAccess::Full, &format!("openid profile email {FULL}")).is_empty());
    assert_eq!(missing_of(GcpAccess::Full, long), [FULL]);
    assert_eq!(
        missing_of(GcpAccess::Full, &format!("{READ_ONLY} {long}")),
        [FULL]
    );
    assert!(missing_of(GcpAccess::ReadOnly, &format!("{FULL} {long}")).is_empty());
    assert!(missing_scopes(GcpAccess::Full, None).is_empty());
}

#[test]
fn the_console_opens_as_the_user_at_the_project() {
    let page = console(Some("ada+x@contoso.example"), Some("p-1")).expect("a page");
    assert_eq!(
        page.as_str(),
        "https://console.cloud.google.com/?authuser=ada%2Bx%40contoso.example&project=p-1"
    );
    assert_eq!(console(None, None).expect("a page").as_str(), CONSOLE);
}

#[test]
fn a_sign_in_end_beyond_all_time_is_no_end() {
    let tokens = |seconds| Tokens {
        access_token: "a".into(),
        refresh_token: None,
        id_token: None,
        expires_in: Duration::from_secs(1),
        refresh_expires_in: Some(Duration::from_secs(seconds)),
        scopes: None,
        client_info: None,
    };
    assert!(sign_in_end(&tokens(u64::MAX), Timestamp::UNIX_EPOCH).is_none());
    assert!(sign_in_end(&tokens(0), Timestamp::UNIX_EPOCH).is_none());
    assert!(sign_in_end(&tokens(604_799), Timestamp::UNIX_EPOCH).is_some());
}
