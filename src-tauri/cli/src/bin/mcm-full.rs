//! Everything that `mcm` can do. It is started by `mcm`.

use std::process::ExitCode;

fn main() -> ExitCode {
    mcm::run()
}
