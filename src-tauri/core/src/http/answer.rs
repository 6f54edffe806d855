//! Answers: whether the server itself spoke, and reading what it said.
//!
//! A company's proxy, a firewall and a guest network answer in a server's place. Before any status is interpreted,
//! `require_speaker` decides: what is in the server's own language comes from the server, all else is a page of the
//! network.

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName};
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Deserializer};

use super::proxy::Route;
use crate::error::{Code, Error, Result};

/// MSAL's limits: an unreadable `Retry-After` counts as 5 s, and none is honoured beyond an hour.
const DEFAULT_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// Some servers begin their answers with it, which no parser takes.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An answer, whole.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, at most 4 MiB.
    pub body: Vec<u8>,
    /// How long the server asked to wait, capped at an hour.
    pub retry_after: Option<Duration>,
    /// The server's clock.
    pub date: Option<Timestamp>,
}

/// The language in which a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// JSON, whatever the status.
    Json,
    /// JSON, or nothing at all: an endpoint that only does something.
    JsonOrNothing,
    /// JSON where the status is 200, and any text of a refusal: the console's federation endpoint.
    JsonOnSuccess,
    /// A page, whatever it says, and a redirect, which is not followed: the access portal of an organisation.
    Page,
    /// AWS: JSON, XML of a service, or anything beside the id that AWS gives each request.
    Aws,
}

/// What a server refused with, in its own words.
pub struct Refused<E> {
    /// The refusal.
    pub error: E,
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
}

impl Answer {
    pub(super) fn new(status: u16, headers: HeaderMap, mut body: Vec<u8>) -> Self {
        if body.starts_with(BYTE_ORDER_MARK) {
            body.drain(..BYTE_ORDER_MARK.len());
        }
        let text = |name: HeaderName| headers.get(name)?.to_str().ok();
        let date = text(header::DATE).and_then(parse_http_date);
        let retry_after = text(header::RETRY_AFTER).map(|text| parse_retry_after(text, date));
        Self {
            status,
            body,
            retry_after,
            date,
            headers,
        }
    }

    /// Refuses what the server did not say itself.
    ///
    /// # Errors
    /// `offline` for a page of the network or a proxy that wants a sign-in; `throttled` and `server-failed` for a failure
    /// that stands in no language.
    pub(super) fn require_speaker(
        &self,
        place: &str,
        dialect: Dialect,
        route: &Route,
    ) -> Result<()> {
        match self.status {
            407 => Err(proxy_sign_in(place, route)),
            // Network Authentication Required (RFC 6585). No server of a cloud redirects.
            300..=399 if dialect == Dialect::Page => Ok(()),
            300..=399 | 511 => Err(self.page_of_the_network(place)),
            _ if dialect.fits(self) => Ok(()),
            429 | 500.. => self.refuse_server_failure(place),
            _ => Err(self.page_of_the_network(place)),
        }
    }

    fn page_of_the_network(&self, place: &str) -> Error {
        let message = match self.status {
            401 | 403 | 451 => format!(
                "A proxy or firewall answered for {place} (HTTP {}). Ask your network's administrator to allow {place}.",
                self.status
            ),
            _ => format!(
                "A page of the network came instead of an answer from {place} (HTTP {}). Open any website in a browser: \
                 the network may want a sign-in. If it does not, check that address in the settings.",
                self.status
            ),
        };
        Error::new(Code::Offline, message).with_detail(&format!("HTTP-{}", self.status))
    }

    /// The JSON of an answer with status 200, or the refusal of one with another.
    ///
    /// # Errors
    /// `throttled` and `server-failed`: the server failed, or its JSON has neither shape.
    pub(super) fn into_json<T: DeserializeOwned, E: DeserializeOwned>(
        self,
        place: &str,
    ) -> Result<std::result::Result<T, Refused<E>>> {
        self.refuse_server_failure(place)?;
        if self.status == 200 {
            return from_json(&self.body)
                .map(Ok)
                .map_err(|position| odd_json(place, self.status).with_source(position));
        }
        match from_json(&self.body) {
            Ok(error) => Ok(Err(Refused {
                error,
                status: self.status,
                headers: self.headers,
            })),
            Err(position) => Err(odd_json(place, self.status).with_source(position)),
        }
    }

