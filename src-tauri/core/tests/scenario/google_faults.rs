//! Google accounts when something is wrong: settings, answers, keys, lists.

use std::time::Duration;

use mcm_core::account::Cloud;
use mcm_core::error::Code;
use mcm_core::snapshot::Status;
use sandbox_clouds::google::{DESKTOP_CLIENT_ID, DESKTOP_CLIENT_SECRET, ProjectPolicy};
use sandbox_clouds::{Endpoint, Fault, GoogleDirectory, Options, Rule, Sandbox};

use crate::google::{FREELANCER, again, connect, google, refresh_token, settled, user};
use crate::harness::{ADA, Harness, within};

#[tokio::test]
async fn an_id_token_that_fails_a_check_connects_no_account() {
    for fault in [
        Fault::WrongNonce,
        Fault::WrongIssuer,
        Fault::WrongAudience,
        Fault::ExpiredIdToken,
        Fault::WrongSignature,
    ] {
        let harness = Harness::start().await;
        harness
            .clouds
            .faults()
            .next(Endpoint::GoogleToken, fault.clone());
        let error = connect(&harness, ADA).await.expect_err("a bad token");
        let code = match fault {
            Fault::ExpiredIdToken => Code::ClockOff,
            _ => Code::SignInRejected,
        };
        assert_eq!(error.code(), code, "{fault:?}: {error}");
        assert!(harness.rows().is_empty());
        connect(&harness, ADA)
            .await
            .expect("the next sign-in works");
    }
}

#[tokio::test]
async fn an_answer_from_an_unknown_issuer_or_from_another_issuer_is_not_used() {
    // The discovery document promises an `iss`.
    for fault in [Fault::WrongIssuer, Fault::MissingIssuer] {
        let harness = Harness::start().await;
        harness
            .clouds
            .faults()
            .next(Endpoint::GoogleAuthorize, fault.clone());
        let error = connect(&harness, ADA).await.expect_err("a mixed-up answer");
        assert_eq!(error.code(), Code::SignInRejected, "{fault:?}");
        let redeemed = harness
            .clouds
            .requests()
            .iter()
            .any(|r| r.endpoint == Some(Endpoint::GoogleToken));
        assert!(
            !redeemed && harness.rows().is_empty(),
            "the code was not sent anywhere"
        );
    }
}

#[tokio::test]
async fn the_issuer_of_an_id_token_may_lack_its_scheme() {
    let bare = ProjectPolicy {
        has_bare_issuer: true,
        ..ProjectPolicy::default()
    };
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    harness.clouds.set_google_policy(bare);
    assert_eq!(
        connect(&harness, ADA).await.expect("connected again"),
        id,
        "one user, one row"
    );
    harness.app.renew(&id).await.expect("renewed");
}

#[tokio::test]
async fn a_signing_key_that_is_rotated_in_the_middle_of_a_sign_in_is_fetched_once() {
    let harness = Harness::start().await;
    connect(&harness, ADA).await.expect("connected");
    let keys = || {
        let requests = harness.clouds.requests();
        requests
            .iter()
            .filter(|request| request.endpoint == Some(Endpoint::GoogleKeys))
            .count()
    };
    assert_eq!(keys(), 1);
    let id = harness.app.connect(google()).expect("started");
    let page = harness.next_page().await;
    harness.clouds.rotate_google_signing_key();
    user(FREELANCER).browse(page.as_str()).await;
    let id = within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
    settled(&harness, &id).await;
    assert_eq!(keys(), 2);

    // Tokens with keys that do not exist cannot make the app ask again and again.
    for _ in 0..3 {
        harness
            .clouds
            .faults()
            .next(Endpoint::GoogleToken, Fault::WrongSignature);
        harness
            .sign_in(google(), &user(ADA))
            .await
            .expect_err("an unknown key");
    }
    assert_eq!(keys(), 2);
    harness.clock.advance(Duration::from_secs(61));
    harness
        .clouds
        .faults()
        .next(Endpoint::GoogleToken, Fault::WrongSignature);
    harness
        .sign_in(google(), &user(ADA))
        .await
        .expect_err("an unknown key");
    assert_eq!(keys(), 3);
}

#[tokio::test]
async fn an_address_that_is_not_verified_is_not_shown() {
    let harness = Harness::start().await;
    harness
        .clouds
        .faults()
        .next(Endpoint::GoogleToken, Fault::UnverifiedEmail);
    let id = connect(&harness, ADA).await.expect("connected");
    let row = harness.row(&id);
    assert!(
        row.name.bytes().all(|byte| byte.is_ascii_digit()),
        "the subject: {}",
        row.name
    );
    harness.app.renew(&id).await.expect("renewed");
    assert_eq!(harness.row(&id).name, ADA, "verified by now");
}

