//! Places that refuse `accounts.db`: a full disk, a read-only one, permissions, another user's file, no locks. The app
//! starts everywhere, says what is wrong, changes nothing, and goes on once the place is in order.
//!
//! The test runs itself again as the app, in a place that a shell prepares: with a mount of its own where the system
//! allows that (`unshare`). Elsewhere that test prints NOT CHECKED, as one that needs the administrator does.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use mcm_core::account::{Account, Identity};
use mcm_core::activity::ActivityKind;
use mcm_core::app::App;
use mcm_core::http::Http;
use mcm_core::redirect::Frontend;
use mcm_core::store::Store;
use mcm_core::testing::{ManualClock, RecordedBrowser, may_run_as_another_user, not_checked};
use mcm_core::vault::Vault;
use mcm_core::world::{Environment, NoScheme, Paths, World};

/// The app in a process of its own; a test only when another one started it.
#[tokio::test]
async fn the_app_itself() {
    let Some(home) = variable("DISK_HOME") else {
        return;
    };
    let world = World {
        clock: ManualClock::new(Timestamp::UNIX_EPOCH),
        http: Http::default(),
        vault: Vault::in_memory(),
        browser: Arc::new(RecordedBrowser::default()),
        scheme: Arc::new(NoScheme),
        paths: Paths::below(Path::new(&home)),
        environment: Environment::default(),
    };
    let app = App::open(world, Frontend::Window);
    app.clean_up().await;
    let problems = || {
        for problem in &app.watch().borrow().problems {
            print(&format!("problem {:?} {}", problem.code, problem.message));
        }
    };
    let accounts = app.watch().borrow().accounts.clone();
    print(&format!("accounts {}", accounts.len()));
    print(&format!("activity {}", app.activity(None, 100).len()));
    problems();
    let Some(account) = accounts.first() else {
        return;
    };
    match app.rename(&account.id, Some("Renamed")).await {
        Ok(()) => print("renamed"),
        Err(error) => print(&format!("refused {:?} {}", error.code(), error.message())),
    }
    print(&format!("name {}", app.watch().borrow().accounts[0].name));
    problems();
}

/// Past what the test harness keeps to itself.
fn print(line: &str) {
    writeln!(std::io::stdout().lock(), "= {line}").expect("printed");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test speaks to itself through the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A home with one account, and its files before anything happened to them.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    async fn new() -> Self {
        let home = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        let identity = Identity::Azure {
            home: "ada".into(),
            tenant_id: "tenant".into(),
            tenant_name: Some("Contoso".into()),
            default_domain: None,
            username: "ada@contoso.example".into(),
        };
        let account = Account::new(identity, Timestamp::UNIX_EPOCH);
        let store = Store::in_folder(&home.data());
        let connected = store.change(|change| {
            change.put(&account)?;
            change.record(&account, Timestamp::UNIX_EPOCH, ActivityKind::Connected)
        });
        connected.await.expect("written");
        home
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn data(&self) -> PathBuf {
        Paths::below(&self.path()).data
    }

    fn database(&self) -> PathBuf {
        self.data().join("accounts.db")
    }

    fn contents(&self) -> Vec<u8> {
        fs::read(self.database()).expect("readable")
    }

    /// Starts the app through these programs; what it says, line by line.
    fn start(&self, before: &[&str]) -> Vec<String> {
        let app = std::env::current_exe().expect("this test");
        let app = app.to_str().expect("text");
        let words = [before, &[app, "the_app_itself", "--exact", "--nocapture"]].concat();
        let mut command = Command::new(words[0]);
        command
            .args(&words[1..])
            .env("DISK_HOME", self.path())
            .env("DISK_SEED", self.folder.path().join("seed"))
            .stdin(Stdio::null());
        let output = command.output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = text.lines().filter_map(|line| line.split_once("= "));
        let said: Vec<String> = said.map(|(_, said)| said.to_owned()).collect();
        assert!(
            said.iter().any(|line| line.starts_with("accounts")),
            "the app starts: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        said
    }

    /// As `start`, on a small disk of its own that holds this home. The script ends with the app: `"$@"`.
    fn start_on_a_disk(&self, script: &str) -> Option<Vec<String>> {
        let allowed = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "true"])
            .status();
        if !allowed.is_ok_and(|status| status.success()) {
            not_checked("this system lets no user make a disk of its own (unshare --user).");
            return None;
        }
        fs::rename(self.path(), self.folder.path().join("seed")).expect("moved");
        fs::create_dir(self.path()).expect("made");
        let script = format!(
            "set -e; mount -t tmpfs -o size=1m tmpfs \"$DISK_HOME\"; cp -a \"$DISK_SEED/.\" \"$DISK_HOME\"; {script}"
        );
        let unshare = ["unshare", "--user", "--map-root-user", "--mount"];
        let words = [&unshare[..], &["sh", "-c", &script, "sh"]].concat();
        Some(self.start(&words))
    }
}

