//! `mcm exec`: runs a command as one or more accounts, with no secret in a file or an argument.
//!
//! Everything that can fail fails before the command starts: unknown accounts, and those that need a sign-in, for
//! which `--interactive` opens a browser. Then the endpoint (`exec/endpoint.rs`) issues credentials
//! (`exec/broker.rs`) while the command runs. The command owns the terminal and its signals (`exec/child.rs`), and
//! its exit status is ours.

mod broker;
mod child;
mod endpoint;
mod files;
mod nesting;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mcm_core::account::{Account, Cloud};
use mcm_core::app::App;
use mcm_core::confirmations::Confirmations;
use mcm_core::environment::NamedEnvironment;
use mcm_core::error::{Code, Error};
use mcm_core::holders::{Holder, HolderKind, Holders, RunningHolder};
use mcm_core::text;
use mcm_core::world::{Environment, World};
use secrecy::ExposeSecret as _;

use self::broker::{Broker, Who};
use self::endpoint::Endpoint;
use self::files::RunFiles;
use crate::access::Access;
use crate::account_argument::{Choice, Chosen, choose, require_aws};
use crate::arguments::Exec;
use crate::child_exit::End;
use crate::confirm_protected;
use crate::credential_env::{self, lasting};
use crate::environment_kubeconfig;
use crate::failure::Failure;
use crate::interactive::sign_in_where_needed;
use crate::output::note;
use crate::receipt;
use crate::shell::Shell;
use crate::shell_arguments::ShellOptions;
use crate::shell_startup::StartedShell;
use crate::shims::Shimmed;
use crate::terminal_look::{self, TerminalLook};
use crate::variables::{self, Fact, Facts, Way};
use crate::whoami::check;

pub(crate) use self::broker::{REVOKED, time_is_over};
#[cfg(unix)]
pub(crate) use self::child::ignored_signals;
#[cfg(not(unix))]
pub(crate) use self::child::run;
pub(crate) use self::nesting::outside;

/// A command that can start, and the endpoint and files that it uses.
pub(crate) struct Ready {
    command: Command,
    program: OsString,
    /// None for a command that has everything in plain variables.
    endpoint: Option<Endpoint>,
    /// The files for the command.
    files: RunFiles,
    /// The environment.
    environment: Option<NamedEnvironment>,
    /// What of the terminal shows it while the command runs.
    look: TerminalLook,
}

/// Finds the accounts, makes sure that each has a session, and gets everything ready for the command.
pub(crate) async fn prepare(
    app: &Arc<App>,
    world: &World,
    options: Exec,
) -> Result<Ready, Failure> {
    prepare_as(app, world, options, None).await
}

/// As `prepare`, for the tool behind a shim: in the shell's environment, or as it is.
pub(crate) async fn prepare_shim(
    app: &Arc<App>,
    world: &World,
    shimmed: Shimmed,
) -> Result<Ready, Failure> {
    let Some(environment) = shimmed.environment else {
        let mut words = shimmed.command.into_iter();
        let program = words.next().expect("a shim has a tool");
        let mut command = Command::new(child::program_file(&program));
        command.args(words);
        return Ok(Ready {
            command,
            program,
            endpoint: None,
            files: RunFiles::new(&world.environment),
            environment: None,
            look: TerminalLook::default(),
        });
    };
    let options = Exec::in_environment(environment, shimmed.command);
    prepare_as(app, world, options, None).await
}

/// As `prepare`, for the user's shell in an environment.
pub(crate) async fn prepare_shell(
    app: &Arc<App>,
    world: &World,
    options: ShellOptions,
) -> Result<Ready, Failure> {
    let named = world.environment.get("SHELL");
    let of_user = named.and_then(Shell::of_program);
    let of_user_if_started = || StartedShell::of(of_user?);
    let Some(started) = options.shell.or_else(of_user_if_started) else {
        let message = format!(
            "mcm shell supports {}. Choose one with --shell, or run: mcm exec -E {} -- SHELL",
            StartedShell::names(),
            text::shown(&options.environment)
        );
        return Err(Error::new(Code::Unsupported, message).into());
    };
    let shell = started.shell;
    let program = named
        .filter(|_| of_user == Some(shell) && shell != Shell::Bash)
        .or_else(|| named.filter(|path| path.ends_with("bash") && shell == Shell::Bash))
        .unwrap_or(shell.name());
    if let Some(outer) = Environment::of_this_process().get(variables::ENVIRONMENT) {
        note(&format!(
            "This shell is in {} already. \"exit\" comes back to it.",
            text::shown(outer)
        ));
    }
    let look = options.look;
    let options = Exec {
        read_only: options.read_only,
        force: options.force,
        interactive: options.interactive,
        ..Exec::in_environment(options.environment, vec![program.into()])
    };
    let ready = prepare_as(app, world, options, Some(started)).await?;
    Ok(Ready { look, ..ready })
}

