//! The parameters of an arrival: codes, errors and hostile texts.

use super::*;

#[test]
fn a_parameter_that_comes_twice_spoils_the_arrival() {
    // C8
    for parameters in [
        format!("code=a&code=b&state={STATE}"),
        format!("code=a&c%6Fde=b&state={STATE}"),
        format!("code=a&state={STATE}&state={STATE}"),
        format!("code=a&state={OTHER}&state={STATE}"),
        format!("error=a&error=b&state={STATE}"),
        format!("code=a&state={STATE}&x=1&x=1"),
    ] {
        assert_eq!(
            reason_of(&answered(&parameters)),
            Some(Reason::Duplicate),
            "{parameters}"
        );
    }
}

#[test]
fn an_error_takes_precedence_over_a_code() {
    // C9
    for parameters in [
        format!("code=c&error=server_error&state={STATE}"),
        format!("error=server_error&code=c&state={STATE}"),
    ] {
        let (error, _) = refusal_of(answered(&parameters)).unwrap();
        assert_eq!(error, "server_error");
    }
    let (error, _) = refusal_of(answered(&format!("code=c&error=&state={STATE}"))).unwrap();
    assert_eq!(error, "unrecognised_error");
}

#[test]
fn tokens_in_an_answer_are_never_read() {
    // C9
    let verdict = answered(&format!(
        "access_token=evil&id_token=evil&token_type=bearer&state={STATE}"
    ));
    assert_eq!(reason_of(&verdict), Some(Reason::Empty));
    let verdict = answered(&format!(
        "access_token=evil&code=c&id_token=evil&state={STATE}"
    ));
    assert_eq!(code_of(&verdict), Some((FlowId::new(1), "c")));
}

#[test]
fn an_empty_or_unprintable_code_is_none() {
    for code in ["", "%0a", "a%7Fb", "%C3%A9"] {
        assert!(
            reason_of(&answered(&format!("code={code}&state={STATE}"))).is_some(),
            "{code}"
        );
    }
}

#[test]
fn a_denied_consent_ends_its_own_flow_only() {
    // C10
    let (error, description) =
        refusal_of(answered(&format!("error=access_denied&state={STATE}"))).unwrap();
    assert_eq!(
        (error.as_str(), description.as_str()),
        ("access_denied", "")
    );
    assert_eq!(
        reason_of(&answered("error=access_denied")),
        Some(Reason::NoState)
    );
}

#[test]
fn an_error_keeps_no_hostile_text() {
    // C11
    for error in [
        "%3Cb%3Eaccess_denied",
        "access+denied",
        "ACCESS_DENIED",
        "access_denied%0d%0aSet-Cookie",
        "%E2%80%AEdeined",
    ] {
        let (error, _) = refusal_of(answered(&format!("error={error}&state={STATE}"))).unwrap();
        assert_eq!(error, "unrecognised_error");
    }
    let long = "a".repeat(65);
    let (error, _) = refusal_of(answered(&format!("error={long}&state={STATE}"))).unwrap();
    assert_eq!(error, "unrecognised_error");

    let hostile = format!(
        "AADSTS65004%3A+no%0d%0a%1b%5B31m%E2%80%AE%3Cscript%3E{}",
        "x".repeat(LONGEST_DESCRIPTION)
    );
    let parameters = format!("error=consent_required&error_description={hostile}&state={STATE}");
    let (_, description) = refusal_of(answered(&parameters)).unwrap();
    assert!(
        description.starts_with("AADSTS65004: no[31m<script>xx"),
        "{description}"
    );
    assert_eq!(description.len(), LONGEST_DESCRIPTION);
    assert!(description.bytes().all(|byte| matches!(byte, b' '..=b'~')));
}

#[test]
fn text_that_no_provider_sends_is_refused_as_a_whole() {
    // C12
    for (rest, reason) in [
        ("&x=%", Reason::Malformed),
        ("&x=%4", Reason::Malformed),
        ("&x=%zz", Reason::Malformed),
        ("&x=%+1", Reason::Malformed),
        ("&x=%00", Reason::Malformed),
        ("&%00=x", Reason::Malformed),
        ("&x=%ff%fe", Reason::Malformed),
        ("&x=%c0%af", Reason::Malformed),
        ("&x=\u{e9}", Reason::Malformed),
        ("&x=a b", Reason::Malformed),
        ("&x=\r\n", Reason::Malformed),
        ("&x=\0", Reason::Malformed),
    ] {
        let verdict = answered(&format!("code=c&state={STATE}{rest}"));
        assert_eq!(reason_of(&verdict), Some(reason), "{rest:?}");
    }
}

#[test]
fn an_arrival_is_limited_in_length_and_number_of_parameters() {
    // C12
    let of_length = |length: usize| {
        let start = format!("{AZURE}?code=c&state={STATE}&x=");
        format!("{start}{}", "y".repeat(length - start.len()))
    };
    let pending = [deep_link(1, STATE, AZURE)];
    assert!(code_of(&judged(&of_length(LONGEST_ADDRESS), &pending)).is_some());
    assert_eq!(
        reason_of(&judged(&of_length(LONGEST_ADDRESS + 1), &pending)),
        Some(Reason::TooLong)
    );

    let many = |count: usize| {
        (0..count)
            .map(|number| format!("&p{number}="))
            .collect::<String>()
    };
    let most = many(MOST_PARAMETERS - 2);
    assert!(code_of(&answered(&format!("code=c&state={STATE}{most}"))).is_some());
    let more = many(MOST_PARAMETERS - 1);
    assert_eq!(
        reason_of(&answered(&format!("code=c&state={STATE}{more}"))),
        Some(Reason::Malformed)
    );

    let form = "&".repeat(LONGEST_FORM + 1);
    let arrival = Arrival::Request {
        flow: FlowId::new(1),
        method: Method::FormPost,
        path: "/",
        parameters: form.as_bytes(),
    };
    assert_eq!(
        reason_of(&accept(&arrival, &pending, &[], at(0))),
        Some(Reason::TooLong)
    );
}

#[test]
fn no_parameter_redirects_elsewhere() {
    // C20
    let plain = answered(&format!("code=c&state={STATE}"));
    for name in [
        "return_to",
        "redirect_uri",
        "next",
        "token_endpoint",
        "cloud_instance_host_name",
    ] {
        let verdict = answered(&format!("code=c&state={STATE}&{name}=https://evil.example"));
        assert_eq!(code_of(&verdict), code_of(&plain), "{name}");
    }
}
