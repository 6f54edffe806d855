//! `mcm login` and `mcm add-tenant`: from the browser to a connected account.
//!
//! The address of the sign-in page is never shown: it contains the sign-in's `state`.

pub(crate) mod aws;
mod keys;
mod remote_browser;

use std::io::{self, IsTerminal as _};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mcm_core::account::{AccountId, Cloud, Identity, OfferedTenant};
use mcm_core::app::{App, Connect, OnDuplicate};
use mcm_core::claims::ClaimsChallenge;
use mcm_core::error::{Code, Error, ErrorView};
use mcm_core::role::Enforcement;
use mcm_core::settings::RedirectKind;
use mcm_core::sign_in::{SignInId, SignInStep, SignInView};
use mcm_core::snapshot::{AccountView, Status};
use mcm_core::vault::Vault;
use mcm_core::words;

use crate::account_argument::whole_by_name;
use crate::arguments::{AzureLogin, CommonLogin, GcpLogin, Redirect};
use crate::failure::{Failure, sign_in_advice};
use crate::output::{clock_time, confirm, note, print, table};

pub(crate) async fn azure(app: &App, vault: &Vault, options: AzureLogin) -> Result<(), Failure> {
    let on_duplicate = options.common.on_duplicate();
    let challenge = options
        .claims_challenge
        .as_deref()
        .map(ClaimsChallenge::parse);
    let challenge = challenge.transpose()?;
    let is_again = on_duplicate == OnDuplicate::Fail;
    let account = match &challenge {
        _ if !is_again => None,
        // It is about the account that was refused, which may stand well otherwise.
        Some(_) => only(app, options.tenant.as_deref(), |_| true),
        None => options.tenant.as_deref().and_then(|tenant| {
            only(app, Some(tenant), |account| {
                account.status == Status::SignInAgain
            })
        }),
    };
    let command = match &options.tenant {
        Some(tenant) => format!("mcm login azure --tenant {tenant}"),
        None => "mcm login azure".to_owned(),
    };
    let wanted = Connect {
        tenant: options.tenant,
        account,
        challenge,
        ..Connect::new(Cloud::Azure)
    };
    let account = connect(app, vault, wanted, &options.common, &command).await?;
    if options.all_tenants {
        return add_every_tenant(app, &account).await;
    }
    Ok(print_offered(&account)?)
}

pub(crate) async fn gcp(app: &App, vault: &Vault, options: &GcpLogin) -> Result<(), Failure> {
    let wanted = Connect::new(Cloud::Gcp);
    connect(app, vault, wanted, &options.common, "mcm login gcp")
        .await
        .map(drop)
}

/// Signs in with the browser and connects the account with its targets. `command` is this command, to run again.
async fn connect(
    app: &App,
    vault: &Vault,
    wanted: Connect,
    common: &CommonLogin,
    command: &str,
) -> Result<AccountView, Failure> {
    open_keychain(vault).await?;
    accept_client(app, wanted.cloud, common).await?;
    if common.redirect == Redirect::DeepLink {
        note("Only the app can receive a deep link, so this sign-in uses loopback.");
    }
    let redirect = Some(RedirectKind::Loopback);
    let (device_code, on_duplicate) = (common.device_code, common.on_duplicate());
    let id = app.connect(Connect {
        redirect,
        device_code,
        redirect_port: common.redirect_port,
        on_duplicate,
        ..wanted
    })?;
    let signed_in = sign_in(app, id, command).await;
    if let Ok(account) = &signed_in {
        wait_for_targets(app, account).await;
    }
    // The browser waits for its last page, however the sign-in ended.
    app.last_pages_shown().await;
    let account = view(app, &signed_in?)?;
    print_connected(&account)?;
    Ok(account)
}

pub(crate) const OPEN_IT: &str =
    "Your keychain asks for your permission. Answer in its dialog within two minutes.";

/// Shows a client id that differs from that of the connected accounts, and asks whether to use it.
///
/// # Errors
/// `invalid-input` when the user declines, and where there is no terminal to ask on.
async fn accept_client(app: &App, cloud: Cloud, common: &CommonLogin) -> Result<(), Error> {
    let others = app.accounts_of_other_clients(cloud).await?;
    let views = app.watch().borrow().clouds.clone();
    let view = views.into_iter().find(|view| view.cloud == cloud);
    let (Some((account, other)), Some(view)) = (others.first(), view) else {
        return Ok(());
    };
    let difference = format!(
        "{} was signed in with client id {other}. {} now names {}.",
        account.name(),
        view.client_id_origin.unwrap_or_default(),
        view.client_id.unwrap_or_default()
    );
    if common.new_client {
        note(&difference);
        return Ok(());
    }
    let variable = match cloud {
        Cloud::Gcp => "MCM_GOOGLE_CLIENT_ID",
        Cloud::Azure | Cloud::Aws => "MCM_AZURE_CLIENT_ID",
    };
    if io::stdin().is_terminal() && io::stderr().is_terminal() {
        note(&difference);
        if confirm("Sign in with the other client id? [y/N] ".to_owned()).await {
            return Ok(());
        }
    }
    let message = format!(
        "{difference} Set {variable} to the client id of this app, or add --new-client to sign in with the other one."
    );
    Err(Error::new(Code::InvalidInput, message))
}

