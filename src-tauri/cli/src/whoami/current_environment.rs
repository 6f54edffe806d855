//! The environment that a shell or command works in, where that comes from, and what the shims make of a tool there.

use mcm_core::account::Cloud;
use mcm_core::app::App;
use mcm_core::environment::{EnvironmentName, NamedEnvironment};
use mcm_core::world::Environment;
use serde::Serialize;

use super::{ExaminedShell, Found, Source, kubernetes};
use crate::hook_state::State;
use crate::{shims, variables};

/// The environment of this shell or command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Around {
    /// Its name.
    pub(super) name: String,
    /// `mcm-exec` (also for `mcm shell`), `mcm-use`, `folder` or `mcm-env`.
    pub(super) source: &'static str,
    /// The reason, as a part of a sentence.
    pub(super) why: &'static str,
}

/// The environment around, if there is one of the user's own. Variables may say anything.
pub(super) fn find(environment: &Environment, app: &App) -> Option<(NamedEnvironment, Around)> {
    let name = EnvironmentName::parse(environment.get(variables::ENVIRONMENT)?)?;
    let named = app.environment(name.as_str()).ok()?;
    let (source, why) = match State::of(environment) {
        Some(state) if state.terminal.is_some() => {
            ("mcm-use", "which mcm use chose for this terminal")
        }
        Some(_) => ("folder", "which this folder's .mcm.toml chose"),
        None if environment.get(variables::HOLDER).is_some() => {
            ("mcm-exec", "in which mcm exec or mcm shell started this")
        }
        None => ("mcm-env", "which mcm env put into this shell"),
    };
    let around = Around {
        name: named.name.to_string(),
        source,
        why,
    };
    Some((named, around))
}

/// The environment that a tool works in: it has the environment's account, or no identity where the environment closes the
/// cloud.
pub(super) fn of_tool(found: &Found, shell: &ExaminedShell<'_>) -> Option<String> {
    let (named, around) = shell.around.as_ref()?;
    if found.is_of_kubernetes() {
        return kubernetes::is_as_named(found, named).then(|| around.name.clone());
    }
    let is_as_named = match named.members.get(&found.provider) {
        Some(member) => found.account.as_ref() == Some(&member.account),
        None => named.closes_other_clouds() && found.source == Source::None,
    };
    is_as_named.then(|| around.name.clone())
}

/// A tool that is found by its shim, as that starts it.
pub(super) fn as_shims_start_it(found: Found, shell: &ExaminedShell<'_>) -> Found {
    let Some((named, around)) = &shell.around else {
        return found;
    };
    let program = match found.tool {
        "terraform-aws" | "terraform-azurerm" | "terraform-google" => "terraform",
        tool => tool,
    };
    let is_of_hook = matches!(around.source, "mcm-use" | "folder");
    let path = shell.environment.raw("PATH").unwrap_or_default();
    if !is_of_hook || !shims::is_found_first(path, program) {
        return found;
    }
    let Some(member) = named.members.get(&found.provider) else {
        if !named.closes_other_clouds() {
            return found;
        }
        let why = format!("{} is not part of {}.", found.provider.title(), named.name);
        return Found::other(found.tool, found.provider, Source::None, None, why);
    };
    let why = format!(
        "The shim of {program} starts it in {} through mcm exec.",
        named.name
    );
    match shell.account(&member.account) {
        Some(account) => {
            let place = match found.provider {
                Cloud::Aws => found.place,
                Cloud::Azure | Cloud::Gcp => member.target.clone(),
            };
            Found::ours(found.tool, Source::McmShim, &account, why).at(place)
        }
        None => {
            let why = format!(
                "{} of {} is no longer connected.",
                member.account_name, named.name
            );
            Found::other(found.tool, found.provider, Source::Broken, None, why)
        }
    }
}
