//! Secrets: grants and sessions.
//!
//! Neither derives `Debug` or has `Serialize`. Their form in the keychain is private to `credential/stored.rs`, and created
//! only there.

mod stored;

#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::account::SessionTimes;
use crate::error::{Code, Error, Result};
use crate::role::{CenterRole, Source};

/// The long-lived result of a sign-in, from which sessions are created.
#[derive(Clone)]
pub enum Grant {
    /// A refresh token (Azure, Google Cloud).
    RefreshToken(RefreshGrant),
    /// A role and its source (AWS).
    Role(RoleGrant),
    /// A sign-in to AWS IAM Identity Center.
    IdentityCenter(IdentityCenterGrant),
}

/// A refresh token, with the server and the client for redeeming it.
#[derive(Clone, Deserialize)]
pub struct RefreshGrant {
    /// The refresh token.
    pub refresh_token: SecretString,
    /// The app registration that it was issued to.
    pub client_id: String,
    /// The client secret, for providers that issue one to apps that cannot keep it (Google).
    #[serde(default)]
    pub client_secret: Option<SecretString>,
    /// The sign-in server that issued it.
    pub authority: Url,
    /// The token endpoint; for Entra with `{tenant}` instead of the tenant.
    pub token_endpoint: String,
    /// Who issues its id_tokens; for Entra with `{tenantid}` in the place of the tenant. None in grants of earlier versions.
    #[serde(default)]
    pub issuer: Option<String>,
    /// When this token was issued.
    pub issued_at: Timestamp,
}

/// An AWS role, its External ID, and its source.
#[derive(Clone, Deserialize)]
pub struct RoleGrant {
    /// The role's ARN.
    pub role_arn: String,
    /// The External ID, sent with every request for the role.
    pub external_id: String,
    /// The source that assumes it.
    pub source: Source,
    /// The access keys of a `keychain:` source, or the credentials of an `identity-center:` one. They have a record of
    /// their own: they are added when the grant is read and never stored with it.
    #[serde(skip)]
    pub keys: Option<AccessKeys>,
    /// The session that the user's MFA device confirmed, if the source needs one.
    #[serde(default)]
    pub mfa: Option<MfaSession>,
}

/// A session of an IAM user that an MFA device confirmed (STS `GetSessionToken`). It serves until it expires.
#[derive(Clone, Deserialize)]
pub struct MfaSession {
    /// The ARN or serial number of the device.
    pub device: String,
    /// The id of the user's own access key that the session was made with.
    pub made_with: String,
    /// The session's keys.
    pub keys: AccessKeys,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A sign-in to AWS IAM Identity Center. Every role of it shares the access token, which rotates with the refresh token,
/// and both belong to the registration: so they are one record under one lock.
#[derive(Clone, Deserialize)]
pub struct IdentityCenterGrant {
    /// The region of the sign-in.
    pub region: String,
    /// The start URL that the registration was made for.
    pub start_url: String,
    /// The registration of this program, made for this sign-in.
    pub client_id: String,
    /// The registration's secret.
    pub client_secret: SecretString,
    /// When the registration expires, where AWS said so.
    #[serde(default)]
    pub registered_until: Option<Timestamp>,
    /// Whether the registration is for codes that are typed on another device.
    #[serde(default)]
    pub by_device_code: bool,
    /// The refresh token, which may be good for one use only.
    #[serde(default)]
    pub refresh_token: Option<SecretString>,
    /// The token that the access portal takes.
    pub access_token: SecretString,
    /// How long the access token lives.
    pub access_token_times: SessionTimes,
}

/// AWS access keys: a user's own, or those of a session when there is a session token.
#[derive(Clone, Deserialize)]
pub struct AccessKeys {
    /// The access key id. Not a secret: AWS shows it in logs and consoles.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: SecretString,
    /// The session token, which a user's own keys do not have.
    #[serde(default)]
    pub session_token: Option<SecretString>,
    /// The MFA device that confirms sessions of these keys, when the user named one.
    #[serde(default)]
    pub mfa_device: Option<String>,
}

impl Credential {
    /// Whether its parts are visible ASCII, as those of every cloud are: programs print them, and headers hold them.
    pub(crate) fn has_its_form(&self) -> bool {
        let fits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        match self {
            Self::Bearer(token) | Self::Portal(token) => fits(token.expose_secret()),
            Self::AccessKeys(keys) => {
                let token = keys.session_token.as_ref();
                fits(&keys.access_key_id)
                    && fits(keys.secret_access_key.expose_secret())
                    && token.is_none_or(|token| fits(token.expose_secret()))
            }
        }
    }
}

/// The short-lived credential created from a grant.
#[derive(Clone)]
pub struct Session {
    /// The credential itself.
    pub credential: Credential,
    /// Its lifetime.
    pub times: SessionTimes,
    /// The generation of the account that it was created for.
    pub generation: u64,
}

/// A credential, in its cloud's form.
#[derive(Clone)]
pub enum Credential {
    /// A bearer token (Azure, Google Cloud).
    Bearer(SecretString),
    /// Access keys with a session token (AWS).
    AccessKeys(AccessKeys),
    /// A token for the access portal of IAM Identity Center. It is never issued: it opens every role.
    Portal(SecretString),
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RefreshToken(grant) => f
                .debug_struct("Grant")
                .field("issued_at", &grant.issued_at)
                .finish_non_exhaustive(),
            Self::Role(grant) => f
                .debug_struct("Grant")
                .field("role_arn", &grant.role_arn)
                .finish_non_exhaustive(),
            Self::IdentityCenter(grant) => f
                .debug_struct("Grant")
                .field("start_url", &grant.start_url)
                .finish_non_exhaustive(),
        }
    }
}

