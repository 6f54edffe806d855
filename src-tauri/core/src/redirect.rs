//! Redirects: how the response of a sign-in page arrives, through the app's URI scheme or the loopback listener.
//!
//! This file holds the expectation of a flow and the two ways in. The checks of a response are the pure function in
//! `redirect/accept.rs`; pending flows are in `redirect/pending_flows.rs`, the listener in `redirect/loopback.rs`,
//! the pages for a browser in `redirect/page.rs`. Providers call `open_flow`; the app calls `deliver` with whatever
//! text arrived.

mod accept;
mod loopback;
mod page;
mod pending_flows;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::oneshot;
use url::Url;

pub use accept::{Arrival, Ended, Ending, FlowId, Pending, Reason, Verdict, accept};

use crate::account::Cloud;
use crate::error::{Code, Error, Result};
pub use crate::loopback::LoopbackHost;
use crate::loopback::{HttpsForced, Link};
use crate::world::Clock;
use loopback::{Counted, Door, Listener};
use pending_flows::PendingFlows;

/// How long a sign-in waits for its response.
pub const SIGN_IN_TIMEOUT: Duration = Duration::from_mins(10);

/// The expectation of a flow.
#[derive(Debug)]
pub struct Expectation {
    /// The cloud that the user signs in to.
    pub cloud: Cloud,
    /// The receiver of the response.
    pub receiver: Receiver,
    /// The required issuer.
    pub issuer: Issuer,
}

/// The receiver of a flow's response. A flow has one; the same response elsewhere is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// The app's URI scheme.
    DeepLink {
        /// The registered redirect URI without query or fragment, for example
        /// `io.github.multicloudmanager://auth/azure` or `com.googleusercontent.apps.ID:/oauth2redirect`.
        redirect_uri: String,
    },
    /// A listener on this machine, with its own port.
    Loopback {
        /// The host name in the redirect URI.
        host: LoopbackHost,
        /// The path of the redirect URI: nothing, or one that begins with a slash.
        path: &'static str,
        /// How the provider sends its response.
        method: Method,
        /// The permitted `Origin` of the response besides `null`, for example `https://login.microsoftonline.com`.
        origins: Vec<String>,
    },
}

/// How a provider sends its response to a loopback listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET with the parameters in the query.
    Query,
    /// POST with the parameters in the body (`response_mode=form_post`); a code in an address is refused.
    FormPost,
}

/// The required `iss` parameter of a response (RFC 9207).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// The provider's metadata announces the parameter: it is required and must equal this.
    Required(String),
    /// The metadata does not announce it: if it is present, it must equal this, in which `{tenantid}` stands for any
    /// tenant's GUID as in Entra's metadata.
    IfPresent(String),
}

/// The provider's response, after every check that needs no request.
pub enum AuthorizationResponse {
    /// The authorisation code.
    Code(SecretString),
    /// The provider, or the user there, refused.
    Refused {
        /// The error code, `[a-z_]{1,64}`; anything else has become `unrecognised_error`.
        error: String,
        /// The provider's own text reduced to printable ASCII and 2 KiB, to find error numbers in. Not for display.
        description: String,
    },
}

impl fmt::Debug for AuthorizationResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(_) => f.write_str("Code([redacted])"),
            Self::Refused { error, .. } => f
                .debug_struct("Refused")
                .field("error", error)
                .finish_non_exhaustive(),
        }
    }
}

/// What happened to a delivered address: for the log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It answered a flow.
    Accepted,
    /// It ended a flow without an answer.
    Rejected(Reason),
    /// It changed nothing.
    Ignored(Reason),
}

/// What the user sees of the process: a window, which the closing page can lead back to, or a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frontend {
    /// The desktop app.
    Window,
    /// `mcm`.
    Terminal,
}

