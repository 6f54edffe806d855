//! Our values as the AWS SDK takes them: keys, times, the World's clock, and the endpoints of its configuration.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_smithy_async::time::TimeSource;
use aws_types::service_config::ServiceConfigKey;
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use url::Url;

use crate::credential::AccessKeys;
use crate::error::Result;
use crate::http;
use crate::world::Clock;

/// The endpoint that the environment or the shared config sets for a service, if any.
pub(super) fn endpoint(config: &SdkConfig, service: &str) -> Option<Url> {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .profile("endpoint_url")
        .env("AWS_ENDPOINT_URL")
        .build()
        .expect("all three parts are set");
    let set = config
        .service_config()
        .and_then(|config| config.load_config(key));
    set.or_else(|| config.endpoint_url().map(str::to_owned))
        .and_then(|url| Url::parse(&url).ok())
}

/// The keys in the SDK's type.
pub(super) fn credentials(keys: &AccessKeys) -> Credentials {
    Credentials::new(
        keys.access_key_id.clone(),
        keys.secret_access_key.expose_secret(),
        keys.session_token
            .as_ref()
            .map(|token| token.expose_secret().to_owned()),
        None,
        "multi-cloud-manager",
    )
}

/// A time in the SDK's type.
pub(super) fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH
        + Duration::try_from(at.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default()
}

/// Requests are signed, and some answers hold credentials: they use `https` or stay on this machine.
pub(super) fn require_safe_endpoints(config: &SdkConfig) -> Result<()> {
    for service in ["STS", "IAM", "Organizations"] {
        if let Some(endpoint) = endpoint(config, service) {
            http::require_safe(&endpoint)?;
        }
    }
    Ok(())
}

/// The World's clock, for the SDK.
pub(super) struct WorldTime(pub(super) Arc<dyn Clock>);

impl fmt::Debug for WorldTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WorldTime")
    }
}

impl TimeSource for WorldTime {
    fn now(&self) -> SystemTime {
        system_time(self.0.now())
    }
}
