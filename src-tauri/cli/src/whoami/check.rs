//! The last look before a command starts or a shell is given its lines: by the rules of `mcm whoami`, over the variables
//! and files that the tools will see, every tool works as the account that was asked for, or without an identity.
//!
//! What would win is removed before; this finds what the table of variables missed. It reads a few files and asks no server.

use std::fmt::Write as _;

use mcm_core::account::{Account, Cloud};
use mcm_core::app::App;
use mcm_core::aws_files::Client;
use mcm_core::error::{Code, Error};
use mcm_core::world::Environment;

use super::{ExaminedShell, Found, Source, aws, az_powershell, azure, google};
use crate::output::note;
use crate::variables::EXEC_ACCOUNTS;

/// Looks at every tool of the accounts' clouds in an environment that was made for them, and at those of closed clouds.
///
/// # Errors
/// `setting-invalid`, naming the tool and what wins, unless it is forced, which reports the same.
pub(crate) fn require(
    app: &App,
    environment: &Environment,
    accounts: &[&Account],
    closed: &[Cloud],
    is_forced: bool,
) -> Result<(), Error> {
    // A shell does not see them in this variable, but was given them all the same.
    let ids: Vec<&str> = accounts.iter().map(|account| account.id.as_str()).collect();
    let ids = ids.join(",");
    let others = environment
        .pairs()
        .filter(|(name, _)| *name != EXEC_ACCOUNTS);
    let environment = Environment::from_pairs(others.chain([(EXEC_ACCOUNTS, ids.as_str())]));
    // Without a home folder no tool has files.
    let Ok(shell) = ExaminedShell::of(&environment, app) else {
        return Ok(());
    };
    let mut others = String::new();
    note_az_powershell(&shell, accounts, closed);
    for account in accounts {
        for found in tools(&shell, account.cloud()) {
            if is_another_identity(&found, account) {
                let who = found.identity.as_deref().unwrap_or("another identity");
                write!(
                    others,
                    "\n  {} would work as {who}, not as {}: {}",
                    found.tool,
                    account.name(),
                    found.why
                )
                .expect("a String grows");
            } else if let (Some(place), Some(target)) = (&found.place, &account.target)
                && account.cloud() != Cloud::Aws
                && found.account.is_some()
                && place != target
            {
                note(&format!(
                    "{} works in {place}, not in {target}.",
                    found.tool
                ));
            }
        }
    }
    for cloud in closed {
        for found in tools(&shell, *cloud) {
            if matches!(found.source, Source::None | Source::Broken) {
                continue;
            }
            let who = found.identity.as_deref().unwrap_or("an identity");
            write!(
                others,
                "\n  {} would work as {who}, although {} is not part of the environment: {}",
                found.tool,
                cloud.title(),
                found.why
            )
            .expect("a String grows");
        }
    }
    if others.is_empty() {
        return Ok(());
    }
    if is_forced {
        note(&format!("mcm: --force goes on, although{others}"));
        return Ok(());
    }
    let message = format!(
        "Another identity would win:{others}\nRemove what wins, or use \"mcm exec\". With --force mcm goes on."
    );
    Err(Error::new(Code::SettingInvalid, message))
}

/// Says where Az PowerShell has a sign-in of its own. Nothing keeps it from a command, so it is no reason to refuse one
/// that runs other tools.
fn note_az_powershell(shell: &ExaminedShell<'_>, accounts: &[&Account], closed: &[Cloud]) {
    let azure = accounts
        .iter()
        .find(|account| account.cloud() == Cloud::Azure);
    if azure.is_none() && !closed.contains(&Cloud::Azure) {
        return;
    }
    let Some(found) = az_powershell::context(shell) else {
        return;
    };
    let who = found.identity.as_deref().unwrap_or("another user");
    match azure {
        Some(account) if found.account.as_ref() != Some(&account.id) => note(&format!(
            "Az PowerShell starts as {who}, not as {}. In it, run: Connect-AzAccount -Identity -Scope Process",
            account.name()
        )),
        None => note(&format!(
            "Az PowerShell starts as {who}, although Azure is not part of the environment. In it, run: Disconnect-AzAccount \
             -Scope Process"
        )),
        Some(_) => {}
    }
}

/// Whether a tool does its work, and as another identity. One that fails, or finds no identity, does nothing.
fn is_another_identity(found: &Found, account: &Account) -> bool {
    found.account.as_ref() != Some(&account.id)
        && !matches!(found.source, Source::None | Source::Broken)
}

fn tools(shell: &ExaminedShell<'_>, cloud: Cloud) -> Vec<Found> {
    match cloud {
        Cloud::Aws => Client::ALL
            .into_iter()
            .map(|client| aws::client(shell, client))
            .collect(),
        Cloud::Azure => vec![azure::command_line(shell), azure::terraform(shell)],
        Cloud::Gcp => [
            google::command_line(shell),
            google::terraform(shell),
            google::libraries(shell),
        ]
        .into_iter()
        .chain(google::bigquery(shell))
        .collect(),
    }
}