#[tokio::test]
async fn a_renewal_with_a_forged_or_foreign_id_token_is_dropped_and_tried_again() {
    for fault in [Fault::WrongAudience, Fault::WrongIssuer] {
        let harness = Harness::start().await;
        let id = connect(&harness, ADA).await.expect("connected");
        harness.clouds.faults().next(Endpoint::GoogleToken, fault);
        assert_eq!(
            harness.app.renew(&id).await.expect_err("dropped").code(),
            Code::ServerFailed
        );
        assert_eq!(harness.row(&id).status, Status::Connected);
        harness.app.renew(&id).await.expect("renewed");
    }
    // What would change the row must be signed.
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    harness
        .clouds
        .faults()
        .always(Endpoint::GoogleToken, Fault::WrongTenant);
    harness
        .clouds
        .faults()
        .next(Endpoint::GoogleToken, Fault::WrongSignature);
    assert_eq!(
        harness.app.renew(&id).await.expect_err("dropped").code(),
        Code::ServerFailed
    );
    let text = serde_json::to_string(&harness.row(&id)).expect("JSON");
    assert!(!text.contains("elsewhere.example"), "{text}");
}

#[tokio::test]
async fn without_a_client_secret_a_client_that_needs_none_works_and_another_says_what_to_set() {
    let lenient = ProjectPolicy {
        requires_secret: false,
        ..ProjectPolicy::default()
    };
    let harness = Harness::with(
        |options| options.google_policy = lenient,
        &[("GOOGLE_CLIENT_SECRET", "")],
    )
    .await;
    let id = connect(&harness, ADA).await.expect("connected");
    harness.app.renew(&id).await.expect("renewed");

    let harness = Harness::with(|_| {}, &[("GOOGLE_CLIENT_SECRET", "")]).await;
    let error = connect(&harness, ADA).await.expect_err("Google wants it");
    assert_eq!(error.code(), Code::SettingMissing);
    assert!(error.message().contains("GOOGLE_CLIENT_SECRET"), "{error}");
}

#[tokio::test]
async fn a_wrong_client_secret_is_named_and_never_shown() {
    let harness = Harness::with(|_| {}, &[("GOOGLE_CLIENT_SECRET", "CANARY-wrong-secret")]).await;
    let error = connect(&harness, ADA).await.expect_err("refused");
    assert_eq!(error.code(), Code::SettingInvalid);
    assert!(!format!("{error:?}").contains("CANARY"));
    assert!(
        !serde_json::to_string(&**harness.app.watch().borrow())
            .expect("JSON")
            .contains("CANARY")
    );
    assert!(!format!("{:?}", harness.app.settings()).contains("CANARY"));
}

#[tokio::test]
async fn a_client_id_of_another_kind_keeps_a_sign_in_from_starting() {
    let guid = "11111111-2222-3333-4444-555555555555";
    let harness = Harness::with(|_| {}, &[("GOOGLE_CLIENT_ID", guid)]).await;
    let error = harness.app.connect(google()).expect_err("refused");
    assert_eq!(error.code(), Code::SettingInvalid);
    assert!(
        error.message().contains(guid) && error.message().contains("Desktop app"),
        "{error}"
    );
    let view = harness.app.watch().borrow().clouds.clone();
    let view = view
        .iter()
        .find(|view| view.cloud == Cloud::Gcp)
        .expect("shown");
    assert!(!view.ready && view.sandbox && view.redirect_uris == ["http://127.0.0.1"]);
    let error = harness
        .app
        .save_client_id(Cloud::Gcp, guid)
        .expect_err("refused");
    assert_eq!(error.code(), Code::InvalidInput);
}

#[tokio::test]
async fn googles_own_client_file_is_used_and_one_for_a_web_application_refused_with_the_reason() {
    let harness = Harness::with(
        |_| {},
        &[("GOOGLE_CLIENT_ID", ""), ("GOOGLE_CLIENT_SECRET", "")],
    )
    .await;
    assert_eq!(
        harness.app.connect(google()).expect_err("no client").code(),
        Code::SettingMissing
    );
    let folder = tempfile::tempdir().expect("a folder");
    let write = |kind: &str| {
        let client = serde_json::json!({
            "client_id": DESKTOP_CLIENT_ID, "client_secret": DESKTOP_CLIENT_SECRET,
            "auth_uri": "https://evil.example/auth", "token_uri": "https://evil.example/token",
        });
        let path = folder.path().join(format!("client_secret_{kind}.json"));
        mcm_core::file::replace(
            &path,
            serde_json::json!({ kind: client }).to_string().as_bytes(),
        )
        .expect("written");
        path
    };
    let error = harness
        .app
        .save_google_client_file(&write("web"))
        .expect_err("refused");
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(
        error.message().contains("web application") && error.message().contains("Desktop app"),
        "{error}"
    );
    harness
        .app
        .save_google_client_file(&write("installed"))
        .expect("saved");
    let id = connect(&harness, ADA).await.expect("connected");
    harness.app.renew(&id).await.expect("renewed");
}

