//! The secrets of accounts in the keychain: how a sign-in writes them, and how what no row needs is removed.
//!
//! A secret is noted in `accounts.db` before it is written or removed, so that a killed process leaves none that nothing
//! finds. All of it happens under the grant's lock. How a renewal stores its result is in `session/publish.rs`.

use std::time::Duration;

use super::{GRANT_LOCK_TIMEOUT, Sessions};
use crate::account::{Account, AccountId, GrantKey, Identity};
use crate::activity::ActivityKind;
use crate::credential::{AccessKeys, Grant, Session};
use crate::error::{Code, Error, Result};
use crate::file;
use crate::resource::Resource;
use crate::store::{Change, Intent, not_found};
use crate::vault::Record;

/// Secrets that are noted and in the keychain, and that no row needs yet. Their lock is held until this is dropped.
#[must_use = "the row that needs the secrets is still to be stored"]
pub struct NewSecrets {
    intents: Vec<Intent>,
    _lock: file::Lock,
}

impl NewSecrets {
    /// Removes the note, in the change that stores the row.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn settle(&self, change: &Change<'_>) -> Result<()> {
        self.intents
            .iter()
            .try_for_each(|intent| change.settle(intent))
    }
}

impl Sessions {
    /// Puts what a sign-in gave into the keychain: noted first, then the grant, then the session. The row comes after
    /// that, in a change that settles the secrets.
    ///
    /// # Errors
    /// `sign-in-rejected` for what is no credential; `keychain-*`, `storage-*`, `busy`. After those, and
    /// when no row is stored, `clean_up_all` removes what was written.
    pub async fn write_sign_in(
        &self,
        identity: &Identity,
        key: &GrantKey,
        grant: &Grant,
        session: &Session,
    ) -> Result<NewSecrets> {
        if !session.credential.has_its_form() {
            let message = format!(
                "{} returned a credential that cannot be one, so nothing was stored. Start the sign-in again.",
                identity.cloud().title()
            );
            return Err(Error::new(Code::SignInRejected, message));
        }
        let account = identity.account_id();
        let lock = self.lock(key).await?;
        let resource = Resource::Management.key();
        let intents = vec![
            Intent::Grant(key.clone()),
            Intent::Session {
                account: account.clone(),
                resource: resource.to_owned(),
                grant: key.clone(),
            },
        ];
        let secrets = self.note(intents, lock).await?;
        let vault = &self.0.vault;
        vault.write(&Record::grant(key), grant.to_bytes()).await?;
        self.unsaved().remove(key);
        vault
            .write(&Record::session(&account, resource), session.to_bytes())
            .await?;
        Ok(secrets)
    }

    /// Notes secrets that the keychain is about to hold, so that a killed process leaves none that cannot be found.
    pub(super) async fn note(&self, intents: Vec<Intent>, lock: file::Lock) -> Result<NewSecrets> {
        let note = |change: &Change<'_>| intents.iter().try_for_each(|intent| change.note(intent));
        self.0.store.change(note).await?;
        Ok(NewSecrets {
            intents,
            _lock: lock,
        })
    }

