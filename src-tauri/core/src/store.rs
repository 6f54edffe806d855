//! `accounts.db`: the accounts and their state, without any secret, shared by the app and `mcm`.
//!
//! This file reads all accounts or one, and starts changes, each one transaction. `store/schema.rs` has the tables,
//! `store/rows.rs` their columns, `store/find.rs` accounts by name, `store/open.rs` opening, migrating and faults of
//! the file. The keychain belongs to `session/secrets.rs`: under a grant's lock, a transaction decides what to remove.

mod chain;
mod change;
mod environment_clusters;
mod environments;
mod fields;
mod find;
mod inspect;
mod legacy;
mod lists;
mod log;
mod open;
mod problem;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::Connection;

use crate::account::{Account, AccountId, Cloud, GrantKey};
use crate::environment::NamedEnvironment;
use crate::error::{Code, Error, Result};
use crate::file;
use crate::role::{PendingRole, TypedKeys};
pub use chain::{ChainBreak, ChainCheck};
pub use change::Change;
pub use find::Look;
pub use inspect::Export;
use open::Database;
use problem::Problem;
use rows::Revisions;

/// How long a change waits for those of other processes, each of which takes milliseconds.
const STORE_LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// All accounts and their common data, as of one change.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    /// The connected accounts, the oldest first.
    pub accounts: Vec<Arc<Account>>,
    /// The account in use in each cloud.
    pub active: BTreeMap<Cloud, AccountId>,
    /// External IDs that were created or entered and wait for their role.
    pub pending_roles: Vec<PendingRole>,
    /// The AWS access keys in the keychain.
    pub access_keys: Vec<TypedKeys>,
    /// The environments, in the order of their names.
    pub environments: Vec<NamedEnvironment>,
    index: HashMap<AccountId, usize>,
    revisions: Vec<Revisions>,
    revision: i64,
}

/// A keychain entry that no account may need: noted before it is written, and when its account is removed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Intent {
    /// A grant.
    Grant(GrantKey),
    /// A session of an account for a resource, created from a grant.
    Session {
        /// The account.
        account: AccountId,
        /// The key of the resource.
        resource: String,
        /// The grant.
        grant: GrantKey,
    },
    /// Access keys with an id.
    AccessKeys(String),
}

impl PartialEq for Accounts {
    fn eq(&self, other: &Self) -> bool {
        self.accounts == other.accounts
            && self.active == other.active
            && self.pending_roles == other.pending_roles
            && self.access_keys == other.access_keys
            && self.environments == other.environments
    }
}

impl Eq for Accounts {}

impl Accounts {
    /// Accounts that no database holds, none of them in use.
    pub fn of(accounts: Vec<Account>) -> Self {
        let mut all = Self {
            revisions: vec![Revisions::default(); accounts.len()],
            accounts: accounts.into_iter().map(Arc::new).collect(),
            ..Self::default()
        };
        all.index_accounts();
        all
    }

    /// The account with this id.
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.index.get(id).map(|index| &*self.accounts[*index])
    }

    /// Every account.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter().map(AsRef::as_ref)
    }

    /// Whether the account is the one in use in its cloud.
    pub fn is_active(&self, account: &Account) -> bool {
        self.active.get(&account.cloud()) == Some(&account.id)
    }

    /// Whether a connection, made or pending, uses these access keys.
    pub fn uses_access_keys(&self, access_key_id: &str) -> bool {
        let connected = self.iter().map(|account| account.identity.access_key_id());
        let pending = self.pending_roles.iter();
        connected
            .chain(pending.map(|pending| pending.source.access_key_id()))
            .any(|id| id == Some(access_key_id))
    }

    fn index_accounts(&mut self) {
        let ids = self.accounts.iter().map(|account| account.id.clone());
        self.index = ids.zip(0..).collect();
    }
}

/// Access to `accounts.db`. Clones share the connection and the last read.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    lock: PathBuf,
    opened: Arc<Mutex<OpenedDatabase>>,
}

#[derive(Debug, Default)]
struct OpenedDatabase {
    database: Option<Database>,
    last: Option<Arc<Accounts>>,
    /// Why the last change could not be written.
    write_failure: Option<Error>,
}

