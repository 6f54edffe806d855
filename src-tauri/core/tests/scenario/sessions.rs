//! Renewing: once, in time, across processes, and never after a sign-out.

use std::time::Duration;
#[cfg(target_os = "linux")]
use std::{fs, os::unix::fs::MetadataExt as _};

#[cfg(target_os = "linux")]
use mcm_core::account::GrantKey;
use mcm_core::error::Code;
#[cfg(target_os = "linux")]
use mcm_core::file;
#[cfg(target_os = "linux")]
use mcm_core::snapshot::AccountView;
use mcm_core::snapshot::Status;
#[cfg(target_os = "linux")]
use mcm_core::store::Store;
use mcm_core::vault::Record;
use mcm_core::world::Clock as _;
use sandbox_clouds::azure::Rotation;
use sandbox_clouds::{Endpoint, Fault, OAuthError};
use secrecy::ExposeSecret as _;

#[cfg(target_os = "linux")]
use crate::harness::GRACE;
use crate::harness::{ADA, Harness, within};

const HOUR: Duration = Duration::from_secs(3600);

async fn strict() -> Harness {
    Harness::with(|options| options.azure_rotation = Rotation::Strict, &[]).await
}

#[tokio::test]
async fn a_valid_session_is_handed_out_without_a_request() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(HOUR - Duration::from_secs(301));
    let first = harness.app.session(&id).await.expect("valid");
    let second = harness.app.session(&id).await.expect("valid");
    assert_eq!(
        first.bearer().expect("a token").expose_secret(),
        second.bearer().expect("a token").expose_secret()
    );
    assert_eq!(harness.token_requests("refresh_token"), 0);
}

#[tokio::test]
async fn a_session_with_less_than_five_minutes_left_is_renewed() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(HOUR - Duration::from_secs(299));
    let session = harness.app.session(&id).await.expect("renewed");
    assert_eq!(harness.token_requests("refresh_token"), 1);
    assert_eq!(
        session.times.expires_at,
        harness.row(&id).session.expect("shown").expires_at
    );
}

#[tokio::test]
async fn very_short_lives_are_handed_out_and_not_asked_for_at_every_call() {
    let harness = Harness::with(
        |options| options.access_token_life = Duration::from_secs(60),
        &[],
    )
    .await;
    let id = harness.connect(ADA).await.expect("connected");
    for _ in 0..5 {
        harness
            .app
            .session(&id)
            .await
            .expect("half of its life is left");
    }
    assert_eq!(harness.token_requests("refresh_token"), 0);
    harness.clock.advance(Duration::from_secs(31));
    harness.app.session(&id).await.expect("renewed");
    assert_eq!(harness.token_requests("refresh_token"), 1);
}

#[tokio::test]
async fn many_callers_in_two_processes_make_one_request_and_the_grant_survives() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(2 * HOUR);
    let other = harness.second_app();
    let callers = (0..50).map(|number| {
        let (app, id) = (
            if number % 2 == 0 {
                harness.app.clone()
            } else {
                other.clone()
            },
            id.clone(),
        );
        tokio::spawn(async move {
            app.session(&id).await.map(|session| {
                session
                    .bearer()
                    .expect("a token")
                    .expose_secret()
                    .to_owned()
            })
        })
    });
    let mut tokens = Vec::new();
    for caller in callers.collect::<Vec<_>>() {
        tokens.push(within(caller).await.expect("no panic").expect("a session"));
    }
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "all got the same new session");
    assert_eq!(harness.token_requests("refresh_token"), 1);
    harness.clock.advance(2 * HOUR);
    harness
        .app
        .session(&id)
        .await
        .expect("the rotated grant works");
}

#[tokio::test]
async fn the_account_is_there_after_a_restart_and_renews() {
    let mut harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    for _ in 0..3 {
        harness.clock.advance(2 * HOUR);
        harness.restart();
        assert_eq!(harness.row(&id).status, Status::Connected);
        harness.app.session(&id).await.expect("renewed");
    }
}

