//! Google's scopes: which exist, how they are spelt in an answer, and which a user may untick.

use super::refusal::CLOUD_SCOPES;

/// Scopes of the sign-in itself; no user can untick them.
const IDENTITY: [&str; 3] = [
    "openid",
    "https://www.googleapis.com/auth/userinfo.email",
    "https://www.googleapis.com/auth/userinfo.profile",
];

/// The scopes of a request, spelt as answers spell them: the long form of `email` and `profile`.
///
/// # Errors
/// The first scope that does not exist.
pub(super) fn parse(scope: &str) -> Result<Vec<String>, String> {
    let mut scopes = Vec::new();
    for word in scope.split_ascii_whitespace() {
        let spelt = match word {
            "email" => IDENTITY[1],
            "profile" => IDENTITY[2],
            _ => word,
        };
        if !IDENTITY.contains(&spelt) && !CLOUD_SCOPES.contains(&spelt) {
            return Err(word.to_owned());
        }
        if !scopes.iter().any(|known| known == spelt) {
            scopes.push(spelt.to_owned());
        }
    }
    // Google answers in an order of its own.
    scopes.sort();
    Ok(scopes)
}

pub(super) fn is_identity(scope: &str) -> bool {
    IDENTITY.contains(&scope)
}

/// Whether these scopes open Resource Manager.
pub(super) fn open_resource_manager(scopes: &[String]) -> bool {
    scopes
        .iter()
        .any(|scope| CLOUD_SCOPES.contains(&scope.as_str()))
}

pub(super) fn have_email(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == IDENTITY[1])
}

pub(super) fn have_profile(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == IDENTITY[2])
}

pub(super) fn have_openid(scopes: &[String]) -> bool {
    scopes.iter().any(|scope| scope == IDENTITY[0])
}

/// What the consent page calls a scope.
pub(super) fn describe(scope: &str) -> &'static str {
    match scope {
        "https://www.googleapis.com/auth/cloud-platform" => {
            "See, edit, configure and delete your Google Cloud data"
        }
        "https://www.googleapis.com/auth/cloud-platform.read-only" => {
            "View your data across Google Cloud services"
        }
        "openid" => "Associate you with your personal info on Google",
        "https://www.googleapis.com/auth/userinfo.email" => {
            "See your primary Google Account email address"
        }
        _ => "See your personal info, including any personal info you've made publicly available",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_answered_in_their_long_form_and_once() {
        let scopes = parse("openid email profile email").expect("all exist");
        assert_eq!(scopes, [IDENTITY[1], IDENTITY[2], IDENTITY[0]]);
        assert_eq!(parse("openid everything"), Err("everything".to_owned()));
    }
}
