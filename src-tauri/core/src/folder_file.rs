//! `.mcm.toml`: the environment that a folder asks for, and whether the user allowed that.
//!
//! The file is data: it names an environment of the user's own and can run, fetch or include nothing. It is read only when
//! no other user can have written it. The permission belongs to its path and content; both are kept as a digest, in our own
//! folder. Nothing in a repository can loosen that. A linked worktree of git has the permission of its main checkout for the
//! same content at the same path.

mod worktree;

use std::fs::{self, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item};

use crate::account::Cloud;
use crate::digest::digest;
use crate::environment::EnvironmentName;
use crate::error::{Code, Error, Result};
use crate::file;
use crate::text::shown;

/// The folder, among the app's data, of the permissions of such files.
pub const PERMISSIONS: &str = "folders";
/// The file's name.
pub const NAME: &str = ".mcm.toml";
/// The largest file, in bytes.
const MAX_BYTES: u64 = 4096;
/// The deepest folder that is searched, counted from the root.
const MAX_DEPTH: usize = 64;
/// The longest message, in characters.
const MAX_MESSAGE: usize = 200;

/// A file that asks for an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderFile {
    /// Its path, without links.
    pub path: PathBuf,
    /// The environment that it asks for.
    pub environment: EnvironmentName,
    /// The clouds that its folder needs.
    pub need: Vec<Cloud>,
    /// A sentence for the user. It is cleaned, and shown only once the file is allowed.
    pub message: Option<String>,
    content: String,
}

/// What a file says.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    environment: EnvironmentName,
    need: Vec<Cloud>,
    message: Option<String>,
}

/// What the user said of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// This content at this path may choose the environment.
    Allowed,
    /// Whatever is at this path is passed over.
    Denied,
    /// The user has not said.
    Unknown,
}

impl FolderFile {
    /// The nearest file, in a folder or above it. The search ends at a folder of another user, and at a mount.
    ///
    /// # Errors
    /// `setting-invalid` for a file that another user could have written, and for one that says anything else.
    pub fn find(folder: &Path) -> Result<Option<Self>> {
        let Ok(mut folder) = dunce::canonicalize(folder) else {
            return Ok(None);
        };
        let Ok(first) = fs::metadata(&folder) else {
            return Ok(None);
        };
        for _ in 0..MAX_DEPTH {
            let Ok(metadata) = fs::metadata(&folder) else {
                return Ok(None);
            };
            if !file::is_own(&metadata) || !is_on_one_mount(&metadata, &first) {
                return Ok(None);
            }
            let path = folder.join(NAME);
            if let Ok(metadata) = fs::symlink_metadata(&path) {
                return Self::read(path, &metadata).map(Some);
            }
            if !folder.pop() {
                return Ok(None);
            }
        }
        Ok(None)
    }

    fn read(path: PathBuf, metadata: &Metadata) -> Result<Self> {
        let refused = |why: &str| {
            let message = format!("{} is not used: {why}.", path.display());
            Error::new(Code::SettingInvalid, message)
        };
        let judge = |metadata: &Metadata| {
            if !metadata.is_file() {
                return Err(refused(
                    "it is a link, a folder or a device, and not a file",
                ));
            }
            if !file::is_written_by_user_alone(metadata) {
                return Err(refused(
                    "another user may have written it. Own it, and run chmod go-w",
                ));
            }
            if metadata.len() > MAX_BYTES {
                return Err(refused("it has more than 4 KiB"));
            }
            Ok(())
        };
        judge(metadata)?;
        let unreadable = |_| refused("it cannot be read");
        let file = file::open_regular(&path).map_err(unreadable)?;
        // Another file may have taken its place since.
        judge(&file.metadata().map_err(unreadable)?)?;
        let mut content = Vec::new();
        let read = file.take(MAX_BYTES + 1).read_to_end(&mut content);
        read.map_err(unreadable)?;
        if content.len() as u64 > MAX_BYTES {
            return Err(refused("it has more than 4 KiB"));
        }
        let content = String::from_utf8(content).map_err(|_| refused("it is not UTF-8"))?;
        let said = parse(&content).map_err(refused)?;
        Ok(Self {
            path,
            environment: said.environment,
            need: said.need,
            message: said.message,
            content,
        })
    }

    /// What the user said of it, or of the same content at its place in the main checkout.
    pub fn trust(&self, data: &Path) -> Trust {
        let own = self.own_trust(data);
        if own != Trust::Unknown {
            return own;
        }
        let main = worktree::in_main_checkout(&self.path);
        main.map_or(Trust::Unknown, |path| {
            let main = Self {
                path,
                ..self.clone()
            };
            main.own_trust(data)
        })
    }

