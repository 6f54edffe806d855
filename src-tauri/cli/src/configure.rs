//! `mcm configure`: profiles in other programs' configuration, merged in and removed again.
//!
//! The change is shown before it is made. `configure/aws_config.rs` parses and edits the file, `configure/preview.rs`
//! shows a change, and `program.rs` finds the program that the profiles run.

mod aws_config;
pub(crate) mod kube;
mod kubeconfig;
mod preview;
mod profile_names;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use mcm_core::account::{Account, Cloud, Target};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::file::{self, Foreign};
use mcm_core::other_tools::OtherTools;
use mcm_core::world::World;

use self::aws_config::{Config, Draft, FileLine, McmProfile, Wanted};
pub(crate) use self::aws_config::{asked, asked_account, command};
use crate::account_argument::by_name;
use crate::arguments::{ConfigureAws, Writing};
use crate::failure::Failure;
use crate::output::{confirm, note, print};
use crate::program;
use profile_names::{free_name, names_in_credentials, require_free};

/// The lock is held only while a file is written.
const CONFIG_LOCK_TIMEOUT: Duration = Duration::from_secs(10);

pub(crate) async fn run(app: &App, world: &World, options: ConfigureAws) -> Result<(), Failure> {
    let tools = OtherTools::of(&world.environment)?;
    let path = tools.aws_config();
    let file = Foreign::read(&path)?;
    let config = Config::parse(file.bytes().unwrap_or_default()).map_err(|why| {
        let message = format!(
            "{} cannot be changed safely and was not changed. {why}.",
            path.display()
        );
        Error::new(Code::StorageUnreadable, message)
    })?;
    let mut draft = config.draft();
    let notes = if options.undo {
        remove(app, &config, &mut draft, &options)?
    } else {
        let program = program::of_this_process(&world.environment)?;
        let in_credentials = names_in_credentials(&world.environment);
        add(
            app,
            &config,
            &mut draft,
            &options,
            &program,
            &in_credentials,
        )?
    };

    let is_gone = file.bytes().is_some() && draft.leaves_nothing();
    let lines = draft.lines(file.bytes().is_none());
    // Every client that could read the file before can read it afterwards.
    Config::parse(aws_config::content(&lines).as_bytes()).map_err(|why| {
        Error::new(
            Code::Internal,
            format!("The change to {} would damage it: {why}.", path.display()),
        )
    })?;
    let edited = Edited {
        file: &file,
        path: &path,
        lines: &lines,
        is_gone,
        lock: "aws-config.lock",
        writing: &options.writing,
        names_home: !options.undo,
    };
    write(world, &edited, notes).await
}

/// A file of another program, with a change that has not been made yet.
struct Edited<'a> {
    file: &'a Foreign,
    path: &'a Path,
    lines: &'a [FileLine<'a>],
    /// Whether nothing is left of it.
    is_gone: bool,
    /// The lock that other `mcm` processes take for the same file.
    lock: &'a str,
    writing: &'a Writing,
    /// Whether a note says that the file depends on `MCM_HOME`.
    names_home: bool,
}

/// Shows a change, asks, and makes it.
async fn write(world: &World, edited: &Edited<'_>, mut notes: Vec<String>) -> Result<(), Failure> {
    let Edited { file, path, .. } = edited;
    let content = aws_config::content(edited.lines);
    if content.as_bytes() == file.bytes().unwrap_or_default() {
        notes.push(format!("{} needs no change.", path.display()));
        note(&notes.join("\n"));
        return Ok(());
    }
    let is_new = file.bytes().is_none();
    print(&preview::unified(
        &path.display().to_string(),
        edited.lines,
        is_new,
        edited.is_gone,
    ))?;
    if edited.writing.dry_run {
        notes.push("Dry run: nothing was written.".to_owned());
        note(&notes.join("\n"));
        return Ok(());
    }
    file.require_replaceable()?;
    if !edited.writing.yes && !confirmed(&path.display().to_string()).await? {
        note("Nothing was written.");
        return Err(Failure::AlreadyShown);
    }
    let _lock = file::lock(
        &world.paths.data.join("locks").join(edited.lock),
        CONFIG_LOCK_TIMEOUT,
    )
    .await?;
    file.replace((!edited.is_gone).then_some(content.as_bytes()))?;
    let kept = if is_new || edited.is_gone {
        String::new()
    } else {
        format!(" The original file is kept as {}.", file.backup().display())
    };
    notes.push(format!("{} was written.{kept}", path.display()));
    if edited.names_home && world.environment.get("MCM_HOME").is_some() {
        notes.push("MCM_HOME is set: the file works only where it has the same value.".to_owned());
    }
    note(&notes.join("\n"));
    Ok(())
}

