//! The running sandbox: its options, its addresses, and the controls that a test holds.
//!
//! Each control has a twin under `/_sandbox/` for tests in other processes; see `control.rs`.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::azure::{self, Azure, Rotation};
use crate::clock::Clock;
use crate::control;
use crate::faults::{Faults, OAuthError};
use crate::google::{self, Google};
use crate::journal::{Request, Server};
use crate::server::{Bound, Classify, Running, Shared, bind};

/// How a sandbox starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The ports of the servers.
    pub ports: Ports,
    /// The time that the clouds live in.
    pub clock: Clock,
    /// How long an access token lasts.
    pub access_token_life: Duration,
    /// Rows on a page of a list.
    pub page_size: usize,
    /// What happens to an Azure refresh token when it is exchanged for a new one.
    pub azure_rotation: Rotation,
    /// Azure's tenants, people and subscriptions.
    pub azure: azure::directory::Directory,
    /// How strict the Google project is.
    pub google_policy: google::Policy,
    /// Google's people and projects.
    pub google: google::directory::Directory,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: Ports::Random,
            clock: Clock::system(),
            access_token_life: Duration::from_secs(3600),
            page_size: 100,
            azure_rotation: Rotation::default(),
            azure: azure::directory::Directory::contoso(),
            google_policy: google::Policy::default(),
            google: google::directory::Directory::contoso(),
        }
    }
}

/// Which ports the servers take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Free ones.
    Random,
    /// This one and those that follow, in the order of [`Server`].
    From(u16),
}

impl Ports {
    fn nth(self, index: u16) -> u16 {
        match self {
            Self::Random => 0,
            Self::From(first) => first.saturating_add(index),
        }
    }
}

/// Why a person's refresh tokens stop working.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Revocation {
    /// Somebody revoked them.
    Revoked,
    /// The password was changed.
    PasswordChanged,
    /// The sign-in is older than the organisation allows.
    Expired,
    /// A refusal of the test's own choice.
    Refused(OAuthError),
}

/// The clouds, until they are dropped.
pub struct Sandbox {
    azure: Arc<Azure>,
    google: Arc<Google>,
    shared: Arc<Shared>,
    /// Stop when they are dropped.
    _servers: Vec<Running>,
}

impl Sandbox {
    /// Starts every server. Needs a Tokio runtime with time and I/O.
    ///
    /// # Errors
    /// When a port is taken.
    pub async fn start(options: Options) -> io::Result<Self> {
        let shared = Arc::new(Shared { clock: options.clock, ..Shared::default() });
        let azure_authority = bind(options.ports.nth(0)).await?;
        let azure_resource_manager = bind(options.ports.nth(1)).await?;
        let google_issuer = bind(options.ports.nth(2)).await?;
        let google_resource_manager = bind(options.ports.nth(3)).await?;

        let azure = Arc::new(Azure::new(
            azure_authority.url.clone(),
            azure_resource_manager.url.clone(),
            options.azure,
            options.page_size,
            options.azure_rotation,
            Arc::clone(&shared),
        ));
        let google = Arc::new(Google::new(
            google_issuer.url.clone(),
            google_resource_manager.url.clone(),
            options.google,
            options.page_size,
            options.google_policy,
            Arc::clone(&shared),
        ));
        let controls = control::router(Arc::clone(&azure), Arc::clone(&google), Arc::clone(&shared));
        let run = |bound: Bound, server, classify: Classify, cloud| {
            bound.run(server, classify, cloud, controls.clone(), Arc::clone(&shared))
        };
        let servers = vec![
            run(
                azure_authority,
                Server::AzureAuthority,
                azure::classify_authority,
                azure::authority(Arc::clone(&azure)),
            ),
            run(
                azure_resource_manager,
                Server::AzureResourceManager,
                azure::classify_resource_manager,
                azure::resource_manager(Arc::clone(&azure)),
            ),
            run(
                google_issuer,
                Server::GoogleIssuer,
                google::classify_issuer,
                google::issuer(Arc::clone(&google)),
            ),
            run(
                google_resource_manager,
                Server::GoogleResourceManager,
                google::classify_resource_manager,
                google::resource_manager(Arc::clone(&google)),
            ),
        ];
        let sandbox = Self { azure, google, shared, _servers: servers };
        sandbox.set_access_token_life(options.access_token_life);
        Ok(sandbox)
    }

