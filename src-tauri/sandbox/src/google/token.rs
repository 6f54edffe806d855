//! Google's token, userinfo and revocation endpoints.
//!
//! A refresh answers without a refresh token: the old one stays. Revoking any token ends what the user granted to
//! every client of the project. The token answer's faults are acted out here.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::directory::GoogleUser;
use super::grants::Grant;
use super::refusal::GoogleRefusal;
use super::{Google, scope};
use crate::faults::Fault;
use crate::identifier::{base64url, opaque};
use crate::jwt::SigningKey;
use crate::server::{FormFields, Spoiled};

const ACCESS_TOKEN_LENGTH: usize = 240;
const REFRESH_TOKEN_LENGTH: usize = 104;
const ID_TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// How long a refresh token lasts while the app is in testing, unless it only identifies the user.
const TESTING_LIFE: Duration = Duration::from_secs(7 * 24 * 3600 - 1);

/// RFC 8628, section 3.4.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) async fn answer(
    State(google): State<Arc<Google>>,
    Extension(spoiled): Extension<Spoiled>,
    Form(fields): Form<FormFields>,
) -> Response {
    match redeem(&google, &spoiled, &fields) {
        Ok(answer) => {
            let no_store = [(
                header::CACHE_CONTROL,
                "no-cache, no-store, max-age=0, must-revalidate",
            )];
            (no_store, Json(answer)).into_response()
        }
        Err(refusal) => refusal.into_answer(),
    }
}

fn redeem(google: &Google, spoiled: &Spoiled, fields: &FormFields) -> Result<Value, GoogleRefusal> {
    for fault in spoiled.iter() {
        if let Fault::OAuthError(error) = fault {
            return Err(error.clone().into());
        }
    }
    let client_id = field(fields, "client_id")?;
    google.check_secret(client_id, fields.get("client_secret").map(String::as_str))?;
    match field(fields, "grant_type")? {
        "authorization_code" => redeem_code(google, client_id, spoiled, fields),
        "refresh_token" => redeem_refresh_token(google, client_id, spoiled, fields),
        DEVICE_CODE => {
            let grant = google.poll_device(field(fields, "device_code")?, client_id)?;
            let mut answer = google.issue(&grant, None, spoiled)?;
            google.add_refresh_token(&mut answer, &grant);
            Ok(answer)
        }
        other => Err(GoogleRefusal::new(
            "unsupported_grant_type",
            &format!("Invalid grant_type: {other}"),
        )),
    }
}

fn redeem_code(
    google: &Google,
    client_id: &str,
    spoiled: &Spoiled,
    fields: &FormFields,
) -> Result<Value, GoogleRefusal> {
    let redirect_uri = field(fields, "redirect_uri")?;
    let verifier = fields.get("code_verifier");
    let now = google.shared.clock.now();
    let code = google
        .grants()
        .redeem_code(field(fields, "code")?, now, |code| {
            if code.grant.client_id != client_id {
                return Err(GoogleRefusal::new("unauthorized_client", "Unauthorized"));
            }
            if code.redirect_uri != redirect_uri {
                return Err(GoogleRefusal::new("redirect_uri_mismatch", "Bad Request"));
            }
            let verifier =
                verifier.ok_or_else(|| GoogleRefusal::invalid_grant("Missing code verifier."))?;
            if base64url(Sha256::digest(verifier.as_bytes())) != code.challenge {
                return Err(GoogleRefusal::invalid_grant("Invalid code verifier."));
            }
            Ok(())
        })?;
    let mut answer = google.issue(&code.grant, code.nonce.as_deref(), spoiled)?;
    if code.brings_refresh_token && !spoiled.by(&Fault::MissingRefreshToken) {
        google.add_refresh_token(&mut answer, &code.grant);
    }
    Ok(answer)
}

fn redeem_refresh_token(
    google: &Google,
    client_id: &str,
    spoiled: &Spoiled,
    fields: &FormFields,
) -> Result<Value, GoogleRefusal> {
    let now = google.shared.clock.now();
    let refresh_token = field(fields, "refresh_token")?;
    let whole = google.grants().refresh(refresh_token, client_id, now)?;
    let mut grant = whole.clone();
    if let Some(narrower) = fields.get("scope") {
        let asked = scope::parse(narrower)
            .map_err(|_| GoogleRefusal::new("invalid_scope", "Bad Request"))?;
        if !asked.iter().all(|scope| grant.scopes.contains(scope)) {
            return Err(GoogleRefusal::new("invalid_scope", "Bad Request"));
        }
        grant.scopes = asked;
    }
    let mut answer = google.issue(&grant, None, spoiled)?;
    if google.policy().rotates {
        google.grants().end_refresh_token(refresh_token);
        google.add_refresh_token(&mut answer, &whole);
    }
    Ok(answer)
}

/// `GET /v1/userinfo`.
pub(super) async fn userinfo(State(google): State<Arc<Google>>, headers: HeaderMap) -> Response {
    let token = super::bearer(&headers).unwrap_or_default();
    let grant = google
        .grants()
        .access(token, google.shared.clock.now())
        .cloned();
    let user = grant
        .as_ref()
        .and_then(|grant| google.find_user(&grant.user));
    let (Some(grant), Some(user)) = (&grant, &user) else {
        let body =
            json!({ "error": "invalid_request", "error_description": "Invalid Credentials" });
        return (StatusCode::UNAUTHORIZED, Json(body)).into_response();
    };
    let mut body = json!({ "sub": user.subject });
    describe(&mut body, user, &grant.scopes);
    Json(body).into_response()
}

