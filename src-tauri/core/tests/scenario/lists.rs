//! Lists as servers really send them, and what their refusals mean.

use mcm_core::account::AccountId;
use mcm_core::error::Code;
use mcm_core::snapshot::Status as AccountStatus;
use sandbox_clouds::{Endpoint, Fault, Status};
use serde_json::json;

use crate::google;
use crate::harness::{ADA, Harness};

const FIRST: &str = "00000000-0000-0000-0000-000000000001";
const SECOND: &str = "00000000-0000-0000-0000-000000000002";

async fn azure(harness: &Harness) -> AccountId {
    let id = harness.connect(ADA).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts.iter().any(|row| row.target_count == 4))
        .await;
    id
}

fn ids(harness: &Harness, id: &AccountId) -> Vec<String> {
    let targets = harness.app.targets(id).expect("an account");
    targets.into_iter().map(|target| target.id).collect()
}

#[tokio::test]
async fn a_subscription_that_comes_twice_is_one_and_a_row_without_an_id_is_left_out() {
    let harness = Harness::start().await;
    let id = azure(&harness).await;
    let row =
        |id: &str| json!({"subscriptionId": id, "displayName": "Production", "state": "Enabled"});
    let body = json!({"value": [
        row(FIRST), row(&FIRST.to_uppercase()), row(FIRST), {"displayName": "no id"}, {"subscriptionId": null},
        {"subscriptionId": 7}, null, row(SECOND),
    ]});
    // A byte order mark before it, as some gateways send.
    for body in [body.to_string(), format!("\u{feff}{body}")] {
        harness
            .clouds
            .faults()
            .next(Endpoint::AzureSubscriptions, Fault::answer(200, body));
        harness.app.read_targets(&id).await.expect("read");
        assert_eq!(ids(&harness, &id), [FIRST, SECOND]);
        harness
            .app
            .choose_target(&id, FIRST)
            .await
            .expect("it can be chosen");
    }
}

#[tokio::test]
async fn a_list_that_is_null_is_empty() {
    let harness = Harness::start().await;
    let id = azure(&harness).await;
    let google = google::connect(&harness, ADA).await.expect("connected");
    for (id, endpoint, body) in [
        (
            &id,
            Endpoint::AzureSubscriptions,
            r#"{"value":null,"nextLink":null}"#,
        ),
        (
            &google,
            Endpoint::GoogleProjects,
            r#"{"projects":null,"nextPageToken":null}"#,
        ),
    ] {
        harness
            .clouds
            .faults()
            .next(endpoint, Fault::answer(200, body));
        harness.app.read_targets(id).await.expect("read");
        assert!(ids(&harness, id).is_empty(), "{endpoint:?}");
    }
}

#[tokio::test]
async fn a_link_without_a_host_leads_to_the_server_that_sent_it_and_one_to_another_host_nowhere() {
    let harness = Harness::start().await;
    let id = azure(&harness).await;
    let page = |link: &str| {
        let row = json!({"subscriptionId": FIRST, "displayName": "A first one"});
        json!({"value": [row], "nextLink": link}).to_string()
    };
    for link in [
        "/subscriptions?api-version=2022-12-01&$skiptoken=0",
        "subscriptions?api-version=2022-12-01&$skiptoken=0",
        "?api-version=2022-12-01&$skiptoken=0",
    ] {
        let faults = harness.clouds.faults();
        faults.next(Endpoint::AzureSubscriptions, Fault::answer(200, page(link)));
        harness.app.read_targets(&id).await.expect(link);
        assert_eq!(ids(&harness, &id).len(), 5, "{link}");
    }
    for link in [
        "//evil.example/subscriptions",
        "https://evil.example/",
        "file:///etc/passwd",
    ] {
        let faults = harness.clouds.faults();
        faults.next(Endpoint::AzureSubscriptions, Fault::answer(200, page(link)));
        let error = harness.app.read_targets(&id).await.expect_err(link);
        assert_eq!(error.code(), Code::ServerFailed, "{link}: {error}");
        assert!(
            error.message().contains("lead to another server"),
            "{link}: {error}"
        );
    }
}

#[tokio::test]
async fn a_project_that_comes_twice_is_one_and_a_row_without_an_id_is_left_out() {
    let harness = Harness::start().await;
    let id = google::connect(&harness, ADA).await.expect("connected");
    let row = |id: &str| json!({"projectId": id, "displayName": "P", "state": "ACTIVE"});
    let body = json!({"projects": [row("a-1"), {"displayName": "no id"}, row("a-1"), row("b-2")]});
    let faults = harness.clouds.faults();
    faults.next(
        Endpoint::GoogleProjects,
        Fault::answer(200, body.to_string()),
    );
    harness.app.read_targets(&id).await.expect("read");
    assert_eq!(ids(&harness, &id), ["a-1", "b-2"]);
}

