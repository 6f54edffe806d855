//! Settings: `settings.toml` and the environment, which takes precedence.
//!
//! Loading never fails: each missing or malformed setting is named with where it was read and how to set it, and the
//! app starts anyway. Endpoints come only from here, never from the dashboard. Google Cloud's section is in
//! `settings/gcp.rs`, AWS's in `settings/aws.rs`.

mod aws;
mod azure_cloud;
mod gcp;
mod network;

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use ts_rs::TS;

use toml_edit::DocumentMut;
use url::Url;

use crate::error::{Code, Error, ErrorView, Result};
use crate::file;
use crate::guid::is_guid;
use crate::http::{self, Network};
use crate::resource::Identifier;
use crate::world::{Environment, SCHEME};
pub use aws::AwsSettings;
pub use azure_cloud::AzureCloud;
pub(crate) use gcp::is_google;
pub use gcp::{GcpAccess, GcpSettings, check_gcp_client_file, check_gcp_client_id};

/// All settings in use.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Azure's.
    pub azure: AzureSettings,
    /// Google Cloud's.
    pub gcp: GcpSettings,
    /// AWS's.
    pub aws: AwsSettings,
    /// The preferences for the clouds are reached.
    pub network: Network,
    /// What is malformed in the network's section.
    pub network_problems: Vec<SettingProblem>,
    /// The preferences for the app's appearance and behaviour.
    pub preferences: Preferences,
    /// The keys that open the switcher, as the user wrote them.
    pub shortcut: Option<String>,
    /// The programs that open web pages for this app, instead of the system's browser.
    pub browser: Option<Sourced>,
    /// The reason why `settings.toml` could not be used at all, if any.
    pub unreadable: Option<ErrorView>,
}

/// The redirect method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum RedirectKind {
    /// Through the app's own URI scheme.
    DeepLink,
    /// Through a listener on a loopback address.
    Loopback,
}

/// A setting that is missing or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SettingProblem {
    /// The setting's name, for example `AZURE_CLIENT_ID`.
    pub name: String,
    /// Where it was read, or looked for.
    pub origin: String,
    /// The fault and its fix.
    pub message: String,
}

impl SettingProblem {
    fn to_error(&self, is_missing: bool) -> Error {
        let code = if is_missing {
            Code::SettingMissing
        } else {
            Code::SettingInvalid
        };
        Error::new(code, self.message.clone())
    }
}

/// The order of the accounts in the dashboard. The starred come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Sort {
    /// The last used first.
    #[default]
    LastUsed,
    /// By name.
    Name,
    /// The session that ends soonest first.
    TimeLeft,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::LastUsed, Self::Name, Self::TimeLeft];

    /// The word in `settings.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LastUsed => "last-used",
            Self::Name => "name",
            Self::TimeLeft => "time-left",
        }
    }
}

/// What the accounts are grouped by in the dashboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Grouping {
    /// Their cloud.
    #[default]
    Cloud,
    /// Nothing: one list.
    None,
}

impl Grouping {
    /// Every grouping.
    pub const ALL: [Self; 2] = [Self::Cloud, Self::None];

    /// The word in `settings.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::None => "none",
        }
    }
}

/// The app's appearance and behaviour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export)]
pub struct Preferences {
    /// Light, dark, or the system's.
    pub theme: Theme,
    /// Whether the first-run screen was completed.
    pub welcomed: bool,
    /// The order of the accounts.
    pub sort: Sort,
    /// What the accounts are grouped by.
    pub group: Grouping,
    /// Whether the desktop shows a notification when an account needs the user.
    pub notify: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            welcomed: false,
            sort: Sort::LastUsed,
            group: Grouping::Cloud,
            notify: true,
        }
    }
}

/// The colour scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Theme {
    /// The system's.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The settings for signing in to Azure.
