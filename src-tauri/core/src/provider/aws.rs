//! AWS: assuming a role with the user's own identity, and with an External ID that the role was seen to enforce.
//!
//! There are no keys of our own. `aws/source.rs` finds the caller, `aws/verify.rs` checks a role, and
//! `aws/error_messages.rs` explains refusals. Only the files of this folder use the AWS SDK.

mod arn;
mod cluster;
mod console;
mod error_messages;
mod external_id;
mod helper;
mod identity_center;
mod partition;
mod sdk;
mod shared_config;
mod signed;
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
use serde::Serialize;
use ts_rs::TS;
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

use arn::{CallerArn, Principal};
pub use arn::{RoleArn, permission_set};
pub use external_id::{
    check as check_external_id, generate as new_external_id, is_ours as is_external_id_of_ours,
};
pub use helper::MARK as HELPER_MARK;
pub(crate) use identity_center::in_config as portals_in_config;
pub use identity_center::{CenterAccount, CenterRequest, FoundPortal};
use identity_center::{Pace, partition_of};
use partition::Partition;
pub use shared_config::AwsSourceKind;
use signed::{FoundRole, Signed};
pub use source::AwsSource;
use source::{Loaded, Mfa, Surroundings};
use sts::{Sts, StsFailure, StsFailureKind};
pub use template::{RoleTemplates, TemplateWish};
pub use verify::ONE_HOUR;
use verify::{Stopped, Verdict, Verification, Verified};

/// The permitted session lengths, in seconds (STS API, `AssumeRole`).
pub const SESSION_SECONDS: std::ops::RangeInclusive<u32> = 900..=43_200;

/// The caller, as AWS identifies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Caller {
    /// The source of the credentials.
    pub source: Source,
    /// The ARN from `GetCallerIdentity`.
    pub arn: String,
    /// The twelve digits of the caller's account.
    pub account_id: String,
    /// The caller's partition.
    pub partition: String,
    /// The user or role as a trust policy has to name it.
    pub principal_arn: String,
    /// Whether `principal_arn` is certain. STS omits a role's path, and not every caller may look it up.
    pub principal_is_exact: bool,
    /// Whether the credentials are a role's: AWS limits sessions of roles assumed from it to an hour.
    pub is_chained: bool,
    /// The region of the source.
    pub region: Option<String>,
}

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

/// The state of a region that our table lacks.
pub const UNLISTED: &str = "Not listed";

/// The provider.
pub struct Aws {
    settings: AwsSettings,
    http: Http,
    clock: Arc<dyn Clock>,
    center_pace: Pace,
}

/// A caller with the clients and settings for further requests.
struct Calling {
    caller: Caller,
    loaded: Loaded,
    partition: &'static Partition,
}

/// The facts that are already known about a role.
#[derive(Clone, Copy)]
struct History<'a> {
    /// Whether it was verified before.
    known: bool,
    /// The principal that its template named.
    prepared_for: Option<&'a str>,
}

/// AWS's answer about the owner of a role's session.
struct Became {
    arn: String,
    credentials: Credentials,
}

impl Aws {
    /// The provider for these settings.
    pub fn new(settings: AwsSettings, http: Http, clock: Arc<dyn Clock>) -> Self {
        Self {
            settings,
            http,
            clock,
            center_pace: Pace::default(),
        }
    }

    /// Lists the sources that the user can choose: the default chain and the profiles of the shared config.
    ///
    /// # Errors
    /// `setting-invalid` when a shared file is not valid.
    pub fn sources(&self) -> Result<Vec<AwsSource>> {
        self.surroundings().sources()
    }

