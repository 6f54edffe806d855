//! What a sign-in may enter: the targets of an account, other tenants, and the accounts of an organisation.
//!
//! A target is a subscription, a project, a region or a role, as the cloud listed it last.

use std::collections::HashSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
