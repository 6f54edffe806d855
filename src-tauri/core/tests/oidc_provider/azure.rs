//! Azure's provider against an OpenID provider in Entra's shape, whose refresh tokens rotate and must not come twice.

use std::collections::HashSet;

use mcm_core::account::{Cloud, Identity};
use mcm_core::app::{Connect, OnDuplicate};
use mcm_core::error::Code;
use mcm_core::redirect::Delivered;
use mcm_core::snapshot::Status;
use sandbox_clouds::browser::{Browser, Landing};
use secrecy::ExposeSecret as _;

use crate::harness::{ADA, HOUR, Harness, LINUS, change, parameter, user, within};

fn harness() -> Harness {
    Harness::start(Cloud::Azure)
}

#[tokio::test]
async fn a_user_connects_through_the_apps_scheme_and_sees_the_subscriptions() {
    let harness = harness();
    let id = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 2)
        .await;
    let row = harness.row(&id);
    let Identity::Azure {
        home,
        tenant_id,
        username,
        ..
    } = &row.identity
    else {
        panic!("an Azure account: {:?}", row.identity)
    };
    assert_eq!(
        (row.name.as_str(), username.as_str(), row.status),
        ("Contoso", ADA, Status::Connected)
    );
    assert!(
        home.ends_with(tenant_id.as_str()) && harness.server.at.issuer.contains(tenant_id.as_str())
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
async fn a_user_connects_through_loopback_with_a_posted_answer() {
    let harness = harness();
    let id = harness.app.connect(harness.loopback()).expect("started");
    let page = harness.next_page().await;
    assert_eq!(
        parameter(&page, "response_mode").as_deref(),
        Some("form_post")
    );
    let landing = user(ADA).browse(page.as_str()).await;
    assert!(
        matches!(landing, Landing::Page { status: 200, .. }),
        "{landing:?}"
    );
    within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
    harness.end().await;
}

#[tokio::test]
async fn a_request_whose_challenge_was_taken_out_or_made_plain_is_refused_by_the_server() {
    let harness = harness();
    for instead in [
        &[][..],
        &[
            (
                "code_challenge",
                "plain-plain-plain-plain-plain-plain-plain-1",
            ),
            ("code_challenge_method", "plain"),
        ],
    ] {
        let id = harness.app.connect(harness.wanted()).expect("started");
        let mut page = harness.next_page().await;
        change(
            &mut page,
            &["code_challenge", "code_challenge_method"],
            instead,
        );
        let redirect = user(ADA).browse(page.as_str()).await.expect_redirect();
        assert_eq!(
            parameter(&redirect, "error").as_deref(),
            Some("invalid_request"),
            "{instead:?}"
        );
        harness.app.deliver(redirect.as_str());
        let error = within(harness.app.sign_in_ended(id))
            .await
            .expect_err("refused");
        assert_eq!(error.code(), Code::SignInRejected, "{error}");
    }
    assert!(harness.rows().is_empty());
    harness.end().await;
}

#[tokio::test]
async fn a_mismatched_pkce_challenge_is_refused_at_the_token_endpoint() {
    let harness = harness();
    let other = (
        "code_challenge",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
    let error = harness
        .sign_in(harness.wanted(), &user(ADA), |page| {
            change(page, &["code_challenge"], &[other]);
        })
        .await
        .expect_err("the verifier does not fit");
    assert_eq!(error.code(), Code::SignInAgain, "{error}");
    assert!(harness.rows().is_empty());
    harness.end().await;
}

#[tokio::test]
async fn a_code_that_is_redeemed_again_is_refused_and_ends_what_it_gave() {
    let harness = harness();
    let id = harness.app.connect(harness.wanted()).expect("started");
    let redirect = user(ADA)
        .browse(harness.next_page().await.as_str())
        .await
        .expect_redirect();
    assert_eq!(harness.app.deliver(redirect.as_str()), Delivered::Accepted);
    let id = within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
    assert_ne!(
        harness.app.deliver(redirect.as_str()),
        Delivered::Accepted,
        "the app asks once"
    );
    assert_eq!(harness.server.count("authorization_code").await, 1);

    let requests = harness.server.token_requests().await;
    let replay = requests
        .into_iter()
        .find(|request| request.is_for("authorization_code"))
        .expect("came");
    let (status, answer) = harness.server.redeem(&replay.request).await;
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
        .expect_err("the server ended the family");
    assert_eq!(error.code(), Code::SignInAgain);
    harness.end().await;
}

#[tokio::test]
async fn the_account_renews_three_times_over_restarts_each_time_with_a_new_refresh_token() {
    let mut harness = harness();
    let id = harness.connect(ADA).await.expect("connected");
    let mut seen = HashSet::from([harness.refresh_token(&id).await]);
    for round in 1..=3 {
        harness.pass(2 * HOUR).await;
        harness.restart();
        assert_eq!(harness.row(&id).status, Status::Connected);
        harness.app.session(&id).await.expect("renewed");
        assert!(seen.insert(harness.refresh_token(&id).await), "rotated");
        assert_eq!(harness.server.count("refresh_token").await, round);
    }
    harness
        .app
        .read_targets(&id)
        .await
        .expect("the API takes the new session");
    harness.end().await;
}

#[tokio::test]
async fn twenty_callers_at_once_make_one_request_and_the_family_survives() {
    let harness = harness();
    let id = harness.connect(ADA).await.expect("connected");
    for round in 1..=2 {
        harness.pass(2 * HOUR).await;
        let callers: Vec<_> = (0..20)
            .map(|_| {
                let (app, id) = (harness.app.clone(), id.clone());
                tokio::spawn(async move { app.session(&id).await })
            })
            .collect();
        let mut tokens = HashSet::new();
        for caller in callers {
            let session = within(caller).await.expect("no panic").expect("a session");
            tokens.insert(
                session
                    .bearer()
                    .expect("a token")
                    .expose_secret()
                    .to_owned(),
            );
        }
        assert_eq!(
            (tokens.len(), harness.server.count("refresh_token").await),
            (1, round)
        );
    }
    harness.end().await;
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_ends_the_family_and_the_user_is_asked_once() {
    let harness = harness();
    let id = harness.connect(ADA).await.expect("connected");
    let old = harness.refresh_token(&id).await;
    harness.pass(2 * HOUR).await;
    harness.app.session(&id).await.expect("renewed");
    let (status, answer) = harness.server.redeem_refresh_token(&old).await;
    assert_eq!(
        (status, answer["error"].as_str()),
        (400, Some("invalid_grant")),
        "{answer}"
    );
    assert_eq!(
        harness.server.last_reason().await,
        "refresh token already used"
    );

    harness.pass(2 * HOUR).await;
    let before = harness.server.count("refresh_token").await;
    for _ in 0..3 {
        assert_eq!(
            harness.app.session(&id).await.expect_err("revoked").code(),
            Code::SignInAgain
        );
    }
    assert_eq!(
        harness.server.count("refresh_token").await,
        before + 1,
        "asked once"
    );
    assert_eq!(harness.row(&id).status, Status::SignInAgain);

    let again = Connect {
        account: Some(id.clone()),
        ..harness.wanted()
    };
    assert_eq!(
        harness
            .sign_in(again, &user(ADA), |_| {})
            .await
            .expect("signed in again"),
        id
    );
    assert_eq!(harness.row(&id).status, Status::Connected);
    harness.pass(2 * HOUR).await;
    harness
        .app
        .session(&id)
        .await
        .expect("the new family renews");
    harness.end().await;
}

#[tokio::test]
async fn a_grant_that_was_revoked_or_has_expired_at_the_server_asks_the_user_once() {
    for is_revoked in [true, false] {
        let harness = harness();
        let id = harness.connect(ADA).await.expect("connected");
        if is_revoked {
            harness.server.revoke(ADA).await;
            let error = harness
                .app
                .read_targets(&id)
                .await
                .expect_err("the API does not take the session");
            assert_eq!(error.code(), Code::SignInAgain, "{error}");
            harness.pass(2 * HOUR).await;
        } else {
            harness.pass(91 * 24 * HOUR).await;
        }
        for _ in 0..3 {
            assert_eq!(
                harness.app.session(&id).await.expect_err("refused").code(),
                Code::SignInAgain
            );
        }
        assert_eq!(harness.server.count("refresh_token").await, 1, "asked once");
        assert_eq!(harness.row(&id).status, Status::SignInAgain);
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
async fn an_answer_that_names_another_issuer_is_refused_before_its_code_is_sent_anywhere() {
    let harness = harness();
    harness
        .server
        .send_issuer(Some("https://login.evil.example"))
        .await;
    let error = harness.connect(ADA).await.expect_err("another issuer");
    assert_eq!(error.code(), Code::SignInRejected, "{error}");
    assert_eq!(harness.server.count("authorization_code").await, 0);
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

#[tokio::test]
async fn signing_in_again_in_a_browser_that_knows_the_user_needs_no_picker() {
    let harness = harness();
    let browser = user(ADA);
    let id = harness
        .sign_in(harness.wanted(), &browser, |_| {})
        .await
        .expect("connected");
    let again = Connect {
        account: Some(id.clone()),
        ..harness.wanted()
    };
    // The user that a picker would choose.
    let browser = browser.as_user(LINUS);
    assert_eq!(
        harness
            .sign_in(again, &browser, |_| {})
            .await
            .expect("signed in again"),
        id
    );
    harness.end().await;
}

#[tokio::test]
async fn signing_in_again_as_another_user_changes_nothing() {
    let harness = harness();
    let id = harness.connect(ADA).await.expect("connected");
    let before = harness.refresh_token(&id).await;
    let again = Connect {
        account: Some(id.clone()),
        ..harness.wanted()
    };
    let error = harness
        .sign_in(again, &user(LINUS), |_| {})
        .await
        .expect_err("another user");
    assert_eq!(error.code(), Code::WrongUser, "{error}");
    assert!(
        error.message().contains(LINUS) && error.message().contains(ADA),
        "{error}"
    );
    assert_eq!(
        (harness.rows().len(), harness.refresh_token(&id).await),
        (1, before)
    );
    harness.end().await;
}

#[tokio::test]
async fn two_users_of_one_browser_are_two_accounts_and_renew_apart() {
    let harness = harness();
    let browser = user(ADA);
    let ada = harness
        .sign_in(harness.wanted(), &browser, |_| {})
        .await
        .expect("connected");
    let both = Connect {
        on_duplicate: OnDuplicate::KeepBoth,
        ..harness.wanted()
    };
    let linus = harness
        .sign_in(both, &browser.as_user(LINUS), |_| {})
        .await
        .expect("connected");
    assert_ne!(ada, linus);
    harness.server.revoke(ADA).await;
    harness.pass(2 * HOUR).await;
    assert_eq!(
        harness.app.session(&ada).await.expect_err("revoked").code(),
        Code::SignInAgain
    );
    harness.app.session(&linus).await.expect("renewed");
    harness.end().await;
}
