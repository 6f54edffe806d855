//! `mcm doctor`: checks everything that signing in and issuing credentials need, and shows how to fix what is wrong.
//!
//! It changes nothing and shows no value of a secret variable. The checks are in `doctor/checks.rs`; the search for
//! other tools' plain-text credentials is in `doctor/leftovers.rs`. The JSON is stable: checks may be added, none
//! changes its name.

mod aws_files;
mod checks;
mod clusters;
mod hook;
mod leftovers;
mod network;

use mcm_core::app::App;
use mcm_core::text;
use mcm_core::world::World;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{print, print_json};

/// What `mcm doctor --json` prints.
#[derive(Serialize)]
struct Findings {
    checks: Vec<Check>,
}

/// One check and its result.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    /// The name of the check.
    name: String,
    status: Status,
    /// The result.
    found: String,
    /// The fix; null when there is no problem.
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Ok,
    Warn,
    Fail,
}

impl Check {
    fn ok(name: &str, found: impl Into<String>) -> Self {
        // What was found may be in a file or a variable that anyone wrote.
        let found = text::harmless(&found.into()).into_owned();
        Self {
            name: name.to_owned(),
            status: Status::Ok,
            found,
            remedy: None,
        }
    }

    fn warn(name: &str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = text::harmless(&remedy.into()).into_owned();
        Self {
            status: Status::Warn,
            remedy: Some(remedy),
            ..Self::ok(name, found)
        }
    }

    fn fail(name: &str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            status: Status::Fail,
            ..Self::warn(name, found, remedy)
        }
    }
}

/// Runs every check and prints the results. Fails when a check does.
pub(crate) async fn run(app: &App, world: &World, json: bool) -> Result<(), Failure> {
    let checks = checks::all(app, world).await;
    let has_failed = checks.iter().any(|check| check.status == Status::Fail);
    if json {
        print_json(&Findings { checks })?;
    } else {
        print(&checks.iter().map(to_line).collect::<Vec<_>>().join("\n"))?;
    }
    if has_failed {
        Err(Failure::AlreadyShown)
    } else {
        Ok(())
    }
}

fn to_line(check: &Check) -> String {
    let status = match check.status {
        Status::Ok => "ok  ",
        Status::Warn => "warn",
        Status::Fail => "FAIL",
    };
    let remedy = check
        .remedy
        .as_ref()
        .map(|remedy| format!("\n      {remedy}"))
        .unwrap_or_default();
    format!("{status}  {}: {}{remedy}", check.name, check.found)
}
