//! The command that `mcm exec` runs: started in our process group, with the terminal as it is, and followed to its end.

use std::ffi::OsStr;
use std::io;

use mcm_core::error::{Code, Error};

use crate::child_exit::NotStarted;

#[cfg(not(unix))]
#[path = "child/other_systems.rs"]
mod system;
#[cfg(unix)]
#[path = "child/unix.rs"]
mod system;

#[cfg(unix)]
pub(crate) use system::ignored_signals;
pub(crate) use system::{program_file, run};

pub(super) fn not_started(program: &OsStr, error: &io::Error) -> NotStarted {
    let name = program.to_string_lossy();
    let (code, status, message) = match error.kind() {
        io::ErrorKind::NotFound => (
            Code::NotFound,
            127,
            format!("The command \"{name}\" was not found. Check its name and PATH."),
        ),
        io::ErrorKind::PermissionDenied => (
            Code::Unsupported,
            126,
            format!(
                "The command \"{name}\" may not be run. {}",
                if cfg!(windows) {
                    "Check its permissions."
                } else {
                    "Check its permissions (chmod +x)."
                }
            ),
        ),
        io::ErrorKind::WouldBlock => (
            Code::Unsupported,
            126,
            format!(
                "The system has no free processes or threads for \"{name}\". Close some programs, or raise the limit."
            ),
        ),
        io::ErrorKind::ArgumentListTooLong => (
            Code::Unsupported,
            126,
            format!("The arguments of \"{name}\" are too long for the system."),
        ),
        _ => (
            Code::Unsupported,
            126,
            format!(
                "The command \"{name}\" cannot be run ({error}). A script needs a first line with its interpreter, \
                 such as #!/bin/sh."
            ),
        ),
    };
    NotStarted {
        error: Error::new(code, message),
        status,
    }
}
