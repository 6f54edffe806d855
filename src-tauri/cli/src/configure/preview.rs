//! A change as a unified diff, safe to show: it has no value of the user's own settings.

use std::fmt::Write as _;

use super::aws_config::FileLine;

/// How many unchanged lines are shown around a change.
const AROUND: usize = 3;

/// The change of the file called `name`, in unified form; empty when there is none. `is_new` and `is_gone` mean that
/// the file does not exist before or after.
pub(super) fn unified(name: &str, lines: &[FileLine<'_>], is_new: bool, is_gone: bool) -> String {
    let changed: Vec<usize> = (0..lines.len())
        .filter(|index| !matches!(lines[*index], FileLine::Kept(_)))
        .collect();
    let Some(first) = changed.first() else {
        return String::new();
    };
    let side = |is_missing| if is_missing { "/dev/null" } else { name };
    let mut diff = format!("--- {}\n+++ {}\n", side(is_new), side(is_gone));
    let (mut start, mut end) = (first.saturating_sub(AROUND), first + 1);
    for index in changed.iter().copied().skip(1).map(Some).chain([None]) {
        match index {
            Some(index) if index <= end + 2 * AROUND => end = index + 1,
            next => {
                hunk(&mut diff, lines, start, (end + AROUND).min(lines.len()));
                if let Some(index) = next {
                    (start, end) = (index - AROUND, index + 1);
                }
            }
        }
    }
    diff.truncate(diff.trim_end_matches('\n').len());
    diff
}

fn hunk(diff: &mut String, lines: &[FileLine<'_>], start: usize, end: usize) {
    let in_old = |line: &&FileLine<'_>| !matches!(line, FileLine::PutIn(_));
    let in_new = |line: &&FileLine<'_>| !matches!(line, FileLine::TakenOut(_));
    let (before, here) = (&lines[..start], &lines[start..end]);
    // A side without a line is at the line before.
    let place =
        |before: usize, count: usize| format!("{},{count}", before + usize::from(count > 0));
    let old = place(
        before.iter().filter(in_old).count(),
        here.iter().filter(in_old).count(),
    );
    let new = place(
        before.iter().filter(in_new).count(),
        here.iter().filter(in_new).count(),
    );
    let _ = writeln!(diff, "@@ -{old} +{new} @@");
    for (index, line) in here.iter().enumerate() {
        let (sign, line, shown) = match line {
            FileLine::Kept(line) => (' ', *line, without_value(line)),
            // Only its end changes, so it is not ours.
            FileLine::TakenOut(line) if is_ended_otherwise(line, here.get(index + 1)) => {
                ('-', *line, without_value(line))
            }
            FileLine::PutIn(line)
                if index > 0
                    && matches!(here[index - 1], FileLine::TakenOut(old) if without_end(old) == without_end(line)) =>
            {
                ('+', line.as_str(), without_value(line))
            }
            FileLine::TakenOut(line) => ('-', *line, without_end(line).to_owned()),
            FileLine::PutIn(line) => ('+', line.as_str(), without_end(line).to_owned()),
        };
        let _ = writeln!(diff, "{sign}{shown}");
        if !line.ends_with('\n') {
            diff.push_str("\\ No newline at end of file\n");
        }
    }
}

fn is_ended_otherwise(line: &str, next: Option<&FileLine<'_>>) -> bool {
    matches!(next, Some(FileLine::PutIn(new)) if without_end(new) == without_end(line))
}

fn without_end(line: &str) -> &str {
    line.trim_end_matches(['\r', '\n'])
}

/// An unchanged line. Values may be access keys, commented out or not, so only those that cannot be are shown.
fn without_value(line: &str) -> String {
    const HARMLESS: [&str; 2] = ["region", "output"];
    let line = without_end(line);
    let Some((key, _)) = line.split_once(['=', ':']) else {
        // A line that is neither a header, a comment nor a key continues a value.
        let is_shown = line.trim().is_empty() || line.trim_start().starts_with(['[', '#', ';']);
        return if is_shown {
            line.to_owned()
        } else {
            "  …".to_owned()
        };
    };
    if line.starts_with('[') || HARMLESS.contains(&key.trim()) {
        return line.to_owned();
    }
    format!("{}{} …", key, &line[key.len()..=key.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_as_patch_reads_it_without_values_of_the_user() {
        let lines = [
            FileLine::Kept("[default]\n"),
            FileLine::Kept("# aws_secret_access_key = CANARY\n"),
            FileLine::Kept("aws_secret_access_key = CANARY\n"),
            FileLine::Kept("region = eu-west-1\n"),
            FileLine::TakenOut("last"),
            FileLine::PutIn("last\n".to_owned()),
            FileLine::PutIn("\n".to_owned()),
            FileLine::PutIn("[profile x]".to_owned()),
        ];
        let shown = unified("config", &lines, false, false);
        assert_eq!(
            shown,
            "--- config\n+++ config\n@@ -2,4 +2,6 @@\n # aws_secret_access_key = …\n aws_secret_access_key = …\n \
             region = eu-west-1\n-  …\n\\ No newline at end of file\n+  …\n+\n+[profile x]\n\\ No newline at end of file"
        );
    }

    #[test]
    fn a_last_line_that_gets_an_end_keeps_its_value_to_itself() {
        let lines = [
            FileLine::TakenOut("aws_secret_access_key = CANARY"),
            FileLine::PutIn("aws_secret_access_key = CANARY\n".to_owned()),
            FileLine::PutIn("[profile x]".to_owned()),
        ];
        let shown = unified("config", &lines, false, false);
        assert!(
            !shown.contains("CANARY") && shown.contains("+[profile x]"),
            "{shown}"
        );
    }

    #[test]
    fn changes_that_are_far_apart_have_hunks_of_their_own() {
        let mut lines = vec![FileLine::Kept("a = 1\n"); 20];
        lines[0] = FileLine::PutIn("x\n".to_owned());
        lines[7] = FileLine::TakenOut("y\n");
        lines[19] = FileLine::TakenOut("z\n");
        let shown = unified("config", &lines, false, false);
        let hunks: Vec<&str> = shown
            .lines()
            .filter(|line| line.starts_with("@@"))
            .collect();
        assert_eq!(hunks, ["@@ -1,10 +1,10 @@", "@@ -16,4 +16,3 @@"]);
        assert_eq!(unified("config", &lines[1..7], false, false), "");
        assert!(
            unified("config", &lines[..1], true, false)
                .starts_with("--- /dev/null\n+++ config\n@@ -0,0 +1,1 @@")
        );
    }
}
