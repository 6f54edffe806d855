//! The connection of one call at a time to the keychain, and the memory that replaces a missing keychain.
//!
//! Everything here blocks and runs on the vault's own thread, one job at a time. It decides when to connect, when to
//! reconnect, and what happens without a keychain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyring_core::CredentialStore;
use secrecy::zeroize::Zeroizing;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::{Code, Error, ErrorView, Result};
use crate::vault::{KeychainState, KeychainView};

use super::entries::{Bytes, Entries};
use super::failure::KeychainFailure;
use super::{ConnectKeychain, Record, RecordKind};

pub(super) struct KeychainConnection {
    /// When the current call was made.
    pub(super) asked_at: Instant,
    /// None for a vault that is memory by design.
    connect: Option<Arc<ConnectKeychain>>,
    service: String,
    store: Option<Arc<CredentialStore>>,
    /// Records for a keychain that does not exist yet. `None` marks a record to delete there.
    memory: HashMap<Record, Option<Bytes>>,
    retry: Duration,
    /// Until when a missing keychain is not searched again.
    absent_until: Option<Instant>,
    status: Arc<KeychainStatus>,
}

impl KeychainConnection {
    pub(super) fn new(
        connect: Option<Arc<ConnectKeychain>>,
        service: &str,
        retry: Duration,
        status: Arc<KeychainStatus>,
    ) -> Self {
        Self {
            asked_at: Instant::now(),
            connect,
            service: service.to_owned(),
            store: None,
            memory: HashMap::new(),
            retry,
            absent_until: None,
            status,
        }
    }

    /// Connects, if possible now.
    pub(super) fn connect_ahead(&mut self) {
        let _ = self.connected();
    }

    /// Goes on with a connection that was made elsewhere.
    pub(super) fn replace(&mut self, store: Arc<CredentialStore>) {
        self.store = Some(store);
        self.absent_until = None;
    }

    pub(super) fn read(&mut self, record: &Record) -> Result<Option<Bytes>> {
        self.settle();
        if let Some(kept) = self.memory.get(record) {
            return Ok(kept.clone());
        }
        match self.keychain(|entries| entries.read(record)) {
            Err(error)
                if is_absent(&error)
                    && (self.connect.is_none() || record.kind() == RecordKind::Session) =>
            {
                Ok(None)
            }
            outcome => outcome,
        }
    }

    pub(super) fn write(&mut self, record: &Record, secret: &[u8]) -> Result<()> {
        self.settle();
        let written = self.keychain(|entries| entries.write(record, secret));
        self.or_in_memory(written, record, || Some(Zeroizing::new(secret.to_vec())))
    }

    pub(super) fn delete(&mut self, record: &Record) -> Result<()> {
        self.settle();
        let deleted = self.keychain(|entries| entries.delete(record));
        self.or_in_memory(deleted, record, || None)
    }

    /// The outcome of a change. Without a keychain it is made in memory; so is the change of a record that is there
    /// already, whatever the keychain's failure.
    fn or_in_memory(
        &mut self,
        changed: Result<()>,
        record: &Record,
        value: impl FnOnce() -> Option<Bytes>,
    ) -> Result<()> {
        match changed {
            Ok(()) => {
                self.memory.remove(record);
                Ok(())
            }
            Err(error) => {
                let absent = is_absent(&error);
                if absent || self.memory.contains_key(record) {
                    self.memory.insert(record.clone(), value());
                }
                if absent { Ok(()) } else { Err(error) }
            }
        }
    }

    pub(super) fn entries(&mut self, record: &Record) -> Result<u32> {
        self.settle();
        if self.memory.contains_key(record) {
            return Ok(0);
        }
        match self.keychain(|entries| entries.count(record)) {
            Err(error) if is_absent(&error) && self.connect.is_none() => Ok(0),
            outcome => outcome,
        }
    }

    pub(super) fn sweep_all(&mut self) -> Result<u32> {
        self.memory.clear();
        self.absent_until = None;
        match self.keychain(|entries| entries.sweep_all()) {
            Err(error) if is_absent(&error) && self.connect.is_none() => Ok(0),
            outcome => outcome,
        }
    }

