//! A service that answers otherwise than the one that is known: odd forms, missing and unknown fields, pages without rows.

use std::time::Duration;

use mcm_core::account::Identity;
use mcm_core::error::Code;
use sandbox_clouds::{Endpoint, Fault, Status};
use serde_json::json;

use super::{ADMIN, READER, connect, count, credentials, read, stored};
use crate::harness::Harness;

/// Answers the next call with this status and text.
fn next(harness: &Harness, endpoint: Endpoint, code: u16, body: &str) {
    let status = Status {
        code,
        body: body.to_owned(),
        ..Status::default()
    };
    harness
        .clouds
        .faults()
        .next(endpoint, Fault::Status(status));
}

async fn listed(harness: &Harness) -> Vec<String> {
    let id = connect(harness).await.expect("connected");
    let row = read(harness, &id).await;
    row.organization
        .iter()
        .map(|known| known.account_id.clone())
        .collect()
}

#[tokio::test]
async fn one_row_that_cannot_be_read_hides_no_other_and_null_is_an_empty_list() {
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    let rows = json!({ "accountList": [
        { "accountId": "111122223333", "accountName": null, "isNew": { "deep": [1] } },
        { "accountName": "without an id" },
        null,
        "text",
        { "accountId": 12345678901_u64, "accountName": "a number that lost its zero" },
        { "accountId": "1234", "accountName": "too short" },
        { "accountId": "444455556666", "accountName": "Staging" },
        { "accountId": "777788889999", "accountName": "Other" },
        { "accountId": "444455556666", "accountName": "Again, under another name" },
    ], "nextToken": "", "unknown": true });
    next(&harness, Endpoint::CenterAccounts, 200, &rows.to_string());
    harness.app.read_targets(&id).await.expect("read");
    let row = stored(&harness.app, &id);
    let mut ids: Vec<&str> = row
        .organization
        .iter()
        .map(|known| known.account_id.as_str())
        .collect();
    ids.sort_unstable();
    assert_eq!(
        ids,
        [
            "012345678901",
            "111122223333",
            "444455556666",
            "777788889999"
        ]
    );

    next(
        &harness,
        Endpoint::CenterRoles,
        200,
        r#"{"roleList":null,"nextToken":null}"#,
    );
    harness.app.read_targets(&id).await.expect("read");
    next(
        &harness,
        Endpoint::CenterAccounts,
        200,
        r#"{"accountList":null}"#,
    );
    harness.app.read_targets(&id).await.expect("read");
    assert!(stored(&harness.app, &id).targets.is_empty());
}

#[tokio::test]
async fn roles_with_odd_names_are_left_out_and_the_others_work() {
    let harness = Harness::start().await;
    let mut directory = harness.clouds.identity_center_directory();
    directory.accounts[0].roles = [
        "AdministratorAccess",
        "with space",
        "a/b",
        "",
        "../x",
        "\u{202e}txt",
        "A+=,.@-_9",
        "AdministratorAccess",
    ]
    .map(str::to_owned)
    .to_vec();
    harness.clouds.set_identity_center_directory(directory);
    let id = connect(&harness).await.expect("connected");
    let row = read(&harness, &id).await;
    let of_account: Vec<&str> = row
        .targets
        .iter()
        .filter_map(|target| target.id.strip_prefix("111122223333/"))
        .collect();
    assert_eq!(of_account, ["A+=,.@-_9", "AdministratorAccess"]);
    for role in of_account {
        let pair = format!("111122223333/{role}");
        credentials(&harness, &id, &pair).await.expect(role);
    }
}

#[tokio::test]
async fn a_page_without_rows_that_leads_to_another_hides_neither_the_user_nor_an_account() {
    let harness = Harness::start().await;
    let empty = |list: &str| json!({ list: [], "nextToken": "page-0" }).to_string();
    next(
        &harness,
        Endpoint::CenterAccounts,
        200,
        &empty("accountList"),
    );
    next(&harness, Endpoint::CenterRoles, 200, &empty("roleList"));
    let id = connect(&harness).await.expect("connected");
    let row = read(&harness, &id).await;
    assert!(
        matches!(&row.identity, Identity::IdentityCenter { user_name: Some(name), .. } if name == "ada"),
        "{:?}",
        row.identity
    );
    next(
        &harness,
        Endpoint::CenterAccounts,
        200,
        &empty("accountList"),
    );
    harness.app.read_targets(&id).await.expect("read");
    assert_eq!(stored(&harness.app, &id).organization.len(), 5);
}

