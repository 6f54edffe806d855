//! The sandbox clouds through their public doors: real sockets, real pages, and a client written for the test.

mod app;
mod aws_accounts;
mod aws_app;
mod aws_roles;
mod azure_faults;
mod azure_resource_manager;
mod azure_sign_in;
mod azure_tokens;
mod clock;
mod controls;
mod devices;
mod google_app;
mod google_sign_in;
mod google_tokens;
#[cfg(unix)]
mod program;
mod receiver;
