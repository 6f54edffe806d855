//! Finding accounts in `accounts.db` by a name, without reading the others.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

use super::open::Database;
use super::problem::Problem;
use super::{Intent, Store, environments, lists, rows, schema};
use crate::account::{Account, AccountId, Cloud, GrantKey};
use crate::environment::NamedEnvironment;
use crate::error::{Code, Error, Result};
use crate::resource::Resource;
use crate::role::is_access_key_id;
use crate::text;

/// The account with this id, else those with this whole name.
const WHOLE: [&str; 2] = [
    "SELECT id FROM account WHERE id = ?",
    "SELECT account FROM account_name JOIN account ON id = account WHERE name = ? ORDER BY position",
];
/// The accounts of a JSON list of ids.
const LISTED: &str =
    "SELECT id FROM account WHERE id IN (SELECT value FROM json_each(?)) ORDER BY position";

/// The most accounts that an error names.
const MAX_NAMED: usize = 8;

/// One look at the database, for a program that needs only one account.
#[derive(Debug)]
pub struct Look(Database);

impl Look {
    /// Opens the database without changes; none when there is none of this version, or anything is wrong with it.
    pub fn open(store: &Store) -> Option<Self> {
        let database = Database::for_a_look(&store.path).ok()?;
        // One transaction for everything, so that the file is locked and checked once.
        database.connection.execute_batch("BEGIN").ok()?;
        schema::is_current(&database.connection)
            .ok()?
            .then_some(Self(database))
    }

    /// The one account with this id or whole name, with only the chosen target of its lists. None in every other
    /// case.
    pub fn account(&self, name: &str) -> Option<Account> {
        let found = find(&self.0.connection, name, &WHOLE).ok()?;
        match found.as_slice() {
            [id] if is_id(id, name) || !self.may_be_at_target(name) => self.by_id(id),
            [] => self.at_target(name),
            _ => None,
        }
    }

    /// Whether a beginning of the name, up to a slash, names an account as well.
    fn may_be_at_target(&self, name: &str) -> bool {
        let connection = &self.0.connection;
        splits(name).any(|(account, _)| {
            find(connection, account, &WHOLE).is_ok_and(|found| !found.is_empty())
        })
    }

    /// The account and the target that `ACCOUNT/TARGET` names, by the ids of both or the account's whole name.
    fn at_target(&self, name: &str) -> Option<Account> {
        let connection = &self.0.connection;
        let (account, target) = splits(name).find_map(|(account, target)| {
            let found = find(connection, account, &WHOLE).ok()?;
            let [id] = found.as_slice() else { return None };
            Some((id.clone(), target))
        })?;
        let (mut account, _) = rows::account_by_id(connection, &account).ok()??;
        account.target = Some(target.trim().to_owned());
        lists::read_chosen_target(connection, &mut account).ok()?;
        let known = account.targets.pop()?;
        Some(account.at_target(known))
    }

    /// As `account`, for the one in use in a cloud.
    pub fn active(&self, cloud: Cloud) -> Option<Account> {
        self.by_id(&active(&self.0.connection, cloud).ok()??)
    }

    /// Whether the environment with this name is protected; none where there is no such environment.
    pub fn is_protected(&self, environment: &str) -> Option<bool> {
        environments::is_protected(&self.0.connection, environment).ok()?
    }

    /// As `account`, by the id alone.
    pub fn by_id(&self, id: &AccountId) -> Option<Account> {
        lists::account_with_target(&self.0.connection, id).ok()?
    }
}

impl Store {
    /// The one account that the user names: by its id, its exact name, or any part that matches no other.
    ///
    /// # Errors
    /// `not-found`, or `ambiguous` with the ids to choose from; those of `read`.
    pub fn resolve(&self, name: &str) -> Result<Account> {
        match self.named(name) {
            Err(error) if error.code() == Code::NotFound => {}
            found => return found,
        }
        self.only(name, &self.found_by_part(name)?)
    }

