//! The keychain: where Grants and Sessions rest between two moments of use.
//!
//! What lives here: which record is kept under which name, the time limits, the order of calls, and what is known of
//! the keychain's state. `vault/entries.rs` holds the format, `vault/connection.rs` what one call at a time works with,
//! `vault/platform.rs` the operating systems. Only these files name the keychain crates. Callers are the session and
//! the app; providers never see the vault. What a record means is not known here.

mod connection;
mod entries;
mod failure;
#[cfg(test)]
mod fake;
mod platform;
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

use crate::account::{AccountId, GrantKey};
use crate::digest::digest;
use crate::error::{Code, Error, ErrorView, Result};
use crate::file::{self, LockMode};

use connection::{KeychainConnection, KeychainStatus};
use failure::KeychainFailure;

/// The state of the keychain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct KeychainView {
    /// How it stands.
    pub state: KeychainState,
    /// What the platform calls it, for example `Login keyring`.
    pub name: String,
    /// What went wrong, when something did.
    pub error: Option<ErrorView>,
}

/// How the keychain stands.
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
    /// There is none: tokens live in memory only.
    Absent,
    /// It failed.
    Failed,
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The long-lived thing: a refresh token, or a role with its External ID and source. Lost for good when lost.
    Grant,
    /// The short-lived credential made from a Grant. Can be made again.
    Session,
    /// AWS access keys that a person typed in. Lost for good when lost.
    AccessKeys,
}

impl Kind {
    /// The first word of the keychain entry's user name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Session => "session",
            Self::AccessKeys => "access-keys",
        }
    }

    /// The word in a sentence to a person.
    fn noun(self) -> &'static str {
        match self {
            Self::Grant => "sign-in",
            Self::Session => "session",
            Self::AccessKeys => "access keys",
        }
    }
}

/// The name of one secret in the keychain. It tells nothing about the person: no address, no tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    kind: Kind,
    key: String,
}

impl Record {
    /// The Grant that a key stands for.
    pub fn grant(key: &GrantKey) -> Self {
        let text = key.as_str();
        let fits = !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        Self {
            kind: Kind::Grant,
            key: if fits {
                text.to_owned()
            } else {
                digest([text])
            },
        }
    }

    /// The Session of an account for one resource.
    pub fn session(account: &AccountId, resource: &str) -> Self {
        Self {
            kind: Kind::Session,
            key: digest([account.as_str(), resource]),
        }
    }

    /// The AWS access keys with an id.
    pub fn access_keys(access_key_id: &str) -> Self {
        Self {
            kind: Kind::AccessKeys,
            key: digest([access_key_id]),
        }
    }

    /// What the record is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The user name of the keychain entry that the record starts at. It has no dot, because Windows joins user and
    /// service with one and would otherwise take two names for the same.
    pub fn user(&self) -> String {
        format!("{}-{}", self.kind.as_str(), self.key)
    }
}

/// How long the vault waits.
#[derive(Clone, Copy, Debug)]
pub struct KeychainLimits {
    /// For one call, with everything that it waits for.
    pub call: Duration,
    /// For the person to answer the keychain's own dialog.
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

/// The keychain of this person on this machine. Clones are one vault.
///
/// Every method ends within its limit, also when the keychain hangs. In general a method fails with
/// `keychain-locked` when the keychain is locked, `keychain-failed` when it fails, refuses or does not answer, `busy`
/// when this or another process is not done with it in time, and `storage-failed` when the lock file cannot be used.
/// Where there is no keychain, secrets are held in memory and move to the keychain when one appears.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    connection: Arc<Mutex<KeychainConnection>>,
    connect: Option<Arc<ConnectKeychain>>,
    service: String,
    lock_file: Option<PathBuf>,
    limits: KeychainLimits,
    prompt: Arc<Semaphore>,
    status: Arc<KeychainStatus>,
    /// Whether the work is done on the thread that asks for it.
    on_callers_thread: bool,
}

/// Reaches the keychain's store; called again after each failure.
type ConnectKeychain = dyn Fn() -> keyring_core::Result<Arc<CredentialStore>> + Send + Sync;

impl Vault {
    /// The operating system's keychain. Nothing is asked of it before the first call. The lock file keeps the work of
    /// all our processes apart, so each must be given the same one.
    pub fn platform(service: &str, lock_file: PathBuf) -> Self {
        Self::over(
            || platform::connect(None),
            service,
            Some(lock_file),
            KeychainLimits::default(),
        )
    }

    /// As `platform`, for a process that does nothing else while it waits: the work is done on the thread that asks for
    /// it, and no call needs a runtime around it or is ever pending. Each answer of the keychain may take as long as
    /// `limit` on Linux; what it shows a person elsewhere is waited for.
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

