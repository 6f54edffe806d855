//! Connecting, using and disconnecting Azure accounts.

use mcm_core::account::{Cloud, Identity};
use mcm_core::app::{Connect, OnDuplicate};
use mcm_core::error::Code;
use mcm_core::redirect::Delivered;
use mcm_core::snapshot::{RedirectKind, SignInStep, Status};
use mcm_core::vault::Record;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::{Endpoint, Fault, guid};

use crate::stage::{ADA, GRACE, LINUS, Stage, within};

fn azure() -> Connect {
    Connect::new(Cloud::Azure)
}

fn loopback() -> Connect {
    Connect {
        redirect: Some(RedirectKind::Loopback),
        ..azure()
    }
}

fn person(name: &str) -> Browser {
    Browser::new().as_person(name)
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
async fn a_person_connects_through_the_apps_scheme_and_sees_the_subscriptions() {
    let stage = Stage::start().await;
    let id = stage.connect(ADA).await.expect("connected");
    stage
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    let row = stage.row(&id);
    assert_eq!(
        (row.name.as_str(), row.status, row.active),
        ("Contoso", Status::Connected, true)
    );
    assert!(row.session.is_some() && row.sign_in_end.is_some() && row.trouble.is_none());
    let names: Vec<String> = stage
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
async fn a_person_connects_through_loopback_with_a_posted_answer() {
    let stage = Stage::start().await;
    let id = stage.app.connect(loopback()).expect("started");
    let page = stage.next_page().await;
    assert!(page.as_str().contains("response_mode=form_post"));
    let landing = person(ADA).browse(page.as_str()).await;
    assert!(
        matches!(landing, Landing::Page { status: 200, .. }),
        "{landing:?}"
    );
    within(stage.app.sign_in_ended(id))
        .await
        .expect("connected");
}

#[tokio::test]
async fn a_scheme_that_belongs_to_another_program_leads_to_loopback_and_is_told() {
    let mut stage = Stage::start().await;
    stage.lose_the_scheme();
    let id = stage.app.connect(azure()).expect("started");
    stage.visit(&person(ADA)).await;
    within(stage.app.sign_in_ended(id))
        .await
        .expect("connected");
    let view = stage.app.watch().borrow().sign_ins[0].clone();
    assert!(view.scheme_taken);
    assert_eq!(view.redirect, RedirectKind::Loopback);
}

#[tokio::test]
async fn connecting_the_same_person_again_updates_the_row_and_keeps_what_was_chosen_for_it() {
    let stage = Stage::start().await;
    let id = stage.connect(ADA).await.expect("connected");
    stage
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    let target = stage.app.targets(&id).expect("read")[1].id.clone();
    stage.app.choose_target(&id, &target).await.expect("chosen");
    stage.app.rename(&id, Some("Work")).await.expect("renamed");
    stage
        .app
        .set_colour(&id, Some("green"))
        .await
        .expect("coloured");
    stage.app.set_star(&id, true).await.expect("starred");

    assert_eq!(stage.connect(ADA).await.expect("connected again"), id);
    let row = stage.row(&id);
    assert_eq!(stage.rows().len(), 1);
    assert_eq!(
        (row.name.as_str(), row.starred, row.colour.as_deref()),
        ("Work", true, Some("green"))
    );
    assert_eq!(row.target.expect("still chosen").id, target);
}

#[tokio::test]
async fn another_person_of_the_same_tenant_is_asked_about_and_both_can_be_kept() {
    let stage = Stage::start().await;
    let ada = stage.connect(ADA).await.expect("connected");
    let id = stage.app.connect(azure()).expect("started");
    stage.visit(&person(LINUS)).await;
    let asked = stage
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
        stage.rows().len(),
        1,
        "nothing is stored while the person is asked"
    );
    stage
        .app
        .decide_duplicate(id, OnDuplicate::KeepBoth)
        .expect("asked");
    within(stage.app.sign_in_ended(id))
        .await
        .expect("connected");
    assert_eq!(stage.rows().len(), 2);
}

#[tokio::test]
async fn another_person_of_the_same_tenant_can_replace_the_first_with_everything_of_it() {
    let stage = Stage::start().await;
    let ada = stage.connect(ADA).await.expect("connected");
    let grant = stage
        .app
        .book()
        .expect("readable")
        .account(&ada)
        .expect("a row")
        .grant
        .clone();
    let replace = Connect {
        on_duplicate: OnDuplicate::Replace,
        ..azure()
    };
    let linus = stage
        .sign_in(replace, &person(LINUS))
        .await
        .expect("connected");
    let rows = stage.rows();
    assert_eq!(rows.iter().map(|row| &row.id).collect::<Vec<_>>(), [&linus]);
    assert!(
        stage
            .vault
            .read(&Record::grant(&grant))
            .await
            .expect("readable")
            .is_none()
    );
}

#[tokio::test]
async fn a_terminal_that_cannot_ask_is_told_the_choice_and_nothing_changes() {
    let stage = Stage::start().await;
    stage.connect(ADA).await.expect("connected");
    let fail = Connect {
        on_duplicate: OnDuplicate::Fail,
        ..azure()
    };
    let error = stage
        .sign_in(fail, &person(LINUS))
        .await
        .expect_err("asked");
    assert_eq!(error.code(), Code::AlreadyConnected);
    for word in ["--replace", "--keep-both", ADA, LINUS] {
        assert!(error.message().contains(word), "{error}");
    }
    assert_eq!(stage.rows().len(), 1);
}

#[tokio::test]
async fn signing_in_again_as_somebody_else_changes_nothing_and_says_who_came_back() {
    let stage = Stage::start().await;
    let ada = stage.connect(ADA).await.expect("connected");
    stage
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    let before = stage.app.book().expect("readable");
    let again = Connect {
        account: Some(ada),
        ..azure()
    };
    let id = stage.app.connect(again).expect("started");
    let page = stage.next_page().await;
    assert!(
        page.as_str().contains("login_hint=") && !page.as_str().contains("prompt="),
        "a hint and no picker"
    );
    // The person picks another account all the same.
    let page = page
        .as_str()
        .replace(&ADA.replace('@', "%40"), &LINUS.replace('@', "%40"));
    let redirect = person(LINUS).browse(&page).await.expect_redirect();
    assert_eq!(stage.app.deliver(redirect.as_str()), Delivered::Accepted);
    let error = within(stage.app.sign_in_ended(id))
        .await
        .expect_err("somebody else");
    assert_eq!(error.code(), Code::WrongPerson);
    assert!(
        error.message().contains(LINUS) && error.message().contains(ADA),
        "{error}"
    );
    assert_eq!(
        stage.app.book().expect("readable").accounts,
        before.accounts
    );
}

#[tokio::test]
async fn an_offered_tenant_is_added_without_another_sign_in() {
    let stage = Stage::start().await;
    let home = stage.connect(ADA).await.expect("connected");
    let northwind = stage.row(&home).offered[1].clone();
    let added = stage
        .app
        .add_tenant(&home, &northwind.tenant_id)
        .await
        .expect("added");
    let row = stage.row(&added);
    assert_eq!(
        (tenant_name(&row.identity), row.status, row.target_count),
        ("Northwind", Status::Connected, 2)
    );
    assert_eq!(stage.token_requests("authorization_code"), 1, "one sign-in");
    let offered = stage.row(&home).offered;
    assert_eq!(
        offered.len(),
        1,
        "what is connected is not offered any more: {offered:?}"
    );
}

#[tokio::test]
async fn a_tenant_that_asks_for_more_becomes_a_row_to_sign_in_to_and_hides_none_of_the_others() {
    let stage = Stage::start().await;
    let home = stage.connect(ADA).await.expect("connected");
    let fabrikam = stage.row(&home).offered[0].clone();
    let added = stage
        .app
        .add_tenant(&home, &fabrikam.tenant_id)
        .await
        .expect("a row");
    let row = stage.row(&added);
    assert_eq!(row.status, Status::SignInAgain);
    assert!(
        row.trouble
            .expect("told")
            .message
            .contains("another sign-in step")
    );
    assert_eq!(stage.row(&home).status, Status::Connected);

    let again = Connect {
        account: Some(added.clone()),
        ..azure()
    };
    let id = stage.app.connect(again).expect("started");
    let page = stage.next_page().await;
    assert!(
        page.path().contains(&fabrikam.tenant_id) && page.as_str().contains("claims="),
        "that tenant, with its claims"
    );
    let redirect = person(ADA).browse(page.as_str()).await.expect_redirect();
    stage.app.deliver(redirect.as_str());
    within(stage.app.sign_in_ended(id))
        .await
        .expect("signed in");
    assert_eq!(stage.row(&added).status, Status::Connected);
    assert_eq!(stage.row(&home).status, Status::Connected);
}

#[tokio::test]
async fn signing_in_to_a_tenant_by_its_domain_connects_that_tenant() {
    let stage = Stage::start().await;
    let wish = Connect {
        tenant: Some("northwind.example".into()),
        ..azure()
    };
    let id = stage.sign_in(wish, &person(ADA)).await.expect("connected");
    assert_eq!(tenant_name(&stage.row(&id).identity), "Northwind");
}

#[tokio::test]
async fn disconnecting_removes_every_trace_and_the_shared_grant_only_with_its_last_row() {
    let stage = Stage::start().await;
    let home = stage.connect(ADA).await.expect("connected");
    let northwind = stage.row(&home).offered[1].tenant_id.clone();
    let guest = stage
        .app
        .add_tenant(&home, &northwind)
        .await
        .expect("added");
    let grant = stage
        .app
        .book()
        .expect("readable")
        .account(&home)
        .expect("a row")
        .grant
        .clone();

    stage.app.disconnect(&home).await.expect("disconnected");
    assert!(
        stage
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
        stage
            .vault
            .read(&Record::grant(&grant))
            .await
            .expect("readable")
            .is_some(),
        "the guest row needs it"
    );
    stage
        .app
        .renew(&guest)
        .await
        .expect("the guest row still renews");

    stage.app.disconnect(&guest).await.expect("disconnected");
    assert!(
        stage
            .vault
            .read(&Record::grant(&grant))
            .await
            .expect("readable")
            .is_none()
    );
    assert!(stage.rows().is_empty());
    let text = std::fs::read_to_string(stage.data().join("accounts.json")).expect("readable");
    assert!(!text.contains("contoso"), "{text}");
}

#[tokio::test]
async fn cancelling_changes_nothing_and_the_late_answer_is_ignored() {
    let stage = Stage::start().await;
    let id = stage.app.connect(azure()).expect("started");
    let page = stage.next_page().await;
    stage.app.cancel_sign_in(id).expect("running");
    let error = within(stage.app.sign_in_ended(id))
        .await
        .expect_err("cancelled");
    assert_eq!(error.code(), Code::SignInCancelled);
    let redirect = person(ADA).browse(page.as_str()).await.expect_redirect();
    assert_ne!(stage.app.deliver(redirect.as_str()), Delivered::Accepted);
    assert!(stage.rows().is_empty());
    assert_eq!(stage.token_requests("authorization_code"), 0);
}

#[tokio::test]
async fn a_sign_in_that_nobody_finishes_expires_after_ten_minutes() {
    let stage = Stage::start().await;
    let id = stage.app.connect(azure()).expect("started");
    let page = stage.next_page().await;
    stage.clock.advance(std::time::Duration::from_secs(601));
    let error = within(stage.app.sign_in_ended(id))
        .await
        .expect_err("expired");
    assert_eq!(error.code(), Code::SignInExpired);
    if let Landing::Redirect(late) = person(ADA).browse(page.as_str()).await {
        assert_ne!(stage.app.deliver(late.as_str()), Delivered::Accepted);
    }
    assert!(stage.rows().is_empty());
}

#[tokio::test]
async fn refusing_consent_says_so_and_changes_nothing() {
    let stage = Stage::start().await;
    let error = stage
        .sign_in(azure(), &person(ADA).refuse_consent())
        .await
        .expect_err("refused");
    assert_eq!(error.code(), Code::SignInRefused);
    assert!(stage.rows().is_empty());
}

#[tokio::test]
async fn an_answer_that_is_delivered_twice_is_used_once() {
    let stage = Stage::start().await;
    let id = stage.app.connect(azure()).expect("started");
    let page = stage.next_page().await;
    let redirect = person(ADA).browse(page.as_str()).await.expect_redirect();
    assert_eq!(stage.app.deliver(redirect.as_str()), Delivered::Accepted);
    assert_ne!(stage.app.deliver(redirect.as_str()), Delivered::Accepted);
    within(stage.app.sign_in_ended(id))
        .await
        .expect("connected");
    assert_ne!(
        stage.app.deliver(redirect.as_str()),
        Delivered::Accepted,
        "nor after the end"
    );
    assert_eq!(stage.token_requests("authorization_code"), 1);
}

#[tokio::test]
async fn an_unknown_state_changes_nothing_and_the_sign_in_goes_on() {
    let stage = Stage::start().await;
    let id = stage.app.connect(azure()).expect("started");
    let page = stage.next_page().await;
    for hostile in [
        "io.github.multicloudmanager://auth/azure?code=x&state=unknown",
        "io.github.multicloudmanager://auth/azure?error=access_denied",
        "io.github.multicloudmanager://auth/gcp?code=x&state=y",
        "io.github.multicloudmanager://open",
        "",
        "\u{0}\u{ffff}",
    ] {
        assert_ne!(
            stage.app.deliver(hostile),
            Delivered::Accepted,
            "{hostile:?}"
        );
    }
    let redirect = person(ADA).browse(page.as_str()).await.expect_redirect();
    assert_eq!(stage.app.deliver(redirect.as_str()), Delivered::Accepted);
    within(stage.app.sign_in_ended(id))
        .await
        .expect("connected");
}

#[tokio::test]
async fn two_sign_ins_at_once_each_get_their_own_answer() {
    let stage = Stage::start().await;
    let first = stage.app.connect(azure()).expect("started");
    let first_page = stage.next_page().await;
    let second = stage.app.connect(azure()).expect("started");
    let second_page = stage.next_page().await;
    let grace = person(GRACE)
        .browse(second_page.as_str())
        .await
        .expect_redirect();
    let ada = person(ADA)
        .browse(first_page.as_str())
        .await
        .expect_redirect();
    stage.app.deliver(ada.as_str());
    stage.app.deliver(grace.as_str());
    let ada = within(stage.app.sign_in_ended(first))
        .await
        .expect("connected");
    let grace = within(stage.app.sign_in_ended(second))
        .await
        .expect("connected");
    assert_eq!(tenant_name(&stage.row(&ada).identity), "Contoso");
    assert_eq!(tenant_name(&stage.row(&grace).identity), "Fabrikam");
}

#[tokio::test]
async fn a_code_of_another_flow_is_refused_by_pkce_and_nothing_is_stored() {
    let stage = Stage::start().await;
    let victim = stage.app.connect(azure()).expect("started");
    let victims = stage.next_page().await;
    stage.app.connect(azure()).expect("started");
    let attackers = stage.next_page().await;
    let stolen = person(GRACE)
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
    stage.app.deliver(forged.as_str());
    within(stage.app.sign_in_ended(victim))
        .await
        .expect_err("the verifier does not fit");
    assert!(stage.rows().is_empty());
}

#[tokio::test]
async fn without_a_client_id_the_setting_is_named_and_it_can_be_saved_there() {
    let stage = Stage::with(|_| {}, &[("AZURE_CLIENT_ID", "")]).await;
    let error = stage.app.connect(azure()).expect_err("no client id");
    assert_eq!(error.code(), Code::SettingMissing);
    assert!(error.message().contains("AZURE_CLIENT_ID"), "{error}");
    assert!(!stage.app.watch().borrow().clouds[0].ready);

    let wrong = stage
        .app
        .save_client_id(Cloud::Azure, "x.apps.googleusercontent.com")
        .expect_err("Google's");
    assert_eq!(wrong.code(), Code::InvalidInput);
    let client_id = stage
        .clouds
        .environment()
        .iter()
        .find(|(name, _)| *name == "AZURE_CLIENT_ID")
        .expect("set")
        .1
        .clone();
    stage
        .app
        .save_client_id(Cloud::Azure, &client_id)
        .expect("saved");
    assert!(stage.app.watch().borrow().clouds[0].ready);
    stage.connect(ADA).await.expect("connected");
}

#[tokio::test]
async fn an_unknown_client_id_ends_on_entras_page_and_can_be_cancelled() {
    let stage = Stage::with(|_| {}, &[("AZURE_CLIENT_ID", &guid("nobody's app"))]).await;
    let id = stage.app.connect(azure()).expect("started");
    let page = stage.next_page().await;
    let landing = person(ADA).browse(page.as_str()).await;
    assert!(
        matches!(&landing, Landing::ErrorPage(text) if text.contains("AADSTS700016")),
        "{landing:?}"
    );
    stage.app.cancel_sign_in(id).expect("still waiting");
    within(stage.app.sign_in_ended(id))
        .await
        .expect_err("cancelled");
}

#[tokio::test]
async fn the_browser_is_opened_again_at_the_same_sign_in() {
    let stage = Stage::start().await;
    let id = stage.app.connect(azure()).expect("started");
    let page = stage.next_page().await;
    stage.app.reopen_browser(id).expect("running");
    assert_eq!(stage.next_page().await, page);
    stage.app.cancel_sign_in(id).expect("running");
    within(stage.app.sign_in_ended(id))
        .await
        .expect_err("cancelled");
    assert!(stage.app.reopen_browser(id).is_err(), "it has ended");
}

#[tokio::test]
async fn accounts_are_found_by_name_tenant_person_and_subscription() {
    let stage = Stage::start().await;
    let id = stage.connect(ADA).await.expect("connected");
    stage
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    let found = |query: &str| stage.app.find(query);
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
    assert!(found("nobody").is_empty() && found("contoso nobody").is_empty());
    let tenant = stage.row(&id).offered[0].tenant_id.clone();
    let other = stage.app.add_tenant(&id, &tenant).await.expect("added");
    let first = |query: &str| found(query)[0].account.clone();
    stage
        .app
        .rename(&other, Some("Northern"))
        .await
        .expect("renamed");
    stage
        .app
        .rename(&id, Some("Production of North"))
        .await
        .expect("renamed");
    assert_eq!(
        first("north"),
        other,
        "a name that begins with it before one with such a word"
    );
    stage
        .app
        .rename(&other, Some("Up north"))
        .await
        .expect("renamed");
    assert_eq!(first("up north"), other, "the whole name");
    assert_eq!(first("production"), id, "a name before a target");
    stage
        .app
        .rename(&id, Some("Contoso"))
        .await
        .expect("renamed");
    assert_eq!(stage.app.resolve("Contoso").expect("one fits").id, id);
    assert_eq!(
        stage.app.resolve("nobody").expect_err("none fits").code(),
        Code::NotFound
    );
}

#[tokio::test]
async fn subscriptions_come_page_by_page_and_reading_them_can_be_cancelled() {
    let stage = Stage::with(|options| options.page_size = 1, &[]).await;
    let id = stage.connect(ADA).await.expect("connected");
    stage
        .until(|snapshot| snapshot.accounts[0].target_count == 4)
        .await;
    stage
        .clouds
        .faults()
        .always(Endpoint::AzureSubscriptions, Fault::Hang);
    let (app, reader) = (stage.app.clone(), id.clone());
    let reading = tokio::spawn(async move { app.read_targets(&reader).await });
    stage
        .until(|snapshot| snapshot.accounts[0].reading_targets.is_some())
        .await;
    stage.app.cancel_reading(&id);
    within(reading)
        .await
        .expect("no panic")
        .expect("cancelling is no failure");
    assert_eq!(stage.row(&id).target_count, 4, "the old list stays");
}
