//! Connecting roles: the checks, what is late, who the session is, and how long it lasts.

use std::time::Duration;

use mcm_core::app::{ConnectRole, EnteredKeys, PrepareRole};
use mcm_core::error::Code;
use mcm_core::role::{Enforcement, Source};
use mcm_core::sign_in::{CheckState, RoleCheckKind};
use mcm_core::snapshot::{Snapshot, Status};
use mcm_core::world::Clock as _;
use sandbox_clouds::aws::directory::{Appears, Condition, Role, Statement, Trusted, Wanted};
use sandbox_clouds::{Endpoint, Fault, Rule, ServiceError};

use crate::harness::{Harness, within};
use crate::roles::{
    PRODUCTION, attempts, checks, connect, finish, is_retrying, known, prepare, role, wanted, with,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_role_that_enforces_is_connected_and_its_session_renews() {
    let harness = Harness::start().await;
    let id = connect(&harness, "Reader").await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count > 30)
        .await;
    let row = harness.row(&id);
    assert_eq!(
        (row.name.as_str(), row.status, row.active),
        ("contoso-production", Status::Connected, true)
    );
    assert_eq!(row.target.expect("the source's region").id, "eu-central-1");
    let role_now = known(&harness, &id);
    assert_eq!(
        (role_now.enforced, role_now.source.to_string().as_str()),
        (Enforcement::Enforced, "default")
    );
    assert_eq!(role_now.alias.as_deref(), Some("contoso-production"));
    assert!(
        role_now.caller.ends_with(":user/ada"),
        "{}",
        role_now.caller
    );

    let first = harness.app.session(&id).await.expect("a session");
    assert_eq!(first.access_keys().expect("keys").access_key_id.len(), 20);
    harness.clock.advance(44 * MINUTE);
    let second = harness.app.session(&id).await.expect("a session");
    assert_eq!(second.times, first.times, "16 minutes are left");
    harness.clock.advance(2 * MINUTE);
    let third = harness.app.session(&id).await.expect("a session");
    assert!(
        third.times.expires_at > first.times.expires_at,
        "14 minutes are too few for AWS's clients"
    );
    let last = attempts(&harness, "Reader").pop().expect("an attempt");
    assert_eq!(last.external_id, Some(role_now.external_id));
}

#[tokio::test]
async fn the_checks_ask_with_the_id_without_it_and_with_a_wrong_one_under_a_telling_name() {
    let harness = Harness::start().await;
    let id = prepare(&harness).await;
    finish(&harness, wanted("Reader")).await.expect("connected");
    let asked = attempts(&harness, "Reader");
    let ids: Vec<_> = asked
        .iter()
        .take(3)
        .map(|asked| asked.external_id.as_deref())
        .collect();
    assert_eq!(ids[..2], [Some(id.as_str()), None]);
    let wrong = ids[2].expect("a wrong id");
    assert!(wrong != id && wrong.starts_with(&id[..10]), "{wrong}");
    assert!(
        asked[..3]
            .iter()
            .all(|asked| asked.session_name.ends_with("-extid-probe"))
    );
    assert!(asked[..3].iter().all(|asked| asked.duration == Some(900)));
    assert_eq!(
        asked.last().expect("the session in use").session_name,
        "ada",
        "CloudTrail shows who it was"
    );
}

#[tokio::test]
async fn a_chosen_session_name_is_in_every_request_and_stays_until_another_is_chosen() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let named = |name: &str| {
        with(ConnectRole {
            role_arn: Some(role("Reader")),
            session_name: Some(name.to_owned()),
            ..ConnectRole::default()
        })
    };
    for odd in ["a", "two words", "ä-name", &"x".repeat(65)] {
        let error = finish(&harness, named(odd)).await.expect_err(odd);
        assert_eq!(error.code(), Code::InvalidInput, "{odd}");
    }
    let id = finish(&harness, named("ada@laptop"))
        .await
        .expect("connected");
    harness.app.renew(&id).await.expect("renewed");
    finish(&harness, wanted("Reader"))
        .await
        .expect("verified again");
    let names: std::collections::BTreeSet<_> = attempts(&harness, "Reader")
        .into_iter()
        .map(|asked| asked.session_name)
        .collect();
    assert_eq!(names, ["ada@laptop".to_owned()].into());
    finish(&harness, named("")).await.expect("verified again");
    let last = attempts(&harness, "Reader").pop().expect("asked");
    assert_eq!(last.session_name, "ada", "the caller's own again");
}

