//! Entra's device authorisation: the device's request, the page for its code, and its questions.
//!
//! Once the code is typed, the user goes through the same pages as in any sign-in (`authorize.rs`).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Form, Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::refusal::AzureRefusal;
use super::scope::Scope;
use super::{Azure, AzureAuthority, pages};
use crate::device::Poll;
use crate::faults::Fault;
use crate::identifier::opaque;
use crate::server::{FormFields, Spoiled};

/// What a device asked for.
#[derive(Clone)]
pub(crate) struct AzureDeviceRequest {
    pub(super) authority: AzureAuthority,
    pub(super) client_id: String,
    pub(super) scope: Scope,
}

/// What a user's approval brings.
pub(crate) struct AzureApproval {
    pub(super) client_id: String,
    pub(super) user: String,
    pub(super) tenant_id: String,
    pub(super) scope: Scope,
    pub(super) passed_second_factor: bool,
}

/// `POST /{tenant}/oauth2/v2.0/devicecode`.
pub(super) async fn start(
    State(azure): State<Arc<Azure>>,
    Path(tenant): Path<String>,
    Extension(spoiled): Extension<Spoiled>,
    Form(fields): Form<FormFields>,
) -> Response {
    let now = azure.shared.clock.now();
    let request = match azure.read_device_request(&tenant, &spoiled, &fields) {
        Ok(request) => request,
        Err(refusal) => return refusal.into_token_answer(now),
    };
    let device_code = azure.shared.journal.issue(opaque("sandbox-device-", 200));
    let mut devices = azure.devices();
    let user_code = azure
        .shared
        .journal
        .issue(devices.add(device_code.clone(), request, now));
    let is_foreign = spoiled.by(&Fault::ForeignCodePage);
    let host = if is_foreign {
        "https://microsoft.com.example/"
    } else {
        azure.authority.as_str()
    };
    let uri = format!("{host}common/oauth2/deviceauth");
    Json(json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": uri,
        "expires_in": devices.life().as_secs(),
        "interval": azure.shared.device_interval.as_secs(),
        "message": format!("To sign in, open the page {uri} and enter the code {user_code} to authenticate."),
    }))
    .into_response()
}

/// `GET /common/oauth2/deviceauth`: where the code is typed.
pub(super) async fn page() -> Response {
    pages::enter_code("")
}

/// `POST /common/oauth2/deviceauth`: the code was typed.
pub(super) async fn enter(
    State(azure): State<Arc<Azure>>,
    headers: HeaderMap,
    Form(fields): Form<FormFields>,
) -> Response {
    let typed = fields
        .get("user_code")
        .map(String::as_str)
        .unwrap_or_default();
    let found = azure.devices().find(typed, azure.shared.clock.now());
    match found {
        Some((device_code, request)) => azure.start_for_device(&headers, device_code, request),
        None => pages::enter_code("That code is not right. Check it and try again."),
    }
}

impl Azure {
    fn read_device_request(
        &self,
        tenant: &str,
        spoiled: &Spoiled,
        fields: &FormFields,
    ) -> Result<AzureDeviceRequest, AzureRefusal> {
        for fault in spoiled.iter() {
            if let Fault::OAuthError(error) = fault {
                return Err(error.clone().into());
            }
        }
        let client_id = fields
            .get("client_id")
            .ok_or_else(|| AzureRefusal::missing("client_id"))?;
        self.check_client(client_id, tenant)?;
        Ok(AzureDeviceRequest {
            authority: self.authority(tenant)?,
            client_id: client_id.clone(),
            scope: self.scope(fields.get("scope").map(String::as_str).unwrap_or_default())?,
        })
    }

    /// The answer to a device that asks for its tokens.
    pub(super) fn poll_device(
        &self,
        device_code: &str,
        client_id: &str,
    ) -> Result<AzureApproval, AzureRefusal> {
        let now = self.shared.clock.now();
        let refuse = |error: &str, code, text: &str| Err(AzureRefusal::new(error, code, text));
        // Entra does not insist on its interval.
        match self
            .devices()
            .poll(device_code, std::time::Duration::ZERO, now)
        {
            Poll::Approved(approval) if approval.client_id == client_id => Ok(approval),
            Poll::Approved(_) | Poll::Unknown => refuse(
                "bad_verification_code",
                70018,
                "The user code or device code is not valid.",
            ),
            Poll::Pending | Poll::TooFast => refuse(
                "authorization_pending",
                70016,
                "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
            ),
            Poll::Expired => refuse("expired_token", 70019, "The verification code expired."),
            Poll::Declined => refuse(
                "authorization_declined",
                65004,
                "User declined to consent to access the app.",
            ),
        }
    }
}
