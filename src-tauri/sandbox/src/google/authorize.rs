//! Google's authorise endpoint and the pages that follow it.
//!
//! A request is checked once and becomes a transaction; each page that the user answers moves the transaction on,
//! and `next_page` shows the next one or sends the code. Every answer says who issued it (RFC 9207).

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use url::Url;

use super::device::GoogleDeviceRequest;
use super::grants::{GoogleCode, Grant};
use super::{DESKTOP_CLIENT_ID, Google, IOS_CLIENT_ID, pages, permits_redirect, scope};
use crate::faults::Fault;
use crate::identifier::opaque;
use crate::page::{cookie, with_cookie};
use crate::server::{FormFields, Spoiled};

const COOKIE: &str = "sandbox-google-session";

/// A user on the way to a code.
#[derive(Clone)]
pub(crate) struct GoogleTransaction {
    asked: GoogleAsked,
    /// Which browser it is, by its cookie.
    browsing: String,
    wants_list: bool,
    user: Option<String>,
    /// What the user left ticked, once the consent page has been answered.
    ticked: Option<Vec<String>>,
}

/// A request of the app that may be answered at its redirect URI.
#[derive(Clone)]
struct GoogleAsked {
    client_id: String,
    target: GoogleTarget,
    scopes: Vec<String>,
    nonce: Option<String>,
    challenge: String,
    prompts: Vec<String>,
    login_hint: Option<String>,
    is_offline: bool,
}

/// Where an answer goes.
#[derive(Clone)]
enum GoogleTarget {
    /// To the app, by way of the browser.
    Redirect(GoogleRedirect),
    /// To the device that waits with this device code.
    Device(String),
}

#[derive(Clone)]
struct GoogleRedirect {
    uri: String,
    state: Option<String>,
    issuer: Option<String>,
}

impl GoogleAsked {
    fn prompts_for(&self, prompt: &str) -> bool {
        self.prompts.iter().any(|asked| asked == prompt)
    }
}

/// The app's request.
pub(super) async fn start(
    State(google): State<Arc<Google>>,
    Query(fields): Query<FormFields>,
    Extension(spoiled): Extension<Spoiled>,
    headers: HeaderMap,
) -> Response {
    let text = |name: &str| {
        fields
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    };
    let client_id = text("client_id").unwrap_or_default();
    if ![DESKTOP_CLIENT_ID, IOS_CLIENT_ID].contains(&client_id) {
        return pages::error("invalid_client", "The OAuth client was not found.");
    }
    let redirect_uri = text("redirect_uri").unwrap_or_default();
    if !permits_redirect(client_id, redirect_uri) {
        let is_web = redirect_uri.starts_with("http:") || redirect_uri.starts_with("https:");
        return if is_web {
            pages::error("redirect_uri_mismatch", redirect_uri)
        } else {
            pages::error(
                "invalid_request",
                "Custom URI schemes are not permitted for this client.",
            )
        };
    }
    let scopes = match scope::parse(text("scope").unwrap_or_default()) {
        Ok(scopes) if !scopes.is_empty() => scopes,
        Ok(_) => return pages::error("invalid_request", "Missing required parameter: scope"),
        Err(unknown) => {
            return pages::error(
                "invalid_scope",
                &format!("Some requested scopes were invalid: {unknown}"),
            );
        }
    };
    let target = GoogleTarget::Redirect(GoogleRedirect {
        uri: redirect_uri.to_owned(),
        state: text("state").map(str::to_owned),
        issuer: announced_issuer(&google, &spoiled),
    });
    for fault in spoiled.iter() {
        if let Fault::OAuthError(error) = fault {
            return google.refuse(&target, &error.error);
        }
    }
    if text("response_type") != Some("code") {
        return google.refuse(&target, "unsupported_response_type");
    }
    let challenge =
        text("code_challenge").filter(|_| text("code_challenge_method") == Some("S256"));
    let Some(challenge) = challenge else {
        return pages::error("invalid_request", "The sandbox insists on PKCE with S256.");
    };

    let asked = GoogleAsked {
        client_id: client_id.to_owned(),
        target,
        scopes,
        nonce: text("nonce").map(str::to_owned),
        challenge: challenge.to_owned(),
        prompts: text("prompt")
            .unwrap_or_default()
            .split_ascii_whitespace()
            .map(str::to_owned)
            .collect(),
        login_hint: text("login_hint").map(str::to_owned),
        is_offline: text("access_type") == Some("offline"),
    };
    google.begin(&headers, asked)
}

