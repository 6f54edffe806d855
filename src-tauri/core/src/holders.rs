//! Which running programs hold credentials of environments and accounts: each `mcm exec` and `mcm shell`, and how to cut one off.
//!
//! A holder is a folder of one run (`file::RunFolder`) below our data folder: its record, what was issued to it, and a file
//! that says that it is revoked. No daemon keeps them, and none of them is secret. A run that was killed leaves a folder
//! whose lock is free; it counts for nothing, and the next run removes it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::account::{Account, AccountId};
use crate::error::{Code, Error, Result};
use crate::file::{self, RunFolder};
use crate::text::shown;

/// The largest file that is read here.
const MAX_BYTES: u64 = 64 * 1024;
/// The time between two records of what was issued for the same account.
const PACE: SignedDuration = SignedDuration::from_secs(10);
/// What other processes issued to a holder.
const ISSUED_ELSEWHERE: &str = "issued-elsewhere";
/// The most credentials that a record lists.
const MAX_HELD: usize = 64;

/// What holds credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum HolderKind {
    /// A command of `mcm exec`.
    Exec,
    /// A shell of `mcm shell`.
    Shell,
}

/// A running program that credentials are issued to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Holder {
    /// What it is.
    pub kind: HolderKind,
    /// The environment that it works in.
    pub environment: Option<String>,
    /// The accounts that it works as.
    pub accounts: Vec<AccountId>,
    /// The program's name. Its arguments may hold secrets, and are not kept.
    pub program: String,
    /// The process of `mcm` that serves it.
    pub pid: u32,
    /// Its terminal.
    pub terminal: Option<String>,
    /// When it started.
    #[ts(type = "string")]
    pub since: Timestamp,
    /// When its time is over, for a protected environment.
    #[ts(type = "string | null")]
    pub until: Option<Timestamp>,
    /// Whether it gets credentials that read and change nothing.
    #[serde(default)]
    pub read_only: bool,
}

/// A credential that was issued to a holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Held {
    /// The account.
    pub account: AccountId,
    /// When it was issued last.
    #[ts(type = "string")]
    pub issued_at: Timestamp,
    /// When it expires. Nothing revokes it earlier.
    #[ts(type = "string")]
    pub expires_at: Timestamp,
}

/// A holder that runs, as another process sees it.
#[derive(Clone, Debug, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Listed {
    /// Its name among the holders.
    pub id: String,
    /// Its record.
    #[serde(flatten)]
    pub holder: Holder,
    /// What was issued to it.
    pub held: Vec<Held>,
    /// Whether it is cut off.
    pub revoked: bool,
}

/// Why a holder no longer gets a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOff {
    /// The user revoked it.
    Revoked,
    /// Its time is over.
    Over,
}

/// All holders of this user.
#[derive(Clone, Debug)]
pub struct Holders(PathBuf);

impl Holders {
    /// Those below our data folder.
    pub fn in_folder(data: &Path) -> Self {
        Self(data.join("holders"))
    }

    /// Records a holder. It is listed until the registration is dropped, or its process ends.
    ///
    /// # Errors
    /// `storage-failed`.
    pub fn register(&self, holder: &Holder) -> Result<RunningHolder> {
        file::make_private(&self.0)?;
        let folder = RunFolder::make(&self.0)?;
        let text = serde_json::to_vec(holder).expect("plain fields serialise");
        file::replace(&folder.path().join("record"), &text)?;
        Ok(RunningHolder {
            folder,
            held: Mutex::default(),
        })
    }

    /// Those that run, the newest first.
    pub fn list(&self) -> Vec<Listed> {
        let mut listed: Vec<Listed> = RunFolder::running(&self.0)
            .iter()
            .filter_map(|folder| read(folder))
            .collect();
        listed.sort_by_key(|listed| std::cmp::Reverse(listed.holder.since));
        listed
    }

    /// The holder with this id, if it runs.
    pub fn find(&self, id: &str) -> Option<Listed> {
        self.list().into_iter().find(|listed| listed.id == id)
    }

