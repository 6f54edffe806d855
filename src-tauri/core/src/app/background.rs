//! Background tasks: renewing ahead of time, and following the changes of other processes.
//!
//! They run only in a process that keeps running: the app with its window or tray, not `mcm`.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::App;
use crate::account::{Account, AccountId, RenewalFailure};
use crate::file;
use crate::resource::Resource;
use crate::session::{RefreshMode, renewal_planned};

/// The number of simultaneous renewals when many accounts wake together.
const AT_ONCE: usize = 8;
/// The delay before an account is tried again after a failure that is not stored with it, such as a locked keychain.
const HOLD: Duration = Duration::from_secs(30);
/// The shortest time between two loads of the lists of targets.
const LIST_LIFE: Duration = Duration::from_secs(24 * 3600);
/// The pause after a task ended unexpectedly, so that it does not fail in a loop.
const RESTART: Duration = Duration::from_secs(5);
/// The longest time between two looks at the plan.
const LONGEST_NAP: Duration = Duration::from_secs(60);

impl App {
    /// Renews ahead of time and follows `accounts.db` and the keychain, until the app is dropped.
    pub fn start_background_tasks(&self) {
        let vault = self.world.vault.clone();
        // The Snapshot shows the keychain's state; an unusable keychain does not stop the start.
        tokio::spawn(async move { drop(vault.check().await) });
        tokio::spawn(clean_up(self.this.clone()));
        let this = &self.this;
        keep_running("following the accounts", this.clone(), follow_accounts);
        keep_running("following the keychain", this.clone(), follow_keychain);
        keep_running("renewing", this.clone(), renew_ahead);
    }
}

/// Starts a task that ends with the app, and restarts it if a defect of ours ended it earlier.
fn keep_running<F: Future<Output = ()> + Send + 'static>(
    name: &'static str,
    app: Weak<App>,
    task: impl Fn(Weak<App>) -> F + Send + 'static,
) {
    tokio::spawn(async move {
        while tokio::spawn(task(app.clone())).await.is_err() {
            tracing::error!("{name} stopped unexpectedly and was restarted");
            let Some(clock) = app.upgrade().map(|app| app.world.clock.clone()) else {
                return;
            };
            clock.sleep_until(clock.now() + RESTART).await;
        }
    });
}

impl App {
    /// Removes what killed processes left: secrets that no account needs, and incomplete files.
    pub async fn clean_up(&self) {
        let now = self.world.clock.now();
        for folder in [&self.world.paths.data, &self.world.paths.config] {
            file::sweep_temporary(folder, now);
        }
        self.sessions.clean_up_all().await;
        if let Err(error) = self.store.take_in_activity() {
            tracing::warn!(
                code = error.code().as_str(),
                "the activity could not be taken in"
            );
        }
    }
}

async fn clean_up(app: Weak<App>) {
    if let Some(app) = app.upgrade() {
        app.clean_up().await;
    }
}

async fn follow_accounts(app: Weak<App>) {
    let Some(path) = app.upgrade().map(|app| app.store.path().to_owned()) else {
        return;
    };
    let mut watch = file::Watch::start(path);
    let mut last = None;
    loop {
        {
            let Some(app) = app.upgrade() else { return };
            let now = app.store.revision().ok();
            if now != last {
                last = now;
                app.follow();
            }
        }
        watch.changed().await;
    }
}

async fn follow_keychain(app: Weak<App>) {
    let Some(mut keychain) = app.upgrade().map(|app| app.world.vault.watch()) else {
        return;
    };
    while keychain.changed().await.is_ok() {
        let Some(app) = app.upgrade() else { return };
        app.publish();
    }
}

async fn renew_ahead(app: Weak<App>) {
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    let mut held: HashMap<AccountId, Timestamp> = HashMap::new();
    loop {
        let (clock, mut snapshots, wake) = {
            let Some(app) = app.upgrade() else { return };
            let now = app.world.clock.now();
            let snapshots = app.watch();
            let (paused, stored, held_clouds) = {
                let mut state = app.state();
                state.held_clouds.retain(|_, until| *until > now);
                (
                    state.paused,
                    state.stored.clone(),
                    state.held_clouds.clone(),
                )
            };
            held.retain(|_, until| *until > now);
            let mut wake = now + LONGEST_NAP;
            for account in stored.accounts.iter().filter(|_| !paused) {
                let failure = app.sessions.failure(account, &Resource::Management);
                let Some(mut planned) = planned(account, failure) else {
                    continue;
                };
                // After too many requests for one account, the cloud is not asked for the others either.
                for until in [held.get(&account.id), held_clouds.get(&account.cloud())]
                    .into_iter()
                    .flatten()
                {
                    planned = planned.max(*until);
                }
                if planned > now {
                    wake = wake.min(planned);
                    continue;
                }
                held.insert(account.id.clone(), now + HOLD);
                tokio::spawn(renew(
                    Arc::downgrade(&app),
                    gate.clone(),
                    account.id.clone(),
                ));
            }
            (app.world.clock.clone(), snapshots, wake)
        };
        tokio::select! {
            () = clock.sleep_until(wake) => {}
            changed = snapshots.changed() => if changed.is_err() { return },
        }
    }
}

async fn renew(app: Weak<App>, gate: Arc<Semaphore>, id: AccountId) {
    let Ok(_place) = gate.acquire().await else {
        return;
    };
    let Some(app) = app.upgrade() else { return };
    // The cloud may have asked for a pause since this account was planned.
    let Ok(cloud) = app.account(&id).map(|account| account.cloud()) else {
        return;
    };
    let now = app.world.clock.now();
    let is_held = app
        .state()
        .held_clouds
        .get(&cloud)
        .is_some_and(|until| *until > now);
    if is_held {
        return;
    }
    let renewed = app
        .sessions
        .session(
            &app.providers(),
            &id,
            &Resource::Management,
            RefreshMode::Ahead,
        )
        .await;
    app.note(Some(cloud), renewed.as_ref().err());
    if let Err(error) = &renewed
        && let Some(wait) = error.retry_after()
    {
        let until = app.world.clock.now() + wait;
        app.state().held_clouds.insert(cloud, until);
    }
    // The list is loaded with the new session, so a quiet account sends both requests together.
    let is_old = |account: &Account, now: Timestamp| {
        account
            .targets_read_at
            .is_none_or(|read_at| now.duration_since(read_at).unsigned_abs() >= LIST_LIFE)
    };
    if renewed.is_ok()
        && app
            .account(&id)
            .is_ok_and(|account| is_old(&account, app.world.clock.now()))
    {
        // The row shows why a list could not be loaded.
        let _ = app.read_targets(&id).await;
    }
}

/// The time of the account's next renewal; never while only the user can help.
fn planned(account: &Account, failure: Option<&RenewalFailure>) -> Option<Timestamp> {
    let planned = account.session.map_or(Timestamp::MIN, |session| {
        renewal_planned(account.cloud(), &account.id, &session)
    });
    match failure {
        Some(renewal_failure) => renewal_failure.not_before.map(|until| planned.max(until)),
        None => Some(planned),
    }
}
