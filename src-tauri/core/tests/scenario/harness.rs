//! The harness of a scenario: sandbox clouds, a manual clock, a scripted browser, and an `App` in a folder of its own.
//!
//! When a harness is dropped, every secret that the sandbox gave out, and every state and nonce that went to the
//! browser, is looked for in everything that left core: Snapshots, files, and the log at TRACE.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcm_core::account::{AccountId, Cloud, GrantKey};
use mcm_core::app::{App, Connect};
use mcm_core::error::Result;
use mcm_core::http::{Http, ListLimits, TimeLimits};
use mcm_core::redirect::Frontend;
use mcm_core::sign_in::{SignInId, SignInStep};
use mcm_core::snapshot::{AccountView, Snapshot};
use mcm_core::testing::{ManualClock, RecordedBrowser};
use mcm_core::vault::{Record, Vault};
use mcm_core::world::{Clock as _, Environment, Paths, SCHEME, SchemeRegistration, World};
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::{Clock, Endpoint, Options, Sandbox};

use crate::left_behind;

/// How long a scenario waits for something that must happen: generous, because machines are busy.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Whole lists, smaller than the app's own limits so that a scenario reaches them.
pub(crate) const LIST_LIMITS: ListLimits = ListLimits {
    bytes: 8 << 20,
    rows: 5_000,
    time: Duration::from_secs(8),
};

/// The users of the sandbox.
pub(crate) const ADA: &str = "ada@contoso.example";
pub(crate) const GRACE: &str = "grace@fabrikam.example";
pub(crate) const LINUS: &str = "linus@contoso.example";

pub(crate) struct Harness {
    pub(crate) clouds: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) app: Arc<App>,
    pub(crate) vault: Vault,
    pub(crate) browser: Arc<RecordedBrowser>,
    environment: Vec<(String, String)>,
    scheme_is_ours: bool,
    home: tempfile::TempDir,
    shown: Arc<Mutex<Vec<String>>>,
    pages: Mutex<Vec<String>>,
}

/// The schemes that an app on this harness may be asked to handle: its own, and that of the sandbox's iOS client.
struct Scheme(bool);

const IOS_SCHEME: &str = "com.googleusercontent.apps.202611240001-ios";

#[async_trait::async_trait]
impl SchemeRegistration for Scheme {
    async fn ensure(&self, scheme: &str) -> bool {
        self.0 && [SCHEME, IOS_SCHEME].contains(&scheme)
    }
}

