//! A process that is killed (SIGKILL) between any two steps of a renewal or a sign-in leaves the old state or the new
//! one, whole.
//!
//! The test runs itself again as the process to be killed: over a keychain of files that counts the operations on it
//! and kills the process at the n-th one. The sandbox lives in the parent, so the server's side outlives the crash.

#[path = "support/files.rs"]
mod files;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use files::{Hook, keychain};
use jiff::Timestamp;
use mcm_core::account::{AccountId, Cloud};
use mcm_core::app::{App, Connect, ConnectPortal, EnteredKeys};
use mcm_core::error::Code;
use mcm_core::http::Http;
use mcm_core::redirect::Frontend;
use mcm_core::snapshot::Snapshot;
use mcm_core::testing::{ManualClock, RecordedBrowser};
use mcm_core::vault::{KeychainLimits, Vault};
use mcm_core::world::{Environment, NoScheme, Paths, World};
use sandbox_clouds::aws::identity_center::{PermissionPolicy, RefreshRotation};
use sandbox_clouds::azure::Rotation;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::{Clock, Options, Sandbox};

const START: &str = "2026-11-24T09:00:00Z";
const LATER: &str = "2026-11-24T12:00:00Z";
const MUCH_LATER: &str = "2026-11-24T15:00:00Z";
/// A role of the sandbox's IAM Identity Center.
const ROLE: &str = "111122223333/ReadOnly";
const ADA: &str = "ada@contoso.example";
/// More operations than a renewal or a sign-in has: the child then ends by itself.
const MOST_STEPS: usize = 80;

/// What points the app at the sandbox.
type Variables = Vec<(String, String)>;

/// Ends the process at its n-th keychain operation, before the answer is seen.
struct Death(AtomicUsize);

impl Hook for Death {
    fn after(&self) {
        if self.0.fetch_sub(1, Ordering::SeqCst) == 1 {
            let _ = Command::new("kill")
                .args(["-9", &std::process::id().to_string()])
                .status();
            unreachable!("killed");
        }
    }
}

/// A keychain that takes nothing more.
struct Full;

impl Hook for Full {
    fn before(&self, _user: &str, written: Option<&[u8]>) -> keyring_core::Result<()> {
        match written {
            Some(_) => Err(keyring_core::Error::PlatformFailure("it is full".into())),
            None => Ok(()),
        }
    }
}

/// The app over the files below `home`; it is killed at the `steps`-th keychain operation.
fn app(
    home: &Path,
    environment: &[(String, String)],
    now: &str,
    steps: usize,
) -> (Arc<App>, Arc<RecordedBrowser>) {
    app_over(
        home,
        environment,
        now,
        Arc::new(Death(AtomicUsize::new(steps))),
    )
}

/// The app over the files below `home`, with a hook at its keychain.
fn app_over(
    home: &Path,
    environment: &[(String, String)],
    now: &str,
    hook: Arc<dyn Hook>,
) -> (Arc<App>, Arc<RecordedBrowser>) {
    let folder = home.join("keychain");
    let connect = move || Ok(keychain(folder.clone(), hook.clone()));
    let browser = Arc::new(RecordedBrowser::default());
    let world = World {
        clock: ManualClock::new(now.parse::<Timestamp>().expect("a time")),
        http: Http::default(),
        vault: Vault::over(
            connect,
            "test",
            Some(home.join("keychain.lock")),
            KeychainLimits::default(),
        ),
        browser: browser.clone(),
        scheme: Arc::new(NoScheme),
        paths: Paths::below(home),
        environment: Environment::from_pairs(
            environment
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        ),
    };
    (App::open(world, Frontend::Terminal), browser)
}

async fn connect(
    app: &App,
    browser: &RecordedBrowser,
    wanted: Connect,
) -> mcm_core::error::Result<AccountId> {
    let is_center = wanted.portal.is_some();
    let id = app.connect(wanted)?;
    let page = browser.next_page().await;
    let user = if is_center {
        Browser::new()
    } else {
        Browser::new().as_user(ADA)
    };
    user.browse(page.as_str()).await;
    let account = app.sign_in_ended(id).await?;
    // The list is still being read, at the time of the sign-in.
    let mut snapshots = app.watch();
    let is_read = |snapshot: &Arc<Snapshot>| {
        let mut accounts = snapshot.accounts.iter();
        accounts.all(|account| account.reading_targets.is_none())
    };
    snapshots.wait_for(is_read).await.expect("the app lives");
    if is_center {
        // Its sessions are those of the role that is chosen.
        app.choose_target(&account, ROLE).await?;
    }
    Ok(account)
}

