//! One HTTP server on loopback: records each request, lets faults happen, then asks the cloud's router.
//!
//! hyper is driven directly because some faults must close a connection without an answer, which a router cannot do.
//! What the clouds answer is not decided here.

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header, request::Parts};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use url::{Url, form_urlencoded};

use crate::clock::Clock;
use crate::faults::{Endpoint, Fault, Faults, MadeUpPage, Status};
use crate::journal::{Journal, Request as Recorded, Server};

/// No request to a cloud is longer than this.
const MAX_BODY: usize = 1 << 20;
const OVERSIZED: usize = 10 << 20;

/// The fields of a form or a query.
pub(crate) type FormFields = HashMap<String, String>;

/// What the servers of one sandbox have in common.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) journal: Journal,
    /// Life of an access token, in milliseconds.
    pub(crate) access_token_life: AtomicU64,
    /// How often a device may ask for its tokens.
    pub(crate) device_interval: Duration,
}

/// A port that belongs to a server which does not answer yet.
pub(crate) struct Bound {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) url: Url,
}

/// A server that answers until it is dropped.
pub(crate) struct Running(JoinHandle<()>);

/// The faults that a router has to act out itself.
#[derive(Clone, Default)]
pub(crate) struct Spoiled(Vec<Fault>);

impl Spoiled {
    pub(crate) fn by(&self, fault: &Fault) -> bool {
        self.0.contains(fault)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    /// The page that takes the place of the real one, when a list is not to end.
    pub(crate) fn made_up_page(&self) -> Option<MadeUpPage> {
        self.iter().find_map(|fault| match fault {
            Fault::EndlessList(page) => Some(*page),
            _ => None,
        })
    }
}

/// How a server reads a path of its cloud, or the action that AWS puts elsewhere: the endpoint, and the tenant.
pub(crate) type Classify =
    for<'a> fn(path: &'a str, action: &str) -> (Option<Endpoint>, Option<&'a str>);

/// Takes a port of 127.0.0.1; 0 lets the system choose.
pub(crate) async fn bind(port: u16) -> std::io::Result<Bound> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}/");
    let url = Url::parse(&url).expect("an address and a port make a URL");
    Ok(Bound {
        listener,
        address,
        url,
    })
}

impl Bound {
    /// Gives the server a public name, which leads to it inside a company's network alone.
    pub(crate) fn named(mut self, name: &str) -> Self {
        self.url = Url::parse(&format!("https://{name}/")).expect("a name makes a URL");
        self
    }

    /// Answers from now on: `/_sandbox/…` from `controls`, everything else from `cloud`.
    pub(crate) fn run(
        self,
        server: Server,
        classify: Classify,
        cloud: Router,
        controls: Router,
        shared: Arc<Shared>,
    ) -> Running {
        let door = Arc::new(CloudServer {
            server,
            classify,
            cloud: TowerToHyperService::new(cloud),
            controls: TowerToHyperService::new(controls),
            shared,
        });
        Running(tokio::spawn(accept(self.listener, door)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn accept(listener: TcpListener, door: Arc<CloudServer>) {
    // Dropping the set, when this task is aborted, closes every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let door = Arc::clone(&door);
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let door = Arc::clone(&door);
                        async move { door.answer(request).await.map(|response| door.dated(response)) }
                    });
                    // A client that goes away, or a dropped answer, ends the connection; nothing waits for it.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Ends a connection without an answer.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sandbox dropped the connection on purpose")
    }
}

impl std::error::Error for Dropped {}

struct CloudServer {
    server: Server,
    classify: Classify,
    cloud: TowerToHyperService<Router>,
    controls: TowerToHyperService<Router>,
    shared: Arc<Shared>,
}

impl CloudServer {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
        let (parts, body) = request.into_parts();
        let Ok(body) = to_bytes(Body::new(body), MAX_BODY).await else {
            return Ok(plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                "text/plain",
                "too long",
            ));
        };
        if parts.uri.path().starts_with("/_sandbox/") {
            return Ok(ask(&self.controls, parts, body).await);
        }

