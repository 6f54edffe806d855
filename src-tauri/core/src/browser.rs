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

mod started {
    //! Starting a browser and watching whether it keeps running or succeeds.

    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use tokio::sync::watch;

    use crate::file::RunFolder;

    /// The time in which a program can fail. One that keeps running is a browser; one that succeeds has passed on the
    /// page.
    const TIME_TO_FAIL: Duration = Duration::from_millis(1500);

    /// Starts a program with the page instead of `%s`, else as its last argument. Returns whether it opened
    /// something.
    pub(super) fn opens(words: &[String], page: &str, kept_back: &[&str]) -> bool {
        let Some(mut program) = start(words, page, Stdio::null(), kept_back) else {
            return false;
        };
        let (ended, end) = mpsc::channel();
        // A thread of its own waits, so that no zombie process remains however long it runs.
        thread::spawn(move || {
            let ended_well = program.wait().is_ok_and(|status| status.success());
            let _ = ended.send(ended_well);
        });
        end.recv_timeout(TIME_TO_FAIL).unwrap_or(true)
    }

    /// Starts a browser whose profile is in `folder`, which is removed when it ends. Returns what says that it has; none
    /// when it failed to start. The browser holds the folder's lock too, so its profile stays when this process is killed.
    pub(super) fn window(
        words: &[String],
        page: &str,
        is_served: &watch::Receiver<bool>,
        kept_back: &[&str],
        folder: RunFolder,
    ) -> Option<watch::Receiver<bool>> {
        let mut program = start(words, page, folder.held_by_child(), kept_back)?;
        let (is_closed, closed) = watch::channel(false);
        let (ended, end) = mpsc::channel();
        let is_served = is_served.clone();
        thread::spawn(move || {
            let ended_well = program.wait().is_ok_and(|status| status.success());
            let is_seen = *is_served.borrow();
            let _ = ended.send(ended_well || is_seen);
            if ended_well && !is_seen {
                // It passed the page on to a process that this one does not know. A later run removes the profile.
                std::mem::forget(folder);
            } else {
                folder.remove_from_processes();
            }
            is_closed.send_replace(true);
        });
        let is_open = end.recv_timeout(TIME_TO_FAIL).unwrap_or(true);
        is_open.then_some(closed)
    }

