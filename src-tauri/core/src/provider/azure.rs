//! Azure: signing in at Microsoft Entra, renewing per tenant, and loading tenants and subscriptions.
//!
//! Sources: the Microsoft identity platform v2 documentation and MSAL's behaviour. Entra's pages are visited in
//! `azure/authorization.rs`, its answers checked in `azure/check.rs`. Messages for Entra's errors are in
//! `azure/error_messages.rs` and `azure/error_numbers.rs`, Resource Manager in `azure/resource_manager.rs`, other
//! resources in `azure/resource.rs`.

mod authorization;
mod challenge;
mod check;
mod error_messages;
mod error_numbers;
mod metadata;
pub mod resource;
mod resource_manager;
#[cfg(test)]
mod tests;
mod user;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use url::Url;

use crate::account::{Account, Cloud, Identity, Refreshable, SignInEnd, SignInEndReason, Target};
use crate::claims::{self, ClaimsChallenge};
use crate::credential::{Grant, RefreshGrant, Session};
use crate::error::{Code, Error, Result};
use crate::guid::is_guid;
use crate::http::{self, Http};
use crate::id_token::Claims;
use crate::oauth::{OAuthClient, TokenFailure};
use crate::provider::CloudView;
use crate::provider::{Progress, Provider, Refreshed, SignInRequest, SignedIn};
use crate::resource::Resource;
use crate::settings::{AzureSettings, parse_tenant};
use crate::sign_in::SignInContext;
use crate::world::Clock;
use authorization::{EntraAuthorization, explained};
pub use user::identity_in_tenant;
use user::{AzureIdentity, home, username};

/// Entra expires a sign-in that was not used for this long.
const IDLE_LIMIT: Duration = Duration::from_secs(90 * 24 * 3600);
/// Placeholder for the tenant in a grant's token endpoint: the same refresh token is redeemed at each tenant.
const TENANT: &str = "{tenant}";

/// The provider.
pub struct Azure {
    settings: AzureSettings,
    http: Http,
    clock: Arc<dyn Clock>,
    metadata: metadata::EntraMetadataCache,
}

impl Azure {
    /// The provider for these settings.
    pub fn new(settings: AzureSettings, http: Http, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            http,
            clock,
            metadata: metadata::EntraMetadataCache::default(),
        }
    }

    /// The scopes of a sign-in: Resource Manager as the user, and a refresh token.
    fn scopes(&self) -> [String; 4] {
        scopes(&self.settings, &Resource::Management)
    }

    fn arm_scope(&self) -> String {
        self.scopes()[0].clone()
    }

    fn sign_in_end(&self) -> Option<SignInEnd> {
        Some(SignInEnd {
            at: self.clock.now() + IDLE_LIMIT,
            why: SignInEndReason::Idle,
        })
    }
}

#[async_trait]
impl Provider for Azure {
    fn check_set_up(&self) -> Result<()> {
        self.settings.client_id().map(drop)
    }

