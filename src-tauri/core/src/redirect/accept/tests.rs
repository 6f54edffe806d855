//! The callback cases C1 to C20 that concern `accept`, and properties over arbitrary text.

mod parameters;

use proptest::prelude::*;

use super::super::LoopbackHost;
use super::*;

const AZURE: &str = "io.github.multicloudmanager://auth/azure";
const GCP: &str = "io.github.multicloudmanager://auth/gcp";
const GOOGLE: &str = "com.googleusercontent.apps.123-abc:/oauth2redirect";
const ENTRA: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";
const STATE: &str = "1.Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFyZm8";
const OTHER: &str = "2.cXV1eHF1dXhxdXV4cXV1eHF1dXhxdXV4cXV1eHF1dXg";
const END: i64 = 600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn deep_link(number: u64, state: &str, redirect_uri: &str) -> Pending {
    Pending {
        flow: FlowId::new(number),
        cloud: Cloud::Azure,
        state: SecretString::from(state),
        receiver: Receiver::DeepLink {
            redirect_uri: redirect_uri.into(),
        },
        issuer: Issuer::IfPresent(ENTRA.into()),
        expires_at: at(END),
    }
}

fn loopback(number: u64, state: &str, method: Method) -> Pending {
    let receiver = Receiver::Loopback {
        host: LoopbackHost::Ipv4,
        path: "",
        method,
        origins: Vec::new(),
    };
    Pending {
        receiver,
        ..deep_link(number, state, AZURE)
    }
}

fn judged(text: &str, pending: &[Pending]) -> Verdict {
    accept(&Arrival::DeepLink(text), pending, &[], at(0))
}

/// The verdict for one pending Azure flow and a deep link to it with these parameters.
fn answered(parameters: &str) -> Verdict {
    judged(
        &format!("{AZURE}?{parameters}"),
        &[deep_link(1, STATE, AZURE)],
    )
}

fn code_of(verdict: &Verdict) -> Option<(FlowId, &str)> {
    match verdict {
        Verdict::Answered {
            flow,
            answer: AuthorizationResponse::Code(code),
        } => Some((*flow, code.expose_secret())),
        _ => None,
    }
}

fn reason_of(verdict: &Verdict) -> Option<Reason> {
    match verdict {
        Verdict::Ignored(reason) => Some(*reason),
        _ => None,
    }
}

fn refusal_of(verdict: Verdict) -> Option<(String, String)> {
    match verdict {
        Verdict::Answered {
            answer: AuthorizationResponse::Refused { error, description },
            ..
        } => Some((error, description)),
        _ => None,
    }
}

#[test]
fn the_right_state_at_the_right_address_is_an_answer() {
    let verdict = answered(&format!("code=0.AX%2Fy&state={STATE}&session_state=s"));
    assert_eq!(code_of(&verdict), Some((FlowId::new(1), "0.AX/y")));
}

#[test]
fn an_address_with_any_difference_is_not_the_redirect_uri() {
    // C1
    let parameters = format!("code=c&state={STATE}");
    for address in [
        "io.github.multicloudmanager.dev://auth/azure",
        "https://auth/azure",
        "io.github.multicloudmanager://auth:443/azure",
        "io.github.multicloudmanager://user@auth/azure",
        "io.github.multicloudmanager://auth/azure/",
        "io.github.multicloudmanager://auth/azure/more",
        "io.github.multicloudmanager://auth//azure",
        "io.github.multicloudmanager://auth/azur%65",
        "io.github.multicloudmanager://auth/",
        "io.github.multicloudmanager://auth",
        "io.github.multicloudmanager://open",
        " io.github.multicloudmanager://auth/azure",
        "",
    ] {
        let verdict = judged(
            &format!("{address}?{parameters}"),
            &[deep_link(1, STATE, AZURE)],
        );
        assert_eq!(
            reason_of(&verdict),
            Some(Reason::WrongReceiver),
            "{address}"
        );
    }
}

#[test]
fn only_an_empty_fragment_is_permitted() {
    // C1
    let url = format!("{AZURE}?code=c&state={STATE}");
    let pending = [deep_link(1, STATE, AZURE)];
    assert!(code_of(&judged(&format!("{url}#"), &pending)).is_some());
    for fragment in ["#_=_", "##", "#code=evil"] {
        let verdict = judged(&format!("{url}{fragment}"), &pending);
        assert_eq!(reason_of(&verdict), Some(Reason::Malformed), "{fragment}");
    }
    let in_fragment = format!("{AZURE}#code=c&state={STATE}");
    assert_eq!(
        reason_of(&judged(&in_fragment, &pending)),
        Some(Reason::Malformed)
    );
}

