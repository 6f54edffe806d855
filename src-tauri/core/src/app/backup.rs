//! Backing up what the user chose and connected, and restoring it: accounts without their sign-ins, environments, settings.
//!
//! A restore is one transaction and adds: what exists here is kept and named. A file may claim anything, so every part is
//! checked as if the user had typed it, and a restored account can do nothing before its user signs in.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::App;
use super::environments::check;
use crate::account::{Account, AccountId, COLOURS, Cloud, Identity, RenewalFailure};
use crate::activity::ActivityKind;
use crate::backup::Backup;
use crate::error::{Code, Error, ErrorView, Result};
use crate::settings::{self, KeptSettings};
use crate::store::{Accounts, Change};
use crate::text;

/// The most chosen, pinned and named targets of one account.
const MOST_TARGETS: usize = 1_000;

/// The passphrase of a backup, as the user enters it.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Passphrase(SecretString);

impl From<SecretString> for Passphrase {
    fn from(passphrase: SecretString) -> Self {
        Self(passphrase)
    }
}

/// What a backup holds, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct BackedUp {
    /// The accounts.
    pub accounts: u32,
    /// The environments.
    pub environments: u32,
}

/// What a restore brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Restored {
    /// The accounts that were added. Each needs a sign-in.
    pub accounts: Vec<RestoredAccount>,
    /// The names of the accounts that are connected here, and were not changed.
    pub kept: Vec<String>,
    /// The names of the environments that were added.
    pub environments: Vec<String>,
    /// The names of the environments that exist here, and were not changed.
    pub kept_environments: Vec<String>,
    /// The settings that were missing here, such as `app.theme`.
    pub settings: Vec<String>,
}

/// An account that was added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RestoredAccount {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its identity.
    pub identity: Identity,
}

impl App {
    /// Writes a backup of everything but secrets to a file, encrypted under a passphrase. `replaces` permits to replace a
    /// file.
    ///
    /// # Errors
    /// Those of `Backup::write`; `storage-*` when something cannot be read.
    pub async fn back_up(
        &self,
        path: &Path,
        passphrase: Passphrase,
        replaces: bool,
    ) -> Result<BackedUp> {
        let stored = self.store.read()?;
        let mut backup = Backup::new(self.world.clock.now());
        backup.settings = KeptSettings::read(&self.world.paths.config)?;
        backup.accounts = stored.iter().map(|row| kept(row, &stored)).collect();
        backup.active.clone_from(&stored.active);
        backup.pending_roles.clone_from(&stored.pending_roles);
        backup.environments.clone_from(&stored.environments);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let backed_up = BackedUp {
            accounts: count(backup.accounts.len()),
            environments: count(backup.environments.len()),
        };
        let path = self.whole(path);
        apart(move || backup.write(&path, &passphrase.0, replaces)).await?;
        Ok(backed_up)
    }

    /// Restores a backup: all of it, or nothing. What exists here stays as it is.
    ///
    /// # Errors
    /// Those of `Backup::read`; `invalid-input` for a part that no version of this app writes; `storage-*`.
    pub async fn restore(&self, path: &Path, passphrase: Passphrase) -> Result<Restored> {
        let (path, now) = (self.whole(path), self.world.clock.now());
        let backup = apart(move || {
            let backup = Backup::read(&path, &passphrase.0)?;
            checked(backup, now).ok_or_else(|| {
                let message = format!(
                    "{} holds what no version of this app writes, so nothing was restored.",
                    text::shown(&path.display().to_string())
                );
                Error::new(Code::InvalidInput, message)
            })
        })
        .await?;
        let config = self.world.paths.config.clone();
        let mut before = None;
        let restored = self
            .change(|change| {
                let mut restored = put(change, &backup, now)?;
                if let Some((text, added)) = backup.settings.merged(&config)? {
                    restored.settings = added;
                    // The last step: what fails until here changes nothing.
                    before = Some(settings::replace_text(&config, Some(text.as_bytes()))?);
                }
                Ok(restored)
            })
            .await;
        match (&restored, before) {
            (Ok(_), Some(_)) => self.reload_settings(),
            (Err(_), Some(before)) => {
                settings::replace_text(&config, before.as_deref())?;
            }
            (_, None) => {}
        }
        restored
    }

    /// A path as the user types it: `~` is the home folder.
    fn whole(&self, path: &Path) -> std::path::PathBuf {
        match (path.strip_prefix("~"), self.world.environment.home()) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path.to_owned(),
        }
    }
}

/// Runs what takes the processor for a second, beside the threads that answer.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        let message = "The backup could not be encrypted or opened. Try again.";
        Err(Error::new(Code::Internal, message).with_source(error))
    })
}

/// An account as a backup holds it: without sessions and failures, and with the targets alone that something names.
fn kept(account: &Account, stored: &Accounts) -> Account {
    let mut named: HashSet<&str> = account.pinned.iter().map(String::as_str).collect();
    named.extend(account.target.as_deref());
    let members = stored
        .environments
        .iter()
        .flat_map(|environment| environment.members.values());
    let of_account = members.filter(|member| member.account == account.id);
    named.extend(of_account.filter_map(|member| member.target.as_deref()));
    let is_named = |target: &&crate::account::Target| named.contains(target.id.as_str());
    Account {
        custom_name: account.custom_name.clone(),
        colour: account.colour.clone(),
        starred: account.starred,
        targets: account.targets.iter().filter(is_named).cloned().collect(),
        target: account.target.clone(),
        pinned: account.pinned.clone(),
        used_at: account.used_at,
        generation: 0,
        ..Account::new(account.identity.clone(), account.connected_at)
    }
}

