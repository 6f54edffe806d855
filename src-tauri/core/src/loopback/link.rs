//! A link on a port of this machine that redirects a browser to a page, once; where that is asked for, after a warning.
//!
//! The link is where others may read it: in the arguments of a browser, or on a terminal. Only this user's programs are
//! answered (`loopback/peer_check.rs`), and only the first of them gets the real address.

use std::sync::{Mutex, PoisonError};

use http::header::{ALLOW, HeaderValue, InvalidHeaderValue, LOCATION};
use http::{Method, StatusCode};
use url::Url;

use super::{Reply, Request};
use crate::environment::ConsoleWarning;
use crate::random;

/// The bytes of the secret in the link.
const SECRET_BYTES: usize = 32;

const HTML: &str = "text/html; charset=utf-8";

/// The page for a browser that opens the link again.
const USED_UP: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Multi-Cloud Manager</title>\
    <h1>This link has expired</h1><p>It works once, and only for a short time. Return to Multi-Cloud Manager or your terminal, \
    and start again.";

/// A link that redirects to a page once.
#[derive(Debug)]
pub struct Link {
    authority: String,
    path: String,
    /// What is left to answer.
    state: Mutex<LinkState>,
}

/// What a link still leads to.
#[derive(Debug)]
struct LinkState {
    /// The page, until the browser was redirected.
    location: Option<HeaderValue>,
    /// The warning before it, until it was shown, and the path that leads on from it.
    warning: Option<(String, String)>,
    /// The path that redirects: the link's own, or the one in the warning once that was shown.
    path: String,
}

impl Link {
    /// A link to the page, for a port with this authority.
    ///
    /// # Errors
    /// When the page's address fits no header.
    pub fn to(page: &Url, authority: &str) -> Result<Self, InvalidHeaderValue> {
        Self::after(None, page, authority)
    }

    /// As `to`, after a warning, which is shown once. What it leads on by is in the warning alone, and works once too.
    ///
    /// # Errors
    /// As `to`.
    pub fn after(
        warning: Option<&ConsoleWarning>,
        page: &Url,
        authority: &str,
    ) -> Result<Self, InvalidHeaderValue> {
        let path = format!("/open/{}", random::token(SECRET_BYTES));
        let warning = warning.map(|warning| {
            let on = format!("/open/{}", random::token(SECRET_BYTES));
            (warning.as_html(&on), on)
        });
        Ok(Self {
            authority: authority.to_owned(),
            path: path.clone(),
            state: Mutex::new(LinkState {
                location: Some(HeaderValue::from_str(page.as_str())?),
                warning,
                path,
            }),
        })
    }

    /// Its whole address.
    pub fn address(&self) -> String {
        format!("http://{}{}", self.authority, self.path)
    }

    /// Whether a path is the link's.
    pub fn is_at(&self, path: &str) -> bool {
        self.path == path
    }

    /// Whether no browser has been redirected yet.
    pub fn is_unused(&self) -> bool {
        self.state().location.is_some()
    }

    /// Ends it: it redirects no browser from now on.
    pub fn expire(&self) {
        self.state().location.take();
    }

    /// The answer to a request.
    pub fn answer(&self, request: &Request) -> Reply {
        let mut state = self.state();
        let path = request.uri().path();
        let is_known = self.is_at(path) || path == state.path;
        if !super::is_addressed_to(request, &self.authority) || !is_known {
            return super::reply(StatusCode::NOT_FOUND, HTML, "");
        }
        if request.method() != Method::GET {
            let mut reply = super::reply(StatusCode::METHOD_NOT_ALLOWED, HTML, "");
            reply
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("GET"));
            return reply;
        }
        if state.location.is_some()
            && let Some((page, on)) = state.warning.take()
        {
            state.path = on;
            return super::reply(StatusCode::OK, HTML, page);
        }
        if path != state.path {
            return super::reply(StatusCode::GONE, HTML, USED_UP);
        }
        let Some(location) = state.location.take() else {
            return super::reply(StatusCode::GONE, HTML, USED_UP);
        };
        let mut reply = super::reply(StatusCode::SEE_OTHER, HTML, "");
        reply.headers_mut().insert(LOCATION, location);
        reply
    }

    fn state(&self) -> std::sync::MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
