//! Sessions for other resources: from the same grant, each with its own life and its own failures.

use std::time::Duration;

use mcm_core::account::{AccountId, Cloud};
use mcm_core::activity::ActivityKind;
use mcm_core::app::Connect;
use mcm_core::error::{Code, Error};
use mcm_core::resource::{Identifier, Resource};
use mcm_core::snapshot::Status;
use mcm_core::vault::Record;
use sandbox_clouds::azure::Rotation;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Endpoint, Fault, Request, Rule};
use secrecy::ExposeSecret as _;

use crate::harness::{ADA, Harness, within};

const HOUR: Duration = Duration::from_secs(3600);
const GRAPH: &str = "https://graph.microsoft.com";
const VAULT: &str = "https://vault.azure.net";

async fn strict() -> Harness {
    Harness::with(|options| options.azure_rotation = Rotation::Strict, &[]).await
}

/// A token for what a user calls the resource.
async fn token(harness: &Harness, id: &AccountId, resource: &str) -> Result<String, Error> {
    let resource = harness.app.resource(id, resource)?;
    let session = harness.app.issue_for(id, &resource, "test").await?;
    Ok(session.bearer()?.expose_secret().to_owned())
}

fn audience(harness: &Harness, token: &str) -> Option<String> {
    harness.clouds.azure_audience(token)
}

#[tokio::test]
async fn one_sign_in_opens_every_resource_and_each_session_is_kept() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    for (name, resource) in [
        ("graph", GRAPH),
        ("key-vault", VAULT),
        ("https://storage.azure.com/", "https://storage.azure.com"),
        ("aks", "6dae42f8-4368-4678-94ff-3960e28e3630"),
    ] {
        let first = token(&harness, &id, name)
            .await
            .expect("from the same grant");
        assert_eq!(audience(&harness, &first).as_deref(), Some(resource));
        let asked = harness.token_requests("refresh_token");
        assert_eq!(token(&harness, &id, name).await.expect("kept"), first);
        assert_eq!(
            harness.token_requests("refresh_token"),
            asked,
            "{name} was asked for once"
        );
    }
    assert_eq!(harness.token_requests("refresh_token"), 4);
    harness.clock.advance(HOUR);
    let renewed = token(&harness, &id, "graph")
        .await
        .expect("renewed with the rotated grant");
    assert_eq!(audience(&harness, &renewed).as_deref(), Some(GRAPH));
    assert_eq!(harness.token_requests("refresh_token"), 5);
    let handed_out = harness.app.activity(Some(&id), 1).remove(0).what;
    assert_eq!(
        handed_out,
        ActivityKind::HandedOut {
            to: "test".into(),
            resource: Some(GRAPH.into()),
            environment: None
        }
    );
}

#[tokio::test]
async fn every_name_of_resource_manager_means_the_session_that_is_there() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let session = harness.app.session(&id).await.expect("valid");
    for name in [
        "arm",
        "https://management.azure.com/",
        "https://management.core.windows.net/",
    ] {
        let found = token(&harness, &id, name).await.expect("valid");
        assert_eq!(found, session.bearer().expect("a token").expose_secret());
    }
    assert_eq!(harness.token_requests("refresh_token"), 0);
}

#[tokio::test]
async fn callers_in_two_processes_make_one_request_for_each_resource_and_the_grant_survives() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(2 * HOUR);
    let other = harness.second_app();
    let names = ["graph", "key-vault", "arm"];
    let callers = (0..30).map(|number| {
        let (app, id) = (
            if number % 2 == 0 {
                harness.app.clone()
            } else {
                other.clone()
            },
            id.clone(),
        );
        tokio::spawn(async move {
            let resource = app.resource(&id, names[number % 3])?;
            app.issue_for(&id, &resource, "test")
                .await
                .map(|session| (number % 3, session))
        })
    });
    let mut tokens = vec![Vec::new(); 3];
    for caller in callers.collect::<Vec<_>>() {
        let (name, session) = within(caller).await.expect("no panic").expect("a session");
        tokens[name].push(
            session
                .bearer()
                .expect("a token")
                .expose_secret()
                .to_owned(),
        );
    }
    for tokens in &mut tokens {
        tokens.dedup();
        assert_eq!(tokens.len(), 1, "all got the same new session");
    }
    assert_eq!(harness.token_requests("refresh_token"), 3);
    harness.clock.advance(2 * HOUR);
    harness
        .app
        .session(&id)
        .await
        .expect("the rotated grant works");
}

