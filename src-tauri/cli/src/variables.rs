//! The variables that decide which identity, and which place, the clouds' own tools use.
//!
//! `variables/table.rs` is the one table: which tools read a variable, what it does to them, what `mcm exec` and `mcm env`
//! make of it, and where that is written. `variables/changes.rs` turns it into the variables of a command or a shell.
//! What is set, unset, passed on, warned of or explained anywhere comes from here.

mod changes;
#[cfg(test)]
mod page;
mod table;

use mcm_core::account::Cloud;
use mcm_core::error::{Code, Error};
use mcm_core::world::Environment;

pub(crate) use changes::{Changes, Fact, Facts, Way};
use table::TABLE;

/// The variable in which `mcm exec` lists the accounts of its command: their ids, separated by commas.
pub(crate) const EXEC_ACCOUNTS: &str = "MCM_EXEC";
/// What passes on to `mcm` inside `mcm exec` what the shell outside had. It holds no secret.
pub(crate) const OUTSIDE: &str = "MCM_EXEC_OUTSIDE";
/// The id of the access key that `mcm env` put into the shell, so that it is never taken for the user's own.
pub(crate) const ENV_KEY: &str = "MCM_ENV";
/// The accounts that `mcm env` put into the shell: their ids, separated by colons.
pub(crate) const ENV_ACCOUNTS: &str = "MCM_ENV_ACCOUNTS";
/// What `mcm env` set that `mcm` itself reads, as `NAME=value` separated by colons.
pub(crate) const ENV_SET: &str = "MCM_ENV_SET";

/// The environment that a shell or command works in.
pub(crate) const ENVIRONMENT: &str = "MCM_ENVIRONMENT";
/// The holder that serves it: the `mcm exec` or `mcm shell` around it.
pub(crate) const HOLDER: &str = "MCM_HOLDER";
/// What the hook did in a shell, passed on from one call to the next.
pub(crate) const HOOK_STATE: &str = "MCM_HOOK_STATE";
/// The version of the hook of the shell that set it, and that shell's process.
pub(crate) const HOOK: &str = "MCM_HOOK";

/// A variable, or all variables whose names are alike, and what is done with it.
pub(crate) struct Variable {
    /// Its name; `*` stands for any part of one.
    pub(crate) name: &'static str,
    /// The cloud whose tools read it.
    pub(crate) clouds: &'static [Cloud],
    /// Its effect on them.
    pub(crate) effect: Effect,
    /// What becomes of it for a command that is served by the endpoint of `mcm exec`.
    pub(crate) exec: Act,
    /// What becomes of it for a shell, and for `mcm exec --env`.
    pub(crate) env: Act,
    /// What becomes of it in a shell with the hook, where that is not what becomes of it in any shell.
    pub(crate) pinned: Option<Act>,
    /// What becomes of it where an environment does not name the cloud and its tools must find no identity.
    pub(crate) closed: Act,
    /// Whether `mcm` goes by it, so that one inside `mcm exec` has to know what was outside.
    pub(crate) is_read_by_mcm: bool,
    /// The tools that read it. Only the page that documents the table shows it, and where it is written.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the page"))]
    pub(crate) readers: &'static str,
    /// Where that is written.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the page"))]
    pub(crate) source: &'static str,
}

/// A setting in a file of gcloud's that a variable beats.
pub(crate) struct FileSetting {
    /// The section that it stands in.
    pub(crate) section: &'static str,
    /// Its name there.
    pub(crate) key: &'static str,
    /// The variable that beats it.
    pub(crate) variable: &'static str,
}

/// The settings of gcloud that say who works or who pays.
pub(crate) fn gcloud_settings() -> impl Iterator<Item = &'static FileSetting> {
    table::GCLOUD_SETTINGS.iter()
}

/// The effect of a variable on the tools that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is a credential or a part of one, and secret.
    Credential,
    /// It decides where a credential is fetched: a profile, a file, an endpoint, another way to sign in.
    Source,
    /// It changes the identity, or where it must not be used: a tenant, an impersonated account, a subscription,
    /// subscription, which belongs to one tenant, a project that pays.
    Identity,
    /// It decides where the work is done, whatever the identity: a region, a project.
    Place,
    /// It leads to a tool's own files, some of which hold a sign-in.
    Files,
    /// Prompts show it as the name of the identity.
    Shown,
    /// It sets how a client fetches its credential.
    Client,
    /// It is a mark of ours.
    Mark,
}

