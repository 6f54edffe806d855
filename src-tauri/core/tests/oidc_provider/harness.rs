//! The harness of a scenario: the server, a clock that moves with the server's, a scripted browser, and an `App`.
//!
//! A scenario ends with `Harness::end`, which looks for every token, code and verifier that the server saw, and for every
//! state and nonce that went to the browser, in everything that left core.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcm_core::account::{AccountId, Cloud};
use mcm_core::app::{App, Connect};
use mcm_core::credential::Grant;
use mcm_core::error::Result;
use mcm_core::http::Http;
use mcm_core::redirect::Frontend;
use mcm_core::settings::RedirectKind;
use mcm_core::snapshot::{AccountView, Snapshot};
use mcm_core::testing::{ManualClock, RecordedBrowser};
use mcm_core::vault::{Record, Vault};
use mcm_core::world::{Clock as _, Environment, Paths, SchemeRegistration, SystemClock, World};
use sandbox_clouds::browser::{Browser, Landing};
use secrecy::ExposeSecret as _;
use url::Url;

use crate::left_behind;
use crate::server::{Server, TokenRequest};

/// How long a scenario waits for something that must happen: generous, because machines are busy.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// The users of both clouds, of Azure alone and of Google alone.
pub(crate) const ADA: &str = "ada@contoso.example";
pub(crate) const LINUS: &str = "linus@contoso.example";
pub(crate) const GRACE: &str = "grace@fabrikam.example";

pub(crate) struct Harness {
    pub(crate) server: Server,
    pub(crate) app: Arc<App>,
    cloud: Cloud,
    clock: Arc<ManualClock>,
    vault: Vault,
    browser: Arc<RecordedBrowser>,
    home: tempfile::TempDir,
    pages: Mutex<Vec<String>>,
}

struct OurScheme;

#[async_trait::async_trait]
impl SchemeRegistration for OurScheme {
    async fn ensure(&self, _scheme: &str) -> bool {
        true
    }
}

impl Harness {
    pub(crate) fn start(cloud: Cloud) -> Self {
        left_behind::capture_log();
        let server = Server::start(cloud);
        let clock = ManualClock::new(SystemClock.now());
        let home = tempfile::tempdir().expect("a folder");
        let (vault, browser) = (Vault::in_memory(), Arc::default());
        let app = open(&server, &clock, &vault, &browser, home.path());
        Self {
            server,
            app,
            cloud,
            clock,
            vault,
            browser,
            home,
            pages: Mutex::default(),
        }
    }

    /// Quits the app and starts it again over the same files and keychain.
    pub(crate) fn restart(&mut self) {
        self.app = open(
            &self.server,
            &self.clock,
            &self.vault,
            &self.browser,
            self.home.path(),
        );
    }

