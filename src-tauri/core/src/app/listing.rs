//! Reading accounts for a program that shows them and ends: only what it shows is read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{App, build_snapshot};
use crate::account::{Account, AccountId, Cloud};
use crate::error::Result;
use crate::snapshot::AccountView;
use crate::store::Accounts;

impl App {
    /// As `stored`, but of the accounts' lists only the target that is chosen is read.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn stored_without_lists(&self) -> Result<Accounts> {
        self.store.read_without_lists()
    }

    /// The rows of these accounts, in the order of a Snapshot, and the moment that they show.
    pub fn rows(&self, stored: &Accounts) -> (Timestamp, Vec<AccountView>) {
        let state = self.state();
        let now = self.world.clock.now();
        let rows = build_snapshot::rows(
            stored,
            &state.reading,
            &state.signed_in_here,
            &self.world,
            &self.sessions,
            now,
        );
        (now, rows)
    }

    /// The account with this id, and of its lists only the target that is chosen.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn account_without_lists(&self, id: &AccountId) -> Result<Option<Account>> {
        self.store.account_without_lists(id)
    }

    /// The accounts with this label, as `account_without_lists`: an Azure tenant's id, or the address of a Google account.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn with_label(&self, label: &str) -> Result<Vec<Account>> {
        self.store.with_label(label)
    }

    /// The ids of the accounts in use.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn active_ids(&self) -> Result<BTreeMap<Cloud, AccountId>> {
        self.store.active_ids()
    }
}
