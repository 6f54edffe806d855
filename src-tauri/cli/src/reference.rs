//! The reference of `mcm` for the web, generated from the same definitions as the help and the manual page.
//!
//! It is committed as `docs/command-line.md`, and a test checks it. The program contains none of this.

use std::fmt::Write as _;

use clap::{Arg, Command};

use crate::committed_file::hold_committed;
use crate::man::documented;

#[test]
fn the_reference_matches_the_help() {
    hold_committed("docs/command-line.md", reference().as_bytes());
}

fn reference() -> String {
    let command = documented();
    let mut page = String::from(
        "# The commands of mcm\n\n\
         <!-- Generated from src-tauri/cli/src/arguments.rs: cargo test -p mcm-cli --lib -->\n\n",
    );
    let about = command.get_about().map(ToString::to_string);
    writeln!(page, "{}.\n", escaped(&about.unwrap_or_default())).expect(GROWS);
    page.push_str(&in_blocks(&command));
    for command in command.get_subcommands() {
        describe(&mut page, command);
    }
    format!("{}\n", page.trim_end())
}

const GROWS: &str = "a String grows";

fn describe(page: &mut String, command: &Command) {
    if command.has_subcommands() {
        for command in command.get_subcommands() {
            describe(page, command);
        }
        return;
    }
    let usage = command.clone().render_usage().to_string();
    let about = command.get_about().map(ToString::to_string);
    writeln!(
        page,
        "## `{}`\n\n{}.\n",
        usage.trim_start_matches("Usage: "),
        escaped(&about.unwrap_or_default())
    )
    .expect(GROWS);
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
        .collect();
    if !arguments.is_empty() {
        page.push_str("| argument | meaning |\n|---|---|\n");
        for argument in arguments {
            writeln!(page, "| `{}` | {} |", spelled(argument), meaning(argument)).expect(GROWS);
        }
        page.push('\n');
    }
    page.push_str(&in_blocks(command));
}

/// The argument as the user types it.
fn spelled(argument: &Arg) -> String {
    // Without colour, as in the usage line.
    argument.to_string().replace('|', "\\|")
}

/// The help of an argument, with its values and its default.
fn meaning(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string);
    let mut meaning = escaped(&help.unwrap_or_default());
    let code = |names: Vec<String>| names.join(", ").replace('|', "\\|");
    if argument.get_action().takes_values() {
        let values = argument.get_possible_values();
        let values = values.iter().filter(|value| !value.is_hide_set());
        let values: Vec<String> = values
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !values.is_empty() {
            write!(meaning, "; one of {}", code(values)).expect(GROWS);
        }
        let defaults = argument.get_default_values().iter();
        let defaults: Vec<String> = defaults
            .map(|value| format!("`{}`", value.to_string_lossy()))
            .collect();
        if !defaults.is_empty() {
            write!(meaning, "; default {}", code(defaults)).expect(GROWS);
        }
    }
    meaning
}

/// The long text of a command: paragraphs, and examples unchanged.
fn in_blocks(command: &Command) -> String {
    let text = command.get_after_help().map(ToString::to_string);
    let mut blocks = String::new();
    let mut is_example = false;
    for line in text.unwrap_or_default().lines() {
        if line.starts_with(' ') != is_example {
            blocks.push_str(if is_example { "```\n" } else { "\n```text\n" });
            is_example = !is_example;
        }
        match line.strip_prefix("  ") {
            Some(example) => blocks.push_str(example),
            None => blocks.push_str(&escaped(line)),
        }
        blocks.push('\n');
    }
    if is_example {
        blocks.push_str("```\n");
    }
    if !blocks.is_empty() {
        blocks.push('\n');
    }
    blocks.replace("\n\n\n", "\n\n")
}

/// Text that Markdown reads as text.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '<' | '>' | '|' | '*' | '[' | ']') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
