//! What a command must not meet: the credentials and proxies in files of Google's tools, and variables that are no text.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use crate::aws::connected;
use crate::exec_child::ExecChild;
use crate::harness::{ADA, Ended, Harness, run, write};
use crate::named_identity::whoami;

#[test]
fn gclouds_own_configuration_of_another_user_does_not_win() {
    let harness = Harness::start();
    harness.login(ADA, &["gcp"]).done();
    let gcp = harness.account_of("gcp");
    let folder = harness.folder().join(".config/gcloud");
    let settings = "[core]\naccount = grace@fabrikam.example\n[auth]\nimpersonate_service_account = robot@x.iam.gserviceaccount.com\naccess_token_file = /tmp/token\n";
    write(
        &folder.join("configurations/config_default"),
        0o600,
        settings,
    );
    let child = ExecChild::start(&harness, &[&gcp]);
    let tools = &whoami(&child)["tools"];
    for tool in tools.as_array().expect("a list") {
        if tool["provider"] == "gcp" {
            assert_eq!(tool["account"], gcp, "{tool}");
        }
    }
    let doctor = harness.mcm(&["doctor"]).result;
    assert!(
        doctor.contains("auth/impersonate_service_account, auth/access_token_file set"),
        "{doctor}"
    );
    let ended = harness.mcm(&["env", &gcp, "--shell", "bash"]);
    let lines = ended.done();
    for line in [
        "export CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT='';\n",
        "export CLOUDSDK_AUTH_ACCESS_TOKEN_FILE='';\n",
        "export BOTO_CONFIG='/dev/null';\n",
    ] {
        assert!(lines.contains(line), "{lines}");
    }
}

#[test]
fn gclouds_own_proxy_gets_no_secret_of_the_run() {
    let harness = Harness::start();
    harness.login(ADA, &["gcp"]).done();
    let gcp = harness.account_of("gcp");
    let settings = "[proxy]\ntype = http\naddress = proxy.example\nport = 3128\n";
    let folder = harness.folder().join(".config/gcloud/configurations");
    write(&folder.join("config_default"), 0o600, settings);
    let child = ExecChild::start(&harness, &[&gcp]);
    let file = child.get("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE");
    assert!(!Path::new(file).exists(), "{file}");
    assert!(
        Path::new(child.get("GOOGLE_APPLICATION_CREDENTIALS")).exists(),
        "others ask no proxy for this machine"
    );
    let output = child.ended().stderr;
    assert!(
        output.contains("proxy.example") && output.contains("HTTPS_PROXY"),
        "{output}"
    );
}

#[test]
fn a_credential_in_the_file_of_bq_is_kept_from_a_command_and_else_refused_unless_it_is_forced() {
    let harness = Harness::start();
    harness.login(ADA, &["gcp"]).done();
    let gcp = harness.account_of("gcp");
    let settings = "# mine\noauth_access_token = CANARY\n[query]\nuse_legacy_sql = false\n";
    let own = harness.folder().join(".bigqueryrc");
    write(&own, 0o600, settings);
    let child = ExecChild::start(&harness, &[&gcp]);
    let copy = fs::read_to_string(child.get("BIGQUERYRC")).expect("a copy");
    assert_eq!(copy, "# mine\n[query]\nuse_legacy_sql = false\n");
    child.ended().done();
    assert_eq!(fs::read_to_string(&own).expect("there"), settings);

    let plain = ["exec", "--env", &gcp, "--", "sh", "-c", "echo went on"];
    let refused = harness.mcm(&plain).failed(1);
    assert!(
        refused.contains("bq would work as another identity, not as")
            && refused.contains(".bigqueryrc sets oauth_access_token")
            && !refused.contains("CANARY"),
        "{refused}"
    );
    let forced = [
        "exec",
        "--env",
        "--force",
        &gcp,
        "--",
        "sh",
        "-c",
        "echo went on",
    ];
    let forced = harness.mcm(&forced);
    assert!(
        forced.stderr.contains("--force goes on") && forced.stderr.contains(".bigqueryrc"),
        "{}",
        forced.stderr
    );
    assert_eq!(forced.done(), "went on\n");
    let doctor = harness.mcm(&["doctor"]).result;
    assert!(
        doctor.contains(".bigqueryrc sets oauth_access_token"),
        "{doctor}"
    );

    // What mcm cannot read, bq may.
    fs::remove_file(&own).expect("there");
    run(Command::new("mkfifo").arg(&own), "mkfifo", "coreutils");
    let refused = harness.mcm(&plain).failed(1);
    assert!(
        refused.contains("bq would work as another identity, not as")
            && refused.contains(".bigqueryrc cannot be read"),
        "{refused}"
    );
    let child = ExecChild::start(&harness, &[&gcp]);
    let copy = fs::read_to_string(child.get("BIGQUERYRC")).expect("a copy");
    assert_eq!(copy, "");
    child.ended().done();
}

#[test]
fn a_variable_that_is_no_text_is_refused_because_what_it_leads_to_is_unknown() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    for name in ["AWS_SHARED_CREDENTIALS_FILE", "AWS_BEARER_TOKEN_BEDROCK"] {
        for arguments in [
            &["exec", &aws, "--", "echo", "went on"][..],
            &["env", &aws, "--shell", "bash"],
        ] {
            let mut command = harness.command(arguments);
            command.env(name, OsStr::from_bytes(b"/tmp/\xff"));
            let ended = Ended::of(command.output().expect("mcm starts"));
            assert_eq!(ended.status, 2, "{name}: {}", ended.stderr);
            assert!(ended.stderr.contains(name), "{}", ended.stderr);
            let is_empty = !ended.result.contains("went on") && !ended.result.contains("export");
            assert!(is_empty, "{}", ended.result);
        }
    }
}
