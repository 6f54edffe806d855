//! The feed: Snapshots on their way to the one dashboard that is open.
//!
//! The dashboard hands over a channel and hears every state, the present one first. It hears nothing else.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mcm_core::snapshot::Snapshot;
use tauri::async_runtime::{JoinHandle, spawn};
use tauri::ipc::Channel;
use tokio::sync::watch;
use tokio::time::sleep;

/// The shortest time between two Snapshots. States that come faster are left out, never the last one.
const PACE: Duration = Duration::from_millis(40);

/// The feed of the dashboard that is open. A later one, after a reload, takes the place of the one before.
#[derive(Default)]
pub(crate) struct Feed(Mutex<Option<JoinHandle<()>>>);

impl Feed {
    /// Sends the present Snapshot and then each that follows.
    pub(crate) fn start(&self, snapshots: watch::Receiver<Arc<Snapshot>>, channel: Channel<Snapshot>) {
        self.replace(Some(spawn(send(snapshots, channel))));
    }

    /// Ends with the web view that listened.
    pub(crate) fn stop(&self) {
        self.replace(None);
    }

    fn replace(&self, next: Option<JoinHandle<()>>) {
        let last = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), next);
        if let Some(last) = last {
            last.abort();
        }
    }
}

async fn send(mut snapshots: watch::Receiver<Arc<Snapshot>>, channel: Channel<Snapshot>) {
    snapshots.mark_changed();
    while snapshots.changed().await.is_ok() {
        let snapshot = snapshots.borrow_and_update().clone();
        if channel.send(Snapshot::clone(&snapshot)).is_err() {
            return;
        }
        sleep(PACE).await;
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
    fn a_dashboard_hears_the_present_state_and_the_last_and_not_all_between() {
        let folder = tempfile::tempdir().unwrap();
        let core = core_below(folder.path());
        let (channel, mut heard) = channel();
        let feed = Feed::default();

        block_on(async {
            feed.start(core.watch(), channel);
            let first = heard.recv().await.unwrap();
            for turn in 1..=1_000 {
                core.pause(turn % 2 == 0);
            }
            let mut count = 1;
            while heard.recv().await.unwrap() < first + 1_000 {
                count += 1;
            }
            assert!(count < 100, "{count}");
        });
    }

    #[test]
    fn a_closed_dashboard_and_one_that_was_replaced_hear_nothing_more() {
        let folder = tempfile::tempdir().unwrap();
        let core = core_below(folder.path());
        let feed = Feed::default();
        let ((first, mut first_heard), (second, mut second_heard)) = (channel(), channel());

        block_on(async {
            feed.start(core.watch(), first);
            first_heard.recv().await.unwrap();
            feed.start(core.watch(), second);
            second_heard.recv().await.unwrap();
            // The task that ends lets go of its channel, and with it of the sender.
            assert_eq!(timeout(Duration::from_secs(10), first_heard.recv()).await, Ok(None));
            feed.stop();
            assert_eq!(timeout(Duration::from_secs(10), second_heard.recv()).await, Ok(None));
        });
    }

    /// A channel as a dashboard has it, and the revisions that come through it.
    fn channel() -> (Channel<Snapshot>, mpsc::UnboundedReceiver<u64>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let channel = Channel::new(move |body| {
            let InvokeResponseBody::Json(text) = body else { panic!("a Snapshot is JSON") };
            let snapshot: serde_json::Value = serde_json::from_str(&text)?;
            let _ = sender.send(snapshot["revision"].as_u64().expect("a number"));
            Ok(())
        });
        (channel, receiver)
    }
}
