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
use crate::exec_child::processes_that_show;
use crate::harness::{ADA, Ended, Harness, write};

/// A client that has not started.
struct Client {
    name: &'static str,
    process: Child,
    output: BufReader<ChildStdout>,
}

/// The clients by the account that they use: the name of each, and the words that start it.
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

/// A home of its own for the files that clients write.
fn home(harness: &Harness) -> PathBuf {
    let home = harness.folder().join("home");
    fs::create_dir_all(&home).expect("ours");
    home
}

impl Client {
    fn start(harness: &Harness, client: (&str, &'static str, &[&str])) -> Self {
        Self::start_with(harness, client, |_| {})
    }

    fn start_with(
        harness: &Harness,
        (provider, name, words): (&str, &'static str, &[&str]),
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = harness.command(&["exec", &harness.account_of(provider), "--"]);
        // Azure's libraries refuse a sign-in server on this machine, even if they send it no request.
        command.args(["env", "--unset=AZURE_AUTHORITY_HOST"]);
        // Nothing listens there, so a client that asks this proxy for the endpoint fails.
        command.args(["http_proxy", "HTTP_PROXY"].map(|name| format!("{name}=http://127.0.0.1:9")));
        command
            .arg(program(words[0]))
            .args(&words[1..])
            .current_dir(here())
            .env("HOME", home(harness));
        change(&mut command);
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

    /// It was answered as the account.
    fn assert_answer(&mut self) {
        let answer = self.answer();
        let is_right = match self.name {
            "boto3" | "@aws-sdk/client-sts" => answer
                .as_str()
                .is_some_and(|arn| arn.contains("444455556666:assumed-role/Reader/")),
            "azure-identity" | "@azure/identity" => answer == 4,
            "google-auth" | "google-auth-library" => answer == json!(["contoso-production", 4]),
            _ => answer == true,
        };
        assert!(is_right, "{}: {answer}", self.name);
    }

    /// The client's answer; the client runs until this is dropped.
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
    clients.iter_mut().for_each(Client::assert_answer);
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

/// Variables of another user, each of which some client would take.
const STALE: [(&str, &str); 22] = [
    ("AWS_ACCESS_KEY_ID", "AKIAOTHEROTHEROTHER1"),
    ("AWS_SECRET_ACCESS_KEY", "CANARY"),
    ("AWS_ACCESS_KEY", "AKIAOTHEROTHEROTHER1"),
    ("AWS_SECRET_KEY", "CANARY"),
    ("AMAZON_ACCESS_KEY_ID", "AKIAOTHEROTHEROTHER1"),
    ("AMAZON_SECRET_ACCESS_KEY", "CANARY"),
    ("AWS_PROFILE", "other"),
    ("AWS_DEFAULT_PROFILE", "other"),
    ("AWS_CREDENTIAL_FILE", "HOME/other-keys"),
    ("BOTO_CONFIG", "HOME/other-boto"),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/other"),
    ("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000001"),
    ("AZURE_CLIENT_SECRET", "CANARY"),
    ("AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000002"),
    ("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential"),
    ("MSI_ENDPOINT", "http://127.0.0.1:9/"),
    ("IMDS_ENDPOINT", "http://127.0.0.1:9/"),
    ("GOOGLE_APPLICATION_CREDENTIALS", "HOME/other.json"),
    ("GOOGLE_CLOUD_QUOTA_PROJECT", "other-pays"),
    ("GOOGLE_CLOUD_PROJECT", "other-project"),
    ("GCLOUD_PROJECT", "other-project"),
    ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "other.example"),
];

#[test]
fn every_client_works_as_the_account_among_variables_and_files_of_another_user() {
    let harness = Harness::start();
    all_clouds(&harness);
    let home = home(&harness);
    let keys = "aws_access_key_id = AKIAOTHEROTHEROTHER1\naws_secret_access_key = CANARY\n";
    for (name, text) in [
        (".aws/credentials", format!("[default]\n{keys}[other]\n{keys}")),
        (".boto", format!("[Credentials]\n{keys}")),
        ("other-boto", format!("[Credentials]\n{keys}")),
        (
            "other-keys",
            "AWSAccessKeyId=AKIAOTHEROTHEROTHER1\nAWSSecretKey=CANARY\n".to_owned(),
        ),
        (
            ".config/gcloud/application_default_credentials.json",
            r#"{"type":"authorized_user","client_id":"x","client_secret":"CANARY","refresh_token":"CANARY"}"#
                .to_owned(),
        ),
    ] {
        write(&home.join(name), 0o600, &text);
    }
    let stale = STALE.map(|(name, value)| {
        let value = value.replace("HOME", home.to_str().expect("text"));
        (name, value)
    });
    let mut clients = CLIENTS.map(|client| {
        Client::start_with(&harness, client, |command| {
            command.envs(stale.iter().map(|(name, value)| (name, value)));
        })
    });
    clients.iter_mut().for_each(Client::go_on);
    clients.iter_mut().for_each(Client::assert_answer);

    let account = harness.account_of("aws");
    for files in [true, false] {
        for (name, words) in [
            ("boto3", ["python", "key_id.py", ""]),
            ("@aws-sdk/client-sts", ["node", "node/key_id.js", "3"]),
            ("aws-sdk", ["node", "node/key_id.js", "2"]),
        ] {
            let mut command = harness.command(&["exec", &account, "--"]);
            command
                .arg(program(words[0]))
                .args(&words[1..])
                .current_dir(here())
                .env_remove("AWS_EC2_METADATA_DISABLED");
            if files {
                command
                    .env("HOME", &home)
                    .envs(stale.iter().map(|(name, value)| (name, value)));
            }
            let key = Ended::of(command.output().expect("mcm starts")).done();
            assert!(key.starts_with("ASIA"), "{name}: {key}");
        }
    }
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
    let child = Ended::of(command.output().expect("mcm starts")).done();
    assert!(child.contains(":assumed-role/Reader/"), "{child}");

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
    assert_eq!(handed, child, "the same session");
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
fn the_client_reports_an_expired_session_with_the_command_to_run() {
    let harness = Harness::start();
    // So short that it is not issued once it cannot be renewed.
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
            // It shows no message of the endpoint.
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
fn clients_of_aws_use_the_last_minutes_when_a_renewal_fails() {
    let harness = Harness::start();
    // botocore asks again at each request when less than ten minutes remain, and fails when it is then refused.
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
fn the_client_reports_a_locked_keychain() {
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
