//! An account's targets: reading the list, and the one in use.
//!
//! One reading at a time for each account. A list that could not be read leaves the old one, and says why beside it.

use std::sync::Arc;

use tokio::sync::Notify;

use super::App;
use crate::account::{Account, AccountId, Cloud, OrganizationAccount, Target, TargetsChange};
use crate::activity::ActivityKind;
use crate::claims::ClaimsChallenge;
use crate::credential::Session;
use crate::error::{Code, Error, ErrorView, Result};
use crate::provider::{self, Providers};
use crate::resource::Resource;
use crate::session::RefreshMode;
use crate::snapshot::ReadingAccounts;
use crate::store::{Change, not_found};
use crate::text;

/// A list of targets that is being loaded.
pub(super) struct Reading {
    pub(super) count: u32,
    /// IAM Identity Center: the accounts whose roles are loaded.
    pub(super) accounts: Option<ReadingAccounts>,
    cancel: Arc<Notify>,
}

/// The result of loading an account.
pub(super) struct Read {
    pub(super) targets: Vec<Target>,
    /// None when it is unknown.
    pub(super) organization: Option<Vec<OrganizationAccount>>,
    /// The list before the reading began, when parts of the new one are stored already.
    pub(super) before: Option<Vec<Target>>,
}

impl App {
    /// The account's targets as last loaded.
    ///
    /// # Errors
    /// `not-found`.
    pub fn targets(&self, id: &AccountId) -> Result<Vec<Target>> {
        Ok(self.account(id)?.targets.clone())
    }

    /// Loads the account's targets again. A failure keeps the old list and is stored beside it.
    ///
    /// # Errors
    /// Those of `session` and of the provider's list; never `sign-in-cancelled`.
    pub async fn read_targets(&self, id: &AccountId) -> Result<()> {
        let Some(cancel) = self.begin_reading(id) else {
            return Ok(());
        };
        self.publish();
        self.go_on_reading(id, &cancel).await
    }

    /// A new session after a list refused the one that was used: one that proves what the list wants proved, if it does.
    async fn renewed_after(
        &self,
        providers: &Providers,
        id: &AccountId,
        refusal: &Error,
    ) -> Result<Session> {
        let part = &Resource::Management;
        let challenge = refusal.challenge().map(ClaimsChallenge::parse);
        match challenge.transpose()? {
            Some(challenge) => self.sessions.answer(providers, id, part, &challenge).await,
            None => {
                let renewed = RefreshMode::Renewed;
                self.sessions.session(providers, id, part, renewed).await
            }
        }
    }

    /// Stops loading the account's targets; the old list stays.
    pub fn cancel_reading(&self, id: &AccountId) {
        if let Some(reading) = self.state().reading.get(id) {
            reading.cancel.notify_one();
        }
    }

    /// Makes the account, and one of its targets when one is named, the ones in use in its cloud: both or neither.
    ///
    /// # Errors
    /// `not-found`, also for a target that the account does not have; `storage-*`.
    pub async fn use_account(&self, id: &AccountId, target: Option<&str>) -> Result<()> {
        let now = self.world.clock.now();
        self.change(|change| {
            let used = change.edit(id, |account| {
                if let Some(target) = target {
                    choose(account, target)?;
                }
                account.used_at = Some(now);
                Ok(account.clone())
            });
            let account = used?.ok_or_else(|| not_found(id))?;
            change.set_active(account.cloud(), id)?;
            change.record(&account, now, ActivityKind::Used)
        })
        .await
    }

    /// Chooses the target to work on, of an account that may not be in use.
    ///
    /// # Errors
    /// `not-found` for a target that the account does not have, `storage-*`.
    pub async fn choose_target(&self, id: &AccountId, target: &str) -> Result<()> {
        self.edit(id, |account| choose(account, target)).await
    }

    /// Marks the account's targets as loading, for the next Snapshot; none when they already are.
    pub(super) fn begin_reading(&self, id: &AccountId) -> Option<Arc<Notify>> {
        let mut state = self.state();
        if state.reading.contains_key(id) {
            return None;
        }
        let cancel = Arc::new(Notify::new());
        state.reading.insert(
            id.clone(),
            Reading {
                count: 0,
                accounts: None,
                cancel: cancel.clone(),
            },
        );
        Some(cancel)
    }

