//! The lists of an account, each in a table of its own: targets, pins, tenants, an organisation's accounts, resources.
//!
//! Reading all accounts takes one query for each table. A list that changed is written whole.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::fields::cleaned;
use super::rows::{
    Revisions, account_by_id, as_json, as_text, optional_json, shown, time, times, unfit,
};
use crate::account::{
    Account, AccountId, OfferedTenant, OrganizationAccount, ResourceSession, Target,
};
use crate::resource::Identifier;

/// Reads the lists of an account: its targets, tenants, organisation and sessions for resources.
pub(super) fn read_lists(connection: &Connection, account: &mut Account) -> rusqlite::Result<()> {
    let id = account.id.as_str();
    let mut statement = connection.prepare_cached(
        "SELECT id, name, state, parent FROM target WHERE account = ? ORDER BY position",
    )?;
    account.targets = statement
        .query_map([id], target)?
        .collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT tenant_id, name, default_domain FROM offered_tenant WHERE account = ? ORDER BY position",
    )?;
    account.offered = statement
        .query_map([id], tenant)?
        .collect::<Result<_, _>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT account, account_id, name, state, roles_read_at FROM organization_account WHERE account = ? ORDER BY position",
    )?;
    account.organization = statement
        .query_map([id], organization_account)?
        .collect::<Result<_, _>>()?;
    let mut statement = connection
        .prepare_cached("SELECT id FROM pinned_target WHERE account = ? ORDER BY position")?;
    account.pinned = statement
        .query_map([id], |row| row.get("id"))?
        .collect::<Result<_, _>>()?;
    read_resources(connection, account)
}

/// Reads the sessions of an account for resources, which change more often than its lists.
pub(super) fn read_resources(
    connection: &Connection,
    account: &mut Account,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT account, resource, issued_at, expires_at, renewal_failure FROM resource_session \
         WHERE account = ? ORDER BY position",
    )?;
    account.resources = statement
        .query_map([account.id.as_str()], resource)?
        .collect::<Result<_, _>>()?;
    Ok(())
}

/// The lists of every account, reading each table once.
pub(super) fn read_all_lists(
    connection: &Connection,
    accounts: &mut [(Account, Revisions)],
) -> rusqlite::Result<()> {
    let index: HashMap<String, usize> = accounts
        .iter()
        .enumerate()
        .map(|(index, (account, _))| (account.id.to_string(), index))
        .collect();
    let mut each = |table: &str, add: &dyn Fn(&mut Account, &Row<'_>) -> rusqlite::Result<()>| {
        let mut statement =
            connection.prepare(&format!("SELECT * FROM {table} ORDER BY account, position"))?;
        let mut rows = statement.query([])?;
        // The rows of one account are adjacent.
        let mut last: Option<(String, usize)> = None;
        while let Some(row) = rows.next()? {
            let id = row.get_ref("account")?.as_str()?;
            if last.as_ref().is_none_or(|(known, _)| known != id) {
                last = index.get(id).map(|index| (id.to_owned(), *index));
            }
            if let Some((_, index)) = last {
                add(&mut accounts[index].0, row)?;
            }
        }
        Ok::<(), rusqlite::Error>(())
    };
    each("target", &|account, row| {
        account.targets.push(target(row)?);
        Ok(())
    })?;
    each("offered_tenant", &|account, row| {
        account.offered.push(tenant(row)?);
        Ok(())
    })?;
    each("organization_account", &|account, row| {
        account.organization.push(organization_account(row)?);
        Ok(())
    })?;
    each("pinned_target", &|account, row| {
        account.pinned.push(row.get("id")?);
        Ok(())
    })?;
    each("resource_session", &|account, row| {
        account.resources.push(resource(row)?);
        Ok(())
    })
}

/// Reads the target that is chosen, and no other.
pub(super) fn read_chosen_target(
    connection: &Connection,
    account: &mut Account,
) -> rusqlite::Result<()> {
    let Some(chosen) = &account.target else {
        return Ok(());
    };
    // Without the name of the index, SQLite passes through the account's targets to spare the sorting.
    let mut statement = connection.prepare_cached(
        "SELECT id, name, state, parent FROM target INDEXED BY target_id WHERE account = ? AND id = ? \
         ORDER BY position LIMIT 1",
    )?;
    let found = statement
        .query_row([account.id.as_str(), chosen.as_str()], target)
        .optional()?;
    account.targets = found.into_iter().collect();
    Ok(())
}

/// Reads the pinned targets of all accounts, which are few.
pub(super) fn read_pins(connection: &Connection, accounts: &mut [Account]) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("SELECT account, id FROM pinned_target ORDER BY account, position")?;
    let mut rows = statement.query([])?;
    let mut pins: HashMap<String, Vec<String>> = HashMap::new();
    while let Some(row) = rows.next()? {
        pins.entry(row.get("account")?)
            .or_default()
            .push(row.get("id")?);
    }
    for account in accounts {
        account.pinned = pins.remove(account.id.as_str()).unwrap_or_default();
    }
    Ok(())
}

