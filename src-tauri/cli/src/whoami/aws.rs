//! The places where `aws` and Terraform look: variables, the profile, the container, the machine (botocore's and the
//! Go SDK's credential chains).

use mcm_core::account::{Account, AccountId, Cloud};
use mcm_core::aws_files::{Client, Files, Merged, ProfileSettings};
use mcm_core::text::shown;

use super::{ExaminedShell, Found, Source};
use crate::aws_files::boto_file_with_keys;
use crate::configure::asked_account;

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
    let profile = match Files::read(shell.environment).profiles(client) {
        Ok(profiles) => SeenProfile {
            profiles,
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

fn credential(
    shell: &ExaminedShell<'_>,
    tool: &'static str,
    client: Client,
    profile: &SeenProfile,
    named: Option<(&'static str, &str)>,
) -> Found {
    let other =
        |source, identity, why: String| Found::other(tool, Cloud::Aws, source, identity, why);
    // The SDK for JavaScript passes over keys in variables when one names a profile.
    let are_keys_read = client != Client::JavaScript || named.is_none();
    for (ids, secrets) in keys_of(client) {
        let Some((variable, key)) = shell.first(ids).filter(|_| are_keys_read) else {
            continue;
        };
        if shell.first(secrets).is_none() {
            let why = format!(
                "{variable} is set without {}. Unset it, or set both.",
                secrets[0]
            );
            return other(Source::Broken, None, why);
        }
        if let Some(account) = shell.given(key) {
            let why = format!("mcm env put {variable} into this shell.");
            return Found::ours(tool, Source::McmEnv, &account, why);
        }
        return match shell
            .served(Cloud::Aws)
            .filter(|_| variable == "AWS_ACCESS_KEY_ID")
        {
            Some(account) => Found::served(tool, &account, variable),
            None => other(
                Source::Environment,
                Some(short(key)),
                format!("{variable} is set, which comes before every profile."),
            ),
        };
    }
    let why_profile = match named {
        Some((variable, name)) => format!("{variable} names the profile {name}"),
        None => "no variable names a profile, so the default one applies".to_owned(),
    };
    if let (Some((variable, name)), false) = (named, profile.exists()) {
        let why = format!(
            "{variable} names the profile {name}, which is in neither of AWS's files. Fix the name."
        );
        return other(Source::Broken, None, why);
    }
    let decided = |what: &str| format!("{}, {what}.", capitalised(&why_profile));
    // To botocore a setting without a value is one.
    let is_one = |value: &&str| client == Client::Botocore || !value.is_empty();
    let get = |key: &str| profile.get(key).filter(is_one);
    let federated = get("web_identity_token_file").is_some();
    if let (Some(role), false) = (get("role_arn"), federated) {
        let has_source = get("source_profile").or(get("credential_source")).is_some();
        if client == Client::Botocore && !has_source {
            let what = "which names a role without source_profile or credential_source";
            return other(Source::Broken, None, decided(what));
        }
        return other(
            Source::Role,
            Some(role.to_owned()),
            decided("which assumes the role"),
        );
    }
    if shell.get("AWS_WEB_IDENTITY_TOKEN_FILE").is_some() {
        let role = shell.get("AWS_ROLE_ARN").map(str::to_owned);
        let why = "AWS_WEB_IDENTITY_TOKEN_FILE is set: the role in AWS_ROLE_ARN, through another identity provider.";
        return other(Source::Federation, role, why.to_owned());
    }
    if let (Some(role), true) = (get("role_arn"), federated) {
        return other(
            Source::Federation,
            Some(role.to_owned()),
            decided("which assumes a role through another identity provider"),
        );
    }
    let keys_in = |file: &str, settings: Option<&ProfileSettings>| {
        Some(match keys(client, settings?)? {
            Keys::Complete(id) => {
                let why = decided(&format!("whose keys are in AWS's {file} file"));
                other(Source::File, Some(short(id)), why)
            }
            Keys::Partial { has, lacks } => {
                let what = format!("which has {has} in AWS's {file} file and no {lacks}");
                other(Source::Broken, None, decided(&what))
            }
        })
    };
    let in_credentials = || keys_in("credentials", profile.credentials());
    let in_config = || keys_in("config", profile.config());
    // To the Go SDK keys come before everything else that a profile has.
    if client == Client::Go
        && let Some(found) = in_credentials().or_else(in_config)
    {
        return found;
    }
    if get("sso_session").is_some() || get("sso_start_url").is_some() {
        let identity = match (get("sso_role_name"), get("sso_account_id")) {
            (Some(role), Some(account)) => Some(format!("{role} in {account}")),
            _ => None,
        };
        return other(
            Source::SignIn,
            identity,
            decided("which uses aws sso login"),
        );
    }
    if let Some(found) = in_credentials() {
        return found;
    }
    if let Some(session) = get("login_session") {
        return other(
            Source::SignIn,
            Some(session.to_owned()),
            decided("which uses aws login"),
        );
    }
    let process = profile
        .config()
        .and_then(|settings| settings.get("credential_process"));
    if let Some(command) = process.map(String::as_str).filter(is_one) {
        return match asked_account(command)
            .as_deref()
            .map(|name| asked(shell, name))
        {
            Some(Some(account)) => Found::ours(
                tool,
                Source::McmProfile,
                &account,
                decided("which gets its credential from mcm"),
            ),
            Some(None) => other(
                Source::Broken,
                None,
                decided("which asks mcm for an account that is not connected. Run mcm accounts"),
            ),
            None => other(
                Source::Process,
                None,
                decided("which runs another program for its credential"),
            ),
        };
    }
    if let Some(found) = in_config() {
        return found;
    }
    if client == Client::Botocore
        && let Some((variable, file)) = shell.first(&["AWS_CREDENTIAL_FILE"])
    {
        let why = format!("{variable} is set: the user of the key in {file}.");
        return other(Source::File, None, why);
    }
    if client == Client::Botocore
        && let Some(file) = boto_file_with_keys(shell.environment)
    {
        let why = format!(
            "{} has keys, which come before a container.",
            file.display()
        );
        return other(Source::File, None, why);
    }
    const CONTAINER: [&str; 2] = [
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    if let Some((variable, address)) = shell.first(&CONTAINER) {
        return match shell.served_at(Cloud::Aws, address) {
            Some(account) => Found::served(tool, &account, variable),
            None => other(
                Source::Machine,
                None,
                format!("{variable} is set: the container's role, if it has one."),
            ),
        };
    }
    let why = format!(
        "{}, and it has no credential. On an AWS machine, the machine's role applies.",
        capitalised(&why_profile)
    );
    other(Source::None, None, why)
}

/// The variables in which a client finds an access key, and its secret.
fn keys_of(client: Client) -> &'static [(&'static [&'static str], &'static [&'static str])] {
    match client {
        Client::Botocore | Client::JavaScript | Client::Rust => {
            &[(&["AWS_ACCESS_KEY_ID"], &["AWS_SECRET_ACCESS_KEY"])]
        }
        Client::Go => &[(
            &["AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"],
            &["AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"],
        )],
        Client::JavaScript2 => &[
            (&["AWS_ACCESS_KEY_ID"], &["AWS_SECRET_ACCESS_KEY"]),
            (&["AMAZON_ACCESS_KEY_ID"], &["AMAZON_SECRET_ACCESS_KEY"]),
        ],
    }
}

/// The keys in a profile of one file.
enum Keys<'a> {
    /// The id of an access key that has its secret.
    Complete(&'a str),
    /// One half. The client stops there.
    Partial {
        has: &'static str,
        lacks: &'static str,
    },
}

fn keys(client: Client, settings: &ProfileSettings) -> Option<Keys<'_>> {
    const NAMES: [&str; 2] = ["aws_access_key_id", "aws_secret_access_key"];
    let [id, secret] = NAMES.map(|name| {
        let value = settings.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    });
    let half = |has, lacks| match client {
        // The others go on to the next place.
        Client::JavaScript | Client::JavaScript2 => None,
        Client::Botocore | Client::Go | Client::Rust => Some(Keys::Partial { has, lacks }),
    };
    match (id, secret) {
        (Some(id), Some(_)) => Some(Keys::Complete(id)),
        (Some(_), None) => half(NAMES[0], NAMES[1]),
        (None, Some(_)) if client == Client::Go => half(NAMES[1], NAMES[0]),
        (None, _) => None,
    }
}

/// The account that a profile requests from us.
fn asked(shell: &ExaminedShell<'_>, name: &str) -> Option<Account> {
    let id = match name {
        "--active" => shell.active.get(&Cloud::Aws)?.clone(),
        name => shell
            .app
            .named(name)
            .map_or_else(|_| AccountId::from(name.to_owned()), |account| account.id),
    };
    shell.account(&id)
}

/// A profile, as the tool sees it in the two files.
struct SeenProfile {
    profiles: Merged,
    name: String,
}

impl SeenProfile {
    fn config(&self) -> Option<&ProfileSettings> {
        self.profiles.config.get(&self.name)
    }

    fn credentials(&self) -> Option<&ProfileSettings> {
        self.profiles.credentials.get(&self.name)
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.profiles.get(&self.name, key)
    }

    fn exists(&self) -> bool {
        self.profiles.has(&self.name)
    }
}

/// Enough of an access key's id to distinguish it.
fn short(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    if characters.len() < 12 {
        return "access key …".to_owned();
    }
    let (beginning, end): (String, String) = (
        characters[..4].iter().collect(),
        characters[characters.len() - 4..].iter().collect(),
    );
    format!("access key {beginning}…{end}")
}

fn capitalised(sentence: &str) -> String {
    match sentence.strip_prefix("no ") {
        Some(rest) => format!("No {rest}"),
        None => sentence.to_owned(),
    }
}
