//! IAM Identity Center: one sign-in of a user, from which the credentials of every assigned role are taken.
//!
//! What the user typed becomes a place in `find.rs`, which the user signs in to in `sign_in.rs`. The calls are in `client.rs`,
//! their answers in `answers.rs`, what refusals mean in `refusal.rs`, the rate of calls in `rate_limit.rs`. Here: renewing,
//! the credentials of roles, and the lists of accounts and roles.

mod answers;
mod client;
mod find;
mod hosts;
mod rate_limit;
mod refusal;
mod sign_in;
mod start_url;

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use self::answers::SsoTokens;
use self::client::{CallResult, Failure, Redeem, SsoClient};
use self::hosts::Hosts;
use self::refusal::SsoRefusal;
use super::partition::Partition;
use super::{Aws, console};
use crate::account::{Account, Identity, SessionTimes};
use crate::credential::{Credential, Grant, IdentityCenterGrant, Session};
use crate::error::{Code, Error, Result};
use crate::http;
use crate::provider::{Due, Refreshed};
use crate::resource::{Identifier, Resource};
use crate::text;

pub use self::answers::CenterAccount;
pub use self::find::FoundPortal;
pub(crate) use self::find::{canonical, in_config};
pub(super) use self::rate_limit::RateLimiter;
pub(super) use self::start_url::partition_of;

/// What is left of an access token when it is renewed, at least.
const ACCESS_TOKEN_HEAD_START: Duration = Duration::from_secs(5 * 60);
/// How often a call that was asked to wait is made again.
const MAX_WAITS: u32 = 8;
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

fn portal_error(failure: Failure, client: &SsoClient<'_>) -> Error {
    match failure {
        Failure::Refused(refusal) => {
            SsoRefusal::portal_error(&refusal, &http::place(&client.hosts.portal))
        }
        Failure::Failed(error) => error,
    }
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
}
