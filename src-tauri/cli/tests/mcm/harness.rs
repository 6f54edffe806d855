//! The tools of a test: the clouds, a D-Bus and keychain of its own, a browser, and `mcm` itself.
//!
//! Nothing of the machine is shared: `mcm` gets no variable but those named here. A missing program is a failure with
//! its name, never a silent pass.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use mcm_core::account::{Account, AccountId};
use mcm_core::store::Store;
use mcm_core::world::{APP_ID, Environment};
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::company::{Company, Rules};
use sandbox_clouds::{Endpoint, Options, Request, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::OwnedObjectPath;

pub(crate) const ADA: &str = "ada@contoso.example";
pub(crate) const LINUS: &str = "linus@contoso.example";

/// Longer than anything here takes, so that a test that waits in vain fails instead of hanging.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The name of the keychain's service on the bus.
const KEYCHAIN: &str = "org.freedesktop.secrets";

/// A machine with one user.
pub(crate) struct Harness {
    pub(crate) sandbox: Sandbox,
    runtime: Runtime,
    bus: Option<Bus>,
    pages: mpsc::Receiver<String>,
    folder: TempDir,
}

/// How `mcm` ended.
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) result: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("mcm prints text");
        Self {
            status: output.status.code().expect("mcm ends by itself"),
            result: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// The result of a command that succeeded.
    pub(crate) fn done(self) -> String {
        assert_eq!(self.status, 0, "{}", self.stderr);
        self.result
    }

    /// The result of a command that succeeded, as JSON.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.done()).expect("the result is JSON")
    }

    /// The standard error of a command that failed with this status.
    pub(crate) fn failed(self, status: i32) -> String {
        assert_eq!(
            (self.status, self.result.as_str()),
            (status, ""),
            "{}",
            self.stderr
        );
        self.stderr
    }
}

impl Harness {
    /// A machine with an unlocked keychain.
    pub(crate) fn start() -> Self {
        Self::with_bus(Some(Bus::start), false)
    }

    /// A machine with an unlocked keychain, for clouds with public names.
    pub(crate) fn for_public_clouds() -> Self {
        Self::with_bus(Some(Bus::start), true)
    }

    /// A machine without a keychain.
    pub(crate) fn without_keychain() -> Self {
        Self::with_bus(None, false)
    }

    /// A company's network before the clouds.
    pub(crate) fn company(&self, rules: Rules) -> Company {
        let company = Company::start(self.sandbox.names(), rules);
        self.runtime.block_on(company).expect("a free port")
    }