#[tokio::test]
async fn three_thousand_projects_are_read_page_by_page_and_can_be_cancelled() {
    let many = |options: &mut Options| options.google = GoogleDirectory::of_size(3000);
    let harness = Harness::with(many, &[]).await;
    let mut snapshots = harness.app.watch();
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        while snapshots.changed().await.is_ok() {
            let snapshot = snapshots.borrow_and_update().clone();
            seen.extend(
                snapshot
                    .accounts
                    .iter()
                    .filter_map(|row| row.reading_targets),
            );
            if snapshot
                .accounts
                .iter()
                .any(|row| row.targets_read_at.is_some())
            {
                break;
            }
        }
        seen
    });
    let id = connect(&harness, ADA).await.expect("connected");
    assert_eq!(harness.row(&id).target_count, 3000);
    let seen = within(seen).await.expect("watched");
    assert!(
        seen.iter().any(|count| (100..3000).contains(count)),
        "progress was shown: {seen:?}"
    );

    // Cancelled in the middle: the list that was there stays.
    harness
        .clouds
        .faults()
        .add(Rule::new(Endpoint::GoogleProjects, Fault::Hang));
    let (reading, cancelling) = tokio::join!(harness.app.read_targets(&id), async {
        harness
            .until(|snapshot| snapshot.accounts[0].reading_targets.is_some())
            .await;
        harness.app.cancel_reading(&id);
    });
    reading.expect("cancelled is no failure");
    let () = cancelling;
    let row = harness.row(&id);
    assert_eq!(
        (row.target_count, row.reading_targets, row.targets_error),
        (3000, None, None)
    );
}

#[tokio::test]
async fn empty_and_short_pages_do_not_end_a_list_and_circles_do() {
    let harness = Harness::with(|options| options.page_size = 1, &[]).await;
    harness
        .clouds
        .faults()
        .next(Endpoint::GoogleProjects, Fault::EmptyPage);
    let id = connect(&harness, ADA).await.expect("connected");
    assert_eq!(harness.row(&id).target_count, 4);
    harness
        .clouds
        .faults()
        .always(Endpoint::GoogleProjects, Fault::RepeatingNextLink);
    let error = within(harness.app.read_targets(&id))
        .await
        .expect_err("pages in circles");
    assert_eq!(error.code(), Code::ServerFailed);
    assert_eq!(harness.row(&id).target_count, 4, "the old list stays");
}

#[tokio::test]
async fn an_api_that_is_not_enabled_names_the_project_and_the_link() {
    let harness = Harness::start().await;
    harness
        .clouds
        .faults()
        .always(Endpoint::GoogleProjects, Fault::ServiceDisabled);
    let id = connect(&harness, ADA)
        .await
        .expect("connected all the same");
    let error = harness.row(&id).targets_error.expect("reported");
    assert_eq!(error.code, Code::AdminNeeded);
    assert!(
        error.message.contains("project 202611240001"),
        "{}",
        error.message
    );
    assert!(
        error
            .message
            .contains("https://console.developers.google.com/apis/api/"),
        "{}",
        error.message
    );
    assert_eq!(harness.row(&id).status, Status::Connected);
}

#[tokio::test]
async fn a_session_that_google_ended_early_is_made_again_for_the_list() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    harness.clouds.reject_access_tokens(ADA);
    within(harness.app.read_targets(&id))
        .await
        .expect("read with a new session");
    assert_eq!(harness.row(&id).status, Status::Connected);
}

#[tokio::test]
async fn a_failure_at_google_keeps_the_session_and_the_sign_in() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    let token = refresh_token(&harness, &id).await;
    for fault in [
        Fault::Drop,
        Fault::status(503),
        Fault::retry_after(429, "30"),
        Fault::NotJson,
    ] {
        harness.clouds.faults().next(Endpoint::GoogleToken, fault);
        assert!(
            harness
                .app
                .renew(&id)
                .await
                .expect_err("a failure")
                .is_transient()
        );
        harness
            .app
            .session(&id)
            .await
            .expect("the session is still valid");
    }
    assert_eq!(refresh_token(&harness, &id).await, token);
    harness.app.renew(&id).await.expect("over");
}

