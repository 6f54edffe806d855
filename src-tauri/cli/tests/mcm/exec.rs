//! `mcm exec`: what a command gets and what it can fetch. Who cannot is in `exec_refusals.rs`.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sandbox_clouds::{Endpoint, Fault, guid};
use serde_json::Value;

use crate::aws::{connected, role};
use crate::exec_child::{ExecChild, get, post, processes_that_show};
use crate::harness::{ADA, Ended, Harness, write};

pub(crate) const ARM: &str = "https://management.azure.com";

/// One account of each cloud; their ids, in the order of `Cloud::ALL`.
pub(crate) fn three_clouds(harness: &Harness) -> [String; 3] {
    connected(harness, "Reader");
    harness.login(ADA, &["azure"]).done();
    harness.login(ADA, &["gcp"]).done();
    harness.sandbox.forget_requests();
    ["azure", "gcp", "aws"].map(|provider| harness.account_of(provider))
}

#[test]
fn every_cloud_is_served_in_its_own_format_with_the_credential_that_mcm_issues() {
    let harness = Harness::start();
    let [azure, gcp, aws] = three_clouds(&harness);
    harness.mcm(&["use", &azure, "production"]).done();
    harness.mcm(&["use", &gcp, "contoso-production"]).done();
    harness.mcm(&["use", &aws, "eu-north-1"]).done();
    let child = ExecChild::start_with(&harness, &[&azure, &gcp, &aws], |command| {
        command.env_remove("AWS_REGION");
    });

    let credential = child.aws();
    let printed = harness.mcm(&["credential-process", &aws]).json();
    for name in ["AccessKeyId", "SecretAccessKey", "Expiration", "AccountId"] {
        assert_eq!(credential.text(name), printed[name], "{name}");
    }
    assert_eq!(credential.text("Token"), printed["SessionToken"]);

    let token = harness.mcm(&["token", &azure, "--json"]).json();
    for resource in [ARM, "https://management.core.windows.net/"] {
        let msi = format!(
            "{}?api-version=2018-02-01&resource={resource}",
            child.get("ARM_MSI_ENDPOINT")
        );
        for answer in [child.azure(resource), get(&msi, &[("Metadata", "true")])] {
            assert_eq!(answer.text("access_token"), token["accessToken"]);
            assert_eq!(answer.text("expires_on"), token["expires_on"].to_string());
            assert_eq!(
                (answer.text("resource"), answer.text("token_type")),
                (resource.into(), "Bearer".into())
            );
        }
    }

    let form = "grant_type=refresh_token&refresh_token=HANDLE";
    let answer = child.google("token_url", form);
    assert_eq!(
        answer.text("access_token"),
        harness.mcm(&["token", &gcp]).done().trim()
    );
    assert!(
        answer.json()["expires_in"]
            .as_i64()
            .is_some_and(|left| left > 225)
    );
    assert_eq!(
        child
            .google("token_info_url", "token=HANDLE")
            .text("username"),
        ADA
    );
    let output = child.google("token_info_url", "token=another").json();
    assert_eq!(output, serde_json::json!({ "active": false }));
    // gcloud's own client is public, so the handle alone must be enough.
    let gcloud = (
        "Authorization",
        "Basic MzI1NTU5NDA1NTkuYXBwcy5nb29nbGV1c2VyY29udGVudC5jb206eA==",
    );
    let file = child.google_file();
    let text = |name: &str| file[name].as_str().expect("text").to_owned();
    let known = form.replace("HANDLE", &text("refresh_token"));
    assert_eq!(post(&text("token_url"), &[gcloud], &known).status, 200);
    assert_eq!(post(&text("token_url"), &[gcloud], form).status, 400);

    for (name, value) in [
        ("AWS_REGION", "eu-north-1"),
        ("AWS_DEFAULT_REGION", "eu-north-1"),
        ("GOOGLE_CLOUD_PROJECT", "contoso-production"),
        ("CLOUDSDK_CORE_PROJECT", "contoso-production"),
        ("AZURE_TENANT_ID", &guid("contoso.example")),
        ("ARM_TENANT_ID", &guid("contoso.example")),
        (
            "ARM_SUBSCRIPTION_ID",
            "0a539779-a28c-45e2-807f-4dd6af13912b",
        ),
        (
            "AZURE_SUBSCRIPTION_ID",
            "0a539779-a28c-45e2-807f-4dd6af13912b",
        ),
        ("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential"),
        ("ARM_USE_MSI", "true"),
        ("MCM_EXEC", &format!("{azure},{gcp},{aws}")),
    ] {
        assert_eq!(child.get(name), value, "{name}");
    }
    assert_eq!(harness.sandbox.requests(), [], "no server was asked");
    let happened = harness
        .mcm(&["activity", &aws, "--json", "--limit", "2"])
        .json();
    assert_eq!(happened["activity"][1]["what"]["to"], "sh");
    assert_eq!(child.ended().done(), "");
}

