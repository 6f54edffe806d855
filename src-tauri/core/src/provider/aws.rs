//! AWS: assuming a role with the user's own identity, and with an External ID that the role was seen to enforce.
//!
//! There are no keys of our own. `aws/source.rs` finds credentials, `aws/caller.rs` asks whose they are, `aws/assume.rs`
//! assumes a role with them, `aws/verify.rs` checks that role, and `aws/error_messages.rs` explains refusals. Only the files of this folder use the AWS SDK.

mod account_facts;
mod arn;
mod assume;
mod caller;
mod cluster;
mod console;
mod credential_process;
mod error_messages;
mod external_id;
mod identity_center;
mod partition;
mod role_identity;
mod role_session;
mod sdk;
mod shared_config;
mod source;
mod sts;
mod template;
mod transport;
mod verify;

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use crate::account::{Account, Cloud, Identity, OrganizationAccount, Refreshable, Target};
use crate::claims::ClaimsChallenge;
use crate::credential::{AccessKeys, Grant, MfaSession, RoleGrant, Session};
use crate::error::{Code, Error, Result};
use crate::http::{self, Http};
use crate::provider::CloudView;
use crate::provider::{Due, Progress, Provider, Refreshed, SignInRequest, SignedIn};
use crate::resource::Resource;
use crate::role::{Enforcement, Source};
use crate::settings::AwsSettings;
use crate::settings::RedirectKind;
use crate::sign_in::{RoleCheck, RoleVerification, SignInStep};
use crate::sign_in::{SignInContext, SignInEvent};
use crate::text;
use crate::world::Clock;

use account_facts::Signed;
pub use arn::{RoleArn, permission_set};
use assume::{History, enforcement};
pub use caller::Caller;
use caller::{place, principal};
pub use credential_process::MARK as HELPER_MARK;
pub use external_id::{
    check as check_external_id, generate as new_external_id, is_ours as is_external_id_of_ours,
};
use identity_center::RateLimiter;
pub use identity_center::{CenterAccount, CenterRequest, FoundPortal};
pub(crate) use identity_center::{
    canonical as canonical_start_url, in_config as portals_in_config,
};
use partition::Partition;
pub use role_identity::UNLISTED;
pub(super) use role_identity::unlisted_region;
use role_identity::{KnownRole, partition};
use role_session::session_name;
pub use role_session::{SESSION_SECONDS, check_session_name};
pub use shared_config::AwsSourceKind;
pub use source::AwsSource;
use source::{Mfa, Surroundings};
pub use template::{RoleTemplates, TemplateOptions};
pub use verify::ONE_HOUR;
use verify::{ExternalIdVerdict, Stopped, Verification, Verified};

/// The role to connect, and the source that assumes it.
#[derive(Clone, Debug)]
pub struct RoleRequest {
    /// The role.
    pub role: RoleArn,
    /// The External ID of this connection.
    pub external_id: String,
    /// The source that assumes it.
    pub source: Source,
    /// The keys of a `keychain:` source.
    pub keys: Option<AccessKeys>,
    /// A session of the source that an MFA device confirmed for another role.
    pub mfa: Option<MfaSession>,
    /// The length of its sessions in seconds; 3600 by default.
    pub seconds: Option<u32>,
    /// The name of its sessions; default: the caller's.
    pub session_name: Option<String>,
    /// Whether to connect a role that can be assumed without the right External ID, and to mark it as such.
    pub accept_not_enforced: bool,
    /// The principal that the role's template named, if this app created it.
    pub prepared_for: Option<String>,
}

/// The provider.
pub struct Aws {
    settings: AwsSettings,
    http: Http,
    clock: Arc<dyn Clock>,
    center_rate: RateLimiter,
}

