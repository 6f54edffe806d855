//! `mcm activity`: the events of the accounts, newest first.
//!
//! The JSON is stable: fields and kinds may be added, none is renamed, removed or given another meaning.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mcm_core::account::Cloud;
use mcm_core::activity::{ActivityEvent, ActivityKind};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::store::ChainBreak;
use serde::Serialize;

use crate::account_argument::whole_by_name;
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
    let account = account.map(|name| whole_by_name(app, name)).transpose()?;
    let activity = app.activity(account.as_ref().map(|account| &account.id), most);
    if json {
        return Ok(print_json(&Activity { activity })?);
    }
    if activity.is_empty() {
        note("No activity yet.");
        return Ok(());
    }
    let zone = TimeZone::system();
    let head = ["TIME", "ACCOUNT", "WHAT"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head)
        .chain(activity.iter().map(|happening| line(happening, &zone)))
        .collect();
    Ok(print(&table(&rows))?)
}

/// What `mcm activity --verify --json` prints.
#[derive(Serialize)]
struct Verified {
    /// How many events follow each other as they were written.
    events: usize,
    /// How many events of earlier versions are not in the chain.
    unchecked: usize,
    /// The hash of the last event.
    end: String,
    /// Whether the whole chain holds.
    intact: bool,
}

/// `mcm activity --verify`: whether the log is what was written.
pub(crate) fn verify(app: &App, json: bool) -> Result<(), Failure> {
    let found = app.check_activity()?;
    if json {
        print_json(&Verified {
            events: found.events,
            unchecked: found.unchecked,
            end: found.end.clone(),
            intact: found.broken_at.is_none(),
        })?;
    }
    let what = match found.broken_at {
        Some(ChainBreak::Event { at }) => {
            format!(
                "The event of {} is not the one that was written",
                shown_time(at, &TimeZone::system())
            )
        }
        Some(ChainBreak::End) => "Events at the end are missing".to_owned(),
        None if json => return Ok(()),
        None => {
            let count = |number: usize| match number {
                1 => "1 event".to_owned(),
                more => format!("{more} events"),
            };
            let mut text = format!("{} as they were written.", count(found.events));
            if found.unchecked > 0 {
                text.push_str(&format!(
                    " {} of an earlier version were not checked.",
                    count(found.unchecked)
                ));
            }
            if !found.end.is_empty() {
                text.push_str(&format!(" The last has the hash {}.", found.end));
            }
            return Ok(print(&text)?);
        }
    };
    if json {
        return Err(Failure::AlreadyShown);
    }
    let message = format!(
        "{what}. Another program changed the activity log in accounts.db. Do not rely on it."
    );
    Err(Error::new(Code::StorageUnreadable, message).into())
}

fn line(happening: &ActivityEvent, zone: &TimeZone) -> [String; 3] {
    let at = shown_time(happening.at, zone);
    let what = match &happening.what {
        ActivityKind::Connected => "connected".to_owned(),
        ActivityKind::SignedInAgain => "signed in again".to_owned(),
        ActivityKind::Renewed => "session renewed".to_owned(),
        ActivityKind::RenewalFailed { code, reference } => {
            format!("session not renewed: {} ({reference})", code.as_str())
        }
        ActivityKind::HandedOut {
            to,
            resource,
            environment,
        } => {
            let what = match resource {
                Some(resource) if resource == "read-only" => "read-only credential".to_owned(),
                _ if happening.cloud == Cloud::Aws => "credential".to_owned(),
                Some(resource) => format!("token for {resource}"),
                None => "token".to_owned(),
            };
            let place = environment
                .as_ref()
                .map(|name| format!(" in {name}"))
                .unwrap_or_default();
            format!("{what} issued to {to}{place}")
        }
        ActivityKind::Used => "chosen".to_owned(),
        ActivityKind::TargetsChanged { added, removed } => {
            format!("targets changed: {added} added, {removed} removed")
        }
        ActivityKind::Restored => "restored from a backup".to_owned(),
        ActivityKind::Disconnected => "disconnected".to_owned(),
    };
    [at, happening.name.clone(), what]
}

fn shown_time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}
