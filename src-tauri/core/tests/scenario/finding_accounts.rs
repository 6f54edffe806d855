//! Finding accounts by their names, and telling those apart whose names look alike.

use mcm_core::error::Code;

use crate::harness::{ADA, GRACE, Harness};

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
