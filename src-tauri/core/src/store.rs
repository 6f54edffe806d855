//! `accounts.json`: what is known of the accounts, without any secret, shared by the app and `mcm`.
//!
//! A change is read, made and written under one lock across processes, and replaces the file atomically. A file of
//! a newer version, or one that is not ours to understand, is never overwritten.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::account::{Account, AccountId, Cloud, Identity};
use crate::error::{Code, Error, Result};
use crate::file;
use crate::provider::{self, aws::Permissions};
use crate::resource::Identifier;

/// The version that this build writes, and the newest that it reads.
const VERSION: u32 = 1;
/// A change is a read, an edit in memory and a write: nobody holds the lock for longer than that.
const STORE_LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// Everything in `accounts.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accounts {
    /// The connected accounts.
    pub accounts: Vec<Account>,
    /// The account in use in each cloud.
    #[serde(default)]
    pub active: BTreeMap<Cloud, AccountId>,
    /// External IDs that were made or entered and wait for their role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending_roles: Vec<PendingRole>,
    /// The AWS access keys that the keychain holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_keys: Vec<TypedKeys>,
    /// Sessions of accounts that were disconnected, until the keychain has let go of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<LeftBehind>,
}

/// A session for a resource whose account was disconnected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftBehind {
    /// The account.
    pub account: AccountId,
    /// The resource.
    pub resource: Identifier,
}

/// A connection to AWS that waits for its role. Known by its External ID, which is no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct PendingRole {
    /// The External ID, fixed from here on.
    pub external_id: String,
    /// Who is to assume the role: `default`, `profile:NAME` or `keychain:ACCESS_KEY_ID`.
    pub source: String,
    /// The caller that the templates named.
    pub principal_arn: String,
    /// The name that the templates gave the role.
    pub role_name: String,
    /// What the templates let it do.
    #[serde(default)]
    pub permissions: Permissions,
    /// The life of its sessions in seconds, when somebody said.
    #[serde(default)]
    pub session_seconds: Option<u32>,
    /// When it was made.
    #[ts(type = "string")]
    pub made_at: Timestamp,
}

/// AWS access keys that a person typed in, without what is secret of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct TypedKeys {
    /// The access key id.
    pub access_key_id: String,
    /// The ARN of whom they belong to, as AWS said when they were entered.
    pub arn: String,
    /// When they were entered.
    #[ts(type = "string")]
    pub added_at: Timestamp,
}

impl Accounts {
    /// The account with this id.
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.iter().find(|account| account.id == *id)
    }

    /// The account with this id, to change it.
    pub fn account_mut(&mut self, id: &AccountId) -> Option<&mut Account> {
        self.accounts.iter_mut().find(|account| account.id == *id)
    }

    /// Whether the account is the one in use in its cloud.
    pub fn is_active(&self, account: &Account) -> bool {
        self.active.get(&account.cloud()) == Some(&account.id)
    }

    /// Whether a connection, made or pending, uses these access keys.
    pub fn uses_access_keys(&self, access_key_id: &str) -> bool {
        let is_theirs = |source: &str| provider::aws::typed_key(source) == Some(access_key_id);
        let in_use = |account: &Account| matches!(&account.identity, Identity::Aws { source, .. } if is_theirs(source));
        self.accounts.iter().any(in_use)
            || self
                .pending_roles
                .iter()
                .any(|pending| is_theirs(&pending.source))
    }

    /// Takes an account out; the cloud then has none in use, if it was that one. Its sessions for resources are left
    /// behind.
    pub fn remove(&mut self, id: &AccountId) -> Option<Account> {
        let index = self.accounts.iter().position(|account| account.id == *id)?;
        self.active.retain(|_, active| active != id);
        let account = self.accounts.remove(index);
        let resources = account.resources.iter().map(|known| known.resource.clone());
        self.left_behind
            .extend(resources.map(|resource| LeftBehind {
                account: id.clone(),
                resource,
            }));
        Some(account)
    }

    /// Puts a new account in, with the sessions that an earlier row of it left behind.
    pub fn add(&mut self, mut account: Account) {
        self.left_behind.retain(|left| {
            let is_its = left.account == account.id;
            if is_its {
                account.resource_mut(&left.resource);
            }
            !is_its
        });
        self.accounts.push(account);
    }
}

/// The file, with what tells one state of it from the next at its beginning.
#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    /// Raised by every change.
    revision: u64,
    #[serde(flatten)]
    stored: &'a Accounts,
}

