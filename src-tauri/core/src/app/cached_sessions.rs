//! What is at hand: sessions that lie in the keychain and can be handed out as they are.
//!
//! The part of the hand-out that programs wait for at every call of theirs. It knows no settings, no provider and no
//! network, so that a program which needs nothing else is small. Whatever takes more than that is `App`'s.

use std::sync::Arc;

use crate::account::Account;
use crate::activity::{ActivityEvent, ActivityKind, IssueLog};
use crate::credential::Session;
use crate::resource::Resource;
use crate::session::Sessions;
use crate::store::{Look, Store};
use crate::vault::Vault;
use crate::world::{Clock, Environment, Paths};

/// The door to what is at hand.
pub struct CachedSessions {
    clock: Arc<dyn Clock>,
    store: Store,
    sessions: Sessions,
    issued: IssueLog,
}

impl CachedSessions {
    /// Nothing is read before it is asked for.
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

    /// One look at the accounts; none when `App` has to do something about them first.
    pub fn look(&self) -> Option<Look> {
        Look::open(&self.store)
    }

    /// As `App::hand_out_for`, as long as nothing has to be done for it; else, and after any failure, none.
    pub async fn issue(&self, account: &Account, resource: &Resource, to: &str) -> Option<Session> {
        let session = self.sessions.fresh(account, resource).await.ok()??;
        let what = ActivityKind::handed_out(resource, to);
        let event = ActivityEvent::of(account, self.clock.now(), what);
        self.issued.add(&event).ok()?;
        Some(session)
    }
}