#[derive(Clone, Debug)]
pub struct AzureSettings {
    /// The application (client) id and where it was read.
    pub client_id: Option<Sourced>,
    /// The default tenant: `organizations`, a GUID or a domain.
    pub tenant: String,
    /// The sign-in server, for example `https://login.microsoftonline.com/`.
    pub authority: Url,
    /// Azure Resource Manager, for example `https://management.azure.com/`.
    pub resource_manager: Url,
    /// What tokens for Resource Manager are asked for, when not for its address: an Azure Stack has another.
    pub audience: Option<Identifier>,
    /// The portal.
    pub portal: Url,
    /// The redirect method.
    pub redirect: RedirectKind,
    /// What is missing or malformed.
    pub problems: Vec<SettingProblem>,
}

/// A value and where it was read: an environment variable's name, or `settings.toml` and the key in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced {
    /// The value.
    pub value: String,
    /// Where it was read.
    pub origin: String,
}

impl AzureSettings {
    /// The redirect URI of the app's own scheme. Register exactly this.
    pub fn deep_link_redirect() -> String {
        format!("{SCHEME}://auth/azure")
    }

    /// The client id, if signing in can start.
    ///
    /// # Errors
    /// `setting-missing` or `setting-invalid`, with what to set and where.
    pub fn client_id(&self) -> Result<&str> {
        if let Some(problem) = self.problems.first() {
            return Err(problem.to_error(self.client_id.is_none()));
        }
        let client_id = self
            .client_id
            .as_ref()
            .expect("a missing client id is among the problems");
        Ok(&client_id.value)
    }

    /// The cloud that the sign-in server belongs to.
    pub fn cloud(&self) -> AzureCloud {
        AzureCloud::of_authority(&self.authority).unwrap_or(AzureCloud::Public)
    }
}

impl Settings {
    /// The path of `settings.toml`.
    pub fn path(config: &Path) -> PathBuf {
        config.join("settings.toml")
    }

    /// Loads everything. All faults are in `problems` and `unreadable`.
    pub fn load(config: &Path, environment: &Environment) -> Self {
        let path = Self::path(config);
        let (document, unreadable) = match read_document(&path) {
            Ok(document) => (document, None),
            Err(error) => (DocumentMut::new(), Some(ErrorView::from(&error))),
        };
        let mut lookup = Lookup {
            document: &document,
            path: &path,
            environment,
            problems: Vec::new(),
        };
        let azure = azure(&mut lookup);
        let gcp = gcp::read(&mut lookup);
        let aws = aws::read(&mut lookup);
        let (network, network_problems) = network::read(&mut lookup);
        let preferences = preferences(&mut lookup);
        let shortcut = lookup
            .text("app", "shortcut", None)
            .map(|found| found.value);
        let browser = lookup.text("app", "browser", Some("MCM_BROWSER"));
        Self {
            azure,
            gcp,
            aws,
            network,
            network_problems,
            preferences,
            shortcut,
            browser,
            unreadable,
        }
    }
}

/// Writes one key of `settings.toml`, keeping its comments and order; none removes the key.
///
/// # Errors
/// `storage-unreadable` when the file is not valid (it is then not changed), `storage-failed`.
pub fn save(config: &Path, section: &str, key: &str, value: Option<&str>) -> Result<()> {
    save_item(config, section, key, value.map(toml_edit::value))
}

/// As `save`, for a key that is true or false.
///
/// # Errors
/// As `save`.
pub fn save_flag(config: &Path, section: &str, key: &str, value: bool) -> Result<()> {
    save_item(config, section, key, Some(toml_edit::value(value)))
}

fn save_item(
    config: &Path,
    section: &str,
    key: &str,
    value: Option<toml_edit::Item>,
) -> Result<()> {
    let path = Settings::path(config);
    let mut document = read_document(&path)?;
    let table = document
        .entry(section)
        .or_insert(toml_edit::Item::Table(toml_edit::Table::new()));
    let table = table
        .as_table_like_mut()
        .ok_or_else(|| unreadable(&path, &format!("\"{section}\" is not a table")))?;
    match value {
        Some(value) => {
            table.insert(key, value);
        }
        None => {
            table.remove(key);
        }
    }
    file::replace(&path, document.to_string().as_bytes())
}

