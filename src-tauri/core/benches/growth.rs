//! What many accounts cost inside a process, and the homes with many accounts that `scripts/growth.py` measures `mcm` in.
//!
//! `growth fill FOLDER COUNT TARGETS` adds accounts to a data folder, `growth fill-center FOLDER ACCOUNTS ROLES` roles to the
//! sign-in to IAM Identity Center in it. Without arguments it prints figures and asserts
//! nothing, because machines are noisy; ratios within one run are what to compare.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mcm_core::account::{Account, Identity, SessionTimes, Target};
use mcm_core::activity::ActivityKind;
use mcm_core::app::App;
use mcm_core::http::Http;
use mcm_core::redirect::Frontend;
use mcm_core::store::{Change, Store};
use mcm_core::testing::{ManualClock, RecordedBrowser};
use mcm_core::vault::Vault;
use mcm_core::world::{Clock as _, Environment, NoScheme, Paths, SystemClock, World};

const SIZES: [(usize, usize); 4] = [(1, 12), (1_000, 12), (1_000, 60), (10_000, 12)];
const ROUNDS: usize = 20;
const START: &str = "2026-11-24T09:00:00Z";

fn account(number: usize, targets: usize, now: Timestamp) -> Account {
    let identity = Identity::Azure {
        home: format!("user-{number}"),
        tenant_id: format!("00000000-0000-4000-8000-{number:012}"),
        tenant_name: Some(format!("Customer {number:05}")),
        default_domain: Some(format!("customer-{number:05}.example")),
        username: format!("ada@customer-{number:05}.example"),
    };
    let target = |which| Target {
        id: format!("{number:08}-0000-4000-8000-{which:012}"),
        name: format!("Subscription {which} of {number:05}"),
        state: Some("Enabled".into()),
        parent: None,
    };
    let mut account = Account::new(identity, now);
    account.targets = (0..targets).map(target).collect();
    account.targets_read_at = Some(now);
    account.session = Some(SessionTimes {
        issued_at: now,
        expires_at: now + Duration::from_secs(8 * 3600),
    });
    account
}

/// Adds accounts whose sessions have just begun, so that none is renewed for hours.
async fn fill(data: &Path, count: usize, targets: usize, now: Timestamp) {
    let accounts = (0..count).map(|number| account(number, targets, now));
    let accounts: Vec<Account> = accounts.collect();
    let put = |change: &Change<'_>| accounts.iter().try_for_each(|account| change.put(account));
    let store = Store::in_folder(data);
    store.change(put).await.expect("written");
}

fn start() -> Timestamp {
    START.parse().expect("a time")
}

fn world(home: &Path) -> World {
    World {
        clock: ManualClock::new(start()),
        http: Http::default(),
        vault: Vault::in_memory(),
        browser: Arc::new(RecordedBrowser::default()),
        scheme: Arc::new(NoScheme),
        paths: Paths::below(home),
        environment: Environment::default(),
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn timed<T>(run: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = run();
    (start.elapsed(), result)
}

fn median(run: impl Fn()) -> Duration {
    let mut times: Vec<_> = (0..ROUNDS).map(|_| timed(&run).0).collect();
    times.sort();
    times[ROUNDS / 2]
}

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, mode, folder, count, targets] = arguments.as_slice() {
        let number = |text: &String| text.parse().expect("a number");
        let (folder, count, targets) = (Path::new(folder), number(count), number(targets));
        return match mode.as_str() {
            "fill" => fill(folder, count, targets, SystemClock.now()).await,
            "fill-center" => fill_center(folder, count, targets).await,
            other => panic!("{other} is neither fill nor fill-center"),
        };
    }
    let mut table = Vec::new();
    for (count, targets) in SIZES {
        table.push(measure(count, targets).await);
    }
    print(&table);
    measure_center().await;
}

/// The roles of an organisation, as a sign-in to IAM Identity Center lists them.
fn roles(accounts: usize, roles: usize) -> impl Iterator<Item = Target> {
    (0..accounts).flat_map(move |account| {
        (0..roles).map(move |role| {
            let name = format!("Workload {account:04}");
            Target {
                id: format!("{account:012}/Role{role}"),
                name: format!("{name} / Role{role}"),
                state: None,
                parent: Some(name),
            }
        })
    })
}

/// Adds roles to the sign-in to IAM Identity Center of a data folder.
async fn fill_center(data: &Path, accounts: usize, each: usize) {
    let store = Store::in_folder(data);
    let stored = store.read().expect("readable");
    let mut rows = stored
        .iter()
        .filter(|row| row.identity.is_identity_center());
    let id = rows
        .next()
        .expect("a sign-in to IAM Identity Center")
        .id
        .clone();
    let edit = |account: &mut Account| {
        account.targets.extend(roles(accounts, each));
        Ok(())
    };
    let changed = store.change(|change| change.edit(&id, edit)).await;
    changed.expect("written").expect("there");
}

