//! The clouds' own clients under `mcm exec`: they find their credential, use it, and leave no secret behind.
//!
//! They need the packages in `clients/`, which `make test` installs in `target/clients` and `clients/node`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use sandbox_clouds::guid;
use serde_json::{Value, json};

use crate::aws::{connected, role};
use crate::harness::{ADA, Ended, Harness, write};
use crate::lent::processes_that_show;

/// A client that has not begun.
struct Client {
    name: &'static str,
    process: Child,
    output: BufReader<ChildStdout>,
}

/// The clients by the account that they work as: how each is called, and the words that start it.
const CLIENTS: [(&str, &str, &[&str]); 7] = [
    ("aws", "boto3", &["python", "ask.py", "boto3"]),
    (
        "aws",
        "@aws-sdk/client-sts",
        &["node", "node/ask.js", "aws"],
    ),
    ("azure", "azure-identity", &["python", "ask.py", "azure"]),
    (
        "azure",
        "azure-identity for a key vault",
        &["python", "ask.py", "azure_vault"],
    ),
    (
        "azure",
        "@azure/identity",
        &["node", "node/ask.js", "azure"],
    ),
    ("gcp", "google-auth", &["python", "ask.py", "google"]),
    (
        "gcp",
        "google-auth-library",
        &["node", "node/ask.js", "google"],
    ),
];

pub(crate) fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcm/clients")
}

