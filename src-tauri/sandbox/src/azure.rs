//! A stand-in for Microsoft Entra ID and Azure Resource Manager.
//!
//! Holds the state of both servers and their routes; what a route answers is in the files below this one. Behaves as
//! Entra's public documents describe for public clients, down to the AADSTS numbers.

mod authorize;
mod device;
pub mod directory;
mod grants;
mod metadata;
mod pages;
mod refusal;
mod request;
mod resource_manager;
mod scope;
mod token;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use url::Url;

use self::authorize::{AzureTransaction, Browsing};
use self::device::{AzureApproval, AzureDeviceRequest};
use self::directory::{AzureDirectory, EntraUser, Tenant};
use self::grants::AzureGrants;
use self::refusal::AzureRefusal;
use self::scope::Scope;
use crate::device::Devices;
use crate::faults::Endpoint;
use crate::faults::Revocation;
use crate::jwt::SigningKey;
use crate::server::Shared;

/// Another app registration that every user may use, as another program has one.
pub const OTHER_CLIENT_ID: &str = "3b1f6a08-0d5c-4c52-8a57-6e0f7c9d2a44";
/// The application that is registered in every tenant of the sandbox.
pub const CLIENT_ID: &str = "7c1d3f52-6b0e-4f3a-9d55-2f1c8a4e9b10";

/// Its name on the pages.
const CLIENT_NAME: &str = "Multi-Cloud Manager";

/// Its redirect URIs when the sandbox starts.
const REDIRECT_URIS: [&str; 2] = [
    "io.github.multicloudmanager://auth/azure",
    "http://localhost",
];

const DEVICE_CODE_LIFE: Duration = Duration::from_secs(15 * 60);

/// What happens to a refresh token when it is exchanged for a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rotation {
    /// It stays good, as at Entra.
    #[default]
    Lenient,
    /// It is spent; using it again revokes every token of that sign-in.
    Strict,
}

/// The state of the two Azure servers.
pub(crate) struct Azure {
    pub(crate) authority: Url,
    pub(crate) resource_manager: Url,
    pub(crate) directory: AzureDirectory,
    pub(crate) page_size: usize,
    pub(crate) shared: Arc<Shared>,
    key: Arc<SigningKey>,
    registration: Mutex<AppRegistration>,
    grants: Mutex<AzureGrants>,
    consents: Mutex<Consents>,
    transactions: Mutex<HashMap<String, AzureTransaction>>,
    browsing: Mutex<HashMap<String, Browsing>>,
    devices: Mutex<Devices<AzureDeviceRequest, AzureApproval>>,
}

/// What users have consented to.
#[derive(Default)]
struct Consents {
    /// Client, user and tenant, and the resource when it is one of those that stand apart.
    given: HashSet<(String, String, String, Option<String>)>,
    /// Resources that neither the consent to the app nor an administrator's covers.
    apart: HashSet<String>,
}

struct AppRegistration {
    redirect_uris: Vec<String>,
    rotation: Rotation,
}

/// The first segment of a path, when it names an existing authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AzureAuthority {
    Organizations,
    Common,
    Tenant(String),
}

impl AzureAuthority {
    fn key(&self) -> &str {
        match self {
            Self::Organizations => "organizations",
            Self::Common => "common",
            Self::Tenant(id) => id,
        }
    }

    fn tenant_id(&self) -> Option<&str> {
        match self {
            Self::Tenant(id) => Some(id),
            Self::Organizations | Self::Common => None,
        }
    }
}

