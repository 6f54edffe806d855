//! Where the answers of a sign-in page come in: the app's URI scheme and the loopback listener.
//!
//! What lives here: the pending flows, and the two doors that lead to them. What an answer must satisfy is the
//! pure function in `redirect/accept.rs`; sockets and HTTP are in `redirect/loopback.rs`, the pages that a browser
//! gets in `redirect/page.rs`. Providers call `expect`; the shell calls `deliver` with whatever text arrived.

mod accept;
mod loopback;
mod page;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{oneshot, watch};

pub use accept::{Arrival, Ended, Ending, Flow, Pending, Reason, Verdict, accept};

use crate::account::Cloud;
use crate::error::{Code, Error, Result};
use crate::random;
use crate::world::Clock;
use loopback::Listener;
use page::Page;

/// How long a flow waits for its answer.
pub const STATE_LIFE: Duration = Duration::from_mins(10);

/// How many flows wait at once; one more drops the oldest.
const MOST_PENDING: usize = 8;

/// How many ended flows are remembered, to tell a late or repeated answer from an unknown one.
const MOST_ENDED: usize = 32;

/// The shortest time between two log lines about ignored arrivals.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// What a flow is waiting for.
#[derive(Debug)]
pub struct Expectation {
    /// The cloud that the person signs in to.
    pub cloud: Cloud,
    /// Where the answer comes in.
    pub receiver: Receiver,
    /// Who must have sent it.
    pub issuer: Issuer,
}

/// Where the answer of a flow comes in. A flow has one receiver; the same answer elsewhere is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// The app's URI scheme.
    DeepLink {
        /// The registered redirect URI without query or fragment, for example
        /// `io.github.multicloudmanager://auth/azure` or `com.googleusercontent.apps.ID:/oauth2redirect`.
        redirect_uri: String,
    },
    /// A listener on this machine, with a port of its own.
    Loopback {
        /// The name that the redirect URI uses.
        host: LoopbackHost,
        /// How the provider sends its answer.
        method: Method,
        /// What a browser may name as the `Origin` of the answer besides `null`, for example
        /// `https://login.microsoftonline.com`.
        origins: Vec<String>,
    },
}

/// The host in a loopback redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopbackHost {
    /// `http://localhost:PORT`, on 127.0.0.1 and `[::1]` at once, because a browser may try either.
    Localhost,
    /// `http://127.0.0.1:PORT`.
    Ipv4,
}

/// How a provider hands its answer to a loopback listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// GET with the parameters in the query.
    Query,
    /// POST with the parameters in the body (`response_mode=form_post`); a code in an address is refused.
    FormPost,
}

/// What the `iss` parameter of an answer must be (RFC 9207).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issuer {
    /// The provider's metadata announces the parameter: it must be there and equal this.
    Required(String),
    /// The metadata does not announce it: when it is there all the same, it must equal this, in which
    /// `{tenantid}` stands for any tenant's GUID as in Entra's metadata.
    IfPresent(String),
}

/// What the provider answered, after every check that can be made without asking it anything.
pub enum Answer {
    /// The authorisation code.
    Code(SecretString),
    /// The provider, or the person there, said no.
    Refused {
        /// The error code, `[a-z_]{1,64}`; anything else has become `unrecognised_error`.
        error: String,
        /// The provider's own text reduced to printable ASCII and 2 KiB, to find error numbers in. Not for a screen.
        description: String,
    },
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(_) => f.write_str("Code([redacted])"),
            Self::Refused { error, .. } => {
                f.debug_struct("Refused").field("error", error).finish_non_exhaustive()
            }
        }
    }
}

/// What became of a delivered address: for the log, and for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivered {
    /// It answered a flow.
    Accepted,
    /// It ended a flow without an answer.
    Rejected(Reason),
    /// It changed nothing.
    Ignored(Reason),
}

/// Whether the process has a window that the closing page can offer to return to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// The desktop app.
    Window,
    /// `mcm`.
    Terminal,
}

/// The limits of a loopback listener. A test shortens them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long a client may take to send its request's head.
    pub head_time: Duration,
    /// How long a connection may live altogether.
    pub connection_time: Duration,
    /// The largest body, in bytes.
    pub body_size: usize,
    /// How many connections are open at once; one more closes the oldest.
    pub connections: usize,
    /// How long the listener stays for the closing page after the answer came.
    pub closing_time: Duration,
}

