//! AWS: which roles a caller may assume, with which External ID, and for how long.

use jiff::{SignedDuration, Timestamp};
use sandbox_clouds::aws::AccessKey;
use sandbox_clouds::aws::directory::{
    Appears, Condition, PRODUCTION_ACCOUNT, Role, STAGING_ACCOUNT, Statement, Trusted, Wanted,
};
use sandbox_clouds::{Endpoint, Fault, Options, Sandbox};

use crate::app::sandbox;
use crate::aws_app::{assume, caller_identity, element, refused, session};
use crate::clock::{now, sandbox_with_clock};

const ID: (&str, &str) = ("ExternalId", "mcm-0123456789abcdef0123456789abcdef");
const OTHER_ID: (&str, &str) = ("ExternalId", "mcm-ffffffffffffffffffffffffffffffff");

fn production(role: &str) -> String {
    format!("arn:aws:iam::{PRODUCTION_ACCOUNT}:role/{role}")
}

fn ada(clouds: &Sandbox) -> AccessKey {
    clouds.aws_access_key("ada").expect("there is such a user")
}

/// Whether the role can be assumed with the right External ID, without one, and with a wrong one.
async fn probe(clouds: &Sandbox, role: &str) -> [bool; 3] {
    let key = ada(clouds);
    let mut results = [false; 3];
    for (result, fields) in results.iter_mut().zip([&[ID][..], &[], &[OTHER_ID]]) {
        *result = assume(clouds, &key, &production(role), fields)
            .send()
            .await
            .status()
            == 200;
    }
    results
}

#[tokio::test]
async fn an_assumed_role_says_who_it_is_and_for_how_long() {
    let clouds = sandbox().await;
    let response = assume(&clouds, &ada(&clouds), &production("Reader"), &[ID])
        .send()
        .await;
    let body = response.text().await.expect("a body");
    let arn = format!("arn:aws:sts::{PRODUCTION_ACCOUNT}:assumed-role/Reader/multi-cloud-manager");
    assert_eq!(element(&body, "Arn").as_ref(), Some(&arn));
    let expires: Timestamp = element(&body, "Expiration")
        .expect("a time")
        .parse()
        .expect("RFC 3339");
    let life = expires.duration_since(now());
    assert!((3590..=3600).contains(&life.as_secs()), "{life:?}");

    let key = AccessKey {
        id: element(&body, "AccessKeyId").expect("an id"),
        secret: element(&body, "SecretAccessKey").expect("a secret"),
        session_token: element(&body, "SessionToken"),
    };
    assert!(key.id.starts_with("ASIA") && key.id.len() == 20);
    let secrets = clouds.secrets();
    assert!(secrets.contains(&key.secret));
    assert!(
        key.session_token
            .as_ref()
            .is_some_and(|token| secrets.contains(token))
    );
    let identity = caller_identity(&clouds, &key)
        .send()
        .await
        .text()
        .await
        .expect("a body");
    assert_eq!(element(&identity, "Arn"), Some(arn));
    assert_eq!(
        element(&identity, "Account").as_deref(),
        Some(PRODUCTION_ACCOUNT)
    );
}

#[tokio::test]
async fn roles_differ_in_how_they_treat_the_external_id() {
    let clouds = sandbox().await;
    assert_eq!(probe(&clouds, "Reader").await, [true, false, false]);
    assert_eq!(probe(&clouds, "IgnoringReader").await, [true, true, true]);
    assert_eq!(probe(&clouds, "LenientReader").await, [true, true, false]);
    assert_eq!(probe(&clouds, "LeakyReader").await, [true, true, true]);
    assert_eq!(probe(&clouds, "ForeignReader").await, [false, false, false]);

    let seen = clouds.aws_assumptions();
    assert_eq!(seen.len(), 15);
    assert_eq!(seen[1].external_id, None);
    assert_eq!(
        (seen[2].external_id.as_deref(), seen[2].was_allowed),
        (Some(OTHER_ID.1), false)
    );
}

#[tokio::test]
async fn every_reason_to_refuse_looks_the_same() {
    let clouds = sandbox().await;
    let (ada, grace) = (
        ada(&clouds),
        clouds
            .aws_access_key("grace")
            .expect("there is such a user"),
    );
    for (key, role) in [
        (&ada, "Nobody"),
        (&ada, "ForeignReader"),
        (&ada, "Reader"),
        (&grace, "LeakyReader"),
    ] {
        let response = assume(&clouds, key, &production(role), &[]).send().await;
        let body = response.text().await.expect("a body");
        assert_eq!(element(&body, "Code").as_deref(), Some("AccessDenied"));
        let message = element(&body, "Message").expect("a message");
        let ending = format!(
            "is not authorized to perform: sts:AssumeRole on resource: {}",
            production(role)
        );
        assert!(
            message.starts_with("User: arn:aws:iam::111122223333:user/"),
            "{message}"
        );
        assert!(message.ends_with(&ending), "{message}");
    }
}

