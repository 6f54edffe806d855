//! What a source needs of AWS's shared files: one profile, and the profiles and sections that it leads to.
//!
//! The files are read by `aws_files`, as botocore reads them, so that a fault is named with its file and line. The SDK
//! never opens them: it gets a file in memory with the one profile that is needed, which no other profile can spoil.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde::Serialize;
use ts_rs::TS;

use crate::aws_files::{Client, Files, Merged, Profiles, nested};
use crate::error::{Code, Error, Result};
use crate::text;
use crate::world::Environment;

/// The kind of a source's credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum AwsSourceKind {
    /// The default chain, when the environment holds access keys, which then come first.
    Environment,
    /// The default chain otherwise.
    DefaultChain,
    /// IAM Identity Center, signed in to with `aws sso login`.
    IdentityCenter,
    /// The console's sign-in, with `aws login`.
    Login,
    /// Keys in the shared files.
    StaticKeys,
    /// A program of the profile.
    Process,
    /// This app itself, as the profile's program: it would be asked for its own credential.
    Ourselves,
    /// A role that the profile assumes from another source.
    Role,
    /// Keys that were typed into this app.
    TypedKeys,
    /// A role of a sign-in to IAM Identity Center in this app.
    CenterRole,
    /// The profile names no credentials.
    Nothing,
}

/// The settings of a profile that the SDK is given: those of credentials, regions and endpoints.
const FOR_SDK: [&str; 23] = [
    "region",
    "role_arn",
    "role_session_name",
    "credential_source",
    "external_id",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "sso_region",
    "sso_account_id",
    "sso_role_name",
    "login_session",
    "aws_account_id",
    "services",
    "endpoint_url",
    "ignore_configured_endpoint_urls",
    "use_fips_endpoint",
    "use_dualstack_endpoint",
    "sts_regional_endpoints",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "ec2_metadata_v1_disabled",
    "sso_registration_scopes",
];

/// Where a profile's credentials come from, in botocore's order (`create_credential_resolver`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin<'a> {
    /// A role that is assumed with another profile's credentials.
    Role(RoleProfile<'a>),
    /// A role that is assumed with what the environment or the machine has.
    RoleOfMachine,
    /// A role that is assumed with a token in a file.
    WebIdentity,
    /// IAM Identity Center.
    IdentityCenter,
    /// The console's sign-in.
    Login,
    /// Keys in one of the files.
    ProfileKeys(ProfileKeys<'a>),
    /// A key in one of the files, without its secret.
    HalfKey,
    /// A program.
    Process(&'a str),
    /// Nothing of the profile's own.
    Nothing,
}

/// A profile that assumes a role with another profile's credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleProfile<'a> {
    pub(super) role_arn: &'a str,
    pub(super) source_profile: &'a str,
    pub(super) external_id: Option<&'a str>,
    pub(super) session_name: Option<&'a str>,
    pub(super) seconds: Option<&'a str>,
    pub(super) mfa_serial: Option<&'a str>,
}

/// Keys as a file has them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ProfileKeys<'a> {
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
    pub(super) token: Option<&'a str>,
}

impl std::fmt::Debug for ProfileKeys<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProfileKeys")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The shared files, read once.
pub(super) struct SharedConfig {
    merged: Merged,
    /// The `sso-session` and `services` sections, by their kind and name.
    sections: BTreeMap<(&'static str, String), BTreeMap<String, String>>,
    /// The profile that the environment selects.
    selected: String,
    /// The place of the config file, as the user knows it.
    place: String,
}

impl SharedConfig {
    /// Reads both files.
    ///
    /// # Errors
    /// `setting-invalid`, with file and line, for a file that AWS's command line would refuse; and where the two
    /// variables for a profile name different ones, of which each client takes another.
    pub(super) fn read(environment: &Environment) -> Result<Self> {
        let files = Files::read(environment);
        Ok(Self {
            merged: files.profiles(Client::Botocore)?,
            sections: files.config.named_sections()?,
            selected: selected(environment)?,
            place: place(environment),
        })
    }

    /// No file at all: for credentials that need none.
    pub(super) fn none() -> Self {
        Self {
            merged: Merged {
                config: Arc::default(),
                credentials: Arc::default(),
            },
            sections: BTreeMap::new(),
            selected: "default".to_owned(),
            place: String::new(),
        }
    }

    /// The profile that the environment selects; `default` when it selects none.
    pub(super) fn selected(&self) -> &str {
        &self.selected
    }

    /// The names of all profiles, sorted.
    pub(super) fn names(&self) -> Vec<&str> {
        self.merged.names()
    }

    /// The value of a setting; one that is empty counts as not set.
    pub(super) fn get(&self, profile: &str, setting: &str) -> Option<&str> {
        self.merged
            .get(profile, setting)
            .filter(|value| !value.is_empty())
    }

