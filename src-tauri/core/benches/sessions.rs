//! What a session costs: from memory, from the keychain, and with a renewal; and two hundred accounts waking together.
//!
//! Prints figures and asserts nothing, because machines are noisy; ratios within one run are what to compare. Needs a
//! session bus with an unlocked keychain: `make bench` provides one of its own.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mcm_core::account::{AccountId, Cloud};
use mcm_core::app::{App, Connect, OnDuplicate};
use mcm_core::http::Http;
use mcm_core::redirect::Frontend;
use mcm_core::snapshot::AccountView;
use mcm_core::testing::{ManualClock, RecordedBrowser};
use mcm_core::vault::Vault;
use mcm_core::world::{Clock as _, Environment, NoScheme, Paths, World};
use sandbox_clouds::AzureDirectory;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Clock, Endpoint, Fault, Options, Sandbox};

const SLEEPERS: usize = 200;
const LATENCY: u64 = 50;
const HOUR: Duration = Duration::from_secs(3600);

struct Harness {
    clouds: Sandbox,
    clock: Arc<ManualClock>,
    app: Arc<App>,
    world: World,
    browser: Arc<RecordedBrowser>,
    id: AccountId,
    _home: tempfile::TempDir,
}

impl Harness {
    async fn over(vault: impl FnOnce(&Paths) -> Vault) -> Self {
        let clock = ManualClock::new("2026-11-24T09:00:00Z".parse().expect("a time"));
        let time = clock.clone();
        let options = Options {
            clock: Clock::new(move || time.now()),
            azure: (1..SLEEPERS).fold(AzureDirectory::of_size(1, 1), |directory, number| {
                directory.user(&sleeper(number), "A user", &[])
            }),
            ..Options::default()
        };
        let clouds = Sandbox::start(options).await.expect("loopback ports");
        let home = tempfile::tempdir().expect("a folder");
        let paths = Paths::below(home.path());
        let browser = Arc::new(RecordedBrowser::default());
        let variables = clouds.environment();
        let world = World {
            clock: clock.clone(),
            http: Http::default(),
            vault: vault(&paths),
            browser: browser.clone(),
            scheme: Arc::new(NoScheme),
            paths,
            environment: Environment::from_pairs(
                variables
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            ),
        };
        let app = App::open(world.clone(), Frontend::Terminal);
        let id = sign_in(&app, &browser, &sleeper(0)).await;
        Self {
            clouds,
            clock,
            app,
            world,
            browser,
            id,
            _home: home,
        }
    }

    async fn sign_in(&self, email: &str) -> AccountId {
        sign_in(&self.app, &self.browser, email).await
    }
}

/// The user with this number; 0 is the one of the other measurements.
fn sleeper(number: usize) -> String {
    if number == 0 {
        "ada@tenant-1.example".to_owned()
    } else {
        format!("user-{number}@tenant-1.example")
    }
}

async fn sign_in(app: &App, browser: &RecordedBrowser, email: &str) -> AccountId {
    let request = Connect {
        on_duplicate: OnDuplicate::KeepBoth,
        ..Connect::new(Cloud::Azure)
    };
    let sign_in = app.connect(request).expect("started");
    let page = browser.next_page().await;
    Browser::new().as_user(email).browse(page.as_str()).await;
    app.sign_in_ended(sign_in).await.expect("connected")
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn now() -> Instant {
    Instant::now()
}

/// The median of `rounds` runs.
async fn median<F: Future<Output = ()>>(rounds: usize, mut run: impl FnMut() -> F) -> Duration {
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = now();
        run().await;
        times.push(start.elapsed());
    }
    times.sort();
    times[rounds / 2]
}

async fn warm(harness: &Harness) -> Duration {
    median(200, || async {
        harness.app.session(&harness.id).await.expect("warm");
    })
    .await
}

async fn renewal(harness: &Harness) -> Duration {
    median(30, || async {
        harness.clock.advance(2 * HOUR);
        harness.app.session(&harness.id).await.expect("renewed");
    })
    .await
}

/// How long it takes until every one of many users' accounts, whose sessions are over, has a new one.
async fn waking(harness: &Harness) -> Duration {
    for number in 1..SLEEPERS {
        harness.sign_in(&sleeper(number)).await;
    }
    harness
        .clouds
        .faults()
        .always(Endpoint::AzureToken, Fault::Latency(LATENCY));
    harness.clock.advance(2 * HOUR);
    let app = App::open(harness.world.clone(), Frontend::Terminal);
    let start = now();
    app.start_background_tasks();
    let mut snapshots = app.watch();
    let now_there = harness.clock.now();
    let awake = |snapshot: &Arc<mcm_core::snapshot::Snapshot>| {
        let is_awake = |row: &AccountView| {
            row.session
                .is_some_and(|times| times.expires_at > now_there)
        };
        snapshot.accounts.len() == SLEEPERS && snapshot.accounts.iter().all(is_awake)
    };
    snapshots.wait_for(awake).await.expect("the app lives");
    start.elapsed()
}

#[tokio::main]
async fn main() {
    let mut out = std::io::stdout();
    let mut line = |what: &str, time: Duration, against: Option<(&str, Duration)>| {
        let ratio = against.map_or_else(String::new, |(name, base)| {
            format!(
                "  {:.1} times {name}",
                time.as_secs_f64() / base.as_secs_f64()
            )
        });
        let _ = writeln!(
            out,
            "{what:<44} {:>9.3} ms{ratio}",
            time.as_secs_f64() * 1e3
        );
    };
    let memory = Harness::over(|_| Vault::in_memory()).await;
    let from_memory = warm(&memory).await;
    line("a session, vault in memory", from_memory, None);
    let keychain = Harness::over(|paths| {
        Vault::platform("io.github.multicloudmanager.bench", paths.keychain_lock())
    })
    .await;
    let from_keychain = warm(&keychain).await;
    line(
        "a session, vault in the keychain",
        from_keychain,
        Some(("from memory", from_memory)),
    );
    let renewed = renewal(&keychain).await;
    line(
        "a session, with a renewal",
        renewed,
        Some(("from the keychain", from_keychain)),
    );
    let ideal = Duration::from_millis(SLEEPERS as u64 * LATENCY / 8);
    let woken = waking(&memory).await;
    line(
        "200 accounts waking, 50 ms away, 8 at a time",
        woken,
        Some(("the latency alone", ideal)),
    );
    keychain.world.vault.sweep_all().await.expect("swept");
}
