//! Roles of AWS before they are connected: preparing one, those that wait, and what a sign-in needs to know of one.
//!
//! Connecting itself goes through `app/connect.rs` as in every cloud.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::account::{Account, Cloud, Identity, RenewalFailure};
use crate::app::App;
use crate::app::connect::Connect;
use crate::error::{Code, Error, ErrorView, Result};
use crate::provider::SignInRequest;
use crate::provider::aws::{
    self, Caller, RoleArn, RoleRequest, RoleTemplates, SESSION_SECONDS, TemplateWish,
};
use crate::role::{Enforcement, PendingRole, Permissions, Source, SourceChoice};
use crate::store::Accounts;
use crate::text;

/// Which role to connect. What is left out comes from the row, or from the connection that waits for its role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[ts(export, optional_fields)]
pub struct ConnectRole {
    /// The role's ARN, or a console address that holds it.
    pub role_arn: Option<String>,
    /// The External ID of this connection.
    pub external_id: Option<String>,
    /// Who assumes the role.
    pub source: Option<SourceChoice>,
    /// The life of its sessions in seconds; an hour when nobody says.
    pub session_seconds: Option<u32>,
    /// Whether a role that can be assumed without the right External ID is connected all the same, and marked so.
    pub accept_not_enforced: bool,
}

/// What to prepare a role with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[ts(export, optional_fields)]
pub struct PrepareRole {
    /// Who is to assume it, as in `ConnectRole`; the default chain when nobody says.
    pub source: Option<SourceChoice>,
    /// An External ID that the organisation dictates, or that of a connection to print the templates of again.
    pub external_id: Option<String>,
    /// Whether a new External ID is made although one waits for its role already.
    pub another: bool,
    /// The role's name; as it was prepared before, or one of its own, when nobody says.
    pub role_name: Option<String>,
    /// What the role may do; as it was prepared before, or view only, when nobody says.
    pub permissions: Option<Permissions>,
    /// The life of its sessions in seconds; as it was prepared before, or an hour, when nobody says.
    pub session_seconds: Option<u32>,
}

/// A role that can be created now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct PreparedRole {
    /// The External ID, which is kept from here on.
    pub external_id: String,
    /// The name that the templates give the role.
    pub role_name: String,
    /// What the templates let the role do.
    pub permissions: Permissions,
    /// The life of its sessions in seconds. The templates permit that, and an hour at least.
    pub session_seconds: u32,
    /// Who will assume it.
    pub caller: Caller,
    /// The role in every form.
    pub templates: RoleTemplates,
}

impl App {
    /// Makes an External ID, keeps it, and gives the templates of a role that demands it. A connection that already
    /// waits for its role with the same caller keeps its id, so printing twice prints the same.
    ///
    /// # Errors
    /// Those of `aws_caller` and `RoleTemplates::new`, `storage-*`; nothing is shown that was not kept first.
    pub async fn prepare_role(&self, wish: PrepareRole) -> Result<PreparedRole> {
        let asked = wish.source.unwrap_or(Source::Default.into());
        let (source, keys) = self.source_with_keys(&asked).await?;
        let caller = self.aws().caller(&source, keys.as_ref()).await?;
        let stored = self.stored()?;
        let waiting = stored
            .pending_roles
            .iter()
            .rev()
            .find(|pending| match &wish.external_id {
                Some(id) => pending.external_id == *id,
                None => {
                    !wish.another
                        && pending.source == source
                        && pending.principal_arn == caller.principal_arn
                }
            });
        let external_id = match (&wish.external_id, waiting) {
            (_, Some(pending)) => pending.external_id.clone(),
            (None, None) => aws::new_external_id(),
            (Some(id), None) => {
                aws::check_external_id(id)?;
                require_known(&stored, id)?;
                id.clone()
            }
        };
        let role_name = wish
            .role_name
            .or_else(|| waiting.map(|pending| pending.role_name.clone()))
            .unwrap_or_else(|| default_role_name(&external_id));
        let permissions = wish
            .permissions
            .or_else(|| waiting.map(|pending| pending.permissions.clone()))
            .unwrap_or_default();
        let seconds = wish
            .session_seconds
            .or_else(|| waiting.and_then(|pending| pending.session_seconds));
        require_life(seconds)?;
        let template = TemplateWish {
            role_name,
            permissions,
            seconds: seconds.unwrap_or(aws::ONE_HOUR),
        };
        let templates = RoleTemplates::new(&caller, &external_id, &template)?;
        let TemplateWish {
            role_name,
            permissions,
            seconds: session_seconds,
        } = template;
        let pending = PendingRole {
            external_id: external_id.clone(),
            source,
            principal_arn: caller.principal_arn.clone(),
            role_name: role_name.clone(),
            permissions: permissions.clone(),
            session_seconds: seconds,
            made_at: self.world.clock.now(),
        };
        self.change(|change| {
            // The templates of a connection that is made already are only shown again.
            if connected_with(&change.all()?, &pending.external_id).is_some() {
                return Ok(());
            }
            let known = change.pending_roles()?;
            let old = known
                .iter()
                .find(|old| old.external_id == pending.external_id);
            let made_at = old.map_or(pending.made_at, |old| old.made_at);
            change.put_pending_role(&PendingRole { made_at, ..pending })
        })
        .await?;
        Ok(PreparedRole {
            external_id,
            role_name,
            permissions,
            session_seconds,
            caller,
            templates,
        })
    }

