//! The requests of `oauth2` over this app's HTTP client, and the token answers that come back.
//!
//! An answer is read with the tolerance that servers need: lifetimes as text, type names in any case, and limits.

use std::fmt;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use oauth2::basic::BasicTokenType;
use oauth2::{AccessToken, AsyncHttpClient, RefreshToken, RequestTokenError, Scope, TokenResponse};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::{Refusal, TokenFailure, Tokens, form};
use crate::error::{Code, Error, Result};
use crate::http::{self, Dialect, Http, if_readable};

/// MSAL's assumption when a server does not send the lifetime of a token.
const ASSUMED_LIFE: Duration = Duration::from_secs(600);
/// No provider issues access tokens that live longer than about a day; a longer lifetime makes no sense.
const LONGEST_LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// A token request in progress: keeps what the `oauth2` crate does not pass through.
pub(crate) struct Wire {
    http: Http,
    place: String,
    retry_after: Mutex<Option<Duration>>,
}

impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = Error;
    type Future = BoxFuture<'c, Result<oauth2::HttpResponse>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl Wire {
    pub(crate) fn new(http: &Http, endpoint: &Url) -> Self {
        Self {
            http: http.clone(),
            place: http::place(endpoint),
            retry_after: Mutex::new(None),
        }
    }

    /// Posts a form. An OAuth error in the answer is the refusal.
    pub(crate) async fn post(
        &self,
        endpoint: &Url,
        fields: &[(&str, &str)],
    ) -> std::result::Result<oauth2::HttpResponse, TokenFailure> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = form(endpoint, body)?;
        let answer = self.send(request).await?;
        match serde_json::from_slice::<Refusal>(answer.body()) {
            Ok(mut refusal) => {
                refusal.retry_after = *self
                    .retry_after
                    .lock()
                    .expect("no code panics while it holds this lock");
                Err(TokenFailure::Refused(refusal))
            }
            Err(_) => Ok(answer),
        }
    }

    async fn send(&self, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse> {
        let answer = self.http.send(request, Dialect::Json).await?;
        // A refusal may come with any 4xx status, including 429; only an answer without an OAuth error is a failure.
        if serde_json::from_slice::<Refusal>(&answer.body).is_err() {
            answer.refuse_server_failure(&self.place)?;
        }
        *self
            .retry_after
            .lock()
            .expect("no code panics while it holds this lock") = answer.retry_after;
        // Without its Content-Type, which some servers name wrongly: what is JSON of this shape is an answer.
        oauth2::http::Response::builder()
            .status(answer.status)
            .body(answer.body)
            .map_err(|error| self.nonsense().with_source(error))
    }

    pub(super) fn read(
        &self,
        answer: std::result::Result<TokenAnswer, RequestTokenError<Error, Refusal>>,
    ) -> std::result::Result<Tokens, TokenFailure> {
        match answer {
            Ok(answer) => Ok(answer.into_tokens()),
            Err(RequestTokenError::ServerResponse(mut refusal)) => {
                refusal.retry_after = *self
                    .retry_after
                    .lock()
                    .expect("no code panics while it holds this lock");
                Err(TokenFailure::Refused(refusal))
            }
            Err(RequestTokenError::Request(error)) => Err(TokenFailure::Failed(error)),
            // Both contain parts of the answer, which may be a token: their text is dropped.
            Err(RequestTokenError::Parse(..) | RequestTokenError::Other(_)) => {
                Err(self.nonsense().into())
            }
        }
    }

    pub(crate) fn nonsense(&self) -> Error {
        let message = format!(
            "{} sent JSON that is no answer to a request for a token. Try again later; if it goes on, check that address \
             in the settings.",
            self.place
        );
        Error::new(Code::ServerFailed, message)
    }
}

/// A token answer in transit (RFC 6749 5.1), parsed tolerantly where servers are known to differ.
#[derive(Deserialize, Serialize)]
pub(crate) struct TokenAnswer {
    #[serde(skip_serializing)]
    access_token: AccessToken,
    #[serde(deserialize_with = "bearer")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "lenient_seconds")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "lenient_seconds")]
    refresh_token_expires_in: Option<u64>,
    #[serde(default, skip_serializing)]
    refresh_token: Option<RefreshToken>,
    #[serde(default, skip_serializing, deserialize_with = "id_token")]
    id_token: Option<SecretString>,
    #[serde(default, deserialize_with = "if_readable")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "if_readable")]
    client_info: Option<String>,
}

impl TokenAnswer {
    pub(crate) fn into_tokens(self) -> Tokens {
        let life = |seconds: u64| Duration::from_secs(seconds).min(LONGEST_LIFE);
        Tokens {
            access_token: self.access_token.into_secret().into(),
            refresh_token: self.refresh_token.map(|token| token.into_secret().into()),
            id_token: self.id_token,
            expires_in: self.expires_in.map_or(ASSUMED_LIFE, life),
            refresh_expires_in: self.refresh_token_expires_in.map(Duration::from_secs),
            scopes: self
                .scope
                .map(|text| text.split_ascii_whitespace().map(str::to_owned).collect()),
            client_info: self.client_info,
        }
    }
}

impl fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenAnswer").finish_non_exhaustive()
    }
}

impl TokenResponse for TokenAnswer {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

/// Bearer in any case; no other type can be used (RFC 6749 7.1).
fn bearer<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<BasicTokenType, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.eq_ignore_ascii_case("bearer") {
        Ok(BasicTokenType::Bearer)
    } else {
        Err(serde::de::Error::custom("a token type other than Bearer"))
    }
}

/// An id_token. One that is no text is there and cannot be read: the check of its claims refuses it, after the rotated
/// refresh token beside it was stored.
fn id_token<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<SecretString>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.into()),
        _ => Some(SecretString::default()),
    })
}

/// Seconds as a number or a string; anything else, including a negative number, counts as missing.
fn lenient_seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<u64>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Number(number) => number.as_u64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}
