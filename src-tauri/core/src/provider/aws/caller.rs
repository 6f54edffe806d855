//! The caller: the identity behind a source's credentials, as AWS names it and as a trust policy has to name it.
//!
//! Only `GetCallerIdentity` says who it is. STS leaves out a role's path, so a role is looked up where the caller may.

use aws_config::SdkConfig;
use serde::Serialize;
use ts_rs::TS;

use super::account_facts::FoundRole;
use super::arn::RoleArn;
use super::arn::{CallerArn, Principal};
use super::partition::Partition;
use super::source::{Loaded, Mfa};
use super::sts::Sts;
use super::{Aws, error_messages, sdk};
use crate::credential::AccessKeys;
use crate::error::{Code, Error, Result};
use crate::http;
use crate::role::Source;

/// The caller, as AWS identifies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Caller {
    /// The source of the credentials.
    pub source: Source,
    /// The ARN from `GetCallerIdentity`.
    pub arn: String,
    /// The twelve digits of the caller's account.
    pub account_id: String,
    /// The caller's partition.
    pub partition: String,
    /// The user or role as a trust policy has to name it.
    pub principal_arn: String,
    /// Whether `principal_arn` is certain. STS omits a role's path, and not every caller may look it up.
    pub principal_is_exact: bool,
    /// Whether the credentials are a role's: AWS limits sessions of roles assumed from it to an hour.
    pub is_chained: bool,
    /// The region of the source.
    pub region: Option<String>,
}

/// A caller with the clients and settings for further requests.
pub(super) struct Calling {
    pub(super) caller: Caller,
    pub(super) loaded: Loaded,
    pub(super) partition: &'static Partition,
}

impl Aws {
    /// Finds the owner of a source's credentials. It asks AWS only for that and, for a role, for its path.
    ///
    /// # Errors
    /// `source-expired`, `clock-off`, `not-found` for an unknown profile, `offline` and similar codes.
    pub async fn caller(&self, source: &Source, keys: Option<&AccessKeys>) -> Result<Caller> {
        // The caller is known without a code: keys name their user, and a profile names its role.
        let without_device = keys.map(|keys| AccessKeys {
            mfa_device: None,
            ..keys.clone()
        });
        if let Some(role) = self.surroundings().confirmed_role(source)? {
            return role_of_profile(source, &RoleArn::parse(&role.arn)?, role.region);
        }
        let mfa = Mfa {
            known: None,
            ask: None,
        };
        Ok(self
            .calling(source, without_device.as_ref(), &mfa)
            .await?
            .caller)
    }

    pub(super) async fn calling(
        &self,
        source: &Source,
        keys: Option<&AccessKeys>,
        mfa: &Mfa<'_>,
    ) -> Result<Calling> {
        let loaded = self.surroundings().load(source, keys, mfa).await?;
        let region = loaded
            .config
            .region()
            .map(|region| region.as_ref().to_owned());
        let asked = region.as_deref().unwrap_or("us-east-1");
        let sts = Sts::new(&loaded.config, loaded.credentials.clone(), asked);
        let arn = sts.caller_arn().await.map_err(|failure| {
            error_messages::caller(
                &failure,
                &place(&loaded.config, asked),
                &loaded.expired,
                self.clock.now(),
            )
        })?;
        let parsed = CallerArn::parse(&arn)?;
        let (principal_arn, principal_is_exact, is_chained) = match &parsed.principal {
            Principal::User(arn) => (arn.clone(), true, false),
            Principal::Role(name) => {
                let signed = self.signed(&loaded.config, &loaded.credentials, parsed.partition);
                let bare = format!(
                    "arn:{}:iam::{}:role/{name}",
                    parsed.partition.id, parsed.account_id
                );
                match signed.role(name).await {
                    FoundRole::There(arn) if is_same_role(&arn, &bare) => (arn, true, true),
                    _ => (bare, false, true),
                }
            }
            Principal::Root | Principal::Federated => {
                let message = format!(
                    "These are credentials of {arn}, which cannot assume a role. Choose a source with those of a user or a \
                     role."
                );
                return Err(Error::new(Code::RoleRefused, message));
            }
        };
        let partition = parsed.partition;
        let caller = Caller {
            source: source.clone(),
            arn,
            account_id: parsed.account_id,
            partition: partition.id.to_owned(),
            principal_arn,
            principal_is_exact,
            is_chained,
            region,
        };
        Ok(Calling {
            caller,
            loaded,
            partition,
        })
    }
}

/// The caller that a profile's role makes, as far as the file says.
fn role_of_profile(source: &Source, role: &RoleArn, region: Option<String>) -> Result<Caller> {
    Ok(Caller {
        source: source.clone(),
        arn: role.as_str().to_owned(),
        account_id: role.account_id.clone(),
        partition: role.partition.id.to_owned(),
        principal_arn: role.as_str().to_owned(),
        principal_is_exact: true,
        is_chained: true,
        region,
    })
}

/// The part of a caller's ARN that does not change: a role's sessions have names of their own.
pub(super) fn principal(arn: &str) -> &str {
    match arn.split_once(":assumed-role/") {
        Some((_, session)) => {
            let name = session.split('/').next().unwrap_or_default();
            &arn[..arn.len() - session.len() + name.len()]
        }
        None => arn,
    }
}

/// Whether an ARN belongs to the role with this path-less ARN.
fn is_same_role(arn: &str, bare: &str) -> bool {
    let parts = |arn: &str| {
        let (account, resource) = arn.split_once(":role/")?;
        Some((
            account.to_owned(),
            resource.rsplit('/').next()?.to_ascii_lowercase(),
        ))
    };
    parts(arn).is_some()
        && parts(arn) == parts(bare)
        && arn.bytes().all(|b| (b'!'..=b'~').contains(&b))
}

/// The name of the STS endpoint, in readable form.
pub(super) fn place(config: &SdkConfig, region: &str) -> String {
    sdk::endpoint(config, "STS").map_or_else(
        || format!("AWS STS in {region}"),
        |endpoint| http::place(&endpoint),
    )
}
