//! The commands and options of `mcm`, and their help.

use std::ffi::OsString;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use mcm_core::account::Cloud;
use mcm_core::app::OnDuplicate;
use mcm_core::role::Permissions;

use crate::shell::Shell;

const AFTER_HELP: &str = "\
ACCOUNT is an account's id, its name or its user name; ACCOUNT/TARGET also names a subscription, project, region or role
of it, by its id or whole name, for this command alone. Where nothing is issued or removed, and at a terminal, a part of
them that fits no other account does too.

Examples:
  mcm login azure --all-tenants        sign in to every tenant that you may enter
  mcm login aws --print cli            commands that create a role for you
  mcm login aws --role-arn ARN         check that role, and connect it
  mcm login aws --sso-start-url URL    sign in to IAM Identity Center: every account and role
  mcm accounts                         what is connected, and what is in use
  mcm use contoso Production           choose an account and a subscription
  mcm token --active azure             an access token of the account in use
  mcm credential-process --active      the same for AWS, as its own tools read it
  mcm configure aws                    profiles in ~/.aws/config that do so
  mcm whoami                           as whom aws, az, gcloud and terraform work in this shell
  mcm doctor                           what is wrong, and how to mend it
  mcm exec production -- terraform plan   a command as that account, with no secret in a file
  eval \"$(mcm env contoso)\"            the same for this shell, with the credential in its variables

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
false or \"unknown\"), partition, region and kind (role); for IAM Identity Center kind (identity-center), startUrl, ssoRegion,
userName, partition, roles, role (the one in use) and pinned. Fields may be added; none changes its meaning.";

const DEVICE_CODE_HELP: &str = "\
--device-code shows a page and a code to type there, on any device. Use it only for a sign-in that you started \
yourself: whoever talks you into typing a code is signed in as you. Many organisations block this way; a browser on this \
machine is the safer one.";

const GCP_HELP: &str = "\
--device-code shows a page and a code to type there, on any device. Google offers that to clients of the type TVs and \
Limited Input devices only, and grants them no access to Google Cloud, so at Google itself it is refused: sign in with a \
browser. It serves issuers of your own.";

const TARGETS_HELP: &str = "\
--json prints {\"account\",\"readAt\",\"targets\":[…]}, each target with id, name, state (the cloud's own word, or null) and active.
readAt is RFC 3339, or null. Fields may be added; none changes its meaning.";

const ACTIVITY_HELP: &str = "\
--json prints {\"activity\":[…]}, each with at (RFC 3339), account (its id), cloud, name (as it was called then) and what,
whose kind is connected, signed-in-again, renewed, renewal-failed, handed-out, used, targets-changed or disconnected. Fields
and kinds may be added; none changes its meaning.

