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

/// A request to sign in to an account that was found.
#[derive(Clone, Debug)]
pub struct ConnectFound {
    /// The account's id among those that are found.
    pub id: String,
    /// The redirect method, if not the one in the settings.
    pub redirect: Option<RedirectKind>,
    /// As in `Connect`. The sign-in of a role needs neither this nor a port.
    pub device_code: bool,
    /// As in `Connect`.
    pub redirect_port: Option<u16>,
    /// What to do when another user's row has the same tenant or address.
    pub on_duplicate: OnDuplicate,
    /// AWS: the portal's region, if not the one that is written beside it.
    pub region: Option<String>,
    /// AWS: whether to connect a role that can be assumed without the right External ID, and to mark it as such.
    pub accept_not_enforced: bool,
}

impl ConnectFound {
    /// As the files and the settings have it; duplicates are the user's choice.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            redirect: None,
            device_code: false,
            redirect_port: None,
            on_duplicate: OnDuplicate::Ask,
            region: None,
            accept_not_enforced: false,
        }
    }
}

impl App {
    /// What the files of other tools name, with the accounts here that are the same. Nothing is stored.
    ///
    /// # Errors
    /// `storage-*` when the accounts here cannot be read.
    pub fn found_elsewhere(&self) -> Result<FoundElsewhere> {
        let mut found = import::found_elsewhere(&self.world.environment, self.redirects.front());
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
    pub fn connect_found(&self, wanted: ConnectFound) -> Result<SignInId> {
        let found = self.found_elsewhere()?;
        let is_it = |account: &FoundAccount| account.id == wanted.id;
        let account = found.accounts.into_iter().find(is_it);
        let account = account.ok_or_else(|| {
            let message = format!(
                "No file of another tool names the account {} now. Look again.",
                text::shown(&wanted.id)
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
        self.connect(as_connect(account, wanted))
    }
}

fn as_connect(found: FoundAccount, options: ConnectFound) -> Connect {
    let mut wanted = Connect {
        redirect: options.redirect,
        device_code: options.device_code,
        redirect_port: options.redirect_port,
        on_duplicate: options.on_duplicate,
        ..Connect::new(found.cloud)
    };
    match &found.sign_in {
        FoundSignIn::Tenant { tenant_id, .. } => wanted.tenant = Some(tenant_id.clone()),
        FoundSignIn::Google { .. } => {}
        FoundSignIn::Portal { start_url, region } => {
            wanted.portal = Some(ConnectPortal {
                start_url: start_url.clone(),
                region: options.region.or_else(|| region.clone()),
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
                accept_not_enforced: options.accept_not_enforced,
                ..ConnectRole::default()
            });
        }
    }
    wanted.found = Some(found);
    wanted
}
