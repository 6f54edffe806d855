//! The one check of every arrival: any text goes in, a verdict comes out.
//!
//! Pure: no clock, no lock, no input or output, no panic, and time linear in the length of the text. It compares text
//! unchanged and never builds a URL from it, so that no normalisation can make two addresses equal. Only
//! `redirect.rs` acts on a verdict.

use crate::guid::is_guid;
use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use super::{AuthorizationResponse, Issuer, Method, Receiver};
use crate::account::Cloud;

/// The longest deep link or query, in bytes.
const LONGEST_ADDRESS: usize = 8 * 1024;
/// The longest body of a form, in bytes.
const LONGEST_FORM: usize = 16 * 1024;
/// The most parameters in one arrival; the longest real response has eight.
const MOST_PARAMETERS: usize = 64;
/// The longest description that is kept, in bytes.
const LONGEST_DESCRIPTION: usize = 2 * 1024;

/// The number of a flow, unique in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowId(u64);

impl FlowId {
    /// Creates the number of a flow.
    pub fn new(number: u64) -> Self {
        Self(number)
    }
}

/// A text that arrived.
#[derive(Clone, Copy)]
pub enum Arrival<'a> {
    /// An address that the operating system passed on.
    DeepLink(&'a str),
    /// A request to the listener of a flow, whose host and origin were checked.
    Request {
        /// The flow of the listener.
        flow: FlowId,
        /// How the parameters arrived.
        method: Method,
        /// The path of the request, without the query.
        path: &'a str,
        /// The query of a GET, or the body of a POST.
        parameters: &'a [u8],
    },
}

impl fmt::Debug for Arrival<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeepLink(_) => "DeepLink([redacted])",
            Self::Request { .. } => "Request([redacted])",
        })
    }
}

/// A pending flow.
pub struct Pending {
    /// Its number.
    pub flow: FlowId,
    /// The cloud that it signs in to.
    pub cloud: Cloud,
    /// Its `state`.
    pub state: SecretString,
    /// The receiver of its response.
    pub receiver: Receiver,
    /// The required issuer of its response.
    pub issuer: Issuer,
    /// The first time at which a response is too late.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("flow", &self.flow)
            .field("cloud", &self.cloud)
            .finish_non_exhaustive()
    }
}

/// An ended flow.
pub struct Ended {
    /// Its `state`.
    pub state: SecretString,
    /// How it ended.
    pub ending: Ending,
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended")
            .field("ending", &self.ending)
            .finish_non_exhaustive()
    }
}

/// How a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The provider answered.
    Answered,
    /// A response failed a check that no second response can pass.
    Rejected,
    /// It expired.
    Expired,
    /// Newer flows replaced it.
    Displaced,
    /// Its caller stopped waiting.
    Cancelled,
}

/// The result of checking an arrival.
#[derive(Debug)]
pub enum Verdict {
    /// It answers this flow, which ends.
    Answered {
        /// The flow.
        flow: FlowId,
        /// The answer.
        answer: AuthorizationResponse,
    },
    /// It ends this flow without a response: the `state` reached a program that should not have it.
    Rejected {
        /// The flow.
        flow: FlowId,
        /// The fault.
        reason: Reason,
    },
    /// It changes nothing; every pending flow keeps waiting.
    Ignored(Reason),
}

/// The reason why an arrival was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Longer than any real response.
    TooLong,
    /// Malformed: a bad escape, a raw control character, a fragment, too many parameters.
    Malformed,
    /// A parameter occurs twice (RFC 6749 §3.1).
    Duplicate,
    /// No `state`.
    NoState,
    /// A `state` that belongs to no flow of this process.
    UnknownState,
    /// The flow already has its response.
    AlreadyUsed,
    /// The flow has expired.
    TooLate,
    /// The flow was cancelled.
    Cancelled,
    /// The `state` of one flow at the address of another flow, or of none.
    WrongReceiver,
    /// Another issuer than the requested one, or none where one is announced (RFC 9207).
    WrongIssuer,
    /// Neither a code nor an error.
    Empty,
    /// A request in a form that no provider sends: method, host, origin or content type.
    WrongRequest,
}

