//! The redirect back to this machine: a port that listens before the browser opens, and what ends a sign-in there.

use mcm_core::error::Code;
use mcm_core::sign_in::{SignInId, SignInStep};
use sandbox_clouds::Endpoint;
use sandbox_clouds::browser::Browser;
use url::Url;

use super::{connect, count, wanted};
use crate::harness::Harness;

/// The redirect URI and the state in the page that the browser is to open.
fn redirect(page: &Url) -> (Url, String) {
    let value = |wanted: &str| {
        let mut pairs = page.query_pairs();
        let (_, value) = pairs.find(|(name, _)| name == wanted).expect(wanted);
        value.into_owned()
    };
    let redirect = Url::parse(&value("redirect_uri")).expect("a URL");
    (redirect, value("state"))
}

async fn get(url: &Url) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build();
    let answer = client.expect("a client").get(url.clone()).send().await;
    answer.expect("the port is open").status().as_u16()
}

fn with(url: &Url, pairs: &[(&str, &str)]) -> Url {
    let mut url = url.clone();
    url.query_pairs_mut().extend_pairs(pairs);
    url
}

#[tokio::test]
async fn a_browser_that_comes_back_at_once_is_answered_every_time() {
    // I1, I3
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    for _ in 1..100 {
        // A browser that is signed in and was allowed before asks nothing, and comes back within milliseconds.
        let begun = harness.app.connect(wanted(&harness)).expect("begun");
        let page = harness.next_page().await;
        let (redirect, _) = redirect(&page);
        assert_eq!(redirect.host_str(), Some("127.0.0.1"));
        let at = (
            redirect.host_str().expect("a host"),
            redirect.port().expect("a port"),
        );
        drop(
            tokio::net::TcpStream::connect(at)
                .await
                .expect("it listens already"),
        );
        drop(Browser::new().browse(page.as_str()).await);
        assert_eq!(
            harness.app.sign_in_ended(begun).await.expect("signed in"),
            id
        );
    }
    assert_eq!(
        harness.clouds.identity_center_registrations().len(),
        100,
        "one for each sign-in"
    );
}

#[tokio::test]
async fn what_is_not_the_answer_ends_nothing_and_the_good_one_after_it_succeeds() {
    // I4
    let harness = Harness::start().await;
    let begun = harness.app.connect(wanted(&harness)).expect("begun");
    let page = harness.next_page().await;
    let (redirect, state) = redirect(&page);
    let mut elsewhere = redirect.clone();
    elsewhere.set_path("/oauth/callback/");
    for (url, what) in [
        (
            with(&elsewhere, &[("code", "x"), ("state", &state)]),
            "another path",
        ),
        (
            with(&redirect, &[("code", "x"), ("state", "wrong")]),
            "a wrong state",
        ),
        (with(&redirect, &[("code", "x")]), "no state"),
        (redirect.clone(), "nothing"),
    ] {
        assert!(get(&url).await >= 400, "{what}");
        let snapshot = harness.app.watch().borrow().clone();
        assert!(
            matches!(snapshot.sign_ins[0].step, SignInStep::Browser),
            "{what}"
        );
    }
    assert_eq!(
        count(&harness, Endpoint::CenterToken),
        0,
        "no code is redeemed"
    );
    drop(Browser::new().browse(page.as_str()).await);
    harness.app.sign_in_ended(begun).await.expect("connected");
}

/// A sign-in whose redirect is opened with these parameters and the right state.
async fn answered_with(pairs: &[(&str, &str)]) -> (Harness, SignInId, Url) {
    let harness = Harness::start().await;
    let begun = harness.app.connect(wanted(&harness)).expect("begun");
    let page = harness.next_page().await;
    let (redirect, state) = redirect(&page);
    get(&with(&with(&redirect, pairs), &[("state", &state)])).await;
    assert_eq!(
        count(&harness, Endpoint::CenterToken),
        0,
        "no code is redeemed"
    );
    (harness, begun, page)
}

#[tokio::test]
async fn an_answer_with_two_codes_is_no_answer_and_the_good_one_after_it_succeeds() {
    // I4
    let (harness, begun, page) = answered_with(&[("code", "x"), ("code", "y")]).await;
    let snapshot = harness.app.watch().borrow().clone();
    assert!(matches!(snapshot.sign_ins[0].step, SignInStep::Browser));
    drop(Browser::new().browse(page.as_str()).await);
    harness.app.sign_in_ended(begun).await.expect("connected");
    assert_eq!(count(&harness, Endpoint::CenterToken), 1, "the good code");
}

#[tokio::test]
async fn an_answer_with_a_code_and_an_error_is_a_refusal() {
    // I4
    let (harness, begun, _) = answered_with(&[("code", "x"), ("error", "access_denied")]).await;
    let error = harness.app.sign_in_ended(begun).await.expect_err("ended");
    assert_eq!(error.code(), Code::SignInRefused, "{error}");
    assert!(harness.rows().is_empty());
    assert_eq!(
        count(&harness, Endpoint::CenterToken),
        0,
        "no code is redeemed"
    );
}

#[tokio::test]
async fn a_code_is_redeemed_with_the_verifier_and_the_port_only() {
    // I6. The stand-in refuses a code whose redirect URI is not the one with the port.
    let harness = Harness::start().await;
    let begun = harness.app.connect(wanted(&harness)).expect("begun");
    let page = harness.next_page().await;
    let mut other = page.clone();
    other
        .query_pairs_mut()
        .clear()
        .extend_pairs(page.query_pairs().map(|(name, value)| {
            let value = if name == "code_challenge" {
                "A".repeat(43).into()
            } else {
                value
            };
            (name, value)
        }));
    drop(Browser::new().browse(other.as_str()).await);
    let error = harness
        .app
        .sign_in_ended(begun)
        .await
        .expect_err("another verifier");
    assert_eq!(error.code(), Code::SignInRejected, "{error}");
    assert!(harness.rows().is_empty());
    assert_eq!(harness.app.left_over_secrets().expect("readable"), 0);
    connect(&harness).await.expect("the next one succeeds");
}
