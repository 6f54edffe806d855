//! Secrets that the user types: from a terminal without echo, never from an argument.

use std::io;

use mcm_core::error::{Code, Error};
use secrecy::{ExposeSecret as _, SecretString};

/// A line of what the user types.
///
/// # Errors
/// `invalid-input` for what is no text.
pub(crate) async fn line() -> Result<SecretString, Error> {
    let line = read(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    Ok(line.await?.expose_secret().trim().into())
}

/// Reads on a thread of its own, so that Ctrl-C works meanwhile.
///
/// # Errors
/// `invalid-input` for what is no text.
pub(crate) async fn read(
    how: impl FnOnce() -> io::Result<String> + Send + 'static,
) -> Result<SecretString, Error> {
    let text = tokio::task::spawn_blocking(how)
        .await
        .map_err(io::Error::other)
        .and_then(|read| read);
    text.map(SecretString::from).map_err(|error| {
        // The input is not quoted: it may be half of a secret.
        Error::new(
            Code::InvalidInput,
            "The input could not be read as text. Enter it again.",
        )
        .with_source(io::Error::from(error.kind()))
    })
}

/// A terminal without echo. The echo returns when this is dropped, also after Ctrl-C.
#[cfg(unix)]
pub(crate) struct Hidden(rustix::termios::Termios);

#[cfg(unix)]
impl Hidden {
    /// Hides what is typed from here on; `instead` says what to do where that is not possible.
    ///
    /// # Errors
    /// `unsupported`.
    pub(crate) fn start(instead: &str) -> Result<Self, Error> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let failed = |error: rustix::io::Errno| {
            let message = format!("This terminal cannot hide what you type. {instead}");
            Error::new(Code::Unsupported, message).with_source(io::Error::from(error))
        };
        let before = tcgetattr(io::stdin()).map_err(failed)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        // The newline is shown, so that the next question starts on a new line.
        hidden.local_modes.insert(LocalModes::ECHONL);
        tcsetattr(io::stdin(), OptionalActions::Flush, &hidden).map_err(failed)?;
        Ok(Self(before))
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        let _ =
            rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &self.0);
    }
}

/// As on Unix.
#[cfg(not(unix))]
pub(crate) struct Hidden;

#[cfg(not(unix))]
impl Hidden {
    /// As on Unix, where a terminal can hide what is typed.
    ///
    /// # Errors
    /// `unsupported`.
    pub(crate) fn start(instead: &str) -> Result<Self, Error> {
        let message = format!("mcm cannot hide what you type on this system. {instead}");
        Err(Error::new(Code::Unsupported, message))
    }
}
