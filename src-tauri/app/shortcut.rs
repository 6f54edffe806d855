//! The global shortcut: keys that open the switcher from any program. Off until the user sets them.
//!
//! This file decides which keys are valid; `shortcut/x11.rs` listens on an X server, the crate `global-hotkey`
//! elsewhere.

mod keys;
#[cfg_attr(target_os = "linux", path = "shortcut/x11.rs")]
#[cfg_attr(not(target_os = "linux"), path = "shortcut/windows_and_macos.rs")]
mod listener;

use std::sync::{Mutex, MutexGuard, PoisonError};

use mcm_core::app::App;
use mcm_core::error::{Code, Error, ErrorView, Result};
use mcm_core::world::Environment;
use serde::Serialize;
use tauri::{AppHandle, Manager as _};
use ts_rs::TS;

use crate::switcher::SwitcherRequests;
pub(crate) use keys::Keys;
use listener::Listener;

/// The shortcut as the Settings screen needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) struct ShortcutView {
    /// Whether this desktop lets a program listen for keys globally.
    possible: bool,
    /// The configured keys.
    keys: Option<String>,
    /// Why they do not work now.
    error: Option<ErrorView>,
}

/// The active keys.
pub(crate) struct Shortcut {
    app: AppHandle,
    possible: bool,
    set: Mutex<Set>,
}

#[derive(Default)]
struct Set {
    /// Created on first use: nothing listens for keys while the shortcut is off.
    listener: Option<Listener>,
    error: Option<Error>,
}

/// The reason why keys cannot be listened for.
enum ShortcutError {
    /// Another program has them.
    Taken,
    /// No key of the keyboard produces them.
    #[cfg(target_os = "linux")]
    NoSuchKey,
    /// The desktop does not answer.
    Unreachable(Box<dyn std::error::Error + Send + Sync>),
}

impl Shortcut {
    /// Nothing is listened for yet.
    pub(crate) fn new(app: &AppHandle, environment: &Environment) -> Self {
        Self {
            app: app.clone(),
            possible: is_possible(environment),
            set: Mutex::default(),
        }
    }

    /// Listens for the saved keys, if any. On the main thread.
    pub(crate) fn start(&self, core: &App) {
        let Some(saved) = core.shortcut() else { return };
        if !self.possible {
            return;
        }
        if let Err(error) = saved.parse().and_then(|keys| self.listen(Some(keys))) {
            tracing::warn!(%error, "the shortcut does not work");
            self.set().error = Some(error);
        }
    }

    /// Sets other keys, or none, and saves them. If they are not available, the old ones stay.
    ///
    /// # Errors
    /// `invalid-input` for keys that another program has or that would disturb every program, `unsupported`,
    /// `storage-*`.
    pub(crate) async fn change(&self, core: &App, choice: Option<&str>) -> Result<()> {
        let choice = choice.map(str::parse::<Keys>).transpose()?;
        if choice.is_some() && !self.possible {
            return Err(Error::new(
                Code::Unsupported,
                "This desktop does not support global shortcuts of apps. Set the shortcut in the desktop's own settings.",
            ));
        }
        let before = core.shortcut().and_then(|saved| saved.parse().ok());
        self.listen_on_main_thread(choice).await?;
        if let Err(error) = core.save_shortcut(choice.map(|keys| keys.to_string()).as_deref()) {
            // The active keys are saved.
            let _ = self.listen_on_main_thread(before).await;
            return Err(error);
        }
        self.set().error = None;
        Ok(())
    }

    /// The current state.
    pub(crate) fn view(&self, core: &App) -> ShortcutView {
        ShortcutView {
            possible: self.possible,
            keys: core.shortcut(),
            error: self.set().error.as_ref().map(ErrorView::from),
        }
    }

    async fn listen_on_main_thread(&self, keys: Option<Keys>) -> Result<()> {
        let (sender, answer) = tokio::sync::oneshot::channel();
        let app = self.app.clone();
        let ending = |_| Error::new(Code::Internal, "The app is quitting.");
        self.app
            .run_on_main_thread(move || {
                let _ = sender.send(app.state::<Self>().listen(keys));
            })
            .map_err(|error| {
                Error::new(Code::Internal, "The app is quitting.").with_source(error)
            })?;
        answer.await.map_err(ending)?
    }

    fn listen(&self, keys: Option<Keys>) -> Result<()> {
        let mut set = self.set();
        if keys.is_none() && set.listener.is_none() {
            return Ok(());
        }
        if set.listener.is_none() {
            let app = self.app.clone();
            let opened = Listener::open(move |at| app.state::<SwitcherRequests>().request(at));
            set.listener = Some(opened.map_err(|refused| to_error(&refused, keys))?);
        }
        let listener = set.listener.as_ref().expect("it was just made");
        listener
            .listen(keys)
            .map_err(|refused| to_error(&refused, keys))
    }

    fn set(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn to_error(refused: &ShortcutError, keys: Option<Keys>) -> Error {
    let keys = keys.map(|keys| keys.to_string()).unwrap_or_default();
    match refused {
        ShortcutError::Taken => Error::new(
            Code::InvalidInput,
            format!("Another program uses {keys}. Choose other keys, or free them there first."),
        ),
        #[cfg(target_os = "linux")]
        ShortcutError::NoSuchKey => Error::new(
            Code::InvalidInput,
            format!("Your keyboard has no key for {keys}. Choose other keys."),
        ),
        ShortcutError::Unreachable(error) => {
            tracing::warn!(%error, "the keys of the desktop cannot be listened for");
            Error::new(
                Code::Unsupported,
                "The desktop does not let this app listen for keys. Set the shortcut in the desktop's own settings.",
            )
        }
    }
}

/// A Wayland session sends keys only to the focused program. An app that runs there through Xwayland can request them
/// successfully, and never receives them.
fn is_possible(environment: &Environment) -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let is_wayland = environment
        .get("XDG_SESSION_TYPE")
        .is_some_and(|kind| kind.eq_ignore_ascii_case("wayland"))
        || environment.get("WAYLAND_DISPLAY").is_some();
    !is_wayland && environment.get("DISPLAY").is_some()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_wayland_session_offers_no_shortcut() {
        let is_possible =
            |pairs: &[(&str, &str)]| is_possible(&Environment::from_pairs(pairs.iter().copied()));
        assert!(is_possible(&[("DISPLAY", ":0")]));
        assert!(is_possible(&[
            ("DISPLAY", ":0"),
            ("XDG_SESSION_TYPE", "x11")
        ]));
        assert!(!is_possible(&[
            ("DISPLAY", ":0"),
            ("XDG_SESSION_TYPE", "wayland")
        ]));
        assert!(!is_possible(&[
            ("DISPLAY", ":0"),
            ("WAYLAND_DISPLAY", "wayland-0")
        ]));
        assert!(!is_possible(&[]));
    }
}
