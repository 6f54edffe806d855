//! Start URLs of IAM Identity Center: every form that a user may paste, whose host it is, and the region it names.
//!
//! Hosts are compared on label boundaries. Source: `awscli/customizations/sso/resolve.py` of AWS CLI v2, and the
//! `SSOEndpointResolver` of the AWS SDK for .NET.

use url::{Host, Url};

use crate::error::{Code, Error, Result};
use crate::http;
use crate::provider::aws::partition::Partition;
use crate::text;

/// Domains below which every host is AWS's.
const OWNED: [&str; 8] = [
    ".app.aws",
    ".portal.amazonaws.com",
    ".awsapps.com",
    ".portal.amazonaws.com.cn",
    ".app.amazonwebservices.com.cn",
    ".awsapps.cn",
    ".portal.amazonaws.eu",
    ".api.amazonwebservices.eu",
];
/// Hosts of issuer URLs.
const ISSUERS: [&str; 4] = [
    "identitycenter.amazonaws.com",
    "identitycenter.amazonaws.com.cn",
    "identitycenter.amazonaws.eu",
    "identitycenter.us-gov.amazonaws.com",
];
/// AWS Builder ID, which has no accounts.
const BUILDER_ID: &str = "view.awsapps.com";
/// Words in names of AWS's. A host with one of them that is none of AWS's portals is a look-alike, or another page of AWS.
const NAMES: [&str; 4] = ["awsapps", "amazonaws", "amazonwebservices", "amazon"];
/// What portals' host names begin with.
const INSTANCE: &str = "ssoins";
const LONGEST_URL: usize = 512;

/// Whose address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// AWS's own.
    Aws,
    /// A name of the organisation's, which leads to one of AWS's.
    Organisation,
    /// A server on this machine: a stand-in.
    ThisMachine,
}

/// A start URL, cleaned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StartUrl {
    /// Without query, fragment and last slash.
    text: String,
    pub(super) owner: Owner,
    /// The region that the host names.
    pub(super) region: Option<String>,
}

impl StartUrl {
    /// Reads what a user pasted.
    ///
    /// # Errors
    /// `invalid-input`, saying what a start URL is.
    pub(super) fn parse(pasted: &str) -> Result<Self> {
        let pasted = pasted.trim();
        let shown: String = text::shown(pasted).chars().take(120).collect();
        let wrong = |why: &str| {
            let message = format!(
                "\"{shown}\" is not a start URL of IAM Identity Center: {why}. Copy it from the AWS access portal, as https://d-1234567890.awsapps.com/start."
            );
            Error::new(Code::InvalidInput, message)
        };
        let full = if pasted.contains("://") {
            pasted.to_owned()
        } else {
            format!("https://{pasted}")
        };
        if pasted.is_empty() || full.len() > LONGEST_URL || full.contains('\\') {
            return Err(wrong("it is no address"));
        }
        let mut url = Url::parse(&full).map_err(|_| wrong("it is no address"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it holds a user name"));
        }
        url.set_query(None);
        url.set_fragment(None);
        let host = match url.host() {
            Some(Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) => String::new(),
            None => return Err(wrong("it names no server")),
        };
        if http::is_loopback(&url) {
            http::require_safe(&url)?;
            return Ok(Self {
                text: bare(&url),
                owner: Owner::ThisMachine,
                region: None,
            });
        }
        if url.scheme() != "https" {
            return Err(wrong("it does not begin with https"));
        }
        if url.port().is_some() {
            return Err(wrong("it names a port"));
        }
        if host.is_empty() || !host.contains('.') {
            return Err(wrong("it names no domain"));
        }
        if host == BUILDER_ID {
            let message = "This is the start page of AWS Builder ID, which has no AWS accounts. Enter your organisation's start URL.";
            return Err(Error::new(Code::InvalidInput, message));
        }
        url.set_host(Some(&host))
            .map_err(|_| wrong("it names no server"))?;
        let is_awsapps = host.ends_with(".awsapps.com") && url.path() == "/";
        if is_awsapps {
            url.set_path("/start");
        }
        let owner = if is_owned(&host) {
            Owner::Aws
        } else if looks_like_aws(&host) {
            return Err(wrong(
                "it only looks like an AWS access portal, so it was not asked for anything",
            ));
        } else {
            Owner::Organisation
        };
        let region = (owner == Owner::Aws).then(|| region_in(&host)).flatten();
        Ok(Self {
            text: bare(&url),
            owner,
            region,
        })
    }

    /// As AWS's services take it.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn host(&self) -> String {
        self.url().host_str().unwrap_or_default().to_owned()
    }