#[tokio::test]
async fn a_caller_who_gives_up_does_not_lose_the_rotated_grant() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(2 * HOUR);
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::Latency(200));
    let (app, account) = (harness.app.clone(), id.clone());
    let caller = tokio::spawn(async move { app.session(&account).await.map(drop) });
    harness
        .until(|snapshot| snapshot.accounts[0].renewing)
        .await;
    caller.abort();
    harness
        .until(|snapshot| !snapshot.accounts[0].renewing)
        .await;
    harness.clock.advance(2 * HOUR);
    harness
        .app
        .session(&id)
        .await
        .expect("the rotated grant was stored");
}

#[tokio::test]
async fn a_refused_grant_asks_the_user_once_and_never_loops() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clouds.change_password(ADA);
    harness.clock.advance(2 * HOUR);
    for _ in 0..5 {
        let error = harness.app.session(&id).await.expect_err("refused");
        assert_eq!(error.code(), Code::SignInAgain);
    }
    assert_eq!(
        harness.app.renew(&id).await.expect_err("refused").code(),
        Code::SignInAgain
    );
    assert_eq!(
        harness.token_requests("refresh_token"),
        1,
        "asked once, for every caller and process"
    );
    assert_eq!(harness.row(&id).status, Status::SignInAgain);
    harness.connect(ADA).await.expect("signed in again");
    assert_eq!(harness.row(&id).status, Status::Connected);
    harness.app.session(&id).await.expect("works again");
}

#[tokio::test]
async fn a_passing_failure_backs_off_as_long_as_the_server_asked() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(2 * HOUR);
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::retry_after(429, "120"));
    assert_eq!(
        harness
            .app
            .session(&id)
            .await
            .expect_err("throttled")
            .code(),
        Code::Throttled
    );
    assert_eq!(harness.row(&id).status, Status::Expired);
    harness.clock.advance(Duration::from_secs(119));
    assert_eq!(
        harness
            .app
            .session(&id)
            .await
            .expect_err("still waiting")
            .code(),
        Code::Throttled
    );
    assert_eq!(harness.token_requests("refresh_token"), 1);
    harness.clock.advance(Duration::from_secs(2));
    harness.app.session(&id).await.expect("renewed");
    assert_eq!(
        (harness.row(&id).status, harness.row(&id).renewal_failure),
        (Status::Connected, None)
    );
}

#[tokio::test]
async fn a_user_who_presses_renew_does_not_wait_for_the_back_off() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(2 * HOUR);
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::status(503));
    harness
        .app
        .session(&id)
        .await
        .expect_err("temporarily unavailable");
    harness.app.renew(&id).await.expect("renewed");
}

#[tokio::test]
async fn a_clock_that_goes_back_a_day_renews_instead_of_trusting_the_session() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let now = mcm_core::world::Clock::now(&*harness.clock);
    harness.clock.set(now - 24 * HOUR);
    harness.app.session(&id).await.expect("renewed");
    assert_eq!(harness.token_requests("refresh_token"), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_delays_no_caller() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(2 * HOUR);
    let faults = harness.clouds.faults();
    faults.next(Endpoint::AzureToken, Fault::status(503));
    let failed = harness.app.session(&id).await.expect_err("unavailable");
    assert_eq!(failed.code(), Code::ServerFailed);
    harness.clock.set(harness.clock.now() - 24 * HOUR);
    harness.app.session(&id).await.expect("asked at once");
}

