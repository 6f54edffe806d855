//! Connecting: a sign-in from the first click to a stored account, in a task of its own.
//!
//! The provider signs in and stores nothing; `connect/duplicates.rs` compares the result with the
//! connected accounts, `connect/store_sign_in.rs` stores it, and this file reports each step.

mod duplicates;
mod store_sign_in;

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::sync::{Notify, mpsc, oneshot};
use ts_rs::TS;

use super::{App, ConnectRole, no_sign_in};
use crate::account::{AccountId, Cloud};
use crate::claims::ClaimsChallenge;
use crate::error::{Code, Error, ErrorView, Result};
use crate::import::FoundAccount;
use crate::provider::{self, SignInRequest};
use crate::redirect::{Frontend, SIGN_IN_TIMEOUT};
use crate::resource::Identifier;
use crate::settings::RedirectKind;
use crate::sign_in::{SignInContext, SignInEvent, cancelled};
use crate::sign_in::{SignInId, SignInStep, SignInView};
use crate::store::not_found;
use crate::text;
pub use duplicates::OnDuplicate;

/// The most sign-ins that are kept for display; the oldest ended ones are dropped first.
const MOST_SIGN_INS: usize = 16;

/// A request to connect.
#[derive(Clone, Debug)]
pub struct Connect {
    /// The cloud.
    pub cloud: Cloud,
    /// Azure: the tenant, if not the one in the settings.
    pub tenant: Option<String>,
    /// The row to sign in to again.
    pub account: Option<AccountId>,
    /// The redirect method, if not the one in the settings.
    pub redirect: Option<RedirectKind>,
    /// Whether the user enters a code on another device, instead of a browser on this one.
    pub device_code: bool,
    /// The loopback port for a browser on another computer, which forwards it here.
    pub redirect_port: Option<u16>,
    /// Azure: the resource to consent to, if not Resource Manager.
    pub resource: Option<Identifier>,
    /// Azure: what the user has to prove, when not what the account's last refusal asked for.
    pub challenge: Option<ClaimsChallenge>,
    /// What to do when another user's row has the same tenant or address.
    pub on_duplicate: OnDuplicate,
    /// AWS: the access portal of IAM Identity Center, when it is that. Not needed to sign in to a row again.
    pub portal: Option<ConnectPortal>,
    /// AWS: the role, and the source that assumes it. Not needed to sign in to an unchanged row again.
    pub role: Option<ConnectRole>,
    /// The account that another tool names: only it may be signed in to, and it keeps its name there.
    pub found: Option<FoundAccount>,
}

impl Connect {
    /// A new account with the configured settings; duplicates are the user's choice.
    pub fn new(cloud: Cloud) -> Self {
        Self {
            cloud,
            tenant: None,
            account: None,
            redirect: None,
            device_code: false,
            redirect_port: None,
            resource: None,
            challenge: None,
            on_duplicate: OnDuplicate::Ask,
            portal: None,
            role: None,
            found: None,
        }
    }
}

/// The access portal of IAM Identity Center to sign in to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(export, optional_fields)]
pub struct ConnectPortal {
    /// The start URL, in any form that a browser shows.
    pub start_url: String,
    /// Its region, when it is not to be found.
    #[serde(default)]
    pub region: Option<String>,
}

/// A code of an MFA device, as the user enters it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct MfaCode(SecretString);

impl From<SecretString> for MfaCode {
    fn from(code: SecretString) -> Self {
        Self(code)
    }
}

impl From<&str> for MfaCode {
    fn from(code: &str) -> Self {
        Self(code.into())
    }
}

/// A sign-in in progress, or its result.
pub(super) struct SignIn {
    pub(super) view: SignInView,
    cancel: Arc<Notify>,
    again: Arc<Notify>,
    codes: mpsc::Sender<SecretString>,
    decision: Option<oneshot::Sender<OnDuplicate>>,
}

impl SignIn {
    fn has_ended(&self) -> bool {
        matches!(
            self.view.step,
            SignInStep::Done { .. } | SignInStep::Failed { .. }
        )
    }
}

