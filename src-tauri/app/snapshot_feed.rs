//! The feed: sends Snapshots to the open windows.
//!
//! A window passes a channel and receives every state, starting with the current one. It receives nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mcm_core::snapshot::Snapshot;
use tauri::async_runtime::{JoinHandle, spawn};
use tauri::ipc::Channel;
use tokio::sync::watch;
use tokio::time::sleep;

/// The shortest time between two Snapshots. Intermediate states are skipped, never the last one.
const MIN_SEND_INTERVAL: Duration = Duration::from_millis(40);

/// The feeds of the open windows, by label. A later one, after a reload, replaces the earlier one.
#[derive(Default)]
pub(crate) struct Feed(Mutex<HashMap<String, JoinHandle<()>>>);

impl Feed {
    /// Sends the current Snapshot and then each new one.
    pub(crate) fn start(
        &self,
        window: &str,
        snapshots: watch::Receiver<Arc<Snapshot>>,
        channel: Channel<Snapshot>,
    ) {
        let next = spawn(send(snapshots, channel));
        end(self.feeds().insert(window.to_owned(), next));
    }

    /// Ends the feed with its web view. Returns whether there was one.
    pub(crate) fn stop(&self, window: &str) -> bool {
        let feed = self.feeds().remove(window);
        let was_heard = feed.is_some();
        end(feed);
        was_heard
    }

    fn feeds(&self) -> MutexGuard<'_, HashMap<String, JoinHandle<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(feed: Option<JoinHandle<()>>) {
    if let Some(feed) = feed {
        feed.abort();
    }
}

async fn send(mut snapshots: watch::Receiver<Arc<Snapshot>>, channel: Channel<Snapshot>) {
    snapshots.mark_changed();
    while snapshots.changed().await.is_ok() {
        let snapshot = snapshots.borrow_and_update().clone();
        if channel.send(Snapshot::clone(&snapshot)).is_err() {
            return;
        }
        sleep(MIN_SEND_INTERVAL).await;
    }
}

#[cfg(test)]
mod tests {
    use tauri::async_runtime::block_on;
    use tauri::ipc::InvokeResponseBody;
    use tokio::sync::mpsc;
    use tokio::time::timeout;

    use super::*;
    use crate::commands::tests::core_below;

    #[test]
    fn a_dashboard_receives_the_current_state_and_the_last_and_not_all_between() {
        let folder = tempfile::tempdir().unwrap();
        let core = core_below(folder.path());
        let (channel, mut heard) = channel();
        let feed = Feed::default();

        block_on(async {
            feed.start("main", core.watch(), channel);
            let first = heard.recv().await.unwrap();
            for turn in 1..=1_000 {
                core.pause(turn % 2 == 1);
            }
            let mut count = 1;
            while heard.recv().await.unwrap() < first + 1_000 {
                count += 1;
            }
            assert!(count < 100, "{count}");
        });
    }

    #[test]
    fn a_closed_or_replaced_window_receives_nothing_more_and_the_other_continues() {
        let folder = tempfile::tempdir().unwrap();
        let core = core_below(folder.path());
        let feed = Feed::default();
        let ((first, mut first_heard), (second, mut second_heard)) = (channel(), channel());
        let (other, mut other_heard) = channel();

        block_on(async {
            feed.start("switcher", core.watch(), other);
            other_heard.recv().await.unwrap();
            feed.start("main", core.watch(), first);
            first_heard.recv().await.unwrap();
            feed.start("main", core.watch(), second);
            second_heard.recv().await.unwrap();
            // The task that ends drops its channel, and with it the sender.
            assert_eq!(
                timeout(Duration::from_secs(10), first_heard.recv()).await,
                Ok(None)
            );
            feed.stop("main");
            assert_eq!(
                timeout(Duration::from_secs(10), second_heard.recv()).await,
                Ok(None)
            );
            core.pause(true);
            assert!(
                timeout(Duration::from_secs(10), other_heard.recv())
                    .await
                    .unwrap()
                    .is_some()
            );
        });
    }

    /// A channel like a dashboard's, and the revisions that arrive on it.
    fn channel() -> (Channel<Snapshot>, mpsc::UnboundedReceiver<u64>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let channel = Channel::new(move |body| {
            let InvokeResponseBody::Json(text) = body else {
                panic!("a Snapshot is JSON")
            };
            let snapshot: serde_json::Value = serde_json::from_str(&text)?;
            let _ = sender.send(snapshot["revision"].as_u64().expect("a number"));
            Ok(())
        });
        (channel, receiver)
    }
}
