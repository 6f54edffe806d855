//! What the tray and the dashboard draw: one value, whole, without any secret.
//!
//! What lives here: the types and nothing else; `app.rs` builds them. They are exported to `ui/src/bindings` by
//! this crate's tests. Texts for a person stand in `ui/src/text.ts`, so a Snapshot carries facts, not sentences;
//! the exceptions are errors, whose sentence is made where the cause is known.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::account::{
    AccountId, Cloud, Identity, OfferedTenant, SessionTimes, SignInEnd, Target, TargetsChange,
};
use crate::error::ErrorView;

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
    /// Whether the person paused renewing.
    pub paused: bool,
    /// What a person must know about files and settings.
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
    /// The person's name for it, or the cloud's.
    pub name: String,
    /// Whether `name` was given by the person.
    pub renamed: bool,
    /// The colour given by the person.
    pub colour: Option<String>,
    /// Whether it is starred.
    pub starred: bool,
    /// Whether it is the one in use in its cloud.
    pub active: bool,
    /// Who it is.
    pub identity: Identity,
    /// How it stands.
    pub status: Status,
    /// Why it needs the person, or why the last renewal failed.
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

/// A cloud as the Connect and first-run screens need it.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct CloudView {
    /// Which cloud.
    pub cloud: Cloud,
    /// Whether signing in can start.
    pub ready: bool,
    /// Whether it is a stand-in on this machine: its endpoints are loopback addresses.
    pub sandbox: bool,
    /// What is missing or malformed, with where it was read and how to set it.
    pub problems: Vec<SettingProblem>,
    /// The client id in force, when there is one.
    pub client_id: Option<String>,
    /// Where the client id was read: an environment variable's name, `settings.toml`, or nothing.
    pub client_id_origin: Option<String>,
    /// Which redirect a sign-in uses.
    pub redirect: RedirectKind,
    /// The redirect URIs to register at the provider.
    pub redirect_uris: Vec<String>,
    /// The scopes that a sign-in asks for.
    pub scopes: Vec<String>,
    /// The sign-in server in force.
    pub authority: String,
}

/// How a provider's answer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum RedirectKind {
    /// Through the app's own URI scheme.
    DeepLink,
    /// Through a listener on a loopback address.
    Loopback,
}

/// A setting that is missing or cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SettingProblem {
    /// The setting's name, for example `AZURE_CLIENT_ID`.
    pub name: String,
    /// Where it was read, or where it was looked for.
    pub origin: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// The number of a sign-in, unique while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(export)]
pub struct SignInId(pub u32);

/// A sign-in in progress, or how it ended.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SignInView {
    /// Its number.
    pub id: SignInId,
    /// The cloud signed in to.
    pub cloud: Cloud,
    /// The row that it renews, when it is not a new one.
    pub account: Option<AccountId>,
    /// How the answer comes back.
    pub redirect: RedirectKind,
    /// Whether the app's scheme belongs to another program, so that loopback is used instead.
    pub scheme_taken: bool,
    /// When it started.
    #[ts(type = "string")]
    pub started_at: Timestamp,
    /// When it will be given up.
    #[ts(type = "string")]
    pub expires_at: Timestamp,
    /// Where it stands.
    pub step: SignInStep,
    /// AWS: the checks of the role. They stay when the sign-in has ended, however quickly it did.
    pub verification: Option<RoleVerification>,
}

/// The checks of an AWS role, and for whom they are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RoleVerification {
    /// Who calls, as AWS says.
    pub caller: String,
    /// The checks and how they stand.
    pub checks: Vec<RoleCheck>,
}

/// Where a sign-in stands.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(
    tag = "step",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
#[ts(export)]
pub enum SignInStep {
    /// The provider's metadata is being read.
    Starting,
    /// The browser is open; the person finishes there.
    Browser,
    /// A code waits to be typed on any device. It is gone from here when it is no longer good.
    Code {
        /// The code.
        code: String,
        /// The page to type it at.
        page: String,
        /// Until when it is good.
        #[ts(type = "string")]
        expires_at: Timestamp,
    },
    /// No browser could be started; the person can try again or cancel.
    BrowserFailed {
        /// What to tell the person.
        error: ErrorView,
    },
    /// AWS: the role is being assumed with, without and with a wrong External ID.
    Verifying,
    /// The answer is being checked and exchanged.
    Finishing,
    /// Another person's row has the same tenant or address: replace it or keep both.
    Choice {
        /// The row that is there already.
        existing: AccountId,
        /// Who is connected there.
        existing_who: String,
        /// Who signed in now.
        who: String,
    },
    /// The account is connected.
    Done {
        /// The row.
        account: AccountId,
        /// Whether the row was there before.
        updated: bool,
    },
    /// It ended without an account.
    Failed {
        /// What to tell the person.
        error: ErrorView,
    },
}

/// One check of an AWS role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct RoleCheck {
    /// What is checked.
    pub what: RoleCheckKind,
    /// How it stands.
    pub state: CheckState,
    /// How often it was tried.
    pub attempts: u32,
    /// While it is tried again: when that ends.
    #[ts(type = "string | null")]
    pub until: Option<Timestamp>,
    /// Who AWS says we became, once that was asked.
    pub became: Option<String>,
}

/// What is checked of an AWS role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum RoleCheckKind {
    /// It lets the caller in with the External ID. A new role takes a while to.
    RightId,
    /// It refuses the caller without an External ID.
    NoId,
    /// It refuses the caller with a wrong External ID.
    WrongId,
    /// The session that it gave belongs to it.
    Identity,
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum CheckState {
    /// Not begun.
    Waiting,
    /// AWS is being asked.
    Running,
    /// AWS is asked again in a moment.
    Retrying,
    /// As it has to be.
    Passed,
    /// Not as it has to be.
    Failed,
    /// AWS gave no clear answer.
    Unknown,
}

/// The state of the keychain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct KeychainView {
    /// How it stands.
    pub state: KeychainState,
    /// What the platform calls it, for example `Login keyring`.
    pub name: String,
    /// What went wrong, when something did.
    pub error: Option<ErrorView>,
}

/// How the keychain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum KeychainState {
    /// Not asked yet.
    Unknown,
    /// It can be read and written.
    Unlocked,
    /// It is locked.
    Locked,
    /// There is none: tokens live in memory only.
    Absent,
    /// It failed.
    Failed,
}

/// How the app looks and behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", default)]
#[ts(export)]
pub struct Preferences {
    /// Light, dark, or as the system has it.
    pub theme: Theme,
    /// Whether the first-run screen was passed.
    pub welcomed: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            welcomed: false,
        }
    }
}

/// The colour scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum Theme {
    /// As the system has it.
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
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
