//! Addresses as users have them: an organisation's own, and AWS's FIPS and dual-stack hosts, through a company's proxy that
//! leads them to the stand-in.

use std::collections::HashMap;

use mcm_core::account::Identity;
use mcm_core::app::Connect;
use mcm_core::error::Code;
use mcm_core::sign_in::{RegionOrigin, SignInStep};
use sandbox_clouds::browser::Browser;
use sandbox_clouds::company::{Company, Rules};
use sandbox_clouds::{Endpoint, Fault, Status};
use url::Url;

use super::{ADMIN, credentials, portal, read};
use crate::harness::Harness;

const PORTAL: &str = "https://d-1234567890.awsapps.com/start";
const VANITY: &str = "https://aws.contoso.example/start";

/// The stand-in under AWS's own names, of which the proxy knows those that are given.
async fn behind(center: &[&str], sts: &[&str], variables: &[(&str, &str)]) -> (Harness, Company) {
    let mut harness = Harness::start().await;
    let address = |url: &Url| {
        let port = url.port().expect("a port");
        std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, port))
    };
    let center_at = address(&harness.clouds.start_url());
    let sts_at = address(&Url::parse(&variable(&harness, "AWS_ENDPOINT_URL_STS")).expect("a URL"));
    let mut names: HashMap<String, _> = HashMap::new();
    names.extend(center.iter().map(|name| ((*name).to_owned(), center_at)));
    names.extend(sts.iter().map(|name| ((*name).to_owned(), sts_at)));
    let company = Company::start(names, Rules::default())
        .await
        .expect("a free port");
    let ca = harness.home().join("company.pem");
    mcm_core::file::replace(&ca, company.ca().as_bytes()).expect("written");
    harness.set(&[
        ("ALL_PROXY", company.proxy().as_str()),
        ("SSL_CERT_FILE", &ca.display().to_string()),
        ("AWS_ENDPOINT_URL_STS", ""),
        ("AWS_ENDPOINT_URL_SSO", ""),
        ("AWS_ENDPOINT_URL_SSO_OIDC", ""),
        ("AWS_ENDPOINT_URL_IAM", ""),
    ]);
    harness.set(variables);
    harness.restart();
    (harness, company)
}

fn variable(harness: &Harness, name: &str) -> String {
    let environment = harness.clouds.environment();
    let found = environment.into_iter().find(|(known, _)| *known == name);
    found.expect(name).1
}

/// Signs in; the browser reaches the stand-in at its own address.
async fn sign_in(
    harness: &Harness,
    wanted: Connect,
) -> mcm_core::error::Result<mcm_core::account::AccountId> {
    let id = harness.app.connect(wanted).expect("begun");
    let page = harness.next_page().await;
    let own = harness.clouds.start_url();
    let mut reached = own.clone();
    reached.set_path(page.path());
    reached.set_query(page.query());
    drop(Browser::new().browse(reached.as_str()).await);
    harness.app.sign_in_ended(id).await
}

#[tokio::test]
async fn fips_and_dual_stack_hosts_are_used_for_the_sign_in_the_portal_and_sts_alike() {
    // I7, I36
    for (variables, hosts) in [
        (
            [
                ("AWS_USE_FIPS_ENDPOINT", "true"),
                ("AWS_USE_DUALSTACK_ENDPOINT", "false"),
            ],
            [
                "oidc-fips.us-east-1.amazonaws.com",
                "portal.sso-fips.us-east-1.amazonaws.com",
                "sts-fips.us-east-1.amazonaws.com",
            ],
        ),
        (
            [
                ("AWS_USE_FIPS_ENDPOINT", "false"),
                ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
            ],
            [
                "oidc.us-east-1.api.aws",
                "portal.sso.us-east-1.api.aws",
                "sts.us-east-1.api.aws",
            ],
        ),
    ] {
        let (harness, company) = behind(&hosts[..2], &hosts[2..], &variables).await;
        let id = sign_in(&harness, portal(PORTAL, Some("us-east-1")))
            .await
            .expect("connected");
        read(&harness, &id).await;
        credentials(&harness, &id, ADMIN).await.expect("issued");
        let asked = company.names();
        for host in hosts {
            assert!(asked.iter().any(|name| name == host), "{host}: {asked:?}");
        }
        assert!(
            asked.iter().all(|name| hosts.contains(&name.as_str())),
            "no other host: {asked:?}"
        );
    }
}

#[tokio::test]
async fn fips_with_an_address_of_ones_own_is_refused() {
    // I7, I36
    let harness = Harness::with(|_| {}, &[("AWS_USE_FIPS_ENDPOINT", "true")]).await;
    let id = harness.app.connect(super::wanted(&harness)).expect("begun");
    let error = harness.app.sign_in_ended(id).await.expect_err("refused");
    assert_eq!(error.code(), Code::SettingInvalid);
    assert!(error.message().contains("AWS_USE_FIPS_ENDPOINT"), "{error}");
}

#[tokio::test]
async fn an_address_that_only_looks_like_aws_s_is_asked_for_nothing() {
    // I8
    let like = "d-1234567890.awsapps.com.contoso.example";
    let (harness, company) = behind(&[like], &[], &[]).await;
    for start_url in [format!("https://{like}/start"), format!("  {like}  ")] {
        let begun = harness.app.connect(portal(&start_url, None));
        let error = match begun {
            Ok(id) => harness.app.sign_in_ended(id).await.expect_err("refused"),
            Err(error) => error,
        };
        assert_eq!(error.code(), Code::InvalidInput);
        assert!(
            error.message().contains("not asked for anything"),
            "{error}"
        );
    }
    assert_eq!(company.names(), Vec::<String>::new(), "nobody is asked");
    assert!(harness.clouds.requests().is_empty());
}

