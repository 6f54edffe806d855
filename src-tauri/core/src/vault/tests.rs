//! The vault's behaviour over a fake keychain. The real one is in `tests/keychain.rs`.

pub(super) mod fake;
mod interruption;
mod locked_or_absent;
mod waiting;

use std::error::Error as _;
use std::path::Path;

use super::*;
use crate::account::Identity;
use crate::account::{AccountId, GrantKey};
use fake::{Behaviour, Fake};

const SERVICE: &str = "io.github.multicloudmanager.test";

/// For keychains that answer: so long that it never passes, however busy the machine is.
const PATIENT: KeychainLimits = KeychainLimits {
    call: Duration::from_secs(60),
    unlock: Duration::from_secs(60),
    retry: Duration::ZERO,
};

/// For keychains that do not answer.
const HASTY: KeychainLimits = KeychainLimits {
    call: Duration::from_millis(50),
    unlock: Duration::from_millis(50),
    retry: Duration::ZERO,
};

fn vault(fake: &Fake) -> Vault {
    vault_with(fake, PATIENT, None)
}

fn vault_with(fake: &Fake, limits: KeychainLimits, lock_file: Option<&Path>) -> Vault {
    let fake = fake.clone();
    Vault::over(
        move || fake.connect(),
        SERVICE,
        lock_file.map(Path::to_owned),
        limits,
    )
}

fn grant() -> Record {
    let identity = Identity::Gcp {
        issuer: "https://accounts.google.com".into(),
        subject: "1".into(),
        email: Some("ada@contoso.example".into()),
        hosted_domain: None,
    };
    Record::grant(&identity.grant_key())
}

fn session() -> Record {
    Record::session(
        &AccountId::from("gcp-0123456789ab".to_owned()),
        "https://cloud.example",
    )
}

/// Bytes that are not text and differ with the seed.
fn bytes(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed) | 0x80)
        .collect()
}

fn secret(bytes: &[u8]) -> SecretSlice<u8> {
    SecretSlice::from(bytes.to_vec())
}

async fn read(vault: &Vault, record: &Record) -> Result<Option<Vec<u8>>> {
    Ok(vault
        .read(record)
        .await?
        .map(|secret| secret.expose_secret().to_vec()))
}

async fn write(vault: &Vault, record: &Record, value: &[u8]) -> Result<()> {
    vault.write(record, secret(value)).await
}

async fn code_of<T>(call: impl Future<Output = Result<T>>) -> Code {
    call.await.map(drop).expect_err("the call fails").code()
}

fn state(vault: &Vault) -> KeychainState {
    vault.watch().borrow().state
}

// Records.

