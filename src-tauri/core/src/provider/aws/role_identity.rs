//! The AWS part of an account's identity: its role, its source, its partition, and its regions.
//!
//! An account of another cloud is a fault of ours, and says so.

use super::arn::RoleArn;
use super::identity_center::partition_of;
use super::partition::Partition;
use crate::account::{Identity, Target};
use crate::error::{Code, Error, Result};
use crate::role::Source;

/// The state of a region that our table lacks.
pub const UNLISTED: &str = "Not listed";

/// A region that our table lacks and that has the form of the partition's region names: AWS adds regions all the time.
pub(in crate::provider) fn unlisted_region(identity: &Identity, region: &str) -> Option<Target> {
    let partition = KnownRole::of(identity).ok()?.role.partition;
    (partition.has(region) && !partition.lists(region)).then(|| Target {
        id: region.to_owned(),
        name: region.to_owned(),
        state: Some(UNLISTED.to_owned()),
        parent: None,
    })
}

/// The partition of an identity of AWS.
pub(super) fn partition(identity: &Identity) -> Result<&'static Partition> {
    match identity {
        Identity::IdentityCenter { region, .. } => Ok(partition_of(region)),
        identity => Ok(KnownRole::of(identity)?.role.partition),
    }
}

/// The AWS part of an identity.
pub(super) struct KnownRole<'a> {
    pub(super) role: RoleArn,
    pub(super) seconds: u32,
    /// The source of the credentials that assume it.
    pub(super) source: &'a Source,
    /// The name that the user chose for its sessions.
    pub(super) session_name: Option<&'a str>,
    /// The ARN of the last caller that assumed the role.
    pub(super) caller: &'a str,
}

impl<'a> KnownRole<'a> {
    pub(super) fn of(identity: &'a Identity) -> Result<Self> {
        match identity {
            Identity::Aws {
                role_arn,
                session_seconds,
                source,
                session_name,
                caller,
                ..
            } => Ok(Self {
                role: RoleArn::parse(role_arn)?,
                seconds: *session_seconds,
                source,
                session_name: session_name.as_deref(),
                caller,
            }),
            _ => Err(Error::new(
                Code::Internal,
                "The AWS provider got an account of another cloud. Report this with the reference.",
            )),
        }
    }
}
