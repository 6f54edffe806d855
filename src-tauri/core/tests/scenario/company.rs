//! A company's network, a guest network and a desktop's proxy: the clouds are reached through them, or it is said what
//! stands in the way, and no account suffers.

use std::path::PathBuf;
use std::time::Duration;

use mcm_core::account::Cloud;
use mcm_core::app::Connect;
use mcm_core::error::{Code, Error};
use mcm_core::snapshot::Status as AccountStatus;
#[cfg(target_os = "linux")]
use mcm_core::world::Environment;
use mcm_core::world::Paths;
use sandbox_clouds::Status;
use sandbox_clouds::browser::Browser;
use sandbox_clouds::company::{Certificates, Company, Protocol, ProxyTrouble, Rules};

use crate::harness::{ADA, Harness};
use crate::left_behind;

const PAGE: &str = "<!doctype html><title>Guest network</title><h1>Sign in to use the network</h1>";

/// Clouds with public names, a company's network before them, and an app that has yet to learn of it.
async fn inside(rules: Rules) -> (Harness, Company) {
    let harness = Harness::with(|options| options.is_public = true, &[]).await;
    let company = Company::start(harness.clouds.names(), rules).await;
    (harness, company.expect("a free port"))
}

/// Starts the app anew with variables that win over the others, and with the company's authority in `settings.toml`.
fn restart(harness: &mut Harness, company: &Company, variables: &[(&str, &str)]) {
    let config = Paths::below(harness.home()).config;
    let ca = config.join("company.pem");
    std::fs::create_dir_all(&config).expect("made");
    mcm_core::file::replace(&ca, company.ca().as_bytes()).expect("written");
    let toml = "[network]\nca_file = \"company.pem\"\n";
    mcm_core::file::replace(&config.join("settings.toml"), toml.as_bytes()).expect("written");
    harness.set(variables);
    harness.restart();
}

async fn connected(harness: &Harness, company: &Company) -> [mcm_core::account::AccountId; 2] {
    let mut ids = Vec::new();
    for cloud in [Cloud::Azure, Cloud::Gcp] {
        let browser = Browser::inside(company).as_user(ADA);
        let id = harness.sign_in(Connect::new(cloud), &browser).await;
        let id = id.unwrap_or_else(|error| panic!("{cloud}: {error:?}"));
        harness
            .until(|snapshot| {
                let mut rows = snapshot.accounts.iter();
                rows.any(|row| {
                    row.id == id && row.target_count == 4 && row.reading_targets.is_none()
                })
            })
            .await;
        ids.push(id);
    }
    ids.try_into().expect("two clouds")
}

async fn refused(harness: &Harness, cloud: Cloud) -> Error {
    let browser = Browser::new().as_user(ADA);
    let refused = harness.sign_in(Connect::new(cloud), &browser).await;
    refused.map(drop).expect_err("nothing is reached")
}

