//! The shared config file of AWS's clients, as lines that stay and lines that are ours.
//!
//! Parsed by the one reader, as botocore does: a file that botocore would reject is refused here, and so is a
//! character that only some client takes for a line break. Nothing here touches the disk. Every change is a `Draft`,
//! whose lines are both the preview and the new content.

use mcm_core::aws_files::{self, Document, Setting};
use mcm_core::error::{Code, Error};

/// The comment that marks our lines. It is below the header, where every client reads it as a comment.
const MARK: &str = "# Written by \"mcm configure aws\"";
const MARK_REGION: &str = " with region ";
const MARK_END: &str = "; \"mcm configure aws --undo\" takes it out.";

/// A config file that every client can read.
pub(super) struct Config<'a> {
    /// With their line ends.
    lines: Vec<&'a str>,
    sections: Vec<Section<'a>>,
}

/// From a header to the next one.
struct Section<'a> {
    /// The line of its header.
    header: usize,
    /// The text in the brackets.
    title: &'a str,
    entries: Vec<Entry<'a>>,
    /// The line of our comment, and the region that it records.
    mark: Option<(usize, Option<&'a str>)>,
}

/// A key and its value.
struct Entry<'a> {
    key: String,
    value: &'a str,
    line: usize,
    /// Whether further lines continue the value.
    goes_on: bool,
}

/// A profile whose credential comes from `mcm`.
pub(super) struct McmProfile<'a> {
    section: usize,
    /// The profile's name.
    pub(super) name: &'a str,
    /// The account that its command names, as written there.
    pub(super) account: String,
    /// Whether `mcm configure` wrote it. Otherwise it is the user's.
    pub(super) ours: bool,
}

/// The content of a profile of ours.
pub(super) struct Wanted<'a> {
    /// The profile's name.
    pub(super) name: &'a str,
    /// The value of `credential_process`.
    pub(super) command: &'a str,
    /// The region, when there is one.
    pub(super) region: Option<&'a str>,
}

impl<'a> Config<'a> {
    /// Reads a file's content.
    ///
    /// # Errors
    /// The fault and its line: the rest of a sentence that begins with the file's name.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let document = Document::parse(bytes).map_err(|broken| broken.to_string())?;
        let lines = document.lines().to_vec();
        for (index, line) in lines.iter().enumerate() {
            let content = line.strip_suffix('\n').unwrap_or(line);
            let content = content.strip_suffix('\r').unwrap_or(content);
            if content.contains(is_odd) || line.ends_with('\r') {
                return Err(format!(
                    "line {}: it holds a control character or an unusual line break. Remove it",
                    index + 1
                ));
            }
        }
        let headers = document.sections().iter().map(|section| section.header);
        let ends: Vec<usize> = headers.skip(1).chain([lines.len()]).collect();
        let sections = document.sections().iter().zip(ends).map(|(section, end)| {
            let entry = |setting: &Setting<'a>| Entry {
                key: setting.key.clone(),
                value: setting.first,
                line: setting.lines.start,
                goes_on: setting.is_continued(),
            };
            let below = (section.header + 1..end).zip(&lines[section.header + 1..end]);
            Section {
                header: section.header,
                title: section.title,
                entries: section.settings.iter().map(entry).collect(),
                mark: below
                    .filter_map(|(index, line)| Some((index, region_of_mark(line.trim())?)))
                    .next(),
            }
        });
        Ok(Self {
            sections: sections.collect(),
            lines,
        })
    }

    /// The names of all its profiles and other sections, which a new profile must avoid.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|section| section.name())
    }

    /// The profiles whose credential comes from `mcm`.
    pub(super) fn profiles(&self) -> Vec<McmProfile<'a>> {
        let profile = |(index, section): (usize, &Section<'a>)| {
            let is_profile = aws_files::profile_name(section.title).is_some();
            let account = asked_account(
                section
                    .entry("credential_process")
                    .filter(|entry| !entry.goes_on)?
                    .value,
            )?;
            is_profile.then(|| McmProfile {
                section: index,
                name: section.name(),
                account,
                ours: section.mark.is_some(),
            })
        };
        self.sections
            .iter()
            .enumerate()
            .filter_map(profile)
            .collect()
    }

    /// A change that is not written yet.
    pub(super) fn draft(&self) -> Draft<'_, 'a> {
        Draft {
            config: self,
            taken_out: vec![false; self.lines.len()],
            put_in: Vec::new(),
            appended: Vec::new(),
        }
    }

    /// Its line end: the one of the last line that has one.
    fn line_end(&self) -> &'static str {
        let last = self.lines.iter().rev().find(|line| line.ends_with('\n'));
        if last.is_some_and(|line| line.ends_with("\r\n")) {
            "\r\n"
        } else {
            "\n"
        }
    }
}

