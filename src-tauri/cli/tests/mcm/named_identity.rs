//! The named identity or a refusal: what a command or a shell gets when variables, files and settings of another user are
//! about.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sandbox_clouds::{Endpoint, Fault, guid};
use serde_json::Value;

use crate::aws::connected;
use crate::clients::{here, program};
use crate::exec_child::ExecChild;
use crate::harness::{ADA, Ended, Harness, write};

const PRODUCTION: &str = "0a539779-a28c-45e2-807f-4dd6af13912b";
/// A subscription that does not exist.
const GONE: &str = "00000000-aaaa-bbbb-cccc-000000000000";

/// What `az login` leaves behind: grace is signed in, to Fabrikam.
fn az_signed_in(harness: &Harness) -> String {
    let profile = format!(
        r#"{{"subscriptions":[{{"id":"{GONE}","isDefault":true,"tenantId":"{}","user":{{"name":"grace@fabrikam.example","type":"user"}}}}]}}"#,
        guid("fabrikam.example")
    );
    let folder = harness.folder().join(".azure");
    write(&folder.join("azureProfile.json"), 0o600, &profile);
    let config = "[core]\noutput = table\n[storage]\nkey = CANARY\n";
    write(&folder.join("config"), 0o600, config);
    profile
}

pub(crate) fn whoami(child: &ExecChild) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mcm"));
    command
        .args(["whoami", "--json"])
        .env_clear()
        .envs(&child.variables);
    Ended::of(command.output().expect("mcm starts")).json()
}

#[test]
fn az_gets_a_folder_of_its_own_and_another_users_sign_in_stays_untouched() {
    let harness = Harness::start();
    let profile = az_signed_in(&harness);
    let azure = harness.connected(false);
    harness.mcm(&["use", &azure, "production"]).done();
    let child = ExecChild::start(&harness, &[&azure]);
    let folder = Path::new(child.get("AZURE_CONFIG_DIR")).to_owned();
    let mode = fs::metadata(&folder)
        .expect("a folder")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
    let text = fs::read_to_string(folder.join("azureProfile.json")).expect("a profile");
    let json: Value = serde_json::from_str(&text).expect("JSON");
    let subscriptions = json["subscriptions"].as_array().expect("a list");
    let default: Vec<&Value> = subscriptions
        .iter()
        .filter(|subscription| subscription["isDefault"] == true)
        .collect();
    assert_eq!(default.len(), 1);
    assert_eq!(default[0]["id"], PRODUCTION);
    assert_eq!(default[0]["tenantId"], guid("contoso.example"));
    assert_eq!(default[0]["user"]["name"], "systemAssignedIdentity");
    let config = fs::read_to_string(folder.join("config")).expect("settings");
    assert!(config.contains("output = table") && !config.contains("CANARY"));
    let extensions = harness.folder().join(".azure/cliextensions");
    assert_eq!(
        child.get("AZURE_EXTENSION_DIR"),
        extensions.to_str().expect("text")
    );
    let azd = Path::new(child.get("AZD_CONFIG_DIR")).join("config.json");
    assert!(
        fs::read_to_string(azd)
            .expect("settings")
            .contains("useAzCliAuth")
    );

    let tools = &whoami(&child)["tools"];
    for tool in tools.as_array().expect("a list") {
        if tool["provider"] == "azure" {
            assert_eq!(tool["account"], azure, "{tool}");
        }
    }
    child.ended().done();
    assert!(!folder.exists(), "it goes with the command");
    let own = harness.folder().join(".azure/azureProfile.json");
    assert_eq!(fs::read_to_string(own).expect("there"), profile);
}

#[test]
fn keys_in_the_options_of_java_do_not_reach_the_command_and_other_options_do() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    for name in [
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "_JAVA_OPTIONS",
        "MAVEN_OPTS",
        "GRADLE_OPTS",
    ] {
        for (value, seen) in [
            ("-Xmx1g -Daws.accessKeyId=AKIAX -Daws.secretAccessKey=s", ""),
            ("-Daws.profile=old", ""),
            ("-Xmx1g", "-Xmx1g"),
        ] {
            let mut command = harness.command(&[
                "exec",
                &aws,
                "--",
                "sh",
                "-c",
                &format!("printf %s \"${name}\""),
            ]);
            let output = command.env(name, value).output().expect("mcm starts");
            let shown = String::from_utf8_lossy(&output.stdout);
            assert_eq!(shown, seen, "{name}={value}");
        }
    }
}

