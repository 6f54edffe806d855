//! What the user reads of a source that gives no credentials, and the sources that are refused. It depends on the source: a
//! profile, typed keys, a role of IAM Identity Center.

use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;

use crate::error::{Code, Error, Result};
use crate::provider::aws::shared_config::{SharedConfig, quoted};
use crate::provider::aws::transport;
use crate::role::Source;
use crate::text;

/// The delay before an expired source is tried again: the user renews it outside this app.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Refuses a profile that gets its credentials from this app: it would wait for the session that it helps to create.
pub(super) fn require_other_than_us(shared: &SharedConfig, name: &str) -> Result<()> {
    let Some(found) = shared.runs_us(name) else {
        return Ok(());
    };
    let through = if found == name {
        String::new()
    } else {
        format!(" through its source_profile \"{}\"", text::shown(found))
    };
    let message = format!(
        "Profile \"{}\" gets its credentials from this app{through} (credential_process runs mcm), so it cannot assume \
         a role for it. Choose a profile, or keys, from another source.",
        text::shown(name)
    );
    Err(Error::new(Code::SettingInvalid, message))
}

/// The message for a source whose session has expired.
pub(super) fn expired(source: &Source, profile: Option<&str>, shared: &SharedConfig) -> Error {
    let command = profile.and_then(|name| shared.sign_in_command(name));
    let message = match (source, profile, command) {
        (_, Some(name), Some(command)) => format!(
            "The session of AWS profile \"{}\" has expired. Run \"{command}\", then try again.",
            text::shown(name)
        ),
        (Source::Keychain(id), ..) => {
            format!("The session of the access keys {} has expired. Enter new ones.", text::shown(id))
        }
        (Source::Center(center), ..) => {
            format!(
                "The credentials of {} have expired. Try again.",
                text::shown(center.pair.as_str())
            )
        }
        (Source::Default, None, _) => {
            "The AWS session in the environment (AWS_SESSION_TOKEN) has expired. Start this app with a new one, or choose a \
             profile."
                .to_owned()
        }
        (_, name, None) => format!(
            "The session of AWS profile \"{}\" has expired. Renew its credentials, then try again.",
            text::shown(name.unwrap_or("default"))
        ),
        (_, None, Some(_)) => unreachable!("a command belongs to a profile"),
    };
    Error::new(Code::SourceExpired, message).with_retry_after(Some(LOOK_AGAIN))
}

/// The message for a source without credentials. The SDK's text is not used: it may quote what it read.
pub(super) fn unavailable(source: &Source, error: &CredentialsError, expired: Error) -> Error {
    // A network that is not there says nothing of a session.
    if let Some(own) = transport::own_error(error) {
        return own;
    }
    let has_command = expired.message().contains("Run \"");
    match error {
        CredentialsError::ProviderTimedOut(_) => {
            let message = format!(
                "{} did not answer in time. Check the network. Retrying automatically.",
                shown(source)
            );
            Error::new(Code::Offline, message)
        }
        // An Identity Center or login session that was never started, or has expired, looks like this.
        _ if has_command => expired,
        CredentialsError::CredentialsNotLoaded(_) => {
            let message = format!(
                "{} has no credentials. Sign in with \"aws login\" or \"aws configure sso\", or enter access keys.",
                shown(source)
            );
            Error::new(Code::SourceExpired, message).with_retry_after(Some(LOOK_AGAIN))
        }
        CredentialsError::InvalidConfiguration(_) => {
            let message = format!(
                "{} is not valid for the AWS SDK. Check it with \"{}\".",
                shown(source),
                check_command(source)
            );
            Error::new(Code::SettingInvalid, message)
        }
        _ => {
            let message = format!(
                "{} failed to provide credentials. Check it with \"{}\", then try again.",
                shown(source),
                check_command(source)
            );
            Error::new(Code::SourceExpired, message).with_retry_after(Some(LOOK_AGAIN))
        }
    }
}

/// The command that shows whether AWS's own tools get credentials from a source.
fn check_command(source: &Source) -> String {
    match source {
        Source::Profile(name) => format!("aws sts get-caller-identity --profile {}", quoted(name)),
        Source::Default | Source::Keychain(_) | Source::Center(_) => {
            "aws sts get-caller-identity".to_owned()
        }
    }
}

/// A source, as a sentence begins with it.
pub(super) fn shown(source: &Source) -> String {
    match source {
        Source::Default => "The AWS SDK's default chain".to_owned(),
        Source::Profile(name) => format!("AWS profile \"{}\"", text::shown(name)),
        Source::Keychain(id) => format!("The keychain entry for {}", text::shown(id)),
        Source::Center(center) => format!(
            "The role {} of IAM Identity Center",
            text::shown(center.pair.as_str())
        ),
    }
}
