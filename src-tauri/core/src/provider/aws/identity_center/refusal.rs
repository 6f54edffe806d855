//! What IAM Identity Center's refusals mean, and what the user can do.
//!
//! The header `x-amzn-ErrorType` distinguishes them, and the body only where there is no header. No text of the server is
//! shown.

use serde::Deserialize;

use crate::error::{Code, Error};
use crate::http::Answer;

/// A body that is longer is no refusal of AWS's.
const LONGEST_BODY: usize = 64 * 1024;
/// The header that AWS's JSON services name an error in.
const ERROR_TYPE: &str = "x-amzn-errortype";

/// What the service said, reduced to names of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SsoRefusal {
    status: u16,
    /// The name of the error in small letters, without `exception`.
    pub(super) kind: String,
    /// Why the organisation's encryption key refuses.
    reason: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    error: Option<String>,
    reason: Option<String>,
    #[serde(rename = "__type")]
    kind: Option<String>,
}

impl SsoRefusal {
    pub(super) fn of(answer: &Answer) -> Self {
        let body: Body = if answer.body.len() <= LONGEST_BODY {
            serde_json::from_slice(&answer.body).unwrap_or_default()
        } else {
            Body::default()
        };
        let header = answer.headers.get(ERROR_TYPE);
        let header = header.and_then(|name| name.to_str().ok());
        let named = [header, body.kind.as_deref()].into_iter().flatten();
        let kind = named
            .map(model_name)
            .chain(body.error.as_deref().map(|error| error.replace('_', "")))
            .map(|kind| kind.to_ascii_lowercase())
            .find(|kind| is_name(kind))
            .unwrap_or_else(|| of_status(answer.status).to_owned());
        let reason = body
            .reason
            .filter(|reason| reason.starts_with("KMS_") && is_name(&reason.replace('_', "")));
        Self {
            status: answer.status,
            kind,
            reason,
        }
    }

    /// The organisation's encryption key refuses: only an administrator can help.
    fn of_key(&self) -> Option<Error> {
        let reason = self.reason.as_ref()?;
        let message = "Your organisation's encryption key does not let IAM Identity Center sign you in. Ask an administrator to check the key's policy and state.";
        Some(Error::new(Code::AdminNeeded, message).with_detail(reason))
    }

    /// A refusal while signing in.
    pub(super) fn sign_in_error(&self, start_url: &str, region: &str) -> Error {
        if let Some(error) = self.of_key() {
            return error;
        }
        let elsewhere = |message: &str| {
            other_region(Code::SignInRejected, message, start_url, region).with_detail(&self.kind)
        };
        let (code, message) = match self.kind.as_str() {
            "accessdenied" => (Code::SignInRefused, refused()),
            "slowdown" | "toomanyrequests" => (
                Code::Throttled,
                "IAM Identity Center asked to wait. Sign in again in a minute.".to_owned(),
            ),
            "expiredtoken" => (
                Code::SignInExpired,
                "The sign-in took too long. Nothing was changed. Start it again.".to_owned(),
            ),
            "invalidgrant" | "unauthorized" => {
                return elsewhere("AWS did not accept the sign-in.");
            }
            "invalidclientmetadata" | "invalidrequest" | "invalidrequestregion" => {
                return elsewhere(&format!(
                    "IAM Identity Center in {region} does not know {start_url}. Check the start URL."
                ));
            }
            _ => (
                Code::SignInRejected,
                format!(
                    "IAM Identity Center in {region} refused the sign-in (HTTP {}). Try again.",
                    self.status
                ),
            ),
        };
        Error::new(code, message).with_detail(&self.kind)
    }

    /// A refusal to renew the access token.
    pub(super) fn renewal_error(&self) -> Error {
        if let Some(error) = self.of_key() {
            return error;
        }
        let (code, message) = match self.kind.as_str() {
            "slowdown" | "toomanyrequests" => (
                Code::Throttled,
                "IAM Identity Center asked to wait. It is tried again automatically.",
            ),
            "invalidgrant" | "invalidclient" | "unauthorizedclient" | "expiredtoken"
            | "accessdenied" => (Code::SignInAgain, SIGN_IN_AGAIN),
            _ => (
                Code::ServerFailed,
                "IAM Identity Center refused to renew the sign-in. It is tried again automatically.",
            ),
        };
        Error::new(code, message).with_detail(&self.kind)
    }

    /// A refusal of the portal that is about no role.
    pub(super) fn portal_error(&self, place: &str) -> Error {
        let (code, message) = match (self.status, self.kind.as_str()) {
            (401, _) | (_, "unauthorized") => (Code::SignInAgain, SIGN_IN_AGAIN.to_owned()),
            (429, _) | (_, "toomanyrequests") => (
                Code::Throttled,
                format!("{place} asked to wait. It is tried again automatically."),
            ),
            (403 | 404, _) => (
                Code::RoleRefused,
                format!(
                    "{place} does not let you see this. Ask an administrator for an assignment."
                ),
            ),
            _ => (
                Code::ServerFailed,
                format!(
                    "{place} refused the request (HTTP {}). Try again later.",
                    self.status
                ),
            ),
        };
        Error::new(code, message).with_detail(&self.kind)
    }

