//! AWS's settings: the environment, which the SDK reads by its own rules, and the console's sign-in server.

use url::Url;

use super::Lookup;
use crate::error::Result;
use crate::settings::SettingProblem;
use crate::world::Environment;

/// The settings for signing in to AWS.
#[derive(Clone)]
pub struct AwsSettings {
    /// The variables that the SDK reads: `AWS_PROFILE`, `AWS_REGION`, `AWS_ENDPOINT_URL_STS` and so on.
    pub environment: Environment,
    /// The console's sign-in server, if it is not that of the role's partition.
    pub sign_in: Option<Url>,
    /// The malformed settings.
    pub problems: Vec<SettingProblem>,
}

impl AwsSettings {
    /// Refuses settings that cannot be used.
    ///
    /// # Errors
    /// `setting-invalid`, with what to set and where.
    pub fn check(&self) -> Result<()> {
        match self.problems.first() {
            Some(problem) => Err(problem.to_error(false)),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for AwsSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The environment may contain access keys.
        f.debug_struct("AwsSettings")
            .field("sign_in", &self.sign_in)
            .finish_non_exhaustive()
    }
}

/// The SDK's variables that decide where signed requests go.
const ENDPOINTS: [&str; 4] = [
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_IAM",
    "AWS_ENDPOINT_URL_ORGANIZATIONS",
];
const SIGN_IN: &str = "https://signin.aws.amazon.com/";

pub(super) fn read(lookup: &mut Lookup<'_>) -> AwsSettings {
    for variable in ENDPOINTS {
        if lookup.environment.get(variable).is_some() {
            // Read only for its problems; the SDK reads the value itself.
            lookup.endpoint("aws", "endpoint_url", variable, SIGN_IN);
        }
    }
    let is_set = lookup
        .text("aws", "sign_in", Some("MCM_AWS_SIGN_IN"))
        .is_some();
    let sign_in = is_set.then(|| lookup.endpoint("aws", "sign_in", "MCM_AWS_SIGN_IN", SIGN_IN));
    AwsSettings {
        environment: lookup.environment.clone(),
        sign_in,
        problems: std::mem::take(&mut lookup.problems),
    }
}
