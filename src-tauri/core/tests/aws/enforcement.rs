//! Roles that let in without their External ID: refused, accepted by choice, loosened later, or not known.

use mcm_core::account::Cloud;
use mcm_core::app::{Connect, ConnectRole};
use mcm_core::error::Code;
use mcm_core::role::Enforcement;
use mcm_core::sign_in::CheckState;
use mcm_core::snapshot::Status;
use sandbox_clouds::aws::directory::{Condition, Role, Statement, Trusted, Wanted};
use sandbox_clouds::{Endpoint, Fault, Rule};

use crate::harness::Harness;
use crate::roles::{PRODUCTION, connect, finish, known, prepare, role, wanted, with};

#[tokio::test]
async fn a_role_that_lets_in_without_the_right_id_is_refused_with_the_line_that_fixes_it() {
    for (name, how) in [
        (
            "IgnoringReader",
            "without an External ID and with a wrong one",
        ),
        ("LenientReader", "without an External ID"),
        ("LeakyReader", "without an External ID and with a wrong one"),
    ] {
        let harness = Harness::start().await;
        let id = prepare(&harness).await;
        let error = finish(&harness, wanted(name)).await.expect_err(name);
        assert_eq!(error.code(), Code::NotEnforced, "{name}");
        let line = format!("\"Condition\": {{\"StringEquals\": {{\"sts:ExternalId\": \"{id}\"}}}}");
        assert!(
            error.message().contains(how) && error.message().contains(&line),
            "{name}: {error}"
        );
        let ended = harness
            .app
            .watch()
            .borrow()
            .sign_ins
            .last()
            .expect("not dismissed")
            .clone();
        let checks = ended
            .verification
            .expect("they stay beside the refusal")
            .checks;
        let failed: Vec<_> = checks
            .iter()
            .filter(|check| check.state == CheckState::Failed)
            .collect();
        assert_eq!(
            failed.len(),
            if name == "LenientReader" { 1 } else { 2 },
            "{name}: {checks:?}"
        );
        assert!(harness.rows().is_empty(), "{name}");
        assert_eq!(
            harness.app.pending_roles().expect("readable").len(),
            1,
            "the id still waits"
        );
    }
}

#[tokio::test]
async fn a_role_that_does_not_enforce_is_connected_by_explicit_choice_and_says_so() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let accept = ConnectRole {
        role_arn: Some(role("IgnoringReader")),
        accept_not_enforced: true,
        ..ConnectRole::default()
    };
    let id = finish(&harness, with(accept)).await.expect("connected");
    assert_eq!(known(&harness, &id).enforced, Enforcement::NotEnforced);
    harness.app.renew(&id).await.expect("renews");
    assert_eq!(
        known(&harness, &id).enforced,
        Enforcement::NotEnforced,
        "after a renewal too"
    );
    let again = Connect {
        account: Some(id.clone()),
        ..Connect::new(Cloud::Aws)
    };
    finish(&harness, again)
        .await
        .expect("verified again, still accepted");
    assert_eq!(known(&harness, &id).enforced, Enforcement::NotEnforced);
}

#[tokio::test]
async fn a_role_that_was_loosened_says_so_and_renews_no_more_until_that_is_accepted_or_fixed() {
    let harness = Harness::start().await;
    let id = connect(&harness, "Reader").await.expect("connected");
    let ours = known(&harness, &id).external_id;
    let ada = || Trusted::Arn("arn:aws:iam::111122223333:user/ada".into());
    let reader = |condition| {
        Role::new(PRODUCTION, "Reader").trust(Statement {
            principal: ada(),
            condition,
        })
    };
    harness.clouds.put_aws_role(reader(Condition::None));

    let again = || Connect {
        account: Some(id.clone()),
        ..Connect::new(Cloud::Aws)
    };
    let error = finish(&harness, again()).await.expect_err("loosened");
    assert_eq!(error.code(), Code::NotEnforced);
    assert_eq!(known(&harness, &id).enforced, Enforcement::NotEnforced);
    assert_eq!(harness.row(&id).status, Status::SignInAgain);
    assert_eq!(
        harness.app.renew(&id).await.expect_err("refused").code(),
        Code::NotEnforced
    );
    assert_eq!(
        finish(&harness, again())
            .await
            .expect_err("not accepted")
            .code(),
        Code::NotEnforced
    );

    harness
        .clouds
        .put_aws_role(reader(Condition::ExternalId(Wanted::Exactly(ours))));
    finish(&harness, again()).await.expect("fixed");
    assert_eq!(known(&harness, &id).enforced, Enforcement::Enforced);
    assert_eq!(harness.row(&id).status, Status::Connected);
}

#[tokio::test]
async fn an_unclear_answer_is_stored_as_unknown_and_settled_at_the_next_renewal() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    // The role lets in with the id; then AWS asks to wait for as long as the refusals are tried.
    let busy = Rule::new(Endpoint::AwsAssumeRole, Fault::throttled())
        .after(1)
        .times(8);
    harness.clouds.faults().add(busy);
    let id = finish(&harness, wanted("Reader")).await.expect("connected");
    assert_eq!(known(&harness, &id).enforced, Enforcement::Unknown);

    harness.app.renew(&id).await.expect("renewed");
    assert_eq!(known(&harness, &id).enforced, Enforcement::Enforced);
}

#[tokio::test]
async fn an_unknown_role_that_turns_out_open_renews_no_more() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let busy = Rule::new(Endpoint::AwsAssumeRole, Fault::throttled())
        .after(1)
        .times(8);
    harness.clouds.faults().add(busy);
    let id = finish(&harness, wanted("IgnoringReader"))
        .await
        .expect("connected, with nothing claimed");
    assert_eq!(known(&harness, &id).enforced, Enforcement::Unknown);
    assert_eq!(
        harness.app.renew(&id).await.expect_err("open").code(),
        Code::NotEnforced
    );
    assert_eq!(harness.row(&id).status, Status::SignInAgain);
    assert_eq!(known(&harness, &id).enforced, Enforcement::NotEnforced);
}
