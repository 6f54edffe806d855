//! Switching: puts an account in use, or starts the sign-in that it needs first; puts all accounts of an environment in use,
//! or opens the dashboard where a protected one is confirmed. The same for the tray and the switcher.

use std::sync::Arc;

use mcm_core::account::AccountId;
use mcm_core::app::{App, Connect};
use mcm_core::error::Result;
use mcm_core::snapshot::Status;
use tauri::{AppHandle, Manager as _, Runtime};

use crate::window::{OpenRequests, Place};

/// Puts an account, and optionally one of its targets, in use in its cloud. For an account that needs a sign-in, it
/// starts that sign-in, and the dashboard shows it.
///
/// # Errors
/// As `use_account` and `connect` of core.
pub(crate) async fn switch_to<R: Runtime>(
    app: &AppHandle<R>,
    account: &AccountId,
    target: Option<&str>,
) -> Result<()> {
    let core = app.state::<Arc<App>>().inner().clone();
    let snapshot = core.watch().borrow().clone();
    let view = snapshot.accounts.iter().find(|view| view.id == *account);
    if let Some(view) = view.filter(|view| view.status == Status::SignInAgain) {
        let cloud = view.cloud;
        core.connect(Connect {
            account: Some(account.clone()),
            ..Connect::new(cloud)
        })?;
        app.state::<OpenRequests>()
            .request(Place::Account(account.clone()));
        return Ok(());
    }
    core.use_account(account, target).await
}

/// Puts all accounts of an environment in use. A protected one never is: the dashboard opens at the environments, where the
/// user confirms it.
///
/// # Errors
/// As `use_environment` of core.
pub(crate) async fn switch_to_environment<R: Runtime>(
    app: &AppHandle<R>,
    name: &str,
) -> Result<()> {
    let core = app.state::<Arc<App>>().inner().clone();
    if core.environment(name)?.settings.is_protected {
        app.state::<OpenRequests>().request(Place::Environments);
        return Ok(());
    }
    core.use_environment(name).await
}
