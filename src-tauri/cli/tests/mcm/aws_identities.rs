//! AWS's files as users have them: a command works as the named account, or does not start.
//!
//! Each file is tried with AWS's own clients, which take the first credential that they find in it.

use std::path::Path;
use std::process::Command;

use crate::aws::connected;
use crate::clients::{here, program};
use crate::harness::{Ended, Harness, write};

/// Another user's key, in the files that a command must not use.
const OTHER: &str = "AKIAOTHEROTHEROTHER1";
/// The key that a program prints.
const OF_HELPER: &str = "AKIAHELPERHELPERHEL1";
/// The key in a shell's variables.
const IN_SHELL: &str = "AKIASHELLSHELLSHELL1";

/// Prints the id of the key that a client uses.
const CLIENTS: [(&str, &[&str]); 3] = [
    ("boto3", &["python", "key_id.py"]),
    ("@aws-sdk/client-sts", &["node", "node/key_id.js", "3"]),
    ("aws-sdk", &["node", "node/key_id.js", "2"]),
];

fn keys(indent: &str) -> String {
    format!(
        "{indent}aws_access_key_id = {OTHER}\n{indent}aws_secret_access_key = SECRET-OF-ANOTHER\n"
    )
}

/// The output of a client under `mcm exec`.
fn issued_to(harness: &Harness, account: &str, words: &[&str]) -> Ended {
    let mut command = harness.command(&["exec", account, "--"]);
    command
        .arg(program(words[0]))
        .args(&words[1..])
        .current_dir(here())
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_SDK_LOAD_CONFIG", "1");
    Ended::of(command.output().expect("mcm starts"))
}

fn credentials(harness: &Harness, text: &str) {
    write(&harness.folder().join(".aws/credentials"), 0o600, text);
}

fn config(harness: &Harness, text: &str) {
    write(&harness.folder().join(".aws/config"), 0o600, text);
}

/// The output of `mcm env`.
fn env(harness: &Harness, account: &str) -> String {
    harness.mcm(&["env", account, "--shell", "bash"]).done()
}

fn us(program: &Path, account: &str) -> String {
    format!(
        "credential_process = {} credential-process {account}\n",
        program.display()
    )
}

#[test]
fn keys_of_a_default_profile_are_never_used_however_they_are_written() {
    let harness = Harness::start();
    let account = connected(&harness, "Reader");
    for text in [
        format!("[default]\n{}", keys("")),
        format!("[default]\n{}", keys("  ")),
        format!("[default]\n{}", keys("\t")),
        format!("[default]\nregion = us-east-1\n{}", keys("  ")),
        format!("[default]\n{}  [old]\n{}", keys(""), keys("  ")),
        format!("[ default ]\n{}", keys("")),
        format!("[default] # mine\n{}", keys("")),
        format!("[default]\r\n{}", keys("").replace('\n', "\r\n")),
        format!("[DEFAULT]\n{}[default]\nregion = us-east-1\n", keys("")),
        format!("[profile default]\n{}", keys("")),
    ] {
        for file in [credentials, config] {
            credentials(&harness, "");
            config(&harness, "");
            file(&harness, &text);
            for (client, words) in CLIENTS {
                let output = issued_to(&harness, &account, words).done();
                assert!(
                    output.starts_with("ASIA"),
                    "{client} with {text:?}: {output}"
                );
            }
        }
    }
}

#[test]
fn a_file_whose_keys_are_ambiguous_stops_the_command() {
    let harness = Harness::start();
    let account = connected(&harness, "Reader");
    for text in [
        format!("[default]\n{}[default]\nregion = r\n", keys("")),
        format!("\u{feff}[default]\n{}", keys("")),
    ] {
        credentials(&harness, &text);
        let output = issued_to(&harness, &account, CLIENTS[0].1).failed(1);
        assert!(
            output.contains(".aws/credentials, line ") && !output.contains("SECRET"),
            "{output}"
        );
    }
}

