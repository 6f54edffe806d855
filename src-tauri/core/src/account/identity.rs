//! Who an account is: its cloud, its identity there, and the keys that are made of it.
//!
//! The same identity makes the same id and the same grant key on every machine. How storage may hold one is in
//! `account/stored.rs`.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::digest::digest;
use crate::role::{Enforcement, Source};

/// One of the three clouds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum Cloud {
    /// Microsoft Azure.
    Azure,
    /// Google Cloud.
    Gcp,
    /// Amazon Web Services.
    Aws,
}

impl Cloud {
    /// Every cloud, in the order in which screens show them.
    pub const ALL: [Self; 3] = [Self::Azure, Self::Gcp, Self::Aws];

    /// The short name in JSON, on the command line and in ids.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Azure => "azure",
            Self::Gcp => "gcp",
            Self::Aws => "aws",
        }
    }

    /// The product name of the cloud.
    pub fn title(self) -> &'static str {
        match self {
            Self::Azure => "Azure",
            Self::Gcp => "Google Cloud",
            Self::Aws => "AWS",
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The id of an account: its cloud and twelve hexadecimal digits made from its identity, so that connecting the
/// same identity again finds the same row. Not secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(export)]
pub struct AccountId(String);

impl AccountId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AccountId {
    /// Reads an id from storage: a cloud and twelve lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(text.to_owned());
        let (_, digits) = text.split_once('-')?;
        let fits = id.cloud().is_some() && digits.len() == 12 && is_lower_hex(digits);
        fits.then_some(id)
    }

    /// The cloud that the id names.
    pub fn cloud(&self) -> Option<Cloud> {
        let (name, _) = self.0.split_once('-')?;
        Cloud::ALL.into_iter().find(|cloud| cloud.as_str() == name)
    }
}

impl From<String> for AccountId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key of a grant, which identifies one refresh token (or one role connection). An Azure user's rows share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GrantKey(String);

impl GrantKey {
    /// Reads a key from storage: 32 lower-case hexadecimal digits. It becomes the name of a lock file.
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 32 && is_lower_hex(text)).then(|| Self(text.to_owned()))
    }

    /// The key of a grant that is no longer known. No grant has it.
    pub(crate) fn unknown() -> Self {
        Self("0".repeat(32))
    }

    /// The key of the same user's grant that another app registration made. One does not redeem what the other was given.
    #[must_use]
    pub fn of_client(&self, client_id: &str) -> Self {
        Self(digest(["grant", "client", &self.0, client_id]))
    }

    /// The key as text: hexadecimal digits, fit for a file name and a keychain entry.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_lower_hex(text: &str) -> bool {
    text.bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// An account's identity, in its cloud's own terms. The stable fields make the keys; the others are only shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "cloud",
    rename_all = "lowercase",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum Identity {
    /// A user in an Azure tenant. Key: `home` and `tenant_id`.
    Azure {
        /// The user, as `uid.utid` (Entra's home account id).
        home: String,
        /// The tenant, a GUID in lower case.
        tenant_id: String,
        /// The tenant's display name, if known.
        tenant_name: Option<String>,
        /// The tenant's default domain, if known.
        default_domain: Option<String>,
        /// The user name as Entra shows it; may change.
        username: String,
    },
    /// A Google account. Key: `issuer` and `subject`.
    Gcp {
        /// The issuer, in its `https` spelling.
        issuer: String,
        /// Google's stable id of the user.
        subject: String,
        /// The e-mail address, if Google confirms it; may change.
        email: Option<String>,
        /// The Workspace domain, when there is one.
        hosted_domain: Option<String>,
    },
    /// An AWS role. Key: the ARN, compared as AWS does.
    Aws {
        /// The role's ARN, as the user entered it.
        role_arn: String,
        /// The twelve-digit account id.
        account_id: String,
        /// The partition, for example `aws` or `aws-cn`.
        partition: String,
        /// The account's alias, if known.
        alias: Option<String>,
        /// The External ID that the role requires. Not a secret.
        external_id: String,
        /// Whether the role refuses callers without the External ID.
        enforced: Enforcement,
        /// Where the credentials come from that assume the role.
        source: Source,
        /// The caller's ARN when the role was last assumed.
        caller: String,
        /// The length of its sessions, in seconds.
        session_seconds: u32,
        /// The longest session that the role was seen to permit, if known.
        longest_session_seconds: Option<u32>,
        /// The name of its sessions, when one was chosen; else they are named after the caller.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        session_name: Option<String>,
    },
    /// A user of AWS IAM Identity Center. Key: the partition, the start URL and the user's name.
    #[serde(rename = "identity-center")]
    IdentityCenter {
        /// The start URL that the sign-in was made with, without query, fragment and last slash.
        start_url: String,
        /// The start URL as the user typed it: perhaps the organisation's own name for it.
        typed_url: String,
        /// The region of the sign-in.
        region: String,
        /// The partition, for example `aws` or `aws-cn`.
        partition: String,
        /// The user's name, as AWS puts it into the sessions of roles; none while no role is assigned.
        user_name: Option<String>,
    },
}

