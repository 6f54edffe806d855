//! Connected identities: clouds, accounts, targets, and the keys that identify them.
//!
//! Everything here is metadata and may be shown and written to `accounts.db`; it contains no secret. Grants and
//! sessions are in `credential.rs`.

mod stored;

use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::digest::digest;
use crate::error::{Code, Error, ErrorView, Result};
use crate::random;
use crate::resource::{Identifier, Resource};
use crate::role::{Enforcement, Source};
pub use stored::is_key;

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

/// What the user works on inside an account: a subscription, a project, an AWS region, or an AWS account with a
/// role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Target {
    /// The cloud's own id: subscription GUID, project id, or region.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The state as the cloud reports it, for example `Enabled` or `Disabled`.
    pub state: Option<String>,
    /// Its parent: a folder, an organisation, a management group.
    pub parent: Option<String>,
}

/// The change of a list of targets between two loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct TargetsChange {
    /// The number of added targets.
    pub added: u32,
    /// The number of removed targets.
    pub removed: u32,
    /// The time of the second load.
    #[ts(type = "string")]
    pub at: Timestamp,
}

impl TargetsChange {
    /// The change from one list to the next, if there is any.
    pub fn between(old: &[Target], new: &[Target], at: Timestamp) -> Option<Self> {
        let ids = |list: &[Target]| {
            list.iter()
                .map(|target| target.id.clone())
                .collect::<HashSet<_>>()
        };
        let (old, new) = (ids(old), ids(new));
        let count = |difference: usize| u32::try_from(difference).unwrap_or(u32::MAX);
        let (added, removed) = (
            count(new.difference(&old).count()),
            count(old.difference(&new).count()),
        );
        (added + removed > 0).then_some(Self { added, removed, at })
    }
}

/// A tenant that the user can access, which is not a row yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct OfferedTenant {
    /// The tenant, a GUID in lower case.
    pub tenant_id: String,
    /// Its display name, if known.
    pub name: Option<String>,
    /// Its default domain, if known.
    pub default_domain: Option<String>,
}

/// The lifetime of the current session, without the session itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SessionTimes {
    /// When it was issued.
    #[ts(type = "string")]
    pub issued_at: Timestamp,
    /// When it expires.
    #[ts(type = "string")]
    pub expires_at: Timestamp,
}

/// When the sign-in itself expires, if known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SignInEnd {
    /// The time after which only a new sign-in helps.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// Why it expires then.
    pub why: SignInEndReason,
}

/// The reason for a sign-in's expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum SignInEndReason {
    /// Entra expires a sign-in that was not used for 90 days.
    Idle,
    /// The provider's answer contained it.
    ProviderLimit,
}

/// The failure of the last renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenewalFailure {
    /// The message for the user.
    pub error: ErrorView,
    /// When it happened.
    pub at: Timestamp,
    /// No further attempt before this time; absent when only the user can help.
    pub not_before: Option<Timestamp>,
    /// How many attempts failed in a row.
    pub attempts: u32,
    /// The claims that the next interactive sign-in has to request (Entra's claims challenge).
    pub challenge: Option<String>,
    /// The mark of the surroundings that caused it; absent when it concerns the account itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surroundings: Option<String>,
}

impl RenewalFailure {
    /// Whether only a new sign-in helps.
    pub fn is_final(&self) -> bool {
        self.not_before.is_none()
    }
}

/// An account's session for one of its cloud's other resources, without the session itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceSession {
    /// The resource.
    pub resource: Identifier,
    /// The lifetime of the session, if there is one.
    pub session: Option<SessionTimes>,
    /// The failure of the last renewal, if it failed. It is never final: an administrator may fix it without a new
    /// sign-in.
    #[serde(default, rename = "trouble")]
    pub renewal_failure: Option<RenewalFailure>,
}

