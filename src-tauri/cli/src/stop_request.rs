//! Requests to end this process: Ctrl-C, and on Unix the signals of a terminal that closes and of a system that stops it.

#[cfg(unix)]
use futures_util::future::select_all;
use mcm_core::error::{Code, Error};
#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

#[cfg(unix)]
use crate::child_exit::End;
#[cfg(unix)]
use crate::exec::ignored_signals;
use crate::failure::Failure;

/// Waits for such a request, and returns what to report of it. A signal that this process was started to ignore (nohup)
/// stays ignored, also for the command that it becomes.
#[cfg(unix)]
pub(crate) async fn requested() -> Failure {
    use tokio::signal::unix::{SignalKind, signal};
    let is_ignored = ignored_signals();
    // Only Linux shows what is ignored, and nohup ignores the terminal's end.
    let ends = [SIGINT, SIGTERM, SIGHUP];
    let ends = ends
        .into_iter()
        .filter(|end| !is_ignored(*end) && (cfg!(target_os = "linux") || *end != SIGHUP));
    let arriving = ends.filter_map(|end| {
        let mut arriving = signal(SignalKind::from_raw(end)).ok()?;
        Some(Box::pin(async move {
            arriving.recv().await;
            end
        }))
    });
    let arriving: Vec<_> = arriving.collect();
    if arriving.is_empty() {
        return std::future::pending().await;
    }
    match select_all(arriving).await.0 {
        SIGINT => stopped(),
        end => Failure::Ended(End::Killed(end)),
    }
}

#[cfg(not(unix))]
pub(crate) async fn requested() -> Failure {
    match tokio::signal::ctrl_c().await {
        Ok(()) => stopped(),
        Err(_) => std::future::pending().await,
    }
}

fn stopped() -> Failure {
    Error::new(Code::SignInCancelled, "You stopped the command.").into()
}