#[test]
fn older_and_service_wide_variables_do_not_reach_the_command() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    harness.login(ADA, &["azure"]).done();
    harness.login(ADA, &["gcp"]).done();
    let (azure, gcp) = (harness.account_of("azure"), harness.account_of("gcp"));
    harness.mcm(&["use", &gcp, "contoso-production"]).done();
    let gone = [
        "AWS_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AMAZON_ACCESS_KEY_ID",
        "AMAZON_SESSION_TOKEN",
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_CREDENTIAL_FILE",
        "AWS_CREDENTIAL_PROFILES_FILE",
        "AWS_VAULT",
        "AWSUME_PROFILE",
        "HELM_KUBETOKEN",
        "HELM_KUBEASUSER",
        "HELM_KUBEAPISERVER",
        "GRANTED_SSO_ROLE_NAME",
        "AAD_LOGIN_METHOD",
        "AAD_SERVICE_PRINCIPAL_CLIENT_SECRET",
        "AZCOPY_SPA_CLIENT_SECRET",
        "AZURE_STORAGE_CONNECTION_STRING",
        "ARM_METADATA_HOSTNAME",
        "ARM_AUXILIARY_TENANT_IDS",
        "GOOGLE_BACKEND_CREDENTIALS",
        "GOOGLE_BACKEND_IMPERSONATE_SERVICE_ACCOUNT",
        "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
        "USER_PROJECT_OVERRIDE",
        "GOOGLE_BILLING_PROJECT",
        "BOTO_PATH",
        "EC2_ACCESS_KEY",
        "EC2_SECURITY_TOKEN",
        "EKSCTL_ENABLE_CREDENTIAL_CACHE",
        "RCLONE_S3_ACCESS_KEY_ID",
        "RESTIC_AWS_ASSUME_ROLE_ARN",
        "TERRAGRUNT_IAM_ROLE",
        "TG_IAM_ASSUME_ROLE",
        "AWS_PROD_ACCESS_KEY_ID",
        "AWS_PROD_SECRET_ACCESS_KEY",
        "AWS_S3_SESSION_TOKEN",
        "AWS_PROD_PROFILE",
        "AZCOPY_OAUTH_TOKEN_INFO",
        "AZD_AUTH_ENDPOINT",
        "AZD_AUTH_KEY",
        "AZURE_DEVOPS_EXT_PAT",
        "AZURE_SECRET",
        "AZURE_PROFILE",
        "AZURESUBSCRIPTION_CLIENT_ID",
        "RCLONE_AZUREBLOB_KEY",
        "GCP_SERVICE_ACCOUNT_CONTENTS",
        "GCP_ACCESS_TOKEN",
        "RCLONE_GCS_TOKEN",
    ];
    let set = [
        ("AWS_SDK_LOAD_CONFIG", "1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("GOOGLE_CLOUD_QUOTA_PROJECT", "contoso-production"),
        ("CLOUDSDK_BILLING_QUOTA_PROJECT", "contoso-production"),
        ("GOOGLE_PROJECT", "contoso-production"),
        ("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", ""),
        ("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", ""),
        ("CLOUDSDK_AUTH_AUTHORIZATION_TOKEN_FILE", ""),
        ("CLOUDSDK_AUTH_AUTHORITY_SELECTOR", ""),
        ("AZCOPY_AUTO_LOGIN_TYPE", "MSI"),
        ("ANSIBLE_AZURE_AUTH_SOURCE", "cli"),
        ("GCP_AUTH_KIND", "application"),
        ("CLOUDSDK_CORE_ACCOUNT", ADA),
        ("CLOUDSDK_CORE_UNIVERSE_DOMAIN", "googleapis.com"),
        ("CLOUDSDK_CORE_DISABLE_FILE_LOGGING", "true"),
        ("AZURE_CORE_COLLECT_TELEMETRY", "no"),
        ("AZURE_DEV_COLLECT_TELEMETRY", "no"),
        ("NO_PROXY", "corp.example,127.0.0.1,localhost"),
        ("no_proxy", "corp.example,127.0.0.1,localhost"),
    ];
    let kept = [
        "CLOUDSDK_COMPUTE_ZONE",
        "GRANTED_ALIAS_CONFIGURED",
        "AWS__PROFILE_OF_AN_APP",
    ];
    let child = ExecChild::start_with(&harness, &[&aws, &azure, &gcp], |command| {
        let names = gone.iter().chain(&kept).copied();
        let names = names.chain(set.iter().map(|(name, _)| *name));
        command.envs(names.map(|name| (name, "stale")));
        command
            .env("NO_PROXY", "corp.example")
            .env_remove("no_proxy");
    });
    for name in gone {
        assert!(!child.variables.contains_key(name), "{name}");
    }
    for (name, value) in set {
        assert_eq!(child.get(name), value, "{name}");
    }
    for name in kept {
        assert_eq!(child.get(name), "stale", "{name}");
    }
    assert_eq!(
        child.google_file()["quota_project_id"],
        "contoso-production"
    );
    let boto = fs::read_to_string(child.get("BOTO_CONFIG")).expect("a file");
    assert!(
        boto.contains(child.get("GOOGLE_APPLICATION_CREDENTIALS")),
        "{boto}"
    );
}

