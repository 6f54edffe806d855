//! The loopback listener: one flow's own port on this machine, from before the browser opens until its last page.
//!
//! Everything that connects is a stranger. What lives here: sockets, HTTP and their limits; what an answer must
//! satisfy is `accept.rs`. Only `redirect.rs` opens a listener.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Collected, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    LOCATION, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method as Verb, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::accept::{Arrival, Ending, Flow, Reason};
use super::desk::{Desk, Phase};
use super::page::{self, Page};
use super::{Delivered, Front, Limits, LoopbackHost, Method};
use crate::error::{Code, Error, Result};

/// How many ports are tried when somebody else has the IPv6 half of one.
const ATTEMPTS: usize = 16;
/// How many connections the system queues before they are accepted.
const BACKLOG: u32 = 64;
/// The longest request head. The longest address of an answer fits twice.
const LONGEST_HEAD: usize = 16 * 1024;
/// How many headers a request may have.
const MOST_HEADERS: usize = 64;
/// The pause after the system refused to accept, so that a lack of file descriptors does not keep a core busy.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A bound pair of sockets that answers nobody yet.
pub(super) struct Listener {
    host: LoopbackHost,
    port: u16,
    ipv4: TcpListener,
    ipv6: Ipv6,
}

/// What became of `[::1]` with the same port.
enum Ipv6 {
    /// Served too: a browser may resolve `localhost` to it first.
    Served(TcpListener),
    /// Held and never listened on, so that nobody else sits there.
    Held(#[cfg_attr(not(test), expect(dead_code, reason = "holds the port until it is dropped"))] TcpSocket),
    /// This machine has no IPv6 loopback, or for a literal 127.0.0.1 somebody else has the port.
    Absent,
}

impl Listener {
    /// Binds a port that the system chooses, on both loopback addresses.
    ///
    /// Another program can sit on `[::1]` while we have 127.0.0.1, and would be asked first for `localhost`; such a
    /// port is given up and the next one tried. No socket here sets `SO_REUSEADDR`, which would let a second one
    /// share the address. On Windows the counterpart `SO_EXCLUSIVEADDRUSE` would also keep out a program of the same
    /// user that sets `SO_REUSEADDR`; neither std, tokio nor socket2 0.6 can set it, and this crate forbids unsafe
    /// code. What such a program could take is a code without its PKCE verifier.
    pub(super) fn bind(host: LoopbackHost) -> Result<Self> {
        let failed = |error: io::Error| {
            let message = "No port on this machine could be opened for the answer of the sign-in. Try again.";
            Error::new(Code::Busy, message).with_source(error)
        };
        for _ in 0..ATTEMPTS {
            let ipv4 = TcpSocket::new_v4().map_err(failed)?;
            ipv4.bind((Ipv4Addr::LOCALHOST, 0).into()).map_err(failed)?;
            let ipv4 = ipv4.listen(BACKLOG).map_err(failed)?;
            let address = ipv4.local_addr().map_err(failed)?;
            if !address.ip().is_loopback() {
                return Err(failed(io::ErrorKind::AddrNotAvailable.into()));
            }
            let port = address.port();
            if let Some(ipv6) = Ipv6::take(host, port) {
                return Ok(Self { host, port, ipv4, ipv6 });
            }
        }
        Err(failed(io::ErrorKind::AddrInUse.into()))
    }

    /// The redirect URI of this listener, without a path.
    pub(super) fn redirect_uri(&self) -> String {
        format!("http://{}", self.authority())
    }

    fn authority(&self) -> String {
        let host = match self.host {
            LoopbackHost::Localhost => "localhost",
            LoopbackHost::Ipv4 => "127.0.0.1",
        };
        format!("{host}:{}", self.port)
    }