#[test]
fn another_resource_of_azure_is_served_and_an_unknown_one_is_refused() {
    let harness = Harness::start();
    let azure = harness.connected(false);
    let child = ExecChild::start(&harness, &[&azure]);
    // Its first session needs a server, so a client may have to ask twice.
    harness.until("its session is created", || {
        child.azure("https://vault.azure.net").status == 200
    });
    let vault = child.azure("https://vault.azure.net");
    assert_ne!(
        vault.text("access_token"),
        child.azure(ARM).text("access_token")
    );
    assert!(
        harness
            .sandbox
            .secrets()
            .contains(&vault.text("access_token"))
    );
    let refused = child.azure("nonsense");
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains("is not an Azure resource"),
        "{}",
        refused.body
    );
}

#[test]
fn only_variables_and_profiles_that_would_win_are_kept_from_the_command() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let config = harness.folder().join(".aws/config");
    write(
        &config,
        0o600,
        "[default]\nregion = us-east-1\nsso_session = s\n[profile other]\nrole_arn = kept\n",
    );
    write(
        &harness.folder().join(".aws/credentials"),
        0o600,
        "[default]\naws_secret_access_key = CANARY\n",
    );
    let stale = [
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ];
    let others = [
        "AZURE_CLIENT_SECRET",
        "ARM_CLIENT_ID",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "LANG",
    ];
    let child = ExecChild::start_with(&harness, &[&aws], |command| {
        command.envs(stale.iter().chain(&others).map(|name| (name, "stale")));
    });
    for name in stale
        .iter()
        .chain(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    {
        assert!(!child.variables.contains_key(*name), "{name}");
    }
    for name in others {
        assert_eq!(
            child.get(name),
            "stale",
            "{name} is of no cloud that was asked for"
        );
    }
    let copy = fs::read_to_string(child.get("AWS_CONFIG_FILE")).expect("a copy");
    assert_eq!(
        copy,
        "[default]\nregion = us-east-1\n[profile other]\nrole_arn = kept\n"
    );
    let copy = fs::read_to_string(child.get("AWS_SHARED_CREDENTIALS_FILE")).expect("a copy");
    assert_eq!(copy, "[default]\n");
    assert!(
        fs::read_to_string(config)
            .expect("the user's own")
            .contains("sso_session"),
        "nothing is rewritten"
    );
}

#[test]
fn active_follows_the_account_in_use_while_the_command_runs() {
    let harness = Harness::start();
    harness.login(ADA, &["azure"]).done();
    let northwind = guid("northwind.example");
    harness.mcm(&["add-tenant", "contoso", &northwind]).done();
    let token = |name: &str| harness.mcm(&["token", name]).done().trim().to_owned();
    harness.mcm(&["use", "contoso"]).done();
    let follows = ExecChild::start(&harness, &["--active", "azure"]);
    let stays = ExecChild::start(&harness, &["contoso"]);
    assert_eq!(follows.azure(ARM).text("access_token"), token("contoso"));
    harness.mcm(&["use", "northwind"]).done();
    assert_eq!(follows.azure(ARM).text("access_token"), token("northwind"));
    assert_eq!(stays.azure(ARM).text("access_token"), token("contoso"));
    assert_eq!(
        follows.get("AZURE_TENANT_ID"),
        guid("contoso.example"),
        "a variable cannot follow"
    );
}

#[test]
fn a_valid_session_is_served_at_once_despite_a_locked_keychain_or_slow_server() {
    let harness = Harness::start();
    let azure = harness.connected(false);
    let child = ExecChild::start(&harness, &[&azure]);
    let token = harness.mcm(&["token", &azure]).done();
    harness.forget_sessions();
    harness
        .sandbox
        .faults()
        .next(Endpoint::AzureToken, Fault::Latency(3000));
    let asked_at = now();
    assert_eq!(
        child.azure(ARM).text("access_token"),
        token.trim(),
        "the one that is good for an hour"
    );
    assert!(
        asked_at.elapsed() < Duration::from_secs(2),
        "no client waits longer"
    );
    harness.until("the renewal ends", || {
        child.azure(ARM).text("access_token") != token.trim()
    });
    let renewed = child.azure(ARM).text("access_token");
    harness.lock_keychain();
    assert_eq!(child.azure(ARM).text("access_token"), renewed);
}

