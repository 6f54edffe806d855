//! Files of ours: replaced atomically, and locked across processes. Those of other programs: `file/foreign.rs`.
//!
//! The only place that may write to disk. A reader sees the old content or the new one, whole; a lock goes with its
//! holder, also when that is killed.

mod foreign;
mod run_folder;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Code, Error, Result};
pub use foreign::Foreign;
pub use run_folder::RunFolder;

/// How often a waiting process looks whether a lock is free. `std::fs::File::lock` cannot be given up, so it is polled.
const LOOK: Duration = Duration::from_millis(10);

/// A lock that one process holds; dropping it lets go.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its lock")] File);

/// Takes the lock file at `path`, waiting at most `limit` for another process.
///
/// # Errors
/// `busy` when the other process does not let go in time, `storage-failed` when the file cannot be made.
pub async fn lock(path: &Path, limit: Duration) -> Result<Lock> {
    let file = open_private(path).map_err(|error| storage_failed("locked", path, error))?;
    let wait = async {
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOOK).await,
                Err(TryLockError::Error(error)) => {
                    return Err(storage_failed("locked", path, error));
                }
            }
        }
    };
    tokio::time::timeout(limit, wait).await.map_err(|_| {
        let message = format!(
            "Another process of Multi-Cloud Manager has been busy for {} s. Try again; if it stays so, end that process.",
            limit.as_secs()
        );
        Error::new(Code::Busy, message)
    })??;
    Ok(Lock(file))
}

/// Replaces the file at `path` with `bytes`, readable by this user only, through a temporary file beside it.
///
/// # Errors
/// `storage-failed`, naming the path; the old file is then as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || -> io::Result<()> {
        let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        make_private_folder(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        sync_folder(folder)
    };
    write().map_err(|error| storage_failed("saved", path, error))
}

/// The content of a file; none when there is no such file.
///
/// # Errors
/// `storage-failed`, naming the path.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(storage_failed("read", path, error)),
    }
}

/// When a file was last replaced, how long it is, and its first bytes: enough to see that it was replaced.
pub fn stamp(path: &Path, beginning: u64) -> Option<(std::time::SystemTime, u64, Vec<u8>)> {
    let file = File::open(path).ok()?;
    let metadata = file.metadata().ok()?;
    let mut bytes = Vec::new();
    file.take(beginning).read_to_end(&mut bytes).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), bytes))
}

/// Moves a file that cannot be understood to a name beside it that is not taken, so that nothing of it is lost.
///
/// # Errors
/// `storage-failed`, naming the path.
pub fn set_aside(path: &Path) -> Result<PathBuf> {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for number in 1..1000 {
        let aside = path.with_file_name(format!("{name}.kept-{number}"));
        if aside.exists() {
            continue;
        }
        fs::rename(path, &aside).map_err(|error| storage_failed("set aside", path, error))?;
        return Ok(aside);
    }
    Err(storage_failed(
        "set aside",
        path,
        io::ErrorKind::AlreadyExists.into(),
    ))
}

/// Opens a file for a lock or a log: made when missing, readable by this user only, never shortened.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        make_private_folder(folder)?;
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
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

fn storage_failed(what: &str, path: &Path, error: io::Error) -> Error {
    let why = match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full; free some space",
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only",
        io::ErrorKind::PermissionDenied => "this user may not; check its permissions",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "something else is in its place; move that away"
        }
        _ => "the system refused",
    };
    Error::new(
        Code::StorageFailed,
        format!("{} could not be {what}: {why}.", path.display()),
    )
    .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_a_file_keeps_it_private_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/er/file.json");
        replace(&path, b"one").expect("a first write");
        replace(&path, b"two").expect("a second write");
        assert_eq!(read(&path).expect("readable").expect("there"), b"two");
        assert_eq!(
            fs::read_dir(path.parent().expect("a folder"))
                .expect("readable")
                .count(),
            1
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&path).expect("there").permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_named_and_unchanged() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("taken");
        fs::create_dir(&path).expect("a folder in its place");
        let error = replace(&path, b"x").expect_err("a folder cannot be replaced");
        assert_eq!(error.code(), Code::StorageFailed);
        assert!(error.message().contains("taken"), "{error}");
        assert_eq!(
            fs::read_dir(folder.path()).expect("readable").count(),
            1,
            "no temporary file stays"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_lock_is_waited_for_with_a_limit_and_goes_with_its_holder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.lock");
        let held = lock(&path, Duration::from_secs(1)).await.expect("free");
        let refused = lock(&path, Duration::from_secs(1)).await.expect_err("held");
        assert_eq!(refused.code(), Code::Busy);
        drop(held);
        lock(&path, Duration::from_secs(1))
            .await
            .expect("free again");
    }

    #[test]
    fn setting_aside_never_overwrites_what_was_set_aside_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("accounts.json");
        for content in [b"a", b"b"] {
            replace(&path, content).expect("written");
            set_aside(&path).expect("set aside");
        }
        let kept = |number| {
            read(&folder.path().join(format!("accounts.json.kept-{number}"))).expect("readable")
        };
        assert_eq!(
            (kept(1).as_deref(), kept(2).as_deref()),
            (Some(&b"a"[..]), Some(&b"b"[..]))
        );
    }
}
