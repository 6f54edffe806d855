//! AWS: account names, and the way into the console.

use reqwest::Response;
use sandbox_clouds::aws::AccessKey;
use sandbox_clouds::{Options, Sandbox};
use serde_json::{Value, json};

use crate::app::{client, json, sandbox, text};
use crate::aws_app::{Signed, assume, element, refused, session};
use crate::clock::now;

const ID: (&str, &str) = ("ExternalId", "mcm-0123456789abcdef");
const READER: &str = "arn:aws:iam::444455556666:role/Reader";

async fn role_session(clouds: &Sandbox, arn: &str) -> AccessKey {
    let ada = clouds.aws_access_key("ada").expect("there is such a user");
    session(assume(clouds, &ada, arn, &[ID]).send().await).await
}

async fn aliases(clouds: &Sandbox, key: &AccessKey) -> Response {
    let fields = [("Action", "ListAccountAliases"), ("Version", "2010-05-08")];
    Signed::form(key, "iam", clouds.iam_endpoint(), &fields)
        .send()
        .await
}

async fn accounts(clouds: &Sandbox, key: &AccessKey, body: Value) -> Response {
    let request = Signed {
        key,
        service: "organizations",
        url: clouds.organizations_endpoint(),
        content_type: "application/x-amz-json-1.1",
        target: Some("AWSOrganizationsV20161128.ListAccounts"),
        body: body.to_string(),
        at: now(),
    };
    request.send().await
}

#[tokio::test]
async fn an_alias_is_shown_to_those_who_may_ask_and_need_not_exist() {
    let clouds = sandbox().await;
    let reader = role_session(&clouds, READER).await;
    let body = aliases(&clouds, &reader)
        .await
        .text()
        .await
        .expect("a body");
    assert_eq!(
        element(&body, "member").as_deref(),
        Some("contoso-production")
    );

    let long = role_session(&clouds, "arn:aws:iam::444455556666:role/LongReader").await;
    assert_eq!(
        refused(aliases(&clouds, &long).await).await,
        (403, "AccessDenied".into())
    );
}

#[tokio::test]
async fn a_role_is_shown_to_users_of_its_account_and_to_no_one_else() {
    let clouds = sandbox().await;
    let ada = clouds.aws_access_key("ada").expect("there is such a user");
    let role = async |key: &AccessKey, name: &str| {
        let fields = [
            ("Action", "GetRole"),
            ("Version", "2010-05-08"),
            ("RoleName", name),
        ];
        Signed::form(key, "iam", clouds.iam_endpoint(), &fields)
            .send()
            .await
    };
    let body = role(&ada, "auditor").await.text().await.expect("a body");
    assert_eq!(
        element(&body, "Arn").as_deref(),
        Some("arn:aws:iam::111122223333:role/Auditor")
    );
    assert_eq!(
        refused(role(&ada, "Reader").await).await,
        (404, "NoSuchEntity".into())
    );
    let reader = role_session(&clouds, READER).await;
    assert_eq!(
        refused(role(&reader, "Reader").await).await,
        (403, "AccessDenied".into())
    );
}

#[tokio::test]
async fn the_management_account_lists_the_organisation_in_pages() {
    let options = Options {
        page_size: 2,
        ..Options::default()
    };
    let clouds = Sandbox::start(options).await.expect("free ports");
    let ada = clouds.aws_access_key("ada").expect("there is such a user");
    let first = json(accounts(&clouds, &ada, json!({})).await).await;
    assert_eq!(first["Accounts"][1]["Name"], "Contoso production");
    let next = json!({ "NextToken": text(&first, "NextToken") });
    let second = json(accounts(&clouds, &ada, next).await).await;
    assert_eq!(
        (&second["Accounts"][0]["Id"], second.get("NextToken")),
        (&json!("777788889999"), None)
    );

    let reader = role_session(&clouds, READER).await;
    let refused = accounts(&clouds, &reader, json!({})).await;
    assert_eq!(refused.status(), 400);
    assert_eq!(json(refused).await["__type"], "AccessDeniedException");
}

async fn signin_token(clouds: &Sandbox, key: &AccessKey, duration: Option<&str>) -> Response {
    let session = json!({
        "sessionId": key.id,
        "sessionKey": key.secret,
        "sessionToken": key.session_token,
    });
    let session = session.to_string();
    let mut fields = vec![("Action", "getSigninToken"), ("Session", session.as_str())];
    fields.extend(duration.map(|seconds| ("SessionDuration", seconds)));
    client()
        .post(clouds.federation_endpoint())
        .form(&fields)
        .send()
        .await
        .expect("the sandbox answers")
}

#[tokio::test]
async fn a_role_session_opens_the_console() {
    let clouds = sandbox().await;
    let reader = role_session(&clouds, READER).await;
    let answer = json(signin_token(&clouds, &reader, Some("3600")).await).await;
    let token = text(&answer, "SigninToken");
    assert!(clouds.secrets().iter().any(|secret| secret == token));

    let login = async |destination: &str, token: &str| {
        let mut url = clouds.federation_endpoint();
        url.query_pairs_mut().extend_pairs([
            ("Action", "login"),
            ("Issuer", "https://multicloudmanager.example"),
            ("Destination", destination),
            ("SigninToken", token),
        ]);
        client()
            .get(url)
            .send()
            .await
            .expect("the sandbox answers")
            .status()
            .as_u16()
    };
    assert_eq!(
        login("https://eu-central-1.console.aws.amazon.com/s3/home", token).await,
        200
    );
    assert_eq!(
        login("https://evil.example/console.aws.amazon.com", token).await,
        400
    );
    assert_eq!(
        login("https://console.aws.amazon.com/", "made-up").await,
        400
    );

    let sign_out = async |next: &str| {
        let mut url = clouds
            .federation_endpoint()
            .join("/oauth")
            .expect("an address");
        url.query_pairs_mut()
            .extend_pairs([("Action", "logout"), ("redirect_uri", next)]);
        client().get(url).send().await.expect("the sandbox answers")
    };
    let next = clouds.federation_endpoint().to_string();
    let went_on = sign_out(&next).await;
    assert_eq!(went_on.status(), 303);
    assert_eq!(went_on.headers()["location"], next.as_str());
    assert_eq!(
        sign_out("https://evil.example/federation").await.status(),
        400
    );
}

#[tokio::test]
async fn a_user_a_changed_secret_or_a_chained_session_does_not_open_the_console_as_asked() {
    let clouds = sandbox().await;
    let user = clouds
        .aws_session("ada", std::time::Duration::from_secs(900))
        .expect("there is such a user");
    assert_eq!(signin_token(&clouds, &user, None).await.status(), 400);
    let reader = role_session(&clouds, READER).await;
    let changed = AccessKey {
        secret: "another".to_owned(),
        ..reader.clone()
    };
    assert_eq!(signin_token(&clouds, &changed, None).await.status(), 400);

    let chained = assume(
        &clouds,
        &reader,
        "arn:aws:iam::777788889999:role/Chained",
        &[],
    )
    .send()
    .await;
    let chained = session(chained).await;
    assert_eq!(
        signin_token(&clouds, &chained, Some("3600")).await.status(),
        400
    );
    assert_eq!(signin_token(&clouds, &chained, None).await.status(), 200);
}
