//! The clusters of environments in shells that run at the same time, and in protected environments until their time is over.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::clusters::KubernetesUser;
use crate::environments::on_a_terminal;
use crate::harness::{Harness, write};

const MCM: &str = env!("CARGO_BIN_EXE_mcm");

/// A shell that runs while others do, and answers line by line.
struct RunningShell {
    bash: Child,
    typed: ChildStdin,
    shown: Lines<BufReader<ChildStdout>>,
}

impl RunningShell {
    fn start(harness: &Harness) -> Self {
        let mut bash = Command::new("bash");
        harness.equip(&mut bash).env_remove("KUBECONFIG");
        bash.arg("--norc")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut bash = bash.stderr(Stdio::null()).spawn().expect("bash starts");
        let typed = bash.stdin.take().expect("piped");
        let shown = BufReader::new(bash.stdout.take().expect("piped")).lines();
        let mut shell = Self { bash, typed, shown };
        shell.run(&format!("eval \"$({MCM} hook bash)\""));
        shell
    }

    /// What a line prints.
    fn run(&mut self, line: &str) -> String {
        const END: &str = "the-line-has-ended";
        writeln!(self.typed, "{line}\n__mcm_hook\necho {END}").expect("bash reads");
        let lines = self.shown.by_ref().map_while(Result::ok);
        lines
            .take_while(|line| line != END)
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl Drop for RunningShell {
    fn drop(&mut self) {
        let _ = self.bash.kill();
        let _ = self.bash.wait();
    }
}

// E1
#[test]
fn two_shells_at_once_work_in_their_own_environments_with_every_tool() {
    let user = KubernetesUser::new();
    user.create("dev", &["--region", "eu-west-3"]);
    let own = ["--region", "eu-west-1", "--cluster", "aks"];
    user.three.create(&user.harness, "test", &own);
    let (mut one, mut other) = (
        RunningShell::start(&user.harness),
        RunningShell::start(&user.harness),
    );
    let mut third = RunningShell::start(&user.harness);
    one.run("mcm use dev");
    other.run("mcm use test");
    // Each is asked after the other has changed.
    for (is_one, name, context, region) in [
        (true, "dev", "eks", "eu-west-3"),
        (false, "test", "aks", "eu-west-1"),
        (true, "dev", "eks", "eu-west-3"),
    ] {
        let shell = if is_one { &mut one } else { &mut other };
        let whoami: Value = serde_json::from_str(&shell.run("mcm whoami --json")).expect("JSON");
        let tools = whoami["tools"].as_array().expect("a list");
        assert_eq!(tools.len(), 7, "{whoami}");
        assert!(
            tools.iter().all(|row| row["environment"] == name),
            "{whoami}"
        );
        assert_eq!(
            shell.run("kubectl config current-context; echo $AWS_REGION"),
            format!("{context}\n{region}")
        );
    }
    other.run("kubectl config use-context own; mcm use --off");
    assert_eq!(
        one.run("kubectl config current-context; echo $AWS_REGION"),
        "eks\neu-west-3"
    );
    for shell in [&mut other, &mut third] {
        let seen = shell.run("kubectl config current-context; echo ${MCM_ENVIRONMENT-none}");
        assert_eq!(seen, "own\nnone");
    }
}

// E8
#[test]
fn a_kubeconfig_of_the_user_never_wins_in_an_environment_without_clusters() {
    let user = KubernetesUser::new();
    for (name, options) in [("dev", &[][..]), ("closed", &["--exclusive"][..])] {
        user.three.create(&user.harness, name, options);
    }
    // In a pod, kubectl without a configuration works as the pod.
    let in_a_pod = "export KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=1 KUBECONFIG=$HOME/.kube/config";
    let look = "kubectl config current-context; kubectl get --raw /version 2>&1 | grep -o 'context was not found.*'";
    for name in ["dev", "closed"] {
        let missing = format!("{name}-names-no-cluster");
        let expected =
            format!("{missing}\ncontext was not found for specified context: {missing}\n");
        for script in [
            format!("{in_a_pod}; {MCM} exec -E {name} -- bash -c \"{look}\""),
            format!("{in_a_pod}; eval \"$({MCM} hook bash)\"; mcm use {name}; {look}"),
            format!("{in_a_pod}; eval \"$({MCM} env -E {name})\"; {look}"),
        ] {
            let ended = user.bash(&script);
            assert_eq!(ended.result, expected, "{script}: {}", ended.stderr);
        }
    }
    // The user chooses one of their own.
    let script = format!(
        "eval \"$({MCM} hook bash)\"; mcm use dev; kubectl config use-context own; mcm use --off; mcm use dev; \
         kubectl config current-context"
    );
    let ended = user.bash(&script);
    assert!(ended.result.ends_with("\nown\n"), "{}", ended.result);
}

// E5
#[test]
fn what_leads_a_tool_to_another_cluster_than_kubectl_is_gone_inside_and_comes_back() {
    let user = KubernetesUser::new();
    user.create("dev", &[]);
    let names = [
        "HELM_KUBECONTEXT",
        "HELM_KUBEINSECURE_SKIP_TLS_VERIFY",
        "HELM_KUBECAFILE",
        "KUBE_CONFIG_PATH",
        "KUBE_CTX",
        "K8S_AUTH_KUBECONFIG",
        "K8S_AUTH_CONTEXT",
    ];
    let set: String = names
        .iter()
        .map(|name| format!("export {name}=own; "))
        .collect();
    let secret = "export KUBE_TOKEN=canary K8S_AUTH_API_KEY=canary; ";
    let count = "env | grep -cE '^(HELM_KUBE|KUBE_|K8S_AUTH_)'";
    let script = format!(
        "{set}{secret}{count}; {MCM} exec -E dev -- bash -c \"{count}\"; eval \"$({MCM} hook bash)\"; mcm use dev; {count}; \
         echo $MCM_HOOK_STATE | tr '_-' '/+' | base64 -d 2>/dev/null | grep -c canary; mcm use --off; {count}; \
         {MCM} exec {} -- bash -c \"{count}\"",
        user.three.azure
    );
    let ended = user.bash(&script);
    // Tokens do not come back, and where no cluster of an environment is meant, files and contexts stay.
    assert_eq!(ended.result, "9\n0\n0\n0\n7\n7\n", "{}", ended.stderr);
}

#[test]
fn a_shell_has_the_environments_clusters_and_keeps_the_context_that_it_chose() {
    let user = KubernetesUser::new();
    user.create("dev", &[]);
    user.create("closed", &["--exclusive"]);
    let hook = format!("eval \"$({MCM} hook bash)\"; at() {{ kubectl config current-context; }}");
    let script = format!(
        "{hook}; at; mcm use dev; at; kubectl config use-context aks >/dev/null; at; mcm use closed; at; \
         kubectl config get-contexts -o name | wc -l; mcm use dev; at; kubectl config get-contexts -o name | grep -c own; \
         mcm use --off; at; echo \"${{KUBECONFIG-none}}\""
    );
    let ended = user.bash(&script);
    assert_eq!(
        ended.result, "own\neks\naks\neks\n3\naks\n1\nown\nnone\n",
        "{}",
        ended.stderr
    );
    let mode = fs::metadata(user.file_of("dev"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    // A change of the clusters writes the file anew.
    user.harness
        .mcm(&["environment", "edit", "dev", "--remove-cluster", "eks"])
        .done();
    let ended = user.bash(&format!(
        "{hook}; mcm use dev; at; kubectl get --raw /version >/dev/null && echo reached"
    ));
    assert_eq!(ended.result, "aks\nreached\n", "{}", ended.stderr);
    user.until_aks();

    // As `mcm env` has it, also one environment after the other.
    let script = format!(
        "eval \"$({MCM} env -E dev)\"; kubectl config current-context; eval \"$({MCM} env -E closed)\"; \
         kubectl config get-contexts -o name | wc -l; eval \"$({MCM} env -E dev)\"; echo $KUBECONFIG; \
         eval \"$({MCM} env --unset)\"; kubectl config current-context"
    );
    let ended = user.bash(&script);
    let (dev, own) = (
        user.file_of("dev"),
        user.harness.folder().join(".kube/config"),
    );
    let list = format!("{}:{}", dev.display(), own.display());
    assert_eq!(
        ended.result,
        format!("aks\n3\n{list}\nown\n"),
        "{}",
        ended.stderr
    );
}

// E15
#[test]
fn a_protected_environments_cluster_gets_nothing_after_its_time_or_once_revoked() {
    let user = KubernetesUser::new();
    user.create("prod", &["--protected"]);
    let records = user.harness.home().join("data/holders");
    let get = "kubectl get --raw /version >/dev/null 2>error && echo got=$? || { echo got=$?; cat error; }";
    let script = format!(
        "cp $KUBECONFIG kept; KUBECONFIG=kept; {get}; {MCM} kube-token {aws} --cluster shop --environment prod --holder $MCM_HOLDER; \
         echo until=$MCM_ENVIRONMENT_UNTIL.; \
         sed -i 's/\"until\":\"[^\"]*\"/\"until\":\"2020-01-01T00:00:00Z\"/' {records}/mcm-run-$MCM_HOLDER/record; {get}",
        aws = user.three.aws,
        records = records.display()
    );
    let file = user.harness.folder().join("script.sh");
    write(&file, 0o700, &script);
    let line = format!(
        "cd {}; {MCM} exec -E prod -- sh {}",
        user.harness.folder().display(),
        file.display()
    );
    let (_, shown) = on_a_terminal(&user.harness, &line, "prod\n");
    let (before, after) = shown.split_once("until=").expect("it ran");
    assert!(
        before.contains("got=0") && after.contains("got=1"),
        "{shown}"
    );
    assert!(after.contains("The time in prod is over"), "{shown}");
    user.until_eks();
    let token = before
        .lines()
        .find(|line| line.contains("ExecCredential"))
        .expect("printed");
    let token: Value = serde_json::from_str(token.trim()).expect("JSON");
    let ends: jiff::Timestamp = token["status"]["expirationTimestamp"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("RFC 3339");
    let until: i64 = after
        .split('.')
        .next()
        .expect("text")
        .parse()
        .expect("seconds");
    assert!(
        ends.as_second() <= until,
        "kubectl asks again when the time is over"
    );

    // The file outlived its run: nothing that ran is there any more.
    let kept = user.harness.folder().join("kept");
    let ended = user.bash(&format!(
        "KUBECONFIG={} kubectl get --raw /version",
        kept.display()
    ));
    assert!(
        ended.stderr.contains("of this kubeconfig has ended"),
        "{}",
        ended.stderr
    );
    let without = user.harness.mcm(&[
        "kube-token",
        &user.three.aws,
        "--cluster",
        "shop",
        "--environment",
        "prod",
    ]);
    assert!(without.failed(1).contains("prod is protected"));

    // Revoked, and read-only.
    user.create("dev", &[]);
    let script = format!(
        "kubectl get --raw /version >/dev/null && {MCM} sessions --revoke $MCM_HOLDER; kubectl get --raw /version"
    );
    let ended = user
        .harness
        .mcm(&["exec", "-E", "dev", "--", "sh", "-c", &script]);
    assert!(
        ended.status == 1 && ended.stderr.contains("was revoked"),
        "{}",
        ended.stderr
    );
    user.harness
        .mcm(&[
            "environment",
            "create",
            "one",
            "--aws",
            &user.three.aws,
            "--cluster",
            "eks",
        ])
        .done();
    let ended = user.harness.mcm(&[
        "exec",
        "--read-only",
        "-E",
        "one",
        "--",
        "kubectl",
        "get",
        "--raw",
        "/version",
    ]);
    assert!(
        ended.stderr.contains("can be narrowed to reading"),
        "{}",
        ended.stderr
    );
}
