//! The keychain: the storage of Grants and Sessions between uses.
//!
//! This file has the time limits, the order of calls, and the keychain's state. `vault/record.rs` has the names of the records,
//! `vault/entries.rs` has the format, `vault/connection.rs` the connection of one call at a time, `vault/platform.rs`
//! the operating systems. Only these files use the keychain crates. Callers are the session and the app; providers
//! never see the vault. The content of a record is opaque here.

mod connection;
mod entries;
mod failure;
mod platform;
mod record;
#[cfg(target_os = "linux")]
mod secret_service;
#[cfg(test)]
mod tests;

use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use ts_rs::TS;

use keyring_core::CredentialStore;
use secrecy::{ExposeSecret, SecretSlice};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use crate::error::{Code, Error, ErrorView, Result};
use crate::file::{self, LockMode};

use connection::{KeychainConnection, KeychainStatus};
use failure::KeychainFailure;
pub use record::{Record, RecordKind};

/// The state of the keychain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct KeychainView {
    /// Its state.
    pub state: KeychainState,
    /// The platform's name for it, for example `Login keyring`.
    pub name: String,
    /// The error, if there was one.
    pub error: Option<ErrorView>,
}

/// The state of the keychain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum KeychainState {
    /// Not asked yet.
    Unknown,
    /// It can be read and written.
    Unlocked,
    /// It is locked.
    Locked,
    /// There is none: tokens are only in memory.
    Absent,
    /// It failed.
    Failed,
}

/// The vault's time limits.
#[derive(Clone, Copy, Debug)]
pub struct KeychainLimits {
    /// For one call, with everything that it waits for.
    pub call: Duration,
    /// For the user's answer to the keychain's own dialog.
    pub unlock: Duration,
    /// Between two attempts to find a keychain where there was none.
    pub retry: Duration,
}

impl Default for KeychainLimits {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            unlock: Duration::from_secs(120),
            retry: Duration::from_secs(5),
        }
    }
}

/// The keychain of this user on this machine. Clones are one vault.
///
/// Every method ends within its limit, even when the keychain hangs. In general a method fails with `keychain-locked`
/// when the keychain is locked, `keychain-failed` when it fails, refuses or does not answer, `busy` when this or
/// another process does not finish in time, and `storage-failed` when the lock file cannot be used. Without a
/// keychain, secrets are kept in memory and move to the keychain when one appears.
#[derive(Clone)]
pub struct Vault(Arc<VaultState>);

struct VaultState {
    connection: Arc<Mutex<KeychainConnection>>,
    connect: Option<Arc<ConnectKeychain>>,
    service: String,
    lock_file: Option<PathBuf>,
    limits: KeychainLimits,
    prompt: Arc<Semaphore>,
    status: Arc<KeychainStatus>,
    /// Whether the work runs on the calling thread.
    on_callers_thread: bool,
}

/// Connects to the keychain's store; called again after each failure.
type ConnectKeychain = dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync;

impl Vault {
    /// The operating system's keychain. Nothing is asked of it before the first call. The lock file separates the
    /// work of all our processes, so each must use the same one.
    pub fn platform(service: &str, lock_file: PathBuf) -> Self {
        Self::over(
            || platform::connect(None),
            service,
            Some(lock_file),
            KeychainLimits::default(),
        )
    }

    /// As `platform`, for a process that does nothing else while it waits: the work runs on the calling thread, and
    /// no call needs a runtime or is ever pending. Each answer of the keychain may take as long as `limit` on Linux;
    /// on other systems it waits for a dialog.
    pub fn on_this_thread(service: &str, lock_file: PathBuf, limit: Duration) -> Self {
        let connect = move || platform::connect(Some(limit));
        let limits = KeychainLimits {
            call: limit,
            ..KeychainLimits::default()
        };
        let status = Arc::new(KeychainStatus::new(KeychainState::Unknown, platform::NAME));
        Self::new(
            Some(Arc::new(connect)),
            service,
            Some(lock_file),
            limits,
            status,
            true,
        )
    }

    /// Any store, reached through `connect`.
    pub fn over(
        connect: impl Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync + 'static,
        service: &str,
        lock_file: Option<PathBuf>,
        limits: KeychainLimits,
    ) -> Self {
        let status = Arc::new(KeychainStatus::new(KeychainState::Unknown, platform::NAME));
        Self::new(
            Some(Arc::new(connect)),
            service,
            lock_file,
            limits,
            status,
            false,
        )
    }

    /// A vault in memory, for tests and demonstrations. It starts no thread, so it also works with paused time.
    pub fn in_memory() -> Self {
        let status = Arc::new(KeychainStatus::new(KeychainState::Unlocked, "Memory"));
        Self::new(
            None,
            "memory",
            None,
            KeychainLimits::default(),
            status,
            false,
        )
    }

