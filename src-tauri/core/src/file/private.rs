//! Whose a file or a folder is, and who may write it: what is ours is kept for this user alone.
//!
//! Also how a file is opened without following a link or waiting for a pipe.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::storage_failed;
use crate::error::{Code, Error, Result};

/// Refuses anything but a regular file of this user.
///
/// # Errors
/// `storage-failed`, naming the path.
pub(crate) fn require_own_file(path: &Path, metadata: &fs::Metadata) -> Result<()> {
    if !metadata.is_file() {
        return Err(refused(path, "is not a file. Move it to another place."));
    }
    if !is_own(metadata) {
        return Err(refused(
            path,
            "belongs to another user. Move it away, or change its owner.",
        ));
    }
    Ok(())
}

/// Whether a file or folder belongs to this user. On Windows the user's folders are the user's own by their access lists.
pub(crate) fn is_own(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        metadata.uid() == rustix::process::geteuid().as_raw()
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        true
    }
}

/// Whether users other than its owner may write to a file or folder, as `is_own` on Windows.
pub fn may_be_written_by_others(metadata: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        metadata.mode() & 0o022 != 0
    }
    #[cfg(not(unix))]
    {
        let _ = metadata;
        false
    }
}

/// Whether a file is one that this user alone can have written.
pub(crate) fn is_written_by_user_alone(metadata: &fs::Metadata) -> bool {
    metadata.is_file() && is_own(metadata) && !may_be_written_by_others(metadata)
}

/// Makes a folder of ours this user's only, where there is one already.
///
/// # Errors
/// `storage-failed`, naming the folder: it belongs to another user, or other users can replace it by another.
#[cfg(unix)]
pub(crate) fn keep_folder_private(folder: &Path) -> Result<()> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    if let Some(above) = folder.parent() {
        require_own_place(above)?;
    }
    let Ok(metadata) = fs::metadata(folder) else {
        // It is made private when it is needed. A link that leads nowhere fails then.
        return Ok(());
    };
    if !metadata.is_dir() {
        return Err(refused(
            folder,
            "is not a folder. Move it to another place.",
        ));
    }
    if !is_own(&metadata) {
        return Err(refused(
            folder,
            "belongs to another user. Move it away, or change its owner.",
        ));
    }
    if metadata.mode() & 0o077 != 0 {
        // Some disks keep no permissions; the owner was checked.
        let _ = fs::set_permissions(folder, fs::Permissions::from_mode(metadata.mode() & 0o700));
    }
    Ok(())
}

/// As on Unix, where folders have owners; elsewhere the user's own folders are private already.
#[cfg(not(unix))]
pub(crate) fn keep_folder_private(_folder: &Path) -> Result<()> {
    Ok(())
}

/// Refuses a place for folders of ours where another user could put others under their names: in a folder of another
/// user, behind another user's link, below a folder that every user can change and that lets others replace what is in it,
/// and below a file.
///
/// # Errors
/// `storage-failed`, naming the folder.
#[cfg(unix)]
pub(super) fn require_own_place(above: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    const STICKY: u32 = 0o1000;
    let user = rustix::process::geteuid().as_raw();
    if fs::metadata(above).is_ok_and(|metadata| ![user, 0].contains(&metadata.uid())) {
        let why = "belongs to another user. Use a folder of your own (MCM_HOME, TMPDIR).";
        return Err(refused(above, why));
    }
    for folder in above.ancestors() {
        let is_link_of_another = fs::symlink_metadata(folder)
            .is_ok_and(|found| found.is_symlink() && ![user, 0].contains(&found.uid()));
        if is_link_of_another {
            let why = "is a link of another user, who can let it lead elsewhere. Remove it.";
            return Err(refused(folder, why));
        }
        let Ok(found) = fs::metadata(folder) else {
            continue;
        };
        if !found.is_dir() {
            let why = "is not a folder. Use a folder of your own (HOME, MCM_HOME, TMPDIR).";
            return Err(refused(folder, why));
        }
        if found.mode() & 0o002 != 0 && found.mode() & STICKY == 0 {
            let why = "can be changed by every user. Take that permission away: chmod o-w.";
            return Err(refused(folder, why));
        }
    }
    Ok(())
}

/// As on Unix; elsewhere the user's own folders are private already.
#[cfg(not(unix))]
pub(super) fn require_own_place(_above: &Path) -> Result<()> {
    Ok(())
}

fn refused(path: &Path, why: &str) -> Error {
    Error::new(Code::StorageFailed, format!("{} {why}", path.display()))
}

/// Why a file cannot be written, or made where there is none yet; none when it can.
pub(crate) fn refusal_to_write(path: &Path) -> Option<Error> {
    let place = if path.exists() { path } else { path.parent()? };
    #[cfg(unix)]
    {
        use rustix::fs::{Access, access};
        match access(place, Access::WRITE_OK) {
            Err(errno) if errno != rustix::io::Errno::NOENT => {
                Some(storage_failed("saved", path, errno.into()))
            }
            _ => None,
        }
    }
    #[cfg(not(unix))]
    {
        // The attribute says nothing of a folder: Windows sets it for folders that look special.
        let is_read_only = fs::metadata(place)
            .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().readonly());
        is_read_only.then(|| storage_failed("saved", path, io::ErrorKind::PermissionDenied.into()))
    }
}

/// Opens a file for a lock or a log: made when missing, with its folder, readable by this user only, never shortened. A
/// link in its place is not followed.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let flags = rustix::fs::OFlags::NOFOLLOW.bits();
        options.mode(0o600).custom_flags(flags.cast_signed());
    }
    match (options.open(path), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            make_private_folder(folder)?;
            options.open(path)
        }
        (opened, _) => opened,
    }
}

/// Opens a file of a folder that others fill, never through a link, and never waiting for a pipe.
///
/// # Errors
/// Those of the system; `InvalidInput` for what is not a file.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    let file = open_at_once(path, false)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok(file)
}

/// Opens a file to read it, without waiting for the writer of a pipe.
pub(super) fn open_at_once(path: &Path, through_links: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let mut flags = OFlags::NONBLOCK;
        flags.set(OFlags::NOFOLLOW, !through_links);
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    if !through_links && fs::symlink_metadata(path)?.is_symlink() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    options.open(path)
}

/// Makes a folder that only this user may enter, with those above it, or makes the one that is there so.
///
/// # Errors
/// `storage-failed`, naming the path.
pub fn make_private(folder: &Path) -> Result<()> {
    keep_folder_private(folder)?;
    make_private_folder(folder).map_err(|error| storage_failed("created", folder, error))
}

/// Makes the files of a folder readable by this user only, if their names begin so.
///
/// # Errors
/// The system's, for the first that could not be changed.
pub(crate) fn keep_files_private(folder: &Path, beginning: &str) -> io::Result<()> {
    #[cfg(unix)]
    for entry in fs::read_dir(folder)? {
        use std::os::unix::fs::PermissionsExt as _;
        let entry = entry?;
        let is_ours = entry.file_name().to_string_lossy().starts_with(beginning);
        if is_ours && entry.metadata()?.is_file() {
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o600))?;
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, beginning);
    Ok(())
}

pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