    /// Finds the owner of a source's credentials. It asks AWS only for that and, for a role, for its path.
    ///
    /// # Errors
    /// `source-expired`, `clock-off`, `not-found` for an unknown profile, `offline` and similar codes.
    pub async fn caller(&self, source: &Source, keys: Option<&AccessKeys>) -> Result<Caller> {
        // The caller is known without a code: keys name their user, and a profile names its role.
        let without_device = keys.map(|keys| AccessKeys {
            mfa_device: None,
            ..keys.clone()
        });
        if let Some(role) = self.surroundings().confirmed_role(source)? {
            return role_of_profile(source, &RoleArn::parse(&role.arn)?, role.region);
        }
        let mfa = Mfa {
            known: None,
            ask: None,
        };
        Ok(self
            .calling(source, without_device.as_ref(), &mfa)
            .await?
            .caller)
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
                "An account of another kind came to IAM Identity Center.",
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
        let known = Known::of(&account.identity)?;
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

    async fn calling(
        &self,
        source: &Source,
        keys: Option<&AccessKeys>,
        mfa: &Mfa<'_>,
    ) -> Result<Calling> {
        let loaded = self.surroundings().load(source, keys, mfa).await?;
        let region = loaded
            .config
            .region()
            .map(|region| region.as_ref().to_owned());
        let asked = region.as_deref().unwrap_or("us-east-1");
        let sts = Sts::new(&loaded.config, loaded.credentials.clone(), asked);
        let arn = sts.caller_arn().await.map_err(|failure| {
            error_messages::caller(
                &failure,
                &place(&loaded.config, asked),
                &loaded.expired,
                self.clock.now(),
            )
        })?;
        let parsed = CallerArn::parse(&arn)?;
        let (principal_arn, principal_is_exact, is_chained) = match &parsed.principal {
            Principal::User(arn) => (arn.clone(), true, false),
            Principal::Role(name) => {
                let signed = self.signed(&loaded.config, &loaded.credentials, parsed.partition);
                let bare = format!(
                    "arn:{}:iam::{}:role/{name}",
                    parsed.partition.id, parsed.account_id
                );
                match signed.role(name).await {
                    FoundRole::There(arn) if is_same_role(&arn, &bare) => (arn, true, true),
                    _ => (bare, false, true),
                }
            }
            Principal::Root | Principal::Federated => {
                let message = format!(
                    "These are credentials of {arn}, which cannot assume a role. Choose a source with those of a user or a \
                     role."
                );
                return Err(Error::new(Code::RoleRefused, message));
            }
        };
        let partition = parsed.partition;
        let caller = Caller {
            source: source.clone(),
            arn,
            account_id: parsed.account_id,
            partition: partition.id.to_owned(),
            principal_arn,
            principal_is_exact,
            is_chained,
            region,
        };
        Ok(Calling {
            caller,
            loaded,
            partition,
        })
    }

    /// STS of the role's partition, with the caller's credentials.
    fn sts(&self, calling: &Calling, role: &RoleArn) -> Result<Sts> {
        if calling.partition != role.partition {
            let message = format!(
                "The caller {} is in partition {} and the role {role} in {}. Credentials never cross partitions. Choose a \
                 source in the role's partition.",
                calling.caller.arn, calling.partition.id, role.partition.id
            );
            return Err(Error::new(Code::RoleRefused, message));
        }
        let region = role.partition.region(calling.caller.region.as_deref());
        Ok(Sts::new(
            &calling.loaded.config,
            calling.loaded.credentials.clone(),
            region,
        ))
    }

    /// Explains a refusal to assume the role with everything that can be found out about it.
    async fn explained(
        &self,
        failure: StsFailure,
        calling: &Calling,
        role: &RoleArn,
        verification: &Verification<'_>,
        history: History<'_>,
    ) -> Error {
        if failure.kind != StsFailureKind::AccessDenied {
            let place = place(
                &calling.loaded.config,
                role.partition.region(calling.caller.region.as_deref()),
            );
            return error_messages::caller(
                &failure,
                &place,
                &calling.loaded.expired,
                self.clock.now(),
            );
        }
        let found = if calling.caller.account_id == role.account_id {
            self.signed(
                &calling.loaded.config,
                &calling.loaded.credentials,
                role.partition,
            )
            .role(&role.name)
            .await
        } else {
            FoundRole::Unknown
        };
        error_messages::refused(&error_messages::AssumeRefusal {
            sentence: failure.sentence.as_deref(),
            caller: &calling.caller,
            role,
            external_id: verification.external_id,
            found,
            open_without_id: verification.is_open_without_id().await,
            history,
        })
    }

    /// Asks AWS for the session's identity, and refuses any but the role's.
    async fn check_session(
        &self,
        calling: &Calling,
        role: &RoleArn,
        session: &Session,
    ) -> Result<Became> {
        let credentials = sdk::credentials(session.access_keys()?);
        let region = role.partition.region(calling.caller.region.as_deref());
        let arn = Sts::new(&calling.loaded.config, credentials.clone(), region)
            .caller_arn()
            .await
            .map_err(|failure| {
                let place = place(&calling.loaded.config, region);
                error_messages::caller(&failure, &place, &calling.loaded.expired, self.clock.now())
            })?;
        let is_ours = CallerArn::parse(&arn).is_ok_and(|caller| {
            caller.account_id == role.account_id
                && caller.partition == role.partition
                && matches!(caller.principal, Principal::Role(name) if name.eq_ignore_ascii_case(&role.name))
        });
        if is_ours {
            return Ok(Became { arn, credentials });
        }
        let message = format!(
            "AWS returned a session of {} instead of {role}, so it was not used. Check AWS_ENDPOINT_URL_STS.",
            text::shown(&arn)
        );
        Err(Error::new(Code::SignInRejected, message))
    }
}

#[async_trait]
impl Provider for Aws {
    fn check_set_up(&self) -> Result<()> {
        self.settings.check()
    }

