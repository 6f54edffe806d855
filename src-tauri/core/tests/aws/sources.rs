//! Who calls: the environment, profiles, sessions that are over, and a clock that is off.

use std::path::PathBuf;

use jiff::SignedDuration;
use mcm_core::app::EnteredKeys;
use mcm_core::error::Code;
use mcm_core::provider::aws::AwsSourceKind;
use mcm_core::role::Source;
use mcm_core::snapshot::Status;
use sandbox_clouds::{Clock, Endpoint, Fault, ServiceError};

use crate::harness::Harness;
use crate::roles::{caller, connect, finish, prepare, wanted};

/// A harness whose shared config of AWS is written by the test.
struct Shared {
    harness: Harness,
    config: PathBuf,
    credentials: PathBuf,
    _folder: tempfile::TempDir,
}

async fn shared(variables: &[(&str, &str)]) -> Shared {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config");
    let path = config.to_str().expect("a plain path").to_owned();
    let credentials = folder.path().join("credentials");
    let nothing = credentials.to_str().expect("a plain path").to_owned();
    let mut all = vec![
        ("AWS_CONFIG_FILE", path.as_str()),
        ("AWS_SHARED_CREDENTIALS_FILE", nothing.as_str()),
    ];
    all.extend(variables);
    let harness = Harness::with(|_| {}, &all).await;
    Shared {
        harness,
        config,
        credentials,
        _folder: folder,
    }
}

impl Shared {
    #[expect(clippy::disallowed_methods, reason = "the AWS CLI writes this file")]
    fn write(&self, text: &str) {
        std::fs::write(&self.config, text).expect("written");
    }

    #[expect(clippy::disallowed_methods, reason = "the AWS CLI writes this file")]
    fn write_credentials(&self, text: &str) {
        std::fs::write(&self.credentials, text).expect("written");
    }
}

#[tokio::test]
async fn typed_keys_need_no_file_and_take_nothing_from_one() {
    let shared = shared(&[("AWS_PROFILE", "gone")]).await;
    for text in [
        "[default]\n  region = x\n[profile broken\n",
        "[default]\nendpoint_url = http://localhost:1\nregion = cn-north-1\n",
    ] {
        shared.write(text);
        let ada = shared.harness.clouds.aws_access_key("ada").expect("a user");
        let keys = EnteredKeys {
            mfa_device: None,
            access_key_id: ada.id,
            secret_access_key: ada.secret.into(),
            session_token: None,
        };
        let caller = shared.harness.app.add_access_keys(keys).await;
        assert_eq!(
            caller.expect("checked").arn,
            "arn:aws:iam::111122223333:user/ada",
            "{text}"
        );
    }
}

#[tokio::test]
async fn the_user_sees_whose_keys_are_in_the_environment_and_a_profile_is_never_mistaken_for_them()
{
    let shared = shared(&[]).await;
    let harness = &shared.harness;
    let grace = harness.clouds.aws_access_key("grace").expect("a user");
    shared.write(&format!(
        "[profile grace]\nregion = eu-west-1\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        grace.id, grace.secret
    ));
    let ambient = caller(&harness.app, "default").await.expect("a caller");
    assert_eq!(ambient.arn, "arn:aws:iam::111122223333:user/ada");
    assert_eq!(ambient.region.as_deref(), Some("eu-central-1"));
    let named = caller(&harness.app, "profile:grace")
        .await
        .expect("a caller");
    assert_eq!(
        named.arn, "arn:aws:iam::111122223333:user/grace",
        "the environment does not stand in for it"
    );
    assert!(
        harness.clouds.aws_assumptions().is_empty(),
        "nothing but the name was asked for"
    );
}

