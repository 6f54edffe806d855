//! Grants, access keys and sessions as the keychain holds them: JSON with a kind, read from every earlier version.
//!
//! An entry that is not ours is an error that does not quote it.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{AccessKeys, Credential, Grant, Session};
use crate::account::SessionTimes;
use crate::error::{Code, Error, Result};
use crate::role::Source;

#[derive(Serialize)]
struct StoredRefreshGrant<'a> {
    refresh_token: &'a str,
    client_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    authority: &'a Url,
    token_endpoint: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<&'a str>,
    issued_at: Timestamp,
}

#[derive(Serialize)]
struct StoredRoleGrant<'a> {
    role_arn: &'a str,
    external_id: &'a str,
    source: &'a Source,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa: Option<StoredMfaSession<'a>>,
}

#[derive(Serialize)]
struct StoredMfaSession<'a> {
    device: &'a str,
    made_with: &'a str,
    keys: StoredAccessKeys<'a>,
    expires_at: Timestamp,
}

#[derive(Serialize)]
struct StoredIdentityCenterGrant<'a> {
    region: &'a str,
    start_url: &'a str,
    client_id: &'a str,
    client_secret: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    registered_until: Option<Timestamp>,
    by_device_code: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    access_token: &'a str,
    access_token_times: SessionTimes,
}

#[derive(Serialize)]
struct StoredAccessKeys<'a> {
    access_key_id: &'a str,
    secret_access_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mfa_device: Option<&'a str>,
}

#[derive(Serialize)]
struct StoredSession<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_keys: Option<StoredAccessKeys<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    portal_token: Option<&'a str>,
    times: SessionTimes,
    generation: u64,
}

#[derive(Deserialize)]
struct ReadSession {
    access_token: Option<SecretString>,
    access_keys: Option<AccessKeys>,
    portal_token: Option<SecretString>,
    times: SessionTimes,
    generation: u64,
}

/// The kind of a stored grant, without its content.
#[derive(Deserialize)]
struct GrantKind {
    role_arn: Option<IgnoredAny>,
    start_url: Option<IgnoredAny>,
}

impl Grant {
    /// The bytes for the keychain.
    pub fn to_bytes(&self) -> SecretSlice<u8> {
        match self {
            Self::RefreshToken(grant) => stored(&StoredRefreshGrant {
                refresh_token: grant.refresh_token.expose_secret(),
                client_id: &grant.client_id,
                client_secret: grant
                    .client_secret
                    .as_ref()
                    .map(ExposeSecret::expose_secret),
                authority: &grant.authority,
                token_endpoint: &grant.token_endpoint,
                issuer: grant.issuer.as_deref(),
                issued_at: grant.issued_at,
            }),
            Self::Role(grant) => stored(&StoredRoleGrant {
                role_arn: &grant.role_arn,
                external_id: &grant.external_id,
                source: &grant.source,
                mfa: grant.mfa.as_ref().map(|session| StoredMfaSession {
                    device: &session.device,
                    made_with: &session.made_with,
                    keys: session.keys.for_storing(),
                    expires_at: session.expires_at,
                }),
            }),
            Self::IdentityCenter(grant) => stored(&StoredIdentityCenterGrant {
                region: &grant.region,
                start_url: &grant.start_url,
                client_id: &grant.client_id,
                client_secret: grant.client_secret.expose_secret(),
                registered_until: grant.registered_until,
                by_device_code: grant.by_device_code,
                refresh_token: grant
                    .refresh_token
                    .as_ref()
                    .map(ExposeSecret::expose_secret),
                access_token: grant.access_token.expose_secret(),
                access_token_times: grant.access_token_times,
            }),
        }
    }

    /// Parses the bytes of `to_bytes`.
    ///
    /// # Errors
    /// `keychain-failed` when they are something else.
    pub fn from_bytes(bytes: &SecretSlice<u8>) -> Result<Self> {
        match parsed::<GrantKind>(bytes)? {
            GrantKind {
                role_arn: Some(_), ..
            } => parsed(bytes).map(Self::Role),
            GrantKind {
                start_url: Some(_), ..
            } => parsed(bytes).map(Self::IdentityCenter),
            _ => parsed(bytes).map(Self::RefreshToken),
        }
    }
}

impl AccessKeys {
    /// The bytes for the keychain.
    pub fn to_bytes(&self) -> SecretSlice<u8> {
        stored(&self.for_storing())
    }

    /// Parses the bytes of `to_bytes`.
    ///
    /// # Errors
    /// `keychain-failed` when they are something else.
    pub fn from_bytes(bytes: &SecretSlice<u8>) -> Result<Self> {
        parsed(bytes)
    }

    fn for_storing(&self) -> StoredAccessKeys<'_> {
        StoredAccessKeys {
            access_key_id: &self.access_key_id,
            secret_access_key: self.secret_access_key.expose_secret(),
            session_token: self.session_token.as_ref().map(ExposeSecret::expose_secret),
            mfa_device: self.mfa_device.as_deref(),
        }
    }
}

impl Session {
    /// The bytes for the keychain.
    pub fn to_bytes(&self) -> SecretSlice<u8> {
        let (access_token, access_keys, portal_token) = match &self.credential {
            Credential::Bearer(token) => (Some(token.expose_secret()), None, None),
            Credential::AccessKeys(keys) => (None, Some(keys.for_storing()), None),
            Credential::Portal(token) => (None, None, Some(token.expose_secret())),
        };
        let (times, generation) = (self.times, self.generation);
        stored(&StoredSession {
            access_token,
            access_keys,
            portal_token,
            times,
            generation,
        })
    }

    /// Parses the bytes of `to_bytes`.
    ///
    /// # Errors
    /// `keychain-failed` when they are something else.
    pub fn from_bytes(bytes: &SecretSlice<u8>) -> Result<Self> {
        let ReadSession {
            access_token,
            access_keys,
            portal_token,
            times,
            generation,
        } = parsed(bytes)?;
        let credential = match (access_token, access_keys, portal_token) {
            (Some(token), None, None) => Credential::Bearer(token),
            (None, Some(keys), None) => Credential::AccessKeys(keys),
            (None, None, Some(token)) => Credential::Portal(token),
            _ => return Err(not_ours()),
        };
        Ok(Self {
            credential,
            times,
            generation,
        })
    }
}

fn stored(value: &impl Serialize) -> SecretSlice<u8> {
    serde_json::to_vec(value)
        .expect("plain fields serialise")
        .into()
}

fn parsed<'a, T: Deserialize<'a>>(bytes: &'a SecretSlice<u8>) -> Result<T> {
    // The parser's error may quote its input, so it is dropped.
    serde_json::from_slice(bytes.expose_secret()).map_err(|_| not_ours())
}

fn not_ours() -> Error {
    let message = "A keychain entry of this app is not valid. Sign in again to replace it.";
    Error::new(Code::KeychainFailed, message)
}
