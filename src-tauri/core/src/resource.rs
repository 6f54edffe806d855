//! The purpose of a session: the resource that its credential is for.
//!
//! Every account has a session for the management plane of its cloud. A cloud may create sessions for other resources
//! from the same grant (Azure does); their names are in its provider. Nothing here is secret.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::guid::is_guid;

/// Longer than any identifier that Entra accepts (255), and short enough for a line.
const MAX_IDENTIFIER_BYTES: usize = 255;
/// The longest name of a role of IAM.
const MAX_ROLE_BYTES: usize = 64;

/// The purpose of a session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// The management plane: the session that every account has.
    Management,
    /// Another resource, by the cloud's identifier.
    Named(Identifier),
}

impl Resource {
    /// The key that distinguishes its session from the account's others. No identifier equals the management plane's.
    pub fn key(&self) -> &str {
        match self {
            Self::Management => "management",
            Self::Named(identifier) => identifier.as_str(),
        }
    }

    /// The identifier; none for the management plane.
    pub fn identifier(&self) -> Option<&Identifier> {
        match self {
            Self::Management => None,
            Self::Named(identifier) => Some(identifier),
        }
    }
}

/// Marks a read-only session of the whole account. No cloud has a resource of this name.
const READ_ONLY: &str = "read-only";

/// The identifier of a resource: `https://HOST/…` or `api://NAME/…`, a GUID, an account and role of AWS, or `read-only`. A trailing
/// slash is part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Identifier(String);

impl Identifier {
    /// Parses an identifier. The text may come from any program and goes into a request's scope, a file and a
    /// message, so only the characters of an identifier are allowed. Scheme, host and GUID are returned in lower
    /// case.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_IDENTIFIER_BYTES {
            return None;
        }
        if is_guid(text) {
            return Some(Self(text.to_ascii_lowercase()));
        }
        let (scheme, rest) = text.split_once("://")?;
        let (host, path) = rest
            .find('/')
            .map_or((rest, ""), |slash| rest.split_at(slash));
        let scheme = scheme.to_ascii_lowercase();
        let fits = match scheme.as_str() {
            "https" => is_host(host),
            "api" => is_segment(host),
            _ => false,
        };
        let mut segments = path
            .strip_prefix('/')
            .unwrap_or_default()
            .split('/')
            .peekable();
        let mut path_fits = true;
        while let Some(segment) = segments.next() {
            // The last one may be empty: that is the trailing slash, or no path at all.
            path_fits &= is_segment(segment) || (segment.is_empty() && segments.peek().is_none());
        }
        (fits && path_fits).then(|| Self(format!("{scheme}://{}{path}", host.to_ascii_lowercase())))
    }

    /// Reads an account and a role of AWS IAM Identity Center: `123456789012/ROLE`. The text is not trusted.
    pub fn parse_pair(text: &str) -> Option<Self> {
        let identifier = Self(text.to_owned());
        identifier.pair()?;
        Some(identifier)
    }

    /// The account as it is, narrowed to reading: for AWS by a session policy, for Google by scopes.
    pub fn read_only() -> Self {
        Self(READ_ONLY.to_owned())
    }

    /// Whether it is the account narrowed to reading.
    pub fn is_read_only(&self) -> bool {
        self.0 == READ_ONLY
    }

    /// Reads an identifier of any form, as storage has it.
    pub(crate) fn parse_stored(text: &str) -> Option<Self> {
        Self::parse(text)
            .or_else(|| Self::parse_pair(text))
            .or_else(|| (text == READ_ONLY).then(Self::read_only))
    }

    /// The twelve digits of the account and the name of the role, of an identifier that is such a pair.
    pub fn pair(&self) -> Option<(&str, &str)> {
        let (account_id, role) = self.0.split_once('/')?;
        let is_account = account_id.len() == 12 && account_id.bytes().all(|b| b.is_ascii_digit());
        let is_role = (1..=MAX_ROLE_BYTES).contains(&role.len())
            && role
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
        (is_account && is_role).then_some((account_id, role))
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it names this server as a whole.
    pub fn is_server(&self, host: &str) -> bool {
        let bare = self.0.strip_suffix('/').unwrap_or(&self.0);
        bare.strip_prefix("https://") == Some(host)
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A domain of at least two labels; no port, no user, no address in brackets.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.bytes().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.contains('.') && host.split('.').all(label)
}

/// A part of a path: unreserved characters (RFC 3986 2.3), and no step to another folder. `.default` ends a scope,
/// never a resource.
fn is_segment(segment: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !segment.is_empty()
        && segment.bytes().all(is_unreserved)
        && !matches!(segment, "." | ".." | ".default")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        Identifier::parse(text).map(|identifier| identifier.as_str().to_owned())
    }

    #[test]
    fn identifiers_are_servers_names_and_guids_and_keep_their_last_slash() {
        for (text, kept) in [
            ("https://graph.microsoft.com", "https://graph.microsoft.com"),
            (
                "https://database.windows.net/",
                "https://database.windows.net/",
            ),
            ("HTTPS://Vault.Azure.Net", "https://vault.azure.net"),
            (
                "https://contoso.example/Orders",
                "https://contoso.example/Orders",
            ),
            (
                "api://0b8c7f9e-1d2e-4f3a-8b4c-5d6e7f8a9b0c",
                "api://0b8c7f9e-1d2e-4f3a-8b4c-5d6e7f8a9b0c",
            ),
            ("api://contoso/orders", "api://contoso/orders"),
            (
                "6DAE42F8-4368-4678-94FF-3960E28E3630",
                "6dae42f8-4368-4678-94ff-3960e28e3630",
            ),
        ] {
            assert_eq!(read(text).as_deref(), Some(kept));
        }
    }

    #[test]
    fn anything_else_is_not_an_identifier() {
        let long = format!("https://{}.example", "x".repeat(300));
        for text in [
            "",
            "management",
            "graph",
            "https://",
            "https:///x",
            "https://localhost",
            "http://graph.microsoft.com",
            "https://graph.microsoft.com/.default",
            "https://graph.microsoft.com//x",
            "https://graph.microsoft.com/a/../b",
            "https://graph.microsoft.com?x=1",
            "https://graph.microsoft.com#x",
            "https://ada@graph.microsoft.com",
            "https://graph.microsoft.com:443",
            "https://graph.microsoft.com openid",
            "https://graph.microsoft.com\r\nX: y",
            "https://gräph.example",
            "https://-x.example",
            "https://graph%2emicrosoft.com",
            "api://",
            "api://a b",
            "urn:x",
            "file:///etc/passwd",
            "javascript://x.example/%0a",
            "6dae42f8-4368-4678-94ff-3960e28e363",
            long.as_str(),
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_server_is_recognised_with_and_without_its_slash() {
        let identifier = |text| Identifier::parse(text).expect("an identifier");
        assert!(identifier("https://management.azure.com/").is_server("management.azure.com"));
        assert!(identifier("https://management.azure.com").is_server("management.azure.com"));
        assert!(!identifier("https://management.azure.com/x").is_server("management.azure.com"));
        assert!(!identifier("api://management.azure.com").is_server("management.azure.com"));
    }
}
