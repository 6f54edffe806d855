//! The use cases behind the dashboard, the tray and `mcm`.
//!
//! The door to core. State goes out one way, as whole Snapshots on a `watch`; `app/build_snapshot.rs` makes them. Here are
//! the state and its changes; each file of `app/` holds the use cases that its name says.

mod app_registrations;
mod aws;
mod background;
mod backup;
mod build_snapshot;
mod cached_sessions;
mod catalogue;
mod clusters;
mod connect;
mod console;
mod diagnostics;
mod disconnect;
mod environment_actions;
mod environments;
mod import;
mod issue;
mod listing;
mod preferences;
mod search;
mod sign_in_lock;
mod targets;
mod tenants;
mod updates;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::account::{Account, AccountId, Cloud, GrantKey, Identity};
pub use crate::app::aws::{ConnectRole, EnteredKeys, PrepareRole, PreparedRole};
pub use crate::app::backup::{BackedUp, Passphrase, Restored, RestoredAccount};
pub use crate::app::cached_sessions::CachedSessions;
pub use crate::app::clusters::OfferedContext;
pub use crate::app::connect::{Connect, ConnectPortal, MfaCode, OnDuplicate};
pub use crate::app::console::ConsoleSession;
pub use crate::app::diagnostics::StoredPlace;
pub use crate::app::disconnect::{Disconnected, SignOut};
pub use crate::app::environment_actions::{EnteredEnvironment, EnteredMember};
pub use crate::app::import::ConnectFound;
pub use crate::app::sign_in_lock::{Acquired, SignInGuard, SignInLock};
use crate::app::targets::Reading;
pub use crate::app::updates::{MANAGED, NewestVersion, UpdateSource};
use crate::environment::NamedEnvironment;
use crate::error::{Code, Error, Result};
use crate::provider::Providers;
use crate::redirect::{Delivered, Frontend, Redirects};
use crate::session::Sessions;
use crate::settings::Settings;
use crate::sign_in::SignInId;
use crate::snapshot::{Copyable, Snapshot};
use crate::store::{Accounts, Change, Store, not_found};
use crate::world::World;

/// The application core. One per process.
pub struct App {
    world: World,
    store: Store,
    sessions: Sessions,
    redirects: Arc<Redirects>,
    state: Mutex<State>,
    snapshot: watch::Sender<Arc<Snapshot>>,
    this: Weak<Self>,
}

struct State {
    settings: Arc<Settings>,
    providers: Providers,
    stored: Arc<Accounts>,
    book_error: Option<Error>,
    write_failure: Option<Error>,
    search: search::Index,
    sign_ins: BTreeMap<u32, connect::SignIn>,
    /// The grants of this process's own sign-ins, which it still has when no keychain took them.
    signed_in_here: HashSet<GrantKey>,
    last_sign_in: u32,
    leaving: disconnect::Leaving,
    reading: HashMap<AccountId, Reading>,
    /// The environments that can be brought back, the last deleted last.
    deleted_environments: Vec<NamedEnvironment>,
    /// Clouds that received too many requests, and until when nothing is renewed there ahead of time.
    held_clouds: HashMap<Cloud, Timestamp>,
    /// Clouds that the last attempt could not reach.
    unreachable: BTreeSet<Cloud>,
    paused: bool,
    revision: u64,
    /// Whether Snapshots are watched. Until then none is built, and only the requested accounts are read.
    is_watched: bool,
}

impl App {
    /// Reads settings and accounts. Never fails: the Snapshot contains what could not be read.
    pub fn open(world: World, front: Frontend) -> Arc<Self> {
        let settings = Arc::new(Settings::load(&world.paths.config, &world.environment));
        let providers = Providers::new(&settings, &world.http, world.clock.clone());
        Self::with_providers(world, front, settings, providers)
    }

