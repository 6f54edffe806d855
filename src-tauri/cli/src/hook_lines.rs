//! What a shell with the hook evaluates when its folder changed, or after `mcm use`: the variables of the environment that the
//! terminal or the folder chose, and what undoes those before.
//!
//! Names only: no credential is issued. What the shell passes on between two calls is in one variable (`hook_state.rs`). The
//! terminal's choice is bound to its terminal, and a folder's choice is decided anew in every shell.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mcm_core::account::{Account, Cloud};
use mcm_core::app::App;
use mcm_core::environment::NamedEnvironment;
use mcm_core::error::{Code, Error};
use mcm_core::file;
use mcm_core::folder_file::{FolderFile, Trust};
use mcm_core::kubeconfig_paths;
use mcm_core::other_tools::OtherTools;
use mcm_core::world::{Environment, World};
use secrecy::SecretString;

use crate::account_argument::left_alone;
use crate::aws_files;
use crate::confirm_protected;
use crate::credential_env;
use crate::environment_kubeconfig;
use crate::failure::Failure;
use crate::hook::Reads;
use crate::hook_arguments::HookLinesOptions;
use crate::hook_state::{State, recorded, with};
use crate::output::{note, print};
use crate::shims;
use crate::terminal_look;
use crate::variables::{self, Changes, Fact, Facts, Way};

/// Which environment a shell should have.
enum WantedEnvironment {
    /// The name is no environment's.
    Unchanged,
    None,
    Some(Box<NamedEnvironment>, Option<String>),
}

pub(crate) fn run(app: &App, world: &World, options: &HookLinesOptions) -> Result<(), Failure> {
    let shell_has = Environment::of_this_process();
    let is_asked = options.use_environment.is_some() || options.off;
    // What mcm exec and mcm shell chose stays.
    if shell_has.get(variables::HOLDER).is_some() && shell_has.get(variables::HOOK_STATE).is_none()
    {
        if let (true, Some(name)) = (is_asked, shell_has.get(variables::ENVIRONMENT)) {
            let message = format!(
                "This shell was started in {}. Leave it with \"exit\".",
                mcm_core::text::shown(name)
            );
            return Err(Error::new(Code::Unsupported, message).into());
        }
        if options.use_environment.is_none() {
            return Ok(());
        }
    }
    let state = State::of(&shell_has).unwrap_or_default();
    let (before, by_hand) = state.undone(&shell_has);
    let chosen = match chosen(app, world, options, &state, &before) {
        Ok(ChosenHere::Unchanged) => return Ok(()),
        Ok(ChosenHere::None) => None,
        Ok(ChosenHere::Some(pinned)) => Some(pinned),
        // What one folder chose must not stay in another, whatever is wrong there.
        Err(failure) if !is_asked && state.is_of_folder() => {
            failure.report(&shell_has);
            None
        }
        Err(failure) => return Err(failure),
    };
    let environment = chosen.as_ref().map(|pinned| &*pinned.named);
    let is_new = environment.map(|named| named.name.as_str())
        != Some(state.environment.as_str()).filter(|name| !name.is_empty());
    let mut after = before.clone();
    let mut next = None;
    if let Some(pinned) = &chosen {
        let mut changed = recorded(&pinned.changes, &before, is_new);
        after = pinned.changes.applied(&before);
        if is_new {
            pinned.remarks.iter().for_each(|line| note(line));
        } else {
            // What was changed by hand inside stays so until the environment is left, and then too.
            for name in &by_hand {
                after = with(&after, name, shell_has.raw(name));
                if let Some(change) = state.changes.get(name) {
                    changed.insert(name.clone(), change.clone());
                }
            }
        }
        after = with(&after, "PATH", Some(&pinned.path));
        next = Some(State {
            environment: pinned.named.name.to_string(),
            terminal: pinned.terminal.clone(),
            changes: changed,
            by_hand: by_hand.clone(),
        });
    }
    let text = next.map(|state| state.as_text());
    after = with(&after, variables::HOOK_STATE, text.as_deref());
    if is_new {
        let leaving = match state.environment.is_empty() {
            true => String::new(),
            false => options.look.leaving(),
        };
        let entering = environment.map(|named| options.look.entering(named));
        terminal_look::send(&(leaving + &entering.unwrap_or_default()));
        match environment {
            Some(named) => {
                note(&format!("mcm: {} is in use in this shell.", named.name));
                if let Some(line) = left_alone(named) {
                    note(&format!("mcm: {line}"));
                }
            }
            None => note(&format!("mcm: {} is left.", state.environment)),
        }
    }
    for name in by_hand.iter().filter(|name| !state.by_hand.contains(name)) {
        note(&format!("mcm: {name} was changed by hand and stays."));
    }
    Ok(print(&lines(options, &shell_has, &after))?)
}