/// As `read_chosen_target`, for all accounts, in the order of their connection.
pub(super) fn read_chosen_targets(
    connection: &Connection,
    accounts: &mut [Account],
) -> rusqlite::Result<()> {
    // The order of the join and its index are fixed: one look for each account, and no pass through every target.
    let mut statement = connection.prepare(
        "SELECT target.account, target.id, target.name, target.state, target.parent FROM account \
         CROSS JOIN target INDEXED BY target_id ON target.account = account.id AND target.id = account.target \
         ORDER BY account.position, target.position",
    )?;
    let mut rows = statement.query([])?;
    let mut left = accounts.iter_mut();
    let mut last: Option<&mut Account> = None;
    while let Some(row) = rows.next()? {
        let id = row.get_ref("account")?.as_str()?;
        if last
            .as_ref()
            .is_none_or(|account| account.id.as_str() != id)
        {
            last = left.find(|account| account.id.as_str() == id);
        }
        if let Some(account) = &mut last
            && account.targets.is_empty()
        {
            account.targets.push(target(row)?);
        }
    }
    Ok(())
}

pub(super) fn target(row: &Row<'_>) -> rusqlite::Result<Target> {
    Ok(Target {
        id: cleaned(row.get("id")?),
        name: cleaned(row.get("name")?),
        state: shown(row, "state")?,
        parent: shown(row, "parent")?,
    })
}

fn tenant(row: &Row<'_>) -> rusqlite::Result<OfferedTenant> {
    Ok(OfferedTenant {
        tenant_id: cleaned(row.get("tenant_id")?),
        name: shown(row, "name")?,
        default_domain: shown(row, "default_domain")?,
    })
}

fn organization_account(row: &Row<'_>) -> rusqlite::Result<OrganizationAccount> {
    let account: String = row.get("account")?;
    Ok(OrganizationAccount {
        account_id: cleaned(row.get("account_id")?),
        name: cleaned(row.get("name")?),
        state: shown(row, "state")?,
        roles_read_at: time(row, &account, "roles_read_at")?,
    })
}

fn resource(row: &Row<'_>) -> rusqlite::Result<ResourceSession> {
    let (account, name): (String, String) = (row.get("account")?, row.get("resource")?);
    Ok(ResourceSession {
        resource: Identifier::parse_stored(&name).ok_or_else(|| unfit(&account, "resource"))?,
        session: times(row, &account, "issued_at", "expires_at")?,
        renewal_failure: optional_json(row, &account, "renewal_failure")?,
    })
}

/// Writes the lists of an account that differ from the stored ones.
pub(super) fn write_lists(
    connection: &Connection,
    before: &Account,
    account: &Account,
) -> rusqlite::Result<()> {
    let id = account.id.as_str();
    if before.targets != account.targets {
        clear(connection, "target", id)?;
        let mut statement = connection.prepare_cached(
            "INSERT INTO target (account, position, id, name, state, parent) VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        for (position, target) in (0_i64..).zip(&account.targets) {
            statement.execute(params![
                id,
                position,
                target.id,
                target.name,
                target.state,
                target.parent
            ])?;
        }
    }
    if before.offered != account.offered {
        clear(connection, "offered_tenant", id)?;
        let mut statement = connection.prepare_cached(
            "INSERT INTO offered_tenant (account, position, tenant_id, name, default_domain) VALUES (?, ?, ?, ?, ?)",
        )?;
        for (position, tenant) in (0_i64..).zip(&account.offered) {
            statement.execute(params![
                id,
                position,
                tenant.tenant_id,
                tenant.name,
                tenant.default_domain
            ])?;
        }
    }
    if before.organization != account.organization {
        clear(connection, "organization_account", id)?;
        let mut statement = connection.prepare_cached(
            "INSERT INTO organization_account (account, position, account_id, name, state, roles_read_at) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        for (position, other) in (0_i64..).zip(&account.organization) {
            statement.execute(params![
                id,
                position,
                other.account_id,
                other.name,
                other.state,
                other.roles_read_at.map(as_text),
            ])?;
        }
    }
    if before.pinned != account.pinned {
        clear(connection, "pinned_target", id)?;
        let mut statement = connection
            .prepare_cached("INSERT INTO pinned_target (account, position, id) VALUES (?, ?, ?)")?;
        for (position, target) in (0_i64..).zip(&account.pinned) {
            statement.execute(params![id, position, target])?;
        }
    }
    if before.resources != account.resources {
        clear(connection, "resource_session", id)?;
        let mut statement = connection.prepare_cached(
            "INSERT INTO resource_session (account, position, resource, issued_at, expires_at, renewal_failure) \
             VALUES (?, ?, ?, ?, ?, ?)",
        )?;
        for (position, known) in (0_i64..).zip(&account.resources) {
            statement.execute(params![
                id,
                position,
                known.resource.as_str(),
                known.session.map(|session| as_text(session.issued_at)),
                known.session.map(|session| as_text(session.expires_at)),
                known.renewal_failure.as_ref().map(as_json),
            ])?;
        }
    }
    Ok(())
}

fn clear(connection: &Connection, table: &str, account: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(&format!("DELETE FROM {table} WHERE account = ?"))?
        .execute([account])?;
    Ok(())
}

/// One account, and of its lists only the target that is chosen.
pub(super) fn account_with_target(
    connection: &Connection,
    id: &AccountId,
) -> rusqlite::Result<Option<Account>> {
    let Some((mut account, _)) = account_by_id(connection, id)? else {
        return Ok(None);
    };
    read_chosen_target(connection, &mut account)?;
    Ok(Some(account))
}
