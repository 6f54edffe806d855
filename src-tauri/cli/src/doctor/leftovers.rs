//! Credentials that other tools keep in plain text.
//!
//! A file is searched for the words that accompany a credential, and named. None of its content is kept or shown. A
//! file that others on the machine may read is reported as such.

use std::fs;
use std::path::{Path, PathBuf};

use mcm_core::file::Foreign;
use mcm_core::other_tools::OtherTools;
use mcm_core::world::Environment;

use super::Check;

/// A place where a tool keeps credentials.
struct Place {
    /// What the check is called.
    name: &'static str,
    /// A file, or a folder of files and of folders of files.
    path: PathBuf,
    /// The kind of credential that it holds.
    what: &'static str,
    /// Words that accompany a credential in it, in lower case.
    signs: &'static [&'static str],
    /// The fix.
    remedy: &'static str,
}

/// Every place where a credential was found; one passing check when there was none.
pub(super) fn all(environment: &Environment) -> Vec<Check> {
    let Ok(tools) = OtherTools::of(environment) else {
        return Vec::new();
    };
    let mut places = places(&tools);
    if let Some(file) = environment.get("GOOGLE_APPLICATION_CREDENTIALS") {
        places.push(Place {
            name: "google key file",
            path: PathBuf::from(file),
            what: "a Google key or refresh token, named by GOOGLE_APPLICATION_CREDENTIALS",
            signs: &["private_key", "\"refresh_token\": \"1//"],
            remedy: "Use \"mcm exec\" or your own account instead of a key, and delete the key at Google.",
        });
    }
    let found: Vec<Check> = places.iter().filter_map(Place::check).collect();
    if found.is_empty() {
        return vec![Check::ok(
            "plain-text credentials",
            "none in the files of aws, az and gcloud",
        )];
    }
    found
}

fn places(tools: &OtherTools<'_>) -> Vec<Place> {
    const KEYS: &[&str] = &["aws_secret_access_key", "aws_session_token"];
    const TYPE_THEM: &str = "Type the keys into the app, which stores them in the keychain, and remove them from this file. \
                             \"mcm configure aws\" writes profiles that need none.";
    const LOG_OUT: &str =
        "Run \"gcloud auth revoke --all\" if you do not need gcloud's own sign-in.";
    let (aws, azure, gcloud) = (tools.aws(), tools.azure(), tools.gcloud());
    let place = |name, path, what, signs, remedy| Place {
        name,
        path,
        what,
        signs,
        remedy,
    };
    vec![
        place(
            "aws credentials file",
            tools.aws_credentials(),
            "access keys",
            KEYS,
            TYPE_THEM,
        ),
        place(
            "aws config file",
            tools.aws_config(),
            "access keys",
            KEYS,
            TYPE_THEM,
        ),
        place(
            "aws sso cache",
            aws.join("sso/cache"),
            "tokens of aws sso login",
            &["\"accesstoken\"", "\"refreshtoken\"", "\"clientsecret\""],
            "Run \"aws sso logout\" if you do not need them.",
        ),
        place(
            "aws cli cache",
            aws.join("cli/cache"),
            "sessions of roles",
            &["\"secretaccesskey\""],
            "Delete the files. Profiles with role_arn create them; profiles of \"mcm configure aws\" do not.",
        ),
        place(
            "aws login cache",
            tools.aws_login_cache(),
            "tokens of aws login",
            &["\"secretaccesskey\"", "\"refreshtoken\""],
            "Run \"aws logout\" if you do not need them.",
        ),
        place(
            "azure token cache",
            azure.join("msal_token_cache.json"),
            "refresh tokens of az",
            &["\"secret\""],
            "Run \"az account clear\" if you do not need az's own sign-in.",
        ),
        place(
            "azure service principals",
            azure.join("service_principal_entries.json"),
            "secrets of applications",
            &["client_secret", "\"certificate\"", "client_assertion"],
            "Run \"az logout\" for each application, and replace its secret.",
        ),
        place(
            "azure access tokens",
            azure.join("accessTokens.json"),
            "tokens of an old version of az",
            &["accesstoken", "refreshtoken"],
            "Delete the file: current versions of az do not read it.",
        ),
        place(
            "gcloud credentials",
            gcloud.join("credentials.db"),
            "refresh tokens of gcloud",
            &["refresh_token", "private_key"],
            LOG_OUT,
        ),
        place(
            "gcloud access tokens",
            gcloud.join("access_tokens.db"),
            "access tokens of gcloud",
            &["ya29."],
            LOG_OUT,
        ),
        place(
            "gcloud legacy credentials",
            gcloud.join("legacy_credentials"),
            "refresh tokens of gcloud",
            &["refresh_token", "private_key"],
            LOG_OUT,
        ),
        place(
            "application default credentials",
            gcloud.join("application_default_credentials.json"),
            "a Google refresh token or key",
            &["refresh_token", "private_key"],
            "Run \"gcloud auth application-default revoke\"; \"mcm exec\" gives programs credentials instead.",
        ),
    ]
}

impl Place {
    /// The finding, if there is a credential, or a file that may hold one and cannot be read.
    fn check(&self) -> Option<Check> {
        let files = files(&self.path, 2);
        let holding: Vec<&PathBuf> = files.iter().filter(|file| self.is_in(file)).collect();
        let first = holding.first()?;
        let count = match holding.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let open = holding
            .iter()
            .find_map(|file| Some((file, wider_mode(file)?)));
        let (others, close) = match open {
            None => (String::new(), String::new()),
            Some((file, mode)) => (
                format!(" Other users of this machine can read it (mode {mode:03o})."),
                format!(" Until then, run: chmod 600 {}", file.display()),
            ),
        };
        let found = format!(
            "{}{count} may hold {} in plain text.{others}",
            first.display(),
            self.what
        );
        Some(Check::warn(
            self.name,
            found,
            format!("{}{close}", self.remedy),
        ))
    }

    fn is_in(&self, file: &Path) -> bool {
        let Ok(file) = Foreign::read(file) else {
            return true;
        };
        let Some(bytes) = file.bytes() else {
            return false;
        };
        let bytes = bytes.to_ascii_lowercase();
        let holds = |sign: &&str| {
            bytes
                .windows(sign.len())
                .any(|window| window == sign.as_bytes())
        };
        self.signs.iter().any(holds)
    }
}

/// The files at a place, in order, down to `depth` folders.
fn files(path: &Path, depth: usize) -> Vec<PathBuf> {
    let Ok(metadata) = fs::metadata(path) else {
        return Vec::new();
    };
    if !metadata.is_dir() {
        return if metadata.is_file() {
            vec![path.to_owned()]
        } else {
            Vec::new()
        };
    }
    if depth == 0 {
        return Vec::new();
    }
    let entries = fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .take(200);
    let mut found: Vec<PathBuf> = entries
        .flat_map(|entry| files(&entry.path(), depth - 1))
        .collect();
    found.sort();
    found
}

/// The permissions of a file, if they extend beyond its owner.
#[cfg(unix)]
fn wider_mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn wider_mode(_path: &Path) -> Option<u32> {
    None
}
