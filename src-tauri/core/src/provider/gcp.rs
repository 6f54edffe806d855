//! Google Cloud: signing in with a Google account, renewing, revoking, and loading projects.
//!
//! Sources: Google's OAuth pages for installed apps and its OpenID Connect reference. Messages for Google's errors
//! are in `gcp/error_messages.rs`, the discovery document in `gcp/metadata.rs`, Resource Manager in
//! `gcp/projects.rs`.

mod error_messages;
mod metadata;
mod projects;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::account::{
    Account, Cloud, Identity, Refreshable, SessionTimes, SignInEnd, SignInEndReason, Target,
};
use crate::claims::ClaimsChallenge;
use crate::credential::{Credential, Grant, RefreshGrant, Session};
use crate::device::DeviceFlow;
use crate::error::{Code, Error, Result};
use crate::http::{self, Http};
use crate::id_token::keys::Keys;
use crate::id_token::{Claims, Expected};
use crate::oauth::{self, Attempt, OAuthClient, TokenFailure, Tokens};
use crate::provider::CloudView;
use crate::provider::gcp::error_messages::Redeemed;
use crate::provider::gcp::metadata::Metadata;
use crate::provider::{Progress, Provider, Refreshed, SignInRequest, SignedIn};
use crate::redirect::{Answer, Expectation, LoopbackHost, Method, PendingFlow, Receiver};
use crate::resource::Resource;
use crate::settings::RedirectKind;
use crate::settings::{GcpAccess, GcpSettings, is_google};
use crate::sign_in::SignInContext;
use crate::text;
use crate::world::Clock;

const CONSOLE: &str = "https://console.cloud.google.com/";
/// The hosts whose pages accept device codes, besides the issuer's own (Google's guide for limited-input devices).
const CODE_PAGES: [&str; 2] = ["www.google.com", "google.com"];

/// The provider.
pub(super) struct Gcp {
    settings: GcpSettings,
    http: Http,
    clock: Arc<dyn Clock>,
    metadata: metadata::Cache,
    keys: Keys,
}