    /// The one account with this id or whole name. Issuing and removing need it: a part of a name, as `prod` is of
    /// `nonprod`, would match another account once the right one is removed.
    ///
    /// # Errors
    /// `not-found` with the accounts that have this part, or `ambiguous` with the ids to choose from; those of
    /// `read`.
    pub fn named(&self, name: &str) -> Result<Account> {
        if name.trim().is_empty() {
            let message = "Name an account by its id or its name.";
            return Err(Error::new(Code::InvalidInput, message));
        }
        let found = self.found(name, &WHOLE)?;
        if let [id] = found.as_slice()
            && !is_id(id, name)
            && let Ok(Some(other)) = self.at_target(name)
        {
            // A tenant's name comes from a server, and may read as an account and a target of the user's own.
            let message = format!(
                "\"{}\" is the name of {id}, and also a target of {}. Name the account by its id.",
                text::shown(name),
                other.id
            );
            return Err(Error::new(Code::Ambiguous, message));
        }
        if !found.is_empty() {
            return self.only(name, &found);
        }
        if let Some(account) = self.at_target(name)? {
            return Ok(account);
        }
        let similar = self.found_by_part(name)?;
        let environment = self.environment(name)?;
        if similar.is_empty() || environment.is_some() {
            return Err(nothing(name, environment.as_ref()));
        }
        let message = format!(
            "No account is called \"{}\". Enter a whole name or an id. Similar: {}.",
            text::shown(name),
            self.list(&similar)?
        );
        Err(Error::new(Code::NotFound, message))
    }

    /// The account at the target that `ACCOUNT/TARGET` names; none when no beginning of the text names an account.
    fn at_target(&self, name: &str) -> Result<Option<Account>> {
        for (account, target) in splits(name) {
            let found = self.found(account, &WHOLE)?;
            if found.is_empty() {
                continue;
            }
            let account = self.only(account, &found)?;
            let known = account.find_target(target).ok_or_else(|| {
                let message = format!(
                    "{} has no target \"{}\".",
                    account.name(),
                    text::shown(target)
                );
                Error::new(Code::NotFound, message).with_remedies(
                    &format!("Run \"mcm targets {}\" to see them.", account.id),
                    "Open the account to see them.",
                )
            })?;
            return Ok(Some(account.at_target(known)));
        }
        Ok(None)
    }

    fn found(&self, name: &str, queries: &[&str]) -> Result<Vec<AccountId>> {
        let found = self.reading(|connection, _| Ok(find(connection, name, queries)?))?;
        Ok(found.unwrap_or_default())
    }

    /// The accounts with this part of a name.
    fn found_by_part(&self, name: &str) -> Result<Vec<AccountId>> {
        let part = name.trim().to_lowercase();
        if part.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.reading(|connection, _| {
            let listed = rows::ids_with_text(connection, &part)?;
            Ok(ids(connection, LISTED, &listed)?)
        });
        Ok(found?.unwrap_or_default())
    }

    fn only(&self, name: &str, found: &[AccountId]) -> Result<Account> {
        let shown = text::shown(name);
        match found {
            [id] => self.require(id),
            [] => Err(nothing(name, self.environment(name)?.as_ref())),
            several => {
                let message = format!(
                    "\"{shown}\" matches {} accounts. Name one by its id: {}.",
                    several.len(),
                    self.list(several)?
                );
                Err(Error::new(Code::Ambiguous, message))
            }
        }
    }

    /// The first of these accounts, with their names.
    fn list(&self, ids: &[AccountId]) -> Result<String> {
        let named = ids.iter().take(MAX_NAMED).map(|id| {
            let account = self.require(id)?;
            Ok(format!("{} ({})", account.id, account.name()))
        });
        Ok(named.collect::<Result<Vec<String>>>()?.join(", "))
    }

    /// The account in use in a cloud.
    ///
    /// # Errors
    /// `not-found` when there is none; those of `read`.
    pub fn active(&self, cloud: Cloud) -> Result<Account> {
        let found = self.reading(|connection, _| Ok(active(connection, cloud)?))?;
        let id = found.flatten().ok_or_else(|| {
            let message = format!("No {} account is in use.", cloud.title());
            Error::new(Code::NotFound, message).with_remedies(
                "Run \"mcm use ACCOUNT\" to choose one.",
                "Put one in use first.",
            )
        })?;
        self.require(&id)
    }

    /// The keychain entries that no account may need, of one grant or of all, each with whether an account needs it.
    ///
    /// # Errors
    /// As `read`.
    pub fn intents(&self, grant: Option<&GrantKey>) -> Result<Vec<(Intent, bool)>> {
        let read = self.reading(|connection, _| {
            let mut all = intents(connection, &self.path)?;
            all.retain(|(intent, _)| match (grant, intent) {
                (None, _) => true,
                (Some(wanted), Intent::Grant(grant) | Intent::Session { grant, .. }) => {
                    grant == wanted
                }
                (Some(_), Intent::AccessKeys(_)) => false,
            });
            Ok(all)
        });
        Ok(read?.unwrap_or_default())
    }

