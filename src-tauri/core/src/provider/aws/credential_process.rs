//! Running the program of a profile's `credential_process`, as botocore runs it.
//!
//! The program has a process group of its own, on Windows a job, which is ended at the time limit, so that nothing of it
//! stays behind. At a terminal it can ask and be answered. What it says on standard error reaches that terminal; its last
//! line is quoted.

use std::io::{IsTerminal as _, Write as _};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use aws_credential_types::Credentials;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Number, Value};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::sdk::system_time;
use super::shared_config::quoted;

use crate::aws_files::{shell_words, windows_words};
use crate::error::{Code, Error, Result};
use crate::memory;
use crate::text;
use crate::world::Environment;

/// What a helper's variables say of where it runs: the sources that are being asked, one on a line. An `mcm` that a helper
/// starts sees it, and never waits for the very renewal that waits for the helper.
pub const MARK: &str = "MCM_AWS_SOURCES_ASKED";
/// Variables that would make a helper ask the profile that asks the helper.
const NOT_FOR_HELPERS: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
/// Longer than any credential.
const MAX_OUTPUT: usize = 64 * 1024;
/// What is kept of what a helper says.
const MAX_WORDS: usize = 4 * 1024;
/// How long the output of a helper that has ended may stay open, in processes that it left.
const AFTER_THE_END: Duration = Duration::from_secs(1);
/// How soon a helper that gave nothing is asked again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// A program to run.
pub(super) struct Helper<'a> {
    /// The value of `credential_process`.
    pub(super) command: &'a str,
    /// The profile that names it.
    pub(super) profile: &'a str,
    /// The variables of this process.
    pub(super) environment: &'a Environment,
    /// The source that is asked, for the mark.
    pub(super) source: &'a str,
    /// How long it may take.
    pub(super) limit: Duration,
}

/// What a helper answers (AWS SDKs and Tools reference guide, "Process credential provider").
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HelperAnswer {
    version: Number,
    access_key_id: String,
    secret_access_key: SecretString,
    session_token: Option<SecretString>,
    expiration: Option<Value>,
}

/// Whether a source is being asked by a helper that this process runs in.
pub(super) fn is_asked_outside(environment: &Environment, source: &str) -> bool {
    environment
        .get(MARK)
        .is_some_and(|asked| asked.lines().any(|one| one == source))
}

