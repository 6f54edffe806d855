//! Maps Google's errors to messages for the user and to codes, which decide whether waiting helps.
//!
//! `error` and `error_subtype` decide, as in google-auth; the description is ignored. Sources: Google's OAuth pages
//! for installed apps and for the expiry of refresh tokens.

use crate::error::{Code, Error};
use crate::oauth::Refusal;

/// Maps an error that came to the redirect URI.
pub(super) fn authorize(error: &str) -> Error {
    let (code, message) = match error {
        "access_denied" => (
            Code::SignInRefused,
            "The sign-in was refused at Google. Nothing was changed. To try again, start it again.",
        ),
        "admin_policy_enforced" => (Code::AdminNeeded, ADMIN_POLICY),
        "org_internal" => (Code::SignInRefused, INTERNAL),
        "disallowed_useragent" => (
            Code::BrowserFailed,
            "Google refuses sign-ins in an embedded browser. Choose a full browser in the app's Settings, or set BROWSER. \
             Then start the sign-in again.",
        ),
        "redirect_uri_mismatch" => (
            Code::SettingInvalid,
            "The OAuth client does not allow this redirect method. A client of type Desktop app needs the redirect \
             loopback, one of type iOS the redirect deep-link.",
        ),
        "deleted_client" => (Code::SettingInvalid, DELETED),
        "invalid_client" | "unauthorized_client" => (
            Code::SettingInvalid,
            "Google does not know this client id, or does not allow sign-ins with it. Check GOOGLE_CLIENT_ID.",
        ),
        "invalid_scope" => (Code::SettingInvalid, SCOPES),
        "interaction_required"
        | "login_required"
        | "consent_required"
        | "account_selection_required" => (
            Code::SignInAgain,
            "Google requires a complete sign-in. Start it again.",
        ),
        "temporarily_unavailable" | "server_error" | "internal_failure" => (
            Code::ServerFailed,
            "Google sign-in is temporarily unavailable. Try again in a few minutes.",
        ),
        _ => (Code::SignInRejected, REQUEST),
    };
    Error::new(code, message).with_detail(error)
}

/// The credential that was being redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Redeemed {
    /// The code of a sign-in.
    Code,
    /// The saved refresh token.
    RefreshToken,
    /// The code of a device, or the request for one.
    DeviceCode,
}

/// Maps an error of the token endpoint. `with_secret` is whether a client secret was sent.
pub(super) fn token(refusal: &Refusal, redeemed: Redeemed, with_secret: bool) -> Error {
    let (error, subtype) = (refusal.error.as_str(), refusal.suberror.as_str());
    let (code, message) = match error {
        "invalid_grant" if matches!(subtype, "invalid_rapt" | "rapt_required") => (
            Code::SignInAgain,
            "Your organisation limits the length of Google Cloud sessions, and this one has expired. Nothing was revoked. \
             Sign in again.",
        ),
        // Google's guide for TVs and limited-input devices: a client type of its own, and few scopes.
        "invalid_client" | "unauthorized_client" | "invalid_scope"
            if redeemed == Redeemed::DeviceCode =>
        {
            (Code::Unsupported, NO_DEVICES)
        }
        "invalid_grant" if redeemed != Redeemed::RefreshToken => (
            Code::SignInRejected,
            "Google rejected the response of the sign-in: it was used, has expired, or was not for this app. Start \
             the sign-in again.",
        ),
        "invalid_grant" => (
            Code::SignInAgain,
            "Google no longer accepts the saved sign-in and gives no reason. Access may have been revoked, the password \
             changed, or the sign-in not used for 6 months. The consent screen may be in Testing, where sign-ins expire \
             after 7 days. Or this account signed in more than 100 times with this client. Sign in again.",
        ),
        "admin_policy_enforced" => (Code::AdminNeeded, ADMIN_POLICY),
        "org_internal" => (Code::SignInRefused, INTERNAL),
        "access_denied" => (
            Code::SignInRefused,
            "Google refused the sign-in. Nothing was changed. Start it again.",
        ),
        "deleted_client" => (Code::SettingInvalid, DELETED),
        // The client is at fault: signing in again would lead to the same answer.
        "invalid_client" | "unauthorized_client" | "invalid_request" if !with_secret => (
            Code::SettingMissing,
            "Google rejected the client id without its client secret. Set gcp.client_secret_file in settings.toml \
             to the JSON file of the client, or set GOOGLE_CLIENT_SECRET, then sign in again.",
        ),
        "invalid_client" | "unauthorized_client" => (
            Code::SettingInvalid,
            "Google rejects this client id with this client secret. Check that GOOGLE_CLIENT_ID and \
             GOOGLE_CLIENT_SECRET, or the file in gcp.client_secret_file, belong to one client, then sign in again.",
        ),
        "invalid_scope" => (Code::SettingInvalid, SCOPES),
        "temporarily_unavailable" | "server_error" | "internal_failure" | "backend_error" => (
            Code::ServerFailed,
            "Google sign-in is temporarily unavailable. Retrying automatically.",
        ),
        "slow_down" | "rate_limit_exceeded" => (
            Code::Throttled,
            "Google received too many requests. Retrying automatically.",
        ),
        // One odd answer must not end an account.
        _ if redeemed == Redeemed::RefreshToken => (
            Code::ServerFailed,
            "Google returned an unknown error. Retrying automatically.",
        ),
        _ => (Code::SignInRejected, REQUEST),
    };
    let detail = if subtype.is_empty() {
        error.to_owned()
    } else {
        format!("{error}:{subtype}")
    };
    Error::new(code, message)
        .with_detail(&detail)
        .with_retry_after(refusal.retry_after)
}

