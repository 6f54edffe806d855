//! Files of ours, replaced atomically. Locks across processes: `file/lock.rs`. Files of other programs: `file/foreign.rs`.
//!
//! The only place that may write to disk. A reader sees the old content or the new one, whole.

mod foreign;
mod lock;
mod run_folder;
#[cfg(test)]
mod tests;
mod watch;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use crate::error::{Code, Error, Result};
pub use foreign::Foreign;
pub use lock::{Lock, LockMode, lock, lock_blocking};
pub use run_folder::RunFolder;
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

/// The most bytes of a file that nothing else limits: more than any settings or lists of other tools.
const MOST_BYTES: u64 = 16_000_000;

/// Reads a file, of any program; none when there is no such file.
///
/// # Errors
/// `storage-failed`, naming the path; at once for a pipe, which could keep us waiting, and for a huge file.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let failed = |error| storage_failed("read", path, error);
    let file = match open_at_once(path, true) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    if is_pipe(&metadata) {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    let mut bytes = Vec::with_capacity(metadata.len().min(MOST_BYTES) as usize);
    let read = file.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(failed)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(too_large(path, metadata.len(), MOST_BYTES));
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
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => Err(storage_failed(
            "read",
            path,
            io::ErrorKind::NotADirectory.into(),
        )),
        Ok(metadata) if metadata.len() > limit => Err(too_large(path, metadata.len(), limit)),
        _ => read(path),
    }
}

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
fn put_in_place(new: tempfile::TempPath, place: &Path) -> io::Result<()> {
    Ok(new.persist(place)?)
}

/// Gives a complete file the name of another, whose place it takes. Windows refuses while a program has the other open,
/// which a scanner for viruses does for a moment.
#[cfg(windows)]
fn put_in_place(mut new: tempfile::TempPath, place: &Path) -> io::Result<()> {
    const TRIES: u32 = 100;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
    for _ in 1..TRIES {
        match new.persist(place) {
            Ok(()) => return Ok(()),
            Err(failed)
                if failed.error.kind() == io::ErrorKind::PermissionDenied && !place.is_dir() =>
            {
                new = failed.path;
                std::thread::sleep(PAUSE);
            }
            Err(failed) => return Err(failed.error),
        }
    }
    Ok(new.persist(place)?)
}

/// The temporary name of a file that is being written; `sweep_temporary` knows it.
fn temporary() -> tempfile::Builder<'static, 'static> {
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

/// Refuses anything but a regular file of this user.
///
/// # Errors
/// `storage-failed`, naming the path.
pub(crate) fn require_own_file(path: &Path, metadata: &fs::Metadata) -> Result<()> {
    let refused = |why: &str| {
        Err(Error::new(
            Code::StorageFailed,
            format!("{} {why}", path.display()),
        ))
    };
    if !metadata.is_file() {
        return refused("is not a file. Move it to another place.");
    }
    if !is_own(metadata) {
        return refused("belongs to another user. Move it away, or change its owner.");
    }
    Ok(())
}

/// Whether a file or folder belongs to this user. On Windows the user's folders are the user's own by their access lists.
pub(crate) fn is_own(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        metadata.uid() == rustix::process::geteuid().as_raw()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        true
    }
}

/// Whether users other than its owner may write to a file or folder, as `is_own` on Windows.
pub fn may_be_written_by_others(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        metadata.mode() & 0o022 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

/// Makes a folder of ours this user's only, where there is one already.
///
/// # Errors
/// `storage-failed`, naming the folder: it belongs to another user, or other users can replace it by another.
#[cfg(unix)]
pub(crate) fn keep_folder_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    const STICKY: u32 = 0o1000;
    let refused = |folder: &Path, why: &str| {
        let message = format!("{} {why}", folder.display());
        Err(Error::new(Code::StorageFailed, message))
    };
    let user = rustix::process::geteuid().as_raw();
    if let Some(above) = folder.parent()
        && let Ok(metadata) = fs::metadata(above)
    {
        if ![user, 0].contains(&metadata.uid()) {
            return refused(
                above,
                "belongs to another user. Set MCM_HOME to a folder of your own.",
            );
        }
        if metadata.mode() & 0o002 != 0 && metadata.mode() & STICKY == 0 {
            let why = "can be changed by every user. Take that permission away: chmod o-w.";
            return refused(above, why);
        }
    }
    let Ok(metadata) = fs::metadata(folder) else {
        // It is made private when it is needed. A link that leads nowhere fails then.
        return Ok(());
    };
    if !metadata.is_dir() {
        return refused(folder, "is not a folder. Move it to another place.");
    }
    if !is_own(&metadata) {
        return refused(
            folder,
            "belongs to another user. Move it away, or change its owner.",
        );
    }
    if metadata.mode() & 0o077 != 0 {
        // Some disks keep no permissions; the owner was checked.
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(metadata.mode() & 0o700));
    }
    Ok(())
}

