//! Failures of renewals: how they are kept with the account, and how long each makes the next request wait.
//!
//! A failure of the account counts in every process. One of this process's surroundings counts for those that have the
//! same, for half a minute, and is never final.

use std::time::Duration;

use super::lifetime::{CLOCK_TOLERANCE, later};
use super::{RefreshMode, Sessions};
use crate::account::{Account, RenewalFailure};
use crate::activity::ActivityKind;
use crate::error::{Code, Error, ErrorView, Result};
use crate::random;
use crate::resource::Resource;
use crate::surroundings;

/// The waits after temporary failures: doubled from the first to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The longest `Retry-After` of a provider that delays an account.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// The waits after a refusal of one resource: only an administrator can fix it, possibly outside this app.
const FIRST_WAIT_REFUSED: Duration = Duration::from_secs(60);
const LONGEST_WAIT_REFUSED: Duration = LONGEST_RETRY_AFTER;
/// The wait after a failure of this process's surroundings, which do not change by waiting.
pub(super) const LOCAL_WAIT: Duration = Duration::from_secs(30);

impl Sessions {
    /// The failure of an account's last renewal, if it applies to this process: it concerns the account itself, or
    /// has the variables, files and clock of this process.
    pub fn failure<'a>(
        &self,
        account: &'a Account,
        resource: &Resource,
    ) -> Option<&'a RenewalFailure> {
        let failure = account.renewal_failure_for(resource)?;
        let Some(mark) = &failure.surroundings else {
            return Some(failure);
        };
        let is_of_this_clock = failure.at <= later(self.0.clock.now(), CLOCK_TOLERANCE);
        let is_here = || *mark == surroundings::mark(&self.0.environment, account.cloud());
        (is_of_this_clock && is_here()).then_some(failure)
    }

    /// Whether a new request must wait after an earlier failure.
    pub(super) fn must_back_off(
        &self,
        renewal_failure: &RenewalFailure,
        mode: RefreshMode,
    ) -> bool {
        let now = self.0.clock.now();
        let waits = renewal_failure.not_before.is_some_and(|until| {
            // A clock that was set back must not delay an account for longer than the longest wait.
            now < until && until.duration_since(now).unsigned_abs() <= LONGEST_RETRY_AFTER
        });
        renewal_failure.is_final() || (waits && mode != RefreshMode::Renewed)
    }

    /// Keeps with the account what a resource wants proved and a renewal could not, so that the next sign-in asks for it.
    /// Without a challenge nothing changes.
    ///
    /// # Errors
    /// `storage-*`.
    pub async fn keep_challenge(&self, account: &Account, error: &Error) -> Result<()> {
        let Some(challenge) = error.challenge() else {
            return Ok(());
        };
        let failure = RenewalFailure {
            error: ErrorView::from(error),
            at: self.0.clock.now(),
            not_before: None,
            attempts: 1,
            challenge: Some(challenge.to_owned()),
            surroundings: None,
        };
        self.0
            .store
            .change(|change| {
                let keep = |row: &mut Account| {
                    if row.generation == account.generation {
                        row.renewal_failure = Some(failure);
                    }
                    Ok(())
                };
                change.edit(&account.id, keep).map(drop)
            })
            .await
    }

    /// Stores a failure with the row, so that every process knows it: the account's own failures for all of them,
    /// others for those with the same surroundings, and never as final. A locked keychain is not a failure of the
    /// account. Returns the failure for the callers.
    pub(super) async fn record_failure(
        &self,
        account: &Account,
        resource: &Resource,
        error: Error,
    ) -> Result<Error> {
        if matches!(
            error.code(),
            Code::KeychainLocked | Code::KeychainFailed | Code::Busy | Code::StorageFailed
        ) {
            return Ok(error);
        }
        let at = self.0.clock.now();
        let attempts = self
            .failure(account, resource)
            .map_or(1, |renewal_failure| {
                renewal_failure.attempts.saturating_add(1)
            });
        let wait = match (error.is_transient(), resource) {
            (true, _) => Some(wait_after(attempts, error.retry_after())),
            (false, _) if !error.is_of_account() => Some(LOCAL_WAIT),
            (false, Resource::Management) => None,
            (false, Resource::Named(_)) => Some(backed_off(
                attempts,
                FIRST_WAIT_REFUSED,
                LONGEST_WAIT_REFUSED,
            )),
        };
        let (not_before, challenge) = (
            wait.map(|wait| at + wait),
            error.challenge().map(str::to_owned),
        );
        let renewal_failure = RenewalFailure {
            error: ErrorView::from(&error),
            at,
            not_before,
            attempts,
            challenge,
            surroundings: (!error.is_of_account())
                .then(|| surroundings::mark(&self.0.environment, account.cloud())),
        };
        self.0
            .store
            .change(|change| {
                if resource.identifier().is_none() {
                    let (code, reference) = (error.code(), error.reference());
                    change.record(account, at, ActivityKind::RenewalFailed { code, reference })?;
                }
                let edited = change.edit(&account.id, |row| {
                    if row.generation != account.generation {
                        return Ok(());
                    }
                    if renewal_failure.error.code == Code::NotEnforced {
                        row.identity.mark_not_enforced();
                    }
                    match resource {
                        Resource::Management => row.renewal_failure = Some(renewal_failure),
                        Resource::Named(identifier) => {
                            row.resource_mut(identifier).renewal_failure = Some(renewal_failure);
                        }
                    }
                    self.make_room(change, row)
                });
                edited.map(drop)
            })
            .await?;
        if resource.identifier().is_some() {
            let cleaned = self.clean_up_locked(&account.grant).await;
            self.report_clean_up(cleaned.map(drop));
        }
        Ok(error.with_sign_in_needed(wait.is_none()))
    }
}

/// The wait after the n-th failure in a row: the provider's, else doubled each time, with jitter.
fn wait_after(attempts: u32, retry_after: Option<Duration>) -> Duration {
    if let Some(asked) = retry_after {
        return asked.min(LONGEST_RETRY_AFTER);
    }
    backed_off(attempts, FIRST_WAIT, LONGEST_WAIT).mul_f64(0.75 + random::fraction() / 2.0)
}

/// The first wait, doubled after each failure that followed.
fn backed_off(attempts: u32, first: Duration, longest: Duration) -> Duration {
    first
        .saturating_mul(1 << attempts.saturating_sub(1).min(10))
        .min(longest)
}

pub(super) fn repeat_error(renewal_failure: &RenewalFailure) -> Error {
    Error::seen(&renewal_failure.error)
        .with_challenge(renewal_failure.challenge.clone())
        .with_sign_in_needed(renewal_failure.is_final())
}
