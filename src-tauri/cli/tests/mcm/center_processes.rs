//! Roles of AWS IAM Identity Center among many processes, real clients, and processes that are killed.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcm_core::world::{Clock as _, SystemClock};
use sandbox_clouds::Endpoint;
use sandbox_clouds::aws::identity_center::{PermissionPolicy, RefreshRotation, SsoDirectory};

use crate::clients::{here, program};
use crate::harness::{Begun, Harness, everything_below, write};
use crate::identity_center::{READER, connected};

fn set(harness: &Harness, change: impl FnOnce(&mut PermissionPolicy)) {
    let mut policy = harness.sandbox.identity_center_policy();
    change(&mut policy);
    harness.sandbox.set_identity_center_policy(policy);
}

fn count(harness: &Harness, endpoint: Endpoint) -> usize {
    let requests = harness.sandbox.requests();
    let of_it = |request: &&sandbox_clouds::Request| request.endpoint == Some(endpoint);
    requests.iter().filter(of_it).count()
}

/// Ten pairs of ten accounts.
fn pairs(id: &str, role: u32) -> Vec<String> {
    let pair = |account: u32| format!("{id}/{:012}/Role{role}", 1_000_000 + account);
    (0..10).map(pair).collect()
}

/// Fifty processes at once, five for each pair. Every one is answered.
fn fifty_at_once(harness: &Harness, pairs: &[String]) {
    let begun: Vec<Begun> = (0..50)
        .map(|number| harness.begin(&["credential-process", &pairs[number % pairs.len()]]))
        .collect();
    for process in begun {
        let issued = process.ended().json();
        assert!(
            issued["AccessKeyId"]
                .as_str()
                .is_some_and(|key| key.starts_with("ASIA"))
        );
    }
}

#[test]
fn fifty_processes_and_ten_roles_share_one_renewal_of_an_expired_and_of_a_refused_token() {
    // I18, I20
    let harness = Harness::start();
    harness
        .sandbox
        .set_identity_center_directory(SsoDirectory::of_size(10, 2));
    set(&harness, |policy| {
        policy.rotation = RefreshRotation::DetectReuse;
        policy.access_token_life = 3;
    });
    let id = connected(&harness);
    set(&harness, |policy| policy.access_token_life = 3600);
    let over = SystemClock.now() + Duration::from_secs(4);
    harness.until("the token is over", || SystemClock.now() > over);
    harness.sandbox.forget_requests();
    fifty_at_once(&harness, &pairs(&id, 1));
    assert_eq!(count(&harness, Endpoint::CenterToken), 1);
    assert_eq!(count(&harness, Endpoint::CenterCredentials), 10);

    harness.sandbox.reject_identity_center_tokens();
    harness.sandbox.forget_requests();
    fifty_at_once(&harness, &pairs(&id, 2));
    assert_eq!(
        count(&harness, Endpoint::CenterToken),
        1,
        "401 beats the clock, once"
    );
    assert!(
        count(&harness, Endpoint::CenterCredentials) <= 20,
        "one more try for each role"
    );
}