/// The limits of a loopback listener. A test shortens them.
#[derive(Clone, Copy, Debug)]
pub struct ReceiverLimits {
    /// The time for a request's head.
    pub head_time: Duration,
    /// The lifetime of a connection.
    pub connection_time: Duration,
    /// The largest body, in bytes.
    pub body_size: usize,
    /// The number of open connections; one more closes the oldest.
    pub connections: usize,
    /// How long the listener stays open for the closing page after the response came.
    pub closing_time: Duration,
}

impl Default for ReceiverLimits {
    fn default() -> Self {
        Self {
            head_time: Duration::from_secs(5),
            connection_time: Duration::from_secs(10),
            body_size: 16 * 1024,
            connections: 8,
            closing_time: Duration::from_secs(5),
        }
    }
}

impl ReceiverLimits {
    /// The limits for one of a listener's clients.
    fn visit(&self) -> crate::loopback::ConnectionLimits {
        let Self {
            head_time,
            connection_time,
            connections,
            ..
        } = *self;
        crate::loopback::ConnectionLimits {
            head_time,
            connection_time,
            connections,
        }
    }
}

/// The pending sign-ins of this process and their receivers.
pub struct Redirects {
    front: Frontend,
    limits: ReceiverLimits,
    flows: Arc<PendingFlows>,
}

impl Redirects {
    /// No pending sign-in yet.
    pub fn new(clock: Arc<dyn Clock>, front: Frontend) -> Self {
        Self {
            front,
            limits: ReceiverLimits::default(),
            flows: Arc::new(PendingFlows::new(clock)),
        }
    }

    /// Which front end this process is.
    pub fn front(&self) -> Frontend {
        self.front
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: ReceiverLimits) -> Self {
        Self { limits, ..self }
    }

    /// Opens a flow, with its listener bound, before the browser opens. When eight flows already wait, the oldest is
    /// cancelled.
    ///
    /// # Errors
    /// `busy` when no loopback port is free; `internal` when the redirect URI is not valid.
    pub async fn open_flow(&self, expectation: Expectation) -> Result<PendingFlow> {
        self.open_flow_at(expectation, None).await
    }

    /// As `open_flow`, with the loopback port that the user chose, if any.
    ///
    /// # Errors
    /// Also `invalid-input` when another program has that port.
    pub async fn open_flow_at(
        &self,
        expectation: Expectation,
        port: Option<u16>,
    ) -> Result<PendingFlow> {
        let Expectation {
            cloud,
            receiver,
            issuer,
        } = expectation;
        let (redirect_uri, listener) = match &receiver {
            Receiver::DeepLink { redirect_uri } => (private_redirect_uri(redirect_uri)?, None),
            Receiver::Loopback { host, path, .. } => {
                let listener = Listener::bind(*host, port)?;
                (format!("{}{path}", listener.redirect_uri()), Some(listener))
            }
        };
        let opened = self.flows.open(cloud, &receiver, issuer);
        let (https_forced, link) = (HttpsForced::default(), Arc::new(OnceLock::new()));
        if let (
            Some(listener),
            Receiver::Loopback {
                path,
                method,
                origins,
                ..
            },
        ) = (listener, receiver)
        {
            let door = Door {
                flow: opened.flow,
                path,
                method,
                origins,
                expires_at: opened.expires_at,
                phase: opened.phase,
                front: self.front,
                limits: self.limits,
                counted: Counted::new(&self.flows.listeners),
                flows: self.flows.clone(),
                link: link.clone(),
                https_forced: https_forced.clone(),
            };
            tokio::spawn(listener.serve(door));
        }
        Ok(PendingFlow {
            flow: opened.flow,
            redirect_uri,
            state: opened.state,
            expires_at: opened.expires_at,
            outcome: Some(opened.outcome),
            flows: self.flows.clone(),
            link,
            https_forced,
        })
    }

    /// Receives a deep link: any text from any program. Only an address that answers a pending flow has an effect;
    /// the link of the closing page (`…://open`) is ignored here like every other.
    pub fn deliver(&self, url: &str) -> Delivered {
        self.flows.deliver(&Arrival::DeepLink(url))
    }

