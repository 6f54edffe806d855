//! `mcm hook` in real shells: `mcm use ENVIRONMENT` in one terminal, and `.mcm.toml` in folders.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::environments::Three;
use crate::harness::{Ended, Harness, LINUS, install, write};

const MCM: &str = env!("CARGO_BIN_EXE_mcm");

/// Three environments: dev and test for every cloud, and a protected one.
pub(crate) fn environments(harness: &Harness) {
    let three = Three::connect(harness);
    three.create(harness, "dev", &["--region", "eu-west-3"]);
    three.create(harness, "test", &["--region", "eu-west-1"]);
    three.create(harness, "prod", &["--protected"]);
    let work = harness.folder().join("work");
    for name in ["dev", "test", "prod", "none"] {
        let folder = work.join(name);
        fs::create_dir_all(folder.join("below")).expect("made");
        if name != "none" {
            write(
                &folder.join(".mcm.toml"),
                0o600,
                &format!("environment = \"{name}\"\n"),
            );
        }
    }
}

pub(crate) fn allow(harness: &Harness, name: &str) -> Ended {
    let mut command = harness.command(&["allow"]);
    command.current_dir(harness.folder().join("work").join(name));
    Ended::of(command.output().expect("mcm starts"))
}

/// Runs a script in a shell with the hook, in the folder `work`. `show` prints the environment and the region.
pub(crate) fn in_shell(harness: &Harness, shell: &str, script: &str) -> Ended {
    let flags: &[&str] = match shell {
        "fish" => &["--no-config", "-c"],
        "zsh" => &["-f", "-c"],
        _ => &["--norc", "-c"],
    };
    let mut command = Command::new(shell);
    harness.equip(&mut command);
    command
        .env_remove("AWS_REGION")
        .current_dir(harness.folder().join("work"))
        .args(flags)
        .arg(format!("{}{script}", start_file(shell)));
    Ended::of(command.output().expect("the shell starts"))
}

/// The lines of a start file: the hook, and `show`.
pub(crate) fn start_file(shell: &str) -> String {
    match shell {
        "fish" => format!(
            "{MCM} hook fish | source\nfunction show; echo \"$MCM_ENVIRONMENT $AWS_REGION\"; end\n"
        ),
        _ => format!(
            "eval \"$({MCM} hook {shell})\"\nshow() {{ echo \"${{MCM_ENVIRONMENT-}} ${{AWS_REGION-}}\"; }}\n"
        ),
    }
}

// E2
#[test]
fn the_command_after_a_change_of_folder_has_the_environment_of_that_folder() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    allow(&harness, "test").done();
    for shell in ["bash", "zsh", "fish"] {
        let ended = in_shell(
            &harness,
            shell,
            "cd dev && show; cd below && show; cd ../../test && show; cd - >/dev/null && show; cd ../../none; show\n\
             cd /nonexistent 2>/dev/null; show\n",
        );
        assert_eq!(
            ended.result, "dev eu-west-3\ndev eu-west-3\ntest eu-west-1\ndev eu-west-3\n \n \n",
            "{shell}: {}",
            ended.stderr
        );
    }
    for shell in ["bash", "zsh"] {
        let ended = in_shell(
            &harness,
            shell,
            "pushd dev >/dev/null && show; popd >/dev/null && show; (cd test && show); show; CDPATH=$PWD; cd ..; cd dev >/dev/null && show",
        );
        assert_eq!(
            ended.result, "dev eu-west-3\n \ntest eu-west-1\n \ndev eu-west-3\n",
            "{shell}: {}",
            ended.stderr
        );
    }
}

