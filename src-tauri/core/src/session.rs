//! Sessions: issuing a valid one, renewing it once for all callers, and never after a sign-out.
//!
//! One renewal at a time per grant, across threads (a shared task) and processes (a lock file). The renewal runs in a
//! task of its own, so a caller that gives up cannot lose a rotated refresh token. The rotated grant is stored before
//! the session is published. A grant may serve several resources: each has its session, and its own failure unless
//! the grant's. Expiry is wall-clock time. Only `app/` calls this file.

mod back_off;
mod lifetime;
mod publish;
mod renewal;
mod secrets;
mod stored_grant;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use crate::account::{Account, AccountId, GrantKey};
use crate::claims::ClaimsChallenge;
use crate::credential::{Grant, Session};
use crate::error::{Code, Error, Result};
use crate::file;
use crate::provider::{self, Providers};
use crate::resource::Resource;
use crate::store::{Store, not_found};
use crate::vault::{Record, Vault};
use crate::world::{Clock, Environment};
pub use lifetime::{is_fresh, renewal_due, renewal_planned};
pub use secrets::NewSecrets;

/// How long another process may hold a grant: a whole request with its time limit, and the keychain work around it.
const GRANT_LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// What a caller needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshMode {
    /// A session that can be issued.
    Fresh,
    /// A new session at the user's request: waits from earlier failures do not count.
    Renewed,
    /// A new session ahead of time, in the background.
    Ahead,
}

type Renewal = Shared<BoxFuture<'static, Result<Session>>>;

/// What a renewal makes. Callers of the same share one.
#[derive(Clone, PartialEq, Eq, Hash)]
struct RenewalKey {
    id: AccountId,
    resource: Resource,
    challenge: Option<ClaimsChallenge>,
}

/// Issues sessions.
#[derive(Clone)]
pub struct Sessions(Arc<SessionsState>);

struct SessionsState {
    clock: Arc<dyn Clock>,
    vault: Vault,
    store: Store,
    locks: PathBuf,
    environment: Environment,
    running: Mutex<HashMap<RenewalKey, Renewal>>,
    /// Rotated grants that the keychain refused: the only copy, kept until it accepts them.
    unsaved: Mutex<HashMap<GrantKey, Grant>>,
    on_change: Box<dyn Fn() + Send + Sync>,
}

impl Sessions {
    /// `on_change` is called whenever a renewal starts or ends.
    pub fn new(
        clock: Arc<dyn Clock>,
        vault: Vault,
        store: Store,
        locks: PathBuf,
        environment: Environment,
        on_change: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let (running, unsaved) = (Mutex::default(), Mutex::default());
        Self(Arc::new(SessionsState {
            clock,
            vault,
            store,
            locks,
            environment,
            running,
            unsaved,
            on_change: Box::new(on_change),
        }))
    }

    /// Returns a session of the account for a resource, as `mode` requires. Simultaneous callers get the same one.
    ///
    /// # Errors
    /// `sign-in-again` when only the user can help, at once and without a request; transient codes; `not-found` for
    /// an account that is not connected; `unsupported` for a resource that its cloud offers no sessions for.
    pub async fn session(
        &self,
        providers: &Providers,
        id: &AccountId,
        resource: &Resource,
        mode: RefreshMode,
    ) -> Result<Session> {
        let account = self.account(id)?;
        provider::check_resource(&account.identity, resource)?;
        providers.of(account.cloud()).require_outside(&account)?;
        if mode == RefreshMode::Fresh
            && let Some(session) = self.fresh(&account, resource).await?
        {
            return Ok(session);
        }
        let (id, resource, challenge) = (id.clone(), resource.clone(), None);
        let wanted = RenewalKey {
            id,
            resource,
            challenge,
        };
        self.renewal(providers, wanted, mode).await
    }

