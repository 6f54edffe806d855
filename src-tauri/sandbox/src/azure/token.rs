//! `/{tenant}/oauth2/v2.0/token`: codes and refresh tokens become access tokens.
//!
//! A refresh token is bound to a user and a client, not to a tenant: it may be redeemed at every tenant that the
//! user may enter. The token answer's faults are acted out here.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::{Extension, Form, Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::{Json, http::HeaderValue};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::grants::{AzureAccessToken, AzureCode};
use super::refusal::AzureRefusal;
use super::scope::Scope;
use super::{Azure, AzureAuthority};
use crate::azure::directory::{EntraUser, Tenant};
use crate::faults::Fault;
use crate::identifier::{base64url, guid, opaque};
use crate::jwt::SigningKey;
use crate::server::{FormFields, Spoiled};

/// Sizes of the real ones; what splits a record in the keychain has to be as long here.
const ACCESS_TOKEN_LENGTH: usize = 1500;
const REFRESH_TOKEN_LENGTH: usize = 1200;
const ID_TOKEN_LIFE: Duration = Duration::from_secs(3600);

/// RFC 8628, section 3.4.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a token answer is made from.
struct Issue<'a> {
    client_id: &'a str,
    user: &'a EntraUser,
    tenant: &'a Tenant,
    scope: Scope,
    nonce: Option<String>,
    wants_client_info: bool,
    family: usize,
}

pub(super) async fn answer(
    State(azure): State<Arc<Azure>>,
    Path(tenant): Path<String>,
    Extension(spoiled): Extension<Spoiled>,
    Form(fields): Form<FormFields>,
) -> Response {
    match redeem(&azure, &tenant, &spoiled, &fields) {
        Ok(answer) => {
            let no_store = [(
                header::CACHE_CONTROL,
                HeaderValue::from_static("no-store, no-cache"),
            )];
            (no_store, Json(answer)).into_response()
        }
        Err(refusal) => refusal.into_token_answer(azure.shared.clock.now()),
    }
}

fn redeem(
    azure: &Azure,
    tenant: &str,
    spoiled: &Spoiled,
    fields: &FormFields,
) -> Result<Value, AzureRefusal> {
    for fault in spoiled.iter() {
        if let Fault::OAuthError(error) = fault {
            return Err(error.clone().into());
        }
    }
    let authority = azure.authority(tenant)?;
    let client_id = field(fields, "client_id")?;
    azure.check_client(client_id, tenant)?;
    if fields.contains_key("client_secret") || fields.contains_key("client_assertion") {
        return Err(AzureRefusal::new(
            "invalid_client",
            700025,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        ));
    }
    match field(fields, "grant_type")? {
        "authorization_code" => redeem_code(azure, &authority, client_id, spoiled, fields),
        "refresh_token" => redeem_refresh_token(azure, &authority, client_id, spoiled, fields),
        DEVICE_CODE => redeem_device_code(azure, client_id, spoiled, fields),
        other => Err(AzureRefusal::new(
            "unsupported_grant_type",
            70003,
            format!("The app requested an unsupported grant type '{other}'."),
        )),
    }
}

fn redeem_code(
    azure: &Azure,
    authority: &AzureAuthority,
    client_id: &str,
    spoiled: &Spoiled,
    fields: &FormFields,
) -> Result<Value, AzureRefusal> {
    let value = field(fields, "code")?;
    let redirect_uri = field(fields, "redirect_uri")?;
    let verifier = fields
        .get("code_verifier")
        .map(String::as_str)
        .unwrap_or_default();
    let now = azure.shared.clock.now();

    let mut grants = azure.grants();
    let code = grants.redeem_code(value, now, |code| {
        fits(code, authority, client_id, redirect_uri, verifier)
    })?;
    let scope = match fields.get("scope") {
        Some(scope) => azure.scope(scope)?,
        None => code.scope.clone(),
    };
    let family = grants.add_family(client_id, &code.user, code.passed_second_factor);
    drop(grants);

    let (user, tenant) = azure.enter(&code.user, &code.tenant_id)?;
    let scope = Scope {
        wants_refresh_token: code.scope.wants_refresh_token,
        ..scope
    };
    let wants_client_info = code.wants_client_info || wants_client_info(fields);
    let issue = Issue {
        client_id,
        user,
        tenant,
        scope,
        nonce: code.nonce,
        wants_client_info,
        family,
    };
    Ok(azure.issue(&issue, spoiled))
}

