//! `mcm import`: what other tools on this machine know, and signing in to it.
//!
//! Core says what their files mean; here it is shown, chosen from, and signed in to, one after the other.

use mcm_core::app::{App, ConnectFound, OnDuplicate};
use mcm_core::error::{Code, Error};
use mcm_core::import::{FoundAccount, FoundElsewhere, FoundSignIn};
use mcm_core::settings::RedirectKind;
use mcm_core::text::shown;
use mcm_core::vault::Vault;

use crate::arguments::Import;
use crate::failure::Failure;
use crate::login::{self, open_keychain, print_connected, view, wait_for_targets};
use crate::output::{fit, note, print, print_json, table, terminal_width};
use crate::picker;

/// The columns of the table that may be cut.
const MAY_BE_CUT: [usize; 3] = [1, 2, 3];

pub(crate) async fn run(app: &App, vault: &Vault, options: Import) -> Result<(), Failure> {
    let found = app.found_elsewhere()?;
    if options.json {
        return Ok(print_json(&found)?);
    }
    for file in &found.unread {
        note(&format!("{}, {}: {}", file.tool, file.file, file.why));
    }
    if options.list {
        return list(&found);
    }
    let chosen = if options.names.is_empty() {
        choose(&found)?
    } else {
        let named = options.names.iter().map(|name| named(&found, name));
        named.collect::<Result<Vec<_>, _>>()?
    };
    if chosen.is_empty() {
        note("Nothing was chosen.");
        return Ok(());
    }
    let mut first_failure = None;
    for account in chosen {
        // One that is refused does not stop the others.
        if let Err(failure) = sign_in(app, vault, account, &options).await {
            if let Failure::Error(error, _) = &failure {
                note(&format!(
                    "{} was not connected: {}",
                    account.name,
                    error.message()
                ));
            }
            first_failure = first_failure.or(Some(failure));
        }
    }
    first_failure.map_or(Ok(()), Err)
}

fn list(found: &FoundElsewhere) -> Result<(), Failure> {
    if found.accounts.is_empty() {
        note("No file of another tool names an account.");
        return Ok(());
    }
    let head = ["ID", "NAME", "ACCOUNT", "FOUND IN", "STATE"].map(str::to_owned);
    let rows = found.accounts.iter().map(|account| {
        let tools: Vec<&str> = account
            .tools
            .iter()
            .map(|found| found.tool.as_str())
            .collect();
        [
            account.id.clone(),
            account.name.clone(),
            who(account),
            tools.join(", "),
            state(account),
        ]
    });
    let mut rows: Vec<_> = std::iter::once(head).chain(rows).collect();
    fit(&mut rows, &MAY_BE_CUT, terminal_width());
    print(&table(&rows))?;
    for account in &found.accounts {
        if let Some(obstacle) = account
            .obstacle
            .as_ref()
            .filter(|_| account.connected.is_none())
        {
            note(&format!("{}: {obstacle}", account.name));
        }
    }
    Ok(())
}

fn state(account: &FoundAccount) -> String {
    match (&account.connected, &account.obstacle) {
        (Some(connected), _) => format!("connected: {connected}"),
        (None, Some(_)) => "see below".to_owned(),
        (None, None) => "sign in".to_owned(),
    }
}

/// The account, and the cloud's word for where it is.
fn who(account: &FoundAccount) -> String {
    match &account.sign_in {
        FoundSignIn::Tenant {
            tenant_id,
            username,
        } => format!("{username} in {tenant_id}"),
        other => other.who().to_owned(),
    }
}

fn choose(found: &FoundElsewhere) -> Result<Vec<&FoundAccount>, Failure> {
    const USAGE: &str = "Name what to sign in to, as in \"mcm import work\". Run \"mcm import --list\" to see what was found.";
    let may_be =
        |account: &&FoundAccount| account.connected.is_none() && account.obstacle.is_none();
    let choices = found.accounts.iter().filter(may_be).map(|account| {
        let tool = account.tools.first().map_or("", |found| &found.tool);
        let label = format!("{} ({}, {tool})", account.name, who(account));
        (account, label)
    });
    let choices: Vec<_> = choices.collect();
    if choices.is_empty() {
        let message = "Nothing was found that is not connected. Run \"mcm import --list\" to see what was found.";
        return Err(Error::new(Code::NotFound, message).into());
    }
    picker::several("Accounts to sign in to (space selects):", USAGE, choices)
}

/// The account with this id or name.
fn named<'a>(found: &'a FoundElsewhere, name: &str) -> Result<&'a FoundAccount, Error> {
    let name = name.trim();
    if let Some(account) = found.accounts.iter().find(|account| account.id == name) {
        return Ok(account);
    }
    let is_it = |account: &&FoundAccount| {
        [account.name.as_str(), account.sign_in.who()]
            .iter()
            .any(|known| known.to_lowercase() == name.to_lowercase())
    };
    let fits: Vec<&FoundAccount> = found.accounts.iter().filter(is_it).collect();
    match fits.as_slice() {
        [one] => Ok(one),
        [] => {
            let message = format!(
                "No file of another tool names \"{}\". Run \"mcm import --list\" to see what was found.",
                shown(name)
            );
            Err(Error::new(Code::NotFound, message))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|account| account.id.as_str()).collect();
            let message = format!(
                "\"{}\" matches {} accounts. Name one by its id: {}.",
                shown(name),
                several.len(),
                ids.join(", ")
            );
            Err(Error::new(Code::Ambiguous, message))
        }
    }
}

async fn sign_in(
    app: &App,
    vault: &Vault,
    account: &FoundAccount,
    options: &Import,
) -> Result<(), Failure> {
    open_keychain(vault).await?;
    note(&format!(
        "Signing in to {} ({}).",
        account.name,
        who(account)
    ));
    let id = app.connect_found(ConnectFound {
        redirect: Some(RedirectKind::Loopback),
        device_code: options.device_code,
        redirect_port: options.redirect_port,
        on_duplicate: OnDuplicate::Fail,
        ..ConnectFound::new(account.id.as_str())
    })?;
    let signed_in = match &account.sign_in {
        FoundSignIn::Role { .. } => login::aws::verify(app, id).await,
        _ => login::sign_in(app, id, &format!("mcm import {}", account.id)).await,
    };
    if let Ok(connected) = &signed_in {
        wait_for_targets(app, connected).await;
    }
    // The browser waits for its last page, however the sign-in ended.
    app.last_pages_shown().await;
    Ok(print_connected(&view(app, &signed_in?)?)?)
}
