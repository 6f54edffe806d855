//! What the tray and the dashboard show: one complete value, without secrets.
//!
//! What lives here: the types and nothing else; `app/build_snapshot.rs` builds them. They are exported to `ui/src/bindings` by
//! `ui/src/bindings`. Sentences for the user are in `ui/src/text/`, so a Snapshot carries facts; the exceptions are
//! errors, whose sentence is made where the cause is known.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::account::{
    AccountId, Cloud, Identity, OfferedTenant, SessionTimes, SignInEnd, Target, TargetsChange,
};
use crate::environment::EnvironmentSettings;
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
    /// Grows with every change; a screen ignores an older one than it shows.
    #[ts(type = "number")]
    pub revision: u64,
    /// The machine's time when it was built.
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
    /// The clouds that the last attempt could not reach, for want of a network or of an answer.
    pub unreachable: Vec<Cloud>,
    /// Whether the user paused renewing.
    pub paused: bool,
    /// Problems with files and settings that the user must know about.
    pub problems: Vec<ErrorView>,
    /// The preferences for the app's appearance and behaviour.
    pub preferences: Preferences,
    /// The environments, in the order of their names.
    pub environments: Vec<EnvironmentView>,
}

/// An environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct EnvironmentView {
    /// Its name.
    pub name: String,
    /// Its accounts, at most one of each cloud.
    pub members: Vec<MemberView>,
    /// Its Kubernetes clusters, the one that kubectl begins with first.
    pub clusters: Vec<ClusterView>,
    /// What else belongs to it.
    pub settings: EnvironmentSettings,
    /// Whether all of its accounts are the ones in use, each at its target. A protected one never is.
    pub in_use: bool,
    /// Until when a protected one may be used, once the user confirmed it here.
    #[ts(type = "string | null")]
    pub confirmed_until: Option<Timestamp>,
}

/// A Kubernetes cluster of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct ClusterView {
    /// The name of its context.
    pub context: String,
    /// The account whose credential it gets.
    pub account: AccountId,
    /// The address of its server.
    pub server: String,
}

/// An account of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct MemberView {
    /// Its cloud.
    pub cloud: Cloud,
    /// The account.
    pub account: AccountId,
    /// Its name; the name that it had, when it is gone.
    pub account_name: String,
    /// The cloud's own id of the target.
    pub target: Option<String>,
    /// The target's name when it was chosen.
    pub target_name: Option<String>,
    /// Whether the account is no longer connected.
    pub account_gone: bool,
    /// Whether the account no longer lists the target.
    pub target_gone: bool,
}

impl Snapshot {
    /// Whether no cloud that has an account can be reached.
    pub fn is_offline(&self) -> bool {
        let mut clouds = self.accounts.iter().map(|account| account.cloud);
        !self.accounts.is_empty() && clouds.all(|cloud| self.unreachable.contains(&cloud))
    }

