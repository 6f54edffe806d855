//! `mcm` inside `mcm exec`: it uses the variables that the user set, not those that were set for a command.
//!
//! Otherwise an AWS role would be assumed through the endpoint that issues it, and Azure's variables would hold the
//! child's settings. The values of the user's shell are passed on in one variable, which never holds a secret.

use std::collections::BTreeMap;

use mcm_core::account::Cloud;
use mcm_core::world::Environment;

use crate::variables::{self, Changes, Fact, Facts, OUTSIDE, Way};

/// The variables that point AWS's libraries to the endpoint.
const ENDPOINT: [&str; 2] = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
];

/// A variable that was changed for a command: its new and its old value.
type Outer = BTreeMap<String, (Option<String>, Option<String>)>;

/// What becomes of the variables for a command, with what passes on those that `mcm` goes by, none of them secret.
pub(super) fn with_outside(
    environment: &Environment,
    ways: &[(Cloud, Way)],
    mut facts: Facts,
) -> Changes {
    let changes = Changes::of(environment, ways, &facts);
    let outer = variables::read_by_mcm().filter_map(|name| {
        let became = changes.of_name(name)?.map(str::to_owned);
        let was = environment.get(name).map(str::to_owned);
        Some((name.to_owned(), (became, was)))
    });
    let outer: Outer = outer.collect();
    let text = serde_json::to_string(&outer).expect("text serialises");
    facts.insert(Fact::Outside, text.into());
    Changes::of(environment, ways, &facts)
}

/// The environment outside `mcm exec`, with what the user set inside.
pub(crate) fn outside(environment: &Environment) -> Environment {
    let Some(passed) = environment.get(OUTSIDE) else {
        return environment.clone();
    };
    let changes: Outer = serde_json::from_str(passed).unwrap_or_default();
    let is_unchanged =
        |name: &str, became: &Option<String>| environment.get(name) == became.as_deref();
    let stays = |name: &str| {
        let is_made_for_the_command = changes
            .get(name)
            .is_some_and(|(became, _)| is_unchanged(name, became))
            || ENDPOINT.contains(&name);
        !is_made_for_the_command && name != OUTSIDE
    };
    let kept = environment.pairs().filter(|(name, _)| stays(name));
    let restored = changes
        .iter()
        .filter(|(name, (became, _))| is_unchanged(name, became));
    let restored = restored.filter_map(|(name, (_, was))| Some((name.as_str(), was.as_deref()?)));
    Environment::from_pairs(kept.chain(restored))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_for_a_command_is_undone_and_what_was_set_inside_it_stays() {
        let outer = Environment::from_pairs([
            ("AZURE_CLIENT_ID", "app"),
            ("AWS_REGION", "us-east-1"),
            ("PATH", "/bin"),
        ]);
        let facts = Facts::from([
            (Fact::Region, "eu-central-1".into()),
            (Fact::AwsConfig, "/run/config".into()),
        ]);
        let ways = [(Cloud::Aws, Way::Served), (Cloud::Azure, Way::Served)];
        let changes = with_outside(&outer, &ways, facts);
        let passed = changes.of_name(OUTSIDE).flatten().expect("it is set");
        let inner = Environment::from_pairs([
            (OUTSIDE, passed),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_CONFIG_FILE", "/mine"),
            (
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://127.0.0.1:1/x/aws",
            ),
            ("PATH", "/bin"),
        ]);
        let seen = outside(&inner);
        assert_eq!(seen.get("AZURE_CLIENT_ID"), Some("app"));
        assert_eq!(seen.get("AWS_REGION"), Some("us-east-1"));
        assert_eq!(
            seen.get("AWS_CONFIG_FILE"),
            Some("/mine"),
            "set by hand inside"
        );
        assert_eq!(seen.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"), None);
        assert_eq!(
            (seen.get("AWS_PROFILE"), seen.get("PATH")),
            (None, Some("/bin"))
        );
    }
}
