//! The loopback listener: one flow's own port on this machine, from before the browser opens until its last page.
//!
//! No client is trusted. This file decides which requests reach the flow, and what a browser sees; sockets, HTTP and
//! their limits are in `crate::loopback`, the checks of a response in `accept.rs`. Only `redirect.rs` opens a
//! listener.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use http::header::{
    ALLOW, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, ORIGIN,
};
use http::{Method as Verb, StatusCode};
use http_body_util::Full;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::accept::{Arrival, Ending, FlowId, Reason, is_path};
use super::page::{self, Page};
use super::pending_flows::{PendingFlows, Phase};
use super::{Delivered, Frontend, Method, ReceiverLimits};
use crate::error::{Code, Error, Result};
use crate::loopback::{
    self, Bytes, Connection, FALLBACK_TIME, HttpsForced, Link, LoopbackHost, Port, Protocol, Reply,
    Request, single,
};

/// A port that answers no request yet.
pub(super) struct Listener(Port);

impl Listener {
    /// Binds a port. A program of this user could steal there only a code without its PKCE verifier.
    pub(super) fn bind(host: LoopbackHost, number: Option<u16>) -> Result<Self> {
        Port::bind(host, number).map(Self).map_err(|error| {
            let (code, message) = match number {
                Some(number) => (
                    Code::InvalidInput,
                    format!("Port {number} of this machine cannot be used. Another program may have it. Choose another."),
                ),
                None => (
                    Code::Busy,
                    "No local port could be opened for the sign-in. Try again.".to_owned(),
                ),
            };
            Error::new(code, message).with_source(error)
        })
    }

    /// The redirect URI of this listener, without a path.
    pub(super) fn redirect_uri(&self) -> String {
        format!("http://{}", self.0.authority())
    }

    /// Serves until the flow ends, then until its last page was loaded or the closing time is over.
    pub(super) async fn serve(self, door: Door) {
        let (fetched, mut closing_page) = watch::channel(false);
        let visit = Arc::new(Visit {
            authority: self.0.authority().to_owned(),
            door,
            fetched,
        });
        let door = &visit.door;
        let served = self.0.serve(door.limits.connections, |connection| {
            visit.clone().serve(connection)
        });
        let over = async {
            if door.ended().await {
                // The sender exists in `visit`, so waiting cannot fail.
                let _ = timeout(
                    door.limits.closing_time,
                    closing_page.wait_for(|fetched| *fetched),
                )
                .await;
            }
        };
        tokio::select! {
            () = served => {}
            () = over => {}
        }
        // The sockets close before the listener counts as closed.
        drop(self);
    }
}

/// Counts a listener as open for as long as it exists.
pub(super) struct Counted(watch::Sender<usize>);

impl Counted {
    pub(super) fn new(count: &watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// The flow of a listener.
pub(super) struct Door {
    pub(super) flow: FlowId,
    pub(super) path: &'static str,
    pub(super) method: Method,
    pub(super) origins: Vec<String>,
    pub(super) expires_at: Timestamp,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) front: Frontend,
    pub(super) limits: ReceiverLimits,
    #[expect(dead_code, reason = "counts until it is dropped")]
    pub(super) counted: Counted,
    pub(super) flows: Arc<PendingFlows>,
    pub(super) link: Arc<OnceLock<Link>>,
    pub(super) https_forced: HttpsForced,
}

impl Door {
    /// Waits for the end of the flow, and returns whether there is a closing page.
    async fn ended(&self) -> bool {
        let mut phase = self.phase.clone();
        tokio::select! {
            biased;
            phase = phase.wait_for(|phase| *phase != Phase::PendingFlow) => {
                matches!(phase.as_deref(), Ok(Phase::Closing(_)))
            }
            () = self.flows.clock.sleep_until(self.expires_at) => {
                self.flows.end(self.flow, Ending::Expired);
                false
            }
        }
    }
}

/// The state that every connection of a listener shares.
struct Visit {
    authority: String,
    door: Door,
    /// Whether a browser has loaded the closing page.
    fetched: watch::Sender<bool>,
}

impl Visit {
    /// One request and its answer; then the connection closes.
    async fn serve(self: Arc<Self>, connection: Connection) {
        let is_last = AtomicBool::new(false);
        let spoken = loopback::converse(connection, &self.door.limits.visit(), |request| {
            self.reply(request, &is_last)
        })
        .await;
        if spoken == Protocol::Tls {
            sleep(FALLBACK_TIME).await;
            if *self.door.phase.borrow() == Phase::PendingFlow {
                self.door.https_forced.report();
            }
        }
        if is_last.load(Ordering::Relaxed) {
            self.fetched.send_replace(true);
        }
    }

