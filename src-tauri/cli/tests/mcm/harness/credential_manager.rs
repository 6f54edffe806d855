//! Windows' Credential Manager, which every program of this user shares: a test has it for itself, without entries of ours.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyring_core::Entry;
use mcm_core::world::APP_ID;

/// One test at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The keychain, for as long as a test has it.
pub(super) struct Bus {
    _alone: MutexGuard<'static, ()>,
}

impl Bus {
    pub(super) fn start(_: &Path) -> Self {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let status = keyring::Entry::store_status();
        assert!(status.is_ok(), "Credential Manager answers: {status:?}");
        let bus = Self { _alone: alone };
        bus.delete("");
        bus
    }

    #[expect(clippy::unused_self, reason = "only who has it may look")]
    pub(super) fn entries(&self) -> usize {
        ours().len()
    }

    /// Deletes our entries whose names begin like this.
    #[expect(clippy::unused_self, reason = "only who has it may change it")]
    pub(super) fn delete(&self, beginning: &str) {
        for entry in ours() {
            let (_, user) = entry.get_specifiers().expect("an entry of ours");
            if user.starts_with(beginning) {
                entry.delete_credential().expect("deleted");
            }
        }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.delete("");
    }
}

fn ours() -> Vec<Entry> {
    let pattern = format!("^[0-9a-z-]+\\.{}$", APP_ID.replace('.', "\\."));
    Entry::search(&HashMap::from([("pattern", pattern.as_str())])).expect("it lists")
}
