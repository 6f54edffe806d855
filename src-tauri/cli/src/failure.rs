//! Failures of a command: the text on standard error, the line in the log, and the exit status.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use mcm_core::account::{Account, Identity, RenewalFailure};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::resource::Resource;
use mcm_core::world::Environment;

use crate::child_exit::{End, NotStarted, raise};
use crate::output::{is_coloured, note_behind};

/// Why a command failed.
pub(crate) enum Failure {
    /// The printed result already shows it.
    AlreadyShown,
    /// An error, and the command to run next where it is known.
    Error(Error, Option<String>),
    /// The command could not be started.
    NotStarted(NotStarted),
    /// The command ended this way.
    Ended(End),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error, None)
    }
}

impl Failure {
    /// The failure of work with an account. If it needs a sign-in, it comes with the command for it.
    pub(crate) fn of(account: &Account, error: Error) -> Self {
        let advice = advice(account, &error);
        Self::Error(error, advice)
    }

    /// The same failure with other advice, where it is one that needs a sign-in.
    pub(crate) fn advising(self, advice: &str) -> Self {
        match self {
            Self::Error(error, _) if error.code() == Code::SignInAgain => {
                Self::Error(error, Some(advice.to_owned()))
            }
            other => other,
        }
    }

    /// The failure of work with a resource of an account. Signing in to the account is advised only if the account
    /// itself needs it.
    pub(crate) fn of_resource(
        app: &App,
        account: &Account,
        resource: &Resource,
        error: Error,
    ) -> Self {
        let is_accounts = |row: &Account| {
            row.renewal_failure
                .as_ref()
                .is_some_and(RenewalFailure::is_final)
        };
        let Some(identifier) = resource.identifier() else {
            return Self::of(account, error);
        };
        if app
            .named(account.id.as_str())
            .is_ok_and(|row| is_accounts(&row))
        {
            return Self::of(account, error);
        }
        let is_asked_for = error.code() == Code::SignInAgain
            && identifier.pair().is_none()
            && !identifier.is_read_only();
        let advice = is_asked_for.then(|| {
            format!(
                "Run \"mcm token {} --resource {identifier} --interactive\".",
                account.id
            )
        });
        Self::Error(error, advice)
    }

    /// Prints the failure, logs it, and returns the exit status.
    pub(crate) fn report(&self, environment: &Environment) -> ExitCode {
        let (error, advice) = match self {
            Self::AlreadyShown => return ExitCode::FAILURE,
            Self::Error(error, advice) => (error, advice),
            Self::NotStarted(NotStarted { error, .. }) => (error, &None),
            Self::Ended(End::Exited(status)) => return exit_code(*status),
            Self::Ended(End::Killed(signal)) => return ExitCode::from(raise(*signal)),
        };
        let reference = error.reference();
        let causes = error.causes();
        tracing::warn!(
            code = error.code().as_str(),
            reference,
            causes,
            "the command failed"
        );

        let (red, plain) = if is_coloured(environment, std::io::stderr().is_terminal()) {
            ("\u{1b}[1;31m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        let advice = advice
            .as_ref()
            .map(|advice| format!(" {advice}"))
            .unwrap_or_default();
        let (beginning, message) = (format!("{red}mcm:{plain} "), error.message());
        // A wrong argument is nothing to look up: the message names it.
        match error.code() {
            Code::InvalidInput => note_behind(&beginning, &format!("{message}{advice}")),
            _ => note_behind(
                &beginning,
                &format!("{message}{advice}\n  reference: {reference}"),
            ),
        }
        if let Self::NotStarted(NotStarted { status, .. }) = self {
            return ExitCode::from(*status);
        }
        match error.code() {
            // With advice, the failure concerns a connected account that needs the user.
            _ if !advice.is_empty() => ExitCode::from(3),
            Code::SignInAgain | Code::SourceExpired => ExitCode::from(3),
            Code::InvalidInput => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }
}

/// The error and its remedy, in one text.
pub(crate) fn advised(account: &Account, error: &Error) -> String {
    advice(account, error).map_or_else(
        || error.message().to_owned(),
        |advice| format!("{error} {advice}"),
    )
}

/// The command to run for an account after an error, where it is known.
fn advice(account: &Account, error: &Error) -> Option<String> {
    match error.code() {
        Code::SignInAgain => Some(sign_in_advice(&account.identity)),
        // The message ends with the fix for the role.
        Code::RoleRefused if account.identity.is_identity_center() => None,
        Code::RoleRefused | Code::NotEnforced => Some(format!(
            "\n  When the role is fixed: {}",
            sign_in_advice(&account.identity)
        )),
        _ if error.needs_sign_in() => Some(format!(
            "\n  Next step: {}",
            sign_in_advice(&account.identity)
        )),
        _ => None,
    }
}

/// The status of a command. On Windows it has more than eight bits.
fn exit_code(status: i32) -> ExitCode {
    match u8::try_from(status) {
        Ok(status) => ExitCode::from(status),
        Err(_) => std::process::exit(status),
    }
}

/// What to run to sign in to an account again.
pub(crate) fn sign_in_advice(identity: &Identity) -> String {
    format!("Run \"{}\".", sign_in_command(identity))
}

/// The command that signs in to an account again.
pub(crate) fn sign_in_command(identity: &Identity) -> String {
    match identity {
        Identity::Azure { tenant_id, .. } => format!("mcm login azure --tenant {tenant_id}"),
        Identity::Gcp { .. } => "mcm login gcp".to_owned(),
        Identity::IdentityCenter {
            typed_url, region, ..
        } => format!("mcm login aws --sso-start-url {typed_url} --sso-region {region}"),
        Identity::Aws { role_arn, .. } => format!("mcm login aws --role-arn {role_arn}"),
    }
}
