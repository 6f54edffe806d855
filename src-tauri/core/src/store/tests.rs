//! The store through its public interface: what is written is read, and a faulty file is reported and not changed.

mod clusters;

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;

use self::clusters::cluster;
use super::*;
use crate::account::{Identity, OfferedTenant, SessionTimes, Target};
use crate::activity::{ActivityEvent, ActivityKind};
use crate::error::{Code, Error};
use crate::resource::Identifier;

fn azure(home: &str) -> Account {
    let identity = Identity::Azure {
        home: home.into(),
        tenant_id: format!("tenant-of-{home}"),
        tenant_name: Some(format!("Contoso {home}")),
        default_domain: None,
        username: format!("{home}@contoso.example"),
    };
    Account::new(identity, Timestamp::UNIX_EPOCH)
}

fn target(id: &str) -> Target {
    Target {
        id: id.into(),
        name: format!("Name of {id}"),
        state: None,
        parent: Some("root".into()),
    }
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn store(&self) -> Store {
        Store::in_folder(self.0.path())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

async fn put(store: &Store, account: &Account) -> Result<()> {
    store.change(|change| change.put(account)).await
}

fn ids(store: &Store) -> Vec<AccountId> {
    let all = store.read().expect("readable");
    all.accounts
        .iter()
        .map(|account| account.id.clone())
        .collect()
}

#[tokio::test]
async fn what_is_written_is_read_back_completely() {
    let folder = Folder::new();
    let store = folder.store();
    assert_eq!(
        *store.read().expect("no file means no account"),
        Accounts::default()
    );
    assert!(!store.path().exists(), "reading makes no file");
    let mut account = azure("a");
    account.targets = vec![target("one"), target("two")];
    account.target = Some("two".into());
    account.session = Some(SessionTimes {
        issued_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::MIN,
    });
    let graph = Identifier::parse("https://graph.microsoft.com").expect("an identifier");
    account.resource_mut(&graph).session = account.session;
    put(&store, &account).await.expect("written");
    let other = folder.store();
    assert_eq!(*other.read().expect("readable").accounts[0], account);
    assert_eq!(
        other.account(&account.id).expect("readable").as_deref(),
        Some(&account)
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(store.path())
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_failed_edit_writes_nothing() {
    let folder = Folder::new();
    let store = folder.store();
    put(&store, &azure("a")).await.expect("written");
    let before = fs::read(store.path()).expect("readable");
    let refused = store.change::<()>(|change| {
        change.remove(&azure("a").id)?;
        Err(Error::new(Code::NotFound, "No."))
    });
    refused.await.expect_err("refused");
    store
        .change(|change| change.account(&azure("a").id))
        .await
        .expect("read");
    assert_eq!(fs::read(store.path()).expect("readable"), before);
    assert_eq!(ids(&store).len(), 1);
}

#[tokio::test]
async fn only_the_changes_of_another_process_are_read() {
    let folder = Folder::new();
    let (ours, theirs) = (folder.store(), folder.store());
    for home in ["a", "b", "c"] {
        put(&ours, &azure(home)).await.expect("written");
    }
    let before = theirs.read().expect("readable");
    assert_eq!(before.accounts.len(), 3);
    let edit = |account: &mut Account| {
        account.custom_name = Some("Renamed".into());
        account.targets.push(target("new"));
        Ok(())
    };
    let edited = ours
        .change(|change| change.edit(&azure("b").id, edit))
        .await;
    edited.expect("written").expect("there");
    let after = theirs.read().expect("readable");
    assert_eq!(after.accounts[1].name(), "Renamed");
    assert_eq!(after.accounts[1].targets.len(), 1);
    assert!(
        Arc::ptr_eq(&before.accounts[0], &after.accounts[0]),
        "what did not change is shared"
    );
    ours.change(|change| change.remove(&azure("a").id))
        .await
        .expect("written");
    assert_eq!(ids(&theirs), [azure("b").id, azure("c").id]);
    assert_eq!(
        *theirs.read().expect("readable"),
        *folder.store().read().expect("readable")
    );
}

#[tokio::test]
async fn an_account_is_found_by_its_id_its_name_or_a_part_of_it() {
    let folder = Folder::new();
    let store = folder.store();
    for home in ["ada", "adam", "eve"] {
        put(&store, &azure(home)).await.expect("written");
    }
    let named = |name: &str| store.resolve(name).map(|account| account.id);
    assert_eq!(
        named(azure("eve").id.as_str()).expect("by its id"),
        azure("eve").id
    );
    assert_eq!(
        named("contoso ADA").expect("by its exact name"),
        azure("ada").id
    );
    assert_eq!(named("ve@").expect("by a part"), azure("eve").id);
    assert_eq!(named("nobody").expect_err("no one").code(), Code::NotFound);
    let several = named("contoso").expect_err("three");
    assert_eq!(several.code(), Code::Ambiguous);
    assert!(
        several.message().contains(azure("adam").id.as_str()),
        "{several}"
    );
    let look = Look::open(&store).expect("a database");
    assert_eq!(
        look.account("contoso ada").map(|account| account.id),
        Some(azure("ada").id)
    );
    assert_eq!(look.account("contoso"), None);
}

#[tokio::test]
async fn a_name_that_is_also_a_target_of_another_account_names_neither() {
    let folder = Folder::new();
    let store = folder.store();
    let mut ours = azure("ada");
    ours.targets = vec![target("production")];
    let mut theirs = azure("eve");
    theirs.custom_name = Some("Contoso ada/production".into());
    put(&store, &ours).await.expect("written");
    let named = |name: &str| store.named(name).map(|account| account.id);
    assert_eq!(named("contoso ada/production").expect("a target"), ours.id);
    put(&store, &theirs).await.expect("written");
    for name in ["Contoso ada/production", " contoso ADA/PRODUCTION"] {
        let error = named(name).expect_err("two readings");
        assert_eq!(error.code(), Code::Ambiguous, "{error}");
        assert!(error.message().contains(ours.id.as_str()), "{error}");
        let look = Look::open(&store).expect("a database");
        assert_eq!(look.account(name), None);
    }
    assert_eq!(named(theirs.id.as_str()).expect("its id"), theirs.id);
    // A name that is the id of another account does not stand for it.
    theirs.custom_name = Some(ours.id.to_string());
    put(&store, &theirs).await.expect("written");
    assert_eq!(named(ours.id.as_str()).expect("its id"), ours.id);
}

#[tokio::test]
async fn a_removed_account_leaves_a_note_of_every_secret_until_that_is_removed() {
    let folder = Folder::new();
    let store = folder.store();
    let mut account = azure("a");
    let graph = Identifier::parse("https://graph.microsoft.com").expect("an identifier");
    account.resource_mut(&graph);
    put(&store, &account).await.expect("written");
    store
        .change(|change| change.set_active(Cloud::Azure, &account.id))
        .await
        .expect("written");
    store
        .change(|change| change.remove(&account.id))
        .await
        .expect("written");
    assert_eq!(store.read().expect("readable").active, BTreeMap::new());
    let noted = store.intents(None).expect("readable");
    assert_eq!(noted.len(), 3, "{noted:?}");
    assert!(noted.iter().all(|(_, is_needed)| !is_needed));
    put(&store, &account).await.expect("connected again");
    assert!(
        store
            .intents(Some(&account.grant))
            .expect("readable")
            .iter()
            .all(|(_, is_needed)| *is_needed)
    );
    // The account goes after a clean-up saw that it needs them.
    store
        .change(|change| change.remove(&account.id))
        .await
        .expect("written");
    let settle_if_needed = |change: &Change<'_>| {
        noted
            .iter()
            .try_for_each(|(intent, _)| change.settle_if_needed(intent))
    };
    store.change(settle_if_needed).await.expect("written");
    assert_eq!(store.intents(None).expect("readable"), noted);
    put(&store, &account).await.expect("connected again");
    store.change(settle_if_needed).await.expect("written");
    assert_eq!(store.intents(None).expect("readable"), []);
    store
        .change(|change| change.remove(&account.id))
        .await
        .expect("written");
    let settle = |change: &Change<'_>| {
        noted
            .iter()
            .try_for_each(|(intent, _)| change.settle(intent))
    };
    store.change(settle).await.expect("written");
    assert_eq!(store.intents(None).expect("readable"), []);
}

#[tokio::test]
async fn a_damaged_file_is_named_when_read_and_kept_when_an_account_is_stored() {
    let folder = Folder::new();
    let foreign = folder.path("foreign");
    Connection::open(&foreign)
        .and_then(|connection| connection.execute_batch("CREATE TABLE t (x)"))
        .expect("a database");
    for damage in [
        b"".to_vec(),
        b"not a database".to_vec(),
        vec![7; 9000],
        fs::read(&foreign).expect("readable"),
    ] {
        let folder = Folder::new();
        let store = folder.store();
        file::replace(store.path(), &damage).expect("written");
        let error = store.read().expect_err("damaged");
        assert_eq!(error.code(), Code::StorageUnreadable, "{error}");
        assert!(error.message().contains("accounts.db"), "{error}");
        assert_eq!(fs::read(store.path()).expect("there"), damage);
        put(&store, &azure("a")).await.expect("goes on beside it");
        assert_eq!(
            fs::read(folder.path("accounts.db.kept-1")).expect("kept"),
            damage
        );
        assert_eq!(ids(&store), [azure("a").id]);
    }
}

#[tokio::test]
async fn a_damaged_page_anywhere_is_called_damage_and_reading_changes_nothing() {
    let folder = Folder::new();
    for home in 0..40 {
        let mut account = azure(&home.to_string());
        account.targets = (0..40).map(|number| target(&number.to_string())).collect();
        put(&folder.store(), &account).await.expect("written");
    }
    let whole = fs::read(folder.store().path()).expect("readable");
    let page = 4096;
    assert_eq!(whole.len() % page, 0);
    let mut refused = 0;
    let mut check = |damaged: &[u8]| {
        let folder = Folder::new();
        file::replace(folder.store().path(), damaged).expect("written");
        match folder.store().read() {
            // SQLite has no checksums: a page may be damaged unseen.
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.code(), Code::StorageUnreadable, "{error}");
                refused += 1;
            }
        }
        let _ = folder.store().faults();
        let _ = Look::open(&folder.store()).and_then(|look| look.account("contoso 1"));
        assert_eq!(fs::read(folder.store().path()).expect("there"), damaged);
    };
    for at in (0..whole.len()).step_by(page) {
        for filling in [0, 0xaa] {
            let mut damaged = whole.clone();
            damaged[at + 8..at + page].fill(filling);
            check(&damaged);
        }
    }
    for length in [page, whole.len() / 2, whole.len() - page, whole.len() - 1] {
        check(&whole[..length]);
    }
    assert!(
        refused > whole.len() / page / 2,
        "{refused} were found: many pages are read"
    );
}