// E3, E4, E5
#[test]
fn leaving_restores_what_was_no_credential_and_leaves_what_was_changed_by_hand() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    for (shell, set, print) in [
        (
            "bash",
            "export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=AKIACANARY AWS_DEFAULT_PROFILE=mine",
            "echo \"$AWS_REGION ${AWS_ACCESS_KEY_ID-none} ${AWS_DEFAULT_PROFILE-none}\"",
        ),
        (
            "zsh",
            "export AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=AKIACANARY AWS_DEFAULT_PROFILE=mine",
            "echo \"$AWS_REGION ${AWS_ACCESS_KEY_ID-none} ${AWS_DEFAULT_PROFILE-none}\"",
        ),
        (
            "fish",
            "set -gx AWS_REGION us-east-1; set -gx AWS_ACCESS_KEY_ID AKIACANARY; set -gx AWS_DEFAULT_PROFILE mine",
            "echo $AWS_REGION (set -q AWS_ACCESS_KEY_ID; and echo $AWS_ACCESS_KEY_ID; or echo none) (set -q AWS_DEFAULT_PROFILE; and echo $AWS_DEFAULT_PROFILE; or echo none)",
        ),
    ] {
        let hand = if shell == "fish" {
            "set -gx AWS_REGION by-hand"
        } else {
            "export AWS_REGION=by-hand"
        };
        let script = format!(
            "{set}\ncd dev; {print}; printenv MCM_HOOK_STATE | tr '_-' '/+' | base64 -d 2>/dev/null | grep -c AKIACANARY; cd ..; {print}; cd dev; {hand}; cd ..; {print}"
        );
        let ended = in_shell(&harness, shell, &script);
        assert_eq!(
            ended.result, "eu-west-3 none none\n0\nus-east-1 none mine\nby-hand none mine\n",
            "{shell}: {}",
            ended.stderr
        );
        assert_eq!(
            ended
                .stderr
                .matches("not restored later: AWS_ACCESS_KEY_ID")
                .count(),
            1,
            "{}",
            ended.stderr
        );
        assert!(
            ended
                .stderr
                .contains("AWS_REGION was changed by hand and stays"),
            "{}",
            ended.stderr
        );
    }
}

// E11, E13, E15
#[test]
fn a_folder_chooses_only_what_was_allowed_and_nothing_of_others() {
    let harness = Harness::start();
    environments(&harness);
    let dev = harness.folder().join("work/dev");
    let file = dev.join(".mcm.toml");
    let seen = |folder: &str| {
        let ended = in_shell(&harness, "bash", &format!("cd {folder}; show; cd .; show"));
        (ended.result, ended.stderr)
    };
    let (result, stderr) = seen("dev");
    assert_eq!(result, " \n \n");
    assert_eq!(stderr.matches("Run \"mcm allow\"").count(), 1, "{stderr}");
    allow(&harness, "dev").done();
    assert_eq!(seen("dev").0, "dev eu-west-3\ndev eu-west-3\n");
    // One byte, and another path.
    write(&file, 0o600, "environment = \"dev\"\n#\n");
    assert_eq!(seen("dev").0, " \n \n");
    write(&file, 0o600, "environment = \"dev\"\n");
    assert_eq!(seen("dev").0, "dev eu-west-3\ndev eu-west-3\n");
    fs::copy(&file, harness.folder().join("work/none/.mcm.toml")).expect("copied");
    assert_eq!(seen("none").0, " \n \n");
    // Another user may have written it.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("set");
    let (result, stderr) = seen("dev");
    assert!(
        result == " \n \n" && stderr.contains("another user may have written it"),
        "{stderr}"
    );
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("set");
    // What is no such file.
    for (content, words) in [
        (
            "environment = \"dev\"\nrun = \"id\"\n",
            "it must be TOML with environment",
        ),
        (
            "\u{feff}\u{feff}environment = \"dev\"\n",
            "it must be TOML with environment",
        ),
        (&"#".repeat(5_000), "more than 4 KiB"),
    ] {
        write(&file, 0o600, content);
        let (result, stderr) = seen("dev");
        assert!(
            result == " \n \n" && stderr.contains(words),
            "{words}: {stderr}"
        );
    }
    fs::remove_file(&file).expect("removed");
    std::os::unix::fs::symlink("../test/.mcm.toml", &file).expect("linked");
    assert!(seen("dev").1.contains("it is a link"));
    fs::remove_file(&file).expect("removed");
    assert!(
        Command::new("mkfifo")
            .arg(&file)
            .status()
            .expect("mkfifo")
            .success()
    );
    assert!(seen("dev").1.contains("it is a link, a folder or a device"));
    fs::remove_file(&file).expect("removed");
    // Denied; and a protected one is only suggested.
    write(&file, 0o600, "environment = \"dev\"\n");
    let mut deny = harness.command(&["deny"]);
    Ended::of(deny.current_dir(&dev).output().expect("mcm starts")).done();
    let (result, stderr) = seen("dev");
    assert!(
        result == " \n \n" && !stderr.contains("mcm allow"),
        "{stderr}"
    );
    allow(&harness, "prod").done();
    let (result, stderr) = seen("prod");
    assert!(
        result.starts_with(" \n") && stderr.contains("mcm shell prod"),
        "{stderr}"
    );
    // An agent allows nothing.
    let mut agent = harness.command(&["allow"]);
    let ended = agent
        .env("CLAUDECODE", "1")
        .current_dir(&dev)
        .output()
        .expect("mcm starts");
    assert!(
        Ended::of(ended)
            .failed(1)
            .contains("Allow the folder yourself")
    );
}

