//! Azure: signing in at Microsoft Entra, renewing per tenant, and loading tenants and subscriptions.
//!
//! Sources: the Microsoft identity platform v2 documentation and MSAL's behaviour. Messages for Entra's errors are in
//! `azure/error_messages.rs` and `azure/error_numbers.rs`, Resource Manager in `azure/resource_manager.rs`, other
//! resources in `azure/resource.rs`.

mod challenge;
mod error_messages;
mod error_numbers;
mod metadata;
pub mod resource;
mod resource_manager;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use crate::account::{
    Account, Cloud, Identity, OfferedTenant, Refreshable, SessionTimes, SignInEnd, SignInEndReason,
    Target,
};
use crate::claims::{self, ClaimsChallenge};
use crate::credential::{Credential, Grant, RefreshGrant, Session};
use crate::device::DeviceFlow;
use crate::error::{Code, Error, Result};
use crate::guid::is_guid;
use crate::http::{self, Http};
use crate::id_token::{Claims, Expected, is_user_id};
use crate::oauth::{Attempt, OAuthClient, TokenFailure, Tokens};
use crate::provider::CloudView;
use crate::provider::azure::metadata::Metadata;
use crate::provider::{Progress, Provider, Refreshed, SignInRequest, SignedIn};
use crate::redirect::{Answer, Expectation, Issuer, LoopbackHost, Method, PendingFlow, Receiver};
use crate::resource::Resource;
use crate::settings::RedirectKind;
use crate::settings::{AzureSettings, parse_tenant};
use crate::sign_in::SignInContext;
use crate::world::{Clock, SCHEME};

/// Entra expires a sign-in that was not used for this long.
const IDLE_LIMIT: Duration = Duration::from_secs(90 * 24 * 3600);
/// Placeholder for the tenant in a grant's token endpoint: the same refresh token is redeemed at each tenant.
const TENANT: &str = "{tenant}";

/// The hosts whose pages accept device codes, besides the sign-in server's own (Microsoft's documents and answers).
const CODE_PAGES: [&str; 4] = [
    "microsoft.com",
    "www.microsoft.com",
    "login.microsoft.com",
    "login.microsoftonline.com",
];

/// The result of one visit to Entra's pages.
struct Visit {
    tokens: Tokens,
    asked_at: Timestamp,
    nonce: Option<String>,
}

/// The provider.
pub struct Azure {
    settings: AzureSettings,
    http: Http,
    clock: Arc<dyn Clock>,
    metadata: metadata::Cache,
}

