//! Connecting, renewing and disconnecting Google accounts.

use mcm_core::account::{AccountId, Cloud, Identity};
use mcm_core::app::{Connect, ConsoleSession};
use mcm_core::error::{Code, Result};
use mcm_core::redirect::Delivered;
use mcm_core::settings::RedirectKind;
use mcm_core::snapshot::{AccountView, Status};
use mcm_core::vault::Record;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::google::IOS_CLIENT_ID;
use sandbox_clouds::google::directory::{GoogleUser, Project};
use sandbox_clouds::{Endpoint, GoogleDirectory};
use secrecy::ExposeSecret as _;

use crate::harness::{ADA, Harness, within};

pub(crate) const FREELANCER: &str = "ada.freelance@example.net";
pub(crate) const TIM: &str = "tim@contoso.example";
const FULL: &str = "https://www.googleapis.com/auth/cloud-platform";

pub(crate) fn google() -> Connect {
    Connect::new(Cloud::Gcp)
}

pub(crate) fn user(email: &str) -> Browser {
    Browser::new().as_user(email)
}

pub(crate) fn again(id: &AccountId) -> Connect {
    Connect {
        account: Some(id.clone()),
        ..google()
    }
}

pub(crate) async fn connect(harness: &Harness, email: &str) -> Result<AccountId> {
    let id = harness.sign_in(google(), &user(email)).await?;
    settled(harness, &id).await;
    Ok(id)
}

/// The row once its projects were read, or could not be.
pub(crate) async fn settled(harness: &Harness, id: &AccountId) -> AccountView {
    let is_settled = |row: &AccountView| {
        row.id == *id
            && row.reading_targets.is_none()
            && (row.targets_read_at.is_some() || row.targets_error.is_some())
    };
    harness
        .until(|snapshot| snapshot.accounts.iter().any(is_settled))
        .await;
    harness.row(id)
}

pub(crate) async fn refresh_token(harness: &Harness, id: &AccountId) -> String {
    let key = harness.grant_key(id);
    let bytes = harness
        .vault
        .read(&Record::grant(&key))
        .await
        .expect("readable")
        .expect("a grant");
    let grant = mcm_core::credential::Grant::from_bytes(&bytes).expect("ours");
    grant
        .refresh_token()
        .expect("a refresh token")
        .refresh_token
        .expose_secret()
        .to_owned()
}

pub(crate) fn requests(harness: &Harness, endpoint: Endpoint) -> usize {
    harness
        .clouds
        .requests()
        .iter()
        .filter(|request| request.endpoint == Some(endpoint))
        .count()
}

/// Ada, with this subject's address and one project.
pub(crate) fn directory_of(subject: &str, email: &str) -> GoogleDirectory {
    let ada = GoogleUser::new(email, "Ada Lovelace", Some("contoso.example")).project(
        Project::new("contoso-production", "Contoso production", None),
    );
    GoogleDirectory::empty().user(GoogleUser {
        subject: subject.to_owned(),
        ..ada
    })
}

#[tokio::test]
async fn a_user_connects_through_loopback_and_sees_the_projects() {
    let harness = Harness::start().await;
    let id = harness.app.connect(google()).expect("started");
    let page = harness.next_page().await;
    let asked: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
    assert_eq!(asked["prompt"], "consent select_account");
    assert_eq!(
        (
            asked["access_type"].as_str(),
            asked["code_challenge_method"].as_str()
        ),
        ("offline", "S256")
    );
    assert_eq!(asked["scope"], format!("openid email profile {FULL}"));
    assert!(
        asked["redirect_uri"].starts_with("http://127.0.0.1:") && !asked.contains_key("login_hint")
    );
    let landing = user(ADA).browse(page.as_str()).await;
    assert!(
        matches!(landing, Landing::Page { status: 200, .. }),
        "{landing:?}"
    );
    let id = within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");

    let row = settled(&harness, &id).await;
    assert_eq!(
        (row.name.as_str(), row.status, row.active),
        (ADA, Status::Connected, true)
    );
    assert!(
        row.missing_scopes.is_empty() && row.targets_error.is_none() && row.sign_in_end.is_none()
    );
    let Identity::Gcp {
        issuer,
        email,
        hosted_domain,
        ..
    } = row.identity
    else {
        panic!("not Google")
    };
    assert_eq!(
        issuer,
        harness
            .clouds
            .google_issuer()
            .as_str()
            .trim_end_matches('/')
    );
    assert_eq!(
        (email.as_deref(), hosted_domain.as_deref()),
        (Some(ADA), Some("contoso.example"))
    );
    let projects = harness.app.targets(&id).expect("read");
    let names: Vec<_> = projects.iter().map(|project| project.id.as_str()).collect();
    assert_eq!(
        names,
        [
            "contoso-analytics",
            "contoso-production",
            "contoso-shared",
            "contoso-staging"
        ]
    );
    assert!(
        projects[2]
            .parent
            .as_deref()
            .is_some_and(|parent| parent.starts_with("organizations/"))
    );
    assert!(
        projects[0]
            .parent
            .as_deref()
            .is_some_and(|parent| parent.starts_with("folders/"))
    );
}