    async fn reply(&self, request: Request, is_last: &AtomicBool) -> Reply {
        if !loopback::is_addressed_to(&request, &self.authority) {
            self.door.flows.ignore(Reason::WrongRequest);
            return self.page(StatusCode::BAD_REQUEST, Page::Unknown);
        }
        if let Some(link) = self.link_at(request.uri().path()) {
            return link.answer(&request);
        }
        match request.uri().path() {
            path if is_path(path, self.door.path) => self.receive(request).await,
            "/done" => self.closing_page(&request, is_last),
            _ => self.page(StatusCode::NOT_FOUND, Page::Unknown),
        }
    }

    fn link_at(&self, path: &str) -> Option<&Link> {
        self.door.link.get().filter(|link| link.is_at(path))
    }

    async fn receive(&self, request: Request) -> Reply {
        let path = request.uri().path().to_owned();
        let parameters = match self.parameters(request).await {
            Ok(parameters) => parameters,
            Err(reply) => {
                self.door.flows.ignore(Reason::WrongRequest);
                return *reply;
            }
        };
        let Door { flow, method, .. } = self.door;
        let arrival = Arrival::Request {
            flow,
            method,
            path: &path,
            parameters: &parameters,
        };
        match self.door.flows.deliver(&arrival) {
            // Redirects to an address without the code, which is the one that stays in the browser's history.
            Delivered::Accepted | Delivered::Rejected(_) => {
                let mut reply = self.page(StatusCode::SEE_OTHER, Page::Received);
                *reply.body_mut() = Full::default();
                reply
                    .headers_mut()
                    .insert(LOCATION, HeaderValue::from_static("/done"));
                reply
            }
            Delivered::Ignored(reason) => self.page(StatusCode::BAD_REQUEST, Page::about(reason)),
        }
    }

    /// The parameters of a request in the form that this flow's provider sends, or the answer to any other.
    async fn parameters(&self, request: Request) -> std::result::Result<Bytes, Box<Reply>> {
        let query = request.uri().query().unwrap_or_default();
        match (self.door.method, request.method()) {
            (Method::FormPost, &Verb::GET | &Verb::POST) if !query.is_empty() => Err(Box::new(
                self.page(StatusCode::BAD_REQUEST, Page::InAddress),
            )),
            (Method::FormPost, &Verb::POST) => {
                self.check(request.headers())?;
                let body = loopback::body(request, self.door.limits.body_size).await;
                body.map_err(|status| Box::new(self.page(status, Page::Unknown)))
            }
            (Method::Query, &Verb::GET) => {
                self.check(request.headers())?;
                Ok(Bytes::copy_from_slice(query.as_bytes()))
            }
            (Method::FormPost, _) => Err(Box::new(self.wrong_method("POST"))),
            (Method::Query, _) => Err(Box::new(self.wrong_method("GET"))),
        }
    }

    /// A script of another site may not pose as the provider, and a form must have a form's content type.
    fn check(&self, headers: &HeaderMap) -> std::result::Result<(), Box<Reply>> {
        let is_allowed = |origin: &HeaderValue| {
            origin == "null"
                || self
                    .door
                    .origins
                    .iter()
                    .any(|allowed| origin == allowed.as_str())
        };
        if !headers.get_all(ORIGIN).iter().all(is_allowed) {
            return Err(Box::new(self.page(StatusCode::FORBIDDEN, Page::Unknown)));
        }
        let is_form = |content_type: &str| {
            let essence = content_type.split(';').next().unwrap_or_default();
            essence
                .trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        };
        if self.door.method == Method::FormPost
            && !single(headers, &CONTENT_TYPE).is_some_and(is_form)
        {
            return Err(Box::new(
                self.page(StatusCode::UNSUPPORTED_MEDIA_TYPE, Page::Unknown),
            ));
        }
        Ok(())
    }

    fn closing_page(&self, request: &Request, is_last: &AtomicBool) -> Reply {
        let Phase::Closing(page) = *self.door.phase.borrow() else {
            return self.page(StatusCode::NOT_FOUND, Page::Unknown);
        };
        if request.method() != Verb::GET {
            return self.wrong_method("GET");
        }
        is_last.store(true, Ordering::Relaxed);
        self.page(StatusCode::OK, page)
    }

    fn wrong_method(&self, allowed: &'static str) -> Reply {
        let mut reply = self.page(StatusCode::METHOD_NOT_ALLOWED, Page::Unknown);
        reply
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(allowed));
        reply
    }

    fn page(&self, status: StatusCode, page: Page) -> Reply {
        let mut reply = loopback::reply(
            status,
            "text/html; charset=utf-8",
            page.html(self.door.front),
        );
        let policy = HeaderValue::from_static(&page::CONTENT_SECURITY_POLICY);
        reply.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        reply
    }
}