#[test]
fn a_renewal_that_the_command_caused_is_stored_before_mcm_ends() {
    let harness = Harness::start();
    let azure = harness.connected(false);
    let child = ExecChild::start(&harness, &[&azure]);
    let before = child.azure(ARM).text("access_token");
    harness.forget_sessions();
    // The renewal spends the refresh token, and its answer is slow.
    harness
        .sandbox
        .set_azure_rotation(sandbox_clouds::azure::Rotation::Strict);
    harness
        .sandbox
        .faults()
        .next(Endpoint::AzureToken, Fault::Latency(3000));
    assert_eq!(child.azure(ARM).text("access_token"), before);
    harness.until_renewing();
    child.ended().done();
    let token = harness.mcm(&["token", &azure]).done();
    assert_ne!(token.trim(), before);
    assert_eq!(harness.renewals(), 1, "the new session was stored");
}

#[test]
fn a_session_from_before_a_new_sign_in_is_not_served_behind_a_locked_keychain() {
    let harness = Harness::start();
    let azure = harness.connected(false);
    let child = ExecChild::start(&harness, &[&azure]);
    let before = child.azure(ARM).text("access_token");
    harness.login(ADA, &["azure"]).done();
    harness.lock_keychain();
    let refused = child.azure(ARM);
    assert_ne!(refused.status, 200, "{}", refused.body);
    assert!(!refused.body.contains(&before));
}

#[test]
fn a_session_that_was_over_on_arrival_is_not_served() {
    let harness = Harness::start();
    let azure = harness.connected(false);
    let child = ExecChild::start(&harness, &[&azure]);
    let graph = "https://graph.microsoft.com";
    harness.sandbox.set_access_token_life(Duration::ZERO);
    harness.until("the server was asked", || {
        let refused = child.azure(graph);
        assert_ne!(refused.status, 200, "{}", refused.body);
        refused.body.contains("already expired")
    });
    harness
        .sandbox
        .set_access_token_life(Duration::from_secs(3600));
}

#[test]
fn a_session_about_to_expire_is_refused_with_the_reason_or_a_retry() {
    let harness = Harness::start();
    harness
        .sandbox
        .set_access_token_life(Duration::from_secs(50));
    harness.login(ADA, &["azure"]).done();
    let azure = harness.account_of("azure");
    let child = ExecChild::start(&harness, &[&azure]);
    harness.forget_sessions();
    harness
        .sandbox
        .faults()
        .next(Endpoint::AzureToken, Fault::Latency(3000));
    let asked_at = now();
    let busy = child.azure(ARM);
    assert!(
        asked_at.elapsed() < Duration::from_secs(2),
        "no client waits longer"
    );
    assert_eq!(busy.status, 503);
    assert!(
        busy.body.contains("Try again in a moment."),
        "{}",
        busy.body
    );
    harness.until("the renewal ends", || child.azure(ARM).status == 200);

    harness.forget_sessions();
    harness.sandbox.revoke_all(ADA);
    let refused = child.azure(ARM);
    assert_eq!(refused.status, 403);
    let json: Value = serde_json::from_str(&refused.body).expect("JSON");
    let advice = format!("mcm login azure --tenant {}", guid("contoso.example"));
    assert!(
        json["message"].as_str().expect("text").contains(&advice),
        "{json}"
    );
    assert_eq!(
        (&json["statusCode"], &json["error"]),
        (&403.into(), &"sign-in-again".into())
    );
    assert!(!harness.has_opened_a_page());
}

#[test]
fn a_disconnected_account_is_served_no_longer() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let child = ExecChild::start(&harness, &[&aws]);
    assert_eq!(child.aws().status, 200);
    harness.mcm(&["logout", &aws]).done();
    let refused = child.aws();
    assert_eq!(refused.status, 403);
    let json: Value = serde_json::from_str(&refused.body).expect("JSON");
    assert_eq!(json["code"], "not-found");
    assert!(
        json["message"]
            .as_str()
            .expect("text")
            .contains("mcm accounts"),
        "{json}"
    );
}

#[test]
fn an_account_that_needs_a_sign_in_fails_before_the_command_starts() {
    let harness = Harness::start();
    let azure = harness.connected(true);
    harness.sandbox.revoke_all(ADA);
    let mark = harness.folder().join("started");
    let output = harness
        .mcm(&["exec", &azure, "--", "touch", mark.to_str().expect("text")])
        .failed(3);
    assert!(
        output.contains(&format!(
            "mcm login azure --tenant {}",
            guid("contoso.example")
        )),
        "{output}"
    );
    assert!(!mark.exists());
}

