//! Inspecting `accounts.db`: whether it is intact, and all its data for a backup or another program.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Store;
use crate::account::{Account, AccountId, Cloud};
use crate::activity::ActivityEvent;
use crate::environment::NamedEnvironment;
use crate::error::Result;
use crate::role::{PendingRole, TypedKeys};

/// All stored data without secrets.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// The version of this format.
    pub version: u32,
    /// The accounts with their targets, the oldest first.
    pub accounts: Vec<Account>,
    /// The account in use in each cloud.
    pub active: BTreeMap<Cloud, AccountId>,
    /// Connections to AWS that wait for their role.
    pub pending_roles: Vec<PendingRole>,
    /// The AWS access keys in the keychain, without their secret part.
    pub access_keys: Vec<TypedKeys>,
    /// The environments, in the order of their names.
    pub environments: Vec<NamedEnvironment>,
    /// The activity, newest first.
    pub activity: Vec<ActivityEvent>,
}

impl Store {
    /// All stored data as of one moment, except the activity.
    ///
    /// # Errors
    /// As `read`.
    pub fn export(&self) -> Result<Export> {
        let stored = self.read()?;
        Ok(Export {
            version: 1,
            accounts: stored.iter().cloned().collect(),
            active: stored.active.clone(),
            pending_roles: stored.pending_roles.clone(),
            access_keys: stored.access_keys.clone(),
            environments: stored.environments.clone(),
            activity: self.activity(None, usize::MAX)?,
        })
    }

    /// The faults that SQLite finds in the file: its pages, its indexes, and rows that refer to missing ones.
    ///
    /// # Errors
    /// As `read`.
    pub fn faults(&self) -> Result<Vec<String>> {
        let found = self.reading(|connection, _| {
            let mut statement = connection.prepare("PRAGMA integrity_check(8)")?;
            let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
            let mut found = lines.collect::<rusqlite::Result<Vec<_>>>()?;
            found.retain(|line| line != "ok");
            let mut statement = connection.prepare("PRAGMA foreign_key_check")?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            for table in rows {
                found.push(format!("a row of {} belongs to no account", table?));
            }
            Ok(found)
        });
        Ok(found?.unwrap_or_default())
    }
}
