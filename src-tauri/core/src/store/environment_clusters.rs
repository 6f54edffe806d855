//! The clusters of environments in `accounts.db`: their rows, as part of an environment's.

use rusqlite::{Connection, Row, params};

use super::rows::unfit;
use crate::account::AccountId;
use crate::cluster::Cluster;
use crate::environment::EnvironmentName;

/// The clusters of an environment, in the user's order.
pub(super) fn read(
    connection: &Connection,
    environment: i64,
    name: &EnvironmentName,
) -> rusqlite::Result<Vec<Cluster>> {
    let mut statement = connection.prepare_cached(
        "SELECT context, account, owner, eks_name, region, server_id, server, authority, tls_server_name, proxy, \
         namespace FROM environment_cluster WHERE environment = ? ORDER BY place",
    )?;
    let rows = statement.query_map([environment], |columns| row(columns, name))?;
    rows.collect()
}

fn row(row: &Row<'_>, name: &EnvironmentName) -> rusqlite::Result<Cluster> {
    let id: String = row.get("account")?;
    let cluster = Cluster {
        context: row.get("context")?,
        account: AccountId::parse(&id).ok_or_else(|| unfit(name.as_str(), "a cluster"))?,
        owner: row.get("owner")?,
        eks_name: row.get("eks_name")?,
        region: row.get("region")?,
        server_id: row.get("server_id")?,
        server: row.get("server")?,
        authority: row.get("authority")?,
        tls_server_name: row.get("tls_server_name")?,
        proxy: row.get("proxy")?,
        namespace: row.get("namespace")?,
    };
    // It becomes a file that leads kubectl to a server.
    let checked = cluster.check();
    checked.map_err(|_| unfit(name.as_str(), "a cluster"))?;
    Ok(cluster)
}

/// Adds the clusters of an environment that has none yet.
pub(super) fn write(
    connection: &Connection,
    environment: i64,
    clusters: &[Cluster],
) -> rusqlite::Result<()> {
    for (place, cluster) in clusters.iter().enumerate() {
        connection.execute(
            "INSERT INTO environment_cluster (environment, place, context, account, owner, eks_name, region, server_id, \
             server, authority, tls_server_name, proxy, namespace) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                environment,
                i64::try_from(place).unwrap_or(i64::MAX),
                cluster.context,
                cluster.account.as_str(),
                cluster.owner,
                cluster.eks_name,
                cluster.region,
                cluster.server_id,
                cluster.server,
                cluster.authority,
                cluster.tls_server_name,
                cluster.proxy,
                cluster.namespace,
            ],
        )?;
    }
    Ok(())
}
