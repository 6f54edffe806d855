//! Environments in `accounts.db`: their rows, reading them, and their part of a change.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::environment_clusters;
use super::fields::cleaned;
use super::rows::{as_text, required_time, unfit};
use super::{Change, Store};
use crate::account::{AccountId, COLOURS, Cloud};
use crate::environment::{EnvironmentName, EnvironmentSettings, ICONS, Member, NamedEnvironment};
use crate::error::Result;

const ENVIRONMENT: &str = "SELECT position, name, colour, icon, region, google_region, google_zone, protected, \
     exclusive, minutes, created_at FROM environment";

impl Store {
    /// All environments, in the order of their names.
    ///
    /// # Errors
    /// As `read`.
    pub fn environments(&self) -> Result<Vec<NamedEnvironment>> {
        let read = self.reading(|connection, _| Ok(all(connection)?))?;
        Ok(read.unwrap_or_default())
    }

    /// The environment with this name.
    ///
    /// # Errors
    /// As `read`.
    pub fn environment(&self, name: &str) -> Result<Option<NamedEnvironment>> {
        let read = self.reading(|connection, _| Ok(named(connection, name)?))?;
        Ok(read.flatten().map(|(_, environment)| environment))
    }
}

impl Change<'_> {
    /// The environment with this name.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn environment(&self, name: &str) -> Result<Option<NamedEnvironment>> {
        let found = self.reading(|connection| named(connection, name))?;
        Ok(found.map(|(_, environment)| environment))
    }

    /// Adds an environment, or replaces the one that has this name now.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn put_environment(
        &self,
        now: &EnvironmentName,
        environment: &NamedEnvironment,
    ) -> Result<()> {
        let known = self.reading(|connection| named(connection, now.as_str()))?;
        if known
            .as_ref()
            .is_some_and(|(_, known)| known == environment)
        {
            return Ok(());
        }
        let position = known.map(|(position, _)| position);
        self.writing(|connection| write(connection, position, environment))
    }

    /// Removes an environment. Returns whether there was one.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn remove_environment(&self, name: &EnvironmentName) -> Result<bool> {
        self.deleting("DELETE FROM environment WHERE name = ?", name.as_str())
    }
}

/// Whether the environment with this name is protected, if there is one.
pub(super) fn is_protected(connection: &Connection, name: &str) -> rusqlite::Result<Option<bool>> {
    connection
        .prepare_cached("SELECT protected FROM environment WHERE name = ?")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// All environments, in the order of their names.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<NamedEnvironment>> {
    let mut statement = connection.prepare_cached(&format!("{ENVIRONMENT} ORDER BY name"))?;
    let rows = statement.query_map([], row)?.collect::<Vec<_>>();
    rows.into_iter()
        .map(|row| {
            let (position, mut environment) = row?;
            fill(connection, position, &mut environment)?;
            Ok(environment)
        })
        .collect()
}

fn named(connection: &Connection, name: &str) -> rusqlite::Result<Option<(i64, NamedEnvironment)>> {
    let mut statement = connection.prepare_cached(&format!("{ENVIRONMENT} WHERE name = ?"))?;
    let Some((position, mut environment)) = statement.query_row([name], row).optional()? else {
        return Ok(None);
    };
    fill(connection, position, &mut environment)?;
    Ok(Some((position, environment)))
}

/// Reads what an environment has in tables of its own.
fn fill(
    connection: &Connection,
    position: i64,
    environment: &mut NamedEnvironment,
) -> rusqlite::Result<()> {
    environment.members = members(connection, position, &environment.name)?;
    environment.clusters = environment_clusters::read(connection, position, &environment.name)?;
    Ok(())
}

fn row(row: &Row<'_>) -> rusqlite::Result<(i64, NamedEnvironment)> {
    let text: String = row.get("name")?;
    let known = |column: &str, values: &[&str]| -> rusqlite::Result<Option<String>> {
        let value: Option<String> = row.get(column)?;
        // One of a later version is not shown.
        Ok(value.filter(|value| values.contains(&value.as_str())))
    };
    let place = |column: &str| -> rusqlite::Result<Option<String>> {
        Ok(row.get::<_, Option<String>>(column)?.map(cleaned))
    };
    let environment = NamedEnvironment {
        name: EnvironmentName::parse(&text).ok_or_else(|| unfit(&text, "the name"))?,
        members: BTreeMap::new(),
        clusters: Vec::new(),
        settings: EnvironmentSettings {
            colour: known("colour", &COLOURS)?,
            icon: known("icon", &ICONS)?,
            region: place("region")?,
            google_region: place("google_region")?,
            google_zone: place("google_zone")?,
            is_protected: row.get("protected")?,
            is_exclusive: row.get("exclusive")?,
            minutes: row.get("minutes")?,
        },
        created_at: required_time(row, &text, "created_at")?,
    };
    Ok((row.get("position")?, environment))
}

fn members(
    connection: &Connection,
    environment: i64,
    name: &EnvironmentName,
) -> rusqlite::Result<BTreeMap<Cloud, Member>> {
    let mut statement = connection.prepare_cached(
        "SELECT account, account_name, target, target_name FROM environment_member WHERE environment = ?",
    )?;
    let rows = statement.query_map([environment], |row| {
        let id: String = row.get("account")?;
        let account = AccountId::parse(&id).ok_or_else(|| unfit(name.as_str(), "an account"))?;
        let cloud = account
            .cloud()
            .ok_or_else(|| unfit(name.as_str(), "an account"))?;
        let text = |column: &str| -> rusqlite::Result<Option<String>> {
            Ok(row.get::<_, Option<String>>(column)?.map(cleaned))
        };
        let member = Member {
            account,
            account_name: text("account_name")?.unwrap_or_default(),
            target: text("target")?,
            target_name: text("target_name")?,
        };
        Ok((cloud, member))
    })?;
    rows.collect()
}

fn write(
    connection: &Connection,
    position: Option<i64>,
    environment: &NamedEnvironment,
) -> rusqlite::Result<()> {
    if let Some(position) = position {
        connection.execute("DELETE FROM environment WHERE position = ?", [position])?;
    }
    connection.execute(
        "INSERT INTO environment (position, name, colour, icon, region, google_region, google_zone, protected, \
         exclusive, minutes, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            position,
            environment.name.as_str(),
            environment.settings.colour,
            environment.settings.icon,
            environment.settings.region,
            environment.settings.google_region,
            environment.settings.google_zone,
            environment.settings.is_protected,
            environment.settings.is_exclusive,
            environment.settings.minutes,
            as_text(environment.created_at),
        ],
    )?;
    let position = connection.last_insert_rowid();
    for (cloud, member) in &environment.members {
        connection.execute(
            "INSERT INTO environment_member (environment, cloud, account, account_name, target, target_name) \
             VALUES (?, ?, ?, ?, ?, ?)",
            params![
                position,
                cloud.as_str(),
                member.account.as_str(),
                member.account_name,
                member.target,
                member.target_name
            ],
        )?;
    }
    environment_clusters::write(connection, position, &environment.clusters)
}
