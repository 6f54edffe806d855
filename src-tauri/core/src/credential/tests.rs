//! Secrets as they go into the keychain and come back, and what their debug output shows.

use secrecy::ExposeSecret;

use super::*;

#[test]
fn a_grant_and_a_session_survive_the_keychain_and_their_debug_shows_nothing() {
    let grant = Grant::RefreshToken(RefreshGrant {
        refresh_token: "CANARY-rt".into(),
        client_id: "c".into(),
        client_secret: Some("CANARY-cs".into()),
        authority: Url::parse("https://login.example/").expect("a URL"),
        token_endpoint: "https://login.example/{tenant}/token".into(),
        issuer: Some("https://login.example/{tenantid}/v2.0".into()),
        issued_at: Timestamp::UNIX_EPOCH,
    });
    let back = Grant::from_bytes(&grant.to_bytes()).expect("what was written");
    assert!(!format!("{back:?}").contains("CANARY"));
    let back = back.refresh_token().expect("a refresh token");
    assert_eq!(back.refresh_token.expose_secret(), "CANARY-rt");
    assert_eq!(
        back.client_secret.as_ref().map(ExposeSecret::expose_secret),
        Some("CANARY-cs")
    );

    let times = SessionTimes {
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
    };
    let credential = Credential::Bearer("CANARY-at".into());
    let session = Session {
        credential,
        times,
        generation: 3,
    };
    let back = Session::from_bytes(&session.to_bytes()).expect("what was written");
    assert_eq!(
        (
            back.bearer().expect("a token").expose_secret(),
            back.generation
        ),
        ("CANARY-at", 3)
    );
    assert!(!format!("{back:?}").contains("CANARY"));
}

#[test]
fn a_grant_from_before_client_secrets_is_read() {
    let json = r#"{"refresh_token":"r","client_id":"c","authority":"https://login.example/",
        "token_endpoint":"https://login.example/token","issued_at":"2026-11-24T10:00:00Z"}"#;
    let grant = Grant::from_bytes(&json.as_bytes().to_vec().into()).expect("an older entry");
    assert!(
        grant
            .refresh_token()
            .expect("a refresh token")
            .client_secret
            .is_none()
    );
}

#[test]
fn a_session_from_before_access_keys_is_read() {
    let json = r#"{"access_token":"CANARY-at","times":{"issuedAt":"2026-11-24T10:00:00Z",
        "expiresAt":"2026-11-24T11:00:00Z"},"generation":3}"#;
    let session = Session::from_bytes(&json.as_bytes().to_vec().into()).expect("an older entry");
    assert_eq!(
        session.bearer().expect("a token").expose_secret(),
        "CANARY-at"
    );
}

#[test]
fn a_role_and_its_session_survive_the_keychain_and_typed_keys_are_not_stored_with_the_role() {
    let keys = || AccessKeys {
        mfa_device: None,
        access_key_id: "ASIAEXAMPLE".into(),
        secret_access_key: "CANARY-secret".into(),
        session_token: Some("CANARY-token".into()),
    };
    let grant = Grant::Role(RoleGrant {
        mfa: None,
        role_arn: "arn:aws:iam::444455556666:role/Reader".into(),
        external_id: "mcm-0".into(),
        source: Source::Keychain("ASIAIOSFODNN7EXAMPLE".into()),
        keys: Some(keys()),
    });
    assert!(!format!("{grant:?}").contains("CANARY"));
    let bytes = grant.to_bytes();
    assert!(!String::from_utf8_lossy(bytes.expose_secret()).contains("CANARY"));
    let back = Grant::from_bytes(&bytes).expect("what was written");
    assert_eq!(back.role().expect("a role").external_id, "mcm-0");
    assert!(back.refresh_token().is_err());

    let times = SessionTimes {
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
    };
    let session = Session {
        credential: Credential::AccessKeys(keys()),
        times,
        generation: 3,
    };
    let back = Session::from_bytes(&session.to_bytes()).expect("what was written");
    let read = back.access_keys().expect("access keys");
    assert_eq!(read.secret_access_key.expose_secret(), "CANARY-secret");
    assert_eq!(
        read.session_token.as_ref().map(ExposeSecret::expose_secret),
        Some("CANARY-token")
    );
    assert!(!format!("{back:?} {read:?}").contains("CANARY"));
    assert!(back.bearer().is_err());
}

#[test]
fn an_entry_that_is_not_ours_is_an_error_that_does_not_quote_it() {
    let error = Grant::from_bytes(&b"CANARY".to_vec().into()).expect_err("not ours");
    assert!(!format!("{error:?}").contains("CANARY"));
}
