//! A private desktop session for one test: its own D-Bus, home folder and GNOME Keyring.
//!
//! A test runs twice. Outside, it starts this same test binary in a new session, for that test alone. Inside, it
//! finds itself there and does its work. A missing program is a failure with its name, never a silent pass.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use mcm_core::world::Environment;
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

/// Tells the test binary what it is: nothing outside, or one of these inside.
const ROLE: &str = "KEYCHAIN_TEST_ROLE";
const FOLDER: &str = "KEYCHAIN_TEST_FOLDER";
const SESSION: &str = "session";

const PASSWORD: &str = "correct horse";
const BUS: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";

/// A bus that starts no program by itself, so that a keychain is there only when the test starts it.
const BARE_BUS: &str = r#"<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>"#;

/// What a test works with inside its session.
pub(crate) struct Desktop {
    folder: PathBuf,
    daemon: Option<Child>,
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.stop_keyring();
    }
}

/// Runs a test in a session whose bus starts no program. `name` is the test's own name.
pub(crate) fn in_session(name: &str, test: impl FnOnce(&mut Desktop)) {
    run(name, BARE_BUS, &[], test, |role| {
        panic!("{name} has no role {role}")
    });
}

/// As [`in_session`], for a test that starts further processes with [`Desktop::spawn`].
pub(crate) fn in_session_with_roles(
    name: &str,
    test: impl FnOnce(&mut Desktop),
    role: impl FnOnce(&str, &Path),
) {
    run(name, BARE_BUS, &[], test, |text| role(text, &folder()));
}

/// As [`in_session`], with a screen, a window manager and a bus that starts the keyring's own dialogs.
pub(crate) fn in_session_with_screen(name: &str, test: impl FnOnce(&mut Desktop)) {
    if role().is_some() {
        return run(name, "", &[], test, |role| {
            panic!("{name} has no role {role}")
        });
    }
    let screen = Screen::start();
    let services = tempfile::tempdir().expect("temporary folder");
    let file = "org.gnome.keyring.SystemPrompter.service";
    fs::copy(
        Path::new("/usr/share/dbus-1/services").join(file),
        services.path().join(file),
    )
    .unwrap_or_else(|error| missing("the keyring's dialog", "gcr", &error));
    let folder = format!(
        "<servicedir>{}</servicedir><listen>",
        services.path().display()
    );
    let bus = BARE_BUS.replace("<listen>", &folder);
    run(
        name,
        &bus,
        &[("DISPLAY", &screen.display), ("NO_AT_BRIDGE", "1")],
        test,
        |_| {},
    );
}

fn role() -> Option<String> {
    Environment::of_this_process().get(ROLE).map(str::to_owned)
}

fn folder() -> PathBuf {
    let environment = Environment::of_this_process();
    PathBuf::from(
        environment
            .get(FOLDER)
            .expect("a process inside a session knows its folder"),
    )
}