pub(crate) fn program(name: &str) -> PathBuf {
    if name == "node" {
        let modules = here().join("node/node_modules");
        assert!(
            modules.is_dir(),
            "the JavaScript clients are not installed. Run make test, which installs them."
        );
        return name.into();
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/clients/venv/bin")
        .join(name);
    assert!(
        program.is_file(),
        "the Python clients are not installed. Run make test, which installs them."
    );
    program
}

/// A person's home of their own for what clients write.
fn home(harness: &Harness) -> PathBuf {
    let home = harness.folder().join("home");
    fs::create_dir_all(&home).expect("ours");
    home
}

impl Client {
    fn start(harness: &Harness, (provider, name, words): (&str, &'static str, &[&str])) -> Self {
        let mut command = harness.command(&["exec", &harness.account_of(provider), "--"]);
        // Azure's libraries refuse a sign-in server on this machine, also where they ask it for nothing.
        command.args(["env", "--unset=AZURE_AUTHORITY_HOST"]);
        command
            .arg(program(words[0]))
            .args(&words[1..])
            .current_dir(here())
            .env("HOME", home(harness));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().expect("mcm starts");
        let output = BufReader::new(process.stdout.take().expect("piped"));
        let mut client = Self {
            name,
            process,
            output,
        };
        assert_eq!(client.answer(), "ready", "{name}");
        client
    }

    fn go_on(&mut self) {
        self.process
            .stdin
            .as_mut()
            .expect("piped")
            .write_all(b"\n")
            .expect("it reads");
    }

    /// What it was answered; it stays until it is dropped.
    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        if line.is_empty() {
            let error_output = self.error_output();
            panic!("{}: {error_output}", self.name);
        }
        serde_json::from_str(&line).expect("JSON")
    }

    fn error_output(&mut self) -> String {
        let mut answer = String::new();
        self.process
            .stderr
            .take()
            .expect("piped")
            .read_to_string(&mut answer)
            .expect("text");
        answer
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

fn all_clouds(harness: &Harness) {
    connected(harness, "Reader");
    harness.login(ADA, &["azure"]).done();
    harness.login(ADA, &["gcp"]).done();
    let google = harness.account_of("gcp");
    harness.mcm(&["use", &google, "contoso-production"]).done();
}

/// Every file below a folder, in one text.
fn files_below(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("readable").flatten() {
        let path = entry.path();
        if path.is_dir() {
            text.push_str(&files_below(&path));
        } else {
            text.push_str(&format!("\n{}\n", path.display()));
            text.push_str(&String::from_utf8_lossy(
                &fs::read(&path).expect("readable"),
            ));
        }
    }
    text
}

#[test]
fn every_client_works_as_the_account_and_leaves_no_secret() {
    let harness = Harness::start();
    all_clouds(&harness);
    let mut clients = CLIENTS.map(|client| Client::start(&harness, client));
    clients.iter_mut().for_each(Client::go_on);
    for client in &mut clients {
        let answer = client.answer();
        let is_right = match client.name {
            "boto3" | "@aws-sdk/client-sts" => answer
                .as_str()
                .is_some_and(|arn| arn.contains("444455556666:assumed-role/Reader/")),
            "azure-identity" | "@azure/identity" => answer == 4,
            "google-auth" | "google-auth-library" => answer == json!(["contoso-production", 4]),
            _ => answer == true,
        };
        assert!(is_right, "{}: {answer}", client.name);
    }
    let secrets = harness.secrets_of_the_clouds();
    assert_eq!(
        processes_that_show(&secrets),
        Vec::<u32>::new(),
        "while the clients hold their credentials"
    );
    drop(clients);
    let files = format!("{}{}", files_below(&home(&harness)), harness.files());
    assert!(!secrets.iter().any(|secret| files.contains(secret.as_str())));
}

#[test]
fn aws_works_by_the_endpoint_and_by_credential_process_and_caches_nothing() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let (aws, asked) = (
        program("aws"),
        [
            "sts",
            "get-caller-identity",
            "--query",
            "Arn",
            "--output",
            "text",
        ],
    );
    let mut command = harness.command(&["exec", &id, "--"]);
    command.arg(&aws).args(asked).env("HOME", home(&harness));
    let lent = Ended::of(command.output().expect("mcm starts")).done();
    assert!(lent.contains(":assumed-role/Reader/"), "{lent}");

    let us = format!(
        "[profile production]\nregion = eu-central-1\ncredential_process = {} credential-process {id}\n",
        env!("CARGO_BIN_EXE_mcm")
    );
    write(&home(&harness).join(".aws/config"), 0o600, &us);
    let mut command = Command::new(&aws);
    harness
        .equip(&mut command)
        .args(asked)
        .args(["--profile", "production"])
        .env("HOME", home(&harness));
    let handed = Ended::of(command.output().expect("aws starts")).done();
    assert_eq!(handed, lent, "the same session");
    let files = files_below(&home(&harness));
    assert!(
        !harness
            .secrets_of_the_clouds()
            .iter()
            .any(|secret| files.contains(secret.as_str())),
        "{files}"
    );
}

#[test]
fn a_session_that_ended_is_told_by_the_client_with_what_to_run() {
    let harness = Harness::start();
    // So short that nothing of it is lent once it cannot be renewed.
    harness
        .sandbox
        .set_access_token_life(Duration::from_secs(55));
    harness
        .sandbox
        .set_aws_session_life(Some(Duration::from_secs(55)));
    all_clouds(&harness);
    let mut clients = CLIENTS.map(|client| Client::start(&harness, client));
    harness.forget_sessions();
    harness.sandbox.revoke_all(ADA);
    harness.sandbox.remove_aws_role(&role("Reader"));
    clients.iter_mut().for_each(Client::go_on);
    for client in &mut clients {
        let error_output = client.error_output();
        let advice = match client.name {
            "boto3" => format!("mcm login aws --role-arn {}", role("Reader")),
            // It shows nobody's message.
            "@aws-sdk/client-sts" => "CredentialsProviderError".to_owned(),
            "google-auth" | "google-auth-library" => "mcm login gcp".to_owned(),
            _ => format!("mcm login azure --tenant {}", guid("contoso.example")),
        };
        assert!(
            error_output.contains(&advice),
            "{}: {error_output}",
            client.name
        );
    }
    assert!(!harness.has_opened_a_page());
}

#[test]
fn clients_of_aws_work_with_the_last_minutes_when_nothing_new_can_be_had() {
    let harness = Harness::start();
    // botocore asks anew for each request when less than ten minutes are left, and fails when it is refused then.
    harness
        .sandbox
        .set_aws_session_life(Some(Duration::from_secs(5 * 60)));
    connected(&harness, "Reader");
    let mut clients = [CLIENTS[0], CLIENTS[1]].map(|client| Client::start(&harness, client));
    harness.lock_keychain();
    clients.iter_mut().for_each(Client::go_on);
    for client in &mut clients {
        let answer = client.answer();
        let is_right = answer
            .as_str()
            .is_some_and(|arn| arn.contains("444455556666:assumed-role/Reader/"));
        assert!(is_right, "{}: {answer}", client.name);
    }
}

#[test]
fn a_locked_keychain_is_told_by_the_client() {
    let harness = Harness::start();
    harness
        .sandbox
        .set_access_token_life(Duration::from_secs(55));
    harness.login(ADA, &["azure"]).done();
    let mut client = Client::start(&harness, CLIENTS[2]);
    harness.lock_keychain();
    client.go_on();
    let error_output = client.error_output();
    assert!(
        error_output.contains("keychain is locked"),
        "{error_output}"
    );
}
