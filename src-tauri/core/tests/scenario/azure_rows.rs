//! The rows of Azure accounts: another user of the same tenant, further tenants, using and disconnecting them.

use mcm_core::account::{AccountId, Cloud};
use mcm_core::app::{Connect, Disconnected, OnDuplicate, SignOut};
use mcm_core::error::Code;
use mcm_core::redirect::Delivered;
use mcm_core::sign_in::SignInStep;
use mcm_core::snapshot::Status;
use mcm_core::vault::Record;

use crate::azure::{azure, tenant_name, user};
use crate::harness::{ADA, GRACE, Harness, LINUS, within};

#[tokio::test]
async fn an_account_is_put_to_use_with_its_target_or_not_at_all() {
    let harness = Harness::start().await;
    let ada = harness.connect(ADA).await.expect("connected");
    let grace = harness.connect(GRACE).await.expect("connected");
    harness.until_targets_are_read().await;
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
    let asked = harness.until_asked_which_to_keep().await;
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
    let grant = harness.grant_key(&ada);
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
    assert!(!harness.keeps(&Record::grant(&grant)).await);
}

#[tokio::test]
async fn a_terminal_that_cannot_ask_is_shown_the_choice_and_nothing_changes() {
    let mut harness = Harness::start().await;
    harness.connect(ADA).await.expect("connected");
    harness.go_on_in_a_terminal();
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
    let key = |id: &AccountId| harness.grant_key(id);
    assert_eq!(key(&home), key(&other));
    let lost = Record::grant(&key(&home).of_client(second));
    assert!(!harness.keeps(&lost).await, "no row needs it");
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
async fn disconnecting_removes_every_trace_and_the_shared_grant_only_with_its_last_row() {
    let harness = Harness::start().await;
    let home = harness.connect(ADA).await.expect("connected");
    let northwind = harness.row(&home).offered[1].tenant_id.clone();
    let guest = harness
        .app
        .add_tenant(&home, &northwind)
        .await
        .expect("added");
    let grant = harness.grant_key(&home);

    harness.app.disconnect(&home).await.expect("disconnected");
    assert!(
        !harness
            .keeps(&Record::session(
                &home,
                mcm_core::resource::Resource::Management.key()
            ))
            .await
    );
    assert!(
        harness.keeps(&Record::grant(&grant)).await,
        "the guest row needs it"
    );
    harness
        .app
        .renew(&guest)
        .await
        .expect("the guest row still renews");

    harness.app.disconnect(&guest).await.expect("disconnected");
    assert!(!harness.keeps(&Record::grant(&grant)).await);
    assert!(harness.rows().is_empty());
    let pages = std::fs::read(harness.data().join("accounts.db")).expect("readable");
    let pages = String::from_utf8_lossy(&pages).to_lowercase();
    assert!(!pages.contains("ada@contoso"), "{pages}");
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
