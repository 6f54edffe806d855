//! A role of IAM Identity Center as the source that assumes another role, and in place of one.

use std::time::Duration;

use mcm_core::app::{ConnectRole, PrepareRole};
use mcm_core::error::Code;
use mcm_core::provider::aws::AwsSourceKind;
use mcm_core::role::{Enforcement, SourceChoice};
use mcm_core::snapshot::Status;
use sandbox_clouds::Endpoint;

use super::{ADMIN, connect, count, read};
use crate::harness::Harness;
use crate::roles::{caller, finish, known, with};

/// A role that trusts every identity of the account of `ADMIN` whose own policy allows it, together with an External ID.
const AUDITOR: &str = "arn:aws:iam::111122223333:role/Auditor";
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn a_role_assumes_another_one_with_its_external_id_for_an_hour_at_most() {
    // I38
    let harness = Harness::start().await;
    let center = connect(&harness).await.expect("connected");
    read(&harness, &center).await;
    harness
        .app
        .pin_target(&center, ADMIN, true)
        .await
        .expect("pinned");
    let name = harness.row(&center).name;
    let text = format!("identity-center:{center}/{ADMIN}");
    let sources = harness.app.aws_sources().await.expect("listed");
    let offered = sources
        .iter()
        .find(|source| source.kind == AwsSourceKind::CenterRole);
    assert_eq!(offered.expect("offered").source.to_string(), text);
    // By the account's name too.
    let called = caller(&harness.app, &format!("identity-center:{name}/{ADMIN}")).await;
    let called = called.expect("AWS says who");
    assert!(
        called
            .arn
            .contains(":assumed-role/AWSReservedSSO_AdministratorAccess_"),
        "{}",
        called.arn
    );
    assert!(called.is_chained, "an hour is the most, and said");
    assert_eq!(called.source.to_string(), text);

    let source: SourceChoice = text.parse().expect("a source");
    let prepared = harness.app.prepare_role(PrepareRole {
        source: Some(source.clone()),
        ..PrepareRole::default()
    });
    prepared.await.expect("prepared");
    let wanted = ConnectRole {
        role_arn: Some(AUDITOR.to_owned()),
        source: Some(source),
        ..ConnectRole::default()
    };
    let id = finish(&harness, with(wanted)).await.expect("connected");
    let connected = known(&harness, &id);
    assert_eq!(
        (connected.enforced, connected.source.to_string()),
        (Enforcement::Enforced, text)
    );
    // Both sessions are over: one renewal takes a new token, the role's credentials, and the other role's.
    harness.clock.advance(2 * HOUR);
    harness.clouds.forget_requests();
    let session = harness.app.session(&id).await.expect("renewed");
    let life = session
        .times
        .expires_at
        .duration_since(session.times.issued_at);
    assert!(life.unsigned_abs() <= HOUR, "{life}");
    assert_eq!(
        (
            count(&harness, Endpoint::CenterToken),
            count(&harness, Endpoint::CenterCredentials)
        ),
        (1, 1)
    );
    let asked = harness.clouds.aws_assumptions();
    assert!(
        asked
            .iter()
            .all(|asked| asked.duration.is_none_or(|seconds| seconds <= 3600))
    );
}

#[tokio::test]
async fn a_sign_in_that_is_over_is_named_by_the_role_that_it_assumes() {
    // I38
    let harness = Harness::start().await;
    let center = connect(&harness).await.expect("connected");
    read(&harness, &center).await;
    let source: SourceChoice = format!("identity-center:{center}/{ADMIN}")
        .parse()
        .expect("a source");
    let prepared = harness.app.prepare_role(PrepareRole {
        source: Some(source.clone()),
        ..PrepareRole::default()
    });
    prepared.await.expect("prepared");
    let wanted = ConnectRole {
        role_arn: Some(AUDITOR.to_owned()),
        source: Some(source),
        ..ConnectRole::default()
    };
    let id = finish(&harness, with(wanted)).await.expect("connected");
    harness.clouds.end_identity_center_session("ada");
    harness.clock.advance(3 * HOUR);
    let error = harness.app.session(&id).await.map(drop).expect_err("over");
    assert_eq!(error.code(), Code::SourceExpired, "{error}");
    let name = harness.row(&center).name;
    assert!(
        error.message().contains(&name) && error.message().contains(ADMIN),
        "{error}"
    );
    assert_eq!(harness.row(&center).status, Status::SignInAgain);
    connect(&harness).await.expect("signed in again");
    harness.clock.advance(HOUR);
    harness.app.session(&id).await.expect("renewed by itself");

    harness.app.disconnect(&center).await.expect("disconnected");
    harness.clock.advance(3 * HOUR);
    let error = harness.app.session(&id).await.map(drop).expect_err("gone");
    assert!(error.message().contains("no longer connected"), "{error}");
}

#[tokio::test]
async fn the_role_of_a_permission_set_is_offered_by_the_name_that_it_has_here() {
    // I38
    let harness = Harness::start().await;
    let of = |account: &str| ConnectRole {
        role_arn: Some(format!(
            "arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_AdministratorAccess_0123456789abcdef"
        )),
        ..ConnectRole::default()
    };
    let error = finish(&harness, with(of("111122223333")))
        .await
        .expect_err("it cannot be assumed");
    assert!(
        error.message().contains("Sign in with IAM Identity Center"),
        "{error}"
    );
    let center = connect(&harness).await.expect("connected");
    read(&harness, &center).await;
    let name = harness.row(&center).name;
    let error = finish(&harness, with(of("111122223333")))
        .await
        .expect_err("it cannot be assumed");
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(
        error.message().contains(&format!("{name}/{ADMIN} here"))
            && error.message().contains("choose it at Credentials from"),
        "{error}"
    );
    let error = finish(&harness, with(of("999999999999")))
        .await
        .expect_err("not assigned");
    assert!(error.message().contains("not assigned to you"), "{error}");
}
