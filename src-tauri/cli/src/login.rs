//! `mcm login` and `mcm add-tenant`: from the browser to a connected account.
//!
//! The address of the sign-in page is never shown: it holds the sign-in's `state`.

use std::pin::{Pin, pin};
use std::sync::Arc;

use mcm_core::account::{AccountId, Cloud, Identity, OfferedTenant};
use mcm_core::app::{App, Connect, OnDuplicate};
use mcm_core::error::{Code, Error, ErrorView};
use mcm_core::snapshot::{AccountView, RedirectKind, SignInId, SignInStep, Status};

use crate::arguments::{AzureLogin, Redirect};
use crate::failure::{Failure, interrupted, sign_in_advice};
use crate::output::{note, print, table};

type Interrupt<'a> = Pin<&'a mut (dyn Future<Output = std::io::Result<()>> + 'a)>;

pub(crate) async fn azure(app: &Arc<App>, wish: AzureLogin) -> Result<(), Failure> {
    if wish.redirect == Redirect::DeepLink {
        note("Only the app can receive a deep link, so this sign-in uses loopback.");
    }
    let on_duplicate = wish.on_duplicate();
    let again = wish.tenant.as_deref().filter(|_| on_duplicate == OnDuplicate::Fail);
    let account = again.and_then(|tenant| waiting_in(app, tenant));
    let id = app.connect(Connect {
        tenant: wish.tenant,
        account,
        redirect: Some(RedirectKind::Loopback),
        on_duplicate,
        ..Connect::new(Cloud::Azure)
    })?;
    let mut interrupt: Interrupt<'_> = pin!(tokio::signal::ctrl_c());
    let account = sign_in(app, id, interrupt.as_mut()).await?;
    until_targets_are_read(app, &account, interrupt.as_mut()).await;
    let account = view(app, &account)?;
    tell_connected(&account)?;
    if wish.all_tenants {
        return add_every_tenant(app, &account, interrupt).await;
    }
    tell_offered(&account)?;
    Ok(())
}

pub(crate) async fn add_tenant(app: &Arc<App>, account: &str, tenant: &str) -> Result<(), Failure> {
    let account = view(app, &app.resolve(account)?.id)?;
    let fits = |offered: &&OfferedTenant| {
        let names = [Some(&offered.tenant_id), offered.name.as_ref(), offered.default_domain.as_ref()];
        names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(tenant))
    };
    let tenant_id = account.offered.iter().find(fits).map_or(tenant, |offered| &offered.tenant_id);
    let added = view(app, &app.add_tenant(&account.id, tenant_id).await?)?;
    match &added.trouble {
        None => Ok(tell_connected(&added)?),
        Some(trouble) => {
            let row = app.resolve(added.id.as_str())?;
            Err(Failure::of(&row, Error::seen(trouble)))
        }
    }
}

/// The account that a sign-in to this tenant is for, when there is one that waits for it: it then answers what the
/// tenant asked for, and nobody else may come back.
fn waiting_in(app: &App, tenant: &str) -> Option<AccountId> {
    let snapshot = app.watch().borrow().clone();
    let waits = |account: &&AccountView| match &account.identity {
        Identity::Azure { tenant_id, default_domain, .. } => {
            let names = [Some(tenant_id), default_domain.as_ref()];
            account.status == Status::SignInAgain
                && names.into_iter().flatten().any(|name| name.eq_ignore_ascii_case(tenant))
        }
        Identity::Gcp { .. } | Identity::Aws { .. } => false,
    };
    let mut waiting = snapshot.accounts.iter().filter(waits);
    let first = waiting.next()?;
    waiting.next().is_none().then(|| first.id.clone())
}

