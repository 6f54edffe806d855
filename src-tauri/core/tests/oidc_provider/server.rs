//! `server.mjs` as a process of the test: started, spoken to, and ended with the test.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use mcm_core::account::Cloud;
use mcm_core::http::{Dialect, Http};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

/// How long the server may take to listen: generous, because machines are busy.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A running server. It ends when this is dropped, and when the test's process does.
pub(crate) struct Server {
    process: Child,
    pub(crate) at: Listening,
    http: Http,
}

/// Where the server listens, as its first line says.
#[derive(Deserialize)]
pub(crate) struct Listening {
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) sign_in: String,
    pub(crate) api: String,
}

/// A token request that came to the server, and its answer.
#[derive(Deserialize)]
pub(crate) struct TokenRequest {
    pub(crate) request: BTreeMap<String, String>,
    pub(crate) answer: Value,
}

impl TokenRequest {
    pub(crate) fn is_for(&self, grant_type: &str) -> bool {
        self.request
            .get("grant_type")
            .is_some_and(|given| given == grant_type)
    }
}

impl Server {
    /// Starts the server in the shape of a cloud.
    pub(crate) fn start(cloud: Cloud) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oidc_provider");
        assert!(
            folder
                .join("node_modules/oidc-provider/package.json")
                .exists(),
            "oidc-provider is not installed. Run make test, which installs it."
        );
        let shape = match cloud {
            Cloud::Azure => "azure",
            Cloud::Gcp => "google",
            Cloud::Aws => panic!("AWS has no sign-in of this kind"),
        };
        let mut process = Command::new("node")
            .arg("server.mjs")
            .arg(shape)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("Node.js cannot be started ({error}). Run make test."));
        let (sender, printed) = mpsc::channel();
        let output = BufReader::new(process.stdout.take().expect("piped"));
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = line
                    .strip_prefix("listening ")
                    .map(|at| sender.send(at.to_owned()));
            }
        });
        let (report_failure, problem) = mpsc::channel();
        let mut errors = process.stderr.take().expect("piped");
        std::thread::spawn(move || {
            let mut text = String::new();
            let _ = errors.read_to_string(&mut text);
            let _ = report_failure.send(text);
        });
        let at = printed.recv_timeout(TIMEOUT).unwrap_or_else(|why| {
            let _ = process.kill();
            let (ended, problem) = (process.wait(), problem.recv().unwrap_or_default());
            panic!("the server does not listen ({why}; {ended:?}): {problem}")
        });
        let at = serde_json::from_str(&at).expect("the first line says where");
        Self {
            process,
            at,
            http: Http::default(),
        }
    }

    /// The token requests so far, the oldest first.
    pub(crate) async fn token_requests(&self) -> Vec<TokenRequest> {
        self.control(json!({})).await
    }

    /// How many token requests of a grant type came so far.
    pub(crate) async fn count(&self, grant_type: &str) -> usize {
        self.token_requests()
            .await
            .iter()
            .filter(|request| request.is_for(grant_type))
            .count()
    }

    /// Why the server refused the last token request, which it keeps from clients.
    pub(crate) async fn last_reason(&self) -> String {
        let requests = self.token_requests().await;
        let last = requests.last().expect("one came");
        last.answer["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Moves the server's clock forward.
    pub(crate) async fn advance(&self, by: Duration) {
        self.control(json!({ "advance": by.as_secs() })).await;
    }

    /// From now on the id_tokens of new sign-ins carry this nonce.
    pub(crate) async fn send_nonce(&self, nonce: &str) {
        self.control(json!({ "set": { "nonce": nonce } })).await;
    }

    /// From now on answers to the redirect name this issuer, or none.
    pub(crate) async fn send_issuer(&self, issuer: Option<&str>) {
        self.control(json!({ "set": { "iss": issuer } })).await;
    }

    /// Ends what a user granted.
    pub(crate) async fn revoke(&self, user: &str) {
        self.control(json!({ "revoke": user })).await;
    }

    /// Signs with a new key from now on.
    pub(crate) async fn rotate_key(&self, published: bool, same_id: bool) {
        self.control(json!({ "rotate": { "published": published, "same_id": same_id } }))
            .await;
    }

    /// Sends a token request that is not the app's.
    pub(crate) async fn redeem(&self, fields: &BTreeMap<String, String>) -> (u16, Value) {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = http::Request::post(format!("{}/token", self.at.issuer))
            .header(
                http::header::CONTENT_TYPE,
                "application/x-www-form-urlencoded",
            )
            .body(body.into_bytes());
        let answer = self
            .http
            .send(request.expect("a request"), Dialect::Json)
            .await
            .expect("answered");
        (
            answer.status,
            serde_json::from_slice(&answer.body).expect("JSON"),
        )
    }

    /// Redeems a refresh token as a thief would.
    pub(crate) async fn redeem_refresh_token(&self, token: &str) -> (u16, Value) {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", self.at.client_id.as_str()),
            ("refresh_token", token),
        ];
        self.redeem(
            &fields
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        )
        .await
    }

    /// Asks the cloud's API with a session, and gives back the status.
    pub(crate) async fn ask_api(&self, path: &str, session: &SecretString) -> u16 {
        let url = Url::parse(&self.at.api)
            .and_then(|api| api.join(path))
            .expect("a URL");
        let answer = self
            .http
            .get_json::<Value, Value>(&url, Some(session))
            .await
            .expect("answered");
        answer.map_or_else(|refused| refused.status, |_| 200)
    }

    async fn control(&self, wanted: Value) -> Vec<TokenRequest> {
        #[derive(Deserialize)]
        struct Answer {
            journal: Vec<TokenRequest>,
        }
        let door = Url::parse(&self.at.api)
            .and_then(|api| api.join("control"))
            .expect("a URL");
        let request = http::Request::post(door.as_str()).body(wanted.to_string().into_bytes());
        let answer = self
            .http
            .send(request.expect("a request"), Dialect::Json)
            .await
            .expect("answered");
        assert_eq!(
            answer.status,
            200,
            "{}",
            String::from_utf8_lossy(&answer.body)
        );
        serde_json::from_slice::<Answer>(&answer.body)
            .expect("JSON")
            .journal
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