    /// 429 and 5xx as the passing failures that they are.
    ///
    /// # Errors
    /// `throttled` or `server-failed`, with the wait that was asked for.
    pub fn refuse_server_failure(&self, place: &str) -> Result<()> {
        let (code, what) = match self.status {
            429 => (Code::Throttled, "asked to wait before the next request"),
            500.. => (Code::ServerFailed, "is temporarily unavailable"),
            _ => return Ok(()),
        };
        let message = format!(
            "{place} {what} (HTTP {}). Retrying automatically.",
            self.status
        );
        Err(Error::new(code, message).with_retry_after(self.retry_after))
    }
}

impl Dialect {
    /// Whether an answer is in this language.
    fn fits(self, answer: &Answer) -> bool {
        let is_json = || from_json::<serde::de::IgnoredAny>(&answer.body).is_ok();
        // JSON that broke off is still the server's, when it says that it is JSON.
        let says_json = || {
            let kind = answer.headers.get(header::CONTENT_TYPE);
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let kind = kind.split(';').next().unwrap_or_default().trim();
            let begins = answer
                .body
                .trim_ascii_start()
                .first()
                .is_some_and(|byte| b"{[".contains(byte));
            begins && kind.to_ascii_lowercase().ends_with("json")
        };
        match self {
            Self::Json => is_json() || says_json(),
            Self::JsonOrNothing => answer.body.is_empty() || is_json() || says_json(),
            Self::Page => true,
            Self::JsonOnSuccess => answer.status != 200 || is_json() || says_json(),
            Self::Aws => has_aws_id(&answer.headers) || is_json() || is_aws_xml(&answer.body),
        }
    }
}

/// The ids that AWS's services and gateways give each request.
fn has_aws_id(headers: &HeaderMap) -> bool {
    [
        "x-amzn-requestid",
        "x-amz-request-id",
        "x-amz-id-2",
        "x-aws-ec2-metadata-token-ttl-seconds",
    ]
    .iter()
    .any(|name| headers.contains_key(*name))
}

/// Whether a body is the XML of a service: its first element is a response or an error, and no web page.
fn is_aws_xml(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(512)]).into_owned();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once('<') {
        let name: String = after
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == ':')
            .collect();
        if !name.is_empty() {
            return name.ends_with("Response")
                || name.ends_with("Error")
                || name.ends_with("Result");
        }
        // A declaration or a comment.
        rest = after;
    }
    false
}

/// JSON of the shape that is asked for. Of an error only its place is given: the text around it may hold a secret.
///
/// # Errors
/// The place of what is not JSON, or not of that shape.
pub(crate) fn from_json<T: DeserializeOwned>(body: &[u8]) -> std::result::Result<T, JsonPosition> {
    serde_json::from_slice(body).map_err(|error| JsonPosition(error.line(), error.column()))
}

/// A field that an answer can lack: one of an unexpected type counts as missing, so that the rest of the answer is used.
pub(crate) fn if_readable<'de, D, T>(deserializer: D) -> std::result::Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

fn odd_json(place: &str, status: u16) -> Error {
    let message = format!(
        "{place} sent JSON that this app cannot read (HTTP {status}). Try again later; if it goes on, report it with the \
         reference."
    );
    Error::new(Code::ServerFailed, message).with_detail(&format!("HTTP-{status}"))
}

/// The words for a proxy that wants a sign-in of its own.
pub(super) fn proxy_sign_in(place: &str, route: &Route) -> Error {
    let message = if route.has_sign_in() {
        format!(
            "{} did not accept its user and password, so {place} was not asked. Correct them in {}, or ask your network's \
             administrator.",
            route.named(),
            route.variable()
        )
    } else {
        format!(
            "{} wants a sign-in before it leads to {place}. Set {} to {}, or ask your network's administrator.",
            route.named(),
            route.variable(),
            route.address_with_sign_in()
        )
    };
    Error::new(Code::Offline, message).with_detail("HTTP-407")
}

