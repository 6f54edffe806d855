//! The product without a window: accounts, sessions, sign-in and the keychain, for the app and for `mcm`.
//!
//! `app` holds the use cases and is the door for everybody; see ARCHITECTURE.md for the map and the rules on
//! who may call whom.

pub mod account;
pub mod error;
mod random;
pub mod snapshot;
pub mod vault;
pub mod world;
