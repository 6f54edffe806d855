//! The cost of the hook, and the hook among other hooks and in shells that inherit its state.

use std::fs;
use std::process::Command;

use crate::environments::{Three, on_a_terminal};
use crate::harness::{Ended, Harness, namespaces, run, write};
use crate::hook::{allow, environments, in_shell, start_file};

const MCM: &str = env!("CARGO_BIN_EXE_mcm");
const SHELLS: [(&str, &[&str]); 3] = [
    ("bash", &["--norc", "-c"]),
    ("zsh", &["-f", "-c"]),
    ("fish", &["--no-config", "-c"]),
];

/// How many processes a shell starts for a script, after the hook was loaded.
fn processes(harness: &Harness, shell: &str, flags: &[&str], script: &str) -> usize {
    let log = harness.folder().join("strace");
    let mut strace = Command::new("strace");
    harness.equip(&mut strace);
    strace
        .args(["-f", "-qq", "-e", "trace=fork,vfork,clone,clone3", "-o"])
        .arg(&log)
        .arg(shell)
        .args(flags)
        .arg(format!("{}{script}", start_file(shell)))
        .current_dir(harness.folder().join("work"));
    let ended = Ended::of(strace.output().expect("strace starts"));
    assert_eq!(ended.status, 0, "{shell}: {}", ended.stderr);
    let log = fs::read_to_string(&log).expect("written");
    log.lines()
        .filter(|line| line.contains("= ") && !line.contains("resumed"))
        .count()
}

// E16
#[test]
fn the_hook_starts_no_process_where_nothing_changed() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    for (shell, flags) in SHELLS {
        let repeated = |count: usize, what: &str| match shell {
            "fish" => format!("for i in (seq {count}); {what}; end\n"),
            _ => format!("for ((i = 0; i < {count}; i++)); do {what}; done\n"),
        };
        // seq of fish is a process, in both counts.
        let script = |count: usize| {
            format!(
                "cd dev; {}cd ../none; {}",
                repeated(count, "__mcm_hook"),
                repeated(count, "cd below; cd ..")
            )
        };
        let (without, with) = (
            processes(&harness, shell, flags, &script(0)),
            processes(&harness, shell, flags, &script(500)),
        );
        assert!(without > 0, "{shell}: entering and leaving dev starts mcm");
        assert_eq!(
            with, without,
            "{shell}: 500 prompts and 1,000 changes of folder"
        );
    }
}

// E16
#[test]
fn the_hook_needs_no_keychain_and_says_nothing_where_there_is_nothing_to_say() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    harness.lock_keychain();
    for (shell, _) in SHELLS {
        let unset = match shell {
            "fish" => "set -e AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY",
            _ => "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY",
        };
        let walk = "cd none; cd ../dev; show; cd below; cd ../../none";
        let ended = in_shell(&harness, shell, &format!("{unset}; {walk}\n"));
        assert_eq!(ended.result, "dev eu-west-3\n", "{shell}");
        assert_eq!(
            ended.stderr, "mcm: dev is in use in this shell.\nmcm: dev is left.\n",
            "{shell}"
        );
    }
}

