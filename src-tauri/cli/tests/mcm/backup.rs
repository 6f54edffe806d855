//! `mcm backup` and `mcm restore`: from one machine to another, and a file that is not what it should be.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::aws::connected;
use crate::harness::{ADA, Ended, Harness, Terminal, run, write};

const PASSPHRASE: &str = "correct-horse-canary";

fn path(harness: &Harness, name: &str) -> String {
    harness
        .folder()
        .join(name)
        .to_str()
        .expect("text")
        .to_owned()
}

/// `mcm` with the passphrase on standard input.
fn with(harness: &Harness, passphrase: &str, arguments: &[&str]) -> Ended {
    let mut command = harness.command(&[arguments, &["--passphrase-file", "-"]].concat());
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("mcm starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A command that refuses its arguments reads nothing.
    let _ = writeln!(stdin, "{passphrase}");
    drop(stdin);
    Ended::of(child.wait_with_output().expect("mcm ends"))
}

/// The plain text of a backup, as another program of the format reads it: with the library alone.
fn plain(file: &str) -> String {
    let sealed = fs::read(file).expect("written");
    let identity = age::scrypt::Identity::new(PASSPHRASE.to_owned().into());
    String::from_utf8(age::decrypt(&identity, &sealed).expect("it opens")).expect("JSON")
}

fn seal(file: &str, plain: &str) {
    let mut recipient = age::scrypt::Recipient::new(PASSPHRASE.to_owned().into());
    recipient.set_work_factor(8);
    let sealed = age::encrypt(&recipient, plain.as_bytes()).expect("sealed");
    fs::File::create(file)
        .and_then(|mut file| file.write_all(&sealed))
        .expect("ours");
}

/// Azure and AWS accounts, named and coloured, in an environment, with settings.
fn full() -> (Harness, String, String) {
    let harness = Harness::start();
    let azure = harness.connected(false);
    connected(&harness, "Reader");
    let aws = harness.account_of("aws");
    harness.mcm(&["rename", &azure, "Head office"]).done();
    harness.edit(&azure, |account| {
        account.colour = Some("violet".into());
        account.starred = true;
    });
    harness.mcm(&["use", &azure, "Production"]).done();
    let kubeconfig = "contexts:\n- name: shop\n  context: {cluster: c, user: u}\nclusters:\n- name: c\n  cluster: \
                      {server: 'https://aks-1.hcp.westeurope.azmk8s.io:443'}\nusers:\n- name: u\n  user: {token: token-canary}\n";
    write(&harness.folder().join(".kube/config"), 0o600, kubeconfig);
    harness
        .mcm(&[
            "environment",
            "create",
            "prod",
            "--azure",
            &azure,
            "--aws",
            &aws,
            "--cluster",
            "shop",
            "--protected",
        ])
        .done();
    let settings = harness.home().join("config/settings.toml");
    let browser = path(&harness, "browser");
    let text = format!(
        "[app]\ntheme = \"dark\"\nbrowser = \"{browser}\"\n[gcp]\nclient_id = \"1-a.apps.googleusercontent.com\"\n\
         client_secret = \"GOCSPX-settings-canary\"\n"
    );
    write(&settings, 0o600, &text);
    (harness, azure, aws)
}

#[test]
fn a_backup_moves_everything_but_secrets_to_another_machine() {
    let (harness, azure, aws) = full();
    let file = path(&harness, "backup.age");
    let said = with(&harness, PASSPHRASE, &["backup", &file]).done();
    assert!(said.contains("2 accounts and 1 environment"), "{said}");
    let mode = fs::metadata(&file).expect("written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = plain(&file);
    for secret in harness.secrets_of_the_clouds() {
        assert!(!text.contains(&secret), "a secret is in the backup");
    }
    assert!(
        !text.contains("canary") && !text.contains("/browser"),
        "{text}"
    );
    assert!(!String::from_utf8_lossy(&fs::read(&file).expect("written")).contains("Head office"));
    assert!(
        !harness.files().contains(PASSPHRASE),
        "the passphrase is in no file"
    );

    let other = Harness::start();
    let moved = path(&other, "backup.age");
    fs::copy(&file, &moved).expect("copied");
    let ended = with(&other, PASSPHRASE, &["restore", &moved]);
    assert!(ended.stderr.contains("app.theme"), "{}", ended.stderr);
    let said = ended.done();
    assert!(
        said.contains("Restored 2 accounts and 1 environment"),
        "{said}"
    );
    assert!(said.contains("mcm login azure --tenant"), "{said}");
    let rows = other.mcm(&["accounts", "--json"]).json();
    let row = |id: &str| {
        let rows = rows["accounts"].as_array().expect("a list");
        rows.iter()
            .find(|row| row["id"] == id)
            .expect("restored")
            .clone()
    };
    assert_eq!(row(&azure)["displayName"], "Head office");
    assert_eq!(row(&azure)["active"], true);
    for id in [&azure, &aws] {
        assert_eq!(row(id)["status"], "sign-in-again");
        assert!(row(id)["sessionExpiresAt"].is_null());
    }
    assert_eq!(row(&aws)["externalIdEnforced"], "unknown");
    assert_eq!(other.keychain_entries(), 0);
    let shown = other.mcm(&["environment", "show", "prod", "--json"]).json();
    assert_eq!(shown["protected"], true);
    assert_eq!(shown["clusters"][0]["context"], "shop");
    assert_eq!(shown["clusters"][0]["account"], azure.as_str());
    assert_eq!(
        shown["members"]["azure"]["targetName"], "Production",
        "{shown}"
    );
    assert_eq!(shown["members"]["azure"]["state"], "connected", "{shown}");
    let refused = other.mcm(&["token", &azure]).failed(3);
    assert!(refused.contains("restored from a backup"), "{refused}");
    let activity = other.mcm(&["activity", "--json"]).json();
    assert_eq!(activity["activity"][0]["what"]["kind"], "restored");

    let again = with(&other, PASSPHRASE, &["restore", &moved]);
    assert!(
        again.stderr.contains("connected here: Head office"),
        "{}",
        again.stderr
    );
    assert!(
        again.stderr.contains("exist here: prod"),
        "{}",
        again.stderr
    );
    assert!(again.done().contains("0 accounts and 0 environments"));
}

#[test]
fn a_restored_account_works_after_its_sign_in_with_what_was_chosen_for_it() {
    let (harness, azure, _) = full();
    let file = path(&harness, "backup.age");
    with(&harness, PASSPHRASE, &["backup", &file]).done();
    harness.mcm(&["logout", "--all"]).done();
    let kept = with(&harness, PASSPHRASE, &["restore", &file]);
    assert!(kept.stderr.contains("exist here: prod"), "{}", kept.stderr);
    kept.done();
    harness
        .login(ADA, &["azure", "--tenant", "contoso.example"])
        .done();
    let token = harness.mcm(&["token", &azure]).done();
    assert!(harness.sandbox.azure_audience(token.trim()).is_some());
    let stored = harness.mcm(&["export", "--json"]).json();
    let row = stored["accounts"].as_array().expect("a list").iter();
    let row = row
        .clone()
        .find(|row| row["id"] == azure.as_str())
        .expect("there");
    assert_eq!(row["customName"], "Head office");
    assert_eq!(row["colour"], "violet");
    assert_eq!(row["starred"], true);
}

#[test]
fn what_is_connected_here_is_kept() {
    let (harness, azure, _) = full();
    let file = path(&harness, "backup.age");
    with(&harness, PASSPHRASE, &["backup", &file]).done();
    harness.mcm(&["rename", &azure, "Mine now"]).done();
    let entries = harness.keychain_entries();
    let ended = with(&harness, PASSPHRASE, &["restore", &file]);
    assert!(ended.stderr.contains("Mine now"), "{}", ended.stderr);
    ended.done();
    assert_eq!(harness.keychain_entries(), entries);
    harness.mcm(&["token", &azure]).done();
    let settings = fs::read_to_string(harness.home().join("config/settings.toml")).expect("ours");
    assert!(
        settings.contains("/browser") && settings.contains("canary"),
        "{settings}"
    );
}

#[test]
fn no_file_is_replaced_unless_told_to_and_a_failed_backup_leaves_none() {
    let harness = Harness::start();
    harness.connected(false);
    let file = path(&harness, "backup.age");
    write(Path::new(&file), 0o644, "mine");
    let refused = with(&harness, PASSPHRASE, &["backup", &file]).failed(2);
    assert!(refused.contains("--force"), "{refused}");
    assert_eq!(fs::read_to_string(&file).expect("there"), "mine");
    with(&harness, PASSPHRASE, &["backup", &file, "--force"]).done();
    let mode = fs::metadata(&file).expect("written").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let other = path(&harness, "other.age");
    let refused = with(&harness, "short", &["backup", &other]).failed(2);
    assert!(refused.contains("8 characters"), "{refused}");
    let refused = with(
        &harness,
        PASSPHRASE,
        &["backup", &path(&harness, "no/folder.age")],
    )
    .failed(2);
    assert!(refused.contains("does not exist"), "{refused}");
    let refused = harness.mcm(&["backup", &other]).failed(2);
    assert!(refused.contains("--passphrase-file"), "{refused}");
    assert!(!Path::new(&other).exists());
}

#[test]
fn a_hostile_file_changes_nothing() {
    let (harness, azure, _) = full();
    let file = path(&harness, "backup.age");
    with(&harness, PASSPHRASE, &["backup", &file]).done();
    let good = plain(&file);
    let other = Harness::start();
    let hostile = path(&other, "hostile.age");
    let refused = |expected: &str| {
        let stderr = with(&other, PASSPHRASE, &["restore", &hostile]).failed(2);
        assert!(stderr.contains(expected), "{stderr}");
        let stored = other.mcm(&["export", "--json"]).json();
        assert_eq!(
            stored["accounts"],
            serde_json::json!([]),
            "nothing was restored"
        );
        assert_eq!(stored["environments"], serde_json::json!([]));
    };
    // An id that is not the identity's would be another account's row; an environment that breaks its grammar, and a version
    // of tomorrow, come after accounts that are good.
    for (from, to, expected) in [
        (
            azure.as_str(),
            "azure-0123456789ab",
            "no version of this app",
        ),
        ("\"violet\"", "7", "no backup of this app"),
        ("\"prod\"", "\"$(id)\"", "no version of this app"),
        ("\"minutes\":15", "\"minutes\":1", "no version of this app"),
        ("\"version\":1", "\"version\":2", "newer version"),
    ] {
        assert!(good.contains(from), "{from}");
        seal(&hostile, &good.replacen(from, to, 1));
        refused(expected);
    }
    fs::remove_file(&hostile).expect("ours");
    run(Command::new("mkfifo").arg(&hostile), "mkfifo", "coreutils");
    with(&other, PASSPHRASE, &["restore", &hostile]).failed(1);
    fs::remove_file(&hostile).expect("ours");
    fs::File::create(&hostile)
        .and_then(|file| file.set_len(17_000_000))
        .expect("ours");
    with(&other, PASSPHRASE, &["restore", &hostile]).failed(1);
    with(&other, "another", &["restore", &file]).failed(2);

    // Text that could forge a line is cleaned, and a grant that belongs to another account is not taken over.
    let text = good
        .replace("Head office", "Head\\n\\u001b[31m office")
        .replace("\"violet\"", "\"ultra\"");
    seal(&hostile, &text);
    with(&other, PASSPHRASE, &["restore", &hostile]).done();
    let stored = other.mcm(&["export", "--json"]).json();
    let rows = stored["accounts"].as_array().expect("a list");
    let row = rows
        .iter()
        .find(|row| row["id"] == azure.as_str())
        .expect("restored");
    assert_eq!(row["customName"], "Head[31m office");
    assert!(row["colour"].is_null());
}

#[test]
fn the_passphrase_is_asked_for_twice_at_a_terminal_and_is_not_shown() {
    let harness = Harness::start();
    harness.connected(false);
    let file = path(&harness, "backup.age");
    let command = format!("backup {file}");
    let mut terminal = Terminal::start(&harness, &command);
    terminal.enter("New passphrase", PASSPHRASE);
    terminal.enter("once more", "something-else");
    let shown = terminal.ended();
    assert!(
        shown.contains("differ") && shown.contains("status 2"),
        "{shown}"
    );
    assert!(!Path::new(&file).exists());
    let mut terminal = Terminal::start(&harness, &command);
    terminal.enter("New passphrase", PASSPHRASE);
    terminal.enter("once more", PASSPHRASE);
    let shown = terminal.ended();
    assert!(shown.contains("status 0"), "{shown}");
    assert!(!shown.contains(PASSPHRASE), "{shown}");
    assert!(plain(&file).contains("multi-cloud-manager-backup"));
    let mut terminal = Terminal::start(&harness, &format!("restore {file}"));
    terminal.enter("Passphrase of the backup", PASSPHRASE);
    let shown = terminal.ended();
    assert!(
        shown.contains("Kept as they are") && !shown.contains(PASSPHRASE),
        "{shown}"
    );
}
