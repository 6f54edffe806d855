//! Snapshots for tests of the tray, the windows and the notifications.

use jiff::Timestamp;
use mcm_core::account::{AccountId, Cloud, Identity, SessionTimes, Target};
use mcm_core::settings::Preferences;
use mcm_core::snapshot::{AccountView, Snapshot, Status};
use mcm_core::vault::{KeychainState, KeychainView};

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub(crate) fn account(cloud: Cloud, number: u32, name: &str) -> AccountView {
    AccountView {
        id: AccountId::from(format!("{cloud}-{number:012}")),
        cloud,
        leaves_at: None,
        name: name.into(),
        looks_like_another: false,
        renamed: false,
        colour: None,
        starred: false,
        active: false,
        identity: match cloud {
            Cloud::Azure => Identity::Azure {
                home: format!("{number}.1"),
                tenant_id: number.to_string(),
                tenant_name: None,
                default_domain: None,
                username: "ada@example.com".into(),
            },
            Cloud::Gcp | Cloud::Aws => Identity::Gcp {
                issuer: "https://issuer.example".into(),
                subject: number.to_string(),
                email: Some("ada@example.com".into()),
                hosted_domain: None,
            },
        },
        status: Status::Connected,
        never_signed_in: false,
        renewal_failure: None,
        retry_at: None,
        renewing: false,
        session: Some(SessionTimes {
            issued_at: at(-600),
            expires_at: at(3000),
        }),
        sign_in_end: None,
        target: None,
        pinned: Vec::new(),
        target_count: 0,
        targets_read_at: None,
        reading_targets: None,
        reading_accounts: None,
        targets_error: None,
        targets_change: None,
        offered: vec![],
        missing_scopes: vec![],
        connected_at: at(-600),
        used_at: None,
    }
}

pub(crate) fn target(id: &str, name: &str) -> Target {
    Target {
        id: id.into(),
        name: name.into(),
        state: None,
        parent: None,
    }
}

pub(crate) fn snapshot(accounts: Vec<AccountView>) -> Snapshot {
    Snapshot {
        revision: 1,
        at: at(0),
        accounts,
        clouds: vec![],
        sign_ins: vec![],
        keychain: KeychainView {
            state: KeychainState::Unlocked,
            name: "Keyring".into(),
            error: None,
        },
        unreachable: vec![],
        paused: false,
        problems: vec![],
        preferences: Preferences::default(),
        environments: vec![],
    }
}
