//! Copies of AWS's own files that keep other credentials from a command, and the profile that runs `mcm`.
//!
//! AWS's libraries read the `default` profile before they ask a container's endpoint. A user with keys there would
//! work as another account than the one they named. For one command, such a file is replaced by a copy without the
//! default profile's credential and without any keys; everything else stays. The copy is then read as every client
//! reads it, and the command is refused if one would still find a key. Nothing here writes to the files themselves.

use std::path::PathBuf;
use std::sync::Arc;

use mcm_core::aws_files::{self, Client, Document, Files, Profiles, SharedFile};
use mcm_core::error::{Code, Error};
use mcm_core::file;
use mcm_core::world::Environment;

use crate::configure::{asked, command};
use crate::program;
use crate::variables::Fact;

/// The files from which boto reads keys when AWS's files have none. botocore still reads them, before it asks an
/// endpoint.
const BOTO_FILES: [&str; 2] = ["/etc/boto.cfg", "~/.boto"];

/// A copy of a file that would give a command another credential than ours.
#[derive(Debug)]
pub(crate) struct FileCopy {
    /// What leads to it.
    pub(crate) fact: Fact,
    /// The file itself.
    pub(crate) original: PathBuf,
    /// What the copy holds.
    pub(crate) content: Vec<u8>,
}

/// The copies that a command needs.
///
/// # Errors
/// `setting-invalid`, with file and line, when no copy is safe with every client.
pub(crate) fn without_credentials(environment: &Environment) -> Result<Vec<FileCopy>, Error> {
    let files = Files::read(environment);
    let mut copies = Vec::new();
    for (fact, file) in [
        (Fact::AwsConfig, &files.config),
        (Fact::AwsCredentials, &files.credentials),
    ] {
        copies.extend(copy(file)?.map(|content| FileCopy {
            fact,
            original: file.path.clone(),
            content,
        }));
    }
    copies.extend(boto_copy(environment));
    Ok(copies)
}

/// The profile in the file of `config_for`.
pub(crate) const OWN_PROFILE: &str = "mcm";

/// A file of AWS's with one profile, which runs this program for an account.
///
/// # Errors
/// `setting-invalid` when the path of this program is unknown, or one that a client of AWS would split.
pub(crate) fn config_for(environment: &Environment, account: &str) -> Result<String, Error> {
    let command = command(&program::of_this_process(environment)?, account)?;
    Ok(format!(
        "[profile {OWN_PROFILE}]\ncredential_process = {command}\n"
    ))
}

/// Finds the profile whose only credential source, for every client, is this program with this account.
pub(crate) fn profile_that_runs_mcm(environment: &Environment, account: &str) -> Option<String> {
    let files = Files::read(environment);
    if files.config.needs_copy || files.credentials.needs_copy {
        return None;
    }
    let readings: Vec<_> = Client::ALL
        .into_iter()
        .map(|client| files.profiles(client))
        .collect::<Result<_, _>>()
        .ok()?;
    let is_ours = |profile: &str| {
        readings.iter().all(|reading| {
            let settings = reading.settings(profile);
            let mut sources = settings.iter().filter(|name| aws_files::is_source(name));
            let [own, in_credentials] = [&reading.config, &reading.credentials]
                .map(|file| file.get(profile)?.get("credential_process"));
            // One in `credentials` would win.
            let command = own.filter(|_| in_credentials.is_none());
            let is_alone =
                sources.next() == Some(&"credential_process") && sources.next().is_none();
            let (file, asked) = match command.and_then(|command| asked(command)) {
                Some(words) if is_alone => words,
                _ => return false,
            };
            asked == account && program::is_this(&file, environment)
        })
    };
    let names = readings.first()?.names().into_iter();
    let mut names = names.filter(|name| *name != "default");
    names.find(|name| is_ours(name)).map(str::to_owned)
}

/// The copy of a file; none when the file itself is safe.
fn copy(file: &SharedFile) -> Result<Option<Vec<u8>>, Error> {
    file.require_whole()?;
    let is_harmless = Client::ALL.into_iter().all(|client| {
        let profiles = client_profiles(client, file);
        profiles.is_none_or(|profiles| default_source(&profiles).is_none())
    });
    if is_harmless && !file.needs_copy {
        return Ok(None);
    }
    let refused = |why: &str| {
        let message = format!(
            "{why} So mcm cannot keep other credentials from this command. Fix the file, or set {} to another file.",
            file.variable()
        );
        Error::new(Code::SettingInvalid, message)
    };
    let kept = match file.document() {
        Ok(document) => without(&document).into_bytes(),
        Err(_) if first_credential(file).is_none() => file.bytes.clone(),
        Err(error) => return Err(refused(error.message())),
    };
    let copy = file.with(kept);
    if let Some((client, profile)) = first_credential(&copy) {
        let why = format!(
            "{}: {} would still find a credential in profile \"{profile}\" of a copy.",
            file.path.display(),
            client.title()
        );
        return Err(refused(&why));
    }
    Ok(Some(copy.bytes))
}

