//! The context of a sign-in: what a provider may use while the user signs in, and how it reports progress.
//!
//! It opens the browser (again, at the user's request), chooses between the app's scheme and loopback, and waits for
//! the redirect. The address of the sign-in page stays in this file: it goes only to the browser.

use crate::account::{AccountId, Cloud};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use ts_rs::TS;

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::sync::{Notify, mpsc};
use url::Url;

use crate::error::{Code, Error, ErrorView, Result};
use crate::loopback::HttpsForced;
use crate::redirect::{AuthorizationResponse, Expectation, PendingFlow, Redirects};
use crate::settings::RedirectKind;
use crate::text;
use crate::world::{Browser, SchemeRegistration};

/// What a provider may use while the user signs in.
pub struct SignInContext {
    /// The pending flows.
    pub redirects: Arc<Redirects>,
    /// What opens the page.
    pub browser: Arc<dyn Browser>,
    /// The handler of the app's scheme.
    pub scheme: Arc<dyn SchemeRegistration>,
    /// Called at every step.
    pub emit: Arc<dyn Fn(SignInEvent) + Send + Sync>,
    /// Notified when the user asks for the browser again.
    pub again: Arc<Notify>,
    /// The loopback port that the user chose for a browser on another computer. This machine's is then not opened.
    pub port: Option<u16>,
    /// The codes of an MFA device that the user enters.
    pub codes: Arc<tokio::sync::Mutex<mpsc::Receiver<SecretString>>>,
}

/// The number of a sign-in, unique while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(export)]
pub struct SignInId(pub u32);

/// A sign-in in progress, or its result.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SignInView {
    /// Its number.
    pub id: SignInId,
    /// The cloud signed in to.
    pub cloud: Cloud,
    /// The row that it signs in to again, if it is not a new one.
    pub account: Option<AccountId>,
    /// The redirect method.
    pub redirect: RedirectKind,
    /// Whether the app's scheme belongs to another program, so that loopback is used instead.
    pub scheme_taken: bool,
    /// When it started.
    #[ts(type = "string")]
    pub started_at: Timestamp,
    /// When it expires.
    #[ts(type = "string")]
    pub expires_at: Timestamp,
    /// The current step.
    pub step: SignInStep,
    /// Whether the user enters a code on another device.
    pub device_code: bool,
    /// The account of another tool that is signed in to, if a file of one names it.
    pub found: Option<FoundOrigin>,
    /// AWS: the start URL as the user typed it, when it is a sign-in to IAM Identity Center.
    pub start_url: Option<String>,
    /// AWS: the host of the organisation's own that is asked where the portal is.
    pub own_address: Option<String>,
    /// AWS: the portal of IAM Identity Center that is signed in to, once it is found.
    pub portal: Option<PortalView>,
    /// AWS: the checks of the role. They stay when the sign-in has ended.
    pub verification: Option<RoleVerification>,
}

/// Where another tool names the account of a sign-in, so that another try is for the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct FoundOrigin {
    /// The account's id among those that are found.
    pub id: String,
    /// Its name there.
    pub name: String,
    /// The first tool that names it.
    pub tool: String,
    /// The user, start URL or role.
    pub who: String,
}

/// The access portal of a sign-in to IAM Identity Center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct PortalView {
    /// Its start URL.
    pub start_url: String,
    /// Its region.
    pub region: String,
    /// How the region was found.
    pub region_origin: RegionOrigin,
}

/// How the region of an access portal was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum RegionOrigin {
    /// The user named it, or it was known from before.
    Given,
    /// The start URL names it.
    StartUrl,
    /// It stands beside the start URL in AWS's config file.
    ConfigFile,
    /// The portal's page names it.
    PortalPage,
}