/// Searches over 1,000 accounts, and 3,000 roles of one sign-in beside them.
async fn measure_center() {
    let home = tempfile::tempdir().expect("a folder");
    let data = Paths::below(home.path()).data;
    fill(&data, 1_000, 1, start()).await;
    let identity = Identity::IdentityCenter {
        start_url: "https://d-1234567890.awsapps.com/start".into(),
        typed_url: "https://d-1234567890.awsapps.com/start".into(),
        region: "eu-west-1".into(),
        partition: "aws".into(),
        user_name: Some("ada".into()),
    };
    let center = Account::new(identity, start());
    let stored = Store::in_folder(&data)
        .change(|change| change.put(&center))
        .await;
    stored.expect("written");
    fill_center(&data, 1_000, 3).await;
    let app = App::open(world(home.path()), Frontend::Terminal);
    drop(app.watch());
    drop(app.search("c"));
    let keys = [
        "w",
        "wo",
        "workload 0",
        "role2",
        "000000000999",
        "role1 0999",
        "zebra",
    ];
    let mut slowest = ("", 0.0);
    for key in keys {
        let taken = milliseconds(median(|| drop(app.search(key))));
        if taken > slowest.1 {
            slowest = (key, taken);
        }
    }
    let line = format!(
        "search over 1,000 accounts and 3,000 roles: {:.3} ms for the slowest key, {:?} (at most 16)",
        slowest.1, slowest.0
    );
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// What is measured, in the order of the columns of a size.
const FIGURES: [&str; 6] = [
    "start of the app's core, ms",
    "search, the slowest key, ms",
    "search, first key, ms",
    "change elsewhere to screen, ms",
    "look when nothing changed, ms",
    "one renewal written, KB",
];

async fn measure(count: usize, targets: usize) -> [f64; FIGURES.len()] {
    let home = tempfile::tempdir().expect("a folder");
    let paths = Paths::below(home.path());
    fill(&paths.data, count, targets, start()).await;
    let open = median(|| drop(App::open(world(home.path()), Frontend::Terminal).watch()));
    let app = App::open(world(home.path()), Frontend::Terminal);
    drop(app.watch());
    let (first, _) = timed(|| app.search("c"));
    let key = |query: &'static str| median(|| drop(app.search(query)));
    let keys = [
        "s",
        "su",
        "subscription",
        "customer 00",
        "subscription 7 of 00500",
        "4000-8000",
        "zebra",
    ]
    .map(key);
    let id = account(0, targets, start()).id;
    let other = Store::in_folder(&paths.data);
    let (mut changes, mut idle) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = Some(format!("Renamed {round}"));
        let edit = |account: &mut Account| {
            account.custom_name = name;
            Ok(())
        };
        let changed = other.change(|change| change.edit(&id, edit)).await;
        changed.expect("written").expect("there");
        changes.push(timed(|| app.reload()).0);
        idle.push(timed(|| app.reload()).0);
    }
    let before = written();
    for round in 0..ROUNDS {
        let issued_at = start() + Duration::from_secs(u64::try_from(round).expect("small"));
        let edit = |account: &mut Account| {
            account.session = Some(SessionTimes {
                issued_at,
                expires_at: issued_at + Duration::from_secs(3600),
            });
            Ok(account.clone())
        };
        let renewed = other.change(|change| {
            let account = change.edit(&id, edit)?.expect("there");
            change.record(&account, issued_at, ActivityKind::Renewed)
        });
        renewed.await.expect("written");
    }
    let renewal = (written() - before) / f64::from(u32::try_from(ROUNDS).expect("small"));
    let middle = |mut times: Vec<Duration>| {
        times.sort();
        milliseconds(times[times.len() / 2])
    };
    [
        milliseconds(open),
        milliseconds(keys.into_iter().max().expect("some")),
        milliseconds(first),
        middle(changes),
        middle(idle),
        renewal / 1e3,
    ]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// How many bytes this process has written, as the system counts them; not a number where it does not.
fn written() -> f64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    line.and_then(|bytes| bytes.parse().ok())
        .unwrap_or(f64::NAN)
}

/// Prints a line for each figure, with its ratio to one account.
fn print(table: &[[f64; FIGURES.len()]]) {
    let mut lines = format!("{:<32}", "");
    for (count, targets) in SIZES {
        let size = format!("{count} x {targets}");
        lines.push_str(&format!("{size:>22}"));
    }
    for (at, figure) in FIGURES.iter().enumerate() {
        lines.push_str(&format!("\n{figure:<32}"));
        for row in table {
            let ratio = row[at] / table[0][at];
            lines.push_str(&format!("{:>12.3} ({ratio:>5.1} x)", row[at]));
        }
    }
    let _ = writeln!(std::io::stdout(), "{lines}");
}
