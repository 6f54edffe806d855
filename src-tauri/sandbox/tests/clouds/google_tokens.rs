//! Google: what codes and refresh tokens are bound to, how they end, and what they open.

use reqwest::Response;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::google::{IOS_CLIENT_ID, ProjectPolicy};
use sandbox_clouds::{Endpoint, Fault, GoogleDirectory, OAuthError, Options, Sandbox};
use serde_json::Value;

use crate::app::{ADA, claims, client, json, sandbox, text};
use crate::clock::sandbox_with_clock;
use crate::google_app::{Authorize, CLOUD_SCOPE, FREELANCER, redeem, refresh, revoke};

fn ada() -> Browser {
    Browser::new().as_user(ADA)
}

async fn signed_in(clouds: &Sandbox) -> Value {
    Authorize::at(clouds)
        .with("prompt", "consent")
        .sign_in(clouds, &ada())
        .await
}

/// The status, the error and its description.
async fn refusal(response: Response) -> (u16, String, String) {
    let status = response.status().as_u16();
    let body = json(response).await;
    (
        status,
        text(&body, "error").to_owned(),
        text(&body, "error_description").to_owned(),
    )
}

async fn projects(clouds: &Sandbox, token: &str, query: &str) -> Response {
    let url = format!(
        "{}v3/projects:search?{query}",
        clouds.google_resource_manager()
    );
    client()
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .expect("the sandbox answers")
}

fn ids(answer: &Value) -> Vec<&str> {
    answer["projects"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| text(row, "projectId"))
        .collect()
}

#[tokio::test]
async fn a_code_is_good_once_and_bound_to_its_verifier_redirect_and_client() {
    let clouds = sandbox().await;
    let (arrived, redirect_uri) = Authorize::at(&clouds).arrive(&ada()).await;
    let code = arrived.parameter("code").expect("a code");
    let error = async |redirect_uri: &str, changes: &[(&str, &str)]| {
        refusal(redeem(&clouds, code, redirect_uri, changes).await)
            .await
            .1
    };
    assert_eq!(
        error(&redirect_uri, &[("code_verifier", "wrong")]).await,
        "invalid_grant"
    );
    assert_eq!(
        error(&redirect_uri, &[("code_verifier", "")]).await,
        "invalid_grant"
    );
    assert_eq!(
        error("http://127.0.0.1:1", &[]).await,
        "redirect_uri_mismatch"
    );
    let ios = [("client_id", IOS_CLIENT_ID), ("client_secret", "")];
    assert_eq!(error(&redirect_uri, &ios).await, "unauthorized_client");
    assert_eq!(
        redeem(&clouds, code, &redirect_uri, &[]).await.status(),
        200
    );
    assert_eq!(error(&redirect_uri, &[]).await, "invalid_grant");
}

#[tokio::test]
async fn the_desktop_secret_is_required_unless_the_policy_says_otherwise() {
    let clouds = sandbox().await;
    let answer = signed_in(&clouds).await;
    let token = text(&answer, "refresh_token");
    let ask = async |secret: &str| refresh(&clouds, token, &[("client_secret", secret)]).await;

    let missing = refusal(ask("").await).await;
    assert_eq!(
        missing,
        (
            400,
            "invalid_request".into(),
            "client_secret is missing.".into()
        )
    );
    assert_eq!(refusal(ask("wrong").await).await.0, 401);
    clouds.set_google_policy(ProjectPolicy {
        requires_secret: false,
        ..ProjectPolicy::default()
    });
    assert_eq!(ask("").await.status(), 200);
}

#[tokio::test]
async fn a_refresh_token_is_not_rotated_and_answers_with_an_id_token() {
    let clouds = sandbox().await;
    let answer = signed_in(&clouds).await;
    for _ in 0..2 {
        let again = json(refresh(&clouds, text(&answer, "refresh_token"), &[]).await).await;
        assert_eq!(again.get("refresh_token"), None);
        assert_ne!(again["access_token"], answer["access_token"]);
        assert_eq!(claims(text(&again, "id_token"))["email"], ADA);
    }
}

#[tokio::test]
async fn a_user_who_revoked_or_must_reauthenticate_is_distinguished() {
    let clouds = sandbox().await;
    let answer = signed_in(&clouds).await;
    clouds.expire(ADA);
    let body = json(refresh(&clouds, text(&answer, "refresh_token"), &[]).await).await;
    assert_eq!(
        (&body["error"], &body["error_subtype"]),
        (&"invalid_grant".into(), &"invalid_rapt".into())
    );

    let answer = signed_in(&clouds).await;
    clouds.revoke_all(ADA);
    let body = json(refresh(&clouds, text(&answer, "refresh_token"), &[]).await).await;
    assert_eq!(
        (&body["error"], body.get("error_subtype")),
        (&"invalid_grant".into(), None)
    );
}

