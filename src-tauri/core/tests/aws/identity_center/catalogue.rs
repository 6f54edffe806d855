//! The catalogue: pages, a rate, what one account is refused, and what changed.

use std::time::Duration;

use mcm_core::account::TargetsChange;
use mcm_core::error::Code;
use sandbox_clouds::aws::identity_center::SsoDirectory;
use sandbox_clouds::{Endpoint, Fault, MadeUpPage};
use tokio::time::Instant;

use super::{connect, count, read, set, stored};
use crate::harness::Harness;

#[tokio::test]
async fn pages_are_followed_to_the_end_and_a_cursor_that_comes_again_ends_the_reading() {
    // I13
    let directory = SsoDirectory::of_size(25, 3);
    let harness = Harness::with(|options| options.identity_center = directory, &[]).await;
    set(&harness, |policy| policy.page_size = 2);
    let id = connect(&harness).await.expect("connected");
    // Twelve pages and two for each account: slowly enough for any portal.
    let row = tokio::time::timeout(Duration::from_secs(60), async {
        loop {
            let row = stored(&harness.app, &id);
            if row.targets_read_at.is_some() {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("read");
    assert_eq!((row.organization.len(), row.targets.len()), (25, 75));
    assert!(
        row.targets[0].id.starts_with("000001000000/"),
        "{}",
        row.targets[0].id
    );

    harness
        .clouds
        .faults()
        .always(Endpoint::CenterAccounts, Fault::RepeatingNextLink);
    assert!(harness.app.read_targets(&id).await.is_err());
    assert_eq!(
        stored(&harness.app, &id).targets.len(),
        75,
        "the list stays"
    );
}

#[tokio::test]
async fn a_portal_that_never_ends_its_list_is_given_up_and_the_list_stays() {
    let harness = Harness::start().await;
    let id = connect(&harness).await.expect("connected");
    let before = read(&harness, &id).await;
    let page = MadeUpPage {
        rows: 2_000,
        name_bytes: 10,
    };
    harness
        .clouds
        .faults()
        .always(Endpoint::CenterAccounts, Fault::EndlessList(page));
    harness.clouds.forget_requests();
    let given_up = harness.app.read_targets(&id).await;
    let given_up = given_up.expect_err("more rows than any organisation has");
    assert_eq!(given_up.code(), Code::ServerFailed);
    assert!(given_up.message().contains("rows"), "{given_up}");
    assert_eq!(count(&harness, Endpoint::CenterAccounts), 3);
    let after = stored(&harness.app, &id);
    assert_eq!(after.targets, before.targets);
    assert_eq!(after.organization, before.organization);
}

#[tokio::test]
async fn an_account_that_is_refused_or_gone_hides_no_other() {
    // I16
    let harness = Harness::start().await;
    set(&harness, |policy| {
        policy.forbidden_accounts = vec!["444455556666".into()];
        policy.missing_accounts = vec!["777788889999".into()];
    });
    let id = connect(&harness).await.expect("connected");
    let row = read(&harness, &id).await;
    assert_eq!((row.organization.len(), row.targets.len()), (5, 3));
    assert!(row.targets_error.is_none());
}

#[tokio::test]
async fn a_portal_that_asks_to_wait_loses_no_call_and_is_asked_less_often() {
    // I15. `ACCOUNTS=1000` reads as many as a large organisation has, in two minutes at most.
    let accounts = mcm_core::world::Environment::of_this_process()
        .get("ACCOUNTS")
        .map_or(40, |text| text.parse().expect("a number"));
    let directory = SsoDirectory::of_size(accounts, 3);
    let harness = Harness::with(|options| options.identity_center = directory, &[]).await;
    set(&harness, |policy| {
        // The tighter portal asks to wait at once, the other one now and then.
        policy.calls_per_second = Some(if accounts > 40 { 19 } else { 12 });
        policy.retry_after = Some("1".into());
    });
    let started = Instant::now();
    let id = connect(&harness).await.expect("connected");
    let usable = harness
        .until(|snapshot| snapshot.accounts.iter().any(|row| row.target_count > 0))
        .await;
    assert!(
        usable.accounts[0].reading_targets.is_some(),
        "the list is usable before its end"
    );
    let limit = Duration::from_secs(if accounts > 40 { 120 } else { 20 });
    let row = tokio::time::timeout(limit, async {
        loop {
            let row = stored(&harness.app, &id);
            if row.targets_read_at.is_some() {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await
    .expect("read in time");
    let expected = (accounts, accounts * 3);
    assert_eq!((row.organization.len(), row.targets.len()), expected);
    assert!(harness.clouds.identity_center_busiest_second() <= 20);
    assert!(started.elapsed() < limit);
}

#[tokio::test]
async fn a_reading_that_was_cancelled_goes_on_where_it_ended_and_a_later_one_tells_what_changed() {
    // I15, I29
    let directory = SsoDirectory::of_size(60, 1);
    let harness = Harness::with(|options| options.identity_center = directory, &[]).await;
    let id = connect(&harness).await.expect("connected");
    harness
        .until(|snapshot| snapshot.accounts.iter().any(|row| row.target_count > 10))
        .await;
    harness.app.cancel_reading(&id);
    let stopped = Instant::now();
    harness
        .until(|snapshot| snapshot.accounts[0].reading_targets.is_none())
        .await;
    assert!(stopped.elapsed() < Duration::from_secs(1));
    let known = stored(&harness.app, &id);
    assert!(known.targets_read_at.is_none() && !known.targets.is_empty());
    harness.clouds.forget_requests();
    harness.app.read_targets(&id).await.expect("read");
    let asked = count(&harness, Endpoint::CenterRoles);
    assert!(
        asked + known.targets.len() <= 60,
        "{asked} of 60 were read again"
    );
    assert_eq!(stored(&harness.app, &id).targets.len(), 60);

    let mut directory = harness.clouds.identity_center_directory();
    directory.accounts.truncate(20);
    directory.accounts[0].roles = vec!["Role1".into(), "New".into(), "Newer".into()];
    directory.accounts[1].roles.clear();
    harness.clouds.set_identity_center_directory(directory);
    harness
        .app
        .pin_target(&id, "000001000001/Role1", true)
        .await
        .expect("pinned");
    harness.app.read_targets(&id).await.expect("read again");
    let row = stored(&harness.app, &id);
    assert!(
        matches!(
            row.targets_change,
            Some(TargetsChange {
                added: 2,
                removed: 41,
                ..
            })
        ),
        "{:?}",
        row.targets_change
    );
    assert_eq!(
        row.pinned,
        ["000001000001/Role1"],
        "a pin stays when its role is gone"
    );
}