#[tokio::test]
async fn a_discovery_document_that_cannot_be_read_ends_the_sign_in_before_the_browser_opens() {
    for (fault, code) in [
        (Fault::Drop, Code::Offline),
        (
            Fault::answer(404, r#"{"error":"not_found"}"#),
            Code::SignInRejected,
        ),
        (Fault::status(404), Code::Offline),
        (Fault::status(500), Code::ServerFailed),
        (Fault::NotJson, Code::Offline),
        (Fault::OversizedAnswer, Code::ServerFailed),
    ] {
        let harness = Harness::start().await;
        harness
            .clouds
            .faults()
            .always(Endpoint::GoogleDiscovery, fault.clone());
        let error = harness
            .sign_in(google(), &user(ADA))
            .await
            .expect_err("no document");
        let is_network = matches!(error.code(), Code::Offline | Code::ServerFailed);
        assert!(
            error.code() == code || (fault == Fault::Drop && is_network),
            "{fault:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn an_account_stays_with_the_issuer_that_it_came_from() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    let other = Sandbox::start(Options::default())
        .await
        .expect("loopback ports");
    let app = harness.app_with(&[("MCM_GOOGLE_ISSUER", other.google_issuer().as_str())]);
    let sign_in = app.connect(again(&id)).expect("started");
    let error = within(app.sign_in_ended(sign_in))
        .await
        .expect_err("another issuer");
    assert_eq!(error.code(), Code::SettingInvalid);
    assert!(error.message().contains("MCM_GOOGLE_ISSUER"), "{error}");
    app.renew(&id).await.expect("renewed where it came from");
    assert!(app.disconnect(&id).await.expect("disconnected").is_none());
    let asked = |clouds: &Sandbox, endpoint| {
        clouds
            .requests()
            .iter()
            .any(|r| r.endpoint == Some(endpoint))
    };
    assert!(asked(&harness.clouds, Endpoint::GoogleRevoke));
    assert!(!asked(&other, Endpoint::GoogleRevoke) && !asked(&other, Endpoint::GoogleToken));
}

#[tokio::test]
async fn a_user_who_refuses_is_shown_so_and_nothing_changes() {
    let harness = Harness::start().await;
    let error = harness
        .sign_in(google(), &user(ADA).refuse_consent())
        .await
        .expect_err("refused");
    assert_eq!(error.code(), Code::SignInRefused);
    assert!(harness.rows().is_empty());
}

#[tokio::test]
async fn a_sign_in_without_a_refresh_token_connects_no_account() {
    let harness = Harness::start().await;
    harness
        .clouds
        .faults()
        .next(Endpoint::GoogleToken, Fault::MissingRefreshToken);
    let error = harness
        .sign_in(google(), &user(ADA))
        .await
        .expect_err("no refresh token");
    assert_eq!(error.code(), Code::SignInRejected);
    let id = connect(&harness, ADA).await.expect("connected");
    // For a known row the second visit asks for consent, and gives up when that brings none either.
    harness
        .clouds
        .faults()
        .always(Endpoint::GoogleToken, Fault::MissingRefreshToken);
    let sign_in = harness.app.connect(again(&id)).expect("started");
    let browser = user(ADA);
    harness.visit(&browser).await;
    harness.visit(&browser).await;
    let error = within(harness.app.sign_in_ended(sign_in))
        .await
        .expect_err("no refresh token");
    assert_eq!(error.code(), Code::SignInRejected);
    assert_eq!(
        harness.row(&id).status,
        Status::Connected,
        "the row is as it was"
    );
}

#[tokio::test]
async fn one_odd_refusal_of_a_renewal_passes_and_the_account_comes_back() {
    for error in ["invalid_request", "heard_of_by_no_one"] {
        let harness = Harness::start().await;
        let id = connect(&harness, ADA).await.expect("connected");
        harness.clock.advance(Duration::from_secs(2 * 3600));
        harness
            .clouds
            .faults()
            .next(Endpoint::GoogleToken, Fault::oauth_error(error));
        let refused = harness.app.session(&id).await.map(drop);
        assert_eq!(
            refused.expect_err(error).code(),
            Code::ServerFailed,
            "{error}"
        );
        assert_eq!(harness.row(&id).status, Status::Expired, "{error}");
        harness.clock.advance(Duration::from_secs(600));
        harness.app.session(&id).await.expect("renewed");
    }
}
