//! Waiting for other processes to change a file, without looking at it again and again.
//!
//! On Linux the system says so (inotify, through `rustix`): of the file that it was written, of its folder that a file
//! was put in place. `notify` would do on every system, but it starts a thread and wakes for each process that opens the
//! file, as every `mcm` does. Elsewhere, and where inotify has no room, the caller looks twice a second.

use std::path::PathBuf;
use std::time::Duration;

/// How often the caller looks where the system says nothing.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// How often the caller looks although the system said nothing: a change on another machine, in a network folder, is
/// not reported.
#[cfg(target_os = "linux")]
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How long changes that follow one another are taken as one.
#[cfg(target_os = "linux")]
const SETTLING: Duration = Duration::from_millis(50);

/// A watched file. It need not be there yet.
#[derive(Debug)]
pub struct Watch {
    #[cfg(target_os = "linux")]
    events: Option<linux::Events>,
}

impl Watch {
    /// Starts watching: a change from here on is not missed. Within a runtime.
    pub fn start(path: PathBuf) -> Self {
        #[cfg(target_os = "linux")]
        return Self {
            events: linux::Events::of(path)
                .inspect_err(|error| tracing::warn!(kind = %error.kind(), "a file is looked at again and again"))
                .ok(),
        };
        #[cfg(not(target_os = "linux"))]
        {
            drop(path);
            Self {}
        }
    }

    /// Waits until the file may have changed. It may also be as it was.
    pub async fn changed(&mut self) {
        #[cfg(target_os = "linux")]
        if let Some(events) = &mut self.events {
            // A write is many events.
            if tokio::time::timeout(LONGEST_WAIT, events.next())
                .await
                .is_ok()
            {
                tokio::time::sleep(SETTLING).await;
            }
            events.renew();
            return;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::io::{self, Read as _};
    use std::path::{Path, PathBuf};
    use std::sync::{Arc, Weak};
    use std::thread;

    use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
    use tokio::sync::Notify;

    /// The system's events of a file and its folder. A thread waits for them: Tokio takes a queue only from code that may
    /// be unsafe.
    #[derive(Debug)]
    pub(super) struct Events {
        queue: Arc<File>,
        folder: i32,
        path: PathBuf,
        came: Arc<Notify>,
    }

    impl Events {
        pub(super) fn of(path: PathBuf) -> io::Result<Self> {
            let folder = path.parent().unwrap_or(Path::new(""));
            crate::file::make_private_folder(folder)?;
            let queue = Arc::new(File::from(inotify::init(CreateFlags::CLOEXEC)?));
            let flags = WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
            let events = Self {
                folder: inotify::add_watch(&queue, folder, flags)?,
                queue: queue.clone(),
                path,
                came: Arc::default(),
            };
            events.renew();
            let came = Arc::downgrade(&events.came);
            thread::Builder::new()
                .name("file-events".into())
                .spawn(move || forward(&queue, &came))?;
            Ok(events)
        }

        /// Watches the file that is there now: it may have been replaced.
        pub(super) fn renew(&self) {
            let flags = WatchFlags::MODIFY | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
            // One that is not there yet appears in the folder.
            let _ = inotify::add_watch(&self.queue, &self.path, flags);
        }

        /// Waits for an event since the last call.
        pub(super) async fn next(&self) {
            self.came.notified().await;
        }
    }

    impl Drop for Events {
        /// Wakes the thread, which then ends: the end of a watch is an event.
        fn drop(&mut self) {
            self.came = Arc::default();
            let _ = inotify::remove_watch(&self.queue, self.folder);
        }
    }

    /// Passes events on, as long as a receiver waits for them.
    fn forward(mut queue: &File, came: &Weak<Notify>) {
        let mut events = [0; 4096];
        loop {
            match queue.read(&mut events) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
            match came.upgrade() {
                Some(came) => came.notify_one(),
                None => return,
            }
        }
    }
}