impl Default for Limits {
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

/// The pending sign-ins of this process and the doors to them.
pub struct Redirects {
    front: Front,
    limits: Limits,
    desk: Arc<Desk>,
}

impl Redirects {
    /// No pending sign-in yet.
    pub fn new(clock: Arc<dyn Clock>, front: Front) -> Self {
        let desk = Desk { clock, flows: Mutex::default(), listeners: watch::Sender::new(0) };
        Self { front, limits: Limits::default(), desk: Arc::new(desk) }
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Opens a flow, with its listener bound, before the browser is sent anywhere. When eight flows wait already,
    /// the oldest ends as cancelled.
    ///
    /// # Errors
    /// `busy` when no loopback port could be had; `internal` when the redirect URI cannot be one.
    pub async fn expect(&self, expectation: Expectation) -> Result<Waiting> {
        let Expectation { cloud, receiver, issuer } = expectation;
        let (redirect_uri, listener) = match &receiver {
            Receiver::DeepLink { redirect_uri } => (private_redirect_uri(redirect_uri)?, None),
            Receiver::Loopback { host, .. } => {
                let listener = Listener::bind(*host).await?;
                (listener.redirect_uri(), Some(listener))
            }
        };
        let opened = self.desk.open(cloud, &receiver, issuer);
        if let (Some(listener), Receiver::Loopback { method, origins, .. }) = (listener, receiver) {
            let door = loopback::Door {
                flow: opened.flow,
                method,
                origins,
                expires_at: opened.expires_at,
                front: self.front,
                limits: self.limits,
                desk: self.desk.clone(),
            };
            tokio::spawn(listener.serve(door, opened.phase));
        }
        Ok(Waiting {
            flow: opened.flow,
            redirect_uri,
            state: opened.state,
            expires_at: opened.expires_at,
            outcome: Some(opened.outcome),
            desk: self.desk.clone(),
        })
    }

    /// The deep link's door: takes any text from anybody. Only an address that answers a pending flow changes
    /// anything.
    pub fn deliver(&self, url: &str) -> Delivered {
        self.desk.deliver(&Arrival::DeepLink(url))
    }

    /// Returns when no listener is open any more, so that a process about to end does not take the closing page
    /// with it. Waits as long as a flow is pending on loopback.
    pub async fn closed(&self) {
        let mut listeners = self.desk.listeners.subscribe();
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = listeners.wait_for(|count| *count == 0).await;
    }
}

impl fmt::Debug for Redirects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redirects").field("front", &self.front).finish_non_exhaustive()
    }
}

/// Checks the form of RFC 8252 §7.1: a scheme with a period, and nothing after the path.
fn private_redirect_uri(text: &str) -> Result<String> {
    let scheme = text.split_once(":/").map(|(scheme, _)| scheme);
    let usable = scheme.is_some_and(|scheme| scheme.contains('.'))
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'%'));
    if usable {
        Ok(text.to_owned())
    } else {
        Err(Error::new(Code::Internal, "The redirect address of this sign-in cannot be used as one."))
    }
}

/// A flow that waits for its answer. Dropping it forgets the flow and closes its listener.
pub struct Waiting {
    flow: Flow,
    redirect_uri: String,
    state: SecretString,
    expires_at: Timestamp,
    outcome: Option<oneshot::Receiver<Result<Answer>>>,
    desk: Arc<Desk>,
}

impl Waiting {
    /// The redirect URI for the authorisation request and for the token request.
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// The `state` for the authorisation request: 256 random bits behind the number of the flow.
    pub fn state(&self) -> &str {
        self.state.expose_secret()
    }

    /// The moment after which no answer is accepted.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Waits for the answer. May be dropped and called again; there is one answer.
    ///
    /// # Errors
    /// `sign-in-expired` after ten minutes of the wall clock, `sign-in-cancelled` when newer flows pushed this
    /// one out, `sign-in-rejected` when the answer came from another issuer.
    pub async fn answer(&mut self) -> Result<Answer> {
        let Some(outcome) = &mut self.outcome else {
            return Err(Error::new(Code::Internal, "The answer of this sign-in was taken already."));
        };
        let answer = tokio::select! {
            biased;
            answer = &mut *outcome => answer,
            () = self.desk.clock.sleep_until(self.expires_at) => {
                self.desk.end(self.flow, Ending::Expired);
                outcome.await
            }
        };
        self.outcome = None;
        answer.unwrap_or_else(|_| Err(Ending::Cancelled.to_error()))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.desk.end(self.flow, Ending::Cancelled);
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").field("flow", &self.flow).finish_non_exhaustive()
    }
}

/// What the doors share: every change of a flow happens under its one lock, which is never held over an await.
struct Desk {
    clock: Arc<dyn Clock>,
    flows: Mutex<Flows>,
    listeners: watch::Sender<usize>,
}

#[derive(Default)]
struct Flows {
    last: u64,
    pending: Vec<Pending>,
    waiters: HashMap<Flow, Waiter>,
    ended: Vec<Ended>,
    ignored: Ignored,
}

/// The two that want to know how a flow ends: the caller of `answer`, and the listener.
struct Waiter {
    outcome: oneshot::Sender<Result<Answer>>,
    phase: watch::Sender<Phase>,
}

/// What a flow's listener has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    /// The flow is over, and this page tells the person how.
    Closing(Page),
    Gone,
}

/// A flow just opened.
struct Opened {
    flow: Flow,
    state: SecretString,
    expires_at: Timestamp,
    outcome: oneshot::Receiver<Result<Answer>>,
    phase: watch::Receiver<Phase>,
}