/// The question that Google's pages ask the user.
#[derive(Clone, Copy)]
enum Ask<'a> {
    /// The user's identity, and consent.
    Anybody,
    /// Consent of this user, only where Google has none yet. Then no refresh token comes.
    Known(Known<'a>),
    /// Consent of this user in any case.
    Consent(Known<'a>),
}

/// The result of one visit to Google's pages, with every check passed.
struct Visit {
    tokens: Tokens,
    claims: Claims,
    asked_at: Timestamp,
}

impl Gcp {
    /// The provider for these settings.
    pub(super) fn new(settings: GcpSettings, http: Http, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            http,
            clock,
            metadata: metadata::Cache::default(),
            keys: Keys::default(),
        }
    }

    /// Opens Google's pages and redeems the answer.
    async fn visit(
        &self,
        context: &SignInContext,
        wanted: RedirectKind,
        client: &OAuthClient,
        metadata: &Metadata,
        ask: Ask<'_>,
    ) -> Result<Visit> {
        let waiting = self.receive(context, wanted, metadata).await?;
        let attempt = Attempt::new();
        let redirect_uri = waiting.redirect_uri().to_owned();
        // Google accepts the subject as a hint as well as the address; unlike the address it never changes.
        let mut extra = vec![("access_type", "offline")];
        match ask {
            Ask::Anybody => extra.push(("prompt", "consent select_account")),
            Ask::Known(known) => extra.push(("login_hint", known.subject)),
            Ask::Consent(known) => {
                extra.extend([("login_hint", known.subject), ("prompt", "consent")]);
            }
        }
        let scopes = scopes(self.settings.access);
        let page =
            client.authorize_url(&attempt, &redirect_uri, waiting.state(), &scopes, &extra)?;

        let code = match context.browse(&page, waiting).await? {
            Answer::Code(code) => code,
            Answer::Refused { error, .. } => return Err(error_messages::authorize(&error)),
        };
        let asked_at = self.clock.now();
        let tokens = client
            .exchange(&self.http, &attempt, &redirect_uri, &code, &[])
            .await
            .map_err(|failure| explained(failure, Redeemed::Code, client))?;

        let claims = self
            .checked(&tokens, client, metadata, Some(&attempt.nonce))
            .await?;
        if let Ask::Known(known) | Ask::Consent(known) = ask {
            known.require(&claims)?;
        }
        Ok(Visit {
            tokens,
            claims,
            asked_at,
        })
    }

    /// Signs the user in on another device, with a code. No nonce is sent and none comes back.
    async fn visit_elsewhere(
        &self,
        context: &SignInContext,
        client: &OAuthClient,
        metadata: &Metadata,
        known: Option<Known<'_>>,
    ) -> Result<Visit> {
        let scopes = scopes(self.settings.access);
        let flow = DeviceFlow {
            client,
            endpoint: metadata.device_authorization_endpoint.as_ref(),
            authority: &self.settings.issuer,
            hosts: &CODE_PAGES,
            scopes: &scopes,
            extra: &[],
        };
        let signed_in = flow.sign_in(&self.http, self.clock.as_ref(), context).await;
        let (tokens, asked_at) =
            signed_in.map_err(|failure| explained(failure, Redeemed::DeviceCode, client))?;
        let claims = self.checked(&tokens, client, metadata, None).await?;
        if let Some(known) = known {
            known.require(&claims)?;
        }
        Ok(Visit {
            tokens,
            claims,
            asked_at,
        })
    }

    /// The identity in an answer, after every check.
    async fn checked(
        &self,
        tokens: &Tokens,
        client: &OAuthClient,
        metadata: &Metadata,
        nonce: Option<&str>,
    ) -> Result<Claims> {
        let id_token = tokens
            .id_token
            .as_ref()
            .ok_or_else(|| missing("an id_token"))?;
        let claims = Claims::decode(id_token)?;
        claims.check(&Expected {
            client_id: &client.client_id,
            issuers: &metadata.token_issuers(),
            nonce,
            now: self.clock.now(),
        })?;
        self.keys
            .verify(&self.http, &metadata.jwks_uri, id_token, self.clock.now())
            .await?;
        Ok(claims)
    }

    async fn receive(
        &self,
        context: &SignInContext,
        wanted: RedirectKind,
        metadata: &Metadata,
    ) -> Result<PendingFlow> {
        let scheme = self.settings.reversed_client_id();
        let redirect = match (wanted, &scheme) {
            (RedirectKind::DeepLink, None) => {
                let message = "This client id has no URI scheme. Use the redirect method loopback for Google Cloud.";
                return Err(Error::new(Code::SettingInvalid, message));
            }
            (wanted, scheme) => {
                context
                    .receiver(wanted, scheme.as_deref().unwrap_or_default())
                    .await
            }
        };
        let receiver = match (redirect, self.settings.deep_link_redirect()) {
            (RedirectKind::DeepLink, Some(redirect_uri)) => Receiver::DeepLink { redirect_uri },
            _ => Receiver::Loopback {
                host: LoopbackHost::Ipv4,
                path: "",
                method: Method::Query,
                origins: vec![
                    metadata
                        .authorization_endpoint
                        .origin()
                        .ascii_serialization(),
                ],
            },
        };
        let issuer = metadata.expected_issuer();
        context
            .open_flow(Expectation {
                cloud: Cloud::Gcp,
                receiver,
                issuer,
            })
            .await
    }

    /// The secret for a grant: the current one of the same client, else the one that the grant came with.
    fn secret_for(&self, grant: &RefreshGrant) -> Option<SecretString> {
        let is_same = self
            .settings
            .client_id
            .as_ref()
            .is_some_and(|id| id.value == grant.client_id);
        let current = self.settings.client_secret.as_ref().filter(|_| is_same);
        current.or(grant.client_secret.as_ref()).cloned()
    }

    /// The user's current identity in the id_token of a renewal. None when nothing changed.
    async fn today(
        &self,
        account: &Account,
        grant: &RefreshGrant,
        id_token: &SecretString,
    ) -> Result<Option<Identity>> {
        let known = Known::of(&account.identity).ok_or_else(not_google)?;
        let claims = Claims::decode(id_token).map_err(|_| wrong_renewal())?;
        let bare = known
            .issuer
            .split_once("://")
            .map_or(known.issuer, |(_, bare)| bare);
        let ours = claims
            .check_parties(&grant.client_id, &[known.issuer, bare])
            .is_ok();
        if !ours || claims.sub != known.subject {
            return Err(wrong_renewal());
        }
        let today = identity(known.issuer.to_owned(), &claims);
        // An answer without an address does not change it, for example when only the cloud was granted.
        if today == account.identity || claims.email.is_none() {
            return Ok(None);
        }
        let now = self.clock.now();
        let metadata = self.metadata.read(&self.http, &grant.authority, now).await;
        let verified = match metadata {
            Ok(metadata) => {
                self.keys
                    .verify(&self.http, &metadata.jwks_uri, id_token, now)
                    .await
            }
            Err(error) => Err(error),
        };
        match verified {
            Ok(()) => Ok(Some(today)),
            Err(error) if error.code() == Code::SignInRejected => Err(wrong_renewal()),
            // The new address can wait for the next renewal.
            Err(_) => Ok(None),
        }
    }
}

