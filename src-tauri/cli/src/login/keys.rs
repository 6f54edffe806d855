//! `mcm login aws --add-keys`, `--keys` and `--remove-keys`: access keys that the user types, for the keychain.
//!
//! They come from a terminal without echo, or from standard input; never from an argument, which every program of the
//! machine could read. AWS confirms their owner before they are stored.

use std::io::{self, IsTerminal as _, Read as _};

use jiff::tz::TimeZone;
use mcm_core::app::{App, EnteredKeys};
use mcm_core::error::{Code, Error};
use mcm_core::role::TypedKeys;
use mcm_core::vault::Vault;
use secrecy::{ExposeSecret as _, SecretString};

use super::open_keychain;
use crate::failure::Failure;
use crate::output::{ask, note, print, table};

/// The most that is read of standard input: keys with a session token are a few kilobytes.
const MOST_BYTES: u64 = 64 * 1024;

pub(crate) async fn add(
    app: &App,
    vault: &Vault,
    mfa_device: Option<String>,
) -> Result<(), Failure> {
    open_keychain(vault).await?;
    let mut keys = if io::stdin().is_terminal() {
        typed().await?
    } else {
        piped().await?
    };
    keys.mfa_device = mfa_device;
    let id = keys.access_key_id.clone();
    let caller = app.add_access_keys(keys).await?;
    note(&format!(
        "To assume a role with them: --source keychain:{id}"
    ));
    Ok(print(&format!(
        "Stored the access key {id} of {} in the keychain.",
        caller.arn
    ))?)
}

pub(crate) fn list(app: &App) -> Result<(), Failure> {
    let keys = app.access_keys()?;
    if keys.is_empty() {
        note("The keychain has no access keys.");
        return Ok(());
    }
    let zone = TimeZone::system();
    let line = |keys: &TypedKeys| {
        let added_at = keys
            .added_at
            .to_zoned_datetime(zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string();
        [keys.access_key_id.clone(), keys.arn.clone(), added_at]
    };
    let head = ["ACCESS KEY ID", "BELONGS TO", "ADDED"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(keys.iter().map(line)).collect();
    Ok(print(&table(&rows))?)
}

pub(crate) async fn remove(app: &App, access_key_id: &str) -> Result<(), Failure> {
    app.remove_access_keys(access_key_id).await?;
    Ok(print(&format!(
        "Removed the access key {access_key_id} from the keychain. It still works at AWS until you delete it there."
    ))?)
}

/// Asks for one after the other. Only the id is visible while it is typed.
async fn typed() -> Result<EnteredKeys, Error> {
    ask("Access key id: ");
    let access_key_id = line().await?.expose_secret().to_owned();
    let (secret_access_key, session_token) = {
        let _hidden = Hidden::start()?;
        ask("Secret access key (not shown): ");
        let secret_access_key = line().await?;
        ask("Session token, if there is one (not shown): ");
        (secret_access_key, line().await?)
    };
    let session_token = Some(session_token).filter(|token| !token.expose_secret().is_empty());
    Ok(EnteredKeys {
        access_key_id,
        secret_access_key,
        session_token,
        mfa_device: None,
    })
}

/// Reads them from standard input, separated by spaces or newlines.
async fn piped() -> Result<EnteredKeys, Error> {
    let text = read(|| {
        let mut text = String::new();
        io::stdin()
            .lock()
            .take(MOST_BYTES)
            .read_to_string(&mut text)
            .map(|_| text)
    })
    .await?;
    let words: Vec<&str> = text.expose_secret().split_whitespace().collect();
    let (id, secret, token) = match words.as_slice() {
        [id, secret] => (id, secret, None),
        [id, secret, token] => (id, secret, Some(*token)),
        _ => {
            let message = "Standard input must contain an access key id, its secret access key, and an optional session token, \
                           separated by spaces or newlines.";
            return Err(Error::new(Code::InvalidInput, message));
        }
    };
    Ok(EnteredKeys {
        access_key_id: (*id).to_owned(),
        secret_access_key: (*secret).into(),
        session_token: token.map(SecretString::from),
        mfa_device: None,
    })
}

pub(super) async fn line() -> Result<SecretString, Error> {
    let line = read(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    Ok(line.await?.expose_secret().trim().into())
}

/// Reads on a thread of its own, so that Ctrl-C works meanwhile.
async fn read(
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
struct Hidden(rustix::termios::Termios);

#[cfg(unix)]
impl Hidden {
    fn start() -> Result<Self, Error> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let failed = |error: rustix::io::Errno| {
            let message =
                "This terminal cannot hide what you type. Pass the access keys on standard input.";
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

#[cfg(not(unix))]
struct Hidden;

#[cfg(not(unix))]
impl Hidden {
    fn start() -> Result<Self, Error> {
        let message = "mcm cannot hide what you type on this system. Use the app, or pass the access keys on standard input.";
        Err(Error::new(Code::Unsupported, message))
    }
}
