//! Other tenants that a sign-in may enter: an account's row for one of them.

use super::App;
use crate::account::{Account, AccountId};
use crate::error::{Code, Error, Result};
use crate::provider;
use crate::store::not_found;
use crate::text;

impl App {
    /// Connects another tenant with the same sign-in. A tenant with further demands becomes a row that needs a
    /// sign-in.
    ///
    /// # Errors
    /// `not-found` for a tenant that was not offered, `storage-*`. The tenant's own answer is in the row.
    pub async fn add_tenant(&self, id: &AccountId, tenant_id: &str) -> Result<AccountId> {
        let now = self.world.clock.now();
        let added = self
            .change(|change| {
                let account = change.account(id)?.ok_or_else(|| not_found(id))?;
                let offered = account
                    .offered
                    .iter()
                    .find(|offered| offered.tenant_id.eq_ignore_ascii_case(tenant_id));
                let identity = offered.and_then(|offered| {
                    provider::azure::identity_in_tenant(&account.identity, offered)
                });
                let identity = identity.ok_or_else(|| {
                    let tenant = text::shown(tenant_id);
                    let message = format!("{} does not offer tenant \"{tenant}\".", account.name());
                    Error::new(Code::NotFound, message).with_remedies(
                        &format!("Run \"mcm login azure --tenant {tenant}\"."),
                        "Choose Connect account, then Sign in to a specific tenant.",
                    )
                })?;
                let mut row = Account::new(identity, now);
                row.offered.clone_from(&account.offered);
                row.grant.clone_from(&account.grant);
                let added = row.id.clone();
                if change.account(&added)?.is_none() {
                    change.put(&row)?;
                }
                Ok(added)
            })
            .await?;
        if self.renew(&added).await.is_ok() {
            // The row shows why a list could not be loaded.
            let _ = self.read_targets(&added).await;
        }
        Ok(added)
    }
}