#[async_trait]
impl Provider for Gcp {
    fn check_set_up(&self) -> Result<()> {
        self.settings.client_id().map(drop)
    }

    async fn sign_in(&self, request: &SignInRequest, context: &SignInContext) -> Result<SignedIn> {
        let client_id = self.settings.client_id()?.to_owned();
        let metadata = self
            .metadata
            .read(&self.http, &self.settings.issuer, self.clock.now())
            .await?;
        let client = OAuthClient {
            client_id,
            client_secret: self.settings.client_secret.clone(),
            authorization_endpoint: metadata.authorization_endpoint.clone(),
            token_endpoint: metadata.token_endpoint.clone(),
        };
        let wanted = request.redirect.unwrap_or(self.settings.redirect);
        let known = request.known.as_ref().and_then(Known::of);
        if let Some(known) = known.filter(|known| known.issuer != metadata.issuer) {
            let message = format!(
                "{} signed in at {}, but MCM_GOOGLE_ISSUER is now {}. Restore it, or use Connect account.",
                known.who, known.issuer, metadata.issuer
            );
            return Err(Error::new(Code::SettingInvalid, message));
        }
        let ask = match known {
            None => Ask::Anybody,
            Some(known) if request.consent => Ask::Consent(known),
            Some(known) => Ask::Known(known),
        };
        let mut visit = if request.device_code {
            self.visit_elsewhere(context, &client, &metadata, known)
                .await?
        } else {
            self.visit(context, wanted, &client, &metadata, ask).await?
        };
        if !request.device_code
            && let (Ask::Known(known), None) = (ask, &visit.tokens.refresh_token)
        {
            // Google already had the user's consent; a refresh token comes only with a new one.
            visit = self
                .visit(context, wanted, &client, &metadata, Ask::Consent(known))
                .await?;
        }
        let Visit {
            tokens,
            claims,
            asked_at,
        } = visit;

        let refresh_token = tokens
            .refresh_token
            .clone()
            .ok_or_else(|| missing("a refresh token"))?;
        let grant = Grant::RefreshToken(RefreshGrant {
            refresh_token,
            client_id: client.client_id,
            client_secret: client.client_secret,
            authority: self.settings.issuer.clone(),
            token_endpoint: metadata.token_endpoint.to_string(),
            issuer: None,
            issued_at: asked_at,
        });
        Ok(SignedIn {
            account: Refreshable {
                identity: identity(metadata.issuer, &claims),
                offered: Vec::new(),
                missing_scopes: missing_scopes(self.settings.access, tokens.scopes.as_deref()),
                sign_in_end: sign_in_end(&tokens, asked_at),
            },
            grant,
            session: session(&tokens, asked_at),
            target: None,
            accounts: Vec::new(),
        })
    }

