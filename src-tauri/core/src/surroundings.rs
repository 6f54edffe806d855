//! A process's surroundings that may make a renewal fail, as a short mark.
//!
//! With other variables, another network, another proxy or other AWS files, the same renewal may succeed: such a failure does not
//! apply to a process with other surroundings. The mark is eight bytes of a digest, from which no value can be found.

use crate::account::Cloud;
use crate::aws_files::Files;
use crate::digest::digest;
use crate::world::Environment;

/// Variables that lead every cloud's requests elsewhere, or to another keychain.
const OF_EVERY_CLOUD: [&str; 7] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "DBUS_SESSION_BUS_ADDRESS",
];
/// The mark of the surroundings of a cloud's renewals in this environment.
pub(crate) fn mark(environment: &Environment, cloud: Cloud) -> String {
    let prefixes: &[&str] = match cloud {
        Cloud::Aws => &["AWS_", "MCM_AWS_"],
        Cloud::Azure => &["AZURE_", "MCM_AZURE_"],
        Cloud::Gcp => &["GOOGLE_", "MCM_GOOGLE_"],
    };
    let counts = |name: &str| {
        let name = name.to_uppercase();
        prefixes.iter().any(|prefix| name.starts_with(prefix))
            || OF_EVERY_CLOUD.contains(&name.as_str())
    };
    let mut variables: Vec<(&str, &str)> = environment
        .pairs()
        .filter(|(name, _)| counts(name))
        .collect();
    variables.sort_unstable();
    let mut parts: Vec<&[u8]> = Vec::new();
    for (name, value) in &variables {
        parts.extend([name.as_bytes(), value.as_bytes()]);
    }
    // A container may have a network of its own, and the accounts of outside.
    let network = std::fs::read_link("/proc/self/ns/net").unwrap_or_default();
    parts.push(network.as_os_str().as_encoded_bytes());
    let files = (cloud == Cloud::Aws).then(|| Files::read(environment));
    if let Some(files) = &files {
        parts.extend([&*files.config.bytes, &*files.credentials.bytes]);
    }
    let mut mark = digest(parts);
    mark.truncate(16);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)], cloud: Cloud) -> String {
        let home = [("HOME", "/nowhere"), ("USERPROFILE", "/nowhere")];
        let pairs = home.into_iter().chain(pairs.iter().copied());
        mark(&Environment::from_pairs(pairs), cloud)
    }

    #[test]
    fn a_mark_differs_only_with_what_a_renewal_depends_on() {
        let plain = of(&[], Cloud::Aws);
        assert_eq!(
            of(&[("TERM", "xterm"), ("AZURE_CLIENT_ID", "x")], Cloud::Aws),
            plain
        );
        for variable in [
            ("AWS_ENDPOINT_URL", "http://localhost:1"),
            ("AWS_ACCESS_KEY_ID", "AKIAX"),
            ("https_proxy", "http://localhost:1"),
            ("HTTPS_PROXY", "http://localhost:1"),
        ] {
            assert_ne!(of(&[variable], Cloud::Aws), plain, "{variable:?}");
        }
        let plain = of(&[], Cloud::Azure);
        assert_ne!(of(&[("AZURE_AUTHORITY_HOST", "x")], Cloud::Azure), plain);
        assert_eq!(of(&[("AWS_PROFILE", "x")], Cloud::Azure), plain);
    }
}
