//! Connecting, using and disconnecting Azure accounts.

use std::time::Duration;

use mcm_core::account::{AccountId, Cloud, Identity};
use mcm_core::app::{Connect, Disconnected, OnDuplicate, SignOut};
use mcm_core::error::Code;
use mcm_core::redirect::Delivered;
use mcm_core::settings::RedirectKind;
use mcm_core::sign_in::SignInStep;
use mcm_core::snapshot::Status;
use mcm_core::vault::Record;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::{Endpoint, Fault, guid};

use crate::harness::{ADA, GRACE, Harness, LINUS, within};

fn azure() -> Connect {
    Connect::new(Cloud::Azure)
}

fn loopback() -> Connect {
    Connect {
        redirect: Some(RedirectKind::Loopback),
        ..azure()
    }
}

fn user(name: &str) -> Browser {
    Browser::new().as_user(name)
}

fn tenant_name(identity: &Identity) -> &str {
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
async fn an_account_is_put_to_use_with_its_target_or_not_at_all() {
    let harness = Harness::start().await;
    let ada = harness.connect(ADA).await.expect("connected");
    let grace = harness.connect(GRACE).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts.iter().all(|row| row.target_count > 0))
        .await;
    let target = harness.app.targets(&grace).expect("read")[0].id.clone();
    let (before, used) = (harness.row(&grace), |id| harness.row(id).active);
    assert!(used(&ada) && !used(&grace));

    let refused = harness
        .app
        .use_account(&grace, Some("no-such-target"))
        .await;
    assert_eq!(refused.expect_err("no target").code(), Code::NotFound);
    assert_eq!(harness.row(&grace), before);
    assert!(used(&ada) && !used(&grace));

    let done = harness.app.use_account(&grace, Some(&target)).await;
    done.expect("used");
    assert!(used(&grace) && !used(&ada));
    let row = harness.row(&grace);
    assert_eq!(row.target.map(|target| target.id), Some(target));
}

#[tokio::test]
async fn connecting_the_same_user_again_updates_the_row_and_keeps_what_was_chosen_for_it() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    let target = harness.app.targets(&id).expect("read")[1].id.clone();
    harness
        .app
        .choose_target(&id, &target)
        .await
        .expect("chosen");
    harness
        .app
        .rename(&id, Some("Work"))
        .await
        .expect("renamed");
    harness
        .app
        .set_colour(&id, Some("green"))
        .await
        .expect("coloured");
    harness.app.set_star(&id, true).await.expect("starred");

    assert_eq!(harness.connect(ADA).await.expect("connected again"), id);
    let row = harness.row(&id);
    assert_eq!(harness.rows().len(), 1);
    assert_eq!(
        (row.name.as_str(), row.starred, row.colour.as_deref()),
        ("Work", true, Some("green"))
    );
    assert_eq!(row.target.expect("still chosen").id, target);
}

#[tokio::test]
async fn another_user_of_the_same_tenant_is_asked_about_and_both_can_be_kept() {
    let harness = Harness::start().await;
    let ada = harness.connect(ADA).await.expect("connected");
    let id = harness.app.connect(azure()).expect("started");
    harness.visit(&user(LINUS)).await;
    let asked = harness
        .until(|snapshot| {
            matches!(
                snapshot.sign_ins.last().map(|view| &view.step),
                Some(SignInStep::Choice { .. })
            )
        })
        .await;
    let SignInStep::Choice {
        existing,
        existing_who,
        who,
    } = asked.sign_ins.last().expect("a sign-in").step.clone()
    else {
        unreachable!("waited for it")
    };
    assert_eq!(
        (existing, existing_who.as_str(), who.as_str()),
        (ada.clone(), ADA, LINUS)
    );
    assert_eq!(
        harness.rows().len(),
        1,
        "nothing is stored while the user is asked"
    );
    harness
        .app
        .decide_duplicate(id, OnDuplicate::KeepBoth)
        .expect("asked");
    within(harness.app.sign_in_ended(id))
        .await
        .expect("connected");
    assert_eq!(harness.rows().len(), 2);
}

