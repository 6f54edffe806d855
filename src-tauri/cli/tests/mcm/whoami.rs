//! `mcm whoami`: what decides the identity of each tool.

use serde_json::Value;

use crate::aws::{connected, role};
use crate::harness::{ADA, Ended, Harness, write};

/// The row of a tool in a shell with these variables, and no others of AWS, Azure or Google.
fn whoami(harness: &Harness, tool: &str, variables: &[(&str, &str)]) -> Value {
    let all = run(harness, variables, &["whoami", "--json"]).json();
    let tools = all["tools"].as_array().expect("a list");
    tools
        .iter()
        .find(|row| row["tool"] == tool)
        .unwrap_or_else(|| panic!("no {tool} in {all}"))
        .clone()
}

fn run(harness: &Harness, variables: &[(&str, &str)], arguments: &[&str]) -> Ended {
    let mut command = harness.command(arguments);
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_REGION",
    ] {
        command.env_remove(name);
    }
    Ended::of(
        command
            .envs(variables.iter().copied())
            .output()
            .expect("mcm starts"),
    )
}

fn said<'a>(row: &'a Value, field: &str) -> &'a str {
    row[field]
        .as_str()
        .unwrap_or_else(|| panic!("no {field} in {row}"))
}

#[test]
fn the_json_is_as_documented() {
    let harness = Harness::without_keychain();
    let printed = run(
        &harness,
        &[
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "CANARY"),
        ],
        &["whoami", "--json"],
    )
    .done();
    assert!(
        !printed.contains("CANARY") && !printed.contains("IOSFODNN7"),
        "{printed}"
    );
    // As JSON writes Windows' paths.
    let home = harness.home().with_file_name("");
    let home = home.display().to_string().replace('\\', "\\\\");
    let expected = |tool: &str, provider: &str, source: &str, identity: &str, why: &str| {
        format!(
            r#"    {{
      "tool": "{tool}",
      "provider": "{provider}",
      "source": "{source}",
      "identity": {identity},
      "place": null,
      "account": null,
      "why": "{why}",
      "activeAccount": null,
      "isActive": null,
      "environment": null
    }}"#
        )
    };
    let key = "AWS_ACCESS_KEY_ID is set, which comes before every profile.";
    let az = format!("az is not signed in: {home}.azure has no profile. Run az login.");
    let tools = [
        expected("aws", "aws", "environment", "\"access key AKIA…MPLE\"", key),
        expected("az", "azure", "none", "null", &az),
        expected(
            "gcloud",
            "gcp",
            "none",
            "null",
            "gcloud's configuration default, the active one, names no account.",
        ),
        expected(
            "terraform-aws",
            "aws",
            "environment",
            "\"access key AKIA…MPLE\"",
            key,
        ),
        expected(
            "terraform-azurerm",
            "azure",
            "none",
            "null",
            &format!("Terraform uses az. {az}"),
        ),
        expected(
            "terraform-google",
            "gcp",
            "none",
            "null",
            "No variable names an identity, and there are no application default credentials. On a Google Cloud machine, the \
             machine's service account applies.",
        ),
    ];
    assert_eq!(
        printed,
        format!(
            "{{\n  \"environment\": null,\n  \"tools\": [\n{}\n  ]\n}}\n",
            tools.join(",\n")
        )
    );
}

#[test]
fn a_profile_of_ours_is_its_account_and_a_mismatch_with_the_account_in_use_is_pointed_out() {
    let harness = Harness::start();
    let reader = connected(&harness, "Reader");
    harness
        .mcm(&["configure", "aws", "--name", "reader", "--yes"])
        .done();
    harness.mcm(&["login", "aws", "--print", "cli"]).done();
    harness
        .mcm(&["login", "aws", "--role-arn", &role("LongReader")])
        .done();
    let profile = [("AWS_PROFILE", "reader")];
    let row = whoami(&harness, "aws", &profile);
    assert_eq!(
        (said(&row, "source"), said(&row, "account")),
        ("mcm-profile", reader.as_str())
    );
    assert_eq!(
        (said(&row, "identity"), said(&row, "place")),
        (role("Reader").as_str(), "eu-central-1")
    );
    let is_active = row["isActive"].as_bool().expect("both are known");
    harness.mcm(&["use", &reader]).done();
    assert_eq!(
        whoami(&harness, "terraform-aws", &profile)["isActive"],
        true
    );
    harness.mcm(&["use", &role("LongReader")]).done();
    assert!(!is_active || whoami(&harness, "aws", &profile)["isActive"] == false);
    let output = run(&harness, &profile, &["whoami"]).done();
    assert!(
        output
            .contains("AWS_PROFILE names the profile reader, which gets its credential from mcm."),
        "{output}"
    );
    assert!(
        output.contains("NOT the account in use, which is AWS Account (444455556666)"),
        "{output}"
    );

    let row = whoami(
        &harness,
        "aws",
        &[("AWS_PROFILE", "reader"), ("AWS_DEFAULT_PROFILE", "nobody")],
    );
    assert_eq!(
        said(&row, "source"),
        "broken",
        "the command line lets the older name win"
    );
}

