//! The menu of a Snapshot, read as a user would.

use mcm_core::account::SessionTimes;
use mcm_core::environment::EnvironmentSettings;
use mcm_core::snapshot::PinnedTarget;

use super::*;
use crate::fixtures::{account, at, snapshot, target};

fn menu(accounts: Vec<AccountView>) -> Menu {
    Menu::of(&snapshot(accounts), |_| vec![], at(0))
}

/// One line an entry, indented, `*` for a tick.
fn drawn(items: &[Item]) -> Vec<String> {
    let mut lines = Vec::new();
    for item in items {
        match item {
            Item::Separator => lines.push("--".into()),
            Item::Text(label) => lines.push(format!("({label})")),
            Item::Choice { label, .. } => lines.push(label.clone()),
            Item::Tick { label, ticked, .. } => {
                lines.push(format!("{}{label}", if *ticked { "* " } else { "" }));
            }
            Item::Submenu { label, items } => {
                lines.push(format!("{label} >"));
                lines.extend(drawn(items).into_iter().map(|line| format!("  {line}")));
            }
        }
    }
    lines
}

#[test]
fn the_tooltip_names_what_is_in_use_and_what_needs_the_user() {
    let mut contoso = account(Cloud::Azure, 1, "Contoso & sons");
    contoso.active = true;
    let mut fabrikam = account(Cloud::Azure, 2, "Fabrikam");
    let shown = |accounts: Vec<AccountView>| tooltip(&snapshot(accounts), at(0));
    assert_eq!(shown(vec![]), "Multi-Cloud Manager");
    assert_eq!(
        shown(vec![contoso.clone(), fabrikam.clone()]),
        "Azure: Contoso & sons, 50 min"
    );
    fabrikam.status = Status::SignInAgain;
    assert_eq!(
        shown(vec![contoso.clone(), fabrikam.clone()]),
        "Azure: Contoso & sons, 50 min · Fabrikam needs you"
    );
    contoso.status = Status::SignInAgain;
    assert_eq!(shown(vec![contoso, fabrikam]), "2 accounts need you");
}

#[test]
fn the_menu_shows_the_account_in_use_and_offers_the_others() {
    let mut contoso = account(Cloud::Azure, 1, "Contoso");
    contoso.active = true;
    contoso.target = Some(target("sub-2", "Production"));
    let mut fabrikam = account(Cloud::Azure, 2, "Fabrikam");
    fabrikam.status = Status::SignInAgain;
    let google = account(Cloud::Gcp, 3, "ada@example.com");
    let targets = |_: &AccountId| {
        vec![
            target("sub-1", "Development"),
            target("sub-2", "Production"),
        ]
    };
    let menu = Menu::of(&snapshot(vec![contoso, fabrikam, google]), targets, at(0));
    assert_eq!(
        drawn(&menu.0),
        [
            "Azure: Contoso · 50 min left",
            "(Google Cloud: none in use)",
            "--",
            "Azure accounts >",
            "  * Contoso",
            "  Fabrikam · sign in again",
            "Subscriptions of Contoso >",
            "  * Production",
            "  Development",
            "Open Azure portal",
            "Google Cloud accounts >",
            "  ada@example.com",
            "--",
            "Connect account…",
            "Open dashboard",
            "Pause automatic renewal",
            "--",
            "Quit",
        ]
    );
}

