//! `/_sandbox/…`: the controls of the sandbox for tests in other processes, and the files that its pages load.
//!
//! Every server answers these paths alike. They are not recorded and no fault meets them. A control takes JSON only,
//! which a web page of another origin cannot send without asking first.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use crate::azure::{Azure, Rotation};
use crate::faults::Rule;
use crate::google::{Google, Policy};
use crate::journal::Request;
use crate::page::{STYLE, SUBMIT};
use crate::sandbox::Revocation;
use crate::server::Shared;

#[derive(Clone)]
struct Controls {
    azure: Arc<Azure>,
    google: Arc<Google>,
    shared: Arc<Shared>,
}

/// What `POST /_sandbox/people` asks for.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PersonChange {
    person: String,
    #[serde(default)]
    revoke: Option<Revocation>,
    #[serde(default)]
    reject_access_tokens: bool,
    #[serde(default)]
    forget_consents: bool,
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
    google_policy: Option<Policy>,
    #[serde(default)]
    rotate_google_signing_key: bool,
}

pub(crate) fn router(azure: Arc<Azure>, google: Arc<Google>, shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/_sandbox/style.css", get(async || file("text/css; charset=utf-8", STYLE)))
        .route("/_sandbox/submit.js", get(async || file("text/javascript; charset=utf-8", SUBMIT)))
        .route("/_sandbox/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/_sandbox/requests", get(requests).delete(forget_requests))
        .route("/_sandbox/secrets", get(secrets))
        .route("/_sandbox/people", axum::routing::post(change_person))
        .route("/_sandbox/settings", axum::routing::post(change_settings))
        .with_state(Controls { azure, google, shared })
}

fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], text)
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

async fn change_person(State(controls): State<Controls>, Json(change): Json<PersonChange>) -> StatusCode {
    if let Some(revocation) = &change.revoke {
        controls.azure.revoke(&change.person, revocation);
        controls.google.revoke(&change.person, revocation);
    }
    if change.reject_access_tokens {
        controls.azure.forget_access_tokens(&change.person);
        controls.google.forget_access_tokens(&change.person);
    }
    if change.forget_consents {
        controls.azure.forget_consents(&change.person);
        controls.google.forget_consents(&change.person);
    }
    StatusCode::NO_CONTENT
}

async fn change_settings(State(controls): State<Controls>, Json(settings): Json<Settings>) -> StatusCode {
    if let Some(life) = settings.access_token_life_ms {
        controls.shared.access_token_life.store(life, Ordering::Relaxed);
    }
    if let Some(rotation) = settings.azure_rotation {
        controls.azure.set_rotation(rotation);
    }
    if let Some(policy) = settings.google_policy {
        controls.google.set_policy(policy);
    }
    if settings.rotate_google_signing_key {
        controls.google.rotate_signing_key();
    }
    StatusCode::NO_CONTENT
}
