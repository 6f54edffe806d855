//! `/{tenant}/oauth2/v2.0/authorize` and the pages that follow it.
//!
//! A request is checked once and becomes a transaction; each page that the user answers moves the transaction on,
//! and `show` gives the next page or sends the code. An unknown client or redirect URI never redirects.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use axum::extract::{Extension, Form, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use url::{Url, form_urlencoded};

use super::device::{AzureApproval, AzureDeviceRequest};
use super::directory::{EntraUser, Tenant};
use super::grants::AzureCode;
use super::refusal::{AzureRefusal, Trace};
use super::request::{AzureAsked, AzureRedirect, AzureTarget, Prompt, ResponseMode, Unanswerable};
use super::token::client_info;
use super::{Azure, pages};
use crate::faults::Fault;
use crate::identifier::{opaque, random_guid};
use crate::page::{cookie, with_cookie};
use crate::server::{FormFields, Spoiled};

const COOKIE: &str = "sandbox-azure-session";

/// A user on the way to a code.
#[derive(Clone)]
pub(crate) struct AzureTransaction {
    asked: AzureAsked,
    /// Which browser it is, by its cookie.
    browsing: String,
    /// Whether the hinted user has been turned down for the whole list.
    wants_list: bool,
    user: Option<String>,
    has_consented: bool,
    has_confirmed: bool,
}

/// What a browser's cookie stands for.
#[derive(Clone, Default)]
pub(crate) struct Browsing {
    /// Who signed in, the latest last.
    users: Vec<String>,
    /// Who of them passed a second factor.
    passed_second_factor: Vec<String>,
}

/// The app's request.
pub(super) async fn start(
    State(azure): State<Arc<Azure>>,
    Path(tenant): Path<String>,
    Query(fields): Query<FormFields>,
    Extension(spoiled): Extension<Spoiled>,
    headers: HeaderMap,
) -> Response {
    let asked = match azure.check(&tenant, &fields) {
        Ok(asked) => asked,
        Err(Unanswerable(refusal)) => return azure.error_page(&refusal),
    };
    for fault in spoiled.iter() {
        if let Fault::OAuthError(error) = fault {
            return azure.send_refusal(&asked.target, &error.clone().into());
        }
    }
    let asked = match asked.request {
        Ok(request) => request,
        Err(refusal) => return azure.send_refusal(&asked.target, &refusal),
    };

    azure.begin(&headers, asked)
}

/// A page that the user answered.
pub(super) async fn proceed(
    State(azure): State<Arc<Azure>>,
    Form(fields): Form<FormFields>,
) -> Response {
    let id = fields
        .get("transaction")
        .map(String::as_str)
        .unwrap_or_default();
    let Some(mut transaction) = azure.transactions().get(id).cloned() else {
        let text = "This sign-in is over. Start again from the app.";
        return azure.error_page(&AzureRefusal::new("invalid_request", 90014, text));
    };
    if let Some(user) = fields
        .get("user")
        .and_then(|email| azure.directory.find_user(email))
    {
        transaction.user = Some(user.email.clone());
        let mut browsing = azure.browsing();
        let users = &mut browsing
            .entry(transaction.browsing.clone())
            .or_default()
            .users;
        users.retain(|other| *other != user.email);
        users.push(user.email.clone());
    }
    match fields.get("answer").map(String::as_str) {
        Some("another") => transaction.wants_list = true,
        Some("verify") => {
            let mut browsing = azure.browsing();
            let passed = &mut browsing
                .entry(transaction.browsing.clone())
                .or_default()
                .passed_second_factor;
            passed.extend(transaction.user.clone());
        }
        Some("accept") => transaction.has_consented = true,
        Some("continue") => transaction.has_confirmed = true,
        Some("cancel") => {
            azure.transactions().remove(id);
            let text = "User declined to consent to access the app.";
            let refusal = AzureRefusal::new("access_denied", 65004, text);
            return azure.send_refusal(&transaction.asked.target, &refusal);
        }
        _ => {}
    }
    azure
        .transactions()
        .insert(id.to_owned(), transaction.clone());
    azure.show(id, &transaction)
}