impl<'a> Section<'a> {
    /// The name of the profile, or of whatever else the section describes.
    fn name(&self) -> &'a str {
        let rest = match self.title.split_once(char::is_whitespace) {
            Some((_, rest)) => rest.trim(),
            None => self.title.trim(),
        };
        rest.trim_matches(['"', '\''])
    }

    fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The region as we wrote it; a changed one is the user's.
    fn own_region(&self) -> Option<&Entry<'a>> {
        let written = self.mark?.1?;
        self.entry("region")
            .filter(|entry| entry.value == written && !entry.goes_on)
    }
}

/// A change: the lines to remove and the lines to add.
pub(super) struct Draft<'c, 'a> {
    config: &'c Config<'a>,
    taken_out: Vec<bool>,
    /// New lines, each with the index of the line that it precedes.
    put_in: Vec<(usize, String)>,
    /// The lines at the end: each profile's, without their line ends.
    appended: Vec<Vec<String>>,
}

/// A line of the file as it is or will be, with its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FileLine<'a> {
    Kept(&'a str),
    TakenOut(&'a str),
    PutIn(String),
}

impl<'a> Draft<'_, 'a> {
    /// Adds a profile at the end.
    pub(super) fn add(&mut self, wanted: &Wanted<'_>) {
        let mut lines = vec![wanted.header(), wanted.mark(), wanted.command_line()];
        lines.extend(wanted.region_line());
        self.appended.push(lines);
    }

    /// Updates a profile of ours in place. What the user changed or added in it stays.
    pub(super) fn update(&mut self, profile: &McmProfile<'_>, wanted: &Wanted<'_>) {
        let section = &self.config.sections[profile.section];
        let Some((mark, _)) = section.mark else {
            return;
        };
        if section.name() != wanted.name {
            self.replace(section.header, &wanted.header());
        }
        let command = section
            .entry("credential_process")
            .expect("a profile has one");
        if command.value != wanted.command {
            self.replace(command.line, &wanted.command_line());
        }
        match (
            section.own_region(),
            section.entry("region"),
            wanted.region_line(),
        ) {
            (Some(own), _, Some(line)) if Some(own.value) != wanted.region => {
                self.replace(own.line, &line);
                self.replace(mark, &wanted.mark());
            }
            (Some(own), _, None) => {
                self.taken_out[own.line] = true;
                self.replace(mark, &wanted.mark());
            }
            (None, None, Some(line)) => {
                self.put_in
                    .push((command.line, format!("{line}{}", self.config.line_end())));
                self.replace(mark, &wanted.mark());
            }
            _ => {}
        }
    }

    /// Removes what we added to a profile. Returns whether the user's settings stay in it, with its header.
    pub(super) fn remove(&mut self, profile: &McmProfile<'_>) -> bool {
        let section = &self.config.sections[profile.section];
        let Some((mark, _)) = section.mark else {
            return true;
        };
        let command = section
            .entry("credential_process")
            .expect("a profile has one")
            .line;
        let region = section.own_region().map(|entry| entry.line);
        let others = section
            .entries
            .iter()
            .any(|entry| entry.line != command && Some(entry.line) != region);
        for line in [Some(mark), Some(command), region].into_iter().flatten() {
            self.taken_out[line] = true;
        }
        if !others {
            self.taken_out[section.header] = true;
            // The empty line above was added with it.
            if let Some(above) = section.header.checked_sub(1)
                && matches!(self.config.lines[above], "\n" | "\r\n")
            {
                self.taken_out[above] = true;
            }
        }
        others
    }

    fn replace(&mut self, line: usize, text: &str) {
        let old = self.config.lines[line];
        let end = &old[old.trim_end_matches(['\r', '\n']).len()..];
        if old != format!("{text}{end}") {
            self.taken_out[line] = true;
            self.put_in.push((line, format!("{text}{end}")));
        }
    }

    /// Whether the file was created for what is removed: nothing is left, and no line was above it.
    pub(super) fn leaves_nothing(&self) -> bool {
        self.taken_out.iter().all(|taken| *taken)
            && self.put_in.is_empty()
            && self.appended.is_empty()
            && self
                .config
                .sections
                .first()
                .is_some_and(|section| section.header == 0)
    }

    /// The lines, in order. `is_new` when there is no such file yet: an empty file begins with an empty line, so that
    /// removing everything restores it.
    pub(super) fn lines(self, is_new: bool) -> Vec<FileLine<'a>> {
        let (config, end) = (self.config, self.config.line_end());
        let mut lines = Vec::with_capacity(config.lines.len() + 5 * self.appended.len());
        for (index, line) in config.lines.iter().enumerate() {
            lines.push(if self.taken_out[index] {
                FileLine::TakenOut(line)
            } else {
                FileLine::Kept(line)
            });
            let here = self.put_in.iter().filter(|(before, _)| *before == index);
            lines.extend(here.map(|(_, line)| FileLine::PutIn(line.clone())));
        }
        let mut new: Vec<String> = Vec::new();
        for profile in &self.appended {
            if !(is_new && new.is_empty()) {
                new.push(end.to_owned());
            }
            new.extend(profile.iter().map(|line| format!("{line}{end}")));
        }
        lines.extend(new.into_iter().map(FileLine::PutIn));
        // A file without a final line end stays without one.
        let is_open = config
            .lines
            .last()
            .is_some_and(|line| !line.ends_with('\n'));
        with_ends(lines, end, is_open)
    }
}