    async fn refresh(
        &self,
        account: &Account,
        grant: &Grant,
        _resource: &Resource,
        _challenge: Option<&ClaimsChallenge>,
    ) -> Result<Refreshed> {
        let grant = grant.refresh_token()?;
        let endpoint = Url::parse(&grant.token_endpoint)
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
            client_secret: self.secret_for(grant),
            authorization_endpoint: endpoint.clone(),
            token_endpoint: endpoint,
        };
        let asked_at = self.clock.now();
        // Without a scope, the new session has the granted ones.
        let tokens = client
            .refresh(&self.http, &grant.refresh_token, &[], &[])
            .await
            .map_err(|failure| explained(failure, Redeemed::RefreshToken, &client))?;
        // A rotated grant is stored even when the answer is refused: the one that was redeemed may be worthless by now.
        let (identity, refusal) = match &tokens.id_token {
            Some(id_token) => match self.today(account, grant, id_token).await {
                Ok(identity) => (identity, None),
                Err(error) => (None, Some(error)),
            },
            None => (None, None),
        };
        let rotated = tokens.refresh_token.clone().map(|refresh_token| {
            let client_secret = client.client_secret.clone();
            let issued_at = asked_at;
            Grant::RefreshToken(RefreshGrant {
                refresh_token,
                client_secret,
                issued_at,
                ..grant.clone()
            })
        });
        Ok(Refreshed {
            grant: rotated,
            session: session(&tokens, asked_at),
            identity,
            sign_in_end: sign_in_end(&tokens, asked_at).or(account.sign_in_end),
            refusal,
        })
    }

    /// Revokes at the issuer of the grant. Google then revokes what the user granted to every client of the same
    /// Google Cloud project.
    async fn sign_out(&self, grant: &Grant) -> Result<()> {
        let grant = grant.refresh_token()?;
        let metadata = self
            .metadata
            .read(&self.http, &grant.authority, self.clock.now())
            .await?;
        let Some(endpoint) = &metadata.revocation_endpoint else {
            return Ok(());
        };
        // RFC 7009 2.1 requires the client id; Google documents only the token.
        let mut extra = Vec::new();
        let secret = self.secret_for(grant);
        if !is_google(&grant.authority) {
            extra.push(("client_id", grant.client_id.as_str()));
            extra.extend(
                secret
                    .as_ref()
                    .map(|secret| ("client_secret", secret.expose_secret())),
            );
        }
        oauth::revoke(&self.http, endpoint, &grant.refresh_token, &extra).await
    }

    async fn targets(
        &self,
        account: &Account,
        session: &Session,
        progress: &Progress<'_>,
    ) -> Result<Vec<Target>> {
        if !account.missing_scopes.is_empty() {
            return Err(projects::no_access());
        }
        projects::search(
            &self.http,
            &self.settings.resource_manager,
            session.bearer()?,
            progress,
        )
        .await
    }
}

/// Google Cloud as the Connect screen shows it.
pub(super) fn view(settings: &GcpSettings) -> CloudView {
    let loopback = Some("http://127.0.0.1".to_owned());
    CloudView {
        cloud: Cloud::Gcp,
        ready: settings.problems.is_empty(),
        sandbox: http::is_loopback(&settings.issuer),
        problems: settings.problems.clone(),
        client_id: settings.client_id.as_ref().map(|found| found.value.clone()),
        client_id_origin: settings
            .client_id
            .as_ref()
            .map(|found| found.origin.clone()),
        redirect: settings.redirect,
        redirect_uris: loopback
            .into_iter()
            .chain(settings.deep_link_redirect())
            .collect(),
        scopes: scopes(settings.access).map(str::to_owned).to_vec(),
        authority: settings.issuer.to_string(),
    }
}

/// The console as this user, at this project.
pub(super) fn console(email: Option<&str>, project: Option<&str>) -> Option<Url> {
    let mut page = Url::parse(CONSOLE).ok()?;
    let pairs = [("authuser", email), ("project", project)];
    let pairs: Vec<_> = pairs
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    if !pairs.is_empty() {
        page.query_pairs_mut().extend_pairs(pairs);
    }
    Some(page)
}

fn scopes(access: GcpAccess) -> [&'static str; 4] {
    ["openid", "email", "profile", access.scope()]
}

