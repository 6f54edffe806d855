//! The terminal's title and background in an environment: off unless asked for, and restored on leaving.
//!
//! They go to the terminal itself and not to standard output or error, which may be read by programs. The title is pushed and
//! popped (XTWINOPS 22 and 23), the background set by OSC 11 and reset by OSC 111.

use std::io::{IsTerminal as _, Write as _};

use clap::{Args, ValueEnum};
use mcm_core::account::Colour;
use mcm_core::environment::NamedEnvironment;

/// What of the terminal shows the environment.
#[derive(Args, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TerminalLook {
    /// Name the environment in the terminal's title
    #[arg(long)]
    pub(crate) title: bool,
    /// Tint the terminal's background in the environment's colour, for light or dark text
    #[arg(long, value_enum, value_name = "dark|light")]
    pub(crate) tint: Option<Tint>,
}

/// A background.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Tint {
    /// For light text
    Dark,
    /// For dark text
    Light,
}

impl TerminalLook {
    /// What the terminal is sent on entering an environment. A name needs no quoting in it.
    pub(crate) fn entering(self, named: &NamedEnvironment) -> String {
        let mut sent = String::new();
        if self.title {
            let protected = match named.settings.is_protected {
                true => " PROTECTED",
                false => "",
            };
            sent.push_str(&format!(
                "\u{1b}[22;2t\u{1b}]2;{}{protected}\u{7}",
                named.name
            ));
        }
        if let Some(tint) = self.tint {
            let colour = named.settings.colour.as_deref();
            let colour = tint.of(colour, named.settings.is_protected);
            sent.push_str(&format!("\u{1b}]11;{colour}\u{7}"));
        }
        sent
    }

    /// What the terminal is sent on leaving.
    pub(crate) fn leaving(self) -> String {
        let mut sent = String::new();
        if self.title {
            sent.push_str("\u{1b}[23;2t");
        }
        if self.tint.is_some() {
            sent.push_str("\u{1b}]111\u{7}");
        }
        sent
    }

    /// The options that mean the same, each after a space.
    pub(crate) fn as_options(self) -> String {
        let title = if self.title { " --title" } else { "" };
        let tint = match self.tint {
            None => "",
            Some(Tint::Dark) => " --tint dark",
            Some(Tint::Light) => " --tint light",
        };
        format!("{title}{tint}")
    }
}

impl Tint {
    fn of(self, colour: Option<&str>, is_protected: bool) -> &'static str {
        let colour = colour.and_then(Colour::named);
        // A protected one is red rather than grey.
        let colour = colour.filter(|colour| !is_protected || *colour != Colour::Grey);
        let (dark, light) = match colour.or(is_protected.then_some(Colour::Red)) {
            Some(Colour::Blue) => ("#0b1a33", "#e6effc"),
            Some(Colour::Green) => ("#0b2416", "#e4f5eb"),
            Some(Colour::Amber) => ("#2b2000", "#fdf3dc"),
            Some(Colour::Violet) => ("#1e1033", "#f0e9fc"),
            Some(Colour::Red) => ("#330d0d", "#fce9e8"),
            Some(Colour::Grey) | None => ("#1c1c1c", "#efefef"),
        };
        match self {
            Self::Dark => dark,
            Self::Light => light,
        }
    }
}

/// Sends the terminal of this process something, if it has one.
pub(crate) fn send(text: &str) {
    if text.is_empty() {
        return;
    }
    let terminal = std::fs::OpenOptions::new().write(true).open("/dev/tty");
    match terminal {
        // A terminal that takes nothing looks as it did.
        Ok(mut terminal) if terminal.is_terminal() => {
            let _ = terminal.write_all(text.as_bytes());
        }
        _ => {}
    }
}
