//! Azure's section: the app registration, the tenant, and the servers of one Azure cloud.
//!
//! A known sign-in server brings its cloud's other servers along (`settings/azure_cloud.rs`); an installation of its own
//! brings none, and servers that do not belong together are named.

use url::Url;

use super::azure_cloud::AzureCloud;
use super::lookup::Lookup;
use super::{RedirectKind, SettingProblem, Sourced};
use crate::error::{Code, Error, Result};
use crate::guid::is_guid;
use crate::http;
use crate::resource::Identifier;
use crate::world::SCHEME;

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

pub(super) fn read(lookup: &mut Lookup<'_>) -> AzureSettings {
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
