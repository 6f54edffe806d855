//! At moto, an AWS that others wrote: signatures, assuming, and what its authorisation makes of the External ID.
//!
//! moto refuses a wrong External ID but lets in callers that send none, so it is a role that does not enforce, as AWS itself
//! never is. It needs Python and the packages in `moto/requirements.txt`, which `make test` installs in `target/moto`;
//! cfn-lint is among them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

use mcm_core::app::{ConnectRole, EnteredKeys, PrepareRole};
use mcm_core::error::Code;
use mcm_core::provider::aws::{Caller, RoleTemplates, TemplateOptions};
use mcm_core::role::{Enforcement, Permissions, Source};
use mcm_core::world::{Clock as _, SystemClock};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::harness::Harness;
use crate::roles::{finish, known, with};

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

fn python() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/moto/venv/bin/python"))
}

impl Moto {
    fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws/moto/serve.py");
        let mut process = python()
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
        Self {
            process,
            input,
            output,
            at,
        }
    }

    /// Creates a role of moto's account with a trust policy.
    fn role(&mut self, name: &str, trust_policy: &str) -> String {
        self.create(name, &json!({ "name": name, "trust_policy": trust_policy }))
    }

    /// Creates a role by deploying a CloudFormation template as a stack of the role's name.
    fn deploy(&mut self, name: &str, template: &str) -> String {
        self.create(name, &json!({ "name": name, "template": template }))
    }

    fn create(&mut self, name: &str, asked: &Value) -> String {
        writeln!(self.input, "{asked}").expect("moto runs");
        let arn = read(&mut self.output)["arn"]
            .as_str()
            .expect("an ARN")
            .to_owned();
        assert!(arn.ends_with(name), "{arn}");
        arn
    }

    /// A harness whose AWS is this server.
    async fn harness(&self) -> Harness {
        let variables = [
            ("AWS_ENDPOINT_URL_STS", self.at.url.as_str()),
            ("AWS_ENDPOINT_URL_IAM", &self.at.url),
            ("AWS_ENDPOINT_URL_ORGANIZATIONS", &self.at.url),
            ("AWS_ACCESS_KEY_ID", &self.at.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &self.at.secret_access_key),
        ];
        let harness = Harness::with(|_| {}, &variables).await;
        // moto lives in the machine's time.
        harness.clock.set(SystemClock.now());
        harness
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
    let harness = moto.harness().await;
    let prepared = harness
        .app
        .prepare_role(PrepareRole::default())
        .await
        .expect("prepared");
    assert!(prepared.caller.arn.ends_with(":user/ada") && prepared.caller.principal_is_exact);
    let arn = moto.role(&prepared.role_name, &prepared.templates.trust_policy);

    let wanted = ConnectRole {
        role_arn: Some(arn),
        ..ConnectRole::default()
    };
    let error = finish(&harness, with(wanted.clone()))
        .await
        .expect_err("moto lets in callers that send no id");
    assert_eq!(error.code(), Code::NotEnforced, "{error}");
    assert!(
        error
            .message()
            .contains("can be assumed without an External ID, so"),
        "a wrong one is refused: {error}"
    );

    let id = finish(
        &harness,
        with(ConnectRole {
            accept_not_enforced: true,
            ..wanted
        }),
    )
    .await
    .expect("connected");
    let role = known(&harness, &id);
    assert_eq!(
        (role.enforced, role.external_id),
        (Enforcement::NotEnforced, prepared.external_id)
    );
    assert_eq!(
        role.alias.as_deref(),
        Some("moto-account"),
        "a request that we signed ourselves"
    );
    let first = harness.app.session(&id).await.expect("a session");
    harness.app.renew(&id).await.expect("renewed");
    let second = harness.app.session(&id).await.expect("a session");
    assert_ne!(
        first.access_keys().expect("keys").access_key_id,
        second.access_keys().expect("keys").access_key_id
    );
}

#[tokio::test]
async fn the_cloudformation_template_deploys_and_its_role_is_connected() {
    let mut moto = Moto::start();
    let harness = moto.harness().await;
    let wanted = PrepareRole {
        session_seconds: Some(7200),
        ..PrepareRole::default()
    };
    let prepared = harness.app.prepare_role(wanted).await.expect("prepared");
    let arn = moto.deploy(&prepared.role_name, &prepared.templates.cloudformation);
    // moto asks for the id only when one is sent.
    let wanted = ConnectRole {
        role_arn: Some(arn),
        accept_not_enforced: true,
        ..ConnectRole::default()
    };
    let id = finish(&harness, with(wanted)).await.expect("connected");
    assert_eq!(known(&harness, &id).external_id, prepared.external_id);
}