/// As on Unix, where folders have owners; elsewhere the user's own folders are private already.
#[cfg(not(unix))]
pub(crate) fn keep_folder_private(_folder: &Path) -> Result<()> {
    Ok(())
}

/// Why a file cannot be written, or made where there is none yet; none when it can.
pub(crate) fn refusal_to_write(path: &Path) -> Option<Error> {
    let place = if path.exists() { path } else { path.parent()? };
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        match access(place, Access::WRITE_OK) {
            Err(errno) if errno != rustix::io::Errno::NOENT => {
                Some(storage_failed("saved", path, errno.into()))
            }
            _ => None,
        }
    }
    #[cfg(not(unix))]
    {
        // The attribute says nothing of a folder: Windows sets it for folders that look special.
        let is_read_only = fs::metadata(place)
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().readonly());
        is_read_only.then(|| storage_failed("saved", path, io::ErrorKind::PermissionDenied.into()))
    }
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

/// Moves an invalid file to a free name beside it, so that nothing is lost.
///
/// # Errors
/// `storage-failed`, naming the path.
pub fn set_aside(path: &Path) -> Result<PathBuf> {
    for number in 1..1000 {
        let aside = beside(path, &format!("kept-{number}"));
        if !aside.exists() {
            fs::rename(path, &aside).map_err(|error| storage_failed("set aside", path, error))?;
            return Ok(aside);
        }
    }
    Err(storage_failed(
        "set aside",
        path,
        io::ErrorKind::AlreadyExists.into(),
    ))
}

/// As `set_aside`, under a name with this ending if it is free.
///
/// # Errors
/// Those of `set_aside`.
pub(crate) fn set_aside_as(path: &Path, ending: &str) -> Result<PathBuf> {
    let aside = beside(path, ending);
    if aside.exists() {
        return set_aside(path);
    }
    fs::rename(path, &aside).map_err(|error| storage_failed("set aside", path, error))?;
    Ok(aside)
}

/// Removes what was set aside of a file.
///
/// # Errors
/// `storage-failed` for the first that could not be removed; the others are removed all the same.
pub(crate) fn remove_set_aside(path: &Path) -> Result<()> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_ending = |ending: &str| {
        let kept = ending.strip_prefix("kept-");
        // A database is set aside with its journal.
        let kept = kept.map(|number| number.strip_suffix("-journal").unwrap_or(number));
        ending == "migrated" || kept.is_some_and(is_number)
    };
    let is_of_it = |entry: &fs::DirEntry| {
        let (stem, name) = (path.file_name(), entry.file_name());
        let stem = stem.and_then(|stem| stem.to_str()).unwrap_or_default();
        let rest = name.to_str().and_then(|name| name.strip_prefix(stem));
        rest.and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(is_ending)
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(storage_failed("read", folder, error)),
    };
    let mut first_error = None;
    for aside in entries.flatten().filter(is_of_it) {
        let removed = remove(&aside.path());
        first_error = first_error.or(removed.err());
    }
    first_error.map_or(Ok(()), Err)
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

/// Opens a file for a lock or a log: made when missing, with its folder, readable by this user only, never shortened. A
/// link in its place is not followed.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW.bits();
        options.mode(0o600).custom_flags(flags.cast_signed());
    }
    match (options.open(path), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            make_private_folder(folder)?;
            options.open(path)
        }
        (opened, _) => opened,
    }
}

/// Opens a file of a folder that others fill, never through a link, and never waiting for a pipe.
///
/// # Errors
/// Those of the system; `InvalidInput` for what is not a file.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let file = open_at_once(path, false)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(file)
}

/// Opens a file to read it, without waiting for the writer of a pipe.
fn open_at_once(path: &Path, through_links: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let mut flags = OFlags::NONBLOCK;
        flags.set(OFlags::NOFOLLOW, !through_links);
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    let _ = through_links;
    options.open(path)
}

/// Makes a folder that only this user may enter, with those above it, or makes the one that is there so.
///
/// # Errors
/// `storage-failed`, naming the path.
pub fn make_private(folder: &Path) -> Result<()> {
    keep_folder_private(folder)?;
    make_private_folder(folder).map_err(|error| storage_failed("created", folder, error))
}

/// Makes the files of a folder readable by this user only, if their names begin so.
///
/// # Errors
/// The system's, for the first that could not be changed.
pub(crate) fn keep_files_private(folder: &Path, beginning: &str) -> io::Result<()> {
    #[cfg(unix)]
    for entry in fs::read_dir(folder)? {
        use std::os::unix::fs::PermissionsExt as _;
        let entry = entry?;
        let is_ours = entry.file_name().to_string_lossy().starts_with(beginning);
        if is_ours && entry.metadata()?.is_file() {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, beginning);
    Ok(())
}

pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes a rename last through a loss of power.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
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
    [Errno::NOLCK, Errno::OPNOTSUPP]
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