/// A page that the user answered.
pub(super) async fn proceed(
    State(google): State<Arc<Google>>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Response {
    let all = |name: &'static str| {
        fields
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let id = all("transaction").next().unwrap_or_default();
    let Some(mut transaction) = google.transactions().get(id).cloned() else {
        return pages::error(
            "invalid_request",
            "This sign-in is over. Start again from the app.",
        );
    };
    if let Some(user) = all("user").next().and_then(|hint| google.find_user(hint)) {
        transaction.user = Some(user.subject.clone());
        let mut browsing = google.browsing();
        let users = browsing.entry(transaction.browsing.clone()).or_default();
        users.retain(|other| *other != user.subject);
        users.push(user.subject.clone());
    }
    match all("answer").next() {
        Some("another") => transaction.wants_list = true,
        Some("accept") => transaction.ticked = Some(all("scope").map(str::to_owned).collect()),
        Some("cancel") => {
            google.transactions().remove(id);
            return google.refuse(&transaction.asked.target, "access_denied");
        }
        _ => {}
    }
    google
        .transactions()
        .insert(id.to_owned(), transaction.clone());
    google.next_page(id, &transaction)
}

impl Google {
    /// A user has typed the code of a device.
    pub(super) fn start_for_device(
        &self,
        headers: &HeaderMap,
        device_code: String,
        request: GoogleDeviceRequest,
    ) -> Response {
        let asked = GoogleAsked {
            client_id: request.client_id,
            target: GoogleTarget::Device(device_code),
            scopes: request.scopes,
            nonce: None,
            challenge: String::new(),
            prompts: vec!["select_account".to_owned(), "consent".to_owned()],
            login_hint: None,
            is_offline: true,
        };
        self.begin(headers, asked)
    }

    fn begin(&self, headers: &HeaderMap, asked: GoogleAsked) -> Response {
        let browsing = cookie(headers, COOKIE).unwrap_or_else(|| opaque("sandbox-browser-", 48));
        let user = self.signed_in(&asked, &browsing);
        let id = opaque("sandbox-transaction-", 48);
        let transaction = GoogleTransaction {
            asked,
            browsing: browsing.clone(),
            wants_list: false,
            user,
            ticked: None,
        };
        self.transactions().insert(id.clone(), transaction.clone());
        with_cookie(self.next_page(&id, &transaction), COOKIE, &browsing)
    }

    /// The user that needs no page: signed in with this browser and not asked to choose.
    fn signed_in(&self, asked: &GoogleAsked, browsing: &str) -> Option<String> {
        if asked.prompts_for("select_account") {
            return None;
        }
        let users = self.browsing().get(browsing).cloned().unwrap_or_default();
        match asked
            .login_hint
            .as_deref()
            .and_then(|hint| self.find_user(hint))
        {
            Some(hinted) => users.into_iter().find(|user| *user == hinted.subject),
            None if users.len() == 1 => users.into_iter().next(),
            None => None,
        }
    }

    /// The page that a transaction is at, or its end.
    fn next_page(&self, id: &str, transaction: &GoogleTransaction) -> Response {
        let asked = &transaction.asked;
        let is_silent = asked.prompts_for("none");
        let Some(user) = transaction
            .user
            .as_deref()
            .and_then(|hint| self.find_user(hint))
        else {
            if is_silent {
                return self.refuse(&asked.target, "login_required");
            }
            let hinted = asked
                .login_hint
                .as_deref()
                .and_then(|hint| self.find_user(hint));
            return match hinted {
                Some(user) if !transaction.wants_list && !asked.prompts_for("select_account") => {
                    pages::sign_in(id, &user)
                }
                _ => pages::choose_account(id, self.directory().users()),
            };
        };

        let has_consent = self
            .grants()
            .has_consent(&asked.client_id, &user.subject, &asked.scopes)
            && !asked.prompts_for("consent");
        let scopes = match &transaction.ticked {
            None if has_consent => asked.scopes.clone(),
            None if is_silent => {
                return self.refuse(&asked.target, "consent_required");
            }
            None => return pages::consent(id, &user, &asked.scopes),
            Some(ticked) => {
                let kept = |scope: &&String| scope::is_identity(scope) || ticked.contains(scope);
                asked.scopes.iter().filter(kept).cloned().collect()
            }
        };
        self.transactions().remove(id);
        let has_just_consented = transaction.ticked.is_some();
        let grant = Grant {
            client_id: asked.client_id.clone(),
            user: user.subject.clone(),
            scopes,
        };
        self.grants().consent(&grant);
        match &asked.target {
            GoogleTarget::Redirect(redirect) => self.send_code(
                asked,
                redirect,
                grant,
                user.hosted_domain.as_deref(),
                has_just_consented,
            ),
            GoogleTarget::Device(device_code) => {
                self.devices().decide(device_code, Some(grant));
                pages::device_done("Success! Device connected")
            }
        }
    }

    fn send_code(
        &self,
        asked: &GoogleAsked,
        redirect: &GoogleRedirect,
        grant: Grant,
        hosted_domain: Option<&str>,
        has_just_consented: bool,
    ) -> Response {
        let code = self.shared.journal.issue(opaque("sandbox-code/", 120));
        let prompt = if has_just_consented {
            "consent"
        } else {
            "none"
        };
        let mut answer = vec![
            ("code", code.clone()),
            ("scope", grant.scopes.join(" ")),
            ("authuser", "0".to_owned()),
        ];
        if let Some(domain) = hosted_domain {
            answer.push(("hd", domain.to_owned()));
        }
        answer.push(("prompt", prompt.to_owned()));
        self.grants().add_code(
            code,
            GoogleCode {
                grant,
                redirect_uri: redirect.uri.clone(),
                challenge: asked.challenge.clone(),
                nonce: asked.nonce.clone(),
                brings_refresh_token: asked.is_offline && has_just_consented,
                issued: self.shared.clock.now(),
                is_spent: false,
            },
        );
        send(redirect, answer)
    }

    fn refuse(&self, target: &GoogleTarget, error: &str) -> Response {
        match target {
            GoogleTarget::Redirect(redirect) => send(redirect, vec![("error", error.to_owned())]),
            GoogleTarget::Device(device_code) => {
                self.devices().decide(device_code, None);
                pages::device_done("Device not connected")
            }
        }
    }

    fn transactions(&self) -> MutexGuard<'_, HashMap<String, GoogleTransaction>> {
        self.transactions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn browsing(&self) -> MutexGuard<'_, HashMap<String, Vec<String>>> {
        self.browsing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who the callback says issued it.
fn announced_issuer(google: &Google, spoiled: &Spoiled) -> Option<String> {
    if spoiled.by(&Fault::MissingIssuer) {
        return None;
    }
    let issuer = if spoiled.by(&Fault::WrongIssuer) {
        "https://issuer.example"
    } else {
        google.issuer()
    };
    Some(issuer.to_owned())
}

/// Sends an answer to the app, with its `state` as it came and the issuer.
fn send(redirect: &GoogleRedirect, answer: Vec<(&'static str, String)>) -> Response {
    let Ok(mut url) = Url::parse(&redirect.uri) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut query = url.query_pairs_mut();
    if let Some(state) = &redirect.state {
        query.append_pair("state", state);
    }
    if let Some(issuer) = &redirect.issuer {
        query.append_pair("iss", issuer);
    }
    query.extend_pairs(answer);
    drop(query);
    let location = HeaderValue::from_str(url.as_str()).expect("a URL is printable ASCII");
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}
