//! The places where `aws` and Terraform look: variables, the profile, the container, the machine (botocore's and the
//! Go SDK's credential chains).

mod look;
mod profile;

use mcm_core::account::Cloud;
use mcm_core::aws_files::Client;
use mcm_core::text::shown;

use self::look::Look;
use self::profile::SeenProfile;
use super::{ExaminedShell, Found, Source};

pub(super) fn command_line(shell: &ExaminedShell<'_>) -> Found {
    // In botocore the older name wins, and an empty name counts as a name.
    let variables = ["AWS_DEFAULT_PROFILE", "AWS_PROFILE"];
    let empty = variables
        .into_iter()
        .find(|name| shell.environment.raw(name).is_some());
    if let Some(variable) = empty.filter(|name| shell.environment.raw(name) == Some("")) {
        let why = format!(
            "{variable} is set to an empty value, which the AWS CLI reads as a profile's name. Unset it."
        );
        return Found::other("aws", Cloud::Aws, Source::Broken, None, why);
    }
    find(shell, "aws", Client::Botocore, &variables)
}

pub(super) fn terraform(shell: &ExaminedShell<'_>) -> Found {
    find(
        shell,
        "terraform-aws",
        Client::Go,
        &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"],
    )
}

/// One of the clients, by what it is called.
pub(super) fn client(shell: &ExaminedShell<'_>, client: Client) -> Found {
    let variables: &[&'static str] = match client {
        Client::Botocore => &["AWS_DEFAULT_PROFILE", "AWS_PROFILE"],
        Client::Go => &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"],
        Client::JavaScript | Client::JavaScript2 | Client::Rust => &["AWS_PROFILE"],
    };
    find(shell, client.title(), client, variables)
}

fn find(
    shell: &ExaminedShell<'_>,
    tool: &'static str,
    client: Client,
    profile_variables: &[&'static str],
) -> Found {
    let named = shell.first(profile_variables);
    let name = named.map_or("default", |(_, name)| name);
    let files = shell.aws_files();
    let profile = match files.profiles(client) {
        Ok(profiles) => SeenProfile {
            profiles,
            files,
            name: name.to_owned(),
        },
        Err(error) => {
            let why = error.message().to_owned();
            return Found::other(tool, Cloud::Aws, Source::Broken, None, why);
        }
    };
    let region = shell
        .first(&["AWS_REGION", "AWS_DEFAULT_REGION"])
        .map(|(_, region)| region.to_owned());
    let region = region.or_else(|| profile.get("region").map(str::to_owned));
    let mut found = credential(shell, tool, client, &profile, named).at(region);
    // A token for one service beats whatever signs the requests to the others.
    let mut tokens: Vec<&str> = shell
        .environment
        .pairs()
        .filter(|(name, value)| name.starts_with("AWS_BEARER_TOKEN_") && !value.is_empty())
        .map(|(name, _)| name)
        .collect();
    tokens.sort_unstable();
    if let Some(token) = tokens.first() {
        let why = format!(" {token} is set: requests to that service carry it instead.");
        found.why.push_str(&shown(&why));
    }
    found
}

/// A place where a client looks.
#[derive(Clone, Copy)]
enum SearchPlace {
    MissingProfile,
    KeysInVariables,
    Role,
    FederationOfVariables,
    Federation,
    SignIn,
    KeysInCredentials,
    Login,
    Process,
    KeysInConfig,
    OldFiles,
    Container,
    RefusedWhenLoaded,
    KeysInBoth,
}

/// The places in the order of each client: botocore's `create_credential_resolver`, the Go SDK's
/// `resolve_credentials.go`, `credential-provider-node` and `CredentialProviderChain` of those for JavaScript, and
/// `aws-config` for Rust.
fn places(client: Client) -> &'static [SearchPlace] {
    use SearchPlace::*;
    match client {
        Client::Botocore => &[
            MissingProfile,
            KeysInVariables,
            Role,
            FederationOfVariables,
            Federation,
            SignIn,
            KeysInCredentials,
            Login,
            Process,
            KeysInConfig,
            OldFiles,
            Container,
        ],
        Client::Go => &[
            MissingProfile,
            RefusedWhenLoaded,
            KeysInVariables,
            FederationOfVariables,
            Role,
            KeysInCredentials,
            KeysInConfig,
            Federation,
            SignIn,
            Process,
            Login,
            Container,
        ],
        Client::JavaScript => &[
            KeysInVariables,
            MissingProfile,
            Role,
            KeysInBoth,
            Federation,
            Process,
            SignIn,
            Login,
            FederationOfVariables,
            Container,
        ],
        Client::JavaScript2 => &[
            KeysInVariables,
            MissingProfile,
            SignIn,
            Role,
            KeysInBoth,
            Container,
            Process,
            FederationOfVariables,
            Federation,
        ],
        Client::Rust => &[
            KeysInVariables,
            MissingProfile,
            Role,
            Federation,
            SignIn,
            Login,
            Process,
            KeysInBoth,
            FederationOfVariables,
            Container,
        ],
    }
}

fn credential(
    shell: &ExaminedShell<'_>,
    tool: &'static str,
    client: Client,
    profile: &SeenProfile<'_>,
    named: Option<(&'static str, &str)>,
) -> Found {
    let look = Look {
        shell,
        tool,
        client,
        profile,
        named,
    };
    let found = places(client).iter().find_map(|place| look.at(*place));
    found.unwrap_or_else(|| {
        let why = format!(
            "{}, and it has no credential. On an AWS machine, the machine's role applies.",
            look::capitalised(&look.why_profile())
        );
        look.other(Source::None, None, why)
    })
}
