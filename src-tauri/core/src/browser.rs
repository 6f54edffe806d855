//! The system browser: what opens a sign-in page in the person's own browser.
//!
//! On Linux the programs of `BROWSER`, else `xdg-open`, are started here, because what matters is whether one really
//! opened something: `xdg-open` without a browser ends with a failure a moment later, and a library that does not wait
//! would call that success. Elsewhere `webbrowser` knows the platform's way. The address is never logged.

use async_trait::async_trait;
use url::Url;

use crate::error::{Code, Error, Result};
use crate::http;
use crate::world::{Browser, Environment};

/// The person's own browser.
pub struct SystemBrowser {
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only Linux chooses its programs here")
    )]
    programs: Vec<Vec<String>>,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "as above"))]
    kept_back: Vec<&'static str>,
}

impl SystemBrowser {
    /// The programs that `BROWSER` names, separated by colons as `xdg-open` and Python's `webbrowser` read it, or the
    /// desktop's own choice.
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
        }
    }

    /// With variables of this process that the browser does not inherit.
    #[must_use]
    pub fn keeping_back(self, kept_back: Vec<&'static str>) -> Self {
        Self { kept_back, ..self }
    }
}

#[async_trait]
impl Browser for SystemBrowser {
    async fn open(&self, page: &Url) -> Result<()> {
        http::require_safe(page)?;
        let page = page.to_string();
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
            _ => Err(Error::new(
                Code::BrowserFailed,
                "No browser could be started. Set BROWSER to the program that opens web pages, for example \
                 BROWSER=firefox, then try again.",
            )),
        }
    }
}

#[cfg(target_os = "linux")]
mod started {
    //! A browser that was started: whether it stays, or ends well.

    use std::process::{Command, Stdio};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    /// How long a program has to fail. One that runs on is a browser; one that ends well has handed the page over.
    const TIME_TO_FAIL: Duration = Duration::from_millis(1500);

    /// Starts a program with the page in the place of `%s`, else as its last argument. Whether it opened something.
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
        let Ok(mut program) = command.spawn() else {
            return false;
        };
        let (ended, end) = mpsc::channel();
        // Waited for in a thread of its own, so that no dead process is left behind however long it runs.
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
    async fn a_program_that_is_not_there_or_fails_is_no_browser() {
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
    async fn what_is_kept_back_does_not_reach_the_browser() {
        let page = Url::parse("https://login.example/authorize").expect("a URL");
        let folder = tempfile::tempdir().expect("a folder");
        let script = folder.path().join("browser");
        crate::file::replace(
            &script,
            b"test -n \"$PATH\" && test -z \"$CARGO_MANIFEST_DIR\"",
        )
        .expect("written");
        let environment =
            Environment::from_pairs([("BROWSER", format!("sh {}", script.display()).as_str())]);
        let browser = SystemBrowser::new(&environment);
        browser
            .open(&page)
            .await
            .expect_err("cargo's variable is there");
        browser
            .keeping_back(vec!["CARGO_MANIFEST_DIR"])
            .open(&page)
            .await
            .expect("it is kept back");
    }

    #[tokio::test]
    async fn the_page_takes_the_place_of_the_mark_or_comes_last() {
        let folder = tempfile::tempdir().expect("a folder");
        let seen = folder.path().join("seen");
        let script = folder.path().join("browser");
        crate::file::replace(
            &script,
            format!("printf '%s ' \"$@\" >{}", seen.display()).as_bytes(),
        )
        .expect("written");
        open(&format!("sh {} --new %s last", script.display()))
            .await
            .expect("opened");
        let text = std::fs::read_to_string(&seen).expect("called");
        assert_eq!(text, "--new https://login.example/authorize?state=s last ");
        open(&format!("sh {}", script.display()))
            .await
            .expect("opened");
        assert_eq!(
            std::fs::read_to_string(&seen).expect("called"),
            "https://login.example/authorize?state=s "
        );
    }
}
