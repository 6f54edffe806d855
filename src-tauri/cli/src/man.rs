//! The manual page, generated from the same definitions as the help, and checked against them by a test.
//!
//! It is committed as `src-tauri/bundle/mcm.1`, which the packages install. The program contains none of this.

use std::io::{self, Write};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::arguments::Arguments;
use crate::committed_file::hold_committed;
use crate::help::fitted;

#[test]
fn the_manual_page_matches_the_help() {
    let page = page().expect("memory takes every byte");
    hold_committed("src-tauri/bundle/mcm.1", &page);
}

/// The commands as the documents show them.
pub(crate) fn documented() -> Command {
    let mut command = without_help(fitted(Arguments::command()).disable_help_subcommand(true));
    command.build();
    command
}

fn page() -> io::Result<Vec<u8>> {
    let command = documented();
    let (mut page, man) = (
        Vec::new(),
        Man::new(command.clone()).manual("Multi-Cloud Manager"),
    );
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    writeln!(page, ".SH DESCRIPTION")?;
    as_written(
        &mut page,
        &command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default(),
    )?;
    writeln!(
        page,
        ".SH COMMANDS\nEvery command also takes \\fB\\-h\\fR, \\fB\\-\\-help\\fR."
    )?;
    for command in command.get_subcommands() {
        describe(&mut page, command)?;
    }
    Ok(page)
}

/// Without the help option that every command has.
fn without_help(command: Command) -> Command {
    command
        .disable_help_flag(true)
        .mut_subcommands(without_help)
}

fn describe(page: &mut Vec<u8>, command: &Command) -> io::Result<()> {
    if command.has_subcommands() {
        return command
            .get_subcommands()
            .try_for_each(|command| describe(page, command));
    }
    let usage = command.clone().render_usage().to_string();
    writeln!(
        page,
        ".SS \"{}\"",
        escaped(usage.trim_start_matches("Usage: "))
    )?;
    writeln!(
        page,
        "{}.",
        escaped(
            &command
                .get_about()
                .map(ToString::to_string)
                .unwrap_or_default()
        )
    )?;
    if command.get_arguments().next().is_some() {
        let mut options = Vec::new();
        Man::new(command.clone()).render_options_section(&mut options)?;
        let options = String::from_utf8(options).expect("the help is text");
        // The list without its heading; the command's own heading is enough.
        page.write_all(options.replace(".SH OPTIONS\n", "").as_bytes())?;
    }
    if let Some(more) = command.get_after_help() {
        as_written(page, &more.to_string())?;
    }
    Ok(())
}

/// A text of paragraphs, with indented lines unchanged.
fn as_written(page: &mut Vec<u8>, text: &str) -> io::Result<()> {
    for block in text.split("\n\n") {
        writeln!(page, ".PP")?;
        let mut is_set_in = false;
        for line in block.lines() {
            if line.starts_with(' ') != is_set_in {
                is_set_in = !is_set_in;
                writeln!(page, "{}", if is_set_in { ".nf" } else { ".fi" })?;
            }
            writeln!(page, "{}", escaped(line))?;
        }
        if is_set_in {
            writeln!(page, ".fi")?;
        }
    }
    Ok(())
}

/// A line that the formatter reads as text.
fn escaped(line: &str) -> String {
    let line = line
        .replace('\\', "\\e")
        .replace('-', "\\-")
        .replace('"', "\\(dq");
    if line.starts_with(['.', '\'']) {
        format!("\\&{line}")
    } else {
        line
    }
}
