//! The controls for other processes, the journal, and the environment.

use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Clock, Endpoint, Fault, Options, Request, Sandbox, Server};
use serde_json::json;

use crate::app::{ADA, client, refresh, sandbox, sign_in, text};

fn control(clouds: &Sandbox, name: &str) -> String {
    format!("{}_sandbox/{name}", clouds.azure_resource_manager())
}

#[tokio::test]
async fn faults_and_users_are_changed_over_http() {
    let clouds = sandbox().await;
    let answer = sign_in(&clouds, "organizations", &Browser::new().as_user(ADA)).await;
    let token = text(&answer, "refresh_token");
    let post = async |name: &str, body| {
        let url = control(&clouds, name);
        client()
            .post(url)
            .json(&body)
            .send()
            .await
            .expect("an answer")
            .status()
            .as_u16()
    };

    assert_eq!(
        post(
            "faults",
            json!({ "endpoint": "azure-token", "fault": "not-json", "times": 1 })
        )
        .await,
        204
    );
    assert_eq!(clouds.faults().rules().len(), 1);
    client()
        .delete(control(&clouds, "faults"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(clouds.faults().rules(), []);
    assert_eq!(refresh(&clouds, "organizations", token).await.status(), 200);
    assert_eq!(
        post(
            "users",
            json!({ "user": ADA, "revoke": "password-changed" })
        )
        .await,
        204
    );
    assert_eq!(refresh(&clouds, "organizations", token).await.status(), 400);
    assert_eq!(
        post("settings", json!({ "access-token-life-ms": 2000 })).await,
        204
    );
    let again = sign_in(&clouds, "organizations", &Browser::new().as_user(ADA)).await;
    assert_eq!(again["expires_in"], 2);
}

#[tokio::test]
async fn keys_of_aws_are_handed_out_over_http_and_are_among_the_secrets() {
    let clouds = sandbox().await;
    let post = async |body| {
        let url = control(&clouds, "aws-keys");
        client()
            .post(url)
            .json(&body)
            .send()
            .await
            .expect("an answer")
    };
    let own: serde_json::Value = post(json!({ "user": "grace" }))
        .await
        .json()
        .await
        .expect("JSON");
    assert!(text(&own, "id").starts_with("AKIA") && own["session-token"].is_null());
    let session: serde_json::Value = post(json!({ "user": "ada", "seconds": 900 }))
        .await
        .json()
        .await
        .expect("JSON");
    assert!(text(&session, "id").starts_with("ASIA"));
    for secret in [
        text(&own, "secret"),
        text(&session, "secret"),
        text(&session, "session-token"),
    ] {
        assert!(clouds.secrets().iter().any(|known| known == secret));
    }
    assert_eq!(post(json!({ "user": "nobody" })).await.status(), 404);
}

#[tokio::test]
async fn the_journal_counts_requests_by_what_they_asked_for() {
    let clouds = sandbox().await;
    let answer = sign_in(&clouds, "organizations", &Browser::new().as_user(ADA)).await;
    refresh(&clouds, "northwind.example", text(&answer, "refresh_token")).await;

    let url = control(&clouds, "requests");
    let requests: Vec<Request> = client()
        .get(url)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(requests, clouds.requests());
    let refreshes: Vec<_> = requests
        .iter()
        .filter(|request| request.grant_type.as_deref() == Some("refresh_token"))
        .collect();
    let [refresh] = refreshes.as_slice() else {
        panic!("one refresh, not {refreshes:?}")
    };
    assert_eq!(refresh.endpoint, Some(Endpoint::AzureToken));
    assert_eq!(refresh.server, Server::AzureAuthority);
    assert_eq!(refresh.tenant.as_deref(), Some("northwind.example"));
    assert_eq!(refresh.path, "/northwind.example/oauth2/v2.0/token");

    clouds.forget_requests();
    assert_eq!(clouds.requests(), []);
}

#[tokio::test]
async fn the_environment_points_at_the_servers_and_nothing_answers_after_the_drop() {
    let clouds = sandbox().await;
    let environment = clouds.environment();
    let (_, authority) = environment
        .iter()
        .find(|(name, _)| *name == "AZURE_AUTHORITY_HOST")
        .expect("the variable");
    let url = format!("{authority}/organizations/v2.0/.well-known/openid-configuration");
    assert_eq!(
        client().get(&url).send().await.expect("an answer").status(),
        200
    );

    clouds
        .faults()
        .always(Endpoint::AzureDiscovery, Fault::Hang);
    let hanging = tokio::spawn(client().get(&url).send());
    clouds.until_requests(|requests| requests.len() == 2).await;
    drop(clouds);
    hanging
        .await
        .expect("no panic")
        .expect_err("the connection was closed");
    client()
        .get(&url)
        .send()
        .await
        .expect_err("no listener is left");
}

#[tokio::test]
async fn a_taken_port_is_an_error() {
    let clouds = sandbox().await;
    let port = clouds.azure_authority().port().expect("a port");
    let options = Options {
        ports: sandbox_clouds::Ports::From(port),
        ..Options::default()
    };
    assert!(Sandbox::start(options).await.is_err());
}

#[tokio::test]
async fn answers_are_dated_by_the_clock_of_the_sandbox() {
    let clock = Clock::new(|| "2030-01-02T03:04:05Z".parse().expect("RFC 3339"));
    let clouds = Sandbox::start(Options {
        clock,
        ..Options::default()
    })
    .await
    .expect("free ports");
    let response = client()
        .get(clouds.sts_endpoint())
        .send()
        .await
        .expect("an answer");
    assert_eq!(response.headers()["date"], "Wed, 02 Jan 2030 03:04:05 GMT");
}
