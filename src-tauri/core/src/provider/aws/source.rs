//! Sources: the identities that assume roles. The SDK's default chain, a profile of the shared config, or typed keys.
//!
//! The SDK reads files and asks IAM Identity Center or `aws login`'s server itself; its environment is the World's.
//! The messages for a failed source are here, because they depend on the source.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::profile::{Profile, ProfileSet};
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_async::time::TimeSource;
use aws_types::os_shim_internal::{Env, Fs};
use aws_types::service_config::ServiceConfigKey;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use ts_rs::TS;
use url::Url;

use super::transport::{self, Transport};
use crate::aws_files::Kind;
use crate::credential::AccessKeys;
use crate::error::{Code, Error, Result};
use crate::http::{self, Http};
use crate::role::Source;
use crate::text;
use crate::world::{Clock, Environment};

/// The longest time for a source: a profile can run a program that asks the user.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(60);
/// The delay before an expired source is tried again: the user renews it outside this app.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Variables that come before a profile in the SDK's chain, and would replace the requested profile.
const BEFORE_PROFILES: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
];
/// Variables that make the SDK continue to other sources when a profile has none.
const AFTER_PROFILES: [&str; 2] = [
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
];

/// An empty file.
const NO_FILE: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// Keys of a profile that the SDK prefers to `credential_process`.
const BEFORE_PROCESS: [&str; 5] = [
    "credential_source",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "login_session",
];

/// A source that the user can choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct AwsSource {
    /// What it is chosen by.
    pub source: Source,
    /// The kind of its credentials.
    pub kind: AwsSourceKind,
    /// Its region, when it names one.
    pub region: Option<String>,
    /// The account that it claims to belong to, if it names one. Only the caller's ARN is certain.
    pub account_id: Option<String>,
    /// The command that signs in again when its session has expired, if there is one.
    pub sign_in_command: Option<String>,
}

/// The kind of a source's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum AwsSourceKind {
    /// The default chain, when the environment holds access keys, which then come first.
    Environment,
    /// The default chain otherwise.
    DefaultChain,
    /// IAM Identity Center, signed in to with `aws sso login`.
    IdentityCenter,
    /// The console's sign-in, with `aws login`.
    Login,
    /// Keys in the shared files.
    StaticKeys,
    /// A program of the profile.
    Process,
    /// This app itself, as the profile's program: it would be asked for its own credential.
    Ourselves,
    /// A role that the profile assumes from another source.
    Role,
    /// Keys that were typed into this app.
    TypedKeys,
    /// A role of a sign-in to IAM Identity Center in this app.
    CenterRole,
    /// The profile names no credentials.
    Nothing,
}

impl AwsSourceKind {
    fn of(profile: &Profile) -> Self {
        let has = |key: &str| profile.get(key).is_some();
        if has("role_arn") {
            Self::Role
        } else if has("sso_session") || has("sso_start_url") {
            Self::IdentityCenter
        } else if has("login_session") {
            Self::Login
        } else if has("credential_process") {
            Self::Process
        } else if has("aws_access_key_id") {
            Self::StaticKeys
        } else {
            Self::Nothing
        }
    }
}

/// Credentials of a source, and the SDK's configuration for them.
pub(super) struct Loaded {
    pub(super) credentials: Credentials,
    pub(super) config: SdkConfig,
    /// Creates the error for the source's expired session.
    pub(super) expired: Error,
}

/// The World's parts that the SDK uses.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) environment: Environment,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) http: Http,
}

impl Surroundings {
    /// Lists the profiles of the shared config, after the default chain.
    ///
    /// # Errors
    /// `setting-invalid` when a shared file is not valid.
    pub(super) async fn sources(&self) -> Result<Vec<AwsSource>> {
        let profiles = self.profiles().await?;
        let kind = match self.environment.get("AWS_ACCESS_KEY_ID") {
            Some(_) => AwsSourceKind::Environment,
            None if runs_us(&profiles, profiles.selected_profile()).is_some() => {
                AwsSourceKind::Ourselves
            }
            None => AwsSourceKind::DefaultChain,
        };
        let region = self
            .environment
            .get("AWS_REGION")
            .or_else(|| self.environment.get("AWS_DEFAULT_REGION"));
        let region = region
            .map(str::to_owned)
            .or_else(|| profiles.get("region").map(text::shown));
        let chain = AwsSource {
            source: Source::Default,
            kind,
            region,
            account_id: None,
            sign_in_command: None,
        };
        let mut names: Vec<&str> = profiles.profiles().collect();
        names.sort_unstable();
        let named = names.into_iter().filter_map(|name| {
            let profile = profiles.get_profile(name)?;
            let kind = match runs_us(&profiles, name) {
                Some(_) => AwsSourceKind::Ourselves,
                None => AwsSourceKind::of(profile),
            };
            Some(AwsSource {
                source: Source::Profile(name.to_owned()),
                kind,
                region: profile.get("region").map(text::shown),
                account_id: profile.get("sso_account_id").map(text::shown),
                sign_in_command: sign_in_command(&profiles, name),
            })
        });
        Ok(std::iter::once(chain).chain(named).collect())
    }

