//! What an app asks of the authorise endpoint, and where its answer goes.
//!
//! A request is read in two steps: first whether its redirect URI can be trusted, which decides between a page and a
//! redirect for every later error, then everything else. What follows is in `authorize.rs`.

use std::collections::HashMap;

use super::refusal::AzureRefusal;
use super::scope::Scope;
use super::{Azure, AzureAuthority};

/// A request of the app that may be answered at its redirect URI.
#[derive(Clone)]
pub(super) struct AzureAsked {
    pub(super) authority: AzureAuthority,
    pub(super) client_id: String,
    pub(super) target: AzureTarget,
    pub(super) scope: Scope,
    pub(super) nonce: Option<String>,
    pub(super) challenge: String,
    pub(super) prompt: Prompt,
    pub(super) login_hint: Option<String>,
    pub(super) wants_client_info: bool,
    pub(super) wants_second_factor: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ResponseMode {
    Query,
    Fragment,
    FormPost,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Prompt {
    Unset,
    None,
    Login,
    Consent,
    SelectAccount,
}

/// A request that must not be answered at its redirect URI: the page says why.
pub(super) struct Unanswerable(pub(super) AzureRefusal);

/// A request whose redirect URI can be trusted.
pub(super) struct Checked {
    pub(super) target: AzureTarget,
    pub(super) request: Result<AzureAsked, AzureRefusal>,
}

/// Where an answer goes.
#[derive(Clone)]
pub(super) enum AzureTarget {
    /// To the app, by way of the browser.
    Redirect(AzureRedirect),
    /// To the device that waits with this device code.
    Device(String),
}

#[derive(Clone)]
pub(super) struct AzureRedirect {
    pub(super) uri: String,
    pub(super) response_mode: ResponseMode,
    pub(super) state: Option<String>,
}

impl AzureTarget {
    /// Whether a page asks once more before the answer goes there: to anything that is not a web address.
    pub(super) fn wants_confirmation(&self) -> bool {
        match self {
            Self::Redirect(redirect) => {
                !redirect.uri.starts_with("http:") && !redirect.uri.starts_with("https:")
            }
            Self::Device(_) => true,
        }
    }
}

impl Azure {
    pub(super) fn check(
        &self,
        tenant: &str,
        fields: &HashMap<String, String>,
    ) -> Result<Checked, Unanswerable> {
        let text = |name: &str| {
            fields
                .get(name)
                .map(String::as_str)
                .filter(|value| !value.is_empty())
        };
        let authority = self.authority(tenant).map_err(Unanswerable)?;
        let client_id =
            text("client_id").ok_or_else(|| Unanswerable(AzureRefusal::missing("client_id")))?;
        self.check_client(client_id, tenant).map_err(Unanswerable)?;
        let redirect_uri = text("redirect_uri")
            .ok_or_else(|| Unanswerable(AzureRefusal::missing("redirect_uri")))?;
        if !self.is_registered(redirect_uri) {
            return Err(Unanswerable(AzureRefusal::new(
                "invalid_request",
                50011,
                format!(
                    "The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs \
                     configured for the application '{client_id}'."
                ),
            )));
        }
        let response_mode = match text("response_mode") {
            None | Some("query") => ResponseMode::Query,
            Some("fragment") => ResponseMode::Fragment,
            Some("form_post") => ResponseMode::FormPost,
            Some(other) => {
                let text = format!("The response_mode '{other}' is not supported.");
                return Err(Unanswerable(AzureRefusal::new(
                    "invalid_request",
                    70007,
                    text,
                )));
            }
        };
        let target = AzureTarget::Redirect(AzureRedirect {
            uri: redirect_uri.to_owned(),
            response_mode,
            state: text("state").map(str::to_owned),
        });
        let request = self.read(authority, client_id, &target, fields);
        Ok(Checked { target, request })
    }

    fn read(
        &self,
        authority: AzureAuthority,
        client_id: &str,
        target: &AzureTarget,
        fields: &HashMap<String, String>,
    ) -> Result<AzureAsked, AzureRefusal> {
        let text = |name: &str| {
            fields
                .get(name)
                .map(String::as_str)
                .filter(|value| !value.is_empty())
        };
        if text("response_type") != Some("code") {
            return Err(AzureRefusal::new(
                "unsupported_response_type",
                700054,
                "The response_type must be 'code' for this application.",
            ));
        }
        let challenge =
            text("code_challenge").filter(|_| text("code_challenge_method") == Some("S256"));
        let challenge = challenge.ok_or_else(|| {
            AzureRefusal::new(
                "invalid_request",
                9002325,
                "Proof Key for AzureCode Exchange with S256 is required for authorization code redemption.",
            )
        })?;
        let prompt = match text("prompt") {
            None => Prompt::Unset,
            Some("none") => Prompt::None,
            Some("login") => Prompt::Login,
            Some("consent") => Prompt::Consent,
            Some("select_account") => Prompt::SelectAccount,
            Some(other) => {
                let text = format!("Unsupported 'prompt' value '{other}'.");
                return Err(AzureRefusal::new("invalid_request", 90023, text));
            }
        };
        Ok(AzureAsked {
            authority,
            client_id: client_id.to_owned(),
            target: target.clone(),
            scope: self.scope(text("scope").unwrap_or_default())?,
            nonce: text("nonce").map(str::to_owned),
            challenge: challenge.to_owned(),
            prompt,
            login_hint: text("login_hint").map(str::to_owned),
            wants_client_info: text("client_info") == Some("1"),
            wants_second_factor: text("claims").is_some_and(|claims| claims.contains("capolids")),
        })
    }
}
