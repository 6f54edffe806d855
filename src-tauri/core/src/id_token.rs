//! OpenID Connect id_tokens: decoding the claims and checking them.
//!
//! A native client gets the id_token directly over TLS from the token endpoint, so Entra's needs no signature check
//! (Microsoft's advice to native clients; MSAL does the same). The claims are checked anyway, before any token that
//! came with them is used (RFC 9700 4.5.3.2). Signatures are checked in `id_token/keys.rs`.

pub mod keys;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::error::{Code, Error, Result};
use crate::http::if_readable;

/// The permitted difference between the machine's clock and the server's, as in MSAL.
const SKEW: Duration = Duration::from_secs(120);

/// The longest subject (OpenID Connect Core 2: 255 ASCII characters).
const MAX_SUBJECT_BYTES: usize = 255;

/// The claims that any provider's sign-in reads. All but `subject` and the ids may change at any time. An optional
/// claim of an unexpected type counts as missing, because it is only shown or compared.
#[derive(Clone, Debug, Deserialize)]
pub struct Claims {
    /// The issuer.
    pub iss: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    nonce: Option<String>,
    /// The issuer's stable id of the user.
    pub sub: String,
    /// Entra: the tenant.
    #[serde(default, deserialize_with = "if_readable")]
    pub tid: Option<String>,
    /// Entra: the user's object id in that tenant.
    #[serde(default, deserialize_with = "if_readable")]
    pub oid: Option<String>,
    /// Entra: the user name, for display only.
    #[serde(default, deserialize_with = "if_readable")]
    pub preferred_username: Option<String>,
    /// The user's display name, for display only.
    #[serde(default, deserialize_with = "if_readable")]
    pub name: Option<String>,
    /// The e-mail address, for display only.
    #[serde(default, deserialize_with = "if_readable")]
    pub email: Option<String>,
    /// Google: whether the address is confirmed as the user's.
    #[serde(default, deserialize_with = "if_readable")]
    pub email_verified: Option<bool>,
    /// Google: the Workspace domain.
    #[serde(default, deserialize_with = "if_readable")]
    pub hd: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// The required claims of this flow.
pub struct Expected<'a> {
    /// Our client id.
    pub client_id: &'a str,
    /// The valid issuers, for the tenant that the token itself names.
    pub issuers: &'a [&'a str],
    /// The flow's nonce; none on a refresh, where servers send none.
    pub nonce: Option<&'a str>,
    /// The machine's time.
    pub now: Timestamp,
}

impl Claims {
    /// Decodes the claims without checking them.
    ///
    /// # Errors
    /// `sign-in-rejected` when it is not an id_token.
    pub fn decode(id_token: &SecretString) -> Result<Self> {
        let payload = id_token
            .expose_secret()
            .split('.')
            .nth(1)
            .unwrap_or_default();
        let bytes = URL_SAFE_NO_PAD
            .decode(payload.trim_end_matches('='))
            .map_err(|_| rejected("cannot be decoded"))?;
        let claims: Self = serde_json::from_slice(&bytes)
            .map_err(|_| rejected("lacks a claim that it must have"))?;
        if !is_user_id(&claims.sub) {
            return Err(rejected("has a user id that OpenID Connect does not allow"));
        }
        Ok(claims)
    }

    /// Checks that the token was issued by the right issuer, for this app and this flow, and is still valid.
    ///
    /// # Errors
    /// `sign-in-rejected`, naming the check; `clock-off` when it is not valid at the machine's time.
    pub fn check(&self, expected: &Expected<'_>) -> Result<()> {
        self.check_parties(expected.client_id, expected.issuers)?;
        if let Some(nonce) = expected.nonce {
            let same = self
                .nonce
                .as_deref()
                .unwrap_or_default()
                .as_bytes()
                .ct_eq(nonce.as_bytes());
            if !bool::from(same) {
                return Err(rejected("belongs to another sign-in"));
            }
        }
        let skew = SKEW.as_secs().cast_signed();
        let now = expected.now.as_second();
        if now > self.exp.saturating_add(skew)
            || self
                .nbf
                .is_some_and(|start| now < start.saturating_sub(skew))
        {
            return Err(Error::new(
                Code::ClockOff,
                format!(
                    "The provider's response is not valid at this machine's time, {}. Check the machine's clock and time \
                     zone, then try again.",
                    expected.now
                ),
            ));
        }
        Ok(())
    }

