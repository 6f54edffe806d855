//! Settings: `settings.toml` and the environment, which takes precedence.
//!
//! Loading never fails: each missing or malformed setting is named with where it was read and how to set it, and the
//! app starts anyway. Endpoints come only from here, never from the dashboard. Each section has its file in
//! `settings/`; `settings/lookup.rs` finds one value, `settings/document.rs` reads and writes the file.

mod aws;
mod azure;
mod azure_cloud;
mod document;
mod gcp;
mod kept;
mod lookup;
mod network;
mod preferences;
mod releases;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use ts_rs::TS;

use toml_edit::DocumentMut;

use crate::error::{Code, Error, ErrorView};
use crate::http::Network;
use crate::world::Environment;
pub use aws::AwsSettings;
pub use azure::{AzureSettings, check_azure_client_id, parse_tenant};
pub use azure_cloud::AzureCloud;
use document::read_document;
pub use document::{save, save_flag};
pub(crate) use gcp::is_google;
pub use gcp::{GcpAccess, GcpSettings, check_gcp_client_file, check_gcp_client_id};
pub(crate) use kept::replace_text;
pub use kept::{KeptSettings, KeptValue};
use lookup::Lookup;
pub use preferences::{Grouping, Preferences, Sort, Theme};
pub use releases::Releases;

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
    /// Where a newer version is looked for, when the user asks.
    pub releases: Releases,
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
    pub(crate) fn to_error(&self, is_missing: bool) -> Error {
        let code = if is_missing {
            Code::SettingMissing
        } else {
            Code::SettingInvalid
        };
        Error::new(code, self.message.clone())
    }
}

/// A value and where it was read: an environment variable's name, or `settings.toml` and the key in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sourced {
    /// The value.
    pub value: String,
    /// Where it was read.
    pub origin: String,
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
        let azure = azure::read(&mut lookup);
        let gcp = gcp::read(&mut lookup);
        let aws = aws::read(&mut lookup);
        let (network, network_problems) = network::read(&mut lookup);
        let preferences = preferences::read(&mut lookup);
        let shortcut = lookup
            .text("app", "shortcut", None)
            .map(|found| found.value);
        let browser = lookup.text("app", "browser", Some("MCM_BROWSER"));
        let releases = releases::read(&mut lookup);
        Self {
            azure,
            gcp,
            aws,
            network,
            network_problems,
            preferences,
            shortcut,
            browser,
            releases,
            unreadable,
        }
    }
}
