//! ID tokens and refusals with odd parts: optional claims of any type, claims that every check needs, other tenants.
//!
//! What cannot be read counts as missing. A token that lacks what it must have ends a sign-in; at a renewal it is neither
//! another user nor final, and the rotated grant beside it is kept.

use std::time::Duration;

use mcm_core::account::Cloud;
use mcm_core::app::Connect;
use mcm_core::error::Code;
use mcm_core::snapshot::Status;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Endpoint, Fault, guid};
use serde_json::{Value, json};

use crate::harness::{ADA, Harness};

/// The clouds that send id_tokens, and where.
const CLOUDS: [(Cloud, Endpoint); 2] = [
    (Cloud::Azure, Endpoint::AzureToken),
    (Cloud::Gcp, Endpoint::GoogleToken),
];

/// Values that no text, number or flag of an id_token has.
fn odd_values() -> [Value; 5] {
    [
        json!(7.5),
        json!(["a", { "b": null }]),
        json!({ "a": 1 }),
        json!(null),
        json!("\u{1b}[31mtrue\u{202e}"),
    ]
}

async fn connected(harness: &Harness, cloud: Cloud) -> mcm_core::account::AccountId {
    let browser = Browser::new().as_user(ADA);
    let id = harness.sign_in(Connect::new(cloud), &browser).await;
    id.expect("connected")
}

async fn strict() -> Harness {
    let strict = |options: &mut sandbox_clouds::Options| {
        options.azure_rotation = sandbox_clouds::azure::Rotation::Strict;
        options.google_policy.rotates = true;
    };
    Harness::with(strict, &[]).await
}

#[tokio::test]
async fn an_optional_claim_of_an_odd_type_counts_as_missing_at_a_sign_in() {
    for (cloud, endpoint) in CLOUDS {
        let mut names = Vec::new();
        for odd in odd_values() {
            let harness = Harness::start().await;
            let claims = json!({
                "preferred_username": odd, "name": odd, "email": odd, "email_verified": odd, "hd": odd, "oid": odd,
                "groups": odd, "picture": odd, "amr": odd, "auth_time": odd,
            });
            let faults = harness.clouds.faults();
            faults.next(endpoint, Fault::claims(&claims));
            let id = connected(&harness, cloud).await;
            let row = harness.row(&id);
            assert_eq!(row.status, Status::Connected, "{cloud:?} {odd}");
            assert!(!row.name.contains(['\u{1b}', '\u{202e}']), "{}", row.name);
            names.push(row.name);
        }
        assert!(names.iter().all(|name| !name.is_empty()), "{names:?}");
    }
}

#[tokio::test]
async fn an_optional_claim_of_an_odd_type_changes_nothing_at_a_renewal() {
    for (cloud, endpoint) in CLOUDS {
        let harness = strict().await;
        let id = connected(&harness, cloud).await;
        let before = harness.row(&id);
        for name in [
            "preferred_username",
            "name",
            "email",
            "email_verified",
            "oid",
            "groups",
        ] {
            for odd in odd_values() {
                // Text is readable: it names another user in `oid`, and a new name elsewhere.
                if odd.is_string() && name != "groups" && name != "email_verified" {
                    continue;
                }
                let claims = json!({ name: odd });
                let faults = harness.clouds.faults();
                faults.next(endpoint, Fault::claims(&claims));
                let renewed = harness.app.renew(&id).await;
                renewed.unwrap_or_else(|error| panic!("{cloud:?} {claims}: {error}"));
                assert_eq!(faults.rules(), [], "{cloud:?} {claims}");
                let now = harness.row(&id);
                assert_eq!(
                    (now.name, now.identity),
                    (before.name.clone(), before.identity.clone()),
                    "{cloud:?} {claims}"
                );
            }
        }
    }
}

#[tokio::test]
async fn an_id_token_that_cannot_be_read_at_a_renewal_is_no_other_user_and_passes() {
    for (cloud, endpoint) in CLOUDS {
        let harness = strict().await;
        let id = connected(&harness, cloud).await;
        let before = harness.row(&id);
        for name in ["iss", "aud", "exp", "nbf", "sub", "tid", "nonce"] {
            if name == "tid" && cloud == Cloud::Gcp {
                continue;
            }
            let claims = json!({ name: { "odd": true } });
            harness.clock.advance(Duration::from_secs(2 * 3600));
            let faults = harness.clouds.faults();
            faults.next(endpoint, Fault::claims(&claims));
            let error = harness.app.session(&id).await.map(drop);
            let error = error.expect_err(&format!("{cloud:?} {claims}"));
            assert_eq!(error.code(), Code::ServerFailed, "{cloud:?} {claims}");
            assert!(
                error.is_transient() && !error.message().contains("another"),
                "{cloud:?} {claims}: {error}"
            );
            let row = harness.row(&id);
            assert_eq!(row.identity, before.identity, "{cloud:?} {claims}");
            assert_ne!(row.status, Status::SignInAgain, "{cloud:?} {claims}");
            // It comes back by itself, with the grant that came with the odd token.
            harness.clock.advance(Duration::from_secs(600));
            let renewed = harness.app.session(&id).await.map(drop);
            renewed.unwrap_or_else(|error| panic!("{cloud:?} {claims}: {error}"));
        }
        assert_eq!(harness.row(&id).status, Status::Connected);
    }
}

