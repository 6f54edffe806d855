//! Everything that can go wrong at a server, a file or the network: reported clearly, and nothing lost or half-written.

use std::time::Duration;

use mcm_core::account::Cloud;
use mcm_core::app::Connect;
use mcm_core::error::Code;
use mcm_core::snapshot::Status;
#[cfg(unix)]
use mcm_core::vault::Record;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Endpoint, Fault};

#[cfg(unix)]
use crate::harness::LINUS;
use crate::harness::{ADA, Harness};

#[tokio::test]
async fn every_fault_of_the_token_endpoint_ends_the_sign_in_with_nothing_stored() {
    use Endpoint::{AzureDiscovery, AzureToken};
    for (endpoint, fault, code) in [
        (AzureDiscovery, Fault::status(500), Code::ServerFailed),
        (
            AzureDiscovery,
            Fault::answer(400, r#"{"error":"invalid_tenant"}"#),
            Code::SignInRejected,
        ),
        (AzureDiscovery, Fault::status(404), Code::Offline),
        (AzureDiscovery, Fault::NotJson, Code::Offline),
        (AzureDiscovery, Fault::MalformedJson, Code::ServerFailed),
        (AzureDiscovery, Fault::OversizedAnswer, Code::ServerFailed),
        (AzureDiscovery, Fault::Drop, Code::ServerFailed),
        (
            AzureDiscovery,
            Fault::retry_after(429, "30"),
            Code::Throttled,
        ),
        (AzureToken, Fault::status(503), Code::ServerFailed),
        (AzureToken, Fault::retry_after(429, "7"), Code::Throttled),
        (AzureToken, Fault::NotJson, Code::Offline),
        (AzureToken, Fault::MalformedJson, Code::ServerFailed),
        (AzureToken, Fault::OversizedAnswer, Code::ServerFailed),
        (AzureToken, Fault::Drop, Code::ServerFailed),
        (AzureToken, Fault::DropAfterEffect, Code::ServerFailed),
        (
            AzureToken,
            Fault::oauth_error("invalid_grant"),
            Code::SignInAgain,
        ),
        (
            AzureToken,
            Fault::oauth_error("invalid_client"),
            Code::SignInRejected,
        ),
        (AzureToken, Fault::WrongNonce, Code::SignInRejected),
        (AzureToken, Fault::WrongIssuer, Code::SignInRejected),
        (AzureToken, Fault::WrongAudience, Code::SignInRejected),
        (AzureToken, Fault::WrongTenant, Code::SignInRejected),
        (AzureToken, Fault::ExpiredIdToken, Code::ClockOff),
        (AzureToken, Fault::MissingRefreshToken, Code::SignInRejected),
        (
            AzureToken,
            Fault::TokenType("mac".into()),
            Code::ServerFailed,
        ),
    ] {
        let harness = Harness::start().await;
        harness.clouds.faults().next(endpoint, fault.clone());
        let error = harness.connect(ADA).await.expect_err(&format!("{fault:?}"));
        assert_eq!(error.code(), code, "{fault:?}: {error}");
        assert!(harness.rows().is_empty(), "{fault:?}");
        assert!(!harness.data().join("accounts.db").exists(), "{fault:?}");
    }
}

#[tokio::test]
async fn a_renewal_for_another_user_tenant_or_app_is_not_used_and_the_rotated_grant_is_kept() {
    for fault in [
        Fault::AnotherUser,
        Fault::WrongTenant,
        Fault::WrongAudience,
        Fault::WrongIssuer,
        Fault::ExpiredIdToken,
    ] {
        let code = match fault {
            Fault::ExpiredIdToken => Code::ClockOff,
            _ => Code::ServerFailed,
        };
        let strict = |options: &mut sandbox_clouds::Options| {
            options.azure_rotation = sandbox_clouds::azure::Rotation::Strict;
        };
        let harness = Harness::with(strict, &[]).await;
        let id = harness.connect(ADA).await.expect("connected");
        let before = harness.row(&id);
        harness.clock.advance(Duration::from_secs(2 * 3600));
        harness
            .clouds
            .faults()
            .next(Endpoint::AzureToken, fault.clone());
        let error = harness.app.session(&id).await.map(drop);
        let error = error.expect_err(&format!("{fault:?}"));
        assert_eq!(error.code(), code, "{fault:?}");
        assert_eq!(harness.row(&id).identity, before.identity, "{fault:?}");
        harness.clock.advance(Duration::from_secs(600));
        let renewed = harness.app.session(&id).await.map(drop);
        renewed.unwrap_or_else(|error| panic!("{fault:?}: the rotated grant is lost: {error}"));
    }
}

#[tokio::test]
async fn metadata_that_names_a_foreign_token_endpoint_ends_the_sign_in_before_a_page_opens() {
    for (cloud, endpoint) in [
        (Cloud::Azure, Endpoint::AzureDiscovery),
        (Cloud::Gcp, Endpoint::GoogleDiscovery),
    ] {
        let harness = Harness::start().await;
        let faults = harness.clouds.faults();
        faults.always(endpoint, Fault::ForeignTokenEndpoint);
        let browser = Browser::new().as_user(ADA);
        let error = harness.sign_in(Connect::new(cloud), &browser).await;
        let error = error.expect_err("metadata that leads elsewhere");
        assert_eq!(error.code(), Code::SignInRejected, "{error}");
        assert!(
            error.message().contains("nothing was sent to it"),
            "{error}"
        );
        let asked = harness.clouds.requests();
        assert!(
            asked
                .iter()
                .all(|request| request.endpoint == Some(endpoint)),
            "{asked:?}"
        );
    }
}

#[tokio::test]
async fn no_redirect_is_followed_with_a_code_a_refresh_token_or_an_access_token() {
    let other = sandbox_clouds::Sandbox::start(sandbox_clouds::Options::default())
        .await
        .expect("loopback ports");
    let [azure, google] = [other.azure_authority(), other.google_issuer()];
    for (cloud, tokens, list, place) in [
        (
            Cloud::Azure,
            Endpoint::AzureToken,
            Endpoint::AzureSubscriptions,
            azure,
        ),
        (
            Cloud::Gcp,
            Endpoint::GoogleToken,
            Endpoint::GoogleProjects,
            google,
        ),
    ] {
        let harness = Harness::start().await;
        let faults = harness.clouds.faults();
        let elsewhere = Fault::redirect(place.as_str());
        let browser = Browser::new().as_user(ADA);
        faults.next(tokens, elsewhere.clone());
        let refused = harness.sign_in(Connect::new(cloud), &browser).await;
        refused.expect_err("no token answer");
        let id = harness.sign_in(Connect::new(cloud), &browser).await;
        let id = id.expect("connected");
        harness
            .until(|snapshot| snapshot.accounts[0].target_count == 4)
            .await;
        faults.next(list, elsewhere.clone());
        harness.app.read_targets(&id).await.expect_err("no list");
        faults.next(tokens, elsewhere);
        harness.app.renew(&id).await.expect_err("no token answer");
        assert_eq!(faults.rules(), [], "each redirect was met");
    }
    assert!(other.requests().is_empty(), "{:?}", other.requests());
}

#[tokio::test]
async fn an_expiry_that_is_text_is_understood() {
    let harness = Harness::start().await;
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::StringExpiresIn);
    let id = harness.connect(ADA).await.expect("connected");
    let times = harness.row(&id).session.expect("a session");
    assert_eq!(
        times.expires_at.duration_since(times.issued_at).as_secs(),
        3600
    );
}

