//! HTTP: one client for every cloud, with the rules that no caller may forget.
//!
//! The only file that names `reqwest`. rustls with the operating system's trust store, proxies from the
//! environment, no redirects, a limit on time and on size, and plain `http` to loopback addresses only.
//! What an answer means is its caller's business; what "cannot be reached" and "asked to wait" mean is settled here.

mod list;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use crate::error::{Code, Error, Result};

pub use list::{ListLimits, ListReading};

/// The longest answer that is read. Entra's token answers are under 10 KiB, a page of 1,000 projects under 1 MiB.
const LARGEST_ANSWER: usize = 4 << 20;
/// MSAL's limits: an unreadable `Retry-After` counts as 5 s, and none is honoured beyond an hour.
const DEFAULT_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How long to wait for a cloud.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until the whole answer is read.
    pub total: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// The client. Building it loads the trust store, so that is left until the first request.
#[derive(Clone, Default)]
pub struct Http {
    client: Arc<OnceLock<reqwest::Client>>,
    limits: TimeLimits,
    list_limits: ListLimits,
}

/// An answer, whole.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, at most 4 MiB.
    pub body: Vec<u8>,
    /// How long the server asked to wait, capped at an hour.
    pub retry_after: Option<Duration>,
    /// The server's clock.
    pub date: Option<Timestamp>,
    /// `Content-Type`.
    pub content_type: Option<String>,
}

impl Http {
    /// A client with other limits than the default.
    pub fn with_limits(limits: TimeLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// The same client with other limits for whole lists.
    #[must_use]
    pub fn with_list_limits(self, list_limits: ListLimits) -> Self {
        Self {
            list_limits,
            ..self
        }
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// `offline` when the server cannot be reached in time, `server-failed` when it breaks off or says too much.
    pub async fn send(&self, request: http::Request<Vec<u8>>) -> Result<Answer> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|error| unusable_address(&parts.uri.to_string(), error))?;
        require_safe(&url)?;
        let place = place(&url);
        let sent = self
            .client()?
            .request(parts.method, url)
            .headers(parts.headers)
            .body(body)
            .send()
            .await;
        let mut response = sent.map_err(|error| unreachable(&place, error))?;

        let header = |name| {
            response
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let status = response.status().as_u16();
        let retry_after = header(http::header::RETRY_AFTER);
        let date = header(http::header::DATE)
            .as_deref()
            .and_then(parse_http_date);
        let content_type = header(http::header::CONTENT_TYPE);
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| unreachable(&place, error))?
        {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                let message = format!(
                    "{place} sent an answer of more than 4 MiB, which was dropped. Try again later."
                );
                return Err(Error::new(Code::ServerFailed, message));
            }
            body.extend_from_slice(&chunk);
        }
        let retry_after = retry_after.map(|text| parse_retry_after(&text, date));
        Ok(Answer {
            status,
            body,
            retry_after,
            date,
            content_type,
        })
    }

    /// Reads JSON from an address, with a bearer token when one is given.
    ///
    /// # Errors
    /// As `send`; and `throttled` or `server-failed` for 429 and 5xx. Any other status is given back for its
    /// caller to explain.
    pub async fn get_json<T: DeserializeOwned>(
        &self,
        url: &Url,
        bearer: Option<&SecretString>,
    ) -> Result<std::result::Result<T, Answer>> {
        self.get(url, bearer).await?.into_json(&place(url))
    }

    async fn get(&self, url: &Url, bearer: Option<&SecretString>) -> Result<Answer> {
        let mut request =
            http::Request::get(url.as_str()).header(http::header::ACCEPT, "application/json");
        if let Some(token) = bearer {
            request = request.header(
                http::header::AUTHORIZATION,
                format!("Bearer {}", token.expose_secret()),
            );
        }
        let request = request
            .body(Vec::new())
            .map_err(|error| unusable_address(url.as_str(), error))?;
        self.send(request).await
    }

    fn client(&self) -> Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let built = reqwest::Client::builder()
            .connect_timeout(self.limits.connect)
            .timeout(self.limits.total)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("multi-cloud-manager/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| {
                let message = "The machine's certificate store could not be loaded. Install the ca-certificates package.";
                Error::new(Code::Internal, message).with_source(error)
            })?;
        Ok(self.client.get_or_init(|| built))
    }
}

