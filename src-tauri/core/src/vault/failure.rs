//! The failures of the keychain, and their sentences for the user.
//!
//! The keychain crates' error is converted only here, at the boundary: its `Debug` prints the secret that could not
//! be decoded, so neither that nor the error itself leaves this file.

use std::fmt;
use std::time::Duration;

use crate::error::{Code, Error};

use super::RecordKind;

/// A failed step of the work with a keychain.
pub(super) enum KeychainFailure {
    /// The keychain is locked, or the user denied access.
    Locked(Option<Cause>),
    /// The keychain is open, and its program keeps our entries from this process until the user allows it.
    NotAllowed(Option<String>, Cause),
    /// There is no keychain.
    Absent(Option<Cause>),
    /// The keychain failed; a new connection to it may help.
    Broken(Cause),
    /// The keychain refused; a retry is useless.
    Refused(&'static str, Option<Cause>),
    /// The stored data cannot be used.
    Damaged(RecordKind, String),
    /// The stored data has a later format.
    Newer(RecordKind),
}

/// The keychain's own text about a failure, for the log.
#[derive(Debug)]
pub(super) struct Cause(String);

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

impl From<keyring_core::Error> for KeychainFailure {
    fn from(error: keyring_core::Error) -> Self {
        use keyring_core::Error as Keyring;
        match error {
            Keyring::NoStorageAccess(cause) => match super::platform::locked_by(&*cause) {
                Some(program) => Self::NotAllowed(program, Cause(cause.to_string())),
                None => Self::Locked(Some(Cause(cause.to_string()))),
            },
            Keyring::NoDefaultStore => Self::Absent(None),
            Keyring::PlatformFailure(cause) if super::platform::is_refusal(&*cause) => {
                Self::Locked(Some(Cause(cause.to_string())))
            }
            Keyring::PlatformFailure(cause) => Self::Broken(Cause(cause.to_string())),
            Keyring::NoEntry => Self::Refused("an entry disappeared while it was used", None),
            // These two carry the bytes that could not be decoded.
            Keyring::BadEncoding(_) | Keyring::BadDataFormat(..) => {
                Self::Refused("an entry cannot be decoded", None)
            }
            Keyring::BadStoreFormat(reason) => {
                Self::Refused("its store is damaged", Some(Cause(reason)))
            }
            Keyring::TooLong(name, limit) => Self::Refused(
                "an entry is too long",
                Some(Cause(format!("{name}: {limit}"))),
            ),
            Keyring::Invalid(name, reason) => Self::Refused(
                "a name is not accepted",
                Some(Cause(format!("{name}: {reason}"))),
            ),
            Keyring::Ambiguous(entries) => Self::Refused(
                "one entry exists more than once",
                Some(Cause(entries.len().to_string())),
            ),
            Keyring::NotSupportedByStore(reason) => {
                Self::Refused("it does not support the operation", Some(Cause(reason)))
            }
            _ => Self::Refused("it failed in an unknown way", None),
        }
    }
}

impl KeychainFailure {
    /// The error that leaves the vault.
    pub(super) fn into_error(self) -> Error {
        let (error, cause) = match self {
            Self::Locked(cause) => (
                Error::new(
                    Code::KeychainLocked,
                    "Your keychain is locked. Unlock it, then try again.",
                ),
                cause,
            ),
            Self::NotAllowed(program, cause) => {
                let program = program.as_deref().map_or("Your keychain", keychain_name);
                let message = format!(
                    "{program} has not allowed this program to read its entries. Choose Unlock… in the app, or add --interactive, \
                     and allow it in the dialog."
                );
                let error = Error::new(Code::KeychainLocked, message).with_detail("not-allowed");
                (error, Some(cause))
            }
            Self::Absent(cause) => (absent(), cause),
            Self::Broken(cause) => {
                let message = "Your keychain failed. Try again. If it fails again, log out of your desktop session and log in again.";
                (Error::new(Code::KeychainFailed, message), Some(cause))
            }
            Self::Refused(what, cause) => {
                let message = format!(
                    "Your keychain refused the request: {what}. Try again, or sign in again."
                );
                (Error::new(Code::KeychainFailed, message), cause)
            }
            Self::Damaged(kind, what) => {
                let noun = kind.noun();
                let message = format!(
                    "The keychain entry of this {noun} is damaged: {what}. Sign in again to replace it."
                );
                (
                    Error::new(Code::KeychainFailed, message).with_detail("damaged"),
                    None,
                )
            }
            Self::Newer(kind) => {
                let noun = kind.noun();
                let message = format!(
                    "The keychain entry of this {noun} was written by a newer version of this app. \
                     Update this app, or sign in again to replace the entry."
                );
                (
                    Error::new(Code::KeychainFailed, message).with_detail("newer-format"),
                    None,
                )
            }
        };
        match cause {
            Some(cause) => error.with_source(cause),
            None => error,
        }
    }
}

/// What users call the keychain that a program's name on the system stands for.
fn keychain_name(program: &str) -> &str {
    match program {
        "keepassxc" => "KeePassXC",
        "kwalletd5" | "kwalletd6" | "ksecretd" => "KWallet",
        "gnome-keyring-d" => "GNOME Keyring",
        other => other,
    }
}

/// There is no keychain.
pub(super) fn absent() -> Error {
    let hint = if cfg!(target_os = "linux") {
        " Without a session bus, as in cron or over SSH, set DBUS_SESSION_BUS_ADDRESS to that of your desktop."
    } else {
        ""
    };
    let message = format!(
        "There is no keychain in this session, so sign-ins are only in memory and end with this app. \
         Start or set up a keychain, then try again.{hint}"
    );
    Error::new(Code::KeychainAbsent, message)
}

/// The error for a keychain that did not answer in time.
pub(super) fn silent(limit: Duration) -> Error {
    let message = format!(
        "Your keychain did not answer within {} seconds. If it shows a dialog, answer it, then try again.",
        limit.as_secs_f32()
    );
    Error::new(Code::KeychainFailed, message)
}

/// The error for a keychain dialog that the user did not answer in time.
pub(super) fn unanswered() -> Error {
    Error::new(
        Code::KeychainLocked,
        "Your keychain is still locked, because its dialog was not answered in time. Answer it, then try again.",
    )
}

/// The error for an earlier call of this process that has not returned.
pub(super) fn busy_here() -> Error {
    Error::new(
        Code::Busy,
        "Your keychain has not answered an earlier request yet. If it shows a dialog, answer it, then try again.",
    )
}

/// The error for another process of ours that holds the lock file.
pub(super) fn busy_elsewhere() -> Error {
    Error::new(
        Code::Busy,
        "Another window or command of this app is using the keychain and did not finish in time. Try again.",
    )
}
