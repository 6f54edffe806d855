//! AWS's shared files as the SDKs for JavaScript, Go and Rust read them.
//!
//! Each function follows the parser of one SDK, named with its source, as far as a profile's settings depend on it.
//! They are less strict than botocore, and each differs: a key to one is the rest of a value to another. Nothing here
//! decides anything; `aws_files.rs` compares the results.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::{Kind, ProfileSettings, Profiles};

/// Setting this key of an object has no effect in JavaScript.
const PROTOTYPE: &str = "__proto__";

/// The sections of a file while it is read. A title that comes again continues its section.
#[derive(Default)]
struct Sections {
    all: Vec<(String, ProfileSettings)>,
    places: HashMap<String, usize>,
}

impl Sections {
    /// The place of this section in `all`, from now on.
    fn place(&mut self, title: &str) -> usize {
        if let Some(place) = self.places.get(title) {
            return *place;
        }
        self.all.push((title.to_owned(), ProfileSettings::new()));
        self.places.insert(title.to_owned(), self.all.len() - 1);
        self.all.len() - 1
    }
}

/// The section that a line is in. To the SDKs for JavaScript it exists from its first setting on.
struct OpenSection {
    title: String,
    place: Option<usize>,
}

impl OpenSection {
    /// None for an empty title: settings below it are left out.
    fn of(title: String) -> Option<Self> {
        let place = None;
        (!title.is_empty()).then_some(Self { title, place })
    }

    fn settings<'s>(&mut self, sections: &'s mut Sections) -> &'s mut ProfileSettings {
        let place = *self
            .place
            .get_or_insert_with(|| sections.place(&self.title));
        &mut sections.all[place].1
    }
}

/// `@smithy/core` 3.41, `submodules/config/shared-ini-file-loader`: `parseIni`, `getConfigData`.
pub(super) fn javascript(text: &str, kind: Kind) -> Profiles {
    let mut sections = Sections::default();
    let (mut section, mut nested): (Option<OpenSection>, Option<String>) = (None, None);
    for whole in javascript_lines(text) {
        let line = without_comment(whole);
        if line.len() > 1 && line.starts_with('[') && line.ends_with(']') {
            let title = &line[1..line.len() - 1];
            if matches!(title, "__proto__" | "profile __proto__") {
                // It drops the file, and continues without it.
                return Profiles::default();
            }
            nested = None;
            section = match prefixed(title) {
                Some((prefix @ ("profile" | "sso-session" | "services"), name)) => {
                    OpenSection::of(format!("{prefix}.{name}"))
                }
                Some(_) => None,
                None => OpenSection::of(title.to_owned()),
            };
            continue;
        }
        let (Some(section), Some((key, value))) = (&mut section, line.split_once('=')) else {
            continue;
        };
        if key.is_empty() {
            continue;
        }
        let (key, value) = (trimmed(key), trimmed(value));
        if value.is_empty() {
            nested = Some(key.to_owned());
            continue;
        }
        if !whole.starts_with(is_javascript_space) {
            nested = None;
        }
        let key = match &nested {
            Some(outer) => format!("{outer}.{key}"),
            None => key.to_owned(),
        };
        let settings = section.settings(&mut sections);
        if key != PROTOTYPE {
            settings.insert(key, value.to_owned());
        }
    }
    if kind == Kind::Credentials {
        return Profiles(sections.all.into_iter().collect());
    }
    let (plain, others): (Vec<_>, Vec<_>) = sections
        .all
        .into_iter()
        .partition(|(title, _)| title == "default");
    let named = others.into_iter().filter_map(|(title, settings)| {
        Some((title.strip_prefix("profile.")?.to_owned(), settings))
    });
    // `[profile default]` comes after `[default]`, whatever their order in the file.
    Profiles(plain.into_iter().chain(named).collect())
}