    /// Loads the credentials of a source, always fresh.
    ///
    /// # Errors
    /// `source-expired`, naming the command that renews it; `not-found` for a missing profile; `setting-invalid` for
    /// shared files or endpoints that cannot be used.
    pub(super) async fn load(&self, source: &Source, keys: Option<&AccessKeys>) -> Result<Loaded> {
        // Typed keys need no file, so an invalid file does not matter.
        let profiles = match source {
            Source::Keychain(_) | Source::Center(_) => ProfileSet::default(),
            Source::Default | Source::Profile(_) => self.profiles().await?,
        };
        let expired = expired(source, &profiles, &self.environment);
        let config = self.config(source, keys, &profiles).await?;
        require_safe_endpoints(&config)?;
        let provider = config
            .credentials_provider()
            .expect("the loader sets a provider");
        let provided = tokio::time::timeout(SOURCE_TIMEOUT, provider.provide_credentials()).await;
        let credentials = match provided {
            Ok(Ok(credentials)) => credentials,
            Ok(Err(error)) => return Err(unavailable(source, &error, expired)),
            Err(_) => {
                let message = format!(
                    "{} returned no credentials within a minute. Try again.",
                    shown(source)
                );
                return Err(
                    Error::new(Code::SourceExpired, message).with_retry_after(Some(LOOK_AGAIN))
                );
            }
        };
        if credentials
            .expiry()
            .is_some_and(|expiry| expiry <= system_time(self.clock.now()))
        {
            return Err(expired);
        }
        Ok(Loaded {
            credentials,
            config,
            expired,
        })
    }

    /// The settings of the environment and the shared config, without any credentials.
    ///
    /// # Errors
    /// `setting-invalid` for endpoints that cannot be used.
    pub(super) async fn bare_config(&self) -> Result<SdkConfig> {
        let loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(Transport::new(&self.http))
            .time_source(WorldTime(self.clock.clone()))
            .disable_clock_skew_correction(true)
            .no_credentials();
        let config = loader.env(Env::from(self.variables())).load().await;
        require_safe_endpoints(&config)?;
        Ok(config)
    }

    /// The environment that the SDK sees. An empty variable counts as unset, which the SDK treats differently for
    /// some: with an empty `AWS_REGION` it would sign for no region.
    fn variables(&self) -> HashMap<String, String> {
        let set = self
            .environment
            .pairs()
            .filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    async fn config(
        &self,
        source: &Source,
        keys: Option<&AccessKeys>,
        profiles: &ProfileSet,
    ) -> Result<SdkConfig> {
        let mut variables = self.variables();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(Transport::new(&self.http))
            .time_source(WorldTime(self.clock.clone()))
            .disable_clock_skew_correction(true);
        match source {
            Source::Default if self.environment.get("AWS_ACCESS_KEY_ID").is_some() => {}
            Source::Default => {
                require_named_profile(profiles, &self.environment)?;
                require_other_than_us(profiles, profiles.selected_profile())?;
            }
            Source::Profile(name) => {
                require_profile(name, profiles, &self.environment)?;
                for variable in BEFORE_PROFILES.iter().chain(&AFTER_PROFILES) {
                    variables.remove(*variable);
                }
                variables.insert("AWS_EC2_METADATA_DISABLED".into(), "true".into());
                loader = loader.profile_name(name);
            }
            Source::Keychain(_) | Source::Center(_) => {
                let keys = keys.ok_or_else(|| {
                    Error::new(
                        Code::NotFound,
                        "The keychain has no access keys with this id. Enter them again.",
                    )
                })?;
                // The endpoint or region of an unrelated profile does not apply either.
                for file in [Kind::Config, Kind::Credentials] {
                    variables.insert(file.variable().into(), NO_FILE.into());
                }
                variables.remove("AWS_PROFILE");
                loader = loader.credentials_provider(credentials(keys));
            }
        }
        Ok(loader.env(Env::from(variables)).load().await)
    }

    async fn profiles(&self) -> Result<ProfileSet> {
        let env = Env::from(self.variables());
        let read = aws_config::profile::load(&Fs::real(), &env, &Default::default(), None).await;
        read.map_err(|_| {
            // The parser's error quotes lines, and a line of the credentials file may be a secret.
            let message = format!(
                "AWS's shared files are not valid. Fix {} or {}.",
                shared_file(&self.environment, "AWS_CONFIG_FILE", "config"),
                shared_file(
                    &self.environment,
                    "AWS_SHARED_CREDENTIALS_FILE",
                    "credentials"
                )
            );
            Error::new(Code::SettingInvalid, message)
        })
    }
}

/// The endpoint that the environment or the shared config sets for a service, if any.
pub(super) fn endpoint(config: &SdkConfig, service: &str) -> Option<Url> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .profile("endpoint_url")
        .env("AWS_ENDPOINT_URL")
        .build()
        .expect("all three parts are set");
    let set = config
        .service_config()
        .and_then(|config| config.load_config(key));
    set.or_else(|| config.endpoint_url().map(str::to_owned))
        .and_then(|url| Url::parse(&url).ok())
}

