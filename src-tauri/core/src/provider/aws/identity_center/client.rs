//! The JSON calls of IAM Identity Center: registrations, tokens, accounts, roles and their credentials.
//!
//! No call is signed. The form of answers is in `answers.rs`; what a refusal means for an account is said in `refusal.rs`. Source: botocore's models `sso-oidc`
//! and `sso` (2019-06-10).

use ::http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::json;
use url::Url;

use super::answers::{
    AccountPage, AccountRow, CenterAccount, ClientRegistration, CreateTokenResponse,
    CredentialsAnswer, DeviceAuthorization, RolePage, SsoTokens,
};
use super::hosts::Hosts;
use super::refusal::SsoRefusal;
use crate::account::SessionTimes;
use crate::credential::{AccessKeys, Credential, Session};
use crate::error::{Code, Error, Result};
use crate::http::{self, Answer, Dialect, Http, ListReading};
use crate::text;

/// The only scope there is for a program that lists accounts and takes roles' credentials.
pub(super) const SCOPE: &str = "sso:account:access";
/// As the consent page names us.
const CLIENT_NAME: &str = "Multi-Cloud Manager";
const REDIRECT: &str = "http://127.0.0.1/oauth/callback";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The service refuses larger pages.
const PAGE_ROWS: &str = "100";
/// No list of an organisation has more pages.
const MAX_PAGES: usize = 1000;
const LONGEST_NAME: usize = 128;
const LONGEST_CURSOR: usize = 4096;
const TOKEN_HEADER: &str = "x-amz-sso_bearer_token";

/// Why a call gave nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// The service said no.
    Refused(SsoRefusal),
    /// Anything else, explained already.
    Failed(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The answer of a call.
pub(super) type CallResult<T> = std::result::Result<T, Failure>;

/// How the user signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignInMethod {
    Browser,
    DeviceCode,
}

/// What redeems a grant.
pub(super) enum Redeem<'a> {
    Code {
        code: &'a SecretString,
        verifier: &'a SecretString,
        redirect_uri: &'a str,
    },
    Refresh(&'a SecretString),
    Device(&'a SecretString),
}

/// The two services of one region.
pub(super) struct SsoClient<'a> {
    pub(super) http: &'a Http,
    pub(super) hosts: &'a Hosts,
}

