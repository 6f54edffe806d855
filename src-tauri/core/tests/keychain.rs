//! The vault against a real GNOME Keyring, in a private desktop session for each test.
//!
//! Programs needed: dbus-run-session, gnome-keyring-daemon, secret-tool; for the dialogs also Xvfb, openbox and
//! xdotool. The tests of `keychain/keepassxc.rs` and `keychain/kwallet.rs` also need those programs, and say so
//! where they are missing. See `keychain/desktop.rs` for how a test gets its session.
#![cfg(target_os = "linux")]

#[path = "keychain/desktop.rs"]
mod desktop;
#[path = "keychain/dialogs.rs"]
mod dialogs;
#[path = "keychain/keepassxc.rs"]
mod keepassxc;
#[path = "keychain/kwallet.rs"]
mod kwallet;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Command;

use mcm_core::account::{AccountId, GrantKey};
use mcm_core::error::{Code, Result};
use mcm_core::vault::KeychainState;
use mcm_core::vault::{Record, Vault};
use secrecy::{ExposeSecret as _, SecretSlice};
use tokio::runtime::Runtime;

use desktop::{Answer, Desktop, in_session, in_session_with_roles, in_session_with_screen, output};

const SERVICE: &str = "io.github.multicloudmanager.test";

/// A vault and a runtime to ask it from plain test code.
struct RequestingProgram {
    vault: Vault,
    runtime: Runtime,
}

impl RequestingProgram {
    fn new(lock_file: &Path) -> Self {
        let vault = Vault::platform(SERVICE, lock_file.to_owned());
        Self {
            vault,
            runtime: Runtime::new().expect("a runtime starts"),
        }
    }

    fn read(&self, record: &Record) -> Result<Option<Vec<u8>>> {
        let secret = self.runtime.block_on(self.vault.read(record))?;
        Ok(secret.map(|secret| secret.expose_secret().to_vec()))
    }

    fn write(&self, record: &Record, value: &[u8]) -> Result<()> {
        self.runtime
            .block_on(self.vault.write(record, SecretSlice::from(value.to_vec())))
    }

    fn delete(&self, record: &Record) -> Result<()> {
        self.runtime.block_on(self.vault.delete(record))
    }

    fn entries(&self, record: &Record) -> Result<u32> {
        self.runtime.block_on(self.vault.entries(record))
    }

    fn state(&self) -> KeychainState {
        self.vault.watch().borrow().state
    }
}

fn requesting_program(desktop: &Desktop) -> RequestingProgram {
    RequestingProgram::new(&desktop.lock_file())
}

fn grant() -> Record {
    let key: GrantKey =
        serde_json::from_str("\"00112233445566778899aabbccddeeff\"").expect("text is a key");
    Record::grant(&key)
}

fn session() -> Record {
    Record::session(
        &AccountId::from("azure-0123456789ab".to_owned()),
        "https://management.example",
    )
}

/// Bytes of which many are no text.
fn bytes(seed: u8, length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at as u8).wrapping_mul(31).wrapping_add(seed))
        .collect()
}

fn code_of<T>(outcome: Result<T>) -> Code {
    outcome.map(drop).expect_err("the call fails").code()
}

#[test]
fn secrets_of_any_length_and_bytes_come_back_and_go() {
    in_session(
        "secrets_of_any_length_and_bytes_come_back_and_go",
        |desktop| {
            desktop.start_keyring();
            let requesting_program = requesting_program(desktop);
            for length in [0, 1, 2_048, 4_096, 20_000] {
                requesting_program
                    .write(&grant(), &bytes(1, length))
                    .expect("unlocked");
                requesting_program
                    .write(&session(), &bytes(2, length))
                    .expect("unlocked");
                assert_eq!(
                    requesting_program.read(&grant()).expect("unlocked"),
                    Some(bytes(1, length))
                );
                assert_eq!(
                    self::requesting_program(desktop)
                        .read(&session())
                        .expect("unlocked"),
                    Some(bytes(2, length))
                );
            }
            assert_eq!(requesting_program.state(), KeychainState::Unlocked);
            assert_eq!(requesting_program.entries(&grant()).expect("unlocked"), 10);

            requesting_program.delete(&grant()).expect("unlocked");
            assert_eq!(requesting_program.read(&grant()).expect("unlocked"), None);
            let removed = requesting_program
                .runtime
                .block_on(requesting_program.vault.sweep_all())
                .expect("unlocked");
            assert_eq!(
                removed,
                20_000_u32.div_ceil(2_048),
                "nothing of the deleted record was left"
            );
            assert_eq!(secret_tool(&["search", "--all", "service", SERVICE]), "");
        },
    );
}

