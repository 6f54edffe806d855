//! `mcm shell` in real shells on a terminal, and `mcm sessions`: what runs, and what happens to it when it is cut off.

use std::fs;

use serde_json::Value;

use crate::environments::{Three, on_a_terminal};
use crate::exec_child::ExecChild;
use crate::harness::{Ended, Harness, write};

const MCM: &str = env!("CARGO_BIN_EXE_mcm");

/// A shell, its start file, and a line there that sets variables and an alias.
const SHELLS: [(&str, &str, &str); 3] = [
    (
        "bash",
        ".bashrc",
        "export AWS_PROFILE=evil AWS_REGION=us-east-1; mine() { echo own-$1; }; PS1='$ '",
    ),
    (
        "zsh",
        ".zshrc",
        "export AWS_PROFILE=evil AWS_REGION=us-east-1; mine() { echo own-$1; }; PROMPT='$ '",
    ),
    (
        "fish",
        ".config/fish/config.fish",
        "set -gx AWS_PROFILE evil; set -gx AWS_REGION us-east-1; function mine; echo own-$argv[1]; end",
    ),
];

fn sessions(harness: &Harness) -> Vec<Value> {
    let listed = harness.mcm(&["sessions", "--json"]).json();
    listed["sessions"].as_array().expect("a list").clone()
}

// E21
#[test]
fn a_shell_keeps_the_users_start_files_marks_its_prompt_and_is_over_when_it_ends() {
    let harness = Harness::start();
    Three::connect(&harness).create(
        &harness,
        "dev",
        &["--region", "eu-west-3", "--colour", "green"],
    );
    for (shell, start_file, line) in SHELLS {
        write(
            &harness.folder().join(start_file),
            0o600,
            &format!("{line}\n"),
        );
        let typed = "mine file\n\
             echo \"name=$MCM_ENVIRONMENT region=$AWS_REGION profile=$AWS_PROFILE.\"\n\
             curl -s -o /dev/null -w 'status=%{http_code}' -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" $AWS_CONTAINER_CREDENTIALS_FULL_URI\n\
             exit\n";
        let (status, shown) =
            on_a_terminal(&harness, &format!("{MCM} shell dev --shell {shell}"), typed);
        assert_eq!(status, 0, "{shell}: {shown}");
        for words in [
            "own-file",
            "name=dev region=eu-west-3 profile=.",
            "AWS_REGION was changed by a start file and is put back",
            "AWS_PROFILE was set by a start file and is unset",
            "[dev]",
            "status=200",
        ] {
            assert!(shown.contains(words), "{shell}, {words}: {shown}");
        }
    }
    assert_eq!(
        sessions(&harness),
        [] as [Value; 0],
        "nothing runs any more"
    );
}

#[test]
fn a_shell_within_a_shell_says_so_and_an_unknown_shell_is_refused() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "dev", &[]);
    three.create(&harness, "test", &[]);
    let typed = format!(
        "{MCM} shell test --shell bash\necho in=$MCM_ENVIRONMENT.\nexit\necho back=$MCM_ENVIRONMENT.\nexit\n"
    );
    let (_, shown) = on_a_terminal(&harness, &format!("{MCM} shell dev --shell bash"), &typed);
    for words in ["This shell is in dev already", "in=test.", "back=dev."] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let mut command = harness.command(&["shell", "dev"]);
    let ended = Ended::of(
        command
            .env("SHELL", "/usr/bin/tcsh")
            .output()
            .expect("mcm starts"),
    );
    assert!(ended.failed(1).contains("supports bash, zsh and fish"));
}

#[test]
fn what_runs_is_listed_with_what_it_holds_and_gets_nothing_once_it_is_revoked() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "dev", &[]);
    assert!(harness.mcm(&["sessions"]).stderr.contains("is running"));
    let child = ExecChild::start(&harness, &["-E", "dev"]);
    let other = ExecChild::start(&harness, &[&three.aws]);
    assert_eq!(child.aws().status, 200);
    let listed = sessions(&harness);
    assert_eq!(listed.len(), 2);
    let row = listed
        .iter()
        .find(|row| row["environment"] == "dev")
        .expect("it is listed");
    assert_eq!(
        (&row["kind"], &row["program"]),
        (&"exec".into(), &"sh".into())
    );
    assert_eq!(row["pid"], child.mcm_id());
    assert_eq!(row["held"][0]["account"], three.aws.as_str());
    assert_eq!(row["accounts"].as_array().map(Vec::len), Some(3));
    let id = row["id"].as_str().expect("an id");
    assert_eq!(child.get("MCM_HOLDER"), id);
    assert!(harness.mcm(&["sessions"]).done().contains("dev"));

    let revoked = harness.mcm(&["sessions", "--revoke", id]);
    assert!(
        revoked.stderr.contains("Revoked sh") && revoked.stderr.contains("that is valid until"),
        "{}",
        revoked.stderr
    );
    let answer = child.aws();
    assert!(
        answer.status == 403 && answer.body.contains("was revoked"),
        "{answer:?}"
    );
    assert_eq!(child.azure("https://management.azure.com").status, 403);
    let google = child.google("token_url", "grant_type=refresh_token&refresh_token=HANDLE");
    // As OAuth has it for a grant that is over.
    assert_eq!(google.status, 400, "{}", google.body);
    assert_eq!(other.aws().status, 200, "nothing else is cut off");
    child.ended().done();
    other.ended().done();
    let gone = harness.mcm(&["sessions", "--revoke", id]).failed(1);
    assert!(gone.contains("Nothing that runs has the id"), "{gone}");
    assert!(harness.mcm(&["sessions", "--revoke", "../../x"]).status == 1);
    harness.assert_no_secret_in("the command failed");
}