impl Aws {
    /// The provider for these settings.
    pub fn new(settings: AwsSettings, http: Http, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            http,
            clock,
            center_rate: RateLimiter::default(),
        }
    }

    /// Lists the sources that the user can choose: the default chain and the profiles of the shared config.
    ///
    /// # Errors
    /// `setting-invalid` when a shared file is not valid.
    pub fn sources(&self) -> Result<Vec<AwsSource>> {
        self.surroundings().sources()
    }

    /// The address that opens the console as the role. It is a credential: for the browser only.
    ///
    /// # Errors
    /// Those of `console::page`; `internal` for an account of another cloud.
    pub async fn console_page(
        &self,
        account: &Account,
        session: &Session,
        sign_out_first: bool,
    ) -> Result<Url> {
        let partition = partition(&account.identity)?;
        let region = account.aws_region().unwrap_or(partition.home_region);
        let sign_in = self.settings.sign_in.as_ref();
        let keys = session.access_keys()?;
        console::page(&self.http, sign_in, partition, region, keys, sign_out_first).await
    }

    /// The address that opens the console as the chosen role of Identity Center, in the session that the browser has there.
    /// It holds no secret.
    ///
    /// # Errors
    /// `invalid-input` when no role is chosen; `unsupported` for some partitions; `internal` for another account.
    pub fn console_shortcut(&self, account: &Account) -> Result<Url> {
        let Identity::IdentityCenter {
            start_url, region, ..
        } = &account.identity
        else {
            return Err(Error::new(
                Code::Internal,
                "This account is not of IAM Identity Center. Report this with the reference.",
            ));
        };
        let resource = account.issued_resource()?;
        let pair = resource.identifier().ok_or_else(|| {
            Error::new(Code::Internal, "A role of IAM Identity Center has no name.")
        })?;
        identity_center::shortcut(start_url, partition(&account.identity)?, region, pair)
    }

    /// A token that authenticates the role to an EKS cluster, and its expiry. It sends no request to AWS.
    ///
    /// # Errors
    /// `invalid-input` for an impossible cluster or region; `internal` for an account of another cloud.
    pub async fn cluster_token(
        &self,
        account: &Account,
        session: &Session,
        cluster: &str,
        region: Option<&str>,
    ) -> Result<(SecretString, Timestamp)> {
        cluster::check_name(cluster)?;
        let partition = partition(&account.identity)?;
        let region = region
            .or(account.aws_region())
            .unwrap_or(partition.home_region);
        if !partition.lists(region) && partition.has(region) {
            tracing::warn!(
                region,
                "a region that is not listed is taken by its name's pattern"
            );
        }
        if !partition.has(region) {
            let message = format!(
                "The AWS partition {} has no region \"{}\".",
                partition.id,
                text::shown(region)
            );
            return Err(Error::new(Code::InvalidInput, message));
        }
        let source = account.identity.source();
        let config = self.surroundings().bare_config(source).await?;
        let (credentials, now) = (sdk::credentials(session.access_keys()?), self.clock.now());
        let token = cluster::token(&config, credentials, partition, region, cluster, now)?;
        Ok((token, session.times.expires_at.min(now + cluster::LIFE)))
    }

    /// Lists the accounts of the organisation; none if the role may not list them.
    ///
    /// # Errors
    /// `offline`, `throttled`, `server-failed`; `internal` for an account of another cloud.
    pub async fn organization(
        &self,
        account: &Account,
        session: &Session,
    ) -> Result<Vec<OrganizationAccount>> {
        let known = KnownRole::of(&account.identity)?;
        let config = self.surroundings().bare_config(Some(known.source)).await?;
        let credentials = sdk::credentials(session.access_keys()?);
        self.signed(&config, &credentials, known.role.partition)
            .accounts()
            .await
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings {
            environment: self.settings.environment.clone(),
            clock: self.clock.clone(),
            http: self.http.clone(),
            patience: self.settings.source_timeout,
        }
    }

    fn signed<'a>(
        &'a self,
        config: &'a SdkConfig,
        credentials: &'a Credentials,
        partition: &'static Partition,
    ) -> Signed<'a> {
        Signed {
            http: &self.http,
            clock: self.clock.as_ref(),
            config,
            credentials,
            partition,
        }
    }
}

#[async_trait]
impl Provider for Aws {
    fn check_set_up(&self) -> Result<()> {
        self.settings.check()
    }

