//! `.mcm.toml`: the environment that a folder asks for, and whether the user allowed that.
//!
//! The file is data: it names an environment of the user's own and can run, fetch or include nothing. It is read only when
//! no other user can have written it. The permission belongs to its path and content; both are kept as a digest, in our own
//! folder. Nothing in a repository can loosen that.

use std::fs::{self, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use crate::digest::digest;
use crate::environment::EnvironmentName;
use crate::error::{Code, Error, Result};
use crate::file;

/// The file's name.
pub const NAME: &str = ".mcm.toml";
/// The largest file, in bytes.
const MAX_BYTES: u64 = 4096;
/// The deepest folder that is searched, counted from the root.
const MAX_DEPTH: usize = 64;

/// A file that asks for an environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderFile {
    /// Its path, without links.
    pub path: PathBuf,
    /// The environment that it asks for.
    pub environment: EnvironmentName,
    content: String,
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
        if !metadata.is_file() {
            return Err(refused(
                "it is a link, a folder or a device, and not a file",
            ));
        }
        if !file::is_own(metadata) || file::may_be_written_by_others(metadata) {
            return Err(refused(
                "another user may have written it. Own it, and run chmod go-w",
            ));
        }
        if metadata.len() > MAX_BYTES {
            return Err(refused("it has more than 4 KiB"));
        }
        // It could have become longer, or a pipe, since.
        let mut content = Vec::new();
        let read = file::open_regular(&path)
            .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut content));
        if read.is_err() || content.len() as u64 > MAX_BYTES {
            return Err(refused("it cannot be read"));
        }
        let content = String::from_utf8(content).map_err(|_| refused("it is not UTF-8"))?;
        let environment = parse(&content).map_err(refused)?;
        Ok(Self {
            path,
            environment,
            content,
        })
    }

    /// What the user said of it.
    pub fn trust(&self, data: &Path) -> Trust {
        let folder = data.join("folders");
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
        let folder = data.join("folders");
        file::replace(&folder.join(self.permission()), b"")?;
        file::remove(&folder.join(self.denial()))
    }

    /// Passes over whatever is at this path.
    ///
    /// # Errors
    /// `storage-failed`.
    pub fn deny(&self, data: &Path) -> Result<()> {
        let folder = data.join("folders");
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

fn parse(content: &str) -> std::result::Result<EnvironmentName, &'static str> {
    const KEYS: &str =
        "it must be TOML with the one key environment, such as environment = \"dev\"";
    let document: DocumentMut = content.parse().map_err(|_| KEYS)?;
    let mut keys = document.iter();
    let (Some(("environment", value)), None) = (keys.next(), keys.next()) else {
        return Err(KEYS);
    };
    let name = value.as_str().and_then(EnvironmentName::parse);
    name.ok_or("environment must be the name of an environment")
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
            assert_eq!(
                parse(good).map(|name| name.to_string()),
                Ok("dev".to_owned())
            );
        }
        for bad in [
            "",
            "environment = 1",
            "environment = \"$(id)\"",
            "environment = \"dev\"\nrun = \"x\"",
            "[environment]\nname = \"dev\"",
            "\u{feff}\u{feff}environment = \"dev\"",
            "environment = \"dev\"\nenvironment = \"prod\"",
            "environment",
        ] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }
}
