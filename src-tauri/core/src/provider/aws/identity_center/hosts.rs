//! Where IAM Identity Center's two services are: by region and variant, or where the environment says.
//!
//! Source: the endpoint rule sets of `sso-oidc` and `sso` and `partitions.json` of botocore (2026-08-07).

use url::Url;

use super::start_url::partition_of;
use crate::error::{Code, Error, Result};
use crate::http;
use crate::world::Environment;

/// The two services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hosts {
    /// Registrations, the authorise page and tokens.
    pub(super) oidc: Url,
    /// Accounts, roles and their credentials.
    pub(super) portal: Url,
    /// The region's page for device codes.
    pub(super) device_page: String,
}

impl Hosts {
    /// The services in a region.
    ///
    /// # Errors
    /// `setting-invalid` for an address that cannot be used, and for one together with FIPS or dual-stack.
    pub(super) fn of(environment: &Environment, region: &str) -> Result<Self> {
        let is_on = |name: &str| {
            environment
                .get(name)
                .is_some_and(|value| value.eq_ignore_ascii_case("true"))
        };
        let (fips, dual) = (
            is_on("AWS_USE_FIPS_ENDPOINT"),
            is_on("AWS_USE_DUALSTACK_ENDPOINT"),
        );
        let (oidc, portal) = table(region, fips, dual);
        let is_ignored = is_on("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
        let given = |name: &'static str| {
            let named = [name, "AWS_ENDPOINT_URL"]
                .into_iter()
                .find_map(|name| Some((name, environment.get(name)?)));
            named.filter(|_| !is_ignored)
        };
        let one = |name: &'static str, host: String| match given(name) {
            None => Ok(Url::parse(&format!("https://{host}/")).expect("the table makes hosts")),
            Some((name, _)) if fips || dual => {
                let message = format!(
                    "{name} cannot be used together with AWS_USE_FIPS_ENDPOINT or AWS_USE_DUALSTACK_ENDPOINT. Unset one of them."
                );
                Err(Error::new(Code::SettingInvalid, message))
            }
            Some((name, value)) => {
                let url = Url::parse(value).map_err(|_| {
                    let message =
                        format!("{name} is not the address of a server. Correct or unset it.");
                    Error::new(Code::SettingInvalid, message)
                })?;
                http::require_safe(&url)?;
                Ok(url)
            }
        };
        Ok(Self {
            oidc: one("AWS_ENDPOINT_URL_SSO_OIDC", oidc)?,
            portal: one("AWS_ENDPOINT_URL_SSO", portal)?,
            device_page: format!("device.sso.{region}.{}", suffixes(region).0),
        })
    }

    /// An address below the OIDC service.
    pub(super) fn oidc(&self, path: &str) -> Url {
        below(&self.oidc, path)
    }

    /// An address below the portal's API.
    pub(super) fn portal(&self, path: &str) -> Url {
        below(&self.portal, path)
    }
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url
}

/// The domains of a region's partition: the plain one and that of dual-stack hosts.
fn suffixes(region: &str) -> (&'static str, &'static str) {
    match partition_of(region).id {
        "aws-cn" => ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        "aws-eusc" => ("amazonaws.eu", "api.amazonwebservices.eu"),
        "aws-iso" => ("c2s.ic.gov", "api.aws.ic.gov"),
        "aws-iso-b" => ("sc2s.sgov.gov", "api.aws.scloud"),
        "aws-iso-e" => ("cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"),
        "aws-iso-f" => ("csp.hci.ic.gov", "api.aws.hci.ic.gov"),
        _ => ("amazonaws.com", "api.aws"),
    }
}

