//! The chain of the activity: each event's hash covers the event and the hash before it.
//!
//! An event that is changed, removed, added or moved outside this app breaks the chain. Removing the oldest events does
//! not: the chain then begins later. A program that knows this format can make a new chain; an end that was noted elsewhere shows that.

use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use super::Store;
use crate::error::Result;

/// What a check of the activity found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainCheck {
    /// How many events follow each other as they were written.
    pub events: usize,
    /// How many events of earlier versions stand before the chain, and are not checked.
    pub unchecked: usize,
    /// The hash of the last event: the same as long as nothing happens.
    pub end: String,
    /// The first break, if there is one.
    pub broken_at: Option<ChainBreak>,
}

/// A place where the activity is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainBreak {
    /// This event was changed, or an event before it was changed, added or removed.
    Event {
        /// When it happened, as it says.
        at: jiff::Timestamp,
    },
    /// Events at the end are missing.
    End,
}

/// The columns of an event that its hash covers.
pub(super) struct ChainLink<'a> {
    pub(super) at: i64,
    pub(super) account: &'a str,
    pub(super) cloud: &'a str,
    pub(super) name: &'a str,
    pub(super) what: &'a str,
}

impl ChainLink<'_> {
    fn hash(&self, before: &str) -> String {
        let Self {
            at,
            account,
            cloud,
            name,
            what,
        } = self;
        let text = serde_json::to_string(&(before, at, account, cloud, name, what))
            .expect("texts and a number serialise");
        let hash = Sha256::digest(text);
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

struct Ends {
    start_id: i64,
    start_hash: String,
    end_id: i64,
    end_hash: String,
}

fn ends(connection: &Connection) -> rusqlite::Result<Ends> {
    let mut statement = connection
        .prepare_cached("SELECT start_id, start_hash, end_id, end_hash FROM activity_chain")?;
    statement.query_row([], |row| {
        Ok(Ends {
            start_id: row.get(0)?,
            start_hash: row.get(1)?,
            end_id: row.get(2)?,
            end_hash: row.get(3)?,
        })
    })
}

/// The place and the hash of the next event, which becomes the end of the chain.
pub(super) fn add(
    connection: &Connection,
    link: &ChainLink<'_>,
) -> rusqlite::Result<(i64, String)> {
    let ends = ends(connection)?;
    let (id, hash) = (ends.end_id.wrapping_add(1), link.hash(&ends.end_hash));
    connection
        .prepare_cached("UPDATE activity_chain SET end_id = ?, end_hash = ?")?
        .execute(params![id, hash])?;
    Ok((id, hash))
}

/// Removes the events up to one, after which the chain then begins.
pub(super) fn remove_until(connection: &Connection, last: i64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT id, chain FROM activity WHERE id <= ? AND chain IS NOT NULL ORDER BY id DESC LIMIT 1",
    )?;
    let start = statement.query_row([last], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    });
    if let Some(start) = start.optional()? {
        connection.execute(
            "UPDATE activity_chain SET start_id = ?, start_hash = ?",
            params![start.0, start.1],
        )?;
    }
    connection.execute("DELETE FROM activity WHERE id <= ?", [last])?;
    Ok(())
}

/// Removes every event and begins a new chain.
pub(super) fn forget(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute(
        "UPDATE activity_chain SET start_id = 0, start_hash = '', end_id = 0, end_hash = ''",
        [],
    )?;
    connection.execute("DELETE FROM activity", [])
}

impl Store {
    /// Checks that the activity is what was written. What is still in files beside the database is read into it first.
    ///
    /// # Errors
    /// As `activity`.
    pub fn check_activity(&self) -> Result<ChainCheck> {
        self.take_in_activity()?;
        let read = self.reading(|connection, _| Ok(check(connection)?));
        Ok(read?.unwrap_or(ChainCheck {
            events: 0,
            unchecked: 0,
            end: String::new(),
            broken_at: None,
        }))
    }
}