/// A step of a sign-in.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum SignInStep {
    /// The provider's metadata is being loaded.
    Starting,
    /// The browser is open; the user finishes there.
    Browser,
    /// A code waits to be entered on any device. It is removed from here when it expires.
    Code {
        /// The code.
        code: String,
        /// The page for the code.
        page: String,
        /// When it expires.
        #[ts(type = "string")]
        expires_at: Timestamp,
    },
    /// No browser could be started; the user can try again or cancel.
    BrowserFailed {
        /// The message for the user.
        error: ErrorView,
    },
    /// The browser insists on https for the address on this machine; the user can allow http and try again, or cancel.
    HttpsForced {
        /// The message for the user.
        error: ErrorView,
    },
    /// A browser on another computer, which forwards the port here, has to open the link. It works once.
    Elsewhere {
        /// The link.
        link: String,
        /// The port of this machine.
        port: u16,
    },
    /// AWS: a code of the user's MFA device is needed.
    MfaCode {
        /// The ARN or serial number of the device.
        device: String,
        /// Whether AWS refused the code before.
        was_refused: bool,
    },
    /// AWS: the role is being assumed with, without and with a wrong External ID.
    Verifying,
    /// The response is being checked and redeemed.
    Finishing,
    /// Another user's row has the same tenant or address: replace it or keep both.
    Choice {
        /// The existing row.
        existing: AccountId,
        /// Its user.
        existing_who: String,
        /// The user who signed in now.
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
        /// The message for the user.
        error: ErrorView,
    },
}

/// The checks of an AWS role, and their caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RoleVerification {
    /// The caller, as AWS identifies it.
    pub caller: String,
    /// The checks and their state.
    pub checks: Vec<RoleCheck>,
}

/// One check of an AWS role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RoleCheck {
    /// What is checked.
    pub what: RoleCheckKind,
    /// Its state.
    pub state: CheckState,
    /// The number of attempts.
    pub attempts: u32,
    /// While it is retried: when that ends.
    #[ts(type = "string | null")]
    pub until: Option<Timestamp>,
    /// The assumed identity from AWS, once it was requested.
    pub became: Option<String>,
}

/// The subject of a check of an AWS role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum RoleCheckKind {
    /// It lets the caller in with the External ID. A new role takes a while to do so.
    RightId,
    /// It refuses the caller without an External ID.
    NoId,
    /// It refuses the caller with a wrong External ID.
    WrongId,
    /// Its session belongs to it.
    Identity,
}

/// The state of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum CheckState {
    /// Not started.
    Waiting,
    /// AWS is being asked.
    Running,
    /// AWS is asked again in a moment.
    Retrying,
    /// The expected result.
    Passed,
    /// Not the expected result.
    Failed,
    /// AWS gave no clear answer.
    Unknown,
}

/// An event of a sign-in.
#[derive(Clone, Debug)]
pub enum SignInEvent {
    /// The sign-in reached a step.
    Step(SignInStep),
    /// A host that is none of AWS's is asked next which access portal it leads to.
    OwnAddress(String),
    /// The access portal of IAM Identity Center is found, and the browser opens next.
    Portal(PortalView),
    /// A role of AWS is being verified; the state of its checks.
    Verifying(RoleVerification),
    /// The redirect method in use.
    Receiver {
        /// The redirect in use.
        redirect: RedirectKind,
        /// Whether the scheme was requested but belongs to another program.
        scheme_taken: bool,
    },
}

impl SignInContext {
    /// The redirect method to use: the scheme only when this app handles it on this machine, else loopback.
    pub async fn receiver(&self, wanted: RedirectKind, scheme: &str) -> RedirectKind {
        let scheme_taken = wanted == RedirectKind::DeepLink && !self.scheme.ensure(scheme).await;
        let redirect = if scheme_taken {
            RedirectKind::Loopback
        } else {
            wanted
        };
        (self.emit)(SignInEvent::Receiver {
            redirect,
            scheme_taken,
        });
        redirect
    }

