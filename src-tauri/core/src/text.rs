//! Text from a server, a file or another program, made safe to show on one line.
//!
//! One function serves every screen, terminal and log line. It removes invisible characters and those that change the
//! reading order, so that no name can forge a line. Names that look like another are found by a second function.

use std::borrow::Cow;
use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};
use unicode_security::skeleton;

/// The longest name shown, in characters: longer than any cloud allows.
const MAX_TEXT_CHARS: usize = 256;
/// The most combining marks in a row that a script needs. More would cover the lines above and below.
const MAX_MARKS: usize = 4;

/// Returns a text on one line in composed form (NFC), cut at 256 characters.
///
/// Removed are control and format characters, line and paragraph separators, private-use and unassigned code points
/// (general categories Cc, Cf, Zl, Zp, Co, Cn), what Unicode calls default-ignorable, and combining marks after the
/// fourth in a row. Every other space becomes a plain one.
pub fn shown(text: &str) -> String {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
    if text.len() <= MAX_TEXT_CHARS && text.bytes().all(is_plain) {
        return text.trim().to_owned();
    }
    let mut marks = 0;
    text.chars()
        // Composing needs only a few characters for one; the rest of a huge text is not examined.
        .take(MAX_TEXT_CHARS * 8)
        .filter(|c| is_visible(*c))
        // After what stood between a letter and its mark is gone.
        .nfc()
        .filter_map(|c| {
            let is_mark = matches!(
                c.general_category(),
                GeneralCategory::NonspacingMark
                    | GeneralCategory::EnclosingMark
                    | GeneralCategory::SpacingMark
            );
            marks = if is_mark { marks + 1 } else { 0 };
            let is_space = c.general_category() == GeneralCategory::SpaceSeparator;
            (marks <= MAX_MARKS).then_some(if is_space { ' ' } else { c })
        })
        .take(MAX_TEXT_CHARS)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Returns a message of any length and number of lines without the characters that `shown` removes: an argument, a
/// variable or a path that it quotes can hold any.
pub fn harmless(message: &str) -> Cow<'_, str> {
    let is_fit = |c: char| matches!(c, '\n' | '\t') || is_visible(c);
    if message.chars().all(is_fit) {
        return Cow::Borrowed(message);
    }
    Cow::Owned(message.chars().filter(|c| is_fit(*c)).collect())
}

/// Which of these names look like another of them, so that a user cannot distinguish them: `l` and `I`, `rn` and `m`,
/// a Latin and a Cyrillic `o`, one space and two.
///
/// Compared by their skeletons (Unicode Technical Standard 39, section 4).
pub fn look_alike<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<bool> {
    let looks: Vec<String> = names
        .into_iter()
        .map(|name| {
            let words: Vec<&str> = name.split_whitespace().collect();
            skeleton(&words.join(" ")).collect()
        })
        .collect();
    let mut counts = HashMap::<&str, usize>::new();
    for look in &looks {
        *counts.entry(look).or_default() += 1;
    }
    looks.iter().map(|look| counts[look.as_str()] > 1).collect()
}

fn is_visible(c: char) -> bool {
    let is_hidden = matches!(
        c.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned
    );
    !is_hidden && !is_default_ignorable(c)
}

/// Characters without a shape of their own although their category is that of a letter or a mark
/// (Default_Ignorable_Code_Point in DerivedCoreProperties.txt, without those that the categories cover).
fn is_default_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_reverse_the_reading_direction_or_break_the_line() {
        assert_eq!(shown(" Con\u{202e}toso\r\n\u{1b}[31m "), "Contoso[31m");
        assert_eq!(shown("Zoë’s Überteam 東京"), "Zoë’s Überteam 東京");
        assert_eq!(shown(&"x".repeat(10_000)).len(), 256);
    }

    #[test]
    fn a_message_keeps_its_lines_and_nothing_that_moves_or_hides() {
        for plain in ["", "One line.\n\tZoë’s  東京\n", &"x".repeat(10_000)] {
            assert!(matches!(harmless(plain), Cow::Borrowed(same) if same == plain));
        }
        let quoted = "\"a\u{1b}]0;t\u{7}\u{9b}31m\u{202e} b\r\u{200b}\" is\nnot\u{2028} there";
        assert_eq!(harmless(quoted), "\"a]0;t31m b\" is\nnot there");
    }

    #[test]
    fn nothing_invisible_makes_two_names_look_alike() {
        for mark in [
            '\u{61c}',
            '\u{ad}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{2060}',
            '\u{2028}',
            '\u{2029}',
            '\u{2066}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{180e}',
            '\u{fff9}',
            '\u{feff}',
            '\u{e0061}',
            '\u{e0100}',
            '\u{34f}',
            '\u{115f}',
            '\u{e000}',
            '\u{378}',
            '\u{7f}',
            '\u{9b}',
        ] {
            assert_eq!(
                shown(&format!("Con{mark}toso")),
                "Contoso",
                "{:x}",
                u32::from(mark)
            );
        }
        assert_eq!(shown("a\u{a0}b\u{2003}c\u{3000}d"), "a b c d");
    }

    #[test]
    fn two_spellings_of_one_letter_are_one_text_and_marks_are_limited() {
        assert_eq!(shown("Zoe\u{308}"), shown("Zo\u{eb}"));
        assert_eq!(shown("Zoe\u{200d}\u{308}"), "Zo\u{eb}");
        let piled = format!("a{}", "\u{301}".repeat(60));
        assert!(shown(&piled).chars().count() <= 1 + MAX_MARKS);
        assert_eq!(
            shown("हिन्दी ภาษาไทย tiếng Việt"),
            "हिन्दी ภาษาไทย tiếng Việt"
        );
    }

    #[test]
    fn names_that_a_reader_cannot_tell_apart_are_found() {
        for other in [
            "Contoso Mall",
            "Cont\u{43e}so Mall",
            "\u{421}ontoso Mall",
            "Contoso MaIl",
            "Contoso Ma1l",
            "C\u{3bf}ntoso  Mall",
            "\u{1d402}ontoso Mall",
        ] {
            let names = ["Contoso Mall", "Fabrikam", other];
            assert_eq!(look_alike(names), [true, false, true], "{other}");
        }
        assert_eq!(look_alike(["modern", "rnodem"]), [true, true]);
        let different = ["Contoso", "contoso", "Contosa", "Contoso 2", ""];
        assert_eq!(look_alike(different), [false; 5]);
    }

    #[test]
    fn a_text_of_marks_alone_is_empty() {
        assert_eq!(shown("\u{200b}\u{202e}\u{2060}"), "");
    }
}
