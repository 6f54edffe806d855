//! Disconnecting: removing an account, or all of them, with every secret, and revoking what the cloud granted.

use std::time::Duration;

use super::App;
use crate::account::{Account, AccountId};
use crate::credential::Grant;
use crate::error::{Code, Error, Result};

/// The time limit for revoking at a provider after a sign-out; the local removal never waits for it.
const SIGN_OUT_TIME: Duration = Duration::from_secs(10);

/// How far a sign-out goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignOut {
    /// What was granted to this app ends, and nothing else.
    WhereItIsOurs,
    /// The user's session at the provider ends too.
    Everywhere,
}

impl App {
    /// Removes the account with everything that belongs to it, and revokes at the provider where it offers that.
    /// Works offline: it then returns why nothing was revoked, because the grant is still valid there.
    ///
    /// # Errors
    /// `not-found`; `keychain-*` when a secret could not be removed, naming it.
    pub async fn disconnect(&self, id: &AccountId) -> Result<Option<Error>> {
        self.disconnect_and(id, SignOut::WhereItIsOurs).await
    }

    /// As `disconnect`; with `SignOut::Everywhere` a sign-in to AWS IAM Identity Center ends at AWS too, and with it the
    /// sessions of the browser and of other programs.
    ///
    /// # Errors
    /// As `disconnect`.
    pub async fn disconnect_and(&self, id: &AccountId, sign_out: SignOut) -> Result<Option<Error>> {
        let removed = self.sessions.remove(id).await;
        self.reload();
        let (account, grant) = removed?;
        let is_shared = account.identity.is_identity_center();
        let grant = grant.filter(|_| !is_shared || sign_out == SignOut::Everywhere);
        self.finish_disconnecting(&account, grant).await
    }

    /// Removes every account, every keychain entry of this app, and what was set aside of earlier files. Settings stay.
    /// Returns which providers could not revoke access, as `disconnect` does.
    ///
    /// # Errors
    /// The first thing that could not be removed; the others are removed anyway.
    pub async fn forget_everything(&self) -> Result<Vec<Error>> {
        let (mut first_error, mut not_revoked) = (None, Vec::new());
        for account in &self.stored().unwrap_or_default().accounts {
            match self.disconnect(&account.id).await {
                Ok(error) => not_revoked.extend(error),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error = first_error.or(self.world.vault.sweep_all().await.err());
        let is_swept = first_error.is_none();
        let emptied = self.change(|change| {
            for pending in change.pending_roles()? {
                change.remove_pending_role(&pending.external_id)?;
            }
            for keys in change.all()?.access_keys {
                change.remove_access_keys(&keys.access_key_id)?;
            }
            change.forget_activity()?;
            // The keychain is empty now, unless that failed.
            if is_swept {
                change.settle_all()?;
            }
            Ok(())
        });
        first_error = first_error.or(emptied.await.err());
        first_error = first_error.or(self.store.forget_files().err());
        self.reload();
        first_error.map_or(Ok(not_revoked), Err)
    }

    /// Removes the rest of an account whose row and secrets are removed, and revokes its grant.
    pub(super) async fn finish_disconnecting(
        &self,
        account: &Account,
        grant: Option<Grant>,
    ) -> Result<Option<Error>> {
        // Typed keys are removed with the last connection that used them.
        if let Some(keys) = account.identity.access_key_id() {
            self.drop_unused_keys(keys).await?;
        }
        let Some(grant) = grant else { return Ok(None) };
        let (providers, cloud) = (self.providers(), account.cloud());
        let revoked =
            tokio::time::timeout(SIGN_OUT_TIME, providers.of(cloud).sign_out(&grant)).await;
        let code = match revoked {
            Ok(Ok(())) => return Ok(None),
            Ok(Err(error)) => error.code(),
            Err(_) => Code::Offline,
        };
        tracing::warn!(account = %account.id, code = code.as_str(), "the grant could not be revoked at the provider");
        let message = format!(
            "{} was removed here, but {} could not revoke access, so it is still granted there. Revoke it \
             in the security settings of that account.",
            account.name(),
            cloud.title()
        );
        Ok(Some(Error::new(code, message)))
    }
}