    /// Opens a flow with the port that the user chose, if any.
    ///
    /// # Errors
    /// Those of [`Redirects::open_flow_at`].
    pub(crate) async fn open_flow(&self, expectation: Expectation) -> Result<PendingFlow> {
        self.redirects.open_flow_at(expectation, self.port).await
    }

    /// Shows the user a code, and the page where any device can enter it.
    pub(crate) fn show_code(&self, code: &str, page: &Url, expires_at: Timestamp) {
        let (code, page) = (code.to_owned(), page.to_string());
        (self.emit)(SignInEvent::Step(SignInStep::Code {
            code,
            page,
            expires_at,
        }));
    }

    /// Waits, and opens the page for the code in the browser each time that the user asks for it meanwhile.
    pub(crate) async fn wait_beside_code(&self, page: &Url, wait: impl Future<Output = ()>) {
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => return,
                () = self.again.notified() => {
                    // The page stands beside the code, to be opened by hand.
                    let https_forced = HttpsForced::default();
                    if let Err(error) = self.browser.open(page, None, &https_forced).await {
                        tracing::info!(
                            code = error.code().as_str(),
                            "the page for a code could not be opened"
                        );
                    }
                }
            }
        }
    }

    /// Asks the user for a code of an MFA device.
    ///
    /// # Errors
    /// `sign-in-cancelled` when no further answer can come.
    pub(crate) async fn ask_mfa_code(
        &self,
        device: &str,
        was_refused: bool,
    ) -> Result<SecretString> {
        let mut codes = self.codes.lock().await;
        // A code that was entered before this question is not an answer to it.
        while codes.try_recv().is_ok() {}
        (self.emit)(SignInEvent::Step(SignInStep::MfaCode {
            device: text::shown(device),
            was_refused,
        }));
        let code = codes.recv().await.ok_or_else(cancelled)?;
        drop(codes);
        (self.emit)(SignInEvent::Step(SignInStep::Starting));
        Ok(code)
    }

    /// Removes the code from the screen: the answer has come.
    pub(crate) fn finishing(&self) {
        (self.emit)(SignInEvent::Step(SignInStep::Finishing));
    }

    /// Opens the page and waits for the redirect. A browser that does not start ends nothing: the user can open it
    /// again until the sign-in expires.
    ///
    /// # Errors
    /// `sign-in-expired` and those of the receiver.
    pub async fn browse(
        &self,
        page: &Url,
        mut waiting: PendingFlow,
    ) -> Result<AuthorizationResponse> {
        let https_forced = waiting.https_forced().clone();
        let link = match self.port {
            Some(port) => Some((waiting.link_to(page)?, port)),
            None => None,
        };
        let answer = waiting.answer();
        tokio::pin!(answer);
        loop {
            let step = match &link {
                Some((link, port)) => SignInStep::Elsewhere {
                    link: link.clone(),
                    port: *port,
                },
                None => match self.browser.open(page, None, &https_forced).await {
                    Ok(()) => SignInStep::Browser,
                    Err(error) => SignInStep::BrowserFailed {
                        error: ErrorView::from(&error),
                    },
                },
            };
            (self.emit)(SignInEvent::Step(step));
            loop {
                tokio::select! {
                    answer = &mut answer => {
                        (self.emit)(SignInEvent::Step(SignInStep::Finishing));
                        return answer;
                    }
                    () = https_forced.reported() => {
                        let error = ErrorView::from(&refuses_http());
                        (self.emit)(SignInEvent::Step(SignInStep::HttpsForced { error }));
                    }
                    () = self.again.notified() => break,
                }
            }
        }
    }
}

/// A browser that turns the http of a loopback address into https.
fn refuses_http() -> Error {
    let message = "Your browser used https for an address on this machine that answers only http. Allow http for localhost in \
         its settings, or use another browser.";
    Error::new(Code::BrowserFailed, message)
}

/// A sign-in that the user cancelled.
pub fn cancelled() -> Error {
    Error::new(
        Code::SignInCancelled,
        "You cancelled the sign-in. Nothing was changed.",
    )
}