#[tokio::test]
async fn a_sign_in_that_the_keychain_lost_is_known_to_every_process() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let stored = harness.app.stored().expect("readable");
    let grant = stored.account(&id).expect("a row").grant.clone();
    let (vault, record) = (&harness.vault, Record::grant(&grant));
    let lost_grant = vault.read(&record).await.expect("readable");
    vault.delete(&record).await.expect("gone");
    harness.clock.advance(2 * HOUR);
    let lost = harness.app.session(&id).await.expect_err("no grant");
    assert_eq!(lost.code(), Code::SignInAgain);
    assert_eq!(harness.row(&id).status, Status::SignInAgain);
    harness.connect(ADA).await.expect("signed in again");
    assert_eq!(harness.row(&id).status, Status::Connected);

    // Another keychain may have it: it is looked for again after a while, and nothing is final.
    vault.delete(&record).await.expect("gone");
    harness.clock.advance(2 * HOUR);
    harness.app.session(&id).await.expect_err("no grant");
    let lost_grant = lost_grant.expect("it was there");
    vault.write(&record, lost_grant).await.expect("back");
    harness.clock.advance(Duration::from_secs(31));
    let found = harness.app.session(&id).await.map(drop);
    found.expect("the grant is there again");
}

#[tokio::test]
async fn each_renewal_moves_the_end_of_a_sign_in_that_was_not_used() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let end = || {
        let stored = harness.app.stored().expect("readable");
        let row = stored.account(&id).expect("connected");
        row.sign_in_end.expect("Entra has one").at
    };
    let before = end();
    harness.clock.advance(2 * HOUR);
    harness.app.session(&id).await.expect("renewed");
    assert_eq!(end(), before + 2 * HOUR);
}

#[tokio::test]
async fn a_token_that_cannot_be_one_is_neither_kept_nor_issued() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.clock.advance(2 * HOUR);
    let odd = r#"{"access_token":"a\u001b[31m","token_type":"Bearer","expires_in":3600}"#;
    let faults = harness.clouds.faults();
    faults.next(Endpoint::AzureToken, Fault::answer(200, odd));
    let error = harness.app.session(&id).await.map(drop);
    assert_eq!(error.expect_err("odd").code(), Code::ServerFailed);
    harness.clock.advance(Duration::from_secs(600));
    harness.app.session(&id).await.expect("renewed");
}

