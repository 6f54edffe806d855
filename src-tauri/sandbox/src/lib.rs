//! Azure, Google Cloud and AWS on loopback: what the demo and the tests sign in to instead of the real ones.
//!
//! [`Sandbox::start`] runs every server until it is dropped; [`Sandbox::environment`] is what points the app at them.
//! [`browser::Browser`] clicks through the sign-in pages as a user would. Nothing here is part of a bundle, and
//! nothing here listens anywhere but on 127.0.0.1.

pub mod aws;
pub mod azure;
pub mod browser;
mod clock;
pub mod company;
mod control;
mod device;
mod faults;
pub mod google;
mod identifier;
mod journal;
mod jwt;
mod page;
mod sandbox;
mod server;

pub use aws::directory::AwsDirectory;
pub use azure::directory::AzureDirectory;
pub use clock::Clock;
pub use faults::Revocation;
pub use faults::{Endpoint, Fault, Faults, MadeUpPage, OAuthError, Rule, ServiceError, Status};
pub use google::directory::GoogleDirectory;
pub use identifier::guid;
pub use journal::{Request, Server};
pub use sandbox::{Options, Ports, Sandbox};