impl Azure {
    /// The provider for these settings.
    pub fn new(settings: AzureSettings, http: Http, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            http,
            clock,
            metadata: metadata::Cache::default(),
        }
    }

    /// The scopes of a sign-in: Resource Manager as the user, and a refresh token.
    fn scopes(&self) -> [String; 4] {
        scopes(&self.settings, &Resource::Management)
    }

    fn arm_scope(&self) -> String {
        self.scopes()[0].clone()
    }

    async fn receive(
        &self,
        context: &SignInContext,
        wanted: RedirectKind,
        metadata: &Metadata,
    ) -> Result<(PendingFlow, &'static str)> {
        let (receiver, mode) = match context.receiver(wanted, SCHEME).await {
            RedirectKind::DeepLink => (
                Receiver::DeepLink {
                    redirect_uri: AzureSettings::deep_link_redirect(),
                },
                "query",
            ),
            RedirectKind::Loopback => {
                let origins = vec![self.settings.authority.origin().ascii_serialization()];
                (
                    Receiver::Loopback {
                        host: LoopbackHost::Localhost,
                        path: "",
                        method: Method::FormPost,
                        origins,
                    },
                    "form_post",
                )
            }
        };
        // Entra does not announce RFC 9207; an `iss` that comes anyway must be the issuer's.
        let issuer = Issuer::IfPresent(metadata.issuer.clone());
        let waiting = context
            .open_flow(Expectation {
                cloud: Cloud::Azure,
                receiver,
                issuer,
            })
            .await?;
        Ok((waiting, mode))
    }

    /// Opens Entra's pages in the browser and redeems the answer.
    async fn visit(
        &self,
        request: &SignInRequest,
        context: &SignInContext,
        client: &OAuthClient,
        metadata: &Metadata,
        resource: &Resource,
    ) -> Result<Visit> {
        let wanted = request.redirect.unwrap_or(self.settings.redirect);
        let (waiting, mode) = self.receive(context, wanted, metadata).await?;
        let attempt = Attempt::new();
        let scopes = scopes(&self.settings, resource);
        let scopes = scopes.each_ref().map(String::as_str);
        let claims = claims::with_capability(request.challenge.as_deref());
        let mut extra = vec![
            ("client_info", "1"),
            ("response_mode", mode),
            ("claims", claims.as_str()),
        ];
        // A hint and an account picker cannot be combined (Entra's documentation of the authorize request).
        match request.known.as_ref().and_then(AzureIdentity::of) {
            Some(known) => extra.push(("login_hint", known.username)),
            None => extra.push(("prompt", "select_account")),
        }
        let redirect_uri = waiting.redirect_uri().to_owned();
        let page =
            client.authorize_url(&attempt, &redirect_uri, waiting.state(), &scopes, &extra)?;
        let code = match context.browse(&page, waiting).await? {
            Answer::Code(code) => code,
            Answer::Refused { error, description } => {
                return Err(error_messages::authorize(&error, &description));
            }
        };
        let asked_at = self.clock.now();
        let scope = scopes.join(" ");
        let fields = [
            ("client_info", "1"),
            ("scope", scope.as_str()),
            ("claims", claims.as_str()),
        ];
        let exchanged = client
            .exchange(&self.http, &attempt, &redirect_uri, &code, &fields)
            .await;
        Ok(Visit {
            tokens: exchanged.map_err(explained)?,
            asked_at,
            nonce: Some(attempt.nonce),
        })
    }

    /// Signs the user in on another device, with a code. No nonce is sent and none comes back.
    async fn visit_elsewhere(
        &self,
        request: &SignInRequest,
        context: &SignInContext,
        client: &OAuthClient,
        metadata: &Metadata,
        resource: &Resource,
    ) -> Result<Visit> {
        let scopes = scopes(&self.settings, resource);
        let scopes = scopes.each_ref().map(String::as_str);
        let claims = claims::with_capability(request.challenge.as_deref());
        let extra = [("client_info", "1"), ("claims", claims.as_str())];
        let flow = DeviceFlow {
            client,
            endpoint: metadata.device_authorization_endpoint.as_ref(),
            authority: &self.settings.authority,
            hosts: &CODE_PAGES,
            scopes: &scopes,
            extra: &extra,
        };
        let (tokens, asked_at) = flow
            .sign_in(&self.http, self.clock.as_ref(), context)
            .await
            .map_err(explained)?;
        Ok(Visit {
            tokens,
            asked_at,
            nonce: None,
        })
    }

    /// Turns a token answer into a session, after every check that its id_token permits.
    fn session(&self, tokens: &Tokens, asked_at: Timestamp) -> Session {
        let times = SessionTimes {
            issued_at: asked_at,
            expires_at: asked_at + tokens.expires_in,
        };
        Session {
            credential: Credential::Bearer(tokens.access_token.clone()),
            times,
            generation: 0,
        }
    }

    fn check_claims(
        &self,
        claims: &Claims,
        client_id: &str,
        metadata: &Metadata,
        nonce: Option<&str>,
    ) -> Result<String> {
        let tenant = claims
            .tid
            .as_deref()
            .filter(|tid| is_guid(tid))
            .ok_or_else(|| {
                Error::new(
                    Code::SignInRejected,
                    "Entra's response does not name its tenant. Start the sign-in again.",
                )
            })?;
        let issuer = metadata.issuer_of(tenant);
        claims.check(&Expected {
            client_id,
            issuers: &[&issuer],
            nonce,
            now: self.clock.now(),
        })?;
        Ok(tenant.to_ascii_lowercase())
    }

    /// Checks that a renewal is for this app, tenant and user, and returns the user's current name. Entra never
    /// answers for another user; if a server does, its session is not used.
    fn check_renewal(
        &self,
        tokens: &Tokens,
        known: AzureIdentity<'_>,
        client_id: &str,
        issuer: &str,
    ) -> Result<Option<String>> {
        let info = tokens.client_info.as_deref().map(ClientInfo::read);
        let info = info.transpose().map_err(|error| {
            wrong_renewal("with a client_info that cannot be read").with_source(error)
        })?;
        if let Some(info) = info
            && !info.home().eq_ignore_ascii_case(known.home)
        {
            return Err(wrong_renewal("for another user"));
        }
        let Some(id_token) = &tokens.id_token else {
            return Ok(None);
        };
        let claims = Claims::decode(id_token).map_err(|error| {
            wrong_renewal("with an id_token that cannot be read").with_source(error)
        })?;
        let tenant = claims.tid.as_deref().unwrap_or_default();
        if !tenant.eq_ignore_ascii_case(known.tenant_id) {
            return Err(wrong_renewal("for another tenant"));
        }
        // In the home tenant the user's object id is the first part of `uid.utid`; a guest's is another.
        let of_home = known.home.split_once('.');
        if let (Some((uid, utid)), Some(oid)) = (of_home, claims.oid.as_deref())
            && utid.eq_ignore_ascii_case(tenant)
            && !oid.eq_ignore_ascii_case(uid)
        {
            return Err(wrong_renewal("for another user"));
        }
        let expected = Expected {
            client_id,
            issuers: &[&metadata::issuer_of(issuer, tenant)],
            nonce: None,
            now: self.clock.now(),
        };
        claims
            .check(&expected)
            .map_err(|error| match error.code() {
                Code::ClockOff => error,
                _ => wrong_renewal("with an id_token that is not valid").with_source(error),
            })?;
        Ok(Some(username(&claims)).filter(|name| !name.is_empty()))
    }

    /// Who issues the id_tokens of a grant, with a place for the tenant. Grants of earlier versions do not say; their
    /// server does.
    async fn issuer(&self, grant: &RefreshGrant, tenant: &str) -> Result<String> {
        if let Some(issuer) = &grant.issuer {
            return Ok(issuer.clone());
        }
        let now = self.clock.now();
        let metadata = self
            .metadata
            .read(&self.http, &grant.authority, tenant, now)
            .await?;
        Ok(metadata.issuer_template(tenant))
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
        let Visit {
            tokens,
            asked_at,
            nonce,
        } = if request.device_code {
            self.visit_elsewhere(request, context, &client, &metadata, &resource)
                .await?
        } else {
            self.visit(request, context, &client, &metadata, &resource)
                .await?
        };

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
            return Err(Error::new(Code::WrongPerson, message));
        }
        let home = home(tokens.client_info.as_deref(), &claims, &tenant_id)?;
        let username = username(&claims);
        if let Some(known) = known.filter(|known| known.home != home) {
            let message = format!(
                "You signed in as {username}, but this row belongs to {}. Nothing was changed. Sign in again and choose {}, or use Connect account to add {username}.",
                known.username, known.username
            );
            return Err(Error::new(Code::WrongPerson, message));
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

        let session = self.session(&tokens, asked_at);
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
        let endpoint = Url::parse(&grant.token_endpoint.replace(TENANT, known.tenant_id))
            .ok()
            .filter(|endpoint| http::require_safe(endpoint).is_ok())
            .ok_or_else(|| {
                Error::new(
                    Code::SignInAgain,
                    "The saved sign-in has no valid token endpoint. Sign in again.",
                )
            })?;
        let client = OAuthClient {
            client_id: grant.client_id.clone(),
            client_secret: None,
            authorization_endpoint: endpoint.clone(),
            token_endpoint: endpoint,
        };
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
        let session = self.session(&tokens, asked_at);
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

/// The row that the same user has in another tenant.
pub fn identity_in_tenant(identity: &Identity, tenant: &OfferedTenant) -> Option<Identity> {
    let known = AzureIdentity::of(identity)?;
    Some(Identity::Azure {
        home: known.home.to_owned(),
        tenant_id: tenant.tenant_id.clone(),
        tenant_name: tenant.name.clone(),
        default_domain: tenant.default_domain.clone(),
        username: known.username.to_owned(),
    })
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

/// The Azure part of an identity, borrowed.
#[derive(Clone, Copy)]
struct AzureIdentity<'a> {
    home: &'a str,
    tenant_id: &'a str,
    username: &'a str,
}

impl<'a> AzureIdentity<'a> {
    fn of(identity: &'a Identity) -> Option<Self> {
        match identity {
            Identity::Azure {
                home,
                tenant_id,
                username,
                ..
            } => Some(Self {
                home,
                tenant_id,
                username,
            }),
            _ => None,
        }
    }

    fn renamed(self, identity: &Identity, new: String) -> Identity {
        let mut identity = identity.clone();
        if let Identity::Azure { username, .. } = &mut identity {
            *username = new;
        }
        identity
    }
}

/// Entra's `client_info`: the user's identity, in every tenant.
#[derive(Deserialize)]
struct ClientInfo {
    uid: String,
    utid: String,
}

impl ClientInfo {
    fn read(text: &str) -> Result<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        bytes
            .and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok())
            .filter(|info| is_user_id(&info.uid) && is_user_id(&info.utid))
            .ok_or_else(|| missing("a readable client_info"))
    }

    fn home(&self) -> String {
        format!("{}.{}", self.uid, self.utid)
    }
}

