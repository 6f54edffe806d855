//! The one reader of AWS's shared files, `config` and `credentials`.
//!
//! `Document` reads as botocore does, which is the strictest of the clients, and keeps every line. The other SDKs
//! differ in places (`aws_files/clients.rs`); `Files` offers each client's reading, so that no credential is issued
//! that one of them would mistake for another identity's. A file that all read alike is read once
//! (`aws_files/common.rs`). `aws_files/place.rs` finds the files. Nothing here writes.

mod clients;
mod common;
mod document;
mod place;
mod words;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::error::{Code, Error};
use crate::world::Environment;

pub use document::{Broken, Document, Section, Setting, nested};
pub use words::shell_words;
pub(crate) use words::windows_words;

/// Settings that are the keys of a user or a session.
pub const KEYS: [&str; 4] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_security_token",
];
/// Settings that give a profile a credential in another way, or belong to one that does.
const SOURCES: [&str; 10] = [
    "role_arn",
    "source_profile",
    "credential_source",
    "external_id",
    "mfa_serial",
    "role_session_name",
    "web_identity_token_file",
    "credential_process",
    "login_session",
    "duration_seconds",
];

/// Sections of `config` beside those of profiles.
const NAMED_SECTIONS: [&str; 2] = ["sso-session", "services"];

/// Whether a setting is a key.
pub fn is_key(setting: &str) -> bool {
    KEYS.contains(&setting.to_lowercase().as_str())
}

/// Whether a setting gives a profile a credential, or belongs to what does.
pub fn is_source(setting: &str) -> bool {
    let setting = setting.to_lowercase();
    is_key(&setting) || SOURCES.contains(&setting.as_str()) || setting.starts_with("sso_")
}

/// The kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `~/.aws/config`
    Config,
    /// `~/.aws/credentials`
    Credentials,
}

impl Kind {
    /// The variable that names another file.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Config => "AWS_CONFIG_FILE",
            Self::Credentials => "AWS_SHARED_CREDENTIALS_FILE",
        }
    }
}

/// The client whose rules a file is read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// `aws`, boto3.
    Botocore,
    /// The SDK for JavaScript, version 3.
    JavaScript,
    /// The SDK for JavaScript, version 2.
    JavaScript2,
    /// The SDK for Go, version 2, with which Terraform reads.
    Go,
    /// The SDK for Rust, which follows the specification that those for Java, Kotlin, .NET and C++ follow too.
    Rust,
}

impl Client {
    /// Every client with known rules.
    pub const ALL: [Self; 5] = [
        Self::Botocore,
        Self::JavaScript,
        Self::JavaScript2,
        Self::Go,
        Self::Rust,
    ];

    /// The name of the client for users.
    pub fn title(self) -> &'static str {
        match self {
            Self::Botocore => "the AWS CLI and boto3",
            Self::JavaScript => "the AWS SDK for JavaScript 3",
            Self::JavaScript2 => "the AWS SDK for JavaScript 2",
            Self::Go => "Terraform and the AWS SDK for Go",
            Self::Rust => "the AWS SDKs for Rust and Java",
        }
    }

    /// The profiles that this client sees in a file.
    ///
    /// # Errors
    /// A refusal of the whole file. The line is botocore's; the other clients report none.
    pub fn profiles(self, bytes: &[u8], kind: Kind) -> Result<Profiles, Broken> {
        let refused = || Broken {
            line: 1,
            why: format!("{} cannot read it. Fix it", self.title()),
        };
        match self {
            Self::Botocore => Ok(botocore(Document::parse(bytes)?, kind)),
            Self::JavaScript => Ok(clients::javascript(&clients::text_of(bytes), kind)),
            Self::JavaScript2 => {
                clients::javascript_2(&clients::text_of(bytes), kind).ok_or_else(refused)
            }
            Self::Go => Ok(clients::go(&clients::text_of(bytes), kind)),
            // A file that is not UTF-8 is an empty one to it.
            Self::Rust => match std::str::from_utf8(bytes) {
                Ok(text) => clients::rust(text, kind).ok_or_else(refused),
                Err(_) => Ok(Profiles::default()),
            },
        }
    }
}

