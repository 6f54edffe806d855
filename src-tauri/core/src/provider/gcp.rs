//! Google Cloud: signing in with a Google account, renewing, revoking, and loading projects.
//!
//! Sources: Google's OAuth pages for installed apps and its OpenID Connect reference. Google's pages are visited in
//! `gcp/authorization.rs`. Messages for Google's errors
//! are in `gcp/error_messages.rs`, the discovery document in `gcp/metadata.rs`, Resource Manager in
//! `gcp/projects.rs`.

mod authorization;
mod error_messages;
mod metadata;
mod projects;
#[cfg(test)]
mod tests;
mod user;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::account::{Account, Cloud, Refreshable, SignInEnd, SignInEndReason, Target};
use crate::claims::ClaimsChallenge;
use crate::credential::{Grant, RefreshGrant, Session};
use crate::error::{Code, Error, Result};
use crate::http::{self, Http};
use crate::id_token::keys::Keys;
use crate::oauth::{self, OAuthClient, TokenFailure, Tokens};
use crate::provider::CloudView;
use crate::provider::gcp::error_messages::Redeemed;
use crate::provider::{Progress, Provider, Refreshed, SignInRequest, SignedIn};
use crate::resource::Resource;
use crate::settings::{GcpAccess, GcpSettings, is_google};
use crate::sign_in::SignInContext;
use crate::world::Clock;
use authorization::{Ask, GoogleAuthorization};
use user::{KnownUser, identity};

const CONSOLE: &str = "https://console.cloud.google.com/";

/// The provider.
pub(super) struct Gcp {
    settings: GcpSettings,
    http: Http,
    clock: Arc<dyn Clock>,
    metadata: metadata::GoogleMetadataCache,
    keys: Keys,
}

impl Gcp {
    /// The provider for these settings.
    pub(super) fn new(settings: GcpSettings, http: Http, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            http,
            clock,
            metadata: metadata::GoogleMetadataCache::default(),
            keys: Keys::default(),
        }
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
        let known = request.known.as_ref().and_then(KnownUser::of);
        if let Some(known) = known.filter(|known| known.issuer != metadata.issuer) {
            let message = format!(
                "{} signed in at {}, but MCM_GOOGLE_ISSUER is now {}. Restore it, or use Connect account.",
                known.who, known.issuer, metadata.issuer
            );
            return Err(Error::new(Code::SettingInvalid, message));
        }
        let ask = match known {
            None => request.hint.as_deref().map_or(Ask::AnyUser, Ask::Suggested),
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
        let GoogleAuthorization {
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
            session: tokens.session(asked_at),
            target: None,
            accounts: Vec::new(),
        })
    }

    async fn refresh(
        &self,
        account: &Account,
        grant: &Grant,
        resource: &Resource,
        _challenge: Option<&ClaimsChallenge>,
    ) -> Result<Refreshed> {
        let grant = grant.refresh_token()?;
        let endpoint = http::saved_endpoint(&grant.token_endpoint)?;
        let client = OAuthClient::renewing(grant, self.secret_for(grant), endpoint);
        let asked_at = self.clock.now();
        // Without a scope, the new session has the granted ones. A narrower one must have been granted (RFC 6749 6).
        let is_narrowed = resource.identifier().is_some();
        let narrower = scopes(GcpAccess::ReadOnly);
        let asked: &[&str] = if is_narrowed { &narrower } else { &[] };
        let tokens = client
            .refresh(&self.http, &grant.refresh_token, asked, &[])
            .await
            .map_err(|failure| {
                let error = explained(failure, Redeemed::RefreshToken, &client);
                match is_narrowed && error.code() != Code::SignInAgain && !error.is_transient() {
                    true => not_read_only(account).with_source(error),
                    false => error,
                }
            })?;
        // A rotated grant is stored even when the answer is refused: the one that was redeemed may be worthless by now.
        let (identity, refusal) = match &tokens.id_token {
            Some(id_token) => match self.today(account, grant, id_token).await {
                Ok(identity) => (identity, None),
                Err(error) => (None, Some(error)),
            },
            None => (None, None),
        };
        let is_too_wide = is_narrowed && !is_read_only(tokens.scopes.as_deref());
        let refusal = refusal.or_else(|| is_too_wide.then(|| not_read_only(account)));
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
            session: tokens.session(asked_at),
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

/// Whether an answer's scopes let nothing be changed. One that names none may have any.
fn is_read_only(granted: Option<&[String]>) -> bool {
    let permitted = scopes(GcpAccess::ReadOnly).map(spelt);
    let is_permitted = |scope: &String| permitted.contains(&spelt(scope));
    granted.is_some_and(|granted| granted.iter().all(is_permitted))
}

fn not_read_only(account: &Account) -> Error {
    let message = format!(
        "The sign-in of {} may change things, and Google does not narrow it. Set gcp.access to read-only in settings.toml, \
         and sign in again.",
        account.name()
    );
    Error::new(Code::Unsupported, message)
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
