//! Access keys that are typed in: checked before they are kept, and gone with the last connection that uses them.

use mcm_core::app::{ConnectRole, PrepareRole};
use mcm_core::credential::AccessKeys;
use mcm_core::error::Code;
use mcm_core::vault::Record;

use crate::roles::{finish, known, role, with};
use crate::stage::Stage;

fn keys_of(stage: &Stage, user: &str) -> AccessKeys {
    let key = stage
        .clouds
        .aws_access_key(user)
        .expect("there is such a user");
    AccessKeys {
        access_key_id: key.id,
        secret_access_key: key.secret.into(),
        session_token: None,
    }
}

#[tokio::test]
async fn typed_keys_are_checked_kept_used_and_removed_with_their_last_connection() {
    let stage = Stage::with(
        |_| {},
        &[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")],
    )
    .await;
    let keys = keys_of(&stage, "ada");
    let id = keys.access_key_id.clone();
    let caller = stage.app.add_access_keys(keys).await.expect("checked");
    assert!(caller.arn.ends_with(":user/ada") && caller.principal_is_exact);
    assert!(
        stage
            .vault
            .read(&Record::access_keys(&id))
            .await
            .expect("readable")
            .is_some()
    );

    let wish = PrepareRole {
        source: Some("keychain".into()),
        ..PrepareRole::default()
    };
    stage.app.prepare_role(wish).await.expect("prepared");
    assert_eq!(
        stage
            .app
            .remove_access_keys(&id)
            .await
            .expect_err("in use")
            .code(),
        Code::InvalidInput
    );
    let wish = ConnectRole {
        role_arn: Some(role("Reader")),
        ..ConnectRole::default()
    };
    let account = finish(&stage, with(wish)).await.expect("connected");
    assert_eq!(known(&stage, &account).source, format!("keychain:{id}"));
    stage
        .app
        .renew(&account)
        .await
        .expect("renews with the kept keys");

    stage.app.disconnect(&account).await.expect("disconnected");
    assert!(
        stage
            .vault
            .read(&Record::access_keys(&id))
            .await
            .expect("readable")
            .is_none()
    );
    assert!(stage.app.access_keys().expect("readable").is_empty());
}

#[tokio::test]
async fn keys_that_aws_does_not_accept_are_not_kept() {
    let stage = Stage::start().await;
    let wrong_secret = AccessKeys {
        secret_access_key: "not-the-secret-of-this-key".into(),
        ..keys_of(&stage, "ada")
    };
    let id = wrong_secret.access_key_id.clone();
    let error = stage
        .app
        .add_access_keys(wrong_secret)
        .await
        .expect_err("refused");
    assert!(error.message().contains("secret access key"), "{error}");
    let unknown = AccessKeys {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        session_token: None,
    };
    let error = stage
        .app
        .add_access_keys(unknown)
        .await
        .expect_err("refused");
    assert!(
        error.message().contains("does not know the access key"),
        "{error}"
    );
    let halved = AccessKeys {
        access_key_id: "ASIAIOSFODNN7EXAMPLE".into(),
        ..keys_of(&stage, "ada")
    };
    let error = stage
        .app
        .add_access_keys(halved)
        .await
        .expect_err("refused");
    assert!(error.message().contains("session token"), "{error}");
    let odd = AccessKeys {
        access_key_id: "ada".into(),
        ..keys_of(&stage, "ada")
    };
    assert_eq!(
        stage
            .app
            .add_access_keys(odd)
            .await
            .expect_err("refused")
            .code(),
        Code::InvalidInput
    );
    for id in [id.as_str(), "AKIAIOSFODNN7EXAMPLE", "ada"] {
        assert!(
            stage
                .vault
                .read(&Record::access_keys(id))
                .await
                .expect("readable")
                .is_none()
        );
    }
    assert!(stage.app.access_keys().expect("readable").is_empty());
}
