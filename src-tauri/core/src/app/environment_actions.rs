//! What the dashboard and the tray do with environments: saving, deleting and bringing back, putting all accounts of one in
//! use, and confirming a protected one.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use ts_rs::TS;

use super::App;
use crate::account::{AccountId, Cloud};
use crate::cluster::Cluster;
use crate::confirmations::Confirmations;
use crate::environment::{
    EnvironmentName, EnvironmentSettings, Member, MemberState, NamedEnvironment,
};
use crate::error::{Code, Error, Result};
use crate::holders::{Holders, Listed};
use crate::snapshot::{ClusterView, EnvironmentView, MemberView};
use crate::store::not_found;
use crate::text::shown;

/// The most deleted environments that can be brought back.
const MOST_DELETED: usize = 8;

/// An environment as the user enters it.
#[derive(Clone, Debug, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct EnteredEnvironment {
    /// Its name.
    pub name: String,
    /// At most one account of each cloud.
    pub members: BTreeMap<Cloud, EnteredMember>,
    /// The contexts of the clusters that stay. Others are removed.
    pub clusters: Vec<String>,
    /// The contexts of the user's kubeconfig whose clusters are added, or replace those of the same name.
    pub added_clusters: Vec<String>,
    /// What else belongs to it. An empty text is none.
    pub settings: EnvironmentSettings,
}

/// An account of an environment, as the user chooses it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct EnteredMember {
    /// The account.
    pub account: AccountId,
    /// The cloud's own id of the target.
    pub target: Option<String>,
}

impl App {
    /// Creates an environment, or changes the one named `before`. To change a protected one, its name is typed.
    ///
    /// # Errors
    /// Those of `create_environment`, `edit_environment` and `clusters_of`; `not-found` for an account or target that is not
    /// there; `sign-in-cancelled` for another text than the name.
    pub async fn save_environment(
        &self,
        before: Option<&str>,
        entered: EnteredEnvironment,
        typed: &str,
    ) -> Result<()> {
        let name = EnvironmentName::entered(entered.name.trim())?;
        let Some(before) = before else {
            let mut named = NamedEnvironment::new(name, self.world.clock.now());
            let added = self.added_clusters(&named, &entered)?;
            self.fill(&mut named, &entered, added)?;
            return self.create_environment(&named).await;
        };
        let known = self.environment(before)?;
        let added = self.added_clusters(&known, &entered)?;
        let edit = |named: &mut NamedEnvironment| {
            require_typed(named, typed)?;
            named.name = name;
            self.fill(named, &entered, added)
        };
        self.edit_environment(&known.name, edit).await.map(drop)
    }

    /// The cluster that a context of the user's kubeconfig would add to an environment as it is entered.
    ///
    /// # Errors
    /// Those of `environment` and `clusters_of`; `not-found` for an account or target that is not there.
    pub fn entered_cluster(
        &self,
        before: Option<&str>,
        entered: EnteredEnvironment,
        context: &str,
    ) -> Result<ClusterView> {
        let named = match before {
            Some(before) => self.environment(before)?,
            None => {
                // Its name may still be missing.
                let name = EnvironmentName::parse(entered.name.trim());
                let name = name.map_or_else(|| EnvironmentName::entered("this-environment"), Ok)?;
                NamedEnvironment::new(name, self.world.clock.now())
            }
        };
        let context = context.trim().to_owned();
        let entered = EnteredEnvironment {
            added_clusters: vec![context],
            ..entered
        };
        let clusters = self.added_clusters(&named, &entered)?;
        let [cluster] = clusters.try_into().expect("one context has one cluster");
        Ok(cluster_view(&cluster))
    }

    /// The clusters to add to an environment, for its accounts as they are entered.
    fn added_clusters(
        &self,
        named: &NamedEnvironment,
        entered: &EnteredEnvironment,
    ) -> Result<Vec<Cluster>> {
        if entered.added_clusters.is_empty() {
            return Ok(Vec::new());
        }
        let mut named = named.clone();
        named.members = self.entered_members(&named, entered)?;
        self.clusters_of(&entered.added_clusters, &named)
    }

