//! Builds the Snapshot from the state, without any request.

use jiff::Timestamp;

use super::{State, is_locked};
use crate::account::{Account, Cloud, OfferedTenant, RenewalFailure};
use crate::error::{Code, ErrorView};
use crate::provider;
use crate::resource::Resource;
use crate::session::Sessions;
use crate::snapshot::{AccountView, Snapshot, Status};
use crate::store::Accounts;
use crate::world::World;

/// Builds the current Snapshot, with the next revision.
pub(super) fn build(state: &mut State, world: &World, sessions: &Sessions) -> Snapshot {
    state.revision += 1;
    let now = world.clock.now();
    let locked = is_locked(world);
    let mut accounts: Vec<AccountView> = state
        .stored
        .accounts
        .iter()
        .map(|account| view(account, state, sessions, locked, now))
        .collect();
    accounts.sort_by(|a, b| {
        let order = |account: &AccountView| {
            (
                account.cloud,
                !account.starred,
                std::cmp::Reverse(account.used_at),
            )
        };
        order(a)
            .cmp(&order(b))
            .then_with(|| a.name.to_lowercase().cmp(&b.name.to_lowercase()))
    });
    let problems = [
        state.book_error.as_ref().map(ErrorView::from),
        state.settings.unreadable.clone(),
    ];
    Snapshot {
        revision: state.revision,
        at: now,
        accounts,
        clouds: Cloud::ALL
            .map(|cloud| provider::cloud_view(&state.settings, cloud))
            .into(),
        sign_ins: state
            .sign_ins
            .values()
            .map(|sign_in| sign_in.view.clone())
            .collect(),
        keychain: world.vault.watch().borrow().clone(),
        offline: state.offline,
        paused: state.paused,
        problems: problems.into_iter().flatten().collect(),
        preferences: state.settings.preferences.clone(),
    }
}

fn view(
    account: &Account,
    state: &State,
    sessions: &Sessions,
    locked: bool,
    now: Timestamp,
) -> AccountView {
    let failure = sessions.failure(account, &Resource::Management);
    AccountView {
        id: account.id.clone(),
        cloud: account.cloud(),
        name: account.name(),
        renamed: account.custom_name.is_some(),
        colour: account.colour.clone(),
        starred: account.starred,
        active: state.stored.is_active(account),
        identity: account.identity.clone(),
        status: status(account, failure, locked, now),
        renewal_failure: failure.map(|failure| failure.error.clone()),
        retry_at: failure.and_then(|failure| failure.not_before),
        renewing: sessions.is_renewing(&account.id),
        session: account.session.filter(|session| session.expires_at > now),
        sign_in_end: account.sign_in_end,
        target: account.chosen_target().cloned(),
        pinned: account.pinned.clone(),
        target_count: u32::try_from(account.targets.len()).unwrap_or(u32::MAX),
        targets_read_at: account.targets_read_at,
        targets_change: account.targets_change,
        reading_targets: state.reading.get(&account.id).map(|reading| reading.count),
        targets_error: account.targets_error.clone(),
        offered: still_offered(account, &state.stored),
        missing_scopes: account.missing_scopes.clone(),
        connected_at: account.connected_at,
        used_at: account.used_at,
    }
}

/// The status of an account. An expired session is not a failure: it is renewed on request.
pub(super) fn status(
    account: &Account,
    failure: Option<&RenewalFailure>,
    locked: bool,
    now: Timestamp,
) -> Status {
    let is_over = account
        .session
        .is_none_or(|session| session.expires_at <= now);
    match failure {
        Some(renewal_failure)
            if renewal_failure.is_final() || renewal_failure.error.code == Code::SignInAgain =>
        {
            Status::SignInAgain
        }
        _ if locked => Status::Locked,
        Some(renewal_failure) if is_over && renewal_failure.error.code == Code::Offline => {
            Status::Offline
        }
        Some(_) if is_over => Status::Expired,
        _ => Status::Connected,
    }
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
