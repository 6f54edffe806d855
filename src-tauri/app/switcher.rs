//! The switcher: a small window in front of everything, to type, press Enter and be gone. Its web view exists only
//! while it is shown.
//!
//! Any thread may call `SwitcherRequests`, any number of times; it is handled a few times a second.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tauri::{AppHandle, Manager as _, Runtime, WebviewWindow};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::window::shut_in;

/// The label of the window. `tauri.conf.json` grants its commands by this name.
pub(crate) const SWITCHER: &str = "switcher";
/// The shortest time between two handled requests.
const SEARCH_INTERVAL: Duration = Duration::from_millis(200);
/// How long the window may be without the keyboard. While the keys of a global shortcut are held on an X server, no
/// window has it.
const AWAY: Duration = Duration::from_millis(150);

/// Requests for the switcher; a second request closes it.
#[derive(Default)]
pub(crate) struct SwitcherRequests {
    /// When the keys were pressed, on the X server's clock; 0 if unknown.
    at: AtomicU32,
    /// Whether the window has had the keyboard since it was opened.
    had_keyboard: AtomicBool,
    /// The text typed before the page can receive it; none once it can.
    ahead: Mutex<Option<String>>,
    rung: Notify,
}

impl SwitcherRequests {
    /// Requests the switcher. Requests that come faster than they are handled count as one.
    pub(crate) fn request(&self, at: u32) {
        self.at.store(at, Ordering::Relaxed);
        self.rung.notify_one();
    }

    /// The text typed so far, with a line break for Enter. From here on the page receives the keys itself.
    pub(crate) fn typed_ahead(&self) -> String {
        self.ahead
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .unwrap_or_default()
    }

    /// The window is opened again: nothing was typed yet, and it had no keyboard.
    fn begin(&self) {
        self.had_keyboard.store(false, Ordering::Relaxed);
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(String::new());
    }

    /// Keeps typed text for the page. False when the page receives the keys itself.
    #[cfg(target_os = "linux")]
    fn keep(&self, typed: Option<char>) -> bool {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(text) = ahead.as_mut() else {
            return false;
        };
        text.extend(typed.filter(|_| text.len() < LONGEST_AHEAD));
        true
    }
}

/// The most typed text that is kept, in bytes.
#[cfg(target_os = "linux")]
const LONGEST_AHEAD: usize = 256;

/// Opens or closes the switcher at each request, as long as the app runs.
pub(crate) async fn answer(app: AppHandle) {
    loop {
        app.state::<SwitcherRequests>().rung.notified().await;
        let handle = app.clone();
        // Fails only when the app is quitting.
        let _ = app.run_on_main_thread(move || toggle(&handle));
        sleep(SEARCH_INTERVAL).await;
    }
}

/// Closes the switcher if it is open.
pub(crate) fn close<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(SWITCHER) {
        // Fails only for a window that is already closed.
        let _ = window.destroy();
    }
}

/// Records that the window got the keyboard or lost it. A window that lost it is closed.
pub(crate) fn on_focus(app: &AppHandle, focused: bool) {
    let call = app.state::<SwitcherRequests>();
    if focused {
        call.had_keyboard.store(true, Ordering::Relaxed);
        return;
    }
    // A window that never had the keyboard did not lose it: the desktop may be slow.
    if !call.had_keyboard.load(Ordering::Relaxed) {
        return;
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        sleep(AWAY).await;
        let is_back = app
            .get_webview_window(SWITCHER)
            .is_none_or(|window| window.is_focused().unwrap_or(false));
        if !is_back {
            close(&app);
        }
    });
}

fn toggle(app: &AppHandle) {
    if app.get_webview_window(SWITCHER).is_some() {
        close(app);
        return;
    }
    let call = app.state::<SwitcherRequests>();
    call.begin();
    let shown =
        build(app).and_then(|window| bring_forward(&window, call.at.swap(0, Ordering::Relaxed)));
    if let Err(error) = shown {
        tracing::error!(%error, "the switcher could not be shown");
    }
}

/// Creates the window. It is shown once its position is known.
pub(crate) fn build<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<WebviewWindow<R>> {
    shut_in(app, SWITCHER, "switcher.html", |window| {
        window
            .title("Switch account")
            .inner_size(640.0, 440.0)
            .center()
            .resizable(false)
            .decorations(false)
            .always_on_top(true)
            .skip_taskbar(true)
            .visible(false)
    })
}

/// Shows the window with the keyboard. A window manager gives it to a window with the time of the key press, and
/// withholds it from one without.
#[cfg(target_os = "linux")]
fn bring_forward(window: &WebviewWindow, at: u32) -> tauri::Result<()> {
    use gtk::prelude::{BinExt as _, GtkWindowExt as _, WidgetExt as _};
    let app = window.app_handle().clone();
    let window = window.gtk_window()?;
    window.connect_key_press_event(move |_, event| hear(&app, event));
    if let Some(content) = window.child() {
        content.show_all();
    }
    window.present_with_time(at);
    Ok(())
}

/// The user types at once, and a page takes time to load.
#[cfg(target_os = "linux")]
fn hear(app: &AppHandle, event: &gtk::gdk::EventKey) -> gtk::glib::Propagation {
    use gtk::gdk::ModifierType;
    use gtk::gdk::keys::constants::{Escape, KP_Enter, Return};

    let is_shortcut = event
        .state()
        .intersects(ModifierType::CONTROL_MASK | ModifierType::MOD1_MASK);
    let typed = match event.keyval() {
        _ if is_shortcut => None,
        key if key == Return || key == KP_Enter => Some('\n'),
        key => key.to_unicode().filter(|c| !c.is_control()),
    };
    if !app.state::<SwitcherRequests>().keep(typed) {
        return gtk::glib::Propagation::Proceed;
    }
    if event.keyval() == Escape {
        close(app);
    }
    gtk::glib::Propagation::Stop
}

#[cfg(not(target_os = "linux"))]
fn bring_forward(window: &WebviewWindow, _at: u32) -> tauri::Result<()> {
    window.show()?;
    window.set_focus()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn text_typed_before_the_page_is_ready_is_kept_for_it_once() {
        let call = SwitcherRequests::default();
        assert!(!call.keep(Some('x')), "no window is open");
        call.begin();
        for typed in ['n', 'o', '\n'] {
            assert!(call.keep(Some(typed)));
        }
        assert!(
            call.keep(None),
            "a key without a letter is kept from the page too"
        );
        assert_eq!(call.typed_ahead(), "no\n");
        assert!(!call.keep(Some('x')), "the page receives the keys itself");
        call.begin();
        for _ in 0..1_000 {
            call.keep(Some('x'));
        }
        assert_eq!(call.typed_ahead().len(), LONGEST_AHEAD);
    }
}
