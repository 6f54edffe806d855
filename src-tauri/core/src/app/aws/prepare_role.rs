//! Preparing a role of AWS: its External ID, its templates, and the connections that wait for their role.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::roles::{connected_with, require_known, require_life};
use crate::app::App;
use crate::error::{Code, Error, Result};
use crate::provider::aws::{self, Caller, RoleTemplates, TemplateOptions};
use crate::role::{PendingRole, Permissions, Source, SourceChoice};
use crate::text;

/// The values to prepare a role with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[ts(export, optional_fields)]
pub struct PrepareRole {
    /// The source that will assume it, as in `ConnectRole`; by default the default chain.
    pub source: Option<SourceChoice>,
    /// An External ID from the organisation, or that of a connection whose templates are printed again.
    pub external_id: Option<String>,
    /// Whether to create a new External ID even if one waits for its role.
    pub another: bool,
    /// The role's name; by default the prepared one, or a generated one.
    pub role_name: Option<String>,
    /// The role's permissions; by default the prepared ones, or view only.
    pub permissions: Option<Permissions>,
    /// The length of its sessions in seconds; by default the prepared one, or an hour.
    pub session_seconds: Option<u32>,
}

/// A role that is ready to be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct PreparedRole {
    /// The External ID, which is reserved from here on.
    pub external_id: String,
    /// The role's name in the templates.
    pub role_name: String,
    /// The role's permissions in the templates.
    pub permissions: Permissions,
    /// The length of its sessions in seconds. The templates permit it, and at least an hour.
    pub session_seconds: u32,
    /// The caller that will assume it.
    pub caller: Caller,
    /// The role in every format.
    pub templates: RoleTemplates,
}

impl App {
    /// Creates an External ID, stores it, and returns the templates of a role that requires it. A connection that
    /// already waits for its role with the same caller keeps its id, so printing twice prints the same.
    ///
    /// # Errors
    /// Those of `aws_caller` and `RoleTemplates::new`, `storage-*`; nothing is shown that was not stored first.
    pub async fn prepare_role(&self, wanted: PrepareRole) -> Result<PreparedRole> {
        let asked = wanted.source.unwrap_or(Source::Default.into());
        let (source, keys) = self.source_with_keys(&asked).await?;
        let caller = self.aws().caller(&source, keys.as_ref()).await?;
        let stored = self.stored()?;
        let waiting = stored
            .pending_roles
            .iter()
            .rev()
            .find(|pending| match &wanted.external_id {
                Some(id) => pending.external_id == *id,
                None => {
                    !wanted.another
                        && pending.source == source
                        && pending.principal_arn == caller.principal_arn
                }
            });
        let external_id = match (&wanted.external_id, waiting) {
            (_, Some(pending)) => pending.external_id.clone(),
            (None, None) => aws::new_external_id(),
            (Some(id), None) => {
                aws::check_external_id(id)?;
                require_known(&stored, id)?;
                id.clone()
            }
        };
        let role_name = wanted
            .role_name
            .or_else(|| waiting.map(|pending| pending.role_name.clone()))
            .unwrap_or_else(|| default_role_name(&external_id));
        let permissions = wanted
            .permissions
            .or_else(|| waiting.map(|pending| pending.permissions.clone()))
            .unwrap_or_default();
        let seconds = wanted
            .session_seconds
            .or_else(|| waiting.and_then(|pending| pending.session_seconds));
        require_life(seconds)?;
        let template = TemplateOptions {
            role_name,
            permissions,
            seconds: seconds.unwrap_or(aws::ONE_HOUR),
        };
        let templates = RoleTemplates::new(&caller, &external_id, &template)?;
        let TemplateOptions {
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
            // The templates of an existing connection are only shown again.
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

    /// Discards a connection that waits for its role. Its External ID is not used again.
    ///
    /// # Errors
    /// `not-found`, `storage-*`.
    pub async fn drop_pending_role(&self, external_id: &str) -> Result<()> {
        self.change(|change| {
            if change.remove_pending_role(external_id)? {
                return Ok(());
            }
            let message = format!(
                "No connection is waiting with the External ID {}.",
                text::shown(external_id)
            );
            Err(Error::new(Code::NotFound, message).with_remedies(
                "Run \"mcm login aws --pending\".",
                "It may have been used or discarded.",
            ))
        })
        .await
    }
}

/// A name that is unique among the connections of an account.
fn default_role_name(external_id: &str) -> String {
    if aws::is_external_id_of_ours(external_id) {
        return format!("MultiCloudManager-{}", &external_id[4..12]);
    }
    "MultiCloudManager".to_owned()
}
