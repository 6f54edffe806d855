//! Preparing a role: the External ID comes first, stays, and is never given twice.

use mcm_core::app::{ConnectRole, PrepareRole};
use mcm_core::error::Code;
use mcm_core::role::Permissions;
use mcm_core::vault::Record;

use crate::harness::Harness;
use crate::roles::{attempts, finish, known, prepare, role, with};

#[tokio::test]
async fn an_external_id_waits_across_restarts_until_its_role_is_connected() {
    let mut harness = Harness::start().await;
    let first = harness
        .app
        .prepare_role(PrepareRole::default())
        .await
        .expect("prepared");
    assert!(first.templates.trust_policy.contains(&first.external_id));
    assert!(
        attempts(&harness, "Reader").is_empty(),
        "only the caller was asked for"
    );
    harness.restart();
    let second = harness
        .app
        .prepare_role(PrepareRole::default())
        .await
        .expect("prepared");
    assert_eq!(
        (&second.external_id, &second.role_name),
        (&first.external_id, &first.role_name)
    );
    let another = PrepareRole {
        another: true,
        ..PrepareRole::default()
    };
    let another = harness.app.prepare_role(another).await.expect("prepared");
    assert_ne!(another.external_id, first.external_id);
    assert_ne!(
        another.role_name, first.role_name,
        "two roles in one account need two names"
    );
    assert_eq!(harness.app.pending_roles().expect("readable").len(), 2);

    let unnamed = ConnectRole {
        role_arn: Some(role("Reader")),
        ..ConnectRole::default()
    };
    let error = finish(&harness, with(unnamed.clone()))
        .await
        .expect_err("which one?");
    assert_eq!(error.code(), Code::Ambiguous);
    assert!(
        error.message().contains(&first.external_id)
            && error.message().contains(&another.external_id)
    );
    let named = ConnectRole {
        external_id: Some(first.external_id.clone()),
        ..unnamed
    };
    let id = finish(&harness, with(named)).await.expect("connected");
    assert_eq!(known(&harness, &id).external_id, first.external_id);
    let left = harness.app.pending_roles().expect("readable");
    assert_eq!(
        left.iter()
            .map(|pending| &pending.external_id)
            .collect::<Vec<_>>(),
        [&another.external_id]
    );

    harness
        .app
        .drop_pending_role(&another.external_id)
        .await
        .expect("dropped");
    assert!(harness.app.pending_roles().expect("readable").is_empty());
    let dropped = PrepareRole {
        external_id: Some(another.external_id),
        ..PrepareRole::default()
    };
    assert_eq!(
        harness
            .app
            .prepare_role(dropped)
            .await
            .expect_err("used up")
            .code(),
        Code::InvalidInput
    );
}

#[tokio::test]
async fn forgetting_everything_leaves_no_role_that_waits_and_no_secret_without_an_account() {
    let harness = Harness::start().await;
    harness
        .app
        .prepare_role(PrepareRole::default())
        .await
        .expect("prepared");
    // As an interrupted process of an earlier version could leave it.
    let orphan = Record::access_keys("AKIAORPHANORPHANORPH");
    let secret = secrecy::SecretSlice::from(b"orphan".to_vec());
    harness.vault.write(&orphan, secret).await.expect("written");
    harness.app.forget_everything().await.expect("forgotten");
    assert!(harness.app.pending_roles().expect("readable").is_empty());
    let left = harness.vault.read(&orphan).await.expect("readable");
    assert!(left.is_none());
}

