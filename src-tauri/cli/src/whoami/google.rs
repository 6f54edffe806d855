//! The places where `gcloud` and Terraform's provider for Google look: their variables, gcloud's configuration, and
//! the application default credentials.

use std::path::Path;

use mcm_core::account::{Account, Cloud, Identity};
use mcm_core::other_tools::OtherTools;
use mcm_core::text::shown;
use mcm_core::world::Environment;
use serde::Deserialize;

use super::{ExaminedShell, Found, Source, text, value};
use crate::bigquery_file::BigQueryFile;
use crate::variables;

/// The fields of a credential file that are not secret; everything else in it is skipped.
#[derive(Deserialize)]
struct CredentialFile {
    #[serde(rename = "type", default)]
    kind: String,
    client_email: Option<String>,
    account: Option<String>,
    token_url: Option<String>,
}

pub(super) fn command_line(shell: &ExaminedShell<'_>) -> Found {
    const TOOL: &str = "gcloud";
    let configuration = Configuration::active(shell.environment, &shell.tools);
    let Configuration { name, why_name, .. } = &configuration;
    let configured = |section: &str, key: &str| configuration.get(section, key);

    let project = shell
        .get("CLOUDSDK_CORE_PROJECT")
        .or_else(|| configured("core", "project"));
    let project = project.map(str::to_owned);
    let other =
        |source, identity, why: String| Found::other(TOOL, Cloud::Gcp, source, identity, why);
    let impersonated = shell.set_or(
        "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
        configured("auth", "impersonate_service_account"),
    );
    if let Some(service_account) = impersonated {
        let why = "gcloud is configured to impersonate this service account.";
        return other(
            Source::Role,
            Some(service_account.to_owned()),
            why.to_owned(),
        )
        .at(project);
    }
    if shell.get("CLOUDSDK_AUTH_ACCESS_TOKEN").is_some() {
        let variable = "CLOUDSDK_AUTH_ACCESS_TOKEN";
        let found = match shell.served(Cloud::Gcp) {
            Some(account) => return Found::served(TOOL, &account, variable),
            None => other(
                Source::Environment,
                None,
                format!("{variable} is set. Only Google knows whose token it is."),
            ),
        };
        return found.at(project);
    }
    let token_file = shell.set_or(
        "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
        configured("auth", "access_token_file"),
    );
    if let Some(file) = token_file {
        let why = format!("gcloud takes its token from {file}. Whose it is, only Google knows.");
        return other(Source::File, None, why).at(project);
    }
    let file = shell.set_or(
        "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
        configured("auth", "credential_file_override"),
    );
    if let Some(file) = file {
        return of_file(
            shell,
            TOOL,
            Path::new(file),
            "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
        )
        .at(project);
    }
    let (account, why) = match shell.get("CLOUDSDK_CORE_ACCOUNT") {
        Some(account) => (
            Some(account),
            "CLOUDSDK_CORE_ACCOUNT names this account.".to_owned(),
        ),
        None => (
            configured("core", "account"),
            format!("gcloud's configuration {name}, {why_name}, names this account."),
        ),
    };
    match account {
        Some(account) => by_address(shell, TOOL, account, why).at(project),
        None => {
            let why = format!("gcloud's configuration {name}, {why_name}, names no account.");
            other(Source::None, None, why).at(project)
        }
    }
}

/// The configuration of gcloud that is in force.
struct Configuration {
    text: String,
    name: String,
    /// What made it the one.
    why_name: &'static str,
}

impl Configuration {
    fn active(environment: &Environment, tools: &OtherTools<'_>) -> Self {
        let folder = tools.gcloud();
        let (name, why_name) = match environment.get("CLOUDSDK_ACTIVE_CONFIG_NAME") {
            Some(name) => (name.to_owned(), "which CLOUDSDK_ACTIVE_CONFIG_NAME names"),
            None => {
                let active = text(&folder.join("active_config")).map(|name| name.trim().to_owned());
                let active = active.filter(|name| !name.is_empty());
                (
                    active.unwrap_or_else(|| "default".to_owned()),
                    "the active one",
                )
            }
        };
        let is_name = name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        let path = folder.join("configurations").join(format!("config_{name}"));
        Self {
            text: if is_name { text(&path) } else { None }.unwrap_or_default(),
            name,
            why_name,
        }
    }

    fn get(&self, section: &str, key: &str) -> Option<&str> {
        value(&self.text, |title| title == section, key)
    }
}

/// The settings of gcloud's configuration in force that say who works or who pays, as `section/key`.
pub(crate) fn settings_that_win(environment: &Environment) -> Vec<String> {
    let Ok(tools) = OtherTools::of(environment) else {
        return Vec::new();
    };
    let configuration = Configuration::active(environment, &tools);
    let is_set = |setting: &&variables::FileSetting| {
        let configured = configuration.get(setting.section, setting.key);
        // A variable beats it, also an empty one.
        environment.raw(setting.variable).is_none()
            && configured.is_some_and(|value| !value.is_empty())
    };
    variables::gcloud_settings()
        .filter(is_set)
        .map(|setting| format!("{}/{}", setting.section, setting.key))
        .collect()
}

/// The proxy that gcloud asks for everything, also for what is on this machine; those of other programs leave that out.
pub(crate) fn proxy_of_gcloud(environment: &Environment) -> Option<String> {
    let tools = OtherTools::of(environment).ok()?;
    let configuration = Configuration::active(environment, &tools);
    let address = environment
        .get("CLOUDSDK_PROXY_ADDRESS")
        .or_else(|| configuration.get("proxy", "address"))?;
    (!address.is_empty()).then(|| shown(address))
}

