//! Tests of the configurations of the packages: Tauri reads them only on a Mac or a Windows machine, where they are made.

use serde_json::Value;
use tauri::utils::config::{Config, NSISInstallerMode, WebviewInstallMode};

const BASE: &str = include_str!("../../tauri.conf.json");

/// The configuration that Tauri's bundler works with: ours, with a system's part merged into it (RFC 7396).
fn merged(part: &str) -> Config {
    let mut whole: Value = serde_json::from_str(BASE).expect("it is JSON");
    merge(&mut whole, serde_json::from_str(part).expect("it is JSON"));
    serde_json::from_value(whole).expect("Tauri knows every field and value of it")
}

fn merge(whole: &mut Value, part: Value) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, value) in part {
                merge(whole.entry(name).or_insert(Value::Null), value);
            }
        }
        (whole, part) => *whole = part,
    }
}

#[test]
fn windows_gets_an_installer_for_one_user_that_brings_webview2() {
    let bundle = merged(include_str!("../bundle/windows/tauri.json")).bundle;

    let nsis = bundle.windows.nsis.expect("it is made with NSIS");
    assert_eq!(nsis.install_mode, NSISInstallerMode::CurrentUser);
    assert!(nsis.installer_hooks.is_some());
    assert_eq!(
        bundle.windows.webview_install_mode,
        WebviewInstallMode::EmbedBootstrapper { silent: true }
    );
    assert_eq!(bundle.external_bin.map(|programs| programs.len()), Some(2));
}

#[test]
fn macos_gets_an_app_under_the_hardened_runtime() {
    let bundle = merged(include_str!("../bundle/macos/tauri.json")).bundle;

    assert!(bundle.macos.hardened_runtime && bundle.macos.entitlements.is_some());
    assert_eq!(bundle.macos.minimum_system_version.as_deref(), Some("11.0"));
    assert_eq!(bundle.external_bin.map(|programs| programs.len()), Some(2));
}
