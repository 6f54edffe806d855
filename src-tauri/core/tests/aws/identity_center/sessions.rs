//! Sessions: one token for all roles, renewed once for everybody, and which refusal is about what.

use std::time::Duration;

use futures_util::future::join_all;
use mcm_core::error::Code;
use mcm_core::snapshot::Status;
use sandbox_clouds::aws::identity_center::{RefreshRotation, SsoDirectory};
use sandbox_clouds::{Endpoint, Fault};

use super::{ADMIN, READER, connect, count, credentials, read, set, stored};
use crate::harness::Harness;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn every_role_has_a_session_of_its_own_and_no_token_is_issued() {
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    let admin = credentials(&harness, &id, ADMIN).await.expect("issued");
    let reader = credentials(&harness, &id, READER).await.expect("issued");
    let key = |session: &mcm_core::credential::Session| {
        session.access_keys().expect("keys").access_key_id.clone()
    };
    assert_ne!(key(&admin), key(&reader));
    assert_eq!(
        key(&credentials(&harness, &id, ADMIN).await.expect("issued")),
        key(&admin),
        "it is kept"
    );
    assert!(admin.bearer().is_err());
    let error = harness
        .app
        .issue(&id, "test")
        .await
        .expect_err("no role is chosen");
    assert_eq!(error.code(), Code::InvalidInput);
    harness.app.choose_target(&id, ADMIN).await.expect("chosen");
    assert_eq!(
        key(&harness.app.issue(&id, "test").await.expect("issued")),
        key(&admin)
    );
}

#[tokio::test]
async fn many_processes_and_roles_share_one_renewal_also_where_a_second_use_ends_the_sign_in() {
    // I18
    let harness = Harness::start().await;
    set(&harness, |policy| {
        policy.rotation = RefreshRotation::DetectReuse;
    });
    harness
        .clouds
        .set_identity_center_directory(SsoDirectory::of_size(5, 2));
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    harness.clock.advance(HOUR + HOUR);
    harness.clouds.forget_requests();
    // Ten processes, and ten roles for each.
    let apps: Vec<_> = (0..10).map(|_| harness.second_app()).collect();
    let pairs: Vec<String> = stored(&harness.app, &id)
        .targets
        .into_iter()
        .map(|target| target.id)
        .collect();
    assert_eq!(pairs.len(), 10);
    let asked = apps.iter().flat_map(|app| {
        pairs.iter().map(|pair| {
            let (app, id) = (app.clone(), id.clone());
            async move { app.issue_for(&id, &super::pair(pair), "test").await }
        })
    });
    for answered in join_all(asked).await {
        answered.expect("issued");
    }
    assert_eq!(count(&harness, Endpoint::CenterToken), 1);
    assert_eq!(count(&harness, Endpoint::CenterCredentials), pairs.len());
    harness.clock.advance(HOUR);
    credentials(&harness, &id, &pairs[0])
        .await
        .expect("the sign-in survives");
}