#[tokio::test]
async fn a_resource_without_consent_fails_alone_and_is_not_asked_for_again() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clouds.ask_azure_consent_for(GRAPH);
    let error = token(&harness, &id, "graph").await.expect_err("no consent");
    assert_eq!(error.code(), Code::SignInAgain);
    assert!(
        error.message().contains(GRAPH) && error.message().contains("consent"),
        "{error}"
    );
    assert_eq!(
        harness.row(&id).status,
        Status::Connected,
        "the account is as it was"
    );
    assert!(harness.row(&id).renewal_failure.is_none());

    let asked = harness.token_requests("refresh_token");
    for _ in 0..5 {
        let again = token(&harness, &id, "graph").await.expect_err("no consent");
        assert_eq!(
            (again.message(), again.reference()),
            (error.message(), error.reference())
        );
    }
    assert_eq!(
        harness.token_requests("refresh_token"),
        asked,
        "reported again, not asked again"
    );
    token(&harness, &id, "key-vault")
        .await
        .expect("another resource");
    harness.app.session(&id).await.expect("the account itself");

    // An administrator may have granted it meanwhile: after a while the server is asked again, and later less often.
    let asked = harness.token_requests("refresh_token");
    harness.clock.advance(Duration::from_secs(61));
    token(&harness, &id, "graph").await.expect_err("still none");
    harness.clock.advance(Duration::from_secs(61));
    token(&harness, &id, "graph")
        .await
        .expect_err("waits for two minutes now");
    assert_eq!(
        harness.token_requests("refresh_token"),
        asked + 2,
        "one for the resource, one for the grant"
    );
}

#[tokio::test]
async fn a_busy_server_does_not_hide_why_a_resource_was_refused() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clouds.ask_azure_consent_for(GRAPH);
    // Whether the grant itself still works cannot be found out.
    let busy = Rule::new(Endpoint::AzureToken, Fault::status(503));
    harness.clouds.faults().add(busy.after(1).times(1));
    let error = token(&harness, &id, "graph").await.expect_err("no consent");
    assert_eq!(error.code(), Code::SignInAgain);
    assert!(error.message().contains(GRAPH), "{error}");
    assert_ne!(harness.row(&id).status, Status::SignInAgain);
}

#[tokio::test]
async fn a_grant_that_is_dead_is_the_accounts_failure_whichever_resource_found_out() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    token(&harness, &id, "graph")
        .await
        .expect("from the same grant");
    harness.clouds.change_password(ADA);
    let error = token(&harness, &id, "key-vault")
        .await
        .expect_err("revoked");
    assert_eq!(error.code(), Code::SignInAgain);
    assert_eq!(harness.row(&id).status, Status::SignInAgain);
    let stored = harness.app.stored().expect("readable");
    let row = stored.account(&id).expect("connected");
    let failure = row.renewal_failure.as_ref().expect("the account's");
    assert_eq!(failure.error.reference, error.reference());
    let mut resources = row.resources.iter();
    assert!(resources.all(|known| known.renewal_failure.is_none()));
    let asked = harness.token_requests("refresh_token");
    token(&harness, &id, "storage")
        .await
        .expect_err("the account has to be signed in to");
    assert_eq!(
        harness.token_requests("refresh_token"),
        asked,
        "no resource is asked for in vain"
    );

    assert_eq!(harness.connect(ADA).await.expect("signed in again"), id);
    token(&harness, &id, "key-vault")
        .await
        .expect("works again");
    let renewed = token(&harness, &id, "graph")
        .await
        .expect("made anew for the new sign-in");
    assert_eq!(audience(&harness, &renewed).as_deref(), Some(GRAPH));
}

