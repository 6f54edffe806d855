//! `mcm` in a company's network: through its proxy and past its certificates, or with what to do.

use std::fs;
use std::process::Command;

use sandbox_clouds::Status;
use sandbox_clouds::browser::{Browser, Landing};
use sandbox_clouds::company::{Company, Protocol, Rules};

use crate::harness::{ADA, Begun, Ended, Harness};

/// `mcm` as it runs inside the company's network, which trusts the company's authority by `settings.toml`.
fn inside(harness: &Harness, company: &Company, arguments: &[&str]) -> Command {
    let config = harness.home().join("config");
    fs::create_dir_all(&config).expect("made");
    let write = |name: &str, text: &str| {
        mcm_core::file::replace(&config.join(name), text.as_bytes()).expect("written");
    };
    write("company.pem", company.ca());
    write("settings.toml", "[network]\nca_file = \"company.pem\"\n");
    let mut command = harness.command(arguments);
    command.env("ALL_PROXY", company.proxy_with_sign_in());
    command
}

fn ended(mut command: Command) -> Ended {
    Ended::of(command.output().expect("mcm starts"))
}

fn login(harness: &Harness, company: &Company, cloud: &str) -> Ended {
    let begun = Begun::start(inside(harness, company, &["login", cloud]));
    let page = harness.next_page();
    let landing = harness.browse(&Browser::inside(company).as_user(ADA), &page);
    assert!(
        matches!(landing, Landing::Page { status: 200, .. }),
        "{landing:?}"
    );
    begun.ended()
}

#[test]
fn accounts_work_through_the_companys_proxy_and_doctor_says_how() {
    let harness = Harness::for_public_clouds();
    let company = harness.company(Rules {
        protocol: Protocol::Socks,
        sign_in: Some("ada:CANARY".to_owned()),
        ..Rules::default()
    });
    for cloud in ["azure", "gcp"] {
        login(&harness, &company, cloud).done();
        harness.forget_sessions();
        let token = ended(inside(&harness, &company, &["token", "--active", cloud])).done();
        assert!(token.len() > 16, "{cloud}");
    }
    let doctor = ended(inside(&harness, &company, &["doctor"])).result;
    let proxy = format!(
        "ok    proxy: socks5h://{} (from ALL_PROXY)",
        company.address()
    );
    let trusted = "ok    certificate authorities: the system's, and 1 from network.ca_file in ";
    for line in [
        proxy.as_str(),
        trusted,
        "ok    azure sign-in: azure-login.clouds.test answers",
        "ok    azure resource manager: azure-management.clouds.test answers",
        "ok    gcp sign-in: google-login.clouds.test answers",
        "ok    gcp resource manager: google-management.clouds.test answers",
    ] {
        assert!(doctor.contains(line), "no {line} in {doctor}");
    }
    assert!(!doctor.contains("CANARY") && !harness.files().contains("CANARY"));
}

#[test]
fn what_blocks_the_network_is_reported_and_every_cause_is_logged() {
    let harness = Harness::for_public_clouds();
    let company = harness.company(Rules::default());
    login(&harness, &company, "azure").done();
    harness.forget_sessions();
    let token = &["token", "--active", "azure"][..];
    let mut untrusted = inside(&harness, &company, token);
    fs::remove_file(harness.home().join("config/settings.toml")).expect("removed");
    untrusted.env("HTTPS_PROXY", company.proxy());
    let message = ended(untrusted).failed(1);
    assert!(
        message.contains("The certificate of azure-login.clouds.test is not trusted.")
            && message.contains("SSL_CERT_FILE or network.ca_file"),
        "{message}"
    );
    // Windows has words of its own for the issuer.
    let cause = if cfg!(windows) {
        "invalid peer certificate: "
    } else {
        "invalid peer certificate: UnknownIssuer"
    };
    assert!(harness.files().contains(cause));
    company.change(|rules| {
        rules.page = Some(Status {
            code: 302,
            location: Some("http://portal.example/".to_owned()),
            ..Status::default()
        });
    });
    // What another shell was refused says nothing of this one, and its failure is not waited out here.
    let mut captive = inside(&harness, &company, token);
    captive.env("NO_PROXY", "example.com");
    let message = ended(captive).failed(1);
    assert!(
        message.contains("A page of the network came instead of an answer"),
        "{message}"
    );
    let doctor = ended(inside(&harness, &company, &["doctor"])).result;
    assert!(
        doctor.contains("FAIL  azure sign-in: azure-login.clouds.test does not answer"),
        "{doctor}"
    );
    company.change(|rules| {
        *rules = Rules {
            sign_in: Some("a:b".to_owned()),
            ..Rules::default()
        }
    });
    let mut unknown = inside(&harness, &company, token);
    unknown.env("HTTPS_PROXY", company.proxy());
    let message = ended(unknown).failed(1);
    assert!(
        message.contains("wants a sign-in before it leads to"),
        "{message}"
    );
    company.change(|rules| *rules = Rules::default());
    let mut well = inside(&harness, &company, token);
    well.env("NO_PROXY", "example.org");
    ended(well).done();
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_and_nothing_goes_around_it() {
    let harness = Harness::start();
    harness.connected(true);
    let with = |arguments: &[&str]| {
        let mut command = harness.command(arguments);
        command.env("HTTPS_PROXY", "quic://ada:CANARY@proxy.example");
        ended(command)
    };
    let message = with(&["token", "--active", "azure"]).failed(1);
    assert!(
        message.contains("HTTPS_PROXY names a proxy of a kind"),
        "{message}"
    );
    let doctor = with(&["doctor"]);
    assert_eq!(doctor.status, 1);
    assert!(
        doctor.result.contains("FAIL  proxy: no cloud can be asked"),
        "{}",
        doctor.result
    );
    assert!(!format!("{message}{}", doctor.result).contains("CANARY"));
    assert!(harness.sandbox.requests().is_empty(), "nothing was asked");
}

#[test]
fn what_az_or_terraform_printed_is_asked_of_the_sign_in() {
    let harness = Harness::start();
    harness.connected(false);
    // {"access_token":{"acrs":{"essential":true,"value":"p1"}}}
    let challenge = "eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoicDEifX19";
    let begun = harness.begin(&["login", "azure", "--claims-challenge", challenge]);
    let page = harness.next_page();
    let url = url::Url::parse(&page).expect("a URL");
    let asked = |wanted: &str| {
        let mut pairs = url.query_pairs();
        pairs
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    assert!(
        asked("claims").is_some_and(|claims| claims.contains("\"value\":\"p1\"")),
        "{page}"
    );
    assert_eq!(
        asked("login_hint").as_deref(),
        Some(ADA),
        "it is for the only account"
    );
    harness.browse(&Browser::new().as_user(ADA), &page);
    begun.ended().done();
    let message = harness
        .mcm(&["login", "azure", "--claims-challenge", "no challenge"])
        .failed(2);
    assert!(message.contains("claims challenge"), "{message}");
    assert!(!harness.has_opened_a_page());
}
