//! Declares the commands of the app and lets Tauri read `tauri.conf.json`.
//!
//! With an app manifest, a command that is not declared here or not granted in `tauri.conf.json` is refused to every
//! window. A test in `src-tauri/app/commands/tests.rs` compares the three lists.
#![expect(
    clippy::disallowed_methods,
    reason = "a build script reads cargo's variables and writes to its folder"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use tauri_build::{AppManifest, Attributes};

/// Every command that a window can be granted, each by the permission `allow-NAME` with dashes.
const COMMANDS: &[&str] = &[
    "about",
    "activity",
    "add_access_keys",
    "add_tenant",
    "aws_caller",
    "aws_sources",
    "back_up",
    "cancel_reading",
    "cancel_sign_in",
    "check_for_updates",
    "choose_browser",
    "choose_target",
    "close_switcher",
    "confirm_environment",
    "connect",
    "connect_found",
    "copy",
    "copy_diagnostics",
    "decide_duplicate",
    "delete_environment",
    "desktop",
    "disconnect",
    "dismiss_sign_in",
    "drop_pending_role",
    "end_environment",
    "enter_mfa_code",
    "entered_cluster",
    "forget_everything",
    "found_elsewhere",
    "found_portals",
    "holders",
    "keep_place",
    "kept_place",
    "offered_contexts",
    "open_console",
    "open_log_folder",
    "organization",
    "pause",
    "pending_roles",
    "pin_target",
    "prepare_role",
    "read_targets",
    "remove_access_keys",
    "rename",
    "renew",
    "reopen_browser",
    "restore",
    "restore_environment",
    "retry_keychain",
    "revoke_holder",
    "save_client_id",
    "save_environment",
    "save_preferences",
    "save_redirect",
    "search",
    "set_at_login",
    "set_colour",
    "set_shortcut",
    "set_star",
    "storage",
    "switch_to",
    "switch_to_environment",
    "targets",
    "typed_ahead",
    "undo_disconnect",
    "use_account",
    "use_environment",
    "watch",
    "zoom",
];

fn main() {
    println!("cargo:rerun-if-changed=src-tauri/build.rs");
    println!("cargo:rustc-env=COMMANDS={}", COMMANDS.join(" "));
    assert!(
        Path::new("ui/dist/index.html").is_file(),
        "the dashboard is not built: run `npm ci && npm run build` in ui/ first"
    );
    let manifest = AppManifest::new().permissions_path_pattern(permissions().leak());
    if let Err(error) = tauri_build::try_build(Attributes::new().app_manifest(manifest)) {
        panic!("{error:#}");
    }
    // As `mcm` is linked: packed relocations are less to read at every start.
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Writes the permissions and gives the pattern that finds them. `AppManifest::commands` would make the same, but one
/// file a command, in a folder at the root of the repository.
fn permissions() -> String {
    let mut text = String::new();
    for command in COMMANDS {
        let name = command.replace('_', "-");
        write!(
            text,
            "[[permission]]\nidentifier = \"allow-{name}\"\ncommands.allow = [\"{command}\"]\n\n"
        )
        .expect("a String takes everything");
    }
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("permissions");
    fs::create_dir_all(&folder).expect("the build folder can be written");
    fs::write(folder.join("commands.toml"), text).expect("the build folder can be written");
    let pattern = folder.join("*.toml");
    pattern
        .to_str()
        .expect("the build folder has a name in Unicode")
        .to_owned()
}