/// What a shell has from now on.
enum ChosenHere {
    /// What it has.
    Unchanged,
    None,
    Some(Pinned),
}

/// An environment, and what it makes of a shell.
struct Pinned {
    named: Box<NamedEnvironment>,
    /// The terminal that chose it; none for a folder's choice.
    terminal: Option<String>,
    changes: Changes,
    remarks: Vec<String>,
    path: String,
}

fn chosen(
    app: &App,
    world: &World,
    options: &HookLinesOptions,
    state: &State,
    before: &Environment,
) -> Result<ChosenHere, Failure> {
    let (named, terminal) = match wanted(app, world, options, state)? {
        WantedEnvironment::Unchanged => return Ok(ChosenHere::Unchanged),
        WantedEnvironment::None => return Ok(ChosenHere::None),
        WantedEnvironment::Some(named, terminal) => (named, terminal),
    };
    let (changes, remarks) = pinned(app, world, before, &named)?;
    let path = shims::first_on_path(world, before.raw("PATH").unwrap_or_default())?;
    Ok(ChosenHere::Some(Pinned {
        named,
        terminal,
        changes,
        remarks,
        path,
    }))
}

/// Decides by precedence: the command line, the terminal's choice, the folder's.
fn wanted(
    app: &App,
    world: &World,
    options: &HookLinesOptions,
    state: &State,
) -> Result<WantedEnvironment, Failure> {
    let terminal = terminal();
    if let Some(name) = &options.use_environment {
        let Some(named) = app.find_environment(name)? else {
            // It may be an account, which "mcm use" makes the one in use everywhere.
            return Ok(WantedEnvironment::Unchanged);
        };
        if app.named(name).is_ok() {
            let message = format!(
                "\"{name}\" names an environment and an account. Use the account's id, or rename one of them."
            );
            return Err(Error::new(Code::Ambiguous, message).into());
        }
        if named.settings.is_protected {
            return Err(Error::new(Code::Unsupported, protected(&named)).into());
        }
        return Ok(WantedEnvironment::Some(Box::new(named), Some(terminal)));
    }
    if !options.off && state.terminal.as_deref() == Some(terminal.as_str()) {
        // As it is stored by now; another hook may have changed the shell as well.
        let named = app.environment(&state.environment)?;
        if !named.settings.is_protected {
            return Ok(WantedEnvironment::Some(
                Box::new(named),
                state.terminal.clone(),
            ));
        }
        note(&format!("mcm: {}", protected(&named)));
    }
    let folder = folder();
    let Some(found) = FolderFile::find(&folder)? else {
        return Ok(WantedEnvironment::None);
    };
    let asks = format!(
        "{} asks for the environment {}",
        found.path.display(),
        found.environment
    );
    match found.trust(&world.paths.data) {
        Trust::Denied => return Ok(WantedEnvironment::None),
        Trust::Unknown => {
            note(&format!(
                "mcm: {asks}. Run \"mcm allow\" to use it here, or \"mcm deny\"."
            ));
            return Ok(WantedEnvironment::None);
        }
        Trust::Allowed => {}
    }
    let Some(named) = app.find_environment(found.environment.as_str())? else {
        note(&format!(
            "mcm: {asks}, which you do not have. Create it: mcm environment create {}",
            found.environment
        ));
        return Ok(WantedEnvironment::None);
    };
    if named.settings.is_protected {
        note(&format!(
            "mcm: {asks}, which is protected. Run: mcm shell {}",
            named.name
        ));
        return Ok(WantedEnvironment::None);
    }
    if state.environment != named.name.as_str() {
        remark(&found, &named);
    }
    Ok(WantedEnvironment::Some(Box::new(named), None))
}