    fn require(&self, id: &AccountId) -> Result<Account> {
        let account = self.account(id)?;
        account
            .map(|account| Account::clone(&account))
            .ok_or_else(|| super::not_found(id))
    }
}

/// That no account has this name; an environment of that name is used in other ways.
fn nothing(name: &str, environment: Option<&NamedEnvironment>) -> Error {
    if let Some(environment) = environment {
        let message = format!(
            "{0} is an environment, and no account. Use \"mcm shell {0}\" or \"mcm exec -E {0} -- COMMAND\".",
            environment.name
        );
        return Error::new(Code::NotFound, message);
    }
    let message = format!("No account matches \"{}\".", text::shown(name));
    Error::new(Code::NotFound, message).with_remedies(
        "Run \"mcm accounts\" to list the connected ones.",
        "It may have been disconnected.",
    )
}

/// Whether the user typed this id itself.
fn is_id(id: &AccountId, name: &str) -> bool {
    id.as_str() == name.trim().to_lowercase()
}

/// The ways to read a text as `ACCOUNT/TARGET`, the longest account first: names have slashes too.
fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let slashes = name.rmatch_indices('/');
    let parts = slashes.map(|(at, _)| (&name[..at], &name[at + 1..]));
    parts.filter(|(account, target)| !account.is_empty() && !target.is_empty())
}

/// The accounts that the first query with a result finds for a name.
fn find(connection: &Connection, name: &str, queries: &[&str]) -> rusqlite::Result<Vec<AccountId>> {
    let wanted = name.trim().to_lowercase();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    for query in queries {
        let found = ids(connection, query, &wanted)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// The ids that a query finds by a text.
fn ids(connection: &Connection, query: &str, text: &str) -> rusqlite::Result<Vec<AccountId>> {
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map([text], |row| Ok(AccountId::from(row.get::<_, String>(0)?)))?;
    rows.collect()
}

fn active(connection: &Connection, cloud: Cloud) -> rusqlite::Result<Option<AccountId>> {
    connection
        .prepare_cached("SELECT account FROM active WHERE cloud = ?")?
        .query_row([cloud.as_str()], |row| {
            Ok(AccountId::from(row.get::<_, String>(0)?))
        })
        .optional()
}

/// Whether a row needs the entry that is noted in `intent`; ?1 is the key of management sessions.
pub(super) const IS_NEEDED: &str = "CASE kind \
     WHEN 'grant' THEN EXISTS (SELECT 1 FROM account WHERE account.grant_key = subject) \
     WHEN 'session' THEN EXISTS (SELECT 1 FROM account WHERE id = subject) AND (resource = ?1 OR EXISTS \
     (SELECT 1 FROM resource_session AS known WHERE known.account = subject AND known.resource = intent.resource)) \
     ELSE EXISTS (SELECT 1 FROM access_keys WHERE access_key_id = subject) END";

fn intents(
    connection: &Connection,
    path: &Path,
) -> std::result::Result<Vec<(Intent, bool)>, Problem> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT kind, subject, resource, grant_key, {IS_NEEDED} FROM intent"
    ))?;
    let rows = statement.query_map([Resource::Management.key()], |row| {
        let text = |index: usize| row.get::<_, String>(index);
        Ok((
            text(0)?,
            text(1)?,
            text(2)?,
            text(3)?,
            row.get::<_, bool>(4)?,
        ))
    })?;
    let mut all = Vec::new();
    for row in rows {
        let (kind, subject, resource, grant, is_needed) = row?;
        let unfit = || Problem::Damaged(format!("a note in {}", path.display()));
        let grant = || GrantKey::parse(&grant).ok_or_else(unfit);
        let intent = match kind.as_str() {
            "grant" => Intent::Grant(grant()?),
            "session" => Intent::Session {
                account: AccountId::parse(&subject).ok_or_else(unfit)?,
                resource,
                grant: grant()?,
            },
            _ if is_access_key_id(&subject) => Intent::AccessKeys(subject),
            _ => return Err(unfit()),
        };
        all.push((intent, is_needed));
    }
    Ok(all)
}
