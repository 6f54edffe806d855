//! A stand-in for Google's sign-in and for its Resource Manager.
//!
//! Holds the state of both servers and their routes; what a route answers is in the files below this one. The many
//! hosts of the real one are paths of one server here; a client takes them from the discovery document anyway.

mod authorize;
mod device;
pub mod directory;
mod grants;
mod metadata;
mod pages;
mod refusal;
mod resource_manager;
mod scope;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use self::authorize::GoogleTransaction;
use self::device::GoogleDeviceRequest;
use self::directory::{GoogleDirectory, GoogleUser};
use self::grants::{GoogleGrants, Grant};
use self::refusal::GoogleRefusal;
use crate::device::Devices;
use crate::faults::Endpoint;
use crate::faults::Revocation;
use crate::jwt::SigningKey;
use crate::server::Shared;

/// The client of type "Desktop app", which answers on loopback only.
pub const DESKTOP_CLIENT_ID: &str = "202611240001-desktop.apps.googleusercontent.com";

/// The secret that Google issues for a desktop client, and that it does not treat as one.
pub const DESKTOP_CLIENT_SECRET: &str = "sandbox-desktop-client";

/// The client of type "iOS", which answers on its reversed client id only and has no secret.
pub const IOS_CLIENT_ID: &str = "202611240001-ios.apps.googleusercontent.com";

/// The client of type "TVs and limited-input devices", for device authorisation only.
pub const TV_CLIENT_ID: &str = "202611240001-tv.apps.googleusercontent.com";

/// Its secret, which is none either.
pub const TV_CLIENT_SECRET: &str = "sandbox-tv-client";

const IOS_SCHEME: &str = "com.googleusercontent.apps.202611240001-ios:/";

/// The project that both clients belong to.
const PROJECT_NUMBER: &str = "202611240001";

const DEVICE_CODE_LIFE: Duration = Duration::from_secs(30 * 60);

/// What the operator of the Google project has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct ProjectPolicy {
    /// Whether the desktop client must send its secret.
    pub requires_secret: bool,
    /// Whether the app is in testing: refresh tokens with access to the cloud last seven days.
    pub is_testing: bool,
    /// Whether id tokens spell the issuer without its scheme, as Google's may.
    pub has_bare_issuer: bool,
    /// Whether a refresh brings a new refresh token and ends the old one, which Google rarely does.
    pub rotates: bool,
    /// Whether a device may ask for access to the cloud, which Google refuses and another issuer may grant.
    pub grants_cloud_by_code: bool,
}

impl Default for ProjectPolicy {
    fn default() -> Self {
        Self {
            requires_secret: true,
            is_testing: false,
            has_bare_issuer: false,
            rotates: false,
            grants_cloud_by_code: false,
        }
    }
}

/// The state of the two Google servers.
pub(crate) struct Google {
    pub(crate) issuer: Url,
    pub(crate) resource_manager: Url,
    directory: Mutex<GoogleDirectory>,
    page_size: usize,
    shared: Arc<Shared>,
    policy: Mutex<ProjectPolicy>,
    /// Every published key, the one that signs last.
    keys: Mutex<Vec<Arc<SigningKey>>>,
    grants: Mutex<GoogleGrants>,
    transactions: Mutex<HashMap<String, GoogleTransaction>>,
    /// Who signed in with which browser, the latest last.
    browsing: Mutex<HashMap<String, Vec<String>>>,
    devices: Mutex<Devices<GoogleDeviceRequest, Grant>>,
}

impl Google {
    pub(crate) fn new(
        issuer: Url,
        resource_manager: Url,
        directory: GoogleDirectory,
        page_size: usize,
        policy: ProjectPolicy,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            issuer,
            resource_manager,
            directory: Mutex::new(directory),
            page_size: page_size.max(1),
            shared,
            policy: Mutex::new(policy),
            keys: Mutex::new(vec![SigningKey::shared()]),
            grants: Mutex::default(),
            transactions: Mutex::default(),
            browsing: Mutex::default(),
            devices: Mutex::new(Devices::new(DEVICE_CODE_LIFE)),
        }
    }

    pub(crate) fn set_policy(&self, policy: ProjectPolicy) {
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = policy;
    }

    pub(crate) fn rotate_signing_key(&self) {
        self.keys().push(Arc::new(SigningKey::generate()));
    }

    pub(crate) fn revoke(&self, user: &str, revocation: &Revocation) {
        let refusal = match revocation {
            Revocation::Revoked | Revocation::PasswordChanged => GoogleRefusal::revoked(),
            Revocation::Expired => GoogleRefusal::needs_reauthentication(),
            Revocation::Refused(error) => error.clone().into(),
        };
        self.grants().refuse(&self.subject_of(user), &refusal);
    }

    pub(crate) fn forget_access_tokens(&self, user: &str) {
        self.grants().forget_access_tokens(&self.subject_of(user));
    }

    pub(crate) fn forget_consents(&self, user: &str) {
        self.grants().forget_consents(&self.subject_of(user));
    }

    pub(crate) fn set_directory(&self, directory: GoogleDirectory) {
        *self
            .directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = directory;
    }

    fn directory(&self) -> MutexGuard<'_, GoogleDirectory> {
        self.directory
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The user with this e-mail address or subject.
    fn find_user(&self, hint: &str) -> Option<GoogleUser> {
        self.directory().find_user(hint).cloned()
    }

    /// What grants know a user by: the address may change.
    fn subject_of(&self, user: &str) -> String {
        self.find_user(user)
            .map_or_else(|| user.to_owned(), |user| user.subject)
    }

    fn grants(&self) -> MutexGuard<'_, GoogleGrants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, Vec<Arc<SigningKey>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn devices(&self) -> MutexGuard<'_, Devices<GoogleDeviceRequest, Grant>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signing_key(&self) -> Arc<SigningKey> {
        Arc::clone(self.keys().last().expect("there is a key from the start"))
    }

    fn policy(&self) -> ProjectPolicy {
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_testing(&self) -> bool {
        self.policy().is_testing
    }

    /// The issuer as the discovery document and the callback spell it.
    fn issuer(&self) -> &str {
        self.issuer.as_str().trim_end_matches('/')
    }

    /// The issuer as id tokens spell it.
    fn token_issuer(&self) -> &str {
        let issuer = self.issuer();
        if self.policy().has_bare_issuer {
            issuer.trim_start_matches("http://")
        } else {
            issuer
        }
    }

    fn check_secret(&self, client_id: &str, secret: Option<&str>) -> Result<(), GoogleRefusal> {
        match (client_id, secret) {
            (DESKTOP_CLIENT_ID, Some(DESKTOP_CLIENT_SECRET))
            | (TV_CLIENT_ID, Some(TV_CLIENT_SECRET))
            | (IOS_CLIENT_ID, None) => Ok(()),
            (DESKTOP_CLIENT_ID | TV_CLIENT_ID, None) if self.policy().requires_secret => Err(
                GoogleRefusal::new("invalid_request", "client_secret is missing."),
            ),
            (DESKTOP_CLIENT_ID | TV_CLIENT_ID, None) => Ok(()),
            (DESKTOP_CLIENT_ID | TV_CLIENT_ID | IOS_CLIENT_ID, Some(_)) => Err(
                GoogleRefusal::invalid_client("The provided client secret is invalid."),
            ),
            _ => Err(GoogleRefusal::invalid_client(
                "The OAuth client was not found.",
            )),
        }
    }
}