    fn with_bus(bus: Option<fn(&Path) -> Bus>, is_public: bool) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = Runtime::new().expect("a runtime starts");
        let options = Options {
            device_interval: Duration::from_secs(1),
            is_public,
            ..Options::default()
        };
        let sandbox = runtime
            .block_on(Sandbox::start(options))
            .expect("free ports");
        let pages = browser(folder.path());
        Self {
            sandbox,
            runtime,
            bus: bus.map(|start| start(folder.path())),
            pages,
            folder,
        }
    }

    /// `mcm` with its whole environment. A test may change it before it runs it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mcm"));
        command.args(arguments).env_clear().stdin(Stdio::null());
        command
            .env("PATH", path())
            .env("HOME", self.folder.path())
            .env("MCM_HOME", self.home());
        command
            .env("TMPDIR", self.folder.path())
            .env("TZ", "UTC")
            .env("MCM_LOG", "trace")
            .env("BROWSER", self.folder.path().join("browser"));
        command.envs(self.sandbox.environment());
        let address = self
            .bus
            .as_ref()
            .map_or("unix:path=/nonexistent", |bus| &bus.address);
        command.env("DBUS_SESSION_BUS_ADDRESS", address);
        command
    }

    /// Gives another program the environment that `mcm` has here, and nothing else.
    pub(crate) fn equip<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let mcm = self.command(&[]);
        command.env_clear().envs(
            mcm.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
    }

    /// Runs `mcm` to its end.
    pub(crate) fn mcm(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().expect("mcm starts"))
    }

    /// Starts `mcm`; the test ends it or waits for it.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Begun {
        Begun::start(self.command(arguments))
    }

    /// Follows a page as a user would.
    pub(crate) fn browse(&self, browser: &Browser, page: &str) -> Landing {
        self.runtime.block_on(browser.browse(page))
    }

    /// The next page that `mcm` opens.
    pub(crate) fn next_page(&self) -> String {
        let link = self.pages.recv_timeout(TIMEOUT).expect("mcm opens a page");
        assert!(
            link.starts_with("http://127.0.0.1:") && !link.contains('?'),
            "every local user can read what a browser is started with: {link}"
        );
        self.runtime.block_on(Browser::new().page_of(&link))
    }

    /// Whether `mcm` opened a page that no test has taken.
    pub(crate) fn has_opened_a_page(&self) -> bool {
        self.pages.try_recv().is_ok()
    }

    /// Runs `mcm login` with this user in front of the browser.
    pub(crate) fn login(&self, person: &str, arguments: &[&str]) -> Ended {
        let begun = self.begin(&[&["login"], arguments].concat());
        let page = self.next_page();
        let landing = self.browse(&Browser::new().as_person(person), &page);
        assert!(
            matches!(landing, Landing::Page { status: 200, .. }),
            "{landing:?}"
        );
        begun.ended()
    }

    /// The id of the only account of a cloud.
    pub(crate) fn account_of(&self, provider: &str) -> String {
        let json = self.mcm(&["accounts", "--json"]).json();
        let mut rows = json["accounts"].as_array().expect("a list").iter();
        let row = rows
            .find(|row| row["provider"] == provider)
            .expect("it is connected");
        row["id"].as_str().expect("an id").to_owned()
    }

    /// Ada's account of Contoso, connected; with `is_over`, its session has expired at once.
    pub(crate) fn connected(&self, is_over: bool) -> String {
        if is_over {
            self.sandbox.set_access_token_life(Duration::ZERO);
        }
        self.login(ADA, &["azure"]).done();
        self.sandbox
            .set_access_token_life(Duration::from_secs(3600));
        self.sandbox.forget_requests();
        let listed = self.mcm(&["accounts", "--json"]).json();
        let id = listed["accounts"][0]["id"].as_str().expect("an id");
        // The cloud was asked for another session at once, which had expired too.
        self.edit(id, |account| account.renewal_failure = None);
        id.to_owned()
    }

    /// Changes what is stored of an account.
    pub(crate) fn edit(&self, id: &str, edit: impl FnOnce(&mut Account)) {
        let store = Store::in_folder(&self.home().join("data"));
        let change = store.change(|change| {
            change.edit(&AccountId::from(id.to_owned()), |account| {
                edit(account);
                Ok(())
            })
        });
        // Another process may still be writing what a sign-in led to.
        self.runtime
            .block_on(change)
            .expect("written")
            .expect("connected");
    }

    /// The secrets that the clouds issued, except those in the user's own variables.
    pub(crate) fn secrets_of_the_clouds(&self) -> Vec<String> {
        let own = self.sandbox.environment();
        let is_own = |secret: &String| own.iter().any(|(_, value)| value == secret);
        let secrets: Vec<_> = self
            .sandbox
            .secrets()
            .into_iter()
            .filter(|secret| !is_own(secret))
            .collect();
        assert!(secrets.len() > 3);
        secrets
    }

    /// Searches the output and the files for every secret of the clouds, and for sign-in pages.
    pub(crate) fn assert_no_secret_in(&self, output: &str) {
        let output = format!("{output}{}", self.files());
        assert!(
            output.contains("the command failed"),
            "the log is searched too"
        );
        let secrets = self.sandbox.secrets();
        assert!(secrets.len() > 5);
        for secret in secrets {
            assert!(!output.contains(&secret), "a secret was shown");
        }
        assert!(
            !output.contains("state=") && !output.contains("code_challenge"),
            "a sign-in page was shown"
        );
    }

    /// How many times a refresh token was redeemed.
    pub(crate) fn renewals(&self) -> usize {
        self.sandbox.requests().iter().filter(is_renewal).count()
    }

    /// Waits until a refresh token is being redeemed.
    pub(crate) fn until_renewing(&self) {
        self.until_request("mcm renews the session", |request| is_renewal(&request));
    }

    /// Waits until a server was asked.
    pub(crate) fn until_requested(&self, endpoint: Endpoint) {
        self.until_request("mcm asks the server", |request| {
            request.endpoint == Some(endpoint)
        });
    }

    fn until_request(&self, what: &str, is_it: impl Fn(&Request) -> bool) {
        let waited = self.runtime.block_on(async {
            let asked = self
                .sandbox
                .until_requests(|requests| requests.iter().any(&is_it));
            tokio::time::timeout(TIMEOUT, asked).await
        });
        waited.unwrap_or_else(|_| panic!("waited in vain: {what}"));
    }

    /// Waits until something is so that nothing tells of, such as what another program does.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        let waiting = async {
            while !is_so() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = self
            .runtime
            .block_on(async { tokio::time::timeout(TIMEOUT, waiting).await });
        waited.unwrap_or_else(|_| panic!("waited in vain: {what}"));
    }

    /// The folder of everything here, which is `HOME` and where temporary files go.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where `mcm` keeps its files.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("mcm")
    }

    /// Where earlier versions kept `accounts.json`, which becomes the database.
    pub(crate) fn accounts_file(&self) -> PathBuf {
        self.home().join("data/accounts.json")
    }

    /// How many entries of ours the keychain holds.
    pub(crate) fn keychain_entries(&self) -> usize {
        self.bus.as_ref().map_or(0, Bus::entries)
    }

    /// Removes the sessions from the keychain, so that the next one must be created.
    pub(crate) fn forget_sessions(&self) {
        self.bus
            .as_ref()
            .expect("there is a keychain")
            .delete("session-");
    }

    /// Locks the keychain, as a screen lock may do.
    pub(crate) fn lock_keychain(&self) {
        self.bus.as_ref().expect("there is a keychain").lock();
    }

    /// Everything that is in `mcm`'s files.
    pub(crate) fn files(&self) -> String {
        everything_below(self.home())
    }
}

