//! The access portal's API: accounts, roles and their credentials, by the header `x-amz-sso_bearer_token`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::super::directory::Role;
use super::super::keys::Principal;
use super::{IdentityCenter, REGION, SsoRefusal};
use crate::faults::Fault;
use crate::page::page as framed;
use crate::server::Spoiled;

const TOKEN: &str = "x-amz-sso_bearer_token";

#[derive(Deserialize)]
pub(super) struct SsoPage {
    #[serde(default)]
    max_result: Option<String>,
    #[serde(default)]
    next_token: Option<String>,
    #[serde(default)]
    account_id: Option<String>,
}

pub(super) async fn accounts(
    State(center): State<Arc<IdentityCenter>>,
    Extension(spoiled): Extension<Spoiled>,
    headers: HeaderMap,
    Query(asked): Query<SsoPage>,
) -> Response {
    center.answer(|| {
        center.called()?;
        center.user(&headers)?;
        let directory = center.directory();
        let rows = directory.accounts.iter().map(|account| {
            let email = format!("{}@contoso.example", account.id);
            json!({ "accountId": account.id, "accountName": account.name, "emailAddress": email })
        });
        center.one_page("accountList", rows.collect(), &asked, &spoiled)
    })
}

pub(super) async fn roles(
    State(center): State<Arc<IdentityCenter>>,
    Extension(spoiled): Extension<Spoiled>,
    headers: HeaderMap,
    Query(asked): Query<SsoPage>,
) -> Response {
    center.answer(|| {
        center.called()?;
        center.user(&headers)?;
        let id = asked.account_id.clone().unwrap_or_default();
        let policy = center.policy();
        if policy.forbidden_accounts.contains(&id) {
            return Err(forbidden());
        }
        let directory = center.directory();
        let account = directory
            .accounts
            .iter()
            .find(|account| account.id == id && !policy.missing_accounts.contains(&id))
            .ok_or_else(|| {
                SsoRefusal::portal(404, "ResourceNotFoundException", "No such account")
            })?;
        let rows = account
            .roles
            .iter()
            .map(|role| json!({ "roleName": role, "accountId": id }));
        center.one_page("roleList", rows.collect(), &asked, &spoiled)
    })
}

#[derive(Deserialize)]
pub(super) struct Pair {
    #[serde(default)]
    role_name: String,
    #[serde(default)]
    account_id: String,
}

pub(super) async fn credentials(
    State(center): State<Arc<IdentityCenter>>,
    headers: HeaderMap,
    Query(pair): Query<Pair>,
) -> Response {
    center.answer(|| {
        center.called()?;
        let user = center.user(&headers)?;
        let policy = center.policy();
        let name = format!("{}/{}", pair.account_id, pair.role_name);
        let is_assigned = center.directory().accounts.iter().any(|account| {
            account.id == pair.account_id && account.roles.contains(&pair.role_name)
        });
        if !is_assigned || policy.forbidden.contains(&name) {
            return Err(forbidden());
        }
        let digest = Sha256::digest(&name);
        let suffix: String = digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let role = Role::new(
            &pair.account_id,
            &format!("AWSReservedSSO_{}_{suffix}", pair.role_name),
        )
        .allow_assuming()
        .read_accounts();
        let session = Principal::Session {
            role,
            name: user,
            is_chained: false,
            policies: Vec::new(),
        };
        let issued = center
            .aws
            .issue_session(session, Duration::from_secs(policy.role_life));
        let expires = issued.expires.expect("a session ends");
        Ok(json!({ "roleCredentials": {
            "accessKeyId": issued.key.id,
            "secretAccessKey": issued.key.secret,
            "sessionToken": issued.key.session_token,
            "expiration": expires.as_millisecond(),
        }}))
    })
}

pub(super) async fn logout(
    State(center): State<Arc<IdentityCenter>>,
    headers: HeaderMap,
) -> Response {
    match center.user(&headers) {
        Ok(user) => {
            center.end_session(&user);
            StatusCode::OK.into_response()
        }
        Err(refusal) => refusal.into_answer(&center.policy()),
    }
}

