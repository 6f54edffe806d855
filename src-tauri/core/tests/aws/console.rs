//! What a connected role opens and shows: the console, and the accounts of the organisation.

use mcm_core::app::{ConnectRole, ConsoleSession};
use mcm_core::error::Code;
use sandbox_clouds::{Endpoint, Fault, Rule};

use crate::harness::Harness;
use crate::roles::{connect, finish, prepare, with};

#[tokio::test]
async fn the_console_opens_as_the_role_and_the_address_goes_to_the_browser_alone() {
    let harness = Harness::start().await;
    let id = connect(&harness, "Reader").await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts[0].target_count > 30)
        .await;
    harness
        .app
        .choose_target(&id, "eu-north-1")
        .await
        .expect("chosen");
    harness
        .app
        .open_console(&id, ConsoleSession::Present)
        .await
        .expect("opened");
    let page = harness.next_page().await;
    let field = |page: &url::Url, name: &str| {
        page.query_pairs()
            .find(|(key, _)| key == name)
            .expect("the field is there")
            .1
            .into_owned()
    };
    assert_eq!(
        field(&page, "Destination"),
        "https://eu-north-1.console.aws.amazon.com/console/home?region=eu-north-1"
    );
    assert!(
        harness
            .clouds
            .secrets()
            .contains(&field(&page, "SigninToken"))
    );

    harness
        .app
        .open_console(&id, ConsoleSession::SignedOut)
        .await
        .expect("opened");
    let page = harness.next_page().await;
    assert_eq!(
        (page.path(), field(&page, "Action").as_str()),
        ("/oauth", "logout")
    );
    assert!(field(&page, "redirect_uri").contains("SigninToken="));
    let azure = harness
        .connect(crate::harness::ADA)
        .await
        .expect("connected");
    let error = harness
        .app
        .open_console(&azure, ConsoleSession::SignedOut)
        .await
        .expect_err("not AWS");
    assert_eq!(error.code(), Code::Unsupported);
}

#[tokio::test]
async fn the_organisation_is_information_for_a_role_that_may_list_it_and_nothing_for_others() {
    let harness = Harness::start().await;
    prepare(&harness).await;
    let auditor = ConnectRole {
        role_arn: Some("arn:aws:iam::111122223333:role/Auditor".into()),
        ..ConnectRole::default()
    };
    let id = finish(&harness, with(auditor)).await.expect("connected");
    let names = || -> Vec<String> {
        harness
            .app
            .organization(&id)
            .expect("known")
            .into_iter()
            .map(|account| account.name)
            .collect()
    };
    harness
        .until(|snapshot| snapshot.accounts[0].target_count > 30)
        .await;
    let all = ["Contoso identity", "Contoso production", "Contoso staging"];
    assert_eq!(names(), all);

    harness
        .clouds
        .faults()
        .add(Rule::new(Endpoint::AwsAccounts, Fault::throttled()).times(1));
    harness
        .app
        .read_targets(&id)
        .await
        .expect("the regions need no sign-in");
    assert_eq!(
        names(),
        all,
        "what was known stays when AWS gives no answer"
    );
    let page = sandbox_clouds::MadeUpPage {
        rows: 1000,
        name_bytes: 10,
    };
    let pages = || {
        let requests = harness.clouds.requests();
        let of_accounts = |asked| asked == Some(Endpoint::AwsAccounts);
        requests.iter().filter(|r| of_accounts(r.endpoint)).count()
    };
    let before = pages();
    let faults = harness.clouds.faults();
    faults.always(Endpoint::AwsAccounts, Fault::EndlessList(page));
    harness
        .app
        .read_targets(&id)
        .await
        .expect("the regions need no sign-in");
    harness.clouds.faults().clear();
    assert_eq!(names(), all, "a list without an end takes no place");
    assert_eq!(pages() - before, 6, "the sixth page exceeds 5,000 rows");

    let reader = connect(&harness, "Reader").await.expect("connected");
    harness
        .app
        .read_targets(&reader)
        .await
        .expect("the regions need no sign-in");
    assert!(harness.app.organization(&reader).expect("known").is_empty());
}