impl Azure {
    pub(crate) fn new(
        authority: Url,
        resource_manager: Url,
        directory: AzureDirectory,
        page_size: usize,
        rotation: Rotation,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            authority,
            resource_manager,
            directory,
            page_size: page_size.max(1),
            shared,
            key: SigningKey::shared(),
            registration: Mutex::new(AppRegistration {
                redirect_uris: REDIRECT_URIS.map(str::to_owned).to_vec(),
                rotation,
            }),
            grants: Mutex::default(),
            consents: Mutex::default(),
            transactions: Mutex::default(),
            browsing: Mutex::default(),
            devices: Mutex::new(Devices::new(DEVICE_CODE_LIFE)),
        }
    }

    pub(crate) fn register_redirect(&self, uri: &str) {
        self.registration().redirect_uris.push(uri.to_owned());
    }

    pub(crate) fn unregister_redirect(&self, uri: &str) {
        self.registration()
            .redirect_uris
            .retain(|registered| registered != uri);
    }

    pub(crate) fn set_rotation(&self, rotation: Rotation) {
        self.registration().rotation = rotation;
    }

    pub(crate) fn revoke(&self, user: &str, revocation: &Revocation) {
        let refusal = match revocation {
            Revocation::Revoked => AzureRefusal::invalid_grant(
                50173,
                "The provided grant has expired due to it being revoked, a fresh auth token is needed.",
            ),
            Revocation::PasswordChanged => AzureRefusal::invalid_grant(
                50133,
                "The session is not valid due to password expiration or recent password change.",
            ),
            Revocation::Expired => AzureRefusal::invalid_grant(
                70043,
                "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.",
            ),
            Revocation::Refused(error) => error.clone().into(),
        };
        self.grants().refuse(user, &refusal);
    }

    pub(crate) fn forget_access_tokens(&self, user: &str) {
        self.grants().forget_access_tokens(user);
    }

    pub(crate) fn forget_consents(&self, user: &str) {
        self.consents()
            .given
            .retain(|(_, consenter, ..)| !consenter.eq_ignore_ascii_case(user));
    }

    pub(crate) fn ask_consent_for(&self, resource: &str) {
        self.consents()
            .apart
            .insert(resource.trim_end_matches('/').to_owned());
    }

    /// The resource that a live access token is for.
    pub(crate) fn audience(&self, access_token: &str) -> Option<String> {
        let grants = self.grants();
        let token = grants.access_token(access_token)?;
        (self.shared.clock.now() < token.expires).then(|| token.scope.resource.clone())
    }

    fn registration(&self) -> MutexGuard<'_, AppRegistration> {
        self.registration
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn grants(&self) -> MutexGuard<'_, AzureGrants> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn consents(&self) -> MutexGuard<'_, Consents> {
        self.consents.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn devices(&self) -> MutexGuard<'_, Devices<AzureDeviceRequest, AzureApproval>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rotation(&self) -> Rotation {
        self.registration().rotation
    }

    /// The authority that a path names.
    fn authority(&self, name: &str) -> Result<AzureAuthority, AzureRefusal> {
        match name {
            "organizations" => Ok(AzureAuthority::Organizations),
            "common" => Ok(AzureAuthority::Common),
            _ => {
                let tenant = self
                    .directory
                    .find_tenant(name)
                    .ok_or_else(|| AzureRefusal::unknown_tenant(name))?;
                Ok(AzureAuthority::Tenant(tenant.id.clone()))
            }
        }
    }

    fn issuer(&self, tenant_id: &str) -> String {
        format!("{}{tenant_id}/v2.0", self.authority)
    }

    fn check_client(&self, client_id: &str, tenant: &str) -> Result<(), AzureRefusal> {
        if [CLIENT_ID, OTHER_CLIENT_ID].contains(&client_id) {
            Ok(())
        } else {
            Err(AzureRefusal::unknown_client(client_id, tenant))
        }
    }

    /// Whether Entra would send an answer there: exact, but for the port of a loopback address.
    fn is_registered(&self, redirect_uri: &str) -> bool {
        let asked = comparable(redirect_uri);
        asked.is_some()
            && self
                .registration()
                .redirect_uris
                .iter()
                .any(|uri| comparable(uri) == asked)
    }

    fn scope(&self, scope: &str) -> Result<Scope, AzureRefusal> {
        Scope::parse(scope, self.resource_manager.as_str())
    }

    fn user(&self, email: &str) -> Result<&EntraUser, AzureRefusal> {
        self.directory.find_user(email).ok_or_else(|| {
            AzureRefusal::invalid_grant(
                50034,
                format!("The user account {email} does not exist in the directory."),
            )
        })
    }

    /// The user and the tenant, if the one may enter the other.
    fn enter(&self, email: &str, tenant_id: &str) -> Result<(&EntraUser, &Tenant), AzureRefusal> {
        let user = self.user(email)?;
        let tenant = self
            .directory
            .find_tenant(tenant_id)
            .ok_or_else(|| AzureRefusal::unknown_tenant(tenant_id))?;
        if user.may_enter(&tenant.id) {
            Ok((user, tenant))
        } else {
            Err(AzureRefusal::not_in_tenant(email, &tenant.name))
        }
    }

    fn has_consent(
        &self,
        client_id: &str,
        user: &EntraUser,
        tenant: &Tenant,
        resource: &str,
    ) -> bool {
        let consents = self.consents();
        let has = |resource| {
            let (client_id, user, tenant) =
                (client_id.to_owned(), user.email.clone(), tenant.id.clone());
            consents
                .given
                .contains(&(client_id, user, tenant, resource))
        };
        let is_apart = consents.apart.contains(resource);
        (tenant.has_admin_consent || has(None)) && (!is_apart || has(Some(resource.to_owned())))
    }

    fn consent(&self, client_id: &str, user: &EntraUser, tenant: &Tenant, resource: &str) {
        let mut consents = self.consents();
        let apart = consents.apart.get(resource).cloned();
        for resource in [None, apart] {
            let (client_id, user, tenant) =
                (client_id.to_owned(), user.email.clone(), tenant.id.clone());
            consents.given.insert((client_id, user, tenant, resource));
        }
    }
}

