//! The dashboard's commands for AWS's sources, access keys and roles to create. Each calls one use case.

use mcm_core::app::{EnteredKeys, PrepareRole, PreparedRole};
use mcm_core::provider::aws::{AwsSource, Caller};
use mcm_core::role::{PendingRole, SourceChoice};

use super::{Answer, Core, to_view};

#[tauri::command]
pub(super) async fn aws_sources(core: Core<'_>) -> Answer<Vec<AwsSource>> {
    core.aws_sources().await.map_err(to_view)
}

#[tauri::command]
pub(super) async fn aws_caller(core: Core<'_>, source: SourceChoice) -> Answer<Caller> {
    core.aws_caller(&source).await.map_err(to_view)
}

#[tauri::command]
pub(super) async fn add_access_keys(core: Core<'_>, keys: EnteredKeys) -> Answer<Caller> {
    core.add_access_keys(keys).await.map_err(to_view)
}

#[tauri::command]
pub(super) async fn remove_access_keys(core: Core<'_>, access_key_id: String) -> Answer {
    core.remove_access_keys(&access_key_id)
        .await
        .map_err(to_view)
}

#[tauri::command]
pub(super) async fn prepare_role(core: Core<'_>, request: PrepareRole) -> Answer<PreparedRole> {
    core.prepare_role(request).await.map_err(to_view)
}

#[tauri::command]
pub(super) async fn pending_roles(core: Core<'_>) -> Answer<Vec<PendingRole>> {
    core.pending_roles().map_err(to_view)
}

#[tauri::command]
pub(super) async fn drop_pending_role(core: Core<'_>, external_id: String) -> Answer {
    core.drop_pending_role(&external_id).await.map_err(to_view)
}
