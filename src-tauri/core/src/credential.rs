//! What is secret: grants and sessions, and their form in the keychain.
//!
//! No `Debug`, no `Serialize` on either; the form for the keychain is private to this file and is made only there.

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::account::SessionTimes;
use crate::error::{Code, Error, Result};

/// The long-lived thing that a sign-in gave: a refresh token, and where and as whom it can be redeemed.
#[derive(Clone, Deserialize)]
pub struct Grant {
    /// The refresh token.
    pub refresh_token: SecretString,
    /// The app registration that it was issued to.
    pub client_id: String,
    /// That app registration's secret, for providers that issue one to apps that cannot keep it (Google).
    #[serde(default)]
    pub client_secret: Option<SecretString>,
    /// The sign-in server that issued it.
    pub authority: Url,
    /// Where it is redeemed; for Entra with `{tenant}` in the place of the tenant.
    pub token_endpoint: String,
    /// When this token was issued.
    pub issued_at: Timestamp,
}

/// The short-lived credential made from a grant.
#[derive(Clone, Deserialize)]
pub struct Session {
    /// The access token.
    pub access_token: SecretString,
    /// How long it lives.
    pub times: SessionTimes,
    /// The generation of the account that it was made for.
    pub generation: u64,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("issued_at", &self.issued_at).finish_non_exhaustive()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("times", &self.times).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct StoredGrant<'a> {
    refresh_token: &'a str,
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    authority: &'a Url,
    token_endpoint: &'a str,
    issued_at: Timestamp,
}

#[derive(Serialize)]
struct StoredSession<'a> {
    access_token: &'a str,
    times: SessionTimes,
    generation: u64,
}

impl Grant {
    /// The bytes that the keychain keeps.
    pub fn to_bytes(&self) -> SecretSlice<u8> {
        stored(&StoredGrant {
            refresh_token: self.refresh_token.expose_secret(),
            client_id: &self.client_id,
            client_secret: self.client_secret.as_ref().map(ExposeSecret::expose_secret),
            authority: &self.authority,
            token_endpoint: &self.token_endpoint,
            issued_at: self.issued_at,
        })
    }

    /// Reads what `to_bytes` wrote.
    ///
    /// # Errors
    /// `keychain-failed` when it is something else.
    pub fn from_bytes(bytes: &SecretSlice<u8>) -> Result<Self> {
        parsed(bytes)
    }
}

impl Session {
    /// The bytes that the keychain keeps.
    pub fn to_bytes(&self) -> SecretSlice<u8> {
        stored(&StoredSession {
            access_token: self.access_token.expose_secret(),
            times: self.times,
            generation: self.generation,
        })
    }

    /// Reads what `to_bytes` wrote.
    ///
    /// # Errors
    /// `keychain-failed` when it is something else.
    pub fn from_bytes(bytes: &SecretSlice<u8>) -> Result<Self> {
        parsed(bytes)
    }
}

fn stored(value: &impl Serialize) -> SecretSlice<u8> {
    serde_json::to_vec(value).expect("plain fields serialise").into()
}

fn parsed<'a, T: Deserialize<'a>>(bytes: &'a SecretSlice<u8>) -> Result<T> {
    // The parser's error may quote what it read, so it is dropped.
    serde_json::from_slice(bytes.expose_secret()).map_err(|_| {
        let message = "A keychain entry of this app holds something that it did not write. Sign in again to replace it.";
        Error::new(Code::KeychainFailed, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_and_a_session_survive_the_keychain_and_their_debug_shows_nothing() {
        let grant = Grant {
            refresh_token: "CANARY-rt".into(),
            client_id: "c".into(),
            client_secret: Some("CANARY-cs".into()),
            authority: Url::parse("https://login.example/").expect("a URL"),
            token_endpoint: "https://login.example/{tenant}/token".into(),
            issued_at: Timestamp::UNIX_EPOCH,
        };
        let back = Grant::from_bytes(&grant.to_bytes()).expect("what was written");
        assert_eq!(back.refresh_token.expose_secret(), "CANARY-rt");
        assert_eq!(back.client_secret.as_ref().map(ExposeSecret::expose_secret), Some("CANARY-cs"));
        assert!(!format!("{back:?}").contains("CANARY"));

        let times = SessionTimes { issued_at: Timestamp::UNIX_EPOCH, expires_at: Timestamp::UNIX_EPOCH };
        let session = Session { access_token: "CANARY-at".into(), times, generation: 3 };
        let back = Session::from_bytes(&session.to_bytes()).expect("what was written");
        assert_eq!((back.access_token.expose_secret(), back.generation), ("CANARY-at", 3));
        assert!(!format!("{back:?}").contains("CANARY"));
    }

    #[test]
    fn a_grant_that_was_kept_before_there_were_client_secrets_is_read() {
        let json = r#"{"refresh_token":"r","client_id":"c","authority":"https://login.example/",
            "token_endpoint":"https://login.example/token","issued_at":"2026-11-24T10:00:00Z"}"#;
        let grant = Grant::from_bytes(&json.as_bytes().to_vec().into()).expect("an older entry");
        assert!(grant.client_secret.is_none());
    }

    #[test]
    fn an_entry_that_is_not_ours_is_an_error_that_does_not_quote_it() {
        let error = Grant::from_bytes(&b"CANARY".to_vec().into()).expect_err("not ours");
        assert!(!format!("{error:?}").contains("CANARY"));
    }
}