impl SsoClient<'_> {
    /// Registers this program for one sign-in.
    pub(super) async fn register(
        &self,
        flow: SignInMethod,
        start_url: &str,
    ) -> CallResult<ClientRegistration> {
        let mut body = json!({
            "clientName": CLIENT_NAME,
            "clientType": "public",
            "scopes": [SCOPE],
        });
        match flow {
            SignInMethod::Browser => {
                body["grantTypes"] = json!(["authorization_code", "refresh_token"]);
                body["redirectUris"] = json!([REDIRECT]);
                body["issuerUrl"] = json!(start_url);
            }
            SignInMethod::DeviceCode => body["grantTypes"] = json!([DEVICE, "refresh_token"]),
        }
        self.post("client/register", &body.to_string().into()).await
    }

    /// Asks for a code that the user types on another device.
    pub(super) async fn start_device(
        &self,
        registration: &ClientRegistration,
        start_url: &str,
    ) -> CallResult<DeviceAuthorization> {
        let body = json!({
            "clientId": registration.client_id,
            "clientSecret": registration.client_secret.expose_secret(),
            "startUrl": start_url,
        });
        self.post("device_authorization", &body.to_string().into())
            .await
    }

    /// Redeems a code, a device or a refresh token.
    pub(super) async fn create_token(
        &self,
        client_id: &str,
        client_secret: &SecretString,
        redeem: &Redeem<'_>,
    ) -> CallResult<SsoTokens> {
        let mut body = json!({
            "clientId": client_id,
            "clientSecret": client_secret.expose_secret(),
        });
        match redeem {
            Redeem::Code {
                code,
                verifier,
                redirect_uri,
            } => {
                body["grantType"] = json!("authorization_code");
                body["code"] = json!(code.expose_secret());
                body["codeVerifier"] = json!(verifier.expose_secret());
                body["redirectUri"] = json!(redirect_uri);
            }
            Redeem::Refresh(token) => {
                body["grantType"] = json!("refresh_token");
                body["refreshToken"] = json!(token.expose_secret());
            }
            Redeem::Device(code) => {
                body["grantType"] = json!(DEVICE);
                body["deviceCode"] = json!(code.expose_secret());
            }
        }
        let answer: CreateTokenResponse = self.post("token", &body.to_string().into()).await?;
        let is_bearer = answer
            .token_type
            .as_ref()
            .is_none_or(|kind| kind.eq_ignore_ascii_case("bearer"));
        if !is_bearer || !is_header_text(&answer.access_token) {
            return Err(self.nonsense(&self.hosts.oidc("token")).into());
        }
        let life = answer.life();
        Ok(SsoTokens {
            access_token: answer.access_token,
            refresh_token: answer
                .refresh_token
                .filter(|token| !token.expose_secret().is_empty()),
            life,
        })
    }

    /// The next page of the accounts, their names cleaned.
    pub(super) async fn accounts(
        &self,
        token: &SecretString,
        pages: &mut Pages<'_>,
    ) -> CallResult<Vec<CenterAccount>> {
        let page: AccountPage = self.page("assignment/accounts", &[], token, pages).await?;
        pages.turn(page.account_list.len(), page.next_token)?;
        let fits = |row: &AccountRow| {
            row.account_id.len() == 12 && row.account_id.bytes().all(|b| b.is_ascii_digit())
        };
        let accounts = page.account_list.into_iter().filter(fits).map(|row| {
            let name: String = text::shown(row.account_name.as_deref().unwrap_or_default())
                .chars()
                .take(LONGEST_NAME)
                .collect();
            CenterAccount {
                name: if name.trim().is_empty() {
                    row.account_id.clone()
                } else {
                    name.trim().to_owned()
                },
                id: row.account_id,
            }
        });
        Ok(accounts.collect())
    }

    /// The next page of an account's roles.
    pub(super) async fn roles(
        &self,
        token: &SecretString,
        account_id: &str,
        pages: &mut Pages<'_>,
    ) -> CallResult<Vec<String>> {
        let fields = [("account_id", account_id)];
        let page: RolePage = self.page("assignment/roles", &fields, token, pages).await?;
        pages.turn(page.role_list.len(), page.next_token)?;
        let roles = page.role_list.into_iter().map(|row| row.role_name);
        Ok(roles.collect())
    }

    /// The credentials of a role.
    pub(super) async fn credentials(
        &self,
        token: &SecretString,
        account_id: &str,
        role: &str,
        now: Timestamp,
    ) -> CallResult<Session> {
        let fields = [("role_name", role), ("account_id", account_id)];
        let (url, request) = self.request("federation/credentials", &fields, token)?;
        let answer = self.http.send(request, Dialect::JsonOrNothing).await?;
        let server = answer.date;
        let CredentialsAnswer {
            role_credentials: given,
        } = self.read(&url, answer)?;
        let expires_at = given.ends_at(now, server);
        let is_whole = !given.access_key_id.is_empty()
            && !given.secret_access_key.expose_secret().is_empty()
            && !given.session_token.expose_secret().is_empty();
        let Some(expires_at) = expires_at.filter(|_| is_whole) else {
            return Err(self
                .nonsense(&self.hosts.portal("federation/credentials"))
                .into());
        };
        Ok(Session {
            credential: Credential::AccessKeys(AccessKeys {
                mfa_device: None,
                access_key_id: given.access_key_id,
                secret_access_key: given.secret_access_key,
                session_token: Some(given.session_token),
            }),
            times: SessionTimes {
                issued_at: now,
                expires_at,
            },
            generation: 0,
        })
    }

    /// Ends the user's session at Identity Center. One that it no longer knows is ended.
    ///
    /// # Errors
    /// When the service could not be reached.
    pub(super) async fn log_out(&self, token: &SecretString) -> Result<()> {
        let url = self.hosts.portal("logout");
        let request = with_token(::http::Request::post(url.as_str()), token)?
            .body(Vec::new())
            .map_err(unusable)?;
        let answer = self.http.send(request, Dialect::JsonOrNothing).await?;
        answer.refuse_server_failure(&http::place(&url))?;
        if matches!(answer.status, 200..=299 | 401) {
            return Ok(());
        }
        Err(SsoRefusal::of(&answer).portal_error(&http::place(&url)))
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &SecretString) -> CallResult<T> {
        let url = self.hosts.oidc(path);
        let request = ::http::Request::post(url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .body(body.expose_secret().as_bytes().to_vec())
            .map_err(unusable)?;
        self.read(&url, self.http.send(request, Dialect::JsonOrNothing).await?)
    }

    /// The page of a list that comes next.
    async fn page<T: DeserializeOwned>(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        token: &SecretString,
        pages: &mut Pages<'_>,
    ) -> CallResult<T> {
        let mut fields = fields.to_vec();
        fields.push(("max_result", PAGE_ROWS));
        fields.extend(
            pages
                .cursors
                .last()
                .map(|cursor| ("next_token", cursor.as_str())),
        );
        let (url, request) = self.request(path, &fields, token)?;
        let sending = self.http.send(request, Dialect::JsonOrNothing);
        let answer = pages.list.page(sending).await?;
        self.read(&url, answer)
    }

    fn request(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        token: &SecretString,
    ) -> Result<(Url, ::http::Request<Vec<u8>>)> {
        let mut url = self.hosts.portal(path);
        url.query_pairs_mut().extend_pairs(fields);
        let request = with_token(::http::Request::get(url.as_str()), token)?
            .header(ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(unusable)?;
        Ok((url, request))
    }

    /// A list of the portal's, from its first page.
    pub(super) fn start_list(&self) -> Pages<'_> {
        Pages {
            place: http::place(&self.hosts.portal),
            list: self.http.start_list(&self.hosts.portal),
            cursors: Vec::new(),
            is_read: false,
        }
    }

    fn read<T: DeserializeOwned>(&self, url: &Url, answer: Answer) -> CallResult<T> {
        answer.refuse_server_failure(&http::place(url))?;
        if !matches!(answer.status, 200..=299) {
            return Err(Failure::Refused(SsoRefusal::of(&answer)));
        }
        // A parser's error may quote a token, so it is dropped.
        serde_json::from_slice(&answer.body).map_err(|_| self.nonsense(url).into())
    }

    fn nonsense(&self, url: &Url) -> Error {
        let message = format!(
            "{} did not answer as IAM Identity Center does. Check the network for a proxy or sign-in page, then try again.",
            http::place(url)
        );
        Error::new(Code::ServerFailed, message)
    }
}

