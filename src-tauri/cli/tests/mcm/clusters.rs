//! The Kubernetes clusters of an environment: taken from the user's kubeconfig, and reached by the real kubectl in
//! `mcm exec`, in a shell with the hook and in one of `mcm env`.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use crate::environments::{Three, shown};
use crate::harness::{Ended, Harness, run, write};
use crate::identity_center::READER;
use crate::kube_token::authenticate;
use crate::kubectl::Cluster;

const MCM: &str = env!("CARGO_BIN_EXE_mcm");
/// The AWS account of the roles of the tests.
const OWNER: &str = "444455556666";
/// What must be in no file of ours.
const CANARY: &str = "canary-of-the-kubeconfig";

/// A user with an account of each cloud and a kubeconfig with a cluster of each.
pub(crate) struct KubernetesUser {
    pub(crate) harness: Harness,
    pub(crate) three: Three,
    cluster: Cluster,
    _certificates: tempfile::TempDir,
}

impl KubernetesUser {
    pub(crate) fn new() -> Self {
        let harness = Harness::start();
        let three = Three::connect(&harness);
        let certificates = tempfile::tempdir().expect("a temporary folder");
        let cluster = Cluster::start(certificates.path());
        let pem = certificates.path().join("certificate.pem");
        let server = format!("https://{}", cluster.address);
        let data = BASE64_STANDARD.encode(fs::read(&pem).expect("written"));
        let arn = format!("arn:aws:eks:eu-north-1:{OWNER}:cluster/shop");
        let foreign = "arn:aws:eks:eu-north-1:999900009999:cluster/shop";
        let gke = "gke_contoso-production_europe-west1_main";
        let entry = |name: &str, cluster: Value| json!({ "name": name, "cluster": cluster });
        let with_data = json!({ "server": server, "certificate-authority-data": data });
        let context = |name: &str, cluster: &str, user: &str| json!({ "name": name, "context": { "cluster": cluster, "user": user, "namespace": "team-a" } });
        let exec = |name: &str, command: &str, args: &[&str]| {
            let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": args });
            json!({ "name": name, "user": { "exec": exec, "token": CANARY } })
        };
        let kubeconfig = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "",
            "clusters": [
                entry(&arn, with_data.clone()),
                entry(foreign, with_data.clone()),
                entry("aks-1", json!({ "server": server, "certificate-authority": pem })),
                entry(gke, with_data.clone()),
                entry("own", with_data.clone()),
                entry("open", json!({ "server": server, "insecure-skip-tls-verify": true })),
                entry("clear", json!({ "server": "http://127.0.0.1:1" })),
            ],
            "contexts": [
                context("eks", &arn, "eks"), context("foreign", foreign, "eks"), context("aks", "aks-1", "aks"),
                context("gke", gke, "gke"), context("own", "own", "own"), context("open", "open", "aks"),
                context("clear", "clear", "aks"), context("lost", "nowhere", "aks"),
            ],
            "users": [
                exec("eks", "aws", &["--region", "eu-north-1", "eks", "get-token", "--cluster-name", "shop"]),
                exec("aks", "kubelogin", &["get-token", "--server-id", "6dae42f8-4368-4678-94ff-3960e28e3630"]),
                exec("gke", "gke-gcloud-auth-plugin", &[]),
                { "name": "own", "user": { "token": CANARY, "username": "ada" } },
            ],
        });
        let file = harness.folder().join(".kube/config");
        write(&file, 0o600, &kubeconfig.to_string());
        // As kubectl writes it.
        let mut kubectl = Command::new("kubectl");
        harness.equip(&mut kubectl).env("KUBECONFIG", &file);
        kubectl.args(["config", "use-context", "own"]);
        run(
            kubectl.stdout(Stdio::null()),
            "kubectl",
            "kubernetes-client",
        );
        Self {
            harness,
            three,
            cluster,
            _certificates: certificates,
        }
    }

    /// An environment with all three accounts and clusters.
    pub(crate) fn create(&self, name: &str, options: &[&str]) {
        let clusters = ["--cluster", "eks", "--cluster", "aks", "--cluster", "gke"];
        self.three
            .create(&self.harness, name, &[&clusters, options].concat());
    }

    fn refused(&self, words: &[&str]) -> String {
        let ended = self.harness.mcm(words);
        assert_ne!(ended.status, 0, "{words:?}: {}", ended.result);
        ended.stderr
    }

    /// Runs a script in a shell of the user's.
    pub(crate) fn bash(&self, script: &str) -> Ended {
        let mut bash = Command::new("bash");
        self.harness.equip(&mut bash);
        bash.env_remove("KUBECONFIG").args(["--norc", "-c", script]);
        Ended::of(bash.output().expect("bash starts"))
    }

    /// Waits for a request with a token of AKS. A kubectl that looks for the server's version asks more than once.
    pub(crate) fn until_aks(&self) {
        let server = Some("6dae42f8-4368-4678-94ff-3960e28e3630");
        let is_it = |token: &str| self.harness.sandbox.azure_audience(token).as_deref() == server;
        self.cluster.bearer_that(is_it);
    }

    pub(crate) fn until_eks(&self) {
        let is_it = |token: &str| {
            let arn = authenticate(&self.harness, "shop", token);
            arn.is_ok_and(|arn| arn.contains("assumed-role/Reader"))
        };
        self.cluster.bearer_that(is_it);
    }

    fn until_gke(&self) {
        let expected = self.harness.mcm(&["token", &self.three.gcp]).done();
        self.cluster
            .bearer_that(|token| token == expected.trim_end());
    }

    pub(crate) fn file_of(&self, name: &str) -> PathBuf {
        let environments = self.harness.home().join("data/environments");
        environments.join(name).join("kube/config")
    }
}

