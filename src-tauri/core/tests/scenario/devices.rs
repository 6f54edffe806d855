//! Signing in with a code that is typed on another device.

use std::time::Duration;

use jiff::Timestamp;
use mcm_core::account::Cloud;
use mcm_core::app::Connect;
use mcm_core::error::Code;
use mcm_core::sign_in::{SignInId, SignInStep};
use mcm_core::world::Clock as _;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::google::{TV_CLIENT_ID, TV_CLIENT_SECRET};
use sandbox_clouds::{Endpoint, Fault, Options, Rule};

use crate::google::FREELANCER;
use crate::harness::{ADA, Harness, LINUS};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn by_code() -> Connect {
    Connect {
        device_code: true,
        ..Connect::new(Cloud::Azure)
    }
}

/// A sign-in whose code is shown.
async fn started(harness: &Harness, wanted: Connect) -> (SignInId, String, String, Timestamp) {
    let id = harness.app.connect(wanted).expect("started");
    let shown = |step: &SignInStep| matches!(step, SignInStep::Code { .. });
    let snapshot = harness
        .until(|snapshot| snapshot.sign_ins.iter().any(|view| shown(&view.step)))
        .await;
    let step = snapshot
        .sign_ins
        .iter()
        .find(|view| view.id == id)
        .map(|view| view.step.clone());
    let Some(SignInStep::Code {
        code,
        page,
        expires_at,
    }) = step
    else {
        panic!("no code: {step:?}")
    };
    (id, code, page, expires_at)
}

async fn typed(code: &str, page: &str, browser: Browser) {
    browser.with_user_code(code).browse(page).await;
}

/// When the server was asked whether the user is done.
fn polls(harness: &Harness) -> Vec<Timestamp> {
    let requests = harness.clouds.requests().into_iter();
    requests
        .filter(|asked| asked.grant_type.as_deref() == Some(GRANT_TYPE))
        .map(|asked| asked.at)
        .collect()
}

/// One fault for each of the next questions whether the user is done.
fn spoil(harness: &Harness, faults: impl IntoIterator<Item = Fault>) {
    for fault in faults {
        harness.clouds.faults().add(
            Rule::new(Endpoint::AzureToken, fault)
                .grant_type(GRANT_TYPE)
                .times(1),
        );
    }
}

#[tokio::test]
async fn the_same_account_comes_of_a_code_and_the_code_is_gone_when_it_is_used() {
    let harness = Harness::start().await;
    let (id, code, page, _) = started(&harness, by_code()).await;
    typed(&code, &page, Browser::new().as_user(ADA)).await;
    let account = harness.ended_as_time_passes(id).await.expect("connected");
    let snapshot = serde_json::to_string(&*harness.app.watch().borrow().clone()).expect("JSON");
    assert!(!snapshot.contains(&code), "the code is gone");
    assert_eq!(
        harness.connect(ADA).await.expect("connected again"),
        account,
        "the same user is the same row"
    );
    harness.app.renew(&account).await.expect("the grant renews");
}

#[tokio::test]
async fn the_server_is_asked_as_often_as_it_says_and_less_after_each_slow_down() {
    let harness = Harness::start().await;
    spoil(
        &harness,
        [
            Fault::oauth_error("authorization_pending"),
            Fault::oauth_error("slow_down"),
        ],
    );
    spoil(
        &harness,
        [
            Fault::oauth_error("authorization_pending"),
            Fault::oauth_error("slow_down"),
        ],
    );
    let (id, code, page, _) = started(&harness, by_code()).await;
    typed(&code, &page, Browser::new().as_user(ADA)).await;
    harness.ended_as_time_passes(id).await.expect("connected");
    let polls = polls(&harness);
    let waits: Vec<i64> = polls
        .windows(2)
        .map(|pair| pair[1].duration_since(pair[0]).as_secs())
        .collect();
    assert_eq!(waits.len(), 4);
    for (wait, least) in waits.iter().zip([5, 10, 10, 15]) {
        assert!(*wait >= least, "{waits:?}");
    }
}

#[tokio::test]
async fn a_failure_on_the_way_is_waited_out_and_longer_each_time() {
    let harness = Harness::start().await;
    spoil(
        &harness,
        [
            Fault::Drop,
            Fault::status(503),
            Fault::retry_after(429, "30"),
        ],
    );
    let (id, code, page, _) = started(&harness, by_code()).await;
    typed(&code, &page, Browser::new().as_user(ADA)).await;
    harness.ended_as_time_passes(id).await.expect("connected");
    let polls = polls(&harness);
    let waits: Vec<i64> = polls
        .windows(2)
        .map(|pair| pair[1].duration_since(pair[0]).as_secs())
        .collect();
    assert_eq!(waits.len(), 3, "{waits:?}");
    for (wait, least) in waits.iter().zip([10, 20, 30]) {
        assert!(*wait >= least, "{waits:?}");
    }
}

#[tokio::test]
async fn a_code_that_is_refused_or_not_typed_in_time_connects_no_account() {
    let harness = Harness::start().await;
    let (id, code, page, _) = started(&harness, by_code()).await;
    typed(&code, &page, Browser::new().as_user(ADA).cancel()).await;
    let error = harness.ended_as_time_passes(id).await.expect_err("refused");
    assert_eq!(error.code(), Code::SignInRefused);

    let (id, code, _, expires_at) = started(&harness, by_code()).await;
    harness.clock.set(expires_at);
    let error = harness
        .ended_as_time_passes(id)
        .await
        .expect_err("too late");
    assert_eq!(error.code(), Code::SignInExpired);
    assert!(harness.rows().is_empty());
    let snapshot = serde_json::to_string(&*harness.app.watch().borrow().clone()).expect("JSON");
    assert!(!snapshot.contains(&code), "the code is gone");
}

