//! The confirmations of protected environments that the user gave in the app: until when each may be used without typing its
//! name again.
//!
//! A confirmation is a file in our data folder, which names nothing but a time. It guards against accidents, as the typed
//! name does: a program of this user could write it.

use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::environment::{EnvironmentName, NamedEnvironment};
use crate::error::Result;
use crate::file;

/// The largest file that is read here.
const MAX_BYTES: u64 = 64;

/// All confirmations of this user.
#[derive(Clone, Debug)]
pub struct Confirmations(PathBuf);

impl Confirmations {
    /// Those below our data folder.
    pub fn in_folder(data: &Path) -> Self {
        Self(data.join("confirmed"))
    }

    /// Notes that the user confirmed an environment now. Returns until when.
    ///
    /// # Errors
    /// `storage-failed`.
    pub fn confirm(&self, named: &NamedEnvironment, now: Timestamp) -> Result<Timestamp> {
        let until = now + SignedDuration::from_mins(i64::from(named.settings.minutes));
        file::make_private(&self.0)?;
        file::replace(&self.path(&named.name), until.to_string().as_bytes())?;
        Ok(until)
    }

    /// Until when an environment is confirmed, if it is. A time that is further away than the longest one counts for nothing.
    pub fn until(&self, named: &NamedEnvironment, now: Timestamp) -> Option<Timestamp> {
        let text = file::read_at_most(&self.path(&named.name), MAX_BYTES).ok()??;
        let until: Timestamp = std::str::from_utf8(&text).ok()?.trim().parse().ok()?;
        let latest = now + SignedDuration::from_mins(i64::from(named.settings.minutes));
        (named.settings.is_protected && now < until && until <= latest).then_some(until)
    }

    /// Takes a confirmation back.
    ///
    /// # Errors
    /// `storage-failed`.
    pub fn end(&self, name: &EnvironmentName) -> Result<()> {
        file::remove(&self.path(name))
    }

    fn path(&self, name: &EnvironmentName) -> PathBuf {
        // Two names that differ only in case are one environment.
        self.0.join(name.as_str().to_ascii_lowercase())
    }
}