    fn new(
        connect: Option<Arc<ConnectKeychain>>,
        service: &str,
        lock_file: Option<PathBuf>,
        limits: KeychainLimits,
        status: Arc<KeychainStatus>,
        on_callers_thread: bool,
    ) -> Self {
        let connection =
            KeychainConnection::new(connect.clone(), service, limits.retry, Arc::clone(&status));
        Self(Arc::new(VaultState {
            connection: Arc::new(Mutex::new(connection)),
            connect,
            service: service.to_owned(),
            lock_file,
            limits,
            prompt: Arc::new(Semaphore::new(1)),
            status,
            on_callers_thread,
        }))
    }

    /// The secret of a record, or none when the keychain does not have it. Never shows a dialog on Linux and Windows;
    /// macOS may show its own.
    ///
    /// # Errors
    /// As described at the type; `keychain-failed` also when the stored secret is damaged, which changes nothing in
    /// the keychain; `keychain-absent` when there is no keychain to find a Grant in. A Session then counts as
    /// missing, since it can be recreated.
    pub async fn read(&self, record: &Record) -> Result<Option<SecretSlice<u8>>> {
        let record = record.clone();
        let secret = self
            .call(LockMode::Shared, move |connection| connection.read(&record))
            .await?;
        Ok(secret.map(|secret| SecretSlice::from(secret.to_vec())))
    }

    /// Stores the secret of a record and reads it back. Interrupted at any moment, the record has the complete old
    /// secret or the complete new one.
    ///
    /// # Errors
    /// As described at the type. An error leaves the old secret or the new one, without saying which.
    pub async fn write(&self, record: &Record, secret: SecretSlice<u8>) -> Result<()> {
        let record = record.clone();
        self.call(LockMode::Exclusive, move |connection| {
            connection.write(&record, secret.expose_secret())
        })
        .await
    }

    /// Removes a record with all its parts. A missing one counts as removed. Without a keychain, the record is
    /// removed from memory, and from the keychain if one appears while this process runs.
    ///
    /// # Errors
    /// As described at the type. After an error the record may be gone with parts of it left, which the next `write`
    /// or `delete` of it removes.
    pub async fn delete(&self, record: &Record) -> Result<()> {
        let record = record.clone();
        self.call(LockMode::Exclusive, move |connection| {
            connection.delete(&record)
        })
        .await
    }

    /// The number of keychain entries of a record; none when it is missing or only in memory.
    ///
    /// # Errors
    /// As for [`Vault::read`].
    pub async fn entries(&self, record: &Record) -> Result<u32> {
        let record = record.clone();
        self.call(LockMode::Exclusive, move |connection| {
            connection.entries(&record)
        })
        .await
    }

    /// Removes every keychain entry of our service, and everything in memory. Returns the number of removed entries.
    ///
    /// # Errors
    /// As described at the type; `keychain-absent` when there is no keychain.
    pub async fn sweep_all(&self) -> Result<u32> {
        self.call(LockMode::Exclusive, KeychainConnection::sweep_all)
            .await
    }

    /// Checks the keychain without a dialog, so that its state is known.
    ///
    /// # Errors
    /// As described at the type; `keychain-absent` when there is none.
    pub async fn check(&self) -> Result<()> {
        self.call(LockMode::Exclusive, KeychainConnection::check)
            .await
    }

    /// Opens the keychain's dialog to unlock it, or to create it where there is none yet. One dialog is open at a
    /// time; further callers wait for it. Other calls continue, and no other process has to wait.
    ///
    /// # Errors
    /// As described at the type; `keychain-locked` also when the user dismissed the dialog or did not answer it in
    /// time, and `keychain-absent` when there is no keychain to unlock.
    pub async fn unlock(&self) -> Result<()> {
        let Some(connect) = self.0.connect.clone() else {
            return Ok(());
        };
        let deadline = Instant::now() + self.0.limits.unlock;
        let Ok(mode) = timeout_at(deadline, Arc::clone(&self.0.prompt).acquire_owned()).await
        else {
            return Err(failure::unanswered());
        };
        let service = self.0.service.clone();
        let asked = on_a_thread(deadline, move || {
            let _turn = mode;
            let store = connect().map_err(KeychainFailure::from)?;
            platform::unlock(&*store, &service).map_err(KeychainFailure::from)?;
            Ok::<_, KeychainFailure>(store)
        });
        let failure = match asked.await? {
            None => return Err(failure::unanswered()),
            Some(Ok(store)) => {
                // KeePassXC has allowed this connection, and no other.
                let Ok(mut connection) =
                    timeout_at(deadline, Arc::clone(&self.0.connection).lock_owned()).await
                else {
                    return Err(failure::busy_here());
                };
                connection.replace(store);
                drop(connection);
                return self.check().await;
            }
            Some(Err(failure)) => failure,
        };
        let error = failure.into_error();
        self.0.status.failed(&error);
        Err(error)
    }