#[tokio::test]
async fn a_clock_that_is_off_by_a_day_is_named() {
    let harness = Harness::start().await;
    let id = harness
        .app
        .connect(Connect::new(Cloud::Azure))
        .expect("started");
    let page = harness.next_page().await;
    let redirect = Browser::new()
        .as_user(ADA)
        .browse(page.as_str())
        .await
        .expect_redirect();
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::ExpiredIdToken);
    harness.app.deliver(redirect.as_str());
    let error = crate::harness::within(harness.app.sign_in_ended(id))
        .await
        .expect_err("expired");
    assert!(error.message().contains("clock"), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_offline_and_named() {
    let harness = Harness::with(|_| {}, &[("AZURE_AUTHORITY_HOST", "http://127.0.0.1:1")]).await;
    let error = harness.connect(ADA).await.expect_err("unreachable");
    assert_eq!(error.code(), Code::Offline);
    assert!(error.message().contains("127.0.0.1:1"), "{error}");
    assert_eq!(harness.app.watch().borrow().unreachable, [Cloud::Azure]);
}

#[tokio::test]
async fn one_cloud_that_cannot_be_reached_is_not_the_network() {
    let harness = Harness::start().await;
    let azure = harness.connect(ADA).await.expect("connected");
    let browser = Browser::new().as_user(ADA);
    let google = harness.sign_in(Connect::new(Cloud::Gcp), &browser).await;
    let google = google.expect("connected");
    let state = || {
        let snapshot = harness.app.watch().borrow().clone();
        (snapshot.unreachable.clone(), snapshot.is_offline())
    };
    let faults = harness.clouds.faults();
    faults.next(Endpoint::AzureToken, Fault::Hang);
    harness.app.renew(&azure).await.expect_err("no answer");
    assert_eq!(state(), (vec![Cloud::Azure], false));
    // Another cloud's answer says nothing of this one.
    harness.app.renew(&google).await.expect("renewed");
    assert_eq!(state(), (vec![Cloud::Azure], false));
    faults.next(Endpoint::GoogleToken, Fault::Hang);
    harness.app.renew(&google).await.expect_err("no answer");
    assert_eq!(state(), (vec![Cloud::Azure, Cloud::Gcp], true));
    harness.clock.advance(Duration::from_secs(120));
    harness.app.renew(&azure).await.expect("renewed");
    assert_eq!(state(), (vec![Cloud::Gcp], false));
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let harness = Harness::start().await;
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureDiscovery, Fault::Hang);
    let error = harness.connect(ADA).await.expect_err("no answer");
    assert_eq!(error.code(), Code::Offline);
}

