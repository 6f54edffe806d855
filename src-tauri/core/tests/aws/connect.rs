//! Connecting roles: what enforces, what does not, what is late, and how sessions renew.

use std::time::Duration;

use mcm_core::account::{Cloud, Enforcement};
use mcm_core::app::{Connect, ConnectRole, PrepareRole};
use mcm_core::error::Code;
use mcm_core::snapshot::{CheckState, RoleCheckKind, Snapshot, Status};
use mcm_core::world::Clock as _;
use sandbox_clouds::aws::directory::{Appears, Condition, Role, Statement, Trusted, Wanted};
use sandbox_clouds::{Endpoint, Fault, Rule};

use crate::roles::{
    PRODUCTION, attempts, checks, connect, finish, is_retrying, known, prepare, role, verification,
    wish, with,
};
use crate::stage::{Stage, within};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_role_that_enforces_is_connected_and_its_session_renews() {
    let stage = Stage::start().await;
    let id = connect(&stage, "Reader").await.expect("connected");
    stage
        .until(|snapshot| snapshot.accounts[0].target_count > 30)
        .await;
    let row = stage.row(&id);
    assert_eq!(
        (row.name.as_str(), row.status, row.active),
        ("contoso-production", Status::Connected, true)
    );
    assert_eq!(row.target.expect("the source's region").id, "eu-central-1");
    let role_now = known(&stage, &id);
    assert_eq!(
        (role_now.enforced, role_now.source.as_str()),
        (Enforcement::Enforced, "default")
    );
    assert_eq!(role_now.alias.as_deref(), Some("contoso-production"));
    assert!(
        role_now.caller.ends_with(":user/ada"),
        "{}",
        role_now.caller
    );

    let first = stage.app.session(&id).await.expect("a session");
    assert_eq!(first.access_keys().expect("keys").access_key_id.len(), 20);
    stage.clock.advance(44 * MINUTE);
    let second = stage.app.session(&id).await.expect("a session");
    assert_eq!(second.times, first.times, "16 minutes are left");
    stage.clock.advance(2 * MINUTE);
    let third = stage.app.session(&id).await.expect("a session");
    assert!(
        third.times.expires_at > first.times.expires_at,
        "14 minutes are too few for AWS's clients"
    );
    let last = attempts(&stage, "Reader").pop().expect("an attempt");
    assert_eq!(last.external_id, Some(role_now.external_id));
}

#[tokio::test]
async fn the_checks_ask_with_the_id_without_it_and_with_a_wrong_one_under_a_telling_name() {
    let stage = Stage::start().await;
    let id = prepare(&stage).await;
    finish(&stage, wish("Reader")).await.expect("connected");
    let asked = attempts(&stage, "Reader");
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
        "multi-cloud-manager"
    );
}

#[tokio::test]
async fn a_role_that_lets_in_without_the_right_id_is_refused_with_the_line_that_mends_it() {
    for (name, how) in [
        (
            "IgnoringReader",
            "without an External ID and with a wrong one",
        ),
        ("LenientReader", "without an External ID"),
        ("LeakyReader", "without an External ID and with a wrong one"),
    ] {
        let stage = Stage::start().await;
        let id = prepare(&stage).await;
        let error = finish(&stage, wish(name)).await.expect_err(name);
        assert_eq!(error.code(), Code::NotEnforced, "{name}");
        let line = format!("\"Condition\": {{\"StringEquals\": {{\"sts:ExternalId\": \"{id}\"}}}}");
        assert!(
            error.message().contains(how) && error.message().contains(&line),
            "{name}: {error}"
        );
        let ended = stage
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
        assert!(stage.rows().is_empty(), "{name}");
        assert_eq!(
            stage.app.pending_roles().expect("readable").len(),
            1,
            "the id still waits"
        );
    }
}

