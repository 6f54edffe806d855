//! Scenarios: the product through its door, `App`, against the sandbox clouds over real sockets.
//!
//! A scripted user sits in front of the sandbox's browser. Every scenario ends with the leak check of `harness.rs`.

mod azure;
mod azure_rows;
mod company;
mod devices;
mod environments;
mod faults;
mod finding_accounts;
mod google;
mod google_faults;
mod google_renewals;
mod google_rows;
mod harness;
mod id_tokens;
#[path = "../support/left_behind.rs"]
mod left_behind;
mod lists;
mod resources;
mod sessions;
mod trust;
mod updates;
