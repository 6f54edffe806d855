//! Rows of `accounts.db`: from a value to its columns and back. Changes are defined elsewhere.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fields::{self, cleaned};
use crate::account::{
    Account, AccountId, Cloud, GrantKey, Identity, OfferedTenant, OrganizationAccount,
    ResourceSession, SessionTimes, Target,
};
use crate::resource::Identifier;
use crate::role::{PendingRole, TypedKeys};

/// An account with the numbers of its last changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Revisions {
    pub(super) row: i64,
    pub(super) lists: i64,
}

const ACCOUNT: &str = "SELECT id, grant_key, identity, custom_name, colour, starred, target, targets_read_at, \
     targets_error, targets_change, missing_scopes, session_issued_at, session_expires_at, sign_in_end, \
     renewal_failure, generation, connected_at, used_at, revision, lists_revision FROM account";

/// The accounts in the order of their connection, each without its lists.
pub(super) fn accounts_changed_since(
    connection: &Connection,
    revision: i64,
) -> rusqlite::Result<Vec<(Account, Revisions)>> {
    let mut statement =
        connection.prepare_cached(&format!("{ACCOUNT} WHERE revision > ? ORDER BY position"))?;
    statement.query_map([revision], account)?.collect()
}

/// One account without its lists.
pub(super) fn account_by_id(
    connection: &Connection,
    id: &AccountId,
) -> rusqlite::Result<Option<(Account, Revisions)>> {
    let mut statement = connection.prepare_cached(&format!("{ACCOUNT} WHERE id = ?"))?;
    statement.query_row([id.as_str()], account).optional()
}

/// The accounts of a grant, or with a label in lower case, without their lists.
pub(super) fn accounts_where(
    connection: &Connection,
    column: &str,
    value: &str,
) -> rusqlite::Result<Vec<Account>> {
    let mut statement =
        connection.prepare_cached(&format!("{ACCOUNT} WHERE {column} = ? ORDER BY position"))?;
    let rows = statement.query_map([value], account)?;
    rows.map(|row| Ok(row?.0)).collect()
}

fn account(row: &Row<'_>) -> rusqlite::Result<(Account, Revisions)> {
    let id: String = row.get("id")?;
    let grant: String = row.get("grant_key")?;
    let key = AccountId::parse(&id).ok_or_else(|| unfit(&id, "id"))?;
    let account = Account {
        grant: GrantKey::parse(&grant).ok_or_else(|| unfit(&id, "grant_key"))?,
        identity: json::<Identity>(row, &id, "identity")?
            .read_back()
            .ok_or_else(|| unfit(&id, "identity"))?,
        id: key,
        custom_name: shown(row, "custom_name")?,
        colour: shown(row, "colour")?,
        starred: row.get("starred")?,
        targets: Vec::new(),
        targets_read_at: time(row, &id, "targets_read_at")?,
        targets_error: optional_json(row, &id, "targets_error")?,
        targets_change: optional_json(row, &id, "targets_change")?,
        target: shown(row, "target")?,
        pinned: Vec::new(),
        offered: Vec::new(),
        organization: Vec::new(),
        missing_scopes: json(row, &id, "missing_scopes")?,
        session: times(row, &id, "session_issued_at", "session_expires_at")?,
        sign_in_end: optional_json(row, &id, "sign_in_end")?,
        renewal_failure: optional_json(row, &id, "renewal_failure")?,
        resources: Vec::new(),
        generation: row.get::<_, i64>("generation")?.cast_unsigned(),
        connected_at: required_time(row, &id, "connected_at")?,
        used_at: time(row, &id, "used_at")?,
    };
    let revisions = Revisions {
        row: row.get("revision")?,
        lists: row.get("lists_revision")?,
    };
    Ok((account, revisions))
}

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

