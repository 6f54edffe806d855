//! What the hook did in a shell, which the shell passes on from one call to the next in one variable: what was set, and what
//! was there before.
//!
//! No credential is kept for the undo. A variable that has another value by now was changed by hand, and stays.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mcm_core::world::Environment;
use serde::{Deserialize, Serialize};

use crate::output::note;
use crate::shims;
use crate::variables::{self, Changes};

/// What the hook did in a shell.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// The environment that was chosen.
    pub(crate) environment: String,
    /// The terminal that chose it; none for a folder's choice.
    pub(crate) terminal: Option<String>,
    /// What each variable became, and what it was. A credential's value is not kept.
    pub(crate) changes: BTreeMap<String, Change>,
    /// What the user was shown as changed by hand.
    #[serde(default)]
    pub(crate) by_hand: Vec<String>,
}

/// What became of a variable.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Change {
    became: Option<String>,
    was: Option<String>,
}

impl State {
    /// What the hook did in a shell, if it did anything.
    pub(crate) fn of(shell_has: &Environment) -> Option<Self> {
        let text = shell_has.get(variables::HOOK_STATE)?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }

    /// Whether a folder chose the environment, and not the terminal.
    pub(crate) fn is_of_folder(&self) -> bool {
        !self.environment.is_empty() && self.terminal.is_none()
    }

    /// As the value of a variable.
    pub(crate) fn as_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("text serialises"))
    }

    /// The variables without what the hook did, and the names of those that the user changed since.
    pub(crate) fn undone(&self, shell_has: &Environment) -> (Environment, Vec<String>) {
        let mut before = shell_has.clone();
        let mut by_hand = Vec::new();
        for (name, change) in &self.changes {
            if shell_has.raw(name) == change.became.as_deref() {
                before = with(&before, name, change.was.as_deref());
            } else {
                by_hand.push(name.clone());
            }
        }
        let path = shims::without(before.raw("PATH").unwrap_or_default());
        (with(&before, "PATH", Some(&path)), by_hand)
    }
}

/// The environment around the hook, which `mcm` goes by: the source of a role is the user's own, and so are az's settings.
pub(crate) fn outside(environment: &Environment) -> Environment {
    match State::of(environment) {
        None => environment.clone(),
        Some(state) => with(&state.undone(environment).0, variables::HOOK_STATE, None),
    }
}

/// The variables with another value of one of them.
pub(crate) fn with(environment: &Environment, name: &str, value: Option<&str>) -> Environment {
    let others = environment.pairs().filter(|(known, _)| *known != name);
    Environment::from_pairs(others.chain(value.map(|value| (name, value))))
}

/// What is kept for the undo. Credentials that were there are named, and do not come back.
pub(crate) fn recorded(
    changes: &Changes,
    before: &Environment,
    is_new: bool,
) -> BTreeMap<String, Change> {
    let given = changes.given().map(|(name, value)| (name, Some(value)));
    let removed = changes.removed().map(|name| (name, None));
    let mut lost = Vec::new();
    let mut kept = BTreeMap::new();
    for (name, became) in given.chain(removed) {
        let was = before.raw(name);
        if became.is_none() && was.is_none() {
            continue;
        }
        let is_secret = variables::are_secret(std::iter::once(name));
        if is_secret && was.is_some() {
            lost.push(name);
        }
        let change = Change {
            became: became.map(str::to_owned),
            was: was.filter(|_| !is_secret).map(str::to_owned),
        };
        kept.insert(name.to_owned(), change);
    }
    if is_new && !lost.is_empty() {
        note(&format!(
            "mcm: removed here, and not restored later: {}.",
            lost.join(", ")
        ));
    }
    kept
}
