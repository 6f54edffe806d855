//! Any value in a line for a shell: read back by the shell's rules, the line is one assignment of that value.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[allow(dead_code)]
#[path = "../../../cli/src/shell.rs"]
mod shell;

use shell::Language;

/// What PowerShell takes for a single quotation mark (PowerShell language specification 2.3.5.2).
const POWERSHELL_QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

fuzz_target!(|value: &str| {
    for language in [Language::Posix, Language::Fish, Language::Powershell] {
        let line = language.set("NAME", value);
        let (beginning, read): (_, fn(&str) -> Option<String>) = match language {
            Language::Posix => ("export NAME=", posix),
            Language::Fish => ("set -gx NAME ", fish),
            Language::Powershell => ("$env:NAME = ", powershell),
            // It quotes nothing: mcm env gives it plain values only.
            Language::Cmd => continue,
        };
        let quoted = line.strip_prefix(beginning).expect("an assignment");
        assert_eq!(read(quoted).as_deref(), Some(value), "{line}");
    }
});

/// Single quotes hold everything but themselves; outside of them only an escaped quote stands.
fn posix(text: &str) -> Option<String> {
    let (mut value, mut rest) = (String::new(), text);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(r"\'") {
            value.push('\'');
            rest = after;
            continue;
        }
        let (held, after) = rest.strip_prefix('\'')?.split_once('\'')?;
        value.push_str(held);
        rest = after;
    }
    Some(value)
}

/// In single quotes a backslash escapes itself and the quote.
fn fish(text: &str) -> Option<String> {
    let mut chars = text.strip_prefix('\'')?.strip_suffix('\'')?.chars();
    let mut value = String::new();
    while let Some(c) = chars.next() {
        match c {
            '\'' => return None,
            '\\' => value.push(chars.next().filter(|c| matches!(c, '\\' | '\''))?),
            other => value.push(other),
        }
    }
    Some(value)
}

/// A sum of texts in single quotes, where two quotes of any kind stand for the first, and of numbered characters. A line
/// break stands in no text, because a line read by itself would end there.
fn powershell(text: &str) -> Option<String> {
    let (mut value, mut rest) = (String::new(), text);
    loop {
        if let Some(number) = rest.strip_prefix("[char]") {
            let digits = number.len() - number.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            value.push(char::from_u32(number[..digits].parse().ok()?)?);
            rest = &number[digits..];
        } else {
            rest = rest.strip_prefix('\'')?;
            loop {
                let c = rest.chars().next().filter(|c| !matches!(c, '\n' | '\r'))?;
                rest = &rest[c.len_utf8()..];
                if POWERSHELL_QUOTES.contains(&c) {
                    let Some(second) = rest.chars().next().filter(|next| POWERSHELL_QUOTES.contains(next)) else {
                        break;
                    };
                    rest = &rest[second.len_utf8()..];
                }
                value.push(c);
            }
        }
        match rest.strip_prefix(" + ") {
            Some(next) => rest = next,
            None => return rest.is_empty().then_some(value),
        }
    }
}
