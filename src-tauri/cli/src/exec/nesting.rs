//! `mcm` inside `mcm exec`: it goes by the variables that the person set, not by those that were made for a command.
//!
//! Else an AWS role would be assumed by way of the endpoint that lends it, and the settings that Azure's variables hold
//! would be the child's. What the person's shell had is passed on in one variable, which never holds a secret.

use std::collections::BTreeMap;

use mcm_core::account::Cloud;
use mcm_core::world::Environment;

use crate::variables::{self, Changes, Fact, Facts, OUTSIDE, Way};

/// What leads AWS's libraries to the endpoint.
const ENDPOINT: [&str; 2] = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
];

/// A variable that was changed for a command: what it became, and what it was.
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

/// The environment as it was outside `mcm exec`, with what was set inside by hand.
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
