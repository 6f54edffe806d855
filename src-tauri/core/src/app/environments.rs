//! Creating, changing, removing and resolving environments.

use super::App;
use crate::account::{Account, COLOURS, Cloud};
use crate::environment::{
    EnvironmentName, ICONS, Member, MemberState, NamedEnvironment, TIME_BOXES,
};
use crate::error::{Code, Error, Result};
use crate::store::Change;
use crate::text::shown;

/// The most names that an error lists.
const MAX_NAMED: usize = 8;

impl App {
    /// All environments, in the order of their names.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn environments(&self) -> Result<Vec<NamedEnvironment>> {
        self.store.environments()
    }

    /// The environment with this name.
    ///
    /// # Errors
    /// `not-found`, with the names that there are; `storage-*`.
    pub fn environment(&self, name: &str) -> Result<NamedEnvironment> {
        if let Some(found) = self.find_environment(name)? {
            return Ok(found);
        }
        let known = self.store.environments()?;
        let names: Vec<&str> = known.iter().map(|known| known.name.as_str()).collect();
        Err(unknown(name, &names))
    }

    /// The environment with this name, if there is one.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn find_environment(&self, name: &str) -> Result<Option<NamedEnvironment>> {
        self.store.environment(name.trim())
    }

    /// Creates an environment.
    ///
    /// # Errors
    /// `invalid-input` for a name that is taken, and for values of the wrong form; `storage-*`.
    pub async fn create_environment(&self, environment: &NamedEnvironment) -> Result<()> {
        check(environment)?;
        self.change(|change| {
            let name = &environment.name;
            if change.environment(name.as_str())?.is_some() {
                return Err(taken(name));
            }
            require_owners(change, environment)?;
            change.put_environment(name, environment)
        })
        .await
    }

    /// Changes an environment, as it is stored at that moment.
    ///
    /// # Errors
    /// `not-found`; those of `edit` and of `create_environment`.
    pub async fn edit_environment(
        &self,
        name: &EnvironmentName,
        edit: impl FnOnce(&mut NamedEnvironment) -> Result<()>,
    ) -> Result<NamedEnvironment> {
        self.change(|change| {
            let found = change.environment(name.as_str())?;
            let mut environment = found.ok_or_else(|| unknown(name.as_str(), &[]))?;
            edit(&mut environment)?;
            check(&environment)?;
            let new = &environment.name;
            if !new.is(name.as_str()) && change.environment(new.as_str())?.is_some() {
                return Err(taken(new));
            }
            require_owners(change, &environment)?;
            change.put_environment(name, &environment)?;
            Ok(environment)
        })
        .await
    }

    /// Removes an environment if `permit` agrees to it as it is stored at that moment. Its accounts stay as they are.
    /// Returns what was removed.
    ///
    /// # Errors
    /// `not-found`, `storage-*`; those of `permit`.
    pub async fn delete_environment(
        &self,
        name: &EnvironmentName,
        permit: impl FnOnce(&NamedEnvironment) -> Result<()>,
    ) -> Result<NamedEnvironment> {
        self.change(|change| {
            let found = change.environment(name.as_str())?;
            let environment = found.ok_or_else(|| unknown(name.as_str(), &[]))?;
            permit(&environment)?;
            change.remove_environment(name)?;
            Ok(environment)
        })
        .await
    }

    /// How each member of an environment stands.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn member_states(
        &self,
        environment: &NamedEnvironment,
    ) -> Result<Vec<(Cloud, MemberState)>> {
        let state = |(cloud, member): (&Cloud, &Member)| {
            let account = self.store.account(&member.account)?;
            Ok((*cloud, member.state(account.as_deref())))
        };
        environment.members.iter().map(state).collect()
    }

    /// The accounts of an environment, each at its target.
    ///
    /// # Errors
    /// `not-found`, naming the account or target that is gone; nothing stands in for it. `storage-*`.
    pub fn members(&self, environment: &NamedEnvironment) -> Result<Vec<Account>> {
        let states = self.member_states(environment)?;
        let accounts = states.into_iter().map(|(cloud, state)| match state {
            MemberState::Connected(account) => Ok(*account),
            gone => Err(member_gone(environment, cloud, &gone)),
        });
        accounts.collect()
    }
}

