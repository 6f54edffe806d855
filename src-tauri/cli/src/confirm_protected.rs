//! The confirmation that a protected environment needs: its name, typed at a terminal, and never in an agent's shell.
//!
//! It guards against accidents. It is no boundary: a program of this user can answer the question, or use the accounts
//! without the environment.

use std::io::{self, IsTerminal as _};

use mcm_core::environment::NamedEnvironment;
use mcm_core::error::{Code, Error};
use mcm_core::world::Environment;

use crate::output::answer;

/// The variables by which coding agents, and services that build software, mark the shells that they start.
const AGENTS: [&str; 12] = [
    "AI_AGENT",
    "AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "CODEX_SANDBOX",
    "CODEX_SANDBOX_NETWORK_DISABLED",
    "CLINE_ACTIVE",
    "AUGMENT_AGENT",
    "OPENCODE",
    BUILD_SERVICE,
];
/// What services that build software set.
const BUILD_SERVICE: &str = "CI";

/// The variable that shows that a program and not a user works in this shell, if there is one.
pub(crate) fn agent(environment: &Environment) -> Option<&'static str> {
    AGENTS.into_iter().find(|name| {
        environment
            .get(name)
            .is_some_and(|value| value != "0" && value != "false")
    })
}

/// The variable that shows that a coding agent works in this shell. A service that builds software is none.
pub(crate) fn coding_agent(environment: &Environment) -> Option<&'static str> {
    agent(environment).filter(|name| *name != BUILD_SERVICE)
}

/// Has the user type the name of a protected environment.
///
/// # Errors
/// `unsupported` in an agent's shell, and where no user can answer; `sign-in-cancelled` for another answer.
pub(crate) async fn confirm(
    environment: &Environment,
    named: &NamedEnvironment,
    deed: &str,
) -> Result<(), Error> {
    let name = &named.name;
    if let Some(variable) = agent(environment) {
        let message = format!(
            "{name} is protected, and {variable} shows that an agent or a script works in this shell. You can start it \
             inside the environment: mcm exec -E {name} -- COMMAND"
        );
        return Err(Error::new(Code::Unsupported, message));
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message =
            format!("{name} is protected. Run this at a terminal, where you type its name.");
        return Err(Error::new(Code::Unsupported, message));
    }
    let question = format!("{name} is protected. Type its name to {deed} it: ");
    if name.is(&answer(question).await) {
        return Ok(());
    }
    let message = format!("That is not the name of {name}. Nothing was done.");
    Err(Error::new(Code::SignInCancelled, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_known_by_its_variable_unless_it_says_no() {
        let with = |value| Environment::from_pairs([("CLAUDECODE", value)]);
        assert_eq!(agent(&with("1")), Some("CLAUDECODE"));
        assert_eq!(agent(&with("")), None);
        assert_eq!(agent(&Environment::from_pairs([("CI", "false")])), None);
    }
}
