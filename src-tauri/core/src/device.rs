//! Signing in with a code on another device (RFC 8628): requesting the code, showing it, and waiting.
//!
//! There is no redirect, no PKCE and no nonce here: entering the code approves the process that shows it, even if an
//! attacker's process does. So it runs only at the user's request, and the page must be one of the provider's own.
//! Providers interpret the answers.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use url::Url;

use crate::error::{Code, Error, Result};
use crate::http::{self, Http};
use crate::oauth::{OAuthClient, TokenFailure, Tokens, Wire};
use crate::sign_in::SignInContext;
use crate::text;
use crate::world::Clock;

/// The polling interval if the server sends none (RFC 8628 3.2), and its increase after each "slow down" (3.5).
const INTERVAL: Duration = Duration::from_secs(5);
/// The longest interval, whether the server asks for it or failures lead to it.
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
/// The longest wait, whatever the server sends.
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 60);
/// The longest code that a user can be asked to enter.
const LONGEST_CODE: usize = 32;

/// The server and the client for a code.
pub struct DeviceFlow<'a> {
    /// The app registration, with the token endpoint.
    pub client: &'a OAuthClient,
    /// The endpoint for codes, if the server has one.
    pub endpoint: Option<&'a Url>,
    /// The sign-in server, whose own pages may accept the code.
    pub authority: &'a Url,
    /// The other hosts whose pages may.
    pub hosts: &'a [&'a str],
    /// The requested scopes.
    pub scopes: &'a [&'a str],
    /// Further parameters for polling.
    pub extra: &'a [(&'a str, &'a str)],
}

/// A server's answer to a device (RFC 8628 3.2). Google spells the address its own way.
#[derive(Deserialize)]
pub(crate) struct Authorization {
    device_code: SecretString,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

impl DeviceFlow<'_> {
    /// Shows the user the page and the code, and waits until the code was entered. Returns the tokens, and the time
    /// before they were requested.
    ///
    /// # Errors
    /// The provider's refusal; `sign-in-expired`, `sign-in-refused`, `sign-in-rejected`; `unsupported`.
    pub async fn sign_in(
        &self,
        http: &Http,
        clock: &dyn Clock,
        context: &SignInContext,
    ) -> std::result::Result<(Tokens, Timestamp), TokenFailure> {
        let endpoint = self.endpoint.ok_or_else(|| {
            let place = http::place(self.authority);
            Error::new(
                Code::Unsupported,
                format!("{place} does not support device codes. Sign in with a browser."),
            )
        })?;
        let asked_at = clock.now();
        let authorization = self.authorize_device(http, endpoint).await?;
        let page = self.page(&authorization.verification_uri)?;
        let code = code(&authorization.user_code)?;
        let ends = asked_at + Duration::from_secs(authorization.expires_in).min(LONGEST_LIFE);
        context.show_code(&code, &page, ends);

        let mut interval = authorization.interval.map_or(INTERVAL, Duration::from_secs);
        interval = interval.clamp(Duration::from_secs(1), LONGEST_INTERVAL);
        // Grows while the server cannot be reached, and is reset when it can.
        let mut wait = interval;
        loop {
            let next = (clock.now() + wait).min(ends);
            context
                .wait_beside_code(&page, clock.sleep_until(next))
                .await;
            let asked_at = clock.now();
            if asked_at >= ends {
                return Err(expired().into());
            }
            let failure = match self.poll_device(http, &authorization.device_code).await {
                Ok(tokens) => {
                    context.finishing();
                    return Ok((tokens, asked_at));
                }
                Err(failure) => failure,
            };
            wait = match failure {
                TokenFailure::Refused(refusal) => match refusal.error.as_str() {
                    "authorization_pending" => interval,
                    "slow_down" => {
                        interval += INTERVAL;
                        interval
                    }
                    "expired_token" => return Err(expired().into()),
                    "access_denied" | "authorization_declined" => return Err(refused().into()),
                    _ => return Err(TokenFailure::Refused(refusal)),
                },
                TokenFailure::Failed(error) if error.is_transient() => {
                    tracing::warn!(
                        code = error.code().as_str(),
                        "a sign-in by code could not be asked about"
                    );
                    let doubled = (wait * 2).min(LONGEST_INTERVAL).max(interval);
                    error
                        .retry_after()
                        .map_or(doubled, |asked| asked.max(interval))
                }
                failed @ TokenFailure::Failed(_) => return Err(failed),
            };
        }
    }

