//! The shells that `mcm` knows, and the commands that set and unset variables in each, with any value: names and tokens
//! come from servers.
//!
//! A further shell begins here, with a variant of `Shell`. What `mcm` has for a shell is an exhaustive match each:
//! `language` (`mcm env`) and `completion_file` (`mcm completion`) below, `Hook::of` in `hook.rs` (`mcm hook`),
//! `StartedShell::of` in `shell_startup.rs` (`mcm shell`).

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// A shell, as it is entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(aliases = ["pwsh"])]
    Powershell,
    #[value(aliases = ["nu"])]
    Nushell,
    /// cmd.exe
    Cmd,
}

impl Shell {
    /// Its name in lower case.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Powershell => "powershell",
            Self::Nushell => "nushell",
            Self::Cmd => "cmd",
        }
    }

    /// The names of its program, without a version.
    fn programs(self) -> &'static [&'static str] {
        match self {
            Self::Bash => &[
                "sh", "dash", "ash", "busybox", "bash", "rbash", "ksh", "mksh", "lksh",
            ],
            Self::Zsh => &["zsh"],
            Self::Fish => &["fish"],
            Self::Powershell => &["pwsh", "powershell"],
            Self::Nushell => &["nu"],
            Self::Cmd => &["cmd"],
        }
    }

    /// The language of the lines that it evaluates; none for nushell, which evaluates no text.
    pub(crate) fn language(self) -> Option<Language> {
        match self {
            Self::Bash | Self::Zsh => Some(Language::Posix),
            Self::Fish => Some(Language::Fish),
            Self::Powershell => Some(Language::Powershell),
            Self::Nushell => None,
            Self::Cmd => Some(Language::Cmd),
        }
    }

    /// The file of its completion script in the packages; none where clap's engine writes no script for it.
    pub(crate) fn completion_file(self) -> Option<&'static str> {
        match self {
            Self::Bash => Some("mcm.bash"),
            Self::Zsh => Some("_mcm"),
            Self::Fish => Some("mcm.fish"),
            Self::Powershell => Some("mcm.ps1"),
            Self::Nushell | Self::Cmd => None,
        }
    }

    /// The shell that runs this program, if it is one of these.
    ///
    /// The file of the parent process decides. A process can choose its name, a script has its own, and `SHELL` is
    /// the login shell, whatever runs now. Lines quoted for the wrong shell could run the values in them.
    pub(crate) fn around() -> Option<Self> {
        Self::of_program(&parent_program()?)
    }

    /// The shell of a program's file: `/usr/bin/zsh-5.9` is a zsh.
    pub(crate) fn of_program(path: &str) -> Option<Self> {
        let path = path.trim_end_matches(" (deleted)");
        let name = path.rsplit(['/', '\\']).next()?;
        let name = name.trim_end_matches(".exe").trim_start_matches('-');
        let is_version = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-');
        let name = name.trim_end_matches(is_version);
        let mut shells = Self::value_variants().iter().copied();
        shells.find(|shell| shell.programs().contains(&name))
    }

    /// Reads the name of a shell for which `of` has something. The others are not offered.
    pub(crate) fn parser<T: Clone + Send + Sync + 'static>(
        of: fn(Self) -> Option<T>,
    ) -> impl TypedValueParser<Value = T> {
        let shells = Self::value_variants().iter();
        let shells = shells.filter(move |shell| of(**shell).is_some());
        PossibleValuesParser::new(shells.filter_map(Self::to_possible_value)).map(move |name| {
            let shell = Self::from_str(&name, false).ok();
            shell.and_then(of).expect("only these are offered")
        })
    }

    /// Reads the name of a shell that evaluates lines.
    pub(crate) fn language_parser() -> impl TypedValueParser<Value = Language> {
        /// What is entered for shells that evaluate bash's lines, and have nothing else of bash.
        const LIKE_BASH: [&str; 3] = ["sh", "dash", "ksh"];
        let shells = Self::value_variants().iter();
        let shells = shells.filter(|shell| shell.language().is_some());
        let value = |shell: &Self| {
            let value = shell.to_possible_value()?;
            Some(match shell {
                Self::Bash => value
                    .aliases(LIKE_BASH)
                    .help("Also for the other POSIX shells: sh, dash, ksh"),
                _ => value,
            })
        };
        PossibleValuesParser::new(shells.filter_map(value)).map(|name| {
            if LIKE_BASH.contains(&name.as_str()) {
                return Language::Posix;
            }
            let shell = Self::from_str(&name, false).ok();
            shell
                .and_then(Self::language)
                .expect("only these are offered")
        })
    }
}