impl Identity {
    /// The cloud that the identity belongs to.
    pub fn cloud(&self) -> Cloud {
        match self {
            Self::Azure { .. } => Cloud::Azure,
            Self::Gcp { .. } => Cloud::Gcp,
            Self::Aws { .. } | Self::IdentityCenter { .. } => Cloud::Aws,
        }
    }

    /// The id of this identity's row, the same whenever it is connected again.
    pub fn account_id(&self) -> AccountId {
        let digest = match self {
            Self::Azure {
                home, tenant_id, ..
            } => digest(["azure", home, tenant_id]),
            Self::Gcp {
                issuer, subject, ..
            } => digest(["gcp", issuer, subject]),
            Self::Aws { role_arn, .. } => digest(["aws", &canonical_role_arn(role_arn)]),
            Self::IdentityCenter { .. } => self.center_digest(&[]),
        };
        AccountId(format!("{}-{}", self.cloud(), &digest[..12]))
    }

    /// The grant that serves this identity, as long as one app registration made every grant of the user.
    pub fn grant_key(&self) -> GrantKey {
        GrantKey(match self {
            Self::Azure { home, .. } => digest(["grant", "azure", home]),
            Self::Gcp {
                issuer, subject, ..
            } => digest(["grant", "gcp", issuer, subject]),
            Self::Aws { role_arn, .. } => digest(["grant", "aws", &canonical_role_arn(role_arn)]),
            Self::IdentityCenter { .. } => self.center_digest(&["grant"]),
        })
    }

    /// The digest of what identifies a user of Identity Center. AWS compares user names without regard to case.
    fn center_digest(&self, kind: &[&str]) -> String {
        let Self::IdentityCenter {
            start_url,
            partition,
            user_name,
            ..
        } = self
        else {
            return digest(kind.iter().copied());
        };
        let start_url = start_url.to_lowercase();
        let user_name = user_name.as_deref().unwrap_or_default().to_lowercase();
        let key = ["identity-center", partition, &start_url, &user_name];
        digest(kind.iter().copied().chain(key))
    }

    /// The most other resources that an account has sessions for. A further one replaces the oldest.
    pub fn most_resources(&self) -> usize {
        // Every role of an IAM Identity Center is a resource.
        if self.is_identity_center() { 256 } else { 32 }
    }

    /// Whether it is a sign-in to AWS IAM Identity Center.
    pub fn is_identity_center(&self) -> bool {
        matches!(self, Self::IdentityCenter { .. })
    }

    /// The row's label: the tenant, the address or the role. Two identities with the same label are two users of one
    /// tenant, or one address that was given to another user.
    pub fn label(&self) -> &str {
        match self {
            Self::Azure { tenant_id, .. } => tenant_id,
            Self::Gcp { email, subject, .. } => email.as_ref().unwrap_or(subject),
            Self::Aws { role_arn, .. } => role_arn,
            Self::IdentityCenter { start_url, .. } => start_url,
        }
    }

    /// Whether another identity has the same label. Addresses and tenants are compared without regard to case.
    pub fn shares_label_with(&self, other: &Self) -> bool {
        self.cloud() == other.cloud() && self.label().eq_ignore_ascii_case(other.label())
    }

