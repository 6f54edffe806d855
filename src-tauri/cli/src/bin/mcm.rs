//! `mcm`, as users and programs run it.

use std::process::ExitCode;

fn main() -> ExitCode {
    mcm::run_fast_path()
}
