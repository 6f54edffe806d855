//! Whether the shell around `mcm doctor` has the hook: it is there, as this version prints it, and nothing took its place.

use mcm_core::app::App;
use mcm_core::folder_file::PERMISSIONS;
use mcm_core::world::{Environment, World};

use super::Check;
use crate::hook::{Hook, VERSION};
use crate::shell::Shell;
use crate::{shims, variables};

const NAME: &str = "shell hook";

/// The check; none where no shell with a hook runs mcm, or where nothing depends on one.
pub(super) fn check(app: &App, world: &World) -> Option<Check> {
    let environment = Environment::of_this_process();
    // On Windows no program sees which shell runs it, and PowerShell's hook alone marks itself there.
    let is_marked = cfg!(windows) && environment.get(variables::HOOK).is_some();
    let hook = Hook::of(Shell::around().or(is_marked.then_some(Shell::Powershell))?)?;
    // nushell's hook is a file that is made anew, and no line of a start file.
    let is_file = hook.shell == Shell::Nushell;
    let name = hook.shell.name();
    let load = hook.load_line;
    let mark = environment.get(variables::HOOK).unwrap_or_default();
    let mut parts = mark.split(':');
    let (version, pid, state) = (parts.next(), parts.next(), parts.next());
    // An inner shell inherits the mark of the one around it.
    let is_of_this_shell = cfg!(windows) || pid.and_then(|pid| pid.parse().ok()) == Some(parent());
    if mark.is_empty() || !is_of_this_shell {
        let is_used = [PERMISSIONS, shims::FOLDER]
            .into_iter()
            .any(|folder| world.paths.data.join(folder).is_dir());
        let is_missed = is_used && !app.environments().unwrap_or_default().is_empty();
        let found = format!(
            "this {name} has no hook, so mcm use ENVIRONMENT and .mcm.toml do nothing here"
        );
        return is_missed.then(|| {
            let remedy = if is_file {
                format!("Run this, and start a new shell: {load}")
            } else {
                format!("Add to the end of its start file: {load}")
            };
            Check::warn(NAME, found, remedy)
        });
    }
    if version != Some(VERSION) {
        let found = format!("the hook of this {name} is of another version of mcm");
        let remedy = if is_file {
            format!("Make its file anew, and start a new shell: {load}")
        } else {
            format!(
                "Start a new shell. If its start file has lines of the hook, replace them by: {load}"
            )
        };
        return Some(Check::warn(NAME, found, remedy));
    }
    if state != Some("intact") {
        let found = format!(
            "the hook of this {name} is no longer in place: another program overwrote it, or this shell replaced one that had it"
        );
        let remedy = if is_file {
            "Keep its cd and its pre_prompt hook in what your other files define, and start a new shell.".to_owned()
        } else {
            format!("Move this line to the end of its start file: {load}")
        };
        return Some(Check::warn(NAME, found, remedy));
    }
    Some(Check::ok(NAME, format!("this {name} has the hook")))
}

/// The process of the shell.
#[cfg(unix)]
fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

/// No program sees it there.
#[cfg(not(unix))]
fn parent() -> u32 {
    0
}
