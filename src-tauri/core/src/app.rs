//! The use cases: what the dashboard, the tray and `mcm` can ask for.
//!
//! The door to core. State goes out one way, as whole Snapshots on a `watch`; `app/build_snapshot.rs` makes them. Signing in
//! stands in `app/connect.rs`, renewing by itself in `app/background.rs`, finding accounts in `app/search.rs`.

mod aws;
mod background;
mod build_snapshot;
mod cached_sessions;
mod connect;
mod search;
mod sign_in_lock;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Notify, watch};
use ts_rs::TS;

use crate::account::{
    Account, AccountId, COLOURS, Cloud, OrganizationAccount, Target, TargetsChange,
};
use crate::activity::{ActivityEvent, ActivityKind};
pub use crate::app::aws::{ConnectRole, EnteredKeys, PrepareRole, PreparedRole};
pub use crate::app::cached_sessions::CachedSessions;
pub use crate::app::connect::{Connect, OnDuplicate};
pub use crate::app::sign_in_lock::{Acquired, SignInGuard, SignInLock};
use crate::credential::{Grant, Session};
use crate::error::{Code, Error, ErrorView, Result};
use crate::provider::{self, Providers};
use crate::redirect::{Delivered, Frontend, Redirects};
use crate::resource::Resource;
use crate::session::{RefreshMode, Sessions};
use crate::settings::{self, Settings};
use crate::settings::{Preferences, RedirectKind, Theme};
use crate::sign_in::SignInId;
use crate::snapshot::{Copyable, Snapshot};
use crate::store::{Accounts, Change, Export, Store, not_found};
use crate::text;
use crate::vault::KeychainState;
use crate::world::World;

/// How long telling a provider of a sign-out may take; the local removal never waits for it.
const SIGN_OUT_TIME: Duration = Duration::from_secs(10);
/// The longest name that a person can give a row.
const LONGEST_NAME: usize = 80;

/// The product. One per process.
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
    sign_ins: BTreeMap<u32, connect::SignIn>,
    last_sign_in: u32,
    reading: HashMap<AccountId, Reading>,
    /// Clouds that asked to wait, and until when nothing is renewed there ahead of time.
    held_clouds: HashMap<Cloud, Timestamp>,
    offline: bool,
    paused: bool,
    revision: u64,
    /// Whether anybody looks at Snapshots. Until then none is built, and of the accounts only what is asked for is read.
    is_watched: bool,
}

/// A list of targets that is being read.
struct Reading {
    count: u32,
    cancel: Arc<Notify>,
}

/// What was read of an account.
struct Read {
    targets: Vec<Target>,
    /// None when it is not known.
    organization: Option<Vec<OrganizationAccount>>,
}

/// A folder or store of ours, for "what is stored and where".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct StoredPlace {
    /// What it is called.
    pub label: String,
    /// Where it is.
    pub path: String,
    /// What is in it.
    pub what: String,
}

impl App {
    /// Reads settings and accounts. Never fails: what could not be read is in the Snapshot.
    pub fn open(world: World, front: Frontend) -> Arc<Self> {
        let settings = Arc::new(Settings::load(&world.paths.config, &world.environment));
        let providers = Providers::new(&settings, world.http.clone(), world.clock.clone());
        Self::with_providers(world, front, settings, providers)
    }

    /// As `open`, with providers that a test scripts.
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
            sign_ins: BTreeMap::new(),
            last_sign_in: 0,
            reading: HashMap::new(),
            held_clouds: HashMap::new(),
            offline: false,
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
            let first = build_snapshot::build(&mut state, &world, &sessions);
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

