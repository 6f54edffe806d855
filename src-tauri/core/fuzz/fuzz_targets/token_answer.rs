//! Any bytes as a sign-in server's answer and as an id_token: no panic, and no life without end.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use mcm_core::claims::{ClaimsChallenge, with_capability};
use mcm_core::id_token::{Claims, is_user_id};
use mcm_core::oauth::Tokens;
use secrecy::SecretString;

fuzz_target!(|input: &[u8]| {
    if let Some(tokens) = Tokens::parse(input) {
        assert!(tokens.expires_in <= Duration::from_secs(7 * 24 * 3600));
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(claims) = Claims::decode(&SecretString::from(text)) {
        assert!(is_user_id(&claims.sub));
    }
    if let Ok(challenge) = ClaimsChallenge::parse(text) {
        assert!(with_capability(Some(challenge.as_str())).contains("\"values\":[\"cp1\"]"));
    }
});