#[test]
fn a_missing_or_unknown_state_changes_nothing() {
    // C2
    for (parameters, reason) in [
        ("code=c".to_owned(), Reason::NoState),
        ("code=c&state=".to_owned(), Reason::NoState),
        ("code=c&state".to_owned(), Reason::NoState),
        ("code=c&State=x".to_owned(), Reason::NoState),
        (format!("code=c&state={OTHER}"), Reason::UnknownState),
        (
            format!("code=c&state={}", &STATE[..STATE.len() - 1]),
            Reason::UnknownState,
        ),
        (format!("code=c&state={STATE}A"), Reason::UnknownState),
        (
            format!("code=c&state={}", STATE.to_lowercase()),
            Reason::UnknownState,
        ),
        (format!("code=c&state=%20{STATE}"), Reason::UnknownState),
    ] {
        assert_eq!(
            reason_of(&answered(&parameters)),
            Some(reason),
            "{parameters}"
        );
    }
}

#[test]
fn an_ended_flow_is_recognised_and_stays_ended() {
    // C3, C4
    let url = format!("{AZURE}?code=c&state={STATE}");
    for (ending, reason) in [
        (Ending::Answered, Reason::AlreadyUsed),
        (Ending::Rejected, Reason::AlreadyUsed),
        (Ending::Expired, Reason::TooLate),
        (Ending::Cancelled, Reason::Cancelled),
        (Ending::Displaced, Reason::Cancelled),
    ] {
        let ended = [Ended {
            state: SecretString::from(STATE),
            ending,
        }];
        let verdict = accept(&Arrival::DeepLink(&url), &[], &ended, at(0));
        assert_eq!(reason_of(&verdict), Some(reason));
    }
}

#[test]
fn an_answer_is_in_time_until_the_last_moment_and_late_from_then_on() {
    // C4
    let pending = [deep_link(1, STATE, AZURE)];
    let url = format!("{AZURE}?code=c&state={STATE}");
    let judged_at = |second| accept(&Arrival::DeepLink(&url), &pending, &[], at(second));
    assert!(code_of(&judged_at(END - 1)).is_some());
    assert_eq!(reason_of(&judged_at(END)), Some(Reason::TooLate));
    let unknown = format!("{AZURE}?code=c&state={OTHER}");
    let verdict = accept(&Arrival::DeepLink(&unknown), &pending, &[], at(END));
    assert_eq!(reason_of(&verdict), Some(Reason::UnknownState));
}

#[test]
fn the_state_of_one_cloud_at_the_address_of_another_is_a_mix_up() {
    // C5
    let pending = [deep_link(1, STATE, AZURE), deep_link(2, OTHER, GCP)];
    for (address, state) in [(AZURE, OTHER), (GCP, STATE)] {
        let verdict = judged(&format!("{address}?code=c&state={state}"), &pending);
        assert_eq!(reason_of(&verdict), Some(Reason::WrongReceiver));
    }
}

#[test]
fn the_state_of_one_receiver_at_the_other_is_a_mix_up() {
    // C5
    let pending = [
        deep_link(1, STATE, AZURE),
        loopback(2, OTHER, Method::Query),
        loopback(3, "3.x", Method::FormPost),
    ];
    let request = |flow, method, state: &str| {
        let parameters = format!("code=c&state={state}");
        let arrival = Arrival::Request {
            flow: FlowId::new(flow),
            method,
            path: "/",
            parameters: parameters.as_bytes(),
        };
        accept(&arrival, &pending, &[], at(0))
    };
    assert!(code_of(&request(2, Method::Query, OTHER)).is_some());
    assert!(code_of(&request(3, Method::FormPost, "3.x")).is_some());
    for verdict in [
        request(2, Method::Query, STATE),
        request(2, Method::Query, "3.x"),
        request(3, Method::FormPost, OTHER),
        request(2, Method::FormPost, OTHER),
        request(3, Method::Query, "3.x"),
        judged(&format!("{AZURE}?code=c&state={OTHER}"), &pending),
    ] {
        assert_eq!(reason_of(&verdict), Some(Reason::WrongReceiver));
    }
}

#[test]
fn a_request_to_another_path_of_the_listener_is_not_an_answer() {
    // L6
    let parameters = format!("code=c&state={STATE}");
    let pending = [loopback(1, STATE, Method::Query)];
    for (path, is_right) in [
        ("/", true),
        ("", true),
        ("//", false),
        ("/done", false),
        ("/%2f", false),
    ] {
        let arrival = Arrival::Request {
            flow: FlowId::new(1),
            method: Method::Query,
            path,
            parameters: parameters.as_bytes(),
        };
        assert_eq!(
            code_of(&accept(&arrival, &pending, &[], at(0))).is_some(),
            is_right,
            "{path}"
        );
    }
}

