//! `mcm login aws`: from a role's template to the connected role.
//!
//! Nothing opens a browser. Core runs the checks; this file shows their progress.

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use jiff::tz::TimeZone;
use mcm_core::account::{AccountId, Cloud};
use mcm_core::app::{
    App, Connect, ConnectPortal, ConnectRole, OnDuplicate, PrepareRole, PreparedRole,
};
use mcm_core::error::{Code, Error};
use mcm_core::role::{PendingRole, Source, SourceChoice};
use mcm_core::sign_in::{
    CheckState, RegionOrigin, RoleCheck, RoleCheckKind, RoleVerification, SignInId, SignInStep,
    SignInView,
};
use mcm_core::snapshot::Snapshot;
use mcm_core::vault::Vault;
use tokio::sync::watch;

use super::{keys, open_keychain, print_connected, sign_in, view, wait_for_targets};
use crate::arguments::{AwsLogin, Template};
use crate::failure::Failure;
use crate::output::{ask, note, print, table};
use crate::secret_input::line;

pub(crate) async fn run(app: &App, vault: &Vault, mut options: AwsLogin) -> Result<(), Failure> {
    if let Some(external_id) = options.step.drop {
        app.drop_pending_role(&external_id).await?;
        return Ok(print(&format!(
            "Discarded {external_id}. It will not be used again."
        ))?);
    }
    if options.step.pending {
        return list_pending(app);
    }
    if options.step.add_keys {
        return keys::add(app, vault, options.mfa_serial).await;
    }
    if options.step.keys {
        return keys::list(app);
    }
    if let Some(access_key_id) = options.step.remove_keys {
        return keys::remove(app, &access_key_id).await;
    }
    if let Some(start_url) = options.step.sso_start_url.take() {
        return sign_in_to_center(app, vault, start_url, options).await;
    }
    if options.step.print.is_none() && options.step.role_arn.is_none() {
        return list_portals(app);
    }
    if let Some(form) = options.step.print {
        return print_template(app, form, options).await;
    }
    let role_arn = options.step.role_arn.take();
    connect(app, vault, role_arn, options).await
}

/// Signs in to IAM Identity Center.
async fn sign_in_to_center(
    app: &App,
    vault: &Vault,
    start_url: String,
    options: AwsLogin,
) -> Result<(), Failure> {
    open_keychain(vault).await?;
    let on_duplicate = match (options.replace, options.keep_both) {
        (true, _) => OnDuplicate::Replace,
        (_, true) => OnDuplicate::KeepBoth,
        (false, false) => OnDuplicate::Fail,
    };
    let mut command = format!("mcm login aws --sso-start-url {start_url}");
    if let Some(region) = &options.sso_region {
        command.push_str(" --sso-region ");
        command.push_str(region);
    }
    let id = app.connect(Connect {
        portal: Some(ConnectPortal {
            start_url,
            region: options.sso_region,
        }),
        device_code: options.device_code,
        redirect_port: options.redirect_port,
        on_duplicate,
        ..Connect::new(Cloud::Aws)
    })?;
    let mut snapshots = app.watch();
    let is_past = |view: &SignInView| view.portal.is_some() || view.step != SignInStep::Starting;
    let asked = reached(&mut snapshots, id, |view| {
        view.own_address.is_some() || is_past(view)
    });
    if let Some(host) = asked.await.and_then(|view| view.own_address) {
        note(&format!(
            "{host} is not an address of AWS. It is asked which access portal it leads to."
        ));
    }
    let found = reached(&mut snapshots, id, is_past).await;
    if let Some(portal) = found.and_then(|view| view.portal) {
        let origin = match portal.region_origin {
            RegionOrigin::Given => "from --sso-region",
            RegionOrigin::StartUrl => "from the start URL",
            RegionOrigin::ConfigFile => "from ~/.aws/config",
            RegionOrigin::PortalPage => "from the portal's page; --sso-region names another",
        };
        note(&format!(
            "Signing in at {} in {} ({origin}).",
            portal.start_url, portal.region
        ));
    }
    let signed_in = sign_in(app, id, &command).await;
    if let Ok(account) = &signed_in {
        note("Loading your accounts and roles.");
        wait_for_targets(app, account).await;
    }
    // The browser waits for its last page, however the sign-in ended.
    app.last_pages_shown().await;
    let account = view(app, &signed_in?)?;
    if account.target_count == 0 && account.targets_error.is_none() {
        note("No accounts are assigned to you.");
    }
    Ok(print_connected(&account)?)
}