/// What becomes of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// It stays as it is.
    Keep,
    /// It goes.
    Remove,
    /// It becomes this. Where that is not known, what would win goes, and everything else stays.
    Set(Fact),
    /// It becomes this text.
    Text(&'static str),
    /// It goes where this is in it.
    RemoveWhere(&'static str),
    /// It goes where this is known.
    RemoveWith(Fact),
}

impl Variable {
    /// Whether it must be unset before the tools work as the requested account.
    pub(crate) fn would_win(&self) -> bool {
        matches!(
            self.effect,
            Effect::Credential | Effect::Source | Effect::Identity
        )
    }

    /// Whether a variable of this name is meant.
    fn is(&self, name: &str) -> bool {
        match self.name.split_once('*') {
            Some((beginning, end)) => {
                name.len() > beginning.len() + end.len()
                    && name.starts_with(beginning)
                    && name.ends_with(end)
            }
            None => name == self.name,
        }
    }

    fn is_pattern(&self) -> bool {
        self.name.contains('*')
    }

    /// Whether `mcm env --unset` takes it back: it chooses an identity or a place, or a shell may have it from `mcm env`.
    fn is_taken_back(&self) -> bool {
        // What `mcm exec` says to its command is not the shell's to take back.
        let is_of_exec = self.effect == Effect::Mark && matches!(self.exec, Act::Set(_));
        let is_set = matches!(self.env, Act::Set(_) | Act::Text(_));
        let says_where = matches!(self.effect, Effect::Place | Effect::Shown);
        !is_of_exec && (self.would_win() || says_where || is_set)
    }
}

/// Refuses a variable that a cloud's tools read and this program cannot: its value is not Unicode, so what it leads to
/// stays unknown here.
///
/// # Errors
/// `invalid-input`, naming it.
pub(crate) fn require_text() -> Result<(), Error> {
    let names = Environment::names_without_text();
    let Some(name) = names.iter().find(|name| known(name).is_some()) else {
        return Ok(());
    };
    let message = format!("The value of {name} is not Unicode text. Unset it, or set it to text.");
    Err(Error::new(Code::InvalidInput, message))
}

/// What is known of a variable. One that is named whole comes before a pattern.
fn known(name: &str) -> Option<&'static Variable> {
    TABLE.iter().find(|variable| variable.is(name))
}

/// The variables that are set here and make the tools of a cloud use another identity than the account in use.
pub(crate) fn that_win(cloud: Cloud, environment: &Environment) -> Vec<&str> {
    let wins = |name: &str| {
        known(name).is_some_and(|variable| variable.would_win() && variable.clouds.contains(&cloud))
    };
    let set = environment
        .pairs()
        .filter(|(name, value)| !value.trim().is_empty() && wins(name));
    let mut names: Vec<&str> = set.map(|(name, _)| name).collect();
    names.sort_by_key(|name| TABLE.iter().position(|variable| variable.is(name)));
    names
}

/// The names to unset in a shell, so that it has no identity. Of a pattern, the ones that are set.
pub(crate) fn taken_back(environment: &Environment) -> Vec<&str> {
    names(environment, Variable::is_taken_back)
}

/// The names to unset in a shell that must not go on as another identity.
pub(crate) fn that_would_win(environment: &Environment) -> Vec<&str> {
    names(environment, Variable::would_win)
}

fn names(environment: &Environment, is_meant: impl Fn(&Variable) -> bool) -> Vec<&str> {
    let mut names = Vec::new();
    for variable in TABLE.iter().filter(|variable| is_meant(variable)) {
        if variable.is_pattern() {
            names.extend(set_of(variable, environment));
        } else {
            names.push(variable.name);
        }
    }
    names
}

/// The variables that are set and that this row, and none before it, means.
fn set_of<'e>(
    variable: &'static Variable,
    environment: &'e Environment,
) -> impl Iterator<Item = &'e str> {
    let names = environment.pairs().map(|(name, _)| name);
    names.filter(move |name| known(name).is_some_and(|row| std::ptr::eq(row, variable)))
}

/// The names of variables that `mcm` itself goes by, none of them secret.
pub(crate) fn read_by_mcm() -> impl Iterator<Item = &'static str> {
    TABLE
        .iter()
        .filter(|variable| variable.is_read_by_mcm)
        .map(|variable| variable.name)
}

