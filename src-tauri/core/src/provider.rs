//! What a cloud does for us, and the table that maps a cloud to its provider.
//!
//! What providers do differently is decided by `match cloud` here, and what they are called in `words.rs`. A provider sees what a request and a sign-in need, and the types that
//! it fills (ARCHITECTURE.md lists them); never the keychain, the store, the session or another provider. Its callers
//! store and publish what it returns.

pub mod aws;
pub mod azure;
mod gcp;

use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use ts_rs::TS;

use async_trait::async_trait;
use url::Url;

use crate::account::{Account, Cloud, Identity, Refreshable, SignInEnd, Target};
use crate::claims::ClaimsChallenge;
use crate::credential::{Grant, Session};
use crate::error::{Code, Error, Result};
use crate::provider::aws::{Aws, RoleRequest};
use crate::provider::azure::Azure;
use crate::provider::gcp::Gcp;
use crate::resource::{Identifier, Resource};
use crate::settings::{self, Settings};
use crate::settings::{RedirectKind, SettingProblem};
use crate::sign_in::SignInContext;
use crate::text;
use crate::world::Clock;

/// A cloud as the Connect and first-run screens need it.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct CloudView {
    /// Which cloud.
    pub cloud: Cloud,
    /// Whether signing in can start.
    pub ready: bool,
    /// Whether it is a sandbox on this machine: its endpoints are loopback addresses.
    pub sandbox: bool,
    /// The missing or malformed settings, with where they were read and how to set them.
    pub problems: Vec<SettingProblem>,
    /// The client id in force, when there is one.
    pub client_id: Option<String>,
    /// Where the client id was read: an environment variable's name, `settings.toml`, or nothing.
    pub client_id_origin: Option<String>,
    /// The redirect method of a sign-in.
    pub redirect: RedirectKind,
    /// The redirect URIs to register at the provider.
    pub redirect_uris: Vec<String>,
    /// The scopes of a sign-in.
    pub scopes: Vec<String>,
    /// The sign-in server in force.
    pub authority: String,
}

/// The interface of a cloud.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Refuses to begin a sign-in while a setting that it needs is missing or cannot be used.
    ///
    /// # Errors
    /// `setting-missing` or `setting-invalid`, with what to set and where.
    fn check_set_up(&self) -> Result<()>;

    /// Signs the user in through the browser. Nothing is stored; dropping the future cancels it.
    ///
    /// # Errors
    /// Any of the sign-in codes, explained for the user.
    async fn sign_in(&self, request: &SignInRequest, context: &SignInContext) -> Result<SignedIn>;

    /// Makes a new session for a resource from the grant; only resources that `resource` gave. With a claims challenge,
    /// which only clouds that pass `check_challenge` get, it is one that meets it. The grant in the answer, when there is one,
    /// replaces the old one, and the old one may be dead by then: it has to be stored before the session is used.
    ///
    /// # Errors
    /// `sign-in-again` when only the user can help; transient codes when waiting may.
    async fn refresh(
        &self,
        account: &Account,
        grant: &Grant,
        resource: &Resource,
        challenge: Option<&ClaimsChallenge>,
    ) -> Result<Refreshed>;

    /// Refuses an account whose renewal this process would wait for from within that renewal: a program that a renewal runs
    /// may run `mcm` again.
    ///
    /// # Errors
    /// `setting-invalid`.
    fn require_outside(&self, _account: &Account) -> Result<()> {
        Ok(())
    }

    /// Whether the grant holds a token that the sessions of all resources are made with, and when that is renewed: by
    /// `refresh` for the management. None for a grant that sessions are made from directly.
    fn due(&self, _grant: &Grant) -> Option<Due> {
        None
    }

    /// Revokes the grant at the provider, where it offers that.
    ///
    /// # Errors
    /// When the provider did not revoke it; the local copy is removed anyway.
    async fn sign_out(&self, grant: &Grant) -> Result<()>;

    /// Loads the account's targets, reporting to `progress` how many were loaded so far.
    ///
    /// # Errors
    /// Those of `refresh`. The old list is kept then.
    async fn targets(
        &self,
        account: &Account,
        session: &Session,
        progress: &Progress<'_>,
    ) -> Result<Vec<Target>>;
}