    /// The page for the code: the provider's own, otherwise nothing is shown.
    fn page(&self, text: &str) -> Result<Url> {
        let page = Url::parse(text)
            .ok()
            .filter(|page| page.username().is_empty() && page.password().is_none());
        let is_ours = |page: &Url| {
            let is_theirs = page.scheme() == "https"
                && page.port().is_none()
                && page
                    .host_str()
                    .is_some_and(|host| self.hosts.contains(&host));
            http::require_safe(page).is_ok()
                && (page.origin() == self.authority.origin() || is_theirs)
        };
        page.filter(is_ours).ok_or_else(|| {
            let message = format!(
                "{} named a page of another server for the code, so it was not shown. Check the address of the \
                 sign-in server in the settings.",
                http::place(self.authority)
            );
            Error::new(Code::SignInRejected, message)
        })
    }

    /// Requests a code for another device (RFC 8628 3.1).
    ///
    /// # Errors
    /// Those of `exchange`.
    async fn authorize_device(
        &self,
        http: &Http,
        endpoint: &Url,
    ) -> std::result::Result<Authorization, TokenFailure> {
        let scope = self.scopes.join(" ");
        let wire = Wire::new(http, endpoint);
        let answer = wire
            .post(
                endpoint,
                &[
                    ("client_id", self.client.client_id.as_str()),
                    ("scope", &scope),
                ],
            )
            .await?;
        serde_json::from_slice(answer.body()).map_err(|_| wire.nonsense().into())
    }

    /// Asks once whether the user has finished on the other device (RFC 8628 3.4).
    ///
    /// # Errors
    /// Those of `exchange`; "not yet" is a refusal too.
    async fn poll_device(
        &self,
        http: &Http,
        device_code: &SecretString,
    ) -> std::result::Result<Tokens, TokenFailure> {
        let wire = Wire::new(http, &self.client.token_endpoint);
        let mut fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", self.client.client_id.as_str()),
            ("device_code", device_code.expose_secret()),
        ];
        fields.extend(
            self.client
                .client_secret
                .as_ref()
                .map(|secret| ("client_secret", secret.expose_secret())),
        );
        fields.extend(self.extra);
        let answer = wire.post(&self.client.token_endpoint, &fields).await?;
        Tokens::parse(answer.body()).ok_or_else(|| wire.nonsense().into())
    }
}

/// The code to show. It comes from a server and goes to a terminal.
fn code(text: &str) -> Result<String> {
    let shown = text::shown(text);
    let fits = !shown.is_empty()
        && shown.len() <= LONGEST_CODE
        && shown
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b' '));
    if fits {
        return Ok(shown);
    }
    let message = "The sign-in server sent an invalid code. Sign in with a browser instead.";
    Err(Error::new(Code::SignInRejected, message))
}

fn expired() -> Error {
    let message =
        "The code expired before it was entered. Nothing was changed. Start the sign-in again.";
    Error::new(Code::SignInExpired, message)
}

fn refused() -> Error {
    let message = "The sign-in was refused on the page where the code was entered. Nothing was changed. Start it again.";
    Error::new(Code::SignInRefused, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(authority: &str, page: &str) -> bool {
        let authority = Url::parse(authority).expect("a URL");
        let client = OAuthClient {
            client_id: "c".into(),
            client_secret: None,
            authorization_endpoint: authority.clone(),
            token_endpoint: authority.clone(),
        };
        let flow = DeviceFlow {
            client: &client,
            endpoint: Some(&authority),
            authority: &authority,
            hosts: &["microsoft.com"],
            scopes: &[],
            extra: &[],
        };
        flow.page(page).is_ok()
    }

    #[test]
    fn a_code_is_entered_only_at_the_providers_own_pages() {
        let entra = "https://login.microsoftonline.com/";
        for page in [
            "https://microsoft.com/devicelogin",
            "https://login.microsoftonline.com/common/oauth2/deviceauth",
        ] {
            assert!(shown(entra, page), "{page}");
        }
        for page in [
            "http://microsoft.com/devicelogin",
            "https://microsoft.com.evil.example/devicelogin",
            "https://evil.example/?microsoft.com",
            "https://microsoft.com@evil.example/",
            "https://ada:x@microsoft.com/",
            "https://microsoft.com:444/devicelogin",
            "http://127.0.0.1:4000/device",
            "javascript:alert(1)",
            "",
        ] {
            assert!(!shown(entra, page), "{page}");
        }
        assert!(shown(
            "http://127.0.0.1:4000/",
            "http://127.0.0.1:4000/common/oauth2/deviceauth"
        ));
        assert!(!shown("http://127.0.0.1:4000/", "http://127.0.0.1:4001/"));
    }

    #[test]
    fn a_code_is_short_and_cannot_forge_terminal_output() {
        assert_eq!(code("WDJB-MJHT").expect("a code"), "WDJB-MJHT");
        for text in ["", "A\u{1b}[2JB", "A\nB:", "ＡＢＣ", &"A".repeat(33)] {
            assert!(
                code(text).is_err() || !code(text).expect("cleaned").contains(char::is_control),
                "{text}"
            );
        }
        assert!(code("<b>").is_err());
    }
}
