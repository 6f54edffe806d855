//! The path of `mcm`, for programs that are started without a shell's PATH.
//!
//! It is absolute: an editor or an IDE started from the desktop has another PATH than a terminal. And it is the path
//! that the user runs, not the file behind it: a package manager's link stays when the version behind it changes.

use std::path::{Path, PathBuf};

use mcm_core::error::{Code, Error};
use mcm_core::world::Environment;

/// The path that starts `mcm`; `mcm-full` is beside it.
///
/// # Errors
/// `setting-invalid` when it cannot be found, or is not Unicode text.
pub(crate) fn of_this_process(environment: &Environment) -> Result<String, Error> {
    let unknown = || {
        let message = "The path of mcm is unknown, perhaps because mcm was just replaced. Run the command again.";
        Error::new(Code::SettingInvalid, message)
    };
    let this = std::env::current_exe().map(|path| path.with_file_name(name()));
    let file = this.and_then(|path| dunce::canonicalize(&path).map(|real| (path, real)));
    let (path, real) = file.map_err(|error| unknown().with_source(error))?;
    let started = on_path(environment.get("PATH").unwrap_or_default(), &real).unwrap_or(path);
    started.to_str().map(str::to_owned).ok_or_else(unknown)
}

/// Where `/proc` has the program that runs this one. None where it shows the processes of outside of this process's
/// namespace: the number of one is another's there.
#[cfg(target_os = "linux")]
pub(crate) fn parent_in_proc() -> Option<PathBuf> {
    let own = std::fs::read_link("/proc/self").ok()?;
    let is_ours = own.to_str() == Some(std::process::id().to_string().as_str());
    is_ours.then(|| Path::new("/proc").join(std::os::unix::process::parent_id().to_string()))
}

/// Whether a word that a shell would run is this program, here and now.
pub(crate) fn is_this(program: &str, environment: &Environment) -> bool {
    let this =
        std::env::current_exe().and_then(|path| dunce::canonicalize(path.with_file_name(name())));
    let Ok(this) = this else {
        return false;
    };
    let path = Path::new(program);
    if path.is_absolute() {
        return dunce::canonicalize(path).is_ok_and(|real| real == this);
    }
    // The PATH decides what a bare name is; another relative path depends on the client's folder.
    let on_path = environment.get("PATH").unwrap_or_default();
    let found = std::env::split_paths(on_path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file());
    let is_name = path.components().count() == 1;
    is_name && found.is_some_and(|file| dunce::canonicalize(file).is_ok_and(|real| real == this))
}

/// The first path on a PATH to this very file.
fn on_path(path: &str, real: &Path) -> Option<PathBuf> {
    let mut ways = std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name()));
    ways.find(|way| dunce::canonicalize(way).is_ok_and(|behind| behind == *real))
}

fn name() -> String {
    format!("mcm{}", std::env::consts::EXE_SUFFIX)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_link_on_the_path_is_named_and_not_the_version_behind_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let [bin, other, version] =
            ["bin", "other", "mcm/1.2/bin"].map(|name| folder.path().join(name));
        for folder in [&bin, &other, &version] {
            std::fs::create_dir_all(folder).expect("made");
        }
        let real = version.join("mcm");
        std::fs::File::create(&real).expect("made");
        std::fs::File::create(other.join("mcm")).expect("made");
        std::os::unix::fs::symlink(&real, bin.join("mcm")).expect("linked");
        let real = real.canonicalize().expect("there");
        let path = format!(
            "relative:{}:{}:{}",
            other.display(),
            bin.display(),
            version.display()
        );
        assert_eq!(on_path(&path, &real), Some(bin.join("mcm")));
        assert_eq!(on_path(&other.display().to_string(), &real), None);
    }
}
