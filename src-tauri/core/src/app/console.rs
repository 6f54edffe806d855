//! Opening the web console of a cloud as an account, or as one role, subscription or project of it.
//!
//! At AWS the address is a credential, but for the shortcut link of IAM Identity Center's access portal, which works in
//! the session that the browser has there. A credential goes to the browser, or to the program that asks for it.

use std::sync::Arc;

use url::Url;

use super::App;
use crate::account::{Account, AccountId, Cloud};
use crate::credential::Session;
use crate::environment::{ConsoleWarning, NamedEnvironment};
use crate::error::{Code, Error, Result};
use crate::loopback::HttpsForced;
use crate::provider;

/// The session of the browser that a console opens in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleSession {
    /// The one that the browser has.
    Present,
    /// A new one, after the browser's session at AWS was signed out.
    SignedOut,
    /// That of a window with a profile of its own, which knows nothing of the other windows.
    Isolated,
}

impl App {
    /// Opens the cloud's console as the account.
    ///
    /// # Errors
    /// As `open_console_of`; `not-found`.
    pub async fn open_console(&self, id: &AccountId, browser: ConsoleSession) -> Result<()> {
        let account = self.account(id)?;
        self.open_console_of(&account, browser).await
    }

    /// Opens the cloud's console as the account at its target, which may be another than the stored one.
    ///
    /// # Errors
    /// Those of `session`; `browser-failed`, `unsupported`, and those of the console's sign-in server.
    pub async fn open_console_of(&self, account: &Account, browser: ConsoleSession) -> Result<()> {
        if account.cloud() != Cloud::Aws && browser == ConsoleSession::SignedOut {
            let message =
                "Only AWS's console can be signed out first. Open it without that option.";
            return Err(Error::new(Code::Unsupported, message));
        }
        let page = match self.plain_console(account, browser)? {
            Some(page) => page,
            None => {
                let session = self
                    .session_for(&account.id, &account.issued_resource()?)
                    .await?;
                self.signed_in_console(account, &session, browser).await?
            }
        };
        let warning = self.console_warning(account)?;
        let (open, warning) = (&self.world.browser, warning.as_ref());
        if browser == ConsoleSession::Isolated {
            return open.open_isolated(&page, warning).await;
        }
        open.open(&page, warning, &HttpsForced::default()).await
    }

    /// The warning before the console of an account that a protected environment names.
    fn console_warning(&self, account: &Account) -> Result<Option<ConsoleWarning>> {
        let environments = self.environments()?;
        let is_meant =
            |named: &&NamedEnvironment| named.settings.is_protected && named.names(account);
        let warning = environments
            .iter()
            .find(is_meant)
            .map(|named| ConsoleWarning {
                environment: named.name.clone(),
                colour: named.settings.colour.clone(),
                cloud: account.cloud(),
            });
        Ok(warning)
    }

    /// The address that opens the cloud's console as the account at its target, for a program that is given it. Where it is
    /// a credential, it is recorded as one.
    ///
    /// # Errors
    /// As `session`; `not-found`, `unsupported`, and what AWS's sign-in server says.
    pub async fn console_address(
        &self,
        account: &Account,
        browser: ConsoleSession,
        to: &str,
    ) -> Result<Url> {
        if let Some(page) = self.plain_console(account, browser)? {
            return Ok(page);
        }
        let resource = account.issued_resource()?;
        let session = self.issue_for(&account.id, &resource, to).await?;
        self.signed_in_console(account, &session, browser).await
    }

    /// Returns once the browser no longer needs this process for the page that was opened last.
    pub async fn until_page_served(&self) {
        self.world.browser.until_served().await;
    }

    /// Returns once every window with a profile of its own is closed and its profile removed.
    pub async fn until_windows_closed(&self) {
        self.world.browser.until_closed().await;
    }

    /// The address that holds no secret, where the browser's own session is to do.
    fn plain_console(&self, account: &Account, browser: ConsoleSession) -> Result<Option<Url>> {
        if account.cloud() != Cloud::Aws {
            let page = provider::console(&self.settings(), account);
            let none = || Error::new(Code::Unsupported, "This account has no console to open.");
            return page.ok_or_else(none).map(Some);
        }
        if account.identity.is_identity_center() && browser == ConsoleSession::Present {
            return self.aws().console_shortcut(account).map(Some);
        }
        Ok(None)
    }

    /// The address that signs a browser in as the role.
    async fn signed_in_console(
        &self,
        account: &Account,
        session: &Session,
        browser: ConsoleSession,
    ) -> Result<Url> {
        let sign_out_first = browser == ConsoleSession::SignedOut;
        let aws = Arc::clone(&self.aws());
        Box::pin(aws.console_page(account, session, sign_out_first)).await
    }
}
