//! What Entra's errors mean for the person, and whether waiting helps.
//!
//! `error` and `suberror` decide; the AADSTS number only chooses the words, because Microsoft reserves the right to
//! change the numbers (its error reference says never to depend on them in code).

use crate::error::{Code, Error};
use crate::oauth::Refusal;
use crate::resource::Identifier;

/// An error that came back to the redirect URI.
pub(super) fn authorize(error: &str, description: &str) -> Error {
    let number = aadsts(description);
    let code = match error {
        "access_denied" => match number {
            Some(90094 | 90095) => Code::AdminNeeded,
            _ => Code::SignInRefused,
        },
        "temporarily_unavailable" | "server_error" => Code::ServerFailed,
        "interaction_required" | "login_required" | "consent_required" => Code::SignInAgain,
        _ => Code::SignInRejected,
    };
    let default = match code {
        Code::SignInRefused => {
            "The sign-in was refused at Microsoft. Nothing was changed. Start it again when you are ready."
        }
        Code::AdminNeeded => {
            "Your organisation lets only an administrator approve this app. Ask one to grant it consent."
        }
        Code::ServerFailed => "Microsoft's sign-in is in trouble. Try again in a few minutes.",
        Code::SignInAgain => "Microsoft asks for a complete sign-in. Start it again.",
        _ => {
            "Microsoft did not accept this app's request. Show the reference to whoever registered the app."
        }
    };
    worded(code, number, error, default)
}

/// An error that came from the token endpoint.
pub(super) fn token(refusal: &Refusal) -> Error {
    let number = aadsts(&refusal.error_description);
    let code = match (refusal.error.as_str(), refusal.suberror.as_str()) {
        ("temporarily_unavailable" | "server_error", _) => Code::ServerFailed,
        ("slow_down", _) => Code::Throttled,
        ("consent_required", _) | (_, "consent_required") => Code::SignInAgain,
        ("interaction_required" | "invalid_grant" | "login_required", _) => Code::SignInAgain,
        // The registration, not the person: signing in again would lead to the same answer.
        (
            "invalid_client"
            | "unauthorized_client"
            | "invalid_request"
            | "invalid_scope"
            | "invalid_resource",
            _,
        ) => Code::SignInRejected,
        ("access_denied", _) => Code::SignInRefused,
        _ => Code::SignInRejected,
    };
    let default = match (code, refusal.suberror.as_str()) {
        (Code::ServerFailed | Code::Throttled, _) => {
            "Microsoft's sign-in is in trouble. It is tried again by itself."
        }
        (_, "basic_action" | "additional_action") => {
            "Your organisation asks for another sign-in step. Sign in again."
        }
        (_, "message_only") => {
            "Your organisation blocks this sign-in. Sign in again to read its message."
        }
        (_, "consent_required") => {
            "This app lacks a consent that it needs. Sign in again and accept it."
        }
        (_, "user_password_expired") => "Your password has expired. Sign in again to change it.",
        (Code::SignInAgain, _) => "Microsoft no longer accepts the kept sign-in. Sign in again.",
        (Code::SignInRefused, _) => "The sign-in was refused at Microsoft. Nothing was changed.",
        _ => {
            "Microsoft did not accept this app's registration. Show the reference to whoever registered the app."
        }
    };
    worded(code, number, &refusal.error, default)
        .with_retry_after(refusal.retry_after)
        .with_challenge(refusal.claims.clone())
}

/// As `token`, for another resource than Resource Manager: what is refused is that resource, and perhaps no more.
pub(super) fn resource(refusal: &Refusal, resource: &Identifier) -> Error {
    let error = token(refusal);
    let is_consent = "consent_required" == refusal.error || "consent_required" == refusal.suberror;
    let (code, message) = match refusal.error.as_str() {
        "invalid_resource" | "invalid_scope" => (
            Code::NotFound,
            format!(
                "Entra has no token for {resource} for this app: the tenant may not know it, or the app registration \
                 lists no permission of it. Check its spelling, or add the permission to the registration."
            ),
        ),
        _ if is_consent => (
            Code::SignInAgain,
            format!(
                "This app lacks a consent for {resource}. Accept it in a sign-in for it, or have an administrator grant it."
            ),
        ),
        _ => (
            error.code(),
            format!("{} This is about {resource}.", error.message()),
        ),
    };
    let number = aadsts(&refusal.error_description);
    let detail = number.map_or_else(|| refusal.error.clone(), |number| format!("AADSTS{number}"));
    Error::new(code, message)
        .with_detail(&detail)
        .with_retry_after(refusal.retry_after)
        .with_challenge(refusal.claims.clone())
}

