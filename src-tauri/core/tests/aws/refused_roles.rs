//! What the user reads when AWS refuses a role: its own sentence, and the causes that can be told apart.

use std::time::Duration;

use mcm_core::app::ConnectRole;
use mcm_core::error::Code;
use mcm_core::snapshot::Status;
use mcm_core::world::Clock as _;
use sandbox_clouds::aws::directory::{Condition, Role, Statement, Trusted, Wanted};
use sandbox_clouds::{Endpoint, Fault};

use crate::harness::{Harness, within};
use crate::roles::{
    PRODUCTION, attempts, caller, connect, finish, is_retrying, prepare, role, verification,
    wanted, with,
};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_refusal_shows_awss_own_sentence_cleaned_before_our_causes() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let denial = "User: arn:aws:iam::111122223333:user/ada is not authorized to perform: sts:AssumeRole on resource: \
                   arn:aws:iam::444455556666:role/Reader with an explicit deny in a service control policy: \
                   arn:aws:organizations::111122223333:policy/o-1/service_control_policy/p-1\u{1b}[31m\u{202e}";
    let fault = Fault::ServiceError(sandbox_clouds::ServiceError {
        status: 403,
        code: "AccessDenied".to_owned(),
        message: denial.to_owned(),
    });
    harness
        .clouds
        .faults()
        .always(Endpoint::AwsAssumeRole, fault);
    let error = finish(&harness, wanted("Reader"))
        .await
        .expect_err("refused");
    let message = error.message();
    let (sentence, causes) = message.split_once("Possible causes:").expect("both parts");
    assert!(
        sentence.contains(
            "explicit deny in a service control policy: arn:aws:organizations::111122223333:policy/"
        ),
        "{message}"
    );
    assert!(!message.contains(['\u{1b}', '\u{202e}']), "{message}");
    assert!(
        causes.contains("aws:MultiFactorAuthPresent") && causes.contains("sts:RoleSessionName"),
        "{message}"
    );
    assert!(!message.contains("gives no reason"), "{message}");
}

#[tokio::test]
async fn a_role_that_trusts_another_user_is_given_up_after_a_minute_with_everything_to_compare() {
    let harness = Harness::start().await;
    let external_id = prepare(&harness).await;
    let started = harness.clock.now();
    let error = finish(&harness, wanted("ForeignReader"))
        .await
        .expect_err("refused");
    assert_eq!(error.code(), Code::RoleRefused);
    let waited = harness.clock.now().duration_since(started);
    assert!((60..=70).contains(&waited.as_secs()), "{waited:?}");
    for part in [
        "arn:aws:iam::111122223333:user/ada",
        role("ForeignReader").as_str(),
        external_id.as_str(),
        "AWS says: User: arn:aws:iam::111122223333:user/ada is not authorized to perform: sts:AssumeRole",
        "(1)",
        "(5)",
        "aws:MultiFactorAuthPresent",
        "sts:RoleSessionName",
        "aws iam get-role --role-name ForeignReader",
        "Ruled out",
    ] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert!(harness.rows().is_empty());
}

#[tokio::test]
async fn a_role_that_wants_another_id_is_distinguished_from_the_other_causes_when_it_can_be() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let ada = Trusted::Arn("arn:aws:iam::111122223333:user/ada".into());
    let condition = Condition::ExternalIdIfExists(Wanted::Exactly("another-users".into()));
    let odd = Role::new(PRODUCTION, "Odd").trust(Statement {
        principal: ada,
        condition,
    });
    harness.clouds.put_aws_role(odd);
    let error = finish(&harness, wanted("Odd")).await.expect_err("refused");
    assert_eq!(error.code(), Code::RoleRefused);
    assert!(
        error
            .message()
            .contains("Possible causes:\n(1) its trust policy requires an External ID other than"),
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
async fn in_the_callers_own_account_a_missing_role_is_reported_and_one_that_is_there_is_ruled_out()
{
    let harness = Harness::start().await;
    prepare(&harness).await;
    let own = |name: &str| {
        let role_arn = Some(format!("arn:aws:iam::111122223333:role/{name}"));
        with(ConnectRole {
            role_arn,
            ..ConnectRole::default()
        })
    };
    let error = finish(&harness, own("Nothing")).await.expect_err("refused");
    assert!(
        error
            .message()
            .contains("account 111122223333 has no role Nothing"),
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
    harness.clouds.put_aws_role(theirs);
    let error = finish(&harness, own("Theirs")).await.expect_err("refused");
    assert!(
        error.message().contains("the clock; a missing role."),
        "{error}"
    );
    assert!(
        error.message().contains("(4)") && !error.message().contains("(5)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_role_is_refused_to_another_users_keys_with_the_caller_its_template_was_made_for() {
    let harness = Harness::start().await;
    let external_id = prepare(&harness).await;
    let grace = harness.clouds.aws_access_key("grace").expect("a user");
    let shell = harness.app_with(&[
        ("AWS_ACCESS_KEY_ID", &grace.id),
        ("AWS_SECRET_ACCESS_KEY", &grace.secret),
    ]);
    let caller = caller(&shell, "default").await.expect("a caller");
    assert_eq!(
        caller.arn, "arn:aws:iam::111122223333:user/grace",
        "said before anything is asked for"
    );
    assert!(attempts(&harness, "Reader").is_empty());

    let id = shell.connect(wanted("Reader")).expect("started");
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
    harness.clock.advance(2 * MINUTE);
    let error = within(shell.sign_in_ended(id)).await.expect_err("refused");
    assert_eq!(error.code(), Code::RoleRefused);
    for part in [
        "a principal other than arn:aws:iam::111122223333:user/grace",
        "its template was made for arn:aws:iam::111122223333:user/ada",
        "AWS_ACCESS_KEY_ID",
        &external_id,
    ] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
    assert!(harness.rows().is_empty());
    assert_eq!(
        harness.app.pending_roles().expect("readable").len(),
        1,
        "the id still waits for its role"
    );
}

#[tokio::test]
async fn a_role_that_is_gone_asks_the_user_and_names_the_causes() {
    let harness = Harness::start().await;
    let id = connect(&harness, "Reader").await.expect("connected");
    harness.clouds.remove_aws_role(&role("Reader"));
    let error = harness.app.renew(&id).await.expect_err("refused");
    assert_eq!(error.code(), Code::RoleRefused);
    assert!(error.message().contains("no longer"), "{error}");
    assert_eq!(harness.row(&id).status, Status::SignInAgain);
}
