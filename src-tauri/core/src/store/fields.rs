//! Fields of `accounts.db` that become an address, a keychain entry, a script or a line on a screen, checked as they are
//! read: another program may have written the file.
//!
//! What makes a key must have its form, or the file counts as damaged. What is only shown is made safe to show.

use crate::account::{AccountId, Identity};
use crate::role::{PendingRole, Permissions, TypedKeys, is_access_key_id};
use crate::text;

/// Longer than any key of any cloud: an ARN has at most 2,048 characters.
const MAX_KEY_BYTES: usize = 2_048;

/// The identity with safe names, when its keys have their form and make the id of its row.
pub(super) fn identity(mut identity: Identity, id: &AccountId) -> Option<Identity> {
    let (keys, names) = match &mut identity {
        Identity::Azure {
            home,
            tenant_id,
            tenant_name,
            default_domain,
            username,
        } => (
            vec![&*home, &*tenant_id],
            vec![
                Some(username),
                tenant_name.as_mut(),
                default_domain.as_mut(),
            ],
        ),
        Identity::Gcp {
            issuer,
            subject,
            email,
            hosted_domain,
        } => (
            vec![&*issuer, &*subject],
            vec![email.as_mut(), hosted_domain.as_mut()],
        ),
        Identity::Aws {
            role_arn,
            account_id,
            partition,
            alias,
            external_id,
            caller,
            ..
        } => {
            if !is_external_id(external_id) {
                return None;
            }
            (
                vec![&*role_arn, &*account_id, &*partition],
                vec![Some(caller), alias.as_mut()],
            )
        }
    };
    let fits = keys.into_iter().all(|key| is_key(key));
    names.into_iter().flatten().for_each(clean);
    // A part of an address: nothing of it may lead elsewhere.
    let tenant_fits = match &identity {
        Identity::Azure { tenant_id, .. } => tenant_id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')),
        _ => true,
    };
    (fits && tenant_fits && identity.account_id() == *id).then_some(identity)
}

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

/// Makes a text safe to show.
pub(super) fn clean(text: &mut String) {
    let shown = text::shown(text);
    if shown != *text {
        *text = shown;
    }
}

/// A text that is safe to show.
pub(super) fn cleaned(mut text: String) -> String {
    clean(&mut text);
    text
}

/// Visible ASCII without quotes and backslashes.
fn is_key(text: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'`'))
}

/// AWS's form of External IDs: 2 to 1,224 characters of a small set.
fn is_external_id(text: &str) -> bool {
    (2..=1_224).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte))
}
