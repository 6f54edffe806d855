//! The sign-in lock: one sign-in for every process on this machine that finds the same grant in need of its user.
//!
//! The first caller signs in; the others, in this process or another, wait and share the result. Only a command with
//! `--interactive` gets here: no browser opens without a request.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::App;
use crate::account::{Account, AccountId};
use crate::error::{Code, Error, ErrorView, Result};
use crate::file;
use crate::redirect::SIGN_IN_TIMEOUT;
use crate::store::Store;
use crate::world::Clock;

/// Longer than any sign-in lasts.
const SIGN_IN_LOCK_TIMEOUT: Duration = Duration::from_secs(SIGN_IN_TIMEOUT.as_secs() + 60);

/// A caller that may sign in to an account, with the account's state at that time.
pub struct SignInLock {
    account: AccountId,
    generation: u64,
    since: Timestamp,
    lock: PathBuf,
    outcome: PathBuf,
    store: Store,
    clock: Arc<dyn Clock>,
}

/// The result of waiting for the lock.
pub enum Acquired {
    /// No other caller signed in meanwhile: this one has to.
    Held(SignInGuard),
    /// Another caller signed in.
    SignedInMeanwhile,
}

/// The lock for one sign-in. The others wait while it is held.
pub struct SignInGuard {
    outcome: PathBuf,
    clock: Arc<dyn Clock>,
    _lock: file::Lock,
}

/// The failure of the last sign-in. A success shows in the account.
#[derive(Serialize, Deserialize)]
struct LastFailure {
    at: Timestamp,
    error: ErrorView,
}

impl App {
    /// Records the account's generation before a request, so that a sign-in by another process is noticed.
    pub fn sign_in_lock(&self, account: &Account) -> SignInLock {
        let file = |ending: &str| {
            self.world
                .paths
                .data
                .join("locks")
                .join(format!("sign-in-{}.{ending}", account.grant.as_str()))
        };
        SignInLock {
            account: account.id.clone(),
            generation: account.generation,
            since: self.world.clock.now(),
            lock: file("lock"),
            outcome: file("json"),
            store: self.store.clone(),
            clock: self.world.clock.clone(),
        }
    }
}

impl SignInLock {
    /// Waits until no other caller signs in. `waiting` is called when one does.
    ///
    /// # Errors
    /// The failure of the other caller's sign-in; `busy` when it does not end; `storage-*`.
    pub async fn acquire(self, waiting: impl FnOnce()) -> Result<Acquired> {
        let lock = match file::lock(&self.lock, Duration::ZERO).await {
            Err(error) if error.code() == Code::Busy => {
                waiting();
                file::lock(&self.lock, SIGN_IN_LOCK_TIMEOUT).await?
            }
            lock => lock?,
        };
        let account = self.store.account(&self.account)?;
        if account.is_none_or(|account| account.generation != self.generation) {
            return Ok(Acquired::SignedInMeanwhile);
        }
        // An unreadable file has no result.
        let last = file::read(&self.outcome)?
            .and_then(|bytes| serde_json::from_slice::<LastFailure>(&bytes).ok());
        if let Some(last) = last.filter(|last| last.at >= self.since) {
            return Err(Error::seen(&last.error));
        }
        Ok(Acquired::Held(SignInGuard {
            outcome: self.outcome,
            clock: self.clock,
            _lock: lock,
        }))
    }
}

impl SignInGuard {
    /// Records the result for the others.
    pub fn ended<T>(self, ended: &Result<T>) {
        let Err(error) = ended else { return };
        let outcome = LastFailure {
            at: self.clock.now(),
            error: ErrorView::from(error),
        };
        let json = serde_json::to_vec(&outcome).expect("plain fields serialise");
        if let Err(error) = file::replace(&self.outcome, &json) {
            // The others then ask the user once more.
            tracing::warn!(
                code = error.code().as_str(),
                "the result of a sign-in could not be recorded"
            );
        }
    }
}