#[tokio::test]
async fn profiles_are_listed_with_where_their_credentials_come_from() {
    let shared = shared(&[]).await;
    shared.write(
        "[default]\nregion = us-east-2\n\
         [profile static]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = secret\n\
         [profile sso]\nsso_session = contoso\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
         [sso-session contoso]\nsso_region = eu-central-1\nsso_start_url = https://contoso.awsapps.com/start\n\
         [profile login]\nlogin_session = arn:aws:iam::111122223333:user/ada\n\
         [profile role]\nrole_arn = arn:aws:iam::111122223333:role/X\nsource_profile = sso\n\
         [profile program]\ncredential_process = /opt/keys\n\
         [profile url]\nsso_start_url = https://contoso.awsapps.com/start\ncredential_process = /opt/keys\n",
    );
    let sources = shared.harness.app.aws_sources().await.expect("listed");
    let reported: Vec<_> = sources
        .iter()
        .map(|source| {
            (
                source.source.to_string(),
                source.kind,
                source.sign_in_command.as_deref(),
            )
        })
        .collect();
    let reported: Vec<_> = reported
        .iter()
        .map(|(source, kind, command)| (source.as_str(), *kind, *command))
        .collect();
    assert_eq!(
        reported,
        [
            ("default", AwsSourceKind::Environment, None),
            ("profile:default", AwsSourceKind::Nothing, None),
            (
                "profile:login",
                AwsSourceKind::Login,
                Some("aws login --profile login")
            ),
            ("profile:program", AwsSourceKind::Process, None),
            (
                "profile:role",
                AwsSourceKind::Role,
                Some("aws sso login --profile sso")
            ),
            (
                "profile:sso",
                AwsSourceKind::IdentityCenter,
                Some("aws sso login --profile sso")
            ),
            ("profile:static", AwsSourceKind::StaticKeys, None),
            ("profile:url", AwsSourceKind::Process, None),
        ]
    );
    let error = caller(&shared.harness.app, "profile:nobody")
        .await
        .expect_err("no such profile");
    assert_eq!(error.code(), Code::NotFound);
    for odd in ["", "profile:", "keychain:x", "AKIAIOSFODNN7EXAMPLE"] {
        assert_eq!(
            caller(&shared.harness.app, odd)
                .await
                .expect_err(odd)
                .code(),
            Code::InvalidInput
        );
    }
}

#[tokio::test]
async fn half_a_key_is_refused_and_nothing_else_stands_in_for_it() {
    let shared = shared(&[]).await;
    let ada = shared.harness.clouds.aws_access_key("ada").expect("a user");
    let (id, secret) = (
        format!("aws_access_key_id = {}\n", ada.id),
        format!("aws_secret_access_key = {}\n", ada.secret),
    );
    shared.write(&format!(
        "[profile whole]\n{id}{secret}[profile half]\n{id}"
    ));
    shared.write_credentials(&format!("[whole]\n{id}"));
    for profile in ["profile:whole", "profile:half"] {
        let error = caller(&shared.harness.app, profile)
            .await
            .expect_err(profile);
        assert_eq!(error.code(), Code::SettingInvalid);
        assert!(
            error
                .message()
                .contains("without its aws_secret_access_key"),
            "{error}"
        );
    }
    shared.write_credentials("[whole]\nregion = eu-west-1\n");
    assert_eq!(
        caller(&shared.harness.app, "profile:whole")
            .await
            .expect("whole")
            .arn,
        "arn:aws:iam::111122223333:user/ada"
    );
}

#[tokio::test]
async fn a_shared_file_that_cannot_be_understood_is_named_and_not_quoted() {
    let shared = shared(&[]).await;
    shared.write("[profile x\naws_secret_access_key = CANARY\n");
    let error = shared
        .harness
        .app
        .aws_sources()
        .await
        .expect_err("malformed");
    assert_eq!(error.code(), Code::SettingInvalid);
    assert!(
        error.message().contains("config") && !format!("{error:?}").contains("CANARY"),
        "{error}"
    );
}

