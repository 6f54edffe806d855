//! Storing what a renewal brought: the rotated grant, then the session, then the row.
//!
//! An account that was signed out or in again meanwhile gets nothing. Old sessions of resources make room for new ones.

use super::{Sessions, record};
use crate::account::{Account, ResourceSession};
use crate::activity::ActivityKind;
use crate::credential::{Grant, Session};
use crate::error::{Code, Error, Result};
use crate::provider::Refreshed;
use crate::resource::Resource;
use crate::store::{Change, Intent};
use crate::vault::Record;

impl Sessions {
    /// Stores the rotated grant, then the session, then the row's times, unless the account was signed out meanwhile.
    pub(super) async fn publish(
        &self,
        account: &Account,
        resource: &Resource,
        refreshed: Refreshed,
    ) -> Result<Session> {
        self.store_rotated(account, refreshed.grant).await?;
        let mut session = refreshed.session;
        session.generation = account.generation;
        let is_current =
            |now: Option<&Account>| now.is_some_and(|now| now.generation == account.generation);
        if !is_current(self.0.store.account(&account.id)?.as_deref()) {
            return Err(signed_out());
        }
        let (record, now) = (record(account, resource), self.0.clock.now());
        if resource.identifier().is_none() {
            self.0.vault.write(&record, session.to_bytes()).await?;
        }
        self.0
            .store
            .change(|change| {
                let edited = change.edit(&account.id, |row| {
                    if !is_current(Some(row)) {
                        return Err(signed_out());
                    }
                    match resource {
                        Resource::Management => {
                            (row.session, row.renewal_failure) = (Some(session.times), None);
                        }
                        Resource::Named(identifier) => {
                            let known = row.resource_mut(identifier);
                            (known.session, known.renewal_failure) = (Some(session.times), None);
                        }
                    }
                    row.sign_in_end = refreshed.sign_in_end;
                    if let Some(identity) = refreshed.identity {
                        row.identity = identity;
                    }
                    self.make_room(change, row)
                });
                edited?.ok_or_else(signed_out)?;
                match resource {
                    Resource::Management => change.record(account, now, ActivityKind::Renewed),
                    Resource::Named(_) => Ok(()),
                }
            })
            .await?;
        // The name is stored before its secret, so that a sign-out finds the secret.
        if resource.identifier().is_some() {
            self.0.vault.write(&record, session.to_bytes()).await?;
            let cleaned = self.clean_up_locked(&account.grant).await;
            self.report_clean_up(cleaned.map(drop));
        }
        Ok(session)
    }

    /// Stores a grant that replaced the stored one. After a sign-out meanwhile, the process that removed the row
    /// waits for our lock and then removes the grant.
    pub(super) async fn store_rotated(
        &self,
        account: &Account,
        grant: Option<Grant>,
    ) -> Result<()> {
        let Some(grant) = grant else { return Ok(()) };
        let bytes = grant.to_bytes();
        self.unsaved().insert(account.grant.clone(), grant);
        self.0
            .vault
            .write(&Record::grant(&account.grant), bytes)
            .await?;
        self.unsaved().remove(&account.grant);
        Ok(())
    }

    /// Removes the resources whose sessions expire first, if there are too many, and notes their secrets.
    pub(super) fn make_room(&self, change: &Change<'_>, row: &mut Account) -> Result<()> {
        let most = row.identity.most_resources();
        while row.resources.len() > most {
            let ends = |(_, known): &(usize, &ResourceSession)| {
                known.session.map(|session| session.expires_at)
            };
            // The last one is the new one.
            let others = row.resources.iter().enumerate().take(most);
            let (index, _) = others.min_by_key(ends).expect("there are too many");
            let oldest = row.resources.remove(index);
            change.note(&Intent::Session {
                account: row.id.clone(),
                resource: oldest.resource.as_str().to_owned(),
                grant: row.grant.clone(),
            })?;
        }
        Ok(())
    }
}

fn signed_out() -> Error {
    Error::new(
        Code::SignInAgain,
        "The account was disconnected meanwhile. Connect it again to use it.",
    )
}
