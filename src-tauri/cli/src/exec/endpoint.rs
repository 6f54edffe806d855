//! The loopback endpoint of `mcm exec`: credentials in the formats that the clouds' own libraries fetch.
//!
//! It exists as long as the child. Every route has its own secrets, made for this run: one in its path, and one in a
//! header where the client can send one. `Host` must match exactly, and requests of browsers are refused. `broker.rs`
//! decides which session is issued; core owns sockets and their limits.

mod aws;
mod azure;
mod google;

use std::sync::Arc;
use std::time::Duration;

use http::header::{ALLOW, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use http::{Method, StatusCode};
use mcm_core::account::Cloud;
use mcm_core::error::{Code, Error};
use mcm_core::loopback::{self, ConnectionLimits, LoopbackHost, Port, Reply, Request};
use mcm_core::random;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use subtle::ConstantTimeEq as _;

use self::aws::Aws;
use self::azure::Azure;
use self::google::Google;
use super::broker::{Broker, BrokerError};
use crate::variables::Facts;

/// The limits for one program. A child may run many at once.
const LIMITS: ConnectionLimits = ConnectionLimits {
    head_time: Duration::from_secs(2),
    connection_time: Duration::from_secs(5),
    connections: 64,
};
/// The largest body, in bytes: a form with a handle.
const LONGEST_BODY: usize = 8 * 1024;
/// The bytes of a secret.
const SECRET_BYTES: usize = 32;

/// A bound port that answers no request yet.
pub(crate) struct Endpoint {
    port: Port,
    state: Arc<EndpointState>,
}

/// The state that every connection shares.
struct EndpointState {
    authority: String,
    broker: Broker,
    aws: Aws,
    azure: Azure,
    google: Google,
}

impl Endpoint {
    /// Binds a port and creates the secrets of this run.
    ///
    /// # Errors
    /// `busy` when no port is free.
    pub(crate) fn open(broker: Broker) -> Result<Self, Error> {
        let port = Port::bind(LoopbackHost::Ipv4, None).map_err(|error| {
            let message = "No local port could be opened for the command. Try again.";
            Error::new(Code::Busy, message).with_source(error)
        })?;
        let authority = port.authority().to_owned();
        let (aws, azure, google) = (Aws::default(), Azure::default(), Google::default());
        Ok(Self {
            port,
            state: Arc::new(EndpointState {
                authority,
                broker,
                aws,
                azure,
                google,
            }),
        })
    }

    /// What leads a cloud's tools here.
    pub(crate) fn facts(&self, cloud: Cloud) -> Facts {
        let at = &self.state.authority;
        match cloud {
            Cloud::Aws => self.state.aws.facts(at),
            Cloud::Azure => self.state.azure.facts(at),
            // A file points there.
            Cloud::Gcp => Facts::new(),
        }
    }

    /// The file that points Google's libraries here. It holds a handle, and nothing of Google's.
    /// The project pays for what is asked with it.
    pub(crate) fn google_file(&self, project: Option<&str>) -> SecretString {
        self.state.google.file(&self.state.authority, project)
    }

    /// Serves until it is dropped.
    pub(crate) async fn serve(&self) {
        let visit = |connection| {
            let state = self.state.clone();
            async move {
                loopback::converse(connection, &LIMITS, |request| state.answer(request)).await;
            }
        };
        self.port.serve(LIMITS.connections, visit).await;
    }
}

impl EndpointState {
    async fn answer(&self, request: Request) -> Reply {
        if !loopback::is_addressed_to(&request, &self.authority) {
            return refusal(
                StatusCode::BAD_REQUEST,
                "This is not the address that mcm exec gave to the program. Use the one in its variables.",
            );
        }
        if is_from_a_browser(request.headers()) {
            return refusal(
                StatusCode::FORBIDDEN,
                "Web pages cannot get a credential here.",
            );
        }
        let door = request
            .uri()
            .path()
            .strip_prefix('/')
            .and_then(|path| path.split_once('/'));
        match door {
            Some((secret, "aws")) if self.aws.path.is(secret) => {
                self.aws.answer(&self.broker, &request).await
            }
            Some((secret, "azure")) if self.azure.path.is(secret) => {
                self.azure.answer(&self.broker, &request).await
            }
            Some((secret, "azure-msi")) if self.azure.msi_path.is(secret) => {
                self.azure.answer_msi(&self.broker, &request).await
            }
            Some((secret, "token")) if self.google.path.is(secret) => {
                self.google.token(&self.broker, request).await
            }
            Some((secret, "introspect")) if self.google.path.is(secret) => {
                self.google.introspect(&self.broker, request).await
            }
            _ => refusal(
                StatusCode::NOT_FOUND,
                "This endpoint has no such path. Use the address in the program's variables.",
            ),
        }
    }
}

/// Whether a web page sent a request. Node's own `fetch` sends `Sec-Fetch-Mode` like a browser, but only that.
fn is_from_a_browser(headers: &HeaderMap) -> bool {
    let sent_by_pages = |name: &HeaderName| {
        *name == ORIGIN
            || name.as_str().starts_with("sec-fetch-") && name.as_str() != "sec-fetch-mode"
    };
    headers.keys().any(sent_by_pages)
}

/// A secret of one run.
struct Secret(SecretString);

impl Default for Secret {
    fn default() -> Self {
        Self(random::token(SECRET_BYTES).into())
    }
}

impl Secret {
    fn is(&self, given: &str) -> bool {
        is_same(self.text(), given)
    }

    /// Whether a header that occurs exactly once holds it.
    fn is_in(&self, headers: &HeaderMap, name: &HeaderName) -> bool {
        loopback::single(headers, name).is_some_and(|given| self.is(given))
    }

    fn text(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Compares in constant time.
fn is_same(secret: &str, given: &str) -> bool {
    secret.as_bytes().ct_eq(given.as_bytes()).into()
}

/// A refusal before the client is known, in the format of every client at once.
#[derive(Serialize)]
struct Refusal<'a> {
    code: &'a str,
    error: &'a str,
    message: &'a str,
    error_description: &'a str,
}

fn refusal(status: StatusCode, message: &str) -> Reply {
    let code = "refused";
    json(
        status,
        &Refusal {
            code,
            error: code,
            message,
            error_description: message,
        },
    )
}

fn wrong_method(allowed: &Method) -> Reply {
    let mut reply = refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "This address needs another HTTP method.",
    );
    let allowed = HeaderValue::from_str(allowed.as_str()).expect("a method is a word");
    reply.headers_mut().insert(ALLOW, allowed);
    reply
}

/// The status from which a client knows whether to try again.
fn status_of(refused: &BrokerError) -> StatusCode {
    match refused.code {
        _ if refused.is_soon_over() => StatusCode::SERVICE_UNAVAILABLE,
        Code::InvalidInput => StatusCode::BAD_REQUEST,
        _ => StatusCode::FORBIDDEN,
    }
}

fn json(status: StatusCode, body: &impl Serialize) -> Reply {
    let text = serde_json::to_vec(body).expect("plain fields serialise");
    loopback::reply(status, "application/json", text)
}