impl Harness {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}, &[]).await
    }

    /// A harness with other sandbox options, and variables that win over the sandbox's.
    pub(crate) async fn with(
        change: impl FnOnce(&mut Options),
        variables: &[(&str, &str)],
    ) -> Self {
        left_behind::capture_log();
        let clock = ManualClock::new("2026-11-24T09:00:00Z".parse().expect("a time"));
        let time = clock.clone();
        let mut options = Options {
            clock: Clock::new(move || time.now()),
            ..Options::default()
        };
        change(&mut options);
        let clouds = Sandbox::start(options).await.expect("loopback ports");
        let mut environment: Vec<(String, String)> = clouds
            .environment()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        environment.retain(|(name, _)| !variables.iter().any(|(other, _)| other == name));
        environment.extend(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let home = tempfile::tempdir().expect("a folder");
        let (browser, vault, shown) = (Arc::default(), Vault::in_memory(), Arc::default());
        let scheme_is_ours = true;
        let world = world(
            &home,
            &clock,
            &vault,
            &browser,
            &environment,
            scheme_is_ours,
        );
        let app = watched(App::open(world, Frontend::Window), &shown);
        let pages = Mutex::default();
        Self {
            clouds,
            clock,
            app,
            vault,
            browser,
            environment,
            scheme_is_ours,
            home,
            shown,
            pages,
        }
    }

    /// Quits the app and starts it again over the same files and keychain.
    pub(crate) fn restart(&mut self) {
        self.app = self.second_app();
    }

    /// A second process over the same files and keychain.
    pub(crate) fn second_app(&self) -> Arc<App> {
        watched(self.starting_app(), &self.shown)
    }

    /// A second process that has no watcher yet.
    pub(crate) fn starting_app(&self) -> Arc<App> {
        App::open(self.world(&self.environment), Frontend::Window)
    }

    /// From now on `mcm` acts in place of the window.
    pub(crate) fn go_on_in_a_terminal(&mut self) {
        self.app = App::open(self.world(&self.environment), Frontend::Terminal);
    }

    /// A second process with variables that win over this one's.
    pub(crate) fn app_with(&self, variables: &[(&str, &str)]) -> Arc<App> {
        let mut environment = self.environment.clone();
        environment.retain(|(name, _)| !variables.iter().any(|(other, _)| other == name));
        environment.extend(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let app = App::open(self.world(&environment), Frontend::Window);
        watched(app, &self.shown)
    }

    fn world(&self, environment: &[(String, String)]) -> World {
        let Self {
            home,
            clock,
            vault,
            browser,
            scheme_is_ours,
            ..
        } = self;
        world(home, clock, vault, browser, environment, *scheme_is_ours)
    }

    /// From now on the app's scheme belongs to another program.
    pub(crate) fn lose_the_scheme(&mut self) {
        self.scheme_is_ours = false;
        self.restart();
    }

    /// Sets variables for the apps that start from now on, in place of those of the same names.
    pub(crate) fn set(&mut self, variables: &[(&str, &str)]) {
        let is_other = |name: &String| variables.iter().all(|(other, _)| other != name);
        self.environment.retain(|(name, _)| is_other(name));
        let set = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.environment.extend(set);
    }

    /// The folder of everything that the app keeps.
    pub(crate) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    pub(crate) fn data(&self) -> std::path::PathBuf {
        Paths::below(self.home.path()).data
    }

    /// Connects as a user would: starts the sign-in, clicks through the pages, comes back.
    pub(crate) async fn connect(&self, user: &str) -> Result<AccountId> {
        self.sign_in(Connect::new(Cloud::Azure), &Browser::new().as_user(user))
            .await
    }

    /// Waits until a sign-in has ended, while a second passes every few milliseconds in which it waits for time to pass.
    pub(crate) async fn ended_as_time_passes(&self, id: SignInId) -> Result<AccountId> {
        let ended = self.app.sign_in_ended(id);
        tokio::pin!(ended);
        let mut second = tokio::time::interval(Duration::from_millis(5));
        let passing = async {
            loop {
                tokio::select! {
                    ended = &mut ended => return ended,
                    () = async {
                        second.tick().await;
                        self.clock.asleep().await;
                    } => self.clock.advance(Duration::from_secs(1)),
                }
            }
        };
        within(passing).await
    }

    pub(crate) async fn sign_in(&self, wanted: Connect, browser: &Browser) -> Result<AccountId> {
        let id = self.app.connect(wanted)?;
        let ended = self.app.sign_in_ended(id);
        tokio::pin!(ended);
        // A sign-in may end without a page, for example when the metadata cannot be read.
        let ended = tokio::select! {
            ended = &mut ended => ended,
            () = self.visit(browser) => within(ended).await,
        };
        if let Err(error) = &ended {
            self.shown
                .lock()
                .expect("unpoisoned")
                .push(format!("{error:?} {error}"));
        }
        ended
    }

    /// Follows the page that the app opened; hands a custom-scheme redirect to the app as the system would.
    pub(crate) async fn visit(&self, browser: &Browser) {
        let page = self.next_page().await;
        if let Landing::Redirect(url) = browser.browse(page.as_str()).await {
            self.app.deliver(url.as_str());
        }
    }

    /// The page that the app opened.
    pub(crate) async fn next_page(&self) -> url::Url {
        let page = within(self.browser.next_page()).await;
        let secret = page
            .query_pairs()
            .filter(|(name, _)| name == "state" || name == "nonce");
        self.pages
            .lock()
            .expect("unpoisoned")
            .extend(secret.map(|(_, value)| value.into_owned()));
        page
    }

    /// The account as the screens show it.
    pub(crate) fn row(&self, id: &AccountId) -> AccountView {
        let snapshot = self.app.watch().borrow().clone();
        snapshot
            .accounts
            .iter()
            .find(|row| row.id == *id)
            .expect("the account has a row")
            .clone()
    }

    pub(crate) fn rows(&self) -> Vec<AccountView> {
        self.app.watch().borrow().accounts.clone()
    }

    /// Waits until the screens show something.
    pub(crate) async fn until(&self, what: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let mut snapshots = self.app.watch();
        within(snapshots.wait_for(|snapshot| what(snapshot)))
            .await
            .expect("the app lives")
            .clone()
    }

    /// Waits until every account has its targets.
    pub(crate) async fn until_targets_are_read(&self) -> Arc<Snapshot> {
        self.until(|snapshot| snapshot.accounts.iter().all(|row| row.target_count > 0))
            .await
    }

    /// Waits until the last sign-in asks whether to replace another user's account.
    pub(crate) async fn until_asked_which_to_keep(&self) -> Arc<Snapshot> {
        self.until(|snapshot| {
            let step = snapshot.sign_ins.last().map(|view| &view.step);
            matches!(step, Some(SignInStep::Choice { .. }))
        })
        .await
    }

    /// Whether the keychain has a record.
    pub(crate) async fn keeps(&self, record: &Record) -> bool {
        let read = self.vault.read(record).await;
        read.expect("the keychain is open").is_some()
    }

    /// What the grant of an account is kept under.
    pub(crate) fn grant_key(&self, id: &AccountId) -> GrantKey {
        let stored = self.app.stored().expect("readable");
        stored.account(id).expect("a row").grant.clone()
    }

    /// How many requests came to an endpoint with a grant type.
    pub(crate) fn token_requests(&self, grant_type: &str) -> usize {
        let requests = self.clouds.requests();
        let fits = |request: &&sandbox_clouds::Request| {
            request.endpoint == Some(Endpoint::AzureToken)
                && request.grant_type.as_deref() == Some(grant_type)
        };
        requests.iter().filter(fits).count()
    }

    fn check_for_leaks(&self) {
        let mut secrets = self.clouds.secrets();
        let client_secret = self
            .environment
            .iter()
            .find(|(name, _)| name == "GOOGLE_CLIENT_SECRET");
        secrets.extend(client_secret.map(|(_, secret)| secret.clone()));
        secrets.extend(self.pages.lock().expect("unpoisoned").iter().cloned());
        let mut places: Vec<(String, String)> = Vec::new();
        let shown = self.shown.lock().expect("unpoisoned");
        places.extend(
            shown
                .iter()
                .map(|json| ("a Snapshot".to_owned(), json.clone())),
        );
        places.extend(left_behind::files(self.home.path()));
        places.push(("the log".to_owned(), left_behind::log()));
        places.push(("the diagnostics".to_owned(), self.app.diagnostics()));
        for secret in secrets.iter().filter(|secret| secret.len() >= 16) {
            for (place, text) in &places {
                assert!(
                    !text.contains(secret.as_str()),
                    "{place} holds the secret {secret}"
                );
            }
        }
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.check_for_leaks();
        }
    }
}

