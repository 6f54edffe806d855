//! Azure Resource Manager: who sees what, in pages, with which token.

use std::time::Duration;

use reqwest::{Client, Response};
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{AzureDirectory, Endpoint, Fault, Options, Sandbox, Server};
use serde_json::Value;

use crate::app::{ADA, LINUS, client, json, refresh, sandbox, sign_in, text};

async fn ask(client: &Client, url: &str, token: &str) -> Response {
    client
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .expect("the sandbox answers")
}

fn list(clouds: &Sandbox, path: &str) -> String {
    format!(
        "{}{path}?api-version=2022-12-01",
        clouds.azure_resource_manager()
    )
}

fn names(answer: &Value) -> Vec<&str> {
    answer["value"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| text(row, "displayName"))
        .collect()
}

async fn access_token(clouds: &Sandbox, user: &str) -> String {
    let answer = sign_in(clouds, "organizations", &Browser::new().as_user(user)).await;
    text(&answer, "access_token").to_owned()
}

#[tokio::test]
async fn a_token_sees_every_tenant_of_the_user_and_the_subscriptions_of_its_own() {
    let clouds = sandbox().await;
    let home = sign_in(&clouds, "organizations", &Browser::new().as_user(ADA)).await;
    let token = text(&home, "access_token");
    let tenants = json(ask(&client(), &list(&clouds, "tenants"), token).await).await;
    assert_eq!(names(&tenants), ["Contoso", "Fabrikam", "Northwind"]);
    let subscriptions = json(ask(&client(), &list(&clouds, "subscriptions"), token).await).await;
    assert_eq!(
        names(&subscriptions),
        ["Production", "Staging", "Sandbox", "Legacy billing"]
    );
    assert_eq!(subscriptions["value"][3]["state"], "Disabled");
    assert_eq!(subscriptions.get("nextLink"), None);

    let guest =
        json(refresh(&clouds, "northwind.example", text(&home, "refresh_token")).await).await;
    let subscriptions = json(
        ask(
            &client(),
            &list(&clouds, "subscriptions"),
            text(&guest, "access_token"),
        )
        .await,
    )
    .await;
    assert_eq!(
        names(&subscriptions),
        ["Northwind trading", "Northwind analytics"]
    );

    let linus = access_token(&clouds, LINUS).await;
    let subscriptions = json(ask(&client(), &list(&clouds, "subscriptions"), &linus).await).await;
    assert_eq!(names(&subscriptions), ["Production"]);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let options = Options {
        azure: AzureDirectory::of_size(1, 7),
        page_size: 3,
        ..Options::default()
    };
    let clouds = Sandbox::start(options).await.expect("free ports");
    let token = access_token(&clouds, "ada@tenant-1.example").await;
    let mut url = Some(list(&clouds, "subscriptions"));
    let mut sizes = Vec::new();
    while let Some(next) = url {
        let page = json(ask(&client(), &next, &token).await).await;
        sizes.push(names(&page).len());
        url = page["nextLink"].as_str().map(str::to_owned);
    }
    assert_eq!(sizes, [3, 3, 1]);
}

#[tokio::test]
async fn hostile_and_repeating_links_are_reported_on_request() {
    let clouds = sandbox().await;
    let token = access_token(&clouds, ADA).await;
    let url = list(&clouds, "subscriptions");

    clouds
        .faults()
        .next(Endpoint::AzureSubscriptions, Fault::HostileNextLink);
    let page = json(ask(&client(), &url, &token).await).await;
    ask(&client(), text(&page, "nextLink"), &token).await;
    let stray = clouds.requests().pop().expect("a request");
    assert_eq!(
        (stray.server, stray.path.as_str()),
        (Server::AzureAuthority, "/subscriptions")
    );
    assert!(stray.host.starts_with("localhost:"));

    clouds
        .faults()
        .always(Endpoint::AzureSubscriptions, Fault::RepeatingNextLink);
    let first = json(ask(&client(), &url, &token).await).await;
    let second = json(ask(&client(), text(&first, "nextLink"), &token).await).await;
    assert_eq!(first, second);
}

#[tokio::test]
async fn a_missing_unknown_expired_or_rejected_token_is_distinguished() {
    let clouds = sandbox().await;
    let url = list(&clouds, "tenants");
    let code = async |response: Response| {
        assert_eq!(response.status(), 401);
        assert!(
            response.headers()["www-authenticate"]
                .to_str()
                .expect("text")
                .starts_with("Bearer ")
        );
        json(response).await["error"]["code"].clone()
    };
    let without = client().get(&url).send().await.expect("an answer");
    assert_eq!(code(without).await, "AuthenticationFailed");
    assert_eq!(
        code(ask(&client(), &url, "made-up").await).await,
        "InvalidAuthenticationToken"
    );

    let token = access_token(&clouds, ADA).await;
    clouds.reject_access_tokens(ADA);
    assert_eq!(
        code(ask(&client(), &url, &token).await).await,
        "InvalidAuthenticationToken"
    );

    clouds.set_access_token_life(Duration::ZERO);
    let token = access_token(&clouds, ADA).await;
    assert_eq!(
        code(ask(&client(), &url, &token).await).await,
        "ExpiredAuthenticationToken"
    );
}

#[tokio::test]
async fn the_api_version_is_not_optional() {
    let clouds = sandbox().await;
    let token = access_token(&clouds, ADA).await;
    let url = format!("{}tenants", clouds.azure_resource_manager());
    let response = ask(&client(), &url, &token).await;
    assert_eq!(response.status(), 400);
    assert_eq!(
        json(response).await["error"]["code"],
        "MissingApiVersionParameter"
    );
}
