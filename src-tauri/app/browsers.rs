//! The browsers of this desktop, for the user to choose one. On Linux the desktop lists its programs for web pages.
//!
//! The dashboard names a browser by its desktop file, and this file looks its program up. So no page of the dashboard
//! decides which program is started.

use mcm_core::app::App;
use mcm_core::browser::VARIABLE;
use mcm_core::error::{Code, Error, Result};
use serde::Serialize;
use ts_rs::TS;

/// The browser of the app, and those that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) struct BrowserView {
    /// Whether this screen chooses the browser: on Linux.
    possible: bool,
    /// The id of the chosen browser, when it is an installed one.
    chosen: Option<String>,
    /// The program that was chosen elsewhere, when it is no installed browser.
    other: Option<String>,
    /// Whether a variable chooses, which this screen cannot change.
    from_variable: bool,
    /// The installed browsers.
    installed: Vec<InstalledBrowser>,
}

/// A browser that is installed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub(crate) struct InstalledBrowser {
    /// The name of its desktop file.
    id: String,
    /// Its name.
    name: String,
    /// What starts it, as `app.browser` in `settings.toml`.
    #[serde(skip)]
    #[ts(skip)]
    program: String,
}

impl BrowserView {
    /// Reads the choice and the installed browsers.
    pub(crate) fn of(core: &App) -> Self {
        let installed = installed();
        let chosen = core.browser();
        let from_variable = chosen
            .as_ref()
            .is_some_and(|chosen| chosen.origin == VARIABLE);
        let program = chosen.map(|chosen| chosen.value);
        let known = installed
            .iter()
            .find(|browser| program.as_ref() == Some(&browser.program));
        Self {
            possible: cfg!(target_os = "linux"),
            chosen: known.map(|browser| browser.id.clone()),
            other: program.filter(|_| known.is_none()),
            from_variable,
            installed,
        }
    }
}

/// Chooses an installed browser by its id; none is the system's.
///
/// # Errors
/// `not-found` when it is no longer installed, `storage-*`.
pub(crate) fn choose(core: &App, id: Option<&str>) -> Result<()> {
    let Some(id) = id else {
        return core.save_browser(None);
    };
    let installed = installed();
    let browser = installed.iter().find(|browser| browser.id == id);
    let browser = browser.ok_or_else(|| {
        let message = "This browser is no longer installed. Choose another one.";
        Error::new(Code::NotFound, message)
    })?;
    core.save_browser(Some(&browser.program))
}

#[cfg(target_os = "linux")]
fn installed() -> Vec<InstalledBrowser> {
    use gio::prelude::AppInfoExt as _;
    let mut found: Vec<_> = gio::AppInfo::all_for_type("x-scheme-handler/https")
        .into_iter()
        .filter(|browser| browser.should_show())
        .filter_map(|browser| {
            let line = browser.commandline()?;
            Some(InstalledBrowser {
                id: browser.id()?.into(),
                name: browser.display_name().into(),
                program: program(line.to_str()?)?,
            })
        })
        .collect();
    found.sort_by_key(|browser| browser.name.to_lowercase());
    found
}

/// Elsewhere the system's own settings choose the browser.
#[cfg(not(target_os = "linux"))]
fn installed() -> Vec<InstalledBrowser> {
    Vec::new()
}

/// An `Exec` line as `app.browser` has it: with `%s` for the page, and without the other field codes.
#[cfg(target_os = "linux")]
fn program(line: &str) -> Option<String> {
    let words = gio::glib::shell_parse_argv(line).ok()?;
    let mut kept = Vec::new();
    for word in words {
        let word = word.into_string().ok()?;
        match word.as_str() {
            "%u" | "%U" => kept.push("%s".to_owned()),
            code if code.len() == 2 && code.starts_with('%') && code != "%%" => {}
            _ => {
                let word = word.replace("%%", "%");
                let quoted = gio::glib::shell_quote(&word).into_string().ok()?;
                let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-=+@,".contains(c);
                kept.push(if word.chars().all(is_plain) {
                    word
                } else {
                    quoted
                });
            }
        }
    }
    Some(kept.join(" ")).filter(|program| !program.is_empty())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_desktop_file_becomes_a_program() {
        for (line, expected) in [
            ("/usr/bin/firefox %u", "/usr/bin/firefox %s"),
            ("chromium --profile=work %U", "chromium --profile=work %s"),
            ("lynx", "lynx"),
            (
                "\"/opt/My Browser/run\" -c %c %i %u",
                "'/opt/My Browser/run' -c %s",
            ),
            (
                "flatpak run --file-forwarding org.mozilla.firefox @@u %u @@",
                "flatpak run --file-forwarding org.mozilla.firefox @@u %s @@",
            ),
        ] {
            assert_eq!(program(line).as_deref(), Some(expected), "{line}");
        }
        assert_eq!(program("'unmatched"), None);
    }
}
