//! What each check finds and how it says so.

use super::*;
use crate::doctor::Status;

#[test]
fn a_clock_warns_from_half_a_minute_and_fails_from_two_minutes() {
    let server: Timestamp = "2026-11-23T18:00:00Z".parse().expect("a time");
    let at = |time: &str| {
        let now = format!("2026-11-23T{time}Z").parse().expect("a time");
        clock(now, Some(server)).expect("the server sent its time")
    };
    assert_eq!(at("18:00:30").status, Status::Ok);
    assert_eq!(at("17:59:29").status, Status::Warn);
    assert_eq!(at("17:50:00").status, Status::Fail);
    assert_eq!(at("17:50:00").found, "600 s behind of the sign-in server");
    assert_eq!(clock(server, None), None);
}

#[test]
fn either_of_our_files_handles_the_scheme() {
    for handler in [
        "io.github.multicloudmanager-handler.desktop",
        "Multi-Cloud-Manager.desktop",
    ] {
        assert_eq!(scheme_handler(handler).status, Status::Ok, "{handler}");
    }
    assert!(
        scheme_handler("")
            .remedy
            .is_some_and(|remedy| remedy.contains("Start the app"))
    );
    assert!(
        scheme_handler("evil.desktop")
            .found
            .contains("evil.desktop")
    );
}

#[test]
fn a_variable_that_overrides_is_named_without_its_value() {
    let environment = Environment::from_pairs([
        ("AZURE_CLIENT_SECRET", "CANARY"),
        ("ARM_USE_MSI", ""),
        ("AZURE_CLIENT_ID", "x"),
    ]);
    let check = other_sign_ins(&environment);
    assert_eq!(
        (check.status, check.found.as_str()),
        (Status::Warn, "AZURE_CLIENT_SECRET set")
    );
}

#[test]
fn a_server_that_refuses_a_request_without_a_token_answers() {
    let status = |is_sign_in, status| {
        answered("server", is_sign_in, "management.example", Ok(status)).status
    };
    assert_eq!(status(false, 401), Status::Ok);
    assert_eq!(status(true, 400), Status::Fail);
    assert_eq!(status(true, 200), Status::Ok);
    assert_eq!(
        (status(true, 503), status(false, 503)),
        (Status::Warn, Status::Warn)
    );
}