#[tokio::test]
async fn an_answer_without_a_refresh_token_keeps_the_old_one() {
    // I19
    let harness = Harness::start().await;
    set(&harness, |policy| policy.rotation = RefreshRotation::Keep);
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    for _ in 0..3 {
        harness.clock.advance(HOUR + HOUR);
        credentials(&harness, &id, ADMIN).await.expect("issued");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_before_its_time_is_renewed_once() {
    // I20
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    harness.clouds.forget_requests();
    harness.clouds.reject_identity_center_tokens();
    credentials(&harness, &id, ADMIN).await.expect("issued");
    assert_eq!(
        (
            count(&harness, Endpoint::CenterToken),
            count(&harness, Endpoint::CenterCredentials)
        ),
        (1, 2)
    );

    harness.clouds.forget_requests();
    set(&harness, |policy| policy.is_wrong_region = true);
    let error = credentials(&harness, &id, READER)
        .await
        .expect_err("refused again");
    assert_eq!(error.code(), Code::SignInAgain);
    assert_eq!(
        (
            count(&harness, Endpoint::CenterToken),
            count(&harness, Endpoint::CenterCredentials)
        ),
        (1, 2)
    );
    let error = credentials(&harness, &id, "444455556666/ReadOnly")
        .await
        .expect_err("the same for all roles");
    assert_eq!(error.code(), Code::SignInAgain);
    assert_eq!(
        count(&harness, Endpoint::CenterToken),
        1,
        "no server is asked in vain"
    );
    assert_eq!(harness.row(&id).status, Status::SignInAgain);
}

#[tokio::test]
async fn a_token_that_was_just_renewed_is_not_renewed_again_when_it_is_refused() {
    // I20
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    harness.clock.advance(2 * HOUR);
    harness.clouds.forget_requests();
    set(&harness, |policy| policy.is_wrong_region = true);
    let error = credentials(&harness, &id, READER).await.expect_err("no");
    assert_eq!(error.code(), Code::SignInAgain);
    let asked = |endpoint| count(&harness, endpoint);
    let counts = [Endpoint::CenterToken, Endpoint::CenterCredentials].map(asked);
    assert_eq!(counts, [1, 1]);
}

#[tokio::test]
async fn a_sign_in_that_is_over_gives_no_role_although_its_last_token_has_some_minutes_left() {
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    harness.clouds.forget_identity_center_registrations();
    harness.clock.advance(HOUR - Duration::from_secs(120));
    harness.clouds.forget_requests();
    let error = credentials(&harness, &id, ADMIN).await.expect_err("over");
    assert_eq!(error.code(), Code::SignInAgain);
    assert_eq!(count(&harness, Endpoint::CenterCredentials), 0);
}

#[tokio::test]
async fn a_role_that_is_not_assigned_is_the_only_one_that_is_refused() {
    // I21
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    harness.clouds.forget_requests();
    let mut directory = harness.clouds.identity_center_directory();
    directory.accounts[0]
        .roles
        .retain(|role| role != "AdministratorAccess");
    harness.clouds.set_identity_center_directory(directory);
    let error = credentials(&harness, &id, ADMIN)
        .await
        .expect_err("not assigned");
    assert_eq!(error.code(), Code::RoleRefused);
    assert!(
        error.message().contains("AdministratorAccess") && error.message().contains("111122223333"),
        "{error}"
    );
    assert_eq!(count(&harness, Endpoint::CenterToken), 0);
    assert_eq!(
        count(&harness, Endpoint::CenterRoles),
        1,
        "the roles of that account are read again"
    );
    assert!(
        stored(&harness.app, &id)
            .targets
            .iter()
            .all(|target| target.id != ADMIN)
    );
    assert!(credentials(&harness, &id, ADMIN).await.is_err());
    assert_eq!(
        count(&harness, Endpoint::CenterCredentials),
        1,
        "it is not asked for again at once"
    );
    credentials(&harness, &id, READER)
        .await
        .expect("another role");
    assert_eq!(harness.row(&id).status, Status::Connected);
}

#[tokio::test]
async fn credentials_outlive_the_sign_in_that_gave_them_and_then_the_user_is_needed() {
    // I22, I23
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    harness
        .app
        .pin_target(&id, ADMIN, true)
        .await
        .expect("pinned");
    credentials(&harness, &id, ADMIN).await.expect("issued");
    harness.clouds.end_identity_center_session("ada");
    harness.clock.advance(Duration::from_secs(20 * 60));
    credentials(&harness, &id, ADMIN)
        .await
        .expect("good for 40 minutes more");
    harness.clock.advance(Duration::from_secs(30 * 60));
    harness.clouds.forget_requests();
    for _ in 0..3 {
        let error = credentials(&harness, &id, ADMIN).await.expect_err("over");
        assert_eq!(error.code(), Code::SignInAgain);
    }
    assert_eq!(count(&harness, Endpoint::CenterToken), 1, "no loop");
    let row = stored(&harness.app, &id);
    assert_eq!(
        (row.targets.len(), row.pinned.as_slice()),
        (6, [ADMIN.to_owned()].as_slice())
    );
    let again = connect(&harness).await.expect("signed in again");
    assert_eq!(again, id);
    credentials(&harness, &id, ADMIN).await.expect("issued");
}

#[tokio::test]
async fn a_registration_that_is_over_or_unknown_asks_for_a_sign_in() {
    // I22
    let harness = Harness::start().await;
    set(&harness, |policy| policy.registration_life = 2 * 3600);
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    harness.clock.advance(3 * HOUR);
    harness.clouds.forget_requests();
    let error = credentials(&harness, &id, ADMIN).await.expect_err("over");
    assert_eq!(
        (error.code(), count(&harness, Endpoint::CenterToken)),
        (Code::SignInAgain, 0)
    );

    let id = connect(&harness).await.expect("signed in again");
    harness.clouds.forget_identity_center_registrations();
    harness.clock.advance(HOUR);
    let error = credentials(&harness, &id, ADMIN)
        .await
        .expect_err("unknown");
    assert_eq!(error.code(), Code::SignInAgain);
}

#[tokio::test]
async fn the_organisation_s_key_and_odd_answers_are_reported_for_what_they_are() {
    // I17, I24, I25
    let harness = Harness::start().await;
    harness
        .clouds
        .faults()
        .next(Endpoint::CenterToken, Fault::StringExpiresIn);
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    harness.clock.advance(2 * HOUR);
    harness
        .clouds
        .faults()
        .next(Endpoint::CenterToken, Fault::OversizedAnswer);
    let error = credentials(&harness, &id, ADMIN).await.expect_err("5 MB");
    assert_eq!(error.code(), Code::ServerFailed);
    harness.clock.advance(HOUR);
    set(&harness, |policy| {
        policy.omits_error_type = true;
        policy.kms_reason = Some("KMS_AccessDeniedException".into());
    });
    let error = credentials(&harness, &id, ADMIN)
        .await
        .expect_err("the key refuses");
    assert_eq!(error.code(), Code::AdminNeeded);
    assert!(error.message().contains("encryption key"), "{error}");
}
