//! `azureProfile.json` of Azure's command line: users, tenants and subscriptions. Its tokens are in files of their own.

use serde::Deserialize;

use super::{FoundSignIn, NamedAccount, ToolReader};
use crate::guid::is_guid;
use crate::text::shown;

const TOOL: &str = "Azure CLI";

#[derive(Deserialize)]
struct AzureCliProfile {
    #[serde(default)]
    subscriptions: Vec<AzureCliSubscription>,
}

/// Only these fields are read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AzureCliSubscription {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    tenant_id: String,
    #[serde(default)]
    tenant_display_name: Option<String>,
    #[serde(default)]
    tenant_default_domain: Option<String>,
    #[serde(default)]
    environment_name: Option<String>,
    #[serde(default)]
    user: Option<AzureCliUser>,
}

#[derive(Deserialize)]
struct AzureCliUser {
    #[serde(default)]
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
}

pub(super) fn read(reader: &mut ToolReader<'_>) {
    let path = reader.tools.azure().join("azureProfile.json");
    let Some(text) = reader.text(TOOL, &path) else {
        return;
    };
    let Ok(profile) = serde_json::from_str::<AzureCliProfile>(&text) else {
        reader.refuse(
            TOOL,
            &path,
            "It is not valid. Run az account clear, then az login.",
        );
        return;
    };
    for subscription in profile.subscriptions {
        let user = subscription.user.filter(|user| user.kind == "user");
        let user = user.filter(|user| !user.name.is_empty());
        let (Some(user), true) = (user, is_guid(&subscription.tenant_id)) else {
            // An application or a machine's identity signs in elsewhere.
            continue;
        };
        let tenant_id = subscription.tenant_id.to_ascii_lowercase();
        let named = subscription
            .tenant_display_name
            .or(subscription.tenant_default_domain);
        // Such an entry stands for a tenant without subscriptions, and has the tenant's id.
        let is_tenant = subscription.id.eq_ignore_ascii_case(&tenant_id);
        let of_subscription = |text: String| (!is_tenant).then_some(text).into_iter().collect();
        let username = user.name.strip_prefix("live.com#").unwrap_or(&user.name);
        let entry = NamedAccount {
            // The cloud has the tenant's name too.
            name: None,
            usual_name: named
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| tenant_id.clone()),
            names: of_subscription(subscription.name),
            targets: of_subscription(subscription.id),
            obstacle: obstacle(subscription.environment_name.as_deref()),
            sign_in: FoundSignIn::Tenant {
                tenant_id,
                username: shown(username),
            },
        };
        reader.add(TOOL, &path, entry);
    }
}

/// A tenant of a cloud that stands apart needs that cloud's sign-in server.
fn obstacle(environment: Option<&str>) -> Option<String> {
    let cloud = match environment? {
        "AzureUSGovernment" => "us-government",
        "AzureChinaCloud" => "china",
        _ => return None,
    };
    Some(format!(
        "This tenant is in a cloud that stands apart. Set azure.cloud to \"{cloud}\" in settings.toml, then connect it by its tenant id."
    ))
}
