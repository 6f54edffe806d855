//! A stand-in for AWS IAM Identity Center: who may sign in, what they are assigned, and the tokens they hold.
//!
//! One server has every path of the real hosts: the OIDC service (`identity_center/oidc.rs`), the access portal's API
//! (`identity_center/portal.rs`) and the portal's page. No request is signed, and one that is fails. The forms are those
//! of botocore's models `sso-oidc` and `sso` (2019-06-10).

mod oidc;
mod portal;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;
use url::Url;

use self::oidc::{Client, SsoApproval, SsoCode, SsoTransaction};
use super::Aws;
use super::directory::{IDENTITY_ACCOUNT, PRODUCTION_ACCOUNT, STAGING_ACCOUNT};
use crate::device::Devices;
use crate::faults::Endpoint;
use crate::server::Shared;

/// The start URL that the instance goes by besides the address of its stand-in.
pub const START_URL: &str = "https://d-1234567890.awsapps.com/start";
/// Another name of the same instance.
pub const ALIAS_URL: &str = "https://contoso.awsapps.com/start";
/// Its region.
pub const REGION: &str = "eu-west-1";

/// Who exists in Identity Center, and what is assigned.
#[derive(Clone, Debug, Default)]
pub struct SsoDirectory {
    /// The users' names. The first is the one that a page offers first.
    pub users: Vec<String>,
    /// The accounts, in the order of the list.
    pub accounts: Vec<AssignedAccount>,
}

/// An account of the organisation with the permission sets that every user has in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AssignedAccount {
    /// Twelve digits.
    pub id: String,
    /// Its name, which may be any text.
    pub name: String,
    /// The names of its permission sets.
    pub roles: Vec<String>,
}

impl AssignedAccount {
    /// An account with these permission sets.
    pub fn new(id: &str, name: &str, roles: &[&str]) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        }
    }
}

impl SsoDirectory {
    /// Two users of Contoso and five accounts: one has leading zeros, one no role.
    pub fn contoso() -> Self {
        Self {
            users: vec!["ada".into(), "grace@contoso.example".into()],
            accounts: vec![
                AssignedAccount::new(
                    IDENTITY_ACCOUNT,
                    "Contoso identity",
                    &["AdministratorAccess", "ReadOnly"],
                ),
                AssignedAccount::new(
                    PRODUCTION_ACCOUNT,
                    "Contoso production",
                    &["AdministratorAccess", "ReadOnly"],
                ),
                AssignedAccount::new(STAGING_ACCOUNT, "Contoso staging", &["AdministratorAccess"]),
                AssignedAccount::new("012345678901", "Labs: R&D", &["ReadOnly"]),
                AssignedAccount::new("000000000042", "Empty", &[]),
            ],
        }
    }

    /// As many accounts as asked for, each with as many roles.
    pub fn of_size(accounts: usize, roles: usize) -> Self {
        let roles: Vec<String> = (1..=roles).map(|role| format!("Role{role}")).collect();
        let account = |index: usize| AssignedAccount {
            id: format!("{:012}", 1_000_000 + index),
            name: format!("Account {index:04}"),
            roles: roles.clone(),
        };
        Self {
            users: vec!["ada".into()],
            accounts: (0..accounts).map(account).collect(),
        }
    }
}

/// What becomes of a refresh token that is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefreshRotation {
    /// Another one comes, and the used one is dead.
    #[default]
    SingleUse,
    /// As before, and a second use of a dead one ends the session.
    DetectReuse,
    /// None comes, and the used one stays.
    Keep,
}

/// How the instance behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct PermissionPolicy {
    /// Seconds that an access token lasts.
    pub access_token_life: i64,
    /// What `expiresIn` says in place of that; `null` leaves it out.
    pub stated_life: Option<serde_json::Value>,
    /// Seconds that a role's credentials last.
    pub role_life: u64,
    /// Seconds that a registration lasts.
    pub registration_life: i64,
    /// What becomes of refresh tokens.
    pub rotation: RefreshRotation,
    /// How many accounts or roles a page has at most, whatever is asked for.
    pub page_size: usize,
    /// More calls of the portal in a second than this are refused.
    pub calls_per_second: Option<usize>,
    /// What `Retry-After` says then.
    pub retry_after: Option<String>,
    /// Pairs, `ACCOUNT/ROLE`, whose credentials are refused (403).
    pub forbidden: Vec<String>,
    /// Accounts whose list of roles is refused (403).
    pub forbidden_accounts: Vec<String>,
    /// Accounts whose list of roles is not found (404).
    pub missing_accounts: Vec<String>,
    /// Whether the portal knows no token, as in a region that the instance is not in.
    pub is_wrong_region: bool,
    /// The reason that a token is refused with, as of the organisation's encryption key.
    pub kms_reason: Option<String>,
    /// Whether errors lack the header `x-amzn-ErrorType`.
    pub omits_error_type: bool,
    /// Whether a device's code is approved, by the first user, before it is typed.
    pub approves_devices: bool,
    /// Whether the portal's page lacks its region.
    pub omits_region: bool,
}

