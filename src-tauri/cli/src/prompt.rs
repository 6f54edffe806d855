//! `mcm prompt`: the segment of a prompt that names the environment, from variables alone. No file is read.

use jiff::Timestamp;
use mcm_core::account::Colour;
use mcm_core::environment::EnvironmentName;
use mcm_core::world::Environment;

use crate::variables;

/// The segment; none outside of an environment.
pub(crate) fn segment(
    environment: &Environment,
    now: Timestamp,
    is_coloured: bool,
) -> Option<String> {
    // Anything may have set the variable, and prompts interpret what is in them.
    let name = EnvironmentName::parse(environment.get(variables::ENVIRONMENT)?)?;
    let is_protected = environment.get("MCM_ENVIRONMENT_PROTECTED").is_some();
    let until = environment
        .get("MCM_ENVIRONMENT_UNTIL")
        .and_then(|until| until.parse::<i64>().ok());
    let mut text = name.to_string();
    if is_protected {
        text.push_str(" PROTECTED");
    }
    if environment.get("MCM_READ_ONLY").is_some() {
        text.push_str(" read-only");
    }
    match until.map(|until| until - now.as_second()) {
        Some(left) if left > 0 => text.push_str(&format!(" {}m", (left + 59) / 60)),
        Some(_) => text.push_str(" OVER"),
        None => {}
    }
    if !is_coloured {
        return Some(text);
    }
    let colour = environment
        .get("MCM_ENVIRONMENT_COLOUR")
        .unwrap_or_default();
    Some(format!(
        "\u{1b}[{}m{text}\u{1b}[0m",
        code(colour, is_protected)
    ))
}

/// The terminal's code of a colour. A protected environment has a red background, and the word as well.
pub(crate) fn code(colour: &str, is_protected: bool) -> &'static str {
    if is_protected {
        return "41;97";
    }
    match Colour::named(colour) {
        Some(Colour::Blue) => "34",
        Some(Colour::Green) => "32",
        Some(Colour::Amber) => "33",
        Some(Colour::Red) => "31",
        Some(Colour::Violet) => "35",
        Some(Colour::Grey) => "90",
        None => "1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_segment_names_the_environment_its_protection_and_the_time_that_is_left() {
        let at = |pairs: &[(&str, &str)], coloured| {
            let environment = Environment::from_pairs(pairs.iter().copied());
            segment(
                &environment,
                Timestamp::from_second(1_000).expect("a time"),
                coloured,
            )
        };
        assert_eq!(at(&[], false), None);
        assert_eq!(
            at(&[("MCM_ENVIRONMENT", "dev")], false).as_deref(),
            Some("dev")
        );
        assert_eq!(at(&[("MCM_ENVIRONMENT", "$(id)")], false), None);
        let protected = [
            ("MCM_ENVIRONMENT", "prod"),
            ("MCM_ENVIRONMENT_PROTECTED", "1"),
            ("MCM_ENVIRONMENT_UNTIL", "1061"),
        ];
        assert_eq!(at(&protected, false).as_deref(), Some("prod PROTECTED 2m"));
        assert_eq!(
            at(&protected, true).as_deref(),
            Some("\u{1b}[41;97mprod PROTECTED 2m\u{1b}[0m")
        );
        let over = [
            ("MCM_ENVIRONMENT", "prod"),
            ("MCM_ENVIRONMENT_UNTIL", "999"),
        ];
        assert_eq!(at(&over, false).as_deref(), Some("prod OVER"));
    }
}
