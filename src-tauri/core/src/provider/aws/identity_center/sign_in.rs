//! Signing in to IAM Identity Center, in the browser or by a code, and learning who the user is.
//!
//! There is no ID token: who signed in is what STS says of the first role's credentials.

use std::time::Duration;

use url::Url;

use super::answers::{ClientRegistration, SsoTokens};
use super::client::{self, Failure, Redeem, SignInMethod, SsoClient};
use super::find::{self, PortalLocation};
use super::hosts::Hosts;
use super::refusal::{self, other_region};
use super::{
    CenterAccount, CenterRequest, partition_of, portal_error, portal_session, start_url, times,
};
use crate::account::{Cloud, Identity, Refreshable};
use crate::credential::{Grant, IdentityCenterGrant, Session};
use crate::error::{Code, Error, Result};
use crate::http;
use crate::oauth::Attempt;
use crate::provider::aws::arn::CallerArn;
use crate::provider::aws::sts::Sts;
use crate::provider::aws::{Aws, error_messages, place, sdk};
use crate::provider::{SignInRequest, SignedIn};
use crate::redirect::{AuthorizationResponse, Expectation, Issuer, LoopbackHost, Method, Receiver};
use crate::settings::RedirectKind;
use crate::sign_in::{PortalView, SignInContext, SignInEvent};
use crate::text;

/// How many accounts and roles are tried at most to learn who signed in.
const MAX_TRIES: usize = 12;
/// The interval of asking for a device's tokens, and what each "slow down" adds (RFC 8628 3.5).
const INTERVAL: Duration = Duration::from_secs(5);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
const LONGEST_CODE: usize = 32;
/// The path of the redirect URI that AWS's own programs register too.
const CALLBACK: &str = "/oauth/callback";

impl Aws {
    /// Signs a user in to Identity Center.
    pub(in crate::provider::aws) async fn sign_in_to_center(
        &self,
        wanted: &CenterRequest,
        request: &SignInRequest,
        context: &SignInContext,
    ) -> Result<SignedIn> {
        let environment = &self.settings.environment;
        let place = find::place(
            &self.http,
            environment,
            &wanted.start_url,
            wanted.region.as_deref(),
            &*context.emit,
        )
        .await?;
        let hosts = Hosts::of(environment, &place.region)?;
        (context.emit)(SignInEvent::Portal(PortalView {
            start_url: place.start_url.clone(),
            region: place.region.clone(),
            region_origin: place.origin,
        }));
        let client = self.center_client(&hosts);
        let flow = if request.device_code {
            SignInMethod::DeviceCode
        } else {
            SignInMethod::Browser
        };
        let explained = |failure| sign_in_error(failure, &place);
        let registration = client
            .register(flow, &place.start_url)
            .await
            .map_err(explained)?;
        let asked_at = self.clock.now();
        let tokens = match flow {
            SignInMethod::Browser => {
                self.by_browser(&client, &registration, &place, context)
                    .await?
            }
            SignInMethod::DeviceCode => {
                self.by_code(&client, &registration, &place, context)
                    .await?
            }
        };
        let (user, accounts) = self.user(&client, &tokens, &place).await?;
        let identity = Identity::IdentityCenter {
            start_url: place.start_url.clone(),
            typed_url: wanted.start_url.trim().to_owned(),
            region: place.region.clone(),
            partition: partition_of(&place.region).id.to_owned(),
            user_name: user,
        };
        let times = times(asked_at, tokens.life);
        let grant = IdentityCenterGrant {
            region: place.region.clone(),
            start_url: place.start_url.clone(),
            client_id: registration.client_id.clone(),
            client_secret: registration.client_secret.clone(),
            registered_until: registration.ends_at(),
            by_device_code: flow == SignInMethod::DeviceCode,
            refresh_token: tokens.refresh_token,
            access_token: tokens.access_token.clone(),
            access_token_times: times,
        };
        Ok(SignedIn {
            account: Refreshable {
                identity,
                offered: Vec::new(),
                missing_scopes: Vec::new(),
                sign_in_end: None,
            },
            grant: Grant::IdentityCenter(grant),
            session: portal_session(tokens.access_token, times),
            target: None,
            accounts: accounts.into_iter().map(|account| account.id).collect(),
        })
    }