/// Gives every remaining line its line end, and removes the last one's when `is_open`.
pub(super) fn with_ends<'a>(
    lines: Vec<FileLine<'a>>,
    end: &str,
    is_open: bool,
) -> Vec<FileLine<'a>> {
    let last = lines
        .iter()
        .rposition(|line| !matches!(line, FileLine::TakenOut(_)));
    let mut ended = Vec::with_capacity(lines.len() + 1);
    for (index, line) in lines.into_iter().enumerate() {
        let (FileLine::Kept(text) | FileLine::TakenOut(text)) = &line else {
            let FileLine::PutIn(text) = line else {
                unreachable!("the only kind that is left")
            };
            ended.push(FileLine::PutIn(with_end(
                &text,
                end,
                is_open && Some(index) == last,
            )));
            continue;
        };
        let wanted = with_end(text, end, is_open && Some(index) == last);
        if matches!(line, FileLine::TakenOut(_)) || wanted == *text {
            ended.push(line);
        } else {
            ended.extend([FileLine::TakenOut(text), FileLine::PutIn(wanted)]);
        }
    }
    ended
}

fn with_end(line: &str, end: &str, is_open: bool) -> String {
    match (line.ends_with('\n'), is_open) {
        (true, true) => line.trim_end_matches(['\r', '\n']).to_owned(),
        (false, false) => format!("{line}{end}"),
        _ => line.to_owned(),
    }
}

/// The new content.
pub(super) fn content(lines: &[FileLine<'_>]) -> String {
    let kept = lines.iter().filter_map(|line| match line {
        FileLine::Kept(line) => Some(*line),
        FileLine::PutIn(line) => Some(line.as_str()),
        FileLine::TakenOut(_) => None,
    });
    kept.collect()
}

impl Wanted<'_> {
    fn header(&self) -> String {
        if self.name == "default" {
            "[default]".to_owned()
        } else {
            format!("[profile {}]", self.name)
        }
    }

    fn mark(&self) -> String {
        let region = self
            .region
            .map(|region| format!("{MARK_REGION}{region}"))
            .unwrap_or_default();
        format!("{MARK}{region}{MARK_END}")
    }

    fn command_line(&self) -> String {
        format!("credential_process = {}", self.command)
    }

    fn region_line(&self) -> Option<String> {
        self.region.map(|region| format!("region = {region}"))
    }
}

/// Whether a comment is ours, and the region that it records.
#[expect(clippy::option_option, reason = "a mark without a region is a mark")]
fn region_of_mark(comment: &str) -> Option<Option<&str>> {
    let region = comment.strip_prefix(MARK)?.strip_suffix(MARK_END)?;
    if region.is_empty() {
        Some(None)
    } else {
        region.strip_prefix(MARK_REGION).map(Some)
    }
}

/// The account that a `credential_process` requests from `mcm`; none when it runs anything else.
pub(crate) fn asked_account(command: &str) -> Option<String> {
    asked(command).map(|(_, account)| account)
}

/// The program and the account of a `credential_process` that runs `mcm`; none when it runs anything else.
pub(crate) fn asked(command: &str) -> Option<(String, String)> {
    let [program, subcommand, account] = <[String; 3]>::try_from(words(command)?).ok()?;
    let file = program.rsplit(['/', '\\']).next()?.to_lowercase();
    let is_us = matches!(file.as_str(), "mcm" | "mcm.exe") && subcommand == "credential-process";
    (is_us && !account.is_empty()).then_some((program, account))
}

/// The words of a command as a shell splits them, without quotes; none when a quote is not closed. A backslash is
/// part of a path, as on Windows: we write no other.
fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in command.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// The value of `credential_process` that runs `program` for an account. A shell (the SDKs for Go, Java, JavaScript
/// and Rust) and botocore, which splits it itself, run the same.
///
/// # Errors
/// `setting-invalid` for a path that one of them would split.
pub(crate) fn command(program: &str, account: &str) -> Result<String, Error> {
    let is_plain =
        |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ':' | '@' | ',');
    let is_plain = |c: char| is_plain(c) || cfg!(windows) && c == '\\';
    let is_quotable = |c: char| is_plain(c) || matches!(c, ' ' | '(' | ')' | '~' | '\'');
    if program.chars().all(is_plain) {
        return Ok(format!("{program} credential-process {account}"));
    }
    // A blank before a comment sign would end the value for some clients; both signs are refused here anyway.
    if program.chars().all(is_quotable) {
        return Ok(format!("\"{program}\" credential-process {account}"));
    }
    let message = format!(
        "Some AWS clients cannot run a program whose path is {}. Move mcm, or put a link to it on PATH, in a folder with a \
         plain name: letters, digits, spaces, dots and dashes.",
        program
            .chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect::<String>()
    );
    Err(Error::new(Code::SettingInvalid, message))
}

/// Characters that some client takes for a line break, or that no user means to write.
fn is_odd(c: char) -> bool {
    c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests;