/// Why a protected environment is not pinned, and what to do.
fn protected(named: &NamedEnvironment) -> String {
    format!(
        "{name} is protected, so no shell is pinned to it. Work in it for {minutes} minutes with: mcm shell {name}. Or run one \
         command: mcm exec -E {name} -- COMMAND",
        name = named.name,
        minutes = named.settings.minutes
    )
}

/// What an allowed file says beside the environment's name: its message, and what it needs that is not there.
fn remark(found: &FolderFile, named: &NamedEnvironment) {
    if let Some(message) = &found.message {
        note(&format!("mcm: {}: {message}", found.path.display()));
    }
    let is_missing = |cloud: &&Cloud| !named.members.contains_key(cloud);
    let missing: Vec<&str> = found
        .need
        .iter()
        .filter(is_missing)
        .map(|cloud| cloud.title())
        .collect();
    if !missing.is_empty() {
        note(&format!(
            "mcm: {} needs {}, which {} does not name. Run: mcm environment edit {}",
            found.path.display(),
            missing.join(" and "),
            named.name,
            named.name
        ));
    }
}

/// The folder of the shell.
fn folder() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

/// The terminal of the shell, by its session: the number of a terminal that was closed is another's later, and a command's
/// output may go elsewhere. In a container the session may be one of outside, which is 0 there.
#[cfg(unix)]
fn terminal() -> String {
    let session = nix::unistd::getsid(None);
    session.map_or_else(|_| String::new(), |session| session.to_string())
}

#[cfg(not(unix))]
fn terminal() -> String {
    String::new()
}

/// The variables of an environment, none of them secret.
fn pinned(
    app: &App,
    world: &World,
    before: &Environment,
    named: &NamedEnvironment,
) -> Result<(Changes, Vec<String>), Failure> {
    let accounts = app.members(named)?;
    let data = &world.paths.data;
    let own = kubeconfig_paths::environment_folder(data, &named.name);
    let (mut facts, mut ways, mut remarks) = (Facts::new(), Vec::new(), Vec::new());
    for account in &accounts {
        let region = named.settings.region.as_deref().or_else(|| {
            let is_role = !account.identity.is_identity_center() && account.cloud() == Cloud::Aws;
            is_role.then_some(account.target.as_deref()).flatten()
        });
        let places = credential_env::places(account, &app.settings(), before, region)?;
        facts.extend(places.facts);
        remarks.extend(places.remarks);
        ways.push((account.cloud(), Way::Pinned));
        if account.cloud() == Cloud::Aws {
            facts.extend(profile(account, before, &own)?);
        }
    }
    if named.closes_other_clouds() {
        ways.extend(named.other_clouds().map(|cloud| (cloud, Way::Closed)));
    }
    if ways.iter().any(|(cloud, _)| *cloud == Cloud::Azure) {
        for (fact, folder) in [(Fact::AzFolder, "az"), (Fact::AzdFolder, "azd")] {
            let folder = own.join(folder);
            file::make_private(&folder)?;
            facts.insert(fact, text(&folder)?);
        }
        if let (None, Ok(tools)) = (before.get("AZURE_EXTENSION_DIR"), OtherTools::of(before)) {
            let extensions = tools.azure().join("cliextensions");
            facts.insert(Fact::AzExtensions, text(&extensions)?);
        }
    }
    let accounts: Vec<&Account> = accounts.iter().collect();
    let kube = environment_kubeconfig::keep(data, named, &accounts, before)?;
    facts.extend(kube);
    facts.extend(credential_env::of_environment(named, None));
    Ok((Changes::of(before, &ways, &facts), remarks))
}