impl Helper<'_> {
    /// Runs the program to its end and reads the credentials that it prints.
    ///
    /// # Errors
    /// `setting-invalid` for a program that cannot be started, `source-expired` for one that fails, takes too long or
    /// answers with something else.
    pub(super) async fn run(&self) -> Result<Credentials> {
        let split = if cfg!(windows) {
            windows_words
        } else {
            shell_words
        };
        let words = split(self.command).filter(|words| !words.is_empty());
        let Some([program, arguments @ ..]) = words.as_deref() else {
            let message = format!(
                "{} cannot be split into words: a quote is not closed. Fix credential_process.",
                self.title()
            );
            return Err(Error::new(Code::SettingInvalid, message));
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .envs(self.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if std::io::stdin().is_terminal() {
            command.stdin(Stdio::inherit());
        }
        // The terminal could not come back to a group of outside of this container, so the helper stays in that.
        #[cfg(unix)]
        if group::ours().is_some() {
            command.process_group(0);
        }
        let mut child = memory::start_other(|| command.spawn()).map_err(|error| {
            let message = format!(
                "{} cannot be started: {}. Fix credential_process.",
                self.title(),
                text::shown(&error.to_string())
            );
            Error::new(Code::SettingInvalid, message)
        })?;
        let mut group = group::Group::of(&child);
        let (mut output, mut said) = (Vec::new(), Vec::new());
        let standard_output = child.stdout.take().expect("piped");
        let standard_error = child.stderr.take().expect("piped");
        let ended = tokio::time::timeout(self.limit, async {
            let mut reading = pin!(async {
                tokio::join!(
                    collect(standard_output, &mut output),
                    pass_on(standard_error, &mut said)
                )
            });
            tokio::select! {
                _ = &mut reading => child.wait().await,
                status = child.wait() => {
                    let _ = tokio::time::timeout(AFTER_THE_END, &mut reading).await;
                    status
                }
            }
        })
        .await;
        let last_line = last_line(&said);
        match ended {
            Err(_) => {
                // Dropping the group ends it.
                let message = format!(
                    "{} gave nothing within {} seconds and was ended.{last_line} {}",
                    self.title(),
                    self.limit.as_secs(),
                    self.advice()
                );
                Err(self.failed(message))
            }
            Ok(Ok(status)) if status.success() => {
                group.has_ended();
                let output = SecretString::from(
                    String::from_utf8(output).map_err(|_| self.unreadable("it is no text"))?,
                );
                self.read(output.expose_secret())
            }
            Ok(status) => {
                group.has_ended();
                let how = status.map_or_else(|error| error.to_string(), how_ended);
                let message = format!(
                    "{} failed ({how}).{last_line} {}",
                    self.title(),
                    self.advice()
                );
                Err(self.failed(message))
            }
        }
    }

    fn variables(&self) -> impl Iterator<Item = (String, String)> {
        let asked = self.environment.get(MARK).unwrap_or_default();
        let mark = format!(
            "{asked}{}{}",
            if asked.is_empty() { "" } else { "\n" },
            self.source
        );
        let kept = self
            .environment
            .pairs()
            .filter(|(name, _)| !NOT_FOR_HELPERS.contains(name) && *name != MARK);
        kept.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .chain([(MARK.to_owned(), mark)])
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn read(&self, output: &str) -> Result<Credentials> {
        // The parser's error may quote what it read.
        let answer: HelperAnswer = serde_json::from_str(output).map_err(|_| {
            self.unreadable("it is not JSON with Version, AccessKeyId and SecretAccessKey")
        })?;
        // botocore and the JavaScript SDK take 1.0 as well.
        if answer.version.as_f64() != Some(1.0) {
            return Err(self.unreadable("its Version is not 1"));
        }
        if answer.access_key_id.is_empty() || answer.secret_access_key.expose_secret().is_empty() {
            return Err(self.unreadable("AccessKeyId or SecretAccessKey is empty"));
        }
        let no_time = "its Expiration is no time with an offset, such as 2026-11-28T10:00:00Z";
        let expiry = match &answer.expiration {
            None => None,
            Some(Value::String(at)) if at.trim().is_empty() => None,
            Some(Value::String(at)) => {
                Some(moment(at.trim()).ok_or_else(|| self.unreadable(no_time))?)
            }
            Some(_) => return Err(self.unreadable(no_time)),
        };
        let token = answer
            .session_token
            .filter(|token| !token.expose_secret().is_empty());
        Ok(Credentials::new(
            answer.access_key_id,
            answer.secret_access_key.expose_secret(),
            token.map(|token| token.expose_secret().to_owned()),
            expiry.map(system_time),
            "credential_process",
        ))
    }

    fn unreadable(&self, why: &str) -> Error {
        let message = format!(
            "{} answered with something other than credentials: {why}. {}",
            self.title(),
            self.advice()
        );
        self.failed(message)
    }

    fn failed(&self, message: String) -> Error {
        Error::new(Code::SourceExpired, message).with_retry_after(Some(LOOK_AGAIN))
    }

    fn title(&self) -> String {
        format!(
            "The program of AWS profile \"{}\"",
            text::shown(self.profile)
        )
    }

    fn advice(&self) -> String {
        format!(
            "Check it with \"aws sts get-caller-identity --profile {}\".",
            quoted(self.profile)
        )
    }
}

/// A time as botocore reads one, where it can mean only one: RFC 3339, the same with `UTC`, `GMT` or an offset without a
/// colon, and RFC 2822. Every SDK reads the first, and the others only botocore and the JavaScript SDK.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(at) = rfc2822::parse(text) {
        return Some(at.timestamp());
    }
    let mut text = without_smallest_parts(text);
    for zone in ["UTC", "GMT"] {
        if let Some(time) = text.strip_suffix(zone) {
            text = format!("{}Z", time.trim_end());
        }
    }
    let is_compact = text.len() > 5
        && text.is_ascii()
        && text[text.len() - 5..].starts_with(['+', '-'])
        && text[text.len() - 4..].bytes().all(|b| b.is_ascii_digit())
        && text.contains(':');
    if is_compact {
        text.insert(text.len() - 2, ':');
    }
    // A blank before the offset is none to us.
    let text = text.replacen(" +", "+", 1).replacen(" -", "-", 1);
    text.parse().ok()
}

