//! Opening `accounts.db`: creating it, migrating it to this version, and the faults of the file.
//!
//! SQLite keeps a rollback journal and no write-ahead log: there is no shared memory, so a network folder works if it
//! has locks; and a process that runs for some milliseconds leaves nothing for the next one to read. No other code
//! opens the file: on Unix, closing any handle of it drops this process's locks on it.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::legacy::{self, Legacy};
use super::problem::Problem;
use super::{STORE_LOCK_TIMEOUT, schema};
use crate::error::{Code, Result};
use crate::file::{self, LockMode};

/// How long a transaction waits for a reader or writer of another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// As `BUSY_TIMEOUT`, for a program that has another to fall back on.
const SHORT_BUSY_TIMEOUT: Duration = Duration::from_millis(250);

/// An open database, and the identity of its file when it was opened.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) connection: Connection,
    file: FileId,
}

impl Database {
    /// The database at `path`; none when there is none. `accounts.json` is migrated first.
    pub(super) fn for_reading<'a>(
        slot: &'a mut Option<Self>,
        path: &Path,
        lock: &Path,
    ) -> Result<Option<&'a mut Self>> {
        if is_still_there(slot.as_ref(), path) {
            return Ok(slot.as_mut());
        }
        *slot = None;
        if file_id(path)?.is_none() {
            if !legacy::path(path).exists() {
                return Ok(None);
            }
            let _lock = file::lock_blocking(lock, LockMode::Exclusive, STORE_LOCK_TIMEOUT)?;
            // Another process may have created it since we looked.
            if file_id(path)?.is_none()
                && let Some(legacy) = Legacy::read(&legacy::path(path))?
            {
                create(path, Some(&legacy))?;
            }
        }
        let Some(file) = file_id(path)? else {
            return Ok(None);
        };
        // SQLite takes a missing lock facility for a lock that another program holds, and waits for it.
        if file::has_no_locks(lock) {
            return Err(file::no_locks(path));
        }
        let opened = Self::open(path, file).map_err(|problem| problem.into_error(path))?;
        Ok(Some(slot.insert(opened)))
    }

    /// The database at `path`, created when there is none. A damaged one is set aside. The caller holds the lock
    /// file.
    pub(super) fn for_writing<'a>(slot: &'a mut Option<Self>, path: &Path) -> Result<&'a mut Self> {
        if !is_still_there(slot.as_ref(), path) {
            *slot = None;
            let opened = match file_id(path)? {
                None => create_from_legacy(path)?,
                Some(file) => match Self::open(path, file) {
                    Err(problem) if problem.is_damage() => {
                        set_aside(path)?;
                        create(path, None)?
                    }
                    opened => opened.map_err(|problem| problem.into_error(path))?,
                },
            };
            *slot = Some(opened);
        }
        // A process that was killed during the migration, or an earlier version, left it. It is not read again.
        if legacy::path(path).exists() {
            legacy::keep_aside(path)?;
        }
        Ok(slot.as_mut().expect("opened above"))
    }

    /// The database at `path` unchanged, for one quick look. Any other file there is a failure.
    pub(super) fn for_a_look(path: &Path) -> std::result::Result<Self, Problem> {
        let Some(file) = file_id(path)? else {
            return Err(Problem::NotOurs);
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(SHORT_BUSY_TIMEOUT)?;
        Ok(Self { connection, file })
    }

    fn open(path: &Path, file: FileId) -> std::result::Result<Self, Problem> {
        let mut connection = connect(path)?;
        if !schema::is_current(&connection)? {
            schema::update(&mut connection)?;
        }
        Ok(Self { connection, file })
    }

    /// Runs a query in one read transaction.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> std::result::Result<T, Problem>,
    ) -> std::result::Result<T, Problem> {
        let transaction = self.connection.unchecked_transaction()?;
        query(&transaction)
    }
}

/// Opens an existing file as a database.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    // Removed rows leave nothing in the file.
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Emptying the journal saves creating a file at each change. The answer is the mode, which we cannot choose in a
    // read-only folder.
    connection.pragma_update_and_check(None, "journal_mode", "TRUNCATE", |_| Ok(()))?;
    Ok(connection)
}

/// Creates the database under another name and puts it in place complete, so that a process killed meanwhile leaves
/// the old state.
fn create(path: &Path, contents: Option<&Legacy>) -> Result<Database> {
    let new = file::new_beside(path)?;
    let made = || {
        let mut connection = connect(new.path())?;
        // No other process knows the file, and an incomplete one is dropped.
        connection.pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(()))?;
        schema::create(&mut connection)?;
        if let Some(contents) = contents {
            contents.write_to(&mut connection)?;
        }
        connection
            .close()
            .map_err(|(_, error)| Problem::Sqlite(error))
    };
    made().map_err(|problem: Problem| problem.into_error(path))?;
    new.put_in_place()?;
    if contents.is_some() {
        legacy::keep_aside(path)?;
    }
    let Some(file) = file_id(path)? else {
        return Err(file::storage_failed(
            "read",
            path,
            io::ErrorKind::NotFound.into(),
        ));
    };
    Database::open(path, file).map_err(|problem| problem.into_error(path))
}

/// Creates the database from `accounts.json`, or an empty one. An invalid file is set aside.
fn create_from_legacy(path: &Path) -> Result<Database> {
    let legacy_path = legacy::path(path);
    match Legacy::read(&legacy_path) {
        Ok(legacy) => create(path, legacy.as_ref()),
        Err(error)
            if error.code() == Code::StorageUnreadable && !legacy::is_newer(&legacy_path) =>
        {
            let aside = file::set_aside(&legacy_path)?;
            tracing::warn!(aside = %aside.display(), "accounts.json could not be read and was set aside");
            create(path, None)
        }
        Err(error) => Err(error),
    }
}

/// Moves a damaged database to another name, with its journal: it may only be repairable as a pair.
fn set_aside(path: &Path) -> Result<()> {
    let aside = file::set_aside(path)?;
    tracing::warn!(aside = %aside.display(), "accounts.db could not be read and was set aside");
    match fs::rename(journal(path), journal(&aside)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(file::storage_failed("set aside", &journal(path), error))
        }
        _ => Ok(()),
    }
}

/// Where SQLite keeps what a change replaces, until the change is complete.
pub(super) fn journal(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    name.into()
}

/// The identity of a file, which distinguishes it from a replacement.
type FileId = (u64, u64);

/// Whether the open database is still the one that other processes open.
fn is_still_there(database: Option<&Database>, path: &Path) -> bool {
    database.is_some_and(|database| {
        fs::metadata(path).is_ok_and(|metadata| id_of(&metadata) == database.file)
    })
}

/// The file at `path`; none when there is none.
///
/// # Errors
/// `storage-failed` when it is not a file, or another user's, and the same for its journal, which is no link either:
/// SQLite would wait for a pipe there, and empty the file that a link leads to.
fn file_id(path: &Path) -> Result<Option<FileId>> {
    let journal = journal(path);
    if let Ok(metadata) = fs::symlink_metadata(&journal) {
        file::require_own_file(&journal, &metadata)?;
    }
    match fs::metadata(path) {
        Ok(metadata) => {
            file::require_own_file(path, &metadata)?;
            Ok(Some(id_of(&metadata)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file::storage_failed("read", path, error)),
    }
}

#[cfg(unix)]
fn id_of(metadata: &Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// Other systems keep an open database in place.
#[cfg(not(unix))]
fn id_of(_metadata: &Metadata) -> FileId {
    (0, 0)
}
