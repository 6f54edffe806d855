//! Storing a completed sign-in: secrets first, then the row, in one change with the rows that it replaces.
//!
//! What another process changed meanwhile is seen in that change, and a new duplicate refuses it.

use jiff::Timestamp;
use tokio::sync::Notify;

use super::duplicates::{Duplicates, OnDuplicate, duplicate, is_other};
use crate::account::{Account, AccountId, GrantKey, Identity, Refreshable};
use crate::activity::ActivityKind;
use crate::app::App;
use crate::app::aws::no_keys;
use crate::credential::Session;
use crate::error::Result;
use crate::import::FoundAccount;
use crate::provider::SignedIn;
use crate::random;
use crate::role::Source;
use crate::sign_in::SignInId;
use crate::store::{Change, Intent};

/// What storing a row came to.
struct StoredRow {
    account: AccountId,
    was_known: bool,
    removed: Option<Account>,
}

impl App {
    /// Stores a completed sign-in: secrets first, then the row. Once the duplicates are decided it is not cancelled.
    pub(super) async fn store_sign_in(
        &self,
        id: SignInId,
        mut signed_in: SignedIn,
        on_duplicate: OnDuplicate,
        found: Option<&FoundAccount>,
        cancel: &Notify,
    ) -> Result<(AccountId, bool)> {
        let duplicates = self
            .decide_duplicates(id, &signed_in, on_duplicate, cancel)
            .await?;
        signed_in.session.generation = random::generation();
        let grant = signed_in.account.identity.grant_key();
        let stored = self.store_row(signed_in, &duplicates, found).await;
        if stored.is_ok() {
            self.state().signed_in_here.insert(grant);
        }
        // Everything of a connected account is needed, so nothing is removed.
        self.sessions.clean_up_all().await;
        self.reload();
        let StoredRow {
            account,
            was_known,
            removed,
        } = stored?;
        if let Some(removed) = removed {
            let grant = self.sessions.finish_removal(&removed).await?;
            // A session at Identity Center is the user's, also of other programs.
            let grant = grant.filter(|_| !removed.identity.is_identity_center());
            self.finish_disconnecting(&removed, grant).await?;
        }
        Ok((account, was_known))
    }

    async fn store_row(
        &self,
        signed_in: SignedIn,
        duplicates: &Duplicates,
        found: Option<&FoundAccount>,
    ) -> Result<StoredRow> {
        let SignedIn {
            account,
            grant,
            session,
            target,
            accounts: _,
        } = signed_in;
        let key = self.key_of_grant(&account.identity, &grant).await;
        let secrets = self
            .sessions
            .write_sign_in(&account.identity, &key, &grant, &session)
            .await?;
        let now = self.world.clock.now();
        let change = |change: &Change<'_>| {
            let id = account.identity.account_id();
            let was_known = change.account(&id)?.is_some();
            // Another process may have connected one more since the user decided.
            let alike = change.with_label_of(&account.identity)?;
            let is_new = |row: &&Account| {
                is_other(row, &account.identity) && !duplicates.seen.contains(&row.id)
            };
            if let Some(new) = alike.iter().find(is_new).filter(|_| !was_known) {
                return Err(duplicate(&account.identity, new));
            }
            let what = match was_known {
                true => ActivityKind::SignedInAgain,
                false => ActivityKind::Connected,
            };
            let row = add_or_refresh(change, account, &key, &session, (target, found), now)?;
            change.record(&row, now, what)?;
            let removed = match &duplicates.replaced {
                Some(replaced) => change.remove(replaced)?,
                None => None,
            };
            if let Some(removed) = &removed {
                change.record(removed, now, ActivityKind::Disconnected)?;
            }
            secrets.settle(change)?;
            Ok(StoredRow {
                account: id,
                was_known,
                removed,
            })
        };
        self.store.change(change).await
    }
}

/// Adds a row, or refreshes the one that is there: what the user chose for it stays.
fn add_or_refresh(
    change: &Change<'_>,
    brought: Refreshable,
    grant: &GrantKey,
    session: &Session,
    (target, found): (Option<String>, Option<&FoundAccount>),
    now: Timestamp,
) -> Result<Account> {
    let (id, cloud) = (brought.identity.account_id(), brought.identity.cloud());
    // A new sign-in of the same user may have fixed the user's other rows; a tenant's own demand stays.
    for sibling in change.of_grant(grant)? {
        change.edit(&sibling, |sibling| {
            sibling.renewal_failure = sibling
                .renewal_failure
                .take()
                .filter(|failure| failure.challenge.is_some());
            for resource in &mut sibling.resources {
                resource.renewal_failure = None;
            }
            Ok(())
        })?;
    }
    if let Identity::Aws {
        external_id,
        source,
        ..
    } = &brought.identity
    {
        // The role keeps its External ID from now on.
        change.remove_pending_role(external_id)?;
        require_keys(change, source)?;
    }
    let known = change.account(&id)?;
    let is_new = known.is_none();
    let mut row = known.unwrap_or_else(|| Account {
        target,
        ..Account::new(brought.identity.clone(), now)
    });
    if row.grant != *grant {
        // Other rows may still need the old one. If none does, it is removed.
        change.note(&Intent::Grant(row.grant.clone()))?;
        row.grant.clone_from(grant);
    }
    if let Some(found) = found.filter(|_| is_new) {
        found.dress(&mut row);
    }
    row.refresh(brought, session.times, session.generation);
    change.put(&row)?;
    // The first account of a cloud is in use.
    if is_new && change.active(cloud)?.is_none() {
        change.set_active(cloud, &id)?;
    }
    Ok(row)
}

/// Refuses a role whose typed access keys were removed while it was connected.
fn require_keys(change: &Change<'_>, source: &Source) -> Result<()> {
    match source.access_key_id() {
        Some(keys) if !change.has_access_keys(keys)? => Err(no_keys(keys)),
        _ => Ok(()),
    }
}
