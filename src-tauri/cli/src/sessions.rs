//! `mcm sessions`: which running programs hold credentials, and cutting one off.
//!
//! The JSON is stable: fields may be added, none is renamed, removed or given another meaning.

use jiff::tz::TimeZone;
use mcm_core::app::App;
use mcm_core::holders::{CutOff, HolderKind, Holders, Listed};
use mcm_core::words;
use mcm_core::world::World;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{clock_time, note, print, print_json, table};
use crate::shell_arguments::SessionsOptions;

/// What `mcm sessions --json` prints.
#[derive(Serialize)]
struct Sessions {
    sessions: Vec<Listed>,
}

pub(crate) fn run(app: &App, world: &World, options: &SessionsOptions) -> Result<(), Failure> {
    let holders = Holders::in_folder(&world.paths.data);
    let (now, zone) = (world.clock.now(), TimeZone::system());
    if let Some(id) = &options.revoke {
        let revoked = holders.revoke(id)?;
        note(&format!(
            "Revoked {} (process {}). It gets no new credential.",
            revoked.holder.program, revoked.holder.pid
        ));
        for held in revoked.held.iter().filter(|held| held.expires_at > now) {
            let name = app
                .account_without_lists(&held.account)?
                .map_or_else(|| held.account.to_string(), |account| account.name());
            note(&format!(
                "  It holds a credential of {name} that is valid until {}.",
                clock_time(held.expires_at, &zone)
            ));
        }
        return Ok(());
    }
    let sessions = holders.list();
    if options.json {
        return Ok(print_json(&Sessions { sessions })?);
    }
    if sessions.is_empty() {
        note("No mcm exec and no mcm shell is running.");
        return Ok(());
    }
    let head = [
        "ID",
        "PROGRAM",
        "PID",
        "TERMINAL",
        "ENVIRONMENT",
        "SINCE",
        "LAST ISSUED",
        "STATE",
    ]
    .map(str::to_owned);
    let line = |listed: &Listed| {
        let holder = &listed.holder;
        let program = match holder.kind {
            HolderKind::Exec => holder.program.clone(),
            HolderKind::Shell => format!("{} (shell)", holder.program),
        };
        let last = listed.held.iter().map(|held| held.issued_at).max();
        let state = match (listed.cut_off(now), holder.until) {
            (Some(CutOff::Revoked), _) => "revoked".to_owned(),
            (Some(CutOff::Over), _) => "time is over".to_owned(),
            (None, Some(until)) => {
                format!("{} left", words::duration(until.duration_since(now)))
            }
            (None, None) => String::new(),
        };
        let state = match (holder.read_only, state.is_empty()) {
            (false, _) => state,
            (true, true) => "read-only".to_owned(),
            (true, false) => format!("read-only, {state}"),
        };
        [
            listed.id.clone(),
            program,
            holder.pid.to_string(),
            holder.terminal.clone().unwrap_or_default(),
            holder.environment.clone().unwrap_or_default(),
            clock_time(holder.since, &zone),
            last.map(|at| clock_time(at, &zone)).unwrap_or_default(),
            state,
        ]
    };
    let rows: Vec<_> = std::iter::once(head)
        .chain(sessions.iter().map(line))
        .collect();
    Ok(print(&table(&rows))?)
}
