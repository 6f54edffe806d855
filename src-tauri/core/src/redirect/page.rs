//! The pages that a browser gets from the loopback listener: static text, no script, nothing from the request.
//!
//! This file knows no HTTP; `loopback.rs` sends these bytes with the right headers.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{Frontend, Reason};
use crate::world::SCHEME;

/// The message of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// The response arrived; whether the sign-in succeeds is not known yet.
    Received,
    /// The provider refused.
    Refused,
    /// The response failed a check and the flow has ended.
    Rejected,
    /// The flow already had its response.
    AlreadyUsed,
    /// The flow has expired.
    TooLate,
    /// A code arrived in an address although the provider was asked to send it differently.
    InAddress,
    /// A request that this listener does not wait for.
    Unknown,
}

impl Page {
    /// The page for a request that changed nothing.
    pub(super) fn about(reason: Reason) -> Self {
        match reason {
            Reason::AlreadyUsed => Self::AlreadyUsed,
            Reason::TooLate | Reason::Cancelled => Self::TooLate,
            _ => Self::Unknown,
        }
    }

    /// The whole document.
    pub(super) fn html(self, front: Frontend) -> String {
        let (title, sentence) = self.text();
        let way_back = match (self, front) {
            (Self::Received | Self::Refused | Self::Rejected, Frontend::Window) => {
                format!("<p><a href=\"{SCHEME}://open\">Return to Multi-Cloud Manager</a></p>\n")
            }
            (Self::Received | Self::Refused | Self::Rejected, Frontend::Terminal) => {
                "<p>You can close this tab and return to the terminal.</p>\n".to_owned()
            }
            _ => String::new(),
        };
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title} · Multi-Cloud Manager</title>\n<style>{STYLE}</style>\n</head>\n\
             <body>\n<main>\n<h1>{title}</h1>\n<p>{sentence}</p>\n{way_back}</main>\n</body>\n</html>\n"
        )
    }

    fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Received => (
                "Response received",
                "Multi-Cloud Manager is finishing the sign-in and will show the result.",
            ),
            Self::Refused => (
                "Sign-in refused",
                "The sign-in page reported that you were not signed in. Multi-Cloud Manager shows the reason.",
            ),
            Self::Rejected => (
                "Sign-in stopped",
                "The response did not come from the expected sign-in server, so it was not used. \
                 Start the sign-in again.",
            ),
            Self::AlreadyUsed => (
                "Already used",
                "This response was already used and cannot be used twice. You can close this tab.",
            ),
            Self::TooLate => (
                "Too late",
                "This sign-in took too long or was cancelled. Start it again.",
            ),
            Self::InAddress => (
                "Close this tab",
                "The sign-in response came in a form that is not accepted. Close this tab, and never share the \
                 address of this page: it can give access to your account.",
            ),
            Self::Unknown => (
                "Nothing to do here",
                "No sign-in is waiting for this response. Close this tab, and do not share its \
                 address.",
            ),
        }
    }
}

/// The permissions of a page in a browser: applying the one style sheet.
pub(super) static CONTENT_SECURITY_POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
});

const STYLE: &str = "
:root { color-scheme: light dark; --ground: #ffffff; --text: #1b1f24; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --ground: #16181c; --text: #eceef1; --link: #8ab4f8; } }
body { margin: 0; background: var(--ground); color: var(--text); font: 1.0625rem/1.5 system-ui, sans-serif; }
main { max-width: 34rem; margin: 18vh auto 0; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 0.75rem; }
a { color: var(--link); }
a:focus-visible { outline: 3px solid; outline-offset: 3px; }
";

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Page; 7] = [
        Page::Received,
        Page::Refused,
        Page::Rejected,
        Page::AlreadyUsed,
        Page::TooLate,
        Page::InAddress,
        Page::Unknown,
    ];

    #[test]
    fn the_policy_permits_the_style_sheet_of_every_page_and_nothing_else() {
        // L8
        for page in ALL {
            let html = page.html(Frontend::Window);
            let style = html
                .split("<style>")
                .nth(1)
                .unwrap()
                .split("</style>")
                .next()
                .unwrap();
            let hash = STANDARD.encode(Sha256::digest(style));
            assert!(CONTENT_SECURITY_POLICY.contains(&format!("style-src 'sha256-{hash}'")));
            for active in [
                "<script", "<form", "<img", "<iframe", "<link", " style=", " onload=", "http:",
                "https:",
            ] {
                assert!(!html.contains(active), "{active}: {html}");
            }
        }
    }

    #[test]
    fn only_a_process_with_a_window_offers_its_scheme_and_only_at_the_end() {
        let link = format!("href=\"{SCHEME}://open\"");
        for page in ALL {
            let is_last = matches!(page, Page::Received | Page::Refused | Page::Rejected);
            assert_eq!(page.html(Frontend::Window).contains(&link), is_last);
            assert!(!page.html(Frontend::Terminal).contains(SCHEME));
        }
        assert!(
            Page::Received
                .html(Frontend::Terminal)
                .contains("return to the terminal")
        );
    }

    #[test]
    fn a_received_response_is_not_called_a_success() {
        let html = Page::Received.html(Frontend::Window).to_lowercase();
        assert!(
            !html.contains("success") && !html.contains("signed in"),
            "{html}"
        );
    }
}
