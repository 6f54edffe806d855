//! Random interleavings of renewing, failing, signing out and in, clock jumps, a locked keychain and dying processes.
//!
//! Two "processes", each an `App` on a runtime of its own, share files and a keychain. The server is scripted: it
//! rotates strictly, numbers its tokens, and watches the invariants together with the keychain.

#[path = "support/files.rs"]
mod files;
#[path = "support/scripted.rs"]
mod scripted;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use files::{Hook, keychain};
use jiff::Timestamp;
use mcm_core::account::{Account, AccountId, Cloud, Identity, Refreshable};
use mcm_core::app::{App, Connect};
use mcm_core::credential::{Grant, Session};
use mcm_core::error::{Code, Error, Result};
use mcm_core::http::Http;
use mcm_core::provider::SignedIn;
use mcm_core::resource::Resource;
use mcm_core::snapshot::Snapshot;
use mcm_core::store::{Intent, Store};
use mcm_core::testing::{ManualClock, RecordedBrowser};
use mcm_core::vault::{KeychainLimits, Record, Vault};
use mcm_core::world::{Clock as _, Environment, NoScheme, Paths, World};
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use scripted::Script;
use secrecy::ExposeSecret as _;
use tokio::runtime::Runtime;

/// Resources that have sessions of their own.
const RESOURCES: [&str; 2] = ["https://graph.microsoft.com", "https://vault.azure.net"];

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// A process asks for a session, and `callers` others with it.
    Ask { process: usize, callers: usize },
    /// A process asks for a session for one of two other resources, and `callers` others with it.
    AskFor {
        process: usize,
        resource: usize,
        callers: usize,
    },
    /// A user presses Renew.
    Renew { process: usize },
    /// A user signs in.
    SignIn { process: usize },
    /// The user signs in while renewals run in both processes.
    SignInMeanwhile { process: usize },
    /// A user disconnects.
    SignOut { process: usize },
    /// The user signs in while another process signs out, with a renewal that runs before both.
    SignOutAndIn { process: usize },
    /// A process dies in the middle of what it does, and starts again.
    Die { process: usize },
    /// The clock moves, possibly back.
    Clock { minutes: i32 },
    /// The keychain is locked or unlocked.
    Lock { locked: bool },
    /// The server wants the user for the first of the resources, or does so no more.
    Refuse { refused: bool },
    /// The next requests to the server fail for a passing reason.
    Fail { requests: u32 },
    /// Everything that runs comes to its end.
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    let process = 0..2_usize;
    prop_oneof![
        6 => (process.clone(), 1..6_usize).prop_map(|(process, callers)| Step::Ask { process, callers }),
        6 => (process.clone(), 0..2_usize, 1..4_usize)
            .prop_map(|(process, resource, callers)| Step::AskFor { process, resource, callers }),
        1 => any::<bool>().prop_map(|refused| Step::Refuse { refused }),
        3 => process.clone().prop_map(|process| Step::Renew { process }),
        2 => process.clone().prop_map(|process| Step::SignIn { process }),
        2 => process.clone().prop_map(|process| Step::SignInMeanwhile { process }),
        2 => process.clone().prop_map(|process| Step::SignOut { process }),
        2 => process.clone().prop_map(|process| Step::SignOutAndIn { process }),
        2 => process.prop_map(|process| Step::Die { process }),
        5 => (-90..180_i32).prop_map(|minutes| Step::Clock { minutes }),
        1 => any::<bool>().prop_map(|locked| Step::Lock { locked }),
        2 => (1..3_u32).prop_map(|requests| Step::Fail { requests }),
        3 => Just(Step::Settle),
    ]
}

/// The server and the keychain's hook in one, because the invariants are between them.
struct Watcher {
    clock: Arc<ManualClock>,
    store: Store,
    /// Per sign-in, the number of its newest token, or none once a token was redeemed twice. Tokens are numbered
    /// `sign-in * 1000 + renewal`; every one but the newest is dead.
    families: Mutex<Vec<Option<usize>>>,
    in_flight: AtomicUsize,
    failing: AtomicU32,
    /// Whether sessions for the first resource are refused.
    refusing: AtomicBool,
    locked: AtomicBool,
    /// Whether the keychain takes no grant, though it gives what it has.
    takes_no_grant: AtomicBool,
    /// The number of the newest grant that the keychain was given.
    stored_grant: AtomicUsize,
    broken: Mutex<Vec<String>>,
}