    pub(super) fn url(&self) -> Url {
        Url::parse(&self.text).expect("it was one")
    }
}

fn bare(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// Whether a host is AWS's own, for start URLs and for the pages where a code is typed.
pub(super) fn is_owned(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let below = |domain: &&'static str| host.len() > domain.len() && host.ends_with(*domain);
    ISSUERS.contains(&host.as_str()) || OWNED.iter().any(below)
}

/// Whether a host that is none of AWS's portals could be taken for one: a label with a name of AWS's in it, also with a
/// letter changed, dashes or digits for letters; letters of other scripts, which look like any other.
fn looks_like_aws(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is_like = |label: &str| {
        let plain: String = label
            .replace("vv", "w")
            .replace("rn", "m")
            .chars()
            .filter(|letter| *letter != '-')
            .map(|letter| match letter {
                '0' => 'o',
                '1' => 'l',
                '3' => 'e',
                '4' => 'a',
                '5' => 's',
                other => other,
            })
            .collect();
        label.starts_with("xn--")
            || label.starts_with(INSTANCE)
            || NAMES
                .iter()
                .any(|name| plain.contains(name) || strsim::osa_distance(&plain, name) <= 1)
    };
    host.ends_with(".aws") || host.split('.').any(is_like)
}

/// The region in a portal's host: `x.REGION.portal.…`, or `x.portal.REGION.app.aws` and its likes.
fn region_in(host: &str) -> Option<String> {
    let mut labels = host.split('.').rev();
    let found = if host.contains(".portal.amazonaws.") {
        labels.find(|label| *label == "portal")?;
        labels.next()?
    } else {
        let (before, _) = host
            .split_once(".app.")
            .or_else(|| host.split_once(".api."))?;
        let (_, region) = before.rsplit_once(".portal.")?;
        region
    };
    is_region(found).then(|| found.to_owned())
}

/// The form of a region's name. No list is asked: AWS adds regions, and refuses what is none.
pub(crate) fn is_region(text: &str) -> bool {
    let labels: Vec<&str> = text.split('-').collect();
    let [first, middle @ .., number] = labels.as_slice() else {
        return false;
    };
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    (2..=5).contains(&first.len())
        && is_word(first)
        && (1..=3).contains(&middle.len())
        && middle.iter().all(is_word)
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

/// The partition of a region, by the beginning of its name.
pub(crate) fn partition_of(region: &str) -> &'static Partition {
    let id = match region {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        r if r.starts_with("eusc-") => "aws-eusc",
        r if r.starts_with("us-isob-") => "aws-iso-b",
        r if r.starts_with("us-isof-") => "aws-iso-f",
        r if r.starts_with("us-iso-") => "aws-iso",
        r if r.starts_with("eu-isoe-") => "aws-iso-e",
        _ => "aws",
    };
    Partition::named(id).expect("the table has it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_start_url_is_read_and_its_region_found() {
        // I8
        for (pasted, text, region) in [
            (
                "https://d-1234567890.awsapps.com/start",
                "https://d-1234567890.awsapps.com/start",
                None,
            ),
            (
                "https://alias.awsapps.com/start#/",
                "https://alias.awsapps.com/start",
                None,
            ),
            (
                "https://alias.awsapps.com/start/#/?tab=accounts",
                "https://alias.awsapps.com/start",
                None,
            ),
            (
                "HTTPS://Alias.AWSApps.com./start/?x=1",
                "https://alias.awsapps.com/start",
                None,
            ),
            ("alias.awsapps.com", "https://alias.awsapps.com/start", None),
            (
                "https://start.us-gov-home.awsapps.com/directory/d-1234567890",
                "https://start.us-gov-home.awsapps.com/directory/d-1234567890",
                None,
            ),
            (
                "https://start.cn-north-1.home.awsapps.cn/directory/d-12",
                "https://start.cn-north-1.home.awsapps.cn/directory/d-12",
                None,
            ),
            (
                "https://ssoins-1.us-west-2.portal.amazonaws.com/",
                "https://ssoins-1.us-west-2.portal.amazonaws.com",
                Some("us-west-2"),
            ),
            (
                "https://ssoins-1.cn-north-1.portal.amazonaws.com.cn",
                "https://ssoins-1.cn-north-1.portal.amazonaws.com.cn",
                Some("cn-north-1"),
            ),
            (
                "https://ssoins-1.eusc-de-east-1.portal.amazonaws.eu",
                "https://ssoins-1.eusc-de-east-1.portal.amazonaws.eu",
                Some("eusc-de-east-1"),
            ),
            (
                "https://ssoins-1.portal.us-west-2.app.aws/#/",
                "https://ssoins-1.portal.us-west-2.app.aws",
                Some("us-west-2"),
            ),
            (
                "https://ssoins-1.portal.cn-north-1.app.amazonwebservices.com.cn",
                "https://ssoins-1.portal.cn-north-1.app.amazonwebservices.com.cn",
                Some("cn-north-1"),
            ),
            (
                "https://ssoins-1.portal.eusc-de-east-1.api.amazonwebservices.eu",
                "https://ssoins-1.portal.eusc-de-east-1.api.amazonwebservices.eu",
                Some("eusc-de-east-1"),
            ),
            (
                "https://identitycenter.us-gov.amazonaws.com/ssoins-1",
                "https://identitycenter.us-gov.amazonaws.com/ssoins-1",
                None,
            ),
        ] {
            let read = StartUrl::parse(pasted).expect(pasted);
            assert_eq!(
                (read.as_str(), read.region.as_deref()),
                (text, region),
                "{pasted}"
            );
            assert_eq!(read.owner, Owner::Aws, "{pasted}");
        }
    }

    #[test]
    fn an_address_that_only_looks_like_aws_s_is_refused_and_an_organisations_own_is_read() {
        // I8
        for pasted in [
            "https://d-1.awsapps.com.evil.net/start",
            "https://evil-awsapps.cn/start",
            "https://portal.amazonaws.com.cn.evil.net",
            "https://app.aws",
            "https://us-east-1.signin.aws",
            "https://d-1234567890.awsapps.co/start",
            "https://d-1234567890.awsapp.com/start",
            "https://d-1234567890.aws-apps.com/start",
            "https://d-1234567890.awsappss.com/start",
            "https://d-1234567890.awaspps.com/start",
            "https://d-1234567890.avvsapps.com/start",
            "https://d-1234567890.aw5apps.com/start",
            "https://ssoins-1.us-west-2.portal.arnaz0naws.com",
            "https://ssoins-1234.portal.us-west-2.app.aws.evil.net",
            "https://d-1234567890.\u{0430}wsapps.com/start",
            "https://d-1234567890.awsapps\u{3002}com.evil.net/start",
            "https://console.aws.amazon.com/console/home",
            "https://signin.aws.amazon.com/oauth",
            "https://AMAZONAWS.evil.net/",
        ] {
            let error = StartUrl::parse(pasted).expect_err(pasted);
            assert_eq!(error.code(), Code::InvalidInput);
            assert!(error.message().contains("looks like"), "{error}");
        }
        for pasted in [
            "https://aws.company.example",
            "https://sso.contoso.com/aws",
            "https://aws.apps.contoso.com",
            "https://awsportal.contoso.com",
            "https://identitycenter.contoso.com",
            "https://app.aws.contoso.com",
        ] {
            let read = StartUrl::parse(pasted).expect(pasted);
            assert_eq!(
                (read.owner, read.region),
                (Owner::Organisation, None),
                "{pasted}"
            );
        }
        for pasted in [
            "",
            "start",
            "https://user@d-1.awsapps.com/start",
            "https://d-1.awsapps.com:8443/start",
            "http://d-1.awsapps.com/start",
            "https://8.8.8.8/start",
            "https://view.awsapps.com/start",
            "ftp://d-1.awsapps.com/start",
            "https://d-1.awsapps.com\\@evil.net/start",
            "javascript:alert(1)",
        ] {
            assert!(StartUrl::parse(pasted).is_err(), "{pasted}");
        }
    }

    #[test]
    fn a_region_is_known_by_its_form() {
        for region in [
            "us-east-1",
            "ap-southeast-12",
            "us-gov-west-1",
            "eusc-de-east-1",
            "us-isob-east-1",
        ] {
            assert!(is_region(region), "{region}");
        }
        for text in [
            "",
            "us-east",
            "US-EAST-1",
            "us-east-1.evil.example",
            "us--1",
            "eu-west-1/",
            "toolong-a-1",
        ] {
            assert!(!is_region(text), "{text}");
        }
    }
}
