//! What the keychain holds: grants, sessions and access keys, and the names under which their entries are found.

use crate::account::{AccountId, GrantKey};
use crate::digest::digest;

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// The long-lived part: a refresh token, or a role with its External ID and source. It cannot be recreated.
    Grant,
    /// The short-lived credential created from a Grant. It can be recreated.
    Session,
    /// AWS access keys that the user typed. They cannot be recreated.
    AccessKeys,
}

impl RecordKind {
    /// The first word of the keychain entry's user name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Session => "session",
            Self::AccessKeys => "access-keys",
        }
    }

    /// The word for the user.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Grant => "sign-in",
            Self::Session => "session",
            Self::AccessKeys => "access keys",
        }
    }
}

/// The name of one secret in the keychain. It reveals nothing about the user: no address, no tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    kind: RecordKind,
    key: String,
}

impl Record {
    /// The Grant with a key.
    pub fn grant(key: &GrantKey) -> Self {
        let text = key.as_str();
        let fits = !text.is_empty()
            && text.len() <= 64
            && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        Self {
            kind: RecordKind::Grant,
            key: if fits {
                text.to_owned()
            } else {
                digest([text])
            },
        }
    }

    /// The Session of an account for one resource.
    pub fn session(account: &AccountId, resource: &str) -> Self {
        Self {
            kind: RecordKind::Session,
            key: digest([account.as_str(), resource]),
        }
    }

    /// The AWS access keys with an id.
    pub fn access_keys(access_key_id: &str) -> Self {
        Self {
            kind: RecordKind::AccessKeys,
            key: digest([access_key_id]),
        }
    }

    /// What the record is.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The user name of the record's first keychain entry. It has no dot, because Windows joins user and service with
    /// one and would otherwise treat two names as the same.
    pub fn user(&self) -> String {
        format!("{}-{}", self.kind.as_str(), self.key)
    }
}
