//! Accounts that other tools know: which of them are connected, and signing in to one.

use super::App;
use super::aws::ConnectRole;
use super::connect::{Connect, ConnectPortal, OnDuplicate};
use crate::error::{Code, Error, Result};
use crate::import::{self, FoundAccount, FoundElsewhere, FoundSignIn};
use crate::role::Source;
use crate::settings::RedirectKind;
use crate::sign_in::SignInId;
use crate::text;

impl App {
    /// What the files of other tools name, with the accounts here that are the same. Nothing is stored.
    ///
    /// # Errors
    /// `storage-*` when the accounts here cannot be read.
    pub fn found_elsewhere(&self) -> Result<FoundElsewhere> {
        let mut found = import::found_elsewhere(&self.world.environment);
        let stored = self.stored()?;
        for account in &mut found.accounts {
            let same = stored.iter().find(|known| account.is(&known.identity));
            account.connected = same.map(|known| known.id.clone());
        }
        Ok(found)
    }

    /// Starts the sign-in to an account that was found. The files are read again: they decide, and not the caller.
    ///
    /// # Errors
    /// `not-found` for one that no file names now, `already-connected`, `unsupported` for one with an obstacle; those of
    /// `connect`.
    pub fn connect_found(
        &self,
        id: &str,
        redirect: Option<RedirectKind>,
        on_duplicate: OnDuplicate,
    ) -> Result<SignInId> {
        let found = self.found_elsewhere()?;
        let account = found.accounts.into_iter().find(|account| account.id == id);
        let account = account.ok_or_else(|| {
            let message = format!(
                "No file of another tool names the account {} now. Look again.",
                text::shown(id)
            );
            Error::new(Code::NotFound, message)
        })?;
        if let Some(connected) = &account.connected {
            let message = format!("{} is connected already, as {connected}.", account.name);
            return Err(Error::new(Code::AlreadyConnected, message));
        }
        if let Some(obstacle) = &account.obstacle {
            return Err(Error::new(Code::Unsupported, obstacle.clone()));
        }
        self.connect(wanted(account, redirect, on_duplicate))
    }
}

fn wanted(
    found: FoundAccount,
    redirect: Option<RedirectKind>,
    on_duplicate: OnDuplicate,
) -> Connect {
    let mut wanted = Connect {
        redirect,
        on_duplicate,
        ..Connect::new(found.cloud)
    };
    match &found.sign_in {
        FoundSignIn::Tenant { tenant_id, .. } => wanted.tenant = Some(tenant_id.clone()),
        FoundSignIn::Google { .. } => {}
        FoundSignIn::Portal { start_url, region } => {
            wanted.portal = Some(ConnectPortal {
                start_url: start_url.clone(),
                region: region.clone(),
            });
        }
        FoundSignIn::Role {
            role_arn,
            external_id,
            profile,
        } => {
            let source = profile.clone().map_or(Source::Default, Source::Profile);
            wanted.role = Some(ConnectRole {
                role_arn: Some(role_arn.clone()),
                external_id: external_id.clone(),
                source: Some(source.into()),
                ..ConnectRole::default()
            });
        }
    }
    wanted.found = Some(found);
    wanted
}