#[tokio::test]
async fn what_is_removed_or_replaced_leaves_nothing_in_the_raw_file() {
    let folder = Folder::new();
    let store = folder.store();
    let canary = |part: &str| format!("canary-{part}-{}", "x".repeat(60));
    for home in ["a", "b", "c"] {
        let mut account = azure(home);
        account.custom_name = Some(canary(home));
        // More than a page, so that whole pages are let go.
        account.targets = (0..200).map(|_| target(&canary(home))).collect();
        put(&store, &account).await.expect("written");
        let record = |change: &Change<'_>| {
            change.record(&account, Timestamp::UNIX_EPOCH, ActivityKind::Connected)
        };
        store.change(record).await.expect("written");
    }
    let holds = |part: &str| {
        let entries = fs::read_dir(folder.path("")).expect("readable");
        let needle = canary(part).into_bytes();
        entries.flatten().any(|entry| {
            let bytes = fs::read(entry.path()).expect("readable");
            bytes.windows(needle.len()).any(|window| window == needle)
        })
    };
    assert!(holds("a") && holds("b"), "the search finds what is there");
    let renamed = |account: &mut Account| {
        account.custom_name = None;
        account.targets.clear();
        Ok(())
    };
    let change = store.change(|change| change.edit(&azure("a").id, renamed));
    change.await.expect("written").expect("there");
    let removed = store.change(|change| change.remove(&azure("b").id));
    removed.await.expect("written").expect("there");
    store
        .change(|change| change.forget_activity())
        .await
        .expect("written");
    assert!(!holds("a") && !holds("b"));
    assert!(holds("c"), "what stands stays");
}