#[tokio::test]
async fn a_role_that_appears_late_is_waited_for_in_sight_of_the_user() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let id = harness.app.connect(wanted("LateReader")).expect("started");
    let waiting = harness.until(|snapshot| is_retrying(snapshot, id)).await;
    let check = checks(&waiting, id)[0].clone();
    assert_eq!(
        (check.what, check.state, check.attempts),
        (RoleCheckKind::RightId, CheckState::Retrying, 1)
    );
    assert!(check.until.is_some());
    harness.app.cancel_sign_in(id).expect("running");
    let error = within(harness.app.sign_in_ended(id))
        .await
        .expect_err("cancelled");
    assert_eq!(error.code(), Code::SignInCancelled);
    assert_eq!(
        attempts(&harness, "LateReader").len(),
        1,
        "nothing is asked after a cancel"
    );

    let id = finish(&harness, wanted("LateReader"))
        .await
        .expect("connected");
    assert_eq!(known(&harness, &id).enforced, Enforcement::Enforced);
}

#[tokio::test]
async fn a_role_that_appears_after_twenty_seconds_is_connected_by_then() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let started = harness.clock.now();
    let ada = Trusted::Arn("arn:aws:iam::111122223333:user/ada".into());
    let condition = Condition::ExternalId(Wanted::FirstSeen);
    let new = Role::new(PRODUCTION, "New")
        .trust(Statement {
            principal: ada,
            condition,
        })
        .appear(Appears::At(started + Duration::from_secs(20)));
    harness.clouds.put_aws_role(new);
    let id = finish(&harness, wanted("New")).await.expect("connected");
    let waited = harness.clock.now().duration_since(started);
    assert!((20..40).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(known(&harness, &id).enforced, Enforcement::Enforced);
    let refused = attempts(&harness, "New")
        .iter()
        .take_while(|asked| !asked.was_allowed)
        .count();
    assert!(
        (2..=6).contains(&refused),
        "it is asked again with growing pauses: {refused}"
    );
}

#[tokio::test]
async fn the_last_check_says_who_we_became() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let id = harness.app.connect(wanted("Reader")).expect("started");
    let became = |snapshot: &Snapshot| checks(snapshot, id).pop().and_then(|check| check.became);
    let seen = harness.until(|snapshot| became(snapshot).is_some()).await;
    let all: Vec<_> = checks(&seen, id)
        .iter()
        .map(|check| (check.what, check.state))
        .collect();
    let kinds = [
        RoleCheckKind::RightId,
        RoleCheckKind::NoId,
        RoleCheckKind::WrongId,
        RoleCheckKind::Identity,
    ];
    assert_eq!(all, kinds.map(|kind| (kind, CheckState::Passed)));
    let arn = format!("arn:aws:sts::{PRODUCTION}:assumed-role/Reader/ada");
    assert_eq!(became(&seen), Some(arn));
    within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
}

#[tokio::test]
async fn a_session_whose_owner_cannot_be_found_out_is_not_kept() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    // The caller is known; the owner of the session is not.
    harness
        .clouds
        .faults()
        .add(Rule::new(Endpoint::AwsCallerIdentity, Fault::throttled()).after(1));
    let error = finish(&harness, wanted("Reader"))
        .await
        .expect_err("not checked");
    assert_eq!(error.code(), Code::Throttled);
    assert!(harness.rows().is_empty());
}

/// STS says that the credentials belong to this ARN.
fn belonging_to(arn: &str) -> Fault {
    let result = format!("<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>111122223333</Account>");
    sts("GetCallerIdentity", &result)
}

/// An answer of STS as it came from the network.
fn sts(action: &str, result: &str) -> Fault {
    let body = format!(
        "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result>{result}</{action}Result></{action}Response>"
    );
    Fault::Status(sandbox_clouds::Status {
        code: 200,
        body,
        ..sandbox_clouds::Status::default()
    })
}