#[test]
fn kubectl_reaches_each_cluster_of_an_environment_as_its_account() {
    let user = KubernetesUser::new();
    user.create("dev", &["--exclusive"]);
    let own = user.harness.folder().join(".kube/config");
    let before = fs::read(&own).expect("readable");
    // The accounts in use change; the environment's clusters keep theirs.
    user.harness
        .mcm(&["use", &user.three.aws, "us-east-1"])
        .done();
    let script = "echo $(kubectl config current-context) $(kubectl config get-contexts -o name) \
                  $(kubectl config view --minify -o jsonpath='{..namespace}'); stat -c %a $KUBECONFIG; cat $KUBECONFIG; \
                  for context in eks aks gke; do kubectl --context $context get --raw /version >/dev/null || exit 1; done; \
                  kubectl config use-context gke >/dev/null; kubectl --context own get --raw /version || echo none";
    let ended = user
        .harness
        .mcm(&["exec", "-E", "dev", "--", "sh", "-c", script]);
    let stderr = ended.stderr.clone();
    let result = ended.done();
    assert!(
        result.starts_with("eks aks eks gke team-a\n600\n") && result.ends_with("none\n"),
        "{result} {stderr}"
    );
    assert!(!result.contains(CANARY), "{result}");
    user.until_eks();
    user.until_aks();
    user.until_gke();
    assert_eq!(fs::read(&own).expect("readable"), before);
    for secret in user.harness.secrets_of_the_clouds() {
        assert!(
            !result.contains(&secret),
            "a secret is in the environment's kubeconfig"
        );
    }

    // Each hand-out names the environment, and what runs has it.
    let activity = user.harness.mcm(&["activity", "--json"]).json();
    let events = activity["activity"].as_array().expect("a list");
    let to_kubectl = events
        .iter()
        .filter(|event| event["what"]["to"] == "kubectl");
    let to_kubectl: Vec<&Value> = to_kubectl.collect();
    assert!(to_kubectl.len() >= 3, "{events:?}");
    assert!(
        to_kubectl
            .iter()
            .all(|event| event["what"]["environment"] == "dev"),
        "{to_kubectl:?}"
    );
    assert!(
        !user.harness.files().contains(CANARY),
        "a secret of the kubeconfig is in a file of ours"
    );
}

