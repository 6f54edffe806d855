//! Standard output for results, standard error for everything else, and tables.

use std::io::{self, Write as _};

use mcm_core::error::{Code, Error, Result};
use mcm_core::text;
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

/// Shows the user something that is no result.
pub(crate) fn note(text: &str) {
    // When standard error is closed too, there is nowhere left to report it.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Asks the user a question; the answer goes on the same line.
pub(crate) fn ask(question: &str) {
    let mut output = io::stderr().lock();
    let _ = write!(output, "{question}").and_then(|()| output.flush());
}

/// Asks the user at the terminal to confirm. Every answer but yes means no.
pub(crate) async fn confirm(question: String) -> bool {
    // On a thread of its own, so that Ctrl-C works.
    let asked = tokio::task::spawn_blocking(move || {
        ask(&question);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = asked
        .await
        .ok()
        .and_then(io::Result::ok)
        .unwrap_or_default();
    matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
}

/// Aligns columns, two spaces apart, without spaces after the last one. Cells may come from files and servers, so
/// each is cleaned once more.
pub(crate) fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let rows: Vec<[String; COLUMNS]> = rows
        .iter()
        .map(|row| std::array::from_fn(|column| cleaned(&row[column])))
        .collect();
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let line = |row: &[String; COLUMNS]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            // A width given to `format!` may not exceed 65,535.
            let missing = width - cell.chars().count();
            cell.clone() + &" ".repeat(missing)
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
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
    fn a_cell_of_any_length_and_content_is_one_short_line() {
        let long = ["x".repeat(70_000), "a\u{1b}[31m\u{202e}\nb".to_owned()];
        let line = table(&[long]);
        assert!(line.chars().count() < 600, "{}", line.len());
        assert!(line.ends_with("a[31mb"), "{line:?}");
    }
}