const ADMIN_POLICY: &str = "Your organisation blocks this app's access to Google Cloud. Ask an administrator of its Google Workspace to trust \
     the client id.";
const INTERNAL: &str = "This OAuth client is for one organisation only. Sign in with an account of that organisation, or make the \
     consent screen External.";
const DELETED: &str = "The OAuth client was deleted at Google. Create one of type Desktop app and set it in settings.toml, then sign in \
     again.";
const SCOPES: &str = "Google does not offer the requested scopes. Set gcp.access in settings.toml to read-only or full.";
const NO_DEVICES: &str = "Google allows device codes only for clients of the type TVs and Limited Input devices, without access to Google \
     Cloud. Sign in with a browser instead.";
const REQUEST: &str =
    "Google rejected this app's request. Send the reference to the owner of the OAuth client.";

#[cfg(test)]
mod tests {
    use super::*;

    fn error_for(error: &str, subtype: &str, redeemed: Redeemed, with_secret: bool) -> Error {
        let json = serde_json::json!({
            "error": error, "error_subtype": subtype, "error_description": "<b>CANARY</b>",
        });
        token(
            &serde_json::from_value(json).expect("a refusal"),
            redeemed,
            with_secret,
        )
    }

    #[test]
    fn error_and_subtype_decide_and_the_description_is_never_shown() {
        use Redeemed::{Code as Sent, DeviceCode, RefreshToken};
        for (error, subtype, redeemed, with_secret, code) in [
            ("invalid_grant", "", RefreshToken, true, Code::SignInAgain),
            (
                "invalid_grant",
                "invalid_rapt",
                RefreshToken,
                true,
                Code::SignInAgain,
            ),
            ("invalid_grant", "", Sent, true, Code::SignInRejected),
            (
                "invalid_client",
                "",
                RefreshToken,
                true,
                Code::SettingInvalid,
            ),
            ("invalid_client", "", DeviceCode, true, Code::Unsupported),
            ("invalid_scope", "", DeviceCode, true, Code::Unsupported),
            ("invalid_grant", "", DeviceCode, true, Code::SignInRejected),
            (
                "invalid_client",
                "",
                RefreshToken,
                false,
                Code::SettingMissing,
            ),
            ("invalid_request", "", Sent, false, Code::SettingMissing),
            ("invalid_request", "", Sent, true, Code::SignInRejected),
            (
                "admin_policy_enforced",
                "",
                RefreshToken,
                true,
                Code::AdminNeeded,
            ),
            (
                "internal_failure",
                "",
                RefreshToken,
                true,
                Code::ServerFailed,
            ),
            (
                "rate_limit_exceeded",
                "",
                RefreshToken,
                true,
                Code::Throttled,
            ),
            ("use_dpop_nonce", "", RefreshToken, true, Code::ServerFailed),
            (
                "invalid_request",
                "",
                RefreshToken,
                true,
                Code::ServerFailed,
            ),
            ("use_dpop_nonce", "", Sent, true, Code::SignInRejected),
        ] {
            let shown = error_for(error, subtype, redeemed, with_secret);
            assert_eq!(shown.code(), code, "{error} {subtype} {redeemed:?}");
            assert!(
                shown.reference().starts_with(error),
                "{}",
                shown.reference()
            );
            assert!(!format!("{error:?}").contains("CANARY"));
        }
    }

    #[test]
    fn a_session_that_the_organisation_limits_is_not_called_revoked() {
        for subtype in ["invalid_rapt", "rapt_required"] {
            let message = error_for("invalid_grant", subtype, Redeemed::RefreshToken, true)
                .message()
                .to_owned();
            assert!(
                message.contains("organisation limits") && message.contains("Nothing was revoked"),
                "{message}"
            );
        }
        let message = error_for("invalid_grant", "", Redeemed::RefreshToken, true)
            .message()
            .to_owned();
        for cause in [
            "revoked", "password", "6 months", "Testing", "7 days", "100",
        ] {
            assert!(message.contains(cause), "{message}");
        }
    }

    #[test]
    fn a_refusal_by_the_user_differs_from_one_by_an_administrator() {
        assert_eq!(authorize("access_denied").code(), Code::SignInRefused);
        assert_eq!(authorize("admin_policy_enforced").code(), Code::AdminNeeded);
        assert_eq!(
            authorize("redirect_uri_mismatch").code(),
            Code::SettingInvalid
        );
        assert_eq!(authorize("unheard_of").code(), Code::SignInRejected);
    }
}
