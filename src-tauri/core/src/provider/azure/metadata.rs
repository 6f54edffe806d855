//! Entra's OpenID Connect metadata: loading it, checking it, and its issuer with a placeholder for the tenant.
//!
//! The metadata of `organizations` names the issuer `https://…/{tenantid}/v2.0`. Replace `{tenantid}` with the
//! token's `tid`, then compare with `iss` exactly (Microsoft's access-tokens page).

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

use crate::error::{Code, Error, Result};
use crate::http::{self, Http};
use crate::oauth::Refusal;

/// MSAL keeps metadata for a day.
const LIFE: Duration = Duration::from_secs(24 * 3600);
const TENANT_PLACE: &str = "{tenantid}";

/// The parts of the metadata that are used.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct EntraMetadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    #[serde(default)]
    pub(super) device_authorization_endpoint: Option<Url>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
}

impl EntraMetadata {
    /// The issuer of a tenant's tokens.
    pub(super) fn issuer_of(&self, tenant: &str) -> String {
        issuer_of(&self.issuer, tenant)
    }

    /// The issuer with a place for any tenant, also when the metadata is that of one.
    pub(super) fn issuer_template(&self, tenant: &str) -> String {
        self.issuer.replace(tenant, TENANT_PLACE)
    }
}

/// The issuer of a tenant's tokens, from an issuer with a place for it.
pub(super) fn issuer_of(template: &str, tenant: &str) -> String {
    template.replace(TENANT_PLACE, tenant)
}

/// Metadata that was loaded, by its address.
#[derive(Default)]
pub(super) struct EntraMetadataCache(Mutex<HashMap<Url, (EntraMetadata, Timestamp)>>);

impl EntraMetadataCache {
    /// Loads the metadata of a tenant at a sign-in server.
    ///
    /// # Errors
    /// `sign-in-rejected` when the tenant is unknown there or the metadata fails a check.
    pub(super) async fn read(
        &self,
        http: &Http,
        authority: &Url,
        tenant: &str,
        now: Timestamp,
    ) -> Result<EntraMetadata> {
        let address = authority
            .join(&format!("{tenant}/v2.0/.well-known/openid-configuration"))
            .map_err(|error| {
                Error::new(
                    Code::Internal,
                    "The sign-in server's address is not valid. Check AZURE_AUTHORITY_HOST.",
                )
                .with_source(error)
            })?;
        let lock = || {
            self.0
                .lock()
                .expect("no code panics while it holds this lock")
        };
        if let Some((metadata, read_at)) = lock().get(&address).cloned()
            && now.duration_since(read_at).unsigned_abs() < LIFE
        {
            return Ok(metadata);
        }
        let read = http
            .get_json::<EntraMetadata, Refusal>(&address, None)
            .await?;
        let metadata = read.map_err(|refused| {
            // Entra says invalid_tenant, or invalid_request with AADSTS90002; nothing else is asked of it here.
            let message = format!(
                "{} has no tenant \"{tenant}\". Check the tenant and the cloud (AZURE_TENANT_ID, AZURE_AUTHORITY_HOST).",
                http::place(authority)
            );
            Error::new(Code::SignInRejected, message).with_detail(&refused.error.error)
        })?;
        check(&metadata, authority)?;
        lock().insert(address, (metadata.clone(), now));
        Ok(metadata)
    }
}

/// The metadata must be for the requested server: codes and tokens go nowhere else (RFC 9700 4.4).
fn check(metadata: &EntraMetadata, authority: &Url) -> Result<()> {
    let refuse = |what: &str| {
        let message = format!(
            "The metadata of {} has {what}, so nothing was sent to it. Check AZURE_AUTHORITY_HOST.",
            http::place(authority)
        );
        Err(Error::new(Code::SignInRejected, message))
    };
    let at_home = |url: &Url| url.origin() == authority.origin() && http::require_safe(url).is_ok();
    let endpoints = [&metadata.authorization_endpoint, &metadata.token_endpoint];
    if !endpoints
        .into_iter()
        .chain(&metadata.device_authorization_endpoint)
        .all(at_home)
    {
        return refuse("sign-in addresses on another server");
    }
    match Url::parse(&metadata.issuer.replace(TENANT_PLACE, "tenant")) {
        Ok(issuer) if at_home(&issuer) => {}
        _ => return refuse("an issuer on another server"),
    }
    // Entra supports S256 and does not list it; a server that lists its methods must list this one.
    match &metadata.code_challenge_methods_supported {
        Some(methods) if !methods.iter().any(|method| method == "S256") => {
            refuse("no support for PKCE with S256")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(change: (&str, &str)) -> EntraMetadata {
        let json = r#"{"issuer":"https://login.example/{tenantid}/v2.0",
            "authorization_endpoint":"https://login.example/organizations/authorize",
            "token_endpoint":"https://login.example/organizations/token",
            "device_authorization_endpoint":"https://login.example/organizations/devicecode",
            "code_challenge_methods_supported":["plain","S256"]}"#;
        serde_json::from_str(&json.replace(change.0, change.1)).expect("metadata")
    }

    fn verdict(change: (&str, &str)) -> Result<()> {
        check(
            &metadata(change),
            &Url::parse("https://login.example/").expect("a URL"),
        )
    }

    #[test]
    fn metadata_that_points_elsewhere_is_refused() {
        verdict(("", "")).expect("good metadata");
        verdict((
            r#","code_challenge_methods_supported":["plain","S256"]"#,
            "",
        ))
        .expect("Entra lists none");
        for change in [
            (
                "https://login.example/organizations/authorize",
                "https://evil.example/authorize",
            ),
            (
                "https://login.example/organizations/token",
                "https://login.example:444/token",
            ),
            (
                "https://login.example/organizations/token",
                "http://login.example/token",
            ),
            (
                "https://login.example/organizations/devicecode",
                "https://evil.example/devicecode",
            ),
            (
                "https://login.example/{tenantid}",
                "https://evil.example/{tenantid}",
            ),
            (r#""plain","S256""#, r#""plain""#),
        ] {
            assert!(verdict(change).is_err(), "{change:?}");
        }
    }

    #[test]
    fn the_templated_issuer_becomes_the_issuer_of_the_tenant() {
        let tenant = "11111111-2222-3333-4444-555555555555";
        assert_eq!(
            metadata(("", "")).issuer_of(tenant),
            format!("https://login.example/{tenant}/v2.0")
        );
    }
}