    /// The part of `check` that does not depend on the time or on a flow.
    ///
    /// # Errors
    /// As `check`.
    pub fn check_parties(&self, client_id: &str, issuers: &[&str]) -> Result<()> {
        if !issuers.contains(&self.iss.as_str()) {
            return Err(rejected("was issued by a different server"));
        }
        let for_us = match &self.aud {
            Audience::One(one) => one == client_id,
            Audience::Many(many) => many.len() == 1 && many[0] == client_id,
        };
        if !for_us {
            return Err(rejected("was issued to another app"));
        }
        Ok(())
    }
}

/// Whether a text can be a server's id of a user: 1 to 255 visible ASCII characters.
pub fn is_user_id(text: &str) -> bool {
    (1..=MAX_SUBJECT_BYTES).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn rejected(what: &str) -> Error {
    let message = format!(
        "The identity token in the provider's response {what}, so the response was not used. Start the sign-in again."
    );
    Error::new(Code::SignInRejected, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn token(json: &str) -> SecretString {
        format!("h.{}.s", URL_SAFE_NO_PAD.encode(json)).into()
    }

    fn check(json: &str, now: i64) -> Result<()> {
        Claims::decode(&token(json))?.check(&Expected {
            client_id: "us",
            issuers: &["https://issuer"],
            nonce: Some("n"),
            now: Timestamp::from_second(now).expect("a time"),
        })
    }

    fn claims(change: (&str, &str)) -> String {
        let good =
            format!(r#"{{"iss":"https://issuer","aud":"us","sub":"s","nonce":"n","exp":{NOW}}}"#);
        good.replace(change.0, change.1)
    }

    #[test]
    fn a_good_token_passes() {
        check(&claims(("", "")), NOW).expect("a good token");
        check(&claims((r#""us""#, r#"["us"]"#)), NOW).expect("a list of one audience");
    }

    #[test]
    fn an_optional_claim_of_an_odd_type_counts_as_missing() {
        let odd = r#""sub":"s","email":["a@b.example"],"email_verified":"true","name":7,"hd":null"#;
        let claims = Claims::decode(&token(&claims((r#""sub":"s""#, odd)))).expect("readable");
        assert_eq!((claims.email, claims.name, claims.hd), (None, None, None));
        assert_eq!(claims.email_verified, None);
    }

    #[test]
    fn each_wrong_claim_is_refused() {
        for change in [
            ("https://issuer", "https://issuer.evil"),
            (r#""us""#, r#""them""#),
            (r#""us""#, r#"["us","them"]"#),
            (r#""nonce":"n""#, r#""nonce":"m""#),
            (r#""nonce":"n","#, ""),
            (r#""sub":"s","#, ""),
            (r#""sub":"s""#, r#""sub":"""#),
            (r#""sub":"s""#, r#""sub":"a\u001b[31m""#),
            (r#""sub":"s""#, &format!(r#""sub":"{}""#, "s".repeat(256))),
        ] {
            let error = check(&claims(change), NOW).expect_err(change.1);
            assert_eq!(error.code(), Code::SignInRejected, "{change:?}");
        }
    }

    #[test]
    fn expiry_has_two_minutes_of_tolerance_and_names_the_clock() {
        check(&claims(("", "")), NOW + 120).expect("within the tolerance");
        let error = check(&claims(("", "")), NOW + 121).expect_err("beyond the tolerance");
        assert!(error.message().contains("clock"), "{error}");
        let early = claims((r#""sub""#, &format!(r#""nbf":{},"sub""#, NOW + 200)));
        assert!(check(&early, NOW).is_err(), "not valid yet");
    }

    #[test]
    fn garbage_is_refused_without_a_panic() {
        for text in ["", ".", "a.b.c", "..", "a.e30.c", "a.!!!.c"] {
            assert!(Claims::decode(&text.to_owned().into()).is_err(), "{text:?}");
        }
    }
}
