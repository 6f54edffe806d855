//! The long texts of the help, wrapped for the terminal, and the commands in groups.
//!
//! The source has line breaks for its own readers. Here paragraphs are joined again, so that clap wraps them at the
//! terminal's width; indented lines are examples and columns, and stay. Only a run that shows help gets here.

use clap::{Command, CommandFactory as _, Error, error::ErrorKind};

use crate::arguments::Arguments;
use crate::output::{note, terminal_width};

/// The commands by what they are for. Names that this program lacks are left out.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Accounts",
        &[
            "login",
            "accounts",
            "use",
            "targets",
            "rename",
            "pin",
            "add-tenant",
            "logout",
        ],
    ),
    (
        "Run",
        &[
            "exec",
            "env",
            "token",
            "credential-process",
            "kube-token",
            "console",
        ],
    ),
    (
        "Environments",
        &[
            "environment",
            "shell",
            "hook",
            "allow",
            "deny",
            "prompt",
            "sessions",
        ],
    ),
    (
        "Configure",
        &["configure", "import", "completion", "backup", "restore"],
    ),
    (
        "Diagnose",
        &["whoami", "doctor", "activity", "export", "version"],
    ),
];
/// clap's own limit for a line of help.
const WIDEST: usize = 100;

/// Shows the requested help, or the error in the arguments, and ends the process.
pub(crate) fn end(error: &Error) -> ! {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand};
    if matches!(
        error.kind(),
        DisplayHelp | DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        let _ = grouped(fitted(Arguments::command())).get_matches();
    }
    if error.use_stderr() {
        // It quotes the arguments.
        note(error.render().to_string().trim_end());
        std::process::exit(error.exit_code());
    }
    error.exit()
}

/// The whole program, whose help lists the commands in groups.
fn grouped(command: Command) -> Command {
    let width = terminal_width().min(WIDEST);
    let (sections, indent) = (sections(&command), "  ");
    let names = sections.iter().flat_map(|(_, commands)| commands);
    let longest = names.map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (title, commands) in sections {
        text += &format!("{title}:\n");
        for (name, about) in commands {
            let mut line = format!("{indent}{name:longest$} ");
            for word in about.split_whitespace() {
                if line.chars().count() + 1 + word.chars().count() > width {
                    text += &format!("{line}\n");
                    line = " ".repeat(indent.len() + longest + 1);
                }
                line += &format!(" {word}");
            }
            text += &format!("{line}\n");
        }
        text.push('\n');
    }
    command.help_template(format!(
        "{{about}}\n\n{{usage-heading}} {{usage}}\n\n{text}Options:\n{{options}}\n\n{{after-help}}"
    ))
}

/// Each group's title, and its commands with what they do.
fn sections(command: &Command) -> Vec<(&'static str, Vec<(String, String)>)> {
    let of_group = |names: &[&str]| {
        let found = names.iter().filter_map(|name| {
            let command = command.find_subcommand(name)?;
            let about = command.get_about().map(ToString::to_string);
            Some(((*name).to_owned(), about.unwrap_or_default()))
        });
        found.collect::<Vec<_>>()
    };
    let sections = GROUPS
        .iter()
        .map(|(title, names)| (*title, of_group(names)));
    sections
        .filter(|(_, commands)| !commands.is_empty())
        .collect()
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
    fn every_command_is_in_one_group() {
        let command = Arguments::command();
        let mut grouped: Vec<String> = sections(&command)
            .into_iter()
            .flat_map(|(_, commands)| commands.into_iter().map(|(name, _)| name))
            .collect();
        let mut all: Vec<String> = command
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(|command| command.get_name().to_owned())
            .collect();
        grouped.sort();
        all.sort();
        assert_eq!(grouped, all);
    }

    #[test]
    fn examples_and_columns_of_our_texts_fit_a_terminal_of_80_columns() {
        fn wide(command: &Command) -> Vec<String> {
            let text = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let own = text
                .lines()
                .filter(|line| line.starts_with(' ') && line.chars().count() > 80);
            own.map(str::to_owned)
                .chain(command.get_subcommands().flat_map(wide))
                .collect()
        }
        assert_eq!(wide(&Arguments::command()), [""; 0]);
    }
}
