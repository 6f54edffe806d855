//! The public documents of the Google stand-in: OpenID configuration and signing keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::Google;
use crate::faults::{FOREIGN_TOKEN_ENDPOINT, Fault};
use crate::server::Spoiled;

pub(super) async fn openid_configuration(
    State(google): State<Arc<Google>>,
    Extension(spoiled): Extension<Spoiled>,
) -> Json<Value> {
    let base = google.issuer();
    let token_endpoint = if spoiled.by(&Fault::ForeignTokenEndpoint) {
        FOREIGN_TOKEN_ENDPOINT.to_owned()
    } else {
        format!("{base}/token")
    };
    Json(json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/o/oauth2/v2/auth"),
        "token_endpoint": token_endpoint,
        "device_authorization_endpoint": format!("{base}/device/code"),
        "userinfo_endpoint": format!("{base}/v1/userinfo"),
        "revocation_endpoint": format!("{base}/revoke"),
        "jwks_uri": format!("{base}/oauth2/v3/certs"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "claims_supported": [
            "aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss", "name", "sub",
        ],
        "code_challenge_methods_supported": ["plain", "S256"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "authorization_response_iss_parameter_supported": true,
    }))
}

pub(super) async fn keys(State(google): State<Arc<Google>>) -> impl IntoResponse {
    let keys: Vec<Value> = google.keys().iter().map(|key| key.public()).collect();
    (
        [(header::CACHE_CONTROL, "public, max-age=3600")],
        Json(json!({ "keys": keys })),
    )
}
