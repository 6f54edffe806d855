//! What a person can ask of `mcm`, and the help that they read.

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use mcm_core::account::Cloud;
use mcm_core::app::OnDuplicate;
use mcm_core::provider::aws::Permissions;

const AFTER_HELP: &str = "\
ACCOUNT is an account's id, its name, its user name, or any part of them that fits no other account.

Examples:
  mcm login azure --all-tenants        sign in, and connect every tenant that you may enter
  mcm login aws --print cli            commands that create a role for you, with an External ID of its own
  mcm login aws --role-arn ARN         check that role, and connect it
  mcm accounts                         what is connected, and what is in use
  mcm use contoso Production           choose an account and a subscription
  mcm token --active azure             an access token of the account in use
  mcm credential-process --active      the same for AWS, as credential_process in ~/.aws/config reads it

Environment:
  AZURE_CLIENT_ID, AZURE_TENANT_ID     the app registration, and the tenant to sign in to
  GOOGLE_CLIENT_ID, …_SECRET           the OAuth client of a desktop app
  AWS_PROFILE, AWS_REGION, …           who assumes the role, as for every program of AWS
  BROWSER                              the program that opens the sign-in page
  MCM_HOME                             one folder for settings, accounts and logs
  MCM_LOG                              how much is logged: warn, info (default), debug, trace
  NO_COLOR                             no colour, also in a terminal

Exit status: 0 done, 1 failed, 2 wrong usage, 3 sign in again.";

