//! Real programs as browsers: which one is started, with what, and what becomes of the link.

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
async fn a_link_expires_and_then_its_port_closes() {
    let page = Url::parse("https://login.example/authorize?state=s").expect("a URL");
    let warning = ConsoleWarning {
        environment: crate::environment::EnvironmentName::parse("prod-eu").expect("a name"),
        colour: None,
        cloud: crate::account::Cloud::Aws,
    };
    for (warning, life, answer) in [(None, 30, "303"), (Some(&warning), 180, "200")] {
        let made = || link::to(&page, warning, &HttpsForced::default()).expect("a port");
        let ((early, _), (late, is_over)) = (made(), made());
        pass(life - 1).await;
        let in_time = get(&early).await;
        assert!(
            in_time.starts_with(&format!("HTTP/1.1 {answer} ")),
            "{in_time}"
        );
        pass(2).await;
        let expired = get(&late).await;
        assert!(expired.starts_with("HTTP/1.1 410 "), "{expired}");
        assert!(*is_over.borrow() && !expired.contains("state=s"));
        pass(90).await;
        let (authority, _) = parts(&late);
        tokio::net::TcpStream::connect(authority)
            .await
            .expect_err("nothing listens any more");
    }
}

/// Lets time pass for the links alone: while it is stopped, nothing waits for a browser.
async fn pass(seconds: u64) {
    // What was started before takes its time from now.
    tokio::task::yield_now().await;
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
    tokio::time::resume();
    tokio::task::yield_now().await;
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
