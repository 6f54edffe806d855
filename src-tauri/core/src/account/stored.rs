//! An identity as storage holds it, where another program may have written it.
//!
//! What makes a key must have its form, or nothing is done with the row. What is only shown is made safe to show.

use super::Identity;
use crate::role::is_external_id;
use crate::text;

/// Longer than any key of any cloud: an ARN has at most 2,048 characters.
const MAX_KEY_BYTES: usize = 2_048;

impl Identity {
    /// The identity with safe names, when its keys have their form.
    pub fn read_back(mut self) -> Option<Self> {
        let (keys, names) = match &mut self {
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
            Identity::IdentityCenter {
                start_url,
                typed_url,
                region,
                partition,
                user_name,
            } => {
                let mut keys = vec![&*start_url, &*region, &*partition];
                keys.extend(user_name.as_ref());
                (keys, vec![Some(typed_url)])
            }
        };
        let fits = keys.into_iter().all(|key| is_key(key));
        names.into_iter().flatten().for_each(clean);
        // A part of an address: nothing of it may lead elsewhere.
        let place_fits = match &self {
            Identity::IdentityCenter { region, .. } => region
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            Identity::Azure { tenant_id, .. } => tenant_id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')),
            _ => true,
        };
        (fits && place_fits).then_some(self)
    }
}

fn clean(text: &mut String) {
    let shown = text::shown(text);
    if shown != *text {
        *text = shown;
    }
}

/// Whether a text can be a part of a key: visible ASCII, and not endless. An IAM path may hold any of it.
pub fn is_key(text: &str) -> bool {
    (1..=MAX_KEY_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