/// Whether one of these holds a credential.
pub(crate) fn are_secret<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| known(name).is_some_and(|variable| variable.effect == Effect::Credential))
}

/// The environment without the unchanged variables of `mcm env`, and whether its key was there.
pub(crate) fn without_own(environment: &Environment) -> (Environment, bool) {
    const KEY: [&str; 5] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
    ];
    let key = environment.get(ENV_KEY);
    let is_own_key = key.is_some() && key == environment.get(KEY[0]);
    let own_settings = environment.get(ENV_SET).unwrap_or_default();
    let is_own = |name: &str, value: &str| {
        is_own_key && KEY.contains(&name)
            || own_settings
                .split(':')
                .any(|pair| pair.split_once('=') == Some((name, value)))
    };
    let kept = environment
        .pairs()
        .filter(|(name, value)| !is_own(name, value));
    (Environment::from_pairs(kept), is_own_key)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_is_there_once_and_can_be_written_in_every_shell() {
        let mut seen = HashSet::new();
        for variable in &TABLE {
            let name = variable.name;
            assert!(seen.insert(name), "{name} is there twice");
            let is_fit = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            let is_no_proxy = name == "no_proxy";
            assert!(
                is_no_proxy || name.replacen('*', "", 1).chars().all(is_fit),
                "{name}"
            );
            assert!(
                !variable.readers.is_empty() && !variable.source.is_empty(),
                "{name}"
            );
        }
    }

    #[test]
    fn a_name_that_is_written_whole_comes_before_a_pattern_of_it() {
        for (place, variable) in TABLE.iter().enumerate() {
            if variable.is_pattern() {
                let mut later = TABLE.iter().skip(place + 1);
                let hidden = later.find(|other| variable.is(other.name));
                assert_eq!(hidden.map(|other| other.name), None);
            }
        }
    }

    #[test]
    fn a_setting_of_gcloud_is_beaten_by_a_variable_that_is_always_set() {
        for setting in gcloud_settings() {
            let variable = known(setting.variable).expect("it is in the table");
            for act in [variable.exec, variable.env] {
                assert!(
                    matches!(act, Act::Text(_) | Act::Set(Fact::GcloudFile | Fact::Quota)),
                    "{}",
                    setting.variable
                );
            }
        }
    }

    #[test]
    fn what_would_win_never_stays() {
        for variable in TABLE.iter().filter(|variable| variable.would_win()) {
            assert_ne!(variable.exec, Act::Keep, "{}", variable.name);
            assert_ne!(variable.env, Act::Keep, "{}", variable.name);
        }
    }

    #[test]
    fn a_set_variable_that_would_win_is_found_and_a_place_is_not() {
        let set = Environment::from_pairs([
            ("AWS_PROFILE", "a"),
            ("AWS_REGION", "r"),
            ("AWS_SESSION_TOKEN", ""),
            ("AWS_BEARER_TOKEN_BEDROCK", "t"),
            ("AWS_ACCESS_KEY", "k"),
        ]);
        assert_eq!(
            that_win(Cloud::Aws, &set),
            ["AWS_ACCESS_KEY", "AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE"]
        );
        assert_eq!(that_win(Cloud::Gcp, &set), [""; 0]);
    }

    #[test]
    fn what_mcm_env_set_is_left_out_until_it_is_changed() {
        let shell = |key, region| {
            Environment::from_pairs([
                ("MCM_ENV", "ASIAOURS"),
                ("MCM_ENV_SET", "AWS_REGION=eu-north-1:AZURE_TENANT_ID=t"),
                ("AWS_ACCESS_KEY_ID", key),
                ("AWS_SESSION_TOKEN", "x"),
                ("AWS_REGION", region),
                ("AZURE_TENANT_ID", "t"),
            ])
        };
        let (seen, is_own_key) = without_own(&shell("ASIAOURS", "eu-north-1"));
        assert!(is_own_key);
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SESSION_TOKEN",
            "AWS_REGION",
            "AZURE_TENANT_ID",
        ] {
            assert_eq!(seen.get(name), None, "{name}");
        }
        let (seen, is_own_key) = without_own(&shell("AKIAMINE", "us-west-2"));
        assert!(!is_own_key);
        assert_eq!(seen.get("AWS_ACCESS_KEY_ID"), Some("AKIAMINE"));
        assert_eq!(seen.get("AWS_REGION"), Some("us-west-2"));
    }
}
