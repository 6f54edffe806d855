//! `mcm doctor`: looks at everything that signing in and handing out need, and says how to mend what is wrong.
//!
//! It changes nothing and shows no value of a secret variable. What is looked at stands in `doctor/checks.rs`, and what
//! other tools leave in plain text in `doctor/leftovers.rs`. The JSON is stable: checks may be added, none changes its name.

mod aws_files;
mod checks;
mod leftovers;
mod network;

use mcm_core::app::App;
use mcm_core::world::World;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{print, print_json};

/// What `mcm doctor --json` prints.
#[derive(Serialize)]
struct Findings {
    checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    /// What was looked at.
    name: String,
    status: Status,
    /// What was found.
    found: String,
    /// What to do about it; null when it is as it should be.
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
        Self {
            name: name.to_owned(),
            status: Status::Ok,
            found: found.into(),
            remedy: None,
        }
    }

    fn warn(name: &str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (found, remedy) = (found.into(), Some(remedy.into()));
        Self {
            name: name.to_owned(),
            status: Status::Warn,
            found,
            remedy,
        }
    }

    fn fail(name: &str, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            status: Status::Fail,
            ..Self::warn(name, found, remedy)
        }
    }
}

/// Looks at everything and prints what was found. Fails when anything does.
pub(crate) async fn run(app: &App, world: &World, json: bool) -> Result<(), Failure> {
    let checks = checks::all(app, world).await;
    let has_failed = checks.iter().any(|check| check.status == Status::Fail);
    if json {
        print_json(&Findings { checks })?;
    } else {
        print(&checks.iter().map(to_line).collect::<Vec<_>>().join("\n"))?;
    }
    if has_failed {
        Err(Failure::Told)
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
