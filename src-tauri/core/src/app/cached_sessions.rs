//! Cached sessions: those in the keychain that can be issued as they are.
//!
//! Programs wait for this part at every call. It has no settings, no provider and no network, so that a program which
//! needs nothing else is small. `App` does everything else.

use std::sync::Arc;

use crate::account::Account;
use crate::activity::{ActivityEvent, ActivityKind, IssueLog};
use crate::credential::Session;
use crate::resource::Resource;
use crate::session::Sessions;
use crate::store::{Look, Store};
use crate::vault::Vault;
use crate::world::{Clock, Environment, Paths};

/// Issues cached sessions.
pub struct CachedSessions {
    clock: Arc<dyn Clock>,
    store: Store,
    sessions: Sessions,
    issued: IssueLog,
}

impl CachedSessions {
    /// Nothing is read before a request.
    pub fn open(paths: &Paths, clock: Arc<dyn Clock>, vault: Vault) -> Self {
        let store = Store::in_folder(&paths.data);
        let locks = paths.data.join("locks");
        // It renews nothing, so it meets no failures.
        let nothing = Environment::default();
        let sessions = Sessions::new(clock.clone(), vault, store.clone(), locks, nothing, || {});
        Self {
            clock,
            store,
            sessions,
            issued: IssueLog::in_folder(&paths.data),
        }
    }

    /// Reads the accounts once; none when `App` has to act on them first.
    pub fn look(&self) -> Option<Look> {
        Look::open(&self.store)
    }

    /// As `App::issue_for`, if no renewal is needed; otherwise, and after any failure, none.
    pub async fn issue(&self, account: &Account, resource: &Resource, to: &str) -> Option<Session> {
        self.issue_in(account, resource, to, None).await
    }

    /// As `issue`, in an environment, which the activity log names.
    pub async fn issue_in(
        &self,
        account: &Account,
        resource: &Resource,
        to: &str,
        environment: Option<&str>,
    ) -> Option<Session> {
        let session = self.sessions.fresh(account, resource).await.ok()??;
        let what = ActivityKind::handed_out(resource, to).in_environment(environment);
        let event = ActivityEvent::of(account, self.clock.now(), what);
        self.issued.add(&event).ok()?;
        Some(session)
    }
}
