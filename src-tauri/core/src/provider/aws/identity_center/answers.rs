//! What IAM Identity Center answers, in the forms that it and its stand-ins have sent: numbers as text, rows that cannot be
//! read, ends by another clock.
//!
//! The calls are in `client.rs`. Source: botocore's models `sso-oidc` and `sso` (2019-06-10).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

/// An access token, and a role's credentials, are believed to live for no longer than this.
const LONGEST_LIFE: u64 = 12 * 3600;
/// An access token is believed to live for this long when its life is unknown.
const ASSUMED_LIFE: u64 = 600;
/// What a role's credentials live for when that is unknown: a permission set's shortest session (user guide, "Set session
/// duration").
const ASSUMED_ROLE_LIFE: Duration = Duration::from_secs(3600);
/// Clocks that differ by less are taken for the same: an answer takes its time.
const CLOCK_DIFFERENCE: SignedDuration = SignedDuration::from_mins(2);
/// An end before this many milliseconds since 1970 is one in seconds.
const FIRST_MILLISECONDS: u64 = 100_000_000_000;
/// How long a device's code is good for when that is unknown.
const ASSUMED_CODE_LIFE: u64 = 600;

/// A registration of this program, which tokens belong to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientRegistration {
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    /// In seconds since 1970.
    #[serde(default, deserialize_with = "lenient_number")]
    client_secret_expires_at: Option<u64>,
}

impl ClientRegistration {
    pub(super) fn ends_at(&self) -> Option<Timestamp> {
        let end = self.client_secret_expires_at.filter(|end| *end > 0)?;
        Timestamp::from_second(i64::try_from(end).ok()?).ok()
    }
}

/// A device that waits for its user.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeviceAuthorization {
    pub(super) device_code: SecretString,
    pub(super) user_code: String,
    pub(super) verification_uri: String,
    #[serde(default, deserialize_with = "lenient_number")]
    expires_in: Option<u64>,
    #[serde(default, deserialize_with = "lenient_number")]
    pub(super) interval: Option<u64>,
}

impl DeviceAuthorization {
    /// How long the code can be entered.
    pub(super) fn life(&self) -> Duration {
        let seconds = self.expires_in.filter(|seconds| *seconds > 0);
        Duration::from_secs(seconds.unwrap_or(ASSUMED_CODE_LIFE).clamp(60, 1800))
    }
}

