//! A profile as a client of AWS sees it in the two files, and what it refuses in it.

use mcm_core::aws_files::{self, Client, Files, Merged, ProfileSettings};

/// Ways to a credential of which a profile may have one, to the Go SDK.
const WAYS: [&str; 4] = [
    "source_profile",
    "credential_source",
    "web_identity_token_file",
    "credential_process",
];

/// A profile, as the tool sees it in the two files.
pub(super) struct SeenProfile<'a> {
    pub(super) profiles: Merged,
    pub(super) files: &'a Files,
    pub(super) name: String,
}

impl SeenProfile<'_> {
    pub(super) fn config(&self) -> Option<&ProfileSettings> {
        self.profiles.config.get(&self.name)
    }

    pub(super) fn credentials(&self) -> Option<&ProfileSettings> {
        self.profiles.credentials.get(&self.name)
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.profiles.get(&self.name, key)
    }

    pub(super) fn exists(&self) -> bool {
        self.profiles.has(&self.name)
    }

    /// Why a role cannot be assumed with the credentials of this profile; none when it has some.
    pub(super) fn lacks_source(&self, source: &str) -> Option<String> {
        if !self.profiles.has(source) {
            return Some(format!("whose source_profile {source} does not exist"));
        }
        let mut settings = self.profiles.settings(source).into_iter();
        let has_one = settings.any(aws_files::is_source);
        (!has_one).then(|| format!("whose source_profile {source} has no credential"))
    }

    /// What the Go SDK refuses in a profile, whatever else the profile has.
    pub(super) fn refused_by_go(&self, profile: &str) -> Option<String> {
        let get = |setting: &str| {
            let value = self.profiles.get(profile, setting);
            value.filter(|value| !value.is_empty())
        };
        let ways: Vec<&str> = WAYS.into_iter().filter(|way| get(way).is_some()).collect();
        let needs_role = ways.iter().find(|way| **way != "credential_process");
        if let (Some(way), None) = (needs_role, get("role_arn")) {
            return Some(format!("which has {way} and no role_arn"));
        }
        if let [one, other, ..] = ways.as_slice() {
            return Some(format!("which has both {one} and {other}"));
        }
        if let Some(source) = get("source_profile")
            && let Some(why) = self.lacks_source(source)
        {
            return Some(why);
        }
        let session = get("sso_session")?;
        let sections = self.files.config.named_sections().unwrap_or_default();
        let is_there = sections
            .keys()
            .any(|(kind, name)| *kind == "sso-session" && name == session);
        (!is_there).then(|| format!("whose sso_session {session} does not exist"))
    }
}

/// The keys in a profile of one file.
pub(super) enum Keys<'a> {
    /// The id of an access key that has its secret.
    Complete(&'a str),
    /// One half. The client stops there.
    Partial {
        has: &'static str,
        lacks: &'static str,
    },
}

pub(super) fn keys(client: Client, settings: &ProfileSettings) -> Option<Keys<'_>> {
    const NAMES: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];
    let [id, secret] = NAMES.map(|name| {
        let value = settings.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    });
    let half = |has, lacks| match client {
        // The others go on to the next place.
        Client::JavaScript | Client::JavaScript2 => None,
        Client::Botocore | Client::Go | Client::Rust => Some(Keys::Partial { has, lacks }),
    };
    match (id, secret) {
        (Some(id), Some(_)) => Some(Keys::Complete(id)),
        (Some(_), None) => half(NAMES[0], NAMES[1]),
        (None, Some(_)) if client == Client::Go => half(NAMES[1], NAMES[0]),
        (None, _) => None,
    }
}
