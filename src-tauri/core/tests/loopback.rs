//! The loopback listener over real sockets, visited as a browser, a wrong page or a hostile program would.

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

#[tokio::test]
async fn a_get_answer_leaves_no_code_in_the_address_bar_and_the_listener_closes() {
    // L2, L4, L8
    let (redirects, _) = redirects();
    let redirects = redirects.with_limits(PATIENT);
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let target = format!("{}{}", waiting.redirect_uri(), right_query(&waiting));
    let page = browser().get(target).send().await.unwrap();
    assert_eq!(
        page.url().as_str(),
        format!("{}/done", waiting.redirect_uri())
    );
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("Response received"));
    assert_answered(&mut waiting).await;
    redirects.closed().await;
    assert_refused(port(&waiting)).await;
}

#[tokio::test]
async fn a_posted_answer_is_received_on_localhost() {
    // L3, L6, L8
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    let page = browser()
        .post(format!("{}/", waiting.redirect_uri()))
        .header("Origin", ENTRA)
        .form(&[
            ("code", "right"),
            ("state", waiting.state()),
            ("session_state", "s"),
        ])
        .send()
        .await
        .unwrap();
    assert_eq!(page.url().path(), "/done");
    assert!(page.text().await.unwrap().contains("Response received"));
    assert_answered(&mut waiting).await;
    redirects.closed().await;
    assert_refused(port(&waiting)).await;
}

#[tokio::test]
async fn a_refused_sign_in_gets_a_page_that_says_so_and_nothing_of_the_request() {
    // C11, L8
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let target = format!(
        "{}/?error=access_denied&error_description=%3Cb%3Ecanary&state={}",
        waiting.redirect_uri(),
        waiting.state()
    );
    let page = browser()
        .get(target)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        page.contains("Sign-in refused") && !page.contains("canary"),
        "{page}"
    );
    assert!(matches!(
        answer(&mut waiting).await,
        Ok(AuthorizationResponse::Refused { .. })
    ));
}

#[tokio::test]
async fn an_answer_from_another_issuer_ends_on_a_page_that_says_so() {
    // C6
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let target = format!(
        "{}{}&iss=https://evil.example",
        waiting.redirect_uri(),
        right_query(&waiting)
    );
    let page = browser()
        .get(target)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(page.contains("Sign-in stopped"), "{page}");
    assert_eq!(
        answer(&mut waiting).await.unwrap_err().code(),
        Code::SignInRejected
    );
}

#[tokio::test]
async fn only_an_app_with_a_window_is_offered_from_the_last_page() {
    // L8
    for (front, is_offered) in [(Frontend::Window, true), (Frontend::Terminal, false)] {
        let redirects = Redirects::new(ManualClock::new(Timestamp::UNIX_EPOCH), front);
        let waiting = redirects.open_flow(google()).await.unwrap();
        get(&waiting, &right_query(&waiting)).await;
        let page = get(&waiting, "/done").await;
        assert_eq!(
            page.contains("href=\"io.github.multicloudmanager://open\""),
            is_offered,
            "{page}"
        );
    }
}

#[tokio::test]
async fn every_page_carries_the_headers_that_keep_it_to_itself() {
    // L8
    let (redirects, _) = redirects();
    let waiting = redirects.open_flow(google()).await.unwrap();
    for target in [
        "/",
        "/favicon.ico",
        "/?state=x&code=canary",
        &right_query(&waiting),
        "/done",
    ] {
        let reply = get(&waiting, target).await.to_lowercase();
        for header in [
            "cache-control: no-store\r\n",
            "referrer-policy: no-referrer\r\n",
            "x-content-type-options: nosniff\r\n",
            "content-security-policy: default-src 'none'; style-src 'sha256-",
            "frame-ancestors 'none'\r\n",
        ] {
            assert!(reply.contains(header), "{target}: {reply}");
        }
        assert!(
            !reply.contains("canary") && !reply.contains("access-control"),
            "{reply}"
        );
    }
}

#[tokio::test]
async fn localhost_is_served_on_both_loopback_addresses_and_nowhere_else() {
    // L1, L3
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    assert!(waiting.redirect_uri().starts_with("http://localhost:"));
    let port = port(&waiting);
    if !has_ipv6() {
        return;
    }
    let stream = TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await;
    let stream = stream.expect("it is served on ::1 too");
    // 127.0.0.2 is loopback as well, and free unless a program bound every address.
    assert!(TcpStream::connect(("127.0.0.2", port)).await.is_err());
    let request = form(&waiting, FORM, &right_form(&waiting));
    assert_eq!(status(&exchange(stream, &request).await), "303");
    assert_answered(&mut waiting).await;
}