/// Whether a request to redeem a code comes from where the code went.
fn fits(
    code: &AzureCode,
    authority: &AzureAuthority,
    client_id: &str,
    redirect_uri: &str,
    verifier: &str,
) -> Result<(), AzureRefusal> {
    if code.client_id != client_id {
        let text = "The authorization code was issued to another application.";
        return Err(AzureRefusal::invalid_grant(70000, text));
    }
    if code.authority != authority.key() {
        let text = "Provided Authorization AzureCode is intended to use against other tenant, thus rejected.";
        return Err(AzureRefusal::invalid_grant(700005, text));
    }
    if code.redirect_uri != redirect_uri {
        let text = format!(
            "The reply address '{redirect_uri}' does not match the reply address '{}' provided when requesting \
             Authorization code.",
            code.redirect_uri
        );
        return Err(AzureRefusal::invalid_grant(500112, text));
    }
    if base64url(Sha256::digest(verifier.as_bytes())) != code.challenge {
        let text = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        return Err(AzureRefusal::invalid_grant(501481, text));
    }
    Ok(())
}

fn redeem_refresh_token(
    azure: &Azure,
    authority: &AzureAuthority,
    client_id: &str,
    spoiled: &Spoiled,
    fields: &FormFields,
) -> Result<Value, AzureRefusal> {
    let value = field(fields, "refresh_token")?;
    let scope = azure.scope(field(fields, "scope")?)?;
    let now = azure.shared.clock.now();

    let mut grants = azure.grants();
    let (family_id, family) = grants.family(value, now, azure.rotation())?;
    if family.client_id != client_id {
        let text = "The refresh token was issued to another application.";
        return Err(AzureRefusal::invalid_grant(70000, text));
    }
    let home = &azure.user(&family.user)?.home;
    let (user, tenant) = azure.enter(&family.user, authority.tenant_id().unwrap_or(home))?;
    let asks_for_it = fields
        .get("claims")
        .is_some_and(|claims| claims.contains("capolids"));
    if (tenant.demands_second_factor || asks_for_it) && !family.passed_second_factor {
        return Err(AzureRefusal::needs_second_factor(&tenant.id));
    }
    if !azure.has_consent(client_id, user, tenant, &scope.resource) {
        return Err(AzureRefusal::needs_consent(client_id));
    }
    grants.spend_refresh_token(value);
    drop(grants);

    let scope = Scope {
        wants_refresh_token: true,
        ..scope
    };
    let wants_client_info = wants_client_info(fields);
    let issue = Issue {
        client_id,
        user,
        tenant,
        scope,
        nonce: None,
        wants_client_info,
        family: family_id,
    };
    Ok(azure.issue(&issue, spoiled))
}

fn redeem_device_code(
    azure: &Azure,
    client_id: &str,
    spoiled: &Spoiled,
    fields: &FormFields,
) -> Result<Value, AzureRefusal> {
    let approval = azure.poll_device(field(fields, "device_code")?, client_id)?;
    let family =
        azure
            .grants()
            .add_family(client_id, &approval.user, approval.passed_second_factor);
    let (user, tenant) = azure.enter(&approval.user, &approval.tenant_id)?;
    let (scope, wants_client_info) = (approval.scope, wants_client_info(fields));
    let issue = Issue {
        client_id,
        user,
        tenant,
        scope,
        nonce: None,
        wants_client_info,
        family,
    };
    Ok(azure.issue(&issue, spoiled))
}

fn field<'a>(fields: &'a FormFields, name: &str) -> Result<&'a str, AzureRefusal> {
    fields
        .get(name)
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .ok_or_else(|| AzureRefusal::missing(name))
}

fn wants_client_info(fields: &FormFields) -> bool {
    fields.get("client_info").is_some_and(|value| value == "1")
}