#[tokio::test]
async fn another_user_of_the_same_tenant_can_replace_the_first_with_everything_of_it() {
    let harness = Harness::start().await;
    let ada = harness.connect(ADA).await.expect("connected");
    let grant = harness
        .app
        .stored()
        .expect("readable")
        .account(&ada)
        .expect("a row")
        .grant
        .clone();
    let replace = Connect {
        on_duplicate: OnDuplicate::Replace,
        ..azure()
    };
    let linus = harness
        .sign_in(replace, &user(LINUS))
        .await
        .expect("connected");
    let rows = harness.rows();
    assert_eq!(rows.iter().map(|row| &row.id).collect::<Vec<_>>(), [&linus]);
    assert!(
        harness
            .vault
            .read(&Record::grant(&grant))
            .await
            .expect("readable")
            .is_none()
    );
}

#[tokio::test]
async fn a_terminal_that_cannot_ask_is_shown_the_choice_and_nothing_changes() {
    let harness = Harness::start().await;
    harness.connect(ADA).await.expect("connected");
    let fail = Connect {
        on_duplicate: OnDuplicate::Fail,
        ..azure()
    };
    let error = harness
        .sign_in(fail, &user(LINUS))
        .await
        .expect_err("asked");
    assert_eq!(error.code(), Code::AlreadyConnected);
    for word in ["--replace", "--keep-both", ADA, LINUS] {
        assert!(error.message().contains(word), "{error}");
    }
    assert_eq!(harness.rows().len(), 1);
}

#[tokio::test]
async fn signing_in_again_as_another_user_changes_nothing_and_says_who_came_back() {
    let harness = Harness::start().await;
    let ada = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    let before = harness.app.stored().expect("readable");
    let again = Connect {
        account: Some(ada),
        ..azure()
    };
    let id = harness.app.connect(again).expect("started");
    let page = harness.next_page().await;
    assert!(
        page.as_str().contains("login_hint=") && !page.as_str().contains("prompt="),
        "a hint and no picker"
    );
    // The user picks another account all the same.
    let page = page
        .as_str()
        .replace(&ADA.replace('@', "%40"), &LINUS.replace('@', "%40"));
    let redirect = user(LINUS).browse(&page).await.expect_redirect();
    assert_eq!(harness.app.deliver(redirect.as_str()), Delivered::Accepted);
    let error = within(harness.app.sign_in_ended(id))
        .await
        .expect_err("another user");
    assert_eq!(error.code(), Code::WrongUser);
    assert!(
        error.message().contains(LINUS) && error.message().contains(ADA),
        "{error}"
    );
    assert_eq!(
        harness.app.stored().expect("readable").accounts,
        before.accounts
    );
}

#[tokio::test]
async fn an_offered_tenant_is_added_without_another_sign_in() {
    let harness = Harness::start().await;
    let home = harness.connect(ADA).await.expect("connected");
    let northwind = harness.row(&home).offered[1].clone();
    let added = harness
        .app
        .add_tenant(&home, &northwind.tenant_id)
        .await
        .expect("added");
    let row = harness.row(&added);
    assert_eq!(
        (tenant_name(&row.identity), row.status, row.target_count),
        ("Northwind", Status::Connected, 2)
    );
    assert_eq!(
        harness.token_requests("authorization_code"),
        1,
        "one sign-in"
    );
    let offered = harness.row(&home).offered;
    assert_eq!(
        offered.len(),
        1,
        "what is connected is not offered any more: {offered:?}"
    );
}