impl Store {
    /// The store in our data folder. Nothing is opened before it is needed.
    pub fn in_folder(data: &Path) -> Self {
        Self {
            path: data.join("accounts.db"),
            lock: data.join("accounts.lock"),
            opened: Arc::default(),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads all accounts; none without a database. Only what changed since the last time is read.
    ///
    /// # Errors
    /// `storage-unreadable` for a database that is damaged or newer, `storage-failed` when the disk refuses, `busy`.
    pub fn read(&self) -> Result<Arc<Accounts>> {
        self.reading(|connection, last| {
            let accounts = read_all(connection, last.as_ref())?;
            *last = Some(accounts.clone());
            Ok(accounts)
        })
        .map(Option::unwrap_or_default)
    }

    /// The accounts that a text can be a part of the name of, without their lists.
    ///
    /// # Errors
    /// As `read`.
    pub fn with_text(&self, text: &str) -> Result<Vec<Account>> {
        let text = text.to_lowercase();
        let read = self.reading(|connection, _| Ok(rows::accounts_with_text(connection, &text)?));
        Ok(read?.unwrap_or_default())
    }

    /// Reads all accounts, and of their lists only the target that is chosen.
    ///
    /// # Errors
    /// As `read`.
    pub fn read_without_lists(&self) -> Result<Accounts> {
        let read = self.reading(|connection, _| {
            let read = rows::all_accounts(connection)?;
            let mut accounts: Vec<Account> = read.into_iter().map(|(account, _)| account).collect();
            lists::read_chosen_targets(connection, &mut accounts)?;
            lists::read_pins(connection, &mut accounts)?;
            let active = rows::active(connection)?.into_iter().collect();
            Ok(Accounts {
                active,
                ..Accounts::of(accounts)
            })
        });
        Ok(read?.unwrap_or_default())
    }

    /// One account, and of its lists only the target that is chosen.
    ///
    /// # Errors
    /// As `read`.
    pub fn account_without_lists(&self, id: &AccountId) -> Result<Option<Account>> {
        let read = self.reading(|connection, _| Ok(lists::account_with_target(connection, id)?));
        Ok(read?.flatten())
    }

    /// The accounts with a label, each as `account_without_lists`.
    ///
    /// # Errors
    /// As `read`.
    pub fn with_label(&self, label: &str) -> Result<Vec<Account>> {
        let read = self.reading(|connection, _| {
            let label = label.to_ascii_lowercase();
            let mut found = rows::accounts_where(connection, "label", &label)?;
            for account in &mut found {
                lists::read_chosen_target(connection, account)?;
            }
            Ok(found)
        });
        Ok(read?.unwrap_or_default())
    }

    /// The account in use in each cloud.
    ///
    /// # Errors
    /// As `read`.
    pub fn active_ids(&self) -> Result<BTreeMap<Cloud, AccountId>> {
        let read =
            self.reading(|connection, _| Ok(rows::active(connection)?.into_iter().collect()));
        Ok(read?.unwrap_or_default())
    }

    /// Reads one account completely.
    ///
    /// # Errors
    /// As `read`.
    pub fn account(&self, id: &AccountId) -> Result<Option<Arc<Account>>> {
        let read = self.reading(|connection, last| {
            let Some((mut account, revisions)) = rows::account_by_id(connection, id)? else {
                return Ok(None);
            };
            if let Some(last) = last
                && let Some(index) = last.index.get(id)
                && last.revisions[*index] == revisions
            {
                return Ok(Some(last.accounts[*index].clone()));
            }
            lists::read_lists(connection, &mut account)?;
            Ok(Some(Arc::new(account)))
        });
        Ok(read?.flatten())
    }

    /// The number of the last change, from which a process sees that another one made some.
    ///
    /// # Errors
    /// As `read`.
    pub fn revision(&self) -> Result<i64> {
        let revision = self.reading(|connection, _| Ok(revision(connection)?.0));
        Ok(revision?.unwrap_or_default())
    }

    /// Makes one change, in one transaction. Nothing is written when `edit` fails or changes nothing.
    ///
    /// A damaged file is set aside under another name first, because the user has decided to continue; a database of
    /// a newer version is refused.
    ///
    /// # Errors
    /// Those of `edit`, and `storage-failed`, `storage-unreadable`, `busy`.
    pub async fn change<T>(&self, edit: impl FnOnce(&Change<'_>) -> Result<T>) -> Result<T> {
        // Writers wait in the order of their arrival; SQLite's own lock is polled.
        let locked = file::lock(&self.lock, STORE_LOCK_TIMEOUT).await;
        let mut opened = self.opened();
        let changed = locked.and_then(|_lock| {
            let database = Database::for_writing(&mut opened.database, &self.path)?;
            let change = Change::begin(database, &self.path)?;
            let result = edit(&change)?;
            Ok((result, change.commit()?))
        });
        match &changed {
            Ok((_, true)) => opened.write_failure = None,
            Err(error) if error.code() == Code::StorageFailed => {
                opened.write_failure = Some(error.clone());
            }
            _ => {}
        }
        changed.map(|(result, _)| result)
    }

    /// Why changes cannot be saved, although the accounts can be read: a place that is read-only, or what the last change
    /// met, such as a full disk.
    pub fn write_failure(&self) -> Option<Error> {
        file::refusal_to_write(&self.path)
            .or_else(|| file::refusal_to_write(&open::journal(&self.path)))
            .or_else(|| self.opened().write_failure.clone())
    }

    /// Runs a query in one read transaction; none without a database.
    fn reading<T>(
        &self,
        query: impl FnOnce(&Connection, &mut Option<Arc<Accounts>>) -> std::result::Result<T, Problem>,
    ) -> Result<Option<T>> {
        let mut opened = self.opened();
        let OpenedDatabase { database, last, .. } = &mut *opened;
        let Some(database) = Database::for_reading(database, &self.path, &self.lock)? else {
            return Ok(None);
        };
        let read = database
            .read(|connection| query(connection, last))
            .map_err(|problem| problem.into_error(&self.path))?;
        Ok(Some(read))
    }

    fn opened(&self) -> MutexGuard<'_, OpenedDatabase> {
        self.opened
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

/// The error for an account that does not exist.
pub fn not_found(id: &AccountId) -> Error {
    Error::new(Code::NotFound, format!("There is no account {id}.")).with_remedies(
        "Run \"mcm accounts\" to list the connected ones.",
        "It may have been disconnected.",
    )
}

/// The number of the last change, and of the last one that removed an account.
fn revision(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection
        .prepare_cached("SELECT revision, removed_at_revision FROM state")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Reads the accounts, reusing those that were read before.
fn read_all(
    connection: &Connection,
    last: Option<&Arc<Accounts>>,
) -> std::result::Result<Arc<Accounts>, Problem> {
    let (revision, removed_at) = revision(connection)?;
    if let Some(last) = last
        && last.revision == revision
    {
        return Ok(last.clone());
    }
    let mut all = match last {
        // After a removal, and in a database that replaced ours, everything is read.
        Some(last) if last.revision < revision && removed_at <= last.revision => {
            let mut all = Accounts::clone(last);
            for (account, revisions) in rows::accounts_changed_since(connection, last.revision)? {
                all.take(connection, account, revisions)?;
            }
            all
        }
        _ => {
            let mut read = rows::all_accounts(connection)?;
            lists::read_all_lists(connection, &mut read)?;
            let (accounts, revisions) = read
                .into_iter()
                .map(|(account, revisions)| (Arc::new(account), revisions))
                .unzip();
            let mut all = Accounts {
                accounts,
                revisions,
                ..Accounts::default()
            };
            all.index_accounts();
            all
        }
    };
    all.active = rows::active(connection)?.into_iter().collect();
    all.pending_roles = rows::pending_roles(connection)?;
    all.access_keys = rows::access_keys(connection)?;
    all.environments = environments::all(connection)?;
    all.revision = revision;
    Ok(Arc::new(all))
}

impl Accounts {
    /// Takes over an account that was added or changed. Lists that did not change are not read.
    fn take(
        &mut self,
        connection: &Connection,
        mut account: Account,
        revisions: Revisions,
    ) -> rusqlite::Result<()> {
        let Some(index) = self.index.get(&account.id).copied() else {
            lists::read_lists(connection, &mut account)?;
            self.index.insert(account.id.clone(), self.accounts.len());
            self.accounts.push(Arc::new(account));
            self.revisions.push(revisions);
            return Ok(());
        };
        let known = &self.accounts[index];
        if self.revisions[index].lists == revisions.lists {
            account.targets.clone_from(&known.targets);
            account.offered.clone_from(&known.offered);
            account.organization.clone_from(&known.organization);
            account.pinned.clone_from(&known.pinned);
            lists::read_resources(connection, &mut account)?;
        } else {
            lists::read_lists(connection, &mut account)?;
        }
        self.accounts[index] = Arc::new(account);
        self.revisions[index] = revisions;
        Ok(())
    }
}
