//! The Azure resources that a user or an SDK can request a token for, and their names.
//!
//! Short names depend on the configured Azure cloud. Sources: the cloud endpoints of the Azure CLI, and Microsoft's
//! pages on national clouds.

use crate::error::{Code, Error, Result};
use crate::resource::{Identifier, Resource};
use crate::settings::{AzureCloud, AzureSettings};
use crate::text;

/// The short names of the resources, and their identifiers in the public cloud, for the US government and in China.
const NAMES: [(&str, [&str; 3]); 4] = [
    (
        "graph",
        [
            "https://graph.microsoft.com",
            "https://graph.microsoft.us",
            "https://microsoftgraph.chinacloudapi.cn",
        ],
    ),
    (
        "key-vault",
        [
            "https://vault.azure.net",
            "https://vault.usgovcloudapi.net",
            "https://vault.azure.cn",
        ],
    ),
    ("storage", ["https://storage.azure.com"; 3]),
    ("aks", [AKS_SERVER; 3]),
];

/// The API server of every cluster of Azure Kubernetes Service, in every cloud.
pub const AKS_SERVER: &str = "6dae42f8-4368-4678-94ff-3960e28e3630";

/// The name of Resource Manager, whose session every account has.
const RESOURCE_MANAGER: &str = "arm";

/// The short names that a user can enter.
pub fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once(RESOURCE_MANAGER).chain(NAMES.iter().map(|(name, _)| *name))
}

/// Finds the resource that a text names.
///
/// # Errors
/// `invalid-input`, naming the text and the permitted forms.
pub(in crate::provider) fn parse(settings: &AzureSettings, text: &str) -> Result<Resource> {
    let cloud = match settings.cloud() {
        AzureCloud::Public => 0,
        AzureCloud::UsGovernment => 1,
        AzureCloud::China => 2,
    };
    let known = NAMES
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    let identifier = known.map_or(text, |(_, identifiers)| identifiers[cloud]);
    let bare = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    // The configured one may be a server on this machine, which is nowhere else a resource.
    let audience = settings.audience.as_ref();
    if text.eq_ignore_ascii_case(RESOURCE_MANAGER)
        || bare(text) == bare(settings.resource_manager.as_str())
        || audience.is_some_and(|audience| bare(text) == bare(audience.as_str()))
    {
        return Ok(Resource::Management);
    }
    let identifier = Identifier::parse(identifier).ok_or_else(|| no_resource(text))?;
    let hosts = settings.cloud().resource_manager_hosts();
    if hosts.iter().any(|host| identifier.is_server(host)) {
        return Ok(Resource::Management);
    }
    Ok(Resource::Named(identifier))
}

fn no_resource(text: &str) -> Error {
    let names: Vec<&str> = names().collect();
    let shown: String = text::shown(text).chars().take(80).collect();
    let message = format!(
        "\"{shown}\" is not an Azure resource. Use {}, or the resource's identifier: https://…, \
         api://… or a GUID, without \"/.default\".",
        names.join(", ")
    );
    Error::new(Code::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use crate::world::Environment;

    fn settings(authority: &str, resource_manager: Option<&str>) -> AzureSettings {
        let folder = tempfile::tempdir().expect("a folder");
        let mut pairs = vec![("AZURE_AUTHORITY_HOST", authority)];
        pairs.extend(resource_manager.map(|address| ("MCM_AZURE_RESOURCE_MANAGER", address)));
        Settings::load(folder.path(), &Environment::from_pairs(pairs)).azure
    }

    fn key(settings: &AzureSettings, text: &str) -> String {
        parse(settings, text).expect("a resource").key().to_owned()
    }

    #[test]
    fn short_names_follow_the_cloud() {
        let public = settings("https://login.microsoftonline.com", None);
        let government = settings("https://login.microsoftonline.us", None);
        let china = settings("https://login.partner.microsoftonline.cn", None);
        assert_eq!(key(&public, "graph"), "https://graph.microsoft.com");
        assert_eq!(key(&government, "Graph"), "https://graph.microsoft.us");
        assert_eq!(
            key(&china, "graph"),
            "https://microsoftgraph.chinacloudapi.cn"
        );
        assert_eq!(key(&china, "key-vault"), "https://vault.azure.cn");
        for settings in [&public, &government, &china] {
            assert_eq!(key(settings, "aks"), AKS_SERVER);
            assert_eq!(key(settings, "arm"), "management");
        }
    }

    #[test]
    fn every_spelling_of_the_clouds_own_resource_manager_means_the_management_session() {
        let public = settings("https://login.microsoftonline.com", None);
        for text in [
            "https://management.azure.com/",
            "https://management.azure.com",
            "https://management.core.windows.net/",
            "https://Management.Core.Windows.Net",
        ] {
            assert_eq!(
                parse(&public, text).expect("a resource"),
                Resource::Management,
                "{text}"
            );
        }
        let government = settings("https://login.microsoftonline.us", None);
        assert_eq!(
            key(&government, "https://management.core.usgovcloudapi.net/"),
            "management"
        );
        assert_eq!(
            key(&government, "https://management.azure.com/"),
            "https://management.azure.com/"
        );
    }

    #[test]
    fn only_the_configured_resource_manager_on_this_machine_is_a_resource() {
        let sandbox = settings("http://127.0.0.1:4711", Some("http://127.0.0.1:4712"));
        for text in [
            "http://127.0.0.1:4712",
            "http://127.0.0.1:4712/",
            "https://management.azure.com",
        ] {
            assert_eq!(
                parse(&sandbox, text).expect("a resource"),
                Resource::Management,
                "{text}"
            );
        }
        assert!(parse(&sandbox, "http://127.0.0.1:4713").is_err());
    }

    #[test]
    fn an_unknown_resource_is_named_with_the_permitted_forms() {
        let public = settings("https://login.microsoftonline.com", None);
        let error = parse(&public, "graf\u{1b}[31m").expect_err("no resource");
        assert_eq!(error.code(), Code::InvalidInput);
        assert!(
            error.message().contains("\"graf[31m\"") && error.message().contains("key-vault"),
            "{error}"
        );
        assert!(
            parse(&public, &"x".repeat(10_000))
                .expect_err("no resource")
                .message()
                .len()
                < 400
        );
    }
}
