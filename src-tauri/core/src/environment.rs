//! Environments: one name for an AWS role, an Azure subscription and a Google project, any of them missing.
//!
//! An environment names its accounts and targets by id. One that is gone is named, and never replaced by another. Here are
//! the values and their grammar; `store/environments.rs` keeps them, `app/environments.rs` has their use cases.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::account::{Account, AccountId, Cloud, Colour};
use crate::cluster::{Cluster, MOST_CLUSTERS};
use crate::error::{Code, Error, Result};
use crate::text::shown;

/// The icons of environments.
pub const ICONS: [&str; 6] = ["cloud", "flask", "lock", "rocket", "star", "tools"];

/// The minutes that a protected environment may be used at a time.
pub const TIME_BOXES: [u16; 2] = [15, 60];

/// The longest name. It is shown in prompts.
const LONGEST_NAME: usize = 40;

/// The name of an environment: letters, digits, `.`, `_` and `-` of ASCII, so that it means the same in every shell, prompt
/// and file. Two names that differ only in case are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EnvironmentName(String);

impl EnvironmentName {
    /// The name, if it has the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_fit = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let fits = text.len() <= LONGEST_NAME
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(is_fit);
        fits.then(|| Self(text.to_owned()))
    }

    /// The name that a user entered.
    ///
    /// # Errors
    /// `invalid-input` when it has not the form of one.
    pub fn entered(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| {
            let message = format!(
                "\"{}\" cannot name an environment. Use letters, digits, dots, hyphens and underscores, at most {LONGEST_NAME}, \
                 and begin with a letter or a digit.",
                shown(text)
            );
            Error::new(Code::InvalidInput, message)
        })
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text names the same environment.
    pub fn is(&self, text: &str) -> bool {
        self.0.eq_ignore_ascii_case(text)
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An account of an environment, and what it works in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The account.
    pub account: AccountId,
    /// The account's name when it was chosen, to name it when it is gone.
    pub account_name: String,
    /// The cloud's own id of the subscription, project, region or role.
    pub target: Option<String>,
    /// The target's name when it was chosen.
    pub target_name: Option<String>,
}

/// How an environment looks, where its tools work, and its rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct EnvironmentSettings {
    /// One of the names in `COLOURS`.
    pub colour: Option<String>,
    /// One of the names in `ICONS`.
    pub icon: Option<String>,
    /// Where AWS's tools work.
    pub region: Option<String>,
    /// Where Google's tools work, if they have no other word for it.
    pub google_region: Option<String>,
    /// As `google_region`, within a region.
    pub google_zone: Option<String>,
    /// Whether the user confirms each use, which ends by itself.
    pub is_protected: bool,
    /// Whether the tools of the clouds that the environment does not name find no identity.
    pub is_exclusive: bool,
    /// The minutes of one use of a protected environment: one of `TIME_BOXES`.
    pub minutes: u16,
}

impl Default for EnvironmentSettings {
    fn default() -> Self {
        Self {
            colour: None,
            icon: None,
            region: None,
            google_region: None,
            google_zone: None,
            is_protected: false,
            is_exclusive: false,
            minutes: TIME_BOXES[0],
        }
    }
}

/// An environment. Its name differs from that of a process's variables, `world::Environment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedEnvironment {
    /// Its name.
    pub name: EnvironmentName,
    /// At most one account of each cloud.
    pub members: BTreeMap<Cloud, Member>,
    /// Its Kubernetes clusters. The first is the one that kubectl begins with.
    #[serde(default)]
    pub clusters: Vec<Cluster>,
    /// What else belongs to it.
    #[serde(flatten)]
    pub settings: EnvironmentSettings,
    /// When it was created.
    pub created_at: Timestamp,
}

impl NamedEnvironment {
    /// An environment without accounts.
    pub fn new(name: EnvironmentName, now: Timestamp) -> Self {
        Self {
            name,
            members: BTreeMap::new(),
            clusters: Vec::new(),
            settings: EnvironmentSettings::default(),
            created_at: now,
        }
    }

    /// Adds a cluster, or replaces the one whose context has this name.
    pub fn put_cluster(&mut self, cluster: Cluster) {
        let known = self
            .clusters
            .iter_mut()
            .find(|known| known.context == cluster.context);
        match known {
            Some(known) => *known = cluster,
            None => self.clusters.push(cluster),
        }
    }