fn azure() -> Connect {
    Connect::new(Cloud::Azure)
}

fn center(clouds: &Sandbox) -> Connect {
    Connect {
        portal: Some(ConnectPortal {
            start_url: clouds.start_url().to_string(),
            region: None,
        }),
        ..Connect::new(Cloud::Aws)
    }
}

/// Runs one thing in a process that dies at its `steps`-th keychain operation. Whether it died.
fn run_child(test: &str, home: &Path, environment: &[(String, String)], steps: usize) -> bool {
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env("CRASH_HOME", home)
        .env("CRASH_AT", steps.to_string())
        .env(
            "CRASH_CLOUDS",
            serde_json::to_string(environment).expect("JSON"),
        )
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("the child runs");
    !status.success()
}

/// The child's part, when this process is the child.
#[expect(
    clippy::disallowed_methods,
    reason = "the test speaks to itself through the environment"
)]
fn child() -> Option<(PathBuf, Variables, usize)> {
    let home = std::env::var_os("CRASH_HOME")?;
    let environment = serde_json::from_str(&std::env::var("CRASH_CLOUDS").ok()?).ok()?;
    Some((
        home.into(),
        environment,
        std::env::var("CRASH_AT").ok()?.parse().ok()?,
    ))
}

/// The clouds, and their time, which a test may change.
async fn clouds(rotation: Rotation) -> (Sandbox, Variables, Arc<Mutex<Timestamp>>) {
    let time = Arc::new(Mutex::new(time_of(START)));
    let now = time.clone();
    let options = Options {
        clock: Clock::new(move || *now.lock().expect("unpoisoned")),
        azure_rotation: rotation,
        ..Options::default()
    };
    let clouds = Sandbox::start(options).await.expect("loopback ports");
    let environment = clouds
        .environment()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    (clouds, environment, time)
}

