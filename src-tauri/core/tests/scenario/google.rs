//! Connecting, renewing and disconnecting Google accounts.

use std::time::Duration;

use mcm_core::account::{AccountId, Cloud, Identity, SignInEndReason};
use mcm_core::app::{Connect, ConsoleSession, OnDuplicate};
use mcm_core::error::{Code, Result};
use mcm_core::redirect::Delivered;
use mcm_core::settings::RedirectKind;
use mcm_core::sign_in::SignInStep;
use mcm_core::snapshot::{AccountView, Status};
use mcm_core::vault::Record;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::google::directory::{GoogleUser, Project};
use sandbox_clouds::google::{IOS_CLIENT_ID, ProjectPolicy};
use sandbox_clouds::{Endpoint, Fault, GoogleDirectory, OAuthError, Revocation};
use secrecy::ExposeSecret as _;

use crate::harness::{ADA, Harness, within};

pub(crate) const FREELANCER: &str = "ada.freelance@example.net";
const TIM: &str = "tim@contoso.example";
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
    let key = harness
        .app
        .stored()
        .expect("readable")
        .account(id)
        .expect("a row")
        .grant
        .clone();
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

fn requests(harness: &Harness, endpoint: Endpoint) -> usize {
    harness
        .clouds
        .requests()
        .iter()
        .filter(|request| request.endpoint == Some(endpoint))
        .count()
}

/// Ada, with this subject's address and one project.
fn directory_of(subject: &str, email: &str) -> GoogleDirectory {
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
async fn a_renewal_keeps_the_refresh_token_when_none_comes() {
    let mut harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    let before = refresh_token(&harness, &id).await;
    let first = harness
        .app
        .session(&id)
        .await
        .expect("valid")
        .bearer()
        .cloned()
        .expect("a token");
    harness.app.renew(&id).await.expect("renewed");
    harness.restart();
    harness.clock.advance(Duration::from_secs(3600));
    let later = harness
        .app
        .session(&id)
        .await
        .expect("renewed after a restart")
        .bearer()
        .cloned()
        .expect("a token");
    assert_ne!(first.expose_secret(), later.expose_secret());
    assert_eq!(refresh_token(&harness, &id).await, before);
}

#[tokio::test]
async fn a_renewal_replaces_the_refresh_token_when_one_comes() {
    let rotating = ProjectPolicy {
        rotates: true,
        ..ProjectPolicy::default()
    };
    let mut harness = Harness::with(|options| options.google_policy = rotating, &[]).await;
    let id = connect(&harness, ADA).await.expect("connected");
    let before = refresh_token(&harness, &id).await;
    harness.app.renew(&id).await.expect("renewed");
    assert_ne!(refresh_token(&harness, &id).await, before);
    harness.restart();
    harness
        .app
        .renew(&id)
        .await
        .expect("renewed with the new one");
}

#[tokio::test]
async fn a_client_secret_stays_with_its_grant_when_the_settings_name_another_client() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    let other = [
        ("GOOGLE_CLIENT_ID", "999-other.apps.googleusercontent.com"),
        ("GOOGLE_CLIENT_SECRET", "CANARY-of-the-other-client"),
    ];
    let app = harness.app_with(&other);
    app.renew(&id)
        .await
        .expect("as the client that the grant belongs to");
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
async fn the_end_of_a_sign_in_in_testing_is_shown_and_survives_renewals() {
    let testing = ProjectPolicy {
        is_testing: true,
        ..ProjectPolicy::default()
    };
    let harness = Harness::with(|options| options.google_policy = testing, &[]).await;
    let id = connect(&harness, ADA).await.expect("connected");
    let end = harness.row(&id).sign_in_end.expect("known");
    assert_eq!(end.why, SignInEndReason::ProviderLimit);
    harness.app.renew(&id).await.expect("renewed");
    assert_eq!(harness.row(&id).sign_in_end, Some(end));
    harness.clock.advance(Duration::from_secs(7 * 24 * 3600));
    let error = harness.app.session(&id).await.expect_err("over");
    assert_eq!(error.code(), Code::SignInAgain);
    assert!(error.message().contains("Testing"), "{error}");
}

#[tokio::test]
async fn a_sign_in_that_the_organisation_ended_is_not_called_revoked_and_is_fixed_by_signing_in() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    harness.clouds.expire(ADA);
    let error = harness.app.renew(&id).await.expect_err("over");
    assert_eq!(error.code(), Code::SignInAgain);
    assert!(
        error.message().contains("Your organisation limits")
            && error.reference().contains("invalid_rapt")
    );
    assert_eq!(harness.row(&id).status, Status::SignInAgain);
    let asked = requests(&harness, Endpoint::GoogleToken);
    harness
        .app
        .renew(&id)
        .await
        .expect_err("only the user can help");
    assert_eq!(
        requests(&harness, Endpoint::GoogleToken),
        asked,
        "no further request"
    );

    // Google still has the consent, so the first visit brings no refresh token and a second one asks for consent.
    let id_again = harness.app.connect(again(&id)).expect("started");
    let browser = user(ADA);
    let first = harness.next_page().await;
    assert!(
        first.as_str().contains("login_hint=") && !first.as_str().contains("prompt="),
        "no forced consent"
    );
    browser.browse(first.as_str()).await;
    let second = harness.next_page().await;
    assert!(second.as_str().contains("login_hint=") && second.as_str().contains("prompt=consent"));
    browser.browse(second.as_str()).await;
    assert_eq!(
        within(harness.app.sign_in_ended(id_again))
            .await
            .expect("signed in"),
        id
    );
    assert_eq!(harness.row(&id).status, Status::Connected);
    harness.app.renew(&id).await.expect("renewed");
}

