//! A keychain that is locked, and none at all: what is an error, what stays in memory, and when it moves.

use super::*;

#[tokio::test]
async fn locked_keychain_is_locked_and_not_empty() {
    let fake = Fake::new();
    write(&vault(&fake), &grant(), b"kept")
        .await
        .expect("keychain is well");
    fake.become_(Behaviour::Locked);
    let vault = vault(&fake);
    assert_eq!(code_of(vault.read(&grant())).await, Code::KeychainLocked);
    assert_eq!(code_of(vault.read(&session())).await, Code::KeychainLocked);
    assert_eq!(code_of(vault.entries(&grant())).await, Code::KeychainLocked);
    assert_eq!(code_of(vault.delete(&grant())).await, Code::KeychainLocked);
    assert_eq!(code_of(vault.sweep_all()).await, Code::KeychainLocked);
    assert_eq!(code_of(vault.unlock()).await, Code::KeychainLocked);
    let view = vault.watch().borrow().clone();
    assert_eq!(view.state, KeychainState::Locked);
    assert_eq!(
        view.error.map(|error| error.code),
        Some(Code::KeychainLocked)
    );

    fake.become_(Behaviour::Well);
    assert_eq!(
        read(&vault, &grant()).await.expect("unlocked"),
        Some(b"kept".to_vec())
    );
    assert_eq!(state(&vault), KeychainState::Unlocked);
    assert_eq!(vault.watch().borrow().error, None);
}

#[tokio::test]
async fn locked_keychain_does_not_make_secrets_stay_in_memory() {
    let fake = Fake::new();
    let vault = vault(&fake);
    fake.become_(Behaviour::Locked);
    assert_eq!(
        code_of(write(&vault, &grant(), b"lost")).await,
        Code::KeychainLocked
    );
    fake.become_(Behaviour::Well);
    assert_eq!(read(&vault, &grant()).await.expect("unlocked"), None);
}

#[tokio::test]
async fn without_a_keychain_secrets_live_in_memory_and_the_state_says_so() {
    let fake = Fake::new();
    fake.become_(Behaviour::Absent);
    let vault = vault(&fake);
    write(&vault, &grant(), b"here")
        .await
        .expect("memory takes it");
    assert_eq!(
        read(&vault, &grant()).await.expect("memory has it"),
        Some(b"here".to_vec())
    );
    assert_eq!(vault.entries(&grant()).await.expect("memory has it"), 0);
    let view = vault.watch().borrow().clone();
    assert_eq!(view.state, KeychainState::Absent);
    assert_eq!(
        view.error.map(|error| error.code),
        Some(Code::KeychainAbsent)
    );
    vault.delete(&grant()).await.expect("memory forgets it");
    assert_eq!(
        read(&vault, &grant())
            .await
            .expect("forgotten by our own doing"),
        None
    );
}

#[tokio::test]
async fn without_a_keychain_an_unknown_grant_does_not_count_as_missing() {
    let fake = Fake::new();
    fake.become_(Behaviour::Absent);
    let vault = vault(&fake);
    assert_eq!(code_of(vault.read(&grant())).await, Code::KeychainAbsent);
    assert_eq!(
        read(&vault, &session())
            .await
            .expect("a session can be made again"),
        None
    );
    assert_eq!(code_of(vault.unlock()).await, Code::KeychainAbsent);
    assert_eq!(code_of(vault.sweep_all()).await, Code::KeychainAbsent);
}

#[tokio::test]
async fn memory_moves_to_the_keychain_when_it_appears() {
    let fake = Fake::new();
    write(&vault(&fake), &session(), b"stale")
        .await
        .expect("keychain is well");
    fake.become_(Behaviour::Absent);
    let vault = vault(&fake);
    write(&vault, &grant(), b"first")
        .await
        .expect("memory takes it");
    write(&vault, &grant(), b"second")
        .await
        .expect("memory takes it");
    vault.delete(&session()).await.expect("remembered");

    fake.become_(Behaviour::Well);
    vault.check().await.expect("keychain is well");
    assert_eq!(fake.users(), [grant().user()]);
    assert_eq!(
        read(&self::vault(&fake), &grant())
            .await
            .expect("keychain is well"),
        Some(b"second".to_vec())
    );
    assert_eq!(vault.entries(&grant()).await.expect("keychain is well"), 1);
}

#[tokio::test]
async fn memory_is_kept_while_the_keychain_that_appeared_is_locked() {
    let fake = Fake::new();
    fake.become_(Behaviour::Absent);
    let vault = vault(&fake);
    write(&vault, &grant(), b"first")
        .await
        .expect("memory takes it");
    fake.become_(Behaviour::Locked);
    assert_eq!(
        read(&vault, &grant()).await.expect("memory has it"),
        Some(b"first".to_vec())
    );
    assert_eq!(
        code_of(write(&vault, &grant(), b"second")).await,
        Code::KeychainLocked
    );
    assert_eq!(
        code_of(write(&vault, &session(), b"other")).await,
        Code::KeychainLocked
    );
    fake.become_(Behaviour::Well);
    assert_eq!(
        read(&vault, &grant()).await.expect("moved"),
        Some(b"second".to_vec())
    );
    assert_eq!(fake.users(), [grant().user()]);
}

#[tokio::test]
async fn memory_that_cannot_move_does_not_block_other_records() {
    let fake = Fake::new();
    write(&vault(&fake), &session(), b"other")
        .await
        .expect("keychain is well");
    fake.become_(Behaviour::Absent);
    let vault = vault(&fake);
    write(&vault, &grant(), b"here")
        .await
        .expect("memory takes it");
    fake.become_(Behaviour::Full);
    assert_eq!(
        read(&vault, &session()).await.expect("it still reads"),
        Some(b"other".to_vec())
    );
    assert_eq!(
        read(&vault, &grant()).await.expect("memory has it"),
        Some(b"here".to_vec())
    );
}

#[tokio::test(start_paused = true)]
async fn absent_keychain_is_searched_at_intervals_and_at_once_on_request() {
    let fake = Fake::new();
    fake.become_(Behaviour::Absent);
    let vault = vault_with(
        &fake,
        KeychainLimits {
            retry: Duration::from_secs(5),
            ..PATIENT
        },
        None,
    );
    for _ in 0..10 {
        write(&vault, &grant(), b"here")
            .await
            .expect("memory takes it");
    }
    assert_eq!(fake.connections(), 1);

    tokio::time::advance(Duration::from_secs(5)).await;
    write(&vault, &grant(), b"here")
        .await
        .expect("memory takes it");
    assert_eq!(fake.connections(), 2);

    fake.become_(Behaviour::Well);
    vault.check().await.expect("keychain is well");
    assert_eq!(fake.users(), [grant().user()]);
}
