//! The accounts and targets that the user names.
//!
//! An id or a whole name is required. A part of a name is accepted only at a terminal, and what it stands for is then
//! named on standard error, because `prod` is a part of `nonprod` as well. Every command decides it here.

use std::io::{IsTerminal as _, stderr, stdin, stdout};

use mcm_core::account::{Account, Cloud, Target};
use mcm_core::app::App;
use mcm_core::environment::NamedEnvironment;
use mcm_core::error::{Code, Error};

use mcm_core::text::shown;
use mcm_core::words;

use crate::arguments::AccountsOf;
use crate::output::note;

/// The most targets that an error names.
const MAX_LISTED: usize = 8;

/// Finds the account with this id or whole name; at a terminal also the only one that a part of a name matches.
///
/// # Errors
/// As `App::named`.
pub(crate) fn by_name(app: &App, name: &str) -> Result<Account, Error> {
    app.named(name).or_else(|error| {
        if error.code() != Code::NotFound || !is_at_terminal() {
            return Err(error);
        }
        let account = app.resolve(name)?;
        note(&format!(
            "mcm: {} ({}), {}.",
            account.name(),
            account.id,
            account.identity.who()
        ));
        Ok(account)
    })
}

/// Finds an account for a command that concerns all of it.
///
/// # Errors
/// As `by_name`, and `invalid-input` for a target of an account.
pub(crate) fn whole_by_name(app: &App, name: &str) -> Result<Account, Error> {
    let account = by_name(app, name)?;
    if !names_target(&account, name) {
        return Ok(account);
    }
    let message = format!(
        "This command concerns all of {}, not one target. Name only the account: {}.",
        account.name(),
        account.id
    );
    Err(Error::new(Code::InvalidInput, message))
}

/// Whether the user named a target of this account, as in `ACCOUNT/TARGET`. A name may have a slash of its own.
pub(crate) fn names_target(account: &Account, name: &str) -> bool {
    let typed = name.trim().to_lowercase();
    let is_name =
        |text: &str| account.id.as_str() == text || account.names().iter().any(|name| name == text);
    let mut beginnings = typed.match_indices('/').map(|(at, _)| &typed[..at]);
    !is_name(&typed) && beginnings.any(is_name)
}

/// Finds the target with this id, which wins, or whole name; at a terminal also the only one that a part of a name
/// matches.
///
/// # Errors
/// `not-found`, or `ambiguous` with the ids to choose from.
pub(crate) fn target_by_name<'a>(account: &'a Account, wanted: &str) -> Result<&'a Target, Error> {
    find_target(account, wanted, is_at_terminal())
}

/// As `target_by_name`; `takes_part` accepts a part of a name.
pub(crate) fn find_target<'a>(
    account: &'a Account,
    wanted: &str,
    takes_part: bool,
) -> Result<&'a Target, Error> {
    let typed = wanted.trim().to_lowercase();
    let is_id = |target: &&Target| target.id.to_lowercase() == typed;
    if let Some(target) = account.targets.iter().find(is_id) {
        return Ok(target);
    }
    let is_name = |target: &&Target| target.name.to_lowercase() == typed;
    let is_part = |target: &&Target| {
        let names = [target.id.to_lowercase(), target.name.to_lowercase()];
        names.iter().any(|name| name.contains(&typed))
    };
    let mut fits: Vec<&Target> = account.targets.iter().filter(is_name).collect();
    let mut similar = Vec::new();
    if fits.is_empty() && !typed.is_empty() {
        similar = account.targets.iter().filter(is_part).collect();
        if takes_part {
            fits = std::mem::take(&mut similar);
            if let [target] = fits.as_slice() {
                note(&format!("mcm: {} ({}).", target.name, target.id));
            }
        }
    }
    let list = |targets: &[&Target]| {
        let listed = targets.iter().take(MAX_LISTED);
        let listed: Vec<String> = listed
            .map(|target| format!("{} ({})", target.id, target.name))
            .collect();
        listed.join(", ")
    };
    let (noun, shown) = (words::targets(&account.identity), shown(&typed));
    match fits.as_slice() {
        [one] => Ok(one),
        [] if !similar.is_empty() => {
            let message = format!(
                "None of the {noun} of {} is called \"{shown}\". Enter a whole name or an id. Similar: {}.",
                account.name(),
                list(&similar)
            );
            Err(Error::new(Code::NotFound, message))
        }
        [] => {
            let message = format!(
                "None of the {noun} of {} matches \"{shown}\". Run \"mcm targets {} --refresh\" to list them.",
                account.name(),
                account.id
            );
            Err(Error::new(Code::NotFound, message))
        }
        several => {
            let message = format!(
                "\"{shown}\" matches {} {noun}. Name one by its id: {}.",
                several.len(),
                list(several)
            );
            Err(Error::new(Code::Ambiguous, message))
        }
    }
}

/// Whether a user reads all that is printed and can answer. No script or program in between takes the result.
pub(crate) fn is_at_terminal() -> bool {
    stdin().is_terminal() && stdout().is_terminal() && stderr().is_terminal()
}

/// An account for the tools of its cloud.
pub(crate) struct Choice {
    /// The account, as stored now.
    pub(crate) account: Account,
    /// Whether it was chosen with `--active`, as the one in use.
    pub(crate) is_active: bool,
    /// Whether the user named a target too, as in `ACCOUNT/TARGET`.
    pub(crate) is_at_target: bool,
}