impl fmt::Debug for MfaSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MfaSession")
            .field("device", &self.device)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AccessKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKeys")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

impl Grant {
    /// The refresh token in it.
    ///
    /// # Errors
    /// `internal` for a role: no caller mixes clouds.
    pub fn refresh_token(&self) -> Result<&RefreshGrant> {
        match self {
            Self::RefreshToken(grant) => Ok(grant),
            Self::Role(_) | Self::IdentityCenter(_) => Err(of_another_cloud()),
        }
    }

    /// The role in it.
    ///
    /// # Errors
    /// `internal` for a refresh token: no caller mixes clouds.
    pub fn role(&self) -> Result<&RoleGrant> {
        match self {
            Self::Role(grant) => Ok(grant),
            Self::RefreshToken(_) | Self::IdentityCenter(_) => Err(of_another_cloud()),
        }
    }

    /// The app registration that the grant was issued to; none for a role.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::RefreshToken(grant) => Some(&grant.client_id),
            Self::Role(_) | Self::IdentityCenter(_) => None,
        }
    }

    /// The id of access keys that the grant needs and that have a record of their own.
    pub fn access_key_id(&self) -> Option<&str> {
        match self {
            Self::Role(grant) => grant.source.access_key_id(),
            Self::RefreshToken(_) | Self::IdentityCenter(_) => None,
        }
    }

    /// The role of IAM Identity Center whose credentials the grant needs.
    pub fn center_role(&self) -> Option<&CenterRole> {
        match self {
            Self::Role(grant) => grant.source.center(),
            Self::RefreshToken(_) | Self::IdentityCenter(_) => None,
        }
    }

    /// The grant with the access keys that it needs.
    #[must_use]
    pub fn with_access_keys(mut self, keys: AccessKeys) -> Self {
        if let Self::Role(grant) = &mut self {
            grant.keys = Some(keys);
        }
        self
    }
}

impl Session {
    /// The bearer token in it.
    ///
    /// # Errors
    /// `unsupported` for AWS, whose clients use access keys.
    pub fn bearer(&self) -> Result<&SecretString> {
        match &self.credential {
            Credential::Bearer(token) => Ok(token),
            Credential::AccessKeys(_) | Credential::Portal(_) => Err(Error::new(
                Code::Unsupported,
                "An AWS account has access keys instead of an access token. Run \"mcm credential-process\" or \"mcm env\".",
            )),
        }
    }

    /// The access keys in it.
    ///
    /// # Errors
    /// `unsupported` for Azure and Google Cloud, whose clients use a bearer token.
    pub fn access_keys(&self) -> Result<&AccessKeys> {
        match &self.credential {
            Credential::AccessKeys(keys) => Ok(keys),
            Credential::Bearer(_) => Err(Error::new(
                Code::Unsupported,
                "This account has an access token instead of access keys. Run \"mcm token\" or \"mcm env\".",
            )),
            Credential::Portal(_) => Err(Error::new(
                Code::InvalidInput,
                "Name an account and a role of this sign-in, as in NAME/123456789012/ROLE.",
            )),
        }
    }

    /// The access portal's token in it.
    ///
    /// # Errors
    /// `internal` for any other session: only the provider asks.
    pub(crate) fn portal_token(&self) -> Result<&SecretString> {
        match &self.credential {
            Credential::Portal(token) => Ok(token),
            Credential::Bearer(_) | Credential::AccessKeys(_) => Err(of_another_cloud()),
        }
    }
}

fn of_another_cloud() -> Error {
    Error::new(
        Code::Internal,
        "A provider got a grant of another cloud. Report this with the reference.",
    )
}