    pub(super) fn check(&mut self) -> Result<()> {
        self.absent_until = None;
        match self.keychain(|entries| entries.check()) {
            Err(error) if is_absent(&error) && self.connect.is_none() => return Ok(()),
            outcome => outcome?,
        }
        self.settle();
        Ok(())
    }

    /// Moves the records in memory to the keychain, as far as possible. Failed ones stay in memory.
    fn settle(&mut self) {
        let waiting: Vec<Record> = self.memory.keys().cloned().collect();
        for record in waiting {
            let Some(kept) = self.memory.get(&record).cloned() else {
                continue;
            };
            let moved = self.keychain(|entries| match &kept {
                Some(secret) => entries.write(&record, secret),
                None => entries.delete(&record),
            });
            match moved {
                Ok(()) => drop(self.memory.remove(&record)),
                Err(error) if is_absent(&error) || error.code() == Code::KeychainLocked => return,
                Err(_) => {}
            }
        }
    }

    /// Runs a piece of work with the keychain. If the keychain fails during it (its daemon was restarted, say), it
    /// reconnects and runs the work once more; all work here may be repeated.
    fn keychain<T>(
        &mut self,
        work: impl Fn(&Entries<'_>) -> std::result::Result<T, KeychainFailure>,
    ) -> Result<T> {
        let outcome = match self.attempt(&work) {
            Err(KeychainFailure::Broken(_)) => self.attempt(&work),
            outcome => outcome,
        };
        if self.connect.is_none() {
            return outcome.map_err(KeychainFailure::into_error);
        }
        match outcome {
            Ok(value) => {
                self.absent_until = None;
                self.status.well();
                Ok(value)
            }
            Err(failure) => {
                let about_one_record = matches!(
                    failure,
                    KeychainFailure::Damaged(..) | KeychainFailure::Newer(_)
                );
                let absent = matches!(failure, KeychainFailure::Absent(_));
                let error = failure.into_error();
                if about_one_record {
                    self.status.well();
                } else {
                    self.status.failed(&error);
                }
                if absent && self.absent_until.is_none_or(|until| until <= self.asked_at) {
                    self.absent_until = Some(self.asked_at + self.retry);
                }
                Err(error)
            }
        }
    }

    fn attempt<T>(
        &mut self,
        work: impl Fn(&Entries<'_>) -> std::result::Result<T, KeychainFailure>,
    ) -> std::result::Result<T, KeychainFailure> {
        let store = self.connected()?;
        let outcome = work(&Entries::new(&*store, &self.service));
        if let Err(KeychainFailure::Broken(_) | KeychainFailure::Absent(_)) = outcome {
            self.store = None;
        }
        outcome
    }

    fn connected(&mut self) -> std::result::Result<Arc<CredentialStore>, KeychainFailure> {
        if let Some(store) = &self.store {
            return Ok(Arc::clone(store));
        }
        let Some(connect) = &self.connect else {
            return Err(KeychainFailure::Absent(None));
        };
        if self.absent_until.is_some_and(|until| self.asked_at < until) {
            return Err(KeychainFailure::Absent(None));
        }
        let store = connect()?;
        self.store = Some(Arc::clone(&store));
        Ok(store)
    }
}

fn is_absent(error: &Error) -> bool {
    error.code() == Code::KeychainAbsent
}

/// The last known state of the keychain, for the screens.
pub(super) struct KeychainStatus(watch::Sender<KeychainView>);

impl KeychainStatus {
    pub(super) fn new(state: KeychainState, name: &str) -> Self {
        Self(watch::Sender::new(KeychainView {
            state,
            name: name.to_owned(),
            error: None,
        }))
    }

    pub(super) fn watch(&self) -> watch::Receiver<KeychainView> {
        self.0.subscribe()
    }

    fn well(&self) {
        self.see(KeychainState::Unlocked, None);
    }

    pub(super) fn failed(&self, error: &Error) {
        let state = match error.code() {
            Code::KeychainLocked => KeychainState::Locked,
            Code::KeychainAbsent => KeychainState::Absent,
            _ => KeychainState::Failed,
        };
        self.see(state, Some(error));
    }

    /// A second error of the same state is no change, so the first one stays.
    fn see(&self, state: KeychainState, error: Option<&Error>) {
        self.0.send_if_modified(|view| {
            if view.state == state {
                return false;
            }
            view.state = state;
            view.error = error.map(ErrorView::from);
            true
        });
    }
}
