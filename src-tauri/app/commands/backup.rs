//! The dashboard's commands for a backup. Each calls one use case.

use std::path::PathBuf;

use mcm_core::app::{BackedUp, Passphrase, Restored};

use super::{Answer, Core, to_view};

#[tauri::command]
pub(super) async fn back_up(
    core: Core<'_>,
    path: PathBuf,
    passphrase: Passphrase,
    replaces: bool,
) -> Answer<BackedUp> {
    core.back_up(&path, passphrase, replaces)
        .await
        .map_err(to_view)
}

#[tauri::command]
pub(super) async fn restore(
    core: Core<'_>,
    path: PathBuf,
    passphrase: Passphrase,
) -> Answer<Restored> {
    core.restore(&path, passphrase).await.map_err(to_view)
}