// E3, E7, E13
#[test]
fn the_environment_of_one_folder_does_not_stay_in_another_that_is_refused() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    let work = harness.folder().join("work");
    let file = |folder: &str, text: &str| {
        fs::create_dir_all(work.join(folder)).expect("made");
        write(&work.join(folder).join(".mcm.toml"), 0o600, text);
    };
    file("unreadable", "environment = \"dev\"\nrun = \"id\"\n");
    file("writable", "environment = \"dev\"\n");
    fs::set_permissions(
        work.join("writable/.mcm.toml"),
        fs::Permissions::from_mode(0o666),
    )
    .expect("set");
    // An environment whose account is gone.
    file("gone", "environment = \"gone\"\n");
    harness.login(LINUS, &["azure", "--keep-both"]).done();
    let listed = harness.mcm(&["accounts", "--json"]).json();
    let linus = listed["accounts"].as_array().expect("a list").iter();
    let mut linus = linus.filter(|row| row["provider"] == "azure");
    let linus = linus
        .next_back()
        .map(|row| row["id"].as_str().expect("an id").to_owned())
        .expect("connected");
    harness
        .mcm(&["environment", "create", "gone", "--azure", &linus])
        .done();
    allow(&harness, "gone").done();
    harness.mcm(&["logout", &linus, "--yes"]).done();
    for shell in ["bash", "zsh", "fish"] {
        let script = "cd dev; show; cd ../unreadable; show; cd ../dev; cd ../writable; show; cd ../dev; cd ../gone; show; \
                      mcm use test; cd ../unreadable; show";
        let ended = in_shell(&harness, shell, script);
        assert_eq!(
            ended.result, "dev eu-west-3\n \n \n \ntest eu-west-1\n",
            "{shell}: {}",
            ended.stderr
        );
        assert_eq!(
            ended.stderr.matches("mcm: dev is left.").count(),
            3,
            "{shell}: {}",
            ended.stderr
        );
        assert!(ended.stderr.contains("names the account"), "{shell}");
    }
}

// E4
#[test]
fn what_was_changed_by_hand_inside_stays_in_every_folder_of_the_environment() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    for shell in ["bash", "zsh", "fish"] {
        let hand = if shell == "fish" {
            "set -gx AWS_REGION by-hand"
        } else {
            "export AWS_REGION=by-hand"
        };
        let ended = in_shell(
            &harness,
            shell,
            &format!("cd dev; {hand}; cd below; show; cd ..; show; cd ..; show; cd dev; show"),
        );
        assert_eq!(
            ended.result, "dev by-hand\ndev by-hand\n by-hand\ndev eu-west-3\n",
            "{shell}: {}",
            ended.stderr
        );
        let said = ended
            .stderr
            .matches("AWS_REGION was changed by hand")
            .count();
        assert_eq!(said, 1, "{shell}: {}", ended.stderr);
    }
}

