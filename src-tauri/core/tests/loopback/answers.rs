//! What comes back from a provider: the last page, the end of the listener, and the ports that it takes.

use super::*;

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
