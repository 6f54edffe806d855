//! Google's provider against an OpenID provider in Google's shape: one issuer, named in every answer, and signed tokens.

use std::collections::HashSet;

use mcm_core::account::{Cloud, Identity};
use mcm_core::app::Connect;
use mcm_core::error::Code;
use mcm_core::snapshot::Status;
use sandbox_clouds::browser::{Browser, Landing};
use secrecy::ExposeSecret as _;

use crate::harness::{ADA, GRACE, HOUR, Harness, change, parameter, user, within};

fn harness() -> Harness {
    Harness::start(Cloud::Gcp)
}

#[tokio::test]
async fn a_user_connects_through_loopback_and_sees_the_projects() {
    let harness = harness();
    let id = harness.app.connect(harness.wanted()).expect("started");
    let page = harness.next_page().await;
    let redirect_uri = parameter(&page, "redirect_uri").expect("there");
    assert!(
        redirect_uri.starts_with("http://127.0.0.1:"),
        "{redirect_uri}"
    );
    let landing = user(ADA).browse(page.as_str()).await;
    assert!(
        matches!(landing, Landing::Page { status: 200, .. }),
        "{landing:?}"
    );
    let id = within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 2)
        .await;
    let row = harness.row(&id);
    let Identity::Gcp {
        issuer,
        subject,
        email,
        hosted_domain,
    } = &row.identity
    else {
        panic!("a Google account: {:?}", row.identity)
    };
    assert_eq!(
        (issuer.as_str(), subject.as_str()),
        (harness.server.at.issuer.as_str(), "1017")
    );
    assert_eq!(
        (email.as_deref(), hosted_domain.as_deref()),
        (Some(ADA), Some("contoso.example"))
    );
    assert_eq!(
        (row.status, row.missing_scopes.len()),
        (Status::Connected, 0)
    );
    let names: Vec<_> = harness
        .app
        .targets(&id)
        .expect("read")
        .into_iter()
        .map(|target| target.name)
        .collect();
    assert_eq!(names, ["Production", "Staging"]);
    harness.end().await;
}

#[tokio::test]
async fn an_answer_without_the_issuer_that_was_promised_or_with_another_is_refused() {
    for issuer in [None, Some("https://accounts.evil.example")] {
        let harness = harness();
        harness.server.send_issuer(issuer).await;
        let error = harness
            .connect(ADA)
            .await
            .expect_err("not the issuer's answer");
        assert_eq!(error.code(), Code::SignInRejected, "{issuer:?}: {error}");
        assert_eq!(
            harness.server.count("authorization_code").await,
            0,
            "{issuer:?}"
        );
        assert!(harness.rows().is_empty());
        harness.end().await;
    }
}

#[tokio::test]
async fn a_rotated_signing_key_is_fetched_and_accepted() {
    let harness = harness();
    harness.connect(ADA).await.expect("connected");
    harness.server.rotate_key(true, false).await;
    harness.connect(GRACE).await.expect("connected");
    assert_eq!(harness.rows().len(), 2);
    harness.end().await;
}

#[tokio::test]
async fn a_token_of_a_key_that_is_not_published_is_refused_even_under_a_published_id() {
    for (same_id, why) in [(false, "does not publish"), (true, "signature")] {
        let harness = harness();
        harness.connect(ADA).await.expect("connected");
        harness.server.rotate_key(false, same_id).await;
        let error = harness.connect(GRACE).await.expect_err("another key");
        assert_eq!(error.code(), Code::SignInRejected, "{error}");
        assert!(error.message().contains(why), "{error}");
        assert_eq!(harness.rows().len(), 1);
        harness.end().await;
    }
}

#[tokio::test]
async fn an_id_token_with_another_nonce_is_refused_and_nothing_is_stored() {
    let harness = harness();
    harness.server.send_nonce("another-sign-in").await;
    let error = harness
        .connect(ADA)
        .await
        .expect_err("another sign-in's token");
    assert_eq!(error.code(), Code::SignInRejected, "{error}");
    assert!(error.message().contains("another sign-in"), "{error}");
    assert!(harness.rows().is_empty());
    harness.end().await;
}

#[tokio::test]
async fn a_request_whose_challenge_was_taken_out_is_refused_by_the_server() {
    let harness = harness();
    let error = harness
        .sign_in(harness.wanted(), &user(ADA), |page| {
            change(page, &["code_challenge", "code_challenge_method"], &[]);
        })
        .await
        .expect_err("refused");
    assert_eq!(error.code(), Code::SignInRejected, "{error}");
    assert!(
        error.reference().contains("invalid_request"),
        "{}",
        error.reference()
    );
    assert!(harness.rows().is_empty());
    harness.end().await;
}

