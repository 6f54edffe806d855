//! Systems without signals: Ctrl-C reaches every process of the console, and the command decides how to handle it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;

use crate::child_exit::End;

/// Runs a command to its end.
pub(crate) async fn run(mut command: Command) -> io::Result<End> {
    let mut child = command.spawn()?;
    let ended = tokio::task::spawn_blocking(move || child.wait());
    let mut ended = std::pin::pin!(ended);
    loop {
        tokio::select! {
            status = &mut ended => {
                let status = status.map_err(io::Error::other)??;
                return Ok(End::Exited(status.code().unwrap_or(1)));
            }
            _ = tokio::signal::ctrl_c() => {}
        }
    }
}

/// The file that a command's name stands for, as the system's shells find it: `az` is `az.cmd`. A name that leads to no file
/// is left as it is, so that starting it says why.
pub(crate) fn program_file(name: &OsStr) -> OsString {
    which::which(name).map_or_else(|_| name.to_owned(), Into::into)
}