    async fn by_browser(
        &self,
        client: &SsoClient<'_>,
        registration: &ClientRegistration,
        place: &PortalLocation,
        context: &SignInContext,
    ) -> Result<SsoTokens> {
        context.receiver(RedirectKind::Loopback, "").await;
        // Bound before the browser opens: one that is signed in answers within milliseconds.
        let flow = context
            .open_flow(Expectation {
                cloud: Cloud::Aws,
                receiver: Receiver::Loopback {
                    host: LoopbackHost::Ipv4,
                    path: CALLBACK,
                    method: Method::Query,
                    origins: vec![client.hosts.oidc.origin().ascii_serialization()],
                },
                issuer: Issuer::IfPresent(client.hosts.oidc.origin().ascii_serialization()),
            })
            .await?;
        let (attempt, redirect_uri) = (Attempt::new(), flow.redirect_uri().to_owned());
        let mut page = client.hosts.oidc("authorize");
        page.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &registration.client_id),
            ("redirect_uri", &redirect_uri),
            ("state", flow.state()),
            ("code_challenge", &attempt.challenge()),
            ("code_challenge_method", "S256"),
            ("scopes", client::SCOPE),
        ]);
        let elsewhere =
            |code, message| other_region(code, message, &place.start_url, &place.region);
        let answer = match context.browse(&page, flow).await {
            Err(error) if error.code() == Code::SignInExpired => {
                // The page of a wrong region only shows an error, and never comes back.
                let message = "The sign-in timed out. Nothing was changed.";
                return Err(elsewhere(Code::SignInExpired, message));
            }
            answer => answer?,
        };
        let code = match answer {
            AuthorizationResponse::Code(code) => code,
            AuthorizationResponse::Refused { error, .. } if error == "access_denied" => {
                return Err(Error::new(Code::SignInRefused, refusal::refused()).with_detail(&error));
            }
            AuthorizationResponse::Refused { error, .. } => {
                let message = "AWS's page ended the sign-in. Nothing was changed.";
                return Err(elsewhere(Code::SignInRejected, message).with_detail(&error));
            }
        };
        let redeem = Redeem::Code {
            code: &code,
            verifier: attempt.verifier_secret(),
            redirect_uri: &redirect_uri,
        };
        client
            .create_token(
                &registration.client_id,
                &registration.client_secret,
                &redeem,
            )
            .await
            .map_err(|failure| sign_in_error(failure, place))
    }

    /// Has a code shown, and waits until the user typed it.
    async fn by_code(
        &self,
        client: &SsoClient<'_>,
        registration: &ClientRegistration,
        place: &PortalLocation,
        context: &SignInContext,
    ) -> Result<SsoTokens> {
        let explained = |failure| sign_in_error(failure, place);
        let asked_at = self.clock.now();
        let device = client
            .start_device(registration, &place.start_url)
            .await
            .map_err(explained)?;
        let page = code_page(&device.verification_uri, client.hosts)?;
        let code = text::shown(&device.user_code);
        let is_code = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if code.is_empty() || code.len() > LONGEST_CODE || !code.bytes().all(is_code) {
            let message = "AWS sent a code that cannot be typed. Sign in with a browser instead.";
            return Err(Error::new(Code::SignInRejected, message));
        }
        let ends = asked_at + device.life();
        context.show_code(&code, &page, ends);
        let mut interval = device.interval.map_or(INTERVAL, Duration::from_secs);
        interval = interval.clamp(Duration::from_secs(1), LONGEST_INTERVAL);
        loop {
            // The first try may succeed at once, for a program that was approved before.
            let redeem = Redeem::Device(&device.device_code);
            let polled = client
                .create_token(
                    &registration.client_id,
                    &registration.client_secret,
                    &redeem,
                )
                .await;
            let mut wait = interval;
            match polled {
                Ok(tokens) => {
                    context.finishing();
                    return Ok(tokens);
                }
                Err(Failure::Refused(refusal)) => match refusal.kind.as_str() {
                    "authorizationpending" => {}
                    "slowdown" => {
                        interval += INTERVAL;
                        wait = interval;
                    }
                    _ => return Err(explained(Failure::Refused(refusal))),
                },
                Err(Failure::Failed(error)) if error.is_transient() => {
                    wait = error.retry_after().unwrap_or(interval).max(interval);
                }
                Err(failed) => return Err(explained(failed)),
            }
            let next = (self.clock.now() + wait).min(ends);
            context
                .wait_beside_code(&page, self.clock.sleep_until(next))
                .await;
            if self.clock.now() >= ends {
                let message = "The code expired before it was entered. Nothing was changed.";
                let (url, region) = (&place.start_url, &place.region);
                return Err(other_region(Code::SignInExpired, message, url, region));
            }
        }
    }

    /// The name of the user who signed in, by the credentials of the first role that gives some, and the first accounts.
    async fn user(
        &self,
        client: &SsoClient<'_>,
        tokens: &SsoTokens,
        place: &PortalLocation,
    ) -> Result<(Option<String>, Vec<CenterAccount>)> {
        let token = &tokens.access_token;
        let wrong = |failure| match failure {
            Failure::Refused(refusal) if refusal.is_unauthorized() => {
                let (url, region) = (&place.start_url, &place.region);
                let message = format!("The access portal in {region} does not accept the sign-in.");
                other_region(Code::SignInRejected, &message, url, region)
            }
            failure => portal_error(failure, client),
        };
        let (mut waits, mut tries) = (0, 0);
        // The first page that has rows: a page may be empty and lead to another.
        let (mut accounts, mut pages) = (Vec::new(), client.start_list());
        while accounts.is_empty() && !pages.are_read() {
            self.keep_pace(waits).await;
            let page = client.accounts(token, &mut pages).await;
            accounts = self.unless_asked_to_wait(page, &mut waits, wrong)?;
        }
        for account in &accounts {
            if tries >= MAX_TRIES {
                break;
            }
            tries += 1;
            let (mut roles, mut pages) = (Vec::new(), client.start_list());
            while roles.is_empty() && !pages.are_read() {
                self.keep_pace(waits).await;
                roles = match client.roles(token, &account.id, &mut pages).await {
                    Err(Failure::Refused(refusal)) if refusal.is_of_one() => break,
                    page => self.unless_asked_to_wait(page, &mut waits, wrong)?,
                };
            }
            let mut roles = roles.iter().take(MAX_TRIES).peekable();
            while let Some(role) = roles.peek() {
                self.keep_pace(waits).await;
                let now = self.clock.now();
                let given = client.credentials(token, &account.id, role, now).await;
                let given = match given {
                    Err(Failure::Refused(refusal)) if refusal.is_of_one() => None,
                    given => {
                        let given = given.map(|session| vec![session]);
                        let given = self.unless_asked_to_wait(given, &mut waits, wrong)?;
                        let Some(session) = given.into_iter().next() else {
                            continue;
                        };
                        Some(session)
                    }
                };
                if let Some(session) = given {
                    let region = &place.region;
                    let name = self.session_name(&session, &account.id, region).await?;
                    return Ok((Some(name), accounts));
                }
                tries += 1;
                roles.next();
            }
        }
        Ok((None, accounts))
    }

    /// Counts a call that a user waits for. It waits only after the portal asked for that.
    async fn keep_pace(&self, waits: u32) {
        if waits == 0 {
            self.center_rate.count();
        } else {
            self.center_rate.wait().await;
        }
    }

    /// What STS says of a role's credentials: the name of the session is the user's.
    async fn session_name(
        &self,
        session: &Session,
        account_id: &str,
        region: &str,
    ) -> Result<String> {
        let config = self.surroundings().bare_config(None).await?;
        let credentials = sdk::credentials(session.access_keys()?);
        let arn = Sts::new(&config, credentials, region)
            .caller_arn()
            .await
            .map_err(|failure| {
                let place = place(&config, region);
                let expired = Error::new(
                    Code::ServerFailed,
                    "AWS gave credentials that have expired already. Try again.",
                );
                error_messages::caller(&failure, &place, &expired, self.clock.now())
            })?;
        let caller = CallerArn::parse(&arn).ok();
        let name = arn
            .split_once(":assumed-role/")
            .and_then(|(_, rest)| rest.rsplit_once('/'))
            .map(|(_, name)| name);
        let is_name = |name: &&str| {
            (2..=64).contains(&name.len())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b))
        };
        match (caller, name.filter(is_name)) {
            (Some(caller), Some(name)) if caller.account_id == account_id => Ok(name.to_owned()),
            _ => {
                let message = format!(
                    "AWS STS does not say whose credentials these are ({}), so nothing of them was used. Check AWS_ENDPOINT_URL_STS.",
                    text::shown(&arn)
                );
                Err(Error::new(Code::SignInRejected, message))
            }
        }
    }
}