#[test]
fn clusters_are_shown_exported_backed_up_replaced_and_removed() {
    let user = KubernetesUser::new();
    user.create("dev", &[]);
    let row = shown(&user.harness, "dev");
    let contexts = |row: &Value| -> Vec<String> {
        let clusters = row["clusters"].as_array().expect("a list");
        clusters
            .iter()
            .map(|row| row["context"].as_str().expect("text").to_owned())
            .collect()
    };
    assert_eq!(contexts(&row), ["eks", "aks", "gke"]);
    assert_eq!(row["clusters"][0]["eksName"], "shop");
    assert_eq!(row["clusters"][0]["account"], user.three.aws.as_str());
    assert_eq!(row["clusters"][1]["namespace"], "team-a");
    let exported = user.harness.mcm(&["export", "--json"]).json();
    assert_eq!(exported["environments"][0]["clusters"][2]["context"], "gke");
    let text = user.harness.mcm(&["environment", "show", "dev"]).done();
    assert!(
        text.contains("cluster       eks, https://127.0.0.1:"),
        "{text}"
    );

    user.harness
        .mcm(&[
            "environment",
            "edit",
            "dev",
            "--remove-cluster",
            "eks",
            "--cluster",
            "aks",
        ])
        .done();
    assert_eq!(contexts(&shown(&user.harness, "dev")), ["aks", "gke"]);
    let refused = user.refused(&["environment", "edit", "dev", "--remove-cluster", "eks"]);
    assert!(
        refused.contains("dev has no cluster \"eks\". It has: aks, gke."),
        "{refused}"
    );
    // An account goes with its clusters, or stays.
    let refused = user.refused(&["environment", "edit", "dev", "--without", "gcp"]);
    assert!(
        refused.contains("The cluster gke is for the account"),
        "{refused}"
    );
    user.harness
        .mcm(&[
            "environment",
            "edit",
            "dev",
            "--without",
            "gcp",
            "--remove-cluster",
            "gke",
        ])
        .done();
    assert_eq!(contexts(&shown(&user.harness, "dev")), ["aks"]);
    user.harness
        .mcm(&["environment", "edit", "dev", "--name", "test"])
        .done();
    assert_eq!(contexts(&shown(&user.harness, "test")), ["aks"]);
    user.harness.mcm(&["environment", "delete", "test"]).done();
    user.three.create(&user.harness, "test", &[]);
    assert_eq!(contexts(&shown(&user.harness, "test")), [""; 0]);
}

#[test]
fn a_cluster_that_is_not_for_an_account_of_the_environment_is_refused_with_the_remedy() {
    let user = KubernetesUser::new();
    let aws = ["environment", "create", "x", "--aws", &user.three.aws];
    for (context, words) in [
        (
            "nowhere",
            "The kubeconfig has no context \"nowhere\". There are: aks, clear, eks",
        ),
        ("lost", "names no cluster of the kubeconfig"),
        (
            "aks",
            "where x names no account. Name it with --azure ACCOUNT",
        ),
        (
            "gke",
            "where x names no account. Name it with --gcp ACCOUNT",
        ),
        ("foreign", "is a cluster of the AWS account 999900009999"),
        ("own", "mcm configure kube ACCOUNT --cluster CLUSTER"),
    ] {
        let refused = user.refused(&[&aws[..], &["--cluster", context]].concat());
        assert!(refused.contains(words), "{context}: {refused}");
    }
    let azure = ["environment", "create", "x", "--azure", &user.three.azure];
    for (context, words) in [
        ("open", "does not check its server"),
        ("clear", "no plain https address"),
    ] {
        let refused = user.refused(&[&azure[..], &["--cluster", context]].concat());
        assert!(refused.contains(words), "{context}: {refused}");
    }
    // What mcm wrote for an account is that account's alone.
    let written = [
        "configure",
        "kube",
        &user.three.aws,
        "--cluster",
        "own",
        "--region",
        "eu-north-1",
        "--name",
        "ours",
        "--yes",
    ];
    user.harness.mcm(&written).done();
    let refused = user.refused(&[&azure[..], &["--cluster", "ours"]].concat());
    assert!(
        refused.contains("where x names no account. Name it with --aws"),
        "{refused}"
    );
    user.harness
        .mcm(&[&aws[..], &["--cluster", "ours"]].concat())
        .done();
    let row = shown(&user.harness, "x");
    assert_eq!(row["clusters"][0]["eksName"], "own");
}