impl Reason {
    /// The reason as in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => "too-long",
            Self::Malformed => "malformed",
            Self::Duplicate => "duplicate-parameter",
            Self::NoState => "no-state",
            Self::UnknownState => "unknown-state",
            Self::AlreadyUsed => "already-used",
            Self::TooLate => "too-late",
            Self::Cancelled => "cancelled",
            Self::WrongReceiver => "wrong-receiver",
            Self::WrongIssuer => "wrong-issuer",
            Self::Empty => "no-code-and-no-error",
            Self::WrongRequest => "wrong-request",
        }
    }
}

/// Checks an arrival. It is a response only with a pending flow's exact `state`, in time, at that flow's own
/// receiver, from its own issuer; the search for a `state` takes the same time whatever part of it is right.
pub fn accept(
    arrival: &Arrival<'_>,
    pending: &[Pending],
    ended: &[Ended],
    now: Timestamp,
) -> Verdict {
    judge(arrival, pending, ended, now).unwrap_or_else(Verdict::Ignored)
}

fn judge(
    arrival: &Arrival<'_>,
    pending: &[Pending],
    ended: &[Ended],
    now: Timestamp,
) -> Result<Verdict, Reason> {
    let (place, parameters) = split(arrival)?;
    let parameters = Parameters::parse(parameters)?;
    let state = parameters
        .state
        .as_deref()
        .filter(|state| !state.is_empty())
        .ok_or(Reason::NoState)?;
    let Some(flow) = find(pending, |pending| &pending.state, state) else {
        return Err(
            find(ended, |ended| &ended.state, state).map_or(Reason::UnknownState, Ended::reason)
        );
    };
    if now >= flow.expires_at {
        return Err(Reason::TooLate);
    }
    if !place.is_where(flow) {
        return Err(Reason::WrongReceiver);
    }
    if !flow.issuer.permits(parameters.iss.as_deref()) {
        return Ok(Verdict::Rejected {
            flow: flow.flow,
            reason: Reason::WrongIssuer,
        });
    }
    Ok(Verdict::Answered {
        flow: flow.flow,
        answer: parameters.into_answer()?,
    })
}

/// The receiver of an arrival.
enum ArrivalTarget<'a> {
    Address(&'a str),
    Listener(FlowId, Method, &'a str),
}

impl ArrivalTarget<'_> {
    fn is_where(&self, pending: &Pending) -> bool {
        match (self, &pending.receiver) {
            (Self::Address(address), Receiver::DeepLink { redirect_uri }) => {
                is_same_address(address, redirect_uri)
            }
            (
                Self::Listener(flow, method, path),
                Receiver::Loopback {
                    method: expected,
                    path: expected_path,
                    ..
                },
            ) => *flow == pending.flow && method == expected && is_path(path, expected_path),
            _ => false,
        }
    }
}

/// Whether a request's path is that of the redirect URI. Browsers add a slash to one without a path.
pub(super) fn is_path(path: &str, expected: &str) -> bool {
    path == expected || (expected.is_empty() && path == "/")
}

/// Byte for byte; only a redirect URI without any path may come back with the path `/` (Entra and browsers add it).
fn is_same_address(address: &str, redirect_uri: &str) -> bool {
    let has_path = redirect_uri
        .split_once("://")
        .is_none_or(|(_, rest)| rest.contains('/'));
    address == redirect_uri || (!has_path && address.strip_suffix('/') == Some(redirect_uri))
}

fn split<'a>(arrival: &Arrival<'a>) -> Result<(ArrivalTarget<'a>, &'a str), Reason> {
    match *arrival {
        Arrival::DeepLink(text) => {
            if text.len() > LONGEST_ADDRESS {
                return Err(Reason::TooLong);
            }
            // Browsers and Entra leave an empty fragment behind; one with content is not a response of ours.
            let text = text.strip_suffix('#').unwrap_or(text);
            if text.contains('#') {
                return Err(Reason::Malformed);
            }
            let (address, query) = text.split_once('?').unwrap_or((text, ""));
            Ok((ArrivalTarget::Address(address), query))
        }
        Arrival::Request {
            flow,
            method,
            path,
            parameters,
        } => {
            let longest = match method {
                Method::Query => LONGEST_ADDRESS,
                Method::FormPost => LONGEST_FORM,
            };
            if parameters.len() > longest {
                return Err(Reason::TooLong);
            }
            let parameters = std::str::from_utf8(parameters).map_err(|_| Reason::Malformed)?;
            Ok((ArrivalTarget::Listener(flow, method, path), parameters))
        }
    }
}

