//! AWS's partitions: their names, their regions, and the addresses of their global services.
//!
//! Source: `partitions.json` and `endpoints.json` of botocore 1.44.5, and for the console AWS's page on custom
//! console access. Credentials never cross partitions, so the role's ARN decides the partition.

/// A partition of AWS: a cloud of its own, with its own accounts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Partition {
    /// The id, as in ARNs.
    pub(super) id: &'static str,
    /// How the names of its regions begin (`regionRegex`); a word and a number follow.
    prefixes: &'static [&'static str],
    /// The region to use when the user's own is of another partition.
    pub(super) home_region: &'static str,
    /// Identity and Access Management.
    pub(super) iam: Global,
    /// AWS Organizations.
    pub(super) organizations: Global,
    /// The console, if it can be opened from outside.
    pub(super) console: Option<Console>,
    /// The regions and AWS's names for them.
    pub(super) regions: &'static [(&'static str, &'static str)],
}

/// A service with one address for the whole partition.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Global {
    pub(super) host: &'static str,
    /// The region that requests are signed for.
    pub(super) region: &'static str,
}

/// The console's hosts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Console {
    /// The part after a region and a dot.
    pub(super) host: &'static str,
    /// The host of the federation endpoint.
    pub(super) sign_in: &'static str,
}

impl Partition {
    /// The partition with this id.
    pub(super) fn named(id: &str) -> Option<&'static Self> {
        PARTITIONS.iter().find(|partition| partition.id == id)
    }

    /// Every partition's id, for a message.
    pub(super) fn ids() -> String {
        PARTITIONS
            .iter()
            .map(|partition| partition.id)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Whether it has this region, by our table or by the form of the name: AWS adds regions all the time.
    pub(super) fn has(&self, region: &str) -> bool {
        self.lists(region) || self.fits(region)
    }

    /// Whether our table has this region.
    pub(super) fn lists(&self, region: &str) -> bool {
        self.regions.iter().any(|(id, _)| *id == region)
    }

    fn fits(&self, region: &str) -> bool {
        let is_rest = |rest: &str| {
            let Some((word, number)) = rest.strip_prefix('-').and_then(|rest| rest.split_once('-'))
            else {
                return false;
            };
            let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            let is_number = |b: u8| b.is_ascii_digit();
            (1..=32).contains(&word.len())
                && word.bytes().all(is_word)
                && (1..=3).contains(&number.len())
                && number.bytes().all(is_number)
        };
        let mut prefixes = self.prefixes.iter();
        prefixes.any(|prefix| region.strip_prefix(prefix).is_some_and(is_rest))
    }

    /// The domain of its regional services.
    pub(super) fn domain(&self) -> &'static str {
        let Global { host, region } = &self.organizations;
        let (_, domain) = host
            .split_once(region)
            .expect("the host of every partition names its region");
        domain.trim_start_matches('.')
    }

    /// The region to use: the requested one if the partition has it, else the home region.
    pub(super) fn region<'a>(&self, wanted: Option<&'a str>) -> &'a str {
        wanted
            .filter(|region| self.has(region))
            .unwrap_or(self.home_region)
    }
}

