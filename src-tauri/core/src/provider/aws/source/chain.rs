//! The way through a profile's chain: the credentials at its end, and from there one role after the other, with the codes of
//! MFA devices that they take.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials as _;
use secrecy::ExposeSecret as _;

use super::unavailable::{LOOK_AGAIN, shown, unavailable};
use super::{Asked, Surroundings};
use crate::credential::MfaSession;
use crate::error::{Code, Error, Result};
use crate::provider::aws::credential_process::Helper;
use crate::provider::aws::sdk::{self, system_time};
use crate::provider::aws::shared_config::{Origin, RoleProfile};
use crate::provider::aws::sts::{Assume, Sts, StsFailureKind};
use crate::provider::aws::verify::ONE_HOUR;
use crate::provider::aws::{error_messages, place};
use crate::role::Source;
use crate::text;

/// The remaining lifetime below which an MFA session is not used.
const MFA_LEFT: Duration = Duration::from_secs(60);
/// How the sessions are named that lead from a profile's role to ours.
const SOURCE_SESSION: &str = "multi-cloud-manager-source";

impl Surroundings {
    /// The credentials of a profile: those at the end of its chain, and from there one role after the other.
    pub(super) async fn of_chain(
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
            Origin::HalfKey => {
                let message = format!(
                    "AWS profile \"{}\" has an aws_access_key_id without its aws_secret_access_key. Add it, or remove the key.",
                    text::shown(name)
                );
                return Err(Error::new(Code::SettingInvalid, message));
            }
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
    pub(super) async fn confirmed(
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
                    let place = place(asked.config, region);
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
            let place = place(asked.config, region);
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
    pub(super) async fn of_sdk(
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
