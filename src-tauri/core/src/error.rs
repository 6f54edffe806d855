//! The one error that leaves core: a closed code, a sentence for the user, and a reference to the log.
//!
//! This file holds `Error` and `Code`. The mapping of a provider's answers to codes is beside each provider. Any
//! module may construct an `Error`; its message must be safe to show.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use ts_rs::TS;

use crate::text;

/// The longest claims challenge that is kept or sent, in bytes: it becomes part of an address.
pub const MAX_CHALLENGE_BYTES: usize = 8 * 1024;

/// The kind of failure, for a program that acts on it. A code exists only when something acts on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Code {
    /// A setting that the operation needs is missing.
    SettingMissing,
    /// A setting has a value that cannot be used.
    SettingInvalid,
    /// The provider cannot be reached.
    Offline,
    /// The provider returned an error of its own, or an answer that makes no sense.
    ServerFailed,
    /// The provider asked to wait.
    Throttled,
    /// The user cancelled the sign-in in this app.
    SignInCancelled,
    /// The user, or the organisation, refused at the provider.
    SignInRefused,
    /// The sign-in was not finished within ten minutes.
    SignInExpired,
    /// No browser could be started.
    BrowserFailed,
    /// The provider's answer failed a check, so none of it was used.
    SignInRejected,
    /// Only a new interactive sign-in helps.
    SignInAgain,
    /// The session of a role's source has expired; the user renews it outside this app.
    SourceExpired,
    /// AWS refuses to let the caller assume the role.
    RoleRefused,
    /// The role can be assumed without the right External ID, and the user did not accept that.
    NotEnforced,
    /// This machine's clock is too far off for the provider.
    ClockOff,
    /// An administrator of the user's organisation has to act first.
    AdminNeeded,
    /// The organisation refuses it here or now, and may allow it later. A sign-in would not help.
    PolicyBlocked,
    /// Another user signed in than the one who was asked to.
    WrongUser,
    /// Another user's account with the same tenant or address is connected already.
    AlreadyConnected,
    /// The keychain is locked.
    KeychainLocked,
    /// There is no keychain on this machine.
    KeychainAbsent,
    /// The keychain failed or refused.
    KeychainFailed,
    /// A file of ours could not be written or read.
    StorageFailed,
    /// `accounts.db` or `settings.toml` is not valid, and was not changed.
    StorageUnreadable,
    /// No such account, target or flow.
    NotFound,
    /// A name matches more than one account.
    Ambiguous,
    /// Input that cannot be used.
    InvalidInput,
    /// Another process is using the account and did not finish in time.
    Busy,
    /// The cloud does not offer the operation.
    Unsupported,
    /// A defect of this program.
    Internal,
}

impl Code {
    /// The code as in JSON and in the log, for example `sign-in-again`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SettingMissing => "setting-missing",
            Self::SettingInvalid => "setting-invalid",
            Self::Offline => "offline",
            Self::ServerFailed => "server-failed",
            Self::Throttled => "throttled",
            Self::SignInCancelled => "sign-in-cancelled",
            Self::SignInRefused => "sign-in-refused",
            Self::SignInExpired => "sign-in-expired",
            Self::BrowserFailed => "browser-failed",
            Self::SignInRejected => "sign-in-rejected",
            Self::SignInAgain => "sign-in-again",
            Self::SourceExpired => "source-expired",
            Self::RoleRefused => "role-refused",
            Self::NotEnforced => "not-enforced",
            Self::ClockOff => "clock-off",
            Self::AdminNeeded => "admin-needed",
            Self::PolicyBlocked => "policy-blocked",
            Self::WrongUser => "wrong-user",
            Self::AlreadyConnected => "already-connected",
            Self::KeychainLocked => "keychain-locked",
            Self::KeychainAbsent => "keychain-absent",
            Self::KeychainFailed => "keychain-failed",
            Self::StorageFailed => "storage-failed",
            Self::StorageUnreadable => "storage-unreadable",
            Self::NotFound => "not-found",
            Self::Ambiguous => "ambiguous",
            Self::InvalidInput => "invalid-input",
            Self::Busy => "busy",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}

