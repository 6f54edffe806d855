//! What a role's session may be like: its length, and its name in CloudTrail (STS API, `AssumeRole`).
//!
//! The user's own name comes first, then the caller's, by which CloudTrail shows whose session it was.

use crate::error::{Code, Error, Result};
use crate::text;

/// The permitted session lengths, in seconds (STS API, `AssumeRole`).
pub const SESSION_SECONDS: std::ops::RangeInclusive<u32> = 900..=43_200;

/// Checks a name for a role's sessions (STS API, `AssumeRole`).
///
/// # Errors
/// `invalid-input`.
pub fn check_session_name(name: &str) -> Result<()> {
    if is_session_name(name) {
        return Ok(());
    }
    let shown: String = text::shown(name).chars().take(64).collect();
    let message = format!(
        "\"{shown}\" is no name for a session. Use 2 to 64 letters, digits and the characters _+=,.@-."
    );
    Err(Error::new(Code::InvalidInput, message))
}

fn is_session_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (2..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// The name of a role's sessions: the chosen one, else the caller's own, by which CloudTrail shows who it was and which a
/// trust policy may demand (`sts:RoleSessionName`).
pub(super) fn session_name(chosen: Option<&str>, caller: &str) -> String {
    let own = caller.rsplit('/').next().unwrap_or_default();
    chosen
        .or_else(|| Some(own).filter(|own| is_session_name(own)))
        .unwrap_or("multi-cloud-manager")
        .to_owned()
}
