//! `mcm configure aws`, read back by botocore: the user's file keeps everything, and the profiles work.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::aws::{connected, role};
use crate::harness::{Ended, Harness, write};

/// A user's file: comments, odd indentation, line ends of two kinds, keys, and no end of the last line.
const THEIRS: &str = "# my clouds\r\n[default]\r\nregion=eu-west-1\r\n\r\n[profile contoso-production]\n  \
                      aws_access_key_id = AKIACANARY\n  aws_secret_access_key = CANARY\n; old\n[sso-session s]\nsso_region : \
                      x\n[profile nested]\ns3 =\n    max_concurrent_requests = 20";

/// The path where AWS's clients look for the config file.
fn file(harness: &Harness) -> PathBuf {
    harness.home().with_file_name(".aws").join("config")
}

fn configure(harness: &Harness, arguments: &[&str]) -> Ended {
    harness.mcm(&[&["configure", "aws"], arguments].concat())
}

/// Runs `mcm configure aws` on a terminal, with this answer.
fn on_a_terminal(harness: &Harness, answer: &str) -> (i32, String) {
    let mcm = harness.command(&[]);
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command"]);
    command
        .arg(format!("{} configure aws", mcm.get_program().display()))
        .arg("/dev/null");
    harness.equip(&mut command);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = command
        .spawn()
        .expect("script starts; it is in the package bsdutils");
    process
        .stdin
        .take()
        .expect("piped")
        .write_all(answer.as_bytes())
        .expect("it listens");
    let output = process.wait_with_output().expect("script ends");
    (
        output.status.code().expect("by itself"),
        String::from_utf8_lossy(&output.stdout).into_owned(),
    )
}

/// botocore's view of a profile: the region, and the credential that it gets through it.
fn botocore(harness: &Harness, profile: &str) -> Value {
    const PROGRAM: &str = "
import json, sys
from botocore.session import Session
session = Session(profile=sys.argv[1])
found = session.get_credentials().get_frozen_credentials()
print(json.dumps({'method': session.get_credentials().method, 'region': session.get_config_variable('region'),
                  'key': found.access_key, 'profiles': session.available_profiles}))
";
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/moto/venv/bin/python");
    let mcm = harness.command(&[]);
    let mut command = Command::new(python);
    command.args(["-c", PROGRAM, profile]).env_clear();
    let keep = |name: &str| !name.starts_with("AWS_");
    command.envs(
        mcm.get_envs()
            .filter_map(|(name, value)| Some((name, value?)))
            .filter(|(name, _)| name.to_str().is_some_and(keep)),
    );
    // No cloud is asked: the session created while connecting is issued.
    let output = command
        .output()
        .expect("Python starts; make test installs botocore in target/moto");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn profiles_are_merged_work_in_botocore_and_are_removed_to_the_byte() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let path = file(&harness);
    write(&path, 0o640, THEIRS);

    let ended = configure(&harness, &["--yes"]);
    let output = ended.stderr.clone();
    let shown = ended.done();
    assert!(
        shown.starts_with("--- /") && shown.contains("\n+[profile contoso-production-Reader]\n"),
        "{shown}"
    );
    assert!(
        !shown.contains("CANARY") && !output.contains("CANARY"),
        "{shown}{output}"
    );
    assert!(
        output.contains("[profile contoso-production-Reader] uses contoso-production"),
        "{output}"
    );
    let written = fs::read_to_string(&path).expect("there");
    assert!(written.starts_with(THEIRS), "{written}");
    assert!(!written.contains("role_arn"));
    assert_eq!(
        fs::metadata(&path).expect("there").permissions().mode() & 0o777,
        0o640
    );
    let backup = path.with_file_name("config.before-mcm");
    assert_eq!(fs::read_to_string(&backup).expect("kept"), THEIRS);
    assert_eq!(
        fs::metadata(&backup).expect("kept").permissions().mode() & 0o077,
        0
    );

    let found = botocore(&harness, "contoso-production-Reader");
    assert_eq!(
        (&found["method"], &found["region"]),
        (&"custom-process".into(), &"eu-central-1".into())
    );
    let printed = harness.mcm(&["credential-process", &id]).json();
    assert_eq!(found["key"], printed["AccessKeyId"]);
    let theirs = botocore(&harness, "contoso-production");
    assert_eq!(theirs["key"], "AKIACANARY");
    assert_eq!(theirs["profiles"].as_array().expect("a list").len(), 4);

    let again = configure(&harness, &["--yes"]);
    assert!(again.stderr.contains("needs no change"), "{}", again.stderr);
    assert_eq!(again.done(), "");
    configure(&harness, &["--undo", "--yes"]).done();
    assert_eq!(fs::read_to_string(&path).expect("there"), THEIRS);
}

