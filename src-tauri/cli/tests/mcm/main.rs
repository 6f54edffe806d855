//! The real `mcm` against the sandbox clouds, with a keychain of its own for each test.
//!
//! Programs needed: dbus-daemon, gnome-keyring-daemon, mkfifo, kill. See `stage.rs` for what a test works with.
#![cfg(target_os = "linux")]

mod accounts;
mod aws;
mod doctor;
mod failures;
mod interactive;
mod login;
mod stage;
mod token;
