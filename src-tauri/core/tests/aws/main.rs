//! AWS through the product's one door, against the sandbox's STS and against moto.

mod company;
mod connect;
mod console;
mod enforcement;
mod files;
#[path = "../scenario/harness.rs"]
#[allow(
    dead_code,
    reason = "the harness of the other clouds' scenarios, which use all of it"
)]
mod harness;
mod helpers;
mod identity_center;
mod keys;
#[path = "../support/left_behind.rs"]
mod left_behind;
mod mfa;
// moto and cfn-lint are installed for this machine, and Windows' Python is not.
#[cfg(unix)]
mod moto;
mod prepare;
mod refused_roles;
mod roles;
mod sources;