const ACCOUNTS_HELP: &str = "\
--json prints {\"accounts\":[…]}, each with id, provider (azure, gcp, aws), displayName, identity, status (connected,
expired, sign-in-again, locked, offline), active, sessionExpiresAt (RFC 3339 or null), and for Azure tenantId and
subscriptions, for Google Cloud email and projects, for AWS accountId, roleArn, externalId, externalIdEnforced (true,
false or \"unknown\"), partition and region. Fields may be added; none changes its meaning.";

const DEVICE_CODE_HELP: &str = "\
--device-code shows a page and a code to type there, on any device. Use it only for a sign-in that you started \
yourself: whoever talks you into typing a code is signed in as you. Many organisations block this way; a browser on this \
machine is the safer one.";

const GCP_HELP: &str = "\
--device-code shows a page and a code to type there, on any device. Google offers that to clients of the type TVs and \
Limited Input devices only, and grants them no access to Google Cloud, so at Google itself it is refused: sign in with a \
browser. It serves issuers of your own.";

const LOGIN_AWS_HELP: &str = "\
A role is connected in two steps. --print gives what creates it, with a new External ID that is kept for it, and
--role-arn checks the role that was created and connects it. The checks assume it with the External ID, without one
and with a wrong one: only the first may succeed, else the role is refused.

Examples:
  mcm login aws --print cli --source profile:work
  mcm login aws --print terraform --permissions none > role.tf
  mcm login aws --role-arn arn:aws:iam::123456789012:role/MultiCloudManager-1a2b3c4d
  mcm login aws --pending

SOURCE says who assumes the role: default (AWS's own chain: environment, profile, SSO, instance), profile:NAME, or
keychain:ACCESS_KEY_ID for keys that were typed into the app; keychain alone for the only ones. When nobody says, it is
the one that the role was prepared with: the profile in AWS_PROFILE, else default.";

const TOKEN_HELP: &str = "\
RESOURCE is graph, key-vault, storage, aks, arm (as it is when nobody says), or a resource's own identifier: https://…, \
api://… or a GUID. The short names follow the Azure cloud in settings.toml. Google's tokens serve every API.

Examples:
  mcm token contoso                          for Azure Resource Manager
  mcm token contoso --resource graph         for Microsoft Graph, with the same sign-in
  mcm token --active azure --resource https://database.windows.net/ --json

Without --interactive it never opens a browser: an account that needs a sign-in ends the command at once with status 3.";

const CREDENTIAL_PROCESS_HELP: &str = "\
Prints AWS's credential_process JSON, Version 1, with a credential that lives for 15 minutes or longer. In
~/.aws/config:

  [profile production]
  credential_process = mcm credential-process ACCOUNT
  region = eu-central-1

Never opens a browser: an account that needs you ends the command at once with status 3. --interactive verifies the role \
again, as after you have mended its trust policy; it cannot sign in to the profile that the role is assumed with.";

const KUBE_TOKEN_HELP: &str = "\
Prints an ExecCredential as kubectl reads it from a program: for EKS a token of aws-iam-authenticator, for AKS one of \
Entra, for GKE the access token. In ~/.kube/config:

  users:
  - name: production
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: mcm
        args: [kube-token, ACCOUNT, --cluster, production]      # EKS; GKE and AKS need no --cluster
        interactiveMode: Never

An old kubectl wants apiVersion client.authentication.k8s.io/v1beta1, and no interactiveMode. Inside \"mcm exec\" no account \
has to be named. Without --interactive it never opens a browser: an account that needs you ends the command at once with \
status 3.";

/// Sign in to your clouds, switch between accounts, and hand short-lived credentials to other programs.
#[derive(Parser)]
#[command(name = "mcm", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign in to a cloud and connect the account
    #[command(subcommand)]
    Login(Login),
    /// List the connected accounts
    #[command(after_help = ACCOUNTS_HELP)]
    Accounts {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List an account's subscriptions, projects or regions
    Targets {
        /// The account
        account: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Read the list again first
        #[arg(long)]
        refresh: bool,
    },
    /// Make an account, and a subscription, project or region of it, the ones in use
    Use {
        /// The account
        account: String,
        /// The subscription, project or region: its id, its name, or a part of them that fits no other
        target: Option<String>,
    },
    /// Print an access token of Azure or Google Cloud that lives for 5 minutes or longer
    #[command(after_help = TOKEN_HELP)]
    Token {
        #[command(flatten)]
        whose: TokenOf,
        /// Azure: what the token is for, when not Resource Manager
        #[arg(long, value_name = "RESOURCE")]
        resource: Option<String>,
        /// Print JSON as `az account get-access-token` does
        #[arg(long)]
        json: bool,
        /// When only you can help, open a browser for you to sign in with, once for all that ask meanwhile
        #[arg(long)]
        interactive: bool,
    },
    /// Print an AWS account's credential, for credential_process in ~/.aws/config
    #[command(after_help = CREDENTIAL_PROCESS_HELP)]
    CredentialProcess {
        #[command(flatten)]
        whose: CredentialOf,
        /// When only you can help, verify the role again, once for all that ask meanwhile
        #[arg(long)]
        interactive: bool,
    },
    /// Print an account's credential for a Kubernetes cluster of EKS, GKE or AKS, as kubectl reads it from a program
    #[command(after_help = KUBE_TOKEN_HELP)]
    KubeToken {
        #[command(flatten)]
        whose: ClusterOf,
        /// When only you can help, open a browser for you to sign in with, once for all that ask meanwhile
        #[arg(long)]
        interactive: bool,
    },
    /// Connect another tenant that an account's sign-in may enter, without a browser
    AddTenant {
        /// The account
        account: String,
        /// The tenant: its id, its domain or its name
        tenant: String,
    },
    /// Give an account a name of your own; without a name it gets its cloud's back
    Rename {
        /// The account
        account: String,
        /// The new name
        name: Option<String>,
    },
    /// Disconnect an account and remove its secrets from the keychain
    Logout {
        #[command(flatten)]
        whose: LogoutOf,
    },
    /// List what happened to the accounts, newest first
    Activity {
        /// Only this account's
        account: Option<String>,
        /// How many lines at most
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: usize,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Check keychain, settings, accounts, clock, network and whatever else signing in needs
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Login {
    /// Sign in to Azure
    #[command(after_help = DEVICE_CODE_HELP)]
    Azure(AzureLogin),
    /// Sign in to Google Cloud
    #[command(after_help = GCP_HELP)]
    Gcp(GcpLogin),
    /// Connect an AWS role, or print what creates one
    #[command(after_help = LOGIN_AWS_HELP)]
    Aws(AwsLogin),
}

#[derive(Args)]
pub(crate) struct AzureLogin {
    /// The tenant to sign in to: its id or one of its domains
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// Also connect every other tenant that you may enter
    #[arg(long)]
    pub(crate) all_tenants: bool,
    #[command(flatten)]
    pub(crate) common: CommonLogin,
}

#[derive(Args)]
pub(crate) struct GcpLogin {
    #[command(flatten)]
    pub(crate) common: CommonLogin,
}

#[derive(Args)]
pub(crate) struct AwsLogin {
    #[command(flatten)]
    pub(crate) step: AwsStep,
    /// Who assumes the role
    #[arg(long, value_name = "SOURCE", conflicts_with_all = ["pending", "drop"])]
    pub(crate) source: Option<String>,
    /// How long its sessions last, 900 to 43200; an hour when nobody says
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = value_parser!(u32).range(900..=43_200),
        conflicts_with_all = ["pending", "drop"]
    )]
    pub(crate) session_duration: Option<u32>,
    /// The External ID, when several wait for a role or when your organisation dictates it
    #[arg(long, value_name = "ID", conflicts_with_all = ["pending", "drop"])]
    pub(crate) external_id: Option<String>,
    /// Connect the role although it can be assumed without the right External ID, and mark it so
    #[arg(long, conflicts_with_all = ["print", "pending", "drop"])]
    pub(crate) accept_not_enforced: bool,
    /// What the role may do: view-only (as it is when nobody says), read-only, none, or a policy's ARN
    #[arg(long, value_name = "POLICY", conflicts_with_all = ["role_arn", "pending", "drop"], value_parser = permissions)]
    pub(crate) permissions: Option<Permissions>,
    /// The name of the role to create
    #[arg(long, value_name = "NAME", conflicts_with_all = ["role_arn", "pending", "drop"])]
    pub(crate) role_name: Option<String>,
    /// Make a new External ID although one waits for its role already
    #[arg(long, conflicts_with_all = ["role_arn", "pending", "drop", "external_id"])]
    pub(crate) another: bool,
}

/// What a person wants of AWS; exactly one of them.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct AwsStep {
    /// Check the role with this ARN and connect it
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: Option<String>,
    /// Print what creates a role that you can connect
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) print: Option<Template>,
    /// List the External IDs that wait for their role
    #[arg(long)]
    pub(crate) pending: bool,
    /// Drop an External ID that waits for its role
    #[arg(long, value_name = "ID")]
    pub(crate) drop: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    TrustPolicy,
    Cloudformation,
    Terraform,
    Cli,
}

