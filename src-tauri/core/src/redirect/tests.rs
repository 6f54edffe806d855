//! Flows from their start to their answer: hostile, late, repeated and dropped ones.

use futures_util::FutureExt as _;

use super::*;
use crate::testing::ManualClock;

const AZURE: &str = "io.github.multicloudmanager://auth/azure";

fn azure() -> Expectation {
    Expectation {
        cloud: Cloud::Azure,
        receiver: Receiver::DeepLink {
            redirect_uri: AZURE.into(),
        },
        issuer: Issuer::IfPresent("https://login.microsoftonline.com/{tenantid}/v2.0".into()),
    }
}

fn redirects() -> (Redirects, Arc<ManualClock>) {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    (Redirects::new(clock.clone(), Frontend::Window), clock)
}

fn url(waiting: &PendingFlow, code: &str) -> String {
    format!(
        "{}?code={code}&state={}",
        waiting.redirect_uri(),
        waiting.state()
    )
}

/// The answer, which is there: a test must fail where it would wait.
async fn answer(waiting: &mut PendingFlow) -> Result<AuthorizationResponse> {
    let limit = Duration::from_secs(20);
    let answer = tokio::time::timeout(limit, waiting.answer()).await;
    answer.expect("an answer in time")
}

async fn code(waiting: &mut PendingFlow) -> String {
    match answer(waiting).await.unwrap() {
        AuthorizationResponse::Code(code) => code.expose_secret().to_owned(),
        refused @ AuthorizationResponse::Refused { .. } => panic!("{refused:?}"),
    }
}

async fn failure(waiting: &mut PendingFlow) -> Code {
    answer(waiting).await.expect_err("a failure").code()
}

#[tokio::test]
async fn hostile_links_before_the_answer_do_not_end_the_wait() {
    // C2
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    for hostile in [
        "",
        "x",
        AZURE,
        "io.github.multicloudmanager://open",
        &format!("{AZURE}?code=c&state=1.x"),
    ] {
        assert!(
            matches!(redirects.deliver(hostile), Delivered::Ignored(_)),
            "{hostile}"
        );
    }
    assert!(waiting.answer().now_or_never().is_none());
    assert_eq!(
        redirects.deliver(&url(&waiting, "right")),
        Delivered::Accepted
    );
    assert_eq!(code(&mut waiting).await, "right");
}

#[tokio::test]
async fn a_link_that_arrives_twice_is_used_once() {
    // C3
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    let url = url(&waiting, "first");
    assert_eq!(redirects.deliver(&url), Delivered::Accepted);
    assert_eq!(
        redirects.deliver(&url),
        Delivered::Ignored(Reason::AlreadyUsed)
    );
    assert_eq!(code(&mut waiting).await, "first");
    assert_eq!(
        redirects.deliver(&url),
        Delivered::Ignored(Reason::AlreadyUsed)
    );
    assert_eq!(failure(&mut waiting).await, Code::Internal);
}

#[tokio::test]
async fn a_flow_expires_by_the_wall_clock() {
    // C4
    let (redirects, clock) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    let url = url(&waiting, "late");
    assert_eq!(waiting.expires_at(), clock.now() + SIGN_IN_TIMEOUT);
    clock.advance(SIGN_IN_TIMEOUT);
    assert_eq!(redirects.deliver(&url), Delivered::Ignored(Reason::TooLate));
    assert_eq!(failure(&mut waiting).await, Code::SignInExpired);
    assert_eq!(redirects.deliver(&url), Delivered::Ignored(Reason::TooLate));
}

#[tokio::test]
async fn an_answer_in_time_counts_even_when_it_is_read_late() {
    // C4
    let (redirects, clock) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    redirects.deliver(&url(&waiting, "in-time"));
    clock.advance(SIGN_IN_TIMEOUT);
    assert_eq!(code(&mut waiting).await, "in-time");
}

#[tokio::test]
async fn an_answer_from_another_issuer_ends_the_flow_without_being_used() {
    // C6
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    let url = url(&waiting, "stolen");
    let mixed_up = format!("{url}&iss=https://evil.example");
    assert_eq!(
        redirects.deliver(&mixed_up),
        Delivered::Rejected(Reason::WrongIssuer)
    );
    assert_eq!(failure(&mut waiting).await, Code::SignInRejected);
    assert_eq!(
        redirects.deliver(&url),
        Delivered::Ignored(Reason::AlreadyUsed)
    );
}

