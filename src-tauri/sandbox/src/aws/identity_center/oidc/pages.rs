//! The pages of the OIDC service: the user signs in, approves or declines, and enters the code of a device.

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use url::Url;

use super::{CODE_LIFE, SCOPE, SsoApproval, SsoCode, SsoTransaction};
use crate::aws::identity_center::IdentityCenter;
use crate::identifier::opaque;
use crate::page::{button, cookie, enter_code_at, escape, form, page, with_cookie};

const COOKIE: &str = "sandbox-center-session";
const NOT: &str = "AWS IAM Identity Center";

#[derive(Deserialize)]
pub(in crate::aws::identity_center) struct AuthorizeQuery {
    #[serde(default)]
    response_type: String,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    redirect_uri: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    code_challenge: String,
    #[serde(default)]
    code_challenge_method: String,
    #[serde(default, alias = "scope")]
    scopes: String,
}

/// The app's request.
pub(in crate::aws::identity_center) async fn authorize(
    State(center): State<Arc<IdentityCenter>>,
    Query(asked): Query<AuthorizeQuery>,
    headers: HeaderMap,
) -> Response {
    let wrong = |why: &str| {
        page(
            StatusCode::BAD_REQUEST,
            NOT,
            "Invalid request",
            &escape(why),
        )
    };
    let is_registered = {
        let state = center.state();
        let without_port = Url::parse(&asked.redirect_uri).ok().map(|mut uri| {
            let _ = uri.set_port(None);
            uri.to_string()
        });
        state.clients.get(&asked.client_id).is_some_and(|client| {
            client
                .redirect_uris
                .iter()
                .any(|known| Some(known) == without_port.as_ref())
                && center.shared.clock.now() < client.expires
        })
    };
    if !is_registered {
        return wrong("The client or its redirect URI is not registered.");
    }
    if asked.response_type != "code" || asked.scopes != SCOPE {
        return wrong("response_type or scopes");
    }
    if asked.code_challenge_method != "S256" || asked.code_challenge.len() != 43 {
        return wrong("PKCE with S256 is required.");
    }
    let transaction = SsoTransaction {
        client_id: asked.client_id,
        redirect_uri: asked.redirect_uri,
        state: asked.state,
        challenge: asked.code_challenge,
        device: None,
        browsing: String::new(),
    };
    center.begin(&headers, transaction)
}

#[derive(Deserialize)]
pub(in crate::aws::identity_center) struct PageAnswer {
    transaction: String,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    answer: Option<String>,
}

/// A page that the user answered.
pub(in crate::aws::identity_center) async fn proceed(
    State(center): State<Arc<IdentityCenter>>,
    Form(fields): Form<PageAnswer>,
) -> Response {
    let Some(transaction) = center
        .state()
        .transactions
        .get(&fields.transaction)
        .cloned()
    else {
        return page(StatusCode::BAD_REQUEST, NOT, "This sign-in is over", "");
    };
    if let Some(user) = fields.user {
        let mut state = center.state();
        if !state.directory.users.contains(&user) {
            return page(StatusCode::FORBIDDEN, NOT, "There is no such user", "");
        }
        state.browsing.insert(transaction.browsing.clone(), user);
    }
    match fields.answer.as_deref() {
        Some("cancel") => {
            center.state().transactions.remove(&fields.transaction);
            center.decline(&transaction)
        }
        Some("accept") => {
            let mut state = center.state();
            let user = state.browsing.get(&transaction.browsing).cloned();
            state
                .consents
                .extend(user.map(|user| (transaction.client_id.clone(), user)));
            drop(state);
            center.next_page(&fields.transaction, &transaction)
        }
        _ => center.next_page(&fields.transaction, &transaction),
    }
}

pub(in crate::aws::identity_center) async fn enter_code() -> Response {
    enter_code_at(NOT, "/device", "")
}

#[derive(Deserialize)]
pub(in crate::aws::identity_center) struct TypedCode {
    user_code: String,
}