#[test]
fn other_programs_see_a_readable_entry_under_our_service() {
    in_session(
        "other_programs_see_a_readable_entry_under_our_service",
        |desktop| {
            desktop.start_keyring();
            let requesting_program = requesting_program(desktop);
            requesting_program
                .write(&grant(), b"refresh")
                .expect("unlocked");
            let found = secret_tool(&["search", "--all", "service", SERVICE]);
            assert!(
                found.contains("label = Multi-Cloud Manager sign-in"),
                "{found}"
            );
            let user = grant().user();
            assert!(
                secret_tool(&["lookup", "service", SERVICE, "username", &user])
                    .ends_with("\nrefresh")
            );
        },
    );
}

fn secret_tool(arguments: &[&str]) -> String {
    let output = output(
        Command::new("secret-tool").args(arguments),
        "secret-tool",
        "libsecret-tools",
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn locked_keyring_is_said_to_be_locked_without_a_dialog_and_works_once_unlocked() {
    in_session(
        "locked_keyring_is_said_to_be_locked_without_a_dialog_and_works_once_unlocked",
        |desktop| {
            desktop.start_keyring();
            let requesting_program = requesting_program(desktop);
            requesting_program
                .write(&grant(), b"kept")
                .expect("unlocked");
            desktop.lock();
            let dialogs = watch_for_dialogs();
            for requesting_program in [&requesting_program, &self::requesting_program(desktop)] {
                assert_eq!(
                    code_of(requesting_program.read(&grant())),
                    Code::KeychainLocked
                );
                assert_eq!(
                    code_of(requesting_program.read(&session())),
                    Code::KeychainLocked,
                    "locked, not empty"
                );
                assert_eq!(
                    code_of(requesting_program.write(&grant(), b"new")),
                    Code::KeychainLocked
                );
                assert_eq!(
                    code_of(requesting_program.write(&session(), b"new")),
                    Code::KeychainLocked
                );
                assert_eq!(
                    code_of(requesting_program.delete(&grant())),
                    Code::KeychainLocked
                );
                assert_eq!(requesting_program.state(), KeychainState::Locked);
            }
            assert_eq!(dialogs(), 0, "no dialog was shown");

            desktop.unlock();
            assert_eq!(
                requesting_program.read(&grant()).expect("unlocked"),
                Some(b"kept".to_vec())
            );
            assert_eq!(requesting_program.read(&session()).expect("unlocked"), None);
            assert_eq!(requesting_program.state(), KeychainState::Unlocked);
        },
    );
}

/// Takes the name under which the keyring asks for its dialogs, and counts the calls that come in.
fn watch_for_dialogs() -> impl FnOnce() -> usize {
    let bus = zbus::blocking::Connection::session().expect("the session has a bus");
    bus.request_name("org.gnome.keyring.SystemPrompter")
        .expect("no other program has the name");
    let messages = zbus::blocking::MessageIterator::from(&bus);
    move || {
        // Whatever was sent before this call has come in when its answer has.
        bus.call_method(
            Some("org.freedesktop.DBus"),
            "/",
            Some("org.freedesktop.DBus"),
            "GetId",
            &(),
        )
        .expect("the bus answers");
        bus.close().expect("the bus lets go");
        let calls = messages
            .filter_map(std::result::Result::ok)
            .filter(|message| {
                message
                    .header()
                    .interface()
                    .is_some_and(|name| name.starts_with("org.gnome.keyring"))
            });
        calls.count()
    }
}

#[test]
fn unlock_that_cannot_show_its_dialog_leaves_the_keyring_locked() {
    in_session(
        "unlock_that_cannot_show_its_dialog_leaves_the_keyring_locked",
        |desktop| {
            desktop.start_keyring();
            let requesting_program = requesting_program(desktop);
            requesting_program
                .runtime
                .block_on(requesting_program.vault.unlock())
                .expect("nothing to unlock");
            desktop.lock();
            assert_eq!(
                code_of(
                    requesting_program
                        .runtime
                        .block_on(requesting_program.vault.unlock())
                ),
                Code::KeychainLocked
            );
            assert_eq!(requesting_program.state(), KeychainState::Locked);
        },
    );
}

#[test]
fn dialog_of_the_keyring_unlocks_it_or_leaves_it_locked_as_the_user_answers() {
    in_session_with_screen(
        "dialog_of_the_keyring_unlocks_it_or_leaves_it_locked_as_the_user_answers",
        |desktop| {
            desktop.start_keyring();
            let requesting_program = requesting_program(desktop);
            requesting_program
                .write(&grant(), b"kept")
                .expect("unlocked");
            desktop.lock();
            let ask = |answer| {
                let vault = requesting_program.vault.clone();
                let unlocking = requesting_program
                    .runtime
                    .spawn(async move { vault.unlock().await });
                let lock_file_is_free = code_of(self::requesting_program(desktop).read(&grant()));
                assert_eq!(
                    lock_file_is_free,
                    Code::KeychainLocked,
                    "others are not kept waiting"
                );
                desktop.answer_dialog(answer);
                requesting_program
                    .runtime
                    .block_on(unlocking)
                    .expect("no panic")
            };
            assert_eq!(code_of(ask(Answer::Dismiss)), Code::KeychainLocked);
            assert_eq!(requesting_program.state(), KeychainState::Locked);
            ask(Answer::Password).expect("the password is right");
            assert_eq!(requesting_program.state(), KeychainState::Unlocked);
            assert_eq!(
                requesting_program.read(&grant()).expect("unlocked"),
                Some(b"kept".to_vec())
            );
        },
    );
}

#[test]
fn without_a_keyring_secrets_stay_in_memory_and_move_when_it_starts() {
    in_session(
        "without_a_keyring_secrets_stay_in_memory_and_move_when_it_starts",
        |desktop| {
            let requesting_program = requesting_program(desktop);
            requesting_program
                .write(&grant(), b"here")
                .expect("memory takes it");
            assert_eq!(
                requesting_program.read(&grant()).expect("memory has it"),
                Some(b"here".to_vec())
            );
            assert_eq!(requesting_program.state(), KeychainState::Absent);
            assert_eq!(
                code_of(self::requesting_program(desktop).read(&grant())),
                Code::KeychainAbsent
            );

            desktop.start_keyring();
            requesting_program
                .runtime
                .block_on(requesting_program.vault.check())
                .expect("unlocked");
            assert_eq!(requesting_program.state(), KeychainState::Unlocked);
            assert_eq!(
                self::requesting_program(desktop)
                    .read(&grant())
                    .expect("unlocked"),
                Some(b"here".to_vec())
            );
        },
    );
}

#[test]
fn keyring_that_was_never_set_up_counts_as_none() {
    in_session("keyring_that_was_never_set_up_counts_as_none", |desktop| {
        desktop.start_empty_keyring();
        let requesting_program = requesting_program(desktop);
        requesting_program
            .write(&grant(), b"here")
            .expect("memory takes it");
        assert_eq!(
            requesting_program.read(&grant()).expect("memory has it"),
            Some(b"here".to_vec())
        );
        assert_eq!(requesting_program.state(), KeychainState::Absent);
    });
}

#[test]
fn without_a_session_bus_there_is_no_keyring() {
    let name = "without_a_session_bus_there_is_no_keyring";
    in_session_with_roles(
        name,
        |desktop| {
            let output = desktop
                .spawn_without_bus(name, "lonely")
                .wait_with_output()
                .expect("it ends");
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        },
        |_, folder| {
            let requesting_program = RequestingProgram::new(&folder.join("keychain.lock"));
            requesting_program
                .write(&grant(), b"here")
                .expect("memory takes it");
            assert_eq!(requesting_program.state(), KeychainState::Absent);
        },
    );
}

#[test]
fn keyring_that_was_started_anew_works_with_the_same_vault() {
    in_session(
        "keyring_that_was_started_anew_works_with_the_same_vault",
        |desktop| {
            desktop.start_keyring();
            let requesting_program = requesting_program(desktop);
            requesting_program
                .write(&grant(), &bytes(1, 5_000))
                .expect("unlocked");
            desktop.stop_keyring();
            desktop.start_keyring();
            assert_eq!(
                requesting_program.read(&grant()).expect("connected again"),
                Some(bytes(1, 5_000))
            );

            desktop.stop_keyring();
            assert_eq!(
                code_of(requesting_program.read(&grant())),
                Code::KeychainAbsent
            );
            desktop.start_keyring();
            requesting_program
                .runtime
                .block_on(requesting_program.vault.check())
                .expect("connected again");
            requesting_program
                .write(&grant(), b"new")
                .expect("connected again");
            assert_eq!(
                self::requesting_program(desktop)
                    .read(&grant())
                    .expect("unlocked"),
                Some(b"new".to_vec())
            );
        },
    );
}

#[test]
fn vault_may_be_dropped_anywhere() {
    in_session("vault_may_be_dropped_anywhere", |desktop| {
        desktop.start_keyring();
        let RequestingProgram { vault, runtime } = requesting_program(desktop);
        runtime.block_on(async move {
            vault
                .write(&grant(), SecretSlice::from(b"kept".to_vec()))
                .await
                .expect("unlocked");
            drop(vault);
        });
        assert_eq!(
            requesting_program(desktop)
                .read(&grant())
                .expect("unlocked"),
            Some(b"kept".to_vec())
        );
    });
}

#[test]
fn twenty_processes_at_once_all_read() {
    let name = "twenty_processes_at_once_all_read";
    in_session_with_roles(
        name,
        |desktop| {
            desktop.start_keyring();
            requesting_program(desktop)
                .write(&grant(), &bytes(1, 3_000))
                .expect("unlocked");
            let readers: Vec<_> = (0..20).map(|_| desktop.spawn(name, "reader")).collect();
            for reader in readers {
                let output = reader.wait_with_output().expect("it ends");
                assert!(
                    output.status.success(),
                    "{}",
                    String::from_utf8_lossy(&output.stderr)
                );
            }
        },
        |_, folder| {
            let found = RequestingProgram::new(&folder.join("keychain.lock")).read(&grant());
            assert_eq!(found.expect("unlocked"), Some(bytes(1, 3_000)));
        },
    );
}

#[test]
fn writer_that_is_killed_leaves_a_whole_secret() {
    let name = "writer_that_is_killed_leaves_a_whole_secret";
    in_session_with_roles(
        name,
        |desktop| {
            desktop.start_keyring();
            let requesting_program = requesting_program(desktop);
            for writes in 1..=8 {
                let mut writer = desktop.spawn(name, "writer");
                let lines = BufReader::new(writer.stdout.take().expect("it is piped")).lines();
                let seen = lines
                    .map_while(std::result::Result::ok)
                    .filter(|line| line.contains("written"));
                assert_eq!(seen.take(writes).count(), writes, "the writer writes");
                writer.kill().expect("it runs");
                writer.wait().expect("it ends");
                let found = requesting_program
                    .read(&grant())
                    .expect("unlocked")
                    .expect("there is one");
                assert!(values().contains(&found), "a mix of {} bytes", found.len());
            }
            requesting_program.delete(&grant()).expect("unlocked");
            assert_eq!(
                secret_tool(&["search", "--all", "service", SERVICE]),
                "",
                "left-overs"
            );
        },
        |_, folder| {
            let requesting_program = RequestingProgram::new(&folder.join("keychain.lock"));
            let mut output = std::io::stdout();
            for value in values().iter().cycle() {
                requesting_program.write(&grant(), value).expect("unlocked");
                writeln!(output, "written")
                    .and_then(|()| output.flush())
                    .expect("a listener");
            }
        },
    );
}

fn values() -> [Vec<u8>; 3] {
    [bytes(1, 7_000), bytes(2, 20), bytes(3, 4_100)]
}