#[test]
fn user_name_has_no_dot_and_nothing_of_the_user() {
    let odd = Record::session(
        &AccountId::from("gcp-0123456789ab".to_owned()),
        "https://a.b/c d",
    );
    let tampered: GrantKey =
        serde_json::from_str(r#""../ada@contoso.example""#).expect("any text is a key");
    for record in [grant(), session(), odd, Record::grant(&tampered)] {
        let user = record.user();
        assert!(
            user.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{user}"
        );
        assert!(!user.contains("ada"), "{user}");
    }
}

#[test]
fn sessions_of_two_accounts_or_resources_are_two_records() {
    let session =
        |account: &str, resource| Record::session(&AccountId::from(account.to_owned()), resource);
    assert_ne!(session("a", "bc"), session("ab", "c"));
    assert_ne!(session("a", "b"), session("a", "c"));
    assert_eq!(session("a", "b"), session("a", "b"));
}

// Round trips.

#[tokio::test]
async fn what_was_written_is_read_by_another_vault() {
    let fake = Fake::new();
    for length in [0, 1, 2_047, 2_048, 2_049, 4_096, 20_000] {
        let value = bytes(1, length);
        write(&vault(&fake), &grant(), &value)
            .await
            .expect("keychain is well");
        assert_eq!(
            read(&vault(&fake), &grant())
                .await
                .expect("keychain is well"),
            Some(value)
        );
    }
}

#[tokio::test]
async fn reading_takes_one_operation_for_each_entry() {
    let fake = Fake::new();
    for (length, operations) in [(2_048, 1), (4_000, 2)] {
        write(&vault(&fake), &grant(), &bytes(1, length))
            .await
            .expect("keychain is well");
        fake.die(None);
        read(&vault(&fake), &grant())
            .await
            .expect("keychain is well");
        assert_eq!(fake.operations(), operations, "for {length} bytes");
    }
}

#[tokio::test]
async fn records_do_not_touch_each_other() {
    let (fake, value) = (Fake::new(), bytes(1, 5_000));
    let vault = vault(&fake);
    write(&vault, &grant(), &value)
        .await
        .expect("keychain is well");
    write(&vault, &session(), &bytes(2, 9_000))
        .await
        .expect("keychain is well");
    vault.delete(&session()).await.expect("keychain is well");
    assert_eq!(
        read(&vault, &grant()).await.expect("keychain is well"),
        Some(value)
    );
    assert_eq!(
        read(&vault, &session()).await.expect("keychain is well"),
        None
    );
}

#[tokio::test]
async fn entries_counts_the_head_and_its_parts() {
    let fake = Fake::new();
    let vault = vault(&fake);
    assert_eq!(vault.entries(&grant()).await.expect("keychain is well"), 0);
    write(&vault, &grant(), &bytes(1, 2_048))
        .await
        .expect("keychain is well");
    assert_eq!(vault.entries(&grant()).await.expect("keychain is well"), 1);
    write(&vault, &grant(), &bytes(1, 2_049))
        .await
        .expect("keychain is well");
    assert_eq!(vault.entries(&grant()).await.expect("keychain is well"), 2);
    assert_eq!(fake.users().len(), 2);
}

#[tokio::test]
async fn delete_leaves_nothing_and_may_be_repeated() {
    let fake = Fake::new();
    let vault = vault(&fake);
    write(&vault, &grant(), &bytes(1, 9_000))
        .await
        .expect("keychain is well");
    vault.delete(&grant()).await.expect("keychain is well");
    assert_eq!(fake.users(), Vec::<String>::new());
    vault
        .delete(&grant())
        .await
        .expect("a record that is not there is removed already");
}

#[tokio::test]
async fn sweep_all_removes_every_entry_of_our_service_and_no_other() {
    let fake = Fake::new();
    let other = fake
        .store()
        .build("another service", "user", None)
        .expect("fake builds");
    other.set_secret(b"theirs").expect("keychain is well");
    let vault = vault(&fake);
    write(&vault, &grant(), &bytes(1, 4_000))
        .await
        .expect("keychain is well");
    write(&vault, &session(), &bytes(2, 10))
        .await
        .expect("keychain is well");
    assert_eq!(vault.sweep_all().await.expect("keychain is well"), 3);
    assert_eq!(fake.users(), ["user"]);
}

#[tokio::test]
async fn secret_beyond_every_limit_is_refused_and_the_old_one_stays() {
    let fake = Fake::new();
    let vault = vault(&fake);
    write(&vault, &grant(), b"old")
        .await
        .expect("keychain is well");
    assert_eq!(
        code_of(write(&vault, &grant(), &bytes(1, 1_000_000))).await,
        Code::KeychainFailed
    );
    assert_eq!(
        read(&vault, &grant()).await.expect("keychain is well"),
        Some(b"old".to_vec())
    );
}

// Problems with stored data.

#[tokio::test]
async fn damaged_record_is_named_and_never_deleted_by_a_read() {
    type Damage = fn(&mut Vec<Vec<u8>>);
    let head = grant().user();
    let part = format!("{head}-0-1");
    let damages: [(&str, &str, Damage); 8] = [
        ("part 2 of 2 is missing", &part, Vec::clear),
        ("checksum", &part, |secrets| secrets[0][7] ^= 1),
        ("length", &part, |secrets| secrets[0].truncate(100)),
        ("length", &part, |secrets| secrets[0].extend([0; 500])),
        ("head", &head, |secrets| secrets[0].clear()),
        ("head", &head, |secrets| secrets[0].truncate(20)),
        ("head", &head, |secrets| secrets[0] = vec![0xFF; 300]),
        ("newer version", &head, |secrets| {
            secrets[0] = b"mcm 2 what may come\n".to_vec();
        }),
    ];
    for (what, user, damage) in damages {
        let fake = Fake::new();
        let vault = vault(&fake);
        write(&vault, &grant(), &bytes(1, 5_000))
            .await
            .expect("keychain is well");
        fake.tamper(user, damage);
        let before = fake.users();

        let error = vault
            .read(&grant())
            .await
            .map(drop)
            .expect_err("damage is an error, not an empty keychain");
        assert_eq!(error.code(), Code::KeychainFailed, "{what}");
        assert!(error.message().contains(what), "{what}: {error}");
        assert_eq!(
            state(&vault),
            KeychainState::Unlocked,
            "one bad record is not a bad keychain"
        );
        assert_eq!(fake.users(), before, "{what}");

        write(&vault, &grant(), b"new")
            .await
            .expect("a new sign-in replaces it");
        assert_eq!(
            read(&vault, &grant()).await.expect("keychain is well"),
            Some(b"new".to_vec()),
            "{what}"
        );
        vault.delete(&grant()).await.expect("keychain is well");
    }
}

#[tokio::test]
async fn head_of_another_record_is_not_accepted() {
    let fake = Fake::new();
    let vault = vault(&fake);
    write(&vault, &grant(), &bytes(1, 5_000))
        .await
        .expect("keychain is well");
    write(&vault, &session(), &bytes(2, 5_000))
        .await
        .expect("keychain is well");
    let mut stolen = Vec::new();
    fake.tamper(&session().user(), |secrets| stolen = secrets[0].clone());
    fake.tamper(&grant().user(), |secrets| secrets[0] = stolen);
    assert_eq!(code_of(vault.read(&grant())).await, Code::KeychainFailed);
}

#[tokio::test]
async fn entry_that_exists_twice_is_an_error_until_it_is_written_or_deleted() {
    let fake = Fake::new();
    let vault = vault(&fake);
    let double = || fake.tamper(&grant().user(), |secrets| secrets.push(secrets[0].clone()));
    write(&vault, &grant(), &bytes(1, 5_000))
        .await
        .expect("keychain is well");
    double();
    assert_eq!(code_of(vault.read(&grant())).await, Code::KeychainFailed);
    assert_eq!(
        state(&vault),
        KeychainState::Unlocked,
        "one bad record is not a bad keychain"
    );

    fake.become_(Behaviour::Full);
    let refused = code_of(write(&vault, &grant(), b"new")).await;
    assert_eq!(refused, Code::KeychainFailed);
    fake.tamper(&grant().user(), |secrets| {
        assert_eq!(secrets.len(), 2, "none goes before the new one is taken");
    });
    fake.become_(Behaviour::Well);

    write(&vault, &grant(), b"new")
        .await
        .expect("writing settles which one holds");
    assert_eq!(
        read(&vault, &grant()).await.expect("keychain is well"),
        Some(b"new".to_vec())
    );

    double();
    vault.delete(&grant()).await.expect("both are removed");
    assert_eq!(fake.users(), Vec::<String>::new());
}

#[tokio::test]
async fn keychain_that_does_not_keep_a_write_is_noticed_and_keeps_the_old_secret() {
    for length in [10, 5_000] {
        let fake = Fake::new();
        let vault = vault(&fake);
        write(&vault, &grant(), b"old")
            .await
            .expect("keychain is well");
        fake.become_(Behaviour::TextOnly);
        assert_eq!(
            code_of(write(&vault, &grant(), &bytes(1, length))).await,
            Code::KeychainFailed
        );
        assert_eq!(
            read(&vault, &grant()).await.expect("put back"),
            Some(b"old".to_vec())
        );
        assert_eq!(
            code_of(write(&vault, &session(), &bytes(1, length))).await,
            Code::KeychainFailed
        );
        assert_eq!(
            read(&vault, &session()).await.expect("there was none"),
            None
        );
    }
}

#[tokio::test]
async fn keychain_that_shortens_parts_is_noticed_before_the_old_secret_goes() {
    let fake = Fake::new();
    let vault = vault(&fake);
    let old = bytes(1, 5_000);
    write(&vault, &grant(), &old).await.expect("it is well");
    fake.become_(Behaviour::ShortenedParts);
    let refused = code_of(write(&vault, &grant(), &bytes(2, 5_000))).await;
    assert_eq!(refused, Code::KeychainFailed);
    assert_eq!(read(&vault, &grant()).await.expect("readable"), Some(old));
}

#[tokio::test]
async fn keychain_for_text_only_keeps_long_text() {
    let fake = Fake::new();
    fake.become_(Behaviour::TextOnly);
    let text = "{\"name\":\"Zażółć gęślą jaźń\"}".repeat(300);
    write(&vault(&fake), &grant(), text.as_bytes())
        .await
        .expect("every entry is text");
    assert_eq!(
        read(&vault(&fake), &grant())
            .await
            .expect("keychain is well"),
        Some(text.into_bytes())
    );
}

#[tokio::test]
async fn full_keychain_is_an_error_and_keeps_the_old_secret() {
    let fake = Fake::new();
    let vault = vault(&fake);
    write(&vault, &grant(), b"old")
        .await
        .expect("keychain is well");
    fake.become_(Behaviour::Full);
    assert_eq!(
        code_of(write(&vault, &grant(), &bytes(1, 5_000))).await,
        Code::KeychainFailed
    );
    assert_eq!(state(&vault), KeychainState::Failed);
    assert_eq!(
        read(&vault, &grant()).await.expect("it still reads"),
        Some(b"old".to_vec())
    );
    assert_eq!(state(&vault), KeychainState::Unlocked);
}

#[tokio::test]
async fn error_that_carries_a_secret_is_stripped_of_it() {
    let fake = Fake::new();
    let vault = vault(&fake);
    write(&vault, &grant(), b"canary-0f9d")
        .await
        .expect("keychain is well");
    fake.become_(Behaviour::Talkative);
    let error = vault
        .read(&grant())
        .await
        .map(drop)
        .expect_err("the answer cannot be decoded");
    let mut text = format!("{error} {error:?} {:?}", vault.watch().borrow().error);
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    for leak in ["canary", "99, 97, 110", "0x63"] {
        assert!(!text.contains(leak), "{text}");
    }
}

// Locked.

// Absent.

#[tokio::test(start_paused = true)]
async fn memory_vault_works_where_time_is_paused() {
    let vault = Vault::in_memory();
    assert_eq!(read(&vault, &grant()).await.expect("memory is well"), None);
    write(&vault, &grant(), b"kept")
        .await
        .expect("memory is well");
    assert_eq!(
        read(&vault.clone(), &grant())
            .await
            .expect("memory is well"),
        Some(b"kept".to_vec())
    );
    vault.unlock().await.expect("nothing to unlock");
    vault.delete(&grant()).await.expect("memory is well");
    assert_eq!(read(&vault, &grant()).await.expect("memory is well"), None);
    write(&vault, &grant(), b"kept")
        .await
        .expect("memory is well");
    vault.sweep_all().await.expect("memory is well");
    assert_eq!(read(&vault, &grant()).await.expect("memory is well"), None);
    assert_eq!(state(&vault), KeychainState::Unlocked);
}

#[test]
fn debug_of_a_vault_shows_no_secret() {
    assert_eq!(
        format!("{:?}", Vault::in_memory()),
        r#"Vault { service: "memory", .. }"#
    );
}
