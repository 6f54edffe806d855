//! The vault against a real KeePassXC, which keeps its entries locked for each program until the user allows it.
//!
//! KeePassXC answers nothing on the bus while it opens its database, so these tests look at its windows, and only the
//! vault, which has its own limits of time, asks it over the bus.

use std::fs;
use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcm_core::error::Code;
use mcm_core::file;
use mcm_core::testing::not_checked;
use mcm_core::vault::{KeychainState, Vault};

use super::desktop::{Desktop, in_session_with_screen, wait_until};
use super::dialogs::{while_answering, windows};
use super::{code_of, grant, requesting_program, session};

const PASSWORD: &str = "pw\n";
/// What keeps KeePassXC from asking anything at its first start, and lets it be the keychain.
const CONFIG: &str = "[General]\nConfigVersion=2\nUpdateCheckMessageShown=true\n\n[FdoSecrets]\nEnabled=true\n\n[GUI]\nCheckForUpdates=false\n";
/// An empty database whose root group other programs may use.
const DATABASE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>
<KeePassFile><Meta><DatabaseName>Passwords</DatabaseName><RecycleBinEnabled>False</RecycleBinEnabled><CustomData><Item>
<Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{00112233-4455-6677-8899-aabbccddeeff}</Value></Item></CustomData></Meta>
<Root><Group><UUID>ABEiM0RVZneImaq7zN3u/w==</UUID><Name>Root</Name></Group></Root></KeePassFile>";

/// KeePassXC with an open database.
struct KeePassXc(Child);

impl Drop for KeePassXc {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl KeePassXc {
    fn start(desktop: &Desktop) -> Self {
        let config = desktop.folder().join("home/.config/keepassxc");
        fs::create_dir_all(&config).expect("our folder");
        file::replace(&config.join("keepassxc.ini"), CONFIG.as_bytes()).expect("our folder");
        let (xml, database) = (
            desktop.folder().join("database.xml"),
            desktop.folder().join("database.kdbx"),
        );
        file::replace(&xml, DATABASE.as_bytes()).expect("our folder");
        let mut import = Command::new("keepassxc-cli")
            .args(["import", "-p"])
            .args([&xml, &database])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("it is installed");
        write_to(&mut import, &PASSWORD.repeat(2));
        assert!(import.wait().expect("it ends").success());
        // Only one KeePassXC runs for each folder of temporary files.
        let mut program = Command::new("keepassxc")
            .env("TMPDIR", desktop.folder())
            .arg("--pw-stdin")
            .arg(&database)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it is installed");
        write_to(&mut program, PASSWORD);
        wait_until("KeePassXC has opened its database", || {
            windows().contains("Passwords - KeePassXC").then_some(())
        });
        Self(program)
    }
}

fn write_to(program: &mut Child, text: &str) {
    let mut input = program.stdin.take().expect("piped");
    input.write_all(text.as_bytes()).expect("it reads");
}

/// Runs the test with KeePassXC as the keychain, where it is installed.
fn with_keepassxc(name: &str, test: impl FnOnce(&Desktop)) {
    let version = Command::new("keepassxc-cli").arg("--version").output();
    if version.is_err() {
        return not_checked("KeePassXC is not installed (Debian: keepassxc).");
    }
    in_session_with_screen(name, |desktop| {
        let _program = KeePassXc::start(desktop);
        test(desktop);
    });
}

const ACCESS: [&str; 2] = ["--name", "Access Request"];
const DELETE: [&str; 2] = ["--name", "Delete entr"];

#[test]
fn another_program_is_refused_by_name_until_the_user_allows_it() {
    with_keepassxc(
        "keepassxc::another_program_is_refused_by_name_until_the_user_allows_it",
        |desktop| {
            let writer = requesting_program(desktop);
            writer.write(&grant(), b"kept").expect("it is open");
            assert_eq!(writer.read(&grant()).expect("ours"), Some(b"kept".to_vec()));

            let other = requesting_program(desktop);
            let refused = other.read(&grant()).expect_err("another program");
            assert_eq!(refused.code(), Code::KeychainLocked);
            assert!(
                refused.message().starts_with("KeePassXC has not allowed"),
                "{refused}"
            );
            assert_eq!(other.state(), KeychainState::Locked);

            let vault = other.vault.clone();
            let allowed = while_answering(
                &other,
                async move { vault.unlock().await },
                ACCESS,
                "",
                &["Return"],
            );
            allowed.expect("the user allowed it");
            assert_eq!(
                other.read(&grant()).expect("allowed"),
                Some(b"kept".to_vec())
            );
            assert_eq!(other.state(), KeychainState::Unlocked);
        },
    );
}

#[test]
fn an_access_request_that_the_user_closes_leaves_the_entries_locked() {
    with_keepassxc(
        "keepassxc::an_access_request_that_the_user_closes_leaves_the_entries_locked",
        |desktop| {
            requesting_program(desktop)
                .write(&grant(), b"kept")
                .expect("it is open");
            let other = requesting_program(desktop);
            let vault = other.vault.clone();
            let asked = while_answering(
                &other,
                async move { vault.unlock().await },
                ACCESS,
                "",
                &["Escape"],
            );
            assert_eq!(code_of(asked), Code::KeychainLocked);
            assert_eq!(code_of(other.read(&grant())), Code::KeychainLocked);
        },
    );
}

#[test]
fn an_entry_goes_when_the_user_confirms_it_and_stays_otherwise() {
    with_keepassxc(
        "keepassxc::an_entry_goes_when_the_user_confirms_it_and_stays_otherwise",
        |desktop| {
            let writer = requesting_program(desktop);
            for record in [grant(), session()] {
                writer.write(&record, b"kept").expect("it is open");
                let delete = || {
                    let (vault, record) = (writer.vault.clone(), record.clone());
                    async move { vault.delete(&record).await }
                };
                let reports = Arc::new(AtomicUsize::new(0));
                let counted = reports.clone();
                let deleting = delete();
                let telling = Vault::beside_questions(deleting, move || {
                    counted.fetch_add(1, Ordering::SeqCst);
                });
                let kept = while_answering(&writer, telling, DELETE, "", &["Escape"]);
                assert_eq!(
                    reports.load(Ordering::SeqCst),
                    1,
                    "the question is reported"
                );
                assert_eq!(code_of(kept), Code::KeychainLocked);
                assert!(writer.entries(&record).expect("ours") > 0);
                // Keys that come before a button has the focus choose the default one, which cancels.
                let mut tries = (0..5)
                    .map(|_| while_answering(&writer, delete(), DELETE, "", &["Tab", "Return"]));
                assert!(
                    tries.any(|deleted| deleted.is_ok()),
                    "the user confirmed it"
                );
                assert_eq!(writer.read(&record).expect("open"), None);
                assert_eq!(writer.entries(&record).expect("open"), 0);
            }
        },
    );
}
