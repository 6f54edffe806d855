//! What a person can ask of `mcm`, and the help that they read.

use clap::{Args, Parser, Subcommand, ValueEnum};
use mcm_core::account::Cloud;
use mcm_core::app::OnDuplicate;

const AFTER_HELP: &str = "\
ACCOUNT is an account's id, its name, its user name, or any part of them that fits no other account.

Examples:
  mcm login azure --all-tenants        sign in, and connect every tenant that you may enter
  mcm accounts                         what is connected, and what is in use
  mcm use contoso Production           choose an account and a subscription
  mcm token --active azure             an access token of the account in use

Environment:
  AZURE_CLIENT_ID, AZURE_TENANT_ID     the app registration, and the tenant to sign in to
  GOOGLE_CLIENT_ID, …_SECRET           the OAuth client of a desktop app
  BROWSER                              the program that opens the sign-in page
  MCM_HOME                             one folder for settings, accounts and logs
  MCM_LOG                              how much is logged: warn, info (default), debug, trace
  NO_COLOR                             no colour, also in a terminal

Exit status: 0 done, 1 failed, 2 wrong usage, 3 sign in again.";

const ACCOUNTS_HELP: &str = "\
--json prints {\"accounts\":[…]}, each with id, provider (azure, gcp), displayName, identity, status (connected,
expired, sign-in-again, locked, offline), active, sessionExpiresAt (RFC 3339 or null), and for Azure tenantId and
subscriptions, for Google Cloud email and projects. Fields may be added; none changes its meaning.";

/// Sign in to your clouds, switch between accounts, and hand short-lived credentials to other programs.
#[derive(Parser)]
#[command(name = "mcm", version, arg_required_else_help = true, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Sign in to a cloud through your browser and connect the account
    #[command(subcommand)]
    Login(Login),
    /// List the connected accounts
    #[command(after_help = ACCOUNTS_HELP)]
    Accounts {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List an account's subscriptions or projects
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
    /// Make an account, and a subscription or project of it, the ones in use
    Use {
        /// The account
        account: String,
        /// The subscription or project: its id, its name, or a part of them that fits no other
        target: Option<String>,
    },
    /// Print an access token that lives for 5 minutes or longer
    #[command(
        after_help = "Never opens a browser: an account that needs a sign-in ends the command at once with status 3."
    )]
    Token {
        #[command(flatten)]
        whose: TokenOf,
        /// Print JSON as `az account get-access-token` does
        #[arg(long)]
        json: bool,
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
    Azure(AzureLogin),
    /// Sign in to Google Cloud
    Gcp(GcpLogin),
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
pub(crate) struct CommonLogin {
    /// How the answer comes back; only the app can receive a deep link, so mcm always uses loopback
    #[arg(long, value_enum, default_value_t = Redirect::Loopback)]
    pub(crate) redirect: Redirect,
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
    let found = WITH_TOKENS.into_iter().find(|cloud| cloud.as_str() == text);
    found.ok_or_else(|| {
        let names: Vec<&str> = WITH_TOKENS.iter().map(|cloud| cloud.as_str()).collect();
        format!("possible values: {}", names.join(", "))
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
