//! Files of other programs: read through their links, and replaced without changing what they are.
//!
//! Owner, permissions and links stay; the old content is kept beside the file; a file that changed since it was read
//! is not replaced. A file that cannot be kept like that is refused with a reason.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::{
    make_private_folder, open_at_once, put_in_place, replace, storage_failed, sync_folder,
};
use crate::error::{Code, Error, Result};

/// Longer than any file that a user writes by hand.
const LARGEST: u64 = 4 * 1024 * 1024;

/// A file of another program's, as it was when it was read.
#[derive(Debug)]
pub struct Foreign {
    /// The path where that program looks for it.
    path: PathBuf,
    /// Its real path, after every link.
    place: PathBuf,
    /// Its content; none if there is no such file.
    before: Option<Vec<u8>>,
}

impl Foreign {
    /// Reads the file at `path`. A missing file is no failure.
    ///
    /// # Errors
    /// `storage-failed` for a broken link, for anything but a regular file, and for one that is too large.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |error| storage_failed("read", path, error);
        match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    path: path.to_owned(),
                    place: path.to_owned(),
                    before: None,
                });
            }
            found => found.map_err(failed)?,
        };
        let place = dunce::canonicalize(path).map_err(|error| {
            let why = match error.kind() {
                io::ErrorKind::NotFound => "it is a link to a file that does not exist",
                io::ErrorKind::PermissionDenied => "access is denied",
                _ => "its links lead nowhere",
            };
            refused(path, &format!("{why}. Fix or remove the link.")).with_source(error)
        })?;
        // Never waits for the writer of a pipe that took the file's place.
        let file = open_at_once(&place, true).map_err(failed)?;
        require_file(path, &file.metadata().map_err(failed)?)?;
        let mut before = Vec::new();
        file.take(LARGEST + 1)
            .read_to_end(&mut before)
            .map_err(failed)?;
        if before.len() as u64 > LARGEST {
            return Err(refused(
                path,
                "it is larger than 4 MiB. Move it away, or name another file.",
            ));
        }
        Ok(Self {
            path: path.to_owned(),
            place,
            before: Some(before),
        })
    }

    /// Its content; none if there is no such file.
    pub fn bytes(&self) -> Option<&[u8]> {
        self.before.as_deref()
    }

    /// The path of the old content after the file is replaced.
    pub fn backup(&self) -> PathBuf {
        let name = self
            .path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        self.path.with_file_name(format!("{name}.before-mcm"))
    }

    /// Whether the file may be replaced.
    ///
    /// # Errors
    /// `storage-failed` for one that is read-only, or has other names, which would keep the old content.
    pub fn require_replaceable(&self) -> Result<()> {
        if self.before.is_none() {
            return Ok(());
        }
        let metadata =
            fs::metadata(&self.place).map_err(|error| storage_failed("read", &self.path, error))?;
        require_file(&self.path, &metadata)?;
        if metadata.permissions().readonly() {
            return Err(refused(
                &self.path,
                "it is read-only. Make it writable to change it.",
            ));
        }
        #[cfg(unix)]
        if std::os::unix::fs::MetadataExt::nlink(&metadata) > 1 {
            let why = "it has a second name (a hard link), which would keep the old content. Use a symbolic link.";
            return Err(refused(&self.path, why));
        }
        Ok(())
    }

    /// Replaces the content, keeping the first content that was ever replaced as `backup`; none removes the file, which
    /// then held nothing but ours, so it is not kept. The caller holds a lock, so that no other process of ours does the same.
    ///
    /// # Errors
    /// `busy` when the file changed since it was read, `storage-failed`; the file is then unchanged.
    pub fn replace(&self, bytes: Option<&[u8]>) -> Result<()> {
        self.require_replaceable()?;
        if Self::read(&self.path)?.before != self.before {
            let message = format!(
                "{} was changed by another program meanwhile, so nothing was written. Run the command again.",
                self.path.display()
            );
            return Err(Error::new(Code::Busy, message));
        }
        // The first one is kept: a later one would already have our changes.
        if let (Some(before), Some(_)) = (&self.before, bytes)
            && !self.backup().exists()
        {
            replace(&self.backup(), before)?;
        }
        let failed = |error| storage_failed("saved", &self.path, error);
        match bytes {
            Some(bytes) => self.put(bytes).map_err(failed),
            // A link is the user's arrangement: its target is emptied and both stay.
            None if self.place != self.path
                && fs::symlink_metadata(&self.path).is_ok_and(|m| m.is_symlink()) =>
            {
                self.put(&[]).map_err(failed)
            }
            None => fs::remove_file(&self.place).map_err(failed),
        }
    }

    fn put(&self, bytes: &[u8]) -> io::Result<()> {
        let folder = self
            .place
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        make_private_folder(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        if self.before.is_some() {
            keep_owner(&fs::metadata(&self.place)?, file.as_file())?;
        }
        file.as_file().sync_all()?;
        put_in_place(file.into_temp_path(), &self.place)?;
        sync_folder(folder)
    }
}

