//! Many accounts at once: waking together after a sleep, and without a network. The provider is scripted.

#[path = "support/scripted.rs"]
mod scripted;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use mcm_core::account::{Account, Identity, SessionTimes, Target};
use mcm_core::activity::ActivityKind;
use mcm_core::app::App;
use mcm_core::credential::{Grant, Session};
use mcm_core::error::{Code, Error, Result};
use mcm_core::http::Http;
use mcm_core::resource::Resource;
use mcm_core::snapshot::{Snapshot, Status};
use mcm_core::store::Store;
use mcm_core::testing::{ManualClock, RecordedBrowser};
use mcm_core::vault::{Record, Vault};
use mcm_core::world::{Clock as _, Environment, NoScheme, Paths, World};
use scripted::Script;

const LATENCY: Duration = Duration::from_millis(50);
const HOUR: Duration = Duration::from_secs(3600);

/// A server 50 ms away.
struct Server {
    clock: Arc<ManualClock>,
    requests: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    is_offline: AtomicBool,
    /// How long the next request is asked to wait.
    asks_to_wait: Mutex<Option<Duration>>,
    /// How long the sessions live.
    life: Mutex<Duration>,
    /// The ids of everybody's targets.
    targets: Mutex<Vec<&'static str>>,
}

impl Server {
    fn session(&self) -> Session {
        let life = *self.life.lock().expect("unpoisoned");
        scripted::session("at", self.clock.now(), life)
    }
}

#[async_trait]
impl Script for Server {
    async fn refresh(&self, _: &Grant, _: &Resource) -> Result<(Option<Grant>, Session)> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        tokio::time::sleep(LATENCY).await;
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        if self.is_offline.load(Ordering::SeqCst) {
            let message = "login.example cannot be reached.";
            return Err(Error::new(Code::Offline, message));
        }
        let wait = self.asks_to_wait.lock().expect("unpoisoned").take();
        if wait.is_some() {
            let error = Error::new(Code::Throttled, "login.example asked to wait.");
            return Err(error.with_retry_after(wait));
        }
        Ok((None, self.session()))
    }

    fn targets(&self) -> Vec<Target> {
        let target = |id: &&str| Target {
            id: (*id).into(),
            name: (*id).into(),
            state: None,
            parent: None,
        };
        let targets = self.targets.lock().expect("unpoisoned");
        targets.iter().map(target).collect()
    }
}

struct Harness {
    server: Arc<Server>,
    app: Arc<App>,
    world: World,
    _home: tempfile::TempDir,
}

impl Harness {
    /// An app with this many accounts, all of them connected.
    async fn with_accounts(count: usize) -> Self {
        let clock = ManualClock::new("2026-11-24T09:00:00Z".parse().expect("a time"));
        let server = Arc::new(Server {
            clock: clock.clone(),
            requests: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            is_offline: AtomicBool::new(false),
            asks_to_wait: Mutex::default(),
            life: Mutex::new(HOUR),
            targets: Mutex::new(vec!["a", "b"]),
        });
        let home = tempfile::tempdir().expect("a folder");
        let world = World {
            clock,
            http: Http::default(),
            vault: Vault::in_memory(),
            browser: Arc::new(RecordedBrowser::default()),
            scheme: Arc::new(NoScheme),
            paths: Paths::below(home.path()),
            environment: Environment::from_pairs([(
                "AZURE_CLIENT_ID",
                "11111111-2222-3333-4444-555555555555",
            )]),
        };
        let users: Vec<Account> = (0..count).map(|number| user(number, &server)).collect();
        for account in &users {
            let grant = scripted::grant("rt", world.clock.now());
            world
                .vault
                .write(&Record::grant(&account.grant), grant.to_bytes())
                .await
                .expect("written");
        }
        Store::in_folder(&world.paths.data)
            .change(|change| users.iter().try_for_each(|user| change.put(user)))
            .await
            .expect("written");
        let app = scripted::open(world.clone(), &server);
        Self {
            server,
            app,
            world,
            _home: home,
        }
    }