fn sign_in_error(failure: Failure, place: &PortalLocation) -> Error {
    match failure {
        Failure::Refused(refusal) => refusal.sign_in_error(&place.start_url, &place.region),
        Failure::Failed(error) => error,
    }
}

/// The page to type a code at: AWS's own, or nothing is shown.
fn code_page(text: &str, hosts: &Hosts) -> Result<Url> {
    let page = Url::parse(text).ok().filter(|page| {
        let host = page.host_str().unwrap_or_default();
        let is_theirs = page.scheme() == "https"
            && page.port().is_none()
            && (start_url::is_owned(host) || host == hosts.device_page);
        let is_clean = page.username().is_empty() && page.password().is_none();
        let is_stand_in = http::is_loopback(page) && page.origin() == hosts.oidc.origin();
        is_clean && (is_theirs || is_stand_in)
    });
    page.ok_or_else(|| {
        let message = "AWS wants the code entered at a page that is not its own, so nothing was shown. Check the start URL.";
        Error::new(Code::SignInRejected, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_typed_at_a_page_of_aws_only() {
        let hosts = Hosts::of(&crate::world::Environment::default(), "eu-west-1").expect("hosts");
        for page in [
            "https://device.sso.eu-west-1.amazonaws.com/",
            "https://d-1.awsapps.com/start/#/device",
        ] {
            assert!(code_page(page, &hosts).is_ok(), "{page}");
        }
        for page in [
            "https://device.sso.eu-west-1.amazonaws.com.evil.example/",
            "http://device.sso.eu-west-1.amazonaws.com/",
            "https://ada@d-1.awsapps.com/start",
            "http://127.0.0.1:4000/device",
            "",
        ] {
            assert!(code_page(page, &hosts).is_err(), "{page}");
        }
    }
}