#[tokio::test]
async fn a_role_that_does_not_enforce_is_connected_by_explicit_choice_and_says_so() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    let accept = ConnectRole {
        role_arn: Some(role("IgnoringReader")),
        accept_not_enforced: true,
        ..ConnectRole::default()
    };
    let id = finish(&stage, with(accept)).await.expect("connected");
    assert_eq!(known(&stage, &id).enforced, Enforcement::NotEnforced);
    stage.app.renew(&id).await.expect("renews");
    assert_eq!(
        known(&stage, &id).enforced,
        Enforcement::NotEnforced,
        "after a renewal too"
    );
    let again = Connect {
        account: Some(id.clone()),
        ..Connect::new(Cloud::Aws)
    };
    finish(&stage, again)
        .await
        .expect("verified again, still accepted");
    assert_eq!(known(&stage, &id).enforced, Enforcement::NotEnforced);
}

#[tokio::test]
async fn a_role_that_was_loosened_says_so_and_renews_no_more_until_that_is_accepted_or_mended() {
    let stage = Stage::start().await;
    let id = connect(&stage, "Reader").await.expect("connected");
    let ours = known(&stage, &id).external_id;
    let ada = || Trusted::Arn("arn:aws:iam::111122223333:user/ada".into());
    let reader = |condition| {
        Role::new(PRODUCTION, "Reader").trust(Statement {
            principal: ada(),
            condition,
        })
    };
    stage.clouds.put_aws_role(reader(Condition::None));

    let again = || Connect {
        account: Some(id.clone()),
        ..Connect::new(Cloud::Aws)
    };
    let error = finish(&stage, again()).await.expect_err("loosened");
    assert_eq!(error.code(), Code::NotEnforced);
    assert_eq!(known(&stage, &id).enforced, Enforcement::NotEnforced);
    assert_eq!(stage.row(&id).status, Status::SignInAgain);
    assert_eq!(
        stage.app.renew(&id).await.expect_err("refused").code(),
        Code::NotEnforced
    );
    assert_eq!(
        finish(&stage, again())
            .await
            .expect_err("not accepted")
            .code(),
        Code::NotEnforced
    );

    stage
        .clouds
        .put_aws_role(reader(Condition::ExternalId(Wanted::Exactly(ours))));
    finish(&stage, again()).await.expect("mended");
    assert_eq!(known(&stage, &id).enforced, Enforcement::Enforced);
    assert_eq!(stage.row(&id).status, Status::Connected);
}

#[tokio::test]
async fn a_role_that_appears_late_is_waited_for_in_sight_of_the_person() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    let id = stage.app.connect(wish("LateReader")).expect("started");
    let waiting = stage.until(|snapshot| is_retrying(snapshot, id)).await;
    let check = checks(&waiting, id)[0].clone();
    assert_eq!(
        (check.what, check.state, check.attempts),
        (RoleCheckKind::RightId, CheckState::Retrying, 1)
    );
    assert!(check.until.is_some());
    stage.app.cancel_sign_in(id).expect("running");
    let error = within(stage.app.sign_in_ended(id))
        .await
        .expect_err("cancelled");
    assert_eq!(error.code(), Code::SignInCancelled);
    assert_eq!(
        attempts(&stage, "LateReader").len(),
        1,
        "nothing is asked after a cancel"
    );

    let id = finish(&stage, wish("LateReader")).await.expect("connected");
    assert_eq!(known(&stage, &id).enforced, Enforcement::Enforced);
}

