//! The checks that a token answer has to pass: the issuer of its tenant, this app, this user.
//!
//! Entra never returns another user's token. If a server does, the session is discarded.

use super::user::{AzureIdentity, ClientInfo};
use super::{Azure, metadata};
use crate::credential::RefreshGrant;
use crate::error::{Code, Error, Result};
use crate::guid::is_guid;
use crate::id_token::{Claims, Expected};
use crate::oauth::Tokens;
use crate::provider::azure::metadata::EntraMetadata;
use crate::text;

impl Azure {
    pub(super) fn check_claims(
        &self,
        claims: &Claims,
        client_id: &str,
        metadata: &EntraMetadata,
        nonce: Option<&str>,
    ) -> Result<String> {
        let tenant = claims
            .tid
            .as_deref()
            .filter(|tid| is_guid(tid))
            .ok_or_else(|| {
                Error::new(
                    Code::SignInRejected,
                    "Entra's response does not name its tenant. Start the sign-in again.",
                )
            })?;
        let issuer = metadata.issuer_of(tenant);
        claims.check(&Expected {
            client_id,
            issuers: &[&issuer],
            nonce,
            now: self.clock.now(),
        })?;
        Ok(tenant.to_ascii_lowercase())
    }

    /// Checks that a renewal is for this app, tenant and user, and returns the user's current name. Entra never
    /// answers for another user; if a server does, its session is not used.
    pub(super) fn check_renewal(
        &self,
        tokens: &Tokens,
        known: AzureIdentity<'_>,
        client_id: &str,
        issuer: &str,
    ) -> Result<Option<String>> {
        let info = tokens.client_info.as_deref().map(ClientInfo::read);
        let info = info.transpose().map_err(|error| {
            wrong_renewal("with a client_info that cannot be read").with_source(error)
        })?;
        if let Some(info) = &info
            && !info.home().eq_ignore_ascii_case(known.home)
        {
            return Err(wrong_renewal("for another user"));
        }
        let Some(id_token) = &tokens.id_token else {
            return Ok(None);
        };
        let claims = Claims::decode(id_token).map_err(|error| {
            wrong_renewal("with an id_token that cannot be read").with_source(error)
        })?;
        let Some(tenant) = claims.tid.as_deref() else {
            return Err(wrong_renewal("without naming its tenant"));
        };
        if !tenant.eq_ignore_ascii_case(known.tenant_id) {
            return Err(wrong_renewal("for another tenant"));
        }
        // In the home tenant the user's object id is the first part of `uid.utid`; a guest's is another. A server without
        // both names its users by the subject.
        let of_home = known.home.split_once('.');
        let subject = info.is_none().then_some(claims.sub.as_str());
        if let (Some((uid, utid)), Some(id)) = (of_home, claims.oid.as_deref().or(subject))
            && utid.eq_ignore_ascii_case(tenant)
            && !id.eq_ignore_ascii_case(uid)
        {
            return Err(wrong_renewal(match claims.oid {
                Some(_) => "for another user",
                None => "without naming its user",
            }));
        }
        let expected = Expected {
            client_id,
            issuers: &[&metadata::issuer_of(issuer, tenant)],
            nonce: None,
            now: self.clock.now(),
        };
        claims
            .check(&expected)
            .map_err(|error| match error.code() {
                Code::ClockOff => error,
                _ => wrong_renewal("with an id_token that is not valid").with_source(error),
            })?;
        // A token without the user name, or with one that cannot be read, does not change it.
        let name = claims.preferred_username.as_deref().map(text::shown);
        Ok(name.filter(|name| !name.is_empty()))
    }

    /// Who issues the id_tokens of a grant, with a place for the tenant. Grants of earlier versions do not say; their
    /// server does.
    pub(super) async fn issuer(&self, grant: &RefreshGrant, tenant: &str) -> Result<String> {
        if let Some(issuer) = &grant.issuer {
            return Ok(issuer.clone());
        }
        let now = self.clock.now();
        let metadata = self
            .metadata
            .read(&self.http, &grant.authority, tenant, now)
            .await?;
        Ok(metadata.issuer_template(tenant))
    }
}

/// The error of a renewal that is not used.
fn wrong_renewal(how: &str) -> Error {
    let message = format!(
        "Entra renewed the session {how}, so it was not used. It will be requested again later."
    );
    Error::new(Code::ServerFailed, message)
}