#[tokio::test]
async fn an_ios_client_comes_back_through_its_reversed_client_id() {
    let variables = [
        ("GOOGLE_CLIENT_ID", IOS_CLIENT_ID),
        ("MCM_REDIRECT_GCP", "deep-link"),
    ];
    let harness = Harness::with(
        |_| {},
        &[variables[0], variables[1], ("GOOGLE_CLIENT_SECRET", "")],
    )
    .await;
    let id = harness.app.connect(google()).expect("started");
    let page = harness.next_page().await;
    let redirect = user(ADA).browse(page.as_str()).await.expect_redirect();
    assert_eq!(
        redirect.scheme(),
        "com.googleusercontent.apps.202611240001-ios"
    );
    assert_eq!(harness.app.deliver(redirect.as_str()), Delivered::Accepted);
    let id = within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
    settled(&harness, &id).await;
    harness
        .app
        .renew(&id)
        .await
        .expect("a client without a secret renews");
}

#[tokio::test]
async fn accounts_stand_side_by_side_and_beside_azures() {
    let harness = Harness::start().await;
    let work = connect(&harness, ADA).await.expect("connected");
    let own = connect(&harness, FREELANCER).await.expect("connected");
    let azure = harness.connect(ADA).await.expect("connected");
    assert_eq!(harness.rows().len(), 3);
    assert!(harness.row(&work).active && !harness.row(&own).active && harness.row(&azure).active);
    let Identity::Gcp { hosted_domain, .. } = harness.row(&own).identity else {
        panic!("not Google")
    };
    assert_eq!(hosted_domain, None);
    assert_eq!(harness.app.targets(&own).expect("read")[0].parent, None);
}

#[tokio::test]
async fn a_project_is_chosen_and_the_console_opens_there() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    harness
        .app
        .choose_target(&id, "contoso-staging")
        .await
        .expect("chosen");
    harness
        .app
        .open_console(&id, ConsoleSession::Present)
        .await
        .expect("opened");
    let page = harness.next_page().await;
    assert_eq!(
        page.as_str(),
        "https://console.cloud.google.com/?authuser=ada%40contoso.example&project=contoso-staging"
    );
}

#[tokio::test]
async fn a_scheme_that_cannot_be_had_leads_to_loopback_and_is_reported() {
    let variables = [
        ("GOOGLE_CLIENT_ID", IOS_CLIENT_ID),
        ("MCM_REDIRECT_GCP", "deep-link"),
    ];
    let mut harness = Harness::with(|_| {}, &variables).await;
    harness.lose_the_scheme();
    harness.app.connect(google()).expect("started");
    let page = harness.next_page().await;
    assert!(
        page.as_str()
            .contains("redirect_uri=http%3A%2F%2F127.0.0.1%3A")
    );
    let view = harness.app.watch().borrow().sign_ins[0].clone();
    assert!(view.scheme_taken);
    assert_eq!(view.redirect, RedirectKind::Loopback);
}

