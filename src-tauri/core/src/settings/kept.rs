//! The settings that a backup keeps, and merging them into `settings.toml`.
//!
//! What names a secret, a program or a file of this machine stays here: `gcp.client_secret`, `gcp.client_secret_file`,
//! `network.ca_file` and `app.browser`. A setting that is set already is never replaced.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use super::document::read_document;
use super::{Settings, gcp};
use crate::error::Result;
use crate::file;
use crate::guid::is_guid;

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum KeptValue {
    /// True or false.
    Flag(bool),
    /// Text.
    Text(String),
}

/// Settings by section and key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeptSettings(BTreeMap<String, BTreeMap<String, KeptValue>>);

/// Whether a value may be kept: it has the form of its kind.
type Fits = fn(&KeptValue) -> bool;

const KEPT: [(&str, &str, Fits); 20] = [
    ("azure", "client_id", is_azure_client),
    ("azure", "tenant", is_word),
    ("azure", "cloud", is_word),
    ("azure", "redirect", is_word),
    ("azure", "authority_host", is_server),
    ("azure", "resource_manager", is_server),
    ("azure", "audience", is_server),
    ("gcp", "client_id", is_google_client),
    ("gcp", "access", is_word),
    ("gcp", "redirect", is_word),
    ("gcp", "issuer", is_server),
    ("gcp", "resource_manager", is_server),
    ("aws", "source_timeout", is_word),
    ("app", "theme", is_word),
    ("app", "sort", is_word),
    ("app", "group", is_word),
    ("app", "notify", is_flag),
    ("app", "welcomed", is_flag),
    ("app", "shortcut", is_word),
    ("app", "releases", is_server),
];

impl KeptSettings {
    /// The settings of `settings.toml` that a backup keeps.
    ///
    /// # Errors
    /// `storage-*` when the file cannot be read or is not valid.
    pub fn read(config: &Path) -> Result<Self> {
        let document = read_document(&Settings::path(config))?;
        let mut kept = Self::default();
        for (section, key, fits) in KEPT {
            let Some(item) = document.get(section).and_then(|table| table.get(key)) else {
                continue;
            };
            let value = match (item.as_bool(), item.as_str()) {
                (Some(flag), _) => KeptValue::Flag(flag),
                (None, Some(text)) => KeptValue::Text(text.trim().to_owned()),
                (None, None) => continue,
            };
            if fits(&value) {
                let section = kept.0.entry(section.to_owned()).or_default();
                section.insert(key.to_owned(), value);
            }
        }
        Ok(kept)
    }

    /// The text of `settings.toml` with the settings that it lacks, and the names of those; none when it lacks none. Unknown
    /// settings, and values of another form, are left out.
    ///
    /// # Errors
    /// `storage-*` when the file cannot be read or is not valid.
    pub fn merged(&self, config: &Path) -> Result<Option<(String, Vec<String>)>> {
        let mut document = read_document(&Settings::path(config))?;
        let mut added = Vec::new();
        for (section, key, fits) in KEPT {
            let value = self.0.get(section).and_then(|keys| keys.get(key));
            let Some(value) = value.filter(|value| fits(value)) else {
                continue;
            };
            let table = document
                .entry(section)
                .or_insert(toml_edit::Item::Table(toml_edit::Table::new()));
            let Some(table) = table
                .as_table_like_mut()
                .filter(|table| !table.contains_key(key))
            else {
                continue;
            };
            let item = match value {
                KeptValue::Flag(flag) => toml_edit::value(*flag),
                KeptValue::Text(text) => toml_edit::value(text.as_str()),
            };
            table.insert(key, item);
            added.push(format!("{section}.{key}"));
        }
        Ok((!added.is_empty()).then(|| (document.to_string(), added)))
    }
}

/// Replaces the text of `settings.toml`, and returns the one before; none when there was no file.
///
/// # Errors
/// `storage-failed`.
pub(crate) fn replace_text(config: &Path, text: Option<&[u8]>) -> Result<Option<Vec<u8>>> {
    let path = Settings::path(config);
    let before = file::read(&path)?;
    match text {
        Some(text) => file::replace(&path, text)?,
        None => file::remove(&path)?,
    }
    Ok(before)
}

