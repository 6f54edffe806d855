//! `/_sandbox/…`: the controls of the sandbox for tests in other processes, and the files that its pages load.
//!
//! Every server answers these paths alike. They are not recorded and no fault meets them. A control takes JSON only,
//! which a web page of another origin cannot send without asking first.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use crate::aws::directory::Role;
use crate::aws::identity_center::{self, AssignedAccount, IdentityCenter};
use crate::aws::{AccessKey, Assumption, Aws};
use crate::azure::{Azure, Rotation};
use crate::faults::{Revocation, Rule};
use crate::google::{Google, ProjectPolicy};
use crate::journal::Request;
use crate::page::{STYLE, SUBMIT};
use crate::server::Shared;

/// What can be controlled.
#[derive(Clone)]
pub(crate) struct Clouds {
    pub(crate) azure: Arc<Azure>,
    pub(crate) google: Arc<Google>,
    pub(crate) aws: Arc<Aws>,
    pub(crate) identity_center: Arc<IdentityCenter>,
}

#[derive(Clone)]
struct Controls {
    clouds: Clouds,
    shared: Arc<Shared>,
}

/// What `POST /_sandbox/users` asks for.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct UserChange {
    user: String,
    #[serde(default)]
    revoke: Option<Revocation>,
    #[serde(default)]
    reject_access_tokens: bool,
    #[serde(default)]
    forget_consents: bool,
}

/// What `POST /_sandbox/aws-keys` asks for: keys of a user's own, or of a session of so many seconds.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct KeyRequest {
    user: String,
    #[serde(default)]
    seconds: Option<u64>,
}

/// What `POST /_sandbox/settings` asks for.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Settings {
    #[serde(default)]
    access_token_life_ms: Option<u64>,
    #[serde(default)]
    azure_rotation: Option<Rotation>,
    #[serde(default)]
    azure_consent_for: Option<String>,
    #[serde(default)]
    google_policy: Option<ProjectPolicy>,
    #[serde(default)]
    rotate_google_signing_key: bool,
    #[serde(default)]
    aws_session_life_ms: Option<u64>,
    #[serde(default)]
    identity_center: Option<identity_center::PermissionPolicy>,
    #[serde(default)]
    identity_center_accounts: Option<Vec<AssignedAccount>>,
    #[serde(default)]
    end_identity_center_session: Option<String>,
    #[serde(default)]
    reject_identity_center_tokens: bool,
}

pub(crate) fn router(clouds: Clouds, shared: Arc<Shared>) -> Router {
    Router::new()
        .route(
            "/_sandbox/style.css",
            get(async || file("text/css; charset=utf-8", STYLE)),
        )
        .route(
            "/_sandbox/submit.js",
            get(async || file("text/javascript; charset=utf-8", SUBMIT)),
        )
        .route(
            "/_sandbox/faults",
            get(faults).post(add_fault).delete(clear_faults),
        )
        .route("/_sandbox/requests", get(requests).delete(forget_requests))
        .route("/_sandbox/secrets", get(secrets))
        .route("/_sandbox/users", axum::routing::post(change_user))
        .route("/_sandbox/aws-roles", axum::routing::put(put_role))
        .route("/_sandbox/aws-keys", axum::routing::post(issue_key))
        .route("/_sandbox/aws-assumptions", get(assumptions))
        .route("/_sandbox/settings", axum::routing::post(change_settings))
        .with_state(Controls { clouds, shared })
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, HeaderValue::from_static(kind))],
        text,
    )
}

async fn faults(State(controls): State<Controls>) -> Json<Vec<Rule>> {
    Json(controls.shared.faults.rules())
}

async fn add_fault(State(controls): State<Controls>, Json(rule): Json<Rule>) -> StatusCode {
    controls.shared.faults.add(rule);
    StatusCode::NO_CONTENT
}

async fn clear_faults(State(controls): State<Controls>) -> StatusCode {
    controls.shared.faults.clear();
    StatusCode::NO_CONTENT
}

async fn requests(State(controls): State<Controls>) -> Json<Vec<Request>> {
    Json(controls.shared.journal.requests())
}

async fn forget_requests(State(controls): State<Controls>) -> StatusCode {
    controls.shared.journal.forget_requests();
    StatusCode::NO_CONTENT
}

async fn secrets(State(controls): State<Controls>) -> Json<Vec<String>> {
    Json(controls.shared.journal.secrets())
}

async fn change_user(
    State(controls): State<Controls>,
    Json(change): Json<UserChange>,
) -> StatusCode {
    if let Some(revocation) = &change.revoke {
        controls.clouds.azure.revoke(&change.user, revocation);
        controls.clouds.google.revoke(&change.user, revocation);
    }
    if change.reject_access_tokens {
        controls.clouds.azure.forget_access_tokens(&change.user);
        controls.clouds.google.forget_access_tokens(&change.user);
    }
    if change.forget_consents {
        controls.clouds.azure.forget_consents(&change.user);
        controls.clouds.google.forget_consents(&change.user);
    }
    StatusCode::NO_CONTENT
}

async fn change_settings(
    State(controls): State<Controls>,
    Json(settings): Json<Settings>,
) -> StatusCode {
    if let Some(life) = settings.access_token_life_ms {
        controls
            .shared
            .access_token_life
            .store(life, Ordering::Relaxed);
    }
    if let Some(resource) = &settings.azure_consent_for {
        controls.clouds.azure.ask_consent_for(resource);
    }
    if let Some(rotation) = settings.azure_rotation {
        controls.clouds.azure.set_rotation(rotation);
    }
    if let Some(policy) = settings.google_policy {
        controls.clouds.google.set_policy(policy);
    }
    if settings.rotate_google_signing_key {
        controls.clouds.google.rotate_signing_key();
    }
    if let Some(life) = settings.aws_session_life_ms {
        controls
            .clouds
            .aws
            .set_session_life(Some(Duration::from_millis(life)));
    }
    let center = &controls.clouds.identity_center;
    if let Some(policy) = settings.identity_center {
        center.set_policy(policy);
    }
    if let Some(accounts) = settings.identity_center_accounts {
        let users = center.directory().users;
        center.set_directory(identity_center::SsoDirectory { users, accounts });
    }
    if let Some(user) = settings.end_identity_center_session {
        center.end_session(&user);
    }
    if settings.reject_identity_center_tokens {
        center.reject_access_tokens();
    }
    StatusCode::NO_CONTENT
}

async fn put_role(State(controls): State<Controls>, Json(role): Json<Role>) -> StatusCode {
    controls.clouds.aws.put_role(role);
    StatusCode::NO_CONTENT
}

async fn issue_key(
    State(controls): State<Controls>,
    Json(request): Json<KeyRequest>,
) -> Result<Json<AccessKey>, StatusCode> {
    let aws = &controls.clouds.aws;
    let key = match request.seconds {
        Some(seconds) => aws.issue_user_session(&request.user, Duration::from_secs(seconds)),
        None => aws.issue_user_key(&request.user),
    };
    key.map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn assumptions(State(controls): State<Controls>) -> Json<Vec<Assumption>> {
    Json(controls.clouds.aws.assumptions())
}