#[tokio::test]
async fn revoking_ends_every_grant_and_an_unknown_token_is_an_error() {
    let clouds = sandbox().await;
    let answer = signed_in(&clouds).await;
    let other = signed_in(&clouds).await;
    assert_eq!(
        revoke(&clouds, text(&answer, "access_token"))
            .await
            .status(),
        200
    );
    assert_eq!(
        refresh(&clouds, text(&other, "refresh_token"), &[])
            .await
            .status(),
        400
    );
    assert_eq!(
        projects(&clouds, text(&other, "access_token"), "")
            .await
            .status(),
        401
    );
    let unknown = refusal(revoke(&clouds, text(&answer, "access_token")).await).await;
    assert_eq!((unknown.0, unknown.1.as_str()), (400, "invalid_token"));
}

#[tokio::test]
async fn the_hundred_and_first_refresh_token_ends_the_first() {
    let clouds = sandbox().await;
    let browser = ada();
    let request = Authorize::at(&clouds)
        .with("prompt", "consent")
        .with("scope", CLOUD_SCOPE);
    let mut tokens = Vec::new();
    for _ in 0..101 {
        let answer = request.sign_in(&clouds, &browser).await;
        tokens.push(text(&answer, "refresh_token").to_owned());
    }
    assert_eq!(refresh(&clouds, &tokens[0], &[]).await.status(), 400);
    assert_eq!(refresh(&clouds, &tokens[1], &[]).await.status(), 200);
}

