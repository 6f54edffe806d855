//! The issuer's discovery document: loading it, checking it, and caching it.
//!
//! Every address of a sign-in comes from it. So it must be for the requested issuer, and may lead only to that
//! issuer's known hosts: codes and tokens go nowhere else (RFC 8414 3.3, RFC 9700 4.4).

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

use crate::error::{Code, Error, Result};
use crate::http::{self, Http};
use crate::redirect::Issuer;
use crate::settings::is_google;

const LIFE: Duration = Duration::from_secs(24 * 3600);
/// The hosts that Google's own document names.
const GOOGLES: [&str; 4] = [
    "accounts.google.com",
    "oauth2.googleapis.com",
    "www.googleapis.com",
    "openidconnect.googleapis.com",
];

/// The parts of the document that are used.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct GoogleMetadata {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    #[serde(default)]
    pub(super) revocation_endpoint: Option<Url>,
    #[serde(default)]
    pub(super) device_authorization_endpoint: Option<Url>,
    #[serde(default)]
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl GoogleMetadata {
    /// The required `iss` of an answer.
    pub(super) fn expected_issuer(&self) -> Issuer {
        if self.authorization_response_iss_parameter_supported {
            Issuer::Required(self.issuer.clone())
        } else {
            Issuer::IfPresent(self.issuer.clone())
        }
    }

    /// The issuer as id_tokens spell it: Google's may omit the scheme (its OpenID Connect reference).
    pub(super) fn token_issuers(&self) -> [&str; 2] {
        let bare = self
            .issuer
            .split_once("://")
            .map_or(self.issuer.as_str(), |(_, bare)| bare);
        [&self.issuer, bare]
    }
}

/// Documents that were loaded, by their issuer.
#[derive(Default)]
pub(super) struct GoogleMetadataCache(Mutex<HashMap<Url, (GoogleMetadata, Timestamp)>>);

impl GoogleMetadataCache {
    /// Loads the document of an issuer.
    ///
    /// # Errors
    /// `sign-in-rejected` when there is none or it fails a check; those of `Http::get_json`.
    pub(super) async fn read(
        &self,
        http: &Http,
        issuer: &Url,
        now: Timestamp,
    ) -> Result<GoogleMetadata> {
        let lock = || {
            self.0
                .lock()
                .expect("no code panics while it holds this lock")
        };
        if let Some((metadata, read_at)) = lock().get(issuer).cloned()
            && now.duration_since(read_at).unsigned_abs() < LIFE
        {
            return Ok(metadata);
        }
        let address = issuer
            .join(".well-known/openid-configuration")
            .map_err(|error| {
                Error::new(
                    Code::Internal,
                    "The issuer's address is not valid. Check MCM_GOOGLE_ISSUER.",
                )
                .with_source(error)
            })?;
        let read = http
            .get_json::<GoogleMetadata, IgnoredAny>(&address, None)
            .await?;
        let metadata = read.map_err(|refused| {
            let message = format!(
                "{} has no OpenID discovery document. Check MCM_GOOGLE_ISSUER.",
                http::place(issuer)
            );
            Error::new(Code::SignInRejected, message)
                .with_detail(&format!("HTTP-{}", refused.status))
        })?;
        check(&metadata, issuer)?;
        lock().insert(issuer.clone(), (metadata.clone(), now));
        Ok(metadata)
    }
}

fn check(metadata: &GoogleMetadata, issuer: &Url) -> Result<()> {
    let refuse = |what: &str| {
        let message = format!(
            "The metadata of {} has {what}, so nothing was sent to it. Check MCM_GOOGLE_ISSUER.",
            http::place(issuer)
        );
        Err(Error::new(Code::SignInRejected, message))
    };
    // Settings keep a trailing slash of an issuer that has none; everything else must be equal.
    let (asked, named) = (issuer.as_str(), metadata.issuer.as_str());
    if named != asked && Some(named) != asked.strip_suffix('/') {
        return refuse("another issuer");
    }
    let endpoints = [
        &metadata.authorization_endpoint,
        &metadata.token_endpoint,
        &metadata.jwks_uri,
    ];
    let optional = metadata
        .revocation_endpoint
        .iter()
        .chain(&metadata.device_authorization_endpoint);
    let mut endpoints = endpoints.into_iter().chain(optional);
    if !endpoints.all(|endpoint| is_at_home(endpoint, issuer)) {
        return refuse("sign-in addresses on another server");
    }
    match &metadata.code_challenge_methods_supported {
        Some(methods) if !methods.iter().any(|method| method == "S256") => {
            refuse("no support for PKCE with S256")
        }
        _ => Ok(()),
    }
}