#[tokio::test]
async fn a_user_who_unticks_the_cloud_is_connected_without_it_and_can_be_asked_again() {
    let harness = Harness::start().await;
    let id = harness
        .sign_in(google(), &user(ADA).untick("cloud-platform"))
        .await
        .expect("connected");
    let row = settled(&harness, &id).await;
    assert_eq!(
        (row.status, row.missing_scopes.as_slice()),
        (Status::Connected, &[FULL.to_owned()][..])
    );
    let error = row.targets_error.expect("reported");
    assert_eq!(error.code, Code::SignInRefused);
    assert!(error.message.contains("not granted"), "{}", error.message);
    assert_eq!(
        requests(&harness, Endpoint::GoogleProjects),
        0,
        "nothing to ask for"
    );

    let id_again = harness.app.connect(again(&id)).expect("started");
    let page = harness.next_page().await;
    assert!(page.as_str().contains("login_hint=") && page.as_str().contains("prompt=consent"));
    user(ADA).browse(page.as_str()).await;
    within(harness.app.sign_in_ended(id_again))
        .await
        .expect("signed in");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    let row = harness.row(&id);
    assert!(row.missing_scopes.is_empty() && row.targets_error.is_none());
    assert_eq!(harness.rows().len(), 1);
}

#[tokio::test]
async fn both_clouds_sign_in_at_once_and_swapped_answers_mix_nothing_up() {
    let variables = [
        ("GOOGLE_CLIENT_ID", IOS_CLIENT_ID),
        ("MCM_REDIRECT_GCP", "deep-link"),
    ];
    let harness = Harness::with(
        |_| {},
        &[variables[0], variables[1], ("GOOGLE_CLIENT_SECRET", "")],
    )
    .await;
    let azure = Connect {
        redirect: Some(RedirectKind::DeepLink),
        ..Connect::new(Cloud::Azure)
    };
    let azure = harness.app.connect(azure).expect("started");
    let from_azure = user(ADA)
        .browse(harness.next_page().await.as_str())
        .await
        .expect_redirect();
    let gcp = harness.app.connect(google()).expect("started");
    let from_google = user(ADA)
        .browse(harness.next_page().await.as_str())
        .await
        .expect_redirect();

    let at = |url: &url::Url| {
        url.as_str()
            .split('?')
            .next()
            .expect("an address")
            .to_owned()
    };
    let query = |url: &url::Url| url.query().expect("an answer").to_owned();
    for swapped in [
        format!("{}?{}", at(&from_azure), query(&from_google)),
        format!("{}?{}", at(&from_google), query(&from_azure)),
    ] {
        assert!(matches!(
            harness.app.deliver(&swapped),
            Delivered::Ignored(_)
        ));
    }
    assert_eq!(
        harness.app.deliver(from_google.as_str()),
        Delivered::Accepted
    );
    assert_eq!(
        harness.app.deliver(from_azure.as_str()),
        Delivered::Accepted
    );
    let azure = within(harness.app.sign_in_ended(azure))
        .await
        .expect("connected");
    let gcp = within(harness.app.sign_in_ended(gcp))
        .await
        .expect("connected");
    assert_eq!(
        (harness.row(&azure).cloud, harness.row(&gcp).cloud),
        (Cloud::Azure, Cloud::Gcp)
    );
}

#[tokio::test]
async fn a_code_of_one_cloud_with_the_state_of_the_other_connects_no_account() {
    let harness = Harness::start().await;
    let azure = harness
        .app
        .connect(Connect::new(Cloud::Azure))
        .expect("started");
    let from_azure = user(ADA)
        .browse(harness.next_page().await.as_str())
        .await
        .expect_redirect();
    let code = from_azure
        .query_pairs()
        .find(|(name, _)| name == "code")
        .expect("a code")
        .1
        .into_owned();

    let gcp = harness.app.connect(google()).expect("started");
    let page = harness.next_page().await;
    let asked: std::collections::HashMap<_, _> = page.query_pairs().into_owned().collect();
    let issuer = harness
        .clouds
        .google_issuer()
        .as_str()
        .trim_end_matches('/')
        .to_owned();
    let mut forged = url::Url::parse(&asked["redirect_uri"]).expect("an address");
    forged.query_pairs_mut().extend_pairs([
        ("code", &code),
        ("state", &asked["state"]),
        ("iss", &issuer),
    ]);
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    client
        .get(forged.as_str())
        .send()
        .await
        .expect("the listener answers");
    let error = within(harness.app.sign_in_ended(gcp))
        .await
        .expect_err("not Google's code");
    assert_eq!(error.code(), Code::SignInRejected);
    assert!(harness.rows().is_empty());
    // The code went to Google's server only, with Google's verifier: Azure's own sign-in goes on.
    assert_eq!(
        harness.app.deliver(from_azure.as_str()),
        Delivered::Accepted
    );
    within(harness.app.sign_in_ended(azure))
        .await
        .expect("connected");
}
