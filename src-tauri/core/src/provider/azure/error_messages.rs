//! Maps Entra's errors to messages for the user and to codes, which decide whether waiting helps.
//!
//! A known AADSTS number decides code and words together (`azure/error_numbers.rs`), so that they cannot contradict
//! each other. Otherwise `error` and `suberror` decide, and an unknown error is treated as temporary: one odd answer
//! must not end an account.

use super::error_numbers::{Meaning, Remedy, meaning};
use crate::error::{Code, Error};
use crate::oauth::Refusal;
use crate::resource::Identifier;

/// The kind of request that was refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RefusedRequest {
    /// A sign-in that the user started.
    SignIn,
    /// A renewal, which the app retries where time may help.
    Renewal,
}

/// Maps an error that came to the redirect URI.
pub(super) fn authorize(error: &str, description: &str) -> Error {
    let number = aadsts(description);
    let by_error = || match error {
        "access_denied" => of(
            Remedy::Consent,
            "The sign-in was refused at Microsoft. Nothing was changed. To try again, start it again.",
        ),
        "interaction_required" | "login_required" | "consent_required" => {
            of(Remedy::SignIn, "Microsoft requires a complete sign-in.")
        }
        _ => of(
            Remedy::Registration,
            "Microsoft rejected this app's request. Send the reference to the owner of the app registration.",
        ),
    };
    let meaning = busy(error).or_else(|| number.and_then(meaning));
    in_words(
        &meaning.unwrap_or_else(by_error),
        number,
        error,
        RefusedRequest::SignIn,
    )
}

/// Maps an error of the token endpoint during a sign-in.
pub(super) fn token(refusal: &Refusal) -> Error {
    explained(refusal, RefusedRequest::SignIn)
}

/// Maps an error of the token endpoint when a saved sign-in was used.
pub(super) fn renewal(refusal: &Refusal) -> Error {
    explained(refusal, RefusedRequest::Renewal)
}

fn explained(refusal: &Refusal, refused: RefusedRequest) -> Error {
    let number = aadsts(&refusal.error_description);
    let meaning = busy(&refusal.error)
        .or_else(|| number.and_then(meaning))
        .unwrap_or_else(|| by_error(&refusal.error, &refusal.suberror));
    in_words(&meaning, number, &refusal.error, refused)
        .with_retry_after(refusal.retry_after)
        .with_challenge(refusal.claims.clone())
}

/// The errors that are temporary by definition, whatever number comes with them.
fn busy(error: &str) -> Option<Meaning> {
    match error {
        "temporarily_unavailable" | "server_error" => Some(of(
            Remedy::Wait,
            "Microsoft sign-in is temporarily unavailable.",
        )),
        "slow_down" => Some(of(Remedy::AskLess, "Microsoft received too many requests.")),
        _ => None,
    }
}

fn by_error(error: &str, suberror: &str) -> Meaning {
    match (error, suberror) {
        ("consent_required", _) | (_, "consent_required") => of(
            Remedy::SignIn,
            "This app needs your consent, which you can give while signing in.",
        ),
        ("interaction_required" | "invalid_grant" | "login_required", suberror) => {
            let words = match suberror {
                "basic_action" | "additional_action" => {
                    "Your organisation requires another verification step."
                }
                "message_only" => {
                    "Your organisation blocks this sign-in and shows its reason while you sign in."
                }
                "user_password_expired" => {
                    "Your password has expired. You can change it while signing in."
                }
                _ => "Microsoft no longer accepts the saved sign-in.",
            };
            of(Remedy::SignIn, words)
        }
        ("access_denied", _) => of(
            Remedy::Consent,
            "The sign-in was refused at Microsoft. Nothing was changed.",
        ),
        // The registration is at fault: signing in again would lead to the same answer.
        ("invalid_client" | "unauthorized_client" | "invalid_scope" | "invalid_resource", _) => of(
            Remedy::Registration,
            "Microsoft rejected this app's registration. Send the reference to the owner of the app registration.",
        ),
        _ => of(Remedy::Wait, "Microsoft returned an unknown error."),
    }
}

fn of(remedy: Remedy, words: &'static str) -> Meaning {
    Meaning { remedy, words }
}

/// As `renewal`, for a resource other than Resource Manager: the refusal concerns that resource, and perhaps only
/// that.
pub(super) fn resource(refusal: &Refusal, resource: &Identifier) -> Error {
    let error = renewal(refusal);
    let is_consent = "consent_required" == refusal.error || "consent_required" == refusal.suberror;
    let number = aadsts(&refusal.error_description);
    // The words of these numbers are about Resource Manager.
    let is_unknown = number
        .and_then(meaning)
        .is_some_and(|meaning| meaning.remedy == Remedy::Permission);
    let (code, message) = match refusal.error.as_str() {
        error if is_unknown || matches!(error, "invalid_resource" | "invalid_scope") => (
            Code::NotFound,
            format!(
                "Entra issues no token for {resource} to this app: the tenant may lack it, or the app registration may lack \
                 its permission. Check its spelling, or add the permission to the registration."
            ),
        ),
        _ if is_consent => (
            Code::SignInAgain,
            format!(
                "This app needs consent for {resource}. Accept it in a sign-in for it, or ask an administrator to grant it."
            ),
        ),
        _ => (
            error.code(),
            format!("{} This concerns {resource}.", error.message()),
        ),
    };
    let detail = number.map_or_else(|| refusal.error.clone(), |number| format!("AADSTS{number}"));
    Error::new(code, message)
        .with_detail(&detail)
        .with_retry_after(refusal.retry_after)
        .with_challenge(refusal.claims.clone())
}

