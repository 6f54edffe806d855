//! OAuth 2.0 as every provider needs it: authorise URLs with PKCE, code exchange, refresh, and token answers.
//!
//! The only file, with `oauth/wire.rs`, that uses `oauth2`. A provider passes its own additions (prompts, hints, claims) as extra
//! parameters, and interprets its errors. Nothing here is printed with its secrets.

mod wire;

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use oauth2::basic::{BasicRevocationErrorResponse, BasicTokenIntrospectionResponse};
use oauth2::http::header::CONTENT_TYPE;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, ErrorResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    Scope, StandardRevocableToken, TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::account::SessionTimes;
use crate::credential::{Credential, RefreshGrant, Session};
use crate::error::{Code, Error, Result};
use crate::http::{self, Dialect, Http, if_readable};
use crate::random;
pub(crate) use wire::{TokenAnswer, Wire};

/// An app registration and the endpoints that serve it.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    /// The client id.
    pub client_id: String,
    /// Google issues one to desktop clients and does not treat it as secret; Entra's public clients have none.
    pub client_secret: Option<SecretString>,
    /// The page where the user signs in.
    pub authorization_endpoint: Url,
    /// The endpoint where codes and refresh tokens are redeemed, and the only one that they are sent to.
    pub token_endpoint: Url,
}

/// The secrets of one sign-in attempt: new for each, never stored.
pub struct Attempt {
    verifier: SecretString,
    /// Comes back inside the id_token.
    pub nonce: String,
}

impl Attempt {
    /// Creates a verifier of 43 characters (RFC 7636 4.1) and a nonce, each of 256 random bits.
    pub fn new() -> Self {
        Self {
            verifier: random::token(32).into(),
            nonce: random::token(32),
        }
    }
}

impl Attempt {
    /// The S256 challenge of the verifier (RFC 7636 4.2), for an authorise page that is not OAuth's form.
    pub(crate) fn challenge(&self) -> String {
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&self.verifier());
        challenge.as_str().to_owned()
    }

    /// The verifier, for a token request that is not OAuth's form.
    pub(crate) fn verifier_secret(&self) -> &SecretString {
        &self.verifier
    }
}

impl Default for Attempt {
    fn default() -> Self {
        Self::new()
    }
}

/// Tokens from a provider, checked for form.
pub struct Tokens {
    /// The access token.
    pub access_token: SecretString,
    /// A refresh token, if the provider sent one.
    pub refresh_token: Option<SecretString>,
    /// The id_token, not yet checked.
    pub id_token: Option<SecretString>,
    /// The lifetime of the access token: at most a week, ten minutes when the server did not send it.
    pub expires_in: Duration,
    /// The lifetime of the refresh token, if the provider sends it.
    pub refresh_expires_in: Option<Duration>,
    /// The granted scopes, if the provider sends them.
    pub scopes: Option<Vec<String>>,
    /// Entra's `client_info`.
    pub client_info: Option<String>,
}

impl Tokens {
    /// Reads a token answer. None for anything else; nothing of it is kept then.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let answer: TokenAnswer = serde_json::from_slice(body).ok()?;
        Some(answer.into_tokens())
    }

    /// The session of the access token, which lasts from when it was asked for. Nothing is checked here.
    pub(crate) fn session(&self, asked_at: Timestamp) -> Session {
        Session {
            credential: Credential::Bearer(self.access_token.clone()),
            times: SessionTimes {
                issued_at: asked_at,
                expires_at: asked_at + self.expires_in,
            },
            generation: 0,
        }
    }
}

/// The reason why no tokens came.
#[derive(Debug)]
pub enum TokenFailure {
    /// The server refused with an OAuth error; its provider explains it.
    Refused(Refusal),
    /// Any other failure, already explained.
    Failed(Error),
}

impl From<Error> for TokenFailure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// An OAuth error answer (RFC 6749 5.2), with the additions of Entra and Google.
#[derive(Clone, Deserialize, Serialize)]
pub struct Refusal {
    /// The error code.
    pub error: String,
    /// For developers; may contain trace ids. Providers read numbers from it and never show it.
    #[serde(default, deserialize_with = "if_readable")]
    pub error_description: String,
    /// Entra's `suberror`, Google's `error_subtype`.
    #[serde(default, alias = "error_subtype", deserialize_with = "if_readable")]
    pub suberror: String,
    /// Entra's claims challenge.
    #[serde(default, deserialize_with = "if_readable")]
    pub claims: Option<String>,
    /// The wait that the server asked for.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("error", &self.error)
            .field("suberror", &self.suberror)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

impl ErrorResponse for Refusal {}

impl OAuthClient {
    /// The client that a grant was issued to. It only renews, so it knows the token endpoint alone.
    pub(crate) fn renewing(
        grant: &RefreshGrant,
        client_secret: Option<SecretString>,
        token_endpoint: Url,
    ) -> Self {
        Self {
            client_id: grant.client_id.clone(),
            client_secret,
            authorization_endpoint: token_endpoint.clone(),
            token_endpoint,
        }
    }

