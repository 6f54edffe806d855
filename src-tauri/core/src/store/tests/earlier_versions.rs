//! Databases of other versions, and the `accounts.json` before them.

use super::*;

#[tokio::test]
async fn a_database_of_a_newer_version_is_never_written() {
    let folder = Folder::new();
    put(&folder.store(), &azure("a")).await.expect("written");
    let connection = Connection::open(folder.store().path()).expect("a database");
    connection
        .pragma_update(None, "user_version", 99)
        .expect("set");
    drop(connection);
    let before = fs::read(folder.store().path()).expect("readable");
    let error = put(&folder.store(), &azure("b"))
        .await
        .expect_err("not ours to write");
    assert_eq!(error.code(), Code::StorageUnreadable);
    assert!(error.message().contains("newer version"), "{error}");
    assert_eq!(
        folder.store().read().expect_err("newer").message(),
        error.message()
    );
    assert_eq!(fs::read(folder.store().path()).expect("readable"), before);
    assert!(Look::open(&folder.store()).is_none());
}

#[tokio::test]
async fn every_earlier_version_is_migrated_and_keeps_its_data() {
    for version in 1..=schema::VERSION {
        let folder = Folder::new();
        let store = folder.store();
        let connection = Connection::open(store.path()).expect("a database");
        schema::create_version(&connection, version);
        let account = azure("a");
        rows::write_account(&connection, &account, Revisions { row: 1, lists: 1 })
            .expect("written");
        rows::write_names(&connection, &account).expect("written");
        if version >= ENVIRONMENTS_SINCE {
            let created = "INSERT INTO environment (name, protected, exclusive, minutes, created_at) VALUES ('dev', 1, 0, 60, ?)";
            let now = rows::as_text(account.connected_at);
            connection.execute(created, [now]).expect("written");
            let member = "INSERT INTO environment_member (environment, cloud, account, account_name) VALUES (1, 'azure', ?, 'A')";
            connection
                .execute(member, [account.id.as_str()])
                .expect("written");
        }
        drop(connection);
        assert!(version == schema::VERSION || Look::open(&store).is_none());
        assert_eq!(
            *store.read().expect("updated").accounts[0],
            account,
            "from version {version}"
        );
        assert!(Look::open(&store).is_some());
        put(&store, &azure("b")).await.expect("written");
        assert_eq!(ids(&store).len(), 2);
        let known = store.environment("dev").expect("readable");
        assert_eq!(
            known.is_some(),
            version >= ENVIRONMENTS_SINCE,
            "from version {version}"
        );
        let Some(mut known) = known else { continue };
        assert!(
            known.settings.is_protected && known.members.len() == 1 && known.clusters.is_empty()
        );
        known.put_cluster(cluster("shop", &account));
        known.put_cluster(cluster("search", &account));
        let name = known.name.clone();
        store
            .change(|change| change.put_environment(&name, &known))
            .await
            .expect("written");
        assert_eq!(store.environment("dev").expect("readable"), Some(known));
    }
}

const LEGACY: &str = r#"{"version":1,"revision":7,"accounts":[{"id":"ID","grant":"GRANT",
    "identity":{"cloud":"azure","home":"a","tenantId":"tenant-of-a","tenantName":"Contoso a","defaultDomain":null,
    "username":"a@contoso.example"},"customName":"Work","colour":"blue","starred":true,
    "targets":[{"id":"one","name":"One","state":"Enabled","parent":null}],"target":"one",
    "session":{"issuedAt":"2026-11-24T10:00:00Z","expiresAt":"2026-11-24T11:00:00Z"},
    "trouble":{"error":{"code":"offline","message":"No network.","reference":"r"},"at":"2026-11-24T11:00:00Z",
    "notBefore":"2026-11-24T11:05:00Z","attempts":2,"challenge":null},
    "resources":[{"resource":"https://graph.microsoft.com","session":null,"trouble":null}],
    "generation":9007199254740991,"connectedAt":"2026-11-01T00:00:00Z"}],"active":{"azure":"ID"},
    "pendingRoles":[{"externalId":"mcm-0","source":"default","principalArn":"arn","roleName":"R",
    "madeAt":"2026-11-01T00:00:00Z"}],"accessKeys":[{"accessKeyId":"AKIAIOSFODNN7EXAMPLE","arn":"arn",
    "addedAt":"2026-11-01T00:00:00Z"}],"leftBehind":[{"account":"azure-0123456789ab",
    "resource":"https://vault.azure.net"}]}"#;

