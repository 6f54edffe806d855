//! What the tray and the dashboard draw: one value, whole, without any secret.
//!
//! What lives here: the types and nothing else; `app/build_snapshot.rs` builds them. They are exported to `ui/src/bindings` by
//! this crate's tests. Texts for a user stand in `ui/src/text.ts`, so a Snapshot carries facts, not sentences;
//! the exceptions are errors, whose sentence is made where the cause is known.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::account::{
    AccountId, Cloud, Identity, OfferedTenant, SessionTimes, SignInEnd, Target, TargetsChange,
};
use crate::error::ErrorView;
use crate::provider::CloudView;
use crate::settings::Preferences;
use crate::sign_in::SignInView;
use crate::vault::KeychainView;

/// Everything a screen shows, at one moment. `revision` only grows.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Snapshot {
    /// Grows with every change; a screen drops what is older than what it shows.
    #[ts(type = "number")]
    pub revision: u64,
    /// The machine's time when it was made.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// The connected accounts, by cloud, the last used first.
    pub accounts: Vec<AccountView>,
    /// The three clouds and whether each can be signed in to.
    pub clouds: Vec<CloudView>,
    /// Sign-ins in progress, and those that ended and were not dismissed yet.
    pub sign_ins: Vec<SignInView>,
    /// The state of the keychain.
    pub keychain: KeychainView,
    /// Whether the last attempts to reach a cloud all failed for want of a network.
    pub offline: bool,
    /// Whether the user paused renewing.
    pub paused: bool,
    /// What a user must know about files and settings.
    pub problems: Vec<ErrorView>,
    /// How the app looks and behaves, as chosen.
    pub preferences: Preferences,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct AccountView {
    /// Its id.
    pub id: AccountId,
    /// Its cloud.
    pub cloud: Cloud,
    /// The user's name for it, or the cloud's.
    pub name: String,
    /// Whether `name` was given by the user.
    pub renamed: bool,
    /// The colour given by the user.
    pub colour: Option<String>,
    /// Whether it is starred.
    pub starred: bool,
    /// Whether it is the one in use in its cloud.
    pub active: bool,
    /// Who it is.
    pub identity: Identity,
    /// How it stands.
    pub status: Status,
    /// Why it needs the user, or why the last renewal failed.
    pub renewal_failure: Option<ErrorView>,
    /// When the next attempt to renew is made after a passing failure.
    #[ts(type = "string | null")]
    pub retry_at: Option<Timestamp>,
    /// Whether a renewal is running.
    pub renewing: bool,
    /// How long the session lives; none when there is no session.
    pub session: Option<SessionTimes>,
    /// When the sign-in itself ends, where known.
    pub sign_in_end: Option<SignInEnd>,
    /// The chosen target.
    pub target: Option<Target>,
    /// How many targets it has.
    pub target_count: u32,
    /// Grows when the list of targets changes, so that a screen knows to ask for it again.
    #[ts(type = "string | null")]
    pub targets_read_at: Option<Timestamp>,
    /// What the last change of the list was.
    pub targets_change: Option<TargetsChange>,
    /// How many targets have been read so far, while they are being read.
    pub reading_targets: Option<u32>,
    /// Why the targets could not be read the last time.
    pub targets_error: Option<ErrorView>,
    /// Tenants that the same sign-in may enter and that are not rows yet.
    pub offered: Vec<OfferedTenant>,
    /// Scopes that were asked for and not granted.
    pub missing_scopes: Vec<String>,
    /// When it was first connected.
    #[ts(type = "string")]
    pub connected_at: Timestamp,
    /// When it was last chosen or handed out.
    #[ts(type = "string | null")]
    pub used_at: Option<Timestamp>,
}

/// How an account stands. The same words as in `mcm accounts --json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Status {
    /// A session is valid, or will be made when it is asked for.
    Connected,
    /// The session is over and the last attempts to renew it failed for a passing reason.
    Expired,
    /// Only a new interactive sign-in helps.
    SignInAgain,
    /// The keychain is locked, so nothing can be read.
    Locked,
    /// The cloud cannot be reached; what is shown is what was last known.
    Offline,
}

/// What a search found: an account and, when a target's name or id fitted, that target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Found {
    /// The account.
    pub account: AccountId,
    /// The target that fitted, when the account itself did not.
    pub target: Option<Target>,
}

/// What can be copied to the clipboard. None of them is a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Copyable {
    /// The tenant id, project id, account id.
    CloudId,
    /// The id of the chosen target.
    TargetId,
    /// The account's id in this app, as `mcm` takes it.
    AccountId,
    /// A shell line that prints an access token.
    TokenCommand,
}
