//! The program: serving until it is stopped, and signing in as `$BROWSER`.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::app::{ADA, Authorize, CUSTOM_SCHEME, sandbox};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sandbox-clouds");

#[test]
fn serve_prints_the_environment_and_ends_on_sigterm() {
    let mut serving = Command::new(PROGRAM)
        .arg("serve")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut lines =
        BufReader::new(serving.stdout.take().expect("standard output is piped")).lines();
    let first = lines.next().expect("a line").expect("text");
    assert!(first.starts_with("AZURE_CLIENT_ID="), "{first}");

    let id = serving.id().to_string();
    Command::new("kill")
        .arg(id)
        .status()
        .expect("kill can be run");
    assert!(serving.wait().expect("the program ends").success());
}

#[tokio::test]
async fn the_program_as_browser_hands_the_custom_scheme_to_the_opener() {
    let clouds = sandbox().await;
    let url = Authorize::at(&clouds, "organizations", CUSTOM_SCHEME).url();
    for words in [&[][..], &["browse"]] {
        let (words, url) = (words.to_vec(), url.clone());
        let output = tokio::task::spawn_blocking(move || {
            Command::new(PROGRAM)
                .args(words)
                .arg(url.as_str())
                .env("SANDBOX_USER", ADA)
                .env("SANDBOX_OPEN_WITH", "echo")
                .output()
        });
        let output = output.await.expect("no panic").expect("the program runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let opened = String::from_utf8(output.stdout).expect("text");
        assert!(
            opened.starts_with("io.github.multicloudmanager://auth/azure?code="),
            "{opened}"
        );
    }
}
