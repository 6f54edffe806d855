//! The variables of a command or a shell that works as some accounts: one function makes them, from the table and from
//! what is known.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use mcm_core::account::Cloud;
use mcm_core::world::Environment;
use secrecy::{ExposeSecret as _, SecretString};

use super::table::TABLE;
use super::{Act, Effect, Variable, set_of};

/// Something that a variable can be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    /// The ids of the accounts, for the command of `mcm exec`.
    Accounts,
    /// What the shell outside `mcm exec` had.
    Outside,
    /// The id of the key that a shell is given.
    EnvKey,
    /// The ids of the accounts that a shell is given.
    EnvAccounts,
    /// What a shell is given that `mcm` reads.
    EnvSet,
    /// AWS: where to work.
    Region,
    /// AWS: the key's id.
    KeyId,
    /// AWS: the key's secret.
    SecretKey,
    /// AWS: the session's token.
    SessionToken,
    /// AWS: when the session is over.
    Expiration,
    /// AWS: a profile that runs this program.
    Profile,
    /// AWS: that older SDKs read `config` as well.
    LoadConfig,
    /// AWS: where the endpoint is.
    ContainerAddress,
    /// AWS: what the endpoint asks for.
    ContainerToken,
    /// AWS: a copy of `config`.
    AwsConfig,
    /// AWS: a copy of `credentials`.
    AwsCredentials,
    /// What boto and gsutil read.
    Boto,
    /// Azure: the tenant.
    Tenant,
    /// Azure: the subscription.
    Subscription,
    /// Azure: which cloud, in Terraform's words.
    TerraformCloud,
    /// Azure: where the endpoint is.
    IdentityEndpoint,
    /// Azure: what the endpoint asks for.
    IdentityHeader,
    /// Azure: where the endpoint is for Terraform.
    MsiEndpoint,
    /// Azure: the folder of `az` for this run.
    AzFolder,
    /// Azure: the user's own extensions of `az`.
    AzExtensions,
    /// Azure: the folder of `azd` for this run.
    AzdFolder,
    /// Azure: an access token.
    AzureToken,
    /// Google: the project.
    Project,
    /// Google: the project that pays, in gcloud's words.
    Quota,
    /// Google: the account's address.
    GoogleAccount,
    /// Google: the file that leads to the endpoint.
    GoogleFile,
    /// Google: the same file for gcloud.
    GcloudFile,
    /// Google: a copy of the settings of `bq` without a credential.
    BigQuery,
    /// Google: an access token.
    GoogleToken,
    /// Google: the region.
    GoogleRegion,
    /// Google: the zone.
    GoogleZone,
    /// The list of files of kubectl.
    KubeConfig,
    /// The name of the environment.
    Environment,
    /// Its colour.
    EnvironmentColour,
    /// `1` for a protected environment.
    EnvironmentProtected,
    /// When the time of a protected environment is over.
    EnvironmentUntil,
    /// `1` where the credentials read and change nothing.
    ReadOnly,
    /// The id of a running `mcm exec` or `mcm shell`.
    Holder,
    /// `NO_PROXY`, with this machine.
    NoProxyUpper,
    /// `no_proxy`, with this machine.
    NoProxyLower,
}

/// What is known, some of it secret.
pub(crate) type Facts = BTreeMap<Fact, SecretString>;

/// How the tools of a cloud come to their credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// At the endpoint of `mcm exec`.
    Served,
    /// In variables.
    Plain,
    /// By names in a shell with the hook, which the tools and their shims resolve.
    Pinned,
    /// They find none, because the cloud is not part of the environment.
    Closed,
}

/// What becomes of the variables.
pub(crate) struct Changes {
    given: BTreeMap<&'static str, SecretString>,
    removed: BTreeSet<String>,
}

impl Changes {
    /// What becomes of the variables for these clouds. Those of other clouds stay as they are.
    pub(crate) fn of(environment: &Environment, ways: &[(Cloud, Way)], facts: &Facts) -> Self {
        let mut changes = Self {
            given: BTreeMap::new(),
            removed: BTreeSet::new(),
        };
        for variable in &TABLE {
            if let Some(act) = act(variable, ways) {
                changes.add(variable, act, facts, environment);
            }
        }
        changes
    }

