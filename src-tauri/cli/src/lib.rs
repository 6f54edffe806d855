//! `mcm`: Multi-Cloud Manager without a window, in two programs.
//!
//! `mcm`, which is in `fast_path.rs`, is the one that is run. It hands out what lies ready, because programs wait for that at
//! every call of theirs, and becomes `mcm-full`, which is in `run.rs`, for everything else. `arguments.rs` says what can be
//! asked; each command has a file of its own; what they do is the core's. Results go to standard output, everything else to
//! standard error.

mod accounts;
mod activity;
mod arguments;
mod aws_files;
mod child_exit;
mod choice;
mod completion;
mod configure;
mod credential_env;
mod credential_process;
mod doctor;
mod env;
mod exec;
mod export;
mod failure;
mod fast_path;
mod help;
mod interactive;
mod kube_token;
mod login;
mod logout;
mod lookup;
#[cfg(test)]
mod man;
mod other_tools;
mod output;
#[cfg(test)]
mod reference;
mod run;
mod shell;
mod targets;
mod token;
mod variables;
mod whoami;

pub use crate::fast_path::run_fast_path;
pub use crate::run::run;
