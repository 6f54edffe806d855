//! Keys as shown to the user and stored in `settings.toml`: `Ctrl+Alt+K`.

use std::fmt;
use std::str::FromStr;

use mcm_core::error::{Code, Error};

/// One key and its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(super) ctrl: bool,
    pub(super) alt: bool,
    pub(super) shift: bool,
    /// The key with the system's logo: Windows, Command, Super.
    pub(super) system: bool,
    pub(super) key: Key,
}

/// The keys that every keyboard and every layout has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// `A` to `Z`, `0` to `9`, in upper case.
    Character(u8),
    /// `F1` to `F12`.
    Function(u8),
    /// The space bar.
    Space,
}

impl FromStr for Keys {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (mut ctrl, mut alt, mut shift, mut system) = (false, false, false, false);
        let (held, key) = text.rsplit_once('+').unwrap_or(("", text));
        for word in held.split('+').filter(|_| !held.is_empty()) {
            let modifier = match word.trim().to_ascii_lowercase().as_str() {
                "ctrl" => &mut ctrl,
                "alt" => &mut alt,
                "shift" => &mut shift,
                "super" => &mut system,
                _ => return Err(no_keys(text)),
            };
            if std::mem::replace(modifier, true) {
                return Err(no_keys(text));
            }
        }
        let key = key.trim().parse().map_err(|()| no_keys(text))?;
        let keys = Self {
            ctrl,
            alt,
            shift,
            system,
            key,
        };
        // Programs use one modifier and a key themselves: Ctrl+C would no longer copy anywhere.
        if !system && [ctrl, alt, shift].iter().filter(|held| **held).count() < 2 {
            let message = format!(
                "{keys} would stop working in every program. Hold two of Ctrl, Alt and Shift, or the Super key, with it."
            );
            return Err(Error::new(Code::InvalidInput, message));
        }
        Ok(keys)
    }
}

fn no_keys(text: &str) -> Error {
    let shown: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    let message = format!(
        "\"{shown}\" is not a valid shortcut. Hold two of Ctrl, Alt and Shift, or the Super key, and press a letter, a \
         digit, F1 to F12 or the space bar."
    );
    Error::new(Code::InvalidInput, message)
}

impl FromStr for Key {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.to_ascii_uppercase();
        match text.as_bytes() {
            [byte] if byte.is_ascii_alphanumeric() => Ok(Self::Character(*byte)),
            [b'F', number @ ..] if !number.starts_with(b"0") && !number.starts_with(b"+") => {
                let number = text[1..].parse().map_err(|_| ())?;
                if (1..=12).contains(&number) {
                    Ok(Self::Function(number))
                } else {
                    Err(())
                }
            }
            b"SPACE" => Ok(Self::Space),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [
            (self.ctrl, "Ctrl"),
            (self.alt, "Alt"),
            (self.shift, "Shift"),
            (self.system, "Super"),
        ] {
            if held {
                write!(formatter, "{name}+")?;
            }
        }
        match self.key {
            Key::Character(byte) => write!(formatter, "{}", char::from(byte)),
            Key::Function(number) => write!(formatter, "F{number}"),
            Key::Space => formatter.write_str("Space"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_as_they_were_written_in_one_order() {
        for (text, written) in [
            ("Ctrl+Alt+K", "Ctrl+Alt+K"),
            ("shift+ALT+ctrl+7", "Ctrl+Alt+Shift+7"),
            ("Super+Space", "Super+Space"),
            ("Ctrl + Shift + F12", "Ctrl+Shift+F12"),
            ("Super+F", "Super+F"),
        ] {
            let keys: Keys = text.parse().unwrap();
            assert_eq!(keys.to_string(), written);
            assert_eq!(written.parse::<Keys>().unwrap(), keys);
        }
    }

    #[test]
    fn an_invalid_shortcut_is_refused_with_the_permitted_keys() {
        for text in [
            "",
            "+",
            "Ctrl+Alt+",
            "Ctrl+Alt",
            "Ctrl+Ctrl+K",
            "Hyper+Alt+K",
            "Ctrl+Alt+F13",
            "Ctrl+Alt+F01",
            "Ctrl+Alt+F+1",
            "Ctrl+Alt+é",
            "Ctrl+Alt+KK",
            "Ctrl++Alt+K",
            "\u{202e}",
            "Ctrl+Alt+Enter",
        ] {
            let error = text.parse::<Keys>().unwrap_err();
            assert_eq!(error.code(), Code::InvalidInput, "{text:?}");
        }
    }

    #[test]
    fn keys_that_programs_use_themselves_are_refused() {
        for text in ["K", "Ctrl+C", "Shift+A", "Alt+F4", "F5", "Space"] {
            let error = text.parse::<Keys>().unwrap_err();
            assert!(
                error.to_string().contains("every program"),
                "{text}: {error}"
            );
        }
    }
}
