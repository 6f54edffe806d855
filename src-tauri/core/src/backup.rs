//! A backup: what the user chose and connected, without secrets, in a file that only a passphrase opens.
//!
//! Here are the format, its encryption and the file. The file may come from anywhere: its size and the work to open it are
//! limited. What goes into one, and what a restore changes, is `app/backup.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::account::{Account, AccountId, Cloud};
use crate::environment::NamedEnvironment;
use crate::error::{Code, Error, Result};
use crate::file;
use crate::role::PendingRole;
use crate::settings::KeptSettings;
use crate::text;

/// Marks the plain text as ours.
const FORMAT: &str = "multi-cloud-manager-backup";
/// The version of the format. A later version is refused, an earlier one is read.
const VERSION: u32 = 1;
/// The shortest passphrase that is accepted for a new backup, in characters.
pub const SHORTEST_PASSPHRASE: usize = 8;
/// The largest file, and the longest plain text. Ten thousand accounts take less.
const MOST_BYTES: u64 = 16_000_000;
/// The work of scrypt, as the logarithm of its N: 128 MiB of memory, and a good part of a second.
const WORK_FACTOR: u8 = 17;
/// The most work that a file may demand of us: twice that.
const MOST_WORK: u8 = 18;

/// What a backup holds. The forms of its parts are those of `mcm export --json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    format: String,
    version: u32,
    /// When it was made.
    pub made_at: Timestamp,
    /// The accounts, the oldest first, each with the targets that are chosen, pinned or part of an environment.
    pub accounts: Vec<Account>,
    /// The account in use in each cloud.
    pub active: BTreeMap<Cloud, AccountId>,
    /// Connections to AWS that wait for their role.
    pub pending_roles: Vec<PendingRole>,
    /// The environments, in the order of their names.
    pub environments: Vec<NamedEnvironment>,
    /// The settings that mean the same on another machine.
    pub settings: KeptSettings,
}

/// The format alone, which every version has.
#[derive(Deserialize)]
struct Mark {
    format: String,
    version: u32,
}

impl Backup {
    /// A backup of nothing.
    pub fn new(made_at: Timestamp) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            made_at,
            accounts: Vec::new(),
            active: BTreeMap::new(),
            pending_roles: Vec::new(),
            environments: Vec::new(),
            settings: KeptSettings::default(),
        }
    }

    /// Writes the backup to a file that only this user may read. `replaces` permits to replace a file.
    ///
    /// # Errors
    /// `invalid-input` for a passphrase that is too short and for a file that is there already, `storage-failed`.
    pub fn write(&self, path: &Path, passphrase: &SecretString, replaces: bool) -> Result<()> {
        require_strong(passphrase)?;
        let plain = serde_json::to_vec(self).expect("the parts have string keys");
        let mut recipient = age::scrypt::Recipient::new(passphrase.clone());
        recipient.set_work_factor(WORK_FACTOR);
        let sealed = age::encrypt(&recipient, &plain).map_err(|error| {
            Error::new(
                Code::Internal,
                "The backup could not be encrypted. Try again.",
            )
            .with_source(error)
        })?;
        if sealed.len() as u64 > MOST_BYTES {
            let message = "There is more to back up than a backup can hold (16 MB). Use \"mcm export --json\".";
            return Err(Error::new(Code::Unsupported, message));
        }
        if replaces {
            file::replace_in_folder(path, &sealed)
        } else {
            file::create(path, &sealed)
        }
    }

    /// Reads a file and opens it.
    ///
    /// # Errors
    /// `not-found`; `invalid-input` for another kind of file, a damaged one, a newer version, one that demands too much
    /// work, and another passphrase; `storage-failed`.
    pub fn read(path: &Path, passphrase: &SecretString) -> Result<Self> {
        let shown = text::shown(&path.display().to_string());
        let Some(sealed) = file::read_at_most(path, MOST_BYTES)? else {
            let message = format!("There is no file {shown}. Check the name.");
            return Err(Error::new(Code::NotFound, message));
        };
        let mut identity = age::scrypt::Identity::new(passphrase.clone());
        identity.set_max_work_factor(MOST_WORK);
        let plain = age::decrypt(&identity, &sealed).map_err(|error| refusal(&shown, error))?;
        let other = || another_file(format!("{shown} holds no backup of this app."));
        let damaged = |error: serde_json::Error| {
            // The text of the error quotes the plain text.
            other().with_source(std::io::Error::other(format!("line {}", error.line())))
        };
        let mark: Mark = serde_json::from_slice(&plain).map_err(damaged)?;
        if mark.format != FORMAT {
            return Err(other());
        }
        if mark.version > VERSION {
            let message = format!(
                "{shown} was made by a newer version of this app. Update this one, then restore."
            );
            return Err(Error::new(Code::InvalidInput, message));
        }
        serde_json::from_slice(&plain).map_err(damaged)
    }
}