fn run(
    name: &str,
    bus: &str,
    variables: &[(&str, &str)],
    test: impl FnOnce(&mut Desktop),
    other: impl FnOnce(&str),
) {
    match role().as_deref() {
        Some(SESSION) => test(&mut Desktop {
            folder: folder(),
            daemon: None,
        }),
        Some(role) => other(role),
        None => {
            let output = outside(name, bus, variables);
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(
                output.status.success() && text.contains("1 passed"),
                "{name} failed in its session ({}):\n{text}{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

fn outside(name: &str, bus: &str, variables: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("temporary folder");
    let home = folder.path().join("home");
    let runtime = folder.path().join("runtime");
    for path in [&home, &runtime] {
        fs::DirBuilder::new()
            .mode(0o700)
            .create(path)
            .expect("temporary folder is ours");
    }
    fs::create_dir_all(home.join(".local/share/keyrings")).expect("temporary folder is ours");
    let config = folder.path().join("bus.conf");
    fs::File::create(&config)
        .and_then(|mut file| file.write_all(bus.as_bytes()))
        .expect("folder is ours");

    let mut command = Command::new("dbus-run-session");
    command
        .arg("--config-file")
        .arg(&config)
        .arg("--")
        .arg(this_binary());
    command.args(["--exact", name, "--nocapture", "--test-threads", "1"]);
    command
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
    command.env("HOME", &home).env("XDG_RUNTIME_DIR", &runtime);
    command
        .env("XDG_DATA_HOME", home.join(".local/share"))
        .env("XDG_CONFIG_HOME", home.join(".config"));
    command
        .env("XDG_CACHE_HOME", home.join(".cache"))
        .env("GSETTINGS_BACKEND", "memory");
    command
        .env(ROLE, SESSION)
        .env(FOLDER, folder.path())
        .envs(variables.iter().copied());
    output(&mut command, "dbus-run-session", "dbus")
}

fn this_binary() -> PathBuf {
    std::env::current_exe().expect("a test binary has a path")
}

/// Runs a program to its end, or names the package that it comes in.
pub(crate) fn output(command: &mut Command, program: &str, package: &str) -> Output {
    command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| missing(program, package, &error))
}

fn missing(program: &str, package: &str, error: &std::io::Error) -> ! {
    panic!(
        "{program} cannot be started ({error}). This test needs it: install the package {package}."
    )
}

/// Waits until something is so, and fails when it is not so after half a minute.
pub(crate) fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    const PAUSE: Duration = Duration::from_millis(10);
    for _ in 0..3_000 {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(PAUSE);
    }
    panic!("{what}: not after half a minute");
}

impl Desktop {
    /// The session's own folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A place for the lock file, which all processes of this session share.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.folder.join("keychain.lock")
    }

    /// Starts the keyring with its login collection unlocked, as a login does.
    pub(crate) fn start_keyring(&mut self) {
        self.start(&["--unlock"], PASSWORD);
        wait_until("the keyring is unlocked", || {
            collection_is_locked().filter(|locked| !locked)
        });
    }

    /// Starts a keyring that was never set up: it has no default collection.
    pub(crate) fn start_empty_keyring(&mut self) {
        self.start(&[], "");
        wait_until("the keyring runs", || {
            SecretService::connect(EncryptionType::Plain).ok().map(drop)
        });
    }

    fn start(&mut self, options: &[&str], input: &str) {
        let program = "gnome-keyring-daemon";
        let mut daemon = Command::new(program)
            .args(["--foreground", "--components=secrets"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| missing(program, "gnome-keyring", &error));
        let mut stdin = daemon.stdin.take().expect("it is piped");
        stdin
            .write_all(input.as_bytes())
            .expect("the daemon reads its password");
        self.daemon = Some(daemon);
    }

    /// Kills the keyring as a crash does.
    pub(crate) fn stop_keyring(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }

    /// Locks the keyring, as a screen lock or the user may do.
    pub(crate) fn lock(&self) {
        let service = SecretService::connect(EncryptionType::Plain).expect("the keyring runs");
        service
            .get_default_collection()
            .and_then(|collection| collection.lock())
            .expect("it can be locked");
    }

    /// Unlocks the keyring without a dialog, with a call that it has for tests.
    pub(crate) fn unlock(&self) {
        let bus = zbus::blocking::Connection::session().expect("the session has a bus");
        let call = ("plain", Value::from(""));
        let reply = bus
            .call_method(
                Some(BUS),
                PATH,
                Some("org.freedesktop.Secret.Service"),
                "OpenSession",
                &call,
            )
            .expect("the keyring runs");
        let (_, session): (OwnedValue, OwnedObjectPath) =
            reply.body().deserialize().expect("as specified");
        let collection =
            OwnedObjectPath::try_from(format!("{PATH}/collection/login")).expect("a path");
        let secret = (session, Vec::<u8>::new(), PASSWORD.as_bytes(), "text/plain");
        let interface = "org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface";
        bus.call_method(
            Some(BUS),
            PATH,
            Some(interface),
            "UnlockWithMasterPassword",
            &(collection, secret),
        )
        .expect("the password is right");
    }

    /// Starts this test binary once more in the same session, in another role of the same test.
    pub(crate) fn spawn(&self, name: &str, role: &str) -> Child {
        Self::again(name, role)
            .spawn()
            .expect("this binary can be started")
    }

    /// As [`Desktop::spawn`], with the address of a bus that is not there.
    pub(crate) fn spawn_without_bus(&self, name: &str, role: &str) -> Child {
        let address = format!("unix:path={}", self.folder.join("no-bus").display());
        let mut command = Self::again(name, role);
        command
            .env("DBUS_SESSION_BUS_ADDRESS", address)
            .spawn()
            .expect("this binary can be started")
    }

    fn again(name: &str, role: &str) -> Command {
        let mut command = Command::new(this_binary());
        command
            .args(["--exact", name, "--nocapture", "--test-threads", "1"])
            .env(ROLE, role);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Waits for the keyring's dialog, types the password or dismisses the dialog.
    pub(crate) fn answer_dialog(&self, answer: Answer) {
        let window = wait_until("the dialog is on the screen", || {
            let found = xdotool(&["search", "--onlyvisible", "--class", "gcr-prompter"]);
            found.lines().next().map(str::to_owned)
        });
        wait_until("the dialog has the focus", || {
            (xdotool(&["getwindowfocus"]).trim() == window)
                .then_some(())
                .or_else(|| {
                    xdotool(&["windowfocus", &window]);
                    None
                })
        });
        match answer {
            Answer::Password => {
                xdotool(&["type", PASSWORD]);
                xdotool(&["key", "Return"]);
            }
            Answer::Dismiss => drop(xdotool(&["key", "Escape"])),
        }
        wait_until("the dialog is gone", || {
            xdotool(&["search", "--onlyvisible", "--class", "gcr-prompter"])
                .is_empty()
                .then_some(())
        });
    }
}

/// What the user does with the dialog.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// Types the right password.
    Password,
    /// Closes it.
    Dismiss,
}

pub(crate) fn xdotool(arguments: &[&str]) -> String {
    let output = output(
        Command::new("xdotool").args(arguments),
        "xdotool",
        "xdotool",
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn collection_is_locked() -> Option<bool> {
    let service = SecretService::connect(EncryptionType::Plain).ok()?;
    let collection = service.get_default_collection().ok()?;
    collection.is_locked().ok()
}

/// A screen that is never shown, with a window manager, without which a dialog gets no focus.
struct Screen {
    display: String,
    server: Child,
    manager: Child,
}

impl Screen {
    fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "800x600x24",
                "-nolisten",
                "tcp",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| missing("Xvfb", "xvfb", &error));
        let mut number = String::new();
        let output = server.stdout.take().expect("it is piped");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut number)
            .expect("its number");
        let display = format!(":{}", number.trim());
        let manager = Command::new("openbox")
            .env("DISPLAY", &display)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| missing("openbox", "openbox", &error));
        Self {
            display,
            server,
            manager,
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for process in [&mut self.manager, &mut self.server] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
