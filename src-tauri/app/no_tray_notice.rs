//! Farewell: what is said when closing the window ends the app, because the desktop shows no tray to stay in.
//!
//! A notification, the first time only; the log has a line every time.

use std::path::PathBuf;
use std::time::Duration;

use mcm_core::file;
use mcm_core::world::Paths;
use notify_rust::Notification;
use tauri::async_runtime::spawn_blocking;
use tokio::time::timeout;

/// How long the desktop may take to show it. The app does not stay for a desktop that does not answer.
const TRAY_WAIT: Duration = Duration::from_secs(2);

/// Whether it was said already: an empty file in our data folder.
pub(crate) struct Farewell(PathBuf);

impl Farewell {
    /// The notice of the installation with these folders.
    pub(crate) fn new(paths: &Paths) -> Self {
        Self(paths.data.join("told-of-no-tray"))
    }

    /// Says it, unless it was said before.
    pub(crate) async fn say(&self) {
        tracing::info!("the window was closed and the desktop shows no tray, so the app ends");
        if self.0.exists() {
            return;
        }
        if let Err(error) = file::replace(&self.0, &[]) {
            tracing::warn!(%error, "that there is no tray will be said again");
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
        .summary("Multi-Cloud Manager has ended")
        .body(
            "This desktop shows no tray, so closing the window ends the app. \
             Sessions renew by themselves while it is open, and when mcm asks for them.",
        )
        .show()
        .is_ok()
}
