//! A file that is written beside the old one and then put in its place, and what a killed process left of such.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::private::make_private_folder;
use super::{storage_failed, sync_folder};
use crate::error::Result;

/// A new file beside another, which replaces it when it is complete.
#[derive(Debug)]
pub(crate) struct NewFile {
    new: tempfile::TempPath,
    place: PathBuf,
}

/// Makes an empty file beside the one at `path`, readable by this user only.
///
/// # Errors
/// `storage-failed`.
pub(crate) fn new_beside(path: &Path) -> Result<NewFile> {
    let make = || -> io::Result<NewFile> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        make_private_folder(folder)?;
        Ok(NewFile {
            new: temporary().tempfile_in(folder)?.into_temp_path(),
            place: path.to_owned(),
        })
    };
    make().map_err(|error| storage_failed("saved", path, error))
}

impl NewFile {
    pub(crate) fn path(&self) -> &Path {
        &self.new
    }

    /// Puts it in place, complete.
    ///
    /// # Errors
    /// `storage-failed`; the old file then still exists.
    pub(crate) fn put_in_place(self) -> Result<()> {
        let put = || -> io::Result<()> {
            // Windows flushes only what is open for writing.
            let written = OpenOptions::new().write(true).open(&self.new)?;
            written.sync_all()?;
            drop(written);
            put_in_place(self.new, &self.place)?;
            sync_folder(self.place.parent().ok_or(io::ErrorKind::InvalidInput)?)
        };
        let place = self.place.clone();
        put().map_err(|error| storage_failed("saved", &place, error))
    }
}

/// Gives a complete file the name of another, whose place it takes.
#[cfg(not(windows))]
pub(super) fn put_in_place(new: tempfile::TempPath, place: &Path) -> io::Result<()> {
    Ok(new.persist(place)?)
}

/// Gives a complete file the name of another, whose place it takes. The standard library's rename also takes the place of
/// a file that programs read, where Windows can. What opens it without sharing, as a scanner for viruses does for a
/// moment, is waited for: a second at most.
#[cfg(windows)]
pub(super) fn put_in_place(new: tempfile::TempPath, place: &Path) -> io::Result<()> {
    const TRIES: u32 = 100;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
    /// Another program has the file open without sharing it.
    const SHARING_VIOLATION: i32 = 32;
    let is_passing = |error: &io::Error| {
        error.kind() == io::ErrorKind::PermissionDenied
            || error.raw_os_error() == Some(SHARING_VIOLATION)
    };
    // It loses the mark of a temporary file, and would stay if the process were killed now; `sweep_temporary` finds it.
    let new = new.keep()?;
    let mut tries = 1;
    loop {
        match fs::rename(&new, place) {
            Err(error) if is_passing(&error) && tries < TRIES && !place.is_dir() => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            Err(error) => {
                let _ = fs::remove_file(&new);
                return Err(error);
            }
            Ok(()) => return Ok(()),
        }
    }
}

/// The temporary name of a file that is being written; `sweep_temporary` knows it.
pub(super) fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).suffix(TEMPORARY_SUFFIX);
    builder
}

const TEMPORARY_PREFIX: &str = ".mcm-";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// Removes incomplete files of ours in a folder that a killed process left at least an hour ago.
pub fn sweep_temporary(folder: &Path, now: Timestamp) {
    let is_ours = |name: &str| {
        let random = name
            .strip_prefix(TEMPORARY_PREFIX)
            .and_then(|rest| rest.strip_suffix(TEMPORARY_SUFFIX));
        // Earlier versions named them so.
        let random = random.or_else(|| name.strip_prefix(".tmp"));
        random.is_some_and(|random| {
            random.len() == 6 && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    };
    let is_old = |metadata: &fs::Metadata| {
        let written = metadata
            .modified()
            .ok()
            .and_then(|time| Timestamp::try_from(time).ok());
        written.is_some_and(|written| now.duration_since(written) > SignedDuration::from_hours(1))
    };
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_left = entry.file_name().to_str().is_some_and(is_ours)
            && entry
                .metadata()
                .is_ok_and(|metadata| metadata.is_file() && is_old(&metadata));
        if is_left && let Err(error) = fs::remove_file(entry.path()) {
            tracing::warn!(kind = %error.kind(), "a temporary file could not be removed");
        }
    }
}
