//! The loopback listener over real sockets, visited as a browser, a wrong page or a hostile program would. Here: the visits.

mod answers;
mod hostile;

use std::net::Ipv6Addr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use mcm_core::account::Cloud;
use mcm_core::error::{Code, Result};
use mcm_core::redirect::{
    AuthorizationResponse, Expectation, Frontend, Issuer, LoopbackHost, Method, PendingFlow,
    Receiver, ReceiverLimits, Redirects, SIGN_IN_TIMEOUT,
};
#[cfg(target_os = "linux")]
use mcm_core::testing::may_run_as_another_user;
use mcm_core::testing::{ManualClock, has_ipv6};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ENTRA: &str = "https://login.microsoftonline.com";

fn google() -> Expectation {
    Expectation {
        cloud: Cloud::Gcp,
        receiver: Receiver::Loopback {
            host: LoopbackHost::Ipv4,
            path: "",
            method: Method::Query,
            origins: vec!["https://accounts.google.com".into()],
        },
        issuer: Issuer::IfPresent("https://accounts.google.com".into()),
    }
}

fn azure() -> Expectation {
    Expectation {
        cloud: Cloud::Azure,
        receiver: Receiver::Loopback {
            host: LoopbackHost::Localhost,
            path: "",
            method: Method::FormPost,
            origins: vec![ENTRA.into()],
        },
        issuer: Issuer::IfPresent(format!("{ENTRA}/{{tenantid}}/v2.0")),
    }
}

fn redirects() -> (Redirects, Arc<ManualClock>) {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    (Redirects::new(clock.clone(), Frontend::Window), clock)
}

/// How long a test waits for what must happen.
const TIMEOUT: Duration = Duration::from_secs(20);
const NEVER: Duration = Duration::from_secs(60 * 60);

/// Time limits that end nothing, so that whatever ends did so for another reason.
const PATIENT: ReceiverLimits = ReceiverLimits {
    head_time: NEVER,
    connection_time: NEVER,
    body_size: 16 * 1024,
    connections: 8,
    closing_time: NEVER,
};

/// ReceiverLimits short enough to wait for, and long enough for an honest request on a busy machine.
fn impatient() -> (Redirects, Arc<ManualClock>) {
    let limits = ReceiverLimits {
        head_time: Duration::from_millis(250),
        connection_time: Duration::from_millis(750),
        closing_time: Duration::from_millis(50),
        ..ReceiverLimits::default()
    };
    let (redirects, clock) = redirects();
    (redirects.with_limits(limits), clock)
}

fn port(waiting: &PendingFlow) -> u16 {
    let (_, port) = waiting.redirect_uri().rsplit_once(':').expect("a port");
    port.parse().expect("a number")
}

fn authority(waiting: &PendingFlow) -> &str {
    waiting
        .redirect_uri()
        .strip_prefix("http://")
        .expect("a loopback address")
}

async fn connect(waiting: &PendingFlow) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port(waiting)))
        .await
        .expect("an open listener")
}

/// Sends these bytes and reads until the listener closes; what it sent before a reset counts.
async fn exchange(mut stream: TcpStream, request: &str) -> String {
    let _ = stream.write_all(request.as_bytes()).await;
    let mut reply = Vec::new();
    let read = async {
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut part).await {
            reply.extend_from_slice(&part[..length]);
        }
    };
    let ended = tokio::time::timeout(TIMEOUT, read).await;
    ended.expect("the listener closes the connection");
    String::from_utf8(reply).expect("text")
}

async fn send(waiting: &PendingFlow, request: &str) -> String {
    exchange(connect(waiting).await, request).await
}

async fn get(waiting: &PendingFlow, target: &str) -> String {
    send(
        waiting,
        &format!(
            "GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n",
            authority(waiting)
        ),
    )
    .await
}

fn form(waiting: &PendingFlow, headers: &str, body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        authority(waiting),
        body.len()
    )
}

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

fn status(reply: &str) -> &str {
    reply
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3))
        .unwrap_or("none")
}

fn right_query(waiting: &PendingFlow) -> String {
    format!("/?code=right&state={}", waiting.state())
}

fn right_form(waiting: &PendingFlow) -> String {
    format!("code=right&state={}", waiting.state())
}

/// The answer of a flow: a test must fail where it would wait without end.
async fn answer(waiting: &mut PendingFlow) -> Result<AuthorizationResponse> {
    let answer = tokio::time::timeout(TIMEOUT, waiting.answer()).await;
    answer.expect("an answer in time")
}

async fn assert_answered(waiting: &mut PendingFlow) {
    match answer(waiting).await {
        Ok(AuthorizationResponse::Code(code)) => assert_eq!(code.expose_secret(), "right"),
        other => panic!("{other:?}"),
    }
}

async fn assert_still_waiting_for_query(waiting: &mut PendingFlow) {
    let target = right_query(waiting);
    assert_eq!(status(&get(waiting, &target).await), "303");
    assert_answered(waiting).await;
}

async fn assert_still_waiting_for_form(waiting: &mut PendingFlow) {
    let request = form(waiting, FORM, &right_form(waiting));
    assert_eq!(status(&send(waiting, &request).await), "303");
    assert_answered(waiting).await;
}

async fn assert_refused(port: u16) {
    for host in ["127.0.0.1", "::1"] {
        assert!(TcpStream::connect((host, port)).await.is_err(), "{host}");
    }
}

/// What a browser does: follows the redirect, sends headers of its own.
fn browser() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}
