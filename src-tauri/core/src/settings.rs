//! Settings: `settings.toml` and the environment, which takes precedence.
//!
//! Loading never fails: each missing or malformed setting is named with where it was read and how to set it, and the
//! app starts anyway. Endpoints come only from here, never from the dashboard. Google Cloud's section is in
//! `settings/gcp.rs`, AWS's in `settings/aws.rs`.

mod aws;
mod azure_cloud;
mod gcp;
mod network;
#[cfg(test)]
mod tests;

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
