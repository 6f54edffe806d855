//! `mcm export`: all stored data without secrets, for a backup or another program.
//!
//! The JSON is stable: fields may be added, none is renamed, removed or given another meaning.

use mcm_core::app::App;

use crate::failure::Failure;
use crate::output::print_json;

pub(crate) fn run(app: &App) -> Result<(), Failure> {
    Ok(print_json(&app.export()?)?)
}
