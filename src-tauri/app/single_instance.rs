//! A second start: its arguments go to the app that runs, and it ends, before anything talks to the display.
//!
//! The single-instance plug-in does the same, but once Tauri's threads are inside the display's libraries, and a process
//! that ends beside them may crash. It stays for the name that it owns, and for two starts at the same moment.

use gio::glib::ToVariant as _;
use mcm_core::world::SCHEME;

/// How long the app that runs may take, in milliseconds.
const WAIT: i32 = 10_000;

/// Hands this process's arguments over. False when no app takes them.
pub(crate) fn is_taken() -> bool {
    let Ok(bus) = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE) else {
        return false;
    };
    let name = format!("{SCHEME}.SingleInstance");
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    // Where this process stands is nobody's concern.
    let folder = "";
    bus.call_sync(
        Some(&name),
        &format!("/{}", name.replace('.', "/")),
        "org.SingleInstance.DBus",
        "ExecuteCallback",
        Some(&(arguments, folder).to_variant()),
        None,
        gio::DBusCallFlags::NO_AUTO_START,
        WAIT,
        gio::Cancellable::NONE,
    )
    .is_ok()
}
