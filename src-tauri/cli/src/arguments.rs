//! The commands and options of `mcm`, with the first line of help of each.
//!
//! The longer help is in `arguments/help_text.rs`. Long commands have their options in a file of their own.

mod configure;
mod help_text;
mod login;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint, value_parser};
use mcm_core::account::Cloud;

use crate::cloud_argument::{any_cloud, cloud_with_tokens};
use crate::environment_arguments::EnvironmentCommand;
use crate::hook_arguments::{ALLOW_HELP, HOOK_HELP, HookLinesOptions, HookOptions, ShimOptions};
use crate::shell::{Language, Shell};
use crate::shell_arguments::{
    PROMPT_HELP, PromptOptions, SESSIONS_HELP, SHELL_HELP, SessionsOptions, ShellOptions,
};
pub(crate) use configure::{Configure, ConfigureAws, ConfigureKube, Writing};
use help_text::{
    ACCOUNTS_HELP, ACTIVITY_HELP, AFTER_HELP, BACKUP_HELP, COMPLETION_HELP, CONSOLE_HELP,
    CREDENTIAL_PROCESS_HELP, DOCTOR_HELP, ENV_HELP, EXEC_HELP, EXPORT_HELP, IMPORT_HELP,
    KUBE_TOKEN_HELP, LOGIN_HELP, TARGETS_HELP, TOKEN_HELP, USE_HELP, WHOAMI_HELP,
};
pub(crate) use login::{AwsLogin, AzureLogin, CommonLogin, GcpLogin, Login, Redirect, Template};

