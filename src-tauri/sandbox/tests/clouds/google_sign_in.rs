//! Google: from the authorise request through the pages to tokens.

use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::google::{DESKTOP_CLIENT_ID, IOS_CLIENT_ID, ProjectPolicy};
use sandbox_clouds::{Endpoint, Fault, Sandbox};
use serde_json::{Value, json};

use crate::app::{ADA, NONCE, STATE, claims, client, json, parameter, sandbox, text};
use crate::google_app::{Authorize, CLOUD_SCOPE, FREELANCER, redeem};

const IOS_REDIRECT: &str = "com.googleusercontent.apps.202611240001-ios:/auth/gcp";

fn ada() -> Browser {
    Browser::new().as_user(ADA)
}

fn issuer(clouds: &Sandbox) -> String {
    clouds
        .google_issuer()
        .as_str()
        .trim_end_matches('/')
        .to_owned()
}

fn scopes(answer: &Value) -> Vec<&str> {
    text(answer, "scope").split(' ').collect()
}

async fn keys(clouds: &Sandbox) -> jsonwebtoken::jwk::JwkSet {
    let url = clouds
        .google_issuer()
        .join("oauth2/v3/certs")
        .expect("a path");
    client()
        .get(url)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("a key set")
}

fn verify(token: &str, keys: &jsonwebtoken::jwk::JwkSet) -> bool {
    let header = jsonwebtoken::decode_header(token).expect("a JWT");
    let Some(jwk) = keys.find(&header.kid.expect("the header names the key")) else {
        return false;
    };
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).expect("an RSA key");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[DESKTOP_CLIENT_ID]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).is_ok()
}

#[tokio::test]
async fn a_sign_in_over_loopback_ends_in_tokens_for_the_user() {
    let clouds = sandbox().await;
    let (arrived, redirect_uri) = Authorize::at(&clouds).arrive(&ada()).await;
    assert_eq!(arrived.parameter("state"), Some(STATE));
    assert_eq!(arrived.parameter("iss"), Some(issuer(&clouds).as_str()));
    assert_eq!(arrived.parameter("hd"), Some("contoso.example"));

    let code = arrived.parameter("code").expect("a code");
    let answer = json(redeem(&clouds, code, &redirect_uri, &[]).await).await;
    assert!(scopes(&answer).contains(&CLOUD_SCOPE));
    assert!(scopes(&answer).contains(&"https://www.googleapis.com/auth/userinfo.email"));
    text(&answer, "refresh_token");
    assert_eq!(answer.get("refresh_token_expires_in"), None);
    let claims = claims(text(&answer, "id_token"));
    assert_eq!(claims["iss"], issuer(&clouds));
    assert_eq!(claims["aud"], DESKTOP_CLIENT_ID);
    assert_eq!(claims["nonce"], NONCE);
    assert_eq!(
        (&claims["email"], &claims["email_verified"]),
        (&json!(ADA), &json!(true))
    );
    assert_eq!(claims["hd"], "contoso.example");
    assert_eq!(claims["sub"].as_str().map(str::len), Some(21));
}