impl Watcher {
    fn broke(&self, what: String) {
        self.broken.lock().expect("unpoisoned").push(what);
    }

    /// The newest token of the newest sign-in; none when that was ended for reuse.
    fn newest(&self) -> Option<usize> {
        *self
            .families
            .lock()
            .expect("unpoisoned")
            .last()
            .expect("a sign-in was stored")
    }

    /// Redeems a token: the next one, or none for a token that is dead, whose sign-in dies with it.
    fn redeem(&self, number: usize) -> Option<usize> {
        let mut families = self.families.lock().expect("unpoisoned");
        let newest = &mut families[number / 1000];
        *newest = newest
            .filter(|newest| *newest == number)
            .map(|number| number + 1);
        *newest
    }

    /// Whether the database names the grant, so that a process which dies now leaves none that cannot be found.
    fn is_named(&self) -> bool {
        let noted = self.store.intents(None).expect("readable");
        let rows = self.store.read().expect("readable");
        let is_grant = |(intent, _): &(Intent, bool)| matches!(intent, Intent::Grant(_));
        noted.iter().any(is_grant) || rows.iter().next().is_some()
    }

    fn tokens(&self, number: usize) -> (Grant, Session) {
        let now = self.clock.now();
        let life = Duration::from_secs(3600);
        (
            scripted::grant(&format!("rt-{number:06}"), now),
            scripted::session(&format!("at-{number:06}"), now, life),
        )
    }
}

/// The number of a grant's token.
fn number_of(grant: &Grant) -> Result<usize> {
    let token = &grant.refresh_token()?.refresh_token;
    Ok(token.expose_secret()[3..].parse().expect("a number"))
}

impl Hook for Watcher {
    fn before(&self, user: &str, written: Option<&[u8]>) -> keyring_core::Result<()> {
        if self.locked.load(Ordering::SeqCst) {
            return Err(keyring_core::Error::NoStorageAccess("locked".into()));
        }
        let is_grant = written.is_some() && user.starts_with("grant");
        if is_grant && self.takes_no_grant.load(Ordering::SeqCst) {
            return Err(keyring_core::Error::NoStorageAccess("locked".into()));
        }
        if is_grant && !self.is_named() {
            self.broke("a grant was given to the keychain before a note or a row named it".into());
        }
        let text = String::from_utf8_lossy(written.unwrap_or_default()).into_owned();
        let number = |mark: &str| {
            text.split_once(mark)
                .and_then(|(_, rest)| rest.get(..6)?.parse::<usize>().ok())
        };
        if let Some(number) = number("rt-").filter(|_| user.starts_with("grant")) {
            self.stored_grant.store(number, Ordering::SeqCst);
        }
        if let Some(number) = number("at-").filter(|_| user.starts_with("session")) {
            let stored = self.stored_grant.load(Ordering::SeqCst);
            if stored < number {
                self.broke(format!(
                    "session {number} was stored before its grant; the stored one is {stored}"
                ));
            }
        }
        Ok(())
    }
}

fn identity() -> Identity {
    Identity::Azure {
        home: "ada.contoso".into(),
        tenant_id: "contoso".into(),
        tenant_name: Some("Contoso".into()),
        default_domain: None,
        username: "ada@contoso.example".into(),
    }
}

#[async_trait]
impl Script for Watcher {
    fn sign_in(&self) -> Result<SignedIn> {
        let number = {
            let mut families = self.families.lock().expect("unpoisoned");
            let number = families.len() * 1000;
            families.push(Some(number));
            number
        };
        let (grant, session) = self.tokens(number);
        Ok(SignedIn {
            account: Refreshable {
                identity: identity(),
                offered: Vec::new(),
                missing_scopes: Vec::new(),
                sign_in_end: None,
            },
            grant,
            session,
            target: None,
            accounts: Vec::new(),
        })
    }