impl Choice {
    fn named(app: &App, name: &str) -> Result<Self, Error> {
        let account = by_name(app, name)?;
        Ok(Self {
            is_active: false,
            is_at_target: names_target(&account, name),
            account,
        })
    }

    /// The target that the user named.
    pub(crate) fn named_target(&self) -> Option<Target> {
        self.is_at_target
            .then(|| self.account.chosen_target().cloned())
            .flatten()
    }

    /// The account as it stands by now.
    ///
    /// # Errors
    /// As `App::named`.
    pub(crate) fn refresh(&mut self, app: &App) -> Result<(), Error> {
        let target = self.named_target();
        let account = app.named(self.account.id.as_str())?;
        self.account = match target {
            Some(target) => account.at_target(target),
            None => account,
        };
        Ok(())
    }
}

/// What the user chose: accounts, or an environment with its accounts.
pub(crate) struct Chosen {
    /// One account of each cloud.
    pub(crate) choices: Vec<Choice>,
    /// The environment that they are of.
    pub(crate) environment: Option<NamedEnvironment>,
}

impl Chosen {
    /// The clouds whose tools must find no identity.
    pub(crate) fn closed(&self) -> Vec<Cloud> {
        let closing = self
            .environment
            .as_ref()
            .filter(|environment| environment.closes_other_clouds());
        closing
            .into_iter()
            .flat_map(NamedEnvironment::other_clouds)
            .collect()
    }

    /// The region for AWS: the one that was asked for, else the environment's.
    pub(crate) fn region<'a>(&'a self, asked: Option<&'a str>) -> Option<&'a str> {
        let environment = self.environment.as_ref();
        let of_role = || {
            let member = environment?.members.get(&Cloud::Aws)?;
            let mut accounts = self.choices.iter().map(|choice| &choice.account);
            let account = accounts.find(|account| account.id == member.account)?;
            (!account.identity.is_identity_center())
                .then_some(member.target.as_deref())
                .flatten()
        };
        asked
            .or_else(|| environment?.settings.region.as_deref())
            .or_else(of_role)
    }

    /// The environment's name.
    pub(crate) fn environment_name(&self) -> Option<&str> {
        Some(self.environment.as_ref()?.name.as_str())
    }

    /// What the user should know of the clouds that the environment does not name.
    pub(crate) fn remark(&self) -> Option<String> {
        left_alone(self.environment.as_ref()?)
    }
}

/// What the user reads of the clouds that an environment leaves as they are.
pub(crate) fn left_alone(environment: &NamedEnvironment) -> Option<String> {
    let others: Vec<&str> = environment.other_clouds().map(Cloud::title).collect();
    if others.is_empty() || environment.closes_other_clouds() {
        return None;
    }
    Some(format!(
        "Not part of {}, and left as it is here: {}.",
        environment.name,
        others.join(", ")
    ))
}

/// Finds the accounts, those in use after those that are named, or the environment and its accounts.
///
/// # Errors
/// `invalid-input` for no account and for two of one cloud; the errors of `by_name`, `App::active` and `App::members`.
pub(crate) fn choose(app: &App, whose: &AccountsOf) -> Result<Chosen, Error> {
    let Some(name) = &whose.environment else {
        return Ok(Chosen {
            choices: accounts(app, whose)?,
            environment: None,
        });
    };
    let environment = app.environment(name)?;
    let choice = |account: Account| Choice {
        is_active: false,
        is_at_target: account.target.is_some(),
        account,
    };
    let choices = app.members(&environment)?.into_iter().map(choice);
    Ok(Chosen {
        choices: choices.collect(),
        environment: Some(environment),
    })
}

fn accounts(app: &App, whose: &AccountsOf) -> Result<Vec<Choice>, Error> {
    if whose.accounts.is_empty() && whose.active.is_empty() {
        let message = "Name an account, or use --active with a cloud. See --help.";
        return Err(Error::new(Code::InvalidInput, message));
    }
    let named = whose.accounts.iter().map(|name| Choice::named(app, name));
    let in_use = whose.active.iter().map(|cloud| {
        app.active(*cloud).map(|account| Choice {
            account,
            is_active: true,
            is_at_target: false,
        })
    });
    let mut chosen: Vec<Choice> = Vec::new();
    for choice in named.chain(in_use) {
        let choice = choice?;
        let cloud = choice.account.cloud();
        if let Some(other) = chosen.iter().find(|other| other.account.cloud() == cloud) {
            return Err(two_of(cloud, &other.account, &choice.account));
        }
        chosen.push(choice);
    }
    Ok(chosen)
}

/// Whether a region makes sense for these accounts.
///
/// # Errors
/// `invalid-input` for a region without an account of AWS.
pub(crate) fn require_aws(region: Option<&str>, choices: &[Choice]) -> Result<(), Error> {
    let is_aws = |choice: &Choice| choice.account.cloud() == Cloud::Aws;
    if region.is_some() && !choices.iter().any(is_aws) {
        let message = "--region is for AWS. Name an account of AWS, or leave it out.";
        return Err(Error::new(Code::InvalidInput, message));
    }
    Ok(())
}

fn two_of(cloud: Cloud, one: &Account, other: &Account) -> Error {
    let message = if one.id == other.id {
        format!(
            "{} ({}) is named twice. Name it only once.",
            one.name(),
            one.id
        )
    } else {
        format!(
            "{} ({}) and {} ({}) are both accounts of {}, whose tools use one account at a time. Name one of them.",
            one.name(),
            one.id,
            other.name(),
            other.id,
            cloud.title()
        )
    };
    Error::new(Code::InvalidInput, message)
}