#[tokio::test]
async fn no_one_else_can_sit_on_either_half_of_the_port() {
    // L3
    let (redirects, _) = redirects();
    for expectation in [google(), azure()] {
        let waiting = redirects.open_flow(expectation).await.unwrap();
        for host in ["127.0.0.1", "::1"] {
            assert!(
                TcpListener::bind((host, port(&waiting))).await.is_err(),
                "{host}"
            );
        }
    }
}

#[tokio::test]
async fn a_literal_address_is_not_served_on_ipv6() {
    // L1
    let (redirects, _) = redirects();
    let waiting = redirects.open_flow(google()).await.unwrap();
    assert!(
        TcpStream::connect((Ipv6Addr::LOCALHOST, port(&waiting)))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_cancelled_flow_closes_its_listener() {
    // L4
    let (redirects, _) = redirects();
    let waiting = redirects.open_flow(azure()).await.unwrap();
    let (port, silent) = (port(&waiting), connect(&waiting).await);
    drop(waiting);
    redirects.closed().await;
    assert_refused(port).await;
    assert_eq!(exchange(silent, "").await, "");
}

#[tokio::test]
async fn an_expired_flow_closes_its_listener_also_when_nothing_asks() {
    // L4
    let (redirects, clock) = redirects();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    clock.advance(SIGN_IN_TIMEOUT);
    redirects.closed().await;
    assert_refused(port(&waiting)).await;
    assert_eq!(
        answer(&mut waiting).await.unwrap_err().code(),
        Code::SignInExpired
    );
}

#[tokio::test]
async fn a_displaced_flow_closes_its_listener() {
    // L4
    let (redirects, _) = redirects();
    let mut flows = Vec::new();
    for _ in 0..9 {
        flows.push(redirects.open_flow(google()).await.unwrap());
    }
    assert_eq!(
        answer(&mut flows[0]).await.unwrap_err().code(),
        Code::SignInCancelled
    );
    let first = port(&flows[0]);
    flows.truncate(1);
    redirects.closed().await;
    assert_refused(first).await;
}

#[tokio::test]
async fn the_listener_does_not_wait_long_for_a_browser_that_never_fetches_the_last_page() {
    // L4
    let (redirects, _) = impatient();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    get(&waiting, &right_query(&waiting)).await;
    assert_answered(&mut waiting).await;
    redirects.closed().await;
    assert_refused(port(&waiting)).await;
}

#[tokio::test]
async fn a_host_other_than_that_of_the_redirect_uri_is_refused() {
    // L5
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let (port, target) = (port(&waiting), right_query(&waiting));
    for host in [
        "Host: evil.example\r\n".to_owned(),
        format!("Host: evil.example:{port}\r\n"),
        format!("Host: localhost:{port}\r\n"),
        format!("Host: [::1]:{port}\r\n"),
        format!("Host: 127.0.0.1:{port}.\r\n"),
        "Host: 127.0.0.1\r\n".to_owned(),
        "Host:\r\n".to_owned(),
        String::new(),
        format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n"),
    ] {
        let reply = send(&waiting, &format!("GET {target} HTTP/1.1\r\n{host}\r\n")).await;
        assert_eq!(status(&reply), "400", "{host}");
    }
    let absolute =
        format!("GET http://evil.example{target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    assert_eq!(status(&send(&waiting, &absolute).await), "400");
    assert_still_waiting_for_query(&mut waiting).await;
}

#[tokio::test]
async fn other_paths_and_methods_are_turned_away_and_the_wait_goes_on() {
    // L6
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let rest = format!("?code=evil&state={}", waiting.state());
    for target in [
        "/favicon.ico",
        "/done",
        "/callback",
        "//",
        "/index.html",
        "/%2F",
    ] {
        assert_eq!(
            status(&get(&waiting, &format!("{target}{rest}")).await),
            "404",
            "{target}"
        );
    }
    for verb in ["POST", "PUT", "OPTIONS", "HEAD", "DELETE", "BREW"] {
        let request = format!(
            "{verb} /{rest} HTTP/1.1\r\nHost: {}\r\n\r\n",
            authority(&waiting)
        );
        let reply = send(&waiting, &request).await.to_lowercase();
        assert_eq!(status(&reply.to_uppercase()), "405", "{verb}");
        assert!(reply.contains("\r\nallow: get\r\n"), "{reply}");
    }
    assert_still_waiting_for_query(&mut waiting).await;
}

#[tokio::test]
async fn a_code_in_the_address_is_refused_where_a_form_is_expected() {
    // L6
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    let reply = get(&waiting, &right_query(&waiting)).await;
    assert_eq!(status(&reply), "400");
    assert!(reply.contains("never share the address"), "{reply}");
    let body = right_form(&waiting);
    let both = form(&waiting, FORM, &body).replacen("POST /", &format!("POST /?{body}"), 1);
    assert_eq!(status(&send(&waiting, &both).await), "400");
    let reply = get(&waiting, "/").await;
    assert_eq!(status(&reply), "405");
    assert!(
        reply.to_lowercase().contains("\r\nallow: post\r\n"),
        "{reply}"
    );
    assert_still_waiting_for_form(&mut waiting).await;
}

#[tokio::test]
async fn a_form_must_be_sent_as_a_form() {
    // L6
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    for headers in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n",
        "Content-Type: application/json\r\n",
        "Content-Type: application/x-www-form-urlencoded2\r\n",
        "Content-Type: text/plain\r\nContent-Type: application/x-www-form-urlencoded\r\n",
    ] {
        let request = form(&waiting, headers, &right_form(&waiting));
        assert_eq!(status(&send(&waiting, &request).await), "415", "{headers}");
    }
    let headers = "Content-Type: Application/X-WWW-Form-URLencoded; charset=UTF-8\r\n";
    let request = form(&waiting, headers, &right_form(&waiting));
    assert_eq!(status(&send(&waiting, &request).await), "303");
    assert_answered(&mut waiting).await;
}

#[tokio::test]
async fn another_site_cannot_speak_for_the_provider() {
    // L6
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    for origin in [
        "https://evil.example",
        "https://login.microsoftonline.com.evil.example",
        "http://login.microsoftonline.com",
        "https://login.microsoftonline.com:443",
        "HTTPS://LOGIN.MICROSOFTONLINE.COM",
        "",
    ] {
        let headers = format!("{FORM}Origin: {origin}\r\n");
        let request = form(&waiting, &headers, &right_form(&waiting));
        assert_eq!(status(&send(&waiting, &request).await), "403", "{origin}");
    }
    let twice = format!("{FORM}Origin: {ENTRA}\r\nOrigin: https://evil.example\r\n");
    let request = form(&waiting, &twice, &right_form(&waiting));
    assert_eq!(status(&send(&waiting, &request).await), "403");
    let headers = format!("{FORM}Origin: null\r\n");
    let request = form(&waiting, &headers, &right_form(&waiting));
    assert_eq!(status(&send(&waiting, &request).await), "303");
    assert_answered(&mut waiting).await;
}

#[tokio::test]
async fn a_script_of_another_site_cannot_fetch_an_answer_in() {
    // L6
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nOrigin: https://evil.example\r\n\r\n",
        right_query(&waiting),
        authority(&waiting)
    );
    assert_eq!(status(&send(&waiting, &request).await), "403");
    assert_still_waiting_for_query(&mut waiting).await;
}

#[tokio::test]
async fn silent_connections_keep_no_one_out() {
    // L7
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    let mut silent = Vec::new();
    for number in 0..40 {
        let mut stream = connect(&waiting).await;
        if number % 2 == 0 {
            stream
                .write_all(b"POST / HTTP/1.1\r\nHost: loc")
                .await
                .unwrap();
        }
        silent.push(stream);
    }
    assert_still_waiting_for_form(&mut waiting).await;
}

#[tokio::test]
async fn the_oldest_connection_makes_room_for_a_ninth() {
    // L7
    let (redirects, _) = redirects();
    let redirects = redirects.with_limits(PATIENT);
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let oldest = connect(&waiting).await;
    let mut others = Vec::new();
    for _ in 0..8 {
        others.push(connect(&waiting).await);
    }
    assert_eq!(exchange(oldest, "").await, "");
    assert_still_waiting_for_query(&mut waiting).await;
}

#[tokio::test]
async fn a_request_head_has_a_time_limit_of_its_own() {
    // L7
    let (redirects, _) = redirects();
    let redirects = redirects.with_limits(ReceiverLimits {
        head_time: Duration::from_millis(50),
        ..PATIENT
    });
    let waiting = redirects.open_flow(google()).await.unwrap();
    for half_a_head in ["", "GET / HTTP/1.1\r\nX-Slow: "] {
        assert_ne!(status(&send(&waiting, half_a_head).await), "303");
    }
}

#[tokio::test]
async fn a_request_that_never_ends_is_cut_off() {
    // L7
    let (redirects, _) = impatient();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    for half_a_head in ["", "POST / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        assert_ne!(status(&send(&waiting, half_a_head).await), "303");
    }
    let body = right_form(&waiting);
    let half_a_body = form(&waiting, FORM, &body).replace(
        &format!("Content-Length: {}", body.len()),
        &format!("Content-Length: {}", body.len() + 1),
    );
    assert_eq!(status(&send(&waiting, &half_a_body).await), "none");
    assert_still_waiting_for_form(&mut waiting).await;
}

#[tokio::test]
async fn a_request_has_a_greatest_size() {
    // C12, L7
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    let padded = |length: usize| format!("{}&x={}", right_form(&waiting), "y".repeat(length));
    let too_large = form(&waiting, FORM, &padded(16 * 1024));
    assert_eq!(status(&send(&waiting, &too_large).await), "413");
    let body = padded(16 * 1024);
    let chunked = format!(
        "POST / HTTP/1.1\r\nHost: {}\r\n{FORM}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
        authority(&waiting),
        body.len()
    );
    assert_eq!(status(&send(&waiting, &chunked).await), "413");
    let bad_chunk = chunked.replacen(&format!("{:x}\r\n", body.len()), "zz\r\n", 1);
    assert_eq!(status(&send(&waiting, &bad_chunk).await), "400");
    let many_headers = format!("{FORM}{}", "X-A: b\r\n".repeat(1_000));
    let request = form(&waiting, &many_headers, &right_form(&waiting));
    assert_eq!(status(&send(&waiting, &request).await), "431");
    let mut fits = padded(0);
    fits.push_str(&"y".repeat(16 * 1024 - fits.len()));
    let request = form(&waiting, FORM, &fits);
    assert_eq!(status(&send(&waiting, &request).await), "303");
    assert_answered(&mut waiting).await;
}

#[tokio::test]
async fn bytes_that_are_not_http_do_not_end_the_wait() {
    // L7
    let (redirects, _) = impatient();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let overlong = format!("GET /?{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    for noise in [
        "\r\n\r\n",
        "\0\0\0\0",
        "\x16\x03\x01\x02\x00\x01\x00",
        "GET / HTTP/9.9\r\n\r\n",
        &overlong,
    ] {
        assert_ne!(status(&send(&waiting, noise).await), "303");
    }
    assert_still_waiting_for_query(&mut waiting).await;
}

#[tokio::test]
async fn after_a_thousand_wrong_answers_the_right_one_is_accepted() {
    // L9, C19
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let wrong = async |number: u32| {
        let stream = connect(&waiting).await;
        let request = format!(
            "GET /?code=evil&state={number}.x HTTP/1.1\r\nHost: {}\r\n\r\n",
            authority(&waiting)
        );
        // Some are pushed out by newer ones before they get their page.
        assert_ne!(status(&exchange(stream, &request).await), "303");
    };
    for batch in 0..20 {
        futures_util::future::join_all((0..50).map(|number| wrong(batch * 50 + number))).await;
    }
    assert_still_waiting_for_query(&mut waiting).await;
}

#[tokio::test]
async fn a_wrong_state_does_not_end_the_wait() {
    // L9
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let other = redirects.open_flow(google()).await.unwrap();
    for target in [
        "/".to_owned(),
        "/?code=evil".to_owned(),
        "/?error=access_denied".to_owned(),
        "/?code=evil&state=1.x".to_owned(),
        right_query(&other),
        format!("{}&code=evil", right_query(&waiting)),
        format!("{}%00", right_query(&waiting)),
        format!("{}&x={}", right_query(&waiting), "y".repeat(8 * 1024)),
    ] {
        assert_eq!(status(&get(&waiting, &target).await), "400", "{target}");
    }
    assert_still_waiting_for_query(&mut waiting).await;
}

#[tokio::test]
async fn an_answer_that_comes_twice_is_used_once() {
    // C3
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    let request = form(&waiting, FORM, &right_form(&waiting));
    assert_eq!(status(&send(&waiting, &request).await), "303");
    let again = send(&waiting, &request).await;
    assert_eq!(status(&again), "400");
    assert!(again.contains("Already used"), "{again}");
    assert_answered(&mut waiting).await;
}

#[tokio::test]
async fn a_loopback_answer_as_a_deep_link_is_a_mix_up() {
    // C5
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(google()).await.unwrap();
    let link = format!("{}{}", waiting.redirect_uri(), right_query(&waiting));
    redirects.deliver(&link);
    redirects.deliver(&format!(
        "io.github.multicloudmanager://auth/gcp{}",
        &right_query(&waiting)[1..]
    ));
    assert_still_waiting_for_query(&mut waiting).await;
}

/// Runs a script of bash as another user of this machine, with the port as `$0`. Only the administrator can do so.
#[cfg(target_os = "linux")]
async fn as_another_user(waiting: &PendingFlow, script: &str, arguments: &[&str]) -> String {
    let port = port(waiting).to_string();
    let mut command = std::process::Command::new("timeout");
    command
        .args(["20", "setpriv", "--reuid=65534", "--regid=65534"])
        .args(["--clear-groups", "bash", "-c", script, &port])
        .args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output
        .expect("no panic")
        .expect("setpriv is in the package util-linux");
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn another_user_of_this_machine_ends_no_sign_in_even_with_its_state() {
    if !may_run_as_another_user() {
        return;
    }
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.expect("a port");
    for body in [
        format!("error=access_denied&state={}", waiting.state()),
        format!("code=theirs&state={}", waiting.state()),
    ] {
        let request = form(&waiting, FORM, &body);
        let script = "exec 3<>\"/dev/tcp/127.0.0.1/$0\" && printf %s \"$1\" >&3 && cat <&3";
        assert_eq!(as_another_user(&waiting, script, &[&request]).await, "");
    }
    assert_still_waiting_for_form(&mut waiting).await;
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn connections_of_another_user_take_no_ones_place() {
    if !may_run_as_another_user() {
        return;
    }
    let (redirects, _) = redirects();
    let redirects = redirects.with_limits(PATIENT);
    let mut waiting = redirects.open_flow(google()).await.expect("a port");
    let mut silent = Vec::new();
    for _ in 0..PATIENT.connections {
        silent.push(connect(&waiting).await);
    }
    // More than there are places, each closed before it takes one.
    let many = "for i in {1..40}; do exec 3<>\"/dev/tcp/127.0.0.1/$0\" && cat <&3; done";
    as_another_user(&waiting, many, &[]).await;
    for stream in &silent {
        let mut byte = [0];
        let read = stream.try_read(&mut byte);
        let error = read.expect_err("it is still open");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
    drop(silent);
    assert_still_waiting_for_query(&mut waiting).await;
}

/// The beginning of what a browser sends for an https address.
const CLIENT_HELLO: &[u8] = &[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];

#[tokio::test]
async fn a_browser_that_insists_on_https_is_reported_and_the_flow_goes_on() {
    let (redirects, _) = redirects();
    let mut waiting = redirects.open_flow(azure()).await.unwrap();
    let mut stream = connect(&waiting).await;
    stream.write_all(CLIENT_HELLO).await.expect("sent");
    let mut reply = Vec::new();
    // It is closed without an answer, also by a reset.
    let _ = stream.read_to_end(&mut reply).await;
    assert!(reply.is_empty());
    let https_forced = waiting.https_forced().clone();
    tokio::time::timeout(Duration::from_secs(30), https_forced.reported())
        .await
        .expect("it is reported");
    assert_still_waiting_for_form(&mut waiting).await;
}

#[tokio::test]
async fn a_chosen_port_serves_the_link_once_and_the_answer_and_can_be_chosen_again() {
    let port = |waiting: &PendingFlow| port(waiting);
    let (redirects, _) = redirects();
    let chosen = {
        let free = redirects.open_flow(google()).await.unwrap();
        port(&free)
    };
    redirects.closed().await;
    for _ in 0..2 {
        let opened = redirects.open_flow_at(google(), Some(chosen)).await;
        let mut waiting = opened.expect("the port is free again");
        assert_eq!(port(&waiting), chosen);
        let page = url::Url::parse("https://accounts.google.com/auth?state=s").unwrap();
        let link = waiting.link_to(&page).expect("a link");
        let path = link
            .strip_prefix(waiting.redirect_uri())
            .expect("the flow's own port");
        assert_eq!(status(&get(&waiting, "/open/wrong").await), "404");
        let led = get(&waiting, path).await;
        assert!(led.contains(&format!("location: {page}\r\n")), "{led}");
        assert_eq!(status(&get(&waiting, path).await), "410");
        assert_still_waiting_for_query(&mut waiting).await;
        redirects.closed().await;
    }
}

#[tokio::test]
async fn a_chosen_port_of_another_program_is_named() {
    let (redirects, _) = redirects();
    let first = redirects.open_flow(azure()).await.unwrap();
    let opened = redirects.open_flow_at(google(), Some(port(&first))).await;
    let Err(error) = opened else {
        panic!("the port is taken");
    };
    assert_eq!(error.code(), Code::InvalidInput);
    assert!(
        error.message().contains(&format!("Port {} ", port(&first))),
        "{error}"
    );
}