impl Azure {
    fn issue(&self, issue: &Issue<'_>, spoiled: &Spoiled) -> Value {
        let now = self.shared.clock.now();
        let life = Duration::from_millis(self.shared.access_token_life.load(Ordering::Relaxed));
        let journal = &self.shared.journal;

        let access_token = journal.issue(opaque("sandbox-at-", ACCESS_TOKEN_LENGTH));
        self.grants().add_access_token(
            access_token.clone(),
            AzureAccessToken {
                user: issue.user.email.clone(),
                tenant_id: issue.tenant.id.clone(),
                scope: issue.scope.clone(),
                expires: now + life,
            },
        );
        let mut answer = json!({
            "token_type": "Bearer",
            "scope": issue.scope.granted,
            "expires_in": life.as_secs(),
            "ext_expires_in": life.as_secs(),
            "access_token": access_token,
        });
        if issue.scope.wants_refresh_token && !spoiled.by(&Fault::MissingRefreshToken) {
            let refresh_token = journal.issue(opaque("sandbox-rt-", REFRESH_TOKEN_LENGTH));
            self.grants()
                .add_refresh_token(refresh_token.clone(), issue.family, now);
            answer["refresh_token"] = refresh_token.into();
        }
        if issue.scope.wants_id_token {
            let key = if spoiled.by(&Fault::WrongSignature) {
                &SigningKey::unpublished()
            } else {
                &self.key
            };
            let id_token = key.sign(&self.id_token_claims(issue, spoiled, now));
            answer["id_token"] = journal.issue(id_token).into();
        }
        if issue.wants_client_info && !spoiled.by(&Fault::MissingClientInfo) {
            answer["client_info"] = client_info(issue.user).into();
        }
        for fault in spoiled.iter() {
            match fault {
                Fault::StringExpiresIn => answer["expires_in"] = life.as_secs().to_string().into(),
                Fault::AnotherUser if issue.wants_client_info => {
                    let info = json!({ "uid": guid("another user"), "utid": issue.user.home });
                    answer["client_info"] = base64url(info.to_string()).into();
                }
                Fault::UserId(id) if issue.wants_client_info => {
                    let info = json!({ "uid": id, "utid": issue.user.home });
                    answer["client_info"] = base64url(info.to_string()).into();
                }
                Fault::TokenType(token_type) => answer["token_type"] = token_type.as_str().into(),
                _ => {}
            }
        }
        answer
    }

    fn id_token_claims(&self, issue: &Issue<'_>, spoiled: &Spoiled, now: Timestamp) -> Value {
        let tenant_id = &issue.tenant.id;
        let issued = now.as_second();
        let subject = Sha256::digest(format!(
            "{}/{}",
            issue.client_id,
            issue.user.object_id(tenant_id)
        ));
        let mut claims = json!({
            "ver": "2.0",
            "iss": self.issuer(tenant_id),
            "aud": issue.client_id,
            "sub": base64url(subject),
            "tid": tenant_id,
            "oid": issue.user.object_id(tenant_id),
            "name": issue.user.name,
            "preferred_username": issue.user.email,
            "iat": issued,
            "nbf": issued,
            "exp": (now + ID_TOKEN_LIFE).as_second(),
        });
        if let Some(nonce) = &issue.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        for fault in spoiled.iter() {
            match fault {
                Fault::WrongNonce => claims["nonce"] = "a nonce of another user".into(),
                Fault::WrongIssuer => claims["iss"] = "https://issuer.example/v2.0".into(),
                Fault::WrongAudience => claims["aud"] = guid("another application").into(),
                Fault::WrongTenant => claims["tid"] = guid("another tenant").into(),
                Fault::AnotherUser => {
                    claims["oid"] = guid("another user").into();
                    claims["preferred_username"] = "eve@contoso.example".into();
                }
                Fault::UserId(id) => claims["oid"] = id.as_str().into(),
                Fault::ExpiredIdToken => {
                    claims["iat"] = (issued - 7200).into();
                    claims["nbf"] = (issued - 7200).into();
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

/// Who the user is across tenants: the object id in the home tenant, and that tenant.
pub(super) fn client_info(user: &EntraUser) -> String {
    base64url(json!({ "uid": user.object_id(&user.home), "utid": user.home }).to_string())
}