/// Drafts a profile for every requested account, or updates the one that is there.
fn add(
    app: &App,
    config: &Config<'_>,
    draft: &mut Draft<'_, '_>,
    options: &ConfigureAws,
    program: &str,
    in_credentials: &HashSet<String>,
) -> Result<Vec<String>, Failure> {
    let accounts = chosen(app, options)?;
    if let (Some(name), [_, _, ..]) = (&options.name, accounts.as_slice()) {
        let message = format!(
            "--name {name} is for one account, but {} accounts match. Name one account.",
            accounts.len()
        );
        return Err(Error::new(Code::InvalidInput, message).into());
    }
    let mut taken: HashSet<String> = config.names().map(str::to_lowercase).collect();
    taken.extend(in_credentials.iter().cloned());
    let (profiles, mut notes) = (config.profiles(), Vec::new());
    for account in &accounts {
        let asked = account.asked_as();
        let command = aws_config::command(program, &asked)?;
        let region = region(account);
        let of_account = |profile: &&McmProfile<'_>| profile.account == asked;
        let ours: Vec<&McmProfile<'_>> = profiles
            .iter()
            .filter(of_account)
            .filter(|profile| profile.ours)
            .collect();
        let mut rename = options
            .name
            .as_deref()
            .filter(|name| ours.iter().all(|profile| profile.name != *name));
        if let Some(name) = rename {
            require_free(name, &taken)?;
        }
        for profile in &ours {
            let name = rename.take().unwrap_or(profile.name);
            draft.update(
                profile,
                &Wanted {
                    name,
                    command: &command,
                    region,
                },
            );
            notes.push(uses(name, account));
            if in_credentials.contains(&name.to_lowercase()) {
                notes.push(format!(
                    "  AWS's credentials file has other keys under [{name}], which override the profile. Rename one of the two."
                ));
            }
        }
        // A profile that the user wrote stays as it is, and is enough unless another name is requested.
        let names_it = |profile: &&McmProfile<'_>| {
            !profile.ours
                && app
                    .named(&profile.account)
                    .is_ok_and(|named| named.asked_as() == asked)
        };
        let theirs = profiles.iter().find(names_it);
        if let (Some(theirs), true, None) = (theirs, ours.is_empty(), &options.name) {
            notes.push(format!(
                "[profile {}] already uses {} ({}). You wrote it, so it was not changed.",
                theirs.name,
                account.name(),
                account.id
            ));
            continue;
        }
        if ours.is_empty() {
            let name = rename.map_or_else(
                || free_name(account, &options.name_template, &taken),
                str::to_owned,
            );
            taken.insert(name.to_lowercase());
            draft.add(&Wanted {
                name: &name,
                command: &command,
                region,
            });
            notes.push(uses(&name, account));
        }
    }
    let stored = app.stored()?;
    let is_gone = |profile: &&McmProfile<'_>| {
        profile.ours
            && !stored
                .accounts
                .iter()
                .any(|account| account.id.as_str() == row_of(&profile.account))
    };
    notes.extend(profiles.iter().filter(is_gone).map(|profile| {
        format!(
            "[profile {0}] is for {1}, which is not connected. Remove it with: mcm configure aws --undo {0}",
            profile.name, profile.account
        )
    }));
    Ok(notes)
}

/// Drafts the file without what we added: all of it, or only that of some accounts or profiles.
fn remove(
    app: &App,
    config: &Config<'_>,
    draft: &mut Draft<'_, '_>,
    options: &ConfigureAws,
) -> Result<Vec<String>, Failure> {
    let profiles: Vec<McmProfile<'_>> = config
        .profiles()
        .into_iter()
        .filter(|profile| profile.ours)
        .collect();
    let mut wanted = HashSet::new();
    for name in &options.accounts {
        let of_name = |profile: &&McmProfile<'_>| profile.name == name || profile.account == *name;
        match profiles.iter().find(of_name) {
            Some(profile) => wanted.insert(profile.account.clone()),
            None => {
                let named = by_name(app, name)?;
                let is_whole =
                    named.names().contains(&name.to_lowercase()) || named.id.as_str() == name;
                wanted.insert(if is_whole {
                    named.id.to_string()
                } else {
                    named.asked_as()
                })
            }
        };
    }
    let mut notes = Vec::new();
    for profile in &profiles {
        let is_named = wanted.contains(&profile.account)
            || wanted.contains(row_of(&profile.account))
            || options.accounts.iter().any(|name| name == profile.name);
        if !options.accounts.is_empty() && !is_named {
            continue;
        }
        if draft.remove(profile) {
            notes.push(format!(
                "[profile {}] stays, without what mcm added, because it has settings of yours.",
                profile.name
            ));
        }
    }
    Ok(notes)
}