#[tokio::test]
async fn a_grant_that_rotated_with_an_answer_that_is_refused_is_kept_also_behind_a_resource() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    let faults = harness.clouds.faults();
    // The resource is refused, and then the answer that would say whether the grant still works is another user's.
    faults.next(Endpoint::AzureToken, Fault::oauth_error("invalid_grant"));
    faults.next(Endpoint::AzureToken, Fault::AnotherUser);
    token(&harness, &id, "graph").await.expect_err("refused");
    assert_eq!(harness.token_requests("refresh_token"), 2);
    harness.clock.advance(2 * HOUR);
    let renewed = harness.app.session(&id).await.map(drop);
    renewed.expect("the rotated grant is there");
}

#[tokio::test]
async fn a_passing_failure_of_a_resource_backs_off_for_that_resource_alone() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::retry_after(429, "120"));
    assert_eq!(
        token(&harness, &id, "graph")
            .await
            .expect_err("throttled")
            .code(),
        Code::Throttled
    );
    assert_eq!(
        token(&harness, &id, "graph")
            .await
            .expect_err("waiting")
            .code(),
        Code::Throttled
    );
    assert_eq!(harness.token_requests("refresh_token"), 1);
    assert_eq!(
        (harness.row(&id).status, harness.row(&id).renewal_failure),
        (Status::Connected, None)
    );
    token(&harness, &id, "key-vault")
        .await
        .expect("another resource");
    harness.clock.advance(Duration::from_secs(121));
    token(&harness, &id, "graph").await.expect("tried again");
}

#[tokio::test]
async fn a_resource_that_the_cloud_does_not_know_is_named() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let error = token(&harness, &id, "https://nobody.example")
        .await
        .expect_err("unknown");
    assert_eq!(error.code(), Code::NotFound);
    assert!(
        error.message().contains("https://nobody.example"),
        "{error}"
    );
    assert_eq!(harness.row(&id).status, Status::Connected);
    let error = token(&harness, &id, "graph openid")
        .await
        .expect_err("not an identifier");
    assert_eq!(error.code(), Code::InvalidInput);
    assert_eq!(
        harness.token_requests("refresh_token"),
        1,
        "only an identifier reaches the server"
    );
}

#[tokio::test]
async fn a_new_sign_in_ends_the_sessions_of_every_resource() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    let before = token(&harness, &id, GRAPH).await.expect("a token");
    let kept = token(&harness, &id, GRAPH).await.expect("a token");
    assert_eq!(before, kept);
    harness.connect(ADA).await.expect("signed in again");
    let renewals = harness.token_requests("refresh_token");
    let after = token(&harness, &id, GRAPH).await.expect("a token");
    assert_ne!(before, after);
    assert_eq!(harness.token_requests("refresh_token"), renewals + 1);
}

#[tokio::test]
async fn disconnecting_removes_the_sessions_of_every_resource() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let names = ["graph", "key-vault", "aks"];
    let mut records = Vec::new();
    for name in names {
        token(&harness, &id, name)
            .await
            .expect("from the same grant");
        records.push(Record::session(
            &id,
            harness.app.resource(&id, name).expect("a resource").key(),
        ));
    }
    for record in &records {
        assert!(harness.keeps(record).await);
    }
    harness.app.disconnect(&id).await.expect("disconnected");
    for record in &records {
        assert!(!harness.keeps(record).await);
    }
    let noted = mcm_core::store::Store::in_folder(&harness.data()).intents(None);
    assert_eq!(noted.expect("readable"), []);
}

