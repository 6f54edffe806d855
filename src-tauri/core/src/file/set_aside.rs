//! Damaged or replaced files: set aside beside the original, never over what was set aside before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{beside, remove, storage_failed};
use crate::error::Result;

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
