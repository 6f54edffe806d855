//! Identifiers and opaque tokens: GUIDs that are the same at every start, and random text that is not.
//!
//! Everything secret begins with `sandbox-`, so that a leak shows itself in any file it reaches.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The GUID of a named thing: always the same one for the same name.
pub fn guid(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    format_guid(
        digest[..16]
            .try_into()
            .expect("a SHA-256 digest has 32 bytes"),
    )
}

/// A GUID that was never used before, for traces and correlation.
pub(crate) fn random_guid() -> String {
    format_guid(random_bytes())
}

/// `prefix` and random base64url text, `length` characters in all.
pub(crate) fn opaque(prefix: &str, length: usize) -> String {
    let mut text = String::with_capacity(length + 64);
    text.push_str(prefix);
    while text.len() < length.max(prefix.len() + 22) {
        URL_SAFE_NO_PAD.encode_string(random_bytes::<48>(), &mut text);
    }
    text.truncate(length.max(prefix.len() + 22));
    text
}

/// An AWS access key id: the kind's four letters and sixteen more characters.
pub(crate) fn access_key_id(prefix: &str) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bytes: [u8; 16] = random_bytes();
    let rest = bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    prefix.chars().chain(rest).collect()
}

/// A code that a user can type: two groups of four consonants.
pub(crate) fn user_code() -> String {
    const ALPHABET: &[u8; 16] = b"BCDFGHJKLMNPQRST";
    let letters: String = random_bytes::<8>()
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 16)]))
        .collect();
    format!("{}-{}", &letters[..4], &letters[4..])
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system provides random bytes");
    bytes
}

fn format_guid(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_guid_and_it_has_the_form_of_version_4() {
        let id = guid("contoso.example");
        assert_eq!(id, guid("contoso.example"));
        assert_ne!(id, guid("fabrikam.example"));
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
    }

    #[test]
    fn opaque_text_has_the_length_asked_for_and_never_repeats() {
        let first = opaque("sandbox-at-", 1500);
        assert_eq!(first.len(), 1500);
        assert!(first.starts_with("sandbox-at-"));
        assert_ne!(first, opaque("sandbox-at-", 1500));
    }
}