#[tokio::test]
async fn a_sign_in_with_another_app_registration_moves_no_other_row() {
    let mut harness = Harness::start().await;
    let home = harness.connect(ADA).await.expect("connected");
    let northwind = harness.row(&home).offered[1].clone();
    let other = harness
        .app
        .add_tenant(&home, &northwind.tenant_id)
        .await
        .expect("added");
    let client = |harness: &Harness, app: &std::sync::Arc<mcm_core::app::App>, id: &AccountId| {
        let _ = harness;
        let key = app
            .stored()
            .expect("readable")
            .account(id)
            .expect("connected")
            .grant
            .clone();
        let vault = harness.vault.clone();
        async move {
            let bytes = vault
                .read(&Record::grant(&key))
                .await
                .expect("open")
                .expect("a grant");
            let grant = mcm_core::credential::Grant::from_bytes(&bytes).expect("a grant");
            grant.client_id().expect("a client").to_owned()
        }
    };
    let first = client(&harness, &harness.app, &home).await;
    let second = sandbox_clouds::azure::OTHER_CLIENT_ID;
    assert_eq!(first, sandbox_clouds::azure::CLIENT_ID);

    // A variable of ours comes before the one that other programs read too.
    harness.app = harness.app_with(&[("AZURE_CLIENT_ID", second), ("MCM_AZURE_CLIENT_ID", &first)]);
    assert_eq!(
        harness
            .app
            .accounts_of_other_clients(Cloud::Azure)
            .await
            .expect("readable"),
        []
    );
    harness.app = harness.app_with(&[("AZURE_CLIENT_ID", second)]);
    let differing = harness
        .app
        .accounts_of_other_clients(Cloud::Azure)
        .await
        .expect("readable");
    assert_eq!(differing.len(), 2);
    assert!(differing.iter().all(|(_, client)| *client == first));

    assert_eq!(harness.connect(ADA).await.expect("connected"), home);
    assert_eq!(client(&harness, &harness.app, &home).await, second);
    assert_eq!(
        client(&harness, &harness.app, &other).await,
        first,
        "it was not moved"
    );
    for id in [&home, &other] {
        harness
            .app
            .renew(id)
            .await
            .expect("each by its own registration");
    }
    // Back with the first one, which serves both again, and nothing is left of the second.
    harness.app = harness.app_with(&[]);
    harness.connect(ADA).await.expect("connected");
    for id in [&home, &other] {
        assert_eq!(client(&harness, &harness.app, id).await, first);
        harness.app.renew(id).await.expect("renewed");
    }
    let key = |id: &AccountId| {
        harness
            .app
            .stored()
            .expect("readable")
            .account(id)
            .expect("a row")
            .grant
            .clone()
    };
    assert_eq!(key(&home), key(&other));
    let lost = Record::grant(&key(&home).of_client(second));
    assert!(
        harness.vault.read(&lost).await.expect("open").is_none(),
        "no row needs it"
    );
}

