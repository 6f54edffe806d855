//! The World: clock, environment, folders and browser, which a test replaces.
//!
//! This file has the parts of the machine that core uses, each behind a small trait, with a real and a manual
//! implementation. The keychain (`vault.rs`) and HTTP (`http.rs`) are parts of the World with files of their own.
//! Only this file may read the machine's clock and environment.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use url::Url;

use crate::environment::ConsoleWarning;
use crate::error::{Code, Error, Result};
use crate::file;
use crate::http::Http;
use crate::loopback::HttpsForced;
use crate::vault::Vault;

/// The wall clock. Expiry is a wall-clock time, because `Instant` stands still while a laptop sleeps.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The current time.
    fn now(&self) -> Timestamp;

    /// Returns when the wall clock has reached `at`, even after the machine slept or its clock changed.
    async fn sleep_until(&self, at: Timestamp);
}

/// The machine's clock.
pub struct SystemClock;

/// The longest single sleep: after a resume or a clock change, the wall clock is read within this time.
const LONGEST_NAP: Duration = Duration::from_secs(15);

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the machine's clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = Duration::try_from(at.duration_since(self.now())).unwrap_or_default();
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(LONGEST_NAP)).await;
        }
    }
}

/// Environment variables, read once when the process starts.
#[derive(Clone, Default)]
pub struct Environment(Arc<HashMap<String, String>>);

impl Environment {
    /// The variables of this process. A variable that is not Unicode is omitted.
    pub fn of_this_process() -> Self {
        let pairs = std::env::vars_os();
        Self(Arc::new(
            pairs
                .filter_map(|(name, value)| {
                    let name = as_compared(&name.into_string().ok()?).into_owned();
                    Some((name, value.into_string().ok()?))
                })
                .collect(),
        ))
    }

    /// The names of this process's variables whose values are not Unicode, sorted.
    pub fn names_without_text() -> Vec<String> {
        let pairs = std::env::vars_os();
        let mut names: Vec<String> = pairs
            .filter(|(_, value)| value.to_str().is_none())
            .filter_map(|(name, _)| name.into_string().ok())
            .collect();
        names.sort_unstable();
        names
    }

    /// The variables that a test sets.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(Arc::new(
            pairs
                .into_iter()
                .map(|(name, value)| (as_compared(name).into_owned(), value.to_owned()))
                .collect(),
        ))
    }

    /// Every variable, for libraries that read further ones.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// This user's home folder, where other programs keep their files.
    pub fn home(&self) -> Option<PathBuf> {
        let named = self
            .get(if cfg!(windows) { "USERPROFILE" } else { "HOME" })
            .map(PathBuf::from);
        named.or_else(|| Some(directories::BaseDirs::new()?.home_dir().to_owned()))
    }

    /// The value of a variable, even an empty one: for rules of other programs that distinguish the two.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.0.get(as_compared(name).as_ref()).map(String::as_str)
    }

    /// The value of a variable; an empty one counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(as_compared(name).as_ref())
            .map(String::as_str)
            .filter(|value| !value.trim().is_empty())
    }
}

