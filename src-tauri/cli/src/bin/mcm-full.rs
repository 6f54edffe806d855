//! Every command of `mcm`. `mcm` starts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    mcm::run()
}
