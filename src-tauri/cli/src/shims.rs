//! The shims that a shell with the hook finds first: each runs the real tool through `mcm exec` in the shell's environment.
//!
//! Where a library asks `az` or `azd` for a token, the shim answers by itself (`shims/token.rs`). A shim is a script of two
//! lines in a folder that only this user may write to. The real tool is the next of its name on PATH, which is never a shim.

mod token;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use mcm_core::environment::EnvironmentName;
use mcm_core::error::{Code, Error};
use mcm_core::file;
use mcm_core::world::{Environment, World};

use crate::child_exit::NotStarted;
use crate::failure::Failure;
use crate::hook_arguments::ShimOptions;
use crate::program;
use crate::shell::quoted_for_posix;
use crate::variables;

pub(crate) use self::token::token_request;

/// The tools that take no credential from names alone.
const TOOLS: [&str; 6] = ["az", "azd", "gcloud", "terraform", "tofu", "pulumi"];
/// What the folder's name ends with.
pub(crate) const FOLDER: &str = "mcm-shims";

/// What a shim starts: the real tool, in an environment, or as it is where there is none or the tool is in one already.
pub(crate) struct Shimmed {
    /// The real tool and its arguments.
    pub(crate) command: Vec<OsString>,
    /// The environment that it is still to be started in.
    pub(crate) environment: Option<String>,
}

/// A PATH that begins with the shims, which are made where they are missing.
///
/// # Errors
/// `storage-failed`; `setting-invalid` for a folder that others may write to.
pub(crate) fn first_on_path(world: &World, path: &str) -> Result<String, Error> {
    // They are scripts of a POSIX shell.
    if cfg!(not(unix)) {
        return Ok(path.to_owned());
    }
    let folder = world.paths.data.join(FOLDER);
    file::make_private(&folder)?;
    let is_open = |folder: &fs::Metadata| file::may_be_written_by_others(folder);
    if fs::metadata(&folder).as_ref().map_or(true, is_open) {
        let message = format!(
            "Others may write to {}. Run: chmod 700 on it.",
            folder.display()
        );
        return Err(Error::new(Code::SettingInvalid, message));
    }
    let Some(text) = folder.to_str() else {
        let message = format!(
            "\"{}\" is not Unicode text. Set MCM_HOME.",
            folder.display()
        );
        return Err(Error::new(Code::SettingInvalid, message));
    };
    let mcm = program::of_this_process(&world.environment)?;
    for tool in TOOLS {
        let shim = folder.join(tool);
        let script = format!(
            "#!/bin/sh\nexec {} shim {tool} \"$@\"\n",
            quoted_for_posix(&mcm)
        );
        if file::read(&shim)?.as_deref() != Some(script.as_bytes()) {
            file::replace(&shim, script.as_bytes())?;
            make_program(&shim).map_err(|error| {
                let message = format!("{} cannot be made a program.", shim.display());
                Error::new(Code::StorageFailed, message).with_source(error)
            })?;
        }
    }
    Ok(if path.is_empty() {
        text.to_owned()
    } else {
        format!("{text}:{path}")
    })
}

/// A PATH without the shims.
pub(crate) fn without(path: &str) -> String {
    let others = path
        .split(':')
        .filter(|folder| !is_shims(Path::new(folder)));
    others.collect::<Vec<_>>().join(":")
}

fn is_shims(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == FOLDER)
}

/// Finds the real tool behind a shim.
///
/// # Errors
/// Status 127 where there is none.
pub(crate) fn find(options: ShimOptions) -> Result<Shimmed, Failure> {
    let environment = Environment::of_this_process();
    let path = without(environment.raw("PATH").unwrap_or_default());
    let folders = env::split_paths(&path);
    let is_program = |file: &PathBuf| is_program(file);
    let tool = folders
        .map(|folder| folder.join(&options.tool))
        .find(is_program);
    let Some(tool) = tool else {
        let message = format!(
            "The command \"{}\" was not found. Install it, or check PATH.",
            options.tool
        );
        let error = Error::new(Code::NotFound, message);
        return Err(Failure::NotStarted(NotStarted { error, status: 127 }));
    };
    let chosen = chosen(&environment);
    Ok(Shimmed {
        command: std::iter::once(tool.into_os_string())
            .chain(options.arguments)
            .collect(),
        environment: chosen.map(|name| name.to_string()),
    })
}

/// Whether a tool of this name is a shim of ours before any other on PATH.
pub(crate) fn is_found_first(path: &str, tool: &str) -> bool {
    env::split_paths(path)
        .find(|folder| is_program(&folder.join(tool)))
        .is_some_and(|folder| is_shims(&folder))
}

/// The environment of a shell with the hook. Inside `mcm exec` the tools have theirs already.
fn chosen(environment: &Environment) -> Option<EnvironmentName> {
    let is_inside = environment.get(variables::HOLDER).is_some();
    environment
        .get(variables::ENVIRONMENT)
        .filter(|_| !is_inside)
        .and_then(EnvironmentName::parse)
}

#[cfg(unix)]
fn make_program(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata(file).is_ok_and(|file| file.is_file() && file.mode() & 0o111 != 0)
}

/// No shell with a hook runs here.
#[cfg(not(unix))]
fn make_program(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}