#[tokio::test]
async fn a_tenant_that_asks_for_more_becomes_a_row_to_sign_in_to_and_hides_none_of_the_others() {
    let harness = Harness::start().await;
    let home = harness.connect(ADA).await.expect("connected");
    let fabrikam = harness.row(&home).offered[0].clone();
    let added = harness
        .app
        .add_tenant(&home, &fabrikam.tenant_id)
        .await
        .expect("a row");
    let row = harness.row(&added);
    assert_eq!(row.status, Status::SignInAgain);
    assert!(
        row.renewal_failure
            .expect("reported")
            .message
            .contains("another verification step")
    );
    assert_eq!(harness.row(&home).status, Status::Connected);

    let again = Connect {
        account: Some(added.clone()),
        ..azure()
    };
    let id = harness.app.connect(again).expect("started");
    let page = harness.next_page().await;
    assert!(
        page.path().contains(&fabrikam.tenant_id) && page.as_str().contains("claims="),
        "that tenant, with its claims"
    );
    let redirect = user(ADA).browse(page.as_str()).await.expect_redirect();
    harness.app.deliver(redirect.as_str());
    within(harness.app.sign_in_ended(id))
        .await
        .expect("signed in");
    assert_eq!(harness.row(&added).status, Status::Connected);
    assert_eq!(harness.row(&home).status, Status::Connected);
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
async fn disconnecting_removes_every_trace_and_the_shared_grant_only_with_its_last_row() {
    let harness = Harness::start().await;
    let home = harness.connect(ADA).await.expect("connected");
    let northwind = harness.row(&home).offered[1].tenant_id.clone();
    let guest = harness
        .app
        .add_tenant(&home, &northwind)
        .await
        .expect("added");
    let grant = harness
        .app
        .stored()
        .expect("readable")
        .account(&home)
        .expect("a row")
        .grant
        .clone();

    harness.app.disconnect(&home).await.expect("disconnected");
    assert!(
        harness
            .vault
            .read(&Record::session(
                &home,
                mcm_core::resource::Resource::Management.key()
            ))
            .await
            .expect("readable")
            .is_none()
    );
    assert!(
        harness
            .vault
            .read(&Record::grant(&grant))
            .await
            .expect("readable")
            .is_some(),
        "the guest row needs it"
    );
    harness
        .app
        .renew(&guest)
        .await
        .expect("the guest row still renews");

    harness.app.disconnect(&guest).await.expect("disconnected");
    assert!(
        harness
            .vault
            .read(&Record::grant(&grant))
            .await
            .expect("readable")
            .is_none()
    );
    assert!(harness.rows().is_empty());
    let pages = std::fs::read(harness.data().join("accounts.db")).expect("readable");
    let pages = String::from_utf8_lossy(&pages).to_lowercase();
    assert!(!pages.contains("ada@contoso"), "{pages}");
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
async fn a_disconnect_asked_for_in_a_window_can_be_undone_for_a_moment() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let ask = || {
        let (app, id) = (harness.app.clone(), id.clone());
        tokio::spawn(async move { app.disconnect_later(&id, SignOut::WhereItIsOurs).await })
    };
    let leaving = ask();
    harness
        .until(|snapshot| snapshot.accounts[0].leaves_at.is_some())
        .await;
    assert_eq!(
        harness
            .app
            .disconnect_later(&id, SignOut::WhereItIsOurs)
            .await
            .expect_err("once")
            .code(),
        Code::Busy
    );
    harness.app.undo_disconnect(&id).expect("in time");
    let end = within(leaving).await.expect("no panic").expect("ended");
    assert!(matches!(end, Disconnected::Undone));
    assert!(harness.row(&id).leaves_at.is_none());

    let leaving = ask();
    harness
        .until(|snapshot| snapshot.accounts[0].leaves_at.is_some())
        .await;
    harness.app.finish().await;
    assert!(
        harness.app.stored().expect("read").accounts.is_empty(),
        "it happens at once when the process ends"
    );
    within(leaving).await.expect("no panic").expect("ended");
    assert_eq!(
        harness
            .app
            .undo_disconnect(&id)
            .expect_err("too late")
            .code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn accounts_are_found_by_name_tenant_user_and_subscription() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    let found = |query: &str| harness.app.search(query);
    for query in ["", "contoso", "ADA@", "contoso ada", id.as_str()] {
        assert_eq!(found(query).len(), 1, "{query}");
        assert!(found(query)[0].target.is_none(), "{query}");
    }
    assert_eq!(
        found("staging")[0]
            .target
            .as_ref()
            .expect("by its subscription")
            .name,
        "Staging"
    );
    let targets = |query: &str| -> Vec<String> {
        let lines = found(query).into_iter();
        lines.filter_map(|line| Some(line.target?.name)).collect()
    };
    for query in ["ing", "contoso ing"] {
        assert_eq!(
            targets(query),
            ["Legacy billing", "Staging"],
            "every target that matches: {query}"
        );
    }
    assert!(found("nobody").is_empty() && found("contoso nobody").is_empty());
    let tenant = harness.row(&id).offered[0].tenant_id.clone();
    let other = harness.app.add_tenant(&id, &tenant).await.expect("added");
    let first = |query: &str| found(query)[0].account.clone();
    harness
        .app
        .rename(&other, Some("Northern"))
        .await
        .expect("renamed");
    harness
        .app
        .rename(&id, Some("Production of North"))
        .await
        .expect("renamed");
    assert_eq!(
        first("north"),
        other,
        "a name that begins with it before one with such a word"
    );
    harness
        .app
        .rename(&other, Some("Up north"))
        .await
        .expect("renamed");
    assert_eq!(first("up north"), other, "the whole name");
    assert_eq!(first("production"), id, "a name before a target");
    assert_eq!(
        targets("production")[0],
        "Production",
        "and the account's own target beneath it"
    );
    harness
        .app
        .rename(&id, Some("Contoso"))
        .await
        .expect("renamed");
    assert_eq!(harness.app.resolve("Contoso").expect("one fits").id, id);
    assert_eq!(
        harness.app.resolve("nobody").expect_err("none fits").code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn accounts_whose_names_look_alike_are_shown_as_such() {
    let harness = Harness::start().await;
    let ada = harness.connect(ADA).await.expect("connected");
    let grace = harness.connect(GRACE).await.expect("connected");
    let alike = || [&ada, &grace].map(|id| harness.row(id).looks_like_another);
    assert_eq!(alike(), [false, false]);
    for (name, expected) in [
        (Some("Cont\u{43e}so"), true),
        (Some("Contoso 2"), false),
        (Some("Contoso"), true),
        (None, false),
    ] {
        harness.app.rename(&grace, name).await.expect("renamed");
        let renamed = harness.until(|_| alike() == [expected, expected]).await;
        let row = renamed.accounts.iter().find(|row| row.id == grace);
        let shown = row.expect("the account has a row").distinct_name();
        assert_eq!(shown.contains(grace.as_str()), expected, "{shown}");
    }
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
