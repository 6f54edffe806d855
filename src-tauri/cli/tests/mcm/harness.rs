//! The tools of a test: the clouds, a D-Bus and keychain of its own, a browser, and `mcm` itself.
//!
//! Nothing of the machine is shared: `mcm` gets no variable but those named here. A missing program is a failure with
//! its name, never a silent pass.

#[cfg(target_os = "linux")]
mod bus;
#[cfg(windows)]
#[path = "harness/credential_manager.rs"]
mod bus;
mod files;
mod process;
#[cfg(target_os = "linux")]
mod terminal;

use std::fs;
#[cfg(target_os = "linux")]
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use mcm_core::account::{Account, AccountId};
use mcm_core::store::Store;
use mcm_core::world::Environment;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::company::{Company, Rules};
use sandbox_clouds::{Endpoint, Options, Request, Sandbox};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use self::bus::Bus;
#[cfg(target_os = "linux")]
use self::files::executable;
pub(crate) use self::files::{everything_below, write};
#[cfg(target_os = "linux")]
pub(crate) use self::files::{install, install_script, missing, run};
#[cfg(target_os = "linux")]
pub(crate) use self::process::namespaces;
pub(crate) use self::process::{Begun, Ended};
#[cfg(target_os = "linux")]
pub(crate) use self::terminal::Terminal;

pub(crate) const ADA: &str = "ada@contoso.example";
pub(crate) const LINUS: &str = "linus@contoso.example";

/// Longer than anything here takes, so that a test that waits in vain fails instead of hanging.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A machine with one user.
pub(crate) struct Harness {
    pub(crate) sandbox: Sandbox,
    runtime: Runtime,
    bus: Option<Bus>,
    pages: mpsc::Receiver<String>,
    folder: TempDir,
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

    /// A machine without a keychain. Windows always has one, so there a test may only need none.
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
            .env("MCM_HOME", self.home())
            .env("TZ", "UTC")
            .env("MCM_LOG", "trace");
        command.envs(self.sandbox.environment());
        self.equip_for_system(&mut command);
        command
    }

    #[cfg(target_os = "linux")]
    fn equip_for_system(&self, command: &mut Command) {
        let address = self
            .bus
            .as_ref()
            .map_or("unix:path=/nonexistent", |bus| &bus.address);
        command
            .env("HOME", self.folder.path())
            .env("TMPDIR", self.folder.path())
            .env("BROWSER", self.folder.path().join("browser"))
            .env("DBUS_SESSION_BUS_ADDRESS", address);
    }

    #[cfg(windows)]
    fn equip_for_system(&self, command: &mut Command) {
        let own = Environment::of_this_process();
        // What Windows' own programs do not start without, and what wine is told.
        let is_system = |name: &str| {
            let systems = ["SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT"];
            systems.contains(&name) || name.starts_with("WINE")
        };
        command.envs(own.pairs().filter(|(name, _)| is_system(name)));
        for name in ["USERPROFILE", "APPDATA", "LOCALAPPDATA", "TEMP", "TMP"] {
            command.env(name, self.folder.path());
        }
        command.env("MCM_BROWSER", self.folder.path().join("browser.cmd"));
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
        Ended::run(self.command(arguments))
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
    pub(crate) fn login(&self, user: &str, arguments: &[&str]) -> Ended {
        let begun = self.begin(&[&["login"], arguments].concat());
        let page = self.next_page();
        let landing = self.browse(&Browser::new().as_user(user), &page);
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

    /// Waits until something is so that nothing reports, such as what another program does.
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
    #[cfg(target_os = "linux")]
    pub(crate) fn lock_keychain(&self) {
        self.bus.as_ref().expect("there is a keychain").lock();
    }

    /// Everything that is in `mcm`'s files.
    pub(crate) fn files(&self) -> String {
        everything_below(self.home())
    }
}

/// A browser that passes its page to the test, and the test's end of it: a file, since `cmd.exe` knows no pipe with a name.
#[cfg(windows)]
fn browser(folder: &Path) -> mpsc::Receiver<String> {
    let pages = folder.join("pages");
    let script = format!("@echo %~1>> \"{}\"\r\n", pages.display());
    write(&folder.join("browser.cmd"), 0o700, &script);
    let folder = folder.to_owned();
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        let mut seen = 0;
        while folder.exists() {
            let text = fs::read_to_string(&pages).unwrap_or_default();
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            for page in text[seen..whole].lines() {
                if sender.send(page.trim().to_owned()).is_err() {
                    return;
                }
            }
            seen = whole;
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    received
}

/// A `$BROWSER` that passes its page to the test, and the test's end of it.
#[cfg(target_os = "linux")]
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
