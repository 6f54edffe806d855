//! STS: the caller's identity, and assuming a role. One region's endpoint, one attempt a call; callers retry.

use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::{Builder, Region};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::PolicyDescriptorType;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use secrecy::{ExposeSecret as _, SecretString};

use super::{account_facts, transport};
use crate::account::SessionTimes;
use crate::credential::{AccessKeys, Credential, MfaSession, Session};
use crate::error::{Code, Error};
use crate::text;

const CONNECT_TIME: Duration = Duration::from_secs(10);
/// The longest part of AWS's own sentence that is shown, in words.
const MAX_WORDS: usize = 60;
const CALL_TIME: Duration = Duration::from_secs(30);

/// The Security Token Service, with one set of credentials.
pub(super) struct Sts {
    client: Client,
}

/// The reason why a call to STS failed.
#[derive(Debug)]
pub(super) struct StsFailure {
    pub(super) kind: StsFailureKind,
    /// AWS's own code, for the reference.
    pub(super) code: String,
    /// AWS's own sentence, cleaned.
    pub(super) sentence: Option<String>,
    /// The server's clock.
    pub(super) date: Option<Timestamp>,
    /// The time that the server asked to wait.
    pub(super) retry_after: Option<Duration>,
    /// What kept the request from the server, when something did.
    pub(super) way: Option<Error>,
}

/// The kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StsFailureKind {
    /// Access is denied. For a role: it is missing, or its trust policy does not allow the caller.
    AccessDenied,
    /// A value of the request is not permitted. Ours are checked, so it is the duration.
    Invalid,
    /// The caller's own session has expired.
    Expired,
    /// The access key is not known.
    UnknownKey,
    /// The signature is wrong: because of the secret key, or the clock.
    Signature,
    /// STS is disabled in the region.
    RegionDisabled,
    /// AWS asked to wait.
    Throttled,
    /// AWS cannot be reached.
    Offline,
    /// AWS failed, or its answer makes no sense.
    RenewalFailure,
}

/// The role to assume, and the parameters.
pub(super) struct Assume<'a> {
    pub(super) role_arn: &'a str,
    pub(super) session_name: &'a str,
    pub(super) external_id: Option<&'a str>,
    pub(super) seconds: u32,
    /// The ARN of a managed policy that the session may not exceed.
    pub(super) session_policy: Option<&'a str>,
}

impl Sts {
    /// STS of a region, or of the endpoint that the environment or the shared config sets.
    pub(super) fn new(config: &SdkConfig, credentials: Credentials, region: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIME)
            .operation_timeout(CALL_TIME)
            .build();
        let config = Builder::from(config)
            .credentials_provider(credentials)
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            // A wrong clock would make every expiry wrong, so it is reported and not worked around.
            .disable_clock_skew_correction(true)
            .build();
        Self {
            client: Client::from_conf(config),
        }
    }

    /// The ARN of the credentials' owner.
    pub(super) async fn caller_arn(&self) -> std::result::Result<String, StsFailure> {
        let answer = self
            .client
            .get_caller_identity()
            .send()
            .await
            .map_err(|error| failure(&error))?;
        answer.arn.ok_or_else(StsFailure::nonsense)
    }

    /// A session of the caller's own, confirmed with a code of its MFA device.
    pub(super) async fn mfa_session(
        &self,
        device: &str,
        code: &SecretString,
        made_with: &str,
        now: Timestamp,
    ) -> std::result::Result<MfaSession, StsFailure> {
        let request = self
            .client
            .get_session_token()
            .serial_number(device)
            .token_code(code.expose_secret());
        let answer = request.send().await.map_err(|error| failure(&error))?;
        let (keys, times) = keys(answer.credentials, now)?;
        Ok(MfaSession {
            device: device.to_owned(),
            made_with: made_with.to_owned(),
            keys,
            expires_at: times.expires_at,
        })
    }

    /// Assumes a role. The session's generation is set when it is stored.
    pub(super) async fn assume(
        &self,
        request: &Assume<'_>,
        now: Timestamp,
    ) -> std::result::Result<Session, StsFailure> {
        let seconds = i32::try_from(request.seconds).unwrap_or(i32::MAX);
        let request = self
            .client
            .assume_role()
            .role_arn(request.role_arn)
            .role_session_name(request.session_name)
            .set_external_id(request.external_id.map(str::to_owned))
            .duration_seconds(seconds)
            .set_policy_arns(
                request
                    .session_policy
                    .map(|arn| vec![PolicyDescriptorType::builder().arn(arn).build()]),
            );
        let answer = request.send().await.map_err(|error| failure(&error))?;
        let (keys, times) = keys(answer.credentials, now)?;
        Ok(Session {
            credential: Credential::AccessKeys(keys),
            times,
            generation: 0,
        })
    }
}

