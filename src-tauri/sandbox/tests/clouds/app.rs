//! A public client, as plain as possible: builds authorise URLs and talks to token endpoints.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Response};
use sandbox_clouds::azure::CLIENT_ID;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::{Options, Sandbox};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

pub(crate) const ADA: &str = "ada@contoso.example";
pub(crate) const GRACE: &str = "grace@fabrikam.example";
pub(crate) const LINUS: &str = "linus@contoso.example";
pub(crate) const CUSTOM_SCHEME: &str = "io.github.multicloudmanager://auth/azure";
pub(crate) const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more-0";
pub(crate) const STATE: &str = "state/with+reserved=characters&";
pub(crate) const NONCE: &str = "a-nonce";
pub(crate) const ARM_SCOPE: &str = "https://management.azure.com/.default";

pub(crate) async fn sandbox() -> Sandbox {
    Sandbox::start(Options::default())
        .await
        .expect("free ports")
}

pub(crate) fn client() -> Client {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a plain client")
}

/// An authorise request for Resource Manager; a test changes what it is about.
pub(crate) struct Authorize {
    url: Url,
    fields: Vec<(String, String)>,
}

impl Authorize {
    pub(crate) fn at(clouds: &Sandbox, tenant: &str, redirect_uri: &str) -> Self {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let fields = [
            ("client_id", CLIENT_ID),
            ("response_type", "code"),
            ("redirect_uri", redirect_uri),
            (
                "scope",
                "https://management.azure.com/.default openid profile offline_access",
            ),
            ("state", STATE),
            ("nonce", NONCE),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("prompt", "select_account"),
            ("client_info", "1"),
        ];
        Self {
            url: clouds
                .azure_authority()
                .join(&format!("{tenant}/oauth2/v2.0/authorize"))
                .expect("the tenant is a plain word"),
            fields: fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
        }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(key, _)| key != name);
        self
    }

    pub(crate) fn url(&self) -> Url {
        let mut url = self.url.clone();
        url.query_pairs_mut().extend_pairs(&self.fields);
        url
    }

    pub(crate) async fn browse(&self, browser: &Browser) -> Landing {
        browser.browse(self.url().as_str()).await
    }

    /// Goes through the pages and returns the parameters that came back to the custom scheme.
    pub(crate) async fn answer(&self, browser: &Browser) -> Url {
        self.browse(browser).await.expect_redirect()
    }
}

pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// Signs in over the custom scheme and redeems the code.
pub(crate) async fn sign_in(clouds: &Sandbox, tenant: &str, browser: &Browser) -> Value {
    let url = Authorize::at(clouds, tenant, CUSTOM_SCHEME)
        .answer(browser)
        .await;
    let code = parameter(&url, "code").expect("the sign-in succeeded");
    let response = redeem(clouds, tenant, &code, CUSTOM_SCHEME, VERIFIER).await;
    assert_eq!(response.status(), 200);
    response.json().await.expect("a token answer is JSON")
}

pub(crate) async fn redeem(
    clouds: &Sandbox,
    tenant: &str,
    code: &str,
    redirect_uri: &str,
    verifier: &str,
) -> Response {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("code_verifier", verifier),
        ("client_info", "1"),
    ];
    token_request(clouds, tenant, &fields)
        .await
        .expect("the sandbox answers")
}

pub(crate) async fn refresh(clouds: &Sandbox, tenant: &str, refresh_token: &str) -> Response {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", CLIENT_ID),
        ("refresh_token", refresh_token),
        (
            "scope",
            "https://management.azure.com/.default openid profile offline_access",
        ),
    ];
    token_request(clouds, tenant, &fields)
        .await
        .expect("the sandbox answers")
}

pub(crate) async fn token_request(
    clouds: &Sandbox,
    tenant: &str,
    fields: &[(&str, &str)],
) -> reqwest::Result<Response> {
    let url = clouds
        .azure_authority()
        .join(&format!("{tenant}/oauth2/v2.0/token"))
        .expect("the tenant is a plain word");
    client().post(url).form(fields).send().await
}

pub(crate) async fn json(response: Response) -> Value {
    response.json().await.expect("the answer is JSON")
}

/// A string member of a JSON object.
pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no text {name} in {value}"))
}

/// The claims of a JWT, unverified.
pub(crate) fn claims(token: &str) -> Value {
    let body = token.split('.').nth(1).expect("a JWT has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).expect("base64url"))
        .expect("claims are JSON")
}