/// A failure that can be shown to the user. Cheap to clone, so that every waiting caller gets the same one.
#[derive(Clone)]
pub struct Error(Arc<ErrorParts>);

#[derive(Clone)]
struct ErrorParts {
    code: Code,
    message: String,
    /// The sentences for the window, where they differ.
    in_window: Option<String>,
    detail: Option<String>,
    reference: String,
    retry_after: Option<Duration>,
    challenge: Option<String>,
    is_local: bool,
    needs_sign_in: bool,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// The result of everything in core.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// Creates an error from a sentence that says what happened and what to do. The sentence must hold no secret; what it
    /// quotes is made safe to show here.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Arc::new(ErrorParts {
            code,
            message: harmless(message.into()),
            in_window: None,
            detail: None,
            reference: crate::random::reference(),
            retry_after: None,
            challenge: None,
            is_local: false,
            needs_sign_in: false,
            source: None,
        }))
    }

    /// Recreates an error that a screen showed before, with the same reference.
    pub fn seen(view: &ErrorView) -> Self {
        Self::new(view.code, view.message.clone())
            .change(|inner| inner.reference.clone_from(&view.reference))
    }

    /// Adds what to do where a command or an option of the terminal is a control in the window. `message` has the
    /// terminal's, `ErrorView::in_window` the window's.
    #[must_use]
    pub fn with_remedies(self, terminal: &str, window: &str) -> Self {
        let and = |remedy: &str| harmless(format!("{} {remedy}", self.message()));
        let (message, in_window) = (and(terminal), and(window));
        self.change(|inner| {
            inner.message = message;
            inner.in_window = Some(in_window);
        })
    }

    /// Adds the provider's own short code, reduced to `[A-Za-z0-9_.:-]` and 64 characters.
    #[must_use]
    pub fn with_detail(self, detail: &str) -> Self {
        let kept = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
        let detail: String = detail.chars().filter(kept).take(64).collect();
        self.change(|inner| inner.detail = Some(detail).filter(|text| !text.is_empty()))
    }

    /// Adds how long the provider asked to wait.
    #[must_use]
    pub fn with_retry_after(self, wait: Option<Duration>) -> Self {
        self.change(|inner| inner.retry_after = wait)
    }

    /// Adds the claims challenge that the next interactive sign-in has to answer (Entra's `claims`). One of more than
    /// 8 KiB is dropped: it would be stored, and sent in an address.
    #[must_use]
    pub fn with_challenge(self, claims: Option<String>) -> Self {
        let claims = claims.filter(|claims| claims.len() <= MAX_CHALLENGE_BYTES);
        self.change(|inner| inner.challenge = claims)
    }

    /// Marks an error as caused by this process's surroundings, whatever its code: another caller, for example.
    #[must_use]
    pub fn with_local_cause(self) -> Self {
        self.change(|inner| inner.is_local = true)
    }

    /// Marks whether a retry must wait until the user has signed in, whatever the code.
    #[must_use]
    pub fn with_sign_in_needed(self, needs_sign_in: bool) -> Self {
        self.change(|inner| inner.needs_sign_in = needs_sign_in)
    }

    /// Adds the cause. Its text goes only to the log, and it too must hold no secret.
    #[must_use]
    pub fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.change(|inner| inner.source = Some(Arc::new(source)))
    }

    /// What caused it, and what caused that, as one line for the log.
    pub fn causes(&self) -> Option<String> {
        let first = std::error::Error::source(self)?;
        let chain = std::iter::successors(Some(first), |cause| cause.source());
        let mut texts: Vec<String> = chain.take(16).map(ToString::to_string).collect();
        texts.dedup();
        Some(texts.join(": "))
    }

    fn change(mut self, edit: impl FnOnce(&mut ErrorParts)) -> Self {
        edit(Arc::make_mut(&mut self.0));
        self
    }

    /// The kind of failure, for a program.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence for the user: what happened, and what to do in a terminal.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The provider's short code, if there is one, and a random tag that finds the error in the log.
    pub fn reference(&self) -> String {
        match &self.0.detail {
            Some(detail) => format!("{detail} · {}", self.0.reference),
            None => self.0.reference.clone(),
        }
    }

    /// The time that the provider asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The claims challenge for the next interactive sign-in.
    pub fn challenge(&self) -> Option<&str> {
        self.0.challenge.as_deref()
    }

    /// Whether a retry must wait until the user has signed in.
    pub fn needs_sign_in(&self) -> bool {
        self.0.needs_sign_in || self.0.code == Code::SignInAgain
    }

    /// Whether the error concerns the account itself. Otherwise it comes from variables, files, a network or a clock
    /// that another process may not have.
    pub fn is_of_account(&self) -> bool {
        !self.0.is_local
            && matches!(
                self.0.code,
                Code::SignInAgain
                    | Code::SignInRefused
                    | Code::AdminNeeded
                    | Code::PolicyBlocked
                    | Code::RoleRefused
                    | Code::NotEnforced
                    | Code::WrongUser
                    | Code::Throttled
            )
    }

    /// Whether waiting may help: callers ask only this before they keep a session and back off.
    pub fn is_transient(&self) -> bool {
        matches!(
            self.0.code,
            Code::Offline
                | Code::ServerFailed
                | Code::Throttled
                | Code::PolicyBlocked
                | Code::SourceExpired
                | Code::ClockOff
                | Code::KeychainLocked
                | Code::KeychainFailed
                | Code::Busy
                | Code::StorageFailed
        )
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} [{}] ({})",
            self.0.message,
            self.0.code.as_str(),
            self.reference()
        )
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// An error in the form for screens and JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct ErrorView {
    /// The kind of failure, for a program.
    pub code: Code,
    /// The sentence for the user.
    pub message: String,
    /// A reference to search for in the log.
    pub reference: String,
}