fn read_document(path: &Path) -> Result<DocumentMut> {
    let Some(bytes) = file::read(path)? else {
        return Ok(DocumentMut::new());
    };
    let text = String::from_utf8(bytes).map_err(|_| unreadable(path, "it is not UTF-8 text"))?;
    text.parse::<DocumentMut>().map_err(|error| {
        let line = error.span().map_or(1, |span| {
            text[..span.start.min(text.len())].lines().count().max(1)
        });
        unreadable(
            path,
            &format!(
                "line {line}: {}",
                error.message().lines().next().unwrap_or_default()
            ),
        )
    })
}

fn unreadable(path: &Path, why: &str) -> Error {
    let message = format!(
        "{} is not valid: {why}. Fix it; the file was not changed.",
        path.display()
    );
    Error::new(Code::StorageUnreadable, message)
}

/// Finds settings and collects their faults.
struct Lookup<'a> {
    document: &'a DocumentMut,
    path: &'a Path,
    environment: &'a Environment,
    problems: Vec<SettingProblem>,
}

impl Lookup<'_> {
    /// The value of a setting: from the environment, else from the file.
    fn text(&mut self, section: &str, key: &str, variable: Option<&str>) -> Option<Sourced> {
        let from_environment = variable.and_then(|name| Some((name, self.environment.get(name)?)));
        if let Some((name, value)) = from_environment {
            return Some(Sourced {
                value: value.trim().to_owned(),
                origin: name.to_owned(),
            });
        }
        self.file_text(section, key)
    }

    /// As `text`, of the first variable that is set: ours comes before one that other programs read too.
    fn first_text(&mut self, section: &str, key: &str, variables: &[&str]) -> Option<Sourced> {
        let is_set = |name: &&&str| self.environment.get(name).is_some();
        let variable = variables.iter().find(is_set).copied();
        self.text(section, key, variable)
    }

    /// The value of a setting in the file alone.
    fn file_text(&mut self, section: &str, key: &str) -> Option<Sourced> {
        let item = self.document.get(section)?.get(key)?;
        let origin = format!("{section}.{key} in {}", self.path.display());
        match item.as_str() {
            Some(text) if text.trim().is_empty() => None,
            Some(text) => Some(Sourced {
                value: text.trim().to_owned(),
                origin,
            }),
            None => {
                self.problem(key, origin, "is not text. Put it in quotes.");
                None
            }
        }
    }

    /// Where a setting was read, when it is set.
    fn origin(&self, section: &str, key: &str, variable: &str) -> Option<String> {
        if self.environment.get(variable).is_some() {
            return Some(variable.to_owned());
        }
        let set = self.document.get(section)?.get(key)?.as_str()?;
        (!set.trim().is_empty()).then(|| format!("{section}.{key} in {}", self.path.display()))
    }

    fn flag(&mut self, section: &str, key: &str) -> Option<bool> {
        let item = self.document.get(section)?.get(key)?;
        if item.as_bool().is_none() {
            let origin = format!("{section}.{key} in {}", self.path.display());
            self.problem(key, origin, "is neither true nor false.");
        }
        item.as_bool()
    }

    /// An endpoint: `https`, or a loopback address. A bare host name is taken as `https`, as in the Azure SDKs.
    fn endpoint(&mut self, section: &str, key: &str, variable: &str, default: &str) -> Url {
        let default = Url::parse(default).expect("the defaults are URLs");
        let Some(found) = self.text(section, key, Some(variable)) else {
            return default;
        };
        let text = if found.value.contains("://") {
            found.value.clone()
        } else {
            format!("https://{}", found.value)
        };
        match Url::parse(&text) {
            Ok(url)
                if url.host_str().is_none()
                    || url.query().is_some()
                    || url.fragment().is_some() =>
            {
                self.problem(
                    variable,
                    found.origin,
                    &format!(
                        "is \"{}\", which is not a server address. Use an https address.",
                        found.value
                    ),
                );
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.problem(
                    variable,
                    found.origin,
                    "contains a user name or password. Remove it.",
                );
            }
            Ok(mut url) => match http::require_safe(&url) {
                Ok(()) => {
                    if !url.path().ends_with('/') {
                        url.set_path(&format!("{}/", url.path()));
                    }
                    return url;
                }
                Err(_) => {
                    let why = format!(
                        "is \"{}\". Use https; only a server on this machine may use plain http.",
                        found.value
                    );
                    self.problem(variable, found.origin, &why);
                }
            },
            Err(_) => {
                self.problem(
                    variable,
                    found.origin,
                    &format!(
                        "is \"{}\", which is not a server address. Use an https address.",
                        found.value
                    ),
                );
            }
        }
        default
    }

    fn redirect(&mut self, section: &str, variable: &str, default: RedirectKind) -> RedirectKind {
        let Some(found) = self.text(section, "redirect", Some(variable)) else {
            return default;
        };
        match found.value.as_str() {
            "deep-link" => RedirectKind::DeepLink,
            "loopback" => RedirectKind::Loopback,
            other => {
                self.problem(
                    variable,
                    found.origin,
                    &format!("is \"{other}\". Set it to deep-link or loopback."),
                );
                default
            }
        }
    }

    fn problem(&mut self, name: &str, origin: String, what: &str) {
        let message = format!("{origin} {what}");
        self.problems.push(SettingProblem {
            name: name.to_owned(),
            origin,
            message,
        });
    }
}

