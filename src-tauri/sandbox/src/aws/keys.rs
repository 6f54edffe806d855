//! Access keys: whose they are, and whether a signed request may go ahead.
//!
//! A user's keys last until they are deactivated; a session's last until they expire and come with a token that every
//! request has to carry.

use std::collections::HashMap;
use std::time::Duration;

use axum::http::request::Parts;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::directory::{Role, User};
use super::refusal::{AwsRefusal, Service};
use super::signature::Signature;

const MAX_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// Access keys as AWS hands them out.
#[derive(Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AccessKey {
    /// `AKIA…` for a user, `ASIA…` for a session.
    pub id: String,
    /// The secret access key.
    pub secret: String,
    /// The session token, which a user's own key does not have.
    pub session_token: Option<String>,
}

/// The owner of a key.
#[derive(Clone, Debug)]
pub(super) enum Principal {
    User(User),
    Session {
        role: Role,
        name: String,
        is_chained: bool,
        /// Session policies, by the ARNs of managed policies: it may do what the role and these permit.
        policies: Vec<String>,
    },
}

impl Principal {
    pub(super) fn account(&self) -> &str {
        match self {
            Self::User(user) => &user.account,
            Self::Session { role, .. } => &role.account,
        }
    }

    /// The ARN that `GetCallerIdentity` returns.
    pub(super) fn arn(&self) -> String {
        match self {
            Self::User(user) => user.arn(),
            Self::Session { role, name, .. } => {
                format!(
                    "arn:aws:sts::{}:assumed-role/{}/{name}",
                    role.account, role.name
                )
            }
        }
    }

    /// The unique id that `GetCallerIdentity` returns.
    pub(super) fn id(&self) -> String {
        match self {
            Self::User(user) => user.id(),
            Self::Session { role, name, .. } => format!("{}:{name}", role.id()),
        }
    }

    /// The ARN that a trust policy names: a session's role.
    pub(super) fn trusted_arn(&self) -> String {
        match self {
            Self::User(user) => user.arn(),
            Self::Session { role, .. } => role.arn(),
        }
    }

    pub(super) fn may_assume(&self) -> bool {
        match self {
            Self::User(user) => user.may_assume,
            // None of the managed policies that are known here permits it.
            Self::Session { role, policies, .. } => role.may_assume && policies.is_empty(),
        }
    }

    /// Whether a session policy narrows it.
    pub(super) fn is_narrowed(&self) -> bool {
        matches!(self, Self::Session { policies, .. } if !policies.is_empty())
    }

    /// Whether `GetRole` is permitted: to users, in their own account.
    pub(super) fn reads_roles(&self) -> bool {
        matches!(self, Self::User(_))
    }

    pub(super) fn reads_accounts(&self) -> bool {
        match self {
            Self::User(_) => true,
            Self::Session { role, .. } => role.reads_accounts,
        }
    }
}

/// A key and what it stands for.
#[derive(Clone)]
pub(super) struct IssuedKey {
    pub(super) key: AccessKey,
    pub(super) principal: Principal,
    pub(super) expires: Option<Timestamp>,
}

/// Every key that is known.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, IssuedKey>);

impl Keys {
    pub(super) fn add(&mut self, issued: IssuedKey) {
        self.0.insert(issued.key.id.clone(), issued);
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.remove(id);
    }

    /// A session by all three parts of its key, until it expires.
    pub(super) fn session(
        &self,
        id: &str,
        secret: &str,
        token: &str,
        now: Timestamp,
    ) -> Option<&IssuedKey> {
        self.0.get(id).filter(|issued| {
            issued.key.secret == secret
                && issued.key.session_token.as_deref() == Some(token)
                && issued.expires.is_none_or(|expires| now < expires)
        })
    }

    /// Whose request this is, if the signature is theirs, fresh and for this service.
    pub(super) fn authenticate(
        &self,
        service: Service,
        parts: &Parts,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Principal, AwsRefusal> {
        let signature = Signature::read(parts)?;
        let issued = self
            .0
            .get(&signature.access_key_id)
            .ok_or_else(AwsRefusal::unknown_key)?;
        if issued.key.session_token != signature.token {
            return Err(AwsRefusal::unknown_key());
        }
        if issued.expires.is_some_and(|expires| now >= expires) {
            return Err(AwsRefusal::expired_token());
        }
        match signature.life {
            Some(life) => check_life(signature.signed_at, life, now)?,
            None => check_skew(signature.signed_at, now)?,
        }
        if !signature.is_for(service.name()) {
            let text = format!(
                "Credential should be scoped to correct service: '{}'.",
                service.name()
            );
            return Err(AwsRefusal::signature(text));
        }
        if !signature.is_made_with(&issued.key.secret, parts, body) {
            return Err(AwsRefusal::signature(
                "The request signature we calculated does not match the signature you provided. Check your AWS \
                 Secret Access Key and signing method. Consult the service documentation for details.",
            ));
        }
        Ok(issued.principal.clone())
    }
}

/// An address that was signed in advance is good from then on, for the time that it says itself.
fn check_life(signed_at: Timestamp, life: Duration, now: Timestamp) -> Result<(), AwsRefusal> {
    let compact = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
    if now < signed_at + life {
        return check_skew(signed_at.max(now - MAX_SKEW), now);
    }
    Err(AwsRefusal::signature(format!(
        "Signature expired: {} is now earlier than {}",
        compact(signed_at + life),
        compact(now)
    )))
}

fn check_skew(signed_at: Timestamp, now: Timestamp) -> Result<(), AwsRefusal> {
    let compact = |time: Timestamp| time.strftime("%Y%m%dT%H%M%SZ").to_string();
    let (earliest, latest) = (now - MAX_SKEW, now + MAX_SKEW);
    if signed_at < earliest {
        return Err(AwsRefusal::signature(format!(
            "Signature expired: {} is now earlier than {} ({} - 5 min.)",
            compact(signed_at),
            compact(earliest),
            compact(now)
        )));
    }
    if signed_at > latest {
        return Err(AwsRefusal::signature(format!(
            "Signature not yet current: {} is still later than {} ({} + 5 min.)",
            compact(signed_at),
            compact(latest),
            compact(now)
        )));
    }
    Ok(())
}
