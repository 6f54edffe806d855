//! Taking turns: one sign-in for everybody on this machine who finds that the same grant needs its person.
//!
//! Whoever asks first signs in; the others, in this process or another, wait and share what it came to. Only a command
//! that was told to may get here: nothing opens a browser by itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::App;
use crate::account::{Account, AccountId};
use crate::error::{Code, Error, ErrorView, Result};
use crate::file;
use crate::redirect::STATE_LIFE;
use crate::store::Store;
use crate::world::Clock;

/// Longer than any sign-in lasts.
const SIGN_IN_LOCK_TIMEOUT: Duration = Duration::from_secs(STATE_LIFE.as_secs() + 60);

/// A caller who may sign in to an account, as it was when the caller looked.
pub struct SignInLock {
    account: AccountId,
    generation: u64,
    since: Timestamp,
    lock: PathBuf,
    outcome: PathBuf,
    store: Store,
    clock: Arc<dyn Clock>,
}

/// What the wait for a turn led to.
pub enum Acquired {
    /// Nobody signed in meanwhile: it is this caller's to do.
    Held(SignInGuard),
    /// Somebody did.
    SignedInMeanwhile,
}

/// The turn to sign in. The others wait while it lives.
pub struct SignInGuard {
    outcome: PathBuf,
    clock: Arc<dyn Clock>,
    _lock: file::Lock,
}

/// How the last sign-in failed. One that succeeded shows in the account.
#[derive(Serialize, Deserialize)]
struct Outcome {
    at: Timestamp,
    error: ErrorView,
}

impl App {
    /// Takes down how an account stands, before it is asked for a credential, for the case that only its person can help.
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
    /// Waits until nobody else signs in. `waiting` is told when somebody does.
    ///
    /// # Errors
    /// Why somebody else's sign-in failed meanwhile; `busy` when it does not end; `storage-*`.
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
        // A file that cannot be read is nobody's outcome.
        let last = file::read(&self.outcome)?
            .and_then(|bytes| serde_json::from_slice::<Outcome>(&bytes).ok());
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
    /// Tells the others how it ended.
    pub fn ended<T>(self, ended: &Result<T>) {
        let Err(error) = ended else { return };
        let outcome = Outcome {
            at: self.clock.now(),
            error: ErrorView::from(error),
        };
        let json = serde_json::to_vec(&outcome).expect("plain fields serialise");
        if let Err(error) = file::replace(&self.outcome, &json) {
            // The others then ask the person once more.
            tracing::warn!(
                code = error.code().as_str(),
                "how a sign-in ended could not be told"
            );
        }
    }
}