fn holds(said: &[String], kind: &str, words: &str) -> bool {
    said.iter()
        .any(|line| line.starts_with(kind) && line.contains(words))
}

/// Fills the disk, starts the app, makes room, and starts it again.
const FULL_THEN_FREE: &str = "dd if=/dev/zero of=\"$DISK_HOME/filler\" bs=1k 2>/dev/null || true; \"$@\"; \
     rm \"$DISK_HOME/filler\"; \"$@\"";

#[tokio::test]
async fn a_full_disk_is_reported_and_recovers_when_space_is_freed() {
    let home = Home::new().await;
    let Some(said) = home.start_on_a_disk(FULL_THEN_FREE) else {
        return;
    };
    assert!(
        holds(&said, "refused StorageFailed", "the disk is full"),
        "{said:?}"
    );
    assert!(
        holds(&said, "problem StorageFailed", "the disk is full"),
        "{said:?}"
    );
    let names: Vec<&String> = said
        .iter()
        .filter(|line| line.starts_with("name"))
        .collect();
    assert_eq!(names, ["name Contoso", "name Renamed"], "{said:?}");
    assert_eq!(
        said.last().map(String::as_str),
        Some("name Renamed"),
        "no problem is left"
    );
}

#[tokio::test]
async fn a_migration_on_a_full_disk_leaves_the_old_file_and_succeeds_once_there_is_room() {
    let home = Home::new().await;
    let store = Store::in_folder(&home.data());
    let stored = store.read().expect("readable");
    let accounts: Vec<&Account> = stored.iter().collect();
    let json = serde_json::json!({ "version": 1, "accounts": accounts }).to_string();
    mcm_core::file::replace(&home.data().join("accounts.json"), json.as_bytes()).expect("written");
    for name in ["accounts.db", "accounts.db-journal"] {
        fs::remove_file(home.data().join(name)).expect("removed");
    }
    let check = "ls -A \"$DISK_HOME\"/*/ | grep -c '[.]tmp$' | sed 's/^/= temporary /'";
    let script = format!("{FULL_THEN_FREE}; {check}");
    let Some(said) = home.start_on_a_disk(&script) else {
        return;
    };
    assert!(
        holds(&said, "problem StorageFailed", "the disk is full"),
        "{said:?}"
    );
    let counts: Vec<&String> = said
        .iter()
        .filter(|line| line.starts_with("accounts"))
        .collect();
    assert_eq!(counts, ["accounts 0", "accounts 1"], "{said:?}");
    assert_eq!(
        said.last().map(String::as_str),
        Some("temporary 0"),
        "{said:?}"
    );
}

#[tokio::test]
async fn on_a_read_only_disk_everything_is_read_and_the_app_says_that_nothing_is_saved() {
    let home = Home::new().await;
    let script = "mount -o remount,ro \"$DISK_HOME\"; \"$@\"";
    let Some(said) = home.start_on_a_disk(script) else {
        return;
    };
    assert!(
        holds(&said, "accounts 1", "") && holds(&said, "activity 1", ""),
        "{said:?}"
    );
    assert!(
        holds(&said, "problem StorageFailed", "the disk is read-only"),
        "{said:?}"
    );
    assert!(
        holds(&said, "refused StorageFailed", "read-only"),
        "{said:?}"
    );
    assert!(holds(&said, "name Contoso", ""), "{said:?}");
}

