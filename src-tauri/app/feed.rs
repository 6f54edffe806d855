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