    fn entered_members(
        &self,
        named: &NamedEnvironment,
        entered: &EnteredEnvironment,
    ) -> Result<BTreeMap<Cloud, Member>> {
        let member = |(cloud, chosen): (&Cloud, &EnteredMember)| {
            let known = named
                .members
                .get(cloud)
                .filter(|known| known.account == chosen.account && known.target == chosen.target);
            let member = match known {
                // What was there stays, also when it is gone by now.
                Some(known) => known.clone(),
                None => self.member(*cloud, chosen)?,
            };
            Ok((*cloud, member))
        };
        entered.members.iter().map(member).collect()
    }

    fn fill(
        &self,
        named: &mut NamedEnvironment,
        entered: &EnteredEnvironment,
        added: Vec<Cluster>,
    ) -> Result<()> {
        named.members = self.entered_members(named, entered)?;
        named
            .clusters
            .retain(|cluster| entered.clusters.contains(&cluster.context));
        for cluster in added {
            named.put_cluster(cluster);
        }
        let text = |value: &Option<String>| {
            let value = value.as_deref().map(str::trim);
            value.filter(|value| !value.is_empty()).map(str::to_owned)
        };
        let settings = &entered.settings;
        named.settings = EnvironmentSettings {
            colour: text(&settings.colour),
            icon: text(&settings.icon),
            region: text(&settings.region),
            google_region: text(&settings.google_region),
            google_zone: text(&settings.google_zone),
            ..settings.clone()
        };
        Ok(())
    }

    fn member(&self, cloud: Cloud, chosen: &EnteredMember) -> Result<Member> {
        let account = self.account(&chosen.account)?;
        if account.cloud() != cloud {
            return Err(not_found(&chosen.account));
        }
        let mut account = (*account).clone();
        account.target = None;
        if let Some(id) = &chosen.target {
            let target = account.find_target(id).filter(|target| target.id == *id);
            let target = target.ok_or_else(|| {
                let message = format!(
                    "{} does not list \"{}\". Refresh its list, or choose another.",
                    account.name(),
                    shown(id)
                );
                Error::new(Code::NotFound, message)
            })?;
            account = account.at_target(target);
        }
        account.issued_resource()?;
        Ok(Member::of(&account))
    }

    /// Deletes an environment; `restore_environment` brings it back as long as the app runs. A protected one's name is typed.
    ///
    /// # Errors
    /// `not-found`; `sign-in-cancelled` for another text than the name; `storage-*`.
    pub async fn remove_environment(&self, name: &str, typed: &str) -> Result<()> {
        let known = self.environment(name)?;
        let permit = |named: &NamedEnvironment| require_typed(named, typed);
        let removed = self.delete_environment(&known.name, permit).await?;
        let mut state = self.state();
        state.deleted_environments.push(removed);
        let excess = state
            .deleted_environments
            .len()
            .saturating_sub(MOST_DELETED);
        state.deleted_environments.drain(..excess);
        Ok(())
    }

    /// Brings back an environment that was deleted here, as it was.
    ///
    /// # Errors
    /// `not-found`, and those of `create_environment`.
    pub async fn restore_environment(&self, name: &str) -> Result<()> {
        let found = {
            let mut state = self.state();
            let deleted = &mut state.deleted_environments;
            let at = deleted.iter().rposition(|known| known.name.is(name));
            at.map(|at| deleted.remove(at))
        };
        let named = found.ok_or_else(|| {
            let message = format!(
                "The environment \"{}\" can no longer be brought back.",
                shown(name)
            );
            Error::new(Code::NotFound, message)
        })?;
        self.create_environment(&named).await
    }

    /// Puts every account of an environment in use, each at its target.
    ///
    /// # Errors
    /// `unsupported` for a protected one; those of `members` and `use_account`.
    pub async fn use_environment(&self, name: &str) -> Result<()> {
        let named = self.environment(name)?;
        if named.settings.is_protected {
            let message = format!(
                "{name} is protected, so it is never in use everywhere. Confirm it, then run: mcm shell {name}",
                name = named.name
            );
            return Err(Error::new(Code::Unsupported, message));
        }
        // All are there before the first one changes.
        for account in self.members(&named)? {
            self.use_account(&account.id, account.target.as_deref())
                .await?;
        }
        Ok(())
    }

