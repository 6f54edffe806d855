//! The tray's menu as a value: built from a Snapshot, compared, and tested without a desktop.
//!
//! Names come from servers, so a label is one line, cut, and without characters that have a meaning in menus.

use jiff::Timestamp;
use mcm_core::account::{AccountId, Cloud, Target};
use mcm_core::snapshot::{AccountView, EnvironmentView, Snapshot, Status};
use mcm_core::text::{look_alike, shown};
use mcm_core::vault::KeychainState;
use mcm_core::words;

/// The most entries of one submenu; the dashboard has the rest.
const MOST: usize = 20;
/// The longest name in a label, in characters.
const MAX_LABEL_CHARS: usize = 40;

/// A menu, top to bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Menu(pub(crate) Vec<Item>);

/// An entry of a menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A line between groups.
    Separator,
    /// A text without an action.
    Text(String),
    /// An entry with an action.
    Choice { action: Action, label: String },
    /// An entry with an action, ticked or not.
    Tick {
        action: Action,
        label: String,
        ticked: bool,
    },
    /// A submenu.
    Submenu { label: String, items: Vec<Item> },
}

/// The action of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Open the dashboard.
    Open,
    /// Open the dashboard at an account.
    Show(AccountId),
    /// Open the dashboard where a cloud is connected.
    Connect,
    /// Use the account in its cloud, or sign in to it first if needed.
    Use(AccountId),
    /// Open the cloud's own console as the account.
    Console(AccountId),
    /// Work on the account's target.
    Target(AccountId, String),
    /// Use the account with this target, or sign in to it first if needed.
    UseTarget(AccountId, String),
    /// Use all accounts of an environment.
    Environment(String),
    /// Open the dashboard at the environments.
    Environments,
    /// Pause or resume automatic renewal.
    Pause(bool),
    /// Quit the app.
    Quit,
}

impl Action {
    /// The action as the menu's id. It is complete, so that a click on a menu that has just changed runs the action
    /// that the user read.
    pub(crate) fn id(&self) -> String {
        match self {
            Self::Open => "open".into(),
            Self::Show(account) => format!("show:{account}"),
            Self::Connect => "connect".into(),
            Self::Use(account) => format!("use:{account}"),
            Self::Console(account) => format!("console:{account}"),
            Self::Target(account, target) => format!("target:{account}:{target}"),
            Self::UseTarget(account, target) => format!("use-target:{account}:{target}"),
            Self::Environment(name) => format!("environment:{name}"),
            Self::Environments => "environments".into(),
            Self::Pause(pause) => format!("pause:{pause}"),
            Self::Quit => "quit".into(),
        }
    }

    /// The action of an id.
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        let account = |text: &str| AccountId::from(text.to_owned());
        let (verb, object) = id.split_once(':').unwrap_or((id, ""));
        Some(match verb {
            "open" => Self::Open,
            "show" => Self::Show(account(object)),
            "connect" => Self::Connect,
            "use" => Self::Use(account(object)),
            "console" => Self::Console(account(object)),
            "target" => {
                let (of, target) = object.split_once(':')?;
                Self::Target(account(of), target.to_owned())
            }
            "use-target" => {
                let (of, target) = object.split_once(':')?;
                Self::UseTarget(account(of), target.to_owned())
            }
            "environment" => Self::Environment(object.to_owned()),
            "environments" => Self::Environments,
            "pause" => Self::Pause(object.parse().ok()?),
            "quit" => Self::Quit,
            _ => return None,
        })
    }
}

