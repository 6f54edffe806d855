//! The signals that a parent may have set to be ignored, or that would end this process in the middle of a change.
//!
//! Each program of ours calls `prepare` before it starts another program or writes a file.

#[cfg(unix)]
use std::sync::Arc;

#[cfg(unix)]
use signal_hook::consts::{SIGCHLD, SIGXFSZ};

/// Handles two signals, in which nothing needs to be done. The programs that this process starts get their usual effect.
///
/// A parent that ignores the ends of its children hands that down, and the system would then not say how ours ended. And a
/// file that grows beyond the limit of this process would end it, while it may hold the only copy of a new refresh token:
/// with a handler, the write fails.
pub fn prepare() {
    #[cfg(unix)]
    for signal in [SIGCHLD, SIGXFSZ] {
        // If this fails, the signal keeps the effect that the parent left.
        let _ = signal_hook::flag::register(signal, Arc::default());
    }
}
