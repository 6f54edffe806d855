//! AWS's own files, as far as a command or a shell must be kept from them or can be led to them.
//!
//! AWS's libraries look into the `default` profile before they ask a container's endpoint, so a person who keeps keys
//! there would work as somebody else than the account that they named. Such a file is replaced, for one command, by a
//! copy without these lines and without anybody's keys; everything else in it stays as it is. Nothing here writes to
//! the files themselves.

use std::path::Path;

use mcm_core::account::AccountId;
use mcm_core::file;
use mcm_core::world::Environment;

use crate::other_tools::OtherTools;

/// Keys of a user or a session. They are copied for nobody.
const KEYS: [&str; 4] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
];
/// Whatever else gives a profile a credential, or belongs to what does.
const SOURCES: [&str; 9] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "external_id",
    "mfa_serial",
    "role_session_name",
    "web_identity_token_file",
    "credential_process",
    "login_session",
];

/// Copies of the files whose default profile has a credential, by the variable that leads to them.
pub(crate) fn without_default_credentials(
    environment: &Environment,
) -> Vec<(&'static str, String)> {
    let Ok(tools) = OtherTools::of(environment) else {
        return Vec::new();
    };
    let files = [
        ("AWS_CONFIG_FILE", tools.aws_config()),
        ("AWS_SHARED_CREDENTIALS_FILE", tools.aws_credentials()),
    ];
    files
        .into_iter()
        .filter_map(|(variable, path)| Some((variable, copy(&text(&path)?)?)))
        .collect()
}

/// The profile whose credentials come from `mcm credential-process` for this account.
pub(crate) fn profile_that_asks_us(
    environment: &Environment,
    account: &AccountId,
) -> Option<String> {
    let config = OtherTools::of(environment).ok()?.aws_config();
    profile_running(&text(&config)?, account.as_str())
}

/// What is in one of the files. One that we cannot read is not read by a command either.
fn text(path: &Path) -> Option<String> {
    let bytes = file::read(path).ok().flatten()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn profile_running(text: &str, account: &str) -> Option<String> {
    let mut profile = None;
    for line in text.lines() {
        if let Some(section) = section(line) {
            profile = section
                .strip_prefix("profile ")
                .map(str::to_owned)
                .filter(|name| !name.contains(' '));
        } else if key(line).as_deref() == Some("credential_process") {
            let mut words = line.split_whitespace().rev();
            if words.next() == Some(account)
                && words.next() == Some("credential-process")
                && profile.is_some()
            {
                return profile;
            }
        }
    }
    None
}

/// The copy of a file; none when its default profile has no credential.
fn copy(text: &str) -> Option<String> {
    let (mut is_default, mut is_dropping, mut has_credential) = (false, false, false);
    let mut kept = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let is_continued = line.starts_with([' ', '\t']) && !line.trim().is_empty();
        if !is_continued {
            is_dropping = false;
            if let Some(section) = section(line) {
                is_default = section == "default" || section == "profile default";
            } else if let Some(key) = key(line) {
                let gives = KEYS.contains(&key.as_str())
                    || SOURCES.contains(&key.as_str())
                    || key.starts_with("sso_");
                has_credential |= is_default && gives;
                is_dropping = is_default && gives || KEYS.contains(&key.as_str());
            }
        }
        if !is_dropping {
            kept.push_str(line);
        }
    }
    has_credential.then_some(kept)
}

/// The name in a section's head, with single spaces.
fn section(line: &str) -> Option<String> {
    let (name, _) = line.trim().strip_prefix('[')?.split_once(']')?;
    Some(
        name.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .replace('"', ""),
    )
}

fn key(line: &str) -> Option<String> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    line.find(['=', ':'])
        .map(|end| line[..end].trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_profile_without_a_credential_leaves_the_file_alone() {
        for text in [
            "",
            "[default]\nregion = eu-central-1\n",
            "[profile work]\nrole_arn = a\n[work]\naws_access_key_id=k\n",
        ] {
            assert_eq!(copy(text), None, "{text}");
        }
    }

    #[test]
    fn the_copy_lacks_the_default_credential_and_everybodys_keys_and_nothing_else() {
        let text = "# mine\n[default]\nregion = eu-central-1\nAWS_Access_Key_Id = CANARY\naws_secret_access_key: CANARY\n\
            sso_session = s\ns3 =\n  max_concurrent_requests = 20\ncredential_process =\n  CANARY --flag\n\n\
            [profile work]\nrole_arn = arn\n  aws_secret = kept\naws_session_token=CANARY\noutput = json\n";
        let kept = copy(text).expect("there is a credential");
        assert_eq!(
            kept,
            "# mine\n[default]\nregion = eu-central-1\ns3 =\n  max_concurrent_requests = 20\n\n\
             [profile work]\nrole_arn = arn\n  aws_secret = kept\noutput = json\n"
        );
    }

    #[test]
    fn the_profile_that_runs_us_for_an_account_is_found_and_no_other() {
        let text = "[default]\ncredential_process = mcm credential-process aws-1\n[profile a]\nregion = r\n\
            credential_process = '/usr/bin/mcm' credential-process aws-12\n[profile b]\n\
            credential_process=mcm credential-process aws-1\n";
        assert_eq!(profile_running(text, "aws-1").as_deref(), Some("b"));
        assert_eq!(profile_running(text, "aws-12").as_deref(), Some("a"));
        assert_eq!(profile_running(text, "aws-123"), None);
    }

    #[test]
    fn every_spelling_of_the_default_profile_is_known() {
        for head in [
            "[default]",
            "[profile default]",
            "[ default ] # mine",
            "[profile \"default\"]",
        ] {
            assert!(copy(&format!("{head}\nrole_arn = a\n")).is_some(), "{head}");
        }
    }
}
