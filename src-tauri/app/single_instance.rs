//! A second start: passes its arguments to the running app and exits, before it contacts the display.
//!
//! The single-instance plug-in does the same, but once Tauri's threads are inside the display's libraries, and a
//! process that exits beside them may crash. It stays for the name that it owns, and for two starts at the same
//! moment.

use gio::glib::ToVariant as _;
use mcm_core::world::SCHEME;

/// The time for the running app's answer, in milliseconds.
const WAIT: i32 = 10_000;

/// Passes on this process's arguments. False when no app accepts them.
pub(crate) fn is_taken() -> bool {
    let Ok(bus) = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE) else {
        return false;
    };
    let name = format!("{SCHEME}.SingleInstance");
    let arguments: Vec<String> = std::env::args_os()
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    // The working directory is not sent.
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
