//! Tokens for Kubernetes: in kubectl's format, and accepted by a cluster that checks them as real ones do.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use mcm_core::world::{Clock as _, SystemClock};
use sandbox_clouds::Endpoint;
use serde_json::Value;
use url::Url;

use crate::aws::connected;
use crate::harness::{ADA, Ended, Harness};

/// `KUBERNETES_EXEC_INFO` as kubectl sets it.
fn info(version: &str) -> String {
    let version = format!("client.authentication.k8s.io/{version}");
    serde_json::json!({ "apiVersion": version, "kind": "ExecCredential", "spec": { "interactive": false } })
        .to_string()
}

/// The answer to kubectl, and the token in it.
fn answered(ended: Ended, version: &str) -> (Timestamp, String) {
    let json = ended.json();
    assert_eq!(
        json["apiVersion"],
        format!("client.authentication.k8s.io/{version}")
    );
    assert_eq!(json["kind"], "ExecCredential");
    let status: &Value = &json["status"];
    let ends = status["expirationTimestamp"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("in RFC 3339");
    (ends, status["token"].as_str().expect("a token").to_owned())
}

/// Checks a token as aws-iam-authenticator does: it calls the STS address in it for the caller's identity, with the
/// name of its own cluster. Returns the caller's ARN.
pub(crate) fn authenticate(
    harness: &Harness,
    cluster: &str,
    token: &str,
) -> Result<String, String> {
    const KNOWN: [&str; 9] = [
        "action",
        "version",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    ];
    let encoded = token.strip_prefix("k8s-aws-v1.").ok_or("no prefix")?;
    let bytes = URL_SAFE_NO_PAD
        .decode(encoded)
        .map_err(|_| "no base64url")?;
    let url =
        Url::parse(&String::from_utf8(bytes).map_err(|_| "no text")?).map_err(|_| "no URL")?;
    let pairs: HashMap<String, String> = url
        .query_pairs()
        .map(|(name, value)| (name.to_lowercase(), value.into_owned()))
        .collect();
    let has = |name: &str, value: &str| pairs.get(name).is_some_and(|found| found == value);
    let is_sts = url.origin() == harness.sandbox.sts_endpoint().origin() && url.path() == "/";
    let is_known = pairs.keys().all(|name| KNOWN.contains(&name.as_str()));
    let signs_cluster = pairs["x-amz-signedheaders"]
        .split(';')
        .any(|name| name == "x-k8s-aws-id");
    if !is_sts || !is_known || !signs_cluster || !has("action", "GetCallerIdentity") {
        return Err("not a question of who calls".to_owned());
    }
    if pairs["x-amz-expires"]
        .parse::<u32>()
        .is_ok_and(|seconds| seconds > 900)
    {
        return Err("good for too long".to_owned());
    }

    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let path = &url[url::Position::BeforePath..];
    let mut stream = TcpStream::connect(host).expect("the sandbox listens");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nx-k8s-aws-id: {cluster}\r\nConnection: close\r\n\r\n"
    )
    .expect("the sandbox reads");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("the sandbox answers");
    let arn = answer
        .split_once("<Arn>")
        .and_then(|(_, rest)| rest.split_once("</Arn>"));
    match arn {
        Some((arn, _)) if answer.starts_with("HTTP/1.1 200") => Ok(arn.to_owned()),
        _ => Err(answer.lines().next().unwrap_or_default().to_owned()),
    }
}

#[test]
fn a_token_for_eks_authenticates_the_role_to_its_cluster_and_to_no_other() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let before = SystemClock.now();
    let (ends, token) = answered(
        harness.mcm(&["kube-token", &id, "--cluster", "production"]),
        "v1",
    );
    let life = ends.duration_since(before);
    assert!(
        life > SignedDuration::from_mins(13) && life <= SignedDuration::from_mins(15),
        "{life}"
    );
    assert_eq!(
        harness.sandbox.requests(),
        [],
        "signed here, without a request"
    );

    let arn = authenticate(&harness, "production", &token).expect("the cluster accepts it");
    assert!(
        arn.starts_with("arn:aws:sts::444455556666:assumed-role/Reader/"),
        "{arn}"
    );
    assert!(
        authenticate(&harness, "staging", &token)
            .expect_err("signed over the name")
            .contains("403")
    );
    assert!(
        harness
            .sandbox
            .requests()
            .iter()
            .all(|asked| asked.endpoint == Some(Endpoint::AwsCallerIdentity))
    );

    let files = harness.files();
    assert!(
        !files.contains(&token) && !files.contains("k8s-aws-v1"),
        "the token is in no file"
    );
}

