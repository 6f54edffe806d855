//! How long things last: lives in odd forms, and clocks that are off by a day.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mcm_core::credential::Session;
use mcm_core::error::Code;
use mcm_core::world::Clock as _;
use sandbox_clouds::{Clock, Endpoint, Fault, Options, Status};
use serde_json::{Value, json};

use super::{ADMIN, READER, connect, count, credentials, read, set};
use crate::harness::Harness;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn minutes_left(harness: &Harness, session: &Session) -> i64 {
    let left = session.times.expires_at.duration_since(harness.clock.now());
    (left.as_secs() + 30) / 60
}

#[tokio::test]
async fn an_access_token_lives_as_long_as_is_said_in_any_form_and_no_longer_than_half_a_day() {
    // I17
    for (stated, good_for, over_after) in [
        (json!(3600), 50, 60),
        (json!("3600"), 50, 60),
        (json!("3600.0"), 50, 60),
        (json!(3600.7), 50, 60),
        (Value::Null, 4, 11),
        (json!(0), 4, 11),
        (json!(-5), 4, 11),
        (json!("soon"), 4, 11),
        (json!({ "seconds": 3600 }), 4, 11),
        (json!(1_000_000_000), 11 * 60, 12 * 60),
        (json!(u64::MAX), 11 * 60, 12 * 60),
    ] {
        let harness = Harness::start().await;
        set(&harness, |policy| {
            // The stand-in's own tokens outlive what it says of them.
            policy.access_token_life = 30 * 3600;
            policy.stated_life = Some(stated.clone());
        });
        let id = connect(&harness).await.expect("connected");
        read(&harness, &id).await;
        harness.clouds.forget_requests();
        harness.clock.advance(Duration::from_secs(good_for * 60));
        credentials(&harness, &id, ADMIN).await.expect("issued");
        assert_eq!(count(&harness, Endpoint::CenterToken), 0, "{stated}: good");
        let rest = Duration::from_secs((over_after - good_for) * 60);
        harness.clock.advance(rest);
        credentials(&harness, &id, READER).await.expect("issued");
        assert_eq!(count(&harness, Endpoint::CenterToken), 1, "{stated}: over");
    }
}

#[tokio::test]
async fn the_end_of_a_roles_credentials_is_read_in_milliseconds_in_seconds_and_as_text() {
    // I17
    let now = Harness::start().await.clock.now();
    let (seconds, milliseconds) = (now.as_second(), now.as_millisecond());
    for (expiration, minutes) in [
        (json!(milliseconds + 2 * 3_600_000), 120),
        (json!((milliseconds + 2 * 3_600_000).to_string()), 120),
        (json!(seconds + 2 * 3600), 120),
        (json!((seconds + 2 * 3600).to_string()), 120),
        (Value::Null, 60),
        (json!(0), 60),
        (json!("tomorrow"), 60),
        // A permission set's session is twelve hours at most.
        (json!(milliseconds + 90 * 86_400_000), 12 * 60),
    ] {
        let harness = Harness::start().await;
        let id = connect(&harness).await.expect("connected");
        read(&harness, &id).await;
        let body = json!({ "roleCredentials": {
            "accessKeyId": "ASIAODDLIFE000000000",
            "secretAccessKey": "odd",
            "sessionToken": "odd",
            "expiration": expiration,
        }});
        let status = Status {
            code: 200,
            body: body.to_string(),
            ..Status::default()
        };
        let faults = harness.clouds.faults();
        faults.next(Endpoint::CenterCredentials, Fault::Status(status));
        let session = credentials(&harness, &id, ADMIN).await.expect("issued");
        assert_eq!(minutes_left(&harness, &session), minutes, "{expiration}");
    }
}

/// A harness whose clouds' clock is ahead of the app's by as many seconds as the test says.
async fn skewed() -> (Harness, Arc<AtomicI64>) {
    let skew = Arc::new(AtomicI64::new(0));
    let ahead = skew.clone();
    let change = |options: &mut Options| {
        let app = options.clock.clone();
        let now = move || app.now() + SignedDuration::from_secs(ahead.load(Ordering::SeqCst));
        options.clock = Clock::new(now);
    };
    (Harness::with(change, &[]).await, skew)
}

#[tokio::test]
async fn a_clock_that_is_a_day_off_is_named_at_a_sign_in_and_nothing_is_stored() {
    // I17
    for (skew, direction) in [(DAY, "behind"), (-DAY, "ahead of")] {
        let (harness, server) = skewed().await;
        server.store(skew.as_secs(), Ordering::SeqCst);
        let error = connect(&harness).await.expect_err("the clock is off");
        assert_eq!(error.code(), Code::ClockOff, "{error}");
        assert!(
            error.message().contains("1440 minutes") && error.message().contains(direction),
            "{error}"
        );
        assert!(harness.rows().is_empty());
        server.store(0, Ordering::SeqCst);
        connect(&harness).await.expect("the clock is set");
    }
}

#[tokio::test]
async fn roles_work_while_the_clock_is_a_day_off_and_expire_by_this_clock() {
    // I17
    for skew in [DAY, -DAY] {
        let (harness, server) = skewed().await;
        let id = connect(&harness).await.expect("connected");
        read(&harness, &id).await;
        let before = credentials(&harness, &id, ADMIN).await.expect("issued");
        // This machine's clock jumps; the clouds' goes on.
        let jumped = harness.clock.now() - skew;
        server.store(skew.as_secs(), Ordering::SeqCst);
        harness.clock.set(jumped);
        for pair in [ADMIN, READER] {
            let session = credentials(&harness, &id, pair).await.expect("issued");
            assert_eq!(minutes_left(&harness, &session), 60, "{skew:#} {pair}");
        }
        let admin = credentials(&harness, &id, ADMIN).await.expect("issued");
        assert_ne!(
            key(&admin),
            key(&before),
            "what this clock says nothing about is not issued"
        );
        harness.clouds.forget_requests();
        credentials(&harness, &id, ADMIN).await.expect("issued");
        assert_eq!(
            count(&harness, Endpoint::CenterCredentials),
            0,
            "it is kept"
        );
        harness.clock.advance(Duration::from_secs(61 * 60));
        let later = credentials(&harness, &id, ADMIN).await.expect("issued");
        assert_ne!(key(&later), key(&admin), "and ends by this clock");
        assert!(
            (1..=2).contains(&count(&harness, Endpoint::CenterCredentials)),
            "a token that AWS ended earlier is renewed once"
        );
        // The clock is set right again.
        let right: Timestamp = harness.clock.now() + skew;
        server.store(0, Ordering::SeqCst);
        harness.clock.set(right);
        let session = credentials(&harness, &id, READER).await.expect("issued");
        assert!(minutes_left(&harness, &session) <= 60, "{skew:#}");
        assert!(minutes_left(&harness, &session) >= 15, "{skew:#}");
    }
}

fn key(session: &Session) -> String {
    let keys = session.access_keys().expect("keys");
    keys.access_key_id.clone()
}
