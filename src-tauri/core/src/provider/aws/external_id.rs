//! External IDs: creating one, and checking one from the user's organisation.
//!
//! An External ID is not a secret (AWS's user guide, "How to use an external ID"). It is created before the role's
//! template is shown and stays with the connection.

use crate::error::{Code, Error, Result};
use crate::random;

const PREFIX: &str = "mcm-";
/// 128 bits, as hexadecimal digits.
const DIGITS: usize = 32;

/// Creates an External ID: unique, because it has 128 random bits.
pub fn generate() -> String {
    format!("{PREFIX}{}", random::hex(DIGITS / 2))
}

/// Whether it has the form of this app's own.
pub fn is_ours(id: &str) -> bool {
    id.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.len() == DIGITS
            && rest
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

/// Checks an External ID by AWS's rule: 2 to 1,224 characters of `[A-Za-z0-9_+=,.@:/-]` (STS API, `AssumeRole`).
///
/// # Errors
/// `invalid-input`, with the reason.
pub fn check(id: &str) -> Result<()> {
    let permitted = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b);
    let why = if !(2..=1224).contains(&id.len()) {
        "must have 2 to 1,224 characters"
    } else if !id.bytes().all(permitted) {
        "may contain only letters, digits and _ + = , . @ : / -"
    } else {
        return Ok(());
    };
    Err(Error::new(
        Code::InvalidInput,
        format!("The External ID {why}. Check it and enter it again."),
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_external_id_has_128_bits_is_unique_and_valid_in_aws() {
        let ids: HashSet<String> = (0..1000).map(|_| generate()).collect();
        assert_eq!(ids.len(), 1000);
        for id in &ids {
            assert!(is_ours(id) && id.len() == 36, "{id}");
            check(id).expect("AWS accepts it");
        }
    }

    #[test]
    fn an_external_id_of_an_organisation_must_follow_awss_rule() {
        for good in ["ab", "Customer:42/eu=x,y.z@w_+-", &"x".repeat(1224)] {
            check(good).expect(good);
            assert!(!is_ours(good));
        }
        for bad in [
            "",
            "a",
            "has space",
            "tab\t12",
            "ümlaut",
            "quote\"",
            "a'b",
            "${x}",
            &"x".repeat(1225),
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }
}
