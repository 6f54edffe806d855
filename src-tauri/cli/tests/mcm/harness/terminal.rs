//! `mcm` at a terminal of util-linux's `script`: questions, keys, and the terminal's modes afterwards.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use super::{Harness, TIMEOUT};

/// `mcm` at a terminal, by util-linux's `script`, and what the terminal is like afterwards.
pub(crate) struct Terminal {
    process: Child,
    keyboard: ChildStdin,
    screen: mpsc::Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    /// Starts `mcm` with these words of a shell.
    pub(crate) fn start(harness: &Harness, arguments: &str) -> Self {
        let mcm = env!("CARGO_BIN_EXE_mcm");
        // The shell outlives Ctrl-C, to print the terminal's modes.
        let line = format!("trap : INT; {mcm} {arguments}; echo status $?; stty -a");
        let mut command = Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .env_clear()
            .env("SHELL", "/bin/sh");
        for (name, value) in harness.command(&[]).get_envs() {
            command.env(name, value.expect("set, not removed"));
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut process = command.spawn().expect("script (bsdutils) is installed");
        let keyboard = process.stdin.take().expect("piped");
        let mut output = process.stdout.take().expect("piped");
        let (sender, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 1024];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            process,
            keyboard,
            screen,
            shown: String::new(),
        }
    }

    /// Waits until the screen has shown a text.
    pub(crate) fn until(&mut self, text: &str) {
        while !self.shown.contains(text) {
            let more = self.screen.recv_timeout(TIMEOUT);
            let more = more.unwrap_or_else(|_| panic!("{text:?} is never shown: {}", self.shown));
            self.shown.push_str(&String::from_utf8_lossy(&more));
        }
    }

    /// Answers a question.
    pub(crate) fn enter(&mut self, question: &str, answer: &str) {
        self.until(question);
        self.press(&format!("{answer}\n"));
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("the terminal is there");
    }

    /// Everything that was on the screen, the terminal's modes last.
    pub(crate) fn ended(mut self) -> String {
        self.until("echoprt");
        drop(self.keyboard);
        self.process.wait().expect("it ends");
        self.shown
    }
}