    /// As `open`, with scripted providers for tests.
    pub fn with_providers(
        world: World,
        front: Frontend,
        settings: Arc<Settings>,
        providers: Providers,
    ) -> Arc<Self> {
        let store = Store::in_folder(&world.paths.data);
        let redirects = Arc::new(Redirects::new(world.clock.clone(), front));
        let mut state = State {
            settings,
            providers,
            stored: Arc::default(),
            book_error: None,
            write_failure: None,
            search: search::Index::default(),
            sign_ins: BTreeMap::new(),
            signed_in_here: HashSet::new(),
            last_sign_in: 0,
            leaving: disconnect::Leaving::default(),
            reading: HashMap::new(),
            deleted_environments: Vec::new(),
            held_clouds: HashMap::new(),
            unreachable: BTreeSet::new(),
            paused: false,
            revision: 0,
            is_watched: false,
        };
        Arc::new_cyclic(|this: &Weak<Self>| {
            let (vault, clock) = (world.vault.clone(), world.clock.clone());
            let locks = world.paths.data.join("locks");
            let app = this.clone();
            let environment = world.environment.clone();
            let sessions =
                Sessions::new(clock, vault, store.clone(), locks, environment, move || {
                    if let Some(app) = app.upgrade() {
                        app.reload();
                    }
                });
            let first = build_snapshot::build(&state, &world, &sessions);
            state.revision = first.revision;
            let snapshot = watch::Sender::new(Arc::new(first));
            Self {
                world,
                store,
                sessions,
                redirects,
                state: Mutex::new(state),
                snapshot,
                this: this.clone(),
            }
        })
    }

