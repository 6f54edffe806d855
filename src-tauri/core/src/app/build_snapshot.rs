//! Builds the Snapshot from the state, without any request.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{Reading, State, environment_actions};
use crate::account::{Account, AccountId, Cloud, GrantKey, OfferedTenant, RenewalFailure, Target};
use crate::confirmations::Confirmations;
use crate::error::{Code, ErrorView};
use crate::provider;
use crate::resource::Resource;
use crate::session::Sessions;
use crate::snapshot::{AccountView, PinnedTarget, Snapshot, Status};
use crate::store::Accounts;
use crate::text;
use crate::vault::KeychainState;
use crate::world::World;

/// Builds the current Snapshot, with the next revision.
pub(super) fn build(state: &State, world: &World, sessions: &Sessions) -> Snapshot {
    let now = world.clock.now();
    let problems = [
        state
            .book_error
            .as_ref()
            .or(state.write_failure.as_ref())
            .map(ErrorView::from),
        state.settings.unreadable.clone(),
    ];
    Snapshot {
        revision: state.revision + 1,
        at: now,
        accounts: state.leaving.mark(rows(
            &state.stored,
            &state.reading,
            &state.signed_in_here,
            world,
            sessions,
            now,
        )),
        clouds: Cloud::ALL
            .map(|cloud| provider::cloud_view(&state.settings, cloud))
            .into(),
        sign_ins: state
            .sign_ins
            .values()
            .map(|sign_in| sign_in.view.clone())
            .collect(),
        keychain: world.vault.watch().borrow().clone(),
        unreachable: state.unreachable.iter().copied().collect(),
        paused: state.paused,
        problems: problems.into_iter().flatten().collect(),
        preferences: state.settings.preferences.clone(),
        environments: environment_actions::views(
            &state.stored,
            &Confirmations::in_folder(&world.paths.data),
            now,
        ),
    }
}

/// The rows of accounts: by cloud, the starred first, then the last used, then by name.
pub(super) fn rows(
    stored: &Accounts,
    reading: &HashMap<AccountId, Reading>,
    signed_in_here: &HashSet<GrantKey>,
    world: &World,
    sessions: &Sessions,
    now: Timestamp,
) -> Vec<AccountView> {
    let keychain = world.vault.watch().borrow().state;
    let row = |account: &Account| {
        let hidden = match keychain {
            KeychainState::Locked => Some(Status::Locked),
            KeychainState::Absent | KeychainState::Failed
                if !signed_in_here.contains(&account.grant) =>
            {
                Some(Status::Unknown)
            }
            _ => None,
        };
        let view = row(account, stored, sessions, hidden, now);
        let reading = reading.get(&account.id);
        AccountView {
            reading_targets: reading.map(|reading| reading.count),
            reading_accounts: reading.and_then(|reading| reading.accounts),
            ..view
        }
    };
    let mut accounts: Vec<AccountView> = stored.iter().map(row).collect();
    for cloud in Cloud::ALL {
        let of_cloud = || accounts.iter().filter(|row| row.cloud == cloud);
        let alike = text::look_alike(of_cloud().map(|row| row.name.as_str()));
        let rows = accounts.iter_mut().filter(|row| row.cloud == cloud);
        for (row, is_alike) in rows.zip(alike) {
            row.looks_like_another = is_alike;
        }
    }
    accounts.sort_by_cached_key(|account| {
        (
            account.cloud,
            !account.starred,
            Reverse(account.used_at),
            account.name.to_lowercase(),
        )
    });
    accounts
}

fn row(
    account: &Account,
    stored: &Accounts,
    sessions: &Sessions,
    hidden: Option<Status>,
    now: Timestamp,
) -> AccountView {
    let failure = sessions.failure(account, &Resource::Management);
    AccountView {
        id: account.id.clone(),
        cloud: account.cloud(),
        leaves_at: None,
        name: account.name(),
        looks_like_another: false,
        renamed: account.custom_name.is_some(),
        colour: account.colour.clone(),
        starred: account.starred,
        active: stored.is_active(account),
        identity: account.identity.clone(),
        status: status(account, failure, hidden, now),
        never_signed_in: account.generation == 0,
        renewal_failure: failure.map(|failure| failure.error.clone()),
        retry_at: failure.and_then(|failure| failure.not_before),
        renewing: sessions.is_renewing(&account.id),
        session: account.session.filter(|session| session.expires_at > now),
        sign_in_end: account.sign_in_end,
        target: account.chosen_target().cloned(),
        pinned: pinned(account),
        target_count: u32::try_from(account.targets.len()).unwrap_or(u32::MAX),
        targets_read_at: account.targets_read_at,
        targets_change: account.targets_change,
        reading_targets: None,
        reading_accounts: None,
        targets_error: account.targets_error.clone(),
        offered: still_offered(account, stored),
        missing_scopes: account.missing_scopes.clone(),
        connected_at: account.connected_at,
        used_at: account.used_at,
    }
}

/// The status of an account, or the one that a keychain without access gives it. An expired session is not a failure: it is
/// renewed on request.
pub(super) fn status(
    account: &Account,
    failure: Option<&RenewalFailure>,
    hidden: Option<Status>,
    now: Timestamp,
) -> Status {
    let is_over = account
        .session
        .is_none_or(|session| session.expires_at <= now);
    match (failure, hidden) {
        (Some(renewal_failure), _)
            if renewal_failure.is_final() || renewal_failure.error.code == Code::SignInAgain =>
        {
            Status::SignInAgain
        }
        (_, Some(hidden)) => hidden,
        (Some(renewal_failure), _) if is_over && renewal_failure.error.code == Code::Offline => {
            Status::Offline
        }
        (Some(_), _) if is_over => Status::Expired,
        _ => Status::Connected,
    }
}

/// The pinned targets, with the names that the list has for them.
fn pinned(account: &Account) -> Vec<PinnedTarget> {
    let of_id = |id: &String| {
        let listed = account.targets.iter().find(|target| target.id == *id);
        let unlisted = || Target {
            id: id.clone(),
            name: id.clone(),
            state: None,
            parent: None,
        };
        PinnedTarget {
            target: listed.cloned().unwrap_or_else(unlisted),
            listed: listed.is_some(),
        }
    };
    account.pinned.iter().map(of_id).collect()
}

/// The offered tenants that the same user has no row for yet.
fn still_offered(account: &Account, stored: &Accounts) -> Vec<OfferedTenant> {
    let connected = |tenant: &OfferedTenant| {
        provider::azure::identity_in_tenant(&account.identity, tenant)
            .is_some_and(|identity| stored.account(&identity.account_id()).is_some())
    };
    account
        .offered
        .iter()
        .filter(|tenant| !connected(tenant))
        .cloned()
        .collect()
}
