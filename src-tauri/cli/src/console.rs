//! `mcm console`: an account's web console, in the browser or as an address.
//!
//! AWS's address signs its reader in as the role, so it is printed on request only, and recorded as an issued credential.
//! The link of IAM Identity Center's portal signs no user in.

use std::time::Duration;

use mcm_core::app::{App, ConsoleSession};

use tokio::time::timeout;

use crate::account_argument::by_name;
use crate::failure::Failure;
use crate::output::{note, print};
use crate::stop_request;
use crate::token::requesting_program;

pub(crate) async fn run(
    app: &App,
    name: &str,
    is_printed: bool,
    is_isolated: bool,
) -> Result<(), Failure> {
    let account = by_name(app, name)?;
    let browser = if is_isolated {
        ConsoleSession::Isolated
    } else {
        ConsoleSession::Present
    };
    let failed = |error| Failure::of(&account, error);
    if is_printed {
        let page = app
            .console_address(&account, browser, &requesting_program())
            .await
            .map_err(failed)?;
        return Ok(print(page.as_str())?);
    }
    app.open_console_of(&account, browser)
        .await
        .map_err(failed)?;
    let target = account.chosen_target();
    let target = target.map_or_else(String::new, |target| format!(", {}", target.name));
    let place = if is_isolated {
        "a window of its own. This command ends when it is closed, and removes its profile"
    } else {
        "your browser"
    };
    note(&format!(
        "The console of {} ({}){target} opens in {place}.",
        account.name(),
        account.identity.who()
    ));
    app.until_page_served().await;
    Ok(())
}

/// How long a browser may take to end after Ctrl-C, which it gets as well.
const TIME_TO_END: Duration = Duration::from_secs(10);

/// Waits until the isolated window is closed and its profile removed. Ctrl-C closes it.
pub(crate) async fn until_closed(app: &App) {
    tokio::select! {
        () = app.until_windows_closed() => return,
        _ = stop_request::requested() => {}
    }
    let _ = timeout(TIME_TO_END, app.until_windows_closed()).await;
}
