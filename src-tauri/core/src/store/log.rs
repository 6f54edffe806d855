//! Activity in `accounts.db`: adding events, importing those in other files, and reading them.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior, params};

use super::chain::{self, ChainLink};
use super::fields::cleaned;
use super::open::Database;
use super::problem::Problem;
use super::{STORE_LOCK_TIMEOUT, Store, legacy, rows};
use crate::account::{AccountId, Cloud};
use crate::activity::{self, ActivityEvent, IssueLog};
use crate::error::{Error, Result};
use crate::file::{self, LockMode};

/// The logs of earlier versions, the older one first.
const EARLIER_LOGS: [&str; 2] = ["activity.old.jsonl", "activity.jsonl"];
/// The number of events that are kept; the oldest are removed first.
const MAX_EVENTS: i64 = 10_000;
/// The number of events removed at once, so that most new events remove none.
const AT_ONCE: i64 = 500;

impl Store {
    /// The events of one account or of all, newest first, at most `most`.
    ///
    /// # Errors
    /// As `read`.
    pub fn activity(&self, account: Option<&AccountId>, most: usize) -> Result<Vec<ActivityEvent>> {
        // Where nothing can be written, what is in the database can still be read.
        if let Err(error) = self.take_in_activity() {
            tracing::warn!(
                code = error.code().as_str(),
                "activity could not be taken in"
            );
        }
        let read = self.reading(|connection, _| Ok(read(connection, account, most)?));
        Ok(read?.unwrap_or_default())
    }

    /// Imports the files beside the database: the credentials that were issued, and the log of earlier versions.
    ///
    /// # Errors
    /// Those of `change`. What was not imported stays in its file.
    pub fn take_in_activity(&self) -> Result<()> {
        let log = self.issue_log();
        let of_earlier_versions = earlier_logs(&self.path);
        if of_earlier_versions.is_empty() && log.is_empty() {
            return Ok(());
        }
        // A damaged file is set aside when the user goes on, and not by this.
        self.reading(|_, _| Ok(()))?;
        let _lock = file::lock_blocking(&self.lock, LockMode::Exclusive, STORE_LOCK_TIMEOUT)?;
        let mut opened = self.opened();
        let database = Database::for_writing(&mut opened.database, &self.path)?;
        for path in of_earlier_versions {
            let failed = |error| file::storage_failed("read", &path, error);
            let events = fs::File::open(&path)
                .and_then(|file| activity::events(&file))
                .map_err(failed)?;
            self.take_in(database, &events)?;
            file::set_aside_as(&path, "migrated")?;
        }
        let failed = |error| file::storage_failed("read", log.path(), error);
        log.take(|events| self.take_in(database, events), failed)
    }

    /// Removes the files beside the database: what was set aside, the log of issued credentials, and logs of earlier
    /// versions that were not taken in.
    ///
    /// # Errors
    /// `storage-failed` for the first that could not be removed; the others are removed all the same.
    pub fn forget_files(&self) -> Result<()> {
        let mut logs = earlier_logs(&self.path);
        logs.push(self.issue_log().path().to_owned());
        let mut failures: Vec<Error> = logs
            .iter()
            .filter_map(|path| file::remove(path).err())
            .collect();
        let stems = EARLIER_LOGS.map(|name| self.path.with_file_name(name));
        for stem in stems.iter().chain([&self.path, &legacy::path(&self.path)]) {
            failures.extend(file::remove_set_aside(stem).err());
        }
        failures.into_iter().next().map_or(Ok(()), Err)
    }

    pub(crate) fn issue_log(&self) -> IssueLog {
        IssueLog::in_folder(self.path.parent().unwrap_or(Path::new("")))
    }

    fn take_in(&self, database: &mut Database, events: &[ActivityEvent]) -> Result<()> {
        let take_in = || -> std::result::Result<(), Problem> {
            let transaction = database
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)?;
            // A process that was killed after this left the events in the file.
            let known: HashSet<ActivityEvent> =
                read(&transaction, None, usize::MAX)?.into_iter().collect();
            for event in events.iter().filter(|event| !known.contains(event)) {
                add(&transaction, event)?;
            }
            Ok(transaction.commit()?)
        };
        let mut take_in = take_in;
        take_in().map_err(|problem| problem.into_error(&self.path))
    }
}

/// The logs of earlier versions that are still there.
fn earlier_logs(database: &Path) -> Vec<PathBuf> {
    let paths = EARLIER_LOGS.map(|name| database.with_file_name(name));
    paths.into_iter().filter(|path| path.is_file()).collect()
}

/// Adds one event.
pub(super) fn add(connection: &Connection, event: &ActivityEvent) -> rusqlite::Result<()> {
    let at = i64::try_from(event.at.as_nanosecond()).unwrap_or(i64::MAX);
    let what = rows::as_json(&event.what);
    let link = ChainLink {
        at,
        account: event.account.as_str(),
        cloud: event.cloud.as_str(),
        name: &event.name,
        what: &what,
    };
    let (id, hash) = chain::add(connection, &link)?;
    connection
        .prepare_cached(
            "INSERT INTO activity (id, at, account, cloud, name, what, chain) VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![id, at, link.account, link.cloud, link.name, what, hash])?;
    if id % AT_ONCE == 0 {
        chain::remove_until(connection, id - MAX_EVENTS)?;
    }
    Ok(())
}

fn read(
    connection: &Connection,
    account: Option<&AccountId>,
    most: usize,
) -> rusqlite::Result<Vec<ActivityEvent>> {
    let mut statement = connection.prepare_cached(
        "SELECT at, account, cloud, name, what FROM activity WHERE ?1 IS NULL OR account = ?1 \
         ORDER BY at DESC, id DESC LIMIT ?2",
    )?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![account.map(AccountId::as_str), most], |row| {
        let account: String = row.get("account")?;
        let cloud: String = row.get("cloud")?;
        let cloud = Cloud::ALL.into_iter().find(|known| known.as_str() == cloud);
        Ok(ActivityEvent {
            at: jiff::Timestamp::from_nanosecond(row.get::<_, i64>("at")?.into())
                .map_err(|_| rows::unfit(&account, "at"))?,
            cloud: cloud.ok_or_else(|| rows::unfit(&account, "cloud"))?,
            name: cleaned(row.get("name")?),
            what: rows::json(row, &account, "what")?,
            account: AccountId::parse(&account).ok_or_else(|| rows::unfit(&account, "account"))?,
        })
    })?;
    rows.collect()
}
