//! The clusters of the user's kubeconfig, for environments: which there are, and taking one over.

use serde::Serialize;
use ts_rs::TS;

use super::App;
use crate::account::{Account, Cloud};
use crate::cluster::Cluster;
use crate::environment::NamedEnvironment;
use crate::error::{Code, Error, Result};
use crate::kubeconfig_paths;
use crate::text::shown;
use crate::user_kubeconfig::{UserContext, UserKubeconfig};

/// A context of the user's kubeconfig, as a screen offers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct OfferedContext {
    /// Its name.
    pub context: String,
    /// The cloud of its cluster.
    pub cloud: Cloud,
}

impl App {
    /// The contexts of the user's kubeconfig, as kubectl lists them. Those of clusters that no cloud here has are left out.
    ///
    /// # Errors
    /// Those of `UserKubeconfig::read`.
    pub fn offered_contexts(&self) -> Result<Vec<OfferedContext>> {
        let kubeconfig = self.user_kubeconfig()?;
        let offered = kubeconfig.contexts().filter_map(|context| {
            let asked = context.asked_account();
            let named = asked.map(|asked| self.named(&asked).ok()?.id.cloud());
            let cloud = named.unwrap_or_else(|| context.cloud())?;
            let context = context.name().to_owned();
            Some(OfferedContext { context, cloud })
        });
        Ok(offered.collect())
    }

    /// The clusters of these contexts of the user's kubeconfig, for an environment with its members.
    ///
    /// # Errors
    /// Those of `UserKubeconfig::read` and `UserKubeconfig::context`; `invalid-input` for a cluster whose cloud or account is
    /// not a member, or cannot be told; those of `UserContext::as_cluster`.
    pub fn clusters_of(
        &self,
        contexts: &[String],
        named: &NamedEnvironment,
    ) -> Result<Vec<Cluster>> {
        if contexts.is_empty() {
            return Ok(Vec::new());
        }
        let kubeconfig = self.user_kubeconfig()?;
        let cluster = |name: &String| {
            let context = kubeconfig.context(name)?;
            context.as_cluster(&self.account_of(&context, named)?)
        };
        contexts.iter().map(cluster).collect()
    }

    fn user_kubeconfig(&self) -> Result<UserKubeconfig> {
        let world = &self.world;
        UserKubeconfig::read(kubeconfig_paths::paths(
            &world.environment,
            &world.paths.data,
        ))
    }

    /// The member whose credential a context's cluster gets.
    fn account_of(
        &self,
        context: &UserContext<'_>,
        environment: &NamedEnvironment,
    ) -> Result<Account> {
        let shown_name = shown(context.name());
        let asked = context.asked_account();
        let named = asked.map(|asked| self.named(&asked)).transpose()?;
        let cloud = named.as_ref().map(Account::cloud);
        let Some(cloud) = cloud.or_else(|| context.cloud()) else {
            let message = format!(
                "Nothing in the context {shown_name} shows which account its cluster is for. Write its user first: mcm \
                 configure kube ACCOUNT --cluster CLUSTER"
            );
            return Err(Error::new(Code::InvalidInput, message));
        };
        let name = &environment.name;
        if !environment.members.contains_key(&cloud) {
            let message = format!(
                "The context {shown_name} is a cluster of {}, where {name} names no account.",
                cloud.title()
            );
            return Err(Error::new(Code::InvalidInput, message).with_remedies(
                &format!("Name it with --{} ACCOUNT.", cloud.as_str()),
                &format!("Choose it at {} account.", cloud.title()),
            ));
        }
        let mut of_cloud = environment.clone();
        of_cloud.members.retain(|known, _| *known == cloud);
        let [account] = self
            .members(&of_cloud)?
            .try_into()
            .expect("it names one account of each cloud");
        if let Some(named) = named
            && named.asked_as() != account.asked_as()
        {
            let message = format!(
                "The context {shown_name} is for {} ({}), and {name} names {} ({}).",
                named.name(),
                named.asked_as(),
                account.name(),
                account.asked_as()
            );
            return Err(Error::new(Code::InvalidInput, message).with_remedies(
                &format!(
                    "Name that account with --{}, or leave the context out.",
                    cloud.as_str()
                ),
                &format!(
                    "Choose that account at {} account, or leave the context out.",
                    cloud.title()
                ),
            ));
        }
        Ok(account)
    }
}