    /// Does some work, and tells when the keychain asks its user something meanwhile, which may take two minutes.
    pub async fn beside_questions<T>(work: impl Future<Output = T>, tell: impl Fn()) -> T {
        let mut questions = platform::questions();
        tokio::pin!(work);
        let is_asked = async {
            while questions.wait_for(|asked| *asked > 0).await.is_ok() {
                tell();
                if questions.wait_for(|asked| *asked == 0).await.is_err() {
                    break;
                }
            }
            std::future::pending::<std::convert::Infallible>().await
        };
        tokio::select! {
            biased;
            done = &mut work => done,
            never = is_asked => match never {},
        }
    }

    /// The last known state of the keychain, and every change of it.
    pub fn watch(&self) -> watch::Receiver<KeychainView> {
        self.0.status.watch()
    }

    /// Runs a job with the connection, one at a time and under the lock file. The job runs on a thread of the
    /// blocking pool: a hanging keychain can be abandoned, and never more than one thread hangs, because it keeps the
    /// connection. A process shuts its runtime down in the background, so it does not wait for that thread. The
    /// result of an abandoned job is dropped. On the calling thread, read-only jobs run beside those of other
    /// processes.
    async fn call<T: Send + 'static>(
        &self,
        mode: LockMode,
        job: impl FnOnce(&mut KeychainConnection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let limit = self.0.limits.call;
        let now = Instant::now();
        let deadline = now + limit;
        if self.0.on_callers_thread {
            let mut connection = self
                .0
                .connection
                .try_lock()
                .map_err(|_| failure::busy_here())?;
            connection.asked_at = now;
            // Others use the keychain meanwhile.
            connection.connect_ahead();
            let _lock = hold(self.0.lock_file.as_deref(), mode, limit)?;
            return job(&mut connection);
        }
        let Ok(mut connection) =
            timeout_at(deadline, Arc::clone(&self.0.connection).lock_owned()).await
        else {
            return Err(failure::busy_here());
        };
        connection.asked_at = now;
        if self.0.connect.is_none() {
            return job(&mut connection);
        }

        let lock_file = self.0.lock_file.clone();
        let ticket = Arc::new(Ticket::default());
        let taken = Arc::clone(&ticket);
        let outcome = on_a_thread(deadline, move || {
            let _lock = hold(lock_file.as_deref(), LockMode::Exclusive, limit)?;
            if !taken.take() {
                return Err(failure::busy_elsewhere());
            }
            job(&mut connection)
        });
        if let Some(outcome) = outcome.await? {
            return outcome;
        }
        if self.0.lock_file.is_some() && ticket.take() {
            return Err(failure::busy_elsewhere());
        }
        let error = failure::silent(limit);
        self.0.status.failed(&error);
        Err(error)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("service", &self.0.service)
            .finish_non_exhaustive()
    }
}

/// The lock that keeps keychain work to one process at a time, or to such as only read: a record takes several entries.
fn hold(path: Option<&Path>, mode: LockMode, limit: Duration) -> Result<Option<file::Lock>> {
    let held = path.map(|path| file::lock_blocking(path, mode, limit));
    held.transpose().map_err(|error| match error.code() {
        Code::Busy => failure::busy_elsewhere(),
        _ => error,
    })
}

/// The first to take it decides: the thread does the job, or the caller gives up and the job never runs.
#[derive(Default)]
struct Ticket(AtomicBool);

impl Ticket {
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }
}

/// What a job on a thread of the runtime's blocking pool led to, or nothing when it was not done by the deadline. While the
/// keychain asks its user something, the user's time limit counts instead. Paused time does not run ahead
/// of a job there, which takes real time.
async fn on_a_thread<T: Send + 'static>(
    deadline: Instant,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>> {
    let mut job = tokio::task::spawn_blocking(job);
    let mut done = timeout_at(deadline, &mut job).await;
    if done.is_err() && platform::is_asking() {
        done = timeout_at(deadline + KeychainLimits::default().unlock, &mut job).await;
    }
    match done {
        Ok(Ok(outcome)) => Ok(Some(outcome)),
        Ok(Err(_)) => Err(Error::new(
            Code::Internal,
            "The keychain work ended unexpectedly. Choose Retry.",
        )),
        Err(_) => Ok(None),
    }
}
