//! The long texts of the help, wrapped for the terminal.
//!
//! The source has line breaks for its own readers. Here paragraphs are joined again, so that clap wraps them at the
//! terminal's width; indented lines are examples and columns, and stay. Only a run that shows help gets here.

use clap::{Command, CommandFactory as _, Error, error::ErrorKind};

use crate::arguments::Arguments;

/// Shows the requested help, or the error in the arguments, and ends the process.
pub(crate) fn end(error: &Error) -> ! {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand};
    if matches!(
        error.kind(),
        DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        let _ = fitted(Arguments::command()).get_matches();
    }
    error.exit()
}

/// The command with its long texts, and those of its subcommands, in whole paragraphs.
pub(crate) fn fitted(command: Command) -> Command {
    let command = match command.get_after_help().map(ToString::to_string) {
        Some(text) => command.after_help(in_paragraphs(&text)),
        None => command,
    };
    command.mut_subcommands(fitted)
}

/// The text with each paragraph on a line.
fn in_paragraphs(text: &str) -> String {
    let is_running = |line: &str| !line.is_empty() && !line.starts_with(' ');
    let mut joined = String::with_capacity(text.len());
    let mut last = "";
    for line in text.lines() {
        if !joined.is_empty() {
            joined.push(if is_running(last) && is_running(line) {
                ' '
            } else {
                '\n'
            });
        }
        joined.push_str(line);
        last = line;
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_joined_and_examples_stay() {
        let text = "One sentence that\ngoes on.\n\nExamples:\n  mcm a    one\n  mcm b    two\nThe end\nhere.";
        let joined = "One sentence that goes on.\n\nExamples:\n  mcm a    one\n  mcm b    two\nThe end here.";
        assert_eq!(in_paragraphs(text), joined);
    }

    #[test]
    fn examples_and_columns_of_our_texts_fit_a_terminal_of_100_columns() {
        fn wide(command: &Command) -> Vec<String> {
            let text = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let own = text
                .lines()
                .filter(|line| line.starts_with(' ') && line.chars().count() > 100);
            own.map(str::to_owned)
                .chain(command.get_subcommands().flat_map(wide))
                .collect()
        }
        assert_eq!(wide(&Arguments::command()), [""; 0]);
    }
}
