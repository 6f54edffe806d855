//! Azure: from the authorise request through the pages to the app.

use reqwest::Method;
use sandbox_clouds::azure::CLIENT_ID;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::guid;
use serde_json::json;

use crate::app::{
    ADA, Authorize, CUSTOM_SCHEME, GRACE, LINUS, NONCE, STATE, VERIFIER, claims, client, json,
    parameter, redeem, sandbox, sign_in, text,
};
use crate::receiver::Receiver;

fn ada() -> Browser {
    Browser::new().as_user(ADA)
}

async fn error_page(request: Authorize) -> String {
    match request.browse(&ada()).await {
        Landing::ErrorPage(text) => text,
        other => panic!("not an error page: {other:?}"),
    }
}

#[tokio::test]
async fn a_sign_in_over_the_custom_scheme_ends_in_tokens_for_the_user() {
    let clouds = sandbox().await;
    let url = Authorize::at(&clouds, "organizations", CUSTOM_SCHEME)
        .answer(&ada())
        .await;
    assert!(
        url.as_str()
            .starts_with("io.github.multicloudmanager://auth/azure?")
    );
    assert_eq!(parameter(&url, "state").as_deref(), Some(STATE));
    let code = parameter(&url, "code").expect("a code");

    let answer = json(redeem(&clouds, "organizations", &code, CUSTOM_SCHEME, VERIFIER).await).await;
    assert_eq!(answer["token_type"], "Bearer");
    assert_eq!(answer["expires_in"], 3600);
    assert!(text(&answer, "access_token").starts_with("sandbox-at-"));
    assert!(text(&answer, "refresh_token").starts_with("sandbox-rt-"));

    let contoso = guid("contoso.example");
    let claims = claims(text(&answer, "id_token"));
    assert_eq!(claims["aud"], CLIENT_ID);
    assert_eq!(
        claims["iss"],
        format!("{}{contoso}/v2.0", clouds.azure_authority())
    );
    assert_eq!(claims["tid"], contoso.as_str());
    assert_eq!(claims["nonce"], NONCE);
    assert_eq!(claims["preferred_username"], ADA);
    assert_eq!(claims["ver"], "2.0");

    let secrets = clouds.secrets();
    for secret in [
        &code,
        text(&answer, "access_token"),
        text(&answer, "refresh_token"),
        text(&answer, "id_token"),
    ] {
        assert!(secrets.iter().any(|known| known == secret));
    }
}

