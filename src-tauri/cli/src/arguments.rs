//! The commands and options of `mcm`, and their help.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use mcm_core::account::Cloud;
use mcm_core::app::OnDuplicate;
use mcm_core::role::Permissions;
use url::Url;

use crate::cloud_argument::{any_cloud, cloud_with_tokens};
use crate::environment_arguments::EnvironmentCommand;
use crate::hook_arguments::{ALLOW_HELP, HOOK_HELP, HookLinesOptions, HookOptions, ShimOptions};
use crate::shell::Shell;
use crate::shell_arguments::{
    PROMPT_HELP, PromptOptions, SESSIONS_HELP, SHELL_HELP, SessionsOptions, ShellOptions,
};

const AFTER_HELP: &str = "\
ACCOUNT is an account's id, its name or its user name; ACCOUNT/TARGET also names a subscription, project, region or role
of it, by its id or whole name, for this command alone. Commands that issue no credential and remove nothing also accept a
part that matches one account. So do the others, at a terminal.

Examples:
  mcm login azure --all-tenants        sign in to every tenant that you can access
  mcm login aws --print cli            print commands that create a role for you
  mcm login aws --role-arn ARN         check that role and connect it
  mcm login aws --sso-start-url URL    sign in to IAM Identity Center: every account and role
  mcm accounts                         list the connected accounts
  mcm use contoso Production           switch to an account and a subscription
  mcm environment create dev --active aws,gcp   name the accounts in use, to work in both together
  mcm token --active azure             print an access token for the account in use
  mcm credential-process --active      print the AWS credential in use, as AWS's tools read it
  mcm configure aws                    write profiles that use it to ~/.aws/config
  mcm configure kube contoso --cluster c   a context in ~/.kube/config
  mcm console contoso                  the web console, signed in
  mcm whoami                           show which identity aws, az, gcloud and terraform use here
  mcm doctor                           find problems and how to fix them
  mcm exec production -- terraform plan   run a command as that account, with no secret in a file
  eval \"$(mcm env contoso)\"            set the credential in this shell's variables

Environment:
  MCM_AZURE_CLIENT_ID                  the app registration; else AZURE_CLIENT_ID
  AZURE_TENANT_ID                      the tenant to sign in to
  MCM_GOOGLE_CLIENT_ID, …_SECRET       the OAuth client of a desktop app; else GOOGLE_CLIENT_ID, …
  AWS_PROFILE, AWS_REGION, …           the identity that assumes the role, as for every AWS tool
  BROWSER                              the program that opens the sign-in page, on Linux
  MCM_BROWSER                          the same for mcm and the app alone, before BROWSER
  MCM_HOME                             one folder for settings, accounts and logs
  MCM_LOG                              log level: error, warn, info (default), debug, trace
  NO_COLOR                             no colour, even in a terminal

Exit status: 0 success, 1 failure, 2 wrong usage, 3 sign in again.";

const LOGIN_HELP: &str = "Without a cloud, at a terminal, it asks for one.";

const USE_HELP: &str = "\
Without an account, at a terminal, it shows a list that you narrow by typing: the same search as in the app.";