#[tokio::test]
async fn the_root_of_an_account_trusts_those_whose_own_policy_allows_it() {
    let clouds = sandbox().await;
    let auditor = "arn:aws:iam::111122223333:role/Auditor";
    let grace = clouds
        .aws_access_key("grace")
        .expect("there is such a user");
    assert_eq!(
        assume(&clouds, &grace, auditor, &[ID])
            .send()
            .await
            .status(),
        403
    );
    assert_eq!(
        assume(&clouds, &ada(&clouds), auditor, &[ID])
            .send()
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn a_new_role_appears_late() {
    let clouds = sandbox().await;
    let key = ada(&clouds);
    let ask = async |role: &str| {
        assume(&clouds, &key, &production(role), &[ID])
            .send()
            .await
            .status()
            .as_u16()
    };
    assert_eq!(
        [
            ask("LateReader").await,
            ask("LateReader").await,
            ask("LateReader").await
        ],
        [403, 403, 200]
    );

    let trust = Statement {
        principal: Trusted::AnyPrincipal,
        condition: Condition::None,
    };
    let role = Role::new(PRODUCTION_ACCOUNT, "Planned").trust(trust);
    clouds.put_aws_role(role.clone().appear(Appears::At(Timestamp::MAX)));
    assert_eq!(ask("Planned").await, 403);
    clouds.put_aws_role(role.appear(Appears::At(Timestamp::MIN)));
    assert_eq!(ask("Planned").await, 200);
    clouds.remove_aws_role(&production("Planned"));
    assert_eq!(ask("Planned").await, 403);
}

#[tokio::test]
async fn a_role_can_be_made_for_one_external_id() {
    let clouds = sandbox().await;
    let condition = Condition::ExternalId(Wanted::Exactly(OTHER_ID.1.to_owned()));
    let principal = Trusted::Account("111122223333".to_owned());
    clouds.put_aws_role(Role::new(PRODUCTION_ACCOUNT, "Reader").trust(Statement {
        principal,
        condition,
    }));
    assert_eq!(probe(&clouds, "Reader").await, [false, false, true]);
}

#[tokio::test]
async fn sessions_last_as_long_as_the_role_allows() {
    let clouds = sandbox().await;
    let key = ada(&clouds);
    let ask = async |role: &str, seconds: &str| {
        let fields = [ID, ("DurationSeconds", seconds)];
        assume(&clouds, &key, &production(role), &fields)
            .send()
            .await
    };
    assert_eq!(ask("LongReader", "43200").await.status(), 200);
    assert_eq!(ask("Reader", "3600").await.status(), 200);
    let too_long = ask("Reader", "3601").await.text().await.expect("a body");
    assert_eq!(
        element(&too_long, "Message").as_deref(),
        Some("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    );
    for invalid in ["899", "43201", "soon"] {
        assert_eq!(
            refused(ask("LongReader", invalid).await).await,
            (400, "ValidationError".into())
        );
    }
}

#[tokio::test]
async fn a_chained_session_lasts_an_hour_at_most() {
    let clouds = sandbox().await;
    let hop = session(
        assume(&clouds, &ada(&clouds), &production("Reader"), &[ID])
            .send()
            .await,
    )
    .await;
    let chained = format!("arn:aws:iam::{STAGING_ACCOUNT}:role/Chained");
    assert_eq!(
        assume(&clouds, &hop, &chained, &[]).send().await.status(),
        200
    );
    let two_hours = assume(&clouds, &hop, &chained, &[("DurationSeconds", "7200")])
        .send()
        .await;
    let body = two_hours.text().await.expect("a body");
    assert!(
        element(&body, "Message")
            .expect("a message")
            .contains("1 hour session limit"),
        "{body}"
    );
}

#[tokio::test]
async fn what_the_model_of_the_api_forbids_is_not_valid() {
    let clouds = sandbox().await;
    let key = ada(&clouds);
    for (name, value) in [
        ("ExternalId", "x"),
        ("ExternalId", "has a space"),
        ("RoleSessionName", "a/b"),
        ("RoleSessionName", "x"),
    ] {
        let request = assume(&clouds, &key, &production("Reader"), &[(name, value)]);
        assert_eq!(
            refused(request.send().await).await,
            (400, "ValidationError".into()),
            "{name}={value}"
        );
    }
    let short = assume(&clouds, &key, "arn:aws:iam", &[]);
    assert_eq!(refused(short.send().await).await.1, "ValidationError");
}

#[tokio::test]
async fn a_signature_needs_the_right_secret_time_and_service() {
    let clouds = sandbox().await;
    let key = ada(&clouds);
    let wrong = AccessKey {
        secret: "another".to_owned(),
        ..key.clone()
    };
    let signature = |code: &str| (403, code.to_owned());
    assert_eq!(
        refused(caller_identity(&clouds, &wrong).send().await).await,
        signature("SignatureDoesNotMatch")
    );
    for minutes in [-6, 6] {
        let mut request = caller_identity(&clouds, &key);
        request.at += SignedDuration::from_mins(minutes);
        assert_eq!(
            refused(request.send().await).await,
            signature("SignatureDoesNotMatch")
        );
    }
    let mut request = caller_identity(&clouds, &key);
    request.service = "iam";
    assert_eq!(
        refused(request.send().await).await,
        signature("SignatureDoesNotMatch")
    );

    let unsigned = crate::app::client()
        .post(clouds.sts_endpoint())
        .send()
        .await
        .expect("an answer");
    assert_eq!(
        refused(unsigned).await,
        signature("MissingAuthenticationToken")
    );
    clouds.deactivate_aws_key(&key.id);
    assert_eq!(
        refused(caller_identity(&clouds, &key).send().await).await,
        signature("InvalidClientTokenId")
    );
}

#[tokio::test]
async fn a_session_ends_on_time_and_is_nothing_without_its_token() {
    let (clouds, hands) = sandbox_with_clock(Options::default()).await;
    let expired = clouds
        .aws_session("ada", std::time::Duration::ZERO)
        .expect("there is such a user");
    let code = async |key: &AccessKey, at: Timestamp| {
        let mut request = assume(&clouds, key, &production("Reader"), &[ID]);
        request.at = at;
        refused(request.send().await).await.1
    };
    assert_eq!(code(&expired, hands.start).await, "ExpiredToken");

    let role = session(
        assume(&clouds, &ada(&clouds), &production("Reader"), &[ID])
            .send()
            .await,
    )
    .await;
    let without_token = AccessKey {
        session_token: None,
        ..role.clone()
    };
    assert_eq!(
        code(&without_token, hands.start).await,
        "InvalidClientTokenId"
    );
    assert_eq!(code(&role, hands.start).await, "AccessDenied");
    hands.move_to(3600);
    assert_eq!(
        code(&role, hands.start + SignedDuration::from_secs(3600)).await,
        "ExpiredToken"
    );
}

#[tokio::test]
async fn a_service_can_be_set_to_refuse() {
    let clouds = sandbox().await;
    clouds
        .faults()
        .next(Endpoint::AwsAssumeRole, Fault::throttled());
    let request = assume(&clouds, &ada(&clouds), &production("Reader"), &[ID])
        .send()
        .await;
    assert_eq!(refused(request).await, (400, "Throttling".into()));

    clouds
        .faults()
        .next(Endpoint::AwsCallerIdentity, Fault::status(503));
    assert_eq!(
        caller_identity(&clouds, &ada(&clouds))
            .send()
            .await
            .status(),
        503
    );
    let endpoints: Vec<_> = clouds
        .requests()
        .iter()
        .map(|request| request.endpoint)
        .collect();
    assert_eq!(
        endpoints,
        [
            Some(Endpoint::AwsAssumeRole),
            Some(Endpoint::AwsCallerIdentity)
        ]
    );
}

#[tokio::test]
async fn a_session_policy_narrows_a_session_and_must_be_a_managed_policy() {
    let clouds = sandbox().await;
    let ada = ada(&clouds);
    let trusting = |name: &str| {
        Role::new(PRODUCTION_ACCOUNT, name)
            .trust(Statement {
                principal: Trusted::AnyPrincipal,
                condition: Condition::None,
            })
            .allow_assuming()
    };
    clouds.put_aws_role(trusting("First"));
    clouds.put_aws_role(trusting("Second"));
    let policy = |arn| [("PolicyArns.member.1.arn", arn)];
    let refused = assume(
        &clouds,
        &ada,
        &production("First"),
        &policy("arn:aws:iam::aws:policy/NoSuch"),
    );
    assert_eq!(refused.send().await.status(), 400);
    let narrow = policy("arn:aws:iam::aws:policy/ReadOnlyAccess");
    for (fields, status) in [(&[][..], 200), (&narrow[..], 403)] {
        let answer = assume(&clouds, &ada, &production("First"), fields);
        let body = answer.send().await.text().await.expect("a body");
        let key = AccessKey {
            id: element(&body, "AccessKeyId").expect("an id"),
            secret: element(&body, "SecretAccessKey").expect("a secret"),
            session_token: element(&body, "SessionToken"),
        };
        let next = assume(&clouds, &key, &production("Second"), &[]);
        assert_eq!(next.send().await.status(), status, "{fields:?}");
    }
    let last = clouds.aws_assumptions().pop().expect("it was asked");
    assert!(!last.was_allowed && last.session_policies.is_empty());
}