/// One connected identity: a row of the dashboard, as stored in `accounts.db`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Its id; always `identity.account_id()`.
    pub id: AccountId,
    /// The grant that serves it: `identity.grant_key()`, or the user's grant of another app registration.
    pub grant: GrantKey,
    /// The user's identity.
    pub identity: Identity,
    /// The name that the user gave it.
    #[serde(default)]
    pub custom_name: Option<String>,
    /// The colour that the user chose: one of the names in `COLOURS`.
    #[serde(default)]
    pub colour: Option<String>,
    /// Whether the user starred it.
    #[serde(default)]
    pub starred: bool,
    /// Its targets as last loaded.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// When the targets were last loaded.
    #[serde(default)]
    pub targets_read_at: Option<Timestamp>,
    /// The failure of the last load of the targets.
    #[serde(default)]
    pub targets_error: Option<ErrorView>,
    /// The last change of the list.
    #[serde(default)]
    pub targets_change: Option<TargetsChange>,
    /// The id of the chosen target.
    #[serde(default)]
    pub target: Option<String>,
    /// The ids of the targets that the user pinned: they stay when a target is no longer listed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<String>,
    /// Tenants that the same sign-in may enter.
    #[serde(default)]
    pub offered: Vec<OfferedTenant>,
    /// AWS: the accounts of the organisation, where the role may list them. For information.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organization: Vec<OrganizationAccount>,
    /// Scopes that were requested and not granted.
    #[serde(default)]
    pub missing_scopes: Vec<String>,
    /// The lifetime of the session, if there is one.
    #[serde(default)]
    pub session: Option<SessionTimes>,
    /// When the sign-in itself expires.
    #[serde(default)]
    pub sign_in_end: Option<SignInEnd>,
    /// The failure of the last renewal, if it failed.
    #[serde(default, rename = "trouble")]
    pub renewal_failure: Option<RenewalFailure>,
    /// Its sessions for resources other than the management plane: every one that the keychain may hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ResourceSession>,
    /// A new number at every sign-in, which shows a late renewal.
    #[serde(default)]
    pub generation: u64,
    /// When it was first connected.
    pub connected_at: Timestamp,
    /// When it was last chosen, or a credential of it issued.
    #[serde(default)]
    pub used_at: Option<Timestamp>,
}

/// The part of an account that each sign-in brings anew. What the user chose for the row is not in it.
#[derive(Clone, Debug)]
pub struct Refreshable {
    /// Who it is, with what the provider says of it today.
    pub identity: Identity,
    /// Other tenants that the same sign-in may enter.
    pub offered: Vec<OfferedTenant>,
    /// Scopes that were requested and not granted.
    pub missing_scopes: Vec<String>,
    /// The expiry of the sign-in itself, if known.
    pub sign_in_end: Option<SignInEnd>,
}

/// An account of the organisation that a role may list. Information only: it is not signed in to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct OrganizationAccount {
    /// The twelve digits.
    pub account_id: String,
    /// Its name.
    pub name: String,
    /// The state as AWS reports it, for example `ACTIVE`.
    pub state: Option<String>,
    /// IAM Identity Center: when its roles were last read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(type = "string | null", optional)]
    pub roles_read_at: Option<Timestamp>,
}

/// The colours of accounts; the dashboard has a token for each.
pub const COLOURS: [&str; 6] = ["blue", "green", "amber", "red", "violet", "grey"];

impl Account {
    /// Creates a row for an identity.
    pub fn new(identity: Identity, now: Timestamp) -> Self {
        Self {
            id: identity.account_id(),
            grant: identity.grant_key(),
            identity,
            custom_name: None,
            colour: None,
            starred: false,
            targets: Vec::new(),
            targets_read_at: None,
            targets_error: None,
            targets_change: None,
            target: None,
            pinned: Vec::new(),
            offered: Vec::new(),
            organization: Vec::new(),
            missing_scopes: Vec::new(),
            session: None,
            sign_in_end: None,
            renewal_failure: None,
            resources: Vec::new(),
            generation: random::generation(),
            connected_at: now,
            used_at: None,
        }
    }

    /// Takes over what a sign-in brought, with its session. Names that it could not read stay as they were.
    pub fn refresh(&mut self, brought: Refreshable, session: SessionTimes, generation: u64) {
        let mut identity = brought.identity;
        identity.keep_names_of(&self.identity);
        self.identity = identity;
        self.offered = brought.offered;
        self.missing_scopes = brought.missing_scopes;
        self.sign_in_end = brought.sign_in_end;
        self.session = Some(session);
        self.renewal_failure = None;
        self.generation = generation;
    }

    /// The cloud that it belongs to.
    pub fn cloud(&self) -> Cloud {
        self.identity.cloud()
    }

    /// The name to show.
    pub fn name(&self) -> String {
        self.custom_name
            .clone()
            .unwrap_or_else(|| self.identity.default_name())
    }

    /// The names that identify it, in lower case: its name, its label and its user.
    pub fn names(&self) -> [String; 3] {
        let (label, who) = (self.identity.label(), self.identity.who());
        [self.name(), label.to_owned(), who.to_owned()].map(|name| name.to_lowercase())
    }

