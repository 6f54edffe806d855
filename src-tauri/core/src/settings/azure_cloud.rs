//! The Azure clouds that stand apart: their sign-in servers by every name, their Resource Managers and portals.
//!
//! Sources: the known instance metadata of Microsoft's authentication libraries (the alias sets), and the cloud endpoints
//! of the Azure CLI. An alias counts as its cloud, whose first name is then used, as those libraries do.

use url::Url;

/// One of the Azure clouds that stand apart from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AzureCloud {
    /// The public one; a sign-in server that Microsoft does not name counts as it too.
    Public,
    /// Azure Government.
    UsGovernment,
    /// Azure operated by 21Vianet.
    China,
}

/// How a cloud is reached.
struct Endpoints {
    cloud: AzureCloud,
    name: &'static str,
    /// The sign-in server, and its other names.
    authorities: &'static [&'static str],
    /// Resource Manager, and the older name that tokens for it may carry.
    resource_managers: [&'static str; 2],
    portal: &'static str,
}

const CLOUDS: [Endpoints; 3] = [
    Endpoints {
        cloud: AzureCloud::Public,
        name: "public",
        authorities: &[
            "login.microsoftonline.com",
            "login.windows.net",
            "login.microsoft.com",
            "sts.windows.net",
        ],
        resource_managers: ["management.azure.com", "management.core.windows.net"],
        portal: "portal.azure.com",
    },
    Endpoints {
        cloud: AzureCloud::UsGovernment,
        name: "us-government",
        authorities: &["login.microsoftonline.us", "login.usgovcloudapi.net"],
        resource_managers: [
            "management.usgovcloudapi.net",
            "management.core.usgovcloudapi.net",
        ],
        portal: "portal.azure.us",
    },
    Endpoints {
        cloud: AzureCloud::China,
        name: "china",
        authorities: &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
        resource_managers: [
            "management.chinacloudapi.cn",
            "management.core.chinacloudapi.cn",
        ],
        portal: "portal.azure.cn",
    },
];

impl AzureCloud {
    /// The cloud that a setting names.
    pub(super) fn named(name: &str) -> Option<Self> {
        let is_it = |endpoints: &&Endpoints| endpoints.name.eq_ignore_ascii_case(name);
        CLOUDS.iter().find(is_it).map(|endpoints| endpoints.cloud)
    }

    /// The cloud that a sign-in server belongs to, by any of its names; none for one that Microsoft does not name.
    pub(super) fn of_authority(authority: &Url) -> Option<Self> {
        Self::with(authority, |endpoints| endpoints.authorities)
    }

    /// The cloud that a Resource Manager belongs to.
    pub(super) fn of_resource_manager(server: &Url) -> Option<Self> {
        Self::with(server, |endpoints| &endpoints.resource_managers)
    }

    fn with(
        server: &Url,
        names: impl Fn(&'static Endpoints) -> &'static [&'static str],
    ) -> Option<Self> {
        let host = server
            .host_str()
            .filter(|_| server.scheme() == "https" && server.port().is_none())?;
        let is_it = |endpoints: &&'static Endpoints| names(endpoints).contains(&host);
        CLOUDS.iter().find(is_it).map(|endpoints| endpoints.cloud)
    }

    /// The cloud as a setting names it.
    pub(super) fn name(self) -> &'static str {
        self.endpoints().name
    }

    /// The sign-in server.
    pub(super) fn authority(self) -> Url {
        to_url(self.endpoints().authorities[0])
    }

    /// Resource Manager.
    pub(super) fn resource_manager(self) -> Url {
        to_url(self.endpoints().resource_managers[0])
    }

    /// The hosts that mean Resource Manager.
    pub fn resource_manager_hosts(self) -> [&'static str; 2] {
        self.endpoints().resource_managers
    }

    /// The portal.
    pub(super) fn portal(self) -> Url {
        to_url(self.endpoints().portal)
    }

    fn endpoints(self) -> &'static Endpoints {
        let found = CLOUDS.iter().find(|endpoints| endpoints.cloud == self);
        found.expect("every cloud has a row")
    }
}

fn to_url(host: &str) -> Url {
    Url::parse(&format!("https://{host}/")).expect("the table's hosts make URLs")
}