#[tokio::test]
async fn each_reason_of_googles_refusals_has_its_words() {
    let harness = Harness::start().await;
    let id = google::connect(&harness, ADA).await.expect("connected");
    for (status, reason, code, words) in [
        (
            403,
            "SECURITY_POLICY_VIOLATED",
            Code::PolicyBlocked,
            "VPC Service Controls",
        ),
        (
            403,
            "USER_PROJECT_DENIED",
            Code::AdminNeeded,
            "project 42. Ask its owner for the role Service Usage",
        ),
        (
            403,
            "RATE_LIMIT_EXCEEDED",
            Code::Throttled,
            "too many requests for the project 42",
        ),
        (429, "RATE_LIMIT_EXCEEDED", Code::Throttled, "asked to wait"),
        (
            403,
            "CONSUMER_SUSPENDED",
            Code::AdminNeeded,
            "suspended the project 42",
        ),
        (
            403,
            "BILLING_DISABLED",
            Code::AdminNeeded,
            "Billing is switched off for the project 42",
        ),
        (
            403,
            "SOMETHING_NEW",
            Code::AdminNeeded,
            "denied access to the project list",
        ),
    ] {
        let details = json!([{"reason": reason, "metadata": {"consumer": "projects/42"}}]);
        let body = json!({"error": {"code": status, "message": "CANARY", "status": "X", "details": details}});
        let faults = harness.clouds.faults();
        faults.next(
            Endpoint::GoogleProjects,
            Fault::answer(status, body.to_string()),
        );
        let error = harness.app.read_targets(&id).await.expect_err(reason);
        assert_eq!(error.code(), code, "{reason}: {error}");
        assert!(error.message().contains(words), "{reason}: {error}");
        assert!(!error.message().contains("CANARY"), "{error}");
    }
}

#[tokio::test]
async fn valid_json_of_another_shape_is_never_called_a_proxy_or_a_page() {
    let harness = Harness::start().await;
    let azure = azure(&harness).await;
    let google = google::connect(&harness, ADA).await.expect("connected");
    for (status, body) in [
        (200, "[1]"),
        (200, r#"{"value":"x","projects":"x"}"#),
        (403, r#"{"message":"no"}"#),
    ] {
        for (id, endpoint) in [
            (&azure, Endpoint::AzureSubscriptions),
            (&google, Endpoint::GoogleProjects),
        ] {
            harness
                .clouds
                .faults()
                .next(endpoint, Fault::answer(status, body));
            let error = harness.app.read_targets(id).await.expect_err(body);
            assert_eq!(
                error.code(),
                Code::ServerFailed,
                "{endpoint:?} {body}: {error}"
            );
            let message = error.message().to_lowercase();
            assert!(
                !message.contains("proxy") && !message.contains("network"),
                "{error}"
            );
        }
    }
}

/// A 401 of Resource Manager that wants more proved.
fn challenge(claims: &str) -> Fault {
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::STANDARD.encode(claims);
    Fault::Status(Status {
        code: 401,
        challenge: Some(format!(
            "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", \
             error=\"insufficient_claims\", claims=\"{claims}\""
        )),
        body: r#"{"error":{"code":"InvalidAuthenticationToken","message":"x"}}"#.to_owned(),
        ..Status::default()
    })
}

const CLAIMS: &str = r#"{"access_token":{"acrs":{"essential":true,"value":"p1"}}}"#;

/// What a claims request wants proved. It may ask for more beside that.
fn proof(claims: &str) -> String {
    let claims: serde_json::Value = serde_json::from_str(claims).expect("JSON");
    claims["access_token"]["acrs"]["value"]
        .as_str()
        .expect("a value")
        .to_owned()
}

#[tokio::test]
async fn what_resource_manager_wants_proved_is_asked_of_a_renewal_first() {
    let harness = Harness::start().await;
    let id = azure(&harness).await;
    let renewals = harness.token_requests("refresh_token");
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureSubscriptions, challenge(CLAIMS));
    harness
        .app
        .read_targets(&id)
        .await
        .expect("read with a new session");
    assert_eq!(harness.token_requests("refresh_token"), renewals + 1);
    let requests = harness.clouds.requests();
    let asked = requests
        .iter()
        .rev()
        .find_map(|request| request.claims.as_deref());
    assert_eq!(proof(asked.expect("it asks")), "p1");
    let row = harness.row(&id);
    assert_eq!(
        (row.status, row.renewal_failure),
        (AccountStatus::Connected, None)
    );
}

#[tokio::test]
async fn what_a_renewal_cannot_prove_is_asked_of_the_next_sign_in() {
    let harness = Harness::start().await;
    let id = azure(&harness).await;
    harness
        .clouds
        .faults()
        .always(Endpoint::AzureSubscriptions, challenge(CLAIMS));
    let error = harness.app.read_targets(&id).await.expect_err("not enough");
    assert_eq!(error.code(), Code::SignInAgain, "{error}");
    assert!(error.message().contains("another sign-in step"), "{error}");
    harness.clouds.faults().clear();
    assert_eq!(harness.row(&id).status, AccountStatus::SignInAgain);
    let again = mcm_core::app::Connect {
        account: Some(id.clone()),
        ..mcm_core::app::Connect::new(mcm_core::account::Cloud::Azure)
    };
    let browser = sandbox_clouds::browser::Browser::new().as_user(ADA);
    let (started, visited) = (harness.app.connect(again), harness.next_page().await);
    let sent = visited.query_pairs().find(|(name, _)| name == "claims");
    assert_eq!(proof(&sent.expect("it asks").1), "p1");
    if let sandbox_clouds::browser::Landing::Redirect(url) = browser.browse(visited.as_str()).await
    {
        harness.app.deliver(url.as_str());
    }
    let ended = harness.app.sign_in_ended(started.expect("started")).await;
    ended.expect("signed in");
    assert_eq!(harness.row(&id).status, AccountStatus::Connected);
}
