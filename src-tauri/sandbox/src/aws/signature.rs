//! Signature Version 4, from the side that verifies.
//!
//! Follows "Create a signed AWS API request" of the IAM user guide for signatures in the `Authorization` header and in the
//! query, where they come with a life of their own. Whose key it is, and whether that key is still good, is decided in
//! `keys.rs`.

use std::collections::HashMap;
use std::time::Duration;

use aws_lc_rs::hmac;
use axum::http::HeaderMap;
use axum::http::request::Parts;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::refusal::AwsRefusal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// What the `Authorization` header of a request says, or its query.
pub(super) struct Signature {
    pub(super) access_key_id: String,
    /// The session token, when one was sent.
    pub(super) token: Option<String>,
    /// `20261124/eu-central-1/sts/aws4_request`.
    scope: String,
    signed_headers: String,
    value: String,
    /// `X-Amz-Date` as it came.
    date: String,
    pub(super) signed_at: Timestamp,
    /// How long an address that was signed in advance is good.
    pub(super) life: Option<Duration>,
}

impl Signature {
    /// Reads a request's signature without verifying it.
    pub(super) fn read(parts: &Parts) -> Result<Self, AwsRefusal> {
        match text(&parts.headers, "authorization") {
            Some(authorization) => Self::of_header(&parts.headers, authorization),
            None => Self::of_query(parts.uri.query().unwrap_or_default()),
        }
    }

    fn of_query(query: &str) -> Result<Self, AwsRefusal> {
        let fields: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let field = |name: &str| fields.get(name).cloned();
        let value = field("X-Amz-Signature").ok_or_else(AwsRefusal::missing_authentication)?;
        let incomplete = AwsRefusal::incomplete_signature;
        field("X-Amz-Algorithm")
            .filter(|algorithm| algorithm == ALGORITHM)
            .ok_or_else(incomplete)?;
        let credential = field("X-Amz-Credential").ok_or_else(incomplete)?;
        let (access_key_id, scope) = credential.split_once('/').ok_or_else(incomplete)?;
        let date = field("X-Amz-Date").ok_or_else(incomplete)?;
        let life = field("X-Amz-Expires")
            .and_then(|seconds| seconds.parse().ok())
            .ok_or_else(incomplete)?;
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            token: field("X-Amz-Security-Token"),
            scope: scope.to_owned(),
            signed_headers: field("X-Amz-SignedHeaders").ok_or_else(incomplete)?,
            value,
            signed_at: moment(&date)?,
            date,
            life: Some(Duration::from_secs(life)),
        })
    }

    fn of_header(headers: &HeaderMap, authorization: &str) -> Result<Self, AwsRefusal> {
        let incomplete = AwsRefusal::incomplete_signature;
        let parameters = authorization
            .strip_prefix(ALGORITHM)
            .ok_or_else(incomplete)?;
        let parameter = |name: &str| {
            let mut pairs = parameters
                .split(',')
                .filter_map(|pair| pair.trim().split_once('='));
            pairs
                .find(|(key, _)| *key == name)
                .map(|(_, value)| value)
                .ok_or_else(incomplete)
        };
        let (access_key_id, scope) = parameter("Credential")?
            .split_once('/')
            .ok_or_else(incomplete)?;
        let date = text(headers, "x-amz-date").ok_or_else(incomplete)?;
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            token: text(headers, "x-amz-security-token").map(str::to_owned),
            scope: scope.to_owned(),
            signed_headers: parameter("SignedHeaders")?.to_owned(),
            value: parameter("Signature")?.to_owned(),
            date: date.to_owned(),
            signed_at: moment(date)?,
            life: None,
        })
    }

    /// Whether the credential's scope is this service.
    pub(super) fn is_for(&self, service: &str) -> bool {
        matches!(self.scope.split('/').collect::<Vec<_>>().as_slice(), [_, _, s, "aws4_request"] if *s == service)
    }

    /// Whether the owner of the secret signed this request.
    pub(super) fn is_made_with(&self, secret: &str, parts: &Parts, body: &[u8]) -> bool {
        let canonical = self.canonical_request(parts, body);
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            self.date,
            self.scope,
            hex_digest(canonical.as_bytes())
        );
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in self.scope.split('/') {
            key = sign(&key, part);
        }
        hex(&sign(&key, &to_sign)) == self.value
    }

    fn canonical_request(&self, parts: &Parts, body: &[u8]) -> String {
        let headers: String = self
            .signed_headers
            .split(';')
            .map(|name| {
                let values = parts
                    .headers
                    .get_all(name)
                    .iter()
                    .filter_map(|value| value.to_str().ok());
                let values: Vec<String> = values.map(squeeze).collect();
                format!("{name}:{}\n", values.join(","))
            })
            .collect();
        format!(
            "{}\n{}\n{}\n{headers}\n{}\n{}",
            parts.method,
            encode(parts.uri.path(), true),
            canonical_query(parts.uri.query().unwrap_or_default()),
            self.signed_headers,
            hex_digest(body)
        )
    }
}

