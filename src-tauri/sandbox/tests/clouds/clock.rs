//! Time for tests: the system's, and a clock whose hands a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use sandbox_clouds::{Clock, Options, Sandbox};

pub(crate) fn now() -> Timestamp {
    Clock::system().now()
}

/// The hands of a clock that stands still until they are moved.
pub(crate) struct Hands {
    pub(crate) start: Timestamp,
    seconds: Arc<AtomicI64>,
}

impl Hands {
    /// So many seconds after the start.
    pub(crate) fn move_to(&self, seconds: i64) {
        self.seconds.store(seconds, Ordering::Relaxed);
    }
}

/// A sandbox that lives by a clock of the test's.
pub(crate) async fn sandbox_with_clock(options: Options) -> (Sandbox, Hands) {
    let hands = Hands {
        start: now(),
        seconds: Arc::default(),
    };
    let (start, seconds) = (hands.start, Arc::clone(&hands.seconds));
    let clock =
        Clock::new(move || start + SignedDuration::from_secs(seconds.load(Ordering::Relaxed)));
    let clouds = Sandbox::start(Options { clock, ..options })
        .await
        .expect("free ports");
    (clouds, hands)
}
