//! A keychain for tests: as strict as Windows about lengths, with any failure that a test needs.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use keyring_core::api::{Credential, CredentialApi, CredentialStore, CredentialStoreApi};
use keyring_core::{Entry, Error, Result};

/// The limit of Windows (`CRED_MAX_CREDENTIAL_BLOB_SIZE`).
pub(in crate::vault) const WINDOWS_LIMIT: usize = 2_560;

/// The keychain's behaviour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::vault) enum Behaviour {
    Well,
    Locked,
    Absent,
    /// Reads, and refuses every write.
    Full,
    /// Stores text only, and replaces anything else.
    TextOnly,
    /// Keeps the head of a record, and of each further part all but the last byte.
    ShortenedParts,
    /// Answers with the raw bytes of a secret in its error.
    Talkative,
    /// Does not answer until its behaviour changes.
    Hanging,
}

/// When the keychain fails during its use.
#[derive(Clone, Copy, Debug)]
pub(in crate::vault) enum Death {
    /// That operation is not done, nor is any later one.
    Before(u32),
    /// That operation is done, but not reported, and no later one is done.
    After(u32),
    /// That operation fails, and later ones succeed again.
    Hiccup(u32),
}

/// A handle to the fake; clones are one keychain.
#[derive(Clone)]
pub(in crate::vault) struct Fake(Arc<Shared>);

struct Shared {
    state: Mutex<FakeState>,
    changed: Condvar,
}

struct FakeState {
    /// More than one secret of a name make it ambiguous.
    entries: BTreeMap<(String, String), Vec<Vec<u8>>>,
    behaviour: Behaviour,
    death: Option<Death>,
    operations: u32,
    connections: u32,
    longest: usize,
}

impl Fake {
    pub(in crate::vault) fn new() -> Self {
        let state = FakeState {
            entries: BTreeMap::new(),
            behaviour: Behaviour::Well,
            death: None,
            operations: 0,
            connections: 0,
            longest: 0,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }))
    }

    pub(in crate::vault) fn store(&self) -> Arc<CredentialStore> {
        Arc::new(self.clone())
    }

    /// The connection of a vault.
    pub(in crate::vault) fn connect(&self) -> Result<Arc<CredentialStore>> {
        let mut state = self.state();
        state.connections += 1;
        if state.behaviour == Behaviour::Absent {
            Err(Error::NoDefaultStore)
        } else {
            Ok(self.store())
        }
    }

    pub(in crate::vault) fn become_(&self, behaviour: Behaviour) {
        self.state().behaviour = behaviour;
        self.0.changed.notify_all();
    }

    /// Counts operations from zero, and fails as requested.
    pub(in crate::vault) fn die(&self, death: Option<Death>) {
        let mut state = self.state();
        state.operations = 0;
        state.death = death;
    }

    pub(in crate::vault) fn operations(&self) -> u32 {
        self.state().operations
    }

    pub(in crate::vault) fn connections(&self) -> u32 {
        self.state().connections
    }

    /// The length of the longest secret that was ever set.
    pub(in crate::vault) fn longest(&self) -> usize {
        self.state().longest
    }

    /// The user names of all entries.
    pub(in crate::vault) fn users(&self) -> Vec<String> {
        self.state()
            .entries
            .keys()
            .map(|(_, user)| user.clone())
            .collect()
    }

    /// Changes the stored data behind the vault's back.
    pub(in crate::vault) fn tamper(&self, user: &str, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
        let mut state = self.state();
        let name = state.entries.keys().find(|(_, name)| name == user).cloned();
        let name = name.expect("the entry to tamper with is there");
        let secrets = state.entries.get_mut(&name).expect("found just now");
        change(secrets);
        if secrets.is_empty() {
            state.entries.remove(&name);
        }
    }

    fn state(&self) -> MutexGuard<'_, FakeState> {
        self.0.state.lock().expect("no test panics inside the fake")
    }

    fn operation<T>(&self, work: impl FnOnce(&mut FakeState) -> Result<T>) -> Result<T> {
        let mut state = self.state();
        while state.behaviour == Behaviour::Hanging {
            state = self
                .0
                .changed
                .wait(state)
                .expect("no test panics inside the fake");
        }
        match state.behaviour {
            Behaviour::Locked => return Err(Error::NoStorageAccess("locked".into())),
            Behaviour::Absent => return Err(Error::NoDefaultStore),
            _ => {}
        }
        let number = state.operations;
        state.operations += 1;
        let dead = || Err(Error::PlatformFailure("the keychain died".into()));
        match state.death {
            Some(Death::Before(nth)) if number >= nth => dead(),
            Some(Death::After(nth)) if number > nth => dead(),
            Some(Death::After(nth)) if number == nth => work(&mut state).and_then(|_| dead()),
            Some(Death::Hiccup(nth)) if number == nth => dead(),
            _ => work(&mut state),
        }
    }
}

