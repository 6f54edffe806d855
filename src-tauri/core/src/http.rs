//! HTTP: one client for every cloud, with the rules that apply to every request.
//!
//! Only this file and its folder name `reqwest`. rustls with the operating system's trust store and the user's own CA
//! (`http/network.rs`), the user's proxy (`http/proxy.rs`), no redirects, a limit on time and on size, and plain `http`
//! to this machine only. Whether the server itself answered is decided once, in `http/answer.rs`, before any status is
//! interpreted.

mod answer;
mod desktop_proxy;
mod list;
mod network;
mod proxy;
mod unreachable;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use crate::error::{Code, Error, Result};

pub use answer::{Answer, Dialect, Refused};
pub(crate) use answer::{from_json, if_readable};
pub use list::{ListLimits, ListReading};
pub use network::Network;
pub use proxy::{Proxy, Route, Unusable, Variables};

/// The longest answer that is read. Entra's token answers are under 10 KiB, a page of 1,000 projects under 1 MiB.
const LARGEST_ANSWER: usize = 4 << 20;

/// The time limits for a cloud.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimits {
    /// Until the connection is established.
    pub connect: Duration,
    /// Until the whole answer is read.
    pub total: Duration,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: Duration::from_secs(30),
        }
    }
}

/// The client. Creating it loads the trust store, so that happens at the first request.
#[derive(Clone, Default)]
pub struct Http {
    client: Arc<Mutex<Option<(Route, reqwest::Client)>>>,
    network: Arc<Network>,
    limits: TimeLimits,
    list_limits: ListLimits,
}

impl Http {
    /// A client with other limits than the default ones.
    pub fn with_limits(limits: TimeLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// The same client with other limits for whole lists.
    #[must_use]
    pub fn with_list_limits(self, list_limits: ListLimits) -> Self {
        Self {
            list_limits,
            ..self
        }
    }

    /// A client with the same limits that goes through this network: its proxy, and its certificate authority.
    #[must_use]
    pub fn through(&self, network: &Network) -> Self {
        Self {
            client: Arc::default(),
            network: Arc::new(network.clone()),
            ..self.clone()
        }
    }

    /// Sends a request and reads the whole answer, whatever its status, when the server itself spoke.
    ///
    /// # Errors
    /// `offline` when the server cannot be reached in time, or something else answered for it; `throttled` and
    /// `server-failed` when it fails, breaks off or says too much; `setting-invalid` for a proxy or certificate
    /// authority that cannot be used.
    pub async fn send(&self, request: http::Request<Vec<u8>>, dialect: Dialect) -> Result<Answer> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string())
            .map_err(|error| unusable_address(&parts.uri.to_string(), error))?;
        require_permitted(&url, dialect)?;
        let place = place(&url);
        let (route, client) = self.client().await?;
        let failed = |error| {
            self.network.forget_route();
            unreachable::explain(&place, &route, error)
        };
        let sent = client
            .request(parts.method, url)
            .headers(parts.headers)
            .body(body)
            .send()
            .await;
        let mut response = sent.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                let message = format!(
                    "{place} sent a response of more than 4 MiB, which was dropped. Try again later."
                );
                return Err(Error::new(Code::ServerFailed, message));
            }
            body.extend_from_slice(&chunk);
        }
        let answer = Answer::new(status, headers, body);
        let spoken = answer.require_speaker(&place, dialect, &route);
        if spoken.is_err() {
            self.network.forget_route();
        }
        spoken.map(|()| answer)
    }

    /// Loads JSON from an address, with a bearer token if there is one. `E` is the shape of the server's refusals.
    ///
    /// # Errors
    /// As `send`; `throttled` or `server-failed` for 429 and 5xx; `server-failed` for JSON of neither shape. What the
    /// server refuses with is given back for its caller to explain.
    pub async fn get_json<T: DeserializeOwned, E: DeserializeOwned>(
        &self,
        url: &Url,
        bearer: Option<&SecretString>,
    ) -> Result<std::result::Result<T, Refused<E>>> {
        self.get(url, bearer).await?.into_json(&place(url))
    }

    async fn get(&self, url: &Url, bearer: Option<&SecretString>) -> Result<Answer> {
        let mut request =
            http::Request::get(url.as_str()).header(http::header::ACCEPT, "application/json");
        if let Some(token) = bearer {
            request = request.header(
                http::header::AUTHORIZATION,
                format!("Bearer {}", token.expose_secret()),
            );
        }
        let request = request
            .body(Vec::new())
            .map_err(|error| unusable_address(url.as_str(), error))?;
        self.send(request, Dialect::Json).await
    }

    /// The client for the way that leads out now: another one when the desktop's proxy has changed.
    async fn client(&self) -> Result<(Route, reqwest::Client)> {
        let route = self.network.route().await?;
        let mut kept = self
            .client
            .lock()
            .expect("no code panics while it holds this lock");
        if let Some((way, client)) = kept.as_ref().filter(|(way, _)| *way == route) {
            return Ok((way.clone(), client.clone()));
        }
        let builder = reqwest::Client::builder()
            .connect_timeout(self.limits.connect)
            .timeout(self.limits.total)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("multi-cloud-manager/", env!("CARGO_PKG_VERSION")));
        let client = self.network.build(builder, &route)?;
        *kept = Some((route.clone(), client.clone()));
        Ok((route, client))
    }
}

