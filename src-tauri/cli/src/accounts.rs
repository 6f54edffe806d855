//! `mcm accounts`: the connected accounts and their status; and `mcm rename`.
//!
//! The JSON is stable: fields may be added, none is renamed, removed or given another meaning.

use std::io::{self, IsTerminal as _};

use jiff::Timestamp;
use mcm_core::account::{AccountId, Cloud, Identity, Target};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::role::Enforcement;
use mcm_core::snapshot::{AccountView, PinnedTarget, Status};
use mcm_core::words;
use mcm_core::world::Environment;
use serde::Serialize;

use crate::account_argument::{by_name, names_target, whole_by_name};
use crate::failure::Failure;
use crate::output::{
    TerminalColour, fit, is_coloured, note, painted_table, print, print_json, terminal_width,
};

/// The columns of the table that may be cut, so that it fits the terminal.
const NAME: usize = 2;
const TARGET: usize = 3;

/// What `mcm accounts --json` prints.
#[derive(Serialize)]
struct Accounts {
    /// Sorted by cloud, the starred ones first, then the last used ones.
    accounts: Vec<AccountRow>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountRow {
    /// The value that every command accepts as ACCOUNT.
    id: AccountId,
    /// `azure`, `gcp` or `aws`.
    provider: Cloud,
    /// The user's name for it, or else the cloud's.
    display_name: String,
    #[serde(flatten)]
    details: Details,
    /// The identity that is signed in, in readable form.
    identity: String,
    /// `connected`, `expired`, `sign-in-again`, `locked`, `unknown` (no keychain answers) or `offline`.
    status: Status,
    /// Whether it is the one in use in its cloud.
    active: bool,
    /// When the current session ends, in RFC 3339 and UTC; null when there is none.
    session_expires_at: Option<String>,
}

/// Fields that only the accounts of one cloud have.
#[derive(Serialize)]
#[serde(untagged, rename_all_fields = "camelCase")]
enum Details {
    Azure {
        tenant_id: String,
        /// The ids of its subscriptions as last loaded.
        subscriptions: Vec<String>,
    },
    Gcp {
        /// The address; null when Google does not confirm one.
        email: Option<String>,
        /// The ids of its projects as last loaded.
        projects: Vec<String>,
    },
    IdentityCenter {
        /// `identity-center`.
        kind: &'static str,
        start_url: String,
        sso_region: String,
        /// Null while no role is assigned.
        user_name: Option<String>,
        /// `aws`, `aws-cn`, `aws-us-gov` and so on.
        partition: String,
        /// `ACCOUNT/ROLE` of every role as last read.
        roles: Vec<String>,
        /// The role in use.
        role: Option<String>,
        /// The pinned roles.
        pinned: Vec<String>,
    },
    Aws {
        /// `role`.
        kind: &'static str,
        /// Twelve digits.
        account_id: String,
        role_arn: String,
        external_id: String,
        external_id_enforced: Enforced,
        /// `aws`, `aws-cn`, `aws-us-gov` and so on.
        partition: String,
        /// The region in use.
        region: Option<String>,
    },
}

/// Whether the role refused callers without its External ID: true, false or `unknown`.
#[derive(Serialize)]
#[serde(untagged)]
enum Enforced {
    Seen(bool),
    NotSeen(&'static str),
}

impl From<Enforcement> for Enforced {
    fn from(enforcement: Enforcement) -> Self {
        match enforcement {
            Enforcement::Enforced => Self::Seen(true),
            Enforcement::NotEnforced => Self::Seen(false),
            Enforcement::Unknown => Self::NotSeen("unknown"),
        }
    }
}

pub(crate) fn run(
    app: &App,
    environment: &Environment,
    json: bool,
    wide: bool,
) -> Result<(), Failure> {
    if json {
        let stored = app.stored()?;
        let (_, views) = app.rows(&stored);
        let accounts = views.iter().map(|view| {
            let account = stored.account(&view.id);
            row(view, account.map_or(&[], |account| &account.targets))
        });
        let accounts = accounts.collect();
        return Ok(print_json(&Accounts { accounts })?);
    }
    let (now, mut views) = app.rows(&app.stored_without_lists()?);
    // A pinned target is shown by its name, which is in the list.
    if views.iter().any(|view| !view.pinned.is_empty()) {
        let listed = app.stored()?;
        (_, views) = app.rows(&listed);
    }
    if views.is_empty() {
        note("No account is connected. Run \"mcm login azure\" to connect one.");
        return Ok(());
    }
    if views.iter().any(|view| view.status == Status::Unknown) {
        note(
            "No keychain answers in this session, so the saved sign-ins cannot be seen. Start a keychain, then try again.",
        );
    }
    let head = [
        "",
        "ID",
        "NAME",
        "IDENTITY",
        "TARGET",
        "TIME LEFT",
        "STATUS",
    ]
    .map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head)
        .chain(views.iter().flat_map(|view| {
            let pinned = view
                .pinned
                .iter()
                .map(|target| pinned_line(view, target, wide));
            std::iter::once(line(view, now)).chain(pinned)
        }))
        .collect();
    let has_colours = is_coloured(environment, io::stdout().is_terminal());
    let paint = |_, cell: &str| colour(cell).filter(|_| has_colours);
    if wide {
        return Ok(print(&painted_table(&rows, paint))?);
    }
    let mut rows: Vec<_> = rows
        .into_iter()
        .map(|[mark, id, name, _, target, time_left, status]| {
            [mark, id, name, target, time_left, status]
        })
        .collect();
    fit(&mut rows, &[NAME, TARGET], terminal_width());
    print(&painted_table(&rows, paint))?;
    for view in &views {
        if let Some(remark) = remark(&view.identity) {
            note(&format!("{}: {remark}.", view.name));
        }
    }
    Ok(())
}

/// The colour of a status; none for any other text.
fn colour(cell: &str) -> Option<TerminalColour> {
    match cell {
        "connected" => Some(TerminalColour::Green),
        "expired" | "offline" | "locked" => Some(TerminalColour::Yellow),
        "sign-in-again" => Some(TerminalColour::Red),
        _ => None,
    }
}

/// Pins a target or takes the pin away.
pub(crate) async fn pin(app: &App, name: &str, pinned: bool) -> Result<(), Failure> {
    let account = by_name(app, name)?;
    let target = account
        .chosen_target()
        .filter(|_| names_target(&account, name))
        .ok_or_else(|| {
            let message = "Name a target behind the account, as in contoso/123456789012/ReadOnly.";
            Error::new(Code::InvalidInput, message)
        })?;
    app.pin_target(&account.id, &target.id, pinned).await?;
    let state = if pinned { "pinned" } else { "no longer pinned" };
    Ok(print(&format!(
        "{} of {} is {state}.",
        target.name,
        account.name()
    ))?)
}

/// Renames an account; without a name, it gets its cloud's name back.
pub(crate) async fn rename(app: &App, account: &str, name: Option<&str>) -> Result<(), Failure> {
    let account = whole_by_name(app, account)?;
    app.rename(&account.id, name).await?;
    let renamed = app.named(account.id.as_str())?;
    Ok(print(&format!(
        "{} is now called {}.",
        account.id,
        renamed.name()
    ))?)
}

fn row(view: &AccountView, targets: &[Target]) -> AccountRow {
    let targets = targets.iter().map(|target| target.id.clone()).collect();
    AccountRow {
        id: view.id.clone(),
        provider: view.cloud,
        display_name: view.name.clone(),
        details: match &view.identity {
            Identity::Azure { tenant_id, .. } => Details::Azure {
                tenant_id: tenant_id.clone(),
                subscriptions: targets,
            },
            Identity::Gcp { email, .. } => Details::Gcp {
                email: email.clone(),
                projects: targets,
            },
            Identity::IdentityCenter {
                start_url,
                region,
                partition,
                user_name,
                ..
            } => Details::IdentityCenter {
                kind: "identity-center",
                start_url: start_url.clone(),
                sso_region: region.clone(),
                user_name: user_name.clone(),
                partition: partition.clone(),
                roles: targets,
                role: view.target.as_ref().map(|target| target.id.clone()),
                pinned: view
                    .pinned
                    .iter()
                    .map(|pinned| pinned.target.id.clone())
                    .collect(),
            },
            Identity::Aws {
                account_id,
                role_arn,
                external_id,
                enforced,
                partition,
                ..
            } => Details::Aws {
                kind: "role",
                account_id: account_id.clone(),
                role_arn: role_arn.clone(),
                external_id: external_id.clone(),
                external_id_enforced: (*enforced).into(),
                partition: partition.clone(),
                region: view.target.as_ref().map(|target| target.id.clone()),
            },
        },
        identity: view.identity.who().to_owned(),
        status: view.status,
        active: view.active,
        session_expires_at: view
            .session
            .map(|session| format!("{:.0}", session.expires_at)),
    }
}

fn line(view: &AccountView, now: Timestamp) -> [String; 7] {
    let status = serde_json::to_value(view.status).expect("a plain enum serialises");
    [
        if view.active { "*" } else { "" }.to_owned(),
        view.id.to_string(),
        view.name.clone(),
        who(&view.identity),
        view.target
            .as_ref()
            .map_or_else(|| "-".to_owned(), |target| target.name.clone()),
        view.session.map_or_else(
            || "-".to_owned(),
            |session| words::duration(session.expires_at.duration_since(now)),
        ),
        status.as_str().unwrap_or_default().to_owned(),
    ]
}

/// A pinned target as an entry of its own. It stays when its cloud no longer lists it. Its id is too long for a narrow
/// table, where its name is enough.
fn pinned_line(
    view: &AccountView,
    PinnedTarget { target, listed }: &PinnedTarget,
    wide: bool,
) -> [String; 7] {
    let is_chosen = view
        .target
        .as_ref()
        .is_some_and(|chosen| chosen.id == target.id);
    [
        if view.active && is_chosen { "*" } else { "" }.to_owned(),
        if wide {
            format!("{}/{}", view.id, target.id)
        } else {
            "  pinned".to_owned()
        },
        format!("  {}", target.name),
        String::new(),
        "pinned".to_owned(),
        String::new(),
        if *listed { "" } else { "no longer listed" }.to_owned(),
    ]
}

/// The identity, and for a role whether its External ID protects it.
fn who(identity: &Identity) -> String {
    let who = identity.who();
    remark(identity).map_or_else(|| who.to_owned(), |remark| format!("{who} ({remark})"))
}

/// What to know of a role whose External ID does not surely protect it.
fn remark(identity: &Identity) -> Option<&'static str> {
    match identity {
        Identity::Aws {
            enforced: Enforcement::NotEnforced,
            ..
        } => Some("External ID not enforced"),
        Identity::Aws {
            enforced: Enforcement::Unknown,
            ..
        } => Some("External ID not verified"),
        _ => None,
    }
}
