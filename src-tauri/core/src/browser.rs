//! The system browser: opens a page in the user's own browser, without showing the page to the programs on the way.
//!
//! Every local user can read the arguments of a program, and the addresses of sign-ins and consoles contain secrets.
//! So the browser gets an address on this machine that works once and redirects to the page (`browser/link.rs`).
//!
//! On Linux the programs of `BROWSER`, else `xdg-open`, are started here, because a real success matters: `xdg-open`
//! without a browser fails a moment later, and a library that does not wait would report success. Elsewhere
//! `webbrowser` knows the platform's way. The address is never logged.

mod link;

use async_trait::async_trait;
use url::Url;

use crate::error::{Code, Error, Result};
use crate::http;
use crate::world::{Browser, Environment};

/// The user's own browser.
pub struct SystemBrowser {
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux chooses its programs here")
    )]
    programs: Vec<Vec<String>>,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "as above"))]
    kept_back: Vec<&'static str>,
    /// Whether `BROWSER` names the programs.
    is_named: bool,
}

impl SystemBrowser {
    /// The programs in `BROWSER`, separated by colons as `xdg-open` and Python's `webbrowser` read it, or the
    /// desktop's default.
    pub fn new(environment: &Environment) -> Self {
        let named = environment.get("BROWSER").unwrap_or("xdg-open").split(':');
        let programs = named.map(|program| {
            program
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        });
        Self {
            programs: programs.filter(|words| !words.is_empty()).collect(),
            kept_back: Vec::new(),
            is_named: cfg!(target_os = "linux") && environment.get("BROWSER").is_some(),
        }
    }

    /// Without some variables of this process, which the browser does not inherit.
    #[must_use]
    pub fn keeping_back(self, kept_back: Vec<&'static str>) -> Self {
        Self { kept_back, ..self }
    }
}

const NOT_STARTED: &str = "No browser could be started. Choose a default browser in the system's settings, then try again.";

/// What to do where a variable names the browser, which only Linux has.
const NAMED_NOT_STARTED: &str = "The program that BROWSER names could not be started. Correct BROWSER where it is set, \
    then start this program again.";

#[async_trait]
impl Browser for SystemBrowser {
    async fn open(&self, page: &Url) -> Result<()> {
        http::require_safe(page)?;
        let page = link::to(page)?;
        #[cfg(target_os = "linux")]
        let open = {
            let (programs, kept_back) = (self.programs.clone(), self.kept_back.clone());
            move || {
                programs
                    .iter()
                    .any(|words| started::opens(words, &page, &kept_back))
            }
        };
        #[cfg(not(target_os = "linux"))]
        let open = move || webbrowser::open(&page).is_ok();
        // Starting a program waits for the disk, and then for its first moments.
        match tokio::task::spawn_blocking(open).await {
            Ok(true) => Ok(()),
            _ if self.is_named => Err(Error::new(Code::BrowserFailed, NAMED_NOT_STARTED)),
            _ => Err(Error::new(Code::BrowserFailed, NOT_STARTED)),
        }
    }
}

#[cfg(target_os = "linux")]
mod started {
    //! Starting a browser and watching whether it keeps running or succeeds.

    use std::process::{Command, Stdio};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    /// The time in which a program can fail. One that keeps running is a browser; one that succeeds has passed on the
    /// page.
    const TIME_TO_FAIL: Duration = Duration::from_millis(1500);

    /// Starts a program with the page instead of `%s`, else as its last argument. Returns whether it opened
    /// something.
    pub(super) fn opens(words: &[String], page: &str, kept_back: &[&str]) -> bool {
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
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for variable in kept_back {
            command.env_remove(variable);
        }
        let Ok(mut program) = crate::memory::start_other(|| command.spawn()) else {
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
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    async fn open(browser: &str) -> Result<()> {
        let environment = Environment::from_pairs([("BROWSER", browser)]);
        let page = Url::parse("https://login.example/authorize?state=s").expect("a URL");
        SystemBrowser::new(&environment).open(&page).await
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
        let browser = SystemBrowser::new(&environment);
        browser
            .open(&page)
            .await
            .expect_err("the variable is there");
        browser
            .keeping_back(vec![name])
            .open(&page)
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
