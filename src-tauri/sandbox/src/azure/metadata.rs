//! The public documents of the sign-in server: OpenID configuration, signing keys, instance discovery.
//!
//! `organizations` and `common` have a templated issuer, `{tenantid}`, as at Entra; a tenant has its own.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::{Azure, AzureAuthority};
use crate::faults::{FOREIGN_TOKEN_ENDPOINT, Fault};
use crate::server::Spoiled;

pub(super) async fn openid_configuration(
    State(azure): State<Arc<Azure>>,
    Extension(spoiled): Extension<Spoiled>,
    Path(tenant): Path<String>,
) -> Response {
    let authority = match azure.authority(&tenant) {
        Ok(authority) => authority,
        Err(refusal) => return refusal.into_token_answer(azure.shared.clock.now()),
    };
    let base = format!("{}{}", azure.authority, authority.key());
    let token_endpoint = if spoiled.by(&Fault::ForeignTokenEndpoint) {
        FOREIGN_TOKEN_ENDPOINT.to_owned()
    } else {
        format!("{base}/oauth2/v2.0/token")
    };
    Json(json!({
        "issuer": azure.issuer(issuing_tenant(&authority)),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": token_endpoint,
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "code_challenge_methods_supported": ["plain", "S256"],
        "request_uri_parameter_supported": false,
        "claims_supported": [
            "sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver",
        ],
        "tenant_region_scope": null,
        "cloud_instance_name": "microsoftonline.com",
    }))
    .into_response()
}

pub(super) async fn keys(State(azure): State<Arc<Azure>>, Path(tenant): Path<String>) -> Response {
    let authority = match azure.authority(&tenant) {
        Ok(authority) => authority,
        Err(refusal) => return refusal.into_token_answer(azure.shared.clock.now()),
    };
    let mut key = azure.key.public();
    key["issuer"] = azure.issuer(issuing_tenant(&authority)).into();
    Json(json!({ "keys": [key] })).into_response()
}

pub(super) async fn instance(State(azure): State<Arc<Azure>>) -> Response {
    let host = &azure.authority[url::Position::BeforeHost..url::Position::AfterPort];
    let answer = json!({
        "tenant_discovery_endpoint": format!("{}common/v2.0/.well-known/openid-configuration", azure.authority),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    });
    (StatusCode::OK, Json(answer)).into_response()
}

fn issuing_tenant(authority: &AzureAuthority) -> &str {
    authority.tenant_id().unwrap_or("{tenantid}")
}
