//! Standard output for results, standard error for everything else, and tables.

use std::io::{self, Write as _};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mcm_core::error::{Code, Error, Result};
use mcm_core::text;
use mcm_core::world::Environment;
use serde::Serialize;

/// Prints a result and a newline.
///
/// # Errors
/// `storage-failed` when it cannot be written. A reader that closed early, such as `head`, is no failure.
pub(crate) fn print(result: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    match writeln!(output, "{result}").and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::new(
            Code::StorageFailed,
            "The result could not be written to standard output. Check the disk or the pipe.",
        )
        .with_source(error)),
        _ => Ok(()),
    }
}

/// Prints the beginning of a result, which is of use also when the rest never comes.
pub(crate) fn print_unfinished(text: &str) {
    let mut output = io::stdout().lock();
    // The result says whether it could be written.
    let _ = write!(output, "{text}").and_then(|()| output.flush());
}

/// Prints a result as JSON.
///
/// # Errors
/// Those of `print`.
pub(crate) fn print_json(result: &impl Serialize) -> Result<()> {
    print(
        &serde_json::to_string_pretty(result).expect("results have string keys and finite numbers"),
    )
}

/// Shows the user something that is no result. What it quotes, such as a path, is made safe to show.
pub(crate) fn note(text: &str) {
    note_behind("", text);
}

/// As `note`, behind a beginning that is shown as it is, with its colour.
pub(crate) fn note_behind(beginning: &str, text: &str) {
    let text = text::harmless(text);
    // When standard error is closed too, there is nowhere left to report it.
    let _ = writeln!(io::stderr().lock(), "{beginning}{text}");
}

/// Asks the user a question; the answer goes on the same line.
pub(crate) fn ask(question: &str) {
    let question = text::harmless(question);
    let mut output = io::stderr().lock();
    let _ = write!(output, "{question}").and_then(|()| output.flush());
}

