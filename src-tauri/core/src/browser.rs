//! The system browser: opens a page in the user's own browser, without showing the page to the programs on the way.
//!
//! Every local user can read the arguments of a program, and the addresses of sign-ins and consoles contain secrets.
//! So the browser gets an address on this machine that works once and redirects to the page (`browser/link.rs`).
//!
//! The browser that the settings choose is started here, and on Linux the programs of `BROWSER`, else `xdg-open`, because a
//! real success matters: `xdg-open` without a browser fails a moment later, and a library that does not wait would
//! report success. Elsewhere `webbrowser` knows the platform's way. The address is never logged.

mod isolated;
mod link;
mod started;
#[cfg(all(test, target_os = "linux"))]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::watch;
use url::Url;

use crate::environment::ConsoleWarning;
use crate::error::{Code, Error, Result};
use crate::file::{self, RunFolder};
use crate::http;
use crate::loopback::HttpsForced;
use crate::redirect::Frontend;
use crate::settings::{Settings, Sourced};
use crate::text;
use crate::world::{Browser, Environment, Paths};

/// The user's own browser.
pub struct SystemBrowser {
    environment: Environment,
    config: PathBuf,
    front: Frontend,
    kept_back: Vec<&'static str>,
    /// Whether the last link has been used, or has expired.
    is_served: Mutex<Option<watch::Receiver<bool>>>,
    /// For each window with a profile of its own, whether it is closed and its profile removed.
    windows: Mutex<Vec<watch::Receiver<bool>>>,
}

impl SystemBrowser {
    /// The browser that the settings choose. Else, on Linux, the programs of `BROWSER`; else the system's default.
    pub fn new(environment: &Environment, paths: &Paths, front: Frontend) -> Self {
        Self {
            environment: environment.clone(),
            config: paths.config.clone(),
            front,
            kept_back: Vec::new(),
            is_served: Mutex::default(),
            windows: Mutex::default(),
        }
    }

    /// Without some variables of this process, which the browser does not inherit.
    #[must_use]
    pub fn keeping_back(self, kept_back: Vec<&'static str>) -> Self {
        Self { kept_back, ..self }
    }

    /// The programs to try, in their order; none for the platform's own way.
    fn programs(&self, chosen: Option<&Sourced>) -> Option<Vec<Vec<String>>> {
        match chosen {
            Some(chosen) => Some(split(&chosen.value)),
            None if cfg!(target_os = "linux") => {
                Some(split(self.environment.get("BROWSER").unwrap_or("xdg-open")))
            }
            None => None,
        }
    }

    fn not_started(&self, chosen: Option<&Sourced>) -> Error {
        let fix = match (self.front, chosen) {
            // A variable wins over the screen's choice.
            (_, Some(Sourced { value, origin })) if origin == VARIABLE => format!(
                "{VARIABLE} is \"{}\". Set it to the program that opens web pages, for example {VARIABLE}=firefox.",
                text::shown(value)
            ),
            (Frontend::Window, _) if cfg!(target_os = "linux") => {
                "Choose a browser in Settings, then try again.".to_owned()
            }
            (Frontend::Terminal, Some(Sourced { value, origin })) => format!(
                "{origin} is \"{}\". Change it, for example to firefox, or remove it.",
                text::shown(value)
            ),
            (Frontend::Terminal, None) if cfg!(target_os = "linux") => {
                "Set BROWSER to the program that opens web pages, for example BROWSER=firefox, then try again."
                    .to_owned()
            }
            _ => "Choose a default browser in the system's settings, then try again.".to_owned(),
        };
        Error::new(
            Code::BrowserFailed,
            format!("No browser could be started. {fix}"),
        )
    }