#[test]
fn without_a_terminal_and_a_yes_the_change_is_only_shown() {
    let harness = Harness::start();
    connected(&harness, "Reader");
    let ended = configure(&harness, &[]);
    assert_eq!(ended.status, 2, "{}", ended.stderr);
    assert!(
        ended.result.contains("--- /dev/null") && ended.stderr.contains("--yes"),
        "{}",
        ended.stderr
    );
    let dry = configure(&harness, &["--dry-run"]);
    assert_eq!((dry.status, &dry.result), (0, &ended.result));
    assert!(!file(&harness).exists());
}

#[test]
fn on_a_terminal_the_user_decides() {
    let harness = Harness::start();
    connected(&harness, "Reader");
    let (status, output) = on_a_terminal(&harness, "no\n");
    assert_eq!(status, 1, "{output}");
    assert!(
        output.contains("[y/N]") && output.contains("Nothing was written."),
        "{output}"
    );
    assert!(!file(&harness).exists());
    let (status, output) = on_a_terminal(&harness, "y\n");
    assert_eq!(status, 0, "{output}");
    assert!(
        output.contains("+[profile contoso-production]") && !output.contains('\u{1b}'),
        "{output}"
    );
    assert!(
        fs::read_to_string(file(&harness))
            .expect("written")
            .starts_with("[profile contoso-production]\n")
    );
    configure(&harness, &["--undo", "--yes"]).done();
    assert!(
        !file(&harness).exists(),
        "a file that was made for our profiles goes with them"
    );
}

#[test]
fn a_profile_follows_its_account_and_never_takes_a_used_name() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let path = file(&harness);
    // The name is taken in the credentials file, whose keys would win.
    write(
        &path.with_file_name("credentials"),
        0o600,
        "[contoso-production]\naws_access_key_id = CANARY\n",
    );
    configure(&harness, &["--yes"]).done();
    let first = fs::read_to_string(&path).expect("there");
    assert!(
        first.starts_with("[profile contoso-production-Reader]\n"),
        "{first}"
    );

    harness.mcm(&["use", &id, "eu-north-1"]).done();
    configure(&harness, &["contoso-production", "--name", "work", "--yes"]).done();
    let second = fs::read_to_string(&path).expect("there");
    assert_eq!(
        second,
        first
            .replace("contoso-production-Reader", "work")
            .replace("eu-central-1", "eu-north-1")
    );
    for name in ["contoso-production", "a b", "__proto__"] {
        let output =
            configure(&harness, &["contoso-production", "--name", name, "--yes"]).failed(2);
        assert!(output.contains(name), "{output}");
    }

    harness.mcm(&["login", "aws", "--print", "cli"]).done();
    harness
        .mcm(&["login", "aws", "--role-arn", &role("LongReader")])
        .done();
    assert!(
        configure(&harness, &["--name", "x", "--yes"])
            .failed(2)
            .contains("2 accounts match")
    );
    configure(&harness, &["--yes"]).done();
    let both = fs::read_to_string(&path).expect("there");
    assert!(
        both.starts_with(&second) && both.contains("\n\n[profile AWS-Account-444455556666]\n"),
        "{both}"
    );
    configure(&harness, &["--undo", "AWS-Account-444455556666", "--yes"]).done();
    assert_eq!(fs::read_to_string(&path).expect("there"), second);

    harness.mcm(&["logout", &id]).done();
    let output = configure(&harness, &["--yes"]).stderr;
    assert!(
        output.contains(&format!(
            "[profile work] is for {id}, which is not connected."
        )),
        "{output}"
    );
    configure(&harness, &["--undo", "work", "--yes"]).done();
    assert!(
        fs::read_to_string(&path)
            .expect("there")
            .starts_with("\n[profile AWS-Account-444455556666]\n")
    );
}