#[tokio::test]
async fn giving_up_ends_the_wait_at_once() {
    let harness = Harness::start().await;
    let (id, ..) = started(&harness, by_code()).await;
    harness.app.cancel_sign_in(id).expect("it runs");
    let ended = tokio::time::timeout(Duration::from_secs(1), harness.app.sign_in_ended(id));
    let error = ended.await.expect("within a second").expect_err("given up");
    assert_eq!(error.code(), Code::SignInCancelled);
    assert_eq!(polls(&harness), [], "no request is sent after that");
}

#[tokio::test]
async fn a_code_is_waited_for_no_longer_than_half_an_hour_whatever_the_server_says() {
    for seconds in [86_400, u64::MAX] {
        let harness = Harness::start().await;
        let authority = &harness.app.settings().azure.authority;
        let answer = format!(
            r#"{{"device_code":"d","user_code":"ABCD","verification_uri":"{authority}device","expires_in":{seconds},"interval":60}}"#
        );
        harness
            .clouds
            .faults()
            .next(Endpoint::AzureDeviceCode, Fault::answer(200, answer));
        let pending = Fault::oauth_error("authorization_pending");
        let rule = Rule::new(Endpoint::AzureToken, pending).grant_type(GRANT_TYPE);
        harness.clouds.faults().add(rule);
        let (id, _, _, expires_at) = started(&harness, by_code()).await;
        assert_eq!(expires_at, harness.clock.now() + Duration::from_secs(1800));
        let error = harness.ended_as_time_passes(id).await.expect_err("over");
        assert_eq!(error.code(), Code::SignInExpired, "{error}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_is_never_shown() {
    let harness = Harness::start().await;
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureDeviceCode, Fault::ForeignCodePage);
    let id = harness.app.connect(by_code()).expect("started");
    let error = harness
        .ended_as_time_passes(id)
        .await
        .expect_err("not shown");
    assert_eq!(error.code(), Code::SignInRejected);
    assert!(
        !error.message().contains("microsoft.com.example"),
        "{error}"
    );
    assert_eq!(polls(&harness), []);
}

#[tokio::test]
async fn what_a_code_brings_passes_the_checks_of_every_sign_in() {
    let harness = Harness::start().await;
    for fault in [
        Fault::WrongIssuer,
        Fault::WrongAudience,
        Fault::ExpiredIdToken,
        Fault::MissingRefreshToken,
        Fault::oauth_error("bad_verification_code"),
        Fault::NotJson,
    ] {
        let is_passing = fault == Fault::NotJson;
        spoil(&harness, [fault.clone()]);
        let (id, code, page, _) = started(&harness, by_code()).await;
        typed(&code, &page, Browser::new().as_user(ADA)).await;
        let outcome = harness.ended_as_time_passes(id).await;
        assert_eq!(outcome.is_ok(), is_passing, "{fault:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_row_takes_no_one_else_by_code_either() {
    let harness = Harness::start().await;
    let ada = harness.connect(ADA).await.expect("connected");
    let (id, code, page, _) = started(
        &harness,
        Connect {
            account: Some(ada),
            ..by_code()
        },
    )
    .await;
    typed(&code, &page, Browser::new().as_user(LINUS)).await;
    let error = harness
        .ended_as_time_passes(id)
        .await
        .expect_err("another user");
    assert_eq!(error.code(), Code::WrongUser);
}

#[tokio::test]
async fn google_grants_no_access_to_the_cloud_by_code_and_that_is_said() {
    let harness = Harness::start().await;
    let id = harness
        .app
        .connect(Connect {
            device_code: true,
            ..Connect::new(Cloud::Gcp)
        })
        .expect("started");
    let error = harness.ended_as_time_passes(id).await.expect_err("refused");
    assert_eq!(error.code(), Code::Unsupported);
    assert!(error.message().contains("TVs and Limited Input"), "{error}");
}

#[tokio::test]
async fn a_row_takes_no_one_else_by_a_code_of_an_issuer_that_grants_the_cloud_by_one() {
    let variables = [
        ("GOOGLE_CLIENT_ID", TV_CLIENT_ID),
        ("GOOGLE_CLIENT_SECRET", TV_CLIENT_SECRET),
    ];
    let granting = |options: &mut Options| options.google_policy.grants_cloud_by_code = true;
    let harness = Harness::with(granting, &variables).await;
    let by_code = |account| Connect {
        account,
        device_code: true,
        ..Connect::new(Cloud::Gcp)
    };
    let (id, code, page, _) = started(&harness, by_code(None)).await;
    typed(&code, &page, Browser::new().as_user(ADA)).await;
    let ended = harness.ended_as_time_passes(id).await;
    let ada = ended.expect("connected");
    let (id, code, page, _) = started(&harness, by_code(Some(ada.clone()))).await;
    typed(&code, &page, Browser::new().as_user(FREELANCER)).await;
    let ended = harness.ended_as_time_passes(id).await;
    assert_eq!(ended.expect_err("another user").code(), Code::WrongUser);
    assert_eq!(harness.row(&ada).name, ADA);
    assert_eq!(harness.rows().len(), 1);
}