fn legacy() -> String {
    let account = azure("a");
    LEGACY
        .replace("ID", account.id.as_str())
        .replace("AKazure", "AKIA")
        .replace("GRANT", account.grant.as_str())
}

#[tokio::test]
async fn accounts_json_becomes_the_database_and_is_kept_unchanged() {
    let folder = Folder::new();
    file::replace(&folder.path("accounts.json"), legacy().as_bytes()).expect("written");
    assert!(
        Look::open(&folder.store()).is_none(),
        "a look changes nothing"
    );
    // As many processes as there are, at once.
    let read: Vec<_> = std::thread::scope(|scope| {
        let started: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| folder.store().read().expect("readable")))
            .collect();
        started
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    for all in &read {
        let [account] = all.accounts.as_slice() else {
            panic!("{all:?}")
        };
        assert_eq!(
            (account.name().as_str(), account.starred, account.generation),
            ("Work", true, 9_007_199_254_740_991)
        );
        assert_eq!((account.targets.len(), account.resources.len()), (1, 1));
        assert_eq!(
            account
                .renewal_failure
                .as_ref()
                .map(|failure| failure.attempts),
            Some(2)
        );
        assert!(all.is_active(account));
        assert_eq!((all.pending_roles.len(), all.access_keys.len()), (1, 1));
    }
    let kept = fs::read(folder.path("accounts.json.migrated")).expect("kept");
    assert_eq!(kept, legacy().as_bytes());
    assert!(!folder.path("accounts.json").exists());
    let noted = folder.store().intents(None).expect("readable");
    assert_eq!(noted.len(), 1, "a session of a removed account: {noted:?}");
    // One that an earlier version writes later is not ours to read.
    file::replace(&folder.path("accounts.json"), b"{}").expect("written");
    assert_eq!(ids(&folder.store()).len(), 1);
    // It is put aside by the next change, also of a process that has the database open.
    let store = folder.store();
    assert_eq!(ids(&store).len(), 1);
    put(&store, &azure("b")).await.expect("written");
    assert!(!folder.path("accounts.json").exists());
}

#[tokio::test]
async fn an_accounts_json_that_cannot_be_read_is_named_and_kept_when_an_account_is_stored() {
    let with_path = legacy().replace(azure("a").grant.as_str(), "../../../x");
    for damage in [
        "",
        "{\"version\":1,\"acc",
        "not JSON",
        "[]",
        "{\"version\":1}",
        with_path.as_str(),
    ] {
        let folder = Folder::new();
        file::replace(&folder.path("accounts.json"), damage.as_bytes()).expect("written");
        let error = folder.store().read().expect_err(damage);
        assert_eq!(error.code(), Code::StorageUnreadable, "{damage:?}");
        assert!(error.message().contains("accounts.json"), "{error}");
        assert!(!folder.store().path().exists());
        put(&folder.store(), &azure("b"))
            .await
            .expect("goes on beside it");
        let kept = fs::read(folder.path("accounts.json.kept-1")).expect("kept");
        assert_eq!(kept, damage.as_bytes());
    }
    let folder = Folder::new();
    let newer = br#"{"version":2,"accounts":{"shape":"unknown"}}"#;
    file::replace(&folder.path("accounts.json"), newer).expect("written");
    let error = put(&folder.store(), &azure("a"))
        .await
        .expect_err("not ours to write");
    assert!(error.message().contains("newer version"), "{error}");
    assert_eq!(
        fs::read(folder.path("accounts.json")).expect("there"),
        newer
    );
}
