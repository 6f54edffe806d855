//! The state of this desktop and of the app on it, for a screen.

use std::sync::Arc;

use mcm_core::app::App;
use mcm_core::error::{Code, Error, Result};
use serde::Serialize;
use tauri::{AppHandle, Manager as _, Runtime};
use ts_rs::TS;

use crate::browsers::BrowserView;
use crate::shortcut::{Shortcut, ShortcutView};
use crate::start_at_login::{AtLogin, LoginEntry};
use crate::tray_host;

/// The desktop and the app on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) struct DesktopView {
    /// The app's behaviour at login.
    at_login: AtLogin,
    /// The keys that open the switcher.
    shortcut: ShortcutView,
    /// The browser that opens sign-in pages.
    browser: BrowserView,
    /// Whether the library that draws the tray's icon is missing.
    tray_library_missing: bool,
}

impl DesktopView {
    /// Reads the current state.
    ///
    /// # Errors
    /// `storage-failed` when the desktop's own entry cannot be read.
    pub(crate) fn of<R: Runtime>(app: &AppHandle<R>) -> Result<Self> {
        let core = app.state::<Arc<App>>();
        Ok(Self {
            at_login: login_entry(app)?.read()?,
            shortcut: app.state::<Shortcut>().view(&core),
            browser: BrowserView::of(&core),
            tray_library_missing: !tray_host::has_library(),
        })
    }
}

/// Changes the app's behaviour at login.
///
/// # Errors
/// `storage-failed`.
pub(crate) fn set_at_login<R: Runtime>(app: &AppHandle<R>, choice: AtLogin) -> Result<()> {
    login_entry(app)?.set(choice)
}

fn login_entry<R: Runtime>(app: &AppHandle<R>) -> Result<tauri::State<'_, LoginEntry>> {
    app.try_state().ok_or_else(|| {
        Error::new(
            Code::Unsupported,
            "The path of this program is unknown, so it cannot start at login. Install it again.",
        )
    })
}