    /// Every text that it can be found by, in lower case.
    pub fn found_by(&self) -> String {
        let mut text = format!("{} {}", self.id, self.identity.default_name());
        for name in self.names() {
            text.push(' ');
            text.push_str(&name);
        }
        if let Identity::Azure {
            default_domain: Some(domain),
            ..
        }
        | Identity::Gcp {
            hosted_domain: Some(domain),
            ..
        } = &self.identity
        {
            text.push(' ');
            text.push_str(domain);
        }
        text.to_lowercase()
    }

    /// The lifetime of its session for a resource, if there is one.
    pub fn session_for(&self, resource: &Resource) -> Option<SessionTimes> {
        match resource {
            Resource::Management => self.session,
            Resource::Named(identifier) => self.resource(identifier)?.session,
        }
    }

    /// The failure of the last renewal of its session for a resource, if it failed.
    pub fn renewal_failure_for(&self, resource: &Resource) -> Option<&RenewalFailure> {
        match resource {
            Resource::Management => self.renewal_failure.as_ref(),
            Resource::Named(identifier) => self.resource(identifier)?.renewal_failure.as_ref(),
        }
    }

    /// The state of its session for a resource other than the management plane.
    pub fn resource(&self, identifier: &Identifier) -> Option<&ResourceSession> {
        self.resources
            .iter()
            .find(|known| known.resource == *identifier)
    }

    /// The same, to change it; created if there is none.
    pub fn resource_mut(&mut self, identifier: &Identifier) -> &mut ResourceSession {
        let index = self
            .resources
            .iter()
            .position(|known| known.resource == *identifier);
        let index = index.unwrap_or_else(|| {
            let resource = identifier.clone();
            self.resources.push(ResourceSession {
                resource,
                session: None,
                renewal_failure: None,
            });
            self.resources.len() - 1
        });
        &mut self.resources[index]
    }

    /// The resource whose session is issued: the management plane, or the chosen role of IAM Identity Center.
    ///
    /// # Errors
    /// `invalid-input` when a role has to be named first.
    pub fn issued_resource(&self) -> Result<Resource> {
        if !self.identity.is_identity_center() {
            return Ok(Resource::Management);
        }
        let pair = self.target.as_deref().and_then(Identifier::parse_pair);
        pair.map(Resource::Named).ok_or_else(|| {
            let message = format!(
                "{name} has many roles. Name one, as in {name}/123456789012/ROLE, or choose one with \"mcm use\".",
                name = self.name()
            );
            Error::new(Code::InvalidInput, message)
        })
    }

    /// The twelve digits of the AWS account whose credentials are issued.
    pub fn aws_account_id(&self) -> Option<&str> {
        match &self.identity {
            Identity::Aws { account_id, .. } => Some(account_id),
            Identity::IdentityCenter { .. } => self.target.as_deref()?.get(..12),
            Identity::Azure { .. } | Identity::Gcp { .. } => None,
        }
    }

    /// The region that an AWS account's tools work in: the chosen one, or that of the sign-in.
    pub fn aws_region(&self) -> Option<&str> {
        match &self.identity {
            Identity::Aws { .. } => self.chosen_target().map(|target| target.id.as_str()),
            Identity::IdentityCenter { region, .. } => Some(region),
            Identity::Azure { .. } | Identity::Gcp { .. } => None,
        }
    }

    /// The target that the user names: by its id, its whole name, or an account and role of Identity Center.
    pub fn find_target(&self, name: &str) -> Option<Target> {
        let plain = |text: &str| text.replace(" / ", "/").to_lowercase();
        let wanted = plain(name.trim());
        let by_id = self.targets.iter().find(|target| target.id == name.trim());
        let known = by_id.or_else(|| {
            let mut fits = self
                .targets
                .iter()
                .filter(|target| plain(&target.name) == wanted || plain(&target.id) == wanted);
            let first = fits.next()?;
            fits.next().is_none().then_some(first)
        });
        if known.is_some() || !self.identity.is_identity_center() {
            return known.cloned();
        }
        // The list may be older than an assignment: AWS decides.
        Identifier::parse_pair(name.trim()).map(|pair| Target {
            id: pair.as_str().to_owned(),
            name: pair.as_str().to_owned(),
            state: None,
            parent: None,
        })
    }

    /// The account as if this target were the chosen one, for one command.
    #[must_use]
    pub fn at_target(mut self, target: Target) -> Self {
        self.target = Some(target.id.clone());
        if !self.targets.contains(&target) {
            self.targets.push(target);
        }
        self
    }

    /// The target that the user chose, if it still exists.
    pub fn chosen_target(&self) -> Option<&Target> {
        self.targets
            .iter()
            .find(|target| Some(&target.id) == self.target.as_ref())
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
