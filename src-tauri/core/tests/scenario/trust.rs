//! What of a server's answers is believed, for how long, and where a secret goes when the settings change.

use std::sync::Barrier;
use std::time::Duration;

use mcm_core::account::Cloud;
use mcm_core::activity::ActivityKind;
use mcm_core::app::Connect;
use mcm_core::error::Code;
use mcm_core::resource::Identifier;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::google::directory::{GoogleDirectory, GoogleUser, Project};
use sandbox_clouds::{Endpoint, Fault, Options, Sandbox, Status};
use secrecy::ExposeSecret as _;

use crate::google::{connect, settled};
use crate::harness::{ADA, Harness};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_sign_in_for_another_resource_leaves_a_session_for_resource_manager() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let audience = async || {
        let session = harness.app.session(&id).await.expect("a session");
        let token = session.bearer().expect("a token").expose_secret();
        harness.clouds.azure_audience(token).expect("a live token")
    };
    let usual = audience().await;
    let graph = Identifier::parse("https://graph.microsoft.com").expect("an identifier");
    let wanted = Connect {
        resource: Some(graph),
        ..Connect::new(Cloud::Azure)
    };
    let browser = Browser::new().as_user(ADA);
    harness.sign_in(wanted, &browser).await.expect("signed in");
    assert_eq!(audience().await, usual);
}

#[tokio::test]
async fn signing_keys_are_read_again_after_an_hour_so_that_a_withdrawn_one_ends() {
    let harness = Harness::start().await;
    let keys = || {
        let requests = harness.clouds.requests();
        let of_keys = |endpoint| endpoint == Some(Endpoint::GoogleKeys);
        requests.iter().filter(|r| of_keys(r.endpoint)).count()
    };
    for (minutes, read) in [(0, 1), (59, 1), (2, 2)] {
        harness.clock.advance(minutes * MINUTE);
        connect(&harness, ADA).await.expect("connected");
        assert_eq!(keys(), read, "after {minutes} more minutes");
    }
}

#[tokio::test]
async fn the_metadata_of_a_server_is_read_once_a_day() {
    for (cloud, endpoint) in [
        (Cloud::Azure, Endpoint::AzureDiscovery),
        (Cloud::Gcp, Endpoint::GoogleDiscovery),
    ] {
        let harness = Harness::start().await;
        let reads = || {
            let requests = harness.clouds.requests();
            let of_metadata = |asked: Option<Endpoint>| asked == Some(endpoint);
            requests.iter().filter(|r| of_metadata(r.endpoint)).count()
        };
        for (hours, read) in [(0, 1), (23, 1), (2, 2), (1, 2)] {
            harness.clock.advance(hours * HOUR);
            let browser = Browser::new().as_user(ADA);
            let id = harness.sign_in(Connect::new(cloud), &browser).await;
            id.expect("connected");
            assert_eq!(reads(), read, "{cloud:?}, after {hours} more hours");
        }
    }
}

#[tokio::test]
async fn names_from_a_server_or_another_program_are_shown_without_what_moves_or_hides() {
    let odd = "\u{202e}pay\u{1b}[2J\u{200b}roll";
    let ada = GoogleUser::new(ADA, "Ada", Some("contoso.example")).project(Project::new(
        "contoso-production",
        odd,
        None,
    ));
    let users = GoogleDirectory::empty().user(ada);
    let harness = Harness::with(|options: &mut Options| options.google = users, &[]).await;
    let id = connect(&harness, ADA).await.expect("connected");
    settled(&harness, &id).await;
    let targets = harness.app.targets(&id).expect("read");
    assert_eq!(targets[0].name, "pay[2Jroll");
    harness.app.issue(&id, odd).await.expect("issued");
    let event = harness.app.activity(Some(&id), 1).remove(0);
    assert_eq!(
        event.what,
        ActivityKind::HandedOut {
            to: "pay[2Jroll".into(),
            resource: None,
            environment: None
        }
    );
}

#[tokio::test]
async fn a_refusal_that_says_how_long_to_wait_is_respected_for_that_long() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(2 * HOUR);
    let refusal = Fault::Status(Status {
        code: 400,
        retry_after: Some("600".into()),
        body: r#"{"error":"temporarily_unavailable"}"#.into(),
        ..Status::default()
    });
    harness.clouds.faults().next(Endpoint::AzureToken, refusal);
    for wait in [Duration::ZERO, 599 * Duration::from_secs(1)] {
        harness.clock.advance(wait);
        let error = harness.app.session(&id).await.map(drop);
        assert_eq!(error.expect_err("waits").code(), Code::ServerFailed);
        assert_eq!(harness.token_requests("refresh_token"), 1);
    }
    harness.clock.advance(2 * Duration::from_secs(1));
    harness.app.session(&id).await.expect("asked again");
    assert_eq!(harness.token_requests("refresh_token"), 2);
}

#[tokio::test]
async fn a_refresh_token_goes_to_the_server_that_issued_it_whatever_the_settings_say_today() {
    let harness = Harness::start().await;
    let azure = harness.connect(ADA).await.expect("connected");
    let google = connect(&harness, ADA).await.expect("connected");
    let other = Sandbox::start(Options::default()).await.expect("ports");
    let (authority, issuer) = (other.azure_authority(), other.google_issuer());
    let app = harness.app_with(&[
        ("AZURE_AUTHORITY_HOST", authority.as_str()),
        ("MCM_GOOGLE_ISSUER", issuer.as_str()),
    ]);
    harness.clock.advance(2 * HOUR);
    for id in [azure, google] {
        app.session(&id).await.expect("renewed where it came from");
    }
    assert_eq!(other.requests(), []);
}

#[tokio::test]
async fn every_watcher_of_a_starting_app_sees_the_accounts_at_once() {
    let harness = Harness::start().await;
    harness.connect(ADA).await.expect("connected");
    for _ in 0..50 {
        let app = harness.starting_app();
        let start = Barrier::new(8);
        std::thread::scope(|threads| {
            let watchers: Vec<_> = (0..8)
                .map(|_| {
                    threads.spawn(|| {
                        start.wait();
                        app.watch().borrow().accounts.len()
                    })
                })
                .collect();
            for watcher in watchers {
                assert_eq!(watcher.join().expect("no panic"), 1);
            }
        });
    }
}
