//! The catalogue of a sign-in to AWS IAM Identity Center: every account and role that is assigned to the user.
//!
//! The accounts come first, then the roles of each, within the rate limit. What was read is stored every few seconds, so
//! that the list can be used meanwhile, and a reading that was cancelled or cut off goes on where it ended.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::App;
use super::targets::Read;
use crate::account::{Account, AccountId, OrganizationAccount, Target};
use crate::aws_files::SharedFile;
use crate::credential::Session;
use crate::error::{Code, Error, Result};
use crate::provider::aws::{CenterAccount, FoundPortal, portals_in_config};
use crate::resource::{Identifier, Resource};
use crate::session::RefreshMode;
use crate::snapshot::ReadingAccounts;
use crate::store::not_found;

/// How many accounts are asked for at once. The rate limit decides how often.
const AT_ONCE: usize = 8;
/// How often what was read is stored.
const STORE_EVERY: Duration = Duration::from_secs(2);
/// How long a reading that was cut off can be gone on with.
const RESUME_TIME: Duration = Duration::from_secs(3600);

/// What is known by now.
struct Catalogue {
    accounts: Vec<OrganizationAccount>,
    roles: HashMap<String, Vec<Identifier>>,
}

impl Catalogue {
    /// Starts with the accounts as they are today, and the roles as they were.
    fn new(account: &Account, listed: Vec<CenterAccount>, now: Timestamp) -> Self {
        let is_resumable = |read_at: &Timestamp| {
            account.targets_read_at.is_none_or(|whole| *read_at > whole)
                && *read_at <= now
                && now.duration_since(*read_at).unsigned_abs() < RESUME_TIME
        };
        let read_at = |id: &str| {
            let known = account
                .organization
                .iter()
                .find(|known| known.account_id == id);
            known
                .and_then(|known| known.roles_read_at)
                .filter(is_resumable)
        };
        let mut accounts: Vec<OrganizationAccount> = listed
            .into_iter()
            .map(|CenterAccount { id, name }| OrganizationAccount {
                roles_read_at: read_at(&id),
                account_id: id,
                name,
                state: None,
            })
            .collect();
        accounts.sort_by_cached_key(|account| {
            (account.name.to_lowercase(), account.account_id.clone())
        });
        let mut seen = HashSet::new();
        accounts.retain(|account| seen.insert(account.account_id.clone()));
        let mut roles: HashMap<String, Vec<Identifier>> = HashMap::new();
        for pair in account
            .targets
            .iter()
            .filter_map(|target| Identifier::parse_pair(&target.id))
        {
            if let Some((account_id, _)) = pair.pair() {
                roles.entry(account_id.to_owned()).or_default().push(pair);
            }
        }
        Self { accounts, roles }
    }

    fn unread(&self) -> Vec<String> {
        let unread = self
            .accounts
            .iter()
            .filter(|account| account.roles_read_at.is_none());
        unread.map(|account| account.account_id.clone()).collect()
    }

    fn add(&mut self, account_id: &str, mut roles: Vec<Identifier>, now: Timestamp) {
        roles.sort_by_cached_key(|pair| pair.as_str().to_lowercase());
        roles.dedup();
        self.roles.insert(account_id.to_owned(), roles);
        let mut accounts = self.accounts.iter_mut();
        if let Some(account) = accounts.find(|account| account.account_id == account_id) {
            account.roles_read_at = Some(now);
        }
    }

    fn targets(&self) -> Vec<Target> {
        let of_account = |account: &OrganizationAccount| {
            let roles = self
                .roles
                .get(&account.account_id)
                .cloned()
                .unwrap_or_default();
            let name = account.name.clone();
            roles.into_iter().map(move |pair| target(&pair, &name))
        };
        self.accounts.iter().flat_map(of_account).collect()
    }
}

/// A role as a target: by the account's name and its own.
fn target(pair: &Identifier, account_name: &str) -> Target {
    let role = pair.pair().map_or("", |(_, role)| role);
    Target {
        id: pair.as_str().to_owned(),
        name: format!("{account_name} / {role}"),
        state: None,
        parent: Some(account_name.to_owned()),
    }
}

/// The portal's session that all calls of one reading use, and how often it was renewed.
struct PortalSession {
    session: Session,
    renewals: u32,
}

async fn current(portal: &Mutex<PortalSession>) -> (Session, u32) {
    let portal = portal.lock().await;
    (portal.session.clone(), portal.renewals)
}

impl App {
    /// The access portals that profiles of AWS's config file name. No token is read.
    pub fn found_portals(&self) -> Vec<FoundPortal> {
        portals_in_config(&SharedFile::config(&self.world.environment))
    }