fn text(value: &KeptValue) -> Option<&str> {
    match value {
        KeptValue::Text(text) => Some(text),
        KeptValue::Flag(_) => None,
    }
}

fn is_flag(value: &KeptValue) -> bool {
    matches!(value, KeptValue::Flag(_))
}

/// A short text on one line. None of these keys holds a secret.
fn is_word(value: &KeptValue) -> bool {
    text(value).is_some_and(|text| {
        text.len() <= 256 && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    })
}

fn is_azure_client(value: &KeptValue) -> bool {
    text(value).is_some_and(is_guid)
}

fn is_google_client(value: &KeptValue) -> bool {
    is_word(value) && text(value).is_some_and(|id| !gcp::is_secret(id))
}

/// An address without a user or a password in it, or a word in its place.
fn is_server(value: &KeptValue) -> bool {
    is_word(value)
        && text(value).is_some_and(|text| match Url::parse(text) {
            Ok(url) => {
                url.username().is_empty() && url.password().is_none() && url.query().is_none()
            }
            Err(_) => !text.contains(['@', '?']),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"# ours
[azure]
client_id = "11111111-1111-1111-1111-111111111111"
authority_host = "https://ada:hunter2-canary@login.example"

[gcp]
client_id = "GOCSPX-canary"
client_secret = "GOCSPX-canary"
client_secret_file = "/home/ada/canary.json"

[network]
ca_file = "/home/ada/canary.pem"

[app]
theme = "dark"
notify = false
browser = "sh -c canary"
"#;

    fn folder(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        file::replace(&Settings::path(folder.path()), text.as_bytes()).expect("ours");
        folder
    }

    #[test]
    fn what_names_a_secret_a_program_or_a_file_is_not_kept() {
        let folder = folder(FILE);
        let kept = KeptSettings::read(folder.path()).expect("valid");
        let text = serde_json::to_string(&kept).expect("string keys");
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("11111111") && text.contains("dark"), "{text}");
    }

    #[test]
    fn what_is_set_stays_and_an_unknown_setting_is_not_taken() {
        let theirs = folder(FILE);
        let mut kept = KeptSettings::read(theirs.path()).expect("valid");
        let app = kept.0.get_mut("app").expect("kept");
        app.insert("browser".into(), KeptValue::Text("sh -c evil".into()));
        app.insert("sort".into(), KeptValue::Text("na\nme".into()));
        let ours = folder("# mine\n[app]\ntheme = \"light\"\n");
        let (text, added) = kept.merged(ours.path()).expect("valid").expect("new ones");
        assert_eq!(added, ["azure.client_id", "app.notify"]);
        assert!(text.contains("# mine") && text.contains("light"), "{text}");
        assert!(!text.contains("evil") && !text.contains("dark"), "{text}");
    }

    /// Settings that name a secret, a program or a file of this machine.
    const NOT_KEPT: [(&str, &str); 3] = [
        ("gcp", "client_secret_file"),
        ("network", "ca_file"),
        ("app", "browser"),
    ];

    #[test]
    fn every_documented_setting_is_kept_in_a_backup_or_named_as_one_that_is_not() {
        let page = include_str!("../../../../docs/settings.md");
        let example = page.split("```").nth(1).expect("an example of the file");
        let (mut section, mut documented) = ("", Vec::new());
        for line in example.lines() {
            let line = line.trim_start_matches("# ");
            if let Some(title) = line
                .strip_prefix('[')
                .and_then(|rest| rest.split(']').next())
            {
                section = title;
            } else if let Some((key, _)) = line.split_once(" = ") {
                documented.push((section, key));
            }
        }
        assert!(documented.len() > 15, "{documented:?}");
        for setting in documented {
            let is_kept = KEPT
                .iter()
                .any(|(section, key, _)| (*section, *key) == setting);
            assert!(is_kept != NOT_KEPT.contains(&setting), "{setting:?}");
        }
    }
}