#[tokio::test]
async fn an_authority_that_is_not_https_is_refused_before_anything_is_sent() {
    let harness = Harness::with(|_| {}, &[("AZURE_AUTHORITY_HOST", "http://login.example")]).await;
    let error = harness.connect(ADA).await.expect_err("not https");
    assert_eq!(error.code(), Code::SettingInvalid);
    assert!(
        error.message().contains("AZURE_AUTHORITY_HOST") && error.message().contains("https"),
        "{error}"
    );
}

#[tokio::test]
async fn subscriptions_that_cannot_be_read_leave_the_account_connected_and_the_old_list() {
    let harness = Harness::with(|options| options.page_size = 2, &[]).await;
    let id = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    for (fault, code) in [
        (Fault::HostileNextLink, Code::ServerFailed),
        (Fault::RepeatingNextLink, Code::ServerFailed),
        (
            Fault::answer(403, r#"{"error":{"code":"AuthorizationFailed"}}"#),
            Code::AdminNeeded,
        ),
        (Fault::status(403), Code::Offline),
        (Fault::status(500), Code::ServerFailed),
        (Fault::retry_after(429, "5"), Code::Throttled),
        (Fault::OversizedAnswer, Code::ServerFailed),
        (Fault::NotJson, Code::Offline),
    ] {
        harness
            .clouds
            .faults()
            .always(Endpoint::AzureSubscriptions, fault.clone());
        let error = harness
            .app
            .read_targets(&id)
            .await
            .expect_err(&format!("{fault:?}"));
        harness.clouds.faults().clear();
        assert_eq!(error.code(), code, "{fault:?}");
        let row = harness.row(&id);
        assert_eq!(
            (row.target_count, row.status),
            (4, Status::Connected),
            "{fault:?}"
        );
        assert_eq!(row.targets_error.expect("reported").code, code);
    }
    // The hostile link leads to the sandbox under another name. A request there would carry the access token.
    let strays = harness.clouds.requests().into_iter();
    let strays: Vec<_> = strays
        .filter(|request| {
            request.path == "/subscriptions" && request.host.starts_with("localhost:")
        })
        .collect();
    assert!(
        strays.is_empty(),
        "the token went to another host: {strays:?}"
    );
    harness.app.read_targets(&id).await.expect("read");
    assert!(harness.row(&id).targets_error.is_none());
}

#[tokio::test]
async fn a_list_without_an_end_is_given_up_by_its_bytes_its_rows_or_its_time() {
    use sandbox_clouds::MadeUpPage;
    let harness = Harness::start().await;
    let azure = harness.connect(ADA).await.expect("connected");
    let google = crate::google::connect(&harness, ADA)
        .await
        .expect("connected");
    harness
        .until(|snapshot| snapshot.accounts.iter().all(|row| row.target_count == 4))
        .await;
    let page = |rows, name_bytes| Fault::EndlessList(MadeUpPage { rows, name_bytes });
    for (id, endpoint) in [
        (azure, Endpoint::AzureSubscriptions),
        (google, Endpoint::GoogleProjects),
    ] {
        // A page of one row in 100 milliseconds takes the time before the rows.
        for (page, latency, limit) in [
            (page(1, 1 << 20), 0, "more than 8 MiB"),
            (page(400, 10), 0, "more than 5000 rows"),
            (page(1, 10), 100, "more than 8 seconds"),
        ] {
            let faults = harness.clouds.faults();
            faults.always(endpoint, Fault::Latency(latency));
            faults.always(endpoint, page);
            let read = crate::harness::within(harness.app.read_targets(&id)).await;
            faults.clear();
            let error = read.expect_err(limit);
            assert_eq!(error.code(), Code::ServerFailed, "{limit}");
            assert!(error.message().contains(limit), "{limit}: {error}");
            assert_eq!(harness.row(&id).target_count, 4, "the known list stays");
        }
    }
}

#[tokio::test]
async fn a_session_that_the_server_ended_early_is_renewed_once_for_the_list() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    harness.clouds.reject_access_tokens(ADA);
    harness
        .app
        .read_targets(&id)
        .await
        .expect("read with a new session");
    assert_eq!(harness.token_requests("refresh_token"), 1);
}

