//! `GET /tenants` and `GET /subscriptions` of Resource Manager.
//!
//! Tenants are those that the token's user may enter; subscriptions are those of the token's tenant only. Both
//! lists come in pages, and both insist on an unexpired token for this resource.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::Azure;
use super::directory::{EntraUser, Tenant};
use crate::faults::Fault;
use crate::server::Spoiled;

#[derive(Deserialize)]
pub(super) struct AzurePage {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
    #[serde(rename = "$skiptoken", default)]
    skip: usize,
}

pub(super) async fn tenants(
    State(azure): State<Arc<Azure>>,
    Extension(spoiled): Extension<Spoiled>,
    Query(page): Query<AzurePage>,
    headers: HeaderMap,
) -> Response {
    let (user, _) = match azure.bearer(&headers, &page) {
        Ok(bearer) => bearer,
        Err(response) => return *response,
    };
    let rows = azure.directory.tenants_of(user).map(|tenant| {
        json!({
            "id": format!("/tenants/{}", tenant.id),
            "tenantId": tenant.id,
            "tenantCategory": "Home",
            "displayName": tenant.name,
            "defaultDomain": tenant.domain,
            "domains": [tenant.domain],
        })
    });
    azure.list("tenants", rows.collect(), &page, &spoiled)
}

pub(super) async fn subscriptions(
    State(azure): State<Arc<Azure>>,
    Extension(spoiled): Extension<Spoiled>,
    Query(page): Query<AzurePage>,
    headers: HeaderMap,
) -> Response {
    let (user, tenant) = match azure.bearer(&headers, &page) {
        Ok(bearer) => bearer,
        Err(response) => return *response,
    };
    let visible = tenant.subscriptions.iter().filter(|subscription| {
        subscription
            .readers
            .iter()
            .any(|reader| reader.eq_ignore_ascii_case(&user.email))
    });
    let rows = visible.map(|subscription| {
        json!({
            "id": format!("/subscriptions/{}", subscription.id),
            "subscriptionId": subscription.id,
            "tenantId": tenant.id,
            "displayName": subscription.name,
            "state": subscription.state,
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "EnterpriseAgreement_2014-09-01",
                "spendingLimit": "Off",
            },
        })
    });
    if let Some(made_up) = spoiled.made_up_page() {
        let row = json!({ "subscriptionId": tenant.id, "displayName": "x".repeat(made_up.name_bytes), "state": "Enabled" });
        return azure.endless("subscriptions", vec![row; made_up.rows], page.skip);
    }
    azure.list("subscriptions", rows.collect(), &page, &spoiled)
}

impl Azure {
    /// Whose token it is and for which tenant, or the answer that refuses it.
    fn bearer(
        &self,
        headers: &HeaderMap,
        page: &AzurePage,
    ) -> Result<(&EntraUser, &Tenant), Box<Response>> {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| {
                let text = "Authentication failed. The 'Authorization' header is missing.";
                self.unauthorized("AuthenticationFailed", text)
            })?;
        let invalid =
            || self.unauthorized("InvalidAuthenticationToken", "The access token is invalid.");
        let token = self
            .grants()
            .access_token(token)
            .cloned()
            .ok_or_else(invalid)?;
        let now = self.shared.clock.now();
        if now >= token.expires {
            let text = format!(
                "The access token expiry UTC time '{}' is earlier than current UTC time '{now}'.",
                token.expires
            );
            return Err(self.unauthorized("ExpiredAuthenticationToken", &text));
        }
        if !token
            .scope
            .opens_resource_manager(self.resource_manager.as_str())
        {
            let text = format!(
                "The access token has been obtained for wrong audience or resource '{}'.",
                token.scope.resource
            );
            return Err(self.unauthorized("InvalidAuthenticationTokenAudience", &text));
        }
        if page.api_version.is_none() {
            let text =
                "The api-version query parameter (?api-version=) is required for all requests.";
            return Err(Box::new(refuse(
                StatusCode::BAD_REQUEST,
                "MissingApiVersionParameter",
                text,
            )));
        }
        self.enter(&token.user, &token.tenant_id)
            .map_err(|_| invalid())
    }

    fn unauthorized(&self, code: &str, text: &str) -> Box<Response> {
        let mut response = refuse(StatusCode::UNAUTHORIZED, code, text);
        let challenge = format!(
            "Bearer authorization_uri=\"{}organizations\", error=\"invalid_token\", error_description=\"{text}\"",
            self.authority
        );
        let challenge = HeaderValue::from_str(&challenge).expect("the texts above are printable");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
        Box::new(response)
    }

    fn list(&self, path: &str, rows: Vec<Value>, page: &AzurePage, spoiled: &Spoiled) -> Response {
        let total = rows.len();
        let rows: Vec<Value> = rows
            .into_iter()
            .skip(page.skip)
            .take(self.page_size)
            .collect();
        let end = page.skip + rows.len();
        let next = if spoiled.by(&Fault::RepeatingNextLink) {
            Some(self.link(&self.resource_manager, path, page.skip))
        } else if spoiled.by(&Fault::HostileNextLink) {
            // A server of the sandbox under another name, so that the journal shows who followed the link.
            let mut hostile = self.authority.clone();
            hostile
                .set_host(Some("localhost"))
                .expect("an http URL has a host");
            Some(self.link(&hostile, path, end))
        } else {
            (end < total).then(|| self.link(&self.resource_manager, path, end))
        };
        let mut answer = json!({ "value": rows });
        if let Some(next) = next {
            answer["nextLink"] = next.into();
        }
        Json(answer).into_response()
    }

    fn endless(&self, path: &str, rows: Vec<Value>, skip: usize) -> Response {
        let next = self.link(&self.resource_manager, path, skip + rows.len());
        Json(json!({ "value": rows, "nextLink": next })).into_response()
    }

    fn link(&self, base: &Url, path: &str, skip: usize) -> String {
        let mut url = base.join(path).expect("the path is a plain word");
        url.query_pairs_mut()
            .append_pair("api-version", "2022-12-01")
            .append_pair("$skiptoken", &skip.to_string());
        url.into()
    }
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    (
        status,
        Json(json!({ "error": { "code": code, "message": message } })),
    )
        .into_response()
}
