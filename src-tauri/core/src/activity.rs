//! Activity: the events of each account, for the Activity screen and `mcm activity`. Names and codes only; no secret.
//!
//! Events are stored in `accounts.db`, in the transaction that they describe (`store/log.rs`). Credentials are issued
//! too often for that: each adds a line to `issued.jsonl`, and reading the activity moves the lines into the
//! database.

use std::fs;
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

/// A file of this length is moved into the database before more is added.
const MAX_LENGTH: u64 = 512 * 1024;

/// An event of an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct ActivityEvent {
    /// Its time.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// The account.
    pub account: AccountId,
    /// Its cloud.
    pub cloud: Cloud,
    /// The account's name at that time.
    pub name: String,
    /// The kind of event.
    pub what: ActivityKind,
}

/// The kind of an event.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(
    tag = "kind",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum ActivityKind {
    /// The account was connected.
    Connected,
    /// Its user signed in again.
    SignedInAgain,
    /// Its session was renewed.
    Renewed,
    /// Its session could not be renewed.
    RenewalFailed {
        /// The error code.
        code: Code,
        /// The reference shown with the message.
        reference: String,
    },
    /// A credential was issued.
    HandedOut {
        /// The program that asked, by the system's name for it.
        to: String,
        /// The resource that it is for, if not the management plane.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        resource: Option<String>,
        /// The environment that it was issued in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        environment: Option<String>,
    },
    /// It became the one in use in its cloud.
    Used,
    /// Its list of targets changed.
    TargetsChanged {
        /// The number of added targets.
        added: u32,
        /// The number of removed targets.
        removed: u32,
    },
    /// The account was restored from a backup, without its sign-in.
    Restored,
    /// The account was disconnected.
    Disconnected,
}

impl ActivityKind {
    /// A credential for a resource was issued to a program. The program's name may be anything.
    pub fn handed_out(resource: &Resource, to: &str) -> Self {
        let resource = resource.identifier().map(ToString::to_string);
        Self::HandedOut {
            to: text::shown(to),
            resource,
            environment: None,
        }
    }

    /// The same event in an environment.
    #[must_use]
    pub fn in_environment(self, name: Option<&str>) -> Self {
        match self {
            Self::HandedOut { to, resource, .. } => Self::HandedOut {
                to,
                resource,
                environment: name.map(text::shown),
            },
            other => other,
        }
    }
}

impl ActivityEvent {
    /// Creates an event of an account as it is now.
    pub fn of(account: &Account, at: Timestamp, what: ActivityKind) -> Self {
        Self {
            at,
            account: account.id.clone(),
            cloud: account.cloud(),
            name: account.name(),
            what,
        }
    }
}

/// The issued credentials that are not in the database yet, one JSON object a line. A line that a crash cut off is
/// skipped.
#[derive(Clone, Debug)]
pub struct IssueLog {
    path: PathBuf,
}

impl IssueLog {
    /// The log in our data folder.
    pub fn in_folder(data: &Path) -> Self {
        Self {
            path: data.join("issued.jsonl"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn is_empty(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| metadata.len() == 0) || !self.path.exists()
    }

    /// Adds a line, without waiting for the disk.
    ///
    /// # Errors
    /// The system's; `FileTooLarge` when the log has to be taken into the database first.
    pub fn add(&self, event: &ActivityEvent) -> io::Result<()> {
        let mut file = file::open_private(&self.path)?;
        // A reader that removes the lines waits until they are complete.
        file.lock_shared()?;
        if file.metadata()?.len() >= MAX_LENGTH {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let mut line = Vec::new();
        if ends_torn(&mut file)? {
            line.push(b'\n');
        }
        serde_json::to_writer(&mut line, event)?;
        line.push(b'\n');
        // One write in append mode: lines of several processes do not mix.
        file.write_all(&line)
    }

    /// Passes every event to `store` and removes the lines if that succeeded. After a kill in between, the same
    /// events are passed again.
    ///
    /// # Errors
    /// The system's, through `from`, and those of `store`.
    pub(crate) fn take<E>(
        &self,
        store: impl FnOnce(&[ActivityEvent]) -> Result<(), E>,
        from: impl Fn(io::Error) -> E,
    ) -> Result<(), E> {
        if self.is_empty() {
            return Ok(());
        }
        let file = file::open_private(&self.path).map_err(&from)?;
        file.lock().map_err(&from)?;
        store(&events(&file).map_err(&from)?)?;
        file.set_len(0).map_err(&from)
    }
}

/// The events in a file with one a line.
pub(crate) fn events(mut file: &fs::File) -> io::Result<Vec<ActivityEvent>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(4 * MAX_LENGTH).read_to_end(&mut bytes)?;
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
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
