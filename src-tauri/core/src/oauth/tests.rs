//! The requests that are written and the answers that are read.

use std::collections::HashSet;

use super::*;

fn client() -> OAuthClient {
    OAuthClient {
        client_id: "client".into(),
        client_secret: None,
        authorization_endpoint: Url::parse("https://login.example/authorize?tenant=t")
            .expect("a URL"),
        token_endpoint: Url::parse("https://login.example/token").expect("a URL"),
    }
}

fn answer(json: &str) -> std::result::Result<Tokens, serde_json::Error> {
    serde_json::from_str::<TokenAnswer>(json).map(TokenAnswer::into_tokens)
}

#[test]
fn every_authorize_url_has_an_s256_challenge_and_never_the_verifier() {
    let attempt = Attempt::new();
    let url = client()
        .authorize_url(
            &attempt,
            "app://auth/x",
            "s",
            &["a", "b"],
            &[("prompt", "select_account")],
        )
        .expect("a URL");
    let pairs: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(pairs["code_challenge_method"], "S256");
    assert_eq!(pairs["code_challenge"].len(), 43);
    assert_eq!(
        (pairs["scope"].as_str(), pairs["state"].as_str()),
        ("a b", "s")
    );
    assert_eq!(
        (pairs["redirect_uri"].as_str(), pairs["prompt"].as_str()),
        ("app://auth/x", "select_account")
    );
    assert!(!url.as_str().contains(attempt.verifier.expose_secret()));
}

#[test]
fn verifiers_and_nonces_never_repeat_and_are_unreserved_characters() {
    let mut seen = HashSet::new();
    for _ in 0..10_000 {
        let attempt = Attempt::new();
        let verifier = attempt.verifier.expose_secret().to_owned();
        assert!((43..=128).contains(&verifier.len()));
        assert!(
            verifier
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        );
        assert!(seen.insert(verifier) && seen.insert(attempt.nonce));
    }
}

#[test]
fn expiry_is_read_as_number_or_string_and_limited() {
    for (field, seconds) in [
        (r#","expires_in":3599"#, 3599),
        (r#","expires_in":"3599""#, 3599),
        ("", 600),
        (r#","expires_in":-5"#, 600),
        (r#","expires_in":null"#, 600),
        (r#","expires_in":0"#, 0),
        (r#","expires_in":99999999999"#, 604_800),
    ] {
        let json = format!(r#"{{"access_token":"a","token_type":"bEaReR"{field}}}"#);
        assert_eq!(
            answer(&json).expect(field).expires_in,
            Duration::from_secs(seconds),
            "{field}"
        );
    }
}

#[test]
fn a_token_type_that_is_not_bearer_is_refused() {
    assert!(answer(r#"{"access_token":"a","token_type":"mac"}"#).is_err());
    assert!(answer(r#"{"access_token":"a"}"#).is_err());
}

#[test]
fn debug_of_a_refusal_and_an_answer_shows_no_free_text() {
    let refusal: Refusal = serde_json::from_str(
        r#"{"error":"invalid_grant","error_description":"CANARY","claims":"CANARY"}"#,
    )
    .expect("a refusal");
    let answer: TokenAnswer = serde_json::from_str(
        r#"{"access_token":"CANARY","token_type":"Bearer","id_token":"CANARY"}"#,
    )
    .expect("an answer");
    assert!(!format!("{refusal:?} {refusal} {answer:?}").contains("CANARY"));
    assert!(
        !serde_json::to_string(&answer)
            .expect("JSON")
            .contains("CANARY")
    );
}

#[test]
fn an_optional_field_of_an_odd_type_does_not_lose_the_tokens_beside_it() {
    let odd = r#"{"access_token":"a","token_type":"Bearer","refresh_token":"r","scope":["x"],"client_info":7,
        "expires_in":{},"refresh_token_expires_in":"soon","id_token":{"a":1}}"#;
    let tokens = answer(odd).expect("an answer");
    assert_eq!((tokens.scopes, tokens.client_info), (None, None));
    assert!(tokens.refresh_token.is_some() && tokens.refresh_expires_in.is_none());
    let id_token = tokens
        .id_token
        .expect("there is one, and no check takes it");
    assert!(id_token.expose_secret().is_empty());
}