/// The AWS accounts and roles that the user named; all accounts, and the pinned roles, when none is named.
fn chosen(app: &App, options: &ConfigureAws) -> Result<Vec<Account>, Failure> {
    let mut accounts: Vec<Account> = Vec::new();
    let stored = app.stored()?;
    if options.accounts.is_empty() {
        let rows = stored
            .iter()
            .filter(|account| account.cloud() == Cloud::Aws);
        for row in rows {
            accounts.extend(roles_of(row, options).unwrap_or_else(|| vec![Account::clone(row)]));
        }
        if accounts.is_empty() {
            let message = if stored.iter().any(|account| account.cloud() == Cloud::Aws) {
                "No role of IAM Identity Center is pinned. Name a role, or use --all for every role."
            } else {
                "No AWS account is connected. Run \"mcm login aws --print cli\" to connect one."
            };
            return Err(Error::new(Code::NotFound, message).into());
        }
        return Ok(accounts);
    }
    for name in &options.accounts {
        let account = by_name(app, name)?;
        if account.cloud() != Cloud::Aws {
            let message = format!(
                "{} is an account of {}. Name AWS accounts only.",
                account.name(),
                account.cloud().title()
            );
            return Err(Error::new(Code::Unsupported, message).into());
        }
        let typed = name.trim().to_lowercase();
        let is_row = account.id.as_str() == typed
            || account.names().contains(&typed)
            || !typed.contains('/');
        let named = match roles_of(&account, options).filter(|_| is_row) {
            Some(roles) if roles.is_empty() => {
                // The chosen role, or an error that asks for one.
                account.issued_resource()?;
                vec![account]
            }
            Some(roles) => roles,
            None => vec![account],
        };
        for account in named {
            let asked = account.asked_as();
            if accounts.iter().all(|known| known.asked_as() != asked) {
                accounts.push(account);
            }
        }
    }
    Ok(accounts)
}

/// The roles of a sign-in to Identity Center that become profiles, each as the account at that role. None for any other
/// account.
fn roles_of(account: &Account, options: &ConfigureAws) -> Option<Vec<Account>> {
    if !account.identity.is_identity_center() {
        return None;
    }
    let filter = options.filter.as_deref().unwrap_or_default().to_lowercase();
    let is_wanted = |target: &&Target| {
        let text = format!("{} {}", target.name, target.id).to_lowercase();
        let is_pinned = account.pinned.contains(&target.id);
        (options.all || is_pinned) && filter.split_whitespace().all(|word| text.contains(word))
    };
    let wanted = account.targets.iter().filter(is_wanted);
    // The whole list is not needed for each.
    let bare = Account {
        targets: Vec::new(),
        organization: Vec::new(),
        ..account.clone()
    };
    Some(
        wanted
            .map(|target| bare.clone().at_target(target.clone()))
            .collect(),
    )
}

fn uses(profile: &str, account: &Account) -> String {
    format!(
        "[profile {profile}] uses {} ({}).",
        account.name(),
        account.id
    )
}

/// The id of the row that a profile's program is asked for.
fn row_of(asked: &str) -> &str {
    asked.split('/').next().unwrap_or_default()
}

/// The account's region in use.
fn region(account: &Account) -> Option<&str> {
    let region = account.aws_region()?;
    region
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '-')
        .then_some(region)
}

/// Asks the user for confirmation.
///
/// # Errors
/// `invalid-input` when there is no terminal to ask on.
async fn confirmed(path: &str) -> Result<bool, Error> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message = "Nothing was written: there is no terminal to confirm on. Add --yes to write this, or --dry-run to \
                       preview it.";
        return Err(Error::new(Code::InvalidInput, message));
    }
    Ok(confirm(format!("Write this to {path}? [y/N] ")).await)
}
