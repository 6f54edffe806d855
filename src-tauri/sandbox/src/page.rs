//! The frame of every page that a user sees, and the two files that the pages load.
//!
//! Plain HTML without inline code: the policy allows only the style sheet and the one script that submits a
//! `form_post` answer. Each page says that it is a sandbox.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

/// Style of the pages, served as `/_sandbox/style.css`.
pub(crate) const STYLE: &str = "\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; background: Canvas; color: CanvasText; }
header { padding: .75rem 1.5rem; background: #7a4b00; color: #fff; font-weight: 600; }
main { max-width: 32rem; margin: 3rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; }
form { display: grid; gap: .75rem; margin: 1.5rem 0; }
label { display: flex; gap: .5rem; align-items: baseline; }
button, input { font: inherit; }
button { text-align: start; padding: .75rem 1rem; border: 1px solid GrayText; border-radius: .5rem;
  background: ButtonFace; color: ButtonText; cursor: pointer; }
button:hover { border-color: Highlight; }
button:focus-visible, input:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
button small { display: block; }
code { overflow-wrap: anywhere; }
";

/// Sends the only form of a page, served as `/_sandbox/submit.js`; the button is there for browsers without scripts.
pub(crate) const SUBMIT: &str = "document.forms[0].submit();\n";

/// Wraps `main` (HTML) in the frame. `title` is plain text.
pub(crate) fn page(status: StatusCode, not: &str, title: &str, main: &str) -> Response {
    framed(status, not, title, main, "")
}

/// Like [`page`], and sends the page's only form at once.
pub(crate) fn submitting_page(not: &str, title: &str, main: &str) -> Response {
    framed(
        StatusCode::OK,
        not,
        title,
        main,
        "<script src=\"/_sandbox/submit.js\" defer></script>\n",
    )
}

fn framed(status: StatusCode, not: &str, title: &str, main: &str, script: &str) -> Response {
    let title = escape(title);
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title} - sandbox cloud</title>\n\
         <link rel=\"stylesheet\" href=\"/_sandbox/style.css\">\n{script}</head>\n<body>\n\
         <header>Sandbox cloud on this machine \u{2014} not {not}</header>\n<main>\n<h1>{title}</h1>\n{main}</main>\n\
         </body>\n</html>\n"
    );
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; style-src 'self'; script-src 'self'; frame-ancestors 'none'; base-uri 'none'",
            ),
        ),
    ];
    (status, headers, html).into_response()
}

/// Text for use in HTML, in and out of attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// A form that sends these fields along with the button that the user presses.
pub(crate) fn form(action: &str, fields: &[(&str, &str)], rest: &str) -> String {
    let hidden: String = fields
        .iter()
        .map(|(name, value)| {
            format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">\n",
                escape(name),
                escape(value)
            )
        })
        .collect();
    format!(
        "<form method=\"post\" action=\"{}\">\n{hidden}{rest}</form>\n",
        escape(action)
    )
}

/// A button; `label` is HTML.
pub(crate) fn button(name: &str, value: &str, label: &str) -> String {
    format!(
        "<button name=\"{}\" value=\"{}\">{label}</button>\n",
        escape(name),
        escape(value)
    )
}

/// A page that asks for the code that a device shows; `hint` is what went wrong, if anything.
pub(crate) fn enter_code_at(not: &str, action: &str, hint: &str) -> Response {
    let rest =
        "<label>Code <input name=\"user_code\" required autocomplete=\"off\" autofocus></label>\n"
            .to_owned()
            + &button("answer", "continue", "Next");
    let main = format!(
        "<p role=\"status\">{}</p>\n{}",
        escape(hint),
        form(action, &[], &rest)
    );
    page(
        StatusCode::OK,
        not,
        "Enter the code that your device shows",
        &main,
    )
}

/// The value of a cookie that [`with_cookie`] set.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    let mut pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

/// Sets a cookie that lasts as long as the browser runs.
pub(crate) fn with_cookie(mut response: Response, name: &str, value: &str) -> Response {
    // A value that came from a browser may be anything; one that makes no header is not worth keeping.
    if let Ok(cookie) =
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax"))
    {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}
