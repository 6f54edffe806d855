//! Roles of AWS before they are connected: what a sign-in needs to know of one. Preparing one is in `prepare_role.rs`.
//!
//! Connecting itself goes through `app/connect.rs` as in every cloud.

use serde::Deserialize;
use ts_rs::TS;

use crate::account::{Account, Cloud, Identity, RenewalFailure};
use crate::app::App;
use crate::app::connect::Connect;
use crate::error::{Code, Error, ErrorView, Result};
use crate::provider::SignInRequest;
use crate::provider::aws::{self, CenterRequest, RoleArn, RoleRequest, SESSION_SECONDS};
use crate::role::{Enforcement, PendingRole, Source, SourceChoice};
use crate::store::Accounts;
use crate::text;

/// The role to connect. Missing values come from the row, or from the connection that waits for its role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[ts(export, optional_fields)]
pub struct ConnectRole {
    /// The role's ARN, or a console address that contains it.
    pub role_arn: Option<String>,
    /// The External ID of this connection.
    pub external_id: Option<String>,
    /// Who assumes the role.
    pub source: Option<SourceChoice>,
    /// The length of its sessions in seconds; 3600 by default.
    pub session_seconds: Option<u32>,
    /// The name of its sessions; an empty one stands for the caller's own name, which is the default.
    pub session_name: Option<String>,
    /// Whether to connect a role that can be assumed without the right External ID, and to mark it as such.
    pub accept_not_enforced: bool,
}

impl App {
    /// Completes a request for AWS with the role: parsed, matched with its row or the waiting connection, and with
    /// the typed keys of its source.
    pub(in crate::app) async fn with_role(
        &self,
        mut request: SignInRequest,
        wanted: &Connect,
    ) -> Result<SignInRequest> {
        if wanted.cloud != Cloud::Aws {
            return Ok(request);
        }
        let known = match &request.known {
            Some(Identity::IdentityCenter {
                typed_url, region, ..
            }) => Some((typed_url.clone(), Some(region.clone()))),
            _ => None,
        };
        let asked = wanted
            .portal
            .clone()
            .map(|portal| (portal.start_url, portal.region));
        if let Some((start_url, region)) = asked.or(known) {
            let region = region.map(|region| region.trim().to_owned());
            request.identity_center = Some(CenterRequest {
                start_url,
                region: region.filter(|region| !region.is_empty()),
            });
            return Ok(request);
        }
        let stored = self.stored()?;
        let asked = wanted.role.clone().unwrap_or_default();
        let role = match (&asked.role_arn, &request.known) {
            (Some(arn), _) => RoleArn::parse(arn)
                .map_err(|error| given_by_center(&stored, arn).unwrap_or(error))?,
            (None, Some(known)) => RoleArn::parse(known.label())?,
            (None, None) => {
                return Err(Error::new(
                    Code::InvalidInput,
                    "Enter the ARN of the role to connect.",
                ));
            }
        };
        if let Some(known) = request
            .known
            .as_ref()
            .filter(|known| !known.is_role(role.as_str()))
        {
            let message = format!(
                "This row belongs to {}, but the ARN is another role's. Use Connect account to add it.",
                known.label()
            );
            return Err(Error::new(Code::WrongUser, message));
        }
        let row = row_of(&stored, &role);
        let Chosen {
            external_id,
            source,
            seconds,
            session_name,
            prepared_for,
        } = choose(&stored, row, &role, &asked)?;
        require_life(asked.session_seconds)?;
        let session_name = asked
            .session_name
            .or(session_name)
            .filter(|name| !name.is_empty());
        if let Some(name) = &session_name {
            aws::check_session_name(name)?;
        }
        let (source, keys) = self.source_with_keys(&source).await?;
        request.known = row.map(|row| row.identity.clone());
        request.role = Some(RoleRequest {
            role,
            external_id,
            mfa: self.sessions.mfa_session(&source).await,
            source,
            keys,
            seconds: asked.session_seconds.or(seconds),
            session_name,
            accept_not_enforced: asked.accept_not_enforced || row.is_some_and(is_accepted),
            prepared_for,
        });
        Ok(request)
    }

