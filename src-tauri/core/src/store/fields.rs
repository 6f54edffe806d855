//! Fields of `accounts.db` that become an address, a keychain entry, a script or a line on a screen, checked as they are
//! read: another program may have written the file.
//!
//! What makes a key must have its form, or the file counts as damaged. What is only shown is made safe to show.

use crate::account::is_key;
use crate::role::{PendingRole, Permissions, TypedKeys, is_access_key_id, is_external_id};
use crate::text;

/// Whether the templates may name what is in a pending role: they are scripts that the user runs.
pub(super) fn is_pending_role(role: &PendingRole) -> bool {
    let policy = match &role.permissions {
        Permissions::Policy { arn } => is_key(arn),
        _ => true,
    };
    let is_name = (1..=64).contains(&role.role_name.len())
        && role
            .role_name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte));
    policy && is_name && is_key(&role.principal_arn) && is_external_id(&role.external_id)
}

/// Whether the id can name a keychain entry, and the owner be shown.
pub(super) fn is_access_keys(keys: &TypedKeys) -> bool {
    is_access_key_id(&keys.access_key_id) && is_key(&keys.arn)
}

/// A text that is safe to show.
pub(super) fn cleaned(text: String) -> String {
    text::shown(&text)
}
