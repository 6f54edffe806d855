//! Access keys that are typed in: checked before they are kept, and gone with the last connection that uses them.

use mcm_core::app::EnteredKeys;
use mcm_core::app::{ConnectRole, PrepareRole};
use mcm_core::error::Code;
use mcm_core::role::SourceChoice;
use mcm_core::vault::Record;

use crate::harness::Harness;
use crate::roles::{finish, known, role, with};

fn keys_of(harness: &Harness, user: &str) -> EnteredKeys {
    let key = harness
        .clouds
        .aws_access_key(user)
        .expect("there is such a user");
    EnteredKeys {
        mfa_device: None,
        access_key_id: key.id,
        secret_access_key: key.secret.into(),
        session_token: None,
    }
}

#[tokio::test]
async fn typed_keys_are_checked_kept_used_and_removed_with_their_last_connection() {
    let harness = Harness::with(
        |_| {},
        &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")],
    )
    .await;
    let keys = keys_of(&harness, "ada");
    let id = keys.access_key_id.clone();
    let caller = harness.app.add_access_keys(keys).await.expect("checked");
    assert!(caller.arn.ends_with(":user/ada") && caller.principal_is_exact);
    assert!(
        harness
            .vault
            .read(&Record::access_keys(&id))
            .await
            .expect("readable")
            .is_some()
    );

    let wanted = PrepareRole {
        source: Some(SourceChoice::OnlyKeys),
        ..PrepareRole::default()
    };
    harness.app.prepare_role(wanted).await.expect("prepared");
    assert_eq!(
        harness
            .app
            .remove_access_keys(&id)
            .await
            .expect_err("in use")
            .code(),
        Code::InvalidInput
    );
    let wanted = ConnectRole {
        role_arn: Some(role("Reader")),
        ..ConnectRole::default()
    };
    let account = finish(&harness, with(wanted)).await.expect("connected");
    assert_eq!(
        known(&harness, &account).source.to_string(),
        format!("keychain:{id}")
    );
    harness
        .app
        .renew(&account)
        .await
        .expect("renews with the kept keys");

    harness
        .app
        .disconnect(&account)
        .await
        .expect("disconnected");
    assert!(
        harness
            .vault
            .read(&Record::access_keys(&id))
            .await
            .expect("readable")
            .is_none()
    );
    assert!(harness.app.access_keys().expect("readable").is_empty());
}

#[tokio::test]
async fn typed_keys_stay_until_the_last_of_two_roles_that_use_them_is_disconnected() {
    let variables = [("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")];
    let harness = Harness::with(|_| {}, &variables).await;
    let keys = keys_of(&harness, "ada");
    let id = keys.access_key_id.clone();
    harness.app.add_access_keys(keys).await.expect("checked");
    let mut accounts = Vec::new();
    for name in ["Reader", "LongReader"] {
        let wanted = PrepareRole {
            source: Some(SourceChoice::OnlyKeys),
            ..PrepareRole::default()
        };
        harness.app.prepare_role(wanted).await.expect("prepared");
        let wanted = ConnectRole {
            role_arn: Some(role(name)),
            accept_not_enforced: true,
            ..ConnectRole::default()
        };
        accounts.push(finish(&harness, with(wanted)).await.expect(name));
    }
    let is_kept = async || {
        let kept = harness.vault.read(&Record::access_keys(&id)).await;
        kept.expect("readable").is_some()
    };
    harness.app.disconnect(&accounts[0]).await.expect("gone");
    assert!(is_kept().await);
    harness.app.renew(&accounts[1]).await.expect("it renews");
    harness.app.disconnect(&accounts[1]).await.expect("gone");
    assert!(!is_kept().await);
}

#[tokio::test]
async fn keys_that_aws_does_not_accept_are_not_kept() {
    let harness = Harness::start().await;
    let wrong_secret = EnteredKeys {
        mfa_device: None,
        secret_access_key: "not-the-secret-of-this-key".into(),
        ..keys_of(&harness, "ada")
    };
    let id = wrong_secret.access_key_id.clone();
    let error = harness
        .app
        .add_access_keys(wrong_secret)
        .await
        .expect_err("refused");
    assert!(error.message().contains("secret access key"), "{error}");
    let unknown = EnteredKeys {
        mfa_device: None,
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        session_token: None,
    };
    let error = harness
        .app
        .add_access_keys(unknown)
        .await
        .expect_err("refused");
    assert!(
        error.message().contains("does not know the access key"),
        "{error}"
    );
    let halved = EnteredKeys {
        mfa_device: None,
        access_key_id: "ASIAIOSFODNN7EXAMPLE".into(),
        ..keys_of(&harness, "ada")
    };
    let error = harness
        .app
        .add_access_keys(halved)
        .await
        .expect_err("refused");
    assert!(error.message().contains("session token"), "{error}");
    let odd = EnteredKeys {
        mfa_device: None,
        access_key_id: "ada".into(),
        ..keys_of(&harness, "ada")
    };
    assert_eq!(
        harness
            .app
            .add_access_keys(odd)
            .await
            .expect_err("refused")
            .code(),
        Code::InvalidInput
    );
    for id in [id.as_str(), "AKIAIOSFODNN7EXAMPLE", "ada"] {
        assert!(
            harness
                .vault
                .read(&Record::access_keys(id))
                .await
                .expect("readable")
                .is_none()
        );
    }
    assert!(harness.app.access_keys().expect("readable").is_empty());
}
