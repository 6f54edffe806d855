//! Sessions: issuing a valid one, renewing it once for all callers, and never after a sign-out.
//!
//! One renewal at a time per grant, across threads (a shared task) and processes (a lock file). The renewal runs in a
//! task of its own, so a caller that gives up cannot lose a rotated refresh token. The rotated grant is stored before
//! the session is published. A grant may serve several resources: each has its session, and its own failure unless
//! the grant's. Expiry is wall-clock time. Only `app/` calls this file.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;

use crate::account::{
    Account, AccountId, Cloud, GrantKey, Identity, RenewalFailure, ResourceSession, SessionTimes,
};
use crate::activity::ActivityKind;
use crate::claims::ClaimsChallenge;
use crate::credential::{AccessKeys, Grant, MfaSession, Session};
use crate::error::{Code, Error, ErrorView, Result};
use crate::file;
use crate::provider::{self, Due, Providers, Refreshed};
use crate::random;
use crate::resource::Resource;
use crate::role::{CenterRole, Source};
use crate::store::{Change, Intent, Store, not_found};
use crate::surroundings;
use crate::vault::{Record, Vault};
use crate::world::{Clock, Environment};

/// How much earlier the app renews by itself, so that no caller has to wait.
const REFRESH_AHEAD: Duration = Duration::from_secs(5 * 60);
/// A clock that was set back by more than this makes every session suspect.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(120);
/// The waits after temporary failures: doubled from the first to the longest.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// The longest `Retry-After` of a provider that delays an account.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// The waits after a refusal of one resource: only an administrator can fix it, possibly outside this app.
const FIRST_WAIT_REFUSED: Duration = Duration::from_secs(60);
const LONGEST_WAIT_REFUSED: Duration = LONGEST_RETRY_AFTER;
/// The wait after a failure of this process's surroundings, which do not change by waiting.
const LOCAL_WAIT: Duration = Duration::from_secs(30);
/// How long another process may hold a grant: a whole request with its time limit, and the keychain work around it.
const GRANT_LOCK_TIMEOUT: Duration = Duration::from_secs(60);

/// The time from which a session has to be renewed before it is issued: when less remains than its cloud's clients
/// need, but never before half of its lifetime, so that a server with very short lifetimes is not asked at every
/// call.
pub fn renewal_due(cloud: Cloud, times: &SessionTimes) -> Timestamp {
    let half = (times
        .issued_at
        .duration_since(times.expires_at)
        .unsigned_abs())
        / 2;
    // Storage may contain any time.
    earlier(
        times.expires_at,
        provider::min_remaining_lifetime(cloud).min(half),
    )
}

/// The time at which the app renews a session by itself: ahead of `renewal_due`, spread by the account's id so that
/// accounts that were connected together are not renewed together.
pub fn renewal_planned(cloud: Cloud, account: &AccountId, times: &SessionTimes) -> Timestamp {
    let due = renewal_due(cloud, times);
    let half = times.issued_at.duration_since(due).unsigned_abs() / 2;
    let spread = account.as_str().bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    }) % 1000;
    due - REFRESH_AHEAD
        .min(half)
        .mul_f64(0.5 + f64::from(spread) / 2000.0)
}

/// Whether a session can be issued now.
pub fn is_fresh(cloud: Cloud, times: &SessionTimes, now: Timestamp) -> bool {
    now < renewal_due(cloud, times) && later(now, CLOCK_TOLERANCE) >= times.issued_at
}

/// A time before another, or the first possible one.
fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_sub(by).unwrap_or(Timestamp::MIN)
}

/// A time after another, or the last possible one.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

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
pub struct Sessions(Arc<Inner>);