/// A client that finds a key in a file, or a credential for the default profile, and that profile.
fn first_credential(file: &SharedFile) -> Option<(Client, String)> {
    Client::ALL.into_iter().find_map(|client| {
        let profiles = client_profiles(client, file)?;
        let has_key = |(_, settings): &(&str, &aws_files::ProfileSettings)| {
            settings
                .iter()
                .any(|(name, value)| aws_files::is_key(name) && !value.is_empty())
        };
        let with_key = profiles
            .iter()
            .find(has_key)
            .map(|(name, _)| name.to_owned());
        let found = with_key.or_else(|| default_source(&profiles).map(|_| "default".to_owned()));
        Some((client, found?))
    })
}

/// The profiles that a client reads; none when it refuses the file, and so finds nothing in it.
fn client_profiles(client: Client, file: &SharedFile) -> Option<Arc<Profiles>> {
    file.profiles(client).ok()
}

fn default_source(profiles: &Profiles) -> Option<&str> {
    let mut names = profiles.get("default")?.keys();
    names
        .find(|name| aws_files::is_source(name))
        .map(String::as_str)
}

/// The file without any keys, and without what gives the default profile a credential.
fn without(document: &Document<'_>) -> String {
    let lines = document.lines();
    let mut is_dropped = vec![false; lines.len()];
    for section in document.sections() {
        let is_default = is_default(section.title);
        let gives =
            |name: &str| aws_files::is_key(name) || is_default && aws_files::is_source(name);
        for setting in &section.settings {
            for line in setting.lines.clone() {
                // What botocore reads as the rest of a value, other clients read as a setting of its own.
                is_dropped[line] =
                    gives(&setting.key) || name(lines[line]).is_some_and(|name| gives(&name));
            }
        }
    }
    let kept = lines
        .iter()
        .zip(is_dropped)
        .filter(|(_, is_dropped)| !is_dropped);
    kept.map(|(line, _)| *line).collect()
}

/// Whether any client reads a section of this title as the default profile. Botocore gives the settings of
/// `DEFAULT` to every section.
fn is_default(title: &str) -> bool {
    let title = title
        .replace(['"', '\''], " ")
        .replace("profile.", "profile ");
    let words: Vec<&str> = title.split_whitespace().collect();
    match words.as_slice() {
        ["default" | "DEFAULT"] => true,
        [prefix, "default"] => prefix.starts_with("profile"),
        _ => false,
    }
}

/// The text before the first `=` or `:` of a line that is no comment.
fn name(line: &str) -> Option<String> {
    let line = line.trim();
    let (name, _) = line.split_once(['=', ':'])?;
    (!line.starts_with(['#', ';'])).then(|| name.trim().to_lowercase())
}

/// A copy of boto's own file without its keys; none when there are none in it.
fn boto_copy(environment: &Environment) -> Option<FileCopy> {
    // Of the two, the user's own is the one whose other settings matter.
    boto_files(environment)
        .into_iter()
        .rev()
        .find_map(|original| {
            let bytes = file::read(&original).ok().flatten()?;
            let document = Document::parse(&bytes).ok()?;
            has_keys(&document).then(|| FileCopy {
                fact: Fact::Boto,
                content: without(&document).into_bytes(),
                original,
            })
        })
}

/// The file of boto's in which botocore finds keys, if there is one.
pub(crate) fn boto_file_with_keys(environment: &Environment) -> Option<PathBuf> {
    boto_files(environment).into_iter().find(|path| {
        let bytes = file::read(path).ok().flatten().unwrap_or_default();
        Document::parse(&bytes).is_ok_and(|document| has_keys(&document))
    })
}

fn has_keys(document: &Document<'_>) -> bool {
    let is_key = |setting: &aws_files::Setting<'_>| aws_files::is_key(&setting.key);
    let mut sections = document.sections().iter();
    sections.any(|section| section.settings.iter().any(is_key))
}

fn boto_files(environment: &Environment) -> Vec<PathBuf> {
    let home = environment.home();
    let place = |path: &str| match (path.strip_prefix("~/"), &home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    };
    match environment.get("BOTO_CONFIG") {
        Some(path) => vec![place(path)],
        None => BOTO_FILES.map(place).to_vec(),
    }
}

