//! Signing in: what is registered and asked for, how a sign-in ends, and who came back.

use mcm_core::account::Identity;
use mcm_core::app::{Connect, Disconnected, OnDuplicate, SignOut};
use mcm_core::error::Code;
use mcm_core::sign_in::RegionOrigin;
use sandbox_clouds::aws::identity_center::{ALIAS_URL, START_URL};
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Endpoint, Fault};
use serde_json::json;

use super::{ADMIN, connect, count, credentials, portal, read, set, wanted};
use crate::harness::Harness;

#[tokio::test]
async fn a_sign_in_registers_as_aws_wants_it_and_connects_the_user_with_every_role() {
    // I1, I2, I10
    let harness = Harness::start().await;
    let id = harness.app.connect(wanted(&harness)).expect("begun");
    let page = harness.next_page().await;
    let query: Vec<(String, String)> = page.query_pairs().into_owned().collect();
    let value = |name: &str| {
        let found: Vec<&str> = query
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!(found.len(), 1, "{name}: {found:?}");
        found[0].to_owned()
    };
    assert_eq!(page.path(), "/authorize");
    assert_eq!(value("scopes"), "sso:account:access");
    assert_eq!(value("code_challenge_method"), "S256");
    assert_eq!(
        (
            value("code_challenge").len(),
            value("response_type").as_str()
        ),
        (43, "code")
    );
    let redirect = url::Url::parse(&value("redirect_uri")).expect("a URL");
    assert_eq!(
        (redirect.host_str(), redirect.path()),
        (Some("127.0.0.1"), "/oauth/callback")
    );
    assert!(
        harness
            .clouds
            .secrets()
            .iter()
            .all(|secret| !page.as_str().contains(secret.as_str()))
    );
    let view = harness
        .until(|snapshot| snapshot.sign_ins[0].portal.is_some())
        .await;
    let found = view.sign_ins[0].portal.clone().expect("found");
    assert_eq!(
        (found.region.as_str(), found.region_origin),
        ("eu-west-1", RegionOrigin::PortalPage)
    );

    drop(Browser::new().browse(page.as_str()).await);
    let account = harness.app.sign_in_ended(id).await.expect("connected");
    let registered = harness.clouds.identity_center_registrations();
    assert_eq!(
        registered,
        [json!({
            "clientName": "Multi-Cloud Manager",
            "clientType": "public",
            "scopes": ["sso:account:access"],
            "grantTypes": ["authorization_code", "refresh_token"],
            "redirectUris": ["http://127.0.0.1/oauth/callback"],
            "issuerUrl": harness.clouds.start_url().as_str(),
        })]
    );
    let row = read(&harness, &account).await;
    assert!(
        matches!(&row.identity, Identity::IdentityCenter { user_name: Some(name), region, partition, .. }
            if name == "ada" && region == "eu-west-1" && partition == "aws"),
        "{:?}",
        row.identity
    );
    let ids: Vec<&str> = row
        .targets
        .iter()
        .map(|target| target.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "111122223333/AdministratorAccess",
            "111122223333/ReadOnly",
            "444455556666/AdministratorAccess",
            "444455556666/ReadOnly",
            "777788889999/AdministratorAccess",
            "012345678901/ReadOnly",
        ]
    );
    assert_eq!(
        row.organization.len(),
        5,
        "an account without roles is there too"
    );
    assert_eq!(row.targets[5].name, "Labs: R&D / ReadOnly");
}

#[tokio::test]
async fn denying_on_the_page_cancels_the_sign_in_and_stores_nothing() {
    // I5
    let harness = Harness::start().await;
    let refused = harness
        .sign_in(wanted(&harness), &Browser::new().refuse_consent())
        .await;
    let error = refused.expect_err("denied");
    assert_eq!(error.code(), Code::SignInRefused);
    assert!(error.message().starts_with("You cancelled"), "{error}");
    assert!(harness.rows().is_empty());
    assert_eq!(harness.app.left_over_secrets().expect("readable"), 0);
}

#[tokio::test]
async fn a_known_start_url_with_a_region_asks_no_page_and_a_look_alike_no_server() {
    // I8, I9
    let harness = Harness::start().await;
    let id = harness
        .sign_in(portal(START_URL, Some("eu-west-1")), &Browser::new())
        .await
        .expect("connected");
    assert_eq!(harness.row(&id).name, "d-1234567890");
    assert_eq!(count(&harness, Endpoint::CenterStart), 0);
    harness.clouds.forget_requests();
    for start_url in [
        "https://view.awsapps.com/start",
        "https://ada@d-1.awsapps.com/start",
        "http://d-1.awsapps.com/start",
    ] {
        let refused = harness
            .sign_in(portal(start_url, Some("eu-west-1")), &Browser::new())
            .await;
        assert_eq!(
            refused.expect_err(start_url).code(),
            Code::InvalidInput,
            "{start_url}"
        );
    }
    let refused = harness
        .sign_in(
            portal(START_URL, Some("eu-west-1.evil.example")),
            &Browser::new(),
        )
        .await;
    assert_eq!(refused.expect_err("no region").code(), Code::InvalidInput);
    assert!(
        harness
            .clouds
            .requests()
            .iter()
            .all(|request| request.endpoint != Some(Endpoint::CenterRegister))
    );
}