struct Inner {
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

/// Secrets that are noted and in the keychain, and that no row needs yet. Their lock is held until this is dropped.
#[must_use = "the row that needs the secrets is still to be stored"]
pub struct NewSecrets {
    intents: Vec<Intent>,
    _lock: file::Lock,
}

impl NewSecrets {
    /// Removes the note, in the change that stores the row.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn settle(&self, change: &Change<'_>) -> Result<()> {
        self.intents
            .iter()
            .try_for_each(|intent| change.settle(intent))
    }
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
        Self(Arc::new(Inner {
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

    /// Puts what a sign-in gave into the keychain: noted first, then the grant, then the session. The row comes after
    /// that, in a change that settles the secrets.
    ///
    /// # Errors
    /// `keychain-*`, `storage-*`, `busy`. After those, and when no row is stored, `clean_up_all` removes what was written.
    pub async fn write_sign_in(
        &self,
        identity: &Identity,
        key: &GrantKey,
        grant: &Grant,
        session: &Session,
    ) -> Result<NewSecrets> {
        let account = identity.account_id();
        let lock = self.lock(key).await?;
        let resource = Resource::Management.key();
        let intents = vec![
            Intent::Grant(key.clone()),
            Intent::Session {
                account: account.clone(),
                resource: resource.to_owned(),
                grant: key.clone(),
            },
        ];
        let secrets = self.note(intents, lock).await?;
        let vault = &self.0.vault;
        vault.write(&Record::grant(key), grant.to_bytes()).await?;
        self.unsaved().remove(key);
        vault
            .write(&Record::session(&account, resource), session.to_bytes())
            .await?;
        Ok(secrets)
    }

    /// Notes secrets that the keychain is about to hold, so that a killed process leaves none that cannot be found.
    async fn note(&self, intents: Vec<Intent>, lock: file::Lock) -> Result<NewSecrets> {
        let note = |change: &Change<'_>| intents.iter().try_for_each(|intent| change.note(intent));
        self.0.store.change(note).await?;
        Ok(NewSecrets {
            intents,
            _lock: lock,
        })
    }

    /// Removes the account: its row and the note of its secrets at once, then the secrets. Returns the removed
    /// account and its grant, if no other row has it, for revoking it at the provider.
    ///
    /// # Errors
    /// `not-found`; `keychain-*` or `busy` when a secret could not be removed yet: the row is removed anyway, and the
    /// secret later.
    pub async fn remove(&self, id: &AccountId) -> Result<(Account, Option<Grant>)> {
        let at = self.0.clock.now();
        let remove = |change: &Change<'_>| {
            let account = change.remove(id)?.ok_or_else(|| not_found(id))?;
            change.record(&account, at, ActivityKind::Disconnected)?;
            Ok(account)
        };
        let account = self.0.store.change(remove).await?;
        let grant = self.finish_removal(&account).await?;
        Ok((account, grant))
    }

    /// Removes a removed row's secrets from the keychain, and returns its grant, if no other row has it.
    ///
    /// # Errors
    /// `keychain-*` or `busy`: the rest is removed later.
    pub async fn finish_removal(&self, account: &Account) -> Result<Option<Grant>> {
        let grant = self.clean_up(&account.grant).await?;
        self.clean_up_all().await;
        Ok(grant)
    }

    /// Removes a grant's noted secrets that no row needs. The grant's lock comes first: a running renewal or sign-in
    /// ends before, and its result is seen. Returns the grant when it was removed.
    async fn clean_up(&self, grant: &GrantKey) -> Result<Option<Grant>> {
        let _lock = self.lock(grant).await?;
        self.clean_up_locked(grant).await
    }

    async fn clean_up_locked(&self, grant: &GrantKey) -> Result<Option<Grant>> {
        let (mut settled, mut removed, mut failure) = (Vec::new(), None, None);
        for (intent, is_needed) in self.0.store.intents(Some(grant))? {
            if !is_needed {
                match self.remove_secret(&intent).await {
                    Ok(read) => removed = removed.or(read),
                    Err(error) => {
                        failure.get_or_insert(error);
                        continue;
                    }
                }
            }
            settled.push(intent);
        }
        self.settle(&settled).await?;
        failure.map_or(Ok(removed), Err)
    }

    async fn settle(&self, intents: &[Intent]) -> Result<()> {
        if intents.is_empty() {
            return Ok(());
        }
        self.0
            .store
            .change(|change| intents.iter().try_for_each(|intent| change.settle(intent)))
            .await
    }

    /// Removes one secret that no row needs. Returns it if it was a grant.
    async fn remove_secret(&self, intent: &Intent) -> Result<Option<Grant>> {
        let vault = &self.0.vault;
        match intent {
            Intent::Grant(key) => {
                let record = Record::grant(key);
                // One that cannot be read is removed without being revoked.
                let bytes = vault.read(&record).await.ok().flatten();
                let grant = bytes.and_then(|bytes| Grant::from_bytes(&bytes).ok());
                self.unsaved().remove(key);
                vault.delete(&record).await?;
                Ok(grant)
            }
            Intent::Session {
                account, resource, ..
            } => vault
                .delete(&Record::session(account, resource))
                .await
                .map(|()| None),
            Intent::AccessKeys(id) => vault.delete(&Record::access_keys(id)).await.map(|()| None),
        }
    }

    /// Removes what killed sign-ins and interrupted sign-outs left in the keychain. It skips what another process
    /// works on, and retries failures the next time.
    pub async fn clean_up_all(&self) {
        let intents = match self.0.store.intents(None) {
            Ok(intents) => intents,
            Err(error) => {
                tracing::warn!(
                    code = error.code().as_str(),
                    "left-over secrets could not be listed"
                );
                return;
            }
        };
        let mut grants = Vec::new();
        for (intent, _) in intents {
            match intent {
                Intent::AccessKeys(id) => {
                    self.report_clean_up(self.clean_up_access_keys(&id).await);
                }
                Intent::Grant(grant) | Intent::Session { grant, .. }
                    if !grants.contains(&grant) =>
                {
                    grants.push(grant);
                }
                Intent::Grant(_) | Intent::Session { .. } => {}
            }
        }
        for grant in grants {
            let path = self.lock_path(&grant);
            let cleaned = match file::lock(&path, Duration::ZERO).await {
                Ok(_lock) => self.clean_up_locked(&grant).await.map(drop),
                Err(error) if error.code() == Code::Busy => Ok(()),
                Err(error) => Err(error),
            };
            self.report_clean_up(cleaned);
        }
    }

    fn report_clean_up(&self, cleaned: Result<()>) {
        if let Err(error) = cleaned {
            tracing::warn!(
                code = error.code().as_str(),
                "a left-over secret could not be removed yet"
            );
        }
    }

    /// Puts access keys into the keychain, noted first. Their name comes after that, in a change that settles them.
    ///
    /// # Errors
    /// `keychain-*`, `storage-*`, `busy`.
    pub async fn write_access_keys(&self, keys: &AccessKeys) -> Result<NewSecrets> {
        let record = Record::access_keys(&keys.access_key_id);
        let lock = self.lock_access_keys(&record).await?;
        let intent = Intent::AccessKeys(keys.access_key_id.clone());
        let secrets = self.note(vec![intent], lock).await?;
        self.0.vault.write(&record, keys.to_bytes()).await?;
        Ok(secrets)
    }

    /// Removes noted access keys without a name from the keychain.
    ///
    /// # Errors
    /// `keychain-*`, `storage-*`, `busy`: they are removed later.
    pub async fn clean_up_access_keys(&self, id: &str) -> Result<()> {
        let _lock = self.lock_access_keys(&Record::access_keys(id)).await?;
        let wanted = Intent::AccessKeys(id.to_owned());
        let known = self.0.store.intents(None)?;
        let Some((intent, is_needed)) = known.into_iter().find(|(intent, _)| *intent == wanted)
        else {
            return Ok(());
        };
        if !is_needed {
            self.remove_secret(&intent).await?;
        }
        self.settle(&[intent]).await
    }

    async fn lock_access_keys(&self, record: &Record) -> Result<file::Lock> {
        let path = self.0.locks.join(format!("{}.lock", record.user()));
        file::lock(&path, GRANT_LOCK_TIMEOUT).await
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

    async fn renew(
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
                return Err(self.record_trouble(&account, part, error).await?);
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
            return Err(self.record_trouble(&account, part, error).await?);
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
                return Err(self.record_trouble(&account, part, error).await?);
            }
            // No code shows whether the resource or the grant was refused: the management session decides.
            if let Err(of_grant) = self.try_grant(providers, &account, &grant).await
                && of_grant.code() == Code::SignInAgain
            {
                return Err(of_grant);
            }
        }
        Err(self.record_trouble(&account, resource, error).await?)
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

    /// The app registration that a stored grant was issued to; none when it cannot be read.
    pub async fn client_of(&self, grant: &GrantKey) -> Option<String> {
        let bytes = self.0.vault.read(&Record::grant(grant)).await.ok()??;
        let grant = Grant::from_bytes(&bytes).ok()?;
        grant.client_id().map(str::to_owned)
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
                    Err(self.record_trouble(account, part, error).await?)
                }
            },
            Err(error) => Err(self.record_trouble(account, part, error).await?),
        }
    }

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
        refreshed
            .refusal
            .clone()
            .or_else(|| is_expired.then(expired))
    }

    /// Whether a new request must wait after an earlier failure.
    fn must_back_off(&self, renewal_failure: &RenewalFailure, mode: RefreshMode) -> bool {
        let now = self.0.clock.now();
        let waits = renewal_failure.not_before.is_some_and(|until| {
            // A clock that was set back must not delay an account for longer than the longest wait.
            now < until && until.duration_since(now).unsigned_abs() <= LONGEST_RETRY_AFTER
        });
        renewal_failure.is_final() || (waits && mode != RefreshMode::Renewed)
    }

    async fn grant(&self, providers: &Providers, account: &Account) -> Result<Option<Grant>> {
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

    /// Stores the rotated grant, then the session, then the row's times, unless the account was signed out meanwhile.
    async fn publish(
        &self,
        account: &Account,
        resource: &Resource,
        refreshed: Refreshed,
    ) -> Result<Session> {
        self.store_rotated(account, refreshed.grant).await?;
        let mut session = refreshed.session;
        session.generation = account.generation;
        let is_current =
            |now: Option<&Account>| now.is_some_and(|now| now.generation == account.generation);
        if !is_current(self.0.store.account(&account.id)?.as_deref()) {
            return Err(signed_out());
        }
        let (record, now) = (record(account, resource), self.0.clock.now());
        if resource.identifier().is_none() {
            self.0.vault.write(&record, session.to_bytes()).await?;
        }
        self.0
            .store
            .change(|change| {
                let edited = change.edit(&account.id, |row| {
                    if !is_current(Some(row)) {
                        return Err(signed_out());
                    }
                    match resource {
                        Resource::Management => {
                            (row.session, row.renewal_failure) = (Some(session.times), None);
                        }
                        Resource::Named(identifier) => {
                            let known = row.resource_mut(identifier);
                            (known.session, known.renewal_failure) = (Some(session.times), None);
                        }
                    }
                    row.sign_in_end = refreshed.sign_in_end;
                    if let Some(identity) = refreshed.identity {
                        row.identity = identity;
                    }
                    self.make_room(change, row)
                });
                edited?.ok_or_else(signed_out)?;
                match resource {
                    Resource::Management => change.record(account, now, ActivityKind::Renewed),
                    Resource::Named(_) => Ok(()),
                }
            })
            .await?;
        // The name is stored before its secret, so that a sign-out finds the secret.
        if resource.identifier().is_some() {
            self.0.vault.write(&record, session.to_bytes()).await?;
            let cleaned = self.clean_up_locked(&account.grant).await;
            self.report_clean_up(cleaned.map(drop));
        }
        Ok(session)
    }

    /// Stores a grant that replaced the stored one. After a sign-out meanwhile, the process that removed the row
    /// waits for our lock and then removes the grant.
    async fn store_rotated(&self, account: &Account, grant: Option<Grant>) -> Result<()> {
        let Some(grant) = grant else { return Ok(()) };
        let bytes = grant.to_bytes();
        self.unsaved().insert(account.grant.clone(), grant);
        self.0
            .vault
            .write(&Record::grant(&account.grant), bytes)
            .await?;
        self.unsaved().remove(&account.grant);
        Ok(())
    }

    /// Removes the resources whose sessions expire first, if there are too many, and notes their secrets.
    fn make_room(&self, change: &Change<'_>, row: &mut Account) -> Result<()> {
        let most = row.identity.most_resources();
        while row.resources.len() > most {
            let ends = |(_, known): &(usize, &ResourceSession)| {
                known.session.map(|session| session.expires_at)
            };
            // The last one is the new one.
            let others = row.resources.iter().enumerate().take(most);
            let (index, _) = others.min_by_key(ends).expect("there are too many");
            let oldest = row.resources.remove(index);
            change.note(&Intent::Session {
                account: row.id.clone(),
                resource: oldest.resource.as_str().to_owned(),
                grant: row.grant.clone(),
            })?;
        }
        Ok(())
    }

    /// Stores a failure with the row, so that every process knows it: the account's own failures for all of them,
    /// others for those with the same surroundings, and never as final. A locked keychain is not a failure of the
    /// account. Returns the failure for the callers.
    async fn record_trouble(
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

/// The record of an account's session in the keychain.
fn record(account: &Account, resource: &Resource) -> Record {
    Record::session(&account.id, resource.key())
}

fn needs_sign_in(refreshed: &Result<Refreshed>) -> bool {
    matches!(refreshed, Err(error) if error.code() == Code::SignInAgain)
}

fn repeat_error(renewal_failure: &RenewalFailure) -> Error {
    Error::seen(&renewal_failure.error)
        .with_challenge(renewal_failure.challenge.clone())
        .with_sign_in_needed(renewal_failure.is_final())
}

fn signed_out() -> Error {
    Error::new(
        Code::SignInAgain,
        "The account was disconnected meanwhile. Connect it again to use it.",
    )
}
