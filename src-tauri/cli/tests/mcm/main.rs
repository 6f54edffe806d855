//! The real `mcm` against the sandbox clouds, with a keychain of its own for each test.
//!
//! Programs needed: dbus-daemon, xdg-dbus-proxy, gnome-keyring-daemon, mkfifo, kill; kubectl, openssl; bash, zsh and fish,
//! direnv, tmux, strace, git; python3, node and what `make clients` installs for them. az and mise are tried where they are
//! installed. See `harness.rs` for what a test works with.
#![cfg(target_os = "linux")]

mod accounts;
mod agents;
mod aws;
mod aws_files;
mod aws_identities;
mod backup;
mod center_processes;
mod clients;
mod company;
mod completion;
mod configure;
mod doctor;
mod env;
mod environments;
mod exec;
mod exec_child;
mod failures;
mod fast_path;
mod folders;
mod harness;
mod hook;
mod hook_cost;
mod hook_identity;
mod hook_nushell;
mod hook_tools;
mod identity_center;
mod import;
mod interactive;
mod keys;
mod kube_token;
mod kubectl;
mod login;
mod named_identity;
mod other_credentials;
mod processes;
mod shells;
mod sources;
mod surroundings;
mod token;
mod whoami;