#[tokio::test]
async fn a_revoked_sign_in_names_the_possible_causes_and_the_row_stays() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    harness.clouds.revoke_all(ADA);
    let error = harness.app.renew(&id).await.expect_err("revoked");
    for cause in ["revoked", "password", "6 months", "7 days", "100"] {
        assert!(error.message().contains(cause), "{error}");
    }
    let row = harness.row(&id);
    assert_eq!((row.status, row.target_count), (Status::SignInAgain, 4));
}

#[tokio::test]
async fn a_refusal_by_the_administrator_at_a_renewal_says_so() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    let refused = OAuthError {
        error: "admin_policy_enforced".into(),
        ..OAuthError::default()
    };
    harness.clouds.revoke(ADA, &Revocation::Refused(refused));
    assert_eq!(
        harness.app.renew(&id).await.expect_err("refused").code(),
        Code::AdminNeeded
    );
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
async fn signing_in_again_as_another_user_changes_nothing_and_says_who_came_back() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    let before = (
        harness.app.stored().expect("readable"),
        refresh_token(&harness, &id).await,
    );
    let again = harness.app.connect(again(&id)).expect("started");
    let page = harness.next_page().await;
    // The user picks another account all the same.
    let page = page.as_str().replace("login_hint=", "unknown=");
    user(TIM).browse(&page).await;
    let error = within(harness.app.sign_in_ended(again))
        .await
        .expect_err("another user");
    assert_eq!(error.code(), Code::WrongUser);
    assert!(
        error.message().contains(TIM) && error.message().contains(ADA),
        "{error}"
    );
    assert_eq!(
        harness.app.stored().expect("readable").accounts,
        before.0.accounts
    );
    assert_eq!(refresh_token(&harness, &id).await, before.1);
    harness.app.renew(&id).await.expect("the row still works");
}

#[tokio::test]
async fn an_address_that_was_given_to_another_user_is_asked_about() {
    for (decision, rows) in [(OnDuplicate::KeepBoth, 2), (OnDuplicate::Replace, 1)] {
        let harness =
            Harness::with(|options| options.google = directory_of("1001", ADA), &[]).await;
        let first = connect(&harness, ADA).await.expect("connected");
        harness
            .clouds
            .set_google_directory(directory_of("2002", "Ada@Contoso.example"));
        let id = harness.app.connect(google()).expect("started");
        harness.visit(&user(ADA)).await;
        harness
            .until(|snapshot| {
                matches!(
                    snapshot.sign_ins.last().map(|view| &view.step),
                    Some(SignInStep::Choice { .. })
                )
            })
            .await;
        assert_eq!(
            harness.rows().len(),
            1,
            "nothing is stored while the user is asked"
        );
        harness.app.decide_duplicate(id, decision).expect("asked");
        let second = within(harness.app.sign_in_ended(id))
            .await
            .expect("connected");
        assert_ne!(first, second);
        assert_eq!(harness.rows().len(), rows, "{decision:?}");
        harness
            .app
            .session(&second)
            .await
            .expect("the new row works");
    }
}

#[tokio::test]
async fn a_terminal_that_cannot_ask_about_an_address_is_shown_the_choice() {
    let harness = Harness::with(|options| options.google = directory_of("1001", ADA), &[]).await;
    connect(&harness, ADA).await.expect("connected");
    harness
        .clouds
        .set_google_directory(directory_of("2002", ADA));
    let fail = Connect {
        on_duplicate: OnDuplicate::Fail,
        ..google()
    };
    let error = harness.sign_in(fail, &user(ADA)).await.expect_err("asked");
    assert_eq!(error.code(), Code::AlreadyConnected);
    assert!(
        error.message().contains("--replace") && error.message().contains("--keep-both"),
        "{error}"
    );
}