#[tokio::test]
async fn an_app_in_testing_gets_refresh_tokens_for_seven_days() {
    let google_policy = ProjectPolicy {
        is_testing: true,
        ..ProjectPolicy::default()
    };
    let (clouds, hands) = sandbox_with_clock(Options {
        google_policy,
        ..Options::default()
    })
    .await;
    let answer = signed_in(&clouds).await;
    assert_eq!(answer["refresh_token_expires_in"], 604_799);
    let identity = Authorize::at(&clouds)
        .with("scope", "openid email")
        .with("prompt", "consent");
    let identity = identity.sign_in(&clouds, &ada()).await;
    assert_eq!(identity.get("refresh_token_expires_in"), None);

    hands.move_to(604_799);
    assert_eq!(
        refresh(&clouds, text(&answer, "refresh_token"), &[])
            .await
            .status(),
        400
    );
    assert_eq!(
        refresh(&clouds, text(&identity, "refresh_token"), &[])
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn userinfo_tells_what_the_scopes_allow() {
    let clouds = sandbox().await;
    let answer = signed_in(&clouds).await;
    let url = clouds.google_issuer().join("v1/userinfo").expect("a path");
    let ask = async |token: &str| {
        client()
            .get(url.clone())
            .bearer_auth(token)
            .send()
            .await
            .expect("an answer")
    };
    let body = json(ask(text(&answer, "access_token")).await).await;
    assert_eq!(
        (text(&body, "email"), text(&body, "name")),
        (ADA, "Ada Lovelace")
    );
    assert_eq!(ask("made-up").await.status(), 401);
}

#[tokio::test]
async fn projects_are_searched_by_state_in_pages() {
    let options = Options {
        page_size: 3,
        ..Options::default()
    };
    let clouds = Sandbox::start(options).await.expect("free ports");
    let answer = signed_in(&clouds).await;
    let token = text(&answer, "access_token");
    let first = json(projects(&clouds, token, "query=state:ACTIVE").await).await;
    assert_eq!(
        ids(&first),
        ["contoso-production", "contoso-staging", "contoso-analytics"]
    );
    assert!(text(&first["projects"][0], "parent").starts_with("folders/"));
    let query = format!(
        "query=state:ACTIVE&pageToken={}",
        text(&first, "nextPageToken")
    );
    let second = json(projects(&clouds, token, &query).await).await;
    assert_eq!(
        (ids(&second), second.get("nextPageToken")),
        (vec!["contoso-shared"], None)
    );
    assert_eq!(
        projects(&clouds, token, "pageToken=made-up").await.status(),
        400
    );
}

#[tokio::test]
async fn pages_can_be_empty_or_repeat_and_a_user_without_projects_has_no_list() {
    let clouds = sandbox().await;
    let answer = signed_in(&clouds).await;
    let token = text(&answer, "access_token");
    clouds
        .faults()
        .next(Endpoint::GoogleProjects, Fault::EmptyPage);
    let empty = json(projects(&clouds, token, "").await).await;
    assert_eq!(empty.get("projects"), None);
    let query = format!("pageToken={}", text(&empty, "nextPageToken"));
    assert_eq!(
        ids(&json(projects(&clouds, token, &query).await).await).len(),
        5
    );

    clouds
        .faults()
        .always(Endpoint::GoogleProjects, Fault::RepeatingNextLink);
    let page = json(projects(&clouds, token, "").await).await;
    let query = format!("pageToken={}", text(&page, "nextPageToken"));
    assert_eq!(json(projects(&clouds, token, &query).await).await, page);
    clouds.faults().clear();

    let tim = Browser::new().as_user("tim@contoso.example");
    let answer = Authorize::at(&clouds).sign_in(&clouds, &tim).await;
    assert_eq!(
        json(projects(&clouds, text(&answer, "access_token"), "").await).await,
        serde_json::json!({})
    );
}

#[tokio::test]
async fn three_thousand_projects_are_read_to_the_end() {
    let options = Options {
        google: GoogleDirectory::of_size(3000),
        page_size: 500,
        ..Options::default()
    };
    let clouds = Sandbox::start(options).await.expect("free ports");
    let answer = signed_in(&clouds).await;
    let (mut count, mut query) = (0, String::new());
    loop {
        let page = json(projects(&clouds, text(&answer, "access_token"), &query).await).await;
        count += ids(&page).len();
        let Some(next) = page["nextPageToken"].as_str() else {
            break;
        };
        query = format!("pageToken={next}");
    }
    assert_eq!(count, 3000);
}

#[tokio::test]
async fn a_switched_off_api_and_a_missing_scope_are_distinguished() {
    let clouds = sandbox().await;
    let reason = async |token: &str| {
        let response = projects(&clouds, token, "").await;
        assert_eq!(response.status(), 403);
        let error = json(response).await["error"].take();
        assert_eq!(error["status"], "PERMISSION_DENIED");
        let details = error["details"].as_array().expect("details").clone();
        details.last().expect("a detail")["reason"]
            .as_str()
            .expect("a reason")
            .to_owned()
    };
    let answer = signed_in(&clouds).await;
    clouds
        .faults()
        .next(Endpoint::GoogleProjects, Fault::ServiceDisabled);
    assert_eq!(
        reason(text(&answer, "access_token")).await,
        "SERVICE_DISABLED"
    );

    let browser = Browser::new().as_user(FREELANCER).untick("read-only");
    let answer = Authorize::at(&clouds).sign_in(&clouds, &browser).await;
    assert_eq!(
        reason(text(&answer, "access_token")).await,
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    );
}

#[tokio::test]
async fn token_answers_can_be_wrong_or_odd() {
    let clouds = sandbox().await;
    let spoiled = async |fault| {
        clouds.faults().next(Endpoint::GoogleToken, fault);
        signed_in(&clouds).await
    };
    let claim =
        async |fault, name: &str| claims(text(&spoiled(fault).await, "id_token"))[name].clone();
    let good = claims(text(&signed_in(&clouds).await, "id_token"));
    for (fault, name) in [
        (Fault::WrongNonce, "nonce"),
        (Fault::WrongIssuer, "iss"),
        (Fault::WrongAudience, "aud"),
        (Fault::WrongTenant, "hd"),
        (Fault::UnverifiedEmail, "email_verified"),
    ] {
        assert_ne!(claim(fault, name).await, good[name], "{name}");
    }
    assert!(claim(Fault::ExpiredIdToken, "exp").await.as_i64() < good["iat"].as_i64());
    assert_eq!(
        spoiled(Fault::MissingRefreshToken)
            .await
            .get("refresh_token"),
        None
    );
    assert_eq!(
        spoiled(Fault::TokenType("mac".into())).await["token_type"],
        "mac"
    );

    let token = text(&signed_in(&clouds).await, "refresh_token").to_owned();
    let error = OAuthError {
        error: "invalid_grant".to_owned(),
        suberror: Some("rapt_required".to_owned()),
        ..OAuthError::default()
    };
    clouds
        .faults()
        .next(Endpoint::GoogleToken, Fault::OAuthError(error));
    assert_eq!(
        json(refresh(&clouds, &token, &[]).await).await["error_subtype"],
        "rapt_required"
    );
}
