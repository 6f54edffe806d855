//! What many accounts cost inside a process, and the homes with many accounts that `scripts/growth.py` measures `mcm` in.
//!
//! `growth fill FOLDER COUNT TARGETS` adds accounts to a data folder. Without arguments it prints figures and asserts
//! nothing, because machines are noisy; ratios within one run are what to compare.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mcm_core::account::{Account, Identity, SessionTimes, Target};
use mcm_core::app::App;
use mcm_core::http::Http;
use mcm_core::redirect::Frontend;
use mcm_core::store::Store;
use mcm_core::testing::{ManualClock, RecordedBrowser};
use mcm_core::vault::Vault;
use mcm_core::world::{Environment, NoScheme, Paths, World};

const SIZES: [(usize, usize); 4] = [(1, 12), (1_000, 12), (1_000, 60), (10_000, 12)];
const ROUNDS: usize = 20;
const START: &str = "2026-11-24T09:00:00Z";

fn account(number: usize, targets: usize) -> Account {
    let now = START.parse().expect("a time");
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
        expires_at: now + Duration::from_secs(3600),
    });
    account
}

async fn fill(data: &Path, count: usize, targets: usize) {
    let accounts: Vec<Account> = (0..count).map(|number| account(number, targets)).collect();
    let store = Store::in_folder(data);
    let put = store.change(|change| accounts.iter().try_for_each(|account| change.put(account)));
    put.await.expect("written");
}

fn world(home: &Path) -> World {
    World {
        clock: ManualClock::new(START.parse().expect("a time")),
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
    if let [_, mode, folder, count, targets] = arguments.as_slice()
        && mode == "fill"
    {
        let number = |text: &String| text.parse().expect("a number");
        return fill(Path::new(folder), number(count), number(targets)).await;
    }
    let mut out = std::io::stdout();
    for (count, targets) in SIZES {
        let home = tempfile::tempdir().expect("a folder");
        let paths = Paths::below(home.path());
        fill(&paths.data, count, targets).await;
        let open = median(|| drop(App::open(world(home.path()), Frontend::Terminal).watch()));
        let app = App::open(world(home.path()), Frontend::Terminal);
        drop(app.watch());
        let key = |query: &'static str| median(|| drop(app.search(query)));
        let keys = ["s", "su", "customer 00", "subscription 7 of 00500", "zebra"].map(key);
        let slowest = keys.into_iter().max().expect("some");
        let id = account(0, targets).id;
        let other = Store::in_folder(&paths.data);
        let mut changes = Vec::new();
        for round in 0..ROUNDS {
            let name = Some(format!("Renamed {round}"));
            let edit = |account: &mut Account| {
                account.custom_name = name;
                Ok(())
            };
            other
                .change(|change| change.edit(&id, edit))
                .await
                .expect("written");
            changes.push(timed(|| app.reload()).0);
        }
        changes.sort();
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let _ = writeln!(
            out,
            "{count:>6} accounts of {targets:>2} targets: start {:8.2} ms, search {:6.2} ms a key at most, \
             a change by another process to the screen {:6.2} ms",
            milliseconds(open),
            milliseconds(slowest),
            milliseconds(changes[ROUNDS / 2]),
        );
    }
}
