//! Finding the account that a command issues a credential of: through `App`, which explains what it does not find, or by
//! one look at the database, which is all that the fast path may hold.

use mcm_core::account::{Account, AccountId, Cloud};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::store::Look;

use crate::choice::by_name;

/// Finds one account.
pub(crate) trait Lookup {
    /// As `choice::by_name`.
    fn named(&self, name: &str) -> Result<Account, Error>;

    /// As `App::active`.
    fn active(&self, cloud: Cloud) -> Result<Account, Error>;

    /// The account with this id; none in every other case.
    fn with_id(&self, id: &AccountId) -> Option<Account>;
}

impl Lookup for App {
    fn named(&self, name: &str) -> Result<Account, Error> {
        by_name(self, name)
    }

    fn active(&self, cloud: Cloud) -> Result<Account, Error> {
        self.active(cloud)
    }

    fn with_id(&self, id: &AccountId) -> Option<Account> {
        self.stored().ok()?.account(id).cloned()
    }
}

impl Lookup for Look {
    fn named(&self, name: &str) -> Result<Account, Error> {
        self.account(name).ok_or_else(not_seen)
    }

    fn active(&self, cloud: Cloud) -> Result<Account, Error> {
        self.active(cloud).ok_or_else(not_seen)
    }

    fn with_id(&self, id: &AccountId) -> Option<Account> {
        self.by_id(id)
    }
}

/// Why there is no account is explained by `mcm-full`.
fn not_seen() -> Error {
    Error::new(Code::NotFound, "There is no such account.")
}