    /// The state, as it changes.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.begin_watching();
        self.snapshot.subscribe()
    }

    /// Reads all accounts and builds the first Snapshot, once. It happens under the lock, so that no second watcher
    /// sees an empty list.
    fn begin_watching(&self) {
        let mut state = self.state();
        if !state.is_watched {
            state.is_watched = true;
            let read = self.store.read();
            state.take(read, self.store.write_failure());
            let first = build_snapshot::build(&state, &self.world, &self.sessions);
            state.revision = first.revision;
            self.snapshot.send_replace(Arc::new(first));
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        self.state().settings.clone()
    }

    /// The connected accounts, or why they cannot be read.
    ///
    /// # Errors
    /// `storage-unreadable`, `storage-failed`.
    pub fn stored(&self) -> Result<Arc<Accounts>> {
        let state = self.state();
        if !state.is_watched {
            return self.store.read();
        }
        state
            .book_error
            .clone()
            .map_or_else(|| Ok(state.stored.clone()), Err)
    }

    /// Hands a deep link's text to the flow that waits for it. Hostile input: it may be anything.
    pub fn deliver(&self, url: &str) -> Delivered {
        self.redirects.deliver(url)
    }

    /// Tries the keychain again; may show the system's own prompt.
    ///
    /// # Errors
    /// `keychain-*`.
    pub async fn retry_keychain(&self) -> Result<()> {
        self.world.vault.unlock().await
    }

    /// Pauses or resumes automatic renewal.
    pub fn pause(&self, paused: bool) {
        self.state().paused = paused;
        self.publish();
    }

    /// The text to copy. Never a credential.
    ///
    /// # Errors
    /// `not-found` when there is nothing to copy.
    pub fn copyable(&self, id: &AccountId, what: Copyable) -> Result<String> {
        let account = self.account(id)?;
        Ok(match what {
            Copyable::AccountId => account.id.to_string(),
            Copyable::CloudId => account.identity.label().to_owned(),
            Copyable::TokenCommand => format!("mcm token {}", account.id),
            Copyable::CredentialProcess => {
                format!("credential_process = mcm credential-process {}", account.id)
            }
            Copyable::RoleArn => match &account.identity {
                Identity::Aws { role_arn, .. } => role_arn.to_string(),
                _ => {
                    return Err(Error::new(
                        Code::NotFound,
                        "This account is no role of AWS, so it has no ARN.",
                    ));
                }
            },
            Copyable::TargetId => account
                .chosen_target()
                .map(|target| target.id.clone())
                .ok_or_else(|| {
                    Error::new(Code::NotFound, "No target is chosen. Choose one first.")
                })?,
        })
    }

    /// Waits for what must finish before the process ends: running renewals, and accounts that are being disconnected.
    pub async fn finish(&self) {
        self.finish_leaving().await;
        self.sessions.finish().await;
    }

    fn account(&self, id: &AccountId) -> Result<Arc<Account>> {
        self.store.account(id)?.ok_or_else(|| not_found(id))
    }

    fn providers(&self) -> Providers {
        self.state().providers.clone()
    }

    async fn edit(
        &self,
        id: &AccountId,
        edit: impl FnOnce(&mut Account) -> Result<()>,
    ) -> Result<()> {
        self.change(|change| change.edit(id, edit)?.ok_or_else(|| not_found(id)))
            .await
    }

    async fn change<T>(&self, edit: impl FnOnce(&Change<'_>) -> Result<T>) -> Result<T> {
        let changed = self.store.change(edit).await;
        self.reload();
        changed
    }

    /// Reads what changed in `accounts.db` and builds a Snapshot. A process that keeps running sees other processes' changes.
    pub fn reload(&self) {
        if self.state().is_watched {
            self.read_changes();
            self.publish();
        }
    }

    /// As `reload`, when anything changed.
    fn follow(&self) {
        if self.state().is_watched && self.read_changes() {
            self.publish();
        }
    }

    /// Whether there were any. It happens under the lock, so that an earlier state never takes the place of a later one.
    fn read_changes(&self) -> bool {
        let mut state = self.state();
        let read = self.store.read();
        state.take(read, self.store.write_failure())
    }

    /// Records whether a cloud could be reached.
    fn note(&self, cloud: Option<Cloud>, error: Option<&Error>) {
        let Some(cloud) = cloud else { return };
        let mut state = self.state();
        let changed = match error.map(Error::code) {
            None => state.unreachable.remove(&cloud),
            Some(Code::Offline) => state.unreachable.insert(cloud),
            // Other errors do not show the state of the network.
            Some(_) => return,
        };
        drop(state);
        if changed {
            self.publish();
        }
    }

    fn publish(&self) {
        let mut state = self.state();
        if !state.is_watched {
            return;
        }
        let snapshot = build_snapshot::build(&state, &self.world, &self.sessions);
        // Sent under the lock, so that revisions are in order. What looks like the last one is not sent.
        self.snapshot.send_if_modified(|last| {
            if last.looks_like(&snapshot) {
                return false;
            }
            state.revision = snapshot.revision;
            *last = Arc::new(snapshot);
            true
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

impl State {
    /// Takes over the result of a read. When a file cannot be read, the last good accounts stay on the screen. Whether anything
    /// is new.
    fn take(&mut self, read: Result<Arc<Accounts>>, write_failure: Option<Error>) -> bool {
        let (stored, book_error) = match read {
            Ok(stored) => (stored, None),
            Err(error) => (self.stored.clone(), Some(error)),
        };
        let is_new = !Arc::ptr_eq(&stored, &self.stored);
        self.stored = stored;
        // Both, so that neither is passed over.
        let has_new_error = replace_error(&mut self.book_error, book_error);
        replace_error(&mut self.write_failure, write_failure) || has_new_error || is_new
    }
}

/// Replaces an error by the one of a later attempt, unless that says the same. Whether it did.
fn replace_error(known: &mut Option<Error>, new: Option<Error>) -> bool {
    let is_same = match (&known, &new) {
        (Some(known), Some(new)) => known.message() == new.message(),
        (None, None) => true,
        _ => false,
    };
    if !is_same {
        *known = new;
    }
    !is_same
}

/// The error for the number of an unknown sign-in.
fn no_sign_in(id: SignInId) -> Error {
    Error::new(
        Code::NotFound,
        format!("Sign-in {} has already ended. Start a new one.", id.0),
    )
}
