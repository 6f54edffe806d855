//! AWS's SDK in a company's network: the same proxy, certificate authorities and pages as for every other request.

use std::time::Duration;

use mcm_core::error::Code;
use mcm_core::snapshot::Status as AccountStatus;
use sandbox_clouds::Status;
use sandbox_clouds::company::{Certificates, Company, Protocol, Rules};

use crate::harness::Harness;
use crate::roles::{connect, prepare};

const PAGE: &str = "<!doctype html><title>Guest network</title>";

/// AWS with public names, a company's network before it, and an app that goes through it.
async fn inside(rules: Rules, trusts: bool) -> (Harness, Company) {
    let mut harness = Harness::with(|options| options.is_public = true, &[]).await;
    let company = Company::start(harness.clouds.names(), rules).await;
    let company = company.expect("a free port");
    let ca = harness.home().join("company.pem");
    mcm_core::file::replace(&ca, company.ca().as_bytes()).expect("written");
    harness.set(&[("ALL_PROXY", &company.proxy_with_sign_in())]);
    if trusts {
        harness.set(&[("SSL_CERT_FILE", &ca.display().to_string())]);
    }
    harness.restart();
    (harness, company)
}

#[tokio::test]
async fn a_role_is_connected_and_renewed_through_the_companys_proxy() {
    for (protocol, sign_in) in [(Protocol::Http, Some("ada:right")), (Protocol::Socks, None)] {
        let rules = Rules {
            protocol,
            sign_in: sign_in.map(str::to_owned),
            ..Rules::default()
        };
        let (harness, company) = inside(rules, true).await;
        let id = connect(&harness, "Reader").await.expect("connected");
        harness.clock.advance(Duration::from_secs(3600));
        harness.app.session(&id).await.expect("renewed");
        assert_eq!(harness.row(&id).status, AccountStatus::Connected);
        let names = company.names();
        for name in ["aws-sts.clouds.test", "aws-iam.clouds.test"] {
            assert!(names.iter().any(|asked| asked == name), "{name}: {names:?}");
        }
    }
}

#[tokio::test]
async fn what_blocks_the_network_is_reported_as_for_every_cloud() {
    let page = |code, body: &str| {
        Some(Status {
            code,
            location: (code == 302).then(|| "http://portal.example/".to_owned()),
            body: body.to_owned(),
            ..Status::default()
        })
    };
    let wanted = |sign_in: &str| Rules {
        sign_in: Some(sign_in.to_owned()),
        ..Rules::default()
    };
    let of = |certificates| Rules {
        certificates,
        ..Rules::default()
    };
    let answered = |page| Rules {
        page,
        ..Rules::default()
    };
    for (rules, trusts, code, words) in [
        (
            Rules::default(),
            false,
            Code::Offline,
            "is not trusted. A company proxy",
        ),
        (
            of(Certificates::Expired),
            true,
            Code::ClockOff,
            "has expired",
        ),
        (
            answered(page(302, "")),
            true,
            Code::Offline,
            "A page of the network",
        ),
        (
            answered(page(200, PAGE)),
            true,
            Code::Offline,
            "A page of the network",
        ),
        (
            answered(page(403, PAGE)),
            true,
            Code::Offline,
            "A proxy or firewall answered",
        ),
        (
            answered(page(407, PAGE)),
            true,
            Code::Offline,
            "wants a sign-in",
        ),
        (wanted("ada:right"), true, Code::Offline, "wants a sign-in"),
    ] {
        let (mut harness, company) = inside(rules, trusts).await;
        harness.set(&[("ALL_PROXY", &company.proxy())]);
        harness.restart();
        let refused = harness
            .app
            .prepare_role(mcm_core::app::PrepareRole::default())
            .await;
        let error = refused.map(drop).expect_err(words);
        assert_eq!(error.code(), code, "{error}");
        assert!(
            error.message().contains(words) && error.message().contains("aws-sts.clouds.test"),
            "{words}: {error}"
        );
    }
}

#[tokio::test]
async fn a_page_of_the_network_ends_no_role() {
    let (mut harness, company) = inside(Rules::default(), true).await;
    prepare(&harness).await;
    let id = crate::roles::finish(&harness, crate::roles::wanted("Reader")).await;
    let id = id.expect("connected");
    for code in [200, 302, 403, 407] {
        company.change(|rules| {
            rules.page = Some(Status {
                code,
                body: PAGE.to_owned(),
                ..Status::default()
            });
        });
        // A process anew, because connections that stand lead on.
        harness.restart();
        harness.clock.advance(Duration::from_secs(3600));
        let error = harness
            .app
            .session(&id)
            .await
            .map(drop)
            .expect_err("not renewed");
        assert_eq!(error.code(), Code::Offline, "{code}: {error}");
        assert!(!error.needs_sign_in(), "{code}: {error}");
        company.change(|rules| rules.page = None);
        harness.restart();
        harness.clock.advance(Duration::from_secs(600));
        harness.app.session(&id).await.expect("renewed by itself");
    }
}