/// The keys in the SDK's type.
pub(super) fn credentials(keys: &AccessKeys) -> Credentials {
    Credentials::new(
        keys.access_key_id.clone(),
        keys.secret_access_key.expose_secret(),
        keys.session_token
            .as_ref()
            .map(|token| token.expose_secret().to_owned()),
        None,
        "multi-cloud-manager",
    )
}

/// A time in the SDK's type.
pub(super) fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH
        + Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default()
}

/// Requests are signed, and some answers hold credentials: they use `https` or stay on this machine.
fn require_safe_endpoints(config: &SdkConfig) -> Result<()> {
    for service in ["STS", "IAM", "Organizations"] {
        if let Some(endpoint) = endpoint(config, service) {
            http::require_safe(&endpoint)?;
        }
    }
    Ok(())
}

fn require_profile(name: &str, profiles: &ProfileSet, environment: &Environment) -> Result<()> {
    let Some(profile) = profiles.get_profile(name) else {
        let message = format!(
            "There is no profile \"{}\" in {}. Run \"aws configure list-profiles\" to list them.",
            text::shown(name),
            shared_file(environment, "AWS_CONFIG_FILE", "config")
        );
        return Err(Error::new(Code::NotFound, message));
    };
    if profile.get("role_arn").is_some() && profile.get("credential_source").is_some() {
        let message = format!(
            "Profile \"{}\" uses credentials of the environment or the machine. Use the source default, and this role.",
            text::shown(name)
        );
        return Err(Error::new(Code::Unsupported, message));
    }
    require_other_than_us(profiles, name)
}

/// A profile that `AWS_PROFILE` names has to exist: without it the SDK would go on to the machine's role.
fn require_named_profile(profiles: &ProfileSet, environment: &Environment) -> Result<()> {
    let Some(name) = environment.get("AWS_PROFILE") else {
        return Ok(());
    };
    if profiles.get_profile(name).is_some() {
        return Ok(());
    }
    let message = format!(
        "AWS_PROFILE names the profile \"{}\", which is in neither of AWS's files. Unset it, or correct it.",
        text::shown(name)
    );
    Err(Error::new(Code::NotFound, message))
}

