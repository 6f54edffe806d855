//! One of AWS's shared files as botocore reads it, with every line kept.
//!
//! The rules are those of Python's `configparser.RawConfigParser` with its defaults (`strict`, delimiters `=` and `:`,
//! comments only on lines of their own, empty lines within values), which botocore's `configloader.raw_config_parse`
//! uses. `core/tests/aws_files.rs` feeds random files to both. Nothing here touches the disk.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// The section of `configparser` whose settings every other section inherits.
const INHERITED: &str = "DEFAULT";

/// A file that botocore can read.
#[derive(Debug)]
pub struct Document<'a> {
    lines: Vec<&'a str>,
    sections: Vec<Section<'a>>,
}

/// From a header to the next one.
#[derive(Debug)]
pub struct Section<'a> {
    /// The line of its header, from 0.
    pub header: usize,
    /// The text in the brackets.
    pub title: &'a str,
    /// Its settings, in order.
    pub settings: Vec<Setting<'a>>,
}

/// A key and its value.
#[derive(Debug)]
pub struct Setting<'a> {
    /// The key, in lower case.
    pub key: String,
    /// The first line of the value.
    pub first: &'a str,
    /// The value with its continuation lines. It begins with a line break when it is a nested section.
    pub value: String,
    /// Its lines, from 0: the first, the continuations and the lines between them.
    pub lines: Range<usize>,
}

/// The reason why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The line, from 1.
    pub line: usize,
    /// The fault and its fix. It quotes nothing: a line may hold a secret.
    pub why: String,
}

impl<'a> Document<'a> {
    /// Reads a file's content.
    ///
    /// # Errors
    /// The reason why botocore would refuse the whole file.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Broken> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            let line = split_lines(&before).len().max(1);
            broken(line - 1, "it is not UTF-8 text. Save it as UTF-8")
        })?;
        if text.starts_with('\u{feff}') {
            return Err(broken(
                0,
                "it begins with a byte-order mark, which AWS's clients do not read. Save it as UTF-8 without one",
            ));
        }
        let mut document = Self {
            lines: split_lines(text),
            sections: Vec::new(),
        };
        let mut titles: HashMap<&str, usize> = HashMap::new();
        let mut seen: HashMap<(&str, String), usize> = HashMap::new();
        let mut indent = 0;
        for index in 0..document.lines.len() {
            let line = document.lines[index];
            let content = line.trim_matches(is_space);
            if content.starts_with(['#', ';']) {
                continue;
            }
            let open = document
                .sections
                .last_mut()
                .and_then(|section| section.settings.last_mut());
            if content.is_empty() {
                if let Some(setting) = open {
                    setting.value.push('\n');
                }
                continue;
            }
            let own_indent = line.chars().take_while(|c| is_space(*c)).count();
            if let Some(setting) = open.filter(|_| own_indent > indent) {
                setting.value.push('\n');
                setting.value.push_str(content);
                setting.lines.end = index + 1;
                continue;
            }
            indent = own_indent;
            if let Some(title) = header(content) {
                let other = titles.insert(title, index);
                if let Some(other) = other.filter(|_| title != INHERITED) {
                    let why = format!(
                        "the section already exists, from line {}. AWS's command line refuses such a file. Merge the two \
                         sections",
                        other + 1
                    );
                    return Err(broken(index, &why));
                }
                document.sections.push(Section {
                    header: index,
                    title,
                    settings: Vec::new(),
                });
                continue;
            }
            const UNCLOSED: &str = "the section's name does not end with \"]\". Close it";
            let is_unclosed = content.starts_with('[');
            let Some(section) = document.sections.last_mut() else {
                let why = "it is before the first section. Put it below a header such as [default]";
                return Err(broken(index, if is_unclosed { UNCLOSED } else { why }));
            };
            let Some((key, value)) = content.split_once(['=', ':']) else {
                let why = "it is neither a section, a comment nor \"name = value\". Fix it";
                return Err(broken(index, if is_unclosed { UNCLOSED } else { why }));
            };
            let key = key.trim_matches(is_space).to_lowercase();
            if key.is_empty() {
                return Err(broken(index, "the name before \"=\" is missing. Fix it"));
            }
            if let Some(other) = seen.insert((section.title, key.clone()), index) {
                let why = format!(
                    "{} is already set, on line {}. AWS's command line refuses such a file. Remove one",
                    crate::text::shown(&key),
                    other + 1
                );
                return Err(broken(index, &why));
            }
            let value = value.trim_matches(is_space);
            section.settings.push(Setting {
                key,
                first: value,
                value: value.to_owned(),
                lines: index..index + 1,
            });
        }
        document.finish()
    }

    /// Ends the values as `configparser` does, and checks nested sections as botocore does.
    fn finish(mut self) -> Result<Self, Broken> {
        for section in &mut self.sections {
            for setting in &mut section.settings {
                let length = setting.value.trim_end_matches(is_space).len();
                setting.value.truncate(length);
                if setting.is_nested() && setting.nested().is_none() {
                    return Err(broken(
                        setting.lines.start,
                        "a line of the nested section below it is not \"name = value\". Fix it",
                    ));
                }
            }
        }
        Ok(self)
    }

    /// Its lines with their line ends, unchanged.
    pub fn lines(&self) -> &[&'a str] {
        &self.lines
    }

    /// Its sections, in order.
    pub fn sections(&self) -> &[Section<'a>] {
        &self.sections
    }

    /// The sections as botocore returns them: without `[DEFAULT]`, whose settings are in each of the others.
    pub fn into_settings(self) -> impl Iterator<Item = (&'a str, BTreeMap<String, String>)> {
        let pairs = |section: Section<'a>| {
            let settings = section.settings.into_iter();
            settings.map(|setting| (setting.key, setting.value))
        };
        let sections = self.sections.into_iter();
        let (inherited, others): (Vec<_>, Vec<_>) =
            sections.partition(|section| section.title == INHERITED);
        let inherited: Vec<_> = inherited.into_iter().flat_map(pairs).collect();
        others.into_iter().map(move |section| {
            let title = section.title;
            let own = inherited.iter().cloned().chain(pairs(section));
            (title, own.collect())
        })
    }
}