#[test]
fn exec_needs_a_command_and_at_most_one_account_of_each_cloud() {
    let harness = Harness::start();
    harness.login(ADA, &["azure"]).done();
    harness
        .mcm(&["add-tenant", "contoso", &guid("northwind.example")])
        .done();
    let output = harness
        .mcm(&["exec", "contoso", "northwind", "--", "true"])
        .failed(2);
    assert!(
        output.contains("Contoso")
            && output.contains("Northwind")
            && output.contains("Name one of them"),
        "{output}"
    );
    assert!(
        harness
            .mcm(&["exec", "contoso", "--active", "azure", "--", "true"])
            .failed(2)
            .contains("Name")
    );
    for arguments in [
        &["exec"][..],
        &["exec", "contoso"],
        &["exec", "--", "true"],
        &["exec", "contoso", "true"],
        &["exec", "--active", "ibm", "--", "true"],
        &["env"],
        &["env", "contoso", "--unset"],
        &["env", "--interactive", "--unset"],
        &["env", "contoso", "--shell", "nu"],
    ] {
        let ended = harness.mcm(arguments);
        assert_eq!(ended.status, 2, "{}", ended.stderr);
        let output = ended.stderr;
        assert!(
            output.contains("Usage: mcm")
                || output.contains("--help")
                || output.contains("--shell"),
            "{output}"
        );
    }
    assert!(
        harness
            .mcm(&["exec", "--active", "gcp", "--", "true"])
            .failed(1)
            .contains("mcm use ACCOUNT")
    );
}

#[test]
fn env_option_sets_plain_variables_and_shows_when_they_expire() {
    let harness = Harness::start();
    let [azure, gcp, aws] = three_clouds(&harness);
    let child = ExecChild::start(&harness, &["--env", &azure, &gcp, &aws]);
    let printed = harness.mcm(&["credential-process", &aws]).json();
    assert_eq!(child.get("AWS_ACCESS_KEY_ID"), printed["AccessKeyId"]);
    assert_eq!(
        child.get("AWS_SECRET_ACCESS_KEY"),
        printed["SecretAccessKey"]
    );
    assert_eq!(child.get("AWS_SESSION_TOKEN"), printed["SessionToken"]);
    let token = harness.mcm(&["token", &gcp]).done();
    assert_eq!(child.get("CLOUDSDK_AUTH_ACCESS_TOKEN"), token.trim());
    assert_eq!(child.get("GOOGLE_OAUTH_ACCESS_TOKEN"), token.trim());
    assert!(
        !child
            .variables
            .contains_key("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    );
    assert!(
        !fs::exists(child.get("GOOGLE_APPLICATION_CREDENTIALS")).expect("a path"),
        "Google's libraries find no identity"
    );
    assert_eq!(
        child.azure(ARM).status,
        200,
        "for Azure there are no plain ones"
    );
    assert_eq!(processes_that_show(&[token.trim().to_owned()]), [child.id]);

    let output = child.ended().stderr;
    let expires: Timestamp = printed["Expiration"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a time");
    assert!(
        output.contains(&format!("expires at {}", expires.strftime("%H:%M"))),
        "{output}"
    );
    assert_eq!(output.matches("expires at").count(), 2, "{output}");
}

#[test]
fn mcm_inside_a_command_uses_the_users_own_variables_and_never_its_own_endpoint() {
    let harness = Harness::start();
    let key = harness
        .sandbox
        .aws_access_key("ada")
        .expect("there is an ada");
    let keys = format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        key.id, key.secret
    );
    let config = harness.folder().join("my-config");
    write(
        &config,
        0o600,
        &format!("[default]\n{keys}[profile work]\n{keys}"),
    );
    let change = |command: &mut Command| {
        command
            .env_remove("AWS_ACCESS_KEY_ID")
            .env_remove("AWS_SECRET_ACCESS_KEY");
        command
            .env("AWS_CONFIG_FILE", &config)
            .env("AZURE_TENANT_ID", "contoso.example");
    };
    let outside = |arguments: &[&str]| {
        let mut command = harness.command(arguments);
        change(&mut command);
        Ended::of(command.output().expect("mcm starts")).done()
    };
    outside(&["login", "aws", "--print", "cli", "--source", "profile:work"]);
    outside(&["login", "aws", "--role-arn", &role("Reader")]);
    let aws = harness.account_of("aws");
    let child = ExecChild::start_with(&harness, &[&aws], change);
    assert_ne!(
        child.get("AWS_CONFIG_FILE"),
        config.to_str().expect("text"),
        "the command has a copy"
    );
    let inside = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcm"));
        command.args(arguments).env_clear().envs(&child.variables);
        Ended::of(command.output().expect("mcm starts"))
    };
    harness.forget_sessions();
    assert!(inside(&["credential-process", &aws]).json()["SecretAccessKey"].is_string());
    let settings = inside(&["doctor", "--json"]).result;
    assert!(
        settings.contains(sandbox_clouds::azure::CLIENT_ID),
        "{settings}"
    );

    // A role whose source is the default chain finds no credential here, least of all its own.
    write(&config, 0o600, "");
    harness.forget_sessions();
    harness.sandbox.forget_requests();
    assert_ne!(inside(&["credential-process", &aws]).status, 0);
    assert_eq!(harness.sandbox.requests(), []);
}

#[expect(clippy::disallowed_methods, reason = "a client's timeout is real time")]
fn now() -> Instant {
    Instant::now()
}
