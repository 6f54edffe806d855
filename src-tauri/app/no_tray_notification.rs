//! The notice that closing the window ends the app, because there is no tray to stay in.
//!
//! It is shown as a notification the first time; the log has a line every time.

use std::path::PathBuf;
use std::time::Duration;

use mcm_core::file;
use mcm_core::world::Paths;
use notify_rust::Notification;
use tauri::async_runtime::spawn_blocking;
use tokio::time::timeout;

use crate::tray_host;

/// The time for the desktop to show it. The app does not wait longer.
const TRAY_WAIT: Duration = Duration::from_secs(2);

/// Records that it was shown: an empty file in our data folder.
pub(crate) struct NoTrayNotification(PathBuf);

impl NoTrayNotification {
    /// The notice for the installation with these folders.
    pub(crate) fn new(paths: &Paths) -> Self {
        Self(paths.data.join("no-tray-notice"))
    }

    /// Shows it, unless it was shown before.
    pub(crate) async fn show_once(&self) {
        tracing::info!("the window was closed and there is no tray, so the app ends");
        if self.0.exists() {
            return;
        }
        if let Err(error) = file::replace(&self.0, &[]) {
            tracing::warn!(%error, "the notice about the missing tray will be shown again");
        }
        let shown = timeout(TRAY_WAIT, spawn_blocking(show)).await;
        if !matches!(shown, Ok(Ok(true))) {
            tracing::warn!("the desktop shows no notifications");
        }
    }
}

fn show() -> bool {
    Notification::new()
        .appname("Multi-Cloud Manager")
        .icon("multi-cloud-manager")
        .summary("Multi-Cloud Manager has quit")
        .body(body(tray_host::has_library()))
        .show()
        .is_ok()
}

/// The reason why there is no tray, and what that means.
fn body(has_library: bool) -> &'static str {
    if has_library {
        "This desktop shows no tray, so closing the window quits the app. \
         Sessions renew automatically while it is open, and when mcm needs them."
    } else {
        "The library libayatana-appindicator3 is not installed. Without it there is no tray, and closing the window \
         quits the app. Sessions renew automatically while it is open, and when mcm needs them."
    }
}
