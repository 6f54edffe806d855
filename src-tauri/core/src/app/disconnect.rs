//! Disconnecting: removing an account, or all of them, with every secret, and revoking what the cloud granted.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::oneshot;

use super::App;
use crate::account::{Account, AccountId};
use crate::credential::Grant;
use crate::error::{Code, Error, Result};
use crate::snapshot::AccountView;

/// The time limit for revoking at a provider after a sign-out; the local removal never waits for it.
const SIGN_OUT_TIME: Duration = Duration::from_secs(10);

/// How long a disconnect that was asked for in a window can be undone.
const TIME_TO_UNDO: SignedDuration = SignedDuration::from_secs(10);

/// The accounts that are about to be disconnected. An account leaves the map once: to be disconnected, or because the
/// user undid it.
#[derive(Default)]
pub(super) struct Leaving(BTreeMap<AccountId, Leave>);

/// When an account is disconnected, how far its sign-out goes, and how to undo it.
struct Leave {
    at: Timestamp,
    sign_out: SignOut,
    undo: oneshot::Sender<()>,
}

impl Leaving {
    /// Marks the rows of these accounts.
    pub(super) fn mark(&self, mut rows: Vec<AccountView>) -> Vec<AccountView> {
        if !self.0.is_empty() {
            for row in &mut rows {
                row.leaves_at = self.0.get(&row.id).map(|leave| leave.at);
            }
        }
        rows
    }
}

/// The end of a disconnect that could be undone.
#[derive(Debug)]
pub enum Disconnected {
    /// The user undid it.
    Undone,
    /// It happened; with the reason why the provider could not revoke the grant.
    Done(Option<Error>),
}

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

    /// Disconnects after ten seconds, unless `undo_disconnect` comes first. Until then the account works as before. It
    /// happens at once when the app quits; a process that is killed leaves the account connected.
    ///
    /// # Errors
    /// Those of `disconnect_and`; `busy` when it is about to be disconnected already.
    pub async fn disconnect_later(
        &self,
        id: &AccountId,
        sign_out: SignOut,
    ) -> Result<Disconnected> {
        self.account(id)?;
        let at = self.world.clock.now() + TIME_TO_UNDO;
        let (undo, undone) = oneshot::channel();
        {
            let leaving = &mut self.state().leaving.0;
            if leaving.contains_key(id) {
                let message = "The account is about to be disconnected already.";
                return Err(Error::new(Code::Busy, message));
            }
            leaving.insert(id.clone(), Leave { at, sign_out, undo });
        }
        self.publish();
        tokio::select! {
            _ = undone => return Ok(Disconnected::Undone),
            () = self.world.clock.sleep_until(at) => {}
        }
        // Who takes it out of the map decides.
        if self.state().leaving.0.remove(id).is_none() {
            return Ok(Disconnected::Undone);
        }
        let disconnected = self.disconnect_and(id, sign_out).await;
        // A row that stays is shown as it is.
        self.publish();
        disconnected.map(Disconnected::Done)
    }

    /// Keeps an account that is about to be disconnected.
    ///
    /// # Errors
    /// `not-found` when it is too late.
    pub fn undo_disconnect(&self, id: &AccountId) -> Result<()> {
        let Some(leave) = self.state().leaving.0.remove(id) else {
            let message = "The account was disconnected already. Connect it again.";
            return Err(Error::new(Code::NotFound, message));
        };
        // The waiting task may have ended with its window.
        let _ = leave.undo.send(());
        self.publish();
        Ok(())
    }

    /// Disconnects at once what is about to be, because the process ends.
    pub(super) async fn finish_leaving(&self) {
        let leaving = mem::take(&mut self.state().leaving.0);
        for (id, leave) in &leaving {
            if let Err(error) = self.disconnect_and(id, leave.sign_out).await {
                tracing::warn!(account = %id, code = error.code().as_str(), "the account could not be disconnected");
            }
        }
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
