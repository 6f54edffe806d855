//! Whether the desktop shows a tray, so that an app without a window can still be reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Follows the desktop's tray.
#[derive(Clone)]
pub(crate) struct TrayHost(Arc<AtomicBool>);

impl TrayHost {
    /// Starts to follow it. On the main thread, which is told of changes.
    pub(crate) fn follow() -> Self {
        let host = Self(Arc::new(AtomicBool::new(cfg!(not(target_os = "linux")))));
        #[cfg(target_os = "linux")]
        host.follow_watcher();
        host
    }

    /// Whether a tray is shown now.
    pub(crate) fn is_there(&self) -> bool {
        self.0.load(Ordering::Relaxed)
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
            move |_, _, _| appeared.store(true, Ordering::Relaxed),
            move |_, _| vanished.store(false, Ordering::Relaxed),
        );
    }
}
