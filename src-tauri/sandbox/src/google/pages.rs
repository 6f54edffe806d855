//! The pages of the Google stand-in.
//!
//! Every page is one form that posts to `/signin`; the buttons carry the answer. What comes next is decided in
//! `authorize.rs`.

use axum::http::StatusCode;
use axum::response::Response;

use super::directory::GoogleUser;
use super::scope;
use crate::page::{button, enter_code_at, escape, form, page};

const NOT: &str = "Google";
const APP: &str = "Multi-Cloud Manager";

/// Everybody that could sign in.
pub(super) fn choose_account(id: &str, users: &[GoogleUser]) -> Response {
    let buttons: String = users.iter().map(account).collect();
    step(
        "Choose an account",
        &format!("<p>to continue to {APP}</p>\n"),
        id,
        &(buttons + &cancel()),
    )
}

/// The user that the app expects.
pub(super) fn sign_in(id: &str, user: &GoogleUser) -> Response {
    let buttons = account(user) + &button("answer", "another", "Use another account") + &cancel();
    step(
        "Sign in",
        &format!("<p>to continue to {APP}</p>\n"),
        id,
        &buttons,
    )
}

/// What the app wants to do; each scope beyond identity can be unticked.
pub(super) fn consent(id: &str, user: &GoogleUser, scopes: &[String]) -> Response {
    let (identity, access): (Vec<&String>, Vec<&String>) =
        scopes.iter().partition(|scope| scope::is_identity(scope));
    let mut text = format!("<p>as {}</p>\n<ul>\n", escape(&user.email));
    for scope in identity {
        text.push_str(&format!("<li>{}</li>\n", escape(scope::describe(scope))));
    }
    text.push_str("</ul>\n");
    let mut rest = String::new();
    for scope in access {
        rest.push_str(&format!(
            "<label><input type=\"checkbox\" name=\"scope\" value=\"{}\" checked> {}</label>\n",
            escape(scope),
            escape(scope::describe(scope))
        ));
    }
    rest.push_str(&button("answer", "accept", "Continue"));
    rest.push_str(&cancel());
    step(
        &format!("{APP} wants access to your Google Account"),
        &text,
        id,
        &rest,
    )
}

/// Where the code of a device is typed; `hint` is what went wrong, if anything.
pub(super) fn enter_code(hint: &str) -> Response {
    enter_code_at(NOT, "/device", hint)
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
pub(super) fn error(error: &str, text: &str) -> Response {
    let main = format!(
        "<p>You can\u{2019}t sign in because {APP} sent an invalid request.</p>\n\
         <p>Error 400: <code>{}</code></p>\n<p>{}</p>\n",
        escape(error),
        escape(text)
    );
    page(StatusCode::BAD_REQUEST, NOT, "Access blocked", &main)
}

fn step(title: &str, text: &str, id: &str, rest: &str) -> Response {
    page(
        StatusCode::OK,
        NOT,
        title,
        &format!("{text}{}", form("/signin", &[("transaction", id)], rest)),
    )
}

fn account(user: &GoogleUser) -> String {
    let label = format!(
        "{} <small>{}</small>",
        escape(&user.name),
        escape(&user.email)
    );
    button("user", &user.email, &label)
}

fn cancel() -> String {
    button("answer", "cancel", "Cancel")
}