impl From<&Error> for ErrorView {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code(),
            message: error.message().to_owned(),
            reference: error.reference(),
        }
    }
}

impl ErrorView {
    /// The error for the window, whose remedy is a control there.
    pub fn in_window(error: &Error) -> Self {
        let message = error.0.in_window.as_deref();
        Self {
            message: message.unwrap_or(error.message()).to_owned(),
            ..Self::from(error)
        }
    }
}

fn harmless(message: String) -> String {
    match text::harmless(&message) {
        Cow::Borrowed(_) => message,
        Cow::Owned(harmless) => harmless,
    }
}

/// More causes than this are a chain that leads in a circle.
const MOST_CAUSES: usize = 16;

/// An error and what caused it. What an I/O error wraps is a cause too, which `source` passes over.
pub(crate) fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    let cause_of = |cause: &&'e (dyn std::error::Error + 'static)| {
        let wrapped = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref);
        match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn std::error::Error + 'static)),
            None => cause.source(),
        }
    };
    std::iter::successors(Some(error), cause_of).take(MOST_CAUSES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detail_from_a_server_keeps_no_markup_or_control_characters() {
        let error = Error::new(Code::SignInRefused, "Refused.")
            .with_detail("<b>\u{202e}AADSTS50076\r\n</b>");
        assert!(
            error.reference().starts_with("bAADSTS50076b · "),
            "{}",
            error.reference()
        );
    }

    #[test]
    fn code_text_is_the_json_text() {
        for code in [
            Code::SettingMissing,
            Code::SignInAgain,
            Code::KeychainLocked,
            Code::Internal,
        ] {
            assert_eq!(
                serde_json::to_value(code).expect("plain enum"),
                code.as_str()
            );
        }
    }
}
