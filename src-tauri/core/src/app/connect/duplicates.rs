//! Rows of other users with the same tenant or address: what becomes of them when one connects.
//!
//! The caller decides, or the user while the sign-in waits.

use tokio::sync::{Notify, oneshot};

use crate::account::{Account, AccountId, Identity, OrganizationAccount};
use crate::app::{App, no_sign_in};
use crate::error::{Code, Error, Result};
use crate::provider::SignedIn;
use crate::sign_in::cancelled;
use crate::sign_in::{SignInId, SignInStep};

/// What to do when another user's row has the same tenant or address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDuplicate {
    /// Let the user choose on the screen.
    Ask,
    /// Change nothing and report it.
    Fail,
    /// Remove the other row.
    Replace,
    /// Keep both rows.
    KeepBoth,
}

/// The rows of other users with the same tenant or address.
pub(super) struct Duplicates {
    /// Those that the user knows of.
    pub(super) seen: Vec<AccountId>,
    /// The one that the new row replaces.
    pub(super) replaced: Option<AccountId>,
}

impl App {
    /// Answers what to do with another user's row for the same tenant or address.
    ///
    /// # Errors
    /// `not-found` when no sign-in asked.
    pub fn decide_duplicate(&self, id: SignInId, decision: OnDuplicate) -> Result<()> {
        let decided = self
            .state()
            .sign_ins
            .get_mut(&id.0)
            .and_then(|sign_in| sign_in.decision.take());
        decided
            .and_then(|sender| sender.send(decision).ok())
            .ok_or_else(|| no_sign_in(id))
    }

    /// What becomes of other users' rows with the same tenant or address, as the user decides.
    pub(super) async fn decide_duplicates(
        &self,
        id: SignInId,
        signed_in: &SignedIn,
        on_duplicate: OnDuplicate,
        cancel: &Notify,
    ) -> Result<Duplicates> {
        let identity = &signed_in.account.identity;
        let stored = self.stored().unwrap_or_default();
        let others = stored
            .iter()
            .filter(|row| is_other(row, identity) || is_same_center(row, signed_in));
        let mut duplicates = Duplicates {
            seen: others.map(|row| row.id.clone()).collect(),
            replaced: None,
        };
        let first = duplicates.seen.first().and_then(|id| stored.account(id));
        let is_known = stored.account(&identity.account_id()).is_some();
        if let Some(other) = first.filter(|_| !is_known) {
            let decision = match on_duplicate {
                OnDuplicate::Ask => self.ask(id, identity, other, cancel).await?,
                decided => decided,
            };
            match decision {
                OnDuplicate::Replace => duplicates.replaced = Some(other.id.clone()),
                OnDuplicate::KeepBoth => {}
                OnDuplicate::Ask | OnDuplicate::Fail => return Err(duplicate(identity, other)),
            }
        }
        Ok(duplicates)
    }

    async fn ask(
        &self,
        id: SignInId,
        identity: &Identity,
        other: &Account,
        cancel: &Notify,
    ) -> Result<OnDuplicate> {
        let (sender, receiver) = oneshot::channel();
        if let Some(sign_in) = self.state().sign_ins.get_mut(&id.0) {
            sign_in.decision = Some(sender);
        }
        let step = SignInStep::Choice {
            existing: other.id.clone(),
            existing_who: other.identity.who().to_owned(),
            who: identity.who().to_owned(),
        };
        self.update_view(id, |view| view.step = step);
        let decision = tokio::select! {
            decision = receiver => decision.map_err(|_| cancelled())?,
            () = cancel.notified() => return Err(cancelled()),
        };
        self.update_view(id, |view| view.step = SignInStep::Finishing);
        Ok(decision)
    }
}

/// Whether a row is another user's, of the same tenant or address.
pub(super) fn is_other(row: &Account, identity: &Identity) -> bool {
    row.id != identity.account_id() && row.identity.shares_label_with(identity)
}

/// Whether a row is the same user's sign-in to the same Identity Center under another address: an alias and an id name one
/// instance, and only its user and accounts show which.
fn is_same_center(row: &Account, signed_in: &SignedIn) -> bool {
    let user = |identity: &Identity| match identity {
        Identity::IdentityCenter {
            region,
            user_name: Some(name),
            ..
        } => Some((region.clone(), name.to_lowercase())),
        _ => None,
    };
    let identity = &signed_in.account.identity;
    let is_theirs = |known: &OrganizationAccount| signed_in.accounts.contains(&known.account_id);
    row.id != identity.account_id()
        && user(&row.identity).is_some()
        && user(&row.identity) == user(identity)
        && row.organization.iter().any(is_theirs)
}

pub(super) fn duplicate(identity: &Identity, other: &Account) -> Error {
    const IN_WINDOW: &str = "Sign in again, and choose Replace or Keep both.";
    if let Identity::IdentityCenter { start_url, .. } = &other.identity
        && other.identity.who() == identity.who()
    {
        let message = format!(
            "You are already signed in to this Identity Center as {}, as {} with {start_url}. Nothing was changed.",
            identity.who(),
            other.name(),
        );
        return Error::new(Code::AlreadyConnected, message).with_remedies(
            "Sign in again with --replace to replace it, or with --keep-both.",
            IN_WINDOW,
        );
    }
    let message = format!(
        "{} is already connected as {}, but you signed in as {}. Nothing was changed.",
        other.name(),
        other.identity.who(),
        identity.who()
    );
    Error::new(Code::AlreadyConnected, message).with_remedies(
        "Sign in again with --replace to replace the other account, or with --keep-both.",
        IN_WINDOW,
    )
}