impl Azure {
    /// A user has typed the code of a device.
    pub(super) fn start_for_device(
        &self,
        headers: &HeaderMap,
        device_code: String,
        request: AzureDeviceRequest,
    ) -> Response {
        let asked = AzureAsked {
            authority: request.authority,
            client_id: request.client_id,
            target: AzureTarget::Device(device_code),
            scope: request.scope,
            nonce: None,
            challenge: String::new(),
            prompt: Prompt::SelectAccount,
            login_hint: None,
            wants_client_info: false,
            wants_second_factor: false,
        };
        self.begin(headers, asked)
    }

    fn begin(&self, headers: &HeaderMap, asked: AzureAsked) -> Response {
        let browsing = cookie(headers, COOKIE).unwrap_or_else(|| opaque("sandbox-browser-", 48));
        let user = self.signed_in(&asked, &browsing);
        let id = opaque("sandbox-transaction-", 48);
        let transaction = AzureTransaction {
            asked,
            browsing,
            wants_list: false,
            user,
            has_consented: false,
            has_confirmed: false,
        };
        self.transactions().insert(id.clone(), transaction.clone());
        self.show(&id, &transaction)
    }

    /// The user that needs no page: signed in with this browser and not asked to choose.
    fn signed_in(&self, asked: &AzureAsked, browsing: &str) -> Option<String> {
        if matches!(asked.prompt, Prompt::SelectAccount | Prompt::Login) {
            return None;
        }
        let users = self
            .browsing()
            .get(browsing)
            .cloned()
            .unwrap_or_default()
            .users;
        match &asked.login_hint {
            Some(hint) => users
                .into_iter()
                .find(|user| user.eq_ignore_ascii_case(hint)),
            None if users.len() == 1 => users.into_iter().next(),
            None => None,
        }
    }

    /// The next page of a transaction, or its end.
    fn show(&self, id: &str, transaction: &AzureTransaction) -> Response {
        with_cookie(
            self.next_page(id, transaction),
            COOKIE,
            &transaction.browsing,
        )
    }

    fn next_page(&self, id: &str, transaction: &AzureTransaction) -> Response {
        let asked = &transaction.asked;
        let is_silent = asked.prompt == Prompt::None;
        let Some(user) = &transaction.user else {
            if is_silent {
                let text = "Session information is not sufficient for single-sign-on.";
                return self.send_refusal(
                    &asked.target,
                    &AzureRefusal::new("login_required", 50058, text),
                );
            }
            let hinted = asked
                .login_hint
                .as_deref()
                .and_then(|hint| self.directory.find_user(hint));
            return match hinted {
                Some(user) if !transaction.wants_list && asked.prompt != Prompt::SelectAccount => {
                    pages::sign_in(id, asked, user)
                }
                _ => pages::pick_account(id, asked, self.directory.users()),
            };
        };

        let home = match self.user(user) {
            Ok(user) => &user.home,
            Err(refusal) => return self.error_page(&refusal),
        };
        let tenant_id = asked.authority.tenant_id().unwrap_or(home);
        let (user, tenant) = match self.enter(user, tenant_id) {
            Ok(entered) => entered,
            Err(refusal) => return self.error_page(&refusal),
        };
        let passed = self
            .browsing()
            .get(&transaction.browsing)
            .is_some_and(|browsing| browsing.passed_second_factor.contains(&user.email));
        if (tenant.demands_second_factor || asked.wants_second_factor) && !passed {
            if is_silent {
                return self.send_refusal(
                    &asked.target,
                    &AzureRefusal::needs_second_factor(&tenant.id),
                );
            }
            return pages::second_factor(id, asked, user, tenant);
        }
        let must_consent = asked.prompt == Prompt::Consent
            || !self.has_consent(&asked.client_id, user, tenant, &asked.scope.resource);
        if must_consent && !transaction.has_consented {
            if is_silent {
                return self.send_refusal(
                    &asked.target,
                    &AzureRefusal::needs_consent(&asked.client_id),
                );
            }
            let is_usual = asked
                .scope
                .opens_resource_manager(self.resource_manager.as_str());
            let opens = if is_usual {
                "Azure Resource Manager"
            } else {
                &asked.scope.resource
            };
            return pages::consent(id, asked, user, tenant, opens);
        }
        if asked.target.wants_confirmation() && !transaction.has_confirmed && !is_silent {
            return pages::confirm(id, asked, user);
        }

        self.transactions().remove(id);
        self.consent(&asked.client_id, user, tenant, &asked.scope.resource);
        match &asked.target {
            AzureTarget::Redirect(redirect) => {
                self.send_code(asked, redirect, user, tenant, passed)
            }
            AzureTarget::Device(device_code) => {
                let approval = AzureApproval {
                    client_id: asked.client_id.clone(),
                    user: user.email.clone(),
                    tenant_id: tenant.id.clone(),
                    scope: asked.scope.clone(),
                    passed_second_factor: passed,
                };
                self.devices().decide(device_code, Some(approval));
                pages::device_done("You have signed in on your device")
            }
        }
    }