    /// Confirms a protected environment, by its name as the user typed it. Returns until when it may be used.
    ///
    /// # Errors
    /// `not-found`; `invalid-input` for one that is not protected; `sign-in-cancelled` for another text than the name.
    pub fn confirm_environment(&self, name: &str, typed: &str) -> Result<Timestamp> {
        let named = self.environment(name)?;
        if !named.settings.is_protected {
            let message = format!("{} is not protected. Use it as it is.", named.name);
            return Err(Error::new(Code::InvalidInput, message));
        }
        require_typed(&named, typed)?;
        let until = self
            .confirmations()
            .confirm(&named, self.world.clock.now())?;
        self.publish();
        Ok(until)
    }

    /// Ends the use of a protected environment: no new use without a confirmation, and everything that runs in it is revoked.
    ///
    /// # Errors
    /// `not-found`, `storage-failed`.
    pub fn end_environment(&self, name: &str) -> Result<()> {
        let named = self.environment(name)?;
        self.confirmations().end(&named.name)?;
        for listed in self.holders() {
            let environment = listed.holder.environment.as_deref();
            if environment.is_some_and(|environment| named.name.is(environment)) && !listed.revoked
            {
                // One that ended meanwhile needs no revoking.
                let _ = self.revoke_holder(&listed.id);
            }
        }
        self.publish();
        Ok(())
    }

    /// Until when a protected environment is confirmed in the app, if it is.
    pub fn confirmed_until(&self, named: &NamedEnvironment) -> Option<Timestamp> {
        self.confirmations().until(named, self.world.clock.now())
    }

    /// What runs with credentials of ours.
    pub fn holders(&self) -> Vec<Listed> {
        Holders::in_folder(&self.world.paths.data).list()
    }

    /// Cuts off something that runs.
    ///
    /// # Errors
    /// `not-found`, `storage-failed`.
    pub fn revoke_holder(&self, id: &str) -> Result<()> {
        Holders::in_folder(&self.world.paths.data)
            .revoke(id)
            .map(drop)
    }

    fn confirmations(&self) -> Confirmations {
        Confirmations::in_folder(&self.world.paths.data)
    }
}

/// The environments as screens show them.
pub(super) fn views(
    stored: &crate::store::Accounts,
    confirmations: &Confirmations,
    now: Timestamp,
) -> Vec<EnvironmentView> {
    let view = |named: &NamedEnvironment| {
        let members = named.members.iter().map(|(cloud, member)| {
            let account = stored.account(&member.account);
            let state = member.state(account);
            let is_in_use = account.is_some_and(|account| {
                let is_there = member.target.is_none() || member.target == account.target;
                stored.is_active(account) && is_there
            });
            let view = MemberView {
                cloud: *cloud,
                account: member.account.clone(),
                account_name: account
                    .map_or_else(|| member.account_name.clone(), |account| account.name()),
                target: member.target.clone(),
                target_name: member.target_name.clone(),
                account_gone: state == MemberState::AccountGone,
                target_gone: state == MemberState::TargetGone,
            };
            (view, is_in_use)
        });
        let members: Vec<(MemberView, bool)> = members.collect();
        EnvironmentView {
            name: named.name.to_string(),
            in_use: !named.settings.is_protected && members.iter().all(|(_, is_in_use)| *is_in_use),
            members: members.into_iter().map(|(view, _)| view).collect(),
            clusters: named.clusters.iter().map(cluster_view).collect(),
            settings: named.settings.clone(),
            confirmed_until: confirmations.until(named, now),
        }
    };
    stored.environments.iter().map(view).collect()
}

fn cluster_view(cluster: &Cluster) -> ClusterView {
    ClusterView {
        context: cluster.context.clone(),
        account: cluster.account.clone(),
        server: cluster.server.clone(),
    }
}

fn require_typed(named: &NamedEnvironment, typed: &str) -> Result<()> {
    if !named.settings.is_protected || named.name.is(typed.trim()) {
        return Ok(());
    }
    let message = format!("That is not the name of {}. Nothing was done.", named.name);
    Err(Error::new(Code::SignInCancelled, message))
}
