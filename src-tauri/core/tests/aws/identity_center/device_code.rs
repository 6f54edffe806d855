//! Signing in with a code that is typed on another device: how often AWS is asked, and how it ends.

use jiff::Timestamp;
use mcm_core::app::Connect;
use mcm_core::error::Code;
use mcm_core::sign_in::{SignInId, SignInStep};
use sandbox_clouds::aws::identity_center::START_URL;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Endpoint, Fault, Status};
use serde_json::json;

use super::{ADMIN, count, credentials, portal, set};
use crate::harness::{Harness, within};

fn by_code() -> Connect {
    Connect {
        device_code: true,
        ..portal(START_URL, Some("eu-west-1"))
    }
}

/// A sign-in whose code is shown: the code, its page, and until when it can be typed.
async fn started(harness: &Harness) -> (SignInId, String, String, Timestamp) {
    let id = harness.app.connect(by_code()).expect("begun");
    let shown = |step: &SignInStep| match step {
        SignInStep::Code {
            code,
            page,
            expires_at,
        } => Some((code.clone(), page.clone(), *expires_at)),
        _ => None,
    };
    let snapshot = harness
        .until(|snapshot| {
            let mut views = snapshot.sign_ins.iter();
            views.any(|view| view.id == id && shown(&view.step).is_some())
        })
        .await;
    let view = snapshot.sign_ins.iter().find(|view| view.id == id);
    let (code, page, ends) = shown(&view.expect("it runs").step).expect("shown");
    (id, code, page, ends)
}

/// What AWS answers when it is asked next whether the user is done.
fn answers(harness: &Harness, errors: &[&str]) {
    for error in errors {
        let status = Status {
            code: 400,
            body: json!({ "error": error, "error_description": "" }).to_string(),
            ..Status::default()
        };
        let faults = harness.clouds.faults();
        faults.next(Endpoint::CenterToken, Fault::Status(status));
    }
}

/// Seconds between the questions whether the user is done.
fn waits(harness: &Harness) -> Vec<i64> {
    let requests = harness.clouds.requests();
    let polls: Vec<Timestamp> = requests
        .iter()
        .filter(|request| request.endpoint == Some(Endpoint::CenterToken))
        .map(|request| request.at)
        .collect();
    let between = |pair: &[Timestamp]| pair[1].duration_since(pair[0]).as_secs();
    polls.windows(2).map(between).collect()
}

#[tokio::test]
async fn a_code_is_shown_only_where_it_was_asked_for_and_typed_at_aws_s_own_page() {
    // I12
    let harness = Harness::start().await;
    let id = harness.app.connect(portal(START_URL, Some("eu-west-1")));
    harness.next_page().await;
    let snapshot = harness.app.watch().borrow().clone();
    assert!(matches!(snapshot.sign_ins[0].step, SignInStep::Browser));
    assert_eq!(count(&harness, Endpoint::CenterDevice), 0);
    harness.app.cancel_sign_in(id.expect("begun")).expect("ran");

    harness
        .clouds
        .faults()
        .next(Endpoint::CenterDevice, Fault::ForeignCodePage);
    let id = harness.app.connect(by_code()).expect("begun");
    let error = harness.app.sign_in_ended(id).await.expect_err("foreign");
    assert_eq!(error.code(), Code::SignInRejected);
    assert!(!error.message().contains("sso.example"), "{error}");
    assert_eq!(
        count(&harness, Endpoint::CenterToken),
        0,
        "nothing is asked"
    );

    let (id, code, page, _) = started(&harness).await;
    drop(Browser::new().with_user_code(&code).browse(&page).await);
    let account = harness.ended_as_time_passes(id).await.expect("connected");
    let registered = harness.clouds.identity_center_registrations();
    assert_eq!(
        registered.last().expect("registered")["grantTypes"],
        json!([
            "urn:ietf:params:oauth:grant-type:device_code",
            "refresh_token"
        ])
    );
    let shown = serde_json::to_string(&*harness.app.watch().borrow().clone()).expect("JSON");
    assert!(!shown.contains(&code), "the code is gone");
    assert!(credentials(&harness, &account, ADMIN).await.is_ok());
}

#[tokio::test]
async fn aws_is_asked_as_often_as_it_says_and_five_seconds_later_after_each_slow_down() {
    // I12
    let harness = Harness::start().await;
    answers(
        &harness,
        &[
            "authorization_pending",
            "slow_down",
            "authorization_pending",
            "slow_down",
            "authorization_pending",
        ],
    );
    let (id, code, page, _) = started(&harness).await;
    drop(Browser::new().with_user_code(&code).browse(&page).await);
    harness.ended_as_time_passes(id).await.expect("connected");
    let waits = waits(&harness);
    assert_eq!(waits.len(), 5, "{waits:?}");
    for (wait, least) in waits.iter().zip([5, 10, 10, 15, 15]) {
        assert!(
            (least..least + 5).contains(wait),
            "{waits:?}: what a slow down added is kept"
        );
    }
}

#[tokio::test]
async fn a_first_question_that_is_answered_with_tokens_ends_the_sign_in() {
    // I12: a program that was approved before is not asked for its code.
    let harness = Harness::start().await;
    set(&harness, |policy| policy.approves_devices = true);
    let id = harness.app.connect(by_code()).expect("begun");
    // No time passes by this clock.
    within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
    assert_eq!(count(&harness, Endpoint::CenterToken), 1);
}

#[tokio::test]
async fn a_code_that_is_denied_or_expires_connects_no_account_and_says_which() {
    // I12
    let harness = Harness::start().await;
    let (id, code, page, _) = started(&harness).await;
    let denies = Browser::new().with_user_code(&code).refuse_consent();
    drop(denies.browse(&page).await);
    let error = harness.ended_as_time_passes(id).await.expect_err("denied");
    assert_eq!(error.code(), Code::SignInRefused);
    assert!(error.message().starts_with("You cancelled"), "{error}");

    // Nobody types it: this clock ends it.
    let (id, code, _, ends) = started(&harness).await;
    harness.clock.set(ends);
    let error = harness.ended_as_time_passes(id).await.expect_err("late");
    assert_eq!(error.code(), Code::SignInExpired);
    let shown = serde_json::to_string(&*harness.app.watch().borrow().clone()).expect("JSON");
    assert!(!shown.contains(&code), "the code is gone");

    // AWS ends it before.
    answers(&harness, &["authorization_pending", "expired_token"]);
    let (id, ..) = started(&harness).await;
    let error = harness.ended_as_time_passes(id).await.expect_err("expired");
    assert_eq!(error.code(), Code::SignInExpired);

    answers(&harness, &["invalid_grant"]);
    let (id, ..) = started(&harness).await;
    let error = harness.ended_as_time_passes(id).await.expect_err("unknown");
    assert_eq!(error.code(), Code::SignInRejected);
    assert!(harness.rows().is_empty());
    assert_eq!(harness.app.left_over_secrets().expect("readable"), 0);
}
