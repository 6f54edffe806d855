//! Azure: what codes and refresh tokens are bound to, and how they are refused.

use sandbox_clouds::azure::{CLIENT_ID, Rotation};
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{AzureDirectory, OAuthError, Options, Revocation, Sandbox, guid};
use serde_json::{Value, json};

use crate::app::{
    ADA, ARM_SCOPE, Authorize, CUSTOM_SCHEME, GRACE, VERIFIER, claims, json, parameter, redeem,
    refresh, sandbox, sign_in, text, token_request,
};
use crate::clock::sandbox_with_clock;

async fn code(clouds: &Sandbox) -> String {
    let url = Authorize::at(clouds, "organizations", CUSTOM_SCHEME)
        .answer(&Browser::new().as_user(ADA))
        .await;
    parameter(&url, "code").expect("a code")
}

async fn refresh_token(clouds: &Sandbox, user: &str) -> String {
    let answer = sign_in(clouds, "organizations", &Browser::new().as_user(user)).await;
    text(&answer, "refresh_token").to_owned()
}

/// The error, the suberror and the AADSTS number of a refusal.
async fn refusal(response: reqwest::Response) -> (String, Option<String>, u64) {
    assert!(matches!(response.status().as_u16(), 400 | 401));
    let body = json(response).await;
    let code = body["error_codes"][0].as_u64().expect("a number");
    assert!(text(&body, "error_description").starts_with(&format!("AADSTS{code}: ")));
    for name in ["timestamp", "trace_id", "correlation_id", "error_uri"] {
        text(&body, name);
    }
    (
        text(&body, "error").to_owned(),
        body["suberror"].as_str().map(str::to_owned),
        code,
    )
}

#[tokio::test]
async fn a_code_is_good_once() {
    let clouds = sandbox().await;
    let code = code(&clouds).await;
    assert_eq!(
        redeem(&clouds, "organizations", &code, CUSTOM_SCHEME, VERIFIER)
            .await
            .status(),
        200
    );
    let again = redeem(&clouds, "organizations", &code, CUSTOM_SCHEME, VERIFIER).await;
    assert_eq!(refusal(again).await, ("invalid_grant".into(), None, 54005));
}