    async fn refresh(
        &self,
        grant: &Grant,
        resource: &Resource,
    ) -> Result<(Option<Grant>, Session)> {
        if self.in_flight.fetch_add(1, Ordering::SeqCst) > 0 {
            self.broke("two renewals at once".into());
        }
        // Counts itself out also when its process dies here.
        let _out = Defer(|| {
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
        });
        tokio::time::sleep(Duration::from_millis(2)).await;
        let take = |left: u32| left.checked_sub(1);
        let (set, read) = (Ordering::SeqCst, Ordering::SeqCst);
        if self.failing.fetch_update(set, read, take).is_ok() {
            return Err(Error::new(Code::ServerFailed, "The server failed."));
        }
        if resource.key() == RESOURCES[0] && self.refusing.load(Ordering::SeqCst) {
            return Err(Error::new(Code::SignInAgain, "Consent."));
        }
        let next = self.redeem(number_of(grant)?);
        let next = next.ok_or_else(|| Error::new(Code::SignInAgain, "Reused."))?;
        tokio::time::sleep(Duration::from_millis(2)).await;
        let (grant, session) = self.tokens(next);
        Ok((Some(grant), session))
    }

    fn sign_out(&self, grant: &Grant) -> Result<()> {
        self.families.lock().expect("unpoisoned")[number_of(grant)? / 1000] = None;
        Ok(())
    }
}

struct Defer<F: FnMut()>(F);

impl<F: FnMut()> Drop for Defer<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// An app on a runtime of its own: dropping the runtime drops its tasks wherever they are, as a death does.
struct Process {
    runtime: Runtime,
    app: Arc<App>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Process {
    fn start(home: &Path, watcher: &Arc<Watcher>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (folder, hook) = (home.join("keychain"), watcher.clone());
        let world = World {
            clock: watcher.clock.clone(),
            http: Http::default(),
            vault: Vault::over(
                move || Ok(keychain(folder.clone(), hook.clone())),
                "test",
                Some(home.join("keychain.lock")),
                KeychainLimits::default(),
            ),
            browser: Arc::new(RecordedBrowser::default()),
            scheme: Arc::new(NoScheme),
            paths: Paths::below(home),
            environment: Environment::from_pairs([(
                "AZURE_CLIENT_ID",
                "11111111-2222-3333-4444-555555555555",
            )]),
        };
        let app = {
            let _inside = runtime.enter();
            scripted::open(world, watcher)
        };
        Self {
            runtime,
            app,
            tasks: Vec::new(),
        }
    }

    fn run(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.push(self.runtime.spawn(work));
    }

    fn settle(&mut self) {
        let (app, tasks) = (self.app.clone(), std::mem::take(&mut self.tasks));
        self.runtime.block_on(async move {
            for task in tasks {
                let _ = task.await;
            }
            app.finish().await;
        });
    }
}

struct Story {
    home: tempfile::TempDir,
    watcher: Arc<Watcher>,
    processes: Vec<Option<Process>>,
    id: AccountId,
    /// Whether a process died since everything last came to its end: an answer of the server may have died with it.
    died: bool,
    /// Whether the last thing that a user did was to sign out.
    signed_out: bool,
}

impl Story {
    fn begin() -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let watcher = Arc::new(Watcher {
            store: Store::in_folder(&Paths::below(home.path()).data),
            clock: ManualClock::new("2026-11-24T09:00:00Z".parse::<Timestamp>().expect("a time")),
            families: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            failing: AtomicU32::new(0),
            refusing: AtomicBool::new(false),
            locked: AtomicBool::new(false),
            takes_no_grant: AtomicBool::new(false),
            stored_grant: AtomicUsize::new(0),
            broken: Mutex::default(),
        });
        let processes = (0..2)
            .map(|_| Some(Process::start(home.path(), &watcher)))
            .collect();
        Self {
            home,
            watcher,
            processes,
            id: identity().account_id(),
            died: false,
            signed_out: true,
        }
    }

    fn process(&mut self, number: usize) -> &mut Process {
        self.processes[number]
            .as_mut()
            .expect("restarted after each death")
    }