#[test]
fn names_that_look_alike_have_their_ids_beside_them() {
    let mut contoso = account(Cloud::Azure, 1, "Contoso");
    contoso.active = true;
    let other = account(Cloud::Azure, 2, "Cont\u{43e}so");
    let long = |number| account(Cloud::Azure, number, &format!("{}{number}", "x".repeat(50)));
    let fabrikam = account(Cloud::Azure, 5, "Fabrikam");
    let mut elsewhere = account(Cloud::Gcp, 6, "Contoso");
    elsewhere.looks_like_another = true;
    let ids = [&contoso, &other, &elsewhere].map(|row| row.id.clone());
    let rows = vec![contoso, other, long(3), long(4), fabrikam, elsewhere];
    let targets = |_: &AccountId| vec![target("sub-1", "Prod"), target("sub-2", "Pr\u{43e}d")];
    let lines = drawn(&Menu::of(&snapshot(rows), targets, at(0)).0);
    let cut = format!("{}…", "x".repeat(40));
    for expected in [
        format!("Azure: Contoso ({}) · 50 min left", ids[0]),
        format!("  * Contoso ({})", ids[0]),
        format!("  Cont\u{43e}so ({})", ids[1]),
        "  Fabrikam".into(),
        format!("Subscriptions of Contoso ({}) >", ids[0]),
        "  Prod (sub-1)".into(),
        "  Pr\u{43e}d (sub-2)".into(),
        format!("  Contoso ({})", ids[2]),
    ] {
        assert!(lines.contains(&expected), "{expected} in {lines:#?}");
    }
    let cut = |line: &&String| line.trim().starts_with(&format!("{cut} ("));
    assert_eq!(lines.iter().filter(cut).count(), 2, "{lines:#?}");
}

#[test]
fn without_accounts_the_menu_offers_to_connect_one() {
    assert_eq!(
        drawn(&menu(vec![]).0),
        [
            "(No account connected)",
            "--",
            "Connect account…",
            "Open dashboard",
            "Pause automatic renewal",
            "--",
            "Quit"
        ]
    );
}

#[test]
fn the_menu_of_one_account_is_this_value() {
    let mut view = account(Cloud::Aws, 1, "contoso-prod");
    view.active = true;
    view.status = Status::SignInAgain;
    let id = view.id.clone();
    let choice = |action: Action, label: &str| Item::Choice {
        action,
        label: label.into(),
    };
    let tick = |action: Action, label: &str, ticked: bool| Item::Tick {
        action,
        label: label.into(),
        ticked,
    };
    assert_eq!(
        menu(vec![view]),
        Menu(vec![
            choice(
                Action::Show(id.clone()),
                "AWS: contoso-prod · sign in again"
            ),
            Item::Separator,
            Item::Submenu {
                label: "AWS accounts".into(),
                items: vec![tick(
                    Action::Use(id.clone()),
                    "contoso-prod · sign in again",
                    true
                )],
            },
            choice(Action::Console(id), "Open AWS console"),
            Item::Separator,
            choice(Action::Connect, "Connect account…"),
            choice(Action::Open, "Open dashboard"),
            tick(Action::Pause(true), "Pause automatic renewal", false),
            Item::Separator,
            choice(Action::Quit, "Quit"),
        ])
    );
}

#[test]
fn a_thousand_accounts_of_three_clouds_keep_the_menu_short_and_grouped() {
    let accounts: Vec<AccountView> = (0..1_000)
        .map(|number| {
            account(
                Cloud::ALL[number as usize % 3],
                number,
                &format!("Account {number}"),
            )
        })
        .collect();
    let lines = drawn(&menu(accounts).0);
    let headings: Vec<&String> = lines.iter().filter(|line| line.ends_with(" >")).collect();
    assert_eq!(
        headings,
        [
            "Azure accounts >",
            "Google Cloud accounts >",
            "AWS accounts >"
        ]
    );
    let rest: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("in the dashboard"))
        .collect();
    assert_eq!(
        rest,
        [
            "  All 334 in the dashboard…",
            "  All 333 in the dashboard…",
            "  All 333 in the dashboard…"
        ]
    );
    assert_eq!(lines.len(), 3 + 1 + 3 * (1 + MOST + 2) + 1 + 3 + 1 + 1);
}

