//! Why a database cannot be used, and the error that says so.
//!
//! SQLite's codes become one sentence each, with the file and what to do about it.

use std::path::Path;

use rusqlite::ErrorCode;

use super::schema;
use crate::error::{Code, Error};
use crate::file;

/// The reason why a database cannot be used.
#[derive(Debug)]
pub(super) enum Problem {
    /// It was written by a newer version of this app.
    Newer(i64),
    /// It is a database of another program.
    NotOurs,
    /// A value or the whole file is not valid.
    Damaged(String),
    /// An error of SQLite.
    Sqlite(rusqlite::Error),
    /// A finished error.
    Finished(Error),
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::FromSqlConversionFailure(_, _, what) => {
                Self::Damaged(what.to_string())
            }
            error => Self::Sqlite(error),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::Finished(error)
    }
}

impl Problem {
    /// Whether no version can use the file.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Self::NotOurs => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ),
            Self::Newer(_) | Self::Damaged(_) | Self::Finished(_) => false,
        }
    }

    /// The error for the user.
    pub(super) fn into_error(self, path: &Path) -> Error {
        let shown = path.display();
        let unreadable = |message: String| Error::new(Code::StorageUnreadable, message);
        match self {
            Self::Finished(error) => error,
            Self::Newer(version) => unreadable(format!(
                "{shown} was written by a newer version of this app (format {version}, this version reads {}). Update \
                 the app. The file was not changed.",
                schema::VERSION
            )),
            Self::NotOurs => unreadable(format!(
                "{shown} is not a database of this app. Restore it from a backup. If you connect an account instead, the \
                 file is kept under another name."
            )),
            Self::Damaged(what) => unreadable(format!(
                "{shown} contains an invalid value: {what}. Restore it from a backup. The file was not changed."
            )),
            Self::Sqlite(error) => of_sqlite(path, error),
        }
    }
}

fn of_sqlite(path: &Path, error: rusqlite::Error) -> Error {
    let code = error.sqlite_error_code();
    let shown = path.display();
    let failed = |why: &str| {
        Error::new(
            Code::StorageFailed,
            format!("{shown} cannot be used: {why}."),
        )
    };
    let made = match code {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::new(
            Code::Busy,
            format!(
                "Another program is using {shown}. Try again. If this persists, close that program."
            ),
        ),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Error::new(
            Code::StorageUnreadable,
            format!(
                "{shown} is damaged. Restore it from a backup. If you connect an account instead, a file that cannot be \
                 opened is kept under another name."
            ),
        ),
        Some(ErrorCode::DiskFull) => failed("the disk is full; free some space"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            failed("it is read-only; check its permissions and its folder's")
        }
        Some(ErrorCode::CannotOpen) => {
            failed("it cannot be opened; check its permissions and its folder's")
        }
        Some(ErrorCode::FileLockingProtocolFailed) => file::no_locks(path),
        Some(ErrorCode::SystemIoFailure) if is_about_locks(&error) => file::no_locks(path),
        Some(ErrorCode::SystemIoFailure) => failed("the disk reported an error; check the disk"),
        _ => failed("the database reported an error; try again"),
    };
    made.with_source(error)
}

/// Whether an input or output error comes from taking a lock (`SQLITE_IOERR_LOCK` and similar).
fn is_about_locks(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi;
    let extended = error.sqlite_error().map(|error| error.extended_code);
    matches!(
        extended,
        Some(
            ffi::SQLITE_IOERR_LOCK
                | ffi::SQLITE_IOERR_RDLOCK
                | ffi::SQLITE_IOERR_UNLOCK
                | ffi::SQLITE_IOERR_CHECKRESERVEDLOCK
        )
    )
}