/// The settings of one profile. Nested sections stay text.
pub type ProfileSettings = BTreeMap<String, String>;

/// The profiles of one file, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profiles(BTreeMap<String, ProfileSettings>);

impl Profiles {
    /// The profile of this name.
    pub fn get(&self, name: &str) -> Option<&ProfileSettings> {
        self.0.get(name)
    }

    /// Every profile with its settings.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &ProfileSettings)> {
        self.0
            .iter()
            .map(|(name, settings)| (name.as_str(), settings))
    }
}

/// The profiles as botocore's `build_profile_map` finds them in `config`; in `credentials` a title is a name.
fn botocore(document: Document<'_>, kind: Kind) -> Profiles {
    let named = document.into_settings().filter_map(|(title, settings)| {
        let name = match kind {
            Kind::Credentials => title.to_owned(),
            Kind::Config => profile_name(title)?,
        };
        Some((name, settings))
    });
    // Of two sections for one profile the later one counts.
    Profiles(named.collect())
}

/// The profile that a section of `config` describes, by botocore's rules.
pub fn profile_name(title: &str) -> Option<String> {
    if title == "default" {
        return Some(title.to_owned());
    }
    if !title.starts_with("profile") {
        return None;
    }
    match <[String; 2]>::try_from(shell_words(title)?) {
        Ok([_, name]) => Some(name),
        Err(_) => None,
    }
}

/// A shared file that was read.
#[derive(Clone, Debug)]
pub struct SharedFile {
    /// Its path.
    pub path: PathBuf,
    /// Its content; empty when there is no file.
    pub bytes: Vec<u8>,
    /// Whether only a copy is the same file to every client: a pipe can be read once, and not all of them expand a
    /// `$HOME` or `~` of the variable, or treat an empty one as no file.
    pub needs_copy: bool,
    /// Whether it is longer than what is read of it.
    pub is_too_long: bool,
    kind: Kind,
    /// The profiles that every client sees, where all of them read the file alike.
    common: OnceLock<Option<Arc<Profiles>>>,
}

impl SharedFile {
    /// Reads `config` alone. The other file, which holds keys, is not opened.
    pub fn config(environment: &Environment) -> Self {
        Self::read(environment, Kind::Config)
    }

    fn read(environment: &Environment, kind: Kind) -> Self {
        let path = place::of(environment, kind);
        let (bytes, is_pipe) = path.as_deref().map(place::read).unwrap_or_default();
        let path = path.unwrap_or_default();
        let named = environment.raw(kind.variable());
        Self {
            is_too_long: bytes.len() as u64 > place::MAX_BYTES,
            needs_copy: is_pipe
                || named.is_some_and(|named| named.is_empty() || path != Path::new(named)),
            path,
            bytes,
            kind,
            common: OnceLock::new(),
        }
    }

