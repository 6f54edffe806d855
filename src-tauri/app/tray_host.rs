//! Whether the desktop shows a tray, so that an app without a window can still be reached.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Follows the desktop's tray.
#[derive(Clone)]
pub(crate) struct TrayHost(watch::Sender<bool>);

impl TrayHost {
    /// Starts to follow it. On the main thread, which is told of changes.
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
        // Late or not: whoever waits goes on.
        let _ = timeout(patience, self.0.subscribe().wait_for(|is_there| *is_there)).await;
    }

    /// On Linux a tray is there when somebody owns the name that icons register with. Without a session bus nobody
    /// does.
    #[cfg(target_os = "linux")]
    fn follow_watcher(&self) {
        let (appeared, vanished) = (self.0.clone(), self.0.clone());
        // Followed until the process ends, so the watch is never given back.
        let _ = gio::bus_watch_name(
            gio::BusType::Session,
            "org.kde.StatusNotifierWatcher",
            gio::BusNameWatcherFlags::NONE,
            move |_, _, _| {
                appeared.send_replace(true);
            },
            move |_, _| {
                vanished.send_replace(false);
            },
        );
    }
}