// E26
#[test]
fn whoami_and_doctor_name_the_cluster_that_kubectl_works_in() {
    let user = KubernetesUser::new();
    user.create("dev", &[]);
    let kubectl = |json: &Value| {
        let rows = json["tools"].as_array().expect("a list");
        rows.iter().find(|row| row["tool"] == "kubectl").cloned()
    };
    let outside = user.harness.mcm(&["whoami", "--json"]).json();
    assert_eq!(kubectl(&outside), None, "a cluster of no cloud");
    let inside = user
        .harness
        .mcm(&["exec", "-E", "dev", "--", MCM, "whoami", "--json"])
        .json();
    let row = kubectl(&inside).expect("it is listed");
    for (field, value) in [
        ("source", "mcm-kube-token"),
        ("place", "eks"),
        ("environment", "dev"),
        ("account", &user.three.aws),
    ] {
        assert_eq!(row[field], value, "{row}");
    }
    let script = format!(
        "kubectl config use-context own >/dev/null; kubectl config set-context own --cluster=x >/dev/null; \
                          kubectl config use-context foreign >/dev/null; {MCM} whoami --json"
    );
    let chosen = user
        .harness
        .mcm(&["exec", "-E", "dev", "--", "sh", "-c", &script])
        .json();
    let row = kubectl(&chosen).expect("it is listed");
    assert_eq!(
        (&row["source"], &row["environment"]),
        (&json!("process"), &Value::Null),
        "{row}"
    );

    let clusters = |harness: &Harness| {
        let findings = harness.mcm(&["doctor", "--json"]).json();
        let checks = findings["checks"].as_array().expect("a list").clone();
        checks
            .into_iter()
            .find(|check| check["name"] == "clusters")
            .expect("it is checked")
    };
    assert_eq!(clusters(&user.harness)["status"], "ok");
    let own = user.harness.folder().join(".kube/config");
    let text = fs::read_to_string(&own).expect("readable");
    write(
        &own,
        0o600,
        &text.replace(&user.cluster.address, "127.0.0.2:1"),
    );
    let check = clusters(&user.harness);
    let remedy = check["remedy"].as_str().expect("text");
    assert!(
        check["status"] == "warn" && remedy.contains("mcm environment edit dev --cluster eks"),
        "{check}"
    );
}

#[test]
fn a_cluster_of_a_role_of_identity_center_is_for_that_roles_account_alone() {
    let harness = Harness::start();
    let id = crate::identity_center::connected(&harness);
    let (reader, admin) = (
        format!("{id}/{READER}"),
        format!("{id}/111122223333/AdministratorAccess"),
    );
    let arn = "arn:aws:eks:eu-north-1:012345678901:cluster/shop";
    let kubeconfig = format!(
        "contexts:\n- name: eks\n  context:\n    cluster: {arn}\n    user: eks\nclusters:\n- name: {arn}\n  cluster:\n    \
         server: https://0123.gr7.eu-north-1.eks.amazonaws.com\nusers:\n- name: eks\n  user:\n    token: {CANARY}\n"
    );
    write(&harness.folder().join(".kube/config"), 0o600, &kubeconfig);
    let create = |name: &str, account: &str, context: &str| {
        harness.mcm(&[
            "environment",
            "create",
            name,
            "--aws",
            account,
            "--cluster",
            context,
        ])
    };
    let refused = create("dev", &admin, "eks").failed(2);
    assert!(
        refused.contains("is a cluster of the AWS account 012345678901"),
        "{refused}"
    );
    create("dev", &reader, "eks").done();
    let refused = harness
        .mcm(&["environment", "edit", "dev", "--aws", &admin])
        .failed(2);
    assert!(
        refused.contains("is a cluster of the AWS account 012345678901"),
        "{refused}"
    );

    // What kubectl would run, read from the file that it is given.
    let file = harness
        .mcm(&[
            "exec",
            "-E",
            "dev",
            "--",
            "sh",
            "-c",
            "cat \"${KUBECONFIG%%:*}\"",
        ])
        .done();
    let file: Value = serde_json::from_str(&file).expect("JSON");
    let arguments = &file["users"][0]["user"]["exec"]["args"];
    assert_eq!(
        arguments.as_array().expect("a list")[..8],
        [
            "kube-token",
            &reader,
            "--cluster",
            "shop",
            "--region",
            "eu-north-1",
            "--environment",
            "dev"
        ]
        .map(Value::from)
    );
    let words = [
        "kube-token",
        &reader,
        "--cluster",
        "shop",
        "--region",
        "eu-north-1",
        "--environment",
        "dev",
    ];
    let token = harness.mcm(&words).json()["status"]["token"]
        .as_str()
        .expect("a token")
        .to_owned();
    let arn = authenticate(&harness, "shop", &token).expect("the cluster accepts it");
    assert!(
        arn.contains(":012345678901:") && arn.contains("ReadOnly"),
        "{arn}"
    );

    // A context of mcm's own is its role's, whatever the cluster is called.
    let written = [
        "configure",
        "kube",
        &admin,
        "--cluster",
        "own",
        "--server",
        "https://own.example",
        "--yes",
    ];
    harness.mcm(&written).done();
    let refused = create("other", &reader, "own").failed(2);
    assert!(
        refused.contains(&format!("({admin})")) && refused.contains(&format!("({reader})")),
        "{refused}"
    );
    create("other", &admin, "own").done();
}