#[tokio::test]
async fn a_session_of_another_role_account_or_partition_is_not_used() {
    for owner in [
        "arn:aws:sts::444455556666:assumed-role/Admin/multi-cloud-manager",
        "arn:aws:sts::999999999999:assumed-role/Reader/multi-cloud-manager",
        "arn:aws-cn:sts::444455556666:assumed-role/Reader/multi-cloud-manager",
        "arn:aws:iam::444455556666:user/Reader",
        "nonsense",
    ] {
        let harness = Harness::start().await;
        prepare(&harness).await;
        let rule = Rule::new(Endpoint::AwsCallerIdentity, belonging_to(owner));
        harness.clouds.faults().add(rule.after(1));
        let error = finish(&harness, wanted("Reader")).await.expect_err(owner);
        assert_eq!(error.code(), Code::SignInRejected, "{owner}: {error}");
        assert!(harness.rows().is_empty());
    }
}

#[tokio::test]
async fn a_caller_that_can_assume_no_role_is_named_before_any_is_assumed() {
    for (caller, part) in [
        ("arn:aws:iam::111122223333:root", "cannot assume a role"),
        (
            "arn:aws:sts::111122223333:federated-user/ada",
            "cannot assume a role",
        ),
        (
            "arn:aws-cn:iam::111122223333:user/ada",
            "is in partition aws-cn",
        ),
    ] {
        let harness = Harness::start().await;
        prepare(&harness).await;
        let faults = harness.clouds.faults();
        faults.always(Endpoint::AwsCallerIdentity, belonging_to(caller));
        let error = finish(&harness, wanted("Reader")).await.expect_err(caller);
        assert_eq!(error.code(), Code::RoleRefused, "{caller}: {error}");
        assert!(
            error.message().contains(part) && error.message().contains(caller),
            "{error}"
        );
        let requests = harness.clouds.requests();
        let assumes = |endpoint| endpoint == Some(Endpoint::AwsAssumeRole);
        assert!(!requests.iter().any(|request| assumes(request.endpoint)));
    }
}

#[tokio::test]
async fn a_session_without_its_token_is_no_session() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let credentials = "<Credentials><AccessKeyId>ASIAEXAMPLEEXAMPLE00</AccessKeyId>\
        <SecretAccessKey>secret</SecretAccessKey><SessionToken></SessionToken>\
        <Expiration>2026-11-24T21:00:00Z</Expiration></Credentials>";
    let faults = harness.clouds.faults();
    faults.always(Endpoint::AwsAssumeRole, sts("AssumeRole", credentials));
    let error = finish(&harness, wanted("Reader"))
        .await
        .expect_err("refused");
    assert_eq!(error.code(), Code::ServerFailed, "{error}");
    assert!(harness.rows().is_empty());
}

#[tokio::test]
async fn one_refusal_while_a_role_spreads_ends_no_sign_in_and_counts_for_nothing() {
    let denied = ServiceError {
        status: 403,
        code: "AccessDenied".into(),
        message: "a region that does not know the role yet".into(),
    };
    // Each of the calls is refused once.
    for call in 0..6 {
        let harness = Harness::start().await;
        prepare(&harness).await;
        let rule = Rule::new(Endpoint::AwsAssumeRole, Fault::ServiceError(denied.clone()));
        harness.clouds.faults().add(rule.after(call).times(1));
        let id = finish(&harness, wanted("Reader")).await.expect("connected");
        assert_eq!(known(&harness, &id).enforced, Enforcement::Enforced);
    }
}

#[tokio::test]
async fn a_session_ends_when_aws_says_so_whatever_was_asked_for() {
    let harness = Harness::start().await;
    harness.clouds.set_aws_session_life(Some(20 * MINUTE));
    let id = connect(&harness, "Reader").await.expect("connected");
    let session = harness.row(&id).session.expect("a session");
    assert_eq!(session.expires_at, session.issued_at + 20 * MINUTE);
}

#[tokio::test]
async fn a_passing_failure_of_the_last_step_leaves_nothing_connected() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    harness
        .clouds
        .faults()
        .add(Rule::new(Endpoint::AwsAssumeRole, Fault::throttled()).after(3));
    let error = finish(&harness, wanted("Reader"))
        .await
        .expect_err("throttled");
    assert_eq!(error.code(), Code::Throttled);
    assert!(harness.rows().is_empty());
    assert_eq!(harness.app.pending_roles().expect("readable").len(), 1);
}