#[test]
fn a_renewal_that_is_killed_leaves_a_sign_in_that_works_or_asks_again() {
    // I19
    let harness = Harness::start();
    harness
        .sandbox
        .set_identity_center_directory(SsoDirectory::of_size(1, 1));
    let id = connected(&harness);
    let pair = format!("{id}/000001000000/Role1");
    let rounds = mcm_core::world::Environment::of_this_process()
        .get("KILLS")
        .map_or(12, |text| text.parse().expect("a number"));
    for round in 0..rounds {
        harness.sandbox.reject_identity_center_tokens();
        harness.forget_sessions();
        harness.sandbox.forget_requests();
        let mut command = harness.command(&["credential-process", &pair]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn().expect("mcm starts");
        let is_stored = round % 2 == 1;
        if is_stored {
            // The second one, with the new token: what was renewed is in the keychain before that.
            harness.until("the credentials are asked for again", || {
                count(&harness, Endpoint::CenterCredentials) == 2
            });
        } else {
            harness.until_requested(Endpoint::CenterToken);
            // Between the answer, the write and the next call: each round a little later.
            let moment = SystemClock.now() + Duration::from_millis(round % 12 * 3);
            while SystemClock.now() < moment {
                std::thread::yield_now();
            }
        }
        process.kill().expect("it runs, or has just ended");
        process.wait().expect("it is gone");
        let again = harness.mcm(&["credential-process", &pair]);
        match again.status {
            0 => {}
            3 if !is_stored => {
                assert!(again.stderr.contains("Sign in again"), "{}", again.stderr);
                assert_eq!(connected(&harness), id);
            }
            other => panic!("round {round}: status {other}: {}", again.stderr),
        }
    }
}

#[test]
fn the_clouds_own_clients_work_as_a_role_by_its_profile_and_write_no_cache() {
    // I30
    let harness = Harness::start();
    let profile = profile_of_a_role(&harness);
    // A script for the Python beside it.
    let aws = program("aws");
    let aws = aws.to_str().expect("text");
    let python = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])";
    let javascript = "const { STSClient, GetCallerIdentityCommand } = require('@aws-sdk/client-sts');\
        new STSClient({}).send(new GetCallerIdentityCommand({})).then((who) => console.log(who.Arn));";
    for (name, words) in [
        ("python", &["-c", python][..]),
        ("node", &["-e", javascript]),
        (
            "python",
            &[
                aws,
                "sts",
                "get-caller-identity",
                "--query",
                "Arn",
                "--output",
                "text",
            ],
        ),
    ] {
        let mut command = Command::new(program(name));
        harness
            .equip(&mut command)
            .args(words)
            .current_dir(here().join("node"))
            .env("AWS_PROFILE", &profile);
        remove_keys(&mut command);
        let output = command.output().expect(name);
        let arn = String::from_utf8_lossy(&output.stdout);
        assert!(
            arn.contains(":assumed-role/AWSReservedSSO_ReadOnly_") && arn.trim().ends_with("/ada"),
            "{name}: {arn}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_no_cache(&harness);
}

/// Terraform's own client of AWS, that of its S3 backend, asks STS who it is and signs a call of S3. Whoever signs with
/// another key is refused by the stand-in, and seen by the server that stands for S3.
#[test]
fn terraform_signs_as_a_role_by_its_profile_and_by_exec_and_writes_no_cache() {
    // I30
    if Command::new("terraform").arg("version").output().is_err() {
        mcm_core::testing::not_checked("terraform is not installed");
        return;
    }
    let harness = Harness::start();
    let profile = profile_of_a_role(&harness);
    let id = harness.account_of("aws");
    let pair = format!("{id}/{READER}");
    let issued = harness.mcm(&["credential-process", &pair]).json();
    let key = issued["AccessKeyId"].as_str().expect("a key").to_owned();
    let folder = harness.folder().join("terraform");
    fs::create_dir_all(&folder).expect("made");
    for by_profile in [true, false] {
        let s3 = Signatures::start();
        let backend = format!(
            "terraform {{\n backend \"s3\" {{\n bucket = \"state\"\n key = \"k\"\n region = \"eu-west-1\"\n \
             use_path_style = true\n endpoints = {{ s3 = \"{}\" }}\n }}\n}}\n",
            s3.address
        );
        write(&folder.join("main.tf"), 0o600, &backend);
        harness.sandbox.forget_requests();
        let mut command = if by_profile {
            let mut command = Command::new("terraform");
            harness.equip(&mut command).env("AWS_PROFILE", &profile);
            command
        } else {
            harness.command(&["exec", &pair, "--", "terraform"])
        };
        remove_keys(&mut command);
        command
            .args(["init", "-reconfigure", "-input=false", "-no-color"])
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_DATA_DIR", folder.join("data"))
            .current_dir(&folder);
        let output = command.output().expect("terraform starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "by profile {by_profile}: {said}");
        assert!(count(&harness, Endpoint::AwsCallerIdentity) >= 1, "{said}");
        let keys = s3.keys();
        assert!(!keys.is_empty(), "a call of S3 is signed");
        assert!(
            keys.iter().all(|signed| *signed == key),
            "{keys:?}, not {key}"
        );
        assert!(
            !everything_below(folder.clone())
                .contains(issued["SecretAccessKey"].as_str().expect("a secret"))
        );
    }
    assert_no_cache(&harness);
}

/// The profile that `mcm configure` writes for the first role `ReadOnly`.
fn profile_of_a_role(harness: &Harness) -> String {
    let id = connected(harness);
    let words = [
        "configure",
        "aws",
        &id,
        "--all",
        "--filter",
        "Labs",
        "--yes",
    ];
    harness.mcm(&words).done();
    let config = fs::read_to_string(harness.folder().join(".aws/config")).expect("written");
    let profile = config
        .lines()
        .find_map(|line| line.strip_prefix("[profile ")?.strip_suffix(']'));
    profile.expect("a profile").to_owned()
}

/// Keys in variables would win over the profile.
fn remove_keys(command: &mut Command) {
    for own in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        command.env_remove(own);
    }
}

fn assert_no_cache(harness: &Harness) {
    for folder in [".aws/sso", ".aws/cli/cache"] {
        assert!(!harness.folder().join(folder).exists(), "{folder}");
    }
}

/// A server that has no object and notes the keys that its requests are signed with.
struct Signatures {
    address: String,
    keys: Arc<Mutex<Vec<String>>>,
}

impl Signatures {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let keys = Arc::<Mutex<Vec<String>>>::default();
        let noted = keys.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.expect("a client");
                let mut lines = BufReader::new(connection.try_clone().expect("a socket")).lines();
                let mut request = lines.next();
                while let Some(Ok(line)) = lines
                    .next()
                    .filter(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                {
                    let signed = line
                        .split_once("Credential=")
                        .and_then(|(_, rest)| rest.split_once('/'));
                    if let Some((key, _)) = signed {
                        noted.lock().expect("unpoisoned").push(key.to_owned());
                    }
                }
                let is_list = request
                    .take()
                    .and_then(Result::ok)
                    .is_some_and(|line| line.contains("list-type"));
                let (status, body) = if is_list {
                    (
                        "200 OK",
                        "<ListBucketResult><Name>state</Name><KeyCount>0</KeyCount></ListBucketResult>",
                    )
                } else {
                    ("404 Not Found", "<Error><Code>NoSuchKey</Code></Error>")
                };
                let answer = format!(
                    "HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = connection.write_all(answer.as_bytes());
            }
        });
        Self { address, keys }
    }

    fn keys(&self) -> Vec<String> {
        self.keys.lock().expect("unpoisoned").clone()
    }
}
