//! The pages of the Azure stand-in.
//!
//! Every page but the last is one form that posts to `/{tenant}/login`; the buttons carry the answer. What comes
//! next is decided in `authorize.rs`.

use axum::http::StatusCode;
use axum::response::Response;

use super::CLIENT_NAME;
use super::directory::{EntraUser, Tenant};
use super::request::AzureAsked;
use crate::page::{button, enter_code_at, escape, form, page, submitting_page};

const NOT: &str = "Microsoft";

/// Everybody that could sign in.
pub(super) fn pick_account(id: &str, asked: &AzureAsked, users: &[EntraUser]) -> Response {
    let mut buttons: String = users
        .iter()
        .map(|user| {
            let label = format!(
                "{} <small>{}</small>",
                escape(&user.name),
                escape(&user.email)
            );
            button("user", &user.email, &label)
        })
        .collect();
    buttons.push_str(&cancel());
    step("Pick an account", "", id, asked, &buttons)
}

/// The user that the app expects.
pub(super) fn sign_in(id: &str, asked: &AzureAsked, user: &EntraUser) -> Response {
    let label = format!(
        "Sign in as {} <small>{}</small>",
        escape(&user.name),
        escape(&user.email)
    );
    let buttons = button("user", &user.email, &label)
        + &button("answer", "another", "Use another account")
        + &cancel();
    step("Sign in", "", id, asked, &buttons)
}

/// What a tenant with a stricter policy asks for.
pub(super) fn second_factor(
    id: &str,
    asked: &AzureAsked,
    user: &EntraUser,
    tenant: &Tenant,
) -> Response {
    let text = format!(
        "<p>{} asks {} for a second factor. In a sandbox, the button is the second factor.</p>\n",
        escape(&tenant.name),
        escape(&user.email)
    );
    let buttons = button("answer", "verify", "Approve the sign-in") + &cancel();
    step("More information required", &text, id, asked, &buttons)
}

/// What the app wants to do.
pub(super) fn consent(
    id: &str,
    asked: &AzureAsked,
    user: &EntraUser,
    tenant: &Tenant,
    opens: &str,
) -> Response {
    let text = format!(
        "<p><strong>{CLIENT_NAME}</strong> would like to act as {} in {}:</p>\n\
         <ul>\n<li>Access {} as you</li>\n<li>View your basic profile</li>\n\
         <li>Maintain access to data you have given it access to</li>\n</ul>\n",
        escape(&user.email),
        escape(&tenant.name),
        escape(opens)
    );
    let buttons = button("answer", "accept", "Accept") + &cancel();
    step("Permissions requested", &text, id, asked, &buttons)
}

/// The question before an answer goes to a custom scheme.
pub(super) fn confirm(id: &str, asked: &AzureAsked, user: &EntraUser) -> Response {
    let text = format!(
        "<p>You are signing in as {}. Continue only if you started this sign-in in {CLIENT_NAME}.</p>\n",
        escape(&user.email)
    );
    let buttons = button("answer", "continue", "Continue") + &cancel();
    step(
        &format!("Are you trying to sign in to {CLIENT_NAME}?"),
        &text,
        id,
        asked,
        &buttons,
    )
}

/// The answer as a form that the browser posts to the app.
pub(super) fn form_post(redirect_uri: &str, answer: &[(&'static str, String)]) -> Response {
    let fields: Vec<(&str, &str)> = answer
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    submitting_page(
        NOT,
        "Signed in",
        &form(redirect_uri, &fields, "<button>Continue</button>\n"),
    )
}

/// Where the code of a device is typed; `hint` is what went wrong, if anything.
pub(super) fn enter_code(hint: &str) -> Response {
    enter_code_at(NOT, "/common/oauth2/deviceauth", hint)
}

/// The end of a sign-in on behalf of a device.
pub(super) fn device_done(text: &str) -> Response {
    page(
        StatusCode::OK,
        NOT,
        text,
        "<p>You can close this window and go back to the device.</p>\n",
    )
}

/// A failure that stays here, because the redirect URI cannot be trusted.
pub(super) fn error(status: StatusCode, description: &str) -> Response {
    page(
        status,
        NOT,
        "Sorry, but we\u{2019}re having trouble signing you in",
        &format!("<p><code>{}</code></p>\n", escape(description)),
    )
}

fn step(title: &str, text: &str, id: &str, asked: &AzureAsked, buttons: &str) -> Response {
    let action = format!("/{}/login", asked.authority.key());
    page(
        StatusCode::OK,
        NOT,
        title,
        &format!("{text}{}", form(&action, &[("transaction", id)], buttons)),
    )
}

fn cancel() -> String {
    button("answer", "cancel", "Cancel")
}
