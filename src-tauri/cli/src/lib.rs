//! `mcm`: Multi-Cloud Manager without a window, in two programs.
//!
//! Users and tools run `mcm` (`fast_path.rs`). It issues cached credentials, because programs wait for it at every
//! call, and becomes `mcm-full` (`run.rs`) for everything else. `arguments.rs` defines the commands; each has a file
//! of its own, and core does the work. Results go to standard output, everything else to standard error.

mod access;
mod account_argument;
mod accounts;
mod activity;
mod arguments;
mod aws_files;
mod backup;
mod bigquery_file;
mod child_exit;
mod cloud_argument;
#[cfg(test)]
mod committed_file;
mod completion;
mod configure;
mod confirm_protected;
mod console;
mod credential_env;
mod credential_process;
mod doctor;
mod env;
mod environment;
mod environment_arguments;
mod environment_kubeconfig;
mod exec;
mod export;
mod failure;
mod fast_path;
mod find_account;
mod help;
mod hook;
mod hook_arguments;
mod hook_lines;
mod hook_state;
mod import;
mod interactive;
mod kube_token;
mod login;
mod logout;
#[cfg(test)]
mod man;
mod output;
mod picker;
mod program;
mod prompt;
mod receipt;
#[cfg(test)]
mod reference;
mod run;
mod secret_input;
mod sessions;
mod shell;
mod shell_arguments;
mod shell_startup;
mod shims;
mod stop_request;
mod targets;
mod terminal_look;
mod token;
mod variables;
mod whoami;

pub use crate::fast_path::run_fast_path;
pub use crate::run::run;