/// The language of lines that a shell evaluates.
///
/// cmd.exe is the exception. It has no quotation in which every character stands for itself, so its lines are for values
/// without meaning to any shell, which is all that `mcm env` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Posix,
    Fish,
    Powershell,
    Cmd,
}

/// The characters that PowerShell reads as a single quotation mark (PowerShell language specification 2.3.5.2).
const POWERSHELL_QUOTES: [char; 5] = ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'];

impl Language {
    /// What lines begin with, so that evaluating nothing else fails, and what makes that beginning harmless. PowerShell
    /// fails by itself when it is given nothing.
    pub(crate) fn beginning(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Posix | Self::Fish => Some(("false", " || true\n")),
            Self::Powershell => None,
            // Each line is a command of its own there: only the last decides, see `ending`.
            Self::Cmd => Some((self.fail(), "\n")),
        }
    }

    /// What the lines end with, where the last command must be one that succeeds.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Posix | Self::Fish | Self::Powershell => "",
            Self::Cmd => "\ncmd /c exit 0",
        }
    }

    /// The end of a line that another one follows. With it, a shell that joins lines to one still sees every command.
    pub(crate) fn line_end(self) -> &'static str {
        match self {
            Self::Posix | Self::Fish => ";\n",
            Self::Powershell | Self::Cmd => "\n",
        }
    }

    /// A line that sets a variable for the shell and the programs it starts.
    pub(crate) fn set(self, name: &str, value: &str) -> String {
        match self {
            Self::Posix => format!("export {name}={}", quoted_for_posix(value)),
            Self::Fish => format!("set -gx {name} {}", quoted_for_fish(value)),
            Self::Powershell => format!("$env:{name} = {}", quoted_for_powershell(value)),
            Self::Cmd => format!("set \"{name}={value}\""),
        }
    }

    /// A line that fails when it is evaluated.
    pub(crate) fn fail(self) -> &'static str {
        match self {
            Self::Posix | Self::Fish => "false",
            Self::Powershell => "throw 'mcm env failed.'",
            Self::Cmd => "cmd /c exit 1",
        }
    }

    /// Lines that unset variables, also those that are not set.
    pub(crate) fn unset<'a>(self, names: impl IntoIterator<Item = &'a str>) -> String {
        let line = |name| match self {
            Self::Posix => format!("unset {name}"),
            Self::Fish => format!("set -e {name}"),
            Self::Powershell => format!("$env:{name} = $null"),
            Self::Cmd => format!("set \"{name}=\""),
        };
        names.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// A POSIX shell's word that means a text: a quotation mark ends the quotation, stands by itself, and begins it again.
pub(crate) fn quoted_for_posix(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

/// fish's word that means a text.
pub(crate) fn quoted_for_fish(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

/// PowerShell's word that means a text. One line, because `Invoke-Expression` reads line by line: line breaks are added
/// by number.
pub(crate) fn quoted_for_powershell(value: &str) -> String {
    let mut quoted = String::from("'");
    for c in value.chars() {
        match c {
            '\n' | '\r' => quoted.push_str(&format!("' + [char]{} + '", u32::from(c))),
            _ if POWERSHELL_QUOTES.contains(&c) => quoted.extend([c, c]),
            _ => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

/// The file of the program that runs this one.
#[cfg(target_os = "linux")]
fn parent_program() -> Option<String> {
    let path = std::fs::read_link(crate::program::parent_in_proc()?.join("exe")).ok()?;
    Some(path.to_string_lossy().into_owned())
}

/// The file of the program that runs this one. `ps` belongs to the system and prints its whole path.
#[cfg(all(unix, not(target_os = "linux")))]
fn parent_program() -> Option<String> {
    let parent = std::os::unix::process::parent_id().to_string();
    let asked = std::process::Command::new("/bin/ps")
        .args(["-o", "comm=", "-p", &parent])
        .output();
    Some(
        String::from_utf8_lossy(&asked.ok()?.stdout)
            .trim()
            .to_owned(),
    )
}

/// On Windows a program cannot see which one started it, and the variables of one shell reach the next.
#[cfg(windows)]
fn parent_program() -> Option<String> {
    None
}

/// What the shells of this system make of the lines.
#[cfg(all(test, unix))]
mod shells {
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use proptest::test_runner::FileFailurePersistence;

    use super::*;

    const SHELLS: [(Language, &str, &[&str]); 3] = [
        (Language::Posix, "bash", &["--norc", "--noprofile", "-c"]),
        (Language::Posix, "zsh", &["-f", "-c"]),
        (Language::Fish, "fish", &["--no-config", "-c"]),
    ];

    /// The values as the shell's children see them.
    fn read_back(program: &str, flags: &[&str], script: &str, count: usize) -> Vec<String> {
        let printed = format!("{script}\nenv -0");
        let output = Command::new(program)
            .args(flags)
            .arg(&printed)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", "/nonexistent")
            .stderr(Stdio::null())
            .output()
            .unwrap_or_else(|error| {
                panic!("{program} cannot be started ({error}). Install it: make test does.")
            });
        assert!(output.status.success(), "{program} refuses {script:?}");
        let text = String::from_utf8(output.stdout).expect("text");
        let value = |number: usize| {
            let name = format!("V{number}=");
            text.split('\0')
                .find_map(|line| line.strip_prefix(&name))
                .expect("it is set")
                .to_owned()
        };
        (0..count).map(value).collect()
    }

    /// Characters that distinguish shells, and those that all of them act on.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("'".to_owned()),
            Just("''".to_owned()),
            Just("\\".to_owned()),
            Just("\n".to_owned()),
            Just("$(touch /tmp/x)".to_owned()),
            Just("`id`".to_owned()),
            Just("!!".to_owned()),
            Just("\u{2019}".to_owned()),
            "[\u{1}-\u{7f}]{0,4}",
            "\\PC{0,4}",
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))), ..ProptestConfig::default() })]

        #[test]
        fn every_shell_gives_its_children_what_was_meant(values in proptest::collection::vec(hostile(), 24)) {
            for (language, program, flags) in SHELLS {
                let lines: Vec<String> =
                    values.iter().enumerate().map(|(n, value)| language.set(&format!("V{n}"), value)).collect();
                // zsh with the option under which two quotation marks within a quotation are one.
                for before in if program == "zsh" { &["", "setopt rc_quotes\n"][..] } else { &[""] } {
                    let script = format!("{before}eval {}", quoted(language, &lines.join("\n")));
                    prop_assert_eq!(&read_back(program, flags, &script, values.len()), &values);
                }
            }
        }
    }

    /// Debian has no package of PowerShell. Windows' and macOS' build machines have it.
    #[test]
    fn powershell_gives_its_children_what_was_meant() {
        if Command::new("pwsh").arg("-Version").output().is_err() {
            mcm_core::testing::not_checked("PowerShell, because pwsh is not installed");
            return;
        }
        let values = [
            "a'b\u{2019}c\r\n$(d)`",
            "$(Get-Date)",
            "\"",
            "a;b|c",
            "\u{201c}\\",
        ];
        let lines: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(n, value)| Language::Powershell.set(&format!("V{n}"), value))
            .collect();
        let lines = lines.join("\n").replace('\'', "''");
        let script = format!("'{lines}' | Out-String | Invoke-Expression");
        let flags = ["-NoProfile", "-NonInteractive", "-Command"];
        assert_eq!(read_back("pwsh", &flags, &script, values.len()), values);
    }

    fn quoted(language: Language, script: &str) -> String {
        if language == Language::Fish {
            quoted_for_fish(script)
        } else {
            quoted_for_posix(script)
        }
    }

    #[test]
    fn what_is_unset_is_gone_and_unsetting_what_is_not_set_is_no_failure() {
        for (language, program, flags) in SHELLS {
            let lines = [
                language.set("V0", "x"),
                language.set("V1", "y"),
                language.unset(["V1", "V2"]),
            ]
            .join("\n");
            let script = format!("{lines}\nenv | grep -c '^V'");
            let output = Command::new(program)
                .args(flags)
                .arg(script)
                .output()
                .expect("it starts");
            assert_eq!(
                String::from_utf8_lossy(&output.stdout).trim(),
                "1",
                "{program}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powershell_gets_one_line_in_which_nothing_ends_the_quotation() {
        let line = Language::Powershell.set("V", "a'b\u{2019}c\r\n$(d)`");
        assert_eq!(
            line,
            "$env:V = 'a''b\u{2019}\u{2019}c' + [char]13 + '' + [char]10 + '$(d)`'"
        );
        assert_eq!(
            Language::Powershell.unset(["A", "B"]),
            "$env:A = $null\n$env:B = $null"
        );
    }

    #[test]
    fn cmd_exe_gets_commands_of_its_own() {
        assert_eq!(Language::Cmd.set("V", "a:b/c"), "set \"V=a:b/c\"");
        assert_eq!(Language::Cmd.unset(["A", "B"]), "set \"A=\"\nset \"B=\"");
    }

    #[test]
    fn a_shell_is_known_by_its_file() {
        for (path, shell) in [
            ("/usr/bin/fish", Some(Shell::Fish)),
            ("/usr/bin/zsh-5.9", Some(Shell::Zsh)),
            ("/bin/zsh5", Some(Shell::Zsh)),
            ("-zsh", Some(Shell::Zsh)),
            ("/usr/bin/dash", Some(Shell::Bash)),
            ("/bin/ksh93", Some(Shell::Bash)),
            ("/usr/bin/bash (deleted)", Some(Shell::Bash)),
            ("/opt/microsoft/powershell/7/pwsh", Some(Shell::Powershell)),
            ("C:\\Windows\\powershell.exe", Some(Shell::Powershell)),
            ("C:\\Windows\\System32\\cmd.exe", Some(Shell::Cmd)),
            ("/usr/bin/make", None),
            ("/home/ada/fish/deploy", None),
            ("/usr/bin/nu", Some(Shell::Nushell)),
            ("", None),
        ] {
            assert_eq!(Shell::of_program(path), shell, "{path}");
        }
    }

    #[test]
    fn other_posix_shells_evaluate_the_lines_of_bash_and_have_nothing_else_of_it() {
        use clap::{Arg, Command};

        let read = |parser: clap::builder::ValueParser, name: &str| {
            let argument = Arg::new("shell").value_parser(parser);
            let command = Command::new("mcm").arg(argument);
            command.try_get_matches_from(["mcm", name])
        };
        let language = |name| {
            let matches = read(Shell::language_parser().into(), name).ok()?;
            matches.get_one::<Language>("shell").copied()
        };
        let with_script =
            |name| read(Shell::parser(|shell| shell.completion_file()).into(), name).is_ok();
        assert_eq!(language("dash"), Some(Language::Posix));
        assert_eq!(language("pwsh"), Some(Language::Powershell));
        assert_eq!(language("nushell"), None, "it evaluates no text");
        assert!(with_script("bash") && with_script("pwsh"));
        assert!(!with_script("dash") && !with_script("cmd"));
    }
}