impl Menu {
    /// The menu of a Snapshot. `targets` returns the targets of an account in use.
    pub(crate) fn of(
        snapshot: &Snapshot,
        targets: impl Fn(&AccountId) -> Vec<Target>,
        now: Timestamp,
    ) -> Self {
        let mut items = Vec::new();
        items.extend(environments(snapshot, now));
        let connected: Vec<Cloud> = Cloud::ALL
            .into_iter()
            .filter(|cloud| of(snapshot, *cloud).count() > 0)
            .collect();
        if connected.is_empty() {
            items.push(Item::Text("No account connected".into()));
        }
        items.extend(connected.iter().map(|cloud| in_use(snapshot, *cloud, now)));
        items.push(Item::Separator);
        for cloud in &connected {
            items.push(accounts(snapshot, *cloud));
            if let Some((active, label)) = active(snapshot, *cloud) {
                items.extend(targets_of(active, &label, &targets(&active.id)));
                items.push(console(active));
            }
        }
        if !connected.is_empty() {
            items.push(Item::Separator);
        }
        items.push(Item::Choice {
            action: Action::Connect,
            label: "Connect account…".into(),
        });
        items.push(Item::Choice {
            action: Action::Open,
            label: "Open dashboard".into(),
        });
        items.push(Item::Tick {
            action: Action::Pause(!snapshot.paused),
            label: "Pause automatic renewal".into(),
            ticked: snapshot.paused,
        });
        items.push(Item::Separator);
        items.push(Item::Choice {
            action: Action::Quit,
            label: "Quit".into(),
        });
        Self(items)
    }

    /// Whether `other` differs only in texts and ticks, so that an open menu stays open.
    pub(crate) fn has_shape_of(&self, other: &Self) -> bool {
        have_one_shape(&self.0, &other.0)
    }
}

/// The environments, the one in use ticked. A protected one is confirmed in the dashboard, and its time is shown.
fn environments(snapshot: &Snapshot, now: Timestamp) -> Option<Item> {
    let item = |view: &EnvironmentView| {
        let name = view.name.clone();
        if !view.settings.is_protected {
            return Item::Tick {
                action: Action::Environment(view.name.clone()),
                label: name,
                ticked: view.in_use,
            };
        }
        let time = view.confirmed_until.filter(|until| *until > now);
        let state = match time {
            Some(until) => format!("{} left", words::duration(until.duration_since(now))),
            None => "protected".to_owned(),
        };
        Item::Choice {
            action: Action::Environments,
            label: format!("{name} · {state}"),
        }
    };
    let items: Vec<Item> = snapshot.environments.iter().take(MOST).map(item).collect();
    (!items.is_empty()).then(|| Item::Submenu {
        label: "Environments".into(),
        items,
    })
}

fn have_one_shape(these: &[Item], those: &[Item]) -> bool {
    let same = |(this, that): (&Item, &Item)| match (this, that) {
        (Item::Separator, Item::Separator) | (Item::Text(_), Item::Text(_)) => true,
        (Item::Choice { action: this, .. }, Item::Choice { action: that, .. })
        | (Item::Tick { action: this, .. }, Item::Tick { action: that, .. }) => this == that,
        (Item::Submenu { items: these, .. }, Item::Submenu { items: those, .. }) => {
            have_one_shape(these, those)
        }
        _ => false,
    };
    these.len() == those.len() && these.iter().zip(those).all(same)
}

fn of(snapshot: &Snapshot, cloud: Cloud) -> impl Iterator<Item = &AccountView> {
    snapshot
        .accounts
        .iter()
        .filter(move |account| account.cloud == cloud)
}

/// The account in use in a cloud, and its name.
fn active(snapshot: &Snapshot, cloud: Cloud) -> Option<(&AccountView, String)> {
    let mut rows = shown_rows(snapshot, cloud).into_iter();
    rows.find(|(account, _)| account.active)
}

/// The accounts of a cloud that the menu shows, the one in use first, and their names.
fn shown_rows(snapshot: &Snapshot, cloud: Cloud) -> Vec<(&AccountView, String)> {
    let mut rows: Vec<&AccountView> = of(snapshot, cloud).collect();
    // A stable sort: accounts that were never used keep the Snapshot's order, starred first and then by name.
    rows.sort_by_key(|account| (!account.active, std::cmp::Reverse(account.used_at)));
    rows.truncate(MOST);
    let names = rows.iter().map(|account| NameParts {
        name: &account.name,
        id: account.id.as_str(),
        is_alike: account.looks_like_another,
    });
    let names = names_of(names.collect());
    rows.into_iter().zip(names).collect()
}

