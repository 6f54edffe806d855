//! What the app says of itself: its version, its licence and those of its parts, and the folder of its log.

use std::path::PathBuf;
use std::sync::Arc;

use mcm_core::app::{App, NewestVersion, UpdateSource};
use mcm_core::error::{Code, Error, Result};
use serde::Serialize;
use ts_rs::TS;

/// The parts of the programs and their licences, as `scripts/components.py` writes them: name, version and licence in a
/// line, between tabs.
const COMPONENTS: &str = include_str!("third_party_licences.tsv");

/// What the app says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) struct AboutView {
    /// The version.
    version: &'static str,
    /// The licence, as an expression of SPDX.
    licence: &'static str,
    /// The parts by others.
    components: Vec<Component>,
    /// The folder of the log.
    log_folder: String,
    /// Where a newer version is looked for, when the user asks.
    updates: UpdateSource,
}

/// A crate or an npm package in the programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) struct Component {
    name: &'static str,
    version: &'static str,
    licence: &'static str,
}

impl AboutView {
    /// Of this program.
    pub(crate) fn of(core: &App) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            licence: env!("CARGO_PKG_LICENSE"),
            components: components().collect(),
            log_folder: core.log_folder().display().to_string(),
            updates: core.update_source(&program()),
        }
    }
}

/// Asks the releases feed whether there is a newer version, because the user asked.
///
/// # Errors
/// Those of `App::check_for_updates`.
pub(crate) async fn check_for_updates(core: &App) -> Result<NewestVersion> {
    core.check_for_updates(&program()).await
}

/// This program's file. Where the system does not say, nothing is beside it.
fn program() -> PathBuf {
    std::env::current_exe().unwrap_or_default()
}

fn components() -> impl Iterator<Item = Component> {
    COMPONENTS.lines().filter_map(|line| {
        let mut fields = line.split('\t');
        Some(Component {
            name: fields.next()?,
            version: fields.next()?,
            licence: fields.next()?,
        })
    })
}

/// Shows the folder of the log in the desktop's file manager.
///
/// # Errors
/// `browser-failed` when the desktop opens no folder.
pub(crate) async fn open_log_folder(core: Arc<App>) -> Result<()> {
    let folder = core.log_folder().to_owned();
    let opened = tokio::task::spawn_blocking(move || open_folder(&folder)).await;
    if matches!(opened, Ok(true)) {
        return Ok(());
    }
    let message = format!(
        "The folder {} could not be opened. Open it in your file manager.",
        core.log_folder().display()
    );
    Err(Error::new(Code::Unsupported, message))
}

#[cfg(target_os = "linux")]
fn open_folder(folder: &std::path::Path) -> bool {
    // GIO starts the file manager, through the portal inside a sandbox.
    let uri = gio::prelude::FileExt::uri(&gio::File::for_path(folder));
    gio::AppInfo::launch_default_for_uri(&uri, gio::AppLaunchContext::NONE).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn open_folder(folder: &std::path::Path) -> bool {
    let program = if cfg!(windows) { "explorer" } else { "open" };
    // Explorer reports a failure also when it opened the folder.
    std::process::Command::new(program)
        .arg(folder)
        .status()
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_has_a_licence() {
        assert_eq!(components().count(), COMPONENTS.lines().count());
        for component in components() {
            assert!(!component.licence.is_empty(), "{}", component.name);
        }
        let has = |name: &str| components().any(|component| component.name == name);
        assert!(has("tauri") && has("svelte") && has("Inter"));
    }
}