/// Whether a profile takes its credential from this program, by itself or by way of the profiles that it builds on.
pub(crate) fn leads_to_us(environment: &Environment, profile: &str) -> bool {
    let Ok(profiles) = Files::read(environment).profiles(Client::Botocore) else {
        return false;
    };
    let mut name = profile;
    // A profile may name itself as its source, and two may name each other.
    for _ in 0..8 {
        if let Some(command) = profiles.get(name, "credential_process") {
            return asked(command).is_some();
        }
        match profiles.get(name, "source_profile") {
            Some(source) => name = source,
            None => return false,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(text: &str) -> Option<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("config");
        file::replace(&path, text.as_bytes()).expect("ours");
        let environment = Environment::from_pairs([
            ("HOME", folder.path().to_str().expect("text")),
            ("AWS_CONFIG_FILE", path.to_str().expect("text")),
        ]);
        let copies = without_credentials(&environment).expect("it can be copied");
        copies
            .into_iter()
            .next()
            .map(|copy| String::from_utf8(copy.content).expect("text"))
    }

    #[test]
    fn a_default_profile_without_a_credential_leaves_the_file_alone() {
        for text in [
            "",
            "[default]\nregion = eu-central-1\n",
            "[profile work]\nrole_arn = a\n[work]\naws_access_key_id=k\n",
        ] {
            assert_eq!(copied(text), None, "{text}");
        }
    }

    #[test]
    fn the_copy_lacks_the_default_credential_and_all_keys_and_nothing_else() {
        let text = "# mine\n[default]\nregion = eu-central-1\nAWS_Access_Key_Id = CANARY\naws_secret_access_key: CANARY\n\
            sso_session = s\ns3 =\n  max_concurrent_requests = 20\ncredential_process =\n  CANARY --flag=x\n\n\
            [profile work]\nrole_arn = arn\n  aws_secret = kept\naws_session_token=CANARY\noutput = json\n";
        let kept = copied(text).expect("there is a credential");
        assert_eq!(
            kept,
            "# mine\n[default]\nregion = eu-central-1\ns3 =\n  max_concurrent_requests = 20\n\n\
             [profile work]\nrole_arn = arn\n  aws_secret = kept\noutput = json\n"
        );
    }

    #[test]
    fn every_spelling_of_the_default_profile_is_known() {
        for head in [
            "[default]",
            "[profile default]",
            "[ default ] # mine",
            "[profile \"default\"]",
            "[profile.default]",
        ] {
            assert!(
                copied(&format!("{head}\nrole_arn = a\n")).is_some(),
                "{head}"
            );
        }
    }

    #[test]
    fn a_key_that_some_client_takes_for_the_rest_of_a_value_is_not_copied() {
        for text in [
            "[default]\n  aws_access_key_id = CANARY\n  aws_secret_access_key = CANARY\n",
            "[default]\nregion = r\n\taws_access_key_id: CANARY\n\taws_secret_access_key: CANARY\n",
            "[default]\nregion = r\n  output = x\n  aws_access_key_id: CANARY\n  aws_secret_access_key: CANARY\n",
            "[default]\n\taws_access_key_id = CANARY\n\taws_secret_access_key = CANARY\n",
            "[default]\naws_access_key_id = CANARY\naws_secret_access_key = CANARY\n  [old]\n  aws_access_key_id = CANARY\n",
            "[default]\nregion = r\n  aws_access_key_id = CANARY\n  aws_secret_access_key = CANARY\n",
            "[default]\nsso_session = s\ns3 =\n  aws_access_key_id = CANARY\n",
            "[DEFAULT]\naws_access_key_id = CANARY\n[default]\nregion = r\n",
            "[default]\rsso_session = s\raws_access_key_id = CANARY\r",
        ] {
            let kept = copied(text).expect("there is a credential");
            assert!(!kept.contains("CANARY"), "{text:?} became {kept:?}");
        }
    }

    #[test]
    fn a_file_that_is_not_read_to_its_end_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("credentials");
        let comment = format!("# {}\n", "x".repeat(1022)).repeat(4 * 1024);
        let text = format!("{comment}[default]\naws_access_key_id = k\n");
        file::replace(&path, text.as_bytes()).expect("ours");
        let path = path.to_str().expect("text");
        let environment =
            Environment::from_pairs([("HOME", "/nowhere"), ("AWS_SHARED_CREDENTIALS_FILE", path)]);
        let error = without_credentials(&environment).expect_err("the key is behind the limit");
        assert!(
            error.message().contains(path) && error.message().contains("4 MiB"),
            "{error}"
        );
        let profile = profile_that_runs_mcm(&environment, "a");
        assert_eq!(profile, None);
    }

    #[test]
    fn a_file_whose_keys_cannot_be_told_apart_is_refused_with_its_line() {
        for text in [
            "[default]\naws_access_key_id = k\n[default]\nregion = r\n",
            "\u{feff}[default]\naws_access_key_id = k\n",
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("credentials");
            file::replace(&path, text.as_bytes()).expect("ours");
            let path = path.to_str().expect("text");
            let environment = Environment::from_pairs([
                ("HOME", "/nowhere"),
                ("AWS_SHARED_CREDENTIALS_FILE", path),
            ]);
            let error = without_credentials(&environment).expect_err(text);
            let message = error.message();
            assert!(
                message.contains(path) && message.contains(", line "),
                "{message}"
            );
        }
    }
}