/// Waits until another holder of a grant's lock is waited for, as Linux lists it. Nothing is asked meanwhile.
#[cfg(target_os = "linux")]
async fn until_waited_for(harness: &Harness, grant: &GrantKey) {
    let path = harness
        .data()
        .join(format!("locks/{}.lock", grant.as_str()));
    let inode = format!(":{}", fs::metadata(path).expect("held").ino());
    let is_it =
        |line: &str| line.contains("->") && line.split(' ').any(|word| word.ends_with(&inode));
    let waited = async {
        while !fs::read_to_string("/proc/locks")
            .expect("Linux")
            .lines()
            .any(is_it)
        {
            assert_eq!(
                harness.token_requests("refresh_token"),
                0,
                "without its lock"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(waited).await;
}

/// A sign-in may move an account to another grant while its renewal waits for the first one.
#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_renewal_uses_a_grant_only_under_its_own_lock() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let other = harness.connect(GRACE).await.expect("connected");
    // From here on nothing else waits for a lock.
    harness.app.pause(true);
    let is_read =
        |row: &AccountView| row.targets_read_at.is_some() && row.reading_targets.is_none();
    harness
        .until(|snapshot| snapshot.accounts.iter().all(is_read))
        .await;
    let stored = harness.app.stored().expect("readable");
    let grant = |id| stored.account(id).expect("a row").grant.clone();
    let (first, second) = (grant(&id), grant(&other));
    let hold = async |grant: &GrantKey| {
        let name = format!("locks/{}.lock", grant.as_str());
        let lock = file::lock(&harness.data().join(name), HOUR).await;
        lock.expect("free in the end")
    };
    let (first_lock, second_lock) = (hold(&first).await, hold(&second).await);
    harness.clock.advance(2 * HOUR);
    let app = harness.app.clone();
    let renewed = tokio::spawn({
        let id = id.clone();
        async move { app.session(&id).await.map(drop) }
    });
    // It has read the row, and waits for the first lock.
    until_waited_for(&harness, &first).await;
    let store = Store::in_folder(&harness.data());
    let moved = store.change(|change| {
        change.edit(&id, |row| {
            row.grant = second.clone();
            Ok(())
        })
    });
    moved.await.expect("written");
    drop(first_lock);
    until_waited_for(&harness, &second).await;
    drop(second_lock);
    // The grant is another user's here, so it need not succeed.
    let _ = renewed.await.expect("no panic");
}

#[tokio::test]
async fn two_processes_that_renew_at_once_share_a_failure() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let second = harness.second_app();
    harness.clock.advance(2 * HOUR);
    let faults = harness.clouds.faults();
    faults.always(Endpoint::AzureToken, Fault::status(503));
    let (one, other) = tokio::join!(harness.app.renew(&id), second.renew(&id));
    let references = [one, other].map(|ended| {
        let error = ended.map(drop).expect_err("unavailable");
        error.reference().to_owned()
    });
    assert_eq!(references[0], references[1]);
    assert_eq!(harness.token_requests("refresh_token"), 1);
}

#[tokio::test]
async fn signing_in_again_fixes_the_other_tenants_of_the_same_sign_in() {
    let harness = Harness::start().await;
    let home = harness.connect(ADA).await.expect("connected");
    let offered = harness.row(&home).offered[1].tenant_id.clone();
    let other = harness
        .app
        .add_tenant(&home, &offered)
        .await
        .expect("added");
    harness.clouds.change_password(ADA);
    harness.clock.advance(2 * HOUR);
    for id in [&home, &other] {
        harness.app.session(id).await.expect_err("refused");
        assert_eq!(harness.row(id).status, Status::SignInAgain);
    }
    harness.connect(ADA).await.expect("signed in again");
    assert_eq!(harness.row(&other).renewal_failure, None);
    harness.app.session(&other).await.expect("renewed");
}

#[tokio::test]
async fn a_late_renewal_cannot_revive_a_signed_out_account() {
    let harness = strict().await;
    let id = harness.connect(ADA).await.expect("connected");
    let account = harness
        .app
        .stored()
        .expect("readable")
        .account(&id)
        .expect("a row")
        .clone();
    harness.clock.advance(2 * HOUR);
    harness
        .clouds
        .faults()
        .next(Endpoint::AzureToken, Fault::Latency(300));
    let (app, renewing) = (harness.app.clone(), id.clone());
    let renewal = tokio::spawn(async move { app.session(&renewing).await.map(drop) });
    harness
        .until(|snapshot| snapshot.accounts[0].renewing)
        .await;
    harness.app.disconnect(&id).await.expect("disconnected");
    within(renewal)
        .await
        .expect("no panic")
        .expect_err("signed out meanwhile");
    assert!(harness.rows().is_empty());
    use mcm_core::vault::Record;
    assert!(!harness.keeps(&Record::grant(&account.grant)).await);
    assert!(
        !harness
            .keeps(&Record::session(
                &id,
                mcm_core::resource::Resource::Management.key()
            ))
            .await
    );
}

#[tokio::test]
async fn the_app_renews_ahead_of_time_by_itself() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    let first = harness.row(&id).session.expect("a session").expires_at;
    harness.app.start_background_tasks();
    harness.clock.advance(HOUR - Duration::from_secs(420));
    harness
        .until(|snapshot| {
            snapshot.accounts[0]
                .session
                .is_some_and(|session| session.expires_at > first)
        })
        .await;
}

#[tokio::test]
async fn what_another_process_changes_is_shown_within_a_second() {
    let harness = Harness::start().await;
    harness.app.start_background_tasks();
    let other = harness.second_app();
    let id = harness.connect(ADA).await.expect("connected");
    other
        .rename(&id, Some("Renamed elsewhere"))
        .await
        .expect("renamed");
    harness
        .until(|snapshot| snapshot.accounts[0].name == "Renamed elsewhere")
        .await;
    other.disconnect(&id).await.expect("disconnected");
    harness.until(|snapshot| snapshot.accounts.is_empty()).await;
}