/// A redirect URI in the form in which two of them are compared.
fn comparable(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    if url.fragment().is_some() || !url.username().is_empty() {
        return None;
    }
    if url.scheme() == "http" && matches!(url.host_str(), Some("localhost" | "127.0.0.1")) {
        let mut url = url;
        url.set_port(None).expect("an http URL may have a port");
        return Some(url.into());
    }
    Some(uri.to_owned())
}

/// Routes of the sign-in server.
pub(crate) fn authority(azure: Arc<Azure>) -> Router {
    Router::new()
        .route("/common/discovery/instance", get(metadata::instance))
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(metadata::openid_configuration),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(metadata::keys))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize::start))
        .route("/{tenant}/login", post(authorize::proceed))
        .route("/{tenant}/oauth2/v2.0/devicecode", post(device::start))
        .route(
            "/common/oauth2/deviceauth",
            get(device::page).post(device::enter),
        )
        .route("/{tenant}/oauth2/v2.0/token", post(token::answer))
        .with_state(azure)
}

/// Routes of Resource Manager.
pub(crate) fn resource_manager(azure: Arc<Azure>) -> Router {
    Router::new()
        .route("/tenants", get(resource_manager::tenants))
        .route("/subscriptions", get(resource_manager::subscriptions))
        .with_state(azure)
}

/// What a path of the sign-in server means.
pub(crate) fn classify_authority<'a>(
    path: &'a str,
    _: &str,
) -> (Option<Endpoint>, Option<&'a str>) {
    let mut segments = path.split('/').skip(1);
    let tenant = segments.next();
    let endpoint = match segments.collect::<Vec<_>>().as_slice() {
        ["v2.0", ".well-known", "openid-configuration"] | ["discovery", "instance"] => {
            Endpoint::AzureDiscovery
        }
        ["discovery", "v2.0", "keys"] => Endpoint::AzureKeys,
        ["oauth2", "v2.0", "authorize"] => Endpoint::AzureAuthorize,
        ["oauth2", "v2.0", "devicecode"] => Endpoint::AzureDeviceCode,
        ["oauth2", "v2.0", "token"] => Endpoint::AzureToken,
        _ => return (None, tenant),
    };
    (Some(endpoint), tenant)
}

/// What a path of Resource Manager means.
pub(crate) fn classify_resource_manager<'a>(
    path: &'a str,
    _: &str,
) -> (Option<Endpoint>, Option<&'a str>) {
    let endpoint = match path {
        "/tenants" => Some(Endpoint::AzureTenants),
        "/subscriptions" => Some(Endpoint::AzureSubscriptions),
        _ => None,
    };
    (endpoint, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_loopback_redirect_does_not_count_and_its_path_does() {
        let same = |asked, registered| comparable(asked) == comparable(registered);
        assert!(same("http://localhost:54321", "http://localhost"));
        assert!(same("http://localhost:54321/", "http://localhost"));
        assert!(!same("http://localhost:54321/callback", "http://localhost"));
        assert!(!same("http://127.0.0.1:54321", "http://localhost"));
        assert!(!same("http://[::1]:54321", "http://localhost"));
        assert!(!same("https://localhost:54321", "http://localhost"));
    }

    #[test]
    fn a_custom_scheme_is_compared_character_by_character() {
        let registered = comparable("io.github.multicloudmanager://auth/azure");
        assert_eq!(
            comparable("io.github.multicloudmanager://auth/azure"),
            registered
        );
        for other in [
            "io.github.multicloudmanager://auth/azure/",
            "io.github.multicloudmanager://auth/Azure",
            "io.github.multicloudmanager:/auth/azure",
            "io.github.multicloudmanager://auth/azure#x",
        ] {
            assert_ne!(comparable(other), registered, "{other}");
        }
    }
}