    fn restart(&mut self) {
        self.app = scripted::open(self.world.clone(), &self.server);
    }
}

fn user(number: usize, server: &Server) -> Account {
    let identity = Identity::Azure {
        home: format!("user-{number}"),
        tenant_id: format!("tenant-{number}"),
        tenant_name: None,
        default_domain: None,
        username: format!("user-{number}@contoso.example"),
    };
    let now = server.clock.now();
    let mut account = Account::new(identity, now);
    account.session = Some(server.session().times);
    account.targets = server.targets();
    account.targets_read_at = Some(now + 24 * HOUR);
    account
}

async fn until(app: &App, what: impl Fn(&Snapshot) -> bool) {
    let mut snapshots = app.watch();
    let seen = snapshots.wait_for(|snapshot| what(snapshot));
    tokio::time::timeout(Duration::from_secs(30), seen)
        .await
        .expect("it happened in time")
        .expect("the app lives");
}

fn all(status: Status) -> impl Fn(&Snapshot) -> bool {
    move |snapshot| {
        snapshot
            .accounts
            .iter()
            .all(|account| account.status == status)
    }
}

#[tokio::test]
async fn two_hundred_accounts_that_wake_together_ask_the_server_eight_at_a_time() {
    let mut harness = Harness::with_accounts(200).await;
    harness.server.clock.advance(24 * HOUR);
    harness.restart();
    harness.app.start_background_tasks();
    until(&harness.app, |snapshot| {
        snapshot
            .accounts
            .iter()
            .all(|account| account.session.is_some())
    })
    .await;
    assert_eq!(
        harness.server.requests.load(Ordering::SeqCst),
        200,
        "each is renewed once"
    );
    assert!(
        harness.server.most_at_once.load(Ordering::SeqCst) <= 8,
        "no storm"
    );
}

#[tokio::test]
async fn a_cloud_that_asks_one_account_to_wait_is_left_alone_by_the_others() {
    let mut harness = Harness::with_accounts(40).await;
    harness.server.clock.advance(24 * HOUR);
    *harness.server.asks_to_wait.lock().expect("unpoisoned") = Some(Duration::from_secs(120));
    harness.restart();
    harness.app.start_background_tasks();
    until(&harness.app, |snapshot| {
        snapshot
            .accounts
            .iter()
            .any(|account| account.retry_at.is_some())
    })
    .await;
    harness.app.finish().await;
    let asked = harness.server.requests.load(Ordering::SeqCst);
    // What was on its way with the first eight, and what began before the answer was stored.
    assert!(
        asked <= 16,
        "{asked} accounts asked although the cloud wanted a pause"
    );
    harness.server.clock.advance(Duration::from_secs(60));
    harness.app.finish().await;
    assert_eq!(
        harness.server.requests.load(Ordering::SeqCst),
        asked,
        "no request while the cloud wants to be left alone"
    );
    harness.server.clock.advance(Duration::from_secs(120));
    until(&harness.app, |snapshot| {
        snapshot
            .accounts
            .iter()
            .all(|account| account.session.is_some())
    })
    .await;
}

#[tokio::test]
async fn without_a_network_the_last_known_state_is_shown_at_once_and_comes_back_by_itself() {
    let mut harness = Harness::with_accounts(3).await;
    harness.server.clock.advance(24 * HOUR);
    harness.server.is_offline.store(true, Ordering::SeqCst);
    harness.restart();
    assert_eq!(
        harness.app.watch().borrow().accounts.len(),
        3,
        "before anything was asked"
    );
    harness.app.start_background_tasks();
    until(&harness.app, |snapshot| {
        snapshot.is_offline() && all(Status::Offline)(snapshot)
    })
    .await;
    harness.app.finish().await;
    harness.server.is_offline.store(false, Ordering::SeqCst);
    harness.server.clock.advance(Duration::from_secs(600));
    until(&harness.app, |snapshot| {
        !snapshot.is_offline() && all(Status::Connected)(snapshot)
    })
    .await;
}