    async fn sign_in(&self, request: &SignInRequest, context: &SignInContext) -> Result<SignedIn> {
        if let Some(wish) = &request.identity_center {
            return Box::pin(self.sign_in_to_center(wish, request, context)).await;
        }
        let wish = request.role.as_ref().ok_or_else(|| {
            Error::new(Code::InvalidInput, "Enter the ARN of the role to connect.")
        })?;
        let RoleRequest {
            role, external_id, ..
        } = wish;
        let mfa = Mfa {
            known: wish.mfa.as_ref(),
            ask: Some(context),
        };
        let calling = self.calling(&wish.source, wish.keys.as_ref(), &mfa).await?;
        let sts = self.sts(&calling, role)?;
        let caller = calling.caller.arn.clone();
        let tell = |checks: &[RoleCheck]| {
            let verification = RoleVerification {
                caller: caller.clone(),
                checks: checks.to_vec(),
            };
            (context.tell)(SignInEvent::Verifying(verification));
        };
        let verification = Verification {
            sts: &sts,
            clock: self.clock.as_ref(),
            role_arn: role.as_str(),
            external_id,
            session_name: &session_name(wish.session_name.as_deref(), &calling.caller.arn),
            chosen_name: wish.session_name.as_deref(),
            is_chained: calling.caller.is_chained,
            may_be_new: request.known.is_none(),
            tell: &tell,
        };
        let wished = wish.seconds.unwrap_or(ONE_HOUR);
        let verified = match verification.run(wished, wish.accept_not_enforced).await {
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
                    prepared_for: wish.prepared_for.as_deref(),
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
        (context.tell)(SignInEvent::Step(SignInStep::Finishing));
        let identity = Identity::Aws {
            role_arn: role.as_str().to_owned(),
            account_id: role.account_id.clone(),
            partition: role.partition.id.to_owned(),
            alias,
            external_id: external_id.clone(),
            enforced: enforcement(verdict),
            source: wish.source.clone(),
            caller: calling.caller.arn.clone(),
            session_seconds: seconds,
            longest_session_seconds: longest,
            session_name: wish.session_name.clone(),
        };
        let grant = Grant::Role(RoleGrant {
            role_arn: role.as_str().to_owned(),
            external_id: external_id.clone(),
            source: wish.source.clone(),
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
        let known = Known::of(&account.identity)?;
        let grant = grant.role()?;
        let mfa = Mfa {
            known: grant.mfa.as_ref(),
            ask: None,
        };
        let calling = self
            .calling(&grant.source, grant.keys.as_ref(), &mfa)
            .await?;
        let sts = self.sts(&calling, &known.role)?;
        let verification = Verification {
            sts: &sts,
            clock: self.clock.as_ref(),
            role_arn: known.role.as_str(),
            external_id: &grant.external_id,
            session_name: &session_name(known.session_name, &calling.caller.arn),
            chosen_name: known.session_name,
            is_chained: calling.caller.is_chained,
            may_be_new: false,
            tell: &|_| {},
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
                    Verdict::Open {
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
        let partition = Known::of(&account.identity)?.role.partition;
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

/// A region that our table lacks and that has the form of the partition's region names: AWS adds regions all the time.
pub(super) fn unlisted_region(identity: &Identity, region: &str) -> Option<Target> {
    let partition = Known::of(identity).ok()?.role.partition;
    (partition.has(region) && !partition.lists(region)).then(|| Target {
        id: region.to_owned(),
        name: region.to_owned(),
        state: Some(UNLISTED.to_owned()),
        parent: None,
    })
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

/// The partition of an identity of AWS.
fn partition(identity: &Identity) -> Result<&'static Partition> {
    match identity {
        Identity::IdentityCenter { region, .. } => Ok(partition_of(region)),
        identity => Ok(Known::of(identity)?.role.partition),
    }
}

/// The AWS part of an identity.
struct Known<'a> {
    role: RoleArn,
    seconds: u32,
    /// The source of the credentials that assume it.
    source: &'a Source,
    /// The name that the user chose for its sessions.
    session_name: Option<&'a str>,
    /// The ARN of the last caller that assumed the role.
    caller: &'a str,
}

impl<'a> Known<'a> {
    fn of(identity: &'a Identity) -> Result<Self> {
        match identity {
            Identity::Aws {
                role_arn,
                session_seconds,
                source,
                session_name,
                caller,
                ..
            } => Ok(Self {
                role: RoleArn::parse(role_arn)?,
                seconds: *session_seconds,
                source,
                session_name: session_name.as_deref(),
                caller,
            }),
            _ => Err(Error::new(
                Code::Internal,
                "The AWS provider got an account of another cloud. Report this with the reference.",
            )),
        }
    }
}

/// The caller that a profile's role makes, as far as the file says.
fn role_of_profile(source: &Source, role: &RoleArn, region: Option<String>) -> Result<Caller> {
    Ok(Caller {
        source: source.clone(),
        arn: role.as_str().to_owned(),
        account_id: role.account_id.clone(),
        partition: role.partition.id.to_owned(),
        principal_arn: role.as_str().to_owned(),
        principal_is_exact: true,
        is_chained: true,
        region,
    })
}

fn enforcement(verdict: Verdict) -> Enforcement {
    match verdict {
        Verdict::Enforced => Enforcement::Enforced,
        Verdict::Open { .. } => Enforcement::NotEnforced,
        Verdict::Unknown => Enforcement::Unknown,
    }
}

/// Checks a name for a role's sessions (STS API, `AssumeRole`).
///
/// # Errors
/// `invalid-input`.
pub fn check_session_name(name: &str) -> Result<()> {
    if is_session_name(name) {
        return Ok(());
    }
    let shown: String = text::shown(name).chars().take(64).collect();
    let message = format!(
        "\"{shown}\" is no name for a session. Use 2 to 64 letters, digits and the characters _+=,.@-."
    );
    Err(Error::new(Code::InvalidInput, message))
}

fn is_session_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (2..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// The name of a role's sessions: the chosen one, else the caller's own, by which CloudTrail tells who it was and which a
/// trust policy may demand (`sts:RoleSessionName`).
fn session_name(chosen: Option<&str>, caller: &str) -> String {
    let own = caller.rsplit('/').next().unwrap_or_default();
    chosen
        .or_else(|| Some(own).filter(|own| is_session_name(own)))
        .unwrap_or("multi-cloud-manager")
        .to_owned()
}

/// The part of a caller's ARN that does not change: a role's sessions have names of their own.
fn principal(arn: &str) -> &str {
    match arn.split_once(":assumed-role/") {
        Some((_, session)) => {
            let name = session.split('/').next().unwrap_or_default();
            &arn[..arn.len() - session.len() + name.len()]
        }
        None => arn,
    }
}

/// Whether an ARN belongs to the role with this path-less ARN.
fn is_same_role(arn: &str, bare: &str) -> bool {
    let parts = |arn: &str| {
        let (account, resource) = arn.split_once(":role/")?;
        Some((
            account.to_owned(),
            resource.rsplit('/').next()?.to_ascii_lowercase(),
        ))
    };
    parts(arn).is_some()
        && parts(arn) == parts(bare)
        && arn.bytes().all(|b| (b'!'..=b'~').contains(&b))
}

/// The name of the STS endpoint, in readable form.
fn place(config: &SdkConfig, region: &str) -> String {
    sdk::endpoint(config, "STS").map_or_else(
        || format!("AWS STS in {region}"),
        |endpoint| http::place(&endpoint),
    )
}