fn time_of(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

async fn killed_while_renewing(test: &str, rotation: Rotation, roles: Option<RefreshRotation>) {
    if let Some((home, environment, steps)) = child() {
        let (app, _) = app(&home, &environment, LATER, steps);
        let id = app.stored().expect("readable").accounts[0].id.clone();
        app.session(&id).await.expect("renewed");
        return;
    }
    // The session of the first sign-in is over at the later time.
    let (clouds, environment, time) = clouds(rotation).await;
    let wanted = match roles {
        None => azure(),
        Some(rotation) => {
            clouds.set_identity_center_policy(PermissionPolicy {
                rotation,
                ..PermissionPolicy::default()
            });
            center(&clouds)
        }
    };
    let may_be_burnt = match roles {
        None => rotation == Rotation::Strict,
        Some(rotation) => rotation != RefreshRotation::Keep,
    };
    let mut asked_again = 0;
    for steps in 1..MOST_STEPS {
        let home = tempfile::tempdir().expect("a folder");
        *time.lock().expect("unpoisoned") = time_of(START);
        let id = {
            let (app, browser) = app(home.path(), &environment, START, usize::MAX);
            connect(&app, &browser, wanted.clone())
                .await
                .expect("connected")
        };
        *time.lock().expect("unpoisoned") = time_of(LATER);
        clouds.forget_requests();
        let died = run_child(test, home.path(), &environment, steps);
        let (app, _) = app(home.path(), &environment, LATER, usize::MAX);
        match app.session(&id).await {
            Ok(_) => {}
            // The server had burnt the old token, and the answer died with the process: the user is asked, once.
            Err(error) if may_be_burnt && error.code() == Code::SignInAgain => {
                asked_again += 1;
                let before = clouds.requests().len();
                app.session(&id).await.expect_err("still asked");
                assert_eq!(clouds.requests().len(), before, "no loop");
            }
            Err(error) => panic!("killed at step {steps}: {error:?}"),
        }
        if !died {
            let deaths = steps - 1;
            assert!(
                deaths > 5,
                "the renewal has steps to be killed at: {deaths}"
            );
            assert!(
                asked_again <= deaths / 2,
                "most deaths cost nothing: {asked_again} of {deaths}"
            );
            return;
        }
    }
    panic!("the child never ended by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_killed_at_any_step_leaves_an_account_that_works() {
    killed_while_renewing(
        "a_renewal_killed_at_any_step_leaves_an_account_that_works",
        Rotation::default(),
        None,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_renewal_of_identity_center_keeps_its_token_or_asks_the_user_once() {
    // I19
    killed_while_renewing(
        "a_killed_renewal_of_identity_center_keeps_its_token_or_asks_the_user_once",
        Rotation::default(),
        Some(RefreshRotation::DetectReuse),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_renewal_of_identity_center_that_rotates_nothing_always_works() {
    // I19
    killed_while_renewing(
        "a_killed_renewal_of_identity_center_that_rotates_nothing_always_works",
        Rotation::default(),
        Some(RefreshRotation::Keep),
    )
    .await;
}

/// Refuses to write grants while it is locked.
#[derive(Default)]
struct LockedForGrants(AtomicBool);

impl Hook for LockedForGrants {
    fn before(&self, user: &str, written: Option<&[u8]>) -> keyring_core::Result<()> {
        let is_refused =
            self.0.load(Ordering::SeqCst) && written.is_some() && user.contains("grant-");
        match is_refused {
            true => Err(keyring_core::Error::NoStorageAccess("locked".into())),
            false => Ok(()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_rotated_while_the_keychain_was_locked_is_kept_and_stored_once_it_is_unlocked()
{
    // I37
    let (clouds, environment, time) = clouds(Rotation::default()).await;
    clouds.set_identity_center_policy(PermissionPolicy {
        rotation: RefreshRotation::DetectReuse,
        ..PermissionPolicy::default()
    });
    let home = tempfile::tempdir().expect("a folder");
    let hook = Arc::new(LockedForGrants::default());
    let (signed_in, browser) = app_over(home.path(), &environment, START, hook.clone());
    let id = connect(&signed_in, &browser, center(&clouds)).await;
    let id = id.expect("connected");
    drop(signed_in);
    *time.lock().expect("unpoisoned") = time_of(LATER);
    clouds.forget_requests();
    let renewals = || {
        let requests = clouds.requests();
        let is_token = |request: &&sandbox_clouds::Request| {
            request.endpoint == Some(sandbox_clouds::Endpoint::CenterToken)
        };
        requests.iter().filter(is_token).count()
    };
    let (renewing, _) = app_over(home.path(), &environment, LATER, hook.clone());
    hook.0.store(true, Ordering::SeqCst);
    let refused = renewing.session(&id).await.map(drop);
    let error = refused.expect_err("what is not stored is not issued");
    assert!(
        matches!(error.code(), Code::KeychainLocked | Code::KeychainFailed),
        "{error}"
    );
    assert_eq!(renewals(), 1);
    hook.0.store(false, Ordering::SeqCst);
    renewing
        .renew(&id)
        .await
        .expect("renewed with the new token");
    drop(renewing);
    *time.lock().expect("unpoisoned") = time_of(MUCH_LATER);
    let (another, _) = app_over(home.path(), &environment, MUCH_LATER, hook);
    another
        .session(&id)
        .await
        .expect("the stored token is the last one");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_reuse_detection_a_killed_renewal_works_or_asks_the_user_once() {
    killed_while_renewing(
        "with_reuse_detection_a_killed_renewal_works_or_asks_the_user_once",
        Rotation::Strict,
        None,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_killed_at_any_step_leaves_no_account_or_one_that_works() {
    if let Some((home, environment, steps)) = child() {
        let (app, browser) = app(&home, &environment, START, steps);
        connect(&app, &browser, azure()).await.expect("connected");
        return;
    }
    let (_clouds, environment, _) = clouds(Rotation::Strict).await;
    for steps in 1..MOST_STEPS {
        let home = tempfile::tempdir().expect("a folder");
        let test = "a_sign_in_killed_at_any_step_leaves_no_account_or_one_that_works";
        let died = run_child(test, home.path(), &environment, steps);
        let (app, browser) = app(home.path(), &environment, START, usize::MAX);
        let stored = app.stored().expect("readable, old or new");
        for account in &stored.accounts {
            app.session(&account.id)
                .await
                .expect("an account that is shown works");
        }
        if !died {
            assert!(
                steps > 4 && stored.accounts.len() == 1,
                "it ended by itself at step {steps}"
            );
            return;
        }
        let id = connect(&app, &browser, azure())
            .await
            .expect("connecting again works");
        app.session(&id).await.expect("a session");
    }
    panic!("the child never ended by itself");
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_keys_that_the_keychain_does_not_take_are_not_listed() {
    let (clouds, environment, _) = clouds(Rotation::default()).await;
    let home = tempfile::tempdir().expect("a folder");
    let (app, _) = app_over(home.path(), &environment, START, Arc::new(Full));
    let key = clouds.aws_access_key("ada").expect("there is an ada");
    let entered = EnteredKeys {
        mfa_device: None,
        access_key_id: key.id,
        secret_access_key: key.secret.into(),
        session_token: None,
    };
    let error = app.add_access_keys(entered).await.expect_err("not taken");
    assert_eq!(error.code(), Code::KeychainFailed);
    assert_eq!(app.access_keys().expect("readable"), []);
}