#[tokio::test]
async fn an_address_that_changed_at_google_keeps_the_row() {
    let harness = Harness::with(|options| options.google = directory_of("1001", ADA), &[]).await;
    let id = connect(&harness, ADA).await.expect("connected");
    harness.app.set_star(&id, true).await.expect("starred");
    harness
        .clouds
        .set_google_directory(directory_of("1001", "ada.king@contoso.example"));
    harness.app.renew(&id).await.expect("renewed");
    assert_eq!(
        harness.row(&id).name,
        "ada.king@contoso.example",
        "a renewal brings the new address"
    );

    harness
        .clouds
        .set_google_directory(directory_of("1001", "ada.byron@contoso.example"));
    assert_eq!(
        connect(&harness, "ada.byron@contoso.example")
            .await
            .expect("connected again"),
        id
    );
    let row = harness.row(&id);
    assert_eq!(
        (row.name.as_str(), row.starred, harness.rows().len()),
        ("ada.byron@contoso.example", true, 1)
    );
}

#[tokio::test]
async fn disconnecting_revokes_at_google_and_removes_every_trace() {
    let harness = Harness::start().await;
    let id = connect(&harness, ADA).await.expect("connected");
    let token = refresh_token(&harness, &id).await;
    let key = harness
        .app
        .stored()
        .expect("readable")
        .account(&id)
        .expect("a row")
        .grant
        .clone();
    assert!(
        harness
            .app
            .disconnect(&id)
            .await
            .expect("disconnected")
            .is_none(),
        "Google revoked it"
    );
    assert_eq!(requests(&harness, Endpoint::GoogleRevoke), 1);
    let form = [("token", token.as_str())];
    let revoke = harness
        .clouds
        .google_issuer()
        .join("revoke")
        .expect("a path");
    let answer = reqwest::Client::new()
        .post(revoke)
        .form(&form)
        .send()
        .await
        .expect("answered");
    assert_eq!(
        answer.status(),
        400,
        "Google does not know the token any more"
    );
    assert!(
        harness
            .vault
            .read(&Record::grant(&key))
            .await
            .expect("readable")
            .is_none()
    );
    assert!(
        harness
            .vault
            .read(&Record::session(
                &id,
                mcm_core::resource::Resource::Management.key()
            ))
            .await
            .expect("readable")
            .is_none()
    );
    let pages = std::fs::read(harness.data().join("accounts.db")).expect("readable");
    let pages = String::from_utf8_lossy(&pages).to_lowercase();
    assert!(!pages.contains("hosteddomain"), "{pages}");
}

#[tokio::test]
async fn disconnecting_removes_every_trace_also_when_google_is_gone_or_knows_the_token_no_more() {
    for fault in [
        Some(Fault::Drop),
        Some(Fault::status(401)),
        Some(Fault::status(403)),
        Some(Fault::status(503)),
        Some(Fault::answer(503, r#"{"error":"temporarily_unavailable"}"#)),
        Some(Fault::answer(429, "{}")),
        Some(Fault::answer(400, r#"{"error":"invalid_client"}"#)),
        None,
    ] {
        let harness = Harness::start().await;
        let id = connect(&harness, ADA).await.expect("connected");
        let key = harness
            .app
            .stored()
            .expect("readable")
            .account(&id)
            .expect("a row")
            .grant
            .clone();
        let is_revoked_there = fault.is_none();
        match fault {
            Some(fault) => harness
                .clouds
                .faults()
                .always(Endpoint::GoogleRevoke, fault),
            None => {
                // Signed out at Google by another user: the token is unknown there.
                let form = [("token", refresh_token(&harness, &id).await)];
                let revoke = harness
                    .clouds
                    .google_issuer()
                    .join("revoke")
                    .expect("a path");
                reqwest::Client::new()
                    .post(revoke)
                    .form(&form)
                    .send()
                    .await
                    .expect("answered");
            }
        }
        let refused = harness
            .app
            .disconnect(&id)
            .await
            .expect("disconnected here");
        assert_eq!(refused.is_none(), is_revoked_there);
        if let Some(error) = refused {
            assert!(
                error.message().contains("still granted") && error.is_transient(),
                "{error:?}"
            );
        }
        assert!(harness.rows().is_empty());
        assert!(
            harness
                .vault
                .read(&Record::grant(&key))
                .await
                .expect("readable")
                .is_none()
        );
    }
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