    /// Whether a screen that shows this one would look the same with another.
    pub fn looks_like(&self, other: &Self) -> bool {
        let Self {
            revision: _,
            at: _,
            accounts,
            clouds,
            sign_ins,
            keychain,
            unreachable,
            paused,
            problems,
            preferences,
            environments,
        } = self;
        *accounts == other.accounts
            && *clouds == other.clouds
            && *sign_ins == other.sign_ins
            && *keychain == other.keychain
            && *unreachable == other.unreachable
            && *paused == other.paused
            && *problems == other.problems
            && *preferences == other.preferences
            && *environments == other.environments
    }
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
    /// When it is disconnected, as long as that can be undone.
    #[ts(type = "string | null")]
    pub leaves_at: Option<Timestamp>,
    /// The user's name for it, or the cloud's.
    pub name: String,
    /// Whether the name looks like that of another account of its cloud. The id is then shown beside it.
    pub looks_like_another: bool,
    /// Whether `name` was given by the user.
    pub renamed: bool,
    /// The colour given by the user.
    pub colour: Option<String>,
    /// Whether it is starred.
    pub starred: bool,
    /// Whether it is the one in use in its cloud.
    pub active: bool,
    /// Its identity.
    pub identity: Identity,
    /// Its status.
    pub status: Status,
    /// Whether its user never signed in on this machine: it comes from a backup.
    pub never_signed_in: bool,
    /// Why it needs the user, or why the last renewal failed.
    pub renewal_failure: Option<ErrorView>,
    /// When the next renewal is attempted after a temporary failure.
    #[ts(type = "string | null")]
    pub retry_at: Option<Timestamp>,
    /// Whether a renewal is running.
    pub renewing: bool,
    /// The lifetime of the session; none when there is no session.
    pub session: Option<SessionTimes>,
    /// When the sign-in itself expires, if known.
    pub sign_in_end: Option<SignInEnd>,
    /// The chosen target.
    pub target: Option<Target>,
    /// The pinned targets, also those that are no longer listed.
    pub pinned: Vec<PinnedTarget>,
    /// The number of its targets.
    pub target_count: u32,
    /// Changes with the list of targets, so that a screen knows when to load it again.
    #[ts(type = "string | null")]
    pub targets_read_at: Option<Timestamp>,
    /// The last change of the list.
    pub targets_change: Option<TargetsChange>,
    /// The number of targets loaded so far, while they are loading.
    pub reading_targets: Option<u32>,
    /// The accounts whose roles are loaded so far, while those of a sign-in to IAM Identity Center are loading.
    pub reading_accounts: Option<ReadingAccounts>,
    /// The failure of the last load of the targets.
    pub targets_error: Option<ErrorView>,
    /// Tenants that the same sign-in can access and that are not rows yet.
    pub offered: Vec<OfferedTenant>,
    /// Scopes that were requested and not granted.
    pub missing_scopes: Vec<String>,
    /// When it was first connected.
    #[ts(type = "string")]
    pub connected_at: Timestamp,
    /// When it was last chosen, or a credential of it issued.
    #[ts(type = "string | null")]
    pub used_at: Option<Timestamp>,
}

impl AccountView {
    /// Its name, with its id where the name looks like another's.
    pub fn distinct_name(&self) -> String {
        if self.looks_like_another {
            format!("{} ({})", self.name, self.id)
        } else {
            self.name.clone()
        }
    }
}

/// A pinned target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct PinnedTarget {
    /// The target; its id stands for its name when it is not listed.
    pub target: Target,
    /// Whether the cloud still lists it.
    pub listed: bool,
}

/// How far the loading of the roles of many accounts is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct ReadingAccounts {
    /// The number of accounts that are done.
    pub read: u32,
    /// The number of all accounts.
    pub total: u32,
}

/// The status of an account. The same words as in `mcm accounts --json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Status {
    /// A session is valid, or will be created on request.
    Connected,
    /// The session has expired and the last renewals failed for a temporary reason.
    Expired,
    /// Only a new interactive sign-in helps.
    SignInAgain,
    /// The keychain is locked, so no session can be read.
    Locked,
    /// No keychain answers, so nothing is known of the saved sign-in.
    Unknown,
    /// The cloud cannot be reached; the screen shows the last known state.
    Offline,
}

/// A line of a search result: an account, or one of its targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct Found {
    /// The account.
    pub account: AccountId,
    /// The target that matched; none on the line of the account itself.
    pub target: Option<Target>,
}

/// A line of the search of the windows: one of accounts, or an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(untagged)]
#[ts(export)]
pub enum FoundLine {
    /// An account, or one of its targets.
    Account(Found),
    /// An environment.
    Environment {
        /// Its name.
        environment: String,
    },
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
    /// The account's id in this app, as `mcm` accepts it.
    AccountId,
    /// A shell line that prints an access token.
    TokenCommand,
    /// The ARN of an AWS role.
    RoleArn,
    /// The line of `~/.aws/config` that lets AWS's tools use the account.
    CredentialProcess,
}
