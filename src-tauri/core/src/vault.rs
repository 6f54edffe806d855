//! Secrets in memory, until the keychain's own module takes this place.
#![allow(missing_docs, clippy::unwrap_used)]

use crate::account::{AccountId, GrantKey};
use crate::error::Result;
use crate::snapshot::*;
use secrecy::{ExposeSecret, SecretSlice};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
#[derive(Clone)]
pub struct Vault(Arc<(Mutex<HashMap<String, Vec<u8>>>, watch::Sender<KeychainView>)>);
pub struct Record(String);
impl Record {
    pub fn grant(k: &GrantKey) -> Self {
        Self(format!("grant-{}", k.as_str()))
    }
    pub fn session(k: &AccountId) -> Self {
        Self(format!("session-{k}"))
    }
}
impl Vault {
    pub fn in_memory() -> Self {
        Self(Arc::new((
            Mutex::default(),
            watch::Sender::new(KeychainView {
                state: KeychainState::Absent,
                name: "Memory".into(),
                error: None,
            }),
        )))
    }
    pub async fn read(&self, r: &Record) -> Result<Option<SecretSlice<u8>>> {
        Ok(self.0.0.lock().unwrap().get(&r.0).cloned().map(Into::into))
    }
    pub async fn write(&self, r: &Record, s: SecretSlice<u8>) -> Result<()> {
        self.0.0.lock().unwrap().insert(r.0.clone(), s.expose_secret().to_vec());
        Ok(())
    }
    pub async fn delete(&self, r: &Record) -> Result<()> {
        self.0.0.lock().unwrap().remove(&r.0);
        Ok(())
    }
    pub async fn unlock(&self) -> Result<()> {
        Ok(())
    }
    pub async fn entries(&self, r: &Record) -> Result<u32> {
        Ok(u32::from(self.0.0.lock().unwrap().contains_key(&r.0)))
    }
    pub async fn sweep_all(&self) -> Result<u32> {
        self.0.0.lock().unwrap().clear();
        Ok(0)
    }
    pub fn watch(&self) -> watch::Receiver<KeychainView> {
        self.0.1.subscribe()
    }
}