/// The position of a JSON error, without the text around it, which may hold a secret.
#[derive(Debug, thiserror::Error)]
#[error("not the JSON expected, at line {0} column {1}")]
pub(crate) struct JsonPosition(pub(crate) usize, pub(crate) usize);

pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
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

    fn answer(status: u16, kind: &str, body: &str) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().expect("a header"));
        Answer::new(status, headers, body.as_bytes().to_vec())
    }

    fn verdict(status: u16, kind: &str, body: &str, dialect: Dialect) -> Option<Code> {
        let spoken =
            answer(status, kind, body).require_speaker("login.example", dialect, &Route::Direct);
        spoken.err().map(|error| error.code())
    }

    #[test]
    fn a_status_counts_only_after_the_server_has_spoken() {
        use Dialect::{Aws, Json, JsonOrNothing};
        const PAGE: &str = "<!doctype html><title>Guest network</title>";
        let sts =
            r#"<?xml version="1.0"?><!-- x --><ErrorResponse xmlns="x"><Error/></ErrorResponse>"#;
        for (status, kind, body, dialect, code) in [
            (200, "application/json", "{}", Json, None),
            (200, "text/plain", "\u{feff}{}", Json, None),
            (400, "application/json", r#"{"error":"x"}"#, Json, None),
            (200, "application/json", r#"{"value":[{"#, Json, None),
            (200, "text/html", PAGE, Json, Some(Code::Offline)),
            (200, "application/json", PAGE, Json, Some(Code::Offline)),
            (200, "text/html", "", Json, Some(Code::Offline)),
            (200, "text/html", "", JsonOrNothing, None),
            (200, "text/html", PAGE, JsonOrNothing, Some(Code::Offline)),
            (302, "text/html", "", Json, Some(Code::Offline)),
            (302, "application/json", "{}", Json, Some(Code::Offline)),
            (403, "text/html", PAGE, Json, Some(Code::Offline)),
            (404, "text/html", PAGE, Json, Some(Code::Offline)),
            (407, "application/json", "{}", Json, Some(Code::Offline)),
            (511, "application/json", "{}", Json, Some(Code::Offline)),
            (503, "text/html", PAGE, Json, Some(Code::ServerFailed)),
            (429, "text/html", PAGE, Json, Some(Code::Throttled)),
            (403, "text/xml", sts, Aws, None),
            (200, "text/xml", "<AssumeRoleResponse/>", Aws, None),
            (200, "text/html", PAGE, Aws, Some(Code::Offline)),
            (
                200,
                "text/html",
                "<html xmlns='x'/>",
                Aws,
                Some(Code::Offline),
            ),
            (403, "text/html", PAGE, Aws, Some(Code::Offline)),
        ] {
            assert_eq!(
                verdict(status, kind, body, dialect),
                code,
                "{status} {kind} {body} {dialect:?}"
            );
        }
    }

    #[test]
    fn anything_beside_the_id_of_a_request_is_awss() {
        let mut plain = answer(403, "text/plain", "no");
        plain
            .headers
            .insert("x-amzn-RequestId", "1".parse().expect("a header"));
        assert!(
            plain
                .require_speaker("x", Dialect::Aws, &Route::Direct)
                .is_ok()
        );
        assert!(
            plain
                .require_speaker("x", Dialect::Json, &Route::Direct)
                .is_err()
        );
    }

    #[test]
    fn json_of_neither_shape_is_the_servers_and_no_page_of_the_network() {
        #[derive(serde::Deserialize)]
        struct Shape {
            #[serde(rename = "a")]
            _a: String,
        }
        for status in [200, 403] {
            let read = answer(status, "application/json", r#"{"a":1}"#)
                .into_json::<Shape, Shape>("x.example");
            let error = read.err().expect("another shape");
            assert_eq!(error.code(), Code::ServerFailed);
            assert!(
                !error.message().contains("network") && !error.message().contains("proxy"),
                "{error}"
            );
        }
    }

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
}
