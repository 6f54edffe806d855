//! Quitting: the window closes at once. The process exits once running renewals have been stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mcm_core::app::App;
use tauri::{AppHandle, Manager as _};

/// Whether the app is quitting.
#[derive(Default)]
pub(crate) struct Quitting(AtomicBool);

impl Quitting {
    /// Returns whether it is.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Quits the app. Waits only for running renewals, because a rotated refresh token must reach the keychain.
pub(crate) fn quit(app: &AppHandle) {
    if app.state::<Quitting>().0.swap(true, Ordering::Relaxed) {
        return;
    }
    for window in app.webview_windows().values() {
        // It may already be closed.
        let _ = window.hide();
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let core = app.state::<Arc<App>>().inner().clone();
        core.finish().await;
        app.exit(0);
    });
}

/// Quits the app when the system or a terminal asks for it.
pub(crate) async fn on_signal(app: AppHandle) {
    if let Err(error) = signal().await {
        tracing::warn!(%error, "signals cannot be received");
        return;
    }
    quit(&app);
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
