//! The context that Az PowerShell begins with: one that `Connect-AzAccount` saved. No variable leads it to another folder
//! (Azure/azure-powershell, `AzureSessionInitializer.cs`), so a command of ours finds it too, and mcm says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mcm_core::account::Cloud;
use mcm_core::text::shown;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{ExaminedShell, Found, Source, azure, text};

/// `AzureRmContextSettings.json`: whether contexts are saved, and where.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    mode: Option<String>,
    context_directory: Option<PathBuf>,
    context_file: Option<String>,
}

/// `AzureRmContext.json`, of which nothing secret is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Saved {
    default_context_key: Option<String>,
    contexts: BTreeMap<String, Context>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    account: Option<Named>,
    tenant: Option<Named>,
    subscription: Option<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Named {
    id: Option<String>,
    r#type: Option<String>,
}

/// The row; none where nothing is saved.
pub(super) fn context(shell: &ExaminedShell<'_>) -> Option<Found> {
    let folder = shell.environment.home()?.join(".Azure");
    let settings: Settings = json(&folder.join("AzureRmContextSettings.json")).unwrap_or_default();
    if settings.mode.as_deref() == Some("Process") {
        return None;
    }
    let file = settings.context_file;
    let path = settings
        .context_directory
        .unwrap_or(folder)
        .join(file.as_deref().unwrap_or("AzureRmContext.json"));
    let mut saved: Saved = json(&path)?;
    let context = saved.contexts.remove(&saved.default_context_key?)?;
    let id = |named: Option<Named>| named.and_then(|named| named.id);
    let is_user = context
        .account
        .as_ref()
        .is_some_and(|account| account.r#type.as_deref() == Some("User"));
    let (name, tenant) = (id(context.account)?, id(context.tenant));
    let why = format!(
        "Connect-AzAccount saved it in {}. No variable replaces it.",
        shown(&path.display().to_string())
    );
    let ours = tenant
        .filter(|_| is_user)
        .and_then(|tenant| azure::connected(shell, &tenant, &name));
    let found = match ours {
        Some(account) => Found::ours("az-powershell", Source::CommandLine, &account, why),
        None => Found::other(
            "az-powershell",
            Cloud::Azure,
            Source::CommandLine,
            Some(name),
            why,
        ),
    };
    Some(found.at(id(context.subscription)))
}

fn json<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_str(&text(path)?).ok()
}