/// The hosts of both services.
fn table(region: &str, fips: bool, dual: bool) -> (String, String) {
    let (plain, dual_stack) = suffixes(region);
    let suffix = if dual { dual_stack } else { plain };
    // GovCloud's plain hosts are FIPS already.
    let is_marked = fips && (dual || partition_of(region).id != "aws-us-gov");
    let mark = if is_marked { "-fips" } else { "" };
    (
        format!("oidc{mark}.{region}.{suffix}"),
        format!("portal.sso{mark}.{region}.{suffix}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(region: &str, variables: &[(&str, &str)]) -> Result<(String, String)> {
        let environment = Environment::from_pairs(variables.iter().copied());
        let hosts = Hosts::of(&environment, region)?;
        Ok((
            hosts.oidc("token").to_string(),
            hosts.portal("logout").to_string(),
        ))
    }

    #[test]
    fn every_partition_and_variant_has_its_hosts() {
        // I7
        let (fips, dual) = (
            ("AWS_USE_FIPS_ENDPOINT", "true"),
            ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
        );
        for (region, variables, oidc, portal) in [
            (
                "eu-west-1",
                &[][..],
                "oidc.eu-west-1.amazonaws.com",
                "portal.sso.eu-west-1.amazonaws.com",
            ),
            (
                "eu-west-1",
                &[fips],
                "oidc-fips.eu-west-1.amazonaws.com",
                "portal.sso-fips.eu-west-1.amazonaws.com",
            ),
            (
                "eu-west-1",
                &[dual],
                "oidc.eu-west-1.api.aws",
                "portal.sso.eu-west-1.api.aws",
            ),
            (
                "eu-west-1",
                &[fips, dual],
                "oidc-fips.eu-west-1.api.aws",
                "portal.sso-fips.eu-west-1.api.aws",
            ),
            (
                "us-gov-west-1",
                &[fips],
                "oidc.us-gov-west-1.amazonaws.com",
                "portal.sso.us-gov-west-1.amazonaws.com",
            ),
            (
                "us-gov-west-1",
                &[fips, dual],
                "oidc-fips.us-gov-west-1.api.aws",
                "portal.sso-fips.us-gov-west-1.api.aws",
            ),
            (
                "cn-north-1",
                &[],
                "oidc.cn-north-1.amazonaws.com.cn",
                "portal.sso.cn-north-1.amazonaws.com.cn",
            ),
            (
                "cn-north-1",
                &[dual],
                "oidc.cn-north-1.api.amazonwebservices.com.cn",
                "portal.sso.cn-north-1.api.amazonwebservices.com.cn",
            ),
            (
                "eusc-de-east-1",
                &[],
                "oidc.eusc-de-east-1.amazonaws.eu",
                "portal.sso.eusc-de-east-1.amazonaws.eu",
            ),
            (
                "us-iso-east-1",
                &[],
                "oidc.us-iso-east-1.c2s.ic.gov",
                "portal.sso.us-iso-east-1.c2s.ic.gov",
            ),
            (
                "us-isob-east-1",
                &[dual],
                "oidc.us-isob-east-1.api.aws.scloud",
                "portal.sso.us-isob-east-1.api.aws.scloud",
            ),
            (
                "eu-isoe-west-1",
                &[],
                "oidc.eu-isoe-west-1.cloud.adc-e.uk",
                "portal.sso.eu-isoe-west-1.cloud.adc-e.uk",
            ),
            (
                "us-isof-south-1",
                &[],
                "oidc.us-isof-south-1.csp.hci.ic.gov",
                "portal.sso.us-isof-south-1.csp.hci.ic.gov",
            ),
        ] {
            let expected = (
                format!("https://{oidc}/token"),
                format!("https://{portal}/logout"),
            );
            assert_eq!(
                hosts(region, variables).expect("hosts"),
                expected,
                "{region} {variables:?}"
            );
        }
    }

    #[test]
    fn an_address_of_the_environment_wins_and_stands_alone() {
        let (oidc, portal) = (
            ("AWS_ENDPOINT_URL_SSO_OIDC", "http://127.0.0.1:4000/base/"),
            ("AWS_ENDPOINT_URL", "http://localhost:1"),
        );
        let expected = (
            "http://127.0.0.1:4000/base/token".into(),
            "http://localhost:1/logout".into(),
        );
        assert_eq!(
            hosts("eu-west-1", &[oidc, portal]).expect("hosts"),
            expected
        );
        assert!(hosts("eu-west-1", &[oidc, ("AWS_USE_FIPS_ENDPOINT", "true")]).is_err());
        assert!(
            hosts(
                "eu-west-1",
                &[("AWS_ENDPOINT_URL_SSO", "http://portal.example/")]
            )
            .is_err()
        );
        assert!(hosts("eu-west-1", &[("AWS_ENDPOINT_URL_SSO", "portal")]).is_err());
    }
}