// E12
#[test]
fn a_worktree_of_an_allowed_checkout_does_not_ask_again_and_nothing_else_counts_as_one() {
    let harness = Harness::start();
    environments(&harness);
    let work = harness.folder().join("work");
    let main = work.join("dev");
    let git = |folder: &Path, words: &[&str]| {
        let mut git = Command::new("git");
        harness
            .equip(&mut git)
            .current_dir(folder)
            .args(["-c", "user.name=a", "-c", "user.email=a@b.example"])
            .args(words);
        Ended::of(git.output().expect("git starts")).done();
    };
    git(&main, &["init", "-q"]);
    git(&main, &["add", "."]);
    git(&main, &["commit", "-qm", "x"]);
    let tree = work.join("tree");
    git(&main, &["worktree", "add", "-q", "../tree"]);
    let seen = |folder: &str| {
        let ended = in_shell(&harness, "bash", &format!("cd {folder}; show"));
        (ended.result, ended.stderr)
    };
    assert!(
        seen("tree").1.contains("Run \"mcm allow\""),
        "its main checkout is not allowed"
    );
    allow(&harness, "dev").done();
    let (result, stderr) = seen("tree");
    assert_eq!(result, "dev eu-west-3\n", "{stderr}");
    // Other content asks, also where the main checkout has it too.
    for folder in [&tree, &main] {
        write(&folder.join(".mcm.toml"), 0o600, "environment = \"test\"\n");
        let (result, stderr) = seen("tree");
        assert!(
            result == " \n" && stderr.contains("Run \"mcm allow\""),
            "{stderr}"
        );
    }
    for folder in [&tree, &main] {
        write(&folder.join(".mcm.toml"), 0o600, "environment = \"dev\"\n");
    }
    // A folder that only says that it is a worktree, by the file of another or by one of its own.
    let forged = work.join("forged");
    fs::create_dir(&forged).expect("made");
    for name in [".git", ".mcm.toml"] {
        fs::copy(tree.join(name), forged.join(name)).expect("copied");
    }
    assert_eq!(seen("forged").0, " \n");
    let of_worktree = forged.join("made/.git/worktrees/forged");
    write(
        &forged.join(".git"),
        0o600,
        &format!("gitdir: {}\n", of_worktree.display()),
    );
    write(
        &of_worktree.join("gitdir"),
        0o600,
        &format!("{}/.git\n", forged.display()),
    );
    write(
        &of_worktree.join("commondir"),
        0o600,
        &format!("{}/.git\n", main.display()),
    );
    assert_eq!(seen("forged").0, " \n");
    // What is denied in the main checkout is denied here.
    let mut deny = harness.command(&["deny"]);
    Ended::of(deny.current_dir(&main).output().expect("mcm starts")).done();
    let (result, stderr) = seen("tree");
    assert!(result == " \n" && !stderr.contains("mcm allow"), "{stderr}");
}

#[test]
fn an_allowed_file_says_its_message_and_which_cloud_is_missing() {
    let harness = Harness::start();
    environments(&harness);
    let aws = harness.account_of("aws");
    harness
        .mcm(&["environment", "create", "small", "--aws", &aws])
        .done();
    let file = harness.folder().join("work/none/.mcm.toml");
    write(
        &file,
        0o600,
        "environment = \"small\"\nmessage = \"Ask Ada first.\\u001b[2J\"\n[need]\naws = true\ngcp = true\n",
    );
    let before = in_shell(&harness, "bash", "cd none; show").stderr;
    assert!(
        !before.contains("Ask Ada") && before.contains("mcm allow"),
        "{before}"
    );
    allow(&harness, "none").done();
    let after = in_shell(&harness, "bash", "cd none; cd below; show").stderr;
    assert_eq!(after.matches("Ask Ada first.").count(), 1, "{after}");
    assert!(
        after.contains("needs Google Cloud, which small does not name"),
        "{after}"
    );
    assert!(!after.contains('\u{1b}'), "{after:?}");
}