#[tokio::test]
async fn permissions_that_forbid_writing_are_named_and_reading_goes_on() {
    for (file, folder) in [(0o400, 0o700), (0o600, 0o500), (0o400, 0o500)] {
        let home = Home::new().await;
        let before = home.contents();
        // Where it is there already, no file has to be made.
        fs::remove_file(home.data().join("accounts.db-journal")).expect("removed");
        let permit = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
        };
        permit(&home.database(), file);
        permit(&home.data(), folder);
        // The administrator is bound by permissions only without these capabilities.
        let bound = [
            "setpriv",
            "--bounding-set=-dac_override,-dac_read_search",
            "--inh-caps=-dac_override,-dac_read_search",
        ];
        let is_root = rustix::process::getuid().is_root();
        let said = home.start(if is_root { &bound } else { &["env"] });
        permit(&home.data(), 0o700);
        assert!(
            holds(&said, "accounts 1", "") && holds(&said, "activity 1", ""),
            "{said:?}"
        );
        assert!(
            holds(
                &said,
                "problem StorageFailed",
                "access is denied; check its permissions"
            ),
            "{file:o} {folder:o} {said:?}"
        );
        assert!(
            holds(&said, "refused StorageFailed", "permissions"),
            "{said:?}"
        );
        assert_eq!(home.contents(), before);
    }
}

#[tokio::test]
async fn a_damaged_file_is_named_and_a_start_leaves_it_where_it_is() {
    let home = Home::new().await;
    let damage = b"not a database";
    mcm_core::file::replace(&home.database(), damage).expect("written");
    // What waits to be taken into the database makes the start write.
    mcm_core::file::replace(&home.data().join("issued.jsonl"), b"{}\n").expect("written");
    let said = home.start(&["env"]);
    assert!(
        holds(&said, "problem StorageUnreadable", "accounts.db is damaged"),
        "{said:?}"
    );
    assert_eq!(home.contents(), damage);
}

#[tokio::test]
async fn a_file_of_another_user_is_named_and_neither_read_nor_changed() {
    if !may_run_as_another_user() {
        return;
    }
    let home = Home::new().await;
    chown(home.database(), Some(65534), None).expect("the administrator may");
    let before = home.contents();
    let said = home.start(&["env"]);
    assert!(holds(&said, "accounts 0", ""), "{said:?}");
    assert!(
        holds(
            &said,
            "problem StorageFailed",
            "accounts.db belongs to another user"
        ),
        "{said:?}"
    );
    assert_eq!(home.contents(), before);
}

#[tokio::test]
async fn a_folder_without_locks_is_named_at_once_and_nothing_is_changed() {
    let home = Home::new().await;
    let before = home.contents();
    let (source, library) = (
        home.folder.path().join("no_locks.c"),
        home.folder.path().join("no_locks.so"),
    );
    mcm_core::file::replace(&source, NO_LOCKS.as_bytes()).expect("written");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status();
    assert!(compiled.expect("a C compiler, as Rust needs one").success());
    let preload = format!("LD_PRELOAD={}", library.display());
    // Reading would wait for five seconds for each look at the file.
    let said = home.start(&["timeout", "4", "env", &preload]);
    assert!(
        holds(
            &said,
            "problem StorageFailed",
            "Set MCM_HOME to a local folder"
        ),
        "{said:?}"
    );
    assert_eq!(home.contents(), before);
}

/// Answers every request for a lock as a network folder without locks does.
const NO_LOCKS: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
int flock(int file, int operation) { errno = ENOLCK; return -1; }
static int answer(const char *name, int file, int command, void *argument) {
    if (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK) { errno = ENOLCK; return -1; }
    int (*real)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
    return real(file, command, argument);
}
int fcntl(int file, int command, ...) {
    va_list rest; va_start(rest, command); void *argument = va_arg(rest, void *); va_end(rest);
    return answer("fcntl", file, command, argument);
}
int fcntl64(int file, int command, ...) {
    va_list rest; va_start(rest, command); void *argument = va_arg(rest, void *); va_end(rest);
    return answer("fcntl64", file, command, argument);
}
"#;
