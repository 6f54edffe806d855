//! Sources: the identities that assume roles. The SDK's default chain, a profile of the shared config, or typed keys.
//!
//! `shared_config.rs` reads profiles and `credential_process.rs` runs their programs, both as botocore does. The SDK asks IAM Identity
//! Center, `aws login`'s server and the machine; it gets the World's environment and only the profile that is needed. `source/chain.rs` goes from role to
//! role, `source/unavailable.rs` says what a failed source needs.

mod chain;
mod unavailable;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_credential_types::Credentials;
use aws_types::os_shim_internal::Env;
use serde::Serialize;
use ts_rs::TS;

use self::unavailable::{expired, require_other_than_us, shown};
use super::credential_process;
use super::sdk::{WorldTime, credentials, require_safe_endpoints, system_time};
use super::shared_config::{AwsSourceKind, Origin, SharedConfig};
use super::transport::Transport;
use crate::credential::{AccessKeys, MfaSession};
use crate::error::{Code, Error, Result};
use crate::http::Http;
use crate::role::Source;
use crate::sign_in::SignInContext;
use crate::text;
use crate::world::{Clock, Environment};
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
}

/// What the credentials of a source are looked for with.
struct Asked<'a> {
    source: &'a Source,
    shared: &'a SharedConfig,
    config: &'a SdkConfig,
    expired: &'a Error,
    mfa: &'a Mfa<'a>,
}