#[test]
fn a_file_that_only_some_clients_find_is_kept_from_all() {
    let harness = Harness::start();
    let account = connected(&harness, "Reader");
    write(
        &harness.folder().join("alt"),
        0o600,
        &format!("[default]\n{}", keys("")),
    );
    credentials(&harness, &format!("[default]\n{}", keys("")));
    for value in ["$HOME/alt", "${HOME}/alt", "~/alt", ""] {
        for (client, words) in CLIENTS {
            let mut command = harness.command(&["exec", &account, "--"]);
            command
                .arg(program(words[0]))
                .args(&words[1..])
                .current_dir(here())
                .env_remove("AWS_ACCESS_KEY_ID")
                .env_remove("AWS_SECRET_ACCESS_KEY")
                .env("AWS_EC2_METADATA_DISABLED", "true")
                .env("AWS_SDK_LOAD_CONFIG", "1")
                .env("AWS_SHARED_CREDENTIALS_FILE", value);
            let output = Ended::of(command.output().expect("mcm starts")).done();
            assert!(
                output.starts_with("ASIA"),
                "{client} with {value:?}: {output}"
            );
        }
    }
}

#[test]
fn the_old_file_of_boto_is_kept_from_botocore() {
    let harness = Harness::start();
    let account = connected(&harness, "Reader");
    let text = format!("[Credentials]\n{}[GSUtil]\nparallel = 1\n", keys(""));
    write(&harness.folder().join(".boto"), 0o600, &text);
    let output = issued_to(&harness, &account, CLIENTS[0].1).done();
    assert!(output.starts_with("ASIA"), "{output}");
}

#[test]
fn env_names_a_profile_only_where_every_client_runs_this_program() {
    let harness = Harness::start();
    let account = connected(&harness, "Reader");
    let mcm = Path::new(env!("CARGO_BIN_EXE_mcm"));
    let ours = us(mcm, &account);
    config(&harness, &format!("[profile prod]\n{ours}"));
    assert!(env(&harness, &account).contains("AWS_PROFILE='prod'"));
    let gone = us(Path::new("/gone/bin/mcm"), &account);
    for (in_config, in_credentials) in [
        (
            format!("[profile prod]\n{ours}"),
            format!("[prod]\n{}", keys("")),
        ),
        (format!("[profile prod]\ns3 =\n  {ours}"), String::new()),
        (
            format!("[profile prod]\n{ours}role_arn = arn:aws:iam::1:role/x\nsource_profile = y\n"),
            String::new(),
        ),
        (
            format!("[profile prod]\nregion = x\n  {ours}"),
            String::new(),
        ),
        (
            format!("[profile prod]\nsso_session = x\n{ours}"),
            String::new(),
        ),
        (format!("[profile prod]\n{gone}"), String::new()),
        (
            format!("[profile prod]\n{ours}[profile prod]\n"),
            String::new(),
        ),
        (format!("[profile prod]\n{ours}"), "broken".to_owned()),
        (format!("[prod]\n{ours}"), String::new()),
        (
            format!("[profile prod]\n{ours}"),
            "[prod]\ncredential_process = /opt/another\n".to_owned(),
        ),
        (String::new(), format!("[prod]\n{ours}")),
    ] {
        config(&harness, &in_config);
        credentials(&harness, &in_credentials);
        let lines = env(&harness, &account);
        assert!(
            !lines.contains("export AWS_PROFILE") && lines.contains("export AWS_ACCESS_KEY_ID"),
            "{in_config:?} {in_credentials:?}: {lines}"
        );
    }
}

