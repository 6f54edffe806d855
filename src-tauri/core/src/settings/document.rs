//! `settings.toml` as a file: read whole, and written one key at a time, with its comments and its order kept.
//!
//! A file that is not valid is named with its line and never written.

use std::path::Path;

use toml_edit::DocumentMut;

use super::Settings;
use crate::error::{Code, Error, Result};
use crate::file;

/// Writes one key of `settings.toml`, keeping its comments and order; none removes the key.
///
/// # Errors
/// `storage-unreadable` when the file is not valid (it is then not changed), `storage-failed`.
pub fn save(config: &Path, section: &str, key: &str, value: Option<&str>) -> Result<()> {
    save_item(config, section, key, value.map(toml_edit::value))
}

/// As `save`, for a key that is true or false.
///
/// # Errors
/// As `save`.
pub fn save_flag(config: &Path, section: &str, key: &str, value: bool) -> Result<()> {
    save_item(config, section, key, Some(toml_edit::value(value)))
}

fn save_item(
    config: &Path,
    section: &str,
    key: &str,
    value: Option<toml_edit::Item>,
) -> Result<()> {
    let path = Settings::path(config);
    let mut document = read_document(&path)?;
    let table = document
        .entry(section)
        .or_insert(toml_edit::Item::Table(toml_edit::Table::new()));
    let table = table
        .as_table_like_mut()
        .ok_or_else(|| unreadable(&path, &format!("\"{section}\" is not a table")))?;
    match value {
        Some(value) => {
            table.insert(key, value);
        }
        None => {
            table.remove(key);
        }
    }
    file::replace(&path, document.to_string().as_bytes())
}

pub(super) fn read_document(path: &Path) -> Result<DocumentMut> {
    let Some(bytes) = file::read(path)? else {
        return Ok(DocumentMut::new());
    };
    let text = String::from_utf8(bytes).map_err(|_| unreadable(path, "it is not UTF-8 text"))?;
    text.parse::<DocumentMut>().map_err(|error| {
        let line = error.span().map_or(1, |span| {
            text[..span.start.min(text.len())].lines().count().max(1)
        });
        unreadable(
            path,
            &format!(
                "line {line}: {}",
                error.message().lines().next().unwrap_or_default()
            ),
        )
    })
}

pub(super) fn unreadable(path: &Path, why: &str) -> Error {
    let message = format!(
        "{} is not valid: {why}. Fix it; the file was not changed.",
        path.display()
    );
    Error::new(Code::StorageUnreadable, message)
}