#[tokio::test]
async fn a_role_that_appears_after_twenty_seconds_is_connected_by_then() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    let started = stage.clock.now();
    let ada = Trusted::Arn("arn:aws:iam::111122223333:user/ada".into());
    let condition = Condition::ExternalId(Wanted::FirstSeen);
    let new = Role::new(PRODUCTION, "New")
        .trust(Statement {
            principal: ada,
            condition,
        })
        .appear(Appears::At(started + Duration::from_secs(20)));
    stage.clouds.put_aws_role(new);
    let id = finish(&stage, wish("New")).await.expect("connected");
    let waited = stage.clock.now().duration_since(started);
    assert!((20..40).contains(&waited.as_secs()), "{waited:?}");
    assert_eq!(known(&stage, &id).enforced, Enforcement::Enforced);
    let refused = attempts(&stage, "New")
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
    let stage = Stage::start().await;
    prepare(&stage).await;
    let id = stage.app.connect(wish("Reader")).expect("started");
    let became = |snapshot: &Snapshot| checks(snapshot, id).pop().and_then(|check| check.became);
    let seen = stage.until(|snapshot| became(snapshot).is_some()).await;
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
    let arn = format!("arn:aws:sts::{PRODUCTION}:assumed-role/Reader/multi-cloud-manager");
    assert_eq!(became(&seen), Some(arn));
    within(stage.app.sign_in_ended(id))
        .await
        .expect("connected");
}

#[tokio::test]
async fn a_session_whose_owner_cannot_be_found_out_is_not_kept() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    // The caller is known; who the session belongs to is not told.
    stage
        .clouds
        .faults()
        .add(Rule::new(Endpoint::AwsCallerIdentity, Fault::throttled()).after(1));
    let error = finish(&stage, wish("Reader"))
        .await
        .expect_err("not checked");
    assert_eq!(error.code(), Code::Throttled);
    assert!(stage.rows().is_empty());
}

#[tokio::test]
async fn a_role_that_trusts_somebody_else_is_given_up_after_a_minute_with_everything_to_compare() {
    let stage = Stage::start().await;
    let external_id = prepare(&stage).await;
    let started = stage.clock.now();
    let error = finish(&stage, wish("ForeignReader"))
        .await
        .expect_err("refused");
    assert_eq!(error.code(), Code::RoleRefused);
    let waited = stage.clock.now().duration_since(started);
    assert!((60..=70).contains(&waited.as_secs()), "{waited:?}");
    for part in [
        "arn:aws:iam::111122223333:user/ada",
        role("ForeignReader").as_str(),
        external_id.as_str(),
        "(1)",
        "(4)",
        "aws iam get-role --role-name ForeignReader",
        "Ruled out",
    ] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert!(stage.rows().is_empty());
}

#[tokio::test]
async fn a_role_that_wants_another_id_is_told_from_the_other_causes_when_it_can_be() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    let ada = Trusted::Arn("arn:aws:iam::111122223333:user/ada".into());
    let condition = Condition::ExternalIdIfExists(Wanted::Exactly("somebody-elses".into()));
    let odd = Role::new(PRODUCTION, "Odd").trust(Statement {
        principal: ada,
        condition,
    });
    stage.clouds.put_aws_role(odd);
    let error = finish(&stage, wish("Odd")).await.expect_err("refused");
    assert_eq!(error.code(), Code::RoleRefused);
    assert!(
        error
            .message()
            .contains("What is left:\n(1) its trust policy asks for another External ID"),
        "{error}"
    );
    assert!(!error.message().contains("(2)"), "{error}");
    for part in [
        "Ruled out:",
        "the principal",
        "a missing role",
        "aws iam get-role --role-name Odd",
    ] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
}