/// Credentials of an answer, with their lifetime.
fn keys(
    given: Option<aws_sdk_sts::types::Credentials>,
    now: Timestamp,
) -> std::result::Result<(AccessKeys, SessionTimes), StsFailure> {
    let given = given.ok_or_else(StsFailure::nonsense)?;
    let expires_at = SystemTime::try_from(given.expiration)
        .ok()
        .and_then(|time| Timestamp::try_from(time).ok())
        .ok_or_else(StsFailure::nonsense)?;
    if given.session_token.is_empty() || given.secret_access_key.is_empty() {
        return Err(StsFailure::nonsense());
    }
    let keys = AccessKeys {
        mfa_device: None,
        access_key_id: given.access_key_id,
        secret_access_key: given.secret_access_key.into(),
        session_token: Some(given.session_token.into()),
    };
    let times = SessionTimes {
        issued_at: now,
        expires_at,
    };
    Ok((keys, times))
}

impl StsFailure {
    fn nonsense() -> Self {
        Self {
            kind: StsFailureKind::RenewalFailure,
            code: "incomplete-answer".into(),
            sentence: None,
            date: None,
            retry_after: None,
            way: None,
        }
    }

    /// Whether a retry may get another answer.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self.kind,
            StsFailureKind::Throttled | StsFailureKind::Offline | StsFailureKind::RenewalFailure
        )
    }
}

fn failure<E>(error: &SdkError<E, HttpResponse>) -> StsFailure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let header = |name: &str| {
        error
            .raw_response()
            .and_then(|answer| answer.headers().get(name))
    };
    let date =
        header("date").and_then(|text| rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
    let retry_after = header("retry-after")
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    let status = error.raw_response().map(|answer| answer.status().as_u16());
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        .map(str::to_owned);
    // Some stand-ins wrap the error in one more element than STS, where the SDK does not look.
    let body = error
        .raw_response()
        .and_then(|answer| answer.body().bytes());
    let wrapped = || account_facts::element(&String::from_utf8_lossy(body?), "Code");
    let code = code.or_else(wrapped).unwrap_or_default();
    let kind = match (error, code.as_str()) {
        (SdkError::TimeoutError(_), _) => StsFailureKind::Offline,
        (SdkError::DispatchFailure(failure), _) if failure.is_io() || failure.is_timeout() => {
            StsFailureKind::Offline
        }
        (_, "AccessDenied" | "AccessDeniedException") => StsFailureKind::AccessDenied,
        (_, "ValidationError" | "ValidationException" | "InvalidParameterValue") => {
            StsFailureKind::Invalid
        }
        (_, "ExpiredToken" | "ExpiredTokenException") => StsFailureKind::Expired,
        (_, "InvalidClientTokenId" | "UnrecognizedClientException" | "AuthFailure") => {
            StsFailureKind::UnknownKey
        }
        (
            _,
            "SignatureDoesNotMatch"
            | "InvalidSignatureException"
            | "RequestExpired"
            | "RequestTimeTooSkewed",
        ) => StsFailureKind::Signature,
        (_, "RegionDisabledException") => StsFailureKind::RegionDisabled,
        (
            _,
            "Throttling"
            | "ThrottlingException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException",
        ) => StsFailureKind::Throttled,
        _ if status == Some(429) => StsFailureKind::Throttled,
        _ => StsFailureKind::RenewalFailure,
    };
    let sentence = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message)
        .map(str::to_owned)
        .or_else(|| account_facts::element(&String::from_utf8_lossy(body?), "Message"));
    let sentence = sentence
        .map(|sentence| cleaned(&sentence))
        .filter(|sentence| !sentence.is_empty());
    StsFailure {
        kind,
        code,
        sentence,
        date,
        retry_after,
        way: transport::own_error(error),
    }
}

/// A sentence of AWS's, cleaned for display. It may be longer than a name: the policy that refused is at its end.
fn cleaned(sentence: &str) -> String {
    let words = sentence.split_whitespace().take(MAX_WORDS);
    let words: Vec<String> = words.map(text::shown).collect();
    words.join(" ")
}

/// The failures that are the same for every request, as messages; callers explain the others.
pub(super) fn passing(failure: &StsFailure, place: &str) -> Option<Error> {
    if let Some(way) = &failure.way {
        return Some(way.clone());
    }
    let (code, message) = match failure.kind {
        StsFailureKind::Throttled => (
            Code::Throttled,
            format!("{place} received too many requests. Retrying automatically."),
        ),
        StsFailureKind::Offline => (
            Code::Offline,
            format!("{place} cannot be reached. Check the network and the proxy settings."),
        ),
        StsFailureKind::RenewalFailure => (
            Code::ServerFailed,
            format!("{place} is temporarily unavailable. Retrying automatically."),
        ),
        _ => return None,
    };
    Some(
        Error::new(code, message)
            .with_detail(&failure.code)
            .with_retry_after(failure.retry_after),
    )
}
