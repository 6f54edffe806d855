//! Sources: the identities that assume roles. The SDK's default chain, a profile of the shared config, or typed keys.
//!
//! `shared_config.rs` reads profiles and `credential_process.rs` runs their programs, both as botocore does. The SDK asks IAM Identity
//! Center, `aws login`'s server and the machine; it gets the World's environment and only the profile that is needed. The
//! messages for a failed source are here, because they depend on the source.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_credential_types::provider::error::CredentialsError;
use aws_types::os_shim_internal::Env;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use ts_rs::TS;

use super::credential_process::{self, Helper};
use super::error_messages;
use super::sdk::{self, WorldTime, credentials, require_safe_endpoints, system_time};
use super::shared_config::{AwsSourceKind, Origin, RoleProfile, SharedConfig, quoted};
use super::sts::{Assume, Sts, StsFailureKind};
use super::transport::{self, Transport};
use super::verify::ONE_HOUR;
use crate::credential::{AccessKeys, MfaSession};
use crate::error::{Code, Error, Result};
use crate::http::Http;
use crate::role::Source;
use crate::sign_in::SignInContext;
use crate::text;
use crate::world::{Clock, Environment};

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
/// The remaining lifetime below which an MFA session is not used.
const MFA_LEFT: Duration = Duration::from_secs(60);
/// How the sessions are named that lead from a profile's role to ours.
const SOURCE_SESSION: &str = "multi-cloud-manager-source";

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

/// Credentials of a source, and the SDK's configuration for them.
pub(super) struct Loaded {
    pub(super) credentials: Credentials,
    pub(super) config: SdkConfig,
    /// The error for the source's expired session.
    pub(super) expired: Error,
    /// The session that an MFA device confirmed, if the source needs one.
    pub(super) mfa: Option<MfaSession>,
}

/// The role of a profile that takes a code of an MFA device.
pub(super) struct ConfirmedRole {
    pub(super) arn: String,
    /// The profile's region.
    pub(super) region: Option<String>,
}

/// What confirms a source that needs an MFA device: a session from before, else the user, if a user can be asked.
pub(super) struct Mfa<'a> {
    pub(super) known: Option<&'a MfaSession>,
    pub(super) ask: Option<&'a SignInContext>,
}

/// The World's parts that sources depend on.
#[derive(Clone)]
pub(super) struct Surroundings {
    pub(super) environment: Environment,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) http: Http,
    /// How long a source may take: a profile can run a program that asks the user.
    pub(super) patience: Duration,
}

impl Surroundings {
    /// Lists the profiles of the shared config, after the default chain.
    ///
    /// # Errors
    /// `setting-invalid` when a shared file is not valid.
    pub(super) fn sources(&self) -> Result<Vec<AwsSource>> {
        let shared = SharedConfig::read(&self.environment)?;
        let kind = match self.environment.get("AWS_ACCESS_KEY_ID") {
            Some(_) => AwsSourceKind::Environment,
            None if shared.runs_us(shared.selected()).is_some() => AwsSourceKind::Ourselves,
            None => AwsSourceKind::DefaultChain,
        };
        let region = self
            .environment
            .get("AWS_REGION")
            .or_else(|| self.environment.get("AWS_DEFAULT_REGION"));
        let region = region
            .or_else(|| shared.get(shared.selected(), "region"))
            .map(text::shown);
        let chain = AwsSource {
            source: Source::Default,
            kind,
            region,
            account_id: None,
            sign_in_command: None,
        };
        let named = shared.names().into_iter().map(|name| {
            let kind = match shared.runs_us(name) {
                Some(_) => AwsSourceKind::Ourselves,
                None => shared.kind(name),
            };
            AwsSource {
                source: Source::Profile(name.to_owned()),
                kind,
                region: shared.get(name, "region").map(text::shown),
                account_id: shared.get(name, "sso_account_id").map(text::shown),
                sign_in_command: shared.sign_in_command(name),
            }
        });
        Ok(std::iter::once(chain).chain(named).collect())
    }

    /// The role of a source's profile, when assuming it takes a code of an MFA device.
    ///
    /// # Errors
    /// `setting-invalid` for shared files that are not valid.
    pub(super) fn confirmed_role(&self, source: &Source) -> Result<Option<ConfirmedRole>> {
        let shared = self.shared(source)?;
        let Some(profile) = self.profile(source, &shared) else {
            return Ok(None);
        };
        // A fault of the chain is explained where its credentials are loaded.
        let chain = shared.chain(profile).unwrap_or_default();
        let takes_code = chain
            .iter()
            .any(|(_, origin)| matches!(origin, Origin::Role(role) if role.mfa_serial.is_some()));
        Ok(match chain.first() {
            Some((_, Origin::Role(role))) if takes_code => Some(ConfirmedRole {
                arn: role.role_arn.to_owned(),
                region: shared.get(profile, "region").map(str::to_owned),
            }),
            _ => None,
        })
    }

