//! `mcm exec`: runs a command as one or several accounts, with no secret in a file or an argument.
//!
//! Everything that can fail fails before the command starts: unknown accounts, and those that need a sign-in, which
//! `--interactive` asks the person for. Then the endpoint (`exec/endpoint.rs`) lends credentials (`exec/broker.rs`) for as
//! long as the command lives, which has the terminal and its signals to itself (`exec/child.rs`). What it did is its own
//! affair: its status is ours.

mod broker;
mod child;
mod endpoint;
mod nesting;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use jiff::tz::TimeZone;
use mcm_core::account::{Account, Cloud};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::file::{self, RunFolder};
use mcm_core::world::{Environment, World};
use secrecy::{ExposeSecret as _, SecretString};

use self::broker::{Broker, Who};
use self::endpoint::Endpoint;
use crate::arguments::Exec;
use crate::aws_files;
use crate::child_exit::End;
use crate::choice::{Choice, choose};
use crate::credential_env::{self, lasting};
use crate::failure::Failure;
use crate::interactive::sign_in_where_needed;
use crate::output::note;
use crate::variables;

pub(crate) use self::child::ignores_interrupts;
#[cfg(not(unix))]
pub(crate) use self::child::run;
pub(crate) use self::nesting::outside;

/// A command that can start, and what it is lent.
pub(crate) struct Ready {
    command: Command,
    program: OsString,
    /// None for a command that has everything in plain variables.
    endpoint: Option<Endpoint>,
    /// Where the files for the command lie, if it needs any.
    folder: Option<RunFolder>,
}

/// Finds the accounts, makes sure that each has a session, and gets everything ready for the command.
pub(crate) async fn prepare(app: &Arc<App>, world: &World, wish: Exec) -> Result<Ready, Failure> {
    let mut choices = choose(app, &wish.whose)?;
    if wish.interactive {
        sign_in_where_needed(app, &world.vault, &mut choices).await?;
    }
    let mut words = wish.command.into_iter();
    let program = words.next().expect("the arguments ask for a command");
    let mut setting = Setting::of(&world.environment, &choices);
    let borrower = Path::new(&program)
        .file_name()
        .unwrap_or(&program)
        .to_string_lossy()
        .into_owned();

    let who = choices.iter().map(|choice| {
        let who = if choice.is_active {
            Who::Active
        } else {
            Who::Account(choice.account.id.clone())
        };
        (choice.account.cloud(), who)
    });
    let broker = Broker::new(
        app.clone(),
        world.clock.clone(),
        who.collect(),
        borrower.clone(),
    );
    // No tool of Azure's reads a token from a variable.
    let is_plain = |account: &Account| wish.env && account.cloud() != Cloud::Azure;
    let mut lasts = Vec::new();
    for Choice { account, .. } in &choices {
        let session = if is_plain(account) {
            app.issue(&account.id, &borrower).await
        } else {
            app.session(&account.id).await
        };
        let session = session.map_err(|error| Failure::of(account, error))?;
        if is_plain(account) {
            setting.set(credential_env::plain(account, &session));
            lasts.push(lasting(
                account,
                &session,
                world.clock.now(),
                &TimeZone::system(),
            ));
        }
        broker.keep(account, session);
    }
    let is_served = choices.iter().any(|choice| !is_plain(&choice.account));
    let endpoint = is_served.then(|| Endpoint::open(broker)).transpose()?;

    let mut files = Files {
        base: runtime_folder(&world.environment),
        folder: None,
    };
    for Choice { account, .. } in &choices {
        setting.set(credential_env::places(account, &app.settings()));
        let Some(endpoint) = endpoint.as_ref().filter(|_| !is_plain(account)) else {
            continue;
        };
        setting.set(endpoint.variables(account.cloud()));
        match account.cloud() {
            Cloud::Aws => {
                for (name, bytes) in aws_files::without_credentials(&world.environment)? {
                    let path = files.write(&name.to_lowercase(), &bytes)?;
                    setting.set([(name, path)]);
                }
            }
            Cloud::Gcp => {
                let path = files.write(
                    "google.json",
                    endpoint.google_file().expose_secret().as_bytes(),
                )?;
                setting.set([
                    ("GOOGLE_APPLICATION_CREDENTIALS", path.clone()),
                    ("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", path),
                ]);
            }
            Cloud::Azure => {}
        }
    }
    for line in lasts {
        note(&line);
    }
    let mut command = Command::new(&program);
    command.args(words);
    setting.apply(&mut command);
    Ok(Ready {
        command,
        program,
        endpoint,
        folder: files.folder,
    })
}