/// The sign-in as soon as it is at a point, if it still runs.
async fn reached(
    snapshots: &mut watch::Receiver<Arc<Snapshot>>,
    id: SignInId,
    is_there: impl Fn(&SignInView) -> bool,
) -> Option<SignInView> {
    let of_it = |snapshot: &Snapshot| {
        let mut views = snapshot.sign_ins.iter();
        views.find(|view| view.id == id).cloned()
    };
    let found = snapshots.wait_for(|snapshot| of_it(snapshot).is_none_or(|view| is_there(&view)));
    found.await.ok().and_then(|snapshot| of_it(&snapshot))
}

/// What `mcm login aws` needs to know.
const TWO_WAYS: &str = "\
There are two ways to connect to AWS.
  IAM Identity Center, with every account and role that you are assigned:
    mcm login aws --sso-start-url URL
  A role of your own, which mcm assumes with an External ID:
    mcm login aws --print cli          prints the commands that create it
    mcm login aws --role-arn ARN       connects it
Every option: mcm login aws --help";

/// Says how to connect, and lists the start URLs that AWS's config file names, with what signs in to each.
fn list_portals(app: &App) -> Result<(), Failure> {
    let found = app.found_portals();
    if found.is_empty() {
        return Err(Error::new(Code::InvalidInput, TWO_WAYS).into());
    }
    note(TWO_WAYS);
    note("\nSign-ins that ~/.aws/config names:");
    let lines = found.iter().map(|portal| {
        let region = portal
            .region
            .as_ref()
            .map_or_else(String::new, |region| format!(" --sso-region {region}"));
        [
            portal.names.join(", "),
            format!("mcm login aws --sso-start-url {}{region}", portal.start_url),
        ]
    });
    let head = ["IN ~/.aws/config", "TO SIGN IN"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(lines).collect();
    Ok(print(&table(&rows))?)
}

async fn connect(
    app: &App,
    vault: &Vault,
    role_arn: Option<String>,
    options: AwsLogin,
) -> Result<(), Failure> {
    open_keychain(vault).await?;
    let role = ConnectRole {
        role_arn,
        external_id: options.external_id,
        source: chosen(options.source.as_deref())?,
        session_seconds: options.session_duration,
        session_name: options.session_name,
        accept_not_enforced: options.accept_not_enforced,
    };
    let id = app.connect(Connect {
        role: Some(role),
        ..Connect::new(Cloud::Aws)
    })?;
    let account = verify(app, id).await?;
    wait_for_targets(app, &account).await;
    Ok(print_connected(&view(app, &account)?)?)
}

/// Shows the caller and the progress of the checks, until the sign-in has ended.
pub(crate) async fn verify(app: &App, id: SignInId) -> Result<AccountId, Error> {
    let mut snapshots = app.watch();
    let mut shown: Vec<RoleCheck> = Vec::new();
    let mut is_caller_shown = false;
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        let view = snapshot.sign_ins.iter().find(|view| view.id == id);
        if let Some(RoleVerification { caller, checks }) =
            view.and_then(|view| view.verification.as_ref())
        {
            if !is_caller_shown {
                is_caller_shown = true;
                print_caller(caller);
            }
            for check in checks.iter().filter(|check| !shown.contains(check)) {
                if let Some(line) = progress(check) {
                    note(&line);
                }
            }
            shown.clone_from(checks);
        }
        match view.map(|view| &view.step) {
            Some(SignInStep::MfaCode {
                device,
                was_refused,
            }) => {
                if let Err(error) = enter_mfa_code(app, id, device, *was_refused).await {
                    app.cancel_sign_in(id)?;
                    return Err(error);
                }
            }
            Some(SignInStep::Starting | SignInStep::Verifying | SignInStep::Finishing) => {}
            _ => return app.sign_in_ended(id).await,
        }
        if snapshots.changed().await.is_err() {
            return app.sign_in_ended(id).await;
        }
    }
}

/// Asks for a code of an MFA device at the terminal.
async fn enter_mfa_code(
    app: &App,
    id: SignInId,
    device: &str,
    was_refused: bool,
) -> Result<(), Error> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        let message = format!(
            "The source needs a code of the MFA device {device}. Run this command in a terminal, or connect the role in the app."
        );
        return Err(Error::new(Code::InvalidInput, message));
    }
    if was_refused {
        note("AWS refused this code. Wait for the next one; each code works once.");
    }
    ask(&format!("Code of the MFA device {device}: "));
    app.enter_mfa_code(id, &line().await?.into())
}

fn print_caller(caller: &str) {
    let account_id = caller.split(':').nth(4).unwrap_or_default();
    note(&format!("You call AWS as {caller} (account {account_id})."));
}