pub(in crate::aws::identity_center) async fn check_code(
    State(center): State<Arc<IdentityCenter>>,
    headers: HeaderMap,
    Form(typed): Form<TypedCode>,
) -> Response {
    let found = center
        .devices()
        .find(&typed.user_code, center.shared.clock.now());
    let Some((device, ())) = found else {
        return enter_code_at(NOT, "/device", "There is no such code.");
    };
    let transaction = SsoTransaction {
        client_id: String::new(),
        redirect_uri: String::new(),
        state: String::new(),
        challenge: String::new(),
        device: Some(device),
        browsing: String::new(),
    };
    center.begin(&headers, transaction)
}

impl IdentityCenter {
    fn begin(&self, headers: &HeaderMap, mut transaction: SsoTransaction) -> Response {
        let browsing = cookie(headers, COOKIE).unwrap_or_else(|| opaque("sandbox-browser-", 48));
        transaction.browsing.clone_from(&browsing);
        let id = opaque("sandbox-transaction-", 48);
        self.state()
            .transactions
            .insert(id.clone(), transaction.clone());
        with_cookie(self.next_page(&id, &transaction), COOKIE, &browsing)
    }

    /// The page that a transaction is at, or its end.
    fn next_page(&self, id: &str, transaction: &SsoTransaction) -> Response {
        let step = |title: &str, rest: &str| {
            let main = form("/authorize/answer", &[("transaction", id)], rest);
            page(StatusCode::OK, NOT, title, &main)
        };
        let (user, users, consented, name) = {
            let state = self.state();
            let user = state.browsing.get(&transaction.browsing).cloned();
            let consented = user.as_ref().is_some_and(|user| {
                state
                    .consents
                    .contains(&(transaction.client_id.clone(), user.clone()))
            });
            let name = state
                .clients
                .get(&transaction.client_id)
                .map_or_else(|| "a device".to_owned(), |client| client.name.clone());
            (user, state.directory.users.clone(), consented, name)
        };
        let Some(user) = user else {
            let users: String = users
                .iter()
                .map(|user| button("user", user, &escape(user)))
                .collect();
            return step("Sign in", &(users + &button("answer", "cancel", "Cancel")));
        };
        if !consented {
            let rest =
                button("answer", "accept", "Allow access") + &button("answer", "cancel", "Deny");
            return step(&format!("Allow {name} to access your data?"), &rest);
        }
        let mut state = self.state();
        state.transactions.remove(id);
        let approval = SsoApproval {
            session: state.session_of(&user),
            user,
        };
        if let Some(device) = &transaction.device {
            drop(state);
            self.devices().decide(device, Some(approval));
            return page(StatusCode::OK, NOT, "Request approved", "");
        }
        let code = self
            .shared
            .journal
            .issue(opaque("sandbox-center-code.", 200));
        state.codes.insert(
            code.clone(),
            SsoCode {
                client_id: transaction.client_id.clone(),
                redirect_uri: transaction.redirect_uri.clone(),
                challenge: transaction.challenge.clone(),
                approval,
                expires: self.shared.clock.now() + CODE_LIFE,
            },
        );
        redirect(transaction, &[("code", &code)])
    }

    fn decline(&self, transaction: &SsoTransaction) -> Response {
        match &transaction.device {
            Some(device) => {
                self.devices().decide(device, None);
                page(StatusCode::OK, NOT, "Request denied", "")
            }
            None => redirect(
                transaction,
                &[
                    ("error", "access_denied"),
                    ("error_description", "User denied"),
                ],
            ),
        }
    }
}

fn redirect(transaction: &SsoTransaction, answer: &[(&str, &str)]) -> Response {
    let mut url = Url::parse(&transaction.redirect_uri).expect("it was checked at the beginning");
    url.query_pairs_mut()
        .extend_pairs(answer)
        .append_pair("state", &transaction.state);
    let location = HeaderValue::from_str(url.as_str()).expect("a URL is printable ASCII");
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}
