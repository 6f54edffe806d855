//! The arguments of `mcm login`, for each cloud.

use clap::{Args, Parser as _, Subcommand, ValueEnum, value_parser};
use mcm_core::account::Cloud;
use mcm_core::app::OnDuplicate;
use mcm_core::role::Permissions;

use super::help_text::{DEVICE_CODE_HELP, GCP_HELP, LOGIN_AWS_HELP, NO_ROLE};
use super::{Arguments, Command};

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