/// Refuses a profile that gets its credentials from this app: it would wait for the session that it helps to create.
fn require_other_than_us(profiles: &ProfileSet, name: &str) -> Result<()> {
    let Some(found) = runs_us(profiles, name) else {
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

/// The profile at the end of a chain of `source_profile`s, if its credentials come from this app.
fn runs_us<'a>(profiles: &'a ProfileSet, name: &'a str) -> Option<&'a str> {
    let first = name;
    let mut name = name;
    // A chain of profiles has at most as many links as the file has profiles.
    for _ in 0..profiles.profiles().count() {
        let profile = profiles.get_profile(name)?;
        let has = |keys: &[&str]| keys.iter().any(|key| profile.get(key).is_some());
        if name != first && has(&["aws_access_key_id"]) {
            return None;
        }
        let next = profile
            .get("role_arn")
            .and_then(|_| profile.get("source_profile"));
        if let Some(next) = next.filter(|next| *next != name) {
            name = next;
            continue;
        }
        // The SDK runs the program only if nothing else in the profile comes before it.
        let program = profile
            .get("credential_process")
            .filter(|command| is_our_program(command));
        return program.filter(|_| !has(&BEFORE_PROCESS)).map(|_| name);
    }
    None
}

/// Whether a command line runs this app for a credential, whatever its quoting and path.
fn is_our_program(command: &str) -> bool {
    let words = || command.split(|c: char| c.is_whitespace() || "\"'`;|&()$=".contains(c));
    let is_us = |word: &str| {
        let file = word.rsplit(['/', '\\']).next().unwrap_or_default();
        ["mcm", "mcm.exe", "mcm-full", "mcm-full.exe"]
            .iter()
            .any(|name| file.eq_ignore_ascii_case(name))
    };
    words().any(is_us) && words().any(|word| word == "credential-process")
}

/// The command that signs in to a profile, or to the one that it builds on.
fn sign_in_command(profiles: &ProfileSet, name: &str) -> Option<String> {
    let mut name = name;
    // A chain of profiles has at most as many links as the file has profiles.
    for _ in 0..profiles.profiles().count() {
        let profile = profiles.get_profile(name)?;
        match AwsSourceKind::of(profile) {
            AwsSourceKind::IdentityCenter => {
                return Some(format!("aws sso login --profile {}", quoted(name)));
            }
            AwsSourceKind::Login => return Some(format!("aws login --profile {}", quoted(name))),
            AwsSourceKind::Role => {
                name = profile.get("source_profile").filter(|next| *next != name)?;
            }
            _ => return None,
        }
    }
    None
}

/// A name quoted for a shell.
fn quoted(name: &str) -> String {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-.@/+:".contains(&b));
    let name = text::shown(name);
    if plain {
        name
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}

/// The message for a source whose session has expired.
fn expired(source: &Source, profiles: &ProfileSet, environment: &Environment) -> Error {
    let profile = match source {
        Source::Profile(name) => Some(name.as_str()),
        Source::Default if environment.get("AWS_ACCESS_KEY_ID").is_none() => {
            Some(profiles.selected_profile())
        }
        Source::Default | Source::Keychain(_) | Source::Center(_) => None,
    };
    let command = profile.and_then(|name| sign_in_command(profiles, name));
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
fn unavailable(source: &Source, error: &CredentialsError, expired: Error) -> Error {
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
                "{} is not valid for the AWS SDK. Check it with \"aws sts get-caller-identity\".",
                shown(source)
            );
            Error::new(Code::SettingInvalid, message)
        }
        _ => {
            let message = format!(
                "{} failed to provide credentials. Check it with \"aws sts get-caller-identity\", then try again.",
                shown(source)
            );
            Error::new(Code::SourceExpired, message).with_retry_after(Some(LOOK_AGAIN))
        }
    }
}

fn shown(source: &Source) -> String {
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

fn shared_file(environment: &Environment, variable: &str, name: &str) -> String {
    environment
        .get(variable)
        .map_or_else(|| format!("~/.aws/{name}"), text::shown)
}

/// The World's clock, for the SDK.
struct WorldTime(Arc<dyn Clock>);

impl fmt::Debug for WorldTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorldTime")
    }
}

impl TimeSource for WorldTime {
    fn now(&self) -> SystemTime {
        system_time(self.0.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_that_runs_mcm_is_recognised_in_every_form() {
        for ours in [
            "mcm credential-process --active",
            "/usr/bin/mcm credential-process aws-01",
            "/usr/bin/mcm-full credential-process aws-01",
            r#""/opt/Multi-Cloud Manager/mcm" credential-process aws-01"#,
            r#""C:\Program Files\Multi-Cloud Manager\MCM.EXE" credential-process aws-01"#,
            "env MCM_HOME=/tmp/x mcm credential-process aws-01",
            "sh -c 'exec mcm credential-process aws-01'",
        ] {
            assert!(is_our_program(ours), "{ours}");
        }
        for other in [
            "/opt/keys",
            "aws-vault exec --json work",
            "mcm-wrapper credential-process x",
            "mcm token x",
            "other credential-process mcm-account",
        ] {
            assert!(!is_our_program(other), "{other}");
        }
    }
}