#[tokio::test]
async fn in_the_callers_own_account_a_missing_role_is_told_and_one_that_is_there_is_ruled_out() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    let own = |name: &str| {
        let role_arn = Some(format!("arn:aws:iam::111122223333:role/{name}"));
        with(ConnectRole {
            role_arn,
            ..ConnectRole::default()
        })
    };
    let error = finish(&stage, own("Nothing")).await.expect_err("refused");
    assert!(
        error
            .message()
            .contains("there is no role Nothing in account 111122223333"),
        "{error}"
    );
    assert!(
        !error.message().contains("(1)"),
        "one cause is known: {error}"
    );

    let grace = Trusted::Arn("arn:aws:iam::111122223333:user/grace".into());
    let theirs = Role::new("111122223333", "Theirs").trust(Statement {
        principal: grace,
        condition: Condition::None,
    });
    stage.clouds.put_aws_role(theirs);
    let error = finish(&stage, own("Theirs")).await.expect_err("refused");
    assert!(
        error.message().contains("the clock; a missing role."),
        "{error}"
    );
    assert!(
        error.message().contains("(3)") && !error.message().contains("(4)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_role_is_refused_to_somebody_elses_keys_with_whom_its_template_was_made_for() {
    let stage = Stage::start().await;
    let external_id = prepare(&stage).await;
    let grace = stage.clouds.aws_access_key("grace").expect("a user");
    let shell = stage.app_with(&[
        ("AWS_ACCESS_KEY_ID", &grace.id),
        ("AWS_SECRET_ACCESS_KEY", &grace.secret),
    ]);
    let caller = shell.aws_caller("default").await.expect("a caller");
    assert_eq!(
        caller.arn, "arn:aws:iam::111122223333:user/grace",
        "told before anything is asked for"
    );
    assert!(attempts(&stage, "Reader").is_empty());

    let id = shell.connect(wish("Reader")).expect("started");
    let mut snapshots = shell.watch();
    let first = within(snapshots.wait_for(|snapshot| is_retrying(snapshot, id)))
        .await
        .expect("lives")
        .clone();
    assert_eq!(
        verification(&first, id).expect("checks run").caller,
        caller.arn,
        "and beside the checks"
    );
    stage.clock.advance(2 * MINUTE);
    let error = within(shell.sign_in_ended(id)).await.expect_err("refused");
    assert_eq!(error.code(), Code::RoleRefused);
    for part in [
        "another principal than arn:aws:iam::111122223333:user/grace",
        "its template was made for arn:aws:iam::111122223333:user/ada",
        "AWS_ACCESS_KEY_ID",
        &external_id,
    ] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert!(stage.rows().is_empty());
    assert_eq!(
        stage.app.pending_roles().expect("readable").len(),
        1,
        "the id still waits for its role"
    );
}

#[tokio::test]
async fn an_unclear_answer_is_stored_as_unknown_and_settled_at_the_next_renewal() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    // The role lets in with the id; then AWS asks to wait for as long as the refusals are tried.
    let busy = Rule::new(Endpoint::AwsAssumeRole, Fault::throttled())
        .after(1)
        .times(8);
    stage.clouds.faults().add(busy);
    let id = finish(&stage, wish("Reader")).await.expect("connected");
    assert_eq!(known(&stage, &id).enforced, Enforcement::Unknown);

    stage.app.renew(&id).await.expect("renewed");
    assert_eq!(known(&stage, &id).enforced, Enforcement::Enforced);
}

#[tokio::test]
async fn an_unknown_role_that_turns_out_open_renews_no_more() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    let busy = Rule::new(Endpoint::AwsAssumeRole, Fault::throttled())
        .after(1)
        .times(8);
    stage.clouds.faults().add(busy);
    let id = finish(&stage, wish("IgnoringReader"))
        .await
        .expect("connected, with nothing claimed");
    assert_eq!(known(&stage, &id).enforced, Enforcement::Unknown);
    assert_eq!(
        stage.app.renew(&id).await.expect_err("open").code(),
        Code::NotEnforced
    );
    assert_eq!(stage.row(&id).status, Status::SignInAgain);
    assert_eq!(known(&stage, &id).enforced, Enforcement::NotEnforced);
}

#[tokio::test]
async fn a_passing_failure_of_the_last_step_leaves_nothing_connected() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    stage
        .clouds
        .faults()
        .add(Rule::new(Endpoint::AwsAssumeRole, Fault::throttled()).after(3));
    let error = finish(&stage, wish("Reader")).await.expect_err("throttled");
    assert_eq!(error.code(), Code::Throttled);
    assert!(stage.rows().is_empty());
    assert_eq!(stage.app.pending_roles().expect("readable").len(), 1);
}

