//! One change to `accounts.db`: a transaction, with the reads and writes of an edit.
//!
//! Decisions that belong together are in one transaction: the last row of a grant and the note of its secrets, the
//! account in use, an account that replaces another.

use std::cell::Cell;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::fields;
use super::find::IS_NEEDED;
use super::lists;
use super::open::Database;
use super::problem::Problem;
use super::rows::{self, Revisions};
use super::{Accounts, Intent};
use super::{chain, log};
use crate::account::{Account, AccountId, Cloud, GrantKey, Identity};
use crate::activity::{ActivityEvent, ActivityKind};
use crate::error::Result;
use crate::resource::Resource;
use crate::role::{PendingRole, TypedKeys};

/// A change in progress. Dropped before its end, it has no effect.
pub struct Change<'a> {
    transaction: Transaction<'a>,
    path: &'a Path,
    /// The number of this change.
    revision: i64,
    has_written: Cell<bool>,
}

impl<'a> Change<'a> {
    pub(super) fn begin(database: &'a mut Database, path: &'a Path) -> Result<Self> {
        let (transaction, revision) =
            begin(database).map_err(|error| Problem::from(error).into_error(path))?;
        Ok(Self {
            transaction,
            path,
            revision,
            has_written: Cell::new(false),
        })
    }

    /// Ends the change. Whether it wrote anything.
    pub(super) fn commit(self) -> Result<bool> {
        if !self.has_written.get() {
            return Ok(false);
        }
        self.reading(|connection| {
            connection
                .prepare_cached("UPDATE state SET revision = ?")?
                .execute([self.revision])
        })?;
        let path = self.path;
        self.transaction
            .commit()
            .map_err(|error| Problem::from(error).into_error(path))?;
        Ok(true)
    }

