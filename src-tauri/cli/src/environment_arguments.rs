//! The arguments of the commands for environments, and their help.

use clap::{Args, Subcommand};
use mcm_core::account::{COLOURS, Cloud};
use mcm_core::environment::ICONS;

use crate::cloud_argument::any_cloud;

pub(crate) const CREATE_HELP: &str = "\
Examples:
  mcm environment create dev --active aws,azure,gcp
  mcm environment create prod-eu --aws production --gcp ada/shop \\
    --azure contoso/Production --region eu-central-1 --colour red --protected
  mcm environment edit prod-eu --cluster shop
  mcm exec -E prod-eu -- terraform plan

Accounts and targets are kept by their ids. One that is gone is named, and never replaced by another. Without a target, the one
in use now is kept.

--cluster takes the server, its certificates and the namespace of a context of KUBECONFIG or ~/.kube/config, and no user, token or
key. In the environment the cluster gets the credential of the environment's account in its cloud: EKS, AKS or GKE. A cluster of
an account that the environment does not name is refused. kubectl begins with the first cluster. Name a context again where its
server or certificate changed.

--exclusive: tools of the clouds that the environment does not name find no identity. --protected: as --exclusive, and you type
the environment's name before each use, which ends after --minutes.";

pub(crate) const LIST_HELP: &str = "\
--json prints {\"environments\":[…]}, each with name, colour, icon, protected, exclusive, minutes, region, googleRegion, googleZone,
createdAt, members and clusters. clusters has an entry for each Kubernetes cluster, with context, account (its id), server,
namespace and eksName. members has an entry for each cloud that is named, with account (its id), accountName, target, targetName
and state (connected, account-gone or target-gone). New fields may appear; existing ones keep their meaning.";

#[derive(Subcommand)]
pub(crate) enum EnvironmentCommand {
    /// Create an environment
    #[command(after_help = CREATE_HELP)]
    Create {
        /// The new name: letters, digits, dots, hyphens and underscores
        #[arg(value_name = "NAME")]
        name: String,
        /// Take the accounts in use in these clouds, and what is chosen there
        #[arg(long, value_name = "CLOUD", value_delimiter = ',', value_parser = any_cloud)]
        active: Vec<Cloud>,
        #[command(flatten)]
        options: EnvironmentOptions,
    },
    /// List the environments
    #[command(after_help = LIST_HELP)]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show an environment and how its accounts stand
    #[command(after_help = LIST_HELP)]
    Show {
        /// The environment
        #[arg(value_name = "NAME")]
        environment: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change an environment; what is not named stays
    #[command(after_help = CREATE_HELP)]
    Edit {
        /// The environment
        #[arg(value_name = "NAME")]
        environment: String,
        /// The new name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Remove the account of this cloud; several are allowed
        #[arg(long, value_name = "CLOUD", value_delimiter = ',', value_parser = any_cloud)]
        without: Vec<Cloud>,
        /// Remove the cluster of this context; several are allowed
        #[arg(long, value_name = "CONTEXT")]
        remove_cluster: Vec<String>,
        #[command(flatten)]
        options: EnvironmentOptions,
    },
    /// Delete an environment; its accounts stay
    Delete {
        /// The environment
        #[arg(value_name = "NAME")]
        environment: String,
    },
}

/// What an environment has. A word that is left out changes nothing; an empty one takes a value away.
#[derive(Args)]
pub(crate) struct EnvironmentOptions {
    /// The AWS account, and its region or role
    #[arg(long, value_name = "ACCOUNT/TARGET")]
    pub(crate) aws: Option<String>,
    /// The Azure account, and its subscription
    #[arg(long, value_name = "ACCOUNT/SUBSCRIPTION")]
    pub(crate) azure: Option<String>,
    /// The Google account, and its project
    #[arg(long, value_name = "ACCOUNT/PROJECT")]
    pub(crate) gcp: Option<String>,
    /// A context of your kubeconfig, whose cluster becomes one of the environment's; several are allowed
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) cluster: Vec<String>,
    /// AWS: the region to work in
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Google Cloud: the region to work in
    #[arg(long, value_name = "REGION")]
    pub(crate) google_region: Option<String>,
    /// Google Cloud: the zone to work in
    #[arg(long, value_name = "ZONE")]
    pub(crate) google_zone: Option<String>,
    /// The colour in prompts and in the app
    #[arg(long, value_parser = one_of(&COLOURS))]
    pub(crate) colour: Option<String>,
    /// The icon in the app
    #[arg(long, value_parser = one_of(&ICONS))]
    pub(crate) icon: Option<String>,
    /// Ask for the environment's name before each use, and end each use by itself
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    pub(crate) protected: Option<bool>,
    /// Give the tools of the clouds that are not named no identity
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "true|false")]
    pub(crate) exclusive: Option<bool>,
    /// Protected: how long one use lasts, 15 or 60
    #[arg(long, value_name = "MINUTES")]
    pub(crate) minutes: Option<u16>,
}

/// A parser for these words, and for nothing, which takes the value away.
fn one_of(words: &'static [&'static str]) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |text| {
        (text.is_empty() || words.contains(&text))
            .then(|| text.to_owned())
            .ok_or_else(|| format!("possible values: {}", words.join(", ")))
    }
}
