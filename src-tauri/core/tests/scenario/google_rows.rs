//! The rows of Google accounts: another user, an address that moved, and disconnecting.

use mcm_core::app::{Connect, OnDuplicate};
use mcm_core::error::Code;
use mcm_core::vault::Record;
use sandbox_clouds::{Endpoint, Fault};

use crate::google::{TIM, again, connect, directory_of, google, refresh_token, requests, user};
use crate::harness::{ADA, Harness, within};

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
        harness.until_asked_which_to_keep().await;
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
    let mut harness =
        Harness::with(|options| options.google = directory_of("1001", ADA), &[]).await;
    connect(&harness, ADA).await.expect("connected");
    harness.go_on_in_a_terminal();
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
    let key = harness.grant_key(&id);
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
    assert!(!harness.keeps(&Record::grant(&key)).await);
    assert!(
        !harness
            .keeps(&Record::session(
                &id,
                mcm_core::resource::Resource::Management.key()
            ))
            .await
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
        let key = harness.grant_key(&id);
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
        assert!(!harness.keeps(&Record::grant(&key)).await);
    }
}