#[tokio::test]
async fn what_was_chosen_for_a_role_stays_with_it_until_it_is_connected() {
    let mut harness = Harness::start().await;
    let chosen = PrepareRole {
        role_name: Some("LongReader".into()),
        permissions: Some(Permissions::ReadOnly),
        session_seconds: Some(4 * 3600),
        ..PrepareRole::default()
    };
    let first = harness.app.prepare_role(chosen).await.expect("prepared");
    let templates = &first.templates;
    for form in [
        &templates.cloudformation,
        &templates.cli,
        &templates.terraform,
    ] {
        for part in [
            "LongReader",
            "14400",
            "policy/ReadOnlyAccess",
            &first.external_id,
        ] {
            assert!(form.contains(part), "{part}: {form}");
        }
    }
    harness.restart();
    let again = harness
        .app
        .prepare_role(PrepareRole::default())
        .await
        .expect("prepared");
    assert_eq!(again, first, "printed again tomorrow it is the same");
    let shorter = PrepareRole {
        session_seconds: Some(900),
        ..PrepareRole::default()
    };
    let shorter = harness.app.prepare_role(shorter).await.expect("prepared");
    assert_eq!(
        (shorter.session_seconds, shorter.role_name.as_str()),
        (900, "LongReader")
    );
    assert!(
        shorter.templates.terraform.contains("3600"),
        "a role permits an hour at least"
    );

    let back = PrepareRole {
        session_seconds: Some(4 * 3600),
        ..PrepareRole::default()
    };
    harness.app.prepare_role(back).await.expect("prepared");
    let wanted = ConnectRole {
        role_arn: Some(role("LongReader")),
        ..ConnectRole::default()
    };
    let id = finish(&harness, with(wanted)).await.expect("connected");
    assert_eq!(known(&harness, &id).session_seconds, 4 * 3600);
}

#[tokio::test]
async fn names_and_lives_that_aws_does_not_take_are_refused_and_nothing_waits() {
    let harness = Harness::start().await;
    for (role_name, session_seconds) in [
        (Some("a b"), None),
        (Some("a/b"), None),
        (Some(""), None),
        (None, Some(899)),
        (None, Some(43_201)),
    ] {
        let wanted = PrepareRole {
            role_name: role_name.map(str::to_owned),
            session_seconds,
            ..PrepareRole::default()
        };
        let error = harness.app.prepare_role(wanted).await.expect_err("refused");
        assert_eq!(
            error.code(),
            Code::InvalidInput,
            "{role_name:?} {session_seconds:?}"
        );
    }
    assert!(harness.app.pending_roles().expect("readable").is_empty());
}

#[tokio::test]
async fn an_external_id_that_an_organisation_dictates_is_checked_and_kept() {
    let harness = Harness::start().await;
    let dictated = |id: &str| PrepareRole {
        external_id: Some(id.to_owned()),
        ..PrepareRole::default()
    };
    for bad in ["x", "has a space", "quote\""] {
        let error = harness
            .app
            .prepare_role(dictated(bad))
            .await
            .expect_err(bad);
        assert_eq!(error.code(), Code::InvalidInput);
    }
    let prepared = harness
        .app
        .prepare_role(dictated("Contoso:42"))
        .await
        .expect("prepared");
    assert_eq!(prepared.external_id, "Contoso:42");
    let wanted = ConnectRole {
        role_arn: Some(role("Reader")),
        ..ConnectRole::default()
    };
    let id = finish(&harness, with(wanted)).await.expect("connected");
    assert_eq!(known(&harness, &id).external_id, "Contoso:42");
}

#[tokio::test]
async fn without_an_id_that_waits_nothing_is_asked_of_aws() {
    let harness = Harness::start().await;
    let wanted = ConnectRole {
        role_arn: Some(role("Reader")),
        ..ConnectRole::default()
    };
    let error = finish(&harness, with(wanted))
        .await
        .expect_err("nothing waits");
    assert_eq!(error.code(), Code::NotFound);
    prepare(&harness).await;
    let wanted = ConnectRole {
        role_arn: Some("444455556666".into()),
        ..ConnectRole::default()
    };
    let error = finish(&harness, with(wanted)).await.expect_err("no ARN");
    assert!(error.message().contains("account id"), "{error}");
    assert!(harness.clouds.aws_assumptions().is_empty());
}
