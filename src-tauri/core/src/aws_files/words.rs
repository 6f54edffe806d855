//! Splitting the command of a `credential_process` into words, as botocore does on each system.

/// The words of a text as Python's `shlex.split` returns them; none when a quote or an escape is not ended.
pub fn shell_words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match quote {
            Some(open) if c == open => quote = None,
            Some('"') if c == '\\' => {
                let escaped = characters.next()?;
                let word = word.get_or_insert_default();
                if !matches!(escaped, '"' | '\\') {
                    word.push('\\');
                }
                word.push(escaped);
            }
            None if c == '\\' => word.get_or_insert_default().push(characters.next()?),
            None if matches!(c, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if matches!(c, ' ' | '\t' | '\r' | '\n') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// The words of a command as botocore splits them on Windows, by the rules of Microsoft's C runtime; none when a quote is
/// not closed.
pub(crate) fn windows_words(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), None::<String>, false);
    let mut backslashes = 0;
    for c in text.chars() {
        if c == '\\' {
            backslashes += 1;
            continue;
        }
        // Backslashes before a quote escape each other, and an odd one the quote; any others are themselves.
        let (kept, is_escaped) = if c == '"' {
            (backslashes / 2, backslashes % 2 == 1)
        } else {
            (backslashes, false)
        };
        if backslashes > 0 {
            word.get_or_insert_default().push_str(&"\\".repeat(kept));
            backslashes = 0;
        }
        match c {
            '"' if !is_escaped => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            ' ' | '\t' if !is_quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    if backslashes > 0 {
        let word = word.get_or_insert_default();
        word.push_str(&"\\".repeat(backslashes));
    }
    words.extend(word);
    (!is_quoted).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_splits_as_botocore_does_there() {
        for (text, words) in [
            ("", &[][..]),
            ("  \t ", &[]),
            ("spam \\", &["spam", "\\"]),
            (
                "C:\\tools\\a.exe  --x\ty",
                &["C:\\tools\\a.exe", "--x", "y"],
            ),
            (
                "\"C:\\a b\\c.exe\" \"\" 'd e'",
                &["C:\\a b\\c.exe", "", "'d", "e'"],
            ),
            ("a\\\"b c", &["a\"b", "c"]),
            ("a\\\\\"b c\"", &["a\\b c"]),
            ("a\\\\b\\ c\\\\", &["a\\\\b\\", "c\\\\"]),
            ("a\nb", &["a\nb"]),
        ] {
            assert_eq!(
                windows_words(text).as_deref(),
                Some(&*words.iter().map(ToString::to_string).collect::<Vec<_>>()),
                "{text}"
            );
        }
        for text in ["\"a b", "a\\\\\" b", "\""] {
            assert_eq!(windows_words(text), None, "{text}");
        }
    }
}
