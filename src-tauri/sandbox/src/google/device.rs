//! Google's device authorisation: the device's request, the page for its code, and its questions.
//!
//! Only clients of the type for TVs and limited-input devices may ask, and for identity only: Google grants no access
//! to the cloud this way ("Allowed scopes" of its guide for such devices).

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Form, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::grants::Grant;
use super::refusal::GoogleRefusal;
use super::{Google, TV_CLIENT_ID, pages, scope};
use crate::device::Poll;
use crate::faults::Fault;
use crate::identifier::opaque;
use crate::server::{FormFields, Spoiled};

/// What a device asked for.
#[derive(Clone)]
pub(crate) struct GoogleDeviceRequest {
    pub(super) client_id: String,
    pub(super) scopes: Vec<String>,
}

/// `POST /device/code`.
pub(super) async fn start(
    State(google): State<Arc<Google>>,
    Extension(spoiled): Extension<Spoiled>,
    Form(fields): Form<FormFields>,
) -> Response {
    let request = match read(&google, &spoiled, &fields) {
        Ok(request) => request,
        Err(refusal) => return refusal.into_answer(),
    };
    let device_code = google.shared.journal.issue(opaque("sandbox-device-", 100));
    let mut devices = google.devices();
    let user_code = devices.add(device_code.clone(), request, google.shared.clock.now());
    Json(json!({
        "device_code": device_code,
        "user_code": google.shared.journal.issue(user_code),
        "verification_url": format!("{}/device", google.issuer()),
        "expires_in": devices.life().as_secs(),
        "interval": google.shared.device_interval.as_secs(),
    }))
    .into_response()
}

fn read(
    google: &Google,
    spoiled: &Spoiled,
    fields: &FormFields,
) -> Result<GoogleDeviceRequest, GoogleRefusal> {
    for fault in spoiled.iter() {
        if let Fault::OAuthError(error) = fault {
            return Err(error.clone().into());
        }
    }
    let client_id = fields
        .get("client_id")
        .map(String::as_str)
        .unwrap_or_default();
    if client_id != TV_CLIENT_ID {
        return Err(GoogleRefusal::invalid_client("Invalid client type."));
    }
    let asked = fields.get("scope").map(String::as_str).unwrap_or_default();
    let scopes = scope::parse(asked).unwrap_or_default();
    let is_granted =
        |scope: &String| google.policy().grants_cloud_by_code || scope::is_identity(scope);
    if scopes.is_empty() || !scopes.iter().all(is_granted) {
        return Err(GoogleRefusal::new(
            "invalid_scope",
            "Invalid device flow scope.",
        ));
    }
    Ok(GoogleDeviceRequest {
        client_id: client_id.to_owned(),
        scopes,
    })
}

/// `GET /device`: where the code is typed.
pub(super) async fn page() -> Response {
    pages::enter_code("")
}

/// `POST /device`: the code was typed.
pub(super) async fn enter(
    State(google): State<Arc<Google>>,
    headers: HeaderMap,
    Form(fields): Form<FormFields>,
) -> Response {
    let typed = fields
        .get("user_code")
        .map(String::as_str)
        .unwrap_or_default();
    let found = google.devices().find(typed, google.shared.clock.now());
    match found {
        Some((device_code, request)) => google.start_for_device(&headers, device_code, request),
        None => pages::enter_code("That code is not right. Check it and try again."),
    }
}

impl Google {
    /// The answer to a device that asks for its tokens.
    pub(super) fn poll_device(
        &self,
        device_code: &str,
        client_id: &str,
    ) -> Result<Grant, GoogleRefusal> {
        let interval = self.shared.device_interval;
        match self
            .devices()
            .poll(device_code, interval, self.shared.clock.now())
        {
            Poll::Approved(grant) if grant.client_id == client_id => Ok(grant),
            Poll::Approved(_) | Poll::Unknown => {
                Err(GoogleRefusal::invalid_grant("Malformed device code."))
            }
            Poll::Pending => Err(GoogleRefusal::with_status(
                428,
                "authorization_pending",
                "Precondition Required",
            )),
            Poll::TooFast => Err(GoogleRefusal::with_status(403, "slow_down", "Forbidden")),
            Poll::Expired => Err(GoogleRefusal::new("expired_token", "Bad Request")),
            Poll::Declined => Err(GoogleRefusal::with_status(
                403,
                "access_denied",
                "Forbidden",
            )),
        }
    }
}