// E18
#[test]
fn a_shell_that_inherits_the_state_keeps_nothing_that_its_folder_and_terminal_do_not_want() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    for (shell, flags) in SHELLS {
        let file = harness.folder().join(format!("start.{shell}"));
        write(
            &file,
            0o600,
            &format!("{}__mcm_hook; show; cd ../test; show\n", start_file(shell)),
        );
        // Nested in another folder, and in the place of the shell that had the environment.
        for way in ["", "exec "] {
            let script = format!(
                "cd dev; show; {way}env -C ../none {shell} {} 'source {}'",
                flags.join(" "),
                file.display()
            );
            let ended = in_shell(&harness, "bash", &script);
            assert_eq!(
                ended.result, "dev eu-west-3\n \n \n",
                "{shell} {way}: {}",
                ended.stderr
            );
        }
    }
    // The terminal's choice is that terminal's: another one that inherits its variables does not have it, as in tmux,
    // ssh and sudo -E.
    let rc = harness.folder().join("rc");
    write(&rc, 0o600, &start_file("bash"));
    let shell = format!("bash --rcfile {} -i", rc.display());
    let inner =
        format!("script -qec '{shell}' /dev/null <<< 'echo inner=$MCM_ENVIRONMENT,$AWS_REGION.'");
    let nested = format!(
        "bash --rcfile {} -ic '__mcm_hook; echo nested=$MCM_ENVIRONMENT.'",
        rc.display()
    );
    // The number of a closed terminal may be another's later.
    let later = format!(
        "setsid -w bash --rcfile {} -ic '__mcm_hook; echo later=$MCM_ENVIRONMENT.'",
        rc.display()
    );
    let typed = format!(
        "cd {}\nmcm use dev 2>/dev/null\n{nested}\n{later}\n{inner}\nexit\n",
        harness.folder().join("work/none").display()
    );
    let (_, shown) = on_a_terminal(&harness, &shell, &typed);
    assert!(shown.contains("nested=dev."), "the same terminal: {shown}");
    assert!(shown.contains("later=."), "another session: {shown}");
    assert!(
        shown.contains("inner=,eu-central-1."),
        "another terminal: {shown}"
    );
}

