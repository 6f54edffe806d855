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
pub const COLOURS: [&str; Colour::ALL.len()] = {
    let mut names = [""; Colour::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = Colour::ALL[at].as_str();
        at += 1;
    }
    names
};

impl Colour {
    /// Every colour, in the order in which they are offered.
    pub const ALL: [Self; 6] = [
        Self::Blue,
        Self::Green,
        Self::Amber,
        Self::Red,
        Self::Violet,
        Self::Grey,
    ];

    /// The colour of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|colour| colour.as_str() == name)
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
    fn the_list_has_every_colour_of_the_type() {
        let named = COLOURS.map(|name| format!("\"{name}\"")).join(" | ");
        assert_eq!(Colour::inline(&ts_rs::Config::default()), named);
    }

    #[test]
    fn each_name_is_one_colours() {
        for name in COLOURS {
            assert_eq!(Colour::named(name).map(Colour::as_str), Some(name));
        }
        assert_eq!(Colour::named("pink"), None);
    }
}
