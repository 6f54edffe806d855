//! What the AWS scenarios have in common: the sandbox's roles, and connecting one as a user would.

use std::time::Duration;

use mcm_core::account::{AccountId, Cloud, Identity};
use mcm_core::app::{App, Connect, ConnectRole, PrepareRole};
use mcm_core::error::Result;
use mcm_core::provider::aws::Caller;
use mcm_core::role::{Enforcement, Source};
use mcm_core::sign_in::{CheckState, RoleCheck, RoleVerification, SignInId};
use mcm_core::snapshot::Snapshot;
use sandbox_clouds::aws::Assumption;

use crate::harness::{Harness, within};

pub(crate) const PRODUCTION: &str = "444455556666";

/// A role of the production account.
pub(crate) fn role(name: &str) -> String {
    format!("arn:aws:iam::{PRODUCTION}:role/{name}")
}

/// Who the credentials of a source belong to; the source as a user writes it.
pub(crate) async fn caller(app: &App, source: &str) -> Result<Caller> {
    app.aws_caller(&source.parse()?).await
}

/// A request to connect a role with the External ID that waits.
pub(crate) fn wanted(name: &str) -> Connect {
    with(ConnectRole {
        role_arn: Some(role(name)),
        ..ConnectRole::default()
    })
}

/// A request to connect this role.
pub(crate) fn with(role: ConnectRole) -> Connect {
    Connect {
        role: Some(role),
        ..Connect::new(Cloud::Aws)
    }
}

/// Prepares a role as the default caller and gives its External ID.
pub(crate) async fn prepare(harness: &Harness) -> String {
    harness
        .app
        .prepare_role(PrepareRole::default())
        .await
        .expect("prepared")
        .external_id
}

/// Prepares and connects a role.
pub(crate) async fn connect(harness: &Harness, name: &str) -> Result<AccountId> {
    prepare(harness).await;
    finish(harness, wanted(name)).await
}

/// Connects, moving the clock on whenever the sign-in waits for a role to spread.
pub(crate) async fn finish(harness: &Harness, wanted: Connect) -> Result<AccountId> {
    let id = harness.app.connect(wanted)?;
    let ended = harness.app.sign_in_ended(id);
    tokio::pin!(ended);
    loop {
        tokio::select! {
            ended = &mut ended => return ended,
            () = within(harness.clock.asleep()) => harness.clock.advance(Duration::from_secs(5)),
        }
    }
}

/// The caller that a role is checked for, and the state of its checks.
pub(crate) fn verification(snapshot: &Snapshot, id: SignInId) -> Option<RoleVerification> {
    snapshot
        .sign_ins
        .iter()
        .find(|view| view.id == id)?
        .verification
        .clone()
}

/// The checks of a sign-in.
pub(crate) fn checks(snapshot: &Snapshot, id: SignInId) -> Vec<RoleCheck> {
    verification(snapshot, id)
        .map(|verification| verification.checks)
        .unwrap_or_default()
}

pub(crate) fn is_retrying(snapshot: &Snapshot, id: SignInId) -> bool {
    checks(snapshot, id)
        .iter()
        .any(|check| check.state == CheckState::Retrying)
}

/// The AWS part of an account's identity that tests look at.
pub(crate) struct Known {
    pub(crate) external_id: String,
    pub(crate) enforced: Enforcement,
    pub(crate) alias: Option<String>,
    pub(crate) source: Source,
    pub(crate) session_seconds: u32,
    pub(crate) longest: Option<u32>,
    pub(crate) caller: String,
}

pub(crate) fn known(harness: &Harness, id: &AccountId) -> Known {
    match harness.row(id).identity {
        Identity::Aws {
            external_id,
            enforced,
            alias,
            source,
            session_seconds,
            longest_session_seconds: longest,
            caller,
            ..
        } => Known {
            external_id,
            enforced,
            alias,
            source,
            session_seconds,
            longest,
            caller,
        },
        other => panic!("no AWS role: {other:?}"),
    }
}

/// The attempts to assume a role since the start.
pub(crate) fn attempts(harness: &Harness, name: &str) -> Vec<Assumption> {
    let arn = role(name);
    harness
        .clouds
        .aws_assumptions()
        .into_iter()
        .filter(|asked| asked.role_arn == arn)
        .collect()
}
