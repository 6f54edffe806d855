//! The tray's menu as a value: built from a Snapshot, compared, and tested without a desktop.
//!
//! Names come from servers, so a label is one line, cut, and without characters that have a meaning in menus.

use jiff::Timestamp;
use mcm_core::account::{AccountId, Cloud, Target};
use mcm_core::snapshot::{AccountView, Snapshot, Status};
use mcm_core::text::shown;
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
            if let Some(active) = active(snapshot, *cloud) {
                items.extend(targets_of(active, &targets(&active.id)));
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

fn active(snapshot: &Snapshot, cloud: Cloud) -> Option<&AccountView> {
    of(snapshot, cloud).find(|account| account.active)
}

/// The line with the account in use in a cloud, and its remaining time.
fn in_use(snapshot: &Snapshot, cloud: Cloud, now: Timestamp) -> Item {
    match active(snapshot, cloud) {
        None => Item::Text(format!("{}: none in use", cloud.title())),
        Some(account) => Item::Choice {
            action: Action::Show(account.id.clone()),
            label: format!(
                "{}: {} · {}",
                cloud.title(),
                name(&account.name),
                standing(account, now)
            ),
        },
    }
}

fn standing(account: &AccountView, now: Timestamp) -> String {
    let left = account
        .session
        .map(|session| session.expires_at.duration_since(now))
        .filter(|left| left.is_positive());
    match (account.status, left) {
        (Status::SignInAgain, _) => "sign in again".into(),
        (Status::Locked, _) => "keychain locked".into(),
        (Status::Offline, None) => "offline".into(),
        (Status::Expired, _) => "expired".into(),
        (_, None) => "renews on use".into(),
        (_, Some(left)) => format!("{} left", words::duration(left)),
    }
}

fn accounts(snapshot: &Snapshot, cloud: Cloud) -> Item {
    let mut rows: Vec<&AccountView> = of(snapshot, cloud).collect();
    let count = rows.len();
    // A stable sort: accounts that were never used keep the Snapshot's order, starred first and then by name.
    rows.sort_by_key(|account| (!account.active, std::cmp::Reverse(account.used_at)));
    rows.truncate(MOST);
    let mut items: Vec<Item> = rows.into_iter().map(account).collect();
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

fn account(account: &AccountView) -> Item {
    let mut label = name(&account.name);
    if account.status == Status::SignInAgain {
        label.push_str(" · sign in again");
    }
    Item::Tick {
        action: Action::Use(account.id.clone()),
        label,
        ticked: account.active,
    }
}

fn console(account: &AccountView) -> Item {
    Item::Choice {
        action: Action::Console(account.id.clone()),
        label: format!("Open {}", words::console(account.cloud)),
    }
}

fn targets_of(account: &AccountView, targets: &[Target]) -> Option<Item> {
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
    let tick = |target: &Target| Item::Tick {
        action: Action::Target(account.id.clone(), target.id.clone()),
        label: name(&target.name),
        ticked: is_chosen(target),
    };
    let mut items: Vec<Item> = shown.into_iter().map(tick).collect();
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
        label: format!("{}{rest} of {}", first.to_uppercase(), name(&account.name)),
        items,
    })
}

/// A name from a server as a part of a label: one line, cut, and each `&` doubled, because a single one marks the
/// letter that opens an entry.
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
        cut.replace('&', "&&")
    }
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
    /// No cloud can be reached.
    Offline,
}

impl TrayStatus {
    /// The status of a Snapshot; what needs the user comes first.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        let any = |fits: fn(&AccountView) -> bool| snapshot.accounts.iter().any(fits);
        let is_locked = snapshot.keychain.state == KeychainState::Locked;
        if is_locked || any(|account| account.status == Status::SignInAgain) {
            Self::NeedsYou
        } else if snapshot.offline {
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