    /// Refuses a profile that is not there.
    ///
    /// # Errors
    /// `not-found`.
    pub(super) fn require(&self, profile: &str) -> Result<()> {
        if self.merged.has(profile) {
            return Ok(());
        }
        let message = format!(
            "There is no profile \"{}\" in {}. Run \"aws configure list-profiles\" to list the profiles.",
            text::shown(profile),
            self.place
        );
        Err(Error::new(Code::NotFound, message))
    }

    /// Where a profile's credentials come from.
    pub(super) fn origin(&self, profile: &str) -> Origin<'_> {
        let get = |setting| self.get(profile, setting);
        if let Some(role_arn) = get("role_arn") {
            if get("web_identity_token_file").is_some() {
                return Origin::WebIdentity;
            }
            let Some(source_profile) = get("source_profile") else {
                return Origin::RoleOfMachine;
            };
            return Origin::Role(RoleProfile {
                role_arn,
                source_profile,
                external_id: get("external_id"),
                session_name: get("role_session_name"),
                seconds: get("duration_seconds"),
                mfa_serial: get("mfa_serial"),
            });
        }
        self.own_origin(profile)
    }

    /// Where a profile's credentials come from when its role is left aside.
    pub(super) fn own_origin(&self, profile: &str) -> Origin<'_> {
        let get = |setting| self.get(profile, setting);
        // A profile with a start URL alone is for `aws sso login`, and its credentials come from elsewhere.
        if get("sso_account_id")
            .or_else(|| get("sso_role_name"))
            .is_some()
        {
            return Origin::IdentityCenter;
        }
        if let Some(origin) = in_file(&self.merged.credentials, profile) {
            return origin;
        }
        if get("login_session").is_some() {
            return Origin::Login;
        }
        if let Some(command) = get("credential_process") {
            return Origin::Process(command);
        }
        in_file(&self.merged.config, profile).unwrap_or(Origin::Nothing)
    }

    /// The profile whose credentials a role's profile is assumed with, and where these come from: keys of the profile
    /// itself come before a role of it there.
    pub(super) fn base_origin(&self, profile: &str, base: &str) -> Origin<'_> {
        let has_keys = [&self.merged.credentials, &self.merged.config]
            .into_iter()
            .any(|file| keys(file, base).is_some());
        if has_keys || base == profile {
            self.own_origin(base)
        } else {
            self.origin(base)
        }
    }

    /// The kind of source that a profile is.
    pub(super) fn kind(&self, profile: &str) -> AwsSourceKind {
        match self.origin(profile) {
            Origin::Role(_) | Origin::RoleOfMachine | Origin::WebIdentity => AwsSourceKind::Role,
            Origin::IdentityCenter => AwsSourceKind::IdentityCenter,
            Origin::Login => AwsSourceKind::Login,
            Origin::ProfileKeys(_) => AwsSourceKind::StaticKeys,
            Origin::Process(_) => AwsSourceKind::Process,
            Origin::HalfKey | Origin::Nothing => AwsSourceKind::Nothing,
        }
    }

    /// The profiles from this one along its `source_profile`s, each with where its credentials come from.
    ///
    /// # Errors
    /// `not-found` for a profile that is not there, `setting-invalid` for a circle.
    pub(super) fn chain<'a>(&'a self, profile: &'a str) -> Result<Vec<(&'a str, Origin<'a>)>> {
        self.require(profile)?;
        let mut chain = vec![(profile, self.origin(profile))];
        loop {
            let (name, origin) = chain.last().expect("it begins with one");
            let Origin::Role(role) = origin else {
                return Ok(chain);
            };
            let next = role.source_profile;
            self.require(next)?;
            if *name != next && chain.iter().any(|(seen, _)| *seen == next) {
                let message = format!(
                    "The source_profile of AWS profile \"{}\" leads back to \"{}\". Fix {}.",
                    text::shown(name),
                    text::shown(next),
                    self.place
                );
                return Err(Error::new(Code::SettingInvalid, message));
            }
            let base = self.base_origin(name, next);
            chain.push((next, base));
        }
    }

    /// The file that the SDK is given: this one profile as `[default]`, and the sections that it names.
    pub(super) fn for_sdk(&self, profile: &str) -> String {
        let mut file = String::from("[default]\n");
        for setting in FOR_SDK {
            if let Some(value) = self
                .get(profile, setting)
                .filter(|value| is_one_line(value))
            {
                let _ = writeln!(file, "{setting} = {value}");
            }
        }
        for (kind, setting) in [("sso-session", "sso_session"), ("services", "services")] {
            let Some(name) = self.get(profile, setting) else {
                continue;
            };
            let Some(settings) = self.sections.get(&(kind, name.to_owned())) else {
                continue;
            };
            let _ = writeln!(file, "[{kind} {name}]");
            for (setting, value) in settings {
                let inner = value.starts_with('\n').then(|| nested(value)).flatten();
                match inner {
                    Some(pairs) => {
                        let _ = writeln!(file, "{setting} =");
                        for (key, value) in pairs {
                            let _ = writeln!(file, "  {key} = {value}");
                        }
                    }
                    None if is_one_line(value) => {
                        let _ = writeln!(file, "{setting} = {value}");
                    }
                    None => {}
                }
            }
        }
        file
    }

    /// The command that signs in to a profile, or to the one it builds on.
    pub(super) fn sign_in_command(&self, profile: &str) -> Option<String> {
        let chain = self.chain(profile).ok()?;
        let (name, origin) = chain.last()?;
        match origin {
            Origin::IdentityCenter => Some(format!("aws sso login --profile {}", quoted(name))),
            Origin::Login => Some(format!("aws login --profile {}", quoted(name))),
            _ => None,
        }
    }

    /// The profile at the end of a chain, when its credentials come from this app.
    pub(super) fn runs_us<'a>(&'a self, profile: &'a str) -> Option<&'a str> {
        let chain = self.chain(profile).ok()?;
        match chain.last()? {
            (name, Origin::Process(command)) if is_our_program(command) => Some(name),
            _ => None,
        }
    }
}