impl Answer {
    /// The JSON of an answer with status 200, or the answer with any other status.
    fn into_json<T: DeserializeOwned>(self, place: &str) -> Result<std::result::Result<T, Self>> {
        self.refuse_trouble(place)?;
        if self.status != 200 {
            return Ok(Err(self));
        }
        serde_json::from_slice(&self.body).map(Ok).map_err(|error| {
            let message = format!(
                "{place} answered with something else than the JSON expected. A proxy or a sign-in page of the network \
                 may be in between: check the network, then try again."
            );
            Error::new(Code::ServerFailed, message)
                .with_source(JsonPosition(error.line(), error.column()))
        })
    }

    /// 429 and 5xx as the passing failures that they are.
    ///
    /// # Errors
    /// `throttled` or `server-failed`, with the wait that was asked for.
    pub fn refuse_trouble(&self, place: &str) -> Result<()> {
        let (code, what) = match self.status {
            429 => (Code::Throttled, "asked to wait before the next request"),
            500.. => (Code::ServerFailed, "is in trouble"),
            _ => return Ok(()),
        };
        let message = format!(
            "{place} {what} (HTTP {}). It is tried again by itself.",
            self.status
        );
        Err(Error::new(code, message).with_retry_after(self.retry_after))
    }
}

/// The position of a JSON error, without the text around it, which may hold a secret.
#[derive(Debug, thiserror::Error)]
#[error("not the JSON expected, at line {0} column {1}")]
pub(crate) struct JsonPosition(pub(crate) usize, pub(crate) usize);

/// The host and port of an address, which is all of it that may stand in a message.
pub fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or("an address without a host");
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether an address names this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// `https`, or plain `http` to this machine.
///
/// # Errors
/// `setting-invalid`, naming the address.
pub fn require_safe(url: &Url) -> Result<()> {
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)) {
        return Ok(());
    }
    let message = format!(
        "{} is not an https address. Only a server on this machine may be plain http.",
        place(url)
    );
    Err(Error::new(Code::SettingInvalid, message))
}

fn unusable_address(text: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    let host: String = text.chars().take_while(|c| *c != '?').take(100).collect();
    Error::new(
        Code::Internal,
        format!("\"{host}\" is not an address that can be asked."),
    )
    .with_source(source)
}

/// A request that got no answer: the network's fault until the server has begun to speak.
fn unreachable(place: &str, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let (code, message) = if error.is_timeout() {
        (
            Code::Offline,
            format!(
                "{place} did not answer in time. Check the network; it is tried again by itself."
            ),
        )
    } else if error.is_connect() {
        (
            Code::Offline,
            format!("{place} cannot be reached. Check the network and the proxy settings."),
        )
    } else {
        (
            Code::ServerFailed,
            format!("{place} broke off in the middle of its answer. It is tried again by itself."),
        )
    };
    Error::new(code, message).with_source(error)
}

fn parse_http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

/// `Retry-After` in seconds or as a date (RFC 9110 10.2.3), measured by the server's own clock.
fn parse_retry_after(text: &str, server_now: Option<Timestamp>) -> Duration {
    let seconds = text.trim().parse::<u64>().ok().map(Duration::from_secs);
    let until = || {
        let at = parse_http_date(text)?;
        Duration::try_from(at.duration_since(server_now?)).ok()
    };
    seconds
        .or_else(until)
        .unwrap_or(DEFAULT_WAIT)
        .min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_date_and_capped() {
        let now = parse_http_date("Tue, 24 Nov 2026 10:00:00 GMT");
        assert!(now.is_some());
        for (text, seconds) in [
            ("7", 7),
            (" 0 ", 0),
            ("1000000000", 3600),
            ("99999999999999999999999", 5),
            ("-3", 5),
            ("soon", 5),
            ("", 5),
            ("Tue, 24 Nov 2026 10:01:30 GMT", 90),
            ("Tue, 24 Nov 2026 09:00:00 GMT", 5),
            ("Fri, 24 Nov 2028 10:00:00 GMT", 3600),
        ] {
            assert_eq!(
                parse_retry_after(text, now),
                Duration::from_secs(seconds),
                "{text:?}"
            );
        }
    }

    #[test]
    fn only_https_and_this_machine_are_asked() {
        let safe = |text: &str| require_safe(&Url::parse(text).expect("a URL")).is_ok();
        assert!(safe("https://login.microsoftonline.com/"));
        assert!(
            safe("http://127.0.0.1:8080/") && safe("http://localhost/") && safe("http://[::1]/")
        );
        assert!(!safe("http://login.microsoftonline.com/") && !safe("http://127.0.0.1.example/"));
        assert!(!safe("file:///etc/passwd") && !safe("ftp://127.0.0.1/"));
    }
}
