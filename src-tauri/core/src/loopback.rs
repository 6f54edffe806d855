//! A port on this machine: sockets, HTTP and their limits, for everything that a process serves on loopback.
//!
//! No client is trusted, and on Linux only this user's programs are answered. Callers define the answers: sign-in
//! redirects (`redirect/loopback.rs`), the page for a browser (`browser.rs`) and the credentials of `mcm exec`. The
//! only file that may use `hyper`.

mod link;
mod peer_check;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Collected, Full, LengthLimitError, Limited};
pub use hyper::body::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

/// The number of ports to try while another program has the IPv6 half.
const ATTEMPTS: usize = 16;
/// The number of connections that the system queues before they are accepted.
const BACKLOG: u32 = 64;
/// The longest request head: twice the longest address of a sign-in redirect.
const LONGEST_HEAD: usize = 16 * 1024;
/// The most headers in a request.
const MOST_HEADERS: usize = 64;
/// The most connections that wait for the check of their user; further ones wait in the system's queue.
const MAX_UNCHECKED: usize = 1024;
/// The pause after the system refused to accept, so that a lack of file descriptors does not keep a core busy.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The first byte of a TLS connection (RFC 8446 5.1: the content type "handshake"), with which no HTTP request begins.
const TLS_HANDSHAKE: u8 = 0x16;

pub use link::Link;

/// A request whose body has not been read.
pub type Request = hyper::Request<Incoming>;
/// A complete answer.
pub type Reply = Response<Full<Bytes>>;

/// The host name of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopbackHost {
    /// `localhost`, on 127.0.0.1 and `[::1]` at once, because a client may try either.
    Localhost,
    /// `127.0.0.1`.
    Ipv4,
}

/// The limits for one client.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// The time for a request's head.
    pub head_time: Duration,
    /// The lifetime of a connection.
    pub connection_time: Duration,
    /// The number of open connections; one more closes the oldest that has sent no request yet.
    pub connections: usize,
}

/// A bound pair of sockets that answers no request yet.
pub struct Port {
    authority: String,
    ipv4: TcpListener,
    ipv6: Ipv6,
}

/// The state of `[::1]` with the same port.
enum Ipv6 {
    /// Served too: a client may resolve `localhost` to it first.
    Served(TcpListener),
    /// Bound but never listened on, so that no other program can use it.
    Held(
        #[cfg_attr(
            not(test),
            expect(dead_code, reason = "holds the port until it is dropped")
        )]
        TcpSocket,
    ),
    /// This machine has no IPv6 loopback, or another program has the port, for a literal 127.0.0.1.
    Absent,
}

