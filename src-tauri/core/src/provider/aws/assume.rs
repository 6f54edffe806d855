//! Assuming a role: STS of its partition, the check of the session that came, and the explanation of a refusal.
//!
//! Credentials never cross partitions. A session counts only after AWS named the role as its owner.

use aws_credential_types::Credentials;

use super::account_facts::FoundRole;
use super::arn::RoleArn;
use super::arn::{CallerArn, Principal};
use super::caller::{Calling, place};
use super::sts::{Sts, StsFailure, StsFailureKind};
use super::verify::{ExternalIdVerdict, Verification};
use super::{Aws, error_messages, sdk};
use crate::credential::Session;
use crate::error::{Code, Error, Result};
use crate::role::Enforcement;
use crate::text;

/// The facts that are already known about a role.
#[derive(Clone, Copy)]
pub(super) struct History<'a> {
    /// Whether it was verified before.
    pub(super) known: bool,
    /// The principal that its template named.
    pub(super) prepared_for: Option<&'a str>,
}

/// AWS's answer about the owner of a role's session.
pub(super) struct Became {
    pub(super) arn: String,
    pub(super) credentials: Credentials,
}

impl Aws {
    /// STS of the role's partition, with the caller's credentials.
    pub(super) fn sts(&self, calling: &Calling, role: &RoleArn) -> Result<Sts> {
        if calling.partition != role.partition {
            let message = format!(
                "The caller {} is in partition {} and the role {role} in {}. Credentials never cross partitions. Choose a \
                 source in the role's partition.",
                calling.caller.arn, calling.partition.id, role.partition.id
            );
            return Err(Error::new(Code::RoleRefused, message));
        }
        let region = role.partition.region(calling.caller.region.as_deref());
        Ok(Sts::new(
            &calling.loaded.config,
            calling.loaded.credentials.clone(),
            region,
        ))
    }

    /// Explains a refusal to assume the role with everything that can be found out about it.
    pub(super) async fn explained(
        &self,
        failure: StsFailure,
        calling: &Calling,
        role: &RoleArn,
        verification: &Verification<'_>,
        history: History<'_>,
    ) -> Error {
        if failure.kind != StsFailureKind::AccessDenied {
            let place = place(
                &calling.loaded.config,
                role.partition.region(calling.caller.region.as_deref()),
            );
            return error_messages::caller(
                &failure,
                &place,
                &calling.loaded.expired,
                self.clock.now(),
            );
        }
        let found = if calling.caller.account_id == role.account_id {
            self.signed(
                &calling.loaded.config,
                &calling.loaded.credentials,
                role.partition,
            )
            .role(&role.name)
            .await
        } else {
            FoundRole::Unknown
        };
        error_messages::refused(&error_messages::AssumeRefusal {
            sentence: failure.sentence.as_deref(),
            caller: &calling.caller,
            role,
            external_id: verification.external_id,
            found,
            open_without_id: verification.is_open_without_id().await,
            history,
        })
    }

    /// Asks AWS for the session's identity, and refuses any but the role's.
    pub(super) async fn check_session(
        &self,
        calling: &Calling,
        role: &RoleArn,
        session: &Session,
    ) -> Result<Became> {
        let credentials = sdk::credentials(session.access_keys()?);
        let region = role.partition.region(calling.caller.region.as_deref());
        let arn = Sts::new(&calling.loaded.config, credentials.clone(), region)
            .caller_arn()
            .await
            .map_err(|failure| {
                let place = place(&calling.loaded.config, region);
                error_messages::caller(&failure, &place, &calling.loaded.expired, self.clock.now())
            })?;
        let is_ours = CallerArn::parse(&arn).is_ok_and(|caller| {
            caller.account_id == role.account_id
                && caller.partition == role.partition
                && matches!(caller.principal, Principal::Role(name) if name.eq_ignore_ascii_case(&role.name))
        });
        if is_ours {
            return Ok(Became { arn, credentials });
        }
        let message = format!(
            "AWS returned a session of {} instead of {role}, so it was not used. Check AWS_ENDPOINT_URL_STS.",
            text::shown(&arn)
        );
        Err(Error::new(Code::SignInRejected, message))
    }
}

pub(super) fn enforcement(verdict: ExternalIdVerdict) -> Enforcement {
    match verdict {
        ExternalIdVerdict::Enforced => Enforcement::Enforced,
        ExternalIdVerdict::Open { .. } => Enforcement::NotEnforced,
        ExternalIdVerdict::Unknown => Enforcement::Unknown,
    }
}