fn check(connection: &Connection) -> rusqlite::Result<ChainCheck> {
    let Ends {
        start_id,
        start_hash,
        end_id,
        end_hash,
    } = ends(connection)?;
    let (mut events, mut unchecked, mut broken_at) = (0, 0, None);
    let (mut last_id, mut last_hash) = (start_id, start_hash);
    let mut statement = connection
        .prepare("SELECT id, at, account, cloud, name, what, chain FROM activity ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (id, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        if id <= start_id {
            unchecked += 1;
            continue;
        }
        let text = |index: usize| row.get::<_, String>(index);
        let (account, cloud, name, what) = (text(2)?, text(3)?, text(4)?, text(5)?);
        let link = ChainLink {
            at,
            account: &account,
            cloud: &cloud,
            name: &name,
            what: &what,
        };
        let hash = link.hash(&last_hash);
        let stored: Option<String> = row.get(6)?;
        if id != last_id.wrapping_add(1) || stored.as_deref() != Some(hash.as_str()) {
            let at = jiff::Timestamp::from_nanosecond(at.into());
            broken_at = Some(ChainBreak::Event {
                at: at.unwrap_or(jiff::Timestamp::MIN),
            });
            break;
        }
        events += 1;
        (last_id, last_hash) = (id, hash);
    }
    if broken_at.is_none() && (last_id, last_hash.as_str()) != (end_id, end_hash.as_str()) {
        broken_at = Some(ChainBreak::End);
    }
    Ok(ChainCheck {
        events,
        unchecked,
        end: end_hash,
        broken_at,
    })
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::account::{Account, Identity};
    use crate::activity::{ActivityEvent, ActivityKind};
    use crate::store::Change;

    fn account() -> Account {
        let identity = Identity::Gcp {
            issuer: "https://accounts.google.com".into(),
            subject: "1".into(),
            email: Some("ada@contoso.example".into()),
            hosted_domain: None,
        };
        Account::new(identity, Timestamp::UNIX_EPOCH)
    }

    fn record(change: &Change<'_>, seconds: std::ops::Range<i64>) -> Result<()> {
        seconds.into_iter().try_for_each(|second| {
            let at = Timestamp::from_second(second).expect("a time");
            change.record(&account(), at, ActivityKind::Renewed)
        })
    }

    fn edited(store: &Store, sql: &str) -> ChainCheck {
        let connection = crate::store::open::connect(store.path()).expect("a database");
        connection.execute_batch(sql).expect("edited");
        store.check_activity().expect("readable")
    }

    #[tokio::test]
    async fn what_is_written_by_two_stores_and_a_file_is_one_chain_also_after_old_events_went() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (
            Store::in_folder(folder.path()),
            Store::in_folder(folder.path()),
        );
        assert_eq!(one.check_activity().expect("empty").broken_at, None);
        for round in 0..12 {
            for (store, half) in [(&one, 0), (&other, 500)] {
                let from = round * 1000 + half;
                store
                    .change(|change| record(change, from..from + 500))
                    .await
                    .expect("written");
            }
            let at = Timestamp::from_second(round).expect("a time");
            let what = ActivityKind::handed_out(&crate::resource::Resource::Management, "az");
            let event = ActivityEvent::of(&account(), at, what);
            one.issue_log().add(&event).expect("logged");
        }
        let found = other.check_activity().expect("readable");
        assert_eq!((found.broken_at, found.unchecked), (None, 0));
        assert!((9_500..=10_500).contains(&found.events), "{found:?}");
        assert_eq!(one.check_activity().expect("readable"), found);
        assert_eq!(found.end.len(), 64);
    }

    #[tokio::test]
    async fn an_event_that_is_changed_removed_added_or_moved_breaks_the_chain() {
        let at = Timestamp::from_second(5).expect("a time");
        let here = Some(ChainBreak::Event { at });
        let next = Some(ChainBreak::Event {
            at: Timestamp::from_second(6).expect("a time"),
        });
        for (sql, broken_at) in [
            ("UPDATE activity SET name = 'x' WHERE at = 5000000000", here),
            (
                "UPDATE activity SET account = 'azure-000000000000' WHERE at = 5000000000",
                here,
            ),
            (
                "UPDATE activity SET cloud = 'aws' WHERE at = 5000000000",
                here,
            ),
            (
                "UPDATE activity SET what = '{\"kind\":\"used\"}' WHERE at = 5000000000",
                here,
            ),
            (
                "UPDATE activity SET chain = NULL WHERE at = 5000000000",
                here,
            ),
            ("DELETE FROM activity WHERE at = 5000000000", next),
            (
                "DELETE FROM activity WHERE at >= 5000000000",
                Some(ChainBreak::End),
            ),
            (
                "DELETE FROM activity WHERE at = 5000000000; UPDATE activity SET id = id - 1 WHERE at > 5000000000",
                next,
            ),
            (
                "INSERT INTO activity SELECT 11, at, account, cloud, name, what, chain FROM activity WHERE at = 5000000000",
                here,
            ),
            (
                "DELETE FROM activity; UPDATE activity_chain SET start_id = 0, start_hash = ''",
                Some(ChainBreak::End),
            ),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let store = Store::in_folder(folder.path());
            store
                .change(|change| record(change, 0..10))
                .await
                .expect("written");
            assert_eq!(store.check_activity().expect("readable").events, 10);
            assert_eq!(edited(&store, sql).broken_at, broken_at, "{sql}");
        }
    }

    #[tokio::test]
    async fn forgetting_everything_begins_a_new_chain() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::in_folder(folder.path());
        store
            .change(|change| {
                record(change, 0..10)?;
                change.forget_activity()?;
                record(change, 10..13)
            })
            .await
            .expect("written");
        let found = store.check_activity().expect("readable");
        assert_eq!((found.events, found.broken_at), (3, None));
    }
}
