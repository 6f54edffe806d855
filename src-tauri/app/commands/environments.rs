//! The dashboard's commands for environments, and for what runs with credentials. Each calls one use case.

use mcm_core::app::{EnteredEnvironment, OfferedContext};
use mcm_core::holders::Listed;
use mcm_core::snapshot::ClusterView;

use super::{Answer, Core, to_view};

#[tauri::command]
pub(super) async fn save_environment(
    core: Core<'_>,
    before: Option<String>,
    environment: EnteredEnvironment,
    typed: String,
) -> Answer {
    core.save_environment(before.as_deref(), environment, &typed)
        .await
        .map_err(to_view)
}

#[tauri::command]
pub(super) async fn offered_contexts(core: Core<'_>) -> Answer<Vec<OfferedContext>> {
    core.offered_contexts().map_err(to_view)
}

#[tauri::command]
pub(super) async fn entered_cluster(
    core: Core<'_>,
    before: Option<String>,
    environment: EnteredEnvironment,
    context: String,
) -> Answer<ClusterView> {
    core.entered_cluster(before.as_deref(), environment, &context)
        .map_err(to_view)
}

#[tauri::command]
pub(super) async fn delete_environment(core: Core<'_>, name: String, typed: String) -> Answer {
    core.remove_environment(&name, &typed)
        .await
        .map_err(to_view)
}

#[tauri::command]
pub(super) async fn restore_environment(core: Core<'_>, name: String) -> Answer {
    core.restore_environment(&name).await.map_err(to_view)
}

#[tauri::command]
pub(super) async fn use_environment(core: Core<'_>, name: String) -> Answer {
    core.use_environment(&name).await.map_err(to_view)
}

#[tauri::command]
pub(super) async fn confirm_environment(core: Core<'_>, name: String, typed: String) -> Answer {
    core.confirm_environment(&name, &typed)
        .map(drop)
        .map_err(to_view)
}

#[tauri::command]
pub(super) async fn end_environment(core: Core<'_>, name: String) -> Answer {
    core.end_environment(&name).map_err(to_view)
}

#[tauri::command]
pub(super) async fn holders(core: Core<'_>) -> Answer<Vec<Listed>> {
    Ok(core.holders())
}

#[tauri::command]
pub(super) async fn revoke_holder(core: Core<'_>, id: String) -> Answer {
    core.revoke_holder(&id).map_err(to_view)
}