impl Ready {
    /// Runs the command to its end and serves it meanwhile. What it borrowed last is kept before we end.
    pub(crate) async fn run(self, app: &App) -> Result<(), Failure> {
        let Self {
            command,
            program,
            endpoint,
            folder,
        } = self;
        let ended = tokio::select! {
            ended = child::run(command) => ended,
            () = async {
                match &endpoint {
                    Some(endpoint) => endpoint.serve().await,
                    None => std::future::pending().await,
                }
            } => unreachable!("it serves until it is dropped"),
        };
        drop((endpoint, folder));
        // A renewal that is under way may hold the only copy of a new refresh token.
        app.finish().await;
        match ended {
            Ok(End::Exited(0)) => Ok(()),
            Ok(end) => Err(Failure::Ended(end)),
            Err(error) => Err(Failure::NotStarted(child::not_started(&program, &error))),
        }
    }
}

/// The variables of a command, where they differ from ours.
struct Setting {
    given: BTreeMap<&'static str, SecretString>,
    taken: Vec<&'static str>,
    environment: Environment,
}

impl Setting {
    /// Without whatever would win over the accounts, and with their ids.
    fn of(environment: &Environment, choices: &[Choice]) -> Self {
        let clouds = choices.iter().map(|choice| choice.account.cloud());
        let taken = clouds
            .flat_map(variables::of)
            .filter(|variable| variable.would_win());
        let ids: Vec<&str> = choices
            .iter()
            .map(|choice| choice.account.id.as_str())
            .collect();
        Self {
            given: BTreeMap::from([(variables::EXEC_ACCOUNTS, ids.join(",").into())]),
            taken: taken.map(|variable| variable.name).collect(),
            environment: environment.clone(),
        }
    }

    fn set(&mut self, pairs: impl IntoIterator<Item = (&'static str, SecretString)>) {
        self.given.extend(pairs);
    }

    fn apply(mut self, command: &mut Command) {
        for name in &self.taken {
            command.env_remove(name);
        }
        let (name, outside) = nesting::remembered(&self.environment, &self.taken, &self.given);
        self.given.insert(name, outside.into());
        command.envs(
            self.given
                .iter()
                .map(|(name, value)| (name, value.expose_secret())),
        );
    }
}

/// The files of one run, in a folder that is made for the first of them.
struct Files {
    base: PathBuf,
    folder: Option<RunFolder>,
}

impl Files {
    /// Writes a file and gives its path.
    fn write(&mut self, name: &str, content: &[u8]) -> Result<SecretString, Error> {
        let folder = match &mut self.folder {
            Some(folder) => folder,
            none => none.insert(RunFolder::make(&self.base)?),
        };
        let path = folder.path().join(name);
        file::replace(&path, content)?;
        let path = path.into_os_string().into_string().map_err(|path| {
            let path = path.to_string_lossy().into_owned();
            Error::new(
                Code::StorageFailed,
                format!(
                    "\"{path}\" is not Unicode text, so no program can be told of it. Set XDG_RUNTIME_DIR."
                ),
            )
        })?;
        Ok(path.into())
    }
}

/// Where files go that do not outlive the login (XDG Base Directory Specification), else where temporary ones go.
fn runtime_folder(environment: &Environment) -> PathBuf {
    let runtime = environment.get("XDG_RUNTIME_DIR").map(PathBuf::from);
    runtime
        .filter(|folder| folder.is_absolute() && folder.is_dir())
        .unwrap_or_else(std::env::temp_dir)
}