/// Why a member of an environment cannot be used.
fn member_gone(environment: &NamedEnvironment, cloud: Cloud, state: &MemberState) -> Error {
    let (name, member) = (&environment.name, &environment.members[&cloud]);
    let option = cloud.as_str();
    let edit = format!("mcm environment edit {name} --{option}");
    if *state == MemberState::AccountGone {
        let message = format!(
            "The environment {name} names the account {} ({}), which is not connected.",
            member.account_name, member.account
        );
        return Error::new(Code::NotFound, message).with_remedies(
            &format!("Connect it again, or choose another: {edit} ACCOUNT"),
            "Connect it again, or choose Edit… and another account.",
        );
    }
    let message = format!(
        "The environment {name} names {}, which {} no longer lists.",
        member.target.as_deref().unwrap_or_default(),
        member.account_name
    );
    Error::new(Code::NotFound, message).with_remedies(
        &format!(
            "Refresh the list: mcm targets {} --refresh. Or choose another: {edit} ACCOUNT/TARGET",
            member.account
        ),
        "Open the account and choose Refresh, or choose Edit… here and what it works in.",
    )
}

pub(super) fn check(environment: &NamedEnvironment) -> Result<()> {
    let invalid = |message: String| Err(Error::new(Code::InvalidInput, message));
    if environment.members.is_empty() {
        return invalid(format!(
            "The environment {} has no account. Name at least one.",
            environment.name
        ));
    }
    environment.check_clusters()?;
    let known = |value: &Option<String>, values: &[&str], what: &str| match value {
        Some(value) if !values.contains(&value.as_str()) => invalid(format!(
            "\"{}\" is not {what}. Choose {}.",
            shown(value),
            values.join(", ")
        )),
        _ => Ok(()),
    };
    known(&environment.settings.colour, &COLOURS, "a colour")?;
    known(&environment.settings.icon, &ICONS, "an icon")?;
    if !TIME_BOXES.contains(&environment.settings.minutes) {
        return invalid(format!(
            "A protected environment is used for {} or {} minutes at a time. Choose one of them.",
            TIME_BOXES[0], TIME_BOXES[1]
        ));
    }
    for place in [
        &environment.settings.region,
        &environment.settings.google_region,
        &environment.settings.google_zone,
    ]
    .into_iter()
    .flatten()
    {
        let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if place.is_empty() || place.len() > 40 || !place.chars().all(is_fit) {
            return invalid(format!(
                "\"{}\" is not a region or zone. Write it as its cloud does, such as eu-central-1.",
                shown(place)
            ));
        }
    }
    Ok(())
}

/// Refuses a cluster that belongs to another AWS account, tenant or project than its account works in.
fn require_owners(change: &Change<'_>, environment: &NamedEnvironment) -> Result<()> {
    for cluster in &environment.clusters {
        let member = environment
            .members
            .values()
            .find(|member| member.account == cluster.account);
        let Some(member) = member else { continue };
        let account = change.account(&member.account)?;
        // A member that is gone is refused where it is used.
        if let MemberState::Connected(account) = member.state(account.as_ref()) {
            cluster.require_owner(&account)?;
        }
    }
    Ok(())
}

fn taken(name: &EnvironmentName) -> Error {
    let message = format!("There is an environment {name} already.");
    Error::new(Code::InvalidInput, message).with_remedies(
        &format!("Choose another name, or change it: mcm environment edit {name}"),
        "Choose another name, or Edit… at that one.",
    )
}

fn unknown(name: &str, known: &[&str]) -> Error {
    let message = format!("There is no environment \"{}\".", shown(name));
    if known.is_empty() {
        return Error::new(Code::NotFound, message).with_remedies(
            "Create it: mcm environment create",
            "Choose Create environment….",
        );
    }
    let first: Vec<&str> = known.iter().copied().take(MAX_NAMED).collect();
    let more = if known.len() > MAX_NAMED {
        " and others"
    } else {
        ""
    };
    let message = format!("{message} There are: {}{more}.", first.join(", "));
    Error::new(Code::NotFound, message)
}