/// Makes sure that the sign-in can be stored, before the user goes through it: memory ends with this process.
pub(crate) async fn open_keychain(vault: &Vault) -> Result<(), Error> {
    match vault.check().await {
        Err(error) if matches!(error.code(), Code::KeychainLocked | Code::KeychainAbsent) => {
            note(OPEN_IT);
            vault.unlock().await
        }
        checked => checked,
    }
}

pub(crate) async fn add_tenant(app: &App, account: &str, tenant: &str) -> Result<(), Failure> {
    let account = whole_by_name(app, account)?;
    let fits = |offered: &&OfferedTenant| {
        let names = [
            Some(&offered.tenant_id),
            offered.name.as_ref(),
            offered.default_domain.as_ref(),
        ];
        names
            .into_iter()
            .flatten()
            .any(|name| name.eq_ignore_ascii_case(tenant))
    };
    let tenant_id = account
        .offered
        .iter()
        .find(fits)
        .map_or(tenant, |offered| &offered.tenant_id);
    let added = app.add_tenant(&account.id, tenant_id).await?;
    let row = app.named(added.as_str())?;
    match &row.renewal_failure {
        None => Ok(print_connected(&view(app, &added)?)?),
        Some(renewal_failure) => Err(Failure::of(&row, Error::seen(&renewal_failure.error))),
    }
}

/// The only account of a tenant, or of all of Azure, that a sign-in may be for: it then answers what the tenant asked for,
/// and no other user may come back.
fn only(
    app: &App,
    tenant: Option<&str>,
    may_be: impl Fn(&AccountView) -> bool,
) -> Option<AccountId> {
    let snapshot = app.watch().borrow().clone();
    let is_in = |account: &&AccountView| match &account.identity {
        Identity::Azure {
            tenant_id,
            default_domain,
            ..
        } => tenant.is_none_or(|tenant| {
            let names = [Some(tenant_id), default_domain.as_ref()];
            names
                .into_iter()
                .flatten()
                .any(|name| name.eq_ignore_ascii_case(tenant))
        }),
        Identity::Gcp { .. } | Identity::Aws { .. } | Identity::IdentityCenter { .. } => false,
    };
    let mut fitting = snapshot
        .accounts
        .iter()
        .filter(is_in)
        .filter(|account| may_be(account));
    let first = fitting.next()?;
    fitting.next().is_none().then(|| first.id.clone())
}

/// Shows the progress of the sign-in until it has ended. `command` is what signs in to the account.
pub(crate) async fn sign_in(app: &App, id: SignInId, command: &str) -> Result<AccountId, Error> {
    let mut snapshots = app.watch();
    let mut shown = None;
    loop {
        let view = snapshots
            .borrow_and_update()
            .sign_ins
            .iter()
            .find(|view| view.id == id)
            .cloned();
        // One that is gone has ended.
        let Some(SignInView { cloud, step, .. }) = view else {
            return app.sign_in_ended(id).await;
        };
        if shown.as_ref() != Some(&step) {
            match &step {
                SignInStep::BrowserFailed { error } => {
                    // The app would go on waiting for a second attempt.
                    let _ = app.cancel_sign_in(id);
                    let _ = app.sign_in_ended(id).await;
                    let environment = &app.settings().aws.environment;
                    return Err(remote_browser::without_browser(
                        environment,
                        error,
                        cloud,
                        command,
                    ));
                }
                SignInStep::HttpsForced { error } => {
                    note(&format!(
                        "{} This command waits. Ctrl-C cancels.",
                        error.message
                    ));
                }
                SignInStep::Elsewhere { link, port } => {
                    let environment = &app.settings().aws.environment;
                    note(&remote_browser::instructions(environment, link, *port));
                }
                SignInStep::Code {
                    code,
                    page,
                    expires_at,
                } => print_code(code, page, *expires_at),
                // A fast browser has answered before this is read.
                SignInStep::Browser | SignInStep::Finishing | SignInStep::Done { .. }
                    if matches!(shown, None | Some(SignInStep::Starting)) =>
                {
                    note("Your browser is open. Finish signing in there. Ctrl-C cancels.");
                }
                _ => {}
            }
            if matches!(step, SignInStep::Done { .. } | SignInStep::Failed { .. }) {
                return app.sign_in_ended(id).await;
            }
            shown = Some(step);
        }
        if snapshots.changed().await.is_err() {
            return app.sign_in_ended(id).await;
        }
    }
}

/// The code that the user enters elsewhere, and its page.
fn print_code(code: &str, page: &str, expires_at: Timestamp) {
    let until = clock_time(expires_at, &TimeZone::system());
    note(&format!(
        "On any device, open this page and enter the code:\n\n  {page}\n  {code}\n\nEnter it only if you ran this command \
         yourself: anyone who gives you a code is signed in as you.\nWaiting until {until}. Ctrl-C cancels."
    ));
}

