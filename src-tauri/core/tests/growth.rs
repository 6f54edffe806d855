//! What a call reads of `accounts.db` does not grow with the other accounts, nor with the targets of any.
//!
//! The system counts the bytes that each thread reads, so neither another test nor a busy machine changes the result.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use mcm_core::account::{Account, Cloud, Identity, Target};
use mcm_core::store::{Look, Store};

/// How much more may be read than with one account: a few deeper levels of the tables and their indexes.
const MARGIN: u64 = 24 * 4096;

fn account(number: usize, targets: usize) -> Account {
    let identity = Identity::Azure {
        home: format!("user-{number}"),
        tenant_id: format!("00000000-0000-4000-8000-{number:012}"),
        tenant_name: Some(format!("Customer {number:05}")),
        default_domain: None,
        username: format!("ada@customer-{number:05}.example"),
    };
    let mut account = Account::new(identity, Timestamp::UNIX_EPOCH);
    account.targets = (0..targets)
        .map(|target| Target {
            id: format!("{number:08}-0000-4000-8000-{target:012}"),
            name: format!("Subscription {target} of {number:05}"),
            state: Some("Enabled".into()),
            parent: None,
        })
        .collect();
    account.target = account.targets.last().map(|target| target.id.clone());
    account
}

/// A store of this many accounts with so many targets each; the first one is in use.
async fn store(folder: &Path, accounts: usize, targets: usize) -> Store {
    let store = Store::in_folder(folder);
    let filled = store.change(|change| {
        (0..accounts).try_for_each(|number| change.put(&account(number, targets)))?;
        change.set_active(Cloud::Azure, &account(0, 0).id)
    });
    filled.await.expect("written");
    Store::in_folder(folder)
}

/// The bytes that this thread reads meanwhile.
fn read_by(work: impl FnOnce()) -> u64 {
    let before = bytes_read();
    work();
    bytes_read() - before
}

fn bytes_read() -> u64 {
    let io = fs::read_to_string("/proc/thread-self/io").expect("Linux counts");
    let line = io.lines().find_map(|line| line.strip_prefix("rchar: "));
    line.expect("there").parse().expect("a number")
}

/// What one account costs: of its hand-out, and of the commands that name it.
async fn costs(accounts: usize, targets: usize) -> Vec<(&'static str, u64)> {
    let folder = tempfile::tempdir().expect("a folder");
    drop(store(folder.path(), accounts, targets).await);
    let fresh = || Store::in_folder(folder.path());
    let name = "Customer 00000";
    let target = account(0, 1).target.expect("chosen");
    let look = |find: &dyn Fn(&Look) -> Option<Account>| {
        read_by(|| {
            let look = Look::open(&fresh()).expect("there");
            find(&look).expect("found");
        })
    };
    let following = fresh();
    following.read().expect("readable");
    let other = fresh();
    let edited = other.change(|change| {
        change.edit(&account(0, 0).id, |account| {
            account.starred = true;
            Ok(())
        })
    });
    edited.await.expect("written").expect("there");
    vec![
        ("hand-out by name", look(&|look| look.account(name))),
        (
            "hand-out by target",
            look(&|look| look.account(&format!("{name}/{target}"))),
        ),
        (
            "hand-out of the one in use",
            look(&|look| look.active(Cloud::Azure)),
        ),
        (
            "the account without its lists",
            read_by(|| {
                let found = fresh().account_without_lists(&account(0, 0).id);
                assert!(found.expect("readable").is_some());
            }),
        ),
        (
            "whether anything changed",
            read_by(|| assert!(fresh().revision().expect("readable") > 0)),
        ),
        (
            "what another process changed",
            read_by(|| drop(following.read().expect("readable"))),
        ),
    ]
}

#[tokio::test]
async fn a_hand_out_and_a_look_at_changes_read_the_same_with_many_accounts_or_targets() {
    let one = costs(1, 1).await;
    for (accounts, targets) in [(1_500, 3), (1, 4_000)] {
        for ((what, one), (_, many)) in one.iter().zip(costs(accounts, targets).await) {
            assert!(
                many <= one + MARGIN,
                "{what}: {one} bytes with one account, {many} with {accounts} of {targets} targets"
            );
        }
    }
}

#[tokio::test]
async fn the_table_of_accounts_passes_through_no_list_of_targets() {
    const ACCOUNTS: usize = 20;
    let mut read = Vec::new();
    for targets in [1, 1_000] {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(folder.path(), ACCOUNTS, targets).await;
        read.push(read_by(|| {
            let accounts = store.read_without_lists().expect("readable");
            assert!(accounts.iter().all(|account| account.targets.len() == 1));
        }));
    }
    // A few pages for each account: the way to its target in the index, and from there in the table.
    let most = read[0] + 8 * 4096 * u64::try_from(ACCOUNTS).expect("small");
    assert!(read[1] <= most, "{read:?}");
}
