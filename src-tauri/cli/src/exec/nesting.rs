//! `mcm` inside `mcm exec`: it goes by the variables that the person set, not by those that were made for a command.
//!
//! Else an AWS role would be assumed by way of the endpoint that lends it, and the settings that Azure's variables hold
//! would be the child's. What the person's shell had is passed on in one variable, which never holds a secret.

use std::collections::BTreeMap;

use mcm_core::world::Environment;
use secrecy::{ExposeSecret as _, SecretString};

/// The variable that passes on what the shell outside had.
const OUTSIDE: &str = "MCM_EXEC_OUTSIDE";
/// What `mcm` itself reads, none of it secret. Everything else that was set for a command is left out.
const PASSED_ON: [&str; 11] = [
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
];
/// What leads AWS's libraries to the endpoint.
const ENDPOINT: [&str; 2] = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
];

/// A variable that was changed for a command: what it became, and what it was.
type Changes = BTreeMap<String, (Option<String>, Option<String>)>;

/// The variable to pass on with a command, with its value.
pub(super) fn remembered(
    environment: &Environment,
    taken: &[&'static str],
    given: &BTreeMap<&'static str, SecretString>,
) -> (&'static str, String) {
    let changes = PASSED_ON
        .into_iter()
        .filter(|name| taken.contains(name) || given.contains_key(name));
    let changes = changes.map(|name| {
        let became = given
            .get(name)
            .map(|value| value.expose_secret().to_owned());
        (
            name.to_owned(),
            (became, environment.get(name).map(str::to_owned)),
        )
    });
    let changes: Changes = changes.collect();
    (
        OUTSIDE,
        serde_json::to_string(&changes).expect("text serialises"),
    )
}

/// The environment as it was outside `mcm exec`, with what was set inside by hand.
pub(crate) fn outside(environment: &Environment) -> Environment {
    let Some(passed) = environment.get(OUTSIDE) else {
        return environment.clone();
    };
    let changes: Changes = serde_json::from_str(passed).unwrap_or_default();
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
        let given = BTreeMap::from([
            ("AWS_REGION", "eu-central-1".into()),
            ("AWS_CONFIG_FILE", "/run/config".into()),
        ]);
        let (name, value) = remembered(&outer, &["AZURE_CLIENT_ID", "AWS_PROFILE"], &given);
        let inner = Environment::from_pairs([
            (name, value.as_str()),
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