impl Section<'_> {
    /// The setting of this key.
    pub fn setting(&self, key: &str) -> Option<&Setting<'_>> {
        self.settings.iter().find(|setting| setting.key == key)
    }
}

impl Setting<'_> {
    /// Whether the value is a section of its own, as below `s3 =`.
    pub fn is_nested(&self) -> bool {
        self.value.starts_with('\n')
    }

    /// Whether further lines continue the value.
    pub fn is_continued(&self) -> bool {
        self.lines.len() > 1
    }

    fn nested(&self) -> Option<Vec<(&str, &str)>> {
        nested(&self.value)
    }
}

/// The settings of a nested section (botocore's `_parse_nested`); none when botocore refuses it.
pub fn nested(value: &str) -> Option<Vec<(&str, &str)>> {
    let is_break = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        ) || ('\u{1c}'..='\u{1e}').contains(&c)
    };
    let lines = value
        .split(is_break)
        .map(|line| line.trim_matches(is_space));
    let pairs = lines.filter(|line| !line.is_empty()).map(|line| {
        let (key, value) = line.split_once('=')?;
        Some((key.trim_matches(is_space), value.trim_matches(is_space)))
    });
    pairs.collect()
}

/// The text in the brackets of a header: everything up to the last `]`, whatever follows it.
fn header(content: &str) -> Option<&str> {
    let rest = content.strip_prefix('[')?;
    let (title, _) = rest.rsplit_once(']')?;
    (!title.is_empty()).then_some(title)
}

/// The lines as Python splits them when it reads a text file: at `\n`, `\r` and `\r\n`. Ends are kept.
fn split_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = match rest.find(['\n', '\r']) {
            Some(at) if rest[at..].starts_with("\r\n") => at + 2,
            Some(at) => at + 1,
            None => rest.len(),
        };
        let (line, after) = rest.split_at(end);
        lines.push(line);
        rest = after;
    }
    lines
}

/// White space as in Python's `str.strip` and `\s`: Unicode's, and the four separators of ASCII.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn broken(line: usize, why: &str) -> Broken {
    Broken {
        line: line + 1,
        why: why.to_owned(),
    }
}
