//! Signing in on behalf of a device, at Azure and at Google.

use reqwest::Response;
use sandbox_clouds::azure::CLIENT_ID;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::google::{DESKTOP_CLIENT_ID, TV_CLIENT_ID, TV_CLIENT_SECRET};
use sandbox_clouds::{Options, Sandbox};
use serde_json::Value;

use crate::app::{ADA, ARM_SCOPE, claims, client, json, text, token_request};
use crate::clock::sandbox_with_clock;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn azure_start(clouds: &Sandbox) -> Value {
    let url = clouds
        .azure_authority()
        .join("organizations/oauth2/v2.0/devicecode")
        .expect("a path");
    let scope = format!("{ARM_SCOPE} openid offline_access");
    let fields = [("client_id", CLIENT_ID), ("scope", &scope)];
    json(
        client()
            .post(url)
            .form(&fields)
            .send()
            .await
            .expect("an answer"),
    )
    .await
}

async fn azure_poll(clouds: &Sandbox, device: &Value) -> Response {
    let fields = [
        ("grant_type", GRANT_TYPE),
        ("client_id", CLIENT_ID),
        ("device_code", text(device, "device_code")),
    ];
    token_request(clouds, "organizations", &fields)
        .await
        .expect("an answer")
}

async fn error(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    (status, text(&json(response).await, "error").to_owned())
}

fn typing(device: &Value) -> Browser {
    Browser::new()
        .as_user(ADA)
        .with_user_code(text(device, "user_code"))
}

#[tokio::test]
async fn an_azure_device_gets_tokens_once_its_code_was_typed() {
    let (clouds, _) = sandbox_with_clock(Options::default()).await;
    let device = azure_start(&clouds).await;
    assert_eq!(
        (&device["expires_in"], &device["interval"]),
        (&900.into(), &5.into())
    );
    assert_eq!(
        error(azure_poll(&clouds, &device).await).await,
        (400, "authorization_pending".into())
    );

    let landing = typing(&device)
        .browse(text(&device, "verification_uri"))
        .await;
    assert!(
        matches!(&landing, Landing::Page { status: 200, text } if text.contains("signed in")),
        "{landing:?}"
    );
    let answer = json(azure_poll(&clouds, &device).await).await;
    assert_eq!(claims(text(&answer, "id_token"))["preferred_username"], ADA);
    text(&answer, "refresh_token");
    assert_eq!(
        error(azure_poll(&clouds, &device).await).await,
        (400, "bad_verification_code".into())
    );
}

#[tokio::test]
async fn an_azure_device_is_answered_that_the_user_said_no_or_came_too_late() {
    let (clouds, hands) = sandbox_with_clock(Options::default()).await;
    let device = azure_start(&clouds).await;
    typing(&device)
        .cancel()
        .browse(text(&device, "verification_uri"))
        .await;
    assert_eq!(
        error(azure_poll(&clouds, &device).await).await,
        (400, "authorization_declined".into())
    );

    let device = azure_start(&clouds).await;
    hands.move_to(900);
    assert_eq!(
        error(azure_poll(&clouds, &device).await).await,
        (400, "expired_token".into())
    );
}

async fn google_start(clouds: &Sandbox, client_id: &str, scope: &str) -> Response {
    let url = clouds.google_issuer().join("device/code").expect("a path");
    let fields = [("client_id", client_id), ("scope", scope)];
    client()
        .post(url)
        .form(&fields)
        .send()
        .await
        .expect("an answer")
}

async fn google_poll(clouds: &Sandbox, device: &Value) -> Response {
    let fields = [
        ("grant_type", GRANT_TYPE),
        ("client_id", TV_CLIENT_ID),
        ("client_secret", TV_CLIENT_SECRET),
        ("device_code", text(device, "device_code")),
    ];
    let url = clouds.google_issuer().join("token").expect("a path");
    client()
        .post(url)
        .form(&fields)
        .send()
        .await
        .expect("an answer")
}

#[tokio::test]
async fn a_google_device_gets_tokens_and_must_not_ask_too_often() {
    let (clouds, hands) = sandbox_with_clock(Options::default()).await;
    let device = json(google_start(&clouds, TV_CLIENT_ID, "openid email").await).await;
    assert_eq!(
        error(google_poll(&clouds, &device).await).await,
        (428, "authorization_pending".into())
    );
    hands.move_to(4);
    assert_eq!(
        error(google_poll(&clouds, &device).await).await,
        (403, "slow_down".into())
    );

    typing(&device)
        .browse(text(&device, "verification_url"))
        .await;
    hands.move_to(9);
    let answer = json(google_poll(&clouds, &device).await).await;
    assert_eq!(claims(text(&answer, "id_token"))["email"], ADA);
    text(&answer, "refresh_token");
}

#[tokio::test]
async fn a_google_device_may_not_ask_for_the_cloud_nor_pretend_to_be_a_desktop() {
    let (clouds, _) = sandbox_with_clock(Options::default()).await;
    let cloud = "https://www.googleapis.com/auth/cloud-platform";
    let refused = google_start(&clouds, TV_CLIENT_ID, cloud).await;
    assert_eq!(error(refused).await, (400, "invalid_scope".into()));
    let refused = google_start(&clouds, DESKTOP_CLIENT_ID, "openid").await;
    assert_eq!(error(refused).await, (401, "invalid_client".into()));

    let device = json(google_start(&clouds, TV_CLIENT_ID, "openid").await).await;
    typing(&device)
        .refuse_consent()
        .browse(text(&device, "verification_url"))
        .await;
    assert_eq!(
        error(google_poll(&clouds, &device).await).await,
        (403, "access_denied".into())
    );
}

#[tokio::test]
async fn a_wrong_code_is_asked_for_again() {
    let (clouds, _) = sandbox_with_clock(Options::default()).await;
    let page = clouds
        .azure_authority()
        .join("common/oauth2/deviceauth")
        .expect("a path");
    let browser = Browser::new().with_user_code("XXXX-XXXX").give_up_after(3);
    assert_eq!(browser.browse(page.as_str()).await, Landing::GaveUp);
}