    fn take(&mut self, step: &Step) {
        let id = self.id.clone();
        match *step {
            Step::Ask { process, callers } => {
                for _ in 0..callers {
                    let (app, id) = (self.process(process).app.clone(), id.clone());
                    self.process(process).run(async move {
                        let _ = app.session(&id).await;
                    });
                }
            }
            Step::AskFor {
                process,
                resource,
                callers,
            } => {
                for _ in 0..callers {
                    let (app, id) = (self.process(process).app.clone(), id.clone());
                    self.process(process).run(async move {
                        app.reload();
                        let Ok(resource) = app.resource(&id, RESOURCES[resource]) else {
                            return;
                        };
                        let _ = app.issue_for(&id, &resource, "test").await;
                    });
                }
            }
            Step::Refuse { refused } => self.watcher.refusing.store(refused, Ordering::SeqCst),
            Step::Renew { process } => {
                let app = self.process(process).app.clone();
                self.process(process).run(async move {
                    let _ = app.renew(&id).await;
                });
            }
            // A user does one thing after the other.
            Step::SignIn { process } => {
                self.settle();
                let app = self.process(process).app.clone();
                let connected = self.process(process).runtime.block_on(async move {
                    let sign_in = app.connect(Connect::new(Cloud::Azure))?;
                    let connected = app.sign_in_ended(sign_in).await?;
                    // It still reads the targets, and would renew if the clock moved first.
                    let is_idle = |now: &Arc<Snapshot>| {
                        now.accounts.iter().all(|row| row.reading_targets.is_none())
                    };
                    app.watch().wait_for(is_idle).await.expect("the app lives");
                    Ok::<_, Error>(connected)
                });
                self.signed_out &= connected.is_err();
            }
            Step::SignInMeanwhile { process } => {
                self.settle();
                for number in [process, 1 - process] {
                    let (app, id) = (self.process(number).app.clone(), id.clone());
                    self.process(number).run(async move {
                        let _ = app.renew(&id).await;
                    });
                }
                let entering = self.process(process).app.clone();
                let (signed_in, is_in) = std::sync::mpsc::channel();
                self.process(process).run(async move {
                    // While the renewal waits for the server.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    let Ok(sign_in) = entering.connect(Connect::new(Cloud::Azure)) else {
                        return;
                    };
                    if entering.sign_in_ended(sign_in).await.is_ok() {
                        let _ = signed_in.send(());
                    }
                });
                self.wait();
                self.signed_out &= is_in.recv().is_err();
                self.settle();
            }
            Step::SignOut { process } => {
                let app = self.process(process).app.clone();
                let gone = self
                    .process(process)
                    .runtime
                    .block_on(async move { app.disconnect(&id).await });
                // With a locked keychain the row goes and the secrets stay; the error says so.
                self.signed_out |= gone.is_ok();
            }
            Step::SignOutAndIn { process } => {
                self.settle();
                let other = 1 - process;
                let (leaving, entering) = (
                    self.process(process).app.clone(),
                    self.process(other).app.clone(),
                );
                let (renewing, renewed) = (leaving.clone(), id.clone());
                self.process(process).run(async move {
                    let _ = renewing.renew(&renewed).await;
                });
                self.process(process).run(async move {
                    let _ = leaving.disconnect(&id).await;
                });
                self.process(other).run(async move {
                    if let Ok(sign_in) = entering.connect(Connect::new(Cloud::Azure)) {
                        let _ = entering.sign_in_ended(sign_in).await;
                    }
                });
                self.wait();
                // Either may have come last: what is there now is whole.
                self.signed_out = self.rows().is_empty();
                self.settle();
            }
            Step::Die { process } => {
                self.died = true;
                self.processes[process]
                    .take()
                    .expect("alive")
                    .runtime
                    .shutdown_background();
                self.processes[process] = Some(Process::start(self.home.path(), &self.watcher));
            }
            Step::Clock { minutes } => {
                let now = self.watcher.clock.now();
                self.watcher
                    .clock
                    .set(now + jiff::SignedDuration::from_mins(minutes.into()));
            }
            Step::Lock { locked } => self.watcher.locked.store(locked, Ordering::SeqCst),
            Step::Fail { requests } => self.watcher.failing.store(requests, Ordering::SeqCst),
            Step::Settle => self.settle(),
        }
    }

    fn settle(&mut self) {
        self.wait();
        self.check();
        self.died = false;
    }

    fn wait(&mut self) {
        for process in self.processes.iter_mut().flatten() {
            process.settle();
        }
    }

    fn rows(&self) -> Vec<Arc<Account>> {
        let store = Store::in_folder(&Paths::below(self.home.path()).data);
        store.read().expect("readable").accounts.clone()
    }

    /// The names of the secrets in the keychain.
    fn secrets(&self) -> Vec<String> {
        let listed = std::fs::read_dir(self.home.path().join("keychain"));
        let names = listed
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name());
        names
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    }

    fn check(&self) {
        let broken = self.watcher.broken.lock().expect("unpoisoned");
        assert!(broken.is_empty(), "{broken:?}");
        let (rows, secrets) = (self.rows(), self.secrets());
        let mut known = Vec::new();
        for row in &rows {
            let grant = Record::grant(&row.grant);
            let is_there = secrets.iter().any(|secret| secret.ends_with(&grant.user()));
            assert!(
                is_there,
                "an account is left without its grant: {secrets:?}"
            );
            known.push(grant);
            known.push(Record::session(&row.id, Resource::Management.key()));
            let resources = row.resources.iter();
            known.extend(resources.map(|known| Record::session(&row.id, known.resource.as_str())));
        }
        known.extend(self.noted());
        // Also after a death, and while the keychain is locked.
        for secret in &secrets {
            let is_known = known.iter().any(|record| secret.ends_with(&record.user()));
            assert!(
                is_known,
                "{secret} belongs to no account and will never be removed"
            );
        }
        if self.signed_out {
            assert!(rows.is_empty(), "a signed-out account was revived");
        }
    }

    /// The records that are to be removed unless an account needs them.
    fn noted(&self) -> Vec<Record> {
        let store = Store::in_folder(&Paths::below(self.home.path()).data);
        let noted = store.intents(None).expect("readable").into_iter();
        noted
            .map(|(intent, _)| match intent {
                Intent::Grant(key) => Record::grant(&key),
                Intent::Session {
                    account, resource, ..
                } => Record::session(&account, &resource),
                Intent::AccessKeys(id) => Record::access_keys(&id),
            })
            .collect()
    }

    /// Once everything is at rest and the keychain is open, only what an account needs is left.
    fn end(&mut self) {
        self.watcher.locked.store(false, Ordering::SeqCst);
        self.settle();
        let app = self.process(0).app.clone();
        self.process(0)
            .runtime
            .block_on(async move { app.clean_up().await });
        assert_eq!(self.noted(), []);
        if self.rows().is_empty() {
            assert_eq!(self.secrets(), Vec::<String>::new());
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 48, max_shrink_iters: 200, failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))), ..Config::default() })]

    #[test]
    fn no_interleaving_breaks_an_invariant(steps in prop::collection::vec(step(), 1..28)) {
        let mut story = Story::begin();
        story.take(&Step::SignIn { process: 0 });
        for step in &steps {
            story.take(step);
        }
        story.end();
    }

    #[test]
    fn without_deaths_the_stored_grant_is_always_the_servers_newest(steps in prop::collection::vec(step(), 1..28)) {
        let mut story = Story::begin();
        story.take(&Step::SignIn { process: 0 });
        for step in &steps {
            if matches!(step, Step::Die { .. } | Step::Lock { .. }) {
                continue;
            }
            story.take(step);
            if matches!(step, Step::Settle) && !story.signed_out {
                let stored = story.watcher.stored_grant.load(Ordering::SeqCst);
                prop_assert_eq!(Some(stored), story.watcher.newest(), "no login was lost, and none is behind");
            }
        }
        story.end();
    }
}