    /// Marks the row of a connected role that was found to be assumable without the right id. No session is created
    /// from it until the user accepts that or fixes the role.
    pub(in crate::app) async fn note_loosened(&self, wanted: &Connect, error: &Error) {
        if wanted.cloud != Cloud::Aws || error.code() != Code::NotEnforced {
            return;
        }
        let arn = wanted
            .role
            .as_ref()
            .and_then(|role| role.role_arn.as_deref());
        let role = arn.and_then(|arn| RoleArn::parse(arn).ok());
        let at = self.world.clock.now();
        let noted = self
            .change(|change| {
                let id = match (&wanted.account, &role) {
                    (Some(id), _) => id.clone(),
                    (None, Some(role)) => match row_of(&change.all()?, role) {
                        Some(row) => row.id.clone(),
                        None => return Ok(()),
                    },
                    (None, None) => return Ok(()),
                };
                let edited = change.edit(&id, |row| {
                    row.identity.mark_not_enforced();
                    let error = ErrorView::from(error);
                    row.renewal_failure = Some(RenewalFailure {
                        error,
                        at,
                        not_before: None,
                        attempts: 1,
                        challenge: None,
                        surroundings: None,
                    });
                    Ok(())
                });
                edited.map(drop)
            })
            .await;
        if let Err(error) = noted {
            tracing::warn!(
                code = error.code().as_str(),
                "a loosened role could not be marked"
            );
        }
    }
}

/// Offers the role of a permission set by the name that it has here: it cannot be assumed, and IAM Identity Center gives
/// it to the users that it is assigned to.
fn given_by_center(stored: &Accounts, arn: &str) -> Option<Error> {
    let (account_id, name) = aws::permission_set(arn)?;
    let wanted = format!("{account_id}/{name}");
    let centers = || {
        stored
            .iter()
            .filter(|account| account.identity.is_identity_center())
    };
    let has = |account: &&Account| account.targets.iter().any(|target| target.id == wanted);
    let refused = |message: &str| Error::new(Code::InvalidInput, message);
    let cannot = "IAM Identity Center gives this role, so it cannot be assumed.";
    let error = match centers().find(has) {
        Some(account) => {
            let role = format!("{}/{wanted}", account.name());
            refused(&format!(
                "IAM Identity Center gives you this role: it is {role} here."
            ))
            .with_remedies(
                &format!(
                    "To assume another role with it, choose the source identity-center:{role}."
                ),
                "To assume another role with it, choose it at Credentials from.",
            )
        }
        None if centers().next().is_some() => refused(&format!(
            "{cannot} {wanted} is not assigned to you here. Refresh the roles of your sign-in, or ask your administrator."
        )),
        None => refused(cannot).with_remedies(
            "Sign in with IAM Identity Center instead: \"mcm login aws --sso-start-url URL\".",
            "Choose Connect account, then Sign in with IAM Identity Center.",
        ),
    };
    Some(error)
}

/// The parts of a connection.
struct Chosen {
    external_id: String,
    source: SourceChoice,
    /// The session length that was chosen before.
    seconds: Option<u32>,
    /// The name of sessions that was chosen before.
    session_name: Option<String>,
    /// The principal in the role's template.
    prepared_for: Option<String>,
}

