//! The paths where AWS's clients look for the shared files, and reading them without blocking.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::Kind;
use crate::world::Environment;

/// Longer than any file that a user writes by hand.
pub(super) const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The path as botocore finds it: the variable, expanded like `os.path.expandvars` and `expanduser`, else the home
/// folder.
pub(super) fn of(environment: &Environment, kind: Kind) -> Option<PathBuf> {
    let name = match kind {
        Kind::Config => "config",
        Kind::Credentials => "credentials",
    };
    let home = environment.home();
    match environment.raw(kind.variable()) {
        Some("") => None,
        Some(path) => Some(expanded(path, environment, home.as_deref())),
        None => Some(home?.join(".aws").join(name)),
    }
}

fn expanded(path: &str, environment: &Environment, home: Option<&Path>) -> PathBuf {
    let path = with_variables(path, environment);
    match (path.strip_prefix('~'), home) {
        (Some(""), Some(home)) => home.to_owned(),
        (Some(rest), Some(home)) if rest.starts_with(['/', std::path::MAIN_SEPARATOR]) => {
            home.join(rest.trim_start_matches(['/', std::path::MAIN_SEPARATOR]))
        }
        _ => PathBuf::from(path),
    }
}

/// Expands `$NAME` and `${NAME}` like Python's `os.path.expandvars`: an unset variable stays unchanged.
fn with_variables(path: &str, environment: &Environment) -> String {
    let (mut expanded, mut rest) = (String::with_capacity(path.len()), path);
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let length = after.find(|c| !is_word(c)).unwrap_or(after.len());
                (&after[..length], length)
            }
        };
        match environment.raw(name) {
            Some(value) => expanded.push_str(value),
            None => expanded.push_str(&rest[at..=at + length]),
        }
        rest = &after[length..];
    }
    expanded.push_str(rest);
    expanded
}

/// The content of a file, and whether it is a pipe. It waits no longer than a pipe's writer needs to write.
pub(super) fn read(path: &Path) -> (Vec<u8>, bool) {
    let Ok(metadata) = fs::metadata(path) else {
        return (Vec::new(), false);
    };
    if metadata.is_file() {
        let mut bytes = Vec::new();
        // One byte more shows that the rest is missing.
        let read =
            File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        return match read {
            Ok(_) => (bytes, false),
            Err(_) => (Vec::new(), false),
        };
    }
    #[cfg(unix)]
    if std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type()) {
        return (pipe::read_once(path), true);
    }
    (Vec::new(), false)
}

#[cfg(unix)]
mod pipe {
    use std::collections::BTreeMap;
    use std::fs::OpenOptions;
    use std::io::{ErrorKind, Read as _};
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::path::{Path, PathBuf};
    use std::sync::{Mutex, PoisonError, mpsc};
    use std::time::Duration;

    /// The time limit for a writer that has the pipe open.
    const PATIENCE: Duration = Duration::from_secs(2);

    /// The text of a pipe. The first read empties a pipe, so later readers get the same bytes.
    pub(super) fn read_once(path: &Path) -> Vec<u8> {
        static READ: Mutex<BTreeMap<PathBuf, Vec<u8>>> = Mutex::new(BTreeMap::new());
        let mut seen = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = seen.get(path) {
            return bytes.clone();
        }
        let bytes = read(path);
        seen.insert(path.to_owned(), bytes.clone());
        bytes
    }

    /// The text of a pipe's writer; none when no writer has it open.
    fn read(path: &Path) -> Vec<u8> {
        // Without this flag, opening waits until a writer opens it.
        let opened = OpenOptions::new()
            .read(true)
            .custom_flags(O_NONBLOCK)
            .open(path);
        let Ok(mut pipe) = opened else {
            return Vec::new();
        };
        let (mut bytes, mut chunk) = (Vec::new(), [0; 8192]);
        let (_keep, never) = mpsc::channel::<()>();
        let mut waited = Duration::ZERO;
        loop {
            match pipe.read(&mut chunk) {
                Ok(0) => return bytes,
                Ok(count) => bytes.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock && waited < PATIENCE => {
                    let nap = Duration::from_millis(5);
                    let _ = never.recv_timeout(nap);
                    waited += nap;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return bytes,
            }
            if bytes.len() as u64 > super::MAX_BYTES {
                return bytes;
            }
        }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    const O_NONBLOCK: i32 = 0o4000;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const O_NONBLOCK: i32 = 0x0004;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(value: &str) -> PathBuf {
        let environment = Environment::from_pairs([
            ("HOME", "/home/ada"),
            ("USERPROFILE", "/home/ada"),
            ("WORK", "work"),
            ("AWS_CONFIG_FILE", value),
        ]);
        of(&environment, Kind::Config).expect("set")
    }

    #[test]
    fn a_path_in_a_variable_is_expanded_as_botocore_expands_it() {
        for (value, wanted) in [
            ("$HOME/alt", "/home/ada/alt"),
            ("${HOME}/alt", "/home/ada/alt"),
            ("~/alt", "/home/ada/alt"),
            ("~", "/home/ada"),
            ("/etc/$WORK/${WORK}x", "/etc/work/workx"),
            ("/etc/$NONE/${NONE}", "/etc/$NONE/${NONE}"),
            ("/etc/$/${", "/etc/$/${"),
            ("/etc/~/x", "/etc/~/x"),
            ("/etc/$WORK-a", "/etc/work-a"),
        ] {
            assert_eq!(place(value), Path::new(wanted), "{value}");
        }
    }

    #[test]
    fn an_empty_variable_leads_to_no_file() {
        let environment = Environment::from_pairs([
            ("HOME", "/home/ada"),
            ("USERPROFILE", "/home/ada"),
            ("AWS_CONFIG_FILE", ""),
        ]);
        assert_eq!(of(&environment, Kind::Config), None);
        let credentials = of(&environment, Kind::Credentials).expect("the usual place");
        assert_eq!(credentials, Path::new("/home/ada/.aws/credentials"));
    }
}
