//! `mcm-full`: every command, from the arguments to the exit status.

use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use clap::Parser as _;
use mcm_core::app::App;
use mcm_core::browser::SystemBrowser;
use mcm_core::error::{Code, Error};
use mcm_core::http::Http;
use mcm_core::logging;
use mcm_core::memory;
use mcm_core::redirect::Frontend;
use mcm_core::signals;
use mcm_core::vault::Vault;
use mcm_core::world::{APP_ID, Clock as _, Environment, NoScheme, Paths, SystemClock, World};

use crate::arguments::{Arguments, Command, Configure, IssueCommand, Login};
use crate::failure::Failure;
use crate::output::{note, print};
use crate::{
    accounts, activity, aws_files, backup, completion, configure, console, credential_process,
    doctor, env, environment, exec, export, help, hook_lines, hook_state, import, kube_token,
    login, logout, picker, prompt, sessions, shims, stop_request, targets, token, variables,
    whoami,
};

/// Runs the command in the arguments.
pub fn run() -> ExitCode {
    let whole = Environment::of_this_process();
    if completion::is_asked(&whole) {
        return completion::answer(&whole);
    }
    be_called_mcm();
    signals::prepare();
    // The name cannot be changed after this.
    memory::keep_private();
    let arguments = Arguments::try_parse().unwrap_or_else(|error| {
        let is_env = std::env::args_os().nth(1).is_some_and(|word| word == "env");
        if is_env && error.use_stderr() {
            env::print_failing(None, false);
        }
        help::end(&error)
    });
    let (environment, has_own_key) =
        variables::without_own(&hook_state::outside(&exec::outside(&whole)));
    if has_own_key && is_about_aws(&arguments.command) {
        note("mcm: AWS_ACCESS_KEY_ID is what mcm env set here, so it assumes no role.");
    }
    let evaluating = match &arguments.command {
        Command::Env(options) => {
            env::begin(options);
            Some(options.language)
        }
        _ => None,
    };
    match run_command(arguments.command, &environment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(language) = evaluating {
                env::print_failing(language, true);
            }
            failure.report(&environment)
        }
    }
}

/// Sets the name under which the system shows this process; the activity log of other programs uses it too.
fn be_called_mcm() {
    #[cfg(target_os = "linux")]
    {
        let name = std::fs::OpenOptions::new()
            .write(true)
            .open("/proc/self/comm");
        // Without /proc there is no such name.
        let _ = name.and_then(|mut file| std::io::Write::write_all(&mut file, b"mcm"));
    }
}

/// Whether a command may assume an AWS role with the environment's credentials.
fn is_about_aws(command: &Command) -> bool {
    match command {
        Command::Login {
            cloud: Some(Login::Aws(_)),
        }
        | Command::IssueCommand(IssueCommand::CredentialProcess { .. }) => true,
        Command::Env(options) => !options.unset,
        Command::Exec(_) | Command::Shell(_) => true,
        _ => false,
    }
}

fn run_command(command: Command, environment: &Environment) -> Result<(), Failure> {
    if let Command::Completion { shell } = command {
        return Ok(completion::print_script(shell)?);
    }
    if let Command::Hook(options) = &command {
        return Ok(options.hook.print(options.look, environment)?);
    }
    if let Command::Prompt(options) = &command {
        let now = SystemClock.now();
        return match prompt::segment(&Environment::of_this_process(), now, options.coloured) {
            Some(segment) => Ok(print(&segment)?),
            None => Ok(()),
        };
    }
    if let Command::Version = command {
        return Ok(print(concat!("mcm ", env!("CARGO_PKG_VERSION")))?);
    }
    let paths = Paths::resolve(environment)?;
    // Tokio ends a program whose first thread cannot be started.
    let tried = thread::Builder::new()
        .spawn(|| ())
        .map(thread::JoinHandle::join);
    let runtime = tried
        .and_then(|_| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
        })
        .map_err(|error| {
            Error::new(
                Code::Internal,
                "The system has no free file handles or threads. Close some programs.",
            )
            .with_source(error)
        })?;
    let world = world(paths, environment_of(&command, environment));
    // A command works without its log.
    let _ = logging::start("mcm", &world.paths, environment, world.clock.clone());
    let outcome = runtime.block_on(dispatch(command, world));
    // A hanging keychain does not keep the process alive.
    runtime.shutdown_background();
    outcome
}

/// The environment that a command uses. The user of `credential-process` or `kube-token` may have set `AWS_PROFILE`
/// to the profile that runs it: assuming the role with that profile would run `mcm` again, without end. `exec` and `env`
/// remove that variable for others. Any other profile is used as given, even if it does not exist.
fn environment_of(command: &Command, whole: &Environment) -> Environment {
    const CONSUMER: [&str; 2] = ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"];
    let may_be_run_by_it = matches!(
        command,
        Command::IssueCommand(
            IssueCommand::CredentialProcess { .. } | IssueCommand::KubeToken { .. }
        ) | Command::Exec(_)
            | Command::Shell(_)
            | Command::Shim(_)
            | Command::Env(_)
    );
    let is_run_by_it = |name: &str, value: &str| {
        may_be_run_by_it && CONSUMER.contains(&name) && aws_files::leads_to_us(whole, value)
    };
    Environment::from_pairs(
        whole
            .pairs()
            .filter(|(name, value)| !is_run_by_it(name, value)),
    )
}

fn world(paths: Paths, environment: Environment) -> World {
    World {
        clock: Arc::new(SystemClock),
        http: Http::default(),
        vault: Vault::platform(APP_ID, paths.keychain_lock()),
        browser: Arc::new(SystemBrowser::new(&environment, &paths, Frontend::Terminal)),
        scheme: Arc::new(NoScheme),
        paths,
        environment,
    }
}