    /// Loads the targets that `begin_reading` marked. The mark is removed when the result is stored.
    pub(super) async fn go_on_reading(&self, id: &AccountId, cancel: &Notify) -> Result<()> {
        let read = tokio::select! {
            read = self.read_targets_once(id) => Some(read),
            () = cancel.notified() => None,
        };
        let result = match read {
            Some(read) => self.take_over(id, read).await,
            None => Ok(()),
        };
        self.state().reading.remove(id);
        self.reload();
        result
    }

    /// Stores the result, or the failure.
    async fn take_over(&self, id: &AccountId, read: Result<Read>) -> Result<()> {
        self.note(id.cloud(), read.as_ref().err());
        let (now, result) = (
            self.world.clock.now(),
            read.as_ref().map(drop).map_err(Clone::clone),
        );
        let edit = |account: &mut Account| {
            account.targets_error = read.as_ref().err().map(ErrorView::from);
            let Ok(Read {
                targets,
                organization,
                before,
            }) = read
            else {
                return Ok(None);
            };
            // The first list is no change.
            let mut changed = None;
            if account.targets_read_at.is_some() {
                let before = before.as_ref().unwrap_or(&account.targets);
                account.targets_change =
                    TargetsChange::between(before, &targets, now).or(account.targets_change);
                changed = account.targets_change.filter(|change| change.at == now);
            }
            account.targets = targets;
            if let Some(organization) = organization {
                account.organization = organization;
            }
            account.targets_read_at = Some(now);
            account.forget_refusals_of_targets();
            // A single target needs no choice.
            if let ([only], None) = (account.targets.as_slice(), &account.target) {
                account.target = Some(only.id.clone());
            }
            Ok(changed)
        };
        let change = |change: &Change<'_>| {
            let changed = change.edit(id, edit)?.ok_or_else(|| not_found(id))?;
            match (changed, change.account(id)?) {
                (Some(TargetsChange { added, removed, .. }), Some(account)) => change.record(
                    &account,
                    now,
                    ActivityKind::TargetsChanged { added, removed },
                ),
                _ => Ok(()),
            }
        };
        self.store.change(change).await?;
        result
    }

    async fn read_targets_once(&self, id: &AccountId) -> Result<Read> {
        let providers = self.providers();
        let account = self.account(id)?;
        if account.identity.is_identity_center() {
            return Box::pin(self.read_catalogue(&account)).await;
        }
        let provider = providers.of(account.cloud());
        let progress = |count: usize| {
            if let Some(reading) = self.state().reading.get_mut(id) {
                reading.count = u32::try_from(count).unwrap_or(u32::MAX);
            }
            self.publish();
        };
        let mut session = self
            .sessions
            .session(&providers, id, &Resource::Management, RefreshMode::Fresh)
            .await?;
        let targets = match provider.targets(&account, &session, &progress).await {
            // The provider ended the session before its time, or wants more proved: a new one shows whether the sign-in
            // still stands and can prove it.
            Err(error) if error.code() == Code::SignInAgain => {
                let read = match self.renewed_after(&providers, id, &error).await {
                    Ok(renewed) => {
                        session = renewed;
                        provider.targets(&account, &session, &progress).await
                    }
                    Err(error) => Err(error),
                };
                if let Err(error) = &read {
                    self.sessions.keep_challenge(&account, error).await?;
                }
                read
            }
            read => read,
        }?;
        let is_aws = account.cloud() == Cloud::Aws;
        let organization = if is_aws {
            self.read_organization(&account, &session).await
        } else {
            None
        };
        Ok(Read {
            targets,
            organization,
            before: None,
        })
    }
}

fn choose(account: &mut Account, target: &str) -> Result<()> {
    let is_known = account.targets.iter().any(|known| known.id == target);
    if !is_known && let Some(unlisted) = provider::unlisted_target(&account.identity, target) {
        account.targets.push(unlisted);
    }
    if !account.targets.iter().any(|known| known.id == target) {
        let message = format!(
            "{} has no target \"{}\". Refresh its targets.",
            account.name(),
            text::shown(target)
        );
        return Err(Error::new(Code::NotFound, message));
    }
    account.target = Some(target.to_owned());
    Ok(())
}