/// Asks the user at the terminal, and returns what was typed, without the spaces around it. Empty where nothing was.
pub(crate) async fn answer(question: String) -> String {
    // On a thread of its own, so that Ctrl-C works.
    let asked = tokio::task::spawn_blocking(move || {
        ask(&question);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = asked.await.ok().and_then(io::Result::ok);
    answer.unwrap_or_default().trim().to_owned()
}

/// Asks the user at the terminal to confirm. Every answer but yes means no.
pub(crate) async fn confirm(question: String) -> bool {
    let answer = answer(question).await;
    matches!(answer.to_lowercase().as_str(), "y" | "yes")
}

/// Aligns columns, two spaces apart, without spaces after the last one. Cells may come from files and servers, so
/// each is cleaned once more.
pub(crate) fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    painted_table(rows, |_, _| None)
}

/// As [`table`], with cells in the colour that `paint` chooses by column and text.
pub(crate) fn painted_table<const COLUMNS: usize>(
    rows: &[[String; COLUMNS]],
    paint: impl Fn(usize, &str) -> Option<TerminalColour>,
) -> String {
    let rows: Vec<[String; COLUMNS]> = rows
        .iter()
        .map(|row| std::array::from_fn(|column| cleaned(&row[column])))
        .collect();
    let widths = widths(&rows);
    let line = |row: &[String; COLUMNS]| {
        let mut line = String::new();
        // Spaces are written before the next cell, so that none ends the line.
        let mut missing = 0;
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let length = cell.chars().count();
            if length > 0 {
                line.push_str(&" ".repeat(missing));
                line.push_str(&match paint(column, cell) {
                    Some(colour) => colour.of(cell),
                    None => cell.clone(),
                });
                missing = 0;
            }
            // A width given to `format!` may not exceed 65,535.
            missing += width - length + 2;
        }
        line
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Cuts the cells of some columns, the widest first, until every line fits the width. The end of a cut cell is `…`.
pub(crate) fn fit<const COLUMNS: usize>(
    rows: &mut [[String; COLUMNS]],
    may_be_cut: &[usize],
    width: usize,
) {
    const SHORTEST: usize = 8;
    for row in &mut *rows {
        for cell in row {
            *cell = cleaned(cell);
        }
    }
    let mut widths = widths(rows);
    let mut excess = (widths.iter().sum::<usize>() + 2 * (COLUMNS - 1)).saturating_sub(width);
    while excess > 0 {
        let widest = may_be_cut.iter().max_by_key(|column| widths[**column]);
        let Some(&widest) = widest.filter(|column| widths[**column] > SHORTEST) else {
            break;
        };
        widths[widest] -= 1;
        excess -= 1;
    }
    for row in rows {
        for &column in may_be_cut {
            if row[column].chars().count() > widths[column] {
                let kept = row[column].chars().take(widths[column] - 1);
                row[column] = kept.chain(['…']).collect();
            }
        }
    }
}

fn widths<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> [usize; COLUMNS] {
    std::array::from_fn(|column| {
        let lengths = rows.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    })
}

/// A colour of the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TerminalColour {
    Green,
    Yellow,
    Red,
}

impl TerminalColour {
    fn of(self, text: &str) -> String {
        let code = match self {
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Red => 31,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// Whether colours may be written to a stream that is, or is not, a terminal (<https://no-color.org>).
pub(crate) fn is_coloured(environment: &Environment, is_terminal: bool) -> bool {
    let is_refused =
        environment.get("NO_COLOR").is_some() || environment.get("TERM") == Some("dumb");
    is_terminal && !is_refused
}

/// A moment as a clock on the wall shows it.
pub(crate) fn clock_time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%H:%M")
        .to_string()
}

/// The columns of the terminal that shows standard output; 80 where there is none.
pub(crate) fn terminal_width() -> usize {
    #[cfg(unix)]
    if let Ok(size) = rustix::termios::tcgetwinsize(io::stdout())
        && size.ws_col > 0
    {
        return usize::from(size.ws_col);
    }
    80
}

/// A cell without characters that could forge another line; leading spaces stay.
fn cleaned(cell: &str) -> String {
    let indent = cell.len() - cell.trim_start_matches(' ').len();
    " ".repeat(indent.min(8)) + &text::shown(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_characters_and_lines_end_without_spaces() {
        let rows =
            [["NAME", "STATE"], ["Zoë", "ok"], ["Contoso", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "NAME     STATE\nZoë      ok\nContoso");
    }

    #[test]
    fn the_widest_columns_are_cut_until_a_line_fits() {
        let mut rows = [
            [
                "azure-1535dce659fc",
                "A very long name of an account",
                "Production",
            ],
            ["gcp-1", "Short", "A very long name of a project too"],
        ]
        .map(|row| row.map(str::to_owned));
        fit(&mut rows, &[1, 2], 50);
        let printed = table(&rows);
        assert!(
            printed.lines().all(|line| line.chars().count() <= 50),
            "{printed}"
        );
        assert!(printed.contains("azure-1535dce659fc"), "{printed}");
        assert!(printed.contains("A very long n…"), "{printed}");
        assert!(printed.contains("Production"), "{printed}");
    }

    #[test]
    fn a_colour_takes_no_room() {
        let rows = [["ok", "a"], ["other", "b"]].map(|row| row.map(str::to_owned));
        let painted = painted_table(&rows, |column, cell| {
            (column == 0 && cell == "ok").then_some(TerminalColour::Green)
        });
        assert_eq!(painted, "\u{1b}[32mok\u{1b}[0m     a\nother  b");
    }

    #[test]
    fn a_cell_of_any_length_and_content_is_one_short_line() {
        let long = ["x".repeat(70_000), "a\u{1b}[31m\u{202e}\nb".to_owned()];
        let line = table(&[long]);
        assert!(line.chars().count() < 600, "{}", line.len());
        assert!(line.ends_with("a[31mb"), "{line:?}");
    }
}
