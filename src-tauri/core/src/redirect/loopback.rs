//! The loopback listener: one flow's own port on this machine, from before the browser opens until its last page.
//!
//! Everything that connects is a stranger. What lives here: sockets, HTTP and their limits; what an answer must
//! satisfy is `accept.rs`. Only `redirect.rs` opens a listener.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, Limited};
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
use super::page::{self, Page};
use super::{Delivered, Desk, Front, Limits, LoopbackHost, Method, Phase};
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
    Held(#[expect(dead_code, reason = "holds the port until it is dropped")] TcpSocket),
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
    pub(super) async fn bind(host: LoopbackHost) -> Result<Self> {
        let failed = |error: io::Error| {
            let message = "No port on this machine could be opened for the answer of the sign-in. Try again.";
            Error::new(Code::Busy, message).with_source(error)
        };
        for _ in 0..ATTEMPTS {
            let ipv4 = listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).map_err(failed)?;
            let port = ipv4.local_addr().map_err(failed)?.port();
            let address = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
            let ipv6 = match host {
                LoopbackHost::Localhost => listen(address).map(Ipv6::Served),
                LoopbackHost::Ipv4 => hold(address).map(Ipv6::Held),
            };
            let ipv6 = match (ipv6, host) {
                (Ok(ipv6), _) => ipv6,
                (Err(error), LoopbackHost::Localhost) if error.kind() == io::ErrorKind::AddrInUse => continue,
                (Err(_), _) => Ipv6::Absent,
            };
            return Ok(Self { host, port, ipv4, ipv6 });
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
    pub(super) async fn serve(self, door: Door, mut phase: watch::Receiver<Phase>) {
        let _counted = Counted::new(&door.desk.listeners);
        let authority = self.authority();
        let (fetched, mut closing_page) = watch::channel(false);
        let desk = door.desk.clone();
        let (flow, limits, expires_at) = (door.flow, door.limits, door.expires_at);
        let visit = Arc::new(Visit { door, authority, phase: phase.clone(), fetched });
        let mut visitors = Visitors::new(limits.connections);
        let served = async {
            loop {
                match self.accept().await {
                    Ok(stream) => visitors.admit(visit.clone(), stream),
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                }
            }
        };
        let over = async {
            let ended = phase.wait_for(|phase| *phase != Phase::Waiting);
            tokio::select! {
                ended = ended => if !matches!(ended.as_deref(), Ok(Phase::Closing(_))) { return },
                () = desk.clock.sleep_until(expires_at) => return desk.end(flow, Ending::Expired),
            }
            // The sender lives in `visit`, so waiting cannot fail.
            let _ = timeout(limits.closing_time, closing_page.wait_for(|fetched| *fetched)).await;
        };
        tokio::select! {
            () = served => {}
            () = over => {}
        }
        drop(self);
        // The closing page may still be on its way; whoever else is connected has no more than this either.
        if matches!(*phase.borrow(), Phase::Closing(_)) {
            visitors.leave(limits.connection_time).await;
        }
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

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = hold(address)?.listen(BACKLOG)?;
    if listener.local_addr()?.ip().is_loopback() {
        Ok(listener)
    } else {
        Err(io::ErrorKind::AddrNotAvailable.into())
    }
}

fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.bind(address)?;
    Ok(socket)
}

/// Counts a listener as open for as long as it lives.
struct Counted(watch::Sender<usize>);

impl Counted {
    fn new(count: &watch::Sender<usize>) -> Self {
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

    async fn leave(mut self, within: Duration) {
        let _ = timeout(within, async { while self.tasks.join_next().await.is_some() {} }).await;
    }
}

/// What a listener needs to know about its flow.
pub(super) struct Door {
    pub(super) flow: Flow,
    pub(super) method: Method,
    pub(super) origins: Vec<String>,
    pub(super) expires_at: Timestamp,
    pub(super) front: Front,
    pub(super) limits: Limits,
    pub(super) desk: Arc<Desk>,
}

/// What every connection of a listener shares.
struct Visit {
    door: Door,
    authority: String,
    phase: watch::Receiver<Phase>,
    fetched: watch::Sender<bool>,
}

type Reply = Response<Full<Bytes>>;

impl Visit {
    /// One request and its answer; then the connection closes.
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let limits = self.door.limits;
        let service = service_fn(async |request| Ok::<_, Infallible>(self.reply(request).await));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head_time)
            .keep_alive(false)
            .max_buf_size(LONGEST_HEAD)
            .max_headers(MOST_HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        // How a stranger's connection failed is of no use to anybody.
        let _ = timeout(limits.connection_time, connection).await;
    }

    async fn reply(&self, request: Request<Incoming>) -> Reply {
        if !self.is_for_us(&request) {
            self.door.desk.ignore(Reason::WrongRequest);
            return self.page(StatusCode::BAD_REQUEST, Page::Unknown);
        }
        match request.uri().path() {
            "" | "/" => self.receive(request).await,
            "/done" => self.closing_page(&request),
            _ => self.page(StatusCode::NOT_FOUND, Page::Unknown),
        }
    }

    /// The host must be the one in the redirect URI: a name that somebody rebound to this machine is not.
    fn is_for_us(&self, request: &Request<Incoming>) -> bool {
        request.uri().authority().is_none() && single(request.headers(), HOST) == Some(&self.authority)
    }

    async fn receive(&self, request: Request<Incoming>) -> Reply {
        let method = self.door.method;
        let query = request.uri().query().unwrap_or_default();
        let refused = match (method, request.method()) {
            (Method::FormPost, &Verb::GET | &Verb::POST) if !query.is_empty() => {
                Some((StatusCode::BAD_REQUEST, Page::InAddress))
            }
            (Method::Query, &Verb::GET) | (Method::FormPost, &Verb::POST) => self.refuse(request.headers()),
            _ => Some((StatusCode::METHOD_NOT_ALLOWED, Page::Unknown)),
        };
        if let Some((status, page)) = refused {
            self.door.desk.ignore(Reason::WrongRequest);
            return self.page(status, page);
        }
        let path = request.uri().path().to_owned();
        let parameters = match method {
            Method::Query => Bytes::copy_from_slice(query.as_bytes()),
            Method::FormPost => match self.body(request).await {
                Ok(body) => body,
                Err(status) => {
                    self.door.desk.ignore(Reason::TooLong);
                    return self.page(status, Page::Unknown);
                }
            },
        };
        let arrival = Arrival::Request { flow: self.door.flow, method, path: &path, parameters: &parameters };
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

    /// What is wrong with the headers of a request of the right method.
    fn refuse(&self, headers: &HeaderMap) -> Option<(StatusCode, Page)> {
        let is_allowed = |origin: &HeaderValue| {
            origin == "null" || self.door.origins.iter().any(|allowed| origin == allowed.as_str())
        };
        if !headers.get_all(ORIGIN).iter().all(is_allowed) {
            return Some((StatusCode::FORBIDDEN, Page::Unknown));
        }
        let is_form = |content_type: &str| {
            let essence = content_type.split_once(';').map_or(content_type, |(essence, _)| essence);
            essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        };
        if self.door.method == Method::FormPost && !single(headers, CONTENT_TYPE).is_some_and(is_form) {
            return Some((StatusCode::UNSUPPORTED_MEDIA_TYPE, Page::Unknown));
        }
        None
    }

    async fn body(&self, request: Request<Incoming>) -> std::result::Result<Bytes, StatusCode> {
        let body = Limited::new(request.into_body(), self.door.limits.body_size);
        match body.collect().await {
            Ok(body) => Ok(body.to_bytes()),
            Err(_) => Err(StatusCode::PAYLOAD_TOO_LARGE),
        }
    }

    fn closing_page(&self, request: &Request<Incoming>) -> Reply {
        let Phase::Closing(page) = *self.phase.borrow() else {
            return self.page(StatusCode::NOT_FOUND, Page::Unknown);
        };
        if request.method() != Verb::GET {
            return self.page(StatusCode::METHOD_NOT_ALLOWED, Page::Unknown);
        }
        self.fetched.send_replace(true);
        self.page(StatusCode::OK, page)
    }

    fn page(&self, status: StatusCode, page: Page) -> Reply {
        let mut reply = Response::new(Full::from(page.html(self.door.front)));
        *reply.status_mut() = status;
        let headers = reply.headers_mut();
        let fixed: [(HeaderName, &'static str); 4] = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (REFERRER_POLICY, "no-referrer"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        for (name, value) in fixed {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Ok(policy) = HeaderValue::from_str(&page::CONTENT_SECURITY_POLICY) {
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        if status == StatusCode::METHOD_NOT_ALLOWED {
            let allowed = match self.door.method {
                Method::Query => "GET",
                Method::FormPost => "POST",
            };
            headers.insert(ALLOW, HeaderValue::from_static(allowed));
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