    /// The sign-in server of Azure.
    pub fn azure_authority(&self) -> Url {
        self.azure.authority.clone()
    }

    /// Azure Resource Manager.
    pub fn azure_resource_manager(&self) -> Url {
        self.azure.resource_manager.clone()
    }

    /// The sign-in server of Google.
    pub fn google_issuer(&self) -> Url {
        self.google.issuer.clone()
    }

    /// Google's Resource Manager.
    pub fn google_resource_manager(&self) -> Url {
        self.google.resource_manager.clone()
    }

    /// The environment that makes the app use this sandbox.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
        vec![
            ("AZURE_CLIENT_ID", azure::CLIENT_ID.to_owned()),
            ("AZURE_AUTHORITY_HOST", bare(&self.azure.authority)),
            ("MCM_AZURE_RESOURCE_MANAGER", bare(&self.azure.resource_manager)),
            ("GOOGLE_CLIENT_ID", google::DESKTOP_CLIENT_ID.to_owned()),
            ("GOOGLE_CLIENT_SECRET", google::DESKTOP_CLIENT_SECRET.to_owned()),
            ("MCM_GOOGLE_ISSUER", bare(&self.google.issuer)),
            ("MCM_GOOGLE_RESOURCE_MANAGER", bare(&self.google.resource_manager)),
        ]
    }

    /// What goes wrong from now on.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Every request so far, the oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.journal.requests()
    }

    /// Empties the list of requests.
    pub fn forget_requests(&self) {
        self.shared.journal.forget_requests();
    }

    /// Every code, token and key handed out so far: none of them may turn up in a log, a file or a message.
    pub fn secrets(&self) -> Vec<String> {
        self.shared.journal.secrets()
    }

    /// The life of access tokens from now on.
    pub fn set_access_token_life(&self, life: Duration) {
        let milliseconds = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        self.shared.access_token_life.store(milliseconds, Ordering::Relaxed);
    }

    /// Refuses every refresh token that a person holds by now, in every cloud.
    pub fn revoke(&self, person: &str, revocation: &Revocation) {
        self.azure.revoke(person, revocation);
        self.google.revoke(person, revocation);
    }

    /// Revokes every refresh token that a person holds by now.
    pub fn revoke_all(&self, person: &str) {
        self.revoke(person, &Revocation::Revoked);
    }

    /// Changes a person's password, which ends every session.
    pub fn change_password(&self, person: &str) {
        self.revoke(person, &Revocation::PasswordChanged);
    }

    /// Lets a person's sign-ins grow too old.
    pub fn expire(&self, person: &str) {
        self.revoke(person, &Revocation::Expired);
    }

    /// Makes every access token of a person invalid before its time.
    pub fn reject_access_tokens(&self, person: &str) {
        self.azure.forget_access_tokens(person);
        self.google.forget_access_tokens(person);
    }

    /// Takes a person's consent back, so that the next sign-in asks for it.
    pub fn forget_consents(&self, person: &str) {
        self.azure.forget_consents(person);
        self.google.forget_consents(person);
    }

    /// What happens to Azure refresh tokens from now on when they are exchanged.
    pub fn set_azure_rotation(&self, rotation: Rotation) {
        self.azure.set_rotation(rotation);
    }

    /// Registers another redirect URI with the Azure application.
    pub fn register_azure_redirect(&self, uri: &str) {
        self.azure.register_redirect(uri);
    }

    /// Takes a redirect URI away from the Azure application.
    pub fn unregister_azure_redirect(&self, uri: &str) {
        self.azure.unregister_redirect(uri);
    }

    /// How strict the Google project is from now on.
    pub fn set_google_policy(&self, policy: google::Policy) {
        self.google.set_policy(policy);
    }

    /// Signs Google's id tokens with a new key from now on; the old one stays published.
    pub fn rotate_google_signing_key(&self) {
        self.google.rotate_signing_key();
    }
}
