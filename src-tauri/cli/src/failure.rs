//! How a command fails: what is told on standard error, what goes to the log, and the exit status.

use std::error::Error as _;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use mcm_core::account::{Account, Identity};
use mcm_core::error::{Code, Error};
use mcm_core::world::Environment;

use crate::output::note;

/// Why a command failed, and what to run next where that is known.
pub(crate) struct Failure {
    error: Error,
    advice: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, advice: None }
    }
}

impl Failure {
    /// The failure of work with an account. One that needs a sign-in comes with the command for it.
    pub(crate) fn of(account: &Account, error: Error) -> Self {
        let advice = (error.code() == Code::SignInAgain).then(|| sign_in_advice(&account.identity));
        Self { error, advice }
    }

    /// Tells the person and the log, and gives the exit status.
    pub(crate) fn tell(&self, environment: &Environment) -> ExitCode {
        let (error, reference) = (&self.error, self.error.reference());
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        tracing::warn!(code = error.code().as_str(), reference, cause, "the command failed");

        let (red, plain) = if is_coloured(environment) { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        let advice = self.advice.as_ref().map(|advice| format!(" {advice}")).unwrap_or_default();
        note(&format!("{red}mcm:{plain} {}{advice}\n  reference: {reference}", error.message()));
        match error.code() {
            Code::SignInAgain => ExitCode::from(3),
            Code::InvalidInput => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// The command that signs in to an account again.
pub(crate) fn sign_in_advice(identity: &Identity) -> String {
    match identity {
        Identity::Azure { tenant_id, .. } => format!("Run \"mcm login azure --tenant {tenant_id}\"."),
        Identity::Gcp { .. } | Identity::Aws { .. } => format!("Run \"mcm login {}\".", identity.cloud()),
    }
}

/// The person stopped the command.
pub(crate) fn interrupted() -> Error {
    Error::new(Code::SignInCancelled, "You stopped the command.")
}

fn is_coloured(environment: &Environment) -> bool {
    let is_refused = environment.get("NO_COLOR").is_some() || environment.get("TERM") == Some("dumb");
    !is_refused && std::io::stderr().is_terminal()
}
