//! The app's appearance and behaviour, as `[app]` of `settings.toml` keeps them.
//!
//! An unknown word counts as missing: the default is used, so that an older app starts with a newer file.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::lookup::Lookup;

/// The order of the accounts in the dashboard. The starred come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Sort {
    /// The last used first.
    #[default]
    LastUsed,
    /// By name.
    Name,
    /// The session that ends soonest first.
    TimeLeft,
}

impl Sort {
    /// Every order.
    pub const ALL: [Self; 3] = [Self::LastUsed, Self::Name, Self::TimeLeft];

    /// The word in `settings.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LastUsed => "last-used",
            Self::Name => "name",
            Self::TimeLeft => "time-left",
        }
    }
}

/// What the accounts are grouped by in the dashboard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Grouping {
    /// Their cloud.
    #[default]
    Cloud,
    /// Nothing: one list.
    None,
}

impl Grouping {
    /// Every grouping.
    pub const ALL: [Self; 2] = [Self::Cloud, Self::None];

    /// The word in `settings.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cloud => "cloud",
            Self::None => "none",
        }
    }
}

/// The app's appearance and behaviour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export)]
pub struct Preferences {
    /// Light, dark, or the system's.
    pub theme: Theme,
    /// Whether the first-run screen was completed.
    pub welcomed: bool,
    /// The order of the accounts.
    pub sort: Sort,
    /// What the accounts are grouped by.
    pub group: Grouping,
    /// Whether the desktop shows a notification when an account needs the user.
    pub notify: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            welcomed: false,
            sort: Sort::LastUsed,
            group: Grouping::Cloud,
            notify: true,
        }
    }
}

/// The colour scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Theme {
    /// The system's.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// The value that a key of `[app]` names; none for a missing or unknown word.
pub(super) fn word<T: Copy, const N: usize>(
    lookup: &mut Lookup<'_>,
    key: &'static str,
    all: [T; N],
    as_str: fn(T) -> &'static str,
) -> Option<T> {
    let found = lookup.text("app", key, None)?.value;
    all.into_iter().find(|one| as_str(*one) == found)
}

pub(super) fn read(lookup: &mut Lookup<'_>) -> Preferences {
    let theme = match lookup
        .text("app", "theme", None)
        .map(|theme| theme.value)
        .as_deref()
    {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::System,
    };
    Preferences {
        theme,
        welcomed: lookup.flag("app", "welcomed").unwrap_or_default(),
        sort: word(lookup, "sort", Sort::ALL, Sort::as_str).unwrap_or_default(),
        group: word(lookup, "group", Grouping::ALL, Grouping::as_str).unwrap_or_default(),
        notify: lookup.flag("app", "notify").unwrap_or(true),
    }
}