/// Reads the target that is chosen, and no other.
pub(super) fn read_chosen_target(
    connection: &Connection,
    account: &mut Account,
) -> rusqlite::Result<()> {
    let Some(chosen) = &account.target else {
        return Ok(());
    };
    let mut statement = connection.prepare_cached(
        "SELECT id, name, state, parent FROM target WHERE account = ? AND id = ? ORDER BY position LIMIT 1",
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
    // The order of the join is fixed: a look into the index for each account, and no pass through every target.
    let mut statement = connection.prepare(
        "SELECT target.account, target.id, target.name, target.state, target.parent FROM account CROSS JOIN target \
         ON target.account = account.id AND target.id = account.target ORDER BY account.position, target.position",
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

fn target(row: &Row<'_>) -> rusqlite::Result<Target> {
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

/// Writes an account's own row.
pub(super) fn write_account(
    connection: &Connection,
    account: &Account,
    revisions: Revisions,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO account (id, cloud, grant_key, identity, label, custom_name, colour, starred, target, \
         targets_read_at, targets_error, targets_change, missing_scopes, session_issued_at, session_expires_at, \
         sign_in_end, renewal_failure, generation, connected_at, used_at, revision, lists_revision) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22) \
         ON CONFLICT (id) DO UPDATE SET grant_key = ?3, identity = ?4, label = ?5, custom_name = ?6, colour = ?7, \
         starred = ?8, target = ?9, targets_read_at = ?10, targets_error = ?11, targets_change = ?12, \
         missing_scopes = ?13, session_issued_at = ?14, session_expires_at = ?15, sign_in_end = ?16, \
         renewal_failure = ?17, generation = ?18, connected_at = ?19, used_at = ?20, revision = ?21, lists_revision = ?22",
    )?;
    let session = account.session;
    statement.execute(params![
        account.id.as_str(),
        account.cloud().as_str(),
        account.grant.as_str(),
        as_json(&account.identity),
        account.identity.label().to_ascii_lowercase(),
        account.custom_name,
        account.colour,
        account.starred,
        account.target,
        account.targets_read_at.map(as_text),
        account.targets_error.as_ref().map(as_json),
        account.targets_change.as_ref().map(as_json),
        as_json(&account.missing_scopes),
        session.map(|session| as_text(session.issued_at)),
        session.map(|session| as_text(session.expires_at)),
        account.sign_in_end.as_ref().map(as_json),
        account.renewal_failure.as_ref().map(as_json),
        account.generation.cast_signed(),
        as_text(account.connected_at),
        account.used_at.map(as_text),
        revisions.row,
        revisions.lists,
    ])?;
    Ok(())
}

/// Writes the names and texts that an account can be found by.
pub(super) fn write_names(connection: &Connection, account: &Account) -> rusqlite::Result<()> {
    let id = account.id.as_str();
    connection
        .prepare_cached("DELETE FROM account_name WHERE account = ?")?
        .execute([id])?;
    let mut statement = connection
        .prepare_cached("INSERT OR IGNORE INTO account_name (name, account) VALUES (?, ?)")?;
    for name in account.names() {
        statement.execute([name.as_str(), id])?;
    }
    connection
        .prepare_cached("INSERT OR REPLACE INTO account_text (account, text) VALUES (?, ?)")?
        .execute([id, account.found_by().as_str()])?;
    Ok(())
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

/// The account in use in each cloud.
pub(super) fn active(connection: &Connection) -> rusqlite::Result<Vec<(Cloud, AccountId)>> {
    let mut statement = connection.prepare_cached("SELECT cloud, account FROM active")?;
    let rows = statement.query_map([], |row| {
        let (cloud, account): (String, String) = (row.get(0)?, row.get(1)?);
        let cloud = Cloud::ALL.into_iter().find(|known| known.as_str() == cloud);
        let cloud = cloud.ok_or_else(|| unfit(&account, "cloud"))?;
        Ok((
            cloud,
            AccountId::parse(&account).ok_or_else(|| unfit(&account, "account"))?,
        ))
    })?;
    rows.collect()
}

/// The connections that wait for their role, the oldest first.
pub(super) fn pending_roles(connection: &Connection) -> rusqlite::Result<Vec<PendingRole>> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM pending_role ORDER BY position")?;
    let rows = statement.query_map([], |row| {
        let external_id: String = row.get("external_id")?;
        let role = PendingRole {
            source: row
                .get::<_, String>("source")?
                .parse()
                .map_err(|_| unfit(&external_id, "source"))?,
            principal_arn: row.get("principal_arn")?,
            role_name: row.get("role_name")?,
            permissions: json(row, &external_id, "permissions")?,
            session_seconds: row.get("session_seconds")?,
            made_at: required_time(row, &external_id, "made_at")?,
            external_id,
        };
        let fits = fields::is_pending_role(&role);
        fits.then_some(role)
            .ok_or_else(|| unfit("a pending role", "a name"))
    })?;
    rows.collect()
}

/// Adds a connection that waits for its role, or replaces it.
pub(super) fn write_pending_role(
    connection: &Connection,
    role: &PendingRole,
) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM pending_role WHERE external_id = ?",
        [&role.external_id],
    )?;
    connection.execute(
        "INSERT INTO pending_role (external_id, source, principal_arn, role_name, permissions, session_seconds, made_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            role.external_id,
            role.source.to_string(),
            role.principal_arn,
            role.role_name,
            as_json(&role.permissions),
            role.session_seconds,
            as_text(role.made_at),
        ],
    )?;
    Ok(())
}