impl CredentialStoreApi for Fake {
    fn vendor(&self) -> String {
        "fake".to_owned()
    }

    fn id(&self) -> String {
        "fake".to_owned()
    }

    fn build(&self, service: &str, user: &str, _: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        let name = (service.to_owned(), user.to_owned());
        Ok(Entry::new_with_credential(Arc::new(FakeEntry {
            fake: self.clone(),
            name,
            copy: None,
        })))
    }

    fn search(&self, spec: &HashMap<&str, &str>) -> Result<Vec<Entry>> {
        let is_meant = |owner: &str| match (spec.get("service"), spec.get("pattern")) {
            (Some(service), _) => owner == *service,
            // As Windows is asked: by the end of a name.
            (None, Some(pattern)) => {
                pattern.ends_with(&format!("\\.{}$", owner.replace('.', "\\.")))
            }
            (None, None) => false,
        };
        self.operation(|state| {
            let names = state.entries.keys().filter(|(owner, _)| is_meant(owner));
            let entry = |name: &(String, String)| FakeEntry {
                fake: self.clone(),
                name: name.clone(),
                copy: None,
            };
            Ok(names
                .map(|name| Entry::new_with_credential(Arc::new(entry(name))))
                .collect())
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fake")
    }
}

struct FakeEntry {
    fake: Fake,
    name: (String, String),
    /// The index among several secrets of the name.
    copy: Option<usize>,
}

impl FakeEntry {
    /// The position of the secret among those of its name.
    fn place(&self, state: &FakeState) -> Result<usize> {
        let count = state.entries.get(&self.name).map_or(0, Vec::len);
        match (count, self.copy) {
            (0, _) => Err(Error::NoEntry),
            (_, Some(copy)) if copy < count => Ok(copy),
            (1, _) => Ok(0),
            _ => Err(Error::Ambiguous(
                (0..count).rev().map(|copy| self.copy(copy)).collect(),
            )),
        }
    }

    fn copy(&self, copy: usize) -> Entry {
        let entry = Self {
            fake: self.fake.clone(),
            name: self.name.clone(),
            copy: Some(copy),
        };
        Entry::new_with_credential(Arc::new(entry))
    }
}

/// Whether an entry is a part of a record, by its name: `…-SLOT-NUMBER`.
fn is_part(user: &str) -> bool {
    let mut ends = user.rsplit('-');
    let number = ends.next().is_some_and(|end| end.parse::<u32>().is_ok());
    number && matches!(ends.next(), Some("0" | "1"))
}

impl CredentialApi for FakeEntry {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.fake.operation(|state| {
            if secret.len() > WINDOWS_LIMIT {
                return Err(Error::TooLong("secret".to_owned(), 2_560));
            }
            if state.behaviour == Behaviour::Full {
                return Err(Error::PlatformFailure("no space is left".into()));
            }
            state.longest = state.longest.max(secret.len());
            let kept = match state.behaviour {
                Behaviour::TextOnly => String::from_utf8_lossy(secret).into_owned().into_bytes(),
                Behaviour::ShortenedParts if is_part(&self.name.1) => {
                    secret[..secret.len() - 1].to_vec()
                }
                _ => secret.to_vec(),
            };
            match self.place(state) {
                Ok(place) => state.entries.get_mut(&self.name).expect("has a place")[place] = kept,
                Err(Error::NoEntry) => drop(state.entries.insert(self.name.clone(), vec![kept])),
                Err(error) => return Err(error),
            }
            Ok(())
        })
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.fake.operation(|state| {
            let place = self.place(state)?;
            let secret = state.entries[&self.name][place].clone();
            if state.behaviour == Behaviour::Talkative {
                Err(Error::BadEncoding(secret))
            } else {
                Ok(secret)
            }
        })
    }

    fn delete_credential(&self) -> Result<()> {
        self.fake.operation(|state| {
            let place = self.place(state)?;
            let secrets = state.entries.get_mut(&self.name).expect("has a place");
            secrets.remove(place);
            if secrets.is_empty() {
                state.entries.remove(&self.name);
            }
            Ok(())
        })
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        self.fake.operation(|state| self.place(state).map(|_| None))
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some(self.name.clone())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name.1)
    }
}
