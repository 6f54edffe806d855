//! Google's `external_account_authorized_user`: an OAuth token endpoint (RFC 6749) for a handle, and introspection
//! (RFC 7662), from which `gcloud` reads a name to show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, StatusCode};
use mcm_core::account::Cloud;
use mcm_core::loopback::{self, Bytes, Reply, Request};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use url::form_urlencoded;

use super::{LONGEST_BODY, Secret, is_same, json, refusal, wrong_method};
use crate::exec::broker::{Broker, BrokerError};

/// The client id in the file. It is the same for every run.
const CLIENT_ID: &str = "mcm";
/// The ending of the ids of Google's own clients.
const GOOGLE_CLIENTS: &str = ".apps.googleusercontent.com";
/// The audience of a workforce pool, which the libraries require. No server is asked about it.
const AUDIENCE: &str = "//iam.googleapis.com/locations/global/workforcePools/mcm/providers/mcm";

/// The route for Google's tools.
#[derive(Default)]
pub(super) struct Google {
    pub(super) path: Secret,
    client_secret: Secret,
    handle: Secret,
}

#[derive(Serialize)]
struct ServedCredentialFile<'a> {
    r#type: &'static str,
    audience: &'static str,
    client_id: &'static str,
    client_secret: &'a str,
    refresh_token: &'a str,
    token_url: String,
    token_info_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota_project_id: Option<&'a str>,
}

#[derive(Serialize)]
struct GoogleToken<'a> {
    access_token: &'a str,
    /// Seconds.
    expires_in: i64,
    token_type: &'static str,
}

#[derive(Serialize)]
struct Introspection<'a> {
    active: bool,
    username: &'a str,
    exp: i64,
    iat: i64,
    client_id: &'static str,
    scope: &'static str,
    token_type: &'static str,
}

/// The answer about a token that is not ours (RFC 7662 2.2).
#[derive(Serialize)]
struct Inactive {
    active: bool,
}

#[derive(Serialize)]
struct GoogleFailure<'a> {
    error: &'a str,
    error_description: &'a str,
}

impl Google {
    pub(super) fn file(&self, authority: &str, project: Option<&str>) -> SecretString {
        let at = format!("http://{authority}/{}", self.path.text());
        let file = ServedCredentialFile {
            r#type: "external_account_authorized_user",
            audience: AUDIENCE,
            client_id: CLIENT_ID,
            client_secret: self.client_secret.text(),
            refresh_token: self.handle.text(),
            token_url: format!("{at}/token"),
            token_info_url: format!("{at}/introspect"),
            quota_project_id: project,
        };
        serde_json::to_string_pretty(&file)
            .expect("plain fields serialise")
            .into()
    }

    pub(super) async fn token(&self, broker: &Broker, request: Request) -> Reply {
        let form = match self.form(request).await {
            Ok(form) => form,
            Err(reply) => return *reply,
        };
        if field(&form, "grant_type").as_deref() != Some("refresh_token") {
            let message = "This endpoint supports only grant_type=refresh_token.";
            return failed(StatusCode::BAD_REQUEST, "unsupported_grant_type", message);
        }
        if !field(&form, "refresh_token").is_some_and(|given| self.handle.is(&given)) {
            let message =
                "The handle is not valid in this run. Start the program with \"mcm exec\" again.";
            return failed(StatusCode::BAD_REQUEST, "invalid_grant", message);
        }
        let (_, session) = match broker.issue(Cloud::Gcp, None).await {
            Ok(served) => served,
            Err(refused) => return not_issued(&refused),
        };
        let access_token = match session.bearer() {
            Ok(token) => token.expose_secret(),
            Err(error) => return not_issued(&error.into()),
        };
        let expires_in = session
            .times
            .expires_at
            .duration_since(broker.now())
            .as_secs();
        json(
            StatusCode::OK,
            &GoogleToken {
                access_token,
                expires_in,
                token_type: "Bearer",
            },
        )
    }

    pub(super) async fn introspect(&self, broker: &Broker, request: Request) -> Reply {
        let form = match self.form(request).await {
            Ok(form) => form,
            Err(reply) => return *reply,
        };
        let (account, session) = match broker.issue(Cloud::Gcp, None).await {
            Ok(served) => served,
            Err(refused) => return not_issued(&refused),
        };
        // Only a client that has the token, or the handle for it, gets an answer about it.
        let is_known = |given: &str| {
            self.handle.is(given)
                || session
                    .bearer()
                    .is_ok_and(|token| is_same(token.expose_secret(), given))
        };
        if !field(&form, "token").is_some_and(|given| is_known(&given)) {
            return json(StatusCode::OK, &Inactive { active: false });
        }
        let introspection = Introspection {
            active: true,
            username: account.identity.who(),
            exp: session.times.expires_at.as_second(),
            iat: session.times.issued_at.as_second(),
            client_id: CLIENT_ID,
            scope: "https://www.googleapis.com/auth/cloud-platform",
            token_type: "Bearer",
        };
        json(StatusCode::OK, &introspection)
    }

    /// The client of the file, or gcloud's own: gcloud sends its own public client, whose secret is public, instead
    /// of the file's.
    async fn form(&self, request: Request) -> Result<Bytes, Box<Reply>> {
        if !self.is_the_client(request.headers()) {
            let message = "The client secret is not valid in this run. Start the program with \"mcm exec\" again.";
            let mut reply = failed(StatusCode::UNAUTHORIZED, "invalid_client", message);
            reply
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
            return Err(Box::new(reply));
        }
        if request.method() != Method::POST {
            return Err(Box::new(wrong_method(&Method::POST)));
        }
        let is_form =
            loopback::single(request.headers(), &CONTENT_TYPE).is_some_and(|content_type| {
                let essence = content_type.split(';').next().unwrap_or_default();
                essence
                    .trim()
                    .eq_ignore_ascii_case("application/x-www-form-urlencoded")
            });
        if !is_form || request.uri().query().is_some() {
            let message = "This endpoint needs a form in the request body.";
            return Err(Box::new(failed(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                message,
            )));
        }
        let body = loopback::body(request, LONGEST_BODY).await;
        body.map_err(|status| {
            Box::new(refusal(
                status,
                "The request body is too long or incomplete.",
            ))
        })
    }

    fn is_the_client(&self, headers: &HeaderMap) -> bool {
        let basic = loopback::single(headers, &AUTHORIZATION)
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
        let Some(decoded) = basic.and_then(|(_, text)| STANDARD.decode(text.trim()).ok()) else {
            return false;
        };
        let Ok(decoded) = String::from_utf8(decoded) else {
            return false;
        };
        decoded
            .split_once(':')
            .is_some_and(|(id, secret)| match id {
                CLIENT_ID => self.client_secret.is(secret),
                // A public client proves nothing; the handle, or the token, is the proof.
                id => id.ends_with(GOOGLE_CLIENTS),
            })
    }
}

/// A field that occurs exactly once.
fn field(form: &[u8], name: &str) -> Option<String> {
    let mut found = form_urlencoded::parse(form).filter(|(known, _)| known == name);
    let value = found.next()?.1.into_owned();
    found.next().is_none().then_some(value)
}

fn not_issued(refused: &BrokerError) -> Reply {
    if refused.is_soon_over() {
        return failed(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            &refused.message,
        );
    }
    failed(StatusCode::BAD_REQUEST, "invalid_grant", &refused.message)
}

fn failed(status: StatusCode, error: &str, error_description: &str) -> Reply {
    json(
        status,
        &GoogleFailure {
            error,
            error_description,
        },
    )
}