fn azure(lookup: &mut Lookup<'_>) -> AzureSettings {
    let AzureServers {
        authority,
        tenant_in_authority,
        resource_manager,
        portal,
    } = azure_servers(lookup);
    let audience = azure_audience(lookup);

    let tenant = lookup.text("azure", "tenant", Some("AZURE_TENANT_ID"));
    if let (Some(set), Some(inside)) = (&tenant, &tenant_in_authority)
        && !set.value.eq_ignore_ascii_case(&inside.value)
    {
        let what = format!(
            "names tenant \"{}\", and {} names \"{}\". Remove one of them.",
            inside.value, set.origin, set.value
        );
        lookup.problem("AZURE_AUTHORITY_HOST", inside.origin.clone(), &what);
    }
    let tenant = tenant.or(tenant_in_authority).map_or_else(
        || "organizations".to_owned(),
        |tenant| {
            if parse_tenant(&tenant.value).is_err() {
                let what = format!(
                    "is \"{}\". Set it to a tenant id (a GUID) or a domain.",
                    tenant.value
                );
                lookup.problem("AZURE_TENANT_ID", tenant.origin, &what);
            }
            tenant.value.to_ascii_lowercase()
        },
    );
    let redirect = lookup.redirect("azure", "MCM_REDIRECT_AZURE", RedirectKind::DeepLink);
    let client_id = lookup.first_text(
        "azure",
        "client_id",
        &["MCM_AZURE_CLIENT_ID", "AZURE_CLIENT_ID"],
    );
    match &client_id {
        None => lookup.problem(
            "AZURE_CLIENT_ID",
            format!("AZURE_CLIENT_ID, and azure.client_id in {}", lookup.path.display()),
            "are not set. Register an app in Microsoft Entra and set one of them to its application (client) id.",
        ),
        Some(found) => {
            if let Err(why) = check_azure_client_id(&found.value, &authority) {
                lookup.problem("AZURE_CLIENT_ID", found.origin.clone(), &why);
            }
        }
    }
    let problems = std::mem::take(&mut lookup.problems);
    AzureSettings {
        client_id,
        tenant,
        authority,
        resource_manager,
        audience,
        portal,
        redirect,
        problems,
    }
}

/// Azure's servers, of one cloud or an installation's own.
struct AzureServers {
    authority: Url,
    /// A tenant behind the sign-in server's address.
    tenant_in_authority: Option<Sourced>,
    resource_manager: Url,
    portal: Url,
}