#[test]
fn an_announced_issuer_is_required_and_exact_for_errors_too() {
    // C6
    let google = "https://accounts.google.com";
    let pending = [Pending {
        issuer: Issuer::Required(google.into()),
        ..deep_link(1, STATE, GCP)
    }];
    let judged = |rest: &str| judged(&format!("{GCP}?state={STATE}&{rest}"), &pending);
    assert!(code_of(&judged("code=c&iss=https%3A%2F%2Faccounts.google.com")).is_some());
    for rest in [
        "code=c",
        "code=c&iss=",
        "code=c&iss=https://accounts.google.com/",
        "code=c&iss=HTTPS://accounts.google.com",
        "code=c&iss=https://evil.example",
        "error=access_denied",
        "error=access_denied&iss=https://evil.example",
    ] {
        let verdict = judged(rest);
        assert!(
            matches!(
                verdict,
                Verdict::Rejected {
                    reason: Reason::WrongIssuer,
                    ..
                }
            ),
            "{rest}: {verdict:?}"
        );
    }
}

#[test]
fn an_issuer_that_was_not_announced_must_match_if_present() {
    // C6
    let guid = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    let fits =
        |iss: String| code_of(&answered(&format!("code=c&state={STATE}&iss={iss}"))).is_some();
    assert!(fits(format!(
        "https://login.microsoftonline.com/{guid}/v2.0"
    )));
    for tenant in [
        "common",
        "",
        "{tenantid}",
        "72f988bf-86f1-41af-91ab-2d7cd011db4",
        "../../evil",
        "a/b",
    ] {
        assert!(
            !fits(format!("https://login.microsoftonline.com/{tenant}/v2.0")),
            "{tenant}"
        );
    }
    assert!(!fits(format!(
        "https://login.microsoftonline.com.evil.example/{guid}/v2.0"
    )));
    assert!(!fits(format!(
        "https://login.microsoftonline.com/{guid}/v1.0"
    )));
    let one_tenant = Issuer::IfPresent(format!("https://login.microsoftonline.com/{guid}/v2.0"));
    assert!(one_tenant.permits(Some(&format!(
        "https://login.microsoftonline.com/{guid}/v2.0"
    ))));
    assert!(!one_tenant.permits(Some(&format!(
        "https://login.microsoftonline.com/{}/v2.0",
        guid.replace('7', "8")
    ))));
}

#[test]
fn addresses_that_a_url_library_treats_as_equal_are_not_equal() {
    // C13
    for trap in [
        "io.github.multicloudmanager://AUTH/azure",
        "IO.GITHUB.MULTICLOUDMANAGER://auth/azure",
        "io.github.multicloudmanager://auth/x/../azure",
        "io.github.multicloudmanager://auth/./azure",
        "io.github.multicloudmanager:/auth/azure",
        "io.github.multicloudmanager:auth/azure",
        "io.github.multicloudmanager:///auth/azure",
        "io.github.multicloudmanager:\\\\auth\\azure",
    ] {
        let verdict = judged(
            &format!("{trap}?code=c&state={STATE}"),
            &[deep_link(1, STATE, AZURE)],
        );
        assert_eq!(reason_of(&verdict), Some(Reason::WrongReceiver), "{trap}");
    }
}

#[test]
fn both_forms_of_a_private_redirect_uri_are_compared_exactly() {
    // C13
    let is_answer = |redirect_uri: &str, address: &str| {
        let pending = [deep_link(1, STATE, redirect_uri)];
        code_of(&judged(
            &format!("{address}?code=c&state={STATE}"),
            &pending,
        ))
        .is_some()
    };
    assert!(is_answer(GOOGLE, GOOGLE));
    assert!(!is_answer(
        GOOGLE,
        "com.googleusercontent.apps.123-abc:///oauth2redirect"
    ));
    assert!(!is_answer(
        GOOGLE,
        "com.googleusercontent.apps.123-abc:/oauth2redirect/"
    ));
    assert!(!is_answer(
        GOOGLE,
        "com.googleusercontent.apps.123-abd:/oauth2redirect"
    ));
    assert!(is_answer("msal1.2://auth", "msal1.2://auth"));
    assert!(is_answer("msal1.2://auth", "msal1.2://auth/"));
    assert!(!is_answer("msal1.2://auth", "msal1.2://auth//"));
    assert!(!is_answer("msal1.2://auth/", "msal1.2://auth"));
}