#[tokio::test]
async fn the_life_of_sessions_is_what_was_asked_for_or_what_the_role_permits() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    let long = |name: &str, seconds| {
        with(ConnectRole {
            role_arn: Some(role(name)),
            session_seconds: Some(seconds),
            ..ConnectRole::default()
        })
    };
    let id = finish(&stage, long("LongReader", 4 * 3600))
        .await
        .expect("connected");
    let longest = known(&stage, &id);
    assert_eq!(
        (longest.session_seconds, longest.longest),
        (4 * 3600, Some(12 * 3600))
    );
    assert!(longest.alias.is_none(), "this role may not read it");
    assert_eq!(stage.row(&id).name, format!("AWS Account ({PRODUCTION})"));

    prepare(&stage).await;
    let id = finish(&stage, long("Reader", 12 * 3600))
        .await
        .expect("connected");
    let short = known(&stage, &id);
    assert_eq!((short.session_seconds, short.longest), (3600, Some(3600)));

    prepare(&stage).await;
    let error = finish(&stage, long("LateReader", 60))
        .await
        .expect_err("too short");
    assert_eq!(error.code(), Code::InvalidInput);
}

#[tokio::test]
async fn connecting_a_role_again_updates_its_row_and_keeps_its_external_id() {
    let stage = Stage::start().await;
    let id = connect(&stage, "Reader").await.expect("connected");
    let before = known(&stage, &id).external_id;
    assert!(
        stage.app.pending_roles().expect("readable").is_empty(),
        "the id waits no more"
    );
    stage
        .app
        .rename(&id, Some("Production"))
        .await
        .expect("renamed");
    assert_eq!(finish(&stage, wish("Reader")).await.expect("again"), id);
    assert_eq!(stage.rows().len(), 1);
    assert_eq!(
        (known(&stage, &id).external_id, stage.row(&id).name.as_str()),
        (before.clone(), "Production")
    );

    let other = ConnectRole {
        role_arn: Some(role("Reader")),
        external_id: Some("another-id".into()),
        ..ConnectRole::default()
    };
    let error = finish(&stage, with(other))
        .await
        .expect_err("the id is fixed");
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(error.message().contains(&before), "{error}");
}

#[tokio::test]
async fn the_external_id_of_one_connection_is_refused_for_another() {
    let stage = Stage::start().await;
    let id = connect(&stage, "Reader").await.expect("connected");
    let taken = known(&stage, &id).external_id;
    let steal = |external_id: &str| {
        with(ConnectRole {
            role_arn: Some(role("LongReader")),
            external_id: Some(external_id.to_owned()),
            ..ConnectRole::default()
        })
    };
    let error = finish(&stage, steal(&taken)).await.expect_err("taken");
    assert_eq!(error.code(), Code::InvalidInput);
    stage.app.disconnect(&id).await.expect("disconnected");
    let error = finish(&stage, steal(&taken)).await.expect_err("used up");
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(
        attempts(&stage, "LongReader").is_empty(),
        "AWS was never asked"
    );
}

#[tokio::test]
async fn a_role_that_is_gone_asks_the_person_and_names_the_causes() {
    let stage = Stage::start().await;
    let id = connect(&stage, "Reader").await.expect("connected");
    stage.clouds.remove_aws_role(&role("Reader"));
    let error = stage.app.renew(&id).await.expect_err("refused");
    assert_eq!(error.code(), Code::RoleRefused);
    assert!(error.message().contains("any more"), "{error}");
    assert_eq!(stage.row(&id).status, Status::SignInAgain);
}

