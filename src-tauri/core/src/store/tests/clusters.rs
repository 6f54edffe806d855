//! The clusters of environments in `accounts.db`, which another program may have written to.

use rusqlite::Connection;

use super::{Folder, azure, put};
use crate::account::Account;
use crate::cluster::Cluster;
use crate::environment::{EnvironmentName, NamedEnvironment};
use crate::error::Code;

pub(super) fn cluster(context: &str, account: &Account) -> Cluster {
    Cluster {
        context: context.to_owned(),
        account: account.id.clone(),
        owner: None,
        eks_name: None,
        region: None,
        server_id: Some("6dae42f8-4368-4678-94ff-3960e28e3630".to_owned()),
        server: "https://shop.hcp.westeurope.azmk8s.io:443".to_owned(),
        authority: None,
        tls_server_name: Some("shop".to_owned()),
        proxy: Some("http://proxy.example:3128".to_owned()),
        namespace: Some("team-a".to_owned()),
    }
}

#[tokio::test]
async fn a_cluster_that_would_lead_a_token_elsewhere_is_not_read() {
    let folder = Folder::new();
    let (store, account) = (folder.store(), azure("a"));
    put(&store, &account).await.expect("written");
    let name = EnvironmentName::parse("dev").expect("a name");
    let mut named = NamedEnvironment::new(name.clone(), account.connected_at);
    named.put_cluster(cluster("shop", &account));
    store
        .change(|change| change.put_environment(&name, &named))
        .await
        .expect("written");
    let connection = Connection::open(store.path()).expect("a database");
    // On Windows the journal of an open store cannot be deleted, as another program's change of the file would do.
    drop(store);
    for (column, value, is_taken) in [
        ("server", "https://ada:secret@elsewhere.example", true),
        ("server", "http://elsewhere.example", false),
        ("proxy", "file:///etc/passwd", true),
        ("context", "a\u{1b}[31m", true),
        ("account", "nobody", true),
    ] {
        let set = format!("UPDATE environment_cluster SET {column} = ?");
        let kept: String = connection
            .query_row(
                &format!("SELECT {column} FROM environment_cluster"),
                [],
                |row| row.get(0),
            )
            .expect("a row");
        let set_to = connection.execute(&set, [value]);
        assert_eq!(set_to.is_ok(), is_taken, "{value}: {set_to:?}");
        if is_taken {
            let error = folder.store().environment("dev").expect_err(value);
            assert_eq!(error.code(), Code::StorageUnreadable);
            assert!(error.message().contains("a cluster of dev"), "{error}");
            connection.execute(&set, [kept]).expect("set");
        }
    }
}
