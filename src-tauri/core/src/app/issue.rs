//! Issuing: sessions for this app's own requests, and credentials for programs, which are logged.

use std::io;

use super::App;
use crate::account::{Account, AccountId};
use crate::activity::{ActivityEvent, ActivityKind};
use crate::claims::ClaimsChallenge;
use crate::credential::Session;
use crate::error::{Code, Result};
use crate::provider;
use crate::resource::{Identifier, Resource};
use crate::session::RefreshMode;
use crate::store::ChainCheck;

impl App {
    /// A session that can be issued.
    ///
    /// # Errors
    /// Those of `Sessions::session`.
    pub async fn session(&self, id: &AccountId) -> Result<Session> {
        let resource = self.account(id)?.issued_resource()?;
        self.session_for(id, &resource).await
    }

    /// As `session`, for a program that gets the credential.
    ///
    /// # Errors
    /// Those of `session`.
    pub async fn issue(&self, id: &AccountId, to: &str) -> Result<Session> {
        let resource = self.account(id)?.issued_resource()?;
        self.issue_for(id, &resource, to).await
    }

    /// As `issue`, for any resource of the account's. A refusal of one resource does not affect the others.
    ///
    /// # Errors
    /// Those of `session`; `unsupported` for a cloud that has one credential for everything.
    pub async fn issue_for(
        &self,
        id: &AccountId,
        resource: &Resource,
        to: &str,
    ) -> Result<Session> {
        self.issue_in(id, resource, to, None).await
    }

    /// As `issue_for`, to a program that works in an environment.
    ///
    /// # Errors
    /// Those of `issue_for`.
    pub async fn issue_in(
        &self,
        id: &AccountId,
        resource: &Resource,
        to: &str,
        environment: Option<&str>,
    ) -> Result<Session> {
        let session = self.session_for(id, resource).await?;
        self.log_issue(id, resource, to, environment)?;
        Ok(session)
    }

    fn log_issue(
        &self,
        id: &AccountId,
        resource: &Resource,
        to: &str,
        environment: Option<&str>,
    ) -> Result<()> {
        let what = ActivityKind::handed_out(resource, to).in_environment(environment);
        let event = ActivityEvent::of(&*self.account(id)?, self.world.clock.now(), what);
        let log = self.store.issue_log();
        let logged = log.add(&event).or_else(|error| match error.kind() {
            // The log is full: its events move into the database.
            io::ErrorKind::FileTooLarge => self
                .store
                .take_in_activity()
                .map_err(io::Error::other)
                .and_then(|()| log.add(&event)),
            _ => Err(error),
        });
        if let Err(error) = logged {
            // A failed log does not stop the user's work.
            tracing::warn!(kind = %error.kind(), "an issued credential could not be logged");
        }
        Ok(())
    }

    /// A new session that meets a claims challenge, for a program that is given the credential.
    ///
    /// # Errors
    /// As `Sessions::answer`.
    pub async fn answer(
        &self,
        id: &AccountId,
        resource: &Resource,
        challenge: &ClaimsChallenge,
        to: &str,
    ) -> Result<Session> {
        let session = self
            .sessions
            .answer(&self.providers(), id, resource, challenge)
            .await;
        self.note(id.cloud(), session.as_ref().err());
        let session = session?;
        self.log_issue(id, resource, to, None)?;
        Ok(session)
    }

    /// Finds the resource that the user or a program names, for an account. The text may come from any program.
    ///
    /// # Errors
    /// `not-found`; those of `provider::resource`.
    pub fn resource(&self, id: &AccountId, text: &str) -> Result<Resource> {
        provider::resource(&self.settings(), self.account(id)?.cloud(), text)
    }

    /// Renews now, at the user's request.
    ///
    /// # Errors
    /// Those of `Sessions::session`.
    pub async fn renew(&self, id: &AccountId) -> Result<()> {
        let session = self
            .sessions
            .session(
                &self.providers(),
                id,
                &Resource::Management,
                RefreshMode::Renewed,
            )
            .await;
        self.note(id.cloud(), session.as_ref().err());
        session.map(drop)
    }

    /// The events of one account or of all, newest first; at most `most`.
    pub fn activity(&self, id: Option<&AccountId>, most: usize) -> Vec<ActivityEvent> {
        self.store.activity(id, most).unwrap_or_else(|error| {
            tracing::warn!(
                code = error.code().as_str(),
                "the activity could not be read"
            );
            Vec::new()
        })
    }

    /// Checks that the activity is what was written.
    ///
    /// # Errors
    /// `storage-*`.
    pub fn check_activity(&self) -> Result<ChainCheck> {
        self.store.check_activity()
    }

    /// As `session`, for any resource of the account's.
    ///
    /// # Errors
    /// As `issue_for`.
    pub async fn session_for(&self, id: &AccountId, resource: &Resource) -> Result<Session> {
        let attempts = |account: &Account| {
            let failure = account.renewal_failure_for(resource);
            failure.map_or(0, |failure| failure.attempts)
        };
        let before = attempts(&*self.account(id)?);
        let session = self
            .sessions
            .session(&self.providers(), id, resource, RefreshMode::Fresh)
            .await;
        self.note(id.cloud(), session.as_ref().err());
        // A role that is refused for the first time, or again after a while: what is assigned may have changed.
        if let Err(error) = &session
            && error.code() == Code::RoleRefused
            && let Some((account_id, _)) = resource.identifier().and_then(Identifier::pair)
            && self
                .account(id)
                .is_ok_and(|account| attempts(&account) > before)
            && let Err(error) = Box::pin(self.read_account_roles(id, account_id)).await
        {
            tracing::info!(
                code = error.code().as_str(),
                "the roles could not be read again"
            );
        }
        session
    }
}