/// When the grant's own access token must be renewed, for a grant that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is good for a while.
    Later,
    /// It is good still, and renewed ahead of its end.
    Soon,
    /// It has expired.
    Now,
}

/// Called with the number of targets loaded so far.
pub type Progress<'a> = dyn Fn(usize) + Send + Sync + 'a;

/// The user's request for a sign-in.
#[derive(Clone, Debug, Default)]
pub struct SignInRequest {
    /// Azure: the tenant to sign in to, if not the one in the settings.
    pub tenant: Option<String>,
    /// The row to sign in to again: only its user may sign in.
    pub known: Option<Identity>,
    /// The claims that the last refusal demanded of the next sign-in (Entra's claims challenge).
    pub challenge: Option<String>,
    /// Whether to ask for consent although it was given once: the row lacks a scope.
    pub consent: bool,
    /// The redirect method, if not the one in the settings.
    pub redirect: Option<RedirectKind>,
    /// Whether the user enters a code on another device, instead of a browser on this one.
    pub device_code: bool,
    /// Azure: the resource to consent to, if not Resource Manager.
    pub resource: Option<Identifier>,
    /// Azure and Google Cloud: the user that the sign-in page suggests.
    pub hint: Option<String>,
    /// AWS: the role, and the source that assumes it.
    pub role: Option<RoleRequest>,
    /// AWS: the access portal of IAM Identity Center, when it is that.
    pub identity_center: Option<aws::CenterRequest>,
}

/// A sign-in that the provider completed and that passed every check.
pub struct SignedIn {
    /// What the account's row takes over.
    pub account: Refreshable,
    /// The long-lived part.
    pub grant: Grant,
    /// The first session. Its generation is set when it is stored.
    pub session: Session,
    /// The target to choose for a new row, if one is the natural choice.
    pub target: Option<String>,
    /// AWS IAM Identity Center: some of the accounts that the user may enter, to know the sign-in by under another address.
    pub accounts: Vec<String>,
}

/// A session created from a grant.
pub struct Refreshed {
    /// The grant that replaces the one redeemed, when the provider sent one.
    pub grant: Option<Grant>,
    /// The new session. Its generation is set when it is stored.
    pub session: Session,
    /// The identity as the provider reports it now; the same user.
    pub identity: Option<Identity>,
    /// The expiry of the sign-in itself, if known.
    pub sign_in_end: Option<SignInEnd>,
    /// The reason why the session must not be used. A grant that came with it is stored anyway.
    pub refusal: Option<Error>,
}

/// The providers in use.
#[derive(Clone)]
pub struct Providers {
    azure: Arc<dyn Provider>,
    gcp: Arc<dyn Provider>,
    aws: Arc<dyn Provider>,
    aws_alone: Arc<Aws>,
}

impl Providers {
    /// The real ones, over one HTTP client that goes through the network of the settings.
    pub fn new(settings: &Settings, http: &crate::http::Http, clock: Arc<dyn Clock>) -> Self {
        let http = http.through(&settings.network);
        let aws = Arc::new(Aws::new(settings.aws.clone(), http.clone(), clock.clone()));
        Self {
            azure: Arc::new(Azure::new(
                settings.azure.clone(),
                http.clone(),
                clock.clone(),
            )),
            gcp: Arc::new(Gcp::new(settings.gcp.clone(), http, clock)),
            aws: aws.clone(),
            aws_alone: aws,
        }
    }

    /// The same provider for every cloud, and what AWS alone offers: for tests of what stands above providers.
    pub fn scripted(provider: Arc<dyn Provider>, aws: Arc<Aws>) -> Self {
        Self {
            azure: provider.clone(),
            gcp: provider.clone(),
            aws: provider,
            aws_alone: aws,
        }
    }

    /// What AWS offers and no other cloud does: sources, callers, its console, cluster tokens, the organisation.
    pub fn aws(&self) -> &Arc<Aws> {
        &self.aws_alone
    }

    /// The provider of a cloud.
    pub fn of(&self, cloud: Cloud) -> &dyn Provider {
        match cloud {
            Cloud::Azure => self.azure.as_ref(),
            Cloud::Gcp => self.gcp.as_ref(),
            Cloud::Aws => self.aws.as_ref(),
        }
    }
}

