//! Any bytes at either door: no panic, and no flow ends through another flow's door.
#![no_main]

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use mcm_core::account::Cloud;
use mcm_core::redirect::{
    Arrival, Ended, Ending, FlowId, Issuer, LoopbackHost, Method, Pending, Receiver, Verdict, accept,
};
use secrecy::SecretString;

const REDIRECT_URI: &str = "io.github.multicloudmanager://auth/azure";
/// Short, so that the fuzzer finds them and goes on to what lies behind.
const STATES: [&str; 3] = ["1.a", "2.b", "3.c"];

fuzz_target!(|input: &[u8]| {
    let loopback = |method| Receiver::Loopback { host: LoopbackHost::Ipv4, path: "", method, origins: Vec::new() };
    let receivers = [
        Receiver::DeepLink { redirect_uri: REDIRECT_URI.into() },
        loopback(Method::Query),
        loopback(Method::FormPost),
    ];
    let pending: Vec<Pending> = (1..)
        .zip(STATES.into_iter().zip(receivers))
        .map(|(number, (state, receiver))| Pending {
            flow: FlowId::new(number),
            cloud: Cloud::Azure,
            state: SecretString::from(state),
            receiver,
            issuer: Issuer::IfPresent("https://login.microsoftonline.com/{tenantid}/v2.0".into()),
            expires_at: Timestamp::MAX,
        })
        .collect();
    let ended = [Ended { state: SecretString::from("4.d"), ending: Ending::Answered }];

    if let Ok(text) = std::str::from_utf8(input) {
        let addressed = format!("{REDIRECT_URI}?{text}");
        for link in [text, &addressed] {
            check(&Arrival::DeepLink(link), &pending, &ended, FlowId::new(1));
        }
    }
    for (number, method) in [(2, Method::Query), (3, Method::FormPost)] {
        let flow = FlowId::new(number);
        check(&Arrival::Request { flow, method, path: "/", parameters: input }, &pending, &ended, flow);
    }
});

/// Whatever is accepted is accepted for the flow whose door it came through.
fn check(arrival: &Arrival<'_>, pending: &[Pending], ended: &[Ended], expected: FlowId) {
    match accept(arrival, pending, ended, Timestamp::UNIX_EPOCH) {
        Verdict::Answered { flow, .. } | Verdict::Rejected { flow, .. } => assert_eq!(flow, expected),
        Verdict::Ignored(_) => {}
    }
}
