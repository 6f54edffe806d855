//! GUIDs, as Microsoft writes the ids of tenants, subscriptions and app registrations.

/// Whether a text is a GUID in its usual form: 36 characters, hexadecimal digits in groups of 8, 4, 4, 4 and 12.
pub fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