#[tokio::test]
async fn accounts_are_connected_and_renewed_through_a_proxy_that_opens_tls() {
    for (protocol, variable, sign_in) in [
        (Protocol::Http, "HTTPS_PROXY", None),
        (Protocol::Http, "https_proxy", Some("ada:s3cr#t")),
        (Protocol::Socks, "ALL_PROXY", None),
        (Protocol::Socks, "all_proxy", Some("ada:s3cr#t")),
    ] {
        let rules = Rules {
            protocol,
            sign_in: sign_in.map(str::to_owned),
            ..Rules::default()
        };
        let (mut harness, company) = inside(rules).await;
        let proxy = company.proxy_with_sign_in();
        assert_eq!(
            proxy.contains("ada:s3cr%23t@"),
            sign_in.is_some(),
            "{proxy}"
        );
        restart(&mut harness, &company, &[(variable, &proxy)]);
        let ids = connected(&harness, &company).await;
        harness.clock.advance(Duration::from_secs(2 * 3600));
        for id in ids {
            harness.app.session(&id).await.expect("renewed");
            assert_eq!(harness.row(&id).status, AccountStatus::Connected);
        }
        let names = company.names();
        assert!(
            names.contains(&"azure-login.clouds.test".to_owned()),
            "{names:?}"
        );
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named_as_what_cannot_be_reached() {
    let (mut harness, company) = inside(Rules::default()).await;
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = free.local_addr().expect("bound").port();
    drop(free);
    let proxy = format!("http://127.0.0.1:{port}");
    restart(&mut harness, &company, &[("HTTPS_PROXY", &proxy)]);
    let error = refused(&harness, Cloud::Azure).await;
    assert_eq!(error.code(), Code::Offline);
    let named = format!(":{port} cannot be reached, so azure-login.clouds.test was not asked.");
    assert!(
        error.message().contains(&named) && error.message().contains("HTTPS_PROXY"),
        "{error}"
    );
}

#[tokio::test]
async fn a_socks_proxy_in_trouble_is_at_fault_and_not_the_server() {
    const ASKED: &str = "azure-login.clouds.test was not asked";
    let sign_in = || Some("ada:s3cr#t".to_owned());
    for (sign_in, user, trouble, words) in [
        (
            sign_in(),
            "",
            None,
            &[
                "wants a sign-in before it leads to",
                "socks5h://USER:PASSWORD@",
            ][..],
        ),
        (
            sign_in(),
            "ada:wrong@",
            None,
            &["did not accept its user and password", ASKED],
        ),
        (
            None,
            "ada:s3cr@",
            None,
            &["did not accept its user and password", ASKED],
        ),
        (
            None,
            "",
            Some(ProxyTrouble::Reply(2)),
            &["did not lead to azure-login.clouds.test"],
        ),
        (
            None,
            "",
            Some(ProxyTrouble::Reply(4)),
            &["did not lead to azure-login.clouds.test"],
        ),
        (
            None,
            "",
            Some(ProxyTrouble::HangsUp),
            &["does not answer as such a proxy does", ASKED],
        ),
        (
            None,
            "",
            Some(ProxyTrouble::OtherServer),
            &["does not answer as such a proxy does", ASKED],
        ),
        (
            None,
            "",
            Some(ProxyTrouble::Silent),
            &["did not lead to azure-login.clouds.test in time"],
        ),
    ] {
        let rules = Rules {
            protocol: Protocol::Socks,
            sign_in,
            trouble,
            ..Rules::default()
        };
        let (mut harness, company) = inside(rules).await;
        let proxy = format!("socks5h://{user}{}", company.address());
        restart(&mut harness, &company, &[("ALL_PROXY", &proxy)]);
        let error = refused(&harness, Cloud::Azure).await;
        assert_eq!(error.code(), Code::Offline, "{trouble:?}");
        let shown = format!("The proxy socks5h://{}", company.address());
        assert!(error.message().starts_with(&shown), "{error}");
        assert!(error.message().contains("ALL_PROXY"), "{error}");
        assert!(
            !error.message().contains("s3cr") && !error.message().contains("wrong"),
            "{error}"
        );
        for words in words {
            assert!(error.message().contains(words), "{trouble:?}: {error}");
        }
    }
}

#[tokio::test]
async fn a_socks_proxy_that_is_not_there_and_one_that_looks_up_no_names_are_told_apart() {
    let rules = Rules {
        protocol: Protocol::Socks,
        ..Rules::default()
    };
    let (mut harness, company) = inside(rules).await;
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let address = free.local_addr().expect("bound");
    drop(free);
    for kind in ["socks4", "socks4a", "socks5h"] {
        let proxy = format!("{kind}://{address}");
        restart(&mut harness, &company, &[("ALL_PROXY", &proxy)]);
        let error = refused(&harness, Cloud::Gcp).await;
        let not_asked = if kind == "socks4" {
            "does not know the name".to_owned()
        } else {
            format!("The proxy {kind}://{address} cannot be reached, so")
        };
        assert!(error.message().contains(&not_asked), "{kind}: {error}");
    }
    let proxy = format!("socks5://{}", company.address());
    restart(&mut harness, &company, &[("ALL_PROXY", &proxy)]);
    let error = refused(&harness, Cloud::Azure).await;
    assert!(
        error.message().contains("does not know the name")
            && error.message().contains("socks5h://"),
        "{error}"
    );
}

#[tokio::test]
async fn gnomes_way_to_write_a_socks_proxy_is_understood() {
    let rules = Rules {
        protocol: Protocol::Socks,
        ..Rules::default()
    };
    let (mut harness, company) = inside(rules).await;
    let proxy = format!("socks://{}/", company.address());
    restart(&mut harness, &company, &[("ALL_PROXY", &proxy)]);
    connected(&harness, &company).await;
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_or_not_of_this_time_says_what_to_do() {
    for (certificates, trusts, code, words) in [
        (
            Certificates::Good,
            false,
            Code::Offline,
            "is not trusted. A company proxy may inspect TLS",
        ),
        (
            Certificates::Expired,
            true,
            Code::ClockOff,
            // Windows does not say which of the two it is.
            if cfg!(windows) {
                "has expired or is not valid yet, by this machine's clock"
            } else {
                "has expired, by this machine's clock"
            },
        ),
        (
            Certificates::Early,
            true,
            Code::ClockOff,
            "is not valid yet, by this machine's clock",
        ),
        (
            Certificates::Foreign,
            true,
            Code::Offline,
            "its certificate has another name",
        ),
    ] {
        let rules = Rules {
            certificates,
            ..Rules::default()
        };
        let (mut harness, company) = inside(rules).await;
        restart(&mut harness, &company, &[("HTTPS_PROXY", &company.proxy())]);
        if !trusts {
            let settings = Paths::below(harness.home()).config.join("settings.toml");
            std::fs::remove_file(settings).expect("removed");
            harness.restart();
        }
        for (cloud, host) in [
            (Cloud::Azure, "azure-login.clouds.test"),
            (Cloud::Gcp, "google-login.clouds.test"),
        ] {
            let error = refused(&harness, cloud).await;
            assert_eq!(error.code(), code, "{certificates:?}: {error}");
            let message = error.message();
            assert!(
                message.contains(words) && message.contains(host),
                "{certificates:?}: {error}"
            );
        }
        let log = left_behind::log();
        assert!(
            log.contains("invalid peer certificate"),
            "every cause is in the log"
        );
    }
}

#[tokio::test]
async fn the_companys_authority_in_ssl_cert_file_is_trusted_as_well() {
    let (mut harness, company) = inside(Rules::default()).await;
    let ca = harness.home().join("company.pem");
    mcm_core::file::replace(&ca, company.ca().as_bytes()).expect("written");
    let ca = ca.display().to_string();
    harness.set(&[("HTTPS_PROXY", &company.proxy()), ("SSL_CERT_FILE", &ca)]);
    harness.restart();
    connected(&harness, &company).await;
}

#[tokio::test]
async fn a_file_whose_certificate_is_none_is_named_and_not_the_systems_store() {
    let mut harness = Harness::start().await;
    let file = harness.home().join("company.pem");
    let text = "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    mcm_core::file::replace(&file, text.as_bytes()).expect("written");
    harness.set(&[("SSL_CERT_FILE", &file.display().to_string())]);
    harness.restart();
    let error = refused(&harness, Cloud::Azure).await;
    assert_eq!(error.code(), Code::SettingInvalid, "{error}");
    let named = format!("SSL_CERT_FILE names {}", file.display());
    assert!(error.message().contains(&named), "{error}");
}

#[tokio::test]
async fn what_cannot_be_used_is_named_and_nothing_is_asked_without_it() {
    let none = PathBuf::from("/nonexistent/company.pem");
    for (variable, value, words) in [
        (
            "HTTPS_PROXY",
            "quic://ada:CANARY@proxy.example",
            "HTTPS_PROXY names a proxy of a kind",
        ),
        (
            "ALL_PROXY",
            "http://",
            "ALL_PROXY is not the address of a proxy",
        ),
        (
            "SSL_CERT_FILE",
            none.to_str().expect("text"),
            "SSL_CERT_FILE names /nonexistent/company.pem",
        ),
        (
            "SSL_CERT_FILE",
            "/dev/null",
            "SSL_CERT_FILE names /dev/null",
        ),
    ] {
        let mut harness = Harness::start().await;
        harness.set(&[(variable, value)]);
        harness.restart();
        let error = refused(&harness, Cloud::Azure).await;
        assert_eq!(error.code(), Code::SettingInvalid, "{variable}: {error}");
        assert!(error.message().contains(words), "{error}");
        assert!(!error.message().contains("CANARY"), "{error}");
        assert!(harness.clouds.requests().is_empty(), "{variable}");
    }
}

#[tokio::test]
async fn a_proxy_that_wants_a_sign_in_is_named_with_how_to_give_it_one() {
    let rules = Rules {
        sign_in: Some("ada:right".to_owned()),
        ..Rules::default()
    };
    let (mut harness, company) = inside(rules).await;
    restart(&mut harness, &company, &[("HTTPS_PROXY", &company.proxy())]);
    for cloud in [Cloud::Azure, Cloud::Gcp] {
        let error = refused(&harness, cloud).await;
        assert_eq!(error.code(), Code::Offline, "{error}");
        let message = error.message();
        assert!(message.contains("wants a sign-in"), "{error}");
        assert!(
            message.contains(&company.address().to_string())
                && message.contains("HTTPS_PROXY to http://USER:PASSWORD@HOST:PORT"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_page_of_the_network_is_no_answer_of_a_server_and_changes_no_account() {
    let page = |code, location: Option<&str>, body: &str| Status {
        code,
        location: location.map(str::to_owned),
        body: body.to_owned(),
        ..Status::default()
    };
    let (mut harness, company) = inside(Rules::default()).await;
    restart(&mut harness, &company, &[("HTTPS_PROXY", &company.proxy())]);
    let ids = connected(&harness, &company).await;
    for (page, words) in [
        (
            page(302, Some("http://portal.example/"), ""),
            "A page of the network",
        ),
        (page(200, None, PAGE), "A page of the network"),
        (page(404, None, PAGE), "A page of the network"),
        (page(511, None, PAGE), "A page of the network"),
        (page(403, None, PAGE), "A proxy or firewall answered"),
        (page(401, None, PAGE), "A proxy or firewall answered"),
        (page(407, None, PAGE), "wants a sign-in"),
    ] {
        company.change(|rules| rules.page = Some(page.clone()));
        harness.restart();
        for cloud in [Cloud::Azure, Cloud::Gcp] {
            let error = refused(&harness, cloud).await;
            assert_eq!(error.code(), Code::Offline, "{}: {error}", page.code);
            assert!(error.message().contains(words), "{}: {error}", page.code);
        }
        harness.clock.advance(Duration::from_secs(2 * 3600));
        for id in &ids {
            let error = harness
                .app
                .session(id)
                .await
                .map(drop)
                .expect_err("not renewed");
            assert_eq!(error.code(), Code::Offline, "{}: {error}", page.code);
            assert!(!error.needs_sign_in(), "{}: {error}", page.code);
        }
        company.change(|rules| rules.page = None);
        harness.clock.advance(Duration::from_secs(3600));
        for id in &ids {
            harness.app.session(id).await.expect("renewed by itself");
            assert_eq!(harness.row(id).status, AccountStatus::Connected);
        }
    }
}

// Elsewhere the system's own settings count, which a test cannot change for itself alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_proxy_of_the_desktops_settings_is_used() {
    let (mut harness, company) = inside(Rules::default()).await;
    let config = harness.home().join("desktop");
    let port = company.address().port();
    let write = |path: PathBuf, text: String| {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        mcm_core::file::replace(&path, text.as_bytes()).expect("written");
    };
    write(
        config.join("glib-2.0/settings/keyfile"),
        format!(
            "[system/proxy]\nmode='manual'\n[system/proxy/https]\nhost='127.0.0.1'\nport={port}\n"
        ),
    );
    write(
        config.join("kioslaverc"),
        format!("[Proxy Settings]\nProxyType=1\nhttpsProxy=http://127.0.0.1 {port}\n"),
    );
    let folder = config.display().to_string();
    let own = Environment::of_this_process();
    let path = own.get("PATH").expect("a PATH");
    for desktop in ["ubuntu:GNOME", "KDE"] {
        let variables = [
            ("PATH", path),
            ("XDG_CURRENT_DESKTOP", desktop),
            ("XDG_CONFIG_HOME", &folder),
            ("GSETTINGS_BACKEND", "keyfile"),
        ];
        restart(&mut harness, &company, &variables);
        let before = company.names().len();
        connected(&harness, &company).await;
        assert!(company.names().len() > before, "{desktop}");
    }
    // What the user's variables say wins: here, no proxy.
    harness.set(&[("HTTPS_PROXY", "")]);
    harness.restart();
    let before = company.names().len();
    let error = refused(&harness, Cloud::Azure).await;
    assert_eq!(error.code(), Code::Offline, "{error}");
    assert_eq!(company.names().len(), before);
}

// Elsewhere the system's own settings count, which a test cannot change for itself alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_script_that_chooses_the_proxy_is_not_run_and_named() {
    let (mut harness, company) = inside(Rules::default()).await;
    let config = harness.home().join("desktop");
    std::fs::create_dir_all(&config).expect("made");
    let kde = config.join("kioslaverc");
    mcm_core::file::replace(&kde, b"[Proxy Settings]\nProxyType=2\n").expect("written");
    let folder = config.display().to_string();
    let variables = [
        ("XDG_CURRENT_DESKTOP", "KDE"),
        ("XDG_CONFIG_HOME", &*folder),
    ];
    restart(&mut harness, &company, &variables);
    let error = refused(&harness, Cloud::Azure).await;
    assert!(
        error.message().contains("script (PAC)") && error.message().contains("set HTTPS_PROXY"),
        "{error}"
    );
}