    /// Records that a credential was issued to a holder by another process than the one that serves it.
    pub fn record(&self, id: &str, account: &Account, expires_at: Timestamp, now: Timestamp) {
        let Some(found) = self.find(id) else { return };
        let folder = RunFolder::named(&self.0, &found.id);
        let mut held: Vec<Held> = json(&folder, ISSUED_ELSEWHERE).unwrap_or_default();
        held.retain(|held| held.account != account.id && held.expires_at > now);
        held.push(Held {
            account: account.id.clone(),
            issued_at: now,
            expires_at,
        });
        let excess = held.len().saturating_sub(MAX_HELD);
        held.drain(..excess);
        let text = serde_json::to_vec(&held).expect("plain fields serialise");
        if let Err(error) = file::replace(&folder.join(ISSUED_ELSEWHERE), &text) {
            // What was issued is in the activity log as well.
            tracing::warn!(
                code = error.code().as_str(),
                "a holder could not be recorded"
            );
        }
    }

    /// Cuts a holder off: its endpoint issues nothing from now on. What it holds already stays valid until it expires.
    ///
    /// # Errors
    /// `not-found`, `storage-failed`.
    pub fn revoke(&self, id: &str) -> Result<Listed> {
        let found = self.find(id).ok_or_else(|| {
            let message = format!("Nothing that runs has the id \"{}\".", shown(id));
            Error::new(Code::NotFound, message).with_remedies(
                "Run \"mcm sessions\" to see what does.",
                "It may have ended.",
            )
        })?;
        file::replace(&RunFolder::named(&self.0, &found.id).join("revoked"), b"")?;
        Ok(found)
    }
}

impl Listed {
    /// Why it gets no credential at this moment.
    pub fn cut_off(&self, now: Timestamp) -> Option<CutOff> {
        cut_off(self.revoked, &self.holder, now)
    }
}

fn cut_off(is_revoked: bool, holder: &Holder, now: Timestamp) -> Option<CutOff> {
    if is_revoked {
        return Some(CutOff::Revoked);
    }
    holder
        .until
        .is_some_and(|until| until <= now)
        .then_some(CutOff::Over)
}

fn json<T: DeserializeOwned>(folder: &Path, name: &str) -> Option<T> {
    let text = file::read_at_most(&folder.join(name), MAX_BYTES).ok()??;
    serde_json::from_slice(&text).ok()
}

fn read(folder: &Path) -> Option<Listed> {
    let mut holder: Holder = json(folder, "record")?;
    holder.program = shown(&holder.program);
    holder.environment = holder.environment.as_deref().map(shown);
    holder.terminal = holder.terminal.as_deref().map(shown);
    let mut held: Vec<Held> = json(folder, "held").unwrap_or_default();
    held.extend(json::<Vec<Held>>(folder, ISSUED_ELSEWHERE).unwrap_or_default());
    Some(Listed {
        id: RunFolder::id(folder)?,
        holder,
        held,
        revoked: folder.join("revoked").exists(),
    })
}

/// A holder of this process.
#[derive(Debug)]
pub struct RunningHolder {
    folder: RunFolder,
    held: Mutex<Vec<Held>>,
}

impl RunningHolder {
    /// Its name among the holders.
    pub fn id(&self) -> String {
        RunFolder::id(self.folder.path()).unwrap_or_default()
    }

    /// Why it no longer gets a credential. A record that is gone or unreadable counts as revoked.
    pub fn cut_off(&self, now: Timestamp) -> Option<CutOff> {
        match read(self.folder.path()) {
            Some(listed) => listed.cut_off(now),
            None => Some(CutOff::Revoked),
        }
    }

    /// Records that a credential was issued.
    pub fn record(&self, account: &Account, expires_at: Timestamp, now: Timestamp) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let known = held
            .iter_mut()
            .find(|held| held.account == account.id && held.expires_at == expires_at);
        match known {
            Some(known) if now.duration_since(known.issued_at) < PACE => return,
            Some(known) => known.issued_at = now,
            None => held.push(Held {
                account: account.id.clone(),
                issued_at: now,
                expires_at,
            }),
        }
        held.retain(|held| held.expires_at > now);
        let excess = held.len().saturating_sub(MAX_HELD);
        held.drain(..excess);
        let text = serde_json::to_vec(&*held).expect("plain fields serialise");
        if let Err(error) = file::replace(&self.folder.path().join("held"), &text) {
            // What was issued is in the activity log as well.
            tracing::warn!(
                code = error.code().as_str(),
                "a holder could not be recorded"
            );
        }
    }
}
