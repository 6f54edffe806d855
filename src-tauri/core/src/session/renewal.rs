//! One renewal: under the grant's lock, with what the keychain holds, from the provider's answer to a session.
//!
//! The lock's previous holder may have done the same work, so the row is read again first.
//! `session/back_off.rs` says whether the provider may be asked, `session/publish.rs` stores what it answered.

use std::sync::Arc;

use super::back_off::repeat_error;
use super::{RefreshMode, RenewalKey, Sessions};
use crate::account::{Account, AccountId, GrantKey};
use crate::claims::ClaimsChallenge;
use crate::credential::{Grant, Session};
use crate::error::{Code, Error, Result};
use crate::file;
use crate::provider::{Due, Providers, Refreshed};
use crate::resource::Resource;

impl Sessions {
    pub(super) async fn renew(
        &self,
        providers: &Providers,
        wanted: &RenewalKey,
        mode: RefreshMode,
    ) -> Result<Session> {
        let RenewalKey {
            id,
            resource,
            challenge,
        } = wanted;
        let challenge = challenge.as_ref();
        let before = self.account(id)?;
        // The previous holder of the lock may have done the same work, or met the same failure.
        let (_lock, account) = self.locked(&before.grant, id).await?;
        let renewed_meanwhile = account.session_for(resource) != before.session_for(resource);
        if challenge.is_none()
            && (renewed_meanwhile || mode == RefreshMode::Fresh)
            && let Some(session) = self.fresh(&account, resource).await?
        {
            return Ok(session);
        }
        // A failure of the account applies to every resource.
        for part in [&Resource::Management, resource] {
            let Some(renewal_failure) = self.failure(&account, part) else {
                continue;
            };
            let just_met = Some(renewal_failure) != before.renewal_failure_for(part);
            if just_met || self.must_back_off(renewal_failure, mode) {
                return Err(repeat_error(renewal_failure));
            }
        }
        let stored = match self.grant(providers, &account).await {
            // Another account's role assumes this one, and needs the user: that is this account's failure too.
            Err(error) if error.code() == Code::SourceExpired => {
                let part = &Resource::Management;
                return Err(self.record_failure(&account, part, error).await?);
            }
            stored => stored?,
        };
        let Some(mut grant) = stored else {
            let error = Error::new(
                Code::SignInAgain,
                "The keychain no longer has the sign-in of this account. Sign in again.",
            )
            .with_local_cause();
            let part = &Resource::Management;
            return Err(self.record_failure(&account, part, error).await?);
        };
        let is_named = resource.identifier().is_some();
        let due = providers.of(account.cloud()).due(&grant);
        let mut is_renewed = false;
        if is_named && matches!(due, Some(Due::Soon | Due::Now)) {
            match self.try_grant(providers, &account, &grant).await {
                Ok(()) => {
                    is_renewed = true;
                    grant = self.grant(providers, &account).await?.unwrap_or(grant);
                }
                // What it holds is good for some minutes more.
                Err(error) if due == Some(Due::Soon) && error.is_transient() => {}
                Err(error) => return Err(error),
            }
        }
        let mut refreshed = self
            .refresh(providers, &account, &grant, resource, challenge)
            .await;
        // A token that is refused before its time: exactly one renewal, and one more attempt.
        if is_named && due.is_some() && needs_sign_in(&refreshed) && !is_renewed {
            self.try_grant(providers, &account, &grant).await?;
            grant = self.grant(providers, &account).await?.unwrap_or(grant);
            refreshed = self
                .refresh(providers, &account, &grant, resource, challenge)
                .await;
        }
        let error = match refreshed {
            Ok(refreshed) => return self.publish(&account, resource, refreshed).await,
            Err(error) => error,
        };
        tracing::warn!(
            account = %id,
            resource = resource.key(),
            code = error.code().as_str(),
            reference = error.reference(),
            "renewal failed"
        );
        if let Some(challenge) = challenge
            && error.code() == Code::SignInAgain
        {
            let asked = error.challenge().unwrap_or(challenge.as_str()).to_owned();
            return Err(error.with_challenge(Some(asked)));
        }
        if is_named && error.code() == Code::SignInAgain {
            // A new token that is refused too is no good for any resource.
            if due.is_some() {
                let part = &Resource::Management;
                return Err(self.record_failure(&account, part, error).await?);
            }
            // No code shows whether the resource or the grant was refused: the management session decides.
            if let Err(of_grant) = self.try_grant(providers, &account, &grant).await
                && of_grant.code() == Code::SignInAgain
            {
                return Err(of_grant);
            }
        }
        Err(self.record_failure(&account, resource, error).await?)
    }

