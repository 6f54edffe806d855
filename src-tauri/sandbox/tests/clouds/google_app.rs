//! A Google client, as plain as possible.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Response;
use sandbox_clouds::Sandbox;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::google::{DESKTOP_CLIENT_ID, DESKTOP_CLIENT_SECRET};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::app::{NONCE, STATE, VERIFIER, client, json};
use crate::receiver::{Arrived, Receiver};

pub(crate) const FREELANCER: &str = "ada.freelance@example.net";
pub(crate) const CLOUD_SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform.read-only";

/// An authorise request for the desktop client; a test changes what it is about.
#[derive(Clone)]
pub(crate) struct Authorize {
    url: Url,
    fields: Vec<(String, String)>,
}

impl Authorize {
    pub(crate) fn at(clouds: &Sandbox) -> Self {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let scope = format!("openid email profile {CLOUD_SCOPE}");
        let fields = [
            ("client_id", DESKTOP_CLIENT_ID),
            ("response_type", "code"),
            ("scope", &scope),
            ("state", STATE),
            ("nonce", NONCE),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("access_type", "offline"),
        ];
        Self {
            url: clouds
                .google_issuer()
                .join("o/oauth2/v2/auth")
                .expect("a path"),
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(key, _)| key != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) async fn browse(&self, browser: &Browser) -> Landing {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(&self.fields);
        browser.browse(url.as_str()).await
    }

    /// Goes through the pages with a loopback receiver of its own: what arrived, and the redirect URI.
    pub(crate) async fn arrive(&self, browser: &Browser) -> (Arrived, String) {
        let receiver = Receiver::start().await;
        let redirect_uri = format!("http://127.0.0.1:{}", receiver.port);
        let landing = self
            .clone()
            .with("redirect_uri", &redirect_uri)
            .browse(browser)
            .await;
        assert!(
            matches!(landing, Landing::Page { status: 200, .. }),
            "{landing:?}"
        );
        (receiver.arrived(), redirect_uri)
    }

    /// Goes through the pages and redeems the code.
    pub(crate) async fn sign_in(&self, clouds: &Sandbox, browser: &Browser) -> Value {
        let (arrived, redirect_uri) = self.arrive(browser).await;
        let code = arrived.parameter("code").expect("the sign-in succeeded");
        let response = redeem(clouds, code, &redirect_uri, &[]).await;
        assert_eq!(response.status(), 200);
        json(response).await
    }
}

/// Redeems a code; `changes` replace fields, and remove those whose value is empty.
pub(crate) async fn redeem(
    clouds: &Sandbox,
    code: &str,
    redirect_uri: &str,
    changes: &[(&str, &str)],
) -> Response {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", DESKTOP_CLIENT_ID),
        ("client_secret", DESKTOP_CLIENT_SECRET),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", VERIFIER),
    ];
    token_request(clouds, &fields, changes).await
}

pub(crate) async fn refresh(
    clouds: &Sandbox,
    refresh_token: &str,
    changes: &[(&str, &str)],
) -> Response {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", DESKTOP_CLIENT_ID),
        ("client_secret", DESKTOP_CLIENT_SECRET),
        ("refresh_token", refresh_token),
    ];
    token_request(clouds, &fields, changes).await
}

async fn token_request(
    clouds: &Sandbox,
    fields: &[(&str, &str)],
    changes: &[(&str, &str)],
) -> Response {
    let mut fields = fields.to_vec();
    fields.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    fields.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    let url = clouds.google_issuer().join("token").expect("a path");
    client()
        .post(url)
        .form(&fields)
        .send()
        .await
        .expect("the sandbox answers")
}

pub(crate) async fn revoke(clouds: &Sandbox, token: &str) -> Response {
    let url = clouds.google_issuer().join("revoke").expect("a path");
    client()
        .post(url)
        .form(&[("token", token)])
        .send()
        .await
        .expect("the sandbox answers")
}