#[tokio::test]
async fn a_region_that_nothing_tells_is_asked_for() {
    // I10
    let harness = Harness::start().await;
    set(&harness, |policy| policy.omits_region = true);
    let error = connect(&harness).await.expect_err("no region");
    assert_eq!(error.code(), Code::InvalidInput);
    // The harness is the window.
    assert!(error.message().contains("Enter it at Region"), "{error}");
    assert_eq!(count(&harness, Endpoint::CenterRegister), 0);
}

#[tokio::test]
async fn a_portal_that_does_not_know_a_new_token_is_in_another_region() {
    // I11
    let harness = Harness::start().await;
    set(&harness, |policy| policy.is_wrong_region = true);
    let error = connect(&harness).await.expect_err("another region");
    assert!(error.message().contains("another region"), "{error}");
    assert!(harness.rows().is_empty());
}

#[tokio::test]
async fn another_user_in_the_browser_replaces_no_account_without_a_question() {
    // I26
    let harness = Harness::start().await;
    let ada = connect(&harness).await.expect("connected");
    read(&harness, &ada).await;
    let again = || Connect {
        account: Some(ada.clone()),
        on_duplicate: OnDuplicate::Fail,
        ..Connect::new(mcm_core::account::Cloud::Aws)
    };
    let grace = Browser::new().as_user("grace@contoso.example");
    let error = harness
        .sign_in(again(), &grace)
        .await
        .expect_err("another user");
    assert_eq!(error.code(), Code::AlreadyConnected);
    assert!(
        error.message().contains("ada") && error.message().contains("grace@contoso.example"),
        "{error}"
    );
    assert_eq!(harness.rows().len(), 1);
    assert!(
        credentials(&harness, &ada, ADMIN).await.is_ok(),
        "the old sign-in still works"
    );
    let same = harness
        .sign_in(again(), &Browser::new())
        .await
        .expect("the same user");
    assert_eq!((same, harness.rows().len()), (ada, 1));
}

#[tokio::test]
async fn two_addresses_of_one_instance_are_offered_as_one_sign_in() {
    // I27
    let harness = Harness::start().await;
    let first = harness
        .sign_in(portal(START_URL, Some("eu-west-1")), &Browser::new())
        .await
        .expect("connected");
    read(&harness, &first).await;
    let other = Connect {
        on_duplicate: OnDuplicate::Fail,
        ..portal(ALIAS_URL, Some("eu-west-1"))
    };
    let error = harness
        .sign_in(other, &Browser::new())
        .await
        .expect_err("the same");
    assert_eq!(error.code(), Code::AlreadyConnected);
    let both = Connect {
        on_duplicate: OnDuplicate::KeepBoth,
        ..portal(ALIAS_URL, Some("eu-west-1"))
    };
    harness
        .sign_in(both, &Browser::new())
        .await
        .expect("kept beside it");
    assert_eq!(harness.rows().len(), 2);
}

#[tokio::test]
async fn disconnecting_stays_on_this_machine_unless_the_user_wants_more() {
    // I28
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    credentials(&harness, &id, ADMIN).await.expect("issued");
    assert!(
        harness
            .app
            .disconnect(&id)
            .await
            .expect("removed")
            .is_none()
    );
    assert_eq!(count(&harness, Endpoint::CenterLogout), 0);

    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    let reported = harness
        .app
        .disconnect_and(&id, SignOut::Everywhere)
        .await
        .expect("removed");
    assert!(reported.is_none(), "{reported:?}");
    assert_eq!(count(&harness, Endpoint::CenterLogout), 1);
    assert_eq!(harness.app.left_over_secrets().expect("readable"), 0);
}

#[tokio::test]
async fn a_disconnect_that_could_be_undone_signs_out_as_far_as_was_chosen() {
    // I28
    for (sign_out, quits, logouts) in [
        (SignOut::WhereItIsOurs, false, 0),
        (SignOut::Everywhere, false, 1),
        (SignOut::Everywhere, true, 1),
    ] {
        let harness = Harness::start().await;
        let id = connect(&harness).await.expect("connected");
        read(&harness, &id).await;
        let leaving = tokio::spawn({
            let (app, id) = (harness.app.clone(), id.clone());
            async move { app.disconnect_later(&id, sign_out).await }
        });
        harness
            .until(|snapshot| snapshot.accounts[0].leaves_at.is_some())
            .await;
        assert_eq!(count(&harness, Endpoint::CenterLogout), 0, "not yet");
        if quits {
            harness.app.finish().await;
        } else {
            harness.clock.advance(std::time::Duration::from_secs(10));
            let ended = leaving.await.expect("no panic").expect("ended");
            assert!(matches!(ended, Disconnected::Done(None)), "{ended:?}");
        }
        assert_eq!(count(&harness, Endpoint::CenterLogout), logouts);
        assert!(harness.rows().is_empty());
    }
}

#[tokio::test]
async fn signing_out_works_offline_and_where_the_session_has_ended_already() {
    // I28
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    harness.clouds.end_identity_center_session("ada");
    let reported = harness
        .app
        .disconnect_and(&id, SignOut::Everywhere)
        .await
        .expect("removed");
    assert!(reported.is_none(), "401 counts as done: {reported:?}");
    assert_eq!(count(&harness, Endpoint::CenterLogout), 1);

    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    harness
        .clouds
        .faults()
        .always(Endpoint::CenterLogout, Fault::Hang);
    let reported = harness
        .app
        .disconnect_and(&id, SignOut::Everywhere)
        .await
        .expect("removed here");
    assert_eq!(reported.expect("said").code(), Code::Offline);
    assert!(harness.rows().is_empty());
    assert_eq!(harness.app.left_over_secrets().expect("readable"), 0);
}