#[test]
fn inside_mcm_exec_it_is_the_served_account() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    harness.login(ADA, &["gcp"]).done();
    let gcp = harness.mcm(&["accounts", "--json"]).json()["accounts"]
        .as_array()
        .and_then(|rows| {
            rows.iter()
                .find(|row| row["provider"] == "gcp")
                .map(|row| said(row, "id").to_owned())
        })
        .expect("connected");
    let served = format!("{aws},{gcp}");
    let file = harness.home().join("google.json");
    write(
        &file,
        0o600,
        r#"{"type":"external_account_authorized_user","token_url":"http://127.0.0.1:9/x/token"}"#,
    );
    let file = file.display().to_string();
    let variables = [
        ("MCM_EXEC", served.as_str()),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://127.0.0.1:9/CANARY",
        ),
        ("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", &file),
        ("GOOGLE_APPLICATION_CREDENTIALS", &file),
    ];
    for (tool, account) in [
        ("aws", &aws),
        ("terraform-aws", &aws),
        ("gcloud", &gcp),
        ("terraform-google", &gcp),
    ] {
        let row = whoami(&harness, tool, &variables);
        assert_eq!(
            (said(&row, "source"), said(&row, "account")),
            ("mcm-exec", account.as_str()),
            "{row}"
        );
        assert_eq!(row["isActive"], true);
    }
    assert!(
        !run(&harness, &variables, &["whoami"])
            .done()
            .contains("CANARY")
    );
    let elsewhere = [
        ("MCM_EXEC", aws.as_str()),
        (
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://169.254.170.23/v1",
        ),
    ];
    assert_eq!(
        said(&whoami(&harness, "aws", &elsewhere), "source"),
        "machine"
    );
}

#[test]
fn az_and_gcloud_use_their_own_sign_in() {
    let harness = Harness::start();
    harness.login(ADA, &["azure"]).done();
    let account = &harness.mcm(&["accounts", "--json"]).json()["accounts"][0];
    let azure = harness.home().join("az");
    let profile = |user: &str, kind: &str| {
        let text = format!(
            "\u{feff}{{\"subscriptions\":[{{\"id\":\"other\"}},{{\"id\":\"sub-1\",\"isDefault\":true,\"tenantId\":\"{}\",\
             \"user\":{{\"name\":\"{user}\",\"type\":\"{kind}\"}}}}]}}",
            said(account, "tenantId")
        );
        write(&azure.join("azureProfile.json"), 0o600, &text);
    };
    let folder = azure.display().to_string();
    let variables = [("AZURE_CONFIG_DIR", folder.as_str())];
    profile(ADA, "user");
    let row = whoami(&harness, "az", &variables);
    assert_eq!(
        (said(&row, "source"), &row["account"], said(&row, "place")),
        ("command-line", &account["id"], "sub-1")
    );
    assert_eq!(
        whoami(&harness, "terraform-azurerm", &variables)["account"],
        account["id"]
    );
    profile("eve@elsewhere.example", "user");
    let row = whoami(&harness, "az", &variables);
    assert_eq!(
        (said(&row, "identity"), &row["isActive"]),
        ("eve@elsewhere.example", &Value::Bool(false))
    );
    let secret = [
        variables[0],
        ("ARM_CLIENT_ID", "app-1"),
        ("ARM_CLIENT_SECRET", "CANARY"),
    ];
    let row = whoami(&harness, "terraform-azurerm", &secret);
    assert_eq!(
        (said(&row, "source"), said(&row, "identity")),
        ("environment", "app-1")
    );

    let gcloud = harness.home().join("gcloud");
    write(&gcloud.join("active_config"), 0o600, "work\n");
    write(
        &gcloud.join("configurations/config_work"),
        0o600,
        "[core]\naccount = eve@elsewhere.example\nproject = p-1\n[compute]\nproject = not-this\n",
    );
    let folder = gcloud.display().to_string();
    let row = whoami(&harness, "gcloud", &[("CLOUDSDK_CONFIG", &folder)]);
    assert_eq!(
        (said(&row, "identity"), said(&row, "place")),
        ("eve@elsewhere.example", "p-1")
    );
    assert!(
        said(&row, "why").contains("configuration work, the active one"),
        "{row}"
    );
    let row = whoami(
        &harness,
        "gcloud",
        &[
            ("CLOUDSDK_CONFIG", &folder),
            ("CLOUDSDK_ACTIVE_CONFIG_NAME", "../x"),
        ],
    );
    assert_eq!(said(&row, "source"), "none");
}