impl App {
    /// Starts a sign-in. The Snapshot shows its progress, under the returned number.
    ///
    /// # Errors
    /// `not-found` for an account that is not connected, `setting-*` when the cloud is not set up.
    pub fn connect(&self, wanted: Connect) -> Result<SignInId> {
        let providers = self.providers();
        providers.of(wanted.cloud).check_set_up()?;
        let usual = provider::cloud_view(&self.settings(), wanted.cloud).redirect;
        let stored = self.stored().unwrap_or_default();
        let known = match &wanted.account {
            Some(id) => Some(stored.account(id).ok_or_else(|| not_found(id))?),
            None => None,
        };
        let request = SignInRequest {
            tenant: wanted.tenant.clone(),
            known: known.map(|account| account.identity.clone()),
            challenge: wanted
                .challenge
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| {
                    known.and_then(|account| account.renewal_failure.as_ref()?.challenge.clone())
                }),
            consent: known.is_some_and(|account| !account.missing_scopes.is_empty()),
            redirect: wanted.redirect,
            device_code: wanted.device_code,
            resource: wanted.resource.clone(),
            hint: wanted.found.as_ref().and_then(FoundAccount::hint),
            role: None,
            identity_center: None,
        };
        let (cancel, again) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (codes, entered) = mpsc::channel(1);
        let now = self.world.clock.now();
        let id = {
            let mut state = self.state();
            state.last_sign_in += 1;
            let id = SignInId(state.last_sign_in);
            let view = SignInView {
                id,
                cloud: wanted.cloud,
                account: wanted.account.clone(),
                redirect: wanted.redirect.unwrap_or(usual),
                scheme_taken: false,
                started_at: now,
                expires_at: now + SIGN_IN_TIMEOUT,
                step: SignInStep::Starting,
                device_code: wanted.device_code,
                found: wanted.found.as_ref().map(FoundAccount::origin),
                start_url: wanted
                    .portal
                    .as_ref()
                    .map(|portal| text::shown(&portal.start_url)),
                own_address: None,
                portal: None,
                verification: None,
            };
            // A new sign-in replaces the ended one; the screen shows one for each cloud.
            state
                .sign_ins
                .retain(|_, sign_in| !sign_in.has_ended() || sign_in.view.cloud != wanted.cloud);
            while state.sign_ins.len() >= MOST_SIGN_INS {
                state.sign_ins.pop_first();
            }
            let sign_in = SignIn {
                view,
                cancel: cancel.clone(),
                again: again.clone(),
                codes,
                decision: None,
            };
            state.sign_ins.insert(id.0, sign_in);
            id
        };
        self.publish();
        let this = self
            .this
            .upgrade()
            .expect("a method runs on an app that exists");
        tokio::spawn(async move {
            let context = this.context(id, again, wanted.redirect_port, entered);
            let signed_in = tokio::select! {
                signed_in = async {
                    let request = this.with_role(request, &wanted).await?;
                    providers.of(wanted.cloud).sign_in(&request, &context).await
                } => signed_in,
                () = cancel.notified() => Err(cancelled()),
            };
            this.note(Some(wanted.cloud), signed_in.as_ref().err());
            if let Err(error) = &signed_in {
                this.note_loosened(&wanted, error).await;
            }
            let found = wanted.found.as_ref();
            let signed_in = signed_in.and_then(|signed_in| {
                let fits = |found: &FoundAccount| found.require(&signed_in.account.identity);
                found.map_or(Ok(()), fits).map(|()| signed_in)
            });
            let stored = match signed_in {
                Ok(signed_in) => {
                    this.store_sign_in(id, signed_in, wanted.on_duplicate, found, &cancel)
                        .await
                }
                Err(error) => Err(error),
            };
            this.end(id, stored).await;
        });
        Ok(id)
    }

    /// Cancels a sign-in. The connected accounts do not change.
    ///
    /// # Errors
    /// `not-found` when it has ended.
    pub fn cancel_sign_in(&self, id: SignInId) -> Result<()> {
        let state = self.state();
        running(&state.sign_ins, id)?.cancel.notify_one();
        Ok(())
    }

    /// Removes an ended sign-in from the screen.
    pub fn dismiss_sign_in(&self, id: SignInId) {
        {
            let mut state = self.state();
            if state.sign_ins.get(&id.0).is_some_and(SignIn::has_ended) {
                state.sign_ins.remove(&id.0);
            }
        }
        self.publish();
    }

    /// Opens the browser again for the same sign-in.
    ///
    /// # Errors
    /// `not-found` when it has ended.
    pub fn reopen_browser(&self, id: SignInId) -> Result<()> {
        let state = self.state();
        running(&state.sign_ins, id)?.again.notify_one();
        Ok(())
    }

    /// Answers a sign-in that asks for a code of an MFA device.
    ///
    /// # Errors
    /// `invalid-input` for anything but six digits, `not-found` when no sign-in asks.
    pub fn enter_mfa_code(&self, id: SignInId, code: &MfaCode) -> Result<()> {
        let code = code.0.expose_secret().trim();
        if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::new(
                Code::InvalidInput,
                "Enter the six digits that the MFA device shows.",
            ));
        }
        let state = self.state();
        let asking = state
            .sign_ins
            .get(&id.0)
            .filter(|sign_in| matches!(sign_in.view.step, SignInStep::MfaCode { .. }));
        asking
            .and_then(|sign_in| sign_in.codes.try_send(code.into()).ok())
            .ok_or_else(|| no_sign_in(id))
    }

    /// Waits until a sign-in has ended, and returns its result.
    ///
    /// # Errors
    /// `not-found` when it was dismissed; the reason for its failure.
    pub async fn sign_in_ended(&self, id: SignInId) -> Result<AccountId> {
        let mut snapshots = self.watch();
        loop {
            let step = snapshots
                .borrow_and_update()
                .sign_ins
                .iter()
                .find(|view| view.id == id)
                .map(|view| view.step.clone());
            match step {
                None => return Err(no_sign_in(id)),
                Some(SignInStep::Done { account, .. }) => return Ok(account),
                Some(SignInStep::Failed { error }) => return Err(Error::seen(&error)),
                Some(_) => {}
            }
            snapshots.changed().await.map_err(|_| no_sign_in(id))?;
        }
    }

    /// Returns when the browser has loaded the last page of every sign-in that came back on loopback, so that the end
    /// of the process does not cut it off. Waits while a sign-in is pending there.
    pub async fn last_pages_shown(&self) {
        self.redirects.closed().await;
    }

    fn context(
        &self,
        id: SignInId,
        again: Arc<Notify>,
        port: Option<u16>,
        codes: mpsc::Receiver<SecretString>,
    ) -> SignInContext {
        let app = self.this.clone();
        let emit = move |event: SignInEvent| {
            let Some(app) = app.upgrade() else { return };
            app.update_view(id, |view| match event {
                SignInEvent::Step(step) => view.step = step,
                SignInEvent::OwnAddress(host) => view.own_address = Some(host),
                SignInEvent::Portal(portal) => view.portal = Some(portal),
                SignInEvent::Verifying(verification) => {
                    view.step = SignInStep::Verifying;
                    view.verification = Some(verification);
                }
                SignInEvent::Receiver {
                    redirect,
                    scheme_taken,
                } => {
                    view.redirect = redirect;
                    view.scheme_taken = scheme_taken;
                }
            });
        };
        SignInContext {
            redirects: self.redirects.clone(),
            browser: self.world.browser.clone(),
            scheme: self.world.scheme.clone(),
            emit: Arc::new(emit),
            again,
            port,
            codes: Arc::new(tokio::sync::Mutex::new(codes)),
        }
    }

    fn update_view(&self, id: SignInId, edit: impl FnOnce(&mut SignInView)) {
        if let Some(sign_in) = self.state().sign_ins.get_mut(&id.0) {
            edit(&mut sign_in.view);
        }
        self.publish();
    }

    async fn end(&self, id: SignInId, stored: Result<(AccountId, bool)>) {
        let step = match &stored {
            Ok((account, updated)) => SignInStep::Done {
                account: account.clone(),
                updated: *updated,
            },
            Err(error) => {
                tracing::info!(
                    code = error.code().as_str(),
                    reference = error.reference(),
                    "a sign-in ended without an account"
                );
                let error = match self.redirects.front() {
                    Frontend::Window => ErrorView::in_window(error),
                    Frontend::Terminal => ErrorView::from(error),
                };
                SignInStep::Failed { error }
            }
        };
        // A watcher that sees the end also sees that the targets are loading.
        let reading = stored
            .ok()
            .and_then(|(account, _)| Some((self.begin_reading(&account)?, account)));
        self.update_view(id, |view| view.step = step);
        if let Some((cancel, account)) = reading {
            // The row shows why a list could not be loaded.
            let _ = self.go_on_reading(&account, &cancel).await;
        }
    }
}
/// A sign-in that has not ended.
fn running(sign_ins: &BTreeMap<u32, SignIn>, id: SignInId) -> Result<&SignIn> {
    let sign_in = sign_ins.get(&id.0);
    sign_in
        .filter(|sign_in| !sign_in.has_ended())
        .ok_or_else(|| no_sign_in(id))
}
