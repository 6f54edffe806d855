//! The tables of `accounts.db` and the steps from each version to the next.
//!
//! A database records its version (`user_version`) and that it is ours (`application_id`). A released step never
//! changes: a new version adds a step.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::Problem;

/// "mcm1" in ASCII: the database is ours.
const APPLICATION_ID: i32 = 0x6d63_6d31;

/// The steps, the first from an empty database to version 1.
const STEPS: [&str; 7] = [
    include_str!("schema/1_accounts.sql"),
    include_str!("schema/2_intents.sql"),
    include_str!("schema/3_activity.sql"),
    include_str!("schema/4_activity_chain.sql"),
    include_str!("schema/5_identity_center.sql"),
    include_str!("schema/6_environments.sql"),
    include_str!("schema/7_environment_clusters.sql"),
];

/// The version that this build writes, and the newest that it reads.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// Whether the database is ours and up to date.
///
/// # Errors
/// `Problem::Newer` and `Problem::NotOurs`; those of the database, also when the file is not a database.
pub(super) fn is_current(connection: &Connection) -> Result<bool, Problem> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("application_id")? != i64::from(APPLICATION_ID) {
        return Err(Problem::NotOurs);
    }
    let version = pragma("user_version")?;
    if version > i64::from(VERSION) {
        return Err(Problem::Newer(version));
    }
    Ok(version == i64::from(VERSION))
}

/// Creates the tables in an empty database.
///
/// # Errors
/// Those of the database.
pub(super) fn create(connection: &mut Connection) -> Result<(), Problem> {
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    take_steps(&transaction, 0)?;
    Ok(transaction.commit()?)
}

/// Migrates an older database of ours to this version, in one transaction.
///
/// # Errors
/// Those of `is_current`.
pub(super) fn update(connection: &mut Connection) -> Result<(), Problem> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it since we looked.
    if !is_current(&transaction)? {
        let version =
            transaction.pragma_query_value(None, "user_version", |row| row.get::<_, u32>(0))?;
        take_steps(&transaction, version)?;
    }
    Ok(transaction.commit()?)
}

fn take_steps(transaction: &Transaction<'_>, version: u32) -> rusqlite::Result<()> {
    for step in STEPS.iter().skip(version as usize) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)
}

#[cfg(test)]
pub(super) fn create_version(connection: &Connection, version: u32) {
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .expect("set");
    for step in STEPS.iter().take(version as usize) {
        connection.execute_batch(step).expect("a step");
    }
    connection
        .pragma_update(None, "user_version", version)
        .expect("set");
}