    /// A refusal of a role's credentials. One that is not assigned is no reason to sign in.
    pub(super) fn role_error(&self, place: &str, role: &str, account_id: &str) -> Error {
        match (self.status, self.kind.as_str()) {
            (403 | 404, _) | (_, "forbidden" | "resourcenotfound") => {
                let message = format!(
                    "The role {role} in AWS account {account_id} is not assigned to you. Refresh the roles, or ask an administrator."
                );
                Error::new(Code::RoleRefused, message).with_detail(&self.kind)
            }
            _ => self.portal_error(place),
        }
    }

    /// Whether the portal does not know the token.
    pub(super) fn is_unauthorized(&self) -> bool {
        self.status == 401 || self.kind == "unauthorized"
    }

    /// Whether it is about one account or role, and says nothing of the others.
    pub(super) fn is_of_one(&self) -> bool {
        matches!(self.status, 403 | 404)
            || matches!(self.kind.as_str(), "forbidden" | "resourcenotfound")
    }
}

const SIGN_IN_AGAIN: &str =
    "Your sign-in to IAM Identity Center has ended, or your organisation ended it. Sign in again.";

/// What the user reads who pressed "Deny".
pub(super) fn refused() -> String {
    "You cancelled the sign-in on AWS's page. Nothing was changed.".to_owned()
}

/// The error for what looks like a wrong region, which AWS reports late and in other words.
pub(super) fn other_region(code: Code, message: &str, start_url: &str, region: &str) -> Error {
    let perhaps = format!("Perhaps {start_url} is in another region than {region}");
    Error::new(code, message).with_remedies(
        &format!("{perhaps}: name it with --sso-region."),
        &format!("{perhaps}: enter it at Region."),
    )
}

/// `InvalidGrantException:http://…` and `com.amazonaws#InvalidGrantException` as `InvalidGrant`.
fn model_name(text: &str) -> String {
    let name = text.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default().trim();
    let length = name.len().saturating_sub("exception".len());
    match name.get(length..) {
        Some(end) if end.eq_ignore_ascii_case("exception") => name[..length].to_owned(),
        _ => name.to_owned(),
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn of_status(status: u16) -> &'static str {
    match status {
        401 => "unauthorized",
        403 => "forbidden",
        404 => "resourcenotfound",
        429 => "toomanyrequests",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, kind: Option<&str>, body: &str) -> SsoRefusal {
        let mut headers = ::http::HeaderMap::new();
        if let Some(kind) = kind {
            let value = kind.parse().expect("a header's value");
            headers.insert(ERROR_TYPE, value);
        }
        SsoRefusal::of(&Answer {
            status,
            headers,
            body: body.as_bytes().to_vec(),
            retry_after: None,
            date: None,
        })
    }

    #[test]
    fn a_refusal_is_known_by_its_header_else_by_its_body_else_by_its_status() {
        // I24
        let long = format!("{{\"error\":\"{}\"}}", "x".repeat(5 << 20));
        for (status, kind, body, expected) in [
            (
                400,
                Some("InvalidGrantException:http://internal/"),
                "{}",
                "invalidgrant",
            ),
            (400, Some("invalidgrantexception"), "{}", "invalidgrant"),
            (
                400,
                Some("com.amazonaws#InvalidGrantException"),
                "{}",
                "invalidgrant",
            ),
            (
                400,
                None,
                r#"{"error":"invalid_grant","error_description":"x"}"#,
                "invalidgrant",
            ),
            (401, None, r#"{"error":"invalid_client"}"#, "invalidclient"),
            (
                401,
                None,
                r#"{"message":"Session token not found or invalid"}"#,
                "unauthorized",
            ),
            (403, Some("ForbiddenException"), "<html>", "forbidden"),
            (400, None, "<html><script>", "unknown"),
            (400, Some("<script>"), "", "unknown"),
            (400, Some(""), r#"{"error":"slow_down"}"#, "slowdown"),
            (
                400,
                None,
                r#"{"__type":"com.amazonaws.sso#ForbiddenException","message":"No access"}"#,
                "forbidden",
            ),
            (
                400,
                None,
                r#"{"__type":"SomethingNewException","extra":{"a":[1]}}"#,
                "somethingnew",
            ),
            (400, None, r#"{"error":7,"__type":null}"#, "unknown"),
            (400, None, &long, "unknown"),
        ] {
            assert_eq!(refusal(status, kind, body).kind, expected, "{kind:?}");
        }
    }

    #[test]
    fn nothing_of_a_server_s_text_is_in_a_message() {
        let shown = refusal(
            400,
            None,
            r#"{"error":"CANARY<b>","error_description":"CANARY","reason":"CANARY"}"#,
        );
        for error in [
            shown.sign_in_error("https://d-1.awsapps.com/start", "eu-west-1"),
            shown.renewal_error(),
            shown.portal_error("portal"),
            shown.role_error("portal", "Admin", "111122223333"),
        ] {
            assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
        }
    }

    #[test]
    fn the_organisation_s_key_is_named_as_the_cause() {
        // I25
        let body = r#"{"error":"access_denied","reason":"KMS_AccessDeniedException"}"#;
        let shown = refusal(400, Some("AccessDeniedException"), body);
        for error in [shown.renewal_error(), shown.sign_in_error("u", "r")] {
            assert_eq!(error.code(), Code::AdminNeeded);
            assert!(
                error.reference().starts_with("KMS_AccessDeniedException"),
                "{}",
                error.reference()
            );
        }
    }
}
