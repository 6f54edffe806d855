//! The arguments of `mcm configure`, for each tool.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use url::Url;

use super::help_text::{CONFIGURE_AWS_HELP, CONFIGURE_KUBE_HELP};

#[derive(Subcommand)]
pub(crate) enum Configure {
    /// Write a profile for each AWS account into AWS's config file
    #[command(after_help = CONFIGURE_AWS_HELP)]
    Aws(ConfigureAws),
    /// Write a user and a context for a Kubernetes cluster into the kubeconfig
    #[command(after_help = CONFIGURE_KUBE_HELP)]
    Kube(ConfigureKube),
}

#[derive(Args)]
pub(crate) struct ConfigureKube {
    /// The account
    #[arg(required_unless_present = "undo")]
    pub(crate) account: Option<String>,
    /// The cluster's name
    #[arg(long, value_name = "NAME", required_unless_present = "undo")]
    pub(crate) cluster: Option<String>,
    /// EKS: the cluster's region, when not the account's chosen one
    #[arg(long, value_name = "REGION", conflicts_with = "undo")]
    pub(crate) region: Option<String>,
    /// The address of the cluster's server, when the kubeconfig has no such cluster
    #[arg(long, value_name = "URL", conflicts_with = "undo")]
    pub(crate) server: Option<Url>,
    /// The file of the certificate that the server is checked with
    #[arg(long, value_name = "FILE", requires = "server")]
    pub(crate) certificate_authority: Option<PathBuf>,
    /// The context's name [default: the cluster's]
    #[arg(long, value_name = "NAME", conflicts_with = "undo")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) writing: Writing,
    /// Remove what this command wrote, of all accounts or of the named one
    #[arg(long)]
    pub(crate) undo: bool,
}

#[derive(Args)]
pub(crate) struct ConfigureAws {
    /// The accounts; by default every AWS account
    #[arg(value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,
    /// Also every role of the sign-ins to IAM Identity Center, and not only the pinned ones
    #[arg(long, conflicts_with_all = ["name", "undo"])]
    pub(crate) all: bool,
    /// With --all: only the roles that have these words in their account's name, their name or their id
    #[arg(long, value_name = "TEXT", requires = "all")]
    pub(crate) filter: Option<String>,
    /// The names of the profiles of Identity Center's roles, made of {account}, {account-id}, {role} and {name}
    #[arg(long, value_name = "TEMPLATE", default_value = "{account}-{role}", value_parser = profile_template, conflicts_with_all = ["name", "undo"])]
    pub(crate) name_template: String,
    /// The profile's name; for one account only
    #[arg(long, value_name = "NAME", conflicts_with = "undo")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) writing: Writing,
    /// Remove what this command added, and nothing else
    #[arg(long)]
    pub(crate) undo: bool,
}

/// The words in braces of a template for profiles' names.
const WORDS: [&str; 4] = ["{account}", "{account-id}", "{role}", "{name}"];

/// A template whose words in braces are all known: a misspelt one would give every role the same name.
fn profile_template(text: &str) -> Result<String, String> {
    let rest = WORDS
        .iter()
        .fold(text.to_owned(), |rest, word| rest.replace(word, ""));
    match rest.contains(['{', '}']) {
        true => Err(format!("in braces it can have {}", WORDS.join(", "))),
        false => Ok(text.to_owned()),
    }
}

/// How the changed file is written.
#[derive(Args)]
pub(crate) struct Writing {
    /// Write without asking
    #[arg(long, short = 'y', conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// Show the change and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
