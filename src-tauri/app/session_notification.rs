//! Notifications before a session expires that cannot renew automatically, once for each session.
//!
//! Which ones are due is a pure function of the Snapshot. The action "Sign in again" starts that sign-in. There is no
//! second notification: the row, the banner and the tray keep showing it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use mcm_core::account::{AccountId, Cloud};
use mcm_core::app::App;
#[cfg(target_os = "linux")]
use mcm_core::app::Connect;
use mcm_core::snapshot::{Snapshot, Status};
use mcm_core::words;
use mcm_core::world::Clock;
use notify_rust::Notification;
#[cfg(target_os = "linux")]
use tauri::Manager as _;
use tauri::{AppHandle, async_runtime};

#[cfg(target_os = "linux")]
use crate::window::{OpenRequests, Place};

const SIGN_IN: &str = "sign-in";

/// A notification: an account whose session will expire without renewal.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Notice {
    account: AccountId,
    cloud: Cloud,
    name: String,
    left: SignedDuration,
}

/// The last announced session of each account.
#[derive(Default)]
struct Announced(HashMap<AccountId, Timestamp>);

impl Announced {
    /// The notifications that are due, once for each session.
    fn due(&mut self, snapshot: &Snapshot, now: Timestamp) -> Vec<Notice> {
        let mut due = Vec::new();
        for account in snapshot
            .accounts
            .iter()
            .filter(|account| account.status == Status::SignInAgain)
        {
            let Some(session) = account.session.filter(|session| session.expires_at > now) else {
                continue;
            };
            if self.0.insert(account.id.clone(), session.expires_at) == Some(session.expires_at) {
                continue;
            }
            due.push(Notice {
                account: account.id.clone(),
                cloud: account.cloud,
                name: account.distinct_name(),
                left: session.expires_at.duration_since(now),
            });
        }
        due
    }
}

/// Shows due notifications as long as the app runs.
pub(crate) async fn follow(app: AppHandle, core: Arc<App>, clock: Arc<dyn Clock>) {
    let mut snapshots = core.watch();
    let mut announced = Announced::default();
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        for notice in announced.due(&snapshot, clock.now()) {
            // Turned off, it counts as announced: turning it on shows nothing old.
            if !snapshot.preferences.notify {
                continue;
            }
            async_runtime::spawn_blocking({
                let app = app.clone();
                move || show(&app, &notice)
            });
        }
        if snapshots.changed().await.is_err() {
            return;
        }
    }
}

/// Shows a notification and waits for the user's choice, which may not come before they log out.
fn show(app: &AppHandle, notice: &Notice) {
    let mut notification = Notification::new();
    notification
        .appname("Multi-Cloud Manager")
        .icon("multi-cloud-manager")
        .summary(&format!("{} needs you to sign in", notice.name))
        .body(&format!(
            "Its session ends in {} and cannot be renewed.",
            words::duration(notice.left)
        ))
        .action("default", "Open")
        .action(SIGN_IN, "Sign in again");
    // The name under which Windows shows it, and which the installer gives to the app's entry in the start menu. A build
    // that is not installed has no such entry, and is shown as PowerShell's.
    #[cfg(all(windows, not(debug_assertions)))]
    notification.app_id(mcm_core::world::APP_ID);
    let Ok(shown) = notification.show().inspect_err(|error| {
        tracing::warn!(%error, "the desktop shows no notifications");
    }) else {
        return;
    };
    #[cfg(target_os = "linux")]
    {
        // Handled after the wait, which runs in a runtime of its own.
        let mut pressed = String::new();
        shown.wait_for_action(|action| action.clone_into(&mut pressed));
        answer(app, notice, &pressed);
    }
    // On other systems a notification has no actions here: the row and the tray offer the sign-in.
    #[cfg(not(target_os = "linux"))]
    let _ = (app, shown);
}

#[cfg(target_os = "linux")]
fn answer(app: &AppHandle, notice: &Notice, action: &str) {
    if action != SIGN_IN && action != "default" {
        return;
    }
    app.state::<OpenRequests>()
        .request(Place::Account(notice.account.clone()));
    if action == SIGN_IN {
        let request = Connect {
            account: Some(notice.account.clone()),
            ..Connect::new(notice.cloud)
        };
        let started = async_runtime::block_on(async { app.state::<Arc<App>>().connect(request) });
        if let Err(error) = started {
            tracing::info!(
                code = error.code().as_str(),
                "the sign-in of a notification did not start"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use mcm_core::account::SessionTimes;

    use super::*;
    use crate::fixtures::{account, at, snapshot};

    fn one(status: Status, ends: Option<i64>) -> Snapshot {
        let mut account = account(Cloud::Azure, 1, "Contoso");
        account.status = status;
        account.session = ends.map(|ends| SessionTimes {
            issued_at: at(-3000),
            expires_at: at(ends),
        });
        snapshot(vec![account])
    }

    #[test]
    fn a_session_that_cannot_renew_is_announced_once_before_it_expires() {
        let mut announced = Announced::default();
        let [notice] = &announced.due(&one(Status::SignInAgain, Some(540)), at(0))[..] else {
            panic!("one notice")
        };
        assert_eq!(words::duration(notice.left), "9 min");
        assert_eq!(
            announced.due(&one(Status::SignInAgain, Some(540)), at(60)),
            [],
            "silent after that"
        );
        let next = announced.due(&one(Status::SignInAgain, Some(4000)), at(3000));
        assert_eq!(
            next.len(),
            1,
            "the next session that cannot renew is announced again"
        );
    }

    #[test]
    fn sessions_that_renew_and_expired_sessions_are_not_announced() {
        for (status, ends) in [
            (Status::Connected, Some(60)),
            (Status::Offline, None),
            (Status::SignInAgain, None),
            (Status::SignInAgain, Some(-60)),
        ] {
            assert_eq!(
                Announced::default().due(&one(status, ends), at(0)),
                [],
                "{status:?} {ends:?}"
            );
        }
    }
}
