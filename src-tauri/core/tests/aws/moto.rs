//! At moto, an AWS that others wrote: signatures, assuming, and what its authorisation makes of the External ID.
//!
//! moto refuses a wrong External ID but lets in whoever sends none, so it is a role that does not enforce, as AWS itself
//! never is. It needs Python and the packages in `moto/requirements.txt`, which `make test` installs in `target/moto`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use mcm_core::account::Enforcement;
use mcm_core::app::{ConnectRole, PrepareRole};
use mcm_core::credential::AccessKeys;
use mcm_core::error::Code;
use mcm_core::world::{Clock as _, SystemClock};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::roles::{finish, known, with};
use crate::stage::Stage;

/// A running moto. It ends when this is dropped, and when the test's process does.
struct Moto {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    at: Listening,
}

#[derive(Deserialize)]
struct Listening {
    url: String,
    access_key_id: String,
    secret_access_key: String,
}

impl Moto {
    fn start() -> Self {
        let core = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = core.join("../../target/moto/venv/bin/python");
        let script = core.join("tests/aws/moto/serve.py");
        let mut process = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("moto is not installed ({error}). Run make test, which installs it.")
            });
        let input = process.stdin.take().expect("piped");
        let mut output = BufReader::new(process.stdout.take().expect("piped"));
        let at = serde_json::from_value(read(&mut output)).expect("the first line says where");
        Self { process, input, output, at }
    }

    /// Creates a role of moto's account with a trust policy.
    fn role(&mut self, name: &str, trust_policy: &str) -> String {
        let asked = json!({ "name": name, "trust_policy": trust_policy });
        writeln!(self.input, "{asked}").expect("moto runs");
        let arn = read(&mut self.output)["arn"].as_str().expect("an ARN").to_owned();
        assert!(arn.ends_with(name), "{arn}");
        arn
    }

    /// A stage whose AWS is this server.
    async fn stage(&self) -> Stage {
        let variables = [
            ("AWS_ENDPOINT_URL_STS", self.at.url.as_str()),
            ("AWS_ENDPOINT_URL_IAM", &self.at.url),
            ("AWS_ENDPOINT_URL_ORGANIZATIONS", &self.at.url),
            ("AWS_ACCESS_KEY_ID", &self.at.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &self.at.secret_access_key),
        ];
        let stage = Stage::with(|_| {}, &variables).await;
        // moto lives in the machine's time.
        stage.clock.set(SystemClock.now());
        stage
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read(output: &mut BufReader<ChildStdout>) -> Value {
    for line in output.lines().map_while(Result::ok) {
        if let Ok(value) = serde_json::from_str(&line) {
            return value;
        }
    }
    panic!("moto ended without an answer. Run make test, which installs it anew.")
}

#[tokio::test]
async fn a_role_made_from_our_trust_policy_is_connected_and_renews() {
    let mut moto = Moto::start();
    let stage = moto.stage().await;
    let prepared = stage.app.prepare_role(PrepareRole::default()).await.expect("prepared");
    assert!(prepared.caller.arn.ends_with(":user/ada") && prepared.caller.principal_is_exact);
    let arn = moto.role(&prepared.role_name, &prepared.templates.trust_policy);

    let wish = ConnectRole { role_arn: Some(arn), ..ConnectRole::default() };
    let error = finish(&stage, with(wish.clone())).await.expect_err("moto lets in whoever sends no id");
    assert_eq!(error.code(), Code::NotEnforced, "{error}");
    assert!(
        error.message().contains("can be assumed without an External ID, so"),
        "a wrong one is refused: {error}"
    );

    let id =
        finish(&stage, with(ConnectRole { accept_not_enforced: true, ..wish })).await.expect("connected");
    let role = known(&stage, &id);
    assert_eq!((role.enforced, role.external_id), (Enforcement::NotEnforced, prepared.external_id));
    assert_eq!(role.alias.as_deref(), Some("moto-account"), "a request that we signed ourselves");
    let first = stage.app.session(&id).await.expect("a session");
    stage.app.renew(&id).await.expect("renewed");
    let second = stage.app.session(&id).await.expect("a session");
    assert_ne!(
        first.access_keys().expect("keys").access_key_id,
        second.access_keys().expect("keys").access_key_id
    );
}

#[tokio::test]
async fn a_role_of_moto_with_another_external_id_is_refused() {
    let mut moto = Moto::start();
    let stage = moto.stage().await;
    let prepared = stage.app.prepare_role(PrepareRole::default()).await.expect("prepared");
    let policy = prepared.templates.trust_policy.replace(&prepared.external_id, "somebody-elses");
    let arn = moto.role("Other", &policy);
    let wish = ConnectRole { role_arn: Some(arn), ..ConnectRole::default() };
    let error = finish(&stage, with(wish)).await.expect_err("refused");
    assert_eq!(error.code(), Code::RoleRefused, "{error}");
    assert!(error.message().contains("(1) its trust policy asks for another External ID"), "{error}");
    assert!(stage.rows().is_empty());
}

#[tokio::test]
async fn a_wrong_secret_key_is_told_from_an_unknown_key() {
    let moto = Moto::start();
    let stage = moto.stage().await;
    let wrong = AccessKeys {
        access_key_id: moto.at.access_key_id.clone(),
        secret_access_key: "another-secret-access-key-of-forty-chars".into(),
        session_token: None,
    };
    let error = stage.app.add_access_keys(wrong).await.expect_err("refused");
    assert!(error.message().contains("secret access key"), "{error}");
    let unknown = AccessKeys {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: "another-secret-access-key-of-forty-chars".into(),
        session_token: None,
    };
    let error = stage.app.add_access_keys(unknown).await.expect_err("refused");
    assert!(error.message().contains("does not know the access key"), "{error}");
}
