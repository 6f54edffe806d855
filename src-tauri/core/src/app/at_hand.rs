//! What is at hand: sessions that lie in the keychain and can be handed out as they are.
//!
//! The part of the hand-out that programs wait for at every call of theirs. It knows no settings, no provider and no
//! network, so that a program which needs nothing else is small. Whatever takes more than that is `App`'s.

use std::sync::Arc;

use crate::account::Account;
use crate::activity::{Activity, What};
use crate::credential::Session;
use crate::error::Result;
use crate::resource::Resource;
use crate::session::Sessions;
use crate::store::{Book, Store};
use crate::vault::Vault;
use crate::world::{Clock, Paths};

/// The door to what is at hand.
pub struct AtHand {
    clock: Arc<dyn Clock>,
    store: Store,
    sessions: Sessions,
    activity: Activity,
}

impl AtHand {
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
    pub fn book(&self) -> Result<Arc<Book>> {
        self.store.read()
    }

    /// As `App::hand_out_for`, as long as nothing has to be done for it; else, and after any failure, none.
    pub async fn hand_out(
        &self,
        account: &Account,
        resource: &Resource,
        to: &str,
    ) -> Option<Session> {
        let session = self.sessions.fresh(account, resource).await.ok()??;
        self.activity
            .add(account, self.clock.now(), What::handed_out(resource, to))
            .ok()?;
        Some(session)
    }
}