/// The user as `uid.utid`. A server without `client_info` identifies its own users by object id and tenant, which are
/// Entra's `uid` and `utid` for a user in the home tenant.
fn home(client_info: Option<&str>, claims: &Claims, tenant: &str) -> Result<String> {
    if let Some(text) = client_info {
        return ClientInfo::read(text).map(|info| info.home());
    }
    let oid = claims.oid.as_deref().unwrap_or(&claims.sub);
    if !is_user_id(oid) {
        return Err(missing("a readable id of the user"));
    }
    Ok(format!("{oid}.{tenant}"))
}

/// The name to show. It comes from a server, so control characters and bidirectional marks are removed.
fn username(claims: &Claims) -> String {
    let name = claims
        .preferred_username
        .as_deref()
        .or(claims.email.as_deref())
        .or(claims.name.as_deref());
    crate::text::shown(name.unwrap_or_default())
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

fn explained(failure: TokenFailure) -> Error {
    match failure {
        TokenFailure::Refused(refusal) => error_messages::token(&refusal),
        TokenFailure::Failed(error) => error,
    }
}

fn missing(what: &str) -> Error {
    let message =
        format!("Entra's response lacks {what}, so it was not used. Start the sign-in again.");
    Error::new(Code::SignInRejected, message)
}

/// The error of a renewal that is not used.
fn wrong_renewal(how: &str) -> Error {
    let message = format!(
        "Entra renewed the session {how}, so it was not used. It will be requested again later."
    );
    Error::new(Code::ServerFailed, message)
}

fn not_azure() -> Error {
    Error::new(
        Code::Internal,
        "The Azure provider got an account of another cloud. Report this with the reference.",
    )
}
