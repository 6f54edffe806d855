//! On Unix: the terminal's signals reach the command by themselves, because it is in the same process group, and are
//! its to decide about. Those that somebody sends to us alone are passed on. When the command stops, so do we, so that
//! the shell sees a job that stopped; when we go on, so does the command.
//!
//! A signal that a program sends to the whole group (`kill -- -PGID`) reaches the command twice: from the kernel, and from
//! us, who cannot tell it from one to us alone. A lost signal would be worse than a second one, and so would a group of
//! the command's own: `kill -KILL -- -PGID` would leave it running, and the others of a pipe would lose the terminal.

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

/// What must not end or stop us while the command lives.
const HELD: [i32; 7] = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGTSTP];

enum Event {
    Signal(Origin),
    Stopped,
    Ended(End),
}

/// Runs a command to its end.
pub(crate) async fn run(mut command: Command) -> io::Result<End> {
    // A signal that we were told to ignore (nohup) the command ignores too: a handler would end that.
    let ignored = ignored();
    let held = HELD.into_iter().filter(|signal| !ignored(*signal));
    let mut signals = SignalsInfo::<WithOrigin>::new(held)?;
    let (events, mut arriving) = mpsc::unbounded_channel();

    let child = memory::start_other(|| command.spawn())?;
    // The command has them, and nobody else needs them.
    drop(command);
    let pid = Pid::from_child(&child);
    let hold = signals.handle();
    let signalled = events.clone();
    thread::spawn(move || {
        signals
            .forever()
            .all(|signal| signalled.send(Event::Signal(signal)).is_ok())
    });
    thread::spawn(move || {
        loop {
            let change = next_change(pid);
            let is_last = matches!(change, Event::Ended(_));
            if events.send(change).is_err() || is_last {
                return;
            }
        }
    });

    let end = loop {
        match arriving.recv().await {
            Some(Event::Signal(origin)) => pass_on(pid, &origin),
            Some(Event::Stopped) => {
                // Until somebody lets us go on. Nothing is lost meanwhile: whoever could ask us stands still as well.
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
                // A stop that the terminal asked for. Whoever sends SIGSTOP to the command alone means it alone.
                let stops = [Signal::TSTP, Signal::TTIN, Signal::TTOU].map(Signal::as_raw);
                if status
                    .stopping_signal()
                    .is_some_and(|signal| stops.contains(&signal))
                {
                    return Event::Stopped;
                }
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            // Somebody else has waited for it, which cannot happen; its status is unknown then.
            Err(_) => return Event::Ended(End::Exited(1)),
        }
    }
}

/// Passes a signal on that was sent to us. One of the terminal's went to the whole group, and so does a request to stop:
/// passed on late, it would stop a command that has been told to go on. What the command sends itself it knows of; to
/// its group (`kill 0`), it has had it.
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

/// Whether this process was started to ignore Ctrl-C, as a job in the background of a script is.
pub(crate) fn ignores_interrupts() -> bool {
    ignored()(SIGINT)
}

/// Which signals this process was started to ignore. Only Linux tells.
fn ignored() -> impl Fn(i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    move |signal| mask >> (signal - 1) & 1 == 1
}