#[test]
fn an_invalid_file_is_named_with_its_line_and_not_changed() {
    let harness = Harness::start();
    connected(&harness, "Reader");
    let path = file(&harness);
    for (text, why) in [
        (
            "[default]\n[profile a]\n[profile a]\n",
            "line 3: the section already exists, from line 2",
        ),
        (
            "[default]\n[profile a\n",
            "line 2: the section's name does not end",
        ),
        ("\u{feff}[default]\n", "byte-order mark"),
    ] {
        write(&path, 0o600, text);
        for arguments in [&["--yes"][..], &["--undo", "--yes"], &["--dry-run"]] {
            let output = configure(&harness, arguments).failed(1);
            assert!(
                output.contains(why) && output.contains(".aws/config"),
                "{output}"
            );
        }
        assert_eq!(fs::read_to_string(&path).expect("there"), text);
    }
    fs::remove_file(&path).expect("ours");
    symlink("config", &path).expect("linked");
    assert!(configure(&harness, &["--yes"]).failed(1).contains("link"));
    fs::remove_file(&path).expect("ours");
    fs::create_dir(&path).expect("made");
    assert!(
        configure(&harness, &["--yes"])
            .failed(1)
            .contains("is a folder")
    );
    assert!(!path.with_file_name("config.before-mcm").exists());
}

#[test]
fn a_file_that_only_mcm_wrote_is_not_kept_as_the_users_original() {
    let harness = Harness::start();
    connected(&harness, "Reader");
    let path = file(&harness);
    let backup = path.with_file_name("config.before-mcm");
    configure(&harness, &["--yes"]).done();
    let ended = configure(&harness, &["--undo", "--yes"]);
    assert!(!ended.stderr.contains("before-mcm"), "{}", ended.stderr);
    assert!(!path.exists() && !backup.exists());
    write(&path, 0o600, THEIRS);
    configure(&harness, &["--yes"]).done();
    assert_eq!(fs::read_to_string(&backup).expect("kept"), THEIRS);
}

#[test]
fn only_aws_accounts_have_profiles_and_the_file_can_be_named() {
    let harness = Harness::start();
    harness.connected(false);
    assert!(
        configure(&harness, &["--yes"])
            .failed(1)
            .contains("mcm login aws")
    );
    assert!(
        configure(&harness, &["contoso", "--yes"])
            .failed(1)
            .contains("Azure")
    );
    connected_beside(&harness);
    let named = harness.home().join("elsewhere/aws.ini");
    let mut command = harness.command(&["configure", "aws", "contoso-production", "--yes"]);
    Ended::of(
        command
            .env("AWS_CONFIG_FILE", &named)
            .output()
            .expect("mcm starts"),
    )
    .done();
    assert!(
        fs::read_to_string(named)
            .expect("there")
            .contains("[profile contoso-production]")
    );
    assert!(!file(&harness).exists());
}

#[test]
fn several_at_once_leave_a_whole_file() {
    let harness = Harness::start();
    connected(&harness, "Reader");
    let path = file(&harness);
    write(&path, 0o600, THEIRS);
    let begun: Vec<_> = (0..6)
        .map(|_| harness.begin(&["configure", "aws", "--yes"]))
        .collect();
    for begun in begun {
        let ended = begun.ended();
        // A command that read the file before another one wrote it asks to try again.
        assert!(
            ended.status == 0 || ended.stderr.contains("meanwhile"),
            "{}",
            ended.stderr
        );
    }
    let written = fs::read_to_string(&path).expect("there");
    assert_eq!(
        written
            .matches("[profile contoso-production-Reader]")
            .count(),
        1,
        "{written}"
    );
    configure(&harness, &["--undo", "--yes"]).done();
    assert_eq!(fs::read_to_string(&path).expect("there"), THEIRS);
}

/// Connects an AWS role beside an account of another cloud.
fn connected_beside(harness: &Harness) {
    harness.mcm(&["login", "aws", "--print", "cli"]).done();
    harness
        .mcm(&["login", "aws", "--role-arn", &role("Reader")])
        .done();
}