/// The line for a check, once it has a result.
fn progress(check: &RoleCheck) -> Option<String> {
    if check.what == RoleCheckKind::Identity {
        return match check.state {
            CheckState::Passed => Some(format!("  assumed identity: {}", check.became.as_deref()?)),
            CheckState::Failed => {
                Some("  assumed identity: AWS did not confirm that it is the role.".to_owned())
            }
            _ => None,
        };
    }
    let how = match check.what {
        RoleCheckKind::RightId => "with the External ID",
        RoleCheckKind::NoId => "without an External ID",
        RoleCheckKind::WrongId | RoleCheckKind::Identity => "with a wrong External ID",
    };
    let came_to = match (check.what, check.state) {
        (_, CheckState::Waiting) => return None,
        (_, CheckState::Running) if check.attempts > 1 => return None,
        (_, CheckState::Running) => "asking AWS …",
        (RoleCheckKind::RightId, CheckState::Retrying) => {
            "refused so far. A new role can take a minute to become available. Trying again; Ctrl-C cancels."
        }
        (_, CheckState::Retrying) => "no clear answer; trying again.",
        (RoleCheckKind::RightId, CheckState::Passed) => "allowed, as expected.",
        (_, CheckState::Passed) => "refused, as expected.",
        (RoleCheckKind::RightId, CheckState::Failed) => "REFUSED.",
        (_, CheckState::Failed) => "ALLOWED, although it must be refused.",
        (_, CheckState::Unknown) => "AWS gave no clear answer.",
    };
    Some(format!("  {how}: {came_to}"))
}

async fn print_template(app: &App, form: Template, options: AwsLogin) -> Result<(), Failure> {
    let prepared = app
        .prepare_role(PrepareRole {
            source: chosen(options.source.as_deref())?.or_else(|| profile_in_force(app)),
            external_id: options.external_id,
            another: options.another,
            role_name: options.role_name,
            permissions: options.permissions,
            session_seconds: options.session_duration,
        })
        .await?;
    let templates = &prepared.templates;
    let text = match form {
        Template::TrustPolicy => &templates.trust_policy,
        Template::Cloudformation => &templates.cloudformation,
        Template::Terraform => &templates.terraform,
        Template::Cli => &templates.cli,
    };
    print_prepared(&prepared, form);
    Ok(print(text.trim_end())?)
}

/// The source that the user named, if any.
fn chosen(source: Option<&str>) -> Result<Option<SourceChoice>, Error> {
    source.map(str::parse).transpose()
}

/// The profile that the default chain uses in this shell. It is stored by name, because the connection is used in
/// other shells too.
fn profile_in_force(app: &App) -> Option<SourceChoice> {
    let settings = app.settings();
    let environment = &settings.aws.environment;
    if environment.get("AWS_ACCESS_KEY_ID").is_some() {
        return None;
    }
    environment
        .get("AWS_PROFILE")
        .map(|name| Source::Profile(name.to_owned()).into())
}

fn print_prepared(prepared: &PreparedRole, form: Template) {
    let PreparedRole {
        external_id,
        role_name,
        caller,
        templates,
        ..
    } = prepared;
    print_caller(&caller.arn);
    if !caller.principal_is_exact {
        let advice = if caller.principal_arn.contains(":role/AWSReservedSSO_") {
            "IAM Identity Center made it, so its path is /aws-reserved/sso.amazonaws.com/, in most regions followed by the \
             region, as in /aws-reserved/sso.amazonaws.com/eu-west-1/. Add that to the template, or IAM refuses it."
        } else {
            "If it has one, add it to the template."
        };
        note(&format!(
            "AWS does not show the path of the role {}. {advice}",
            caller.principal_arn
        ));
    }
    note(&format!(
        "External ID {external_id} is reserved for this role until you connect it."
    ));
    if form == Template::Cloudformation {
        note(&format!(
            "To create the role: {}",
            templates.cloudformation_command
        ));
    }
    note(&format!(
        "Then run \"mcm login aws --role-arn arn:{}:iam::ACCOUNT:role/{role_name} --external-id {external_id}\".",
        caller.partition
    ));
}

fn list_pending(app: &App) -> Result<(), Failure> {
    let pending = app.pending_roles()?;
    if pending.is_empty() {
        note("No External ID is waiting for a role.");
        return Ok(());
    }
    let zone = TimeZone::system();
    let line = |pending: &PendingRole| {
        let made_at = pending
            .made_at
            .to_zoned_datetime(zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string();
        let PendingRole {
            external_id,
            role_name,
            source,
            principal_arn,
            ..
        } = pending.clone();
        [
            role_name,
            source.to_string(),
            principal_arn,
            made_at,
            external_id,
        ]
    };
    let head = ["ROLE", "SOURCE", "CALLER", "CREATED", "EXTERNAL ID"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head)
        .chain(pending.iter().map(line))
        .collect();
    Ok(print(&table(&rows))?)
}
