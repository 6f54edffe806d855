//! The log, in which a user finds an error by its reference. Never a secret, an address with a query, or a name.
//!
//! One file a day in the log folder, a week of them, readable by this user only. The level is `info`, or the one in
//! `MCM_LOG`. Only the binaries start it.

use std::io;

use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::error::{Code, Error, Result};
use crate::file;
use crate::world::{Environment, Paths};

/// The number of days for which logs are kept.
const DAYS: usize = 7;

/// Starts writing the log of `program` (`app` or `mcm`). Without a log folder the program runs without a log.
///
/// # Errors
/// `storage-failed` when the folder cannot be made.
pub fn start(program: &str, paths: &Paths, environment: &Environment) -> Result<()> {
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
        .with_writer(std::sync::Mutex::new(appender));
    // A second start in one process keeps the first log.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .try_init();
    Ok(())
}
