//! Whether the desktop shows a tray, so that an app without a window can still be reached; and whether the library that
//! draws an icon there is installed.

#[cfg(target_os = "linux")]
use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// The time for the bus's answer, in milliseconds.
#[cfg(target_os = "linux")]
const WAIT: i32 = 2_000;

/// The library that draws an icon in the tray, by the names that Tauri's crate `libappindicator-sys` opens.
#[cfg(target_os = "linux")]
const LIBRARIES: [&str; 4] = [
    "libayatana-appindicator3.so.1",
    "libappindicator3.so.1",
    "libayatana-appindicator3.so",
    "libappindicator3.so",
];

/// Whether the library that draws the icon is installed. Without it Tauri ends the process, so this asks first. The
/// library stays open: GTK's types cannot be taken back.
pub(crate) fn has_library() -> bool {
    #[cfg(target_os = "linux")]
    {
        static LIBRARY: OnceLock<Option<dlopen2::raw::Library>> = OnceLock::new();
        let open = || {
            let open = |name| dlopen2::raw::Library::open(name).ok();
            LIBRARIES.into_iter().find_map(open)
        };
        LIBRARY.get_or_init(open).is_some()
    }
    #[cfg(not(target_os = "linux"))]
    true
}

/// Watches the desktop's tray.
#[derive(Clone)]
pub(crate) struct TrayHost(watch::Sender<bool>);

impl TrayHost {
    /// Starts to watch it. On the main thread, which receives the changes.
    pub(crate) fn follow() -> Self {
        let host = Self(watch::Sender::new(cfg!(not(target_os = "linux"))));
        #[cfg(target_os = "linux")]
        host.follow_watcher();
        host
    }

    /// Whether a tray is shown now.
    pub(crate) fn is_there(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until a tray is shown, but no longer than `patience`.
    pub(crate) async fn appeared(&self, patience: Duration) {
        // The caller continues, late or not.
        let _ = timeout(patience, self.0.subscribe().wait_for(|is_there| *is_there)).await;
    }

    /// On Linux a tray exists when a program owns the name that icons register with. Without a session bus there is
    /// none. Not with `gio::bus_watch_name`: that stops the process when the bus goes away, as it does at logout.
    #[cfg(target_os = "linux")]
    fn follow_watcher(&self) {
        use gio::glib::ToVariant as _;

        const BUS: &str = "org.freedesktop.DBus";
        const WATCHER: &str = "org.kde.StatusNotifierWatcher";
        let Ok(bus) = gio::bus_get_sync(gio::BusType::Session, gio::Cancellable::NONE) else {
            return;
        };
        let (host, kept) = (self.clone(), bus.clone());
        // Watched until the process ends, so the subscription is never cancelled, and keeps its connection.
        let _ = bus.signal_subscribe(
            Some(BUS),
            Some(BUS),
            Some("NameOwnerChanged"),
            Some("/org/freedesktop/DBus"),
            Some(WATCHER),
            gio::DBusSignalFlags::NONE,
            move |_, _, _, _, _, change| {
                let _ = &kept;
                let owner = change.try_child_value(2);
                host.set(
                    owner.is_some_and(|owner| owner.str().is_some_and(|owner| !owner.is_empty())),
                );
            },
        );
        let owned = bus.call_sync(
            Some(BUS),
            "/org/freedesktop/DBus",
            BUS,
            "NameHasOwner",
            Some(&(WATCHER,).to_variant()),
            None,
            gio::DBusCallFlags::NONE,
            WAIT,
            gio::Cancellable::NONE,
        );
        self.set(owned.is_ok_and(|owned| owned.get::<(bool,)>() == Some((true,))));
    }

    #[cfg(target_os = "linux")]
    fn set(&self, is_there: bool) {
        self.0.send_replace(is_there);
    }
}