impl Desk {
    fn flows(&self) -> MutexGuard<'_, Flows> {
        // A panic elsewhere leaves complete flows behind: each change is a single step.
        self.flows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, cloud: Cloud, receiver: &Receiver, issuer: Issuer) -> Opened {
        let now = self.clock.now();
        let mut flows = self.flows();
        flows.expire(now);
        while let [oldest, ..] = flows.pending.as_slice()
            && flows.pending.len() >= MOST_PENDING
        {
            let oldest = oldest.flow;
            flows.end(oldest, Ending::Displaced);
        }
        flows.last += 1;
        let flow = Flow::new(flows.last);
        let state = SecretString::from(format!("{}.{}", flows.last, random::token(32)));
        let expires_at = now + STATE_LIFE;
        let (outcome, answer) = oneshot::channel();
        let (phase, phases) = watch::channel(Phase::Waiting);
        flows.pending.push(Pending {
            flow,
            cloud,
            state: state.clone(),
            receiver: receiver.clone(),
            issuer,
            expires_at,
        });
        flows.waiters.insert(flow, Waiter { outcome, phase });
        Opened { flow, state, expires_at, outcome: answer, phase: phases }
    }

    fn deliver(&self, arrival: &Arrival<'_>) -> Delivered {
        let now = self.clock.now();
        let mut flows = self.flows();
        match accept(arrival, &flows.pending, &flows.ended, now) {
            Verdict::Answered { flow, answer } => {
                let page = match &answer {
                    Answer::Code(_) => Page::Received,
                    Answer::Refused { .. } => Page::Refused,
                };
                flows.close(flow, Ending::Answered, Ok(answer), Phase::Closing(page));
                Delivered::Accepted
            }
            Verdict::Rejected { flow, reason } => {
                let error = Ending::Rejected.to_error();
                flows.close(flow, Ending::Rejected, Err(error), Phase::Closing(Page::Rejected));
                Delivered::Rejected(reason)
            }
            Verdict::Ignored(reason) => {
                flows.ignored.count(reason, now);
                Delivered::Ignored(reason)
            }
        }
    }

    /// Counts a request that was turned away before anybody looked for a flow in it.
    fn ignore(&self, reason: Reason) {
        let now = self.clock.now();
        self.flows().ignored.count(reason, now);
    }

    fn end(&self, flow: Flow, ending: Ending) {
        self.flows().end(flow, ending);
    }
}

impl Flows {
    fn expire(&mut self, now: Timestamp) {
        let late = |pending: &&Pending| now >= pending.expires_at;
        let late: Vec<Flow> = self.pending.iter().filter(late).map(|pending| pending.flow).collect();
        for flow in late {
            self.end(flow, Ending::Expired);
        }
    }

    /// Ends a flow without an answer; nothing happens when it ended before.
    fn end(&mut self, flow: Flow, ending: Ending) {
        self.close(flow, ending, Err(ending.to_error()), Phase::Gone);
    }

    fn close(&mut self, flow: Flow, ending: Ending, outcome: Result<Answer>, phase: Phase) {
        let Some(place) = self.pending.iter().position(|pending| pending.flow == flow) else { return };
        let Pending { cloud, state, .. } = self.pending.remove(place);
        if self.ended.len() >= MOST_ENDED {
            self.ended.remove(0);
        }
        self.ended.push(Ended { state, ending });
        if let Some(waiter) = self.waiters.remove(&flow) {
            // Either may have stopped listening; then nobody is left to tell.
            let _ = waiter.outcome.send(outcome);
            let _ = waiter.phase.send(phase);
        }
        tracing::info!(%cloud, ?flow, ?ending, "sign-in redirect closed");
    }
}

impl Ending {
    fn to_error(self) -> Error {
        match self {
            Self::Answered => Error::new(Code::Internal, "The answer of this sign-in was taken already."),
            Self::Rejected => Error::new(
                Code::SignInRejected,
                "The answer did not come from the sign-in server that was asked, so nothing of it was used. \
                 Start the sign-in again.",
            ),
            Self::Expired => Error::new(
                Code::SignInExpired,
                "The sign-in was not finished within 10 minutes. Start it again.",
            ),
            Self::Displaced => Error::new(
                Code::SignInCancelled,
                "Too many sign-ins were waiting at once, so the oldest was dropped. Start it again.",
            ),
            Self::Cancelled => Error::new(Code::SignInCancelled, "The sign-in was cancelled."),
        }
    }
}

/// How many arrivals were ignored since the last log line about them.
#[derive(Default)]
struct Ignored {
    count: u64,
    logged_at: Option<Timestamp>,
}

impl Ignored {
    /// Logs at most one line a second, also when the wall clock is set back. The line says why, and never what.
    fn count(&mut self, reason: Reason, now: Timestamp) {
        self.count = self.count.saturating_add(1);
        let quiet = |last: Timestamp| now >= last && now < last + LOG_INTERVAL;
        if self.logged_at.is_some_and(quiet) {
            return;
        }
        tracing::info!(count = self.count, last = reason.as_str(), "sign-in redirects ignored");
        *self = Self { count: 0, logged_at: Some(now) };
    }
}
