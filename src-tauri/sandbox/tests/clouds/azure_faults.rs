//! Azure: what the switches do to token answers and connections.

use std::time::Duration;

use sandbox_clouds::azure::{CLIENT_ID, Rotation};
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Endpoint, Fault, OAuthError, Rule, Sandbox};
use serde_json::Value;

use crate::app::{
    ADA, ARM_SCOPE, Authorize, CUSTOM_SCHEME, NONCE, claims, json, parameter, refresh, sandbox,
    sign_in, text, token_request,
};

async fn signed_in() -> (Sandbox, String) {
    let clouds = sandbox().await;
    let answer = sign_in(&clouds, "organizations", &Browser::new().as_user(ADA)).await;
    let token = text(&answer, "refresh_token").to_owned();
    (clouds, token)
}

/// The answer to a sign-in that a fault spoils.
async fn spoiled(fault: Fault) -> Value {
    let clouds = sandbox().await;
    clouds.faults().next(Endpoint::AzureToken, fault);
    sign_in(&clouds, "organizations", &Browser::new().as_user(ADA)).await
}

async fn raw_refresh(clouds: &Sandbox, token: &str) -> reqwest::Result<reqwest::Response> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT_ID),
        ("refresh_token", token),
        ("scope", ARM_SCOPE),
    ];
    token_request(clouds, "organizations", &fields).await
}

#[tokio::test]
async fn statuses_come_with_retry_after_and_only_as_often_as_asked() {
    let (clouds, token) = signed_in().await;
    clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::retry_after(503, "5"));
    let busy = refresh(&clouds, "organizations", &token).await;
    assert_eq!(
        (
            busy.status().as_u16(),
            busy.headers()["retry-after"].to_str().ok()
        ),
        (503, Some("5"))
    );
    assert_eq!(
        refresh(&clouds, "organizations", &token).await.status(),
        200
    );
}

#[tokio::test]
async fn a_fault_can_be_meant_for_one_tenant() {
    let (clouds, token) = signed_in().await;
    clouds
        .faults()
        .add(Rule::new(Endpoint::AzureToken, Fault::status(500)).tenant("northwind.example"));
    assert_eq!(
        refresh(&clouds, "northwind.example", &token).await.status(),
        500
    );
    assert_eq!(
        refresh(&clouds, "organizations", &token).await.status(),
        200
    );
}

#[tokio::test]
async fn a_dropped_connection_leaves_no_answer_and_may_leave_its_effect() {
    let (clouds, token) = signed_in().await;
    clouds.set_azure_rotation(Rotation::Strict);
    clouds.faults().next(Endpoint::AzureToken, Fault::Drop);
    raw_refresh(&clouds, &token).await.expect_err("no answer");
    clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::DropAfterEffect);
    raw_refresh(&clouds, &token).await.expect_err("no answer");
    // The second one spent the token.
    assert_eq!(
        refresh(&clouds, "organizations", &token).await.status(),
        400
    );
}

#[tokio::test]
async fn a_hanging_request_never_ends_by_itself_and_does_not_hold_up_others() {
    let (clouds, token) = signed_in().await;
    clouds.faults().next(Endpoint::AzureToken, Fault::Hang);
    let before = clouds.requests().len();
    let hanging = raw_refresh(&clouds, &token);
    tokio::pin!(hanging);
    tokio::select! {
        biased;
        _ = &mut hanging => panic!("the request was answered"),
        // A request is in the journal once it has met its faults.
        () = clouds.until_requests(|requests| requests.len() > before) => {}
    }
    assert_eq!(
        refresh(&clouds, "organizations", &token).await.status(),
        200
    );
}

#[tokio::test]
async fn latency_only_delays() {
    let (clouds, token) = signed_in().await;
    clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::Latency(30));
    let start = tokio::time::Instant::now();
    assert_eq!(
        refresh(&clouds, "organizations", &token).await.status(),
        200
    );
    assert!(start.elapsed() >= Duration::from_millis(30));
}

#[tokio::test]
async fn oauth_errors_take_the_form_of_entra() {
    let (clouds, token) = signed_in().await;
    let error = OAuthError {
        error: "interaction_required".to_owned(),
        suberror: Some("message_only".to_owned()),
        description: "Blocked by a policy.".to_owned(),
        claims: Some("{}".to_owned()),
    };
    clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::OAuthError(error));
    let body = json(refresh(&clouds, "organizations", &token).await).await;
    assert_eq!(body["error"], "interaction_required");
    assert_eq!(body["suberror"], "message_only");
    assert_eq!(body["claims"], "{}");

    clouds.faults().next(
        Endpoint::AzureAuthorize,
        Fault::oauth_error("temporarily_unavailable"),
    );
    let url = Authorize::at(&clouds, "organizations", CUSTOM_SCHEME)
        .answer(&Browser::new())
        .await;
    assert_eq!(
        parameter(&url, "error").as_deref(),
        Some("temporarily_unavailable")
    );
}

#[tokio::test]
async fn id_tokens_can_be_wrong_in_one_claim_at_a_time() {
    let good = spoiled(Fault::Latency(0)).await;
    let good = claims(text(&good, "id_token"));
    for (fault, claim) in [
        (Fault::WrongNonce, "nonce"),
        (Fault::WrongIssuer, "iss"),
        (Fault::WrongAudience, "aud"),
        (Fault::WrongTenant, "tid"),
    ] {
        let bad = spoiled(fault).await;
        assert_ne!(
            claims(text(&bad, "id_token"))[claim],
            good[claim],
            "{claim}"
        );
    }
    assert_eq!(good["nonce"], NONCE);
    let expired = spoiled(Fault::ExpiredIdToken).await;
    let expired = claims(text(&expired, "id_token"));
    assert!(expired["exp"].as_i64().expect("seconds") < good["iat"].as_i64().expect("seconds"));
}

#[tokio::test]
async fn token_answers_can_be_odd() {
    assert_eq!(
        spoiled(Fault::MissingRefreshToken)
            .await
            .get("refresh_token"),
        None
    );
    assert_eq!(spoiled(Fault::StringExpiresIn).await["expires_in"], "3600");
    assert_eq!(
        spoiled(Fault::TokenType("mac".to_owned())).await["token_type"],
        "mac"
    );
}

#[tokio::test]
async fn answers_can_be_something_else_altogether() {
    let (clouds, token) = signed_in().await;
    let body = async |fault| {
        clouds.faults().next(Endpoint::AzureToken, fault);
        let response = refresh(&clouds, "organizations", &token).await;
        assert_eq!(response.status(), 200);
        response.bytes().await.expect("a body")
    };
    assert!(body(Fault::OversizedAnswer).await.len() > 10 << 20);
    assert!(body(Fault::NotJson).await.starts_with(b"<!doctype html>"));
    serde_json::from_slice::<Value>(&body(Fault::MalformedJson).await)
        .expect_err("JSON that breaks off");
}
