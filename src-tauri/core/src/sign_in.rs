//! The context of a sign-in: what a provider may use while a person signs in, and how it tells where it stands.
//!
//! It opens the browser (again, when the person asks), chooses between the app's scheme and loopback, and waits for
//! the redirect. The address of the sign-in page stays in here: it goes to the browser and nowhere else.

use crate::account::{AccountId, Cloud};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use ts_rs::TS;

use jiff::Timestamp;
use tokio::sync::Notify;
use url::Url;

use crate::error::{Code, Error, ErrorView, Result};
use crate::redirect::{Answer, PendingFlow, Redirects};
use crate::settings::RedirectKind;
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

/// The number of a sign-in, unique while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(export)]
pub struct SignInId(pub u32);

/// A sign-in in progress, or how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SignInView {
    /// Its number.
    pub id: SignInId,
    /// The cloud signed in to.
    pub cloud: Cloud,
    /// The row that it renews, when it is not a new one.
    pub account: Option<AccountId>,
    /// How the answer comes back.
    pub redirect: RedirectKind,
    /// Whether the app's scheme belongs to another program, so that loopback is used instead.
    pub scheme_taken: bool,
    /// When it started.
    #[ts(type = "string")]
    pub started_at: Timestamp,
    /// When it will be given up.
    #[ts(type = "string")]
    pub expires_at: Timestamp,
    /// Where it stands.
    pub step: SignInStep,
    /// AWS: the checks of the role. They stay when the sign-in has ended, however quickly it did.
    pub verification: Option<RoleVerification>,
}

/// Where a sign-in stands.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum SignInStep {
    /// The provider's metadata is being read.
    Starting,
    /// The browser is open; the person finishes there.
    Browser,
    /// A code waits to be typed on any device. It is gone from here when it is no longer good.
    Code {
        /// The code.
        code: String,
        /// The page to type it at.
        page: String,
        /// Until when it is good.
        #[ts(type = "string")]
        expires_at: Timestamp,
    },
    /// No browser could be started; the person can try again or cancel.
    BrowserFailed {
        /// What to tell the person.
        error: ErrorView,
    },
    /// AWS: the role is being assumed with, without and with a wrong External ID.
    Verifying,
    /// The answer is being checked and exchanged.
    Finishing,
    /// Another person's row has the same tenant or address: replace it or keep both.
    Choice {
        /// The row that is there already.
        existing: AccountId,
        /// Who is connected there.
        existing_who: String,
        /// Who signed in now.
        who: String,
    },
    /// The account is connected.
    Done {
        /// The row.
        account: AccountId,
        /// Whether the row was there before.
        updated: bool,
    },
    /// It ended without an account.
    Failed {
        /// What to tell the person.
        error: ErrorView,
    },
}

/// The checks of an AWS role, and for whom they are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RoleVerification {
    /// Who calls, as AWS says.
    pub caller: String,
    /// The checks and how they stand.
    pub checks: Vec<RoleCheck>,
}

/// One check of an AWS role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RoleCheck {
    /// What is checked.
    pub what: RoleCheckKind,
    /// How it stands.
    pub state: CheckState,
    /// How often it was tried.
    pub attempts: u32,
    /// While it is tried again: when that ends.
    #[ts(type = "string | null")]
    pub until: Option<Timestamp>,
    /// Who AWS says we became, once that was asked.
    pub became: Option<String>,
}

/// What is checked of an AWS role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum RoleCheckKind {
    /// It lets the caller in with the External ID. A new role takes a while to.
    RightId,
    /// It refuses the caller without an External ID.
    NoId,
    /// It refuses the caller with a wrong External ID.
    WrongId,
    /// The session that it gave belongs to it.
    Identity,
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum CheckState {
    /// Not begun.
    Waiting,
    /// AWS is being asked.
    Running,
    /// AWS is asked again in a moment.
    Retrying,
    /// As it has to be.
    Passed,
    /// Not as it has to be.
    Failed,
    /// AWS gave no clear answer.
    Unknown,
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

/// A sign-in that the person gave up.
pub fn cancelled() -> Error {
    Error::new(
        Code::SignInCancelled,
        "You cancelled the sign-in. Nothing was changed.",
    )
}