    /// The account with this id.
    ///
    /// # Errors
    /// `storage-*`, as for every method here.
    pub fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        Ok(self.found(id)?.map(|(account, _)| account))
    }

    /// All accounts, for an edit that has to look at many of them.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn all(&self) -> Result<Accounts> {
        let all = super::read_all(&self.transaction, None)
            .map_err(|problem| problem.into_error(self.path))?;
        Ok(Accounts::clone(&all))
    }

    /// The ids of the accounts of a grant.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn of_grant(&self, grant: &GrantKey) -> Result<Vec<AccountId>> {
        let accounts = self
            .reading(|connection| rows::accounts_where(connection, "grant_key", grant.as_str()))?;
        Ok(accounts.into_iter().map(|account| account.id).collect())
    }

    /// The accounts that have the label of an identity, itself included.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn with_label_of(&self, identity: &Identity) -> Result<Vec<Account>> {
        let label = identity.label().to_ascii_lowercase();
        let accounts =
            self.reading(|connection| rows::accounts_where(connection, "label", &label))?;
        let fits = |account: &Account| account.identity.shares_label_with(identity);
        Ok(accounts.into_iter().filter(fits).collect())
    }

    /// Changes one account. None when there is no such account.
    ///
    /// # Errors
    /// `storage-*`, and those of `edit`.
    pub fn edit<T>(
        &self,
        id: &AccountId,
        edit: impl FnOnce(&mut Account) -> Result<T>,
    ) -> Result<Option<T>> {
        let Some((before, revisions)) = self.found(id)? else {
            return Ok(None);
        };
        let mut account = before.clone();
        let result = edit(&mut account)?;
        if account != before {
            self.write(&before, &account, Some(revisions))?;
        }
        Ok(Some(result))
    }

    /// Adds an account, or replaces the row that it has.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn put(&self, account: &Account) -> Result<()> {
        match self.found(&account.id)? {
            Some((before, revisions)) if before != *account => {
                self.write(&before, account, Some(revisions))
            }
            Some(_) => Ok(()),
            None => {
                let mut empty = account.clone();
                empty.targets.clear();
                empty.offered.clear();
                empty.organization.clear();
                empty.pinned.clear();
                empty.resources.clear();
                self.write(&empty, account, None)
            }
        }
    }

    /// Removes an account and notes its secrets in the keychain. If it was in use, its cloud then has no account in
    /// use.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn remove(&self, id: &AccountId) -> Result<Option<Account>> {
        let Some(account) = self.account(id)? else {
            return Ok(None);
        };
        let named = account
            .resources
            .iter()
            .map(|known| known.resource.as_str());
        let resources = named.chain([Resource::Management.key()]);
        for resource in resources {
            self.note(&Intent::Session {
                account: id.clone(),
                resource: resource.to_owned(),
                grant: account.grant.clone(),
            })?;
        }
        self.note(&Intent::Grant(account.grant.clone()))?;
        self.writing(|connection| {
            connection.execute("DELETE FROM account WHERE id = ?", [id.as_str()])?;
            connection.execute("UPDATE state SET removed_at_revision = ?", [self.revision])
        })?;
        Ok(Some(account))
    }

    /// The account in use in a cloud.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn active(&self, cloud: Cloud) -> Result<Option<AccountId>> {
        let active = self.reading(rows::active)?;
        Ok(active
            .into_iter()
            .find_map(|(known, id)| (known == cloud).then_some(id)))
    }

    /// Sets the account in use in a cloud.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn set_active(&self, cloud: Cloud, id: &AccountId) -> Result<()> {
        if self.active(cloud)?.as_ref() == Some(id) {
            return Ok(());
        }
        self.writing(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO active (cloud, account) VALUES (?, ?)",
                [cloud.as_str(), id.as_str()],
            )
        })?;
        Ok(())
    }

    /// The connections that wait for their role, the oldest first.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn pending_roles(&self) -> Result<Vec<PendingRole>> {
        self.reading(rows::pending_roles)
    }

    /// Adds a connection that waits for its role, or replaces the one with its External ID.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn put_pending_role(&self, role: &PendingRole) -> Result<()> {
        self.writing(|connection| rows::write_pending_role(connection, role))
    }

    /// Removes a connection that waits for its role. Returns whether there was one.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn remove_pending_role(&self, external_id: &str) -> Result<bool> {
        self.deleting(
            "DELETE FROM pending_role WHERE external_id = ?",
            external_id,
        )
    }

    /// Whether what waits for its role has the form in which it may be stored.
    pub fn may_put_pending_role(role: &PendingRole) -> bool {
        fields::is_pending_role(role)
    }

    /// Adds the name of access keys, or replaces it.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn put_access_keys(&self, keys: &TypedKeys) -> Result<()> {
        self.writing(|connection| rows::write_access_keys(connection, keys))
    }

    /// Removes the name of access keys and notes that the keychain holds them. Returns whether there were such keys.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn remove_access_keys(&self, access_key_id: &str) -> Result<bool> {
        self.note(&Intent::AccessKeys(access_key_id.to_owned()))?;
        self.deleting(
            "DELETE FROM access_keys WHERE access_key_id = ?",
            access_key_id,
        )
    }

    /// Adds an event to the activity of an account.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn record(&self, account: &Account, at: Timestamp, what: ActivityKind) -> Result<()> {
        let event = ActivityEvent::of(account, at, what);
        self.writing(|connection| log::add(connection, &event))
    }

    /// Removes all activity.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn forget_activity(&self) -> Result<()> {
        self.writing(chain::forget)?;
        Ok(())
    }

    /// Whether there are access keys with this id.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn has_access_keys(&self, access_key_id: &str) -> Result<bool> {
        let known = self.reading(rows::access_keys)?;
        Ok(known.iter().any(|keys| keys.access_key_id == access_key_id))
    }

    /// Notes an entry that the keychain may hold from here on, whether or not an account needs it.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn note(&self, intent: &Intent) -> Result<()> {
        let (kind, subject, resource, grant) = columns(intent);
        self.writing(|connection| {
            connection.execute(
                "INSERT OR REPLACE INTO intent (kind, subject, resource, grant_key) VALUES (?, ?, ?, ?)",
                params![kind, subject, resource, grant],
            )
        })?;
        Ok(())
    }

    /// Removes the note of an entry that an account needs, or that the keychain no longer holds.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn settle(&self, intent: &Intent) -> Result<()> {
        let (kind, subject, resource, grant) = columns(intent);
        self.writing(|connection| {
            connection.execute(
                "DELETE FROM intent WHERE kind = ? AND subject = ? AND resource = ? AND grant_key = ?",
                params![kind, subject, resource, grant],
            )
        })?;
        Ok(())
    }

    /// Removes the note of an entry if an account needs it now. A sign-out may have removed the account since it was
    /// looked at, and then needs the note.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn settle_if_needed(&self, intent: &Intent) -> Result<()> {
        let (kind, subject, resource, grant) = columns(intent);
        let management = Resource::Management.key();
        self.writing(|connection| {
            let delete = format!(
                "DELETE FROM intent WHERE kind = ?2 AND subject = ?3 AND resource = ?4 AND grant_key = ?5 AND {IS_NEEDED}"
            );
            connection.execute(&delete, params![management, kind, subject, resource, grant])
        })?;
        Ok(())
    }

    /// Removes every note.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn settle_all(&self) -> Result<()> {
        self.writing(|connection| connection.execute("DELETE FROM intent", []))?;
        Ok(())
    }

    fn found(&self, id: &AccountId) -> Result<Option<(Account, Revisions)>> {
        self.reading(|connection| {
            let Some((mut account, revisions)) = rows::account_by_id(connection, id)? else {
                return Ok(None);
            };
            lists::read_lists(connection, &mut account)?;
            Ok(Some((account, revisions)))
        })
    }

    fn write(&self, before: &Account, account: &Account, known: Option<Revisions>) -> Result<()> {
        let has_new_lists = before.targets != account.targets
            || before.offered != account.offered
            || before.organization != account.organization
            || before.pinned != account.pinned;
        let lists = match known {
            Some(known) if !has_new_lists => known.lists,
            _ => self.revision,
        };
        let has_new_names = known.is_none()
            || before.custom_name != account.custom_name
            || before.identity != account.identity;
        self.writing(|connection| {
            let revisions = Revisions {
                row: self.revision,
                lists,
            };
            rows::write_account(connection, account, revisions)?;
            if has_new_names {
                rows::write_names(connection, account)?;
            }
            lists::write_lists(connection, before, account)
        })
    }

    pub(super) fn deleting(&self, statement: &str, key: &str) -> Result<bool> {
        let deleted = self.reading(|connection| connection.execute(statement, [key]))?;
        if deleted > 0 {
            self.has_written.set(true);
        }
        Ok(deleted > 0)
    }

    pub(super) fn reading<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        query(&self.transaction).map_err(|error| Problem::from(error).into_error(self.path))
    }

    pub(super) fn writing<T>(
        &self,
        statement: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.has_written.set(true);
        self.reading(statement)
    }
}

fn begin(database: &mut Database) -> rusqlite::Result<(Transaction<'_>, i64)> {
    let transaction = database
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another program may have written any number. After the last one, everything is read again.
    let revision = super::revision(&transaction)?.0.wrapping_add(1);
    Ok((transaction, revision))
}

fn columns(intent: &Intent) -> (&'static str, &str, &str, &str) {
    match intent {
        Intent::Grant(key) => ("grant", key.as_str(), "", key.as_str()),
        Intent::Session {
            account,
            resource,
            grant,
        } => ("session", account.as_str(), resource, grant.as_str()),
        Intent::AccessKeys(id) => ("access-keys", id, "", ""),
    }
}