const ACCOUNTS_HELP: &str = "\
--json prints {\"accounts\":[…]}, each with id, provider (azure, gcp, aws), displayName, identity, status (connected,
expired, sign-in-again, locked, unknown (no keychain answers), offline), active and sessionExpiresAt (RFC 3339 or null). Azure accounts also have tenantId
and subscriptions, Google Cloud accounts email and projects. AWS accounts have accountId, roleArn, externalId,
externalIdEnforced (true, false or \"unknown\"), partition, region and kind (role); for IAM Identity Center kind (identity-center), startUrl, ssoRegion,
userName, partition, roles, role (the one in use) and pinned. New fields may appear; existing ones keep their meaning.";

const DEVICE_CODE_HELP: &str = "\
--device-code shows a page and a code to enter there, on any device. Use it only for a sign-in that you started: anyone \
who gets you to enter a code is signed in as you. Many organisations block device codes; a browser is safer.

--redirect-port is for a machine without a browser. It prints a line for ssh, which forwards the port from the computer with \
your browser, and a link to open there.";

const GCP_HELP: &str = "\
--device-code shows a page and a code to enter there, on any device. Google offers it only to OAuth clients of the type \
\"TVs and Limited Input devices\", and gives those no access to Google Cloud. So Google refuses it: sign in with a browser \
instead. The option is for your own OpenID issuers.

--redirect-port is for a machine without a browser. It prints a line for ssh, which forwards the port from the computer with \
your browser, and a link to open there.";

const TARGETS_HELP: &str = "\
--json prints {\"account\",\"readAt\",\"targets\":[…]}, each target with id, name, state (as the cloud reports it, or null) and
active. readAt is RFC 3339, or null. New fields may appear; existing ones keep their meaning.";

const ACTIVITY_HELP: &str = "\
--json prints {\"activity\":[…]}, each with at (RFC 3339), account (its id), cloud, name (at that time) and what. The kind of
what is connected, signed-in-again, renewed, renewal-failed, handed-out, used, targets-changed or disconnected. New fields and
kinds may appear; existing ones keep their meaning.

A hash chains each event to the previous one. --verify checks the chain, and prints the number of intact events and the last
hash. Note that hash: a later check shows whether it is still in its place in the chain. The exit status is 1 when an event was
changed. With --json it prints {\"events\":…,\"unchecked\":…,\"end\":…,\"intact\":…}.";

const EXPORT_HELP: &str = "\
Prints the accounts with their targets, the account in use in each cloud, AWS connections that wait for their role, the
names of typed access keys, and the activity. Secrets stay in the keychain. New fields may appear; existing ones keep their
meaning.";

const DOCTOR_HELP: &str = "\
Also finds what would override the accounts here: variables of other sign-ins, and credentials that aws, az and gcloud
keep in plain text. It names those files without showing their contents. Nothing is changed. The exit status is 1 when a
check fails.

--json prints {\"checks\":[…]}, each with name, status (ok, warn, fail), found and remedy (null when there is no problem). New
checks may appear; existing ones keep their names.";

const LOGIN_AWS_HELP: &str = "\
Connecting a role takes two steps. --print prints what creates the role, with a new External ID that is kept for it.
--role-arn checks the role and connects it: it assumes the role with the External ID, without one, and with a wrong one.
Only the first may succeed, otherwise the role is refused.

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

SOURCE is the identity that assumes the role: default (AWS's own chain: environment, profile, SSO, instance), profile:NAME,
keychain:ACCESS_KEY_ID for keys that --add-keys or the app stored in the keychain, or identity-center:ACCOUNT/123456789012/ROLE
for a role of a sign-in to IAM Identity Center. keychain alone means the only stored keys. Without --source, the source is the
one that the role was prepared with, then the profile in AWS_PROFILE, then default.";

const CONFIGURE_AWS_HELP: &str = "\
Writes a profile for each account. The profile runs mcm for its credential, so every AWS tool can use it and no key is on
the disk:

  [profile production]
  credential_process = /usr/bin/mcm credential-process aws-0123456789ab
  region = eu-central-1

The file is ~/.aws/config, or the one in AWS_CONFIG_FILE. The change is shown first and written after you confirm it.
Without a terminal, add --yes; otherwise nothing is written and the exit status is 2. Your own profiles, comments and order
stay byte for byte. The file as it was before mcm first changed it is kept as config.before-mcm. Profiles of mcm carry a
comment and are updated in place; a name that is taken is never overwritten. A file that AWS's own tools would reject is
refused, with the line to fix.

Of a sign-in to IAM Identity Center, the pinned roles become profiles, or the ones that you name as ACCOUNT/123456789012/ROLE;
--all takes every role. Without a region of their own, they work in that of the sign-in.

Examples:
  mcm configure aws --dry-run
  mcm configure aws contoso --all --filter ReadOnly --name-template '{account}-{role}'
  mcm configure aws contoso --name production
  mcm configure aws --undo";

const CONFIGURE_KUBE_HELP: &str = "\
The kubeconfig gets a user that runs \"mcm kube-token\" with the account's id, and a context of the cluster and that user.
No credential is in the file. The cluster itself is the one that aws, az or gcloud wrote there, or comes from --server and
--certificate-authority.

The file is the first of KUBECONFIG, or ~/.kube/config. As with \"mcm configure aws\" the change is shown first, everything
else stays byte for byte, and the file as it was is kept in config.before-mcm. The current context stays as it is.

Examples:
  mcm configure kube contoso-production --cluster production --region eu-central-1
  mcm configure kube contoso --cluster aks-1 --name work --dry-run
  mcm configure kube --undo";

const WHOAMI_HELP: &str = "\
Looks where the tools look, in their order: variables, profiles, their own sign-ins. It contacts no server and reads no
credential. What only a server knows, such as the machine's role, is shown as unknown.

--json prints {\"tools\":[…]}, each with tool (aws, az, gcloud, terraform-aws, terraform-azurerm, terraform-google), provider,
source, identity, place (region, subscription or project), account (its id, if it is connected here), why, activeAccount and
isActive (true, false, or null when unknown). New fields and sources may appear; existing ones keep their meaning.";

const CONSOLE_HELP: &str = "\
At AWS the console opens as the account's role, in its region. With --print the address goes to standard output: for 15
minutes, anyone who has it can act as the role. Keep it out of files and logs. Azure and Google Cloud sign you in by
themselves, and their addresses hold no secret.

Example:
  mcm console contoso-production
  mcm console contoso-production --print | xclip";

const COMPLETION_HELP: &str = "\
Add to the shell's start file:

  bash         source <(mcm completion bash)            in ~/.bashrc
  zsh          source <(mcm completion zsh)             in ~/.zshrc, after compinit
  fish         mcm completion fish | source             in ~/.config/fish/config.fish
  PowerShell   mcm completion powershell | Out-String | Invoke-Expression     in $PROFILE

Accounts are completed by a word of their name that matches no other account, by user name, or by id. Subscriptions of the
account on the line are completed by a word of their name or by id, projects and regions by id.";

const TOKEN_HELP: &str = "\
RESOURCE is graph, key-vault, storage, aks, arm (the default), or a resource's own identifier: https://…, api://… or a \
GUID. The short names follow the Azure cloud in settings.toml. Google's tokens are valid for every API.

Examples:
  mcm token contoso                          for Azure Resource Manager
  mcm token contoso --resource graph         for Microsoft Graph, with the same sign-in
  mcm token --active azure --resource https://database.windows.net/ --json

Without --interactive it never opens a browser: for an account that needs a sign-in, the exit status is 3.";

const CREDENTIAL_PROCESS_HELP: &str = "\
Prints AWS's credential_process JSON, Version 1, with a credential that is valid for at least 15 minutes. In
~/.aws/config:

  [profile production]
  credential_process = mcm credential-process ACCOUNT
  region = eu-central-1

It never opens a browser: for an account that needs a sign-in, the exit status is 3. --interactive verifies the role again, \
for example after you fixed its trust policy. It cannot sign in to the profile that assumes the role.";

const KUBE_TOKEN_HELP: &str = "\
Prints an ExecCredential, as kubectl reads it from a program: for EKS a token of aws-iam-authenticator, for AKS an Entra \
token, for GKE the access token. In ~/.kube/config:

  users:
  - name: production
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: mcm
        args: [kube-token, ACCOUNT, --cluster, production]   # only EKS needs --cluster
        interactiveMode: Never

Old versions of kubectl need apiVersion client.authentication.k8s.io/v1beta1, without interactiveMode. Inside \"mcm exec\" \
you can omit ACCOUNT. Without --interactive it never opens a browser: for an account that needs a sign-in, the exit status \
is 3.";

const EXEC_HELP: &str = "\
The command gets its credentials from an endpoint on this machine, and renews them there. The endpoint exists only while the
command runs. Each cloud's tools use their own mechanism: container credentials for AWS, an App Service identity for Azure,
a credential file without a secret for Google Cloud. Variables that would override the account are unset for the command.
If the default profile of ~/.aws has credentials, the command gets a read-only copy of the file without them. If no copy would
be safe, the command does not start. az and azd get their own folders, in which they are signed in as the account. ~/.azure is
not changed, and only az's extensions and settings are read from it. gsutil gets its own file.

Finally, mcm looks where each tool will look. If one would use another identity, the command does not start, and the message
names the cause. With --force, mcm reports that and continues.

Examples:
  mcm exec contoso-production -- aws s3 ls
  mcm exec contoso ada@example.com -- terraform plan
  mcm exec --active aws -- ./deploy.sh
  mcm exec production -- bash
  mcm exec -E prod-eu -- make deploy

With --environment, the command works as every account of the environment, whatever AWS_REGION says. In an exclusive or
protected one, the tools of the clouds that it does not name find no identity. KUBECONFIG then begins with an empty file of the
command's own, so that \"kubectl config use-context\" does not switch other terminals.

--active follows the account in use while the command runs: each credential is for the account in use at that moment. The
region, tenant, subscription or project in the command's variables is set once, at the start.

--env puts the credential itself into the command's variables, for tools that know no endpoint: AWS access keys, and
CLOUDSDK_AUTH_ACCESS_TOKEN and GOOGLE_OAUTH_ACCESS_TOKEN. These are not renewed; standard error shows when they expire.
Azure's tools read no token from a variable, so Azure still uses the endpoint.

--interactive applies to the start: it signs in to each account that needs it, one after the other, or verifies the AWS role
again, and the command waits. While the command runs, no browser opens. A credential that needs a sign-in is then refused with
the command to run, and the next request succeeds once you have signed in.

AWS_REGION overrides the account's region in use, and --region overrides both.

A signal sent to mcm is passed on to the command. Ctrl-C in a terminal reaches it once, as without mcm. A signal sent to
the whole process group (kill -- -PGID) reaches it twice, so send that to mcm alone.

Exit status: the command's own; 128 plus the signal's number when a signal ended it; 127 when it was not found and 126 when
it cannot be run. Before it starts: 1 failure, 2 wrong usage, 3 sign in again.";

const ENV_HELP: &str = "\
Examples:
  eval \"$(mcm env contoso-production)\"               bash, zsh
  mcm env contoso-production | source                  fish
  mcm env contoso-production --shell powershell | Out-String | Invoke-Expression
  for /f \"delims=\" %i in ('mcm env contoso-production --shell cmd') do @%i       cmd.exe
  eval \"$(mcm env --unset)\"                          unset everything again

The credential is in the shell's variables and is not renewed. Every program that the shell starts can read it. Standard error
shows when it expires. If a profile in ~/.aws/config runs this \"mcm credential-process\" for the account, and every client
reads it the same way, AWS_PROFILE names that profile instead, and the shell has no AWS secret. Azure's tools read no token
from a variable: AZURE_ACCESS_TOKEN is for scripts. Google's libraries and gsutil read none either, and find no credential.
\"mcm exec\" has none of these limits. If a tool would use another identity, for example az with its own sign-in, the command
fails. With --force, mcm reports that and continues.

Without --interactive it never opens a browser: for an account that needs a sign-in, the exit status is 3.

If it fails and its output is not a terminal, it prints commands that unset what would act as another account, and then a
command that fails. So eval \"$(mcm env …)\" fails too, and stops a script that runs under \"set -e\".

The output begins with \"false || true\", so that the shell only gets \"false\" from an mcm that was killed. cmd.exe gets a
command that fails at the beginning and one that succeeds at the end: %ERRORLEVEL% shows which came last. MCM_ENV marks the
key, so that mcm never mistakes it for your own.

The commands are for the shell that runs mcm. Any other program must choose one with --shell.

--unset prints commands that unset every variable that decides which identity, or which place, the tools of a cloud use.";

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
    },
    /// Print a shell's completion script for commands, options and names
    #[command(after_help = COMPLETION_HELP)]
    Completion {
        /// The shell
        #[arg(value_parser = Shell::with_completion())]
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
    /// Write without asking
    #[arg(long, short = 'y', conflicts_with = "dry_run")]
    pub(crate) yes: bool,
    /// Show the change and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
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
    /// Sign in to IAM Identity Center, connect an AWS role, or print a template that creates one
    #[command(after_help = LOGIN_AWS_HELP)]
    Aws(Box<AwsLogin>),
}

impl Login {
    /// Signing in to a cloud, with every option at its default.
    pub(crate) fn to(cloud: Cloud) -> Self {
        let arguments = Arguments::parse_from(["mcm", "login", cloud.as_str()]);
        match arguments.command {
            Command::Login { cloud: Some(login) } => login,
            _ => unreachable!("it was asked to sign in"),
        }
    }
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
    /// Sign in to Identity Center with the browser of another computer, which reaches this port through SSH
    #[arg(long, value_name = "PORT", requires = "sso_start_url", conflicts_with = "device_code", value_parser = value_parser!(u16).range(1024..))]
    pub(crate) redirect_port: Option<u16>,
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
    /// The name of its sessions, which CloudTrail shows and a trust policy may demand [default: the caller's name]
    #[arg(long, value_name = "NAME", conflicts_with_all = NO_ROLE, conflicts_with = "print")]
    pub(crate) session_name: Option<String>,
    /// With --add-keys: the ARN or serial number of the MFA device that confirms sessions of the keys
    #[arg(long, value_name = "ARN", requires = "add_keys")]
    pub(crate) mfa_serial: Option<String>,
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
    /// Sign in with the browser of another computer, which reaches this port through SSH
    #[arg(long, value_name = "PORT", conflicts_with = "device_code", value_parser = value_parser!(u16).range(1024..))]
    pub(crate) redirect_port: Option<u16>,
    /// Sign in with the client id in force although connected accounts have another
    #[arg(long)]
    pub(crate) new_client: bool,
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

/// Parses a role's permissions.
#[expect(
    clippy::unnecessary_wraps,
    reason = "clap's parsers may fail; the core reports an invalid ARN"
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