/// Compares with every one, so that the time does not show which was close.
fn find<'a, T>(all: &'a [T], state_of: impl Fn(&T) -> &SecretString, state: &str) -> Option<&'a T> {
    let mut found = None;
    for one in all {
        if state_of(one)
            .expose_secret()
            .as_bytes()
            .ct_eq(state.as_bytes())
            .into()
        {
            found = Some(one);
        }
    }
    found
}

impl Ended {
    fn reason(&self) -> Reason {
        match self.ending {
            Ending::Answered | Ending::Rejected => Reason::AlreadyUsed,
            Ending::Expired => Reason::TooLate,
            Ending::Displaced | Ending::Cancelled => Reason::Cancelled,
        }
    }
}

impl Issuer {
    fn permits(&self, iss: Option<&str>) -> bool {
        match (self, iss) {
            (Self::Required(expected), Some(iss)) => iss == expected,
            (Self::Required(_), None) => false,
            (Self::IfPresent(_), None) => true,
            (Self::IfPresent(template), Some(iss)) => match template.split_once("{tenantid}") {
                None => iss == template,
                Some((before, after)) => iss
                    .strip_prefix(before)
                    .and_then(|rest| rest.strip_suffix(after))
                    .is_some_and(is_guid),
            },
        }
    }
}

/// The parameters that are used. Everything else, including `access_token` and `id_token`, must be well formed and is
/// then dropped.
#[derive(Default)]
struct Parameters {
    state: Option<String>,
    iss: Option<String>,
    code: Option<SecretString>,
    error: Option<String>,
    error_description: Option<String>,
}

impl Parameters {
    fn parse(text: &str) -> Result<Self, Reason> {
        let mut parameters = Self::default();
        let mut names = HashSet::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if names.len() == MOST_PARAMETERS {
                return Err(Reason::Malformed);
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            match name.as_str() {
                "state" => parameters.state = Some(value),
                "iss" => parameters.iss = Some(value),
                "code" => parameters.code = Some(SecretString::from(value)),
                "error" => parameters.error = Some(value),
                "error_description" => parameters.error_description = Some(value),
                _ => {}
            }
            if !names.insert(name) {
                return Err(Reason::Duplicate);
            }
        }
        Ok(parameters)
    }

    /// An error takes precedence over a code: a provider sends one of them.
    fn into_answer(self) -> Result<AuthorizationResponse, Reason> {
        if let Some(error) = self.error {
            let description = self.error_description.unwrap_or_default();
            return Ok(AuthorizationResponse::Refused {
                error: error_code(error),
                description: printable(&description),
            });
        }
        let code = self
            .code
            .filter(|code| !code.expose_secret().is_empty())
            .ok_or(Reason::Empty)?;
        // RFC 6749 appendix A.11.
        if !code
            .expose_secret()
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~'))
        {
            return Err(Reason::Malformed);
        }
        Ok(AuthorizationResponse::Code(code))
    }
}

/// Replaced as a whole: removing characters could turn an unknown code into a known one.
fn error_code(error: String) -> String {
    let known_form = (1..=64).contains(&error.len())
        && error.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_'));
    if known_form {
        error
    } else {
        "unrecognised_error".to_owned()
    }
}

fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| matches!(c, ' '..='~'))
        .take(LONGEST_DESCRIPTION)
        .collect()
}

/// Undoes form encoding, strictly: a bad escape, a raw character that every browser escapes, a NUL or bytes that are
/// not UTF-8 make the whole arrival malformed.
fn decode(text: &str) -> Result<String, Reason> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) if (high, low) != (0, 0) => high << 4 | low,
                _ => return Err(Reason::Malformed),
            },
            b'+' => b' ',
            byte if byte.is_ascii_graphic() => byte,
            _ => return Err(Reason::Malformed),
        });
    }
    String::from_utf8(decoded).map_err(|_| Reason::Malformed)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests;
