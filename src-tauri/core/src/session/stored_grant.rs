//! The grant that a renewal uses, made complete from the keychain.
//!
//! A role's grant lies apart from its access keys, and its session of an MFA device may come from another role of the
//! same source. Where a role of IAM Identity Center assumes this one, that role's session is issued first.

use futures_util::future::BoxFuture;

use super::back_off::LOCAL_WAIT;
use super::{RefreshMode, Sessions};
use crate::account::{Account, AccountId, GrantKey};
use crate::credential::{AccessKeys, Grant, MfaSession, Session};
use crate::error::{Code, Error, Result};
use crate::provider::Providers;
use crate::resource::Resource;
use crate::role::{CenterRole, Source};
use crate::vault::Record;

impl Sessions {
    /// The app registration that a stored grant was issued to; none when it cannot be read.
    pub async fn client_of(&self, grant: &GrantKey) -> Option<String> {
        let bytes = self.0.vault.read(&Record::grant(grant)).await.ok()??;
        let grant = Grant::from_bytes(&bytes).ok()?;
        grant.client_id().map(str::to_owned)
    }

    pub(super) async fn grant(
        &self,
        providers: &Providers,
        account: &Account,
    ) -> Result<Option<Grant>> {
        if let Some(grant) = self.unsaved().get(&account.grant).cloned() {
            return Ok(Some(grant));
        }
        let Some(bytes) = self.0.vault.read(&Record::grant(&account.grant)).await? else {
            return Ok(None);
        };
        let mut grant = Grant::from_bytes(&bytes)?;
        if let Grant::Role(role) = &mut grant
            && let Some(mfa) = &role.mfa
            && mfa.expires_at <= self.0.clock.now()
        {
            role.mfa = self.mfa_session(&role.source).await;
        }
        if let Some(center) = grant.center_role() {
            let keys = self.center_keys(providers, center).await?;
            return Ok(Some(grant.with_access_keys(keys)));
        }
        let Some(id) = grant.access_key_id() else {
            return Ok(Some(grant));
        };
        // A grant without its keys is no grant.
        let Some(bytes) = self.0.vault.read(&Record::access_keys(id)).await? else {
            return Ok(None);
        };
        let keys = AccessKeys::from_bytes(&bytes)?;
        Ok(Some(grant.with_access_keys(keys)))
    }

    /// The credentials of a role of IAM Identity Center that assumes another role.
    ///
    /// # Errors
    /// `source-expired` when that sign-in needs the user or is gone; else as `session`.
    pub async fn center_keys(
        &self,
        providers: &Providers,
        center: &CenterRole,
    ) -> Result<AccessKeys> {
        let (id, pair) = (AccountId::from(center.account.clone()), &center.pair);
        let account = self.0.store.account(&id)?.ok_or_else(|| {
            let message = format!(
                "The sign-in to IAM Identity Center whose role {pair} assumes this one is no longer connected. Connect it again."
            );
            Error::new(Code::SourceExpired, message)
        })?;
        let resource = Resource::Named(pair.clone());
        let session: BoxFuture<'_, Result<Session>> =
            Box::pin(self.session(providers, &id, &resource, RefreshMode::Fresh));
        match session.await {
            Ok(session) => Ok(session.access_keys()?.clone()),
            Err(error) if error.code() == Code::SignInAgain => {
                let message = format!(
                    "{} needs you to sign in: its role {pair} assumes this one. Sign in to {} again.",
                    account.name(),
                    account.name()
                );
                Err(Error::new(Code::SourceExpired, message)
                    .with_retry_after(Some(LOCAL_WAIT))
                    .with_source(error))
            }
            Err(error) => Err(error),
        }
    }

    /// The session of a source that an MFA device confirmed for any of its roles, while it lasts.
    pub async fn mfa_session(&self, source: &Source) -> Option<MfaSession> {
        let stored = self.0.store.read().ok()?;
        let now = self.0.clock.now();
        let mut longest: Option<MfaSession> = None;
        for row in stored.iter() {
            if row.identity.source() != Some(source) {
                continue;
            }
            let bytes = self
                .0
                .vault
                .read(&Record::grant(&row.grant))
                .await
                .ok()
                .flatten();
            let Some(Ok(Grant::Role(role))) = bytes.map(|bytes| Grant::from_bytes(&bytes)) else {
                continue;
            };
            let ends = longest.as_ref().map_or(now, |known| known.expires_at);
            if let Some(found) = role.mfa.filter(|found| found.expires_at > ends) {
                longest = Some(found);
            }
        }
        longest
    }
}
