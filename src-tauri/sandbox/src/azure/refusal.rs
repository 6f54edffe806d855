//! How the Azure stand-in says no: OAuth errors in Entra's form, with their AADSTS number and text.
//!
//! The numbers and texts are those of Entra's published list of error codes. A client decides on `error` and
//! `suberror` only, as that list asks it to.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::json;

use crate::faults::OAuthError;
use crate::identifier::{guid, random_guid};

/// An OAuth error with Entra's number for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AzureRefusal {
    pub(crate) error: String,
    pub(crate) suberror: Option<String>,
    pub(crate) code: u32,
    pub(crate) text: String,
    pub(crate) claims: Option<String>,
}

impl AzureRefusal {
    pub(crate) fn new(error: &str, code: u32, text: impl Into<String>) -> Self {
        Self {
            error: error.to_owned(),
            suberror: None,
            code,
            text: text.into(),
            claims: None,
        }
    }

    pub(crate) fn invalid_grant(code: u32, text: impl Into<String>) -> Self {
        Self::new("invalid_grant", code, text)
    }

    fn suberror(mut self, suberror: &str) -> Self {
        self.suberror = Some(suberror.to_owned());
        self
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::new(
            "invalid_request",
            900144,
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }

    pub(crate) fn unknown_tenant(tenant: &str) -> Self {
        let text = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
        );
        Self::new("invalid_request", 90002, text)
    }

    pub(crate) fn unknown_client(client: &str, tenant: &str) -> Self {
        let text = format!(
            "Application with identifier '{client}' was not found in the directory '{tenant}'."
        );
        Self::new("unauthorized_client", 700016, text)
    }

    pub(crate) fn not_in_tenant(user: &str, tenant: &str) -> Self {
        let text = format!(
            "User account '{user}' does not exist in tenant '{tenant}' and cannot access the application in it."
        );
        Self::invalid_grant(50020, text)
    }

    pub(crate) fn malformed_grant() -> Self {
        Self::invalid_grant(9002313, "Invalid request. Request is malformed or invalid.")
            .suberror("bad_token")
    }

    /// The tenant wants a second factor; `claims` says what the client has to ask for.
    pub(crate) fn needs_second_factor(tenant_id: &str) -> Self {
        let policy = guid(&format!("second factor of {tenant_id}"));
        let mut refusal = Self::new(
            "interaction_required",
            50076,
            "Due to a configuration change made by your administrator, or because you moved to a new location, \
             you must use multi-factor authentication to access the resource.",
        )
        .suberror("basic_action");
        refusal.claims = Some(
            json!({ "access_token": { "capolids": { "essential": true, "values": [policy] } } })
                .to_string(),
        );
        refusal
    }

    pub(crate) fn needs_consent(client: &str) -> Self {
        let text = format!(
            "The user or administrator has not consented to use the application with ID '{client}'. Send an \
             interactive authorization request for this user and resource."
        );
        Self::invalid_grant(65001, text).suberror("consent_required")
    }

    /// `error_description`, which has several lines.
    pub(crate) fn description(&self, trace: &Trace) -> String {
        format!(
            "AADSTS{}: {}\r\nTrace ID: {}\r\nCorrelation ID: {}\r\nTimestamp: {}",
            self.code, self.text, trace.id, trace.correlation, trace.time
        )
    }

    /// The answer of a token endpoint.
    pub(crate) fn into_token_answer(self, now: Timestamp) -> Response {
        let status = if self.error == "invalid_client" {
            StatusCode::UNAUTHORIZED
        } else {
            StatusCode::BAD_REQUEST
        };
        let trace = Trace::new(now);
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(&trace),
            "error_codes": [self.code],
            "timestamp": trace.time,
            "trace_id": trace.id,
            "correlation_id": trace.correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={}", self.code),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = suberror.into();
        }
        if let Some(claims) = self.claims {
            body["claims"] = claims.into();
        }
        let no_store = [(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store, no-cache"),
        )];
        (status, no_store, Json(body)).into_response()
    }
}

impl From<OAuthError> for AzureRefusal {
    /// A description may begin with the number of its own, as `AADSTS53003: …`.
    fn from(fault: OAuthError) -> Self {
        let numbered = fault
            .description
            .strip_prefix("AADSTS")
            .and_then(|rest| rest.split_once(": "))
            .and_then(|(number, text)| Some((number.parse().ok()?, text.to_owned())));
        let (code, text) = numbered.unwrap_or((90000, fault.description));
        Self {
            error: fault.error,
            suberror: fault.suberror,
            code,
            text,
            claims: fault.claims,
        }
    }
}

/// What support would ask for.
pub(crate) struct Trace {
    id: String,
    correlation: String,
    time: String,
}

impl Trace {
    pub(crate) fn new(now: Timestamp) -> Self {
        let time = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        Self {
            id: random_guid(),
            correlation: random_guid(),
            time,
        }
    }
}
