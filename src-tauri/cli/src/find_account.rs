//! Finding the account of a credential: through `App`, which explains why it finds none, or by one look at the
//! database, which is all that the fast path contains.

use mcm_core::account::{Account, AccountId, Cloud};
use mcm_core::app::App;
use mcm_core::error::{Code, Error};
use mcm_core::store::Look;

use crate::account_argument::by_name;

/// Finds one account.
pub(crate) trait Lookup {
    /// Finds it as `account_argument::by_name` does.
    fn named(&self, name: &str) -> Result<Account, Error>;

    /// Finds it as `App::active` does.
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
        self.account_without_lists(id).ok()?
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

/// `mcm-full` explains why there is no account.
fn not_seen() -> Error {
    Error::new(
        Code::NotFound,
        "This account is not connected. Run \"mcm accounts\".",
    )
}
