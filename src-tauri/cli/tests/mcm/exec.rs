//! `mcm exec`: what a command gets, what it can fetch, and who cannot.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sandbox_clouds::{Endpoint, Fault, guid};
use serde_json::Value;

use crate::aws::{connected, role};
use crate::harness::{ADA, Ended, Harness, write};
use crate::lent::{Lent, get, post, processes_that_show, send};

const ARM: &str = "https://management.azure.com";

/// One account of each cloud; their ids, in the order of `Cloud::ALL`.
fn three_clouds(harness: &Harness) -> [String; 3] {
    connected(harness, "Reader");
    harness.login(ADA, &["azure"]).done();
    harness.login(ADA, &["gcp"]).done();
    harness.sandbox.forget_requests();
    ["azure", "gcp", "aws"].map(|provider| harness.account_of(provider))
}

#[test]
fn every_cloud_is_lent_in_its_own_form_and_is_the_one_that_mcm_hands_out() {
    let harness = Harness::start();
    let [azure, gcp, aws] = three_clouds(&harness);
    harness.mcm(&["use", &azure, "production"]).done();
    harness.mcm(&["use", &gcp, "contoso-production"]).done();
    harness.mcm(&["use", &aws, "eu-north-1"]).done();
    let lent = Lent::start_with(&harness, &[&azure, &gcp, &aws], |command| {
        command.env_remove("AWS_REGION");
    });

    let credential = lent.aws();
    let printed = harness.mcm(&["credential-process", &aws]).json();
    for name in ["AccessKeyId", "SecretAccessKey", "Expiration", "AccountId"] {
        assert_eq!(credential.text(name), printed[name], "{name}");
    }
    assert_eq!(credential.text("Token"), printed["SessionToken"]);

    let token = harness.mcm(&["token", &azure, "--json"]).json();
    for resource in [ARM, "https://management.core.windows.net/"] {
        let msi = format!(
            "{}?api-version=2018-02-01&resource={resource}",
            lent.get("ARM_MSI_ENDPOINT")
        );
        for answer in [lent.azure(resource), get(&msi, &[("Metadata", "true")])] {
            assert_eq!(answer.text("access_token"), token["accessToken"]);
            assert_eq!(answer.text("expires_on"), token["expires_on"].to_string());
            assert_eq!(
                (answer.text("resource"), answer.text("token_type")),
                (resource.into(), "Bearer".into())
            );
        }
    }

    let form = "grant_type=refresh_token&refresh_token=HANDLE";
    let answer = lent.google("token_url", form);
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
        lent.google("token_info_url", "token=HANDLE")
            .text("username"),
        ADA
    );
    let told = lent.google("token_info_url", "token=another").json();
    assert_eq!(told, serde_json::json!({ "active": false }));
    // gcloud's own client is everybody's, so the handle has to do for it.
    let gcloud = (
        "Authorization",
        "Basic MzI1NTU5NDA1NTkuYXBwcy5nb29nbGV1c2VyY29udGVudC5jb206eA==",
    );
    let file = lent.google_file();
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
        assert_eq!(lent.get(name), value, "{name}");
    }
    assert_eq!(harness.sandbox.requests(), [], "nobody was asked");
    let happened = harness
        .mcm(&["activity", &aws, "--json", "--limit", "2"])
        .json();
    assert_eq!(happened["activity"][1]["what"]["to"], "sh");
    assert_eq!(lent.ended().done(), "");
}

#[test]
fn another_resource_of_azure_is_lent_and_what_is_none_is_told() {
    let harness = Harness::start();
    let azure = harness.connected(false);
    let lent = Lent::start(&harness, &[&azure]);
    // Its first session is made at a server, which a client may have to ask for twice.
    harness.until("its session is made", || {
        lent.azure("https://vault.azure.net").status == 200
    });
    let vault = lent.azure("https://vault.azure.net");
    assert_ne!(
        vault.text("access_token"),
        lent.azure(ARM).text("access_token")
    );
    assert!(
        harness
            .sandbox
            .secrets()
            .contains(&vault.text("access_token"))
    );
    let refused = lent.azure("nonsense");
    assert_eq!(refused.status, 400);
    assert!(
        refused.body.contains("is no resource of Azure"),
        "{}",
        refused.body
    );
}

