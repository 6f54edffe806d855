//! The OIDC service: registrations, devices and tokens. The pages that its user sees are in `oidc/pages.rs`.

mod pages;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{IdentityCenter, RefreshRotation, SsoRefusal, SsoToken};
use crate::device::Poll;
use crate::faults::Fault;
use crate::identifier::opaque;
use crate::server::Spoiled;

pub(super) use self::pages::{authorize, check_code, enter_code, proceed};
const SCOPE: &str = "sso:account:access";
const CODE: &str = "authorization_code";
const REFRESH: &str = "refresh_token";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const CODE_LIFE: Duration = Duration::from_secs(600);
/// A sign-in session without refreshes lasts as long as AWS's default.
const REFRESH_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

/// A registration.
pub(super) struct Client {
    secret: String,
    grant_types: Vec<String>,
    redirect_uris: Vec<String>,
    name: String,
    expires: Timestamp,
}

/// An authorisation code.
pub(super) struct SsoCode {
    client_id: String,
    redirect_uri: String,
    challenge: String,
    approval: SsoApproval,
    expires: Timestamp,
}

/// Who approved, in which session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SsoApproval {
    user: String,
    session: u64,
}

/// A user on the way to a code, or to the approval of a device.
#[derive(Clone)]
pub(super) struct SsoTransaction {
    /// The registration; none for a device, whose code brings it.
    client_id: String,
    redirect_uri: String,
    state: String,
    challenge: String,
    device: Option<String>,
    browsing: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegisterClientRequest {
    client_name: String,
    client_type: String,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    grant_types: Vec<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
    #[serde(default)]
    issuer_url: Option<String>,
}

pub(super) async fn register(State(center): State<Arc<IdentityCenter>>, body: Bytes) -> Response {
    center.answer(|| {
        let sent: Value = parsed(&body)?;
        let request: RegisterClientRequest = parsed(&body)?;
        let metadata = |why: &str| {
            SsoRefusal::oidc(
                400,
                "InvalidClientMetadataException",
                "invalid_client_metadata",
                why,
            )
        };
        if request.client_type != "public" || request.client_name.is_empty() {
            return Err(metadata("only public clients with a name"));
        }
        if request.scopes != [SCOPE] {
            return Err(SsoRefusal::oidc(
                400,
                "InvalidScopeException",
                "invalid_scope",
                "",
            ));
        }
        if request.grant_types.iter().any(|kind| kind == CODE) {
            let is_fit = |uri: &String| {
                Url::parse(uri)
                    .is_ok_and(|uri| uri.host_str() == Some("127.0.0.1") && uri.port().is_none())
            };
            if request.redirect_uris.is_empty() || !request.redirect_uris.iter().all(is_fit) {
                return Err(SsoRefusal::oidc(
                    400,
                    "InvalidRedirectUriException",
                    "invalid_redirect_uri",
                    "",
                ));
            }
            if !request
                .issuer_url
                .as_deref()
                .is_some_and(|url| center.is_start_url(url))
            {
                return Err(metadata("unknown issuerUrl"));
            }
        }
        let now = center.shared.clock.now();
        let (id, secret) = (
            opaque("sandbox-center-client-", 40),
            center
                .shared
                .journal
                .issue(opaque("sandbox-center-secret.", 1200)),
        );
        let mut state = center.state();
        let expires = now + Duration::from_secs(state.policy.registration_life.unsigned_abs());
        state.registrations.push(sent);
        state.clients.insert(
            id.clone(),
            Client {
                secret: secret.clone(),
                grant_types: request.grant_types,
                redirect_uris: request.redirect_uris,
                name: request.client_name,
                expires,
            },
        );
        Ok(json!({
            "clientId": id,
            "clientSecret": secret,
            "clientIdIssuedAt": now.as_second(),
            "clientSecretExpiresAt": expires.as_second(),
            "authorizationEndpoint": null,
            "tokenEndpoint": null,
        }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SsoDeviceRequest {
    client_id: String,
    client_secret: String,
    start_url: String,
}

pub(super) async fn start_device(
    State(center): State<Arc<IdentityCenter>>,
    Extension(spoiled): Extension<Spoiled>,
    body: Bytes,
) -> Response {
    center.answer(|| {
        let request: SsoDeviceRequest = parsed(&body)?;
        center.check_client(&request.client_id, &request.client_secret, DEVICE)?;
        if !center.is_start_url(&request.start_url) {
            return Err(SsoRefusal::oidc(
                400,
                "InvalidRequestException",
                "invalid_request",
                "",
            ));
        }
        let device = center
            .shared
            .journal
            .issue(opaque("sandbox-center-device.", 120));
        let now = center.shared.clock.now();
        let user_code = center.devices().add(device.clone(), (), now);
        if center.policy().approves_devices {
            let state = center.state();
            let user = state.directory.users[0].clone();
            let session = state.session_of(&user);
            drop(state);
            let approval = SsoApproval { user, session };
            center.devices().decide(&device, Some(approval));
        }
        let mut page = center.url.join("device").expect("a plain word joins");
        if spoiled.by(&Fault::ForeignCodePage) {
            page = Url::parse("https://device.sso.example/").expect("a URL");
        }
        let complete = format!("{page}?user_code={user_code}");
        Ok(json!({
            "deviceCode": device,
            "userCode": user_code,
            "verificationUri": page.as_str(),
            "verificationUriComplete": complete,
            "expiresIn": 600,
            "interval": center.shared.device_interval.as_secs().max(1),
        }))
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokenRequest {
    client_id: String,
    client_secret: String,
    grant_type: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    code_verifier: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    refresh_token: String,
    #[serde(default)]
    device_code: String,
}

pub(super) async fn token(
    State(center): State<Arc<IdentityCenter>>,
    Extension(spoiled): Extension<Spoiled>,
    body: Bytes,
) -> Response {
    center.answer(|| {
        let request: TokenRequest = parsed(&body)?;
        center.check_client(
            &request.client_id,
            &request.client_secret,
            &request.grant_type,
        )?;
        let reason = center.state().policy.kms_reason.clone();
        if let Some(reason) = reason {
            let refusal = SsoRefusal::oidc(400, "AccessDeniedException", "access_denied", "");
            return Err(SsoRefusal {
                reason: Some(reason),
                ..refusal
            });
        }
        let now = center.shared.clock.now();
        match request.grant_type.as_str() {
            CODE => center.redeem_code(&request, now, &spoiled),
            REFRESH => center.refresh(&request, now, &spoiled),
            DEVICE => center.poll(&request, now, &spoiled),
            _ => Err(SsoRefusal::oidc(
                400,
                "UnsupportedGrantTypeException",
                "unsupported_grant_type",
                "",
            )),
        }
    })
}

impl IdentityCenter {
    pub(super) fn answer(&self, make: impl FnOnce() -> Result<Value, SsoRefusal>) -> Response {
        match make() {
            Ok(value) => axum::Json(value).into_response(),
            Err(refusal) => {
                let policy = self.policy();
                refusal.into_answer(&policy)
            }
        }
    }

    fn check_client(&self, id: &str, secret: &str, grant_type: &str) -> Result<(), SsoRefusal> {
        let state = self.state();
        let is_known =
            |client: &&Client| client.secret == secret && self.shared.clock.now() < client.expires;
        let Some(client) = state.clients.get(id).filter(is_known) else {
            return Err(SsoRefusal::oidc(
                401,
                "InvalidClientException",
                "invalid_client",
                "Invalid client provided",
            ));
        };
        if client.grant_types.iter().any(|kind| kind == grant_type) {
            return Ok(());
        }
        Err(SsoRefusal::oidc(
            400,
            "UnauthorizedClientException",
            "unauthorized_client",
            "",
        ))
    }

    fn redeem_code(
        &self,
        request: &TokenRequest,
        now: Timestamp,
        spoiled: &Spoiled,
    ) -> Result<Value, SsoRefusal> {
        let code = self.state().codes.remove(&request.code);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&request.code_verifier));
        let fits = |code: &SsoCode| {
            code.client_id == request.client_id
                && code.redirect_uri == request.redirect_uri
                && code.challenge == challenge
                && now < code.expires
        };
        let code = code
            .filter(fits)
            .ok_or_else(|| invalid_grant("Invalid grant provided"))?;
        Ok(self.issue(&code.approval, &request.client_id, now, true, spoiled))
    }

    fn poll(
        &self,
        request: &TokenRequest,
        now: Timestamp,
        spoiled: &Spoiled,
    ) -> Result<Value, SsoRefusal> {
        let interval = self.shared.device_interval;
        let polled = self.devices().poll(&request.device_code, interval, now);
        match polled {
            Poll::Approved(approval) => {
                Ok(self.issue(&approval, &request.client_id, now, true, spoiled))
            }
            Poll::Pending => Err(SsoRefusal::oidc(
                400,
                "AuthorizationPendingException",
                "authorization_pending",
                "",
            )),
            Poll::TooFast => Err(SsoRefusal::oidc(400, "SlowDownException", "slow_down", "")),
            Poll::Declined => Err(SsoRefusal::oidc(
                400,
                "AccessDeniedException",
                "access_denied",
                "",
            )),
            Poll::Expired => Err(SsoRefusal::oidc(
                400,
                "ExpiredTokenException",
                "expired_token",
                "",
            )),
            Poll::Unknown => Err(invalid_grant("Invalid grant provided")),
        }
    }

    fn refresh(
        &self,
        request: &TokenRequest,
        now: Timestamp,
        spoiled: &Spoiled,
    ) -> Result<Value, SsoRefusal> {
        let wrong = || invalid_grant("Invalid refresh token provided");
        let (issued, rotation) = {
            let mut state = self.state();
            let rotation = state.policy.rotation;
            if let Some(user) = state.spent.get(&request.refresh_token).cloned() {
                if rotation == RefreshRotation::DetectReuse {
                    *state.sessions.entry(user).or_default() += 1;
                }
                return Err(wrong());
            }
            let issued = state.refresh_tokens.get(&request.refresh_token).cloned();
            let is_theirs = |issued: &SsoToken| {
                issued.client_id == request.client_id && state.is_live(issued, now)
            };
            let issued = issued.filter(is_theirs).ok_or_else(wrong)?;
            if rotation != RefreshRotation::Keep {
                state.refresh_tokens.remove(&request.refresh_token);
                state
                    .spent
                    .insert(request.refresh_token.clone(), issued.user.clone());
            }
            (issued, rotation)
        };
        let approval = SsoApproval {
            user: issued.user,
            session: issued.session,
        };
        let rotates = rotation != RefreshRotation::Keep;
        Ok(self.issue(&approval, &request.client_id, now, rotates, spoiled))
    }

    fn issue(
        &self,
        approval: &SsoApproval,
        client_id: &str,
        now: Timestamp,
        with_refresh: bool,
        spoiled: &Spoiled,
    ) -> Value {
        let journal = &self.shared.journal;
        let mut state = self.state();
        let life = state.policy.access_token_life;
        let stated_life = state.policy.stated_life.clone();
        let issued = |expires| SsoToken {
            user: approval.user.clone(),
            session: approval.session,
            client_id: client_id.to_owned(),
            expires,
        };
        let access = journal.issue(opaque("sandbox-center-at.", 600));
        let expires = now + jiff::SignedDuration::from_secs(life);
        state.access_tokens.insert(access.clone(), issued(expires));
        let may_refresh = state
            .clients
            .get(client_id)
            .is_some_and(|client| client.grant_types.iter().any(|kind| kind == REFRESH));
        let is_given = with_refresh && may_refresh && !spoiled.by(&Fault::MissingRefreshToken);
        let refresh = is_given.then(|| {
            let refresh = journal.issue(opaque("sandbox-center-rt.", 900));
            state
                .refresh_tokens
                .insert(refresh.clone(), issued(now + REFRESH_LIFE));
            refresh
        });
        let expires_in: Value = if spoiled.by(&Fault::StringExpiresIn) {
            life.to_string().into()
        } else {
            stated_life.unwrap_or_else(|| life.into())
        };
        let mut answer = json!({
            "accessToken": access,
            "tokenType": "Bearer",
            "refreshToken": refresh,
            "idToken": null,
        });
        if !expires_in.is_null() {
            answer["expiresIn"] = expires_in;
        }
        answer
    }
}

fn invalid_grant(message: &str) -> SsoRefusal {
    SsoRefusal::oidc(400, "InvalidGrantException", "invalid_grant", message)
}

fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, SsoRefusal> {
    serde_json::from_slice(body)
        .map_err(|_| SsoRefusal::oidc(400, "InvalidRequestException", "invalid_request", ""))
}