#[test]
fn a_killed_mcm_is_not_listed_and_its_folder_is_swept() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    let child = ExecChild::start(&harness, &[&three.aws]);
    let id = child.mcm_id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-KILL", &id])
            .status()
            .expect("kill")
            .success()
    );
    child.ended();
    assert_eq!(sessions(&harness), [] as [Value; 0]);
    let holders = harness.home().join("data/holders");
    assert_eq!(fs::read_dir(&holders).expect("there").count(), 1);
    harness.mcm(&["exec", &three.aws, "--", "true"]).done();
    assert_eq!(fs::read_dir(&holders).expect("there").count(), 0);
}

// E15
#[test]
fn the_time_in_a_protected_environment_is_shown_and_then_its_endpoint_refuses() {
    let harness = Harness::start();
    Three::connect(&harness).create(&harness, "prod", &["--protected", "--minutes", "60"]);
    let ask = "curl -s -o /dev/null -w 'status=%{http_code} ' -H \"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN\" $AWS_CONTAINER_CREDENTIALS_FULL_URI";
    // Within, an agent may use the environment that it was started in, and its time is the same.
    let script = format!(
        "{MCM} prompt; {ask}; CLAUDECODE=1 {MCM} exec -E prod -- sh -c 'echo inner=$MCM_ENVIRONMENT_UNTIL outer=$0' $MCM_ENVIRONMENT_UNTIL; \
         sed -i 's/\"until\":\"[^\"]*\"/\"until\":\"2020-01-01T00:00:00Z\"/' {}/data/holders/mcm-run-$MCM_HOLDER/record; {ask}; \
         CLAUDECODE=1 {MCM} exec -E prod -- true || echo refused",
        harness.home().display()
    );
    let file = harness.folder().join("script.sh");
    write(&file, 0o700, &script);
    let line = format!("{MCM} exec -E prod -- sh {}", file.display());
    let (_, shown) = on_a_terminal(&harness, &line, "prod\n");
    assert!(shown.contains("prod PROTECTED 60m"), "{shown}");
    let inner = shown.split("inner=").nth(1).expect("it ran");
    let (inner, outer) = inner.split_once(" outer=").expect("both");
    assert_eq!(outer.lines().next().map(str::trim), Some(inner), "{shown}");
    let after = shown.split("outer=").nth(1).expect("it ran");
    assert!(
        shown.contains("status=200") && after.contains("status=403") && after.contains("refused"),
        "{shown}"
    );
}

#[test]
fn the_terminal_shows_the_environment_where_that_is_asked_for_and_is_restored() {
    let harness = Harness::start();
    let three = Three::connect(&harness);
    three.create(&harness, "dev", &["--colour", "green"]);
    three.create(&harness, "test", &["--colour", "amber"]);
    let enter =
        |name: &str, tint: &str| format!("\u{1b}[22;2t\u{1b}]2;{name}\u{7}\u{1b}]11;{tint}\u{7}");
    let leave = "\u{1b}[23;2t\u{1b}]111\u{7}";
    let typed = "echo in=$MCM_ENVIRONMENT.\nexit\n";
    let line = format!("{MCM} shell dev --shell bash");
    let (_, plain) = on_a_terminal(&harness, &line, typed);
    assert!(
        plain.contains("in=dev.") && !plain.contains("\u{1b}]2;") && !plain.contains("\u{1b}]11")
    );
    let (_, shown) = on_a_terminal(&harness, &format!("{line} --title --tint dark"), typed);
    let entered = shown.find(&enter("dev", "#0b2416")).expect("it is shown");
    let left = shown.rfind(leave).expect("it is restored");
    let within = shown.find("in=dev.").expect("the shell ran");
    assert!(entered < within && within < left, "{shown:?}");

    // The hook, from one environment to the next, and off.
    let script = format!(
        "eval \"$({MCM} hook bash --title --tint light)\"; mcm use dev; mcm use test; mcm use test; mcm use --off; echo end"
    );
    let file = harness.folder().join("script");
    write(&file, 0o600, &script);
    let line = format!("bash --norc {}", file.display());
    let (_, shown) = on_a_terminal(&harness, &line, "");
    let parts = [
        enter("dev", "#e4f5eb"),
        format!("{leave}{}", enter("test", "#fdf3dc")),
        leave.to_owned(),
    ];
    let mut rest = shown.as_str();
    for part in &parts {
        let at = rest
            .find(part.as_str())
            .unwrap_or_else(|| panic!("{part:?}: {shown:?}"));
        rest = &rest[at + part.len()..];
    }
    assert!(
        rest.contains("end") && !rest.contains('\u{1b}'),
        "{shown:?}"
    );
    assert_eq!(shown.matches("\u{1b}]2;").count(), 2, "{shown:?}");
}