/// The names of the access keys in the keychain, the oldest first.
pub(super) fn access_keys(connection: &Connection) -> rusqlite::Result<Vec<TypedKeys>> {
    let mut statement = connection.prepare_cached("SELECT * FROM access_keys ORDER BY position")?;
    let rows = statement.query_map([], |row| {
        let access_key_id: String = row.get("access_key_id")?;
        let keys = TypedKeys {
            arn: row.get("arn")?,
            added_at: required_time(row, &access_key_id, "added_at")?,
            access_key_id,
        };
        let fits = fields::is_access_keys(&keys);
        fits.then_some(keys)
            .ok_or_else(|| unfit("access keys", "a name"))
    })?;
    rows.collect()
}

/// Adds the name of access keys, or replaces it.
pub(super) fn write_access_keys(connection: &Connection, keys: &TypedKeys) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM access_keys WHERE access_key_id = ?",
        [&keys.access_key_id],
    )?;
    connection.execute(
        "INSERT INTO access_keys (access_key_id, arn, added_at) VALUES (?, ?, ?)",
        params![keys.access_key_id, keys.arn, as_text(keys.added_at)],
    )?;
    Ok(())
}

fn times(
    row: &Row<'_>,
    id: &str,
    issued_at: &str,
    expires_at: &str,
) -> rusqlite::Result<Option<SessionTimes>> {
    let (issued_at, expires_at) = (time(row, id, issued_at)?, time(row, id, expires_at)?);
    let both = issued_at.zip(expires_at);
    Ok(both.map(|(issued_at, expires_at)| SessionTimes {
        issued_at,
        expires_at,
    }))
}

/// A text that is only shown.
fn shown(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    Ok(row.get::<_, Option<String>>(column)?.map(cleaned))
}

pub(super) fn required_time(row: &Row<'_>, id: &str, column: &str) -> rusqlite::Result<Timestamp> {
    time(row, id, column)?.ok_or_else(|| unfit(id, column))
}

fn time(row: &Row<'_>, id: &str, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| text.parse().map_err(|_| unfit(id, column)))
        .transpose()
}

pub(super) fn json<T: DeserializeOwned>(
    row: &Row<'_>,
    id: &str,
    column: &str,
) -> rusqlite::Result<T> {
    optional_json(row, id, column)?.ok_or_else(|| unfit(id, column))
}

fn optional_json<T: DeserializeOwned>(
    row: &Row<'_>,
    id: &str,
    column: &str,
) -> rusqlite::Result<Option<T>> {
    let text = row.get_ref(column)?.as_str_or_null()?;
    text.map(|text| serde_json::from_str(text).map_err(|_| unfit(id, column)))
        .transpose()
}

pub(super) fn as_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain fields serialise")
}

pub(super) fn as_text(time: Timestamp) -> String {
    time.to_string()
}

/// A value that no version of this app writes.
pub(super) fn unfit(id: &str, column: &str) -> rusqlite::Error {
    let what = format!("{column} of {}", crate::text::shown(id));
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, what.into())
}
