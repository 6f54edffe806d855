//! Files of ours, read and replaced atomically: a reader sees the old content or the new one, whole.
//!
//! The only place that may write to disk. `file/private.rs` decides whose a file is, `file/new_file.rs` puts one in place,
//! `file/set_aside.rs` keeps old ones, `file/lock.rs` has locks across processes, `file/foreign.rs` files of other programs.

mod foreign;
mod lock;
mod new_file;
mod private;
mod run_folder;
mod set_aside;
#[cfg(test)]
mod tests;
mod watch;

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result};
pub use foreign::Foreign;
pub use lock::{Lock, LockMode, lock, lock_blocking};
pub(crate) use new_file::new_beside;
pub use new_file::sweep_temporary;
use new_file::{put_in_place, temporary};
use private::open_at_once;
pub(crate) use private::{
    is_own, is_written_by_user_alone, keep_files_private, keep_folder_private, make_private_folder,
    open_private, open_regular, refusal_to_write, require_own_file,
};
pub use private::{make_private, may_be_written_by_others};
pub use run_folder::{RunFolder, runtime_folder};
pub use set_aside::set_aside;
pub(crate) use set_aside::{remove_set_aside, set_aside_as};
pub use watch::Watch;

/// Replaces the file at `path` with `bytes`, readable by this user only, through a temporary file beside it.
///
/// # Errors
/// `storage-failed`, naming the path; the old file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        make_private_folder(folder)?;
        let mut file = temporary().tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        put_in_place(file.into_temp_path(), path)?;
        sync_folder(folder)
    };
    write().map_err(|error| storage_failed("saved", path, error))
}

/// As `replace`, in a folder of the user's, which must exist.
///
/// # Errors
/// `invalid-input` when the folder does not exist, `storage-failed`.
pub fn replace_in_folder(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(&in_folder(path)?, bytes)
}

/// Writes a new file, readable by this user only, in a folder of the user's. It appears complete, or not at all.
///
/// # Errors
/// `invalid-input` when the file exists, or the folder does not; `storage-failed`.
pub fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    let path = in_folder(path)?;
    let write = || -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mut file = temporary().tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.into_temp_path().persist_noclobber(&path)?;
        sync_folder(folder)
    };
    write().map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            let message = format!("{} exists already.", path.display());
            return Error::new(Code::InvalidInput, message).with_remedies(
                "Choose another name, or say that it may be replaced (--force).",
                "Choose another name, or choose Replace the file if it exists.",
            );
        }
        storage_failed("saved", &path, error)
    })
}

/// The whole path of a file whose folder exists.
fn in_folder(path: &Path) -> Result<PathBuf> {
    let whole = std::path::absolute(path).map_err(|error| storage_failed("saved", path, error))?;
    match whole.parent() {
        Some(folder) if folder.is_dir() && whole.file_name().is_some() => Ok(whole),
        _ => {
            let message = format!(
                "The folder of {} does not exist. Create it, or choose another.",
                path.display()
            );
            Err(Error::new(Code::InvalidInput, message))
        }
    }
}

/// The most bytes of a file that nothing else limits: more than any settings or lists of other tools.
const MOST_BYTES: u64 = 16_000_000;

/// Reads a file, of any program; none when there is no such file.
///
/// # Errors
/// `storage-failed`, naming the path; at once for a pipe, which could keep us waiting, and for a huge file.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    read_fit(path, MOST_BYTES, |metadata| !is_pipe(metadata))
}

/// Reads a file whose kind is fit. What is judged is the file that is open: another may take its place at any time.
fn read_fit(
    path: &Path,
    limit: u64,
    is_fit: impl Fn(&fs::Metadata) -> bool,
) -> Result<Option<Vec<u8>>> {
    let failed = |error| storage_failed("read", path, error);
    let unfit = || failed(io::ErrorKind::NotADirectory.into());
    let file = match open_at_once(path, true) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // No system opens everything: sockets, and folders on Windows.
        Err(error) => {
            let is_unfit = fs::metadata(path).is_ok_and(|metadata| !is_fit(&metadata));
            return Err(if is_unfit { unfit() } else { failed(error) });
        }
    };
    let metadata = file.metadata().map_err(failed)?;
    if !is_fit(&metadata) {
        return Err(unfit());
    }
    if metadata.is_file() && metadata.len() > limit {
        return Err(too_large(path, metadata.len(), limit));
    }
    let mut bytes = Vec::with_capacity(metadata.len().min(limit) as usize);
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(path, bytes.len() as u64, limit));
    }
    Ok(Some(bytes))
}

#[cfg(unix)]
fn is_pipe(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    metadata.file_type().is_fifo()
}

#[cfg(not(unix))]
fn is_pipe(_metadata: &fs::Metadata) -> bool {
    false
}

fn too_large(path: &Path, length: u64, limit: u64) -> Error {
    let message = format!(
        "{} is too large: {} MB, and at most {} MB can be read. Move it away.",
        path.display(),
        length / 1_000_000,
        limit / 1_000_000
    );
    Error::new(Code::StorageFailed, message)
}

/// As `read`, for a file that others may have put there: limited in size, and regular files only.
///
/// # Errors
/// Those of `read`; at once `storage-failed` for a pipe, a folder, a device or a longer file.
pub fn read_at_most(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    read_fit(path, limit, fs::Metadata::is_file)
}

/// Whether the folder of a lock file has no locks at all.
pub(crate) fn has_no_locks(path: &Path) -> bool {
    let tried = open_private(path).map(|file| file.try_lock());
    matches!(tried, Ok(Err(fs::TryLockError::Error(error))) if is_about_locks(&error))
}

/// The error for a folder that allows no locks.
pub(crate) fn no_locks(path: &Path) -> Error {
    let message = format!(
        "{} cannot be locked. This folder does not allow locks. Set MCM_HOME to a local folder.",
        path.display()
    );
    Error::new(Code::StorageFailed, message)
}

/// Removes a file, if there is one.
///
/// # Errors
/// `storage-failed`, naming the path.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(storage_failed("removed", path, error))
        }
        _ => Ok(()),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Makes a rename last through a loss of power.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

pub(crate) fn storage_failed(what: &str, path: &Path, error: io::Error) -> Error {
    if is_about_locks(&error) {
        return no_locks(path).with_source(error);
    }
    let why = match error.kind() {
        _ if is_about_links(&error) => "a link is in its place; remove it",
        io::ErrorKind::StorageFull => "the disk is full; free some space",
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only",
        io::ErrorKind::PermissionDenied => "access is denied; check its permissions",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "another file or folder is in its place; move it away"
        }
        _ => "the system refused it; check the disk",
    };
    Error::new(
        Code::StorageFailed,
        format!("{} could not be {what}: {why}.", path.display()),
    )
    .with_source(error)
}

/// Whether the folder's file system has no locks, like some network folders.
#[cfg(unix)]
fn is_about_locks(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let number = error.raw_os_error();
    [Errno::NOLCK, Errno::OPNOTSUPP, Errno::NOSYS]
        .iter()
        .any(|errno| number == Some(errno.raw_os_error()))
}

/// Whether a link was in the way.
#[cfg(unix)]
fn is_about_links(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

#[cfg(not(unix))]
fn is_about_links(_error: &io::Error) -> bool {
    false
}

#[cfg(not(unix))]
fn is_about_locks(_error: &io::Error) -> bool {
    false
}