    /// Removes the account: its row and the note of its secrets at once, then the secrets. Returns the removed
    /// account and its grant, if no other row has it, for revoking it at the provider.
    ///
    /// # Errors
    /// `not-found`; `keychain-*` or `busy` when a secret could not be removed yet: the row is removed anyway, and the
    /// secret later.
    pub async fn remove(&self, id: &AccountId) -> Result<(Account, Option<Grant>)> {
        let at = self.0.clock.now();
        let remove = |change: &Change<'_>| {
            let account = change.remove(id)?.ok_or_else(|| not_found(id))?;
            change.record(&account, at, ActivityKind::Disconnected)?;
            Ok(account)
        };
        let account = self.0.store.change(remove).await?;
        let grant = self.finish_removal(&account).await?;
        Ok((account, grant))
    }

    /// Removes a removed row's secrets from the keychain, and returns its grant, if no other row has it.
    ///
    /// # Errors
    /// `keychain-*` or `busy`: the rest is removed later.
    pub async fn finish_removal(&self, account: &Account) -> Result<Option<Grant>> {
        let grant = self.clean_up(&account.grant).await?;
        self.clean_up_all().await;
        Ok(grant)
    }

    /// Removes a grant's noted secrets that no row needs. The grant's lock comes first: a running renewal or sign-in
    /// ends before, and its result is seen. Returns the grant when it was removed.
    async fn clean_up(&self, grant: &GrantKey) -> Result<Option<Grant>> {
        let _lock = self.lock(grant).await?;
        self.clean_up_locked(grant).await
    }

    pub(super) async fn clean_up_locked(&self, grant: &GrantKey) -> Result<Option<Grant>> {
        let (mut settled, mut removed, mut failure) = (Vec::new(), None, None);
        for (intent, is_needed) in self.0.store.intents(Some(grant))? {
            if !is_needed {
                match self.remove_secret(&intent).await {
                    Ok(read) => removed = removed.or(read),
                    Err(error) => {
                        failure.get_or_insert(error);
                        continue;
                    }
                }
            }
            settled.push((intent, is_needed));
        }
        self.settle(&settled).await?;
        failure.map_or(Ok(removed), Err)
    }

    /// Removes the notes of entries, each with whether an account needed it when it was looked at. An account can go
    /// without its grant's lock, so that is decided again here.
    async fn settle(&self, intents: &[(Intent, bool)]) -> Result<()> {
        if intents.is_empty() {
            return Ok(());
        }
        let settle = |change: &Change<'_>| {
            intents.iter().try_for_each(|(intent, was_needed)| {
                if *was_needed {
                    change.settle_if_needed(intent)
                } else {
                    change.settle(intent)
                }
            })
        };
        self.0.store.change(settle).await
    }

    /// Removes one secret that no row needs. Returns it if it was a grant.
    async fn remove_secret(&self, intent: &Intent) -> Result<Option<Grant>> {
        let vault = &self.0.vault;
        match intent {
            Intent::Grant(key) => {
                let record = Record::grant(key);
                // One that cannot be read is removed without being revoked.
                let bytes = vault.read(&record).await.ok().flatten();
                let grant = bytes.and_then(|bytes| Grant::from_bytes(&bytes).ok());
                self.unsaved().remove(key);
                vault.delete(&record).await?;
                Ok(grant)
            }
            Intent::Session {
                account, resource, ..
            } => vault
                .delete(&Record::session(account, resource))
                .await
                .map(|()| None),
            Intent::AccessKeys(id) => vault.delete(&Record::access_keys(id)).await.map(|()| None),
        }
    }

    /// Removes what killed sign-ins and interrupted sign-outs left in the keychain. It skips what another process
    /// works on, and retries failures the next time.
    pub async fn clean_up_all(&self) {
        let intents = match self.0.store.intents(None) {
            Ok(intents) => intents,
            Err(error) => {
                tracing::warn!(
                    code = error.code().as_str(),
                    "left-over secrets could not be listed"
                );
                return;
            }
        };
        let mut grants = Vec::new();
        for (intent, _) in intents {
            match intent {
                Intent::AccessKeys(id) => {
                    self.report_clean_up(self.clean_up_access_keys(&id).await);
                }
                Intent::Grant(grant) | Intent::Session { grant, .. }
                    if !grants.contains(&grant) =>
                {
                    grants.push(grant);
                }
                Intent::Grant(_) | Intent::Session { .. } => {}
            }
        }
        for grant in grants {
            let path = self.lock_path(&grant);
            let cleaned = match file::lock(&path, Duration::ZERO).await {
                Ok(_lock) => self.clean_up_locked(&grant).await.map(drop),
                Err(error) if error.code() == Code::Busy => Ok(()),
                Err(error) => Err(error),
            };
            self.report_clean_up(cleaned);
        }
    }

    pub(super) fn report_clean_up(&self, cleaned: Result<()>) {
        if let Err(error) = cleaned {
            tracing::warn!(
                code = error.code().as_str(),
                "a left-over secret could not be removed yet"
            );
        }
    }

    /// Puts access keys into the keychain, noted first. Their name comes after that, in a change that settles them.
    ///
    /// # Errors
    /// `keychain-*`, `storage-*`, `busy`.
    pub async fn write_access_keys(&self, keys: &AccessKeys) -> Result<NewSecrets> {
        let record = Record::access_keys(&keys.access_key_id);
        let lock = self.lock_access_keys(&record).await?;
        let intent = Intent::AccessKeys(keys.access_key_id.clone());
        let secrets = self.note(vec![intent], lock).await?;
        self.0.vault.write(&record, keys.to_bytes()).await?;
        Ok(secrets)
    }

    /// Removes noted access keys without a name from the keychain.
    ///
    /// # Errors
    /// `keychain-*`, `storage-*`, `busy`: they are removed later.
    pub async fn clean_up_access_keys(&self, id: &str) -> Result<()> {
        let _lock = self.lock_access_keys(&Record::access_keys(id)).await?;
        let wanted = Intent::AccessKeys(id.to_owned());
        let known = self.0.store.intents(None)?;
        let Some((intent, is_needed)) = known.into_iter().find(|(intent, _)| *intent == wanted)
        else {
            return Ok(());
        };
        if !is_needed {
            self.remove_secret(&intent).await?;
        }
        self.settle(&[(intent, is_needed)]).await
    }

    async fn lock_access_keys(&self, record: &Record) -> Result<file::Lock> {
        let path = self.0.locks.join(format!("{}.lock", record.user()));
        file::lock(&path, GRANT_LOCK_TIMEOUT).await
    }
}
