//! How the AWS stand-in says no: XML for the query APIs (STS, IAM), JSON for Organizations.
//!
//! Codes and sentences are those that AWS sends; an AccessDenied looks the same whatever its reason.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::faults::ServiceError;
use crate::identifier::random_guid;
use crate::page::escape;

/// A service whose errors have a form of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Sts,
    Iam,
    Organizations,
}

impl Service {
    /// Its name in a signature.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sts => "sts",
            Self::Iam => "iam",
            Self::Organizations => "organizations",
        }
    }

    fn namespace(self) -> &'static str {
        match self {
            Self::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            Self::Iam | Self::Organizations => "https://iam.amazonaws.com/doc/2010-05-08/",
        }
    }
}

/// An error of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AwsRefusal {
    status: u16,
    pub(super) code: String,
    message: String,
}

impl AwsRefusal {
    fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub(super) fn access_denied(caller: &str, action: &str, resource: &str) -> Self {
        let message = format!(
            "User: {caller} is not authorized to perform: {action} on resource: {resource}"
        );
        Self::new(403, "AccessDenied", message)
    }

    pub(super) fn denied(message: &str) -> Self {
        Self::new(403, "AccessDenied", message.to_owned())
    }

    pub(super) fn no_such_role(name: &str) -> Self {
        Self::new(
            404,
            "NoSuchEntity",
            format!("The role with name {name} cannot be found."),
        )
    }

    pub(super) fn not_in_management_account() -> Self {
        Self::new(
            400,
            "AccessDeniedException",
            "You don't have permissions to access this resource.",
        )
    }

    pub(super) fn missing_authentication() -> Self {
        Self::new(
            403,
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        )
    }

    pub(super) fn incomplete_signature() -> Self {
        Self::new(
            400,
            "IncompleteSignature",
            "Authorization header requires a complete AWS4-HMAC-SHA256 signature.",
        )
    }

    pub(super) fn unknown_key() -> Self {
        Self::new(
            403,
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        )
    }

    pub(super) fn expired_token() -> Self {
        Self::new(
            403,
            "ExpiredToken",
            "The security token included in the request is expired",
        )
    }

    pub(super) fn signature(message: impl Into<String>) -> Self {
        Self::new(403, "SignatureDoesNotMatch", message)
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "ValidationError", message)
    }

    pub(super) fn unknown_action(action: &str) -> Self {
        Self::new(
            400,
            "InvalidAction",
            format!("Could not find operation {action}"),
        )
    }

    pub(super) fn into_answer(self, service: Service) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        if service == Service::Organizations {
            let kind = [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/x-amz-json-1.1"),
            )];
            let body = json!({ "__type": self.code, "Message": self.message });
            return (status, kind, body.to_string()).into_response();
        }
        let fault = if status.is_server_error() {
            "Receiver"
        } else {
            "Sender"
        };
        let body = format!(
            "<ErrorResponse xmlns=\"{}\">\n  <Error>\n    <Type>{fault}</Type>\n    <Code>{}</Code>\n    \
             <Message>{}</Message>\n  </Error>\n  <RequestId>{}</RequestId>\n</ErrorResponse>\n",
            service.namespace(),
            escape(&self.code),
            escape(&self.message),
            random_guid()
        );
        (status, xml(), body).into_response()
    }
}

impl From<&ServiceError> for AwsRefusal {
    fn from(fault: &ServiceError) -> Self {
        Self::new(fault.status, &fault.code, fault.message.as_str())
    }
}

/// A successful answer of a query API; `result` is XML.
pub(super) fn answer(service: Service, action: &str, result: &str) -> Response {
    let body = format!(
        "<{action}Response xmlns=\"{}\">\n  <{action}Result>\n{result}  </{action}Result>\n  <ResponseMetadata>\n    \
         <RequestId>{}</RequestId>\n  </ResponseMetadata>\n</{action}Response>\n",
        service.namespace(),
        random_guid()
    );
    (xml(), body).into_response()
}

fn xml() -> [(header::HeaderName, HeaderValue); 1] {
    [(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"))]
}