    fn send_code(
        &self,
        asked: &AzureAsked,
        redirect: &AzureRedirect,
        user: &EntraUser,
        tenant: &Tenant,
        passed_second_factor: bool,
    ) -> Response {
        let code = self.shared.journal.issue(opaque("sandbox-code-", 700));
        self.grants().add_code(
            code.clone(),
            AzureCode {
                client_id: asked.client_id.clone(),
                redirect_uri: redirect.uri.clone(),
                challenge: asked.challenge.clone(),
                authority: asked.authority.key().to_owned(),
                user: user.email.clone(),
                tenant_id: tenant.id.clone(),
                scope: asked.scope.clone(),
                nonce: asked.nonce.clone(),
                wants_client_info: asked.wants_client_info,
                passed_second_factor,
                issued: self.shared.clock.now(),
                is_spent: false,
            },
        );
        let mut answer = vec![("code", code)];
        if asked.wants_client_info {
            answer.push(("client_info", client_info(user)));
        }
        answer.push(("session_state", random_guid()));
        send(redirect, answer)
    }

    fn send_refusal(&self, target: &AzureTarget, refusal: &AzureRefusal) -> Response {
        let redirect = match target {
            AzureTarget::Redirect(redirect) => redirect,
            AzureTarget::Device(device_code) => {
                self.devices().decide(device_code, None);
                return pages::device_done("You have not signed in");
            }
        };
        let description = refusal.description(&Trace::new(self.shared.clock.now()));
        let mut answer = vec![
            ("error", refusal.error.clone()),
            ("error_description", description),
        ];
        if let Some(suberror) = &refusal.suberror {
            answer.push(("suberror", suberror.clone()));
        }
        send(redirect, answer)
    }

    fn error_page(&self, refusal: &AzureRefusal) -> Response {
        let description = refusal.description(&Trace::new(self.shared.clock.now()));
        pages::error(StatusCode::BAD_REQUEST, &description)
    }

    fn transactions(&self) -> MutexGuard<'_, HashMap<String, AzureTransaction>> {
        self.transactions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn browsing(&self) -> MutexGuard<'_, HashMap<String, Browsing>> {
        self.browsing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends an answer to the app, with its `state` as it came.
fn send(redirect: &AzureRedirect, mut answer: Vec<(&'static str, String)>) -> Response {
    if let Some(state) = &redirect.state {
        answer.push(("state", state.clone()));
    }
    if redirect.response_mode == ResponseMode::FormPost {
        return pages::form_post(&redirect.uri, &answer);
    }
    let Ok(mut url) = Url::parse(&redirect.uri) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if redirect.response_mode == ResponseMode::Fragment {
        let fragment = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&answer)
            .finish();
        url.set_fragment(Some(&fragment));
    } else {
        url.query_pairs_mut().extend_pairs(&answer);
    }
    let location = HeaderValue::from_str(url.as_str()).expect("a URL is printable ASCII");
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}