/// Leaves out what is smaller than a nanosecond, as the SDKs do.
fn without_smallest_parts(text: &str) -> String {
    let Some((whole, rest)) = text.split_once(['.', ',']) else {
        return text.to_owned();
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    format!("{whole}.{}{}", &rest[..digits.min(9)], &rest[digits..])
}

/// The last line that a helper said, ready to follow a sentence. An `mcm` in it ends its message with a reference, which
/// says nothing to a user.
fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let mut lines = said.split(['\n', '\r']).rev().map(text::shown);
    lines
        .find(|line| !line.is_empty() && !line.starts_with("reference: "))
        .map_or_else(String::new, |line| format!(" It said: \"{line}\"."))
}

fn how_ended(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("signal {signal}");
    }
    format!("status {}", status.code().unwrap_or_default())
}

async fn collect(mut from: impl AsyncRead + Unpin, into: &mut Vec<u8>) {
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let room = MAX_OUTPUT.saturating_sub(into.len());
        into.extend_from_slice(&chunk[..count.min(room)]);
    }
}

/// Copies what a helper says to the terminal, if there is one, and keeps the end of it.
async fn pass_on(mut from: impl AsyncRead + Unpin, said: &mut Vec<u8>) {
    let is_terminal = std::io::stderr().is_terminal();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        if is_terminal {
            let _ = std::io::stderr().write_all(&chunk[..count]);
        }
        said.extend_from_slice(&chunk[..count]);
        let excess = said.len().saturating_sub(MAX_WORDS);
        said.drain(..excess);
    }
}

#[cfg(unix)]
mod group {
    //! The process group of a helper, and the terminal that it gets meanwhile.

    use std::io::IsTerminal as _;
    use std::io::stdin;

    use nix::sys::signal::{SigSet, Signal as NixSignal};
    use rustix::process::{Pid, Signal, kill_process_group};
    use rustix::termios::{tcgetpgrp, tcsetpgrp};
    use tokio::process::Child;

    /// The group of this process. One of outside of its container has no number.
    pub(super) fn ours() -> Option<Pid> {
        // rustix takes it to have one.
        Pid::from_raw(nix::unistd::getpgrp().as_raw())
    }

    /// Ends the group when it is dropped, unless the helper has ended by itself.
    pub(super) struct Group {
        id: Option<Pid>,
        _terminal: Option<Terminal>,
    }

    impl Group {
        pub(super) fn of(child: &Child) -> Self {
            let id = child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(Pid::from_raw);
            Self {
                id,
                _terminal: id.and_then(Terminal::hand_to),
            }
        }

        /// What a helper leaves on purpose, such as an agent, stays.
        pub(super) fn has_ended(&mut self) {
            self.id = None;
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            if let Some(id) = self.id {
                let _ = kill_process_group(id, Signal::KILL);
            }
        }
    }

    /// The terminal in a helper's hands. It comes back to our group when this is dropped.
    struct Terminal {
        ours: Pid,
    }

    impl Terminal {
        /// Without this, a helper that asks at the terminal would be stopped: its group is not the one in front.
        fn hand_to(group: Pid) -> Option<Self> {
            let (input, ours) = (stdin(), ours()?);
            if !input.is_terminal() || tcgetpgrp(&input).ok()? != ours {
                return None;
            }
            tcsetpgrp(&input, group).ok()?;
            // It may have been stopped before.
            let _ = kill_process_group(group, Signal::CONT);
            Some(Self { ours })
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            // A group that is not in front is stopped for this, unless the signal is blocked.
            let mut blocked = SigSet::empty();
            blocked.add(NixSignal::SIGTTOU);
            let before = blocked.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK);
            let _ = tcsetpgrp(stdin(), self.ours);
            if let Ok(before) = before {
                let _ = before.thread_set_mask();
            }
        }
    }
}