/// A cloud as the Connect screen shows it.
pub fn cloud_view(settings: &Settings, cloud: Cloud) -> CloudView {
    match cloud {
        Cloud::Azure => azure::view(&settings.azure),
        Cloud::Gcp => gcp::view(&settings.gcp),
        Cloud::Aws => aws::view(&settings.aws),
    }
}

/// Finds the resource that the user or a program names, for an account of the cloud. The text may come from any
/// program.
///
/// # Errors
/// `invalid-input` for a text that names none; `unsupported` for a cloud with one credential for everything.
pub fn resource(settings: &Settings, cloud: Cloud, text: &str) -> Result<Resource> {
    match cloud {
        Cloud::Azure => azure::resource::parse(&settings.azure, text),
        Cloud::Gcp | Cloud::Aws => Err(one_for_everything(cloud, text)),
    }
}

/// Refuses a resource that the cloud makes no sessions for.
///
/// # Errors
/// `unsupported`, naming it.
pub fn check_resource(identity: &Identity, resource: &Resource) -> Result<()> {
    let Resource::Named(identifier) = resource else {
        return Ok(());
    };
    let is_theirs = match identity {
        Identity::Azure { .. } => identifier.pair().is_none() && !identifier.is_read_only(),
        Identity::IdentityCenter { .. } => identifier.pair().is_some(),
        Identity::Gcp { .. } | Identity::Aws { .. } => identifier.is_read_only(),
    };
    if is_theirs {
        return Ok(());
    }
    Err(one_for_everything(identity.cloud(), identifier.as_str()))
}

/// Refuses a claims challenge for a cloud whose sessions have none.
///
/// # Errors
/// `unsupported`.
pub fn check_challenge(cloud: Cloud) -> Result<()> {
    match cloud {
        Cloud::Azure => Ok(()),
        Cloud::Gcp | Cloud::Aws => Err(Error::new(
            Code::Unsupported,
            format!(
                "{} does not support claims challenges. Remove the option.",
                cloud.title()
            ),
        )),
    }
}

fn one_for_everything(cloud: Cloud, text: &str) -> Error {
    let shown: String = text::shown(text).chars().take(80).collect();
    let message = format!(
        "{} issues one credential for all its services, not one for \"{shown}\". Remove the resource.",
        cloud.title()
    );
    Error::new(Code::Unsupported, message)
}

/// How long before its end a session is renewed. A cloud's clients would ask again at once for one with less: Google's
/// at 3 min 45 s, Azure's at 5 min, AWS's at 15 min.
pub fn renew_before_expiry(cloud: Cloud) -> Duration {
    Duration::from_secs(match cloud {
        Cloud::Azure | Cloud::Gcp => 5 * 60,
        Cloud::Aws => 15 * 60,
    })
}

/// Checks that a client id has its cloud's form.
///
/// # Errors
/// The rest of a sentence that begins with where it was read.
pub fn check_client_id(
    settings: &Settings,
    cloud: Cloud,
    client_id: &str,
) -> std::result::Result<(), String> {
    match cloud {
        Cloud::Azure => settings::check_azure_client_id(client_id, &settings.azure.authority),
        Cloud::Gcp => settings::check_gcp_client_id(client_id, &settings.gcp.issuer),
        Cloud::Aws => Err("has no place: AWS has no client ids.".to_owned()),
    }
}

/// A target that the user names and that no list of the cloud's holds, where the form of its id is proof enough: regions of
/// AWS, of which there are more every year.
pub fn unlisted_target(identity: &Identity, id: &str) -> Option<Target> {
    match identity.cloud() {
        Cloud::Aws => aws::unlisted_region(identity, id),
        Cloud::Azure | Cloud::Gcp => None,
    }
}

/// The page of the account's console, at its chosen target where the console has one.
pub fn console(settings: &Settings, account: &Account) -> Option<Url> {
    match &account.identity {
        Identity::Azure { tenant_id, .. } => {
            settings.azure.portal.join(&format!("@{tenant_id}")).ok()
        }
        Identity::Gcp { email, .. } => gcp::console(
            email.as_deref(),
            account.chosen_target().map(|target| target.id.as_str()),
        ),
        Identity::Aws { .. } | Identity::IdentityCenter { .. } => None,
    }
}