#[tokio::test]
async fn names_from_a_server_cannot_forge_what_a_user_reads() {
    use sandbox_clouds::AzureDirectory;
    use sandbox_clouds::azure::directory::Tenant;
    let evil = "Contoso\u{202e}\r\n\u{1b}[31mX";
    let tenant = Tenant::new(evil, "evil.example").subscription(
        "a\u{0}b\nc",
        "Enabled",
        &["eve@evil.example"],
    );
    let directory = AzureDirectory::empty()
        .tenant(tenant)
        .user("eve@evil.example", "Eve", &[]);
    let harness = Harness::with(|options| options.azure = directory, &[]).await;
    let id = harness
        .connect("eve@evil.example")
        .await
        .expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 1)
        .await;
    assert_eq!(harness.row(&id).name, "Contoso[31mX");
    assert_eq!(harness.app.targets(&id).expect("read")[0].name, "abc");
}

#[tokio::test]
async fn a_damaged_accounts_file_is_reported_and_kept_when_an_account_is_connected() {
    let harness = Harness::start().await;
    let path = harness.data().join("accounts.json");
    mcm_core::file::replace(&path, b"{\"version\":1,\"accounts\":[{").expect("written");
    let app = harness.second_app();
    let problems = app.watch().borrow().problems.clone();
    assert_eq!(problems[0].code, Code::StorageUnreadable);
    assert!(problems[0].message.contains("accounts.json"));
    harness.connect(ADA).await.expect("connected");
    let kept = std::fs::read(harness.data().join("accounts.json.kept-1")).expect("kept");
    assert_eq!(kept, b"{\"version\":1,\"accounts\":[{");
}

