//! What the credentials of a command may do: everything, or with `--read-only` nothing that changes something.
//!
//! Which accounts can be narrowed, and to what, is decided in core (`Account::read_only_resource`).

use mcm_core::account::Account;
use mcm_core::error::Error;
use mcm_core::resource::Resource;

/// What the credentials of a command may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everything that the account may.
    Whole,
    /// They read, and change nothing.
    ReadOnly,
}

impl Access {
    /// By the option of a command.
    pub(crate) fn of(is_read_only: bool) -> Self {
        if is_read_only {
            Self::ReadOnly
        } else {
            Self::Whole
        }
    }

    /// The resource whose session is issued.
    ///
    /// # Errors
    /// `unsupported` where an account cannot be narrowed; those of `Account::issued_resource`.
    pub(crate) fn resource(self, account: &Account) -> Result<Resource, Error> {
        match self {
            Self::Whole => account.issued_resource(),
            Self::ReadOnly => account.read_only_resource(),
        }
    }
}
