//! How the Google stand-in says no: OAuth errors of the token endpoint, and errors of the APIs.
//!
//! The two have nothing in common but the status code; both are in the form that Google's clients parse.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::faults::OAuthError;

/// Scopes that open Resource Manager, as its discovery document lists them.
pub(super) const CLOUD_SCOPES: [&str; 2] = [
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/cloud-platform.read-only",
];

/// An OAuth error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GoogleRefusal {
    status: StatusCode,
    pub(super) error: String,
    pub(super) description: String,
    subtype: Option<String>,
}

impl GoogleRefusal {
    pub(super) fn new(error: &str, description: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            error: error.to_owned(),
            description: description.to_owned(),
            subtype: None,
        }
    }

    pub(super) fn invalid_grant(description: &str) -> Self {
        Self::new("invalid_grant", description)
    }

    pub(super) fn with_status(status: u16, error: &str, description: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self {
            status,
            ..Self::new(error, description)
        }
    }

    pub(super) fn invalid_client(description: &str) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            ..Self::new("invalid_client", description)
        }
    }

    pub(super) fn revoked() -> Self {
        Self::invalid_grant("Token has been expired or revoked.")
    }

    /// The organisation's session length has passed: the user has to sign in again, nothing was revoked.
    pub(super) fn needs_reauthentication() -> Self {
        let subtype = Some("invalid_rapt".to_owned());
        Self {
            subtype,
            ..Self::invalid_grant("reauth related error (invalid_rapt)")
        }
    }

    pub(super) fn into_answer(self) -> Response {
        let mut body = json!({ "error": self.error, "error_description": self.description });
        if let Some(subtype) = self.subtype {
            body["error_subtype"] = subtype.into();
            body["error_uri"] = "https://support.google.com/a/answer/9368756".into();
        }
        (self.status, Json(body)).into_response()
    }
}

impl From<OAuthError> for GoogleRefusal {
    fn from(fault: OAuthError) -> Self {
        Self {
            subtype: fault.suberror,
            ..Self::new(&fault.error, &fault.description)
        }
    }
}

/// No token, or one that is unknown or over.
pub(super) fn unauthenticated() -> Response {
    let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or \
                   other valid authentication credential.";
    let details = json!([error_info(
        "ACCESS_TOKEN_EXPIRED",
        &json!({ "service": SERVICE })
    )]);
    let mut response = api_error(
        StatusCode::UNAUTHORIZED,
        "UNAUTHENTICATED",
        message,
        &details,
    );
    let challenge = "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"";
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(challenge),
    );
    response
}

/// A good token that was not granted a scope for this.
pub(super) fn insufficient_scope() -> Response {
    let info = json!({ "service": SERVICE, "method": "google.cloud.resourcemanager.v3.Projects.SearchProjects" });
    let details = json!([error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", &info)]);
    let message = "Request had insufficient authentication scopes.";
    let mut response = api_error(
        StatusCode::FORBIDDEN,
        "PERMISSION_DENIED",
        message,
        &details,
    );
    let challenge = format!(
        "Bearer realm=\"https://accounts.google.com/\", error=\"insufficient_scope\", scope=\"{}\"",
        CLOUD_SCOPES.join(" ")
    );
    let challenge = HeaderValue::from_str(&challenge).expect("scopes are ASCII");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// The API was never switched on in the client's own project.
pub(super) fn service_disabled(project_number: &str) -> Response {
    let url = format!(
        "https://console.developers.google.com/apis/api/{SERVICE}/overview?project={project_number}"
    );
    let message = format!(
        "Cloud Resource Manager API has not been used in project {project_number} before or it is disabled. Enable \
         it by visiting {url} then retry. If you enabled this API recently, wait a few minutes for the action to \
         propagate to our systems and retry."
    );
    let info = json!({ "service": SERVICE, "consumer": format!("projects/{project_number}") });
    let details = json!([
        {
            "@type": "type.googleapis.com/google.rpc.Help",
            "links": [{ "description": "Google developers console API activation", "url": url }],
        },
        error_info("SERVICE_DISABLED", &info),
    ]);
    api_error(
        StatusCode::FORBIDDEN,
        "PERMISSION_DENIED",
        &message,
        &details,
    )
}

/// A request that makes no sense.
pub(super) fn invalid_argument(message: &str) -> Response {
    api_error(
        StatusCode::BAD_REQUEST,
        "INVALID_ARGUMENT",
        message,
        &json!([]),
    )
}

const SERVICE: &str = "cloudresourcemanager.googleapis.com";

fn error_info(reason: &str, metadata: &Value) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": metadata,
    })
}

fn api_error(code: StatusCode, status: &str, message: &str, details: &Value) -> Response {
    let error =
        json!({ "code": code.as_u16(), "message": message, "status": status, "details": details });
    (code, Json(json!({ "error": error }))).into_response()
}