/// What tells whether the file changed: its time, its length, and its beginning with the revision in it. Times alone
/// are as coarse as the system's timer.
type Stamp = (SystemTime, u64, Vec<u8>);

/// What was read last, and what the file looked like then.
type Known = (Stamp, Arc<Accounts>);

/// Enough of the file to hold the version and the revision.
const BEGINNING: u64 = 64;

#[derive(Deserialize)]
struct Versioned {
    version: u32,
    #[serde(default)]
    revision: u64,
}

/// The door to `accounts.json`. Clones share what was read last, so that an unchanged file is parsed once.
#[derive(Clone, Debug)]
pub struct Store {
    path: PathBuf,
    lock: PathBuf,
    last: Arc<Mutex<Option<Known>>>,
}

impl Store {
    /// The store in our data folder.
    pub fn in_folder(data: &Path) -> Self {
        Self {
            path: data.join("accounts.json"),
            lock: data.join("accounts.lock"),
            last: Arc::default(),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the whole of it; no file is an empty list.
    ///
    /// # Errors
    /// `storage-unreadable` for a file that is truncated, not JSON or of a newer version; `storage-failed` when the
    /// disk refuses.
    pub fn read(&self) -> Result<Arc<Accounts>> {
        // The stamp is taken before the content: a change in between is seen at the next read.
        let stamp = self.stamp();
        let mut last = self
            .last
            .lock()
            .expect("no code panics while it holds this lock");
        if let (Some(stamp), Some((known, stored))) = (&stamp, last.as_ref())
            && stamp == known
        {
            return Ok(stored.clone());
        }
        let stored = Arc::new(
            self.parse()?
                .map_or_else(Accounts::default, |(_, stored)| stored),
        );
        *last = stamp.map(|stamp| (stamp, stored.clone()));
        Ok(stored)
    }

    /// What tells whether the file changed; none while there is no file.
    pub fn stamp(&self) -> Option<Stamp> {
        file::stamp(&self.path, BEGINNING)
    }

    /// The revision and the content; none while there is no file.
    fn parse(&self) -> Result<Option<(u64, Accounts)>> {
        let Some(bytes) = file::read(&self.path)? else {
            return Ok(None);
        };
        let head =
            serde_json::from_slice::<Versioned>(&bytes).map_err(|error| self.damaged(&error))?;
        if head.version > VERSION {
            return Err(self.newer(head.version));
        }
        let stored = serde_json::from_slice(&bytes).map_err(|error| self.damaged(&error))?;
        Ok(Some((head.revision, stored)))
    }

    /// Makes one change, under the lock. Nothing is written when `edit` fails or changes nothing.
    ///
    /// A damaged file is set aside under another name first, because the person has decided to go on; a file of a
    /// newer version is refused.
    ///
    /// # Errors
    /// Those of `edit`, and `storage-failed`, `storage-unreadable`, `busy`.
    pub async fn change<T>(&self, edit: impl FnOnce(&mut Accounts) -> Result<T>) -> Result<T> {
        let _lock = file::lock(&self.lock, STORE_LOCK_TIMEOUT).await?;
        let (revision, before) = match self.parse() {
            Err(error) if error.code() == Code::StorageUnreadable && !self.is_newer() => (0, None),
            parsed => parsed?.map_or_else(
                || (0, Some(Accounts::default())),
                |(revision, stored)| (revision, Some(stored)),
            ),
        };
        let mut stored = before.clone().unwrap_or_default();
        let result = edit(&mut stored)?;
        if before.as_ref() != Some(&stored) {
            let written = Written {
                version: VERSION,
                revision: revision.wrapping_add(1),
                stored: &stored,
            };
            let json = serde_json::to_vec_pretty(&written)
                .expect("the accounts have only string keys and finite numbers");
            if before.is_none() {
                let aside = file::set_aside(&self.path)?;
                tracing::warn!(aside = %aside.display(), "accounts.json could not be understood and was set aside");
            }
            file::replace(&self.path, &json)?;
        }
        Ok(result)
    }

    fn is_newer(&self) -> bool {
        let bytes = file::read(&self.path).ok().flatten().unwrap_or_default();
        serde_json::from_slice::<Versioned>(&bytes).is_ok_and(|file| file.version > VERSION)
    }

    fn newer(&self, version: u32) -> Error {
        Error::new(
            Code::StorageUnreadable,
            format!(
                "{} was written by a newer version of this app (format {version}, this build reads {VERSION}). Update \
                 the app; the file is left as it is.",
                self.path.display()
            ),
        )
    }

    fn damaged(&self, error: &serde_json::Error) -> Error {
        Error::new(
            Code::StorageUnreadable,
            format!(
                "{} cannot be understood (line {}, column {}). Mend it or restore it from a backup; when you connect an \
                 account instead, it is kept beside the new one under another name.",
                self.path.display(),
                error.line(),
                error.column()
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(home: &str) -> Account {
        let identity = Identity::Azure {
            home: home.into(),
            tenant_id: "t".into(),
            tenant_name: None,
            default_domain: None,
            username: "ada@contoso.example".into(),
        };
        Account::new(identity, Timestamp::UNIX_EPOCH)
    }

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::in_folder(folder.path());
        (folder, store)
    }

    async fn add(store: &Store, home: &str) -> Result<()> {
        let account = account(home);
        store
            .change(|stored| {
                stored.accounts.push(account);
                Ok(())
            })
            .await
    }

    fn homes(store: &Store) -> Vec<AccountId> {
        store
            .read()
            .expect("readable")
            .accounts
            .iter()
            .map(|account| account.id.clone())
            .collect()
    }

    #[tokio::test]
    async fn what_was_changed_is_read_back() {
        let (_folder, store) = store();
        assert_eq!(
            *store.read().expect("no file is an empty list"),
            Accounts::default()
        );
        add(&store, "a").await.expect("written");
        assert_eq!(homes(&store), [account("a").id]);
    }

    #[tokio::test]
    async fn a_failed_edit_writes_nothing() {
        let (_folder, store) = store();
        add(&store, "a").await.expect("written");
        let refused = store.change::<()>(|stored| {
            stored.accounts.clear();
            Err(Error::new(Code::NotFound, "No."))
        });
        assert!(refused.await.is_err());
        assert_eq!(store.read().expect("readable").accounts.len(), 1);
    }

    #[tokio::test]
    async fn a_damaged_file_is_named_when_read_and_kept_aside_when_written() {
        for damage in [
            "",
            "{\"version\":1,\"acc",
            "not JSON",
            "[]",
            "{\"version\":1}",
        ] {
            let (folder, store) = store();
            file::replace(store.path(), damage.as_bytes()).expect("written");
            let error = store.read().expect_err(damage);
            assert_eq!(error.code(), Code::StorageUnreadable, "{damage:?}");
            assert!(error.message().contains("accounts.json"), "{error}");
            add(&store, "a").await.expect("goes on beside it");
            let kept = file::read(&folder.path().join("accounts.json.kept-1"))
                .expect("readable")
                .expect("kept");
            assert_eq!(kept, damage.as_bytes());
        }
    }

    #[tokio::test]
    async fn a_file_of_a_newer_version_is_never_written() {
        let (_folder, store) = store();
        let newer = br#"{"version":2,"accounts":{"shape":"unknown"}}"#;
        file::replace(store.path(), newer).expect("written");
        let error = add(&store, "a").await.expect_err("not ours to write");
        assert_eq!(error.code(), Code::StorageUnreadable);
        assert!(error.message().contains("newer version"), "{error}");
        assert_eq!(
            file::read(store.path()).expect("readable").expect("there"),
            newer
        );
    }

    #[tokio::test]
    async fn another_doors_change_is_seen_at_the_next_read() {
        let (folder, store) = store();
        let other = Store::in_folder(folder.path());
        add(&store, "a").await.expect("written");
        assert_eq!(other.read().expect("readable").accounts.len(), 1);
        for round in 0..50 {
            // Changes of one length within one tick of the system's timer.
            let name = Some(format!("{round:03}"));
            store
                .change(|stored| {
                    stored.accounts[0].custom_name.clone_from(&name);
                    Ok(())
                })
                .await
                .expect("written");
            assert_eq!(
                other.read().expect("readable").accounts[0].custom_name,
                name
            );
        }
    }

    #[tokio::test]
    async fn changes_made_at_once_are_all_kept() {
        let (_folder, store) = store();
        let many = (0..20).map(|number| {
            let store = store.clone();
            tokio::spawn(async move { add(&store, &format!("person-{number}")).await })
        });
        for task in many.collect::<Vec<_>>() {
            task.await.expect("no panic").expect("written");
        }
        assert_eq!(store.read().expect("readable").accounts.len(), 20);
    }
}