/// A running `mcm`.
pub(crate) struct Begun {
    child: Child,
    stderr: String,
    reader: Option<BufReader<ChildStderr>>,
}

impl Begun {
    /// Starts a command that a test has changed.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self {
            child: command.spawn().expect("mcm starts"),
            stderr: String::new(),
            reader: None,
        }
    }

    /// The standard error so far, once it ends with a line that contains these words.
    pub(crate) fn stderr_until(&mut self, words: &str) -> &str {
        let stderr = &mut self.child.stderr;
        let reader = self
            .reader
            .get_or_insert_with(|| BufReader::new(stderr.take().expect("it is piped")));
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            let read = reader.read_line(&mut line).expect("mcm tells text");
            assert!(
                read > 0,
                "mcm ended without printing \"{words}\": {}",
                self.stderr
            );
            self.stderr.push_str(&line);
        }
        &self.stderr
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Presses Ctrl-C.
    pub(crate) fn interrupt(&self) {
        let id = self.child.id().to_string();
        run(Command::new("kill").args(["-INT", &id]), "kill", "procps");
    }

    /// Waits for the end.
    pub(crate) fn ended(mut self) -> Ended {
        if let Some(reader) = &mut self.reader {
            reader
                .read_to_string(&mut self.stderr)
                .expect("mcm tells text");
        }
        let mut ended = Ended::of(self.child.wait_with_output().expect("mcm ends"));
        ended.stderr.insert_str(0, &self.stderr);
        ended
    }
}

/// A D-Bus that starts an unlocked keychain on request.
struct Bus {
    address: String,
    daemon: Child,
    keychain_id: PathBuf,
}