    /// The file as botocore reads it, with its lines.
    ///
    /// # Errors
    /// `setting-invalid`, with file and line.
    pub fn document(&self) -> Result<Document<'_>, Error> {
        self.require_whole()?;
        Document::parse(&self.bytes).map_err(|broken| self.broken(&broken))
    }

    /// Refuses a file of which only a part was read: another client would go on to its end.
    ///
    /// # Errors
    /// `setting-invalid`, with the file.
    pub fn require_whole(&self) -> Result<(), Error> {
        if !self.is_too_long {
            return Ok(());
        }
        let message = format!(
            "{} is longer than 4 MiB, so mcm does not read it. Shorten it.",
            shown(&self.path)
        );
        Err(Error::new(Code::SettingInvalid, message))
    }

    /// The same file with this content.
    #[must_use]
    pub fn with(&self, bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            common: OnceLock::new(),
            ..self.clone()
        }
    }

    /// The sections of `config` that profiles name, by their kind (`sso-session`, `services`) and their name, as botocore
    /// finds them.
    ///
    /// # Errors
    /// `setting-invalid`, with file and line.
    pub fn named_sections(
        &self,
    ) -> Result<BTreeMap<(&'static str, String), ProfileSettings>, Error> {
        let document = self.document()?;
        let named = |(title, settings): (&str, ProfileSettings)| {
            let [kind, name] = <[String; 2]>::try_from(shell_words(title)?).ok()?;
            let kind = NAMED_SECTIONS.into_iter().find(|known| **known == kind)?;
            Some(((kind, name), settings))
        };
        Ok(document.into_settings().filter_map(named).collect())
    }

    /// The profiles that a client sees in it.
    ///
    /// # Errors
    /// `setting-invalid`, with file and line, when that client refuses it.
    pub fn profiles(&self, client: Client) -> Result<Arc<Profiles>, Error> {
        self.require_whole()?;
        let read_once = || common::profiles(&self.bytes, self.kind).map(Arc::new);
        if let Some(profiles) = self.common.get_or_init(read_once) {
            return Ok(Arc::clone(profiles));
        }
        let read = client.profiles(&self.bytes, self.kind);
        read.map(Arc::new).map_err(|broken| self.broken(&broken))
    }

    /// The variable that names another file instead.
    pub fn variable(&self) -> &'static str {
        self.kind.variable()
    }

    /// The error for a file that cannot be read.
    pub fn broken(&self, broken: &Broken) -> Error {
        let message = format!(
            "{}, line {}: {}.",
            shown(&self.path),
            broken.line,
            broken.why
        );
        Error::new(Code::SettingInvalid, message)
    }
}

/// Both shared files, read once.
#[derive(Clone, Debug)]
pub struct Files {
    /// `~/.aws/config`, or its replacement.
    pub config: SharedFile,
    /// `~/.aws/credentials`, or its replacement.
    pub credentials: SharedFile,
}

impl Files {
    /// Reads both. A file that does not exist, or that this user may not read, is empty.
    pub fn read(environment: &Environment) -> Self {
        Self {
            config: SharedFile::config(environment),
            credentials: SharedFile::read(environment, Kind::Credentials),
        }
    }

    /// Every profile that a client sees.
    ///
    /// # Errors
    /// `setting-invalid`, with file and line, when the client refuses one of them.
    pub fn profiles(&self, client: Client) -> Result<Merged, Error> {
        Ok(Merged {
            config: self.config.profiles(client)?,
            credentials: self.credentials.profiles(client)?,
        })
    }
}

/// The path where AWS's clients look for a shared file; none when a variable is empty, which leads botocore nowhere.
pub fn path(environment: &Environment, kind: Kind) -> Option<PathBuf> {
    place::of(environment, kind)
}

/// The profiles of both files. Of a setting that is in both, the one in `credentials` counts.
#[derive(Clone, Debug)]
pub struct Merged {
    /// Those of `config`.
    pub config: Arc<Profiles>,
    /// Those of `credentials`.
    pub credentials: Arc<Profiles>,
}

impl Merged {
    /// The value of a setting.
    pub fn get(&self, profile: &str, setting: &str) -> Option<&str> {
        self.credentials
            .0
            .get(profile)
            .and_then(|settings| settings.get(setting))
            .or_else(|| self.config.0.get(profile)?.get(setting))
            .map(String::as_str)
    }

    /// Whether there is such a profile.
    pub fn has(&self, profile: &str) -> bool {
        self.config.get(profile).is_some() || self.credentials.get(profile).is_some()
    }

    /// The names of all profiles, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .config
            .iter()
            .chain(self.credentials.iter())
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The names of a profile's settings, sorted.
    pub fn settings(&self, profile: &str) -> Vec<&str> {
        let of_both = [self.config.get(profile), self.credentials.get(profile)];
        let mut settings: Vec<&str> = of_both
            .into_iter()
            .flatten()
            .flat_map(|settings| settings.keys().map(String::as_str))
            .collect();
        settings.sort_unstable();
        settings.dedup();
        settings
    }
}

fn shown(path: &Path) -> String {
    crate::text::shown(&path.display().to_string())
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}