    /// The page that the browser opens. Only the verifier's S256 challenge is in it.
    pub fn authorize_url(
        &self,
        attempt: &Attempt,
        redirect_uri: &str,
        state: &str,
        scopes: &[&str],
        extra: &[(&str, &str)],
    ) -> Result<Url> {
        let client = self.client()?.set_redirect_uri(redirect_url(redirect_uri)?);
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&attempt.verifier());
        let mut request = client
            .authorize_url(|| CsrfToken::new(state.to_owned()))
            .add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
            .add_extra_param("nonce", &attempt.nonce)
            .set_pkce_challenge(challenge);
        for (name, value) in extra {
            request = request.add_extra_param(*name, *value);
        }
        Ok(request.url().0)
    }

    /// Redeems a code with the attempt's verifier, so that a code never works in another flow.
    ///
    /// # Errors
    /// The provider's refusal, or `offline`, `throttled`, `server-failed`.
    pub async fn exchange(
        &self,
        http: &Http,
        attempt: &Attempt,
        redirect_uri: &str,
        code: &SecretString,
        extra: &[(&str, &str)],
    ) -> std::result::Result<Tokens, TokenFailure> {
        let client = self.client()?.set_redirect_uri(redirect_url(redirect_uri)?);
        let mut request = client
            .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
            .set_pkce_verifier(attempt.verifier());
        for (name, value) in extra {
            request = request.add_extra_param(*name, *value);
        }
        let wire = Wire::new(http, &self.token_endpoint);
        let answer = request.request_async(&wire).await;
        wire.read(answer)
    }

    /// Redeems a refresh token.
    ///
    /// # Errors
    /// Those of `exchange`.
    pub async fn refresh(
        &self,
        http: &Http,
        refresh_token: &SecretString,
        scopes: &[&str],
        extra: &[(&str, &str)],
    ) -> std::result::Result<Tokens, TokenFailure> {
        let client = self.client()?;
        let token = RefreshToken::new(refresh_token.expose_secret().to_owned());
        let mut request = client
            .exchange_refresh_token(&token)
            .add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())));
        for (name, value) in extra {
            request = request.add_extra_param(*name, *value);
        }
        let wire = Wire::new(http, &self.token_endpoint);
        let answer = request.request_async(&wire).await;
        wire.read(answer)
    }

    fn client(&self) -> Result<ConfiguredClient> {
        let authorization = AuthUrl::from_url(self.authorization_endpoint.clone());
        let mut client = oauth2::Client::new(ClientId::new(self.client_id.clone()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(authorization)
            .set_token_uri(TokenUrl::from_url(self.token_endpoint.clone()));
        if let Some(secret) = &self.client_secret {
            client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
        }
        Ok(client)
    }
}

/// Revokes a token at a revocation endpoint (RFC 7009). The token is in the body, never in the address. A token that
/// the server no longer knows is already revoked.
///
/// # Errors
/// `offline`, or `throttled` and `server-failed` when the server did not confirm the revocation.
pub async fn revoke(
    http: &Http,
    endpoint: &Url,
    token: &SecretString,
    extra: &[(&str, &str)],
) -> Result<()> {
    let body = {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token.expose_secret())
            .extend_pairs(extra)
            .finish()
    };
    let request = form(endpoint, body)?;
    let place = http::place(endpoint);
    // RFC 7009 2.2 lets a server say nothing.
    let answer = http.send(request, Dialect::JsonOrNothing).await?;
    let refusal = serde_json::from_slice::<Refusal>(&answer.body).map(|refusal| refusal.error);
    let about_client = matches!(
        refusal.as_deref(),
        Ok("invalid_client" | "unauthorized_client")
    );
    // Google answers 400 for an unknown token, where RFC 7009 2.2 has 200.
    if matches!(answer.status, 200 | 400) && !about_client {
        return Ok(());
    }
    let message = format!(
        "{place} did not revoke the sign-in (HTTP {}).",
        answer.status
    );
    Err(Error::new(Code::ServerFailed, message).with_detail(&refusal.unwrap_or_default()))
}

fn form(endpoint: &Url, body: String) -> Result<oauth2::HttpRequest> {
    let request = oauth2::http::Request::post(endpoint.as_str())
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.into_bytes());
    request.map_err(|error| {
        Error::new(
            Code::Internal,
            "An endpoint of the sign-in server is not valid. Check the sign-in server in the settings.",
        )
        .with_source(error)
    })
}

impl Attempt {
    fn verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.verifier.expose_secret().to_owned())
    }
}

type ConfiguredClient = oauth2::Client<
    Refusal,
    TokenAnswer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

fn redirect_url(text: &str) -> Result<RedirectUrl> {
    RedirectUrl::new(text.to_owned()).map_err(|error| {
        Error::new(
            Code::Internal,
            "The redirect address is not a URL. Report this with the reference.",
        )
        .with_source(error)
    })
}