impl Bus {
    fn start(folder: &Path) -> Self {
        let services = folder.join("services");
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&services)
            .expect("the folder is ours");
        let keychain_id = folder.join("keychain.pid");
        let keyring = executable(
            &folder.join("keychain"),
            &format!(
                "echo $$ > {}\nprintf password | exec gnome-keyring-daemon --foreground --unlock --components=secrets",
                keychain_id.display()
            ),
        );
        let service = format!(
            "[D-BUS Service]\nName={KEYCHAIN}\nExec={}\n",
            keyring.display()
        );
        write(
            &services.join(format!("{KEYCHAIN}.service")),
            0o600,
            &service,
        );
        let config = folder.join("bus.conf");
        write(&config, 0o600, &bus_config(folder, &services));

        // The keychain writes its files below HOME, and its socket in the runtime folder.
        let mut command = Command::new("dbus-daemon");
        command
            .arg("--nofork")
            .arg("--print-address")
            .arg("--config-file")
            .arg(&config)
            .env_clear();
        command
            .env("PATH", path())
            .env("HOME", folder)
            .env("XDG_RUNTIME_DIR", folder);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut daemon = command
            .spawn()
            .unwrap_or_else(|error| missing("dbus-daemon", "dbus", &error));
        let mut address = String::new();
        let output = daemon.stdout.take().expect("it is piped");
        BufReader::new(output)
            .read_line(&mut address)
            .expect("the bus prints its address");
        let bus = Self {
            address: address.trim().to_owned(),
            daemon,
            keychain_id,
        };
        if let Err(error) = bus.call("org.freedesktop.DBus.Peer", "Ping", &()) {
            panic!(
                "the keychain does not start ({error}). This test needs the package gnome-keyring."
            );
        }
        bus
    }

    fn call<B>(&self, interface: &str, method: &str, body: &B) -> zbus::Result<zbus::Message>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType,
    {
        let path = "/org/freedesktop/secrets";
        self.connection()
            .call_method(Some(KEYCHAIN), path, Some(interface), method, body)
    }

    fn connection(&self) -> Connection {
        let built = Builder::address(self.address.as_str()).and_then(Builder::build);
        built.expect("the bus accepts connections")
    }

    fn entries(&self) -> usize {
        let (unlocked, locked) = self.items();
        unlocked.len() + locked.len()
    }

    /// Our entries, the unlocked and the locked ones.
    fn items(&self) -> (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) {
        let attributes = HashMap::from([("service", APP_ID)]);
        let reply = self.call(
            "org.freedesktop.Secret.Service",
            "SearchItems",
            &(attributes,),
        );
        reply
            .expect("the keychain answers")
            .body()
            .deserialize()
            .expect("as specified")
    }

    /// Deletes our entries whose names begin like this.
    fn delete(&self, beginning: &str) {
        let connection = self.connection();
        for item in self.items().0 {
            let interface = "org.freedesktop.Secret.Item";
            let asked = connection.call_method(
                Some(KEYCHAIN),
                &item,
                Some("org.freedesktop.DBus.Properties"),
                "Get",
                &(interface, "Attributes"),
            );
            let reply = asked.expect("the keychain answers");
            let body = reply.body();
            let value: zbus::zvariant::Value<'_> = body.deserialize().expect("as specified");
            let attributes: HashMap<String, String> = value.try_into().expect("as specified");
            if attributes
                .get("username")
                .is_some_and(|name| name.starts_with(beginning))
            {
                let deleted =
                    connection.call_method(Some(KEYCHAIN), &item, Some(interface), "Delete", &());
                deleted.expect("the keychain deletes");
            }
        }
    }

    fn lock(&self) {
        let login =
            OwnedObjectPath::try_from("/org/freedesktop/secrets/collection/login").expect("a path");
        self.call("org.freedesktop.Secret.Service", "Lock", &(vec![login],))
            .expect("the keychain locks");
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        if let Ok(id) = fs::read_to_string(&self.keychain_id) {
            let _ = Command::new("kill").args(["-KILL", id.trim()]).status();
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// A session bus at a socket of its own, which starts nothing but what is in `services`.
fn bus_config(folder: &Path, services: &Path) -> String {
    format!(
        "<busconfig>
           <type>session</type>
           <listen>unix:path={}</listen>
           <servicedir>{}</servicedir>
           <policy context=\"default\">
             <allow send_destination=\"*\" eavesdrop=\"true\"/>
             <allow eavesdrop=\"true\"/>
             <allow own=\"*\"/>
           </policy>
         </busconfig>",
        folder.join("bus").display(),
        services.display()
    )
}

/// A `$BROWSER` that passes its page to the test, and the test's end of it.
fn browser(folder: &Path) -> mpsc::Receiver<String> {
    let pipe = folder.join("pages");
    run(Command::new("mkfifo").arg(&pipe), "mkfifo", "coreutils");
    executable(
        &folder.join("browser"),
        &format!("printf %s \"$1\" > {}", pipe.display()),
    );
    let (sender, pages) = mpsc::channel();
    // It waits for a writer as long as there may be one, and ends with the test process.
    std::thread::spawn(move || {
        let mut page = String::new();
        while fs::File::open(&pipe)
            .and_then(|mut pipe| pipe.read_to_string(&mut page))
            .is_ok()
        {
            if sender.send(std::mem::take(&mut page)).is_err() {
                return;
            }
        }
    });
    pages
}

fn executable(path: &Path, script: &str) -> PathBuf {
    install_script(path, &format!("#!/bin/sh\n{script}\n"));
    path.to_owned()
}

/// Copies a program so that it can run at once. Another process writes it: a program that another thread starts may
/// inherit the open file, and the system runs no program that is open for writing.
pub(crate) fn install(program: &Path, path: &Path) {
    run(
        Command::new("install")
            .args(["-D", "-m", "0700"])
            .args([program, path]),
        "install",
        "coreutils",
    );
}

/// As [`install`], for a script of the test's own.
pub(crate) fn install_script(path: &Path, script: &str) {
    let mut install = Command::new("install");
    install
        .args(["-D", "-m", "0700", "/dev/stdin"])
        .arg(path)
        .stdin(Stdio::piped());
    let mut install = install
        .spawn()
        .unwrap_or_else(|error| missing("install", "coreutils", &error));
    install
        .stdin
        .take()
        .expect("piped")
        .write_all(script.as_bytes())
        .expect("it reads");
    assert!(install.wait().expect("it ends").success());
}

/// Everything that is in the files of a folder.
pub(crate) fn everything_below(folder: PathBuf) -> String {
    let mut text = String::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("the folder is ours").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                text.push_str(&String::from_utf8_lossy(
                    &fs::read(path).expect("the file is ours"),
                ));
            }
        }
    }
    text
}

/// Writes a file of the test's.
pub(crate) fn write(path: &Path, mode: u32, text: &str) {
    fs::DirBuilder::new()
        .recursive(true)
        .create(path.parent().expect("not the root"))
        .and_then(|()| {
            let mut options = fs::OpenOptions::new();
            options
                .create(true)
                .truncate(true)
                .write(true)
                .mode(mode)
                .open(path)?
                .write_all(text.as_bytes())
        })
        .expect("the folder is ours");
}

pub(crate) fn run(command: &mut Command, program: &str, package: &str) {
    let status = command
        .status()
        .unwrap_or_else(|error| missing(program, package, &error));
    assert!(status.success(), "{program} ended with {status}");
}

pub(crate) fn missing(program: &str, package: &str, error: &std::io::Error) -> ! {
    panic!(
        "{program} cannot be started ({error}). This test needs it: install the package {package}."
    )
}

fn path() -> String {
    Environment::of_this_process()
        .get("PATH")
        .unwrap_or("/usr/bin:/bin")
        .to_owned()
}

fn is_renewal(request: &&Request) -> bool {
    request.endpoint == Some(Endpoint::AzureToken)
        && request.grant_type.as_deref() == Some("refresh_token")
}