    /// Refuses clusters of the wrong form, and those of an account that is not a member.
    ///
    /// # Errors
    /// `invalid-input`, naming the cluster and what to do.
    pub fn check_clusters(&self) -> Result<()> {
        let refused = |message: String| Err(Error::new(Code::InvalidInput, message));
        if self.clusters.len() > MOST_CLUSTERS {
            return refused(format!(
                "{} has {} clusters, and {MOST_CLUSTERS} are the most. Remove some.",
                self.name,
                self.clusters.len()
            ));
        }
        for (place, cluster) in self.clusters.iter().enumerate() {
            cluster.check()?;
            let context = &cluster.context;
            if self
                .clusters
                .iter()
                .take(place)
                .any(|other| other.context == *context)
            {
                return refused(format!("{} has the context {context} twice.", self.name));
            }
            let is_member = |member: &Member| member.account == cluster.account;
            if !self.members.values().any(is_member) {
                return refused(format!(
                    "The cluster {context} is for the account {}, which {} would not name. Remove the cluster as well, or \
                     keep the account.",
                    cluster.account, self.name
                ));
            }
        }
        Ok(())
    }

    /// Whether the tools of other clouds must find no identity.
    pub fn closes_other_clouds(&self) -> bool {
        self.settings.is_exclusive || self.settings.is_protected
    }

    /// Whether it names this account at the target that the account has.
    pub fn names(&self, account: &Account) -> bool {
        self.members.get(&account.cloud()).is_some_and(|member| {
            member.account == account.id
                && (member.target.is_none() || member.target == account.target)
        })
    }

    /// The clouds that it does not name.
    pub fn other_clouds(&self) -> impl Iterator<Item = Cloud> {
        Cloud::ALL
            .into_iter()
            .filter(|cloud| !self.members.contains_key(cloud))
    }
}

/// What a browser shows before the console of an account that a protected environment names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleWarning {
    /// The environment.
    pub environment: EnvironmentName,
    /// One of the names in `COLOURS`.
    pub colour: Option<String>,
    /// The cloud of the console.
    pub cloud: Cloud,
}

impl ConsoleWarning {
    /// The page, whose link leads on to `path`. An environment's name needs no quoting in it.
    pub fn as_html(&self, path: &str) -> String {
        // The labels' colours in the dashboard, dark enough for white letters.
        let colour = match self.colour.as_deref().and_then(Colour::named) {
            Some(Colour::Blue) => "#2459b0",
            Some(Colour::Green) => "#1b6d48",
            Some(Colour::Amber) => "#8f5a00",
            Some(Colour::Violet) => "#6a3fc0",
            Some(Colour::Grey) => "#565d68",
            Some(Colour::Red) | None => "#a8322c",
        };
        let (name, cloud) = (&self.environment, self.cloud.title());
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
             <title>{name} is protected</title><style>body{{margin:0;min-height:100vh;display:grid;place-content:center;\
             gap:1rem;padding:2rem;background:{colour};color:#fff;font:1.125rem/1.5 system-ui,sans-serif}}\
             h1,p{{margin:0}}a{{justify-self:start;padding:.5rem 1rem;border:2px solid;border-radius:.375rem;color:inherit}}\
             </style><h1>{name} is protected</h1><p>You are about to open the console of {cloud} in this environment. \
             What you change there is real.<a href={path} autofocus>Open the console of {name}</a>"
        )
    }
}

/// How a member stands today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// The account at its target.
    Connected(Box<Account>),
    /// The account is no longer connected.
    AccountGone,
    /// The account no longer lists the target.
    TargetGone,
}

impl Member {
    /// An account as a member, at the target that is chosen now.
    pub fn of(account: &Account) -> Self {
        let target = account.chosen_target();
        Self {
            account: account.id.clone(),
            account_name: account.name(),
            target: account.target.clone(),
            target_name: target.map(|target| target.name.clone()),
        }
    }

    /// How the member stands, by what is stored of its account.
    pub fn state(&self, account: Option<&Account>) -> MemberState {
        let Some(account) = account else {
            return MemberState::AccountGone;
        };
        let Some(id) = self.target.as_deref() else {
            let mut account = account.clone();
            account.target = None;
            return MemberState::Connected(Box::new(account));
        };
        // By its id alone: another target may have its name by now.
        match account.find_target(id).filter(|found| found.id == id) {
            Some(target) => MemberState::Connected(Box::new(account.clone().at_target(target))),
            None => MemberState::TargetGone,
        }
    }

    /// Its name, and that of its target.
    pub fn shown(&self) -> String {
        match (&self.target_name, &self.target) {
            (Some(name), _) | (None, Some(name)) => format!("{}/{name}", self.account_name),
            (None, None) => self.account_name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_the_same_everywhere() {
        for name in ["prod-eu", "1", "a.b_c", "Prod"] {
            assert!(EnvironmentName::parse(name).is_some(), "{name}");
        }
        for other in [
            "",
            "-x",
            ".x",
            "a b",
            "a'b",
            "$(id)",
            "a\nb",
            "a%b",
            "a/b",
            "a:b",
            "\u{202e}a",
            "prod\u{e9}",
            &"x".repeat(41),
        ] {
            assert_eq!(EnvironmentName::parse(other), None, "{other:?}");
        }
        assert!(EnvironmentName::parse("Prod").is_some_and(|name| name.is("pROD")));
    }
}
