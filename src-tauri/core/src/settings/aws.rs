//! AWS's settings: the environment, which the SDK reads by its own rules, and the console's sign-in server.

use std::time::Duration;

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
    /// How long a source of credentials may take, a program that asks the user included.
    pub source_timeout: Duration,
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

/// Long enough to find a security key and touch it.
const SOURCE_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_SOURCE_SECONDS: u64 = 600;

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
    let source_timeout = seconds(lookup).unwrap_or(SOURCE_TIMEOUT);
    AwsSettings {
        source_timeout,
        environment: lookup.environment.clone(),
        sign_in,
        problems: std::mem::take(&mut lookup.problems),
    }
}

/// The time limit in `MCM_AWS_SOURCE_TIMEOUT`, or in the file.
fn seconds(lookup: &mut Lookup<'_>) -> Option<Duration> {
    const VARIABLE: &str = "MCM_AWS_SOURCE_TIMEOUT";
    let found = lookup.text("aws", "source_timeout", Some(VARIABLE))?;
    match found.value.parse() {
        Ok(seconds @ 1..=MAX_SOURCE_SECONDS) => Some(Duration::from_secs(seconds)),
        _ => {
            let why = format!("is no number of seconds from 1 to {MAX_SOURCE_SECONDS}.");
            lookup.problem("source_timeout", found.origin, &why);
            None
        }
    }
}