async fn prepare_as(
    app: &Arc<App>,
    world: &World,
    options: Exec,
    shell: Option<StartedShell>,
) -> Result<Ready, Failure> {
    variables::require_text()?;
    let environment = &world.environment;
    let mut chosen = choose(app, &options.whose)?;
    require_aws(options.region.as_deref(), &chosen.choices)?;
    let outer = outer(world);
    let access =
        Access::of(options.read_only || outer.as_ref().is_some_and(|outer| outer.read_only));
    for choice in &chosen.choices {
        access.resource(&choice.account)?;
    }
    let until = confirmed(world, &chosen, &options, outer.as_ref()).await?;
    if options.interactive {
        sign_in_where_needed(app, &world.vault, access, &mut chosen.choices).await?;
    }
    let choices = &chosen.choices;
    let region = chosen.region(options.region.as_deref());
    let mut words = options.command.into_iter();
    let program = words.next().expect("the arguments ask for a command");
    let client = Path::new(&program)
        .file_name()
        .unwrap_or(&program)
        .to_string_lossy()
        .into_owned();

    let who = choices.iter().map(|choice| {
        let who = if choice.is_active {
            Who::Active
        } else {
            Who::Account(choice.account.id.clone(), choice.named_target())
        };
        (choice.account.cloud(), who)
    });
    let holder = register(world, &chosen, shell, &client, until, access)?;
    let holder_id = holder.as_ref().map(RunningHolder::id);
    let broker = Broker::new(
        app.clone(),
        world.clock.clone(),
        who.collect(),
        client.clone(),
        chosen.environment_name().map(str::to_owned),
        holder,
        access,
    );
    let agent = confirm_protected::coding_agent(environment);
    let mut receipt = Vec::new();
    // No tool of Azure's reads a token from a variable.
    let is_plain = |account: &Account| options.env && account.cloud() != Cloud::Azure;
    let (mut facts, mut notes) = (Facts::new(), Vec::new());
    notes.extend(chosen.remark());
    for Choice { account, .. } in choices {
        let resource = access.resource(account)?;
        let session = if is_plain(account) {
            app.issue_in(&account.id, &resource, &client, chosen.environment_name())
                .await
        } else {
            app.session_for(&account.id, &resource).await
        };
        let session =
            session.map_err(|error| Failure::of_resource(app, account, &resource, error))?;
        receipt.push(receipt::ReceiptLine::new(account, &session, access));
        if is_plain(account) {
            facts.extend(credential_env::plain(account, &session));
            notes.push(lasting(
                account,
                &session,
                world.clock.now(),
                &TimeZone::system(),
            ));
        }
        broker.keep(account, resource, session);
    }
    let is_served = choices.iter().any(|choice| !is_plain(&choice.account));
    let endpoint = is_served.then(|| Endpoint::open(broker)).transpose()?;

    let settings = app.settings();
    let mut files = RunFiles::new(environment);
    let mut ways = Vec::new();
    for Choice { account, .. } in choices {
        let places = credential_env::places(account, &settings, environment, region)?;
        notes.extend(places.remarks);
        let project = places.facts.get(&Fact::Project).cloned();
        facts.extend(places.facts);
        let cloud = account.cloud();
        let Some(endpoint) = endpoint.as_ref().filter(|_| !is_plain(account)) else {
            ways.push((cloud, Way::Plain));
            continue;
        };
        ways.push((cloud, Way::Served));
        facts.extend(endpoint.facts(cloud));
        let own = match cloud {
            Cloud::Aws => files.for_aws(environment)?,
            Cloud::Azure => files.for_azure(account, &settings, environment)?,
            Cloud::Gcp => {
                let project = project.as_ref().map(|project| project.expose_secret());
                files.for_google(&endpoint.google_file(project), environment)?
            }
        };
        for (fact, value) in own {
            // gsutil's own file has no key of AWS's either, and stands for the copy.
            if fact != Fact::Boto || cloud == Cloud::Gcp {
                facts.insert(fact, value);
            } else {
                facts.entry(fact).or_insert(value);
            }
        }
    }
    let closed = chosen.closed();
    for cloud in &closed {
        ways.push((*cloud, Way::Closed));
        if *cloud == Cloud::Azure {
            facts.extend(files.without_azure(environment)?);
        }
    }
    if let Some(named) = &chosen.environment {
        facts.extend(credential_env::of_environment(named, until));
        // Without a record of what runs nothing could narrow or end what the clusters' users ask for.
        let is_bound = holder_id.is_some() || access == Access::Whole;
        let bound = choices.iter().filter(|_| is_bound);
        let accounts: Vec<&Account> = bound.map(|choice| &choice.account).collect();
        let kube =
            environment_kubeconfig::content(named, &accounts, environment, holder_id.as_deref())?;
        facts.extend(files.for_kubernetes(named, &kube, world)?);
    }
    if access == Access::ReadOnly {
        facts.insert(Fact::ReadOnly, "1".into());
    }
    facts.extend(holder_id.map(|id| (Fact::Holder, id.into())));
    facts.extend(common(environment, choices));
    let region = facts.get(&Fact::Region).cloned();
    let changes = nesting::with_outside(environment, &ways, facts);
    // What the command sees is this process's own environment, changed.
    let seen = changes.applied(&Environment::of_this_process());
    let accounts: Vec<&Account> = choices.iter().map(|choice| &choice.account).collect();
    check::require(app, &seen, &accounts, &closed, options.force)?;
    for line in notes {
        note(&line);
    }
    if let Some(agent) = agent {
        let region = region.as_ref().map(|region| region.expose_secret());
        let ends = receipt::Ends::of(until, !options.env);
        receipt::print(agent, chosen.environment_name(), &receipt, region, ends);
    }
    let mut command = Command::new(child::program_file(&program));
    command.args(words);
    changes.apply(&mut command);
    if let (Some(shell), Some(named)) = (shell, &chosen.environment) {
        let zdotdir = environment.get("ZDOTDIR");
        let folder = files.for_shell()?;
        let start = shell.prepare(&folder, named, &changes, zdotdir)?;
        command.args(start.arguments).envs(start.variables);
    }
    Ok(Ready {
        command,
        program,
        endpoint,
        files,
        environment: chosen.environment,
        look: TerminalLook::default(),
    })
}

