//! A folder that exists as long as one run of ours, for files that another program has to read.
//!
//! Readable by this user only, and removed when it is dropped. A killed process leaves its folder behind; the next
//! run finds its lock free and removes it.

use std::fs::{self, DirEntry, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use super::private::require_own_place;
use super::{open_private, storage_failed};
use crate::error::Result;

/// The prefix of the folders' names.
const PREFIX: &str = "mcm-run-";
/// The file in each folder that its process holds locked.
const LOCK: &str = "lock";

/// How often, and how far apart, a folder is removed in which other processes may still write, and how often it must be
/// found gone.
const REMOVALS: u32 = 100;
const TIME_BETWEEN_REMOVALS: Duration = Duration::from_millis(50);
const CALM_CHECKS: u32 = 5;

/// A folder of one run.
#[derive(Debug)]
pub struct RunFolder {
    /// Let go first: Windows removes no file that is open.
    #[cfg_attr(not(unix), expect(dead_code, reason = "held for its lock"))]
    lock: File,
    folder: TempDir,
}

impl RunFolder {
    /// Creates a folder below `base`, and removes those that killed runs left there.
    ///
    /// # Errors
    /// `storage-failed`, naming the path: also where another user could put a folder in the place of the new one.
    pub fn make(base: &Path) -> Result<Self> {
        require_own_place(base)?;
        let make = || -> io::Result<Self> {
            let mut builder = tempfile::Builder::new();
            builder.prefix(PREFIX);
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
            let folder = builder.tempdir_in(base)?;
            let lock = open_private(&folder.path().join(LOCK))?;
            lock.lock()?;
            sweep(base, &folder.path().metadata()?);
            Ok(Self { lock, folder })
        };
        make().map_err(|error| storage_failed("used for a folder of this run", base, error))
    }

    /// Removes the folder, and again while processes that are about to end write into it.
    pub fn remove_from_processes(self) {
        let path = self.path().to_owned();
        drop(self);
        let mut calm = 0;
        for _ in 0..REMOVALS {
            calm = if path.exists() { 0 } else { calm + 1 };
            if calm > CALM_CHECKS {
                return;
            }
            let _ = fs::remove_dir_all(&path);
            std::thread::sleep(TIME_BETWEEN_REMOVALS);
        }
    }

    /// Standard input, empty, for a program that works in the folder: it holds the lock for as long as it runs, also when
    /// this process is killed. On Windows a lock belongs to one process, and no file that is open is removed.
    pub fn held_by_child(&self) -> Stdio {
        #[cfg(unix)]
        if let Ok(lock) = self.lock.try_clone() {
            return lock.into();
        }
        Stdio::null()
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl RunFolder {
    /// The folders below `base` whose run is not over.
    pub fn running(base: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(base).into_iter().flatten().flatten();
        let folders = entries.map(|entry| entry.path());
        folders
            .filter(|folder| Self::id(folder).is_some() && is_held(folder))
            .collect()
    }

    /// What distinguishes a folder from others below the same base.
    pub fn id(folder: &Path) -> Option<String> {
        let name = folder.file_name()?.to_str()?;
        Some(name.strip_prefix(PREFIX)?.to_owned())
    }

    /// The folder with this id, whether or not there is one.
    pub fn named(base: &Path, id: &str) -> PathBuf {
        base.join(format!("{PREFIX}{id}"))
    }
}

/// The folder for files that do not outlive the login: the one that `XDG_RUNTIME_DIR` names, which must be this user's
/// (XDG Base Directory Specification), else the temporary folder. `sudo -E` and `su` pass on another user's.
pub fn runtime_folder(named: Option<&str>) -> PathBuf {
    let runtime = named.map(PathBuf::from);
    runtime
        .filter(|folder| folder.is_absolute() && is_own_folder(folder))
        .unwrap_or_else(std::env::temp_dir)
}

#[cfg(unix)]
fn is_own_folder(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let ours = rustix::process::getuid().as_raw();
    std::fs::metadata(folder).is_ok_and(|metadata| {
        metadata.is_dir() && metadata.uid() == ours && metadata.mode() & 0o300 == 0o300
    })
}

#[cfg(not(unix))]
fn is_own_folder(folder: &Path) -> bool {
    folder.is_dir()
}

/// Whether the process of a folder holds its lock.
fn is_held(folder: &Path) -> bool {
    let lock = File::options()
        .read(true)
        .write(true)
        .open(folder.join(LOCK));
    lock.is_ok_and(|lock| lock.try_lock().is_err())
}

/// Removes folders that killed runs of the same user left. A failure to remove one has no effect on this run.
fn sweep(base: &Path, ours: &Metadata) {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    for folder in entries.filter_map(|entry| abandoned(&entry, ours)) {
        let _ = fs::remove_dir_all(folder);
    }
}

/// A folder of a run that is over: its lock is free, and no run takes over the folder of another.
fn abandoned(entry: &DirEntry, ours: &Metadata) -> Option<PathBuf> {
    // Not through a link, and never another user's, whose lock could be anything.
    let metadata = entry.metadata().ok()?;
    if !entry.file_name().to_str()?.starts_with(PREFIX)
        || !metadata.is_dir()
        || !is_same_owner(&metadata, ours)
    {
        return None;
    }
    let folder = entry.path();
    // It is opened, not created: a run that has just started creates it.
    let lock = File::options()
        .read(true)
        .write(true)
        .open(folder.join(LOCK))
        .ok()?;
    lock.try_lock().ok()?;
    Some(folder)
}

#[cfg(unix)]
fn is_same_owner(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    one.uid() == other.uid()
}

/// Whether temporary files are separate for each user.
#[cfg(not(unix))]
fn is_same_owner(_one: &Metadata, _other: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_and_goes_with_its_run() {
        let base = tempfile::tempdir().expect("a folder");
        let folder = RunFolder::make(base.path()).expect("made");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(folder.path())
                .expect("there")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        drop(folder);
        assert_eq!(fs::read_dir(base.path()).expect("readable").count(), 0);
    }

    #[test]
    fn the_folder_of_a_killed_run_is_removed_and_that_of_a_live_one_stays() {
        let base = tempfile::tempdir().expect("a folder");
        let living = RunFolder::make(base.path()).expect("made");
        let dead = base.path().join(format!("{PREFIX}dead"));
        fs::create_dir(&dead).expect("made");
        File::create(dead.join(LOCK)).expect("made");
        File::create(dead.join("google.json")).expect("made");
        let beginning = base.path().join(format!("{PREFIX}beginning"));
        fs::create_dir(&beginning).expect("made");
        let other = base.path().join("other");
        fs::create_dir(&other).expect("made");

        let next = RunFolder::make(base.path()).expect("made");
        assert!(!dead.exists());
        assert!(
            living.path().exists() && next.path().exists() && beginning.exists() && other.exists()
        );
    }

    #[test]
    fn a_missing_base_folder_is_named() {
        let error = RunFolder::make(Path::new("/nonexistent/runtime")).expect_err("no such place");
        assert!(error.message().contains("/nonexistent/runtime"), "{error}");
    }
}