#[tokio::test]
async fn a_claim_that_every_check_needs_ends_a_sign_in_when_it_cannot_be_read() {
    for (cloud, endpoint) in CLOUDS {
        for name in ["iss", "aud", "exp", "nbf", "sub", "tid", "nonce"] {
            if name == "tid" && cloud == Cloud::Gcp {
                continue;
            }
            let harness = Harness::start().await;
            let claims = json!({ name: { "odd": true } });
            let faults = harness.clouds.faults();
            faults.next(endpoint, Fault::claims(&claims));
            let browser = Browser::new().as_user(ADA);
            let refused = harness.sign_in(Connect::new(cloud), &browser).await;
            let error = refused.expect_err(&format!("{cloud:?} {claims}"));
            assert_eq!(error.code(), Code::SignInRejected, "{cloud:?} {claims}");
            assert!(harness.rows().is_empty(), "{cloud:?} {claims}");
        }
    }
}

#[tokio::test]
async fn a_tenant_that_is_no_id_connects_no_account_though_its_issuer_agrees() {
    for tid in [
        "contoso",
        "common/../organizations",
        "",
        "{tenantid}",
        &guid("contoso.example")[1..],
    ] {
        let harness = Harness::start().await;
        let issuer = format!("{}{tid}/v2.0", harness.clouds.azure_authority());
        let claims = json!({ "tid": tid, "iss": issuer });
        let faults = harness.clouds.faults();
        faults.next(Endpoint::AzureToken, Fault::claims(&claims));
        let error = harness.connect(ADA).await.expect_err(tid);
        assert_eq!(error.code(), Code::SignInRejected, "{tid}");
        assert!(harness.rows().is_empty(), "{tid}");
    }
}

#[tokio::test]
async fn a_renewal_for_another_tenant_is_not_used_though_its_issuer_agrees() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    let before = harness.row(&id);
    let other = guid("northwind.example");
    let issuer = format!("{}{other}/v2.0", harness.clouds.azure_authority());
    let claims = json!({ "tid": other, "iss": issuer });
    harness.clock.advance(Duration::from_secs(2 * 3600));
    let faults = harness.clouds.faults();
    faults.next(Endpoint::AzureToken, Fault::claims(&claims));
    let error = harness.app.session(&id).await.map(drop);
    let error = error.expect_err("another tenant");
    assert_eq!(error.code(), Code::ServerFailed);
    assert!(error.message().contains("another tenant"), "{error}");
    assert_eq!(harness.row(&id).identity, before.identity);
    harness.clock.advance(Duration::from_secs(600));
    harness.app.session(&id).await.expect("the grant is kept");
}

#[tokio::test]
async fn a_renewal_that_does_not_name_its_user_is_not_used() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    let faults = harness.clouds.faults();
    faults.always(Endpoint::AzureToken, Fault::MissingClientInfo);
    harness.app.renew(&id).await.expect("named by its oid");
    for odd in [json!(7), json!(null), json!(guid("another user"))] {
        faults.next(Endpoint::AzureToken, Fault::claims(&json!({ "oid": odd })));
        let error = harness.app.renew(&id).await.expect_err("no user");
        assert_eq!(error.code(), Code::ServerFailed, "{odd}");
        assert_eq!(
            error.message().contains("another user"),
            odd.is_string(),
            "{error}"
        );
    }
    harness.app.renew(&id).await.expect("the grant is kept");
}

#[tokio::test]
async fn a_refusal_with_odd_parts_is_still_the_servers_refusal() {
    let refusal = json!({
        "error": "invalid_grant", "error_description": null, "suberror": 7, "error_subtype": [], "claims": { "a": 1 },
        "error_codes": "none", "timestamp": 0,
    });
    // A key that is there under both of its names is no JSON that a parser takes.
    let without = |name: &str| {
        let mut refusal = refusal.clone();
        refusal.as_object_mut().expect("an object").remove(name);
        refusal.to_string()
    };
    for (cloud, endpoint) in CLOUDS {
        for name in ["suberror", "error_subtype"] {
            let harness = Harness::start().await;
            let id = connected(&harness, cloud).await;
            let answer = Fault::answer(400, without(name));
            harness.clouds.faults().next(endpoint, answer);
            let error = harness.app.renew(&id).await.expect_err("refused");
            assert_eq!(error.code(), Code::SignInAgain, "{cloud:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_token_answer_is_read_whatever_media_type_it_names() {
    for (cloud, endpoint) in CLOUDS {
        for kind in ["text/html; charset=utf-8", "text/javascript", "nonsense"] {
            let harness = Harness::start().await;
            let id = connected(&harness, cloud).await;
            let body =
                json!({ "access_token": "short", "token_type": "bearer", "expires_in": 3600 });
            let answer = sandbox_clouds::Status {
                code: 200,
                body: body.to_string(),
                content_type: Some(kind.to_owned()),
                ..sandbox_clouds::Status::default()
            };
            harness
                .clouds
                .faults()
                .next(endpoint, Fault::Status(answer));
            let renewed = harness.app.renew(&id).await;
            renewed.unwrap_or_else(|error| panic!("{cloud:?} {kind}: {error}"));
        }
    }
}