#[tokio::test]
async fn failures_without_a_network_are_asked_again_ever_more_rarely() {
    let mut harness = Harness::with_accounts(1).await;
    harness.server.clock.advance(24 * HOUR);
    harness.server.is_offline.store(true, Ordering::SeqCst);
    harness.restart();
    harness.app.start_background_tasks();
    // A minute at a time, for an hour: at most the first waits (5 to 160 s) and one in five minutes after them.
    for _ in 0..60 {
        harness.app.finish().await;
        harness.server.clock.advance(Duration::from_secs(60));
        harness.server.clock.asleep().await;
    }
    harness.app.finish().await;
    let asked = harness.server.requests.load(Ordering::SeqCst);
    assert!((2..=24).contains(&asked), "asked {asked} times in an hour");
}

#[tokio::test]
async fn lists_are_read_again_by_the_day_and_what_changed_is_reported() {
    let mut harness = Harness::with_accounts(1).await;
    // The list was read a day ahead of the first renewal; from there on the days are counted.
    for (days, targets, change) in [
        (2, vec!["a", "b"], None),
        (1, vec!["b", "c", "d"], Some((2, 1))),
        (1, vec!["b", "c", "d"], Some((2, 1))),
    ] {
        *harness.server.targets.lock().expect("unpoisoned") = targets;
        harness.server.clock.advance(days * 24 * HOUR);
        let now = harness.server.clock.now();
        harness.restart();
        harness.app.start_background_tasks();
        until(&harness.app, |snapshot| {
            snapshot.accounts[0].targets_read_at == Some(now)
        })
        .await;
        let row = harness.app.watch().borrow().accounts[0].clone();
        assert_eq!(
            row.targets_change
                .map(|change| (change.added, change.removed)),
            change
        );
    }
    let reported = harness
        .app
        .activity(None, 10)
        .into_iter()
        .filter(|entry| matches!(entry.what, ActivityKind::TargetsChanged { .. }));
    let reported: Vec<ActivityKind> = reported.map(|entry| entry.what).collect();
    assert_eq!(
        reported,
        [ActivityKind::TargetsChanged {
            added: 2,
            removed: 1
        }],
        "reported once"
    );
}

#[tokio::test]
async fn an_impossible_expiry_blocks_no_other_renewal() {
    for odd in [Timestamp::MIN, Timestamp::MAX] {
        let harness = Harness::with_accounts(2).await;
        let store = Store::in_folder(&harness.world.paths.data);
        let first = store.read().expect("readable").accounts[0].id.clone();
        let edit = |account: &mut Account| {
            account.session = Some(SessionTimes {
                issued_at: odd,
                expires_at: odd,
            });
            Ok(())
        };
        let edited = store.change(|change| change.edit(&first, edit)).await;
        edited.expect("written").expect("connected");
        harness.server.clock.advance(2 * HOUR);
        let now = harness.server.clock.now();
        harness.app.start_background_tasks();
        let renewed = |snapshot: &Snapshot| {
            let mut others = snapshot
                .accounts
                .iter()
                .filter(|account| account.id != first);
            others.all(|account| {
                account
                    .session
                    .is_some_and(|session| session.issued_at == now)
            })
        };
        until(&harness.app, renewed).await;
    }
}

#[tokio::test]
async fn a_session_that_is_over_on_arrival_is_requested_once_and_not_by_everyone() {
    let harness = Harness::with_accounts(1).await;
    *harness.server.life.lock().expect("unpoisoned") = Duration::ZERO;
    harness.server.clock.advance(2 * HOUR);
    let id = harness.app.stored().expect("readable").accounts[0]
        .id
        .clone();
    for _ in 0..20 {
        let process = scripted::open(harness.world.clone(), &harness.server);
        let error = process.session(&id).await.expect_err("of no use");
        assert_eq!(error.code(), Code::ServerFailed);
    }
    assert_eq!(harness.server.requests.load(Ordering::SeqCst), 1);
    *harness.server.life.lock().expect("unpoisoned") = HOUR;
    harness.server.clock.advance(HOUR);
    harness.app.session(&id).await.expect("asked again later");
}