    /// The account under the lock of its grant. A sign-in meanwhile may have given it another grant.
    async fn locked(&self, grant: &GrantKey, id: &AccountId) -> Result<(file::Lock, Arc<Account>)> {
        let mut grant = grant.clone();
        loop {
            let lock = self.lock(&grant).await?;
            let account = self.account(id)?;
            if account.grant == grant {
                return Ok((lock, account));
            }
            grant.clone_from(&account.grant);
        }
    }

    /// Asks the provider for a session that can be issued. A grant that came with one that cannot is stored all the same.
    async fn refresh(
        &self,
        providers: &Providers,
        account: &Account,
        grant: &Grant,
        resource: &Resource,
        challenge: Option<&ClaimsChallenge>,
    ) -> Result<Refreshed> {
        let provider = providers.of(account.cloud());
        let refreshed = provider
            .refresh(account, grant, resource, challenge)
            .await?;
        match self.refusal(account, &refreshed) {
            None => Ok(refreshed),
            Some(error) => {
                self.store_rotated(account, refreshed.grant).await?;
                Err(error)
            }
        }
    }

    /// Whether a grant that was refused for a resource still creates management sessions. A created session is kept.
    async fn try_grant(
        &self,
        providers: &Providers,
        account: &Account,
        grant: &Grant,
    ) -> Result<()> {
        let part = &Resource::Management;
        match providers
            .of(account.cloud())
            .refresh(account, grant, part, None)
            .await
        {
            Ok(refreshed) => match self.refusal(account, &refreshed) {
                None => self.publish(account, part, refreshed).await.map(drop),
                Some(error) => {
                    self.store_rotated(account, refreshed.grant).await?;
                    Err(self.record_failure(account, part, error).await?)
                }
            },
            Err(error) => Err(self.record_failure(account, part, error).await?),
        }
    }

    /// The reason why a renewed session must not be issued. An expired one is useless, and every caller would ask for
    /// another at once.
    fn refusal(&self, account: &Account, refreshed: &Refreshed) -> Option<Error> {
        let times = refreshed.session.times;
        let is_expired = times.expires_at <= self.0.clock.now();
        let expired = || {
            let cloud = account.cloud().title();
            // No cloud issues what ended before it was asked for: the two clocks differ.
            if times.expires_at < times.issued_at {
                let message = format!(
                    "This machine's clock is ahead of {cloud}'s, so new sessions look expired. Set the clock, then try again."
                );
                return Error::new(Code::ClockOff, message);
            }
            let message = format!(
                "{cloud} returned a session that has already expired. Check this machine's clock. Retrying automatically."
            );
            Error::new(Code::ServerFailed, message)
        };
        let odd = || {
            let cloud = account.cloud().title();
            let message = format!(
                "{cloud} returned a credential that cannot be one, so it was not used. Retrying automatically."
            );
            Error::new(Code::ServerFailed, message)
        };
        let is_odd = !refreshed.session.credential.has_its_form();
        refreshed
            .refusal
            .clone()
            .or_else(|| is_odd.then(odd))
            .or_else(|| is_expired.then(expired))
    }
}

fn needs_sign_in(refreshed: &Result<Refreshed>) -> bool {
    matches!(refreshed, Err(error) if error.code() == Code::SignInAgain)
}
