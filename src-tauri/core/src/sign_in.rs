//! The context of a sign-in: what a provider may use while a person signs in, and how it tells where it stands.
//!
//! It opens the browser (again, when the person asks), chooses between the app's scheme and loopback, and waits for
//! the redirect. The address of the sign-in page stays in here: it goes to the browser and nowhere else.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tokio::sync::Notify;
use url::Url;

use crate::error::{Code, Error, ErrorView, Result};
use crate::redirect::{Answer, PendingFlow, Redirects};
use crate::snapshot::{RedirectKind, RoleVerification, SignInStep};
use crate::world::{Browser, SchemeRegistration};

/// What a provider may use while a person signs in.
pub struct SignInContext {
    /// Where redirects are waited for.
    pub redirects: Arc<Redirects>,
    /// What opens the page.
    pub browser: Arc<dyn Browser>,
    /// Who handles the scheme that an answer comes back through.
    pub scheme: Arc<dyn SchemeRegistration>,
    /// Told at every step.
    pub tell: Arc<dyn Fn(SignInEvent) + Send + Sync>,
    /// Rung when the person asks for the browser again.
    pub again: Arc<Notify>,
}

/// What there is to tell.
#[derive(Clone, Debug)]
pub enum SignInEvent {
    /// The sign-in reached a step.
    Step(SignInStep),
    /// A role of AWS is being verified, and this is how its checks stand.
    Verifying(RoleVerification),
    /// How the answer will come back.
    Receiver {
        /// The redirect in use.
        redirect: RedirectKind,
        /// Whether the scheme was wanted but belongs to another program.
        scheme_taken: bool,
    },
}

impl SignInContext {
    /// The redirect to use: the scheme only when this app handles it on this machine, else loopback.
    pub async fn receiver(&self, wanted: RedirectKind, scheme: &str) -> RedirectKind {
        let scheme_taken = wanted == RedirectKind::DeepLink && !self.scheme.ensure(scheme).await;
        let redirect = if scheme_taken {
            RedirectKind::Loopback
        } else {
            wanted
        };
        (self.tell)(SignInEvent::Receiver {
            redirect,
            scheme_taken,
        });
        redirect
    }

    /// Has the person shown a code, and the page to type it at on any device.
    pub(crate) fn show_code(&self, code: &str, page: &Url, expires_at: Timestamp) {
        let (code, page) = (code.to_owned(), page.to_string());
        (self.tell)(SignInEvent::Step(SignInStep::Code {
            code,
            page,
            expires_at,
        }));
    }

    /// Takes what was shown away: the answer has come.
    pub(crate) fn finishing(&self) {
        (self.tell)(SignInEvent::Step(SignInStep::Finishing));
    }

    /// Opens the page and waits for the redirect. A browser that does not start ends nothing: the person can ask for
    /// it again until the sign-in expires.
    ///
    /// # Errors
    /// `sign-in-expired` and what else the receiver says.
    pub async fn browse(&self, page: &Url, mut waiting: PendingFlow) -> Result<Answer> {
        let answer = waiting.answer();
        tokio::pin!(answer);
        loop {
            (self.tell)(SignInEvent::Step(match self.browser.open(page).await {
                Ok(()) => SignInStep::Browser,
                Err(error) => SignInStep::BrowserFailed {
                    error: ErrorView::from(&error),
                },
            }));
            tokio::select! {
                answer = &mut answer => {
                    (self.tell)(SignInEvent::Step(SignInStep::Finishing));
                    return answer;
                }
                () = self.again.notified() => {}
            }
        }
    }
}

/// A browser that a test holds: keeps the last page for a scripted person to visit.
#[derive(Default)]
pub struct RecordedBrowser {
    page: Mutex<Option<Url>>,
    opened: Notify,
}

impl RecordedBrowser {
    /// Waits until a page was opened, and takes it.
    pub async fn next_page(&self) -> Url {
        loop {
            if let Some(page) = self
                .page
                .lock()
                .expect("no code panics while it holds this lock")
                .take()
            {
                return page;
            }
            self.opened.notified().await;
        }
    }
}

#[async_trait::async_trait]
impl Browser for RecordedBrowser {
    async fn open(&self, page: &Url) -> Result<()> {
        *self
            .page
            .lock()
            .expect("no code panics while it holds this lock") = Some(page.clone());
        self.opened.notify_one();
        Ok(())
    }
}

/// A sign-in that the person gave up.
pub fn cancelled() -> Error {
    Error::new(
        Code::SignInCancelled,
        "You cancelled the sign-in. Nothing was changed.",
    )
}