    /// Reads every account and role of a sign-in to Identity Center.
    pub(super) async fn read_catalogue(&self, account: &Account) -> Result<Read> {
        let id = &account.id;
        let portal = Mutex::new(PortalSession {
            session: self.portal_session(id, RefreshMode::Fresh).await?,
            renewals: 0,
        });
        let listed = self.listed_accounts(account, &portal).await?;
        let now = self.world.clock.now();
        let mut catalogue = Catalogue::new(account, listed, now);
        self.store_part(id, &catalogue).await?;
        let mut stored_at = Instant::now();
        let mut unread = catalogue.unread().into_iter();
        let mut reading = FuturesUnordered::new();
        let mut failure = None;
        loop {
            while reading.len() < AT_ONCE
                && let Some(account_id) = unread.next()
            {
                reading.push(self.listed_roles(account, &portal, account_id));
            }
            let Some((account_id, roles)) = reading.next().await else {
                break;
            };
            match roles {
                Ok(roles) => catalogue.add(&account_id, roles, self.world.clock.now()),
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
            if stored_at.elapsed() >= STORE_EVERY {
                self.store_part(id, &catalogue).await?;
                stored_at = Instant::now();
            }
        }
        drop(reading);
        if let Some(error) = failure {
            self.store_part(id, &catalogue).await?;
            return Err(error);
        }
        Ok(Read {
            targets: catalogue.targets(),
            organization: Some(catalogue.accounts),
            before: Some(account.targets.clone()),
        })
    }

    /// Reads the roles of one account again, when one of them was refused.
    pub(super) async fn read_account_roles(&self, id: &AccountId, account_id: &str) -> Result<()> {
        let account = self.account(id)?;
        let session = self.portal_session(id, RefreshMode::Fresh).await?;
        let aws = self.providers().aws().clone();
        let roles = aws.center_roles(&account, &session, account_id).await?;
        let now = self.world.clock.now();
        self.edit(id, |row| {
            let known = row
                .organization
                .iter_mut()
                .find(|known| known.account_id == account_id);
            let name = known.map_or_else(
                || account_id.to_owned(),
                |known| {
                    known.roles_read_at = Some(now);
                    known.name.clone()
                },
            );
            let is_theirs = |target: &Target| target.id.starts_with(&format!("{account_id}/"));
            let known: HashSet<String> =
                row.targets.iter().map(|target| target.id.clone()).collect();
            let still: HashSet<&str> = roles.iter().map(Identifier::as_str).collect();
            row.targets
                .retain(|target| !is_theirs(target) || still.contains(target.id.as_str()));
            let new = roles.iter().filter(|pair| !known.contains(pair.as_str()));
            row.targets.extend(new.map(|pair| target(pair, &name)));
            Ok(())
        })
        .await
    }

    /// Pins a target or takes the pin away. A pinned target stays when it is no longer listed.
    ///
    /// # Errors
    /// `not-found` for a target that the account does not have, `storage-*`.
    pub async fn pin_target(&self, id: &AccountId, target: &str, pinned: bool) -> Result<()> {
        self.edit(id, |account| {
            let is_known = account.find_target(target).is_some();
            account.pinned.retain(|known| known != target);
            if !pinned {
                return Ok(());
            }
            if !is_known {
                let message = format!(
                    "{} has no target \"{}\". Refresh its targets.",
                    account.name(),
                    crate::text::shown(target)
                );
                return Err(Error::new(Code::NotFound, message));
            }
            account.pinned.push(target.to_owned());
            Ok(())
        })
        .await
    }

    async fn portal_session(&self, id: &AccountId, mode: RefreshMode) -> Result<Session> {
        self.sessions
            .session(&self.providers(), id, &Resource::Management, mode)
            .await
    }

    async fn listed_accounts(
        &self,
        account: &Account,
        portal: &Mutex<PortalSession>,
    ) -> Result<Vec<CenterAccount>> {
        let aws = self.providers().aws().clone();
        let (session, renewals) = current(portal).await;
        match aws.center_accounts(account, &session).await {
            Err(error) if error.code() == Code::SignInAgain => {
                let session = self.renew_portal(account, portal, renewals, error).await?;
                aws.center_accounts(account, &session).await
            }
            listed => listed,
        }
    }

    async fn listed_roles(
        &self,
        account: &Account,
        portal: &Mutex<PortalSession>,
        account_id: String,
    ) -> (String, Result<Vec<Identifier>>) {
        let aws = self.providers().aws().clone();
        let (session, renewals) = current(portal).await;
        let listed = match aws.center_roles(account, &session, &account_id).await {
            Err(error) if error.code() == Code::SignInAgain => {
                match self.renew_portal(account, portal, renewals, error).await {
                    Ok(session) => aws.center_roles(account, &session, &account_id).await,
                    Err(error) => Err(error),
                }
            }
            listed => listed,
        };
        (account_id, listed)
    }

    /// Renews the session that the portal does not know, once for all calls of a reading.
    async fn renew_portal(
        &self,
        account: &Account,
        portal: &Mutex<PortalSession>,
        renewals: u32,
        error: Error,
    ) -> Result<Session> {
        let mut portal = portal.lock().await;
        if portal.renewals == renewals {
            if renewals > 0 {
                return Err(error);
            }
            portal.session = self
                .portal_session(&account.id, RefreshMode::Renewed)
                .await?;
            portal.renewals += 1;
        }
        Ok(portal.session.clone())
    }

    async fn store_part(&self, id: &AccountId, catalogue: &Catalogue) -> Result<()> {
        let targets = catalogue.targets();
        if let Some(reading) = self.state().reading.get_mut(id) {
            let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
            reading.count = count(targets.len());
            let total = catalogue.accounts.len();
            reading.accounts = Some(ReadingAccounts {
                read: count(total - catalogue.unread().len()),
                total: count(total),
            });
        }
        let edit = |account: &mut Account| {
            account.targets = targets;
            account.organization.clone_from(&catalogue.accounts);
            Ok(())
        };
        self.change(|change| change.edit(id, edit)?.ok_or_else(|| not_found(id)))
            .await
    }
}