#[tokio::test]
async fn a_light_read_has_the_chosen_targets_and_no_other() {
    let folder = Folder::new();
    let store = folder.store();
    for (home, chosen) in [("a", Some("two")), ("b", None), ("c", Some("gone"))] {
        let mut account = azure(home);
        account.targets = vec![target("one"), target("two"), target("two")];
        account.target = chosen.map(Into::into);
        put(&store, &account).await.expect("written");
    }
    let light = store.read_without_lists().expect("readable");
    let targets: Vec<&[Target]> = light
        .iter()
        .map(|account| account.targets.as_slice())
        .collect();
    assert_eq!(targets, [&[target("two")][..], &[], &[]]);
    for account in light.iter() {
        let alone = store.account_without_lists(&account.id).expect("readable");
        assert_eq!(alone.as_ref(), Some(account));
        let labelled = store.with_label(&account.identity.label().to_uppercase());
        assert_eq!(labelled.expect("readable"), vec![account.clone()]);
    }
}

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

/// The version with the first environments.
const ENVIRONMENTS_SINCE: u32 = 6;

#[tokio::test]
async fn a_value_that_no_version_writes_is_named_and_not_used() {
    let folder = Folder::new();
    put(&folder.store(), &azure("a")).await.expect("written");
    for (column, value) in [
        ("identity", "{}"),
        (
            "identity",
            r#"{"cloud":"azure","home":"a","tenantId":"../x?","tenantName":null,"defaultDomain":null,"username":"a"}"#,
        ),
        ("connected_at", "soon"),
        ("renewal_failure", "{}"),
    ] {
        let connection = Connection::open(folder.store().path()).expect("a database");
        let kept: Option<String> = connection
            .query_row(&format!("SELECT {column} FROM account"), [], |row| {
                row.get(0)
            })
            .expect("a row");
        let set = format!("UPDATE account SET {column} = ?");
        connection.execute(&set, [value]).expect("set");
        let error = folder.store().read().expect_err(column);
        assert_eq!(error.code(), Code::StorageUnreadable);
        assert!(
            error.message().contains(column) && error.message().contains(azure("a").id.as_str()),
            "{error}"
        );
        connection.execute(&set, [kept]).expect("set");
    }
    let connection = Connection::open(folder.store().path()).expect("a database");
    for (column, value) in [
        ("grant_key", "../../../x"),
        ("id", "azure-../../../x"),
        ("cloud", "gcp"),
    ] {
        let set = format!("UPDATE account SET {column} = ?");
        connection
            .execute(&set, [value])
            .expect_err("the table refuses it");
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

#[tokio::test]
async fn anything_but_a_file_is_refused_at_once() {
    let folder = Folder::new();
    fs::create_dir(folder.store().path()).expect("a folder in its place");
    let error = folder.store().read().expect_err("no file");
    assert_eq!(error.code(), Code::StorageFailed);
    assert!(error.message().contains("accounts.db"), "{error}");
    put(&folder.store(), &azure("a"))
        .await
        .expect_err("no file");
}

#[cfg(unix)]
#[test]
fn a_pipe_instead_of_a_file_is_refused_without_waiting() {
    for name in ["accounts.db", "accounts.json"] {
        let folder = Folder::new();
        let made = std::process::Command::new("mkfifo")
            .arg(folder.path(name))
            .status();
        assert!(made.expect("coreutils").success());
        let error = folder.store().read().expect_err("a pipe");
        assert_eq!(error.code(), Code::StorageFailed, "{error}");
    }
}

// Other systems keep an open database in place (`open::id_of`).
#[cfg(unix)]
#[tokio::test]
async fn a_database_that_is_replaced_is_opened_again() {
    let folder = Folder::new();
    let store = folder.store();
    put(&store, &azure("a")).await.expect("written");
    let backup = fs::read(store.path()).expect("readable");
    put(&store, &azure("b")).await.expect("written");
    assert_eq!(ids(&store).len(), 2);
    file::replace(store.path(), &backup).expect("restored");
    assert_eq!(ids(&store), [azure("a").id]);
    fs::remove_file(store.path()).expect("removed");
    assert_eq!(*store.read().expect("readable"), Accounts::default());
    put(&store, &azure("c")).await.expect("written");
    assert_eq!(ids(&folder.store()), [azure("c").id]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn sixty_writers_at_once_all_succeed() {
    let folder = Arc::new(Folder::new());
    put(&folder.store(), &azure("a")).await.expect("written");
    let writers: Vec<_> = (0..60)
        .map(|number| {
            let store = folder.store();
            tokio::spawn(async move { put(&store, &azure(&number.to_string())).await })
        })
        .collect();
    for writer in writers {
        writer.await.expect("no panic").expect("written");
    }
    assert_eq!(ids(&folder.store()).len(), 61);
}

fn event(home: &str, second: i64, what: ActivityKind) -> ActivityEvent {
    let at = Timestamp::from_second(second).expect("a time");
    ActivityEvent::of(&azure(home), at, what)
}

fn issued(home: &str, second: i64) -> ActivityEvent {
    let to = "terraform".to_owned();
    event(
        home,
        second,
        ActivityKind::HandedOut {
            to,
            resource: None,
            environment: None,
        },
    )
}

#[tokio::test]
async fn activity_is_stored_in_its_transaction_and_the_newest_comes_first() {
    let folder = Folder::new();
    let store = folder.store();
    for (second, what) in [(1, ActivityKind::Connected), (3, ActivityKind::Renewed)] {
        let at = Timestamp::from_second(second).expect("a time");
        let change = |change: &Change<'_>| change.record(&azure("a"), at, what);
        store.change(change).await.expect("written");
    }
    store.issue_log().add(&issued("b", 2)).expect("logged");
    let all = folder.store().activity(None, 10).expect("readable");
    let expected = [
        event("a", 3, ActivityKind::Renewed),
        issued("b", 2),
        event("a", 1, ActivityKind::Connected),
    ];
    assert_eq!(all, expected);
    assert_eq!(
        store.activity(Some(&azure("b").id), 10).expect("readable"),
        [issued("b", 2)]
    );
    assert_eq!(store.activity(None, 1).expect("readable").len(), 1);
}

#[tokio::test]
async fn events_in_a_file_are_imported_once_even_after_a_kill_or_a_torn_line() {
    let folder = Folder::new();
    let store = folder.store();
    let log = store.issue_log();
    log.add(&issued("a", 1)).expect("logged");
    let mut lines = fs::read(log.path()).expect("readable");
    lines.extend_from_slice(b"{\"at\":\"20");
    file::replace(log.path(), &lines).expect("torn");
    log.add(&issued("a", 2)).expect("logged");
    let whole = fs::read(log.path()).expect("readable");
    store.take_in_activity().expect("taken in");
    assert_eq!(fs::read(log.path()).expect("readable"), b"");
    // A process that is killed between the two leaves the file as it was.
    file::replace(log.path(), &whole).expect("written");
    assert_eq!(
        store.activity(None, 10).expect("readable"),
        [issued("a", 2), issued("a", 1)]
    );
}

#[tokio::test]
async fn the_activity_log_of_earlier_versions_is_imported_and_kept_unchanged() {
    let folder = Folder::new();
    let lines = |events: &[ActivityEvent]| {
        let lines = events.iter().map(|event| rows::as_json(event) + "\n");
        lines.collect::<String>()
    };
    let (old, new) = (
        lines(&[issued("a", 1)]),
        lines(&[issued("a", 2), issued("a", 3)]),
    );
    file::replace(&folder.path("activity.old.jsonl"), old.as_bytes()).expect("written");
    file::replace(&folder.path("activity.jsonl"), new.as_bytes()).expect("written");
    let all = folder.store().activity(None, 10).expect("readable");
    assert_eq!(all, [issued("a", 3), issued("a", 2), issued("a", 1)]);
    for (name, kept) in [("activity.old.jsonl", old), ("activity.jsonl", new)] {
        assert_eq!(
            fs::read(folder.path(&format!("{name}.migrated"))).expect("kept"),
            kept.as_bytes()
        );
        assert!(!folder.path(name).exists());
    }
}

#[tokio::test]
async fn activity_stays_within_its_limit_and_keeps_the_newest() {
    let folder = Folder::new();
    let store = folder.store();
    let rounds = 12_000;
    let record = |change: &Change<'_>| {
        (0..rounds).try_for_each(|second| {
            let at = Timestamp::from_second(second).expect("a time");
            change.record(&azure("a"), at, ActivityKind::Renewed)
        })
    };
    store.change(record).await.expect("written");
    let all = store.activity(None, usize::MAX).expect("readable");
    assert!((10_000..10_500).contains(&all.len()), "{}", all.len());
    assert_eq!(all[0].at.as_second(), rounds - 1);
    let log = store.issue_log();
    let refused = (0..).find_map(|second| log.add(&issued("a", second)).err());
    assert_eq!(
        refused.map(|error| error.kind()),
        Some(std::io::ErrorKind::FileTooLarge)
    );
    store.take_in_activity().expect("taken in");
    log.add(&issued("a", 0)).expect("room again");
}

#[tokio::test]
async fn names_that_another_program_wrote_are_safe_to_show_and_keys_have_their_form() {
    let folder = Folder::new();
    let store = folder.store();
    let mut account = azure("a");
    account.targets = vec![target("one")];
    account.offered = vec![OfferedTenant {
        tenant_id: "t".into(),
        name: Some("Fabrikam".into()),
        default_domain: None,
    }];
    account.custom_name = Some("Work".into());
    let keys = TypedKeys {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        arn: "arn:aws:iam::111122223333:user/ada".into(),
        added_at: Timestamp::UNIX_EPOCH,
    };
    let change = |change: &Change<'_>| {
        change.put(&account)?;
        change.put_access_keys(&keys)?;
        change.record(&account, Timestamp::UNIX_EPOCH, ActivityKind::Used)
    };
    store.change(change).await.expect("written");
    // As any process of ours: Windows lets no other journal mode beside ours write.
    let connection = open::connect(store.path()).expect("a database");
    let odd = "\u{202e}a\u{1b}[2Jb";
    for set in [
        "UPDATE account SET custom_name = ?1, colour = ?1, revision = revision + 1, lists_revision = revision + 1, \
         identity = json_set(identity, '$.tenantName', ?1, '$.username', ?1)",
        "UPDATE target SET name = ?1, state = ?1, parent = ?1",
        "UPDATE offered_tenant SET name = ?1, default_domain = ?1",
        "UPDATE activity SET name = ?1",
    ] {
        assert_eq!(connection.execute(set, [odd]).expect(set), 1);
    }
    let read = folder.store().read().expect("readable");
    let activity = folder.store().activity(None, 10).expect("readable");
    let all = format!("{:?} {activity:?}", read.accounts);
    assert!(all.contains("a[2Jb"), "{all}");
    for part in ["\u{202e}", "\u{1b}", "\\u{202e}", "\\u{1b}"] {
        assert!(!all.contains(part), "{part:?} in {all}");
    }
    for (set, what) in [
        (
            "UPDATE access_keys SET access_key_id = '../x'",
            "access keys",
        ),
        (
            "UPDATE access_keys SET access_key_id = 'AKIAIOSFODNN7EXAMPLE', arn = 'a' || char(27)",
            "access keys",
        ),
        ("DELETE FROM access_keys", ""),
        (
            "INSERT INTO pending_role VALUES (1, 'mcm-1', 'default', 'arn:aws:iam::111122223333:user/ada', \
             'x; rm -rf ~', '{\"kind\":\"nothing\"}', NULL, '2026-01-01T00:00:00Z')",
            "pending role",
        ),
        (
            "UPDATE pending_role SET role_name = 'reader', external_id = '$(x)'",
            "pending role",
        ),
        ("UPDATE pending_role SET external_id = 'mcm-1'", ""),
        (
            "INSERT INTO intent VALUES ('access-keys', '../x', '', '')",
            "note",
        ),
    ] {
        connection.execute(set, []).expect(set);
        let store = folder.store();
        let read = store.read().map(drop).and(store.intents(None).map(drop));
        match read {
            Ok(()) => assert_eq!(what, "", "{set}"),
            Err(error) => {
                assert_eq!(error.code(), Code::StorageUnreadable, "{set}");
                assert!(
                    !what.is_empty() && error.message().contains(what),
                    "{set}: {error}"
                );
            }
        }
    }
}