// E1, E19, E23
#[test]
fn mcm_use_changes_one_shell_wins_over_folders_and_is_undone() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "test").done();
    let bin = harness.folder().join("bin");
    write(
        &bin.join("gcloud"),
        0o755,
        "#!/bin/sh\necho \"real $* $CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE\" | cut -c1-40\nexit 7\n",
    );
    let script = format!(
        "PATH={}:$PATH\nmcm use dev; show; command -v gcloud; gcloud a 'b c' 2>/dev/null; echo $?; sh -c 'echo child=$AWS_REGION'\n\
         mcm use dve 2>&1 | head -1; show; mcm use --off; show; command -v gcloud; mcm use prod; echo $?",
        bin.display()
    );
    let ended = in_shell(&harness, "bash", &script);
    let lines: Vec<&str> = ended.result.lines().collect();
    assert_eq!(
        lines[0], "dev eu-west-3",
        "{}{}",
        ended.result, ended.stderr
    );
    assert!(lines[1].ends_with("mcm-shims/gcloud"), "{}", ended.result);
    assert!(
        lines[2].starts_with("real a b c /") && lines[3] == "7",
        "{}",
        ended.result
    );
    assert_eq!(lines[4], "child=eu-west-3");
    assert!(lines[5].contains("No account"), "{}", ended.result);
    assert_eq!(
        lines[6..9],
        ["dev eu-west-3", " ", &format!("{}/gcloud", bin.display())]
    );
    assert!(
        lines[9] == "1"
            && ended
                .stderr
                .contains("prod is protected, so no shell is pinned to it.")
            && ended
                .stderr
                .contains("for 15 minutes with: mcm shell prod.")
            && ended.stderr.contains("mcm exec -E prod -- COMMAND"),
        "{}",
        ended.stderr
    );
    let profile = in_shell(
        &harness,
        "bash",
        &format!(
            "mcm use dev; {MCM} credential-process $(sed -n 's/.*credential-process //p' $AWS_CONFIG_FILE) | grep -c AccessKeyId; ls $AZURE_CONFIG_DIR | wc -l"
        ),
    );
    assert_eq!(profile.result, "1\n0\n", "{}", profile.stderr);
}

// E17
#[test]
fn the_hook_keeps_the_status_and_works_in_strict_shells() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    let ended = in_shell(
        &harness,
        "bash",
        "set -euo pipefail -o noclobber; cd dev; show; false || __mcm_hook || echo kept=$?; cd ..; show",
    );
    assert_eq!(
        ended.result, "dev eu-west-3\nkept=1\n \n",
        "{}",
        ended.stderr
    );
    for form in [
        "PROMPT_COMMAND='true'",
        "PROMPT_COMMAND=(true)",
        "unset PROMPT_COMMAND",
    ] {
        let ended = in_shell(
            &harness,
            "bash",
            &format!(
                "{form}; eval \"$({MCM} hook bash)\"; eval \"$({MCM} hook bash)\"; cd dev; show; declare -p PROMPT_COMMAND | grep -o __mcm_hook | wc -l"
            ),
        );
        assert_eq!(
            ended.result, "dev eu-west-3\n1\n",
            "{form}: {}",
            ended.stderr
        );
    }
}

/// The lines of the hook for dev, by copies of mcm in a folder with this name.
fn lines_from(harness: &Harness, folder: &str) -> Ended {
    let folder = harness.folder().join(folder);
    for name in ["mcm", "mcm-full"] {
        install(&Path::new(MCM).with_file_name(name), &folder.join(name));
    }
    let mut command = Command::new(folder.join("mcm"));
    harness
        .equip(&mut command)
        .args(["hook-lines", "--shell", "bash", "--use", "dev"]);
    Ended::of(command.output().expect("mcm starts"))
}

#[test]
fn the_profile_of_the_hook_quotes_the_path_of_mcm_or_refuses_it() {
    let harness = Harness::start();
    environments(&harness);
    let refused = lines_from(&harness, "a$(id)b").failed(1);
    assert!(
        refused.contains("cannot run a program whose path is"),
        "{refused}"
    );
    let lines = lines_from(&harness, "apps (x86)").done();
    let config = lines
        .lines()
        .find_map(|line| line.strip_prefix("export AWS_CONFIG_FILE="))
        .expect("a config file");
    let config = fs::read_to_string(config.trim_matches('\'')).expect("a file");
    assert!(
        config.contains("credential_process = \"")
            && config.contains("/apps (x86)/mcm\" credential-process "),
        "{config}"
    );
}
