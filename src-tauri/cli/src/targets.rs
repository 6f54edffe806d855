//! `mcm targets` and `mcm use`: an account's subscriptions, projects or regions, and the ones in use.
//!
//! The JSON is stable: fields may be added, none is renamed, removed or given another meaning.

use mcm_core::account::{Account, AccountId, Cloud, OrganizationAccount, Target};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::provider;
use mcm_core::words;
use serde::Serialize;

use crate::account_argument::{by_name, names_target, target_by_name, whole_by_name};
use crate::credential_env::concern;
use crate::failure::Failure;
use crate::output::{note, print, print_json, table};

/// What `mcm targets --json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Targets<'a> {
    /// The account's id.
    account: &'a AccountId,
    /// When the list was loaded, in RFC 3339 and UTC.
    read_at: Option<String>,
    targets: Vec<TargetRow<'a>>,
    /// AWS: the accounts of the organisation, where the role may list them. They are no targets.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    organization: &'a [OrganizationAccount],
}

#[derive(Serialize)]
struct TargetRow<'a> {
    /// The cloud's own id.
    id: &'a str,
    name: &'a str,
    /// The state as the cloud reports it, for example `Enabled`; null when it reports none.
    state: Option<&'a str>,
    /// Whether it is the account's chosen one.
    active: bool,
}

pub(crate) async fn run(app: &App, name: &str, json: bool, refresh: bool) -> Result<(), Failure> {
    let mut account = whole_by_name(app, name)?;
    if refresh || account.targets_read_at.is_none() {
        app.read_targets(&account.id)
            .await
            .map_err(|error| Failure::of(&account, error))?;
        account = app.named(account.id.as_str())?;
    }
    let is_active = |target: &Target| account.target.as_ref() == Some(&target.id);
    if json {
        let rows = account.targets.iter().map(|target| TargetRow {
            id: &target.id,
            name: &target.name,
            state: target.state.as_deref(),
            active: is_active(target),
        });
        return Ok(print_json(&Targets {
            account: &account.id,
            read_at: account.targets_read_at.map(|at| format!("{at:.0}")),
            targets: rows.collect(),
            organization: &account.organization,
        })?);
    }
    if !account.organization.is_empty() && !account.identity.is_identity_center() {
        let count = account.organization.len();
        note(&format!(
            "This role can also see {count} accounts of its organisation; --json lists them."
        ));
    }
    if account.targets.is_empty() {
        let noun = words::targets(&account.identity);
        note(&format!(
            "{} has no {noun} for {}.",
            account.name(),
            account.identity.who()
        ));
        return Ok(());
    }
    let head = ["", "NAME", "ID", "STATE"].map(str::to_owned);
    let line = |target: &Target| {
        let mark = if is_active(target) { "*" } else { "" }.to_owned();
        [
            mark,
            target.name.clone(),
            target.id.clone(),
            target.state.clone().unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = std::iter::once(head)
        .chain(account.targets.iter().map(line))
        .collect();
    Ok(print(&table(&rows))?)
}

pub(crate) async fn run_use(app: &App, name: &str, target: Option<&str>) -> Result<(), Failure> {
    let account = by_name(app, name)?;
    let target = match (target, account.chosen_target()) {
        (None, Some(named)) if names_target(&account, name) => Some(named.id.clone()),
        (Some(_), _) if names_target(&account, name) => {
            let message = format!(
                "A target is named twice. Name it once, as in: mcm use {} TARGET",
                account.id
            );
            return Err(Error::new(Code::InvalidInput, message).into());
        }
        (wanted, _) => wanted
            .map(|wanted| target_id(&account, wanted))
            .transpose()?,
    };
    app.use_account(&account.id, target.as_deref()).await?;
    let account = app.named(account.id.as_str())?;
    let target = account
        .chosen_target()
        .map(|target| format!(", {}", target.name))
        .unwrap_or_default();
    let (cloud, name, who) = (
        account.cloud().title(),
        account.name(),
        account.identity.who(),
    );
    if let Some(concern) = concern(&account) {
        note(&concern);
    }
    if account.cloud() == Cloud::Azure && account.target.is_none() {
        note(&format!(
            "No subscription is chosen, so az and Terraform get none. Choose one: mcm use {} SUBSCRIPTION",
            account.id
        ));
    }
    Ok(print(&format!(
        "Now in use for {cloud}: {name} ({who}){target}"
    ))?)
}

/// The id of the target that the user names; at AWS also a region that no list holds, whose name has the right form.
fn target_id(account: &Account, wanted: &str) -> Result<String, Error> {
    let not_found = match target_by_name(account, wanted) {
        Ok(found) => return Ok(found.id.clone()),
        Err(error) if error.code() == Code::NotFound => error,
        Err(error) => return Err(error),
    };
    let unlisted = provider::unlisted_target(&account.identity, wanted.trim()).ok_or(not_found)?;
    note(&format!(
        "mcm: this version does not know the region {}. It was taken because its name has the form of AWS's regions.",
        unlisted.id
    ));
    Ok(unlisted.id)
}