/// The requested scopes that were not granted. Order and spelling differ in answers, and the full access includes the
/// lesser; an answer without scopes granted the requested ones (RFC 6749 5.1).
fn missing_scopes(access: GcpAccess, granted: Option<&[String]>) -> Vec<String> {
    let Some(granted) = granted else {
        return Vec::new();
    };
    let has = |scope: &str| granted.iter().any(|granted| spelt(granted) == spelt(scope));
    let is_covered = |scope: &str| {
        has(scope) || (scope == GcpAccess::ReadOnly.scope() && has(GcpAccess::Full.scope()))
    };
    scopes(access)
        .into_iter()
        .filter(|scope| !is_covered(scope))
        .map(str::to_owned)
        .collect()
}

/// Google answers with the long names of two scopes that have a short one.
fn spelt(scope: &str) -> &str {
    match scope {
        "email" => "https://www.googleapis.com/auth/userinfo.email",
        "profile" => "https://www.googleapis.com/auth/userinfo.profile",
        other => other,
    }
}

/// The Google part of an identity, borrowed.
#[derive(Clone, Copy)]
struct Known<'a> {
    issuer: &'a str,
    subject: &'a str,
    who: &'a str,
}

impl<'a> Known<'a> {
    fn of(identity: &'a Identity) -> Option<Self> {
        match identity {
            Identity::Gcp {
                issuer, subject, ..
            } => Some(Self {
                issuer,
                subject,
                who: identity.who(),
            }),
            _ => None,
        }
    }

    /// Refuses any other user.
    fn require(self, claims: &Claims) -> Result<()> {
        if claims.sub == self.subject {
            return Ok(());
        }
        let came = identity(self.issuer.to_owned(), claims);
        let (came, who) = (came.who(), self.who);
        let message = format!(
            "You signed in as {came}, but this row belongs to {who}. Nothing was changed. Sign in again and choose {who}, \
             or use Connect account to add {came}."
        );
        Err(Error::new(Code::WrongPerson, message))
    }
}

/// The identity in the claims. An address that is not confirmed as the user's is omitted, because it could belong to
/// another user.
fn identity(issuer: String, claims: &Claims) -> Identity {
    let shown = |name: &Option<String>| {
        name.as_deref()
            .map(text::shown)
            .filter(|name| !name.is_empty())
    };
    Identity::Gcp {
        issuer,
        subject: claims.sub.clone(),
        email: shown(&claims.email).filter(|_| claims.email_verified == Some(true)),
        hosted_domain: shown(&claims.hd),
    }
}

fn session(tokens: &Tokens, asked_at: Timestamp) -> Session {
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

/// The expiry of the refresh token, if Google sends it: in Testing after 7 days, or when access was granted for a
/// time.
fn sign_in_end(tokens: &Tokens, asked_at: Timestamp) -> Option<SignInEnd> {
    // Zero stands for a token without an end.
    let life = tokens
        .refresh_expires_in
        .filter(|life| *life > Duration::ZERO)?;
    let at = asked_at.checked_add(life).ok()?;
    Some(SignInEnd {
        at,
        why: SignInEndReason::ProviderLimit,
    })
}

fn explained(failure: TokenFailure, redeemed: Redeemed, client: &OAuthClient) -> Error {
    match failure {
        TokenFailure::Refused(refusal) => {
            error_messages::token(&refusal, redeemed, client.client_secret.is_some())
        }
        TokenFailure::Failed(error) => error,
    }
}

fn missing(what: &str) -> Error {
    let message =
        format!("Google's response lacks {what}, so it was not used. Start the sign-in again.");
    Error::new(Code::SignInRejected, message)
}

/// Google never answers a renewal for another user; if a server does, its answer is not used.
fn wrong_renewal() -> Error {
    let message =
        "Google renewed the session of another user, so it was not used. Retrying automatically.";
    Error::new(Code::ServerFailed, message)
}

fn not_google() -> Error {
    Error::new(
        Code::Internal,
        "The Google Cloud provider got an account of another cloud. Report this with the reference.",
    )
}