/// The line with the account in use in a cloud, and its remaining time.
fn in_use(snapshot: &Snapshot, cloud: Cloud, now: Timestamp) -> Item {
    match active(snapshot, cloud) {
        None => Item::Text(format!("{}: none in use", cloud.title())),
        Some((account, name)) => Item::Choice {
            action: Action::Show(account.id.clone()),
            label: format!("{}: {name} · {}", cloud.title(), standing(account, now)),
        },
    }
}

/// The text beside the icon: the accounts in use and their time, then those that need the user.
pub(crate) fn tooltip(snapshot: &Snapshot, now: Timestamp) -> String {
    let in_use = Cloud::ALL.into_iter().filter_map(|cloud| {
        let (account, name) =
            active(snapshot, cloud).filter(|(account, _)| !needs_user(account))?;
        let standing = standing(account, now);
        let time = standing.strip_suffix(" left").unwrap_or(&standing);
        // No letter has a meaning here.
        let name = name.replace("&&", "&");
        Some(format!("{}: {name}, {time}", cloud.title()))
    });
    let mut parts: Vec<String> = in_use.collect();
    let waiting: Vec<&AccountView> = snapshot
        .accounts
        .iter()
        .filter(|account| needs_user(account))
        .collect();
    if snapshot.keychain.state == KeychainState::Locked {
        parts.push("The keychain is locked".into());
    }
    match waiting.as_slice() {
        [] => {}
        [one] => parts.push(format!("{} needs you", tooltip_name(one))),
        several => parts.push(format!("{} accounts need you", several.len())),
    }
    if parts.is_empty() {
        parts.push("Multi-Cloud Manager".into());
    }
    parts.join(" · ")
}

fn needs_user(account: &AccountView) -> bool {
    account.status == Status::SignInAgain
}

/// A name in the tooltip, where no letter has a meaning.
fn tooltip_name(account: &AccountView) -> String {
    name(&account.name).replace("&&", "&")
}

fn standing(account: &AccountView, now: Timestamp) -> String {
    let left = account
        .session
        .map(|session| session.expires_at.duration_since(now))
        .filter(|left| left.is_positive());
    match (account.status, left) {
        (Status::SignInAgain, _) => "sign in again".into(),
        (Status::Locked, _) => "keychain locked".into(),
        (Status::Unknown, _) => "keychain unavailable".into(),
        (Status::Offline, None) => "unreachable".into(),
        (Status::Expired, _) => "expired".into(),
        (_, None) => "renews on use".into(),
        (_, Some(left)) => format!("{} left", words::duration(left)),
    }
}

fn accounts(snapshot: &Snapshot, cloud: Cloud) -> Item {
    let count = of(snapshot, cloud).count();
    let rows = shown_rows(snapshot, cloud).into_iter();
    let entries =
        rows.flat_map(|(row, name)| std::iter::once(account(row, name)).chain(pinned(row)));
    let mut items: Vec<Item> = entries.collect();
    if count > MOST {
        let label = format!("All {count} in the dashboard…");
        items.extend([
            Item::Separator,
            Item::Choice {
                action: Action::Open,
                label,
            },
        ]);
    }
    Item::Submenu {
        label: format!("{} accounts", cloud.title()),
        items,
    }
}

fn account(account: &AccountView, name: String) -> Item {
    let mut label = name;
    if account.status == Status::SignInAgain {
        label.push_str(" · sign in again");
    }
    Item::Tick {
        action: Action::Use(account.id.clone()),
        label,
        ticked: account.active,
    }
}

/// The pinned targets of an account, each an entry of its own. One that its cloud no longer lists cannot be used.
fn pinned(account: &AccountView) -> impl Iterator<Item = Item> + '_ {
    let is_chosen = |target: &Target| {
        account.active
            && account
                .target
                .as_ref()
                .is_some_and(|chosen| chosen.id == target.id)
    };
    account.pinned.iter().take(MOST).map(move |pinned| {
        let target = &pinned.target;
        let label = format!("    {}", name(&target.name));
        if !pinned.listed {
            return Item::Text(format!("{label} · no longer listed"));
        }
        Item::Tick {
            action: Action::UseTarget(account.id.clone(), target.id.clone()),
            label,
            ticked: is_chosen(target),
        }
    })
}