#[test]
fn profiles_of_aws_are_read_in_the_order_of_its_tools() {
    let harness = Harness::without_keychain();
    let folder = harness.home().with_file_name(".aws");
    write(
        &folder.join("config"),
        0o600,
        "[default]\nregion = eu-west-1\n[profile r]\nrole_arn = arn:aws:iam::1:role/R\nsource_profile = k\n[profile s]\n\
         sso_session = x\nsso_account_id = 444455556666\nsso_role_name = Admin\n[profile p]\ncredential_process = \
         /bin/other\n[profile gone]\ncredential_process = mcm credential-process aws-000000000000\n",
    );
    write(
        &folder.join("credentials"),
        0o600,
        "[k]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = CANARY\n",
    );
    for (profile, source, identity) in [
        ("r", "role", Some("arn:aws:iam::1:role/R")),
        ("s", "sign-in", Some("Admin in 444455556666")),
        ("k", "file", Some("access key AKIA…MPLE")),
        ("p", "process", None),
        ("gone", "broken", None),
        ("nobody", "broken", None),
    ] {
        let row = whoami(&harness, "aws", &[("AWS_PROFILE", profile)]);
        assert_eq!(
            (said(&row, "source"), row["identity"].as_str()),
            (source, identity),
            "{profile}"
        );
    }
    let row = whoami(&harness, "aws", &[]);
    assert_eq!(
        (said(&row, "source"), said(&row, "place")),
        ("none", "eu-west-1")
    );
    let federated = [
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"),
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/W"),
    ];
    assert_eq!(
        said(&whoami(&harness, "aws", &federated), "identity"),
        "arn:aws:iam::1:role/W"
    );
}

/// Az PowerShell reads its saved context from one folder of the user, which no variable replaces.
#[test]
fn az_powershell_has_a_context_of_its_own_and_mcm_exec_says_so() {
    let harness = Harness::start();
    harness.login(ADA, &["azure"]).done();
    let id = harness.account_of("azure");
    let rows = || {
        let all = run(&harness, &[], &["whoami", "--json"]).json();
        let tools = all["tools"].as_array().expect("a list").clone();
        let mut found = tools
            .into_iter()
            .filter(|row| row["tool"] == "az-powershell");
        (found.next(), found.next())
    };
    assert_eq!(rows(), (None, None), "nothing is saved");
    let folder = harness.folder().join(".Azure");
    let tenant = harness.mcm(&["accounts", "--json"]).json()["accounts"][0]["tenantId"].clone();
    let context = |user: &str| {
        let context = serde_json::json!({
            "DefaultContextKey": "one",
            "EnvironmentTable": {},
            "Contexts": { "one": {
                "Account": { "Id": user, "Credential": null, "Type": "User" },
                "Tenant": { "Id": tenant },
                "Subscription": { "Id": "9ab3a7a0-0000-4000-8000-000000000001", "Name": "Production" },
                "TokenCache": { "CacheData": "CANARY" },
            }},
        });
        write(
            &folder.join("AzureRmContext.json"),
            0o600,
            &format!("\u{feff}{context}"),
        );
    };
    let exec = || harness.mcm(&["exec", &id, "--", env!("CARGO_BIN_EXE_mcm"), "version"]);
    context("mallory@fabrikam.example");
    let (row, _) = rows();
    let row = row.expect("it is shown");
    assert_eq!(row["identity"], "mallory@fabrikam.example");
    assert_eq!(
        (&row["source"], &row["account"]),
        (&"command-line".into(), &Value::Null)
    );
    assert!(!row.to_string().contains("CANARY"));
    let ended = exec();
    assert!(
        ended
            .stderr
            .contains("Az PowerShell starts as mallory@fabrikam.example")
            && ended
                .stderr
                .contains("Connect-AzAccount -Identity -Scope Process"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.status, 0);
    context(ADA);
    assert_eq!(rows().0.expect("it is shown")["account"], id.as_str());
    assert!(!exec().stderr.contains("Az PowerShell"));
    context("mallory@fabrikam.example");
    let off = r#"{"Mode":"Process"}"#;
    write(&folder.join("AzureRmContextSettings.json"), 0o600, off);
    assert_eq!(rows(), (None, None), "saving is switched off");
    assert!(!exec().stderr.contains("Az PowerShell"));
}