impl Default for PermissionPolicy {
    fn default() -> Self {
        Self {
            access_token_life: 3600,
            stated_life: None,
            role_life: 3600,
            registration_life: 90 * 24 * 3600,
            rotation: RefreshRotation::default(),
            page_size: 100,
            calls_per_second: None,
            retry_after: None,
            forbidden: Vec::new(),
            forbidden_accounts: Vec::new(),
            missing_accounts: Vec::new(),
            is_wrong_region: false,
            kms_reason: None,
            omits_error_type: false,
            approves_devices: false,
            omits_region: false,
        }
    }
}

/// The state of the instance.
pub(crate) struct IdentityCenter {
    pub(crate) url: Url,
    aws: Arc<Aws>,
    shared: Arc<Shared>,
    state: Mutex<State>,
    devices: Mutex<Devices<(), SsoApproval>>,
}

/// What changes.
#[derive(Default)]
struct State {
    directory: SsoDirectory,
    policy: PermissionPolicy,
    clients: HashMap<String, Client>,
    codes: HashMap<String, SsoCode>,
    transactions: HashMap<String, SsoTransaction>,
    /// Who is signed in with a browser, by its cookie.
    browsing: HashMap<String, String>,
    consents: Vec<(String, String)>,
    /// A user's sign-in session: everything issued for an older one is dead.
    sessions: HashMap<String, u64>,
    access_tokens: HashMap<String, SsoToken>,
    refresh_tokens: HashMap<String, SsoToken>,
    spent: HashMap<String, String>,
    /// When the portal was called.
    calls: Vec<Instant>,
    registrations: Vec<serde_json::Value>,
}

/// Whose a token is, and until when it lives.
#[derive(Clone)]
struct SsoToken {
    user: String,
    session: u64,
    client_id: String,
    expires: Timestamp,
}

impl State {
    fn session_of(&self, user: &str) -> u64 {
        self.sessions.get(user).copied().unwrap_or_default()
    }

    fn is_live(&self, issued: &SsoToken, now: Timestamp) -> bool {
        now < issued.expires && self.session_of(&issued.user) == issued.session
    }
}

impl IdentityCenter {
    pub(crate) fn new(
        url: Url,
        directory: SsoDirectory,
        aws: Arc<Aws>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            url,
            aws,
            shared,
            state: Mutex::new(State {
                directory,
                ..State::default()
            }),
            devices: Mutex::new(Devices::new(Duration::from_secs(600))),
        }
    }

    /// The portal's own address.
    pub(crate) fn start_url(&self) -> Url {
        self.url.join("start").expect("a plain word joins")
    }

    pub(crate) fn set_policy(&self, policy: PermissionPolicy) {
        self.state().policy = policy;
    }

    pub(crate) fn policy(&self) -> PermissionPolicy {
        self.state().policy.clone()
    }

    pub(crate) fn set_directory(&self, directory: SsoDirectory) {
        self.state().directory = directory;
    }

    pub(crate) fn directory(&self) -> SsoDirectory {
        self.state().directory.clone()
    }

    /// Ends a user's session: every token is dead, and the credentials of roles live on.
    pub(crate) fn end_session(&self, user: &str) {
        let mut state = self.state();
        *state.sessions.entry(user.to_owned()).or_default() += 1;
        state.browsing.retain(|_, signed_in| signed_in != user);
    }

    /// Makes every access token unknown; refresh tokens stay.
    pub(crate) fn reject_access_tokens(&self) {
        self.state().access_tokens.clear();
    }

    /// Makes every registration unknown.
    pub(crate) fn forget_registrations(&self) {
        self.state().clients.clear();
    }

    /// Signs every browser out, so that the next sign-in asks who it is.
    pub(crate) fn forget_browsers(&self) {
        self.state().browsing.clear();
    }

    /// The most calls of the portal that came within one second.
    pub(crate) fn busiest_second(&self) -> usize {
        let state = self.state();
        let calls = &state.calls;
        let within = |first: usize| {
            let end = calls[first] + Duration::from_secs(1);
            calls[first..].iter().take_while(|at| **at < end).count()
        };
        (0..calls.len()).map(within).max().unwrap_or_default()
    }

    /// The bodies that `RegisterClient` was sent.
    pub(crate) fn registrations(&self) -> Vec<serde_json::Value> {
        self.state().registrations.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn devices(&self) -> MutexGuard<'_, Devices<(), SsoApproval>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a text names the instance.
    fn is_start_url(&self, text: &str) -> bool {
        let bare = text.trim_end_matches('/');
        [START_URL, ALIAS_URL, self.start_url().as_str()].contains(&bare)
    }
}

