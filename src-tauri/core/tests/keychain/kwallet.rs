//! The vault against a real KWallet, whose Secret Service opens a wallet by its password, in a dialog.

use std::fs;
use std::process::{Child, Command, Stdio};

use mcm_core::error::Code;
use mcm_core::file;
use mcm_core::testing::not_checked;
use mcm_core::vault::KeychainState;
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;

use super::desktop::{Desktop, in_session_with_screen, wait_until};
use super::dialogs::while_answering;
use super::{code_of, grant, requesting_program};

const PROGRAM: &str = "kwalletd5";
const PASSWORD: &str = "geheim";
/// The salt of the wallet's password.
const SALT: [u8; 56] = [7; 56];
/// PBKDF2 with SHA-512 of the password and the salt, 50,000 rounds, as KWallet makes a wallet's key.
const KEY: [u8; 56] = [
    0x80, 0x44, 0x09, 0x2f, 0x2a, 0xca, 0xd6, 0x02, 0xee, 0xa9, 0x35, 0xf6, 0x57, 0x97, 0x49, 0xe2,
    0xcd, 0x96, 0x80, 0xbf, 0x7a, 0xa6, 0xe3, 0x55, 0xbc, 0xa9, 0xce, 0xd0, 0x52, 0x77, 0x3d, 0x28,
    0x5c, 0x79, 0x16, 0x22, 0x1e, 0x9f, 0x67, 0x59, 0x82, 0x24, 0xbf, 0xcc, 0xfe, 0x6f, 0xda, 0xfe,
    0xee, 0x51, 0x50, 0xc5, 0x43, 0x91, 0xf2, 0x18,
];
/// What keeps KWallet from asking anything at its first start, and lets it be the keychain.
const CONFIG: &str = "[Wallet]\nEnabled=true\nFirst Use=false\nDefault Wallet=kdewallet\n\n[org.freedesktop.secrets]\napiEnabled=true\n";
/// Its dialogs.
const DIALOG: [&str; 2] = ["--class", PROGRAM];

/// KWallet's daemon.
struct KWallet(Child);

impl Drop for KWallet {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl KWallet {
    /// Starts it without any wallet.
    fn start(desktop: &Desktop) -> Self {
        let config = desktop.folder().join("home/.config/kwalletrc");
        file::replace(&config, CONFIG.as_bytes()).expect("our folder");
        let daemon = Command::new(PROGRAM)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it is installed");
        wait_until("KWallet runs", || {
            SecretService::connect(EncryptionType::Plain).ok().map(drop)
        });
        Self(daemon)
    }

    /// Starts it with a wallet that is locked, as after a login by a fingerprint.
    fn start_locked(desktop: &Desktop) -> Self {
        let folder = desktop.folder().join("home/.local/share/kwalletd");
        fs::create_dir_all(&folder).expect("our folder");
        file::replace(&folder.join("kdewallet.salt"), &SALT).expect("our folder");
        let first = Self::start(desktop);
        let bus = zbus::blocking::Connection::session().expect("the session has a bus");
        bus.call_method(
            Some("org.kde.kwalletd5"),
            "/modules/kwalletd5",
            Some("org.kde.KWallet"),
            "pamOpen",
            &("kdewallet", &KEY[..], 0),
        )
        .expect("the wallet is made");
        wait_until("the wallet is stored", || {
            folder.join("kdewallet.kwl").exists().then_some(())
        });
        drop(first);
        Self::start(desktop)
    }
}

/// Runs the test in a session with a screen, where KWallet is installed.
fn with_kwallet(name: &str, test: impl FnOnce(&Desktop)) {
    if Command::new(PROGRAM).arg("--version").output().is_err() {
        return not_checked(
            "KWallet is not installed (Debian: libkf5wallet-bin and libqca-qt5-2-plugins).",
        );
    }
    in_session_with_screen(name, |desktop| test(desktop));
}

#[test]
fn a_locked_wallet_is_said_at_once_and_unlocked_by_its_password() {
    with_kwallet(
        "kwallet::a_locked_wallet_is_said_at_once_and_unlocked_by_its_password",
        |desktop| {
            let _daemon = KWallet::start_locked(desktop);
            let program = requesting_program(desktop);
            assert_eq!(code_of(program.read(&grant())), Code::KeychainLocked);
            assert_eq!(
                code_of(program.write(&grant(), b"kept")),
                Code::KeychainLocked
            );
            assert_eq!(program.state(), KeychainState::Locked);

            let unlock = || {
                let vault = program.vault.clone();
                async move { vault.unlock().await }
            };
            let closed = while_answering(&program, unlock(), DIALOG, "", &["Escape"]);
            assert_eq!(code_of(closed), Code::KeychainLocked);
            while_answering(&program, unlock(), DIALOG, PASSWORD, &["Return"])
                .expect("the password is right");
            assert_eq!(program.state(), KeychainState::Unlocked);
            program.write(&grant(), b"kept").expect("unlocked");
            let other = requesting_program(desktop);
            assert_eq!(
                other.read(&grant()).expect("unlocked"),
                Some(b"kept".to_vec())
            );

            desktop.lock();
            assert_eq!(code_of(other.read(&grant())), Code::KeychainLocked);
            while_answering(&program, unlock(), DIALOG, PASSWORD, &["Return"])
                .expect("the password is right");
            assert_eq!(
                other.read(&grant()).expect("unlocked"),
                Some(b"kept".to_vec())
            );
            other.delete(&grant()).expect("unlocked");
            assert_eq!(other.entries(&grant()).expect("unlocked"), 0);
        },
    );
}

#[test]
fn a_wallet_that_the_user_does_not_create_is_no_keychain() {
    with_kwallet(
        "kwallet::a_wallet_that_the_user_does_not_create_is_no_keychain",
        |desktop| {
            let _daemon = KWallet::start(desktop);
            let program = requesting_program(desktop);
            assert_eq!(code_of(program.read(&grant())), Code::KeychainAbsent);
            assert_eq!(program.state(), KeychainState::Absent);
            let vault = program.vault.clone();
            let unlock = async move { vault.unlock().await };
            let closed = while_answering(&program, unlock, DIALOG, "", &["Escape"]);
            assert_eq!(code_of(closed), Code::KeychainLocked);
        },
    );
}