/// A renewal by the first process.
fn renew(story: &mut Story) -> Result<()> {
    let id = story.id.clone();
    let process = story.process(0);
    let app = process.app.clone();
    process
        .runtime
        .block_on(async move { app.renew(&id).await.map(drop) })
}

#[test]
fn a_rotated_grant_that_the_keychain_refused_is_kept_until_it_is_taken() {
    let mut story = Story::begin();
    story.take(&Step::SignIn { process: 0 });
    story.watcher.takes_no_grant.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let refused = renew(&mut story).expect_err("nothing can be stored");
        assert_eq!(refused.code(), Code::KeychainLocked, "{refused}");
    }
    story.watcher.takes_no_grant.store(false, Ordering::SeqCst);
    renew(&mut story).expect("the newest grant is there");
    let stored = story.watcher.stored_grant.load(Ordering::SeqCst);
    assert_eq!(Some(stored), story.watcher.newest());
    story.end();
}

#[test]
fn a_new_sign_in_takes_the_place_of_a_rotated_grant_that_the_keychain_refused() {
    let mut story = Story::begin();
    story.take(&Step::SignIn { process: 0 });
    story.watcher.takes_no_grant.store(true, Ordering::SeqCst);
    renew(&mut story).expect_err("nothing can be stored");
    story.watcher.takes_no_grant.store(false, Ordering::SeqCst);
    story.take(&Step::SignIn { process: 0 });
    renew(&mut story).expect("the new sign-in works");
    let stored = story.watcher.stored_grant.load(Ordering::SeqCst);
    assert_eq!(Some(stored), story.watcher.newest());
    story.end();
}