/// The pages of a list, within the limits of a whole list.
pub(super) struct Pages<'a> {
    place: String,
    list: ListReading<'a>,
    cursors: Vec<String>,
    is_read: bool,
}

impl Pages<'_> {
    /// Whether the last page is read.
    pub(super) fn are_read(&self) -> bool {
        self.is_read
    }

    /// Counts a page's rows and notes what the next one is asked for with. A cursor that comes again ends the list as a
    /// broken one.
    fn turn(&mut self, rows: usize, next: Option<String>) -> Result<()> {
        self.list.count(rows)?;
        let Some(next) = next.filter(|cursor| !cursor.is_empty()) else {
            self.is_read = true;
            return Ok(());
        };
        // What cannot be followed is no end: rows would be missing.
        if next.len() > LONGEST_CURSOR
            || self.cursors.contains(&next)
            || self.cursors.len() >= MAX_PAGES
        {
            let message = format!(
                "{} sent a list that does not end, so reading was stopped. Try again later.",
                self.place
            );
            return Err(Error::new(Code::ServerFailed, message));
        }
        self.cursors.push(next);
        Ok(())
    }
}

fn with_token(
    request: ::http::request::Builder,
    token: &SecretString,
) -> Result<::http::request::Builder> {
    let mut value = HeaderValue::from_str(token.expose_secret()).map_err(|_| {
        let message = "The keychain holds an access token that cannot be one. Sign in again.";
        Error::new(Code::SignInAgain, message)
    })?;
    value.set_sensitive(true);
    Ok(request.header(TOKEN_HEADER, value))
}

fn is_header_text(token: &SecretString) -> bool {
    let token = token.expose_secret();
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn unusable(error: ::http::Error) -> Error {
    Error::new(Code::Internal, "An address of AWS cannot be asked.").with_source(error)
}
