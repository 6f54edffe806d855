//! The real `mcm` against the sandbox clouds, with a keychain of its own for each test.
//!
//! Programs needed: dbus-daemon, gnome-keyring-daemon, mkfifo, kill, kubectl, openssl. See `stage.rs` for what a test
//! works with.
#![cfg(target_os = "linux")]

mod accounts;
mod aws;
mod doctor;
mod failures;
mod interactive;
mod kube_token;
mod kubectl;
mod login;
mod stage;
mod token;