impl Port {
    /// Binds a port on both loopback addresses: this one, or one that the system chooses.
    ///
    /// Another program can listen on `[::1]` while we have 127.0.0.1, and would get the requests to `localhost`; such
    /// a port is given up and the next one tried. No socket here sets `SO_REUSEADDR`, which would let a second one
    /// share the address. On Windows the counterpart `SO_EXCLUSIVEADDRUSE` would also block a program of the same
    /// user that sets `SO_REUSEADDR`; neither std, tokio nor socket2 0.6 can set it, and this crate forbids unsafe
    /// code.
    ///
    /// # Errors
    /// The system's, when the port is not free.
    pub fn bind(host: LoopbackHost, number: Option<u16>) -> io::Result<Self> {
        let attempts = if number.is_some() { 1 } else { ATTEMPTS };
        for _ in 0..attempts {
            let ipv4 = TcpSocket::new_v4()?;
            if number.is_some() {
                allow_again(&ipv4)?;
            }
            ipv4.bind((Ipv4Addr::LOCALHOST, number.unwrap_or_default()).into())?;
            let ipv4 = ipv4.listen(BACKLOG)?;
            let address = ipv4.local_addr()?;
            if !address.ip().is_loopback() {
                return Err(io::ErrorKind::AddrNotAvailable.into());
            }
            let port = address.port();
            if let Some(ipv6) = Ipv6::take(host, port, number.is_some()) {
                let name = match host {
                    LoopbackHost::Localhost => "localhost",
                    LoopbackHost::Ipv4 => "127.0.0.1",
                };
                return Ok(Self {
                    authority: format!("{name}:{port}"),
                    ipv4,
                    ipv6,
                });
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// Its host and number, as in a `Host` header.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Passes every connection of this user to `visit`, at most `most` at once, and never ends. Dropping it closes
    /// them all. Another user's connection is closed without an answer, and takes no place.
    pub async fn serve<F>(&self, most: usize, mut visit: impl FnMut(Connection) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut visitors = Visitors::new(most);
        let mut unchecked = Vec::new();
        let mut check = std::pin::pin!(None);
        loop {
            if check.is_none() && !unchecked.is_empty() {
                check.set(Some(peer_check::admitted(std::mem::take(&mut unchecked))));
            }
            let checked = async {
                match check.as_mut().as_pin_mut() {
                    Some(check) => check.await,
                    None => pending().await,
                }
            };
            tokio::select! {
                admitted = checked => {
                    check.set(None);
                    for stream in admitted {
                        let has_spoken = Arc::new(AtomicBool::new(false));
                        let connection = Connection {
                            stream,
                            has_spoken: has_spoken.clone(),
                        };
                        visitors.admit(visit(connection), has_spoken);
                    }
                }
                accepted = self.accept(), if unchecked.len() < MAX_UNCHECKED => match accepted {
                    Ok(stream) => unchecked.push(stream),
                    Err(_) => sleep(ACCEPT_PAUSE).await,
                },
            }
        }
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        let second = async {
            match &self.ipv6 {
                Ipv6::Served(listener) => listener.accept().await,
                Ipv6::Held(_) | Ipv6::Absent => pending().await,
            }
        };
        tokio::select! {
            accepted = self.ipv4.accept() => accepted,
            accepted = second => accepted,
        }
        .map(|(stream, _)| stream)
    }
}

/// Lets a chosen port be bound again while connections of an earlier run fade out. On Unix it cannot be shared with a
/// socket that listens.
fn allow_again(socket: &TcpSocket) -> io::Result<()> {
    if cfg!(unix) {
        socket.set_reuseaddr(true)?;
    }
    Ok(())
}

impl Ipv6 {
    /// Binds the IPv6 half of a port; `None` when `localhost` would lead to another program there.
    fn take(host: LoopbackHost, port: u16, is_chosen: bool) -> Option<Self> {
        let Ok(socket) = TcpSocket::new_v6() else {
            return Some(Self::Absent);
        };
        if is_chosen && allow_again(&socket).is_err() {
            return None;
        }
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

/// A connection from a program of this user.
pub struct Connection {
    stream: TcpStream,
    has_spoken: Arc<AtomicBool>,
}

/// The connections of a port. When there are too many, the oldest one without a request is closed, so that silent
/// ones block no other and no request is cut off.
struct Visitors {
    most: usize,
    tasks: JoinSet<()>,
    oldest_first: VecDeque<(AbortHandle, Arc<AtomicBool>)>,
}

impl Visitors {
    fn new(most: usize) -> Self {
        Self {
            most,
            tasks: JoinSet::new(),
            oldest_first: VecDeque::new(),
        }
    }

    fn admit(
        &mut self,
        visit: impl Future<Output = ()> + Send + 'static,
        has_spoken: Arc<AtomicBool>,
    ) {
        while self.tasks.try_join_next().is_some() {}
        self.oldest_first
            .retain(|(visitor, _)| !visitor.is_finished());
        if self.oldest_first.len() >= self.most {
            let silent = |(_, spoke): &(_, Arc<AtomicBool>)| !spoke.load(Ordering::Relaxed);
            let Some(oldest) = self.oldest_first.iter().position(silent) else {
                return;
            };
            if let Some((visitor, _)) = self.oldest_first.remove(oldest) {
                visitor.abort();
            }
        }
        self.oldest_first
            .push_back((self.tasks.spawn(visit), has_spoken));
    }
}

/// What a client spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP, or nothing.
    Http,
    /// TLS, which these ports do not speak: something made the browser use https for a loopback address.
    Tls,
}

/// Reports that a browser insists on https for a loopback address. The first report is kept until it is awaited.
#[derive(Clone, Debug, Default)]
pub struct HttpsForced(Arc<Notify>);

impl HttpsForced {
    /// Reports it.
    pub fn report(&self) {
        tracing::warn!("a browser used https for a loopback port, which answers only http");
        self.0.notify_one();
    }

    /// Waits for a report.
    pub async fn reported(&self) {
        self.0.notified().await;
    }
}

/// How long a browser that tried https may take to fall back to http, as some do by themselves.
pub const FALLBACK_TIME: Duration = Duration::from_secs(2);

/// One request and its answer, within the limits; then the connection closes.
pub async fn converse<F>(
    connection: Connection,
    limits: &ConnectionLimits,
    answer: impl Fn(Request) -> F,
) -> Protocol
where
    F: Future<Output = Reply>,
{
    let Connection { stream, has_spoken } = connection;
    let mut first = [0];
    match timeout(limits.head_time, stream.peek(&mut first)).await {
        Ok(Ok(1)) if first[0] == TLS_HANDSHAKE => return Protocol::Tls,
        Ok(Ok(1)) => {}
        _ => return Protocol::Http,
    }
    let service = service_fn(|request| {
        has_spoken.store(true, Ordering::Relaxed);
        let answered = answer(request);
        async { Ok::<_, Infallible>(answered.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_time)
        .keep_alive(false)
        .max_buf_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    // A client's failure needs no report.
    let _ = timeout(limits.connection_time, connection).await;
    Protocol::Http
}

/// Whether a request names this port as its host: a name that was rebound to this machine does not.
pub fn is_addressed_to(request: &Request, authority: &str) -> bool {
    request.uri().authority().is_none() && single(request.headers(), &HOST) == Some(authority)
}

/// The value of a header that occurs exactly once.
pub fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The body of a request.
///
/// # Errors
/// The status to refuse it with: it is longer than `longest`, or incomplete.
pub async fn body(request: Request, longest: usize) -> Result<Bytes, StatusCode> {
    let body = Limited::new(request.into_body(), longest).collect().await;
    body.map(Collected::to_bytes).map_err(|error| {
        if error.is::<LengthLimitError>() {
            StatusCode::PAYLOAD_TOO_LARGE
        } else {
            StatusCode::BAD_REQUEST
        }
    })
}

/// An answer that must not be cached.
pub fn reply(status: StatusCode, content_type: &'static str, text: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::from(text.into()));
    *reply.status_mut() = status;
    let fixed = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fixed {
        reply
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::has_ipv6;

    #[tokio::test]
    async fn a_port_whose_ipv6_half_is_taken_is_given_up_for_localhost() {
        // L3
        if !has_ipv6() {
            return;
        }
        let squatter = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.unwrap();
        let port = squatter.local_addr().unwrap().port();
        assert!(Ipv6::take(LoopbackHost::Localhost, port, false).is_none());
        assert!(matches!(
            Ipv6::take(LoopbackHost::Ipv4, port, false),
            Some(Ipv6::Absent)
        ));
    }

    #[tokio::test]
    async fn a_port_is_bound_to_loopback_with_one_number_on_both_addresses() {
        // L1, L2, L3
        for host in [LoopbackHost::Localhost, LoopbackHost::Ipv4] {
            let port = Port::bind(host, None).unwrap();
            let address = port.ipv4.local_addr().unwrap();
            assert_eq!(address, (Ipv4Addr::LOCALHOST, address.port()).into());
            assert!(port.authority().ends_with(&format!(":{}", address.port())));
            let other = match (&port.ipv6, host) {
                (Ipv6::Served(ipv6), LoopbackHost::Localhost) => ipv6.local_addr(),
                (Ipv6::Held(ipv6), LoopbackHost::Ipv4) => ipv6.local_addr(),
                (Ipv6::Absent, _) if !has_ipv6() => continue,
                _ => panic!("{host:?} on the wrong kind of socket"),
            };
            assert_eq!(other.unwrap(), (Ipv6Addr::LOCALHOST, address.port()).into());
        }
    }
}
