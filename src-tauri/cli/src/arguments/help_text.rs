//! The longer help of commands, with their examples: what `mcm COMMAND --help` adds below the options.
//!
//! The reference and the manual page are generated from the same text.

pub(super) const AFTER_HELP: &str = "\
ACCOUNT is an account's id, its name or its user name; ACCOUNT/TARGET also names a subscription, project, region or role
of it, for this command alone. Names are whole. At a terminal a part that matches one account is enough, and mcm says which
account it is.

Examples:
  mcm login azure --all-tenants         sign in to every tenant you can access
  mcm login aws --print cli             print what creates a role for you
  mcm login aws --role-arn ARN          check that role and connect it
  mcm login aws --sso-start-url URL     sign in to IAM Identity Center
  mcm accounts                          list the connected accounts
  mcm use contoso Production            switch account and subscription
  mcm exec production -- terraform plan
                                        run a command as that account
  eval \"$(mcm env contoso)\"             set its credential in this shell
  mcm token --active azure              an access token for the one in use
  mcm credential-process --active       the AWS credential in use, as JSON
  mcm configure aws                     write profiles to ~/.aws/config
  mcm configure kube contoso --cluster c
                                        add a context to ~/.kube/config
  mcm console contoso                   the web console, signed in
  mcm environment create dev --active aws,gcp
                                        name the accounts in use in both
  mcm whoami                            which identity your tools use here
  mcm doctor                            find problems and how to fix them

Environment:
  MCM_AZURE_CLIENT_ID                   the app registration; else
                                        AZURE_CLIENT_ID
  AZURE_TENANT_ID                       the tenant to sign in to
  MCM_GOOGLE_CLIENT_ID, …_SECRET        the OAuth client of a desktop app;
                                        else GOOGLE_CLIENT_ID, …_SECRET
  AWS_PROFILE, AWS_REGION, …            who assumes the role, as in AWS's tools
  BROWSER                               what opens sign-in pages, on Linux
  MCM_BROWSER                           the same, for mcm and the app alone
  MCM_HOME                              a folder for settings, accounts, logs
  MCM_LOG                               error, warn, info, debug or trace
  NO_COLOR                              no colour, even in a terminal

Exit status: 0 success, 1 failure, 2 wrong usage, 3 sign in again.";

pub(super) const LOGIN_HELP: &str = "Without a cloud, at a terminal, it asks for one.";

pub(super) const USE_HELP: &str = "\
Without an account, at a terminal, it shows a list that you narrow by typing: the same search as in the app.";