    async fn sign_in(&self, request: &SignInRequest, context: &SignInContext) -> Result<SignedIn> {
        let client_id = self.settings.client_id()?.to_owned();
        let known = request.known.as_ref().and_then(AzureIdentity::of);
        let tenant = match (&request.tenant, known) {
            (Some(tenant), _) => parse_tenant(tenant)?,
            (None, Some(known)) => known.tenant_id.to_owned(),
            (None, None) => self.settings.tenant.clone(),
        };
        let metadata = self
            .metadata
            .read(
                &self.http,
                &self.settings.authority,
                &tenant,
                self.clock.now(),
            )
            .await?;
        let client = OAuthClient {
            client_id: client_id.clone(),
            client_secret: None,
            authorization_endpoint: metadata.authorization_endpoint.clone(),
            token_endpoint: metadata.token_endpoint.clone(),
        };
        let resource = request
            .resource
            .clone()
            .map_or(Resource::Management, Resource::Named);
        let EntraAuthorization {
            tokens,
            asked_at,
            nonce,
        } = self
            .authorize(request, context, &client, &metadata, &resource)
            .await?;

        let id_token = tokens
            .id_token
            .as_ref()
            .ok_or_else(|| missing("an id_token"))?;
        let claims = Claims::decode(id_token)?;
        let tenant_id = self.check_claims(&claims, &client_id, &metadata, nonce.as_deref())?;
        if is_guid(&tenant) && tenant_id != tenant {
            let message = format!(
                "Entra signed you in to tenant {tenant_id} instead of {tenant}. Nothing was changed. Sign in again and choose an account of that tenant."
            );
            return Err(Error::new(Code::WrongUser, message));
        }
        let home = home(tokens.client_info.as_deref(), &claims, &tenant_id)?;
        let username = username(&claims);
        if let Some(known) = known.filter(|known| known.home != home) {
            let message = format!(
                "You signed in as {username}, but this row belongs to {}. Nothing was changed. Sign in again and choose {}, or use Connect account to add {username}.",
                known.username, known.username
            );
            return Err(Error::new(Code::WrongUser, message));
        }
        let refresh_token = tokens
            .refresh_token
            .clone()
            .ok_or_else(|| missing("a refresh token"))?;
        // The user consented to another resource: Resource Manager's session comes from the same grant.
        let (tokens, asked_at, refresh_token) = match resource {
            Resource::Management => (tokens, asked_at, refresh_token),
            Resource::Named(_) => {
                let asked_at = self.clock.now();
                let scopes = self.scopes();
                let scopes = scopes.each_ref().map(String::as_str);
                let claims = claims::with_capability(None);
                let managing = client
                    .refresh(
                        &self.http,
                        &refresh_token,
                        &scopes,
                        &[("claims", claims.as_str())],
                    )
                    .await
                    .map_err(explained)?;
                let refresh_token = managing.refresh_token.clone().unwrap_or(refresh_token);
                (managing, asked_at, refresh_token)
            }
        };
        let granted = tokens.scopes.as_deref().unwrap_or_default();
        let missing_scopes = missing_scopes(&self.arm_scope(), granted);

        let session = tokens.session(asked_at);
        let tenants =
            resource_manager::tenants(&self.http, &self.settings, &tokens.access_token).await;
        let tenants = tenants.unwrap_or_else(|error| {
            tracing::warn!(
                code = error.code().as_str(),
                reference = error.reference(),
                "the tenants could not be loaded"
            );
            Vec::new()
        });
        let (own, offered): (Vec<_>, Vec<_>) = tenants
            .into_iter()
            .partition(|tenant| tenant.tenant_id == tenant_id);
        let own = own.into_iter().next();
        let identity_tenant = tenant_id.clone();
        let identity = Identity::Azure {
            home,
            tenant_name: own.as_ref().and_then(|tenant| tenant.name.clone()),
            default_domain: own.and_then(|tenant| tenant.default_domain),
            username,
            tenant_id,
        };
        let grant = Grant::RefreshToken(RefreshGrant {
            refresh_token,
            client_id,
            client_secret: None,
            authority: self.settings.authority.clone(),
            token_endpoint: token_endpoint_template(
                &metadata.token_endpoint,
                &[&tenant, &identity_tenant],
            ),
            issuer: Some(metadata.issuer_template(&identity_tenant)),
            issued_at: asked_at,
        });
        let sign_in_end = self.sign_in_end();
        Ok(SignedIn {
            account: Refreshable {
                identity,
                offered,
                missing_scopes,
                sign_in_end,
            },
            grant,
            session,
            target: None,
            accounts: Vec::new(),
        })
    }

    async fn refresh(
        &self,
        account: &Account,
        grant: &Grant,
        resource: &Resource,
        challenge: Option<&ClaimsChallenge>,
    ) -> Result<Refreshed> {
        let grant = grant.refresh_token()?;
        let known = AzureIdentity::of(&account.identity).ok_or_else(not_azure)?;
        let endpoint =
            http::saved_endpoint(&grant.token_endpoint.replace(TENANT, known.tenant_id))?;
        let client = OAuthClient::renewing(grant, None, endpoint);
        let asked_at = self.clock.now();
        let scopes = scopes(&self.settings, resource);
        let scopes = scopes.each_ref().map(String::as_str);
        let claims = claims::with_capability(challenge.map(ClaimsChallenge::as_str));
        let tokens = client
            .refresh(
                &self.http,
                &grant.refresh_token,
                &scopes,
                &[("client_info", "1"), ("claims", claims.as_str())],
            )
            .await
            .map_err(|failure| match (failure, resource) {
                (TokenFailure::Refused(refusal), Resource::Named(identifier)) => {
                    error_messages::resource(&refusal, identifier)
                }
                (TokenFailure::Refused(refusal), Resource::Management) => {
                    error_messages::renewal(&refusal)
                }
                (TokenFailure::Failed(error), _) => error,
            })?;

        // The rotated grant is stored even then: the redeemed one may no longer be valid.
        let issuer = self.issuer(grant, known.tenant_id).await;
        let checked = issuer
            .as_ref()
            .map_err(Error::clone)
            .and_then(|issuer| self.check_renewal(&tokens, known, &grant.client_id, issuer));
        let (username, refusal) = match checked {
            Ok(username) => (username, None),
            Err(error) => (None, Some(error)),
        };
        let rotated = tokens.refresh_token.clone().map(|refresh_token| {
            Grant::RefreshToken(RefreshGrant {
                refresh_token,
                issued_at: asked_at,
                issuer: issuer.ok(),
                ..grant.clone()
            })
        });
        let identity = username.map(|username| known.renamed(&account.identity, username));
        let session = tokens.session(asked_at);
        Ok(Refreshed {
            grant: rotated,
            session,
            identity,
            sign_in_end: self.sign_in_end(),
            refusal,
        })
    }

