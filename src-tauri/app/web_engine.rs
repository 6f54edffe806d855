//! What WebKit reads from the environment before it starts, and only then.
//!
//! A process cannot set its own variables safely once it has threads, and a dashboard of lists needs no graphics card:
//! WebKit's drivers for one take about a third of the memory of the whole app. So the app starts itself anew, once,
//! under the same process id, with the variable set. A person who sets it keeps their own choice.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use mcm_core::world::Environment;

/// Set to 1, WebKit draws with the processor. The programs that the app starts are not to inherit it.
pub(crate) const VARIABLE: &str = "WEBKIT_DISABLE_COMPOSITING_MODE";

/// Starts this program anew unless the variable is set. Where that fails, WebKit draws as it likes.
pub(crate) fn draw_by_processor(environment: &Environment) {
    if environment.pairs().any(|(name, _)| name == VARIABLE) {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        let arguments = std::env::args_os().skip(1);
        // It returns only when it failed.
        let _ = Command::new(program).args(arguments).env(VARIABLE, "1").exec();
    }
}
