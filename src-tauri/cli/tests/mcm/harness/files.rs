//! The files and programs of a test: writing, installing and reading them, and running a program that must be there.

use std::fs;
use std::io::Write as _;
#[cfg(target_os = "linux")]
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};

#[cfg(target_os = "linux")]
pub(super) fn executable(path: &Path, script: &str) -> PathBuf {
    install_script(path, &format!("#!/bin/sh\n{script}\n"));
    path.to_owned()
}

/// Copies a program so that it can run at once. Another process writes it: a program that another thread starts may
/// inherit the open file, and the system runs no program that is open for writing.
#[cfg(target_os = "linux")]
pub(crate) fn install(program: &Path, path: &Path) {
    run(
        Command::new("install")
            .args(["-D", "-m", "0700"])
            .args([program, path]),
        "install",
        "coreutils",
    );
}

/// As [`install`], for a script of the test's own.
#[cfg(target_os = "linux")]
pub(crate) fn install_script(path: &Path, script: &str) {
    let mut install = Command::new("install");
    install
        .args(["-D", "-m", "0700", "/dev/stdin"])
        .arg(path)
        .stdin(Stdio::piped());
    let mut install = install
        .spawn()
        .unwrap_or_else(|error| missing("install", "coreutils", &error));
    install
        .stdin
        .take()
        .expect("piped")
        .write_all(script.as_bytes())
        .expect("it reads");
    assert!(install.wait().expect("it ends").success());
}

/// Everything that is in the files of a folder.
pub(crate) fn everything_below(folder: PathBuf) -> String {
    let mut text = String::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("the folder is ours").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                text.push_str(&String::from_utf8_lossy(
                    &fs::read(path).expect("the file is ours"),
                ));
            }
        }
    }
    text
}

/// Writes a file of the test's. Windows gives it the rights of its folder.
#[cfg_attr(windows, expect(unused_variables, reason = "there are no modes"))]
pub(crate) fn write(path: &Path, mode: u32, text: &str) {
    fs::DirBuilder::new()
        .recursive(true)
        .create(path.parent().expect("not the root"))
        .and_then(|()| {
            let mut options = fs::OpenOptions::new();
            options.create(true).truncate(true).write(true);
            #[cfg(target_os = "linux")]
            options.mode(mode);
            options.open(path)?.write_all(text.as_bytes())
        })
        .expect("the folder is ours");
}

#[cfg(target_os = "linux")]
pub(crate) fn run(command: &mut Command, program: &str, package: &str) {
    let status = command
        .status()
        .unwrap_or_else(|error| missing(program, package, &error));
    assert!(status.success(), "{program} ended with {status}");
}

#[cfg(target_os = "linux")]
pub(crate) fn missing(program: &str, package: &str, error: &std::io::Error) -> ! {
    panic!(
        "{program} cannot be started ({error}). This test needs it: install the package {package}."
    )
}