#[tokio::test]
async fn a_late_session_for_a_resource_cannot_outlive_its_account() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::Latency(300));
    let (app, asking) = (harness.app.clone(), id.clone());
    let graph = app.resource(&id, "graph").expect("a resource");
    let record = Record::session(&id, graph.key());
    let late = tokio::spawn(async move { app.issue_for(&asking, &graph, "test").await.map(drop) });
    let is_renewal = |request: &Request| request.grant_type.as_deref() == Some("refresh_token");
    within(
        harness
            .clouds
            .until_requests(|requests| requests.iter().any(is_renewal)),
    )
    .await;
    harness.app.disconnect(&id).await.expect("disconnected");
    within(late)
        .await
        .expect("no panic")
        .expect_err("signed out meanwhile");
    assert!(!harness.keeps(&record).await);
}

#[tokio::test]
async fn an_account_keeps_sessions_for_a_bounded_number_of_resources() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    token(&harness, &id, "graph")
        .await
        .expect("from the same grant");
    for number in 0..40 {
        harness.clock.advance(Duration::from_secs(1));
        token(&harness, &id, &format!("https://nobody-{number}.example"))
            .await
            .expect_err("unknown");
    }
    let stored = harness.app.stored().expect("readable");
    let known = &stored.account(&id).expect("a row").resources;
    assert_eq!(known.len(), 32);
    let graph = Resource::Named(known[0].resource.clone());
    assert_eq!(graph.key(), GRAPH, "what failed goes first");
    let asked = harness.token_requests("refresh_token");
    token(&harness, &id, "graph").await.expect("kept");
    assert_eq!(harness.token_requests("refresh_token"), asked);
}

#[tokio::test]
async fn the_session_that_makes_room_for_a_new_one_is_removed_from_the_keychain() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let name = |number: u32| format!("https://app-{number}.apps.contoso.example");
    for number in 0..33 {
        harness.clock.advance(Duration::from_secs(1));
        let token = token(&harness, &id, &name(number)).await;
        token.expect("from the same grant");
    }
    let is_kept = async |number: u32| {
        let resource = harness.app.resource(&id, &name(number));
        let record = Record::session(&id, resource.expect("a resource").key());
        let read = harness.vault.read(&record).await;
        read.expect("readable").is_some()
    };
    for number in 0..33 {
        assert_eq!(is_kept(number).await, number != 0, "{number}");
    }
    let noted = mcm_core::store::Store::in_folder(&harness.data()).intents(None);
    assert_eq!(noted.expect("readable"), []);
    let asked = harness.token_requests("refresh_token");
    token(&harness, &id, &name(32)).await.expect("kept");
    assert_eq!(harness.token_requests("refresh_token"), asked);
}

#[tokio::test]
async fn a_sign_in_for_a_resource_ends_its_wait_at_once() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clouds.ask_azure_consent_for(GRAPH);
    token(&harness, &id, GRAPH).await.expect_err("no consent");
    let wanted = Connect {
        account: Some(id.clone()),
        resource: Some(Identifier::parse(GRAPH).expect("an identifier")),
        ..Connect::new(Cloud::Azure)
    };
    let browser = Browser::new().as_user(ADA);
    harness.sign_in(wanted, &browser).await.expect("consented");
    token(&harness, &id, GRAPH).await.expect("at once");
}

#[tokio::test]
async fn a_cloud_with_one_credential_for_everything_says_so() {
    let harness = Harness::start().await;
    let id = harness
        .sign_in(Connect::new(Cloud::Gcp), &Browser::new().as_user(ADA))
        .await
        .expect("connected");
    let error = harness
        .app
        .resource(&id, "graph")
        .expect_err("Google has none");
    assert_eq!(error.code(), Code::Unsupported);
    assert!(
        error.message().contains("graph") && error.message().contains("Google Cloud"),
        "{error}"
    );
    let azure = harness.connect(ADA).await.expect("connected");
    let graph = harness.app.resource(&azure, "graph").expect("a resource");
    harness.clouds.forget_requests();
    let error = harness
        .app
        .issue_for(&id, &graph, "test")
        .await
        .expect_err("Google has none");
    assert_eq!(error.code(), Code::Unsupported);
    let requests = harness.clouds.requests();
    let of_google = |request: &&Request| request.endpoint == Some(Endpoint::GoogleToken);
    assert_eq!(requests.iter().filter(of_google).count(), 0);
}