    /// Reads all accounts and builds the first Snapshot, once. It happens under the lock, so that no second watcher sees
    /// the accounts as none.
    fn begin_watching(&self) {
        let mut state = self.state();
        if !state.is_watched {
            state.is_watched = true;
            let read = self.store.read();
            state.take(read);
            let first = build_snapshot::build(&mut state, &self.world, &self.sessions);
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

    /// Everything that is stored and no secret, for a backup or another program.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn export(&self) -> Result<Export> {
        self.store.export()
    }

    /// What is wrong with `accounts.db`, as SQLite says; nothing when it is sound.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn faults(&self) -> Result<Vec<String>> {
        self.store.faults()
    }

    /// How many secrets of killed or interrupted sign-ins and sign-outs the keychain may hold.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn left_over_secrets(&self) -> Result<usize> {
        let noted = self.store.intents(None)?;
        Ok(noted.iter().filter(|(_, is_needed)| !is_needed).count())
    }

    /// Reads `accounts.db` again, for a process that stays and follows what the others choose.
    pub fn read_again(&self) {
        self.reload();
    }

    /// Hands a deep link's text to whoever waits for it. Hostile input: it may be anything.
    pub fn deliver(&self, url: &str) -> Delivered {
        self.redirects.deliver(url)
    }

    /// A session that can be handed out.
    ///
    /// # Errors
    /// As `Sessions::session`.
    pub async fn session(&self, id: &AccountId) -> Result<Session> {
        self.session_for(id, &Resource::Management).await
    }

    async fn session_for(&self, id: &AccountId, resource: &Resource) -> Result<Session> {
        let session = self
            .sessions
            .session(&self.providers(), id, resource, RefreshMode::Fresh)
            .await;
        self.note(session.as_ref().err());
        session
    }

    /// The resource that a person or a program names, for an account. The text may come from anybody.
    ///
    /// # Errors
    /// `not-found`; as `provider::resource`.
    pub fn resource(&self, id: &AccountId, text: &str) -> Result<Resource> {
        provider::resource(&self.settings(), self.account(id)?.cloud(), text)
    }

    /// As `session`, for a program that is given the credential.
    ///
    /// # Errors
    /// As `session`.
    pub async fn issue(&self, id: &AccountId, to: &str) -> Result<Session> {
        self.hand_out_for(id, &Resource::Management, to).await
    }

    /// As `issue`, for any resource of the account's. What a resource is refused for says nothing of the others.
    ///
    /// # Errors
    /// As `session`; `unsupported` for a cloud that has one credential for everything.
    pub async fn hand_out_for(
        &self,
        id: &AccountId,
        resource: &Resource,
        to: &str,
    ) -> Result<Session> {
        let session = self.session_for(id, resource).await?;
        let what = ActivityKind::handed_out(resource, to);
        let event = ActivityEvent::of(&*self.account(id)?, self.world.clock.now(), what);
        let log = self.store.issue_log();
        let logged = log.add(&event).or_else(|error| match error.kind() {
            // The log is full: its events move into the database.
            io::ErrorKind::FileTooLarge => self
                .store
                .take_in_activity()
                .map_err(io::Error::other)
                .and_then(|()| log.add(&event)),
            _ => Err(error),
        });
        if let Err(error) = logged {
            // Nobody is kept from their work by that.
            tracing::warn!(kind = %error.kind(), "an issued credential could not be logged");
        }
        Ok(session)
    }

    /// What happened, newest first, to one account or to all; at most `most`.
    pub fn activity(&self, id: Option<&AccountId>, most: usize) -> Vec<ActivityEvent> {
        self.store.activity(id, most).unwrap_or_else(|error| {
            tracing::warn!(
                code = error.code().as_str(),
                "the activity could not be read"
            );
            Vec::new()
        })
    }

    /// Renews now, because a person asked for it.
    ///
    /// # Errors
    /// As `Sessions::session`.
    pub async fn renew(&self, id: &AccountId) -> Result<()> {
        let session = self
            .sessions
            .session(
                &self.providers(),
                id,
                &Resource::Management,
                RefreshMode::Renewed,
            )
            .await;
        self.note(session.as_ref().err());
        session.map(drop)
    }

    /// The account's targets as last read.
    ///
    /// # Errors
    /// `not-found`.
    pub fn targets(&self, id: &AccountId) -> Result<Vec<Target>> {
        Ok(self.account(id)?.targets.clone())
    }

    /// Reads the account's targets again. A failure keeps the old list and is kept beside it.
    ///
    /// # Errors
    /// As `session`, and what the provider's list answers; `sign-in-cancelled` never.
    pub async fn read_targets(&self, id: &AccountId) -> Result<()> {
        let Some(cancel) = self.begin_reading(id) else {
            return Ok(());
        };
        self.publish();
        self.go_on_reading(id, &cancel).await
    }

    /// Marks the account's targets as being read, for the next Snapshot; none when they are already.
    fn begin_reading(&self, id: &AccountId) -> Option<Arc<Notify>> {
        let mut state = self.state();
        if state.reading.contains_key(id) {
            return None;
        }
        let cancel = Arc::new(Notify::new());
        state.reading.insert(
            id.clone(),
            Reading {
                count: 0,
                cancel: cancel.clone(),
            },
        );
        Some(cancel)
    }

    /// Reads the targets that `begin_reading` marked. The mark goes when what was read is stored.
    async fn go_on_reading(&self, id: &AccountId, cancel: &Notify) -> Result<()> {
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

    /// Stores what was read, or why it could not be.
    async fn take_over(&self, id: &AccountId, read: Result<Read>) -> Result<()> {
        self.note(read.as_ref().err());
        let (now, result) = (
            self.world.clock.now(),
            read.as_ref().map(drop).map_err(Clone::clone),
        );
        let edit = |account: &mut Account| {
            account.targets_error = read.as_ref().err().map(ErrorView::from);
            let Ok(Read {
                targets,
                organization,
            }) = read
            else {
                return Ok(None);
            };
            // The first list is no change.
            let mut changed = None;
            if account.targets_read_at.is_some() {
                account.targets_change = TargetsChange::between(&account.targets, &targets, now)
                    .or(account.targets_change);
                changed = account.targets_change.filter(|change| change.at == now);
            }
            account.targets = targets;
            if let Some(organization) = organization {
                account.organization = organization;
            }
            account.targets_read_at = Some(now);
            // The only target there is needs no choice.
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
            // The provider ended the session before its time: a new one tells whether the sign-in still stands.
            Err(error) if error.code() == Code::SignInAgain => {
                session = self
                    .sessions
                    .session(&providers, id, &Resource::Management, RefreshMode::Renewed)
                    .await?;
                provider.targets(&account, &session, &progress).await
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
        })
    }

    /// Stops reading the account's targets; the old list stays.
    pub fn cancel_reading(&self, id: &AccountId) {
        if let Some(reading) = self.state().reading.get(id) {
            reading.cancel.notify_one();
        }
    }

    /// Makes the account the one in use in its cloud.
    ///
    /// # Errors
    /// `not-found`, `storage-*`.
    pub async fn use_account(&self, id: &AccountId) -> Result<()> {
        let now = self.world.clock.now();
        self.change(|change| {
            let used = change.edit(id, |account| {
                account.used_at = Some(now);
                Ok(account.clone())
            });
            let account = used?.ok_or_else(|| not_found(id))?;
            change.set_active(account.cloud(), id)?;
            change.record(&account, now, ActivityKind::Used)
        })
        .await
    }

    /// Chooses the target to work on.
    ///
    /// # Errors
    /// `not-found` for a target that the account does not have, `storage-*`.
    pub async fn choose_target(&self, id: &AccountId, target: &str) -> Result<()> {
        self.edit(id, |account| {
            let found = account
                .targets
                .iter()
                .find(|known| known.id == target)
                .map(|known| known.id.clone());
            account.target = Some(found.ok_or_else(|| {
                let message = format!(
                    "{} has no target \"{}\". Read its targets again.",
                    account.name(),
                    text::shown(target)
                );
                Error::new(Code::NotFound, message)
            })?);
            Ok(())
        })
        .await
    }

    /// Gives the row a name of the person's; none gives it the cloud's back.
    ///
    /// # Errors
    /// `invalid-input` for a name that is too long, `not-found`, `storage-*`.
    pub async fn rename(&self, id: &AccountId, name: Option<&str>) -> Result<()> {
        let name = name.map(text::shown).filter(|name| !name.is_empty());
        if name
            .as_ref()
            .is_some_and(|name| name.chars().count() > LONGEST_NAME)
        {
            return Err(Error::new(
                Code::InvalidInput,
                format!("A name has at most {LONGEST_NAME} characters."),
            ));
        }
        self.edit(id, |account| {
            account.custom_name = name;
            Ok(())
        })
        .await
    }

    /// Gives the row a colour.
    ///
    /// # Errors
    /// `invalid-input` for one that is not in `COLOURS`, `not-found`, `storage-*`.
    pub async fn set_colour(&self, id: &AccountId, colour: Option<&str>) -> Result<()> {
        if let Some(colour) = colour.filter(|colour| !COLOURS.contains(colour)) {
            let message = format!(
                "\"{}\" is not a colour. Choose {}.",
                text::shown(colour),
                COLOURS.join(", ")
            );
            return Err(Error::new(Code::InvalidInput, message));
        }
        self.edit(id, |account| {
            account.colour = colour.map(str::to_owned);
            Ok(())
        })
        .await
    }

    /// Stars the row or takes its star away.
    ///
    /// # Errors
    /// `not-found`, `storage-*`.
    pub async fn set_star(&self, id: &AccountId, starred: bool) -> Result<()> {
        self.edit(id, |account| {
            account.starred = starred;
            Ok(())
        })
        .await
    }

    /// Connects another tenant with the same sign-in. A tenant that asks for more becomes a row that needs a sign-in.
    ///
    /// # Errors
    /// `not-found` for a tenant that was not offered, `storage-*`. What the tenant itself answers stands in the row.
    pub async fn add_tenant(&self, id: &AccountId, tenant_id: &str) -> Result<AccountId> {
        let now = self.world.clock.now();
        let added = self
            .change(|change| {
                let account = change.account(id)?.ok_or_else(|| not_found(id))?;
                let offered = account
                    .offered
                    .iter()
                    .find(|offered| offered.tenant_id.eq_ignore_ascii_case(tenant_id));
                let identity = offered.and_then(|offered| {
                    provider::azure::identity_in_tenant(&account.identity, offered)
                });
                let identity = identity.ok_or_else(|| {
                    let message = format!(
                        "{} does not offer tenant \"{}\".",
                        account.name(),
                        text::shown(tenant_id)
                    );
                    Error::new(Code::NotFound, message)
                })?;
                let mut row = Account::new(identity, now);
                row.offered.clone_from(&account.offered);
                let added = row.id.clone();
                if change.account(&added)?.is_none() {
                    change.put(&row)?;
                }
                Ok(added)
            })
            .await?;
        if self.renew(&added).await.is_ok() {
            // A list that cannot be read is told in the row.
            let _ = self.read_targets(&added).await;
        }
        Ok(added)
    }

    /// Removes the account with everything of it, and tells the provider where it offers that. Works offline: why the
    /// provider could not be told is then given back, because what was granted there still stands.
    ///
    /// # Errors
    /// `not-found`; `keychain-*` when a secret could not be removed, which is then named.
    pub async fn disconnect(&self, id: &AccountId) -> Result<Option<Error>> {
        let removed = self.sessions.remove(id).await;
        self.reload();
        let (account, grant) = removed?;
        self.finish_disconnecting(&account, grant).await
    }

    /// Removes what else belonged to an account whose row and secrets are removed, and revokes its grant.
    async fn finish_disconnecting(
        &self,
        account: &Account,
        grant: Option<Grant>,
    ) -> Result<Option<Error>> {
        // Typed keys go with the last connection that used them.
        if let Some(keys) = account.identity.access_key_id() {
            self.drop_unused_keys(keys).await?;
        }
        let Some(grant) = grant else { return Ok(None) };
        let (providers, cloud) = (self.providers(), account.cloud());
        let told = tokio::time::timeout(SIGN_OUT_TIME, providers.of(cloud).sign_out(&grant)).await;
        let code = match told {
            Ok(Ok(())) => return Ok(None),
            Ok(Err(error)) => error.code(),
            Err(_) => Code::Offline,
        };
        tracing::warn!(account = %account.id, code = code.as_str(), "the grant could not be revoked at the provider");
        let message = format!(
            "{} is removed from this machine, but {} could not be told, so the access granted there still stands. End it \
             in the security settings of that account.",
            account.name(),
            cloud.title()
        );
        Ok(Some(Error::new(code, message)))
    }

    /// Removes every account and every keychain entry of this app. Settings stay. Why providers could not be told is given
    /// back, as by `disconnect`.
    ///
    /// # Errors
    /// The first thing that could not be removed; the others are removed all the same.
    pub async fn forget_everything(&self) -> Result<Vec<Error>> {
        let (mut first_error, mut untold) = (None, Vec::new());
        for account in &self.stored().unwrap_or_default().accounts {
            match self.disconnect(&account.id).await {
                Ok(error) => untold.extend(error),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error = first_error.or(self.world.vault.sweep_all().await.err());
        let is_swept = first_error.is_none();
        let emptied = self.change(|change| {
            for pending in change.pending_roles()? {
                change.remove_pending_role(&pending.external_id)?;
            }
            for keys in change.all()?.access_keys {
                change.remove_access_keys(&keys.access_key_id)?;
            }
            change.forget_activity()?;
            // The keychain holds nothing any more, unless that failed.
            if is_swept {
                change.settle_all()?;
            }
            Ok(())
        });
        first_error = first_error.or(emptied.await.err());
        let log = self.store.issue_log();
        let forgotten = log.forget().map_err(|error| {
            let message = format!(
                "{} could not be removed. Remove it yourself.",
                log.path().display()
            );
            Error::new(Code::StorageFailed, message).with_source(error)
        });
        first_error = first_error.or(forgotten.err());
        self.reload();
        first_error.map_or(Ok(untold), Err)
    }

    /// Asks the keychain again; may show the system's own prompt.
    ///
    /// # Errors
    /// `keychain-*`.
    pub async fn retry_keychain(&self) -> Result<()> {
        self.world.vault.unlock().await
    }

    /// Stops or resumes renewing by itself.
    pub fn pause(&self, paused: bool) {
        self.state().paused = paused;
        self.publish();
    }

    /// Saves a cloud's client id in `settings.toml` and uses it at once.
    ///
    /// # Errors
    /// `invalid-input` for an id of the wrong kind, `storage-*`.
    pub fn save_client_id(&self, cloud: Cloud, client_id: &str) -> Result<()> {
        let client_id = client_id.trim();
        if !client_id.is_empty() {
            provider::check_client_id(&self.settings(), cloud, client_id)
                .map_err(|why| Error::new(Code::InvalidInput, format!("The client id {why}")))?;
        }
        self.save(
            cloud.as_str(),
            "client_id",
            Some(client_id).filter(|id| !id.is_empty()),
        )
    }

    /// Saves the path of the JSON file that Google's console offers for an OAuth client, and uses the client at once. The
    /// file stays where it is; nothing of it is copied.
    ///
    /// # Errors
    /// `invalid-input` for a file of another kind, with the reason; `storage-*`.
    pub fn save_google_client_file(&self, path: &Path) -> Result<()> {
        settings::check_gcp_client_file(path)
            .map_err(|why| Error::new(Code::InvalidInput, format!("The path {why}")))?;
        let path = path.to_str().ok_or_else(|| {
            Error::new(
                Code::InvalidInput,
                "The path of the file is not Unicode text. Rename the file.",
            )
        })?;
        // A client id beside it would win over the one in the file.
        settings::save(
            &self.world.paths.config,
            Cloud::Gcp.as_str(),
            "client_id",
            None,
        )?;
        self.save(Cloud::Gcp.as_str(), "client_secret_file", Some(path))
    }

    /// Saves how a cloud's answer comes back.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn save_redirect(&self, cloud: Cloud, redirect: RedirectKind) -> Result<()> {
        let value = match redirect {
            RedirectKind::DeepLink => "deep-link",
            RedirectKind::Loopback => "loopback",
        };
        self.save(cloud.as_str(), "redirect", Some(value))
    }

    /// Saves how the app looks and behaves.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn save_preferences(&self, preferences: &Preferences) -> Result<()> {
        let theme = match preferences.theme {
            Theme::System => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        };
        settings::save(&self.world.paths.config, "app", "theme", theme)?;
        settings::save_flag(
            &self.world.paths.config,
            "app",
            "welcomed",
            preferences.welcomed,
        )?;
        self.reload_settings();
        Ok(())
    }

    /// The keys that open the switcher, as they are saved.
    pub fn shortcut(&self) -> Option<String> {
        self.settings().shortcut.clone()
    }

    /// Saves the keys that open the switcher; none takes them out. What keys may be is the shell's to say.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn save_shortcut(&self, keys: Option<&str>) -> Result<()> {
        self.save("app", "shortcut", keys)
    }

    fn save(&self, section: &str, key: &str, value: Option<&str>) -> Result<()> {
        settings::save(&self.world.paths.config, section, key, value)?;
        self.reload_settings();
        Ok(())
    }

    /// What is stored and where.
    pub fn storage(&self) -> Vec<StoredPlace> {
        let place = |label: &str, path: String, what: &str| StoredPlace {
            label: label.into(),
            path,
            what: what.into(),
        };
        vec![
            place(
                "Keychain",
                self.world.vault.watch().borrow().name.clone(),
                "Refresh tokens, current sessions, and AWS access keys that you typed in. Nothing else on this machine holds them.",
            ),
            place(
                "Accounts",
                self.store.path().display().to_string(),
                "Names, tenants, subscriptions, projects and times. No secret.",
            ),
            place(
                "Settings",
                Settings::path(&self.world.paths.config)
                    .display()
                    .to_string(),
                "Client ids, choices, and Google's client secret if you wrote it there. No other secret.",
            ),
            place(
                "Logs",
                self.world.paths.logs.display().to_string(),
                "What happened, without names of secrets or their values.",
            ),
        ]
    }

    /// The text that a person copies. Never a credential.
    ///
    /// # Errors
    /// `not-found` when there is no such thing to copy.
    pub fn copyable(&self, id: &AccountId, what: Copyable) -> Result<String> {
        let account = self.account(id)?;
        Ok(match what {
            Copyable::AccountId => account.id.to_string(),
            Copyable::CloudId => account.identity.label().to_owned(),
            Copyable::TokenCommand => format!("mcm token {}", account.id),
            Copyable::TargetId => account
                .chosen_target()
                .map(|target| target.id.clone())
                .ok_or_else(|| {
                    Error::new(Code::NotFound, "No target is chosen. Choose one first.")
                })?,
        })
    }

    /// Opens the cloud's console as the account.
    ///
    /// # Errors
    /// `browser-failed`, `not-found`, `unsupported`.
    pub async fn open_console(&self, id: &AccountId) -> Result<()> {
        let account = self.account(id)?;
        if account.cloud() == Cloud::Aws {
            return self.open_aws_console(id, false).await;
        }
        let page = provider::console(&self.settings(), &account);
        let page = page
            .ok_or_else(|| Error::new(Code::Unsupported, "This account has no console to open."))?;
        self.world.browser.open(&page).await
    }

    /// What to paste into a report: versions, states and counts; no name, id or address of the person's.
    pub fn diagnostics(&self) -> String {
        let snapshot = self.watch().borrow().clone();
        let mut lines = vec![
            format!(
                "Multi-Cloud Manager {} ({})",
                env!("CARGO_PKG_VERSION"),
                std::env::consts::OS
            ),
            format!(
                "keychain: {:?} ({})",
                snapshot.keychain.state, snapshot.keychain.name
            ),
            format!(
                "accounts: {}, offline: {}, paused: {}",
                snapshot.accounts.len(),
                snapshot.offline,
                snapshot.paused
            ),
        ];
        for cloud in &snapshot.clouds {
            lines.push(format!(
                "{}: ready {}, sandbox {}, redirect {:?}, client id from {}, problems: {}",
                cloud.cloud,
                cloud.ready,
                cloud.sandbox,
                cloud.redirect,
                if cloud.client_id.is_some() {
                    "settings"
                } else {
                    "nowhere"
                },
                cloud
                    .problems
                    .iter()
                    .map(|problem| problem.name.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            ));
        }
        for problem in &snapshot.problems {
            lines.push(format!(
                "problem: {} ({})",
                problem.code.as_str(),
                problem.reference
            ));
        }
        for account in snapshot
            .accounts
            .iter()
            .filter(|account| account.renewal_failure.is_some())
        {
            let renewal_failure = account.renewal_failure.as_ref().expect("filtered");
            lines.push(format!(
                "{}: {:?}, {} ({})",
                account.id,
                account.status,
                renewal_failure.code.as_str(),
                renewal_failure.reference
            ));
        }
        lines.join("\n")
    }

    /// Ends what must end before the process does: renewals that are running, and nothing else.
    pub async fn finish(&self) {
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

    /// Reads what changed in `accounts.db` and builds a Snapshot.
    pub fn reload(&self) {
        if !self.state().is_watched {
            return;
        }
        let read = self.store.read();
        self.state().take(read);
        self.publish();
    }

    fn reload_settings(&self) {
        let settings = Arc::new(Settings::load(
            &self.world.paths.config,
            &self.world.environment,
        ));
        let providers =
            Providers::new(&settings, self.world.http.clone(), self.world.clock.clone());
        {
            let mut state = self.state();
            state.settings = settings;
            state.providers = providers;
        }
        self.publish();
    }

    /// Remembers whether the network is there.
    fn note(&self, error: Option<&Error>) {
        let offline = match error.map(Error::code) {
            None => false,
            Some(Code::Offline) => true,
            // Anything else says nothing about the network.
            Some(_) => return,
        };
        let changed = std::mem::replace(&mut self.state().offline, offline) != offline;
        if changed {
            self.publish();
        }
    }

    fn publish(&self) {
        let mut state = self.state();
        if !state.is_watched {
            return;
        }
        let snapshot = build_snapshot::build(&mut state, &self.world, &self.sessions);
        // Sent under the lock, so that revisions leave in order.
        self.snapshot.send_replace(Arc::new(snapshot));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

impl State {
    /// Takes over what was read. A file that cannot be read keeps the last good accounts on the screen.
    fn take(&mut self, read: Result<Arc<Accounts>>) {
        match read {
            Ok(stored) => {
                self.stored = stored;
                self.book_error = None;
            }
            Err(error) => self.book_error = Some(error),
        }
    }
}

/// Whether the keychain's state keeps every account from being read.
fn is_locked(world: &World) -> bool {
    world.vault.watch().borrow().state == KeychainState::Locked
}

/// The number of a sign-in that is not there.
fn no_sign_in(id: SignInId) -> Error {
    Error::new(
        Code::NotFound,
        format!("Sign-in {} has ended already.", id.0),
    )
}