/// The `mcm exec` or `mcm shell` around this one, unless it is cut off.
fn outer(world: &World) -> Option<Holder> {
    let id = world.environment.get(variables::HOLDER)?;
    let outer = Holders::in_folder(&world.paths.data).find(id)?;
    (outer.cut_off(world.clock.now()).is_none()).then_some(outer.holder)
}

/// When the time of a protected environment is over: the user confirms it, or did so for the program around this one.
async fn confirmed(
    world: &World,
    chosen: &Chosen,
    options: &Exec,
    outer: Option<&Holder>,
) -> Result<Option<Timestamp>, Failure> {
    let named = chosen.environment.as_ref();
    let Some(named) = named.filter(|named| named.settings.is_protected) else {
        return Ok(None);
    };
    if options.env {
        let message = format!(
            "{} is protected, and nothing takes a credential back from variables. Leave --env out.",
            named.name
        );
        return Err(Error::new(Code::Unsupported, message).into());
    }
    if let Some(outer) = outer
        && outer.environment.as_deref() == Some(named.name.as_str())
        && let Some(until) = outer.until
    {
        return Ok(Some(until));
    }
    // What the user confirmed in the app counts at every terminal, and in no agent's shell.
    let confirmed = Confirmations::in_folder(&world.paths.data).until(named, world.clock.now());
    if let (None, Some(until)) = (confirm_protected::agent(&world.environment), confirmed) {
        return Ok(Some(until));
    }
    confirm_protected::confirm(&world.environment, named, "use").await?;
    let minutes = SignedDuration::from_mins(i64::from(named.settings.minutes));
    Ok(Some(world.clock.now() + minutes))
}

