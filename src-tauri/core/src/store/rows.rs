//! Rows of `accounts.db`: from a value to its columns and back.
//!
//! The lists of an account have tables of their own, in `store/lists.rs`. What changes a row is in `store/change.rs`.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::fields::{self, cleaned};
use crate::account::{Account, AccountId, Cloud, GrantKey, Identity, SessionTimes};
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
pub(super) fn all_accounts(connection: &Connection) -> rusqlite::Result<Vec<(Account, Revisions)>> {
    let mut statement = connection.prepare(&format!("{ACCOUNT} ORDER BY position"))?;
    statement.query_map([], account)?.collect()
}

/// As `all_accounts`, of the accounts that changed after a change.
pub(super) fn accounts_changed_since(
    connection: &Connection,
    revision: i64,
) -> rusqlite::Result<Vec<(Account, Revisions)>> {
    // Without the name of the index, SQLite passes through every account to spare the sorting.
    let mut statement = connection.prepare_cached(&format!(
        "{ACCOUNT} INDEXED BY account_revision WHERE revision > ? ORDER BY position"
    ))?;
    statement.query_map([revision], account)?.collect()
}

/// The accounts that have a text, in lower case, in what they can be found by; as `all_accounts`.
pub(super) fn accounts_with_text(
    connection: &Connection,
    text: &str,
) -> rusqlite::Result<Vec<Account>> {
    let mut statement = connection.prepare(&format!(
        "{ACCOUNT} WHERE id IN (SELECT value FROM json_each(?)) ORDER BY position"
    ))?;
    let rows = statement.query_map([ids_with_text(connection, text)?], account)?;
    rows.map(|row| Ok(row?.0)).collect()
}

/// The ids of the accounts that `accounts_with_text` finds, as a JSON list, in no order.
pub(super) fn ids_with_text(connection: &Connection, text: &str) -> rusqlite::Result<String> {
    let mut statement = connection.prepare("SELECT account, text FROM account_text")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        // SQLite's `instr` takes six times as long to look through a text.
        if row.get_ref("text")?.as_str()?.contains(text) {
            found.push(row.get::<_, String>("account")?);
        }
    }
    Ok(as_json(&found))
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

pub(super) fn times(
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
pub(super) fn shown(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    Ok(row.get::<_, Option<String>>(column)?.map(cleaned))
}

pub(super) fn required_time(row: &Row<'_>, id: &str, column: &str) -> rusqlite::Result<Timestamp> {
    time(row, id, column)?.ok_or_else(|| unfit(id, column))
}

pub(super) fn time(row: &Row<'_>, id: &str, column: &str) -> rusqlite::Result<Option<Timestamp>> {
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

pub(super) fn optional_json<T: DeserializeOwned>(
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
