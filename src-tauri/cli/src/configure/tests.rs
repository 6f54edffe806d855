//! The names of profiles, made and requested.

use mcm_core::account::Identity;

use super::profile_names::LONGEST_NAME;
use super::*;
use mcm_core::role::{Enforcement, Source};

fn account(name: &str) -> Account {
    let identity = Identity::Aws {
        role_arn: "arn:aws:iam::444455556666:role/team/Reader".into(),
        account_id: "444455556666".into(),
        partition: "aws".into(),
        alias: Some(name.into()),
        external_id: "x".into(),
        enforced: Enforcement::Enforced,
        source: Source::Default,
        caller: "arn:aws:iam::111122223333:user/ada".into(),
        session_seconds: 3600,
        longest_session_seconds: None,
        session_name: None,
    };
    Account::new(identity, jiff::Timestamp::UNIX_EPOCH)
}

#[test]
fn a_profile_is_named_after_its_account_in_characters_that_every_client_reads() {
    let named = |name: &str, taken: &[&str]| {
        free_name(
            &account(name),
            "",
            &taken.iter().map(|name| (*name).to_owned()).collect(),
        )
    };
    assert_eq!(named("contoso-production", &[]), "contoso-production");
    assert_eq!(
        named("AWS Account (444455556666)", &[]),
        "AWS-Account-444455556666"
    );
    assert_eq!(named("a] \n[default]\u{202e}#; x.y", &[]), "a-default-x-y");
    assert_eq!(named("__proto__", &[]), "proto");
    for nameless in ["東京", "", "default", "Default", "--"] {
        assert_eq!(named(nameless, &[]), "aws-444455556666", "{nameless}");
    }
    assert_eq!(named("Work", &["work"]), "Work-Reader");
    assert_eq!(
        named("Work", &["work", "work-reader", "work-reader-2"]),
        "Work-Reader-3"
    );
    assert_eq!(named(&"x".repeat(200), &[]).len(), LONGEST_NAME);
}

#[test]
fn a_requested_name_is_checked() {
    let taken = HashSet::from(["work".to_owned()]);
    assert!(require_free("play_2-b", &taken).is_ok() && require_free("default", &taken).is_ok());
    for (name, why) in [
        ("Work", "did not write"),
        ("a b", "letters"),
        ("", "letters"),
        ("__proto__", "letters"),
        ("x]", "letters"),
    ] {
        let error = require_free(name, &taken).expect_err(name);
        assert!(error.message().contains(why), "{error}");
    }
}