/// Tokens, checked for form.
pub(super) struct SsoTokens {
    pub(super) access_token: SecretString,
    pub(super) refresh_token: Option<SecretString>,
    pub(super) life: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreateTokenResponse {
    pub(super) access_token: SecretString,
    #[serde(default)]
    pub(super) token_type: Option<String>,
    #[serde(default, deserialize_with = "lenient_number")]
    expires_in: Option<u64>,
    #[serde(default)]
    pub(super) refresh_token: Option<SecretString>,
}

impl CreateTokenResponse {
    pub(super) fn life(&self) -> Duration {
        let seconds = self.expires_in.filter(|seconds| *seconds > 0);
        Duration::from_secs(seconds.unwrap_or(ASSUMED_LIFE).min(LONGEST_LIFE))
    }
}

/// An account that is assigned to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CenterAccount {
    /// Twelve digits.
    pub id: String,
    /// Its name in the organisation.
    pub name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountPage {
    #[serde(default, deserialize_with = "readable_rows")]
    pub(super) account_list: Vec<AccountRow>,
    #[serde(default)]
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountRow {
    #[serde(deserialize_with = "twelve_digits")]
    pub(super) account_id: String,
    #[serde(default)]
    pub(super) account_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RolePage {
    #[serde(default, deserialize_with = "readable_rows")]
    pub(super) role_list: Vec<RoleRow>,
    #[serde(default)]
    pub(super) next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleRow {
    pub(super) role_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CredentialsAnswer {
    pub(super) role_credentials: RoleCredentials,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoleCredentials {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: SecretString,
    pub(super) session_token: SecretString,
    /// In milliseconds since 1970.
    #[serde(default, deserialize_with = "lenient_number")]
    expiration: Option<u64>,
}

impl RoleCredentials {
    /// The end by this machine's clock. The service names it by its own clock, which it also says in `Date`: where the
    /// two differ, it is the life that counts.
    pub(super) fn ends_at(&self, now: Timestamp, server: Option<Timestamp>) -> Option<Timestamp> {
        let Some(end) = self.expiration.filter(|end| *end > 0) else {
            return Some(now + ASSUMED_ROLE_LIFE);
        };
        let end = i64::try_from(end).ok()?;
        let end = if end.unsigned_abs() < FIRST_MILLISECONDS {
            Timestamp::from_second(end).ok()?
        } else {
            Timestamp::from_millisecond(end).ok()?
        };
        let differs = |server: &Timestamp| now.duration_since(*server).abs() >= CLOCK_DIFFERENCE;
        let life = end.duration_since(server.filter(differs).unwrap_or(now));
        let longest = SignedDuration::from_secs(LONGEST_LIFE.cast_signed());
        now.checked_add(life.min(longest)).ok()
    }
}

/// A number, also as text; anything else is missing.
fn lenient_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Lenient {
        Number(u64),
        Fraction(f64),
        Text(String),
        Other(IgnoredAny),
    }
    let whole = |text: &str| text.split('.').next()?.parse().ok();
    Ok(match Lenient::deserialize(deserializer)? {
        Lenient::Number(number) => Some(number),
        Lenient::Fraction(number) => whole(&format!("{number:.3}")),
        Lenient::Text(text) => whole(text.trim()),
        Lenient::Other(_) => None,
    })
}

/// The rows of a list that can be read; `null` is an empty list, and one row that cannot be read hides no other.
fn readable_rows<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> std::result::Result<Vec<T>, D::Error> {
    let rows = Option::<Vec<serde_json::Value>>::deserialize(deserializer)?;
    let count = rows.as_ref().map_or(0, Vec::len);
    let rows = rows.into_iter().flatten();
    let read: Vec<T> = rows
        .filter_map(|row| serde_json::from_value(row).ok())
        .collect();
    if read.len() < count {
        tracing::info!(
            skipped = count - read.len(),
            "rows that cannot be read were left out"
        );
    }
    Ok(read)
}

/// The number of an account, which is a text; one that was sent as a number has lost its leading zeros.
fn twelve_digits<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Id {
        Text(String),
        Number(u64),
    }
    Ok(match Id::deserialize(deserializer)? {
        Id::Text(text) => text,
        Id::Number(number) => format!("{number:012}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-28T09:00:00Z".parse().expect("a time")
    }

    #[test]
    fn an_access_token_lives_for_what_is_said_in_any_form_and_never_for_days() {
        // I17
        for (said, seconds) in [
            ("", 600),
            (r#","expiresIn":null"#, 600),
            (r#","expiresIn":0"#, 600),
            (r#","expiresIn":-1"#, 600),
            (r#","expiresIn":"soon""#, 600),
            (r#","expiresIn":{}"#, 600),
            (r#","expiresIn":3600"#, 3600),
            (r#","expiresIn":"3600""#, 3600),
            (r#","expiresIn":3600.9"#, 3600),
            (r#","expiresIn":1e3"#, 1000),
            (r#","expiresIn":1000000000"#, 12 * 3600),
        ] {
            let answer = format!(r#"{{"accessToken":"a","extra":[1]{said}}}"#);
            let answer: CreateTokenResponse = serde_json::from_str(&answer).expect(said);
            assert_eq!(answer.life(), Duration::from_secs(seconds), "{said}");
        }
    }

    #[test]
    fn credentials_end_when_it_is_said_in_milliseconds_seconds_or_text_or_after_an_hour() {
        // I17
        let end = now() + Duration::from_secs(7200);
        let (seconds, milliseconds) = (end.as_second(), end.as_millisecond());
        for (said, expected) in [
            (format!(r#","expiration":{milliseconds}"#), end),
            (format!(r#","expiration":"{milliseconds}""#), end),
            (format!(r#","expiration":{milliseconds}.0"#), end),
            (format!(r#","expiration":{seconds}"#), end),
            (String::new(), now() + ASSUMED_ROLE_LIFE),
            (r#","expiration":0"#.to_owned(), now() + ASSUMED_ROLE_LIFE),
            (
                r#","expiration":null"#.to_owned(),
                now() + ASSUMED_ROLE_LIFE,
            ),
        ] {
            let keys = r#""accessKeyId":"A","secretAccessKey":"s","sessionToken":"t""#;
            let answer = format!(r#"{{"roleCredentials":{{{keys}{said}}}}}"#);
            let answer: CredentialsAnswer = serde_json::from_str(&answer).expect("readable");
            // A server's clock that differs by as long as an answer takes changes nothing.
            for server in [None, Some(now()), Some(now() - Duration::from_secs(90))] {
                assert_eq!(
                    answer.role_credentials.ends_at(now(), server),
                    Some(expected),
                    "{said}"
                );
            }
        }
    }

    #[test]
    fn a_registration_and_a_code_have_an_end_in_any_form_or_the_usual_one() {
        for (said, expected) in [
            (
                r#","clientSecretExpiresAt":1797776000"#,
                Some(1_797_776_000),
            ),
            (
                r#","clientSecretExpiresAt":"1797776000""#,
                Some(1_797_776_000),
            ),
            (r#","clientSecretExpiresAt":0"#, None),
            (r#","clientSecretExpiresAt":null"#, None),
            ("", None),
        ] {
            let answer = format!(r#"{{"clientId":"c","clientSecret":"s"{said}}}"#);
            let answer: ClientRegistration = serde_json::from_str(&answer).expect(said);
            assert_eq!(
                answer.ends_at().map(Timestamp::as_second),
                expected,
                "{said}"
            );
        }
        for (said, seconds) in [
            ("", 600),
            (r#","expiresIn":null"#, 600),
            (r#","expiresIn":"300","interval":null"#, 300),
            (r#","expiresIn":1"#, 60),
        ] {
            let code = r#""deviceCode":"d","userCode":"ABCD","verificationUri":"https://x""#;
            let answer: DeviceAuthorization =
                serde_json::from_str(&format!("{{{code}{said}}}")).expect(said);
            assert_eq!(answer.life(), Duration::from_secs(seconds), "{said}");
        }
    }
}