    /// Returns when the last listener is closed, so that the end of the process does not cut off the closing page.
    /// Waits as long as a flow is pending on loopback.
    pub async fn closed(&self) {
        let mut listeners = self.flows.listeners.subscribe();
        // The sender exists as long as `self`, so waiting cannot fail.
        let _ = listeners.wait_for(|count| *count == 0).await;
    }
}

impl fmt::Debug for Redirects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirects")
            .field("front", &self.front)
            .finish_non_exhaustive()
    }
}

/// Checks the form of RFC 8252 §7.1: a scheme with a period, and nothing after the path.
fn private_redirect_uri(text: &str) -> Result<String> {
    let scheme = text.split_once(":/").map(|(scheme, _)| scheme);
    let usable = scheme.is_some_and(|scheme| scheme.contains('.'))
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'%'));
    if usable {
        Ok(text.to_owned())
    } else {
        Err(Error::new(
            Code::Internal,
            "The redirect address of this sign-in is not valid. Report this with the reference.",
        ))
    }
}

/// A flow that waits for its response. Dropping it removes the flow and closes its listener.
pub struct PendingFlow {
    flow: FlowId,
    redirect_uri: String,
    state: SecretString,
    expires_at: Timestamp,
    outcome: Option<oneshot::Receiver<Result<AuthorizationResponse>>>,
    flows: Arc<PendingFlows>,
    /// A link that the flow's own port leads to the sign-in page, once it is asked for.
    link: Arc<OnceLock<Link>>,
    https_forced: HttpsForced,
}

impl PendingFlow {
    /// The redirect URI for the authorisation request and for the token request.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The `state` for the authorisation request: 256 random bits behind the number of the flow.
    pub fn state(&self) -> &str {
        self.state.expose_secret()
    }

    /// Reports that the browser insists on https for the redirect URI, or for a link on the way there.
    pub fn https_forced(&self) -> &HttpsForced {
        &self.https_forced
    }

    /// Has the flow's own port redirect a browser to the page, once, and returns that link. It is for a browser that
    /// reaches this machine through the same port.
    ///
    /// # Errors
    /// `internal` when the flow has no port.
    pub fn link_to(&self, page: &Url) -> Result<String> {
        let link = self
            .redirect_uri
            .strip_prefix("http://")
            .and_then(|rest| Link::to(page, rest.split('/').next()?).ok());
        let link = link.ok_or_else(|| {
            let message =
                "This sign-in has no port on this machine. Report this with the reference.";
            Error::new(Code::Internal, message)
        })?;
        Ok(self.link.get_or_init(|| link).address())
    }

    /// The time after which no response is accepted.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Waits for the response. May be dropped and called again; there is one response.
    ///
    /// # Errors
    /// `sign-in-expired` after `SIGN_IN_TIMEOUT` of the wall clock, `sign-in-cancelled` when newer flows replaced this one,
    /// `sign-in-rejected` when the response came from another issuer.
    pub async fn answer(&mut self) -> Result<AuthorizationResponse> {
        let Some(outcome) = &mut self.outcome else {
            return Err(Error::new(
                Code::Internal,
                "The response of this sign-in was already used. Start the sign-in again.",
            ));
        };
        let answer = tokio::select! {
            biased;
            answer = &mut *outcome => answer,
            () = self.flows.clock.sleep_until(self.expires_at) => {
                self.flows.end(self.flow, Ending::Expired);
                outcome.await
            }
        };
        self.outcome = None;
        answer.unwrap_or_else(|_| Err(Ending::Cancelled.to_error()))
    }
}

impl Drop for PendingFlow {
    fn drop(&mut self) {
        self.flows.end(self.flow, Ending::Cancelled);
    }
}

impl fmt::Debug for PendingFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingFlow")
            .field("flow", &self.flow)
            .finish_non_exhaustive()
    }
}
