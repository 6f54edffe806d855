//! What is known of an account's sessions and its sign-in: when they end, and how the last renewal failed.
//!
//! The sessions themselves are secrets, and in `credential.rs`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::error::ErrorView;
use crate::resource::Identifier;

/// The lifetime of the current session, without the session itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SessionTimes {
    /// When it was issued.
    #[ts(type = "string")]
    pub issued_at: Timestamp,
    /// When it expires.
    #[ts(type = "string")]
    pub expires_at: Timestamp,
}

/// When the sign-in itself expires, if known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct SignInEnd {
    /// The time after which only a new sign-in helps.
    #[ts(type = "string")]
    pub at: Timestamp,
    /// Why it expires then.
    pub why: SignInEndReason,
}

/// The reason for a sign-in's expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
#[ts(export)]
pub enum SignInEndReason {
    /// Entra expires a sign-in that was not used for 90 days.
    Idle,
    /// The provider's answer contained it.
    ProviderLimit,
}

/// The failure of the last renewal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RenewalFailure {
    /// The message for the user.
    pub error: ErrorView,
    /// When it happened.
    pub at: Timestamp,
    /// No further attempt before this time; absent when only the user can help.
    pub not_before: Option<Timestamp>,
    /// How many attempts failed in a row.
    pub attempts: u32,
    /// The claims that the next interactive sign-in has to request (Entra's claims challenge).
    pub challenge: Option<String>,
    /// The mark of the surroundings that caused it; absent when it concerns the account itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surroundings: Option<String>,
}

impl RenewalFailure {
    /// Whether only a new sign-in helps.
    pub fn is_final(&self) -> bool {
        self.not_before.is_none()
    }
}

/// An account's session for one of its cloud's other resources, without the session itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceSession {
    /// The resource.
    pub resource: Identifier,
    /// The lifetime of the session, if there is one.
    pub session: Option<SessionTimes>,
    /// The failure of the last renewal, if it failed. It is never final: an administrator may fix it without a new
    /// sign-in.
    #[serde(default, rename = "trouble")]
    pub renewal_failure: Option<RenewalFailure>,
}