    async fn sign_in(&self, request: &SignInRequest, context: &SignInContext) -> Result<SignedIn> {
        if let Some(wanted) = &request.identity_center {
            return Box::pin(self.sign_in_to_center(wanted, request, context)).await;
        }
        let wanted = request.role.as_ref().ok_or_else(|| {
            Error::new(Code::InvalidInput, "Enter the ARN of the role to connect.")
        })?;
        let RoleRequest {
            role, external_id, ..
        } = wanted;
        let mfa = Mfa {
            known: wanted.mfa.as_ref(),
            ask: Some(context),
        };
        let calling = self
            .calling(&wanted.source, wanted.keys.as_ref(), &mfa)
            .await?;
        let sts = self.sts(&calling, role)?;
        let caller = calling.caller.arn.clone();
        let report = |checks: &[RoleCheck]| {
            let verification = RoleVerification {
                caller: caller.clone(),
                checks: checks.to_vec(),
            };
            (context.emit)(SignInEvent::Verifying(verification));
        };
        let verification = Verification {
            sts: &sts,
            clock: self.clock.as_ref(),
            role_arn: role.as_str(),
            external_id,
            session_name: &session_name(wanted.session_name.as_deref(), &calling.caller.arn),
            chosen_name: wanted.session_name.as_deref(),
            session_policy: None,
            is_chained: calling.caller.is_chained,
            may_be_new: request.known.is_none(),
            report: &report,
        };
        let seconds = wanted.seconds.unwrap_or(ONE_HOUR);
        let verified = match verification.run(seconds, wanted.accept_not_enforced).await {
            Ok(verified) => verified,
            Err(Stopped::Open {
                without,
                with_wrong,
            }) => {
                return Err(error_messages::not_enforced(
                    role,
                    external_id,
                    without,
                    with_wrong,
                ));
            }
            Err(Stopped::AssumeRefusal(failure)) => {
                let history = History {
                    known: request.known.is_some(),
                    prepared_for: wanted.prepared_for.as_deref(),
                };
                return Err(self
                    .explained(failure, &calling, role, &verification, history)
                    .await);
            }
        };
        let Verified {
            mut checks,
            verdict,
            session,
            seconds,
            longest,
        } = verified;
        let asked = self.check_session(&calling, role, &session);
        let became = checks.who(asked, |became| became.arn.clone()).await?;
        let alias = self
            .signed(&calling.loaded.config, &became.credentials, role.partition)
            .alias()
            .await;
        (context.emit)(SignInEvent::Step(SignInStep::Finishing));
        let identity = Identity::Aws {
            role_arn: role.as_str().to_owned(),
            account_id: role.account_id.clone(),
            partition: role.partition.id.to_owned(),
            alias,
            external_id: external_id.clone(),
            enforced: enforcement(verdict),
            source: wanted.source.clone(),
            caller: calling.caller.arn.clone(),
            session_seconds: seconds,
            longest_session_seconds: longest,
            session_name: wanted.session_name.clone(),
        };
        let grant = Grant::Role(RoleGrant {
            role_arn: role.as_str().to_owned(),
            external_id: external_id.clone(),
            source: wanted.source.clone(),
            keys: None,
            mfa: calling.loaded.mfa.clone(),
        });
        let region = role.partition.region(calling.caller.region.as_deref());
        Ok(SignedIn {
            account: Refreshable {
                identity,
                offered: Vec::new(),
                missing_scopes: Vec::new(),
                sign_in_end: None,
            },
            grant,
            session,
            target: Some(region.to_owned()),
            accounts: Vec::new(),
        })
    }

