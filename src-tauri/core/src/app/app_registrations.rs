//! App registrations: which of them made a user's grant, so that a sign-in with one moves no account of another.

use super::App;
use crate::account::{Account, Cloud, GrantKey, Identity};
use crate::credential::Grant;
use crate::error::Result;
use crate::provider;

impl App {
    /// The accounts of a cloud whose sign-in another app registration made than the one in force, with its client id.
    ///
    /// # Errors
    /// `storage-*`.
    pub async fn accounts_of_other_clients(&self, cloud: Cloud) -> Result<Vec<(Account, String)>> {
        let Some(client) = provider::cloud_view(&self.settings(), cloud).client_id else {
            return Ok(Vec::new());
        };
        let mut others = Vec::new();
        for account in self.stored()?.iter() {
            if account.cloud() == cloud
                && let Some(other) = self.sessions.client_of(&account.grant).await
                && other != client
            {
                others.push((Account::clone(account), other));
            }
        }
        Ok(others)
    }

    /// The key of a new grant: that of the user's grant from the same app registration, which it replaces. A grant of another
    /// one stays, and with it the rows that it serves.
    pub(super) async fn key_of_grant(&self, identity: &Identity, grant: &Grant) -> GrantKey {
        let usual = identity.grant_key();
        let Some(client) = grant.client_id() else {
            return usual;
        };
        let stored = self.stored().unwrap_or_default();
        let mut keys: Vec<&GrantKey> = Vec::new();
        for row in stored
            .iter()
            .filter(|row| row.identity.grant_key() == usual)
        {
            if !keys.contains(&&row.grant) {
                keys.push(&row.grant);
            }
        }
        for key in &keys {
            match self.sessions.client_of(key).await {
                Some(other) if other != client => {}
                // One that is lost is replaced as well.
                _ => return (*key).clone(),
            }
        }
        if keys.is_empty() {
            usual
        } else {
            usual.of_client(client)
        }
    }
}