    /// A vault that forgets everything with the process, for tests and demonstrations. It starts no thread, so it
    /// also serves where time is paused.
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
        Self(Arc::new(Inner {
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

    /// The secret of a record, or nothing when the keychain does not hold it. Never asks the person anything on
    /// Linux and Windows; macOS may show its own dialog.
    ///
    /// # Errors
    /// As said at the type; `keychain-failed` also when what is stored is damaged, which changes nothing in the
    /// keychain; `keychain-absent` when there is no keychain to know a Grant from. A Session that cannot be known
    /// for that reason counts as not there, since it can be made again.
    pub async fn read(&self, record: &Record) -> Result<Option<SecretSlice<u8>>> {
        let record = record.clone();
        let secret = self
            .call(LockMode::Shared, move |connection| connection.read(&record))
            .await?;
        Ok(secret.map(|secret| SecretSlice::from(secret.to_vec())))
    }

    /// Stores the secret of a record and reads it back. Interrupted at any moment, the record holds the old secret
    /// or the new one, whole.
    ///
    /// # Errors
    /// As said at the type. An error leaves the old secret or the new one, and does not say which.
    pub async fn write(&self, record: &Record, secret: SecretSlice<u8>) -> Result<()> {
        let record = record.clone();
        self.call(LockMode::Exclusive, move |connection| {
            connection.write(&record, secret.expose_secret())
        })
        .await
    }

    /// Removes a record with all its parts. One that is not there is removed already. Where there is no keychain, the
    /// record is removed from memory, and from the keychain if it appears while this process lives.
    ///
    /// # Errors
    /// As said at the type. After an error the record may be gone with parts of it left, which the next `write` or
    /// `delete` of it removes.
    pub async fn delete(&self, record: &Record) -> Result<()> {
        let record = record.clone();
        self.call(LockMode::Exclusive, move |connection| {
            connection.delete(&record)
        })
        .await
    }

    /// How many keychain entries hold a record; none when it is not there or in memory only.
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

    /// Forgets everything: removes every keychain entry of our service, and what is held in memory. Returns how many
    /// entries were removed.
    ///
    /// # Errors
    /// As said at the type; `keychain-absent` when there is no keychain to remove anything from.
    pub async fn sweep_all(&self) -> Result<u32> {
        self.call(LockMode::Exclusive, KeychainConnection::sweep_all)
            .await
    }

    /// Looks at the keychain without asking the person anything, so that its state is known.
    ///
    /// # Errors
    /// As said at the type; `keychain-absent` when there is none.
    pub async fn check(&self) -> Result<()> {
        self.call(LockMode::Exclusive, KeychainConnection::check)
            .await
    }

    /// Has the keychain ask the person to unlock it, or to set it up where there is none yet. One dialog is open at a
    /// time; whoever asks meanwhile waits for the same one. Other calls go on, and no other process is kept waiting.
    ///
    /// # Errors
    /// As said at the type; `keychain-locked` also when the person dismissed the dialog or did not answer it in time,
    /// and `keychain-absent` when there is no keychain to unlock.
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
            platform::unlock(&*store, &service).map_err(KeychainFailure::from)
        });
        let failure = match asked.await? {
            None => return Err(failure::unanswered()),
            Some(Ok(())) => return self.check().await,
            Some(Err(failure)) => failure,
        };
        let error = failure.into_error();
        self.0.status.failed(&error);
        Err(error)
    }

    /// The keychain's state as last seen, and every change of it.
    pub fn watch(&self) -> watch::Receiver<KeychainView> {
        self.0.status.watch()
    }

    /// Runs a job with the connection, one at a time and under the lock file. The job runs on a thread of the blocking pool: a
    /// keychain that hangs can be left behind, and never more than one thread hangs, because it keeps the connection. A
    /// process that ends shuts its runtime down in the background, so it does not wait for that one. The result of a job
    /// that was left behind is dropped. On the caller's own thread, jobs that only read go beside those of other processes.
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
            // Others work with the keychain meanwhile.
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

/// Who takes it first decides: the thread does the job, or the caller gives up and the job is never done.
#[derive(Default)]
struct Ticket(AtomicBool);

impl Ticket {
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }
}

/// What a job on a thread of the runtime's blocking pool led to, or nothing when it was not done by the deadline. Paused
/// time does not run ahead of a job there, which takes real time.
async fn on_a_thread<T: Send + 'static>(
    deadline: Instant,
    job: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>> {
    match timeout_at(deadline, tokio::task::spawn_blocking(job)).await {
        Ok(Ok(outcome)) => Ok(Some(outcome)),
        Ok(Err(_)) => Err(Error::new(
            Code::Internal,
            "The keychain work ended unexpectedly. Choose Retry.",
        )),
        Err(_) => Ok(None),
    }
}