#[tokio::test]
async fn forgetting_everything_leaves_no_earlier_file_and_no_name() {
    let harness = Harness::start().await;
    let path = |name: &str| harness.data().join(name);
    let earlier = [
        "accounts.json.migrated",
        "accounts.json.kept-1",
        "accounts.json.kept-12",
        "accounts.db.kept-1",
        "accounts.db.kept-1-journal",
        "activity.jsonl.migrated",
        "activity.old.jsonl.migrated",
        "activity.jsonl",
    ];
    harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    let others = ["accounts.db.mine", "accounts.json.kept-x", "notes.txt"];
    for name in earlier.iter().chain(&others) {
        mcm_core::file::replace(&path(name), ADA.as_bytes()).expect("written");
    }
    harness.app.forget_everything().await.expect("forgotten");
    for name in earlier {
        assert!(!path(name).exists(), "{name}");
    }
    for name in others {
        assert!(path(name).exists(), "{name} is not ours");
        std::fs::remove_file(path(name)).expect("removed");
    }
    for (name, text) in crate::left_behind::files(&harness.data()) {
        for word in [ADA, "Contoso", "contoso"] {
            assert!(!text.contains(word), "{name} holds {word}");
        }
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_never_written_and_nothing_half_connected_stays() {
    let harness = Harness::start().await;
    let path = harness.data().join("accounts.json");
    mcm_core::file::replace(&path, b"{\"version\":9}").expect("written");
    let error = harness.connect(ADA).await.expect_err("not ours to write");
    assert_eq!(error.code(), Code::StorageUnreadable);
    assert_eq!(std::fs::read(&path).expect("readable"), b"{\"version\":9}");
}

// Windows moves no database that is open, so nothing can take its place.
#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_cannot_be_written_keeps_the_old_accounts() {
    let harness = Harness::start().await;
    let ada = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| {
            snapshot.accounts[0].reading_targets.is_none() && snapshot.accounts[0].target_count == 4
        })
        .await;
    let path = harness.data().join("accounts.db");
    let before = std::fs::read(&path).expect("readable");
    // A folder in the file's place refuses to be replaced, also for root.
    std::fs::rename(&path, path.with_extension("aside")).expect("moved");
    std::fs::create_dir(&path).expect("made");
    let replace = Connect {
        on_duplicate: mcm_core::app::OnDuplicate::KeepBoth,
        ..Connect::new(Cloud::Azure)
    };
    let error = harness
        .sign_in(replace, &Browser::new().as_user(LINUS))
        .await
        .expect_err("cannot be saved");
    assert_eq!(error.code(), Code::StorageFailed);
    assert!(error.message().contains("accounts.db"), "{error}");
    std::fs::remove_dir(&path).expect("removed");
    std::fs::rename(path.with_extension("aside"), &path).expect("moved back");
    assert_eq!(std::fs::read(&path).expect("readable"), before);
    let grant = harness
        .second_app()
        .stored()
        .expect("readable")
        .account(&ada)
        .expect("a row")
        .grant
        .clone();
    assert!(harness.keeps(&Record::grant(&grant)).await);
}

#[tokio::test]
async fn a_user_id_that_no_server_issues_connects_no_account() {
    for id in [
        "x".repeat(65_600),
        "a\u{1b}[31m\u{202e}b".into(),
        String::new(),
    ] {
        let harness = Harness::start().await;
        harness
            .clouds
            .faults()
            .next(Endpoint::AzureToken, Fault::UserId(id.clone()));
        let error = harness.connect(ADA).await.expect_err("an odd id");
        assert_eq!(error.code(), Code::SignInRejected, "{error}");
        assert!(harness.rows().is_empty(), "{} characters", id.len());
    }
}

#[tokio::test]
async fn a_claims_challenge_is_sent_with_the_next_sign_in_unless_it_is_too_long_for_an_address() {
    let capability = serde_json::json!({ "values": ["cp1"] });
    for (length, is_sent) in [(8_000, true), (3 << 20, false)] {
        let harness = Harness::start().await;
        let id = harness.connect(ADA).await.expect("connected");
        harness.clock.advance(Duration::from_secs(2 * 3600));
        let claims = format!("{{\"access_token\":{{\"x\":\"{}\"}}}}", "c".repeat(length));
        let refusal = sandbox_clouds::OAuthError {
            error: "interaction_required".into(),
            claims: Some(claims.clone()),
            ..sandbox_clouds::OAuthError::default()
        };
        harness
            .clouds
            .faults()
            .next(Endpoint::AzureToken, Fault::OAuthError(refusal));
        let refused = harness.app.session(&id).await.map(drop);
        assert_eq!(refused.expect_err("refused").code(), Code::SignInAgain);
        let stored = std::fs::metadata(harness.data().join("accounts.db"));
        assert!(stored.expect("a file").len() < 1 << 20);
        let again = Connect {
            account: Some(id),
            ..Connect::new(Cloud::Azure)
        };
        harness.app.connect(again).expect("started");
        let page = harness.next_page().await;
        let sent = page.query_pairs().find(|(name, _)| name == "claims");
        let (_, sent) = sent.expect("the app declares what it can do");
        let sent: serde_json::Value = serde_json::from_str(&sent).expect("JSON");
        let sent = &sent["access_token"];
        assert_eq!(sent["xms_cc"], capability);
        assert_eq!(sent.get("x").is_some(), is_sent, "{length}");
    }
}
