//! `mcm console`: an account's web console, in the browser or as an address.
//!
//! AWS's address signs its reader in as the role, so it is printed on request only, and recorded as an issued credential.

use mcm_core::app::App;

use crate::choice::by_name;
use crate::failure::Failure;
use crate::output::{note, print};
use crate::token::requesting_program;

pub(crate) async fn run(app: &App, name: &str, is_printed: bool) -> Result<(), Failure> {
    let account = by_name(app, name)?;
    let failed = |error| Failure::of(&account, error);
    if is_printed {
        let page = app
            .console_address(&account.id, &requesting_program())
            .await
            .map_err(failed)?;
        return Ok(print(page.as_str())?);
    }
    app.open_console(&account.id).await.map_err(failed)?;
    note(&format!(
        "The console of {} ({}) opens in your browser.",
        account.name(),
        account.identity.who()
    ));
    app.until_page_served().await;
    Ok(())
}
