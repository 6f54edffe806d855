//! The console as a role: by the portal's link in the user's own browser, by AWS's federation in an isolated window.

use mcm_core::account::Account;
use mcm_core::app::ConsoleSession;
use mcm_core::error::Code;
use sandbox_clouds::Endpoint;
use url::Url;

use super::{ADMIN, READER, connect, count, read};
use crate::harness::Harness;

fn at(account: &Account, pair: &str) -> Account {
    let target = account.find_target(pair).expect("listed");
    account.clone().at_target(target)
}

fn field(page: &Url, name: &str) -> String {
    let mut pairs = page.query_pairs();
    pairs
        .find(|(key, _)| key == name)
        .expect(name)
        .1
        .into_owned()
}

#[tokio::test]
async fn a_role_opens_by_a_link_without_a_secret_and_by_federation_in_an_isolated_window_alone() {
    // I33
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    let account = read(&harness, &id).await;
    harness.clouds.forget_requests();

    let open = |pair: &str, browser| {
        let (app, account) = (harness.app.clone(), at(&account, pair));
        async move { app.open_console_of(&account, browser).await }
    };
    open(READER, ConsoleSession::Present).await.expect("opened");
    let page = harness.next_page().await;
    let portal = harness.clouds.start_url();
    let expected = format!(
        "{}/#/console?account_id=012345678901&role_name=ReadOnly&destination=https%3A%2F%2Feu-west-1.console.aws.amazon.com%2Fconsole%2Fhome%3Fregion%3Deu-west-1",
        portal.as_str().trim_end_matches('/')
    );
    assert_eq!(page.as_str(), expected);
    assert!(
        harness.clouds.requests().is_empty(),
        "no credential is asked for"
    );
    assert!(harness.browser.isolated() == 0);

    for pair in [READER, ADMIN] {
        open(pair, ConsoleSession::Isolated).await.expect("opened");
        let page = harness.next_page().await;
        assert_eq!(
            (page.path(), field(&page, "Action")),
            ("/federation", "login".into())
        );
        assert!(
            harness
                .clouds
                .secrets()
                .contains(&field(&page, "SigninToken"))
        );
        assert_eq!(
            field(&page, "Destination"),
            "https://eu-west-1.console.aws.amazon.com/console/home?region=eu-west-1"
        );
    }
    assert_eq!(harness.browser.isolated(), 2);
    assert_eq!(count(&harness, Endpoint::CenterCredentials), 2);
}

#[tokio::test]
async fn an_address_for_a_program_is_the_link_or_a_credential_that_is_recorded() {
    // I33
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    let account = at(&read(&harness, &id).await, READER);
    let events = || harness.app.activity(Some(&id), 100).len();
    let before = events();
    let address = |browser| harness.app.console_address(&account, browser, "test");
    let link = address(ConsoleSession::Present).await.expect("a link");
    assert!(
        link.fragment()
            .is_some_and(|part| part.starts_with("/console?"))
    );
    assert_eq!(events(), before, "the link is no credential");
    let page = address(ConsoleSession::Isolated).await.expect("an address");
    assert_eq!(field(&page, "Action"), "login");
    assert_eq!(events(), before + 1);
}

#[tokio::test]
async fn a_console_without_a_role_says_how_to_name_one() {
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    for browser in [
        ConsoleSession::Present,
        ConsoleSession::SignedOut,
        ConsoleSession::Isolated,
    ] {
        let error = harness
            .app
            .open_console(&id, browser)
            .await
            .expect_err("no role");
        assert_eq!(error.code(), Code::InvalidInput);
        assert!(error.message().contains("123456789012/ROLE"), "{error}");
    }
}