    /// The source of the credentials that assume an AWS role.
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::Aws { source, .. } => Some(source),
            _ => None,
        }
    }

    /// Whether it is the AWS role with this ARN, compared as AWS does.
    pub fn is_role(&self, arn: &str) -> bool {
        matches!(self, Self::Aws { role_arn, .. } if canonical_role_arn(role_arn) == canonical_role_arn(arn))
    }

    /// The id of the typed access keys that assume an AWS role, when it is assumed with such keys.
    pub fn access_key_id(&self) -> Option<&str> {
        match self {
            Self::Aws { source, .. } => source.access_key_id(),
            Self::Azure { .. } | Self::Gcp { .. } | Self::IdentityCenter { .. } => None,
        }
    }

    /// Marks an AWS role as one that can be assumed without the right External ID.
    pub fn mark_not_enforced(&mut self) {
        if let Self::Aws { enforced, .. } = self {
            *enforced = Enforcement::NotEnforced;
        }
    }

    /// Marks an AWS role as one whose External ID was not verified here.
    pub fn mark_not_verified(&mut self) {
        if let Self::Aws { enforced, .. } = self {
            *enforced = Enforcement::Unknown;
        }
    }

    /// Keeps the names of the row that is updated where they could not be loaded this time.
    pub fn keep_names_of(&mut self, row: &Self) {
        if let (Self::Aws { alias, .. }, Self::Aws { alias: old, .. }) = (&mut *self, row) {
            *alias = alias.take().or_else(|| old.clone());
        }
        if let (
            Self::Azure {
                tenant_name,
                default_domain,
                ..
            },
            Self::Azure {
                tenant_name: old_name,
                default_domain: old_domain,
                ..
            },
        ) = (self, row)
        {
            *tenant_name = tenant_name.take().or_else(|| old_name.clone());
            *default_domain = default_domain.take().or_else(|| old_domain.clone());
        }
    }

    /// The identity, in readable form.
    pub fn who(&self) -> &str {
        match self {
            Self::Azure { username, .. } => username,
            Self::Gcp { .. } => self.label(),
            Self::Aws { role_arn, .. } => role_arn,
            Self::IdentityCenter {
                start_url,
                user_name,
                ..
            } => user_name.as_ref().unwrap_or(start_url),
        }
    }

    /// The name of a row that has no name of its own.
    pub fn default_name(&self) -> String {
        match self {
            Self::Azure {
                tenant_name: Some(name),
                ..
            } => name.clone(),
            Self::Azure {
                default_domain: Some(domain),
                ..
            } => domain.clone(),
            Self::Azure { tenant_id, .. } => tenant_id.clone(),
            Self::Gcp { .. } => self.label().to_owned(),
            Self::Aws {
                alias: Some(alias), ..
            } => alias.clone(),
            Self::Aws { account_id, .. } => format!("AWS Account ({account_id})"),
            Self::IdentityCenter {
                start_url,
                typed_url,
                ..
            } => portal_name(typed_url, start_url),
        }
    }
}

/// AWS compares role names without regard to case, and everything else in an ARN with it.
fn canonical_role_arn(arn: &str) -> String {
    match arn.rsplit_once('/') {
        Some((path, name)) => format!("{path}/{}", name.to_ascii_lowercase()),
        None => arn.to_owned(),
    }
}

/// What a portal is called: the organisation's own host, the alias or id in AWS's, or the directory in an old address.
fn portal_name(typed: &str, start_url: &str) -> String {
    let host_of = |text: &str| {
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        rest.split(['/', '?', '#'])
            .next()
            .unwrap_or_default()
            .to_lowercase()
    };
    let (typed, host) = (host_of(typed), host_of(start_url));
    if let Some((_, directory)) = start_url.split_once("/directory/") {
        return directory.to_owned();
    }
    let is_own_name = !typed.is_empty() && typed.trim_end_matches('.') != host;
    let is_address = host.starts_with(|c: char| c.is_ascii_digit()) || !host.contains('.');
    match host.split('.').next() {
        _ if is_own_name => typed,
        Some(first) if !is_address => first.to_owned(),
        _ => "identity-center".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn azure(home: &str, tenant: &str) -> Identity {
        Identity::Azure {
            home: home.into(),
            tenant_id: tenant.into(),
            tenant_name: None,
            default_domain: None,
            username: "ada@contoso.example".into(),
        }
    }

    #[test]
    fn two_users_of_one_tenant_are_two_rows_with_one_label() {
        let (ada, linus) = (azure("a.t", "t"), azure("l.t", "t"));
        assert_ne!(ada.account_id(), linus.account_id());
        assert_eq!(ada.label(), linus.label());
    }

    #[test]
    fn one_user_in_two_tenants_is_two_rows_with_one_grant() {
        let (home, guest) = (azure("a.t", "t"), azure("a.t", "u"));
        assert_ne!(home.account_id(), guest.account_id());
        assert_eq!(home.grant_key(), guest.grant_key());
    }

    #[test]
    fn role_names_compare_without_case_and_paths_with_it() {
        let canonical = |arn| canonical_role_arn(arn);
        assert_eq!(
            canonical("arn:aws:iam::1:role/Ops"),
            canonical("arn:aws:iam::1:role/OPS")
        );
        assert_ne!(
            canonical("arn:aws:iam::1:role/a/Ops"),
            canonical("arn:aws:iam::1:role/A/Ops")
        );
    }

    #[test]
    fn parts_of_a_key_cannot_merge() {
        assert_ne!(digest(["a.b", "c"]), digest(["a", "b.c"]));
        assert_ne!(digest(["ab", ""]), digest(["a", "b"]));
    }
}