    /// Time goes by, here and at the server.
    pub(crate) async fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.server.advance(time).await;
    }

    pub(crate) fn wanted(&self) -> Connect {
        Connect::new(self.cloud)
    }

    pub(crate) fn loopback(&self) -> Connect {
        Connect {
            redirect: Some(RedirectKind::Loopback),
            ..self.wanted()
        }
    }

    /// Connects as a user would: starts the sign-in, goes through the pages, comes back, and sees the targets.
    pub(crate) async fn connect(&self, user: &str) -> Result<AccountId> {
        let id = self
            .sign_in(self.wanted(), &self::user(user), |_| {})
            .await?;
        self.until(|snapshot| {
            snapshot
                .accounts
                .iter()
                .all(|row| row.reading_targets.is_none())
        })
        .await;
        Ok(id)
    }

    /// The same, after a change of the page's address.
    pub(crate) async fn sign_in(
        &self,
        wanted: Connect,
        browser: &Browser,
        change: impl FnOnce(&mut Url),
    ) -> Result<AccountId> {
        let id = self.app.connect(wanted)?;
        let mut page = self.next_page().await;
        change(&mut page);
        match browser.browse(page.as_str()).await {
            Landing::Redirect(url) => drop(self.app.deliver(url.as_str())),
            // The app's own listener shows a page whatever came of the sign-in.
            Landing::Page { .. } => {}
            other => panic!("the sign-in did not lead back to the app: {other:?}"),
        }
        within(self.app.sign_in_ended(id)).await
    }

    /// The page that the app opened.
    pub(crate) async fn next_page(&self) -> Url {
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

    /// The refresh token that the keychain holds for the account.
    pub(crate) async fn refresh_token(&self, id: &AccountId) -> String {
        let grant = self
            .app
            .stored()
            .expect("readable")
            .account(id)
            .expect("a row")
            .grant
            .clone();
        let bytes = self
            .vault
            .read(&Record::grant(&grant))
            .await
            .expect("readable")
            .expect("kept");
        Grant::from_bytes(&bytes)
            .expect("a grant")
            .refresh_token()
            .expect("a token")
            .refresh_token
            .expose_secret()
            .to_owned()
    }

    /// The account as the screens show it.
    pub(crate) fn row(&self, id: &AccountId) -> AccountView {
        self.rows()
            .into_iter()
            .find(|row| row.id == *id)
            .expect("the account has a row")
    }

    pub(crate) fn rows(&self) -> Vec<AccountView> {
        self.app.watch().borrow().accounts.clone()
    }

    /// Waits until the screens show something.
    pub(crate) async fn until(&self, what: impl Fn(&Snapshot) -> bool) {
        let mut snapshots = self.app.watch();
        within(snapshots.wait_for(|snapshot| what(snapshot)))
            .await
            .expect("the app lives");
    }

    /// Ends the scenario: nothing secret left core.
    pub(crate) async fn end(self) {
        let mut secrets = self.pages.lock().expect("unpoisoned").clone();
        for TokenRequest { request, answer } in self.server.token_requests().await {
            let sent =
                ["code", "code_verifier", "refresh_token"].map(|name| request.get(name).cloned());
            let given = ["access_token", "refresh_token", "id_token"].map(|name| {
                answer
                    .get(name)
                    .and_then(|token| token.as_str())
                    .map(str::to_owned)
            });
            secrets.extend(sent.into_iter().chain(given).flatten());
        }
        let snapshot = serde_json::to_string(&*self.app.watch().borrow().clone()).expect("JSON");
        let log = left_behind::log();
        let mut places = vec![
            ("the Snapshot".to_owned(), snapshot),
            ("the log".to_owned(), log),
            ("the diagnostics".to_owned(), self.app.diagnostics()),
        ];
        places.extend(left_behind::files(self.home.path()));
        for secret in &secrets {
            for (place, text) in &places {
                assert!(
                    !text.contains(secret.as_str()),
                    "{place} holds the secret {secret}"
                );
            }
        }
    }
}

fn open(
    server: &Server,
    clock: &Arc<ManualClock>,
    vault: &Vault,
    browser: &Arc<RecordedBrowser>,
    home: &Path,
) -> Arc<App> {
    let at = &server.at;
    let tenant = at
        .issuer
        .trim_start_matches(&at.sign_in)
        .split('/')
        .nth(1)
        .unwrap_or_default();
    let environment = Environment::from_pairs([
        ("AZURE_AUTHORITY_HOST", at.sign_in.as_str()),
        ("AZURE_TENANT_ID", tenant),
        ("AZURE_CLIENT_ID", &at.client_id),
        ("MCM_AZURE_RESOURCE_MANAGER", &at.api),
        ("MCM_GOOGLE_ISSUER", &at.issuer),
        ("GOOGLE_CLIENT_ID", &at.client_id),
        ("MCM_GOOGLE_RESOURCE_MANAGER", &at.api),
    ]);
    let world = World {
        clock: clock.clone(),
        http: Http::default(),
        vault: vault.clone(),
        browser: browser.clone(),
        scheme: Arc::new(OurScheme),
        paths: Paths::below(home),
        environment,
    };
    App::open(world, Frontend::Window)
}

/// A browser with this user in front of it.
pub(crate) fn user(name: &str) -> Browser {
    Browser::new().as_user(name)
}

/// A parameter of an address.
pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Takes parameters out of an address and puts others in.
pub(crate) fn change(url: &mut Url, taken: &[&str], put: &[(&str, &str)]) {
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let kept = pairs
        .iter()
        .filter(|(name, _)| !taken.contains(&name.as_str()));
    url.query_pairs_mut()
        .clear()
        .extend_pairs(kept)
        .extend_pairs(put);
}

/// Fails the scenario when something that must happen does not.
pub(crate) async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, what)
        .await
        .expect("it happened in time")
}