        let faults = self.record(&parts, &body);
        let mut spoiled = Spoiled::default();
        for fault in faults {
            match fault {
                Fault::Latency(milliseconds) => {
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                }
                Fault::Drop => return Err(Dropped),
                Fault::Hang => std::future::pending().await,
                Fault::Status(status) => return Ok(status_only(&status)),
                Fault::OversizedAnswer => {
                    let padding = format!("{{\"padding\":\"{}\"}}", "x".repeat(OVERSIZED));
                    return Ok(plain(StatusCode::OK, "application/json", padding));
                }
                Fault::NotJson => {
                    let html = "<!doctype html><title>Guest network</title><h1>Sign in to use the network</h1>";
                    return Ok(plain(StatusCode::OK, "text/html; charset=utf-8", html));
                }
                Fault::MalformedJson => {
                    return Ok(plain(
                        StatusCode::OK,
                        "application/json",
                        "{\"value\":[{\"id\":\"/br",
                    ));
                }
                other => spoiled.0.push(other),
            }
        }

        let drop_after = spoiled.by(&Fault::DropAfterEffect);
        let mut parts = parts;
        parts.extensions.insert(spoiled);
        let response = ask(&self.cloud, parts, body).await;
        if drop_after {
            Err(Dropped)
        } else {
            Ok(response)
        }
    }

    /// Says what time it is by the sandbox's clock; hyper would say it by the system's.
    fn dated(&self, mut response: Response<Body>) -> Response<Body> {
        let date = self
            .shared
            .clock
            .now()
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        let date = HeaderValue::from_str(&date).expect("a date is printable ASCII");
        response.headers_mut().insert(header::DATE, date);
        response
    }

    /// Writes the request into the journal and takes the faults that it meets.
    fn record(&self, parts: &Parts, body: &Bytes) -> Vec<Fault> {
        let path = parts.uri.path();
        let text = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let is_form = text("content-type").is_some_and(|kind| kind.starts_with(FORM));
        let form: &[u8] = if is_form { body } else { &[] };
        let grant_type = field(form, "grant_type");
        let action = text("x-amz-target")
            .map(str::to_owned)
            .or_else(|| field(form, "Action"))
            .or_else(|| field(parts.uri.query().unwrap_or_default().as_bytes(), "Action"));
        let (endpoint, tenant) = (self.classify)(path, action.as_deref().unwrap_or_default());

        let faults = endpoint
            .map(|endpoint| {
                self.shared
                    .faults
                    .take(endpoint, tenant, grant_type.as_deref())
            })
            .unwrap_or_default();
        self.shared.journal.record(Recorded {
            server: self.server,
            endpoint,
            method: parts.method.to_string(),
            path: path.to_owned(),
            host: text("host").unwrap_or_default().to_owned(),
            tenant: tenant.map(str::to_owned),
            grant_type,
            claims: field(form, "claims")
                .or_else(|| field(parts.uri.query().unwrap_or_default().as_bytes(), "claims")),
            at: self.shared.clock.now(),
        });
        faults
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

fn field(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form)
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

async fn ask(router: &TowerToHyperService<Router>, parts: Parts, body: Bytes) -> Response<Body> {
    let Ok(response) = router
        .call(Request::from_parts(parts, Body::from(body)))
        .await;
    response
}

fn status_only(status: &Status) -> Response<Body> {
    let is_json = serde_json::from_str::<serde_json::Value>(&status.body).is_ok();
    let kind = if is_json {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    };
    let code = StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = plain(code, kind, status.body.clone());
    if let Some(kind) = status
        .content_type
        .as_deref()
        .and_then(|kind| HeaderValue::from_str(kind).ok())
    {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    if let Some(after) = status
        .retry_after
        .as_deref()
        .and_then(|after| HeaderValue::from_str(after).ok())
    {
        response.headers_mut().insert(header::RETRY_AFTER, after);
    }
    if let Some(location) = status
        .location
        .as_deref()
        .and_then(|location| HeaderValue::from_str(location).ok())
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if let Some(challenge) = status
        .challenge
        .as_deref()
        .and_then(|challenge| HeaderValue::from_str(challenge).ok())
    {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

fn plain(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
