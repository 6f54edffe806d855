//! The real kubectl, with `mcm kube-token` in its kubeconfig, against a server that records what it sends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::aws::connected;
use crate::harness::{Harness, everything_below, missing, run, write};
use crate::kube_token::authenticate;

const TIMEOUT: Duration = Duration::from_secs(60);

/// The API server of a cluster: TLS, and one answer to every request. kubectl sends no credential without TLS.
pub(crate) struct Cluster {
    server: Child,
    /// Where it listens.
    pub(crate) address: String,
    bearers: mpsc::Receiver<String>,
}

impl Cluster {
    /// Starts a cluster, whose key and certificate are in this folder.
    pub(crate) fn start(folder: &Path) -> Self {
        let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
        let mut make = Command::new("openssl");
        make.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ]);
        make.args(["-addext", "subjectAltName=IP:127.0.0.1"]);
        make.args(["-days", "1", "-subj", "/CN=localhost", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate);
        run(make.stderr(Stdio::null()), "openssl", "openssl");
        let mut serve = Command::new("openssl");
        serve
            .args(["s_server", "-accept", "127.0.0.1:0", "-key"])
            .arg(&key)
            .arg("-cert")
            .arg(&certificate);
        serve
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut server = serve
            .spawn()
            .unwrap_or_else(|error| missing("openssl", "openssl", &error));
        let mut lines = BufReader::new(server.stdout.take().expect("it is piped"))
            .lines()
            .map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.strip_prefix("ACCEPT ")?.to_owned()));
        let address = address.expect("the server prints its address");
        let mut answer = server.stdin.take().expect("it is piped");
        let (sender, bearers) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bearer = None;
            for line in lines {
                if let Some(token) = line.strip_prefix("Authorization: Bearer ") {
                    bearer = Some(token.trim().to_owned());
                } else if line.trim().is_empty()
                    && let Some(bearer) = bearer.take()
                {
                    respond(&mut answer);
                    if sender.send(bearer).is_err() {
                        return;
                    }
                }
            }
        });
        Self {
            server,
            address,
            bearers,
        }
    }

    /// The credential of a request.
    fn bearer(&self) -> String {
        self.bearers
            .recv_timeout(TIMEOUT)
            .expect("kubectl sends what mcm gave it")
    }
}

impl Cluster {
    /// Waits for a request with such a credential.
    pub(crate) fn bearer_that(&self, is_it: impl Fn(&str) -> bool) {
        while !is_it(&self.bearer()) {}
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn respond(answer: &mut ChildStdin) {
    let body = r#"{"major":"1","minor":"32","gitVersion":"v1.32.4"}"#;
    let head =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length:";
    write!(answer, "{head} {}\r\n\r\n{body}", body.len())
        .and_then(|()| answer.flush())
        .expect("kubectl reads");
}

/// Runs kubectl against the cluster as this user, and returns the credential that it sent.
fn bearer(harness: &Harness, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cluster = Cluster::start(folder.path());
    let config = folder.path().join("config");
    let arguments = [&["kube-token"], arguments].concat();
    // The version that kubectl knows since 1.11.
    let kubeconfig = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{ "name": "c", "context": { "cluster": "c", "user": "u" } }],
        "clusters": [{
            "name": "c",
            "cluster": { "server": format!("https://{}", cluster.address), "insecure-skip-tls-verify": true },
        }],
        "users": [{
            "name": "u",
            "user": { "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": env!("CARGO_BIN_EXE_mcm"),
                "args": arguments,
            } },
        }],
    });
    write(&config, 0o600, &kubeconfig.to_string());
    let mut kubectl = Command::new("kubectl");
    harness.equip(&mut kubectl);
    kubectl
        .env("HOME", folder.path())
        .env("KUBECONFIG", &config);
    kubectl
        .args(["get", "--raw", "/version"])
        .stdin(Stdio::null());
    let output = kubectl
        .output()
        .unwrap_or_else(|error| missing("kubectl", "kubernetes-client", &error));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let bearer = cluster.bearer();
    assert!(
        !everything_below(folder.path().to_owned()).contains(&bearer),
        "kubectl kept the credential"
    );
    bearer
}

#[test]
fn kubectl_reaches_aks_and_eks_with_the_credential_of_mcm() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let azure = harness.connected(false);
    let token = bearer(&harness, &[&azure]);
    let server = Some("6dae42f8-4368-4678-94ff-3960e28e3630");
    assert_eq!(harness.sandbox.azure_audience(&token).as_deref(), server);
    let token = bearer(&harness, &[&aws, "--cluster", "production"]);
    let arn = authenticate(&harness, "production", &token).expect("the cluster accepts it");
    assert!(arn.contains("assumed-role/Reader"), "{arn}");
}
