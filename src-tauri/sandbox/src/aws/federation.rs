//! The federation endpoint: a session becomes a sign-in token, and the token opens the console.
//!
//! A sign-in token is a credential for fifteen minutes. The console itself is one page that says who is signed in.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use serde_json::json;
use url::{Url, form_urlencoded};

use super::Aws;
use super::keys::Principal;
use crate::identifier::opaque;
use crate::page::{escape, page};
use crate::server::FormFields;

const SIGNIN_TOKEN_LIFE: Duration = Duration::from_secs(15 * 60);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    session_id: String,
    session_key: String,
    session_token: String,
}

/// `GET` or `POST /federation`.
pub(super) async fn handle(
    State(aws): State<Arc<Aws>>,
    Query(mut fields): Query<FormFields>,
    body: Bytes,
) -> Response {
    fields.extend(form_urlencoded::parse(&body).into_owned());
    match fields.get("Action").map(String::as_str) {
        Some("getSigninToken") => aws.signin_token(&fields),
        Some("login") => aws.login(&fields),
        _ => refuse("Action must be getSigninToken or login"),
    }
}

/// `GET /oauth`: ends the browser's session at the console and goes on to the address given, which has to be here.
pub(super) async fn sign_out(
    State(aws): State<Arc<Aws>>,
    Query(fields): Query<FormFields>,
) -> Response {
    if fields.get("Action").map(String::as_str) != Some("logout") {
        return refuse("Action must be logout");
    }
    let next = fields
        .get("redirect_uri")
        .map(String::as_str)
        .unwrap_or_default();
    let is_ours =
        Url::parse(next).is_ok_and(|next| next.origin() == aws.addresses.federation.origin());
    if is_ours {
        Redirect::to(next).into_response()
    } else {
        refuse("redirect_uri is not an address of AWS")
    }
}

impl Aws {
    fn signin_token(&self, fields: &FormFields) -> Response {
        let session = fields
            .get("Session")
            .and_then(|json| serde_json::from_str::<Session>(json).ok());
        let Some(session) = session else {
            return refuse("Session is missing or is not JSON");
        };
        let now = self.shared.clock.now();
        let principal = self
            .keys()
            .session(
                &session.session_id,
                &session.session_key,
                &session.session_token,
                now,
            )
            .map(|issued| issued.principal.clone());
        let Some(Principal::Session { is_chained, .. }) = &principal else {
            return refuse("The session is not one of a role, or it is over");
        };
        if let Some(duration) = fields.get("SessionDuration") {
            let is_valid = duration
                .parse()
                .is_ok_and(|seconds: u32| (900..=43200).contains(&seconds));
            if *is_chained || !is_valid {
                return refuse("SessionDuration is not valid for this session");
            }
        }
        let token = self.shared.journal.issue(opaque("sandbox-signin-", 600));
        let arn = principal
            .map(|principal| principal.arn())
            .unwrap_or_default();
        self.signin_tokens()
            .insert(token.clone(), (arn, now + SIGNIN_TOKEN_LIFE));
        Json(json!({ "SigninToken": token })).into_response()
    }

    fn login(&self, fields: &FormFields) -> Response {
        let token = fields
            .get("SigninToken")
            .map(String::as_str)
            .unwrap_or_default();
        let known = self.signin_tokens().get(token).cloned();
        let now = self.shared.clock.now();
        let Some((arn, _)) = known.filter(|(_, expires)| now < *expires) else {
            return refuse("The sign-in token is not valid");
        };
        let destination = fields
            .get("Destination")
            .map(String::as_str)
            .unwrap_or_default();
        if !is_console(destination) {
            return refuse("Destination is not an address of the console");
        }
        let main = format!(
            "<p>Signed in as <code>{}</code>.</p>\n<p>The console would open <code>{}</code> now.</p>\n",
            escape(&arn),
            escape(destination)
        );
        page(StatusCode::OK, "Amazon", "AWS console", &main)
    }
}

fn is_console(destination: &str) -> bool {
    let Ok(url) = Url::parse(destination) else {
        return false;
    };
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "https"
        && (host == "console.aws.amazon.com" || host.ends_with(".console.aws.amazon.com"))
}

fn refuse(text: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, text).into_response()
}