#[tokio::test]
async fn a_profile_whose_session_is_over_names_the_command_that_fixes_it() {
    let shared = shared(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")]).await;
    shared.write(
        "[profile dev]\nsso_session = contoso\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
         [sso-session contoso]\nsso_region = eu-central-1\nsso_start_url = https://contoso.awsapps.com/start\n\
         [profile web]\nlogin_session = arn:aws:iam::111122223333:user/ada\n",
    );
    for (profile, command) in [
        ("dev", "\"aws sso login --profile dev\""),
        ("web", "\"aws login --profile web\""),
    ] {
        let error = caller(&shared.harness.app, &format!("profile:{profile}"))
            .await
            .expect_err(profile);
        assert_eq!(error.code(), Code::SourceExpired, "{error}");
        assert!(error.message().contains(command), "{error}");
    }
}

#[tokio::test]
async fn a_profile_that_runs_this_app_is_no_source_by_itself_nor_through_others_nor_as_the_default()
{
    let shared = shared(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")]).await;
    let harness = &shared.harness;
    shared.write(
        "[default]\ncredential_process = mcm credential-process --active\n\
         [profile ours]\ncredential_process = \"/opt/Multi-Cloud Manager/mcm\" credential-process aws-01\n\
         [profile hop]\nrole_arn = arn:aws:iam::111122223333:role/X\nsource_profile = ours\n\
         [profile far]\nrole_arn = arn:aws:iam::111122223333:role/Y\nsource_profile = hop\n\
         [profile itself]\nrole_arn = arn:aws:iam::111122223333:role/Z\nsource_profile = itself\n\
         credential_process = mcm credential-process aws-01\n\
         [profile circle]\nrole_arn = arn:aws:iam::111122223333:role/Z\nsource_profile = circle2\n\
         [profile circle2]\nrole_arn = arn:aws:iam::111122223333:role/Z\nsource_profile = circle\n\
         [profile sso]\nsso_session = contoso\nsso_account_id = 111122223333\nsso_role_name = Dev\n\
         credential_process = mcm credential-process aws-01\n\
         [sso-session contoso]\nsso_region = eu-central-1\nsso_start_url = https://contoso.awsapps.com/start\n\
         [profile program]\ncredential_process = /opt/keys\n",
    );
    let refused: Vec<String> = harness
        .app
        .aws_sources()
        .await
        .expect("listed")
        .into_iter()
        .filter(|source| source.kind == AwsSourceKind::Ourselves)
        .map(|source| source.source.to_string())
        .collect();
    assert_eq!(
        refused,
        [
            "default",
            "profile:default",
            "profile:far",
            "profile:hop",
            "profile:itself",
            "profile:ours"
        ]
    );
    for source in &refused {
        let error = caller(&harness.app, source).await.expect_err(source);
        assert_eq!(error.code(), Code::SettingInvalid, "{source}: {error}");
        assert!(
            error
                .message()
                .contains("gets its credentials from this app"),
            "{source}: {error}"
        );
        let wanted = mcm_core::app::PrepareRole {
            source: Some(source.parse().expect(source)),
            ..Default::default()
        };
        assert!(harness.app.prepare_role(wanted).await.is_err(), "{source}");
    }
    let error = caller(&harness.app, "profile:far").await.expect_err("far");
    assert!(
        error
            .message()
            .contains("through its source_profile \"ours\""),
        "{error}"
    );
    assert_eq!(harness.clouds.requests(), [], "no request was sent");
    assert!(harness.app.pending_roles().expect("readable").is_empty());
}

#[tokio::test]
async fn a_role_is_not_prepared_nor_connected_with_a_session_that_is_over() {
    let shared = shared(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")]).await;
    let harness = &shared.harness;
    let hour = std::time::Duration::from_secs(3600);
    let key = harness.clouds.aws_session("ada", hour).expect("a user");
    let token = key.session_token.as_deref().expect("a session");
    shared.write(&format!(
        "[profile short]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {token}\n",
        key.id, key.secret
    ));
    let wanted = || mcm_core::app::PrepareRole {
        source: Some(Source::Profile("short".into()).into()),
        ..Default::default()
    };
    harness.app.prepare_role(wanted()).await.expect("prepared");
    harness.clock.advance(2 * hour);
    let error = finish(harness, crate::roles::wanted("Reader"))
        .await
        .expect_err("over");
    assert_eq!(error.code(), Code::SourceExpired);
    assert!(
        error
            .message()
            .contains("The session of AWS profile \"short\" has expired"),
        "{error}"
    );
    assert_eq!(
        harness
            .app
            .prepare_role(wanted())
            .await
            .expect_err("over")
            .code(),
        Code::SourceExpired
    );
    assert!(harness.rows().is_empty() && harness.clouds.aws_assumptions().is_empty());
}

#[tokio::test]
async fn the_region_of_a_role_is_its_profiles_at_first_and_any_of_the_partition_after() {
    let nothing = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ];
    let shared = shared(&nothing.map(|name| (name, ""))).await;
    let harness = &shared.harness;
    let ada = harness.clouds.aws_access_key("ada").expect("a user");
    let keys = format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        ada.id, ada.secret
    );
    shared.write(&format!(
        "[profile north]\nregion = eu-north-1\n{keys}[profile nowhere]\n{keys}"
    ));
    for (profile, role, region) in [
        ("north", "Reader", "eu-north-1"),
        ("nowhere", "LongReader", "us-east-1"),
    ] {
        let source = Some(Source::Profile(profile.to_owned()).into());
        let wanted = mcm_core::app::PrepareRole {
            source,
            ..Default::default()
        };
        harness.app.prepare_role(wanted).await.expect("prepared");
        let id = finish(harness, crate::roles::wanted(role))
            .await
            .expect("connected");
        harness.app.read_targets(&id).await.expect("a table");
        harness
            .until(|snapshot| {
                snapshot
                    .accounts
                    .iter()
                    .all(|row| row.reading_targets.is_none())
            })
            .await;
        assert_eq!(
            harness.row(&id).target.expect("a region").id,
            region,
            "{profile}"
        );
        harness
            .app
            .choose_target(&id, "ap-south-2")
            .await
            .expect("of the partition");
        let error = harness
            .app
            .choose_target(&id, "cn-north-1")
            .await
            .expect_err("of another");
        assert_eq!(error.code(), Code::NotFound);
        assert_eq!(harness.row(&id).target.expect("a region").id, "ap-south-2");
    }
}

#[tokio::test]
async fn a_source_session_that_ends_is_reported_and_the_account_recovers_when_it_is_renewed() {
    let shared = shared(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")]).await;
    let harness = &shared.harness;
    let write = |key: &sandbox_clouds::aws::AccessKey| {
        let token = key.session_token.as_deref().expect("a session");
        shared.write(&format!(
            "[profile short]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {token}\n",
            key.id, key.secret
        ));
    };
    let hour = std::time::Duration::from_secs(3600);
    write(&harness.clouds.aws_session("ada", hour).expect("a user"));
    let wanted = mcm_core::app::PrepareRole {
        source: Some(Source::Profile("short".into()).into()),
        ..Default::default()
    };
    harness.app.prepare_role(wanted).await.expect("prepared");
    let id = finish(harness, crate::roles::wanted("Reader"))
        .await
        .expect("connected");

    harness.clock.advance(2 * hour);
    let error = harness.app.session(&id).await.expect_err("over");
    assert_eq!(error.code(), Code::SourceExpired);
    assert!(error.message().contains("profile \"short\""), "{error}");
    assert_eq!(
        harness.row(&id).status,
        Status::Expired,
        "a new sign-in here would not help"
    );

    write(&harness.clouds.aws_session("ada", hour).expect("a user"));
    harness.clock.advance(std::time::Duration::from_secs(31));
    harness.app.session(&id).await.expect("recovers by itself");
    assert_eq!(harness.row(&id).status, Status::Connected);
}

#[tokio::test]
async fn a_clock_that_is_ten_minutes_off_is_named_with_its_direction() {
    for (minutes, word) in [(10, "10 minutes behind"), (-10, "10 minutes ahead")] {
        let harness = Harness::with(
            |options| {
                let right = options.clock.clone();
                options.clock =
                    Clock::new(move || right.now() + SignedDuration::from_mins(minutes));
            },
            &[],
        )
        .await;
        let error = caller(&harness.app, "default").await.expect_err("off");
        assert_eq!(error.code(), Code::ClockOff);
        assert!(error.message().contains(word), "{error}");
        assert!(error.is_transient(), "setting the clock is enough");
        let role = mcm_core::app::ConnectRole {
            role_arn: Some(crate::roles::role("Reader")),
            external_id: Some("Contoso:42".into()),
            ..Default::default()
        };
        let error = finish(&harness, crate::roles::with(role))
            .await
            .expect_err("off");
        assert_eq!(error.code(), Code::ClockOff);
        assert!(harness.rows().is_empty());
    }
}

#[tokio::test]
async fn each_refusal_of_aws_is_reported_with_what_to_do_and_nothing_is_connected() {
    for (code, status, reported, part) in [
        (
            "ExpiredToken",
            403,
            Code::SourceExpired,
            "AWS_SESSION_TOKEN) has expired",
        ),
        (
            "ExpiredTokenException",
            400,
            Code::SourceExpired,
            "AWS_SESSION_TOKEN) has expired",
        ),
        (
            "RegionDisabledException",
            403,
            Code::SettingInvalid,
            "Set AWS_REGION to another region",
        ),
        (
            "InvalidClientTokenId",
            403,
            Code::SourceExpired,
            "belongs to another partition",
        ),
        (
            "UnrecognizedClientException",
            400,
            Code::SourceExpired,
            "belongs to another partition",
        ),
        (
            "SignatureDoesNotMatch",
            403,
            Code::SourceExpired,
            "secret access key does not match",
        ),
        (
            "RequestTimeTooSkewed",
            403,
            Code::SourceExpired,
            "secret access key does not match",
        ),
        (
            "Throttling",
            400,
            Code::Throttled,
            "received too many requests",
        ),
        (
            "InternalFailure",
            500,
            Code::ServerFailed,
            "temporarily unavailable",
        ),
        (
            "AccessDenied",
            403,
            Code::RoleRefused,
            "a policy of the organisation denies it",
        ),
    ] {
        let harness = Harness::start().await;
        prepare(&harness).await;
        let message = "a sentence of AWS's".to_owned();
        let fault = Fault::ServiceError(ServiceError {
            status,
            code: code.to_owned(),
            message,
        });
        harness
            .clouds
            .faults()
            .always(Endpoint::AwsCallerIdentity, fault);
        let error = finish(&harness, wanted("Reader")).await.expect_err(code);
        assert_eq!(error.code(), reported, "{code}: {error}");
        assert!(error.message().contains(part), "{code}: {error}");
        // Which policy denies it, only AWS knows.
        assert_eq!(
            error.message().contains("AWS says: a sentence of AWS's"),
            code == "AccessDenied",
            "{code}: {error}"
        );
        assert!(
            harness.rows().is_empty() && harness.clouds.aws_assumptions().is_empty(),
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_network_that_is_gone_is_offline_and_keeps_the_session() {
    let harness = Harness::start().await;
    let id = connect(&harness, "Reader").await.expect("connected");
    harness
        .clouds
        .faults()
        .always(Endpoint::AwsCallerIdentity, Fault::Drop);
    let error = harness.app.renew(&id).await.expect_err("gone");
    assert!(error.is_transient(), "{error:?}");
    assert_eq!(
        harness.row(&id).status,
        Status::Connected,
        "the session lives on"
    );
    harness.app.session(&id).await.expect("still valid");
}

#[tokio::test]
async fn an_endpoint_that_is_neither_https_nor_this_machine_is_refused() {
    let harness = Harness::with(
        |_| {},
        &[("AWS_ENDPOINT_URL_STS", "http://sts.evil.example")],
    )
    .await;
    let error = caller(&harness.app, "default").await.expect_err("refused");
    assert_eq!(error.code(), Code::SettingInvalid);
    prepare_fails(&harness).await;
    assert!(harness.app.connect(wanted("Reader")).is_err());
}

async fn prepare_fails(harness: &Harness) {
    let prepared = harness.app.prepare_role(Default::default()).await;
    assert!(prepared.is_err() && harness.app.pending_roles().expect("readable").is_empty());
    let _ = prepare;
}
