//! Processes that are killed (SIGKILL) at random moments while they write to `accounts.db` or migrate to it: nothing that
//! was written is lost, and the file is sound.
//!
//! The test runs itself again as the process to be killed. `KILLS=1000` kills more often than `make test` does.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use mcm_core::account::{Account, Identity, Target};
use mcm_core::activity::ActivityKind;
use mcm_core::store::Store;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// How many accounts a migration takes over.
const MIGRATED: usize = 50;

fn account(number: usize) -> Account {
    let identity = Identity::Azure {
        home: format!("user-{number}"),
        tenant_id: format!("tenant-{number}"),
        tenant_name: None,
        default_domain: None,
        username: format!("ada@{number}.example"),
    };
    let mut account = Account::new(identity, Timestamp::UNIX_EPOCH);
    account.targets = (0..20).map(target).collect();
    account
}

fn target(number: usize) -> Target {
    Target {
        id: number.to_string(),
        name: format!("Target {number}"),
        state: None,
        parent: None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test speaks to itself through the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn rounds() -> usize {
    variable("KILLS").map_or(30, |text| text.parse().expect("a number"))
}

/// Runs this test in another process, over a folder.
fn start(test: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().expect("this test"))
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env("KILL_FOLDER", folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child runs")
}

/// The integrity check of SQLite as Python has it.
fn check_with_another_tool(database: &Path) {
    let script = "import sqlite3, sys; database = sqlite3.connect(sys.argv[1]); \
         print(*database.execute('PRAGMA integrity_check'), *database.execute('PRAGMA foreign_key_check'))";
    let checked = Command::new("python3")
        .args(["-I", "-c", script])
        .arg(database)
        .output()
        .expect("Python 3");
    let said = String::from_utf8_lossy(&checked.stdout);
    let error = String::from_utf8_lossy(&checked.stderr);
    assert_eq!(said.trim(), "('ok',)", "{error}");
}

/// Moments in microseconds at which a process is killed.
fn moments(longest: u64) -> impl Iterator<Item = Duration> {
    let mut runner = TestRunner::default();
    std::iter::repeat_with(move || {
        let moment = (0..longest).new_tree(&mut runner).expect("a number");
        Duration::from_micros(moment.current())
    })
}

#[tokio::test]
async fn a_writer_killed_at_any_moment_loses_nothing_that_was_written() {
    if let Some(folder) = variable("KILL_FOLDER") {
        return write_for_ever(&PathBuf::from(folder)).await;
    }
    let test = "a_writer_killed_at_any_moment_loses_nothing_that_was_written";
    let folder = tempfile::tempdir().expect("a folder");
    for (round, moment) in moments(30_000).take(rounds()).enumerate() {
        let mut child = start(test, folder.path());
        let printed = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, written) = mpsc::channel();
        let reader = thread::spawn(move || {
            for line in printed.lines().map_while(Result::ok) {
                if let Some(number) = line.strip_prefix("written ") {
                    let _ = sender.send(number.parse::<u64>().expect("a number"));
                }
            }
        });
        let first = written
            .recv_timeout(Duration::from_secs(60))
            .expect("it writes");
        thread::sleep(moment);
        child.kill().expect("killed");
        child.wait().expect("ended");
        reader.join().expect("no panic");
        let last = written.try_iter().last().unwrap_or(first);
        let store = Store::in_folder(folder.path());
        // Either may be the first to open what the killed process left, and to roll it back.
        if round % 3 == 0 {
            check_with_another_tool(store.path());
        }
        assert_eq!(store.faults().expect("readable"), Vec::<String>::new());
        let stored = store
            .account(&account(0).id)
            .expect("readable")
            .expect("there");
        let number: u64 = stored
            .custom_name
            .as_ref()
            .expect("named")
            .parse()
            .expect("a number");
        assert!(
            (last..=last + 1).contains(&number),
            "{last} was written and {number} is there"
        );
        assert!(
            stored
                .targets
                .iter()
                .all(|target| target.name == number.to_string()),
            "one change, whole"
        );
    }
}

/// Renames an account and its targets together, for as long as it lives.
async fn write_for_ever(folder: &Path) {
    let store = Store::in_folder(folder);
    let account = account(0);
    let before = store.account(&account.id).expect("readable");
    let first: u64 = before.map_or(0, |before| {
        let name = before.custom_name.as_ref().expect("named");
        name.parse::<u64>().expect("a number") + 1
    });
    for number in first.. {
        let mut account = account.clone();
        account.custom_name = Some(number.to_string());
        for target in &mut account.targets {
            target.name = number.to_string();
        }
        let change = store.change(|change| {
            change.put(&account)?;
            change.record(&account, Timestamp::UNIX_EPOCH, ActivityKind::Renewed)
        });
        change.await.expect("written");
        let mut out = std::io::stdout().lock();
        std::io::Write::write_all(&mut out, format!("written {number}\n").as_bytes())
            .expect("printed");
    }
}

#[tokio::test]
async fn a_migration_killed_at_any_moment_leaves_the_old_file_or_the_new_one() {
    if let Some(folder) = variable("KILL_FOLDER") {
        let stored = Store::in_folder(Path::new(&folder))
            .read()
            .expect("readable");
        assert_eq!(stored.accounts.len(), MIGRATED);
        return;
    }
    let test = "a_migration_killed_at_any_moment_leaves_the_old_file_or_the_new_one";
    let accounts: Vec<Account> = (0..MIGRATED).map(account).collect();
    let json = serde_json::json!({ "version": 1, "accounts": accounts }).to_string();
    let mut unfinished = 0;
    for (round, moment) in moments(12_000).take(rounds()).enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = folder.path().join("accounts.json");
        mcm_core::file::replace(&old, json.as_bytes()).expect("written");
        // Two at once, of which one is killed.
        let (mut killed, mut other) = (start(test, folder.path()), start(test, folder.path()));
        thread::sleep(moment);
        killed.kill().expect("killed");
        killed.wait().expect("ended");
        unfinished += usize::from(old.exists());
        assert!(other.wait().expect("ended").success());
        let store = Store::in_folder(folder.path());
        assert_eq!(store.faults().expect("readable"), Vec::<String>::new());
        if round % 3 == 0 {
            check_with_another_tool(store.path());
        }
        assert_eq!(store.read().expect("readable").accounts.len(), MIGRATED);
        store
            .change(|change| change.remove(&account(0).id))
            .await
            .expect("written");
        let kept = std::fs::read_to_string(folder.path().join("accounts.json.migrated"));
        assert_eq!(kept.expect("kept"), json);
    }
    assert!(unfinished > 0, "some were killed before the end");
}