/// A variable's name in the form in which it is looked up. Windows calls `PATH` `Path`, and takes both for one.
fn as_compared(name: &str) -> Cow<'_, str> {
    if cfg!(windows) {
        Cow::Owned(name.to_uppercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// Our own folders.
#[derive(Clone, Debug)]
pub struct Paths {
    /// The folder of `settings.toml`.
    pub config: PathBuf,
    /// The folder of `accounts.db` and the lock files.
    pub data: PathBuf,
    /// The folder of the logs.
    pub logs: PathBuf,
}

/// The name of our folders, of the Tauri identifier and of the keychain service. A debug build has its own, so that
/// it never touches the accounts of an installed one.
pub const APP_ID: &str = if cfg!(debug_assertions) {
    "io.github.multicloudmanager.dev"
} else {
    "io.github.multicloudmanager"
};

/// The app's own URI scheme, in every build.
pub const SCHEME: &str = "io.github.multicloudmanager";

impl Paths {
    /// The platform's folders, or those below `MCM_HOME` when it is set. Those that exist are this user's only
    /// afterwards.
    ///
    /// # Errors
    /// `setting-invalid` when `MCM_HOME` or `HOME` is not an absolute path; `storage-failed` when this user has no home folder,
    /// and when another user could change what a folder holds.
    pub fn resolve(environment: &Environment) -> Result<Self> {
        let paths = Self::named(environment)?;
        for folder in [&paths.config, &paths.data, &paths.logs] {
            file::keep_folder_private(folder)?;
        }
        Ok(paths)
    }

    fn named(environment: &Environment) -> Result<Self> {
        if let Some(home) = environment.get("MCM_HOME") {
            let home = Path::new(home);
            if !home.is_absolute() {
                let message = format!(
                    "MCM_HOME is \"{}\". Set it to an absolute path.",
                    home.display()
                );
                return Err(Error::new(Code::SettingInvalid, message));
            }
            return Ok(Self::below(home));
        }
        let base = directories::BaseDirs::new().ok_or_else(|| {
            Error::new(
                Code::StorageFailed,
                "This user has no home folder. Set HOME, or MCM_HOME for this app only.",
            )
        })?;
        if !base.home_dir().is_absolute() {
            let message = format!(
                "HOME is \"{}\". Set it to an absolute path.",
                base.home_dir().display()
            );
            return Err(Error::new(Code::SettingInvalid, message));
        }
        Ok(Self {
            config: base.config_dir().join(APP_ID),
            data: base.data_local_dir().join(APP_ID),
            logs: base
                .state_dir()
                .unwrap_or(base.data_local_dir())
                .join(APP_ID)
                .join("logs"),
        })
    }

    /// The lock file that separates the keychain work of all our processes.
    pub fn keychain_lock(&self) -> PathBuf {
        self.data.join("keychain.lock")
    }

    /// Every folder below one.
    pub fn below(home: &Path) -> Self {
        Self {
            config: home.join("config"),
            data: home.join("data"),
            logs: home.join("logs"),
        }
    }
}

/// Opens a sign-in page. The address contains the flow's `state`, so it is passed on and never kept.
#[async_trait]
pub trait Browser: Send + Sync {
    /// Opens the page, after a warning where there is one, or returns why no browser could be started (`browser-failed`). A
    /// browser that insists on https on the way there is reported later.
    async fn open(
        &self,
        page: &Url,
        warning: Option<&ConsoleWarning>,
        https_forced: &HttpsForced,
    ) -> Result<()>;

    /// As `open`, in a private window whose profile no other window shares, and which is removed when the window is closed.
    ///
    /// # Errors
    /// `browser-failed` when no browser that can do this could be started.
    async fn open_isolated(&self, page: &Url, warning: Option<&ConsoleWarning>) -> Result<()>;

    /// Returns once every such window is closed and its profile removed.
    async fn until_closed(&self) {}

    /// Returns once the browser no longer needs this process for the last page that was opened.
    async fn until_served(&self) {}
}

/// The handler of the app's URI scheme on this machine.
#[async_trait]
pub trait SchemeRegistration: Send + Sync {
    /// Makes this app the handler where possible, and returns whether it is the handler now.
    async fn ensure(&self, scheme: &str) -> bool;
}

/// For a process that cannot receive its scheme: `mcm`.
pub struct NoScheme;

#[async_trait]
impl SchemeRegistration for NoScheme {
    async fn ensure(&self, _scheme: &str) -> bool {
        false
    }
}

/// Everything that core uses of the machine.
#[derive(Clone)]
pub struct World {
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// HTTP.
    pub http: Http,
    /// The keychain.
    pub vault: Vault,
    /// Opens a sign-in page.
    pub browser: Arc<dyn Browser>,
    /// The handler of the app's URI scheme.
    pub scheme: Arc<dyn SchemeRegistration>,
    /// Our own folders.
    pub paths: Paths,
    /// The environment variables.
    pub environment: Environment,
}
