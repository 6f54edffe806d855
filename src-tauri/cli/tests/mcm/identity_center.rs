//! AWS IAM Identity Center: one sign-in, and each of its roles by name in every command.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use mcm_core::file::RunFolder;
use mcm_core::world::{Clock as _, SystemClock};
use sandbox_clouds::Endpoint;
use sandbox_clouds::aws::identity_center::SsoDirectory;
use sandbox_clouds::browser::Browser;
use serde_json::{Value, json};

use crate::harness::{Begun, Harness, everything_below, install_script, write};
use crate::login::page_and_code;

pub(crate) const READER: &str = "012345678901/ReadOnly";

/// Signs in to the sandbox's portal and gives the account's id.
pub(crate) fn connected(harness: &Harness) -> String {
    let start_url = harness.sandbox.start_url().to_string();
    let begun = harness.begin(&["login", "aws", "--sso-start-url", &start_url]);
    let page = harness.next_page();
    harness.browse(&Browser::new(), &page);
    begun.ended().done();
    harness.account_of("aws")
}

fn row(harness: &Harness) -> Value {
    harness.mcm(&["accounts", "--json"]).json()["accounts"][0].clone()
}

#[test]
fn one_sign_in_gives_every_role_and_each_is_named_behind_its_account() {
    // I14, I30
    let harness = Harness::start();
    let start_url = harness.sandbox.start_url().to_string();
    let begun = harness.begin(&["login", "aws", "--sso-start-url", &start_url]);
    let page = harness.next_page();
    harness.browse(&Browser::new(), &page);
    let ended = begun.ended();
    assert!(
        ended
            .stderr
            .contains("in eu-west-1 (from the portal's page"),
        "{}",
        ended.stderr
    );
    let message = ended.done();
    assert!(
        message.contains("identity   ada") && message.contains("roles      6"),
        "{message}"
    );
    let row = row(&harness);
    let id = row["id"].as_str().expect("an id");
    assert_eq!(
        (
            &row["kind"],
            &row["startUrl"],
            &row["ssoRegion"],
            &row["userName"]
        ),
        (
            &json!("identity-center"),
            &json!(start_url),
            &json!("eu-west-1"),
            &json!("ada")
        )
    );
    assert_eq!(row["roles"].as_array().expect("a list").len(), 6);
    assert_eq!(row["roles"][5], READER);

    let asked = format!("{id}/{READER}");
    let first = harness.mcm(&["credential-process", &asked]).json();
    assert_eq!(
        (&first["Version"], &first["AccountId"]),
        (&json!(1), &json!("012345678901"))
    );
    let until: Timestamp = first["Expiration"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("RFC 3339");
    assert!(until.duration_since(SystemClock.now()) > SignedDuration::from_mins(15));
    harness.sandbox.forget_requests();
    assert_eq!(
        harness.mcm(&["credential-process", &asked]).json(),
        first,
        "it is in the keychain"
    );
    let by_name = harness
        .mcm(&["credential-process", "identity-center/Labs: R&D/readonly"])
        .json();
    assert_eq!(by_name, first);
    assert!(harness.sandbox.requests().is_empty());

    let message = harness.mcm(&["credential-process", id]).failed(2);
    assert!(message.contains("Name one"), "{message}");
    let message = harness.mcm(&["token", &asked]).failed(1);
    assert!(message.contains("has no access token"), "{message}");
    let message = harness
        .mcm(&["credential-process", &format!("{id}/012345678901/Nobody")])
        .failed(1);
    assert!(message.contains("not assigned to you"), "{message}");

    harness.mcm(&["use", id, READER]).done();
    assert_eq!(
        harness.mcm(&["credential-process", "--active"]).json(),
        first
    );
    for folder in [".aws/sso", ".aws/cli/cache"] {
        assert!(!harness.folder().join(folder).exists(), "{folder}");
    }
    harness.assert_no_secret_in(&harness.files());
}

/// The argument lists of every process, while this lives.
struct Arguments {
    seen: Arc<Mutex<HashSet<String>>>,
    ends: Arc<AtomicBool>,
}

impl Arguments {
    fn watch() -> Self {
        let (seen, ends) = (Arc::<Mutex<HashSet<String>>>::default(), Arc::default());
        let watching = Self { seen, ends };
        let (seen, ends) = (watching.seen.clone(), watching.ends.clone());
        std::thread::spawn(move || {
            while !ends.load(Ordering::SeqCst) {
                let processes = fs::read_dir("/proc").expect("Linux").flatten();
                let lists = processes.filter_map(|process| {
                    let list = fs::read(process.path().join("cmdline")).ok()?;
                    Some(String::from_utf8_lossy(&list).replace('\0', " "))
                });
                seen.lock().expect("unpoisoned").extend(lists);
            }
        });
        watching
    }

    fn seen(&self) -> String {
        self.ends.store(true, Ordering::SeqCst);
        let seen = self.seen.lock().expect("unpoisoned");
        seen.iter().cloned().collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn no_secret_of_a_sign_in_is_in_a_log_an_error_a_file_or_an_argument_list() {
    // I35
    let harness = Harness::start();
    let arguments = Arguments::watch();
    let mut said = String::new();
    let start_url = harness.sandbox.start_url().to_string();
    let login = ["login", "aws", "--sso-start-url", &start_url];
    let begun = harness.begin(&login);
    let page = harness.next_page();
    harness.browse(&Browser::new().refuse_consent(), &page);
    said.push_str(&begun.ended().stderr);
    let mut begun = harness.begin(&[&login[..], &["--device-code"]].concat());
    let (page, code) = page_and_code(begun.stderr_until("Ctrl-C cancels"));
    harness.browse(&Browser::new().with_user_code(&code), &page);
    said.push_str(&begun.ended().stderr);
    let id = harness.account_of("aws");
    let asked = format!("{id}/{READER}");
    let commands: [&[&str]; 12] = [
        &["console", &asked, "--print"],
        &["exec", &asked, "--", "true"],
        &["exec", "--env", &asked, "--", "true"],
        &["targets", &id],
        &["accounts", "--json"],
        &["activity"],
        &["doctor"],
        &["whoami"],
        &["configure", "aws", &id, "--all", "--yes"],
        &["token", &asked],
        &["credential-process", &format!("{id}/012345678901/Nobody")],
        &["pin", &asked],
    ];
    // Twice: as a role of the keychain, and with a token and credentials that have to be renewed.
    for _ in 0..2 {
        harness.mcm(&["credential-process", &asked]).json();
        for words in commands {
            let ended = harness.mcm(words);
            said.push_str(&ended.result);
            said.push_str(&ended.stderr);
        }
        harness.sandbox.reject_identity_center_tokens();
        harness.forget_sessions();
    }
    harness.sandbox.end_identity_center_session("ada");
    harness.forget_sessions();
    harness.sandbox.reject_identity_center_tokens();
    let refused = harness.mcm(&["credential-process", &asked]);
    said.push_str(&refused.stderr);
    refused.failed(3);
    let left = everything_below(harness.home()) + &everything_below(harness.folder().join(".aws"));
    let ended = harness.mcm(&["logout", &id, "--identity-center"]);
    said.push_str(&ended.stderr);
    let arguments = arguments.seen();
    assert!(arguments.contains("credential-process"), "they are seen");
    assert!(left.contains("the command failed"), "the log is searched");
    for secret in harness.sandbox.secrets() {
        for (place, text) in [
            ("output", &said),
            ("files", &left),
            ("arguments", &arguments),
        ] {
            assert!(!text.contains(&secret), "{place}: a secret was shown");
        }
    }
}

#[test]
fn a_command_and_a_shell_work_as_the_role_that_is_named() {
    let harness = Harness::start();
    let id = connected(&harness);
    let asked = format!("{id}/{READER}");
    let lines = harness.mcm(&["env", "--shell", "bash", &asked]).done();
    assert!(
        lines.contains("AWS_ACCESS_KEY_ID") && lines.contains("AWS_REGION='eu-central-1'"),
        "{lines}"
    );
    let shown = harness
        .mcm(&[
            "exec",
            "--env",
            &asked,
            "--",
            "printenv",
            "AWS_ACCESS_KEY_ID",
        ])
        .done();
    assert!(shown.starts_with("ASIA"), "{shown}");
    let script = "test -n \"$AWS_CONTAINER_CREDENTIALS_FULL_URI\" && echo served";
    assert_eq!(
        harness
            .mcm(&["exec", &asked, "--", "sh", "-c", script])
            .done(),
        "served\n"
    );
    let token = harness
        .mcm(&["kube-token", &asked, "--cluster", "production"])
        .json();
    assert!(
        token["status"]["token"]
            .as_str()
            .is_some_and(|token| token.starts_with("k8s-aws-v1."))
    );
}

fn end(process: &str) {
    let ends = std::process::Command::new("kill").arg(process).status();
    assert!(ends.expect("procps").success());
}

#[test]
fn the_console_opens_as_the_role_that_is_named_in_the_browser_or_in_a_window_of_its_own() {
    // I33
    let harness = Harness::start();
    let id = connected(&harness);
    let asked = format!("{id}/{READER}");
    let begun = harness.begin(&["console", &asked]);
    let page = harness.next_page();
    assert!(
        page.contains("/start/#/console?account_id=012345678901&role_name=ReadOnly&"),
        "{page}"
    );
    let ended = begun.ended();
    assert!(
        ended
            .stderr
            .contains("Labs: R&D / ReadOnly opens in your browser"),
        "{}",
        ended.stderr
    );
    ended.done();
    let printed = harness.mcm(&["console", &asked, "--print"]).done();
    assert!(printed.contains("/#/console?"), "{printed}");
    let secrets = harness.secrets_of_the_clouds();
    assert!(
        secrets
            .iter()
            .all(|secret| !printed.contains(secret.as_str()))
    );
    let message = harness.mcm(&["console", &id]).failed(2);
    assert!(message.contains("Name one"), "{message}");

    // A Firefox that records its arguments and stays, beside the browser that cannot isolate anything.
    let programs = harness.folder().join("programs");
    fs::create_dir_all(&programs).expect("made");
    let seen = harness.folder().join("arguments");
    install_script(
        &programs.join("firefox"),
        &format!(
            "#!/bin/sh\nprintf '%s\n' \"$@\" $$ > {0}.new && mv {0}.new {0}\nexec sleep 600",
            seen.display()
        ),
    );
    let isolated = |pair: &str| {
        let _ = fs::remove_file(&seen);
        let mut command = harness.command(&["console", &format!("{id}/{pair}"), "--isolated"]);
        command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
        let mut begun = Begun::start(command);
        harness.until("the browser is started", || seen.exists());
        let words = fs::read_to_string(&seen).expect("written whole");
        let words: Vec<String> = words.lines().map(str::to_owned).collect();
        harness.browse(&Browser::new(), &words[4]);
        begun.stderr_until("opens in a window of its own");
        (begun, words)
    };
    // The window of an mcm that was killed keeps its profile until it is closed; the next run removes it.
    let (killed, words) = isolated(READER);
    killed.kill();
    let (orphan, profile) = (&words[5], Path::new(&words[2]));
    let windows = [READER, "111122223333/AdministratorAccess", READER].map(isolated);
    assert!(profile.is_dir(), "it is in use");
    end(orphan);
    let folder = profile.parent().expect("a folder").to_owned();
    let base = folder.parent().expect("a folder").to_owned();
    harness.until("the window is closed", || {
        !RunFolder::running(&base).contains(&folder)
    });
    let (last, words) = isolated(READER);
    assert!(!folder.exists(), "a later run removes it");
    end(&words[5]);
    last.ended().done();
    let mut profiles = HashSet::new();
    for (begun, words) in &windows {
        assert_eq!(words[..2], ["--new-instance", "--profile"]);
        assert_eq!(words[3], "--private-window");
        assert!(words[4].starts_with("http://127.0.0.1:"), "{words:?}");
        let profile = PathBuf::from(&words[2]);
        assert!(
            profile.is_dir() && profiles.insert(profile),
            "one for each window"
        );
        let runs = Path::new("/proc").join(begun.id().to_string());
        assert!(runs.exists(), "it waits for its window");
    }
    for (begun, words) in windows {
        end(&words[5]);
        begun.ended().done();
        let profile = PathBuf::from(&words[2]);
        assert!(!profile.exists(), "the profile goes with its window");
        assert!(!profile.parent().expect("a folder").exists());
    }
    let mut command = harness.command(&["console", &asked, "--isolated"]);
    let output = command
        .env("PATH", "/nonexistent")
        .output()
        .expect("mcm starts");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("Install Firefox or Chromium"), "{message}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_context_for_kubectl_asks_for_the_role_that_was_named_and_is_undone_to_the_byte() {
    let harness = Harness::start();
    let id = connected(&harness);
    let path = harness.folder().join(".kube/config");
    let own = "apiVersion: v1\nkind: Config\nusers:\n- name: old\n  user: {token: x}\ncurrent-context: \"\"\n";
    write(&path, 0o600, own);
    let configure = |account: &str, more: &[&str]| {
        let words = ["configure", "kube", account, "--cluster", "shop", "--yes"];
        let server = ["--server", "https://shop.example"];
        harness.mcm(&[&words[..], &server, more].concat())
    };
    let message = configure(&id, &[]).failed(2);
    assert!(message.contains("Name one"), "{message}");
    let roles = [READER, "111122223333/AdministratorAccess"];
    for role in roles {
        configure(&format!("{id}/{role}"), &["--name", role]).done();
    }
    let written = fs::read_to_string(&path).expect("written");
    for role in roles {
        let asked = format!("{id}/{role}");
        assert!(written.contains(&format!("- \"{asked}\"")), "{written}");
        let token = ["kube-token", &asked, "--cluster", "shop"];
        harness.mcm(&token).json();
    }
    assert!(
        !written.contains("--region"),
        "a role is no region: {written}"
    );
    harness
        .mcm(&["configure", "kube", &id, "--undo", "--yes"])
        .done();
    assert_eq!(fs::read_to_string(&path).expect("there"), own);
}

/// The browsers of this machine, without a display. Chromium runs without its sandbox, which root cannot have.
#[test]
fn a_real_browser_opens_the_console_in_a_profile_that_goes_with_it() {
    // I33
    let browsers = [
        ("firefox-esr", "--headless"),
        ("chromium", "--headless=new --no-sandbox"),
    ];
    for (name, options) in browsers {
        let real = PathBuf::from("/usr/bin").join(name);
        if !real.is_file() {
            mcm_core::testing::not_checked(&format!(
                "the isolated window of {name}: not installed"
            ));
            continue;
        }
        let harness = Harness::start();
        let id = connected(&harness);
        let programs = harness.folder().join("programs");
        fs::create_dir_all(&programs).expect("made");
        let note = harness.folder().join("process");
        let script = format!(
            "#!/bin/sh\nprintf '%s\n' $$ \"$@\" > {0}.new && mv {0}.new {0}\nexec {1} {options} \"$@\"",
            note.display(),
            real.display()
        );
        install_script(&programs.join(name), &script);
        let asked = format!("{id}/{READER}");
        let mut command = harness.command(&["console", &asked, "--isolated"]);
        command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
        command.env("MCM_BROWSER", programs.join(name));
        let begun = Begun::start(command);
        harness.until_requested(Endpoint::AwsLogin);
        let noted = fs::read_to_string(&note).expect("it started");
        let profile = noted
            .lines()
            .find_map(|word| {
                let path = word.strip_prefix("--user-data-dir=").unwrap_or(word);
                Some(PathBuf::from(path)).filter(|path| path.is_absolute())
            })
            .expect("a profile");
        let files = fs::read_dir(&profile).expect("the browser uses it").count();
        assert!(files > 2, "{name}: {files} files in {}", profile.display());
        let browser = noted.lines().next().expect("its id");
        end(browser);
        begun.ended().done();
        assert!(!profile.exists(), "{name}: {}", profile.display());
    }
}

#[test]
fn three_hundred_profiles_are_merged_under_names_of_their_own_and_undone_to_the_byte() {
    // I31
    let harness = Harness::start();
    let mut directory = SsoDirectory::of_size(100, 3);
    directory.accounts[1].name = directory.accounts[0].name.clone();
    directory.accounts[2].name = "odd ] name".into();
    directory.accounts[3].name = "[profile x]\nrole_arn = y".into();
    directory.accounts[4].name = "\u{202e}\" # ; = Übung".into();
    directory.accounts[5].name = "ACCOUNT 0006".into();
    directory.accounts[7].name = "work".into();
    harness.sandbox.set_identity_center_directory(directory);
    let id = connected(&harness);
    let path = harness.folder().join(".aws/config");
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    let all = |template: &[&str]| {
        let words = ["configure", "aws", &id, "--all", "--yes"];
        harness.mcm(&[&words[..], template].concat())
    };
    let own = "# mine\n[profile work-Role1]\nregion = eu-north-1\n";
    for (own, template) in [
        (own.to_owned(), &[][..]),
        (
            own.trim_end().to_owned(),
            &["--name-template", "{account}-{role}"],
        ),
        (
            own.replace('\n', "\r\n"),
            &["--name-template", "{role} of [{account}]"],
        ),
        (
            format!("{own}\n\n  # a last comment\t"),
            &["--name-template", "one"],
        ),
        (String::new(), &["--name-template", "{account}"]),
    ] {
        write(&path, 0o600, &own);
        all(template).done();
        let merged = fs::read_to_string(&path).expect("written");
        assert!(merged.starts_with(&own), "{merged}");
        let names: Vec<&str> = merged[own.len()..]
            .lines()
            .filter_map(|line| line.trim_end().strip_prefix("[profile ")?.strip_suffix(']'))
            .collect();
        assert_eq!(names.len(), 300, "{template:?}");
        let unique: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "{names:?}");
        assert!(
            !names.contains(&"work-Role1") || own.is_empty(),
            "the user's own stays the only one"
        );
        let is_safe = |name: &&&str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        assert_eq!(names.iter().filter(is_safe).count(), 300, "{names:?}");
        for account in 0..100 {
            for role in 1..=3 {
                let pair = format!(
                    "credential-process {id}/{:012}/Role{role}",
                    1_000_000 + account
                );
                let found = merged
                    .lines()
                    .filter(|line| line.trim_end().ends_with(&pair));
                assert_eq!(found.count(), 1, "{pair}");
            }
        }
        if template.is_empty() {
            assert!(names.contains(&"odd-name-Role1"), "{names:?}");
            assert_eq!(profiles_of_botocore(&harness, &path), names.len() + 1);
        }
        let secrets = harness.secrets_of_the_clouds();
        let is_in_it = |secret: &String| merged.contains(secret.as_str());
        assert!(!secrets.iter().any(is_in_it));
        all(template).done();
        let again = fs::read_to_string(&path).expect("there");
        assert_eq!(again, merged, "again changes nothing");
        harness.mcm(&["configure", "aws", "--undo", "--yes"]).done();
        assert_eq!(
            fs::read_to_string(&path).expect("there"),
            own,
            "{template:?}"
        );
    }
    let chosen = ["--filter", "Role1"];
    all(&chosen).done();
    let merged = fs::read_to_string(&path).expect("written");
    assert_eq!(merged.matches("[profile ").count(), 100);
}

/// How many profiles botocore finds in a file.
fn profiles_of_botocore(harness: &Harness, path: &std::path::Path) -> usize {
    let script = "import boto3; print(len(boto3.Session().available_profiles))";
    let mut command = std::process::Command::new(crate::clients::program("python"));
    let output = harness
        .equip(&mut command)
        .args(["-c", script])
        .env("AWS_CONFIG_FILE", path)
        .output()
        .expect("Python starts");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().expect("a number")
}

#[test]
fn start_urls_in_the_config_file_are_offered_and_no_token_of_the_cache_is_read() {
    // I32
    let harness = Harness::start();
    let message = harness.mcm(&["login", "aws"]).failed(2);
    assert!(message.contains("--sso-start-url"), "{message}");
    let aws = harness.folder().join(".aws");
    fs::create_dir_all(aws.join("sso/cache")).expect("made");
    let config = "[sso-session contoso]\nsso_start_url = https://d-1234567890.awsapps.com/start#/\nsso_region = eu-west-1\n\
        [profile a]\nsso_session = contoso\nsso_account_id = 111122223333\nsso_role_name = ReadOnly\n\
        [profile old]\nsso_start_url = https://fabrikam.awsapps.com/start\nsso_region = us-east-2\n";
    write(&aws.join("config"), 0o600, config);
    let canary = r#"{"accessToken":"CANARY","startUrl":"https://d-1234567890.awsapps.com/start"}"#;
    write(
        &aws.join("sso/cache/0ad374308c5a4e22f723adf10145eafad7c4031c.json"),
        0o600,
        canary,
    );
    let listed = harness.mcm(&["login", "aws"]).done();
    assert!(
        listed.contains("contoso           mcm login aws --sso-start-url https://d-1234567890.awsapps.com/start --sso-region eu-west-1")
            && listed.contains("https://fabrikam.awsapps.com/start --sso-region us-east-2"),
        "{listed}"
    );
    let begun = harness.begin(&[
        "login",
        "aws",
        "--sso-start-url",
        "https://d-1234567890.awsapps.com/start",
    ]);
    let page = harness.next_page();
    harness.browse(&Browser::new(), &page);
    let ended = begun.ended();
    assert!(
        ended.stderr.contains("in eu-west-1 (from ~/.aws/config)"),
        "{}",
        ended.stderr
    );
    ended.done();
    assert!(!everything_below(harness.home()).contains("CANARY"));
}

#[test]
fn the_template_for_a_role_of_a_permission_set_says_which_path_the_principal_has() {
    // I38
    let harness = Harness::start();
    let source = format!("identity-center:{}/{READER}", connected(&harness));
    let words = [
        "login",
        "aws",
        "--print",
        "trust-policy",
        "--source",
        &source,
    ];
    let ended = harness.mcm(&words);
    let path = "/aws-reserved/sso.amazonaws.com/";
    assert!(ended.stderr.contains(path), "{}", ended.stderr);
}

#[test]
fn a_misspelt_word_of_a_template_names_no_profile() {
    let harness = Harness::without_keychain();
    for template in ["{acount}-{role}", "{role", "role}", "{{account}}"] {
        let words = ["configure", "aws", "--all", "--name-template", template];
        let message = harness.mcm(&words).failed(2);
        assert!(message.contains("{account-id}"), "{template}: {message}");
    }
}

#[test]
fn a_refused_role_that_was_assigned_again_works_once_the_roles_are_refreshed() {
    // I21, I29
    let harness = Harness::start();
    let id = connected(&harness);
    let asked = format!("{id}/{READER}");
    let mut policy = harness.sandbox.identity_center_policy();
    policy.forbidden = vec![READER.to_owned()];
    harness.sandbox.set_identity_center_policy(policy.clone());
    let ask = || harness.mcm(&["credential-process", &asked]);
    assert!(ask().failed(1).contains("not assigned to you"));
    policy.forbidden.clear();
    harness.sandbox.set_identity_center_policy(policy);
    harness.sandbox.forget_requests();
    assert!(ask().failed(1).contains("Refresh the roles"));
    assert!(
        harness.sandbox.requests().is_empty(),
        "it is not asked for all the time"
    );
    harness.mcm(&["targets", &id, "--refresh"]).done();
    assert_eq!(ask().json()["AccountId"], "012345678901");
}

#[test]
fn a_pinned_role_is_an_entry_of_its_own_and_signing_out_says_what_ends() {
    let harness = Harness::start();
    let id = connected(&harness);
    harness.mcm(&["pin", &format!("{id}/{READER}")]).done();
    let listed = harness.mcm(&["accounts", "--wide"]).done();
    assert!(
        listed.contains("Labs: R&D / ReadOnly") && listed.contains(&format!("{id}/{READER}")),
        "{listed}"
    );
    assert_eq!(row(&harness)["pinned"], json!([READER]));
    harness
        .mcm(&["pin", "--remove", &format!("{id}/{READER}")])
        .done();
    assert_eq!(row(&harness)["pinned"], json!([]));
    let message = harness.mcm(&["logout", &id, "--identity-center"]).done();
    assert!(message.contains("ended at AWS too"), "{message}");
    let requests = harness.sandbox.requests();
    let ended = requests
        .iter()
        .filter(|request| request.endpoint == Some(Endpoint::CenterLogout));
    assert_eq!(ended.count(), 1);
    assert_eq!(harness.keychain_entries(), 0);
}