/// Chooses the words by number, where a number is known to mean something that helps.
fn worded(code: Code, number: Option<u32>, error: &str, default: &str) -> Error {
    let words = number.and_then(words);
    let detail = number.map_or_else(|| error.to_owned(), |number| format!("AADSTS{number}"));
    Error::new(code, words.unwrap_or(default)).with_detail(&detail)
}

/// The first AADSTS number in a description.
fn aadsts(description: &str) -> Option<u32> {
    let digits = description.split_once("AADSTS")?.1;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

/// Microsoft's error reference, as advice.
fn words(number: u32) -> Option<&'static str> {
    Some(match number {
        50076 | 50074 | 50078 => "Your organisation asks for another sign-in step. Sign in again.",
        50072 | 50079 => {
            "Your organisation asks you to set up multi-factor sign-in. Sign in again to do that."
        }
        50158 | 50097 => {
            "Your organisation asks for a proof from this device or another service. Sign in again."
        }
        53000 => {
            "This device does not meet your organisation's rules. Ask your administrator what is missing."
        }
        53001 => {
            "This device is not joined to your organisation. Ask your administrator how to join it."
        }
        53002 => {
            "Your organisation has not approved this app. Ask your administrator to approve it."
        }
        53003 | 530_032 | 530_035 => {
            "A policy of your organisation blocks this sign-in. Ask your administrator; trying again will not help."
        }
        53011 => "Microsoft blocks this account because of a risk. Ask your administrator.",
        65001 => "This app lacks a consent that it needs. Sign in again and accept it.",
        65004 => {
            "You did not accept the permissions. Nothing was changed. Start again to accept them."
        }
        90094 | 90095 => {
            "Your organisation lets only an administrator approve this app. Ask one to grant it consent."
        }
        700_016 | 7_000_112 | 70001 => {
            "The app registration is not known or is disabled in this tenant. Check AZURE_CLIENT_ID, AZURE_TENANT_ID and \
             the cloud."
        }
        50105 => "You are not assigned to this app. Ask your administrator to assign you.",
        50011 | 70004 | 900_971 => {
            "The redirect URI is not registered. Add it to the app registration under Mobile and desktop applications, \
             exactly as the Connect screen shows it."
        }
        7_000_218 => {
            "The app registration is not a public client. In its Authentication page, set \"Allow public client flows\" \
             to Yes."
        }
        700_025 => {
            "The app registration is a public client, and something sent a secret for it. Report this with the reference."
        }
        70043 | 70008 | 700_082 => {
            "The kept sign-in was too old or not used for too long. Sign in again."
        }
        50173 | 50132 | 50133 | 50089 => {
            "The kept sign-in was ended, for example by a new password. Sign in again."
        }
        700_084 => {
            "The redirect URI is registered as a single-page app, which ends sign-ins after a day. Register it under Mobile and desktop applications."
        }
        90072 | 50020 | 16000 | 16003 | 50034 | 50014 | 51004 => {
            "This account does not belong to that tenant. Sign in with another account, or ask to be invited."
        }
        500_212 | 500_213 => {
            "A rule between your organisation and that tenant blocks this sign-in. Ask the administrators of both."
        }
        50057 => "This account is disabled. Ask your administrator.",
        50053 => "This account is locked after too many attempts. Wait, or ask your administrator.",
        50055 | 50144 => "Your password has expired. Sign in again to change it.",
        90038 => {
            "This tenant belongs to a national cloud. Set azure.cloud in settings.toml to us-government or china."
        }
        50194 => "The app registration serves one tenant only. Set AZURE_TENANT_ID to that tenant.",
        54005 | 700_005 | 501_481 | 50147 => {
            "The answer of the sign-in had been used already or was not ours. Start the sign-in again."
        }
        50058 => "There is no sign-in at Microsoft to build on. Sign in again.",
        90033 | 90006 | 90055 | 50196 => {
            "Microsoft's sign-in is busy. It is tried again by itself."
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(error: &str, suberror: &str, description: &str) -> Refusal {
        let json = serde_json::json!({"error": error, "suberror": suberror, "error_description": description});
        serde_json::from_value(json).expect("a refusal")
    }

    #[test]
    fn error_and_suberror_decide_and_the_number_only_chooses_words() {
        for (error, suberror, description, code) in [
            (
                "invalid_grant",
                "",
                "AADSTS70043: too old",
                Code::SignInAgain,
            ),
            ("invalid_grant", "bad_token", "", Code::SignInAgain),
            (
                "invalid_grant",
                "",
                "AADSTS90033: transient",
                Code::SignInAgain,
            ),
            (
                "interaction_required",
                "basic_action",
                "AADSTS50076: MFA",
                Code::SignInAgain,
            ),
            (
                "temporarily_unavailable",
                "",
                "AADSTS90033: busy",
                Code::ServerFailed,
            ),
            (
                "invalid_client",
                "",
                "AADSTS7000218: secret wanted",
                Code::SignInRejected,
            ),
            ("something_new", "", "AADSTS1", Code::SignInRejected),
        ] {
            let told = token(&refusal(error, suberror, description));
            assert_eq!(told.code(), code, "{error} {suberror} {description}");
        }
    }

    #[test]
    fn the_description_is_never_shown_and_the_number_is_the_reference() {
        let told = token(&refusal(
            "invalid_grant",
            "",
            "AADSTS50076: <b>CANARY</b>\r\nTrace ID: CANARY",
        ));
        assert!(!format!("{told:?}").contains("CANARY"));
        assert!(
            told.reference().starts_with("AADSTS50076 · "),
            "{}",
            told.reference()
        );
        assert!(told.message().contains("another sign-in step"));
    }

    #[test]
    fn consent_that_was_refused_says_so_and_consent_for_administrators_names_them() {
        assert_eq!(
            authorize("access_denied", "AADSTS65004: declined").code(),
            Code::SignInRefused
        );
        assert_eq!(
            authorize("access_denied", "AADSTS90094: admin").code(),
            Code::AdminNeeded
        );
        assert_eq!(authorize("unheard_of", "").code(), Code::SignInRejected);
    }

    #[test]
    fn a_refused_resource_is_named_with_what_mends_it() {
        let graph = Identifier::parse("https://graph.microsoft.com").expect("an identifier");
        for (error, suberror, code, word) in [
            (
                "invalid_grant",
                "consent_required",
                Code::SignInAgain,
                "consent",
            ),
            (
                "interaction_required",
                "basic_action",
                Code::SignInAgain,
                "another sign-in step",
            ),
            ("invalid_resource", "", Code::NotFound, "spelling"),
            ("invalid_grant", "", Code::SignInAgain, "no longer accepts"),
            ("temporarily_unavailable", "", Code::ServerFailed, "trouble"),
        ] {
            let told = resource(&refusal(error, suberror, "CANARY"), &graph);
            assert_eq!(told.code(), code, "{error}");
            assert!(
                told.message().contains(word) && told.message().contains(graph.as_str()),
                "{told}"
            );
            assert!(!format!("{told:?}").contains("CANARY"));
        }
    }

    #[test]
    fn numbers_are_found_or_not_without_a_panic() {
        assert_eq!(aadsts("x AADSTS50076: y AADSTS1"), Some(50076));
        for text in ["", "AADSTS", "AADSTSx", "AADSTS99999999999999999999"] {
            assert_eq!(aadsts(text), None, "{text}");
        }
    }
}