fn choose(
    stored: &Accounts,
    row: Option<&Account>,
    role: &RoleArn,
    asked: &ConnectRole,
) -> Result<Chosen> {
    let source = |kept: &Source| asked.source.clone().unwrap_or_else(|| kept.clone().into());
    if let Some(Identity::Aws {
        external_id: fixed,
        source: kept,
        session_seconds,
        session_name,
        ..
    }) = row.map(|row| &row.identity)
    {
        if let Some(other) = asked.external_id.as_ref().filter(|asked| *asked != fixed) {
            let message = format!(
                "{role} is connected with the External ID {fixed}, which cannot change. To use {}, disconnect it \
                 first.",
                text::shown(other)
            );
            return Err(Error::new(Code::InvalidInput, message));
        }
        let seconds = Some(*session_seconds);
        return Ok(Chosen {
            external_id: fixed.clone(),
            source: source(kept),
            seconds,
            session_name: session_name.clone(),
            prepared_for: None,
        });
    }
    let waiting = &stored.pending_roles;
    if let Some(id) = &asked.external_id {
        aws::check_external_id(id)?;
        let pending = waiting.iter().find(|pending| pending.external_id == *id);
        if pending.is_none() {
            require_unused(stored, id)?;
        }
        let kept = pending.map_or(&Source::Default, |pending| &pending.source);
        return Ok(Chosen {
            external_id: id.clone(),
            source: source(kept),
            seconds: pending.and_then(|pending| pending.session_seconds),
            session_name: None,
            prepared_for: pending.map(|pending| pending.principal_arn.clone()),
        });
    }
    let of_source: Vec<&PendingRole> = waiting
        .iter()
        .filter(|pending| {
            asked
                .source
                .as_ref()
                .is_none_or(|asked| asked.fits(&pending.source))
        })
        .collect();
    let of_name: Vec<&&PendingRole> = of_source
        .iter()
        .filter(|pending| pending.role_name.eq_ignore_ascii_case(&role.name))
        .collect();
    let pending = match (of_name.as_slice(), of_source.as_slice()) {
        ([one], _) => *one,
        (_, [one]) => one,
        (_, []) => {
            let error = Error::new(Code::NotFound, "No External ID is waiting for a role.");
            return Err(error.with_remedies(
                "Prepare the role first: \"mcm login aws --print trust-policy\" creates the id and the template. \
                 If your organisation gave you an External ID, enter it.",
                "Choose Create External ID and templates first. If your organisation gave you an External ID, choose \
                 Use an External ID from my organisation.",
            ));
        }
        (_, several) => {
            let list: Vec<String> = several
                .iter()
                .map(|pending| format!("{} (for {})", pending.external_id, pending.role_name))
                .collect();
            let list = list.join(", ");
            let message = format!("{} External IDs are waiting for a role.", several.len());
            return Err(Error::new(Code::Ambiguous, message).with_remedies(
                &format!("Name the one in this role's trust policy with --external-id: {list}."),
                &format!("Choose Continue at the one in this role's trust policy: {list}."),
            ));
        }
    };
    Ok(Chosen {
        external_id: pending.external_id.clone(),
        source: source(&pending.source),
        seconds: pending.session_seconds,
        session_name: None,
        prepared_for: Some(pending.principal_arn.clone()),
    })
}

pub(super) fn require_life(seconds: Option<u32>) -> Result<()> {
    match seconds.filter(|seconds| !SESSION_SECONDS.contains(seconds)) {
        None => Ok(()),
        Some(seconds) => {
            let message = format!(
                "A session lasts 900 to 43200 seconds, not {seconds}. Choose another length."
            );
            Err(Error::new(Code::InvalidInput, message))
        }
    }
}

/// The row of a role, by AWS's own comparison.
fn row_of<'a>(stored: &'a Accounts, role: &RoleArn) -> Option<&'a Account> {
    let mut accounts = stored.accounts.iter().map(AsRef::as_ref);
    accounts.find(|account: &&Account| account.identity.is_role(role.as_str()))
}

/// The row that has this External ID.
pub(super) fn connected_with<'a>(stored: &'a Accounts, id: &str) -> Option<&'a Account> {
    let mut accounts = stored.accounts.iter().map(AsRef::as_ref);
    accounts.find(|account: &&Account| matches!(&account.identity, Identity::Aws { external_id, .. } if external_id == id))
}

/// Whether the user accepted that the role can be assumed without the right id.
fn is_accepted(row: &Account) -> bool {
    let marked = row
        .renewal_failure
        .as_ref()
        .is_some_and(|renewal_failure| renewal_failure.error.code == Code::NotEnforced);
    matches!(
        row.identity,
        Identity::Aws {
            enforced: Enforcement::NotEnforced,
            ..
        }
    ) && !marked
}

/// An id of this app's own form has to wait for a role, or belong to a connection: it is never used twice.
pub(super) fn require_known(stored: &Accounts, id: &str) -> Result<()> {
    if connected_with(stored, id).is_some() {
        Ok(())
    } else {
        require_unused(stored, id)
    }
}

fn require_unused(stored: &Accounts, id: &str) -> Result<()> {
    if !aws::is_external_id_of_ours(id) {
        return Ok(());
    }
    let message = match connected_with(stored, id) {
        Some(row) => format!(
            "The External ID {id} belongs to {}. Each connection has its own. Omit it to use a new one.",
            row.name()
        ),
        None => format!(
            "The External ID {id} was made for another connection, or on another machine. Each connection has its own. Omit \
             it to use a new one."
        ),
    };
    Err(Error::new(Code::InvalidInput, message))
}