    /// Entra has no revocation endpoint for a public client's refresh token, so it can only be removed here.
    async fn sign_out(&self, _grant: &Grant) -> Result<()> {
        Ok(())
    }

    async fn targets(
        &self,
        _account: &Account,
        session: &Session,
        progress: &Progress<'_>,
    ) -> Result<Vec<Target>> {
        resource_manager::subscriptions(&self.http, &self.settings, session.bearer()?, progress)
            .await
    }
}

/// Azure as the Connect screen shows it.
pub(super) fn view(settings: &AzureSettings) -> CloudView {
    CloudView {
        cloud: Cloud::Azure,
        ready: settings.problems.is_empty(),
        sandbox: http::is_loopback(&settings.authority),
        problems: settings.problems.clone(),
        client_id: settings.client_id.as_ref().map(|found| found.value.clone()),
        client_id_origin: settings
            .client_id
            .as_ref()
            .map(|found| found.origin.clone()),
        redirect: settings.redirect,
        redirect_uris: vec![
            AzureSettings::deep_link_redirect(),
            "http://localhost".to_owned(),
        ],
        scopes: scopes(settings, &Resource::Management).to_vec(),
        authority: settings.authority.to_string(),
    }
}

/// The scopes that a token for a resource is requested with. For resources other than Resource Manager, everything
/// already consented to is requested; an identifier's own trailing slash stays, so that two are in a row.
fn scopes(settings: &AzureSettings, resource: &Resource) -> [String; 4] {
    let scope = match resource {
        Resource::Management => match &settings.audience {
            // As az asks an Azure Stack: whatever was consented to.
            Some(audience) => format!("{audience}/.default"),
            None => format!("{}user_impersonation", settings.resource_manager),
        },
        Resource::Named(identifier) => format!("{identifier}/.default"),
    };
    [
        scope,
        "offline_access".into(),
        "openid".into(),
        "profile".into(),
    ]
}

/// The requested scope, if the granted ones lack it. Entra may answer with `.default` or in another case.
fn missing_scopes(asked: &str, granted: &[String]) -> Vec<String> {
    let resource = asked
        .rsplit_once('/')
        .map_or(asked, |(resource, _)| resource);
    let resource = resource.trim_end_matches('/');
    let has = granted.iter().any(|scope| {
        scope
            .to_ascii_lowercase()
            .starts_with(&resource.to_ascii_lowercase())
    });
    if granted.is_empty() || has {
        Vec::new()
    } else {
        vec![asked.to_owned()]
    }
}

/// A token endpoint with the tenant that was asked, by its id or a domain, replaced by a place for any other.
fn token_endpoint_template(endpoint: &Url, tenants: &[&str]) -> String {
    let mut segments: Vec<&str> = endpoint.path().split('/').collect();
    if let Some(segment) = segments.iter_mut().find(|segment| {
        tenants
            .iter()
            .any(|tenant| segment.eq_ignore_ascii_case(tenant))
    }) {
        *segment = TENANT;
    }
    format!(
        "{}{}",
        endpoint.origin().ascii_serialization(),
        segments.join("/")
    )
}

fn missing(what: &str) -> Error {
    let message =
        format!("Entra's response lacks {what}, so it was not used. Start the sign-in again.");
    Error::new(Code::SignInRejected, message)
}

fn not_azure() -> Error {
    Error::new(
        Code::Internal,
        "The Azure provider got an account of another cloud. Report this with the reference.",
    )
}