/// Why a request is refused.
struct SsoRefusal {
    status: StatusCode,
    kind: &'static str,
    /// The OAuth word; none for the portal.
    error: Option<&'static str>,
    message: String,
    reason: Option<String>,
    retry_after: Option<String>,
}

impl SsoRefusal {
    fn oidc(status: u16, kind: &'static str, error: &'static str, message: &str) -> Self {
        Self {
            error: Some(error),
            ..Self::portal(status, kind, message)
        }
    }

    fn portal(status: u16, kind: &'static str, message: &str) -> Self {
        Self {
            status: StatusCode::from_u16(status).expect("a status of ours"),
            kind,
            error: None,
            message: message.to_owned(),
            reason: None,
            retry_after: None,
        }
    }

    fn into_answer(self, policy: &PermissionPolicy) -> Response {
        let body = match self.error {
            Some(error) => {
                let mut body = json!({ "error": error, "error_description": self.message });
                if let Some(reason) = self.reason {
                    body["reason"] = reason.into();
                }
                body
            }
            None => json!({ "message": self.message }),
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        if !policy.omits_error_type {
            // The real one adds the model's address after a colon.
            let kind = format!("{}:http://internal.amazon.com/coral/com.amazon/", self.kind);
            let kind = HeaderValue::from_str(&kind).expect("plain ASCII");
            response.headers_mut().insert("x-amzn-ErrorType", kind);
        }
        if let Some(after) = self
            .retry_after
            .and_then(|after| HeaderValue::from_str(&after).ok())
        {
            response.headers_mut().insert(header::RETRY_AFTER, after);
        }
        response
    }
}

/// The server.
pub(crate) fn router(center: Arc<IdentityCenter>) -> Router {
    Router::new()
        .route("/client/register", post(oidc::register))
        .route("/authorize", get(oidc::authorize))
        .route("/authorize/answer", post(oidc::proceed))
        .route("/device_authorization", post(oidc::start_device))
        .route("/device", get(oidc::enter_code).post(oidc::check_code))
        .route("/token", post(oidc::token))
        .route("/assignment/accounts", get(portal::accounts))
        .route("/assignment/roles", get(portal::roles))
        .route("/federation/credentials", get(portal::credentials))
        .route("/logout", post(portal::logout))
        .route("/start", get(portal::page))
        .layer(middleware::from_fn(refuse_signed))
        .with_state(center)
}

/// The two services take no signature (`authtype: none`), so a client that signs does something wrong.
async fn refuse_signed(request: Request<Body>, next: Next) -> Response {
    if request.headers().contains_key(header::AUTHORIZATION) {
        let refusal = SsoRefusal::portal(
            400,
            "InvalidRequestException",
            "This operation takes no Authorization header.",
        );
        return refusal.into_answer(&PermissionPolicy::default());
    }
    next.run(request).await
}

pub(crate) fn classify<'a>(path: &'a str, _: &str) -> (Option<Endpoint>, Option<&'a str>) {
    let endpoint = match path {
        "/client/register" => Some(Endpoint::CenterRegister),
        "/authorize" => Some(Endpoint::CenterAuthorize),
        "/device_authorization" => Some(Endpoint::CenterDevice),
        "/token" => Some(Endpoint::CenterToken),
        "/assignment/accounts" => Some(Endpoint::CenterAccounts),
        "/assignment/roles" => Some(Endpoint::CenterRoles),
        "/federation/credentials" => Some(Endpoint::CenterCredentials),
        "/logout" => Some(Endpoint::CenterLogout),
        "/start" => Some(Endpoint::CenterStart),
        _ => None,
    };
    (endpoint, None)
}