    fn add(
        &mut self,
        variable: &'static Variable,
        act: Act,
        facts: &Facts,
        environment: &Environment,
    ) {
        let value = match act {
            Act::Keep => return,
            Act::Remove => None,
            Act::RemoveWhere(text) => {
                if environment
                    .get(variable.name)
                    .is_some_and(|value| value.contains(text))
                {
                    self.removed.insert(variable.name.to_owned());
                }
                return;
            }
            Act::RemoveWith(fact) => {
                if facts.contains_key(&fact) {
                    self.removed.insert(variable.name.to_owned());
                }
                return;
            }
            Act::Text(text) => Some(text.into()),
            Act::Set(fact) => facts.get(&fact).cloned(),
        };
        match value {
            Some(value) => drop(self.given.insert(variable.name, value)),
            None if act != Act::Remove
                && !variable.would_win()
                && variable.effect != Effect::Shown => {}
            None if variable.is_pattern() => self
                .removed
                .extend(set_of(variable, environment).map(str::to_owned)),
            None => drop(self.removed.insert(variable.name.to_owned())),
        }
    }

    /// What is set.
    pub(crate) fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.given
            .iter()
            .map(|(name, value)| (*name, value.expose_secret()))
    }

    /// What is unset.
    pub(crate) fn removed(&self) -> impl Iterator<Item = &str> {
        self.removed.iter().map(String::as_str)
    }

    /// What a variable becomes: nothing when it is not set, none when it stays.
    pub(crate) fn of_name(&self, name: &str) -> Option<Option<&str>> {
        match self.given.get(name) {
            Some(value) => Some(Some(value.expose_secret())),
            None => self.removed.contains(name).then_some(None),
        }
    }

    /// The environment afterwards.
    pub(crate) fn applied(&self, environment: &Environment) -> Environment {
        let kept = environment
            .pairs()
            .filter(|(name, _)| self.of_name(name).is_none());
        let given = self
            .given
            .iter()
            .map(|(name, value)| (*name, value.expose_secret()));
        let pairs: Vec<(&str, &str)> = kept.chain(given).collect();
        Environment::from_pairs(pairs)
    }

    /// Changes the variables of a command.
    pub(crate) fn apply(&self, command: &mut Command) {
        for name in self.removed() {
            command.env_remove(name);
        }
        command.envs(self.given());
    }
}

/// What becomes of a variable. One that several clouds read is served when one of them is, and closed only when no other
/// has a way.
fn act(variable: &Variable, ways: &[(Cloud, Way)]) -> Option<Act> {
    let mut way = None;
    for (_, of_cloud) in ways
        .iter()
        .filter(|(cloud, _)| variable.clouds.contains(cloud))
    {
        match of_cloud {
            Way::Served => return Some(variable.exec),
            Way::Plain => way = Some(variable.env),
            // The files of a tool are the environment's, and the rest is as in any shell.
            Way::Pinned if variable.effect == Effect::Files => way = Some(variable.exec),
            Way::Pinned => way = Some(variable.pinned.unwrap_or(variable.env)),
            Way::Closed => way = way.or(Some(variable.closed)),
        }
    }
    way
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_win_goes_what_is_known_is_set_and_other_clouds_stay() {
        let shell = Environment::from_pairs([
            ("AWS_PROFILE", "x"),
            ("AWS_BEARER_TOKEN_BEDROCK", "x"),
            ("GRANTED_SSO", "x"),
            ("GRANTED_ALIAS_CONFIGURED", "true"),
            ("AWS_REGION", "us-east-1"),
            ("ARM_CLIENT_ID", "x"),
        ]);
        let facts = Facts::from([(Fact::ContainerAddress, "http://127.0.0.1:1/".into())]);
        let changes = Changes::of(&shell, &[(Cloud::Aws, Way::Served)], &facts);
        for name in ["AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK", "GRANTED_SSO"] {
            assert_eq!(changes.of_name(name), Some(None), "{name}");
        }
        for name in ["GRANTED_ALIAS_CONFIGURED", "AWS_REGION", "ARM_CLIENT_ID"] {
            assert_eq!(changes.of_name(name), None, "{name}");
        }
        let after = changes.applied(&shell);
        let address = after.get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        assert_eq!(address, Some("http://127.0.0.1:1/"));
        assert_eq!(after.get("AWS_EC2_METADATA_DISABLED"), Some("true"));
    }
}
