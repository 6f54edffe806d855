//! What tests put in the place of the world's parts. Nothing of the product uses it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use url::Url;

use crate::environment::ConsoleWarning;
use crate::error::Result;
use crate::loopback::HttpsForced;
use crate::world::{Browser, Clock};

/// A clock that moves only when a test moves it.
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
    sleepers: watch::Sender<Sleepers>,
}

/// Until when each caller of `sleep_until` sleeps.
#[derive(Default)]
struct Sleepers {
    last: u64,
    until: BTreeMap<u64, Timestamp>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            now: watch::Sender::new(start),
            sleepers: watch::Sender::default(),
        })
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now += by);
    }

    /// Sets the clock, also backwards.
    pub fn set(&self, to: Timestamp) {
        self.now.send_replace(to);
    }

    /// Waits until a task sleeps that this time does not wake.
    pub async fn asleep(&self) {
        let mut sleepers = self.sleepers.subscribe();
        let is_asleep =
            |sleepers: &Sleepers| sleepers.until.values().any(|until| *until > self.now());
        // The sender exists as long as `self`, so waiting cannot fail.
        let _ = sleepers.wait_for(is_asleep).await;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, at: Timestamp) {
        let mut clock = self.now.subscribe();
        let _asleep = Asleep::new(&self.sleepers, at);
        // The sender exists as long as `self`, so waiting cannot fail.
        let _ = clock.wait_for(|now| *now >= at).await;
    }
}

/// A caller of `sleep_until`, until it wakes or gives up.
struct Asleep<'a> {
    sleepers: &'a watch::Sender<Sleepers>,
    number: u64,
}

impl<'a> Asleep<'a> {
    fn new(sleepers: &'a watch::Sender<Sleepers>, until: Timestamp) -> Self {
        let mut number = 0;
        sleepers.send_modify(|sleepers| {
            sleepers.last += 1;
            number = sleepers.last;
            sleepers.until.insert(number, until);
        });
        Self { sleepers, number }
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.sleepers.send_modify(|sleepers| {
            sleepers.until.remove(&self.number);
        });
    }
}

/// A browser for tests: keeps the last page for a scripted user to visit.
#[derive(Default)]
pub struct RecordedBrowser {
    page: Mutex<Option<Url>>,
    isolated: AtomicUsize,
    warnings: Mutex<Vec<ConsoleWarning>>,
    opened: Notify,
}

impl RecordedBrowser {
    /// How many isolated windows were opened.
    pub fn isolated(&self) -> usize {
        self.isolated.load(Ordering::SeqCst)
    }

    /// The warnings that were shown before pages.
    pub fn warnings(&self) -> Vec<ConsoleWarning> {
        self.warnings
            .lock()
            .expect("no code panics while it holds this lock")
            .clone()
    }

    /// Waits until a page was opened, and takes it.
    pub async fn next_page(&self) -> Url {
        loop {
            if let Some(page) = self
                .page
                .lock()
                .expect("no code panics while it holds this lock")
                .take()
            {
                return page;
            }
            self.opened.notified().await;
        }
    }
}

#[async_trait]
impl Browser for RecordedBrowser {
    async fn open(
        &self,
        page: &Url,
        warning: Option<&ConsoleWarning>,
        _: &HttpsForced,
    ) -> Result<()> {
        self.warnings
            .lock()
            .expect("no code panics while it holds this lock")
            .extend(warning.cloned());
        *self
            .page
            .lock()
            .expect("no code panics while it holds this lock") = Some(page.clone());
        self.opened.notify_one();
        Ok(())
    }

    async fn open_isolated(&self, page: &Url, warning: Option<&ConsoleWarning>) -> Result<()> {
        self.isolated.fetch_add(1, Ordering::SeqCst);
        self.open(page, warning, &HttpsForced::default()).await
    }
}

/// Says that a test could not check anything, past the runner, which hides what a passing test prints.
pub fn not_checked(why: &str) {
    // Where nothing can be written, there is no reader to inform.
    let _ = writeln!(std::io::stderr().lock(), "NOT CHECKED: {why}");
}

/// Whether this machine has IPv6 on loopback. Says so when it has not.
pub fn has_ipv6() -> bool {
    let has = std::net::TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, 0)).is_ok();
    if !has {
        not_checked("this machine has no IPv6.");
    }
    has
}

/// Whether this process may run another as another user. Says so when it may not.
#[cfg(unix)]
pub fn may_run_as_another_user() -> bool {
    let may = rustix::process::getuid().is_root();
    if !may {
        not_checked("only the administrator can run a process as another user.");
    }
    may
}