// E18
#[test]
fn a_shell_in_a_container_has_an_environment_though_its_session_is_of_outside() {
    let Some(container) = namespaces(&["--pid", "--fork"]) else {
        return;
    };
    let harness = Harness::start();
    environments(&harness);
    let rc = harness.folder().join("rc");
    write(&rc, 0o600, &start_file("bash"));
    let inner = format!("bash --rcfile {} -i", rc.display());
    let typed = format!(
        "cd {}\nmcm use dev\necho chosen=$MCM_ENVIRONMENT,$AWS_REGION.\ncd ..\n\
         echo later=$MCM_ENVIRONMENT.\nmcm use --off\necho off=$MCM_ENVIRONMENT.\nexit\n",
        harness.folder().join("work/none").display()
    );
    let line = format!("{} {inner}", container.join(" "));
    let (_, shown) = on_a_terminal(&harness, &line, &typed);
    for expected in ["chosen=dev,eu-west-3.", "later=dev.", "off=."] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

// E18
#[test]
fn a_window_of_tmux_has_its_own_environment() {
    let harness = Harness::start();
    environments(&harness);
    let rc = harness.folder().join("rc");
    write(&rc, 0o600, &start_file("bash"));
    let socket = harness.folder().join("tmux");
    let seen = harness.folder().join("seen");
    let folder = harness.folder().join("work/none");
    let shell = format!("bash --rcfile {} -i", rc.display());
    // The server inherits what the terminal chose.
    let tmux = format!("tmux -f /dev/null -S {}", socket.display());
    let typed = format!(
        "cd {}\nmcm use dev\nexport SEEN=outer\n{tmux} new-session -d -s x '{shell}'\n\
         {tmux} send-keys -t x 'echo \"$SEEN,$MCM_ENVIRONMENT,$AWS_REGION,${{MCM_HOOK_STATE-none}}\" > {}' Enter\nexit\n",
        folder.display(),
        seen.display()
    );
    let (_, shown) = on_a_terminal(&harness, &shell, &typed);
    harness.until("tmux's shell has answered", || {
        fs::read_to_string(&seen).is_ok_and(|text| text.ends_with('\n'))
    });
    let mut kill = Command::new("tmux");
    run(
        kill.arg("-S").arg(&socket).arg("kill-server"),
        "tmux",
        "tmux",
    );
    assert_eq!(
        fs::read_to_string(&seen).expect("there"),
        "outer,,eu-central-1,none\n",
        "{shown}"
    );
}

// E27
#[test]
fn the_hooks_of_other_tools_and_ours_lead_to_the_same_in_both_orders() {
    let harness = Harness::start();
    environments(&harness);
    allow(&harness, "dev").done();
    let dev = harness.folder().join("work/dev");
    fs::create_dir_all(dev.join("bin")).expect("made");
    write(
        &dev.join(".envrc"),
        0o600,
        "export FROM_OTHER=1\nPATH_add bin\n",
    );
    write(
        &dev.join("mise.toml"),
        0o600,
        "[env]\nFROM_OTHER = \"1\"\n_.path = [\"bin\"]\n",
    );
    for tool in ["direnv", "mise"] {
        let mut version = Command::new(tool);
        if version.arg("--version").output().is_err() {
            mcm_core::testing::not_checked(&format!(
                "the hook beside that of {tool}, which is not installed"
            ));
            continue;
        }
        let (allow, hook) = match tool {
            "direnv" => ("direnv allow", "direnv hook"),
            _ => ("mise trust -q", "mise activate"),
        };
        for shell in ["bash", "zsh"] {
            let other = format!("eval \"$({hook} {shell})\"\n");
            let ours = start_file(shell);
            let results = [format!("{other}{ours}"), format!("{ours}{other}")].map(|lines| {
                let (rc, line) = match shell {
                    "bash" => ("rc", format!("bash --rcfile {}/rc -i", harness.folder().display())),
                    _ => (".zshrc", "zsh -i".to_owned()),
                };
                let marked =
                    "at() { echo \"<$1 ${MCM_ENVIRONMENT-} ${AWS_REGION-} other=${FROM_OTHER-} $(echo \"$PATH\" | grep -o 'mcm-shims\\|dev/bin' | sort | tr '\\n' ' ')>\"; }\n";
                write(&harness.folder().join(rc), 0o600, &format!("unset AWS_REGION\n{lines}{marked}PS1='$ '\n"));
                let typed = format!(
                    "cd {}\n{allow}\ntrue\nat inside\ncd below\nat below\ncd ../../none\ntrue\nat left\ncd ../dev\ntrue\nat again\ncd /\ntrue\nat out\nexit\n",
                    dev.display()
                );
                let (_, shown) = on_a_terminal(&harness, &line, &typed);
                let marks = shown.split('<').filter_map(|rest| rest.split_once('>'));
                let mut marks: Vec<String> = marks
                    .map(|(mark, _)| mark.to_owned())
                    .filter(|mark| mark.contains("other=") && !mark.contains('$'))
                    .collect();
                marks.dedup();
                (marks, shown)
            });
            for (marks, shown) in &results {
                assert_eq!(
                    marks.as_slice(),
                    [
                        "inside dev eu-west-3 other=1 dev/bin mcm-shims ",
                        "below dev eu-west-3 other=1 dev/bin mcm-shims ",
                        "left   other= ",
                        "again dev eu-west-3 other=1 dev/bin mcm-shims ",
                        "out   other= ",
                    ],
                    "{tool}, {shell}: {shown}"
                );
            }
        }
    }
}

// E25
#[test]
fn the_prompt_is_made_from_variables_alone_also_after_a_crash() {
    let harness = Harness::start();
    Three::connect(&harness).create(&harness, "dev", &["--colour", "green"]);
    let log = harness.folder().join("strace");
    let mut strace = Command::new("strace");
    harness
        .equip(&mut strace)
        .args(["-f", "-qq", "-e", "trace=%file", "-o"])
        .arg(&log)
        .args([MCM, "prompt", "--coloured"])
        .envs([
            ("MCM_ENVIRONMENT", "prod"),
            ("MCM_ENVIRONMENT_PROTECTED", "1"),
        ]);
    let ended = Ended::of(strace.output().expect("strace starts"));
    assert_eq!(
        ended.result, "\u{1b}[41;97mprod PROTECTED\u{1b}[0m\n",
        "a colour and a word"
    );
    let log = fs::read_to_string(&log).expect("written");
    let home = harness.folder().to_str().expect("text");
    let own: Vec<&str> = log.lines().filter(|line| line.contains(home)).collect();
    assert!(log.contains("openat(") && own.is_empty(), "{own:?}");
    // mcm is gone, and the shell that it served is still marked.
    let script = format!("kill -KILL $PPID; {MCM} prompt > {home}/prompt");
    let mut crashing = harness.command(&["exec", "-E", "dev", "--", "sh", "-c", &script]);
    assert!(!crashing.status().expect("mcm starts").success());
    harness.until("the prompt is printed", || {
        fs::read_to_string(harness.folder().join("prompt")).is_ok_and(|text| text == "dev\n")
    });
}
