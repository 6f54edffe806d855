//! How a child process ends, as `mcm` passes it on: an exit status, a signal, or a program that could not be started.
//!
//! `exec/child.rs` starts and follows the child; `failure.rs` turns its end into the exit status of `mcm`.

use mcm_core::error::Error;
#[cfg(unix)]
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    low_level::emulate_default_handler,
};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this status.
    Exited(i32),
    /// By a signal.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there are no signals"))]
    Killed(i32),
}

/// A command that could not be started, with the status that shells use: 127 when it is not there, 126 when it is no
/// program.
#[derive(Debug)]
pub(crate) struct NotStarted {
    pub(crate) error: Error,
    pub(crate) status: u8,
}

#[cfg(unix)]
/// Ends this process with the signal that ended the command, unless that would leave a core dump of ours; then it
/// returns the status that shells use. So it does in the first process of a container, which no signal of its own ends.
pub(crate) fn raise(signal: i32) -> u8 {
    let is_first = std::process::id() == 1;
    if !is_first && [SIGINT, SIGTERM, SIGHUP].contains(&signal) {
        let _ = emulate_default_handler(signal);
    }
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

#[cfg(not(unix))]
/// Without signals, no command ends by one.
pub(crate) fn raise(_signal: i32) -> u8 {
    1
}