static PARTITIONS: [Partition; 8] = [
    Partition {
        id: "aws",
        prefixes: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
        home_region: "us-east-1",
        iam: Global {
            host: "iam.amazonaws.com",
            region: "us-east-1",
        },
        organizations: Global {
            host: "organizations.us-east-1.amazonaws.com",
            region: "us-east-1",
        },
        console: Some(Console {
            host: "console.aws.amazon.com",
            sign_in: "signin.aws.amazon.com",
        }),
        regions: &[
            ("af-south-1", "Africa (Cape Town)"),
            ("ap-east-1", "Asia Pacific (Hong Kong)"),
            ("ap-east-2", "Asia Pacific (Taipei)"),
            ("ap-northeast-1", "Asia Pacific (Tokyo)"),
            ("ap-northeast-2", "Asia Pacific (Seoul)"),
            ("ap-northeast-3", "Asia Pacific (Osaka)"),
            ("ap-south-1", "Asia Pacific (Mumbai)"),
            ("ap-south-2", "Asia Pacific (Hyderabad)"),
            ("ap-southeast-1", "Asia Pacific (Singapore)"),
            ("ap-southeast-2", "Asia Pacific (Sydney)"),
            ("ap-southeast-3", "Asia Pacific (Jakarta)"),
            ("ap-southeast-4", "Asia Pacific (Melbourne)"),
            ("ap-southeast-5", "Asia Pacific (Malaysia)"),
            ("ap-southeast-6", "Asia Pacific (New Zealand)"),
            ("ap-southeast-7", "Asia Pacific (Thailand)"),
            ("ca-central-1", "Canada (Central)"),
            ("ca-west-1", "Canada West (Calgary)"),
            ("eu-central-1", "Europe (Frankfurt)"),
            ("eu-central-2", "Europe (Zurich)"),
            ("eu-north-1", "Europe (Stockholm)"),
            ("eu-south-1", "Europe (Milan)"),
            ("eu-south-2", "Europe (Spain)"),
            ("eu-west-1", "Europe (Ireland)"),
            ("eu-west-2", "Europe (London)"),
            ("eu-west-3", "Europe (Paris)"),
            ("il-central-1", "Israel (Tel Aviv)"),
            ("me-central-1", "Middle East (UAE)"),
            ("me-south-1", "Middle East (Bahrain)"),
            ("me-west-1", "Middle East (Saudi Arabia)"),
            ("mx-central-1", "Mexico (Central)"),
            ("sa-east-1", "South America (São Paulo)"),
            ("sa-west-1", "South America (Chile)"),
            ("us-east-1", "US East (N. Virginia)"),
            ("us-east-2", "US East (Ohio)"),
            ("us-west-1", "US West (N. California)"),
            ("us-west-2", "US West (Oregon)"),
        ],
    },
    Partition {
        id: "aws-cn",
        prefixes: &["cn"],
        home_region: "cn-northwest-1",
        iam: Global {
            host: "iam.cn-north-1.amazonaws.com.cn",
            region: "cn-north-1",
        },
        organizations: Global {
            host: "organizations.cn-northwest-1.amazonaws.com.cn",
            region: "cn-northwest-1",
        },
        console: Some(Console {
            host: "console.amazonaws.cn",
            sign_in: "signin.amazonaws.cn",
        }),
        regions: &[
            ("cn-north-1", "China (Beijing)"),
            ("cn-northwest-1", "China (Ningxia)"),
        ],
    },
    Partition {
        id: "aws-us-gov",
        prefixes: &["us-gov"],
        home_region: "us-gov-west-1",
        iam: Global {
            host: "iam.us-gov.amazonaws.com",
            region: "us-gov-west-1",
        },
        organizations: Global {
            host: "organizations.us-gov-west-1.amazonaws.com",
            region: "us-gov-west-1",
        },
        console: Some(Console {
            host: "console.amazonaws-us-gov.com",
            sign_in: "signin.amazonaws-us-gov.com",
        }),
        regions: &[
            ("us-gov-east-1", "AWS GovCloud (US-East)"),
            ("us-gov-west-1", "AWS GovCloud (US-West)"),
        ],
    },
    Partition {
        id: "aws-eusc",
        prefixes: &["eusc-de"],
        home_region: "eusc-de-east-1",
        iam: Global {
            host: "iam.eusc-de-east-1.amazonaws.eu",
            region: "eusc-de-east-1",
        },
        organizations: Global {
            host: "organizations.eusc-de-east-1.amazonaws.eu",
            region: "eusc-de-east-1",
        },
        console: Some(Console {
            host: "console.amazonaws-eusc.eu",
            sign_in: "eusc-de-east-1.signin.amazonaws-eusc.eu",
        }),
        regions: &[("eusc-de-east-1", "AWS European Sovereign Cloud (Germany)")],
    },
    Partition {
        id: "aws-iso",
        prefixes: &["us-iso"],
        home_region: "us-iso-east-1",
        iam: Global {
            host: "iam.us-iso-east-1.c2s.ic.gov",
            region: "us-iso-east-1",
        },
        organizations: Global {
            host: "organizations.us-iso-east-1.c2s.ic.gov",
            region: "us-iso-east-1",
        },
        console: None,
        regions: &[
            ("us-iso-east-1", "US ISO East"),
            ("us-iso-west-1", "US ISO WEST"),
        ],
    },
    Partition {
        id: "aws-iso-b",
        prefixes: &["us-isob"],
        home_region: "us-isob-east-1",
        iam: Global {
            host: "iam.us-isob-east-1.sc2s.sgov.gov",
            region: "us-isob-east-1",
        },
        organizations: Global {
            host: "organizations.us-isob-east-1.sc2s.sgov.gov",
            region: "us-isob-east-1",
        },
        console: None,
        regions: &[
            ("us-isob-east-1", "US ISOB East (Ohio)"),
            ("us-isob-west-1", "US ISOB West"),
        ],
    },
    Partition {
        id: "aws-iso-e",
        prefixes: &["eu-isoe"],
        home_region: "eu-isoe-west-1",
        iam: Global {
            host: "iam.eu-isoe-west-1.cloud.adc-e.uk",
            region: "eu-isoe-west-1",
        },
        organizations: Global {
            host: "organizations.eu-isoe-west-1.cloud.adc-e.uk",
            region: "eu-isoe-west-1",
        },
        console: None,
        regions: &[("eu-isoe-west-1", "EU ISOE West")],
    },
    Partition {
        id: "aws-iso-f",
        prefixes: &["us-isof"],
        home_region: "us-isof-south-1",
        iam: Global {
            host: "iam.us-isof-south-1.csp.hci.ic.gov",
            region: "us-isof-south-1",
        },
        organizations: Global {
            host: "organizations.us-isof-south-1.csp.hci.ic.gov",
            region: "us-isof-south-1",
        },
        console: None,
        regions: &[
            ("us-isof-east-1", "US ISOF EAST"),
            ("us-isof-south-1", "US ISOF SOUTH"),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_home_region_and_no_region_is_in_two() {
        let mut seen = std::collections::HashSet::new();
        for partition in &PARTITIONS {
            assert!(partition.has(partition.home_region), "{}", partition.id);
            assert!(partition.domain().contains('.'), "{}", partition.id);
            assert!(
                partition
                    .regions
                    .iter()
                    .all(|(region, _)| seen.insert(region)),
                "{}",
                partition.id
            );
        }
    }

    #[test]
    fn a_region_that_is_not_listed_belongs_to_the_partition_whose_form_it_has() {
        for (region, home) in [
            ("eu-east-7", Some("aws")),
            ("mx-north-1", Some("aws")),
            ("cn-south-1", Some("aws-cn")),
            ("us-gov-central-1", Some("aws-us-gov")),
            ("eusc-de-west-2", Some("aws-eusc")),
            ("us-isob-south-1", Some("aws-iso-b")),
            ("eu-central", None),
            ("eu-central-1.evil.example", None),
            ("eu-central-1/x", None),
            ("xx-east-1", None),
            ("eu--1", None),
            ("EU-EAST-1", None),
        ] {
            let having: Vec<_> = PARTITIONS
                .iter()
                .filter(|partition| partition.has(region))
                .map(|partition| partition.id)
                .collect();
            assert_eq!(having, home.into_iter().collect::<Vec<_>>(), "{region}");
        }
        for partition in &PARTITIONS {
            for (region, _) in partition.regions {
                assert!(partition.fits(region), "{region}");
            }
        }
    }

    #[test]
    fn a_region_of_another_partition_is_replaced_by_the_home_region() {
        let china = Partition::named("aws-cn").expect("known");
        assert_eq!(china.region(Some("cn-north-1")), "cn-north-1");
        assert_eq!(china.region(Some("eu-central-1")), "cn-northwest-1");
        assert_eq!(china.region(None), "cn-northwest-1");
    }
}