#[tokio::test]
async fn a_chained_caller_gets_an_hour_and_is_told_so() {
    let stage = Stage::start().await;
    let reader = connect(&stage, "Reader").await.expect("connected");
    let session = stage.app.session(&reader).await.expect("a session");
    let keys = session.access_keys().expect("keys").clone();
    let hop = format!("keychain:{}", keys.access_key_id);
    let caller = stage.app.add_access_keys(keys).await.expect("a caller");
    assert!(caller.is_chained && !caller.principal_is_exact);
    assert_eq!(
        caller.principal_arn,
        role("Reader"),
        "the role and not its session"
    );

    let wish = PrepareRole {
        source: Some(hop),
        ..PrepareRole::default()
    };
    stage.app.prepare_role(wish).await.expect("prepared");
    let chained = ConnectRole {
        role_arn: Some("arn:aws:iam::777788889999:role/Chained".into()),
        session_seconds: Some(12 * 3600),
        accept_not_enforced: true,
        ..ConnectRole::default()
    };
    let id = finish(&stage, with(chained)).await.expect("connected");
    let known = known(&stage, &id);
    assert_eq!((known.session_seconds, known.longest), (3600, Some(3600)));
}

#[tokio::test]
async fn the_console_opens_as_the_role_and_the_address_goes_to_the_browser_alone() {
    let stage = Stage::start().await;
    let id = connect(&stage, "Reader").await.expect("connected");
    stage
        .until(|snapshot| snapshot.accounts[0].target_count > 30)
        .await;
    stage
        .app
        .choose_target(&id, "eu-north-1")
        .await
        .expect("chosen");
    stage.app.open_console(&id).await.expect("opened");
    let page = stage.next_page().await;
    let field = |page: &url::Url, name: &str| {
        page.query_pairs()
            .find(|(key, _)| key == name)
            .expect("the field is there")
            .1
            .into_owned()
    };
    assert_eq!(
        field(&page, "Destination"),
        "https://eu-north-1.console.aws.amazon.com/console/home?region=eu-north-1"
    );
    assert!(
        stage
            .clouds
            .secrets()
            .contains(&field(&page, "SigninToken"))
    );

    stage.app.open_aws_console(&id, true).await.expect("opened");
    let page = stage.next_page().await;
    assert_eq!(
        (page.path(), field(&page, "Action").as_str()),
        ("/oauth", "logout")
    );
    assert!(field(&page, "redirect_uri").contains("SigninToken="));
    let azure = stage.connect(crate::stage::ADA).await.expect("connected");
    let error = stage
        .app
        .open_aws_console(&azure, true)
        .await
        .expect_err("not AWS");
    assert_eq!(error.code(), Code::Unsupported);
}

#[tokio::test]
async fn the_organisation_is_information_for_a_role_that_may_list_it_and_nothing_for_others() {
    let stage = Stage::start().await;
    prepare(&stage).await;
    let auditor = ConnectRole {
        role_arn: Some("arn:aws:iam::111122223333:role/Auditor".into()),
        ..ConnectRole::default()
    };
    let id = finish(&stage, with(auditor)).await.expect("connected");
    let names = || -> Vec<String> {
        stage
            .app
            .organization(&id)
            .expect("known")
            .into_iter()
            .map(|account| account.name)
            .collect()
    };
    stage
        .until(|snapshot| snapshot.accounts[0].target_count > 30)
        .await;
    let all = ["Contoso identity", "Contoso production", "Contoso staging"];
    assert_eq!(names(), all);

    stage
        .clouds
        .faults()
        .add(Rule::new(Endpoint::AwsAccounts, Fault::throttled()).times(1));
    stage
        .app
        .read_targets(&id)
        .await
        .expect("the regions need nobody");
    assert_eq!(
        names(),
        all,
        "what was known stays when AWS gives no answer"
    );

    let reader = connect(&stage, "Reader").await.expect("connected");
    stage
        .app
        .read_targets(&reader)
        .await
        .expect("the regions need nobody");
    assert!(stage.app.organization(&reader).expect("known").is_empty());
}