/// Tells where the sign-in stands until it has ended. Ctrl-C gives it up.
async fn sign_in(app: &App, id: SignInId, mut interrupt: Interrupt<'_>) -> Result<AccountId, Error> {
    let mut snapshots = app.watch();
    let (mut is_told, mut is_cancelled) = (false, false);
    loop {
        let step = snapshots
            .borrow_and_update()
            .sign_ins
            .iter()
            .find(|view| view.id == id)
            .map(|view| view.step.clone());
        match step {
            Some(SignInStep::Browser) if !is_told => {
                is_told = true;
                note("Your browser is open. Finish signing in there. Ctrl-C cancels.");
            }
            Some(SignInStep::BrowserFailed { error }) => {
                let _ = app.cancel_sign_in(id);
                let _ = app.sign_in_ended(id).await;
                return Err(Error::seen(&error));
            }
            Some(SignInStep::Done { account, .. }) => return Ok(account),
            Some(SignInStep::Failed { error }) => return Err(Error::seen(&error)),
            _ => {}
        }
        tokio::select! {
            changed = snapshots.changed() => changed.expect("the app outlives its sign-in"),
            _ = &mut interrupt, if !is_cancelled => {
                is_cancelled = true;
                // One that has ended meanwhile is told as it ended.
                let _ = app.cancel_sign_in(id);
            }
        }
    }
}

/// The app reads the targets as soon as the sign-in has ended; on this one thread it has begun when that is seen.
async fn until_targets_are_read(app: &App, id: &AccountId, interrupt: Interrupt<'_>) {
    let mut snapshots = app.watch();
    let read = snapshots.wait_for(|snapshot| {
        snapshot.accounts.iter().all(|account| account.id != *id || account.reading_targets.is_none())
    });
    tokio::select! {
        _ = read => {}
        _ = interrupt => app.cancel_reading(id),
    }
}

/// Connects the offered tenants one after the other. One that asks for more is told and does not stop the others.
async fn add_every_tenant(
    app: &App,
    account: &AccountView,
    mut interrupt: Interrupt<'_>,
) -> Result<(), Failure> {
    let mut first_failure = None;
    for offered in &account.offered {
        let added = tokio::select! {
            added = app.add_tenant(&account.id, &offered.tenant_id) => added,
            _ = &mut interrupt => {
                app.finish().await;
                return Err(interrupted().into());
            }
        };
        match added.and_then(|id| view(app, &id)) {
            Ok(AccountView { trouble: Some(trouble), identity, .. }) => {
                tell_trouble(offered, &trouble, &identity);
            }
            Ok(added) => tell_connected(&added)?,
            Err(error) => {
                note(&format!("{} was not added: {}", name(offered), error.message()));
                first_failure = first_failure.or(Some(error));
            }
        }
    }
    first_failure.map_or(Ok(()), |error| Err(error.into()))
}

fn view(app: &App, id: &AccountId) -> Result<AccountView, Error> {
    let snapshot = app.watch().borrow().clone();
    let view = snapshot.accounts.iter().find(|view| view.id == *id).cloned();
    view.ok_or_else(|| Error::new(Code::NotFound, format!("{id} was disconnected meanwhile.")))
}

fn tell_connected(account: &AccountView) -> Result<(), Error> {
    let mut rows = vec![
        ["  account", account.id.as_str()].map(str::to_owned),
        ["  identity", account.identity.who()].map(str::to_owned),
        ["  tenant", account.identity.label()].map(str::to_owned),
    ];
    match &account.targets_error {
        None => rows.push(["  subscriptions".to_owned(), account.target_count.to_string()]),
        Some(error) => {
            note(&format!("The subscriptions of {} could not be read: {}", account.name, error.message));
        }
    }
    if !account.missing_scopes.is_empty() {
        note(&format!("{} was connected without: {}.", account.name, account.missing_scopes.join(", ")));
    }
    print(&format!("Connected {}\n{}", account.name, table(&rows)))
}

fn tell_offered(account: &AccountView) -> Result<(), Error> {
    if account.offered.is_empty() {
        return Ok(());
    }
    let line = |offered: &OfferedTenant| {
        [format!("  {}", name(offered)), format!("mcm add-tenant {} {}", account.id, offered.tenant_id)]
    };
    let rows: Vec<_> = account.offered.iter().map(line).collect();
    print(&format!("You may also enter, with the same sign-in:\n{}", table(&rows)))
}

fn tell_trouble(offered: &OfferedTenant, trouble: &ErrorView, identity: &Identity) {
    let advice = if trouble.code == Code::SignInAgain { sign_in_advice(identity) } else { String::new() };
    note(&format!(
        "{} is connected but cannot be used yet: {} {advice}\n  reference: {}",
        name(offered),
        trouble.message,
        trouble.reference
    ));
}

fn name(offered: &OfferedTenant) -> &str {
    let name = offered.name.as_ref().or(offered.default_domain.as_ref());
    name.unwrap_or(&offered.tenant_id)
}