    /// The connections that wait for their role, the oldest first.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn pending_roles(&self) -> Result<Vec<PendingRole>> {
        Ok(self.stored()?.pending_roles.clone())
    }

    /// Drops a connection that waits for its role. Its External ID is not used again.
    ///
    /// # Errors
    /// `not-found`, `storage-*`.
    pub async fn drop_pending_role(&self, external_id: &str) -> Result<()> {
        self.change(|change| {
            if change.remove_pending_role(external_id)? {
                return Ok(());
            }
            let message = format!(
                "No connection waits with the External ID {}.",
                text::shown(external_id)
            );
            Err(Error::new(Code::NotFound, message))
        })
        .await
    }

    /// Completes a request for AWS with the role: read, matched with its row or the connection that waits for it, and
    /// with the typed keys of its source.
    pub(in crate::app) async fn with_role(
        &self,
        mut request: SignInRequest,
        wish: &Connect,
    ) -> Result<SignInRequest> {
        if wish.cloud != Cloud::Aws {
            return Ok(request);
        }
        let stored = self.stored()?;
        let asked = wish.role.clone().unwrap_or_default();
        let role = match (&asked.role_arn, &request.known) {
            (Some(arn), _) => RoleArn::parse(arn)?,
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
                "This row belongs to {}, and the ARN is another role's. Use Connect account to add it.",
                known.label()
            );
            return Err(Error::new(Code::WrongPerson, message));
        }
        let row = row_of(&stored, &role);
        let Chosen {
            external_id,
            source,
            seconds,
            prepared_for,
        } = choose(&stored, row, &role, &asked)?;
        require_life(asked.session_seconds)?;
        let (source, keys) = self.source_with_keys(&source).await?;
        request.known = row.map(|row| row.identity.clone());
        request.role = Some(RoleRequest {
            role,
            external_id,
            source,
            keys,
            seconds: asked.session_seconds.or(seconds),
            accept_not_enforced: asked.accept_not_enforced || row.is_some_and(is_accepted),
            prepared_for,
        });
        Ok(request)
    }

    /// When a role that is connected was found to let in without the right id: its row says so from then on, and
    /// nothing is made from it until the person accepts that or the role is mended.
    pub(in crate::app) async fn note_loosened(&self, wish: &Connect, error: &Error) {
        if wish.cloud != Cloud::Aws || error.code() != Code::NotEnforced {
            return;
        }
        let arn = wish.role.as_ref().and_then(|role| role.role_arn.as_deref());
        let role = arn.and_then(|arn| RoleArn::parse(arn).ok());
        let at = self.world.clock.now();
        let noted = self
            .change(|change| {
                let id = match (&wish.account, &role) {
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

/// What a connection is made with.
struct Chosen {
    external_id: String,
    source: SourceChoice,
    /// The life of sessions that was chosen before.
    seconds: Option<u32>,
    /// The principal that the role's template named.
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
        ..
    }) = row.map(|row| &row.identity)
    {
        if let Some(other) = asked.external_id.as_ref().filter(|asked| *asked != fixed) {
            let message = format!(
                "{role} is connected with the External ID {fixed}, which stays for as long as it is. To use {}, disconnect it \
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
            let message = "No External ID waits for a role. Prepare the role first: \"mcm login aws --print trust-policy\" makes \
                           the id and the template. For a role whose External ID your organisation dictates, enter that id.";
            return Err(Error::new(Code::NotFound, message));
        }
        (_, several) => {
            let list: Vec<String> = several
                .iter()
                .map(|pending| format!("{} (for {})", pending.external_id, pending.role_name))
                .collect();
            let message = format!(
                "{} External IDs wait for a role. Name the one in this role's trust policy with --external-id: {}.",
                several.len(),
                list.join(", ")
            );
            return Err(Error::new(Code::Ambiguous, message));
        }
    };
    Ok(Chosen {
        external_id: pending.external_id.clone(),
        source: source(&pending.source),
        seconds: pending.session_seconds,
        prepared_for: Some(pending.principal_arn.clone()),
    })
}

fn require_life(seconds: Option<u32>) -> Result<()> {
    match seconds.filter(|seconds| !SESSION_SECONDS.contains(seconds)) {
        None => Ok(()),
        Some(seconds) => {
            let message = format!(
                "A session lasts 900 to 43200 seconds, not {seconds}. Choose another life."
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
fn connected_with<'a>(stored: &'a Accounts, id: &str) -> Option<&'a Account> {
    let mut accounts = stored.accounts.iter().map(AsRef::as_ref);
    accounts.find(|account: &&Account| matches!(&account.identity, Identity::Aws { external_id, .. } if external_id == id))
}

/// Whether the person accepted that the role lets in without the right id.
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

/// An id of this app's own form has to wait for a role, or belong to a connection: it is never given a second one.
fn require_known(stored: &Accounts, id: &str) -> Result<()> {
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
            "The External ID {id} belongs to {}. Each connection has its own: leave it out to use a new one.",
            row.name()
        ),
        None => format!(
            "The External ID {id} was made for another connection, or on another machine. Each connection has its own: leave \
             it out to use a new one."
        ),
    };
    Err(Error::new(Code::InvalidInput, message))
}

/// A name that two connections in one account do not share.
fn default_role_name(external_id: &str) -> String {
    if aws::is_external_id_of_ours(external_id) {
        return format!("MultiCloudManager-{}", &external_id[4..12]);
    }
    "MultiCloudManager".to_owned()
}
