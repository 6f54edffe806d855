//! The places where `az` and Terraform's provider for Azure look: their variables, and the user of `az login`.

use mcm_core::account::{Account, Cloud, Identity};
use serde::Deserialize;

use super::{ExaminedShell, Found, Source, text};

/// `azureProfile.json`, which holds names and no secret.
#[derive(Deserialize)]
struct AzureProfile {
    #[serde(default)]
    subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    id: String,
    #[serde(default)]
    is_default: bool,
    #[serde(default)]
    tenant_id: String,
    user: Option<User>,
}

#[derive(Deserialize)]
struct User {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
}

pub(super) fn command_line(shell: &ExaminedShell<'_>) -> Found {
    signed_in(shell, "az")
}

pub(super) fn terraform(shell: &ExaminedShell<'_>) -> Found {
    const TOOL: &str = "terraform-azurerm";
    let is_on = |name: &str| {
        shell
            .get(name)
            .is_some_and(|value| matches!(value, "1" | "true" | "True" | "TRUE"))
    };
    let other = |source, why: String| {
        Found::other(
            TOOL,
            Cloud::Azure,
            source,
            shell.get("ARM_CLIENT_ID").map(str::to_owned),
            why,
        )
    };
    let found = if let Some((variable, _)) = shell.first(&[
        "ARM_CLIENT_CERTIFICATE",
        "ARM_CLIENT_CERTIFICATE_PATH",
        "ARM_CLIENT_SECRET",
        "ARM_CLIENT_SECRET_FILE_PATH",
    ]) {
        other(
            Source::Environment,
            format!("{variable} is set: the application in ARM_CLIENT_ID."),
        )
    } else if let Some(variable) = ["ARM_USE_OIDC", "ARM_USE_AKS_WORKLOAD_IDENTITY"]
        .into_iter()
        .find(|name| is_on(name))
    {
        other(
            Source::Federation,
            format!("{variable} is set: an application, through another identity provider."),
        )
    } else if is_on("ARM_USE_MSI") {
        let address = shell
            .first(&["ARM_MSI_ENDPOINT"])
            .map(|(_, address)| address);
        match address.and_then(|address| shell.served_at(Cloud::Azure, address)) {
            Some(account) => Found::served(TOOL, &account, "ARM_MSI_ENDPOINT"),
            None => other(
                Source::Machine,
                "ARM_USE_MSI is set: the machine's identity.".to_owned(),
            ),
        }
    } else if shell.get("ARM_USE_CLI").is_some() && !is_on("ARM_USE_CLI") {
        let why = "ARM_USE_CLI turns az off, and no other variable names an identity.";
        Found::other(TOOL, Cloud::Azure, Source::None, None, why.to_owned())
    } else {
        let found = signed_in(shell, TOOL);
        Found {
            why: format!("Terraform uses az. {}", found.why),
            ..found
        }
    };
    match shell.get("ARM_SUBSCRIPTION_ID") {
        Some(subscription) => found.at(Some(subscription.to_owned())),
        None => found,
    }
}

/// The user, application or machine that `az login` signed in.
fn signed_in(shell: &ExaminedShell<'_>, tool: &'static str) -> Found {
    let folder = shell.tools.azure();
    let other =
        |source, identity, why: String| Found::other(tool, Cloud::Azure, source, identity, why);
    let Some(text) = text(&folder.join("azureProfile.json")) else {
        let why = format!(
            "az is not signed in: {} has no profile. Run az login.",
            folder.display()
        );
        return other(Source::None, None, why);
    };
    let Ok(profile) = serde_json::from_str::<AzureProfile>(&text) else {
        let why = format!(
            "azureProfile.json in {} is not valid. Run az account clear.",
            folder.display()
        );
        return other(Source::Broken, None, why);
    };
    let Some(subscription) = profile
        .subscriptions
        .iter()
        .find(|subscription| subscription.is_default)
    else {
        let why = format!(
            "The profile in {} has no default subscription. Run az login.",
            folder.display()
        );
        return other(Source::None, None, why);
    };
    let place = Some(subscription.id.clone());
    let user = subscription.user.as_ref();
    let name = user.map(|user| user.name.clone());
    // The user that `az login --identity` stores.
    let is_machine = matches!(
        name.as_deref(),
        Some("systemAssignedIdentity" | "userAssignedIdentity")
    );
    if is_machine {
        let address = shell.first(&["IDENTITY_ENDPOINT", "MSI_ENDPOINT"]);
        let served = address.and_then(|(variable, address)| {
            Some((variable, shell.served_at(Cloud::Azure, address)?))
        });
        return match served {
            Some((variable, account)) => Found::served(tool, &account, variable).at(place),
            None => other(
                Source::Machine,
                name,
                "az login --identity: the machine's identity.".to_owned(),
            )
            .at(place),
        };
    }
    let is_user = user.is_some_and(|user| user.kind != "servicePrincipal");
    let why = format!(
        "{} with az login, stored in {}.",
        if is_user {
            "This user signed in"
        } else {
            "This application signed in"
        },
        folder.display()
    );
    let ours = name
        .as_deref()
        .filter(|_| is_user)
        .and_then(|name| connected(shell, &subscription.tenant_id, name));
    match ours {
        Some(account) => Found::ours(tool, Source::CommandLine, &account, why).at(place),
        None => other(Source::CommandLine, name, why).at(place),
    }
}

/// The account of this user in this tenant, if it is connected here.
pub(super) fn connected(shell: &ExaminedShell<'_>, tenant: &str, user: &str) -> Option<Account> {
    shell.labelled(tenant, |account| {
        matches!(&account.identity, Identity::Azure { tenant_id, username, .. }
            if tenant_id.eq_ignore_ascii_case(tenant) && user.eq_ignore_ascii_case(username))
    })
}