#[tokio::test]
async fn a_code_is_bound_to_its_verifier_redirect_and_tenant() {
    let clouds = sandbox().await;
    let code = code(&clouds).await;
    let other = "another-verifier-of-forty-three-characters-or-more";
    let wrong_verifier = redeem(&clouds, "organizations", &code, CUSTOM_SCHEME, other).await;
    assert_eq!(refusal(wrong_verifier).await.2, 501481);
    let wrong_redirect = redeem(
        &clouds,
        "organizations",
        &code,
        "http://localhost",
        VERIFIER,
    )
    .await;
    assert_eq!(refusal(wrong_redirect).await.2, 500112);
    let wrong_tenant = redeem(&clouds, "contoso.example", &code, CUSTOM_SCHEME, VERIFIER).await;
    assert_eq!(refusal(wrong_tenant).await.2, 700005);
    assert_eq!(
        redeem(&clouds, "organizations", &code, CUSTOM_SCHEME, VERIFIER)
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn codes_last_ten_minutes_and_refresh_tokens_ninety_days() {
    let (clouds, hands) = sandbox_with_clock(Options::default()).await;

    let late = code(&clouds).await;
    let in_time = code(&clouds).await;
    hands.move_to(599);
    let answer =
        json(redeem(&clouds, "organizations", &in_time, CUSTOM_SCHEME, VERIFIER).await).await;
    hands.move_to(600);
    let refused = redeem(&clouds, "organizations", &late, CUSTOM_SCHEME, VERIFIER).await;
    assert_eq!(refusal(refused).await.2, 70008);

    hands.move_to(599 + 90 * 24 * 3600);
    let refused = refresh(&clouds, "organizations", text(&answer, "refresh_token")).await;
    assert_eq!(refusal(refused).await.2, 700082);
}

#[tokio::test]
async fn a_refresh_token_opens_every_tenant_that_the_user_may_enter() {
    let clouds = sandbox().await;
    let token = refresh_token(&clouds, ADA).await;
    let answer = json(refresh(&clouds, "northwind.example", &token).await).await;
    assert_eq!(
        claims(text(&answer, "id_token"))["tid"],
        guid("northwind.example").as_str()
    );
    assert_ne!(text(&answer, "refresh_token"), token);

    let grace = Browser::new().as_user(GRACE);
    let answer = sign_in(&clouds, "fabrikam.example", &grace).await;
    let refused = refresh(&clouds, "contoso.example", text(&answer, "refresh_token")).await;
    assert_eq!(
        refusal(refused).await,
        ("invalid_grant".into(), None, 50020)
    );
}

#[tokio::test]
async fn a_user_has_another_object_id_in_each_tenant_and_one_client_info() {
    let clouds = sandbox().await;
    let browser = Browser::new().as_user(ADA);
    let home = sign_in(&clouds, "organizations", &browser).await;
    let guest = sign_in(&clouds, "northwind.example", &browser).await;
    assert_ne!(
        claims(text(&home, "id_token"))["oid"],
        claims(text(&guest, "id_token"))["oid"]
    );
    assert_eq!(home["client_info"], guest["client_info"]);
}

#[tokio::test]
async fn a_strict_tenant_asks_for_a_second_factor_and_is_content_afterwards() {
    let clouds = sandbox().await;
    let browser = Browser::new().as_user(ADA);
    let first = sign_in(&clouds, "organizations", &browser).await;
    let response = refresh(&clouds, "fabrikam.example", text(&first, "refresh_token")).await;
    let body = json(response).await;
    assert_eq!(body["error"], "interaction_required");
    assert_eq!(body["suberror"], "basic_action");
    assert_eq!(body["error_codes"], json!([50076]));
    let challenge: Value = serde_json::from_str(text(&body, "claims")).expect("claims are JSON");
    assert_eq!(challenge["access_token"]["capolids"]["essential"], true);

    let second = sign_in(&clouds, "fabrikam.example", &browser).await;
    let response = refresh(&clouds, "fabrikam.example", text(&second, "refresh_token")).await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn the_claims_parameter_brings_the_second_factor_forward() {
    let clouds = sandbox().await;
    let url = Authorize::at(&clouds, "organizations", CUSTOM_SCHEME)
        .with(
            "claims",
            r#"{"access_token":{"capolids":{"essential":true,"values":["x"]}}}"#,
        )
        .answer(&Browser::new().as_user(ADA))
        .await;
    let code = parameter(&url, "code").expect("a code");
    let answer = json(redeem(&clouds, "organizations", &code, CUSTOM_SCHEME, VERIFIER).await).await;
    // Past the second factor, Fabrikam has one thing left to ask for: no user has consented there yet.
    let refused = refresh(&clouds, "fabrikam.example", text(&answer, "refresh_token")).await;
    assert_eq!(
        refusal(refused).await,
        (
            "invalid_grant".into(),
            Some("consent_required".into()),
            65001
        )
    );
}

#[tokio::test]
async fn lenient_rotation_keeps_the_old_token_good() {
    let clouds = sandbox().await;
    let old = refresh_token(&clouds, ADA).await;
    for _ in 0..2 {
        let answer = json(refresh(&clouds, "organizations", &old).await).await;
        assert_ne!(text(&answer, "refresh_token"), old);
    }
}

#[tokio::test]
async fn strict_rotation_kills_the_family_when_an_old_token_comes_back() {
    let clouds = sandbox().await;
    clouds.set_azure_rotation(Rotation::Strict);
    let old = refresh_token(&clouds, ADA).await;
    let unrelated = refresh_token(&clouds, ADA).await;
    let answer = json(refresh(&clouds, "organizations", &old).await).await;
    let new = text(&answer, "refresh_token");

    assert_eq!(
        refusal(refresh(&clouds, "organizations", &old).await)
            .await
            .0,
        "invalid_grant"
    );
    assert_eq!(
        refusal(refresh(&clouds, "organizations", new).await)
            .await
            .0,
        "invalid_grant"
    );
    assert_eq!(
        refresh(&clouds, "organizations", &unrelated).await.status(),
        200
    );
}

#[tokio::test]
async fn a_revoked_user_has_to_sign_in_again() {
    let clouds = sandbox().await;
    let custom = Revocation::Refused(OAuthError {
        error: "invalid_grant".to_owned(),
        suberror: Some("protection_policy_required".to_owned()),
        ..OAuthError::default()
    });
    for (revocation, code) in [
        (Revocation::Revoked, 50173),
        (Revocation::PasswordChanged, 50133),
        (Revocation::Expired, 70043),
        (custom, 90000),
    ] {
        let token = refresh_token(&clouds, ADA).await;
        clouds.revoke(ADA, &revocation);
        let (error, _, number) = refusal(refresh(&clouds, "organizations", &token).await).await;
        assert_eq!((error.as_str(), number), ("invalid_grant", code));
    }
    let token = refresh_token(&clouds, ADA).await;
    assert_eq!(
        refresh(&clouds, "organizations", &token).await.status(),
        200
    );
}

#[tokio::test]
async fn what_a_public_client_must_not_send_is_refused() {
    let clouds = sandbox().await;
    let token = refresh_token(&clouds, ADA).await;
    let ask = async |changes: &[(&str, &str)]| {
        let mut fields = vec![
            ("grant_type", "refresh_token"),
            ("client_id", CLIENT_ID),
            ("refresh_token", token.as_str()),
            ("scope", ARM_SCOPE),
        ];
        fields.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
        fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        refusal(
            token_request(&clouds, "organizations", &fields)
                .await
                .expect("an answer"),
        )
        .await
    };
    let nobody = guid("nobody");
    assert_eq!(
        ask(&[("client_secret", "s")]).await,
        ("invalid_client".into(), None, 700025)
    );
    assert_eq!(
        ask(&[("client_id", &nobody)]).await,
        ("unauthorized_client".into(), None, 700016)
    );
    assert_eq!(
        ask(&[("grant_type", "password")]).await.0,
        "unsupported_grant_type"
    );
    assert_eq!(ask(&[("grant_type", "")]).await.0, "invalid_request");
    assert_eq!(
        ask(&[("refresh_token", "made-up")]).await.0,
        "invalid_grant"
    );
    let two = format!("{ARM_SCOPE} https://vault.azure.net/.default");
    assert_eq!(ask(&[("scope", &two)]).await.0, "invalid_scope");
}

#[tokio::test]
async fn a_directory_of_any_size_can_be_asked_for() {
    let azure = AzureDirectory::of_size(50, 3);
    let clouds = Sandbox::start(Options {
        azure,
        ..Options::default()
    })
    .await
    .expect("free ports");
    let token = refresh_token(&clouds, "ada@tenant-1.example").await;
    assert_eq!(
        refresh(&clouds, "tenant-50.example", &token).await.status(),
        200
    );
}

#[tokio::test]
async fn a_refresh_token_opens_other_resources_and_one_that_stands_apart_after_a_consent_of_its_own()
 {
    let clouds = sandbox().await;
    let token = refresh_token(&clouds, ADA).await;
    let ask = async |resource: &str| {
        let scope = format!("{resource}/.default openid offline_access");
        let fields = [
            ("client_id", CLIENT_ID),
            ("grant_type", "refresh_token"),
            ("refresh_token", &token),
            ("scope", &scope),
        ];
        token_request(&clouds, "contoso.example", &fields)
            .await
            .expect("an answer")
    };
    let answer = json(ask("https://vault.azure.net").await).await;
    let audience = clouds.azure_audience(text(&answer, "access_token"));
    assert_eq!(audience.as_deref(), Some("https://vault.azure.net"));

    clouds.ask_azure_consent_for("https://graph.microsoft.com");
    let refused = refusal(ask("https://graph.microsoft.com").await).await;
    assert_eq!(
        refused,
        (
            "invalid_grant".into(),
            Some("consent_required".into()),
            65001
        )
    );
    assert_eq!(ask("https://vault.azure.net").await.status(), 200);
    assert_eq!(refusal(ask("https://nobody.example").await).await.2, 500011);
}