pub(super) const ACCOUNTS_HELP: &str = "\
--json prints {\"accounts\":[…]}, each with id, provider (azure, gcp, aws), displayName, identity, status (connected,
expired, sign-in-again, locked, unknown (no keychain answers), offline), active and sessionExpiresAt (RFC 3339 or null). Azure accounts also have tenantId
and subscriptions, Google Cloud accounts email and projects. AWS accounts have accountId, roleArn, externalId,
externalIdEnforced (true, false or \"unknown\"), partition, region and kind (role); for IAM Identity Center kind (identity-center), startUrl, ssoRegion,
userName, partition, roles, role (the one in use) and pinned. New fields may appear; existing ones keep their meaning.";

pub(super) const DEVICE_CODE_HELP: &str = "\
--device-code shows a page and a code to enter there, on any device. Use it only for a sign-in that you started: anyone \
who gets you to enter a code is signed in as you. Many organisations block device codes; a browser is safer.

--redirect-port is for a machine without a browser. It prints a line for ssh, which forwards the port from the computer with \
your browser, and a link to open there.";

pub(super) const GCP_HELP: &str = "\
--device-code shows a page and a code to enter there, on any device. Google offers it only to OAuth clients of the type \
\"TVs and Limited Input devices\", and gives those no access to Google Cloud. So Google refuses it: sign in with a browser \
instead. The option is for your own OpenID issuers.

--redirect-port is for a machine without a browser. It prints a line for ssh, which forwards the port from the computer with \
your browser, and a link to open there.";

pub(super) const TARGETS_HELP: &str = "\
--json prints {\"account\",\"readAt\",\"targets\":[…]}, each target with id, name, state (as the cloud reports it, or null) and
active. readAt is RFC 3339, or null. New fields may appear; existing ones keep their meaning.";

pub(super) const ACTIVITY_HELP: &str = "\
--json prints {\"activity\":[…]}, each with at (RFC 3339), account (its id), cloud, name (at that time) and what. The kind of
what is connected, restored, signed-in-again, renewed, renewal-failed, handed-out, used, targets-changed or disconnected. New fields and
kinds may appear; existing ones keep their meaning.

A hash chains each event to the previous one. --verify checks the chain, and prints the number of intact events and the last
hash. Note that hash: a later check shows whether it is still in its place in the chain. The exit status is 1 when an event was
changed. With --json it prints {\"events\":…,\"unchecked\":…,\"end\":…,\"intact\":…}.";

pub(super) const EXPORT_HELP: &str = "\
Prints the accounts with their targets, the account in use in each cloud, AWS connections that wait for their role, the
names of typed access keys, and the activity. Secrets stay in the keychain. New fields may appear; existing ones keep their
meaning.";

pub(super) const IMPORT_HELP: &str = "\
Looks where other tools keep their configuration, and never at their tokens: ~/.aws/config (the AWS CLI, aws-vault, Granted),
aws-sso-cli, Granted's own file, the Azure CLI and gcloud. Leapp encrypts its file, so its sessions cannot be read. Nothing is
stored before you choose. An account keeps the name that it has there, and what is connected already is shown as such.

Without names, at a terminal, it shows a list to choose from, and signs in to each, one after the other. A sign-in as another
user than the one that the file names is refused.

--device-code and --redirect-port are those of \"mcm login\". Google refuses codes, and a role of AWS needs neither.

--json prints {\"accounts\":[…],\"unread\":[…]}. Each account has id, cloud, name, signIn (kind: tenant, google, portal or role, with
its fields), tools (each with tool and file), names, obstacle (why it cannot be signed in to, or null) and connected (an account's id
or null). New fields and kinds may appear; existing ones keep their meaning.

Examples:
  mcm import
  mcm import --list
  mcm import work ada@contoso.example";

pub(super) const BACKUP_HELP: &str = "\
A backup holds the accounts with their names, colours, stars, pins and chosen targets, the account in use in each cloud, the
environments, AWS connections that wait for their role, and the settings. No secret is in it, and no setting that names a
secret, a program or a file of this machine. The passphrase is asked for twice, and nothing opens the file without it. The
format is that of age (https://age-encryption.org).

A restore changes all or nothing. An account, an environment or a setting that exists here stays, and is named. A restored
account needs a sign-in before it works.

Examples:
  mcm backup ~/accounts.age
  mcm restore ~/accounts.age
  mcm backup --force --passphrase-file - accounts.age < passphrase";

pub(super) const DOCTOR_HELP: &str = "\
Also finds what would override the accounts here: variables of other sign-ins, and credentials that aws, az and gcloud
keep in plain text. It names those files without showing their contents. Nothing is changed. The exit status is 1 when a
check fails.

--json prints {\"checks\":[…]}, each with name, status (ok, warn, fail), found and remedy (null when there is no problem). New
checks may appear; existing ones keep their names.";

pub(super) const LOGIN_AWS_HELP: &str = "\
Connecting a role takes two steps. --print prints what creates the role, with a new External ID that is kept for it.
--role-arn checks the role and connects it: it assumes the role with the External ID, without one, and with a wrong one.
Only the first may succeed, otherwise the role is refused.

Without options, the start URLs of IAM Identity Center in ~/.aws/config are listed. --sso-start-url takes any form of a
start URL. One sign-in serves every account and role that is assigned to you; name them as ACCOUNT/123456789012/ROLE.

Examples:
  mcm login aws --sso-start-url https://d-1234567890.awsapps.com/start
  mcm login aws --print cli --source profile:work
  mcm login aws --print terraform --permissions none > role.tf
  mcm login aws --role-arn arn:aws:iam::123456789012:role/Operator
  mcm login aws --pending
  mcm login aws --add-keys
  aws iam create-access-key --output text \\
    --query 'AccessKey.[AccessKeyId,SecretAccessKey]' | mcm login aws --add-keys

SOURCE is the identity that assumes the role: default (AWS's own chain: environment, profile, SSO, instance), profile:NAME,
keychain:ACCESS_KEY_ID for keys that --add-keys or the app stored in the keychain, or identity-center:ACCOUNT/123456789012/ROLE
for a role of a sign-in to IAM Identity Center. keychain alone means the only stored keys. Without --source, the source is the
one that the role was prepared with, then the profile in AWS_PROFILE, then default.";

pub(super) const CONFIGURE_AWS_HELP: &str = "\
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
  mcm configure aws contoso --all --filter ReadOnly \\
    --name-template '{account}-{role}'
  mcm configure aws contoso --name production
  mcm configure aws --undo";

pub(super) const CONFIGURE_KUBE_HELP: &str = "\
The kubeconfig gets a user that runs \"mcm kube-token\" with the account's id, and a context of the cluster and that user.
No credential is in the file. The cluster itself is the one that aws, az or gcloud wrote there, or comes from --server and
--certificate-authority.

The file is the first of KUBECONFIG, or ~/.kube/config. As with \"mcm configure aws\" the change is shown first, everything
else stays byte for byte, and the file as it was is kept in config.before-mcm. The current context stays as it is.

Examples:
  mcm configure kube contoso-production --cluster shop --region eu-central-1
  mcm configure kube contoso --cluster aks-1 --name work --dry-run
  mcm configure kube --undo";

pub(super) const WHOAMI_HELP: &str = "\
Looks where the tools look, in their order: variables, profiles, their own sign-ins. It contacts no server and reads no
credential. What only a server knows, such as the machine's role, is shown as unknown.

--json prints {\"tools\":[…]}, each with tool (aws, az, gcloud, terraform-aws, terraform-azurerm, terraform-google, az-powershell
where it saved a context, and kubectl where its context is known), provider, source, identity, place (region, subscription, project or context), account (its id, if
it is connected here), why, activeAccount and isActive (true, false, or null when unknown). New fields and sources may appear; existing ones keep their meaning.";

pub(super) const CONSOLE_HELP: &str = "\
At AWS the console opens as the account's role, in its region. With --print the address goes to standard output: for 15
minutes, anyone who has it can act as the role. Keep it out of files and logs. Azure and Google Cloud sign you in by
themselves, and their addresses hold no secret.

A role of IAM Identity Center opens by a link of the access portal, in the session that your browser has there. The link
holds no secret. With --isolated the role opens in a private window of Firefox or Chromium, whose cookies no other window
shares, so that several roles can be open side by side. The command ends when the window is closed, and removes its profile;
Ctrl-C closes it. Its address is one that signs its reader in.

Example:
  mcm console contoso-production
  mcm console contoso/123456789012/ReadOnly --isolated
  mcm console contoso-production --print | xclip";

pub(super) const COMPLETION_HELP: &str = "\
Add to the shell's start file:

  bash         source <(mcm completion bash)
               in ~/.bashrc
  zsh          source <(mcm completion zsh)
               in ~/.zshrc, after compinit
  fish         mcm completion fish | source
               in ~/.config/fish/config.fish
  PowerShell   mcm completion powershell | Out-String | Invoke-Expression
               in $PROFILE

Accounts are completed by a word of their name that matches no other account, by user name, or by id. Subscriptions of the
account on the line are completed by a word of their name or by id, projects and regions by id.";

pub(super) const TOKEN_HELP: &str = "\
RESOURCE is graph, key-vault, storage, aks, arm (the default), or a resource's own identifier: https://…, api://… or a \
GUID. The short names follow the Azure cloud in settings.toml. Google's tokens are valid for every API.

Examples:
  mcm token contoso                          for Azure Resource Manager
  mcm token contoso --resource graph         for Microsoft Graph
  mcm token --active azure --resource https://database.windows.net/ --json

Without --interactive it never opens a browser: for an account that needs a sign-in, the exit status is 3.";

pub(super) const CREDENTIAL_PROCESS_HELP: &str = "\
Prints AWS's credential_process JSON, Version 1, with a credential that is valid for at least 15 minutes. In
~/.aws/config:

  [profile production]
  credential_process = mcm credential-process ACCOUNT
  region = eu-central-1

It never opens a browser: for an account that needs a sign-in, the exit status is 3. --interactive verifies the role again, \
for example after you fixed its trust policy. It cannot sign in to the profile that assumes the role.";

pub(super) const KUBE_TOKEN_HELP: &str = "\
Prints an ExecCredential, as kubectl reads it from a program: for EKS a token of aws-iam-authenticator, for AKS an Entra \
token, for GKE the access token. In ~/.kube/config:

  users:
  - name: production
    user:
      exec:
        apiVersion: client.authentication.k8s.io/v1
        command: mcm
        args: [kube-token, ACCOUNT, --cluster, NAME]   # only EKS needs NAME
        interactiveMode: Never

Old versions of kubectl need apiVersion client.authentication.k8s.io/v1beta1, without interactiveMode. Inside \"mcm exec\" \
you can omit ACCOUNT. Without --interactive it never opens a browser: for an account that needs a sign-in, the exit status \
is 3.";

pub(super) const EXEC_HELP: &str = "\
The command gets its credentials from an endpoint on this machine, and renews them there. The endpoint exists only while the
command runs. Each cloud's tools use their own mechanism: container credentials for AWS, an App Service identity for Azure,
a credential file without a secret for Google Cloud. Variables that would override the account are unset for the command.
If the default profile of ~/.aws has credentials, the command gets a read-only copy of the file without them. If no copy would
be safe, the command does not start. az and azd get their own folders, in which they are signed in as the account. ~/.azure is
not changed, and only az's extensions and settings are read from it. gsutil gets its own file.

Finally, mcm looks where each tool will look. If one would use another identity, the command does not start, and the message
names the cause. With --force, mcm reports that and continues.

--read-only issues credentials that read and change nothing: AWS roles with ReadOnlyAccess as session policy, and Google Cloud where
only reading was granted. Azure, and roles of IAM Identity Center, cannot be narrowed and are refused. In a coding agent's shell
the command begins with a receipt: which account, where, until when, and whether it can change anything.

Examples:
  mcm exec --read-only production -- aws s3 ls
  mcm exec contoso-production -- aws s3 ls
  mcm exec contoso ada@example.com -- terraform plan
  mcm exec --active aws -- ./deploy.sh
  mcm exec production -- bash
  mcm exec -E prod-eu -- make deploy

With --environment, the command works as every account of the environment, whatever AWS_REGION says. In an exclusive or
protected one, the tools of the clouds that it does not name find no identity. KUBECONFIG then begins with a file of the
command's own, with the environment's clusters, so that \"kubectl config use-context\" does not switch other terminals.

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

pub(super) const ENV_HELP: &str = "\
Examples:
  eval \"$(mcm env contoso-production)\"               bash, zsh
  mcm env contoso-production | source                  fish
  mcm env contoso-production --shell powershell | Out-String | Invoke-Expression
  for /f \"delims=\" %i in ('mcm env contoso --shell cmd') do @%i       cmd.exe
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

/// The steps of `mcm login aws` that concern no role.
pub(super) const NO_ROLE: [&str; 6] = [
    "pending",
    "drop",
    "add_keys",
    "keys",
    "remove_keys",
    "sso_start_url",
];