/// `aws-sdk` 2.1693 for JavaScript: `util.ini.parse`, `lib/shared-ini/ini-loader.js`. None where it throws.
pub(super) fn javascript_2(text: &str, kind: Kind) -> Option<Profiles> {
    let mut sections = Sections::default();
    let mut section: Option<OpenSection> = None;
    for whole in javascript_lines(text) {
        let line = without_comment(whole);
        if line.len() > 1 && line.starts_with('[') && line.ends_with(']') {
            let title = &line[1..line.len() - 1];
            let second = title.split(is_javascript_space).nth(1);
            if title == "__proto__" || second == Some("__proto__") {
                return None;
            }
            section = OpenSection::of(title.to_owned());
            continue;
        }
        let (Some(section), Some((key, value))) = (&mut section, line.split_once('=')) else {
            continue;
        };
        if key.is_empty() || value.is_empty() {
            continue;
        }
        let settings = section.settings(&mut sections);
        if trimmed(key) != PROTOTYPE {
            settings.insert(trimmed(key).to_owned(), trimmed(value).to_owned());
        }
    }
    if kind == Kind::Credentials {
        return Some(Profiles(sections.all.into_iter().collect()));
    }
    // It fails on two sections for one profile.
    let mut profiles = Profiles::default();
    for (title, settings) in sections.all {
        let after = |prefix| {
            let rest = title.strip_prefix(prefix)?;
            rest.strip_prefix(is_javascript_space)
        };
        if after("sso-session").is_some() {
            continue;
        }
        let name = after("profile").unwrap_or(&title).to_owned();
        if profiles.0.insert(name, settings).is_some() {
            return None;
        }
    }
    Some(profiles)
}

/// `aws-sdk-go-v2`, `internal/ini` (`tokenize.go`, `strings.go`, `parse.go`) and `config/shared_config.go`
/// (`processConfigSections`, `processCredentialsSections`). Terraform's providers and backends read with it.
pub(super) fn go(text: &str, kind: Kind) -> Profiles {
    let mut sections = Sections::default();
    let (mut section, mut key): (Option<usize>, Option<String>) = (None, None);
    for line in text.split('\n') {
        let is_comment = line.trim_start_matches([' ', '\t']).starts_with(['#', ';']);
        if line.trim().is_empty() || is_comment {
            continue;
        }
        if let Some(title) = go_title(line) {
            let place = sections.place(&title);
            (section, key) = (Some(place).filter(|_| !title.is_empty()), None);
            continue;
        }
        let Some(settings) = section.map(|place| &mut sections.all[place].1) else {
            continue;
        };
        if line.starts_with([' ', '\t']) {
            let value = key.as_ref().and_then(|key| settings.get_mut(key));
            let is_setting = line.contains(['=', ':']);
            match value {
                // Below an empty value it is a setting of a nested section, which is no credential.
                Some(value) if is_setting && value.is_empty() => continue,
                Some(value) if !is_setting && !value.is_empty() => {
                    value.push('\n');
                    value.push_str(line.trim_start_matches([' ', '\t']));
                    continue;
                }
                _ if !is_setting => continue,
                // Every other one counts as if it were not indented.
                _ => {}
            }
        }
        let line = go_without_comment(line);
        if let Some((name, value)) = line.split_once(['=', ':']) {
            let name = name.trim().to_lowercase();
            settings.insert(name.clone(), go_value(value.trim()));
            key = Some(name);
        }
    }
    let sections = sections.all.into_iter();
    match kind {
        Kind::Credentials => {
            let is_profile = |(title, _): &(String, _)| !title.starts_with("profile ");
            Profiles(sections.filter(is_profile).collect())
        }
        Kind::Config => {
            let (plain, others): (Vec<_>, Vec<_>) =
                sections.partition(|(title, _)| title == "default");
            let named = others.into_iter().filter_map(|(title, settings)| {
                Some((title.strip_prefix("profile ")?.to_owned(), settings))
            });
            // `[profile default]` replaces `[default]`.
            Profiles(plain.into_iter().chain(named).collect())
        }
    }
}

/// A comment begins where a mark follows white space.
fn go_without_comment(line: &str) -> &str {
    let is_comment = |pair: &[u8]| matches!(pair, [b' ' | b'\t', b'#' | b';']);
    let end = line.as_bytes().windows(2).position(is_comment);
    &line[..end.unwrap_or(line.len())]
}

fn go_title(line: &str) -> Option<String> {
    let line = line.split(['#', ';']).next().unwrap_or(line).trim();
    let title = line.strip_prefix('[')?.strip_suffix(']')?.trim();
    let Some(at) = title.find([' ', '\t']) else {
        return Some(title.to_owned());
    };
    let name = title[at..].trim_start_matches([' ', '\t']);
    Some(format!("{} {name}", &title[..at]))
}

fn go_value(value: &str) -> String {
    let quoted = |mark| value.len() > 2 && value.starts_with(mark) && value.ends_with(mark);
    let value = if quoted('\'') || quoted('"') {
        &value[1..value.len() - 1]
    } else {
        value
    };
    if !value.contains('\\') {
        return value.to_owned();
    }
    value
        .replace("\\\"", "\"")
        .replace("\\'", "'")
        .replace("\\n", "\n")
}