/// The app reads the targets as soon as the sign-in has ended, and ends it with that begun.
pub(crate) async fn wait_for_targets(app: &App, id: &AccountId) {
    let mut snapshots = app.watch();
    let read = snapshots.wait_for(|snapshot| {
        snapshot
            .accounts
            .iter()
            .all(|account| account.id != *id || account.reading_targets.is_none())
    });
    // The app outlives its watchers, so waiting cannot fail.
    let _ = read.await;
}

/// Connects the offered tenants one after the other. A failure is reported and does not stop the others.
async fn add_every_tenant(app: &App, account: &AccountView) -> Result<(), Failure> {
    let mut first_failure = None;
    for offered in &account.offered {
        let added = app.add_tenant(&account.id, &offered.tenant_id).await;
        match added.and_then(|id| view(app, &id)) {
            Ok(AccountView {
                renewal_failure: Some(renewal_failure),
                identity,
                ..
            }) => {
                print_renewal_failure(offered, &renewal_failure, &identity);
            }
            Ok(added) => print_connected(&added)?,
            Err(error) => {
                note(&format!(
                    "{} was not added: {}",
                    name(offered),
                    error.message()
                ));
                first_failure = first_failure.or(Some(error));
            }
        }
    }
    first_failure.map_or(Ok(()), |error| Err(error.into()))
}

pub(crate) fn view(app: &App, id: &AccountId) -> Result<AccountView, Error> {
    let snapshot = app.watch().borrow().clone();
    let view = snapshot
        .accounts
        .iter()
        .find(|view| view.id == *id)
        .cloned();
    view.ok_or_else(|| {
        Error::new(
            Code::NotFound,
            format!("{id} was disconnected during the sign-in. Connect it again."),
        )
    })
}

pub(crate) fn print_connected(account: &AccountView) -> Result<(), Error> {
    let targets = words::targets(&account.identity);
    let mut rows = vec![
        ["  account", account.id.as_str()].map(str::to_owned),
        ["  identity", account.identity.who()].map(str::to_owned),
    ];
    if let Identity::Azure { tenant_id, .. } = &account.identity {
        rows.push(["  tenant", tenant_id].map(str::to_owned));
    }
    if let Identity::Aws {
        external_id,
        enforced,
        source,
        session_seconds,
        ..
    } = &account.identity
    {
        let enforced = match enforced {
            Enforcement::Enforced => "enforced",
            Enforcement::NotEnforced => "NOT enforced, as you accepted",
            Enforcement::Unknown => "not verified yet; checked again at the next renewal",
        };
        rows.extend([
            ["  External ID", enforced].map(str::to_owned),
            ["", external_id].map(str::to_owned),
            ["  assumed by", &source.to_string()].map(str::to_owned),
            ["  sessions", &format!("{session_seconds} seconds")].map(str::to_owned),
            [
                "  region",
                account.target.as_ref().map_or("-", |region| &region.id),
            ]
            .map(str::to_owned),
        ]);
    }
    if let Identity::IdentityCenter {
        start_url, region, ..
    } = &account.identity
    {
        rows.push(["  start URL", start_url].map(str::to_owned));
        rows.push(["  region", region].map(str::to_owned));
    }
    match &account.targets_error {
        None => rows.push([format!("  {targets}"), account.target_count.to_string()]),
        Some(error) => {
            note(&format!(
                "The {targets} of {} could not be loaded: {}",
                account.name, error.message
            ));
        }
    }
    if !account.missing_scopes.is_empty() {
        note(&format!(
            "{} was connected without: {}.",
            account.name,
            account.missing_scopes.join(", ")
        ));
    }
    print(&format!("Connected {}\n{}", account.name, table(&rows)))
}

fn print_offered(account: &AccountView) -> Result<(), Error> {
    if account.offered.is_empty() {
        return Ok(());
    }
    let line = |offered: &OfferedTenant| {
        [
            format!("  {}", name(offered)),
            format!("mcm add-tenant {} {}", account.id, offered.tenant_id),
        ]
    };
    let rows: Vec<_> = account.offered.iter().map(line).collect();
    print(&format!(
        "Other tenants you can add with the same sign-in:\n{}",
        table(&rows)
    ))
}

fn print_renewal_failure(
    offered: &OfferedTenant,
    renewal_failure: &ErrorView,
    identity: &Identity,
) {
    let advice = if renewal_failure.code == Code::SignInAgain {
        sign_in_advice(identity)
    } else {
        String::new()
    };
    note(&format!(
        "{} is connected but cannot be used yet: {} {advice}\n  reference: {}",
        name(offered),
        renewal_failure.message,
        renewal_failure.reference
    ));
}

fn name(offered: &OfferedTenant) -> &str {
    let name = offered.name.as_ref().or(offered.default_domain.as_ref());
    name.unwrap_or(&offered.tenant_id)
}
