//! Short names made from longer texts: of accounts, grants, records of the keychain and surroundings.

use sha2::{Digest as _, Sha256};

/// SHA-256 over length-prefixed parts, so that no two lists of parts give the same digest; the first 128 bits, in
/// hexadecimal digits.
pub(crate) fn digest<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
