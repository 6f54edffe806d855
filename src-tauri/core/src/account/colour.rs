//! The colours of accounts and environments.
//!
//! Whatever draws one matches this type, so that a further colour is left out nowhere.

use ts_rs::TS;

/// A colour that an account or an environment may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, TS)]
#[ts(export, rename_all = "lowercase")]
pub enum Colour {
    /// Blue.
    Blue,
    /// Green.
    Green,
    /// Amber.
    Amber,
    /// Red.
    Red,
    /// Violet.
    Violet,
    /// Grey.
    Grey,
}

/// The names of the colours, as they are entered and stored.
pub const COLOURS: [&str; 6] = [
    Colour::Blue.as_str(),
    Colour::Green.as_str(),
    Colour::Amber.as_str(),
    Colour::Red.as_str(),
    Colour::Violet.as_str(),
    Colour::Grey.as_str(),
];

impl Colour {
    /// The colour of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "blue" => Self::Blue,
            "green" => Self::Green,
            "amber" => Self::Amber,
            "red" => Self::Red,
            "violet" => Self::Violet,
            "grey" => Self::Grey,
            _ => return None,
        })
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::Green => "green",
            Self::Amber => "amber",
            Self::Red => "red",
            Self::Violet => "violet",
            Self::Grey => "grey",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_one_colours() {
        for name in COLOURS {
            assert_eq!(Colour::named(name).map(Colour::as_str), Some(name));
        }
        assert_eq!(Colour::named("pink"), None);
    }
}
