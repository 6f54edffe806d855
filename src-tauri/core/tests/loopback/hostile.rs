//! Other pages, other users, and programs that send anything: none ends a sign-in or takes its place.

use super::*;

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
