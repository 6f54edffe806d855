//! IAM Identity Center: one sign-in of a user, from which the credentials of every assigned role are taken.
//!
//! What the user typed becomes a place in `find.rs`; the calls are in `client.rs`, what refusals mean in `refusal.rs`, the
//! rate of calls in `rate_limit.rs`. There is no ID token: who signed in is what STS says of the first role's credentials.

mod client;
mod find;
mod hosts;
mod rate_limit;
mod refusal;
mod start_url;

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use self::client::{
    CallResult, ClientRegistration, Failure, Redeem, SignInMethod, SsoClient, SsoTokens,
};
use self::find::PortalLocation;
use self::hosts::Hosts;
use self::refusal::{SsoRefusal, other_region};
use super::arn::CallerArn;
use super::partition::Partition;
use super::sts::Sts;
use super::{Aws, console, error_messages, sdk};
use crate::account::{Account, Cloud, Identity, Refreshable, SessionTimes};
use crate::credential::{Credential, Grant, IdentityCenterGrant, Session};
use crate::error::{Code, Error, Result};
use crate::http;
use crate::oauth::Attempt;
use crate::provider::{Due, Refreshed, SignInRequest, SignedIn};
use crate::redirect::{AuthorizationResponse, Expectation, Issuer, LoopbackHost, Method, Receiver};
use crate::resource::{Identifier, Resource};
use crate::settings::RedirectKind;
use crate::sign_in::{PortalView, SignInContext, SignInEvent};
use crate::text;

pub use self::client::CenterAccount;
pub use self::find::FoundPortal;
pub(crate) use self::find::{canonical, in_config};
pub(super) use self::rate_limit::RateLimiter;
pub(super) use self::start_url::partition_of;

/// What is left of an access token when it is renewed, at least.
const ACCESS_TOKEN_HEAD_START: Duration = Duration::from_secs(5 * 60);
/// How many accounts and roles are tried at most to learn who signed in.
const MAX_TRIES: usize = 12;
/// How often a call that was asked to wait is made again.
const MAX_WAITS: u32 = 8;
/// The interval of asking for a device's tokens, and what each "slow down" adds (RFC 8628 3.5).
const INTERVAL: Duration = Duration::from_secs(5);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60);
const LONGEST_CODE: usize = 32;
/// The path of the redirect URI that AWS's own programs register too.
const CALLBACK: &str = "/oauth/callback";

/// What to sign in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CenterRequest {
    /// The start URL, as the user typed it.
    pub start_url: String,
    /// The region, when the user named one or it is known.
    pub region: Option<String>,
}

/// The identity's part that is Identity Center's.
struct Known<'a> {
    region: &'a str,
}

impl<'a> Known<'a> {
    fn of(identity: &'a Identity) -> Result<Self> {
        match identity {
            Identity::IdentityCenter { region, .. } => Ok(Self { region }),
            _ => Err(Error::new(
                Code::Internal,
                "An account of another kind came to IAM Identity Center.",
            )),
        }
    }
}