/// What cfn-lint, which knows CloudFormation's own schemas, says of templates.
#[expect(clippy::disallowed_methods, reason = "cfn-lint reads files")]
fn lint(templates: &[String], options: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let files = templates.iter().enumerate().map(|(index, text)| {
        let file = folder.path().join(format!("{index}.yaml"));
        std::fs::write(&file, text).expect("written");
        file
    });
    let program = "import sys; from cfnlint.runner import main; sys.exit(main())";
    let linted = python()
        .args(["-c", program])
        .args(options)
        .arg("--")
        .args(files)
        .output();
    linted.expect("cfn-lint comes with moto. Run make test, which installs it.")
}

#[test]
fn the_cloudformation_template_is_flawless_for_every_partition_and_choice() {
    let template = |partition: &str, permissions, seconds| {
        let arn = format!("arn:{partition}:iam::111122223333:role/ops/Dev");
        let caller = Caller {
            source: Source::Default,
            arn: arn.clone(),
            account_id: "111122223333".into(),
            partition: partition.into(),
            principal_arn: arn,
            principal_is_exact: true,
            is_chained: false,
            region: None,
        };
        let wanted = TemplateOptions {
            role_name: "Reader_+=,.@-".into(),
            permissions,
            seconds,
        };
        RoleTemplates::new(&caller, "Customer:42/eu=x,y.z@w_+-", &wanted)
            .expect("a template")
            .cloudformation
    };
    let every_choice = |partition: &&str| {
        let own = Permissions::Policy {
            arn: format!("arn:{partition}:iam::111122223333:policy/x/Own"),
        };
        [
            Permissions::ViewOnly,
            Permissions::ReadOnly,
            Permissions::Nothing,
            own,
        ]
        .map(|permissions| template(partition, permissions, 43_200))
    };
    // Its rule about principals, E3530, knows these three partitions and calls those of the others malformed.
    let known = ["aws", "aws-cn", "aws-us-gov"];
    let others = ["aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];
    for (partitions, options) in [
        (&known[..], &[][..]),
        (&others, &["--ignore-checks", "E3530"]),
    ] {
        let templates: Vec<String> = partitions.iter().flat_map(every_choice).collect();
        let linted = lint(&templates, options);
        assert!(
            linted.status.success(),
            "{}",
            String::from_utf8_lossy(&linted.stdout)
        );
    }

    // It would have said so.
    let flawed = template("aws", Permissions::ViewOnly, 43_200);
    let flawed = flawed
        .replace("43200", "43201")
        .replace("RoleName", "RollName");
    let linted = lint(&[flawed], &[]);
    let said = String::from_utf8_lossy(&linted.stdout);
    assert!(
        !linted.status.success() && said.contains("43200") && said.contains("RollName"),
        "{said}"
    );
}

#[tokio::test]
async fn a_role_of_moto_with_another_external_id_is_refused() {
    let mut moto = Moto::start();
    let harness = moto.harness().await;
    let prepared = harness
        .app
        .prepare_role(PrepareRole::default())
        .await
        .expect("prepared");
    let policy = prepared
        .templates
        .trust_policy
        .replace(&prepared.external_id, "another-users");
    let arn = moto.role("Other", &policy);
    let wanted = ConnectRole {
        role_arn: Some(arn),
        ..ConnectRole::default()
    };
    let error = finish(&harness, with(wanted)).await.expect_err("refused");
    assert_eq!(error.code(), Code::RoleRefused, "{error}");
    assert!(
        error
            .message()
            .contains("Possible causes:\n(1) its trust policy requires an External ID other than"),
        "{error}"
    );
    assert!(harness.rows().is_empty());
}

#[tokio::test]
async fn a_wrong_secret_key_is_distinguished_from_an_unknown_key() {
    let moto = Moto::start();
    let harness = moto.harness().await;
    let wrong = EnteredKeys {
        mfa_device: None,
        access_key_id: moto.at.access_key_id.clone(),
        secret_access_key: "another-secret-access-key-of-forty-chars".into(),
        session_token: None,
    };
    let error = harness
        .app
        .add_access_keys(wrong)
        .await
        .expect_err("refused");
    assert!(error.message().contains("secret access key"), "{error}");
    let unknown = EnteredKeys {
        mfa_device: None,
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: "another-secret-access-key-of-forty-chars".into(),
        session_token: None,
    };
    let error = harness
        .app
        .add_access_keys(unknown)
        .await
        .expect_err("refused");
    assert!(
        error.message().contains("does not know the access key"),
        "{error}"
    );
}
