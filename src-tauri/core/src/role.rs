//! A role of AWS as the user connects it: whose credentials assume it, what it may do, and what waits for it.
//!
//! These are names and choices, and no secret: every layer from IPC to the keychain has them in these types. Asking AWS
//! is `provider/aws.rs`'s, the access keys themselves are `credential.rs`'s.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::{Code, Error, Result};
use crate::resource::Identifier;
use crate::text;

/// The source of the credentials that assume a role: `default`, `profile:NAME`, `keychain:ACCESS_KEY_ID`, or
/// `identity-center:ACCOUNT/123456789012/ROLE`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(try_from = "String", into = "String")]
#[ts(export, type = "string")]
pub enum Source {
    /// The SDK's default chain: environment, the default profile, the machine's role.
    Default,
    /// A profile of the shared config.
    Profile(String),
    /// Access keys that the user typed in, by their id.
    Keychain(String),
    /// A role of a sign-in to IAM Identity Center.
    Center(CenterRole),
}

/// A role of a sign-in to IAM Identity Center, as the source of another role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CenterRole {
    /// The account here that is the sign-in: its id, or a name of it as the user types it.
    pub account: String,
    /// The AWS account and the role.
    pub pair: Identifier,
}

impl Source {
    /// The id of the typed access keys, when the source is such keys.
    pub fn access_key_id(&self) -> Option<&str> {
        match self {
            Self::Keychain(id) => Some(id),
            Self::Default | Self::Profile(_) | Self::Center(_) => None,
        }
    }

    /// The role of IAM Identity Center, when the source is one.
    pub fn center(&self) -> Option<&CenterRole> {
        match self {
            Self::Center(center) => Some(center),
            Self::Default | Self::Profile(_) | Self::Keychain(_) => None,
        }
    }
}

impl FromStr for Source {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let source = match text.trim().split_once(':') {
            None if text.trim() == "default" => Some(Self::Default),
            Some(("profile", name)) => named(name).map(Self::Profile),
            Some(("keychain", id)) => named(id)
                .filter(|id| is_access_key_id(id))
                .map(Self::Keychain),
            Some(("identity-center", path)) => CenterRole::parse(path).map(Self::Center),
            _ => None,
        };
        source.ok_or_else(|| {
            let message = format!(
                "\"{}\" is not an AWS credential source. Use default, profile:NAME, keychain:ACCESS_KEY_ID or identity-center:ACCOUNT/123456789012/ROLE.",
                text::shown(text)
            );
            Error::new(Code::InvalidInput, message)
        })
    }
}

impl TryFrom<String> for Source {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.to_string()
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Profile(name) => write!(f, "profile:{name}"),
            Self::Keychain(id) => write!(f, "keychain:{id}"),
            Self::Center(CenterRole { account, pair }) => {
                write!(f, "identity-center:{account}/{pair}")
            }
        }
    }
}

impl CenterRole {
    /// The name of an account may hold slashes; the AWS account and the role may not.
    fn parse(path: &str) -> Option<Self> {
        let (rest, role) = path.rsplit_once('/')?;
        let (account, account_id) = rest.rsplit_once('/')?;
        let pair = Identifier::parse_pair(&format!("{account_id}/{role}"))?;
        let account = account.trim();
        (!account.is_empty()).then(|| Self {
            account: account.to_owned(),
            pair,
        })
    }
}

/// A source as the user names it: a `Source`, or `keychain` for the only access keys that there are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(try_from = "String")]
#[ts(export, type = "string")]
pub enum SourceChoice {
    /// This source.
    Named(Source),
    /// The only access keys that the keychain holds.
    OnlyKeys,
}

impl SourceChoice {
    /// Whether a source is one that the user may have meant.
    pub fn fits(&self, source: &Source) -> bool {
        match self {
            Self::Named(named) => named == source,
            Self::OnlyKeys => source.access_key_id().is_some(),
        }
    }
}

impl FromStr for SourceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim() {
            "keychain" => Ok(Self::OnlyKeys),
            other => other.parse().map(Self::Named),
        }
    }
}

impl TryFrom<String> for SourceChoice {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Source> for SourceChoice {
    fn from(source: Source) -> Self {
        Self::Named(source)
    }
}

/// AWS's form of access key ids: 16 to 128 letters and digits.
pub fn is_access_key_id(id: &str) -> bool {
    (16..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether a text can name an MFA device: AWS's form of serial numbers, 9 to 256 characters (STS `GetSessionToken`).
pub fn is_mfa_device(serial: &str) -> bool {
    (9..=256).contains(&serial.len())
        && serial
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_=/:,.@-".contains(&byte))
}

/// Whether a text can be an External ID: at most 1,224 characters of AWS's set.
pub fn is_external_id(text: &str) -> bool {
    (1..=1_224).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte))
}

/// Whether an AWS role refused callers without its External ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Enforcement {
    /// Refused without the id and with a wrong one.
    Enforced,
    /// Could be assumed without the right id, and the user accepted that.
    NotEnforced,
    /// Not established.
    Unknown,
}

/// The role's permissions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum Permissions {
    /// AWS's `ViewOnlyAccess`: lists resources, reads no content.
    #[default]
    ViewOnly,
    /// AWS's `ReadOnlyAccess`: reads resources with their content.
    ReadOnly,
    /// Nothing: a policy is attached later.
    Nothing,
    /// A policy of the user's choice.
    Policy {
        /// Its ARN.
        arn: String,
    },
}

/// A connection to AWS that waits for its role. Identified by its External ID, which is not secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct PendingRole {
    /// The External ID, fixed from here on.
    pub external_id: String,
    /// The source of the credentials that assume the role.
    pub source: Source,
    /// The caller in the templates.
    pub principal_arn: String,
    /// The role's name in the templates.
    pub role_name: String,
    /// The role's permissions in the templates.
    #[serde(default)]
    pub permissions: Permissions,
    /// The length of its sessions in seconds, if one was chosen.
    #[serde(default)]
    pub session_seconds: Option<u32>,
    /// When it was issued.
    #[ts(type = "string")]
    pub made_at: Timestamp,
}

/// AWS access keys that the user typed in, without their secret part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct TypedKeys {
    /// The access key id.
    pub access_key_id: String,
    /// The ARN of their owner, from AWS when they were entered.
    pub arn: String,
    /// When they were entered.
    #[ts(type = "string")]
    pub added_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_survives_its_text_and_what_is_none_is_refused() {
        for text in ["default", "profile:a:b", "keychain:AKIAIOSFODNN7EXAMPLE"] {
            let source: Source = text.parse().expect(text);
            assert_eq!(source.to_string(), text);
            let json = serde_json::to_string(&source).expect("a text");
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(
                serde_json::from_str::<Source>(&json).expect("a text"),
                source
            );
        }
        for odd in ["", "profile:", "keychain:", "keychain:ada", "keychain", "x"] {
            assert!(odd.parse::<Source>().is_err(), "{odd}");
            assert!(
                serde_json::from_value::<Source>(odd.into()).is_err(),
                "{odd}"
            );
        }
    }

    #[test]
    fn the_only_keys_are_a_choice_and_fit_every_keychain_source() {
        let choice: SourceChoice = " keychain ".parse().expect("a choice");
        let keys: Source = "keychain:AKIAIOSFODNN7EXAMPLE".parse().expect("a source");
        assert!(choice.fits(&keys) && !choice.fits(&Source::Default));
        assert!(SourceChoice::from(keys.clone()).fits(&keys));
    }
}