impl Aws {
    /// Signs a user in to Identity Center.
    pub(super) async fn sign_in_to_center(
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
        let answer = match context.browse(&page, flow).await {
            Err(error) if error.code() == Code::SignInExpired => {
                // The page of a wrong region only shows an error, and never comes back.
                let message = format!(
                    "The sign-in timed out. Nothing was changed. {}",
                    other_region(&place.start_url, &place.region)
                );
                return Err(Error::new(Code::SignInExpired, message));
            }
            answer => answer?,
        };
        let code = match answer {
            AuthorizationResponse::Code(code) => code,
            AuthorizationResponse::Refused { error, .. } if error == "access_denied" => {
                return Err(Error::new(Code::SignInRefused, refusal::refused()).with_detail(&error));
            }
            AuthorizationResponse::Refused { error, .. } => {
                let message = format!(
                    "AWS's page ended the sign-in. Nothing was changed. {}",
                    other_region(&place.start_url, &place.region)
                );
                return Err(Error::new(Code::SignInRejected, message).with_detail(&error));
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
                let message = format!(
                    "The code expired before it was entered. Nothing was changed. {}",
                    other_region(&place.start_url, &place.region)
                );
                return Err(Error::new(Code::SignInExpired, message));
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
                let message = format!(
                    "The access portal in {} does not accept the sign-in. {}",
                    place.region,
                    other_region(&place.start_url, &place.region)
                );
                Error::new(Code::SignInRejected, message)
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
                let place = super::place(&config, region);
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

    /// Whether the access token in a grant has to be renewed before it is used.
    pub(super) fn center_due(&self, grant: &Grant) -> Option<Due> {
        let Grant::IdentityCenter(grant) = grant else {
            return None;
        };
        let (now, times) = (self.clock.now(), grant.access_token_times);
        let life = times
            .expires_at
            .duration_since(times.issued_at)
            .unsigned_abs();
        let renew_at = times.expires_at - ACCESS_TOKEN_HEAD_START.min(life / 2);
        Some(if now >= times.expires_at {
            Due::Now
        } else if now >= renew_at {
            Due::Soon
        } else {
            Due::Later
        })
    }

    /// A new access token, or the credentials of a role.
    pub(super) async fn refresh_center(
        &self,
        account: &Account,
        grant: &IdentityCenterGrant,
        resource: &Resource,
    ) -> Result<Refreshed> {
        let known = Known::of(&account.identity)?;
        let hosts = Hosts::of(&self.settings.environment, known.region)?;
        let client = self.center_client(&hosts);
        let now = self.clock.now();
        let refreshed = |grant, session| Refreshed {
            grant,
            session,
            identity: None,
            sign_in_end: None,
            refusal: None,
        };
        let Some(pair) = resource.identifier() else {
            let tokens = self.renewed(&client, grant, now).await?;
            let times = times(now, tokens.life);
            let renewed = IdentityCenterGrant {
                // Not every answer brings another one: the old one stays good then.
                refresh_token: tokens.refresh_token.or_else(|| grant.refresh_token.clone()),
                access_token: tokens.access_token.clone(),
                access_token_times: times,
                ..grant.clone()
            };
            let session = portal_session(tokens.access_token, times);
            return Ok(refreshed(Some(Grant::IdentityCenter(renewed)), session));
        };
        let (account_id, role) = pair.pair().ok_or_else(|| no_pair(pair))?;
        self.center_rate.count();
        let given = client
            .credentials(&grant.access_token, account_id, role, now)
            .await;
        let session = given.map_err(|failure| match failure {
            Failure::Refused(refusal) => {
                refusal.role_error(&http::place(&hosts.portal), role, account_id)
            }
            Failure::Failed(error) => error,
        })?;
        Ok(refreshed(None, session))
    }

    async fn renewed(
        &self,
        client: &SsoClient<'_>,
        grant: &IdentityCenterGrant,
        now: Timestamp,
    ) -> Result<SsoTokens> {
        let again = |message: &str| Error::new(Code::SignInAgain, message);
        if grant.registered_until.is_some_and(|end| end <= now) {
            return Err(again(
                "This app's registration at IAM Identity Center has expired. Sign in again.",
            ));
        }
        let Some(token) = &grant.refresh_token else {
            return Err(again(
                "Your sign-in to IAM Identity Center has expired and cannot be renewed. Sign in again.",
            ));
        };
        client
            .create_token(
                &grant.client_id,
                &grant.client_secret,
                &Redeem::Refresh(token),
            )
            .await
            .map_err(|failure| match failure {
                Failure::Refused(refusal) => refusal.renewal_error(),
                Failure::Failed(error) => error,
            })
    }

    /// Ends the user's session at Identity Center, in the browser and for other programs too.
    pub(super) async fn sign_out_of_center(&self, grant: &IdentityCenterGrant) -> Result<()> {
        let hosts = Hosts::of(&self.settings.environment, &grant.region)?;
        let client = self.center_client(&hosts);
        client.log_out(&grant.access_token).await
    }

    /// Every account that is assigned to the user.
    ///
    /// # Errors
    /// `sign-in-again` when the portal does not know the token; `offline`, `throttled`, `server-failed`.
    pub async fn center_accounts(
        &self,
        account: &Account,
        session: &Session,
    ) -> Result<Vec<CenterAccount>> {
        let (hosts, token) = self.center(account, session)?;
        let client = self.center_client(&hosts);
        let (mut pages, mut accounts, mut waits) = (client.start_list(), Vec::new(), 0);
        while !pages.are_read() {
            self.center_rate.wait().await;
            let page = client.accounts(token, &mut pages).await;
            let explained = |failure| portal_error(failure, &client);
            accounts.extend(self.unless_asked_to_wait(page, &mut waits, explained)?);
        }
        Ok(accounts)
    }

    /// The roles that are assigned to the user in an account. None where AWS does not show them, which says nothing of the
    /// others.
    ///
    /// # Errors
    /// As `center_accounts`.
    pub async fn center_roles(
        &self,
        account: &Account,
        session: &Session,
        account_id: &str,
    ) -> Result<Vec<Identifier>> {
        let (hosts, token) = self.center(account, session)?;
        let client = self.center_client(&hosts);
        let (mut pages, mut roles, mut waits) = (client.start_list(), Vec::new(), 0);
        while !pages.are_read() {
            self.center_rate.wait().await;
            match client.roles(token, account_id, &mut pages).await {
                Err(Failure::Refused(refusal)) if refusal.is_of_one() => return Ok(Vec::new()),
                page => {
                    let explained = |failure| portal_error(failure, &client);
                    roles.extend(self.unless_asked_to_wait(page, &mut waits, explained)?);
                }
            }
        }
        let pairs = roles.iter().map(|role| format!("{account_id}/{role}"));
        Ok(pairs
            .filter_map(|pair| Identifier::parse_pair(&pair))
            .collect())
    }

    fn center_client<'a>(&'a self, hosts: &'a Hosts) -> SsoClient<'a> {
        SsoClient {
            http: &self.http,
            hosts,
        }
    }

    fn center<'a>(
        &self,
        account: &Account,
        session: &'a Session,
    ) -> Result<(Hosts, &'a SecretString)> {
        let known = Known::of(&account.identity)?;
        Ok((
            Hosts::of(&self.settings.environment, known.region)?,
            session.portal_token()?,
        ))
    }

    /// The rows of a page. None, and a lower rate, when the portal asked to wait, so that the page is asked for again.
    fn unless_asked_to_wait<T>(
        &self,
        page: CallResult<Vec<T>>,
        waits: &mut u32,
        explained: impl Fn(Failure) -> Error,
    ) -> Result<Vec<T>> {
        match page {
            Ok(rows) => Ok(rows),
            Err(Failure::Failed(error))
                if error.code() == Code::Throttled && *waits < MAX_WAITS =>
            {
                self.center_rate.slow_down(error.retry_after());
                *waits += 1;
                Ok(Vec::new())
            }
            Err(failure) => Err(explained(failure)),
        }
    }
}

/// The address that opens the console for a role in whatever session the browser has at the portal. It holds no secret.
///
/// # Errors
/// `unsupported` for a partition whose console is not known.
pub(super) fn shortcut(
    start_url: &str,
    partition: &Partition,
    region: &str,
    pair: &Identifier,
) -> Result<Url> {
    let (account_id, role) = pair.pair().ok_or_else(|| no_pair(pair))?;
    let destination = console::destination(partition, region)?;
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([
        ("account_id", account_id),
        ("role_name", role),
        ("destination", &destination),
    ]);
    // The portal reads the part behind `#` itself, where a plus is no space.
    let query = query.finish().replace('+', "%20");
    let portal = start_url.trim_end_matches('/');
    Url::parse(&format!("{portal}/#/console?{query}")).map_err(|_| {
        Error::new(
            Code::Internal,
            "The address of the access portal cannot be used.",
        )
    })
}

fn times(issued_at: Timestamp, life: Duration) -> SessionTimes {
    SessionTimes {
        issued_at,
        expires_at: issued_at + life,
    }
}

fn portal_session(token: SecretString, times: SessionTimes) -> Session {
    Session {
        credential: Credential::Portal(token),
        times,
        generation: 0,
    }
}

fn sign_in_error(failure: Failure, place: &PortalLocation) -> Error {
    match failure {
        Failure::Refused(refusal) => refusal.sign_in_error(&place.start_url, &place.region),
        Failure::Failed(error) => error,
    }
}

fn portal_error(failure: Failure, client: &SsoClient<'_>) -> Error {
    match failure {
        Failure::Refused(refusal) => {
            SsoRefusal::portal_error(&refusal, &http::place(&client.hosts.portal))
        }
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

fn no_pair(pair: &Identifier) -> Error {
    let message = format!(
        "\"{}\" is no account and role. Name them as 123456789012/ROLE.",
        text::shown(pair.as_str())
    );
    Error::new(Code::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortcut_names_account_role_and_destination_and_keeps_leading_zeros() {
        // I14, I33
        let pair = Identifier::parse_pair("012345678901/Admin+Read@x").expect("a pair");
        let aws = Partition::named("aws").expect("known");
        let url = |start| {
            shortcut(start, aws, "eu-west-1", &pair)
                .expect("a URL")
                .to_string()
        };
        assert_eq!(
            url("https://d-1.awsapps.com/start"),
            "https://d-1.awsapps.com/start/#/console?account_id=012345678901&role_name=Admin%2BRead%40x&destination=https%3A%2F%2Feu-west-1.console.aws.amazon.com%2Fconsole%2Fhome%3Fregion%3Deu-west-1"
        );
        assert!(
            url("https://ssoins-1.portal.eu-west-1.app.aws")
                .starts_with("https://ssoins-1.portal.eu-west-1.app.aws/#/console?")
        );
    }

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