#[test]
fn the_time_left_is_shown_in_minutes_and_hours() {
    for (left, said) in [
        (-1, "renews on use"),
        (0, "renews on use"),
        (59, "under 1 min left"),
        (60, "1 min left"),
        (3599, "59 min left"),
        (3600, "1 h 00 min left"),
        (86_399, "23 h 59 min left"),
    ] {
        let mut view = account(Cloud::Azure, 1, "Contoso");
        view.session = Some(SessionTimes {
            issued_at: at(-1),
            expires_at: at(left),
        });
        assert_eq!(standing(&view, at(0)), said, "{left}");
    }
}

#[test]
fn a_thousand_accounts_make_a_menu_of_twenty_with_the_one_in_use_and_the_last_used_first() {
    let mut accounts: Vec<AccountView> = (0..1_000)
        .map(|number| account(Cloud::Azure, number, &format!("Tenant {number}")))
        .collect();
    accounts[900].active = true;
    accounts[900].used_at = Some(at(-100));
    accounts[500].used_at = Some(at(-1));
    let Some(Item::Submenu { items, .. }) = menu(accounts)
        .0
        .into_iter()
        .find(|item| matches!(item, Item::Submenu { .. }))
    else {
        panic!("there is a submenu");
    };
    let lines = drawn(&items);
    assert_eq!(lines[..3], ["* Tenant 900", "Tenant 500", "Tenant 0"]);
    assert_eq!(lines[20..], ["--", "All 1000 in the dashboard…"]);
}

#[test]
fn the_chosen_target_is_shown_among_many() {
    let mut view = account(Cloud::Azure, 1, "Contoso");
    view.target = Some(target("sub-99", "Subscription 99"));
    let targets: Vec<Target> = (0..100)
        .map(|number| target(&format!("sub-{number}"), &format!("Subscription {number}")))
        .collect();
    let Some(Item::Submenu { items, .. }) = targets_of(&view, "Contoso", &targets) else {
        panic!("there is a submenu")
    };
    assert_eq!(drawn(&items)[..2], ["* Subscription 99", "Subscription 0"]);
    assert_eq!(drawn(&items)[20..], ["--", "All 100 in the dashboard…"]);
}

#[test]
fn a_name_from_a_server_cannot_forge_an_entry() {
    assert_eq!(name("R&D _ops_"), "R&&D _ops_");
    assert_eq!(name("Contoso\nQuit\r\u{2028}x"), "ContosoQuitx");
    assert_eq!(name("a\u{202e}tiuQ\u{200b}\u{200f}"), "atiuQ");
    assert_eq!(name(" \u{200b} "), "(no name)");
    assert_eq!(
        name(&"&".repeat(1_000)),
        format!("{}…", "&&".repeat(MAX_LABEL_CHARS - 1) + "&&")
    );
    assert_eq!(
        name(&"x".repeat(MAX_LABEL_CHARS)),
        "x".repeat(MAX_LABEL_CHARS)
    );
}

#[test]
fn an_action_comes_back_from_its_id() {
    let id = || AccountId::from("azure-0123456789ab".to_owned());
    for action in [
        Action::Open,
        Action::Show(id()),
        Action::Connect,
        Action::Use(id()),
        Action::Console(id()),
        Action::Target(id(), "projects:with:colons/and spaces".into()),
        Action::Pause(true),
        Action::Pause(false),
        Action::Quit,
    ] {
        assert_eq!(Action::from_id(&action.id()), Some(action));
    }
    for id in ["", "target:azure-1", "pause:maybe", "1234"] {
        assert_eq!(Action::from_id(id), None, "{id:?}");
    }
}

#[test]
fn only_texts_and_ticks_change_while_time_passes() {
    let mut view = account(Cloud::Azure, 1, "Contoso");
    view.active = true;
    let before = snapshot(vec![view.clone(), account(Cloud::Azure, 2, "Fabrikam")]);
    let now = Menu::of(&before, |_| vec![], at(0));
    let later = Menu::of(&before, |_| vec![], at(60));
    assert!(now != later && now.has_shape_of(&later));
    view.status = Status::SignInAgain;
    let ended = menu(vec![view, account(Cloud::Azure, 2, "Fabrikam")]);
    assert!(
        now != ended && now.has_shape_of(&ended),
        "the entry says something else"
    );
    assert!(!now.has_shape_of(&menu(vec![])));
}

