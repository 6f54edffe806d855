//! The activity log: stored with its change, imported once, limited.

use super::*;

fn event(home: &str, second: i64, what: ActivityKind) -> ActivityEvent {
    let at = Timestamp::from_second(second).expect("a time");
    ActivityEvent::of(&azure(home), at, what)
}

fn issued(home: &str, second: i64) -> ActivityEvent {
    let to = "terraform".to_owned();
    event(
        home,
        second,
        ActivityKind::HandedOut {
            to,
            resource: None,
            environment: None,
        },
    )
}

#[tokio::test]
async fn activity_is_stored_in_its_transaction_and_the_newest_comes_first() {
    let folder = Folder::new();
    let store = folder.store();
    for (second, what) in [(1, ActivityKind::Connected), (3, ActivityKind::Renewed)] {
        let at = Timestamp::from_second(second).expect("a time");
        let change = |change: &Change<'_>| change.record(&azure("a"), at, what);
        store.change(change).await.expect("written");
    }
    store.issue_log().add(&issued("b", 2)).expect("logged");
    let all = folder.store().activity(None, 10).expect("readable");
    let expected = [
        event("a", 3, ActivityKind::Renewed),
        issued("b", 2),
        event("a", 1, ActivityKind::Connected),
    ];
    assert_eq!(all, expected);
    assert_eq!(
        store.activity(Some(&azure("b").id), 10).expect("readable"),
        [issued("b", 2)]
    );
    assert_eq!(store.activity(None, 1).expect("readable").len(), 1);
}

#[tokio::test]
async fn events_in_a_file_are_imported_once_even_after_a_kill_or_a_torn_line() {
    let folder = Folder::new();
    let store = folder.store();
    let log = store.issue_log();
    log.add(&issued("a", 1)).expect("logged");
    let mut lines = fs::read(log.path()).expect("readable");
    lines.extend_from_slice(b"{\"at\":\"20");
    file::replace(log.path(), &lines).expect("torn");
    log.add(&issued("a", 2)).expect("logged");
    let whole = fs::read(log.path()).expect("readable");
    store.take_in_activity().expect("taken in");
    assert_eq!(fs::read(log.path()).expect("readable"), b"");
    // A process that is killed between the two leaves the file as it was.
    file::replace(log.path(), &whole).expect("written");
    assert_eq!(
        store.activity(None, 10).expect("readable"),
        [issued("a", 2), issued("a", 1)]
    );
}

#[tokio::test]
async fn the_activity_log_of_earlier_versions_is_imported_and_kept_unchanged() {
    let folder = Folder::new();
    let lines = |events: &[ActivityEvent]| {
        let lines = events.iter().map(|event| rows::as_json(event) + "\n");
        lines.collect::<String>()
    };
    let (old, new) = (
        lines(&[issued("a", 1)]),
        lines(&[issued("a", 2), issued("a", 3)]),
    );
    file::replace(&folder.path("activity.old.jsonl"), old.as_bytes()).expect("written");
    file::replace(&folder.path("activity.jsonl"), new.as_bytes()).expect("written");
    let all = folder.store().activity(None, 10).expect("readable");
    assert_eq!(all, [issued("a", 3), issued("a", 2), issued("a", 1)]);
    for (name, kept) in [("activity.old.jsonl", old), ("activity.jsonl", new)] {
        assert_eq!(
            fs::read(folder.path(&format!("{name}.migrated"))).expect("kept"),
            kept.as_bytes()
        );
        assert!(!folder.path(name).exists());
    }
}

#[tokio::test]
async fn activity_stays_within_its_limit_and_keeps_the_newest() {
    let folder = Folder::new();
    let store = folder.store();
    let rounds = 12_000;
    let record = |change: &Change<'_>| {
        (0..rounds).try_for_each(|second| {
            let at = Timestamp::from_second(second).expect("a time");
            change.record(&azure("a"), at, ActivityKind::Renewed)
        })
    };
    store.change(record).await.expect("written");
    let all = store.activity(None, usize::MAX).expect("readable");
    assert!((10_000..10_500).contains(&all.len()), "{}", all.len());
    assert_eq!(all[0].at.as_second(), rounds - 1);
    let log = store.issue_log();
    let refused = (0..).find_map(|second| log.add(&issued("a", second)).err());
    assert_eq!(
        refused.map(|error| error.kind()),
        Some(std::io::ErrorKind::FileTooLarge)
    );
    store.take_in_activity().expect("taken in");
    log.add(&issued("a", 0)).expect("room again");
}