/// Adds the command to the list of what runs. Only a protected environment depends on it.
fn register(
    world: &World,
    chosen: &Chosen,
    shell: Option<StartedShell>,
    program: &str,
    until: Option<Timestamp>,
    access: Access,
) -> Result<Option<RunningHolder>, Error> {
    let terminal = fs::read_link("/proc/self/fd/2").ok();
    let terminal = terminal.filter(|path| path.starts_with("/dev") && !path.ends_with("null"));
    let accounts = chosen
        .choices
        .iter()
        .map(|choice| choice.account.id.clone());
    let holder = Holder {
        kind: shell.map_or(HolderKind::Exec, |_| HolderKind::Shell),
        environment: chosen.environment_name().map(str::to_owned),
        accounts: accounts.collect(),
        program: program.to_owned(),
        pid: std::process::id(),
        terminal: terminal.map(|path| path.to_string_lossy().into_owned()),
        since: world.clock.now(),
        until,
        read_only: access == Access::ReadOnly,
    };
    match Holders::in_folder(&world.paths.data).register(&holder) {
        Ok(registration) => Ok(Some(registration)),
        Err(error) if until.is_some() => Err(error),
        Err(error) => {
            tracing::warn!(code = error.code().as_str(), "the command is not listed");
            Ok(None)
        }
    }
}

/// What holds for the tools of every cloud: whose the credentials are, and that no proxy sees the endpoint.
fn common(environment: &Environment, choices: &[Choice]) -> Facts {
    let ids: Vec<&str> = choices
        .iter()
        .map(|choice| choice.account.id.as_str())
        .collect();
    let (upper, lower) = (environment.get("NO_PROXY"), environment.get("no_proxy"));
    Facts::from([
        (Fact::Accounts, ids.join(",").into()),
        (
            Fact::NoProxyUpper,
            with_this_machine(upper.or(lower)).into(),
        ),
        (
            Fact::NoProxyLower,
            with_this_machine(lower.or(upper)).into(),
        ),
    ])
}

/// A list of hosts that no proxy is asked for, with this machine.
fn with_this_machine(hosts: Option<&str>) -> String {
    let mut hosts: Vec<&str> = hosts
        .into_iter()
        .flat_map(|hosts| hosts.split(','))
        .collect();
    for own in ["127.0.0.1", "localhost"] {
        if !hosts
            .iter()
            .any(|host| matches!(host.trim(), "*") || host.trim() == own)
        {
            hosts.push(own);
        }
    }
    hosts.join(",")
}

impl Ready {
    /// Runs the command to its end and serves it meanwhile. A renewal that it caused is stored before we end.
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let Self {
            command,
            program,
            endpoint,
            files,
            environment,
            look,
        } = self;
        let entering = environment.map(|named| look.entering(&named));
        if let Some(entering) = &entering {
            terminal_look::send(entering);
        }
        let ended = tokio::select! {
            ended = child::run(command) => ended,
            () = async {
                match &endpoint {
                    Some(endpoint) => endpoint.serve().await,
                    None => std::future::pending().await,
                }
            } => unreachable!("it serves until it is dropped"),
        };
        if entering.is_some() {
            terminal_look::send(&look.leaving());
        }
        files.tell_lost_changes();
        drop((endpoint, files));
        // A renewal that is under way may hold the only copy of a new refresh token.
        app.finish().await;
        match ended {
            Ok(End::Exited(0)) => Ok(()),
            Ok(end) => Err(Failure::Ended(end)),
            Err(error) => Err(Failure::NotStarted(child::not_started(&program, &error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_asked_for_this_machine_and_what_was_there_stays() {
        for (was, is) in [
            (None, "127.0.0.1,localhost"),
            (
                Some("intranet.example"),
                "intranet.example,127.0.0.1,localhost",
            ),
            (Some("localhost, .corp"), "localhost, .corp,127.0.0.1"),
            (Some("*"), "*"),
        ] {
            assert_eq!(with_this_machine(was), is);
        }
    }
}