    /// A new session that meets a claims challenge, whatever is stored. A refusal is not kept with the account, because
    /// its other sessions may do: its error carries what the next sign-in has to prove.
    ///
    /// # Errors
    /// As `session`; `unsupported` for a cloud without claims challenges.
    pub async fn answer(
        &self,
        providers: &Providers,
        id: &AccountId,
        resource: &Resource,
        challenge: &ClaimsChallenge,
    ) -> Result<Session> {
        let account = self.account(id)?;
        provider::check_challenge(account.cloud())?;
        provider::check_resource(&account.identity, resource)?;
        let (id, resource) = (id.clone(), resource.clone());
        let wanted = RenewalKey {
            id,
            resource,
            challenge: Some(challenge.clone()),
        };
        self.renewal(providers, wanted, RefreshMode::Fresh).await
    }

    /// The session in the keychain, if it can be issued as it is.
    ///
    /// # Errors
    /// `keychain-*`.
    pub async fn fresh(&self, account: &Account, resource: &Resource) -> Result<Option<Session>> {
        let kept = self.kept(account, resource).await?;
        Ok(kept.filter(|session| is_fresh(account.cloud(), &session.times, self.0.clock.now())))
    }

    /// Whether a renewal of the account's management session is running in this process.
    pub fn is_renewing(&self, id: &AccountId) -> bool {
        self.running()
            .keys()
            .any(|key| key.id == *id && key.resource == Resource::Management)
    }

    /// Waits until every running renewal of this process has ended, so that no grant is lost when it quits.
    pub async fn finish(&self) {
        loop {
            let Some(renewal) = self.running().values().next().cloned() else {
                return;
            };
            let _ = renewal.await;
        }
    }

    fn account(&self, id: &AccountId) -> Result<Arc<Account>> {
        self.0.store.account(id)?.ok_or_else(|| not_found(id))
    }

    /// The stored session, if it belongs to the account as it is now.
    async fn kept(&self, account: &Account, resource: &Resource) -> Result<Option<Session>> {
        let Some(bytes) = self.0.vault.read(&record(account, resource)).await? else {
            return Ok(None);
        };
        Ok(Session::from_bytes(&bytes)
            .ok()
            .filter(|session| session.generation == account.generation))
    }

    /// The running renewal for the account and the resource, or a new one in a task of its own.
    fn renewal(&self, providers: &Providers, wanted: RenewalKey, mode: RefreshMode) -> Renewal {
        let mut running = self.running();
        if let Some(renewal) = running.get(&wanted) {
            return renewal.clone();
        }
        let (this, providers, ended) = (self.clone(), providers.clone(), wanted.clone());
        let task = tokio::spawn(async move {
            let result = this.renew(&providers, &ended, mode).await;
            this.running().remove(&ended);
            (this.0.on_change)();
            result
        });
        let renewal = async move {
            task.await.unwrap_or_else(|_| {
                Err(Error::new(
                    Code::Internal,
                    "The renewal stopped unexpectedly. Try again.",
                ))
            })
        };
        let renewal = renewal.boxed().shared();
        running.insert(wanted, renewal.clone());
        drop(running);
        (self.0.on_change)();
        renewal
    }

    async fn lock(&self, grant: &GrantKey) -> Result<file::Lock> {
        file::lock(&self.lock_path(grant), GRANT_LOCK_TIMEOUT).await
    }

    fn lock_path(&self, grant: &GrantKey) -> PathBuf {
        self.0.locks.join(format!("{}.lock", grant.as_str()))
    }

    fn running(&self) -> MutexGuard<'_, HashMap<RenewalKey, Renewal>> {
        self.0
            .running
            .lock()
            .expect("no code panics while it holds this lock")
    }

    fn unsaved(&self) -> MutexGuard<'_, HashMap<GrantKey, Grant>> {
        self.0
            .unsaved
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

/// The record of an account's session in the keychain.
fn record(account: &Account, resource: &Resource) -> Record {
    Record::session(&account.id, resource.key())
}