#[test]
fn the_icon_shows_first_what_needs_the_user() {
    let mut both = snapshot(vec![
        account(Cloud::Azure, 1, "Contoso"),
        account(Cloud::Gcp, 2, "Ada"),
    ]);
    assert_eq!(TrayStatus::of(&both), TrayStatus::Good);
    both.accounts[0].renewing = true;
    assert_eq!(TrayStatus::of(&both), TrayStatus::Renewing);
    both.unreachable = vec![Cloud::Azure];
    assert_eq!(
        TrayStatus::of(&both),
        TrayStatus::Renewing,
        "one cloud that fails is not the network"
    );
    both.unreachable.push(Cloud::Gcp);
    assert_eq!(TrayStatus::of(&both), TrayStatus::Offline);
    both.accounts[1].status = Status::SignInAgain;
    assert_eq!(TrayStatus::of(&both), TrayStatus::NeedsYou);
    both.accounts[1].status = Status::Connected;
    both.keychain.state = KeychainState::Locked;
    assert_eq!(TrayStatus::of(&both), TrayStatus::NeedsYou);
}

#[test]
fn a_pinned_target_is_an_entry_of_its_own_under_its_account() {
    // I29
    let pin = |id: &str, name: &str, listed| PinnedTarget {
        target: target(id, name),
        listed,
    };
    let mut contoso = account(Cloud::Azure, 1, "Contoso");
    contoso.active = true;
    contoso.target = Some(target("sub-2", "R&D / Admin"));
    contoso.pinned = vec![
        pin("sub-1", "Labs / ReadOnly", true),
        pin("sub-2", "R&D / Admin", true),
        pin("sub-3", "sub-3", false),
    ];
    let drawn = drawn(&menu(vec![contoso]).0);
    let accounts: Vec<&str> = drawn
        .iter()
        .map(String::as_str)
        .skip_while(|line| *line != "Azure accounts >")
        .take(5)
        .collect();
    assert_eq!(
        accounts,
        [
            "Azure accounts >",
            "  * Contoso",
            "      Labs / ReadOnly",
            "  *     R&&D / Admin",
            "  (    sub-3 · no longer listed)",
        ]
    );
    let action = Action::UseTarget("azure-1".to_owned().into(), "012345678901/A:b".into());
    assert_eq!(Action::from_id(&action.id()), Some(action));
}

#[test]
fn environments_come_first_with_the_one_in_use_ticked_and_the_time_of_a_protected_one() {
    let environment = |name: &str| EnvironmentView {
        name: name.into(),
        clusters: Vec::new(),
        members: vec![],
        settings: EnvironmentSettings::default(),
        in_use: false,
        confirmed_until: None,
    };
    let protected = |name: &str, confirmed_until| EnvironmentView {
        settings: EnvironmentSettings {
            is_protected: true,
            ..EnvironmentSettings::default()
        },
        confirmed_until,
        ..environment(name)
    };
    let mut shown = snapshot(vec![account(Cloud::Azure, 1, "Contoso")]);
    shown.environments = vec![
        EnvironmentView {
            in_use: true,
            ..environment("dev")
        },
        environment("test"),
        protected("prod-eu", Some(at(12 * 60))),
        protected("prod-us", Some(at(-1))),
    ];
    let menu = Menu::of(&shown, |_| vec![], at(0));
    assert_eq!(
        drawn(&menu.0)[..5],
        [
            "Environments >",
            "  * dev",
            "  test",
            "  prod-eu · 12 min left",
            "  prod-us · protected",
        ]
    );
    for action in [Action::Environment("dev".into()), Action::Environments] {
        assert_eq!(Action::from_id(&action.id()), Some(action));
    }
}