/// Sign in to your clouds, switch between accounts, and give other programs short-lived credentials.
#[derive(Parser)]
#[command(name = "mcm", bin_name = "mcm", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The arguments of the commands that issue a credential.
#[derive(Parser)]
#[command(name = "mcm", disable_help_flag = true, disable_help_subcommand = true)]
pub(crate) struct IssueArguments {
    #[command(subcommand)]
    pub(crate) command: IssueCommand,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign in to a cloud and connect the account
    #[command(after_help = LOGIN_HELP)]
    Login {
        #[command(subcommand)]
        cloud: Option<Login>,
    },
    /// List the connected accounts
    #[command(after_help = ACCOUNTS_HELP, visible_alias = "list")]
    Accounts {
        /// Print JSON
        #[arg(long, conflicts_with = "wide")]
        json: bool,
        /// Print every column in full, however long the lines become
        #[arg(long)]
        wide: bool,
    },
    /// List an account's subscriptions, projects or regions
    #[command(after_help = TARGETS_HELP)]
    Targets {
        /// The account
        account: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Load the list from the cloud first
        #[arg(long)]
        refresh: bool,
    },
    /// Switch to an account, and optionally a subscription, project or region
    #[command(after_help = USE_HELP, visible_alias = "switch")]
    Use {
        /// The account
        account: Option<String>,
        /// The subscription, project or region: its id, its name, or a part that matches no other
        target: Option<String>,
    },
    /// Give a name to one account of each cloud, to work in all of them together
    #[command(subcommand)]
    Environment(EnvironmentCommand),
    #[command(flatten)]
    IssueCommand(IssueCommand),
    /// Add accounts to the configuration of other programs
    #[command(subcommand)]
    Configure(Configure),
    /// Show which identity aws, az, gcloud and terraform use in this shell, and why
    #[command(after_help = WHOAMI_HELP, visible_alias = "status")]
    Whoami {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Open an account's web console, signed in as the account at AWS
    #[command(after_help = CONSOLE_HELP)]
    Console {
        /// The account
        account: String,
        /// Print the address instead of opening it
        #[arg(long)]
        print: bool,
        /// Open a private window with a profile of its own, apart from your other sessions
        #[arg(long)]
        isolated: bool,
    },
    /// Print a shell's completion script for commands, options and names
    #[command(after_help = COMPLETION_HELP)]
    Completion {
        /// The shell
        #[arg(value_parser = Shell::parser(|shell| shell.completion_file().and(Some(shell))))]
        shell: Shell,
    },
    /// Run a command as one or more accounts
    #[command(after_help = EXEC_HELP)]
    Exec(Exec),
    /// Print what makes a shell follow "mcm use ENVIRONMENT" and .mcm.toml
    #[command(after_help = HOOK_HELP)]
    Hook(HookOptions),
    /// Print what the hook evaluates
    #[command(hide = true)]
    HookLines(HookLinesOptions),
    /// Run a tool in the shell's environment
    #[command(hide = true)]
    Shim(ShimOptions),
    /// Let the .mcm.toml of this folder choose the environment here
    #[command(after_help = ALLOW_HELP)]
    Allow,
    /// Never use the .mcm.toml of this folder
    Deny,
    /// Start your shell in an environment
    #[command(after_help = SHELL_HELP)]
    Shell(ShellOptions),
    /// List the running commands and shells that hold credentials, or cut one off
    #[command(after_help = SESSIONS_HELP)]
    Sessions(SessionsOptions),
    /// Print the environment's name for a prompt
    #[command(after_help = PROMPT_HELP)]
    Prompt(PromptOptions),
    /// Print shell commands that set credentials
    #[command(after_help = ENV_HELP)]
    Env(Env),
    /// Connect another tenant that an account's sign-in can access, without a browser
    AddTenant {
        /// The account
        account: String,
        /// The tenant: its id, its domain or its name
        tenant: String,
    },
    /// Rename an account
    Rename {
        /// The account
        account: String,
        /// The new name
        #[arg(required_unless_present = "reset")]
        name: Option<String>,
        /// Restore its cloud's name
        #[arg(long, conflicts_with = "name")]
        reset: bool,
    },
    /// Pin a subscription, project or role, so that it is an entry of its own here and in the app
    Pin {
        /// The account and its target, as in contoso/123456789012/ReadOnly
        #[arg(value_name = "ACCOUNT/TARGET")]
        account: String,
        /// Take the pin away
        #[arg(long)]
        remove: bool,
    },
    /// Disconnect an account and remove its secrets from the keychain
    Logout {
        #[command(flatten)]
        whose: LogoutOf,
        /// Also sign out of IAM Identity Center, which ends the sessions of the browser and of other programs
        #[arg(long, conflicts_with = "all")]
        identity_center: bool,
        /// Do not ask
        #[arg(long, short = 'y')]
        yes: bool,
    },
    /// List the accounts' activity, newest first
    #[command(after_help = ACTIVITY_HELP)]
    Activity {
        /// Show only this account
        #[arg(conflicts_with = "verify")]
        account: Option<String>,
        /// Check that nothing in the log was changed or removed since it was written
        #[arg(long)]
        verify: bool,
        /// The maximum number of lines
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print all stored data, without secrets
    #[command(after_help = EXPORT_HELP)]
    Export {
        /// Print JSON
        #[arg(long, required = true)]
        json: bool,
    },
    /// Sign in to accounts that other tools on this machine know, with their names
    #[command(after_help = IMPORT_HELP)]
    Import(Import),
    /// Back up everything but secrets to a file, encrypted under a passphrase
    #[command(after_help = BACKUP_HELP)]
    Backup(Backup),
    /// Restore a backup; what exists here stays as it is
    #[command(after_help = BACKUP_HELP)]
    Restore(Restore),
    /// Print the version
    Version,
    /// Find problems and how to fix them
    #[command(after_help = DOCTOR_HELP)]
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// The commands that issue a credential. `mcm` runs them without `mcm-full` when the keychain has the credential ready.
#[derive(Subcommand)]
pub(crate) enum IssueCommand {
    /// Print an access token of Azure or Google Cloud that is valid for at least 5 minutes
    #[command(after_help = TOKEN_HELP)]
    Token {
        #[command(flatten)]
        whose: TokenOf,
        /// Azure: the resource that the token is for, if not Resource Manager
        #[arg(long, value_name = "RESOURCE")]
        resource: Option<String>,
        /// Azure: a claims challenge that a server answered, in JSON or Base64; a new token that meets it is printed
        #[arg(long, value_name = "CHALLENGE")]
        claims: Option<String>,
        /// Print JSON as `az account get-access-token` does
        #[arg(long)]
        json: bool,
        /// Open a browser if sign-in is needed, once for all waiting processes
        #[arg(long)]
        interactive: bool,
    },
    /// Print an AWS account's credential, for credential_process in ~/.aws/config
    #[command(after_help = CREDENTIAL_PROCESS_HELP)]
    CredentialProcess {
        #[command(flatten)]
        whose: CredentialOf,
        /// Verify the role again if needed, once for all waiting processes
        #[arg(long)]
        interactive: bool,
    },
    /// Print a credential for an EKS, GKE or AKS cluster, as a kubectl exec plugin
    #[command(after_help = KUBE_TOKEN_HELP)]
    KubeToken {
        #[command(flatten)]
        whose: ClusterOf,
        /// Open a browser if sign-in is needed, once for all waiting processes
        #[arg(long)]
        interactive: bool,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct TokenOf {
    /// The account
    pub(crate) account: Option<String>,
    /// The account in use in this cloud
    #[arg(long, value_name = "CLOUD", value_parser = cloud_with_tokens)]
    pub(crate) active: Option<Cloud>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct CredentialOf {
    /// The account
    pub(crate) account: Option<String>,
    /// The AWS account in use
    #[arg(long)]
    pub(crate) active: bool,
}

#[derive(Args)]
pub(crate) struct ClusterOf {
    /// The account
    #[arg(conflicts_with = "active")]
    pub(crate) account: Option<String>,
    /// The account in use in this cloud
    #[arg(long, value_name = "CLOUD", value_parser = any_cloud)]
    pub(crate) active: Option<Cloud>,
    /// EKS: the cluster's name
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// EKS: the cluster's region, if not the account's chosen one
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// AKS: the Entra application id of the cluster's server, if not the default one
    #[arg(long, value_name = "ID")]
    pub(crate) server_id: Option<String>,
    /// The environment whose kubeconfig asks
    #[arg(long, value_name = "NAME", requires = "account", hide = true)]
    pub(crate) environment: Option<String>,
    /// The mcm exec or mcm shell whose kubeconfig asks
    #[arg(long, value_name = "ID", requires = "environment", hide = true)]
    pub(crate) holder: Option<String>,
}

impl ClusterOf {
    /// The options on the command line, and the cloud that each is for.
    pub(crate) fn options(&self) -> impl Iterator<Item = (&'static str, Cloud)> {
        [
            ("--cluster", Cloud::Aws, self.cluster.is_some()),
            ("--region", Cloud::Aws, self.region.is_some()),
            ("--server-id", Cloud::Azure, self.server_id.is_some()),
        ]
        .into_iter()
        .filter_map(|(option, cloud, given)| given.then_some((option, cloud)))
    }
}

#[derive(Args)]
pub(crate) struct Exec {
    #[command(flatten)]
    pub(crate) whose: AccountsOf,
    /// Put the credential into the command's variables, for tools that cannot use an endpoint
    #[arg(long)]
    pub(crate) env: bool,
    /// AWS: the region to work in [default: AWS_REGION where it is set, else the one in use]
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Issue credentials that read and change nothing: AWS roles and Google Cloud
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Go on where a tool would work as another identity, which is reported
    #[arg(long)]
    pub(crate) force: bool,
    /// Open a browser if sign-in is needed, before the command starts
    #[arg(long)]
    pub(crate) interactive: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

impl Exec {
    /// A command in an environment, with every option at its default.
    pub(crate) fn in_environment(name: String, command: Vec<OsString>) -> Self {
        Self {
            whose: AccountsOf {
                accounts: Vec::new(),
                active: Vec::new(),
                environment: Some(name),
            },
            env: false,
            region: None,
            read_only: false,
            force: false,
            interactive: false,
            command,
        }
    }
}

#[derive(Args)]
pub(crate) struct Env {
    #[command(flatten)]
    pub(crate) whose: AccountsOf,
    /// The shell to print for [default: the one that runs mcm]
    #[arg(long = "shell", value_name = "SHELL", value_parser = Shell::language_parser())]
    pub(crate) language: Option<Language>,
    /// AWS: the region to work in [default: AWS_REGION where it is set, else the one in use]
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Go on where a tool would work as another identity, which is reported
    #[arg(long)]
    pub(crate) force: bool,
    /// Open a browser if sign-in is needed, before anything is printed
    #[arg(long)]
    pub(crate) interactive: bool,
    /// Print commands that unset everything again
    #[arg(long, conflicts_with_all = ["accounts", "active", "environment", "interactive", "region", "force"])]
    pub(crate) unset: bool,
}

/// One account of each cloud.
#[derive(Args)]
pub(crate) struct AccountsOf {
    /// The accounts, at most one of each cloud
    #[arg(value_name = "ACCOUNT")]
    pub(crate) accounts: Vec<String>,
    /// The account in use in this cloud; several clouds are allowed
    #[arg(long, value_name = "CLOUD", value_delimiter = ',', value_parser = any_cloud)]
    pub(crate) active: Vec<Cloud>,
    /// An environment, instead of accounts
    #[arg(long, short = 'E', value_name = "NAME", conflicts_with_all = ["accounts", "active"])]
    pub(crate) environment: Option<String>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct LogoutOf {
    /// The account
    pub(crate) account: Option<String>,
    /// Every account, and every keychain entry of this app
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Args)]
pub(crate) struct Import {
    /// What to sign in to: names or ids that --list shows
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// List what was found, and sign in to nothing
    #[arg(long, conflicts_with = "names")]
    pub(crate) list: bool,
    /// Print the list as JSON
    #[arg(long, conflicts_with = "names")]
    pub(crate) json: bool,
    /// Sign in by entering a code on any device, for SSH or a machine without a browser
    #[arg(long, conflicts_with_all = ["list", "json"])]
    pub(crate) device_code: bool,
    /// Sign in with the browser of another computer, which reaches this port through SSH
    #[arg(long, value_name = "PORT", conflicts_with_all = ["list", "json", "device_code"], value_parser = value_parser!(u16).range(1024..))]
    pub(crate) redirect_port: Option<u16>,
}

#[derive(Args)]
pub(crate) struct Backup {
    /// The file to write
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Read the passphrase from this file instead of the terminal; "-" is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Restore {
    /// The file that mcm backup wrote
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Read the passphrase from this file instead of the terminal; "-" is standard input
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) passphrase_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
