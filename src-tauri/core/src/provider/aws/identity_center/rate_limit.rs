//! The rate at which the access portal is asked. It is one for all calls of a process, because AWS counts them together.
//!
//! AWS publishes no limit; users measure about 20 calls a second. A bucket of nine calls that fills by ten a second sends
//! at most nineteen in any second.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, sleep};

const CALLS_PER_SECOND: f64 = 10.0;
const BURST: f64 = 9.0;
/// How long the rate is half after the portal asked to wait.
const SLOW_TIME: Duration = Duration::from_secs(30);
/// The pause when the portal does not say how long.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The state of the bucket.
pub(in crate::provider::aws) struct RateLimiter(Mutex<Bucket>);

struct Bucket {
    calls: f64,
    filled_at: Option<Instant>,
    slow_until: Option<Instant>,
    paused_until: Option<Instant>,
}

impl Default for RateLimiter {
    fn default() -> Self {
        Self(Mutex::new(Bucket {
            calls: BURST,
            filled_at: None,
            slow_until: None,
            paused_until: None,
        }))
    }
}

impl RateLimiter {
    /// Waits until one more call may be made.
    pub(in crate::provider::aws) async fn wait(&self) {
        loop {
            let wait = {
                let mut bucket = self.bucket();
                let now = Instant::now();
                bucket.fill(now);
                match bucket.paused_until.filter(|until| *until > now) {
                    Some(until) => until - now,
                    None if bucket.calls >= 1.0 => {
                        bucket.calls -= 1.0;
                        return;
                    }
                    None => Duration::from_secs_f64((1.0 - bucket.calls) / bucket.rate(now)),
                }
            };
            sleep(wait).await;
        }
    }

    /// Counts a call that does not wait, because a user waits for it.
    pub(in crate::provider::aws) fn count(&self) {
        let mut bucket = self.bucket();
        bucket.fill(Instant::now());
        bucket.calls -= 1.0;
    }

    /// The portal asked to wait.
    pub(in crate::provider::aws) fn slow_down(&self, asked: Option<Duration>) {
        let mut bucket = self.bucket();
        let now = Instant::now();
        bucket.fill(now);
        bucket.calls = bucket.calls.min(0.0);
        bucket.slow_until = Some(now + SLOW_TIME);
        bucket.paused_until = Some(now + asked.unwrap_or(PAUSE).min(LONGEST_PAUSE));
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.0
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

impl Bucket {
    fn rate(&self, now: Instant) -> f64 {
        if self.slow_until.is_some_and(|until| until > now) {
            CALLS_PER_SECOND / 2.0
        } else {
            CALLS_PER_SECOND
        }
    }

    fn fill(&mut self, now: Instant) {
        let since = self.filled_at.replace(now).unwrap_or(now);
        let filled = (now - since).as_secs_f64() * self.rate(now);
        self.calls = (self.calls + filled).min(BURST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn times(limiter: &RateLimiter, calls: usize) -> Vec<Instant> {
        let mut times = Vec::new();
        for _ in 0..calls {
            limiter.wait().await;
            times.push(Instant::now());
        }
        times
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_calls_take_less_than_two_minutes_and_no_second_has_more_than_twenty() {
        // I15
        let (limiter, start) = (RateLimiter::default(), Instant::now());
        let times = times(&limiter, 1_011).await;
        assert!(
            start.elapsed() < Duration::from_secs(110),
            "{:?}",
            start.elapsed()
        );
        let busiest = (0..times.len()).map(|first| {
            let end = times[first] + Duration::from_secs(1);
            times[first..].iter().take_while(|at| **at < end).count()
        });
        assert!(busiest.max() <= Some(20));
    }

    #[tokio::test(start_paused = true)]
    async fn a_portal_that_asks_to_wait_is_left_alone_and_then_asked_half_as_often() {
        let limiter = RateLimiter::default();
        let start = Instant::now();
        limiter.slow_down(Some(Duration::from_secs(3)));
        limiter.wait().await;
        assert!(start.elapsed() >= Duration::from_secs(3));
        let start = Instant::now();
        times(&limiter, 30).await;
        assert!(
            start.elapsed() >= Duration::from_secs(4),
            "{:?}",
            start.elapsed()
        );
    }
}
