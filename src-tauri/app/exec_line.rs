//! The `Exec` line of a desktop file (Desktop Entry Specification 1.5, "The Exec key"): written and read.

use gio::glib;

/// A program's path as the first word. Quoted only where necessary, because `xdg-open` 1.1.3 reads the quotes as a
/// part of the name. None for a path that would forge a line.
pub(crate) fn word(program: &str) -> Option<String> {
    if program.chars().any(char::is_control) {
        return None;
    }
    let program = program.replace('%', "%%");
    let is_reserved = |c: char| " \"'\\><~|&;$*?#()`".contains(c);
    if !program.contains(is_reserved) {
        return Some(program);
    }
    let mut quoted = String::from("\"");
    for c in program.chars() {
        match c {
            // Escaped for the quotes, and the backslash once more for the file.
            '"' | '`' | '$' => quoted.extend(["\\\\", c.encode_utf8(&mut [0; 4])]),
            '\\' => quoted.push_str("\\\\\\\\"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Some(quoted)
}

/// The words of a line from a key file, which has already undone the file's own escapes.
pub(crate) fn words(line: &str) -> Option<Vec<String>> {
    let words = glib::shell_parse_argv(line).ok()?;
    words
        .into_iter()
        .map(|word| Some(word.into_string().ok()?.replace("%%", "%")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_unchanged() {
        for path in [
            "/usr/bin/app",
            "/opt/Multi Cloud/app",
            "/opt/100%/app",
            "/opt/$HOME `x` \"q\" \\b/app",
            "/opt/ö&(1)/app",
        ] {
            let text = format!("[Desktop Entry]\nExec={} %u\n", word(path).unwrap());
            let key_file = glib::KeyFile::new();
            key_file
                .load_from_data(&text, glib::KeyFileFlags::NONE)
                .unwrap();
            let line = key_file.string("Desktop Entry", "Exec").unwrap();
            assert_eq!(words(&line).unwrap(), [path, "%u"], "{line}");
        }
        assert_eq!(word("/opt/a\nExec=evil"), None);
    }
}
