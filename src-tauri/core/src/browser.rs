//! The system browser: what opens a sign-in page in the person's own browser.
//!
//! The only file that names `webbrowser`, which knows the ways of every platform and reads `BROWSER` as `xdg-open`
//! does. Its `hardened` feature opens web pages and nothing else. The address is never logged.

use async_trait::async_trait;
use url::Url;

use crate::error::{Code, Error, Result};
use crate::http;
use crate::world::Browser;

/// The person's own browser.
pub struct SystemBrowser;

#[async_trait]
impl Browser for SystemBrowser {
    async fn open(&self, page: &Url) -> Result<()> {
        http::require_safe(page)?;
        let page = page.to_string();
        // Starting a program waits for the disk, and a browser in a terminal waits for the person.
        let opened = tokio::task::spawn_blocking(move || webbrowser::open(&page)).await;
        match opened {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(failed().with_source(Reason(error.kind()))),
            Err(_) => Err(failed()),
        }
    }
}

/// The kind of a failure without its text, which may quote the address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Reason(std::io::ErrorKind);

fn failed() -> Error {
    Error::new(
        Code::BrowserFailed,
        "No browser could be started. Set BROWSER to the program that opens web pages, for example BROWSER=firefox, \
         then try again.",
    )
}