#[tokio::test]
async fn form_post_reaches_the_loopback_receiver_with_the_origin_of_the_authority() {
    let clouds = sandbox().await;
    let receiver = Receiver::start().await;
    let redirect_uri = format!("http://localhost:{}", receiver.port);
    let request =
        Authorize::at(&clouds, "organizations", &redirect_uri).with("response_mode", "form_post");
    let landing = request.browse(&ada()).await;
    assert_eq!(
        landing,
        Landing::Page {
            status: 200,
            text: "You can close this window.".to_owned()
        }
    );

    let arrived = receiver.arrived();
    assert_eq!(arrived.method, Method::POST);
    assert_eq!(
        arrived.origin,
        Some(clouds.azure_authority().origin().ascii_serialization())
    );
    assert_eq!(arrived.parameter("state"), Some(STATE));
    let code = arrived.parameter("code").expect("a code");
    assert_eq!(
        redeem(&clouds, "organizations", code, &redirect_uri, VERIFIER)
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn a_query_answer_reaches_the_loopback_receiver_by_get() {
    let clouds = sandbox().await;
    let receiver = Receiver::start().await;
    let redirect_uri = format!("http://localhost:{}", receiver.port);
    Authorize::at(&clouds, "organizations", &redirect_uri)
        .browse(&ada())
        .await;

    let arrived = receiver.arrived();
    assert_eq!(
        (arrived.method.clone(), arrived.origin.as_deref()),
        (Method::GET, None)
    );
    assert!(arrived.parameter("code").is_some());
}

#[tokio::test]
async fn a_hidden_origin_arrives_as_null() {
    let clouds = sandbox().await;
    let receiver = Receiver::start().await;
    let redirect_uri = format!("http://localhost:{}", receiver.port);
    let request =
        Authorize::at(&clouds, "organizations", &redirect_uri).with("response_mode", "form_post");
    request.browse(&ada().hide_origin()).await;
    assert_eq!(receiver.arrived().origin.as_deref(), Some("null"));
}

#[tokio::test]
async fn the_id_token_verifies_against_the_published_key() {
    let clouds = sandbox().await;
    let answer = sign_in(&clouds, "organizations", &ada()).await;
    let url = clouds
        .azure_authority()
        .join("organizations/discovery/v2.0/keys")
        .expect("a path");
    let keys: jsonwebtoken::jwk::JwkSet = client()
        .get(url)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("a key set");

    let token = text(&answer, "id_token");
    let header = jsonwebtoken::decode_header(token).expect("a JWT");
    let jwk = keys
        .find(&header.kid.expect("the header names the key"))
        .expect("the key is published");
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).expect("an RSA key");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    validation.set_audience(&[CLIENT_ID]);
    jsonwebtoken::decode::<serde_json::Value>(token, &key, &validation).expect("a valid signature");
}

#[tokio::test]
async fn metadata_is_templated_for_organizations_and_exact_for_a_tenant() {
    let clouds = sandbox().await;
    let read = async |tenant: &str| {
        let path = format!("{tenant}/v2.0/.well-known/openid-configuration");
        let url = clouds.azure_authority().join(&path).expect("a path");
        client().get(url).send().await.expect("an answer")
    };
    let contoso = guid("contoso.example");
    let authority = clouds.azure_authority();

    let organizations = json(read("organizations").await).await;
    assert_eq!(
        organizations["issuer"],
        format!("{authority}{{tenantid}}/v2.0")
    );
    assert_eq!(
        organizations["token_endpoint"],
        format!("{authority}organizations/oauth2/v2.0/token")
    );
    let by_domain = json(read("contoso.example").await).await;
    assert_eq!(by_domain["issuer"], format!("{authority}{contoso}/v2.0"));
    assert_eq!(
        by_domain["code_challenge_methods_supported"],
        json!(["plain", "S256"])
    );
    let unknown = read("nobody.example").await;
    assert_eq!(unknown.status(), 400);
    assert_eq!(json(unknown).await["error_codes"], json!([90002]));
}

#[tokio::test]
async fn pressing_cancel_or_refusing_consent_comes_back_as_access_denied() {
    for browser in [ada().cancel(), ada().refuse_consent()] {
        let clouds = sandbox().await;
        let url = Authorize::at(&clouds, "organizations", CUSTOM_SCHEME)
            .answer(&browser)
            .await;
        assert_eq!(parameter(&url, "error").as_deref(), Some("access_denied"));
        assert_eq!(parameter(&url, "state").as_deref(), Some(STATE));
        assert_eq!(parameter(&url, "code"), None);
    }
}

#[tokio::test]
async fn a_user_who_closes_the_window_sends_nothing() {
    let clouds = sandbox().await;
    let request = Authorize::at(&clouds, "organizations", CUSTOM_SCHEME);
    assert_eq!(
        request.browse(&ada().give_up_after(1)).await,
        Landing::GaveUp
    );
    assert!(
        !clouds
            .secrets()
            .iter()
            .any(|secret| secret.starts_with("sandbox-code"))
    );
}

#[tokio::test]
async fn consent_is_asked_for_once_per_user_and_tenant() {
    let clouds = sandbox().await;
    sign_in(&clouds, "organizations", &ada()).await;
    // A user who refuses consent gets through, because no page asks again.
    let request = Authorize::at(&clouds, "organizations", CUSTOM_SCHEME);
    let again = request.answer(&ada().refuse_consent()).await;
    assert!(parameter(&again, "code").is_some());
    let linus = request
        .answer(&Browser::new().as_user(LINUS).refuse_consent())
        .await;
    assert_eq!(parameter(&linus, "error").as_deref(), Some("access_denied"));

    clouds.forget_consents(ADA);
    let asked_again = request.answer(&ada().refuse_consent()).await;
    assert_eq!(
        parameter(&asked_again, "error").as_deref(),
        Some("access_denied")
    );
}

#[tokio::test]
async fn another_redirect_uri_or_client_is_refused_without_a_redirect() {
    let clouds = sandbox().await;
    for redirect_uri in [
        "io.github.multicloudmanager://auth/gcp",
        "http://localhost:5000/callback",
        "http://[::1]:5000",
        "https://example.org/",
    ] {
        let page = error_page(Authorize::at(&clouds, "organizations", redirect_uri)).await;
        assert!(page.contains("AADSTS50011"), "{redirect_uri}: {page}");
    }
    let request =
        Authorize::at(&clouds, "organizations", CUSTOM_SCHEME).with("client_id", &guid("nobody"));
    assert!(error_page(request).await.contains("AADSTS700016"));

    clouds.unregister_azure_redirect(CUSTOM_SCHEME);
    assert!(
        error_page(Authorize::at(&clouds, "organizations", CUSTOM_SCHEME))
            .await
            .contains("AADSTS50011")
    );
}

#[tokio::test]
async fn a_request_without_s256_is_refused_at_the_redirect_uri() {
    let clouds = sandbox().await;
    let request = || Authorize::at(&clouds, "organizations", CUSTOM_SCHEME);
    for request in [
        request().without("code_challenge"),
        request().without("code_challenge_method"),
        request().with("code_challenge_method", "plain"),
    ] {
        let url = request.answer(&ada()).await;
        assert_eq!(parameter(&url, "error").as_deref(), Some("invalid_request"));
        assert_eq!(parameter(&url, "state").as_deref(), Some(STATE));
    }
}

#[tokio::test]
async fn a_tenant_without_the_user_says_so_on_a_page() {
    let clouds = sandbox().await;
    let request = Authorize::at(&clouds, "northwind.example", CUSTOM_SCHEME);
    let Landing::ErrorPage(page) = request.browse(&Browser::new().as_user(GRACE)).await else {
        panic!("Grace must not enter Northwind");
    };
    assert!(page.contains("AADSTS50020"), "{page}");
}

#[tokio::test]
async fn a_hint_goes_straight_to_the_user_and_still_lets_another_one_in() {
    let clouds = sandbox().await;
    let request = Authorize::at(&clouds, "organizations", CUSTOM_SCHEME)
        .without("prompt")
        .with("login_hint", ADA);
    let answer = async |browser: &Browser| {
        let url = request.answer(browser).await;
        let code = parameter(&url, "code").expect("a code");
        let answer =
            json(redeem(&clouds, "organizations", &code, CUSTOM_SCHEME, VERIFIER).await).await;
        claims(text(&answer, "id_token"))["preferred_username"].clone()
    };
    assert_eq!(answer(&Browser::new()).await, ADA);
    assert_eq!(answer(&Browser::new().as_user(LINUS)).await, LINUS);
}

#[tokio::test]
async fn prompt_none_needs_a_browser_that_is_signed_in() {
    let clouds = sandbox().await;
    let browser = ada();
    let silent = Authorize::at(&clouds, "organizations", CUSTOM_SCHEME).with("prompt", "none");
    let refused = silent.answer(&browser).await;
    assert_eq!(
        parameter(&refused, "error").as_deref(),
        Some("login_required")
    );

    sign_in(&clouds, "organizations", &browser).await;
    let answered = silent.answer(&browser).await;
    assert!(parameter(&answered, "code").is_some());
}
