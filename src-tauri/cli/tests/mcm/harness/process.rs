//! A running `mcm`: what it prints until it waits, its signals, its end.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

#[cfg(target_os = "linux")]
use mcm_core::testing::not_checked;
use serde_json::Value;

#[cfg(target_os = "linux")]
use super::run;

/// Longer than any command takes on a busy machine.
const LONGEST: Duration = Duration::from_secs(300);

/// Waits for a process. One that does not end is killed, so that its test fails instead of waiting for ever.
fn output_of(child: Child) -> Output {
    let id = child.id().to_string();
    let (ended, has_ended) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if has_ended.recv_timeout(LONGEST) == Err(RecvTimeoutError::Timeout) {
            let (program, words) = match cfg!(windows) {
                true => ("taskkill", ["/F", "/PID"]),
                false => ("kill", ["-s", "KILL"]),
            };
            let _ = Command::new(program).args(words).arg(id).status();
        }
    });
    let output = child.wait_with_output().expect("mcm ends");
    drop(ended);
    watch.join().expect("it only waits");
    output
}

/// The words that start a program in namespaces of its own. None, said aloud, where the system lets no user make them.
#[cfg(target_os = "linux")]
pub(crate) fn namespaces<'a>(kinds: &[&'a str]) -> Option<Vec<&'a str>> {
    let words = [&["unshare", "--user", "--map-root-user"], kinds].concat();
    let tried = Command::new(words[0])
        .args(&words[1..])
        .arg("true")
        .status();
    if tried.is_ok_and(|status| status.success()) {
        return Some(words);
    }
    not_checked("this system lets no user make a container (unshare --user).");
    None
}

/// How `mcm` ended.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) result: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Runs a command to its end.
    pub(crate) fn run(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::of(output_of(command.spawn().expect("mcm starts")))
    }

    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("mcm prints text");
        Self {
            status: output.status.code().expect("mcm ends by itself"),
            result: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// The result of a command that succeeded.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.status, 0, "{}", self.stderr);
        self.result
    }

    /// The result of a command that succeeded, as JSON.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.done()).expect("the result is JSON")
    }

    /// The standard error of a command that failed with this status.
    pub(crate) fn failed(self, status: i32) -> String {
        assert_eq!(
            (self.status, self.result.as_str()),
            (status, ""),
            "{}",
            self.stderr
        );
        self.stderr
    }
}

/// A running `mcm`.
pub(crate) struct Begun {
    child: Child,
    stderr: String,
    reader: Option<BufReader<ChildStderr>>,
}

impl Begun {
    /// Starts a command that a test has changed.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self {
            child: command.spawn().expect("mcm starts"),
            stderr: String::new(),
            reader: None,
        }
    }

    /// The standard error so far, once it ends with a line that contains these words.
    pub(crate) fn stderr_until(&mut self, words: &str) -> &str {
        let stderr = &mut self.child.stderr;
        let reader = self
            .reader
            .get_or_insert_with(|| BufReader::new(stderr.take().expect("it is piped")));
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let read = reader.read_line(&mut line).expect("mcm prints text");
            assert!(
                read > 0,
                "mcm ended without printing \"{words}\": {}",
                self.stderr
            );
            self.stderr.push_str(&line);
        }
        &self.stderr
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Presses Ctrl-C.
    #[cfg(target_os = "linux")]
    pub(crate) fn interrupt(&self) {
        let id = self.child.id().to_string();
        run(Command::new("kill").args(["-INT", &id]), "kill", "procps");
    }

    /// Ends it without letting it clean up.
    #[cfg(target_os = "linux")]
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is gone");
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> Ended {
        if let Some(reader) = &mut self.reader {
            reader
                .read_to_string(&mut self.stderr)
                .expect("mcm prints text");
        }
        let mut ended = Ended::of(output_of(self.child));
        ended.stderr.insert_str(0, &self.stderr);
        ended
    }
}