#[tokio::test]
async fn an_organisation_s_own_address_is_named_before_it_answers() {
    // I9
    let (harness, _company) = behind(&["aws.contoso.example"], &[], &[]).await;
    harness
        .clouds
        .faults()
        .always(Endpoint::CenterStart, Fault::Hang);
    let id = harness.app.connect(portal(VANITY, None)).expect("begun");
    let view = harness
        .until(|snapshot| snapshot.sign_ins[0].own_address.is_some())
        .await;
    let view = &view.sign_ins[0];
    assert_eq!(view.own_address.as_deref(), Some("aws.contoso.example"));
    assert_eq!((&view.step, &view.portal), (&SignInStep::Starting, &None));
    harness.app.cancel_sign_in(id).expect("running");
    let known = portal(PORTAL, Some("eu-west-1"));
    let (harness, _company) = behind(&[], &[], &[]).await;
    let id = harness.app.connect(known).expect("begun");
    let _ = harness.app.sign_in_ended(id).await;
    let snapshot = harness.app.watch().borrow().clone();
    assert_eq!(snapshot.sign_ins[0].own_address, None, "AWS's own is known");
}

fn moved(code: u16, to: &str) -> Fault {
    Fault::Status(Status {
        code,
        location: Some(to.to_owned()),
        ..Status::default()
    })
}

#[tokio::test]
async fn an_organisation_s_own_address_leads_to_the_portal_by_one_redirect_and_its_region_wins() {
    // I9
    let hosts = [
        "aws.contoso.example",
        "oidc.eu-central-1.amazonaws.com",
        "portal.sso.eu-central-1.amazonaws.com",
    ];
    let sts = ["sts.eu-central-1.amazonaws.com"];
    let target = "https://ssoins-1234567890abcdef.eu-central-1.portal.amazonaws.com";
    let (harness, _company) = behind(&hosts, &sts, &[]).await;
    // A server that takes no HEAD is asked with GET.
    harness.clouds.faults().next(
        Endpoint::CenterStart,
        Fault::Status(Status {
            code: 405,
            ..Status::default()
        }),
    );
    harness
        .clouds
        .faults()
        .next(Endpoint::CenterStart, moved(302, target));
    let id = harness
        .app
        .connect(portal(VANITY, Some("us-west-2")))
        .expect("begun");
    let view = harness
        .until(|snapshot| snapshot.sign_ins[0].portal.is_some())
        .await;
    let found = view.sign_ins[0].portal.clone().expect("found");
    assert_eq!(
        (
            found.region.as_str(),
            found.region_origin,
            found.start_url.as_str()
        ),
        ("eu-central-1", RegionOrigin::StartUrl, target)
    );
    harness.app.cancel_sign_in(id).expect("running");
    let methods: Vec<String> = harness
        .clouds
        .requests()
        .into_iter()
        .filter(|request| request.endpoint == Some(Endpoint::CenterStart))
        .map(|request| request.method)
        .collect();
    assert_eq!(methods, ["HEAD", "GET"]);
    let _ = harness.app.sign_in_ended(id).await;
    assert!(
        harness
            .rows()
            .iter()
            .all(|row| !matches!(row.identity, Identity::Aws { .. }))
    );
}

#[tokio::test]
async fn an_address_that_leads_elsewhere_is_refused_before_anything_is_registered() {
    // I9
    for (fault, what) in [
        (
            moved(302, "https://other.contoso.example/start"),
            "two hops",
        ),
        (
            moved(302, "http://d-1234567890.awsapps.com/start"),
            "no TLS",
        ),
        (
            moved(302, "https://d-1.awsapps.com.evil.example/start"),
            "not AWS's",
        ),
        (
            moved(302, "https://ada@d-1234567890.awsapps.com/start"),
            "a user in it",
        ),
        (moved(302, VANITY), "itself"),
        (moved(302, "::"), "no address"),
        (
            Fault::Status(Status {
                code: 404,
                ..Status::default()
            }),
            "not found",
        ),
        (
            Fault::Status(Status {
                code: 200,
                ..Status::default()
            }),
            "a page",
        ),
        (Fault::Hang, "no answer"),
    ] {
        let (harness, _company) = behind(&["aws.contoso.example"], &[], &[]).await;
        harness.clouds.faults().next(Endpoint::CenterStart, fault);
        let id = harness
            .app
            .connect(portal(VANITY, Some("eu-west-1")))
            .expect("begun");
        let error = harness.app.sign_in_ended(id).await.expect_err(what);
        let code = if what == "no answer" {
            Code::Offline
        } else {
            Code::InvalidInput
        };
        assert_eq!(error.code(), code, "{what}: {error}");
        assert!(
            error.message().contains("aws.contoso.example"),
            "{what}: {error}"
        );
        let requests = harness.clouds.requests();
        assert!(
            requests
                .iter()
                .all(|request| request.endpoint == Some(Endpoint::CenterStart)),
            "{what}"
        );
    }
}
