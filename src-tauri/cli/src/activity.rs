//! `mcm activity`: what happened to the accounts, newest first.
//!
//! The JSON is stable: fields and kinds may be added, none is renamed, removed or given another meaning.

use jiff::tz::TimeZone;
use mcm_core::account::Cloud;
use mcm_core::activity::{ActivityEvent, ActivityKind};
use mcm_core::app::App;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{note, print, print_json, table};

/// What `mcm activity --json` prints.
#[derive(Serialize)]
struct Activity {
    activity: Vec<ActivityEvent>,
}

pub(crate) fn run(
    app: &App,
    account: Option<&str>,
    most: usize,
    json: bool,
) -> Result<(), Failure> {
    let account = account.map(|name| app.resolve(name)).transpose()?;
    let activity = app.activity(account.as_ref().map(|account| &account.id), most);
    if json {
        return Ok(print_json(&Activity { activity })?);
    }
    if activity.is_empty() {
        note("Nothing has happened yet.");
        return Ok(());
    }
    let zone = TimeZone::system();
    let head = ["TIME", "ACCOUNT", "WHAT"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head)
        .chain(activity.iter().map(|happening| line(happening, &zone)))
        .collect();
    Ok(print(&table(&rows))?)
}

fn line(happening: &ActivityEvent, zone: &TimeZone) -> [String; 3] {
    let at = happening
        .at
        .to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string();
    let what = match &happening.what {
        ActivityKind::Connected => "connected".to_owned(),
        ActivityKind::SignedInAgain => "signed in again".to_owned(),
        ActivityKind::Renewed => "session renewed".to_owned(),
        ActivityKind::RenewalFailed { code, reference } => {
            format!("session not renewed: {} ({reference})", code.as_str())
        }
        ActivityKind::HandedOut { to, .. } if happening.cloud == Cloud::Aws => {
            format!("credential handed to {to}")
        }
        ActivityKind::HandedOut {
            to,
            resource: Some(resource),
        } => format!("token for {resource} handed to {to}"),
        ActivityKind::HandedOut { to, resource: None } => format!("token handed to {to}"),
        ActivityKind::Used => "chosen".to_owned(),
        ActivityKind::TargetsChanged { added, removed } => {
            format!("targets changed: {added} new, {removed} gone")
        }
        ActivityKind::Disconnected => "disconnected".to_owned(),
    };
    [at, happening.name.clone(), what]
}
