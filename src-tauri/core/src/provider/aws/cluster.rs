//! The token of an EKS cluster: an address of STS, signed in advance, that identifies the caller to the cluster.
//!
//! The form is that of `aws eks get-token` and of aws-iam-authenticator, which reads it: `GetCallerIdentity` at a
//! regional STS, signed over the cluster's name, valid for a minute, as base64url after a fixed prefix. Its holder
//! can send only that request, and is accepted as the caller only by that cluster.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningError, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use secrecy::SecretString;
use url::{Position, Url};

use super::partition::Partition;
use super::sdk;
use crate::error::{Code, Error, Result};
use crate::http;
use crate::text;

/// How long the cluster may ask STS. The cluster caches the answer for the lifetime of the token.
const SIGNED_FOR: Duration = Duration::from_secs(60);
/// The lifetime of the token: the authenticator's fifteen minutes minus one, as in the AWS CLI.
pub(super) const LIFE: Duration = Duration::from_secs(14 * 60);
/// The header that binds the address to one cluster.
const CLUSTER: &str = "x-k8s-aws-id";
const PREFIX: &str = "k8s-aws-v1.";
/// The longest name of a cluster (EKS API, `CreateCluster`).
const LONGEST_NAME: usize = 100;

/// The token for a cluster of a region, which is one of the partition's.
pub(super) fn token(
    config: &SdkConfig,
    credentials: Credentials,
    partition: &Partition,
    region: &str,
    cluster: &str,
    now: Timestamp,
) -> Result<SecretString> {
    let mut url = sdk::endpoint(config, "STS").unwrap_or_else(|| {
        let host = format!("https://sts.{region}.{}/", partition.domain());
        Url::parse(&host).expect("the table's regions and domains make URLs")
    });
    http::require_safe(&url)?;
    url.set_query(Some("Action=GetCallerIdentity&Version=2011-06-15"));
    let signed = signed(&url, credentials, region, cluster, now).map_err(|error| {
        // The signing errors name fields, never values.
        tracing::error!(%error, "an address of STS could not be signed");
        Error::new(
            Code::Internal,
            "The token could not be signed. Report this with the reference.",
        )
    })?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(signed)).into())
}

fn signed(
    url: &Url,
    credentials: Credentials,
    region: &str,
    cluster: &str,
    now: Timestamp,
) -> std::result::Result<String, SigningError> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(SIGNED_FOR);
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(sdk::system_time(now))
        .settings(settings)
        .build()
        .expect("all parts are set")
        .into();
    let host = &url[Position::BeforeHost..Position::AfterPort];
    let headers = [("host", host), (CLUSTER, cluster)];
    let signable = SignableRequest::new(
        "GET",
        url.as_str(),
        headers.into_iter(),
        SignableBody::Bytes(b""),
    )?;
    let (instructions, _) = sign(signable, &params)?.into_parts();
    let mut request = ::http::Request::get(url.as_str())
        .body(())
        .expect("a URL is a request's address");
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string())
}

/// Refuses an invalid cluster name. It goes into a header.
///
/// # Errors
/// `invalid-input`, naming it.
pub(super) fn check_name(cluster: &str) -> Result<()> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let begins = cluster
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_alphanumeric());
    if begins && cluster.len() <= LONGEST_NAME && cluster.bytes().all(fits) {
        return Ok(());
    }
    let shown: String = text::shown(cluster).chars().take(LONGEST_NAME).collect();
    let message = format!(
        "\"{shown}\" is not a valid EKS cluster name. Use at most {LONGEST_NAME} letters, digits, hyphens and underscores."
    );
    Err(Error::new(Code::InvalidInput, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::BehaviorVersion;
    use secrecy::ExposeSecret as _;

    #[test]
    fn the_address_is_regional_and_its_signature_covers_the_cluster() {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .build();
        let now = "2026-11-24T09:00:00Z".parse().expect("a time");
        let of = |id: &str, region: &str, cluster: &str| {
            let credentials = Credentials::new(
                "ASIAEXAMPLE",
                "secret",
                Some("token/+=".into()),
                None,
                "test",
            );
            let partition = Partition::named(id).expect("known");
            let token =
                token(&config, credentials, partition, region, cluster, now).expect("signed");
            let encoded = token
                .expose_secret()
                .strip_prefix(PREFIX)
                .expect("the prefix")
                .to_owned();
            let bytes = URL_SAFE_NO_PAD.decode(encoded).expect("base64url");
            Url::parse(&String::from_utf8(bytes).expect("text")).expect("a URL")
        };
        let url = of("aws", "eu-central-1", "production");
        assert_eq!(url.host_str(), Some("sts.eu-central-1.amazonaws.com"));
        let pairs: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
        for (name, value) in [
            ("Action", "GetCallerIdentity"),
            ("Version", "2011-06-15"),
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            (
                "X-Amz-Credential",
                "ASIAEXAMPLE/20261124/eu-central-1/sts/aws4_request",
            ),
            ("X-Amz-Date", "20261124T090000Z"),
            ("X-Amz-Expires", "60"),
            ("X-Amz-SignedHeaders", "host;x-k8s-aws-id"),
            ("X-Amz-Security-Token", "token/+="),
        ] {
            assert_eq!(pairs.get(name).map(String::as_str), Some(value), "{name}");
        }
        assert_eq!(
            pairs.len(),
            9,
            "the authenticator refuses unknown parameters: {url}"
        );
        assert_ne!(of("aws", "eu-central-1", "staging").query(), url.query());
        assert_eq!(
            of("aws-cn", "cn-north-1", "c").host_str(),
            Some("sts.cn-north-1.amazonaws.com.cn")
        );
        assert_eq!(
            of("aws-eusc", "eusc-de-east-1", "c").host_str(),
            Some("sts.eusc-de-east-1.amazonaws.eu")
        );
    }

    #[test]
    fn only_a_valid_cluster_name_gets_into_the_header() {
        for name in ["production", "a", "Prod_1-x", &"x".repeat(100)] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "-x", "a b", "a\r\nx: y", "ä", "a/b", &"x".repeat(101)] {
            assert_eq!(check_name(name).expect_err(name).code(), Code::InvalidInput);
        }
    }
}