fn console(account: &AccountView) -> Item {
    Item::Choice {
        action: Action::Console(account.id.clone()),
        label: format!("Open {}", words::console(account.cloud)),
    }
}

fn targets_of(account: &AccountView, name: &str, targets: &[Target]) -> Option<Item> {
    if targets.is_empty() {
        return None;
    }
    let is_chosen = |target: &Target| {
        account
            .target
            .as_ref()
            .is_some_and(|chosen| chosen.id == target.id)
    };
    // The chosen one first, so that it is always shown.
    let mut shown: Vec<&Target> = targets.iter().collect();
    shown.sort_by_key(|target| !is_chosen(target));
    shown.truncate(MOST);
    let names = shown.iter().map(|target| NameParts {
        name: &target.name,
        id: &target.id,
        is_alike: false,
    });
    let names = names_of(names.collect());
    let tick = |(target, label): (&Target, String)| Item::Tick {
        action: Action::Target(account.id.clone(), target.id.clone()),
        label,
        ticked: is_chosen(target),
    };
    let mut items: Vec<Item> = shown.into_iter().zip(names).map(tick).collect();
    if targets.len() > MOST {
        let label = format!("All {} in the dashboard…", targets.len());
        items.extend([
            Item::Separator,
            Item::Choice {
                action: Action::Show(account.id.clone()),
                label,
            },
        ]);
    }
    let (first, rest) = words::targets(&account.identity).split_at(1);
    Some(Item::Submenu {
        label: format!("{}{rest} of {name}", first.to_uppercase()),
        items,
    })
}

/// What a label is made of.
struct NameParts<'a> {
    name: &'a str,
    id: &'a str,
    /// Whether the name looks like one that the menu may not show.
    is_alike: bool,
}

/// The names of entries that are shown together, each with its id where it looks like another.
fn names_of(entries: Vec<NameParts<'_>>) -> Vec<String> {
    let names: Vec<String> = entries.iter().map(|entry| name(entry.name)).collect();
    let alike = look_alike(names.iter().map(String::as_str));
    let with_id = entries.iter().zip(alike).zip(&names);
    let with_id = with_id.map(|((entry, is_alike), name)| {
        if is_alike || entry.is_alike {
            format!("{name} ({})", escaped(&shown(entry.id)))
        } else {
            name.clone()
        }
    });
    with_id.collect()
}

/// A name from a server as a part of a label: one line, and cut.
fn name(text: &str) -> String {
    let plain = shown(text);
    let mut cut: String = plain.chars().take(MAX_LABEL_CHARS).collect();
    if cut.len() < plain.len() {
        cut.truncate(cut.trim_end().len());
        cut.push('…');
    }
    if cut.is_empty() {
        "(no name)".into()
    } else {
        escaped(&cut)
    }
}

/// A text with each `&` doubled, because a single one marks the letter that opens an entry.
fn escaped(text: &str) -> String {
    text.replace('&', "&&")
}

/// The state that the icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrayStatus {
    /// No action needed.
    Good,
    /// A renewal is running.
    Renewing,
    /// The user has to act.
    NeedsYou,
    /// No cloud that has an account can be reached.
    Offline,
}

impl TrayStatus {
    /// The status of a Snapshot; what needs the user comes first.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let any = |fits: fn(&AccountView) -> bool| snapshot.accounts.iter().any(fits);
        let is_locked = snapshot.keychain.state == KeychainState::Locked;
        if is_locked || any(|account| account.status == Status::SignInAgain) {
            Self::NeedsYou
        } else if snapshot.is_offline() {
            Self::Offline
        } else if any(|account| account.renewing) {
            Self::Renewing
        } else {
            Self::Good
        }
    }
}

#[cfg(test)]
mod tests;