/// The host and port of an address; nothing else of it may appear in a message.
pub fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or("an address without a host");
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether an address is on this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// Requires `https`, or plain `http` to this machine.
///
/// # Errors
/// `setting-invalid`, naming the address.
pub fn require_safe(url: &Url) -> Result<()> {
    if url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)) {
        return Ok(());
    }
    let message = format!(
        "{} is not an https address. Only a server on this machine may use plain http.",
        place(url)
    );
    Err(Error::new(Code::SettingInvalid, message))
}

/// The token endpoint of a saved sign-in.
///
/// # Errors
/// `sign-in-again` when it is no address, or not a safe one.
pub fn saved_endpoint(text: &str) -> Result<Url> {
    let endpoint = Url::parse(text).ok();
    endpoint
        .filter(|endpoint| require_safe(endpoint).is_ok())
        .ok_or_else(|| {
            Error::new(
                Code::SignInAgain,
                "The saved sign-in has no valid token endpoint. Sign in again.",
            )
        })
}

/// As `require_safe`; a machine's own metadata service is plain `http` by nature, and never beyond the machine's link.
fn require_permitted(url: &Url, dialect: Dialect) -> Result<()> {
    let is_metadata = dialect == Dialect::Aws && url.scheme() == "http" && is_of_the_link(url);
    if is_metadata {
        Ok(())
    } else {
        require_safe(url)
    }
}

/// Whether an address is a service of the machine's own link: EC2's, ECS's and EKS's (`fd00:ec2::/32`).
fn is_of_the_link(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_link_local(),
        Some(Host::Ipv6(address)) => address.segments()[..2] == [0xfd00, 0x0ec2],
        Some(Host::Domain(_)) | None => false,
    }
}

fn unusable_address(text: &str, source: impl std::error::Error + Send + Sync + 'static) -> Error {
    let host: String = text.chars().take_while(|c| *c != '?').take(100).collect();
    Error::new(
        Code::Internal,
        format!("\"{host}\" is not a valid address. Check the settings."),
    )
    .with_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_addresses_are_asked() {
        let safe = |text: &str| require_safe(&Url::parse(text).expect("a URL")).is_ok();
        assert!(safe("https://login.microsoftonline.com/"));
        assert!(
            safe("http://127.0.0.1:8080/") && safe("http://localhost/") && safe("http://[::1]/")
        );
        assert!(!safe("http://login.microsoftonline.com/") && !safe("http://127.0.0.1.example/"));
        assert!(!safe("file:///etc/passwd") && !safe("ftp://127.0.0.1/"));
    }

    #[tokio::test]
    async fn a_request_to_another_address_is_refused_before_its_host_is_looked_up() {
        let request = http::Request::get("http://login.example/token").body(Vec::new());
        let http = Http::default();
        let sent = http.send(request.expect("a request"), Dialect::Json).await;
        let refused = sent.map(drop).expect_err("it is not https");
        assert_eq!(refused.code(), Code::SettingInvalid, "{refused}");
    }

    #[test]
    fn a_metadata_service_is_asked_on_the_machines_own_link_and_by_aws_alone() {
        let permitted = |text: &str, dialect| {
            require_permitted(&Url::parse(text).expect("a URL"), dialect).is_ok()
        };
        for own in [
            "http://169.254.169.254/latest",
            "http://169.254.170.2/v2",
            "http://[fd00:ec2::254]/",
        ] {
            assert!(permitted(own, Dialect::Aws), "{own}");
            assert!(!permitted(own, Dialect::Json), "{own}");
        }
        for other in [
            "http://10.0.0.1/",
            "http://[fd00:ec3::254]/",
            "http://sts.example/",
        ] {
            assert!(!permitted(other, Dialect::Aws), "{other}");
        }
    }
}