    /// Refuses a source that is being asked by a program in which this process runs: it would wait for itself.
    ///
    /// # Errors
    /// `setting-invalid`.
    pub(super) fn require_outside(&self, source: &Source) -> Result<()> {
        if !credential_process::is_asked_outside(&self.environment, &source.to_string()) {
            return Ok(());
        }
        let message = format!(
            "{} is being asked by a program that runs this command, so it would wait for itself. Take mcm out of that \
             program's credential_process.",
            shown(source)
        );
        Err(Error::new(Code::SettingInvalid, message))
    }

    /// Loads the credentials of a source, always fresh.
    ///
    /// # Errors
    /// `source-expired`, naming the command that renews it; `not-found` for a missing profile;
    /// `setting-invalid` for shared files or endpoints that cannot be used.
    pub(super) async fn load(
        &self,
        source: &Source,
        keys: Option<&AccessKeys>,
        mfa: &Mfa<'_>,
    ) -> Result<Loaded> {
        self.require_outside(source)?;
        let shared = self.shared(source)?;
        let profile = self.profile(source, &shared);
        let expired = expired(source, profile, &shared);
        let config = self.config(source, &shared, profile).await?;
        let (credentials, confirmed) = match (source, profile) {
            (Source::Keychain(_) | Source::Center(_), _) => {
                let keys = keys.ok_or_else(|| {
                    Error::new(
                        Code::NotFound,
                        "The keychain has no access keys with this id. Enter them again.",
                    )
                })?;
                let own = credentials(keys);
                match &keys.mfa_device {
                    Some(device) => {
                        let asked = Asked {
                            source,
                            shared: &shared,
                            config: &config,
                            expired: &expired,
                            mfa,
                        };
                        let session = self.confirmed(&asked, device, &own).await?;
                        (credentials(&session.keys), Some(session))
                    }
                    None => (own, None),
                }
            }
            (_, Some(profile)) => {
                require_other_than_us(&shared, profile)?;
                let asked = Asked {
                    source,
                    shared: &shared,
                    config: &config,
                    expired: &expired,
                    mfa,
                };
                self.of_chain(&asked, profile).await?
            }
            (_, None) => (self.of_sdk(source, &config, &expired).await?, None),
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
            mfa: confirmed,
        })
    }

    /// The settings of the environment and the source's profile, without any credentials. Without a source, no file is read.
    ///
    /// # Errors
    /// `setting-invalid` for files or endpoints that cannot be used.
    pub(super) async fn bare_config(&self, source: Option<&Source>) -> Result<SdkConfig> {
        let shared =
            source.map_or_else(|| Ok(SharedConfig::none()), |source| self.shared(source))?;
        let profile = match source {
            Some(Source::Profile(name)) => name.as_str(),
            _ => shared.selected(),
        };
        let loader = self.loader(&shared, profile).no_credentials();
        let config = loader.env(Env::from(self.variables())).load().await;
        require_safe_endpoints(&config)?;
        Ok(config)
    }

    /// The shared files, as far as a source needs them. Typed keys need no file, so an invalid file does not matter.
    fn shared(&self, source: &Source) -> Result<SharedConfig> {
        match source {
            Source::Keychain(_) | Source::Center(_) => Ok(SharedConfig::none()),
            Source::Default | Source::Profile(_) => SharedConfig::read(&self.environment),
        }
    }

    /// The profile that a source's credentials come from; none when a profile has no say.
    fn profile<'a>(&self, source: &'a Source, shared: &'a SharedConfig) -> Option<&'a str> {
        match source {
            Source::Profile(name) => Some(name),
            Source::Default if self.environment.get("AWS_ACCESS_KEY_ID").is_none() => {
                Some(shared.selected())
            }
            Source::Default | Source::Keychain(_) | Source::Center(_) => None,
        }
    }

    /// The environment that the SDK sees. An empty variable counts as unset, which the SDK treats differently for
    /// some: with an empty `AWS_REGION` it would sign for no region. The profile was chosen before.
    fn variables(&self) -> HashMap<String, String> {
        let set = self
            .environment
            .pairs()
            .filter(|(name, value)| !value.is_empty() && *name != "AWS_PROFILE");
        set.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    #[expect(
        deprecated,
        reason = "the crate that these moved to is a part of the SDK, and none that is used by itself"
    )]
    fn loader(&self, shared: &SharedConfig, profile: &str) -> ConfigLoader {
        use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
        let files = ProfileFiles::builder()
            .with_contents(ProfileFileKind::Config, shared.for_sdk(profile))
            .build();
        aws_config::defaults(BehaviorVersion::latest())
            .http_client(Transport::new(&self.http))
            .time_source(WorldTime(self.clock.clone()))
            .disable_clock_skew_correction(true)
            .profile_files(files)
    }

    async fn config(
        &self,
        source: &Source,
        shared: &SharedConfig,
        profile: Option<&str>,
    ) -> Result<SdkConfig> {
        let mut variables = self.variables();
        let loader = self.loader(shared, profile.unwrap_or(shared.selected()));
        if let Source::Profile(name) = source {
            shared.require(name)?;
            for variable in BEFORE_PROFILES.iter().chain(&AFTER_PROFILES) {
                variables.remove(*variable);
            }
            variables.insert("AWS_EC2_METADATA_DISABLED".into(), "true".into());
        }
        let config = loader.env(Env::from(variables)).load().await;
        require_safe_endpoints(&config)?;
        Ok(config)
    }

    /// The credentials of a profile: those at the end of its chain, and from there one role after the other.
    async fn of_chain(
        &self,
        asked: &Asked<'_>,
        profile: &str,
    ) -> Result<(Credentials, Option<MfaSession>)> {
        // Only an unnamed profile may be missing: for a missing named one, the SDK would fall back to the machine's role.
        let is_named = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]
            .iter()
            .any(|variable| self.environment.get(variable).is_some());
        let is_unnamed = matches!(asked.source, Source::Default) && !is_named;
        if is_unnamed && asked.shared.require(profile).is_err() {
            let found = self
                .of_sdk(asked.source, asked.config, asked.expired)
                .await?;
            return Ok((found, None));
        }
        let mut chain = asked.shared.chain(profile)?;
        let (name, base) = chain.pop().expect("a chain has an end");
        let mut credentials = match base {
            Origin::ProfileKeys(keys) => Credentials::new(
                keys.id,
                keys.secret,
                keys.token.map(str::to_owned),
                None,
                "shared-files",
            ),
            Origin::Process(command) => {
                let helper = Helper {
                    command,
                    profile: name,
                    environment: &self.environment,
                    source: &asked.source.to_string(),
                    limit: self.patience,
                };
                helper.run().await?
            }
            Origin::RoleOfMachine if matches!(asked.source, Source::Profile(_)) => {
                let message = format!(
                    "Profile \"{}\" takes its credentials from the environment or the machine. Use the source default, and \
                     this role.",
                    text::shown(name)
                );
                return Err(Error::new(Code::Unsupported, message));
            }
            _ if chain.is_empty() => {
                self.of_sdk(asked.source, asked.config, asked.expired)
                    .await?
            }
            _ => {
                // The profile at the end is one that the SDK knows how to ask.
                let source = match asked.source {
                    Source::Default => Source::Default,
                    _ => Source::Profile(name.to_owned()),
                };
                let config = self.config(&source, asked.shared, Some(name)).await?;
                self.of_sdk(&source, &config, asked.expired).await?
            }
        };
        let mut confirmed = None;
        while let Some((name, origin)) = chain.pop() {
            if let Origin::Role(role) = origin {
                if let Some(device) = role.mfa_serial {
                    let session = self.confirmed(asked, device, &credentials).await?;
                    credentials = sdk::credentials(&session.keys);
                    confirmed = Some(session);
                }
                credentials = self.assume(asked, name, &role, credentials).await?;
            }
        }
        Ok((credentials, confirmed))
    }

    /// A session of these keys that an MFA device confirmed: the known one, or a new one with a code of the user's.
    async fn confirmed(
        &self,
        asked: &Asked<'_>,
        device: &str,
        own: &Credentials,
    ) -> Result<MfaSession> {
        let now = self.clock.now();
        let fits = |session: &&MfaSession| {
            session.device == device
                && session.made_with == own.access_key_id()
                && now + MFA_LEFT < session.expires_at
        };
        if let Some(known) = asked.mfa.known.filter(fits) {
            return Ok(known.clone());
        }
        // GetSessionToken takes a user's long-term keys alone, and a role assumed with a session and a code lasts one hour,
        // which nothing but another code renews.
        if own.session_token().is_some() {
            let message = format!(
                "{} needs a code of the MFA device {}, but its keys are temporary. MFA needs long-term access keys. Use those as its \
                 source, or remove the device if the keys were made with a code already.",
                shown(asked.source),
                text::shown(device)
            );
            return Err(Error::new(Code::Unsupported, message));
        }
        let Some(user) = asked.mfa.ask else {
            let message = format!(
                "{} needs a code of the MFA device {}. Sign in again to enter it.",
                shown(asked.source),
                text::shown(device)
            );
            return Err(Error::new(Code::SignInAgain, message).with_local_cause());
        };
        let region = asked
            .config
            .region()
            .map_or("us-east-1", |region| region.as_ref());
        let sts = Sts::new(asked.config, own.clone(), region);
        let mut was_refused = false;
        loop {
            let code = user.ask_mfa_code(device, was_refused).await?;
            match sts
                .mfa_session(device, &code, own.access_key_id(), self.clock.now())
                .await
            {
                Ok(session) => return Ok(session),
                Err(failure) if failure.kind == StsFailureKind::AccessDenied && !was_refused => {
                    was_refused = true;
                }
                Err(failure) => {
                    let place = super::place(asked.config, region);
                    return Err(error_messages::mfa(
                        &failure,
                        &place,
                        &text::shown(device),
                        asked.expired,
                        now,
                    ));
                }
            }
        }
    }

    /// Assumes the role of a profile, as AWS's command line does before it does anything else.
    async fn assume(
        &self,
        asked: &Asked<'_>,
        profile: &str,
        role: &RoleProfile<'_>,
        base: Credentials,
    ) -> Result<Credentials> {
        let seconds = match role.seconds.map(str::parse) {
            None => ONE_HOUR,
            Some(Ok(seconds)) => seconds,
            Some(Err(_)) => {
                let message = format!(
                    "The duration_seconds of AWS profile \"{}\" is no number. Fix it.",
                    text::shown(profile)
                );
                return Err(Error::new(Code::SettingInvalid, message));
            }
        };
        let region = asked
            .config
            .region()
            .map_or("us-east-1", |region| region.as_ref());
        let sts = Sts::new(asked.config, base, region);
        let assume = Assume {
            role_arn: role.role_arn,
            session_name: role.session_name.unwrap_or(SOURCE_SESSION),
            external_id: role.external_id,
            seconds,
            session_policy: None,
        };
        let now = self.clock.now();
        let session = sts.assume(&assume, now).await.map_err(|failure| {
            let place = super::place(asked.config, region);
            error_messages::source_role(
                &failure,
                &place,
                &text::shown(profile),
                &text::shown(role.role_arn),
                asked.expired,
                now,
            )
        })?;
        let keys = session.access_keys()?;
        Ok(Credentials::new(
            keys.access_key_id.clone(),
            keys.secret_access_key.expose_secret(),
            keys.session_token
                .as_ref()
                .map(|token| token.expose_secret().to_owned()),
            Some(system_time(session.times.expires_at)),
            "multi-cloud-manager",
        ))
    }

    /// The credentials that the SDK finds by itself.
    async fn of_sdk(
        &self,
        source: &Source,
        config: &SdkConfig,
        expired: &Error,
    ) -> Result<Credentials> {
        let provider = config
            .credentials_provider()
            .expect("the loader sets a provider");
        match tokio::time::timeout(self.patience, provider.provide_credentials()).await {
            Ok(Ok(credentials)) => Ok(credentials),
            Ok(Err(error)) => Err(unavailable(source, &error, expired.clone())),
            Err(_) => {
                let message = format!(
                    "{} gave no credentials within {} seconds. Try again.",
                    shown(source),
                    self.patience.as_secs()
                );
                Err(Error::new(Code::SourceExpired, message).with_retry_after(Some(LOOK_AGAIN)))
            }
        }
    }
}

/// What the credentials of a source are looked for with.
struct Asked<'a> {
    source: &'a Source,
    shared: &'a SharedConfig,
    config: &'a SdkConfig,
    expired: &'a Error,
    mfa: &'a Mfa<'a>,
}

/// Refuses a profile that gets its credentials from this app: it would wait for the session that it helps to create.
fn require_other_than_us(shared: &SharedConfig, name: &str) -> Result<()> {
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
fn expired(source: &Source, profile: Option<&str>, shared: &SharedConfig) -> Error {
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