pub(super) fn terraform(shell: &ExaminedShell<'_>) -> Found {
    const TOOL: &str = "terraform-google";
    const PROJECTS: [&str; 4] = [
        "GOOGLE_PROJECT",
        "GOOGLE_CLOUD_PROJECT",
        "GCLOUD_PROJECT",
        "CLOUDSDK_CORE_PROJECT",
    ];
    let project = shell
        .first(&PROJECTS)
        .map(|(_, project)| project.to_owned());
    let other =
        |source, identity, why: String| Found::other(TOOL, Cloud::Gcp, source, identity, why);
    if let Some(service_account) = shell.get("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT") {
        let why = "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT names this service account.".to_owned();
        return other(Source::Role, Some(service_account.to_owned()), why).at(project);
    }
    if let Some((variable, _)) = shell.first(&["GOOGLE_OAUTH_ACCESS_TOKEN"]) {
        return match shell.served(Cloud::Gcp) {
            Some(account) => Found::served(TOOL, &account, variable),
            None => other(
                Source::Environment,
                None,
                format!("{variable} is set. Only Google knows whose token it is."),
            ),
        }
        .at(project);
    }
    const KEYS: [&str; 3] = [
        "GOOGLE_CREDENTIALS",
        "GOOGLE_CLOUD_KEYFILE_JSON",
        "GCLOUD_KEYFILE_JSON",
    ];
    if let Some((variable, value)) = shell.first(&KEYS) {
        if !value.trim_start().starts_with('{') {
            return of_file(shell, TOOL, Path::new(value), variable).at(project);
        }
        let identity = serde_json::from_str::<CredentialFile>(value)
            .ok()
            .and_then(|file| file.client_email);
        return other(
            Source::Environment,
            identity,
            format!("{variable} holds a key."),
        )
        .at(project);
    }
    default_credentials(shell, TOOL).at(project)
}

/// Google's own libraries, which look for application default credentials alone.
pub(super) fn libraries(shell: &ExaminedShell<'_>) -> Found {
    default_credentials(shell, "a program with Google's libraries")
}

/// `bq`, where its own file holds a credential, which comes before gcloud's account.
pub(super) fn bigquery(shell: &ExaminedShell<'_>) -> Option<Found> {
    let file = BigQueryFile::read(shell.environment)?;
    let why = format!("{}. Remove it there.", file.identity()?);
    Some(Found::other("bq", Cloud::Gcp, Source::File, None, why))
}

fn default_credentials(shell: &ExaminedShell<'_>, tool: &'static str) -> Found {
    let variable = "GOOGLE_APPLICATION_CREDENTIALS";
    if let Some(file) = shell.get(variable) {
        return of_file(shell, tool, Path::new(file), variable);
    }
    let file = shell
        .tools
        .gcloud()
        .join("application_default_credentials.json");
    if text(&file).is_some() {
        return of_file(shell, tool, &file, "");
    }
    let why = "No variable names an identity, and there are no application default credentials. On a Google Cloud machine, the \
               machine's service account applies.";
    Found::other(tool, Cloud::Gcp, Source::None, None, why.to_owned())
}

/// The identity of a credential file; `variable` names the file, or is empty.
fn of_file(shell: &ExaminedShell<'_>, tool: &'static str, path: &Path, variable: &str) -> Found {
    let other =
        |source, identity, why: String| Found::other(tool, Cloud::Gcp, source, identity, why);
    let named = match variable {
        "" => format!(
            "{} holds the application default credentials",
            path.display()
        ),
        variable => format!("{variable} names {}", path.display()),
    };
    let Some(file) = text(path).and_then(|text| serde_json::from_str::<CredentialFile>(&text).ok())
    else {
        return other(
            Source::Broken,
            None,
            format!("{named}, which is not a readable credential file. Fix or remove it."),
        );
    };
    if let Some(account) = file
        .token_url
        .as_deref()
        .and_then(|address| shell.served_at(Cloud::Gcp, address))
    {
        return Found::served(tool, &account, variable);
    }
    let account = file.account.filter(|account| !account.is_empty());
    match (file.kind.as_str(), file.client_email, account) {
        ("authorized_user", _, Some(address)) => {
            by_address(shell, tool, &address, format!("{named}."))
        }
        ("authorized_user", ..) => {
            let why = format!("{named}: the user of gcloud auth application-default login.");
            other(Source::File, None, why)
        }
        ("service_account", email, _) => other(
            Source::File,
            email,
            format!("{named}: a service account's key."),
        ),
        ("impersonated_service_account", ..) => other(
            Source::Role,
            None,
            format!("{named}: an impersonated service account."),
        ),
        (kind, ..) if kind.starts_with("external_account") => other(
            Source::Federation,
            None,
            format!("{named}: an identity of another provider."),
        ),
        _ => other(
            Source::File,
            None,
            format!("{named}, a kind of credential unknown to mcm."),
        ),
    }
}

/// The connected account with this address, or another identity.
fn by_address(shell: &ExaminedShell<'_>, tool: &'static str, address: &str, why: String) -> Found {
    let is_same = |account: &Account| matches!(&account.identity, Identity::Gcp { email: Some(email), .. } if email.eq_ignore_ascii_case(address));
    match shell.labelled(address, is_same) {
        Some(account) => Found::ours(tool, Source::CommandLine, &account, why),
        None => Found::other(
            tool,
            Cloud::Gcp,
            Source::CommandLine,
            Some(address.to_owned()),
            why,
        ),
    }
}