    /// Serves until the flow ends, then until its last page was fetched or the closing time is over.
    pub(super) async fn serve(self, door: Door) {
        let (fetched, mut closing_page) = watch::channel(false);
        let visit = Arc::new(Visit { authority: self.authority(), door, fetched });
        let door = &visit.door;
        let mut visitors = Visitors::new(door.limits.connections);
        let served = async {
            loop {
                match self.accept().await {
                    Ok(stream) => visitors.admit(visit.clone(), stream),
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                }
            }
        };
        let over = async {
            if door.ended().await {
                // The sender lives in `visit`, so waiting cannot fail.
                let _ = timeout(door.limits.closing_time, closing_page.wait_for(|fetched| *fetched)).await;
            }
        };
        tokio::select! {
            () = served => {}
            () = over => {}
        }
        // The sockets go before the listener counts as closed; the connections end with `visitors`.
        drop(self);
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        let second = async {
            match &self.ipv6 {
                Ipv6::Served(listener) => listener.accept().await,
                Ipv6::Held(_) | Ipv6::Absent => pending().await,
            }
        };
        let (stream, _) = tokio::select! {
            accepted = self.ipv4.accept() => accepted?,
            accepted = second => accepted?,
        };
        Ok(stream)
    }
}

impl Ipv6 {
    /// Takes the IPv6 half of a port; `None` when `localhost` would lead to somebody else there.
    fn take(host: LoopbackHost, port: u16) -> Option<Self> {
        let Ok(socket) = TcpSocket::new_v6() else { return Some(Self::Absent) };
        match (socket.bind((Ipv6Addr::LOCALHOST, port).into()), host) {
            (Ok(()), LoopbackHost::Localhost) => socket.listen(BACKLOG).ok().map(Self::Served),
            (Ok(()), LoopbackHost::Ipv4) => Some(Self::Held(socket)),
            (Err(_), LoopbackHost::Ipv4) => Some(Self::Absent),
            (Err(error), LoopbackHost::Localhost) => {
                (error.kind() == io::ErrorKind::AddrNotAvailable).then_some(Self::Absent)
            }
        }
    }
}

/// Counts a listener as open for as long as it lives.
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

/// The connections of a listener: when there are too many, the oldest goes, so that silent ones keep nobody out.
struct Visitors {
    most: usize,
    tasks: JoinSet<()>,
    oldest_first: VecDeque<AbortHandle>,
}

impl Visitors {
    fn new(most: usize) -> Self {
        Self { most, tasks: JoinSet::new(), oldest_first: VecDeque::new() }
    }

    fn admit(&mut self, visit: Arc<Visit>, stream: TcpStream) {
        while self.tasks.try_join_next().is_some() {}
        self.oldest_first.retain(|visitor| !visitor.is_finished());
        while self.oldest_first.len() >= self.most {
            if let Some(oldest) = self.oldest_first.pop_front() {
                oldest.abort();
            }
        }
        self.oldest_first.push_back(self.tasks.spawn(visit.serve(stream)));
    }
}

/// What a listener needs to know about its flow.
pub(super) struct Door {
    pub(super) flow: Flow,
    pub(super) method: Method,
    pub(super) origins: Vec<String>,
    pub(super) expires_at: Timestamp,
    pub(super) phase: watch::Receiver<Phase>,
    pub(super) front: Front,
    pub(super) limits: Limits,
    #[expect(dead_code, reason = "counts until it is dropped")]
    pub(super) counted: Counted,
    pub(super) desk: Arc<Desk>,
}

impl Door {
    /// Waits for the end of the flow, and says whether there is a closing page to show.
    async fn ended(&self) -> bool {
        let mut phase = self.phase.clone();
        tokio::select! {
            biased;
            phase = phase.wait_for(|phase| *phase != Phase::Waiting) => {
                matches!(phase.as_deref(), Ok(Phase::Closing(_)))
            }
            () = self.desk.clock.sleep_until(self.expires_at) => {
                self.desk.end(self.flow, Ending::Expired);
                false
            }
        }
    }
}

/// What every connection of a listener shares.
struct Visit {
    authority: String,
    door: Door,
    /// Whether a browser has the closing page.
    fetched: watch::Sender<bool>,
}

type Reply = Response<Full<Bytes>>;

impl Visit {
    /// One request and its answer; then the connection closes.
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let limits = self.door.limits;
        let is_last = AtomicBool::new(false);
        let service = service_fn(async |request| Ok::<_, Infallible>(self.reply(request, &is_last).await));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .keep_alive(false)
            .max_buf_size(LONGEST_HEAD)
            .max_headers(MOST_HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        // How a stranger's connection failed is of no use to anybody.
        let _ = timeout(limits.connection_time, connection).await;
        if is_last.load(Ordering::Relaxed) {
            self.fetched.send_replace(true);
        }
    }

    async fn reply(&self, request: Request<Incoming>, is_last: &AtomicBool) -> Reply {
        if !self.is_for_us(&request) {
            self.door.desk.ignore(Reason::WrongRequest);
            return self.page(StatusCode::BAD_REQUEST, Page::Unknown);
        }
        match request.uri().path() {
            "" | "/" => self.receive(request).await,
            "/done" => self.closing_page(&request, is_last),
            _ => self.page(StatusCode::NOT_FOUND, Page::Unknown),
        }
    }

    /// The host must be the one in the redirect URI: a name that somebody rebound to this machine is not.
    fn is_for_us(&self, request: &Request<Incoming>) -> bool {
        request.uri().authority().is_none() && single(request.headers(), HOST) == Some(&self.authority)
    }