    fn start(words: &[String], page: &str, input: Stdio, kept_back: &[&str]) -> Option<Child> {
        let mut arguments: Vec<String> = words[1..]
            .iter()
            .map(|word| word.replace("%s", page))
            .collect();
        if !words.iter().any(|word| word.contains("%s")) {
            arguments.push(page.to_owned());
        }
        let mut command = Command::new(&words[0]);
        command
            .args(arguments)
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for variable in kept_back {
            command.env_remove(variable);
        }
        crate::memory::start_other(|| command.spawn()).ok()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const FRONT: Frontend = Frontend::Terminal;

    async fn open_with(
        settings: &str,
        variables: &[(&str, &str)],
        front: Frontend,
        https_forced: &HttpsForced,
    ) -> Result<()> {
        let folder = tempfile::tempdir().expect("a folder");
        let paths = Paths::below(folder.path());
        crate::file::replace(&Settings::path(&paths.config), settings.as_bytes()).expect("written");
        let environment = Environment::from_pairs(variables.iter().copied());
        let page = Url::parse("https://login.example/authorize?state=s").expect("a URL");
        SystemBrowser::new(&environment, &paths, front)
            .open(&page, None, https_forced)
            .await
    }

    async fn open(browser: &str) -> Result<()> {
        open_with("", &[("BROWSER", browser)], FRONT, &HttpsForced::default()).await
    }

    #[tokio::test]
    async fn the_chosen_browser_wins_over_browser_and_a_variable_of_ours_over_both() {
        let chosen = "[app]\nbrowser = \"true\"";
        let none = HttpsForced::default();
        open_with(chosen, &[("BROWSER", "false")], FRONT, &none)
            .await
            .expect("the settings choose");
        let error = open_with(chosen, &[(VARIABLE, "false")], FRONT, &none)
            .await
            .expect_err("the variable chooses");
        assert!(
            error.message().contains("MCM_BROWSER is \"false\""),
            "{error}"
        );
    }

    #[tokio::test]
    async fn the_fix_fits_the_program_that_shows_it() {
        let wrong = "[app]\nbrowser = \"false\"";
        for (settings, front, fix) in [
            ("", Frontend::Window, "Choose a browser in Settings"),
            (wrong, Frontend::Window, "Choose a browser in Settings"),
            ("", FRONT, "Set BROWSER to"),
            (wrong, FRONT, "app.browser in "),
        ] {
            let none = HttpsForced::default();
            let opened = open_with(settings, &[("BROWSER", "false")], front, &none);
            let error = opened.await.expect_err("it fails");
            assert!(error.message().contains(fix), "{front:?}: {error}");
        }
    }

    #[test]
    fn a_list_is_split_at_colons_and_each_program_as_a_shell_splits_it() {
        for (list, programs) in [
            ("firefox", &[&["firefox"][..]][..]),
            (" firefox : chromium ", &[&["firefox"], &["chromium"]]),
            (":", &[]),
            (
                "'/opt/My Browser/run' --new-window %s:lynx",
                &[&["/opt/My Browser/run", "--new-window", "%s"], &["lynx"]],
            ),
            (
                r#""/opt/a:b/run" -P "of work":/opt/My\ Browser/run\:2"#,
                &[
                    &["/opt/a:b/run", "-P", "of work"],
                    &["/opt/My Browser/run:2"],
                ],
            ),
            (
                r#"sh -c 'exec x "$@":y' - %s"#,
                &[&["sh", "-c", r#"exec x "$@":y"#, "-", "%s"]],
            ),
            ("'unmatched:firefox", &[]),
        ] {
            assert_eq!(split(list), programs, "{list}");
        }
    }

    #[tokio::test]
    async fn a_path_with_spaces_needs_no_quotes_when_it_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("my browser");
        std::os::unix::fs::symlink("/bin/true", &program).expect("linked");
        let program = program.to_str().expect("text");
        open(program).await.expect("as it is");
        open(&format!("'{program}' --new:false"))
            .await
            .expect("in quotes");
        open(&format!("{program} --new"))
            .await
            .expect_err("two words are no path");
    }

    #[tokio::test]
    async fn a_browser_that_insists_on_https_is_reported_and_one_that_falls_back_is_not() {
        use tokio::io::AsyncWriteExt as _;
        const CLIENT_HELLO: [u8; 6] = [0x16, 3, 1, 0, 1, 1];
        for falls_back in [false, true] {
            let https_forced = HttpsForced::default();
            let page = Url::parse("https://login.example/authorize").expect("a URL");
            let (link, _) = link::to(&page, None, &https_forced).expect("a port");
            let (authority, _) = parts(&link);
            let mut stream = tokio::net::TcpStream::connect(authority)
                .await
                .expect("it listens");
            stream.write_all(&CLIENT_HELLO).await.expect("sent");
            if falls_back {
                let answer = get(&link).await;
                assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
            }
            let reported =
                tokio::time::timeout(2 * crate::loopback::FALLBACK_TIME, https_forced.reported());
            assert_eq!(reported.await.is_err(), falls_back);
        }
    }

    #[tokio::test]
    async fn a_program_that_is_missing_or_fails_is_no_browser() {
        for browser in ["/nonexistent", "false", "/nonexistent:false", "sleep 3 %s"] {
            let error = open(browser).await.expect_err(browser);
            assert_eq!(error.code(), Code::BrowserFailed);
            assert!(error.message().contains("BROWSER"), "{error}");
            assert!(!error.message().contains("state"), "{error}");
        }
    }

    #[tokio::test]
    async fn the_next_program_is_tried() {
        open("/nonexistent:true")
            .await
            .expect("the second one works");
    }

    #[tokio::test]
    async fn withheld_variables_do_not_reach_the_browser() {
        let page = Url::parse("https://login.example/authorize").expect("a URL");
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("browser");
        let ours = Environment::of_this_process();
        let is_set = |name: &&str| ours.get(name).is_some();
        let name = ["HOME", "USER", "LANG", "CARGO_MANIFEST_DIR"]
            .into_iter()
            .find(is_set);
        let name = name.expect("a variable that a shell does not set itself");
        let check = format!("test -n \"$PATH\" && test -z \"${name}\"");
        crate::file::replace(&script, check.as_bytes()).expect("written");
        let environment =
            Environment::from_pairs([("BROWSER", format!("sh {}", script.display()).as_str())]);
        let none = HttpsForced::default();
        let browser = SystemBrowser::new(&environment, &Paths::below(folder.path()), FRONT);
        browser
            .open(&page, None, &none)
            .await
            .expect_err("the variable is there");
        browser
            .keeping_back(vec![name])
            .open(&page, None, &none)
            .await
            .expect("it is kept back");
    }

    /// A browser that records its arguments, and the record.
    async fn arguments(options: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let seen = folder.path().join("seen");
        let script = folder.path().join("browser");
        crate::file::replace(
            &script,
            format!("printf '%s ' \"$@\" >{}", seen.display()).as_bytes(),
        )
        .expect("written");
        open(&format!("sh {}{options}", script.display()))
            .await
            .expect("opened");
        std::fs::read_to_string(&seen).expect("called")
    }

    #[tokio::test]
    async fn the_link_replaces_the_placeholder_or_comes_last() {
        let text = arguments(" --new %s last").await;
        let link = text
            .strip_prefix("--new ")
            .and_then(|text| text.strip_suffix(" last "))
            .expect("in between");
        assert!(link.starts_with("http://127.0.0.1:"), "{text}");
        assert!(arguments("").await.starts_with("http://127.0.0.1:"));
    }

    #[tokio::test]
    async fn the_arguments_of_a_browser_hold_a_link_that_leads_to_the_page_once() {
        let text = arguments("").await;
        assert!(!text.contains("login.example") && !text.contains("state"));
        let first = get(text.trim()).await;
        assert!(first.starts_with("HTTP/1.1 303 "), "{first}");
        assert!(first.contains("location: https://login.example/authorize?state=s\r\n"));
        let second = get(text.trim()).await;
        assert!(second.starts_with("HTTP/1.1 410 "), "{second}");
        assert!(!second.contains("state=s") && second.contains("start again"));
    }

    #[tokio::test]
    async fn a_warning_in_its_colour_comes_once_before_the_page_and_says_nothing_of_it() {
        let page = Url::parse("https://console.example/?SigninToken=s").expect("a URL");
        let warning = ConsoleWarning {
            environment: crate::environment::EnvironmentName::parse("prod-eu").expect("a name"),
            colour: Some("violet".into()),
            cloud: crate::account::Cloud::Aws,
        };
        let (link, _) = link::to(&page, Some(&warning), &HttpsForced::default()).expect("a port");
        let first = get(&link).await;
        assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
        assert!(first.contains("prod-eu is protected") && first.contains("background:#6a3fc0"));
        assert!(first.contains("no-store") && first.contains("no-referrer"));
        assert!(!first.contains("console.example") && !first.contains("SigninToken"));
        let (_, on) = first.split_once("href=").expect("a link");
        let (on, _) = on.split_once(' ').expect("an attribute");
        let (authority, own) = parts(&link);
        assert_ne!(on, own);
        let again = get(&link).await;
        assert!(again.starts_with("HTTP/1.1 410 "), "shown once: {again}");
        assert!(!again.contains(on));
        let led = exchange(authority, authority, on).await;
        assert!(led.starts_with("HTTP/1.1 303 "), "{led}");
        assert!(led.contains("location: https://console.example/?SigninToken=s\r\n"));
        for path in [own, on] {
            let answer = exchange(authority, authority, path).await;
            assert!(answer.starts_with("HTTP/1.1 410 "), "{answer}");
        }
    }

    #[tokio::test]
    async fn a_link_under_another_name_or_with_another_path_leads_nowhere() {
        let text = arguments("").await;
        let (authority, path) = parts(text.trim());
        for (host, path) in [(authority, "/open/x"), ("localhost:1", path)] {
            let answer = exchange(authority, host, path).await;
            assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        }
        let answer = get(text.trim()).await;
        assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    }

    #[tokio::test]
    async fn another_user_who_reads_the_link_learns_nothing_and_leaves_it_unused() {
        if !crate::testing::may_run_as_another_user() {
            return;
        }
        let text = arguments("").await;
        let (authority, path) = parts(text.trim());
        let script = "exec 3<>\"/dev/tcp/127.0.0.1/$0\" && printf %s \"$1\" >&3 && cat <&3";
        let (_, port) = authority.split_once(':').expect("a port");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        let mut command = std::process::Command::new("timeout");
        command
            .args([
                "20",
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ])
            .args(["bash", "-c", script, port, &request]);
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.expect("no panic").expect("setpriv is in util-linux");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        let answer = get(text.trim()).await;
        assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    }

    fn parts(link: &str) -> (&str, &str) {
        let rest = link.strip_prefix("http://").expect("http");
        rest.split_at(rest.find('/').expect("a path"))
    }

    async fn get(link: &str) -> String {
        let (authority, path) = parts(link);
        exchange(authority, authority, path).await
    }

    async fn exchange(authority: &str, host: &str, path: &str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let mut stream = tokio::net::TcpStream::connect(authority)
            .await
            .expect("it listens");
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("answered");
        answer
    }
}