/// `POST /revoke`, with the token in the form or in the query.
pub(super) async fn revoke(
    State(google): State<Arc<Google>>,
    Query(query): Query<FormFields>,
    body: Bytes,
) -> Response {
    let mut form = form_urlencoded::parse(&body);
    let sent = form
        .find(|(name, _)| name == "token")
        .map(|(_, value)| value.into_owned());
    let token = sent.or_else(|| query.get("token").cloned());
    if token.is_some_and(|token| google.grants().revoke(&token)) {
        return Json(json!({})).into_response();
    }
    GoogleRefusal::new("invalid_token", "Token expired or revoked").into_answer()
}

fn field<'a>(fields: &'a FormFields, name: &str) -> Result<&'a str, GoogleRefusal> {
    let value = fields
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty());
    value.ok_or_else(|| {
        GoogleRefusal::new(
            "invalid_request",
            &format!("Missing required parameter: {name}"),
        )
    })
}

impl Google {
    fn issue(
        &self,
        grant: &Grant,
        nonce: Option<&str>,
        spoiled: &Spoiled,
    ) -> Result<Value, GoogleRefusal> {
        let user = self
            .find_user(&grant.user)
            .ok_or_else(GoogleRefusal::revoked)?;
        let now = self.shared.clock.now();
        let life = Duration::from_millis(self.shared.access_token_life.load(Ordering::Relaxed));
        let access_token = self
            .shared
            .journal
            .issue(opaque("sandbox-at-", ACCESS_TOKEN_LENGTH));
        self.grants()
            .add_access_token(access_token.clone(), grant.clone(), now + life);

        let mut answer = json!({
            "access_token": access_token,
            "expires_in": life.as_secs(),
            "scope": grant.scopes.join(" "),
            "token_type": "Bearer",
        });
        if scope::have_openid(&grant.scopes) {
            let claims = self.id_token_claims(&user, grant, nonce, &access_token, spoiled, now);
            let key = if spoiled.by(&Fault::WrongSignature) {
                SigningKey::unpublished()
            } else {
                self.signing_key()
            };
            answer["id_token"] = self.shared.journal.issue(key.sign(&claims)).into();
        }
        for fault in spoiled.iter() {
            match fault {
                Fault::StringExpiresIn => answer["expires_in"] = life.as_secs().to_string().into(),
                Fault::TokenType(token_type) => answer["token_type"] = token_type.as_str().into(),
                _ => {}
            }
        }
        Ok(answer)
    }

    fn add_refresh_token(&self, answer: &mut Value, grant: &Grant) {
        let value = self
            .shared
            .journal
            .issue(opaque("sandbox-rt-", REFRESH_TOKEN_LENGTH));
        answer["refresh_token"] = value.as_str().into();
        let is_short =
            self.is_testing() && !grant.scopes.iter().all(|scope| scope::is_identity(scope));
        if is_short {
            answer["refresh_token_expires_in"] = TESTING_LIFE.as_secs().into();
        }
        let expires = is_short.then(|| self.shared.clock.now() + TESTING_LIFE);
        self.grants().add_refresh_token(value, grant, expires);
    }

    fn id_token_claims(
        &self,
        user: &GoogleUser,
        grant: &Grant,
        nonce: Option<&str>,
        access_token: &str,
        spoiled: &Spoiled,
        now: Timestamp,
    ) -> Value {
        let issued = now.as_second();
        let mut claims = json!({
            "iss": self.token_issuer(),
            "azp": grant.client_id,
            "aud": grant.client_id,
            "sub": user.subject,
            "at_hash": base64url(&Sha256::digest(access_token.as_bytes())[..16]),
            "iat": issued,
            "exp": (now + ID_TOKEN_LIFE).as_second(),
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        describe(&mut claims, user, &grant.scopes);
        for fault in spoiled.iter() {
            match fault {
                Fault::WrongNonce => claims["nonce"] = "a nonce of another user".into(),
                Fault::WrongIssuer => claims["iss"] = "https://issuer.example".into(),
                Fault::WrongAudience => claims["aud"] = "another.apps.googleusercontent.com".into(),
                Fault::WrongTenant => claims["hd"] = "elsewhere.example".into(),
                Fault::UnverifiedEmail => claims["email_verified"] = false.into(),
                Fault::ExpiredIdToken => {
                    claims["iat"] = (issued - 7200).into();
                    claims["exp"] = (issued - 3600).into();
                }
                Fault::Claims(odd) => claims
                    .as_object_mut()
                    .expect("claims are an object")
                    .extend(odd.clone()),
                _ => {}
            }
        }
        claims
    }
}

/// Adds what the scopes allow to be said about a user.
fn describe(claims: &mut Value, user: &GoogleUser, scopes: &[String]) {
    if let Some(domain) = &user.hosted_domain {
        claims["hd"] = domain.as_str().into();
    }
    if scope::have_email(scopes) {
        claims["email"] = user.email.as_str().into();
        claims["email_verified"] = true.into();
    }
    if scope::have_profile(scopes) {
        let (given, family) = user.name.split_once(' ').unwrap_or((&user.name, ""));
        claims["name"] = user.name.as_str().into();
        claims["given_name"] = given.into();
        claims["family_name"] = family.into();
    }
}