#[derive(Args)]
pub(crate) struct CommonLogin {
    /// How the answer comes back; only the app can receive a deep link, so mcm always uses loopback
    #[arg(long, value_enum, default_value_t = Redirect::Loopback)]
    pub(crate) redirect: Redirect,
    /// Sign in by typing a code on any device, for a machine without a browser or over SSH
    #[arg(long)]
    pub(crate) device_code: bool,
    /// Take out another person's account of the same tenant or address
    #[arg(long, conflicts_with = "keep_both")]
    pub(crate) replace: bool,
    /// Keep another person's account of the same tenant or address beside the new one
    #[arg(long)]
    pub(crate) keep_both: bool,
}

impl CommonLogin {
    /// What to do about another person's account of the same tenant or address.
    pub(crate) fn on_duplicate(&self) -> OnDuplicate {
        match (self.replace, self.keep_both) {
            (true, _) => OnDuplicate::Replace,
            (_, true) => OnDuplicate::KeepBoth,
            (false, false) => OnDuplicate::Fail,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Redirect {
    Loopback,
    DeepLink,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct TokenOf {
    /// The account
    pub(crate) account: Option<String>,
    /// The account in use in this cloud
    #[arg(long, value_name = "CLOUD", value_parser = cloud)]
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
    /// EKS: the cluster's region, when not the account's chosen one
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// AKS: the Entra application of the cluster's server, when not the one of every AKS cluster
    #[arg(long, value_name = "ID")]
    pub(crate) server_id: Option<String>,
}

impl ClusterOf {
    /// The options that were given, and the cloud that each is for.
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
#[group(required = true, multiple = false)]
pub(crate) struct LogoutOf {
    /// The account
    pub(crate) account: Option<String>,
    /// Every account, and every keychain entry of this app
    #[arg(long)]
    pub(crate) all: bool,
}

/// A cloud whose accounts have access tokens.
fn cloud(text: &str) -> Result<Cloud, String> {
    const WITH_TOKENS: [Cloud; 2] = [Cloud::Azure, Cloud::Gcp];
    if text == Cloud::Aws.as_str() {
        return Err("AWS has no access tokens; run \"mcm credential-process --active\"".to_owned());
    }
    let found = WITH_TOKENS.into_iter().find(|cloud| cloud.as_str() == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = WITH_TOKENS.iter().map(|cloud| cloud.as_str()).collect();
        format!("possible values: {}", names.join(", "))
    })
}

fn any_cloud(text: &str) -> Result<Cloud, String> {
    Cloud::ALL
        .into_iter()
        .find(|cloud| cloud.as_str() == text)
        .ok_or_else(|| format!("possible values: {}", Cloud::ALL.map(Cloud::as_str).join(", ")))
}

/// What a role may do.
#[expect(clippy::unnecessary_wraps, reason = "clap's parsers may fail; what is no ARN is told by the core")]
fn permissions(text: &str) -> Result<Permissions, String> {
    Ok(match text {
        "view-only" => Permissions::ViewOnly,
        "read-only" => Permissions::ReadOnly,
        "none" => Permissions::Nothing,
        arn => Permissions::Policy { arn: arn.to_owned() },
    })
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
