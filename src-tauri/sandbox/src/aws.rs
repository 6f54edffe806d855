//! A stand-in for the parts of AWS that role sign-in touches: STS, IAM and Organizations, and the console's door.
//!
//! Holds the state of the servers and their routes; what a route answers is in the files below this one. Every request
//! to a service has to be signed with a key that the sandbox issued.

mod accounts;
pub mod directory;
mod federation;
pub mod identity_center;
mod keys;
mod refusal;
mod signature;
mod sts;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::{any, get};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use self::directory::{Account, AwsDirectory, Role, User};
pub use self::keys::AccessKey;
use self::keys::{IssuedKey, Keys, Principal};
use self::refusal::{AwsRefusal, Service};
pub use self::sts::MFA_CODE;
use crate::faults::Endpoint;
use crate::identifier::{access_key_id, opaque};
use crate::server::Shared;

/// Addresses of the AWS servers.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    pub(crate) sts: Url,
    pub(crate) iam: Url,
    pub(crate) organizations: Url,
    pub(crate) federation: Url,
}

/// An `AssumeRole` request that was well formed and well signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Assumption {
    /// The role asked for.
    pub role_arn: String,
    /// The session's name.
    pub session_name: String,
    /// The External ID, if one was sent.
    pub external_id: Option<String>,
    /// `DurationSeconds`, if it was sent.
    pub duration: Option<u32>,
    /// The managed policies that the session may not exceed.
    #[serde(default)]
    pub session_policies: Vec<String>,
    /// Whether the role trusted the caller.
    pub was_allowed: bool,
}

/// The state of the AWS servers.
pub(crate) struct Aws {
    pub(crate) addresses: Addresses,
    accounts: Vec<Account>,
    users: Vec<User>,
    page_size: usize,
    shared: Arc<Shared>,
    keys: Mutex<Keys>,
    roles: Mutex<Vec<RoleState>>,
    assumptions: Mutex<Vec<Assumption>>,
    /// Who may sign in with a token, and until when.
    signin_tokens: Mutex<HashMap<String, (String, Timestamp)>>,
    session_life: Mutex<Option<Duration>>,
}

struct RoleState {
    role: Role,
    refusals: u32,
    first_seen: Option<String>,
}

impl From<Role> for RoleState {
    fn from(role: Role) -> Self {
        Self {
            role,
            refusals: 0,
            first_seen: None,
        }
    }
}

impl Aws {
    pub(crate) fn new(
        addresses: Addresses,
        directory: AwsDirectory,
        page_size: usize,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            addresses,
            accounts: directory.accounts,
            users: directory.users,
            page_size: page_size.max(1),
            shared,
            keys: Mutex::default(),
            roles: Mutex::new(directory.roles.into_iter().map(RoleState::from).collect()),
            assumptions: Mutex::default(),
            signin_tokens: Mutex::default(),
            session_life: Mutex::default(),
        }
    }

    /// A key of a user's own, if there is such a user.
    pub(crate) fn issue_user_key(&self, user: &str) -> Option<AccessKey> {
        let user = self.users.iter().find(|known| known.name == user)?.clone();
        let key = AccessKey {
            id: access_key_id("AKIA"),
            secret: self.secret_key(),
            session_token: None,
        };
        self.keys().add(IssuedKey {
            key: key.clone(),
            principal: Principal::User(user),
            expires: None,
        });
        Some(key)
    }

    /// A key for a session of a user, as `GetSessionToken` hands it out.
    pub(crate) fn issue_user_session(&self, user: &str, life: Duration) -> Option<AccessKey> {
        let user = self.users.iter().find(|known| known.name == user)?.clone();
        Some(self.issue_session(Principal::User(user), life).key)
    }

    fn issue_session(&self, principal: Principal, life: Duration) -> IssuedKey {
        // Real tokens are base64, with characters that have to be encoded in forms and queries.
        let token = opaque("sandbox-st/+", 700) + "==";
        let key = AccessKey {
            id: access_key_id("ASIA"),
            secret: self.secret_key(),
            session_token: Some(self.shared.journal.issue(token)),
        };
        let issued = IssuedKey {
            key,
            principal,
            expires: Some(self.shared.clock.now() + life),
        };
        self.keys().add(issued.clone());
        issued
    }

    fn secret_key(&self) -> String {
        self.shared.journal.issue(opaque("sandbox-sk/", 40))
    }

    pub(crate) fn deactivate_key(&self, id: &str) {
        self.keys().remove(id);
    }

    /// Creates a role, or replaces the one with the same ARN.
    pub(crate) fn put_role(&self, role: Role) {
        let mut roles = self.roles();
        roles.retain(|state| state.role.arn() != role.arn());
        roles.push(role.into());
    }

    pub(crate) fn remove_role(&self, arn: &str) {
        self.roles().retain(|state| state.role.arn() != arn);
    }

    pub(crate) fn set_session_life(&self, life: Option<Duration>) {
        *self
            .session_life
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = life;
    }

    pub(crate) fn assumptions(&self) -> Vec<Assumption> {
        self.assumptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, assumption: Assumption) {
        self.assumptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(assumption);
    }

    fn authenticate(
        &self,
        service: Service,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Principal, AwsRefusal> {
        self.keys()
            .authenticate(service, parts, body, self.shared.clock.now())
    }

    fn session_life(&self) -> Option<Duration> {
        *self
            .session_life
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn roles(&self) -> MutexGuard<'_, Vec<RoleState>> {
        self.roles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signin_tokens(&self) -> MutexGuard<'_, HashMap<String, (String, Timestamp)>> {
        self.signin_tokens
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Routes of STS.
pub(crate) fn sts(aws: Arc<Aws>) -> Router {
    Router::new().route("/", any(sts::handle)).with_state(aws)
}

/// Routes of IAM.
pub(crate) fn iam(aws: Arc<Aws>) -> Router {
    Router::new().route("/", any(accounts::iam)).with_state(aws)
}

/// Routes of Organizations.
pub(crate) fn organizations(aws: Arc<Aws>) -> Router {
    Router::new()
        .route("/", any(accounts::organizations))
        .with_state(aws)
}

/// Routes of the console's door.
pub(crate) fn federation(aws: Arc<Aws>) -> Router {
    Router::new()
        .route("/federation", any(federation::handle))
        .route("/oauth", get(federation::sign_out))
        .with_state(aws)
}

/// What an action of any AWS server means.
pub(crate) fn classify<'a>(_: &'a str, action: &str) -> (Option<Endpoint>, Option<&'a str>) {
    let endpoint = match action {
        "AssumeRole" => Some(Endpoint::AwsAssumeRole),
        "GetCallerIdentity" => Some(Endpoint::AwsCallerIdentity),
        "ListAccountAliases" => Some(Endpoint::AwsAccountAliases),
        "AWSOrganizationsV20161128.ListAccounts" => Some(Endpoint::AwsAccounts),
        "getSigninToken" => Some(Endpoint::AwsSigninToken),
        "login" => Some(Endpoint::AwsLogin),
        _ => None,
    };
    (endpoint, None)
}
