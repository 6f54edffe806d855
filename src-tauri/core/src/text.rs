//! Names that come from a server, made fit to be shown.

/// The longest name shown: longer than any cloud allows.
const MAX_TEXT_CHARS: usize = 256;

/// A name without control characters and bidirectional marks, which could forge what a person reads, and cut at 256
/// characters.
pub(crate) fn shown(text: &str) -> String {
    let forging = |c: &char| {
        c.is_control()
            || matches!(*c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .filter(|c| !forging(c))
        .take(MAX_TEXT_CHARS)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_turn_the_reading_direction_or_break_the_line() {
        assert_eq!(shown(" Con\u{202e}toso\r\n\u{1b}[31m "), "Contoso[31m");
        assert_eq!(shown("Zoë’s Überteam 東京"), "Zoë’s Überteam 東京");
        assert_eq!(shown(&"x".repeat(10_000)).len(), 256);
    }
}