/// The backup with safe names, when every part has its form. What a sign-in decides is taken out of the accounts.
fn checked(mut backup: Backup, now: Timestamp) -> Option<Backup> {
    let accounts = std::mem::take(&mut backup.accounts);
    let accounts = accounts.into_iter().map(|account| restored(account, now));
    backup.accounts = accounts.collect::<Option<_>>()?;
    let is_of = |cloud: &Cloud, id: &AccountId| id.cloud() == Some(*cloud);
    let ids_fit = backup.active.iter().all(|(cloud, id)| is_of(cloud, id));
    let environments_fit = backup.environments.iter_mut().all(|environment| {
        for member in environment.members.values_mut() {
            member.account_name = text::shown(&member.account_name);
            member.target = member.target.take().map(|target| text::shown(&target));
            member.target_name = member.target_name.take().map(|name| text::shown(&name));
        }
        let fits = |(cloud, member): (&Cloud, &crate::environment::Member)| {
            AccountId::parse(member.account.as_str()).is_some_and(|id| is_of(cloud, &id))
        };
        crate::environment::EnvironmentName::parse(environment.name.as_str()).is_some()
            && environment.members.iter().all(fits)
            && check(environment).is_ok()
    });
    let roles_fit = backup
        .pending_roles
        .iter()
        .all(Change::may_put_pending_role);
    (ids_fit && environments_fit && roles_fit).then_some(backup)
}

/// An account of a backup as a row that needs a sign-in.
fn restored(account: Account, now: Timestamp) -> Option<Account> {
    let mut identity = account.identity.read_back()?;
    // Only a check on this machine shows that, and a file must not accept a role in the user's place.
    identity.mark_not_verified();
    if identity.account_id() != account.id {
        return None;
    }
    let custom_name = account.custom_name.map(|name| text::shown(&name));
    let mut row = Account {
        custom_name: custom_name.filter(|name| !name.is_empty()),
        colour: account
            .colour
            .filter(|colour| COLOURS.contains(&colour.as_str())),
        starred: account.starred,
        target: account.target.map(|target| text::shown(&target)),
        used_at: account.used_at,
        generation: 0,
        // The keys are made from the identity: no file leads a row to another user's sign-in.
        ..Account::new(identity, account.connected_at.min(now))
    };
    let pinned = account.pinned.iter().take(MOST_TARGETS);
    let pinned: BTreeSet<String> = pinned.map(|id| text::shown(id)).collect();
    row.pinned = pinned.into_iter().collect();
    row.targets = account.targets.into_iter().take(MOST_TARGETS).collect();
    for target in &mut row.targets {
        target.id = text::shown(&target.id);
        target.name = text::shown(&target.name);
        for text in [&mut target.state, &mut target.parent] {
            *text = text.take().map(|text| text::shown(&text));
        }
    }
    let message = format!(
        "{} was restored from a backup. Sign in to use it.",
        row.name()
    );
    row.renewal_failure = Some(RenewalFailure {
        error: ErrorView::from(&Error::new(Code::SignInAgain, message)),
        at: now,
        not_before: None,
        attempts: 0,
        challenge: None,
        surroundings: None,
    });
    Some(row)
}

/// Adds what is missing here.
fn put(change: &Change<'_>, backup: &Backup, now: Timestamp) -> Result<Restored> {
    let mut restored = Restored::default();
    let mut added = HashSet::new();
    for account in &backup.accounts {
        if let Some(known) = change.account(&account.id)? {
            if !added.contains(&account.id) {
                restored.kept.push(known.name());
            }
            continue;
        }
        change.put(account)?;
        change.record(account, now, ActivityKind::Restored)?;
        added.insert(account.id.clone());
        restored.accounts.push(RestoredAccount {
            id: account.id.clone(),
            name: account.name(),
            identity: account.identity.clone(),
        });
    }
    for (cloud, id) in &backup.active {
        if change.active(*cloud)?.is_none() && change.account(id)?.is_some() {
            change.set_active(*cloud, id)?;
        }
    }
    for environment in &backup.environments {
        let name = &environment.name;
        if change.environment(name.as_str())?.is_some() {
            restored.kept_environments.push(name.to_string());
        } else {
            change.put_environment(name, environment)?;
            restored.environments.push(name.to_string());
        }
    }
    let known = change.pending_roles()?;
    for role in &backup.pending_roles {
        let is_known = |known: &crate::role::PendingRole| known.external_id == role.external_id;
        let is_connected = |account: &Account| matches!(&account.identity, Identity::Aws { external_id, .. } if *external_id == role.external_id);
        if !known.iter().any(is_known) && !change.all()?.iter().any(is_connected) {
            change.put_pending_role(role)?;
        }
    }
    Ok(restored)
}
