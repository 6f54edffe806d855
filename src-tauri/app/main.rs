//! The desktop app's process. Everything is in the library beside it, where tests can reach it.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    multi_cloud_manager::run()
}
