//! Starting a browser and watching whether it keeps running or succeeds.

use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::file::RunFolder;

/// The time in which a program can fail. One that keeps running is a browser; one that succeeds has passed on the
/// page.
const TIME_TO_FAIL: Duration = Duration::from_millis(1500);

/// Starts a program with the page instead of `%s`, else as its last argument. Returns whether it opened
/// something.
pub(super) fn opens(words: &[String], page: &str, kept_back: &[&str]) -> bool {
    let Some(mut program) = start(words, page, Stdio::null(), kept_back) else {
        return false;
    };
    let (ended, end) = mpsc::channel();
    // A thread of its own waits, so that no zombie process remains however long it runs.
    thread::spawn(move || {
        let ended_well = program.wait().is_ok_and(|status| status.success());
        let _ = ended.send(ended_well);
    });
    end.recv_timeout(TIME_TO_FAIL).unwrap_or(true)
}

/// Starts a browser whose profile is in `folder`, which is removed when it ends. Returns what says that it has; none
/// when it failed to start. The browser holds the folder's lock too, so its profile stays when this process is killed.
pub(super) fn window(
    words: &[String],
    page: &str,
    is_served: &watch::Receiver<bool>,
    kept_back: &[&str],
    folder: RunFolder,
) -> Option<watch::Receiver<bool>> {
    let mut program = start(words, page, folder.held_by_child(), kept_back)?;
    let (is_closed, closed) = watch::channel(false);
    let (ended, end) = mpsc::channel();
    let is_served = is_served.clone();
    thread::spawn(move || {
        let ended_well = program.wait().is_ok_and(|status| status.success());
        let is_seen = *is_served.borrow();
        let _ = ended.send(ended_well || is_seen);
        if ended_well && !is_seen {
            // It passed the page on to a process that this one does not know. A later run removes the profile.
            std::mem::forget(folder);
        } else {
            folder.remove_from_processes();
        }
        is_closed.send_replace(true);
    });
    let is_open = end.recv_timeout(TIME_TO_FAIL).unwrap_or(true);
    is_open.then_some(closed)
}

fn start(words: &[String], page: &str, input: Stdio, kept_back: &[&str]) -> Option<Child> {
    let mut arguments: Vec<String> = words[1..]
        .iter()
        .map(|word| word.replace("%s", page))
        .collect();
    if !words.iter().any(|word| word.contains("%s")) {
        arguments.push(page.to_owned());
    }
    let mut command = Command::new(&words[0]);
    command
        .args(arguments)
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    for variable in kept_back {
        command.env_remove(variable);
    }
    crate::memory::start_other(|| command.spawn()).ok()
}
