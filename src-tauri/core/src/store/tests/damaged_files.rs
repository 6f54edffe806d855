//! Files that are damaged, no file, replaced, or written by another program: named, and never changed or believed.

use super::*;

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

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_or_a_link_in_the_place_of_the_journal_is_refused_and_leads_to_no_file() {
    let folder = Folder::new();
    put(&folder.store(), &azure("a")).await.expect("written");
    let (journal, other) = (folder.path("accounts.db-journal"), folder.path("other"));
    file::replace(&other, b"another program's").expect("written");
    for is_link in [false, true] {
        let _ = fs::remove_file(&journal);
        if is_link {
            std::os::unix::fs::symlink(&other, &journal).expect("linked");
        } else {
            let made = std::process::Command::new("mkfifo").arg(&journal).status();
            assert!(made.expect("coreutils").success());
        }
        let read = folder.store().read().expect_err("not ours");
        assert_eq!(read.code(), Code::StorageFailed, "{read}");
        let written = put(&folder.store(), &azure("b")).await;
        let error = written.expect_err("not ours");
        assert!(error.message().contains("accounts.db-journal"), "{error}");
        assert!(Look::open(&folder.store()).is_none());
    }
    assert_eq!(
        fs::read_to_string(&other).expect("there"),
        "another program's"
    );
    fs::remove_file(&journal).expect("a link");
    assert_eq!(ids(&folder.store()), [azure("a").id]);
}

#[tokio::test]
async fn after_the_last_number_of_a_change_everything_is_read_again() {
    let folder = Folder::new();
    let (store, other) = (folder.store(), folder.store());
    put(&store, &azure("a")).await.expect("written");
    Connection::open(store.path())
        .and_then(|connection| {
            let last = i64::MAX;
            connection.execute_batch(&format!(
                "UPDATE state SET revision = {last}; UPDATE activity_chain SET end_id = {last}"
            ))
        })
        .expect("edited");
    assert_eq!(ids(&other), [azure("a").id]);
    let event = |change: &Change<'_>| {
        let at = Timestamp::UNIX_EPOCH;
        change.put(&azure("b"))?;
        change.record(&azure("b"), at, ActivityKind::Connected)
    };
    store.change(event).await.expect("written");
    put(&store, &azure("c")).await.expect("written");
    for store in [&store, &other, &folder.store()] {
        assert_eq!(ids(store), ["a", "b", "c"].map(|name| azure(name).id));
        store.check_activity().expect("readable");
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