/// A profile that runs mcm for the account: the user's own, else one in a file of the environment's.
fn profile(account: &Account, before: &Environment, own: &Path) -> Result<Facts, Error> {
    let asked = account.asked_as();
    let mut facts = Facts::from([(Fact::LoadConfig, "1".into())]);
    if let Some(profile) = aws_files::profile_that_runs_mcm(before, &asked) {
        facts.insert(Fact::Profile, profile.into());
        return Ok(facts);
    }
    let path = own.join("aws/config");
    let content = aws_files::config_for(before, &asked)?;
    if file::read(&path)?.as_deref() != Some(content.as_bytes()) {
        file::replace(&path, content.as_bytes())?;
    }
    let credentials = own.join("aws/credentials");
    if !credentials.exists() {
        file::replace(&credentials, b"")?;
    }
    facts.insert(Fact::Profile, aws_files::OWN_PROFILE.into());
    facts.insert(Fact::AwsConfig, text(&path)?);
    facts.insert(Fact::AwsCredentials, text(&credentials)?);
    Ok(facts)
}

fn text(path: &Path) -> Result<SecretString, Error> {
    path.to_str().map(Into::into).ok_or_else(|| {
        let message = format!("\"{}\" is not Unicode text. Set MCM_HOME.", path.display());
        Error::new(Code::StorageFailed, message)
    })
}

/// The lines that make one out of the other.
fn lines(options: &HookLinesOptions, shell_has: &Environment, after: &Environment) -> String {
    let mut gone: Vec<&str> = shell_has
        .pairs()
        .map(|(name, _)| name)
        .filter(|name| after.raw(name).is_none())
        .collect();
    gone.sort_unstable();
    let mut set: Vec<(&str, &str)> = after
        .pairs()
        .filter(|(name, value)| shell_has.raw(name) != Some(value))
        .collect();
    set.sort_unstable();
    match options.hook.reads {
        Reads::Lines(language, nothing) => {
            let mut lines = vec![language.unset(gone)];
            lines.extend(set.iter().map(|(name, value)| language.set(name, value)));
            lines.retain(|line| !line.is_empty());
            // Something, so that the hook knows that the name was an environment's.
            lines.push(nothing.to_owned());
            lines.join("\n")
        }
        Reads::Json => {
            let set: BTreeMap<&str, &str> = set.into_iter().collect();
            serde_json::json!({ "unset": gone, "set": set }).to_string()
        }
    }
}

/// `mcm allow` and `mcm deny`.
///
/// # Errors
/// `unsupported` in an agent's shell, `not-found` without a file, and those of `FolderFile`.
pub(crate) fn trust(world: &World, is_allowed: bool) -> Result<(), Failure> {
    if is_allowed && let Some(variable) = confirm_protected::agent(&world.environment) {
        let message = format!(
            "{variable} shows that an agent or a script works in this shell. Allow the folder yourself, in a shell of yours."
        );
        return Err(Error::new(Code::Unsupported, message).into());
    }
    let folder = folder();
    let Some(found) = FolderFile::find(&folder)? else {
        let message = format!("There is no .mcm.toml in {} or above it.", folder.display());
        return Err(Error::new(Code::NotFound, message).into());
    };
    let (path, name) = (found.path.display(), &found.environment);
    if is_allowed {
        found.allow(&world.paths.data)?;
        note(&format!(
            "Allowed: {path} may choose the environment {name} in its folder."
        ));
    } else {
        found.deny(&world.paths.data)?;
        note(&format!("Denied: {path} chooses nothing."));
    }
    Ok(())
}