#[tokio::test]
async fn discovery_names_every_endpoint_and_announces_the_issuer_in_callbacks() {
    let clouds = sandbox().await;
    let url = clouds
        .google_issuer()
        .join(".well-known/openid-configuration")
        .expect("a path");
    let document = json(client().get(url).send().await.expect("an answer")).await;
    assert_eq!(document["issuer"], issuer(&clouds));
    assert_eq!(
        document["authorization_response_iss_parameter_supported"],
        true
    );
    for name in [
        "authorization_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
        "revocation_endpoint",
        "jwks_uri",
    ] {
        assert!(
            text(&document, name).starts_with(&issuer(&clouds)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_personal_account_has_no_hosted_domain() {
    let clouds = sandbox().await;
    let answer = Authorize::at(&clouds)
        .sign_in(&clouds, &Browser::new().as_user(FREELANCER))
        .await;
    assert_eq!(claims(text(&answer, "id_token")).get("hd"), None);
}

#[tokio::test]
async fn an_ios_client_answers_on_its_reversed_id_without_a_secret() {
    let clouds = sandbox().await;
    let request = Authorize::at(&clouds).with("client_id", IOS_CLIENT_ID);
    let landing = request
        .clone()
        .with("redirect_uri", IOS_REDIRECT)
        .browse(&ada())
        .await;
    let code = parameter(&landing.expect_redirect(), "code").expect("a code");
    let changes = [("client_id", IOS_CLIENT_ID), ("client_secret", "")];
    assert_eq!(
        redeem(&clouds, &code, IOS_REDIRECT, &changes)
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn a_redirect_that_the_client_type_does_not_permit_is_refused_without_a_redirect() {
    let clouds = sandbox().await;
    for (client_id, redirect_uri, reason) in [
        (
            DESKTOP_CLIENT_ID,
            "io.github.multicloudmanager://auth/gcp",
            "Custom URI schemes",
        ),
        (
            DESKTOP_CLIENT_ID,
            "https://example.org/",
            "redirect_uri_mismatch",
        ),
        (
            IOS_CLIENT_ID,
            "http://127.0.0.1:5000",
            "redirect_uri_mismatch",
        ),
        (
            "nobody.apps.googleusercontent.com",
            "http://127.0.0.1:5000",
            "invalid_client",
        ),
    ] {
        let request = Authorize::at(&clouds)
            .with("client_id", client_id)
            .with("redirect_uri", redirect_uri);
        match request.browse(&ada()).await {
            Landing::ErrorPage(text) => assert!(text.contains(reason), "{text}"),
            other => panic!("{redirect_uri} was answered: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_unticked_scope_is_not_granted() {
    let clouds = sandbox().await;
    let browser = ada().untick("cloud-platform.read-only");
    let answer = Authorize::at(&clouds).sign_in(&clouds, &browser).await;
    assert!(!scopes(&answer).contains(&CLOUD_SCOPE));
    assert!(scopes(&answer).contains(&"openid"));
}

#[tokio::test]
async fn cancelling_comes_back_with_state_and_issuer() {
    let clouds = sandbox().await;
    for browser in [ada().cancel(), ada().refuse_consent()] {
        let (arrived, _) = Authorize::at(&clouds).arrive(&browser).await;
        assert_eq!(arrived.parameter("error"), Some("access_denied"));
        assert_eq!(arrived.parameter("state"), Some(STATE));
        assert_eq!(arrived.parameter("iss"), Some(issuer(&clouds).as_str()));
    }
}

#[tokio::test]
async fn a_refresh_token_comes_with_consent_and_offline_access_only() {
    let clouds = sandbox().await;
    let browser = ada();
    let request = Authorize::at(&clouds);
    let has_one = async |request: &Authorize| {
        request
            .sign_in(&clouds, &browser)
            .await
            .get("refresh_token")
            .is_some()
    };
    assert!(!has_one(&request.clone().with("access_type", "online")).await);
    assert!(!has_one(&request).await, "the consent was given before");
    assert!(has_one(&request.clone().with("prompt", "consent")).await);
    assert!(!has_one(&request.with("prompt", "select_account")).await);
}

#[tokio::test]
async fn a_hint_may_be_an_address_or_a_subject_and_prompt_none_shows_no_page() {
    let clouds = sandbox().await;
    let browser = ada();
    let answer = Authorize::at(&clouds).sign_in(&clouds, &browser).await;
    let subject = claims(text(&answer, "id_token"))["sub"]
        .as_str()
        .expect("a subject")
        .to_owned();
    for hint in [ADA, &subject] {
        let silent = Authorize::at(&clouds)
            .with("prompt", "none")
            .with("login_hint", hint);
        let (arrived, _) = silent.arrive(&browser).await;
        assert!(arrived.parameter("code").is_some(), "{arrived:?}");
    }
    let (arrived, _) = Authorize::at(&clouds)
        .with("prompt", "none")
        .arrive(&Browser::new())
        .await;
    assert_eq!(arrived.parameter("error"), Some("login_required"));
}

#[tokio::test]
async fn the_signing_key_can_be_rotated_and_an_unpublished_one_does_not_verify() {
    let clouds = sandbox().await;
    let browser = ada();
    let before = keys(&clouds).await;
    clouds.rotate_google_signing_key();
    let answer = Authorize::at(&clouds).sign_in(&clouds, &browser).await;
    let token = text(&answer, "id_token");
    assert!(!verify(token, &before));
    assert!(verify(token, &keys(&clouds).await));

    clouds
        .faults()
        .next(Endpoint::GoogleToken, Fault::WrongSignature);
    let answer = Authorize::at(&clouds).sign_in(&clouds, &browser).await;
    assert!(!verify(text(&answer, "id_token"), &keys(&clouds).await));
}

#[tokio::test]
async fn the_issuer_has_two_spellings_in_id_tokens_and_one_in_callbacks() {
    let clouds = sandbox().await;
    clouds.set_google_policy(ProjectPolicy {
        has_bare_issuer: true,
        ..ProjectPolicy::default()
    });
    let (arrived, redirect_uri) = Authorize::at(&clouds).arrive(&ada()).await;
    assert_eq!(arrived.parameter("iss"), Some(issuer(&clouds).as_str()));
    let code = arrived.parameter("code").expect("a code");
    let answer = json(redeem(&clouds, code, &redirect_uri, &[]).await).await;
    let bare = issuer(&clouds).replace("http://", "");
    assert_eq!(claims(text(&answer, "id_token"))["iss"], bare);
}

#[tokio::test]
async fn callbacks_can_name_the_wrong_issuer_or_none() {
    let clouds = sandbox().await;
    for (fault, issuer) in [
        (Fault::WrongIssuer, Some("https://issuer.example")),
        (Fault::MissingIssuer, None),
    ] {
        clouds.faults().next(Endpoint::GoogleAuthorize, fault);
        let (arrived, _) = Authorize::at(&clouds).arrive(&ada()).await;
        assert_eq!(arrived.parameter("iss"), issuer);
    }
}