/// The servers that the settings name. A sign-in server of a known cloud, by any of its names, brings that cloud's others
/// along; an installation's own brings none.
fn azure_servers(lookup: &mut Lookup<'_>) -> AzureServers {
    const AUTHORITY: (&str, &str) = ("authority_host", "AZURE_AUTHORITY_HOST");
    const RESOURCE_MANAGER: (&str, &str) = ("resource_manager", "MCM_AZURE_RESOURCE_MANAGER");
    let mut chosen = AzureCloud::Public;
    if let Some(set) = lookup.text("azure", "cloud", None) {
        match AzureCloud::named(&set.value) {
            Some(cloud) => chosen = cloud,
            None => {
                let what = format!(
                    "is \"{}\". Set it to public, us-government or china.",
                    set.value
                );
                lookup.problem("cloud", set.origin, &what);
            }
        }
    }
    let own = chosen.authority();
    let named = lookup.endpoint("azure", AUTHORITY.0, AUTHORITY.1, own.as_str());
    let cloud = AzureCloud::of_authority(&named);
    let (authority, tenant_in_authority) = match cloud {
        Some(cloud) => (cloud.authority(), tenant_behind(lookup, &named, AUTHORITY)),
        None => (named, None),
    };
    let usual = cloud.unwrap_or(chosen);
    let resource_manager = lookup.endpoint(
        "azure",
        RESOURCE_MANAGER.0,
        RESOURCE_MANAGER.1,
        usual.resource_manager().as_str(),
    );
    let origin = lookup.origin("azure", RESOURCE_MANAGER.0, RESOURCE_MANAGER.1);
    match (cloud, origin) {
        (None, None) => {
            let origin = format!(
                "MCM_AZURE_RESOURCE_MANAGER, and azure.resource_manager in {}",
                lookup.path.display()
            );
            let what = format!(
                "are not set. {} is the sign-in server of no Azure cloud that this app knows: set the Resource Manager \
                 that belongs to it.",
                http::place(&authority)
            );
            lookup.problem(RESOURCE_MANAGER.1, origin, &what);
        }
        (Some(cloud), Some(origin)) => {
            let other = AzureCloud::of_resource_manager(&resource_manager);
            if let Some(other) = other.filter(|other| *other != cloud) {
                let what = format!(
                    "is the Resource Manager of Azure's cloud \"{}\", and the sign-in server is that of \"{}\". Set \
                     azure.cloud alone.",
                    other.name(),
                    cloud.name()
                );
                lookup.problem(RESOURCE_MANAGER.1, origin, &what);
            }
        }
        _ => {}
    }
    AzureServers {
        authority,
        tenant_in_authority,
        resource_manager,
        portal: usual.portal(),
    }
}

/// The tenant behind a known sign-in server's address, where tools of Azure put it.
fn tenant_behind(
    lookup: &mut Lookup<'_>,
    named: &Url,
    (key, variable): (&str, &str),
) -> Option<Sourced> {
    let first = named
        .path_segments()?
        .next()
        .filter(|first| !first.is_empty())?;
    let origin = lookup.origin("azure", key, variable)?;
    match parse_tenant(first) {
        Ok(value) => Some(Sourced { value, origin }),
        Err(_) => {
            let what = format!(
                "has the path \"{}\", which names no tenant. Give the host alone.",
                crate::text::shown(named.path())
            );
            lookup.problem(variable, origin, &what);
            None
        }
    }
}

fn azure_audience(lookup: &mut Lookup<'_>) -> Option<Identifier> {
    let found = lookup.text("azure", "audience", Some("MCM_AZURE_AUDIENCE"))?;
    let audience = Identifier::parse(&found.value);
    if audience.is_none() {
        let what = format!(
            "is \"{}\", which identifies no resource: https://…, api://… or a GUID, without \"/.default\".",
            crate::text::shown(&found.value)
        );
        lookup.problem("MCM_AZURE_AUDIENCE", found.origin, &what);
    }
    audience
}

/// An Entra client id is a GUID. Another server may use other ids, so there only the forms of other clouds' ids are
/// refused.
///
/// # Errors
/// The rest of a sentence that begins with where it was read.
pub fn check_azure_client_id(client_id: &str, authority: &Url) -> std::result::Result<(), String> {
    let of_another_cloud =
        client_id.ends_with(".apps.googleusercontent.com") || client_id.starts_with("arn:");
    let well_formed = !client_id.is_empty() && client_id.chars().all(|c| c.is_ascii_graphic());
    let known_cloud = AzureCloud::of_authority(authority).is_some();
    if well_formed && !of_another_cloud && (is_guid(client_id) || !known_cloud) {
        return Ok(());
    }
    Err(format!(
        "is \"{}\", which is not an application (client) id of Microsoft Entra: a GUID such as \
         00000000-0000-0000-0000-000000000000.",
        client_id
            .chars()
            .filter(|c| !c.is_control())
            .take(80)
            .collect::<String>()
    ))
}