fn require_file(path: &Path, metadata: &Metadata) -> Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let what = if metadata.is_dir() {
        "it is a folder"
    } else {
        "it is not a regular file"
    };
    Err(refused(
        path,
        &format!("{what}. Move it away, or name another file."),
    ))
}

/// Gives a new file the owner and the permissions of the file that it replaces.
#[cfg(unix)]
fn keep_owner(old: &Metadata, new: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let made = new.metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        std::os::unix::fs::fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    new.set_permissions(old.permissions())
}

#[cfg(not(unix))]
fn keep_owner(old: &Metadata, new: &File) -> io::Result<()> {
    new.set_permissions(old.permissions())
}

fn refused(path: &Path, why: &str) -> Error {
    Error::new(
        Code::StorageFailed,
        format!("{} was not changed: {why}", path.display()),
    )
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn written(path: &Path, bytes: &[u8]) {
        let mut file = File::create(path).expect("the folder is ours");
        file.write_all(bytes).expect("written");
    }

    #[test]
    fn a_file_behind_links_is_replaced_where_it_is_with_its_permissions() {
        let folder = tempfile::tempdir().expect("a folder");
        let (real, link, outer) = (
            folder.path().join("dotfiles/aws"),
            folder.path().join("inner"),
            folder.path().join("config"),
        );
        fs::create_dir(real.parent().expect("a folder")).expect("made");
        written(&real, b"old");
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).expect("ours");
        symlink(&real, &link).expect("linked");
        symlink("inner", &outer).expect("linked");

        let file = Foreign::read(&outer).expect("readable");
        file.replace(Some(b"new")).expect("replaced");
        assert_eq!(fs::read(&real).expect("there"), b"new");
        assert_eq!(
            fs::metadata(&real).expect("there").permissions().mode() & 0o777,
            0o640
        );
        assert!(fs::symlink_metadata(&outer).expect("there").is_symlink());
        let backup = folder.path().join("config.before-mcm");
        assert_eq!(fs::read(&backup).expect("kept"), b"old");
        assert_eq!(
            fs::metadata(&backup).expect("kept").permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::read_dir(real.parent().expect("a folder"))
                .expect("readable")
                .count(),
            1
        );

        Foreign::read(&outer)
            .expect("readable")
            .replace(None)
            .expect("emptied");
        assert_eq!(fs::read(&outer).expect("still there"), b"");
    }

    #[test]
    fn anything_but_a_plain_file_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        symlink("b", at("a")).expect("linked");
        symlink("a", at("b")).expect("linked");
        symlink("nowhere", at("dangling")).expect("linked");
        fs::create_dir(at("folder")).expect("made");
        for (name, why) in [
            ("a", "lead nowhere"),
            ("dangling", "does not exist"),
            ("folder", "it is a folder"),
        ] {
            let error = Foreign::read(&at(name)).expect_err(name);
            assert!(
                error.message().contains(why) && error.message().contains(name),
                "{error}"
            );
        }
        assert!(
            Foreign::read(Path::new("/dev/null"))
                .expect_err("a device")
                .message()
                .contains("regular")
        );

        written(&at("read-only"), b"x");
        fs::set_permissions(at("read-only"), fs::Permissions::from_mode(0o444)).expect("ours");
        written(&at("twice"), b"x");
        fs::hard_link(at("twice"), at("second")).expect("linked");
        for (name, why) in [("read-only", "read-only"), ("twice", "hard link")] {
            let error = Foreign::read(&at(name))
                .expect("readable")
                .replace(Some(b"y"))
                .expect_err(name);
            assert!(error.message().contains(why), "{error}");
            assert_eq!(fs::read(at(name)).expect("there"), b"x");
        }
        assert!(!at("twice.before-mcm").exists());
    }

    #[test]
    fn a_file_that_changed_since_it_was_read_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/config");
        let missing = Foreign::read(&path).expect("none is fine");
        assert_eq!(missing.bytes(), None);
        Foreign::read(&path)
            .expect("none")
            .replace(Some(b"theirs"))
            .expect("made");
        assert_eq!(
            missing
                .replace(Some(b"ours"))
                .expect_err("it is there now")
                .code(),
            Code::Busy
        );
        assert_eq!(fs::read(&path).expect("there"), b"theirs");
        Foreign::read(&path)
            .expect("readable")
            .replace(None)
            .expect("removed");
        assert!(!path.exists());
        let backup = Foreign::read(&path).expect("none").backup();
        assert!(!backup.exists(), "nothing of the user's was in it");
    }
}