#[test]
fn whoami_shows_what_the_client_finds_or_that_it_finds_nothing() {
    let harness = Harness::start();
    for (text, wanted) in [
        (format!("[default]\n{}", keys("")), "file"),
        (format!("[default]\n{}", keys("  ")), "file"),
        (format!("[default] # mine\n{}", keys("")), "file"),
        (format!("[ default ]\n{}", keys("")), "none"),
        (format!("[default]\nregion = r\n{}", keys("  ")), "none"),
        (
            format!("[default]\r{}", keys("").replace('\n', "\r")),
            "file",
        ),
        (format!("[default]\n{}[default]\n", keys("")), "broken"),
        (format!("\u{feff}[default]\n{}", keys("")), "broken"),
    ] {
        credentials(&harness, &text);
        let found = source_of_aws(&harness, &[]);
        assert_eq!(found, wanted, "{text:?}");
        let theirs = key_of_boto3(&harness, &[]);
        let agrees = match wanted {
            "file" => theirs.result.trim() == OTHER,
            "none" => theirs.result.trim() == "None",
            _ => theirs.status != 0,
        };
        assert!(agrees, "{text:?}: {} {}", theirs.result, theirs.stderr);
    }
    credentials(&harness, &format!("[default]\n{}", keys("")));
    assert_eq!(source_of_aws(&harness, &[("AWS_PROFILE", "")]), "broken");
    let alternative = [("AWS_SHARED_CREDENTIALS_FILE", "$HOME/.aws/credentials")];
    assert_eq!(source_of_aws(&harness, &alternative), "file");
}

/// The orders of botocore's providers (`credentials.py`) and of the Go SDK's (`config/resolve_credentials.go`), and what
/// the latter refuses when it loads a profile (`config/shared_config.go`).
#[test]
fn whoami_weighs_the_settings_of_a_profile_as_each_client_does() {
    let harness = Harness::start();
    let program = harness.folder().join("helper");
    let printed = format!(
        "#!/bin/sh\necho '{{\"Version\":1,\"AccessKeyId\":\"{OF_HELPER}\",\"SecretAccessKey\":\"s\"}}'\n"
    );
    write(&program, 0o700, &printed);
    let (id, secret) = (
        format!("aws_access_key_id = {OTHER}\n"),
        "aws_secret_access_key = s\n",
    );
    let own = format!("{id}{secret}");
    let process = format!("credential_process = {}\n", program.display());
    let role = "role_arn = arn:aws:iam::444455556666:role/Reader\n";
    let start_url = "sso_start_url = https://contoso.awsapps.com/start\nsso_region = eu-west-1\n";
    let sso = format!("{start_url}sso_account_id = 444455556666\nsso_role_name = Admin\n");
    let none = String::new;
    for (config, credentials, aws, terraform) in [
        (format!("{own}{process}"), none(), "process", "file"),
        (format!("{own}{sso}"), none(), "sign-in", "file"),
        (format!("{own}{start_url}"), none(), "file", "file"),
        (start_url.to_owned(), own.clone(), "file", "file"),
        (
            format!("{own}sso_account_id = 1\n"),
            none(),
            "sign-in",
            "file",
        ),
        (
            format!("{own}credential_process =\n"),
            none(),
            "broken",
            "file",
        ),
        (format!("{own}role_arn =\n"), none(), "broken", "file"),
        (format!("{own}{role}"), none(), "broken", "role"),
        (
            format!("{own}{role}source_profile = default\n"),
            none(),
            "role",
            "role",
        ),
        (
            format!("{role}source_profile = gone\n"),
            none(),
            "broken",
            "broken",
        ),
        (id.clone(), none(), "broken", "broken"),
        (secret.to_owned(), none(), "none", "broken"),
        (
            format!("{id}aws_secret_access_key =\n{process}"),
            none(),
            "process",
            "broken",
        ),
        (
            secret.to_owned(),
            "region = eu-west-1\n".to_owned(),
            "none",
            "none",
        ),
        // The other file has a program too, and is asked first.
        (none(), process.clone(), "process", "process"),
        (own.clone(), process.clone(), "process", "file"),
        (
            "credential_process = /gone\n".to_owned(),
            process.clone(),
            "process",
            "process",
        ),
        // Without a role, one client passes over a source of credentials for it, and the other stops.
        (
            "source_profile = other\n".to_owned(),
            none(),
            "none",
            "broken",
        ),
        (
            "credential_source = Environment\n".to_owned(),
            none(),
            "none",
            "broken",
        ),
        (
            format!("{own}source_profile = other\n"),
            none(),
            "file",
            "broken",
        ),
        (
            "source_profile = other\n".to_owned(),
            own.clone(),
            "file",
            "broken",
        ),
        (
            format!("source_profile = other\n{process}"),
            none(),
            "process",
            "broken",
        ),
        (
            "web_identity_token_file = /t\n".to_owned(),
            none(),
            "broken",
            "broken",
        ),
    ] {
        let other = format!("[other]\n{own}");
        let folder = harness.folder().join(".aws");
        write(
            &folder.join("config"),
            0o600,
            &format!("[default]\n{config}"),
        );
        let text = match credentials.as_str() {
            "" => other,
            own => format!("[default]\n{own}{other}"),
        };
        write(&folder.join("credentials"), 0o600, &text);
        let found = ["aws", "terraform-aws"].map(|tool| source_of(&harness, tool, &[]));
        assert_eq!(found, [aws, terraform], "{config} {credentials}");
        let theirs = key_of_boto3(&harness, &[]);
        let agrees = match aws {
            "file" => theirs.result.trim() == OTHER,
            "process" => theirs.result.trim() == OF_HELPER,
            "none" => theirs.result.trim() == "None",
            _ => theirs.status != 0,
        };
        assert!(
            agrees,
            "{config} {credentials}: {} {}",
            theirs.result, theirs.stderr
        );
    }
}