    async fn receive(&self, request: Request<Incoming>) -> Reply {
        let path = request.uri().path().to_owned();
        let parameters = match self.parameters(request).await {
            Ok(parameters) => parameters,
            Err(reply) => {
                self.door.desk.ignore(Reason::WrongRequest);
                return *reply;
            }
        };
        let Door { flow, method, .. } = self.door;
        let arrival = Arrival::Request { flow, method, path: &path, parameters: &parameters };
        match self.door.desk.deliver(&arrival) {
            // On to an address without the code, which is the one that stays in the browser's history.
            Delivered::Accepted | Delivered::Rejected(_) => {
                let mut reply = self.page(StatusCode::SEE_OTHER, Page::Received);
                *reply.body_mut() = Full::default();
                reply.headers_mut().insert(LOCATION, HeaderValue::from_static("/done"));
                reply
            }
            Delivered::Ignored(reason) => self.page(StatusCode::BAD_REQUEST, Page::about(reason)),
        }
    }

    /// The parameters of a request in the form that this flow's provider sends, or what to say to any other.
    async fn parameters(&self, request: Request<Incoming>) -> std::result::Result<Bytes, Box<Reply>> {
        let query = request.uri().query().unwrap_or_default();
        match (self.door.method, request.method()) {
            (Method::FormPost, &Verb::GET | &Verb::POST) if !query.is_empty() => {
                Err(Box::new(self.page(StatusCode::BAD_REQUEST, Page::InAddress)))
            }
            (Method::FormPost, &Verb::POST) => {
                self.check(request.headers())?;
                let body = Limited::new(request.into_body(), self.door.limits.body_size).collect().await;
                body.map(Collected::to_bytes).map_err(|error| {
                    let is_too_large = error.is::<LengthLimitError>();
                    let status =
                        if is_too_large { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
                    Box::new(self.page(status, Page::Unknown))
                })
            }
            (Method::Query, &Verb::GET) => {
                self.check(request.headers())?;
                Ok(Bytes::copy_from_slice(query.as_bytes()))
            }
            (Method::FormPost, _) => Err(Box::new(self.wrong_method("POST"))),
            (Method::Query, _) => Err(Box::new(self.wrong_method("GET"))),
        }
    }

    /// Another site's script may not speak for the provider, and a form comes as a form.
    fn check(&self, headers: &HeaderMap) -> std::result::Result<(), Box<Reply>> {
        let is_allowed = |origin: &HeaderValue| {
            origin == "null" || self.door.origins.iter().any(|allowed| origin == allowed.as_str())
        };
        if !headers.get_all(ORIGIN).iter().all(is_allowed) {
            return Err(Box::new(self.page(StatusCode::FORBIDDEN, Page::Unknown)));
        }
        let is_form = |content_type: &str| {
            let essence = content_type.split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        };
        if self.door.method == Method::FormPost && !single(headers, CONTENT_TYPE).is_some_and(is_form) {
            return Err(Box::new(self.page(StatusCode::UNSUPPORTED_MEDIA_TYPE, Page::Unknown)));
        }
        Ok(())
    }

    fn closing_page(&self, request: &Request<Incoming>, is_last: &AtomicBool) -> Reply {
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
        reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        reply
    }

    fn page(&self, status: StatusCode, page: Page) -> Reply {
        let mut reply = Response::new(Full::from(page.html(self.door.front)));
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        let fixed: [(HeaderName, &'static str); 5] = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (REFERRER_POLICY, "no-referrer"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (CONTENT_SECURITY_POLICY, &page::CONTENT_SECURITY_POLICY),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        reply
    }
}

/// The value of a header that came exactly once.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_whose_ipv6_half_somebody_else_has_is_given_up_for_localhost() {
        // L3
        let Ok(squatter) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await else {
            return; // A machine without IPv6.
        };
        let port = squatter.local_addr().unwrap().port();
        assert!(Ipv6::take(LoopbackHost::Localhost, port).is_none());
        assert!(matches!(Ipv6::take(LoopbackHost::Ipv4, port), Some(Ipv6::Absent)));
    }

    #[tokio::test]
    async fn a_listener_is_bound_to_loopback_with_one_port_on_both_addresses() {
        // L1, L2, L3
        for host in [LoopbackHost::Localhost, LoopbackHost::Ipv4] {
            let listener = Listener::bind(host).unwrap();
            assert_eq!(listener.ipv4.local_addr().unwrap(), (Ipv4Addr::LOCALHOST, listener.port).into());
            let other = match (&listener.ipv6, host) {
                (Ipv6::Served(ipv6), LoopbackHost::Localhost) => ipv6.local_addr(),
                (Ipv6::Held(ipv6), LoopbackHost::Ipv4) => ipv6.local_addr(),
                (Ipv6::Absent, _) => continue, // A machine without IPv6.
                _ => panic!("{host:?} on the wrong kind of socket"),
            };
            assert_eq!(other.unwrap(), (Ipv6Addr::LOCALHOST, listener.port).into());
        }
    }
}
