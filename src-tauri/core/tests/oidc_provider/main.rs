//! Scenarios: signing in and renewing at `oidc-provider`, a certified OpenID provider that others wrote.
//!
//! The sandbox clouds answer as we read the documents; this server answers as its authors read them. It needs Node.js
//! and the packages beside this file, which `make test` installs.

mod azure;
mod google;
mod harness;
#[path = "../support/left_behind.rs"]
mod left_behind;
mod server;
