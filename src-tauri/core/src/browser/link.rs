//! A link on this machine that redirects a browser to a page, once and within 30 seconds.
//!
//! The link is in the arguments of the browser, where every user of this machine can read it. Only this user's
//! programs are answered (`loopback/peer_check.rs`), and only the first of them gets the real address.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ALLOW, HeaderValue, LOCATION};
use http::{Method, StatusCode};
use tokio::time::{sleep, timeout};
use url::Url;

use crate::error::{Code, Error, Result};
use crate::loopback::{self, ConnectionLimits, LoopbackHost, Port, Reply, Request};
use crate::random;

/// How long the link redirects to the page.
const LINK_LIFETIME: Duration = Duration::from_secs(30);
/// How long the port answers afterwards that the link has expired.
const NOTICE_TIME: Duration = Duration::from_secs(90);
/// The limits for one visitor.
const LIMITS: ConnectionLimits = ConnectionLimits {
    head_time: Duration::from_secs(2),
    connection_time: Duration::from_secs(5),
    connections: 8,
};
/// The bytes of the secret in the link.
const SECRET_BYTES: usize = 32;

/// The page for a browser that opens the link again.
const USED_UP: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Multi-Cloud Manager</title>\
    <h1>This link has expired</h1><p>It works once, and for 30 seconds. Return to Multi-Cloud Manager or your terminal, \
    and start again.";

/// Opens a link to the page, served from now on.
///
/// # Errors
/// `busy` when no port could be opened.
pub(super) fn to(page: &Url) -> Result<String> {
    let failed = |source| {
        let message = "No local port could be opened for the browser. Try again.";
        Error::new(Code::Busy, message).with_source(source)
    };
    let location = HeaderValue::from_str(page.as_str())
        .map_err(|error| failed(std::io::Error::other(error)))?;
    let port = Port::bind(LoopbackHost::Ipv4).map_err(failed)?;
    let link = Arc::new(Link {
        authority: port.authority().to_owned(),
        path: format!("/open/{}", random::token(SECRET_BYTES)),
        location: Mutex::new(Some(location)),
    });
    let address = format!("http://{}{}", link.authority, link.path);
    tokio::spawn(async move {
        let serve = port.serve(LIMITS.connections, |connection| {
            let link = link.clone();
            async move {
                let answer = |request| std::future::ready(link.answer(&request));
                loopback::converse(connection, &LIMITS, answer).await;
            }
        });
        let expire = async {
            sleep(LINK_LIFETIME).await;
            link.take();
            std::future::pending::<()>().await;
        };
        let _ = timeout(LINK_LIFETIME + NOTICE_TIME, async {
            tokio::join!(serve, expire)
        })
        .await;
    });
    Ok(address)
}

struct Link {
    authority: String,
    path: String,
    /// The page, until the link was used.
    location: Mutex<Option<HeaderValue>>,
}

impl Link {
    fn take(&self) -> Option<HeaderValue> {
        self.location
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    fn answer(&self, request: &Request) -> Reply {
        let html = "text/html; charset=utf-8";
        if !loopback::is_addressed_to(request, &self.authority) || request.uri().path() != self.path
        {
            return loopback::reply(StatusCode::NOT_FOUND, html, "");
        }
        if request.method() != Method::GET {
            let mut reply = loopback::reply(StatusCode::METHOD_NOT_ALLOWED, html, "");
            reply
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET"));
            return reply;
        }
        let Some(location) = self.take() else {
            return loopback::reply(StatusCode::GONE, html, USED_UP);
        };
        let mut reply = loopback::reply(StatusCode::SEE_OTHER, html, "");
        reply.headers_mut().insert(LOCATION, location);
        reply
    }
}