    fn own_trust(&self, data: &Path) -> Trust {
        let folder = data.join(PERMISSIONS);
        if folder.join(self.denial()).is_file() {
            Trust::Denied
        } else if folder.join(self.permission()).is_file() {
            Trust::Allowed
        } else {
            Trust::Unknown
        }
    }

    /// Lets this content choose the environment at this path.
    ///
    /// # Errors
    /// `storage-failed`.
    pub fn allow(&self, data: &Path) -> Result<()> {
        let folder = data.join(PERMISSIONS);
        file::replace(&folder.join(self.permission()), b"")?;
        file::remove(&folder.join(self.denial()))
    }

    /// Passes over whatever is at this path.
    ///
    /// # Errors
    /// `storage-failed`.
    pub fn deny(&self, data: &Path) -> Result<()> {
        let folder = data.join(PERMISSIONS);
        file::replace(&folder.join(self.denial()), b"")?;
        file::remove(&folder.join(self.permission()))
    }

    fn permission(&self) -> String {
        let path = self.path.as_os_str().as_encoded_bytes();
        format!("allowed-{}", digest([path, self.content.as_bytes()]))
    }

    fn denial(&self) -> String {
        format!(
            "denied-{}",
            digest([self.path.as_os_str().as_encoded_bytes()])
        )
    }
}

fn parse(content: &str) -> std::result::Result<Said, &'static str> {
    const KEYS: &str =
        "it must be TOML with environment = \"dev\", and may have message and [need] besides";
    const NEED: &str = "[need] may have aws, azure and gcp, each true or false";
    let document: DocumentMut = content.parse().map_err(|_| KEYS)?;
    let (mut environment, mut need, mut message) = (None, Vec::new(), None);
    for (key, value) in document.iter() {
        match key {
            "environment" => {
                let name = value.as_str().and_then(EnvironmentName::parse);
                environment = Some(name.ok_or("environment must be the name of an environment")?);
            }
            "need" => need = needed(value).ok_or(NEED)?,
            "message" => {
                let text = value.as_str().map(shown);
                let text = text.filter(|text| text.chars().count() <= MAX_MESSAGE);
                message = Some(text.ok_or("message must be text of at most 200 characters")?);
            }
            _ => return Err(KEYS),
        }
    }
    Ok(Said {
        environment: environment.ok_or(KEYS)?,
        need,
        message,
    })
}

fn needed(value: &Item) -> Option<Vec<Cloud>> {
    let mut clouds = Vec::new();
    for (name, value) in value.as_table_like()?.iter() {
        let cloud = Cloud::ALL
            .into_iter()
            .find(|cloud| cloud.as_str() == name)?;
        if value.as_bool()? {
            clouds.push(cloud);
        }
    }
    Some(clouds)
}

#[cfg(unix)]
fn is_on_one_mount(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    one.dev() == other.dev()
}

#[cfg(not(unix))]
fn is_on_one_mount(_one: &Metadata, _other: &Metadata) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_an_environment_and_says_nothing_else() {
        for good in ["environment = \"dev\"", "# x\r\nenvironment = 'dev'\r\n"] {
            let said = parse(good).expect("it names one");
            assert_eq!((said.environment.as_str(), said.need), ("dev", Vec::new()));
        }
        let whole =
            "environment = \"dev\"\nmessage = \"a\\u001bb\"\n[need]\naws = true\ngcp = false\n";
        let said = parse(whole).expect("it names one");
        assert_eq!(said.need, [Cloud::Aws]);
        assert_eq!(
            said.message.map(|text| text.contains('\u{1b}')),
            Some(false)
        );
        for bad in [
            "",
            "environment = 1",
            "environment = \"$(id)\"",
            "environment = \"dev\"\nrun = \"x\"",
            "message = \"x\"",
            "environment = \"dev\"\n[need]\noracle = true",
            "environment = \"dev\"\nneed = { aws = 1 }",
            "environment = \"dev\"\nmessage = 1",
            "[environment]\nname = \"dev\"",
            "\u{feff}\u{feff}environment = \"dev\"",
            "environment = \"dev\"\nenvironment = \"prod\"",
            "environment",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_file_that_is_read_is_the_one_that_is_judged() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        file::replace(&path, b"environment = \"dev\"").expect("written");
        let looked_at = fs::symlink_metadata(&path).expect("there");
        FolderFile::read(path.clone(), &looked_at).expect("it is the user's");

        // Another takes its place after it was looked at.
        file::replace(&path, b"environment = \"prod\"").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666))
            .expect("its owner changes it");
        let error = FolderFile::read(path, &looked_at).expect_err("others could have written it");
        assert!(
            error.message().contains("another user may have written it"),
            "{error}"
        );
    }
}