    fn last(&self) -> MutexGuard<'_, Option<watch::Receiver<bool>>> {
        self.is_served
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The variable that chooses a browser for this app alone.
pub const VARIABLE: &str = "MCM_BROWSER";

/// The programs of a list, separated by colons as `xdg-open` reads it, each split into words as a shell splits them. A
/// colon in quotes separates nothing, and a path with spaces needs no quotes when the file is there. A program whose
/// quotes do not match is left out.
fn split(list: &str) -> Vec<Vec<String>> {
    // Windows has colons and backslashes in every path.
    let programs = if cfg!(windows) || is_file(list) {
        vec![list.to_owned()]
    } else {
        split_at_colons(list)
    };
    let words = |program: String| {
        if is_file(&program) {
            return Some(vec![program.trim().to_owned()]);
        }
        let program = if cfg!(windows) {
            program.replace('\\', "\\\\")
        } else {
            program
        };
        shlex::split(&program).filter(|words| !words.is_empty())
    };
    programs.into_iter().filter_map(words).collect()
}

fn is_file(program: &str) -> bool {
    Path::new(program.trim()).is_file()
}

fn split_at_colons(list: &str) -> Vec<String> {
    let (mut parts, mut quote, mut is_escaped) = (vec![String::new()], None, false);
    for c in list.chars() {
        let is_separator = c == ':' && quote.is_none() && !is_escaped;
        match (quote, c) {
            _ if is_escaped => is_escaped = false,
            (None | Some('"'), '\\') => is_escaped = true,
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        match parts.last_mut() {
            Some(part) if !is_separator => part.push(c),
            _ => parts.push(String::new()),
        }
    }
    parts
}

#[async_trait]
impl Browser for SystemBrowser {
    async fn open(
        &self,
        page: &Url,
        warning: Option<&ConsoleWarning>,
        https_forced: &HttpsForced,
    ) -> Result<()> {
        http::require_safe(page)?;
        let (page, is_served) = link::to(page, warning, https_forced)?;
        *self.last() = Some(is_served);
        // Read now, so that a choice counts for the next page.
        let chosen = Settings::load(&self.config, &self.environment).browser;
        let (programs, kept_back) = (self.programs(chosen.as_ref()), self.kept_back.clone());
        let open = move || match programs {
            Some(programs) => programs
                .iter()
                .any(|words| started::opens(words, &page, &kept_back)),
            None => opens_default(&page),
        };
        // Starting a program waits for the disk, and then for its first moments.
        match tokio::task::spawn_blocking(open).await {
            Ok(true) => Ok(()),
            _ => Err(self.not_started(chosen.as_ref())),
        }
    }

    async fn open_isolated(&self, page: &Url, warning: Option<&ConsoleWarning>) -> Result<()> {
        http::require_safe(page)?;
        let chosen = Settings::load(&self.config, &self.environment).browser;
        let chosen = self.programs(chosen.as_ref()).unwrap_or_default();
        let base = file::runtime_folder(self.environment.get("XDG_RUNTIME_DIR"));
        let folder = RunFolder::make(&base)?;
        let profile = folder.path().join("profile");
        file::make_private(&profile)?;
        let words = isolated::command(&chosen, &self.environment, &profile);
        let (page, is_served) = link::to(page, warning, &HttpsForced::default())?;
        *self.last() = Some(is_served.clone());
        let kept_back = self.kept_back.clone();
        let open = move || started::window(&words?, &page, &is_served, &kept_back, folder);
        match tokio::task::spawn_blocking(open).await {
            Ok(Some(window)) => {
                let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
                windows.retain(|window| !*window.borrow());
                windows.push(window);
                Ok(())
            }
            _ => {
                let message = "No browser that opens isolated windows could be started. Install Firefox or Chromium, or name such a browser in the setting app.browser.";
                Err(Error::new(Code::BrowserFailed, message))
            }
        }
    }

    async fn until_closed(&self) {
        let windows =
            std::mem::take(&mut *self.windows.lock().unwrap_or_else(PoisonError::into_inner));
        for mut window in windows {
            let _ = window.wait_for(|is_closed| *is_closed).await;
        }
    }

    async fn until_served(&self) {
        let last = self.last().clone();
        if let Some(mut is_served) = last {
            // A closed link serves no request.
            let _ = is_served.wait_for(|is_served| *is_served).await;
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn opens_default(page: &str) -> bool {
    webbrowser::open(page).is_ok()
}

/// On Linux there is always a program to start: see `SystemBrowser::programs`.
#[cfg(target_os = "linux")]
fn opens_default(_: &str) -> bool {
    false
}
