//! Linked worktrees of git: which file of the main checkout a file of a worktree is.
//!
//! A worktree's `.git` is a file, which anyone can put into an archive. So the main repository must name the worktree as
//! well, as git writes it: no archive can write there (gitrepository-layout(5), git-worktree(1)).

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::MAX_DEPTH;
use crate::file;

/// The largest file of git's that is read here.
const MAX_BYTES: u64 = 4096;

/// Where the main checkout has this file, if it is of a linked worktree.
pub(super) fn in_main_checkout(path: &Path) -> Option<PathBuf> {
    let mut folders = path.ancestors().skip(1).take(MAX_DEPTH);
    let root = folders.find(|folder| fs::symlink_metadata(folder.join(".git")).is_ok())?;
    let link = root.join(".git");
    let of_worktree = PathBuf::from(own_line(&link)?.strip_prefix("gitdir: ")?);
    let of_worktree = dunce::canonicalize(root.join(of_worktree)).ok()?;
    let named = PathBuf::from(own_line(&of_worktree.join("gitdir"))?);
    if dunce::canonicalize(of_worktree.join(named)).ok()? != link {
        return None;
    }
    let common = own_line(&of_worktree.join("commondir"))?;
    let common = dunce::canonicalize(of_worktree.join(common)).ok()?;
    if !of_worktree.starts_with(common.join("worktrees")) || common.file_name()? != ".git" {
        return None;
    }
    Some(common.parent()?.join(path.strip_prefix(root).ok()?))
}

/// The line in a file that only this user can have written.
fn own_line(path: &Path) -> Option<String> {
    let file = file::open_regular(path).ok()?;
    let metadata = file.metadata().ok()?;
    if !file::is_written_by_user_alone(&metadata) || metadata.len() > MAX_BYTES {
        return None;
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).ok()?;
    Some(text.trim_end().to_owned())
}