/// `aws-runtime` 1.10 for Rust, `env_config/parse.rs` and `normalize.rs`, which follow AWS's specification as the SDKs
/// for Java, Kotlin, .NET and C++ do. None where it refuses the file.
pub(super) fn rust(text: &str, kind: Kind) -> Option<Profiles> {
    const BLANK: [char; 2] = [' ', '\t'];
    let mut sections = Sections::default();
    let mut section: Option<usize> = None;
    let mut key: Option<(String, bool)> = None;
    for line in text.lines() {
        if line.trim_matches(BLANK).is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with('[') {
            let line = line.split(['#', ';']).next().unwrap_or(line);
            let title = line
                .trim_matches(BLANK)
                .strip_prefix('[')?
                .strip_suffix(']')?;
            (section, key) = (Some(sections.place(title)), None);
            continue;
        }
        let settings = &mut sections.all[section?].1;
        if line.starts_with(BLANK) {
            let (name, is_nested) = key.as_ref()?;
            if *is_nested {
                rust_setting(line)?;
            }
            let value = settings.get_mut(name)?;
            value.push('\n');
            value.push_str(line.trim_matches(BLANK));
            continue;
        }
        let (name, value) = rust_setting(line)?;
        settings.insert(name.clone(), value.to_owned());
        key = Some((name, value.is_empty()));
    }
    let sections: BTreeMap<String, ProfileSettings> = sections.all.into_iter().collect();
    let pair = |title: &'_ str| {
        let title = title.trim_matches(BLANK);
        match title.split_once(BLANK) {
            Some((prefix, name)) => (Some(prefix.trim().to_owned()), name.trim().to_owned()),
            None => (None, title.to_owned()),
        }
    };
    let is_prefixed_default =
        |title: &str| pair(title) == (Some("profile".to_owned()), "default".to_owned());
    let replaced = kind == Kind::Config && sections.keys().any(|title| is_prefixed_default(title));
    let mut profiles: BTreeMap<String, ProfileSettings> = BTreeMap::new();
    for (title, settings) in sections {
        let (prefix, name) = pair(&title);
        let is_profile = match (kind, prefix.as_deref()) {
            (Kind::Config, None) => name == "default" && !replaced,
            (Kind::Config, Some(prefix)) => prefix == "profile",
            (Kind::Credentials, prefix) => prefix.is_none(),
        };
        if is_profile && is_identifier(&name) {
            let settings = settings.into_iter().filter(|(key, _)| is_identifier(key));
            profiles.entry(name).or_default().extend(settings);
        }
    }
    Some(Profiles(profiles))
}

fn rust_setting(line: &str) -> Option<(String, &str)> {
    const BLANK: [char; 2] = [' ', '\t'];
    let line = line.trim_matches(BLANK);
    let marks = line.char_indices().filter(|(_, c)| matches!(c, '#' | ';'));
    let end = marks
        .map(|(at, _)| at)
        .find(|at| line[..*at].ends_with(char::is_whitespace));
    let line = line[..end.unwrap_or(line.len())].trim_matches(BLANK);
    let (name, value) = line.split_once('=')?;
    let name = name.trim_matches(BLANK).to_ascii_lowercase();
    (!name.is_empty()).then(|| (name, value.trim_matches(BLANK)))
}

fn is_identifier(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-/.%@:+".contains(c))
}

fn javascript_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// `line.split(/(^|\s)[;#]/)[0].trim()`
fn without_comment(line: &str) -> &str {
    let marks = line.char_indices().filter(|(_, c)| matches!(c, '#' | ';'));
    let end = marks
        .map(|(at, _)| at)
        .find(|at| *at == 0 || line[..*at].ends_with(is_javascript_space));
    trimmed(&line[..end.unwrap_or(line.len())])
}

/// `/^([\w-]+)\s(["'])?([\w-@+.%:/]+)\2$/`
fn prefixed(title: &str) -> Option<(&str, &str)> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let at = title.find(|c| !is_word(c)).filter(|at| *at > 0)?;
    let (prefix, rest) = title.split_at(at);
    let mut rest = rest.chars();
    rest.next().filter(|c| is_javascript_space(*c))?;
    let rest = rest.as_str();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let name = match quote {
        Some(quote) => rest[1..].strip_suffix(quote)?,
        None => rest,
    };
    let is_name = |c: char| is_word(c) || "@+.%:/".contains(c);
    (!name.is_empty() && name.chars().all(is_name)).then_some((prefix, name))
}

/// White space as in JavaScript's `trim` and `\s`.
fn is_javascript_space(c: char) -> bool {
    c.is_whitespace() && c != '\u{85}' || c == '\u{feff}'
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(is_javascript_space)
}

/// The text that a client reads of bytes that are not UTF-8.
pub(super) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}
