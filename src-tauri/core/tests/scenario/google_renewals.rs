//! Renewing sessions of Google Cloud: refresh tokens that stay or are replaced, and sign-ins that Google ended.

use std::time::Duration;

use mcm_core::account::SignInEndReason;
use mcm_core::error::Code;
use mcm_core::snapshot::Status;
use sandbox_clouds::google::ProjectPolicy;
use sandbox_clouds::{Endpoint, OAuthError, Revocation};
use secrecy::ExposeSecret as _;

use crate::google::{again, connect, refresh_token, requests, user};
use crate::harness::{ADA, Harness, within};

#[tokio::test]
async fn a_renewal_keeps_the_refresh_token_when_none_comes() {
    let mut harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    let before = refresh_token(&harness, &id).await;
    let first = harness
        .app
        .session(&id)
        .await
        .expect("valid")
        .bearer()
        .cloned()
        .expect("a token");
    harness.app.renew(&id).await.expect("renewed");
    harness.restart();
    harness.clock.advance(Duration::from_secs(3600));
    let later = harness
        .app
        .session(&id)
        .await
        .expect("renewed after a restart")
        .bearer()
        .cloned()
        .expect("a token");
    assert_ne!(first.expose_secret(), later.expose_secret());
    assert_eq!(refresh_token(&harness, &id).await, before);
}

#[tokio::test]
async fn a_renewal_replaces_the_refresh_token_when_one_comes() {
    let rotating = ProjectPolicy {
        rotates: true,
        ..ProjectPolicy::default()
    };
    let mut harness = Harness::with(|options| options.google_policy = rotating, &[]).await;
    let id = connect(&harness, ADA).await.expect("connected");
    let before = refresh_token(&harness, &id).await;
    harness.app.renew(&id).await.expect("renewed");
    assert_ne!(refresh_token(&harness, &id).await, before);
    harness.restart();
    harness
        .app
        .renew(&id)
        .await
        .expect("renewed with the new one");
}

#[tokio::test]
async fn a_client_secret_stays_with_its_grant_when_the_settings_name_another_client() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    let other = [
        ("GOOGLE_CLIENT_ID", "999-other.apps.googleusercontent.com"),
        ("GOOGLE_CLIENT_SECRET", "CANARY-of-the-other-client"),
    ];
    let app = harness.app_with(&other);
    app.renew(&id)
        .await
        .expect("as the client that the grant belongs to");
}

#[tokio::test]
async fn the_end_of_a_sign_in_in_testing_is_shown_and_survives_renewals() {
    let testing = ProjectPolicy {
        is_testing: true,
        ..ProjectPolicy::default()
    };
    let harness = Harness::with(|options| options.google_policy = testing, &[]).await;
    let id = connect(&harness, ADA).await.expect("connected");
    let end = harness.row(&id).sign_in_end.expect("known");
    assert_eq!(end.why, SignInEndReason::ProviderLimit);
    harness.app.renew(&id).await.expect("renewed");
    assert_eq!(harness.row(&id).sign_in_end, Some(end));
    harness.clock.advance(Duration::from_secs(7 * 24 * 3600));
    let error = harness.app.session(&id).await.expect_err("over");
    assert_eq!(error.code(), Code::SignInAgain);
    assert!(error.message().contains("Testing"), "{error}");
}

#[tokio::test]
async fn a_sign_in_that_the_organisation_ended_is_not_called_revoked_and_is_fixed_by_signing_in() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    harness.clouds.expire(ADA);
    let error = harness.app.renew(&id).await.expect_err("over");
    assert_eq!(error.code(), Code::SignInAgain);
    assert!(
        error.message().contains("Your organisation limits")
            && error.reference().contains("invalid_rapt")
    );
    assert_eq!(harness.row(&id).status, Status::SignInAgain);
    let asked = requests(&harness, Endpoint::GoogleToken);
    harness
        .app
        .renew(&id)
        .await
        .expect_err("only the user can help");
    assert_eq!(
        requests(&harness, Endpoint::GoogleToken),
        asked,
        "no further request"
    );

    // Google still has the consent, so the first visit brings no refresh token and a second one asks for consent.
    let id_again = harness.app.connect(again(&id)).expect("started");
    let browser = user(ADA);
    let first = harness.next_page().await;
    assert!(
        first.as_str().contains("login_hint=") && !first.as_str().contains("prompt="),
        "no forced consent"
    );
    browser.browse(first.as_str()).await;
    let second = harness.next_page().await;
    assert!(second.as_str().contains("login_hint=") && second.as_str().contains("prompt=consent"));
    browser.browse(second.as_str()).await;
    assert_eq!(
        within(harness.app.sign_in_ended(id_again))
            .await
            .expect("signed in"),
        id
    );
    assert_eq!(harness.row(&id).status, Status::Connected);
    harness.app.renew(&id).await.expect("renewed");
}

#[tokio::test]
async fn a_revoked_sign_in_names_the_possible_causes_and_the_row_stays() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    harness.clouds.revoke_all(ADA);
    let error = harness.app.renew(&id).await.expect_err("revoked");
    for cause in ["revoked", "password", "6 months", "7 days", "100"] {
        assert!(error.message().contains(cause), "{error}");
    }
    let row = harness.row(&id);
    assert_eq!((row.status, row.target_count), (Status::SignInAgain, 4));
}

#[tokio::test]
async fn a_refusal_by_the_administrator_at_a_renewal_says_so() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    let refused = OAuthError {
        error: "admin_policy_enforced".into(),
        ..OAuthError::default()
    };
    harness.clouds.revoke(ADA, &Revocation::Refused(refused));
    assert_eq!(
        harness.app.renew(&id).await.expect_err("refused").code(),
        Code::AdminNeeded
    );
}