#[tokio::test]
async fn a_cursor_that_cannot_be_followed_is_no_end_of_the_list() {
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    let before = read(&harness, &id).await;
    let rows = json!([{ "accountId": "111122223333", "accountName": "one of many" }]);
    let page = json!({ "accountList": rows, "nextToken": "x".repeat(5_000) });
    next(&harness, Endpoint::CenterAccounts, 200, &page.to_string());
    let error = harness
        .app
        .read_targets(&id)
        .await
        .expect_err("rows are missing");
    assert_eq!(error.code(), Code::ServerFailed);
    assert_eq!(stored(&harness.app, &id).organization, before.organization);
}

#[tokio::test]
async fn a_portal_that_asks_to_wait_during_the_sign_in_does_not_end_it() {
    let harness = Harness::start().await;
    for (endpoint, after) in [
        (Endpoint::CenterAccounts, "1"),
        (Endpoint::CenterRoles, "Sat, 28 Nov 2020 09:00:00 GMT"),
        (Endpoint::CenterCredentials, "0"),
    ] {
        let status = Status {
            code: 429,
            retry_after: Some(after.to_owned()),
            body: r#"{"message":"HTTP 429 Unknown Code"}"#.to_owned(),
            ..Status::default()
        };
        harness
            .clouds
            .faults()
            .next(endpoint, Fault::Status(status));
    }
    assert_eq!(listed(&harness).await.len(), 5);
    assert!(count(&harness, Endpoint::CenterCredentials) >= 2);
}

#[tokio::test]
async fn refusals_in_unknown_words_are_of_the_class_that_their_status_or_type_says() {
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    read(&harness, &id).await;
    for (code, body, expected) in [
        (
            400,
            r#"{"__type":"com.amazonaws.sso#ForbiddenException","message":"x"}"#,
            Code::RoleRefused,
        ),
        (
            400,
            r#"{"__type":"aws#SomethingNewException"}"#,
            Code::ServerFailed,
        ),
        (409, r#"{"message":"CANARY"}"#, Code::ServerFailed),
        (418, "{}", Code::ServerFailed),
        (503, "<html>busy</html>", Code::ServerFailed),
        (403, "<html>blocked by a firewall</html>", Code::Offline),
    ] {
        next(&harness, Endpoint::CenterCredentials, code, body);
        let pair = if expected == Code::RoleRefused {
            "444455556666/ReadOnly"
        } else {
            READER
        };
        let error = credentials(&harness, &id, pair).await.expect_err(body);
        assert_eq!(error.code(), expected, "{code} {body}: {error}");
        assert!(!error.message().contains("CANARY"), "{error}");
        harness.clock.advance(std::time::Duration::from_secs(600));
    }
    credentials(&harness, &id, ADMIN)
        .await
        .expect("another role");
}

#[tokio::test]
async fn only_a_portal_that_does_not_know_the_token_is_said_to_be_in_another_region() {
    for (code, body, is_elsewhere) in [
        (
            401,
            r#"{"message":"Session token not found or invalid"}"#,
            true,
        ),
        (400, r#"{"__type":"UnauthorizedException"}"#, true),
        (403, r#"{"message":"No access"}"#, false),
        (500, r#"{"message":"Internal"}"#, false),
        (400, r#"{"__type":"InvalidRequestException"}"#, false),
    ] {
        let harness = Harness::start().await;
        next(&harness, Endpoint::CenterAccounts, code, body);
        let error = connect(&harness).await.expect_err(body);
        let says_so = error.message().contains("does not accept the sign-in");
        assert_eq!(says_so, is_elsewhere, "{code} {body}: {error}");
        assert!(harness.rows().is_empty(), "{code} {body}");
    }
}

#[tokio::test]
async fn credentials_that_cannot_be_any_are_neither_kept_nor_issued() {
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    for (key, secret, token) in [
        (r"ASIA\u001b[31m", "secret", "token"),
        ("ASIA", r"sec\nret", "token"),
        ("ASIA", "secret", r"to\u202eken"),
    ] {
        let keys = format!(
            r#""accessKeyId":"{key}","secretAccessKey":"{secret}","sessionToken":"{token}""#
        );
        let body = format!(r#"{{"roleCredentials":{{{keys},"expiration":1795600000000}}}}"#);
        next(&harness, Endpoint::CenterCredentials, 200, &body);
        let error = credentials(&harness, &id, ADMIN).await.expect_err("odd");
        assert_eq!(error.code(), Code::ServerFailed, "{error}");
        harness.clock.advance(Duration::from_secs(600));
    }
}
