//! Waiting for the keychain: which caller, how long, and with which answer.

use futures_util::FutureExt as _;

use super::fake::{Behaviour, Fake};
use super::*;
use crate::file::lock_blocking;

fn on_this_thread(fake: &Fake, limits: KeychainLimits, lock_file: Option<&Path>) -> Vault {
    let (fake, lock_file) = (fake.clone(), lock_file.map(Path::to_owned));
    let status = Arc::new(KeychainStatus::new(KeychainState::Unknown, "Fake"));
    Vault::new(
        Some(Arc::new(move || fake.connect())),
        SERVICE,
        lock_file,
        limits,
        status,
        true,
    )
}

#[tokio::test]
async fn keychain_that_hangs_is_abandoned_and_the_next_caller_gets_an_error() {
    let fake = Fake::new();
    write(&vault(&fake), &grant(), b"kept")
        .await
        .expect("keychain is well");
    fake.become_(Behaviour::Hanging);
    let vault = vault_with(&fake, HASTY, None);
    assert_eq!(code_of(vault.read(&grant())).await, Code::KeychainFailed);
    assert_eq!(state(&vault), KeychainState::Failed);
    assert_eq!(code_of(vault.read(&grant())).await, Code::Busy);
    assert_eq!(code_of(write(&vault, &grant(), b"never")).await, Code::Busy);

    let mut status = vault.watch();
    fake.become_(Behaviour::Well);
    status
        .wait_for(|view| view.state == KeychainState::Unlocked)
        .await
        .expect("the stuck call ends");
    assert_eq!(
        fake.connections(),
        2,
        "callers behind a stuck call start nothing"
    );
    let patient = self::vault(&fake);
    assert_eq!(
        read(&patient, &grant()).await.expect("keychain is well"),
        Some(b"kept".to_vec())
    );
}

#[tokio::test]
async fn unanswered_unlock_is_abandoned_and_blocks_no_other_call() {
    let fake = Fake::new();
    let vault = vault_with(
        &fake,
        KeychainLimits {
            call: PATIENT.call,
            ..HASTY
        },
        None,
    );
    write(&vault, &grant(), b"kept")
        .await
        .expect("keychain is well");
    fake.become_(Behaviour::Hanging);
    assert_eq!(code_of(vault.unlock()).await, Code::KeychainLocked);
    assert_eq!(code_of(vault.unlock()).await, Code::KeychainLocked);
    fake.become_(Behaviour::Well);
    assert_eq!(
        read(&vault, &grant()).await.expect("keychain is well"),
        Some(b"kept".to_vec())
    );
}

#[tokio::test]
async fn process_that_keeps_the_lock_file_makes_others_busy_and_changes_nothing() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lock_file = folder.path().join("data").join("keychain.lock");
    let fake = Fake::new();
    let held =
        lock_blocking(&lock_file, LockMode::Exclusive, PATIENT.call).expect("folder is ours");
    let hasty = vault_with(&fake, HASTY, Some(&lock_file));
    assert_eq!(code_of(write(&hasty, &grant(), b"late")).await, Code::Busy);
    assert_eq!(code_of(hasty.read(&grant())).await, Code::Busy);
    drop(held);

    let patient = vault_with(&fake, PATIENT, Some(&lock_file));
    assert_eq!(
        read(&patient, &grant()).await.expect("lock is free"),
        None,
        "a late write is dropped"
    );
}

#[test]
fn work_on_this_thread_needs_no_runtime_and_is_never_pending() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lock_file = folder.path().join("keychain.lock");
    let vault = on_this_thread(&Fake::new(), PATIENT, Some(&lock_file));
    for round in 0..2 {
        let secret = bytes(round, 5_000);
        let written = write(&vault, &grant(), &secret)
            .now_or_never()
            .expect("it is not pending");
        written.expect("keychain is well");
        let kept = read(&vault, &grant())
            .now_or_never()
            .expect("it is not pending");
        assert_eq!(kept.expect("keychain is well"), Some(secret));
    }
}

#[test]
fn work_on_this_thread_gives_up_a_lock_file_that_another_process_keeps() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lock_file = folder.path().join("keychain.lock");
    let held =
        lock_blocking(&lock_file, LockMode::Exclusive, PATIENT.call).expect("folder is ours");
    let vault = on_this_thread(&Fake::new(), HASTY, Some(&lock_file));
    let busy = vault
        .read(&grant())
        .now_or_never()
        .expect("it is not pending");
    assert_eq!(
        busy.map(drop).expect_err("another process has it").code(),
        Code::Busy
    );
    drop(held);
    let free = vault
        .read(&grant())
        .now_or_never()
        .expect("it is not pending");
    assert!(free.expect("keychain is well").is_none());
}

#[tokio::test]
async fn lock_file_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let vault = vault_with(&Fake::new(), PATIENT, Some(folder.path()));
    let error = vault
        .read(&grant())
        .await
        .map(drop)
        .expect_err("a folder is no lock file");
    assert_eq!(error.code(), Code::StorageFailed);
    assert!(
        error
            .message()
            .contains(&folder.path().display().to_string()),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn lock_file_is_private_to_the_user() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("data").join("keychain.lock");
    drop(lock_blocking(&path, LockMode::Exclusive, PATIENT.call).expect("folder is ours"));
    let mode = |path: &Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().expect("has a folder")), 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_leave_one_complete_secret() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let lock_file = folder.path().join("keychain.lock");
    let fake = Fake::new();
    let writers = (0..16u8).map(|seed| {
        // A vault of its own each: what another process is.
        let vault = vault_with(&fake, PATIENT, Some(&lock_file));
        tokio::spawn(async move {
            write(
                &vault,
                &grant(),
                &bytes(seed, 3_000 + 400 * usize::from(seed)),
            )
            .await
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic").expect("keychain is well");
    }
    let vault = vault(&fake);
    let found = read(&vault, &grant()).await.expect("whole").expect("there");
    assert!((0..16u8).any(|seed| found == bytes(seed, 3_000 + 400 * usize::from(seed))));
    assert_eq!(
        vault.entries(&grant()).await.expect("keychain is well") as usize,
        fake.users().len()
    );
}