#[tokio::test]
async fn the_life_of_sessions_is_what_was_asked_for_or_what_the_role_permits() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let long = |name: &str, seconds| {
        with(ConnectRole {
            role_arn: Some(role(name)),
            session_seconds: Some(seconds),
            ..ConnectRole::default()
        })
    };
    let id = finish(&harness, long("LongReader", 4 * 3600))
        .await
        .expect("connected");
    let longest = known(&harness, &id);
    assert_eq!(
        (longest.session_seconds, longest.longest),
        (4 * 3600, Some(12 * 3600))
    );
    assert!(longest.alias.is_none(), "this role may not read it");
    assert_eq!(harness.row(&id).name, format!("AWS Account ({PRODUCTION})"));

    prepare(&harness).await;
    let id = finish(&harness, long("Reader", 12 * 3600))
        .await
        .expect("connected");
    let short = known(&harness, &id);
    assert_eq!((short.session_seconds, short.longest), (3600, Some(3600)));

    prepare(&harness).await;
    let error = finish(&harness, long("LateReader", 60))
        .await
        .expect_err("too short");
    assert_eq!(error.code(), Code::InvalidInput);
}

#[tokio::test]
async fn connecting_a_role_again_updates_its_row_and_keeps_its_external_id() {
    let harness = Harness::start().await;
    let id = connect(&harness, "Reader").await.expect("connected");
    let before = known(&harness, &id).external_id;
    assert!(
        harness.app.pending_roles().expect("readable").is_empty(),
        "the id waits no more"
    );
    harness
        .app
        .rename(&id, Some("Production"))
        .await
        .expect("renamed");
    assert_eq!(finish(&harness, wanted("Reader")).await.expect("again"), id);
    assert_eq!(harness.rows().len(), 1);
    assert_eq!(
        (
            known(&harness, &id).external_id,
            harness.row(&id).name.as_str()
        ),
        (before.clone(), "Production")
    );

    let other = ConnectRole {
        role_arn: Some(role("Reader")),
        external_id: Some("another-id".into()),
        ..ConnectRole::default()
    };
    let error = finish(&harness, with(other))
        .await
        .expect_err("the id is fixed");
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(error.message().contains(&before), "{error}");
}

#[tokio::test]
async fn the_external_id_of_one_connection_is_refused_for_another() {
    let harness = Harness::start().await;
    let id = connect(&harness, "Reader").await.expect("connected");
    let taken = known(&harness, &id).external_id;
    let steal = |external_id: &str| {
        with(ConnectRole {
            role_arn: Some(role("LongReader")),
            external_id: Some(external_id.to_owned()),
            ..ConnectRole::default()
        })
    };
    let error = finish(&harness, steal(&taken)).await.expect_err("taken");
    assert_eq!(error.code(), Code::InvalidInput);
    harness.app.disconnect(&id).await.expect("disconnected");
    let error = finish(&harness, steal(&taken)).await.expect_err("used up");
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(
        attempts(&harness, "LongReader").is_empty(),
        "AWS was never asked"
    );
}

#[tokio::test]
async fn a_chained_caller_gets_an_hour_which_is_reported() {
    let harness = Harness::start().await;
    let reader = connect(&harness, "Reader").await.expect("connected");
    let session = harness.app.session(&reader).await.expect("a session");
    let keys = session.access_keys().expect("keys").clone();
    let hop = Source::Keychain(keys.access_key_id.clone());
    let keys = EnteredKeys {
        mfa_device: None,
        access_key_id: keys.access_key_id,
        secret_access_key: keys.secret_access_key,
        session_token: keys.session_token,
    };
    let caller = harness.app.add_access_keys(keys).await.expect("a caller");
    assert!(caller.is_chained && !caller.principal_is_exact);
    assert_eq!(
        caller.principal_arn,
        role("Reader"),
        "the role and not its session"
    );

    let wanted = PrepareRole {
        source: Some(hop.into()),
        ..PrepareRole::default()
    };
    harness.app.prepare_role(wanted).await.expect("prepared");
    let chained = ConnectRole {
        role_arn: Some("arn:aws:iam::777788889999:role/Chained".into()),
        session_seconds: Some(12 * 3600),
        accept_not_enforced: true,
        ..ConnectRole::default()
    };
    let id = finish(&harness, with(chained)).await.expect("connected");
    let known = known(&harness, &id);
    assert_eq!((known.session_seconds, known.longest), (3600, Some(3600)));
}