#[tokio::test]
async fn a_paused_app_renews_nothing_by_itself() {
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    harness.app.pause(true);
    harness.app.start_background_tasks();
    harness.clock.advance(2 * HOUR);
    harness.app.rename(&id, Some("x")).await.expect("renamed");
    harness
        .until(|snapshot| snapshot.accounts[0].name == "x")
        .await;
    assert_eq!(harness.token_requests("refresh_token"), 0);
    harness.app.pause(false);
    harness
        .until(|snapshot| snapshot.accounts[0].session.is_some())
        .await;
}

/// A refusal of a renewal as Entra sends it.
fn refused(error: &str, number: u32) -> Fault {
    Fault::OAuthError(OAuthError {
        error: error.into(),
        description: format!("AADSTS{number}: Set by the sandbox."),
        ..OAuthError::default()
    })
}

#[tokio::test]
async fn a_refusal_that_time_or_another_place_ends_is_asked_again_and_the_account_comes_back() {
    let policies = [
        50005, 50097, 50105, 53000, 53001, 53002, 53003, 53004, 530_031, 530_032, 530_033, 530_034,
        530_035,
    ];
    let cases = policies
        .map(|number| (refused("invalid_grant", number), Code::PolicyBlocked))
        .into_iter()
        .chain([
            (refused("interaction_required", 53003), Code::PolicyBlocked),
            (refused("invalid_grant", 90033), Code::ServerFailed),
            (refused("invalid_grant", 90006), Code::ServerFailed),
            (refused("invalid_grant", 50058), Code::ServerFailed),
            (refused("invalid_grant", 50196), Code::Throttled),
            (Fault::oauth_error("invalid_request"), Code::ServerFailed),
            (Fault::oauth_error("heard_of_by_no_one"), Code::ServerFailed),
        ]);
    let harness = Harness::start().await;
    let id = harness.connect(ADA).await.expect("connected");
    for (fault, code) in cases {
        harness.clock.advance(2 * HOUR);
        let asked = harness.token_requests("refresh_token");
        harness
            .clouds
            .faults()
            .next(Endpoint::AzureToken, fault.clone());
        let error = harness.app.session(&id).await.map(drop);
        let error = error.expect_err(&format!("{fault:?}"));
        assert_eq!(error.code(), code, "{fault:?}: {error}");
        assert!(
            error.message().ends_with("Retrying automatically."),
            "{error}"
        );
        assert_eq!(harness.row(&id).status, Status::Expired, "{fault:?}");
        let again = harness.app.session(&id).await.map(drop);
        assert_eq!(again.expect_err("waiting").code(), code, "{fault:?}");
        assert_eq!(
            harness.token_requests("refresh_token"),
            asked + 1,
            "{fault:?}"
        );
        harness.clock.advance(Duration::from_secs(600));
        let renewed = harness.app.session(&id).await.map(drop);
        renewed.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
        assert_eq!(harness.row(&id).status, Status::Connected, "{fault:?}");
    }
}

#[tokio::test]
async fn only_what_a_sign_in_fixes_asks_for_one() {
    for number in [50076, 50079, 50173, 70043, 700_082, 65001] {
        let harness = Harness::start().await;
        let id = harness.connect(ADA).await.expect("connected");
        harness.clock.advance(2 * HOUR);
        let fault = refused("invalid_grant", number);
        harness.clouds.faults().next(Endpoint::AzureToken, fault);
        let error = harness.app.session(&id).await.expect_err("refused");
        assert_eq!(error.code(), Code::SignInAgain, "{number}");
        assert!(
            error.needs_sign_in() && error.message().ends_with("Sign in again."),
            "{error}"
        );
        assert_eq!(harness.row(&id).status, Status::SignInAgain, "{number}");
    }
}