#[tokio::test]
async fn a_code_that_is_redeemed_again_is_refused_and_ends_what_it_gave() {
    let harness = harness();
    let id = harness.connect(ADA).await.expect("connected");
    let requests = harness.server.token_requests().await;
    let (status, answer) = harness.server.redeem(&requests[0].request).await;
    assert_eq!(
        (status, answer["error"].as_str()),
        (400, Some("invalid_grant")),
        "{answer}"
    );
    assert_eq!(
        harness.server.last_reason().await,
        "authorization code already consumed"
    );
    harness.pass(2 * HOUR).await;
    let error = harness
        .app
        .session(&id)
        .await
        .expect_err("the server ended the grant");
    assert_eq!(error.code(), Code::SignInAgain);
    harness.end().await;
}

#[tokio::test]
async fn the_account_renews_three_times_over_restarts_with_the_refresh_token_it_has() {
    let mut harness = harness();
    let id = harness.connect(ADA).await.expect("connected");
    let kept = harness.refresh_token(&id).await;
    let mut seen = HashSet::new();
    for _ in 0..3 {
        harness.pass(2 * HOUR).await;
        harness.restart();
        let session = harness.app.session(&id).await.expect("renewed");
        assert!(
            seen.insert(
                session
                    .bearer()
                    .expect("a token")
                    .expose_secret()
                    .to_owned()
            ),
            "a new session"
        );
        assert_eq!(harness.refresh_token(&id).await, kept);
    }
    harness
        .app
        .read_targets(&id)
        .await
        .expect("the API takes the new session");
    harness.end().await;
}

#[tokio::test]
async fn a_grant_that_was_revoked_at_the_server_asks_the_user_once() {
    let harness = harness();
    let id = harness.connect(ADA).await.expect("connected");
    harness.server.revoke(ADA).await;
    harness.pass(2 * HOUR).await;
    for _ in 0..3 {
        assert_eq!(
            harness.app.session(&id).await.expect_err("revoked").code(),
            Code::SignInAgain
        );
    }
    assert_eq!(harness.server.count("refresh_token").await, 1, "asked once");
    assert_eq!(harness.row(&id).status, Status::SignInAgain);
    harness.end().await;
}

#[tokio::test]
async fn signing_in_again_asks_for_consent_when_no_refresh_token_came_without() {
    let harness = harness();
    let browser = user(ADA);
    let id = harness
        .sign_in(harness.wanted(), &browser, |_| {})
        .await
        .expect("connected");
    let before = harness.refresh_token(&id).await;
    let again = harness
        .app
        .connect(Connect {
            account: Some(id.clone()),
            ..harness.wanted()
        })
        .expect("started");
    for prompt in [None, Some("consent")] {
        let page = harness.next_page().await;
        assert_eq!(parameter(&page, "prompt").as_deref(), prompt);
        assert_eq!(parameter(&page, "login_hint").as_deref(), Some("1017"));
        let landing = browser.browse(page.as_str()).await;
        assert!(
            matches!(landing, Landing::Page { status: 200, .. }),
            "{landing:?}"
        );
    }
    assert_eq!(
        within(harness.app.sign_in_ended(again))
            .await
            .expect("signed in again"),
        id
    );
    assert_ne!(harness.refresh_token(&id).await, before);
    harness.end().await;
}

#[tokio::test]
async fn disconnecting_ends_the_grant_at_the_server() {
    let harness = harness();
    let id = harness.connect(ADA).await.expect("connected");
    let refresh_token = harness.refresh_token(&id).await;
    let session = harness.app.session(&id).await.expect("a session");
    harness.app.disconnect(&id).await.expect("disconnected");
    let (status, answer) = harness.server.redeem_refresh_token(&refresh_token).await;
    assert_eq!(
        (status, answer["error"].as_str()),
        (400, Some("invalid_grant")),
        "{answer}"
    );
    assert_eq!(
        harness
            .server
            .ask_api("v3/projects:search", session.bearer().expect("a token"))
            .await,
        401
    );
    harness.end().await;
}

#[tokio::test]
async fn refusing_at_the_server_says_so_and_changes_nothing() {
    let harness = harness();
    for browser in [user(ADA).refuse_consent(), Browser::new().cancel()] {
        let error = harness
            .sign_in(harness.wanted(), &browser, |_| {})
            .await
            .expect_err("refused");
        assert_eq!(error.code(), Code::SignInRefused, "{error}");
    }
    assert!(harness.rows().is_empty());
    harness.end().await;
}