fn in_words(meaning: &Meaning, number: Option<u32>, error: &str, refused: RefusedRequest) -> Error {
    let code = match meaning.remedy {
        Remedy::Wait => Code::ServerFailed,
        Remedy::AskLess => Code::Throttled,
        Remedy::Organisation => Code::PolicyBlocked,
        Remedy::SignIn => Code::SignInAgain,
        Remedy::Approval | Remedy::Permission => Code::AdminNeeded,
        Remedy::Consent => Code::SignInRefused,
        Remedy::Registration => Code::SignInRejected,
    };
    let next = match (refused, meaning.remedy) {
        (RefusedRequest::Renewal, Remedy::Wait | Remedy::AskLess | Remedy::Organisation) => {
            " Retrying automatically."
        }
        (RefusedRequest::SignIn, Remedy::Wait | Remedy::AskLess) => " Try again in a few minutes.",
        (RefusedRequest::Renewal, Remedy::SignIn) => " Sign in again.",
        (RefusedRequest::SignIn, Remedy::SignIn) => " Start the sign-in again.",
        _ => "",
    };
    let detail = number.map_or_else(|| error.to_owned(), |number| format!("AADSTS{number}"));
    Error::new(code, format!("{}{next}", meaning.words)).with_detail(&detail)
}

/// The first AADSTS number in a description.
fn aadsts(description: &str) -> Option<u32> {
    let digits = description.split_once("AADSTS")?.1;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(error: &str, suberror: &str, description: &str) -> Refusal {
        let json = serde_json::json!({"error": error, "suberror": suberror, "error_description": description});
        serde_json::from_value(json).expect("a refusal")
    }

    #[test]
    fn a_known_number_decides_then_error_and_suberror_and_an_unknown_error_is_temporary() {
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
                Code::ServerFailed,
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
            ("something_new", "", "AADSTS1", Code::ServerFailed),
            ("invalid_request", "", "", Code::ServerFailed),
            (
                "invalid_request",
                "",
                "AADSTS90038: cloud",
                Code::SignInRejected,
            ),
            (
                "temporarily_unavailable",
                "",
                "AADSTS50076: MFA",
                Code::ServerFailed,
            ),
            (
                "interaction_required",
                "message_only",
                "AADSTS53003: blocked",
                Code::PolicyBlocked,
            ),
            ("invalid_grant", "", "AADSTS90055: busy", Code::Throttled),
        ] {
            let shown = renewal(&refusal(error, suberror, description));
            assert_eq!(shown.code(), code, "{error} {suberror} {description}");
        }
    }

    #[test]
    fn messages_promise_a_retry_exactly_where_waiting_helps() {
        for number in 0..10_000_000 {
            if meaning(number).is_none() {
                continue;
            }
            let refusal = refusal("invalid_grant", "", &format!("AADSTS{number}: x"));
            let (renewal, signing_in) = (renewal(&refusal), token(&refusal));
            assert_eq!(
                renewal.message().ends_with("Retrying automatically."),
                renewal.is_transient(),
                "{number}"
            );
            assert_eq!(
                renewal.message().ends_with("Sign in again."),
                renewal.code() == Code::SignInAgain,
                "{number}"
            );
            assert_eq!(renewal.code(), signing_in.code(), "{number}");
            assert!(!signing_in.message().contains("automatically"), "{number}");
        }
    }

    #[test]
    fn the_description_is_never_shown_and_the_number_is_the_reference() {
        let error = token(&refusal(
            "invalid_grant",
            "",
            "AADSTS50076: <b>CANARY</b>\r\nTrace ID: CANARY",
        ));
        assert!(!format!("{error:?}").contains("CANARY"));
        assert!(
            error.reference().starts_with("AADSTS50076 · "),
            "{}",
            error.reference()
        );
        assert!(error.message().contains("another verification step"));
    }

    #[test]
    fn declined_consent_and_required_administrator_consent_are_named() {
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
    fn a_refused_resource_is_named_with_its_remedy() {
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
                "another verification step",
            ),
            ("invalid_resource", "", Code::NotFound, "spelling"),
            ("invalid_grant", "", Code::SignInAgain, "no longer accepts"),
            (
                "temporarily_unavailable",
                "",
                Code::ServerFailed,
                "unavailable",
            ),
        ] {
            let error = resource(&refusal(error, suberror, "CANARY"), &graph);
            assert_eq!(error.code(), code, "{error}");
            assert!(
                error.message().contains(word) && error.message().contains(graph.as_str()),
                "{error}"
            );
            assert!(!format!("{error:?}").contains("CANARY"));
        }
    }

    #[test]
    fn a_missing_permission_is_named_with_who_gives_it_and_about_its_own_resource() {
        let graph = Identifier::parse("https://graph.microsoft.com").expect("an identifier");
        for (number, who) in [
            (650_057, "Its owner"),
            (65005, "Its owner"),
            (650_052, "administrator"),
            (500_011, "administrator"),
        ] {
            let refusal = refusal("invalid_client", "", &format!("AADSTS{number}: x"));
            for shown in [token(&refusal), renewal(&refusal)] {
                assert_eq!(shown.code(), Code::AdminNeeded, "{number}");
                let words = shown.message();
                assert!(
                    words.contains("Azure Service Management") && words.contains(who),
                    "{shown}"
                );
            }
            let shown = resource(&refusal, &graph);
            assert_eq!(shown.code(), Code::NotFound, "{number}");
            assert!(
                !shown.message().contains("Azure Service Management"),
                "{shown}"
            );
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