#[test]
fn no_secret_of_a_cloud_is_given_to_the_command_or_shown_by_any_process_or_file() {
    let harness = Harness::start();
    let accounts = three_clouds(&harness);
    let lent = Lent::start(&harness, &accounts.each_ref().map(String::as_str));
    lent.aws();
    lent.azure(ARM);
    lent.google("token_url", "grant_type=refresh_token&refresh_token=HANDLE");
    let clouds = harness.secrets_of_the_clouds();
    assert!(clouds.len() > 5);
    assert_eq!(processes_that_show(&clouds), Vec::<u32>::new());
    let doors = [
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "IDENTITY_ENDPOINT",
        "ARM_MSI_ENDPOINT",
    ];
    let doors = doors.map(|name| {
        lent.get(name)
            .split('/')
            .nth(3)
            .expect("a secret")
            .to_owned()
    });
    let headers = ["IDENTITY_HEADER", "AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        .map(|name| lent.get(name).to_owned());
    let ours = [&doors[..], &headers].concat();
    assert_eq!(
        processes_that_show(&ours),
        [lent.id],
        "the command alone has this run's secrets"
    );
    let handles = ["client_secret", "refresh_token"]
        .map(|name| lent.google_file()[name].as_str().expect("text").to_owned());
    assert_eq!(processes_that_show(&handles), Vec::<u32>::new());

    let path = lent.get("GOOGLE_APPLICATION_CREDENTIALS").to_owned();
    let mode = |path: &std::path::Path| {
        fs::metadata(path)
            .expect("it is there")
            .permissions()
            .mode()
            & 0o777
    };
    let path = std::path::Path::new(&path);
    let folder = path.parent().expect("in a folder");
    assert_eq!((mode(path), mode(folder)), (0o600, 0o700));
    let file = fs::read_to_string(path).expect("it is ours");
    assert!(
        clouds
            .iter()
            .chain(&ours)
            .all(|secret| !file.contains(secret.as_str()))
    );
    let files = harness.files();
    let mut secrets = clouds.iter().chain(&ours).chain(&handles);
    assert!(
        secrets.all(|secret| !files.contains(secret.as_str())),
        "nor is one in the log"
    );
    lent.ended().done();
    assert!(!folder.exists(), "the folder goes with the command");
}

#[test]
fn whoever_lacks_a_secret_or_is_a_web_page_is_refused() {
    let harness = Harness::start();
    let [azure, gcp, aws] = three_clouds(&harness);
    let lent = Lent::start(&harness, &[&azure, &gcp, &aws]);
    let address = lent.get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let token = lent.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    let right = ("Authorization", token);
    let (origin, path) = address.split_at(address.rfind("/aws").expect("as given"));
    let port = origin["http://127.0.0.1:".len()..]
        .split('/')
        .next()
        .expect("a port")
        .to_owned();
    let identity = lent.get("IDENTITY_ENDPOINT");
    let asked = format!("{identity}?api-version=2019-08-01&resource={ARM}");
    let header = ("X-IDENTITY-HEADER", lent.get("IDENTITY_HEADER"));
    let msi = format!("{}?resource={ARM}", lent.get("ARM_MSI_ENDPOINT"));
    let file = lent.google_file();
    let google = file["token_url"].as_str().expect("an address");
    let form = format!(
        "grant_type=refresh_token&refresh_token={}",
        file["refresh_token"].as_str().expect("text")
    );
    let localhost = format!("localhost:{port}");
    let other = format!("http://127.0.0.1:{port}");
    let rebound = format!("evil.example:{port}");

    let answers = [
        ("no token", get(address, &[])),
        (
            "a wrong token",
            get(address, &[("Authorization", &token[1..])]),
        ),
        ("two tokens", get(address, &[right, right])),
        (
            "a token and a bearer's name",
            get(address, &[("Authorization", &format!("Bearer {token}"))]),
        ),
        (
            "a path without its secret",
            get(&format!("{other}/aws"), &[right]),
        ),
        (
            "a wrong secret in the path",
            get(&format!("{other}/{token}{path}"), &[right]),
        ),
        ("a longer path", get(&format!("{address}/"), &[right])),
        ("parameters", get(&format!("{address}?a=b"), &[right])),
        ("another method", post(address, &[right], "")),
        (
            "a name for this machine",
            get(address, &[right, ("Host", &localhost)]),
        ),
        (
            "a name rebound to this machine",
            get(address, &[right, ("Host", &rebound)]),
        ),
        ("no port", get(address, &[right, ("Host", "127.0.0.1")])),
        (
            "a web page",
            get(address, &[right, ("Origin", "https://evil.example")]),
        ),
        (
            "a page of this endpoint's own",
            get(address, &[right, ("Origin", &other)]),
        ),
        (
            "a page without a name",
            get(address, &[right, ("Origin", "null")]),
        ),
        (
            "a browser",
            get(
                address,
                &[
                    right,
                    ("Sec-Fetch-Site", "none"),
                    ("Sec-Fetch-Mode", "navigate"),
                ],
            ),
        ),
        (
            "a whole address",
            send("GET", &format!("{other}//{other}"), &[right], ""),
        ),
        (
            "azure without its header",
            get(&asked, &[("Metadata", "true")]),
        ),
        (
            "azure with another door's secret",
            get(&asked, &[("X-IDENTITY-HEADER", token)]),
        ),
        (
            "azure by another version",
            get(&asked.replace("2019-08-01", "2017-09-01"), &[header]),
        ),
        (
            "azure for one of many identities",
            get(&format!("{asked}&client_id=x"), &[header]),
        ),
        (
            "azure for two resources",
            get(&format!("{asked}&resource={ARM}"), &[header]),
        ),
        (
            "azure for none",
            get(&format!("{identity}?api-version=2019-08-01"), &[header]),
        ),
        ("terraform without Metadata", get(&msi, &[])),
        (
            "terraform at the other door",
            get(
                &format!("{identity}-msi?resource={ARM}"),
                &[("Metadata", "true")],
            ),
        ),
        ("google without its client", post(google, &[], &form)),
        (
            "google with a wrong client",
            post(google, &[("Authorization", "Basic bWNtOng=")], &form),
        ),
        (
            "google with a wrong handle",
            lent.google("token_url", "grant_type=refresh_token&refresh_token=x"),
        ),
        (
            "google with another grant",
            lent.google("token_url", "grant_type=password&refresh_token=HANDLE"),
        ),
        (
            "a body that is too long",
            lent.google("token_url", &"x".repeat(9000)),
        ),
    ];
    let secrets = harness.sandbox.secrets();
    for (what, answer) in answers {
        assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
        assert!(
            !secrets
                .iter()
                .any(|secret| answer.body.contains(secret.as_str())),
            "{what}"
        );
    }
    assert_eq!(lent.aws().status, 200, "and the command is still served");
    let node = [right, ("Sec-Fetch-Mode", "cors")];
    assert_eq!(
        get(address, &node).status,
        200,
        "Node's own fetch is no browser"
    );
}

#[test]
fn another_user_of_this_machine_is_refused_even_with_the_secrets() {
    let harness = Harness::start();
    connected(&harness, "Reader");
    let lent = Lent::start(&harness, &["--active", "aws"]);
    let program = "import sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={'Authorization': sys.argv[2]})
try: print(urllib.request.urlopen(request).status)
except Exception as error: print(type(error).__name__)";
    let address = lent.get("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    let token = lent.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    let ask = |as_somebody_else: &[&str]| {
        let words = [
            as_somebody_else,
            &["/usr/bin/python3", "-c", program, address, token],
        ]
        .concat();
        let output = Command::new(words[0])
            .args(&words[1..])
            .output()
            .expect("python3 and setpriv are there");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(ask(&["env"]), "200");
    // Only the administrator can run a process as another user.
    if rustix::process::getuid().is_root() {
        let somebody = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ];
        let refused = ask(&somebody);
        assert!(
            ["RemoteDisconnected", "ConnectionResetError", "URLError"].contains(&&*refused),
            "{refused}"
        );
        let environ = format!("/proc/{}/environ", lent.id);
        let read = Command::new(somebody[0])
            .args(&somebody[1..])
            .args(["cat", &environ])
            .output();
        assert!(
            !read.expect("cat is there").status.success(),
            "nor can it read the secrets"
        );
    }
}

#[test]
fn variables_and_profiles_that_would_win_are_kept_from_the_command_and_others_are_not() {
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
    let lent = Lent::start_with(&harness, &[&aws], |command| {
        command.envs(stale.iter().chain(&others).map(|name| (name, "stale")));
    });
    for name in stale
        .iter()
        .chain(&["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    {
        assert!(!lent.variables.contains_key(*name), "{name}");
    }
    for name in others {
        assert_eq!(
            lent.get(name),
            "stale",
            "{name} is of no cloud that was asked for"
        );
    }
    let copy = fs::read_to_string(lent.get("AWS_CONFIG_FILE")).expect("a copy");
    assert_eq!(
        copy,
        "[default]\nregion = us-east-1\n[profile other]\nrole_arn = kept\n"
    );
    let copy = fs::read_to_string(lent.get("AWS_SHARED_CREDENTIALS_FILE")).expect("a copy");
    assert_eq!(copy, "[default]\n");
    assert!(
        fs::read_to_string(config)
            .expect("the person's own")
            .contains("sso_session"),
        "nothing is rewritten"
    );
}

#[test]
fn what_is_in_use_is_followed_while_the_command_runs() {
    let harness = Harness::start();
    harness.login(ADA, &["azure"]).done();
    let northwind = guid("northwind.example");
    harness.mcm(&["add-tenant", "contoso", &northwind]).done();
    let token = |name: &str| harness.mcm(&["token", name]).done().trim().to_owned();
    harness.mcm(&["use", "contoso"]).done();
    let follows = Lent::start(&harness, &["--active", "azure"]);
    let stays = Lent::start(&harness, &["contoso"]);
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
fn a_locked_keychain_and_a_slow_server_keep_nobody_waiting_while_something_is_valid() {
    let harness = Harness::start();
    let azure = harness.connected(false);
    let lent = Lent::start(&harness, &[&azure]);
    let token = harness.mcm(&["token", &azure]).done();
    harness.forget_sessions();
    harness
        .sandbox
        .faults()
        .next(Endpoint::AzureToken, Fault::Latency(3000));
    let asked_at = now();
    assert_eq!(
        lent.azure(ARM).text("access_token"),
        token.trim(),
        "the one that is good for an hour"
    );
    assert!(
        asked_at.elapsed() < Duration::from_secs(2),
        "no client waits longer"
    );
    harness.until("the renewal ends", || {
        lent.azure(ARM).text("access_token") != token.trim()
    });
    let renewed = lent.azure(ARM).text("access_token");
    harness.lock_keychain();
    assert_eq!(lent.azure(ARM).text("access_token"), renewed);
}

#[test]
fn nothing_is_lent_that_is_nearly_over_and_the_client_is_told_why_or_to_try_again() {
    let harness = Harness::start();
    harness
        .sandbox
        .set_access_token_life(Duration::from_secs(50));
    harness.login(ADA, &["azure"]).done();
    let azure = harness.account_of("azure");
    let lent = Lent::start(&harness, &[&azure]);
    harness.forget_sessions();
    harness
        .sandbox
        .faults()
        .next(Endpoint::AzureToken, Fault::Latency(3000));
    let asked_at = now();
    let busy = lent.azure(ARM);
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
    harness.until("the renewal ends", || lent.azure(ARM).status == 200);

    harness.forget_sessions();
    harness.sandbox.revoke_all(ADA);
    let refused = lent.azure(ARM);
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
fn an_account_that_was_disconnected_is_lent_no_more() {
    let harness = Harness::start();
    let aws = connected(&harness, "Reader");
    let lent = Lent::start(&harness, &[&aws]);
    assert_eq!(lent.aws().status, 200);
    harness.mcm(&["logout", &aws]).done();
    let refused = lent.aws();
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
    let told = harness
        .mcm(&["exec", &azure, "--", "touch", mark.to_str().expect("text")])
        .failed(3);
    assert!(
        told.contains(&format!(
            "mcm login azure --tenant {}",
            guid("contoso.example")
        )),
        "{told}"
    );
    assert!(!mark.exists());
}

#[test]
fn one_account_of_each_cloud_and_a_command_are_asked_for() {
    let harness = Harness::start();
    harness.login(ADA, &["azure"]).done();
    harness
        .mcm(&["add-tenant", "contoso", &guid("northwind.example")])
        .done();
    let told = harness
        .mcm(&["exec", "contoso", "northwind", "--", "true"])
        .failed(2);
    assert!(
        told.contains("Contoso") && told.contains("Northwind") && told.contains("Name one of them"),
        "{told}"
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
        assert_eq!(ended.status, 2, "{}", ended.told);
        let told = ended.told;
        assert!(
            told.contains("Usage: mcm") || told.contains("--help") || told.contains("--shell"),
            "{told}"
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
fn plain_variables_are_given_when_asked_for_with_how_long_they_last() {
    let harness = Harness::start();
    let [azure, gcp, aws] = three_clouds(&harness);
    let lent = Lent::start(&harness, &["--env", &azure, &gcp, &aws]);
    let printed = harness.mcm(&["credential-process", &aws]).json();
    assert_eq!(lent.get("AWS_ACCESS_KEY_ID"), printed["AccessKeyId"]);
    assert_eq!(
        lent.get("AWS_SECRET_ACCESS_KEY"),
        printed["SecretAccessKey"]
    );
    assert_eq!(lent.get("AWS_SESSION_TOKEN"), printed["SessionToken"]);
    let token = harness.mcm(&["token", &gcp]).done();
    assert_eq!(lent.get("CLOUDSDK_AUTH_ACCESS_TOKEN"), token.trim());
    assert_eq!(lent.get("GOOGLE_OAUTH_ACCESS_TOKEN"), token.trim());
    assert!(
        !lent
            .variables
            .contains_key("AWS_CONTAINER_CREDENTIALS_FULL_URI")
    );
    assert!(
        !fs::exists(lent.get("GOOGLE_APPLICATION_CREDENTIALS")).expect("a path"),
        "Google's libraries find no identity"
    );
    assert_eq!(
        lent.azure(ARM).status,
        200,
        "for Azure there are no plain ones"
    );
    assert_eq!(processes_that_show(&[token.trim().to_owned()]), [lent.id]);

    let told = lent.ended().told;
    let expires: Timestamp = printed["Expiration"]
        .as_str()
        .expect("text")
        .parse()
        .expect("a time");
    assert!(
        told.contains(&format!("good until {}", expires.strftime("%H:%M"))),
        "{told}"
    );
    assert_eq!(told.matches("good until").count(), 2, "{told}");
}

#[test]
fn mcm_inside_a_command_goes_by_the_persons_own_variables_and_never_asks_its_own_endpoint() {
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
    let lent = Lent::start_with(&harness, &[&aws], change);
    assert_ne!(
        lent.get("AWS_CONFIG_FILE"),
        config.to_str().expect("text"),
        "the command has a copy"
    );
    let inside = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcm"));
        command.args(arguments).env_clear().envs(&lent.variables);
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

#[expect(
    clippy::disallowed_methods,
    reason = "how long a client waits is real time"
)]
fn now() -> Instant {
    Instant::now()
}
