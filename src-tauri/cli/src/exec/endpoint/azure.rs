//! Azure's managed identity, as App Service offers it (REST protocol 2019-08-01), and as Terraform requests it.

use http::{HeaderName, Method, StatusCode};
use mcm_core::account::Cloud;
use mcm_core::loopback::{self, Reply, Request};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use url::form_urlencoded;

use super::{Secret, json, status_of, wrong_method};
use crate::exec::broker::Broker;
use crate::variables::{Fact, Facts};

const HEADER: HeaderName = HeaderName::from_static("x-identity-header");
const METADATA: HeaderName = HeaderName::from_static("metadata");
const API_VERSION: &str = "2019-08-01";
/// The parameters that select one of several managed identities. There is one account here, so they are refused.
const SELECTORS: [&str; 6] = [
    "client_id",
    "object_id",
    "principal_id",
    "mi_res_id",
    "msi_res_id",
    "resource_id",
];

/// The routes for Azure's tools.
#[derive(Default)]
pub(super) struct Azure {
    pub(super) path: Secret,
    header: Secret,
    /// Terraform sends no secret header, so its route has a path that only Terraform's variable holds.
    pub(super) msi_path: Secret,
}

#[derive(Serialize)]
struct AzureToken<'a> {
    access_token: &'a str,
    /// Seconds since 1970, as text.
    expires_on: String,
    /// Seconds from now, as text.
    expires_in: String,
    resource: &'a str,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
}

/// MSAL for Python shows `statusCode` and `message`, MSAL for Node `error` and `message`, Terraform the whole text.
#[derive(Serialize)]
struct AzureFailure<'a> {
    #[serde(rename = "statusCode")]
    status_code: u16,
    error: &'a str,
    message: &'a str,
    error_description: &'a str,
}

impl Azure {
    pub(super) fn facts(&self, authority: &str) -> Facts {
        let at = |path: &Secret, door: &str| format!("http://{authority}/{}/{door}", path.text());
        Facts::from([
            (Fact::IdentityEndpoint, at(&self.path, "azure").into()),
            (Fact::IdentityHeader, self.header.text().into()),
            (Fact::MsiEndpoint, at(&self.msi_path, "azure-msi").into()),
        ])
    }

    /// As App Service.
    pub(super) async fn answer(&self, broker: &Broker, request: &Request) -> Reply {
        if !self.header.is_in(request.headers(), &HEADER) {
            let message = "X-IDENTITY-HEADER does not match IDENTITY_HEADER.";
            return failed(StatusCode::FORBIDDEN, "access_denied", message);
        }
        let query = request.uri().query().unwrap_or_default();
        if parameter(query, "api-version").as_deref() != Some(API_VERSION) {
            let message = format!("This endpoint supports only api-version={API_VERSION}.");
            return failed(StatusCode::BAD_REQUEST, "invalid_request", &message);
        }
        token(broker, request).await
    }

    /// The route for Terraform. The header keeps out clients that can only send addresses.
    pub(super) async fn answer_msi(&self, broker: &Broker, request: &Request) -> Reply {
        if loopback::single(request.headers(), &METADATA) != Some("true") {
            return failed(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "The header \"Metadata: true\" is missing. Add it to the request.",
            );
        }
        token(broker, request).await
    }
}

async fn token(broker: &Broker, request: &Request) -> Reply {
    if request.method() != Method::GET {
        return wrong_method(&Method::GET);
    }
    let query = request.uri().query().unwrap_or_default();
    if let Some(selector) = SELECTORS.into_iter().find(|name| names(query, name)) {
        let message = format!(
            "The program selects a managed identity by {selector}, but \"mcm exec\" serves one account. Remove \
             {selector}, or unset AZURE_CLIENT_ID."
        );
        return failed(StatusCode::BAD_REQUEST, "invalid_request", &message);
    }
    let Some(resource) = parameter(query, "resource") else {
        return failed(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The parameter resource is missing. Add it to the request.",
        );
    };
    let (_, session) = match broker.issue(Cloud::Azure, Some(&resource)).await {
        Ok(served) => served,
        Err(refused) => {
            return failed(status_of(&refused), refused.code.as_str(), &refused.message);
        }
    };
    let access_token = match session.bearer() {
        Ok(token) => token.expose_secret(),
        Err(error) => {
            return failed(
                StatusCode::FORBIDDEN,
                error.code().as_str(),
                error.message(),
            );
        }
    };
    let (expires_at, settings) = (session.times.expires_at, broker.settings());
    let token = AzureToken {
        access_token,
        expires_on: expires_at.as_second().to_string(),
        expires_in: expires_at
            .duration_since(broker.now())
            .as_secs()
            .to_string(),
        resource: &resource,
        token_type: "Bearer",
        client_id: settings
            .azure
            .client_id
            .as_ref()
            .map(|found| found.value.as_str()),
    };
    json(StatusCode::OK, &token)
}

/// A parameter that occurs exactly once.
fn parameter(query: &str, name: &str) -> Option<String> {
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    let value = found.next()?.1.into_owned();
    found.next().is_none().then_some(value)
}

fn names(query: &str, name: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(known, _)| known == name)
}

fn failed(status: StatusCode, error: &str, message: &str) -> Reply {
    json(
        status,
        &AzureFailure {
            status_code: status.as_u16(),
            error,
            message,
            error_description: message,
        },
    )
}
