//! When a session has to be renewed: before it is issued, and ahead of time in the background.
//!
//! Pure: every function gets the time. Storage may contain any time, so that no sum may overflow.

use std::time::Duration;

use jiff::Timestamp;

use crate::account::{AccountId, Cloud, SessionTimes};
use crate::provider;

/// How much earlier the app renews by itself, so that no caller has to wait.
const BACKGROUND_HEAD_START: Duration = Duration::from_secs(5 * 60);
/// A clock that was set back by more than this makes every session suspect.
pub(super) const CLOCK_TOLERANCE: Duration = Duration::from_secs(120);

/// The time from which a session has to be renewed before it is issued: when less remains than its cloud's clients
/// need, but never before half of its lifetime, so that a server with very short lifetimes is not asked at every
/// call.
pub fn renewal_due(cloud: Cloud, times: &SessionTimes) -> Timestamp {
    let half = (times
        .issued_at
        .duration_since(times.expires_at)
        .unsigned_abs())
        / 2;
    // Storage may contain any time.
    earlier(
        times.expires_at,
        provider::renew_before_expiry(cloud).min(half),
    )
}

/// The time at which the app renews a session by itself: ahead of `renewal_due`, spread by the account's id so that
/// accounts that were connected together are not renewed together.
pub fn renewal_planned(cloud: Cloud, account: &AccountId, times: &SessionTimes) -> Timestamp {
    let due = renewal_due(cloud, times);
    let half = times.issued_at.duration_since(due).unsigned_abs() / 2;
    let spread = account.as_str().bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    }) % 1000;
    due - BACKGROUND_HEAD_START
        .min(half)
        .mul_f64(0.5 + f64::from(spread) / 2000.0)
}

/// Whether a session can be issued now.
pub fn is_fresh(cloud: Cloud, times: &SessionTimes, now: Timestamp) -> bool {
    now < renewal_due(cloud, times) && later(now, CLOCK_TOLERANCE) >= times.issued_at
}

/// A time before another, or the first possible one.
fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// A time after another, or the last possible one.
pub(super) fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
