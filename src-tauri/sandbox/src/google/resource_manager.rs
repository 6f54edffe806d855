//! `GET /v3/projects:search` of Google's Resource Manager.
//!
//! Pages may be shorter than asked for, or empty, and still have a successor. A list without rows has no `projects`
//! member at all.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::directory::Project;
use super::{Google, PROJECT_NUMBER, refusal, scope};
use crate::faults::Fault;
use crate::identifier::guid;
use crate::server::Spoiled;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Search {
    #[serde(default)]
    query: String,
    page_size: Option<usize>,
    page_token: Option<String>,
}

pub(super) async fn search(
    State(google): State<Arc<Google>>,
    Extension(spoiled): Extension<Spoiled>,
    Query(search): Query<Search>,
    headers: HeaderMap,
) -> Response {
    let token = super::bearer(&headers).unwrap_or_default();
    let Some(grant) = google
        .grants()
        .access(token, google.shared.clock.now())
        .cloned()
    else {
        return refusal::unauthenticated();
    };
    let Some(user) = google.find_user(&grant.user) else {
        return refusal::unauthenticated();
    };
    if !scope::open_resource_manager(&grant.scopes) {
        return refusal::insufficient_scope();
    }
    if spoiled.by(&Fault::ServiceDisabled) {
        return refusal::service_disabled(PROJECT_NUMBER);
    }
    let Some(start) = start_of(search.page_token.as_deref()) else {
        return refusal::invalid_argument("Request contains an invalid argument.");
    };
    let Some(state) = state_of(&search.query) else {
        return refusal::invalid_argument(
            "The sandbox understands queries of the form state:ACTIVE only.",
        );
    };

    if let Some(page) = spoiled.made_up_page() {
        let row = json!({ "projectId": "made-up", "displayName": "x".repeat(page.name_bytes), "state": "ACTIVE" });
        let next = format!("sandbox-page-{}", start + page.rows);
        let answer = json!({ "projects": vec![row; page.rows], "nextPageToken": next });
        return Json(answer).into_response();
    }
    let wanted = |project: &&Project| state.is_none_or(|state| project.state == state);
    let projects: Vec<&Project> = user.projects.iter().filter(wanted).collect();
    let size = search
        .page_size
        .filter(|size| *size > 0)
        .unwrap_or(usize::MAX)
        .min(google.page_size);
    let rows: Vec<Value> = if spoiled.by(&Fault::EmptyPage) {
        Vec::new()
    } else {
        projects
            .iter()
            .skip(start)
            .take(size)
            .map(|project| row(project))
            .collect()
    };
    let end = start + rows.len();
    let next = if spoiled.by(&Fault::RepeatingNextLink) {
        Some(start)
    } else {
        (end < projects.len()).then_some(end)
    };

    let mut answer = json!({});
    if !rows.is_empty() {
        answer["projects"] = rows.into();
    }
    if let Some(next) = next {
        answer["nextPageToken"] = format!("sandbox-page-{next}").into();
    }
    Json(answer).into_response()
}

fn start_of(token: Option<&str>) -> Option<usize> {
    match token {
        None | Some("") => Some(0),
        Some(token) => token.strip_prefix("sandbox-page-")?.parse().ok(),
    }
}

/// The state that a query asks for, if any; `None` for a query of another form.
fn state_of(query: &str) -> Option<Option<&str>> {
    match query.trim() {
        "" => Some(None),
        query => query
            .strip_prefix("state:")
            .or_else(|| query.strip_prefix("state="))
            .map(Some),
    }
}

fn row(project: &Project) -> Value {
    let mut row = json!({
        "name": format!("projects/{}", project.number),
        "projectId": project.id,
        "state": project.state,
        "displayName": project.name,
        "createTime": "2024-02-29T12:00:00.123Z",
        "updateTime": "2024-03-01T12:00:00.123Z",
        "etag": format!("W/\"{}\"", &guid(&project.id)[..16]),
    });
    if let Some(parent) = &project.parent {
        row["parent"] = parent.as_str().into();
    }
    row
}