/// The portal's page, which names its region.
pub(super) async fn page(State(center): State<Arc<IdentityCenter>>) -> Response {
    if center.policy().omits_region {
        return framed(StatusCode::OK, "AWS access portal", "AWS access portal", "");
    }
    let html = format!(
        "<!doctype html><html><head><meta charset=\"utf-8\"><title>AWS access portal</title>\
         <meta name=\"region\" content=\"{REGION}\"/></head><body></body></html>"
    );
    axum::response::Html(html).into_response()
}

impl IdentityCenter {
    /// Counts a call, and refuses one too many.
    fn called(&self) -> Result<(), SsoRefusal> {
        let mut state = self.state();
        let now = Instant::now();
        state.calls.push(now);
        let second = now.checked_sub(Duration::from_secs(1));
        let recent = state
            .calls
            .iter()
            .rev()
            .take_while(|at| second.is_none_or(|second| **at > second))
            .count();
        match state.policy.calls_per_second {
            Some(most) if recent > most => {
                let refusal =
                    SsoRefusal::portal(429, "TooManyRequestsException", "HTTP 429 Unknown Code");
                Err(SsoRefusal {
                    retry_after: state.policy.retry_after.clone(),
                    ..refusal
                })
            }
            _ => Ok(()),
        }
    }

    /// Whose token the request has.
    fn user(&self, headers: &HeaderMap) -> Result<String, SsoRefusal> {
        let state = self.state();
        let now = self.shared.clock.now();
        headers
            .get(TOKEN)
            .and_then(|token| token.to_str().ok())
            .and_then(|token| state.access_tokens.get(token))
            .filter(|issued| state.is_live(issued, now) && !state.policy.is_wrong_region)
            .map(|issued| issued.user.clone())
            .ok_or_else(|| {
                SsoRefusal::portal(
                    401,
                    "UnauthorizedException",
                    "Session token not found or invalid",
                )
            })
    }

    fn one_page(
        &self,
        name: &str,
        mut rows: Vec<Value>,
        asked: &SsoPage,
        spoiled: &Spoiled,
    ) -> Result<Value, SsoRefusal> {
        let wrong = || SsoRefusal::portal(400, "InvalidRequestException", "Invalid value");
        let size = match &asked.max_result {
            None => 20,
            Some(text) => text.parse().map_err(|_| wrong())?,
        };
        if !(1..=100).contains(&size) {
            return Err(wrong());
        }
        let size = size.min(self.policy().page_size.max(1));
        let from: usize = match asked.next_token.as_deref() {
            None | Some("") => 0,
            Some(token) => token
                .strip_prefix("page-")
                .and_then(|from| from.parse().ok())
                .ok_or_else(wrong)?,
        };
        if let Some(page) = spoiled.made_up_page() {
            let mut row = rows.swap_remove(0);
            row["accountName"] = json!("x".repeat(page.name_bytes));
            let next = format!("page-{}", from + page.rows);
            return Ok(json!({ name: vec![row; page.rows], "nextToken": next }));
        }
        if spoiled.by(&Fault::EmptyPage) {
            return Ok(json!({ name: [], "nextToken": format!("page-{from}") }));
        }
        if spoiled.by(&Fault::RepeatingNextLink) {
            rows.truncate(size);
            return Ok(json!({ name: rows, "nextToken": "page-0" }));
        }
        let until = rows.len().min(from.saturating_add(size));
        // Some answers spell the end as an empty text.
        let next = match (until < rows.len(), from) {
            (true, _) => json!(format!("page-{until}")),
            (false, 0) => Value::Null,
            (false, _) => json!(""),
        };
        let page: Vec<Value> = rows.drain(from.min(until)..until).collect();
        Ok(json!({ name: page, "nextToken": next }))
    }
}

fn forbidden() -> SsoRefusal {
    SsoRefusal::portal(403, "ForbiddenException", "No access")
}
