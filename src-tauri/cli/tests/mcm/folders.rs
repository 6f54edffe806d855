//! Our own folders: whose they are, who may look in, and what stands in the place of a file.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use mcm_core::testing::may_run_as_another_user;

use crate::harness::{ADA, Ended, Harness, run};

/// A user of this machine who is not the one of the tests.
const OTHER_USER: u32 = 65534;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

fn permit(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("permitted");
}

#[test]
fn folders_and_files_that_others_could_read_are_the_users_only_after_a_command() {
    let harness = Harness::start();
    harness.login(ADA, &["azure"]).done();
    let folders = ["config", "data", "logs"].map(|name| harness.home().join(name));
    for folder in &folders {
        fs::create_dir_all(folder).expect("made");
    }
    for open in [0o755, 0o777, 0o1770] {
        for folder in &folders {
            permit(folder, open);
        }
        // The fast path, and the other.
        for arguments in [&["token", "contoso"][..], &["accounts"]] {
            harness.mcm(arguments).done();
            for folder in &folders {
                assert_eq!(mode(folder), 0o700, "{}", folder.display());
            }
        }
    }
    let logs = fs::read_dir(&folders[2]).expect("readable");
    let logs: Vec<_> = logs.map(|entry| entry.expect("readable").path()).collect();
    assert!(!logs.is_empty());
    for file in logs.iter().chain([&folders[1].join("accounts.db")]) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
}

#[test]
fn folders_that_another_user_could_change_are_refused_and_stay_as_they_are() {
    if !may_run_as_another_user() {
        return;
    }
    for place in [".", "data", "config", "logs"] {
        let harness = Harness::without_keychain();
        let folder = harness.home().join(place);
        let folder = folder.components().collect::<PathBuf>();
        fs::create_dir_all(&folder).expect("made");
        chown(&folder, Some(OTHER_USER), Some(OTHER_USER)).expect("given away");
        permit(&folder, 0o777);
        for arguments in [
            &["accounts"][..],
            &["token", "contoso"],
            &["login", "azure"],
        ] {
            let refused = harness.mcm(arguments).failed(1);
            assert!(
                refused.contains(&format!("{} belongs to another user", folder.display())),
                "{place}: {refused}"
            );
        }
        let left = fs::read_dir(&folder).expect("readable").count();
        assert_eq!((left, mode(&folder)), (0, 0o777), "{place}");
    }
}

#[test]
fn a_home_that_every_user_can_change_is_refused_unless_each_keeps_his_own() {
    let harness = Harness::without_keychain();
    fs::create_dir_all(harness.home()).expect("made");
    permit(&harness.home(), 0o777);
    let refused = harness.mcm(&["accounts"]).failed(1);
    assert!(refused.contains("chmod o-w"), "{refused}");
    permit(&harness.home(), 0o1777);
    harness.mcm(&["accounts"]).done();
    // So is one at any depth below such a folder.
    permit(&harness.home(), 0o700);
    permit(harness.folder(), 0o777);
    let refused = harness.mcm(&["accounts"]).failed(1);
    let named = format!("{} can be changed", harness.folder().display());
    assert!(refused.contains(&named), "{refused}");
    permit(harness.folder(), 0o1777);
    harness.mcm(&["accounts"]).done();
}

#[test]
fn a_link_of_another_user_leads_to_no_folder_of_ours() {
    if !may_run_as_another_user() {
        return;
    }
    let harness = Harness::without_keychain();
    let (own, link) = (harness.folder().join("own"), harness.folder().join("link"));
    fs::create_dir(&own).expect("made");
    symlink(&own, &link).expect("linked");
    let accounts = || {
        let mut command = harness.command(&["accounts"]);
        command.env("MCM_HOME", link.join("mcm"));
        Ended::run(command)
    };
    accounts().done();
    fs::remove_dir_all(own.join("mcm")).expect("made by the command");
    lchown(&link, Some(OTHER_USER), Some(OTHER_USER)).expect("given away");
    let refused = accounts().failed(1);
    assert!(refused.contains("is a link of another user"), "{refused}");
    assert_eq!(fs::read_dir(&own).expect("readable").count(), 0);
}

#[test]
fn a_link_in_the_place_of_a_lock_or_a_log_is_not_followed() {
    let harness = Harness::start();
    harness.login(ADA, &["azure"]).done();
    let elsewhere = harness.folder().join("elsewhere");
    for name in ["keychain.lock", "accounts.lock"] {
        let file = harness.home().join("data").join(name);
        fs::remove_file(&file).expect("there");
        symlink(&elsewhere, &file).expect("linked");
        let arguments = match name {
            "keychain.lock" => &["token", "contoso"][..],
            _ => &["rename", "contoso", "Work"],
        };
        let refused = harness.mcm(arguments).failed(1);
        assert!(refused.contains("a link is in its place"), "{refused}");
        assert!(!elsewhere.exists());
        fs::remove_file(&file).expect("a link");
    }
    let log = harness.home().join("data/issued.jsonl");
    let _ = fs::remove_file(&log);
    symlink(&elsewhere, &log).expect("linked");
    harness.mcm(&["token", "contoso"]);
    assert!(!elsewhere.exists());
}

#[test]
fn a_pipe_in_the_place_of_a_file_keeps_no_command_waiting() {
    let harness = Harness::without_keychain();
    for file in [
        "mcm/config/settings.toml",
        "mcm/data/accounts.db",
        "mcm/data/accounts.json",
        "mcm/data/issued.jsonl",
        ".aws/config",
        ".aws/credentials",
        ".azure/azureProfile.json",
        ".azure/config",
        ".boto",
        ".config/gcloud/active_config",
        ".config/gcloud/configurations/config_default",
        ".config/gcloud/application_default_credentials.json",
    ] {
        let pipe = harness.folder().join(file);
        fs::create_dir_all(pipe.parent().expect("a folder")).expect("made");
        let _ = fs::remove_file(&pipe);
        run(Command::new("mkfifo").arg(&pipe), "mkfifo", "coreutils");
        for arguments in [
            &["accounts"][..],
            &["activity"],
            &["whoami"],
            &["doctor"],
            &["configure", "aws"],
        ] {
            let mut mcm = harness.command(arguments);
            mcm.stdout(Stdio::null()).stderr(Stdio::null());
            let mut mcm = mcm.spawn().expect("mcm starts");
            let ended = std::cell::RefCell::new(&mut mcm);
            let has_ended = || ended.borrow_mut().try_wait().expect("a child").is_some();
            harness.until(&format!("{arguments:?} with {file}"), has_ended);
        }
        fs::remove_file(&pipe).expect("there");
    }
}