/// Keeps what an app shows, for the search for secrets.
fn watched(app: Arc<App>, shown: &Arc<Mutex<Vec<String>>>) -> Arc<App> {
    let (mut snapshots, shown) = (app.watch(), shown.clone());
    tokio::spawn(async move {
        loop {
            let json = serde_json::to_string(&*snapshots.borrow_and_update().clone())
                .expect("a Snapshot is JSON");
            shown.lock().expect("unpoisoned").push(json);
            if snapshots.changed().await.is_err() {
                return;
            }
        }
    });
    app
}

fn world(
    home: &tempfile::TempDir,
    clock: &Arc<ManualClock>,
    vault: &Vault,
    browser: &Arc<RecordedBrowser>,
    environment: &[(String, String)],
    scheme_is_ours: bool,
) -> World {
    let pairs = environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    World {
        clock: clock.clone(),
        http: Http::with_limits(TimeLimits {
            connect: Duration::from_secs(3),
            total: Duration::from_secs(5),
        })
        .with_list_limits(LIST_LIMITS),
        vault: vault.clone(),
        browser: browser.clone(),
        scheme: Arc::new(Scheme(scheme_is_ours)),
        paths: Paths::below(home.path()),
        environment: Environment::from_pairs(pairs),
    }
}

/// Fails the scenario when something that must happen does not.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, what)
        .await
        .expect("it happened in time")
}
