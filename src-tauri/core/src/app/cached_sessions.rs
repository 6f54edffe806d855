//! What is at hand: sessions that lie in the keychain and can be handed out as they are.
//!
//! The part of the hand-out that programs wait for at every call of theirs. It knows no settings, no provider and no
//! network, so that a program which needs nothing else is small. Whatever takes more than that is `App`'s.

use std::sync::Arc;

use crate::account::Account;
use crate::activity::{Activity, ActivityKind};
use crate::credential::Session;
use crate::error::Result;
use crate::resource::Resource;
use crate::session::Sessions;
use crate::store::{Accounts, Store};
use crate::vault::Vault;
use crate::world::{Clock, Paths};

/// The door to what is at hand.
pub struct CachedSessions {
    clock: Arc<dyn Clock>,
    store: Store,
    sessions: Sessions,
    activity: Activity,
}

impl CachedSessions {
    /// Nothing is read before it is asked for.
    pub fn open(paths: &Paths, clock: Arc<dyn Clock>, vault: Vault) -> Self {
        let (store, activity) = (
            Store::in_folder(&paths.data),
            Activity::in_folder(&paths.data),
        );
        let locks = paths.data.join("locks");
        let sessions = Sessions::new(
            clock.clone(),
            vault,
            store.clone(),
            activity.clone(),
            locks,
            || {},
        );
        Self {
            clock,
            store,
            sessions,
            activity,
        }
    }

    /// The connected accounts.
    ///
    /// # Errors
    /// `storage-unreadable`, `storage-failed`.
    pub fn stored(&self) -> Result<Arc<Accounts>> {
        self.store.read()
    }

    /// As `App::hand_out_for`, as long as nothing has to be done for it; else, and after any failure, none.
    pub async fn issue(&self, account: &Account, resource: &Resource, to: &str) -> Option<Session> {
        let session = self.sessions.fresh(account, resource).await.ok()??;
        self.activity
            .add(
                account,
                self.clock.now(),
                ActivityKind::handed_out(resource, to),
            )
            .ok()?;
        Some(session)
    }
}
