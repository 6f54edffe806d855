//! The store through its public interface: what is written is read, and a faulty file is reported and not changed.

mod activity;
mod clusters;
mod damaged_files;
mod earlier_versions;

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

/// The version with the first environments.
const ENVIRONMENTS_SINCE: u32 = 6;

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
