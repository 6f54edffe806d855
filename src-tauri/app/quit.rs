//! The end: the window goes at once, the process when core is done with what must not be cut off.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mcm_core::app::App;
use tauri::{AppHandle, Manager as _};

/// Whether the end has begun.
#[derive(Default)]
pub(crate) struct Quitting(AtomicBool);

impl Quitting {
    /// Whether it has.
    pub(crate) fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends the app. Waits for renewals that are running, because a rotated refresh token must reach the keychain, and for
/// nothing else.
pub(crate) fn quit(app: &AppHandle) {
    if app.state::<Quitting>().0.swap(true, Ordering::Relaxed) {
        return;
    }
    for window in app.webview_windows().values() {
        // A window that is gone already is as good.
        let _ = window.hide();
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let core = app.state::<Arc<App>>().inner().clone();
        core.finish().await;
        app.exit(0);
    });
}

/// Ends the app when the system or a terminal asks for it.
pub(crate) async fn on_signal(app: AppHandle) {
    if let Err(error) = signal().await {
        tracing::warn!(%error, "signals cannot be heard");
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
