//! Records as they are split, written, read back and removed.

use proptest::prelude::*;

use super::super::tests::fake::{Fake, WINDOWS_LIMIT};
use super::*;
use crate::account::AccountId;

fn record() -> Record {
    Record::session(
        &AccountId::from("azure-0123456789ab".to_owned()),
        "resource",
    )
}

fn read(fake: &Fake) -> Option<Vec<u8>> {
    let store = fake.store();
    let outcome = Entries::new(&*store, "service").read(&record());
    outcome
        .map_err(KeychainFailure::into_error)
        .expect("the keychain works")
        .map(|secret| secret.to_vec())
}

fn write(fake: &Fake, secret: &[u8]) {
    let store = fake.store();
    let outcome = Entries::new(&*store, "service").write(&record(), secret);
    outcome
        .map_err(KeychainFailure::into_error)
        .expect("the keychain works");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_secret_comes_back_and_no_entry_exceeds_the_limit_of_windows(
        secrets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20_000), 1..4)
    ) {
        let fake = Fake::new();
        for secret in &secrets {
            write(&fake, secret);
            prop_assert_eq!(&read(&fake), &Some(secret.clone()));
        }
        prop_assert!(fake.longest() <= WINDOWS_LIMIT);
        let last = secrets.last().map_or(0, Vec::len);
        let entries = |piece: usize| last.div_ceil(piece).max(1);
        prop_assert!((entries(MAX_ENTRY_BYTES)..=entries(MAX_ENTRY_BYTES - 3)).contains(&fake.users().len()));
    }

    #[test]
    fn text_is_cut_between_characters(text in "\\PC{700,3000}") {
        let (beginning, mut pieces) = cut(text.as_bytes());
        pieces.insert(0, beginning);
        prop_assert!(pieces.iter().all(|piece| piece.len() <= MAX_ENTRY_BYTES && std::str::from_utf8(piece).is_ok()));
        prop_assert_eq!(pieces.concat(), text.as_bytes());
    }

    #[test]
    fn no_head_makes_the_reader_panic(entry in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Head::parse(&entry);
        let _ = Head::parse(&[b"mcm 1 0 5 0 ", &entry[..]].concat());
    }
}

#[test]
fn longest_head_with_the_longest_beginning_fits_windows() {
    let head = Head {
        generation: u64::MAX,
        length: MAX_ENTRY_BYTES * (MAX_PARTS as usize + 1),
        parts: MAX_PARTS,
        hash: [0xFF; 32],
    };
    assert!(head.entry(&[0; MAX_ENTRY_BYTES]).len() <= WINDOWS_LIMIT);
}

#[test]
fn head_with_impossible_numbers_is_not_followed() {
    let hash = "0".repeat(64);
    for line in [
        format!("mcm 1 0 10 65 {hash}\n"),
        format!("mcm 1 0 99999999999 2 {hash}\n"),
        format!("mcm 1 0 10 0 {hash} more\n"),
        format!("mcm 1 -1 10 0 {hash}\n"),
        format!("mcm 1 0 10 0 {hash}"),
        format!("mcm 1 0 10 0 +{}\n", &hash[1..]),
    ] {
        assert_eq!(
            Head::parse(line.as_bytes()).expect_err("refused"),
            Flaw::Malformed,
            "{line}"
        );
    }
}

#[test]
fn generation_that_overflows_starts_again() {
    let fake = Fake::new();
    write(&fake, b"first");
    let last = Head {
        generation: u64::MAX,
        length: 3,
        parts: 0,
        hash: Sha256::digest(b"old").into(),
    };
    fake.tamper(&record().user(), |secrets| {
        secrets[0] = last.entry(b"old").to_vec();
    });
    write(&fake, b"new");
    assert_eq!(read(&fake), Some(b"new".to_vec()));
}