/// Google's own hosts for Google, this machine for an issuer on this machine, else the issuer's own origin.
fn is_at_home(endpoint: &Url, issuer: &Url) -> bool {
    if !endpoint.username().is_empty()
        || endpoint.password().is_some()
        || endpoint.fragment().is_some()
    {
        return false;
    }
    if is_google(issuer) {
        let host = endpoint.host_str().unwrap_or_default();
        return endpoint.scheme() == "https"
            && endpoint.port().is_none()
            && GOOGLES.contains(&host);
    }
    let same = endpoint.origin() == issuer.origin();
    let both_here = http::is_loopback(issuer) && http::is_loopback(endpoint);
    (same || both_here) && http::require_safe(endpoint).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOGLE: &str = r#"{"issuer":"https://accounts.google.com",
        "authorization_endpoint":"https://accounts.google.com/o/oauth2/v2/auth",
        "token_endpoint":"https://oauth2.googleapis.com/token",
        "revocation_endpoint":"https://oauth2.googleapis.com/revoke",
        "jwks_uri":"https://www.googleapis.com/oauth2/v3/certs",
        "code_challenge_methods_supported":["plain","S256"]}"#;

    fn metadata(change: (&str, &str)) -> GoogleMetadata {
        serde_json::from_str(&GOOGLE.replace(change.0, change.1)).expect("a document")
    }

    fn verdict(change: (&str, &str), issuer: &str) -> Result<()> {
        check(&metadata(change), &Url::parse(issuer).expect("a URL"))
    }

    #[test]
    fn googles_document_leads_to_googles_hosts_only() {
        let google = "https://accounts.google.com/";
        verdict(("", ""), google).expect("Google's own");
        verdict(
            (
                r#","code_challenge_methods_supported":["plain","S256"]"#,
                "",
            ),
            google,
        )
        .expect("not listed");
        for change in [
            (
                r#""issuer":"https://accounts.google.com""#,
                r#""issuer":"https://accounts.google.com.evil""#,
            ),
            (
                r#""issuer":"https://accounts.google.com""#,
                r#""issuer":"http://accounts.google.com""#,
            ),
            (
                r#""issuer":"https://accounts.google.com""#,
                r#""issuer":"https://accounts.google.com//""#,
            ),
            (
                "https://accounts.google.com/o",
                "https://accounts.google.com.evil.example/o",
            ),
            (
                "https://accounts.google.com/o",
                "http://accounts.google.com/o",
            ),
            (
                "https://oauth2.googleapis.com/token",
                "https://oauth2.googleapis.com:444/token",
            ),
            (
                "https://oauth2.googleapis.com/token",
                "https://x@oauth2.googleapis.com/token",
            ),
            (
                "https://oauth2.googleapis.com/revoke",
                "https://evil.example/revoke",
            ),
            ("https://www.googleapis.com/", "http://127.0.0.1/"),
            (
                "https://www.googleapis.com/",
                "https://storage.googleapis.com/",
            ),
            (r#""plain","S256""#, r#""plain""#),
        ] {
            assert!(verdict(change, google).is_err(), "{change:?}");
        }
    }

    #[test]
    fn another_issuer_leads_to_itself_and_one_on_this_machine_stays_here() {
        let at = |base: &str, token: &str| {
            let json = format!(
                r#"{{"issuer":"{base}","authorization_endpoint":"{base}/a","token_endpoint":"{token}","jwks_uri":"{base}/k"}}"#
            );
            let metadata = serde_json::from_str(&json).expect("a document");
            check(&metadata, &Url::parse(&format!("{base}/")).expect("a URL"))
        };
        at("https://login.example", "https://login.example/t").expect("its own origin");
        at("http://127.0.0.1:4000", "http://127.0.0.1:4001/t").expect("this machine");
        assert!(
            at(
                "https://login.example",
                "https://oauth2.googleapis.com/token"
            )
            .is_err()
        );
        assert!(at("https://login.example", "http://127.0.0.1/t").is_err());
        assert!(at("http://127.0.0.1:4000", "https://evil.example/t").is_err());
    }

    #[test]
    fn the_issuer_of_an_answer_is_required_when_the_document_announces_it() {
        let issuer = "https://accounts.google.com".to_owned();
        assert_eq!(
            metadata(("", "")).expected_issuer(),
            Issuer::IfPresent(issuer.clone())
        );
        let promising = (
            r#""plain","S256"]"#,
            r#""S256"],"authorization_response_iss_parameter_supported":true"#,
        );
        assert_eq!(
            metadata(promising).expected_issuer(),
            Issuer::Required(issuer)
        );
        assert_eq!(
            metadata(("", "")).token_issuers(),
            ["https://accounts.google.com", "accounts.google.com"]
        );
    }
}