#[test]
fn a_token_for_eks_is_for_one_region() {
    let harness = Harness::start();
    let id = connected(&harness, "Reader");
    let token = |arguments: &[&str]| {
        let mut command =
            harness.command(&[&["kube-token", &id, "--cluster", "production"], arguments].concat());
        command.env_remove("AWS_ENDPOINT_URL_STS");
        let (_, token) = answered(Ended::of(command.output().expect("mcm starts")), "v1");
        let encoded = token
            .strip_prefix("k8s-aws-v1.")
            .expect("the prefix")
            .to_owned();
        let bytes = URL_SAFE_NO_PAD.decode(encoded).expect("base64url");
        String::from_utf8(bytes).expect("text")
    };
    assert!(token(&[]).starts_with("https://sts.eu-central-1.amazonaws.com/?"));
    assert!(
        token(&["--region", "ap-south-1"]).starts_with("https://sts.ap-south-1.amazonaws.com/?")
    );
    for (arguments, output) in [
        (
            ["--cluster", "production", "--region", "mars-1"].as_slice(),
            "mars-1",
        ),
        (
            &["--cluster", "production", "--region", "x.evil.example/"],
            "x.evil.example/",
        ),
        (
            &["--cluster", "a\r\nHost: evil.example"],
            "not a valid EKS cluster name",
        ),
        (&[], "--cluster"),
    ] {
        let failed = harness
            .mcm(&[&["kube-token", id.as_str()], arguments].concat())
            .failed(2);
        assert!(failed.contains(output), "{failed}");
    }
}

#[test]
fn a_token_for_aks_is_for_its_server_and_one_for_gke_is_the_access_token() {
    let harness = Harness::start();
    let azure = harness.connected(false);
    let (ends, token) = answered(harness.mcm(&["kube-token", &azure]), "v1");
    assert!(ends.duration_since(SystemClock.now()) > SignedDuration::from_mins(50));
    let server = Some("6dae42f8-4368-4678-94ff-3960e28e3630");
    assert_eq!(harness.sandbox.azure_audience(&token).as_deref(), server);
    let vault = [
        "kube-token",
        "--active",
        "azure",
        "--server-id",
        "https://vault.azure.net",
    ];
    let (_, token) = answered(harness.mcm(&vault), "v1");
    assert_eq!(
        harness.sandbox.azure_audience(&token).as_deref(),
        Some("https://vault.azure.net")
    );

    harness.login(ADA, &["gcp"]).done();
    let (_, token) = answered(harness.mcm(&["kube-token", "--active", "gcp"]), "v1");
    assert_eq!(
        harness.mcm(&["token", "--active", "gcp"]).done().trim(),
        token
    );
    let output = harness
        .mcm(&["kube-token", "--active", "gcp", "--cluster", "production"])
        .failed(2);
    assert!(output.contains("--cluster is for AWS"), "{output}");
}

#[test]
fn the_answer_has_the_version_that_kubectl_asks_for_and_another_is_an_error() {
    let harness = Harness::start();
    let id = harness.connected(false);
    for version in ["v1", "v1beta1"] {
        let mut command = harness.command(&["kube-token", &id]);
        command.env("KUBERNETES_EXEC_INFO", info(version));
        answered(Ended::of(command.output().expect("mcm starts")), version);
    }
    let mut command = harness.command(&["kube-token", &id]);
    command.env("KUBERNETES_EXEC_INFO", info("v1alpha1"));
    let output = Ended::of(command.output().expect("mcm starts")).failed(2);
    assert!(
        output.contains("v1alpha1") && output.contains("apiVersion"),
        "{output}"
    );
}

#[test]
fn inside_mcm_exec_the_account_can_be_omitted_while_one_matches() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let azure = harness.connected(false);
    let inside = |accounts: &str, arguments: &[&str]| {
        let mut command = harness.command(&[&["kube-token"], arguments].concat());
        command.env("MCM_EXEC", accounts);
        Ended::of(command.output().expect("mcm starts"))
    };
    answered(inside(&azure, &[]), "v1");
    let ours = env!("CARGO_BIN_EXE_mcm");
    let (_, token) = answered(
        harness.mcm(&[
            "exec",
            &aws,
            "--",
            ours,
            "kube-token",
            "--cluster",
            "production",
        ]),
        "v1",
    );
    assert!(
        authenticate(&harness, "production", &token).is_ok(),
        "inside the real one too"
    );
    let both = format!("{aws},{azure}");
    let (_, token) = answered(inside(&both, &["--cluster", "production"]), "v1");
    assert!(authenticate(&harness, "production", &token).is_ok());
    let output = inside(&both, &[]).failed(1);
    assert!(output.contains(&aws) && output.contains(&azure), "{output}");
    assert!(inside("nobody", &[]).failed(1).contains("Name an account"));
    assert!(harness.mcm(&["kube-token"]).failed(2).contains("--active"));
}

#[test]
fn an_account_that_needs_a_sign_in_ends_at_once_with_status_3() {
    let harness = Harness::start();
    let id = harness.connected(false);
    harness.sandbox.set_access_token_life(Duration::ZERO);
    harness.sandbox.revoke_all(ADA);
    let output = harness.mcm(&["kube-token", &id]).failed(3);
    assert!(output.contains("mcm login azure --tenant"), "{output}");
    assert!(!harness.has_opened_a_page());
}