async fn dispatch(command: Command, world: World) -> Result<(), Failure> {
    if matches!(command, Command::Accounts { .. }) {
        // The accounts' status depends on a locked keychain. The commands that need the keychain explain a failure.
        let _ = world.vault.check().await;
    }
    let app = App::open(world.clone(), Frontend::Terminal);
    let (mut ready, mut has_window) = (None, false);
    let work = Box::pin(async {
        match command {
            Command::Login { cloud } => {
                let login = cloud.map_or_else(|| picker::cloud().map(Login::to), Ok)?;
                match login {
                    Login::Azure(options) => login::azure(&app, &world.vault, options).await,
                    Login::Gcp(options) => login::gcp(&app, &world.vault, &options).await,
                    Login::Aws(options) => login::aws::run(&app, &world.vault, *options).await,
                }
            }
            Command::Accounts { json, wide } => accounts::run(&app, &world.environment, json, wide),
            Command::Targets {
                account,
                json,
                refresh,
            } => targets::run(&app, &account, json, refresh).await,
            Command::Use {
                account: Some(account),
                target,
            } => targets::run_use(&app, &account, target.as_deref()).await,
            Command::Use { account: None, .. } => {
                let (account, target) = picker::account(&app)?;
                targets::run_use(&app, account.as_str(), target.as_deref()).await
            }
            Command::Environment(command) => environment::run(&app, &world, command).await,
            Command::IssueCommand(IssueCommand::Token {
                whose,
                resource,
                claims,
                json,
                interactive,
            }) => {
                token::run(
                    &app,
                    &world.vault,
                    &whose,
                    resource.as_deref(),
                    claims.as_deref(),
                    json,
                    interactive,
                )
                .await
            }
            Command::IssueCommand(IssueCommand::CredentialProcess { whose, interactive }) => {
                credential_process::run(&app, &world.vault, &whose, interactive).await
            }
            Command::IssueCommand(IssueCommand::KubeToken { whose, interactive }) => {
                kube_token::run(&app, &world, &whose, interactive).await
            }
            Command::Configure(Configure::Aws(options)) => {
                configure::run(&app, &world, options).await
            }
            Command::Configure(Configure::Kube(options)) => {
                configure::kube::run(&app, &world, options).await
            }
            Command::Whoami { json } => whoami::run(&app, json),
            Command::Completion { .. }
            | Command::Prompt(_)
            | Command::Hook(_)
            | Command::Version => {
                unreachable!("it is answered before any account is read")
            }
            Command::Shell(options) => {
                ready = Some(exec::prepare_shell(&app, &world, options).await?);
                Ok(())
            }
            Command::HookLines(options) => hook_lines::run(&app, &world, &options),
            Command::Allow => hook_lines::trust(&world, true),
            Command::Deny => hook_lines::trust(&world, false),
            Command::Shim(options) => {
                if let Some(request) = shims::token_request(&options)
                    && request.answer(&app).await?
                {
                    return Ok(());
                }
                ready = Some(exec::prepare_shim(&app, &world, shims::find(options)?).await?);
                Ok(())
            }
            Command::Sessions(options) => sessions::run(&app, &world, &options),
            Command::Console {
                account,
                print,
                isolated,
            } => {
                console::run(&app, &account, print, isolated).await?;
                has_window = isolated && !print;
                Ok(())
            }
            Command::Exec(options) => {
                ready = Some(exec::prepare(&app, &world, options).await?);
                Ok(())
            }
            Command::Env(options) => env::run(&app, &world, &options).await,
            Command::AddTenant { account, tenant } => {
                login::add_tenant(&app, &account, &tenant).await
            }
            Command::Rename { account, name, .. } => {
                accounts::rename(&app, &account, name.as_deref()).await
            }
            Command::Pin { account, remove } => accounts::pin(&app, &account, !remove).await,
            Command::Logout {
                whose,
                identity_center,
                yes,
            } => logout::run(&app, &world.vault, &whose, identity_center, yes).await,
            Command::Activity {
                verify: true, json, ..
            } => activity::verify(&app, json),
            Command::Activity {
                account,
                limit,
                json,
                ..
            } => activity::run(&app, account.as_deref(), limit, json),
            Command::Import(options) => import::run(&app, &world.vault, options).await,
            Command::Backup(options) => backup::run(&app, options).await,
            Command::Restore(options) => backup::restore(&app, options).await,
            Command::Export { json: _ } => export::run(&app),
            Command::Doctor { json } => doctor::run(&app, &world, json).await,
        }
    });
    unless_stopped(&app, work).await?;
    // From here on the command handles Ctrl-C.
    if has_window {
        console::until_closed(&app).await;
    }
    match ready {
        Some(ready) => ready.run(&app).await,
        None => Ok(()),
    }
}

/// Runs a command, or, when the user or the system stops it, as much of it as must not be left halfway.
async fn unless_stopped(
    app: &App,
    mut work: impl Future<Output = Result<(), Failure>> + Unpin,
) -> Result<(), Failure> {
    let stopped = tokio::select! {
        // The list of a picker holds up the thread, and a signal ends that as it ends any program.
        biased;
        done = &mut work => return done,
        stopped = stop_request::requested() => stopped,
    };
    // A cancelled sign-in still reports how it ended. It is not left halfway.
    let snapshot = app.watch().borrow().clone();
    if snapshot
        .sign_ins
        .iter()
        .any(|sign_in| app.cancel_sign_in(sign_in.id).is_ok())
    {
        return work.await;
    }
    // A renewal in progress may hold the only copy of a new refresh token.
    tokio::select! {
        () = app.finish() => {}
        _ = stop_request::requested() => {}
    }
    Err(stopped)
}
