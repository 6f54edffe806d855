//! The claims challenge of a 401: what Resource Manager wants proved before it answers (Microsoft's "Claims challenges,
//! claims requests and client capabilities").

use http::header::{HeaderMap, WWW_AUTHENTICATE};

use crate::claims::ClaimsChallenge;

/// The challenge in an answer's headers, when there is one.
pub(super) fn of(headers: &HeaderMap) -> Option<ClaimsChallenge> {
    headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .filter(|value| parameter(value, "error") == Some("insufficient_claims"))
        .find_map(|value| ClaimsChallenge::parse(parameter(value, "claims")?).ok())
}

/// The value of a quoted parameter of a challenge (RFC 9110 11.2). Base64 and error codes need no escapes.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = challenge;
    while let Some((before, after)) = rest.split_once("=\"") {
        let (value, next) = after.split_once('"')?;
        let last_word = before.rsplit([' ', ',', '\t']).next().unwrap_or_default();
        if last_word.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = next;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Microsoft's own example, whose JSON is `{"access_token":{"acrs":{"essential":true,"value":"cp1"}}}`.
    const CLAIMS: &str =
        "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiY3AxIn19fQ==";

    fn asked(values: &[String]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, value.parse().expect("a header"));
        }
        of(&headers).map(|challenge| challenge.to_string())
    }

    #[test]
    fn a_challenge_is_found_in_any_header_and_any_order_of_its_parameters() {
        let uri = "authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\"";
        for values in [
            vec![format!(
                "Bearer realm=\"\", {uri}, error=\"insufficient_claims\", claims=\"{CLAIMS}\""
            )],
            vec![format!(
                "Bearer claims=\"{}\",error=\"insufficient_claims\"",
                CLAIMS.trim_end_matches('=')
            )],
            vec![
                "Bearer error=\"invalid_token\"".to_owned(),
                format!("Bearer Error=\"insufficient_claims\", Claims=\"{CLAIMS}\""),
            ],
        ] {
            let found = asked(&values).expect("a challenge");
            assert!(found.contains("acrs"), "{values:?}: {found}");
        }
        for other in [
            format!("Bearer error=\"invalid_token\", claims=\"{CLAIMS}\""),
            "Bearer error=\"insufficient_claims\", claims=\"%%%\"".to_owned(),
            "Bearer error=\"insufficient_claims\", claims=\"".to_owned(),
            format!("Bearer error=\"insufficient_claims\", x_claims=\"{CLAIMS}\""),
        ] {
            assert_eq!(asked(std::slice::from_ref(&other)), None, "{other}");
        }
    }
}
