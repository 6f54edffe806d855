//! Claims challenges: what a resource or a sign-in server demands of the next token, as Microsoft's servers write it.
//!
//! A challenge is a JSON object (OpenID Connect Core 5.5). It comes in a token error, in a 401's `WWW-Authenticate`, or
//! from the user, and goes to the sign-in server with the capabilities of this app. It holds no secret.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::error::{Code, Error, MAX_CHALLENGE_BYTES, Result};

/// A claims challenge: one JSON object of at most 8 KiB.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClaimsChallenge(String);

impl ClaimsChallenge {
    /// Reads a challenge: JSON, or JSON in Base64 as a 401 carries it, with or without padding.
    ///
    /// # Errors
    /// `invalid-input` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.len() > MAX_CHALLENGE_BYTES {
            return Err(not_a_challenge("is longer than 8 KiB"));
        }
        let decoded = || {
            let bare = text.trim_end_matches('=');
            let bytes = URL_SAFE_NO_PAD
                .decode(bare)
                .or_else(|_| STANDARD_NO_PAD.decode(bare));
            bytes.ok().and_then(|bytes| object(&bytes))
        };
        object(text.as_bytes())
            .or_else(decoded)
            .filter(|claims| !claims.is_empty())
            .map(|claims| Self(Value::Object(claims).to_string()))
            .ok_or_else(|| not_a_challenge("is not a JSON object, as such or in Base64"))
    }

    /// The JSON.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClaimsChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The `claims` of a request: a challenge, if there is one, and the capability `cp1`, with which Entra evaluates access
/// continuously (Microsoft's page on claims challenges). A text that is no challenge is left out.
pub fn with_capability(challenge: Option<&str>) -> String {
    let challenge = challenge.and_then(|text| object(text.as_bytes()));
    let mut claims = challenge.unwrap_or_default();
    let demanded = claims
        .remove("access_token")
        .and_then(|demanded| match demanded {
            Value::Object(demanded) => Some(demanded),
            _ => None,
        });
    let mut demanded = demanded.unwrap_or_default();
    demanded.insert("xms_cc".to_owned(), json!({ "values": ["cp1"] }));
    claims.insert("access_token".to_owned(), Value::Object(demanded));
    Value::Object(claims).to_string()
}

fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    serde_json::from_slice(bytes).ok()
}

fn not_a_challenge(why: &str) -> Error {
    let message =
        format!("The claims challenge {why}. Pass the value of \"claims\" as the server sent it.");
    Error::new(Code::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_as_json_and_in_base64_and_nothing_else_is() {
        let json = r#"{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}"#;
        let wanted = ClaimsChallenge::parse(json).expect("JSON");
        assert_eq!(wanted.as_str(), json);
        // Microsoft's page on claims challenges shows this one.
        let base64 = "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTYwNDEwNjY1MSJ9fX0=";
        for text in [
            base64,
            base64.trim_end_matches('='),
            &format!(" {base64}\n"),
        ] {
            assert_eq!(ClaimsChallenge::parse(text).expect(text), wanted);
        }
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_CHALLENGE_BYTES));
        for text in [
            "", "{}", "null", "[]", "\"x\"", "e30", "AAAA", "{\"a\":1", &long,
        ] {
            let error = ClaimsChallenge::parse(text).expect_err(text);
            assert_eq!(error.code(), Code::InvalidInput, "{text}");
        }
    }

    #[test]
    fn the_capability_joins_what_is_demanded_and_replaces_nothing_else() {
        let of = |challenge| with_capability(challenge);
        let alone = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
        for challenge in [
            None,
            Some("CANARY"),
            Some("[]"),
            Some(r#"{"access_token":1}"#),
        ] {
            assert_eq!(of(challenge), alone, "{challenge:?}");
        }
        let both = r#"{"access_token":{"nbf":{"essential":true},"xms_cc":{"values":["x"]}},"id_token":{"a":null}}"#;
        assert_eq!(
            of(Some(both)),
            r#"{"access_token":{"nbf":{"essential":true},"xms_cc":{"values":["cp1"]}},"id_token":{"a":null}}"#
        );
    }
}