#[test]
fn a_token_for_one_service_is_shown_by_whoami_and_named_by_doctor() {
    let harness = Harness::start();
    let run = |arguments: &[&str]| {
        let mut command = harness.command(arguments);
        command.env("AWS_BEARER_TOKEN_BEDROCK", "CANARY");
        Ended::of(command.output().expect("mcm starts")).result
    };
    for result in [run(&["whoami"]), run(&["doctor"])] {
        assert!(result.contains("AWS_BEARER_TOKEN_BEDROCK"), "{result}");
        assert!(!result.contains("CANARY"));
    }
}

#[test]
fn a_shell_in_which_az_stays_another_user_is_refused_unless_it_is_forced() {
    let harness = Harness::start();
    az_signed_in(&harness);
    let azure = harness.connected(false);
    let ended = harness.mcm(&["env", &azure, "--shell", "bash"]);
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("az would work as grace@fabrikam.example, not as Contoso"),
        "{}",
        ended.stderr
    );
    assert!(ended.result.ends_with("\nfalse\n") && !ended.result.contains("export"));
    let forced = harness.mcm(&["env", &azure, "--shell", "bash", "--force"]);
    assert!(
        forced.stderr.contains("--force goes on"),
        "{}",
        forced.stderr
    );
    assert!(forced.done().contains("export AZURE_ACCESS_TOKEN="));
}

#[test]
fn what_mcm_env_gave_a_shell_is_no_source_of_a_role() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let key = harness.sandbox.aws_access_key("ada").expect("an ada");
    let text = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    write(&harness.folder().join(".aws/credentials"), 0o600, &text);
    let mcm = env!("CARGO_BIN_EXE_mcm");
    let run = |script: &str| {
        let mut command = Command::new("bash");
        harness
            .equip(&mut command)
            .args(["-c", script, mcm, &aws])
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
        command
    };
    let first = "eval \"$($0 env $1)\"; echo \"$AWS_ACCESS_KEY_ID $MCM_ENV\"; env -0";
    let output = Ended::of(run(first).output().expect("bash starts")).done();
    let (keys, variables) = output.split_once('\n').expect("a line");
    let (given, mark) = keys.split_once(' ').expect("two");
    assert!(!given.is_empty() && given == mark, "{keys}");
    harness.forget_sessions();
    let again = "eval \"$($0 env $1)\"; echo \"$AWS_ACCESS_KEY_ID\"; $0 whoami";
    let mut command = run(again);
    command.envs(
        variables
            .split('\0')
            .filter_map(|pair| pair.split_once('=')),
    );
    let ended = Ended::of(command.output().expect("bash starts"));
    assert!(
        ended.stderr.contains("is what mcm env set here"),
        "{}",
        ended.stderr
    );
    let result = ended.done();
    assert!(!result.starts_with(given), "another session");
    assert!(
        result.contains("mcm env put AWS_ACCESS_KEY_ID into this shell"),
        "{result}"
    );
}

#[test]
fn a_typed_region_wins_and_a_mismatch_is_reported() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    harness.mcm(&["use", &aws, "eu-north-1"]).done();
    let region = |arguments: &[&str], typed: Option<&str>| {
        let shown = ["--", "sh", "-c", "echo $AWS_REGION $AWS_DEFAULT_REGION"];
        let mut command = harness.command(&[&["exec", &aws], arguments, &shown].concat());
        command.env_remove("AWS_REGION");
        command.envs(typed.map(|region| ("AWS_REGION", region)));
        Ended::of(command.output().expect("mcm starts"))
    };
    let typed = region(&[], Some("us-west-2"));
    assert_eq!(
        typed.stderr.matches("us-west-2").count(),
        1,
        "{}",
        typed.stderr
    );
    assert!(typed.stderr.contains("eu-north-1"), "{}", typed.stderr);
    assert_eq!(typed.done(), "us-west-2 us-west-2\n");
    let chosen = region(&[], None);
    assert_eq!(
        (chosen.stderr.as_str(), chosen.result.as_str()),
        ("", "eu-north-1 eu-north-1\n")
    );
    let asked = region(&["--region", "ap-southeast-2"], Some("us-west-2"));
    assert_eq!(asked.done(), "ap-southeast-2 ap-southeast-2\n");
    let nonsense = region(&["--region", "$(id)"], None);
    assert_eq!((nonsense.status, nonsense.result.as_str()), (2, ""));
}