/// Parses a tenant: a GUID, a domain, or one of Entra's three words. Returned in lower case.
///
/// # Errors
/// `invalid-input`, naming it.
pub fn parse_tenant(text: &str) -> Result<String> {
    let domain = text.contains('.')
        && !text.starts_with('.')
        && !text.ends_with('.')
        && !text.contains("..");
    let characters = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    let word = matches!(text, "organizations" | "common" | "consumers");
    if characters && text.len() <= 253 && (word || is_guid(text) || domain) {
        return Ok(text.to_ascii_lowercase());
    }
    let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
    let message = format!(
        "\"{shown}\" is not a tenant. Enter its id (a GUID) or its domain, for example contoso.example."
    );
    Err(Error::new(Code::InvalidInput, message))
}

/// The value that a key of `[app]` names; none for a missing or unknown word.
fn word<T: Copy, const N: usize>(
    lookup: &mut Lookup<'_>,
    key: &'static str,
    all: [T; N],
    as_str: fn(T) -> &'static str,
) -> Option<T> {
    let found = lookup.text("app", key, None)?.value;
    all.into_iter().find(|one| as_str(*one) == found)
}

fn preferences(lookup: &mut Lookup<'_>) -> Preferences {
    let theme = match lookup
        .text("app", "theme", None)
        .map(|theme| theme.value)
        .as_deref()
    {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    };
    Preferences {
        theme,
        welcomed: lookup.flag("app", "welcomed").unwrap_or_default(),
        sort: word(lookup, "sort", Sort::ALL, Sort::as_str).unwrap_or_default(),
        group: word(lookup, "group", Grouping::ALL, Grouping::as_str).unwrap_or_default(),
        notify: lookup.flag("app", "notify").unwrap_or(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: &str = "11111111-2222-3333-4444-555555555555";

    fn load(toml: &str, environment: &[(&str, &str)]) -> Settings {
        let folder = tempfile::tempdir().expect("a folder");
        file::replace(&Settings::path(folder.path()), toml.as_bytes()).expect("written");
        Settings::load(
            folder.path(),
            &Environment::from_pairs(environment.iter().copied()),
        )
    }

    fn problem(settings: &Settings) -> &str {
        assert_eq!(
            settings.azure.problems.len(),
            1,
            "{:?}",
            settings.azure.problems
        );
        &settings.azure.problems[0].message
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_origin_is_named() {
        let toml = format!("[azure]\nclient_id = \"{GUID}\"\ntenant = \"contoso.example\"");
        let from_file = load(&toml, &[]);
        assert!(
            from_file
                .azure
                .client_id
                .expect("set")
                .origin
                .starts_with("azure.client_id in ")
        );
        assert_eq!(from_file.azure.tenant, "contoso.example");
        let other = GUID.replace('1', "9");
        let both = load(&toml, &[("AZURE_CLIENT_ID", &other)]);
        assert_eq!(
            both.azure.client_id.expect("set"),
            Sourced {
                value: other,
                origin: "AZURE_CLIENT_ID".into()
            }
        );
    }

    #[test]
    fn without_settings_the_public_cloud_is_used_and_the_missing_client_id_is_named() {
        let settings = load("", &[]);
        assert_eq!(
            settings.azure.authority.as_str(),
            "https://login.microsoftonline.com/"
        );
        assert_eq!(settings.azure.tenant, "organizations");
        assert!(problem(&settings).contains("AZURE_CLIENT_ID"));
        assert_eq!(
            settings.azure.client_id().expect_err("not set").code(),
            Code::SettingMissing
        );
    }

    #[test]
    fn an_authority_of_a_known_cloud_implies_its_resource_manager() {
        let host = ("AZURE_AUTHORITY_HOST", "login.microsoftonline.us");
        let government = load("", &[host, ("AZURE_CLIENT_ID", GUID)]).azure;
        assert_eq!(
            government.resource_manager.as_str(),
            "https://management.usgovcloudapi.net/"
        );
        let china = load("[azure]\ncloud = \"china\"", &[("AZURE_CLIENT_ID", GUID)]).azure;
        assert_eq!(
            china.authority.as_str(),
            "https://login.partner.microsoftonline.cn/"
        );
        assert_eq!(
            (china.portal.as_str(), china.problems),
            ("https://portal.azure.cn/", vec![])
        );
    }

    #[test]
    fn every_name_of_a_clouds_sign_in_server_brings_that_cloud_along() {
        for (host, cloud, arm, portal) in [
            (
                "login.windows.net",
                AzureCloud::Public,
                "management.azure.com",
                "portal.azure.com",
            ),
            (
                "sts.windows.net",
                AzureCloud::Public,
                "management.azure.com",
                "portal.azure.com",
            ),
            (
                "login.usgovcloudapi.net",
                AzureCloud::UsGovernment,
                "management.usgovcloudapi.net",
                "portal.azure.us",
            ),
            (
                "https://login.chinacloudapi.cn/",
                AzureCloud::China,
                "management.chinacloudapi.cn",
                "portal.azure.cn",
            ),
            (
                "https://login.microsoftonline.us/common",
                AzureCloud::UsGovernment,
                "management.usgovcloudapi.net",
                "portal.azure.us",
            ),
        ] {
            let settings = load(
                "",
                &[("AZURE_AUTHORITY_HOST", host), ("AZURE_CLIENT_ID", GUID)],
            );
            let azure = settings.azure;
            assert_eq!(azure.problems, [], "{host}");
            assert_eq!(azure.cloud(), cloud, "{host}");
            assert_eq!(azure.resource_manager.host_str(), Some(arm), "{host}");
            assert_eq!(azure.portal.host_str(), Some(portal), "{host}");
            // The cloud's first name, whose metadata speaks for itself.
            assert_eq!(AzureCloud::of_authority(&azure.authority), Some(cloud));
            assert_eq!(azure.authority, cloud.authority(), "{host}");
        }
    }

    #[test]
    fn a_tenant_behind_the_sign_in_server_is_used_and_never_beside_another() {
        let authority = |path: &str| format!("https://login.microsoftonline.us/{path}");
        let behind = authority("contoso.example/v2.0");
        let found = load(
            "",
            &[("AZURE_AUTHORITY_HOST", &behind), ("AZURE_CLIENT_ID", GUID)],
        );
        assert_eq!(found.azure.tenant, "contoso.example");
        for (path, tenant, says) in [
            (
                "contoso.example",
                "fabrikam.example",
                "names tenant \"contoso.example\"",
            ),
            ("x/y", "contoso.example", "names no tenant"),
        ] {
            let variables = [
                ("AZURE_AUTHORITY_HOST", &*authority(path)),
                ("AZURE_TENANT_ID", tenant),
                ("AZURE_CLIENT_ID", GUID),
            ];
            assert!(problem(&load("", &variables)).contains(says), "{path}");
        }
    }

    #[test]
    fn servers_that_do_not_belong_together_are_named() {
        let with = |pairs: &[(&str, &str)]| {
            let id = [("AZURE_CLIENT_ID", GUID)];
            load("", &[&id[..], pairs].concat())
        };
        let own = ("AZURE_AUTHORITY_HOST", "https://login.contoso.example");
        assert!(problem(&with(&[own])).contains("of no Azure cloud that this app knows"));
        let regional = ("AZURE_AUTHORITY_HOST", "login-us.microsoftonline.com");
        assert!(problem(&with(&[regional])).contains("login-us.microsoftonline.com"));
        let government = ("MCM_AZURE_RESOURCE_MANAGER", "management.usgovcloudapi.net");
        assert!(problem(&with(&[government])).contains("Set azure.cloud alone"));
        let stack = (
            "MCM_AZURE_RESOURCE_MANAGER",
            "https://management.local.azurestack.external",
        );
        assert_eq!(with(&[stack]).azure.problems, []);
        assert_eq!(with(&[own, stack]).azure.problems, []);
    }

    #[test]
    fn an_azure_stack_may_have_an_audience_of_its_own() {
        let audience = "https://management.contoso.example/11111111-2222-3333-4444-555555555555";
        let found = load(
            &format!("[azure]\naudience = \"{audience}\""),
            &[("AZURE_CLIENT_ID", GUID)],
        );
        assert_eq!(found.azure.audience.expect("set").as_str(), audience);
        let odd = [
            ("MCM_AZURE_AUDIENCE", "http://x"),
            ("AZURE_CLIENT_ID", GUID),
        ];
        assert!(problem(&load("", &odd)).contains("MCM_AZURE_AUDIENCE"));
    }

    #[test]
    fn each_malformed_setting_is_named_with_its_origin_and_remedy() {
        for (name, value, says) in [
            ("AZURE_AUTHORITY_HOST", "http://login.example", "https"),
            ("AZURE_AUTHORITY_HOST", "https://", "not a server address"),
            (
                "AZURE_AUTHORITY_HOST",
                "https://me:secret@login.example",
                "user name or password",
            ),
            ("MCM_AZURE_RESOURCE_MANAGER", "ftp://x", "https"),
            ("AZURE_TENANT_ID", "my tenant", "a tenant id"),
            (
                "MCM_REDIRECT_AZURE",
                "carrier-pigeon",
                "deep-link or loopback",
            ),
        ] {
            let settings = load("", &[("AZURE_CLIENT_ID", GUID), (name, value)]);
            let message = problem(&settings);
            assert!(
                message.contains(name) && message.contains(says),
                "{message}"
            );
            assert!(!message.contains("secret"), "{message}");
        }
        for wrong in ["123-abc.apps.googleusercontent.com", "my app", "not-a-guid"] {
            let settings = load("", &[("AZURE_CLIENT_ID", wrong)]);
            assert!(problem(&settings).contains(wrong));
            assert_eq!(
                settings.azure.client_id().expect_err("wrong kind").code(),
                Code::SettingInvalid
            );
        }
    }

    #[test]
    fn a_file_that_is_not_toml_is_named_with_its_line_and_never_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Settings::path(folder.path());
        file::replace(&path, b"[azure]\nclient_id = \n").expect("written");
        let settings = Settings::load(folder.path(), &Environment::default());
        assert!(
            settings
                .unreadable
                .expect("named")
                .message
                .contains("line 2")
        );
        assert!(save(folder.path(), "azure", "client_id", Some(GUID)).is_err());
        assert_eq!(
            file::read(&path).expect("readable").expect("there"),
            b"[azure]\nclient_id = \n"
        );
    }

    #[test]
    fn saving_keeps_comments_and_other_keys() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = Settings::path(folder.path());
        file::replace(&path, b"# mine\n[azure]\ntenant = \"a.example\" # why\n").expect("written");
        save(folder.path(), "azure", "client_id", Some(GUID)).expect("saved");
        save_flag(folder.path(), "app", "welcomed", true).expect("saved");
        let text =
            String::from_utf8(file::read(&path).expect("readable").expect("there")).expect("text");
        assert!(
            text.contains("# mine") && text.contains("# why") && text.contains(GUID),
            "{text}"
        );
        let settings = Settings::load(folder.path(), &Environment::default());
        assert!(settings.preferences.welcomed && settings.azure.problems.is_empty());
    }

    #[test]
    fn tenants_are_guids_domains_or_entras_words() {
        for good in [
            GUID,
            "Contoso.Example",
            "organizations",
            "common",
            "a-b.example",
        ] {
            assert_eq!(parse_tenant(good).expect(good), good.to_ascii_lowercase());
        }
        for bad in [
            "",
            "contoso",
            "../common",
            "a/b.c",
            "a b.example",
            ".example",
            "a..b",
            "x.example?y",
        ] {
            assert!(parse_tenant(bad).is_err(), "{bad:?}");
        }
    }
}
