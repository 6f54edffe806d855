//! What a scenario leaves behind, for the leak checks: every file below a folder, and the log at TRACE.

use std::io;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use tracing_subscriber::fmt::MakeWriter;

/// Every file below a folder, by its path, as text.
pub(crate) fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text =
                String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).into_owned();
            found.push((path.display().to_string(), text));
        }
    }
    found
}

/// Everything that was logged since `capture_log`, by every scenario of the process.
pub(crate) fn log() -> String {
    String::from_utf8_lossy(&captured().lock().expect("unpoisoned")).into_owned()
}

/// Keeps all that is logged, at TRACE. Every harness of the process shares the first one's subscriber.
pub(crate) fn capture_log() {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false);
    let _ = subscriber.with_writer(Capture).try_init();
}

fn captured() -> &'static Mutex<Vec<u8>> {
    static LOG: OnceLock<Mutex<Vec<u8>>> = OnceLock::new();
    LOG.get_or_init(Mutex::default)
}

#[derive(Clone)]
struct Capture;

impl<'a> MakeWriter<'a> for Capture {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Self
    }
}

impl io::Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        captured()
            .lock()
            .expect("unpoisoned")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
