//! The costs of WebKitGTK that the app avoids: the graphics card, a process that outlives the windows, and a pause
//! when a window opens.

use std::fs;

use gio::glib;
use gtk::prelude::WidgetExt as _;
use mcm_core::world::Environment;
use rustix::process::{Pid, Signal, kill_process};
use tauri::{AppHandle, Manager as _, Runtime, WebviewWindow};

/// The variables that GTK and WebKit read when they start.
const WITHOUT_CARD: [(&str, &str); 2] = [
    ("GDK_GL", "disable"),
    ("WEBKIT_DISABLE_DMABUF_RENDERER", "1"),
];
/// WebKit's process for requests, by as much of its name as the kernel keeps.
const REQUESTS: &str = "WebKitNetworkPr";

/// Draws with the processor: lists and forms gain nothing from the card, whose drivers use a third of the app's
/// memory, even while no window is open. Values set by the user win. The first action of the process, because no
/// other thread may read variables while they are set.
pub(crate) fn draw_without_card(environment: &Environment) {
    for (name, value) in without_card(environment) {
        // Fails for a name that is not valid for a variable.
        let _ = glib::setenv(name, value, true);
    }
}

/// The variables that are set for this process only: a browser that it starts may use the card.
pub(crate) fn of_this_process_alone(environment: &Environment) -> Vec<&'static str> {
    without_card(environment).map(|(name, _)| name).collect()
}

/// Those of the variables that the user did not set.
fn without_card(environment: &Environment) -> impl Iterator<Item = (&'static str, &'static str)> {
    WITHOUT_CARD
        .into_iter()
        .filter(|(name, _)| environment.get(name).is_none())
}

/// Keeps a new web view from drawing until its page is loaded. To draw, WebKit waits up to half a second for the
/// page's own process, which waits for files of the page; this thread serves them, so both would wait.
pub(crate) fn keep_from_drawing<R: Runtime>(window: &WebviewWindow<R>) {
    // Fails for a window that is already closed.
    let _ = window.with_webview(|view| {
        view.inner().set_no_show_all(true);
        view.inner().hide();
    });
}

/// Lets a web view draw, with the keyboard.
pub(crate) fn let_draw<R: Runtime>(window: &WebviewWindow<R>) {
    let _ = window.with_webview(|view| {
        view.inner().set_no_show_all(false);
        view.inner().show();
        view.inner().grab_focus();
    });
}

/// Ends WebKit's process for requests when no window is left; otherwise it would stay. It holds nothing of ours, and
/// WebKit starts another with the next window. Only after a page has loaded with its help: WebKit ends the whole app
/// when the process ends before it has reported. On the main thread, which starts it.
pub(crate) fn end_idle_process(app: &AppHandle) {
    if !app.webview_windows().is_empty() {
        return;
    }
    // On a kernel that does not list child processes, the process stays.
    let children = fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    for child in children.split_whitespace() {
        let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
        let child = child.parse().ok().and_then(Pid::from_raw);
        if let Some(child) = child.filter(|_| name.trim() == REQUESTS) {
            // It may have ended by itself.
            let _ = kill_process(child, Signal::TERM);
        }
    }
}
