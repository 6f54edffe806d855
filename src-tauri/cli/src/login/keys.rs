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
use crate::secret_input::{Hidden, line, read};

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
        let _hidden = Hidden::start("Use the app, or pass the access keys on standard input.")?;
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
