//! A user who answers the dialogs of a keychain on the test's own screen, by keys.

use std::future::Future;

use super::RequestingProgram;
use super::desktop::{wait_until, xdotool};

/// The titles of the windows.
pub(crate) fn windows() -> String {
    xdotool(&[
        "search",
        "--onlyvisible",
        "--name",
        ".",
        "getwindowname",
        "%@",
    ])
}

/// Answers each dialog that is found so until the work is done: types a text and presses keys in it.
fn answer(which: [&str; 2], text: &str, keys: &[&str], is_done: impl Fn() -> bool) {
    let find = || xdotool(&[&["search", "--onlyvisible"], &which[..]].concat());
    while let Some(window) = wait_until(&format!("{which:?} is on the screen"), || {
        let found = find().lines().next().map(str::to_owned);
        (found.is_some() || is_done()).then_some(found)
    }) {
        focus(&window);
        if !text.is_empty() {
            xdotool(&["type", text]);
        }
        xdotool(&[&["key"], keys].concat());
        wait_until("the dialog is gone", || {
            (!find().lines().any(|line| line == window)).then_some(())
        });
    }
}

fn focus(window: &str) {
    wait_until("the dialog has the focus", || {
        (xdotool(&["getwindowfocus"]).trim() == window)
            .then_some(())
            .or_else(|| {
                xdotool(&["windowfocus", window]);
                None
            })
    });
}

/// Lets a program work with the keychain while the user answers a dialog.
pub(crate) fn while_answering<T: Send + 'static>(
    program: &RequestingProgram,
    work: impl Future<Output = T> + Send + 'static,
    which: [&str; 2],
    text: &str,
    keys: &[&str],
) -> T {
    let working = program.runtime.spawn(work);
    answer(which, text, keys, || working.is_finished());
    program.runtime.block_on(working).expect("no panic")
}