/// Whether Google would send an answer there, by the type of the client.
fn permits_redirect(client_id: &str, redirect_uri: &str) -> bool {
    match client_id {
        DESKTOP_CLIENT_ID => is_loopback(redirect_uri),
        IOS_CLIENT_ID => redirect_uri
            .strip_prefix(IOS_SCHEME)
            .is_some_and(|path| !path.is_empty() && !path.starts_with('/')),
        _ => false,
    }
}

fn is_loopback(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_local && url.scheme() == "http" && url.username().is_empty() && url.fragment().is_none()
}

/// The bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

/// Routes of the sign-in server.
pub(crate) fn issuer(google: Arc<Google>) -> Router {
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(metadata::openid_configuration),
        )
        .route("/oauth2/v3/certs", get(metadata::keys))
        .route("/o/oauth2/v2/auth", get(authorize::start))
        .route("/signin", post(authorize::proceed))
        .route("/device/code", post(device::start))
        .route("/device", get(device::page).post(device::enter))
        .route("/token", post(token::answer))
        .route("/v1/userinfo", get(token::userinfo))
        .route("/revoke", post(token::revoke))
        .with_state(google)
}

/// Routes of Resource Manager.
pub(crate) fn resource_manager(google: Arc<Google>) -> Router {
    Router::new()
        .route("/v3/projects:search", get(resource_manager::search))
        .with_state(google)
}

/// What a path of the sign-in server means.
pub(crate) fn classify_issuer<'a>(path: &'a str, _: &str) -> (Option<Endpoint>, Option<&'a str>) {
    let endpoint = match path {
        "/.well-known/openid-configuration" => Some(Endpoint::GoogleDiscovery),
        "/oauth2/v3/certs" => Some(Endpoint::GoogleKeys),
        "/o/oauth2/v2/auth" => Some(Endpoint::GoogleAuthorize),
        "/device/code" => Some(Endpoint::GoogleDeviceCode),
        "/token" => Some(Endpoint::GoogleToken),
        "/v1/userinfo" => Some(Endpoint::GoogleUserinfo),
        "/revoke" => Some(Endpoint::GoogleRevoke),
        _ => None,
    };
    (endpoint, None)
}

/// What a path of Resource Manager means.
pub(crate) fn classify_resource_manager<'a>(
    path: &'a str,
    _: &str,
) -> (Option<Endpoint>, Option<&'a str>) {
    (
        (path == "/v3/projects:search").then_some(Endpoint::GoogleProjects),
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_desktop_client_answers_on_any_port_of_loopback_and_nowhere_else() {
        for good in [
            "http://127.0.0.1:5000",
            "http://127.0.0.1:5000/callback",
            "http://[::1]:5000",
            "http://localhost:1",
        ] {
            assert!(permits_redirect(DESKTOP_CLIENT_ID, good), "{good}");
        }
        for bad in [
            "https://127.0.0.1:5000",
            "http://127.0.0.1.example.org",
            "http://10.0.0.1",
            "http://x@127.0.0.1",
            "io.github.multicloudmanager://auth/gcp",
        ] {
            assert!(!permits_redirect(DESKTOP_CLIENT_ID, bad), "{bad}");
        }
    }

    #[test]
    fn an_ios_client_answers_on_its_reversed_id_with_one_slash() {
        assert!(permits_redirect(
            IOS_CLIENT_ID,
            "com.googleusercontent.apps.202611240001-ios:/auth/gcp"
        ));
        assert!(!permits_redirect(
            IOS_CLIENT_ID,
            "com.googleusercontent.apps.202611240001-ios://auth/gcp"
        ));
        assert!(!permits_redirect(
            IOS_CLIENT_ID,
            "com.googleusercontent.apps.another-user:/auth/gcp"
        ));
        assert!(!permits_redirect(IOS_CLIENT_ID, "http://127.0.0.1:5000"));
    }
}
