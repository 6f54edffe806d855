//! What each place would give a client of AWS, and why.

use mcm_core::account::{Account, AccountId, Cloud};
use mcm_core::aws_files::{Client, ProfileSettings};

use super::super::{ExaminedShell, Found, Source};
use super::SearchPlace;
use super::profile::{Keys, SeenProfile, keys};
use crate::aws_files::boto_file_with_keys;
use crate::configure::asked_account;

/// Settings of a sign-in to IAM Identity Center.
const SIGN_IN: [&str; 5] = [
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "sso_region",
];

/// What a client looks at, and what each place would give it.
pub(super) struct Look<'a> {
    pub(super) shell: &'a ExaminedShell<'a>,
    pub(super) tool: &'static str,
    pub(super) client: Client,
    pub(super) profile: &'a SeenProfile<'a>,
    /// The variable that names the profile, and the name.
    pub(super) named: Option<(&'static str, &'a str)>,
}

impl Look<'_> {
    /// What the client finds there; none when it goes on to the next place.
    pub(super) fn at(&self, place: SearchPlace) -> Option<Found> {
        match place {
            SearchPlace::MissingProfile => self.missing_profile(),
            SearchPlace::KeysInVariables => self.keys_in_variables(),
            SearchPlace::Role => self.role(),
            SearchPlace::FederationOfVariables => self.federation_of_variables(),
            SearchPlace::Federation => self.federation(),
            SearchPlace::SignIn => self.sign_in(),
            SearchPlace::KeysInCredentials => self.keys_in_credentials(),
            SearchPlace::Login => self.login(),
            SearchPlace::Process => self.process(),
            SearchPlace::KeysInConfig => self.keys_in_config(),
            SearchPlace::OldFiles => self.old_files(),
            SearchPlace::Container => self.container(),
            SearchPlace::RefusedWhenLoaded => self.refused_when_loaded(),
            SearchPlace::KeysInBoth => self.keys_in_both(),
        }
    }

    pub(super) fn other(&self, source: Source, identity: Option<String>, why: String) -> Found {
        Found::other(self.tool, Cloud::Aws, source, identity, why)
    }

    /// What the profile decides.
    fn decided(&self, source: Source, identity: Option<String>, what: &str) -> Found {
        let why = format!("{}, {what}.", capitalised(&self.why_profile()));
        self.other(source, identity, why)
    }

    pub(super) fn why_profile(&self) -> String {
        match self.named {
            Some((variable, name)) => format!("{variable} names the profile {name}"),
            None => "no variable names a profile, so the default one applies".to_owned(),
        }
    }

    /// A setting of the profile. To botocore one without a value is set too.
    fn get(&self, setting: &str) -> Option<&str> {
        let value = self.profile.get(setting);
        value.filter(|value| self.client == Client::Botocore || !value.is_empty())
    }

    fn missing_profile(&self) -> Option<Found> {
        let (variable, name) = self.named.filter(|_| !self.profile.exists())?;
        if self.client == Client::Go && variable == "AWS_DEFAULT_PROFILE" {
            return None;
        }
        let why = format!(
            "{variable} names the profile {name}, which is in neither of AWS's files. Fix the name."
        );
        Some(self.other(Source::Broken, None, why))
    }

    /// What the Go SDK refuses when it loads a profile, before it looks at any variable (`config/shared_config.go`).
    fn refused_when_loaded(&self) -> Option<Found> {
        // Half a key counts in the file that is read last.
        let keys = match (self.profile.credentials(), self.profile.config()) {
            (Some(settings), _) => self.keys_in("credentials", settings),
            (None, Some(settings)) => self.keys_in("config", settings),
            (None, None) => None,
        };
        keys.filter(|found| found.source == Source::Broken)
            .or_else(|| {
                let why = self.profile.refused_by_go(&self.profile.name)?;
                Some(self.decided(Source::Broken, None, &why))
            })
    }

    fn keys_in_variables(&self) -> Option<Found> {
        // The SDK for JavaScript passes over keys in variables when one names a profile.
        if self.client == Client::JavaScript && self.named.is_some() {
            return None;
        }
        keys_of(self.client)
            .iter()
            .find_map(|(ids, secrets)| self.key_in_variables(ids, secrets))
    }

    fn key_in_variables(&self, ids: &[&'static str], secrets: &[&'static str]) -> Option<Found> {
        let (variable, key) = self.shell.first(ids)?;
        if self.shell.first(secrets).is_none() {
            // The others go on to the next place.
            let why = format!(
                "{variable} is set without {}. Unset it, or set both.",
                secrets[0]
            );
            let is_refused = self.client == Client::Botocore;
            return is_refused.then(|| self.other(Source::Broken, None, why));
        }
        if let Some(account) = self.shell.given(key) {
            let why = format!("mcm env put {variable} into this shell.");
            return Some(Found::ours(self.tool, Source::McmEnv, &account, why));
        }
        let served = self.shell.served(Cloud::Aws);
        Some(match served.filter(|_| variable == "AWS_ACCESS_KEY_ID") {
            Some(account) => Found::served(self.tool, &account, variable),
            None => self.other(
                Source::Environment,
                Some(short(key)),
                format!("{variable} is set, which comes before every profile."),
            ),
        })
    }

    fn role(&self) -> Option<Found> {
        let role = self.get("role_arn")?;
        // The Go SDK assumes the role with the profile's own keys, if it has some.
        let has_keys = || {
            self.keys_in_credentials()
                .or_else(|| self.keys_in_config())
                .is_some()
        };
        let is_federated = self.get("web_identity_token_file").is_some();
        if is_federated && !(self.client == Client::Go && has_keys()) {
            return None;
        }
        let sources = [self.get("source_profile"), self.get("credential_source")];
        let refused = match (self.client, sources) {
            (Client::Botocore, [None, None]) => {
                Some("which names a role without source_profile or credential_source".to_owned())
            }
            (Client::Botocore, [Some(_), Some(_)]) => {
                Some("which has both source_profile and credential_source".to_owned())
            }
            (Client::Botocore, _) if role.is_empty() => Some("whose role_arn is empty".to_owned()),
            (Client::Botocore, [Some(source), None]) => self.profile.lacks_source(source),
            // These take the profile's own credentials.
            (Client::JavaScript | Client::JavaScript2 | Client::Rust, [None, None]) => return None,
            _ => None,
        };
        Some(match refused {
            Some(why) => self.decided(Source::Broken, None, &why),
            None => self.decided(
                Source::Role,
                Some(role.to_owned()),
                "which assumes the role",
            ),
        })
    }

    fn federation_of_variables(&self) -> Option<Found> {
        self.shell.get("AWS_WEB_IDENTITY_TOKEN_FILE")?;
        // Botocore takes what a variable lacks from the profile.
        let of_profile = || {
            self.get("role_arn")
                .filter(|role| self.client == Client::Botocore && !role.is_empty())
        };
        let Some(role) = self.shell.get("AWS_ROLE_ARN").or_else(of_profile) else {
            let why =
                "AWS_WEB_IDENTITY_TOKEN_FILE is set without AWS_ROLE_ARN. Unset it, or set both.";
            return Some(self.other(Source::Broken, None, why.to_owned()));
        };
        let why = "AWS_WEB_IDENTITY_TOKEN_FILE is set: the role in AWS_ROLE_ARN, through another identity provider.";
        Some(self.other(Source::Federation, Some(role.to_owned()), why.to_owned()))
    }

    fn federation(&self) -> Option<Found> {
        self.profile
            .get("web_identity_token_file")
            .filter(|file| !file.is_empty())?;
        let of_variable = || {
            self.shell
                .get("AWS_ROLE_ARN")
                .filter(|_| self.client == Client::Botocore)
        };
        let Some(role) =
            of_variable().or_else(|| self.get("role_arn").filter(|role| !role.is_empty()))
        else {
            let what = "which has web_identity_token_file and no role_arn";
            return Some(self.decided(Source::Broken, None, what));
        };
        let what = "which assumes a role through another identity provider";
        Some(self.decided(Source::Federation, Some(role.to_owned()), what))
    }

    fn sign_in(&self) -> Option<Found> {
        let pair = [self.get("sso_account_id"), self.get("sso_role_name")];
        let is_one = match self.client {
            Client::Botocore => pair.iter().any(Option::is_some),
            Client::JavaScript2 | Client::Rust => pair.iter().all(Option::is_some),
            Client::Go | Client::JavaScript => SIGN_IN.iter().any(|name| self.get(name).is_some()),
        };
        if !is_one {
            return None;
        }
        let identity = match pair {
            [Some(account), Some(role)] => Some(format!("{role} in {account}")),
            _ => None,
        };
        Some(self.decided(Source::SignIn, identity, "which uses aws sso login"))
    }

    fn login(&self) -> Option<Found> {
        let session = self.get("login_session")?;
        Some(self.decided(
            Source::SignIn,
            Some(session.to_owned()),
            "which uses aws login",
        ))
    }

    fn process(&self) -> Option<Found> {
        let command = self.get("credential_process")?;
        if command.is_empty() {
            let what = "whose credential_process is empty";
            return Some(self.decided(Source::Broken, None, what));
        }
        let account = asked_account(command).map(|name| asked(self.shell, &name));
        Some(match account {
            Some(Some(account)) => {
                let why = format!(
                    "{}, which gets its credential from mcm.",
                    capitalised(&self.why_profile())
                );
                Found::ours(self.tool, Source::McmProfile, &account, why)
            }
            Some(None) => {
                let what = "which asks mcm for an account that is not connected. Run mcm accounts";
                self.decided(Source::Broken, None, what)
            }
            None => self.decided(
                Source::Process,
                None,
                "which runs another program for its credential",
            ),
        })
    }

    fn keys_in_credentials(&self) -> Option<Found> {
        let found = self.keys_in("credentials", self.profile.credentials()?);
        found.filter(|found| self.stops_at(found))
    }

    fn keys_in_config(&self) -> Option<Found> {
        let found = self.keys_in("config", self.profile.config()?);
        found.filter(|found| self.stops_at(found))
    }

    /// Whether a client looks no further. What stops the Go SDK stopped it when the profile was loaded.
    fn stops_at(&self, found: &Found) -> bool {
        self.client != Client::Go || found.source != Source::Broken
    }

    fn keys_in(&self, file: &str, settings: &ProfileSettings) -> Option<Found> {
        Some(match keys(self.client, settings)? {
            Keys::Complete(id) => {
                let what = format!("whose keys are in AWS's {file} file");
                self.decided(Source::File, Some(short(id)), &what)
            }
            Keys::Partial { has, lacks } => {
                let what = format!("which has {has} in AWS's {file} file and no {lacks}");
                self.decided(Source::Broken, None, &what)
            }
        })
    }

    /// Keys of which each half may be in either file.
    fn keys_in_both(&self) -> Option<Found> {
        let both = self
            .get("aws_access_key_id")
            .zip(self.get("aws_secret_access_key"));
        let (id, _) = both?;
        Some(self.decided(
            Source::File,
            Some(short(id)),
            "whose keys are in AWS's files",
        ))
    }

    fn old_files(&self) -> Option<Found> {
        if let Some((variable, file)) = self.shell.first(&["AWS_CREDENTIAL_FILE"]) {
            let why = format!("{variable} is set: the user of the key in {file}.");
            return Some(self.other(Source::File, None, why));
        }
        let file = boto_file_with_keys(self.shell.environment)?;
        let why = format!(
            "{} has keys, which come before a container.",
            file.display()
        );
        Some(self.other(Source::File, None, why))
    }

    fn container(&self) -> Option<Found> {
        const CONTAINER: [&str; 2] = [
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ];
        let (variable, address) = self.shell.first(&CONTAINER)?;
        Some(match self.shell.served_at(Cloud::Aws, address) {
            Some(account) => Found::served(self.tool, &account, variable),
            None => self.other(
                Source::Machine,
                None,
                format!("{variable} is set: the container's role, if it has one."),
            ),
        })
    }
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

pub(super) fn capitalised(sentence: &str) -> String {
    match sentence.strip_prefix("no ") {
        Some(rest) => format!("No {rest}"),
        None => sentence.to_owned(),
    }
}
