//! Signing in to Azure: the browser, the redirect, what interrupts it, and the subscriptions that it brings.

use std::time::Duration;

use mcm_core::account::{Cloud, Identity};
use mcm_core::app::Connect;
use mcm_core::error::Code;
use mcm_core::redirect::Delivered;
use mcm_core::settings::RedirectKind;
use mcm_core::snapshot::Status;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::{Endpoint, Fault, guid};

use crate::harness::{ADA, GRACE, Harness, within};

pub(crate) fn azure() -> Connect {
    Connect::new(Cloud::Azure)
}

fn loopback() -> Connect {
    Connect {
        redirect: Some(RedirectKind::Loopback),
        ..azure()
    }
}

pub(crate) fn user(name: &str) -> Browser {
    Browser::new().as_user(name)
}

pub(crate) fn tenant_name(identity: &Identity) -> &str {
    match identity {
        Identity::Azure {
            tenant_name: Some(name),
            ..
        } => name,
        other => panic!("no Azure tenant with a name: {other:?}"),
    }
}

#[tokio::test]
async fn a_user_connects_through_the_apps_scheme_and_sees_the_subscriptions() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    let row = harness.row(&id);
    assert_eq!(
        (row.name.as_str(), row.status, row.active),
        ("Contoso", Status::Connected, true)
    );
    assert!(row.session.is_some() && row.sign_in_end.is_some() && row.renewal_failure.is_none());
    let names: Vec<String> = harness
        .app
        .targets(&id)
        .expect("read")
        .into_iter()
        .map(|target| target.name)
        .collect();
    assert_eq!(
        names,
        ["Legacy billing", "Production", "Sandbox", "Staging"]
    );
    let offered: Vec<_> = row
        .offered
        .iter()
        .filter_map(|tenant| tenant.name.as_deref())
        .collect();
    assert_eq!(offered, ["Fabrikam", "Northwind"]);
}

#[tokio::test]
async fn a_user_connects_through_loopback_with_a_posted_answer() {
    let harness = Harness::start().await;
    let id = harness.app.connect(loopback()).expect("started");
    let page = harness.next_page().await;
    assert!(page.as_str().contains("response_mode=form_post"));
    let landing = user(ADA).browse(page.as_str()).await;
    assert!(
        matches!(landing, Landing::Page { status: 200, .. }),
        "{landing:?}"
    );
    within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
}

#[tokio::test]
async fn a_scheme_that_belongs_to_another_program_leads_to_loopback_and_is_reported() {
    let mut harness = Harness::start().await;
    harness.lose_the_scheme();
    let id = harness.app.connect(azure()).expect("started");
    harness.visit(&user(ADA)).await;
    within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
    let view = harness.app.watch().borrow().sign_ins[0].clone();
    assert!(view.scheme_taken);
    assert_eq!(view.redirect, RedirectKind::Loopback);
}

#[tokio::test]
async fn signing_in_to_a_tenant_by_its_domain_connects_that_tenant() {
    let harness = Harness::start().await;
    let wanted = Connect {
        tenant: Some("northwind.example".into()),
        ..azure()
    };
    let id = harness
        .sign_in(wanted, &user(ADA))
        .await
        .expect("connected");
    assert_eq!(tenant_name(&harness.row(&id).identity), "Northwind");
}

#[tokio::test]
async fn cancelling_changes_nothing_and_the_late_answer_is_ignored() {
    let harness = Harness::start().await;
    let id = harness.app.connect(azure()).expect("started");
    let page = harness.next_page().await;
    harness.app.cancel_sign_in(id).expect("running");
    let error = within(harness.app.sign_in_ended(id))
        .await
        .expect_err("cancelled");
    assert_eq!(error.code(), Code::SignInCancelled);
    let redirect = user(ADA).browse(page.as_str()).await.expect_redirect();
    assert_ne!(harness.app.deliver(redirect.as_str()), Delivered::Accepted);
    assert!(harness.rows().is_empty());
    assert_eq!(harness.token_requests("authorization_code"), 0);
}