#[cfg(windows)]
mod group {
    //! The job of a helper: with it end all programs that the helper started.

    use tokio::process::Child;
    use win32job::{ExtendedLimitInfo, Job};

    /// Ends the job when it is dropped, unless the helper has ended by itself.
    pub(super) struct Group(Option<Job>);

    impl Group {
        /// Without a job, as where the system allows none within another, the helper alone is ended.
        pub(super) fn of(child: &Child) -> Self {
            let mut limits = ExtendedLimitInfo::new();
            limits.limit_kill_on_job_close();
            let job = Job::create_with_limit_info(&limits).ok();
            let handle = child.raw_handle();
            Self(job.filter(|job| {
                handle.is_some_and(|handle| job.assign_process(handle as isize).is_ok())
            }))
        }

        /// What a helper leaves on purpose, such as an agent, stays.
        pub(super) fn has_ended(&mut self) {
            if let Some(job) = &self.0 {
                let _ = job.set_extended_limit_info(&ExtendedLimitInfo::new());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_botocore_reads_it_and_one_without_an_offset_is_none() {
        let at: Timestamp = "2026-11-28T10:00:00Z".parse().expect("a time");
        for text in [
            "2026-11-28T10:00:00Z",
            "2026-11-28T10:00:00+0000",
            "2026-11-28T12:00:00+0200",
            "2026-11-28T10:00:00+00:00",
            "2026-11-28T10:00:00 UTC",
            "2026-11-28 10:00:00 UTC",
            "2026-11-28 10:00:00 +0000",
            "2026-11-28T10:00:00.000UTC",
            "2026-11-28T10:00:00 GMT",
            "2026-11-28T10:00Z",
            "20261128T100000Z",
            "2026-11-28t10:00:00z",
            "2026-11-28T10:00:00+00",
            "Sat, 28 Nov 2026 10:00:00 GMT",
            "Sat, 28 Nov 2026 10:00:00 +0000",
            "28 Nov 2026 12:00:00 +0200",
        ] {
            assert_eq!(moment(text), Some(at), "{text}");
        }
        for text in [
            "2026-11-28T10:00:00",
            "Sat, 28 Nov 2026 10:00:00",
            "11/28/2026 10:00:00Z",
            "2026-11-28T10:00:00 CET",
            "2026-11-28T10:00:00UTC+3",
            "2026-11-28T10:00:00.Z",
            "2026-11-28Z",
            "1795860000",
            "tomorrow",
            "é+0000",
            "+0000",
            "",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }

    #[test]
    fn parts_of_a_second_are_read_to_the_nanosecond_and_smaller_ones_are_left_out() {
        let digits = "123456789012";
        for length in 1..=digits.len() {
            for (point, zone) in [(".", "Z"), (",", "Z"), (".", "+0000"), (".", " UTC")] {
                let text = format!("2026-11-28T10:00:00{point}{}{zone}", &digits[..length]);
                let at = moment(&text).unwrap_or_else(|| panic!("{text}"));
                let known: i32 = format!("{:0<9}", &digits[..length.min(9)])
                    .parse()
                    .expect("a number");
                assert_eq!(at.subsec_nanosecond(), known, "{text}");
            }
        }
    }

    #[test]
    fn the_last_line_is_quoted_without_what_would_move_the_cursor() {
        assert_eq!(
            last_line(b"first\ntouch \x1b[31myour key\r\n\n"),
            " It said: \"touch [31myour key\"."
        );
        assert_eq!(
            last_line(b"mcm: It would wait for itself.\n  reference: 08f3c344\n"),
            " It said: \"mcm: It would wait for itself.\"."
        );
        assert_eq!(last_line(b" \n"), "");
    }
}
