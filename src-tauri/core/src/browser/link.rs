//! A port that leads the browser of this machine to a page, once and within 30 seconds; after a warning, within three minutes.
//!
//! The link itself is `loopback/link.rs`. Here is its port: how long it stays open, and that it reports a browser which
//! insists on https.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use url::Url;

use crate::environment::ConsoleWarning;
use crate::error::{Code, Error, Result};
use crate::loopback::{
    self, ConnectionLimits, FALLBACK_TIME, HttpsForced, Link, LoopbackHost, Port, Protocol,
};

/// How long the link redirects to the page.
const LINK_LIFETIME: Duration = Duration::from_secs(30);
/// How long it does so after a warning, which the user reads first.
const WARNED_LINK_LIFETIME: Duration = Duration::from_secs(180);
/// How long the port answers afterwards that the link has expired.
const NOTICE_TIME: Duration = Duration::from_secs(90);
/// The limits for one visitor.
const LIMITS: ConnectionLimits = ConnectionLimits {
    head_time: Duration::from_secs(2),
    connection_time: Duration::from_secs(5),
    connections: 8,
};

/// Opens a link to the page, served from now on, and whether it has been used or has expired.
///
/// # Errors
/// `busy` when no port could be opened.
pub(super) fn to(
    page: &Url,
    warning: Option<&ConsoleWarning>,
    https_forced: &HttpsForced,
) -> Result<(String, watch::Receiver<bool>)> {
    let failed = |source| {
        let message = "No local port could be opened for the browser. Try again.";
        Error::new(Code::Busy, message).with_source(source)
    };
    let port = Port::bind(LoopbackHost::Ipv4, None).map_err(failed)?;
    let link = Link::after(warning, page, port.authority())
        .map_err(|error| failed(std::io::Error::other(error)))?;
    let lifetime = match warning {
        Some(_) => WARNED_LINK_LIFETIME,
        None => LINK_LIFETIME,
    };
    let link = Arc::new(link);
    let address = link.address();
    let https_forced = https_forced.clone();
    let (ended, is_ended) = watch::channel(false);
    tokio::spawn(async move {
        let serve = port.serve(LIMITS.connections, |connection| {
            let (link, https_forced, ended) = (link.clone(), https_forced.clone(), ended.clone());
            async move {
                let answer = |request| std::future::ready(link.answer(&request));
                if loopback::converse(connection, &LIMITS, answer).await == Protocol::Tls {
                    sleep(FALLBACK_TIME).await;
                    if link.is_unused() {
                        https_forced.report();
                    }
                }
                // The answer that leads on is with the browser.
                if !link.is_unused() {
                    ended.send_replace(true);
                }
            }
        });
        let expire = async {
            sleep(lifetime).await;
            link.expire();
            ended.send_replace(true);
            std::future::pending::<()>().await;
        };
        let _ = timeout(lifetime + NOTICE_TIME, async {
            tokio::join!(serve, expire)
        })
        .await;
    });
    Ok((address, is_ended))
}
