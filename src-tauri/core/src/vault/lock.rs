//! The lock file that keeps keychain work to one process at a time, or to such as only read.
//!
//! It is there because one record takes several keychain entries. The file is empty and stays; the lock ends with the
//! process at the latest.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::failure;
use crate::error::{Code, Error, Result};

/// Waits for the lock without limit and holds it until the file is dropped. Blocks the thread.
pub(super) fn hold(path: &Path) -> Result<File> {
    let held = open(path).and_then(|file| {
        file.lock()?;
        Ok(file)
    });
    held.map_err(|error| unusable(path, error))
}

/// Whom the lock keeps out.
#[derive(Clone, Copy)]
pub(super) enum LockMode {
    /// Who writes: this one reads.
    Shared,
    /// Everybody else.
    Exclusive,
}

/// As `hold`, and gives up after the limit. The system knows no limit, so a thread waits while another process has the lock,
/// and is left behind.
pub(super) fn hold_within(path: &Path, mode: LockMode, limit: Duration) -> Result<File> {
    let file = open(path).map_err(|error| unusable(path, error))?;
    let tried = match mode {
        LockMode::Shared => file.try_lock_shared(),
        LockMode::Exclusive => file.try_lock(),
    };
    match tried {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(unusable(path, error)),
    }
    let (held, awaited) = mpsc::channel();
    thread::spawn(move || {
        let locked = match mode {
            LockMode::Shared => file.lock_shared(),
            LockMode::Exclusive => file.lock(),
        };
        held.send(locked.map(|()| file))
    });
    match awaited.recv_timeout(limit) {
        Ok(held) => held.map_err(|error| unusable(path, error)),
        Err(_) => Err(failure::busy_elsewhere()),
    }
}

fn unusable(path: &Path, error: io::Error) -> Error {
    let message = format!(
        "The lock file {} cannot be used. Make sure that its folder exists and is yours to write to.",
        path.display()
    );
    Error::new(Code::StorageFailed, message).with_source(error)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    private(&mut options);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let folder = path.parent().ok_or(error)?;
            private_folder().recursive(true).create(folder)?;
            options.open(path)
        }
        opened => opened,
    }
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

#[cfg(unix)]
fn private_folder() -> DirBuilder {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = DirBuilder::new();
    builder.mode(0o700);
    builder
}

/// Elsewhere the folder of the user's own data is private already.
#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

#[cfg(not(unix))]
fn private_folder() -> DirBuilder {
    DirBuilder::new()
}