/// Refuses a passphrase that is too short for a file that others may get.
///
/// # Errors
/// `invalid-input`.
pub fn require_strong(passphrase: &SecretString) -> Result<()> {
    if passphrase.expose_secret().chars().count() >= SHORTEST_PASSPHRASE {
        return Ok(());
    }
    let message = format!(
        "The passphrase is too short. Use at least {SHORTEST_PASSPHRASE} characters; several words are best."
    );
    Err(Error::new(Code::InvalidInput, message))
}

fn refusal(shown: &str, error: age::DecryptError) -> Error {
    use age::DecryptError::{
        DecryptionFailed, ExcessiveWork, InvalidHeader, InvalidMac, Io, KeyDecryptionFailed,
        NoMatchingKeys, UnknownFormat,
    };
    let message = match &error {
        KeyDecryptionFailed | DecryptionFailed => {
            format!("The passphrase does not open {shown}. Enter the one it was made with.")
        }
        ExcessiveWork { .. } => format!(
            "{shown} demands more work to open than any backup of this app, so it was not opened."
        ),
        NoMatchingKeys => {
            format!("{shown} is not encrypted under a passphrase, so it is no backup of this app.")
        }
        InvalidHeader | UnknownFormat => {
            return another_file(format!("{shown} is no backup of this app.")).with_source(error);
        }
        InvalidMac | Io(_) => format!("{shown} is damaged or incomplete. Use another copy."),
    };
    Error::new(Code::InvalidInput, message).with_source(error)
}

fn another_file(message: String) -> Error {
    Error::new(Code::InvalidInput, message).with_remedies(
        "Choose a file that \"mcm backup\" wrote.",
        "Choose a file that Back up… wrote.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> SecretString {
        SecretString::from(text)
    }

    fn refused(path: &Path, secret: &str) -> String {
        let error = Backup::read(path, &passphrase(secret)).expect_err("refused");
        assert_eq!(error.code(), Code::InvalidInput, "{error}");
        error.message().to_owned()
    }

    #[test]
    fn a_file_that_is_no_backup_is_named_and_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("backup.age");
        let write = |bytes: &[u8]| file::replace(&path, bytes).expect("ours");
        assert!(Backup::read(&path, &passphrase("x")).is_err_and(|e| e.code() == Code::NotFound));
        for bytes in [&b""[..], b"{}", b"age-encryption.org/v1\n", &[0xff; 4096]] {
            write(bytes);
            let message = refused(&path, "correct horse");
            assert!(message.contains("backup.age"), "{message}");
        }
        let sealed = |plain: &[u8], factor: u8| {
            let mut recipient = age::scrypt::Recipient::new(passphrase("correct horse"));
            recipient.set_work_factor(factor);
            age::encrypt(&recipient, plain).expect("sealed")
        };
        for (plain, why) in [
            (
                &b"{\"format\":\"other\",\"version\":1}"[..],
                "holds no backup",
            ),
            (b"{\"secret\": \"nope\"", "holds no backup"),
            (
                b"{\"format\":\"multi-cloud-manager-backup\",\"version\":2}",
                "newer version",
            ),
        ] {
            write(&sealed(plain, 4));
            let message = refused(&path, "correct horse");
            assert!(message.contains(why), "{message}");
        }
        let good = sealed(b"{}", 4);
        write(&good);
        assert!(refused(&path, "another").contains("does not open"));
        write(&good[..good.len() - 1]);
        assert!(refused(&path, "correct horse").contains("damaged"));
        // The work is written in the header: the file is refused before any is done.
        let text = String::from_utf8_lossy(&good);
        let line = text.lines().nth(1).expect("a recipient");
        let harder = good
            .windows(line.len())
            .position(|window| window == line.as_bytes())
            .expect("there");
        let end = harder + line.len();
        for work in [*b"19", *b"40"] {
            let mut bytes = good.clone();
            bytes.splice(end - 1..end, work);
            write(&bytes);
            assert!(refused(&path, "correct horse").contains("more work"));
        }
    }

    #[test]
    fn a_short_passphrase_makes_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("backup.age");
        let backup = Backup::new(Timestamp::UNIX_EPOCH);
        let error = backup
            .write(&path, &passphrase("1234567"), false)
            .expect_err("too short");
        assert!(error.message().contains("8 characters"), "{error}");
        assert!(!path.exists());
    }
}
