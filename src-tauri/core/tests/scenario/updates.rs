//! Checking for a newer version: asked of the feed once, when the user asks, and never otherwise.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcm_core::app::{MANAGED, UpdateSource};
use mcm_core::error::Code;

use crate::harness::{ADA, Harness};

/// A releases feed that records what it was asked.
struct Feed {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Feed {
    fn start(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let mut request = [0; 4096];
                let length = connection.read(&mut request).unwrap_or_default();
                let request = String::from_utf8_lossy(&request[..length]).into_owned();
                log.lock().expect("unpoisoned").push(request);
                let length = answer.len();
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
                     Connection: close\r\n\r\n"
                );
                let _ = connection.write_all(format!("{head}{answer}").as_bytes());
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}/releases/latest", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("unpoisoned").clone()
    }
}

#[tokio::test]
async fn the_feed_is_asked_once_when_the_user_asks_and_never_otherwise() {
    let feed = Feed::start(r#"{"tag_name":"v99.1.0","html_url":"https://forge.example/99"}"#);
    let harness = Harness::with(|_| {}, &[("MCM_RELEASES", &feed.url())]).await;
    let program = harness.home().join("multi-cloud-manager");
    let account = harness.connect(ADA).await.expect("connected");
    harness.app.start_background_tasks();
    harness.clock.advance(Duration::from_secs(86_400));
    harness.app.renew(&account).await.expect("renewed");
    let place = feed.address.to_string();
    assert_eq!(
        harness.app.update_source(&program),
        UpdateSource::Feed { place }
    );
    harness.app.finish().await;
    assert_eq!(feed.asked(), Vec::<String>::new(), "the user did not ask");

    let newest = harness.app.check_for_updates(&program).await;

    let newest = newest.expect("an answer");
    assert!(newest.is_newer, "{newest:?}");
    assert_eq!(newest.version, "99.1.0");
    assert_eq!(newest.page.as_deref(), Some("https://forge.example/99"));
    let asked = feed.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("GET /releases/latest HTTP/1.1\r\n"));
    assert!(!asked[0].to_lowercase().contains("authorization"));
}

#[tokio::test]
async fn where_it_is_off_and_in_a_managed_install_nothing_is_asked() {
    let feed = Feed::start(r#"{"tag_name":"v99.1.0"}"#);
    let mut harness = Harness::with(|_| {}, &[("MCM_RELEASES", &feed.url())]).await;
    let program = harness.home().join("multi-cloud-manager");
    mcm_core::file::replace(&program.with_file_name(MANAGED), b"").expect("written");
    assert_eq!(harness.app.update_source(&program), UpdateSource::Managed);
    let error = harness.app.check_for_updates(&program).await;
    assert_eq!(error.expect_err("managed").code(), Code::Unsupported);
    std::fs::remove_file(program.with_file_name(MANAGED)).expect("removed");

    harness.set(&[("MCM_RELEASES", "off")]);
    harness.restart();

    let error = harness.app.check_for_updates(&program).await;
    let error = error.expect_err("off");
    assert_eq!(error.code(), Code::Unsupported);
    assert!(error.message().contains("MCM_RELEASES"), "{error}");
    assert_eq!(feed.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_feed_that_cannot_be_used_is_named() {
    let feed = Feed::start(r#"{"tag_name":"newest"}"#);
    let mut harness = Harness::with(|_| {}, &[("MCM_RELEASES", &feed.url())]).await;
    let program = harness.home().join("multi-cloud-manager");
    let error = harness.app.check_for_updates(&program).await;
    let error = error.expect_err("no version");
    assert_eq!(error.code(), Code::ServerFailed);
    assert!(error.message().contains("names no version"), "{error}");

    harness.set(&[("MCM_RELEASES", "http://forge.example/feed")]);
    harness.restart();

    let error = harness.app.check_for_updates(&program).await;
    let error = error.expect_err("not https");
    assert_eq!(error.code(), Code::SettingInvalid);
    assert!(error.message().contains("MCM_RELEASES"), "{error}");
}
