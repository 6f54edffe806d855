//! On Unix, the terminal's signals reach the command directly, because it is in the same process group, and the
//! command handles them. Signals that another process sends to us alone are passed on. When the command stops, so do
//! we, so that the shell sees a stopped job; when we continue, so does the command.
//!
//! A signal that a program sends to the whole group (`kill -- -PGID`) reaches the command twice: from the kernel, and
//! from us, because we cannot distinguish it from a signal to us alone. A lost signal would be worse than a second
//! one. So would a group of the command's own: `kill -KILL -- -PGID` would leave it running, and the other commands
//! of a pipe would lose the terminal.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::process::Command;
use std::thread;

use mcm_core::memory;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use signal_hook::low_level::emulate_default_handler;
use signal_hook::low_level::siginfo::{Cause, Origin};
use tokio::sync::mpsc;

use crate::child_exit::End;

/// Signals that must not end or stop us while the command runs.
const HELD: [i32; 7] = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGTSTP];

enum Event {
    Signal(Origin),
    Stopped,
    Ended(End),
}

/// Runs a command to its end.
pub(crate) async fn run(mut command: Command) -> io::Result<End> {
    // The command also ignores a signal that we were started to ignore (nohup): a handler would end that.
    let ignored = ignored_signals();
    let held = HELD.into_iter().filter(|signal| !ignored(*signal));
    let mut signals = SignalsInfo::<WithOrigin>::new(held)?;
    let (events, mut arriving) = mpsc::unbounded_channel();
    let hold = signals.handle();

    // The threads come first: where the system has none left, the command would run without us.
    let signalled = events.clone();
    thread::Builder::new().spawn(move || {
        signals
            .forever()
            .all(|signal| signalled.send(Event::Signal(signal)).is_ok())
    })?;
    let (started, starting) = std::sync::mpsc::channel();
    thread::Builder::new().spawn(move || {
        let Ok(pid) = starting.recv() else { return };
        loop {
            let change = next_change(pid);
            let is_last = matches!(change, Event::Ended(_));
            if events.send(change).is_err() || is_last {
                return;
            }
        }
    })?;
    let child = memory::start_other(|| command.spawn())?;
    // Only the command still needs its handles.
    drop(command);
    let pid = Pid::from_child(&child);
    let _ = started.send(pid);

    let end = loop {
        match arriving.recv().await {
            Some(Event::Signal(origin)) => pass_on(pid, &origin),
            Some(Event::Stopped) => {
                // Waits until a signal continues us. Nothing is lost meanwhile: every program that could ask us is
                // stopped as well.
                let _ = emulate_default_handler(SIGTSTP);
                let _ = kill_process(pid, Signal::CONT);
            }
            Some(Event::Ended(end)) => break end,
            None => break End::Exited(1),
        }
    };
    hold.close();
    Ok(end)
}

/// The file that a command's name stands for. The system finds it when the command starts.
pub(crate) fn program_file(name: &OsStr) -> OsString {
    name.to_owned()
}

/// Waits until the command stops or ends.
fn next_change(pid: Pid) -> Event {
    loop {
        match waitpid(Some(pid), WaitOptions::UNTRACED) {
            Ok(Some((_, status))) => {
                if let Some(status) = status.exit_status() {
                    return Event::Ended(End::Exited(status));
                }
                if let Some(signal) = status.terminating_signal() {
                    return Event::Ended(End::Killed(signal));
                }
                // A stop that the terminal requested. A SIGSTOP to the command alone concerns only the command.
                let stops = [Signal::TSTP, Signal::TTIN, Signal::TTOU].map(Signal::as_raw);
                if status
                    .stopping_signal()
                    .is_some_and(|signal| stops.contains(&signal))
                {
                    return Event::Stopped;
                }
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            // Another thread has waited for it, which cannot happen; its status is then unknown.
            Err(_) => return Event::Ended(End::Exited(1)),
        }
    }
}

/// Passes on a signal that was sent to us. The terminal's signals went to the whole group, and so does a request to
/// stop: passed on late, it would stop a command that has already continued. A signal from the command itself is not
/// passed on either; one to its group (`kill 0`) has reached it.
fn pass_on(pid: Pid, origin: &Origin) {
    let is_the_commands = origin
        .process
        .as_ref()
        .is_some_and(|sender| sender.pid == pid.as_raw_pid());
    if matches!(origin.cause, Cause::Kernel) || is_the_commands || origin.signal == SIGTSTP {
        return;
    }
    if let Some(signal) = Signal::from_named_raw(origin.signal) {
        // It may have ended just now.
        let _ = kill_process(pid, signal);
    }
}

/// The signals that this process was started to ignore, as a script's background job ignores Ctrl-C. Only Linux shows them.
pub(crate) fn ignored_signals() -> impl Fn(i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    move |signal| mask >> (signal - 1) & 1 == 1
}
