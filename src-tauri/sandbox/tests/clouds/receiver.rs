//! The loopback receiver of an app, as the tests need it: takes one answer and keeps it.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::form_urlencoded;

/// What arrived: the method, the `Origin` header and the parameters from the query or the form.
#[derive(Clone, Debug)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) origin: Option<String>,
    pub(crate) parameters: Vec<(String, String)>,
}

impl Arrived {
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

type Kept = Arc<Mutex<Vec<Arrived>>>;

pub(crate) struct Receiver {
    pub(crate) port: u16,
    kept: Kept,
    task: JoinHandle<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("a free port");
        let port = listener
            .local_addr()
            .expect("a bound listener has an address")
            .port();
        let kept = Kept::default();
        let router = Router::new().fallback(keep).with_state(Arc::clone(&kept));
        let task = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("the receiver serves until it is dropped");
        });
        Self { port, kept, task }
    }

    /// The only answer that arrived.
    pub(crate) fn arrived(&self) -> Arrived {
        let kept = self
            .kept
            .lock()
            .expect("no test panics while it holds the lock");
        let [arrived] = kept.as_slice() else {
            panic!("{} answers arrived", kept.len())
        };
        arrived.clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(
    State(kept): State<Kept>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> &'static str {
    let encoded = if method == Method::POST {
        &body
    } else {
        uri.query().unwrap_or_default().as_bytes()
    };
    let parameters = form_urlencoded::parse(encoded).into_owned().collect();
    let origin = headers
        .get("origin")
        .map(|value| value.to_str().expect("an origin is text").to_owned());
    kept.lock()
        .expect("no test panics while it holds the lock")
        .push(Arrived {
            method,
            origin,
            parameters,
        });
    "You can close this window."
}
