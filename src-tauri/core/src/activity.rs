//! Activity: an append-only local log of what happened to each account, for the Activity screen and `mcm activity`.
//!
//! One JSON object a line in `activity.jsonl`, at most two files of 512 KiB. A line that was torn by a crash is passed
//! over when reading and closed before the next is written. Names and codes only; never a secret.

use std::fs::{self, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::account::{Account, AccountId, Cloud};
use crate::error::Code;
use crate::file;
use crate::resource::Resource;
use crate::text;

/// A file that has reached this length becomes the old one, and the old one before it goes.
const LARGEST: u64 = 512 * 1024;

/// Something that happened to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct ActivityEvent {
    /// When.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// To which account.
    pub account: AccountId,
    /// Its cloud.
    pub cloud: Cloud,
    /// What it was called then.
    pub name: String,
    /// What.
    pub what: ActivityKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum ActivityKind {
    /// The account was connected.
    Connected,
    /// Its person signed in again.
    SignedInAgain,
    /// Its session was renewed.
    Renewed,
    /// Its session could not be renewed.
    RenewalFailed {
        /// Why.
        code: Code,
        /// The reference shown with the message.
        reference: String,
    },
    /// A credential was handed out.
    HandedOut {
        /// The program that asked, as the system names it.
        to: String,
        /// The resource that it opens, when that is not the management.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        resource: Option<String>,
    },
    /// It became the one in use in its cloud.
    Used,
    /// Its list of targets changed.
    TargetsChanged {
        /// How many appeared.
        added: u32,
        /// How many vanished.
        removed: u32,
    },
    /// The account was disconnected.
    Disconnected,
}

impl ActivityKind {
    /// A credential for a resource was handed out to a program. Its name may be anything.
    pub fn handed_out(resource: &Resource, to: &str) -> Self {
        let resource = resource.identifier().map(ToString::to_string);
        Self::HandedOut {
            to: text::shown(to),
            resource,
        }
    }
}

/// The log.
#[derive(Clone, Debug)]
pub struct Activity {
    path: PathBuf,
}

impl Activity {
    /// The log in our data folder.
    pub fn in_folder(data: &Path) -> Self {
        Self {
            path: data.join("activity.jsonl"),
        }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line. A log that cannot be written never keeps anybody from their work: it is warned of in the other log.
    pub fn record(&self, account: &Account, at: Timestamp, what: ActivityKind) {
        if let Err(error) = self.add(account, at, what) {
            tracing::warn!(kind = %error.kind(), "the activity log could not be written");
        }
    }

    /// As `record`, for a caller who keeps no other log.
    ///
    /// # Errors
    /// The system's, when the line cannot be written.
    pub fn add(&self, account: &Account, at: Timestamp, what: ActivityKind) -> io::Result<()> {
        self.append(&ActivityEvent {
            at,
            account: account.id.clone(),
            cloud: account.cloud(),
            name: account.name(),
            what,
        })
    }

    /// The newest happenings first, of one account or of all, at most `most`.
    pub fn read(&self, account: Option<&AccountId>, most: usize) -> Vec<ActivityEvent> {
        let mut happenings = Vec::new();
        for path in [self.path.clone(), self.old()] {
            let text = fs::read(&path).unwrap_or_default();
            let lines = text.split(|byte| *byte == b'\n').rev();
            let parsed =
                lines.filter_map(|line| serde_json::from_slice::<ActivityEvent>(line).ok());
            happenings.extend(
                parsed.filter(|happening| account.is_none_or(|id| happening.account == *id)),
            );
            if happenings.len() >= most {
                break;
            }
        }
        happenings.truncate(most);
        happenings
    }

    /// Removes the log.
    ///
    /// # Errors
    /// The system's, when a file of it cannot be removed.
    pub fn forget(&self) -> io::Result<()> {
        for path in [self.path.clone(), self.old()] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    fn old(&self) -> PathBuf {
        self.path.with_extension("old.jsonl")
    }

    fn append(&self, happening: &ActivityEvent) -> io::Result<()> {
        let mut file = file::open_private(&self.path)?;
        let length = file.metadata()?.len();
        if length >= LARGEST {
            // Whoever holds the lock is about to rename the file; the line may as well go into the old one.
            match file.try_lock() {
                Ok(()) if self.is_still(&file) => fs::rename(&self.path, self.old())?,
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
            file = file::open_private(&self.path)?;
        }
        let mut line = Vec::new();
        if ends_torn(&mut file)? {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, happening)?;
        line.push(b'\n');
        // One write in append mode: lines of several processes do not mix.
        file.write_all(&line)
    }

    /// Whether the path still names this file, and not one that replaced it meanwhile.
    fn is_still(&self, file: &fs::File) -> bool {
        let same = |at_path: fs::Metadata| Some(at_path.len() == file.metadata().ok()?.len());
        fs::metadata(&self.path)
            .ok()
            .and_then(same)
            .unwrap_or(false)
    }
}

fn ends_torn(file: &mut fs::File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last[0] != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Identity;

    fn account(name: &str) -> Account {
        let identity = Identity::Gcp {
            issuer: "https://issuer".into(),
            subject: name.into(),
            email: Some(name.into()),
            hosted_domain: None,
        };
        Account::new(identity, Timestamp::UNIX_EPOCH)
    }

    fn log() -> (tempfile::TempDir, Activity) {
        let folder = tempfile::tempdir().expect("a folder");
        let activity = Activity::in_folder(folder.path());
        (folder, activity)
    }

    #[test]
    fn the_newest_comes_first_and_accounts_are_told_apart() {
        let (_folder, activity) = log();
        let (ada, linus) = (account("ada"), account("linus"));
        activity.record(&ada, Timestamp::UNIX_EPOCH, ActivityKind::Connected);
        activity.record(&linus, Timestamp::UNIX_EPOCH, ActivityKind::Connected);
        activity.record(&ada, Timestamp::UNIX_EPOCH, ActivityKind::Renewed);
        let kinds: Vec<ActivityKind> = activity
            .read(Some(&ada.id), 10)
            .into_iter()
            .map(|entry| entry.what)
            .collect();
        assert_eq!(kinds, [ActivityKind::Renewed, ActivityKind::Connected]);
        assert_eq!(activity.read(None, 2).len(), 2);
    }

    #[test]
    fn a_torn_line_costs_itself_and_no_other() {
        let (_folder, activity) = log();
        let ada = account("ada");
        activity.record(&ada, Timestamp::UNIX_EPOCH, ActivityKind::Connected);
        file::open_private(activity.path())
            .expect("open")
            .write_all(b"{\"at\":\"20")
            .expect("torn");
        activity.record(&ada, Timestamp::UNIX_EPOCH, ActivityKind::Renewed);
        let kinds: Vec<ActivityKind> = activity
            .read(None, 10)
            .into_iter()
            .map(|entry| entry.what)
            .collect();
        assert_eq!(kinds, [ActivityKind::Renewed, ActivityKind::Connected]);
    }

    #[test]
    fn it_stays_within_two_files_and_keeps_the_newest() {
        let (folder, activity) = log();
        let ada = account(&"a".repeat(2000));
        let rounds = 3 * LARGEST / 2000;
        for round in 0..rounds {
            let at = Timestamp::from_second(i64::try_from(round).expect("small")).expect("a time");
            activity.record(&ada, at, ActivityKind::Renewed);
        }
        let sizes: Vec<u64> = fs::read_dir(folder.path())
            .expect("readable")
            .map(|entry| entry.expect("readable").metadata().expect("readable").len())
            .collect();
        assert!(
            sizes.len() == 2 && sizes.iter().all(|size| *size < LARGEST + 4096),
            "{sizes:?}"
        );
        let newest = activity.read(None, 1)[0].at.as_second();
        assert_eq!(newest, i64::try_from(rounds).expect("small") - 1);
    }
}
