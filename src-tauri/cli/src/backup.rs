//! `mcm backup` and `mcm restore`: everything but secrets, in a file that a passphrase opens.
//!
//! The passphrase comes from the terminal without echo, from a file or from standard input; never from an argument, which
//! every program of the machine could read.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use mcm_core::app::{App, Passphrase, Restored};
use mcm_core::backup::require_strong;
use mcm_core::error::{Code, Error};
use mcm_core::file;
use secrecy::{ExposeSecret as _, SecretString};

use crate::arguments::{Backup, Restore};
use crate::failure::{Failure, sign_in_command};
use crate::output::{ask, note, print, table};
use crate::secret_input::{Hidden, line, read};

/// Longer than any passphrase.
const MOST_BYTES: u64 = 4 * 1024;
/// What to do where a terminal cannot ask.
const INSTEAD: &str = "Pass the passphrase with --passphrase-file FILE, or - for standard input.";

pub(crate) async fn run(app: &App, options: Backup) -> Result<(), Failure> {
    if !options.force && options.file.exists() {
        let message = format!(
            "{} exists already. Choose another name, or add --force to replace it.",
            options.file.display()
        );
        return Err(Error::new(Code::InvalidInput, message).into());
    }
    let passphrase = match options.passphrase_file {
        Some(file) => from_file(file).await?,
        None => typed_twice().await?,
    };
    let backed_up = app
        .back_up(&options.file, passphrase.into(), options.force)
        .await?;
    note("Keep the passphrase: without it, the file cannot be opened.");
    let message = format!(
        "Backed up {} and {} to {}.",
        counted(backed_up.accounts as usize, "account"),
        counted(backed_up.environments as usize, "environment"),
        options.file.display()
    );
    Ok(print(&message)?)
}

pub(crate) async fn restore(app: &App, options: Restore) -> Result<(), Failure> {
    if !options.file.exists() {
        let message = format!(
            "There is no file {}. Check the name.",
            options.file.display()
        );
        return Err(Error::new(Code::NotFound, message).into());
    }
    let passphrase = match options.passphrase_file {
        Some(file) => from_file(file).await?,
        None => {
            let _hidden = hidden()?;
            ask("Passphrase of the backup (not shown): ");
            line().await?
        }
    };
    let restored = app
        .restore(&options.file, Passphrase::from(passphrase))
        .await?;
    Ok(show(&restored)?)
}

fn show(restored: &Restored) -> Result<(), Error> {
    let Restored {
        accounts,
        kept,
        environments,
        kept_environments,
        settings,
    } = restored;
    for (what, names) in [
        ("Kept as they are, because they are connected here", kept),
        (
            "Kept as they are, because they exist here",
            kept_environments,
        ),
        ("Settings that were missing here", settings),
    ] {
        if !names.is_empty() {
            note(&format!("{what}: {}.", names.join(", ")));
        }
    }
    let mut lines = vec![format!(
        "Restored {} and {}.",
        counted(accounts.len(), "account"),
        counted(environments.len(), "environment")
    )];
    if !accounts.is_empty() {
        let rows = accounts.iter().map(|account| {
            [
                account.name.clone(),
                account.id.to_string(),
                sign_in_command(&account.identity),
            ]
        });
        let head = ["NAME", "ID", "TO SIGN IN"].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
        lines.push(table(&rows));
    }
    print(&lines.join("\n"))
}

fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}

async fn typed_twice() -> Result<SecretString, Error> {
    let _hidden = hidden()?;
    ask("New passphrase (not shown): ");
    let first = line().await?;
    require_strong(&first)?;
    ask("The same once more: ");
    let second = line().await?;
    if first.expose_secret() == second.expose_secret() {
        return Ok(first);
    }
    let message = "The two passphrases differ. Nothing was written. Run the command again.";
    Err(Error::new(Code::InvalidInput, message))
}

fn hidden() -> Result<Hidden, Error> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let message = format!("There is no terminal to ask for the passphrase on. {INSTEAD}");
        return Err(Error::new(Code::InvalidInput, message));
    }
    Hidden::start(INSTEAD)
}

/// The first line of a file, or of standard input for `-`.
async fn from_file(path: PathBuf) -> Result<SecretString, Error> {
    let text: SecretString = if path == Path::new("-") {
        read(|| {
            let mut text = String::new();
            let stdin = io::stdin().lock();
            stdin
                .take(MOST_BYTES)
                .read_to_string(&mut text)
                .map(|_| text)
        })
        .await?
    } else {
        let Some(bytes) = file::read_at_most(&path, MOST_BYTES)? else {
            let message = format!("There is no file {}. Check the name.", path.display());
            return Err(Error::new(Code::NotFound, message));
        };
        String::from_utf8(bytes)
            .map_err(|_| {
                let message = format!("{} is not text. Name another file.", path.display());
                Error::new(Code::InvalidInput, message)
            })?
            .into()
    };
    let first = text.expose_secret().lines().next().unwrap_or_default();
    if first.trim().is_empty() {
        let message = "The passphrase is empty. Put it into the first line.";
        return Err(Error::new(Code::InvalidInput, message));
    }
    Ok(first.trim().into())
}
