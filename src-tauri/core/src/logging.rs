//! The log, in which a user finds an error by its reference. Never a secret, an address with a query, or a name.
//!
//! One file a day in the log folder, a week of them, readable by this user only. The level is `info`, or the one in
//! `MCM_LOG`. Only the binaries start it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::error::{Code, Error, Result};
use crate::file;
use crate::world::{Clock, Environment, Paths};

/// The number of days for which logs are kept.
const DAYS: usize = 7;

/// Starts writing the log of `program` (`app` or `mcm`). Without a log folder the program runs without a log.
///
/// # Errors
/// `storage-failed` when the folder cannot be made.
pub fn start(
    program: &str,
    paths: &Paths,
    environment: &Environment,
    clock: Arc<dyn Clock>,
) -> Result<()> {
    let failed = |error: io::Error| {
        let message = format!(
            "{} cannot contain a log. The program continues without one.",
            paths.logs.display()
        );
        Error::new(Code::StorageFailed, message).with_source(error)
    };
    file::make_private_folder(&paths.logs).map_err(failed)?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(program)
        .filename_suffix("log")
        .max_log_files(DAYS)
        .build(&paths.logs)
        .map_err(|error| failed(io::Error::other(error)))?;
    let log = PrivateLog {
        file: appender,
        folder: paths.logs.clone(),
        program: program.to_owned(),
        clock,
        day: None,
    };
    // Other crates may log what they send at finer levels, so they are limited to warnings. The AWS SDK's warnings
    // quote lines of its shared files, which contain keys, so it logs nothing.
    let level = environment.get("MCM_LOG").unwrap_or("info");
    let others = "warn,aws_config=off,aws_runtime=off";
    let filter =
        |level: &str| format!("{others},mcm_core={level},multi_cloud_manager={level},mcm={level}");
    let filter =
        EnvFilter::try_new(filter(level)).unwrap_or_else(|_| EnvFilter::new(filter("info")));
    let layer = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(Mutex::new(log));
    // A second start in one process keeps the first log.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init();
    Ok(())
}

/// A daily log whose files only this user can read. The appender makes them as the system does, for others to read; the
/// folder keeps those out meanwhile.
struct PrivateLog<W> {
    file: W,
    folder: PathBuf,
    program: String,
    clock: Arc<dyn Clock>,
    /// The last day on which the files were made private.
    day: Option<i64>,
}

impl<W: Write> Write for PrivateLog<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let written = self.file.write(line)?;
        let today = self.clock.now().as_second().div_euclid(24 * 3600);
        if self.day != Some(today) {
            self.day = Some(today);
            file::keep_files_private(&self.folder, &format!("{}.", self.program))?;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::testing::ManualClock;

    #[test]
    fn each_days_log_is_readable_by_its_user_only_and_other_files_stay_as_they_are() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let made = |name: &str| {
            let path = folder.path().join(name);
            let file = File::create(&path).expect("made");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("permitted");
            (path, file)
        };
        let mode = |path: &PathBuf| {
            let permissions = fs::metadata(path).expect("there").permissions();
            permissions.mode() & 0o777
        };
        let ((first, file), (other, _)) = (made("mcm.1970-01-01.log"), made("app.1970-01-01.log"));
        let mut log = PrivateLog {
            file,
            folder: folder.path().to_owned(),
            program: "mcm".into(),
            clock: clock.clone(),
            day: None,
        };
        writeln!(log, "a line").expect("written");
        assert_eq!((mode(&first), mode(&other)), (0o600, 0o644));
        clock.advance(Duration::from_secs(24 * 3600));
        let (second, file) = made("mcm.1970-01-02.log");
        log.file = file;
        writeln!(log, "a line").expect("written");
        assert_eq!(mode(&second), 0o600);
    }
}