#[tokio::test]
async fn a_sign_in_that_is_not_finished_expires_after_ten_minutes() {
    let harness = Harness::start().await;
    let id = harness.app.connect(azure()).expect("started");
    let page = harness.next_page().await;
    harness.clock.advance(std::time::Duration::from_secs(601));
    let error = within(harness.app.sign_in_ended(id))
        .await
        .expect_err("expired");
    assert_eq!(error.code(), Code::SignInExpired);
    if let Landing::Redirect(late) = user(ADA).browse(page.as_str()).await {
        assert_ne!(harness.app.deliver(late.as_str()), Delivered::Accepted);
    }
    assert!(harness.rows().is_empty());
}

#[tokio::test]
async fn refusing_consent_says_so_and_changes_nothing() {
    let harness = Harness::start().await;
    let error = harness
        .sign_in(azure(), &user(ADA).refuse_consent())
        .await
        .expect_err("refused");
    assert_eq!(error.code(), Code::SignInRefused);
    assert!(harness.rows().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_delivered_twice_is_used_once() {
    let harness = Harness::start().await;
    let id = harness.app.connect(azure()).expect("started");
    let page = harness.next_page().await;
    let redirect = user(ADA).browse(page.as_str()).await.expect_redirect();
    assert_eq!(harness.app.deliver(redirect.as_str()), Delivered::Accepted);
    assert_ne!(harness.app.deliver(redirect.as_str()), Delivered::Accepted);
    within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
    assert_ne!(
        harness.app.deliver(redirect.as_str()),
        Delivered::Accepted,
        "nor after the end"
    );
    assert_eq!(harness.token_requests("authorization_code"), 1);
}

#[tokio::test]
async fn an_unknown_state_changes_nothing_and_the_sign_in_goes_on() {
    let harness = Harness::start().await;
    let id = harness.app.connect(azure()).expect("started");
    let page = harness.next_page().await;
    for hostile in [
        "io.github.multicloudmanager://auth/azure?code=x&state=unknown",
        "io.github.multicloudmanager://auth/azure?error=access_denied",
        "io.github.multicloudmanager://auth/gcp?code=x&state=y",
        "io.github.multicloudmanager://open",
        "",
        "\u{0}\u{ffff}",
    ] {
        assert_ne!(
            harness.app.deliver(hostile),
            Delivered::Accepted,
            "{hostile:?}"
        );
    }
    let redirect = user(ADA).browse(page.as_str()).await.expect_redirect();
    assert_eq!(harness.app.deliver(redirect.as_str()), Delivered::Accepted);
    within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
}

#[tokio::test]
async fn two_sign_ins_at_once_each_get_their_own_answer() {
    let harness = Harness::start().await;
    let first = harness.app.connect(azure()).expect("started");
    let first_page = harness.next_page().await;
    let second = harness.app.connect(azure()).expect("started");
    let second_page = harness.next_page().await;
    let grace = user(GRACE)
        .browse(second_page.as_str())
        .await
        .expect_redirect();
    let ada = user(ADA)
        .browse(first_page.as_str())
        .await
        .expect_redirect();
    harness.app.deliver(ada.as_str());
    harness.app.deliver(grace.as_str());
    let ada = within(harness.app.sign_in_ended(first))
        .await
        .expect("connected");
    let grace = within(harness.app.sign_in_ended(second))
        .await
        .expect("connected");
    assert_eq!(tenant_name(&harness.row(&ada).identity), "Contoso");
    assert_eq!(tenant_name(&harness.row(&grace).identity), "Fabrikam");
}

#[tokio::test]
async fn a_code_of_another_flow_is_refused_by_pkce_and_nothing_is_stored() {
    let harness = Harness::start().await;
    let victim = harness.app.connect(azure()).expect("started");
    let victims = harness.next_page().await;
    harness.app.connect(azure()).expect("started");
    let attackers = harness.next_page().await;
    let stolen = user(GRACE)
        .browse(attackers.as_str())
        .await
        .expect_redirect();
    let parameter = |url: &url::Url, name: &str| {
        url.query_pairs()
            .find(|(key, _)| key == name)
            .expect("there")
            .1
            .into_owned()
    };
    let mut forged = url::Url::parse("io.github.multicloudmanager://auth/azure").expect("a URL");
    forged
        .query_pairs_mut()
        .append_pair("code", &parameter(&stolen, "code"))
        .append_pair("state", &parameter(&victims, "state"));
    harness.app.deliver(forged.as_str());
    within(harness.app.sign_in_ended(victim))
        .await
        .expect_err("the verifier does not fit");
    assert!(harness.rows().is_empty());
}

#[tokio::test]
async fn without_a_client_id_the_setting_is_named_and_it_can_be_saved_there() {
    let harness = Harness::with(|_| {}, &[("AZURE_CLIENT_ID", "")]).await;
    let error = harness.app.connect(azure()).expect_err("no client id");
    assert_eq!(error.code(), Code::SettingMissing);
    assert!(error.message().contains("AZURE_CLIENT_ID"), "{error}");
    assert!(!harness.app.watch().borrow().clouds[0].ready);

    let wrong = harness
        .app
        .save_client_id(Cloud::Azure, "x.apps.googleusercontent.com")
        .expect_err("Google's");
    assert_eq!(wrong.code(), Code::InvalidInput);
    let client_id = harness
        .clouds
        .environment()
        .iter()
        .find(|(name, _)| *name == "AZURE_CLIENT_ID")
        .expect("set")
        .1
        .clone();
    harness
        .app
        .save_client_id(Cloud::Azure, &client_id)
        .expect("saved");
    assert!(harness.app.watch().borrow().clouds[0].ready);
    harness.connect(ADA).await.expect("connected");
}

#[tokio::test]
async fn an_unknown_client_id_ends_on_entras_page_and_can_be_cancelled() {
    let harness = Harness::with(|_| {}, &[("AZURE_CLIENT_ID", &guid("an unknown app"))]).await;
    let id = harness.app.connect(azure()).expect("started");
    let page = harness.next_page().await;
    let landing = user(ADA).browse(page.as_str()).await;
    assert!(
        matches!(&landing, Landing::ErrorPage(text) if text.contains("AADSTS700016")),
        "{landing:?}"
    );
    harness.app.cancel_sign_in(id).expect("still waiting");
    within(harness.app.sign_in_ended(id))
        .await
        .expect_err("cancelled");
}

#[tokio::test]
async fn the_browser_is_opened_again_at_the_same_sign_in() {
    let harness = Harness::start().await;
    let id = harness.app.connect(azure()).expect("started");
    let page = harness.next_page().await;
    harness.app.reopen_browser(id).expect("running");
    assert_eq!(harness.next_page().await, page);
    harness.app.cancel_sign_in(id).expect("running");
    within(harness.app.sign_in_ended(id))
        .await
        .expect_err("cancelled");
    assert!(harness.app.reopen_browser(id).is_err(), "it has ended");
}

#[tokio::test]
async fn subscriptions_come_page_by_page_and_reading_them_can_be_cancelled() {
    let harness = Harness::with(|options| options.page_size = 1, &[]).await;
    let id = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    harness
        .clouds
        .faults()
        .always(Endpoint::AzureSubscriptions, Fault::Hang);
    let (app, reader) = (harness.app.clone(), id.clone());
    let reading = tokio::spawn(async move { app.read_targets(&reader).await });
    harness
        .until(|snapshot| snapshot.accounts[0].reading_targets.is_some())
        .await;
    harness.app.cancel_reading(&id);
    within(reading)
        .await
        .expect("no panic")
        .expect("cancelling is no failure");
    assert_eq!(harness.row(&id).target_count, 4, "the old list stays");
}

#[tokio::test]
async fn every_request_for_a_token_declares_that_its_access_may_be_evaluated_continuously() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(Duration::from_secs(2 * 3600));
    harness.app.session(&id).await.expect("renewed");
    let requests = harness.clouds.requests();
    let declares = |endpoint| {
        let of_it = requests.iter().filter(|r| r.endpoint == Some(endpoint));
        of_it
            .map(|request| request.claims.clone().unwrap_or_default())
            .collect::<Vec<_>>()
    };
    let capability = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
    assert_eq!(declares(Endpoint::AzureAuthorize), [capability]);
    assert_eq!(declares(Endpoint::AzureToken), [capability; 2]);
}