/// What a profile's keys in a file are, if there are any. AWS's tools stop where half a key is, and so does a role.
fn in_file<'a>(file: &'a Profiles, profile: &str) -> Option<Origin<'a>> {
    if let Some(keys) = keys(file, profile) {
        return Some(Origin::ProfileKeys(keys));
    }
    let id = file.get(profile)?.get("aws_access_key_id")?;
    (!id.is_empty()).then_some(Origin::HalfKey)
}

fn keys<'a>(file: &'a Profiles, profile: &str) -> Option<ProfileKeys<'a>> {
    let settings = file.get(profile)?;
    let get = |setting: &str| {
        settings
            .get(setting)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    };
    Some(ProfileKeys {
        id: get("aws_access_key_id")?,
        secret: get("aws_secret_access_key")?,
        token: get("aws_session_token").or_else(|| get("aws_security_token")),
    })
}

/// A name as a shell takes it.
pub(super) fn quoted(name: &str) -> String {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_-.@/+:".contains(&b));
    let name = text::shown(name);
    if plain {
        name
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}

fn is_one_line(value: &str) -> bool {
    !value.contains(['\n', '\r'])
}

/// The profile that the environment selects. Clients disagree on which of the two variables counts.
fn selected(environment: &Environment) -> Result<String> {
    let named = (
        environment.get("AWS_PROFILE"),
        environment.get("AWS_DEFAULT_PROFILE"),
    );
    if let (Some(one), Some(other)) = named
        && one != other
    {
        let message = format!(
            "AWS_PROFILE is \"{}\" and AWS_DEFAULT_PROFILE is \"{}\". Unset one of them.",
            text::shown(one),
            text::shown(other)
        );
        return Err(Error::new(Code::SettingInvalid, message));
    }
    Ok(named.0.or(named.1).unwrap_or("default").to_owned())
}

fn place(environment: &Environment) -> String {
    environment
        .get("AWS_CONFIG_FILE")
        .map_or_else(|| "~/.aws/config".to_owned(), text::shown)
}

/// Whether a command line runs this app for a credential, however it is quoted, and in any folder.
fn is_our_program(command: &str) -> bool {
    let words = || command.split(|c: char| c.is_whitespace() || "\"'`;|&()$=".contains(c));
    let is_us = |word: &str| {
        let file = word.rsplit(['/', '\\']).next().unwrap_or_default();
        ["mcm", "mcm.exe", "mcm-full", "mcm-full.exe"]
            .iter()
            .any(|name| file.eq_ignore_ascii_case(name))
    };
    words().any(is_us) && words().any(|word| word == "credential-process")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_that_runs_us_is_known_however_it_is_written() {
        for ours in [
            "mcm credential-process --active",
            "/usr/bin/mcm credential-process aws-01",
            "/usr/bin/mcm-full credential-process aws-01",
            r#""/opt/Multi-Cloud Manager/mcm" credential-process aws-01"#,
            r#""C:\Program Files\Multi-Cloud Manager\MCM.EXE" credential-process aws-01"#,
            "env MCM_HOME=/tmp/x mcm credential-process aws-01",
            "sh -c 'exec mcm credential-process aws-01'",
        ] {
            assert!(is_our_program(ours), "{ours}");
        }
        for other in [
            "/opt/keys",
            "aws-vault exec --json work",
            "mcm-wrapper credential-process x",
            "mcm token x",
            "other credential-process mcm-account",
        ] {
            assert!(!is_our_program(other), "{other}");
        }
    }
}