#[test]
fn an_address_from_before_this_process_started_changes_nothing() {
    // C16
    assert_eq!(
        reason_of(&judged(&format!("{AZURE}?code=c&state={STATE}"), &[])),
        Some(Reason::UnknownState)
    );
}

#[test]
fn flows_side_by_side_each_get_their_own_answer() {
    // C17
    let pending = [
        deep_link(1, STATE, AZURE),
        deep_link(2, OTHER, AZURE),
        deep_link(3, "3.third", GCP),
    ];
    for (address, state, flow) in [(AZURE, OTHER, 2), (GCP, "3.third", 3), (AZURE, STATE, 1)] {
        let verdict = judged(&format!("{address}?state={state}&code=c{flow}"), &pending);
        assert_eq!(
            code_of(&verdict),
            Some((FlowId::new(flow), format!("c{flow}").as_str()))
        );
    }
}

#[test]
fn debug_shows_nothing_of_an_arrival_or_a_flow() {
    let flow = deep_link(1, STATE, AZURE);
    let url = format!("{AZURE}?code=canary&state={STATE}&error_description=canary");
    let refused = answered(&format!("error=x&error_description=canary&state={STATE}"));
    let ended = Ended {
        state: SecretString::from(STATE),
        ending: Ending::Answered,
    };
    let arrival = Arrival::DeepLink(&url);
    let verdict = answered(&format!("code=canary&state={STATE}"));
    let shown = format!("{flow:?} {ended:?} {arrival:?} {verdict:?} {refused:?}");
    assert!(
        !shown.contains("canary") && !shown.contains(&STATE[2..]),
        "{shown}"
    );
}

/// Percent-encodes every byte, the longest form in which the same value can arrive.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

proptest! {
    #[test]
    fn any_text_is_checked_without_a_panic_and_never_accepted(text in any::<String>(), bytes: Vec<u8>) {
        let pending = [deep_link(1, STATE, AZURE), loopback(2, OTHER, Method::FormPost)];
        prop_assert!(reason_of(&judged(&text, &pending)).is_some());
        let addressed = judged(&format!("{AZURE}?{text}"), &pending);
        prop_assert!(reason_of(&addressed).is_some());
        for method in [Method::Query, Method::FormPost] {
            let arrival = Arrival::Request { flow: FlowId::new(2), method, path: "/", parameters: &bytes };
            prop_assert!(reason_of(&accept(&arrival, &pending, &[], at(0))).is_some());
        }
    }

    #[test]
    fn only_the_exact_state_is_accepted(
        state in prop_oneof!["[!-~]{0,60}", Just(STATE.to_owned()), (0..STATE.len(), "[A-Za-z0-9._-]").prop_map(
            |(place, letter)| format!("{}{letter}{}", &STATE[..place], &STATE[place + 1..])
        )],
    ) {
        let verdict = answered(&format!("code=c&state={}", escaped(&state)));
        prop_assert_eq!(code_of(&verdict).is_some(), state == STATE);
    }

    #[test]
    fn order_and_company_of_the_parameters_do_not_matter(
        others in prop::collection::btree_map("[x-z]{1,8}", "[a-zA-Z0-9.~_-]{0,20}", 0..20),
        code in "[ -~]{1,80}",
        seed in any::<prop::sample::Index>(),
    ) {
        let mut parameters: Vec<String> = others.iter().map(|(name, value)| format!("{name}={value}")).collect();
        parameters.insert(seed.index(parameters.len() + 1), format!("code={}", escaped(&code)));
        parameters.insert(seed.index(parameters.len() + 1), format!("state={STATE}"));
        let verdict = answered(&parameters.join("&"));
        prop_assert_eq!(code_of(&verdict), Some((FlowId::new(1), code.as_str())));
        parameters.reverse();
        let verdict = answered(&parameters.join("&"));
        prop_assert_eq!(code_of(&verdict), Some((FlowId::new(1), code.as_str())));
    }

    #[test]
    fn any_error_text_comes_out_harmless(error in any::<String>(), description in any::<String>()) {
        let parameters =
            format!("error={}&error_description={}&state={STATE}", escaped(&error), escaped(&description));
        if let Some((error, description)) = refusal_of(answered(&parameters)) {
            prop_assert!((1..=64).contains(&error.len()));
            prop_assert!(error.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_')));
            prop_assert!(description.len() <= LONGEST_DESCRIPTION);
            prop_assert!(description.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        } else {
            prop_assert!(error.contains('\0') || description.contains('\0') || parameters.len() > 7_000);
        }
    }
}