    async fn refresh(
        &self,
        account: &Account,
        grant: &Grant,
        resource: &Resource,
        _challenge: Option<&ClaimsChallenge>,
    ) -> Result<Refreshed> {
        if let Grant::IdentityCenter(grant) = grant {
            return self.refresh_center(account, grant, resource).await;
        }
        let known = KnownRole::of(&account.identity)?;
        let grant = grant.role()?;
        let mfa = Mfa {
            known: grant.mfa.as_ref(),
            ask: None,
        };
        let calling = self
            .calling(&grant.source, grant.keys.as_ref(), &mfa)
            .await?;
        let sts = self.sts(&calling, &known.role)?;
        // A session policy can only take permissions away (IAM user guide, "Session policies").
        let read_only = resource.identifier().map(|_| {
            format!(
                "arn:{}:iam::aws:policy/ReadOnlyAccess",
                known.role.partition.id
            )
        });
        let verification = Verification {
            sts: &sts,
            clock: self.clock.as_ref(),
            role_arn: known.role.as_str(),
            external_id: &grant.external_id,
            session_name: &session_name(known.session_name, &calling.caller.arn),
            chosen_name: known.session_name,
            session_policy: read_only.as_deref(),
            is_chained: calling.caller.is_chained,
            may_be_new: false,
            report: &|_| {},
        };
        let (session, seconds) = match verification.for_use(known.seconds).await {
            Ok(assumed) => assumed,
            Err(failure) => {
                let history = History {
                    known: true,
                    prepared_for: None,
                };
                let error = self
                    .explained(failure, &calling, &known.role, &verification, history)
                    .await;
                // A refusal of another caller does not concern the caller that the role was connected with.
                let is_known = principal(known.caller) == principal(&calling.caller.arn);
                return Err(if is_known {
                    error
                } else {
                    error.with_local_cause()
                });
            }
        };
        let mut now = account.identity.clone();
        if let Identity::Aws {
            enforced,
            session_seconds,
            caller,
            ..
        } = &mut now
        {
            // A check without a result at the sign-in is repeated until it has one.
            if *enforced == Enforcement::Unknown {
                match verification.recheck().await {
                    ExternalIdVerdict::Open {
                        without,
                        with_wrong,
                    } => {
                        return Err(error_messages::not_enforced(
                            &known.role,
                            &grant.external_id,
                            without,
                            with_wrong,
                        ));
                    }
                    verdict => *enforced = enforcement(verdict),
                }
            }
            *session_seconds = seconds;
            caller.clone_from(&calling.caller.arn);
        }
        let identity = Some(now).filter(|now| *now != account.identity);
        Ok(Refreshed {
            grant: None,
            session,
            identity,
            sign_in_end: None,
            refusal: None,
        })
    }

    fn require_outside(&self, account: &Account) -> Result<()> {
        match account.identity.source() {
            Some(source) => self.surroundings().require_outside(source),
            None => Ok(()),
        }
    }

    fn due(&self, grant: &Grant) -> Option<Due> {
        self.center_due(grant)
    }

    /// A role's sessions end by themselves. A sign-in to Identity Center ends for the browser and other programs too.
    async fn sign_out(&self, grant: &Grant) -> Result<()> {
        match grant {
            Grant::IdentityCenter(grant) => self.sign_out_of_center(grant).await,
            Grant::Role(_) | Grant::RefreshToken(_) => Ok(()),
        }
    }

    /// The regions of the role's partition, from a table: no permission is needed.
    async fn targets(
        &self,
        account: &Account,
        _session: &Session,
        _progress: &Progress<'_>,
    ) -> Result<Vec<Target>> {
        let partition = KnownRole::of(&account.identity)?.role.partition;
        let unlisted = account
            .target
            .as_deref()
            .and_then(|chosen| unlisted_region(&account.identity, chosen));
        let region = |(id, name): &(&str, &str)| Target {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            state: None,
            parent: None,
        };
        Ok(partition
            .regions
            .iter()
            .map(region)
            .chain(unlisted)
            .collect())
    }
}

/// AWS as the Connect screen shows it.
pub(super) fn view(settings: &AwsSettings) -> CloudView {
    let sts = settings
        .environment
        .get("AWS_ENDPOINT_URL_STS")
        .and_then(|url| Url::parse(url).ok());
    CloudView {
        cloud: Cloud::Aws,
        ready: settings.problems.is_empty(),
        sandbox: sts.as_ref().is_some_and(http::is_loopback),
        problems: settings.problems.clone(),
        client_id: None,
        client_id_origin: None,
        redirect: RedirectKind::Loopback,
        redirect_uris: Vec::new(),
        scopes: Vec::new(),
        authority: sts.map_or_else(
            || "https://sts.amazonaws.com/".to_owned(),
            |url| url.to_string(),
        ),
    }
}