#[test]
fn whoami_weighs_variables_against_a_profile_as_each_client_does() {
    let harness = Harness::start();
    let (half, secret) = (
        ("AWS_ACCESS_KEY_ID", IN_SHELL),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    );
    credentials(
        &harness,
        &format!("[default]\n{}[half]\naws_access_key_id = x\n", keys("")),
    );
    config(&harness, "[profile sourced]\nsource_profile = default\n");
    let profile = |name| ("AWS_PROFILE", name);
    for (variables, aws, terraform) in [
        (&[half, secret][..], "environment", "environment"),
        // A key without its secret is passed over by all but botocore.
        (&[half], "broken", "file"),
        (&[secret], "file", "file"),
        (&[half, secret, profile("gone")], "broken", "broken"),
        (&[half, secret, profile("half")], "environment", "broken"),
        (&[half, secret, profile("sourced")], "environment", "broken"),
    ] {
        let found = ["aws", "terraform-aws"].map(|tool| source_of(&harness, tool, variables));
        assert_eq!(found, [aws, terraform], "{variables:?}");
        let theirs = key_of_boto3(&harness, variables);
        let agrees = match aws {
            "file" => theirs.result.trim() == OTHER,
            "environment" => theirs.result.trim() == IN_SHELL,
            _ => theirs.status != 0,
        };
        assert!(agrees, "{variables:?}: {} {}", theirs.result, theirs.stderr);
    }
}

fn key_of_boto3(harness: &Harness, variables: &[(&str, &str)]) -> Ended {
    let mut client = Command::new(program("python"));
    harness
        .equip(&mut client)
        .arg("key_id.py")
        .current_dir(here())
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied());
    Ended::of(client.output().expect("Python starts"))
}

fn source_of_aws(harness: &Harness, variables: &[(&str, &str)]) -> String {
    source_of(harness, "aws", variables)
}

fn source_of(harness: &Harness, tool: &str, variables: &[(&str, &str)]) -> String {
    let mut command = harness.command(&["whoami", "--json"]);
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .envs(variables.iter().copied());
    let output = Ended::of(command.output().expect("mcm starts")).json();
    let mut tools = output["tools"].as_array().expect("a list").iter();
    let found = tools.find(|found| found["tool"] == tool).expect(tool);
    found["source"].as_str().expect("a source").to_owned()
}
