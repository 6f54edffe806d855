//! The real `mcm` against the sandbox clouds, with a keychain of its own for each test.
//!
//! Programs needed: dbus-daemon, xdg-dbus-proxy, gnome-keyring-daemon, mkfifo, kill; kubectl, openssl; bash, zsh and fish,
//! direnv, tmux, strace, git; python3, node and what `make clients` installs for them. az and mise are tried where they are
//! installed. See `harness.rs` for what a test works with.
//!
//! Windows has no keychain of a test's own, so there each test has Credential Manager for itself. Modules that are only
//! compiled for Linux need its shells, its signals or its clients of the clouds.
#![cfg(any(target_os = "linux", windows))]

mod accounts;
mod activity;
#[cfg(target_os = "linux")]
mod agents;
mod aws;
#[cfg(target_os = "linux")]
mod aws_files;
#[cfg(target_os = "linux")]
mod aws_identities;
mod aws_roles;
#[cfg(target_os = "linux")]
mod backup;
#[cfg(target_os = "linux")]
mod center_processes;
#[cfg(target_os = "linux")]
mod clients;
#[cfg(target_os = "linux")]
mod clusters;
#[cfg(target_os = "linux")]
mod clusters_in_use;
mod company;
#[cfg(target_os = "linux")]
mod completion;
#[cfg(target_os = "linux")]
mod configure;
#[cfg(target_os = "linux")]
mod doctor;
#[cfg(target_os = "linux")]
mod env;
#[cfg(target_os = "linux")]
mod environments;
#[cfg(target_os = "linux")]
mod exec;
#[cfg(target_os = "linux")]
mod exec_child;
#[cfg(target_os = "linux")]
mod exec_refusals;
mod failures;
#[cfg(target_os = "linux")]
mod fast_path;
#[cfg(target_os = "linux")]
mod folders;
#[cfg_attr(
    windows,
    allow(dead_code, reason = "not all of it is used by what runs there")
)]
mod harness;
#[cfg(target_os = "linux")]
mod hook;
#[cfg(target_os = "linux")]
mod hook_cost;
#[cfg(target_os = "linux")]
mod hook_identity;
#[cfg(target_os = "linux")]
mod hook_nushell;
#[cfg(target_os = "linux")]
mod hook_tools;
#[cfg(target_os = "linux")]
mod identity_center;
#[cfg(target_os = "linux")]
mod import;
#[cfg(target_os = "linux")]
mod interactive;
#[cfg(target_os = "linux")]
mod keys;
mod kube_token;
#[cfg(target_os = "linux")]
mod kubectl;
mod login;
#[cfg(target_os = "linux")]
mod named_identity;
#[cfg(target_os = "linux")]
mod other_credentials;
#[cfg(target_os = "linux")]
mod powershell;
#[cfg(target_os = "linux")]
mod process_surroundings;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod shells;
#[cfg(target_os = "linux")]
mod sources;
#[cfg(target_os = "linux")]
mod surroundings;
mod token;
mod whoami;