Each event is chained to the one before by a hash. --verify checks that, and prints how many events fit and the hash of
the last: note it, and a later check shows whether it is still in the chain's place. Status 1 when something was changed. With
--json it prints {\"events\":…,\"unchecked\":…,\"end\":…,\"intact\":…}.";

const EXPORT_HELP: &str = "\
Prints the accounts with their targets, the account in use in each cloud, connections to AWS that wait for their role, the
names of typed access keys, and the activity. Secrets stay in the keychain. Fields may be added; none changes its meaning.";

const DOCTOR_HELP: &str = "\
Also looks for what would win over the accounts here: variables of other sign-ins, and credentials that aws, az and gcloud
keep in plain text, which are named without what is in them. Nothing is changed. Status 1 when a check fails.

--json prints {\"checks\":[…]}, each with name, status (ok, warn, fail), found and remedy (null when all is well). Checks may
be added; none changes its name.";

const LOGIN_AWS_HELP: &str = "\
A role is connected in two steps. --print gives what creates it, with a new External ID that is kept for it, and
--role-arn checks the role that was created and connects it. The checks assume it with the External ID, without one
and with a wrong one: only the first may succeed, else the role is refused.

Without options, the start URLs of IAM Identity Center in ~/.aws/config are listed. --sso-start-url takes any form of a
start URL. One sign-in serves every account and role that is assigned to you; name them as ACCOUNT/123456789012/ROLE.

Examples:
  mcm login aws --sso-start-url https://d-1234567890.awsapps.com/start
  mcm login aws --print cli --source profile:work
  mcm login aws --print terraform --permissions none > role.tf
  mcm login aws --role-arn arn:aws:iam::123456789012:role/MultiCloudManager-1a2b3c4d
  mcm login aws --pending
  mcm login aws --add-keys
  aws iam create-access-key --query 'AccessKey.[AccessKeyId,SecretAccessKey]' --output text |
    mcm login aws --add-keys

SOURCE says who assumes the role: default (AWS's own chain: environment, profile, SSO, instance), profile:NAME, or
keychain:ACCESS_KEY_ID for keys that --add-keys or the app took into the keychain; keychain alone for the only ones. When
nobody says, it is the one that the role was prepared with: the profile in AWS_PROFILE, else default.";

const CONFIGURE_AWS_HELP: &str = "\
Each account becomes a profile that asks mcm for its credential, so that every program of AWS can use it and no key lies
on the disk:

  [profile production]
  credential_process = /usr/bin/mcm credential-process aws-0123456789ab
  region = eu-central-1

The file is ~/.aws/config, or what AWS_CONFIG_FILE names. The change is shown first and made when you agree; without a
terminal to ask on it needs --yes, and is otherwise only shown, with status 2. Profiles of yours, comments and order
stay byte for byte; what was there before mcm first changed it is kept in config.before-mcm. Our profiles
are found by the comment in them and brought up to date where they are, and a name that is taken is never overwritten. A file that AWS's own tools would not
read is refused, with the line to mend.

Of a sign-in to IAM Identity Center, the pinned roles become profiles, or the ones that you name as ACCOUNT/123456789012/ROLE;
--all takes every role. Without a region of their own, they work in that of the sign-in.

Examples:
  mcm configure aws --dry-run
  mcm configure aws contoso --all --filter ReadOnly --name-template '{account}-{role}'
  mcm configure aws contoso --name production
  mcm configure aws --undo";

const WHOAMI_HELP: &str = "\
Looks where the tools look, in their order: variables, profiles, their own sign-ins. Asks no server and reads no
credential; what only a server knows, such as the role of the machine, is said to be unknown.

--json prints {\"tools\":[…]}, each with tool (aws, az, gcloud, terraform-aws, terraform-azurerm, terraform-google),
provider, source, identity, place (region, subscription or project), account (its id here, if it is one of ours), why,
activeAccount and isActive (true, false, or null when that cannot be told). Fields and sources may be added; none changes its
meaning.";

const COMPLETION_HELP: &str = "\
Add to the shell's start file:

  bash         source <(mcm completion bash)            in ~/.bashrc
  zsh          source <(mcm completion zsh)             in ~/.zshrc, after compinit
  fish         mcm completion fish | source             in ~/.config/fish/config.fish
  PowerShell   mcm completion powershell | Out-String | Invoke-Expression     in $PROFILE

An account is offered by a word of its name that fits no other account, by its user name, or by its id; a subscription of
the account on the line by a word of its name or its id, a project or region by its id.";

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
        args: [kube-token, ACCOUNT, --cluster, production]   # only EKS needs --cluster
        interactiveMode: Never

An old kubectl wants apiVersion client.authentication.k8s.io/v1beta1, and no interactiveMode. Inside \"mcm exec\" no account \
has to be named. Without --interactive it never opens a browser: an account that needs you ends the command at once with \
status 3.";

const EXEC_HELP: &str = "\
The command finds its credentials at an endpoint on this machine that lives as long as it does, and renews them there.
Each cloud's own way is used: a container's credentials for AWS, an App Service's identity for Azure, a credential file
without a secret for Google Cloud. Variables that would win over the account are unset for the command; where the
default profile of ~/.aws has credentials, it gets a read-only copy of that file without them, and is refused where a copy
could not be safe. az and azd get folders of their own, in which they are signed in as the account: ~/.azure is neither read
nor changed, but for az's extensions and settings. gsutil gets a file of its own.

Last, mcm looks where each tool will look. Where one would work as another identity, nothing is started, and the message
names what wins. --force reports that and goes on.

Examples:
  mcm exec contoso-production -- aws s3 ls
  mcm exec contoso ada@example.com -- terraform plan
  mcm exec --active aws -- ./deploy.sh
  mcm exec production -- bash

--active follows what is in use while the command runs: each credential is of the account in use at that moment. What
the command was told when it started cannot follow: the region, tenant, subscription or project in its variables.

--env puts the credential itself into the command's variables, for tools that know no endpoint: AWS access keys, and
CLOUDSDK_AUTH_ACCESS_TOKEN and GOOGLE_OAUTH_ACCESS_TOKEN. They are not renewed; until when they are good is told on
standard error. Azure's tools read no token from a variable, so Azure stays as it is.

--interactive is about the start: each account that needs you is signed in to, one after the other, and the command waits;
a role of AWS is verified again. While the command runs, no browser opens, with or without it: a credential that only you
can renew is refused at once, with what to run, and is there again for the next request when you have done so.

A region in AWS_REGION wins over the one in use for the account, and --region over both.

A signal that is sent to mcm is passed on to the command. Ctrl-C in a terminal reaches it once, as without mcm; what a
program sends to the whole process group (kill -- -PGID) reaches it twice, so send that to mcm alone.

Exit status: the command's own; 128 and its number when a signal ended it; 127 when it was not found and 126 when it
cannot be run. Before it starts: 1 failed, 2 wrong usage, 3 sign in again.";

const ENV_HELP: &str = "\
Examples:
  eval \"$(mcm env contoso-production)\"               bash, zsh
  mcm env contoso-production | source                  fish
  mcm env contoso-production --shell powershell | Out-String | Invoke-Expression
  eval \"$(mcm env --unset)\"                          take everything back

The credential is in the shell's variables, is not renewed, and can be read by every program that the shell starts;
standard error says until when it is valid. When a profile of ~/.aws/config runs this
\"mcm credential-process\" for the account, and no client would read it otherwise, AWS_PROFILE names it instead, and no secret of AWS is in the shell. Azure's tools read no token from a
variable: AZURE_ACCESS_TOKEN is for scripts. Google's libraries and gsutil read none either, and find no identity. \"mcm exec\"
has none of these limits. Where a tool would work as another identity, as az signed in as another user does, it fails;
--force reports that and goes on.

Without --interactive it never opens a browser: an account that needs you ends the command at once with status 3.

When it fails and its output is not a terminal, it prints lines that unset what would work as another account, and end
with a command that fails: eval \"$(mcm env …)\" then fails too, and stops a script that runs under \"set -e\".

The lines begin with \"false || true\": of an mcm that is killed, the shell gets \"false\" alone. MCM_ENV marks the key, so that
mcm never takes it for your own.

The lines are for the shell whose file runs mcm. Any other program has to name one with --shell.

--unset prints lines that unset every variable that says as whom, or where, the tools of a cloud work.";

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
    pub(crate) wish: IssueCommand,
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
    Use {
        /// The account
        account: String,
        /// The subscription, project or region: its id, its name, or a part that matches no other
        target: Option<String>,
    },
    #[command(flatten)]
    IssueCommand(IssueCommand),
    /// Add accounts to the configuration of other programs
    #[command(subcommand)]
    Configure(Configure),
    /// Show which identity aws, az, gcloud and terraform use in this shell, and why
    #[command(after_help = WHOAMI_HELP)]
    Whoami {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a shell's completion script for commands, options and names
    #[command(after_help = COMPLETION_HELP)]
    Completion {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Run a command as one or more accounts
    #[command(after_help = EXEC_HELP)]
    Exec(Exec),
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
    /// Rename an account; without NAME, restore its cloud's name
    Rename {
        /// The account
        account: String,
        /// The new name
        name: Option<String>,
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
        /// When only you can help, open a browser for you to sign in with, once for all that ask meanwhile
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
        /// When only you can help, open a browser for you to sign in with, once for all that ask meanwhile
        #[arg(long)]
        interactive: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Configure {
    /// Write a profile for each AWS account into AWS's config file
    #[command(after_help = CONFIGURE_AWS_HELP)]
    Aws(ConfigureAws),
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
    #[arg(long, value_name = "TEMPLATE", default_value = "{account}-{role}", conflicts_with_all = ["name", "undo"])]
    pub(crate) name_template: String,
    /// The profile's name; for one account only
    #[arg(long, value_name = "NAME", conflicts_with = "undo")]
    pub(crate) name: Option<String>,
    /// Write without asking
    #[arg(long, short = 'y', conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// Show the change and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remove what this command added, and nothing else
    #[arg(long)]
    pub(crate) undo: bool,
}

#[derive(Subcommand)]
pub(crate) enum Login {
    /// Sign in to Azure
    #[command(after_help = DEVICE_CODE_HELP)]
    Azure(AzureLogin),
    /// Sign in to Google Cloud
    #[command(after_help = GCP_HELP)]
    Gcp(GcpLogin),
    /// Sign in to IAM Identity Center, connect an AWS role, or print what creates one
    #[command(after_help = LOGIN_AWS_HELP)]
    Aws(Box<AwsLogin>),
}

#[derive(Args)]
pub(crate) struct AzureLogin {
    /// The tenant to sign in to: its id or one of its domains
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// Also connect every other tenant that you can access
    #[arg(long)]
    pub(crate) all_tenants: bool,
    /// What the sign-in has to prove: the text that az or terraform printed with this option
    #[arg(long, value_name = "BASE64")]
    pub(crate) claims_challenge: Option<String>,
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
    /// The region of Identity Center, when it is not to be found
    #[arg(long, value_name = "REGION", requires = "sso_start_url")]
    pub(crate) sso_region: Option<String>,
    /// Sign in to Identity Center by typing a code on any device
    #[arg(long, requires = "sso_start_url")]
    pub(crate) device_code: bool,
    /// Replace the account already connected for this start URL
    #[arg(long, requires = "sso_start_url", conflicts_with = "keep_both")]
    pub(crate) replace: bool,
    /// Keep the account already connected for this start URL beside the new one
    #[arg(long, requires = "sso_start_url")]
    pub(crate) keep_both: bool,
    /// The identity that assumes the role
    #[arg(long, value_name = "SOURCE", conflicts_with_all = NO_ROLE)]
    pub(crate) source: Option<String>,
    /// How long its sessions last, 900 to 43200 (default: 3600)
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = value_parser!(u32).range(900..=43_200),
        conflicts_with_all = NO_ROLE
    )]
    pub(crate) session_duration: Option<u32>,
    /// The External ID, if several wait for a role or your organisation gave you one
    #[arg(long, value_name = "ID", conflicts_with_all = NO_ROLE)]
    pub(crate) external_id: Option<String>,
    /// Connect the role even if it can be assumed without the right External ID, and mark it as such
    #[arg(long, conflicts_with_all = NO_ROLE, conflicts_with = "print")]
    pub(crate) accept_not_enforced: bool,
    /// The role's permissions: view-only (default), read-only, none, or a policy's ARN
    #[arg(long, value_name = "POLICY", conflicts_with_all = NO_ROLE, conflicts_with = "role_arn", value_parser = permissions)]
    pub(crate) permissions: Option<Permissions>,
    /// The name of the role to create
    #[arg(long, value_name = "NAME", conflicts_with_all = NO_ROLE, conflicts_with = "role_arn")]
    pub(crate) role_name: Option<String>,
    /// Create a new External ID even if another one waits for its role
    #[arg(long, conflicts_with_all = NO_ROLE, conflicts_with_all = ["role_arn", "external_id"])]
    pub(crate) another: bool,
}

/// The steps of `mcm login aws` that concern no role.
const NO_ROLE: [&str; 6] = [
    "pending",
    "drop",
    "add_keys",
    "keys",
    "remove_keys",
    "sso_start_url",
];

/// The step of `mcm login aws`: exactly one.
#[derive(Args)]
#[group(required = false, multiple = false)]
pub(crate) struct AwsStep {
    /// Sign in to IAM Identity Center at this start URL
    #[arg(long, value_name = "URL")]
    pub(crate) sso_start_url: Option<String>,
    /// Check the role with this ARN and connect it
    #[arg(long, value_name = "ARN")]
    pub(crate) role_arn: Option<String>,
    /// Print a template that creates a role
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) print: Option<Template>,
    /// List the External IDs that wait for their role
    #[arg(long)]
    pub(crate) pending: bool,
    /// Discard an External ID that waits for its role
    #[arg(long, value_name = "ID")]
    pub(crate) drop: Option<String>,
    /// Store access keys in the keychain, typed or from standard input, after checking them with AWS
    #[arg(long)]
    pub(crate) add_keys: bool,
    /// List the access keys in the keychain
    #[arg(long)]
    pub(crate) keys: bool,
    /// Remove access keys that no connection uses from the keychain
    #[arg(long, value_name = "ACCESS_KEY_ID")]
    pub(crate) remove_keys: Option<String>,
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
    /// Redirect method; only the app can receive a deep link, so mcm always uses loopback
    #[arg(long, value_enum, default_value_t = Redirect::Loopback)]
    pub(crate) redirect: Redirect,
    /// Sign in by entering a code on any device, for SSH or a machine without a browser
    #[arg(long)]
    pub(crate) device_code: bool,
    /// Replace the account already connected for the same tenant or address
    #[arg(long, conflicts_with = "keep_both")]
    pub(crate) replace: bool,
    /// Keep the account already connected for the same tenant or address beside the new one
    #[arg(long)]
    pub(crate) keep_both: bool,
}

impl CommonLogin {
    /// What to do when another user's account of the same tenant or address is connected.
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
    /// EKS: the cluster's region, if not the account's chosen one
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// AKS: the Entra application id of the cluster's server, if not the default one
    #[arg(long, value_name = "ID")]
    pub(crate) server_id: Option<String>,
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

#[derive(Args)]
pub(crate) struct Env {
    #[command(flatten)]
    pub(crate) whose: AccountsOf,
    /// The shell to print for [default: the one that runs mcm]
    #[arg(long, value_enum)]
    pub(crate) shell: Option<Shell>,
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
    #[arg(long, conflicts_with_all = ["accounts", "active", "interactive", "region", "force"])]
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

/// Any cloud.
fn any_cloud(text: &str) -> Result<Cloud, String> {
    let found = Cloud::ALL.into_iter().find(|cloud| cloud.as_str() == text);
    found.ok_or_else(|| {
        format!(
            "possible values: {}",
            Cloud::ALL.map(Cloud::as_str).join(", ")
        )
    })
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

/// Parses a role's permissions.
#[expect(
    clippy::unnecessary_wraps,
    reason = "clap's parsers may fail; what is no ARN is told by the core"
)]
fn permissions(text: &str) -> Result<Permissions, String> {
    Ok(match text {
        "view-only" => Permissions::ViewOnly,
        "read-only" => Permissions::ReadOnly,
        "none" => Permissions::Nothing,
        arn => Permissions::Policy {
            arn: arn.to_owned(),
        },
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
