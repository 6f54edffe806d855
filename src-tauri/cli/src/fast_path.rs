//! The part of `mcm` that issues a cached credential from the keychain.
//!
//! Programs wait for it at every call, so this file holds nothing else and explains no failure: for everything else,
//! `mcm` becomes `mcm-full`, which starts over with the same arguments and variables.

use std::io::IsTerminal as _;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::Duration;
use std::{env, io};

use clap::Parser as _;
use futures_util::FutureExt as _;
use mcm_core::account::{Account, Cloud};
use mcm_core::app::CachedSessions;
use mcm_core::holders::Holders;
use mcm_core::memory;
use mcm_core::provider;
use mcm_core::provider::aws::HELPER_MARK;
use mcm_core::settings::Settings;
use mcm_core::signals;
use mcm_core::vault::Vault;
use mcm_core::world::{APP_ID, Clock as _, Environment, Paths, SystemClock};

use crate::arguments::{IssueArguments, IssueCommand};
#[cfg(not(unix))]
use crate::failure::Failure;
use crate::output::{note, print};
use crate::token::requesting_program;
use crate::{completion, credential_process, exec, kube_token, token};

/// How long to wait for the keychain, and for the processes before us. `mcm-full` waits longer, and explains.
const KEYCHAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// Issues the requested credential, or becomes `mcm-full`.
pub fn run_fast_path() -> ExitCode {
    memory::keep_private();
    signals::prepare();
    if is_handed_out() {
        ExitCode::SUCCESS
    } else {
        go_on()
    }
}

fn is_handed_out() -> bool {
    let environment = Environment::of_this_process();
    if completion::is_asked(&environment) {
        return false;
    }
    let Ok(arguments) = IssueArguments::try_parse() else {
        return false;
    };
    // Without HOME the user is looked up, which loads plug-ins of the C library. A release's mcm has that library in itself.
    if cfg!(target_os = "linux") && environment.get("HOME").is_none() {
        return false;
    }
    // Within a program that a renewal runs, nothing is issued that the renewal may be of: mcm-full looks.
    if environment.get(HELPER_MARK).is_some() {
        return false;
    }
    let environment = exec::outside(&environment);
    // Keychain work on this thread leaves nothing to await.
    issue(&arguments.command, &environment)
        .now_or_never()
        .flatten()
        .is_some()
}

async fn issue(options: &IssueCommand, environment: &Environment) -> Option<()> {
    let paths = Paths::resolve(environment).ok()?;
    let vault = Vault::on_this_thread(APP_ID, paths.keychain_lock(), KEYCHAIN_TIMEOUT);
    let cached_sessions = CachedSessions::open(&paths, Arc::new(SystemClock), vault);
    let look = cached_sessions.look()?;
    let resource = |account: &Account, text: Option<&str>| match text {
        None => account.issued_resource().ok(),
        Some(text) => provider::resource(
            &Settings::load(&paths.config, environment),
            account.cloud(),
            text,
        )
        .ok(),
    };
    match options {
        IssueCommand::Token {
            whose,
            resource: text,
            json,
            claims: None,
            ..
        } => {
            let account = token::account(&look, whose).ok()?;
            let resource = resource(&account, text.as_deref())?;
            let session = cached_sessions
                .issue(&account, &resource, &requesting_program())
                .await?;
            token::print_credential(&account, &session, *json).ok()
        }
        // Only a new token meets a claims challenge.
        IssueCommand::Token { .. } => None,
        IssueCommand::CredentialProcess { whose, .. } => {
            let account = credential_process::account(&look, whose).ok()?;
            let session = cached_sessions
                .issue(
                    &account,
                    &account.issued_resource().ok()?,
                    &requesting_program(),
                )
                .await?;
            credential_process::print_credential(&account, &session).ok()
        }
        IssueCommand::KubeToken { whose, .. } => {
            let version = kube_token::version(environment.get(kube_token::EXEC_INFO)).ok()?;
            let account = kube_token::account(&look, environment, whose).ok()?;
            // EKS tokens are signed with the credential, which needs all of AWS's code.
            if account.cloud() == Cloud::Aws {
                return None;
            }
            let resource = resource(&account, kube_token::resource(&account, whose))?;
            let (named, run) = (whose.environment.as_deref(), whose.holder.as_deref());
            let holders = Holders::in_folder(&paths.data);
            let permitted = || match (named, run) {
                (Some(named), Some(run)) => {
                    kube_token::permitted_of_run(&holders, named, run, SystemClock.now()).ok()
                }
                (Some(named), None) if look.is_protected(named)? => None,
                _ => Some(None),
            };
            permitted()?;
            let program = requesting_program();
            let session = cached_sessions
                .issue_in(&account, &resource, &program, named)
                .await?;
            // It may be revoked since, or its time be over.
            let until = permitted()?;
            let expires_at = session.times.expires_at;
            if let Some(run) = run {
                holders.record(run, &account, expires_at, SystemClock.now());
            }
            let until = until.map_or(expires_at, |until| expires_at.min(until));
            kube_token::print_credential(version, session.bearer().ok()?, until).ok()
        }
    }
}

/// Becomes `mcm-full`, which is beside the file of this program, whatever link started it. Returns only when that
/// fails, or where a process cannot become another.
fn go_on() -> ExitCode {
    // Never through PATH, where another program may have this name.
    let Ok(this) = env::current_exe() else {
        return failed("The system does not say where the file of mcm is. On Linux, mount /proc.");
    };
    let Ok(this) = dunce::canonicalize(this) else {
        return failed(
            "The file of mcm was replaced or removed while it ran. Run the command again.",
        );
    };
    let program = this.with_file_name(format!("mcm-full{}", env::consts::EXE_SUFFIX));
    let mut command = Command::new(&program);
    command.args(env::args_os().skip(1));
    become_it(command).unwrap_or_else(|error| {
        failed(&format!(
            "{} cannot be started ({error}). It must be beside mcm. Install Multi-Cloud Manager again.",
            program.display()
        ))
    })
}

fn failed(why: &str) -> ExitCode {
    note(&format!("mcm: {why}"));
    // A shell that evaluates these lines must not go on as another account.
    if env::args_os().nth(1).is_some_and(|word| word == "env") && !io::stdout().is_terminal() {
        let _ = print("false");
    }
    ExitCode::FAILURE
}

#[cfg(unix)]
fn become_it(mut command: Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    if let Some(name) = env::args_os().next() {
        command.arg0(name);
    }
    Err(memory::start_other(|| command.exec()))
}

#[cfg(not(unix))]
fn become_it(command: Command) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let end = runtime.block_on(exec::run(command))?;
    Ok(Failure::Ended(end).report(&Environment::default()))
}
