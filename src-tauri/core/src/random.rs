//! Random values from the operating system's generator: state, nonce, verifier, references.
//!
//! Nothing else in the project creates random values. A machine without a working generator cannot sign in, so a
//! failure here ends the process.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `bytes` random bytes as base64url without padding: 32 bytes give 43 characters.
pub fn token(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).expect("the operating system provides randomness");
    URL_SAFE_NO_PAD.encode(buffer)
}

/// Eight hexadecimal digits that find an error in the log.
pub(crate) fn reference() -> String {
    format!(
        "{:08x}",
        getrandom::u32().expect("the operating system provides randomness")
    )
}

/// A number that distinguishes the sign-ins of an account; small enough for every JSON reader.
pub(crate) fn generation() -> u64 {
    getrandom::u64().expect("the operating system provides randomness") >> 11
}

/// A random fraction in `[0, 1)`, for jitter.
pub(crate) fn fraction() -> f64 {
    f64::from(getrandom::u32().expect("the operating system provides randomness"))
        / (f64::from(u32::MAX) + 1.0)
}

/// `bytes` random bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: usize) -> String {
    let mut buffer = vec![0_u8; bytes];
    getrandom::fill(&mut buffer).expect("the operating system provides randomness");
    buffer.iter().map(|byte| format!("{byte:02x}")).collect()
}