#[test]
fn what_a_command_writes_to_a_copy_fails_or_is_said_to_be_lost() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let config = harness.folder().join(".aws/config");
    write(
        &config,
        0o600,
        "[default]\nsso_session = s\n[profile staging]\nregion = r\n",
    );
    let mut command = harness.command(&["exec", &aws, "--"]);
    command
        .arg(program("aws"))
        .args([
            "configure",
            "set",
            "region",
            "eu-west-3",
            "--profile",
            "staging",
        ])
        .current_dir(here());
    let ended = Ended::of(command.output().expect("mcm starts"));
    // The administrator may write to what is read-only.
    let is_told = match rustix::process::getuid().is_root() {
        true => ended.stderr.contains(config.to_str().expect("text")),
        false => ended.status != 0 && ended.stderr.contains("read-only-copies-of-mcm-exec"),
    };
    assert!(is_told, "{}", ended.stderr);
    assert!(
        !fs::read_to_string(&config)
            .expect("there")
            .contains("eu-west-3")
    );
}

#[test]
fn a_profile_that_does_not_exist_is_refused_and_no_other_stands_in_for_it() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let key = harness.sandbox.aws_access_key("ada").expect("an ada");
    let text = format!(
        "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    write(&harness.folder().join(".aws/credentials"), 0o600, &text);
    harness.forget_sessions();
    for arguments in [
        vec!["credential-process", &aws],
        vec!["exec", &aws, "--", "true"],
    ] {
        let mut command = harness.command(&arguments);
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY")
            .env("AWS_PROFILE", "gone");
        let ended = Ended::of(command.output().expect("mcm starts"));
        assert_ne!(ended.status, 0);
        assert_eq!(ended.result, "");
        assert!(ended.stderr.contains("\"gone\""), "{}", ended.stderr);
    }
}

#[test]
fn a_missing_or_disabled_target_is_reported_and_never_left_out() {
    let harness = Harness::start();
    let azure = harness.connected(false);
    let none = harness.mcm(&["use", &azure]);
    assert!(
        none.stderr.contains("No subscription is chosen"),
        "{}",
        none.stderr
    );
    let disabled = harness.mcm(&["use", &azure, "legacy billing"]);
    assert!(disabled.stderr.contains("Disabled"), "{}", disabled.stderr);
    let disabled = harness.mcm(&["exec", &azure, "--", "true"]);
    assert!(disabled.stderr.contains("Disabled"), "{}", disabled.stderr);
    harness.edit(&azure, |account| account.target = Some(GONE.to_owned()));
    let child = ExecChild::start(&harness, &[&azure]);
    assert_eq!(child.get("ARM_SUBSCRIPTION_ID"), GONE);
    assert!(child.ended().stderr.contains("is no longer listed"));

    harness.login(ADA, &["gcp"]).done();
    let gcp = harness.account_of("gcp");
    harness.mcm(&["use", &gcp, "contoso-production"]).done();
    harness.edit(&gcp, |account| {
        for target in &mut account.targets {
            target.state = Some("DELETE_REQUESTED".to_owned());
        }
    });
    let output = harness.mcm(&["exec", &gcp, "--", "true"]).stderr;
    assert!(output.contains("DELETE_REQUESTED"), "{output}");
}

#[test]
fn an_id_that_its_cloud_does_not_have_becomes_no_variable() {
    let harness = Harness::start();
    harness.login(ADA, &["gcp"]).done();
    let gcp = harness.account_of("gcp");
    for id in ["contoso'; touch x; '", "Contoso Production", "$(id)"] {
        harness.edit(&gcp, |account| account.target = Some(id.to_owned()));
        let output = harness.mcm(&["exec", &gcp, "--", "true"]).failed(2);
        assert!(output.contains("is not the id of a project"), "{output}");
        let ended = harness.mcm(&["env", &gcp, "--shell", "bash"]);
        assert_eq!(ended.status, 2);
        assert!(!ended.result.contains("touch"), "{}", ended.result);
    }
}

#[test]
fn a_shell_fails_when_mcm_env_is_killed() {
    let harness = Harness::start();
    let azure = harness.connected(true);
    harness.sandbox.forget_requests();
    let faults = harness.sandbox.faults();
    faults.next(Endpoint::AzureToken, Fault::Latency(30_000));
    let mut command = harness.command(&["env", &azure, "--shell", "bash"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("mcm starts");
    harness.until_requested(Endpoint::AzureToken);
    child.kill().expect("it runs");
    let output = child.wait_with_output().expect("it ends");
    let lines = String::from_utf8(output.stdout).expect("text");
    assert_eq!(lines, "false");
    for shell in [&["bash", "-c"][..], &["zsh", "-f", "-c"]] {
        let mut command = Command::new(shell[0]);
        let script = "set -e; eval \"$0\"; echo goes on";
        let ended = Ended::of(
            command
                .args(&shell[1..])
                .args([script, &lines])
                .output()
                .expect("a shell"),
        );
        assert_eq!((ended.status, ended.result.as_str()), (1, ""));
    }
}