fn moment(date: &str) -> Result<Timestamp, AwsRefusal> {
    DateTime::strptime("%Y%m%dT%H%M%SZ", date)
        .and_then(|date| TimeZone::UTC.to_timestamp(date))
        .map_err(|_| AwsRefusal::incomplete_signature())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// A header's value without the spaces that proxies may change.
fn squeeze(value: &str) -> String {
    value
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name != "X-Amz-Signature")
        .map(|(name, value)| (encode(&name, false), encode(&value, false)))
        .collect();
    pairs.sort();
    pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

/// Percent-encodes all but RFC 3986's unreserved characters; upper-case hexadecimal, as AWS has it.
fn encode(text: &str, keeps_slash: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let is_plain = byte.is_ascii_alphanumeric()
            || b"-_.~".contains(&byte)
            || (keeps_slash && byte == b'/');
        if is_plain {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
        .as_ref()
        .to_vec()
}

fn hex_digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    /// The published example key pair; the requests are those of Amazon's documents and test suite.
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn request(uri: &str, headers: &[(&str, &str)], authorization: &str) -> Parts {
        let mut request = Request::get(uri).header("x-amz-date", "20150830T123600Z");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
            .header("authorization", authorization)
            .body(())
            .expect("a request")
            .into_parts()
            .0
    }

    fn is_valid(parts: &Parts, secret: &str) -> bool {
        let signature = Signature::read(parts).expect("a complete signature");
        signature.is_made_with(secret, parts, b"")
    }

    #[test]
    fn the_vanilla_request_of_the_test_suite_verifies() {
        let parts = request(
            "/",
            &[("host", "example.amazonaws.com")],
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        );
        assert!(is_valid(&parts, SECRET));
        assert!(!is_valid(&parts, "another secret"));
    }

    #[test]
    fn the_list_users_example_of_the_user_guide_verifies() {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        let headers = [
            ("host", "iam.amazonaws.com"),
            (
                "content-type",
                "application/x-www-form-urlencoded; charset=utf-8",
            ),
        ];
        let parts = request(
            "/?Action=ListUsers&Version=2010-05-08",
            &headers,
            authorization,
        );
        assert!(is_valid(&parts, SECRET));
        let signature = Signature::read(&parts).expect("a complete signature");
        assert!(signature.is_for("iam") && !signature.is_for("sts"));

        let changed = request(
            "/?Action=ListRoles&Version=2010-05-08",
            &headers,
            authorization,
        );
        assert!(!is_valid(&changed, SECRET));
    }

    #[test]
    fn queries_are_sorted_and_encoded_anew() {
        assert_eq!(canonical_query("b=2&a=x%2fy&a=+~"), "a=%20~&a=x%2Fy&b=2");
        assert_eq!(canonical_query("flag"), "flag=");
    }

    #[test]
    fn a_header_that_is_no_signature_is_refused_as_incomplete() {
        for authorization in [
            "Bearer x",
            "AWS4-HMAC-SHA256",
            "AWS4-HMAC-SHA256 Credential=A/B, SignedHeaders=host",
        ] {
            let parts = request("/", &[], authorization);
            assert_eq!(
                Signature::read(&parts)
                    .err()
                    .map(|refusal| refusal.code)
                    .as_deref(),
                Some("IncompleteSignature")
            );
        }
    }
}
