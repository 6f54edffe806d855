//! `accounts.json`, which earlier versions used instead of `accounts.db`: read once, and kept unchanged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde::Deserialize;

use super::lists;
use super::problem::Problem;
use super::rows::{self, Revisions};
use crate::account::{Account, AccountId, Cloud, GrantKey};
use crate::error::{Code, Error, Result};
use crate::file;
use crate::resource::Identifier;
use crate::role::{PendingRole, TypedKeys};

/// The last version of the file's format.
const VERSION: u32 = 1;
/// Longer than the file of 100,000 accounts was.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// The content of the file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Legacy {
    accounts: Vec<Account>,
    #[serde(default)]
    active: BTreeMap<Cloud, AccountId>,
    #[serde(default)]
    pending_roles: Vec<PendingRole>,
    #[serde(default)]
    access_keys: Vec<TypedKeys>,
    /// Sessions of removed accounts that the keychain may still hold.
    #[serde(default)]
    left_behind: Vec<LeftBehind>,
}

#[derive(Debug, Deserialize)]
struct LeftBehind {
    account: AccountId,
    resource: Identifier,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Where the file is, beside the database.
pub(super) fn path(database: &Path) -> PathBuf {
    database.with_file_name("accounts.json")
}

/// Moves the file to another name, where no version reads it.
///
/// # Errors
/// `storage-failed`.
pub(super) fn keep_aside(database: &Path) -> Result<()> {
    file::set_aside_as(&path(database), "migrated").map(drop)
}

/// Whether the file is of a newer version.
pub(super) fn is_newer(path: &Path) -> bool {
    let bytes = file::read_at_most(path, MAX_BYTES)
        .ok()
        .flatten()
        .unwrap_or_default();
    serde_json::from_slice::<Versioned>(&bytes).is_ok_and(|file| file.version > VERSION)
}

impl Legacy {
    /// Reads the file; none when there is none.
    ///
    /// # Errors
    /// `storage-unreadable` for a file that is damaged or newer, `storage-failed`.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        let Some(bytes) = file::read_at_most(path, MAX_BYTES)? else {
            return Ok(None);
        };
        let damaged = |error: serde_json::Error| {
            damaged(
                path,
                &format!("line {}, column {}", error.line(), error.column()),
            )
        };
        let head = serde_json::from_slice::<Versioned>(&bytes).map_err(damaged)?;
        if head.version > VERSION {
            let message = format!(
                "{} was written by a newer version of this app (format {}, this version reads {VERSION}). Update the app. \
                 The file was not changed.",
                path.display(),
                head.version
            );
            return Err(Error::new(Code::StorageUnreadable, message));
        }
        let legacy = serde_json::from_slice::<Self>(&bytes).map_err(damaged)?;
        legacy.check(path)?;
        Ok(Some(legacy))
    }

    /// Checks a text that becomes the name of a file or of a keychain entry.
    fn check(&self, path: &Path) -> Result<()> {
        let ids = self.accounts.iter().map(|account| &account.id);
        let ids = ids.chain(self.active.values());
        for id in ids.chain(self.left_behind.iter().map(|left| &left.account)) {
            if AccountId::parse(id.as_str()).is_none() {
                return Err(damaged(path, "an account id"));
            }
        }
        let fits = |account: &Account| {
            GrantKey::parse(account.grant.as_str()).is_some()
                && account.id.cloud() == Some(account.cloud())
                && account
                    .resources
                    .iter()
                    .all(|known| Identifier::parse(known.resource.as_str()).is_some())
        };
        match self.accounts.iter().find(|account| !fits(account)) {
            Some(account) => Err(damaged(path, &format!("the account {}", account.id))),
            None => Ok(()),
        }
    }

    /// Writes everything into an empty database.
    pub(super) fn write_to(&self, connection: &mut Connection) -> std::result::Result<(), Problem> {
        let transaction = connection.transaction()?;
        let revisions = Revisions { row: 1, lists: 1 };
        for account in &self.accounts {
            rows::write_account(&transaction, account, revisions)?;
            rows::write_names(&transaction, account)?;
            let mut empty = account.clone();
            empty.targets.clear();
            empty.offered.clear();
            empty.organization.clear();
            empty.resources.clear();
            lists::write_lists(&transaction, &empty, account)?;
        }
        for (cloud, id) in &self.active {
            // An entry that names no account was never in use.
            if self
                .accounts
                .iter()
                .any(|account| account.id == *id && account.cloud() == *cloud)
            {
                transaction.execute(
                    "INSERT INTO active (cloud, account) VALUES (?, ?)",
                    [cloud.as_str(), id.as_str()],
                )?;
            }
        }
        for role in &self.pending_roles {
            rows::write_pending_role(&transaction, role)?;
        }
        for keys in &self.access_keys {
            rows::write_access_keys(&transaction, keys)?;
        }
        for left in &self.left_behind {
            // Its grant is no longer known: the account's own id stands in for it.
            let grant = GrantKey::unknown();
            transaction.execute(
                "INSERT OR IGNORE INTO intent (kind, subject, resource, grant_key) VALUES ('session', ?, ?, ?)",
                [left.account.as_str(), left.resource.as_str(), grant.as_str()],
            )?;
        }
        transaction.execute("UPDATE state SET revision = 1", [])?;
        Ok(transaction.commit()?)
    }
}

fn damaged(path: &Path, place: &str) -> Error {
    let message = format!(
        "{} cannot be read ({place}). Fix it or restore it from a backup. If you connect an account instead, the file is \
         kept under another name.",
        path.display()
    );
    Error::new(Code::StorageUnreadable, message)
}