#[tokio::test]
async fn a_refusal_reaches_the_flow_that_it_names() {
    // C10
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    redirects.deliver(&format!(
        "{AZURE}?error=access_denied&state={}",
        waiting.state()
    ));
    let answer = answer(&mut waiting).await.unwrap();
    assert!(
        matches!(answer, AuthorizationResponse::Refused { error, .. } if error == "access_denied")
    );
}

#[tokio::test]
async fn a_dropped_flow_is_forgotten() {
    let (redirects, _) = redirects();
    let waiting = redirects.open_flow(azure()).await.unwrap();
    let url = url(&waiting, "unwanted");
    drop(waiting);
    assert_eq!(
        redirects.deliver(&url),
        Delivered::Ignored(Reason::Cancelled)
    );
}

#[tokio::test]
async fn a_caller_may_stop_waiting_and_wait_again() {
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    assert!(waiting.answer().now_or_never().is_none());
    redirects.deliver(&url(&waiting, "c"));
    assert_eq!(code(&mut waiting).await, "c");
}

#[tokio::test]
async fn the_ninth_flow_drops_the_oldest() {
    // C17
    let (redirects, _) = redirects();
    let mut flows = Vec::new();
    for _ in 0..9 {
        flows.push(redirects.open_flow(azure()).await.unwrap());
    }
    assert_eq!(failure(&mut flows[0]).await, Code::SignInCancelled);
    for (number, waiting) in flows.iter_mut().enumerate().skip(1).rev() {
        assert_eq!(
            redirects.deliver(&url(waiting, &format!("c{number}"))),
            Delivered::Accepted
        );
        assert_eq!(code(waiting).await, format!("c{number}"));
    }
}

#[tokio::test]
async fn expired_flows_make_room_before_a_waiting_one_has_to() {
    // C17
    let (redirects, clock) = redirects();
    let mut early = Vec::new();
    for _ in 0..7 {
        early.push(redirects.open_flow(azure()).await.unwrap());
    }
    clock.advance(SIGN_IN_TIMEOUT - Duration::from_secs(1));
    let mut recent = redirects.open_flow(azure()).await.unwrap();
    clock.advance(Duration::from_secs(1));
    for _ in 0..7 {
        early.push(redirects.open_flow(azure()).await.unwrap());
    }
    redirects.deliver(&url(&recent, "c"));
    assert_eq!(code(&mut recent).await, "c");
}

#[tokio::test]
async fn no_two_flows_share_a_state() {
    let (redirects, _) = redirects();
    let mut states = std::collections::HashSet::new();
    for _ in 0..1_000 {
        let waiting = redirects.open_flow(azure()).await.unwrap();
        // The random part alone: 32 bytes are 43 letters.
        let (_, random) = waiting.state().split_once('.').unwrap();
        assert_eq!(random.len(), 43);
        assert!(states.insert(random.to_owned()));
    }
}

#[tokio::test]
async fn only_a_private_scheme_can_be_a_deep_link() {
    for unusable in [
        "azure://auth",
        "http://localhost/x",
        "a.b://c?d",
        "a.b://c#d",
        "a.b",
        "",
        "a.b://c d",
    ] {
        assert!(private_redirect_uri(unusable).is_err(), "{unusable}");
    }
    for usable in [AZURE, "com.googleusercontent.apps.1:/oauth2redirect"] {
        assert_eq!(private_redirect_uri(usable).unwrap(), usable);
    }
}

#[tokio::test]
async fn neither_state_nor_code_shows_in_debug() {
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    redirects.deliver(&url(&waiting, "canary"));
    let answer = answer(&mut waiting).await.unwrap();
    let shown = format!("{redirects:?} {waiting:?} {answer:?}");
    let (_, random) = waiting.state().split_once('.').unwrap();
    assert!(
        !shown.contains("canary") && !shown.contains(random),
        "{shown}"
    );
}
