//! Connected accounts: a row of the dashboard, as `accounts.db` stores it.
//!
//! Everything here may be shown and written; it contains no secret. Grants and sessions are in `credential.rs`. Who an
//! account is, and its keys: `account/identity.rs`. What it may enter: `account/target.rs`. When its session and its sign-in
//! end: `account/session_state.rs`. Its colour: `account/colour.rs`.

mod colour;
mod identity;
mod session_state;
mod stored;
mod target;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, ErrorView, Result};
use crate::random;
use crate::resource::{Identifier, Resource};
pub use colour::{COLOURS, Colour};
pub use identity::{AccountId, Cloud, GrantKey, Identity};
pub use session_state::{
    RenewalFailure, ResourceSession, SessionTimes, SignInEnd, SignInEndReason,
};
pub use stored::is_key;
pub use target::{OfferedTenant, OrganizationAccount, Target, TargetsChange};

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
    /// The identity, with the provider's current names.
    pub identity: Identity,
    /// Other tenants that the same sign-in may enter.
    pub offered: Vec<OfferedTenant>,
    /// Scopes that were requested and not granted.
    pub missing_scopes: Vec<String>,
    /// The expiry of the sign-in itself, if known.
    pub sign_in_end: Option<SignInEnd>,
}

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

    /// Drops the refusals of roles that are listed: they may have been assigned since, so each may be asked for at once.
    pub(crate) fn forget_refusals_of_targets(&mut self) {
        let targets = &self.targets;
        for known in &mut self.resources {
            let mut listed = targets.iter().map(|target| target.id.as_str());
            if listed.any(|id| id == known.resource.as_str()) {
                known
                    .renewal_failure
                    .take_if(|failure| failure.error.code == Code::RoleRefused);
            }
        }
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

    /// The resource whose session may read and change nothing.
    ///
    /// # Errors
    /// `unsupported`, with the reason and what to do instead: only AWS's roles and Google's scopes can be narrowed.
    pub fn read_only_resource(&self) -> Result<Resource> {
        let name = self.name();
        let message = match &self.identity {
            Identity::Aws { .. } | Identity::Gcp { .. } => {
                return Ok(Resource::Named(Identifier::read_only()));
            }
            Identity::Azure { .. } => format!(
                "Azure cannot issue a read-only token: it has all roles of {name}. Sign in as a user with the role Reader, or \
                 leave Azure out."
            ),
            Identity::IdentityCenter { .. } => {
                let resource = self.issued_resource()?;
                let pair = resource.identifier().and_then(Identifier::pair);
                let (account_id, role) = pair.unwrap_or_default();
                let others = self.targets.iter().filter_map(|target| {
                    let (other, role) = target.id.split_once('/')?;
                    (other == account_id && reads_by_its_name(role)).then_some(target.id.as_str())
                });
                let others: Vec<&str> = others.collect();
                let advice = match others.as_slice() {
                    [] => format!("Ask for a read-only role in {account_id}."),
                    others => format!("By its name this one reads: {name}/{}.", others.join(", ")),
                };
                format!(
                    "AWS cannot narrow {role} in {account_id}: a role of IAM Identity Center takes no session policy. {advice}"
                )
            }
        };
        Err(Error::new(Code::Unsupported, message))
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
            let name = self.name();
            Error::new(Code::InvalidInput, format!("{name} has many roles.")).with_remedies(
                &format!(
                    "Name one, as in {name}/123456789012/ROLE, or choose one with \"mcm use\"."
                ),
                "Choose one of them first.",
            )
        })
    }

    /// The ACCOUNT argument that a file of another tool passes to `mcm`: its id, and its role of IAM Identity Center.
    pub fn asked_as(&self) -> String {
        match self.issued_resource() {
            Ok(Resource::Named(pair)) => format!("{}/{pair}", self.id),
            _ => self.id.to_string(),
        }
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

/// Whether a role's name says that it reads, as AWS names its own: `ReadOnlyAccess`, `AWSReadOnlyAccess`, `ViewOnlyAccess`.
fn reads_by_its_name(role: &str) -> bool {
    let letters: String = role.chars().filter(char::is_ascii_alphanumeric).collect();
    let letters = letters.to_ascii_lowercase();
    ["readonly", "viewonly"]
        .iter()
        .any(|word| letters.contains(word))
}
